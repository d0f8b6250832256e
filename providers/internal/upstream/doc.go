// Package upstream is the one way in which sources ask over the network. Whatever
// happens on it becomes a *[providers.SourceError] whose sentence is ours: no
// credential, no address and no text of the upstream gets past this package.
//
//	                    Client.Ask
//	                        |
//	headers of the source, no more than its redirects on its host
//	                        |
//	  no answer? -----> Service.Unreachable: TIMEOUT, NETWORK
//	                        |
//	  what the source knows of such an answer? -----> its own sentence
//	                        |
//	  no 200? --------> Service.Refused: UNAUTHORIZED, RATE_LIMITED, ...
//	                        |
//	  nothing, a page, a text, too large? -----> BAD_RESPONSE
//	                        |
//	               read, up to MaxBody bytes
//	                        |
//	  broken off, no JSON? -----> BAD_RESPONSE, with the byte where it was
//
// A [Service] makes the sentences that are the same for everybody, and is of use
// without a [Client] to a source that reads its answers as a stream; so are
// [Capped], [RetryAfter] and [Damaged]. What one upstream alone does, such as to
// say with status 403 and a word in the text what others say with 401, stays with
// its source, which explains it in Config.Explain.
//
// Every call goes through a [Transport], of which each source has one with its own
// state. From the outside in:
//
//	repeat       what may be asked twice, and failed by chance: at most twice more,
//	   |         a fifth of all questions, and within the caller's time
//	silence      until the time that a 429 or 503 named
//	   |
//	breaker      half of ten calls failed, or one hung: nobody asks for 1..30 s, and
//	   |         then one does, who hears of it (providers.WithTrial); nobody beside a
//	   |         call that is overdue. A refusal costs nanoseconds
//	limit        8 calls at once, others wait
//	   |
//	budget       providers.Budget, once for each call that is really made
//	   |
//	deadline     of one call, until its answer is read
//	   |
//	the network
//
// A call ends with its answer, not with its headers: one that stalls half-way has
// hung, and its place is taken until then. What the policies refuse is a
// *providers.SourceError like any other, with the time to come back.
//
// The limit is failsafe-go's, and so are the breaker's counting and its states.
// The rest is our own where failsafe would do something else:
//
//   - Its retry policy decides by the answer alone. Ours needs the method, what is
//     left of the caller's time, and the first failure again when there is no
//     second call; and its jitter would come before a Retry-After.
//   - Its retry budget bounds what is under way at the same time. Callers who come
//     one after the other would each repeat twice: three times the calls, not a
//     fifth more.
//   - Its timeout and its executor end with the headers.
//
// [Table] holds what is dear to fetch and changes slowly: reference data, lists
// of networks.
package upstream

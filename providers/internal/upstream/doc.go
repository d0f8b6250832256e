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
// Policies such as limits and retries belong into the transport of Config.HTTP: an
// error of theirs that is a *providers.SourceError is passed on as it is.
//
// [Table] holds what is dear to fetch and changes slowly: reference data, lists
// of networks.
package upstream

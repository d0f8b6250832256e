package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/server/access"
)

const (
	mediaEvents = "text/event-stream"

	// sendTimeout is how long a client of a stream may take to receive one
	// message before it is cut off: nothing is kept for clients that do not read.
	sendTimeout = 10 * time.Second
	// keepAlive is how often a silent stream says something: proxies close
	// connections that are silent for 30 to 60 s.
	keepAlive = 15 * time.Second
)

// streams are the connections that stay open: subscriptions. They end when the
// service does.
type streams struct {
	mu     sync.Mutex
	open   int
	max    int
	of     map[string]int // by account
	held   int            // bytes, by all subscriptions
	heldBy map[string]int // by those of each account
	closed bool
	ending chan struct{} // closed when the service ends
	wg     sync.WaitGroup
}

func newStreams(limit int) *streams {
	return &streams{max: limit, of: make(map[string]int), heldBy: make(map[string]int), ending: make(chan struct{})}
}

// enter counts a stream in, and reports whether there is room for it. Whoever
// got in calls leave.
func (s *streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open >= s.max {
		return false
	}
	s.open++
	s.wg.Add(1)
	return true
}

func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	s.wg.Done()
}

// share is the part of all streams that one caller may have: nobody takes the
// room of everybody else, and a service of a few callers is not short of it.
const share = 5

// strangersShare is the part that those may have who come from one address and have
// not yet said who they are: whoever connects again after a restart does so with
// everybody else.
const strangersShare = 2

// join counts a stream of whoever pays for it, and reports whether there is room
// for it in the share of all that a caller may have. part counts it out again.
func (s *streams) join(p *payer, share int) (part func(), ok bool) {
	if p == nil {
		return func() {}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[p.account] >= max(s.max/share, 1) {
		return nil, false
	}
	s.of[p.account]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.of[p.account]--; s.of[p.account] == 0 {
			delete(s.of, p.account)
		}
	}, true
}

const (
	// streamBytes is what a stream takes of memory, as far as subscriptions go.
	streamBytes = 40 << 10
	// subscriptionBytes is what one subscription takes, of which a stream may have
	// many, beside its text.
	subscriptionBytes = 16 << 10
	// decodedBytes is what a byte of its text takes as document and variables, which
	// stay for as long as it does.
	decodedBytes = 16
)

// hold counts the memory of a subscription whose request has size bytes.
func (s *streams) hold(p *payer, size int) (release func(), full *refusal) {
	need, most := subscriptionBytes+size*decodedBytes, max(s.max*streamBytes, maxSubscriptions*subscriptionBytes)
	account := ""
	if p != nil {
		account = p.account
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held+need > most {
		return nil, s.tooMany()
	}
	if now := s.heldBy[account] + need; p != nil && now > most/share {
		err := coded(codeRateLimited, "the subscriptions of this caller take too much memory; complete some first")
		err.Extensions["limit"], err.Extensions["max"], err.Extensions["value"] = "subscriptionBytes", most/share, now
		return nil, &refusal{http.StatusTooManyRequests, err}
	}
	s.held += need
	s.heldBy[account] += need
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held -= need
		if s.heldBy[account] -= need; s.heldBy[account] == 0 {
			delete(s.heldBy, account)
		}
	}, nil
}

// end tells every stream to end, and waits until they have or ctx ends.
func (s *streams) end(ctx context.Context) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// tooMany refuses a stream for which there is no room.
func (s *streams) tooMany() *refusal {
	return &refusal{http.StatusServiceUnavailable, coded(codeUnavailable, "there are as many streams open here as there may be; try again later")}
}

// tooManyOfCaller refuses one more stream of a caller.
func (s *streams) tooManyOfCaller() *refusal {
	most := max(s.max/share, 1)
	err := coded(codeRateLimited, "%d streams of this caller are open; close one first", most)
	err.Extensions["limit"], err.Extensions["max"], err.Extensions["value"] = "streams", most, most+1
	return &refusal{http.StatusTooManyRequests, err}
}

// prepare reads the operation that params name, and charges for it. refused, not
// nil, is its only answer. The context it returns is that of the operation.
func (s *service) prepare(ctx context.Context, method string, params *graphql.RawParams) (_ context.Context, op *graphql.OperationContext, refused *answer) {
	ctx = withOperation(graphql.StartOperationTrace(ctx), s.cfg.MaxErrors)
	defer func() {
		if v := recover(); v != nil {
			refused = s.broken(ctx, v)
		}
	}()
	if err, wait := s.chargeDocument(ctx, params.Query); err != nil {
		refused = s.refused(ctx, http.StatusTooManyRequests, err)
		refused.retryAfter = wait
		return ctx, nil, refused
	}
	op, errs := s.exec.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, op)
	switch {
	case len(errs) > 0:
		refused = s.refused(ctx, http.StatusBadRequest, nameMissing(op, sayNumbers(errs, params.Variables))...)
	case method == http.MethodGet && op.Operation.Operation == ast.Mutation:
		refused = s.refused(ctx, http.StatusMethodNotAllowed, noMutationByGET())
	case defers(op):
		refused = s.refused(ctx, http.StatusBadRequest, noPieces())
	default:
		if err, wait := s.charge(ctx, chargeOf(ctx)); err != nil {
			refused = s.refused(ctx, http.StatusTooManyRequests, err)
			refused.retryAfter = wait
		}
	}
	return ctx, op, refused
}

func (s *service) refused(ctx context.Context, status int, errs ...*gqlerror.Error) *answer {
	return &answer{status: status, response: s.exec.DispatchError(ctx, errs)}
}

// broken is the answer of an operation that panicked. Panics of resolvers end in
// their field: this is one of the executor or of a middleware, and nobody else
// catches it beside a WebSocket.
func (s *service) broken(ctx context.Context, v any) *answer {
	ctx = withOperation(ctx, s.cfg.MaxErrors) // the other errors go with the data
	return s.refused(ctx, http.StatusInternalServerError, s.panicked(ctx, v))
}

// stream executes an operation of any kind that was prepared, of a request of size
// bytes. It hands every answer to send: one of a query or a mutation, one for each
// event of a subscription. refused, not nil, is the only answer of an operation
// that was not begun, and the last one of an operation that broke. It returns when
// there is nothing more to come, when ctx ends, or when send fails.
func (s *service) stream(ctx context.Context, op *graphql.OperationContext, size int, send func(context.Context, answer) error) (refused *answer) {
	defer func() {
		if v := recover(); v != nil {
			refused = s.broken(ctx, v)
		}
	}()
	subscribed := op.Operation.Operation == ast.Subscription
	if subscribed { // it waits, mostly
		release, full := s.streams.hold(payerOf(ctx), size)
		if full != nil {
			return s.refused(ctx, full.status, full.err)
		}
		defer release()
	} else {
		leave, busy := s.enter(ctx)
		if busy != nil {
			return s.refused(ctx, busy.status, busy.err)
		}
		defer leave()
		limited, cancel := context.WithTimeout(ctx, s.cfg.OperationTimeout)
		defer cancel()
		ctx = limited
		done, busy := s.largeCost(ctx)
		if busy != nil {
			return s.refused(ctx, busy.status, busy.err)
		}
		defer done()
	}
	next, ctx := s.exec.DispatchOperation(ctx, op)
	for {
		response := next(withOperation(ctx, s.cfg.MaxErrors)) // each event has room for errors of its own
		if response == nil {
			if !subscribed && errors.Is(ctx.Err(), context.DeadlineExceeded) { // before it began
				return s.refused(ctx, http.StatusGatewayTimeout, coded(codeTimeout, timeoutMessage))
			}
			return nil
		}
		if response.Extensions == nil { // the executor lets nobody see what a subscription fails with at its beginning
			response = s.mark(ctx, func(context.Context) *graphql.Response { return response })
		}
		if send(ctx, answer{status: http.StatusOK, executed: response.Data != nil || len(response.Errors) == 0, response: response}) != nil || !subscribed {
			return nil
		}
	}
}

// wantsEvents reports whether the client asks for server-sent events.
func wantsEvents(r *http.Request) bool { return prefers(r, mediaEvents) }

// prefers reports whether the client would have media rather than JSON. Clients
// such as urql name streams with everything that they ask, behind JSON, for
// servers that have nothing else.
func prefers(r *http.Request, media string) bool {
	for _, accept := range r.Header.Values("Accept") {
		if before, _, ok := strings.Cut(accept, media); ok && !strings.Contains(before, "json") {
			return true
		}
	}
	return false
}

// serveEvents answers with server-sent events, as the GraphQL over SSE protocol
// has it for a connection of its own: events "next" with answers, then "complete".
// When the service ends there is no "complete": the client is to connect again.
func (s *service) serveEvents(w http.ResponseWriter, r *http.Request, params *graphql.RawParams, size int) {
	part, ok := s.streams.join(payerOf(r.Context()), share)
	if !ok {
		s.refuseRequest(w, r, s.streams.tooManyOfCaller())
		return
	}
	defer part()
	if !s.streams.enter() {
		s.refuseRequest(w, r, s.streams.tooMany())
		return
	}
	defer s.streams.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	e := &events{service: s, w: w, control: http.NewResponseController(w), stop: cancel}
	h := w.Header()
	h.Set("Content-Type", mediaEvents+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	_ = e.write([]byte(":\n\n")) // the stream is open
	var wg sync.WaitGroup
	wg.Go(func() { e.keepAlive(ctx, s.streams.ending) })
	expired := s.expire(ctx, cancel)
	asked, op, refused := s.prepare(ctx, r.Method, params)
	if refused == nil {
		refused = s.stream(asked, op, size, e.next)
	}
	if expired() {
		refused = s.refused(withOperation(ctx, s.cfg.MaxErrors), http.StatusUnauthorized, coded(string(access.Unauthenticated), expiredMessage))
	}
	cancel()
	wg.Wait() // nothing is said after the end
	if refused != nil {
		_ = e.next(ctx, *refused)
	}
	select {
	case <-s.streams.ending:
	default:
		_ = e.write([]byte("event: complete\ndata:\n\n"))
	}
}

// expiredMessage is for who opened a stream with a token whose time has passed.
const expiredMessage = "the token has expired; open the stream again with a new one"

// expire calls end when what identified the caller in ctx ceases to be taken: a
// stream lasts no longer than a new request of its caller would be let in. expired
// calls it off, and reports whether it was too late for that.
func (s *service) expire(ctx context.Context, end func()) (expired func() bool) {
	caller, ok := access.FromContext(ctx)
	if !ok || caller.Until.IsZero() {
		return func() bool { return false }
	}
	timer := time.AfterFunc(time.Until(caller.Until), end)
	return func() bool { return !timer.Stop() }
}

// encoded writes a as JSON. What cannot be written so, because a resolver put it
// into an error, becomes an error of ours.
func (s *service) encoded(ctx context.Context, a answer) []byte {
	pieces, err := encode(a)
	if err != nil {
		ctx = withOperation(ctx, s.cfg.MaxErrors)
		pieces, _ = encode(answer{response: s.exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)})}) // of our own words
	}
	return bytes.TrimSpace(bytes.Join(pieces[:], nil))
}

// events writes to one client; several goroutines may.
type events struct {
	service *service

	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	stop    context.CancelFunc // called when the client does not take what it is sent
	failed  error
}

func (e *events) write(text []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed != nil {
		return e.failed
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(sendTimeout)) // where it is supported
	if _, e.failed = e.w.Write(text); e.failed == nil {
		e.failed = e.control.Flush()
	}
	if e.failed != nil {
		e.stop()
		return e.failed
	}
	_ = e.control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream whose deadline passes, be it silent
	return nil
}

func (e *events) next(ctx context.Context, a answer) error {
	text := append([]byte("event: next\ndata: "), e.service.encoded(ctx, a)...) // JSON of ours has no line breaks
	return e.write(append(text, "\n\n"...))
}

// keepAlive says something now and then until ctx ends, and ends the stream when
// the service does.
func (e *events) keepAlive(ctx context.Context, ending <-chan struct{}) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ending:
			e.stop()
			return
		case <-tick.C:
			_ = e.write([]byte(": still here\n\n")) // which ends the stream when it fails
		}
	}
}

func noMutationByGET() *gqlerror.Error {
	return coded(codeBadUserInput, "GET is for queries only; send a mutation with POST")
}

// nameMissing puts what the executor says of an operation that is not in the
// document into words.
func nameMissing(op *graphql.OperationContext, errs gqlerror.List) gqlerror.List {
	if op.Doc != nil && op.Operation == nil { // "operation  not found"
		errs[0].Message = "the document has no operation of that name; set operationName to one that it has"
	}
	return errs
}

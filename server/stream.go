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
	closed bool
	ending chan struct{} // closed when the service ends
	wg     sync.WaitGroup
}

func newStreams(limit int) *streams {
	return &streams{max: limit, of: make(map[string]int), ending: make(chan struct{})}
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

// join counts a stream of whoever pays for it, and reports whether there is room
// for it among the caller's own. part counts it out again.
func (s *streams) join(p *payer) (part func(), ok bool) {
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

// stream executes an operation of any kind. It hands every answer to send: one
// of a query or a mutation, one for each event of a subscription. refused, not
// nil, is the only answer of an operation that was not begun, and the last one of
// an operation that broke. It returns when there is nothing more to come, when ctx
// ends, or when send fails.
func (s *service) stream(ctx context.Context, method string, params *graphql.RawParams, send func(context.Context, answer) error) (refused *answer) {
	ctx = withOperation(graphql.StartOperationTrace(ctx), s.cfg.MaxErrors)
	refuse := func(ctx context.Context, status int, errs ...*gqlerror.Error) *answer {
		return &answer{status: status, response: s.exec.DispatchError(ctx, errs)}
	}
	// Panics of resolvers end in their field. One that arrives here is that of the
	// executor or of a middleware; nobody else catches it beside a WebSocket.
	defer func() {
		if v := recover(); v != nil {
			ctx = withOperation(ctx, s.cfg.MaxErrors) // the other errors go with the data
			refused = refuse(ctx, http.StatusInternalServerError, s.panicked(ctx, v))
		}
	}()
	op, errs := s.exec.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, op)
	switch {
	case len(errs) > 0:
		return refuse(ctx, http.StatusBadRequest, nameMissing(op, errs)...)
	case method == http.MethodGet && op.Operation.Operation == ast.Mutation:
		return refuse(ctx, http.StatusMethodNotAllowed, noMutationByGET())
	case defers(op):
		return refuse(ctx, http.StatusBadRequest, noPieces())
	}
	subscribed := op.Operation.Operation == ast.Subscription
	if !subscribed { // a subscription waits, mostly: its stream is counted instead
		leave, busy := s.enter(ctx)
		if busy != nil {
			return refuse(ctx, busy.status, busy.err)
		}
		defer leave()
		limited, cancel := context.WithTimeout(ctx, s.cfg.OperationTimeout)
		defer cancel()
		ctx = limited
	}
	if err, wait := s.charge(ctx, chargeOf(ctx)); err != nil {
		refused = refuse(ctx, http.StatusTooManyRequests, err)
		refused.retryAfter = wait
		return refused
	}
	next, ctx := s.exec.DispatchOperation(ctx, op)
	for {
		response := next(withOperation(ctx, s.cfg.MaxErrors)) // each event has room for errors of its own
		if response == nil {
			if !subscribed && errors.Is(ctx.Err(), context.DeadlineExceeded) { // before it began
				return refuse(ctx, http.StatusGatewayTimeout, coded(codeTimeout, timeoutMessage))
			}
			return nil
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
func (s *service) serveEvents(w http.ResponseWriter, r *http.Request, params *graphql.RawParams) {
	part, ok := s.streams.join(payerOf(r.Context()))
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
	refused := s.stream(ctx, r.Method, params, e.next)
	if refused != nil {
		_ = e.next(ctx, *refused)
	}
	select {
	case <-s.streams.ending:
	default:
		_ = e.write([]byte("event: complete\ndata:\n\n"))
	}
	cancel()
	wg.Wait()
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

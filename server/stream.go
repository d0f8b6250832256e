package server

import (
	"bytes"
	"context"
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
	closed bool
	ending chan struct{} // closed when the service ends
	wg     sync.WaitGroup
}

func newStreams(limit int) *streams { return &streams{max: limit, ending: make(chan struct{})} }

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

// tooManyStreams refuses a stream for which there is no room.
func (s *streams) tooMany() *refusal {
	return &refusal{http.StatusServiceUnavailable, coded(codeUnavailable, "there are as many streams open here as there may be; try again later")}
}

// stream executes an operation of any kind. It hands every answer to send: one
// of a query or a mutation, one for each event of a subscription. refused, not
// nil, is the only answer, of an operation that was not begun. It returns when
// there is nothing more to come, when ctx ends, or when send fails.
func (s *service) stream(ctx context.Context, method string, params *graphql.RawParams, send func(answer) error) (refused *answer) {
	ctx = withOperation(graphql.StartOperationTrace(ctx), s.cfg.MaxErrors)
	op, errs := s.exec.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, op)
	if len(errs) > 0 {
		return &answer{status: http.StatusBadRequest, response: s.exec.DispatchError(ctx, nameMissing(op, errs))}
	}
	if method == http.MethodGet && op.Operation.Operation == ast.Mutation {
		return &answer{status: http.StatusMethodNotAllowed, response: s.exec.DispatchError(ctx, gqlerror.List{noMutationByGET()})}
	}
	if defers(op) {
		return &answer{status: http.StatusBadRequest, response: s.exec.DispatchError(ctx, gqlerror.List{noPieces()})}
	}
	if err, wait := s.charge(ctx, chargeOf(ctx)); err != nil {
		return &answer{status: http.StatusTooManyRequests, retryAfter: wait, response: s.exec.DispatchError(ctx, gqlerror.List{err})}
	}
	if op.Operation.Operation != ast.Subscription {
		limited, cancel := context.WithTimeout(ctx, s.cfg.OperationTimeout)
		defer cancel()
		ctx = limited
	}
	next, ctx := s.exec.DispatchOperation(ctx, op)
	for {
		response := next(withOperation(ctx, s.cfg.MaxErrors)) // each event has room for errors of its own
		if response == nil || send(answer{status: http.StatusOK, executed: response.Data != nil || len(response.Errors) == 0, response: response}) != nil {
			return nil
		}
		if op.Operation.Operation != ast.Subscription {
			return nil
		}
	}
}

// wantsEvents reports whether the client asks for server-sent events.
func wantsEvents(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, mediaEvents) {
			return true
		}
	}
	return false
}

// serveEvents answers with server-sent events, as the GraphQL over SSE protocol
// has it for a connection of its own: events "next" with answers, then "complete".
func (s *service) serveEvents(w http.ResponseWriter, r *http.Request, params *graphql.RawParams) {
	if !s.streams.enter() {
		s.refuseRequest(w, r, s.streams.tooMany())
		return
	}
	defer s.streams.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	e := &events{w: w, control: http.NewResponseController(w), stop: cancel}
	h := w.Header()
	h.Set("Content-Type", mediaEvents+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	e.write([]byte(":\n\n")) // the stream is open
	var wg sync.WaitGroup
	wg.Go(func() { e.keepAlive(ctx, s.streams.ending) })
	refused := s.stream(ctx, r.Method, params, e.next)
	if refused != nil {
		_ = e.next(*refused)
	}
	e.write([]byte("event: complete\ndata:\n\n"))
	cancel()
	wg.Wait()
}

// events writes to one client; several goroutines may.
type events struct {
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
	}
	return e.failed
}

func (e *events) next(a answer) error {
	pieces, err := encode(a)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	text.WriteString("event: next\ndata: ")
	for _, p := range pieces {
		text.Write(bytes.TrimRight(p, "\n"))
	}
	text.WriteString("\n\n")
	return e.write(text.Bytes())
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
			e.write([]byte(": still here\n\n"))
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

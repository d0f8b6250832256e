package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"golang.org/x/time/rate"

	"chargegraph/server/access"
)

const (
	// subprotocol is the one of graphql-ws, which Apollo, Relay and urql speak.
	subprotocol = "graphql-transport-ws"
	// initTimeout is how long a client may take to introduce itself.
	initTimeout = 10 * time.Second
	// maxSubscriptions bounds the operations of one connection: a page with a
	// map and a list needs a handful.
	maxSubscriptions = 100
	// maxSocketMessage bounds a message: an operation waits in memory for as long as
	// its sender likes to take. Longer ones go by POST.
	maxSocketMessage = largeText
	// messagesPerSecond and messagesAtOnce are how many messages of one connection are
	// taken: as many as may run begin and complete at once, and then few. Pings cost
	// their sender nothing otherwise.
	messagesPerSecond = 20
	messagesAtOnce    = 2 * maxSubscriptions
	// shortestRest and longestRest are how long nothing is taken from a client that has
	// asked for more than it may: else it would ask again at once, by a hundred messages
	// that lie ready, each of which is read before it is refused. The longest is short
	// enough for a client that waits for a pong.
	shortestRest = 500 * time.Millisecond
	longestRest  = time.Second
)

// The close codes of the protocol, and one for what it has none for.
const (
	closeBadMessage   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeForbidden    websocket.StatusCode = 4403
	closeInitTimeout  websocket.StatusCode = 4408
	closeNotUnique    websocket.StatusCode = 4409
	closeInitTwice    websocket.StatusCode = 4429
	closeUnknownProto websocket.StatusCode = 4406
)

// message is one of the protocol, in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// serveSocket speaks graphql-transport-ws with one client, until one of them or
// the service ends.
func (s *service) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.streams.enter() {
		s.refuseRequest(w, r, s.streams.tooMany())
		return
	}
	defer s.streams.leave()
	// Whoever has not said who he is counts for where he comes from.
	known, ok := s.streams.join(s.stranger(r), strangersShare)
	if !ok {
		s.refuseRequest(w, r, s.streams.tooMany())
		return
	}
	known = sync.OnceFunc(known)
	defer known()
	// Accept refuses a page of another origin: a browser lets any page open a socket.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, OriginPatterns: s.cfg.CORS.Origins})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeUnknownProto, "speak "+subprotocol)
		return
	}
	conn.SetReadLimit(min(s.cfg.MaxBodyBytes, maxSocketMessage))
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &socket{service: s, conn: conn, request: r, running: make(map[string]*subscriber), stop: cancel, known: known, pace: rate.NewLimiter(messagesPerSecond, messagesAtOnce)}
	c.wg.Go(func() { c.keepAlive(ctx) })
	c.read(ctx)
	cancel()
	c.wg.Wait()
}

// stranger is who is counted for a client that has not said who he is; nil where
// it is not known where he comes from.
func (s *service) stranger(r *http.Request) *payer {
	remote := s.remoteOf(r)
	if !remote.IsValid() {
		return nil
	}
	return &payer{account: access.Caller{ID: "stranger", Kind: access.Anonymous}.Account(remote)}
}

// socket is one client's connection.
type socket struct {
	service *service
	conn    *websocket.Conn
	request *http.Request
	stop    context.CancelFunc
	known   func() // called once it is known who the client is
	pace    *rate.Limiter
	wg      sync.WaitGroup

	mu      sync.Mutex
	running map[string]*subscriber // by id
}

// subscriber is an operation under way, under an id that the client may use again
// as soon as it has completed this one.
type subscriber struct {
	id     string
	cancel context.CancelFunc
}

// read takes messages until the connection ends.
func (c *socket) read(ctx context.Context) {
	payload, ok := c.initialised(ctx)
	if !ok {
		return
	}
	ctx, err := c.introduced(ctx, payload)
	if err != nil {
		c.close(closeForbidden, "Forbidden")
		return
	}
	part, ok := c.service.streams.join(payerOf(ctx), share)
	if !ok {
		c.close(websocket.StatusTryAgainLater, "too many connections of this caller are open")
		return
	}
	defer part()
	c.known()
	// Clients take it for a reason to connect again, with a new token.
	defer c.service.expire(ctx, func() { c.close(closeForbidden, "the token has expired") })()
	if c.send(ctx, message{Type: "connection_ack"}) != nil {
		return
	}
	for {
		m, ok := c.receive(ctx)
		if !ok {
			return
		}
		switch m.Type {
		case "ping":
			if c.send(ctx, message{Type: "pong", Payload: m.Payload}) != nil {
				return
			}
		case "pong":
		case "subscribe":
			if !c.subscribe(ctx, m) {
				return
			}
		case "complete":
			c.mu.Lock()
			if op := c.running[m.ID]; op != nil {
				op.cancel()
				delete(c.running, m.ID)
			}
			c.mu.Unlock()
		case "connection_init":
			c.close(closeInitTwice, "Too many initialisation requests")
			return
		default:
			c.close(closeBadMessage, "Invalid message received")
			return
		}
	}
}

// initialised waits for the message with which a client introduces itself; pings
// may come before it.
func (c *socket) initialised(ctx context.Context) (payload json.RawMessage, ok bool) {
	// A context that ends would break the connection without a word.
	late := time.AfterFunc(initTimeout, func() { c.close(closeInitTimeout, "Connection initialisation timeout") })
	defer late.Stop()
	for {
		m, ok := c.receive(ctx)
		if !ok {
			return nil, false
		}
		switch m.Type {
		case "connection_init":
			return m.Payload, true
		case "ping":
			if c.send(ctx, message{Type: "pong", Payload: m.Payload}) != nil {
				return nil, false
			}
		case "pong":
		case "subscribe":
			c.close(closeUnauthorized, "Unauthorized")
			return nil, false
		default:
			c.close(closeBadMessage, "Invalid message received")
			return nil, false
		}
	}
}

// introduced returns the context of a client that has said who it is: by its
// first message, else by the headers of the request.
func (c *socket) introduced(ctx context.Context, payload json.RawMessage) (context.Context, error) {
	var said struct {
		Authorization string `json:"authorization"` // in any letter case
	}
	if len(payload) > 0 && json.Unmarshal(payload, &said) != nil {
		return nil, errors.New("the payload of connection_init is no object, or its authorization no string")
	}
	gate := c.service.cfg.Access
	if gate == nil {
		return ctx, nil
	}
	var caller access.Caller
	var err error
	if said.Authorization != "" {
		caller, err = gate.IdentifyToken(ctx, said.Authorization)
	} else {
		caller, err = gate.Identify(ctx, c.request.Header)
	}
	if err != nil {
		return nil, err
	}
	return c.service.asCaller(ctx, caller, c.request), nil
}

// receive returns the next message; ok is false when there is none, because the
// connection has ended or is closed for what came. A client that sends messages
// without end waits for itself.
func (c *socket) receive(ctx context.Context) (m message, ok bool) {
	if c.pace.Wait(ctx) != nil {
		return m, false
	}
	kind, reader, err := c.conn.Reader(ctx) // which waits until one begins
	var text []byte
	if err == nil {
		late := time.AfterFunc(bodyTimeout, func() { c.close(closeBadMessage, "the message did not arrive in time") })
		text, err = io.ReadAll(reader)
		late.Stop()
	}
	switch {
	case err != nil:
		return m, false
	case kind != websocket.MessageText || json.Unmarshal(text, &m) != nil:
		c.close(closeBadMessage, "Invalid message received")
		return m, false
	}
	return m, true
}

// subscribe begins an operation, and reports whether the connection goes on.
func (c *socket) subscribe(ctx context.Context, m message) bool {
	if err, wait := c.service.charge(ctx, float64(len(m.Payload)/textPerCost)); err != nil && m.ID != "" {
		c.rest(ctx, wait)
		return c.sendErrors(ctx, m.ID, gqlerror.List{err}) == nil
	}
	params, refused := parseBody(m.Payload)
	if refused != nil || m.ID == "" {
		c.close(closeBadMessage, "Invalid message received")
		return false
	}
	params.Headers = c.request.Header
	params.ReadTime = graphql.TraceTiming{Start: time.Now(), End: time.Now()}
	ctx, cancel := context.WithCancel(ctx)
	op := &subscriber{id: m.ID, cancel: cancel}
	c.mu.Lock()
	taken := c.running[m.ID] != nil
	full := len(c.running) >= maxSubscriptions
	if !taken && !full {
		c.running[m.ID] = op
	}
	c.mu.Unlock()
	if taken {
		cancel()
		c.close(closeNotUnique, "Subscriber for "+clipReason(m.ID)+" already exists")
		return false
	}
	if full {
		cancel()
		err := coded(codeUnavailable, "one connection may have %d operations under way; complete some first", maxSubscriptions)
		return c.sendErrors(ctx, m.ID, gqlerror.List{err}) == nil
	}
	// It is read before the next message is: a client that sends operations without
	// end waits for itself.
	ctx, operation, denied := c.service.prepare(ctx, http.MethodPost, params)
	if denied != nil {
		c.rest(ctx, denied.retryAfter)
	}
	c.wg.Go(func() {
		defer cancel()
		if denied == nil {
			denied = c.service.stream(ctx, operation, len(m.Payload), func(ctx context.Context, a answer) error { return c.next(ctx, op, a) })
		}
		if !c.leave(op) {
			return
		}
		if denied != nil {
			_ = c.sendErrors(ctx, op.id, denied.response.Errors)
			return
		}
		_ = c.send(ctx, message{ID: op.id, Type: "complete"})
	})
	return true
}

// rest takes no further message for a moment, from a client that has asked for more
// than it may.
func (c *socket) rest(ctx context.Context, wait time.Duration) {
	if wait == 0 {
		return
	}
	timer := time.NewTimer(min(max(wait, shortestRest), longestRest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// leave forgets an operation that has ended, and reports whether the client is to
// hear of it: not when it has completed the operation itself.
func (c *socket) leave(op *subscriber) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[op.id] != op { // the id may be another one's by now
		return false
	}
	delete(c.running, op.id)
	return true
}

// errCompleted says that the client wants no more of an operation.
var errCompleted = errors.New("completed by the client")

func (c *socket) next(ctx context.Context, op *subscriber, a answer) error {
	c.mu.Lock()
	wanted := c.running[op.id] == op
	c.mu.Unlock()
	if !wanted {
		return errCompleted
	}
	return c.send(ctx, message{ID: op.id, Type: "next", Payload: c.service.encoded(ctx, a)})
}

func (c *socket) sendErrors(ctx context.Context, id string, errs gqlerror.List) error {
	payload, err := json.Marshal(errs)
	if err != nil {
		return err
	}
	return c.send(ctx, message{ID: id, Type: "error", Payload: payload})
}

// send sends m, and ends the connection with a client that does not take it.
func (c *socket) send(ctx context.Context, m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	// That the operation ended must not break the connection.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	if err = c.conn.Write(ctx, websocket.MessageText, text); err != nil {
		c.stop()
	}
	return err
}

// keepAlive sees that the client is there, and says good-bye when the service ends.
func (c *socket) keepAlive(ctx context.Context) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.service.streams.ending:
			c.close(websocket.StatusGoingAway, "the service is stopping; connect again")
			return
		case <-tick.C:
			answered, cancel := context.WithTimeout(ctx, sendTimeout)
			err := c.conn.Ping(answered)
			cancel()
			if err != nil {
				c.stop()
				return
			}
		}
	}
}

// close ends the connection with a reason.
func (c *socket) close(code websocket.StatusCode, reason string) {
	_ = c.conn.Close(code, reason)
	c.stop()
}

// clipReason keeps what a client sent short enough for a close frame, and UTF-8.
func clipReason(text string) string {
	const longest = 60 // of the 123 bytes that a frame has
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

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
	// Accept refuses a page of another origin: a browser lets any page open a socket.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, OriginPatterns: s.cfg.CORS.socketOrigins()})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to do with it
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeUnknownProto, "speak "+subprotocol)
		return
	}
	conn.SetReadLimit(s.cfg.MaxBodyBytes)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &socket{service: s, conn: conn, request: r, running: make(map[string]context.CancelFunc), stop: cancel}
	c.wg.Go(func() { c.keepAlive(ctx) })
	c.read(ctx)
	cancel()
	c.wg.Wait()
}

// socket is one client's connection.
type socket struct {
	service *service
	conn    *websocket.Conn
	request *http.Request
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu      sync.Mutex
	running map[string]context.CancelFunc // by id
}

// read takes messages until the connection ends.
func (c *socket) read(ctx context.Context) {
	first, ok := c.receive(ctx, initTimeout)
	switch {
	case !ok:
		return
	case first.Type != "connection_init":
		c.close(closeUnauthorized, "Unauthorized")
		return
	}
	ctx, err := c.introduced(ctx, first.Payload)
	if err != nil {
		c.close(closeForbidden, "Forbidden")
		return
	}
	if c.send(message{Type: "connection_ack"}) != nil {
		return
	}
	for {
		m, ok := c.receive(ctx, 0)
		if !ok {
			return
		}
		switch m.Type {
		case "ping":
			if c.send(message{Type: "pong", Payload: m.Payload}) != nil {
				return
			}
		case "pong":
		case "subscribe":
			if !c.subscribe(ctx, m) {
				return
			}
		case "complete":
			c.mu.Lock()
			if cancel := c.running[m.ID]; cancel != nil {
				cancel()
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
// connection has ended or is closed for what came.
func (c *socket) receive(ctx context.Context, within time.Duration) (m message, ok bool) {
	if within > 0 { // a context that ends would break the connection without a word
		late := time.AfterFunc(within, func() { c.close(closeInitTimeout, "Connection initialisation timeout") })
		defer late.Stop()
	}
	kind, text, err := c.conn.Read(ctx)
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
	params, refused := parseBody(m.Payload)
	if refused != nil || m.ID == "" {
		c.close(closeBadMessage, "Invalid message received")
		return false
	}
	params.Headers = c.request.Header
	params.ReadTime = graphql.TraceTiming{Start: time.Now(), End: time.Now()}
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	_, taken := c.running[m.ID]
	full := len(c.running) >= maxSubscriptions
	if !taken && !full {
		c.running[m.ID] = cancel
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
		return c.sendErrors(m.ID, gqlerror.List{err}) == nil
	}
	c.wg.Go(func() {
		defer cancel()
		refused := c.service.stream(ctx, http.MethodPost, params, func(a answer) error { return c.next(m.ID, a) })
		c.mu.Lock()
		asked := c.running[m.ID] != nil // else the client has completed it itself
		delete(c.running, m.ID)
		c.mu.Unlock()
		switch {
		case refused != nil:
			_ = c.sendErrors(m.ID, refused.response.Errors)
		case asked:
			_ = c.send(message{ID: m.ID, Type: "complete"})
		}
	})
	return true
}

func (c *socket) next(id string, a answer) error {
	pieces, err := encode(a)
	if err != nil {
		return err
	}
	return c.send(message{ID: id, Type: "next", Payload: bytes.TrimSpace(bytes.Join(pieces[:], nil))})
}

func (c *socket) sendErrors(id string, errs gqlerror.List) error {
	payload, err := json.Marshal(errs)
	if err != nil {
		return err
	}
	return c.send(message{ID: id, Type: "error", Payload: payload})
}

// send sends m, and ends the connection with a client that does not take it.
func (c *socket) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	// Not the operation's context: that it ended must not break the connection.
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
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

// clipReason keeps what a client sent short enough for a close frame.
func clipReason(text string) string {
	const longest = 60 // of the 123 bytes that a frame has
	if len(text) > longest {
		return text[:longest]
	}
	return text
}

package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"chargegraph/graph"
	"chargegraph/providers"
	"chargegraph/server"
	"chargegraph/server/access"
)

// client is one end of a WebSocket.
type client struct {
	tb   testing.TB
	conn *websocket.Conn
}

// dial opens a socket and introduces nobody; headers are names and values in turn.
func (s *streaming) dial(tb testing.TB, headers ...string) *client {
	tb.Helper()
	conn, res, err := s.tryDial(tb, headers...) //nolint:bodyclose // the library closes it
	if err != nil {
		tb.Fatalf("%v (%v)", err, res)
	}
	tb.Cleanup(func() { _ = conn.CloseNow() })
	return &client{tb, conn}
}

func (s *streaming) tryDial(tb testing.TB, headers ...string) (*websocket.Conn, *http.Response, error) {
	tb.Helper()
	opts := &websocket.DialOptions{HTTPClient: s.client, Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		opts.HTTPHeader.Set(headers[i], headers[i+1])
	}
	if protocol := opts.HTTPHeader.Get("Subprotocol"); protocol != "" {
		opts.Subprotocols = []string{protocol}
	}
	return websocket.Dial(tb.Context(), streamBase+"/graphql", opts)
}

// open opens a socket and introduces itself with a payload, "" for none.
func (s *streaming) open(tb testing.TB, payload string, headers ...string) *client {
	tb.Helper()
	c := s.dial(tb, headers...)
	if payload != "" {
		payload = `,"payload":` + payload
	}
	c.send(`{"type":"connection_init"` + payload + `}`)
	c.want(`{"type":"connection_ack"}`)
	return c
}

func (c *client) send(text string) {
	c.tb.Helper()
	if err := c.conn.Write(c.tb.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.tb.Fatalf("send %s: %v", text, err)
	}
}

func (c *client) subscribe(id, document string) {
	c.tb.Helper()
	text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]string{"query": document}})
	if err != nil {
		c.tb.Fatal(err)
	}
	c.send(string(text))
}

// want reads a message and compares its beginning.
func (c *client) want(text string) {
	c.tb.Helper()
	_, got, err := c.conn.Read(c.tb.Context())
	if err != nil || !strings.HasPrefix(string(got), text) {
		c.tb.Fatalf("message is %s (%v), want %s", got, err, text)
	}
}

// wantClosed reads to the end of the connection.
func (c *client) wantClosed(code websocket.StatusCode, reason string) {
	c.tb.Helper()
	_, got, err := c.conn.Read(c.tb.Context())
	if err == nil {
		c.tb.Fatalf("message is %s, want the end with %d", got, code)
	}
	if status := websocket.CloseStatus(err); status != code || !strings.Contains(err.Error(), reason) {
		c.tb.Fatalf("it ended with %v, want %d and %q", err, code, reason)
	}
}

func TestWebSocket_Protocol(t *testing.T) {
	t.Parallel()
	bubbled(t, "who does not introduce himself is sent away", func(t bubble) {
		s := newStreaming(t)
		began := time.Now()
		s.dial(t).wantClosed(4408, "Connection initialisation timeout")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("after %v, want 10 s", took)
		}
	})
	bubbled(t, "pings do not put that off", func(t bubble) {
		s := newStreaming(t)
		c := s.dial(t)
		began := time.Now()
		for range 3 {
			<-time.After(3 * time.Second)
			c.send(`{"type":"ping"}`)
			c.want(`{"type":"pong"}`)
		}
		c.wantClosed(4408, "")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("after %v, want 10 s", took)
		}
	})
	for name, c := range map[string]struct {
		before  string // "" for a client that is introduced
		message string
		code    websocket.StatusCode
		reason  string
	}{
		"subscribe before the acknowledgement":   {"nobody", `{"id":"1","type":"subscribe","payload":{"query":"{__typename}"}}`, 4401, "Unauthorized"},
		"something else before":                  {"nobody", `{"id":"1","type":"complete"}`, 4400, "Invalid message"},
		"no JSON before":                         {"nobody", `hello`, 4400, "Invalid message"},
		"a second introduction":                  {"", `{"type":"connection_init"}`, 4429, "Too many initialisation requests"},
		"no JSON":                                {"", `{"type":`, 4400, "Invalid message"},
		"a type that is none":                    {"", `{"type":"start"}`, 4400, "Invalid message"},
		"no type":                                {"", `{}`, 4400, "Invalid message"},
		"subscribe without an id":                {"", `{"type":"subscribe","payload":{"query":"{__typename}"}}`, 4400, "Invalid message"},
		"subscribe without a payload":            {"", `{"id":"1","type":"subscribe"}`, 4400, "Invalid message"},
		"subscribe without a document":           {"", `{"id":"1","type":"subscribe","payload":{"query":""}}`, 4400, "Invalid message"},
		"subscribe with variables that are none": {"", `{"id":"1","type":"subscribe","payload":{"query":"{__typename}","variables":[1]}}`, 4400, "Invalid message"},
		"a message that is too long":             {"", `{"type":"ping","payload":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`, websocket.StatusMessageTooBig, ""},
	} {
		bubbled(t, name+" ends the connection", func(t bubble) {
			s := newStreaming(t)
			var w *client
			if c.before != "" {
				w = s.dial(t)
			} else {
				w = s.open(t, "")
			}
			go w.conn.Write(t.Context(), websocket.MessageText, []byte(c.message)) //nolint:errcheck // it may be cut off
			w.wantClosed(c.code, c.reason)
		})
	}
	bubbled(t, "a binary message ends the connection", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		if err := c.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
			t.Fatal(err)
		}
		c.wantClosed(4400, "Invalid message")
	})
	bubbled(t, "two operations of one id end the connection", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		id := strings.Repeat("é", 100) // cut in the middle of a letter, it would be no text
		c.subscribe(id, watchDocument)
		w := <-s.subscribed
		c.subscribe(id, watchDocument)
		c.wantClosed(4409, "Subscriber for é")
		<-w.ctx.Done()
	})
	bubbled(t, "pings are answered, with what they bear", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.send(`{"type":"ping","payload":{"at":7}}`)
		c.want(`{"type":"pong","payload":{"at":7}}`)
		c.send(`{"type":"pong"}`)
		c.send(`{"type":"ping"}`)
		c.want(`{"type":"pong"}`)
	})
	bubbled(t, "another protocol is refused", func(t bubble) {
		s := newStreaming(t)
		s.dial(t, "Subprotocol", "graphql-ws").wantClosed(4406, "graphql-transport-ws")
	})
}

func TestWebSocket_Operations(t *testing.T) {
	t.Parallel()
	bubbled(t, "a subscription sends each event and completes", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("a", watchDocument)
		w := <-s.subscribed
		for _, state := range []providers.CheckInState{providers.CheckInAccepted, providers.CheckInDelivered} {
			w.happen(state)
			c.want(fmt.Sprintf(`{"id":"a","type":"next","payload":{"data":{"checkInUpdated":{"id":"x","state":"%s"}}`, state))
		}
		close(w.changes)
		c.want(`{"id":"a","type":"complete"}`)
	})
	bubbled(t, "queries and mutations are answered too", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("q", askDocument)
		c.want(`{"id":"q","type":"next","payload":{"data":{"operator":{"title":"1"}}`)
		c.want(`{"id":"q","type":"complete"}`)
		c.subscribe("q", `mutation { retryCheckIn(id: "x") { checkIn { id } } }`)
		c.want(`{"id":"q","type":"next","payload":{"data":{"retryCheckIn":{"checkIn":{"id":"x"}}}`)
		c.want(`{"id":"q","type":"complete"}`)
	})
	bubbled(t, "what is refused is an error, and the connection goes on", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("1", `{ nothing }`)
		c.want(`{"id":"1","type":"error","payload":[{"message":"Cannot query field`)
		c.subscribe("1", `subscription { checkInUpdated(id: "refused") { id } }`)
		c.want(`{"id":"1","type":"next","payload":{"errors":[{"message":"`) // it was executed
		c.want(`{"id":"1","type":"complete"}`)
		c.subscribe("1", askDocument)
		c.want(`{"id":"1","type":"next","payload":{"data"`)
	})
	bubbled(t, "complete ends an operation, and its id may be used again at once", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("a", watchDocument)
		first := <-s.subscribed
		c.send(`{"id":"a","type":"complete"}`)
		c.subscribe("a", watchDocument)
		<-first.ctx.Done()
		second := <-s.subscribed
		close(first.changes)                   // which ends the first one only now
		c.send(`{"id":"b","type":"complete"}`) // of none: it is passed over
		second.happen(providers.CheckInDelivered)
		c.want(`{"id":"a","type":"next"`)
		close(second.changes)
		c.want(`{"id":"a","type":"complete"}`)
	})
	bubbled(t, "the end of the connection ends its operations", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		var all []*watched
		for i := range 3 {
			c.subscribe(fmt.Sprint(i), watchDocument)
			all = append(all, <-s.subscribed)
		}
		_ = c.conn.CloseNow()
		for _, w := range all {
			<-w.ctx.Done()
		}
	})
	bubbled(t, "one connection has a hundred operations at most", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		for i := range 100 {
			c.subscribe(fmt.Sprint(i), watchDocument)
		}
		c.subscribe("one more", watchDocument)
		c.want(`{"id":"one more","type":"error","payload":[{"message":"one connection may have 100 operations under way`)
		c.send(`{"id":"7","type":"complete"}`)
		c.subscribe("one more", askDocument)
		c.want(`{"id":"one more","type":"next"`)
	})
	bubbled(t, "operations that compute count as under way, subscriptions do not", func(t bubble) {
		release := make(chan struct{})
		s := newStreaming(t, gated(true), func(c *server.Config) {
			c.Schema = graph.NewExecutableSchema(graph.Config{Resolvers: streamRoot{subscribed: make(chan *watched, 20), operator: func(ctx context.Context, id string) (*providers.Operator, error) {
				<-release
				return titled(ctx, id)
			}}})
		})
		c := s.open(t, "")
		for i := range 15 {
			c.subscribe(fmt.Sprint("s", i), watchDocument)
		}
		for i := range 10 {
			c.subscribe(fmt.Sprint("q", i), askDocument)
		}
		synctest.Wait()
		c.subscribe("q10", askDocument)
		c.want(`{"id":"q10","type":"error","payload":[{"message":"10 operations of this caller are under way`)
		close(release)
		for range 20 {
			c.want(`{"id":"q`)
		}
	})
	bubbled(t, "a middleware that panics ends its operation alone", func(t bubble) {
		s := newStreaming(t, panicking)
		c := s.open(t, "")
		for range 2 {
			c.subscribe("1", askDocument)
			c.want(`{"id":"1","type":"error","payload":[{"message":"`)
		}
		if s.book.String() == "" || !strings.Contains(s.book.String(), "of a middleware") {
			t.Error("nobody is told of the panic")
		}
	})
}

func TestWebSocket_WhoIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		anonymous bool
		payload   string
		header    string
		refused   bool
	}{
		"a key in the payload":                      {payload: `{"authorization":"Bearer app.secret"}`},
		"a key in the payload, as Apollo writes it": {payload: `{"Authorization":"Bearer app.secret","other":1}`},
		"a key in the headers":                      {header: "Bearer app.secret"},
		"the payload wins":                          {payload: `{"authorization":"Bearer app.secret"}`, header: "Bearer app.wrong"},
		"nobody, where nobody may read":             {refused: true},
		"nobody, where anybody may":                 {anonymous: true},
		"a wrong key in the payload":                {anonymous: true, payload: `{"authorization":"Bearer app.wrong"}`, refused: true},
		"a wrong key in the headers":                {anonymous: true, header: "Bearer app.wrong", refused: true},
		"a payload that is none":                    {anonymous: true, payload: `["Bearer app.secret"]`, refused: true},
		"an authorization that is no text":          {anonymous: true, payload: `{"authorization":7}`, refused: true},
	} {
		bubbled(t, name, func(t bubble) {
			s := newStreaming(t, gated(c.anonymous))
			var headers []string
			if c.header != "" {
				headers = []string{"Authorization", c.header}
			}
			if !c.refused {
				w := s.open(t, c.payload, headers...)
				w.subscribe("1", askDocument)
				w.want(`{"id":"1","type":"next"`)
				return
			}
			w := s.dial(t, headers...)
			if c.payload == "" {
				c.payload = "{}"
			}
			w.send(`{"type":"connection_init","payload":` + c.payload + `}`)
			w.wantClosed(4403, "Forbidden")
		})
	}
	bubbled(t, "pages of other origins are refused, but for those that are named", func(t bubble) {
		s := newStreaming(t, func(c *server.Config) { c.CORS.Origins = []string{"https://app.example.com", "https://*.example.org"} })
		for origin, allowed := range map[string]bool{
			"": true, streamBase: true, "https://app.example.com": true, "https://map.example.org": true,
			"http://app.example.com": false, "https://evil.example": false, "https://app.example.com.evil.example": false, "null": false,
		} {
			var headers []string
			if origin != "" {
				headers = []string{"Origin", origin}
			}
			conn, res, err := s.tryDial(t, headers...) //nolint:bodyclose // the library closes it
			if (err == nil) != allowed {
				t.Errorf("a page of %q: %v (%v)", origin, err, res)
			}
			if !allowed && res.StatusCode != http.StatusForbidden {
				t.Errorf("a page of %q: status %d", origin, res.StatusCode)
			}
			if conn != nil {
				_ = conn.CloseNow()
			}
		}
	})
	bubbled(t, "there is room for so many, and for some of each caller's", func(t bubble) {
		s := newStreaming(t, gated(true), func(c *server.Config) { c.MaxStreams = 10 })
		for range 2 {
			s.open(t, "")
		}
		third := s.dial(t)
		third.send(`{"type":"connection_init"}`)
		third.wantClosed(websocket.StatusTryAgainLater, "too many connections of this caller")
		for range 2 {
			s.open(t, `{"authorization":"Bearer app.secret"}`)
		}
		synctest.Wait()
		for range 6 { // who has not said who he is takes room as well
			s.dial(t)
		}
		_, res, err := s.tryDial(t) //nolint:bodyclose // the library closes it
		if err == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("one more: %v (%v)", err, res)
		}
	})
}

// empty is the bucket of a caller who may ask for nothing yet.
type empty time.Duration

func (e empty) Take(context.Context, string, float64, access.Limit) (access.Decision, error) {
	return access.Decision{RetryAfter: time.Duration(e)}, nil
}

func TestWebSocket_SlowAndSilentClients(t *testing.T) {
	t.Parallel()
	bubbled(t, "a client that does not read is cut off", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("a", watchDocument)
		c.subscribe("b", watchDocument)
		busy, silent := <-s.subscribed, <-s.subscribed
		began := time.Now()
		for i := 0; busy.happen(providers.CheckInDelivered); i++ {
			if i > 100 {
				t.Fatal("it takes events for ever")
			}
		}
		<-silent.ctx.Done() // the connection is gone, and all that was on it
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("it was cut off after %v", took)
		}
	})
	bubbled(t, "a client that asks for more than it may is not read for a while", func(t bubble) {
		for retryAfter, want := range map[time.Duration]time.Duration{
			10 * time.Millisecond: 500 * time.Millisecond, 700 * time.Millisecond: 700 * time.Millisecond, time.Minute: time.Second,
		} {
			s := newStreaming(t, gated(true), func(c *server.Config) { c.Limiter = empty(retryAfter) })
			c := s.open(t, "")
			began := time.Now()
			var sending sync.WaitGroup
			sending.Go(func() {
				for range 5 {
					c.subscribe("a", askDocument)
				}
			})
			for n := range 5 {
				_, text, err := c.conn.Read(t.Context())
				if err != nil || !strings.Contains(string(text), "RATE_LIMITED") {
					t.Fatalf("%s, %v", text, err)
				}
				if took := time.Since(began); took < time.Duration(n)*want {
					t.Errorf("operation %d is refused after %v, want %v", n, took, time.Duration(n)*want)
				}
			}
			sending.Wait()
			_ = c.conn.CloseNow()
		}
	})
	bubbled(t, "a client that is gone without a word is found out", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("a", watchDocument)
		w := <-s.subscribed
		began := time.Now()
		<-w.ctx.Done()
		if took := time.Since(began); took > 25*time.Second { // a ping after 15 s, and 10 s for the pong
			t.Errorf("after %v, want 25 s", took)
		}
	})
	bubbled(t, "a silent client that is there stays", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.subscribe("a", watchDocument)
		w := <-s.subscribed
		go func() {
			<-time.After(time.Hour)
			w.happen(providers.CheckInDelivered)
			close(w.changes)
		}()
		c.want(`{"id":"a","type":"next"`) // reading answers pings
		c.want(`{"id":"a","type":"complete"`)
	})
	bubbled(t, "a client that sends without end waits for itself", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		other := s.open(t, "")
		began := time.Now()
		go func() {
			for range 300 {
				if c.conn.Write(c.tb.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)) != nil {
					return
				}
			}
		}()
		for range 300 { // 199 at once, for it has introduced itself, and then 20 a second
			c.want(`{"type":"pong"}`)
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("300 pings were answered in %v", took)
		}
		asked := time.Now()
		other.send(`{"type":"ping"}`)
		if other.want(`{"type":"pong"}`); !time.Now().Equal(asked) {
			t.Errorf("another client waited %v", time.Since(asked))
		}
	})
	bubbled(t, "the end of the service says good-bye", func(t bubble) {
		s := newStreaming(t)
		var all []*client
		var subscribed []*watched
		for range 3 {
			c := s.open(t, "")
			c.subscribe("a", watchDocument)
			all, subscribed = append(all, c), append(subscribed, <-s.subscribed)
		}
		waiting := s.dial(t) // and has not introduced itself
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- s.stop() }()
		for _, c := range append(all, waiting) {
			c.wantClosed(websocket.StatusGoingAway, "connect again")
		}
		for _, w := range subscribed {
			<-w.ctx.Done()
		}
		if err := <-done; err != nil || time.Since(began) > time.Second {
			t.Errorf("the service ended with %v after %v", err, time.Since(began))
		}
	})
	bubbled(t, "the end of the service does not wait for a client that does not read", func(t bubble) {
		s := newStreaming(t)
		s.open(t, "")
		began := time.Now()
		if err := s.stop(); err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("the service ended with %v after %v", err, time.Since(began))
		}
	})
}

// TestIdleWebSockets_CostLittleMemory opens a thousand real connections and looks
// at what this process, which holds both ends, has grown by.
func TestIdleWebSockets_CostLittleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own: make siege runs it without")
	}
	const sockets, most = 1000, 64 << 20
	subscribed := make(chan *watched, sockets)
	h, err := server.New(server.Config{
		Schema: graph.NewExecutableSchema(graph.Config{Resolvers: streamRoot{operator: titled, subscribed: subscribed}}),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h)
	defer ts.Close()
	defer h.EndStreams(t.Context())
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	conns := make([]net.Conn, sockets)
	for i := range conns {
		if conns[i], err = openRaw(ts.Listener.Addr().String()); err != nil {
			t.Fatalf("socket %d: %v", i, err)
		}
		defer conns[i].Close() //nolint:errcheck // the test is over
	}
	for range sockets {
		<-subscribed
	}
	grown := memory() - before
	t.Logf("%d sockets with a subscription each take %.1f MB, %.1f kB each", sockets, float64(grown)/(1<<20), float64(grown)/sockets/(1<<10))
	if grown > most {
		t.Errorf("they take %d bytes, want at most %d", grown, most)
	}
}

// openRaw opens a socket with a subscription, without a library that would take
// memory of its own.
func openRaw(addr string) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if _, err = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: "+addr+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 1024)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	for _, text := range []string{`{"type":"connection_init"}`, `{"id":"a","type":"subscribe","payload":{"query":"subscription{checkInUpdated(id:\"x\"){id}}"}}`} {
		frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...) // masked with zeros
		if _, err = conn.Write(frame); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

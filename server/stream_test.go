package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"chargegraph/graph"
	"chargegraph/providers"
	"chargegraph/server"
	"chargegraph/server/access"
)

// watched is a subscription that a test feeds.
type watched struct {
	id      string
	ctx     context.Context //nolint:containedctx // what the test looks at
	changes chan *providers.CheckIn
}

// happen lets an event happen, and reports whether anybody took it.
func (w *watched) happen(state providers.CheckInState) bool {
	select {
	case w.changes <- &providers.CheckIn{ID: w.id, State: state}:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// streamRoot resolves one field of each operation type.
type streamRoot struct {
	graph.ResolverRoot

	operator   operatorFunc
	subscribed chan *watched
}

func (r streamRoot) Query() graph.QueryResolver { return query{operator: r.operator} }
func (r streamRoot) Mutation() graph.MutationResolver {
	return mutation{}
}

func (r streamRoot) Subscription() graph.SubscriptionResolver {
	return subscription{subscribed: r.subscribed}
}

type mutation struct{ graph.MutationResolver }

func (mutation) RetryCheckIn(_ context.Context, id string) (*graph.SubmitCheckInPayload, error) {
	return &graph.SubmitCheckInPayload{CheckIn: &providers.CheckIn{ID: id}}, nil
}

type subscription struct {
	graph.SubscriptionResolver

	subscribed chan *watched
}

func (s subscription) CheckInUpdated(ctx context.Context, id string) (<-chan *providers.CheckIn, error) {
	if id == "refused" {
		return nil, errors.New("refused")
	}
	w := &watched{id: id, ctx: ctx, changes: make(chan *providers.CheckIn)}
	s.subscribed <- w
	return w.changes, nil
}

// pipes is a network without buffers or a clock of its own, so that tests of time
// take none.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// streaming is a whole service on pipes.
type streaming struct {
	client     *http.Client
	subscribed chan *watched
	book       *logBook
	stop       func() error // ends the service as SIGTERM does, and waits
}

const streamBase = "http://chargegraph.test"

// newStreaming serves until the test ends. It belongs into a bubble.
func newStreaming(tb testing.TB, changes ...func(*server.Config)) *streaming {
	tb.Helper()
	s := &streaming{subscribed: make(chan *watched, 200), book: &logBook{}}
	cfg := server.Config{
		Schema: graph.NewExecutableSchema(graph.Config{Resolvers: streamRoot{operator: titled, subscribed: s.subscribed}}),
		Logger: slog.New(slog.NewJSONHandler(s.book, nil)),
	}
	for _, change := range changes {
		change(&cfg)
	}
	h, err := server.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	network := newPipes()
	transport := &http.Transport{DialContext: network.dial}
	s.client = &http.Client{Transport: transport}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, network, h, cfg.Logger) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.stop(); err != nil {
			tb.Errorf("the service did not end cleanly: %v", err)
		}
		transport.CloseIdleConnections()
	})
	return s
}

// bubble is a test with a clock of its own.
type bubble struct{ testing.TB }

func bubbled(t *testing.T, name string, test func(t bubble)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(bubble{t}) })
	})
}

// gated lets a key in, and who has none where that is said.
func gated(anonymous bool) func(*server.Config) {
	return func(c *server.Config) {
		gate, err := access.New(access.Config{
			APIKeys:        []access.APIKey{{ID: "app", Hash: "sha256:" + "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}}, // of "secret"
			AnonymousReads: anonymous, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			panic(err)
		}
		c.Access = gate
	}
}

const (
	watchDocument = `subscription { checkInUpdated(id: "x") { id state } }`
	askDocument   = `{ operator(id: "1") { title } }`
)

// event is one of server-sent events.
type event struct{ name, data string }

// eventStream is an answer of server-sent events as it comes.
type eventStream struct {
	*http.Response

	lines *bufio.Scanner
	close context.CancelFunc
}

// events sends an operation and asks for server-sent events.
func (s *streaming) events(tb testing.TB, method, document string, headers ...string) *eventStream {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	tb.Cleanup(cancel)
	target, body := streamBase+"/graphql", ""
	if method == http.MethodGet {
		target += "?query=" + url.QueryEscape(document)
	} else {
		b, err := json.Marshal(map[string]string{"query": document})
		if err != nil {
			tb.Fatal(err)
		}
		body = string(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = res.Body.Close() })
	return &eventStream{res, bufio.NewScanner(res.Body), cancel}
}

// next returns the next event; false: the stream has ended. Comments are events
// whose name is ":".
func (e *eventStream) next() (v event, ok bool) {
	for e.lines.Scan() {
		switch name, value, _ := strings.Cut(e.lines.Text(), ":"); name {
		case "event":
			v.name = strings.TrimSpace(value)
		case "data":
			v.data += strings.TrimSpace(value)
		case "":
			if e.lines.Text() != "" {
				v = event{":", strings.TrimSpace(value)}
				continue
			}
			return v, true
		}
	}
	return v, false
}

// want reads an event and compares it; data may be the beginning of what comes.
func (e *eventStream) want(tb testing.TB, name, data string) {
	tb.Helper()
	if v, ok := e.next(); !ok || v.name != name || !strings.HasPrefix(v.data, data) {
		tb.Fatalf("event is %v (stream open: %v), want %s with %s", v, ok, name, data)
	}
}

func (e *eventStream) wantEnd(tb testing.TB) {
	tb.Helper()
	if v, ok := e.next(); ok {
		tb.Fatalf("event is %v, want the end of the stream", v)
	}
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	bubbled(t, "a subscription sends each event as next and completes", func(t bubble) {
		s := newStreaming(t)
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			e := s.events(t, method, watchDocument, "Accept-Encoding", "gzip, zstd")
			if got := e.Header.Get("Content-Type"); e.StatusCode != http.StatusOK || got != "text/event-stream; charset=utf-8" || e.Header.Get("Content-Encoding") != "" {
				t.Fatalf("status %d, type %q, encoding %q", e.StatusCode, got, e.Header.Get("Content-Encoding"))
			}
			e.want(t, ":", "")
			w := <-s.subscribed
			for _, state := range []providers.CheckInState{providers.CheckInAccepted, providers.CheckInDelivered} {
				w.happen(state)
				e.want(t, "next", fmt.Sprintf(`{"data":{"checkInUpdated":{"id":"x","state":"%s"}}`, state))
			}
			close(w.changes)
			e.want(t, "complete", "")
			e.wantEnd(t)
		}
	})
	bubbled(t, "queries and mutations are one next", func(t bubble) {
		s := newStreaming(t)
		for _, c := range []struct{ method, document, want string }{
			{http.MethodPost, askDocument, `{"data":{"operator":{"title":"1"}}`},
			{http.MethodGet, askDocument, `{"data":{"operator":{"title":"1"}}`},
			{http.MethodPost, `mutation { retryCheckIn(id: "x") { checkIn { id } } }`, `{"data":{"retryCheckIn":{"checkIn":{"id":"x"}}}`},
		} {
			e := s.events(t, c.method, c.document)
			e.want(t, ":", "")
			e.want(t, "next", c.want)
			e.want(t, "complete", "")
			e.wantEnd(t)
		}
	})
	bubbled(t, "what is refused is one next with errors", func(t bubble) {
		s := newStreaming(t)
		for _, c := range []struct{ method, document, want string }{
			{http.MethodGet, `mutation { retryCheckIn(id: "x") { checkIn { id } } }`, `{"errors":[{"message":"GET is for queries only; send a mutation with POST"`},
			{http.MethodPost, `{ nothing }`, `{"errors":[{"message":"Cannot query field`},
			{http.MethodPost, `subscription { checkInUpdated(id: "refused") { id } }`, `{"errors":[{"message":"`},
		} {
			e := s.events(t, c.method, c.document)
			e.want(t, ":", "")
			e.want(t, "next", c.want)
			e.want(t, "complete", "")
			e.wantEnd(t)
		}
	})
	bubbled(t, "errors say that the data is made up, as answers do", func(t bubble) {
		s := newStreaming(t, sandbox)
		for name, document := range map[string]string{
			"a document that is not valid":       `{ nothing }`,
			"a subscription that does not begin": `subscription { checkInUpdated(id: "refused") { id } }`,
			"an answer":                          askDocument,
		} {
			e := s.events(t, http.MethodPost, document)
			e.want(t, ":", "")
			v, _ := e.next()
			var got struct{ Extensions map[string]any }
			if err := json.Unmarshal([]byte(v.data), &got); err != nil || got.Extensions["sandbox"] != true {
				t.Errorf("%s: it says %v", name, v)
			}
			e.want(t, "complete", "")
		}
	})
	bubbled(t, "a body that is none is refused as any other", func(t bubble) {
		s := newStreaming(t)
		if e := s.events(t, http.MethodPost, ""); e.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", e.StatusCode)
		}
	})
	bubbled(t, "a silent stream is kept alive for as long as there is a reader", func(t bubble) {
		s := newStreaming(t)
		e := s.events(t, http.MethodPost, watchDocument)
		e.want(t, ":", "")
		w := <-s.subscribed
		began := time.Now()
		for range 40 {
			e.want(t, ":", "still here")
		}
		if silent := time.Since(began) / 40; silent != 15*time.Second {
			t.Errorf("a sign of life every %v, want 15 s", silent)
		}
		w.happen(providers.CheckInDelivered)
		e.want(t, "next", `{"data":`)
		close(w.changes)
		e.want(t, "complete", "")
	})
	bubbled(t, "a client that goes away ends its operation", func(t bubble) {
		s := newStreaming(t)
		e := s.events(t, http.MethodPost, watchDocument)
		w := <-s.subscribed
		e.close()
		<-w.ctx.Done()
		close(w.changes)
	})
	bubbled(t, "a client that does not read is cut off", func(t bubble) {
		s := newStreaming(t)
		s.events(t, http.MethodPost, watchDocument)
		w := <-s.subscribed
		began := time.Now()
		for i := 0; w.happen(providers.CheckInDelivered); i++ {
			if i > 100 { // the client's transport holds some kilobytes
				t.Fatal("it takes events for ever")
			}
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it was cut off after %v, want 10 s", took)
		}
		close(w.changes)
	})
	bubbled(t, "the end of the service ends streams without complete", func(t bubble) {
		s := newStreaming(t)
		e := s.events(t, http.MethodPost, watchDocument)
		e.want(t, ":", "")
		w := <-s.subscribed
		done := make(chan error, 1)
		go func() { done <- s.stop() }()
		<-w.ctx.Done()
		close(w.changes)
		e.wantEnd(t)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	bubbled(t, "there is room for so many, and for some of each caller's", func(t bubble) {
		s := newStreaming(t, gated(true), func(c *server.Config) { c.MaxStreams = 10 })
		for i := range 2 {
			if e := s.events(t, http.MethodPost, watchDocument); e.StatusCode != http.StatusOK {
				t.Fatalf("stream %d has status %d", i, e.StatusCode)
			}
		}
		third := s.events(t, http.MethodPost, watchDocument)
		if body, _ := io.ReadAll(third.Body); third.StatusCode != http.StatusTooManyRequests || !strings.Contains(string(body), `"limit":"streams","max":2`) {
			t.Errorf("the third of a caller has status %d: %s", third.StatusCode, body)
		}
		if e := s.events(t, http.MethodPost, watchDocument, "Authorization", "Bearer app.secret"); e.StatusCode != http.StatusOK {
			t.Errorf("another caller has status %d", e.StatusCode)
		}
	})
	bubbled(t, "open streams do not use up what a caller may have under way", func(t bubble) {
		s := newStreaming(t, gated(true), func(c *server.Config) {
			c.Operation = func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler { return next(ctx) }
		})
		for range 15 { // 10 are what an address may have under way
			s.events(t, http.MethodPost, watchDocument)
		}
		e := s.events(t, http.MethodPost, askDocument)
		e.want(t, ":", "")
		e.want(t, "next", `{"data":{"operator"`)
	})
	bubbled(t, "a query that takes too long says so", func(t bubble) {
		s := newStreaming(t, func(c *server.Config) {
			c.Schema = graph.NewExecutableSchema(graph.Config{Resolvers: streamRoot{operator: func(ctx context.Context, _ string) (*providers.Operator, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}})
		})
		e := s.events(t, http.MethodPost, askDocument)
		e.want(t, ":", "")
		for {
			v, _ := e.next()
			if v.name == ":" {
				continue
			}
			if !strings.Contains(v.data, `"code":"TIMEOUT"`) {
				t.Errorf("it says %v", v)
			}
			break
		}
	})
	bubbled(t, "a middleware that panics is an error of ours", func(t bubble) {
		s := newStreaming(t, panicking)
		e := s.events(t, http.MethodPost, askDocument)
		e.want(t, ":", "")
		if v, _ := e.next(); v.name != "next" || !strings.Contains(v.data, `"code":"INTERNAL"`) {
			t.Errorf("it says %v", v)
		}
		e.want(t, "complete", "")
	})
}

func panicking(c *server.Config) {
	c.Operation = func(context.Context, graphql.OperationHandler) graphql.ResponseHandler { panic("of a middleware") }
}

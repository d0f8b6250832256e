package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chargegraph/graph"
	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/server"
	"chargegraph/server/access"
)

// keptMap keeps answers for ever.
type keptMap struct {
	mu   sync.Mutex
	kept map[string]server.Kept
}

func (m *keptMap) Get(_ context.Context, key string) (server.Kept, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.kept[key]
	return k, ok
}

func (m *keptMap) Put(_ context.Context, key string, k server.Kept) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = k
}

// keepingAnswers makes a handler that keeps its answers, as fresh says.
func keepingAnswers(m *keptMap, fresh func() loaders.Freshness) func(*server.Config) {
	return func(c *server.Config) {
		c.Answers = m
		c.Freshness = func(context.Context) loaders.Freshness { return fresh() }
	}
}

func aMinute() loaders.Freshness {
	return loaders.Freshness{Storable: true, FreshUntil: time.Now().Add(time.Minute), Tags: []string{"source:ocm"}}
}

func TestAnAnswerIsKeptUnderTheBytesOfItsRequest(t *testing.T) {
	t.Parallel()
	m := &keptMap{kept: make(map[string]server.Kept)}
	asked := 0
	h, _ := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
		asked++
		return titled(ctx, id)
	}, keepingAnswers(m, aMinute))
	one, other := `{"query":"{operator(id:\"a\"){title}}"}`, `{"query":"{operator(id:\"a\"){title} }"}`
	first := post(h, one).Body.String()
	if again := post(h, one).Body.String(); again != first || asked != 1 {
		t.Errorf("asked %d times, and answered %s, then %s", asked, first, again)
	}
	if post(h, other); asked != 2 {
		t.Errorf("another text was asked %d times in all", asked)
	}
	if post(h, one, "Accept", "application/graphql-response+json"); asked != 3 {
		t.Errorf("another form was asked %d times in all", asked)
	}
	for _, k := range m.kept {
		if k.ProcessOnly || len(k.Tags) != 1 || k.FreshUntil.After(k.MadeAt.Add(10*time.Second)) {
			t.Errorf("kept %+v", k)
		}
	}
}

func TestWhatMustNotBeKeptIsNot(t *testing.T) {
	t.Parallel()
	failing := func(context.Context, string) (*providers.Operator, error) { return nil, fmt.Errorf("no") }
	for name, c := range map[string]struct {
		operator operatorFunc
		fresh    loaders.Freshness
		body     string
	}{
		"an error":                     {operator: failing, fresh: aMinute()},
		"what nobody may keep":         {fresh: loaders.Freshness{FreshUntil: time.Now().Add(time.Minute)}},
		"what is old already":          {fresh: loaders.Freshness{Storable: true, FreshUntil: time.Now().Add(-time.Second)}},
		"an invalid document":          {fresh: aMinute(), body: `{"query":"{nobody}"}`},
		"a document that is not there": {fresh: aMinute(), body: byHash(hashOf("{a}"), "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &keptMap{kept: make(map[string]server.Kept)}
			operator := c.operator
			if operator == nil {
				operator = titled
			}
			h, _ := newHandler(t, operator, keepingAnswers(m, func() loaders.Freshness { return c.fresh }))
			body := c.body
			if body == "" {
				body = `{"query":"{operator(id:\"a\"){title}}"}`
			}
			if post(h, body); len(m.kept) != 0 {
				t.Errorf("kept %v", m.kept)
			}
		})
	}
}

func TestHTTPCachesMayKeepWhatEverybodyMayRead(t *testing.T) {
	t.Parallel()
	const get = "/graphql?query=%7Boperator(id:%22a%22)%7Btitle%7D%7D"
	closed := func(c *server.Config) {
		gate, err := access.New(access.Config{
			APIKeys: []access.APIKey{{ID: "app", Hash: "sha256:" + hashOf("secret")}},
			Logger:  slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gate.Close)
		c.Access = gate
	}
	only := aMinute()
	only.ProcessOnly = true
	for name, c := range map[string]struct {
		fresh  loaders.Freshness
		change func(*server.Config)
		want   string
	}{
		"of an open service":        {fresh: aMinute(), want: "public, max-age=59"},
		"of a service with callers": {fresh: aMinute(), change: closed, want: "private, max-age=59"},
		"under a strict licence":    {fresh: only, want: "no-store"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &keptMap{kept: make(map[string]server.Kept)}
			change := c.change
			if change == nil {
				change = func(*server.Config) {}
			}
			h, _ := newHandler(t, titled, keepingAnswers(m, func() loaders.Freshness { return c.fresh }), change)
			ask := func(headers ...string) *httptest.ResponseRecorder {
				return send(h, http.MethodGet, get, "", append(headers, "Authorization", "Bearer app.secret")...)
			}
			if c.change == nil {
				ask = func(headers ...string) *httptest.ResponseRecorder {
					return send(h, http.MethodGet, get, "", headers...)
				}
			}
			for range 2 { // executed, then kept
				w := ask()
				got := w.Header().Get("Cache-Control")
				if regexp.MustCompile(`max-age=[45]\d$`).ReplaceAllString(got, "max-age=59") != c.want { // some seconds have passed
					t.Errorf("Cache-Control is %q, want %q", got, c.want)
				}
				tag := w.Header().Get("ETag")
				if (tag == "") != (c.want == "no-store") {
					t.Errorf("ETag is %q", tag)
				}
				if tag == "" {
					continue
				}
				if w = ask("If-None-Match", `"other", `+tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
					t.Errorf("with its ETag it is answered %d, %d bytes", w.Code, w.Body.Len())
				}
			}
			if got := post(h, `{"query":"{operator(id:\"a\"){title}}"}`).Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("a POST has Cache-Control %q", got)
			}
		})
	}
}

// Whatever an answer depends on is named, else a cache between here and a browser
// gives packed bytes to who cannot read them, or leave to a page that has none.
func TestAnAnswerNamesAllThatItDependsOn(t *testing.T) {
	t.Parallel()
	m := &keptMap{kept: make(map[string]server.Kept)}
	long := func(context.Context, string) (*providers.Operator, error) {
		return &providers.Operator{Title: strings.Repeat("long enough to be packed ", 200)}, nil
	}
	h, _ := newHandler(t, long, keepingAnswers(m, aMinute), func(c *server.Config) { c.CORS.Origins = []string{"https://app.example"} })
	const get = "/graphql?query=%7Boperator(id:%22a%22)%7Btitle%7D%7D"
	tag := ""
	for _, when := range []string{"executed", "kept", "not modified"} {
		headers := []string{"Accept-Encoding", "zstd", "Origin", "https://app.example"}
		if when == "not modified" {
			headers = append(headers, "If-None-Match", tag)
		}
		w := send(h, http.MethodGet, get, "", headers...)
		tag = w.Header().Get("ETag")
		if when != "not modified" && w.Header().Get("Content-Encoding") != "zstd" {
			t.Errorf("%s: it is not packed", when)
		}
		said := strings.ToLower(strings.Join(w.Header().Values("Vary"), ","))
		for _, what := range []string{"accept-encoding", "origin"} {
			if !strings.Contains(said, what) {
				t.Errorf("%s: Vary is %q, which lacks %s", when, said, what)
			}
		}
		if !slices.Contains(strings.Split(strings.ReplaceAll(said, " ", ""), ","), "accept") {
			t.Errorf("%s: Vary is %q, which lacks accept", when, said)
		}
	}
}

// discard is a client that reads everything and keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// What a request costs whose answer is kept, the connection left out.
func BenchmarkKept(b *testing.B) {
	m := &keptMap{kept: make(map[string]server.Kept)}
	gate, err := access.New(access.Config{AnonymousReads: true, Logger: slog.New(slog.DiscardHandler), AnonymousLimits: access.Limits{Limit: access.Limit{PerSecond: 1e12, Burst: 1e12}}})
	if err != nil {
		b.Fatal(err)
	}
	defer gate.Close()
	cfg := server.Config{
		Schema: graph.NewExecutableSchema(graph.Config{Resolvers: root{operator: titled}}),
		Logger: slog.New(slog.DiscardHandler), Access: gate, Limiter: access.NewBuckets(nil),
	}
	keepingAnswers(m, aMinute)(&cfg)
	h, err := server.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"query":"{operator(id:\"a\"){title}}"}`)
	ask := func() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", nil)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(&discard{http.Header{}}, r)
	}
	ask()
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

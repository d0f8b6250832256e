package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"chargegraph/graph"
	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/server"
	"chargegraph/server/access"
)

// counting gives the handler metrics, and returns what they count.
func counting(tb testing.TB) (func(*server.Config), *prometheus.Registry) {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry()
	metrics := server.NewMetrics()
	registry.MustRegister(metrics)
	return func(c *server.Config) { c.Metrics = metrics }, registry
}

// counted returns what registry holds of a metric: "label value label value" to
// the counter, the gauge, or the number of observations. What is 0 is left out.
func counted(tb testing.TB, registry prometheus.Gatherer, name string) map[string]float64 {
	tb.Helper()
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if v := value(m); v != 0 {
				got[strings.Join(labels, " ")] = v
			}
		}
	}
	return got
}

func value(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	}
	return float64(m.GetHistogram().GetSampleCount())
}

func TestMetrics_CountOperationsByHowTheyEnd(t *testing.T) {
	t.Parallel()
	with, registry := counting(t)
	h, _ := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
		if id == "bad" {
			return nil, errors.New("no")
		}
		return titled(ctx, id)
	}, with)
	ask(t, h, twoOperators, map[string]any{"bad": "fine"})
	ask(t, h, twoOperators, map[string]any{"bad": "bad"})
	ask(t, h, `{ operator(id: "bad") { title } }`, nil)
	ask(t, h, `query One { operator(id: "a") { title } }`, nil)
	ask(t, h, `query One { operator(id: "b") { title } }`, nil)

	for name, want := range map[string]map[string]float64{
		// labels in the order of their names: name, outcome, type
		"chargegraph_operations_total":           {"One ok query": 2, "Two ok query": 1, "Two partial query": 1, "unnamed partial query": 1},
		"chargegraph_operation_duration_seconds": {"One query": 2, "Two query": 2, "unnamed query": 1},
		"chargegraph_operation_cost":             {"query": 5},
		"chargegraph_answer_size_bytes":          {"query": 5},
		"chargegraph_operations_under_way":       {},
		"chargegraph_errors_total":               {"INTERNAL": 2},
		"chargegraph_refusals_total":             {},
	} {
		if diff := cmp.Diff(want, counted(t, registry, name)); diff != "" {
			t.Errorf("%s mismatch (-want +got)\n%s", name, diff)
		}
	}
}

func TestMetrics_CountWhatIsRefusedByWhatForbidsIt(t *testing.T) {
	t.Parallel()
	with, registry := counting(t)
	h, _ := newHandler(t, titled, with, func(c *server.Config) {
		c.Limits.Aliases = 1
		gate, err := access.New(access.Config{AnonymousReads: true, AnonymousLimits: access.Limits{Limit: access.Limit{PerSecond: 1, Burst: 150}}, Logger: c.Logger})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gate.Close)
		c.Access, c.Limiter = gate, access.NewBuckets(nil)
	})
	ask(t, h, `{ nothing }`, nil)
	ask(t, h, twoOperators, map[string]any{"bad": "x"})
	post(h, `not JSON`)
	ask(t, h, `{ operator(id: "a") { title } }`, nil)
	ask(t, h, `{ operator(id: "a") { title } }`, nil) // the second in a moment is one too many
	want := map[string]float64{"GRAPHQL_VALIDATION_FAILED ": 1, "LIMIT_EXCEEDED aliases": 1, "BAD_USER_INPUT ": 1, "RATE_LIMITED rate": 1}
	if diff := cmp.Diff(want, counted(t, registry, "chargegraph_refusals_total")); diff != "" {
		t.Errorf("refusals mismatch (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"unnamed ok query": 1}, counted(t, registry, "chargegraph_operations_total")); diff != "" {
		t.Errorf("operations mismatch (-want +got)\n%s", diff)
	}
}

func TestMetrics_CountPanics(t *testing.T) {
	t.Parallel()
	with, registry := counting(t)
	h, _ := newHandler(t, func(context.Context, string) (*providers.Operator, error) { panic("oh") }, with)
	ask(t, h, `query P { operator(id: "a") { title } }`, nil)
	if got := counted(t, registry, "chargegraph_panics_total")[""]; got != 1 {
		t.Errorf("panics = %v, want 1", got)
	}
	if got := counted(t, registry, "chargegraph_operations_under_way"); len(got) != 0 {
		t.Errorf("still under way: %v", got)
	}
}

func TestMetrics_CountAnOperationThatHadNoTime(t *testing.T) {
	t.Parallel()
	with, registry := counting(t)
	h, _ := newHandler(t, titled, with, func(c *server.Config) { c.OperationTimeout = time.Nanosecond })
	ask(t, h, `query Late { operator(id: "a") { title } }`, nil)
	if diff := cmp.Diff(map[string]float64{"Late abandoned query": 1}, counted(t, registry, "chargegraph_operations_total")); diff != "" {
		t.Errorf("operations mismatch (-want +got)\n%s", diff)
	}
}

func TestMetrics_BoundTheNamesThatTheyTellApart(t *testing.T) {
	t.Parallel()
	t.Run("the first hundred, and the rest together", func(t *testing.T) {
		t.Parallel()
		with, registry := counting(t)
		h, _ := newHandler(t, titled, with)
		for i := range 150 {
			ask(t, h, fmt.Sprintf(`query N%d { operator(id: "a") { title } }`, i), nil)
		}
		ask(t, h, `query `+strings.Repeat("x", 65)+` { operator(id: "a") { title } }`, nil)
		ask(t, h, `query N0 { operator(id: "a") { title } }`, nil)
		got := counted(t, registry, "chargegraph_operations_total")
		if len(got) != 101 || got["N0 ok query"] != 2 || got["other ok query"] != 51 {
			t.Errorf("%d names, N0 %v times, others %v times; want 101, 2, 51", len(got), got["N0 ok query"], got["other ok query"])
		}
	})
	t.Run("those of a manifest and no others, where there is one", func(t *testing.T) {
		t.Parallel()
		with, registry := counting(t)
		h, _ := newHandler(t, titled, with, func(c *server.Config) {
			c.Trusted = server.Trusted{"1": `query Known { operator(id: "a") { title } }`, "2": `{`}
		})
		ask(t, h, `query Known { operator(id: "a") { title } }`, nil)
		ask(t, h, `query Stranger { operator(id: "a") { title } }`, nil)
		if diff := cmp.Diff(map[string]float64{"Known ok query": 1, "other ok query": 1}, counted(t, registry, "chargegraph_operations_total")); diff != "" {
			t.Errorf("operations mismatch (-want +got)\n%s", diff)
		}
	})
	t.Run("an operation that was refused takes no place", func(t *testing.T) {
		t.Parallel()
		with, registry := counting(t)
		h, _ := newHandler(t, titled, with)
		for i := range 150 {
			ask(t, h, fmt.Sprintf(`query Junk%d { nothing }`, i), nil)
		}
		ask(t, h, `query Real { operator(id: "a") { title } }`, nil)
		if diff := cmp.Diff(map[string]float64{"Real ok query": 1}, counted(t, registry, "chargegraph_operations_total")); diff != "" {
			t.Errorf("operations mismatch (-want +got)\n%s", diff)
		}
	})
}

func TestMetrics_CountAnOperationInPartsAsOne(t *testing.T) {
	t.Parallel()
	with, registry := counting(t)
	h, _ := newHandler(t, titled, ofSite, with)
	w := post(h, deferring, "Accept", "multipart/mixed;deferSpec=20220824, application/json")
	if !strings.Contains(w.Body.String(), `"late"`) {
		t.Fatalf("nothing was deferred:\n%s", w.Body)
	}
	for name, want := range map[string]map[string]float64{
		"chargegraph_operations_total":     {"unnamed ok query": 1},
		"chargegraph_answer_size_bytes":    {"query": 1},
		"chargegraph_operations_under_way": {},
	} {
		if diff := cmp.Diff(want, counted(t, registry, name)); diff != "" {
			t.Errorf("%s mismatch (-want +got)\n%s", name, diff)
		}
	}
}

// feed resolves Subscription.commentAdded to what it is sent.
type feed struct {
	root

	comments chan *providers.Comment
}

func (f feed) Subscription() graph.SubscriptionResolver {
	return feedSubscription{comments: f.comments}
}

type feedSubscription struct {
	graph.SubscriptionResolver

	comments chan *providers.Comment
}

func (f feedSubscription) CommentAdded(context.Context, *graph.AreaInput, []string) (<-chan *providers.Comment, error) {
	return f.comments, nil
}

func TestMetrics_CountSubscriptionsUntilTheyEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(comments chan *providers.Comment, leave context.CancelFunc){
		"when there is nothing more":    func(comments chan *providers.Comment, _ context.CancelFunc) { close(comments) },
		"when the client does not wait": func(_ chan *providers.Comment, leave context.CancelFunc) { leave() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with, registry := counting(t)
			comments := make(chan *providers.Comment)
			h, _ := newHandler(t, titled, with, func(c *server.Config) {
				c.Schema = graph.NewExecutableSchema(graph.Config{Resolvers: feed{comments: comments}})
			})
			whole, ok := h.(*server.Handler)
			if !ok {
				t.Fatalf("the handler is a %T", h)
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			over := make(chan struct{})
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(over)
				h.ServeHTTP(w, r)
			}))
			defer s.Close()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/graphql", strings.NewReader(`{"query":"subscription Watch { commentAdded { __typename } }"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "text/event-stream")
			res, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			lines := bufio.NewScanner(res.Body)
			for range 2 {
				comments <- &providers.Comment{}
				for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
				}
			}
			if got := counted(t, registry, "chargegraph_operations_under_way"); got["subscription"] != 1 || whole.OpenStreams() != 1 {
				t.Errorf("while it runs %v are under way and %d streams open, want 1 and 1", got, whole.OpenStreams())
			}
			end(comments, leave)
			<-over
			for name, want := range map[string]map[string]float64{
				"chargegraph_operations_under_way":       {},
				"chargegraph_operations_total":           {"Watch ok subscription": 1},
				"chargegraph_subscription_events_total":  {"": 2},
				"chargegraph_operation_duration_seconds": {},
			} {
				// The end of a context is told to those who wait for it one after the other.
				for got := counted(t, registry, name); !cmp.Equal(want, got); got = counted(t, registry, name) {
					if ctx.Err() == nil {
						t.Fatalf("%s mismatch (-want +got)\n%s", name, cmp.Diff(want, got))
					}
					if t.Context().Err() != nil {
						t.FailNow()
					}
				}
			}
			if n := whole.OpenStreams(); n != 0 {
				t.Errorf("%d streams are open", n)
			}
		})
	}
}

// shelf keeps answers for ever.
type shelf struct {
	mu   sync.Mutex
	kept map[string]server.Kept
}

func (s *shelf) Get(_ context.Context, key string) (server.Kept, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[key]
	return k, ok
}

func (s *shelf) Put(_ context.Context, key string, k server.Kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = k
}

func TestMetrics_CountAnswersThatWereKept(t *testing.T) {
	t.Parallel()
	with, registry := counting(t)
	h, _ := newHandler(t, titled, with, keeping)
	first := ask(t, h, `{ operator(id: "a") { title } }`, nil)
	second := ask(t, h, `{ operator(id: "a") { title } }`, nil)
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(reply{})); diff != "" {
		t.Fatalf("the second answer is another one\n%s", diff)
	}
	if got := counted(t, registry, "chargegraph_kept_answers_total")[""]; got != 1 {
		t.Errorf("kept answers given = %v, want 1", got)
	}
	if got := counted(t, registry, "chargegraph_kept_answers_bytes_total")[""]; got < 50 {
		t.Errorf("bytes of them = %v, want some 80", got)
	}
	if got := counted(t, registry, "chargegraph_operations_total"); got["unnamed ok query"] != 1 {
		t.Errorf("operations = %v, want 1", got)
	}
}

// naming makes the log name the request and the trace, as that of the program does.
func naming(c *server.Config) { c.Logger = slog.New(server.LogHandler{Handler: c.Logger.Handler()}) }

func TestATraceLeadsThroughTheLogToWhoeverIsAskedNext(t *testing.T) {
	t.Parallel()
	const id, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	const parent = "00-" + id + "-" + span + "-01"
	passes := func(t *testing.T, headers ...string) (handedOn map[string]string, logged any) {
		t.Helper()
		handedOn = map[string]string{}
		h, book := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
			ctx, trace := providers.BeginTrace(ctx, "source", slog.String("source", "x"))
			providers.TraceOf(ctx).Pass(func(name, value string) { handedOn[name] = value })
			trace.End(nil)
			return titled(ctx, id)
		}, naming)
		ask(t, h, `{ operator(id: "a") { title } }`, nil, headers...)
		lines := book.of("request")
		if len(lines) != 1 {
			t.Fatalf("log has %d lines:\n%s", len(lines), book)
		}
		return handedOn, lines[0]["trace_id"]
	}
	t.Run("as it came", func(t *testing.T) {
		t.Parallel()
		got, logged := passes(t, "Traceparent", parent, "Tracestate", "a=1,b=2")
		if diff := cmp.Diff(map[string]string{"Traceparent": parent, "Tracestate": "a=1,b=2"}, got); diff != "" {
			t.Errorf("handed on mismatch (-want +got)\n%s", diff)
		}
		if logged != id {
			t.Errorf("the log has trace_id %v, want %s", logged, id)
		}
	})
	t.Run("of a later version", func(t *testing.T) {
		t.Parallel()
		later := "01-" + id + "-" + span + "-01-more"
		if got, _ := passes(t, "Traceparent", later); got["Traceparent"] != later {
			t.Errorf("handed on: %v", got)
		}
	})
	t.Run("without a state that is too long", func(t *testing.T) {
		t.Parallel()
		got, _ := passes(t, "Traceparent", parent, "Tracestate", "a="+strings.Repeat("1", 600))
		if diff := cmp.Diff(map[string]string{"Traceparent": parent}, got); diff != "" {
			t.Errorf("handed on mismatch (-want +got)\n%s", diff)
		}
	})
	for name, parent := range map[string]string{
		"none":                  "",
		"no trace":              "00-" + strings.Repeat("0", 32) + "-" + span + "-01",
		"no span":               "00-" + id + "-" + strings.Repeat("0", 16) + "-01",
		"a forbidden version":   "ff-" + id + "-" + span + "-01",
		"upper case":            "00-" + strings.ToUpper(id) + "-" + span + "-01",
		"more than the version": parent + "-more",
		"a line break":          "01-" + id + "-" + span + "-01-\x01",
		"too short":             parent[:54],
		"other signs":           strings.ReplaceAll(parent, "-", "_"),
	} {
		t.Run("not: "+name, func(t *testing.T) {
			t.Parallel()
			got, logged := passes(t, "Traceparent", parent, "Tracestate", "a=1")
			if len(got) != 0 || logged != nil {
				t.Errorf("handed on: %v, in the log: %v", got, logged)
			}
		})
	}
}

// spans is a Trace that remembers what was told of it.
type spans struct {
	mu   *sync.Mutex
	told *[]string
	name string
}

func (s spans) tell(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.told = append(*s.told, text)
}

func (s spans) Begin(name string, attrs ...slog.Attr) providers.Trace {
	s.tell(fmt.Sprintf("begin %s in %s %v", name, s.name, attrs))
	return spans{s.mu, s.told, name}
}

func (s spans) Note(attrs ...slog.Attr)          { s.tell(fmt.Sprintf("note %s %v", s.name, attrs)) }
func (s spans) End(err error)                    { s.tell(fmt.Sprintf("end %s %v", s.name, err)) }
func (spans) Pass(func(name, value string))      {}
func (spans) ID() string                         { return "the-trace" }
func (s spans) join(http.Header) providers.Trace { return s }

func TestAnOperationIsAPartOfTheTrace_WithoutItsVariables(t *testing.T) {
	t.Parallel()
	var told []string
	trace := spans{new(sync.Mutex), &told, "caller"}
	h, book := newHandler(t, titled, naming, func(c *server.Config) { c.Trace = trace.join })
	ask(t, h, twoOperators, map[string]any{"bad": "secret-place"})
	want := []string{
		"begin query in caller [operation_type=query operation_name=Two]",
		"note query [cost=206 errors=0 bytes=56]",
		"end query <nil>",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("trace mismatch (-want +got)\n%s", diff)
	}
	if lines := book.of("request"); len(lines) != 1 || lines[0]["trace_id"] != "the-trace" {
		t.Errorf("the log does not name the trace:\n%s", book)
	}
}

// keeping makes the handler keep every answer of a query.
func keeping(c *server.Config) {
	c.Answers = &shelf{kept: make(map[string]server.Kept)}
	c.Freshness = func(context.Context) loaders.Freshness {
		return loaders.Freshness{Storable: true, FreshUntil: time.Now().Add(time.Hour)}
	}
}

// BenchmarkMetrics tells what counting adds to an operation: the difference
// between the two is to stay below 2 µs.
func BenchmarkMetrics(b *testing.B) {
	with, _ := counting(b)
	for _, of := range []struct {
		name    string
		changes []func(*server.Config)
	}{
		{"executed without", nil},
		{"executed with", []func(*server.Config){with}},
		{"kept without", []func(*server.Config){keeping}},
		{"kept with", []func(*server.Config){keeping, with}},
	} {
		b.Run(of.name, func(b *testing.B) {
			cfg := server.Config{
				Schema: graph.NewExecutableSchema(graph.Config{Resolvers: root{operator: titled}}),
				Logger: slog.New(slog.DiscardHandler),
			}
			for _, change := range slices.Concat(of.changes) {
				change(&cfg)
			}
			h, err := server.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			const body = `{"query":"query One { operator(id: \"a\") { title } }"}`
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"chargegraph/providers"
)

// collected is what a collector of OpenTelemetry was sent.
type collected struct {
	url string

	mu      sync.Mutex
	spans   []*traces.Span
	raw     bytes.Buffer
	headers http.Header // of the last request
}

func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("the collector got %s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		c.headers = r.Header
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// find returns the first span of that name for which match holds.
func (c *collected) find(name string, match func(*traces.Span) bool) *traces.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.GetName() == name && match(s) {
			return s
		}
	}
	return nil
}

func attributesOf(s *traces.Span) string {
	var text []string
	for _, a := range s.GetAttributes() {
		text = append(text, a.GetKey()+"="+strings.Trim(fmt.Sprint(a.GetValue().GetStringValue(), a.GetValue().GetIntValue()), " 0"))
	}
	return strings.Join(text, " ")
}

func TestTracesGoFromTheCallerThroughTheServiceToTheCollector(t *testing.T) {
	t.Parallel()
	c := collect(t)
	s := distinctive(t)
	addr := lockedRedis(t)
	g := guard(t, s, s.OCMURL(), s.PlugShareURL(), s.OCPIURL(), s.OCPPLABURL(), addr, redisPassword)
	g.env[envOTLP] = c.url
	p := launch(t, g.env, "-config", g.file, "-log", "DEBUG")
	const id, span = callersTrace, callersSpan
	const secretPlace = `query Where($south: Float!) { pois(area: {bounds: {south: $south, west: -0.16, north: 51.53, east: -0.06}}) { totalCount } }`
	_, answer := fetch(t, http.MethodPost, p.url+"/graphql", fmt.Sprintf(`{"query": %q, "variables": {"south": 51.4971717}}`, secretPlace),
		"Content-Type", "application/json", "Authorization", "Bearer "+g.key, "Traceparent", sampledParent)
	if !strings.Contains(answer, `"totalCount"`) {
		t.Fatalf("the answer is %s", answer)
	}
	p.stop() // sends what waits
	if err := <-p.done; err != nil {
		t.Error(err)
	}
	p.done <- nil

	mine := func(s *traces.Span) bool { return hex.EncodeToString(s.GetTraceId()) == id }
	operation := c.find("query", mine)
	if operation == nil || hex.EncodeToString(operation.GetParentSpanId()) != span || operation.GetKind() != traces.Span_SPAN_KIND_SERVER {
		t.Fatalf("the operation is not a part of its caller's: %v", operation)
	}
	if got := attributesOf(operation); !strings.Contains(got, "graphql.operation.name=Where") || !strings.Contains(got, "graphql.operation.type=query") {
		t.Errorf("the operation is described as %s", got)
	}
	within := func(parent *traces.Span) func(*traces.Span) bool {
		return func(s *traces.Span) bool { return mine(s) && bytes.Equal(s.GetParentSpanId(), parent.GetSpanId()) }
	}
	// Some loads of the cache ask no source.
	load := c.find("cache load", within(operation))
	source := c.find("source", func(s *traces.Span) bool {
		return mine(s) && strings.Contains(attributesOf(s), "chargegraph.source=ocm")
	})
	if load == nil || source == nil || c.find("cache load", func(s *traces.Span) bool { return bytes.Equal(s.GetSpanId(), source.GetParentSpanId()) }) == nil {
		t.Fatalf("no load of the cache is a part of the operation, or no question to a source a part of it: %v, %v", load, source)
	}
	if logged := " trace_id=" + id; !strings.Contains(p.log(), logged) {
		t.Errorf("no line of the log has%s:\n%s", logged, p.log())
	}
	call := c.find(traceCall, within(source))
	if call == nil || call.GetKind() != traces.Span_SPAN_KIND_CLIENT || !strings.Contains(attributesOf(call), "http.response.status_code=2") {
		t.Errorf("no call is a part of the question: %v", call)
	}
	pull := c.find("pull", func(s *traces.Span) bool { return !mine(s) })
	if pull == nil || pull.GetKind() != traces.Span_SPAN_KIND_INTERNAL || c.find(traceCall, func(s *traces.Span) bool { return bytes.Equal(s.GetParentSpanId(), pull.GetSpanId()) }) == nil {
		t.Error("no pull is traced with its calls")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	g.secrets.foundIn(t, "a trace", c.raw.String())
	if strings.Contains(c.raw.String(), "4971717") {
		t.Error("a trace tells a variable")
	}
	g.secrets.foundIn(t, "the log", p.log())
}

// aMirror is a source that needs nobody.
func aMirror(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pois.json")
	write(t, file, `[{"ID": 7, "AddressInfo": {"Title": "a", "CountryID": 1, "Latitude": 51.5, "Longitude": -0.1}, "SubmissionStatusTypeID": 200}]`)
	return file
}

func TestTraces_ThatNobodyTakesAreOneLineInTheLog(t *testing.T) {
	t.Parallel()
	const said = "the collector's own words"
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, said)
	}))
	t.Cleanup(refusing.Close)
	for name, endpoint := range map[string]string{"refused": refusing.URL, "nobody there": "http://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logged)
			traced, err := openTracing(t.Context(), envOf(envOTLP, endpoint), newLogger(log, slog.LevelDebug))
			if err != nil {
				t.Fatal(err)
			}
			for range 3 * 512 { // three batches at least
				traced.root.Begin("pull").End(nil)
			}
			traced.end(t.Context())
			if n := strings.Count(log.log(), "traces cannot be exported"); n != 1 {
				t.Errorf("the log tells of it %d times:\n%s", n, log.log())
			}
			if strings.Contains(log.log(), said) || strings.Contains(log.log(), endpoint) {
				t.Errorf("the log quotes the collector, or its address:\n%s", log.log())
			}
		})
	}
}

// flaky is an exporter that fails as long as it is told to.
type flaky struct {
	sdk.SpanExporter

	fails bool
}

func (f *flaky) ExportSpans(context.Context, []sdk.ReadOnlySpan) error {
	if f.fails {
		return errors.New("away")
	}
	return nil
}

func TestTraces_ThatAreTakenAgainAreALineToo(t *testing.T) {
	t.Parallel()
	log := new(logged)
	inner := &flaky{}
	e := &toldExporter{SpanExporter: inner, logger: newLogger(log, slog.LevelInfo)}
	for _, inner.fails = range []bool{false, true, true, false, false, true} {
		if err := e.ExportSpans(t.Context(), nil); err != nil {
			t.Errorf("what is logged is handed on, too: %v", err)
		}
	}
	if got := log.log(); strings.Count(got, "cannot be exported") != 2 || strings.Count(got, "exported again") != 1 {
		t.Errorf("it says\n%s", got)
	}
}

func TestTraces_TheEndDoesNotWaitForACollectorThatHangs(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gone }))
	t.Cleanup(func() { close(gone); hanging.Close() })
	p := launch(t, map[string]string{envOTLP: hanging.URL, envMirror: aMirror(t)}, "-addr", "127.0.0.1:0")
	query(t, p.url, inLondon)
	began := time.Now()
	p.stop()
	if err := <-p.done; err != nil {
		t.Error(err)
	}
	p.done <- nil
	if took := time.Since(began); took > lastTraces+5*time.Second { // and what else ends
		t.Errorf("it took %v to end", took)
	}
}

// envOf returns an environment of names and values.
func envOf(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestTraces_SayAtTheStartWhyTheyAreNotExported(t *testing.T) {
	t.Parallel()
	const secret = "5ec4e7"
	for name, test := range map[string]struct {
		env          []string
		refuses, log string
	}{
		"no scheme":           {[]string{envOTLP, "collector:4318"}, envOTLP + " is no address of a collector", ""},
		"no host":             {[]string{envOTLPTraces, "http:///v1/traces"}, envOTLPTraces + " is no address of a collector", ""},
		"no URL":              {[]string{envOTLP, "http://" + secret + "@[::1"}, envOTLP + " is no address of a collector", ""},
		"a password in it":    {[]string{envOTLP, "http://u:" + secret + "@127.0.0.1:4318"}, "OTEL_EXPORTER_OTLP_HEADERS", ""},
		"a key in it":         {[]string{envOTLP, "http://127.0.0.1:4318/?key=" + secret}, "OTEL_EXPORTER_OTLP_HEADERS", ""},
		"gRPC":                {[]string{envOTLP, "http://127.0.0.1:4317", envOTLPProtocol, "grpc"}, "set it to http/protobuf", ""},
		"switched off":        {[]string{envOTLP, "http://127.0.0.1:1", envTelemetryOff, "true"}, "", `because="OTEL_SDK_DISABLED=true"`},
		"no exporter":         {[]string{envOTLP, "http://127.0.0.1:1", envTracesExporter, "none"}, "", `because="OTEL_TRACES_EXPORTER=none"`},
		"nothing is asked of": {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logged)
			traced, err := openTracing(t.Context(), envOf(test.env...), newLogger(log, slog.LevelDebug))
			if traced.join != nil || traced.root != nil {
				traced.end(t.Context())
				t.Error("traces are exported")
			}
			if (err != nil) != (test.refuses != "") || err != nil && (!strings.Contains(err.Error(), test.refuses) || strings.Contains(err.Error(), secret)) {
				t.Errorf("it says %v, want %q", err, test.refuses)
			}
			if got := log.log(); !strings.Contains(got, test.log) || test.log == "" && got != "" {
				t.Errorf("it logs %q, want %q", got, test.log)
			}
		})
	}
}

// TestTraces_HonourTheVariablesOfOpenTelemetry is not parallel: its library reads
// the environment of the process.
func TestTraces_HonourTheVariablesOfOpenTelemetry(t *testing.T) {
	const secret = "5ec4e7"
	c := collect(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20"+secret+",broken-"+secret)
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
	log := new(logged)
	traced, err := openTracing(t.Context(), envOf(envOTLP, c.url), newLogger(log, slog.LevelDebug))
	if err != nil {
		t.Fatal(err)
	}
	traced.join(http.Header{}).Begin("query").End(nil) // nobody samples it
	traced.join(http.Header{"Traceparent": {sampledParent}}).Begin("query").End(nil)
	traced.end(t.Context())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.headers.Get("Authorization") != "Bearer "+secret {
		t.Errorf("the collector was sent the headers %v", c.headers)
	}
	if len(c.spans) != 1 || hex.EncodeToString(c.spans[0].GetTraceId()) != callersTrace {
		t.Errorf("the collector was sent the spans %v, want the one whose caller samples it", c.spans)
	}
	if got := log.log(); !strings.Contains(got, "OpenTelemetry complains") || strings.Contains(got, secret) {
		t.Errorf("a broken header says\n%s", got)
	}
}

const (
	callersTrace  = "0af7651916cd43dd8448eb211c80319c"
	callersSpan   = "b7ad6b7169203331"
	sampledParent = "00-" + callersTrace + "-" + callersSpan + "-01"
)

func TestTraces_PassOnWhatTheNextServiceNeeds(t *testing.T) {
	t.Parallel()
	c := collect(t)
	traced, err := openTracing(t.Context(), envOf(envOTLPTraces, c.url+"/v1/traces"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { traced.end(context.WithoutCancel(t.Context())) })
	passed := func(parent string) (map[string]string, string) {
		joined := traced.join(http.Header{"Traceparent": {parent}, "Tracestate": {"a=1"}})
		ctx, operation := providers.BeginTrace(providers.WithTrace(t.Context(), joined), "query")
		defer operation.End(nil)
		got := map[string]string{}
		providers.TraceOf(ctx).Pass(func(name, value string) { got[name] = value })
		return got, operation.ID()
	}
	for flags, parent := range map[string]string{"01": sampledParent, "00": strings.TrimSuffix(sampledParent, "01") + "00"} {
		got, id := passed(parent)
		if next := got["traceparent"]; !strings.HasPrefix(next, "00-"+callersTrace+"-") || strings.Contains(next, callersSpan) ||
			!strings.HasSuffix(next, "-"+flags) || got["tracestate"] != "a=1" {
			t.Errorf("of %s it passes on %v", parent, got)
		}
		if id != callersTrace {
			t.Errorf("the id of %s is %s", parent, id)
		}
	}
	if got, id := passed("00-" + callersTrace + "-0000000000000000-01"); id == callersTrace || !strings.Contains(got["traceparent"], id) {
		t.Errorf("of a trace that is not written as the W3C has it, it passes on %v under %s", got, id)
	}
	alone := traced.join(http.Header{})
	if alone.ID() != "" {
		t.Errorf("a request that is a part of no trace has the id %s before it is one", alone.ID())
	}
	first, second := alone.Begin("query"), alone.Begin("query")
	if first.ID() == "" || first.ID() == second.ID() {
		t.Errorf("two requests are the traces %q and %q", first.ID(), second.ID())
	}
	first.End(nil)
	second.End(nil)
}

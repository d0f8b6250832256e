package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"chargegraph/providers"
)

// upstreamOf answers as its path says.
func upstreamOf(t *testing.T) *httptest.Server {
	t.Helper()
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/broken":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "the beginning")
		case "/slow":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "/404":
			w.WriteHeader(http.StatusNotFound)
		case "/429":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, r.Header.Get("Traceparent"))
		}
	}))
	t.Cleanup(func() { close(release); s.Close() })
	return s
}

func TestCalls_AreCountedByHowTheyEnd(t *testing.T) {
	t.Parallel()
	s := upstreamOf(t)
	m := newCallMetrics()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	client := &http.Client{Transport: m.around("ocpi:x")(new(http.Transport))}
	defer client.CloseIdleConnections()
	call := func(ctx context.Context, url string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			return
		}
		defer res.Body.Close()
		_, _ = io.ReadAll(res.Body)
	}
	for _, path := range []string{"/", "/", "/404", "/429", "/503", "/broken"} {
		call(t.Context(), s.URL+path)
	}
	call(t.Context(), "http://127.0.0.1:1/")
	late, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	call(late, s.URL+"/slow")
	gone, leave := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, leave)
	call(gone, s.URL+"/slow")

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			switch f.GetName() {
			case "chargegraph_upstream_requests_total":
				got[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
			case "chargegraph_upstream_request_duration_seconds":
				got["timed"] = float64(metric.GetHistogram().GetSampleCount())
			case "chargegraph_upstream_requests_under_way":
				got["under way"] = metric.GetGauge().GetValue()
			}
		}
	}
	want := map[string]float64{
		"2xx": 2, "4xx": 1, "429": 1, "5xx": 1, "broken": 1, "error": 1, "timeout": 1, "canceled": 1,
		"timed": 9, "under way": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls mismatch (-want +got)\n%s", diff)
	}
}

// aTrace hands on one header and remembers how its parts ended.
type aTrace struct{ ends *[]error }

func (a aTrace) Begin(string, ...slog.Attr) providers.Trace { return a }
func (aTrace) Note(...slog.Attr)                            {}
func (a aTrace) End(err error)                              { *a.ends = append(*a.ends, err) }
func (aTrace) Pass(set func(name, value string))            { set("traceparent", "00-trace") }
func (aTrace) ID() string                                   { return "trace" }

func TestCalls_HandTheTraceOnAndLeaveTheRequestAsItIs(t *testing.T) {
	t.Parallel()
	s := upstreamOf(t)
	client := &http.Client{Transport: newCallMetrics().around("ocm")(new(http.Transport))}
	defer client.CloseIdleConnections()
	var ends []error
	for path, failed := range map[string]bool{"/": false, "/503": true} {
		ends = nil
		req, err := http.NewRequestWithContext(providers.WithTrace(t.Context(), aTrace{&ends}), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || path == "/" && string(text) != "00-trace" {
			t.Errorf("%s: the upstream was told %q, %v", path, text, err)
		}
		if len(req.Header) > 0 {
			t.Errorf("%s: the request has got headers: %v", path, req.Header)
		}
		if len(ends) != 1 || (ends[0] != nil) != failed {
			t.Errorf("%s: the call ended as %v", path, ends)
		}
	}
}

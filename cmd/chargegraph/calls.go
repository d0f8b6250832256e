package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chargegraph/providers"
)

// callMetrics count the single calls that upstreams are sent: repeats and
// redirects are calls of their own.
type callMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	underWay *prometheus.GaugeVec
}

func newCallMetrics() *callMetrics {
	return &callMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chargegraph_upstream_requests_total",
			Help: "Calls made to a source, by how they ended: a class of status, 429, timeout, canceled (nobody waited any more), broken (in the middle of the answer), error (no connection).",
		}, []string{"source", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chargegraph_upstream_request_duration_seconds",
			Help: "Time of a call until its answer was read, or given up.",
			// From a neighbour in the network to a country in one page.
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120},
		}, []string{"source"}),
		underWay: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "chargegraph_upstream_requests_under_way",
			Help: "Calls whose answer is not read to its end.",
		}, []string{"source"}),
	}
}

// Describe implements prometheus.Collector.
func (m *callMetrics) Describe(to chan<- *prometheus.Desc) {
	m.requests.Describe(to)
	m.duration.Describe(to)
	m.underWay.Describe(to)
}

// Collect implements prometheus.Collector.
func (m *callMetrics) Collect(to chan<- prometheus.Metric) {
	m.requests.Collect(to)
	m.duration.Collect(to)
	m.underWay.Collect(to)
}

// around returns what goes around the transport of a source: it counts and
// traces its calls, and hands the trace on.
func (m *callMetrics) around(id providers.SourceID) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &calls{
			next: next, source: string(id), requests: m.requests.MustCurryWith(prometheus.Labels{"source": string(id)}),
			duration: m.duration.WithLabelValues(string(id)), underWay: m.underWay.WithLabelValues(string(id)),
		}
	}
}

// calls is a transport whose calls are counted and traced.
type calls struct {
	next     http.RoundTripper
	source   string
	requests *prometheus.CounterVec
	duration prometheus.Observer
	underWay prometheus.Gauge
}

// traceCall is the name of a call in a trace. Its address is not told: keys and
// places stand there.
const traceCall = "upstream call"

// RoundTrip implements http.RoundTripper.
func (c *calls) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, trace := providers.BeginTrace(req.Context(), traceCall, slog.String("source", c.source), slog.String("method", req.Method))
	if trace.ID() != "" {
		req = req.Clone(ctx) // a transport leaves what it is given as it is
		trace.Pass(req.Header.Set)
	}
	a := &call{calls: c, ctx: ctx, trace: trace, began: time.Now()}
	c.underWay.Inc()
	res, err := c.next.RoundTrip(req)
	if err != nil {
		a.end(outcomeOf(ctx, err, "error"), err)
		return nil, err
	}
	a.status = res.StatusCode
	if res.Body == nil {
		res.Body = http.NoBody
	}
	a.ReadCloser, res.Body = res.Body, a
	return res, nil
}

// CloseIdleConnections closes those of the transport inside.
func (c *calls) CloseIdleConnections() {
	if next, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// call is one call, and the body of its answer.
type call struct {
	io.ReadCloser

	calls  *calls
	ctx    context.Context //nolint:containedctx // of the request, for as long as its answer is read
	trace  providers.Trace
	began  time.Time
	status int
	once   sync.Once
}

// Read implements io.Reader.
func (a *call) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		a.end(statusOutcome(a.status), nil)
	case err != nil:
		a.end(outcomeOf(a.ctx, err, "broken"), err)
	}
	return n, err
}

// Close implements io.Closer.
func (a *call) Close() error {
	a.end(statusOutcome(a.status), nil) // whoever closes early has seen enough
	return a.ReadCloser.Close()
}

func (a *call) end(outcome string, err error) {
	a.once.Do(func() {
		a.calls.underWay.Dec()
		a.calls.requests.WithLabelValues(outcome).Inc()
		a.calls.duration.Observe(time.Since(a.began).Seconds())
		a.trace.Note(slog.String("outcome", outcome), slog.Int("status", a.status))
		if err == nil && a.status >= http.StatusInternalServerError {
			err = errStatus
		}
		a.trace.End(err)
	})
}

// errStatus says in a trace that a source answered with a failure.
var errStatus = errors.New("the source answered with a failure")

// statusOutcome returns the label of an answer's status.
func statusOutcome(status int) string {
	if status == http.StatusTooManyRequests {
		return "429"
	}
	return strconv.Itoa(status/100) + "xx"
}

// outcomeOf returns the label of an error.
func outcomeOf(ctx context.Context, err error, otherwise string) string {
	timeout := net.Error(nil)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return otherwise
}

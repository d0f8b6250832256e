package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"chargegraph/providers"
)

const (
	// maxNames bounds the names of operations that are told apart: each takes some
	// 20 series. The applications of one service have a few dozen.
	maxNames = 100
	// maxTrustedNames does so where the operator has listed them in a manifest.
	maxTrustedNames = 1000
	// maxNameBytes bounds one name: people write names of some 30.
	maxNameBytes = 64
	// maxCodes bounds the codes of errors: there are two dozen.
	maxCodes = 50

	otherName = "other"   // of all beyond the bound
	unnamed   = "unnamed" // an operation without a name
	otherCode = "OTHER"
)

// The outcomes of operations.
const (
	outcomeOK        = iota
	outcomePartial   // data and errors
	outcomeFailed    // errors alone
	outcomeAbandoned // its time was up, or its caller gone, before there was anything
	outcomes
)

// Metrics counts what goes through a Handler; several one after the other may
// share it. A nil *Metrics counts nothing. It is safe for concurrent use.
type Metrics struct {
	operations *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	cost       *prometheus.HistogramVec
	bytes      *prometheus.HistogramVec
	underWay   *prometheus.GaugeVec
	events     prometheus.Counter
	errs       *prometheus.CounterVec
	refusals   *prometheus.CounterVec
	kept       prometheus.Counter
	keptBytes  prometheus.Counter
	panics     prometheus.Counter
	slow       prometheus.Counter

	mu     sync.RWMutex
	series map[seriesKey]*series
	kinds  map[ast.Operation]*kindSeries
	names  map[string]bool // the first maxNames that were asked by
	codes  map[string]bool // the first maxCodes
}

type seriesKey struct {
	kind ast.Operation
	name string
}

// series are those of the operations of one type and name.
type series struct {
	outcomes [outcomes]prometheus.Counter
	duration prometheus.Observer
}

// kindSeries are those of the operations of one type.
type kindSeries struct {
	cost, bytes prometheus.Observer
	underWay    prometheus.Gauge
}

var _ prometheus.Collector = (*Metrics)(nil)

// NewMetrics returns what counts for a Handler, to be registered where it is read.
func NewMetrics() *Metrics {
	return &Metrics{
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chargegraph_operations_total",
			Help: "Operations executed, by how they ended: ok, partial (data and errors), failed (errors alone), abandoned (no time left, or nobody waiting).",
		}, []string{"type", "name", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chargegraph_operation_duration_seconds",
			Help: "Time from the arrival of a query or mutation until its answer was ready to be sent.",
			// From an answer out of memory to the deadline of an operation.
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"type", "name"}),
		cost: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "chargegraph_operation_cost",
			Help:    "Cost of operations executed, as in extensions.cost.requested.",
			Buckets: []float64{10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000},
		}, []string{"type"}),
		bytes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "chargegraph_answer_size_bytes",
			Help:    "Size of the data of answers, before it is compressed.",
			Buckets: prometheus.ExponentialBuckets(1<<10, 4, 7), // 1 kB to 4 MB
		}, []string{"type"}),
		underWay: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "chargegraph_operations_under_way",
			Help: "Operations being executed; subscriptions until they end.",
		}, []string{"type"}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chargegraph_subscription_events_total",
			Help: "Answers given to subscriptions.",
		}),
		errs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chargegraph_errors_total",
			Help: "Errors in the answers of operations that were executed, by extensions.code.",
		}, []string{"code"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chargegraph_refusals_total",
			Help: "Requests refused before anything was executed, by extensions.code and extensions.limit.",
		}, []string{"code", "limit"}),
		kept: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chargegraph_kept_answers_total",
			Help: "Queries answered with a finished answer, without execution.",
		}),
		keptBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chargegraph_kept_answers_bytes_total",
			Help: "Size of the finished answers that queries were answered with, before they are compressed.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chargegraph_panics_total",
			Help: "Panics caught; the log has each with its stack.",
		}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chargegraph_slow_operations_total",
			Help: "Operations that took longer than a second; the log has each with its name and hash.",
		}),
		series: make(map[seriesKey]*series),
		kinds:  make(map[ast.Operation]*kindSeries),
		names:  make(map[string]bool),
		codes:  make(map[string]bool),
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.operations, m.duration, m.cost, m.bytes, m.underWay, m.events, m.errs, m.refusals, m.kept, m.keptBytes, m.panics, m.slow,
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(to)
	}
}

// of returns the series of operations of a type, and of a type and name.
func (m *Metrics) of(kind ast.Operation, name string) (*kindSeries, *series) {
	key := seriesKey{kind, name}
	m.mu.RLock()
	byName, byKind := m.series[key], m.kinds[kind]
	m.mu.RUnlock()
	if byName != nil {
		return byKind, byName
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if byKind = m.kinds[kind]; byKind == nil {
		byKind = &kindSeries{
			cost: m.cost.WithLabelValues(string(kind)), bytes: m.bytes.WithLabelValues(string(kind)), underWay: m.underWay.WithLabelValues(string(kind)),
		}
		m.kinds[kind] = byKind
	}
	if byName = m.series[key]; byName == nil {
		byName = &series{}
		for i, outcome := range [outcomes]string{"ok", "partial", "failed", "abandoned"} {
			byName.outcomes[i] = m.operations.WithLabelValues(string(kind), name, outcome)
		}
		if kind != ast.Subscription { // one takes as long as somebody looks
			byName.duration = m.duration.WithLabelValues(string(kind), name)
		}
		m.series[key] = byName
	}
	return byKind, byName
}

// among returns text if it is in known, or there is room for it, else otherwise.
func (m *Metrics) among(known map[string]bool, room int, text, otherwise string) string {
	m.mu.RLock()
	found, full := known[text], len(known) >= room
	m.mu.RUnlock()
	if found {
		return text
	}
	if full || len(text) > maxNameBytes {
		return otherwise
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(known) >= room && !known[text] {
		return otherwise
	}
	known[text] = true
	return text
}

func (m *Metrics) erred(errs gqlerror.List) {
	for _, err := range errs {
		m.errs.WithLabelValues(m.code(err)).Inc()
	}
}

func (m *Metrics) refused(errs gqlerror.List) {
	for _, err := range errs {
		limit, _ := err.Extensions["limit"].(string)
		m.refusals.WithLabelValues(m.code(err), limit).Inc()
	}
}

func (m *Metrics) code(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return m.among(m.codes, maxCodes, cmp.Or(code, otherCode), otherCode)
}

func (m *Metrics) panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

// gaveKept counts an answer of so many bytes that was kept.
func (m *Metrics) gaveKept(size int) {
	if m != nil {
		m.kept.Inc()
		m.keptBytes.Add(float64(size))
	}
}

// namesOf returns the names of the operations in trusted documents; nil where
// there are none.
func namesOf(trusted Trusted) map[string]bool {
	if len(trusted) == 0 {
		return nil
	}
	var all []string
	for _, text := range trusted {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			continue // whoever asks for it is told
		}
		for _, op := range doc.Operations {
			all = append(all, op.Name)
		}
	}
	slices.Sort(all) // the same ones on every replica
	names := make(map[string]bool)
	for _, name := range slices.Compact(all) {
		if len(names) < maxTrustedNames && len(name) <= maxNameBytes {
			names[name] = true
		}
	}
	return names
}

// label returns the name under which an operation is counted: its own where the
// operator knows it from a manifest; without a manifest, where there is room.
func (s *service) label(name string) string {
	switch {
	case name == "":
		return unnamed
	case s.trustedNames[name]:
		return name
	case s.trustedNames != nil:
		return otherName
	}
	return s.cfg.Metrics.among(s.cfg.Metrics.names, maxNames, name, otherName)
}

type followedKey struct{}

// followed is an operation that is watched from its beginning to its end.
type followed struct {
	service *service
	ctx     context.Context //nolint:containedctx // the operation's, which this is a part of
	op      *graphql.OperationContext
	began   time.Time
	trace   providers.Trace
	byKind  *kindSeries // nil: nothing is counted
	byName  *series

	mu    sync.Mutex
	sofar sofar
	ended bool
}

// sofar is what an operation has answered up to now.
type sofar struct {
	parts, errors, size int  // size: bytes of data
	gave                bool // there is data
}

// follow goes around every operation that is executed: it is counted, traced, and
// told to the log when it was slow. What is refused before that, and what is
// answered without execution, does not come by here; see counted.
func (s *service) follow(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	f := &followed{service: s, op: op, began: op.Stats.Read.Start}
	if f.began.IsZero() {
		f.began = time.Now()
	}
	kind := op.Operation.Operation
	ctx, f.trace = providers.BeginTrace(ctx, string(kind), slog.String("operation_type", string(kind)), slog.String("operation_name", clip(op.Operation.Name)))
	if m := s.cfg.Metrics; m != nil {
		f.byKind, f.byName = m.of(kind, s.label(op.Operation.Name))
		f.byKind.underWay.Inc()
	}
	ctx = context.WithValue(ctx, followedKey{}, f)
	f.ctx = ctx
	begun := false
	defer func() {
		if !begun { // the executor panicked
			f.end(outcomeFailed)
		}
	}()
	respond := next(ctx)
	begun = true
	if kind == ast.Subscription {
		// Nobody asks for the next event of a subscription whose client has gone.
		context.AfterFunc(ctx, func() { f.end(outcomeOK) })
		return func(ctx context.Context) *graphql.Response {
			response := respond(ctx)
			f.event(response)
			return response
		}
	}
	return func(ctx context.Context) *graphql.Response {
		back := false
		defer func() {
			if !back { // it panicked
				f.end(outcomeFailed)
			}
		}()
		response := respond(ctx)
		back = true
		f.answered(response)
		return response
	}
}

// answered counts an answer to a query or mutation, or a part of it where some is
// deferred; nil: there was no time for any, or there are no more.
func (f *followed) answered(response *graphql.Response) {
	if response == nil {
		f.end(f.answer().outcome(outcomeAbandoned))
		return
	}
	if f.byKind != nil {
		f.service.cfg.Metrics.erred(response.Errors)
	}
	f.mu.Lock()
	f.sofar.parts++
	f.sofar.errors += len(response.Errors)
	f.sofar.size += len(response.Data)
	f.sofar.gave = f.sofar.gave || len(response.Data) > 0 && string(response.Data) != "null"
	now := f.sofar
	f.mu.Unlock()
	switch more := response.HasNext != nil && *response.HasNext; {
	case !more:
		f.end(now.outcome(outcomeFailed))
	case now.parts == 1: // nobody asks for the next part when the client has gone
		context.AfterFunc(f.ctx, func() { f.end(outcomeAbandoned) })
	}
}

// answer returns what there is of the answer.
func (f *followed) answer() sofar {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sofar
}

// outcome returns how an operation has ended that answered this: nothing where
// there is no data.
func (a sofar) outcome(nothing int) int {
	switch {
	case !a.gave:
		return nothing
	case a.errors > 0:
		return outcomePartial
	}
	return outcomeOK
}

// event counts an answer to a subscription; nil: there are no more.
func (f *followed) event(response *graphql.Response) {
	if response == nil {
		f.end(outcomeOK)
		return
	}
	if m := f.service.cfg.Metrics; m != nil {
		m.events.Inc()
		m.erred(response.Errors)
		f.byKind.bytes.Observe(float64(len(response.Data)))
	}
}

// errOperation stands for the errors of an operation in its trace: their
// sentences may quote what was asked.
var errOperation = errors.New("the answer has errors")

// end ends the operation, once.
func (f *followed) end(outcome int) {
	f.mu.Lock()
	again, answer := f.ended, f.sofar
	f.ended = true
	f.mu.Unlock()
	if again {
		return
	}
	took := time.Since(f.began)
	isStream := f.op.Operation.Operation == ast.Subscription
	cost, measured := CostOf(f.ctx)
	if f.byKind != nil {
		f.byKind.underWay.Dec()
		f.byName.outcomes[outcome].Inc()
		if measured {
			f.byKind.cost.Observe(float64(cost.Requested))
		}
		if !isStream {
			f.byName.duration.Observe(took.Seconds())
			f.byKind.bytes.Observe(float64(answer.size))
		}
	}
	f.trace.Note(slog.Int("cost", cost.Requested), slog.Int("errors", answer.errors), slog.Int("bytes", answer.size))
	var failed error
	if outcome == outcomeFailed || outcome == outcomeAbandoned {
		failed = errOperation
	}
	f.trace.End(failed)
	if !isStream && took > slowOperation {
		f.tellSlow(took, cost, answer)
	}
}

// tellSlow logs an operation that took long: by its name and the SHA-256 of its
// document, which is how clients of persisted documents name it. Its variables
// say where people are.
func (f *followed) tellSlow(took time.Duration, cost Cost, answer sofar) {
	if m := f.service.cfg.Metrics; m != nil {
		m.slow.Inc()
	}
	sum := sha256.Sum256([]byte(f.op.RawQuery))
	f.service.log.LogAttrs(f.ctx, slog.LevelInfo, "slow operation",
		slog.String("operation", clip(f.op.Operation.Name)), slog.String("type", string(f.op.Operation.Operation)),
		slog.String("hash", hex.EncodeToString(sum[:])), slog.Duration("duration", took),
		slog.Int("cost", cost.Requested), slog.Int("errors", answer.errors), slog.Int("bytes", answer.size))
}

// counted goes around every response and counts those of requests that were
// refused: follow counts the others.
func (s *service) counted(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response != nil && s.cfg.Metrics != nil && ctx.Value(followedKey{}) == nil {
		s.cfg.Metrics.refused(response.Errors)
	}
	return response
}

// OpenStreams returns how many connections are open for subscriptions.
func (h *Handler) OpenStreams() int {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	return h.streams.open
}

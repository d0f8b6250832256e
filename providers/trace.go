package providers

import (
	"context"
	"log/slog"
	"slices"
)

// Trace is work that is followed through this service and through those that it
// asks: a span, in the words of OpenTelemetry. What is noted of it goes to whoever
// collects traces, so that it holds no secret, no variable of a question and no
// position of a person. It is safe for concurrent use.
type Trace interface {
	// Begin begins a part of the work. Names are few: what differs from one to
	// the next stands in attrs.
	Begin(name string, attrs ...slog.Attr) Trace
	// Note adds what was not known when the work began.
	Note(attrs ...slog.Attr)
	// End ends the work, once; err is why it failed, nil: it did not. Only the
	// code of a *SourceError is told of err.
	End(err error)
	// Pass calls set with each header by which a service that is asked can go on
	// with the trace: traceparent and tracestate, as the W3C has them.
	Pass(set func(name, value string))
	// ID names the whole trace, everywhere; "" where nothing is traced.
	ID() string
}

type traceKey struct{}

// WithTrace returns a context in which work is a part of t.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf returns the trace that what is done under ctx is a part of. It is never
// nil: where nothing is traced, it does nothing.
func TraceOf(ctx context.Context) Trace {
	if t, ok := ctx.Value(traceKey{}).(Trace); ok {
		return t
	}
	return untraced{}
}

// BeginTrace begins a part of the trace in ctx and returns the context of what
// belongs to it. Whoever began it ends it.
func BeginTrace(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, Trace) {
	t := TraceOf(ctx)
	if t == (untraced{}) {
		return ctx, t
	}
	t = t.Begin(name, slices.Clone(attrs)...) // else attrs would be allocated where nothing is traced, too
	return WithTrace(ctx, t), t
}

// untraced is the trace of work that nobody follows.
type untraced struct{}

func (untraced) Begin(string, ...slog.Attr) Trace { return untraced{} }
func (untraced) Note(...slog.Attr)                {}
func (untraced) End(error)                        {}
func (untraced) Pass(func(name, value string))    {}
func (untraced) ID() string                       { return "" }

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"chargegraph/providers"
)

// The variables of OpenTelemetry that say whether traces are exported, and where
// to. Its library reads the others: headers, sampler, names, certificates, bounds.
const (
	envOTLP               = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envOTLPTraces         = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envOTLPProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envOTLPTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	envTracesExporter     = "OTEL_TRACES_EXPORTER"
	envTelemetryOff       = "OTEL_SDK_DISABLED"
)

// tracing tells a collector what was done. Its zero value tells nobody: the trace
// that a request came with is named in the log and handed on to sources all the same.
type tracing struct {
	join  func(http.Header) providers.Trace // nil: nobody is told
	root  providers.Trace                   // of what nobody asked for, such as pulls
	close func(context.Context)             // sends what waits
}

// background returns the context of what nobody asked for.
func (t *tracing) background(ctx context.Context) context.Context {
	if t.root == nil {
		return ctx
	}
	return providers.WithTrace(ctx, t.root)
}

// end sends what waits, for as long as ctx has.
func (t *tracing) end(ctx context.Context) {
	if t.close != nil {
		t.close(ctx)
	}
}

// openTracing begins to export traces by OTLP over HTTP where an endpoint is set.
func openTracing(ctx context.Context, getenv func(string) string, logger *slog.Logger) (tracing, error) {
	endpoint, err := collectorOf(getenv)
	if err != nil || endpoint == "" {
		return tracing{}, err
	}
	for off, value := range map[string]string{envTelemetryOff: "true", envTracesExporter: "none"} {
		if strings.EqualFold(getenv(off), value) {
			logger.LogAttrs(ctx, slog.LevelInfo, "traces are not exported", slog.String("because", off+"="+value))
			return tracing{}, nil
		}
	}
	// What the library has to say goes to stderr otherwise, with the headers and
	// addresses that it is about.
	otel.SetLogger(logr.FromSlogHandler(complaints{logger}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		logger.LogAttrs(ctx, slog.LevelWarn, "OpenTelemetry complains", slog.String("about", "what the OTEL_ variables say"))
	}))
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil { // the error may quote what is secret
		return tracing{}, fmt.Errorf("traces: %s is http, and a certificate is set for it: write https, or leave the certificate out", envOTLP)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "chargegraph")), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return tracing{}, errors.New("traces: OTEL_RESOURCE_ATTRIBUTES: write name=value pairs with commas between them")
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(&toldExporter{SpanExporter: exporter, logger: logger}), sdk.WithResource(about))
	tracer := provider.Tracer("chargegraph")
	logger.LogAttrs(ctx, slog.LevelInfo, "traces are exported")
	return tracing{
		join: func(h http.Header) providers.Trace {
			return part{tracer, propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(h)), trace.SpanKindServer}
		},
		root:  part{tracer, context.Background(), trace.SpanKindInternal},
		close: func(ctx context.Context) { _ = provider.Shutdown(ctx) }, // the log has what was not sent
	}, nil
}

// collectorOf returns the URL that traces are sent to, "" where none is set. The
// library would send them to another one, or drop them, when it is not good.
func collectorOf(getenv func(string) string) (string, error) {
	name, text := envOTLPTraces, strings.TrimSpace(getenv(envOTLPTraces))
	if text == "" {
		name, text = envOTLP, strings.TrimSpace(getenv(envOTLP))
	}
	if text == "" {
		return "", nil
	}
	endpoint, err := url.Parse(text)
	switch {
	case err != nil, endpoint.Scheme != "http" && endpoint.Scheme != "https", endpoint.Hostname() == "":
		return "", fmt.Errorf("traces: %s is no address of a collector: write http://host:4318 or https://…", name)
	case endpoint.User != nil, endpoint.RawQuery != "", endpoint.Fragment != "":
		return "", fmt.Errorf("traces: %s has more than a host and a path: credentials belong into OTEL_EXPORTER_OTLP_HEADERS", name)
	case cmp.Or(getenv(envOTLPTracesProtocol), getenv(envOTLPProtocol)) == "grpc":
		return "", fmt.Errorf("traces: %s is grpc, and they are sent over HTTP only: set it to http/protobuf, and %s to the port for that, commonly 4318", envOTLPProtocol, name)
	case name == envOTLP:
		endpoint = endpoint.JoinPath("v1/traces")
	}
	return endpoint.String(), nil
}

// complaints is a log handler that keeps of what OpenTelemetry's library says no
// more than its constant sentence.
type complaints struct{ logger *slog.Logger }

// Enabled implements slog.Handler.
func (complaints) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

// Handle implements slog.Handler.
func (c complaints) Handle(ctx context.Context, r slog.Record) error { //nolint:gocritic // the shape of slog
	c.logger.LogAttrs(ctx, slog.LevelWarn, "OpenTelemetry complains", slog.String("about", r.Message))
	return nil
}

// WithAttrs implements slog.Handler.
func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c complaints) WithGroup(string) slog.Handler { return c }

// toldExporter is an exporter that logs when the collector goes away and when it
// comes back, and has then done all that can be done about it.
type toldExporter struct {
	sdk.SpanExporter

	logger *slog.Logger
	away   atomic.Bool
}

// ExportSpans implements trace.SpanExporter.
func (e *toldExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !e.away.Swap(true): // the error may quote addresses, and what the collector says
		e.logger.LogAttrs(ctx, slog.LevelWarn, "traces cannot be exported: the collector does not take them", slog.Int("spans", len(spans)))
	case err == nil && e.away.Swap(false):
		e.logger.LogAttrs(ctx, slog.LevelInfo, "traces are exported again")
	}
	return nil
}

// part is a span, or what spans are to be below of.
type part struct {
	tracer trace.Tracer
	ctx    context.Context //nolint:containedctx // that is how OpenTelemetry hands spans around
	below  trace.SpanKind  // of the spans that begin here
}

var _ providers.Trace = part{}

// Begin implements providers.Trace.
func (p part) Begin(name string, attrs ...slog.Attr) providers.Trace {
	kind := p.below
	if name == traceCall {
		kind = trace.SpanKindClient
	}
	ctx, _ := p.tracer.Start(p.ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes(attrs)...))
	return part{p.tracer, ctx, trace.SpanKindInternal}
}

// Note implements providers.Trace.
func (p part) Note(attrs ...slog.Attr) {
	trace.SpanFromContext(p.ctx).SetAttributes(attributes(attrs)...)
}

// End implements providers.Trace.
func (p part) End(err error) {
	span := trace.SpanFromContext(p.ctx)
	if err != nil {
		span.SetStatus(codes.Error, string(providers.AsSourceError(err).Code))
	}
	span.End()
}

// Pass implements providers.Trace.
func (p part) Pass(set func(name, value string)) {
	carried := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(p.ctx, carried)
	for name, value := range carried {
		set(name, value)
	}
}

// ID implements providers.Trace.
func (p part) ID() string {
	if above := trace.SpanContextFromContext(p.ctx); above.HasTraceID() {
		return above.TraceID().String()
	}
	return ""
}

// attributes returns attrs under the names that OpenTelemetry has for them, else
// under our own.
func attributes(attrs []slog.Attr) []attribute.KeyValue {
	list := make([]attribute.KeyValue, len(attrs))
	for i, a := range attrs {
		key := a.Key
		switch key {
		case "operation_type":
			key = "graphql.operation.type"
		case "operation_name":
			key = "graphql.operation.name"
		case "method":
			key = "http.request.method"
		case "status":
			key = "http.response.status_code"
		default:
			key = "chargegraph." + key
		}
		switch a.Value.Kind() {
		case slog.KindInt64:
			list[i] = attribute.Int64(key, a.Value.Int64())
		case slog.KindFloat64:
			list[i] = attribute.Float64(key, a.Value.Float64())
		case slog.KindBool:
			list[i] = attribute.Bool(key, a.Value.Bool())
		default:
			list[i] = attribute.String(key, a.Value.String())
		}
	}
	return list
}

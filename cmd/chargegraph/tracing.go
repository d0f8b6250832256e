package main

import (
	"context"
	"net/http"

	"chargegraph/providers"
)

// The variables of OpenTelemetry that switch the export of traces on.
const (
	envOTLP       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envOTLPTraces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// tracing tells a collector what was done. Its zero value tells nobody: the trace
// that a request came with is named in the log and handed on to sources all the same.
type tracing struct {
	join  func(http.Header) providers.Trace // nil: nobody is told
	root  providers.Trace                   // of what nobody asked for, such as pulls
	close func(context.Context) error       // sends what waits
}

// background returns the context of what nobody asked for.
func (t *tracing) background(ctx context.Context) context.Context {
	if t.root == nil {
		return ctx
	}
	return providers.WithTrace(ctx, t.root)
}

func (t *tracing) end(ctx context.Context) error {
	if t.close == nil {
		return nil
	}
	return t.close(ctx)
}

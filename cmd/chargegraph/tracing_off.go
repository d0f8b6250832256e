//go:build !otlp

package main

import (
	"context"
	"log/slog"
)

// openTracing tells nobody: this is a build without the exporter.
func openTracing(ctx context.Context, getenv func(string) string, logger *slog.Logger) (tracing, error) { //nolint:unparam // the build with the exporter has both
	if getenv(envOTLP) != "" || getenv(envOTLPTraces) != "" {
		logger.LogAttrs(ctx, slog.LevelWarn, "traces are not exported: this build has no exporter; build with -tags otlp, or unset "+envOTLP)
	}
	return tracing{}, nil
}

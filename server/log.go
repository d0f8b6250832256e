package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"chargegraph/providers"
)

const (
	// requestIDHeader names a request in the logs of everybody who handles it.
	requestIDHeader = "X-Request-Id"
	// maxRequestID bounds what is taken over from a client: a UUID has 36.
	maxRequestID = 64
)

type requestIDKey struct{}

// identified gives every request an id: the one that a proxy gave it, else a new
// one. The answer bears it. What is done for the request belongs to the trace that
// it came with.
func (s *service) identified(next http.Handler) http.Handler {
	join := s.cfg.Trace
	if join == nil {
		join = joinPassed
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if id == "" || len(id) > maxRequestID || strings.ContainsFunc(id, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
		}) {
			id = rand.Text()[:16]
		}
		w.Header().Set(requestIDHeader, id)
		ctx := context.WithValue(r.Context(), requestIDKey{}, id)
		if trace := join(r.Header); trace != nil {
			ctx = providers.WithTrace(ctx, trace)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// LogHandler adds to what is logged the id of the request in whose context that
// is, and of the trace, where there is one.
type LogHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h LogHandler) Handle(ctx context.Context, record slog.Record) error {
	id, ok := ctx.Value(requestIDKey{}).(string)
	trace := providers.TraceOf(ctx).ID()
	if ok || trace != "" {
		record = record.Clone()
	}
	if ok {
		record.AddAttrs(slog.String("request_id", id))
	}
	if trace != "" {
		record.AddAttrs(slog.String("trace_id", trace))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h LogHandler) WithGroup(name string) slog.Handler { return LogHandler{h.Handler.WithGroup(name)} }

// logged writes a line about every request at level debug: never its query
// string, headers or body, where secrets and positions are.
func (s *service) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.log.Enabled(r.Context(), slog.LevelDebug) {
			next.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		seen := &observer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.log.LogAttrs(r.Context(), slog.LevelDebug, "request",
			slog.String("method", r.Method), slog.String("path", clip(r.URL.Path)),
			slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes),
			slog.Duration("duration", time.Since(start)))
	})
}

// observer remembers what went through a ResponseWriter.
type observer struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// Unwrap gives http.ResponseController the abilities of the writer inside.
func (o *observer) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *observer) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

func (o *observer) Write(b []byte) (int, error) {
	n, err := o.ResponseWriter.Write(b)
	o.bytes += int64(n)
	return n, err
}

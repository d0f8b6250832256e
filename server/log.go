package server

import (
	"log/slog"
	"net/http"
	"time"
)

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

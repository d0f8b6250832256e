package server

import (
	"log/slog"
	"net/http"
	"strings"

	"chargegraph/providers"
)

const (
	traceparentHeader = "Traceparent"
	tracestateHeader  = "Tracestate"
	// maxTracestate is what the W3C asks everybody to hand on at least.
	maxTracestate = 512
)

// passed is the trace that a request came with, handed on as it came: so does a
// service that tells nobody of its own part.
type passed struct{ parent, state, id string }

var _ providers.Trace = passed{}

// joinPassed returns the trace that the headers of a request name; nil: none, or
// it is not written as the W3C has it.
func joinPassed(h http.Header) providers.Trace {
	parent := h.Get(traceparentHeader)
	id, ok := traceID(parent)
	if !ok {
		return nil
	}
	p := passed{parent: parent, id: id}
	state := strings.Join(h.Values(tracestateHeader), ",")
	if len(state) <= maxTracestate && !strings.ContainsFunc(state, func(r rune) bool { return r < ' ' || r > '~' }) {
		p.state = state
	}
	return p
}

// traceID returns the id in a traceparent: version, trace, span and flags, of
// which later versions may have more behind.
func traceID(parent string) (string, bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(parent) < length || len(parent) > maxTracestate || parent[2] != '-' || parent[35] != '-' || parent[52] != '-' {
		return "", false
	}
	version, id, span, flags := parent[:2], parent[3:35], parent[36:52], parent[53:55]
	for _, part := range []string{version, id, span, flags} {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return "", false
		}
	}
	rest := parent[length:]
	if version == "ff" || strings.Trim(id, "0") == "" || strings.Trim(span, "0") == "" ||
		rest != "" && (version == "00" || rest[0] != '-' || strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' })) {
		return "", false
	}
	return id, true
}

func (p passed) Begin(string, ...slog.Attr) providers.Trace { return p }
func (passed) Note(...slog.Attr)                            {}
func (passed) End(error)                                    {}
func (p passed) ID() string                                 { return p.id }
func (p passed) Pass(set func(name, value string)) {
	set(traceparentHeader, p.parent)
	if p.state != "" {
		set(tracestateHeader, p.state)
	}
}

package server_test

import (
	"net/http"
	"strings"
	"testing"

	"chargegraph/server"
)

func withSDL(c *server.Config) { c.SDL = "type Query { a: Int }\n" }

func TestPagesAreServedUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, withSDL)
	for path, mediaType := range map[string]string{
		"/":                         "text/html; charset=utf-8",
		"/playground/examples.json": "application/json; charset=utf-8",
		"/playground/icon.svg":      "image/svg+xml; charset=utf-8",
		"/schema.graphqls":          "text/plain; charset=utf-8",
	} {
		w := send(h, http.MethodGet, path, "")
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("GET %s = %d, %d bytes", path, w.Code, w.Body.Len())
		}
		for header, want := range map[string]string{
			"Content-Type":           mediaType,
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
			"Cache-Control":          "no-cache",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, header, got, want)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none';", "script-src 'self';", "connect-src 'self';", "base-uri 'none';", "frame-ancestors 'none';", "form-action 'none'",
		} {
			if !strings.Contains(policy, want) {
				t.Errorf("GET %s: the policy %q lacks %q", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
			t.Errorf("GET %s: the policy %q allows too much", path, policy)
		}
	}
}

func TestThePageOfASandboxSaysSo(t *testing.T) {
	t.Parallel()
	real, _ := newHandler(t, titled, withSDL)
	madeUp, _ := newHandler(t, titled, withSDL, sandbox)
	one, other := send(real, http.MethodGet, "/", ""), send(madeUp, http.MethodGet, "/", "")
	const said = "Made-up data."
	if strings.Contains(one.Body.String(), said) || !strings.Contains(other.Body.String(), said) {
		t.Errorf("over real data the page says so: %t; over made-up data: %t",
			strings.Contains(one.Body.String(), said), strings.Contains(other.Body.String(), said))
	}
	if one.Header().Get("ETag") == other.Header().Get("ETag") {
		t.Error("both pages have one ETag")
	}
}

func TestThereIsNoSchemaPageWithoutAText(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	if w := send(h, http.MethodGet, "/schema.graphqls", ""); w.Code != http.StatusNotFound {
		t.Errorf("GET /schema.graphqls = %d, want 404", w.Code)
	}
	if body := send(h, http.MethodGet, "/", "").Body.String(); strings.Contains(body, "schema.graphqls") {
		t.Error("the page links to a schema that is not there")
	}
}

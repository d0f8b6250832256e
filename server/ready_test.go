package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chargegraph/server"
)

func TestReadyz(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		checks []server.Check
		status int
		body   string
	}{
		"without checks it is ready": {
			nil, http.StatusOK, `{"status":"ready"}`,
		},
		"when all is well it is ready": {
			[]server.Check{{Name: "ocpi:ndw", OK: true}},
			http.StatusOK, `{"status":"ready","checks":[{"name":"ocpi:ndw","ok":true}]}`,
		},
		"it names what is not ready": {
			[]server.Check{{Name: "ocpi:ndw", Message: "not read yet"}, {Name: "checkins", OK: true}},
			http.StatusServiceUnavailable,
			`{"status":"not ready","notReady":["ocpi:ndw"],"checks":[{"name":"ocpi:ndw","ok":false,"message":"not read yet"},{"name":"checkins","ok":true}]}`,
		},
		"a detail is no reason": {
			[]server.Check{{Name: "ocm", Detail: true, Message: "DOWN"}},
			http.StatusOK, `{"status":"ready","checks":[{"name":"ocm","ok":false,"detail":true,"message":"DOWN"}]}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := newHandler(t, titled, func(c *server.Config) {
				if test.checks != nil {
					c.Ready = func(context.Context) []server.Check { return test.checks }
				}
			})
			w := send(h, http.MethodGet, "/readyz", "")
			if got := strings.TrimSpace(w.Body.String()); w.Code != test.status || got != test.body {
				t.Errorf("GET /readyz = %d %s, want %d %s", w.Code, got, test.status, test.body)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("it may be cached: %v", w.Header())
			}
			if w := send(h, http.MethodGet, "/livez", ""); w.Code != http.StatusOK {
				t.Errorf("GET /livez = %d, want 200 whatever is ready", w.Code)
			}
		})
	}
}

func TestReadyz_WhoNeedsADetailSaysSo(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, func(c *server.Config) {
		c.Ready = func(context.Context) []server.Check {
			return []server.Check{{Name: "ocm", OK: true}, {Name: "checkins", Detail: true, Message: "away"}, {Name: "ocpi:ndw", Message: "not read yet"}}
		}
	})
	for _, test := range []struct {
		query  string
		status int
		says   string
	}{
		{"?for=checkins", http.StatusServiceUnavailable, `"notReady":["ocpi:ndw","checkins"]`},
		{"", http.StatusServiceUnavailable, `"notReady":["ocpi:ndw"]`}, // as before
		{"?for=ocm&for=ocpi:ndw", http.StatusServiceUnavailable, `"notReady":["ocpi:ndw"]`},
		{"?for=checkin", http.StatusNotFound, "nothing of that name"},
	} {
		if w := send(h, http.MethodGet, "/readyz"+test.query, ""); w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
			t.Errorf("GET /readyz%s = %d %s, want %d and %s", test.query, w.Code, w.Body, test.status, test.says)
		}
	}
}

func TestReadyz_AsksOnceASecondAndDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		h, _ := newHandler(t, titled, func(c *server.Config) {
			c.Ready = func(ctx context.Context) []server.Check {
				if asked.Add(1) == 3 {
					<-ctx.Done()
					return []server.Check{{Name: "checkins", Message: "no answer"}}
				}
				return []server.Check{{Name: "checkins", OK: true}}
			}
		})
		for range 5 {
			send(h, http.MethodGet, "/readyz", "")
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("5 probes at once asked %d times, want once", n)
		}
		<-time.After(1100 * time.Millisecond)
		send(h, http.MethodGet, "/readyz", "")
		<-time.After(1100 * time.Millisecond)
		began := time.Now()
		if w := send(h, http.MethodGet, "/readyz", ""); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a store that does not answer is %d, want 503", w.Code)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v, want 2 s", took)
		}
	})
}

func TestMetricsPage_IsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	h, _ := newHandler(t, titled, func(c *server.Config) { c.MetricsPage = page })
	tests := map[string]struct {
		remote, host string
		headers      []string
		want         int
	}{
		"from here":                      {"127.0.0.1:5000", "127.0.0.1:8080", nil, http.StatusOK},
		"from here by name":              {"127.0.0.1:5000", "localhost:8080", nil, http.StatusOK},
		"from here by IPv6":              {"[::1]:5000", "[::1]:8080", nil, http.StatusOK},
		"from elsewhere":                 {"10.0.0.7:5000", "127.0.0.1:8080", nil, http.StatusNotFound},
		"by a proxy":                     {"127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "8.8.8.8"}, http.StatusNotFound},
		"by a proxy of the standard":     {"127.0.0.1:5000", "127.0.0.1:8080", []string{"Forwarded", "for=8.8.8.8"}, http.StatusNotFound},
		"under a name that leads here":   {"127.0.0.1:5000", "evil.example", nil, http.StatusNotFound},
		"under an address that looks so": {"127.0.0.1:5000", "127.0.0.1.evil.example", nil, http.StatusNotFound},
		"from nobody knows where":        {"", "127.0.0.1:8080", nil, http.StatusNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.RemoteAddr, r.Host = test.remote, test.host
			for i := 0; i < len(test.headers); i += 2 {
				r.Header.Set(test.headers[i], test.headers[i+1])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("GET /metrics = %d, want %d", w.Code, test.want)
			}
		})
	}
	t.Run("and nowhere unless it is wanted", func(t *testing.T) {
		t.Parallel()
		h, _ := newHandler(t, titled)
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil)
		r.RemoteAddr = "127.0.0.1:5000"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("GET /metrics = %d, want 404", w.Code)
		}
	})
}

package ocm

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

const testKey = "0c8f7d5a-4a7b-4c37-9d3e-2f6a1b9c8d7e"

// shared is where the real data lie; tests that need them are skipped without.
func sharedFile(tb testing.TB, elem ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("no real data here: %v", err)
	}
	return path
}

// theWorld is made once for all tests.
var theWorld = sync.OnceValue(func() *sandbox.World {
	params := sandbox.DefaultParams()
	params.Sites = 2500
	return sandbox.NewWorld(params)
})

// newSandbox returns a simulated OCM and a live source that asks it.
func newSandbox(tb testing.TB, change func(*Config)) (*sandbox.OCM, *Source) {
	tb.Helper()
	sim, err := sandbox.NewOCM(theWorld(), sandbox.OCMOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = sim.Close() })
	return sim, newSource(tb, sim, change)
}

// newSource returns a live source that asks handler.
func newSource(tb testing.TB, handler http.Handler, change func(*Config)) *Source {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	cfg := Config{
		ID: "ocm", URL: server.URL + "/v3", Key: testKey, Client: server.Client(),
		Clock: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// answering returns a handler that says the same to every question.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// testMapper returns a mapper with a fixed clock; held may be nil.
func testMapper(held *index) *mapper {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	return newMapper(describe("ocm", "", providers.ModeMirror), held, newIndex(builtinReference()), now, now)
}

// logTo returns a logger that writes to b.
func logTo(b io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

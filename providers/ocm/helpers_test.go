package ocm

import (
	"bufio"
	"bytes"
	"compress/gzip"
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
func sharedFile(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real data here: %v", err)
	}
	return path
}

// lines returns the JSON lines of a gzipped file.
func lines(t testing.TB, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<22)
	for s.Scan() {
		all = append(all, bytes.Clone(s.Bytes()))
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return all
}

// theWorld is made once for all tests.
var theWorld = sync.OnceValue(func() *sandbox.World {
	params := sandbox.DefaultParams()
	params.Sites = 4000
	return sandbox.NewWorld(params)
})

// newSandbox returns a simulated OCM and a live source that asks it.
func newSandbox(t testing.TB, change func(*Config)) (*sandbox.OCM, *Source) {
	t.Helper()
	sim, err := sandbox.NewOCM(theWorld(), sandbox.OCMOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return sim, newSource(t, sim, change)
}

// newSource returns a live source that asks handler.
func newSource(t testing.TB, handler http.Handler, change func(*Config)) *Source {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := Config{
		ID: "ocm", URL: server.URL + "/v3", Key: testKey, Client: server.Client(),
		Clock: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
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

package ocpi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when tests take place.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// shared is where the real data lie; tests that need them are skipped without.
func shared(tb testing.TB, elem ...string) string {
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
	params.Sites = 1500
	return sandbox.NewWorld(params)
})

// newFeed returns a feed that asks handler, at path.
func newFeed(tb testing.TB, handler http.Handler, path string, change func(*Config)) *Feed {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return feedAt(tb, server.URL+path, change)
}

// feedAt returns a feed that asks an address.
func feedAt(tb testing.TB, address string, change func(*Config)) *Feed {
	tb.Helper()
	cfg := Config{Name: "test", URL: address, Clock: func() time.Time { return noon }}
	if change != nil {
		change(&cfg)
	}
	f, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// fileFeed returns a feed that reads a file.
func fileFeed(tb testing.TB, path string) *Feed {
	tb.Helper()
	f, err := New(Config{Name: "test", File: path, Clock: func() time.Time { return noon }})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// got is what a pull brought, as a store would hold it.
type got struct {
	providers.Pulled
	records map[providers.Key]*providers.Record
	removed map[providers.Key]bool
	err     error
}

func (g *got) code() providers.SourceErrorCode {
	if se, ok := errors.AsType[*providers.SourceError](g.err); ok {
		return se.Code
	}
	return ""
}

// pullFrom pulls and applies what comes, in its order.
func pullFrom(tb testing.TB, f *Feed, since time.Time) *got {
	tb.Helper()
	g := &got{records: map[providers.Key]*providers.Record{}, removed: map[providers.Key]bool{}}
	g.Pulled, g.err = f.Pull(context.WithoutCancel(tb.Context()), since, func(put []*providers.Record, removed []providers.Key) error {
		for _, k := range removed {
			delete(g.records, k)
			g.removed[k] = true
		}
		for _, r := range put {
			g.records[r.Key] = r
			delete(g.removed, r.Key)
		}
		return nil
	})
	return g
}

// mustPull is pullFrom for a pull of everything that has to succeed.
func mustPull(tb testing.TB, f *Feed) *got {
	tb.Helper()
	g := pullFrom(tb, f, time.Time{})
	if g.err != nil {
		tb.Fatal(g.err)
	}
	return g
}

// answering returns a handler that says the same to every question.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// location returns a small location of party NL*ABC with further members, or
// other values of those it has.
func location(id string, with map[string]any) map[string]any {
	l := map[string]any{
		"country_code": "NL", "party_id": "ABC", "id": id, "publish": true, "address": "Straat 1", "city": "Delft", "country": "NLD",
		"coordinates": map[string]any{"latitude": "52.010000", "longitude": "4.360000"},
		"evses": []any{map[string]any{
			"uid": id + "-1", "evse_id": "NL*ABC*E" + id, "status": "AVAILABLE",
			"connectors": []any{map[string]any{"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 16}},
		}},
		"time_zone": "Europe/Amsterdam", "last_updated": "2026-11-01T00:00:00Z",
	}
	maps.Copy(l, with)
	return l
}

// asJSON writes v.
func asJSON(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// writeFile returns a file that holds text.
func writeFile(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "feed.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// only returns the one record of g.
func only(tb testing.TB, g *got) *providers.Record {
	tb.Helper()
	if len(g.records) != 1 {
		tb.Fatalf("%d records, want one", len(g.records))
	}
	for _, r := range g.records {
		return r
	}
	return nil
}

// readFile returns what a file holds.
func readFile(tb testing.TB, path string) string {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// mustAddr reads an address.
func mustAddr(tb testing.TB, s string) netip.Addr {
	tb.Helper()
	a, err := netip.ParseAddr(s)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

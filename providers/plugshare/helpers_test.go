package plugshare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "licensee-7"
	testSecret = "s3cr3t-of-the-licence"
)

// testNow is the time of every test that has one.
var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// sharedFile is where the real data lie; tests that need them are skipped without.
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
	params.Sites = 1500
	return sandbox.NewWorld(params)
})

// newSandbox returns a simulated PlugShare and a source that asks it.
func newSandbox(tb testing.TB, change func(*Config)) (*sandbox.PlugShare, *Source) {
	tb.Helper()
	sim, err := sandbox.NewPlugShare(theWorld(), sandbox.PlugShareOptions{
		Key: testKey, Secret: testSecret, Now: func() time.Time { return testNow },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = sim.Close() })
	return sim, newSource(tb, sim, change)
}

// newSource returns a source that asks handler.
func newSource(tb testing.TB, handler http.Handler, change func(*Config)) *Source {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	cfg := Config{
		ID: "plugshare", URL: server.URL + "/v3", Key: testKey, Secret: testSecret, Client: server.Client(),
		Clock: func() time.Time { return testNow },
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
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// answeringFile returns a handler that answers with a file of testdata.
func answeringFile(tb testing.TB, name string) http.HandlerFunc {
	tb.Helper()
	return answering(http.StatusOK, string(readFile(tb, name)))
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// testMapper returns a mapper of single locations with a fixed clock.
func testMapper() *mapper {
	return newMapper(describe(&Config{ID: "plugshare", Name: "PlugShare"}), newNetworkIndex(builtinReference()), testNow, true)
}

// recordsOf maps one location and returns its records.
func recordsOf(tb testing.TB, location string) []*providers.Record {
	tb.Helper()
	w, err := decode([]byte(location))
	if err != nil {
		tb.Fatal(err)
	}
	records, _, err := testMapper().location(w)
	if err != nil {
		tb.Fatal(err)
	}
	return records
}

// site is a public location with these members besides id and place.
func site(id int, members string) string {
	if members != "" {
		members = "," + members
	}
	return fmt.Sprintf(`{"id":%d,"latitude":51.5,"longitude":-0.1,"access":1,"name":"Site %d"%s}`, id, id, members)
}

// stations is the member of that name, of outlets of one station each.
func stations(outlets ...string) string {
	parts := make([]string, len(outlets))
	for i, o := range outlets {
		parts[i] = fmt.Sprintf(`{"id":%d,"outlets":[{"id":%d,%s}]}`, i+1, i+100, o)
	}
	return `"stations":[` + strings.Join(parts, ",") + `]`
}

// logTo returns a logger that writes to b.
func logTo(b io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// compact returns JSON in one line.
func compact(tb testing.TB, raw []byte) string {
	tb.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// mustFail checks the code of an error, and that it gives nothing away.
func mustFail(t *testing.T, err error, want providers.SourceErrorCode) {
	t.Helper()
	_ = failure(t, err, want)
}

// failure does so too, and returns the error.
func failure(t *testing.T, err error, want providers.SourceErrorCode) *providers.SourceError {
	t.Helper()
	var se *providers.SourceError
	if !errors.As(err, &se) {
		t.Fatalf("error %v is no *SourceError", err)
	}
	if se.Code != want {
		t.Errorf("code %s (%v), want %s", se.Code, se, want)
	}
	for _, secret := range []string{testKey, testSecret, "127.0.0.1", "bGljZW5zZWUtN"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error says too much: %v", err)
		}
	}
	if se.Message == "" {
		t.Errorf("the error says too little: %v", err)
	}
	return se
}

// checkRecord checks what holds for every finished record.
func checkRecord(tb testing.TB, r *providers.Record) {
	tb.Helper()
	bad := func(format string, args ...any) {
		tb.Helper()
		tb.Errorf("%s: %s", r.Key, fmt.Sprintf(format, args...))
	}
	if k, err := providers.ParseKey(string(r.Key)); err != nil || k != r.Key || k.ExternalID() != r.ExternalID {
		bad("the key is none: %v", err)
	}
	if location, _, main, ok := parseExternalID(r.ExternalID); !ok || main || r.ParentExternalID != fmt.Sprint(location) {
		bad("external id %q of location %q", r.ExternalID, r.ParentExternalID)
	}
	if r.Title == "" || !r.Location.Valid() || r.Location.IsNull() || r.Source == nil || r.FetchedAt.IsZero() || r.Attribution == nil {
		bad("title %q, location %v, source %v, fetched %v", r.Title, r.Location, r.Source, r.FetchedAt)
	}
	if r.Usage == "" || r.Usage == providers.UsagePrivate || r.Status == "" || r.Cost == "" {
		bad("usage %q, status %q, cost %q", r.Usage, r.Status, r.Cost)
	}
	if (r.Directory != "") && r.Operator != nil {
		bad("a directory is its operator")
	}
	for _, url := range []string{r.URL, r.Icon} {
		if url != clean.URL(url) {
			bad("url %q", url)
		}
	}
	for _, text := range []string{r.Title, r.Address.Line1, r.Address.Formatted, r.Address.Town} {
		if text != clean.Line(text) {
			bad("text %q is not clean", text)
		}
	}
	for _, text := range []string{r.GeneralComments, r.AccessComments, r.UsageCost, r.OtherConnectors} {
		if text != clean.Text(text) {
			bad("text %q is not clean", text)
		}
	}
	if code := r.Address.CountryCode; code != "" && (len(code) != 2 || code != strings.ToUpper(code)) {
		bad("country %q", code)
	}
	ids := make(map[string]bool)
	unique := func(id string) {
		if ids[id] || strings.HasSuffix(id, ":") {
			bad("%s is no id, or is there twice", id)
		}
		ids[id] = true
	}
	plug := func(c *providers.ConnectionInfo) {
		unique(c.ID())
		if c.Type == "" || c.Current == "" || c.Status == "" || c.Format != providers.FormatUnknown || c.Record != r {
			bad("connection %+v", c)
		}
		if c.Quantity == nil || *c.Quantity < 1 || c.PowerKW != nil && *c.PowerKW <= 0 {
			bad("connection %s: quantity or power", c.ID())
		}
		if c.Availability != nil && *c.Availability == "" || c.ConnectionType != nil {
			bad("connection %s: availability or row", c.ID())
		}
	}
	for i := range r.Connections {
		plug(&r.Connections[i])
	}
	for i := range r.Stations {
		s := &r.Stations[i]
		unique(s.ID())
		if s.Status == "" || s.Cost == "" || s.Record != r {
			bad("station %+v", s)
		}
		for j := range s.Connections {
			plug(&s.Connections[j])
			if *s.Connections[j].Quantity != 1 {
				bad("an outlet is %d", *s.Connections[j].Quantity)
			}
		}
	}
	for i := range r.Comments {
		c := &r.Comments[i]
		unique(c.ID())
		if c.Kind == "" || (c.Outcome == nil) != (c.Sentiment == nil) || c.Rating != nil || c.Record != r {
			bad("comment %+v", c)
		}
		if c.Author != nil && (c.Author.Avatar != "" || c.Author.DisplayName == "") {
			bad("author %+v", c.Author)
		}
	}
	for i := range r.Photos {
		unique(r.Photos[i].ID())
		if r.Photos[i].URL == "" || r.Photos[i].Author != nil {
			bad("photo %+v", r.Photos[i])
		}
	}
	if a := r.Availability; a != nil && (a.Unit != providers.UnitStation || a.Total != a.Available+a.Occupied+a.OutOfService+a.Unknown || a.Total > len(r.Stations)) {
		bad("availability %+v of %d stations", a, len(r.Stations))
	}
}

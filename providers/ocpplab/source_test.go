package ocpplab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const token = "eyJ-s3cret"

// gateway is a small gateway, whose answers a test may change.
type gateway struct {
	mu        sync.Mutex
	cpos      []any            // of GET /ocpi/cpos
	locations map[string][]any // by cpo_id
	status    map[string]int   // by path: another answer than 200
	asked     []*http.Request
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, r)
	if status := g.status[r.URL.Path]; status != 0 {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"detail":"`+token+`"}`)
		return
	}
	list := g.cpos
	if r.URL.Path != "/ocpi/cpos" {
		id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/ocpi/cpos/"), "/locations")
		var ok bool
		if list, ok = g.locations[id]; !ok {
			w.WriteHeader(404)
			return
		}
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	from := min((page-1)*limit, len(list))
	part := append([]any{}, list[from:min(from+limit, len(list))]...)
	b, _ := json.Marshal(map[string]any{"data": part, "total": len(list), "page": page, "limit": limit})
	_, _ = w.Write(b)
}

func cpo(id, country, party string) map[string]any {
	return map[string]any{"cpo_id": id, "party": map[string]any{"country_code": country, "party_id": party, "role": "CPO"}, "name_prefix": "demo", "ocpi_peer_url": "https://peer.example/ocpi/versions", "expires_at": "2026-11-21T21:00:00Z"}
}

func site(id string, with map[string]any) map[string]any {
	l := map[string]any{
		"id": id, "name": "Site " + id, "address": "14 Rue de la Paix", "city": "Paris", "country": "FR", "public": true,
		"coordinates": map[string]any{"latitude": 48.8566, "longitude": 2.3522},
		"chargers":    []any{map[string]any{"id": "dep-" + id, "identity": "SITE_" + id, "connector_type": "CCS2", "ocpp_version": "OCPP1.6"}},
	}
	maps.Copy(l, with)
	return l
}

func newFeed(tb testing.TB, handler http.Handler, change func(*Config)) *Feed {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	cfg := Config{URL: server.URL, Token: token, Clock: func() time.Time { return noon }}
	if change != nil {
		change(&cfg)
	}
	f, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

type got struct {
	providers.Pulled
	records map[providers.Key]*providers.Record
	removed []providers.Key
	err     error
}

func (g *got) code() providers.SourceErrorCode {
	if se, ok := errors.AsType[*providers.SourceError](g.err); ok {
		return se.Code
	}
	return ""
}

func pullFrom(tb testing.TB, f *Feed) *got {
	tb.Helper()
	g := &got{records: map[providers.Key]*providers.Record{}}
	g.Pulled, g.err = f.Pull(tb.Context(), time.Time{}, func(put []*providers.Record, removed []providers.Key) error {
		for _, r := range put {
			g.records[r.Key] = r
		}
		g.removed = append(g.removed, removed...)
		return nil
	})
	return g
}

func shared(tb testing.TB, elem ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("no real data here: %v", err)
	}
	return path
}

func TestADocumentedLocationBecomesAWholeRecord(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		b, err := os.ReadFile(shared(t, "ocpi", "ocpplab", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	cpos, locations := read("cpos_list.json"), read("cpo_locations_list.json")
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ocpi/cpos" {
			_, _ = io.WriteString(w, cpos)
			return
		}
		_, _ = io.WriteString(w, locations)
	}), func(c *Config) { c.CPOs = []string{"101"} })
	g := pullFrom(t, f)
	if g.err != nil || !g.Whole || !g.AsOf.Equal(noon) {
		t.Fatalf("Pull() = %+v, %v", g.Pulled, g.err)
	}
	r := g.records["ocpplab:101/loc-42"]
	if r == nil {
		t.Fatalf("records %v", g.records)
	}
	operator := &providers.Operator{
		ID: "operator:ocpi:FR*ABC", Title: "FR*ABC", IsNetwork: true, Records: []providers.OperatorRecord{
			{Provider: providers.OCPI, ExternalID: "FR*ABC", Title: "FR*ABC"}, {Provider: providers.OCPPLAB, ExternalID: "101", Title: "demo"},
		},
	}
	plug := providers.ConnectionInfo{
		ExternalID: "dep-001", Type: providers.ConnectorCCS2, Current: providers.CurrentDC, Quantity: new(1),
		Status: providers.StatusUnknown, Format: providers.FormatUnknown,
	}
	group := plug
	group.ExternalID = "=CCS_2"
	want := &providers.Record{
		Attribution: &providers.Attribution{Text: "OCPPLAB: simulated chargers"},
		Key:         "ocpplab:101/loc-42", ExternalID: "101/loc-42", FetchedAt: noon, Slug: "la-defense-charging-hub-ab12cd34", DataProviderReference: "ocpp-loc-42",
		Site: providers.Site{
			Title: "La Defense Charging Hub", Location: providers.Point{Lat: 48.8566, Lon: 2.3522},
			Address:  providers.Address{Line1: "14 Rue de la Paix", Town: "Paris", CountryCode: "FR"},
			Operator: operator, Usage: providers.UsagePublic, Status: providers.StatusUnknown, Cost: providers.CostUnknown,
			Connections: []providers.ConnectionInfo{group},
			Stations: []providers.Station{{
				ExternalID: "dep-001", Name: "SITE_A_001", NetworkReference: "SITE_A_001", Operator: operator, Cost: providers.CostUnknown,
				Status: providers.EVSEUnknown, OCPPVersion: "OCPP1.6", Connections: []providers.ConnectionInfo{plug},
			}},
			NumberOfPoints: new(1), TimeZone: "Europe/Paris", Owner: "VINCI Autoroutes",
			CreatedAt: time.Date(2026, 4, 16, 10, 15, 30, 0, time.UTC), UpdatedAt: time.Date(2026, 4, 16, 10, 15, 30, 0, time.UTC),
		},
	}
	opts := cmp.Options{
		cmpopts.IgnoreFields(providers.Record{}, "Source"), cmpopts.IgnoreFields(providers.ConnectionInfo{}, "Record"), cmpopts.IgnoreFields(providers.Station{}, "Record"),
	}
	if diff := cmp.Diff(want, r, opts); diff != "" {
		t.Errorf("record mismatch (-want +got)\n%s", diff)
	}
	listed, err := f.CPOs(t.Context())
	if diff := cmp.Diff([]CPO{{ID: "101", Party: "FR*ABC", Name: "demo", PeerURL: "https://api.ocpplab.test/ocpi/2.2.1/versions", ExpiresAt: time.Date(2026, 4, 21, 21, 0, 0, 0, time.UTC)}}, listed); diff != "" || err != nil {
		t.Errorf("CPOs() mismatch, %v (-want +got)\n%s", err, diff)
	}
}

func TestEveryMemberMayBeNull(t *testing.T) {
	t.Parallel()
	empty := map[string]any{}
	for name := range site("x", nil) {
		empty[name] = nil
	}
	bare := maps.Clone(empty)
	bare["id"], bare["coordinates"] = 7, map[string]any{"latitude": "52.1", "longitude": 4.3}
	bare["chargers"] = []any{nil, map[string]any{}, map[string]any{"id": "a", "connector_type": "SOMETHING"}, map[string]any{"id": "a"}}
	g := &gateway{
		cpos: []any{nil, map[string]any{"cpo_id": nil}, map[string]any{"cpo_id": "12", "party": nil, "ocpi_peer_url": "javascript:alert(1)"}},
		locations: map[string][]any{"12": {
			nil, "text", empty, bare, site("hidden", map[string]any{"public": false}), site("null-island", map[string]any{"coordinates": map[string]any{"latitude": 0, "longitude": 0.0}}),
			site("nowhere", map[string]any{"coordinates": nil}), site("7", map[string]any{"name": "another"}),
		}},
	}
	f := newFeed(t, g, func(c *Config) { c.CPOs = []string{"12"} })
	p := pullFrom(t, f)
	if p.err != nil || len(p.records) != 1 {
		t.Fatalf("Pull() = %v, %v", p.records, p.err)
	}
	r := p.records["ocpplab:12/7"]
	if r == nil || r.Title != "Charging site 7" || r.Usage != providers.UsageUnknown || r.Operator != nil || len(r.Stations) != 2 || *r.NumberOfPoints != 2 {
		t.Fatalf("record %+v", r)
	}
	if c := r.Connections; len(c) != 2 || c[0].Type != providers.ConnectorUnknown || c[0].Comments != "" || c[1].Comments != "SOMETHING" {
		t.Errorf("connections %+v", c)
	}
	want := Report{CPOs: 1, Read: 8, Kept: 1, Broken: 3, Hidden: 1, Unplaced: 2, Twice: 1}
	if diff := cmp.Diff(want, f.Report()); diff != "" {
		t.Errorf("Report() mismatch (-want +got)\n%s", diff)
	}
	if len(p.removed) != 3 {
		t.Errorf("removed %v", p.removed)
	}
}

func TestPagesOfAllCPOsAreReadWithTheToken(t *testing.T) {
	t.Parallel()
	g := &gateway{cpos: []any{cpo("12", "fr", "abc"), cpo("13", "DE", "XYZ")}, locations: map[string][]any{"13": {}}}
	for i := range 250 {
		g.locations["12"] = append(g.locations["12"], site(fmt.Sprintf("loc-%d", i), nil))
	}
	f := newFeed(t, g, func(c *Config) { c.Organization = "org" })
	p := pullFrom(t, f)
	if p.err != nil || len(p.records) != 250 || p.records["ocpplab:12/loc-249"].Operator.ID != "operator:ocpi:FR*ABC" {
		t.Fatalf("%d records, %v", len(p.records), p.err)
	}
	var uris []string
	for _, r := range g.asked {
		uris = append(uris, r.URL.RequestURI())
		if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-Organization-Id") != "org" {
			t.Errorf("header %v", r.Header)
		}
	}
	want := []string{
		"/ocpi/cpos?limit=100&page=1", "/ocpi/cpos/12/locations?limit=100&page=1", "/ocpi/cpos/12/locations?limit=100&page=2",
		"/ocpi/cpos/12/locations?limit=100&page=3", "/ocpi/cpos/13/locations?limit=100&page=1",
	}
	if diff := cmp.Diff(want, uris); diff != "" {
		t.Errorf("requests mismatch (-want +got)\n%s", diff)
	}
}

func TestAnExpiredCPOTakesItsLocationsWithIt(t *testing.T) {
	t.Parallel()
	for name, listed := range map[string]bool{"StillListed": true, "NotListed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{
				cpos:      []any{cpo("12", "FR", "ABC"), cpo("13", "FR", "XYZ")},
				locations: map[string][]any{"12": {site("a", nil), site("b", nil)}, "13": {site("a", nil)}},
			}
			f := newFeed(t, g, func(c *Config) { c.CPOs = []string{"12", "13"} })
			if p := pullFrom(t, f); p.err != nil || len(p.records) != 3 {
				t.Fatalf("%d records, %v", len(p.records), p.err)
			}
			for _, id := range []string{"12", "13"} {
				delete(g.locations, id)
			}
			if !listed {
				g.cpos = nil
			}
			p := pullFrom(t, f)
			slices.Sort(p.removed)
			if diff := cmp.Diff([]providers.Key{"ocpplab:12/a", "ocpplab:12/b", "ocpplab:13/a"}, p.removed); diff != "" || p.err != nil || !p.Whole {
				t.Errorf("Pull() = %+v, %v; removed mismatch (-want +got)\n%s", p.Pulled, p.err, diff)
			}
			if r := f.Report(); r.Gone != 2 || r.CPOs != 0 {
				t.Errorf("report %+v", r)
			}
			if p := pullFrom(t, f); len(p.removed) != 0 {
				t.Errorf("removed once more: %v", p.removed)
			}
		})
	}
}

// The receiver's error comes back as it was, even one that looks like the
// gateway's word that a CPO is gone.
func TestAnErrorOfTheReceiverEndsThePull(t *testing.T) {
	t.Parallel()
	enough := &providers.SourceError{Code: providers.CodeNotFound, Message: "there is no room for this"}
	g := &gateway{
		cpos:      []any{cpo("12", "FR", "ABC"), cpo("13", "FR", "XYZ")},
		locations: map[string][]any{"12": {site("a", nil)}, "13": {site("a", nil)}},
	}
	f := newFeed(t, g, nil)
	if p := pullFrom(t, f); p.err != nil {
		t.Fatal(p.err)
	}
	for _, gone := range []bool{false, true} {
		if gone {
			clear(g.locations)
		}
		calls := 0
		_, err := f.Pull(t.Context(), time.Time{}, func([]*providers.Record, []providers.Key) error {
			calls++
			return enough
		})
		if err != error(enough) || calls != 1 { //nolint:errorlint // it is that very error
			t.Errorf("Pull() = %v after %d calls, want the receiver's error after the first", err, calls)
		}
	}
}

func TestAPathThatLeadsNowhereIsNotAnExpiredCPO(t *testing.T) {
	t.Parallel()
	g := &gateway{cpos: []any{cpo("12", "FR", "ABC")}, locations: map[string][]any{"12": {site("a", nil)}}}
	f := newFeed(t, g, func(c *Config) { c.Path = "/v2/cpos/{cpo_id}/sites" })
	if p := pullFrom(t, f); p.code() != providers.CodeNotFound || !strings.Contains(p.err.Error(), "check path") {
		t.Errorf("Pull() = %v", p.err)
	}
}

func TestAnotherPathAndNoListOfCPOs(t *testing.T) {
	t.Parallel()
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/v2/12/places" {
			w.WriteHeader(404)
			return
		}
		b, _ := json.Marshal(map[string]any{"data": []any{site("a", nil)}})
		if r.URL.Query().Get("page") != "1" {
			b = []byte(`{"data":[]}`)
		}
		_, _ = w.Write(b)
	}), func(c *Config) { c.URL += "/base/"; c.Path = "/v2/{cpo_id}/places"; c.CPOs = []string{"12"} })
	p := pullFrom(t, f)
	if p.err != nil || len(p.records) != 1 || p.records["ocpplab:12/a"].Operator != nil {
		t.Errorf("%v, %v", p.records, p.err)
	}
}

func TestWhatTheGatewayRefusesHasACode(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]providers.SourceErrorCode{
		401: providers.CodeUnauthorized, 403: providers.CodeForbidden, 422: providers.CodeRejected, 429: providers.CodeRateLimited,
		500: providers.CodeUpstreamError, 503: providers.CodeUpstreamError, 418: providers.CodeRejected, 204: providers.CodeBadResponse,
	} {
		for _, path := range []string{"/ocpi/cpos", "/ocpi/cpos/13/locations"} {
			t.Run(fmt.Sprint(status, path), func(t *testing.T) {
				t.Parallel()
				g := &gateway{cpos: []any{cpo("12", "FR", "ABC"), cpo("13", "FR", "ABC")}, locations: map[string][]any{"12": {site("a", nil)}, "13": {}}, status: map[string]int{path: status}}
				p := pullFrom(t, newFeed(t, g, func(c *Config) { c.CPOs = []string{"12", "13"} }))
				se := (*providers.SourceError)(nil)
				if !errors.As(p.err, &se) || se.Code != want || strings.Contains(p.err.Error(), token) {
					t.Errorf("Pull() = %v, want %s", p.err, want)
				}
				if (status == 429 || status >= 500) && se.RetryAfter != 7*time.Second {
					t.Errorf("retry after %v", se.RetryAfter)
				}
			})
		}
	}
}

func TestWhatIsNoListIsABadResponse(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"Nothing": ``, "APage": `<html>`, "AnArray": `[]`, "NoData": `{"total":1}`, "DataIsText": `{"data":"` + token + `"}`, "BrokenOff": `{"data":[{"id":"a"`,
		"GoesOn": `{"data":[]} {}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pullFrom(t, newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), nil))
			if p.code() != providers.CodeBadResponse || strings.Contains(p.err.Error(), token) {
				t.Errorf("Pull() = %v", p.err)
			}
		})
	}
	// A gateway that says it has more than it gives, or that gives one page for ever.
	for name, body := range map[string]string{
		"LessThanItHas": `{"data":[],"total":5}`,
		"OnePage":       `{"data":[{"cpo_id":"12"}],"total":500,"page":1}`,
		"WithoutEnd":    `{"data":[{"cpo_id":"12"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pullFrom(t, newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), nil))
			if p.code() != providers.CodeBadResponse && p.code() != providers.CodeSuspectAnswer {
				t.Errorf("Pull() = %v", p.err)
			}
		})
	}
}

func TestTheTokenStaysWithTheGateway(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	p := pullFrom(t, newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}), nil))
	if p.code() != providers.CodeBadResponse {
		t.Errorf("Pull() = %v", p.err)
	}
}

func TestEveryShortWordForAPlugIsKnown(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(shared(t, "crosswalk", "connectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Rows []struct {
			Unified, Current string
			OCPI, OCPPLAB    []string
		}
	}
	if err := json.Unmarshal(b, &table); err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{}
	for _, row := range table.Rows {
		for _, word := range append(row.OCPI, row.OCPPLAB...) {
			words[word] = append(words[word], row.Unified)
		}
	}
	if len(words) < 45 {
		t.Fatalf("%d words", len(words))
	}
	for word, unified := range words {
		for _, spelt := range []string{word, strings.ToLower(word)} {
			if got, known := connectorType(spelt); !known || !slices.Contains(unified, string(got)) {
				t.Errorf("%s is %s, want one of %v", spelt, got, unified)
			}
		}
	}
	for _, row := range table.Rows {
		got := currentOf(providers.ConnectorType(row.Unified))
		if want := providers.CurrentKind(row.Current); len(row.OCPI) > 0 && (want == providers.CurrentAC || want == providers.CurrentDC) && got != want {
			t.Errorf("%s carries %s, want %s", row.Unified, got, want)
		}
	}
	if got, known := connectorType("FLUX"); known || got != providers.ConnectorUnknown {
		t.Errorf("FLUX is %s", got)
	}
}

func TestTheSimulatorIsReadWhole(t *testing.T) {
	t.Parallel()
	params := sandbox.DefaultParams()
	params.Sites = 1200
	world := sandbox.NewWorld(params)
	sim, err := sandbox.NewOCPPLAB(world, sandbox.OCPPLABOptions{Token: token, PeerURL: "http://127.0.0.1:1/ocpi/versions"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	f := newFeed(t, sim, nil)
	p := pullFrom(t, f)
	if p.err != nil || len(p.records) == 0 || f.Report().CPOs != 3 {
		t.Fatalf("%d records, %+v, %v", len(p.records), f.Report(), p.err)
	}
	for key, r := range p.records {
		cpo, id, _ := strings.Cut(key.ExternalID(), "/")
		truth, ok := sim.SiteOf(cpo, id)
		if !ok || r.Location.DistanceM(providers.Point{Lat: truth.Lat, Lon: truth.Lon}) > 2000 || r.Operator == nil || len(r.Stations) > 0 && r.Stations[0].Status != providers.EVSEUnknown {
			t.Errorf("%s is %+v, in truth %+v", key, r.Site, truth)
		}
	}
	sim.Expire("101")
	q := pullFrom(t, f)
	if q.err != nil || len(q.removed) == 0 || len(q.records) >= len(p.records) {
		t.Errorf("%d records after one CPO expired, %d removed, %v", len(q.records), len(q.removed), q.err)
	}
	listed, err := f.CPOs(t.Context())
	if err != nil || len(listed) != 2 || listed[0].PeerURL != "http://127.0.0.1:1/ocpi/versions" {
		t.Errorf("CPOs() = %+v, %v", listed, err)
	}
}

func TestNewNamesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Config)
		field  string
	}{
		"ID":         {func(c *Config) { c.ID = "ocpi:x" }, "ID"},
		"IDName":     {func(c *Config) { c.ID = "ocpplab:X" }, "ID"},
		"NoURL":      {func(c *Config) { c.URL = "" }, "URL"},
		"NotAURL":    {func(c *Config) { c.URL = "://s3cret" }, "URL"},
		"Scheme":     {func(c *Config) { c.URL = "ftp://x.example" }, "URL"},
		"User":       {func(c *Config) { c.URL = "https://u:s3cret@x.example" }, "URL"},
		"Query":      {func(c *Config) { c.URL = "https://x.example/?token=s3cret" }, "URL"},
		"NoToken":    {func(c *Config) { c.Token = "" }, "Token"},
		"TokenBlank": {func(c *Config) { c.Token = "s3cret x" }, "Token"},
		"CPO":        {func(c *Config) { c.CPOs = []string{"../12"} }, "CPOs"},
		"CPOTwice":   {func(c *Config) { c.CPOs = []string{"12", "12"} }, "CPOs"},
		"PathPlain":  {func(c *Config) { c.Path = "/x" }, "Path"},
		"PathDots":   {func(c *Config) { c.Path = "/../{cpo_id}" }, "Path"},
		"PathQuery":  {func(c *Config) { c.Path = "/{cpo_id}?x" }, "Path"},
		"Agent":      {func(c *Config) { c.UserAgent = "a\nb" }, "UserAgent"},
		"Tenant":     {func(c *Config) { c.Organization = "a\nb" }, "Organization"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{URL: "https://x.example", Token: "t"}
			test.change(&cfg)
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), test.field+": ") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("New() = %v, want it to name %s and no secret", err, test.field)
			}
		})
	}
	f, err := New(Config{ID: "ocpplab:two", URL: "https://x.example", Token: "t", Sandbox: true})
	if err != nil || f.Source().ID != "ocpplab:two" || f.Source().Mode != providers.ModeSandbox || f.Source().Attribution.Text != "made-up data" {
		t.Errorf("source %+v, %v", f.Source(), err)
	}
}

// FuzzPage holds that whatever arrives becomes records that a source may hand
// out, or none.
func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"data":[{"id":"loc-42","name":"x","coordinates":{"latitude":48.8,"longitude":2.3},"public":true,"chargers":[{"id":"a","connector_type":"CCS2"}]}],"total":1,"page":1,"limit":50}`,
		`{"data":[{"id":{},"coordinates":"here","chargers":{"id":1},"public":"perhaps","name":7}],"total":"many","page":[],"limit":null}`, `{"data":null}`, `[]`,
	} {
		f.Add(s)
	}
	m := mapper{source: describe(&Config{ID: "ocpplab", Name: "x"}), fetchedAt: noon, operators: map[string]*providers.Operator{}}
	f.Fuzz(func(t *testing.T, s string) {
		feed := &client{upstream.New(upstream.Config{Name: "fuzz", Base: mustURL(t), HTTP: &http.Client{Transport: answers(s)}, Clock: time.Now})}
		_, _ = each(t.Context(), feed, "/x", func(w *wireLocation) {
			r, key, what := m.record(CPO{ID: "12", Party: "FR*ABC"}, w)
			if (what == kept) != (r != nil) || (what == nothing) != (key == "") {
				t.Fatalf("verdict %d, key %q, record %v", what, key, r)
			}
			if r == nil {
				return
			}
			if _, err := providers.ParseKey(string(key)); err != nil || r.Title == "" || !r.Location.Valid() || r.Location.IsNull() {
				t.Fatalf("record %+v", r)
			}
			seen := map[string]bool{}
			for _, s := range r.Stations {
				if seen[s.ExternalID] || s.ExternalID == "" || s.Record != r || len(s.Connections) != 1 {
					t.Fatalf("station %+v", s)
				}
				seen[s.ExternalID] = true
			}
		})
	})
}

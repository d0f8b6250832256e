package plugshare

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/internal/geo"
)

func search(t *testing.T, s *Source, q providers.Query) providers.Answer {
	t.Helper()
	answer, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatalf("Search(%+v): %v", q.Area, err)
	}
	for _, r := range answer.Records {
		checkRecord(t, r)
		if !r.Summary {
			t.Errorf("%s is no summary", r.Key)
		}
	}
	return answer
}

// placed is a location of a fakeMap.
type placed struct {
	id int
	at providers.Point
}

// fakeMap is a PlugShare of bare locations that answers regions, discs and
// lines exactly, at most limit at a time.
type fakeMap struct {
	sites []placed
	limit int
	fail  func(call int) int // status; nil or 0: none

	mu    sync.Mutex
	calls []string
	lines []polyline
}

func (m *fakeMap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.calls = append(m.calls, r.URL.String())
	call := len(m.calls)
	m.mu.Unlock()
	if m.fail != nil {
		if status := m.fail(call); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	number := func(name string) float64 {
		v, err := strconv.ParseFloat(r.URL.Query().Get(name), 64)
		if err != nil {
			panic(err)
		}
		return v
	}
	var holds func(p providers.Point) bool
	limit := m.limit
	switch r.URL.Path {
	case "/v3/locations/region":
		lat, lon, dLat, dLon := number("latitude"), number("longitude"), number("spanLat")/2, number("spanLng")/2
		holds = func(p providers.Point) bool {
			return p.Lat >= lat-dLat && p.Lat <= lat+dLat && p.Lon >= lon-dLon && p.Lon <= lon+dLon
		}
	case "/v3/locations/nearby":
		center := providers.Point{Lat: number("latitude"), Lon: number("longitude")}
		radius := number("radius")
		if radius > 50_000 {
			panic("radius")
		}
		holds = func(p providers.Point) bool { return center.DistanceM(p) <= radius }
	case "/v3/locations/polyline":
		var line polyline
		if err := json.NewDecoder(r.Body).Decode(&line); err != nil || r.Method != http.MethodPost {
			panic(err)
		}
		m.mu.Lock()
		m.lines = append(m.lines, line)
		m.mu.Unlock()
		var points []providers.Point
		for pair := range slices.Chunk(strings.Split(line.Polyline, ","), 2) {
			lat, _ := strconv.ParseFloat(pair[0], 64)
			lon, _ := strconv.ParseFloat(pair[1], 64)
			points = append(points, providers.Point{Lat: lat, Lon: lon})
		}
		route := providers.NewRoute(points, float64(line.Distance))
		holds = func(p providers.Point) bool { return route.Holds(&providers.Site{Location: p}) }
	default:
		panic(r.URL.Path)
	}
	var found []string
	for _, s := range m.sites {
		if holds(s.at) && len(found) < limit {
			found = append(found, `{"id":`+strconv.Itoa(s.id)+`,"latitude":`+geo.Degrees(s.at.Lat)+`,"longitude":`+geo.Degrees(s.at.Lon)+`,"access":1,"stations":[{"id":1,"network_id":1}]}`)
		}
	}
	_, _ = io.WriteString(w, "["+strings.Join(found, ",")+"]")
}

func (m *fakeMap) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

// mustHold checks that an answer is all that a map has in an area.
func mustHold(t *testing.T, area providers.Area, answer providers.Answer, sites []placed) (inside int) {
	t.Helper()
	if answer.Truncated || answer.Partial || answer.Err != nil {
		t.Errorf("area %+v: truncated %t, partial %t, err %v", area, answer.Truncated, answer.Partial, answer.Err)
	}
	got := make(map[providers.Key]bool)
	for _, r := range answer.Records {
		if got[r.Key] {
			t.Errorf("%s comes twice", r.Key)
		}
		got[r.Key] = true
	}
	for _, s := range sites {
		if !area.Holds(&providers.Site{Location: s.at}) {
			continue
		}
		inside++
		if !got[providers.NewKey("plugshare", externalID(s.id, 1))] {
			t.Errorf("%d at %+v is in %+v and missing", s.id, s.at, area)
		}
	}
	return inside
}

func scattered(rng *rand.Rand, n int, b providers.Bounds) []placed {
	sites := make([]placed, n)
	for i := range sites {
		sites[i] = placed{id: i + 1, at: providers.Point{
			Lat: geo.Round6(b.South + rng.Float64()*(b.North-b.South)),
			Lon: geo.Round6(b.West + rng.Float64()*(b.East-b.West)),
		}}
	}
	return sites
}

// Random clusters, boxes and limits against a scan of all sites.
func TestAFullRegionIsAskedForInPartsUntilAllIsHad(t *testing.T) {
	t.Parallel()
	m := &fakeMap{limit: versionedPageSize}
	s := newSource(t, m, func(cfg *Config) { cfg.MaxCalls = maxMaxCalls })
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		m.limit = rapid.SampledFrom([]int{versionedPageSize, pageSize}).Draw(t, "limit")
		world := providers.Bounds{South: 50, West: 3, North: 51.5, East: 5}
		m.sites = scattered(rng, rapid.IntRange(0, 900).Draw(t, "sites"), world)
		crowd := scattered(rng, rapid.IntRange(0, 600).Draw(t, "crowd"), providers.Bounds{South: 50.7, West: 4, North: 50.9, East: 4.3})
		for i := range crowd {
			crowd[i].id += 10_000
		}
		m.sites = append(m.sites, crowd...)
		box := providers.Bounds{
			South: 50 + rng.Float64(), West: 3 + rng.Float64(), North: 51 + rng.Float64()*0.5, East: 4 + rng.Float64(),
		}
		box.North, box.East = math.Max(box.North, box.South), math.Max(box.East, box.West)
		m.calls = nil
		answer, err := s.Search(context.Background(), providers.Query{Area: box}) //nolint:usetesting // rapid's T has none
		if err != nil {
			t.Fatal(err)
		}
		if m.count() > maxMaxCalls {
			t.Fatalf("%d calls", m.count())
		}
		got := make(map[string]bool)
		for _, r := range answer.Records {
			if got[r.ExternalID] {
				t.Fatalf("%s comes twice", r.ExternalID)
			}
			got[r.ExternalID] = true
		}
		if answer.Truncated {
			t.Fatalf("truncated after %d calls", m.count())
		}
		for _, site := range m.sites {
			if box.Contains(site.at) && !got[externalID(site.id, 1)] {
				t.Fatalf("%+v is in %+v and missing", site, box)
			}
		}
	})
}

func TestPartsCoverTheirBoxAndStopAtTheFloor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		floor := rapid.Float64Range(0.001, 1).Draw(t, "floor")
		b := providers.Bounds{South: rapid.Float64Range(-90, 90).Draw(t, "south"), West: rapid.Float64Range(-180, 180).Draw(t, "west")}
		b.North = rapid.Float64Range(b.South, 90).Draw(t, "north")
		b.East = rapid.Float64Range(b.West, 180).Draw(t, "east")
		parts := quarter(b, floor)
		if parts == nil {
			if b.North-b.South >= 2*floor || b.East-b.West >= 2*floor {
				t.Fatalf("%+v is not cut at a floor of %v", b, floor)
			}
			return
		}
		sum := 0.0
		for _, p := range parts {
			if !p.Valid() || p.South < b.South || p.West < b.West || p.North > b.North || p.East > b.East {
				t.Fatalf("%+v is not in %+v", p, b)
			}
			if p.North-p.South < b.North-b.South && p.North-p.South < floor*(1-1e-9) || p.East-p.West < b.East-b.West && p.East-p.West < floor*(1-1e-9) {
				t.Fatalf("%+v is below the floor %v", p, floor)
			}
			sum += (p.North - p.South) * (p.East - p.West)
		}
		if whole := (b.North - b.South) * (b.East - b.West); math.Abs(sum-whole) > 1e-9*math.Max(whole, 1) {
			t.Fatalf("%+v has %v square degrees, its parts %v", b, whole, sum)
		}
		for range 20 {
			p := providers.Point{Lat: rapid.Float64Range(b.South, b.North).Draw(t, "lat"), Lon: rapid.Float64Range(b.West, b.East).Draw(t, "lon")}
			if !slices.ContainsFunc(parts, func(part providers.Bounds) bool { return part.Contains(p) }) {
				t.Fatalf("%+v is in no part of %+v", p, b)
			}
		}
	})
}

func TestBelowTheFloorTheAnswerIsTruncated(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 600, providers.Bounds{South: 51.501, West: -0.101, North: 51.509, East: -0.092})}
	s := newSource(t, m, nil)
	answer := search(t, s, providers.Query{Area: providers.Bounds{South: 51.45, West: -0.15, North: 51.55, East: -0.05}})
	if !answer.Truncated || answer.Partial || answer.Err != nil || len(answer.Records) < versionedPageSize {
		t.Errorf("%d records, truncated %t, partial %t, err %v", len(answer.Records), answer.Truncated, answer.Partial, answer.Err)
	}
	if n := m.count(); n != 1+4+4 {
		t.Errorf("%d calls, want 9: 0.1 degrees, its quarters, and those of the one that is full", n)
	}
}

func TestTheBoundOnCallsHolds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for _, maxCalls := range []int{1, 2, 5, 7, 16} {
		m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 12_000, providers.Bounds{South: 51, West: -1, North: 52, East: 1})}
		s := newSource(t, m, func(cfg *Config) { cfg.MaxCalls = maxCalls })
		answer := search(t, s, providers.Query{Area: providers.Bounds{South: 51, West: -1, North: 52, East: 1}})
		if m.count() != maxCalls {
			t.Errorf("%d calls, want %d", m.count(), maxCalls)
		}
		if !answer.Truncated || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeAreaTooLarge || len(answer.Records) < versionedPageSize {
			t.Errorf("%d records, truncated %t, partial %t, err %v", len(answer.Records), answer.Truncated, answer.Partial, answer.Err)
		}
	}
}

func TestAnAreaTooLargeIsOneCall(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 12_000, providers.World())}
	s := newSource(t, m, nil)
	for name, area := range map[string]providers.Area{
		"world":       providers.World(),
		"continent":   providers.Bounds{South: 35, West: -10, North: 70, East: 60},
		"across":      providers.Bounds{South: -50, West: 120, North: 50, East: -150},
		"disc":        providers.Around{Center: providers.Point{Lat: 50, Lon: 5}, RadiusM: 3_000_000},
		"polygon":     providers.NewPolygon([]providers.Point{{Lat: 0, Lon: 0}, {Lat: 60, Lon: 0}, {Lat: 60, Lon: 60}}),
		"arctic disc": providers.Around{Center: providers.Point{Lat: 89, Lon: 5}, RadiusM: 6_000_000},
	} {
		m.calls = nil
		answer := search(t, s, providers.Query{Area: area})
		if m.count() != 1 || len(answer.Records) != versionedPageSize {
			t.Errorf("%s: %d calls, %d records", name, m.count(), len(answer.Records))
		}
		if !answer.Truncated || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeAreaTooLarge {
			t.Errorf("%s: truncated %t, partial %t, err %v", name, answer.Truncated, answer.Partial, answer.Err)
		}
	}
	m.calls, m.sites = nil, m.sites[:100]
	if answer := search(t, s, providers.Query{Area: providers.World()}); answer.Truncated || answer.Partial || len(answer.Records) != 100 || m.count() != 1 {
		t.Errorf("an empty world is had whole: %d records, truncated %t, partial %t", len(answer.Records), answer.Truncated, answer.Partial)
	}
}

// Of an area too large to be had, a text finds what has it, by one call for the
// longest word; smaller areas are had whole, whatever is looked for.
func TestATextIsAskedForWhereTheAreaIsTooLarge(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, nil)
	whole := search(t, s, inLondon)
	word := ""
	for _, r := range whole.Records { // one that few have
		if fields := strings.Fields(r.Title); len(fields) > 0 && len(fields[0]) > len(word) {
			word = fields[0]
		}
	}
	has := func(r *providers.Record) bool {
		return strings.Contains(strings.ToLower(r.Title+"\n"+r.Address.Line1), strings.ToLower(word))
	}
	england := providers.Bounds{South: 50, West: -6, North: 55, East: 2}
	filter := &providers.Filter{Text: " of " + strings.ToUpper(word) + " a"}
	sim.ResetCalls()
	answer := search(t, s, providers.Query{Area: england, Filter: filter})
	calls := sim.Calls()
	if len(calls) != 1 || calls[0].Path != "/v3/locations/search" || calls[0].Query.Get("query") != strings.ToUpper(word) ||
		!slices.Equal(calls[0].Query["access"], []string{"1", "2"}) {
		t.Errorf("asked %v, want one search for %s", calls, word)
	}
	if !answer.Truncated || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeAreaTooLarge {
		t.Errorf("truncated %t, partial %t, err %v: it says that this is all", answer.Truncated, answer.Partial, answer.Err)
	}
	found := keysOf(&answer)
	for _, r := range whole.Records {
		if has(r) && !slices.Contains(found, r.Key) {
			t.Errorf("%s has %q and is not found", r.Key, word)
		}
	}
	for _, r := range answer.Records {
		if !has(r) || !england.Contains(r.Location) {
			t.Errorf("%s, %q, at %v was found by %q", r.Key, r.Title, r.Location, word)
		}
	}
	if len(answer.Records) == 0 || len(answer.Records) > len(whole.Records) {
		t.Errorf("%d records of %d", len(answer.Records), len(whole.Records))
	}
	for name, q := range map[string]providers.Query{
		"a small area":               {Area: inLondon.Area, Filter: filter},
		"a text that is blank":       {Area: england, Filter: &providers.Filter{Text: "  "}},
		"a text that is denied":      {Area: england, Filter: &providers.Filter{Not: filter}},
		"a filter without text":      {Area: england, Filter: &providers.Filter{Countries: []string{"GB"}}},
		"a large area and no filter": {Area: england},
	} {
		sim.ResetCalls()
		search(t, s, q)
		for _, c := range sim.Calls() {
			if c.Path != "/v3/locations/region" {
				t.Errorf("%s: asked %s", name, c.Path)
			}
		}
	}
}

func TestACountryCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	m := &fakeMap{limit: versionedPageSize}
	s := newSource(t, m, nil)
	_, err := s.Search(t.Context(), providers.Query{Area: providers.InCountry{Code: "NL"}})
	if se := failure(t, err, providers.CodeUnsupported); se.Outcome() != providers.OutcomeUnsupported {
		t.Errorf("outcome %s", se.Outcome())
	}
	for _, area := range []providers.Area{
		nil,
		providers.Bounds{South: 3, North: 1},
		providers.Around{Center: providers.Point{Lat: 95}},
		providers.Around{Center: providers.Point{Lat: math.NaN()}, RadiusM: 1},
		providers.Around{RadiusM: math.Inf(1)},
		(*providers.Polygon)(nil),
		(*providers.Route)(nil),
		providers.NewRoute([]providers.Point{{Lat: 1}, {Lat: 200}}, 5),
	} {
		_, err := s.Search(t.Context(), providers.Query{Area: area})
		mustFail(t, err, providers.CodeRejected)
	}
	if m.count() != 0 {
		t.Error("nonsense was asked upstream")
	}
}

func TestWhereAPartFailsTheRestIsAnswered(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	box := providers.Bounds{South: 51, West: -1, North: 52, East: 1}
	m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 4000, box)}
	m.fail = func(call int) int {
		if call == 3 {
			return http.StatusTooManyRequests
		}
		return 0
	}
	s := newSource(t, m, nil)
	answer := search(t, s, providers.Query{Area: box})
	if !answer.Truncated || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeRateLimited || len(answer.Records) < versionedPageSize {
		t.Errorf("%d records, truncated %t, partial %t, err %v", len(answer.Records), answer.Truncated, answer.Partial, answer.Err)
	}
	if m.count() != 5 {
		t.Errorf("%d calls: whoever says that it is too much is not asked again", m.count())
	}
	across := &fakeMap{limit: versionedPageSize, sites: []placed{{1, providers.Point{Lat: -17, Lon: 179.5}}, {2, providers.Point{Lat: -17, Lon: -179.5}}}}
	across.fail = func(call int) int {
		if call >= 2 { // and its repeats
			return http.StatusBadGateway
		}
		return 0
	}
	answer = search(t, newSource(t, across, nil), providers.Query{Area: providers.Bounds{South: -17.5, West: 179, North: -16.5, East: -179}})
	if len(answer.Records) != 1 || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeUpstreamError {
		t.Errorf("%d records, partial %t, err %v", len(answer.Records), answer.Partial, answer.Err)
	}
}

// The catalog throws away what comes after its deadline, so a source that is
// asked for too much has to end before.
func TestACrowdedAreaEndsBeforeTheCallersDeadline(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 14))
	box := providers.Bounds{South: 51, West: -1, North: 52, East: 1}
	m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 12_000, box)}
	first := make(chan struct{})
	m.fail = func(call int) int {
		if call == 1 {
			<-first
		}
		return 0
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	timer := time.AfterFunc(1600*time.Millisecond, func() { close(first) }) // more than half of the time
	defer timer.Stop()
	answer, err := newSource(t, m, nil).Search(ctx, providers.Query{Area: box})
	if err != nil {
		t.Fatal(err)
	}
	if m.count() != 1 || !answer.Truncated || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeTimeout || len(answer.Records) != versionedPageSize {
		t.Errorf("%d calls, %d records, truncated %t, partial %t, err %v", m.count(), len(answer.Records), answer.Truncated, answer.Partial, answer.Err)
	}
}

func TestADiscAndARouteAreOneCallOfTheirOwn(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(15, 16))
	m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 900, providers.Bounds{South: 50, West: 3, North: 53, East: 7})}
	s := newSource(t, m, func(cfg *Config) { cfg.MaxCalls = maxMaxCalls })
	inside := 0
	for i := range 60 {
		at := m.sites[rng.IntN(len(m.sites))].at
		disc := providers.Around{Center: at, RadiusM: 49_000 * rng.Float64()}
		m.calls = nil
		inside += mustHold(t, disc, search(t, s, providers.Query{Area: disc}), m.sites)
		if m.count() != 1 || !strings.HasPrefix(m.calls[0], "/v3/locations/nearby?") {
			t.Errorf("asked %v", m.calls)
		}
		line := []providers.Point{at}
		for range 1 + rng.IntN(5) {
			last := line[len(line)-1]
			line = append(line, providers.Point{Lat: last.Lat + rng.NormFloat64()*0.4, Lon: last.Lon + rng.NormFloat64()*0.6})
		}
		route := providers.NewRoute(line, 100+rng.Float64()*8000)
		m.calls = nil
		inside += mustHold(t, route, search(t, s, providers.Query{Area: route}), m.sites)
		if m.count() != 1 || m.calls[0] != "/v3/locations/polyline" {
			t.Errorf("asked %v", m.calls)
		}
		if i == 0 {
			m.limit = 0
			disc.RadiusM = 60_000
			m.calls = nil
			search(t, s, providers.Query{Area: disc})
			if m.count() != 1 || !strings.HasPrefix(m.calls[0], "/v3/locations/region?") {
				t.Errorf("a wide disc was asked as %v", m.calls)
			}
			m.limit = versionedPageSize
		}
	}
	if inside < 500 {
		t.Errorf("only %d sites were inside, which proves little", inside)
	}
	m.limit = 10 // as if PlugShare had become stingy
	m.sites = scattered(rng, 300, providers.Bounds{South: 51, West: 4, North: 51.01, East: 4.01})
	m.limit = versionedPageSize
	m.calls = nil
	answer := search(t, s, providers.Query{Area: providers.Around{Center: providers.Point{Lat: 51, Lon: 4}, RadiusM: 20_000}})
	if m.count() != 1 || !answer.Truncated || answer.Partial || len(answer.Records) != versionedPageSize {
		t.Errorf("a full disc: %d calls, %d records, truncated %t", m.count(), len(answer.Records), answer.Truncated)
	}
	for _, line := range m.lines {
		if line.Access != "1,2" || line.Count != pageSize || line.Distance < 100 {
			t.Errorf("asked with %+v", line)
		}
	}
}

func TestALongRouteIsSimplifiedAndStillFindsEverything(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(17, 18))
	m := &fakeMap{limit: versionedPageSize, sites: scattered(rng, 6000, providers.Bounds{South: 45, West: 0, North: 60, East: 15})}
	s := newSource(t, m, nil)
	at := providers.Point{Lat: 46, Lon: 1}
	var line []providers.Point
	for range 10_000 {
		at.Lat, at.Lon = at.Lat+rng.NormFloat64()*0.004+0.001, at.Lon+rng.NormFloat64()*0.004+0.001
		line = append(line, at)
	}
	route := providers.NewRoute(line, 3000)
	if inside := mustHold(t, route, search(t, s, providers.Query{Area: route}), m.sites); inside < 5 {
		t.Errorf("only %d sites along it", inside)
	}
	sent := m.lines[0]
	if n := strings.Count(sent.Polyline, ",") + 1; n > 2*maxLinePoints || n%2 != 0 || sent.Distance > 6000 {
		t.Errorf("%d numbers, %d m to each side", n, sent.Distance)
	}
	m.calls = nil
	for name, line := range map[string][]providers.Point{
		"across the antimeridian": {{Lat: -17, Lon: 179.5}, {Lat: -17.2, Lon: -179.8}},
		"by the pole":             {{Lat: 86, Lon: 10}, {Lat: 86.1, Lon: 11}},
	} {
		route := providers.NewRoute(line, 2000)
		search(t, s, providers.Query{Area: route})
		if slices.ContainsFunc(m.calls, func(call string) bool { return !strings.HasPrefix(call, "/v3/locations/region?") }) {
			t.Errorf("%s: asked %v", name, m.calls)
		}
	}
}

func TestADenseLineIsTheLineInShortSteps(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var line []geo.Point
		at := geo.Point{}
		for range 2 + rng.IntN(300) {
			at = geo.Point{X: at.X + rng.NormFloat64(), Y: at.Y + rng.NormFloat64()}
			line = append(line, at)
		}
		dense := densify(line)
		n := 0 // of the line's points, those passed
		for i, p := range dense {
			if i > 0 && (math.Abs(p.X-dense[i-1].X) > stepDeg*(1+1e-9) || math.Abs(p.Y-dense[i-1].Y) > stepDeg*(1+1e-9)) {
				t.Fatal("a step is too long")
			}
			if p == line[n] {
				n++
				continue
			}
			a, b := line[n-1], line[n]
			length := math.Hypot(b.X-a.X, b.Y-a.Y)
			if off := math.Abs((b.X-a.X)*(p.Y-a.Y)-(b.Y-a.Y)*(p.X-a.X)) / length; off > 1e-9 || math.Hypot(p.X-a.X, p.Y-a.Y) > length {
				t.Fatalf("a point is %v beside the line", off)
			}
		}
		if n != len(line) {
			t.Fatalf("%d of %d points of the line are left", n, len(line))
		}
	}
}

func TestTheBoxAroundACoverHoldsAllOfIt(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(19, 20))
	for range 400 {
		at := providers.Point{Lat: rng.Float64()*170 - 85, Lon: rng.Float64()*360 - 180}
		line := []providers.Point{at}
		for range 1 + rng.IntN(40) {
			at = providers.Point{Lat: math.Max(-89, math.Min(89, at.Lat+rng.NormFloat64()*3)), Lon: math.Remainder(at.Lon+rng.NormFloat64()*8, 360)}
			line = append(line, at)
		}
		cover := providers.NewRoute(line, 1000).Cover()
		boxes := boxesOf(cover)
		for _, b := range boxes {
			if !b.Valid() || b.West > b.East {
				t.Fatalf("%+v is no plain box", b)
			}
		}
		for _, b := range cover {
			for range 5 {
				p := providers.Point{Lat: b.South + rng.Float64()*(b.North-b.South), Lon: b.West + rng.Float64()*b.WidthDeg()}
				if p.Lon > 180 {
					p.Lon -= 360
				}
				if !slices.ContainsFunc(boxes, func(box providers.Bounds) bool { return box.Contains(p) }) {
					t.Fatalf("%+v of %+v is in none of %+v", p, b, boxes)
				}
			}
		}
	}
}

// Against the simulated PlugShare, of which all is known by asking for every
// location alone.
func TestAnAnswerOfTheSimulatorLacksNothingOfTheArea(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, func(cfg *Config) { cfg.MaxCalls = maxMaxCalls })
	all := make(map[providers.Key]*providers.Record)
	for lat := -90.0; lat < 90; lat += 30 {
		for lon := -180.0; lon < 180; lon += 30 {
			// Sub-boxes small enough to be split, found through one large call each.
			answer := search(t, s, providers.Query{Area: providers.Bounds{South: lat, West: lon, North: lat + 30, East: lon + 30}})
			for _, r := range answer.Records {
				all[r.Key] = r
			}
		}
	}
	var places []*providers.Record
	for _, r := range all {
		places = append(places, r)
	}
	if len(places) < 500 {
		t.Fatalf("only %d records in the world", len(places))
	}
	slices.SortFunc(places, func(a, b *providers.Record) int { return strings.Compare(string(a.Key), string(b.Key)) })
	rng := rand.New(rand.NewPCG(1, 2))
	inside := 0
	for range 40 {
		at := places[rng.IntN(len(places))].Location
		size := 0.005 * math.Pow(10, 1.5*rng.Float64())
		corner := providers.Point{Lat: math.Min(89, at.Lat+size), Lon: math.Min(180, at.Lon+size)}
		for kind, area := range map[string]providers.Area{
			"around":  providers.Around{Center: at, RadiusM: size * 100_000},
			"bounds":  providers.BoundsOf([]providers.Point{at, corner}),
			"polygon": providers.NewPolygon([]providers.Point{at, corner, {Lat: at.Lat, Lon: corner.Lon}}).Widen(500),
			"route":   providers.NewRoute([]providers.Point{at, corner}, 3000),
		} {
			sim.ResetCalls()
			answer := search(t, s, providers.Query{Area: area})
			got := make(map[providers.Key]bool)
			for _, r := range answer.Records {
				got[r.Key] = true
			}
			for _, r := range places {
				if area.Holds(&r.Site) {
					inside++
					if !got[r.Key] && !answer.Truncated {
						t.Errorf("%s: %s is in %+v and missing", kind, r.Key, area)
					}
				}
			}
			for _, call := range sim.Calls() {
				if user, password, ok := (&http.Request{Header: call.Header}).BasicAuth(); !ok || user != testKey || password != testSecret {
					t.Error("a call without key and secret")
				}
				if call.Query.Get("access") == "" && call.Method == http.MethodGet {
					t.Errorf("%s asks for shared homes", call.Path)
				}
			}
		}
	}
	if inside < 100 {
		t.Errorf("only %d records were inside in all trials, which proves little", inside)
	}
}

func TestSharedHomesNeverAppear(t *testing.T) {
	t.Parallel()
	s := newSource(t, answeringFile(t, "region.json"), nil)
	answer := search(t, s, providers.Query{Area: providers.Bounds{South: 40, West: -75.1, North: 40.1, East: -75}})
	for _, r := range answer.Records {
		if strings.HasPrefix(r.ExternalID, "502") || strings.Contains(r.Title, "Ann") || r.Owner != "" {
			t.Errorf("a home: %s %q", r.Key, r.Title)
		}
	}
	if len(answer.Records) != 4 || answer.Partial || answer.Err != nil {
		t.Errorf("%d records, partial %t, err %v", len(answer.Records), answer.Partial, answer.Err)
	}
}

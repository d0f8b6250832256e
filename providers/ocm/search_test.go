package ocm

import (
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

// everything returns all records that a simulator shows, asked for as a caller
// never could: by one call without a shape.
func everything(t *testing.T, s *Source) []*providers.Record {
	t.Helper()
	p, err := s.poi(t.Context(), url.Values{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.records) < 1000 {
		t.Fatalf("only %d records in the world", len(p.records))
	}
	return p.records
}

func search(t *testing.T, s *Source, q providers.Query) providers.Answer {
	t.Helper()
	answer, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatalf("Search(%+v): %v", q.Area, err)
	}
	return answer
}

// mustHold checks that an answer lacks nothing of all that is in the area.
func mustHold(t *testing.T, area providers.Area, answer providers.Answer, all []*providers.Record) (inside int) {
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
	for _, r := range all {
		if !area.Holds(&r.Site) {
			continue
		}
		inside++
		if !got[r.Key] {
			t.Errorf("%s at %+v is in %+v and missing", r.Key, r.Location, area)
		}
	}
	return inside
}

// Every kind of area, placed at random where sites are, against a scan of all
// records: what is asked for may be wider than the area, and never narrower.
func TestAnAnswerLacksNothingOfTheArea(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = maxMaxResults })
	all := everything(t, s)
	rng := rand.New(rand.NewPCG(1, 2))
	near := func(p providers.Point, deg float64) providers.Point {
		q := providers.Point{Lat: p.Lat + rng.NormFloat64()*deg, Lon: p.Lon + rng.NormFloat64()*deg}
		q.Lat = math.Max(-89, math.Min(89, q.Lat))
		return providers.Point{Lat: q.Lat, Lon: math.Remainder(q.Lon, 360)}
	}
	total := make(map[string]int)
	for range 60 {
		at := all[rng.IntN(len(all))].Location
		size := 0.002 * math.Pow(10, 2.5*rng.Float64()) // 0.002 to 0.6 degrees
		a, b, c, d := near(at, size), near(at, size), near(at, size), near(at, size)
		areas := map[string]providers.Area{
			"around":  providers.Around{Center: a, RadiusM: size * 111_000},
			"bounds":  providers.BoundsOf([]providers.Point{a, b}),
			"polygon": providers.NewPolygon([]providers.Point{a, b, c, d}).Widen(rng.Float64() * 2000),
			"route":   providers.NewRoute([]providers.Point{a, b, c, d}, 100+rng.Float64()*5000),
			"exact":   providers.BoundsOf([]providers.Point{at}),
		}
		for kind, area := range areas {
			sim.ResetCalls()
			total[kind] += mustHold(t, area, search(t, s, providers.Query{Area: area}), all)
			if calls := sim.Calls(); len(calls) > 2 || len(calls) == 2 && area.Cover()[0].West <= area.Cover()[0].East && kind != "route" {
				t.Errorf("%s took %d calls", kind, len(calls))
			}
			for _, call := range sim.Calls() {
				checkCall(t, call)
			}
		}
	}
	for kind, n := range total {
		if n < 30 {
			t.Errorf("%s: only %d records were inside in all trials, which proves little", kind, n)
		}
	}
}

// checkCall checks what every call must look like.
func checkCall(t *testing.T, call sandbox.Call) {
	t.Helper()
	shapes := 0
	for _, name := range []string{"polyline", "boundingbox", "polygon", "latitude"} {
		if call.Query.Has(name) {
			shapes++
		}
	}
	if shapes > 1 {
		t.Errorf("%d shapes in one call: %v", shapes, call.Query)
	}
	for name, want := range map[string]string{"compact": "true", "verbose": "false", "includecomments": "true", "output": "json", "client": "chargegraph"} {
		if got := call.Query.Get(name); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	if call.Query.Has("distance") && call.Query.Get("distanceunit") != "km" {
		t.Errorf("a distance not in km: %v", call.Query)
	}
	if call.Query.Has("key") || call.Header.Get("X-Api-Key") != testKey {
		t.Error("the key belongs into the header")
	}
	if !strings.HasPrefix(call.UserAgent, "chargegraph") {
		t.Errorf("user agent %q", call.UserAgent)
	}
	if n := len(call.Query.Encode()); n > 6500 {
		t.Errorf("the query has %d characters", n)
	}
	for name, values := range call.Query {
		if values[0] == "" {
			t.Errorf("%s is empty, which makes the filter vanish", name)
		}
	}
}

func TestAreasAcrossTheAntimeridianAreFoundWhole(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = maxMaxResults })
	all := everything(t, s)
	across := providers.Bounds{South: -18.2, West: 177.2, North: -15.6, East: -177.2}
	mid := providers.Point{Lat: -16.8, Lon: 180}
	inside := 0
	for name, area := range map[string]providers.Area{
		"bounds":     across,
		"touching":   providers.Bounds{South: -19, West: 177, North: -15, East: 180},
		"around":     providers.Around{Center: mid, RadiusM: 150_000},
		"polygon":    providers.NewPolygon([]providers.Point{{Lat: -18, Lon: 177.5}, {Lat: -18, Lon: -177.5}, {Lat: -16, Lon: -177.5}, {Lat: -16, Lon: 177.5}}),
		"route":      providers.NewRoute([]providers.Point{{Lat: -16, Lon: 178}, {Lat: -17, Lon: -178}}, 50_000),
		"beside":     providers.NewRoute([]providers.Point{{Lat: -16, Lon: 179.8}, {Lat: -17.5, Lon: 179.9}}, 50_000),
		"grown poly": providers.NewPolygon([]providers.Point{{Lat: -18, Lon: 178}, {Lat: -16, Lon: 178}, {Lat: -17, Lon: 179.9}}).Widen(60_000),
	} {
		sim.ResetCalls()
		n := mustHold(t, area, search(t, s, providers.Query{Area: area}), all)
		t.Logf("%s: %d inside, %d calls", name, n, len(sim.Calls()))
		inside += n
		for _, call := range sim.Calls() {
			checkCall(t, call)
		}
	}
	if inside < 20 {
		t.Errorf("only %d records near the antimeridian, which proves little", inside)
	}
}

func TestALongRouteIsSimplifiedAndStillFindsEverything(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = maxMaxResults })
	all := everything(t, s)
	// Past many sites, wriggling, in 10,000 steps.
	rng := rand.New(rand.NewPCG(7, 7))
	at := all[0].Location
	var line []providers.Point
	for range 10_000 {
		at.Lat = math.Max(-80, math.Min(80, at.Lat+rng.NormFloat64()*0.004+0.0005))
		at.Lon = math.Max(-170, math.Min(170, at.Lon+rng.NormFloat64()*0.004))
		line = append(line, at)
	}
	route := providers.NewRoute(line, 3000)
	mustHold(t, route, search(t, s, providers.Query{Area: route}), all)
	calls := sim.Calls()
	if last := calls[len(calls)-1]; !last.Query.Has("polyline") {
		t.Errorf("asked by %v, want a polyline", last.Query)
	}
	checkCall(t, calls[len(calls)-1])
}

func TestACountryIsOneBoundedCallByNumber(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = 50 })
	answer := search(t, s, providers.Query{Area: providers.InCountry{Code: "GB"}})
	if !answer.Partial || !answer.Truncated {
		t.Errorf("partial %t, truncated %t, want both", answer.Partial, answer.Truncated)
	}
	calls := sim.Calls()
	if len(calls) != 1 || calls[0].Query.Get("countryid") != "1" || calls[0].Query.Get("maxresults") != "51" || calls[0].Query.Has("countrycode") {
		t.Fatalf("calls: %v", calls)
	}
	for _, r := range answer.Records {
		if r.Address.CountryCode != "GB" {
			t.Errorf("%s is in %s", r.Key, r.Address.CountryCode)
		}
	}
	sim.ResetCalls()
	for _, code := range []string{"", "XX", "gb", "1"} {
		_, err := s.Search(t.Context(), providers.Query{Area: providers.InCountry{Code: code}})
		if se := providers.AsSourceError(err); se == nil || se.Code != providers.CodeUnsupported {
			t.Errorf("country %q: %v, want UNSUPPORTED", code, err)
		}
	}
	if len(sim.Calls()) != 0 {
		t.Error("an unknown country became a question, which OCM answers with the world")
	}
}

func TestAnAreaTooLargeIsOneCallNarrowedToTheFilter(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, nil)
	filter := &providers.Filter{
		Connections: []providers.ConnectionMatch{{Types: []providers.ConnectorType{providers.ConnectorType2, providers.ConnectorCCS2}, MinPowerKW: new(50.0)}},
		Status:      []providers.OperationalStatus{providers.StatusOperational},
	}
	for name, area := range map[string]providers.Area{
		"world":               providers.World(),
		"continent":           providers.Bounds{South: 35, West: -10, North: 60, East: 30},
		"across":              providers.Bounds{South: -50, West: 150, North: 0, East: -150},
		"disc":                providers.Around{Center: providers.Point{Lat: 50, Lon: 5}, RadiusM: 500_000},
		"polar":               providers.Bounds{South: 40, West: -180, North: 90, East: 180},
		"large polygon":       providers.NewPolygon([]providers.Point{{Lat: 40, Lon: 0}, {Lat: 55, Lon: 0}, {Lat: 55, Lon: 20}}),
		"large, antimeridian": providers.NewPolygon([]providers.Point{{Lat: -40, Lon: 160}, {Lat: -10, Lon: -160}, {Lat: -40, Lon: -160}}),
	} {
		sim.ResetCalls()
		answer := search(t, s, providers.Query{Area: area, Filter: filter})
		if !answer.Partial {
			t.Errorf("%s: not partial", name)
		}
		calls := sim.Calls()
		if len(calls) != 1 {
			t.Errorf("%s: %d calls, want 1", name, len(calls))
			continue
		}
		checkCall(t, calls[0])
		for param, want := range map[string]string{"connectiontypeid": "25,33,1036", "minpowerkw": "50", "statustypeid": "10,20,50"} {
			if got := calls[0].Query.Get(param); got != want {
				t.Errorf("%s: %s=%s, want %s", name, param, got, want)
			}
		}
	}
	sim.ResetCalls()
	search(t, s, providers.Query{Area: providers.Bounds{South: 51, West: 0, North: 52, East: 1}, Filter: filter})
	if q := sim.Calls()[0].Query; q.Has("connectiontypeid") || q.Has("statustypeid") {
		t.Errorf("a filter was pushed down for an area that can be had whole: %v", q)
	}
}

// Whatever is pushed down, every record that matches the filter on its own is
// still answered.
func TestAPushedDownFilterLosesNothingThatMatches(t *testing.T) {
	t.Parallel()
	_, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = maxMaxResults })
	all := everything(t, s)
	table, err := s.Reference(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Join(table, all) // what is not joined does not know which providers are open
	rng := rand.New(rand.NewPCG(5, 6))
	pushed, matched := 0, 0
	for range 400 {
		f := randomFilter(rng, all)
		if len(pushDown(f, s.countryID)) == 0 || pushed == 25 {
			continue
		}
		pushed++
		answer := search(t, s, providers.Query{Area: providers.World(), Filter: f})
		got := make(map[providers.Key]bool)
		for _, r := range answer.Records {
			got[r.Key] = true
		}
		for _, r := range all {
			if f.MatchRecord(r) && f.Match(&providers.POI{Site: &r.Site, Members: []*providers.Record{r}}) {
				matched++
				if !got[r.Key] {
					t.Fatalf("%s matches %+v and was not answered; pushed down: %v", r.Key, f, pushDown(f, s.countryID))
				}
			}
		}
	}
	if pushed < 25 || matched < 300 {
		t.Errorf("%d filters pushed down, %d matches: this proves little", pushed, matched)
	}
}

func randomFilter(rng *rand.Rand, all []*providers.Record) *providers.Filter {
	r := all[rng.IntN(len(all))]
	f := &providers.Filter{}
	chance := func() bool { return rng.IntN(5) == 0 }
	if chance() && r.Operator != nil {
		f.OperatorIDs = []string{r.Operator.ID}
		if chance() {
			f.OperatorIDs = append(f.OperatorIDs, "operator:plugshare:1")
		}
	}
	if chance() {
		f.Usage = []providers.UsageKind{r.Usage, providers.UsageRestrictedCustomers}
	}
	if chance() && r.UsageType != nil {
		f.UsageTypeIDs = []string{r.UsageType.ID}
	}
	if chance() {
		f.Status = []providers.OperationalStatus{r.Status}
	}
	if chance() && r.StatusType != nil {
		f.StatusTypeIDs = []string{r.StatusType.ID, "50"}
	}
	if chance() {
		f.Countries = []string{r.Address.CountryCode}
	}
	if chance() {
		f.OpenData = new(rng.IntN(2) == 0)
	}
	if chance() && r.DataProvider != nil {
		f.DataProviderIDs = []string{r.DataProvider.ID}
	}
	if chance() {
		f.Not = &providers.Filter{Usage: []providers.UsageKind{providers.UsagePublic}}
	}
	if chance() {
		f.IncludePlanned = new(true)
	}
	for _, c := range r.Connections {
		if !chance() {
			continue
		}
		m := providers.ConnectionMatch{IncludeUnknownPower: chance()}
		if rng.IntN(2) == 0 {
			m.Types = []providers.ConnectorType{c.Type}
		}
		if chance() && c.ConnectionType != nil {
			m.ConnectionTypeIDs = []string{c.ConnectionType.ID}
		}
		if c.PowerKW != nil && rng.IntN(2) == 0 {
			m.MinPowerKW = new(*c.PowerKW - 0.5)
		}
		if c.PowerKW != nil && chance() {
			m.MaxPowerKW = new(*c.PowerKW + 0.5)
		}
		f.Connections = append(f.Connections, m)
	}
	return f
}

func TestWhatCannotBeSaidToOCMIsNotPushedDown(t *testing.T) {
	t.Parallel()
	_, s := newSandbox(t, nil)
	long := make([]string, maxPushed+1)
	for i := range long {
		long[i] = strconv.Itoa(i + 1)
	}
	for name, f := range map[string]*providers.Filter{
		"nothing":                  nil,
		"empty":                    {},
		"negation":                 {Not: &providers.Filter{Usage: []providers.UsageKind{providers.UsagePublic}, OperatorIDs: []string{"operator:ocm:5"}}},
		"excluded operators":       {ExcludeOperatorIDs: []string{"operator:ocm:5"}},
		"another's operator":       {OperatorIDs: []string{"operator:ocm:5", "operator:plugshare:77777"}},
		"no operator":              {OperatorIDs: []string{"poi:ocm:5"}},
		"unknown usage":            {Usage: []providers.UsageKind{providers.UsagePublic, providers.UsageUnknown}},
		"usage OCM has no row for": {Usage: []providers.UsageKind{providers.UsageRestrictedStudents}},
		"row 0":                    {StatusTypeIDs: []string{"0", "50"}},
		"no number":                {DataProviderIDs: []string{"1; drop", "x"}},
		"unknown plug":             {Connections: []providers.ConnectionMatch{{Types: []providers.ConnectorType{providers.ConnectorType2, providers.ConnectorUnknown}}}},
		"any plug":                 {Connections: []providers.ConnectionMatch{{Types: []providers.ConnectorType{providers.ConnectorType2}}, {Current: []providers.CurrentKind{providers.CurrentDC}}}},
		"unknown power":            {Connections: []providers.ConnectionMatch{{MinPowerKW: new(50.0), IncludeUnknownPower: true}}},
		"little power":             {Connections: []providers.ConnectionMatch{{MinPowerKW: new(0.5)}}},
		"an unknown country":       {Countries: []string{"GB", "XX"}},
		"a long list":              {UsageTypeIDs: long},
	} {
		if got := pushDown(f, s.countryID); len(got) != 0 {
			t.Errorf("%s: pushed down %v", name, got)
		}
	}
	f := &providers.Filter{
		Connections: []providers.ConnectionMatch{
			{ConnectionTypeIDs: []string{"33"}, MinPowerKW: new(100.0), MaxPowerKW: new(150.0)},
			{Types: []providers.ConnectorType{providers.ConnectorCHAdeMO}, MinPowerKW: new(43.5), MaxPowerKW: new(50.0)},
		},
		OperatorIDs: []string{"operator:plugshare:1", "operator:ocm:23"}, Usage: []providers.UsageKind{providers.UsagePublic},
		StatusTypeIDs: []string{"50", "75"}, Countries: []string{"GB", "US"}, OpenData: new(false), DataProviderIDs: []string{"15"},
	}
	var company []string // all numbers that OCM has for the two, whatever the crosswalk says today
	for _, o := range []*providers.Operator{providers.NewOperator(providers.PlugShare, "1", ""), providers.NewOperator(providers.OCM, "23", "")} {
		for _, r := range o.Records {
			if r.Provider == providers.OCM {
				company = append(company, r.ExternalID)
			}
		}
	}
	got := pushDown(f, s.countryID)
	want := map[string]string{
		"connectiontypeid": "2,33", "minpowerkw": "43.5", "maxpowerkw": "150", "operatorid": strings.Join(company, ","), "usagetypeid": "1",
		"statustypeid": "50,75", "countryid": "1,2", "opendata": "false", "dataproviderid": "15",
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s=%q, want %q", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("pushed down %v, want %v", got, want)
	}
}

func TestTruncationIsKnownFromOneMoreThanNeeded(t *testing.T) {
	t.Parallel()
	_, whole := newSandbox(t, func(cfg *Config) { cfg.MaxResults = maxMaxResults })
	all := everything(t, whole)
	area := providers.Around{Center: all[0].Location, RadiusM: 20_000}
	n := len(search(t, whole, providers.Query{Area: area}).Records)
	if n < 3 {
		t.Fatalf("%d records are too few to cut", n)
	}
	for _, limit := range []int{1, n - 1} {
		_, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = limit })
		if answer := search(t, s, providers.Query{Area: area}); !answer.Truncated || len(answer.Records) < limit-1 {
			t.Errorf("limit %d of %d: truncated %t, %d records", limit, n, answer.Truncated, len(answer.Records))
		}
	}
	_, s := newSandbox(t, func(cfg *Config) { cfg.MaxResults = 2*n + 100 })
	if answer := search(t, s, providers.Query{Area: area}); answer.Truncated || len(answer.Records) != n {
		t.Errorf("beyond all %d: truncated %t, %d records", n, answer.Truncated, len(answer.Records))
	}
}

func TestAnAreaThatIsNotOnEarthIsNeverAskedFor(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, nil)
	nan := math.NaN()
	for _, area := range []providers.Area{
		nil,
		providers.Around{Center: providers.Point{Lat: 91}, RadiusM: 1},
		providers.Around{Center: providers.Point{Lat: nan}, RadiusM: 1},
		providers.Around{Center: providers.Point{}, RadiusM: nan},
		providers.Around{Center: providers.Point{}, RadiusM: -1},
		providers.Around{Center: providers.Point{}, RadiusM: math.Inf(1)},
		providers.Bounds{South: 2, North: 1},
		providers.Bounds{South: 1, North: 2, West: 200},
		providers.Bounds{South: nan},
		(*providers.Polygon)(nil),
		providers.NewRoute([]providers.Point{{Lat: 1}, {Lat: 2, Lon: 300}}, 10),
	} {
		_, err := s.Search(t.Context(), providers.Query{Area: area})
		if se := providers.AsSourceError(err); se == nil || se.Code != providers.CodeRejected {
			t.Errorf("%+v: %v, want REJECTED", area, err)
		}
	}
	if calls := sim.Calls(); len(calls) != 0 {
		t.Errorf("%d calls", len(calls))
	}
}

func TestDetailAsksForTheIDsAndNothingElse(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, nil)
	all := everything(t, s)
	sim.ResetCalls()
	want := all[3]
	keys := []providers.Key{want.Key, all[9].Key, want.Key, "ocm:2147483647", "ocm:0", "ocm:-5", "ocm:99999999999", "ocm:007", "ocm:x", "plugshare:1", "ocm:other:3", ""}
	answer, err := s.Detail(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(answer.Records))
	for i, r := range answer.Records {
		got[i] = string(r.Key)
	}
	slices.Sort(got)
	expected := []string{string(want.Key), string(all[9].Key)}
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		t.Errorf("got %v, want %v", got, expected)
	}
	calls := sim.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	ids := want.ExternalID + "," + all[9].ExternalID + ",2147483647"
	if q := calls[0].Query; q.Get("chargepointid") != ids || q.Get("maxresults") != "4" {
		t.Errorf("asked for %v", q)
	}
	checkCall(t, calls[0])

	answer, err = s.Detail(t.Context(), []providers.Key{"ocm:x", "ocm:8E9B7D4C-0000-0000-0000-000000000000"})
	if err != nil || len(answer.Records) != 0 || len(sim.Calls()) != 1 {
		t.Errorf("keys that are no ids became a question: %v, %v", answer, err)
	}
	if _, err := s.Detail(t.Context(), manyKeys(detailBatch+1)); err == nil {
		t.Error("more than a batch was asked for")
	}
	if _, err := s.Detail(t.Context(), manyKeys(detailBatch)); err != nil {
		t.Error(err)
	}
}

func manyKeys(n int) []providers.Key {
	keys := make([]providers.Key, n)
	for i := range keys {
		keys[i] = providers.NewKey("ocm", strconv.Itoa(i+1))
	}
	return keys
}

func TestRecordsOfALiveSourceKeepTheRules(t *testing.T) {
	t.Parallel()
	_, s := newSandbox(t, nil)
	comments, photos := 0, 0
	for _, r := range everything(t, s) {
		checkRecord(t, r)
		comments += len(r.Comments)
		photos += len(r.Photos)
		if !r.FetchedAt.Equal(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)) {
			t.Fatalf("%s was fetched at %v", r.Key, r.FetchedAt)
		}
	}
	if comments < 100 || photos < 50 {
		t.Errorf("%d comments, %d photos in the whole world", comments, photos)
	}
}

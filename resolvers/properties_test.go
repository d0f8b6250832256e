package resolvers_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/providers/ocm"
	"chargegraph/providers/sandbox"
)

// wholeSite is everything that is compared of a site between two answers, and
// all that filters and orders turn on.
const wholeSite = recordedFields + `
	operator { aliases }
	records { dataProvider { isOpenDataLicensed } attribution { text url license } }
	provenance { field rule record { id } }`

// factFields is what filters and orders turn on, and no more.
const factFields = `
	title location { latitude longitude } address { line1 line2 town stateOrProvince postcode countryCode }
	operator { id title aliases } usage status cost usageType { id } statusType { id } numberOfPoints maxPowerKw amenities
	connections { type format current connectionType { id } powerKw level } comments { totalCount } photos { totalCount }
	rating { average } lastVerifiedAt updatedAt records { id externalId dataProvider { id isOpenDataLicensed } }`

// wholeWorld holds every site.
const wholeWorld = `{bounds: {south: -90, west: -180, north: 90, east: 180}}`

// properties is one made-up world, asked live and as a mirror, and what brute
// force knows of it: all of its sites, read once without a filter.
type properties struct {
	mirror, live *service
	sites        []*siteFacts // by id
	byID         map[string]*siteFacts
	byCountry    map[string][]*siteFacts // by where they are, not by what they state: cities are far apart
	countries    []string
}

// TestTheGraphAnswersAsBruteForceDoes is not parallel, its parts are: what waits
// for a source that hangs had better not share the machine with it.
func TestTheGraphAnswersAsBruteForceDoes(t *testing.T) {
	w := newTwinnedWorld(t, 2000)
	p := &properties{
		mirror: newService(t, loaders.Config{Clock: fixedNow}, mirror(t, ocm.MirrorConfig{Path: w.export(t), Clock: fixedNow})),
		live:   newService(t, loaders.Config{Clock: fixedNow, Timeout: loaders.MaxTimeout}, w.live(t, func(cfg *ocm.Config) { cfg.Clock = fixedNow })),
		byID:   make(map[string]*siteFacts), byCountry: make(map[string][]*siteFacts),
	}
	for _, raw := range all[json.RawMessage](t, p.mirror, wholeSite) {
		site := readFacts(t, raw)
		p.sites = append(p.sites, site)
		p.byID[site.ID] = site
		p.byCountry[site.Address.CountryCode] = append(p.byCountry[site.Address.CountryCode], site)
	}
	maps.DeleteFunc(p.byCountry, func(code string, sites []*siteFacts) bool { return code == "" || len(sites) < 5 }) // stated by mistake
	p.countries = slices.Sorted(maps.Keys(p.byCountry))
	if len(p.countries) < 10 || len(p.byCountry["FJ"]) < 20 {
		t.Fatalf("the world is too small: %d sites in %v", len(p.sites), p.countries)
	}

	t.Run("an area holds what lies in it", p.areasHoldWhatLiesInThem)
	t.Run("a filter keeps what matches it", p.filtersKeepWhatMatches)
	t.Run("an order sorts the whole answer", p.ordersSortTheWholeAnswer)
	t.Run("pages are one page cut up", p.pagesAreOnePageCutUp)
	t.Run("pages of comments are one page cut up", p.pagesOfCommentsAreOnePageCutUp)
	t.Run("cuts of a box are the box", p.cutsOfABoxAreTheBox)
	t.Run("clusters hold every site once", p.clustersHoldEverySiteOnce)
	t.Run("every name of a site leads to it", p.everyNameOfASiteLeadsToIt)
}

// newTwinnedWorld is a world in which many sites are listed two, three or more
// times over, in clumps and in rows longer than a clump can be.
func newTwinnedWorld(t *testing.T, sites int) *world {
	t.Helper()
	plain := newWorld(t, sites)
	rnd := rand.New(rand.NewPCG(8, 8))
	listings := readJSONFile(t, plain.export(t))
	for i, first := range listings {
		if rnd.IntN(5) == 0 {
			first["MetadataValues"] = []object{{"ID": i, "MetadataFieldID": 1, "MetadataFieldOptionID": []int{1, 2, 3, 8, 9}[rnd.IntN(5)]}}
		}
		if rnd.IntN(12) > 0 {
			continue
		}
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		reference := "ref-" + first.number("ID")
		if operator := first.number("OperatorID"); operator != "" && operator != "1" && rnd.IntN(2) == 0 {
			first["OperatorsReference"] = reference
		} else {
			first["DataProvidersReference"] = reference
		}
		at := positionSaid{Latitude: *first.object("AddressInfo").float("Latitude"), Longitude: *first.object("AddressInfo").float("Longitude")}
		heading, stride := 2*math.Pi*rnd.Float64(), between(rnd, 5, 130)
		if rnd.IntN(2) == 0 {
			stride = between(rnd, 55, 99) // twins of their neighbours, and of no others
		}
		var ids []int
		for n := range 1 + rnd.IntN(5) {
			ids = append(ids, (1+rnd.IntN(9000))*100_000+10*i+n) // any of them may come to lead
		}
		if rnd.IntN(3) == 0 {
			// Whom the second follows is decided by the fourth, which keeps the third
			// from leading: as far away as anything ever is.
			ids, stride = []int{900_000_000 + 10*i, 100_200_000 + 10*i, 100_100_000 + 10*i}, between(rnd, 80, 99)
		}
		for n, id := range ids {
			var twin object
			if err = json.Unmarshal(text, &twin); err != nil {
				t.Fatal(err)
			}
			at = moved(at, stride*math.Sin(heading), stride*math.Cos(heading))
			twin["ID"], twin["UUID"] = id, fmt.Sprintf("00000000-0000-4000-8000-%012d", id)
			twin["OperatorsReference"], twin["DataProvidersReference"] = first["OperatorsReference"], first["DataProvidersReference"]
			twin.object("AddressInfo")["Latitude"], twin.object("AddressInfo")["Longitude"] = at.Latitude, at.Longitude
			for _, list := range []string{"UserComments", "MediaItems", "Connections"} {
				for k, child := range twin.list(list) {
					child["ID"] = 1000*n + k + 1
				}
			}
			for _, member := range []string{"UsageTypeID", "StatusTypeID", "DataProviderID", "Connections", "NumberOfPoints", "DateLastStatusUpdate", "UserComments"} {
				if rnd.IntN(5) == 0 {
					delete(twin, member)
				}
			}
			listings = append(listings, twin)
		}
	}
	file := filepath.Join(t.TempDir(), "pois.json")
	text, err := json.Marshal(listings)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	reference := filepath.Join(filepath.Dir(file), "referencedata.json")
	plain.save(t, "/referencedata", reference)
	simulator, err := sandbox.NewOCM(nil, sandbox.OCMOptions{File: file, Reference: reference, Now: fixedNow})
	if err != nil {
		t.Fatal(err)
	}
	far := httptest.NewServer(simulator)
	t.Cleanup(func() {
		_ = simulator.Close()
		far.Close()
	})
	return &world{truth: plain.truth, simulator: simulator, url: far.URL + "/v3", key: plain.key}
}

// ways are the two ways to read the world.
func (p *properties) ways() map[string]*service {
	return map[string]*service{"mirror": p.mirror, "live": p.live}
}

// list is an answer to a question about POIs.
type list struct {
	TotalCount *int
	Truncated  bool
	Sources    []struct {
		Outcome          string
		Returned         int
		Truncated        bool
		UndecidedFilters []string
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	Nodes []struct{ ID string }
	Edges []edge
}

type edge struct {
	Cursor                                 string
	Node                                   json.RawMessage
	DistanceMeters, BearingDegrees         *float64
	RouteOffsetMeters, RoutePositionMeters *float64
}

func (e edge) id() string {
	var node struct{ ID string }
	if err := json.Unmarshal(e.Node, &node); err != nil {
		panic(err)
	}
	return node.ID
}

func (l list) ids() []string {
	ids := make([]string, len(l.Edges))
	for i, e := range l.Edges {
		ids[i] = e.id()
	}
	return ids
}

// question is what is asked about POIs.
type question struct {
	area   vars
	filter *filterSaid
	order  vars
}

// page asks for one page, with so much of each site.
func (s *service) page(tb testing.TB, q question, first int, after *string, fields string) list {
	tb.Helper()
	var answer struct{ Pois list }
	s.mustAsk(tb, `query($area: AreaInput!, $filter: POIFilter, $order: POIOrder, $first: Int, $after: String) {
		pois(area: $area, filter: $filter, orderBy: $order, first: $first, after: $after) {
			totalCount truncated sources { outcome returned truncated undecidedFilters }
			pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { id }
			edges { cursor distanceMeters bearingDegrees routeOffsetMeters routePositionMeters node { id `+fields+` } }
		}
	}`, vars{"area": q.area, "filter": q.filter, "order": q.order, "first": first, "after": after}, &answer)
	if got := answer.Pois; len(got.Nodes) == len(got.Edges) {
		for i, e := range got.Edges {
			if got.Nodes[i].ID != e.id() {
				tb.Errorf("node %d is %s, its edge holds %s", i, got.Nodes[i].ID, e.id())
			}
		}
		return got
	}
	tb.Fatalf("%d nodes, %d edges", len(answer.Pois.Nodes), len(answer.Pois.Edges))
	return list{}
}

// pages asks for all pages of a size as one list.
func (s *service) pages(tb testing.TB, q question, size int, fields string) list {
	tb.Helper()
	whole := s.page(tb, q, size, nil, fields)
	for page := whole; page.PageInfo.HasNextPage; {
		page = s.page(tb, q, size, page.PageInfo.EndCursor, fields)
		whole.Edges = append(whole.Edges, page.Edges...)
		whole.PageInfo.EndCursor = page.PageInfo.EndCursor
		if gocmp.Diff(whole.TotalCount, page.TotalCount) != "" {
			tb.Errorf("the total changes from page to page: %v, %v", whole.TotalCount, page.TotalCount)
		}
	}
	return whole
}

// ---- areas -----------------------------------------------------------------------------------------------

// region is an area as the graph takes it, and brute force's opinion of it.
type region struct {
	kind  string
	input vars
	// holds says whether a site is inside; sure is false on the very edge.
	holds func(s *siteFacts) (in, sure bool)
	check func(tb testing.TB, s *siteFacts, e edge) // measures; nil: has none
}

func (p *properties) anySite(rnd *rand.Rand) *siteFacts {
	sites := p.byCountry[p.countries[rnd.IntN(len(p.countries))]]
	return sites[rnd.IntN(len(sites))]
}

// between draws from a range, small ones more often than large ones.
func between(rnd *rand.Rand, least, most float64) float64 {
	return least * math.Exp(rnd.Float64()*math.Log(most/least))
}

// moved is the place so many metres north and east of p, about.
func moved(p positionSaid, north, east float64) positionSaid {
	const metre = 180 / math.Pi / 6_371_000
	return positionSaid{
		Latitude:  p.Latitude + north*metre,
		Longitude: turn(p.Longitude + east*metre/math.Cos(p.Latitude*math.Pi/180)),
	}
}

func (p *properties) anyPlace(rnd *rand.Rand, offM float64) positionSaid {
	return moved(p.anySite(rnd).Location, offM*rnd.NormFloat64(), offM*rnd.NormFloat64())
}

// anyBox is a box near some site; now and then an edge goes through the site itself.
func (p *properties) anyBox(rnd *rand.Rand) boxSaid {
	site := p.anySite(rnd).Location
	half := func() float64 { return between(rnd, 200, 40_000) }
	southWest, northEast := moved(site, -half(), -half()), moved(site, half(), half())
	b := boxSaid{South: southWest.Latitude, West: southWest.Longitude, North: northEast.Latitude, East: northEast.Longitude}
	switch rnd.IntN(8) {
	case 0:
		b.South = site.Latitude
	case 1:
		b.North = site.Latitude
	case 2:
		b.West = site.Longitude
	case 3:
		b.East = site.Longitude
	}
	return b
}

func boxRegion(b boxSaid) region {
	return region{kind: "bounds", input: vars{"bounds": b}, holds: func(s *siteFacts) (bool, bool) { return b.holds(s.Location), true }}
}

func (p *properties) anyCircle(rnd *rand.Rand) region {
	centre, radius := p.anyPlace(rnd, 2000), between(rnd, 100, 60_000)
	return region{
		kind:  "around",
		input: vars{"around": vars{"center": centre, "radiusMeters": radius}},
		holds: func(s *siteFacts) (bool, bool) {
			d := arcM(centre, s.Location)
			return d <= radius, math.Abs(d-radius) > 1e-4
		},
		check: func(tb testing.TB, s *siteFacts, e edge) {
			tb.Helper()
			if d := arcM(centre, s.Location); e.DistanceMeters == nil || math.Abs(*e.DistanceMeters-d) > 1e-3 {
				tb.Errorf("%s is %v m away, brute force says %v", s.ID, e.DistanceMeters, d)
			}
			if b := bearingOf(centre, s.Location); e.BearingDegrees == nil || *e.BearingDegrees < 0 || *e.BearingDegrees >= 360 || math.Abs(turn(*e.BearingDegrees-b)) > 1e-3 {
				tb.Errorf("%s lies in direction %v, brute force says %v", s.ID, e.BearingDegrees, b)
			}
		},
	}
}

// line is how the graph is given points: as they are, or encoded.
func line(rnd *rand.Rand, points []positionSaid) (input vars, left []positionSaid) {
	switch rnd.IntN(3) {
	case 0:
		text, left := encoded(points, 5)
		return vars{"encoded": text}, left
	case 1:
		text, left := encoded(points, 6)
		return vars{"encoded": text, "precision": 6}, left
	}
	return vars{"points": points}, points
}

// anyStar is a polygon with inlets, of which a corner may be a site.
func (p *properties) anyStar(rnd *rand.Rand) region {
	return starNear(rnd, p.anySite(rnd), func(points []positionSaid) (vars, []positionSaid) { return line(rnd, points) })
}

func starNear(rnd *rand.Rand, site *siteFacts, line func([]positionSaid) (vars, []positionSaid)) region {
	centre, radius := moved(site.Location, 2000*rnd.NormFloat64(), 2000*rnd.NormFloat64()), between(rnd, 1000, 40_000)
	corners := make([]positionSaid, 5+rnd.IntN(30))
	for i := range corners {
		angle := 2 * math.Pi * (float64(i) + 0.8*rnd.Float64()) / float64(len(corners))
		r := radius * (0.15 + 0.85*rnd.Float64())
		corners[i] = moved(centre, r*math.Sin(angle), r*math.Cos(angle))
	}
	if arcM(site.Location, centre) < radius { // a corner of its own: then it is inside
		angle := math.Atan2(site.Location.Latitude-centre.Latitude, turn(site.Location.Longitude-centre.Longitude)*math.Cos(centre.Latitude*math.Pi/180))
		i := int(math.Mod(angle/(2*math.Pi)+1, 1) * float64(len(corners)))
		corners[i] = site.Location
	}
	if rnd.IntN(2) == 0 {
		slices.Reverse(corners)
	}
	input, corners := line(corners)
	if rnd.IntN(4) == 0 && input["points"] != nil { // closed by hand
		input["points"] = append(slices.Clip(corners), corners[0])
	}
	return region{
		kind: "polygon", input: vars{"polygon": input},
		holds: func(s *siteFacts) (bool, bool) {
			if arcM(centre, s.Location) > 1.1*radius {
				return false, true
			}
			if slices.Contains(corners, s.Location) {
				return true, true
			}
			in, edge := windingOf(corners, s.Location)
			return in, edge > 1e-9
		},
	}
}

func (p *properties) anyRoute(rnd *rand.Rand) region {
	points := []positionSaid{p.anyPlace(rnd, 1000)}
	heading, stride := 2*math.Pi*rnd.Float64(), between(rnd, 200, 6000)
	for range 1 + rnd.IntN(15) {
		heading += rnd.NormFloat64()
		points = append(points, moved(points[len(points)-1], stride*math.Sin(heading), stride*math.Cos(heading)))
	}
	distance := between(rnd, 200, 10_000)
	input, points := line(rnd, points)
	input["distanceMeters"] = distance
	way := tread(points)
	length := way.along[len(way.along)-1]
	// A step to the side makes a way longer, never by more than half a step.
	const slack = 1
	return region{
		kind: "route", input: vars{"route": input},
		holds: func(s *siteFacts) (bool, bool) {
			if arcM(points[0], s.Location) > length+distance+1000 {
				return false, true
			}
			d := way.nearM(s.Location)
			return d <= distance, math.Abs(d-distance) > slack
		},
		check: func(tb testing.TB, s *siteFacts, e edge) {
			tb.Helper()
			if e.RouteOffsetMeters == nil || e.RoutePositionMeters == nil {
				tb.Errorf("%s has no place on the route", s.ID)
				return
			}
			d := way.nearM(s.Location)
			if over := d - *e.RouteOffsetMeters; over < -0.1 || over > stepM/2 || d > 200 && over > slack {
				tb.Errorf("%s lies %v m off the route, brute force says %v", s.ID, *e.RouteOffsetMeters, d)
			}
			at := arcM(way.at(*e.RoutePositionMeters), s.Location)
			if *e.RoutePositionMeters > length+1 || math.Abs(at-*e.RouteOffsetMeters) > 1 {
				tb.Errorf("%s is %v m along the route (%v m long) and %v m off it, but that place is %v m away", s.ID, *e.RoutePositionMeters, length, *e.RouteOffsetMeters, at)
			}
		},
	}
}

func (p *properties) anyCountry(rnd *rand.Rand) region {
	code := p.countries[rnd.IntN(len(p.countries))]
	return region{kind: "country", input: vars{"country": code}, holds: func(s *siteFacts) (bool, bool) { return s.Address.CountryCode == code, true }}
}

// anyRegion is an area of any kind that a live source can be asked for whole.
func (p *properties) anyRegion(rnd *rand.Rand) region {
	switch rnd.IntN(4) {
	case 0:
		return boxRegion(p.anyBox(rnd))
	case 1:
		return p.anyCircle(rnd)
	case 2:
		return p.anyStar(rnd)
	}
	return p.anyRoute(rnd)
}

func everywhere() region {
	return boxRegion(boxSaid{South: -90, West: -180, North: 90, East: 180})
}

// expect compares an answer with what brute force finds among sites, and returns
// how many sites that is.
func (r region) expect(tb testing.TB, way string, sites []*siteFacts, filter *filterSaid, got list) int {
	tb.Helper()
	var wrong []string
	inside := make(map[string]bool, len(got.Edges))
	for _, id := range got.ids() {
		if inside[id] {
			wrong = append(wrong, id+" is there twice")
		}
		inside[id] = true
	}
	n, records := 0, 0
	for _, s := range sites {
		if inside[s.ID] {
			records += len(s.Records)
		}
		want := filter.wants(s)
		if want {
			in, sure := r.holds(s)
			if !sure {
				delete(inside, s.ID)
				continue
			}
			want = in
		}
		if want {
			n++
		}
		if want != inside[s.ID] {
			wrong = append(wrong, fmt.Sprintf("%s at %+v: answered %v, brute force says %v", s.ID, s.Location, inside[s.ID], want))
		}
		delete(inside, s.ID)
	}
	for id := range inside {
		wrong = append(wrong, id+" is not of this world")
	}
	if got.TotalCount == nil || *got.TotalCount != len(got.Edges) || got.Truncated {
		wrong = append(wrong, fmt.Sprintf("there are %d sites, but the total is %v, truncated %v", len(got.Edges), got.TotalCount, got.Truncated))
	}
	if source := got.Sources[0]; source.Returned != records || source.Truncated {
		wrong = append(wrong, fmt.Sprintf("the source is said to have given %d records, truncated %v; the sites have %d", source.Returned, source.Truncated, records))
	}
	if want := filter.undecided(); !slices.Equal(want, slices.Sorted(slices.Values(got.Sources[0].UndecidedFilters))) {
		wrong = append(wrong, fmt.Sprintf("undecided are %v, want %v", got.Sources[0].UndecidedFilters, want))
	}
	if len(wrong) > 0 {
		about, err := json.Marshal(vars{"area": r.input, "filter": filter})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Errorf("%s, %s: %d things are wrong, such as\n%s", way, about, len(wrong), strings.Join(wrong[:min(5, len(wrong))], "\n"))
	}
	return n
}

func planned() *filterSaid { return &filterSaid{IncludePlanned: new(true)} }

func (p *properties) areasHoldWhatLiesInThem(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	found := make(map[string]int)
	for i := range 100 {
		r := p.anyRegion(rnd)
		if i%20 == 0 {
			r = p.anyCountry(rnd)
		}
		for way, s := range p.ways() {
			if way == "live" && i%4 > 0 {
				continue
			}
			got := s.pages(t, question{area: r.input, filter: planned()}, 500, "")
			n := r.expect(t, way, p.sites, planned(), got)
			found[way+" "+r.kind] += n
			if r.check != nil {
				for _, e := range got.Edges {
					r.check(t, p.byID[e.id()], e)
				}
			}
			if outcome := got.Sources[0].Outcome; outcome != "OK" && (r.kind != "country" || outcome != "PARTIAL") {
				t.Errorf("%s: the outcome of %s is %s", way, r.kind, outcome)
			}
		}
	}
	// A corner at a site, encoded: what is decoded must be the very position.
	corners := 0
	for range 60 {
		site := p.anySite(rnd)
		r := starNear(rnd, site, func(points []positionSaid) (vars, []positionSaid) {
			text, left := encoded(points, 6)
			if slices.Contains(left, site.Location) {
				corners++
			}
			return vars{"encoded": text, "precision": 6}, left
		})
		r.expect(t, "mirror", p.sites, planned(), p.mirror.pages(t, question{area: r.input, filter: planned()}, 500, ""))
	}
	t.Logf("sites found: %v; %d sites were corners of encoded polygons", found, corners)
	if corners < 20 {
		t.Error("that proves little")
	}
	for kind, n := range found {
		if n < 5 || n < 150 && strings.HasPrefix(kind, "mirror") {
			t.Errorf("%s: only %d sites were ever found, so little is proved", kind, n)
		}
	}
}

// ---- filters ---------------------------------------------------------------------------------------------

// condition is a way to fill in one field of a filter.
type condition struct {
	name string
	set  func(*filterSaid)
}

// conditions fill in every field that acts on merged sites, with values that
// occur in the world and some that do not.
func (p *properties) conditions(rnd *rand.Rand) []condition {
	site := func() *siteFacts { return p.sites[rnd.IntN(len(p.sites))] }
	some := func(value func(*siteFacts) string, odd ...string) []string {
		for {
			var values []string
			for range 1 + rnd.IntN(3) {
				v := value(site())
				if rnd.IntN(6) == 0 {
					v = odd[rnd.IntN(len(odd))]
				}
				if v != "" && !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
			if len(values) > 0 {
				return values
			}
		}
	}
	either := func() *bool { return new(rnd.IntN(2) == 0) }
	pick := func(values ...string) string { return values[rnd.IntN(len(values))] }
	operator := func(s *siteFacts) string {
		if s.Operator == nil {
			return ""
		}
		return s.Operator.ID
	}
	return []condition{
		{"connections", func(f *filterSaid) { f.Connections = append(f.Connections, p.anyPlug(rnd)) }},
		{"connections, two", func(f *filterSaid) { f.Connections = append(f.Connections, p.anyPlug(rnd), p.anyPlug(rnd)) }},
		{"operatorIds", func(f *filterSaid) { f.OperatorIDs = some(operator, "operator:ocm:999999", "operator:plugshare:8") }},
		{"excludeOperatorIds", func(f *filterSaid) { f.ExcludeOperatorIDs = some(operator, "operator:ocm:1") }},
		{"usage", func(f *filterSaid) {
			f.Usage = some(func(s *siteFacts) string { return s.Usage }, "UNKNOWN", "RESTRICTED_STUDENTS")
		}},
		{"usageTypeIds", func(f *filterSaid) {
			f.UsageTypeIDs = some(func(s *siteFacts) string { return idOf(s.UsageType) }, "0", "77")
		}},
		{"status", func(f *filterSaid) {
			f.Status = some(func(s *siteFacts) string { return s.Status }, "PLANNED", "REMOVED", "UNKNOWN")
		}},
		{"statusTypeIds", func(f *filterSaid) {
			f.StatusTypeIDs = some(func(s *siteFacts) string { return idOf(s.StatusType) }, "150", "200", "0")
		}},
		{"availability", func(f *filterSaid) { f.Availability = []string{"AVAILABLE", "UNKNOWN"} }},
		{"minPoints", func(f *filterSaid) { f.MinPoints = new(rnd.IntN(10)) }},
		{"cost", func(f *filterSaid) { f.Cost = some(func(s *siteFacts) string { return s.Cost }, "FREE", "PAID") }},
		{"amenities", func(f *filterSaid) {
			f.Amenities = []string{pick("SHOPPING", "LODGING", "DINING"), pick("EV_PARKING", "SECURE_PARKING")}
		}},
		{"countries", func(f *filterSaid) {
			f.Countries = some(func(s *siteFacts) string { return s.Address.CountryCode }, "ZZ")
		}},
		{"minRating", func(f *filterSaid) { f.MinRating = new([]float64{0, 1, 2.5, 3, 4, 4.5, 5}[rnd.IntN(7)]) }},
		{"minProviderScore", func(f *filterSaid) { f.MinProviderScore = &scoreFilter{Provider: "PLUGSHARE", Min: 0} }},
		{"hasPhotos", func(f *filterSaid) { f.HasPhotos = either() }},
		{"hasComments", func(f *filterSaid) { f.HasComments = either() }},
		{"includePlanned", func(f *filterSaid) { f.IncludePlanned = either() }},
		{"modifiedSince", func(f *filterSaid) { f.ModifiedSince = site().UpdatedAt }},
		{"verifiedSince", func(f *filterSaid) { f.VerifiedSince = site().LastVerifiedAt }},
		{"providers", func(f *filterSaid) { f.Providers = []string{pick("OCM", "PLUGSHARE"), "OCPI"} }},
		{"text", func(f *filterSaid) { f.Text = anyText(rnd, site()) }},
	}
}

// anyPlug describes a plug, often one that there is.
func (p *properties) anyPlug(rnd *rand.Rand) plugFilter {
	plug := func() plugFacts {
		for {
			if s := p.sites[rnd.IntN(len(p.sites))]; len(s.Connections) > 0 {
				return s.Connections[rnd.IntN(len(s.Connections))]
			}
		}
	}
	power := func() *float64 {
		if kw := plug().PowerKw; kw != nil && rnd.IntN(2) == 0 {
			return kw // exactly: bounds are inclusive
		}
		return new(between(rnd, 2, 300))
	}
	var m plugFilter
	for _, set := range []func(){
		func() { m.Types = []string{plug().Type, plug().Type} },
		func() { m.ConnectionTypeIDs = []string{cmp.Or(idOf(plug().ConnectionType), "25"), "2"} },
		func() { m.Formats = []string{[]string{"CABLE", "SOCKET", "UNKNOWN"}[rnd.IntN(3)]} },
		func() {
			m.Current = []string{[]string{"AC", "DC", "AC_THREE_PHASE", "AC_SINGLE_PHASE", "UNKNOWN"}[rnd.IntN(5)]}
		},
		func() { m.Level = []int{1 + rnd.IntN(3)} },
		func() { m.MinPowerKw = power() },
		func() { m.MaxPowerKw = power() },
		func() { m.IncludeUnknownPower = new(rnd.IntN(3) > 0) },
	} {
		if rnd.IntN(3) == 0 {
			set()
		}
	}
	if m.MinPowerKw != nil && m.MaxPowerKw != nil && *m.MinPowerKw > *m.MaxPowerKw {
		m.MinPowerKw, m.MaxPowerKw = m.MaxPowerKw, m.MinPowerKw
	}
	return m
}

// anyText is a word of a site or two, or pieces of them, perhaps written otherwise.
func anyText(rnd *rand.Rand, s *siteFacts) string {
	words := strings.Fields(s.Title + " " + s.Address.Town + " " + s.Address.Line1)
	if s.Operator != nil {
		words = append(words, strings.Fields(s.Operator.Title)...)
	}
	var pieces []string
	for range 1 + rnd.IntN(2) {
		word := []rune(words[rnd.IntN(len(words))])
		from := rnd.IntN(len(word))
		pieces = append(pieces, string(word[from:from+1+rnd.IntN(len(word)-from)]))
	}
	text := strings.Join(pieces, " ")
	switch rnd.IntN(3) {
	case 0:
		text = strings.ToUpper(text)
	case 1:
		text = plainLetters(text)
	}
	return text
}

func idOf(r *struct{ ID string }) string {
	if r == nil {
		return ""
	}
	return r.ID
}

// anyFilter puts several conditions together, some of them under `not`.
func (p *properties) anyFilter(rnd *rand.Rand, depth int) *filterSaid {
	f := new(filterSaid)
	conditions := p.conditions(rnd)
	for range 1 + rnd.IntN(2) {
		conditions[rnd.IntN(len(conditions))].set(f)
	}
	if depth > 0 && rnd.IntN(2) == 0 {
		f.Not = p.anyFilter(rnd, depth-1)
	}
	return f
}

// neighbourhood is a box over a whole city.
func (p *properties) neighbourhood(rnd *rand.Rand) region { return cityOf(p.anySite(rnd)) }

func cityOf(s *siteFacts) region {
	centre := s.Location
	southWest, northEast := moved(centre, -70_000, -70_000), moved(centre, 70_000, 70_000)
	return boxRegion(boxSaid{South: southWest.Latitude, West: southWest.Longitude, North: northEast.Latitude, East: northEast.Longitude})
}

func (p *properties) filtersKeepWhatMatches(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(2, 2))
	for i := range p.conditions(rnd) {
		kept, dropped, keptByNot := 0, 0, 0
		name := ""
		for draw := range 5 {
			f := new(filterSaid)
			c := p.conditions(rnd)[i]
			name = c.name
			c.set(f)
			r := p.neighbourhood(rnd)
			if wanted := slices.DeleteFunc(slices.Clone(p.sites), func(s *siteFacts) bool { return !f.wants(s) }); len(wanted) > 0 && draw%2 == 0 {
				r = cityOf(wanted[rnd.IntN(len(wanted))])
			}
			for _, g := range []*filterSaid{f, {Not: f}} {
				got := p.mirror.pages(t, question{area: r.input, filter: g}, 500, "")
				n := r.expect(t, "mirror", p.sites, g, got)
				if g == f {
					kept += n
					dropped += p.count(r) - n
				} else {
					keptByNot += n
				}
			}
		}
		// Without any of these the comparisons above prove nothing.
		switch name {
		case "availability", "minProviderScore": // undecided for every site
			if kept+keptByNot > 0 {
				t.Errorf("%s: kept %d sites, and %d under not, though nobody knows", name, kept, keptByNot)
			}
		case "includePlanned": // no condition under not
			if kept == 0 {
				t.Errorf("%s never kept a site", name)
			}
		default:
			if kept == 0 || dropped == 0 || keptByNot == 0 {
				t.Errorf("%s: kept %d sites, dropped %d, kept %d under not: that proves little", name, kept, dropped, keptByNot)
			}
		}
	}

	for _, f := range []*filterSaid{
		nil,
		{},
		{Not: &filterSaid{}},
		{Not: &filterSaid{Not: &filterSaid{}}},
		{Status: []string{"PLANNED"}},
		{Status: []string{"PLANNED"}, IncludePlanned: new(false)},
		{Status: []string{"REMOVED"}, IncludePlanned: new(true)},
		{IncludePlanned: new(true), Not: &filterSaid{Status: []string{"PLANNED"}}},
		{Not: &filterSaid{Status: []string{"OPERATIONAL"}, IncludePlanned: new(true)}},
		{Not: &filterSaid{Not: &filterSaid{Status: []string{"PLANNED"}}}},
		{Connections: []plugFilter{{MinPowerKw: new(50.0)}}},
		{Connections: []plugFilter{{MinPowerKw: new(50.0), IncludeUnknownPower: new(true)}}},
		{Connections: []plugFilter{{IncludeUnknownPower: new(true)}}},
		{Not: &filterSaid{Connections: []plugFilter{{MinPowerKw: new(50.0), IncludeUnknownPower: new(true)}}}},
		{Not: &filterSaid{Not: &filterSaid{Connections: []plugFilter{{MinPowerKw: new(50.0), IncludeUnknownPower: new(true)}}}}},
		{Not: &filterSaid{Text: "e", Not: &filterSaid{Usage: []string{"PUBLIC", "UNKNOWN"}}}},
	} {
		r := p.neighbourhood(rnd)
		r.expect(t, "mirror", p.sites, f, p.mirror.pages(t, question{area: r.input, filter: f}, 500, ""))
	}

	combined := 0
	for i := range 80 {
		f, r := p.anyFilter(rnd, 3), p.anyRegion(rnd)
		if i%2 == 0 {
			r = p.neighbourhood(rnd)
		}
		for way, s := range p.ways() {
			if way == "mirror" || i%5 == 0 {
				combined += r.expect(t, way, p.sites, f, s.pages(t, question{area: r.input, filter: f}, 500, ""))
			}
		}
	}
	t.Logf("sites kept by combined filters: %d", combined)
	if combined < 500 {
		t.Error("that proves little")
	}

	// Conditions on records choose what sites are made of: each makes a world of
	// its own, in which all the rest holds as before.
	closed := ""
	for _, s := range p.sites {
		if from := s.Records[0].DataProvider; from != nil && from.IsOpenDataLicensed != nil && !*from.IsOpenDataLicensed {
			closed = from.ID
		}
	}
	for i, records := range []filterSaid{{OpenData: new(true)}, {DataProviderIDs: []string{"1"}}, {DataProviderIDs: []string{"1", closed, "999"}, OpenData: new(false)}} {
		world := p.chosen(t, records, factFields)
		for j := range 8 {
			f, r := p.anyFilter(rnd, 1), p.neighbourhood(rnd)
			if j == 0 {
				f = planned()
			}
			f.OpenData, f.DataProviderIDs = records.OpenData, records.DataProviderIDs
			for way, s := range p.ways() {
				if way == "mirror" || j == i {
					r.expect(t, way, world, f, s.pages(t, question{area: r.input, filter: f}, 500, ""))
				}
			}
		}
	}
}

// chosen reads the world that is made of some records only, and checks that it
// is made of those.
func (p *properties) chosen(t *testing.T, choice filterSaid, fields string) []*siteFacts {
	t.Helper()
	f := choice
	f.IncludePlanned = new(true)
	want := make(map[string]bool)
	for _, s := range p.sites {
		for _, r := range s.Records {
			open := r.DataProvider != nil && r.DataProvider.IsOpenDataLicensed != nil && *r.DataProvider.IsOpenDataLicensed
			if (f.OpenData == nil || open == *f.OpenData) &&
				(f.DataProviderIDs == nil || r.DataProvider != nil && slices.Contains(f.DataProviderIDs, r.DataProvider.ID)) {
				want[r.ID] = true
			}
		}
	}
	var sites []*siteFacts
	got := make(map[string]bool)
	for _, e := range p.mirror.pages(t, question{area: everywhere().input, filter: &f}, 500, fields).Edges {
		s := readFacts(t, e.Node)
		sites = append(sites, s)
		for _, r := range s.Records {
			got[r.ID] = true
		}
	}
	if len(want) < 20 || len(want) == len(p.sites) {
		t.Errorf("the choice takes %d records, which proves little", len(want))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("records chosen by %+v mismatch (-want +got):\n%s", choice, diff)
	}
	return sites
}

// ---- orders and pages ------------------------------------------------------------------------------------

// rank is the place of a site in an order: unknown ones are last.
type rank struct {
	unknown bool
	number  float64
	text    string
	id      string
}

func (a rank) compare(b rank, descending bool) int {
	if a.unknown != b.unknown {
		if a.unknown {
			return 1
		}
		return -1
	}
	c := cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
	if descending {
		c = -c
	}
	return cmp.Or(c, strings.Compare(a.id, b.id))
}

// rankOf reads what a site is ordered by.
func rankOf(by string, s *siteFacts, e edge) rank {
	number := func(v *float64) rank {
		if v == nil {
			return rank{unknown: true, id: s.ID}
		}
		return rank{number: *v, id: s.ID}
	}
	switch by {
	case "DISTANCE":
		return number(e.DistanceMeters)
	case "ROUTE_POSITION":
		return number(e.RoutePositionMeters)
	case "MAX_POWER":
		return number(s.MaxPowerKw)
	case "RATING":
		if s.Rating == nil {
			return number(nil)
		}
		return number(s.Rating.Average)
	case "UPDATED":
		if s.UpdatedAt == "" {
			return number(nil)
		}
		return number(new(float64(instantSaid(s.UpdatedAt).time().UnixMilli())))
	case "TITLE":
		return rank{text: plainLetters(s.Title), id: s.ID}
	}
	return rank{id: s.ID}
}

func (p *properties) ordersSortTheWholeAnswer(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 3))
	ordered := func(way string, s *service, r region, by, direction string) {
		t.Helper()
		q := question{area: r.input, filter: planned()}
		if by != "" {
			q.order = vars{"by": by}
		}
		if direction != "" {
			q.order["direction"] = direction
		}
		if by == "" {
			by = map[string]string{"around": "DISTANCE", "route": "ROUTE_POSITION"}[r.kind]
		}
		got := s.pages(t, q, 500, "")
		r.expect(t, way, p.sites, planned(), got)
		ranks := make([]rank, len(got.Edges))
		for i, e := range got.Edges {
			ranks[i] = rankOf(by, p.byID[e.id()], e)
			if i > 0 && ranks[i-1].compare(ranks[i], direction == "DESC") >= 0 {
				t.Errorf("%s, %s %s: %+v stands before %+v", way, by, direction, ranks[i-1], ranks[i])
			}
		}
	}
	for _, by := range []string{"MAX_POWER", "RATING", "UPDATED", "TITLE"} {
		for _, direction := range []string{"", "DESC"} {
			ordered("mirror", p.mirror, everywhere(), by, direction)
		}
		ordered("mirror", p.mirror, p.neighbourhood(rnd), by, "ASC")
		ordered("live", p.live, p.neighbourhood(rnd), by, "DESC")
	}
	for range 4 {
		for _, direction := range []string{"ASC", "DESC"} {
			ordered("mirror", p.mirror, p.anyCircle(rnd), "DISTANCE", direction)
			ordered("mirror", p.mirror, p.anyRoute(rnd), "ROUTE_POSITION", direction)
		}
		ordered("mirror", p.mirror, p.anyCircle(rnd), "", "")
		ordered("mirror", p.mirror, p.anyRoute(rnd), "", "")
		ordered("mirror", p.mirror, p.anyRoute(rnd), "TITLE", "DESC")
	}
	ordered("mirror", p.mirror, p.anyStar(rnd), "", "")
	ordered("live", p.live, p.anyCircle(rnd), "", "")
	ordered("live", p.live, p.anyRoute(rnd), "", "")
}

// count is how many sites an area holds.
func (p *properties) count(r region) int {
	n := 0
	for _, s := range p.sites {
		if in, _ := r.holds(s); in {
			n++
		}
	}
	return n
}

// few finds an area with a handful of sites.
func (p *properties) few(tb testing.TB, rnd *rand.Rand, r func(*rand.Rand) region, least, most int) region {
	tb.Helper()
	for range 10_000 {
		area := r(rnd)
		if n := p.count(area); n >= least && n <= most {
			return area
		}
	}
	tb.Fatal("no area holds so few sites")
	return region{}
}

func (p *properties) pagesAreOnePageCutUp(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(4, 4))
	box := func(rnd *rand.Rand) region { return boxRegion(p.anyBox(rnd)) }
	for _, test := range []struct {
		name  string
		way   *service
		where func(*rand.Rand) region
		order vars
		sizes int // 0: all
	}{
		{"by id", p.mirror, box, nil, 0},
		{"by title, backwards", p.mirror, box, vars{"by": "TITLE", "direction": "DESC"}, 0},
		{"by rating, most unknown", p.mirror, box, vars{"by": "RATING"}, 0},
		{"by rating, backwards", p.mirror, p.anyStar, vars{"by": "RATING", "direction": "DESC"}, 0},
		{"by power, many equal", p.mirror, box, vars{"by": "MAX_POWER", "direction": "DESC"}, 0},
		{"by change", p.mirror, box, vars{"by": "UPDATED"}, 0},
		{"by distance", p.mirror, p.anyCircle, nil, 0},
		{"by place on a route", p.mirror, p.anyRoute, vars{"by": "ROUTE_POSITION", "direction": "DESC"}, 0},
		{"live, by change", p.live, box, vars{"by": "UPDATED", "direction": "DESC"}, 3},
		{"live, by distance", p.live, p.anyCircle, nil, 3},
	} {
		q := question{area: p.few(t, rnd, test.where, 12, 24).input, filter: planned(), order: test.order}
		whole := test.way.page(t, q, 500, nil, "")
		n := len(whole.Edges)
		for size := 1; size <= n+1; size++ {
			if test.sizes > 0 && size%(n/test.sizes) != 0 {
				continue
			}
			var edges []edge
			var after *string
			for {
				page := test.way.page(t, q, size, after, "")
				start := len(edges)
				edges = append(edges, page.Edges...)
				if page.PageInfo.HasPreviousPage != (start > 0) || page.PageInfo.HasNextPage != (len(edges) < n) || len(page.Edges) != min(size, n-start) {
					t.Fatalf("%s: the page of %d behind %d of %d sites holds %d and says %+v", test.name, size, start, n, len(page.Edges), page.PageInfo)
				}
				if page.TotalCount == nil || *page.TotalCount != n {
					t.Errorf("%s: the total is %v, want %d", test.name, page.TotalCount, n)
				}
				if *page.PageInfo.StartCursor != page.Edges[0].Cursor || *page.PageInfo.EndCursor != edges[len(edges)-1].Cursor {
					t.Errorf("%s: start and end are not those of the edges", test.name)
				}
				after = page.PageInfo.EndCursor
				if !page.PageInfo.HasNextPage {
					break
				}
			}
			if diff := gocmp.Diff(whole.Edges, edges); diff != "" {
				t.Errorf("%s: pages of %d mismatch (-one page +pages):\n%s", test.name, size, diff)
			}
		}
		cursors := make(map[string]bool)
		for _, e := range whole.Edges {
			cursors[e.Cursor] = true
		}
		if len(cursors) != n {
			t.Errorf("%s: %d sites have %d cursors", test.name, n, len(cursors))
		}
		end := test.way.page(t, q, 5, whole.PageInfo.EndCursor, "")
		if len(end.Edges) > 0 || end.PageInfo.HasNextPage || !end.PageInfo.HasPreviousPage || end.PageInfo.StartCursor != nil || end.PageInfo.EndCursor != nil {
			t.Errorf("%s: behind the last site there is %+v", test.name, end)
		}
	}
}

func (p *properties) pagesOfCommentsAreOnePageCutUp(t *testing.T) {
	t.Parallel()
	// kindsOf lists the kinds of a site's comments but for the most frequent one.
	kindsOf := func(s *siteFacts) []string {
		var kinds []string
		for _, c := range s.Comments.Nodes {
			if c.Kind != "GENERAL" && !slices.Contains(kinds, c.Kind) {
				kinds = append(kinds, c.Kind)
			}
		}
		return kinds
	}
	most := slices.MaxFunc(p.sites, func(a, b *siteFacts) int {
		return cmp.Or(cmp.Compare(min(1, len(kindsOf(a))), min(1, len(kindsOf(b)))), cmp.Compare(a.Comments.TotalCount, b.Comments.TotalCount))
	})
	pictured := slices.MaxFunc(p.sites, func(a, b *siteFacts) int { return cmp.Compare(a.Photos.TotalCount, b.Photos.TotalCount) })
	kinds := kindsOf(most)
	if most.Comments.TotalCount < 11 || pictured.Photos.TotalCount < 3 || len(kinds) == 0 {
		t.Fatalf("too little is written in this world: %d comments, %d photos, kinds %v", most.Comments.TotalCount, pictured.Photos.TotalCount, kinds)
	}
	for _, test := range []struct {
		site  *siteFacts
		field string
		kinds []string
	}{{most, "comments", nil}, {most, "comments", kinds}, {pictured, "photos", nil}} {
		var want []string
		if test.field == "photos" {
			for _, photo := range test.site.Photos.Nodes {
				want = append(want, photo.ID)
			}
		} else {
			for _, c := range test.site.Comments.Nodes {
				if test.kinds == nil || slices.Contains(test.kinds, c.Kind) {
					want = append(want, c.ID)
				}
			}
		}
		arguments := "first: $first, after: $after"
		if test.kinds != nil {
			arguments += ", kinds: [" + strings.Join(test.kinds, " ") + "]"
		}
		ask := func(way *service, first *int, after *string) list {
			var answer struct{ POI struct{ Children list } }
			way.mustAsk(t, `query($id: ID!, $first: Int, $after: String) { poi(by: {id: $id}) { children: `+test.field+`(`+arguments+`) {
				totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { id } edges { cursor node { id } }
			} } }`, vars{"id": test.site.ID, "first": first, "after": after}, &answer)
			return answer.POI.Children
		}
		for size := 1; size <= len(want)+1; size++ {
			var got []string
			var after *string
			for {
				page := ask(p.mirror, &size, after)
				start := len(got)
				got = append(got, page.ids()...)
				if page.PageInfo.HasPreviousPage != (start > 0) || page.PageInfo.HasNextPage != (len(got) < len(want)) || *page.TotalCount != len(want) || len(page.Nodes) != len(page.Edges) {
					t.Fatalf("%s: the page of %d behind %d of %d says %+v, total %d", test.field, size, start, len(want), page.PageInfo, *page.TotalCount)
				}
				if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
					break
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s in pages of %d mismatch (-one page +pages):\n%s", test.field, size, diff)
			}
		}
		if diff := gocmp.Diff(want[:min(10, len(want))], ask(p.live, nil, nil).ids()); diff != "" {
			t.Errorf("the first page of %s, live, mismatch (-want +got):\n%s", test.field, diff)
		}
	}
}

// ---- cuts ------------------------------------------------------------------------------------------------

// cutUp cuts a box in two, and the halves again. Every other cut goes through a site.
func (p *properties) cutUp(rnd *rand.Rand, b boxSaid, inside []positionSaid, depth int) []boxSaid {
	if depth == 0 {
		return []boxSaid{b}
	}
	width := b.East - b.West
	if width < 0 {
		width += 360
	}
	at := positionSaid{Latitude: b.South + rnd.Float64()*(b.North-b.South), Longitude: turn(b.West + rnd.Float64()*width)}
	if through := inside[rnd.IntN(len(inside))]; rnd.IntN(2) == 0 && b.holds(through) {
		at = through
	}
	one, two := b, b
	if rnd.IntN(2) == 0 {
		one.North, two.South = at.Latitude, at.Latitude
	} else {
		one.East, two.West = at.Longitude, at.Longitude
	}
	return append(p.cutUp(rnd, one, inside, depth-1), p.cutUp(rnd, two, inside, depth-1)...)
}

func (p *properties) cutsOfABoxAreTheBox(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 5))
	parts, shared, merged := 0, 0, 0
	var rows []*siteFacts // where sites are listed more than once
	for _, s := range p.sites {
		if strings.Contains(s.raw, `"ref-`) {
			rows = append(rows, s)
		}
	}
	// The smallest part is a box without width or height.
	for i, site := range rows {
		point := boxSaid{South: site.Location.Latitude, North: site.Location.Latitude, West: site.Location.Longitude, East: site.Location.Longitude}
		way, s := "mirror", p.mirror
		if i%25 == 0 {
			way, s = "live", p.live
		}
		found := false
		for _, e := range s.page(t, question{area: vars{"bounds": point}, filter: planned()}, 500, nil, wholeSite).Edges {
			there := readFacts(t, e.Node)
			found = found || there.ID == site.ID
			if known := p.byID[there.ID]; known == nil || known.raw != there.raw {
				t.Errorf("%s: where %s is, there is another %s than in the whole world: %s", way, site.ID, there.ID, there.raw)
			}
		}
		if !found {
			t.Errorf("%s: %s is not where it is, %+v", way, site.ID, site.Location)
		}
	}
	closed := make(map[string]*siteFacts) // the world without openly licensed records
	for _, s := range p.chosen(t, filterSaid{OpenData: new(false)}, wholeSite) {
		closed[s.ID] = s
	}
	for i := range 60 {
		b := p.anyBox(rnd)
		switch {
		case i%12 == 0:
			b = boxSaid{South: -17.5, West: 179, North: -16, East: -179}
		case i%3 > 0: // close about records of one site, so that cuts fall between them
			at := rows[rnd.IntN(len(rows))].Location
			southWest, northEast := moved(at, -between(rnd, 20, 2000), -between(rnd, 20, 2000)), moved(at, between(rnd, 20, 2000), between(rnd, 20, 2000))
			b = boxSaid{South: southWest.Latitude, West: southWest.Longitude, North: northEast.Latitude, East: northEast.Longitude}
		}
		filter, world := planned(), p.byID
		switch {
		case i%4 == 2:
			filter = p.anyFilter(rnd, 1)
		case i%8 == 1:
			filter, world = &filterSaid{OpenData: new(false)}, closed
		}
		way, s, depth := "mirror", p.mirror, 4
		if i%12 == 0 || i%12 == 5 {
			way, s, depth = "live", p.live, 3
		}
		var inside []positionSaid
		whole := make(map[string]bool)
		for _, site := range world {
			for _, r := range site.Records {
				if b.holds(r.Location) {
					inside = append(inside, r.Location)
				}
			}
			if b.holds(site.Location) {
				whole[site.ID] = filter.wants(site)
			}
		}
		maps.DeleteFunc(whole, func(_ string, wanted bool) bool { return !wanted })
		if len(inside) == 0 {
			continue
		}
		slices.SortFunc(inside, func(a, b positionSaid) int { // maps have no order
			return cmp.Or(cmp.Compare(a.Latitude, b.Latitude), cmp.Compare(a.Longitude, b.Longitude))
		})
		union := make(map[string][]boxSaid)
		for _, part := range p.cutUp(rnd, b, inside, depth) {
			parts++
			for _, e := range s.pages(t, question{area: vars{"bounds": part}, filter: filter}, 500, wholeSite).Edges {
				site := readFacts(t, e.Node)
				union[site.ID] = append(union[site.ID], part)
				if !whole[site.ID] {
					t.Errorf("%s: part %+v has %s, the whole has not", way, part, site.ID)
					continue
				}
				if len(site.Records) > 1 {
					merged++
				}
				if known := world[site.ID]; known.raw != site.raw {
					t.Errorf("%s: %s of part %+v mismatch (-whole world +part):\n%s", way, site.ID, part, gocmp.Diff(known.raw, site.raw))
				}
			}
		}
		for id := range whole {
			if union[id] == nil {
				t.Errorf("%s: %s at %+v is in no part of %+v, filter %+v", way, id, world[id].Location, b, filter)
			}
		}
		for id, in := range union {
			if len(in) == 1 {
				continue
			}
			shared++
			for _, part := range in { // on an edge of each
				if at := world[id].Location; at.Latitude != part.South && at.Latitude != part.North && at.Longitude != part.West && at.Longitude != part.East {
					t.Errorf("%s: %s at %+v is in %d parts, and inside of %+v", way, id, at, len(in), part)
				}
			}
		}
	}
	t.Logf("%d parts, %d sites on cuts, %d merged sites; %d sites in rows", parts, shared, merged, len(rows))
	if shared < 20 || merged < 30 {
		t.Error("that proves little")
	}
}

// ---- clusters --------------------------------------------------------------------------------------------

// mapView is an answer of clusters.
type mapView struct {
	Clusters []struct {
		ID            string
		Count         int
		Location      positionSaid
		Bounds        boxSaid
		ExpansionZoom int
		MaxPowerKw    *float64
	}
	Pois       []struct{ ID string }
	TotalCount *int
	Truncated  bool
}

func (s *service) clusters(tb testing.TB, b boxSaid, zoom int, filter *filterSaid) mapView {
	tb.Helper()
	var answer struct{ Clusters mapView }
	s.mustAsk(tb, `query($bounds: BoundsInput!, $zoom: Int!, $filter: POIFilter) { clusters(bounds: $bounds, zoom: $zoom, filter: $filter) {
		clusters { id count location { latitude longitude } bounds { south west north east } expansionZoom maxPowerKw }
		pois { id } totalCount truncated
	} }`, vars{"bounds": b, "zoom": zoom, "filter": filter}, &answer)
	return answer.Clusters
}

func (p *properties) clustersHoldEverySiteOnce(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(6, 6))
	clusters, singles := 0, 0
	for i := range 60 {
		b, zoom := p.anyBox(rnd), rnd.IntN(23)
		switch i % 10 {
		case 0:
			b = boxSaid{South: -90, West: -180, North: 90, East: 180}
		case 1:
			b = boxSaid{South: -17.5, West: 179, North: -16, East: -179}
		}
		filter := planned()
		if i%3 == 0 {
			filter = p.anyFilter(rnd, 1)
		}
		left := make(map[string]*siteFacts)
		for _, s := range p.sites {
			if b.holds(s.Location) && filter.wants(s) {
				left[s.ID] = s
			}
		}
		got := p.mirror.clusters(t, b, zoom, filter)
		if got.TotalCount == nil || *got.TotalCount != len(left) || got.Truncated || len(got.Clusters)+len(got.Pois) > 500 {
			t.Errorf("%d clusters and %d single sites at zoom %d, total %v, want %d sites", len(got.Clusters), len(got.Pois), zoom, got.TotalCount, len(left))
		}
		clusters, singles = clusters+len(got.Clusters), singles+len(got.Pois)
		for _, poi := range got.Pois {
			if left[poi.ID] == nil {
				t.Errorf("%s stands alone but is not in view, or is there twice", poi.ID)
			}
			delete(left, poi.ID)
		}
		names := make(map[string]bool)
		for _, c := range got.Clusters {
			if names[c.ID] {
				t.Errorf("two clusters are called %s", c.ID)
			}
			names[c.ID] = true
			// The box is as tight as can be, so what lies in it is the cluster.
			tight := boxSaid{South: 90, West: 180, North: -90, East: -180}
			count := 0
			var strongest *float64
			for id, s := range left {
				if !c.Bounds.holds(s.Location) {
					continue
				}
				count++
				tight.South, tight.North = math.Min(tight.South, s.Location.Latitude), math.Max(tight.North, s.Location.Latitude)
				tight.West, tight.East = math.Min(tight.West, s.Location.Longitude), math.Max(tight.East, s.Location.Longitude)
				if s.MaxPowerKw != nil && (strongest == nil || *s.MaxPowerKw > *strongest) {
					strongest = s.MaxPowerKw
				}
				delete(left, id)
			}
			if count != c.Count || c.Count < 2 || tight != c.Bounds {
				t.Errorf("cluster %s counts %d in %+v, brute force %d in %+v", c.ID, c.Count, c.Bounds, count, tight)
			}
			if diff := gocmp.Diff(strongest, c.MaxPowerKw); diff != "" {
				t.Errorf("cluster %s, strongest plug mismatch (-want +got):\n%s", c.ID, diff)
			}
			const rounding = 1e-9
			if at := c.Location; at.Latitude < tight.South-rounding || at.Latitude > tight.North+rounding || at.Longitude < tight.West-rounding || at.Longitude > tight.East+rounding {
				t.Errorf("cluster %s is drawn at %+v, outside of %+v", c.ID, at, tight)
			}
			if c.ExpansionZoom <= zoom && c.ExpansionZoom != 22 {
				t.Errorf("cluster %s at zoom %d comes apart at %d", c.ID, zoom, c.ExpansionZoom)
			}
		}
		for id := range left {
			t.Errorf("%s is in view, but in no cluster", id)
		}
		if len(got.Clusters) > 0 {
			c := got.Clusters[rnd.IntN(len(got.Clusters))]
			opened := p.mirror.clusters(t, c.Bounds, c.ExpansionZoom, filter)
			if len(opened.Clusters)+len(opened.Pois) < 2 && c.ExpansionZoom < 22 {
				t.Errorf("cluster %s does not come apart at zoom %d", c.ID, c.ExpansionZoom)
			}
		}
		if i%10 == 2 || i%20 == 1 {
			if diff := gocmp.Diff(got, p.live.clusters(t, b, zoom, filter)); diff != "" {
				t.Errorf("clusters mismatch (-mirror +live):\n%s", diff)
			}
		}
	}
	t.Logf("%d clusters, %d single sites", clusters, singles)
}

// ---- names -----------------------------------------------------------------------------------------------

func (p *properties) everyNameOfASiteLeadsToIt(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	// resolve asks for ids together and compares what they lead to.
	resolve := func(way string, s *service, ids []string, want map[string]string) {
		t.Helper()
		var answer struct {
			Nodes []*struct {
				ID  string
				POI *struct{ ID string }
			}
		}
		s.mustAsk(t, `query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Comment { poi { id } } ... on Photo { poi { id } } } }`, vars{"ids": ids}, &answer)
		for i, node := range answer.Nodes {
			switch id := ids[i]; {
			case node == nil:
				t.Errorf("%s: %s leads nowhere, want %s", way, id, want[id])
			case strings.HasPrefix(id, "poi:") && node.ID != want[id]:
				t.Errorf("%s: %s leads to %s, want %s", way, id, node.ID, want[id])
			case !strings.HasPrefix(id, "poi:") && node.ID != id:
				t.Errorf("%s: %s leads to %s", way, id, node.ID)
			case node.POI != nil && node.POI.ID != want[id]:
				t.Errorf("%s: %s is part of %s, want %s", way, id, node.POI.ID, want[id])
			}
		}
	}
	names := make(map[string]string) // id to POI.id
	var all, aliases, children []string
	for _, s := range p.sites {
		for _, r := range s.Records {
			id := "poi:ocm:" + r.ExternalID
			names[id], names[r.ID] = s.ID, s.ID
			all = append(all, id)
			if len(s.Records) > 1 {
				aliases = append(aliases, id, r.ID)
			}
		}
		for _, c := range s.Comments.Nodes {
			names[c.ID] = s.ID
			children = append(children, c.ID)
		}
		for _, photo := range s.Photos.Nodes {
			names[photo.ID] = s.ID
			children = append(children, photo.ID)
		}
	}
	for chunk := range slices.Chunk(append(all, aliases...), 100) {
		resolve("mirror", p.mirror, chunk, names)
	}
	rnd.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
	for chunk := range slices.Chunk(children[:min(1500, len(children))], 100) {
		resolve("mirror", p.mirror, chunk, names)
	}
	// A live source is asked about ten places in one operation.
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, ids := range [][]string{aliases, all[:80], children[:80]} {
		for chunk := range slices.Chunk(ids, 10) {
			resolve("live", p.live, chunk, names)
		}
	}
	for i, s := range p.sites {
		if i%50 > 0 && len(s.Records) == 1 {
			continue
		}
		for way, ask := range p.ways() {
			if way == "live" && i%50 > 0 {
				continue
			}
			for _, r := range s.Records {
				var answer struct{ ByID, BySource *struct{ ID string } }
				ask.mustAsk(t, `query($id: ID!, $external: String!) {
					byId: poi(by: {id: $id}) { id } bySource: poi(by: {source: {provider: OCM, externalId: $external}}) { id }
				}`, vars{"id": "poi:ocm:" + r.ExternalID, "external": r.ExternalID}, &answer)
				if answer.ByID == nil || answer.ByID.ID != s.ID || answer.BySource == nil || answer.BySource.ID != s.ID {
					t.Errorf("%s: record %s leads to %+v and %+v, want %s", way, r.ID, answer.ByID, answer.BySource, s.ID)
				}
			}
		}
	}
	t.Logf("%d records, %d names of merged sites, %d comments and photos", len(all), len(aliases), len(children))
	if len(aliases) < 20 {
		t.Error("that proves little")
	}
}

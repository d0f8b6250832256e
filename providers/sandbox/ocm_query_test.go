package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ask returns the ids that answer a query, in their order. It reads the query
// as the handler does, and spares the tests the writing and reading of bodies.
func ask(t *testing.T, o *OCM, query string) []int {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	params, ok := readOCMParams(values)
	if !ok {
		t.Fatalf("?%s has a name in two spellings", query)
	}
	q := parseOCMQuery(params, o.countryIDs)
	ids := []int{}
	for _, p := range o.index.find(&q) {
		ids = append(ids, p.ID)
	}
	return ids
}

// askAll returns the records that the handler answers.
func askAll(t *testing.T, o *OCM, query string) []ocmPOI {
	t.Helper()
	var pois []ocmPOI
	// The smallest shape, for the sake of the race detector's patience.
	text := getOK(t, o, "/v3/poi?compact=true&verbose=false&includecomments=true&"+strings.ReplaceAll(query, " ", "%20"))
	if err := json.Unmarshal(text, &pois); err != nil {
		t.Fatalf("%s: %v in %.100q", query, err, text)
	}
	return pois
}

// published is what anybody can see of a view.
func published(o *OCM) []*ocmPOI {
	return slices.DeleteFunc(slices.Clone(o.data.pois), func(p *ocmPOI) bool {
		s, sub := p.StatusTypeID, *p.SubmissionStatusTypeID
		return s != nil && (*s == 200 || *s == 210) || sub != 100 && sub != 200
	})
}

func sortedIDs(pois []*ocmPOI, keep func(*ocmPOI) bool) []int {
	ids := []int{}
	for _, p := range pois {
		if keep(p) {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func newest(o *OCM, n int) []int {
	ids := sortedIDs(published(o), func(*ocmPOI) bool { return true })
	slices.Reverse(ids)
	return ids[:n]
}

func sorted(ids []int) []int {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

// The oracle of distances: the angle between two vectors, not the haversine.
func kmBetween(lat1, lon1, lat2, lon2 float64) float64 {
	vec := func(lat, lon float64) [3]float64 {
		la, lo := lat*math.Pi/180, lon*math.Pi/180
		return [3]float64{math.Cos(la) * math.Cos(lo), math.Cos(la) * math.Sin(lo), math.Sin(la)}
	}
	a, b := vec(lat1, lon1), vec(lat2, lon2)
	c := [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	return 6371 * math.Atan2(math.Sqrt(c[0]*c[0]+c[1]*c[1]+c[2]*c[2]), a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
}

func TestWhatCannotBeReadIsDroppedAndTheQuestionGetsWider(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	want := newest(sim, 100)
	for _, query := range []string{
		"", "maxresults=many", "maxresults=99999999999", "maxresults=", "latitude=51.5", "latitude=91&longitude=0", "latitude=51.5&longitude=east",
		"boundingbox=(51,0)", "boundingbox=(51,0),(52,)", "polygon=(51,0),(52,0)", "countrycode=XX", "countryid=GB", "operatorid=,,",
		"chargepointid=5A4DB0C5-0000-4000-8000-000000000001", "chargepointid=2147483648", "id=abc", "modifiedsince=yesterday", "createdsince=soon",
		"minpowerkw=0.5", "minpowerkw=fast", "hasmedia=maybe", "opendata=yes", "sortby=name", "distance=1", "latitude=51.5&longitude=-0.1&boundingbox=(1,1)",
		"client=x&enablecaching=true&locationtitle=y&fastchargeonly=true&minnumberofpoints=9&allowmirror=true&excludecomputed=true",
	} {
		if diff := cmp.Diff(want, ask(t, sim, query)); diff != "" {
			t.Errorf("?%s is not the newest 100 of the world (-want +got):\n%s", query, diff)
		}
	}
}

func TestMaxResultsHasNoCapAndZeroIsNothing(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	for query, want := range map[string]int{"": 100, "maxresults=7": 7, "maxresults=0": 0, "maxresults=-5": 0, "MaxResults=3": 3, "maxresults=1000000": len(published(sim))} {
		if got := len(ask(t, sim, query)); got != want {
			t.Errorf("?%s: %d records, want %d", query, got, want)
		}
	}
}

func TestABoundingBoxIsAnyTwoOppositeCorners(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	all := published(sim)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		c := defaultCities()[rnd.IntN(12)]
		lat1, lon1 := c.Lat+rnd.Float64()*0.4-0.2, c.Lon+rnd.Float64()*0.4-0.2
		lat2, lon2 := c.Lat+rnd.Float64()*0.4-0.2, c.Lon+rnd.Float64()*0.4-0.2
		query := fmt.Sprintf("maxresults=100000&boundingbox=(%v,%v), (%v , %v)", lat1, lon1, lat2, lon2)
		want := sortedIDs(all, func(p *ocmPOI) bool {
			la, lo := p.AddressInfo.Latitude, p.AddressInfo.Longitude
			return la >= min(lat1, lat2) && la <= max(lat1, lat2) && lo >= min(lon1, lon2) && lo <= max(lon1, lon2)
		})
		if diff := cmp.Diff(want, sorted(ask(t, sim, query))); diff != "" {
			t.Errorf("?%s mismatch (-want +got):\n%s", query, diff)
		}
	}
}

func TestASmallMaxResultsInABoxGetsOneEdgeOfIt(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	box := "boundingbox=(51.3,-0.4),(51.7,0.2)"
	few := askAll(t, sim, box+"&maxresults=20")
	if len(few) != 20 {
		t.Fatalf("%d records", len(few))
	}
	for _, p := range few {
		if p.AddressInfo.Latitude > 51.45 {
			t.Errorf("record %d at latitude %v is not at the southern edge", p.ID, p.AddressInfo.Latitude)
		}
		if p.AddressInfo.Distance != nil || p.AddressInfo.DistanceUnit != 0 {
			t.Errorf("record %d has a distance", p.ID)
		}
	}
}

func TestABoxAcrossTheAntimeridianBecomesTheLongWayRound(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	var near, far int
	for _, p := range askAll(t, sim, "maxresults=100000&boundingbox=(-30,179),(30,-179)") {
		if math.Abs(p.AddressInfo.Longitude) > 179 {
			near++
		} else {
			far++
		}
	}
	if near != 0 || far == 0 {
		t.Errorf("%d records near 180 degrees and %d elsewhere, want none and many", near, far)
	}
	west := ask(t, sim, "maxresults=100000&boundingbox=(-18,179),(-16,180)")
	east := ask(t, sim, "maxresults=100000&boundingbox=(-18,-180),(-16,-179)")
	if len(west) == 0 || len(east) == 0 {
		t.Errorf("%d and %d records in the two halves", len(west), len(east))
	}
}

func TestAroundAPointNearestFirstWithItsDistance(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	all := published(sim)
	for _, c := range []struct {
		lat, lon float64
		query    string
		km       float64
		unit     int
		perKM    float64
	}{
		{51.5074, -0.1278, "distance=5&distanceunit=km", 5, 1, 1},
		{51.5074, -0.1278, "distance=5&distanceunit=Kilometers", 5, 1, 1},
		{51.5074, -0.1278, "distance=5", 5 * 1.60934, 2, 3959.0 / 6371},
		{51.5074, -0.1278, "distance=5&distanceunit=metres", 5 * 1.60934, 2, 3959.0 / 6371},
		{34.0522, -118.2437, "", 50, 2, 3959.0 / 6371}, // 50 km whatever the unit
		{34.0522, -118.2437, "distanceunit=km", 50, 1, 1},
		{-16.8, 179.99, "distance=60&distanceunit=km", 60, 1, 1}, // across the antimeridian
		{52.37, 4.89, "distance=5&distanceunit=km&sortby=id_asc", 5, 1, 1},
	} {
		query := fmt.Sprintf("maxresults=100000&latitude=%v&longitude=%v&%s", c.lat, c.lon, c.query)
		want := sortedIDs(all, func(p *ocmPOI) bool {
			return kmBetween(c.lat, c.lon, p.AddressInfo.Latitude, p.AddressInfo.Longitude) <= c.km
		})
		got := askAll(t, sim, query)
		ids := []int{}
		last := 0.0
		for _, p := range got {
			ids = append(ids, p.ID)
			d := *p.AddressInfo.Distance
			if d < last {
				t.Errorf("?%s: record %d is nearer than the one before", query, p.ID)
			}
			last = d
			exact := kmBetween(c.lat, c.lon, p.AddressInfo.Latitude, p.AddressInfo.Longitude) * c.perKM
			if math.Abs(d-exact) > 1e-6 || p.AddressInfo.DistanceUnit != c.unit {
				t.Errorf("?%s: record %d at %v unit %d, want %v unit %d", query, p.ID, d, p.AddressInfo.DistanceUnit, exact, c.unit)
			}
		}
		if diff := cmp.Diff(want, sorted(ids)); diff != "" || len(want) == 0 {
			t.Errorf("?%s: %d records mismatch (-want +got):\n%s", query, len(want), diff)
		}
	}
	both := askAll(t, sim, "maxresults=100000&latitude=-16.8&longitude=179.99&distance=60&distanceunit=km")
	if !slices.ContainsFunc(both, func(p ocmPOI) bool { return p.AddressInfo.Longitude < 0 }) {
		t.Error("a circle does not reach across the antimeridian")
	}
}

func TestPolylineGoesBeforeBoxBeforePolygonBeforePoint(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	shapes := []string{
		"polyline=(51.5,-0.2),(51.5,0.0)", "boundingbox=(52.3,4.8),(52.4,5.0)",
		"polygon=(52.4,13.3),(52.6,13.3),(52.6,13.5),(52.4,13.5)", "latitude=59.91&longitude=10.75&distance=5",
	}
	for i, shape := range shapes {
		want := ask(t, sim, "maxresults=1000&"+shape)
		for _, lower := range shapes[i+1:] {
			if strings.Contains(shape, "polyline") && strings.Contains(lower, "distance") {
				continue // the distance would count for the polyline
			}
			if diff := cmp.Diff(want, ask(t, sim, "maxresults=1000&"+lower+"&"+shape)); diff != "" {
				t.Errorf("%s does not go before %s (-want +got):\n%s", shape, lower, diff)
			}
		}
		if len(want) == 0 {
			t.Errorf("nothing at %s", shape)
		}
	}
}

func TestAConcavePolygonIsSearchedAsItsConvexHull(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	square := "(51.4,-0.3),(51.6,-0.3),(51.6,0.1),(51.4,0.1)"
	dented := "(51.4,-0.3),(51.5,-0.1),(51.6,-0.3),(51.55,-0.05),(51.6,0.1),(51.4,0.1)"
	want := ask(t, sim, "maxresults=100000&polygon="+square)
	if diff := cmp.Diff(want, ask(t, sim, "maxresults=100000&polygon="+dented)); diff != "" || len(want) == 0 {
		t.Errorf("%d records; mismatch (-square +dented):\n%s", len(want), diff)
	}
	box := ask(t, sim, "maxresults=100000&boundingbox=(51.4,-0.3),(51.6,0.1)")
	if diff := cmp.Diff(sorted(box), sorted(want)); diff != "" {
		t.Errorf("mismatch (-box +square polygon):\n%s", diff)
	}
}

func TestTheHullHoldsEveryPointAndMixtureOfPoints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		coordinate := rapid.Float64Range(-80, 80)
		var points []ocmPoint
		for range rapid.IntRange(3, 12).Draw(t, "n") {
			points = append(points, ocmPoint{coordinate.Draw(t, "lat"), coordinate.Draw(t, "lon")})
		}
		corners := convexHull(points)
		if len(corners) < 3 {
			return // all on one line: nothing has an inside
		}
		area := 0.0
		for i, c := range corners {
			area += cross(corners[0], c, corners[(i+1)%len(corners)])
		}
		if area < 1e-3 {
			return
		}
		a, b, u := rapid.SampledFrom(points).Draw(t, "a"), rapid.SampledFrom(points).Draw(t, "b"), rapid.Float64Range(0.01, 0.99).Draw(t, "u")
		mean := ocmPoint{}
		for _, c := range corners {
			mean.lat += c.lat / float64(len(corners))
			mean.lon += c.lon / float64(len(corners))
		}
		mixed := ocmPoint{a.lat*u + b.lat*(1-u), a.lon*u + b.lon*(1-u)}
		// A hair towards the middle, so that rounding on the edge is no matter.
		mixed = ocmPoint{mixed.lat + (mean.lat-mixed.lat)*1e-6, mixed.lon + (mean.lon-mixed.lon)*1e-6}
		if !hull(points).contains(mixed) {
			t.Fatalf("hull of %v does not contain %v", points, mixed)
		}
	})
}

func TestAPolylineIsBufferedByHalfTheDistanceInDegrees(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	all := published(sim)
	line := []ocmPoint{{51.45, -0.3}, {51.52, -0.1}, {51.48, 0.1}}
	for query, degrees := range map[string]float64{
		"":                            0.025,
		"&distance=4&distanceunit=km": 0.02,
		"&distance=4":                 0.02 * 1.60934,
	} {
		query = "maxresults=100000&polyline=(51.45,-0.3),(51.52,-0.1),(51.48,0.1)" + query
		want := sortedIDs(all, func(p *ocmPOI) bool {
			if math.Abs(p.AddressInfo.Latitude-51.5) > 1 {
				return false
			}
			// Ten thousand steps along the line instead of a formula.
			for i := 1; i < len(line); i++ {
				for k := range 5_001 {
					u := float64(k) / 5_000
					lat, lon := line[i-1].lat+u*(line[i].lat-line[i-1].lat), line[i-1].lon+u*(line[i].lon-line[i-1].lon)
					if math.Hypot(p.AddressInfo.Latitude-lat, p.AddressInfo.Longitude-lon) <= degrees {
						return true
					}
				}
			}
			return false
		})
		got := askAll(t, sim, query)
		ids := []int{}
		for _, p := range got {
			ids = append(ids, p.ID)
			if p.AddressInfo.Distance != nil {
				t.Errorf("?%s: record %d has a distance", query, p.ID)
			}
		}
		if diff := cmp.Diff(want, sorted(ids)); diff != "" || len(want) == 0 {
			t.Errorf("?%s: %d records mismatch (-want +got):\n%s", query, len(want), diff)
		}
	}
}

func TestWhatIsNotInBracketsIsAnEncodedPolyline(t *testing.T) {
	t.Parallel()
	// The example of the format's own description.
	want := []ocmPoint{{38.5, -120.2}, {40.7, -120.95}, {43.252, -126.453}}
	if diff := cmp.Diff(want, parseOCMPoints("_p~iF~ps|U_ulLnnqC_mqNvxq`@"), cmp.AllowUnexported(ocmPoint{})); diff != "" {
		t.Errorf("mismatch (-want +got):\n%s", diff)
	}
	sim := newSim(t, OCMOptions{})
	// Points without brackets decode to something else, not to an error.
	if got := ask(t, sim, "maxresults=100000&boundingbox=51.4,-0.3,51.6,0.1"); slices.Equal(got, ask(t, sim, "maxresults=100000&boundingbox=(51.4,-0.3),(51.6,0.1)")) {
		t.Error("a list without brackets was understood")
	}
}

func FuzzParseOCMPoints(f *testing.F) {
	for _, s := range []string{"(51,0),(52,1)", "_p~iF~ps|U", "((,)", "51.4,-0.3", "(1e999,5),(-91,181)", "\xff\x00~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range parseOCMPoints(s) {
			if !(math.Abs(p.lat) <= 90 && math.Abs(p.lon) <= 180) {
				t.Errorf("%q gives %v", s, p)
			}
		}
	})
}

func TestFiltersAnswerAsALinearScanDoes(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	all := published(sim)
	in := func(id *int, ids ...int) bool { return id != nil && slices.Contains(ids, *id) }
	row := func(ok func(c ocmConnection) bool) func(*ocmPOI) bool {
		return func(p *ocmPOI) bool { return slices.ContainsFunc(p.Connections, ok) }
	}
	some := published(sim)[700]
	since := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	providers := sim.data.lookup.providers
	for query, keep := range map[string]func(*ocmPOI) bool{
		"countrycode=gb":               func(p *ocmPOI) bool { return in(p.AddressInfo.CountryID, 1) },
		"countrycode=NL&countryid=1":   func(p *ocmPOI) bool { return in(p.AddressInfo.CountryID, 159) },
		"countryid=1,2,x,":             func(p *ocmPOI) bool { return in(p.AddressInfo.CountryID, 1, 2) },
		"operatorid=90001":             func(p *ocmPOI) bool { return in(p.OperatorID, 90_001) },
		"usagetypeid=0,4":              func(p *ocmPOI) bool { return in(p.UsageTypeID, 0, 4) },
		"statustypeid=50":              func(p *ocmPOI) bool { return in(p.StatusTypeID, 50) },
		"statustypeid=200,210":         func(*ocmPOI) bool { return false },
		"dataproviderid=1&countryid=1": func(p *ocmPOI) bool { return in(p.DataProviderID, 1) && in(p.AddressInfo.CountryID, 1) },
		"connectiontypeid=33":          row(func(c ocmConnection) bool { return in(c.ConnectionTypeID, 33) }),
		"levelid=3":                    row(func(c ocmConnection) bool { return in(c.LevelID, 3) }),
		"minpowerkw=100":               row(func(c ocmConnection) bool { return c.PowerKW != nil && *c.PowerKW >= 100 }),
		"maxpowerkw=4":                 row(func(c ocmConnection) bool { return c.PowerKW != nil && *c.PowerKW <= 4 }),
		"hasmedia=true": func(p *ocmPOI) bool {
			return slices.ContainsFunc(p.MediaItems, func(m ocmMedia) bool { return m.IsEnabled })
		},
		"hasmedia=false": func(p *ocmPOI) bool {
			return !slices.ContainsFunc(p.MediaItems, func(m ocmMedia) bool { return m.IsEnabled })
		},
		"hascomment=true": func(p *ocmPOI) bool { return len(p.UserComments) > 0 },
		"hascheckins=true": func(p *ocmPOI) bool {
			return slices.ContainsFunc(p.UserComments, func(c ocmComment) bool { return c.CheckinStatusTypeID != nil })
		},
		"opendata=true":                               func(p *ocmPOI) bool { o := providers[*p.DataProviderID].IsOpenDataLicensed; return o != nil && *o },
		"opendata=false":                              func(p *ocmPOI) bool { o := providers[*p.DataProviderID].IsOpenDataLicensed; return o == nil || !*o },
		"modifiedsince=2024-06-01":                    func(p *ocmPOI) bool { return !p.DateLastStatusUpdate.at.Before(since) },
		"createdsince=2024-06-01T00:00Z":              func(p *ocmPOI) bool { return !p.DateCreated.at.Before(since) },
		"greaterthanid=50000":                         func(p *ocmPOI) bool { return p.ID > 50_000 },
		fmt.Sprintf("id=%d,5", some.ID):               func(p *ocmPOI) bool { return p.ID == some.ID },
		fmt.Sprintf("chargepointid=%d&id=5", some.ID): func(p *ocmPOI) bool { return p.ID == some.ID },
		"postcodes=10115,10117,SE1 1AA": func(p *ocmPOI) bool {
			return p.AddressInfo.Postcode != nil && slices.Contains([]string{"10115", "10117"}, *p.AddressInfo.Postcode)
		},
		"operatorname=" + url.QueryEscape("(Unknown Operator)"): func(p *ocmPOI) bool { return in(p.OperatorID, 1) },
		"dataprovidername=" + url.QueryEscape("City Socket"):    func(p *ocmPOI) bool { return in(p.DataProviderID, ocmFirstProviderID+6) },
		"connectiontype=CHAdeMO":                                row(func(c ocmConnection) bool { return in(c.ConnectionTypeID, 2) }),
	} {
		want := sortedIDs(all, keep)
		got := ask(t, sim, "maxresults=100000&"+query)
		if diff := cmp.Diff(want, sorted(got)); diff != "" {
			t.Errorf("?%s: %d records, want %d (-want +got):\n%.600s", query, len(got), len(want), diff)
		}
		if len(want) == 0 && !strings.Contains(query, "210") && !strings.Contains(query, "postcodes") {
			t.Errorf("?%s finds nothing, so it tests nothing", query)
		}
	}
}

func TestConnectionFiltersMayBeMetByDifferentConnections(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	pois := askAll(t, sim, "maxresults=100000&connectiontypeid=25&minpowerkw=100")
	mixed := slices.ContainsFunc(pois, func(p ocmPOI) bool {
		return !slices.ContainsFunc(p.Connections, func(c ocmConnection) bool {
			return c.ConnectionTypeID != nil && *c.ConnectionTypeID == 25 && c.PowerKW != nil && *c.PowerKW >= 100
		})
	})
	if !mixed {
		t.Errorf("of %d records none meets the two filters with two connections", len(pois))
	}
}

func TestRemovedAndPrivateRecordsAreHiddenFromEverybody(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	seen := make(map[int]bool)
	for _, p := range askAll(t, sim, "maxresults=100000&submissionstatustypeid=1,50,100,200,250,1000,1001,1002,1005,1010,1020") {
		seen[*p.SubmissionStatusTypeID] = true
		if p.StatusTypeID != nil && (*p.StatusTypeID == 200 || *p.StatusTypeID == 210) || *p.SubmissionStatusTypeID == 1010 {
			t.Errorf("record %d is shown", p.ID)
		}
	}
	for _, want := range []int{1, 100, 200, 1000, 1001, 1002, 1005, 1020} {
		if !seen[want] {
			t.Errorf("no record of submission status %d", want)
		}
	}
}

func TestOrderFollowsSortByExceptAroundAPoint(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	for query, ordered := range map[string]func(a, b ocmPOI) bool{
		"":              func(a, b ocmPOI) bool { return a.ID >= b.ID },
		"sortby=id_asc": func(a, b ocmPOI) bool { return a.ID <= b.ID },
		"sortby=ID_ASC&boundingbox=(51,-1),(52,1)": func(a, b ocmPOI) bool { return a.ID <= b.ID },
		"sortby=created_asc":                       func(a, b ocmPOI) bool { return !a.DateCreated.at.After(b.DateCreated.at) },
		"sortby=modified_asc":                      func(a, b ocmPOI) bool { return !a.DateLastStatusUpdate.at.After(b.DateLastStatusUpdate.at) },
		"polygon=(51,-1),(52,-1),(52,1),(51,1)":    func(a, b ocmPOI) bool { return a.ID >= b.ID },
	} {
		pois := askAll(t, sim, "maxresults=1000&"+query)
		for i := 1; i < len(pois); i++ {
			if !ordered(pois[i-1], pois[i]) {
				t.Errorf("?%s: records %d and %d are out of order", query, pois[i-1].ID, pois[i].ID)
			}
		}
	}
}

func TestKeysetPagingReachesEveryRecord(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	got, last := []int{}, 0
	for {
		page := ask(t, sim, fmt.Sprintf("sortby=id_asc&greaterthanid=%d&maxresults=700", last))
		got = append(got, page...)
		if len(page) < 700 {
			break
		}
		last = page[len(page)-1]
	}
	want := slices.Compact(sortedIDs(published(sim), func(*ocmPOI) bool { return true }))
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("mismatch (-want +got):\n%.500s", diff)
	}
}

func TestTheSameIDComesTwiceNowAndThen(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	ids := sorted(ask(t, sim, "maxresults=100000"))
	if len(slices.Compact(slices.Clone(ids))) == len(ids) {
		t.Error("no id comes twice")
	}
}

func TestCommentsAreNewestFirstAndCarryTheNameOfTheirUser(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	for _, p := range askAll(t, sim, "maxresults=100000&hascomment=true") {
		for i, c := range p.UserComments {
			if i > 0 && c.DateCreated.at.After(p.UserComments[i-1].DateCreated.at) {
				t.Errorf("comments of record %d are out of order", p.ID)
			}
			if c.User != nil && *c.User.Username != *c.UserName {
				t.Errorf("comment %d by %s is signed %s", c.ID, *c.User.Username, *c.UserName)
			}
			if c.ChargePointID != p.ID {
				t.Errorf("comment %d of record %d says %d", c.ID, p.ID, c.ChargePointID)
			}
		}
	}
}

func TestCountryIDTrimsConnectionTypesOfTheReferenceDataOnly(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	var all, gb ocmReferenceData
	for target, to := range map[string]*ocmReferenceData{"/v3/referencedata": &all, "/v3/referencedata/?countryid=1": &gb} {
		if err := json.Unmarshal(getOK(t, sim, target), to); err != nil {
			t.Fatal(err)
		}
	}
	if len(gb.ConnectionTypes) == 0 || len(gb.ConnectionTypes) >= len(all.ConnectionTypes) {
		t.Errorf("%d connection types in GB of %d", len(gb.ConnectionTypes), len(all.ConnectionTypes))
	}
	gb.ConnectionTypes = all.ConnectionTypes
	if diff := cmp.Diff(all, gb, cmp.AllowUnexported(ocmDate{}, ocmPOI{})); diff != "" {
		t.Errorf("mismatch (-all +gb):\n%s", diff)
	}
}

func TestOtherOutputsAreWhatTheySay(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	for output, want := range map[string][2]string{
		"xml": {"text/xml", "<?xml"}, "jsonp": {"text/xml", "<?xml"}, "csv": {"text/csv", "ID, LocationTitle"},
		"kml": {"application/vnd.google-earth.kml+xml", "<?xml"}, "geojson": {"application/geo+json", "{ \"type\": \"FeatureCollection\""},
		"JSON": {"application/json", "["},
	} {
		w := get(t, sim, "/v3/poi?maxresults=20&output="+output)
		if got := w.Header().Get("Content-Type"); got != want[0] || !strings.HasPrefix(w.Body.String(), want[1]) {
			t.Errorf("output=%s: %s %.60q", output, got, w.Body)
		}
		if output == "geojson" && !json.Valid(w.Body.Bytes()) {
			t.Error("geojson is not JSON")
		}
	}
}

func BenchmarkBox(b *testing.B) {
	for _, sites := range []int{5_000, 50_000} {
		b.Run(fmt.Sprint(sites), func(b *testing.B) {
			p := DefaultParams()
			p.Sites = sites
			o, err := NewOCM(NewWorld(p), OCMOptions{})
			if err != nil {
				b.Fatal(err)
			}
			q := parseOCMQuery(ocmParams{"boundingbox": "(51.48,-0.18),(51.53,-0.08)", "maxresults": "500"}, nil)
			b.ReportAllocs()
			for b.Loop() {
				o.index.find(&q)
			}
		})
	}
}

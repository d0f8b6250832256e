package store_test

import (
	"math"
	"slices"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// record returns a sealed record at a position.
func record(external string, lat, lon float64, country string) *providers.Record {
	r := &providers.Record{
		Key:        providers.NewKey("ocm", external),
		ExternalID: external,
		Site: providers.Site{
			Title:    "Site " + external,
			Location: providers.Point{Lat: lat, Lon: lon},
			Address:  providers.Address{CountryCode: country},
		},
	}
	r.Seal()
	return r
}

// keys returns the keys of records in order, so that two answers can be compared.
func keys(records []*providers.Record) []providers.Key {
	list := make([]providers.Key, 0, len(records))
	for _, r := range records {
		list = append(list, r.Key)
	}
	slices.Sort(list)
	return list
}

// wantKeys fails the test when got does not hold exactly the records with keys
// want, each once.
func wantKeys(t interface {
	Helper()
	Errorf(format string, args ...any)
}, got []*providers.Record, want ...providers.Key,
) {
	t.Helper()
	want = append([]providers.Key{}, want...)
	slices.Sort(want)
	if diff := cmp.Diff(want, keys(got)); diff != "" {
		t.Errorf("Search() mismatch (-want +got):\n%s", diff)
	}
}

// places are where worlds have their sites and areas their corners: close
// together in some spots, and wherever longitudes and latitudes end.
func places() *rapid.Generator[providers.Point] {
	spots := []providers.Point{
		{Lat: 52.37, Lon: 4.89},
		{Lat: 51.5, Lon: -0.1},
		{Lat: -16.8, Lon: 179.99},
		{Lat: -16.8, Lon: -179.99},
		{Lat: 89.9, Lon: 10},
		{Lat: -89.9, Lon: -170},
		{Lat: 0, Lon: 0},
		{Lat: 64, Lon: 180},
	}
	edges := []providers.Point{
		{Lat: 90, Lon: 0}, {Lat: 90, Lon: 77}, {Lat: -90, Lon: 180}, {Lat: 10, Lon: 180}, {Lat: 10, Lon: -180}, {Lat: 0, Lon: -180},
	}
	near := rapid.Custom(func(t *rapid.T) providers.Point {
		p := rapid.SampledFrom(spots).Draw(t, "spot")
		// Hundredths of a degree make equal longitudes and latitudes likely.
		p.Lat += float64(rapid.IntRange(-10, 10).Draw(t, "dLat")) / 100
		p.Lon += float64(rapid.IntRange(-10, 10).Draw(t, "dLon")) / 100
		p.Lat = math.Max(-90, math.Min(90, p.Lat))
		if p.Lon > 180 {
			p.Lon -= 360
		}
		if p.Lon < -180 {
			p.Lon += 360
		}
		return p
	})
	anywhere := rapid.Custom(func(t *rapid.T) providers.Point {
		return providers.Point{
			Lat: rapid.Float64Range(-90, 90).Draw(t, "lat"),
			Lon: rapid.Float64Range(-180, 180).Draw(t, "lon"),
		}
	})
	return rapid.OneOf(near, near, near, anywhere, rapid.SampledFrom(edges))
}

func countryCodes() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"NL", "GB", "FJ", ""})
}

// worlds are up to some hundred records, numbered from 0.
func worlds() *rapid.Generator[[]*providers.Record] {
	site := rapid.Custom(func(t *rapid.T) *providers.Record {
		p := places().Draw(t, "place")
		return record("", p.Lat, p.Lon, countryCodes().Draw(t, "country"))
	})
	return rapid.Custom(func(t *rapid.T) []*providers.Record {
		records := rapid.SliceOfN(site, 0, 150).Draw(t, "sites")
		for i, r := range records {
			r.ExternalID = string(rune('A'+i/26)) + string(rune('a'+i%26))
			r.Key = providers.NewKey("ocm", r.ExternalID)
		}
		return records
	})
}

func boxes() *rapid.Generator[providers.Bounds] {
	return rapid.Custom(func(t *rapid.T) providers.Bounds {
		p, q := places().Draw(t, "p"), places().Draw(t, "q")
		// p is the western corner, however far round that may be.
		return providers.Bounds{South: min(p.Lat, q.Lat), West: p.Lon, North: max(p.Lat, q.Lat), East: q.Lon}
	})
}

func distances(limitM float64) *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.SampledFrom([]float64{0, 1, 300, 2_700}),
		rapid.Float64Range(0, 20_000),
		rapid.Float64Range(0, limitM),
	)
}

func discs() *rapid.Generator[providers.Around] {
	return rapid.Custom(func(t *rapid.T) providers.Around {
		return providers.Around{Center: places().Draw(t, "center"), RadiusM: distances(500_000).Draw(t, "radius")}
	})
}

// shapes are lines and rings that mostly stay in one region, and sometimes
// reach across the world.
func shapes(corners int) *rapid.Generator[[]providers.Point] {
	return rapid.Custom(func(t *rapid.T) []providers.Point {
		points := []providers.Point{places().Draw(t, "start")}
		for len(points) < corners || rapid.Bool().Draw(t, "more") {
			last := points[len(points)-1]
			next := places().Draw(t, "corner")
			if rapid.IntRange(0, 3).Draw(t, "far") > 0 {
				next = providers.Point{
					Lat: math.Max(-90, math.Min(90, last.Lat+rapid.Float64Range(-1, 1).Draw(t, "dLat"))),
					Lon: math.Remainder(last.Lon+rapid.Float64Range(-2, 2).Draw(t, "dLon"), 360),
				}
			}
			points = append(points, next)
			if len(points) == 12 {
				break
			}
		}
		return points
	})
}

// polygons may cross themselves, but never go round the Earth: those are no
// areas, see Polygon.Check.
func polygons() *rapid.Generator[providers.Area] {
	return rapid.Custom(func(t *rapid.T) providers.Area {
		p := providers.NewPolygon(shapes(3).Filter(closes).Draw(t, "ring"))
		if rapid.Bool().Draw(t, "grown") {
			return p.Widen(distances(100_000).Draw(t, "margin"))
		}
		return p
	})
}

func closes(ring []providers.Point) bool {
	turned := 0.0
	for i, p := range ring {
		turned += math.Remainder(ring[(i+1)%len(ring)].Lon-p.Lon, 360)
	}
	return math.Abs(turned) < 1
}

func routes() *rapid.Generator[*providers.Route] {
	return rapid.Custom(func(t *rapid.T) *providers.Route {
		return providers.NewRoute(shapes(2).Draw(t, "line"), distances(60_000).Draw(t, "distance"))
	})
}

func areas() *rapid.Generator[providers.Area] {
	return rapid.OneOf(
		rapid.Map(boxes(), asArea), rapid.Map(discs(), asArea), polygons(), rapid.Map(routes(), asArea),
		rapid.Map(countries(), asArea),
	)
}

func asArea[A providers.Area](a A) providers.Area { return a }

func countries() *rapid.Generator[providers.InCountry] {
	return rapid.Custom(func(t *rapid.T) providers.InCountry {
		return providers.InCountry{
			Code:    rapid.OneOf(countryCodes(), rapid.Just("XX")).Draw(t, "code"),
			MarginM: rapid.OneOf(rapid.Just(0.0), distances(1_000_000)).Draw(t, "margin"),
		}
	})
}

// scan is the naive way to search: what Search is measured by.
func scan(records []*providers.Record, area providers.Area) []*providers.Record {
	var found []*providers.Record
	for _, r := range records {
		if holds(records, area, r) {
			found = append(found, r)
		}
	}
	return found
}

func holds(records []*providers.Record, area providers.Area, r *providers.Record) bool {
	country, ok := area.(providers.InCountry)
	if !ok || area.Holds(&r.Site) {
		return area.Holds(&r.Site)
	}
	if country.MarginM <= 0 {
		return false
	}
	return slices.ContainsFunc(records, func(home *providers.Record) bool {
		return home.Address.CountryCode == country.Code && home.Location.DistanceM(r.Location) <= country.MarginM
	})
}

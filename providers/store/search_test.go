package store_test

import (
	"context"
	"math"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

func filled(t interface {
	Helper()
	Fatal(args ...any)
}, records []*providers.Record,
) *store.Store {
	t.Helper()
	s := new(store.Store)
	if _, err := s.Replace(records, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSearchAnswersAsALinearScanDoes(t *testing.T) {
	t.Parallel()
	for name, areas := range map[string]*rapid.Generator[providers.Area]{
		"InABox":       rapid.Map(boxes(), asArea),
		"AroundAPoint": rapid.Map(discs(), asArea),
		"InAPolygon":   polygons(),
		"InACountry":   rapid.Map(countries(), asArea),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				records := worlds().Draw(t, "world")
				area := areas.Draw(t, "area")
				wantKeys(t, filled(t, records).Search(area), keys(scan(records, area))...)
			})
		})
	}
}

// A route's answer may hold more than the route does, but lacks nothing, and
// what it holds more is not far away.
func TestSearchAlongARouteLacksNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := worlds().Draw(t, "world")
		route := routes().Draw(t, "route")
		got := filled(t, records).Search(route)

		seen := map[providers.Key]bool{}
		for _, r := range got {
			if seen[r.Key] {
				t.Errorf("%s was found twice", r.Key)
			}
			seen[r.Key] = true
		}
		for _, r := range scan(records, route) {
			if !seen[r.Key] {
				t.Errorf("%s at %v is on the route but was not found", r.Key, r.Location)
			}
		}
		// Boxes beside a pole hold all longitudes: there is no telling how far off.
		wide := route.Widen(route.DistanceM() + 2*max(0.1*111_200, route.DistanceM()) + 10)
		for _, r := range got {
			if math.Abs(r.Location.Lat) < 80 && !wide.Holds(&r.Site) {
				t.Errorf("%s at %v was found but is nowhere near the route", r.Key, r.Location)
			}
		}
	})
}

func TestSearchAlongARouteLeavesNoGaps(t *testing.T) {
	t.Parallel()
	// Straight, round a corner, and across the antimeridian, with a site every
	// few hundred metres.
	corners := []providers.Point{{Lat: -16, Lon: 178.3}, {Lat: -17.35, Lon: 179.4}, {Lat: -17.3, Lon: 179.45}, {Lat: -16.9, Lon: -179.2}}
	var records []*providers.Record
	for i := 1; i < len(corners); i++ {
		from, to := corners[i-1], corners[i]
		for k := range 500 {
			share := float64(k) / 500
			lon := from.Lon + share*math.Remainder(to.Lon-from.Lon, 360)
			records = append(records, record(strconv.Itoa(len(records)), from.Lat+share*(to.Lat-from.Lat), math.Remainder(lon, 360), "FJ"))
		}
	}
	wantKeys(t, filled(t, records).Search(providers.NewRoute(corners, 5)), keys(records)...)
}

func TestSearchAlongALongDiagonalStaysNearIt(t *testing.T) {
	t.Parallel()
	var records []*providers.Record
	for lat := 46.0; lat <= 54; lat += 0.1 {
		for lon := 2.0; lon <= 14; lon += 0.1 {
			records = append(records, record(strconv.Itoa(len(records)), lat, lon, ""))
		}
	}
	route := providers.NewRoute([]providers.Point{{Lat: 47, Lon: 3}, {Lat: 53, Lon: 13}}, 10_000)
	got, exact := len(filled(t, records).Search(route)), len(scan(records, route))
	if got < exact || got > 2*exact {
		t.Errorf("Search() found %d records, want %d and at most twice as many", got, exact)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		records []*providers.Record
		area    providers.Area
		want    []providers.Key
	}{
		{
			name: "EdgesAndCornersOfABoxCountAsInside",
			records: []*providers.Record{
				record("corner", 52, 4, ""), record("edge", 52.5, 5, ""), record("inside", 52.5, 4.5, ""), record("outside", 52.5, 5.000001, ""),
			},
			area: providers.Bounds{South: 52, West: 4, North: 53, East: 5},
			want: []providers.Key{"ocm:corner", "ocm:edge", "ocm:inside"},
		},
		{
			name: "ViewportAcrossAntimeridian",
			records: []*providers.Record{
				record("west", -17, 179.5, ""), record("line", -17, 180, ""), record("sameline", -17, -180, ""), record("east", -17, -179.5, ""),
				record("greenwich", -17, 0, ""),
			},
			area: providers.Bounds{South: -18, West: 179, North: -16, East: -179},
			want: []providers.Key{"ocm:west", "ocm:line", "ocm:sameline", "ocm:east"},
		},
		{
			name:    "ViewportThatEndsAtTheAntimeridianHoldsBothNamesOfIt",
			records: []*providers.Record{record("plus", -17, 180, ""), record("minus", -17, -180, ""), record("beyond", -17, -179.9, "")},
			area:    providers.Bounds{South: -18, West: 179, North: -16, East: 180},
			want:    []providers.Key{"ocm:plus", "ocm:minus"},
		},
		{
			name:    "ViewportThatBeginsAtTheAntimeridianHoldsBothNamesOfIt",
			records: []*providers.Record{record("plus", -17, 180, ""), record("minus", -17, -180, ""), record("beyond", -17, 179.9, "")},
			area:    providers.Bounds{South: -18, West: -180, North: -16, East: -179},
			want:    []providers.Key{"ocm:plus", "ocm:minus"},
		},
		{
			name:    "ADiscAcrossThePoleHoldsWhatIsOnItsFarSide",
			records: []*providers.Record{record("here", 89.99, 0, ""), record("across", 89.99, 180, ""), record("pole", 90, 45, ""), record("far", 89, 180, "")},
			area:    providers.Around{Center: providers.Point{Lat: 89.99, Lon: 0}, RadiusM: 2_300},
			want:    []providers.Key{"ocm:here", "ocm:across", "ocm:pole"},
		},
		{
			name:    "TheWorldHoldsEverythingOnce",
			records: []*providers.Record{record("a", 90, 180, ""), record("b", -90, -180, ""), record("c", 0, 0, "")},
			area:    providers.World(),
			want:    []providers.Key{"ocm:a", "ocm:b", "ocm:c"},
		},
		{
			name: "SeveralRecordsAtOnePositionAreAllFound",
			records: []*providers.Record{
				record("a", 52, 4, ""), record("b", 52, 4, ""), record("c", 52, 4, ""),
			},
			area: providers.Bounds{South: 52, West: 4, North: 52, East: 4},
			want: []providers.Key{"ocm:a", "ocm:b", "ocm:c"},
		},
		{
			name: "ACountryIsWhatAddressesState",
			records: []*providers.Record{
				record("home", 52, 5, "NL"), record("misplaced", -33, 151, "NL"), record("neighbour", 52, 5.001, "DE"),
			},
			area: providers.InCountry{Code: "NL"},
			want: []providers.Key{"ocm:home", "ocm:misplaced"},
		},
		{
			name: "ACountryWithAMarginTakesInForeignersNearBy",
			records: []*providers.Record{
				record("home", 52, 5, "NL"), record("misplaced", -33, 151, "NL"),
				record("near", 52, 5.001, "DE"), record("nearmisplaced", -33.001, 151, "AU"), record("far", 52, 5.1, "DE"), record("stateless", 52.001, 5, ""),
			},
			area: providers.InCountry{Code: "NL", MarginM: 500},
			want: []providers.Key{"ocm:home", "ocm:misplaced", "ocm:near", "ocm:nearmisplaced", "ocm:stateless"},
		},
		{
			name:    "ACountryOnTheAntimeridianHasNeighboursBeyondIt",
			records: []*providers.Record{record("home", -16.8, 179.999, "FJ"), record("near", -16.8, -179.999, "TV"), record("far", -16.8, -179.9, "TV")},
			area:    providers.InCountry{Code: "FJ", MarginM: 500},
			want:    []providers.Key{"ocm:home", "ocm:near"},
		},
		{
			name:    "ACountryWithoutRecordsHasNoNeighbours",
			records: []*providers.Record{record("a", 52, 5, "NL")},
			area:    providers.InCountry{Code: "DE", MarginM: 1e7},
		},
		{
			name: "AnEmptyStoreHoldsNothing",
			area: providers.World(),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantKeys(t, filled(t, tt.records).Search(tt.area), tt.want...)
		})
	}
}

// dying is a context that ends while somebody is looking: it is alive for a
// number of looks. It is for one goroutine.
type dying struct{ looks int }

func (c *dying) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

func (*dying) Deadline() (time.Time, bool) { return time.Time{}, false }
func (*dying) Done() <-chan struct{}       { return nil }
func (*dying) Value(any) any               { return nil }

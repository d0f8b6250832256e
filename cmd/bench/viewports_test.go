package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chargegraph/providers"
)

func london() place {
	return place{providers.Point{Lat: 51.5074, Lon: -0.1278}, 22}
}

func cities() []place {
	return []place{london(), {providers.Point{Lat: -33.8688, Lon: 151.2093}, 25}, {providers.Point{Lat: 59.9139, Lon: 10.7522}, 14}}
}

func TestSessionsAreDecidedByTheirSeed(t *testing.T) {
	t.Parallel()
	first := sessions(1, cities(), 24, 1000)
	equal := func(others [][]providers.Bounds) bool {
		return slices.EqualFunc(first, others, slices.Equal[[]providers.Bounds])
	}
	if !equal(sessions(1, cities(), 24, 1000)) {
		t.Error("equal seeds, other sessions")
	}
	if equal(sessions(2, cities(), 24, 1000)) {
		t.Error("another seed, the same sessions")
	}
}

func TestSessionsAreDistinctViewportsOfThreeZoomsThatOverlap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		people, total := rapid.IntRange(1, 30).Draw(t, "people"), rapid.IntRange(0, 400).Draw(t, "total")
		walks := sessions(rapid.Uint64().Draw(t, "seed"), cities(), people, total)
		seen := make(map[providers.Bounds]bool)
		for i, walk := range walks {
			if len(walk) < total/people || len(walk) > total/people+1 {
				t.Errorf("session %d has %d of %d viewports", i, len(walk), total)
			}
			home := cities()[i%len(cities())]
			for k, b := range walk {
				if !b.Valid() || b.West >= b.East {
					t.Fatalf("%+v is no viewport", b)
				}
				if seen[b] {
					t.Errorf("%+v comes twice", b)
				}
				seen[b] = true
				if zoom := math.Log2(360 * screenWidth / tilePixels / (b.East - b.West)); math.Abs(zoom-math.Round(zoom)) > 1e-3 || zoom < zoomOut-0.1 || zoom > zoomIn+0.1 {
					t.Errorf("%+v is of zoom %v", b, zoom)
				}
				if k > 0 && !overlap(walk[k-1], b) {
					t.Errorf("%+v and %+v do not overlap", walk[k-1], b)
				}
				centre := providers.Point{Lat: (b.South + b.North) / 2, Lon: (b.West + b.East) / 2}
				if d := centre.DistanceM(home.centre) / 1000; d > 2*home.radiusKM {
					t.Errorf("%+v is %v km from home", b, d)
				}
			}
		}
		if len(seen) != total {
			t.Errorf("%d viewports, want %d", len(seen), total)
		}
	})
}

func overlap(a, b providers.Bounds) bool {
	return a.South < b.North && b.South < a.North && a.West < b.East && b.West < a.East
}

// scatter draws n spots around a place.
func scatter(r *rand.Rand, around place, n int) []spot {
	spots := make([]spot, n)
	for i := range spots {
		spots[i].at = providers.Point{
			Lat: around.centre.Lat + r.NormFloat64()*0.05,
			Lon: around.centre.Lon + r.NormFloat64()*0.08,
		}
	}
	return spots
}

func shown(b providers.Bounds, spots []spot) int {
	n := 0
	for _, s := range spots {
		if b.Contains(s.at) {
			n++
		}
	}
	return n
}

func TestAroundShowsAsManyAsAskedFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100).Draw(t, "n")
		spots := scatter(source(rapid.Uint64().Draw(t, "seed"), 1), london(), n+rapid.IntRange(0, 100).Draw(t, "more"))
		c, ok := around(london().centre, spots, n, 0)
		// The edges are rounded to 1e-6 degrees: a spot may slip across in a tiny viewport.
		if got := shown(c.bounds(), spots); !ok || got < n-1 || got > n+1 {
			t.Errorf("%d are shown, want %d", got, n)
		}
	})
	if _, ok := around(london().centre, make([]spot, 3), 4, 0); ok {
		t.Error("three spots fill a viewport of four")
	}
	far := []spot{{at: providers.Point{Lat: 40}}}
	if _, ok := around(london().centre, far, 1, farthestZoom); ok {
		t.Error("it looks from farther away than allowed")
	}
}

func TestApartSharesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		var spots []spot
		for _, p := range cities() {
			spots = append(spots, scatter(source(seed, 1), p, 200)...)
		}
		const n = 20
		views := apart(cities(), spots, n)
		if len(views) < len(cities()) {
			t.Errorf("%d viewports in %d cities", len(views), len(cities()))
		}
		for i, a := range views {
			if got := shown(a, spots); got < n-1 || got > n+1 {
				t.Errorf("%+v shows %d", a, got)
			}
			for _, b := range views[i+1:] {
				height := max(a.North-a.South, b.North-b.South) * 0.99 // parallels are not evenly spaced
				wide := providers.Bounds{South: a.South - 4*height, West: a.West, North: a.North + 4*height, East: a.East}
				width := max(a.East-a.West, b.East-b.West) * screenHeight / screenWidth
				wide.West, wide.East = wide.West-4*width, wide.East+4*width
				if overlap(wide, b) {
					t.Errorf("%+v and %+v are near each other", a, b)
				}
			}
		}
	}
}

func TestShiftedViewportsAreDistinctAndWithinPixels(t *testing.T) {
	t.Parallel()
	x, y := project(london().centre)
	c := camera{x, y, pixelAt(18)} // where pixels are the smallest
	seen := make(map[providers.Bounds]bool)
	first := c.bounds()
	pixel := (first.East - first.West) / screenWidth
	for i := range 1000 {
		b := c.shifted(i)
		if seen[b] {
			t.Fatalf("the %d-th is one of those before", i)
		}
		seen[b] = true
		if dx := b.West - first.West; dx < 0 || dx > 32*pixel+1e-6 {
			t.Errorf("the %d-th lies %v degrees to the side", i, dx)
		}
	}
}

func TestProjectionRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := providers.Point{Lat: rapid.Float64Range(-85, 85).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon")}
		if q := unproject(project(p)); math.Abs(p.Lat-q.Lat) > 1e-9 || math.Abs(p.Lon-q.Lon) > 1e-9 {
			t.Errorf("%v became %v", p, q)
		}
	})
}

func TestZipfHasFavouritesThatAreTheSameForAll(t *testing.T) {
	t.Parallel()
	questions := make([][]byte, 100)
	for i := range questions {
		questions[i] = []byte{byte(i)}
	}
	favourite := func(client uint64) (best byte, share float64) {
		counts := make([]int, len(questions))
		draw := zipf(1, client, 1.1, questions)
		const draws = 20_000
		for range draws {
			counts[draw()[0]]++
		}
		most := slices.Max(counts)
		return byte(slices.Index(counts, most)), float64(most) / draws
	}
	a, share := favourite(1)
	b, _ := favourite(2)
	if a != b {
		t.Errorf("client 1 likes %d, client 2 likes %d", a, b)
	}
	if share < 0.15 || share > 0.4 { // 1/Σ(1/k^1.1) is 0.24 for a hundred
		t.Errorf("the favourite is drawn %v of the time", share)
	}
}

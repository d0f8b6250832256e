package loaders

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"chargegraph/providers"
)

// drawLon draws a longitude, often one where maps are cut.
func drawLon(t *rapid.T, name string) float64 {
	if rapid.IntRange(0, 3).Draw(t, name+"Special") == 0 {
		return rapid.SampledFrom([]float64{-180, 180, 0, 179.9999999999, -179.9999999999, 90, -90, 5.625}).Draw(t, name)
	}
	return rapid.Float64Range(-180, 180).Draw(t, name)
}

// drawLat draws a latitude, often one where maps are cut.
func drawLat(t *rapid.T, name string) float64 {
	if rapid.IntRange(0, 3).Draw(t, name+"Special") == 0 {
		return rapid.SampledFrom([]float64{-90, 90, 0, 85.0511, 85.05112877980659, 85.0512, -85.0512, 89.9999999, 66.51326044311186}).Draw(t, name)
	}
	return rapid.Float64Range(-90, 90).Draw(t, name)
}

func drawPoint(t *rapid.T, name string) providers.Point {
	return providers.Point{Lat: drawLat(t, name+"Lat"), Lon: drawLon(t, name+"Lon")}
}

func drawBounds(t *rapid.T) providers.Bounds {
	a, b := drawLat(t, "lat1"), drawLat(t, "lat2")
	return providers.Bounds{South: min(a, b), North: max(a, b), West: drawLon(t, "west"), East: drawLon(t, "east")}
}

// drawNear draws a small box anywhere.
func drawNear(t *rapid.T) providers.Bounds {
	p := drawPoint(t, "at")
	at := providers.Bounds{South: p.Lat, North: p.Lat, West: p.Lon, East: p.Lon}
	return at.Grow(rapid.Float64Range(0, 40_000).Draw(t, "reach"))
}

// drawInside draws a point of b.
func drawInside(t *rapid.T, b providers.Bounds) providers.Point {
	lon := b.West + b.WidthDeg()*rapid.Float64Range(0, 1).Draw(t, "across")
	switch rapid.IntRange(0, 3).Draw(t, "edge") {
	case 0:
		lon = b.West
	case 1:
		lon = b.East
	}
	if lon > 180 {
		lon -= 360
	}
	if b.Contains(providers.Point{Lat: b.South, Lon: -lon}) && (lon == 180 || lon == -180) {
		lon = -lon // the same meridian by its other name
	}
	lat := b.South + (b.North-b.South)*rapid.Float64Range(0, 1).Draw(t, "up")
	if rapid.IntRange(0, 4).Draw(t, "corner") == 0 {
		lat = b.North
	}
	return providers.Point{Lat: min(lat, b.North), Lon: lon}
}

func TestEveryPointOfTheEarthIsInOneTileAndInItsParents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPoint(t, "p")
		z := uint8(rapid.IntRange(0, maxZoom).Draw(t, "z"))
		at := tileAt(p, z)
		if n := uint32(1) << z; at.x >= n || at.y >= n {
			t.Fatalf("%v is in %v, which is not on the map", p, at)
		}
		if z > 0 && tileAt(p, z-1) != at.parent(z-1) {
			t.Fatalf("%v is in %v, but a zoom further out in %v", p, at, tileAt(p, z-1))
		}
		if b := (block{z: z, x: at.x, y: at.y, width: 1, height: 1}).bounds(); !b.Contains(p) {
			t.Fatalf("%v is in %v, but not in its bounds %v", p, at, b)
		}
	})
}

// The longitude before 180 is nearer to 360 degrees from the map's western edge
// than a number can tell.
func TestThePointNextToTheAntimeridianIsWestOfIt(t *testing.T) {
	t.Parallel()
	west, east := providers.Point{Lat: 52, Lon: math.Nextafter(180, 0)}, providers.Point{Lat: 52, Lon: math.Nextafter(-180, 0)}
	for z := range uint8(maxZoom + 1) {
		last := uint32(1)<<z - 1
		if w, e, on := tileAt(west, z), tileAt(east, z), tileAt(providers.Point{Lat: 52, Lon: 180}, z); w.x != last || e.x != 0 || on.x != 0 {
			t.Errorf("zoom %d: columns %d, %d and, on it, %d; want %d, 0 and 0", z, w.x, e.x, on.x, last)
		}
	}
}

func TestABlockHoldsEveryPointOfItsBox(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBounds(t)
		p := drawInside(t, b)
		if !b.Contains(p) {
			t.Skip("rounded out of the box")
		}
		z := uint8(rapid.IntRange(0, 10).Draw(t, "z"))
		k := blockOf(b, z)
		if !k.meets(tileAt(p, z)) {
			t.Fatalf("%v of %v is in %v, which is not in %+v", p, b, tileAt(p, z), k)
		}
		finer := uint8(rapid.IntRange(int(z), maxZoom).Draw(t, "finer"))
		if !k.meets(tileAt(p, finer)) || !k.meets(tileAt(p, uint8(rapid.IntRange(0, int(z)).Draw(t, "coarser")))) {
			t.Fatalf("%v of %v: its tiles of other zooms do not meet %+v", p, b, k)
		}
		if !k.bounds().Contains(p) {
			t.Fatalf("%v of %v is not in the bounds %v of %+v", p, b, k.bounds(), k)
		}
	})
}

func TestABlocksTilesAreThoseThatMeetIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := blockOf(drawBounds(t), uint8(rapid.IntRange(0, 5).Draw(t, "z")))
		seen := make(map[tile]bool)
		for _, at := range k.tiles() {
			if seen[at] || !k.meets(at) {
				t.Fatalf("%+v lists %v twice, or does not meet it", k, at)
			}
			seen[at] = true
		}
		z := uint8(rapid.IntRange(0, 6).Draw(t, "other"))
		at := tileAt(drawPoint(t, "p"), z)
		want := false
		for part := range seen {
			want = want || part.z >= z && part.parent(z) == at || part.z < z && at.parent(part.z) == part
		}
		if k.meets(at) != want {
			t.Fatalf("%+v meets %v: %v", k, at, !want)
		}
	})
}

func TestACoverIsAFewTilesOfTwoToFourHeights(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawNear(t)
		k, ok := coverOf(b, 250_000)
		if !ok {
			if b.North < 85 && b.South > -85 && b.WidthDeg() < 4 {
				t.Fatalf("%v is not covered", b)
			}
			return
		}
		p := drawInside(t, b)
		if b.Contains(p) && !k.meets(tileAt(p, k.z)) {
			t.Fatalf("%+v does not hold %v of %v", k, p, b)
		}
		if k.count() > maxTiles || k.bounds().AreaKM2() > 250_000 {
			t.Fatalf("%v takes %d tiles of %.0f km²", b, k.count(), k.bounds().AreaKM2())
		}
	})
	city := providers.Bounds{South: 52.30, West: 4.75, North: 52.42, East: 5.05}
	k, ok := coverOf(city, 250_000)
	if side := k.bounds().North - k.bounds().South; !ok || k.count() > 4 || side > 2*4*(city.North-city.South) {
		t.Errorf("a screen over a city takes %+v, %v", k, ok)
	}
}

func TestTheBlockAroundTilesHoldsThemAndStaysInside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := blockOf(drawNear(t), uint8(rapid.IntRange(3, 9).Draw(t, "z")))
		if k.count() > 400 {
			t.Skip("drawn too wide to list its tiles")
		}
		all := k.tiles()
		var some []tile
		for range rapid.IntRange(1, 5).Draw(t, "n") {
			at := all[rapid.IntRange(0, len(all)-1).Draw(t, "i")]
			for rapid.IntRange(0, 2).Draw(t, "down") == 0 {
				at = at.children()[rapid.IntRange(0, 3).Draw(t, "child")]
			}
			some = append(some, at)
		}
		a := k.around(some)
		for _, at := range some {
			if !a.meets(at) {
				t.Fatalf("%+v does not hold %v", a, at)
			}
		}
		for _, at := range a.tiles() {
			if !k.meets(at) {
				t.Fatalf("%+v leaves %+v by %v", a, k, at)
			}
		}
	})
}

package providers_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// vector is a position seen from the middle of the Earth.
type vector [3]float64

func vectorOf(p providers.Point) vector {
	sinLat, cosLat := math.Sincos(p.Lat * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p.Lon * math.Pi / 180)
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// sphereM is the distance of two points by their vectors: nothing in common
// with the haversine but the radius.
func sphereM(p, q providers.Point) float64 {
	a, b := vectorOf(p), vectorOf(q)
	cross := math.Hypot(math.Hypot(a[1]*b[2]-a[2]*b[1], a[2]*b[0]-a[0]*b[2]), a[0]*b[1]-a[1]*b[0])
	return 6_371_000 * math.Atan2(cross, a[0]*b[0]+a[1]*b[1]+a[2]*b[2])
}

// toward returns the point m metres from p in direction bearing.
func toward(p providers.Point, bearingDeg, m float64) providers.Point {
	sinLat, cosLat := math.Sincos(p.Lat * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p.Lon * math.Pi / 180)
	sinB, cosB := math.Sincos(bearingDeg * math.Pi / 180)
	sinD, cosD := math.Sincos(m / 6_371_000)
	north, east := vector{-sinLat * cosLon, -sinLat * sinLon, cosLat}, vector{-sinLon, cosLon, 0}
	q := vectorOf(p)
	for i := range q {
		q[i] = q[i]*cosD + (north[i]*cosB+east[i]*sinB)*sinD
	}
	return providers.Point{
		Lat: math.Atan2(q[2], math.Hypot(q[0], q[1])) * 180 / math.Pi,
		Lon: math.Atan2(q[1], q[0]) * 180 / math.Pi,
	}
}

// turned brings a longitude into -180..180.
func turned(lon float64) float64 {
	for lon > 180 {
		lon -= 360
	}
	for lon < -180 {
		lon += 360
	}
	return lon
}

func latitudes(limit float64) *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64Range(-limit, limit),
		rapid.Float64Range(limit-1, limit),
		rapid.SampledFrom([]float64{-limit, limit, 0, 52.37}),
	)
}

func longitudes() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64Range(-180, 180),
		rapid.Float64Range(179, 180),
		rapid.Float64Range(-180, -179),
		rapid.SampledFrom([]float64{-180, 180, 0, 4.9, math.Nextafter(180, 0), math.Nextafter(-180, 0)}),
	)
}

// points are anywhere up to a latitude, often about the antimeridian.
func points(limit float64) *rapid.Generator[providers.Point] {
	return rapid.Custom(func(t *rapid.T) providers.Point {
		return providers.Point{Lat: latitudes(limit).Draw(t, "lat"), Lon: longitudes().Draw(t, "lon")}
	})
}

// stated are points as somebody writes them down, with at most seven decimals.
func stated(points *rapid.Generator[providers.Point]) *rapid.Generator[providers.Point] {
	return rapid.Map(points, round7)
}

func round7(p providers.Point) providers.Point {
	return providers.Point{Lat: math.Round(p.Lat*1e7) / 1e7, Lon: math.Round(p.Lon*1e7) / 1e7}
}

func boxes(limit float64) *rapid.Generator[providers.Bounds] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) providers.Bounds {
			p, q := points(limit).Draw(t, "p"), points(limit).Draw(t, "q")
			return providers.Bounds{South: min(p.Lat, q.Lat), West: p.Lon, North: max(p.Lat, q.Lat), East: q.Lon}
		}),
		rapid.Custom(func(t *rapid.T) providers.Bounds {
			p := points(limit).Draw(t, "point")
			return providers.Bounds{South: p.Lat, West: p.Lon, North: p.Lat, East: p.Lon}
		}),
	)
}

// within draws a point of a box, edges and corners included.
func within(t *rapid.T, b providers.Bounds) providers.Point {
	share := rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, 1}))
	width := b.East - b.West
	if width < 0 {
		width += 360
	}
	east, north := share.Draw(t, "east"), share.Draw(t, "north")
	p := providers.Point{Lat: b.South + north*(b.North-b.South), Lon: turned(b.West + east*width)}
	if east == 1 {
		p.Lon = b.East
	}
	if north == 1 {
		p.Lat = b.North
	}
	return p
}

func TestPoint_DistanceIsThatOnTheSphere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, q := points(90).Draw(t, "p"), points(90).Draw(t, "q")
		got, want := p.DistanceM(q), sphereM(p, q)
		// Next to the antipode the arc sine is worth a decimetre only.
		if slack := 1e-6 + want*1e-9 + map[bool]float64{true: 0.2}[want > 20_000_000]; math.Abs(got-want) > slack {
			t.Errorf("%v to %v = %v, want %v", p, q, got, want)
		}
		if back := q.DistanceM(p); back != got {
			t.Errorf("%v there, %v back", got, back)
		}
	})
}

func TestPoint_BearingLeadsToTheOtherPoint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := points(89).Draw(t, "p")
		want := rapid.Float64Range(0, 360).Draw(t, "bearing")
		q := toward(p, want, rapid.Float64Range(100, 5_000_000).Draw(t, "distance"))
		got := p.BearingDeg(q)
		if got < 0 || got >= 360 {
			t.Fatalf("bearing %v is not in 0..360", got)
		}
		if off := math.Abs(math.Remainder(got-want, 360)); off > 1e-4 {
			t.Errorf("bearing %v, want %v", got, want)
		}
	})
}

func TestPoint_ValidityKnowsNoNumbersBeyondTheRange(t *testing.T) {
	t.Parallel()
	for p, want := range map[providers.Point]bool{
		{}:                                 true,
		{Lat: 90, Lon: 180}:                true,
		{Lat: -90, Lon: -180}:              true,
		{Lat: 90.0000001}:                  false,
		{Lon: -180.0000001}:                false,
		{Lat: math.Inf(1)}:                 false,
		{Lat: 1, Lon: math.Inf(-1)}:        false,
		{Lat: math.NaN()}:                  false,
		{Lat: 52, Lon: math.NaN()}:         false,
		{Lat: math.Copysign(0, -1)}:        true,
		{Lat: 52.37, Lon: 4.9}:             true,
		{Lat: -33.86, Lon: 151.2}:          true,
		{Lat: 4.9, Lon: -360 + 52.37}:      false,
		{Lat: -90, Lon: math.Inf(1)}:       false,
		{Lat: 0, Lon: math.MaxFloat64}:     false,
		{Lat: math.SmallestNonzeroFloat64}: true,
	} {
		if got := p.Valid(); got != want {
			t.Errorf("%v.Valid() = %v", p, got)
		}
	}
	if !(providers.Point{Lat: math.Copysign(0, -1)}).IsNull() {
		t.Error("minus zero is zero")
	}
}

func TestBounds_EdgesAreInside(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := boxes(90).Draw(t, "box")
		for _, p := range []providers.Point{{b.South, b.West}, {b.South, b.East}, {b.North, b.West}, {b.North, b.East}} {
			if !b.Contains(p) {
				t.Errorf("%v does not hold its corner %v", b, p)
			}
		}
		if p := within(t, b); !b.Contains(p) {
			t.Errorf("%v does not hold %v", b, p)
		}
	})
}

func TestBounds_BothNamesOfTheAntimeridianAreOneLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := boxes(90).Draw(t, "box")
		lat := latitudes(90).Draw(t, "lat")
		east, west := providers.Point{Lat: lat, Lon: 180}, providers.Point{Lat: lat, Lon: -180}
		if b.Contains(east) != b.Contains(west) {
			t.Errorf("%v holds one of %v and %v", b, east, west)
		}
	})
}

func TestBounds_SplitHoldsTheSamePointsWithoutCrossing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := boxes(90).Draw(t, "box")
		p := rapid.OneOf(points(90), rapid.Custom(func(t *rapid.T) providers.Point { return within(t, b) })).Draw(t, "point")
		plain, parts := false, b.Split()
		for _, part := range parts {
			if part.West > part.East {
				t.Errorf("part %v crosses", part)
			}
			// As an index compares, which knows nothing of the antimeridian.
			plain = plain || p.Lat >= part.South && p.Lat <= part.North && p.Lon >= part.West && p.Lon <= part.East
		}
		if plain != b.Contains(p) {
			t.Errorf("%v holds %v: %v, its parts %v: %v", b, p, b.Contains(p), parts, plain)
		}
		if len(parts) > 2 {
			t.Errorf("%d parts", len(parts))
		}
	})
}

func TestBounds_WidthAndAreaFollowTheSphere(t *testing.T) {
	t.Parallel()
	const earthKM2 = 4 * math.Pi * 6371 * 6371
	near := func(t interface{ Errorf(string, ...any) }, what string, got, want float64) {
		if math.Abs(got-want) > 1e-9*(1+want) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	near(t, "area of the world", providers.World().AreaKM2(), earthKM2)
	near(t, "area of a point", providers.Bounds{South: 52, North: 52, West: 5, East: 5}.AreaKM2(), 0)
	near(t, "width of the antimeridian", providers.Bounds{West: 180, East: -180}.WidthDeg(), 0)
	near(t, "width across the antimeridian", providers.Bounds{West: 179, East: -179}.WidthDeg(), 2)
	near(t, "width of the world", providers.World().WidthDeg(), 360)
	// A square degree at the equator is 111.195 km by a little less.
	near(t, "a square degree", math.Round(providers.Bounds{East: 1, North: 1}.AreaKM2()), 12364)
	rapid.Check(t, func(t *rapid.T) {
		b := boxes(90).Draw(t, "box")
		if w := b.WidthDeg(); w < 0 || w > 360 {
			t.Fatalf("width %v", w)
		}
		sum, width := 0.0, 0.0
		for _, part := range b.Split() {
			sum, width = sum+part.AreaKM2(), width+part.WidthDeg()
		}
		near(t, "width of the parts", width, b.WidthDeg())
		if math.Abs(sum-b.AreaKM2()) > 1e-6 {
			t.Errorf("area of the parts = %v, want %v", sum, b.AreaKM2())
		}
		mid := b.South + rapid.Float64Range(0, 1).Draw(t, "share")*(b.North-b.South)
		lower, upper := b, b
		lower.North, upper.South = mid, mid
		if diff := lower.AreaKM2() + upper.AreaKM2() - b.AreaKM2(); math.Abs(diff) > 1e-6 {
			t.Errorf("cut in two it has %v km² more", diff)
		}
		// What is outside a box makes up the rest of the world.
		rest := b
		rest.West, rest.East = b.East, b.West
		band := providers.Bounds{South: b.South, North: b.North, West: -180, East: 180}
		if b.West != b.East && math.Abs(b.AreaKM2()+rest.AreaKM2()-band.AreaKM2()) > 1e-3 {
			t.Errorf("%v and %v do not make %v", b, rest, band)
		}
	})
}

func TestBounds_GrownHoldsEveryPointWithinTheMargin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := boxes(90).Draw(t, "box")
		m := rapid.OneOf(rapid.Float64Range(0, 3_000), rapid.Float64Range(0, 1_000_000), rapid.Float64Range(0, 20_000_000),
			rapid.SampledFrom([]float64{0, 1e-9, 1, math.Inf(1)})).Draw(t, "margin")
		grown := b.Grow(m)
		if !grown.Valid() {
			t.Fatalf("%v grown by %v is %v", b, m, grown)
		}
		from := within(t, b)
		p := toward(from, rapid.OneOf(rapid.Float64Range(0, 360), rapid.SampledFrom([]float64{0, 90, 180, 270})).Draw(t, "bearing"),
			math.Min(m, 2e7)*rapid.OneOf(rapid.Just(1.0), rapid.Float64Range(0, 1)).Draw(t, "share"))
		if d := from.DistanceM(p); m > 0 && d <= m && !grown.Contains(p) {
			t.Errorf("%v grown by %v m is %v, without %v, which is %v m from %v", b, m, grown, p, d, from)
		}
		if grown.WidthDeg() < b.WidthDeg() {
			t.Errorf("%v grown by %v is narrower: %v", b, m, grown)
		}
	})
}

// A narrower box would be a box that misses something.
func TestBounds_GrownIsTight(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := points(85).Draw(t, "point")
		m := rapid.Float64Range(1, 100_000).Draw(t, "margin")
		b := providers.Bounds{South: p.Lat, North: p.Lat, West: p.Lon, East: p.Lon}.Grow(m)
		height := sphereM(providers.Point{Lat: b.South, Lon: p.Lon}, providers.Point{Lat: b.North, Lon: p.Lon})
		if math.Abs(height-2*m) > 0.01 {
			t.Errorf("height %v, want %v", height, 2*m)
		}
		// The meridian at the east edge touches the circle.
		closest := math.Inf(1)
		for lat := b.South; lat <= b.North; lat += (b.North - b.South) / 1000 {
			closest = math.Min(closest, sphereM(p, providers.Point{Lat: lat, Lon: b.East}))
		}
		if math.Abs(closest-m) > m*1e-3 {
			t.Errorf("the east edge comes within %v, want %v", closest, m)
		}
	})
}

func TestBounds_GrownToAPoleOrRoundTheEarthTakesInAllLongitudes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		box  providers.Bounds
		m    float64
		want providers.Bounds
	}{
		"over the north pole": {providers.Bounds{South: 80, North: 89.999, West: 10, East: 20}, 200, providers.Bounds{North: 90, West: -180, East: 180}},
		"over both":           {providers.Bounds{South: -1, North: 1, West: 10, East: 20}, 1e7, providers.World()},
		"round the Earth":     {providers.Bounds{South: -1, North: 1, West: -179.9, East: 179.9}, 20_000, providers.Bounds{West: -180, East: 180, South: -1, North: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.box.Grow(c.m)
			if got.West != c.want.West || got.East != c.want.East {
				t.Errorf("Grow() = %v", got)
			}
		})
	}
}

// A longitude loses a few digits when it is brought over the antimeridian.
func TestBounds_GrownOverTheAntimeridianRoundsOutward(t *testing.T) {
	t.Parallel()
	for d := 1e-6; d < 1e-4; d *= 1.01 {
		from := providers.Point{Lat: 1, Lon: -180}
		p := providers.Point{Lat: 1, Lon: 180 - d}
		m := from.DistanceM(p)
		if b := (providers.Bounds{South: 1, West: -180, North: 1, East: -180}).Grow(m); !b.Contains(p) {
			t.Errorf("%v grown by %v m is %v, without %v", from, m, b, p)
		}
	}
}

func TestBounds_ExtendedHoldsBothAndGrowsTheShorterWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := boxes(90).Draw(t, "box")
		p := points(90).Draw(t, "point")
		old := within(t, b)
		e := b.Extend(p)
		if !e.Contains(p) || !e.Contains(old) {
			t.Errorf("%v extended by %v is %v and lacks it, or %v", b, p, e, old)
		}
		more := e.WidthDeg() - b.WidthDeg()
		if more < 0 || more > (360-b.WidthDeg())/2+1e-9 {
			t.Errorf("%v extended by %v is %v: %v degrees more", b, p, e, more)
		}
		if b.Contains(p) && e != b {
			t.Errorf("%v holds %v already; extended it is %v", b, p, e)
		}
	})
}

// Two sources round one coordinate differently in the sixteenth digit.
func TestBounds_ExtendedByTheLeastBitWestwardStaysSmall(t *testing.T) {
	t.Parallel()
	for _, lon := range []float64{4.9, -0.1278, 179.99, -180, 180, 0} {
		for _, other := range []float64{math.Nextafter(lon, -200), math.Nextafter(lon, 200)} {
			if math.Abs(other) > 180 {
				continue
			}
			b := providers.Bounds{South: 52, North: 52, West: lon, East: lon}.Extend(providers.Point{Lat: 52, Lon: other})
			if b.WidthDeg() > 1e-9 || !b.Contains(providers.Point{Lat: 52, Lon: lon}) || !b.Contains(providers.Point{Lat: 52, Lon: other}) {
				t.Errorf("from %v to %v: %v", lon, other, b)
			}
		}
	}
}

func TestBoundsOf_HoldsEveryPointToTheLastBit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SliceOfN(stated(points(90)), 1, 12).Draw(t, "line")
		b := providers.BoundsOf(line)
		width := 0.0
		for i, p := range line {
			if !b.Contains(p) {
				t.Errorf("%v lacks %v", b, p)
			}
			if i > 0 {
				width += math.Abs(math.Remainder(p.Lon-line[i-1].Lon, 360))
			}
		}
		if b.WidthDeg() > math.Min(360, width)+1e-9 {
			t.Errorf("%v is wider than the %v degrees of its steps", b, width)
		}
	})
}

func ExampleBounds() {
	fiji := providers.Bounds{South: -20, West: 176, North: -12, East: -178}
	fmt.Println("width", fiji.WidthDeg())
	fmt.Println("Suva", fiji.Contains(providers.Point{Lat: -18.14, Lon: 178.44}))
	fmt.Println("Lau", fiji.Contains(providers.Point{Lat: -17.2, Lon: -178.9}))
	fmt.Println("Greenwich", fiji.Contains(providers.Point{Lat: -18, Lon: 0}))
	for _, part := range fiji.Split() {
		fmt.Println(part.West, "to", part.East)
	}
	// Output:
	// width 6
	// Suva true
	// Lau true
	// Greenwich false
	// 176 to 180
	// -180 to -178
}

func TestWorld_HoldsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if p := points(90).Draw(t, "point"); !providers.World().Contains(p) {
			t.Errorf("the world lacks %v", p)
		}
	})
	if diff := cmp.Diff([]providers.Bounds{providers.World()}, providers.World().Split()); diff != "" {
		t.Errorf("Split() mismatch (-want +got):\n%s", diff)
	}
	for name, b := range map[string]providers.Bounds{
		"south of itself": {South: 1, North: 0}, "beyond the pole": {North: 91}, "beyond the antimeridian": {East: 181},
		"nowhere": {South: math.NaN()}, "endless": {West: math.Inf(-1)},
	} {
		if b.Valid() {
			t.Errorf("a box %s is valid", name)
		}
	}
}

package providers_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

func at(lat, lon float64) *providers.Site {
	return &providers.Site{Location: providers.Point{Lat: lat, Lon: lon}}
}

func site(p providers.Point) *providers.Site { return &providers.Site{Location: p} }

// along returns the point at share 0..1 of the step from p to q: straight in
// degrees, the short way round.
func along(p, q providers.Point, share float64) providers.Point {
	return providers.Point{Lat: p.Lat + share*(q.Lat-p.Lat), Lon: turned(p.Lon + share*turned(q.Lon-p.Lon))}
}

// bruteForceM returns how far p is from a line: the least of many samples,
// then closed in on around the best of each step.
func bruteForceM(line []providers.Point, p providers.Point) float64 {
	best := math.Inf(1)
	for i := range len(line) - 1 {
		distance := func(share float64) float64 { return sphereM(p, along(line[i], line[i+1], share)) }
		const samples = 300
		least, place := math.Inf(1), 0.0
		for k := 0; k <= samples; k++ {
			if d := distance(float64(k) / samples); d < least {
				least, place = d, float64(k)/samples
			}
		}
		low, high := math.Max(0, place-1.0/samples), math.Min(1, place+1.0/samples)
		for range 60 {
			third := (high - low) / 3
			if distance(low+third) < distance(high-third) {
				high -= third
			} else {
				low += third
			}
		}
		best = math.Min(best, math.Min(least, distance(low)))
	}
	return best
}

// lines stay in one region, at any latitude up to a limit and over the antimeridian.
func lines(limit float64) *rapid.Generator[[]providers.Point] {
	return rapid.Custom(func(t *rapid.T) []providers.Point {
		line := []providers.Point{points(limit).Draw(t, "start")}
		stepDeg := rapid.SampledFrom([]float64{0.001, 0.1, 2}).Draw(t, "step")
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			last := line[len(line)-1]
			line = append(line, providers.Point{
				Lat: math.Max(-limit, math.Min(limit, last.Lat+stepDeg*rapid.Float64Range(-1, 1).Draw(t, "north"))),
				Lon: turned(last.Lon + 2*stepDeg*rapid.Float64Range(-1, 1).Draw(t, "east")),
			})
		}
		return line
	})
}

// besides draws a point about m metres from the line.
func besides(t *rapid.T, line []providers.Point, m float64) providers.Point {
	i := rapid.IntRange(0, len(line)-2).Draw(t, "step")
	from := along(line[i], line[i+1], rapid.Float64Range(0, 1).Draw(t, "along"))
	return toward(from, rapid.Float64Range(0, 360).Draw(t, "bearing"), m*rapid.Float64Range(0, 1.2).Draw(t, "aside"))
}

func TestRoute_HoldsWhatTrueMetresHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := lines(85).Draw(t, "line")
		m := rapid.SampledFrom([]float64{1, 500, 5_000, 50_000}).Draw(t, "distance")
		route := providers.NewRoute(line, m)
		p := besides(t, line, m)
		want := bruteForceM(line, p)
		offset, position := route.Locate(p)
		switch {
		case want < m-0.01 || route.Holds(site(p)):
			if math.Abs(offset-want) > 0.01 {
				t.Errorf("%v is %v m from the line, want %v", p, offset, want)
			}
			if position < 0 || position > route.LengthM() {
				t.Errorf("position %v on a line of %v m", position, route.LengthM())
			}
		case want > m+0.01:
			if !math.IsInf(offset, 1) || !math.IsInf(position, 1) {
				t.Errorf("%v is %v m from the line, beyond %v, but at %v, %v", p, want, m, offset, position)
			}
		}
		if route.Holds(site(p)) != (offset <= m) {
			t.Errorf("Holds() = %v, offset %v of %v", route.Holds(site(p)), offset, m)
		}
	})
}

// On a flat map the nearest place of a line 50 km away is wrong by half a metre
// in Lyon and by fifty on Svalbard.
func TestRoute_IsRightToACentimetreFarOffAndFarNorth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for _, lat := range []float64{0, -46, 60, 78, -85} {
		line := []providers.Point{{lat, 179.9}, {lat + 0.4, -179.2}, {lat + 0.4, -178.6}}
		route := providers.NewRoute(line, 50_000)
		for range 60 {
			p := toward(line[1], random.Float64()*360, 50_000*random.Float64())
			want := bruteForceM(line, p)
			if got, _ := route.Locate(p); math.Abs(got-want) > 0.01 {
				t.Errorf("%v is %v m from the line, want %v", p, got, want)
			}
		}
	}
}

func TestRoute_PositionsRunFromStartToEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := lines(85).Draw(t, "line")
		route := providers.NewRoute(line, 100)
		length := 0.0
		for i := range len(line) - 1 {
			const parts = 200
			for k := range parts {
				length += sphereM(along(line[i], line[i+1], float64(k)/parts), along(line[i], line[i+1], float64(k+1)/parts))
			}
		}
		if math.Abs(route.LengthM()-length) > 1e-3+length*1e-5 {
			t.Errorf("LengthM() = %v, want %v", route.LengthM(), length)
		}
		if offset, position := route.Locate(line[0]); offset > 1e-3 || position > 1e-3 {
			t.Errorf("the start is %v m off, at %v", offset, position)
		}
		straight := providers.NewRoute(line[:2], 100)
		before := -1.0
		for k := 0; k <= 20; k++ {
			_, position := straight.Locate(along(line[0], line[1], float64(k)/20))
			if position < before-1e-3 {
				t.Errorf("position %v after %v", position, before)
			}
			before = position
		}
		if math.Abs(before-straight.LengthM()) > 1e-3 {
			t.Errorf("the end lies at %v of %v", before, straight.LengthM())
		}
	})
}

func TestRoute_OfSeveralEquallyNearPlacesTheFirstCounts(t *testing.T) {
	t.Parallel()
	a, b := providers.Point{Lat: 52, Lon: 5}, providers.Point{Lat: 52, Lon: 5.05}
	there := providers.NewRoute([]providers.Point{a, b, a, b}, 1000)
	if _, position := there.Locate(providers.Point{Lat: 52.001, Lon: 5.02}); position > there.LengthM()/3 {
		t.Errorf("position %v on a line of %v that passes three times", position, there.LengthM())
	}
	still := providers.NewRoute([]providers.Point{a, a}, 1000)
	if offset, position := still.Locate(providers.Point{Lat: 52.001, Lon: 5}); math.Abs(offset-111.2) > 0.1 || position != 0 {
		t.Errorf("a line that stays put: offset %v, position %v", offset, position)
	}
}

// rings are simple, star-shaped about a middle, mostly concave.
func rings(limit float64) *rapid.Generator[[]providers.Point] {
	return rapid.Custom(func(t *rapid.T) []providers.Point {
		middle := points(limit-6).Draw(t, "middle")
		size := rapid.SampledFrom([]float64{0.001, 0.1, 5}).Draw(t, "size")
		n := rapid.IntRange(3, 12).Draw(t, "corners")
		ring := make([]providers.Point, n)
		for i := range ring {
			r := size * rapid.Float64Range(0.2, 1).Draw(t, "radius")
			sin, cos := math.Sincos((float64(i) + rapid.Float64Range(0.1, 0.9).Draw(t, "turn")) * 2 * math.Pi / float64(n))
			ring[i] = providers.Point{Lat: middle.Lat + r*sin, Lon: turned(middle.Lon + r*cos)}
		}
		return ring
	})
}

// scrawls cross themselves at will.
func scrawls() *rapid.Generator[[]providers.Point] {
	return rapid.Custom(func(t *rapid.T) []providers.Point {
		middle := points(80).Draw(t, "middle")
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) providers.Point {
			return providers.Point{
				Lat: middle.Lat + rapid.Float64Range(-5, 5).Draw(t, "north"),
				Lon: turned(middle.Lon + rapid.Float64Range(-50, 50).Draw(t, "east")),
			}
		}), 3, 9).Draw(t, "corners")
	})
}

// crossings counts the edges due north of p, an even-odd rule for a ray along
// the meridian, and tells how near p comes to an edge in degrees. Edges are
// taken relative to p, so that no edge crosses the antimeridian.
func crossings(ring []providers.Point, p providers.Point) (n int, nearDeg float64) {
	nearDeg = math.Inf(1)
	for i := range ring {
		a, b := ring[i], ring[(i+1)%len(ring)]
		ax := turned(a.Lon - p.Lon)
		bx := ax + turned(b.Lon-a.Lon)
		ay, by := a.Lat-p.Lat, b.Lat-p.Lat
		share := 0.0
		if norm := (bx-ax)*(bx-ax) + (by-ay)*(by-ay); norm > 0 {
			share = math.Max(0, math.Min(1, -(ax*(bx-ax)+ay*(by-ay))/norm))
		}
		nearDeg = math.Min(nearDeg, math.Hypot(ax+share*(bx-ax), ay+share*(by-ay)))
		if ax < 0 == (bx < 0) {
			continue
		}
		if ay+(by-ay)*(-ax)/(bx-ax) > 0 {
			n++
		}
	}
	return n, nearDeg
}

func TestPolygon_HoldsWhatAnOddNumberOfEdgesEncloses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ring := rapid.OneOf(rings(85), scrawls()).Draw(t, "ring")
		p := providers.NewPolygon(ring)
		b := providers.BoundsOf(ring).Grow(1000)
		for range 10 {
			q := within(t, b)
			n, near := crossings(ring, q)
			if near < 1e-9 {
				continue
			}
			if got := p.Holds(site(q)); got != (n%2 == 1) {
				t.Errorf("polygon %v holds %v: %v, with %d edges to its north", ring, q, got, n)
			}
		}
	})
}

func TestPolygon_HoldsTheWholeOfItsEdges(t *testing.T) {
	t.Parallel()
	t.Run("EveryCorner", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			ring := scrawls().Draw(t, "corners")
			for i := range ring {
				ring[i] = round7(ring[i])
			}
			p := providers.NewPolygon(ring)
			for _, corner := range ring {
				if !p.Holds(site(corner)) {
					t.Errorf("polygon %v lacks its corner %v", ring, corner)
				}
			}
		})
	})
	t.Run("EveryStraightSideOfABox", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			p := stated(points(80)).Draw(t, "corner")
			west, south := p.Lon, p.Lat
			// Whatever is stated with seven decimals has a side of its own.
			east, north := turned(math.Round((west+rapid.Float64Range(0.001, 170).Draw(t, "width"))*1e7)/1e7), south+rapid.Float64Range(0.001, 9).Draw(t, "height")
			box := providers.NewPolygon([]providers.Point{{south, west}, {south, east}, {north, east}, {north, west}})
			share := rapid.Float64Range(0.001, 0.999).Draw(t, "share")
			lat := south + share*(north-south)
			for _, q := range []providers.Point{{lat, west}, {lat, east}, {south, west}, {north, along(providers.Point{Lon: west}, providers.Point{Lon: east}, share).Lon}} {
				if !box.Holds(site(q)) {
					t.Errorf("box %v lacks %v on its side", box.Ring(), q)
				}
			}
		})
	})
	t.Run("ASlopeThatNumbersCanHit", func(t *testing.T) {
		t.Parallel()
		for _, lon := range []float64{0, 100, 175, 180, -180} {
			p := providers.NewPolygon([]providers.Point{{0, lon}, {3, turned(lon + 9)}, {0, turned(lon + 9)}})
			for k := range 10 {
				if q := at(float64(k)/3, turned(lon+float64(k))); k%3 == 0 && !p.Holds(q) {
					t.Errorf("from longitude %v: the slope lacks %v", lon, q.Location)
				}
			}
		}
	})
}

func TestPolygon_AcrossTheAntimeridianIsThatOnItsOtherSide(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		shape := rings(85).Draw(t, "ring")
		q := within(t, providers.BoundsOf(shape))
		if _, near := crossings(shape, q); near < 1e-9 {
			t.Skip("too near an edge for a rounding")
		}
		shift := rapid.Float64Range(-360, 360).Draw(t, "shift")
		moved := make([]providers.Point, len(shape))
		for i, p := range shape {
			moved[i] = providers.Point{Lat: p.Lat, Lon: turned(p.Lon + shift)}
		}
		there := providers.Point{Lat: q.Lat, Lon: turned(q.Lon + shift)}
		if providers.NewPolygon(shape).Holds(site(q)) != providers.NewPolygon(moved).Holds(site(there)) {
			t.Errorf("%v in %v, but not %v in %v", q, shape, there, moved)
		}
	})
}

// Its two ends lie on one meridian, each with its own reach in latitude.
func TestPolygon_AsWideAsTheEarthHoldsBothItsEnds(t *testing.T) {
	t.Parallel()
	p := providers.NewPolygon([]providers.Point{{0, -180}, {0, -60}, {0, 60}, {5, 180}, {20, 180}, {20, 60}, {10, -60}, {10, -180}})
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	for lat, want := range map[float64]bool{-1: false, 0: true, 3: true, 7: true, 15: true, 20: true, 21: false} {
		for _, lon := range []float64{-180, 180} {
			if p.Holds(at(lat, lon)) != want {
				t.Errorf("latitude %v, longitude %v: held %v", lat, lon, !want)
			}
		}
	}
}

func TestPolygon_IsClosedByItself(t *testing.T) {
	t.Parallel()
	open := []providers.Point{{10, 179}, {10, -179}, {12, -179}, {12, 180}}
	for name, last := range map[string]providers.Point{"AsItBegan": {10, 179}, "ByTheOtherNameOfTheSamePlace": {10, 180}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring := append([]providers.Point{}, open...)
			if last.Lon == 180 {
				ring[0].Lon = -180
			}
			p := providers.NewPolygon(append(ring, last))
			if diff := cmp.Diff(ring, p.Ring()); diff != "" {
				t.Errorf("Ring() mismatch (-want +got):\n%s", diff)
			}
			if err := p.Check(); err != nil {
				t.Errorf("Check() = %v", err)
			}
		})
	}
}

func TestPolygon_CheckAcceptsEverySimpleRing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ring := rings(85).Draw(t, "ring")
		if err := providers.NewPolygon(ring).Check(); err != nil {
			t.Errorf("%v: %v", ring, err)
		}
	})
	for name, ring := range map[string][]providers.Point{
		"AnArrow":                {{0, 0}, {2, 2}, {0, 4}, {1, 2}},
		"AComb":                  {{0, 0}, {5, 0}, {5, 1}, {1, 1}, {1, 2}, {5, 2}, {5, 3}, {0, 3}},
		"CornersInARow":          {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {2, 3}, {2, 0}, {1, 0}},
		"OverTheAntimeridian":    {{0, 170}, {0, -170}, {10, 180}},
		"MostOfTheWorld":         {{-80, -179}, {-80, -60}, {-80, 60}, {-80, 179}, {80, 179}, {80, 60}, {80, -60}, {80, -179}},
		"AllOfTheWorldButPoles":  {{-80, -180}, {-80, -60}, {-80, 60}, {-80, 180}, {80, 180}, {80, 60}, {80, -60}, {80, -180}},
		"AThinSliver":            {{52, 4}, {52, 5}, {52.0000001, 4.5}},
		"ATriangleOfAMillimetre": {{52, 4}, {52, 4.00000001}, {52.00000001, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := providers.NewPolygon(ring).Check(); err != nil {
				t.Errorf("Check() = %v", err)
			}
		})
	}
}

func TestPolygon_CheckRefusesWhatBoundsNoArea(t *testing.T) {
	t.Parallel()
	const (
		twice   = "the polygon has the same corner twice"
		touches = "the polygon touches or crosses itself"
		round   = "the polygon goes round the Earth; cut it in two"
	)
	for name, c := range map[string]struct {
		ring []providers.Point
		want providers.RingError
	}{
		"ABowTie":                    {[]providers.Point{{0, 0}, {2, 2}, {2, 0}, {0, 2}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 1, Lon: 1}}},
		"ABowTieOverTheAntimeridian": {[]providers.Point{{0, 178}, {2, -178}, {2, 178}, {0, -178}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 1, Lon: 180}}},
		"ASpike":                     {[]providers.Point{{0, 0}, {0, 2}, {0, 1}, {1, 1}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 0, Lon: 1}}},
		"ASpikeAtTheSeam":            {[]providers.Point{{0, 2}, {0, 1}, {1, 1}, {0, 0}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 0, Lon: 1}}},
		"AllInALine":                 {[]providers.Point{{0, 0}, {1, 1}, {2, 2}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 1, Lon: 1}}},
		"ThereAndBack":               {[]providers.Point{{0, 0}, {1, 1}, {0, 0}, {1, 1}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 1, Lon: 1}}},
		"ACornerOnAnEdge":            {[]providers.Point{{0, 0}, {0, 4}, {4, 4}, {0, 2}, {4, 0}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 0, Lon: 2}}},
		"ACornerOnACorner":           {[]providers.Point{{0, 0}, {2, 2}, {4, 0}, {4, 4}, {2, 2}, {0, 4}}, providers.RingError{Reason: touches, At: providers.Point{Lat: 2, Lon: 2}}},
		"TheSameCornerTwice":         {[]providers.Point{{0, 0}, {0, 2}, {0, 2}, {1, 1}}, providers.RingError{Reason: twice, At: providers.Point{Lat: 0, Lon: 2}}},
		"ThreeTimesOnePlace":         {[]providers.Point{{1, 1}, {1, 1}, {1, 1}}, providers.RingError{Reason: twice, At: providers.Point{Lat: 1, Lon: 1}}},
		"OneCornerUnderBothItsNames": {[]providers.Point{{0, 180}, {0, -180}, {1, 179}, {-1, 179}}, providers.RingError{Reason: twice, At: providers.Point{Lat: 0, Lon: 180}}},
		"RoundThePole":               {[]providers.Point{{80, 0}, {80, 120}, {80, -120}}, providers.RingError{Reason: round, At: providers.Point{Lat: 80, Lon: 0}}},
		// Its end lies over its beginning, though on a flat map that runs on it meets nothing.
		"MoreThanOnceRoundAndBack": {
			[]providers.Point{{0, 0}, {0, 100}, {0, -160}, {0, -60}, {0, 40}, {10, 40}, {10, -60}, {10, -160}, {10, 100}, {10, 0}},
			providers.RingError{Reason: round, At: providers.Point{Lat: 0, Lon: 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *providers.RingError
			if err := providers.NewPolygon(c.ring).Check(); !errors.As(err, &got) {
				t.Fatalf("Check() = %v", err)
			}
			if math.Abs(got.At.Lon) == 180 {
				got.At.Lon = 180
			}
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("Check() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRingError_SaysWhere(t *testing.T) {
	t.Parallel()
	err := providers.NewPolygon([]providers.Point{{0, 0}, {2, 2}, {2, 0}, {0, 2}}).Check()
	if want := "the polygon touches or crosses itself near latitude 1.000000, longitude 1.000000"; err == nil || err.Error() != want {
		t.Errorf("Check() = %v, want %s", err, want)
	}
}

func TestPolygon_CheckFindsEveryCrossingAndWhereItIs(t *testing.T) {
	t.Parallel()
	// Two edges cross when the ends of each lie on different sides of the other;
	// here by slopes and intercepts, as taught at school.
	crosses := func(a, b, c, d providers.Point) bool {
		cut := func(a, b, c, d providers.Point) bool {
			f := func(p providers.Point) float64 { return (p.Lat-a.Lat)*(b.Lon-a.Lon) - (b.Lat-a.Lat)*(p.Lon-a.Lon) }
			return f(c)*f(d) < 0
		}
		return cut(a, b, c, d) && cut(c, d, a, b)
	}
	onEdge := func(p, a, b providers.Point) bool {
		width, height := b.Lon-a.Lon, b.Lat-a.Lat
		share := ((p.Lon-a.Lon)*width + (p.Lat-a.Lat)*height) / (width*width + height*height)
		return share > -1e-6 && share < 1+1e-6 && math.Hypot(a.Lon+share*width-p.Lon, a.Lat+share*height-p.Lat) < 1e-6
	}
	rapid.Check(t, func(t *rapid.T) {
		flat := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) providers.Point {
			return round7(providers.Point{Lat: rapid.Float64Range(-5, 5).Draw(t, "lat"), Lon: rapid.Float64Range(-50, 50).Draw(t, "lon")})
		}), 3, 9).Draw(t, "flat")
		shift := rapid.SampledFrom([]float64{0, 100, 180, -175}).Draw(t, "shift")
		ring := make([]providers.Point, len(flat))
		for i, p := range flat {
			ring[i] = providers.Point{Lat: p.Lat, Lon: turned(p.Lon + shift)}
		}
		want := false
		for i := range flat {
			for j := range i {
				want = want || crosses(flat[i], flat[(i+1)%len(flat)], flat[j], flat[(j+1)%len(flat)])
			}
		}
		var fault *providers.RingError
		if !errors.As(providers.NewPolygon(ring).Check(), &fault) {
			if want {
				t.Fatalf("%v passes", ring)
			}
			return
		}
		place := providers.Point{Lat: fault.At.Lat, Lon: turned(fault.At.Lon - shift)}
		edges := 0
		for i := range flat {
			if onEdge(place, flat[i], flat[(i+1)%len(flat)]) {
				edges++
			}
		}
		if edges < 2 && fault.Reason == "the polygon touches or crosses itself" {
			t.Errorf("%v is said to cross itself at %v, which is on %d edges", ring, fault.At, edges)
		}
	})
}

// areas are of every kind with a shape.
func areas() *rapid.Generator[providers.Area] {
	return rapid.Custom(func(t *rapid.T) providers.Area {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return boxes(90).Draw(t, "box")
		case 1:
			return providers.Around{
				Center:  points(90).Draw(t, "center"),
				RadiusM: rapid.SampledFrom([]float64{0.001, 1, 500, 50_000, 500_000}).Draw(t, "radius"),
			}
		case 2:
			return providers.NewPolygon(rings(85).Draw(t, "ring"))
		}
		return providers.NewRoute(lines(85).Draw(t, "line"), rapid.SampledFrom([]float64{1, 500, 50_000}).Draw(t, "distance"))
	})
}

// somewhere draws a point in or about an area.
func somewhere(t *rapid.T, area providers.Area) providers.Point {
	return within(t, rapid.SampledFrom(area.Cover()).Draw(t, "cover"))
}

func TestArea_CoverHoldsEveryPointOfIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		area := areas().Draw(t, "area")
		if rapid.Bool().Draw(t, "grown") {
			area = area.Widen(rapid.Float64Range(0, 5_000).Draw(t, "margin"))
		}
		covers := area.Cover()
		if len(covers) == 0 {
			t.Fatal("no cover")
		}
		for range 5 {
			p := rapid.OneOf(points(90), rapid.Custom(func(t *rapid.T) providers.Point {
				return toward(somewhere(t, area), rapid.Float64Range(0, 360).Draw(t, "bearing"), rapid.Float64Range(0, 10_000).Draw(t, "off"))
			})).Draw(t, "point")
			held := false
			for _, b := range covers {
				if !b.Valid() {
					t.Fatalf("cover %v is no box", b)
				}
				held = held || b.Contains(p)
			}
			if area.Holds(site(p)) && !held {
				t.Errorf("%+v holds %v, none of %v does", area, p, covers)
			}
		}
	})
}

func TestArea_WidenedHoldsWhatIsWithinTheMargin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		area := areas().Draw(t, "area")
		p := somewhere(t, area)
		if !area.Holds(site(p)) {
			t.Skip("beside the area")
		}
		m := rapid.SampledFrom([]float64{0.5, 300, 1_700, 2_700, 20_000}).Draw(t, "margin")
		// In two steps it must reach as far as in one.
		first := m * rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(t, "first")
		widened := area.Widen(first).Widen(m - first)
		const slackM = 1e-3
		q := toward(p, rapid.Float64Range(0, 360).Draw(t, "bearing"), (m-slackM)*rapid.OneOf(rapid.Just(1.0), rapid.Float64Range(0, 1)).Draw(t, "share"))
		if !widened.Holds(site(p)) || !widened.Holds(site(q)) {
			t.Errorf("%+v holds %v; widened by %v m it lacks %v, %v m from it", area, p, m, q, sphereM(p, q))
		}
	})
}

func TestPolygon_WidenedHoldsNothingFurtherOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ring := rings(85).Draw(t, "ring")
		m := rapid.SampledFrom([]float64{1, 300, 2_700, 20_000}).Draw(t, "margin")
		grown, ok := providers.NewPolygon(ring).Widen(m).(*providers.Polygon)
		if !ok || grown.MarginM() != m {
			t.Fatalf("Widen() = %+v", grown)
		}
		p := besides(t, append(ring, ring[0]), m)
		n, near := crossings(ring, p)
		if near < 1e-9 {
			t.Skip("on an edge")
		}
		d := bruteForceM(append(ring, ring[0]), p)
		if math.Abs(d-m) < 0.01 {
			t.Skip("on the margin")
		}
		if want := n%2 == 1 || d < m; grown.Holds(site(p)) != want {
			t.Errorf("%v is %v m from %v: grown by %v it holds it: %v", p, d, ring, m, !want)
		}
	})
}

func TestArea_WideningLeavesTheFirstAlone(t *testing.T) {
	t.Parallel()
	ring := []providers.Point{{52, 4}, {52, 5}, {53, 5}}
	polygon, route := providers.NewPolygon(ring), providers.NewRoute(ring, 1000)
	outside := at(51.9, 4.5)
	for _, area := range []providers.Area{polygon, route} {
		if wide := area.Widen(20_000); !wide.Holds(outside) || area.Holds(outside) {
			t.Errorf("%T: widened holds %v, itself %v", area, wide.Holds(outside), area.Holds(outside))
		}
		if again := area.Widen(20_000).Widen(0); !again.Holds(outside) {
			t.Errorf("%T: widened by nothing it forgets that it was widened", area)
		}
	}
	if polygon.MarginM() != 0 || route.DistanceM() != 1000 {
		t.Errorf("margin %v, distance %v", polygon.MarginM(), route.DistanceM())
	}
	if diff := cmp.Diff(ring, route.Points()); diff != "" {
		t.Errorf("Points() mismatch (-want +got):\n%s", diff)
	}
}

// What bounds rule out must never be the nearest: each piece by itself, as a line
// of two points, has nothing to rule out.
func TestRoute_TheNearestOfALineIsTheNearestOfItsPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		middle := providers.Point{Lat: rapid.Float64Range(-89, 89).Draw(t, "latitude"), Lon: rapid.Float64Range(-180, 180).Draw(t, "longitude")}
		size := math.Pow(10, rapid.Float64Range(0, 5.5).Draw(t, "size")) // metres
		reach := math.Pow(10, rapid.Float64Range(0, 4.7).Draw(t, "reach"))
		somewhere := func(within float64) providers.Point {
			return toward(middle, rapid.Float64Range(0, 360).Draw(t, "bearing"), within*rapid.Float64Range(0, 1).Draw(t, "distance"))
		}
		line := make([]providers.Point, rapid.IntRange(2, 150).Draw(t, "points"))
		for i := range line {
			line[i] = somewhere(size)
		}
		route := providers.NewRoute(line, reach)
		for range 5 {
			p := somewhere(size + reach)
			want := math.Inf(1)
			for i := 1; i < len(line); i++ {
				offset, _ := providers.NewRoute(line[i-1:i+1], reach).Locate(p)
				want = math.Min(want, offset)
			}
			if got, _ := route.Locate(p); got != want && math.Abs(got-want) > 1e-6 {
				t.Fatalf("%v is %v m from the line and %v m from one of its pieces", p, got, want)
			}
		}
	})
}

func TestInCountry_GoesByTheStatedCountryAlone(t *testing.T) {
	t.Parallel()
	area := providers.InCountry{Code: "NL"}
	berlin := at(52.5, 13.4)
	berlin.Address.CountryCode = "NL"
	if !area.Holds(berlin) || area.Holds(at(52.37, 4.9)) {
		t.Error("a country is judged by position")
	}
	if diff := cmp.Diff(providers.InCountry{Code: "NL", MarginM: 300}, area.Widen(100).Widen(200)); diff != "" {
		t.Errorf("Widen() mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]providers.Bounds{providers.World()}, area.Cover()); diff != "" {
		t.Errorf("Cover() mismatch (-want +got):\n%s", diff)
	}
}

// wandering is a line as a navigation system writes it: a point about every 300 m.
func wandering(n int) []providers.Point {
	random := rand.New(rand.NewPCG(1, 2))
	line := make([]providers.Point, n)
	p, bearing := providers.Point{Lat: 44, Lon: 2}, 30.0
	for i := range line {
		line[i] = p
		bearing += random.Float64()*40 - 20 + (30-bearing)/10
		p = toward(p, bearing, 300)
	}
	return line
}

func BenchmarkRoute_Locate(b *testing.B) {
	line := wandering(8_000)
	random := rand.New(rand.NewPCG(3, 4))
	candidates := make([]providers.Point, 5_000)
	for i := range candidates {
		candidates[i] = toward(line[random.IntN(len(line))], random.Float64()*360, random.Float64()*8_000)
	}
	b.Run("Prepare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			providers.NewRoute(line, 5_000)
		}
	})
	for _, m := range []float64{500, 5_000, 50_000} {
		b.Run(fmt.Sprintf("Within%gm", m), func(b *testing.B) {
			route := providers.NewRoute(line, m)
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range candidates {
					route.Locate(p)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(candidates)), "ns/point")
		})
	}
	// A corridor wider than all of the line is long: every piece is within reach.
	b.Run("ToAndFro", func(b *testing.B) {
		short := make([]providers.Point, 10_000)
		for i := range short {
			short[i] = providers.Point{Lat: 51.4 + float64(i%2)/1000, Lon: float64(i) / 1e6}
		}
		route := providers.NewRoute(short, 50_000)
		for b.Loop() {
			for range 100 {
				route.Locate(toward(short[0], random.Float64()*360, random.Float64()*50_000))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100), "ns/point")
	})
	// Every corner of the line for every point: no boxes, and only right to
	// half the length of a step.
	b.Run("Naive", func(b *testing.B) {
		const few = 50
		for b.Loop() {
			for _, p := range candidates[:few] {
				best := math.Inf(1)
				for _, q := range line {
					best = math.Min(best, p.DistanceM(q))
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*few), "ns/point")
	})
}

// jagged is a simple ring of n corners.
func jagged(n int) []providers.Point {
	ring := make([]providers.Point, n)
	for i := range ring {
		sin, cos := math.Sincos(float64(i) / float64(n) * 2 * math.Pi)
		r := 3 + float64(i%2)
		ring[i] = providers.Point{Lat: 47 + r*sin, Lon: 2 + r*cos}
	}
	return ring
}

func BenchmarkPolygon(b *testing.B) {
	ring := jagged(1_000)
	p := providers.NewPolygon(ring)
	random := rand.New(rand.NewPCG(5, 6))
	candidates := make([]*providers.Site, 1_000)
	for i := range candidates {
		candidates[i] = at(43+8*random.Float64(), -2+8*random.Float64())
	}
	b.Run("Check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Check(); err != nil {
				b.Fatal(err)
			}
		}
	})
	// Every pair of edges, without a look at their boxes.
	b.Run("CheckNaive", func(b *testing.B) {
		side := func(p, q, r providers.Point) bool {
			return (q.Lon-p.Lon)*(r.Lat-p.Lat) > (q.Lat-p.Lat)*(r.Lon-p.Lon)
		}
		for b.Loop() {
			for i := range ring {
				p, q := ring[i], ring[(i+1)%len(ring)]
				for j := range i {
					r, s := ring[j], ring[(j+1)%len(ring)]
					if i-j > 1 && i-j < len(ring)-1 && side(p, q, r) != side(p, q, s) && side(r, s, p) != side(r, s, q) {
						b.Fatal("crosses")
					}
				}
			}
		}
	})
	for _, m := range []float64{0, 2_700} {
		b.Run(fmt.Sprintf("HoldsWithin%gm", m), func(b *testing.B) {
			area := p.Widen(m)
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range candidates {
					area.Holds(s)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(candidates)), "ns/point")
		})
	}
	b.Run("HoldsNaive", func(b *testing.B) {
		for b.Loop() {
			for _, s := range candidates {
				crossings(ring, s.Location)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(candidates)), "ns/point")
	})
}

package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chargegraph/providers"
)

func TestSimplifyingStaysWithinItsTolerance(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var line []Point
		at := Point{}
		for range 2 + rng.IntN(300) {
			at = Point{at.X + rng.NormFloat64(), at.Y + rng.NormFloat64()}
			line = append(line, at)
		}
		tolerance := rng.Float64() * 3
		simple := Simplify(line, tolerance)
		if simple[0] != line[0] || simple[len(simple)-1] != line[len(line)-1] {
			t.Fatal("an end is lost")
		}
		for _, p := range line {
			nearest := math.Inf(1)
			for i := 1; i < len(simple); i++ {
				nearest = math.Min(nearest, math.Sqrt(p.toSegment2(simple[i-1], simple[i])))
			}
			if nearest > tolerance+1e-12 {
				t.Fatalf("a point of the line is %v from its simplification, allowed are %v", nearest, tolerance)
			}
		}
	}
}

// A line that goes to and fro is cut at an end each time, if at the farthest point.
func BenchmarkSimplify(b *testing.B) {
	lines := map[string][]Point{}
	for i := range 10_000 {
		x := float64(i) / 1e4
		lines["ToAndFro"] = append(lines["ToAndFro"], Point{x / 100, float64(i%2) / 1000})
		lines["Road"] = append(lines["Road"], Point{x, math.Sin(x*20)/50 + math.Sin(x*900)/1e4})
	}
	for name, line := range lines {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(len(Simplify(line, 5e-4))), "points")
			}
		})
	}
}

func TestStraightStretchesAreTwoPoints(t *testing.T) {
	t.Parallel()
	line := []Point{{0, 0}, {1, 0}, {2, 0.001}, {3, 0}, {3, 3}, {3, 3}}
	if got, want := Simplify(line, 0.01), []Point{{0, 0}, {3, 0}, {3, 3}}; !slices.Equal(got, want) {
		t.Errorf("Simplify() = %v, want %v", got, want)
	}
	if got := Simplify(line[:1], 1); !slices.Equal(got, line[:1]) {
		t.Errorf("a point became %v", got)
	}
}

func TestAnglesAreWrittenWithoutExponent(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", -0.0000001: "-0.0000001", 51.5: "51.5", -179.99999949: "-179.99999949"} {
		if got := Degrees(v); got != want {
			t.Errorf("Degrees(%v) = %q, want %q", v, got, want)
		}
	}
	if got := Degrees(Round6(-179.99999949)); got != "-179.999999" {
		t.Errorf("rounded to %s", got)
	}
}

func TestOnlyAreasOnEarthAreValid(t *testing.T) {
	t.Parallel()
	at, off := providers.Point{Lat: 51, Lon: 0}, providers.Point{Lat: 91, Lon: 0}
	corners := []providers.Point{at, {Lat: 52, Lon: 0}, {Lat: 52, Lon: 1}}
	for name, c := range map[string]struct {
		area providers.Area
		want bool
	}{
		"nothing":              {nil, false},
		"a box":                {providers.Bounds{South: 1, West: 179, North: 2, East: -179}, true},
		"a box upside down":    {providers.Bounds{South: 2, West: 1, North: 1, East: 2}, false},
		"a disc":               {providers.Around{Center: at, RadiusM: 1}, true},
		"a disc nowhere":       {providers.Around{Center: off, RadiusM: 1}, false},
		"a disc without end":   {providers.Around{Center: at, RadiusM: math.Inf(1)}, false},
		"a disc of no number":  {providers.Around{Center: at, RadiusM: math.NaN()}, false},
		"a disc inside out":    {providers.Around{Center: at, RadiusM: -1}, false},
		"a polygon":            {providers.NewPolygon(corners), true},
		"a line as a polygon":  {providers.NewPolygon(corners[:2]), false},
		"no polygon":           {(*providers.Polygon)(nil), false},
		"a route":              {providers.NewRoute(corners, 1), true},
		"a point as a route":   {providers.NewRoute(corners[:1], 1), false},
		"a route into nowhere": {providers.NewRoute([]providers.Point{at, off}, 1), false},
		"no route":             {(*providers.Route)(nil), false},
		"a country":            {providers.InCountry{Code: "GB"}, true},
	} {
		if got := ValidArea(c.area); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTheMiddleOfABoxIsInsideOfIt(t *testing.T) {
	t.Parallel()
	for b, want := range map[providers.Bounds]float64{
		{West: 4, East: 6}: 5, {West: 170, East: -170}: 180, {West: 170, East: -160}: -175, {West: -180, East: 180}: 0,
	} {
		if got := MidLon(b); got != want || !b.Contains(providers.Point{Lon: got}) {
			t.Errorf("MidLon(%+v) = %v, want %v", b, got, want)
		}
	}
}

package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
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
				nearest = math.Min(nearest, p.toSegment(simple[i-1], simple[i]))
			}
			if nearest > tolerance+1e-12 {
				t.Fatalf("a point of the line is %v from its simplification, allowed are %v", nearest, tolerance)
			}
		}
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

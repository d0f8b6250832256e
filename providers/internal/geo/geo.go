// Package geo has the plane geometry that sources use to put a question into
// words. Upstreams take a route as a list of so many points, or of so many
// characters; what is left out of a line must be made up for by asking farther
// around it, so that every simplification here has a bound that holds, and the
// caller adds the bound to its reach.
//
// All of it happens on a flat map of degrees, x east and y north, that knows
// neither the antimeridian nor the poles nor that degrees of longitude get
// shorter: callers turn away, or cut up, what those would spoil. Geometry on the
// globe is in package providers; of it, here are only two questions that sources
// ask alike, [ValidArea] and [MidLon].
package geo

import (
	"math"
	"slices"
	"strconv"

	"chargegraph/providers"
)

// Point is a place on the flat map.
type Point struct{ X, Y float64 }

// Simplify drops points of a line, but never its ends, so that no point of the
// old line is farther than tolerance from the new one (Douglas and Peucker). The
// line must have a point; it is not changed.
func Simplify(line []Point, tolerance float64) []Point {
	keep := make([]bool, len(line))
	keep[0], keep[len(line)-1] = true, true
	stack := [][2]int{{0, len(line) - 1}}
	for len(stack) > 0 {
		from, to := stack[len(stack)-1][0], stack[len(stack)-1][1]
		stack = stack[:len(stack)-1]
		farthest, distance := -1, tolerance*tolerance
		for i := from + 1; i < to; i++ {
			if d := line[i].toSegment2(line[from], line[to]); d > distance {
				farthest, distance = i, d
			}
		}
		if farthest >= 0 {
			// A cut at either end leaves nearly as much to do as there was, and of a line
			// that goes to and fro all cuts are there: its time would grow with the square.
			end := (to - from) / shortestPart
			cut := min(max(farthest, from+end), to-end)
			keep[cut] = true
			stack = append(stack, [2]int{from, cut}, [2]int{cut, to})
		}
	}
	var simple []Point
	for i, p := range line {
		if keep[i] {
			simple = append(simple, p)
		}
	}
	return simple
}

// shortestPart is the part of a stretch that a cut leaves on either side at least:
// small enough that a corner near an end of some points is found at once.
const shortestPart = 16

// toSegment2 returns the square of the distance of p from the segment a–b.
func (p Point) toSegment2(a, b Point) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	t := 0.0
	if n := dx*dx + dy*dy; n > 0 {
		t = max(0, min(1, ((p.X-a.X)*dx+(p.Y-a.Y)*dy)/n))
	}
	x, y := p.X-a.X-t*dx, p.Y-a.Y-t*dy
	return x*x + y*y
}

// Degrees writes an angle as upstreams read it: as many digits as it needs, no
// exponent.
func Degrees(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Round6 rounds an angle to six places, which are 11 cm: no upstream looks
// closer, and shorter numbers make questions that are equal look so.
func Round6(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// ValidArea reports whether an area is one that can be asked for: all of it on
// Earth, with enough points, and with a reach that ends.
func ValidArea(a providers.Area) bool {
	valid := func(points []providers.Point, margin float64) bool {
		return margin >= 0 && !math.IsInf(margin, 1) && !slices.ContainsFunc(points, func(p providers.Point) bool { return !p.Valid() })
	}
	switch a := a.(type) {
	case providers.Around:
		return valid([]providers.Point{a.Center}, a.RadiusM)
	case providers.Bounds:
		return a.Valid()
	case *providers.Polygon:
		return a != nil && len(a.Ring()) >= 3 && valid(a.Ring(), a.MarginM())
	case *providers.Route:
		return a != nil && len(a.Points()) >= 2 && valid(a.Points(), a.DistanceM())
	case providers.InCountry:
		return true
	}
	return false
}

// MidLon returns the longitude in the middle of a box, -180..180, also where it
// crosses the antimeridian.
func MidLon(b providers.Bounds) float64 {
	lon := b.West + b.WidthDeg()/2
	if lon > 180 {
		lon -= 360
	}
	return lon
}

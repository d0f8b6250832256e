package ocm

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/twpayne/go-polyline"

	"chargegraph/providers"
	"chargegraph/providers/internal/geo"
)

const (
	// maxAreaKM2 is the size from which on an area is not asked for whole: half
	// of France, of which one page shows a fraction wherever chargers are common.
	maxAreaKM2 = 250_000
	// maxShapeText bounds the points in a URL, as they are after escaping:
	// servers take 8 kB.
	maxShapeText = 5_000
	// paddingM is more than all rounding of figures in a URL.
	paddingM = 1
	// simplifiedDeg is the tolerance with which OCM simplifies the outline of a
	// buffered line.
	simplifiedDeg = 0.001
	// arcLoss is what a buffer loses by its arcs being drawn with eight chords
	// to the quarter circle.
	arcLoss = 0.006
)

// shape is one way to ask for a place: the parameters, and boxes that together
// hold every place that OCM may answer with.
type shape struct {
	params map[string]string
	within []providers.Bounds
}

// plan is how a question is put to OCM: one call for each shape.
type plan struct {
	shapes  []shape
	filter  map[string]string
	partial bool
}

// plan validates the question: nothing that OCM might drop is ever sent.
func (s *Source) plan(q providers.Query) (*plan, error) {
	if !geo.ValidArea(q.Area) {
		return nil, &providers.SourceError{Code: providers.CodeRejected, Message: "the area is not one on Earth"}
	}
	if c, ok := q.Area.(providers.InCountry); ok {
		id, ok := s.countryID(c.Code)
		if !ok {
			return nil, unknownCountry()
		}
		p := &plan{partial: true, filter: pushDown(q.Filter, s.countryID)}
		p.filter["countryid"] = strconv.Itoa(id)
		p.shapes = []shape{{within: []providers.Bounds{providers.World()}}}
		return p, nil
	}
	if areaKM2(q.Area) <= maxAreaKM2 {
		return &plan{shapes: shapesOf(q.Area)}, nil
	}
	p := &plan{partial: true, filter: pushDown(q.Filter, s.countryID), shapes: shapesOf(q.Area)}
	if len(p.shapes) > 1 {
		p.shapes = []shape{aroundBox(q.Area.Cover())}
	}
	return p, nil
}

// areaKM2 returns the size of an area with a shape, roughly where it is no box.
func areaKM2(a providers.Area) float64 {
	switch a := a.(type) {
	case providers.Around:
		return math.Pi * a.RadiusM * a.RadiusM / 1e6
	case providers.Bounds:
		return a.AreaKM2()
	case *providers.Route:
		reach := a.DistanceM() / 1000
		return a.LengthM()/1000*2*reach + math.Pi*reach*reach
	case *providers.Polygon:
		if corners, ok := hullOf(a); ok {
			return hullKM2(corners)
		}
	}
	total := 0.0
	for _, b := range a.Cover() {
		total += b.AreaKM2()
	}
	return total
}

// shapesOf returns how to ask for an area: whatever they answer holds it.
func shapesOf(a providers.Area) []shape {
	switch a := a.(type) {
	case providers.Around:
		return []shape{around(a.Center, a.RadiusM)}
	case *providers.Polygon:
		if corners, ok := hullOf(a); ok {
			if s, ok := polygonShape(corners); ok {
				return []shape{s}
			}
		}
	case *providers.Route:
		if s, ok := routeShape(a); ok {
			return []shape{s}
		}
		return boxShapes(union(a.Cover()))
	}
	return boxShapes(union(a.Cover()))
}

func union(boxes []providers.Bounds) providers.Bounds {
	b := boxes[0]
	for _, c := range boxes[1:] {
		if c.WidthDeg() >= 360 {
			b.West, b.East = -180, 180
		}
		b = b.Extend(providers.Point{Lat: c.South, Lon: c.West}).Extend(providers.Point{Lat: c.North, Lon: c.East})
		if mid := (providers.Point{Lat: c.South, Lon: geo.MidLon(c)}); !b.Contains(mid) {
			b = b.Extend(mid)
		}
	}
	return b
}

// boxShapes asks for a box, in two parts where it crosses the antimeridian. A
// box without width or height gets some: OCM cannot see a line.
func boxShapes(b providers.Bounds) []shape {
	var shapes []shape
	for _, part := range b.Split() {
		const pad = 1e-6
		part.South, part.North = math.Max(part.South-pad, -90), math.Min(part.North+pad, 90)
		part.West, part.East = math.Max(part.West-pad, -180), math.Min(part.East+pad, 180)
		s := shape{within: []providers.Bounds{part}}
		if part.WidthDeg() < 360 || part.North-part.South < 180 { // else it is the world, and no shape at all
			s.params = map[string]string{"boundingbox": pointList([]providers.Point{
				{Lat: part.South, Lon: part.West}, {Lat: part.North, Lon: part.East},
			})}
		}
		shapes = append(shapes, s)
	}
	return shapes
}

func around(center providers.Point, radiusM float64) shape {
	reach := radiusM*(1+1e-6) + paddingM
	return shape{
		params: map[string]string{
			"latitude":     geo.Degrees(center.Lat),
			"longitude":    geo.Degrees(center.Lon),
			"distance":     strconv.FormatFloat(reach/1000, 'f', 6, 64),
			"distanceunit": "km",
		},
		within: providers.Around{Center: center, RadiusM: reach + paddingM}.Cover(),
	}
}

// aroundBox asks for a disc about a large place that takes two boxes: only one
// call is due to an area that cannot be had whole.
func aroundBox(boxes []providers.Bounds) shape {
	b := union(boxes)
	center := providers.Point{Lat: (b.South + b.North) / 2, Lon: geo.MidLon(b)}
	radius := 0.0
	for _, lat := range []float64{b.South, center.Lat, b.North} {
		for _, lon := range []float64{b.West, b.East} {
			radius = math.Max(radius, center.DistanceM(providers.Point{Lat: lat, Lon: lon}))
		}
	}
	return around(center, radius)
}

// unrolled returns points with every step taken the short way round.
func unrolled(points []providers.Point) []geo.Point {
	flat := make([]geo.Point, len(points))
	x := points[0].Lon
	for i, p := range points {
		if i > 0 {
			step := p.Lon - points[i-1].Lon
			if step > 180 {
				step -= 360
			} else if step < -180 {
				step += 360
			}
			x += step
		}
		flat[i] = geo.Point{X: x, Y: p.Lat}
	}
	return flat
}

// hullOf returns the convex hull of a polygon and of its margin. OCM takes the
// hull of whatever it is given; it cannot be given one that crosses the
// antimeridian or reaches a pole, for which ok is false.
//
// The hull of the boxes around the corners holds the boxes around all points
// between: their height is the same everywhere, and their width is a convex
// function of latitude.
func hullOf(p *providers.Polygon) (corners []geo.Point, ok bool) {
	margin := p.MarginM() + paddingM
	flat := unrolled(p.Ring())
	points := make([]geo.Point, 0, 4*len(flat))
	for _, c := range flat {
		box := providers.Bounds{South: c.Y, North: c.Y}.Grow(margin)
		if box.WidthDeg() >= 360 {
			return nil, false
		}
		for _, dx := range []float64{box.West, box.East} {
			points = append(points, geo.Point{X: c.X + dx, Y: box.South}, geo.Point{X: c.X + dx, Y: box.North})
		}
	}
	corners = hull(points)
	for _, c := range corners {
		if math.Abs(c.X) > 180 || math.Abs(c.Y) > 90 {
			return nil, false
		}
	}
	return corners, len(corners) >= 3
}

// hull returns the corners of the convex hull, counter-clockwise (Andrew's
// monotone chain).
func hull(points []geo.Point) []geo.Point {
	slices.SortFunc(points, func(a, b geo.Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	points = slices.Compact(points)
	chain := func(points []geo.Point) []geo.Point {
		var c []geo.Point
		for _, p := range points {
			for len(c) >= 2 && cross(c[len(c)-2], c[len(c)-1], p) <= 0 {
				c = c[:len(c)-1]
			}
			c = append(c, p)
		}
		return c[:len(c)-1]
	}
	lower := chain(points)
	slices.Reverse(points)
	return append(lower, chain(points)...)
}

func cross(o, a, b geo.Point) float64 { return (a.X-o.X)*(b.Y-o.Y) - (a.Y-o.Y)*(b.X-o.X) }

func hullKM2(corners []geo.Point) float64 {
	const kmPerDeg = providers.EarthRadiusM / 1000 * math.Pi / 180
	area, lat := 0.0, 0.0
	for i, a := range corners {
		b := corners[(i+1)%len(corners)]
		area += a.X*b.Y - b.X*a.Y
		lat += a.Y / float64(len(corners))
	}
	return math.Abs(area) / 2 * kmPerDeg * kmPerDeg * math.Cos(lat*math.Pi/180)
}

// polygonShape asks for a polygon; ok is false where its text would be too long.
func polygonShape(corners []geo.Point) (s shape, ok bool) {
	points := make([]providers.Point, len(corners))
	for i, c := range corners {
		points[i] = providers.Point{Lat: geo.Round6(c.Y), Lon: geo.Round6(c.X)}
	}
	list := pointList(points)
	if len(url.QueryEscape(list)) > maxShapeText {
		return shape{}, false
	}
	return shape{
		params: map[string]string{"polygon": list},
		within: []providers.Bounds{flatBounds(corners, 0.001)},
	}, true
}

// flatBounds returns the box of points that do not cross the antimeridian,
// widened by pad degrees.
func flatBounds(points []geo.Point, pad float64) providers.Bounds {
	b := providers.Bounds{South: 90, West: 180, North: -90, East: -180}
	for _, p := range points {
		b.South, b.North = math.Min(b.South, p.Y), math.Max(b.North, p.Y)
		b.West, b.East = math.Min(b.West, p.X), math.Max(b.East, p.X)
	}
	b.South, b.North = math.Max(b.South-pad, -90), math.Min(b.North+pad, 90)
	b.West, b.East = math.Max(b.West-pad, -180), math.Min(b.East+pad, 180)
	return b
}

// routeShape asks for a line with a buffer. OCM's buffer is in degrees: half of
// distance/100 on each side, with as many kilometres to a degree of longitude
// as of latitude. A metre on the ground is at most 1/cos(lat) times as many
// degrees as at the equator, at the highest latitude that the buffer reaches.
// ok is false for a line near the antimeridian or a pole.
func routeShape(r *providers.Route) (s shape, ok bool) {
	line := unrolled(r.Points())
	reach := (r.DistanceM() + paddingM) / providers.EarthRadiusM // radians
	lat := 0.0
	for _, p := range line {
		lat = math.Max(lat, math.Abs(p.Y))
	}
	scale := math.Cos(lat*math.Pi/180 + reach)
	if lat*math.Pi/180+reach >= math.Pi/2 || scale < 0.01 {
		return shape{}, false
	}
	text, tolerance := encode(line)
	// Rounding to five places moves a point by up to 0.7e-5 degrees.
	buffer := reach*180/math.Pi/scale*(1+arcLoss) + simplifiedDeg + tolerance + 2e-5
	within := flatBounds(line, buffer*1.01)
	for _, p := range line {
		if math.Abs(p.X)+buffer > 180 || math.Abs(p.Y)+buffer > 90 {
			return shape{}, false
		}
	}
	return shape{
		params: map[string]string{
			"polyline":     text,
			"distance":     strconv.FormatFloat(2*100*buffer, 'f', 6, 64),
			"distanceunit": "km",
		},
		within: []providers.Bounds{within},
	}, true
}

// encode returns a line as an encoded polyline that fits into a URL, and by how
// many degrees it was simplified to that end.
func encode(line []geo.Point) (text string, tolerance float64) {
	const first = 1e-5
	simple := line
	for {
		coords := make([][]float64, len(simple))
		for i, p := range simple {
			coords[i] = []float64{p.Y, p.X}
		}
		text = string(polyline.EncodeCoords(coords))
		if len(simple) <= 2 || len(url.QueryEscape(text)) <= maxShapeText {
			return text, tolerance
		}
		tolerance = math.Max(first, 2*tolerance)
		simple = geo.Simplify(line, tolerance)
	}
}

// pointList writes points the way OCM reads them: "(lat,lng),(lat,lng)".
func pointList(points []providers.Point) string {
	parts := make([]string, len(points))
	for i, p := range points {
		parts[i] = "(" + geo.Degrees(p.Lat) + "," + geo.Degrees(p.Lon) + ")"
	}
	return strings.Join(parts, ",")
}

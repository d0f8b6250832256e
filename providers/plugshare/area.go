package plugshare

import (
	"math"
	"net/url"
	"strconv"
	"strings"

	"chargegraph/providers"
	"chargegraph/providers/internal/geo"
)

const (
	// pageSize is what PlugShare gives at most, whatever is asked for; version 3
	// gives at most versionedPageSize regions.
	pageSize          = 500
	versionedPageSize = 250
	// maxSplitKM2 is the size from which on a full area is not asked for in
	// parts: no number of calls that is decent would bring all of it.
	maxSplitKM2 = 50_000
	// maxRadiusM is PlugShare's own limit of a search around a point.
	maxRadiusM = 50_000
	// maxLinePoints bounds the line that is sent for a route. PlugShare states no
	// limit; a line of 1,000 points has 20 kB.
	maxLinePoints = 1_000
	// stepDeg is how far apart the points of that line lie at most: along 0.1
	// degrees, straight on a map and straight on the globe differ by metres, and
	// nobody knows which of them PlugShare means.
	stepDeg = 0.1
	// paddingM covers that, and the rounding of figures.
	paddingM = 20
	// earthSlack covers that PlugShare's Earth may be an ellipsoid.
	earthSlack = 1.006
	// padDeg gives a box without width or height some, and lets neighbours overlap.
	padDeg = 1e-6
)

// full reports whether an answer of n locations may be all that PlugShare would
// give rather than all there is.
func full(n int) bool { return n >= pageSize || n == versionedPageSize }

// nearby returns the parameters of a search around a point that holds a, and
// what it may answer with; ok is false for a disc that is too large.
func nearby(a providers.Around) (params url.Values, within []providers.Bounds, ok bool) {
	reach := a.RadiusM*earthSlack + paddingM
	if reach > maxRadiusM {
		return nil, nil, false
	}
	return url.Values{
		"latitude":  {geo.Degrees(a.Center.Lat)},
		"longitude": {geo.Degrees(a.Center.Lon)},
		"radius":    {strconv.FormatFloat(math.Ceil(reach), 'f', 0, 64)},
	}, a.Widen(a.RadiusM*2*(earthSlack-1) + 4*paddingM).Cover(), true
}

// boxesOf returns what a cover holds as one box, or as two where it crosses the
// antimeridian.
func boxesOf(cover []providers.Bounds) []providers.Bounds { return union(cover).Split() }

func union(boxes []providers.Bounds) providers.Bounds {
	b := boxes[0]
	for _, c := range boxes[1:] {
		if b.WidthDeg() >= 360 || c.WidthDeg() >= 360 {
			b.West, b.East = -180, 180
		}
		for _, lon := range []float64{c.West, geo.MidLon(c), c.East} {
			b = b.Extend(providers.Point{Lat: c.South, Lon: lon}).Extend(providers.Point{Lat: c.North, Lon: lon})
		}
	}
	return b
}

// region returns the parameters of a question for a box that does not cross the
// antimeridian, and what it may answer with.
func region(b providers.Bounds) (params url.Values, within []providers.Bounds) {
	b = providers.Bounds{
		South: math.Max(b.South-padDeg, -90), West: math.Max(b.West-padDeg, -180),
		North: math.Min(b.North+padDeg, 90), East: math.Min(b.East+padDeg, 180),
	}
	within = []providers.Bounds{{
		South: math.Max(b.South-padDeg, -90), West: math.Max(b.West-padDeg, -180),
		North: math.Min(b.North+padDeg, 90), East: math.Min(b.East+padDeg, 180),
	}}
	return url.Values{
		"latitude":  {geo.Degrees((b.South + b.North) / 2)},
		"longitude": {geo.Degrees((b.West + b.East) / 2)},
		"spanLat":   {geo.Degrees(b.North - b.South)},
		"spanLng":   {geo.Degrees(b.East - b.West)},
	}, within
}

// quarter cuts a box in four, or in two along a side that is already as short as
// its half may be; nil below that floor.
func quarter(b providers.Bounds, floorDeg float64) []providers.Bounds {
	floorDeg *= 1 - 1e-9 // a difference of two figures is seldom round
	rows := []providers.Bounds{b}
	if b.North-b.South >= 2*floorDeg {
		lower, upper := b, b
		lower.North = b.South + (b.North-b.South)/2
		upper.South = lower.North
		rows = []providers.Bounds{lower, upper}
	}
	if b.East-b.West < 2*floorDeg {
		if len(rows) == 1 {
			return nil
		}
		return rows
	}
	var parts []providers.Bounds
	for _, row := range rows {
		left, right := row, row
		left.East = b.West + (b.East-b.West)/2
		right.West = left.East
		parts = append(parts, left, right)
	}
	return parts
}

// polyline is the body of a question for what lies along a line.
type polyline struct {
	// Polyline is a flat list: latitude, longitude, latitude, longitude.
	Polyline string `json:"polyline"`
	Distance int    `json:"distance"` // metres to each side
	Count    int    `json:"count"`
	Access   string `json:"access"`
}

// routeLine returns how to ask for a route; ok is false for one that crosses
// the antimeridian or comes near a pole, or that cannot be told in few enough points.
func routeLine(r *providers.Route) (p polyline, ok bool) {
	line := make([]geo.Point, len(r.Points()))
	for i, q := range r.Points() {
		line[i] = geo.Point{X: q.Lon, Y: q.Lat}
		if math.Abs(q.Lat) > 85 || i > 0 && math.Abs(line[i].X-line[i-1].X) > 180 {
			return polyline{}, false
		}
	}
	const degM = providers.EarthRadiusM * math.Pi / 180
	tolerance := 0.0
	dense := densify(line)
	for len(dense) > maxLinePoints {
		tolerance = math.Max(1e-5, 2*tolerance)
		if tolerance > stepDeg {
			return polyline{}, false
		}
		dense = densify(geo.Simplify(line, tolerance))
	}
	parts := make([]string, 0, 2*len(dense))
	for _, q := range dense {
		parts = append(parts, geo.Degrees(geo.Round6(q.Y)), geo.Degrees(geo.Round6(q.X)))
	}
	reach := (r.DistanceM()+tolerance*degM)*earthSlack + paddingM
	return polyline{Polyline: strings.Join(parts, ","), Distance: int(math.Ceil(reach)), Count: pageSize, Access: "1,2"}, true
}

// densify puts points into a line so that no step is longer than stepDeg.
func densify(line []geo.Point) []geo.Point {
	dense := line[:1:1]
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		n := math.Ceil(math.Max(math.Abs(b.X-a.X), math.Abs(b.Y-a.Y)) / stepDeg)
		for k := 1.0; k < n; k++ {
			dense = append(dense, geo.Point{X: a.X + (b.X-a.X)*k/n, Y: a.Y + (b.Y-a.Y)*k/n})
		}
		dense = append(dense, b)
	}
	return dense
}

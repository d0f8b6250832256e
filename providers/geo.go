package providers

import "math"

// EarthRadiusM is the mean radius of the Earth in metres (IUGG R1 rounded as
// Open Charge Map rounds it, so that our distances equal theirs).
const EarthRadiusM = 6_371_000

// Point is a position in WGS84 degrees: Lat -90..90, Lon -180..180.
type Point struct {
	Lat float64
	Lon float64
}

// Valid reports whether p is finite and in range.
func (p Point) Valid() bool {
	return math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180 // false for NaN
}

// IsNull reports whether p is the point 0,0, which in directories of charging
// sites stands for a position that nobody entered.
func (p Point) IsNull() bool { return p == Point{} }

func rad(deg float64) float64 { return deg * math.Pi / 180 }

func deg(rad float64) float64 { return rad * 180 / math.Pi }

// wrapLon brings a longitude, or a difference of two, into -180..180.
func wrapLon(lon float64) float64 {
	if lon >= -180 && lon <= 180 {
		return lon
	}
	return math.Mod(math.Mod(lon+180, 360)+360, 360) - 180
}

// DistanceM returns the great-circle distance between p and q in metres
// (haversine on a sphere of EarthRadiusM; the ellipsoid differs by up to 0.5 %).
func (p Point) DistanceM(q Point) float64 {
	sinLat := math.Sin(rad(q.Lat-p.Lat) / 2)
	sinLon := math.Sin(rad(q.Lon-p.Lon) / 2)
	h := sinLat*sinLat + math.Cos(rad(p.Lat))*math.Cos(rad(q.Lat))*sinLon*sinLon
	return 2 * EarthRadiusM * math.Asin(math.Min(1, math.Sqrt(h)))
}

// BearingDeg returns the initial great-circle bearing from p to q: 0 is north,
// 90 east, always below 360.
func (p Point) BearingDeg(q Point) float64 {
	dLon := rad(q.Lon - p.Lon)
	y := math.Sin(dLon) * math.Cos(rad(q.Lat))
	x := math.Cos(rad(p.Lat))*math.Sin(rad(q.Lat)) - math.Sin(rad(p.Lat))*math.Cos(rad(q.Lat))*math.Cos(dLon)
	return math.Mod(deg(math.Atan2(y, x))+360, 360)
}

// Bounds is a box of WGS84 degrees. West > East crosses the antimeridian; edges
// count as inside.
type Bounds struct {
	South, West, North, East float64
}

// World is the box that holds every point.
func World() Bounds { return Bounds{South: -90, West: -180, North: 90, East: 180} }

// Valid reports whether the edges are finite, in range, and South <= North.
func (b Bounds) Valid() bool {
	return Point{b.South, b.West}.Valid() && Point{b.North, b.East}.Valid() && b.South <= b.North
}

// Contains reports whether p is inside or on an edge.
func (b Bounds) Contains(p Point) bool {
	if p.Lat < b.South || p.Lat > b.North {
		return false
	}
	if b.West <= b.East {
		return p.Lon >= b.West && p.Lon <= b.East || p.Lon == -180 && b.East == 180 || p.Lon == 180 && b.West == -180
	}
	return p.Lon >= b.West || p.Lon <= b.East
}

// Split returns b as one box, or as two where it crosses the antimeridian; the
// boxes it returns never do. A box that merely touches the antimeridian gets a
// second, empty-width box on its other side, because 180 and -180 are one line.
func (b Bounds) Split() []Bounds {
	switch {
	case b.West > b.East:
		return []Bounds{
			{South: b.South, West: b.West, North: b.North, East: 180},
			{South: b.South, West: -180, North: b.North, East: b.East},
		}
	case b.East == 180 && b.West > -180:
		return []Bounds{b, {South: b.South, West: -180, North: b.North, East: -180}}
	case b.West == -180 && b.East < 180:
		return []Bounds{b, {South: b.South, West: 180, North: b.North, East: 180}}
	}
	return []Bounds{b}
}

// WidthDeg returns the box's extent in longitude, 0..360 degrees.
func (b Bounds) WidthDeg() float64 {
	if b.West > b.East {
		return b.East - b.West + 360
	}
	return b.East - b.West
}

// AreaKM2 returns the box's area on the sphere in square kilometres.
func (b Bounds) AreaKM2() float64 {
	const r = EarthRadiusM / 1000.0
	return rad(b.WidthDeg()) * r * r * (math.Sin(rad(b.North)) - math.Sin(rad(b.South)))
}

// Grow returns the smallest box that holds every point within m metres of b,
// but for roundings, which go outwards. A box that reaches a pole, or round the
// Earth, takes in all longitudes.
func (b Bounds) Grow(m float64) Bounds {
	if m <= 0 {
		return b
	}
	const slackDeg = 1e-12 // a longitude is wrapped to within 6e-14
	angle := m / EarthRadiusM
	dLat := deg(angle)*(1+1e-9) + slackDeg
	grown := Bounds{South: b.South - dLat, West: -180, North: b.North + dLat, East: 180}
	if grown.South <= -90 || grown.North >= 90 {
		grown.South, grown.North = math.Max(grown.South, -90), math.Min(grown.North, 90)
		return grown
	}
	// The meridians that touch a circle of radius angle around a point at
	// latitude lat lie asin(sin angle / cos lat) to its sides (Bronstein, 3.4.3.2).
	lat := math.Max(math.Abs(b.South), math.Abs(b.North))
	ratio := math.Sin(angle) / math.Cos(rad(lat))
	if ratio >= 1 {
		return grown
	}
	dLon := deg(math.Asin(ratio))*(1+1e-9) + slackDeg
	if b.WidthDeg()+2*dLon >= 360 {
		return grown
	}
	grown.West, grown.East = wrapLon(b.West-dLon), wrapLon(b.East+dLon)
	return grown
}

// Extend returns the box that also holds p, growing to whichever side is nearer.
func (b Bounds) Extend(p Point) Bounds {
	b.South, b.North = math.Min(b.South, p.Lat), math.Max(b.North, p.Lat)
	if b.Contains(p) {
		return b
	}
	east, west := p.Lon-b.East, b.West-p.Lon
	if east < 0 {
		east += 360
	}
	if west < 0 {
		west += 360
	}
	if east <= west {
		b.East = p.Lon
	} else {
		b.West = p.Lon
	}
	return b
}

// BoundsOf returns a box that holds every point of a non-empty line or ring,
// each step taken the short way round. Its edges are coordinates of the points.
func BoundsOf(points []Point) Bounds {
	line := unroll(points)
	b := Bounds{South: line[0].Lat, North: line[0].Lat}
	west, east := 0, 0
	for i, p := range line {
		b.South, b.North = math.Min(b.South, p.Lat), math.Max(b.North, p.Lat)
		if p.Lon < line[west].Lon {
			west = i
		}
		if p.Lon > line[east].Lon {
			east = i
		}
	}
	if line[east].Lon-line[west].Lon >= 360 {
		b.West, b.East = -180, 180
		return b
	}
	b.West, b.East = points[west].Lon, points[east].Lon
	return b
}

// unroll returns a line whose longitudes run on past ±180 where each step, taken
// the short way round, crosses the antimeridian. They differ from those given by
// whole turns and one rounding, that do not add up along the line: a longitude
// that comes twice comes out the same twice, and unchanged before any crossing.
func unroll(points []Point) []Point {
	line := make([]Point, len(points))
	turn := 0.0
	for i, p := range points {
		if i > 0 {
			step := p.Lon - points[i-1].Lon
			turn += 360 * math.Round((wrapLon(step)-step)/360)
		}
		line[i] = Point{Lat: p.Lat, Lon: p.Lon + turn}
	}
	return line
}

package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// parseOCMPoints reads "(lat,lng),(lat,lng)…" and, when the text is not in
// brackets, an encoded polyline: there is no third possibility, so a list
// without brackets becomes a shape nobody meant.
func parseOCMPoints(s string) []ocmPoint {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil
	}
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, ")") {
		return decodePolyline5(s)
	}
	var points []ocmPoint
	for pair := range strings.SplitSeq(s, ")") {
		pair = strings.TrimLeft(pair, " ,(")
		first, second, _ := strings.Cut(pair, ",")
		lat, latOK := parseDouble(first)
		lon, lonOK := parseDouble(second)
		if latOK && lonOK {
			points = append(points, clampPoint(lat, lon))
		}
	}
	return points
}

func clampPoint(lat, lon float64) ocmPoint {
	return ocmPoint{max(-90, min(90, lat)), max(-180, min(180, lon))}
}

// decodePolyline5 decodes the encoded polyline format with five decimals. Bytes
// that are not of the format are taken for what their bits say, as the service
// does; an unfinished number at the end is dropped.
func decodePolyline5(s string) []ocmPoint {
	var points []ocmPoint
	var at [2]int64 // lat, lon in 1e-5 degrees
	var value int64
	shift, axis := 0, 0
	for i := range len(s) {
		chunk := int64(s[i]) - 63
		value |= (chunk & 0x1f) << min(shift, 60)
		shift += 5
		if chunk >= 0x20 {
			continue
		}
		delta := value >> 1
		if value&1 != 0 {
			delta = ^delta
		}
		at[axis] += delta
		if axis == 1 {
			points = append(points, clampPoint(float64(at[0])/1e5, float64(at[1])/1e5))
		}
		axis, value, shift = 1-axis, 0, 0
	}
	return points
}

// ocmArea is a shape to search, with the latitudes it spans.
type ocmArea struct {
	south, north float64
	contains     func(ocmPoint) bool
}

// area picks the shape that counts: polyline before box before polygon before
// circle. nil is the whole world, also for shapes with too few points.
func (q *ocmQuery) area() *ocmArea {
	switch {
	case len(q.polyline) > 0:
		return corridor(q.polyline, q.distanceKM/2/100)
	case len(q.box) > 1:
		return envelope(q.box)
	case len(q.polygon) > 2:
		return hull(q.polygon)
	case q.center != nil:
		return circle(*q.center, q.distanceKM)
	default:
		return nil
	}
}

// envelope is the box around points. It does not know the antimeridian: of two
// boxes between two longitudes it is always the one that does not cross it.
func envelope(points []ocmPoint) *ocmArea {
	lo, hi := points[0], points[0]
	for _, p := range points[1:] {
		lo = ocmPoint{min(lo.lat, p.lat), min(lo.lon, p.lon)}
		hi = ocmPoint{max(hi.lat, p.lat), max(hi.lon, p.lon)}
	}
	return &ocmArea{lo.lat, hi.lat, func(p ocmPoint) bool {
		return p.lat >= lo.lat && p.lat <= hi.lat && p.lon >= lo.lon && p.lon <= hi.lon
	}}
}

// hull is the convex hull of a polygon, which the service searches instead of
// the polygon itself. Edges count as inside.
func hull(points []ocmPoint) *ocmArea {
	corners := convexHull(points)
	a := envelope(points)
	a.contains = func(p ocmPoint) bool {
		for i, c := range corners {
			if cross(c, corners[(i+1)%len(corners)], p) < 0 {
				return false
			}
		}
		return true
	}
	return a
}

// convexHull returns the corners counter-clockwise (longitude to the right).
func convexHull(points []ocmPoint) []ocmPoint {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b ocmPoint) int {
		return cmp.Or(cmp.Compare(a.lon, b.lon), cmp.Compare(a.lat, b.lat))
	})
	half := func() []ocmPoint {
		var chain []ocmPoint
		for _, p := range sorted {
			for len(chain) > 1 && cross(chain[len(chain)-2], chain[len(chain)-1], p) <= 0 {
				chain = chain[:len(chain)-1]
			}
			chain = append(chain, p)
		}
		return chain[:len(chain)-1]
	}
	lower := half()
	slices.Reverse(sorted)
	return append(lower, half()...)
}

// cross is positive when p lies to the left of the way from a to b.
func cross(a, b, p ocmPoint) float64 {
	return (b.lon-a.lon)*(p.lat-a.lat) - (b.lat-a.lat)*(p.lon-a.lon)
}

// corridor is what lies within a number of degrees (not kilometres: that is
// the service's own shortcut) of a line.
func corridor(line []ocmPoint, degrees float64) *ocmArea {
	a := envelope(line)
	a.south, a.north = a.south-degrees, a.north+degrees
	a.contains = func(p ocmPoint) bool {
		for i := range line {
			if toSegment(p, line[max(0, i-1)], line[i]) <= degrees {
				return true
			}
		}
		return false
	}
	return a
}

// toSegment is the planar distance in degrees from p to the segment a b.
func toSegment(p, a, b ocmPoint) float64 {
	dLat, dLon := b.lat-a.lat, b.lon-a.lon
	t := 0.0
	if square := dLat*dLat + dLon*dLon; square > 0 {
		t = max(0, min(1, ((p.lat-a.lat)*dLat+(p.lon-a.lon)*dLon)/square))
	}
	return math.Hypot(p.lat-a.lat-t*dLat, p.lon-a.lon-t*dLon)
}

func circle(center ocmPoint, km float64) *ocmArea {
	degrees := km/111.19 + 1e-6
	return &ocmArea{center.lat - degrees, center.lat + degrees, func(p ocmPoint) bool {
		return haversine(center, p, earthKM) <= km
	}}
}

// The radii the service computes with.
const (
	earthKM    = 6371
	earthMiles = 3959
)

// haversine is the great-circle distance in the unit of the radius.
func haversine(a, b ocmPoint, radius float64) float64 {
	const rad = math.Pi / 180
	sLat, sLon := math.Sin((b.lat-a.lat)*rad/2), math.Sin((b.lon-a.lon)*rad/2)
	h := sLat*sLat + math.Cos(a.lat*rad)*math.Cos(b.lat*rad)*sLon*sLon
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}

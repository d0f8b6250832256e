package providers

import (
	"fmt"
	"math"
)

// Area is where to look. The kinds are Around, Bounds, *Polygon, *Route and
// InCountry; a type switch over them is exhaustive.
type Area interface {
	// Holds reports whether a site is in the area: by its position, or for
	// InCountry by the country its address states. Edges count as inside.
	Holds(s *Site) bool
	// Cover returns boxes that together hold the whole area. They may overlap
	// and cross the antimeridian. InCountry has no geometry here: its cover is
	// the world.
	Cover() []Bounds
	// Widen returns the area grown by m metres on all sides; it may be
	// somewhat wider still, never narrower.
	Widen(m float64) Area
}

// Around is a disc: every point within RadiusM metres of Center.
type Around struct {
	Center  Point
	RadiusM float64
}

// Holds implements Area.
func (a Around) Holds(s *Site) bool { return a.Center.DistanceM(s.Location) <= a.RadiusM }

// Cover implements Area.
func (a Around) Cover() []Bounds {
	c := a.Center
	return []Bounds{Bounds{South: c.Lat, West: c.Lon, North: c.Lat, East: c.Lon}.Grow(a.RadiusM)}
}

// Widen implements Area.
func (a Around) Widen(m float64) Area { return Around{Center: a.Center, RadiusM: a.RadiusM + m} }

// Holds implements Area.
func (b Bounds) Holds(s *Site) bool { return b.Contains(s.Location) }

// Cover implements Area.
func (b Bounds) Cover() []Bounds { return []Bounds{b} }

// Widen implements Area.
func (b Bounds) Widen(m float64) Area { return b.Grow(m) }

// InCountry is every site whose address states the country Code (ISO 3166-1
// alpha-2, upper case). Grown, it also stands for the sites within MarginM of those.
type InCountry struct {
	Code    string
	MarginM float64
}

// Holds implements Area; it looks at the stated country alone.
func (c InCountry) Holds(s *Site) bool { return s.Address.CountryCode == c.Code }

// Cover implements Area.
func (c InCountry) Cover() []Bounds { return []Bounds{World()} }

// Widen implements Area.
func (c InCountry) Widen(m float64) Area { return InCountry{Code: c.Code, MarginM: c.MarginM + m} }

// Polygon is the inside of a ring of three or more points, concave or not, by
// the even-odd rule. Its edges are straight in degrees (RFC 7946, 3.1.1), each
// taken the short way round. Grown, it also holds what is within its margin.
type Polygon struct {
	ring    []Point // as given, not closed
	corners []Point // closed and unrolled
	bounds  Bounds
	west    float64   // least longitude of corners
	east    float64   // and greatest
	edges   *polyline // nil without a margin
	marginM float64
}

// NewPolygon returns the area inside ring, which is closed automatically and
// needs at least three points. Check says whether it bounds an area at all.
func NewPolygon(ring []Point) *Polygon {
	if n := len(ring); n > 3 && ring[0].Lat == ring[n-1].Lat && math.Mod(ring[0].Lon-ring[n-1].Lon, 360) == 0 {
		ring = ring[:n-1]
	}
	closed := append(append(make([]Point, 0, len(ring)+1), ring...), ring[0])
	p := &Polygon{ring: closed[:len(ring):len(ring)], corners: unroll(closed), bounds: BoundsOf(closed)}
	p.west, p.east = p.reachLon()
	return p
}

// reachLon returns the least and the greatest longitude of the unrolled corners.
func (p *Polygon) reachLon() (west, east float64) {
	west, east = math.Inf(1), math.Inf(-1)
	for _, c := range p.corners {
		west, east = math.Min(west, c.Lon), math.Max(east, c.Lon)
	}
	return west, east
}

// RingError says why a ring bounds no area, and where.
type RingError struct {
	Reason string
	At     Point
}

func (e *RingError) Error() string {
	return fmt.Sprintf("%s near latitude %.6f, longitude %.6f", e.Reason, e.At.Lat, e.At.Lon)
}

// Check returns a *RingError for a ring that goes round the Earth, overlaps its
// own beginning there, or touches or crosses itself.
func (p *Polygon) Check() error {
	corners, n := p.corners, len(p.ring)
	if west, east := p.reachLon(); corners[n] != corners[0] || east-west > 360 {
		return &RingError{Reason: "the polygon goes round the Earth; cut it in two", At: p.ring[0]}
	}
	for i := range n {
		if corners[i] == corners[i+1] {
			return &RingError{Reason: "the polygon has the same corner twice", At: p.ring[i]}
		}
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			at, meet := meeting(corners[i], corners[i+1], corners[j], corners[j+1])
			neighbours := j == i+1 && at == corners[j] || i == 0 && j == n-1 && at == corners[0]
			if meet && !neighbours {
				at.Lon = wrapLon(at.Lon)
				return &RingError{Reason: "the polygon touches or crosses itself", At: at}
			}
		}
	}
	return nil
}

// meeting returns a point that segments a–b and c–d have in common. Of
// segments that overlap along a line it is an end of the common stretch that is
// not a shared corner, so that two neighbours folded onto each other are found.
func meeting(a, b, c, d Point) (Point, bool) {
	if max(a.Lon, b.Lon) < min(c.Lon, d.Lon) || max(c.Lon, d.Lon) < min(a.Lon, b.Lon) ||
		max(a.Lat, b.Lat) < min(c.Lat, d.Lat) || max(c.Lat, d.Lat) < min(a.Lat, b.Lat) {
		return Point{}, false
	}
	side := func(p, q, r Point) float64 {
		return (q.Lon-p.Lon)*(r.Lat-p.Lat) - (q.Lat-p.Lat)*(r.Lon-p.Lon)
	}
	sc, sd := side(a, b, c), side(a, b, d)
	sa, sb := side(c, d, a), side(c, d, b)
	if sc == 0 && sd == 0 {
		within := func(p, q, r Point) bool {
			return r.Lon >= min(p.Lon, q.Lon) && r.Lon <= max(p.Lon, q.Lon) &&
				r.Lat >= min(p.Lat, q.Lat) && r.Lat <= max(p.Lat, q.Lat)
		}
		shared, any := Point{}, false
		for _, end := range []struct {
			p, q, r Point
			corner  bool
		}{{a, b, c, c == a || c == b}, {a, b, d, d == a || d == b}, {c, d, a, a == c || a == d}, {c, d, b, b == c || b == d}} {
			switch {
			case !within(end.p, end.q, end.r):
			case !end.corner:
				return end.r, true
			default:
				shared, any = end.r, true
			}
		}
		return shared, any
	}
	if sc > 0 && sd > 0 || sc < 0 && sd < 0 || sa > 0 && sb > 0 || sa < 0 && sb < 0 {
		return Point{}, false
	}
	switch { // exact where an end lies on the other segment
	case sc == 0:
		return c, true
	case sd == 0:
		return d, true
	case sa == 0:
		return a, true
	case sb == 0:
		return b, true
	}
	t := sa / (sa - sb)
	return Point{Lat: a.Lat + t*(b.Lat-a.Lat), Lon: a.Lon + t*(b.Lon-a.Lon)}, true
}

// Ring returns the corners, not closed. The caller must not change it.
func (p *Polygon) Ring() []Point { return p.ring }

// MarginM returns by how many metres the polygon was grown.
func (p *Polygon) MarginM() float64 { return p.marginM }

// Holds implements Area.
func (p *Polygon) Holds(s *Site) bool {
	if p.inside(s.Location) {
		return true
	}
	return p.marginM > 0 && p.edges.nearest(s.Location).distanceM <= p.marginM
}

func (p *Polygon) inside(q Point) bool {
	if !p.bounds.Contains(q) {
		return false
	}
	// The ring was unrolled along its edges; bring q into the same turn.
	x := q.Lon + 360*math.Ceil((p.west-q.Lon)/360-1e-9)
	// A ring that is as wide as the Earth has two places for its outermost meridian.
	return p.insideAt(x, q.Lat) || x+360 <= p.east && p.insideAt(x+360, q.Lat)
}

// insideAt is inside for a longitude that runs on as those of corners do.
func (p *Polygon) insideAt(x, y float64) bool {
	in := false
	for i := 1; i < len(p.corners); i++ {
		a, b := p.corners[i-1], p.corners[i]
		cross := (b.Lon-a.Lon)*(y-a.Lat) - (b.Lat-a.Lat)*(x-a.Lon)
		if cross == 0 && x >= min(a.Lon, b.Lon) && x <= max(a.Lon, b.Lon) && y >= min(a.Lat, b.Lat) && y <= max(a.Lat, b.Lat) {
			return true // on an edge
		}
		if (a.Lat > y) != (b.Lat > y) && (cross > 0) == (b.Lat > a.Lat) {
			in = !in
		}
	}
	return in
}

// Cover implements Area.
func (p *Polygon) Cover() []Bounds { return []Bounds{p.bounds.Grow(p.marginM)} }

// Widen implements Area.
func (p *Polygon) Widen(m float64) Area {
	grown := *p
	grown.marginM += m
	if grown.edges == nil {
		grown.edges = newPolyline(p.corners)
	}
	grown.edges = grown.edges.reach(grown.marginM)
	return &grown
}

// Route is everything within DistanceM metres of a line, in true metres at any
// latitude. The line is straight in degrees between its points (RFC 7946,
// 3.1.1), each step taken the short way round.
type Route struct {
	points    []Point // as given
	line      *polyline
	distanceM float64
}

// NewRoute returns the area along a line of two or more points.
func NewRoute(points []Point, distanceM float64) *Route {
	return &Route{points: points, line: newPolyline(points).reach(distanceM), distanceM: distanceM}
}

// Points returns the line. The caller must not change it.
func (r *Route) Points() []Point { return r.points }

// DistanceM returns how far from the line the area reaches.
func (r *Route) DistanceM() float64 { return r.distanceM }

// LengthM returns the length of the line in metres.
func (r *Route) LengthM() float64 { return r.line.cum[len(r.line.cum)-1] }

// Holds implements Area.
func (r *Route) Holds(s *Site) bool {
	return r.line.nearest(s.Location).distanceM <= r.distanceM
}

// Locate returns how far p is from the line, and how far along the line its
// nearest point lies, both in metres. Beyond DistanceM both are +Inf.
func (r *Route) Locate(p Point) (offsetM, positionM float64) {
	n := r.line.nearest(p)
	return n.distanceM, n.alongM
}

// Cover implements Area.
func (r *Route) Cover() []Bounds {
	covers := make([]Bounds, len(r.line.chunks))
	for i, c := range r.line.chunks {
		covers[i] = c.reach
	}
	return covers
}

// Widen implements Area.
func (r *Route) Widen(m float64) Area {
	grown := *r
	grown.distanceM += m
	grown.line = r.line.reach(grown.distanceM)
	return &grown
}

// polyline is a line prepared for questions about nearness: unrolled in
// longitude, cut into pieces short enough to be treated as flat, and bundled so
// that whole stretches are passed over by their boxes.
type polyline struct {
	points []Point   // Lon runs on past ±180 where the line does
	ends   []vector  // the same points
	cum    []float64 // metres from the start to each point
	chunks []chunk
	reachM float64
}

// chunk is the stretch points[from..to], both ends included.
type chunk struct {
	from, to int
	bounds   Bounds
	reach    Bounds  // bounds grown by reachM
	middle   vector  // of a ball that holds the stretch
	radius   float64 // of the ball
}

const (
	// maxPieceDeg is the longest piece of a line: along 0.1 degree (11 km) it
	// curves so little that distances to it have one minimum, near that of a flat map.
	maxPieceDeg = 0.1
	// chunkPieces balances the boxes to look at against the pieces inside one.
	chunkPieces = 48
)

func newPolyline(points []Point) *polyline {
	corners := unroll(points)
	l := &polyline{points: corners[:1:1], ends: []vector{vectorOf(corners[0])}, cum: []float64{0}}
	for i := 1; i < len(corners); i++ {
		from, to := corners[i-1], corners[i]
		dLat, dLon := to.Lat-from.Lat, to.Lon-from.Lon
		n := int(math.Max(1, math.Ceil(math.Max(math.Abs(dLat), math.Abs(dLon))/maxPieceDeg)))
		for k := 1; k <= n; k++ {
			t := float64(k) / float64(n)
			next := Point{Lat: from.Lat + t*dLat, Lon: from.Lon + t*dLon}
			if k == n {
				next = to
			}
			prev := l.points[len(l.points)-1]
			l.cum = append(l.cum, l.cum[len(l.cum)-1]+prev.DistanceM(next))
			l.points = append(l.points, next)
			l.ends = append(l.ends, vectorOf(next))
		}
	}
	for from := 0; from < len(l.points)-1; from += chunkPieces {
		to := min(from+chunkPieces, len(l.points)-1)
		c := chunk{from: from, to: to, bounds: unrolledBounds(l.points[from : to+1]), middle: l.ends[(from+to)/2]}
		for i := from; i < to; i++ {
			slack := l.slack(i)
			c.radius = max(c.radius, c.middle.to(l.ends[i])+slack, c.middle.to(l.ends[i+1])+slack)
		}
		l.chunks = append(l.chunks, c)
	}
	return l
}

// reach returns the line prepared for questions about points up to m metres away.
func (l *polyline) reach(m float64) *polyline {
	reaching := *l
	reaching.reachM = m
	reaching.chunks = make([]chunk, len(l.chunks))
	for i, c := range l.chunks {
		c.reach = c.bounds.Grow(m)
		reaching.chunks[i] = c
	}
	return &reaching
}

func unrolledBounds(points []Point) Bounds {
	b := BoundsOf(points[:1])
	west, east := points[0].Lon, points[0].Lon
	for _, p := range points[1:] {
		b.South, b.North = math.Min(b.South, p.Lat), math.Max(b.North, p.Lat)
		west, east = math.Min(west, p.Lon), math.Max(east, p.Lon)
	}
	if east-west >= 360 {
		b.West, b.East = -180, 180
		return b
	}
	b.West, b.East = wrapLon(west), wrapLon(east)
	return b
}

// near is the point of a line nearest to some other point.
type near struct {
	distanceM float64 // to the line
	alongM    float64 // from the line's start
}

// nearest finds the nearest point of the line within reachM metres of p; beyond
// that both figures are +Inf. Of several equally near points the first counts.
//
// A line has up to ten thousand pieces, and a corridor may be wider than all of it
// is long. So bounds of the distances come first, which cost little: chords through
// the Earth to the straight line between a piece's ends. Only pieces that may be
// the nearest by them are looked at properly.
func (l *polyline) nearest(p Point) near {
	best := near{distanceM: math.Inf(1), alongM: math.Inf(1)}
	at := vectorOf(p)
	// Chords, of a sphere of radius 1: an arc is never shorter.
	limit := l.reachM/EarthRadiusM + rounding
	start, least := -1, math.Inf(1)
	for i := range l.chunks {
		c := &l.chunks[i]
		if !c.reach.Contains(p) {
			continue
		}
		if d := at.to(c.middle) - c.radius; d <= limit && d < least {
			start, least = i, d
		}
	}
	if start < 0 {
		return best
	}
	most := min(limit, l.reaches(&l.chunks[start], at)+rounding) // no piece farther than this is the nearest
	type candidate struct {
		piece int
		least float64
	}
	var room [chunkPieces]candidate
	candidates := room[:0]
	for i := range l.chunks {
		c := &l.chunks[i]
		if !c.reach.Contains(p) || at.to(c.middle)-c.radius > most {
			continue
		}
		for k := c.from; k < c.to; k++ {
			d, slack := at.toSegment(l.ends[k], l.ends[k+1]), l.slack(k)
			if d-slack > most {
				continue
			}
			candidates = append(candidates, candidate{k, d - slack})
			most = min(most, d+slack+rounding)
		}
	}
	for _, c := range candidates {
		if c.least > most {
			continue
		}
		t, d := nearestOnPiece(p, l.points[c.piece], l.points[c.piece+1])
		if d < best.distanceM && d <= l.reachM {
			best = near{distanceM: d, alongM: l.cum[c.piece] + t*(l.cum[c.piece+1]-l.cum[c.piece])}
		}
	}
	return best
}

// rounding is more than what the figures of nearestOnPiece and of these bounds are
// wrong by: 1 m.
const rounding = 1.6e-7

// reaches returns a chord within which there is a point of the stretch.
func (l *polyline) reaches(c *chunk, at vector) float64 {
	most := math.Inf(1)
	for k := c.from; k < c.to; k++ {
		most = min(most, at.toSegment(l.ends[k], l.ends[k+1])+l.slack(k))
	}
	return most
}

// slack is how far, at the most, a piece leaves the chord between its ends: it is
// straight in degrees, and the Earth is round.
func (l *polyline) slack(piece int) float64 {
	a, b := l.points[piece], l.points[piece+1]
	turn := rad(math.Abs(b.Lat-a.Lat) + math.Abs(b.Lon-a.Lon))
	return turn*turn/8 + 1e-12 // of rounding
}

// vector is a point on a sphere of radius 1.
type vector struct{ x, y, z float64 }

func vectorOf(p Point) vector {
	sinLat, cosLat := math.Sincos(rad(p.Lat))
	sinLon, cosLon := math.Sincos(rad(p.Lon))
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// to returns the length of the chord from v to w.
func (v vector) to(w vector) float64 {
	x, y, z := v.x-w.x, v.y-w.y, v.z-w.z
	return math.Sqrt(x*x + y*y + z*z)
}

// toSegment returns the distance from v to the chord between a and b.
func (v vector) toSegment(a, b vector) float64 {
	x, y, z := b.x-a.x, b.y-a.y, b.z-a.z
	px, py, pz := v.x-a.x, v.y-a.y, v.z-a.z
	if norm := x*x + y*y + z*z; norm > 0 {
		t := max(0, min(1, (px*x+py*y+pz*z)/norm))
		px, py, pz = px-t*x, py-t*y, pz-t*z
	}
	return math.Sqrt(px*px + py*py + pz*pz)
}

// nearestOnPiece returns where on a short piece a–b the point nearest to p lies
// (0 at a, 1 at b) and its distance in metres. A flat map, with the east-west
// scale between p and a, gives a first guess; Newton's method on the haversine
// corrects it, since for a point tens of kilometres away, or at high latitudes,
// the guess is wrong by metres.
func nearestOnPiece(p, a, b Point) (t, distanceM float64) {
	bx, by := rad(b.Lon-a.Lon), rad(b.Lat-a.Lat)
	px, py := rad(wrapLon(p.Lon-a.Lon)), rad(p.Lat-a.Lat)
	cosP := math.Cos(rad(p.Lat))
	k := cosP * math.Cos(rad(a.Lat))
	if norm := bx*bx*k + by*by; norm > 0 {
		t = max(0, min(1, (px*bx*k+py*by)/norm))
	}
	for range 4 { // two are the rule
		sinLat, cosLat := math.Sincos(rad(a.Lat) + t*by)
		sinY, cosY := math.Sincos(t*by - py)
		sinX, cosX := math.Sincos(t*bx - px)
		hav := (1 - cosX) / 2
		first := by*sinY/2 + cosP*(cosLat*bx*sinX/2-sinLat*by*hav)
		second := by*by*cosY/2 + cosP*(cosLat*(bx*bx*cosX/2-by*by*hav)-sinLat*by*bx*sinX)
		if second <= 0 {
			break // no minimum near by: next to a pole, or a piece without length
		}
		next := max(0, min(1, t-first/second))
		done := math.Abs(next-t) < 1e-7 // of 11 km
		t = next
		if done {
			break
		}
	}
	return t, p.DistanceM(Point{Lat: a.Lat + t*(b.Lat-a.Lat), Lon: a.Lon + t*(b.Lon-a.Lon)})
}

package store

import (
	"context"
	"math"

	"chargegraph/providers"
)

// Search returns the records in area, in no particular order, each once; none
// is missing, and none is held back for being too many. Edges count as inside;
// longitudes 180 and -180 are one line, as in Bounds.Contains. For InCountry with
// a margin it holds the records that state the country and those within MarginM
// of one of them. For a Route it may hold more than Route.Holds does: beside the
// line, by about its DistanceM or a tenth of a degree.
//
// It takes time for each record found; for an Around or a Polygon for each record
// in the box around it, and there as much as Holds takes; for InCountry with a
// margin also for each record near by.
func (s *Store) Search(area providers.Area) []*providers.Record {
	records, _ := s.snapshot().search(context.Background(), area) // such a context never ends
	return records
}

// checkEvery is how many records are looked at between two looks at the
// context: some ten microseconds' work, or a millisecond's within a polygon of
// a thousand corners.
const checkEvery = 256

// slackM is what boxes are grown by beyond the distance they are drawn for. A
// box and a distance are computed in different ways, and what the one rounds off
// must not be lost to the other; a metre is more than enough.
const slackM = 1

// search is Store.Search on one snapshot. The only error is ctx.Err().
func (s *snapshot) search(ctx context.Context, area providers.Area) ([]*providers.Record, error) {
	switch a := area.(type) {
	case providers.InCountry:
		return s.inCountry(ctx, a)
	case providers.Around:
		return s.within(ctx, a.Widen(slackM).Cover(), a.Holds)
	case *providers.Polygon:
		return s.within(ctx, a.Widen(slackM).Cover(), a.Holds)
	case *providers.Route:
		// Small boxes along the line leave little to narrow, while Holds
		// measures the way to dozens of pieces of the line: whoever filters the
		// answer does so anyway, and for fewer sites.
		return s.within(ctx, corridor(a), nil)
	}
	return s.within(ctx, area.Cover(), nil)
}

// within returns the records in any of the boxes that keep approves of; nil
// approves of all.
func (s *snapshot) within(ctx context.Context, boxes []providers.Bounds, keep func(*providers.Site) bool) ([]*providers.Record, error) {
	var found []*providers.Record
	seen := newSet(len(boxes) > 1) // the parts of one box have no record in common
	w := newWatch(ctx)
	for _, box := range boxes {
		for _, part := range box.Split() {
			searchBox(s.positions, part, func(r *providers.Record) bool {
				if seen.add(r) && (keep == nil || keep(&r.Site)) {
					found = append(found, r)
				}
				return w.goOn()
			})
		}
	}
	return w.done(found)
}

// inCountry gathers the boxes around the country's records, one for each cell
// of a grid, grown by the margin, and asks of every foreign record in them
// whether a record of the country is near.
func (s *snapshot) inCountry(ctx context.Context, area providers.InCountry) ([]*providers.Record, error) {
	w := newWatch(ctx)
	home, ok := s.countries[area.Code]
	if !ok {
		return w.done(nil)
	}
	found := make([]*providers.Record, 0, home.Len())
	home.Scan(func(_, _ [2]float64, r *providers.Record) bool {
		found = append(found, r)
		return w.goOn()
	})
	if area.MarginM <= 0 {
		return w.done(found)
	}
	seen := newSet(true)
	for _, box := range cells(found, area.MarginM) {
		for _, part := range box.Grow(area.MarginM + slackM).Split() {
			searchBox(s.positions, part, func(r *providers.Record) bool {
				if r.Address.CountryCode != area.Code && seen.add(r) && near(home, r.Location, area.MarginM) {
					found = append(found, r)
				}
				return w.goOn()
			})
		}
	}
	return w.done(found)
}

// cells returns boxes that together hold the records, each drawn tightly around
// those in one cell of a grid. Cells are no smaller than the margin by which the
// boxes will be grown, so that no place is looked at very often.
func cells(records []*providers.Record, marginM float64) []providers.Bounds {
	const smallest = 0.25 // degrees: the Netherlands make some 100 cells
	size := max(smallest, degrees(marginM))
	type cell struct{ x, y int }
	index := map[cell]int{}
	var boxes []providers.Bounds
	for _, r := range records {
		p := r.Location
		c := cell{int(math.Floor(p.Lon / size)), int(math.Floor(p.Lat / size))}
		i, ok := index[c]
		if !ok {
			index[c] = len(boxes)
			boxes = append(boxes, boxOf(p, p))
			continue
		}
		boxes[i] = extend(boxes[i], p)
	}
	return boxes
}

// near reports whether t has a record within m metres of p.
func near(t *tree, p providers.Point, m float64) bool {
	found := false
	for _, part := range boxOf(p, p).Grow(m + slackM).Split() {
		searchBox(t, part, func(r *providers.Record) bool {
			found = p.DistanceM(r.Location) <= m
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// corridor returns boxes that together hold everything within a.DistanceM of
// the line. They are smaller than those of a.Cover, which are made for telling
// quickly what is far away: a diagonal of 500 km is one of them.
func corridor(a *providers.Route) []providers.Bounds {
	// 0.1 degrees make a journey of 3,000 km some 300 boxes; boxes far smaller
	// than the distance would only find everything many times.
	size := min(max(0.1, degrees(a.DistanceM())), 45)
	var boxes []providers.Bounds
	points := a.Points()
	last := points[0] // Lon runs on past ±180 where the line does, and so does run's
	run := boxOf(last, last)
	flush := func() {
		corners := []providers.Point{{Lat: run.South, Lon: run.West}, {Lat: run.North, Lon: run.East}}
		boxes = append(boxes, providers.BoundsOf(corners).Grow(a.DistanceM()+slackM))
	}
	for i := 1; i < len(points); i++ {
		start := last
		dLat, dLon := points[i].Lat-points[i-1].Lat, shortWay(points[i].Lon-points[i-1].Lon)
		n := max(1, math.Ceil(max(math.Abs(dLat), math.Abs(dLon))/size))
		for k := 1.0; k <= n; k++ {
			next := providers.Point{Lat: start.Lat + k/n*dLat, Lon: start.Lon + k/n*dLon}
			longer := extend(run, next)
			if longer.North-longer.South > size || longer.East-longer.West > size {
				flush()
				longer = boxOf(last, next)
			}
			run, last = longer, next
		}
	}
	flush()
	return boxes
}

// boxOf returns the box between two points on one side of the antimeridian.
func boxOf(p, q providers.Point) providers.Bounds {
	return extend(providers.Bounds{South: p.Lat, West: p.Lon, North: p.Lat, East: p.Lon}, q)
}

// extend returns the box that also holds p, on the same side of the antimeridian.
func extend(b providers.Bounds, p providers.Point) providers.Bounds {
	return providers.Bounds{
		South: min(b.South, p.Lat), West: min(b.West, p.Lon),
		North: max(b.North, p.Lat), East: max(b.East, p.Lon),
	}
}

// shortWay brings the difference of two longitudes into -180..180.
func shortWay(lon float64) float64 {
	switch {
	case lon > 180:
		return lon - 360
	case lon < -180:
		return lon + 360
	}
	return lon
}

// degrees returns how many degrees of latitude m metres are.
func degrees(m float64) float64 { return m / providers.EarthRadiusM * 180 / math.Pi }

// searchBox calls yield for the records of t in a box that does not cross the
// antimeridian, until it returns false.
func searchBox(t *tree, b providers.Bounds, yield func(*providers.Record) bool) {
	t.Search([2]float64{b.West, b.South}, [2]float64{b.East, b.North}, func(_, _ [2]float64, r *providers.Record) bool {
		return yield(r)
	})
}

// set remembers records. The nil set remembers nothing and takes every record
// for a new one.
type set map[*providers.Record]struct{}

func newSet(needed bool) set {
	if !needed {
		return nil
	}
	return set{}
}

// add reports whether r was not in the set.
func (s set) add(r *providers.Record) bool {
	if s == nil {
		return true
	}
	n := len(s)
	s[r] = struct{}{}
	return len(s) > n
}

// watch stops a long walk when its context ends.
type watch struct {
	ended func() error
	steps int
	err   error
}

func newWatch(ctx context.Context) *watch {
	return &watch{ended: ctx.Err, err: ctx.Err()}
}

// goOn is called for every record looked at, and reports whether to look at more.
func (w *watch) goOn() bool {
	if w.steps++; w.steps%checkEvery == 0 && w.err == nil {
		w.err = w.ended()
	}
	return w.err == nil
}

// done returns what a walk found, unless its context ended before it did.
func (w *watch) done(found []*providers.Record) ([]*providers.Record, error) {
	if w.err != nil {
		return nil, w.err
	}
	return found, nil
}

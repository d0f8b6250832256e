package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// ocmIndex finds records. It keeps them from south to north: a search of an
// area looks at its band of latitudes only, which for tens of thousands of
// records is faster than anything cleverer would be worth. That order is also
// the "index order" in which boxes are answered, so that a small maxresults
// gets the southern edge, as clients of the real service complain about.
//
// Records never change; edit puts another in the place of one. It is safe for
// concurrent use.
type ocmIndex struct {
	lats  []float64
	place map[int]int // in byLat, by id

	mu    sync.RWMutex
	byLat []*ocmPOI
}

func newOCMIndex(pois []*ocmPOI) *ocmIndex {
	ix := &ocmIndex{place: make(map[int]int, len(pois))}
	for _, p := range pois {
		if p.AddressInfo != nil { // the service hides the others
			ix.byLat = append(ix.byLat, p)
		}
	}
	slices.SortStableFunc(ix.byLat, func(a, b *ocmPOI) int {
		return cmp.Or(cmp.Compare(a.AddressInfo.Latitude, b.AddressInfo.Latitude), cmp.Compare(a.ID, b.ID))
	})
	ix.lats = make([]float64, len(ix.byLat))
	for i, p := range ix.byLat {
		ix.lats[i] = p.AddressInfo.Latitude
		ix.place[p.ID] = i
	}
	return ix
}

// holds reports whether there is a record with that id, shown or not.
func (ix *ocmIndex) holds(id int) bool {
	_, ok := ix.place[id]
	return ok
}

// edit puts a copy of the record with that id, which must exist, in its place,
// changed by change.
func (ix *ocmIndex) edit(id int, change func(*ocmPOI)) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	i := ix.place[id]
	edited := *ix.byLat[i]
	change(&edited)
	ix.byLat[i] = &edited
}

// all returns the records, which callers must not change.
func (ix *ocmIndex) all() []*ocmPOI {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return slices.Clone(ix.byLat)
}

// find returns the records that answer q, in the service's order, at most
// q.maxResults of them. Records are shared: callers must not change them.
func (ix *ocmIndex) find(q *ocmQuery) []*ocmPOI {
	if q.maxResults <= 0 {
		return nil
	}
	area := q.area()
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	candidates := ix.byLat
	if area != nil {
		from, _ := slices.BinarySearch(ix.lats, area.south)
		to, _ := slices.BinarySearch(ix.lats, math.Nextafter(area.north, 1000))
		candidates = ix.byLat[from:max(from, to)]
	}
	var found []*ocmPOI
	for _, p := range candidates {
		if area != nil && !area.contains(p.point()) {
			continue
		}
		if q.match(p) {
			found = append(found, p)
		}
	}
	q.order(found)
	return found[:min(len(found), q.maxResults)]
}

func (p *ocmPOI) point() ocmPoint {
	return ocmPoint{p.AddressInfo.Latitude, p.AddressInfo.Longitude}
}

// order sorts records that were found south to north.
func (q *ocmQuery) order(found []*ocmPOI) {
	by := func(compare func(a, b *ocmPOI) int) { slices.SortStableFunc(found, compare) }
	date := func(d *ocmDate) time.Time {
		if d == nil {
			return time.Time{}
		}
		return d.at
	}
	switch {
	case q.center != nil:
		by(func(a, b *ocmPOI) int {
			return cmp.Or(cmp.Compare(haversine(*q.center, a.point(), earthKM), haversine(*q.center, b.point(), earthKM)), cmp.Compare(a.ID, b.ID))
		})
	case q.sortBy == "created_asc":
		by(func(a, b *ocmPOI) int { return date(a.DateCreated).Compare(date(b.DateCreated)) })
	case q.sortBy == "modified_asc":
		by(func(a, b *ocmPOI) int { return date(a.DateLastStatusUpdate).Compare(date(b.DateLastStatusUpdate)) })
	case q.sortBy == "id_asc":
		by(func(a, b *ocmPOI) int { return cmp.Compare(a.ID, b.ID) })
	case len(q.polyline) == 0 && len(q.box) > 1:
		// Index order.
	default:
		by(func(a, b *ocmPOI) int { return cmp.Compare(b.ID, a.ID) })
	}
}

// match tells whether a record passes every filter but the area.
func (q *ocmQuery) match(p *ocmPOI) bool {
	return q.visible(p) && q.matchRecord(p) && q.matchConnections(p) && q.matchNotes(p)
}

// visible applies what the service hides from everybody, and the submission
// status.
func (q *ocmQuery) visible(p *ocmPOI) bool {
	is := func(id *int, value int) bool { return id != nil && *id == value }
	if is(p.StatusTypeID, ocmStatusRemoved) || is(p.StatusTypeID, ocmStatusDuplicate) || is(p.SubmissionStatusTypeID, ocmNotPublic) {
		return false
	}
	if q.submissions == nil {
		return is(p.SubmissionStatusTypeID, ocmImported) || is(p.SubmissionStatusTypeID, ocmPublished)
	}
	return q.submissions.has(p.SubmissionStatusTypeID)
}

func (q *ocmQuery) matchRecord(p *ocmPOI) bool {
	open := p.DataProvider != nil && p.DataProvider.IsOpenDataLicensed != nil && *p.DataProvider.IsOpenDataLicensed
	switch {
	case !q.ids.has(&p.ID),
		!q.countries.has(p.AddressInfo.CountryID),
		!q.operators.has(p.OperatorID),
		!q.usages.has(p.UsageTypeID),
		!q.statuses.has(p.StatusTypeID),
		!q.providers.has(p.DataProviderID),
		q.greaterThanID != nil && p.ID <= *q.greaterThanID,
		q.openData != nil && open != *q.openData,
		before(p.DateLastStatusUpdate, q.modifiedSince),
		before(p.DateCreated, q.createdSince),
		q.postcodes != nil && (p.AddressInfo.Postcode == nil || !q.postcodes[*p.AddressInfo.Postcode]),
		q.operatorTitle != "" && (p.OperatorInfo == nil || !same(p.OperatorInfo.Title, q.operatorTitle)),
		q.providerTitle != "" && (p.DataProvider == nil || !same(p.DataProvider.Title, q.providerTitle)):
		return false
	}
	// How the service ranks records for small-scale maps is not known; a fixed
	// tenth or hundredth stands for it.
	return q.detail < 2 || q.detail <= 3 && p.ID/ocmIDsPerSite%10 == 0 || p.ID/ocmIDsPerSite%100 == 0
}

func before(d *ocmDate, bound *time.Time) bool {
	return bound != nil && (d == nil || d.at.Before(*bound))
}

func same(s *string, want string) bool { return s != nil && *s == want }

// matchConnections applies the filters on connections, each of which any one
// connection may satisfy.
func (q *ocmQuery) matchConnections(p *ocmPOI) bool {
	some := func(ok func(c *ocmConnection) bool) bool {
		for i := range p.Connections {
			if ok(&p.Connections[i]) {
				return true
			}
		}
		return false
	}
	switch {
	case q.connections != nil && !some(func(c *ocmConnection) bool { return q.connections.has(c.ConnectionTypeID) }),
		q.levels != nil && !some(func(c *ocmConnection) bool { return q.levels.has(c.LevelID) }),
		q.minKW != nil && !some(func(c *ocmConnection) bool { return c.PowerKW != nil && *c.PowerKW >= *q.minKW }),
		q.maxKW != nil && !some(func(c *ocmConnection) bool { return c.PowerKW != nil && *c.PowerKW <= *q.maxKW }),
		q.connectionTitle != "" && !some(func(c *ocmConnection) bool {
			return c.ConnectionType != nil && same(c.ConnectionType.Title, q.connectionTitle)
		}):
		return false
	}
	return true
}

func (q *ocmQuery) matchNotes(p *ocmPOI) bool {
	if q.hasMedia != nil && *q.hasMedia != slices.ContainsFunc(p.MediaItems, func(m ocmMedia) bool { return m.IsEnabled }) {
		return false
	}
	if q.hasComment != nil && *q.hasComment != (len(p.UserComments) > 0) {
		return false
	}
	return q.hasCheckins == nil || *q.hasCheckins == slices.ContainsFunc(p.UserComments, func(c ocmComment) bool { return c.CheckinStatusTypeID != nil })
}

// present makes the copy of a record that one answer carries: with its
// distance, and with what the service computes from the date of today.
func (q *ocmQuery) present(p *ocmPOI, now time.Time) *ocmPOI {
	out := *p
	a := *p.AddressInfo
	a.Distance, a.DistanceUnit = nil, 0
	if q.center != nil {
		radius, unit := float64(earthKM), 1
		if q.miles {
			radius, unit = earthMiles, 2
		}
		a.Distance, a.DistanceUnit = new(haversine(*q.center, p.point(), radius)), unit
	}
	out.AddressInfo = &a

	halfYearAgo := now.AddDate(0, -6, 0)
	out.DateLastVerified = p.DateLastStatusUpdate
	later := func(d *ocmDate) {
		if d != nil && (out.DateLastVerified == nil || d.at.After(out.DateLastVerified.at)) {
			out.DateLastVerified = d
		}
	}
	later(p.DateLastConfirmed)
	if p.DateCreated != nil && p.DateCreated.at.After(halfYearAgo) {
		later(p.DateCreated)
	}
	out.IsRecentlyVerified = out.DateLastVerified != nil && out.DateLastVerified.at.After(halfYearAgo)
	return &out
}

// title is the title of a record or "".
func (p *ocmPOI) title() string {
	if p.AddressInfo.Title == nil {
		return ""
	}
	return strings.TrimSpace(*p.AddressInfo.Title)
}

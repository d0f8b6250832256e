package sandbox

import (
	"cmp"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// psFacts is what searches look at, be it of a world or of a recording.
type psFacts struct {
	id            int
	lat, lon      float64
	name, address string
	access        int
	cost          bool
	score         *float64
	comingSoon    bool
	searchable    bool // false: by its id only
	secret        bool // not even by its id
	amenities     []int
	poi           string
	stations      []psStationFacts
}

type psStationFacts struct {
	network *int
	outlets []psOutletFacts
}

type psOutletFacts struct {
	connector, power int
	kW               *float64
}

func newPSFacts(l *psLocation) psFacts {
	f := psFacts{
		id: l.ID, lat: l.Latitude, lon: l.Longitude, name: l.Name, address: l.Address, access: l.Access, cost: l.Cost,
		comingSoon: l.ComingSoon != nil && *l.ComingSoon, searchable: true,
	}
	if l.POIName != nil {
		f.poi = *l.POIName
	}
	for _, a := range l.Amenities {
		f.amenities = append(f.amenities, a.Type)
	}
	for _, st := range l.Stations {
		s := psStationFacts{network: st.NetworkID}
		for _, o := range st.Outlets {
			s.outlets = append(s.outlets, psOutletFacts{o.Connector, o.Power, (*float64)(o.Kilowatts)})
		}
		f.stations = append(f.stations, s)
	}
	return f
}

// psRecord is a location that can be served.
type psRecord interface {
	facts() *psFacts
	// available is that of station number i at a time, 0..4.
	available(i int, now time.Time) int
	// brief is an item of a search, with where it lies as seen from a place for
	// nearby; detail is the answer by id.
	brief(now time.Time, minimal bool, from *psBearing) any
	detail(now time.Time) any
	// reviewsFrom returns at most limit reviews after the first skip ones,
	// newest first.
	reviewsFrom(skip, limit int) []any
}

// psBearing is where a location lies.
type psBearing struct{ metres, degrees float64 }

// psQuery is the filters of a search. Nil sets filter nothing.
type psQuery struct {
	outlets            []psOutletQuery
	free               bool // cost=false: without those known to cost
	access, available  ocmSet
	amenities          ocmSet
	networks, excluded ocmSet
	score, minKW       *float64
	excludedPOIs       []string
	withoutSoon        bool
	minimal            bool
	count, page        int
}

// psOutletQuery is one descriptor of outlets=: every given property must be
// equal.
type psOutletQuery map[string]float64

// psBad is a parameter that the service answers with 400.
type psBad string

func (e psBad) Error() string { return string(e) }

// psFilterSet tells which filters an endpoint knows besides the common ones.
type psFilterSet struct{ availability, amenities, comingSoon bool }

// parsePSQuery reads the filters. Lists may be repeated parameters as well.
func parsePSQuery(p url.Values, known psFilterSet) (q psQuery, err error) {
	set := func(name string) ocmSet {
		text := strings.Join(p[name], ",")
		if err != nil || strings.Trim(text, ", ") == "" {
			return nil
		}
		s := make(ocmSet)
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			n, broken := strconv.Atoi(part)
			if broken != nil {
				err = psBad(name + " is not a list of numbers")
				return nil
			}
			s[n] = true
		}
		return s
	}
	number := func(name string) *float64 {
		if p.Get(name) == "" || err != nil {
			return nil
		}
		x, ok := parseDouble(p.Get(name))
		if !ok {
			err = psBad(name + " is not a number")
			return nil
		}
		return &x
	}
	flag := func(name string, otherwise bool) bool {
		switch strings.ToLower(p.Get(name)) {
		case "":
			return otherwise
		case "false", "0":
			return false
		default:
			return true
		}
	}
	q = psQuery{
		access: set("access"), networks: set("networks"), excluded: set("exclude_networks"),
		score: number("score"), minKW: number("minimum_power"),
		free: !flag("cost", true), minimal: flag("minimal", false),
	}
	if known.availability {
		q.available = set("availability")
	}
	if known.amenities {
		q.amenities = set("amenities")
	}
	if known.comingSoon {
		q.withoutSoon = !flag("include_coming_soon", true)
	}
	for part := range strings.SplitSeq(strings.ToLower(strings.Join(p["exclude_poi_names"], ",")), ",") {
		if part = strings.TrimSpace(part); part != "" {
			q.excludedPOIs = append(q.excludedPOIs, part)
		}
	}
	if text := p.Get("outlets"); text != "" && err == nil {
		if json.Unmarshal([]byte(text), &q.outlets) != nil {
			err = psBad("outlets is not a JSON list of outlets")
		}
	}
	count, page := number("count"), number("page")
	if err != nil {
		return q, err
	}
	q.count = -1
	if count != nil {
		if *count < 0 || *count != math.Trunc(*count) {
			return q, psBad("count is not a whole number")
		}
		q.count = int(min(*count, 1e6))
	}
	if page != nil && count != nil { // page does nothing without count
		q.page = int(max(1, min(*page, 1e6))) - 1
	}
	return q, nil
}

// match tells whether a location passes the filters.
func (q *psQuery) match(r psRecord, now time.Time) bool {
	f := r.facts()
	switch {
	case !f.searchable,
		q.free && f.cost,
		q.withoutSoon && f.comingSoon,
		!q.access.has(&f.access),
		q.score != nil && (f.score == nil || *f.score < *q.score),
		q.amenities != nil && !slices.ContainsFunc(f.amenities, func(id int) bool { return q.amenities[id] }),
		slices.ContainsFunc(q.excludedPOIs, func(name string) bool { return strings.Contains(strings.ToLower(f.poi), name) }):
		return false
	}
	some := func(ok func(o psOutletFacts) bool) bool {
		return slices.ContainsFunc(f.stations, func(s psStationFacts) bool { return slices.ContainsFunc(s.outlets, ok) })
	}
	if len(q.outlets) > 0 && !some(func(o psOutletFacts) bool {
		return slices.ContainsFunc(q.outlets, func(want psOutletQuery) bool { return want.match(o) })
	}) {
		return false
	}
	if q.minKW != nil && !some(func(o psOutletFacts) bool { return o.kW != nil && *o.kW >= *q.minKW }) {
		return false
	}
	if q.networks != nil && !slices.ContainsFunc(f.stations, func(s psStationFacts) bool { return q.networks.has(s.network) }) {
		return false
	}
	if q.excluded != nil && len(f.stations) > 0 && !slices.ContainsFunc(f.stations, func(s psStationFacts) bool { return !q.excluded.has(s.network) }) {
		return false
	}
	if q.available == nil {
		return true
	}
	for i := range f.stations {
		if q.available[r.available(i, now)] {
			return true
		}
	}
	return false
}

func (want psOutletQuery) match(o psOutletFacts) bool {
	for name, value := range want {
		switch name {
		case "connector":
			if value != float64(o.connector) {
				return false
			}
		case "power":
			if value != float64(o.power) {
				return false
			}
		case "kilowatts":
			if o.kW == nil || value != *o.kW {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// psIndex finds records, from south to north.
type psIndex struct {
	byLat []psRecord
	lats  []float64
	byID  map[int]psRecord
}

func newPSIndex(records []psRecord) *psIndex {
	ix := &psIndex{byLat: slices.Clone(records), byID: make(map[int]psRecord, len(records))}
	slices.SortStableFunc(ix.byLat, func(a, b psRecord) int {
		return cmp.Or(cmp.Compare(a.facts().lat, b.facts().lat), cmp.Compare(a.facts().id, b.facts().id))
	})
	for _, r := range ix.byLat {
		ix.lats = append(ix.lats, r.facts().lat)
		ix.byID[r.facts().id] = r
	}
	return ix
}

// band returns the records between two latitudes, both included.
func (ix *psIndex) band(south, north float64) []psRecord {
	from, _ := slices.BinarySearch(ix.lats, south)
	to, _ := slices.BinarySearch(ix.lats, math.Nextafter(north, 1000))
	return ix.byLat[from:max(from, to)]
}

// region returns what lies in a box. Which of them come first is nobody's
// business, as at the service: neither the nearest nor the best, but the same
// ones each time.
func (ix *psIndex) region(lat, lon, spanLat, spanLon float64, keep func(psRecord) bool) []psRecord {
	var found []psRecord
	for _, r := range ix.band(lat-spanLat/2, lat+spanLat/2) {
		if f := r.facts(); f.lon >= lon-spanLon/2 && f.lon <= lon+spanLon/2 && keep(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b psRecord) int {
		return cmp.Compare(psShuffle(a.facts().id), psShuffle(b.facts().id))
	})
	return found
}

func psShuffle(id int) uint64 { return mix(uint64(id)) } //nolint:gosec // ids are positive

// psNear is a record with its bearing.
type psNear struct {
	psRecord

	bearing psBearing
}

// nearby returns what lies within a radius, nearest first.
func (ix *psIndex) nearby(lat, lon, radius float64, keep func(psRecord) bool) []psNear {
	degrees := radius/111_190 + 1e-6
	var found []psNear
	for _, r := range ix.band(lat-degrees, lat+degrees) {
		f := r.facts()
		if m := metresBetween(lat, lon, f.lat, f.lon); m <= radius && keep(r) {
			found = append(found, psNear{r, psBearing{m, compassBearing(lat, lon, f.lat, f.lon)}})
		}
	}
	slices.SortStableFunc(found, func(a, b psNear) int {
		return cmp.Or(cmp.Compare(a.bearing.metres, b.bearing.metres), cmp.Compare(a.facts().id, b.facts().id))
	})
	return found
}

// compassBearing is the initial course from one place to another, 0..360
// degrees clockwise from north.
func compassBearing(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	dLon := (lon2 - lon1) * rad
	y := math.Sin(dLon) * math.Cos(lat2*rad)
	x := math.Cos(lat1*rad)*math.Sin(lat2*rad) - math.Sin(lat1*rad)*math.Cos(lat2*rad)*math.Cos(dLon)
	return math.Mod(math.Atan2(y, x)/rad+360, 360)
}

// along returns what lies within a distance of a line, in the order of the ids.
func (ix *psIndex) along(line []ocmPoint, metres float64, keep func(psRecord) bool) []psRecord {
	box := envelope(line)
	degrees := metres/111_190 + 1e-6
	var found []psRecord
	for _, r := range ix.band(box.south-degrees, box.north+degrees) {
		if f := r.facts(); metresToLine(ocmPoint{f.lat, f.lon}, line) <= metres && keep(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b psRecord) int { return cmp.Compare(a.facts().id, b.facts().id) })
	return found
}

// metresToLine is the distance to the nearest segment on a plane that touches
// the earth at p: good for segments of a few hundred kilometres.
func metresToLine(p ocmPoint, line []ocmPoint) float64 {
	const metresPerDegree = 111_195
	flat := func(q ocmPoint) ocmPoint {
		return ocmPoint{(q.lat - p.lat) * metresPerDegree, wrapLon(q.lon-p.lon) * metresPerDegree * math.Cos(p.lat*math.Pi/180)}
	}
	nearest := math.Inf(1)
	for i := range line {
		nearest = min(nearest, toSegment(ocmPoint{}, flat(line[max(0, i-1)]), flat(line[i])))
	}
	return nearest
}

// text returns what has a text in its name or address, in the order of the ids.
func (ix *psIndex) text(query string, keep func(psRecord) bool) []psRecord {
	query = strings.ToLower(query)
	var found []psRecord
	for _, r := range ix.byLat {
		f := r.facts()
		if (strings.Contains(strings.ToLower(f.name), query) || strings.Contains(strings.ToLower(f.address), query)) && keep(r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b psRecord) int { return cmp.Compare(a.facts().id, b.facts().id) })
	return found
}

// paged returns one page of a list.
func paged[T any](list []T, page, size int) []T {
	from := min(page*size, len(list))
	return list[from:min(from+size, len(list))]
}

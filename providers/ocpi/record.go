package ocpi

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/wire"
)

// verdict is what becomes of a location.
type verdict int

const (
	kept        verdict = iota
	broken              // no location, or nobody knows which
	unpublished         // publish is false
	expired             // no EVSE, or only REMOVED ones
	unplaced            // no position, or 0,0
)

// mapper makes records of the locations of one pull. It is not safe for
// concurrent use; what its records share is.
type mapper struct {
	source *providers.Source
	// perOperator says that each record is attributed to its operator, for want
	// of a configured attribution; a record without one to the source.
	perOperator bool
	license     string
	fetchedAt   time.Time
	removed     int // REMOVED EVSEs left out of kept locations

	// What few values many records have, they share.
	texts        map[string]string
	numbers      map[float64]*float64
	counts       map[int]*int
	states       map[providers.EVSEStatus]*providers.EVSEStatus
	wordLists    map[string][]string
	operators    map[operatorSaid]*providers.Operator
	attributions map[*providers.Operator]*providers.Attribution
	hours        map[string]*providers.OpeningHours

	// Room that is used again for each location.
	live      []*wireEVSE
	status    []providers.EVSEStatus
	rows      []providers.ConnectionInfo
	rowCounts []int
	evseNames names
	plugNames names
	buf       []byte
}

type operatorSaid struct{ party, name, website, logo, phone string }

func newMapper(source *providers.Source, perOperator bool, license string) *mapper {
	return &mapper{
		source: source, perOperator: perOperator, license: license,
		texts:        map[string]string{},
		numbers:      map[float64]*float64{},
		counts:       map[int]*int{},
		states:       map[providers.EVSEStatus]*providers.EVSEStatus{},
		wordLists:    map[string][]string{},
		operators:    map[operatorSaid]*providers.Operator{},
		attributions: map[*providers.Operator]*providers.Attribution{},
		hours:        map[string]*providers.OpeningHours{},
		evseNames:    names{},
		plugNames:    names{},
	}
}

// key returns the name of a location for ever; false where it has none.
func (m *mapper) key(w *wireLocation) (providers.Key, bool) {
	id := strings.ToUpper(clean.Line(string(w.ID)))
	if id == "" {
		return "", false
	}
	if party := partyOf(w); party != "" {
		id = party + "*" + id
	}
	k := providers.NewKey(m.source.ID, id)
	if _, err := providers.ParseKey(string(k)); err != nil || k.SourceID() != m.source.ID {
		return "", false
	}
	return k, true
}

// partyOf returns country and party of the location's operator, "NL*ABC"; ""
// where either is missing.
func partyOf(w *wireLocation) string {
	country, party := clean.Line(string(w.CountryCode)), clean.Line(string(w.PartyID))
	if country == "" || party == "" {
		return ""
	}
	return country + "*" + party
}

// record returns the finished record of a location, or why there is none. The
// key is "" for a broken one alone. w must not be used afterwards.
func (m *mapper) record(w *wireLocation) (*providers.Record, providers.Key, verdict) {
	key, ok := m.key(w)
	if !ok || len(w.EVSEs) == 0 && !w.Coordinates.Set && w.Address == "" {
		return nil, "", broken // a tariff, perhaps: the wrong endpoint was configured
	}
	m.live = m.live[:0]
	for i := range w.EVSEs {
		if evseStatus(w.EVSEs[i].Status) != providers.EVSERemoved {
			m.live = append(m.live, &w.EVSEs[i])
		}
	}
	at, placed := pointOf(&w.Coordinates)
	switch {
	case w.Publish.Set && !w.Publish.Value:
		return nil, key, unpublished
	case len(m.live) == 0:
		return nil, key, expired
	case !placed:
		return nil, key, unplaced
	}
	m.removed += len(w.EVSEs) - len(m.live)
	m.newestOfEach()

	r := &providers.Record{
		Key: key, Source: m.source, ExternalID: key.ExternalID(), FetchedAt: m.fetchedAt,
		Site: providers.Site{
			Location: at,
			Address: providers.Address{
				Line1:           clean.Line(string(w.Address)),
				Town:            m.line(string(w.City)),
				StateOrProvince: m.line(string(w.State)),
				Postcode:        m.line(string(w.PostalCode)),
				CountryCode:     countryCode(string(w.Country)),
			},
			Usage:          m.usage(w),
			Cost:           providers.CostUnknown,
			NumberOfPoints: m.count(m.present()),
			OpeningHours:   m.opening(&w.OpeningTimes),
			TimeZone:       m.line(timeZone(string(w.TimeZone))),
			Owner:          m.line(string(w.Owner.Value.Name)),
			Amenities:      amenities(w.Facilities),
			Parking:        m.parking(w),
			AccessComments: m.shared(clean.Text(forPeople(w.Directions))),
			UpdatedAt:      w.LastUpdated.Time,
		},
	}
	r.Operator = m.operator(w)
	r.Title = title(string(w.Name), &r.Address, r.ExternalID)
	if phone := m.line(string(w.HelpPhone)); phone != "" {
		r.Contact = &providers.Contact{Phone: phone}
	}
	m.equipment(r)
	m.photos(r, w)
	r.Attribution = m.attribution(r.Operator)
	r.Seal()
	return r, key, kept
}

// newestOfEach drops EVSEs whose uid another one has that is not older.
func (m *mapper) newestOfEach() {
	for i := 0; i < len(m.live); i++ {
		e := m.live[i]
		if e.UID == "" {
			continue
		}
		later := slices.ContainsFunc(m.live, func(o *wireEVSE) bool {
			return o != e && o.UID == e.UID && o.LastUpdated.After(e.LastUpdated.Time)
		})
		before := slices.ContainsFunc(m.live[:i], func(o *wireEVSE) bool {
			return o.UID == e.UID && !o.LastUpdated.Before(e.LastUpdated.Time)
		})
		if later || before {
			m.live = slices.Delete(m.live, i, i+1)
			i--
		}
	}
}

// present returns how many cars can charge at once: one at each EVSE that is
// there, or, at a site where all are planned, will be.
func (m *mapper) present() int {
	planned := 0
	for _, e := range m.live {
		if evseStatus(e.Status) == providers.EVSEPlanned {
			planned++
		}
	}
	if planned == len(m.live) {
		return planned
	}
	return len(m.live) - planned
}

func pointOf(o *wire.Object[wirePoint]) (providers.Point, bool) {
	p := providers.Point{Lat: o.Value.Latitude.Value, Lon: o.Value.Longitude.Value}
	return p, o.Value.Latitude.Set && o.Value.Longitude.Set && p.Valid() && !p.IsNull()
}

// title returns what a site is called; a site without a name by where it is.
func title(name string, a *providers.Address, external string) string {
	name = clean.Line(name)
	if name == a.Line1 {
		name = a.Line1 // one text less to hold
	}
	return cmp.Or(name, a.Line1, a.Town, "Charging site "+external)
}

// timeZone returns s if it may be the name of a zone.
func timeZone(s string) string {
	s = strings.TrimSpace(s)
	strange := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/_+-", r)
	}
	if len(s) > 64 || strings.ContainsFunc(s, strange) {
		return ""
	}
	return s
}

// forPeople returns the English one of several texts, else the first.
func forPeople(list displayTexts) string {
	first := ""
	for _, d := range list {
		if strings.EqualFold(string(d.Language), "en") && d.Text != "" {
			return string(d.Text)
		}
		if first == "" {
			first = string(d.Text)
		}
	}
	return first
}

// usage says who may charge here, where that is certain: all EVSEs are kept for
// somebody, or the location is published and none is. What is kept for one at
// some EVSEs only leaves it open, and a location that does not say whether it is
// published does, too.
func (m *mapper) usage(w *wireLocation) providers.UsageKind {
	var kind providers.UsageKind
	restrictedEVSEs, pays := 0, false
	for _, e := range m.live {
		own := providers.UsageKind("")
		for _, restriction := range e.ParkingRestrictions {
			switch k := restricted(restriction); {
			case k == "":
			case own == "" || own == k:
				own = k
			default:
				own = providers.UsageRestricted
			}
		}
		switch {
		case own == "":
		case restrictedEVSEs == 0 || kind == own:
			restrictedEVSEs, kind = restrictedEVSEs+1, own
		default:
			restrictedEVSEs, kind = restrictedEVSEs+1, providers.UsageRestricted
		}
		pays = pays || slices.ContainsFunc(e.Capabilities, paysOnSite)
	}
	switch {
	case restrictedEVSEs == len(m.live):
		return kind
	case restrictedEVSEs > 0, !w.Publish.Set:
		return providers.UsageUnknown
	case pays:
		return providers.UsagePublicPayAtLocation
	}
	return providers.UsagePublic
}

func amenities(facilities words) []providers.Amenity {
	var list []providers.Amenity
	for _, f := range facilities {
		if a, known := amenity(f); known && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

func (m *mapper) parking(w *wireLocation) []providers.ParkingKind {
	var list []providers.ParkingKind
	add := func(k providers.ParkingKind) {
		if !slices.Contains(list, k) {
			list = append(list, k)
		}
	}
	for _, t := range []enum{w.ParkingType, w.Type} {
		if k, known := parkingKind(t); known {
			add(k)
		}
	}
	for _, e := range m.live {
		if slices.Contains(e.ParkingRestrictions, "DISABLED") {
			add(providers.ParkingDisabled)
		}
	}
	for i := range w.Parking {
		p := &w.Parking[i]
		if p.DriveThrough.Value {
			add(providers.ParkingPullThrough)
		}
		if p.Direction == "PERPENDICULAR" {
			add(providers.ParkingPullIn)
		}
		if slices.Contains(p.VehicleTypes, "PERSONAL_VEHICLE_WITH_TRAILER") {
			add(providers.ParkingTrailer)
		}
		if slices.Contains(p.VehicleTypes, "DISABLED") {
			add(providers.ParkingDisabled)
		}
		if p.Lighting.Value {
			add(providers.ParkingLit)
		}
	}
	return list
}

// operator returns who runs the equipment: the party, by the name it gives
// itself. Without a party of its own a location has that of its EVSE ids. One
// that has neither has an operator by name, and no record of it under a
// party: its name is no id, and must not tell it from the party it may be.
func (m *mapper) operator(w *wireLocation) *providers.Operator {
	b := &w.Operator.Value
	said := operatorSaid{
		party:   cmp.Or(partyOf(w), m.partyOfEVSEs()),
		name:    clean.Line(string(b.Name)),
		website: clean.URL(string(b.Website)),
		logo:    clean.URL(string(b.Logo.Value.URL)),
		phone:   clean.Line(string(b.Hotline)),
	}
	if said.party == "" && said.name == "" {
		return nil
	}
	if o, ok := m.operators[said]; ok {
		return o
	}
	o := providers.NewOperator(providers.OCPI, said.party, cmp.Or(said.name, said.party))
	if said.party == "" {
		o.ID, o.Records = providers.OperatorID(providers.OCPI, providers.Fold(said.name)), nil
	}
	o.Website, o.Logo, o.Phone = said.website, said.logo, said.phone
	if len(m.operators) < maxShared {
		m.operators[said] = o
	}
	return o
}

// partyOfEVSEs returns the party that all EVSE ids begin with, "NL*ABC": the
// first five characters of an id without its separators. "" where there is none.
func (m *mapper) partyOfEVSEs() string {
	party := ""
	for _, e := range m.live {
		id := providers.NormalEVSEID(string(cmp.Or(e.EVSEID, e.ID)))
		if id == "" {
			continue
		}
		if len(id) < 7 || id[5] != 'E' || !isUpper(id[0]) || !isUpper(id[1]) || party != "" && party != id[:5] {
			return ""
		}
		for i := 2; i < 5; i++ {
			if !isUpper(id[i]) && (id[i] < '0' || id[i] > '9') {
				return ""
			}
		}
		party = id[:5]
	}
	if party == "" {
		return ""
	}
	return party[:2] + "*" + party[2:]
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

func (m *mapper) attribution(o *providers.Operator) *providers.Attribution {
	if !m.perOperator || o == nil {
		return &m.source.Attribution
	}
	a := m.attributions[o]
	if a == nil {
		a = &providers.Attribution{Text: o.Title, URL: o.Website, License: m.license}
		m.attributions[o] = a
	}
	return a
}

// photos sets the pictures of the site and its EVSEs, each once.
func (m *mapper) photos(r *providers.Record, w *wireLocation) {
	add := func(list wire.List[wireImage]) {
		for i := range list {
			address := clean.URL(string(list[i].URL))
			if address == "" || !isPicture(list[i].Category) || slices.ContainsFunc(r.Photos, func(p providers.Photo) bool { return p.URL == address }) {
				continue
			}
			h := fnv.New64a()
			_, _ = h.Write([]byte(address)) // a hash never fails
			r.Photos = append(r.Photos, providers.Photo{
				ExternalID: strconv.FormatUint(h.Sum64(), 16),
				URL:        address,
				Thumbnail:  clean.URL(string(list[i].Thumbnail)),
			})
		}
	}
	add(w.Images)
	for _, e := range m.live {
		add(e.Images)
	}
}

// opening returns the opening hours; nil where the feed says nothing of them.
func (m *mapper) opening(w *wireHours) *providers.OpeningHours {
	if !w.set {
		return nil
	}
	h := providers.OpeningHours{Text: clean.Text(string(w.said))}
	if w.TwentyFourSeven.Set {
		h.Open24h = new(w.TwentyFourSeven.Value)
	}
	for i := range w.Regular {
		day, ok := integer(w.Regular[i].Weekday)
		opens, okBegin := clock(string(w.Regular[i].Begin))
		closes, okEnd := clock(string(w.Regular[i].End))
		if !ok || !okBegin || !okEnd || day < 1 || day > 7 || opens == "24:00" {
			continue
		}
		if closes == "00:00" {
			closes = "24:00" // a period ends after it begins, so that this is the day's end
		}
		h.Weekly = append(h.Weekly, providers.OpeningPeriod{Weekday: day, Opens: opens, Closes: closes})
	}
	slices.SortStableFunc(h.Weekly, func(a, b providers.OpeningPeriod) int {
		return cmp.Or(cmp.Compare(a.Weekday, b.Weekday), cmp.Compare(a.Opens, b.Opens))
	})
	for open, list := range map[bool]wire.List[wirePeriod]{true: w.Openings, false: w.Closings} {
		for i := range list {
			p := providers.OpeningException{From: list[i].Begin.Time, To: list[i].End.Time, Open: open}
			if !p.From.IsZero() && p.To.After(p.From) {
				h.Exceptions = append(h.Exceptions, p)
			}
		}
	}
	slices.SortFunc(h.Exceptions, func(a, b providers.OpeningException) int {
		later := 0
		if a.Open != b.Open { // closings override, so that they come last
			if later = -1; b.Open {
				later = 1
			}
		}
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), later)
	})
	if h.Open24h == nil && h.Weekly == nil && h.Exceptions == nil && h.Text == "" {
		return nil
	}
	return m.sharedHours(&h)
}

// sharedHours returns hours equal to h that other records have, too: most are
// open always.
func (m *mapper) sharedHours(h *providers.OpeningHours) *providers.OpeningHours {
	if h.Exceptions != nil || h.Text != "" {
		return h
	}
	b := m.buf[:0]
	if h.Open24h != nil {
		b = strconv.AppendBool(b, *h.Open24h)
	}
	for _, p := range h.Weekly {
		b = strconv.AppendInt(b, int64(p.Weekday), 10)
		b = append(append(b, p.Opens...), p.Closes...)
	}
	m.buf = b
	if same, ok := m.hours[string(b)]; ok {
		return same
	}
	if len(m.hours) < maxShared {
		m.hours[string(b)] = h
	}
	return h
}

// clock reads a time of day and writes it as "HH:MM", from "00:00" to "24:00".
// Seconds are cut off.
func clock(s string) (string, bool) {
	parts := strings.Split(strings.TrimSpace(s), ":")
	if len(parts) < 2 || len(parts) > 3 {
		return "", false
	}
	limits := [...]int{24, 59, 59}
	for i, part := range parts {
		if i == 2 {
			part, _, _ = strings.Cut(part, ".")
		}
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 2 || int(v) > limits[i] || i > 0 && parts[0] == "24" && v > 0 {
			return "", false
		}
	}
	if len(parts[1]) != 2 {
		return "", false
	}
	if len(parts[0]) == 1 {
		parts[0] = "0" + parts[0]
	}
	return parts[0] + ":" + parts[1], true
}

// maxName is longer than any two of OCPI's ids.
const maxName = 128

// names gives the members of one record external ids that are unique there.
type names map[string]bool

// of returns name, or a name like it that is not taken.
func (n names) of(name string) string {
	if name == "" || n[name] || len(name) > maxName {
		base := name
		if base == "" || len(base) > maxName {
			base = "n"
		}
		for i := 2; ; i++ {
			if name = base + "~" + strconv.Itoa(i); !n[name] {
				break
			}
		}
	}
	n[name] = true
	return name
}

// maxShared bounds what a mapper remembers of each kind, so that an endless
// answer of different values does not fill the memory with them.
const maxShared = 1 << 17

// line returns a cleaned line that other records may have, too.
func (m *mapper) line(s string) string { return m.shared(clean.Line(s)) }

// shared returns a text equal to s that other records hold too.
func (m *mapper) shared(s string) string {
	if s == "" || len(s) > 256 {
		return s
	}
	if t, ok := m.texts[s]; ok {
		return t
	}
	if len(m.texts) < maxShared {
		m.texts[s] = s
	}
	return s
}

// number returns a quantity; nil for 0, which stands for unknown.
func (m *mapper) number(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	p, ok := m.numbers[v]
	if !ok {
		p = &v
		if len(m.numbers) < maxShared {
			m.numbers[v] = p
		}
	}
	return p
}

func (m *mapper) count(v int) *int {
	p, ok := m.counts[v]
	if !ok {
		p = &v
		if len(m.counts) < maxShared {
			m.counts[v] = p
		}
	}
	return p
}

func (m *mapper) state(s providers.EVSEStatus) *providers.EVSEStatus {
	p, ok := m.states[s]
	if !ok {
		p = &s
		m.states[s] = p
	}
	return p
}

// words returns a list of enums as texts, known or not, each once.
func (m *mapper) words(list words) []string {
	if len(list) == 0 {
		return nil
	}
	b := m.buf[:0]
	for _, w := range list {
		b = append(append(b, w...), '\n')
	}
	m.buf = b
	if same, ok := m.wordLists[string(b)]; ok {
		return same
	}
	key := string(b)
	texts := make([]string, 0, len(list))
	for _, w := range list {
		if s := m.line(string(w)); s != "" && !slices.Contains(texts, s) {
			texts = append(texts, s)
		}
	}
	if len(m.wordLists) < maxShared {
		m.wordLists[key] = texts
	}
	return texts
}

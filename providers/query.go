package providers

import (
	"slices"
	"strings"
	"time"
)

// Filter says which POIs are wanted. Its fields combine with AND, the entries
// of one list with OR; a zero field asks for nothing. It is three-valued: what
// is unknown about a POI does not match, and does not match under Not either.
// Only a value that a filter lists as UNKNOWN is matched by being unknown.
//
// OpenData and DataProviderIDs act on records before they are merged
// (MatchRecord), everything else on the merged POI (Match).
type Filter struct {
	Connections        []ConnectionMatch // one and the same connection satisfies all of one entry
	OperatorIDs        []string
	ExcludeOperatorIDs []string
	Usage              []UsageKind
	UsageTypeIDs       []string
	Status             []OperationalStatus
	StatusTypeIDs      []string
	Availability       []EVSEStatus
	MinPoints          *int
	Cost               []CostKind
	Amenities          []Amenity
	Countries          []string
	MinRating          *float64
	MinProviderScore   *ProviderScoreMatch
	HasPhotos          *bool
	HasComments        *bool
	IncludePlanned     *bool // nil: planned sites only where Status or StatusTypeIDs ask for them
	ModifiedSince      time.Time
	VerifiedSince      time.Time
	OpenData           *bool
	DataProviderIDs    []string
	Providers          []ProviderCode
	Text               string // every word occurs in title, address or operator; case and accents folded
	Not                *Filter
}

// ConnectionMatch describes a connection. Its fields combine with AND.
type ConnectionMatch struct {
	Types               []ConnectorType
	ConnectionTypeIDs   []string
	Formats             []ConnectorFormat
	MinPowerKW          *float64
	MaxPowerKW          *float64
	Current             []CurrentKind // AC matches every kind of alternating current
	Level               []int
	Availability        []EVSEStatus
	IncludeUnknownPower bool // an unknown power satisfies MinPowerKW and MaxPowerKW; without effect under Not
}

// ProviderScoreMatch asks for a minimum of one provider's own score.
type ProviderScoreMatch struct {
	Provider ProviderCode
	Min      float64
}

// Order is how POIs are sorted. The zero Order is the default one: around a
// point by distance, along a route by position, elsewhere by id.
type Order struct {
	By        POIOrderField
	Direction OrderDirection
}

// truth is a value of Kleene's three-valued logic: AND is the minimum, OR the
// maximum, and NOT mirrors at unknown.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

// MatchRecord reports whether a record may take part in matching at all.
// OpenData true keeps openly licensed records, false all others; a record whose
// data provider is not known counts as not open.
func (f *Filter) MatchRecord(r *Record) bool {
	if f == nil {
		return true
	}
	if f.OpenData != nil {
		open := r.DataProvider != nil && r.DataProvider.IsOpenDataLicensed != nil && *r.DataProvider.IsOpenDataLicensed
		if open != *f.OpenData {
			return false
		}
	}
	if len(f.DataProviderIDs) > 0 {
		return r.DataProvider != nil && slices.Contains(f.DataProviderIDs, r.DataProvider.ID)
	}
	return true
}

// Match reports whether a merged POI is wanted. Removed sites never are.
// A nil Filter wants every site that is not planned.
func (f *Filter) Match(p *POI) bool {
	if p.Status == StatusRemoved {
		return false
	}
	if p.Status == StatusPlanned && !f.wantsPlanned(p) {
		return false
	}
	return f == nil || f.eval(p, true) == yes
}

func (f *Filter) wantsPlanned(p *POI) bool {
	switch {
	case f == nil:
		return false
	case f.IncludePlanned != nil:
		return *f.IncludePlanned
	case slices.Contains(f.Status, StatusPlanned):
		return true
	}
	return p.StatusType != nil && slices.Contains(f.StatusTypeIDs, p.StatusType.ID)
}

// eval judges p. IncludeUnknownPower acts at the top only.
func (f *Filter) eval(p *POI, top bool) truth {
	t := yes
	and := func(v truth) { t = min(t, v) }

	if len(f.Connections) > 0 {
		and(f.evalConnections(p, top))
	}
	if len(f.OperatorIDs) > 0 {
		and(operatorIn(f.OperatorIDs, p.Operator))
	}
	if len(f.ExcludeOperatorIDs) > 0 {
		and(-operatorIn(f.ExcludeOperatorIDs, p.Operator))
	}
	and(oneOf(f.Usage, p.Usage, UsageUnknown))
	if len(f.UsageTypeIDs) > 0 {
		id := ""
		if p.UsageType != nil {
			id = p.UsageType.ID
		}
		and(rowIn(f.UsageTypeIDs, id))
	}
	and(oneOf(f.Status, p.Status, StatusUnknown))
	if len(f.StatusTypeIDs) > 0 {
		id := ""
		if p.StatusType != nil {
			id = p.StatusType.ID
		}
		and(rowIn(f.StatusTypeIDs, id))
	}
	if len(f.Availability) > 0 {
		and(evalAvailability(f.Availability, p))
	}
	if f.MinPoints != nil {
		and(atLeast(p.NumberOfPoints, *f.MinPoints))
	}
	and(oneOf(f.Cost, p.Cost, CostUnknown))
	if len(f.Amenities) > 0 {
		found := unknown // a directory that lists none has not said that there are none
		if len(p.Amenities) > 0 {
			found = is(slices.ContainsFunc(p.Amenities, func(a Amenity) bool { return slices.Contains(f.Amenities, a) }))
		}
		and(found)
	}
	if len(f.Countries) > 0 {
		and(oneOf(f.Countries, p.Address.CountryCode, ""))
	}
	if f.MinRating != nil {
		var average *float64
		if p.Rating != nil {
			average = p.Rating.Average
		}
		and(atLeast(average, *f.MinRating))
	}
	if f.MinProviderScore != nil {
		and(evalProviderScore(f.MinProviderScore, p))
	}
	if f.HasPhotos != nil {
		and(hasAny(len(p.Photos), p, *f.HasPhotos))
	}
	if f.HasComments != nil {
		and(hasAny(len(p.Comments), p, *f.HasComments))
	}
	if !f.ModifiedSince.IsZero() {
		and(since(p.UpdatedAt, f.ModifiedSince))
	}
	if !f.VerifiedSince.IsZero() {
		and(since(p.LastVerifiedAt, f.VerifiedSince))
	}
	if len(f.Providers) > 0 {
		and(is(slices.ContainsFunc(f.Providers, p.Has)))
	}
	if f.Text != "" {
		and(is(matchText(f.Text, p)))
	}
	if f.Not != nil {
		and(-f.Not.eval(p, false))
	}
	return t
}

// oneOf judges a value whose unknown form is none. Listing the unknown form asks for it.
func oneOf[T comparable](wanted []T, v, none T) truth {
	switch {
	case len(wanted) == 0 || slices.Contains(wanted, v):
		return yes
	case v == none:
		return unknown
	}
	return no
}

// rowIn judges a reference row's id: "" and "0" both stand for unknown.
func rowIn(wanted []string, id string) truth {
	switch {
	case slices.Contains(wanted, id):
		return yes
	case id == "" || id == "0":
		return unknown
	}
	return no
}

func operatorIn(ids []string, o *Operator) truth {
	switch {
	case o == nil:
		return unknown
	case slices.ContainsFunc(ids, o.Is):
		return yes
	}
	return no
}

// Is reports whether id names this operator by any of its records.
func (o *Operator) Is(id string) bool {
	if id == o.ID {
		return true
	}
	return slices.ContainsFunc(o.Records, func(r OperatorRecord) bool {
		return OperatorID(r.Provider, r.ExternalID) == id
	})
}

// hasAny judges whether a POI has comments or photos, of which a summary has none.
func hasAny(n int, p *POI, wanted bool) truth {
	if n == 0 && p.Summary() {
		return unknown
	}
	return is((n > 0) == wanted)
}

func atLeast[T int | float64](v *T, bound T) truth {
	if v == nil {
		return unknown
	}
	return is(*v >= bound)
}

func atMost[T int | float64](v *T, bound T) truth {
	if v == nil {
		return unknown
	}
	return is(*v <= bound)
}

func since(t, bound time.Time) truth {
	if t.IsZero() {
		return unknown
	}
	return is(!t.Before(bound))
}

func (f *Filter) evalConnections(p *POI, top bool) truth {
	t := no
	if len(p.Connections) == 0 {
		t = unknown // a site has plugs, whether or not anybody listed them
	}
	for i := range p.Connections {
		for j := range f.Connections {
			t = max(t, f.Connections[j].eval(&p.Connections[i], top))
		}
	}
	return t
}

func (m *ConnectionMatch) eval(c *ConnectionInfo, top bool) truth {
	t := oneOf(m.Types, c.Type, ConnectorUnknown)
	if len(m.ConnectionTypeIDs) > 0 {
		id := ""
		if c.ConnectionType != nil {
			id = c.ConnectionType.ID
		}
		t = min(t, rowIn(m.ConnectionTypeIDs, id))
	}
	t = min(t, oneOf(m.Formats, c.Format, FormatUnknown))
	if c.PowerKW != nil || !m.IncludeUnknownPower || !top {
		if m.MinPowerKW != nil {
			t = min(t, atLeast(c.PowerKW, *m.MinPowerKW))
		}
		if m.MaxPowerKW != nil {
			t = min(t, atMost(c.PowerKW, *m.MaxPowerKW))
		}
	}
	t = min(t, m.evalCurrent(c.Current))
	if len(m.Level) > 0 {
		v := unknown
		if c.Level != nil {
			v = is(slices.Contains(m.Level, *c.Level))
		}
		t = min(t, v)
	}
	if len(m.Availability) > 0 {
		v := unknown
		if c.Availability != nil {
			v = oneOf(m.Availability, *c.Availability, EVSEUnknown)
		}
		t = min(t, v)
	}
	return t
}

// evalCurrent knows that AC is the family of all alternating currents: asked
// for AC, every phase will do; asked for a phase, mere AC is not known to be it.
func (m *ConnectionMatch) evalCurrent(c CurrentKind) truth {
	t := oneOf(m.Current, c, CurrentUnknown)
	if t != no {
		return t
	}
	switch {
	case c != CurrentDC && slices.Contains(m.Current, CurrentAC):
		return yes
	case c == CurrentAC && slices.ContainsFunc(m.Current, func(k CurrentKind) bool { return k != CurrentDC && k != CurrentUnknown }):
		return unknown
	}
	return no
}

func evalAvailability(wanted []EVSEStatus, p *POI) truth {
	t, any := no, false
	judge := func(s EVSEStatus) {
		any = true
		t = max(t, oneOf(wanted, s, EVSEUnknown))
	}
	for i := range p.EVSEs {
		judge(p.EVSEs[i].Status)
	}
	for i := range p.Stations {
		judge(p.Stations[i].Status)
	}
	for i := range p.Connections {
		if s := p.Connections[i].Availability; s != nil {
			judge(*s)
		}
	}
	if !any {
		return unknown
	}
	return t
}

func evalProviderScore(m *ProviderScoreMatch, p *POI) truth {
	if p.Rating == nil {
		return unknown
	}
	for _, s := range p.Rating.ProviderScores {
		if s.Provider == m.Provider {
			return is(s.Value >= m.Min)
		}
	}
	return unknown
}

func matchText(query string, p *POI) bool {
	parts := []string{
		p.Title, p.Address.Line1, p.Address.Line2, p.Address.Town,
		p.Address.StateOrProvince, p.Address.Postcode, p.Address.Formatted,
	}
	if p.Operator != nil {
		parts = append(parts, p.Operator.Title)
		parts = append(parts, p.Operator.Aliases...)
	}
	text := Fold(strings.Join(parts, "\n"))
	for word := range strings.FieldsSeq(Fold(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Fields names the filters in use, those under Not included, each once, as they
// are called in the graph: "availability", "connections.formats".
func (f *Filter) Fields() []string {
	if f == nil {
		return nil
	}
	var names []string
	add := func(name string, used bool) {
		if used && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range f.Connections {
		add("connections.types", len(c.Types) > 0)
		add("connections.connectionTypeIds", len(c.ConnectionTypeIDs) > 0)
		add("connections.formats", len(c.Formats) > 0)
		add("connections.minPowerKw", c.MinPowerKW != nil)
		add("connections.maxPowerKw", c.MaxPowerKW != nil)
		add("connections.current", len(c.Current) > 0)
		add("connections.level", len(c.Level) > 0)
		add("connections.availability", len(c.Availability) > 0)
	}
	add("operatorIds", len(f.OperatorIDs) > 0)
	add("excludeOperatorIds", len(f.ExcludeOperatorIDs) > 0)
	add("usage", len(f.Usage) > 0)
	add("usageTypeIds", len(f.UsageTypeIDs) > 0)
	add("status", len(f.Status) > 0)
	add("statusTypeIds", len(f.StatusTypeIDs) > 0)
	add("availability", len(f.Availability) > 0)
	add("minPoints", f.MinPoints != nil)
	add("cost", len(f.Cost) > 0)
	add("amenities", len(f.Amenities) > 0)
	add("countries", len(f.Countries) > 0)
	add("minRating", f.MinRating != nil)
	add("minProviderScore", f.MinProviderScore != nil)
	add("hasPhotos", f.HasPhotos != nil)
	add("hasComments", f.HasComments != nil)
	add("modifiedSince", !f.ModifiedSince.IsZero())
	add("verifiedSince", !f.VerifiedSince.IsZero())
	add("openData", f.OpenData != nil)
	add("dataProviderIds", len(f.DataProviderIDs) > 0)
	add("providers", len(f.Providers) > 0)
	add("text", f.Text != "")
	for _, name := range f.Not.Fields() {
		add(name, true)
	}
	return names
}

package plugshare

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

const (
	homepage = "https://www.plugshare.com"
	// viewPage shows a location.
	viewPage = homepage + "/location/"
	// scoreMax is the best PlugScore.
	scoreMax = 10
	// maxLocationID and maxNetworkID bound ids in keys: PlugShare's have 32 bits.
	maxLocationID = 1<<31 - 1
	maxNetworkID  = 1<<31 - 1
)

// What a location may lack so that no record can be made of it.
var (
	errNoRecord   = errors.New("not a location object")
	errNoID       = errors.New("no usable id")
	errNoPosition = errors.New("no usable position")
	// errHidden is a shared home.
	errHidden = errors.New("a shared home")
)

// externalID returns the id of the record of a location's stations in a network; 0: in none.
func externalID(location, network int) string {
	return strconv.Itoa(location) + "~" + strconv.Itoa(network)
}

// parseExternalID takes a record's id apart. An id without network names a
// location: its main record. ok is false for text that this package never wrote.
func parseExternalID(s string) (location, network int, main, ok bool) {
	first, second, cut := strings.Cut(s, "~")
	location, err := strconv.Atoi(first)
	if err != nil || location < 1 || location > maxLocationID {
		return 0, 0, false, false
	}
	if !cut {
		return location, 0, true, strconv.Itoa(location) == s
	}
	network, err = strconv.Atoi(second)
	if err != nil || network < 0 || network > maxNetworkID {
		return 0, 0, false, false
	}
	return location, network, false, externalID(location, network) == s
}

// mapper makes records of one answer. It is not safe for concurrent use; the
// operators that it puts into records are.
type mapper struct {
	source    *providers.Source
	networks  *networkIndex
	fetchedAt time.Time
	whole     bool // of single locations, not of summaries

	operators map[int]*providers.Operator
}

func newMapper(source *providers.Source, networks *networkIndex, fetchedAt time.Time, whole bool) *mapper {
	return &mapper{source: source, networks: networks, fetchedAt: fetchedAt, whole: whole, operators: make(map[int]*providers.Operator)}
}

// decode reads one location; the error is errNoRecord.
func decode(raw jsontext.Value) (*wireLocation, error) {
	if raw.Kind() != jsontext.KindBeginObject {
		return nil, errNoRecord
	}
	var w wireLocation
	if err := json.Unmarshal(raw, &w, lenient()); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoRecord, upstream.Position(err))
	}
	return &w, nil
}

// group is what one network has at a location.
type group struct {
	network  int // 0: none
	stations []*wireStation
	outlets  int
}

// groupsOf returns the groups of a location by network; a location without
// stations is one group without network. main is the one with most outlets, then
// the lowest network.
func groupsOf(w *wireLocation) (groups []*group, main *group) {
	of := make(map[int]*group)
	for i := range w.Stations {
		s := &w.Stations[i]
		network := networkOf(s)
		g := of[network]
		if g == nil {
			g = &group{network: network}
			of[network] = g
			groups = append(groups, g)
		}
		g.stations = append(g.stations, s)
		g.outlets += len(s.Outlets)
	}
	if len(groups) == 0 {
		groups = []*group{{}}
	}
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Compare(a.network, b.network) })
	main = slices.MinFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.outlets, a.outlets), cmp.Compare(a.network, b.network))
	})
	return groups, main
}

// networkOf returns the network of a station; 0: none.
func networkOf(s *wireStation) int {
	id, ok := idOf(s.NetworkID)
	if !ok {
		id, ok = idOf(s.Network.Value.ID)
	}
	if !ok || id > maxNetworkID {
		return 0
	}
	return id
}

// hidden reports whether a location is a shared home: by its access, or by its symbol.
func hidden(w *wireLocation) bool {
	access, _ := integer(w.Access)
	return access == accessHome || strings.HasPrefix(strings.ToUpper(string(w.IconType)), "H")
}

// location returns the finished records of a location, by network, and which of
// them is the main one; or one of the errors above.
func (m *mapper) location(w *wireLocation) (records []*providers.Record, main *providers.Record, err error) {
	id, ok := idOf(w.ID)
	if !ok || id > maxLocationID {
		return nil, nil, errNoID
	}
	if hidden(w) {
		return nil, nil, errHidden
	}
	at := providers.Point{Lat: w.Latitude.Value, Lon: w.Longitude.Value}
	if !w.Latitude.Set || !w.Longitude.Set || !at.Valid() || at.IsNull() {
		return nil, nil, errNoPosition
	}
	groups, mainGroup := groupsOf(w)
	common := m.common(id, at, w)
	for _, g := range groups {
		r := m.record(common, w, g)
		r.Key = providers.NewKey(m.source.ID, externalID(id, g.network))
		r.ExternalID = externalID(id, g.network)
		r.Cost = cost(w, g)
		r.Comments = comments(w, g, mainGroup, len(groups) > 1)
		if g == mainGroup {
			r.Photos = photos(w.Photos)
			main = r
		}
		r.Seal()
		records = append(records, r)
	}
	return records, main, nil
}

// common returns what holds for all records of a location.
func (m *mapper) common(id int, at providers.Point, w *wireLocation) providers.Record {
	external := strconv.Itoa(id)
	access, _ := integer(w.Access)
	r := providers.Record{
		Source:           m.source,
		ParentExternalID: external,
		FetchedAt:        m.fetchedAt,
		Summary:          !m.whole,
		Attribution:      &m.source.Attribution,
		Metadata:         metadata(w),
		Site: providers.Site{
			Location:        at,
			Address:         address(w),
			Usage:           usageKind(access, w.AccessRestrictions),
			UsageCost:       clean.Text(string(w.CostDescription)),
			OtherConnectors: clean.Text(string(w.CustomPorts)),
			OpeningHours:    openingHours(w),
			Amenities:       amenities(w),
			Parking:         parkingKinds(w),
			GeneralComments: clean.Text(string(w.Description)),
			Contact:         contact(w),
			CreatedAt:       w.CreatedAt.Time,
			UpdatedAt:       w.UpdatedAt.Time,
		},
	}
	r.Title = cmp.Or(clean.Line(string(w.Name)), r.Address.Line1, r.Address.Formatted, "Charging site "+external)
	if s := w.Score; s.Set && s.Value >= 0 && s.Value <= scoreMax {
		r.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.PlugShare, Value: s.Value, ScaleMax: scoreMax}}}
	}
	if m.source.Mode != providers.ModeSandbox { // a page of the real map shows nothing of a made-up site
		r.Icon = clean.URL(string(w.Icon))
		r.URL = cmp.Or(clean.URL(string(w.URL)), viewPage+external)
		r.Links.Providers = []providers.ProviderLink{{Provider: providers.PlugShare, View: r.URL}}
	}
	return r
}

// record completes what is common to a location by what g has there.
func (m *mapper) record(r providers.Record, w *wireLocation, g *group) *providers.Record {
	// The parts that sealing and merging change are the record's own.
	r.Amenities, r.Parking, r.Metadata = slices.Clone(r.Amenities), slices.Clone(r.Parking), slices.Clone(r.Metadata)
	r.Links.Providers = slices.Clone(r.Links.Providers)

	var directed bool
	switch r.Directory, directed = directory(g.network); {
	case directed:
		r.Metadata = append(r.Metadata, providers.MetadataValue{FieldID: "copied_from", Value: r.Directory})
	case g.network > 0:
		r.Operator = m.operator(g)
	}
	state := locationStatus(w)
	var outlets []live
	var stations []providers.EVSEStatus
	var instructions []string
	groups := newConnectionGroups(w, state)
	stationNames, outletNames := make(wire.Names), make(wire.Names)
	for _, s := range g.stations {
		name, isNew := stationNames.Of(idOf(s.ID))
		if !isNew {
			continue
		}
		own := outletStates(s)
		outlets = append(outlets, own...)
		whole := stationState(s, own)
		stations = append(stations, whole.status)
		if text := clean.Text(string(s.PreChargeInstructions)); text != "" && !slices.Contains(instructions, text) {
			instructions = append(instructions, text)
		}
		station := providers.Station{
			ExternalID:       name,
			Name:             clean.Line(string(s.Name)),
			Operator:         r.Operator,
			NetworkReference: clean.Line(string(s.NetworkExtID)),
			Manufacturer:     clean.Line(string(s.Manufacturer)),
			Model:            clean.Line(string(s.Model)),
			Cost:             stationCost(s.Cost),
			CostDescription:  costDescription(s),
			Status:           whole.status,
			StatusUpdatedAt:  whole.since,
			CreatedAt:        s.CreatedAt.Time,
			OCPPVersion:      clean.Line(string(s.OCPPVersion)),
		}
		for i := range s.Outlets {
			name, isNew := outletNames.Of(idOf(s.Outlets[i].ID))
			if !isNew {
				continue
			}
			c := groups.connection(s, &s.Outlets[i], own[i])
			c.ExternalID = name
			station.Connections = append(station.Connections, c)
			groups.add(&s.Outlets[i], own[i], &c)
		}
		r.Stations = append(r.Stations, station)
	}
	r.Status = equipmentStatus(state, state, outlets)
	if r.Status == providers.StatusPlanned {
		r.PlannedFor = w.OpeningDate.Time
	}
	r.Connections = groups.connections()
	r.Availability = providers.CountAvailability(providers.UnitStation, stations, m.fetchedAt)
	if text := clean.Text(string(w.AccessRestrictionDescription)); text != "" {
		instructions = append([]string{text}, instructions...)
	}
	r.AccessComments = strings.Join(instructions, "\n\n")
	if r.UsageCost == "" {
		r.UsageCost = commonCost(r.Stations)
	}
	return &r
}

// operator returns who runs a group: by what comes with its stations, else by
// the table of networks.
func (m *mapper) operator(g *group) *providers.Operator {
	if o := m.operators[g.network]; o != nil {
		return o
	}
	var o *providers.Operator
	for _, s := range g.stations {
		if o = readNetwork(g.network, &s.Network.Value); o != nil {
			break
		}
	}
	if o == nil {
		o = m.networks.operator(g.network)
	}
	m.operators[g.network] = o
	return o
}

// cost returns what charging costs in a group. Its stations count first; the
// location's word that a price is known holds for a group that has not spoken,
// unless it is another group's price.
func cost(w *wireLocation, g *group) providers.CostKind {
	paid, free, others := 0, 0, 0
	for i := range w.Stations {
		s := &w.Stations[i]
		switch c := stationCost(s.Cost); {
		case networkOf(s) != g.network:
			if c == providers.CostPaid {
				others++
			}
		case c == providers.CostPaid:
			paid++
		case c == providers.CostFree:
			free++
		}
	}
	switch {
	case paid > 0:
		return providers.CostPaid
	case free > 0 && free == len(g.stations) && (!w.Cost.Value || others > 0):
		return providers.CostFree
	case free == 0 && w.Cost.Value && others == 0:
		return providers.CostPaid
	}
	return providers.CostUnknown
}

// costDescription returns what a station says about its price, of which
// "Unknown" is nothing.
func costDescription(s *wireStation) string {
	if text := clean.Text(string(s.CostDescription)); !strings.EqualFold(text, "unknown") {
		return text
	}
	return ""
}

// commonCost returns the price note that all stations share.
func commonCost(stations []providers.Station) string {
	if len(stations) == 0 {
		return ""
	}
	text := stations[0].CostDescription
	for i := range stations {
		if stations[i].CostDescription != text {
			return ""
		}
	}
	return text
}

func address(w *wireLocation) providers.Address {
	c := &w.Components.Value
	a := providers.Address{
		Line1:           clean.Line(string(w.Address)),
		Town:            clean.Line(string(c.Locality)),
		StateOrProvince: clean.Line(string(c.Area1)),
		Postcode:        clean.Line(string(c.PostalCode)),
		Formatted:       clean.Line(string(w.ReverseGeocodedAddress)),
	}
	if code := strings.ToUpper(string(c.CountryCode)); len(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z' {
		a.CountryCode = code
	}
	return a
}

func contact(w *wireLocation) *providers.Contact {
	phone := cmp.Or(clean.Line(string(w.FormattedPhone)), clean.Line(string(w.Phone)))
	if phone == "" {
		return nil
	}
	return &providers.Contact{Phone: phone}
}

func amenities(w *wireLocation) []providers.Amenity {
	var list []providers.Amenity
	add := func(a providers.Amenity) {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	for i := range w.Amenities {
		id, _ := integer(w.Amenities[i].Type)
		if a, known := amenity(id); known {
			add(a)
		}
	}
	if strings.EqualFold(string(w.POIName), "Gas Station") {
		add(providers.AmenityFuelStation)
	}
	return list
}

func parkingKinds(w *wireLocation) []providers.ParkingKind {
	var list []providers.ParkingKind
	add := func(p providers.ParkingKind) {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	for _, word := range w.ParkingAttributes {
		if p, known := parking(word); known {
			add(p)
		}
	}
	if strings.EqualFold(string(w.POIName), "Street Parking") {
		add(providers.ParkingOnStreet)
	}
	return list
}

// openingHours returns when a location can be used. Only that it is always open
// is said by a flag; that it is not always open is said by regular hours.
func openingHours(w *wireLocation) *providers.OpeningHours {
	h := providers.OpeningHours{Text: clean.Text(string(w.Hours))}
	times := &w.OpeningTimes.Value
	for i := range times.RegularHours {
		p := &times.RegularHours[i]
		day, ok := integer(p.Weekday)
		opens, closes := clock(string(p.PeriodBegin)), clock(string(p.PeriodEnd))
		if ok && day >= 1 && day <= 7 && opens != "" && closes != "" {
			h.Weekly = append(h.Weekly, providers.OpeningPeriod{Weekday: day, Opens: opens, Closes: closes})
		}
	}
	except := func(list wire.List[wireSpan], open bool) {
		for i := range list {
			from, to := list[i].PeriodBegin.Time, list[i].PeriodEnd.Time
			if !from.IsZero() && to.After(from) {
				h.Exceptions = append(h.Exceptions, providers.OpeningException{From: from, To: to, Open: open})
			}
		}
	}
	except(times.ExceptionalOpenings, true)
	except(times.ExceptionalClosings, false)
	switch {
	case w.Open247.Value, times.TwentyFourSeven.Value, times.TwentyFourSevenSnake.Value:
		h.Open24h = new(true)
	case len(h.Weekly) > 0:
		h.Open24h = new(false)
	}
	if h.Open24h == nil && h.Text == "" && len(h.Weekly)+len(h.Exceptions) == 0 {
		return nil
	}
	return &h
}

// clock returns a time of day as HH:MM, or "".
func clock(s string) string {
	if s == "24:00" {
		return s
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return ""
	}
	return t.Format("15:04")
}

// metadata keeps what has no place in a site, under PlugShare's own names. A
// record that was copied from another directory has one more, of ours.
func metadata(w *wireLocation) []providers.MetadataValue {
	var list []providers.MetadataValue
	add := func(field, value string) {
		if value != "" {
			list = append(list, providers.MetadataValue{FieldID: field, Value: value})
		}
	}
	add("poi_name", clean.Line(string(w.POIName)))
	add("parking_type_name", clean.Line(string(w.ParkingTypeName)))
	add("parking_level", clean.Line(string(w.ParkingLevel)))
	if v := w.OverheadClearanceMeters.Positive(); v != nil {
		add("overhead_clearance_meters", strconv.FormatFloat(*v, 'f', 2, 64))
	}
	return list
}

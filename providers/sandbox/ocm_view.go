package sandbox

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// ocmData is everything one simulated Open Charge Map knows: a made-up view of
// a world, or the records of a file. It is never changed once made.
type ocmData struct {
	pois      []*ocmPOI
	reference *ocmReferenceData
	lookup    ocmLookup

	// Of a world; nothing for a file.
	seed   uint64
	epoch  time.Time
	people []Person
}

// ocmLookup finds reference objects by id.
type ocmLookup struct {
	providers   map[int]*ocmDataProvider
	operators   map[int]*ocmOperator
	usages      map[int]*ocmUsageType
	statuses    map[int]*ocmStatusType
	submissions map[int]*ocmSubmissionStatus
	connections map[int]*ocmConnectionType
	currents    map[int]*ocmCurrentType
	levels      map[int]*ocmLevel
	countries   map[int]*ocmCountry
	comments    map[int]*ocmTitled
	checkins    map[int]*ocmCheckinStatus
}

func newOCMLookup(r *ocmReferenceData) ocmLookup {
	return ocmLookup{
		providers:   byID(r.DataProviders, func(x *ocmDataProvider) int { return x.ID }),
		operators:   byID(r.Operators, func(x *ocmOperator) int { return x.ID }),
		usages:      byID(r.UsageTypes, func(x *ocmUsageType) int { return x.ID }),
		statuses:    byID(r.StatusTypes, func(x *ocmStatusType) int { return x.ID }),
		submissions: byID(r.SubmissionStatusTypes, func(x *ocmSubmissionStatus) int { return x.ID }),
		connections: byID(r.ConnectionTypes, func(x *ocmConnectionType) int { return x.ID }),
		currents:    byID(r.CurrentTypes, func(x *ocmCurrentType) int { return x.ID }),
		levels:      byID(r.ChargerTypes, func(x *ocmLevel) int { return x.ID }),
		countries:   byID(r.Countries, func(x *ocmCountry) int { return x.ID }),
		comments:    byID(r.UserCommentTypes, func(x *ocmTitled) int { return x.ID }),
		checkins:    byID(r.CheckinStatusTypes, func(x *ocmCheckinStatus) int { return x.ID }),
	}
}

func byID[T any](list []T, id func(*T) int) map[int]*T {
	m := make(map[int]*T, len(list))
	for i := range list {
		m[id(&list[i])] = &list[i]
	}
	return m
}

// find returns the object with an id that may be absent.
func find[T any](m map[int]*T, id *int) *T {
	if id == nil {
		return nil
	}
	return m[*id]
}

// newOCMView makes the records that Open Charge Map has of a world.
func newOCMView(w *World) *ocmData {
	reference := ocmReference(w)
	data := &ocmData{
		reference: reference, lookup: newOCMLookup(reference),
		seed: w.params.Seed, epoch: w.params.Epoch, people: w.people,
	}
	v := &ocmViewer{w: w, noise: w.params.OCM, countries: countryProfiles(), countryRows: reference.Countries}
	for i := range w.sites {
		data.pois = append(data.pois, v.site(&w.sites[i])...)
	}
	for _, p := range data.pois {
		data.lookup.complete(p)
	}
	return data
}

// complete fills in what the service computes from what is stored: power,
// level, and the nested objects behind ids. Nested objects that are already
// there stay.
func (l ocmLookup) complete(p *ocmPOI) {
	fill(&p.DataProvider, l.providers, p.DataProviderID)
	fill(&p.OperatorInfo, l.operators, p.OperatorID)
	fill(&p.UsageType, l.usages, p.UsageTypeID)
	fill(&p.StatusType, l.statuses, p.StatusTypeID)
	fill(&p.SubmissionStatus, l.submissions, p.SubmissionStatusTypeID)
	if a := p.AddressInfo; a != nil {
		fill(&a.Country, l.countries, a.CountryID)
		if a.RelatedURL != nil && *a.RelatedURL != "" && !strings.HasPrefix(*a.RelatedURL, "http") {
			a.RelatedURL = new("http://" + *a.RelatedURL)
		}
	}
	for i := range p.Connections {
		c := &p.Connections[i]
		c.PowerKW = ocmPower(c)
		c.LevelID = ocmLevelOf(c)
		fill(&c.ConnectionType, l.connections, c.ConnectionTypeID)
		fill(&c.StatusType, l.statuses, c.StatusTypeID)
		fill(&c.Level, l.levels, c.LevelID)
		fill(&c.CurrentType, l.currents, c.CurrentTypeID)
	}
	for i := range p.UserComments {
		c := &p.UserComments[i]
		fill(&c.CommentType, l.comments, c.CommentTypeID)
		fill(&c.CheckinStatusType, l.checkins, c.CheckinStatusTypeID)
	}
}

func fill[T any](to **T, from map[int]*T, id *int) {
	if *to == nil {
		*to = find(from, id)
	}
}

// ocmPower is the power as the service tells it: the stored one or, when that
// is unknown, amps times volts.
func ocmPower(c *ocmConnection) *float64 {
	if c.PowerKW != nil && *c.PowerKW != 0 {
		return c.PowerKW
	}
	if c.Amps == nil || c.Voltage == nil || *c.Amps <= 0 || *c.Voltage <= 0 {
		return c.PowerKW
	}
	kW := float64(*c.Amps) * float64(*c.Voltage) / 1000
	if c.CurrentTypeID != nil && *c.CurrentTypeID == 20 {
		kW *= 1.732
	}
	return new(math.Round(kW*10) / 10)
}

// ocmLevelOf is the level as the service tells it; it needs the power, and for
// three phases from 40 kW also the amps, else the stored level stands.
func ocmLevelOf(c *ocmConnection) *int {
	value := func(p *int) int {
		if p == nil {
			return 0
		}
		return *p
	}
	amps, volts, current := value(c.Amps), value(c.Voltage), value(c.CurrentTypeID)
	switch {
	case volts > 0 && volts <= 120:
		return new(1)
	case c.PowerKW == nil || *c.PowerKW == 0:
		return c.LevelID
	case *c.PowerKW < 2.4:
		return new(1)
	case current == 20 && *c.PowerKW >= 40:
		if c.Amps == nil {
			return c.LevelID
		}
		if amps >= 60 {
			return new(3)
		}
		return new(2)
	case current == 30 && (*c.PowerKW > 19.2 || amps > 80 || volts > 400):
		return new(3)
	case current == 30:
		return c.LevelID
	default:
		return new(2)
	}
}

// ocmViewer turns sites into records, with noise.
type ocmViewer struct {
	w           *World
	noise       OCMNoise
	countries   map[string]countryProfile
	countryRows []ocmCountry
}

// Each site owns a block of ids, so that a larger world keeps the ids of the
// smaller one: one record per operator, a twin, and an archived copy.
const (
	ocmIDBase      = 20_000
	ocmIDsPerSite  = 12
	ocmTwinSlot    = 8
	ocmArchiveSlot = 9
)

func ocmIDOf(site SiteID, slot int) int { return ocmIDBase + int(site)*ocmIDsPerSite + slot }

// site returns the records of one site: none, one, or several.
func (v *ocmViewer) site(s *Site) []*ocmPOI {
	d := diceFor(v.w.params.Seed, "ocm", int(s.ID))
	if d.chance(v.noise.Unlisted) {
		return nil
	}
	// One record per operator at one position is the directory's policy.
	var operators []string
	byOperator := make(map[string][]Station)
	for _, st := range s.Stations {
		if byOperator[st.Operator] == nil {
			operators = append(operators, st.Operator)
		}
		byOperator[st.Operator] = append(byOperator[st.Operator], st)
	}
	lat, lon := v.position(d, s)
	var pois []*ocmPOI
	for slot, key := range operators {
		pois = append(pois, v.record(d, s, ocmIDOf(s.ID, slot), key, byOperator[key], lat, lon))
	}
	main := pois[0]
	switch {
	case d.chance(v.noise.Twin):
		twin := v.twin(d, s, main, byOperator[operators[0]])
		v.people(d, main, s, 0, 2)
		v.people(d, twin, s, 1, 2)
		pois = append(pois, twin)
	case d.chance(v.noise.Archived):
		v.people(d, main, s, 0, 1)
		pois = append(pois, v.archive(d, s, main))
	default:
		v.people(d, main, s, 0, 1)
	}
	if d.chance(v.noise.Repeated) {
		again := *main
		pois = append(pois, &again)
	}
	return pois
}

// position is where the directory thinks the site is.
func (v *ocmViewer) position(d dice, s *Site) (lat, lon float64) {
	if d.chance(v.noise.PositionZero) {
		return 0, 0
	}
	north, east := d.NormFloat64()*v.noise.PositionSigmaM, d.NormFloat64()*v.noise.PositionSigmaM
	lat, lon = move(s.Lat, s.Lon, math.Hypot(north, east), math.Atan2(north, east))
	if d.chance(v.noise.PositionFar) {
		lat, lon = move(lat, lon, d.between(100, 600), d.between(0, 2*math.Pi))
	}
	if d.chance(v.noise.PositionRounded) {
		return math.Round(lat*1000) / 1000, math.Round(lon*1000) / 1000
	}
	if d.chance(0.2) { // dragged pins have all the digits of a double
		return lat + d.Float64()*1e-7, lon + d.Float64()*1e-7
	}
	return lat, lon
}

func (v *ocmViewer) record(d dice, s *Site, id int, operator string, stations []Station, lat, lon float64) *ocmPOI {
	provider := v.provider(d, s)
	created := s.OpenedAt.Add(time.Duration(d.among(1, 400*24)) * time.Hour).Add(time.Duration(d.among(0, 3599)) * time.Second)
	if epoch := v.w.params.Epoch; created.After(epoch) {
		created = epoch.Add(-time.Duration(d.among(1, 30*24)) * time.Hour)
	}
	edited := created.Add(time.Duration(d.Float64() * d.Float64() * float64(v.w.params.Epoch.Sub(created)))).Truncate(time.Second)
	p := &ocmPOI{
		ID: id, UUID: guid(d), site: s.ID,
		DataProviderID:       new(provider),
		DateCreated:          ocmTime(created),
		DateLastStatusUpdate: ocmTime(edited),
		DataQualityLevel:     one(d, nil, new(1), new(1), new(1), new(2), new(3), new(3), new(4)),
	}
	p.SubmissionStatusTypeID = new(ocmPublished)
	if provider != ocmContributors {
		p.SubmissionStatusTypeID = new(ocmImported)
		p.DataProvidersReference = new(fmt.Sprint(30_000 + id%100_000))
	}
	switch x := d.Float64(); {
	case x < v.noise.UnderReview:
		p.SubmissionStatusTypeID = new(1)
	case x < v.noise.UnderReview+v.noise.Delisted:
		p.SubmissionStatusTypeID = new(one(d, 1000, 1002, 1020))
	case x < v.noise.UnderReview+v.noise.Delisted+v.noise.NotPublic:
		p.SubmissionStatusTypeID = new(ocmNotPublic)
	}
	if d.chance(0.1) {
		p.DateLastConfirmed = ocmTime(created.Truncate(24 * time.Hour))
	}
	v.operator(d, p, operator, stations)
	v.status(d, p, s, stations)
	v.usage(d, p, s)
	p.AddressInfo = v.address(d, s, id, operator, lat, lon)
	p.Connections = v.connections(d, id, operator, stations)
	v.points(d, p, stations)
	p.GeneralComments = v.notes(d, s)
	p.MetadataValues = v.metadata(d, s, id, provider)
	return p
}

// provider draws who told the directory about the site.
func (v *ocmViewer) provider(d dice, s *Site) int {
	if d.chance(v.noise.NotOpen) {
		return ocmFirstProviderID + d.among(5, 6)
	}
	imports := map[string]int{
		"US": ocmFirstProviderID, "GB": ocmFirstProviderID + 1, "NO": ocmFirstProviderID + 2,
		"NL": ocmFirstProviderID + 3, "DE": ocmFirstProviderID + 4, "IN": ocmFirstProviderID + 4,
	}
	if id, ok := imports[s.Address.Country]; ok && d.chance(0.5) {
		return id
	}
	return ocmContributors
}

func (v *ocmViewer) operator(d dice, p *ocmPOI, key string, stations []Station) {
	i := v.w.byKey[key]
	switch x := d.Float64(); {
	case x < v.noise.OperatorNull:
		return
	case x < v.noise.OperatorNull+v.noise.OperatorUnknown:
		p.OperatorID = new(ocmUnknownOperator)
	default:
		p.OperatorID = new(ocmOperatorID(v.w, key))
		if v.w.operators[i].Former != "" && d.chance(v.noise.OperatorStale) {
			p.OperatorID = new(ocmFirstStaleID + i)
		}
	}
	if d.chance(0.08) {
		p.OperatorsReference = new(strings.ReplaceAll(stations[0].EVSEs[0].EVSEID, "*", "-"))
	}
}

func (v *ocmViewer) status(d dice, p *ocmPOI, s *Site, stations []Station) {
	broken, all := 0, 0
	for _, st := range stations {
		for _, e := range st.EVSEs {
			all++
			if !e.BrokenSince.IsZero() {
				broken++
			}
		}
	}
	unknown := d.Float64()
	switch {
	case s.Lifecycle == Planned:
		p.StatusTypeID = new(ocmStatusPlanned)
		if d.chance(0.7) {
			p.DatePlanned = ocmTime(s.OpenedAt.Truncate(24 * time.Hour))
		}
	case s.Lifecycle == Closed && !d.chance(v.noise.ClosedListed):
		p.StatusTypeID = new(ocmStatusRemoved)
	case unknown < v.noise.StatusNull:
	case unknown < v.noise.StatusNull+v.noise.StatusZero:
		p.StatusTypeID = new(0)
	case broken == all && d.chance(0.5):
		p.StatusTypeID = new(one(d, 30, 100))
	case broken > 0 && d.chance(0.5):
		p.StatusTypeID = new(75)
	default:
		p.StatusTypeID = new(50)
	}
}

func (v *ocmViewer) usage(d dice, p *ocmPOI, s *Site) {
	switch x := d.Float64(); {
	case x < v.noise.UsageNull:
	case x < v.noise.UsageNull+v.noise.UsageZero:
		p.UsageTypeID = new(0)
	case s.Access == PrivateHome:
		p.UsageTypeID = new(one(d, 2, 3, 3))
	case s.Access == StaffOnly, s.Access == CustomersOnly:
		p.UsageTypeID = new(one(d, 6, 6, 2))
	case s.Access == NoticeRequired:
		p.UsageTypeID = new(7)
	case s.Membership && !s.PayOnSite:
		p.UsageTypeID = new(4)
	case s.PayOnSite && d.chance(0.5):
		p.UsageTypeID = new(5)
	default:
		p.UsageTypeID = new(1)
	}
	switch x := d.Float64(); {
	case x < v.noise.CostNull:
	case x < v.noise.CostNull+v.noise.CostEmpty:
		p.UsageCost = new("")
	default:
		p.UsageCost = new(costText(d, s))
	}
}

// costText writes the price as people type it.
func costText(d dice, s *Site) string {
	t := s.Tariff
	if t.Free {
		return one(d, "Free", "free", "FREE", "£0.00", "Gratis", "kostenlos", "0", "Free of charge (customers)")
	}
	comma := func(x float64) string { return strings.ReplaceAll(fmt.Sprintf("%.2f", x), ".", ",") }
	switch {
	case t.PerSession > 0:
		return fmt.Sprintf("%.2f %s + %.2f/kWh", t.PerSession, t.Currency, t.PerKWh)
	case t.PerMinute > 0:
		return one(d, fmt.Sprintf("%.2f per min", t.PerMinute), comma(t.PerMinute)+"/min.")
	}
	switch t.Currency {
	case "GBP":
		return one(d, fmt.Sprintf("£%.2f/kWh", t.PerKWh), fmt.Sprintf("%.0fp per kWh", t.PerKWh*100), fmt.Sprintf("%.2f", t.PerKWh))
	case "EUR":
		return one(d, comma(t.PerKWh)+"€/kWh", comma(t.PerKWh)+" EUR/kWh", "kostenpflichtig / chargeable", "€ "+comma(t.PerKWh)+" (+2c/min 8–22)")
	case "INR":
		return one(d, fmt.Sprintf("%.0f+GST", t.PerKWh), fmt.Sprintf("₹%.0f/unit", t.PerKWh))
	case "USD":
		return one(d, fmt.Sprintf("$%.2f/kWh", t.PerKWh), fmt.Sprintf("$%.2f per kWh; pay at pump", t.PerKWh))
	default:
		return fmt.Sprintf("%s %.2f/kWh", t.Currency, t.PerKWh)
	}
}

// guid makes an upper-case version 4 GUID.
func guid(d dice) string {
	h := strings.ToUpper(d.hex(32))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-" + one(d, "8", "9", "A", "B") + h[17:20] + "-" + h[20:]
}

package ocpplab

import (
	"cmp"
	"net/url"
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
	kept     verdict = iota
	nothing          // no id
	hidden           // public is false
	unplaced         // no position, or 0,0
)

// mapper makes records of the locations of one pull.
type mapper struct {
	source    *providers.Source
	fetchedAt time.Time
	operators map[string]*providers.Operator // by cpo_id
}

// record returns the finished record of a location, or why there is none.
func (m *mapper) record(cpo CPO, w *wireLocation) (*providers.Record, providers.Key, verdict) {
	id := clean.Line(string(w.ID))
	key := providers.NewKey(m.source.ID, cpo.ID+"/"+id)
	if _, err := providers.ParseKey(string(key)); id == "" || err != nil || key.SourceID() != m.source.ID {
		return nil, "", nothing
	}
	at := providers.Point{Lat: w.Coordinates.Value.Latitude.Value, Lon: w.Coordinates.Value.Longitude.Value}
	placed := w.Coordinates.Value.Latitude.Set && w.Coordinates.Value.Longitude.Set && at.Valid() && !at.IsNull()
	switch {
	case w.Public.Set && !w.Public.Value:
		return nil, key, hidden
	case !placed:
		return nil, key, unplaced
	}
	r := &providers.Record{
		Key: key, Source: m.source, ExternalID: key.ExternalID(), FetchedAt: m.fetchedAt, Attribution: &m.source.Attribution,
		Slug: clean.Line(string(w.Slug)), DataProviderReference: clean.Line(string(w.OCPPLocationID)),
		Site: providers.Site{
			Location: at,
			Address: providers.Address{
				Line1: clean.Line(string(w.Address)), Town: clean.Line(string(w.City)), CountryCode: countryCode(string(w.Country)),
			},
			Operator:  m.operator(cpo),
			Usage:     providers.UsageUnknown,
			Status:    providers.StatusUnknown,
			Cost:      providers.CostUnknown,
			TimeZone:  timeZone(string(w.TimeZone)),
			Owner:     clean.Line(string(w.OwnerName)),
			CreatedAt: w.CreatedAt.Time,
			UpdatedAt: w.UpdatedAt.Time,
		},
	}
	if w.Public.Value {
		r.Usage = providers.UsagePublic
	}
	r.Title = cmp.Or(clean.Line(string(w.Name)), r.Address.Line1, r.Address.Town, "Charging site "+id)
	m.chargers(r, w.Chargers)
	r.Seal()
	return r, key, kept
}

// operator returns the party of a CPO under its OCPI name, so that it is one
// company with that party in OCPI feeds; nil where the gateway does not name it.
func (m *mapper) operator(cpo CPO) *providers.Operator {
	if cpo.Party == "" {
		return nil
	}
	o := m.operators[cpo.ID]
	if o == nil {
		o = providers.NewOperator(providers.OCPI, cpo.Party, cpo.Party)
		o.Records = append(o.Records, providers.OperatorRecord{Provider: providers.OCPPLAB, ExternalID: cpo.ID, Title: cmp.Or(cpo.Name, cpo.Party)})
		m.operators[cpo.ID] = o
	}
	return o
}

// chargers sets stations and connections. A charger has one connector.
func (m *mapper) chargers(r *providers.Record, list wire.List[wireCharger]) {
	taken := make(map[string]bool, len(list))
	for i := range list {
		w := &list[i]
		name := cmp.Or(clean.Line(string(w.ID)), clean.Line(string(w.Identity)), "n"+strconv.Itoa(i+1))
		if len(name) > 128 || taken[name] {
			continue
		}
		taken[name] = true
		t, known := connectorType(string(w.ConnectorType))
		c := providers.ConnectionInfo{
			ExternalID: name, Type: t, Current: currentOf(t), Status: providers.StatusUnknown, Format: providers.FormatUnknown, Quantity: new(1),
		}
		if !known {
			c.Comments = clean.Line(string(w.ConnectorType))
		}
		r.Stations = append(r.Stations, providers.Station{
			ExternalID: name, Name: clean.Line(string(w.Identity)), NetworkReference: clean.Line(string(w.Identity)), Operator: r.Operator,
			Cost: providers.CostUnknown, Status: providers.EVSEUnknown, OCPPVersion: clean.Line(string(w.OCPPVersion)),
			Connections: []providers.ConnectionInfo{c},
		})
		at := slices.IndexFunc(r.Connections, func(g providers.ConnectionInfo) bool { return g.Type == c.Type && g.Comments == c.Comments })
		if at < 0 {
			c.ExternalID = "=" + string(t)
			if c.Comments != "" {
				c.ExternalID += "/" + c.Comments
			}
			r.Connections = append(r.Connections, c)
			continue
		}
		r.Connections[at].Quantity = new(*r.Connections[at].Quantity + 1)
	}
	if n := len(r.Stations); n > 0 {
		r.NumberOfPoints = &n
	}
}

// connectorType returns the plug behind the gateway's short words, of which only
// CCS2 is documented, or OCPI's names, which its own client writes.
func connectorType(s string) (t providers.ConnectorType, known bool) {
	s = strings.ToUpper(clean.Line(s))
	switch strings.NewReplacer(" ", "", "-", "", "_", "", "/", "").Replace(s) {
	case "CCS2", "IEC62196T2COMBO":
		return providers.ConnectorCCS2, true
	case "CCS1", "IEC62196T1COMBO":
		return providers.ConnectorCCS1, true
	case "TYPE2", "IEC62196T2":
		return providers.ConnectorType2, true
	case "TYPE1", "J1772", "IEC62196T1":
		return providers.ConnectorType1, true
	case "CHADEMO":
		return providers.ConnectorCHAdeMO, true
	case "NACS", "SAEJ3400", "TESLAS":
		return providers.ConnectorNACS, true
	case "GBTAC":
		return providers.ConnectorGBTAC, true
	case "GBTDC":
		return providers.ConnectorGBTDC, true
	case "SCHUKO", "DOMESTICF":
		return providers.ConnectorDomesticF, true
	}
	switch s {
	case "CHAOJI":
		return providers.ConnectorChaoJi, true
	case "MCS":
		return providers.ConnectorMCS, true
	case "TESLA_R":
		return providers.ConnectorTeslaRoadster, true
	case "IEC_62196_T3A":
		return providers.ConnectorType3A, true
	case "IEC_62196_T3C":
		return providers.ConnectorType3C, true
	case "IEC_60309_2_SINGLE_16":
		return providers.ConnectorIEC60309Single16, true
	case "IEC_60309_2_THREE_16":
		return providers.ConnectorIEC60309Three16, true
	case "IEC_60309_2_THREE_32":
		return providers.ConnectorIEC60309Three32, true
	case "IEC_60309_2_THREE_64":
		return providers.ConnectorIEC60309Three64, true
	case "DOMESTIC_B":
		return providers.ConnectorNEMA515, true
	case "PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN",
		"NEMA_5_20", "NEMA_6_30", "NEMA_6_50", "NEMA_10_30", "NEMA_10_50", "NEMA_14_30", "NEMA_14_50",
		"DOMESTIC_A", "DOMESTIC_C", "DOMESTIC_D", "DOMESTIC_E", "DOMESTIC_G", "DOMESTIC_H", "DOMESTIC_I", "DOMESTIC_J",
		"DOMESTIC_K", "DOMESTIC_L", "DOMESTIC_M", "DOMESTIC_N", "DOMESTIC_O":
		return providers.ConnectorType(s), true // the same word here and there
	}
	return providers.ConnectorUnknown, false
}

// currentOf returns the current of plugs that only ever carry one.
func currentOf(t providers.ConnectorType) providers.CurrentKind {
	switch t {
	case providers.ConnectorCCS1, providers.ConnectorCCS2, providers.ConnectorCHAdeMO, providers.ConnectorChaoJi, providers.ConnectorGBTDC,
		providers.ConnectorMCS, providers.ConnectorPantographBottomUp, providers.ConnectorPantographTopDown:
		return providers.CurrentDC
	case providers.ConnectorUnknown, providers.ConnectorOther, providers.ConnectorNACS:
		return providers.CurrentUnknown
	default:
		return providers.CurrentAC
	}
}

// countryCode returns a country if it is written in two letters, as here.
func countryCode(s string) string {
	s = upperLine(s)
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
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

// peerURL returns s if it is an absolute http or https URL without a user.
func peerURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > 2048 {
		return ""
	}
	return u.String()
}

func upperLine(s string) string { return strings.ToUpper(clean.Line(s)) }

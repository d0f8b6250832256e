package ocpi

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chargegraph/providers"
	"chargegraph/providers/internal/wire"
)

// siteOnly compares records without the links back to them.
func siteOnly() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(providers.Record{}, "Source"),
		cmpopts.IgnoreFields(providers.ConnectionInfo{}, "Record"),
		cmpopts.IgnoreFields(providers.EVSE{}, "Record"),
		cmpopts.IgnoreFields(providers.Photo{}, "Record"),
	}
}

func recordOf(t *testing.T, file string) *providers.Record {
	t.Helper()
	f := newFeed(t, answering(200, readFile(t, filepath.Join("testdata", file))), "/locations", nil)
	return only(t, mustPull(t, f))
}

func TestARichLocationOf221BecomesAWholeRecord(t *testing.T) {
	t.Parallel()
	r := recordOf(t, "rich_221.json")
	plug := func(id string, c providers.ConnectionInfo) providers.ConnectionInfo {
		c.ExternalID = id
		return c
	}
	ccs := providers.ConnectionInfo{
		Type: providers.ConnectorCCS2, Current: providers.CurrentDC, PowerKW: new(50.0), VoltageV: new(500.0), CurrentA: new(125.0), Level: new(3),
		Status: providers.StatusOperational, Availability: new(providers.EVSEAvailable), AvailabilityUpdatedAt: noon, Format: providers.FormatCable,
	}
	chademo := ccs
	chademo.Type, chademo.CurrentA = providers.ConnectorCHAdeMO, new(100.0)
	type2 := providers.ConnectionInfo{
		Type: providers.ConnectorType2, Current: providers.CurrentACThreePhase, PowerKW: new(11.04), VoltageV: new(230.0), CurrentA: new(16.0), Level: new(2),
		Status: providers.StatusOperational, Availability: new(providers.EVSECharging), AvailabilityUpdatedAt: noon, Format: providers.FormatSocket,
	}
	type2Broken := type2
	type2Broken.VoltageV, type2Broken.Status, type2Broken.Availability = new(400.0), providers.StatusNotOperational, new(providers.EVSEOutOfOrder)
	group := func(c providers.ConnectionInfo, id string, quantity int) providers.ConnectionInfo {
		c.ExternalID, c.Quantity = id, &quantity
		return c
	}
	type2Both := group(type2, "=TYPE_2/SOCKET/AC_THREE_PHASE/11.04", 2)
	type2Both.VoltageV, type2Both.Status = nil, providers.StatusPartlyOperational
	want := &providers.Record{
		Key: "ocpi:test:NL*ABC*LOC-1", ExternalID: "NL*ABC*LOC-1", FetchedAt: noon,
		Attribution: &providers.Attribution{Text: "ABC Charging", URL: "https://abc.example/laden"},
		Site: providers.Site{
			Title: "P&R Noord", Location: providers.Point{Lat: 52.4001, Lon: 4.9002},
			Address: providers.Address{Line1: "Noordweg 1", Town: "Amsterdam", StateOrProvince: "Noord-Holland", Postcode: "1021 AA", CountryCode: "NL"},
			Operator: &providers.Operator{
				ID: "operator:ocpi:NL*ABC", Title: "ABC Charging", Website: "https://abc.example/laden", Logo: "https://abc.example/logo.png", IsNetwork: true,
				Records: []providers.OperatorRecord{{Provider: providers.OCPI, ExternalID: "NL*ABC", Title: "ABC Charging"}},
			},
			Usage: providers.UsagePublicPayAtLocation, Status: providers.StatusPartlyOperational, Cost: providers.CostUnknown,
			Connections: []providers.ConnectionInfo{
				group(ccs, "=CCS_2/CABLE/DC/50", 1), group(chademo, "=CHADEMO/CABLE/DC/50", 1), type2Both,
			},
			EVSEs: []providers.EVSE{
				{
					ExternalID: "1", EVSEID: "NL*ABC*E1", PhysicalReference: "A1", Status: providers.EVSEAvailable, StatusUpdatedAt: noon, Floor: "-1",
					Capabilities: []string{"RFID_READER", "CREDIT_CARD_PAYABLE", "SOMETHING_NEW"}, Location: &providers.Point{Lat: 52.400101, Lon: 4.900201},
					Connections: []providers.ConnectionInfo{plug("1/1", ccs), plug("1/2", chademo)},
				},
				{ExternalID: "2", EVSEID: "NL*ABC*E2", Status: providers.EVSECharging, StatusUpdatedAt: noon, Connections: []providers.ConnectionInfo{plug("2/1", type2)}},
				{ExternalID: "3", EVSEID: "NL*ABC*E3", Status: providers.EVSEOutOfOrder, StatusUpdatedAt: noon, Connections: []providers.ConnectionInfo{plug("3/1", type2Broken)}},
			},
			NumberOfPoints: new(3), MaxPowerKW: new(50.0),
			Availability: &providers.AvailabilityCounts{Unit: providers.UnitEVSE, Total: 3, Available: 1, Occupied: 1, OutOfService: 1, ObservedAt: noon},
			OpeningHours: &providers.OpeningHours{
				Open24h: new(false),
				Weekly:  []providers.OpeningPeriod{{Weekday: 1, Opens: "08:30", Closes: "19:59"}, {Weekday: 2, Opens: "08:00", Closes: "24:00"}},
				Exceptions: []providers.OpeningException{
					{From: time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 26, 0, 0, 0, 0, time.UTC)},
					{From: time.Date(2026, 12, 26, 9, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 26, 12, 0, 0, 0, time.UTC), Open: true},
				},
			},
			TimeZone: "Europe/Amsterdam", Owner: "Gemeente", AccessComments: "Behind the\nbarrier",
			Amenities: []providers.Amenity{providers.AmenityCafe, providers.AmenityLodging},
			Parking:   []providers.ParkingKind{providers.ParkingGarage, providers.ParkingDisabled},
			Contact:   &providers.Contact{Phone: "+31201234567"},
			Photos:    []providers.Photo{{ExternalID: r.Photos[0].ExternalID, URL: "https://abc.example/1.jpg", Thumbnail: "https://abc.example/1s.jpg"}},
			UpdatedAt: time.Date(2026, 11, 19, 8, 0, 0, 0, time.UTC),
		},
	}
	if diff := cmp.Diff(want, r, siteOnly()); diff != "" {
		t.Errorf("record mismatch (-want +got)\n%s", diff)
	}
	if r.EVSEs[1].Connections[0].Record != r || r.Connections[0].Record != r || r.Photos[0].Record != r {
		t.Error("the record is not sealed")
	}
}

func TestALocationOf211IsReadByItsOwnNames(t *testing.T) {
	t.Parallel()
	r := recordOf(t, "rich_211.json")
	if r.Key != "ocpi:test:LOC9" || r.Title != "Rue de la Paix 14" || r.Address.CountryCode != "FR" || r.Location != (providers.Point{Lat: 48.8566, Lon: 2.3522}) {
		t.Errorf("key %s, title %q, address %+v, location %+v", r.Key, r.Title, r.Address, r.Location)
	}
	if r.Operator == nil || r.Operator.ID != "operator:ocpi:FR*XYZ" || r.Operator.Title != "FR*XYZ" {
		t.Errorf("operator %+v, want the party of the EVSE ids", r.Operator)
	}
	if r.Usage != providers.UsageUnknown {
		t.Errorf("usage %s, want UNKNOWN: 2.1.1 does not say what is published", r.Usage)
	}
	if !slices.Equal(r.Parking, []providers.ParkingKind{providers.ParkingGarage}) || r.OpeningHours == nil || !*r.OpeningHours.Open24h {
		t.Errorf("parking %v, hours %+v", r.Parking, r.OpeningHours)
	}
	if got := r.UpdatedAt; !got.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("updated %v", got)
	}
	first, second := r.EVSEs[0].Connections[0], r.EVSEs[1].Connections[0]
	if first.Type != providers.ConnectorIEC60309Three16 || first.Format != providers.FormatSocket || *first.PowerKW != 11.04 || *first.VoltageV != 230 || *first.CurrentA != 16 {
		t.Errorf("first plug %+v", first)
	}
	if second.Current != providers.CurrentACSinglePhase || *second.PowerKW != 7.36 {
		t.Errorf("a Type 1 plug of three phases is %s, %v kW; want one phase, 7.36 kW", second.Current, *second.PowerKW)
	}
	if r.EVSEs[0].ExternalID != "17" || r.EVSEs[0].Status != providers.EVSEAvailable || r.Status != providers.StatusOperational {
		t.Errorf("EVSE %+v, site %s", r.EVSEs[0], r.Status)
	}
	if a := r.Availability; a == nil || a.Available != 1 || a.Unknown != 1 || a.Total != 2 {
		t.Errorf("availability %+v", a)
	}
}

func TestALocationOf230BringsItsParkingAndOpenEnums(t *testing.T) {
	t.Parallel()
	r := recordOf(t, "rich_230.json")
	want := []providers.ParkingKind{providers.ParkingAlongMotorway, providers.ParkingPullThrough, providers.ParkingPullIn, providers.ParkingTrailer, providers.ParkingLit}
	if !slices.Equal(r.Parking, want) {
		t.Errorf("parking %v, want %v", r.Parking, want)
	}
	if r.Status != providers.StatusPlanned || r.Availability != nil || *r.NumberOfPoints != 2 || !r.EVSEs[0].StatusUpdatedAt.IsZero() || r.Connections[0].Availability != nil {
		t.Errorf("a planned site is %s with %v, %+v", r.Status, r.Availability, r.EVSEs[0])
	}
	if r.Usage != providers.UsageRestrictedEmployees {
		t.Errorf("usage %s", r.Usage)
	}
	mcs, strange := r.Connections[0], r.Connections[1]
	if mcs.Type != providers.ConnectorMCS || *mcs.PowerKW != 1000 || strange.Type != providers.ConnectorUnknown || strange.Comments != "FLUX_CAPACITOR" || strange.PowerKW != nil || strange.VoltageV != nil {
		t.Errorf("connections %+v, %+v", mcs, strange)
	}
	if r.Contact.Phone != "+49" {
		t.Errorf("contact %+v", r.Contact)
	}
}

func TestPowerByTheRule(t *testing.T) {
	t.Parallel()
	n := func(v float64) wire.Number { return wire.Number{Value: v, Set: true} }
	tests := map[string]struct {
		w    wireConnector
		want float64
	}{
		"StatedWatts":                      {wireConnector{PowerType: "AC_3_PHASE", VoltageV: n(230), CurrentA: n(32), PowerW: n(11000)}, 11},
		"StatedKilowattsOfChargecloud":     {wireConnector{PowerType: "AC_3_PHASE", Voltage: n(400), Ampere: n(32), MaxPower: n(22)}, 22},
		"ZeroIsNotStated":                  {wireConnector{PowerType: "DC", VoltageV: n(400), CurrentA: n(125), PowerW: n(0)}, 50},
		"DC":                               {wireConnector{PowerType: "DC", VoltageV: n(920), CurrentA: n(190)}, 174.8},
		"OnePhase":                         {wireConnector{PowerType: "AC_1_PHASE", VoltageV: n(230), CurrentA: n(16)}, 3.68},
		"TwoPhases":                        {wireConnector{PowerType: "AC_2_PHASE", VoltageV: n(230), CurrentA: n(16)}, 7.36},
		"SplitPhase":                       {wireConnector{PowerType: "AC_2_PHASE_SPLIT", VoltageV: n(120), CurrentA: n(40)}, 9.6},
		"ThreePhasesLineToNeutral":         {wireConnector{PowerType: "AC_3_PHASE", VoltageV: n(230), CurrentA: n(16)}, 11.04},
		"ThreePhasesJustBelowTheThreshold": {wireConnector{PowerType: "AC_3_PHASE", VoltageV: n(299), CurrentA: n(10)}, 8.97},
		"ThreePhasesLineToLine":            {wireConnector{PowerType: "AC_3_PHASE", VoltageV: n(400), CurrentA: n(32)}, 22.17},
		"ThreePhasesAtTheThreshold":        {wireConnector{PowerType: "AC_3_PHASE", VoltageV: n(300), CurrentA: n(10)}, 5.196},
		"NoVoltage":                        {wireConnector{PowerType: "DC", CurrentA: n(190)}, 0},
		"NoPowerType":                      {wireConnector{VoltageV: n(230), CurrentA: n(16)}, 0},
		"Negative":                         {wireConnector{PowerType: "DC", VoltageV: n(-1), CurrentA: n(190), PowerW: n(-5)}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := powerKW(&test.w, currentKind(test.w.PowerType)); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("powerKW() = %v, want %v", got, test.want)
			}
		})
	}
}

func TestLifeCycleOfASite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		states []providers.EVSEStatus
		want   providers.OperationalStatus
	}{
		{[]providers.EVSEStatus{providers.EVSEAvailable, providers.EVSECharging, providers.EVSEReserved, providers.EVSEBlocked}, providers.StatusOperational},
		{[]providers.EVSEStatus{providers.EVSEAvailable, providers.EVSEUnknown}, providers.StatusOperational},
		{[]providers.EVSEStatus{providers.EVSEAvailable, providers.EVSEPlanned}, providers.StatusOperational},
		{[]providers.EVSEStatus{providers.EVSEAvailable, providers.EVSEOutOfOrder}, providers.StatusPartlyOperational},
		{[]providers.EVSEStatus{providers.EVSEBlocked, providers.EVSEInoperative, providers.EVSEUnknown}, providers.StatusPartlyOperational},
		{[]providers.EVSEStatus{providers.EVSEOutOfOrder, providers.EVSEOutOfOrder}, providers.StatusNotOperational},
		{[]providers.EVSEStatus{providers.EVSEOutOfOrder, providers.EVSEPlanned}, providers.StatusNotOperational},
		{[]providers.EVSEStatus{providers.EVSEOutOfOrder, providers.EVSEUnknown}, providers.StatusUnknown},
		{[]providers.EVSEStatus{providers.EVSEInoperative}, providers.StatusTemporarilyUnavailable},
		{[]providers.EVSEStatus{providers.EVSEInoperative, providers.EVSEOutOfOrder}, providers.StatusTemporarilyUnavailable},
		{[]providers.EVSEStatus{providers.EVSEPlanned, providers.EVSEPlanned}, providers.StatusPlanned},
		{[]providers.EVSEStatus{providers.EVSEUnknown}, providers.StatusUnknown},
		{nil, providers.StatusUnknown},
	} {
		if got := operationalStatus(test.states); got != test.want {
			t.Errorf("operationalStatus(%v) = %s, want %s", test.states, got, test.want)
		}
	}
}

func TestUsageOnlyWhereItIsCertain(t *testing.T) {
	t.Parallel()
	evse := func(restrictions, capabilities []string) map[string]any {
		return map[string]any{"uid": len(restrictions)*10 + len(capabilities), "status": "AVAILABLE", "parking_restrictions": restrictions, "capabilities": capabilities, "connectors": nil}
	}
	for name, test := range map[string]struct {
		evses   []any
		publish any
		want    providers.UsageKind
	}{
		"Published":            {[]any{evse(nil, nil)}, true, providers.UsagePublic},
		"ForElectricCars":      {[]any{evse([]string{"EV_ONLY", "PLUGGED"}, nil)}, true, providers.UsagePublic},
		"WithACardTerminal":    {[]any{evse(nil, []string{"contactless_card_support"})}, true, providers.UsagePublicPayAtLocation},
		"ForCustomers":         {[]any{evse([]string{"CUSTOMERS"}, []string{"CREDIT_CARD_PAYABLE"})}, true, providers.UsageRestrictedCustomers},
		"ForTenants":           {[]any{evse([]string{"TENANTS"}, nil)}, true, providers.UsageRestrictedResidents},
		"ForTaxis":             {[]any{evse([]string{"TAXIS"}, nil)}, true, providers.UsageRestricted},
		"ForSeveral":           {[]any{evse([]string{"CUSTOMERS", "EMPLOYEES"}, nil)}, true, providers.UsageRestricted},
		"ForSomeHereSomeThere": {[]any{evse([]string{"CUSTOMERS"}, nil), evse([]string{"EMPLOYEES", "EV_ONLY"}, nil)}, true, providers.UsageRestricted},
		"InPart":               {[]any{evse([]string{"CUSTOMERS"}, nil), evse(nil, nil)}, true, providers.UsageUnknown},
		"WithoutPublish":       {[]any{evse(nil, []string{"CREDIT_CARD_PAYABLE"})}, nil, providers.UsageUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileFeed(t, writeFile(t, asJSON(t, []any{location("1", map[string]any{"evses": test.evses, "publish": test.publish})})))
			if r := only(t, mustPull(t, f)); r.Usage != test.want {
				t.Errorf("usage %s, want %s", r.Usage, test.want)
			}
		})
	}
}

func TestTheTimeOfDay(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"08:00": "08:00", "8:00": "08:00", " 19:59:59 ": "19:59", "24:00": "24:00", "00:00": "00:00", "23:59:59.999": "23:59",
		"24:01": "", "25:00": "", "08:60": "", "8": "", "": "", "08:0": "", "ab:cd": "", "-1:00": "", "+8:00": "", "08:00:00:00": "", "008:00": "",
	} {
		if got, ok := clock(in); got != want || ok != (want != "") {
			t.Errorf("clock(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestOpeningHours(t *testing.T) {
	t.Parallel()
	period := func(day any, from, to string) map[string]any {
		return map[string]any{"weekday": day, "period_begin": from, "period_end": to}
	}
	for name, test := range map[string]struct {
		said any
		want *providers.OpeningHours
	}{
		"Null":              {nil, nil},
		"Empty":             {map[string]any{}, nil},
		"Always":            {map[string]any{"twentyfourseven": true}, &providers.OpeningHours{Open24h: new(true)}},
		"AlwaysAsText":      {map[string]any{"twentyfourseven": "true"}, &providers.OpeningHours{Open24h: new(true)}},
		"NotAlways":         {map[string]any{"twentyfourseven": false}, &providers.OpeningHours{Open24h: new(false)}},
		"Text":              {"Mo–Fr 8–20", &providers.OpeningHours{Text: "Mo–Fr 8–20"}},
		"Midnight":          {map[string]any{"regular_hours": []any{period("3", "00:00", "00:00")}}, &providers.OpeningHours{Weekly: []providers.OpeningPeriod{{Weekday: 3, Opens: "00:00", Closes: "24:00"}}}},
		"NoDay":             {map[string]any{"regular_hours": []any{period(0, "08:00", "10:00"), period(1.5, "08:00", "10:00")}}, nil},
		"BeginsAtTheEnd":    {map[string]any{"regular_hours": []any{period(1, "24:00", "10:00")}}, nil},
		"ClosingsComeLast":  {map[string]any{"exceptional_openings": []any{map[string]any{"period_begin": "2026-12-25", "period_end": "2026-12-26"}}, "exceptional_closings": []any{map[string]any{"period_begin": "2026-12-25", "period_end": "2026-12-26"}}}, &providers.OpeningHours{Exceptions: []providers.OpeningException{{From: time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 26, 0, 0, 0, 0, time.UTC), Open: true}, {From: time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 26, 0, 0, 0, 0, time.UTC)}}}},
		"BackwardException": {map[string]any{"exceptional_closings": []any{map[string]any{"period_begin": "2026-12-26", "period_end": "2026-12-25"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileFeed(t, writeFile(t, asJSON(t, []any{location("1", map[string]any{"opening_times": test.said})})))
			if diff := cmp.Diff(test.want, only(t, mustPull(t, f)).OpeningHours); diff != "" {
				t.Errorf("hours mismatch (-want +got)\n%s", diff)
			}
		})
	}
}

func TestOperators(t *testing.T) {
	t.Parallel()
	evses := func(ids ...string) []any {
		var list []any
		for _, id := range ids {
			list = append(list, map[string]any{"uid": id, "evse_id": id, "status": "AVAILABLE"})
		}
		return list
	}
	without := map[string]any{"country_code": nil, "party_id": nil}
	for name, test := range map[string]struct {
		with         map[string]any
		evses        []any
		id, title    string
		records      int
		wantOperator bool
	}{
		"PartyAndName":      {map[string]any{"operator": map[string]any{"name": "ABC"}}, evses("NL*XYZ*E1"), "operator:ocpi:NL*ABC", "ABC", 1, true},
		"PartyAlone":        {nil, evses("NL*XYZ*E1"), "operator:ocpi:NL*ABC", "NL*ABC", 1, true},
		"PartyOfEVSEs":      {without, evses("NLXYZE1", "nl-xyz-e-2"), "operator:ocpi:NL*XYZ", "NL*XYZ", 1, true},
		"EVSEsDisagree":     {without, evses("NL*XYZ*E1", "NL*ABC*E2"), "", "", 0, false},
		"EVSEsWithoutParty": {without, evses("12345678"), "", "", 0, false},
		"NameAlone":         {map[string]any{"country_code": nil, "operator": map[string]any{"name": "Stadtwerke  Ürbing"}}, evses("1"), "operator:ocpi:stadtwerke urbing", "Stadtwerke Ürbing", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with := map[string]any{"evses": test.evses}
			maps.Copy(with, test.with)
			o := only(t, mustPull(t, fileFeed(t, writeFile(t, asJSON(t, []any{location("1", with)}))))).Operator
			switch {
			case !test.wantOperator && o != nil:
				t.Errorf("operator %+v, want none", o)
			case test.wantOperator && (o == nil || o.ID != test.id || o.Title != test.title || len(o.Records) != test.records):
				t.Errorf("operator %+v, want %s %q with %d records", o, test.id, test.title, test.records)
			}
		})
	}
}

func TestNamesInsideARecordAreUnique(t *testing.T) {
	t.Parallel()
	plugs := []any{map[string]any{"id": "1"}, map[string]any{"id": "1"}, map[string]any{}, map[string]any{"id": "b/1"}}
	evse := func(uid any, updated string) map[string]any {
		return map[string]any{"uid": uid, "status": "AVAILABLE", "connectors": plugs, "last_updated": updated}
	}
	f := fileFeed(t, writeFile(t, asJSON(t, []any{location("1", map[string]any{"evses": []any{
		evse("a", "2026-01-01"), evse(nil, ""), evse("", ""), evse("a/b", ""),
		evse("a", "2026-01-03"), evse("a", "2026-01-02"), // the second of the three counts
	}})})))
	r := only(t, mustPull(t, f))
	if len(r.EVSEs) != 4 || *r.NumberOfPoints != 4 {
		t.Errorf("%d EVSEs, want 4", len(r.EVSEs))
	}
	seen := map[string]bool{}
	for i := range r.EVSEs {
		ids := []string{"evse " + r.EVSEs[i].ExternalID}
		for _, c := range r.EVSEs[i].Connections {
			ids = append(ids, c.ExternalID)
		}
		for _, id := range ids {
			if seen[id] || id == "" || id == "evse " {
				t.Errorf("%q is there twice, or empty", id)
			}
			seen[id] = true
		}
	}
}

func TestAGroupIsFreeWhenOneOfItIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		states []string
		want   providers.EVSEStatus
	}{
		{[]string{"CHARGING", "AVAILABLE", "OUTOFORDER"}, providers.EVSEAvailable},
		{[]string{"CHARGING", "UNKNOWN"}, providers.EVSEUnknown},
		{[]string{"OUTOFORDER", "CHARGING"}, providers.EVSECharging},
		{[]string{"OUTOFORDER", "OUTOFORDER"}, providers.EVSEOutOfOrder},
		{[]string{"PLANNED", "OUTOFORDER"}, providers.EVSEOutOfOrder},
	} {
		var evses []any
		for i, s := range test.states {
			evses = append(evses, map[string]any{"uid": i, "status": s, "connectors": []any{map[string]any{"id": "1", "standard": "CHADEMO"}}})
		}
		r := only(t, mustPull(t, fileFeed(t, writeFile(t, asJSON(t, []any{location("1", map[string]any{"evses": evses})})))))
		c := r.Connections[0]
		if len(r.Connections) != 1 || *c.Quantity != len(test.states) || *c.Availability != test.want {
			t.Errorf("%v: %d groups of %d, %s, want one that is %s", test.states, len(r.Connections), *c.Quantity, *c.Availability, test.want)
		}
	}
}

package plugshare

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chargegraph/providers"
)

// unlinked compares records without their links back and to their source.
func unlinked() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(providers.Record{}, "Source"),
		cmpopts.IgnoreFields(providers.ConnectionInfo{}, "Record"),
		cmpopts.IgnoreFields(providers.Station{}, "Record"),
		cmpopts.IgnoreFields(providers.Comment{}, "Record"),
		cmpopts.IgnoreFields(providers.Photo{}, "Record"),
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestALocationIsMappedInFull(t *testing.T) {
	t.Parallel()
	records := recordsOf(t, string(readFile(t, "detail.json")))
	for _, r := range records {
		checkRecord(t, r)
	}
	chargePoint := providers.NewOperator(providers.PlugShare, "1", "ChargePoint")
	chargePoint.Description = "Stations everywhere"
	chargePoint.Website = "https://www.chargepoint.example"
	chargePoint.SignUpURL = "https://www.chargepoint.example/signup"
	chargePoint.SignUpLabel = "Sign Up"
	chargePoint.Phone = "+1 888-758-4389"
	common := providers.Record{
		ParentExternalID: "501",
		Icon:             "https://assets.plugshare.com/icons/B.png",
		URL:              "https://www.plugshare.com/location/501",
		FetchedAt:        testNow,
		Attribution:      &providers.Attribution{Text: "PlugShare", URL: "https://www.plugshare.com"},
		Metadata: []providers.MetadataValue{
			{FieldID: "poi_name", Value: "Street Parking"},
			{FieldID: "parking_type_name", Value: "Pay"},
			{FieldID: "parking_level", Value: "-1"},
			{FieldID: "overhead_clearance_meters", Value: "2.10"},
		},
		Site: providers.Site{
			Title:    "Quay Street Garage",
			Location: providers.Point{Lat: 40.001, Lon: -75.002},
			Address: providers.Address{
				Line1: "12 Quay Street, Harbourton", Town: "Harbourton", StateOrProvince: "HB", Postcode: "10001", CountryCode: "NL",
				Formatted: "12 Quay St, Harbourton, HB 10001, Utopia",
			},
			Usage:           providers.UsageRestrictedCustomers,
			UsageCost:       "$0.40/kWh & idle fees",
			OtherConnectors: "1 inductive paddle",
			OpeningHours: &providers.OpeningHours{
				Open24h: new(true), Text: "24/7\nring the bell",
				Exceptions: []providers.OpeningException{{From: at("2026-12-25T00:00:00Z"), To: at("2026-12-26T00:00:00Z")}},
			},
			Amenities:       []providers.Amenity{providers.AmenityLodging, providers.AmenityWifi},
			Parking:         []providers.ParkingKind{providers.ParkingPullIn, providers.ParkingLit, providers.ParkingOnStreet},
			AccessComments:  "Ask at the front desk",
			GeneralComments: "Level 2 of the garage.",
			Contact:         &providers.Contact{Phone: "+1 555-0100"},
			Rating:          &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.PlugShare, Value: 9.2, ScaleMax: 10}}},
			Links:           providers.POILinks{Providers: []providers.ProviderLink{{Provider: providers.PlugShare, View: "https://www.plugshare.com/location/501"}}},
			CreatedAt:       at("2016-12-03T21:01:09Z"),
			UpdatedAt:       at("2024-01-12T16:10:25Z"),
		},
	}
	none, network := common, common
	none.Key, none.ExternalID = "plugshare:501~0", "501~0"
	none.Cost, none.Status = providers.CostFree, providers.StatusOperational
	none.Availability = &providers.AvailabilityCounts{Unit: providers.UnitStation, Total: 1, Occupied: 1, ObservedAt: testNow}
	threePhase := providers.ConnectionInfo{
		ExternalID: "904", Type: providers.ConnectorIEC60309Three32, Current: providers.CurrentACThreePhase, Quantity: new(1),
		Status: providers.StatusUnknown, Format: providers.FormatUnknown,
		Availability: new(providers.EVSEOccupied), AvailabilityUpdatedAt: at("2026-11-20T10:00:00Z"),
	}
	none.Stations = []providers.Station{{
		ExternalID: "73", Cost: providers.CostFree, Status: providers.EVSEOccupied, StatusUpdatedAt: at("2026-11-20T10:00:00Z"),
		Connections: []providers.ConnectionInfo{threePhase},
	}}
	threePhase.ExternalID = "g14-0"
	none.Connections = []providers.ConnectionInfo{threePhase}
	none.Comments = []providers.Comment{{
		ExternalID: "12", Kind: providers.CommentFaultReport, Outcome: new(providers.CheckInFailedEquipment), Sentiment: new(providers.SentimentNegative),
		Text: "Dead", CreatedAt: at("2023-06-01T10:00:00Z"),
	}}
	none.Rating = &providers.Rating{Failures: 1, LastFailureAt: at("2023-06-01T10:00:00Z"), ProviderScores: common.Rating.ProviderScores}

	network.Key, network.ExternalID, network.Operator = "plugshare:501~1", "501~1", chargePoint
	network.Cost, network.Status = providers.CostPaid, providers.StatusPartlyOperational
	network.MaxPowerKW = new(150.0)
	network.AccessComments = "Ask at the front desk\n\nCall first"
	network.Availability = &providers.AvailabilityCounts{Unit: providers.UnitStation, Total: 2, Available: 1, OutOfService: 1, ObservedAt: testNow}
	combo := providers.ConnectionInfo{
		ExternalID: "901", Type: providers.ConnectorCCS2, Current: providers.CurrentDC, PowerKW: new(150.0), VoltageV: new(400.0), CurrentA: new(375.0),
		Quantity: new(1), Level: new(3), Status: providers.StatusUnknown, Format: providers.FormatUnknown, Reference: "US*CPI*E1*1",
		Availability: new(providers.EVSEAvailable), AvailabilityUpdatedAt: at("2026-11-20T11:30:00Z"),
	}
	chademo := providers.ConnectionInfo{
		ExternalID: "902", Type: providers.ConnectorCHAdeMO, Current: providers.CurrentDC, PowerKW: new(50.0), Quantity: new(1), Level: new(3),
		Status: providers.StatusUnknown, Format: providers.FormatUnknown, Comments: "left side",
		Availability: new(providers.EVSECharging), AvailabilityUpdatedAt: at("2026-11-20T11:40:00Z"),
	}
	broken := combo
	broken.ExternalID, broken.Reference, broken.CurrentA, broken.Status = "903", "", new(300.0), providers.StatusNotOperational
	broken.Availability, broken.AvailabilityUpdatedAt = new(providers.EVSEOutOfOrder), time.Time{}
	network.Stations = []providers.Station{
		{
			ExternalID: "71", Name: "West", Operator: chargePoint, NetworkReference: "US*CPI*1", Manufacturer: "Acme", Model: "X1",
			Cost: providers.CostPaid, CostDescription: "$1/hour", Status: providers.EVSEAvailable, StatusUpdatedAt: at("2026-11-20T11:30:00Z"),
			CreatedAt: at("2016-12-03T21:01:09Z"), OCPPVersion: "1.6", Connections: []providers.ConnectionInfo{combo, chademo},
		},
		{ExternalID: "72", Operator: chargePoint, Cost: providers.CostPaid, Status: providers.EVSEOutOfOrder, Connections: []providers.ConnectionInfo{broken}},
	}
	both := combo
	both.ExternalID, both.Quantity, both.Reference, both.CurrentA = "g13-0-150", new(2), "", nil
	both.Status, both.Availability, both.AvailabilityUpdatedAt = providers.StatusPartlyOperational, nil, time.Time{}
	chademo.ExternalID = "g3-0-50"
	network.Connections = []providers.ConnectionInfo{both, chademo}
	network.Comments = []providers.Comment{
		{ // of no station
			ExternalID: "13", Kind: providers.CommentGeneral, Outcome: new(providers.CheckInInUseEV), Sentiment: new(providers.SentimentNeutral),
			Author: &providers.Author{DisplayName: "Bo"}, CreatedAt: at("2023-07-01T10:00:00Z"), SharedWithLocation: true,
		},
		{
			ExternalID: "11", Kind: providers.CommentGeneral, Outcome: new(providers.CheckInCharged), Sentiment: new(providers.SentimentPositive),
			Text: "Works", Author: &providers.Author{DisplayName: "Ann V."}, Vehicle: "Lumo One", Volts: new(240), PowerKW: new(122.0),
			CreatedAt: at("2023-05-01T10:00:00Z"), FinishedAt: at("2023-05-01T11:00:00Z"),
		},
		{
			ExternalID: "14", Kind: providers.CommentGeneral, Outcome: new(providers.CheckInNotVisited), Sentiment: new(providers.SentimentNeutral),
			Text: "Nice café", CreatedAt: at("2023-04-01T10:00:00Z"), SharedWithLocation: true,
		},
	}
	network.Rating = &providers.Rating{Successes: 1, LastSuccessAt: at("2023-05-01T10:00:00Z"), ProviderScores: common.Rating.ProviderScores}
	network.Photos = []providers.Photo{
		{ExternalID: "32", URL: "https://photos.plugshare.com/photos/32.jpg", Thumbnail: "https://photos.plugshare.com/thumb2x/32.png", CreatedAt: at("2023-01-16T01:01:21Z")},
		{ExternalID: "31", URL: "https://photos.plugshare.com/photos/31.jpg", Thumbnail: "https://photos.plugshare.com/thumb/31.png", Caption: "The entry", CreatedAt: at("2022-01-16T01:01:21Z")},
	}
	if diff := cmp.Diff([]*providers.Record{&none, &network}, records, unlinked()); diff != "" {
		t.Errorf("location mismatch (-want +got)\n%s", diff)
	}
}

func TestASummaryIsMapped(t *testing.T) {
	t.Parallel()
	s := newSource(t, answeringFile(t, "region.json"), nil)
	answer := search(t, s, providers.Query{Area: providers.Bounds{South: 40, West: -75.1, North: 40.1, East: -75}})
	byID := make(map[string]*providers.Record)
	for _, r := range answer.Records {
		byID[r.ExternalID] = r
	}
	garage := byID["501~1"]
	if garage.Title != "Quay Street Garage" || garage.Address.Line1 != "12 Quay Street Harbourton, HB 10001" || garage.Operator.ID != "operator:ocm:5" {
		t.Errorf("the garage is %q at %q, run by %+v", garage.Title, garage.Address.Line1, garage.Operator)
	}
	if garage.Usage != providers.UsagePublic || garage.Cost != providers.CostUnknown || garage.Status != providers.StatusPartlyOperational {
		t.Errorf("usage %s, cost %s, status %s", garage.Usage, garage.Cost, garage.Status)
	}
	if got := garage.Connections[0]; got.Type != providers.ConnectorCCS1 || *got.Quantity != 2 || got.Availability != nil {
		t.Errorf("CCS %+v: shown as CCS1 of two in different states", got)
	}
	want := providers.AvailabilityCounts{Unit: providers.UnitStation, Total: 2, Available: 1, OutOfService: 1, ObservedAt: testNow}
	if garage.Availability == nil || *garage.Availability != want {
		t.Errorf("availability %+v, want %+v", garage.Availability, want)
	}
	beside := byID["501~0"]
	if beside.Operator != nil || beside.Availability != nil || beside.Connections[0].Availability != nil || beside.Stations[0].Status != providers.EVSEUnknown {
		t.Errorf("the station beside it is %+v", beside)
	}
	planned := byID["503~0"]
	if planned.Status != providers.StatusPlanned || planned.Title != "Charging site 503" || planned.Usage != providers.UsageRestricted ||
		planned.URL != "https://www.plugshare.com/location/503" || len(planned.Stations)+len(planned.Connections) != 0 {
		t.Errorf("the planned site is %+v", planned)
	}
	copied := byID["504~11"]
	if copied.Directory != "OpenChargeMap" || copied.Operator != nil || copied.Stations[0].Operator != nil {
		t.Errorf("the copied site is of %q, run by %v", copied.Directory, copied.Operator)
	}
	if mark := (providers.MetadataValue{FieldID: "copied_from", Value: "OpenChargeMap"}); !slices.Contains(copied.Metadata, mark) || slices.Contains(garage.Metadata, mark) {
		t.Errorf("the copied site tells %v of itself, the garage %v", copied.Metadata, garage.Metadata)
	}
	if got := copied.Connections[0]; got.Type != providers.ConnectorUnknown || got.Comments != "PlugShare connector 42" || got.ExternalID != "g42-0-22" {
		t.Errorf("a plug that no table has is %+v", got)
	}
}

func TestWhatASummaryTellsToMatchByIsWhatTheWholeTells(t *testing.T) {
	t.Parallel()
	whole := recordsOf(t, string(readFile(t, "detail.json")))
	s := newSource(t, answeringFile(t, "region.json"), nil)
	for _, summary := range search(t, s, providers.Query{Area: providers.Bounds{South: 40, West: -75.1, North: 40.1, East: -75}}).Records {
		i := slices.IndexFunc(whole, func(r *providers.Record) bool { return r.Key == summary.Key })
		if i < 0 {
			continue
		}
		r := whole[i]
		same := r.Location == summary.Location && r.Title == summary.Title && (r.Operator == nil) == (summary.Operator == nil) &&
			(r.Operator == nil || r.Operator.ID == summary.Operator.ID) && r.OperatorReference == summary.OperatorReference &&
			r.DataProviderReference == summary.DataProviderReference && len(r.EVSEs) == len(summary.EVSEs) && r.Directory == summary.Directory
		if !same {
			t.Errorf("%s as a summary and whole may be matched differently", r.Key)
		}
	}
}

func TestWhatNoRecordCanBeMadeOf(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]error{
		`{"id":1,"access":3,"latitude":1,"longitude":1}`:                      errHidden,
		`{"id":1,"access":1,"icon_type":"H","latitude":1,"longitude":1}`:      errHidden,
		`{"id":1,"access":1,"icon_type":"hr","latitude":1,"longitude":1}`:     errHidden,
		`{"id":0,"access":1,"latitude":1,"longitude":1}`:                      errNoID,
		`{"access":1,"latitude":1,"longitude":1}`:                             errNoID,
		`{"id":1.5,"access":1,"latitude":1,"longitude":1}`:                    errNoID,
		`{"id":9999999999,"access":1,"latitude":1,"longitude":1}`:             errNoID,
		`{"id":1,"access":1,"latitude":1}`:                                    errNoPosition,
		`{"id":1,"access":1,"latitude":0,"longitude":0}`:                      errNoPosition,
		`{"id":1,"access":1,"latitude":-91,"longitude":0}`:                    errNoPosition,
		`{"id":1,"access":1,"latitude":"1","longitude":"x"}`:                  errNoPosition,
		`{"id":1,"access":1,"latitude":"1","longitude":"2","stations":"odd"}`: nil,
	} {
		w, err := decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := testMapper().location(w); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", raw, err, want)
		}
	}
	for _, raw := range []string{`[]`, `7`, `"x"`, `null`, `{"id":`} {
		if _, err := decode([]byte(raw)); !errors.Is(err, errNoRecord) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestAKeyNamesALocationAndANetwork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		location, network int
		main, ok          bool
	}{
		"99":             {99, 0, true, true},
		"99~8":           {99, 8, false, true},
		"99~0":           {99, 0, false, true},
		"":               {},
		"~":              {},
		"99~":            {},
		"~8":             {},
		"099":            {},
		"99~08":          {},
		"+99":            {},
		"99~-1":          {},
		"-99~1":          {},
		"0~1":            {},
		"99~8~8":         {},
		"99~x":           {},
		"4294967296":     {},
		"9~4294967296":   {},
		" 99":            {},
		"99:8":           {},
		"99~8 ":          {},
		"ninety-nine":    {},
		"9e1":            {},
		"0x63":           {},
		"2147483647~1":   {2147483647, 1, false, true},
		"1~2147483647":   {1, 2147483647, false, true},
		"99999999999999": {},
	} {
		location, network, main, ok := parseExternalID(text)
		if ok != want.ok || ok && (location != want.location || network != want.network || main != want.main) {
			t.Errorf("%q is location %d, network %d, main %t, ok %t; want %+v", text, location, network, main, ok, want)
		}
	}
}

func TestTheMainRecordHasMostOutletsThenTheLowestNetwork(t *testing.T) {
	t.Parallel()
	outlets := func(n int) string {
		return `"outlets":[` + strings.TrimSuffix(strings.Repeat(`{"connector":2},`, n), ",") + `]`
	}
	station := func(network string, n int) string { return fmt.Sprintf(`{"network_id":%s,%s}`, network, outlets(n)) }
	for want, list := range map[int][]string{
		0:  {},
		8:  {station("8", 2), station("null", 1)},
		7:  {station("8", 2), station("7", 2)},
		9:  {station("8", 2), station("9", 2), station("9", 1)},
		1:  {station("3", 0), station("1", 0)},
		5:  {`{"network":{"id":5,"name":"x"}}`},
		35: {station("-1", 1), station("35", 2)},
		// A stand-in for others is no network.
	} {
		w, err := decode([]byte(site(1, `"stations":[`+strings.Join(list, ",")+`]`)))
		if err != nil {
			t.Fatal(err)
		}
		records, main, err := testMapper().location(w)
		if err != nil || main.ExternalID != externalID(1, want) {
			t.Errorf("%v: main record %s, want network %d (%v)", list, main.ExternalID, want, err)
		}
		if !slices.Contains(records, main) {
			t.Error("the main record is not among the records")
		}
	}
}

func TestTheStateOfALocation(t *testing.T) {
	t.Parallel()
	outlet := func(status string) string { return `"connector":2,"status":"` + status + `"` }
	for members, want := range map[string]providers.OperationalStatus{
		``:                                       providers.StatusUnknown,
		`"enabled":true`:                         providers.StatusUnknown,
		`"enabled":false,"coming_soon":true`:     providers.StatusRemoved,
		`"coming_soon":true`:                     providers.StatusPlanned,
		`"coming_soon":true,"under_repair":true`: providers.StatusPlanned,
		`"under_repair":true`:                    providers.StatusTemporarilyUnavailable,
		`"under_repair":false`:                   providers.StatusOperational,
		`"coming_soon":null,"under_repair":false,"enabled":true`: providers.StatusOperational,
		`"icon_type":"G"`:                                          providers.StatusOperational,
		`"icon_type":"B"`:                                          providers.StatusOperational,
		`"icon_type":"GR"`:                                         providers.StatusUnknown,
		`"icon_type":"YR","coming_soon":false`:                     providers.StatusTemporarilyUnavailable,
		`"icon_type":"YR","under_repair":false`:                    providers.StatusPlanned,
		`"icon_type":"AR","under_repair":true,"coming_soon":false`: providers.StatusTemporarilyUnavailable,
		`"under_repair":false,` + stations(outlet("OUTOFORDER"), outlet("OUTOFORDER")):                  providers.StatusNotOperational,
		`"under_repair":false,` + stations(outlet("OUTOFORDER"), outlet("UNAVAILABLE")):                 providers.StatusNotOperational,
		`"under_repair":false,` + stations(outlet("OUTOFORDER"), outlet("UNDER_REPAIR")):                providers.StatusTemporarilyUnavailable,
		`"under_repair":false,` + stations(outlet("OUTOFORDER"), outlet("AVAILABLE")):                   providers.StatusPartlyOperational,
		`"under_repair":false,` + stations(outlet("OUTOFORDER"), outlet("UNKNOWN")):                     providers.StatusPartlyOperational,
		`"under_repair":false,` + stations(outlet("UNDER_REPAIR")):                                      providers.StatusTemporarilyUnavailable,
		`"under_repair":true,` + stations(outlet("OUTOFORDER")):                                         providers.StatusTemporarilyUnavailable,
		stations(outlet("PLANNED"), outlet("PLANNED")):                                                  providers.StatusPlanned,
		stations(outlet("PLANNED"), outlet("REMOVED")):                                                  providers.StatusPlanned,
		stations(outlet("REMOVED"), outlet("REMOVED")):                                                  providers.StatusRemoved,
		`"under_repair":false,` + stations(outlet("REMOVED"), outlet("AVAILABLE")):                      providers.StatusOperational,
		`"under_repair":false,` + stations(outlet("OFFLINE"), outlet("OFFLINE")):                        providers.StatusOperational,
		stations(outlet("AVAILABLE")):                                                                   providers.StatusUnknown,
		`"under_repair":false,"stations":[{"available":4,"outlets":[{"connector":2},{"connector":2}]}]`: providers.StatusTemporarilyUnavailable,
		`"under_repair":false,"stations":[{"available":3,"outlets":[{"connector":2},{"connector":2}]}]`: providers.StatusOperational,
		`"under_repair":false,"opening_date":"2027-01-01"`:                                              providers.StatusOperational,
	} {
		r := recordsOf(t, site(1, members))[0]
		checkRecord(t, r)
		if r.Status != want {
			t.Errorf("%s: %s, want %s", members, r.Status, want)
		}
	}
	r := recordsOf(t, site(1, `"coming_soon":true,"opening_date":"2027-02-03"`))[0]
	if !r.PlannedFor.Equal(at("2027-02-03T00:00:00Z")) {
		t.Errorf("planned for %v", r.PlannedFor)
	}
	for _, none := range []string{`"None"`, `null`, `""`, `20270203`} {
		if r := recordsOf(t, site(1, `"coming_soon":true,"opening_date":`+none))[0]; !r.PlannedFor.IsZero() {
			t.Errorf("opening date %s is %v", none, r.PlannedFor)
		}
	}
}

func TestTheLiveStateOfStationsAndPlugs(t *testing.T) {
	t.Parallel()
	type states []providers.EVSEStatus
	const unknown = providers.EVSEUnknown
	for _, c := range []struct {
		available string
		outlets   []string // statuses; "-": null
		station   providers.EVSEStatus
		plugs     states // "": none
	}{
		{"0", []string{"-"}, unknown, states{""}},
		{"null", []string{"-"}, unknown, states{""}},
		{"7", []string{"-"}, unknown, states{""}},
		{"1", []string{"-"}, providers.EVSEAvailable, states{providers.EVSEAvailable}},
		{"2", []string{"-"}, providers.EVSEOccupied, states{providers.EVSEOccupied}},
		{"3", []string{"-"}, providers.EVSEOffline, states{providers.EVSEOffline}},
		{"4", []string{"-"}, providers.EVSEUnderRepair, states{providers.EVSEUnderRepair}},
		{"1", []string{"-", "-"}, providers.EVSEAvailable, states{"", ""}},
		{"2", []string{"-", "-"}, providers.EVSEOccupied, states{"", ""}},
		{"3", []string{"-", "-"}, providers.EVSEOffline, states{providers.EVSEOffline, providers.EVSEOffline}},
		{"4", []string{"-", "-"}, providers.EVSEUnderRepair, states{providers.EVSEUnderRepair, providers.EVSEUnderRepair}},
		{"0", []string{"UNKNOWN"}, unknown, states{unknown}},
		{"1", []string{"UNKNOWN"}, providers.EVSEAvailable, states{providers.EVSEAvailable}},
		{"1", []string{"CHARGING"}, providers.EVSECharging, states{providers.EVSECharging}},
		{"2", []string{"AVAILABLE"}, providers.EVSEAvailable, states{providers.EVSEAvailable}},
		{"0", []string{"AVAILABLE", "CHARGING"}, providers.EVSEAvailable, states{providers.EVSEAvailable, providers.EVSECharging}},
		{"0", []string{"CHARGING", "CONNECTED"}, providers.EVSECharging, states{providers.EVSECharging, providers.EVSEOccupied}},
		{"0", []string{"OUTOFORDER", "CONNECTED"}, providers.EVSEOccupied, states{providers.EVSEOutOfOrder, providers.EVSEOccupied}},
		{"0", []string{"OUTOFORDER", "OFFLINE"}, providers.EVSEOffline, states{providers.EVSEOutOfOrder, providers.EVSEOffline}},
		{"0", []string{"CHARGING", "-"}, unknown, states{providers.EVSECharging, ""}},
		{"1", []string{"CHARGING", "-"}, providers.EVSEAvailable, states{providers.EVSECharging, ""}},
		{"0", []string{"PLANNED", "PLANNED"}, providers.EVSEPlanned, states{providers.EVSEPlanned, providers.EVSEPlanned}},
		{"0", []string{"REMOVED"}, providers.EVSERemoved, states{providers.EVSERemoved}},
		{"0", []string{"REMOVED", "BLOCKED"}, providers.EVSEBlocked, states{providers.EVSERemoved, providers.EVSEBlocked}},
		{"0", []string{"reserved"}, providers.EVSEReserved, states{providers.EVSEReserved}},
		{"0", []string{"UNDER_REPAIR"}, providers.EVSEUnderRepair, states{providers.EVSEUnderRepair}},
		{"0", []string{"UNAVAILABLE"}, providers.EVSEOutOfOrder, states{providers.EVSEOutOfOrder}},
		{"0", []string{"FINISHING"}, unknown, states{unknown}},
		{"1", []string{}, providers.EVSEAvailable, states{}},
	} {
		var outlets []string
		for i, status := range c.outlets {
			value := `"` + status + `"`
			if status == "-" {
				value = "null"
			}
			outlets = append(outlets, fmt.Sprintf(`{"id":%d,"connector":2,"status":%s}`, i+1, value))
		}
		r := recordsOf(t, site(1, `"stations":[{"id":1,"available":`+c.available+`,"outlets":[`+strings.Join(outlets, ",")+`]}]`))[0]
		checkRecord(t, r)
		if got := r.Stations[0].Status; got != c.station {
			t.Errorf("available %s, outlets %v: station %s, want %s", c.available, c.outlets, got, c.station)
		}
		for i, want := range c.plugs {
			got := r.Stations[0].Connections[i].Availability
			if want == "" && got != nil || want != "" && (got == nil || *got != want) {
				t.Errorf("available %s, outlets %v: plug %d is %v, want %q", c.available, c.outlets, i, got, want)
			}
		}
		if (r.Availability == nil) != (c.station == unknown || c.station == providers.EVSEPlanned || c.station == providers.EVSERemoved) {
			t.Errorf("available %s, outlets %v: counts %+v", c.available, c.outlets, r.Availability)
		}
	}
}

func TestLikeOutletsAreOneConnection(t *testing.T) {
	t.Parallel()
	r := recordsOf(t, site(1, stations(
		`"connector":20,"kilowatts":150,"volts":400,"status":"AVAILABLE","status_changed_at":"2026-01-01T00:00:00Z"`,
		`"connector":20,"kilowatts":150.0,"volts":400,"status":"AVAILABLE","status_changed_at":"2026-01-02T00:00:00Z"`,
		`"connector":20,"kilowatts":50`,
		`"connector":20`,
		`"connector":6,"power":1,"kilowatts":250`,
		`"connector":6,"power":0,"kilowatts":250`,
		`"connector":20,"kilowatts":150,"status":"REMOVED"`,
		`"kilowatts":3`,
		`"connector":-4`,
		`"connector":7,"kilowatts":22,"power_type":"AC_1_PHASE"`,
		`"connector":7,"kilowatts":22`,
	)))[0]
	checkRecord(t, r)
	type row struct {
		id       string
		kind     providers.ConnectorType
		current  providers.CurrentKind
		quantity int
	}
	var got []row
	for _, c := range r.Connections {
		got = append(got, row{c.ExternalID, c.Type, c.Current, *c.Quantity})
	}
	want := []row{
		{"g20-0-150", providers.ConnectorCCS2, providers.CurrentDC, 2},
		{"g20-0-50", providers.ConnectorCCS2, providers.CurrentDC, 1},
		{"g20-0", providers.ConnectorCCS2, providers.CurrentDC, 1},
		{"g6-1-250", providers.ConnectorNACS, providers.CurrentDC, 1},
		{"g6-0-250", providers.ConnectorNACS, providers.CurrentACSinglePhase, 1},
		{"g-3", providers.ConnectorUnknown, providers.CurrentUnknown, 1},
		{"g", providers.ConnectorUnknown, providers.CurrentUnknown, 1},
		{"g7-0-22", providers.ConnectorType2, providers.CurrentAC, 2},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("connections mismatch (-want +got)\n%s", diff)
	}
	both := r.Connections[0]
	if both.Availability == nil || *both.Availability != providers.EVSEAvailable || !both.AvailabilityUpdatedAt.Equal(at("2026-01-02T00:00:00Z")) || *both.VoltageV != 400 {
		t.Errorf("two that agree are %+v", both)
	}
	if len(r.Stations) != 11 {
		t.Errorf("%d stations: the one with the removed outlet is still a station", len(r.Stations))
	}
	// Two kinds behind one number.
	r = recordsOf(t, site(1, stations(`"connector":13,"connector_name":"IEC_62196_T1_COMBO"`, `"connector":13,"connector_name":"IEC_62196_T2_COMBO"`)))[0]
	if len(r.Connections) != 2 || r.Connections[0].ExternalID == r.Connections[1].ExternalID {
		t.Errorf("connections %+v", r.Connections)
	}
}

func TestPowerIsStatedAndNeverInvented(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]float64{
		`"outlets":[{"connector":3}]`:                                         0,
		`"outlets":[{"connector":6,"power":1}]`:                               0,
		`"outlets":[{"connector":3,"kilowatts":0}]`:                           0,
		`"outlets":[{"connector":3,"kilowatts":-5}]`:                          0,
		`"outlets":[{"connector":3,"kilowatts":"50"}]`:                        50,
		`"outlets":[{"connector":3,"watts":7200}]`:                            7.2,
		`"kilowatts":16,"outlets":[{"connector":3}]`:                          16,
		`"kilowatts":16,"outlets":[{"connector":3},{"connector":20}]`:         0,
		`"outlets":[{"connector":3,"volts":400,"amps":100}]`:                  0,
		`"kilowatts":16,"outlets":[{"connector":3,"kilowatts":50,"watts":7}]`: 50,
	} {
		r := recordsOf(t, site(1, `"stations":[{"id":1,`+members+`}]`))[0]
		switch got := r.MaxPowerKW; {
		case want == 0 && got != nil, want > 0 && (got == nil || *got != want):
			t.Errorf("%s: %v kW, want %v", members, got, want)
		}
	}
	if r := recordsOf(t, site(1, ""))[0]; r.NumberOfPoints != nil {
		t.Error("nobody knows how many cars a station charges")
	}
}

func TestCostIsStatedOnlyWhereItIsCertain(t *testing.T) {
	t.Parallel()
	station := func(network, cost int) string { return fmt.Sprintf(`{"network_id":%d,"cost":%d}`, network, cost) }
	list := func(stations ...string) string { return `,"stations":[` + strings.Join(stations, ",") + `]` }
	for members, want := range map[string][]providers.CostKind{
		`"cost":false`:                                      {providers.CostUnknown},
		`"cost":null`:                                       {providers.CostUnknown},
		`"cost":true`:                                       {providers.CostPaid},
		`"cost":false` + list(station(0, 0)):                {providers.CostUnknown},
		`"cost":false` + list(station(0, 1)):                {providers.CostFree},
		`"cost":true` + list(station(0, 1)):                 {providers.CostUnknown},
		`"cost":false` + list(station(0, 2)):                {providers.CostPaid},
		`"cost":false` + list(station(0, 1), station(0, 0)): {providers.CostUnknown},
		`"cost":false` + list(station(0, 1), station(0, 1)): {providers.CostFree},
		`"cost":false` + list(station(0, 1), station(0, 2)): {providers.CostPaid},
		`"cost":true` + list(station(1, 0), station(2, 2)):  {providers.CostUnknown, providers.CostPaid},
		`"cost":true` + list(station(1, 1), station(2, 2)):  {providers.CostFree, providers.CostPaid},
		`"cost":true` + list(station(1, 0), station(2, 0)):  {providers.CostPaid, providers.CostPaid},
		`"cost":true` + list(station(1, 7)):                 {providers.CostPaid},
	} {
		var got []providers.CostKind
		for _, r := range recordsOf(t, site(1, members)) {
			got = append(got, r.Cost)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", members, got, want)
		}
	}
	r := recordsOf(t, site(1, `"stations":[{"cost":2,"cost_description":"$1"},{"cost":2,"cost_description":"$1"}]`))[0]
	if r.UsageCost != "$1" {
		t.Errorf("the price that all stations have is %q", r.UsageCost)
	}
	r = recordsOf(t, site(1, `"stations":[{"cost_description":"$1"},{"cost_description":"Unknown"}]`))[0]
	if r.UsageCost != "" || r.Stations[1].CostDescription != "" {
		t.Errorf("prices %q, %q", r.UsageCost, r.Stations[1].CostDescription)
	}
}

func TestOpeningHours(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]*providers.OpeningHours{
		``:                               nil,
		`"open247":false,"hours":""`:     nil,
		`"open247":null,"hours":null`:    nil,
		`"open247":true`:                 {Open24h: new(true)},
		`"open247":false,"hours":"24/7"`: {Text: "24/7"},
		`"opening_times":{"twenty_four_seven":true}`:                                                                                    {Open24h: new(true)},
		`"opening_times":"24/7"`:                                                                                                        nil,
		`"opening_times":{"twentyfourseven":false,"regular_hours":null}`:                                                                nil,
		`"opening_times":{"regular_hours":[{"weekday":1,"period_begin":"08:00","period_end":"20:30"}]}`:                                 {Open24h: new(false), Weekly: []providers.OpeningPeriod{{Weekday: 1, Opens: "08:00", Closes: "20:30"}}},
		`"opening_times":{"regular_hours":[{"weekday":7,"period_begin":"8:00","period_end":"24:00"}]}`:                                  {Open24h: new(false), Weekly: []providers.OpeningPeriod{{Weekday: 7, Opens: "08:00", Closes: "24:00"}}},
		`"opening_times":{"regular_hours":[{"weekday":8,"period_begin":"08:00","period_end":"20:00"},{"weekday":1},{"weekday":"one"}]}`: nil,
		`"opening_times":{"regular_hours":[{"weekday":1,"period_begin":"25:00","period_end":"20:00"}]}`:                                 nil,
		`"opening_times":{"exceptional_openings":[{"period_begin":"2026-12-24T08:00:00Z","period_end":"2026-12-24T12:00:00Z"}]}`:        {Exceptions: []providers.OpeningException{{From: at("2026-12-24T08:00:00Z"), To: at("2026-12-24T12:00:00Z"), Open: true}}},
		`"opening_times":{"exceptional_closings":[{"period_begin":"2026-12-24T08:00:00Z"},{"period_end":"2026-12-24T12:00:00Z"}]}`:      nil,
	} {
		r := recordsOf(t, site(1, members))[0]
		if diff := cmp.Diff(want, r.OpeningHours); diff != "" {
			t.Errorf("%s mismatch (-want +got)\n%s", members, diff)
		}
	}
}

func TestReviewsFindTheRecordOfTheirStation(t *testing.T) {
	t.Parallel()
	const two = `"stations":[{"id":1,"network_id":8,"outlets":[{"id":1,"connector":6},{"id":2,"connector":6}]},{"id":2,"network_id":1,"outlets":[{"id":3,"connector":2}]}],`
	records := recordsOf(t, site(1, two+`"reviews":[
		{"id":1,"rating":1,"station_id":1},{"id":2,"rating":1,"station_id":2},{"id":3,"rating":1},{"id":4,"rating":1,"station_id":77},
		{"id":2,"rating":-1,"station_id":1},{"rating":1},{"rating":0,"station_id":2}],
		"photos":[{"id":1,"url":"https://p.example/1.jpg"}]`))
	got := make(map[string][]string)
	for _, r := range records {
		checkRecord(t, r)
		for _, c := range r.Comments {
			name := c.ExternalID
			if c.SharedWithLocation {
				name += " shared"
			}
			got[r.ExternalID] = append(got[r.ExternalID], name)
		}
		for _, p := range r.Photos {
			got[r.ExternalID] = append(got[r.ExternalID], "photo "+p.ExternalID)
		}
		slices.Sort(got[r.ExternalID])
	}
	want := map[string][]string{"1~8": {"1", "3 shared", "4 shared", "n5 shared", "photo 1"}, "1~1": {"2", "n6"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("comments mismatch (-want +got)\n%s", diff)
	}
	alone := recordsOf(t, site(1, `"reviews":[{"id":3,"rating":1}]`))[0]
	if alone.Comments[0].SharedWithLocation {
		t.Error("a location of one network shares its comments with nobody")
	}
}

func TestNothingOfAPersonIsKeptButAName(t *testing.T) {
	t.Parallel()
	const user = `{"id":900001,"first_name":"Ann","last_name":"Secret","phone":"555-0199","about":"lives here","photos":["https://p.example/ann.jpg"]}`
	r := recordsOf(t, site(1, `"owner":`+user+`,"reviews":[{"id":1,"rating":1,"user":`+user+`}],"photos":[{"id":2,"url":"https://p.example/2.jpg","user_id":900001,"user":`+user+`}]`))[0]
	if got := r.Comments[0].Author; got == nil || *got != (providers.Author{DisplayName: "Ann"}) {
		t.Errorf("author %+v", got)
	}
	if r.Photos[0].Author != nil || r.Owner != "" {
		t.Error("somebody is named")
	}
	if dump := fmt.Sprintf("%+v %+v %+v", r.Site, r.Comments, r.Photos); strings.Contains(dump, "Secret") || strings.Contains(dump, "900001") || strings.Contains(dump, "0199") {
		t.Error("personal data in a record")
	}
	for _, user := range []string{`""`, `null`, `{}`, `{"first_name":" "}`, `{"first_name":"Ann","is_deleted":true}`} {
		r := recordsOf(t, site(1, `"reviews":[{"id":1,"rating":1,"user":`+user+`}]`))[0]
		if r.Comments[0].Author != nil {
			t.Errorf("user %s is %+v", user, r.Comments[0].Author)
		}
	}
}

func TestASandboxLeadsToNoRealPage(t *testing.T) {
	t.Parallel()
	s := newSource(t, answeringFile(t, "detail.json"), func(cfg *Config) { cfg.Sandbox = true })
	answer, err := s.Detail(t.Context(), []providers.Key{"plugshare:501~1"})
	if err != nil {
		t.Fatal(err)
	}
	r := answer.Records[0]
	if r.URL != "" || r.Icon != "" || len(r.Links.Providers) != 0 || r.Attribution.Text != "made-up data" || r.Source.Mode != providers.ModeSandbox || r.Source.Attribution.Text != "made-up data" {
		t.Errorf("url %q, links %v, attribution %v", r.URL, r.Links, r.Attribution)
	}
}

func TestWhatTheSourceSaysOfItself(t *testing.T) {
	t.Parallel()
	s := newSource(t, answering(200, "[]"), func(cfg *Config) { cfg.Timeout = 7 * time.Second }).Source()
	if s.ID != "plugshare" || s.Provider != providers.PlugShare || s.Name != "PlugShare" || s.Mode != providers.ModeLive || s.Timeout != 7*time.Second || s.LiveFor <= 0 || s.LiveFor > 10*time.Minute {
		t.Errorf("%+v", s.NodeID())
	}
	if s.Capabilities != (providers.SourceCapabilities{LiveStatus: true, Comments: true, Photos: true}) || s.Attribution.Text != "PlugShare" || s.Attribution.URL == "" {
		t.Errorf("capabilities %+v, attribution %+v", s.Capabilities, s.Attribution)
	}
	// Names that no filter has would never be reported.
	all := (&providers.Filter{
		Connections: []providers.ConnectionMatch{{
			Types: []providers.ConnectorType{""}, ConnectionTypeIDs: []string{""}, Formats: []providers.ConnectorFormat{""}, MinPowerKW: new(1.0), MaxPowerKW: new(1.0),
			Current: []providers.CurrentKind{""}, Level: []int{1}, Availability: []providers.EVSEStatus{""},
		}},
		OperatorIDs: []string{""}, ExcludeOperatorIDs: []string{""}, Usage: []providers.UsageKind{""}, UsageTypeIDs: []string{""}, Status: []providers.OperationalStatus{""},
		StatusTypeIDs: []string{""}, Availability: []providers.EVSEStatus{""}, MinPoints: new(1), Cost: []providers.CostKind{""}, Amenities: []providers.Amenity{""},
		Countries: []string{""}, MinRating: new(1.0), MinProviderScore: &providers.ProviderScoreMatch{}, HasPhotos: new(true), HasComments: new(true),
		ModifiedSince: testNow, VerifiedSince: testNow,
	}).Fields()
	for _, name := range slices.Concat(s.Undecided, s.UndecidedSummary) {
		if !slices.Contains(all, name) {
			t.Errorf("no filter is called %s", name)
		}
	}
}

package resolvers_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/ocm"
	"chargegraph/providers/ocpi"
	"chargegraph/providers/ocpplab"
	"chargegraph/providers/plugshare"
	"chargegraph/providers/store"
)

// wireValue is a value of a source's own, as JSON, and what the graph makes of it.
type wireValue struct {
	in   string // the template that it is put into; its first word is the source
	wire string
	want string
}

// wireEnum is an enum of the graph and how its values come from the wire.
type wireEnum struct {
	name string
	// templates are the members of a site besides its name and position, by the
	// name of the template.
	templates map[string]string
	values    []wireValue
	// never are the values that no source can give, with the reason.
	never map[string]string
	// read returns what a site says; it must say nothing else.
	read func(wireSaid) []string
}

// wireSaid is what the graph says of a hand-made site.
type wireSaid struct {
	Title       string
	Usage       string
	Connections []struct{ Type, Availability string }
	EVSEs       []struct{ Status string }
	Stations    []struct {
		Status      string
		Connections []struct{ Type, Availability string }
	}
}

const wireFields = `title usage connections { type availability } evses { status } stations { status connections { type availability } }`

// TestEveryValueOfAnEnumComesFromTheWire makes, for every value of the enums
// that are translated, the smallest answer of a source that says it, and finds it
// in the graph. A value that is neither here nor on the list of those that no
// source can give fails the test.
func TestEveryValueOfAnEnumComesFromTheWire(t *testing.T) {
	t.Parallel()
	for _, enum := range []wireEnum{connectorTypes(), evseStatuses(), usageKinds()} {
		t.Run(enum.name, func(t *testing.T) {
			t.Parallel()
			sites := make(map[string][]string) // by source
			want := make(map[string]map[string]string)
			for i, v := range enum.values {
				source, _, _ := strings.Cut(v.in, " ")
				template, known := enum.templates[v.in]
				if !known {
					t.Fatalf("there is no template %q", v.in)
				}
				title := fmt.Sprintf("%s %d", v.in, i)
				// Sites within 500 m may be one; these are 1.4 km apart.
				place := fmt.Sprintf(`"latitude": %.2f, "longitude": %.2f`, 50+float64(len(sites[source])/20)/50, 5+float64(len(sites[source])%20)/50)
				members := strings.ReplaceAll(template, "…", v.wire)
				sites[source] = append(sites[source], map[string]string{
					"ocm":       fmt.Sprintf(`{"ID": %d, "AddressInfo": {"ID": %d, "Title": %q, %s}, %s}`, i+1, i+1, title, strings.NewReplacer("latitude", "Latitude", "longitude", "Longitude").Replace(place), members),
					"plugshare": fmt.Sprintf(`{"id": %d, "name": %q, %s, %s}`, i+1, title, place, members),
					"ocpi":      fmt.Sprintf(`{"id": "L%d", "name": %q, "coordinates": {%s}, %s}`, i+1, title, place, members),
					"ocpplab":   fmt.Sprintf(`{"id": "loc-%d", "name": %q, "coordinates": {%s}, %s}`, i+1, title, place, members),
				}[source])
				if want[source] == nil {
					want[source] = make(map[string]string)
				}
				want[source][title] = v.want
			}
			s := newService(t, loaders.Config{Clock: fixedNow}, handMade(t, sites)...)
			given := make(map[string]int)
			for source, titles := range want {
				id := map[string]string{"ocpi": "source:ocpi:feed"}[source]
				said := askWire(t, s, cmp.Or(id, "source:"+source))
				for title, value := range titles {
					got, shown := said[title]
					if !shown {
						t.Errorf("%s is not shown", title)
						continue
					}
					values := slices.Compact(enum.read(got))
					if diff := gocmp.Diff([]string{value}, values); diff != "" {
						t.Errorf("%s mismatch (-want +got):\n%s", title, diff)
					}
					if value != "" {
						given[value]++
					}
				}
			}
			checkAllGiven(t, s, enum.name, given, enum.never)
		})
	}
}

// askWire asks for the sites of one source, by title.
func askWire(t *testing.T, s *service, source string) map[string]wireSaid {
	t.Helper()
	var answer struct {
		Pois struct {
			Nodes   []wireSaid
			Sources []struct {
				Source  struct{ ID string }
				Outcome string
			}
		}
	}
	s.mustAsk(t, `query($ids: [ID!]) { pois(area: {bounds: {south: 49.9, west: 4.9, north: 50.5, east: 5.5}}, filter: {includePlanned: true}, first: 500, sources: {includeIds: $ids}) {
		nodes { `+wireFields+` } sources { source { id } outcome }
	} }`, vars{"ids": []string{source}}, &answer)
	for _, r := range answer.Pois.Sources {
		if r.Source.ID == source && r.Outcome != "OK" {
			t.Errorf("%s is %s", source, r.Outcome)
		}
	}
	said := make(map[string]wireSaid)
	for _, site := range answer.Pois.Nodes {
		said[site.Title] = site
	}
	return said
}

// checkAllGiven compares the values that came from the wire with those of the schema.
func checkAllGiven(t *testing.T, s *service, enum string, given map[string]int, never map[string]string) {
	t.Helper()
	var answer struct {
		Type struct{ EnumValues []struct{ Name string } } `json:"__type"`
	}
	s.mustAsk(t, `query($name: String!) { __type(name: $name) { enumValues(includeDeprecated: true) { name } } }`, vars{"name": enum}, &answer)
	if len(answer.Type.EnumValues) == 0 {
		t.Fatalf("the schema has no enum %s", enum)
	}
	missing := maps.Clone(never)
	for _, v := range answer.Type.EnumValues {
		reason, impossible := never[v.Name]
		delete(missing, v.Name)
		switch {
		case impossible && given[v.Name] > 0:
			t.Errorf("%s is said to be impossible (%s), and came from the wire", v.Name, reason)
		case !impossible && given[v.Name] == 0:
			t.Errorf("%s comes from no source here: add how it does, or why it cannot", v.Name)
		}
	}
	for name := range missing {
		t.Errorf("the schema has no %s", name)
	}
	total := 0
	for _, n := range given {
		total += n
	}
	t.Logf("%s: %d of %d values from %d wire values; never: %v", enum, len(given), len(answer.Type.EnumValues), total, slices.Sorted(maps.Keys(never)))
}

func connectorTypes() wireEnum {
	enum := wireEnum{
		name: "ConnectorType",
		templates: map[string]string{
			"ocm":                    `"Connections": [{"ID": 1, "ConnectionTypeID": …}]`,
			"plugshare":              `"access": 1, "stations": [{"id": 1, "outlets": [{"id": 1, "connector": …}]}]`,
			"plugshare in Australia": `"access": 1, "locale": "AU", "stations": [{"id": 1, "outlets": [{"id": 1, "connector": …}]}]`,
			"plugshare in Europe":    `"access": 1, "locale": "EU", "stations": [{"id": 1, "outlets": [{"id": 1, "connector": …}]}]`,
			"plugshare by its name":  `"access": 1, "connector_types": ["CCS2"], "stations": [{"id": 1, "outlets": [{"id": 1, "connector": …}]}]`,
			"ocpi":                   `"publish": true, "evses": [{"uid": "1", "status": "AVAILABLE", "connectors": [{"id": "1", "standard": …}]}]`,
			"ocpplab":                `"chargers": [{"id": "c", "connector_type": …}]`,
		},
		values: []wireValue{
			{"ocm", "1", "TYPE_1"},
			{"ocm", "2", "CHADEMO"},
			{"ocm", "3", "DOMESTIC_G"},
			{"ocm", "4", "IEC_60309_SINGLE_16"},
			{"ocm", "5", "INDUCTIVE"},
			{"ocm", "6", "INDUCTIVE"},
			{"ocm", "7", "AVCON"},
			{"ocm", "8", "TESLA_ROADSTER"},
			{"ocm", "9", "NEMA_5_20"},
			{"ocm", "10", "NEMA_14_30"},
			{"ocm", "11", "NEMA_14_50"},
			{"ocm", "13", "DOMESTIC_C"},
			{"ocm", "14", "NEMA_6_20"},
			{"ocm", "15", "NEMA_6_15"},
			{"ocm", "16", "IEC_60309_SINGLE_16"},
			{"ocm", "17", "IEC_60309_THREE_32"},
			{"ocm", "18", "IEC_60309_THREE_64"},
			{"ocm", "21", "XLR_4"},
			{"ocm", "22", "NEMA_5_15"},
			{"ocm", "23", "DOMESTIC_E"},
			{"ocm", "24", "WIRELESS"},
			{"ocm", "25", "TYPE_2"},
			{"ocm", "26", "TYPE_3C"},
			{"ocm", "27", "NACS"},
			{"ocm", "28", "DOMESTIC_F"},
			{"ocm", "29", "DOMESTIC_I"},
			{"ocm", "30", "NACS"},
			{"ocm", "31", "TESLA_BATTERY_SWAP"},
			{"ocm", "32", "CCS_1"},
			{"ocm", "33", "CCS_2"},
			{"ocm", "34", "IEC_60309_SINGLE_16"},
			{"ocm", "35", "IEC_60309_THREE_32"},
			{"ocm", "36", "TYPE_3A"},
			{"ocm", "1036", "TYPE_2"},
			{"ocm", "1037", "DOMESTIC_J"},
			{"ocm", "1038", "GBT_AC"},
			{"ocm", "1039", "GBT_AC"},
			{"ocm", "1040", "GBT_DC"},
			{"ocm", "1041", "AS_NZS_3123"},
			{"ocm", "1042", "NEMA_TT_30"},
			{"ocm", "1043", "DOMESTIC_M"},
			{"ocm", "1044", "CHAOJI"},
			{"ocm", "0", "UNKNOWN"},
			{"ocm", "null", "UNKNOWN"},
			{"ocm", "99999", "UNKNOWN"},

			{"plugshare", "0", "OTHER"},
			{"plugshare", "1", "NEMA_5_15"},
			{"plugshare", "2", "TYPE_1"},
			{"plugshare", "3", "CHADEMO"},
			{"plugshare", "4", "TESLA_ROADSTER"},
			{"plugshare", "5", "NEMA_14_50"},
			{"plugshare", `6, "power": 0`, "NACS"},
			{"plugshare", `6, "power": 1`, "NACS"},
			{"plugshare", "7", "TYPE_2"},
			{"plugshare", "8", "TYPE_3C"},
			{"plugshare", "9", "DOMESTIC_G"},
			{"plugshare", "10", "DOMESTIC_C"},
			{"plugshare", "11", "IEC_60309_SINGLE_16"},
			{"plugshare", "12", "DOMESTIC_I"},
			{"plugshare", "13", "CCS_1"},
			{"plugshare in Europe", "13", "CCS_2"},
			{"plugshare by its name", "13", "CCS_2"},
			{"plugshare", "14", "UNKNOWN"},
			{"plugshare in Australia", "14", "AS_NZS_3123"},
			{"plugshare in Europe", "14", "IEC_60309_THREE_32"},
			{"plugshare", "15", "CARAVAN_MAINS"},
			{"plugshare", "16", "GBT_AC"},
			{"plugshare", "17", "GBT_DC"},
			{"plugshare", "20", "CCS_2"},
			{"plugshare", "25", "NEMA_TT_30"},
			{"plugshare", "42", "UNKNOWN"},
			{"plugshare", "null", "UNKNOWN"},

			{"ocpi", `"IEC_60309_2_single_16"`, "IEC_60309_SINGLE_16"},
			{"ocpi", `"IEC_60309_2_three_16"`, "IEC_60309_THREE_16"},
			{"ocpi", `"IEC_60309_2_THREE_16"`, "IEC_60309_THREE_16"},
			{"ocpi", `"IEC_60309_2_three_32"`, "IEC_60309_THREE_32"},
			{"ocpi", `"IEC_60309_2_three_64"`, "IEC_60309_THREE_64"},
			{"ocpi", `"IEC_62196_T1"`, "TYPE_1"},
			{"ocpi", `"IEC_62196_T1_COMBO"`, "CCS_1"},
			{"ocpi", `"IEC_62196_T2"`, "TYPE_2"},
			{"ocpi", `"IEC_62196_T2_COMBO"`, "CCS_2"},
			{"ocpi", `"IEC_62196_T3A"`, "TYPE_3A"},
			{"ocpi", `"IEC_62196_T3C"`, "TYPE_3C"},
			{"ocpi", `"DOMESTIC_B"`, "NEMA_5_15"},
			{"ocpi", `"TESLA_R"`, "TESLA_ROADSTER"},
			{"ocpi", `"TESLA_S"`, "NACS"},
			{"ocpi", `"SAE_J3400"`, "NACS"},
			{"ocpi", `"SOMETHING_NEW"`, "UNKNOWN"},
			{"ocpi", "null", "UNKNOWN"},

			{"ocpplab", `"CCS2"`, "CCS_2"},
			{"ocpplab", `"CCS1"`, "CCS_1"},
			{"ocpplab", `"TYPE2"`, "TYPE_2"},
			{"ocpplab", `"TYPE1"`, "TYPE_1"},
			{"ocpplab", `"J1772"`, "TYPE_1"},
			{"ocpplab", `"CHADEMO"`, "CHADEMO"},
			{"ocpplab", `"NACS"`, "NACS"},
			{"ocpplab", `"GBT_AC"`, "GBT_AC"},
			{"ocpplab", `"GBT_DC"`, "GBT_DC"},
			{"ocpplab", `"SCHUKO"`, "DOMESTIC_F"},
			{"ocpplab", `"IEC_62196_T2_COMBO"`, "CCS_2"},
			{"ocpplab", `"what is this"`, "UNKNOWN"},
			{"ocpplab", "null", "UNKNOWN"},
		},
		read: func(s wireSaid) []string {
			var types []string
			for _, c := range s.Connections {
				types = append(types, c.Type)
			}
			return types
		},
	}
	// Where OCPI has the graph's own word.
	for word := range strings.FieldsSeq(`CHADEMO CHAOJI GBT_AC GBT_DC MCS PANTOGRAPH_BOTTOM_UP PANTOGRAPH_TOP_DOWN NEMA_5_20 NEMA_6_30 NEMA_6_50 NEMA_10_30 NEMA_10_50
		NEMA_14_30 NEMA_14_50 DOMESTIC_A DOMESTIC_C DOMESTIC_D DOMESTIC_E DOMESTIC_F DOMESTIC_G DOMESTIC_H DOMESTIC_I DOMESTIC_J DOMESTIC_K DOMESTIC_L DOMESTIC_M DOMESTIC_N DOMESTIC_O`) {
		enum.values = append(enum.values, wireValue{"ocpi", `"` + word + `"`, word}, wireValue{"ocpplab", `"` + word + `"`, word})
	}
	return enum
}

func evseStatuses() wireEnum {
	return wireEnum{
		name: "EVSEStatus",
		templates: map[string]string{
			"ocpi": `"publish": true, "evses": [{"uid": "1", "status": …, "connectors": []}]`,
			// What was taken away is seen beside what was not.
			"plugshare outlet":  `"access": 1, "stations": [{"id": 1, "outlets": [{"id": 1, "connector": 2, "status": …}]}, {"id": 2, "outlets": [{"id": 2, "connector": 2, "status": …}, {"id": 3, "connector": 3}]}]`,
			"plugshare station": `"access": 1, "stations": [{"id": 1, "available": …, "outlets": [{"id": 1, "connector": 2}]}]`,
			"ocpplab":           `"chargers": [{"id": "c", "connector_type": "CCS2"}]`,
			"ocm":               `"Connections": [{"ID": 1, "ConnectionTypeID": 2, "StatusTypeID": …}]`,
		},
		values: []wireValue{
			{"ocpi", `"AVAILABLE"`, "AVAILABLE"},
			{"ocpi", `"BLOCKED"`, "BLOCKED"},
			{"ocpi", `"CHARGING"`, "CHARGING"},
			{"ocpi", `"INOPERATIVE"`, "INOPERATIVE"},
			{"ocpi", `"OUTOFORDER"`, "OUT_OF_ORDER"},
			{"ocpi", `"PLANNED"`, "PLANNED"},
			{"ocpi", `"RESERVED"`, "RESERVED"},
			{"ocpi", `"UNKNOWN"`, "UNKNOWN"},
			{"ocpi", `"Charging"`, "CHARGING"},
			{"ocpi", `"ON_FIRE"`, "UNKNOWN"},
			{"ocpi", "null", "UNKNOWN"},

			{"plugshare outlet", `"AVAILABLE"`, "AVAILABLE"},
			{"plugshare outlet", `"BLOCKED"`, "BLOCKED"},
			{"plugshare outlet", `"CHARGING"`, "CHARGING"},
			{"plugshare outlet", `"CONNECTED"`, "OCCUPIED"},
			{"plugshare outlet", `"OUTOFORDER"`, "OUT_OF_ORDER"},
			{"plugshare outlet", `"UNAVAILABLE"`, "OUT_OF_ORDER"},
			{"plugshare outlet", `"UNDER_REPAIR"`, "UNDER_REPAIR"},
			{"plugshare outlet", `"OFFLINE"`, "OFFLINE"},
			{"plugshare outlet", `"PLANNED"`, "PLANNED"},
			{"plugshare outlet", `"REMOVED"`, "REMOVED"},
			{"plugshare outlet", `"RESERVED"`, "RESERVED"},
			{"plugshare outlet", `"UNKNOWN"`, "UNKNOWN"},
			{"plugshare outlet", `"DANCING"`, "UNKNOWN"},
			{"plugshare outlet", "null", "UNKNOWN"},
			{"plugshare station", "0", "UNKNOWN"},
			{"plugshare station", "1", "AVAILABLE"},
			{"plugshare station", "2", "OCCUPIED"},
			{"plugshare station", "3", "OFFLINE"},
			{"plugshare station", "4", "UNDER_REPAIR"},
			{"plugshare station", "9", "UNKNOWN"},
			{"plugshare station", "null", "UNKNOWN"},

			{"ocpplab", "", "UNKNOWN"}, // its list tells of no state

			// Nor does Open Charge Map, not even where it says so.
			{"ocm", "10", ""},
			{"ocm", "20", ""},
			{"ocm", "50", ""},
		},
		read: func(s wireSaid) []string {
			if strings.HasPrefix(s.Title, "ocm") {
				return []string{s.Connections[0].Availability}
			}
			if strings.HasPrefix(s.Title, "ocpi") {
				return []string{s.EVSEs[0].Status}
			}
			states := []string{s.Stations[0].Status}
			if plug := s.Stations[0].Connections[0]; plug.Availability != "" { // where there is one, it is the same
				states = append(states, plug.Availability)
			}
			return states
		},
	}
}

func usageKinds() wireEnum {
	return wireEnum{
		name: "UsageKind",
		templates: map[string]string{
			"ocm":                    `"UsageTypeID": …, "Connections": []`,
			"plugshare":              `"access": …, "stations": []`,
			"plugshare restrictions": `"access": 2, "access_restrictions": …, "stations": []`,
			"ocpi":                   `"publish": true, "evses": [{"uid": "1", "status": "AVAILABLE", "parking_restrictions": …, "connectors": []}]`,
			"ocpi payment":           `"publish": true, "evses": [{"uid": "1", "status": "AVAILABLE", "capabilities": …, "connectors": []}]`,
			"ocpi publication":       `"publish": …, "evses": [{"uid": "1", "status": "AVAILABLE", "connectors": []}]`,
			"ocpi some EVSEs":        `"publish": true, "evses": [{"uid": "1", "status": "AVAILABLE", "connectors": []}, {"uid": "2", "status": "AVAILABLE", "parking_restrictions": …, "connectors": []}]`,
			"ocpplab":                `"public": …, "chargers": []`,
		},
		values: []wireValue{
			{"ocm", "1", "PUBLIC"},
			{"ocm", "2", "RESTRICTED"},
			{"ocm", "3", "PRIVATE"},
			{"ocm", "4", "PUBLIC_MEMBERSHIP_REQUIRED"},
			{"ocm", "5", "PUBLIC_PAY_AT_LOCATION"},
			{"ocm", "6", "RESTRICTED_CUSTOMERS"},
			{"ocm", "7", "PUBLIC_NOTICE_REQUIRED"},
			{"ocm", "0", "UNKNOWN"},
			{"ocm", "null", "UNKNOWN"},
			{"ocm", "99", "UNKNOWN"},
			{"plugshare", "1", "PUBLIC"},
			{"plugshare", "2", "RESTRICTED"},
			{"plugshare", "null", "UNKNOWN"},
			{"plugshare", "9", "UNKNOWN"},
			{"plugshare restrictions", `["CUSTOMERS_ONLY"]`, "RESTRICTED_CUSTOMERS"},
			{"plugshare restrictions", `["GUESTS_ONLY"]`, "RESTRICTED_CUSTOMERS"},
			{"plugshare restrictions", `["EMPLOYEES_ONLY"]`, "RESTRICTED_EMPLOYEES"},
			{"plugshare restrictions", `["RESIDENTS_ONLY"]`, "RESTRICTED_RESIDENTS"},
			{"plugshare restrictions", `["STUDENTS_ONLY"]`, "RESTRICTED_STUDENTS"},
			{"plugshare restrictions", `["STUDENTS_ONLY", "EMPLOYEES_ONLY"]`, "RESTRICTED"},
			{"plugshare restrictions", `["GUESTS_ONLY", "CUSTOMERS_ONLY"]`, "RESTRICTED_CUSTOMERS"},
			{"ocpi", "[]", "PUBLIC"},
			{"ocpi", `["EV_ONLY", "PLUGGED"]`, "PUBLIC"},
			{"ocpi", `["CUSTOMERS"]`, "RESTRICTED_CUSTOMERS"},
			{"ocpi", `["EMPLOYEES"]`, "RESTRICTED_EMPLOYEES"},
			{"ocpi", `["TENANTS"]`, "RESTRICTED_RESIDENTS"},
			{"ocpi", `["TAXIS"]`, "RESTRICTED"},
			{"ocpi", `["CUSTOMERS", "EMPLOYEES"]`, "RESTRICTED"},
			{"ocpi payment", `["CREDIT_CARD_PAYABLE"]`, "PUBLIC_PAY_AT_LOCATION"},
			{"ocpi payment", `["CONTACTLESS_CARD_SUPPORT"]`, "PUBLIC_PAY_AT_LOCATION"},
			{"ocpi payment", `["RFID_READER"]`, "PUBLIC"}, // that membership is needed it does not say
			{"ocpi publication", "null", "UNKNOWN"},
			{"ocpi some EVSEs", `["CUSTOMERS"]`, "UNKNOWN"},
			{"ocpplab", "true", "PUBLIC"},
			{"ocpplab", "null", "UNKNOWN"},
		},
		read: func(s wireSaid) []string { return []string{s.Usage} },
	}
}

// TestEveryOutcomeOfASourceComesFromTheWire gives each outcome to each source
// that can have it, by what is at its other end.
func TestEveryOutcomeOfASourceComesFromTheWire(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, `{"message": "no"}`, code)
		}
	}
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	// but answers one path in another way.
	but := func(end string, special, other http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, end) {
				special(w, r)
				return
			}
			other(w, r)
		}
	}
	const (
		box     = `{bounds: {south: 51, west: 4, north: 52, east: 5}}`
		country = `{country: "NL"}`

		inOCM     = `[{"ID": 1, "AddressInfo": {"ID": 1, "Title": "A", "Latitude": 51.5, "Longitude": 4.5}}]`
		elseOCM   = `[{"ID": 1, "AddressInfo": {"ID": 1, "Title": "A", "Latitude": -33.5, "Longitude": 151.5}}]`
		inPlug    = `[{"id": 1, "name": "A", "access": 1, "latitude": 51.5, "longitude": 4.5, "stations": []}]`
		elsePlug  = `[{"id": 1, "name": "A", "access": 1, "latitude": -33.5, "longitude": 151.5, "stations": []}]`
		spoilPlug = `[{"id": 1, "name": "A", "access": 1, "latitude": 51.5, "longitude": 4.5, "stations": []}, "what is this"]`
		inOCPI    = `[{"id": "1", "address": "A", "coordinates": {"latitude": "51.5", "longitude": "4.5"}, "evses": [{"uid": "1", "status": "AVAILABLE"}]}]`
		oneCPO    = `{"data": [{"cpo_id": "1"}], "total": 1, "page": 1, "limit": 100}`
		inLab     = `{"data": [{"id": "l", "name": "A", "coordinates": {"latitude": 51.5, "longitude": 4.5}, "chargers": []}], "total": 1, "page": 1, "limit": 100}`
		lacksLab  = `{"data": [], "total": 7, "page": 1, "limit": 100}`
	)
	tests := []struct {
		name    string
		source  string
		far     http.HandlerFunc
		area    string
		policy  string
		outcome string
		code    string
	}{
		{"sites", "ocm", but("/referencedata", text(ocmTable), text(inOCM)), box, "", "OK", ""},
		{"no sites", "ocm", but("/referencedata", text(ocmTable), text("[]")), box, "", "OK", ""},
		{"sites without their table", "ocm", but("/referencedata", status(500), text(inOCM)), box, "", "PARTIAL", "UPSTREAM_ERROR"},
		{"other sites", "ocm", but("/referencedata", text(ocmTable), text(elseOCM)), box, "", "SUSPECT", "SUSPECT_ANSWER"},
		{"a hang", "ocm", hang, box, `timeout: "PT0.1S"`, "TIMED_OUT", "TIMEOUT"},
		{"429", "ocm", status(429), box, "", "RATE_LIMITED", "RATE_LIMITED"},
		{"401", "ocm", status(401), box, "", "UNAUTHORIZED", "UNAUTHORIZED"},
		{"500", "ocm", status(500), box, "", "FAILED", "UPSTREAM_ERROR"},
		{"no JSON", "ocm", text("<html>"), box, "", "FAILED", "BAD_RESPONSE"},
		{"not asked", "ocm", status(500), box, `exclude: [OCM]`, "SKIPPED", ""},

		{"sites", "plugshare", but("/networks", status(404), text(inPlug)), box, "", "OK", ""},
		{"no sites", "plugshare", but("/networks", status(404), text("[]")), box, "", "OK", ""},
		{"a site that is none", "plugshare", but("/networks", status(404), text(spoilPlug)), box, "", "PARTIAL", "BAD_RESPONSE"},
		{"other sites", "plugshare", but("/networks", status(404), text(elsePlug)), box, "", "SUSPECT", "SUSPECT_ANSWER"},
		{"a country", "plugshare", but("/networks", status(404), text(inPlug)), country, "", "UNSUPPORTED", "UNSUPPORTED"},
		{"a hang", "plugshare", hang, box, `timeout: "PT0.1S"`, "TIMED_OUT", "TIMEOUT"},
		{"429", "plugshare", status(429), box, "", "RATE_LIMITED", "RATE_LIMITED"},
		{"401", "plugshare", status(401), box, "", "UNAUTHORIZED", "UNAUTHORIZED"},
		{"503", "plugshare", status(503), box, "", "FAILED", "UPSTREAM_ERROR"},
		{"no JSON", "plugshare", text("<html>"), box, "", "FAILED", "BAD_RESPONSE"},
		{"not asked", "plugshare", status(500), box, `include: [OCM]`, "SKIPPED", ""},

		{"sites", "ocpi", text(inOCPI), box, "", "OK", ""},
		{"a country", "ocpi", text(inOCPI), country, "", "OK", ""},
		{"a hang", "ocpi", hang, box, "", "TIMED_OUT", "TIMEOUT"}, // it is still being read
		{"429", "ocpi", status(429), box, "", "RATE_LIMITED", "RATE_LIMITED"},
		{"401", "ocpi", status(401), box, "", "UNAUTHORIZED", "UNAUTHORIZED"},
		{"403", "ocpi", status(403), box, "", "UNAUTHORIZED", "FORBIDDEN"},
		{"404", "ocpi", status(404), box, "", "FAILED", "NOT_FOUND"},
		{"no JSON", "ocpi", text("<html>"), box, "", "FAILED", "BAD_RESPONSE"},
		{"another version", "ocpi", text(`{"data": [{"version": "1.0", "url": "/1.0"}], "status_code": 1000}`), box, "", "UNSUPPORTED", "UNSUPPORTED"},
		{"not asked", "ocpi", text(inOCPI), box, `excludeIds: ["source:ocpi:feed"]`, "SKIPPED", ""},

		{"sites", "ocpplab", but("/locations", text(inLab), text(oneCPO)), box, "", "OK", ""},
		{"fewer than it says", "ocpplab", but("/locations", text(lacksLab), text(oneCPO)), box, "", "SUSPECT", "SUSPECT_ANSWER"},
		{"a hang", "ocpplab", hang, box, "", "TIMED_OUT", "TIMEOUT"},
		{"429", "ocpplab", status(429), box, "", "RATE_LIMITED", "RATE_LIMITED"},
		{"401", "ocpplab", status(401), box, "", "UNAUTHORIZED", "UNAUTHORIZED"},
		{"500", "ocpplab", status(500), box, "", "FAILED", "UPSTREAM_ERROR"},
		{"not asked", "ocpplab", status(500), box, `include: [OCM]`, "SKIPPED", ""},
	}
	ask := func(t *testing.T, s *service, area, policy string) (outcome, code string) {
		t.Helper()
		var answer struct {
			Pois struct {
				Sources []struct {
					Outcome string
					Error   *struct{ Code string }
				}
			}
		}
		s.mustAsk(t, `{ pois(area: `+area+`, sources: {`+policy+`}) { sources { outcome error { code } } } }`, nil, &answer)
		got := answer.Pois.Sources[0]
		if got.Error != nil {
			code = got.Error.Code
		}
		return got.Outcome, code
	}
	given := make(map[string]int)
	for _, test := range tests {
		given[test.outcome]++
		t.Run(test.source+": "+test.name, func(t *testing.T) {
			t.Parallel()
			var source providers.Provider
			switch url := served(t, test.far); test.source {
			case "ocm":
				source = liveOCM(t, url)
			case "plugshare":
				source = plugShareAt(t, url, plugshare.Config{Key: "key", Secret: "secret"})
			case "ocpi":
				source = unread(t, newFeed(t, ocpi.Config{Name: "feed", URL: url}), test.outcome != "TIMED_OUT")
			case "ocpplab":
				source = unread(t, newGateway(t, url), test.outcome != "TIMED_OUT")
			}
			s := newService(t, loaders.Config{Clock: fixedNow}, source)
			if outcome, code := ask(t, s, test.area, "allowStale: true, "+test.policy); outcome != test.outcome || code != test.code {
				t.Errorf("outcome %s, code %q, want %s, %q", outcome, code, test.outcome, test.code)
			}
		})
	}
	// What takes more than one question.
	boxAt := func(i int) string {
		return fmt.Sprintf(`{bounds: {south: %d, west: 4, north: %d.1, east: 4.1}}`, i, i)
	}
	given["STALE"]++
	t.Run("ocm: 500 where it has answered before", func(t *testing.T) {
		t.Parallel()
		var away atomic.Bool
		s := newService(t, loaders.Config{}, liveOCM(t, served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if away.Load() {
				status(500)(w, r)
				return
			}
			but("/referencedata", text(ocmTable), text(inOCM))(w, r)
		}))))
		if outcome, _ := ask(t, s, box, "allowStale: true"); outcome != "OK" {
			t.Fatalf("outcome %s, want OK to begin with", outcome)
		}
		away.Store(true)
		if outcome, code := ask(t, s, box, `maxAge: "PT0S"`); outcome != "STALE" || code != "UPSTREAM_ERROR" {
			t.Errorf("outcome %s, code %q, want STALE, UPSTREAM_ERROR", outcome, code)
		}
		if outcome, code := ask(t, s, box, `maxAge: "PT0S", allowStale: false`); outcome != "FAILED" || code != "UPSTREAM_ERROR" {
			t.Errorf("without what is stale: outcome %s, code %q, want FAILED, UPSTREAM_ERROR", outcome, code)
		}
	})
	given["CIRCUIT_OPEN"]++
	t.Run("ocm: 500 again and again", func(t *testing.T) {
		t.Parallel()
		s := newService(t, loaders.Config{}, liveOCM(t, served(t, status(500))))
		for i := range 20 { // ten calls are enough for the breaker, and some questions make two
			switch outcome, code := ask(t, s, boxAt(i), "allowStale: true"); {
			case outcome == "CIRCUIT_OPEN" && code == "CIRCUIT_OPEN":
				return
			case outcome != "FAILED":
				t.Fatalf("outcome %s, code %q, want FAILED until it is left alone", outcome, code)
			}
		}
		t.Error("it is asked again and again")
	})
	given["BUDGET_EXHAUSTED"]++
	t.Run("ocm: more questions than calls", func(t *testing.T) {
		t.Parallel()
		budget, err := cache.NewBudget(cache.BudgetConfig{Limit: 2, Window: time.Hour, Name: "ocm"}) // the table, and one area
		if err != nil {
			t.Fatal(err)
		}
		source, err := ocm.New(ocm.Config{
			ID: "ocm", URL: served(t, but("/referencedata", text(ocmTable), text("[]"))) + "/v3", Key: "5a4db0c5-0000-4000-8000-000000000001", Budget: budget,
		})
		if err != nil {
			t.Fatal(err)
		}
		s := newService(t, loaders.Config{}, source)
		if outcome, code := ask(t, s, boxAt(1), "allowStale: true"); outcome != "OK" {
			t.Fatalf("outcome %s, code %q, want OK to begin with", outcome, code)
		}
		if outcome, code := ask(t, s, boxAt(2), "allowStale: true"); outcome != "BUDGET_EXHAUSTED" || code != "BUDGET_EXHAUSTED" {
			t.Errorf("outcome %s, code %q, want BUDGET_EXHAUSTED", outcome, code)
		}
	})
	s := newService(t, loaders.Config{}, newWorld(t, 1).live(t))
	checkAllGiven(t, s, "SourceOutcome", given, nil)
}

// TestASiteIsFoundByEveryNameItHas: by the id of its EVSE, however that is
// written, by the names that its source gives it, and by what hangs on it.
func TestASiteIsFoundByEveryNameItHas(t *testing.T) {
	t.Parallel()
	const brief = `"id": 99, "name": "Shopping centre", "access": 1, "latitude": 38.25, "longitude": -85.75, "stations": [
		{"id": 1, "network_id": 8, "outlets": [{"id": 11, "connector": 6, "power": 1}, {"id": 12, "connector": 6, "power": 1}]},
		{"id": 2, "network_id": 47, "outlets": [{"id": 21, "connector": 13}]},
		{"id": 3, "outlets": [{"id": 31, "connector": 2}, {"id": 32, "connector": 2}]}]`
	plug := plugShareAt(t, served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/locations/99"):
			_, _ = io.WriteString(w, `{`+brief+`, "reviews": [
				{"id": 5, "rating": 1, "comment": "Works", "created_at": "2026-01-02T03:04:05Z"},
				{"id": 6, "rating": 1, "comment": "Works too", "station_id": 2, "created_at": "2026-01-02T03:04:05Z"}],
				"photos": [{"id": 7, "url": "https://photos.example/7.jpg"}]}`)
		case strings.HasSuffix(r.URL.Path, "/locations/region"), strings.HasSuffix(r.URL.Path, "/locations/nearby"):
			_, _ = io.WriteString(w, `[{`+brief+`}]`)
		default:
			http.NotFound(w, r)
		}
	})), plugshare.Config{Key: "key", Secret: "secret"})
	feed := handMade(t, map[string][]string{"ocpi": {
		`{"country_code": "NL", "party_id": "ABC", "id": "loc1", "publish": true, "name": "Garage", "coordinates": {"latitude": "52.1", "longitude": "4.3"},
		  "evses": [{"uid": "1", "evse_id": "NL*ABC*E1234*5", "status": "AVAILABLE", "connectors": []}, {"uid": "2", "evse_id": "NLABCE12346", "status": "AVAILABLE", "connectors": []}]}`,
		`{"country_code": "NL", "party_id": "ABC", "id": "loc2", "publish": true, "name": "Street", "coordinates": {"latitude": "52.2", "longitude": "4.4"},
		  "evses": [{"uid": "1", "evse_id": "NL-ABC-E9-REMOVED", "status": "REMOVED", "connectors": []}, {"uid": "3", "evse_id": "NL*ABC*E12347", "status": "AVAILABLE", "connectors": []}]}`,
	}})
	s := newService(t, loaders.Config{Clock: fixedNow}, append(feed, plug)...)
	for by, want := range map[string]string{
		`evseId: "NL*ABC*E1234*5"`: "poi:ocpi:feed:NL*ABC*LOC1", `evseId: "NLABCE12345"`: "poi:ocpi:feed:NL*ABC*LOC1", `evseId: "nl-abc-e1234-5"`: "poi:ocpi:feed:NL*ABC*LOC1",
		`evseId: " NL ABC E12345 "`: "poi:ocpi:feed:NL*ABC*LOC1", `evseId: "NL*ABC*E12346"`: "poi:ocpi:feed:NL*ABC*LOC1", `evseId: "NL*ABC*E12347"`: "poi:ocpi:feed:NL*ABC*LOC2",
		`evseId: "NL*ABC*E1234"`: "", `evseId: "NL*ABC*E9*REMOVED"`: "", `evseId: "*"`: "", `evseId: ""`: "",
		`id: "poi:ocpi:feed:NL*ABC*LOC1"`:                     "poi:ocpi:feed:NL*ABC*LOC1",
		`source: {provider: OCPI, externalId: "NL*ABC*LOC2"}`: "poi:ocpi:feed:NL*ABC*LOC2",
		`id: "poi:plugshare:99"`:                              "poi:plugshare:99~0", // of two groups with most outlets the lower number
		`id: "poi:plugshare:99~0"`:                            "poi:plugshare:99~0",
		`id: "poi:plugshare:99~8"`:                            "poi:plugshare:99~8",
		`id: "poi:plugshare:99~47"`:                           "poi:plugshare:99~47",
		`id: "poi:plugshare:99~1"`:                            "",
		`id: "poi:plugshare:100"`:                             "",
		`source: {provider: PLUGSHARE, externalId: "99"}`:     "poi:plugshare:99~0",
		`source: {provider: PLUGSHARE, externalId: "99~8"}`:   "poi:plugshare:99~8",
	} {
		var answer struct{ POI *struct{ ID string } }
		s.mustAsk(t, `{ poi(by: {`+by+`}) { id } }`, nil, &answer)
		got := ""
		if answer.POI != nil {
			got = answer.POI.ID
		}
		if got != want {
			t.Errorf("poi(by: {%s}) is %q, want %q", by, got, want)
		}
	}
	type hanging struct {
		ID  string
		POI *struct{ ID string }
	}
	for id, want := range map[string]*hanging{
		"comment:plugshare:99:5":    {"comment:plugshare:99~0:5", &struct{ ID string }{"poi:plugshare:99~0"}},
		"comment:plugshare:99~0:5":  {"comment:plugshare:99~0:5", &struct{ ID string }{"poi:plugshare:99~0"}},
		"comment:plugshare:99~47:6": {"comment:plugshare:99~47:6", &struct{ ID string }{"poi:plugshare:99~47"}},
		"photo:plugshare:99:7":      {"photo:plugshare:99~0:7", &struct{ ID string }{"poi:plugshare:99~0"}},
		"photo:plugshare:99~0:7":    {"photo:plugshare:99~0:7", &struct{ ID string }{"poi:plugshare:99~0"}},
		"comment:plugshare:99:77":   nil,
		"photo:plugshare:99~8:7":    nil,
	} {
		var answer struct {
			Node  *hanging
			Nodes []*hanging
		}
		s.mustAsk(t, `query($id: ID!) {
			node(id: $id) { id ... on Comment { poi { id } } ... on Photo { poi { id } } }
			nodes(ids: [$id]) { id ... on Comment { poi { id } } ... on Photo { poi { id } } }
		}`, vars{"id": id}, &answer)
		if diff := gocmp.Diff(want, answer.Node); diff != "" {
			t.Errorf("node(id: %q) mismatch (-want +got):\n%s", id, diff)
		}
		if diff := gocmp.Diff([]*hanging{want}, answer.Nodes); diff != "" {
			t.Errorf("nodes(ids: [%q]) mismatch (-want +got):\n%s", id, diff)
		}
	}
}

// TestOneCompanyIsOneOperator: by whichever provider's id it is named, and never
// by what it is called.
func TestOneCompanyIsOneOperator(t *testing.T) {
	t.Parallel()
	const evse = `"evses": [{"uid": "1", "status": "AVAILABLE", "connectors": []}]`
	s := newService(t, loaders.Config{Clock: fixedNow}, handMade(t, map[string][]string{
		"ocm":       {`{"ID": 1, "OperatorID": 23, "AddressInfo": {"ID": 1, "Title": "By Open Charge Map", "Latitude": 50, "Longitude": 5}}`},
		"plugshare": {`{"id": 1, "name": "By PlugShare", "access": 1, "latitude": 50.1, "longitude": 5, "stations": [{"id": 1, "network_id": 8, "outlets": []}]}`},
		"ocpi": {
			`{"country_code": "NL", "party_id": "TSL", "id": "1", "publish": true, "name": "By OCPI", "country": "NLD", "operator": {"name": "Tesla"}, "coordinates": {"latitude": "50.2", "longitude": "5"}, ` + evse + `}`,
			`{"country_code": "NL", "party_id": "TSX", "id": "1", "publish": true, "name": "Another", "country": "NLD", "operator": {"name": "Tesla Supercharger"}, "coordinates": {"latitude": "50.3", "longitude": "5"}, ` + evse + `}`,
		},
	})...)
	type company struct {
		ID      string
		Title   string
		Aliases []string
		Records []struct{ Provider, ExternalID string }
	}
	const tesla, another = "operator:ocm:23", "operator:ocpi:NL*TSX"

	var areas struct {
		All, Theirs struct {
			Nodes []struct {
				Title    string
				Operator company
			}
		}
	}
	s.mustAsk(t, `{
		all: pois(area: {bounds: {south: 49, west: 4, north: 51, east: 6}}, orderBy: {by: TITLE}) { nodes { title operator { id } } }
		theirs: pois(area: {bounds: {south: 49, west: 4, north: 51, east: 6}}, orderBy: {by: TITLE}, filter: {operatorIds: ["operator:plugshare:8"]}) { nodes { title operator { id } } }
	}`, nil, &areas)
	var run, theirs []string
	for _, p := range areas.All.Nodes {
		run = append(run, p.Title+" "+p.Operator.ID)
	}
	for _, p := range areas.Theirs.Nodes {
		theirs = append(theirs, p.Title+" "+p.Operator.ID)
	}
	want := []string{"By OCPI " + tesla, "By Open Charge Map " + tesla, "By PlugShare " + tesla}
	if diff := gocmp.Diff(append([]string{"Another " + another}, want...), run); diff != "" {
		t.Errorf("who runs what mismatch (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(want, theirs); diff != "" {
		t.Errorf("the company's sites mismatch (-want +got):\n%s", diff)
	}

	for _, id := range []string{tesla, "operator:ocm:3534", "operator:plugshare:8", "operator:plugshare:35", "operator:ocpi:NL*TSL"} {
		var answer struct{ Operator *company }
		s.mustAsk(t, `query($id: ID!) { operator(id: $id) { id title aliases records { provider externalId } } }`, vars{"id": id}, &answer)
		o := answer.Operator
		if o == nil || o.ID != tesla || !slices.Contains(o.Aliases, "Supercharger") {
			t.Errorf("%s is %+v, want %s", id, o, tesla)
			continue
		}
		known := make(map[string]int)
		for _, r := range o.Records {
			known[r.Provider+" "+r.ExternalID]++
		}
		if diff := gocmp.Diff(map[string]int{"OCM 23": 1, "OCM 3534": 1, "PLUGSHARE 8": 1, "PLUGSHARE 35": 1, "OCPI NL*TSL": 1}, known); diff != "" {
			t.Errorf("the records of %s mismatch (-want +got):\n%s", id, diff)
		}
	}
	for arguments, want := range map[string][]string{
		`search: "tesla"`:                      {tesla, another},
		`search: "SUPERCHARGER tesla"`:         {tesla, another},
		`search: "tesla", provider: PLUGSHARE`: {tesla},
		`search: "tesla", provider: OCPI`:      {tesla, another},
		`search: "tesla", country: "NL"`:       {tesla, another},
		`search: "tesla", country: "US"`:       nil,
		`search: "teslas"`:                     nil,
	} {
		var answer struct{ Operators struct{ Nodes []company } }
		s.mustAsk(t, `{ operators(`+arguments+`) { nodes { id } } }`, nil, &answer)
		var got []string
		for _, o := range answer.Operators.Nodes {
			got = append(got, o.ID)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("operators(%s) mismatch (-want +got):\n%s", arguments, diff)
		}
	}
}

// ocmTable is the least that counts as Open Charge Map's reference data.
const ocmTable = `{"ConnectionTypes": [{"ID": 1, "Title": "Type 1 (J1772)"}], "Countries": [{"ID": 1, "ISOCode": "GB", "Title": "United Kingdom"}],
	"Operators": [{"ID": 23, "Title": "Tesla (Tesla-only charging)"}]}`

// handMade returns sources that give the sites written here, as JSON of their
// own, by the sources' names.
func handMade(t *testing.T, sites map[string][]string) []providers.Provider {
	t.Helper()
	var sources []providers.Provider
	for name, list := range sites {
		array := "[" + strings.Join(list, ",\n") + "]"
		far := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			body := array
			switch path := r.URL.Path; {
			case strings.HasSuffix(path, "/referencedata"):
				body = ocmTable
			case strings.HasSuffix(path, "/networks"):
				http.NotFound(w, r)
				return
			case strings.HasSuffix(path, "/cpos"):
				body = `{"data": [{"cpo_id": "1"}], "total": 1, "page": 1, "limit": 100}`
			case strings.HasSuffix(path, "/cpos/1/locations"):
				body = fmt.Sprintf(`{"data": %s, "total": %d, "page": 1, "limit": 100}`, array, len(list))
			}
			_, _ = io.WriteString(w, body)
		}
		url := served(t, http.HandlerFunc(far))
		switch name {
		case "ocm":
			sources = append(sources, liveOCM(t, url))
		case "plugshare":
			sources = append(sources, plugShareAt(t, url, plugshare.Config{Key: "key", Secret: "secret"}))
		case "ocpi":
			sources = append(sources, pulled(t, ocpi.Config{Name: "feed", URL: url}))
		case "ocpplab":
			sources = append(sources, unread(t, newGateway(t, url), true))
		default:
			t.Fatalf("no source is called %s", name)
		}
	}
	return sources
}

func liveOCM(t *testing.T, url string) providers.Provider {
	t.Helper()
	source, err := ocm.New(ocm.Config{ID: "ocm", URL: url + "/v3", Key: "5a4db0c5-0000-4000-8000-000000000001", Clock: fixedNow})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func newFeed(t *testing.T, cfg ocpi.Config) *ocpi.Feed {
	t.Helper()
	cfg.Clock = fixedNow
	feed, err := ocpi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

func newGateway(t *testing.T, url string) *ocpplab.Feed {
	t.Helper()
	gateway, err := ocpplab.New(ocpplab.Config{URL: url, Token: "token", Clock: fixedNow})
	if err != nil {
		t.Fatal(err)
	}
	return gateway
}

// unread returns a source that is being read, after the first attempt has ended
// where wait is set, however it did.
func unread(t *testing.T, puller store.Puller, wait bool) providers.Provider {
	t.Helper()
	syncer := keepPulling(t, puller)
	if wait {
		_ = syncer.WaitFirst(t.Context()) // the source's outcome tells
	}
	return syncer.Source()
}

package plugshare

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chargegraph/providers"
	"chargegraph/providers/internal/wire"
)

// crosswalkRows reads a table of shared/data/crosswalk.
func crosswalkRows(t *testing.T, table string) []map[string]any {
	t.Helper()
	raw, err := os.ReadFile(sharedFile(t, "crosswalk", table+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Rows []map[string]any }
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Rows) == 0 {
		t.Fatalf("%s has no rows", table)
	}
	return doc.Rows
}

// cells returns what stands in a cell: texts and numbers of a list, parted by |, or nothing.
func cells(t *testing.T, cell any) []string {
	t.Helper()
	switch v := cell.(type) {
	case nil:
		return nil
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case string:
		if v == "" {
			return nil
		}
		return strings.Split(v, "|")
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, cells(t, e)...)
		}
		return list
	}
	t.Fatalf("cell %v is neither text nor number", cell)
	return nil
}

// walk checks that every id of a table means one of the values that its rows
// offer, and returns how many ids it found.
func walk(t *testing.T, table, column string, renamed map[string]string, meaning func(id string) string) int {
	t.Helper()
	offered := make(map[string][]string)
	for _, row := range crosswalkRows(t, table) {
		unified := cells(t, row["unified"])[0]
		if name, ok := renamed[unified]; ok {
			unified = name
		}
		for _, id := range cells(t, row[column]) {
			offered[id] = append(offered[id], unified)
		}
	}
	for id, values := range offered {
		if got := meaning(id); !slices.Contains(values, got) {
			t.Errorf("%s: %s is %s, want one of %v", table, id, got, values)
		}
	}
	return len(offered)
}

func number1(t *testing.T, id string) int {
	t.Helper()
	n, err := strconv.Atoi(id)
	if err != nil {
		t.Fatalf("%q is no id", id)
	}
	return n
}

func TestEveryRowOfTheCrosswalkIsCode(t *testing.T) {
	t.Parallel()
	t.Run("connectors", func(t *testing.T) {
		t.Parallel()
		n := walk(t, "connectors", "plugshare", map[string]string{"UNKNOWN": "OTHER"}, func(id string) string {
			connector, _, _ := strings.Cut(id, ":")
			locale := "EU"
			if connector == "13" { // the note says which locale means which
				locale = "US"
			}
			return string(connectorType(number1(t, connector), "", market{locale: locale}))
		})
		if n < 20 {
			t.Errorf("only %d connectors", n)
		}
		walk(t, "connectors", "plugshare", map[string]string{"UNKNOWN": "OTHER"}, func(id string) string {
			connector, _, _ := strings.Cut(id, ":")
			if connector == "14" {
				return string(connectorType(14, "", market{locale: "AU"}))
			}
			return string(connectorType(number1(t, connector), "", market{locale: "US"}))
		})
	})
	t.Run("current type", func(t *testing.T) {
		t.Parallel()
		for _, row := range crosswalkRows(t, "current_type") {
			list, ok := strings.CutPrefix(fmt.Sprint(row["plugshare"]), "from connector: ")
			if !ok {
				continue
			}
			list = strings.ReplaceAll(list, "; ", ",")
			for id := range strings.SplitSeq(list, ",") {
				plug, strong := strings.CutSuffix(strings.TrimSpace(id), " when kilowatts > 7.4")
				connector, power, _ := strings.Cut(plug, ":")
				p := 0
				if power != "" {
					p = number1(t, power)
				}
				var kw *float64
				if strong {
					kw = new(7.5)
				}
				if got := string(currentKind(number1(t, connector), p, kw)); got != row["unified"] {
					t.Errorf("connector %s is %s, want %s", id, got, row["unified"])
				}
			}
		}
	})
	t.Run("power level", func(t *testing.T) {
		t.Parallel()
		for level, powers := range map[int][]float64{1: {0.5, 1.99}, 2: {2, 7.2, 40}, 3: {40.1, 350}} {
			for _, kw := range powers {
				if got := chargingLevel(7, providers.CurrentAC, &kw); got == nil || *got != level {
					t.Errorf("%v kW is level %v, want %d", kw, got, level)
				}
			}
		}
		for level, plugs := range map[int][][2]int{1: {{1, 0}}, 2: {{2, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}}, 3: {{3, 0}, {6, 1}, {13, 0}, {17, 0}, {20, 0}}} {
			for _, plug := range plugs {
				if got := chargingLevel(plug[0], currentKind(plug[0], plug[1], nil), nil); got == nil || *got != level {
					t.Errorf("connector %v is level %v, want %d", plug, got, level)
				}
			}
		}
		for _, connector := range []int{-1, 0, 9, 10, 12, 42} {
			if got := chargingLevel(connector, currentKind(connector, 0, nil), nil); got != nil {
				t.Errorf("connector %d is level %d, and nobody knows", connector, *got)
			}
		}
	})
	t.Run("live availability of stations", func(t *testing.T) {
		t.Parallel()
		walk(t, "live_availability", "plugshare_station_available", nil, func(id string) string {
			return string(stationStatus(wire.Number{Value: float64(number1(t, id)), Set: true}))
		})
	})
	t.Run("live availability of outlets", func(t *testing.T) {
		t.Parallel()
		walk(t, "live_availability", "plugshare_outlet_status", nil, func(word string) string {
			status, _ := outletStatus(word)
			return string(status)
		})
	})
	t.Run("access", func(t *testing.T) {
		t.Parallel()
		for _, row := range crosswalkRows(t, "access") {
			want := cells(t, row["unified"])[0]
			if want == "PRIVATE_RESIDENTIAL" {
				want = "PRIVATE"
			}
			for _, access := range cells(t, row["plugshare_access"]) {
				words := cells(t, row["plugshare_access_restrictions"])
				if len(words) == 0 {
					got := string(usageKind(number1(t, access), nil))
					// Access 1 does not say what of the membership, the payment and the notice is meant.
					if got != want && (got != "PUBLIC" || !strings.HasPrefix(want, "PUBLIC_")) {
						t.Errorf("access %s is %s, want %s", access, got, want)
					}
				}
				for _, word := range words {
					if got := string(usageKind(number1(t, access), texts{word})); got != want {
						t.Errorf("access %s, %s is %s, want %s", access, word, got, want)
					}
				}
			}
		}
	})
	t.Run("cost", func(t *testing.T) {
		t.Parallel()
		walk(t, "cost", "plugshare_station_cost", nil, func(id string) string {
			return string(stationCost(wire.Number{Value: float64(number1(t, id)), Set: true}))
		})
	})
	t.Run("check-ins", func(t *testing.T) {
		t.Parallel()
		renamed := map[string]string{
			"COMMENT": "NOT_VISITED", "FAILED_BROKEN": "FAILED_NOT_OPERATIONAL", "FAILED_PROBLEM": "FAILED_EQUIPMENT",
			"BUSY": "IN_USE_EV", "BLOCKED": "IN_USE_NON_EV", "CONFIRMED": "CONFIRMED_CORRECT",
		}
		offered := make(map[string][]string)
		byOCM := make(map[string]string)
		for _, row := range crosswalkRows(t, "checkin_status") {
			unified := cells(t, row["unified"])[0]
			if name, ok := renamed[unified]; ok {
				unified = name
			}
			byOCM[cells(t, row["ocm_checkin_status_type_id"])[0]] = unified
			for _, rating := range cells(t, row["plugshare_rating"]) {
				key := rating + " " + strings.Join(cells(t, row["plugshare_problem"]), "")
				offered[key] = append(offered[key], unified)
			}
		}
		for key, values := range offered {
			rating, problem, _ := strings.Cut(key, " ")
			p := 0
			if problem != "" {
				p = number1(t, problem)
			}
			got, ok := outcome(number1(t, rating), p)
			if !ok || !slices.Contains(values, string(got)) {
				t.Errorf("rating %s, problem %s is %s, want one of %v", rating, problem, got, values)
			}
		}
		// "Way back from PlugShare", in ids of Open Charge Map.
		for _, c := range []struct {
			rating, problem int
			ocm             string
		}{{1, 0, "10"}, {0, 0, "0"}, {-1, 1, "25"}, {-1, 2, "100"}, {-1, 3, "110"}, {-1, 4, "40"}, {-1, 5, "160"}, {-1, 0, "200"}, {-1, 9, "200"}, {0, 1, "0"}} {
			if got, ok := outcome(c.rating, c.problem); !ok || string(got) != byOCM[c.ocm] {
				t.Errorf("rating %d, problem %d is %s, want %s", c.rating, c.problem, got, byOCM[c.ocm])
			}
		}
		if _, ok := outcome(4, 0); ok {
			t.Error("a rating of four stars is an outcome")
		}
	})
	t.Run("comment types", func(t *testing.T) {
		t.Parallel()
		for _, row := range crosswalkRows(t, "comment_types") {
			switch row["plugshare"] {
			case "review with rating 0 or 1":
				for _, rating := range []int{0, 1} {
					if got := string(commentKind(rating, 1)); got != row["unified"] {
						t.Errorf("rating %d is %s", rating, got)
					}
				}
			case "review with rating -1 and problem 1 or 4":
				for problem := range 6 {
					want := problem == 1 || problem == 4
					if got := string(commentKind(-1, problem)) == row["unified"]; got != want {
						t.Errorf("problem %d is a fault report: %t", problem, got)
					}
				}
			}
		}
	})
	t.Run("amenities", func(t *testing.T) {
		t.Parallel()
		walk(t, "amenities", "plugshare_amenity", nil, func(id string) string {
			a, _ := amenity(number1(t, id))
			return string(a)
		})
		if _, known := amenity(10); known {
			t.Error("amenity 10 is known")
		}
		r := recordsOf(t, site(1, `"poi_name":"Gas Station"`))[0]
		if !slices.Equal(r.Amenities, []providers.Amenity{providers.AmenityFuelStation}) {
			t.Errorf("a gas station has %v", r.Amenities)
		}
	})
	t.Run("parking", func(t *testing.T) {
		t.Parallel()
		walk(t, "parking", "plugshare_parking_attribute", nil, func(word string) string {
			p, _ := parking(word)
			return string(p)
		})
	})
	t.Run("networks", func(t *testing.T) {
		t.Parallel()
		titles := newNetworkIndex(builtinReference())
		for _, row := range crosswalkRows(t, "networks") {
			id := number1(t, cells(t, row["plugshare_id"])[0])
			r := recordsOf(t, site(1, fmt.Sprintf(`"stations":[{"network_id":%d}]`, id)))[0]
			switch row["match"] {
			case "sentinel":
				if r.Operator != nil || r.ExternalID != "1~0" {
					t.Errorf("network %d is %v of %s, want none", id, r.Operator, r.ExternalID)
				}
			case "provenance":
				if r.Operator != nil || r.Directory != row["plugshare_name"] {
					t.Errorf("network %d is %q, run by %v", id, r.Directory, r.Operator)
				}
				if titles.operators[id] != nil {
					t.Errorf("the directory %d is listed as an operator", id)
				}
			default:
				o := r.Operator
				if o == nil || o.Records[0].Title != row["plugshare_name"] || r.Directory != "" {
					t.Errorf("network %d is %+v, want %v", id, o, row["plugshare_name"])
					continue
				}
				for _, ocm := range cells(t, row["ocm_operator_id"]) {
					if !o.Is(providers.OperatorID(providers.OCM, ocm)) {
						t.Errorf("network %d is not operator %s of Open Charge Map: %+v", id, ocm, o)
					}
				}
			}
		}
	})
	t.Run("operational status", func(t *testing.T) {
		t.Parallel()
		// What stands in words in the table stands in TestTheStateOfALocation; here its names are checked.
		for _, row := range crosswalkRows(t, "operational_status") {
			if row["plugshare"] == "" || row["plugshare"] == nil {
				continue
			}
			members := map[string]string{
				"OPERATIONAL": `"under_repair":false`, "PLANNED": `"coming_soon":true`, "REMOVED": `"enabled":false`,
				"TEMPORARILY_UNAVAILABLE": `"under_repair":true`, "UNKNOWN": ``,
				"PARTLY_OPERATIONAL": stations(`"status":"OUTOFORDER"`, `"status":"AVAILABLE"`), "NOT_OPERATIONAL": stations(`"status":"OUTOFORDER"`),
			}[cells(t, row["unified"])[0]]
			if got := string(recordsOf(t, site(1, members))[0].Status); got != row["unified"] {
				t.Errorf("%s is %s, want %s", members, got, row["unified"])
			}
		}
	})
}

func TestPlugsThatMarketsTellApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id   int
		name string
		m    market
		want providers.ConnectorType
	}{
		{13, "", market{}, providers.ConnectorCCS1},
		{13, "", market{locale: "US"}, providers.ConnectorCCS1},
		{13, "", market{locale: "WW"}, providers.ConnectorCCS1},
		{13, "", market{locale: "EU"}, providers.ConnectorCCS2},
		{13, "", market{locale: "uk"}, providers.ConnectorCCS2},
		{13, "", market{locale: "AU"}, providers.ConnectorCCS2},
		{13, "", market{locale: "EU", shown: texts{"CCS1"}}, providers.ConnectorCCS1},
		{13, "", market{locale: "US", shown: texts{"Type 2", "CCS2"}}, providers.ConnectorCCS2},
		{13, "", market{locale: "EU", shown: texts{"CCS1", "CCS2"}}, providers.ConnectorCCS2},
		{13, "", market{shown: texts{"CCS1", "CCS2"}}, providers.ConnectorCCS1},
		{13, "IEC_62196_T1_COMBO", market{locale: "EU", shown: texts{"CCS2"}}, providers.ConnectorCCS1},
		{13, "iec_62196_t2_combo", market{locale: "US"}, providers.ConnectorCCS2},
		{20, "", market{locale: "US"}, providers.ConnectorCCS2},
		{14, "", market{locale: "EU"}, providers.ConnectorIEC60309Three32},
		{14, "", market{locale: "UK"}, providers.ConnectorIEC60309Three32},
		{14, "", market{locale: "AU"}, providers.ConnectorASNZS3123},
		{14, "", market{locale: "WW"}, providers.ConnectorUnknown},
		{14, "", market{}, providers.ConnectorUnknown},
		{0, "", market{}, providers.ConnectorOther},
		{18, "", market{}, providers.ConnectorUnknown},
		{42, "", market{}, providers.ConnectorUnknown},
		{-1, "", market{}, providers.ConnectorUnknown},
	} {
		if got := connectorType(c.id, c.name, c.m); got != c.want {
			t.Errorf("connector %d %q in %+v is %s, want %s", c.id, c.name, c.m, got, c.want)
		}
	}
	for members, want := range map[string]providers.CurrentKind{
		`"connector":42`:                                providers.CurrentUnknown,
		`"connector":42,"is_dc":true`:                   providers.CurrentDC,
		`"connector":42,"power_type":"DC"`:              providers.CurrentDC,
		`"connector":42,"power_type":"AC_2_PHASE"`:      providers.CurrentACTwoPhase,
		`"connector":7,"power_type":"AC_3_PHASE"`:       providers.CurrentACThreePhase,
		`"connector":7,"power_type":"DC"`:               providers.CurrentAC,
		`"connector":3,"power_type":"AC_1_PHASE"`:       providers.CurrentDC,
		`"connector":3,"is_dc":false`:                   providers.CurrentDC,
		`"connector":2,"power_type":"AC_2_PHASE_SPLIT"`: providers.CurrentACSplitPhase,
		`"connector":8`:                                 providers.CurrentAC,
		`"connector":7,"power_type":"whatever"`:         providers.CurrentAC,
	} {
		if got := recordsOf(t, site(1, stations(members)))[0].Connections[0].Current; got != want {
			t.Errorf("%s delivers %s, want %s", members, got, want)
		}
	}
}

func TestRestrictionsOfAccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		access int
		words  texts
		want   providers.UsageKind
	}{
		{0, nil, providers.UsageUnknown},
		{4, nil, providers.UsageUnknown},
		{1, texts{"CUSTOMERS_ONLY"}, providers.UsagePublic},
		{2, nil, providers.UsageRestricted},
		{2, texts{"CUSTOMERS_ONLY", "GUESTS_ONLY"}, providers.UsageRestrictedCustomers},
		{2, texts{"EMPLOYEES_ONLY", "GUESTS_ONLY"}, providers.UsageRestricted},
		{2, texts{"residents_only"}, providers.UsageRestrictedResidents},
		{2, texts{"STUDENTS_ONLY"}, providers.UsageRestrictedStudents},
		{2, texts{"MARTIANS_ONLY"}, providers.UsageRestricted},
		{2, texts{"MARTIANS_ONLY", "STUDENTS_ONLY"}, providers.UsageRestricted},
	} {
		if got := usageKind(c.access, c.words); got != c.want {
			t.Errorf("access %d %v is %s, want %s", c.access, c.words, got, c.want)
		}
	}
}

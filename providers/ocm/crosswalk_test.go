package ocm

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
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

// idsIn returns the ids in a cell: a list, a number or nothing.
func idsIn(t *testing.T, cell any) []int {
	t.Helper()
	switch v := cell.(type) {
	case nil:
		return nil
	case float64:
		return []int{int(v)}
	case []any:
		var ids []int
		for _, e := range v {
			ids = append(ids, idsIn(t, e)...)
		}
		return ids
	case string:
		id, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("cell %q is no id", v)
		}
		return []int{id}
	}
	t.Fatalf("cell %v is no id", cell)
	return nil
}

// textIn returns the text in a cell.
func textIn(t *testing.T, cell any) string {
	t.Helper()
	s, ok := cell.(string)
	if !ok {
		t.Fatalf("cell %v is no text", cell)
	}
	return s
}

// walk checks that every id of a table means one of the values that its rows offer.
func walk(t *testing.T, table, column string, renamed map[string]string, meaning func(id int) string) {
	t.Helper()
	offered := make(map[int][]string)
	for _, row := range crosswalkRows(t, table) {
		unified := textIn(t, row["unified"])
		if name, ok := renamed[unified]; ok {
			unified = name
		}
		for _, id := range idsIn(t, row[column]) {
			offered[id] = append(offered[id], unified)
		}
	}
	if len(offered) == 0 {
		t.Fatalf("%s has no ids in %s", table, column)
	}
	for id, values := range offered {
		if got := meaning(id); !slices.Contains(values, got) {
			t.Errorf("%s: id %d is %s, want one of %v", table, id, got, values)
		}
	}
}

func TestEveryRowOfTheCrosswalkIsCode(t *testing.T) {
	t.Parallel()
	t.Run("connectors", func(t *testing.T) {
		t.Parallel()
		walk(t, "connectors", "ocm", map[string]string{
			"INDUCTIVE_LARGE_PADDLE": "INDUCTIVE", "INDUCTIVE_SMALL_PADDLE": "INDUCTIVE",
		}, func(id int) string { return string(connectorType(id)) })
	})
	t.Run("operational status", func(t *testing.T) {
		t.Parallel()
		walk(t, "operational_status", "ocm_status_type_id", map[string]string{"DUPLICATE": "REMOVED"},
			func(id int) string { return string(operationalStatus(id)) })
	})
	t.Run("access", func(t *testing.T) {
		t.Parallel()
		walk(t, "access", "ocm_usage_type_id", map[string]string{"PRIVATE_RESIDENTIAL": "PRIVATE"},
			func(id int) string { return string(usageKind(id)) })
	})
	t.Run("current type", func(t *testing.T) {
		t.Parallel()
		walk(t, "current_type", "ocm_current_type_id", nil, func(id int) string {
			kind, _ := currentKind(id)
			return string(kind)
		})
	})
	t.Run("comment types", func(t *testing.T) {
		t.Parallel()
		walk(t, "comment_types", "ocm_comment_type_id", nil, func(id int) string { return string(commentKind(id)) })
	})
	t.Run("amenities", func(t *testing.T) {
		t.Parallel()
		walk(t, "amenities", "ocm_metadata_option", nil, func(id int) string {
			a, _ := amenity(id)
			return string(a)
		})
	})
	t.Run("power level", func(t *testing.T) {
		t.Parallel()
		levels := newIndex(builtinReference()).chargerTypes
		walk(t, "power_level", "ocm_level_id", nil, func(id int) string { return "LEVEL_" + levels[id].ID })
	})
	t.Run("live availability is never made of a status", func(t *testing.T) {
		t.Parallel()
		for _, row := range crosswalkRows(t, "live_availability") {
			for _, id := range idsIn(t, row["ocm_status_type_id"]) {
				r, err := testMapper(nil).record([]byte(`{"ID":1,"AddressInfo":{"Latitude":1,"Longitude":1},"Connections":[{"ID":1,"StatusTypeID":` + strconv.Itoa(id) + `}]}`))
				if err != nil {
					t.Fatal(err)
				}
				if r.Availability != nil || r.Connections[0].Availability != nil {
					t.Errorf("status %d became a live state", id)
				}
			}
		}
	})
	t.Run("networks", func(t *testing.T) {
		t.Parallel()
		for _, row := range crosswalkRows(t, "networks") {
			for _, id := range idsIn(t, row["ocm_operator_id"]) {
				o := testMapper(nil).operator(wire.Number{Value: float64(id), Set: true}, nested{})
				if row["match"] == "sentinel" {
					if o != nil {
						t.Errorf("operator %d is %v, want none", id, o)
					}
					continue
				}
				if o == nil || !o.Is("operator:ocm:"+strconv.Itoa(id)) || operatorExternalID(o) != strconv.Itoa(id) || !o.IsNetwork {
					t.Errorf("operator %d is %+v", id, o)
				}
			}
		}
	})
	t.Run("cost", func(t *testing.T) {
		t.Parallel()
		pay := newIndex(builtinReference()).usageTypes[5]
		for _, row := range crosswalkRows(t, "cost") {
			var got []providers.CostKind
			switch row["unified"] {
			case "FREE":
				got = []providers.CostKind{cost(nil, "0"), cost(nil, "Free")}
			case "PAID":
				got = []providers.CostKind{cost(pay, ""), cost(nil, "£0.30/kWh")}
			case "UNKNOWN":
				got = []providers.CostKind{cost(nil, "")}
			}
			for _, kind := range got {
				if string(kind) != row["unified"] {
					t.Errorf("%v is %s", row["ocm"], kind)
				}
			}
		}
	})
}

func TestEveryCheckInStatusHasItsOutcomeAndMood(t *testing.T) {
	t.Parallel()
	renamed := map[string]string{
		"COMMENT": "NOT_VISITED", "FAILED_BROKEN": "FAILED_NOT_OPERATIONAL", "FAILED_PROBLEM": "FAILED_EQUIPMENT",
		"BUSY": "IN_USE_EV", "BLOCKED": "IN_USE_NON_EV", "CONFIRMED": "CONFIRMED_CORRECT",
	}
	rows := newIndex(builtinReference()).checkIns
	for _, want := range crosswalkRows(t, "checkin_status") {
		id := idsIn(t, want["ocm_checkin_status_type_id"])[0]
		unified := textIn(t, want["unified"])
		if name, ok := renamed[unified]; ok {
			unified = name
		}
		if id == 15 {
			unified = "CHARGED_AUTOMATED"
		}
		row := rows[id]
		if row == nil {
			t.Errorf("check-in status %d has no built-in row", id)
			continue
		}
		if outcome, known := checkInOutcome(id); !known || string(outcome) != unified || row.Outcome != outcome {
			t.Errorf("check-in status %d is %s (row: %s), want %s", id, outcome, row.Outcome, unified)
		}
		if row.Title != want["ocm_title"] {
			t.Errorf("check-in status %d is called %q, want %q", id, row.Title, want["ocm_title"])
		}
		if positive, stated := want["ocm_is_positive"].(bool); stated != (row.IsPositive != nil) || stated && *row.IsPositive != positive {
			t.Errorf("check-in status %d: IsPositive is %v, want %v", id, row.IsPositive, want["ocm_is_positive"])
		}
		mood := sentiment(&row.Outcome, row)
		switch {
		case id == 100 || id == 110:
			if mood == nil || *mood != providers.SentimentNeutral {
				t.Errorf("check-in status %d: a spot in use is neutral, got %v", id, mood)
			}
		case id == 0:
			if mood != nil {
				t.Errorf("check-in status 0 has mood %v, want none", *mood)
			}
		case mood == nil || (*mood == providers.SentimentPositive) != *row.IsPositive:
			t.Errorf("check-in status %d has mood %v", id, mood)
		}
	}
}

// The essentials once more, for where the tables are not at hand.
func TestTheEssentialIDsMeanWhatTheyShould(t *testing.T) {
	t.Parallel()
	for id, want := range map[int]providers.ConnectorType{
		0: "UNKNOWN", 1: "TYPE_1", 2: "CHADEMO", 5: "INDUCTIVE", 6: "INDUCTIVE", 25: "TYPE_2", 27: "NACS", 28: "DOMESTIC_F",
		30: "NACS", 32: "CCS_1", 33: "CCS_2", 1036: "TYPE_2", 1044: "CHAOJI", 99999: "UNKNOWN", -1: "UNKNOWN",
	} {
		if got := connectorType(id); got != want {
			t.Errorf("connection type %d is %s, want %s", id, got, want)
		}
	}
	for id, want := range map[int]providers.ConnectorFormat{25: "SOCKET", 1036: "CABLE", 1038: "SOCKET", 1039: "CABLE", 33: "UNKNOWN"} {
		if got := connectorFormat(id); got != want {
			t.Errorf("connection type %d has format %s, want %s", id, got, want)
		}
	}
	for id, want := range map[int]providers.UsageKind{0: "UNKNOWN", 1: "PUBLIC", 2: "RESTRICTED", 3: "PRIVATE", 4: "PUBLIC_MEMBERSHIP_REQUIRED", 5: "PUBLIC_PAY_AT_LOCATION", 6: "RESTRICTED_CUSTOMERS", 7: "PUBLIC_NOTICE_REQUIRED"} {
		if got := usageKind(id); got != want {
			t.Errorf("usage type %d is %s, want %s", id, got, want)
		}
	}
	for id, network := range map[int]bool{0: false, 1: false, 44: false, 45: false, 5: true, 3950: true} {
		if isNetwork(id) != network {
			t.Errorf("operator %d: isNetwork is %t", id, !network)
		}
	}
	if got := currentOf(40, &providers.CurrentType{ID: "40", Title: "AC"}); got != providers.CurrentAC {
		t.Errorf("alternating current without phase is %s, want AC", got)
	}
}

func TestTheBuiltInTablesAreThoseOfTheRecordedReferenceData(t *testing.T) {
	t.Parallel()
	recorded, err := readReferenceFile(sharedFile(t, "ocm", "referencedata-2023-08.json"))
	if err != nil {
		t.Fatal(err)
	}
	built, want := newIndex(builtinReference()), newIndex(recorded)
	same := func(kind string, got, want int) {
		if got != want {
			t.Errorf("%d %s are built in, %d recorded", got, kind, want)
		}
	}
	same("countries", len(built.countries), len(want.countries))
	same("connection types", len(built.connectionTypes), len(want.connectionTypes)+1) // ChaoJi is of 2026
	for id, c := range want.countries {
		if got := built.countries[id]; got == nil || *got != *c {
			t.Errorf("country %d is %+v, recorded %+v", id, got, c)
		}
	}
	for id, c := range want.connectionTypes {
		if got := built.connectionTypes[id]; got == nil || got.Title != c.Title || got.FormalName != c.FormalName || got.Type != c.Type {
			t.Errorf("connection type %d is %+v, recorded %+v", id, got, c)
		}
	}
	for id, p := range want.dataProviders {
		if got := built.dataProviders[id]; got == nil || got.Title != p.Title || got.License != p.License || got.Website != p.Website {
			t.Errorf("data provider %d is %+v, recorded %+v", id, got, p)
		}
	}
	for id, o := range want.operators {
		if got := built.operators[id]; got != nil && got.Title != o.Title {
			t.Errorf("operator %d is %q, recorded %q", id, got.Title, o.Title)
		}
	}
}

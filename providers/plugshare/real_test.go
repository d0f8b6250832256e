package plugshare

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
)

// What follows compares the mapping with recorded answers, field by field, by
// other means: maps of any, and no code of this package but cleaning of texts.

type object1 = map[string]any

func list1(v any) []object1 {
	var list []object1
	items, _ := v.([]any)
	for _, item := range items {
		if o, ok := item.(object1); ok {
			list = append(list, o)
		}
	}
	return list
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func num(v any) float64 {
	f, _ := v.(float64)
	return f
}

// readAll reads the objects of a recorded file: a list, one object, or one on each line.
func readAll(t *testing.T, name string) []object1 {
	t.Helper()
	f, err := os.Open(sharedFile(t, "plugshare", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		var list []object1
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var o object1
			if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
				t.Fatal(err)
			}
			list = append(list, o)
		}
		return list
	}
	var v any
	if err := json.NewDecoder(f).Decode(&v); err != nil {
		t.Fatal(err)
	}
	if o, ok := v.(object1); ok {
		return []object1{o}
	}
	return list1(v)
}

// tally counts what was compared, so that a comparison of nothing shows.
type tally map[string]int

func (n tally) want(t *testing.T, least map[string]int) {
	t.Helper()
	var names []string
	for name := range n {
		names = append(names, fmt.Sprintf("%s %d", name, n[name]))
	}
	sort.Strings(names)
	t.Logf("compared %s", strings.Join(names, ", "))
	for name, count := range least {
		if n[name] < count {
			t.Errorf("only %d %s compared, want %d", n[name], name, count)
		}
	}
}

// compare compares the records that w became with w.
func compare(t *testing.T, w object1, records []*providers.Record, whole bool, n tally) {
	t.Helper()
	id := strconv.Itoa(int(num(w["id"])))
	bad := func(what string, got, want any) {
		t.Helper()
		t.Errorf("location %s: %s is %v, recorded is %v", id, what, got, want)
	}
	same := func(what string, got, want any) {
		t.Helper()
		n["fields"]++
		if got != want {
			bad(what, got, want)
		}
	}
	byNetwork := make(map[int][]object1)
	outlets := make(map[int]int)
	for _, s := range list1(w["stations"]) {
		network := int(num(s["network_id"]))
		byNetwork[network] = append(byNetwork[network], s)
		outlets[network] += len(list1(s["outlets"]))
	}
	if len(byNetwork) == 0 {
		byNetwork[0] = nil
	}
	main := -1
	for network := range byNetwork {
		if main < 0 || outlets[network] > outlets[main] || outlets[network] == outlets[main] && network < main {
			main = network
		}
	}
	same("number of records", len(records), len(byNetwork))
	n["locations"]++
	comments, photos := 0, 0
	for _, r := range records {
		checkRecord(t, r)
		n["records"]++
		_, network, _, _ := parseExternalID(r.ExternalID)
		stations, ok := byNetwork[network]
		if !ok {
			bad("network", network, "not there")
			continue
		}
		same("title", r.Title, clean.Line(str(w["name"])))
		same("latitude", r.Location.Lat, num(w["latitude"]))
		same("longitude", r.Location.Lon, num(w["longitude"]))
		same("address", r.Address.Line1, clean.Line(str(w["address"])))
		same("formatted address", r.Address.Formatted, clean.Line(str(w["reverse_geocoded_address"])))
		parts, _ := w["reverse_geocoded_address_components"].(object1)
		same("town", r.Address.Town, str(parts["locality"]))
		same("state", r.Address.StateOrProvince, str(parts["administrative_area_1"]))
		same("postcode", r.Address.Postcode, str(parts["postal_code"]))
		same("country", r.Address.CountryCode, str(parts["country_code"]))
		same("description", r.GeneralComments, clean.Text(str(w["description"])))
		same("price note", r.UsageCost == clean.Text(str(w["cost_description"])) || str(w["cost_description"]) == "", true)
		same("custom ports", r.OtherConnectors, clean.Text(str(w["custom_ports"])))
		same("url", r.URL, str(w["url"]))
		same("icon", r.Icon, str(w["icon"]))
		same("summary", r.Summary, !whole)
		same("usage", r.Usage, providers.UsagePublic)
		for field, at := range map[string]time.Time{"created_at": r.CreatedAt, "updated_at": r.UpdatedAt} {
			want, _ := time.Parse(time.RFC3339, str(w[field]))
			same(field, at.Equal(want), true)
		}
		score, scored := w["score"].(float64)
		if got := r.Rating != nil && len(r.Rating.ProviderScores) == 1; got != scored {
			bad("scored", got, scored)
		} else if scored {
			n["scores"]++
			same("score", r.Rating.ProviderScores[0], providers.ProviderScore{Provider: providers.PlugShare, Value: score, ScaleMax: 10})
		}
		if network == 0 {
			same("operator", r.Operator == nil, true)
		} else {
			n["operators"]++
			same("operator", r.Operator.Is("operator:plugshare:"+strconv.Itoa(network)), true)
			if o, ok := stations[0]["network"].(object1); ok {
				same("operator's name", r.Operator.Records[0].Title, str(o["name"]))
			}
		}
		open247 := w["open247"] == true
		same("open 24h", r.OpeningHours != nil && r.OpeningHours.Open24h != nil && *r.OpeningHours.Open24h, open247)
		if str(w["hours"]) != "" {
			n["hours"]++
			same("hours", r.OpeningHours.Text, clean.Text(str(w["hours"])))
		}
		phone := ""
		if r.Contact != nil {
			phone = r.Contact.Phone
		}
		same("phone", phone, str(w["formatted_phone_number"]))
		amenities := make(map[float64]bool)
		for _, a := range list1(w["amenities"]) {
			amenities[num(a["type"])] = true
		}
		fuel := 0
		if str(w["poi_name"]) == "Gas Station" {
			fuel = 1
		}
		same("amenities", len(r.Amenities), len(amenities)+fuel)
		compareStatus(t, w, r, stations, same)
		compareStations(t, r, stations, same, n)
		comments += len(r.Comments)
		photos += len(r.Photos)
		if network != main {
			same("photos of a side record", len(r.Photos), 0)
		}
		for i := 1; i < len(r.Comments); i++ {
			if r.Comments[i].CreatedAt.After(r.Comments[i-1].CreatedAt) {
				t.Errorf("%s: comments are not newest first", r.Key)
			}
		}
		for i := range r.Comments {
			compareReview(t, w, network, main, len(byNetwork) > 1, &r.Comments[i], n)
		}
	}
	same("comments", comments, len(list1(w["reviews"])))
	same("photos", photos, len(list1(w["photos"])))
	n["photos"] += photos
}

func compareStatus(t *testing.T, w object1, r *providers.Record, stations []object1, same func(string, any, any)) {
	t.Helper()
	want := providers.StatusOperational
	broken, all := 0, 0
	for _, s := range stations {
		for _, o := range list1(s["outlets"]) {
			all++
			if o["status"] == "OUTOFORDER" {
				broken++
			}
		}
	}
	_, known := w["under_repair"]
	switch {
	case w["coming_soon"] == true:
		want = providers.StatusPlanned
	case w["under_repair"] == true:
		want = providers.StatusTemporarilyUnavailable
	case !known && strings.HasSuffix(str(w["icon_type"]), "R"):
		want = providers.StatusUnknown
	case broken > 0 && broken == all:
		want = providers.StatusNotOperational
	case broken > 0:
		want = providers.StatusPartlyOperational
	}
	same("status", r.Status, want)
	wantCost := providers.CostUnknown
	for _, s := range stations {
		if num(s["cost"]) == 2 {
			wantCost = providers.CostPaid
		}
	}
	if wantCost == providers.CostUnknown && w["cost"] == true {
		others := slices.ContainsFunc(list1(w["stations"]), func(s object1) bool { return num(s["cost"]) == 2 })
		free := slices.ContainsFunc(stations, func(s object1) bool { return num(s["cost"]) == 1 })
		if !others && !free {
			wantCost = providers.CostPaid
		}
	}
	same("cost", r.Cost, wantCost)
}

func compareStations(t *testing.T, r *providers.Record, stations []object1, same func(string, any, any), n tally) {
	t.Helper()
	same("stations", len(r.Stations), len(stations))
	quantity, plugs := 0, 0
	strongest := 0.0
	for i, s := range stations {
		got := &r.Stations[i]
		n["stations"]++
		same("station id", got.ExternalID, strconv.Itoa(int(num(s["id"]))))
		same("station name", got.Name, clean.Line(str(s["name"])))
		same("manufacturer", got.Manufacturer, str(s["manufacturer"]))
		same("model", got.Model, str(s["model"]))
		same("network reference", got.NetworkReference, str(s["network_ext_id"]))
		same("plugs", len(got.Connections), len(list1(s["outlets"])))
		for j, o := range list1(s["outlets"]) {
			plugs++
			n["outlets"]++
			c := &got.Connections[j]
			same("outlet id", c.ExternalID, strconv.Itoa(int(num(o["id"]))))
			kw := num(o["kilowatts"])
			if kw == 0 && len(list1(s["outlets"])) == 1 {
				kw = num(s["kilowatts"])
			}
			if c.PowerKW == nil {
				same("power", 0.0, kw)
			} else {
				same("power", *c.PowerKW, kw)
			}
			strongest = math.Max(strongest, kw)
			want := map[float64]providers.ConnectorType{
				1: "NEMA_5_15", 2: "TYPE_1", 3: "CHADEMO", 6: "NACS", 7: "TYPE_2", 8: "TYPE_3C", 9: "DOMESTIC_G", 13: "CCS_1",
				14: "UNKNOWN", 15: "CARAVAN_MAINS", 16: "GBT_AC", 17: "GBT_DC", 20: "CCS_2",
			}[num(o["connector"])]
			same("plug", c.Type, want)
			status := str(o["status"])
			if want, known := map[string]providers.EVSEStatus{"UNKNOWN": "UNKNOWN", "OUTOFORDER": "OUT_OF_ORDER", "AVAILABLE": "AVAILABLE"}[status]; known {
				n["live outlets"]++
				same("live state", *c.Availability, want)
			} else if num(s["available"]) == 0 {
				same("no live state", c.Availability == nil, true)
			}
		}
		if num(s["available"]) == 1 {
			n["live stations"]++
			same("station state", got.Status, providers.EVSEAvailable)
		}
	}
	for i := range r.Connections {
		quantity += *r.Connections[i].Quantity
	}
	same("quantity of all connections", quantity, plugs)
	if r.MaxPowerKW == nil {
		same("greatest power", 0.0, strongest)
	} else {
		same("greatest power", *r.MaxPowerKW, strongest)
	}
}

func compareReview(t *testing.T, w object1, network, main int, several bool, c *providers.Comment, n tally) {
	t.Helper()
	n["comments"]++
	reviews := list1(w["reviews"])
	i := slices.IndexFunc(reviews, func(r object1) bool { return strconv.Itoa(int(num(r["id"]))) == c.ExternalID })
	if i < 0 {
		t.Errorf("comment %s was never made", c.ID())
		return
	}
	r := reviews[i]
	same := func(what string, got, want any) {
		t.Helper()
		n["fields"]++
		if got != want {
			t.Errorf("%s: %s is %v, recorded is %v", c.ID(), what, got, want)
		}
	}
	same("text", c.Text, clean.Text(str(r["comment"])))
	user, _ := r["user"].(object1)
	name := str(user["display_name"])
	if name == "" {
		name = str(user["first_name"])
	}
	got := ""
	if c.Author != nil {
		got = c.Author.DisplayName
	}
	same("author", got, clean.Line(name))
	same("vehicle", c.Vehicle, clean.Line(str(r["vehicle_name"])))
	for field, at := range map[string]time.Time{"created_at": c.CreatedAt, "finished": c.FinishedAt} {
		want, _ := time.Parse(time.RFC3339, str(r[field]))
		same(field, at.Equal(want), true)
	}
	whole := func(v *int) float64 {
		if v == nil {
			return 0
		}
		return float64(*v)
	}
	same("volts", whole(c.Volts), num(r["volts"]))
	same("amps", whole(c.Amps), num(r["amps"]))
	kw := 0.0
	if c.PowerKW != nil {
		kw = *c.PowerKW
	}
	same("power", kw, num(r["kilowatts"]))
	type mood struct {
		outcome   providers.CheckInOutcome
		sentiment providers.Sentiment
	}
	want := map[[2]float64]mood{
		{1, 0}: {"CHARGED", "POSITIVE"}, {0, 0}: {"NOT_VISITED", "NEUTRAL"}, {0, 1}: {"NOT_VISITED", "NEUTRAL"}, {-1, 0}: {"OTHER_NEGATIVE", "NEGATIVE"},
		{-1, 1}: {"FAILED_EQUIPMENT", "NEGATIVE"}, {-1, 2}: {"IN_USE_EV", "NEUTRAL"}, {-1, 3}: {"IN_USE_NON_EV", "NEUTRAL"},
		{-1, 4}: {"FAILED_ACCESS_CARD", "NEGATIVE"}, {-1, 5}: {"DECOMMISSIONED", "NEGATIVE"},
	}[[2]float64{num(r["rating"]), num(r["problem"])}]
	same("outcome", mood{*c.Outcome, *c.Sentiment}, want)
	// Where it belongs.
	home, known := main, false
	for _, s := range list1(w["stations"]) {
		if num(r["station_id"]) > 0 && num(s["id"]) == num(r["station_id"]) {
			home, known = int(num(s["network_id"])), true
		}
	}
	same("network", network, home)
	same("shared", c.SharedWithLocation, several && !known)
	if c.SharedWithLocation {
		n["shared comments"]++
	}
}

func TestTheRecordedLocationsOfLouisville(t *testing.T) {
	t.Parallel()
	n := make(tally)
	for _, w := range readAll(t, "details_louisville_2019.jsonl.gz") {
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, w, recordsOf(t, string(raw)), true, n)
	}
	n.want(t, map[string]int{"locations": 60, "records": 66, "comments": 6057, "photos": 258, "outlets": 137, "scores": 46, "live stations": 6, "shared comments": 100, "hours": 14})
}

func TestTheRecordedSupercharger(t *testing.T) {
	t.Parallel()
	n := make(tally)
	for _, w := range readAll(t, "detail_v3_supercharger_2024.json") {
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, w, recordsOf(t, string(raw)), true, n)
		r := recordsOf(t, string(raw))[0]
		if r.Key != "plugshare:324393~8" || *r.MaxPowerKW != 250 || r.Operator.ID != "operator:ocm:23" || len(r.Connections) != 1 || *r.Connections[0].Quantity != 8 ||
			!slices.Equal(r.Parking, []providers.ParkingKind{providers.ParkingPullIn}) {
			t.Errorf("the supercharger is %+v", r)
		}
	}
	n.want(t, map[string]int{"locations": 1, "comments": 50, "photos": 30, "outlets": 8})
}

func TestTheRecordedRegions(t *testing.T) {
	t.Parallel()
	for name, least := range map[string]map[string]int{
		"region_louisville_2019.json": {"locations": 55},
		"region_v3_2025.json":         {"locations": 171, "outlets": 260, "live outlets": 4, "operators": 40},
		"region_v3_item_2024.json":    {"locations": 1, "live outlets": 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(sharedFile(t, "plugshare", name))
			if err != nil {
				t.Fatal(err)
			}
			s := newSource(t, answering(http.StatusOK, string(raw)), nil)
			answer, err := s.Search(t.Context(), providers.Query{Area: providers.World()})
			if err != nil || answer.Partial || answer.Err != nil || answer.Truncated {
				t.Fatalf("%v, partial %t, %v", err, answer.Partial, answer.Err)
			}
			of := make(map[string][]*providers.Record)
			for _, r := range answer.Records {
				of[r.ParentExternalID] = append(of[r.ParentExternalID], r)
			}
			n := make(tally)
			for _, w := range readAll(t, name) {
				compare(t, w, of[strconv.Itoa(int(num(w["id"])))], false, n)
			}
			n.want(t, least)
		})
	}
}

func TestTheExamplesOfTheDocumentsAreRead(t *testing.T) {
	t.Parallel()
	dir := sharedFile(t, "plugshare", "docs")
	locations, records := 0, 0
	files, err := filepath.Glob(filepath.Join(dir, "location__*.json"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		for _, w := range readAll(t, filepath.Join("docs", filepath.Base(file))) {
			if _, ok := w["latitude"]; !ok {
				continue // a question, or a review
			}
			raw, err := json.Marshal(w)
			if err != nil {
				t.Fatal(err)
			}
			l, err := decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			locations++
			list, main, err := testMapper().location(l)
			if (err != nil) != (num(w["access"]) == 3) {
				t.Errorf("%s: %v", filepath.Base(file), err)
			}
			for _, r := range list {
				records++
				checkRecord(t, r)
			}
			if err == nil && main == nil {
				t.Errorf("%s has no main record", filepath.Base(file))
			}
		}
	}
	if locations < 6 || records < 5 {
		t.Errorf("%d locations, %d records", locations, records)
	}
	for _, w := range readAll(t, "docs/location__get_location_reviews.json") {
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		r := recordsOf(t, site(1, `"reviews":[`+string(raw)+`]`))[0]
		if c := r.Comments[0]; c.ExternalID != "135193" || *c.Outcome != providers.CheckInCharged || *c.PowerKW != 60 || c.Author.DisplayName != "Driver 577" || c.Vehicle != "Tesla Model 3" {
			t.Errorf("review %+v", c)
		}
	}
	for _, w := range readAll(t, "docs/network__object_properties.json") {
		raw, err := json.Marshal([]object1{w})
		if err != nil {
			t.Fatal(err)
		}
		table, err := newSource(t, answering(http.StatusOK, string(raw)), nil).Reference(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if o := table.Operators[0]; o.Records[0].ExternalID != "4" || o.SignUpLabel != "Sign Up" || o.SignUpURL != "https://www.gewattstation.com/connect/" || o.Phone != "8554433873" {
			t.Errorf("network %+v", o)
		}
	}
}

// Every detail of Louisville has a summary in the region's answer; what both tell
// of a site has to be the same.
func TestTheRecordedSummariesMatchTheirLocations(t *testing.T) {
	t.Parallel()
	whole := make(map[providers.Key]*providers.Record)
	for _, w := range readAll(t, "details_louisville_2019.jsonl.gz") {
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recordsOf(t, string(raw)) {
			whole[r.Key] = r
		}
	}
	both := 0
	for _, w := range readAll(t, "region_louisville_2019.json") {
		raw, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		for _, summary := range recordsOf(t, string(raw)) {
			r := whole[summary.Key]
			if r == nil {
				continue
			}
			both++
			if r.Location != summary.Location || r.Title != summary.Title || (r.Operator == nil) != (summary.Operator == nil) || r.Operator != nil && r.Operator.ID != summary.Operator.ID {
				t.Errorf("%s differs", r.Key)
			}
		}
	}
	if both < 20 {
		t.Errorf("only %d are in both", both)
	}
}

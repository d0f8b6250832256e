package ocpi

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

// crosswalkRows reads a table of shared/data/crosswalk.
func crosswalkRows(tb testing.TB, table string) []map[string]any {
	tb.Helper()
	raw, err := os.ReadFile(shared(tb, "crosswalk", table+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var doc struct{ Rows []map[string]any }
	if err := json.Unmarshal(raw, &doc); err != nil {
		tb.Fatal(err)
	}
	if len(doc.Rows) == 0 {
		tb.Fatalf("%s has no rows", table)
	}
	return doc.Rows
}

// offered returns, for each word of a column, the unified values that its rows
// offer, under the contract's names.
func offered(tb testing.TB, table, column string) map[string][]string {
	tb.Helper()
	all := map[string][]string{}
	for _, row := range crosswalkRows(tb, table) {
		var cell []any
		switch v := row[column].(type) {
		case []any:
			cell = v
		case string:
			for part := range strings.SplitSeq(v, "|") {
				cell = append(cell, strings.TrimSpace(part))
			}
		}
		for _, word := range cell {
			if s := fmt.Sprint(word); s != "" {
				all[strings.ToUpper(s)] = append(all[strings.ToUpper(s)], fmt.Sprint(row["unified"]))
			}
		}
	}
	if len(all) == 0 {
		tb.Fatalf("%s has nothing in %s", table, column)
	}
	return all
}

func TestEveryRowOfTheCrosswalkMeansWhatItSays(t *testing.T) {
	t.Parallel()
	check := func(table, column string, meaning func(word string) string) {
		for word, unified := range offered(t, table, column) {
			if got := meaning(word); !slices.Contains(unified, got) {
				t.Errorf("%s: %s means %q, want one of %v", table, word, got, unified)
			}
		}
	}
	check("connectors", "ocpi", func(word string) string { c, _ := connectorType(word); return string(c) })
	check("live_availability", "ocpi_evse_status", func(word string) string { return string(evseStatus(enum(word))) })
	check("current_type", "ocpi_power_type", func(word string) string { return string(currentKind(enum(word))) })
	check("amenities", "ocpi_facility", func(word string) string { a, _ := amenity(enum(word)); return string(a) })
	check("parking", "ocpi_parking_type", func(word string) string { k, _ := parkingKind(enum(word)); return string(k) })
}

func TestEveryWordOfTheSpecificationIsKnown(t *testing.T) {
	t.Parallel()
	for word := range strings.FieldsSeq(`CHADEMO CHAOJI GBT_AC GBT_DC IEC_60309_2_single_16 IEC_60309_2_three_16 IEC_60309_2_three_32 IEC_60309_2_three_64
		IEC_62196_T1 IEC_62196_T1_COMBO IEC_62196_T2 IEC_62196_T2_COMBO IEC_62196_T3A IEC_62196_T3C NEMA_5_20 NEMA_6_30 NEMA_6_50 NEMA_10_30 NEMA_10_50
		NEMA_14_30 NEMA_14_50 PANTOGRAPH_BOTTOM_UP PANTOGRAPH_TOP_DOWN TESLA_R TESLA_S MCS SAE_J3400 DOMESTIC_A DOMESTIC_B DOMESTIC_C DOMESTIC_D
		DOMESTIC_E DOMESTIC_F DOMESTIC_G DOMESTIC_H DOMESTIC_I DOMESTIC_J DOMESTIC_K DOMESTIC_L DOMESTIC_M DOMESTIC_N DOMESTIC_O`) {
		if c, known := connectorType(strings.ToUpper(word)); !known || c == providers.ConnectorUnknown {
			t.Errorf("connector %s is not known", word)
		}
	}
	for word, want := range map[enum]providers.EVSEStatus{
		"AVAILABLE": providers.EVSEAvailable, "BLOCKED": providers.EVSEBlocked, "CHARGING": providers.EVSECharging, "INOPERATIVE": providers.EVSEInoperative,
		"OUTOFORDER": providers.EVSEOutOfOrder, "PLANNED": providers.EVSEPlanned, "REMOVED": providers.EVSERemoved, "RESERVED": providers.EVSEReserved,
		"UNKNOWN": providers.EVSEUnknown, "": providers.EVSEUnknown, "EXPLODED": providers.EVSEUnknown,
	} {
		if got := evseStatus(word); got != want {
			t.Errorf("status %q is %s, want %s", word, got, want)
		}
	}
	for word := range strings.FieldsSeq(`HOTEL RESTAURANT CAFE MALL SUPERMARKET SPORT RECREATION_AREA NATURE MUSEUM BIKE_SHARING BUS_STOP TAXI_STAND TRAM_STOP
		METRO_STATION TRAIN_STATION AIRPORT PARKING_LOT CARPOOL_PARKING FUEL_STATION WIFI`) {
		if _, known := amenity(enum(word)); !known {
			t.Errorf("facility %s is not known", word)
		}
	}
	for word, want := range map[enum]providers.UsageKind{
		"CUSTOMERS": providers.UsageRestrictedCustomers, "EMPLOYEES": providers.UsageRestrictedEmployees, "TENANTS": providers.UsageRestrictedResidents,
		"TAXIS": providers.UsageRestricted, "EV_ONLY": "", "PLUGGED": "", "DISABLED": "", "MOTORCYCLES": "", "ANYTHING": "",
	} {
		if got := restricted(word); got != want {
			t.Errorf("restriction %s is %q, want %q", word, got, want)
		}
	}
}

func TestCountriesInThreeLettersBecomeTwo(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"NLD": "NL", "DEU": "DE", "GBR": "GB", "USA": "US", "ABW": "AW", "ZWE": "ZW", "XKX": "XK", "SWE": "SE", "NL": "NL", "ZW": "ZW", "AW": "AW",
		"": "", "ZZZ": "", "XX": "", "N": "", "NETHERLANDS": "", "LD ": "", "D N": "", "BWA": "BW", "WAB": "",
	} {
		if got := countryCode(in); got != want {
			t.Errorf("countryCode(%q) = %q, want %q", in, got, want)
		}
	}
}

// rawLocations reads the locations of a sample without any of our code.
func rawLocations(t *testing.T, path string) []map[string]any {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	var doc any
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if object, ok := doc.(map[string]any); ok {
		for _, name := range []string{"data", "items", "content"} {
			if list, ok := object[name].([]any); ok {
				doc = list
			}
		}
	}
	list, ok := doc.([]any)
	if !ok {
		t.Fatalf("%s holds no list", path)
	}
	var locations []map[string]any
	for _, l := range list {
		m, ok := l.(map[string]any)
		if !ok {
			t.Fatalf("%s holds %v", path, l)
		}
		locations = append(locations, m)
	}
	return locations
}

// oracle tells what a record of a raw location must be, in the plainest way.
type oracle struct {
	t          *testing.T
	connectors map[string][]string
	statuses   map[string][]string
	currents   map[string][]string
	parkings   map[string][]string
}

func str(v any) string {
	if v == nil {
		return ""
	}
	return strings.Join(strings.Fields(fmt.Sprint(v)), " ")
}

func num(v any) float64 {
	f, _ := strconv.ParseFloat(str(v), 64)
	return f
}

func objects(v any) []map[string]any {
	list, _ := v.([]any)
	var all []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

func member(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}

func strs(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, e := range list {
		all = append(all, str(e))
	}
	return all
}

func (o *oracle) check(l map[string]any, r *providers.Record) {
	o.t.Helper()
	name := str(l["id"])
	wrong := func(field string, got, want any) {
		o.t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			o.t.Errorf("%s: %s mismatch (-want +got)\n%s", name, field, diff)
		}
	}
	wrong("title", r.Title, firstText(str(l["name"]), str(l["address"]), str(l["city"])))
	wrong("line1", r.Address.Line1, str(l["address"]))
	wrong("town", r.Address.Town, str(l["city"]))
	wrong("postcode", r.Address.Postcode, str(l["postal_code"]))
	wrong("country", r.Address.CountryCode, map[string]string{"NLD": "NL", "DEU": "DE"}[str(l["country"])])
	wrong("lat", r.Location.Lat, num(member(l["coordinates"], "latitude")))
	wrong("lon", r.Location.Lon, num(member(l["coordinates"], "longitude")))
	wrong("time zone", r.TimeZone, str(l["time_zone"]))
	wrong("owner", r.Owner, str(member(l["owner"], "name")))
	wrong("phone", r.Contact == nil, str(l["help_phone"]) == "")
	known := providers.NewOperator(providers.OCPI, str(l["country_code"])+"*"+str(l["party_id"]), str(member(l["operator"], "name")))
	if known.Title != "" {
		wrong("operator", r.Operator.Title, known.Title)
	}
	if party := str(l["party_id"]); party != "" {
		wrong("key", string(r.Key), "ocpi:test:"+strings.ToUpper(str(l["country_code"])+"*"+party+"*"+name))
		wrong("operator id", r.Operator.ID, known.ID)
	} else {
		wrong("key", string(r.Key), "ocpi:test:"+strings.ToUpper(name))
	}
	if updated := str(l["last_updated"]); updated != "" {
		at, err := time.Parse(time.RFC3339, updated)
		wrong("updated", r.UpdatedAt.Equal(at) && err == nil, true)
	}
	parking := str(l["parking_type"])
	if parking == "" {
		parking = str(l["type"])
	}
	if parking != "" {
		wrong("parking", string(r.Parking[0]), o.parkings[parking][0])
	}
	hours := l["opening_times"]
	if hours == nil {
		wrong("hours", r.OpeningHours == nil, true)
	} else {
		wrong("always open", *r.OpeningHours.Open24h, member(hours, "twentyfourseven"))
		wrong("weekly", len(r.OpeningHours.Weekly), len(objects(member(hours, "regular_hours"))))
	}
	o.checkEVSEs(l, r, wrong)
}

func firstText(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func (o *oracle) checkEVSEs(l map[string]any, r *providers.Record, wrong func(string, any, any)) {
	o.t.Helper()
	var live []map[string]any
	for _, e := range objects(l["evses"]) {
		if str(e["status"]) != "REMOVED" {
			live = append(live, e)
		}
	}
	wrong("EVSEs", len(r.EVSEs), len(live))
	if len(r.EVSEs) != len(live) {
		return
	}
	counts := map[string]int{}
	groups := map[string]int{}
	strongest := 0.0
	for i, e := range live {
		got := r.EVSEs[i]
		wrong("uid", got.ExternalID, str(e["uid"]))
		wrong("evse_id", got.EVSEID, firstText(str(e["evse_id"]), str(e["id"])))
		wrong("reference", got.PhysicalReference, str(e["physical_reference"]))
		wrong("floor", got.Floor, str(e["floor_level"]))
		wrong("capabilities", len(got.Capabilities), len(strs(e["capabilities"])))
		wrong("position", got.Location != nil, e["coordinates"] != nil)
		status := str(e["status"])
		if !slices.Contains(o.statuses[status], string(got.Status)) {
			wrong("status", string(got.Status), o.statuses[status])
		}
		switch status {
		case "AVAILABLE":
			counts["free"]++
		case "CHARGING", "BLOCKED", "RESERVED":
			counts["taken"]++
		case "OUTOFORDER", "INOPERATIVE":
			counts["out"]++
		default:
			counts["unknown"]++
		}
		plugs := objects(e["connectors"])
		wrong("connectors", len(got.Connections), len(plugs))
		for j, c := range plugs {
			p := got.Connections[j]
			wrong("type", string(p.Type), o.connectors[strings.ToUpper(str(c["standard"]))][0])
			wrong("format", string(p.Format), str(c["format"]))
			kw := o.power(c)
			switch {
			case kw == 0:
				wrong("power", p.PowerKW == nil, true)
			case math.Abs(*p.PowerKW-kw) > 0.0005+1e-9:
				wrong("power", *p.PowerKW, kw)
			}
			strongest = max(strongest, kw)
			volts := num(c["max_voltage"]) + num(c["voltage"])
			if volts > 0 {
				wrong("voltage", *p.VoltageV, volts)
			}
			groups[fmt.Sprintf("%s %s %s %.3f", p.Type, p.Format, p.Current, kw)]++
		}
	}
	wrong("points", *r.NumberOfPoints, len(live))
	if strongest > 0 {
		wrong("strongest", math.Abs(*r.MaxPowerKW-strongest) < 0.001, true)
	}
	if counts["unknown"] == len(live) {
		wrong("availability", r.Availability == nil, true)
	} else {
		wrong("counts", []int{r.Availability.Available, r.Availability.Occupied, r.Availability.OutOfService, r.Availability.Unknown, r.Availability.Total},
			[]int{counts["free"], counts["taken"], counts["out"], counts["unknown"], len(live)})
	}
	wrong("groups", len(r.Connections), len(groups))
	for _, g := range r.Connections {
		kw := 0.0
		if g.PowerKW != nil {
			kw = *g.PowerKW
		}
		wrong("quantity", *g.Quantity, groups[fmt.Sprintf("%s %s %s %.3f", g.Type, g.Format, g.Current, kw)])
	}
}

// power is the rule of the reference, written once more.
func (o *oracle) power(c map[string]any) float64 {
	if w := num(c["max_electric_power"]); w > 0 {
		return w / 1000
	}
	if kw := num(c["max_power"]); kw > 0 {
		return kw
	}
	v := num(c["max_voltage"]) + num(c["voltage"])
	a := num(c["max_amperage"]) + num(c["amperage"]) + num(c["ampere"])
	phases := str(c["power_type"])
	if str(c["standard"]) == "IEC_62196_T1" {
		phases = "AC_1_PHASE"
	}
	switch phases {
	case "AC_3_PHASE":
		if v >= 300 {
			return 1.7320508 * v * a / 1000
		}
		return 3 * v * a / 1000
	case "AC_2_PHASE", "AC_2_PHASE_SPLIT":
		return 2 * v * a / 1000
	}
	return v * a / 1000
}

func TestRealFeedsAreReadFieldByField(t *testing.T) {
	t.Parallel()
	folder := shared(t, "ocpi", "feeds")
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{
		t: t, connectors: offered(t, "connectors", "ocpi"), statuses: offered(t, "live_availability", "ocpi_evse_status"),
		currents: offered(t, "current_type", "ocpi_power_type"), parkings: offered(t, "parking", "ocpi_parking_type"),
	}
	read := 0
	for _, file := range files {
		if strings.Contains(file, "tariffs") {
			continue
		}
		raw := rawLocations(t, file)
		feed := fileFeed(t, file)
		g := mustPull(t, feed)
		missing := 0
		for _, l := range raw {
			id := strings.ToUpper(str(l["id"]))
			if party := str(l["party_id"]); party != "" {
				id = strings.ToUpper(str(l["country_code"])+"*"+party) + "*" + id
			}
			r := g.records[providers.NewKey("ocpi:test", id)]
			if r == nil {
				missing++
				continue
			}
			o.check(l, r)
			read++
		}
		report := feed.Report()
		if dropped := report.Unpublished + report.WithoutEVSEs + report.Unplaced + report.Broken; missing != dropped {
			t.Errorf("%s: %d locations have no record, %d were counted", file, missing, dropped)
		}
		t.Logf("%s: %+v", filepath.Base(file), report)
	}
	if read < 2000 {
		t.Errorf("%d locations compared, want two thousand at least", read)
	}
}

func TestTheSpecificationsExamplesAreRead(t *testing.T) {
	t.Parallel()
	folder := shared(t, "ocpi", "spec")
	var files []string
	for _, pattern := range []string{"2.2.1/location_example*.json", "2.3.0/location_example*.json", "2.1.1/mod_locations_*.json"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	records := 0
	for _, file := range files {
		text := readFile(t, file)
		var l map[string]any
		if json.Unmarshal([]byte(text), &l) != nil || l["coordinates"] == nil {
			continue // a part of a location
		}
		g := mustPull(t, fileFeed(t, writeFile(t, "["+text+"]")))
		want := 1
		if l["publish"] == false {
			want = 0
		}
		if len(g.records) != want {
			t.Errorf("%s: %d records, want %d", file, len(g.records), want)
		}
		for _, r := range g.records {
			records++
			if r.Title != firstText(str(l["name"]), str(l["address"])) || r.Address.CountryCode == "" || len(r.EVSEs) == 0 || r.UpdatedAt.IsZero() {
				t.Errorf("%s: %+v", file, r.Site)
			}
			if hours, _ := member(l["opening_times"], "regular_hours").([]any); len(hours) > 0 && len(r.OpeningHours.Weekly) != len(hours) {
				t.Errorf("%s: hours %+v", file, r.OpeningHours)
			}
		}
	}
	if records < 6 {
		t.Errorf("%d examples gave a record, want six at least", records)
	}
}

func TestVersionExamplesOfTheSpecificationAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.2.1", "2.3.0"} {
		p, err := readPage(strings.NewReader(`{"data":`+readFile(t, shared(t, "ocpi", "spec", version, "version_details_example.json"))+`}`), new(wireLocation), func(*wireLocation) error { return nil })
		if err != nil || len(p.endpoints) != 2 || p.endpoints[1].Identifier != "LOCATIONS" || p.endpoints[1].Role != "SENDER" {
			t.Errorf("%s: %+v, %v", version, p, err)
		}
		var versions []string
		_, err = readPage(strings.NewReader(readFile(t, shared(t, "ocpi", "spec", version, "versions_info_example.json"))), new(wireLocation), func(l *wireLocation) error {
			if isVersion(l) {
				versions = append(versions, string(l.Version))
			}
			return nil
		})
		if err != nil || !slices.Contains(versions, "2.2.1") {
			t.Errorf("%s: versions %v, %v", version, versions, err)
		}
	}
}

func TestBrokenPayloadsSpoilNothingElse(t *testing.T) {
	t.Parallel()
	folder := shared(t, "ocpi", "payloads_211")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	good := asJSON(t, location("good", nil))
	for _, entry := range entries {
		text := readFile(t, filepath.Join(folder, entry.Name()))
		if !json.Valid([]byte(text)) {
			continue
		}
		g := mustPull(t, fileFeed(t, writeFile(t, "["+text+","+good+"]")))
		if g.records["ocpi:test:NL*ABC*GOOD"] == nil {
			t.Errorf("%s: the location beside it is lost", entry.Name())
		}
	}
	partial := mustPull(t, fileFeed(t, filepath.Join(folder, "Locations_GetListing_PartialValid_locations.json")))
	if len(partial.records) != 2 {
		t.Errorf("%d locations of the partly valid list, want both: nothing in them is beyond use", len(partial.records))
	}
	valid := mustPull(t, fileFeed(t, filepath.Join(folder, "Locations_GetListing_Valid_location.json")))
	if len(valid.records) == 0 {
		t.Error("the valid list is empty")
	}
}

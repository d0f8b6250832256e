package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const ocpiRecordings = "../ocpi/"

func ocpiParams(sites int, change func(*Params)) Params {
	p := smallParams(sites)
	if change != nil {
		change(&p)
	}
	return p
}

// mediumWorld has some of everything and is quick to list.
var mediumWorld = sync.OnceValue(func() *World { return NewWorld(smallParams(800)) })

func newHub(t *testing.T, w *World, opts OCPIOptions) *OCPI {
	t.Helper()
	if opts.Now == nil && w != nil {
		opts.Now = func() time.Time { return w.Params().Epoch }
	}
	o, err := NewOCPI(w, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// askOCPI makes a request with headers, given as pairs.
func askOCPI(t *testing.T, h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// ocpiReply is OCPI's.
type ocpiReply struct {
	Data    json.RawMessage `json:"data"`
	Code    int             `json:"status_code"`
	Message string          `json:"status_message"`
	At      string          `json:"timestamp"`
}

func parse[T any](t *testing.T, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("parse %.200q: %v", text, err)
	}
	return v
}

func askEnvelope(t *testing.T, h http.Handler, target string, header ...string) (ocpiReply, *httptest.ResponseRecorder) {
	t.Helper()
	w := askOCPI(t, h, target, header...)
	e := parse[ocpiReply](t, w.Body.Bytes())
	if e.Code == 0 || e.At == "" {
		t.Fatalf("GET %s: %d %s is no envelope", target, w.Code, w.Body)
	}
	return e, w
}

// feedOf is the whole feed as an array.
func feedOf(t *testing.T, w *World, opts OCPIOptions, version string) []byte {
	t.Helper()
	opts.Style = OCPIArray
	return askOCPI(t, newHub(t, w, opts), "/ocpi/"+version+"/locations").Body.Bytes()
}

func TestAPartyFindsTheLocationsFromTheVersions(t *testing.T) {
	t.Parallel()
	o := newHub(t, mediumWorld(), OCPIOptions{})
	e, _ := askEnvelope(t, o, "http://hub.test/ocpi/versions")
	want := `[{"version":"2.1.1","url":"http://hub.test/ocpi/2.1.1"},{"version":"2.2.1","url":"http://hub.test/ocpi/2.2.1"},{"version":"2.3.0","url":"http://hub.test/ocpi/2.3.0"}]`
	if string(e.Data) != want || e.Code != 1000 {
		t.Errorf("versions: %d %s", e.Code, e.Data)
	}
	for version, role := range map[string]string{"2.1.1": "", "2.2.1": `"role":"SENDER",`, "2.3.0": `"role":"SENDER",`} {
		e, _ := askEnvelope(t, o, "http://hub.test/ocpi/"+version+"/")
		part := `{"identifier":"locations",` + role + `"url":"http://hub.test/ocpi/` + version + `/locations"}`
		if !strings.Contains(string(e.Data), part) {
			t.Errorf("details of %s: %s", version, e.Data)
		}
		if e, _ := askEnvelope(t, o, "http://hub.test/ocpi/"+version+"/locations?limit=3"); len(parse[[]any](t, e.Data)) != 3 {
			t.Errorf("%s: %s", version, e.Data)
		}
	}
	one := newHub(t, mediumWorld(), OCPIOptions{Version: "2.2.1"})
	if e, w := askEnvelope(t, one, "/ocpi/2.1.1/locations"); w.Code != 404 || e.Code != 3002 {
		t.Errorf("a version that is not spoken: %d %d", w.Code, e.Code)
	}
}

// kindsAt tells the kinds of value at every path.
func kindsAt(v any, path string, into map[string]map[string]bool) {
	kind := "null"
	switch v := v.(type) {
	case object:
		kind = "object"
		for _, m := range v {
			kindsAt(m.Value, path+"."+m.Name, into)
		}
	case []any:
		kind = "array"
		for _, x := range v {
			kindsAt(x, path+"[]", into)
		}
	case string:
		kind = "string"
	case bool:
		kind = "bool"
	case float64:
		kind = "number"
	}
	if into[path] == nil {
		into[path] = make(map[string]bool)
	}
	into[path][kind] = true
}

func samples(t *testing.T, pattern string) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(recordings, ocpiRecordings, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skipf("no recorded answers match %s (they are kept outside of the repository, CI has them)", pattern)
	}
	var texts [][]byte
	for _, name := range names {
		local, err := filepath.Rel(recordings, name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, recording(t, local))
	}
	return texts
}

func TestLocationsHaveTheMembersOfRealOnesAndTheSpecifications(t *testing.T) {
	t.Parallel()
	clean := NewWorld(ocpiParams(600, func(p *Params) {
		// Nothing of this is wrong, but not everybody tells it.
		p.OCPI = OCPINoise{PowerNull: 0.5, Images: 0.3, EnergyMix: 0.3, HelpPhone: 0.3, Restrictions: 0.3, Owner: 0.3, Suboperator: 0.2, EVSECoordinates: 0.1, TariffMissing: 0.1, OpeningClosings: 0.1, ParkingTypeNull: 0.3, PostcodeNull: 0.1, EVSEIDNull: 0.01, NameNull: 0.1, OperatorNull: 0.1, OpeningNull: 0.1}
	}))
	// What no sample happens to have, although the specification does.
	const spec = `.state:string .directions:array .directions[]:object .directions[].language:string .directions[].text:string
		.suboperator:object .suboperator.name:string .suboperator.website:null .suboperator.logo:null .owner.website:string .owner.website:null .owner.logo:null
		.owner:object .owner.name:string .owner.website:string .operator.website:string .operator:null
		.operator.logo:object .operator.logo.url:string .operator.logo.category:string .operator.logo.type:string .operator.logo:null .facilities:array .facilities[]:string .facilities:null
		.images[].thumbnail:string .images[].width:number .images[].height:number .images:null .images:array .images[]:object .images[].url:string .images[].category:string .images[].type:string
		.energy_mix:null .energy_mix.supplier_name:null .energy_mix:object .energy_mix.is_green_energy:bool .energy_mix.supplier_name:string .energy_mix.energy_sources:array .energy_mix.energy_sources[]:object .energy_mix.energy_sources[].source:string .energy_mix.energy_sources[].percentage:number
		.related_locations:null .directions:null .suboperator:null .owner:null .name:null .postal_code:null .state:null .help_phone:null .parking_type:null .opening_times:null
		.opening_times.exceptional_closings:array .opening_times.exceptional_closings[]:object .opening_times.exceptional_closings[].period_begin:string .opening_times.exceptional_closings[].period_end:string
		.opening_times.regular_hours:array .opening_times.regular_hours[]:object .opening_times.regular_hours[].weekday:number .opening_times.regular_hours[].period_begin:string .opening_times.regular_hours[].period_end:string
		
		.time_zone:string .charging_when_closed:bool .charging_when_closed:null
		.evses[].coordinates:object .evses[].coordinates.latitude:string .evses[].coordinates.longitude:string .evses[].evse_id:null
		.evses[].parking_restrictions:array .evses[].parking_restrictions[]:string .evses[].capabilities:null .evses[].floor_level:string .evses[].floor_level:null
		.evses[].parking_restrictions:null .evses[].images:null .evses[].directions:null .evses[].physical_reference:null .evses[].status_schedule:null
		.evses[].connectors[].terms_and_conditions:null .evses[].connectors[].tariff_ids:null .evses[].connectors[].tariff_id:null .evses[].connectors[].max_electric_power:null .evses[].connectors[].max_electric_power:number
		.evses[].connectors[].capabilities:array .evses[].connectors[].capabilities[]:string
		.help_phone:string .parking_places[].drive_through:bool .parking_places[].roofed:bool .parking_places[].lighting:bool .parking_places[].max_vehicle_height:number`
	known := make(map[string]bool)
	for s := range strings.FieldsSeq(spec) {
		known[s] = true
	}
	for _, c := range []struct {
		version string
		style   OCPIStyle
		samples []string
		// must are members that our answers have because the samples do.
		must string
	}{
		{"2.2.1", OCPIArray, []string{"feeds/ndw_delft_2026.locations.json.gz", "spec/2.2.1/location_example*.json"}, ".country_code .party_id .publish .evses[].evse_id .evses[].connectors[].max_voltage .evses[].connectors[].tariff_ids[] .owner.name .parking_type"},
		{"2.2.1", OCPICursor, []string{"feeds/chargecloud_ludwigsburg_2026.json.gz", "spec/2.2.1/location_example*.json"}, ".evses[].tariffs[].elements[].price_components[].price .help_phone .directions[].text"},
		{"2.3.0", OCPIArray, []string{"spec/2.3.0/location_example*.json", "spec/2.2.1/location_example*.json"}, ".parking_places[].vehicle_types[] .evses[].parking[].parking_id"},
		{"2.1.1", OCPIPage, []string{"feeds/ndw_receiver_*locations_211.json", "feeds/ndw_receiver_page0_211.json", "payloads_211/Locations_GetListing_*location*.json"}, ".type .evses[].connectors[].voltage .evses[].connectors[].amperage .evses[].connectors[].tariff_id"},
	} {
		theirs, ours := make(map[string]map[string]bool), make(map[string]map[string]bool)
		for _, pattern := range c.samples {
			for _, text := range samples(t, pattern) {
				list, err := readList(text, "data", "items", "content")
				if err != nil {
					t.Fatal(err)
				}
				for _, raw := range list {
					kindsAt(parseOrdered(t, raw), "", theirs)
				}
			}
		}
		body := askOCPI(t, newHub(t, clean, OCPIOptions{Version: c.version, Style: c.style, PageLimit: 10_000}), "/ocpi/"+c.version+"/locations").Body.Bytes()
		list, err := readList(body, "items", "content")
		if err != nil || len(list) < 300 {
			t.Fatalf("%s %s: %d locations, %v", c.version, c.style, len(list), err)
		}
		for _, raw := range list {
			kindsAt(parseOrdered(t, raw), "", ours)
		}
		for path, kinds := range ours {
			for kind := range kinds {
				if !theirs[path][kind] && !known[path+":"+kind] {
					t.Errorf("%s %s: %s is %s in the sandbox, in the samples %v", c.version, c.style, path, kind, slices.Sorted(maps.Keys(theirs[path])))
				}
			}
		}
		for path := range strings.FieldsSeq(c.must) {
			if len(theirs[path]) == 0 || len(ours[path]) == 0 {
				t.Errorf("%s %s: %s: samples %v, sandbox %v", c.version, c.style, path, theirs[path], ours[path])
			}
		}
	}
}

func TestThePageObjectHasTheRecordedMembers(t *testing.T) {
	t.Parallel()
	o := newHub(t, mediumWorld(), OCPIOptions{Style: OCPIPage})
	frame := func(text []byte) (names []string) {
		walk(parseOrdered(t, text), "", func(path string, o object) {
			if !strings.Contains(path, "content") {
				for _, m := range o {
					names = append(names, path+"."+m.Name)
				}
			}
		})
		return names
	}
	want := frame(recording(t, "../ocpi/feeds/ndw_receiver_page0_211.json"))
	if diff := cmp.Diff(want, frame(askOCPI(t, o, "/ocpi/2.1.1/locations?size=2").Body.Bytes())); diff != "" {
		t.Errorf("mismatch (-recorded +sandbox):\n%s", diff)
	}
}

// told is the parts of a location that tests look at, tolerant of noise.
type told struct {
	CountryCode string `json:"country_code"`
	PartyID     string `json:"party_id"`
	ID          any    `json:"id"`
	Publish     *bool  `json:"publish"`
	Coordinates *struct {
		Latitude, Longitude any
	} `json:"coordinates"`
	EVSEs []struct {
		UID        string `json:"uid"`
		EVSEID     string `json:"evse_id"`
		Status     string `json:"status"`
		Connectors []struct {
			ID               any    `json:"id"`
			Standard         string `json:"standard"`
			Format           string `json:"format"`
			PowerType        string `json:"power_type"`
			MaxVoltage       any    `json:"max_voltage"`
			MaxAmperage      any    `json:"max_amperage"`
			MaxElectricPower any    `json:"max_electric_power"`
		} `json:"connectors"`
		LastUpdated string `json:"last_updated"`
	} `json:"evses"`
	LastUpdated string `json:"last_updated"`
}

func (l *told) key() string { return l.CountryCode + "*" + l.PartyID + "*" + fmt.Sprint(l.ID) }

func (l *told) statuses() (all []string) {
	for _, e := range l.EVSEs {
		all = append(all, e.UID+" "+e.Status)
	}
	return all
}

func (l *told) updated(t *testing.T) time.Time {
	t.Helper()
	at, ok := parseOCPITime(l.LastUpdated)
	if !ok {
		t.Fatalf("last_updated %q", l.LastUpdated)
	}
	return at
}

var nextLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// follow collects all pages by their Link.
func follow(t *testing.T, h http.Handler, target string) (all []json.RawMessage, pages int) {
	t.Helper()
	for target != "" {
		e, w := askEnvelope(t, h, target)
		all = append(all, parse[[]json.RawMessage](t, e.Data)...)
		pages++
		target = ""
		if link := w.Header().Get("Link"); link != "" {
			m := nextLink.FindStringSubmatch(link)
			if m == nil {
				t.Fatalf("Link: %s", link)
			}
			target = m[1]
		}
	}
	return all, pages
}

func TestEveryStyleOfPagingTellsTheSameLocations(t *testing.T) {
	t.Parallel()
	w := NewWorld(ocpiParams(400, func(p *Params) { p.OCPI.Silent = nil }))
	want := parse[[]json.RawMessage](t, feedOf(t, w, OCPIOptions{}, "2.2.1"))
	if len(want) < 200 {
		t.Fatalf("%d locations", len(want))
	}
	same := func(name string, got []json.RawMessage) {
		t.Helper()
		if !slices.EqualFunc(want, got, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) { // cmp takes minutes
			t.Errorf("%s: %d locations, not the %d of the array", name, len(got), len(want))
		}
	}
	o := newHub(t, w, OCPIOptions{})
	all, pages := follow(t, o, "http://hub.test/ocpi/2.2.1/locations?limit=7&date_from=1999-01-01T00:00:00Z")
	same("Link", all)
	if pages != (len(want)+6)/7 {
		t.Errorf("%d pages of 7 for %d", pages, len(want))
	}

	all = nil
	noLink := newHub(t, w, OCPIOptions{PageLimit: 30, Quirks: OCPIQuirks{NoLink: true}})
	for {
		e, r := askEnvelope(t, noLink, "/ocpi/2.2.1/locations?limit=500&offset="+strconv.Itoa(len(all)))
		if r.Header().Get("X-Limit") != "30" || r.Header().Get("X-Total-Count") != strconv.Itoa(len(want)) || r.Header().Get("Link") != "" {
			t.Fatalf("headers: %v", r.Header())
		}
		page := parse[[]json.RawMessage](t, e.Data)
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
	}
	same("X-Limit", all)

	all = nil
	paged := newHub(t, w, OCPIOptions{Style: OCPIPage, PageLimit: 30})
	for page, pages := 0, 1; page < pages; page++ {
		got := parse[struct {
			Content                   []json.RawMessage
			TotalPages, TotalElements int
			First, Last, Empty        bool
		}](t, askOCPI(t, paged, fmt.Sprintf("/ocpi/2.2.1/locations?page=%d&size=25", page)).Body.Bytes())
		all, pages = append(all, got.Content...), got.TotalPages
		if got.First != (page == 0) || got.Last != (page == pages-1) || got.Empty || got.TotalElements != len(want) {
			t.Errorf("page %d: %+v", page, got)
		}
	}
	same("page object", all)

	// Tariffs stand elsewhere in that style, so ids must do.
	cursors, ids, cursor := newHub(t, w, OCPIOptions{Style: OCPICursor}), []string{}, "first"
	for cursor != "" {
		got := parse[struct {
			Next  *string
			Items []told
		}](t, askOCPI(t, cursors, "/ocpi/2.2.1/locations?limit=9&cursor="+strings.TrimPrefix(cursor, "first")).Body.Bytes())
		for _, l := range got.Items {
			ids = append(ids, l.key())
		}
		cursor = ""
		if got.Next != nil {
			cursor = url.QueryEscape(*got.Next)
		}
	}
	var wantIDs []string
	for _, raw := range want {
		l := parse[told](t, raw)
		wantIDs = append(wantIDs, l.key())
	}
	if diff := cmp.Diff(wantIDs, ids); diff != "" {
		t.Errorf("cursor mismatch (-array +paged):\n%s", diff)
	}
}

func TestBadManners(t *testing.T) {
	t.Parallel()
	const list = "http://hub.test/ocpi/2.2.1/locations?limit=10"
	quirky := func(q OCPIQuirks) *OCPI { return newHub(t, mediumWorld(), OCPIOptions{Quirks: q}) }
	for name, c := range map[string]struct {
		quirks OCPIQuirks
		header string
		want   string
	}{
		"good":        {OCPIQuirks{}, "Link", `<http://hub.test/ocpi/2.2.1/locations?limit=10&offset=10>; rel="next"`},
		"repeats":     {OCPIQuirks{LinkRepeats: true}, "Link", `<http://hub.test/ocpi/2.2.1/locations?limit=10&offset=0>; rel="next"`},
		"elsewhere":   {OCPIQuirks{LinkHost: "elsewhere.invalid"}, "Link", `<http://elsewhere.invalid/ocpi/2.2.1/locations?limit=10&offset=10>; rel="next"`},
		"no link":     {OCPIQuirks{NoLink: true}, "Link", ""},
		"no total":    {OCPIQuirks{NoTotal: true}, "X-Total-Count", ""},
		"still limit": {OCPIQuirks{NoTotal: true}, "X-Limit", "10"},
	} {
		if got := askOCPI(t, quirky(c.quirks), list).Header().Get(c.header); got != c.want {
			t.Errorf("%s: %s: %q, want %q", name, c.header, got, c.want)
		}
	}
	for downgrades, want := range map[bool]string{false: "<https://", true: "<http://"} {
		if got := askOCPI(t, quirky(OCPIQuirks{LinkDowngrades: downgrades}), "https"+strings.TrimPrefix(list, "http")).Header().Get("Link"); !strings.HasPrefix(got, want) {
			t.Errorf("over TLS: Link: %s, want %s", got, want)
		}
	}
	good, _ := askEnvelope(t, quirky(OCPIQuirks{}), list)
	bad, w := askEnvelope(t, quirky(OCPIQuirks{Broken: true}), list)
	wanted, mixed := parse[[]json.RawMessage](t, good.Data), parse[[]json.RawMessage](t, bad.Data)
	if len(mixed) != len(wanted)+2 || string(mixed[0]) != "null" || w.Header().Get("X-Total-Count") != askOCPI(t, quirky(OCPIQuirks{}), list).Header().Get("X-Total-Count") {
		t.Errorf("%d objects for %d good ones, first %s", len(mixed), len(wanted), mixed[0])
	}
	for _, l := range wanted {
		if !slices.ContainsFunc(mixed, func(m json.RawMessage) bool { return bytes.Equal(m, l) }) {
			t.Errorf("a good one is gone: %s", l)
		}
	}
}

func TestTokensAreExpectedAsTheVersionHasThem(t *testing.T) {
	t.Parallel()
	const raw, encoded = "Token s3cret:ö", "Token czNjcmV0OsO2"
	const versions, old, later = "/ocpi/versions", "/ocpi/2.1.1/locations?limit=1", "/ocpi/2.2.1/locations?limit=1"
	for _, c := range []struct {
		encoding OCPIEncoding
		header   string
		ok       []string
	}{
		{OCPIBySpec, raw, []string{versions, old}},
		{OCPIBySpec, encoded, []string{versions, later}},
		{OCPIRaw, raw, []string{versions, old, later}},
		{OCPIRaw, encoded, nil},
		{OCPIBase64, raw, nil},
		{OCPIBase64, encoded, []string{versions, old, later}},
		{OCPIBySpec, "Token other", nil},
		{OCPIBySpec, "Bearer s3cret:ö", nil},
		{OCPIBySpec, "", nil},
	} {
		o := newHub(t, mediumWorld(), OCPIOptions{Token: "s3cret:ö", Encoding: c.encoding})
		for _, path := range []string{versions, old, later} {
			want := 401
			if slices.Contains(c.ok, path) {
				want = 200
			}
			e, w := askEnvelope(t, o, path, "Authorization", c.header)
			if w.Code != want || want == 401 && e.Code != 2000 {
				t.Errorf("%q with %q of %q: %d %d, want %d", path, c.header, c.encoding, w.Code, e.Code, want)
			}
		}
	}
	cloud := newHub(t, mediumWorld(), OCPIOptions{Token: "s3cret", Style: OCPICursor})
	if w := askOCPI(t, cloud, later, "X-Api-Key", "s3cret"); w.Code != 200 {
		t.Errorf("X-Api-Key: %d", w.Code)
	}
	if w := askOCPI(t, newHub(t, mediumWorld(), OCPIOptions{}), later); w.Code != 200 {
		t.Errorf("open data: %d", w.Code)
	}
}

func TestErrorsComeInTheEnvelope(t *testing.T) {
	t.Parallel()
	o := newHub(t, mediumWorld(), OCPIOptions{})
	for target, want := range map[string][2]int{
		"/ocpi/2.2.1/locations?limit=0":         {200, 2001},
		"/ocpi/2.2.1/locations?limit=many":      {200, 2001},
		"/ocpi/2.2.1/locations?offset=-1":       {200, 2001},
		"/ocpi/2.2.1/locations?date_from=today": {200, 2001},
		"/ocpi/2.2.1/tariffs?date_to=2026-13-1": {200, 2001},
		"/ocpi/2.2.1/locations/nowhere":         {404, 2003},
		"/ocpi/2.2.1/sessions":                  {404, 3003},
		"/ocpi/versions/2":                      {404, 3003},
		"/ocpi/2.0/locations":                   {404, 3002},
		"/elsewhere":                            {404, 2000},
		"/ocpi/2.2.1/locations?offset=999999":   {200, 1000},
	} {
		e, w := askEnvelope(t, o, target)
		if w.Code != want[0] || e.Code != want[1] {
			t.Errorf("GET %s: %d %d, want %v", target, w.Code, e.Code, want)
		}
		if e.Code != 1000 && e.Data != nil {
			t.Errorf("GET %s: an error with data %s", target, e.Data)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/ocpi/2.2.1/locations/1", strings.NewReader("{}"))
	r.Header.Set("X-Request-ID", "request-1")
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	if w.Code != 405 || w.Header().Get("X-Request-ID") != "request-1" {
		t.Errorf("PUT: %d %v", w.Code, w.Header())
	}
	bad := newHub(t, mediumWorld(), OCPIOptions{Style: OCPICursor})
	if e, w := askEnvelope(t, bad, "/ocpi/2.2.1/locations?cursor=whatever"); w.Code != 400 || e.Code != 2001 {
		t.Errorf("cursor: %d %d", w.Code, e.Code)
	}
}

func TestOCPIFaultsLookLikeOCPIs(t *testing.T) {
	t.Parallel()
	o := newHub(t, mediumWorld(), OCPIOptions{})
	for fault, want := range map[Fault][2]int{NotArray: {200, 3000}, Unauthorized: {401, 2000}, Forbidden: {403, 2000}, TooMany: {429, 2000}} {
		o.Faults().Set(fault, OnPath("/locations"))
		if e, w := askEnvelope(t, o, "/ocpi/2.2.1/locations"); w.Code != want[0] || e.Code != want[1] {
			t.Errorf("%s: %d %d, want %v", fault, w.Code, e.Code, want)
		}
		if _, w := askEnvelope(t, o, "/ocpi/versions"); w.Code != 200 {
			t.Errorf("%s spoils the versions too", fault)
		}
	}
	o.Faults().Set(WrongTypes)
	var e ocpiReply
	if body := askOCPI(t, o, "/ocpi/2.2.1/locations").Body.Bytes(); !json.Valid(body) || json.Unmarshal(body, &e) == nil {
		t.Errorf("wrong types: %s", body)
	}
	if n := len(o.Calls()); n != 9 {
		t.Errorf("%d calls", n)
	}
}

func TestOneLocationAndWhatIsInside(t *testing.T) {
	t.Parallel()
	o := newHub(t, mediumWorld(), OCPIOptions{})
	e, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations?limit=5")
	for _, raw := range parse[[]json.RawMessage](t, e.Data) {
		l := parse[told](t, raw)
		id := fmt.Sprint(l.ID)
		route := []string{"Ocpi-To-Country-Code", l.CountryCode, "OCPI-to-party-id", strings.ToLower(l.PartyID)}
		one, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations/"+url.PathEscape(id), route...)
		if !bytes.Equal(one.Data, raw) {
			t.Errorf("location %s:\n%s\nin the list\n%s", id, one.Data, raw)
		}
		evse := l.EVSEs[0]
		if one, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations/"+id+"/"+evse.UID, route...); !bytes.Contains(raw, one.Data) || !bytes.Contains(one.Data, []byte(`"uid":"`+evse.UID)) {
			t.Errorf("EVSE %s: %s", evse.UID, one.Data)
		}
		if one, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations/"+id+"/"+evse.UID+"/1", route...); !bytes.Contains(raw, one.Data) || !bytes.Contains(one.Data, []byte(`"standard"`)) {
			t.Errorf("connector of %s: %s", evse.UID, one.Data)
		}
		if one, w := askEnvelope(t, o, "/ocpi/2.2.1/locations/"+id+"/none", route...); w.Code != 404 || one.Code != 2003 {
			t.Errorf("no such EVSE: %d %d", w.Code, one.Code)
		}
	}
	to, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations", "Ocpi-To-Country-Code", "NL", "Ocpi-To-Party-Id", "sth")
	for _, l := range parse[[]told](t, to.Data) {
		if l.PartyID != "STH" {
			t.Errorf("asked for STH, got %s", l.PartyID)
		}
	}
}

func TestTheDateWindowIncludesItsBeginningOnly(t *testing.T) {
	t.Parallel()
	w := NewWorld(smallParams(150))
	o := newHub(t, w, OCPIOptions{PageLimit: 10_000})
	everything := parse[[]told](t, feedOf(t, w, OCPIOptions{}, "2.2.1"))
	epoch := w.Params().Epoch
	rapid.Check(t, func(rt *rapid.T) {
		// Bounds that fall on a last_updated are the interesting ones.
		bound := func(name string) time.Time {
			if rapid.Bool().Draw(rt, name+" exact") {
				return everything[rapid.IntRange(0, len(everything)-1).Draw(rt, name)].updated(t)
			}
			return epoch.Add(-time.Duration(rapid.IntRange(0, 3*24*3600).Draw(rt, name)) * time.Second)
		}
		from, to := bound("from"), bound("to")
		var want []string
		for _, l := range everything {
			if at := l.updated(t); !at.Before(from) && at.Before(to) {
				want = append(want, l.key())
			}
		}
		query := url.Values{"date_from": {from.Format(time.RFC3339)}, "date_to": {to.Format("2006-01-02T15:04:05.000Z")}}
		e, head := askEnvelope(t, o, "/ocpi/2.2.1/locations?"+query.Encode())
		var got []string
		for _, l := range parse[[]told](t, e.Data) {
			got = append(got, l.key())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("from %v to %v mismatch (-want +got):\n%s", from, to, diff)
		}
		if head.Header().Get("X-Total-Count") != strconv.Itoa(len(want)) {
			rt.Fatalf("X-Total-Count: %s for %d", head.Header().Get("X-Total-Count"), len(want))
		}
	})
}

func TestStatusesMoveWithTheClockAndDateFromFindsThem(t *testing.T) {
	t.Parallel()
	w := NewWorld(ocpiParams(250, func(p *Params) { p.OCPI.LocationStale, p.OCPI.Older = 0, 0 }))
	var clock atomic.Int64
	clock.Store(w.Params().Epoch.Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	array := newHub(t, w, OCPIOptions{Style: OCPIArray, Now: now})
	poll := newHub(t, w, OCPIOptions{Now: now, PageLimit: 10_000})
	at := func() map[string]told {
		all := make(map[string]told)
		for _, l := range parse[[]told](t, askOCPI(t, array, "/ocpi/2.2.1/locations").Body.Bytes()) {
			all[l.key()] = l
		}
		return all
	}
	before, changes := at(), 0
	for range 12 {
		since := now()
		clock.Add(20 * 60)
		after := at()
		e, _ := askEnvelope(t, poll, "/ocpi/2.2.1/locations?date_from="+since.Format(time.RFC3339))
		listed := make(map[string]bool)
		for _, l := range parse[[]told](t, e.Data) {
			listed[l.key()] = true
		}
		for key, l := range after {
			was, ok := before[key]
			if ok && l.updated(t).Before(was.updated(t)) {
				t.Errorf("%s: last_updated goes back from %s to %s", key, was.LastUpdated, l.LastUpdated)
			}
			if l.updated(t).After(now()) {
				t.Errorf("%s: last_updated %s is in the future", key, l.LastUpdated)
			}
			if !ok || slices.Equal(was.statuses(), l.statuses()) {
				continue
			}
			changes++
			if !listed[key] {
				t.Errorf("%s changed, but not for date_from=%v: last_updated %s", key, since, l.LastUpdated)
			}
		}
		before = after
	}
	if changes < 100 {
		t.Errorf("%d changes in four hours", changes)
	}
}

func TestStaleFeedsHideTheirChanges(t *testing.T) {
	t.Parallel()
	w := NewWorld(ocpiParams(200, func(p *Params) { p.OCPI = OCPINoise{LocationStale: 1} }))
	epoch := w.Params().Epoch
	texts := make([]string, 2)
	for i := range texts {
		now := epoch.Add(time.Duration(i) * 6 * time.Hour)
		texts[i] = string(feedOf(t, w, OCPIOptions{Now: func() time.Time { return now }}, "2.2.1"))
	}
	a, b := parse[[]told](t, []byte(texts[0])), parse[[]told](t, []byte(texts[1]))
	moved := 0
	for i := range a {
		if a[i].LastUpdated != b[i].LastUpdated || a[i].EVSEs[0].LastUpdated != b[i].EVSEs[0].LastUpdated {
			t.Fatalf("%s: last_updated moved", a[i].key())
		}
		if !slices.Equal(a[i].statuses(), b[i].statuses()) {
			moved++
		}
	}
	if moved < 20 {
		t.Errorf("%d of %d locations moved", moved, len(a))
	}
}

func TestAFeedWithoutNoiseTellsTheTruth(t *testing.T) {
	t.Parallel()
	w := NewWorld(ocpiParams(600, func(p *Params) { p.OCPI = OCPINoise{} }))
	o := newHub(t, w, OCPIOptions{})
	seen := make(map[string]bool)
	locations := 0
	for _, l := range parse[[]told](t, feedOf(t, w, OCPIOptions{}, "2.2.1")) {
		locations++
		s, ok := o.SiteOf(l.CountryCode, l.PartyID, fmt.Sprint(l.ID))
		if !ok {
			t.Fatalf("nobody knows %s", l.key())
		}
		lat, err := strconv.ParseFloat(fmt.Sprint(l.Coordinates.Latitude), 64)
		if err != nil || lat != s.Lat || !*l.Publish {
			t.Errorf("%s: latitude %v of %v", l.key(), l.Coordinates.Latitude, s.Lat)
		}
		byID := make(map[string]EVSE)
		for _, st := range s.Stations {
			for _, e := range st.EVSEs {
				byID[e.EVSEID] = e
			}
		}
		for _, e := range l.EVSEs {
			truth, ok := byID[e.EVSEID]
			if !ok || seen[e.EVSEID] || len(truth.Plugs) != len(e.Connectors) {
				t.Fatalf("%s: EVSE %s: %v, seen %v", l.key(), e.EVSEID, ok, seen[e.EVSEID])
			}
			seen[e.EVSEID] = true
			state, _, _ := w.StatusAt(&s, &truth, w.Params().Epoch)
			if (state == Available) != (e.Status == "AVAILABLE") || (state == Occupied || state == Finishing) != (e.Status == "CHARGING") {
				t.Errorf("%s: %s is %v in truth", e.EVSEID, e.Status, state)
			}
			for i, c := range e.Connectors {
				p := truth.Plugs[i]
				if fmt.Sprint(c.MaxElectricPower) != fmt.Sprint(p.PowerKW*1000) || (c.PowerType == "DC") != (p.Current == DC) || (c.Format == "CABLE") != p.Cable {
					t.Errorf("%s: %+v of %+v", e.EVSEID, c, p)
				}
			}
		}
	}
	published := 0
	for _, s := range w.Sites() {
		for _, st := range s.Stations {
			if o, _ := w.Operator(st.Operator); o.Kind == Network && s.Lifecycle == Open {
				published += len(st.EVSEs)
			}
		}
	}
	if len(seen) != published || locations < 300 {
		t.Errorf("%d EVSEs of %d, in %d locations", len(seen), published, locations)
	}
}

func TestTheOCPIFeedHasEveryQuirk(t *testing.T) {
	t.Parallel()
	text := feedOf(t, defaultWorld(), OCPIOptions{}, "2.2.1")
	for what, c := range map[string]struct {
		part        string
		least, most int
	}{
		"capitals":           {`"IEC_60309_2_THREE_16"`, 20, 500},
		"spelling":           {`"IEC_60309_2_three_16"`, 20, 500},
		"unknown standard":   {`"WIRELESS_COIL"`, 1, 100},
		"unknown capability": {`"TAP_TO_PAY"`, 10, 1000},
		"lower case":         {`"status":"available"`, 10, 1000},
		"removed":            {`"REMOVED"`, 20, 2000},
		"planned":            {`"PLANNED"`, 20, 2000},
		"unknown":            {`"UNKNOWN"`, 20, 2000},
		"blocked":            {`"BLOCKED"`, 5, 1000},
		"inoperative":        {`"INOPERATIVE"`, 5, 1000},
		"hidden":             {`"publish":false`, 10, 500},
		"no coordinates":     {`"coordinates":null`, 2, 20000},
		"null island":        {`"latitude":"0`, 2, 100},
		"quoted numbers":     {`"max_voltage":"`, 10, 2000},
		"bare coordinates":   {`"latitude":5`, 3, 500},
		"power null":         {`"max_electric_power":null`, 500, 20000},
		"line to line":       {`"max_voltage":400`, 300, 20000},
		"neutral":            {`"max_voltage":230`, 300, 20000},
		"end of day":         {`"24:00"`, 20, 5000},
		"seconds":            {`:59"}`, 10, 5000},
		"closings":           {`"exceptional_closings"`, 5, 500},
		"offset":             {`+02:00"`, 20, 20000},
		"millis":             {`.000Z"`, 500, 50000},
		"images":             {`"images":[`, 50, 1000},
		"energy":             {`"energy_mix":{`, 100, 2000},
		"house 0":            {`"address":"0 `, 1, 100},
		"alpha 2":            {`"country":"GB"`, 1, 100},
		"bare ids":           {`"id":1,"standard"`, 10, 3000},
		"tariffs":            {`"tariff_ids":["t-`, 1000, 50000},
	} {
		if n := bytes.Count(text, []byte(c.part)); n < c.least || n > c.most {
			t.Errorf("%s: %s occurs %d times, want %d..%d", what, c.part, n, c.least, c.most)
		}
	}
	locations := parse[[]told](t, text)
	keys, ids, evses := make(map[string]int), make(map[string]map[string]bool), make(map[string]int)
	bare, starred, null, empty, unplugged, absent := 0, 0, 0, 0, 0, 0
	for _, l := range locations {
		keys[l.key()]++
		if id := fmt.Sprint(l.ID); ids[id] == nil {
			ids[id] = map[string]bool{l.PartyID: true}
		} else {
			ids[id][l.PartyID] = true
		}
		if len(l.EVSEs) == 0 {
			empty++
		}
		if l.Coordinates == nil {
			absent++
		}
		for _, e := range l.EVSEs {
			switch {
			case e.EVSEID == "":
				null++
			case strings.Contains(e.EVSEID, "*"):
				starred++
			case !strings.Contains(e.EVSEID, "-"):
				bare++
			}
			if len(e.Connectors) == 0 {
				unplugged++
			}
			if keys[l.key()] == 1 {
				evses[l.PartyID+e.UID]++
			}
		}
	}
	count := func(m map[string]int) (n int) {
		for _, x := range m {
			if x > 1 {
				n++
			}
		}
		return n
	}
	parties := 0
	for _, p := range ids {
		if len(p) > 1 {
			parties++
		}
	}
	share := float64(bare) / float64(bare+starred+null)
	for what, ok := range map[string]bool{
		"older copies":           count(keys) >= 10,
		"EVSEs in two locations": count(evses) >= 5,
		"ids of two parties":     parties >= 3,
		"bare evse_ids":          share > 0.22 && share < 0.32,
		"null evse_ids":          null >= 5,
		"no EVSEs":               empty >= 3,
		"no connectors":          unplugged >= 10,
		"no position":            absent >= 5,
	} {
		if !ok {
			t.Errorf("%s: copies %d, EVSEs %d, ids %d, bare %.2f, null %d, empty %d, unplugged %d, absent %d", what, count(keys), count(evses), parties, share, null, empty, unplugged, absent)
		}
	}
	if n := len(parse[[]told](t, feedOf(t, defaultWorld(), OCPIOptions{}, "2.1.1"))); n >= len(locations) {
		t.Errorf("2.1.1 cannot say publish=false, but has %d of %d locations", n, len(locations))
	}
}

func TestTheSameWorldPublishesTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.1.1", "2.2.1", "2.3.0"} {
		a := feedOf(t, NewWorld(smallParams(300)), OCPIOptions{}, version)
		b := feedOf(t, NewWorld(smallParams(300)), OCPIOptions{}, version)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two feeds of one world differ", version)
		}
		if larger := feedOf(t, NewWorld(smallParams(500)), OCPIOptions{}, version); !bytes.HasPrefix(larger, a[:len(a)-1]) {
			t.Errorf("%s: a larger world does not begin with the smaller one", version)
		}
	}
}

func TestWithdrawnLocationsAreGoneUntilTheyAreRestored(t *testing.T) {
	t.Parallel()
	w := mediumWorld()
	o := newHub(t, w, OCPIOptions{})
	count := func() int {
		_, head := askEnvelope(t, o, "/ocpi/2.2.1/locations?limit=1")
		n, err := strconv.Atoi(head.Header().Get("X-Total-Count"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	e, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations?limit=3&offset=20")
	page, all := parse[[]told](t, e.Data), count()
	o.Withdraw(page[0].key(), fmt.Sprint(page[1].ID))
	if n := count(); n > all-2 {
		t.Errorf("%d of %d after two are gone", n, all)
	}
	if _, head := askEnvelope(t, o, "/ocpi/2.2.1/locations/"+page[0].key()); head.Code != 404 {
		t.Errorf("a withdrawn location: %d", head.Code)
	}
	o.Restore(page[0].key())
	if _, head := askEnvelope(t, o, "/ocpi/2.2.1/locations/"+page[0].key()); head.Code != 200 {
		t.Errorf("a restored location: %d", head.Code)
	}
	o.Restore()
	if n := count(); n != all {
		t.Errorf("%d of %d after all are back", n, all)
	}
}

func TestAnEndpointOfOneParty(t *testing.T) {
	t.Parallel()
	o := newHub(t, mediumWorld(), OCPIOptions{Parties: []string{"stroomhalte"}})
	e, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations")
	for _, l := range parse[[]told](t, e.Data) {
		if l.key()[:7] != "NL*STH*" {
			t.Errorf("%s is not of the party", l.key())
		}
	}
	if e, _ := askEnvelope(t, o, "/ocpi/2.1.1/locations?limit=1"); strings.Contains(string(e.Data), `"id":"NL*`) {
		t.Errorf("an id of 2.1.1 with its party although there is one only: %s", e.Data)
	}
	hub := newHub(t, mediumWorld(), OCPIOptions{})
	if e, _ := askEnvelope(t, hub, "/ocpi/2.1.1/locations?limit=1"); !strings.Contains(string(e.Data), `*`) {
		t.Errorf("an id of 2.1.1 without its party: %s", e.Data)
	}
}

func TestTariffsOfAllLocationsAreListed(t *testing.T) {
	t.Parallel()
	w := mediumWorld()
	o := newHub(t, w, OCPIOptions{PageLimit: 10_000})
	known := make(map[string]bool)
	e, _ := askEnvelope(t, o, "/ocpi/2.2.1/tariffs")
	for _, tariff := range parse[[]struct {
		ID       string
		Elements []struct {
			Components []map[string]any `json:"price_components"`
		}
	}](t, e.Data) {
		if len(tariff.Elements) == 0 || len(tariff.Elements[0].Components) == 0 || known[tariff.ID] {
			t.Errorf("tariff %+v", tariff)
		}
		known[tariff.ID] = true
	}
	locations, _ := askEnvelope(t, o, "/ocpi/2.2.1/locations")
	for _, m := range regexp.MustCompile(`"tariff_ids":\["([^"]+)"\]`).FindAllSubmatch(locations.Data, -1) {
		if !known[string(m[1])] {
			t.Errorf("tariff %s is not listed", m[1])
		}
	}
	if e, _ := askEnvelope(t, o, "/ocpi/2.3.0/tariffs?limit=1"); !strings.Contains(string(e.Data), `"tax_included":"YES"`) {
		t.Errorf("2.3.0: %s", e.Data)
	}
	if e, _ := askEnvelope(t, o, "/ocpi/2.1.1/tariffs?limit=1"); strings.Contains(string(e.Data), `party`) || strings.Contains(string(e.Data), `vat`) {
		t.Errorf("2.1.1: %s", e.Data)
	}
}

func TestRecordedOCPIAnswersComeBackAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"feeds/ndw_vlieland_2026.locations.json.gz", "feeds/chargecloud_ludwigsburg_2026.json.gz", "feeds/ndw_receiver_page0_211.json", "payloads_211/Locations_GetListing_Valid_location.json"} {
		want, err := readList(recording(t, filepath.Join(ocpiRecordings, name)), "data", "items", "content")
		if err != nil || len(want) == 0 {
			t.Fatal(name, err)
		}
		for _, style := range []OCPIStyle{OCPIEnvelope, OCPIArray, OCPICursor, OCPIPage} {
			o := newHub(t, nil, OCPIOptions{File: filepath.Join(recordings, ocpiRecordings, name), Style: style, PageLimit: 10_000})
			got, err := readList(askOCPI(t, o, "/ocpi/2.2.1/locations").Body.Bytes(), "data", "items", "content")
			if err != nil || len(got) != len(want) {
				t.Fatalf("%s as %s: %d of %d, %v", name, style, len(got), len(want), err)
			}
			for i := range want {
				var line bytes.Buffer
				if err := json.Compact(&line, want[i]); err != nil || !bytes.Equal(line.Bytes(), got[i]) {
					t.Fatalf("%s as %s: location %d is %s, recorded is %s", name, style, i, got[i], want[i])
				}
			}
		}
	}
}

func TestARecordedLocationIsFoundByDateAndID(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "feed.jsonl")
	lines := `{"id":7,"last_updated":"2026-01-01T00:00:00+02:00"}` + "\n" + `{"country_code":"NL","party_id":"ABC","id":"x","last_updated":"2026-02-01T00:00:00"}` + "\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	o := newHub(t, nil, OCPIOptions{File: file, Version: "2.1.1"})
	if e, _ := askEnvelope(t, o, "/ocpi/2.1.1/locations?date_from=2026-01-01T00:00:00Z"); strings.Contains(string(e.Data), `:7`) || !strings.Contains(string(e.Data), `"x"`) {
		t.Errorf("date_from: %s", e.Data)
	}
	if e, _ := askEnvelope(t, o, "/ocpi/2.1.1/locations/7"); string(e.Data) != `{"id":7,"last_updated":"2026-01-01T00:00:00+02:00"}` {
		t.Errorf("by id: %s", e.Data)
	}
	o.Withdraw("NL*ABC*x")
	if _, w := askEnvelope(t, o, "/ocpi/2.1.1/locations/x"); w.Code != 404 {
		t.Errorf("withdrawn: %d", w.Code)
	}
	if _, ok := o.SiteOf("NL", "ABC", "x"); ok {
		t.Error("there is a truth behind a recording")
	}
}

func TestNewOCPIRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`[{"name":"no id"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, opts := range map[string]OCPIOptions{
		"PageLimit":    {PageLimit: -1},
		"Style":        {Style: "soap"},
		"Encoding":     {Encoding: "rot13"},
		"Version":      {Version: "2.2"},
		"Parties":      {Parties: []string{"cobalt"}},
		"no such file": {File: "testdata/absent.json"},
		bad:            {File: bad},
	} {
		if _, err := NewOCPI(mediumWorld(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewOCPI() = %v, want an error with %q", err, want)
		}
	}
	if _, err := NewOCPI(nil, OCPIOptions{}); err == nil {
		t.Error("NewOCPI(nil) has no error")
	}
}

func TestAWrittenFeedIsLongDeterministicAndServable(t *testing.T) {
	t.Parallel()
	feed := func(n int, seed uint64) []byte {
		var b bytes.Buffer
		if err := WriteOCPIFeed(&b, n, seed); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	long := feed(300, 7)
	if got := parse[[]told](t, long); len(got) != 300 || got[0].CountryCode == "" {
		t.Errorf("%d locations", len(got))
	}
	if !bytes.Equal(long, feed(300, 7)) || bytes.Equal(long, feed(300, 8)) {
		t.Error("the seed does not decide")
	}
	if short := feed(100, 7); !bytes.HasPrefix(long, short[:len(short)-1]) {
		t.Error("a shorter feed is not the beginning of a longer one")
	}
	if string(feed(0, 1)) != "[]" || WriteOCPIFeed(&bytes.Buffer{}, -1, 1) == nil {
		t.Error("no locations, or fewer")
	}
	if err := WriteOCPIFeed(fullDisk{}, 1000, 1); !errors.Is(err, errFull) {
		t.Errorf("WriteOCPIFeed() = %v", err)
	}
	file := filepath.Join(t.TempDir(), "feed.json")
	if err := os.WriteFile(file, long, 0o600); err != nil {
		t.Fatal(err)
	}
	if all, _ := follow(t, newHub(t, nil, OCPIOptions{File: file}), "http://hub.test/ocpi/2.2.1/locations"); len(all) != 300 {
		t.Errorf("%d served", len(all))
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func FuzzOCPIString(f *testing.F) {
	for _, s := range []string{"", `"\`, "a\x00\x1f\n", "ü漢\U0001F50C", "\xff\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendOCPIString(nil, s), &back); err != nil || back != string([]rune(s)) {
			t.Errorf("%q is written %s and read %q, %v", s, appendOCPIString(nil, s), back, err)
		}
	})
}

func BenchmarkOCPIPage(b *testing.B) {
	o, err := NewOCPI(defaultWorld(), OCPIOptions{Now: func() time.Time { return defaultWorld().Params().Epoch }})
	if err != nil {
		b.Fatal(err)
	}
	for name, target := range map[string]string{"page": "/ocpi/2.2.1/locations?offset=1000", "changes": "/ocpi/2.2.1/locations?date_from=2026-09-30T23:55:00Z"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), http.MethodGet, target, nil))
			}
		})
	}
}

func BenchmarkWriteOCPIFeed(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var n counter
		if err := WriteOCPIFeed(&n, 2000, 1); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

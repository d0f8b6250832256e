package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func newLab(t *testing.T, w *World, opts OCPPLABOptions) *OCPPLAB {
	t.Helper()
	if opts.Now == nil && w != nil {
		opts.Now = func() time.Time { return w.Params().Epoch }
	}
	o, err := NewOCPPLAB(w, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func askLab(t *testing.T, o *OCPPLAB, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return askOCPI(t, o, target, append([]string{"Authorization", "Bearer some.jwt.token"}, header...)...)
}

// labList is a page of locations.
type labList struct {
	Data               []ocpplabLocation
	Total, Page, Limit int
}

func TestOCPPLABAnswersHaveTheDocumentedMembersInTheirOrder(t *testing.T) {
	t.Parallel()
	o := newLab(t, defaultWorld(), OCPPLABOptions{PeerURL: "http://peer.test/ocpi/versions"})
	nulls := make(map[string]int)
	for target, sample := range map[string]string{
		"/ocpi/cpos":                                "cpos_list.json",
		"/ocpi/cpos/101/locations?limit=100":        "cpo_locations_list.json",
		"/ocpi/cpos/101/locations?limit=100&page=2": "cpo_locations_list.json",
		"/ocpi/cpos/103/locations":                  "cpo_locations_list.json",
	} {
		theirs := make(map[string]map[string]bool)
		text := recording(t, filepath.Join(ocpiRecordings, "ocpplab", sample))
		members := recordedMembers(t, text)
		kindsAt(parseOrdered(t, text), "", theirs)
		w := askLab(t, o, target)
		walk(parseOrdered(t, w.Body.Bytes()), "", func(path string, o object) {
			var names []string
			for _, m := range o {
				names = append(names, m.Name)
			}
			if !slices.Equal(names, members[path]) {
				t.Fatalf("%s: %s has members %v, documented are %v", target, path, names, members[path])
			}
		})
		ours := make(map[string]map[string]bool)
		kindsAt(parseOrdered(t, w.Body.Bytes()), "", ours)
		for path, kinds := range ours {
			for kind := range kinds {
				if kind == "null" {
					nulls[path]++
				} else if !theirs[path][kind] {
					t.Errorf("%s: %s is %s, documented %v", target, path, kind, theirs[path])
				}
			}
		}
	}
	for _, field := range []string{"ocpp_location_id", "organization_id", "slug", "name", "address", "city", "country", "coordinates", "timezone", "owner_name", "public", "chargers", "created_at", "updated_at", "chargers[].connector_type"} {
		if nulls[".data[]."+field] == 0 {
			t.Errorf("%s is never null", field)
		}
	}
	if nulls[".data[].id"] > 0 {
		t.Error("an id is null")
	}
	list := parse[labList](t, askLab(t, o, "/ocpi/cpos/101/locations?limit=1").Body.Bytes())
	one := askLab(t, o, "/ocpi/cpos/101/locations/"+list.Data[0].ID)
	want := recordedMembers(t, recording(t, filepath.Join(ocpiRecordings, "ocpplab/cpo_location_get.json")))
	var names []string
	walk(parseOrdered(t, one.Body.Bytes()), "", func(path string, o object) {
		if path == "" {
			for _, m := range o {
				names = append(names, m.Name)
			}
		}
	})
	if !slices.Equal(names, want[""]) {
		t.Errorf("one location has members %v, documented are %v", names, want[""])
	}
}

func TestOCPPLABPagesHoldEverythingOnce(t *testing.T) {
	t.Parallel()
	o := newLab(t, defaultWorld(), OCPPLABOptions{})
	whole := parse[labList](t, askLab(t, o, "/ocpi/cpos/101/locations?limit=100").Body.Bytes())
	if whole.Total < 100 || whole.Limit != 100 || whole.Page != 1 {
		t.Fatalf("%d locations, page %d of %d", whole.Total, whole.Page, whole.Limit)
	}
	seen := make(map[string]bool)
	for page := 1; ; page++ {
		got := parse[labList](t, askLab(t, o, fmt.Sprintf("/ocpi/cpos/101/locations?page=%d&limit=33", page)).Body.Bytes())
		for _, l := range got.Data {
			if seen[l.ID] {
				t.Errorf("%s comes twice", l.ID)
			}
			seen[l.ID] = true
			s, ok := o.SiteOf("101", l.ID)
			if !ok || l.Coordinates != nil && (s.Lat-l.Coordinates.Latitude > 0.01 || l.Coordinates.Latitude-s.Lat > 0.01) {
				t.Errorf("%s: the truth is %v, %v", l.ID, ok, s.Lat)
			}
		}
		if page*33 >= got.Total {
			break
		}
	}
	if len(seen) != whole.Total {
		t.Errorf("%d of %d locations", len(seen), whole.Total)
	}
	behind := askLab(t, o, "/ocpi/cpos/101/locations?page=4611686018427387905").Body.String()
	if !strings.HasPrefix(behind, `{"data":[],`) {
		t.Errorf("behind the last page: %s", behind)
	}
	if got := parse[labList](t, askLab(t, o, "/ocpi/cpos/101/locations").Body.Bytes()); got.Limit != 50 || len(got.Data) != 50 {
		t.Errorf("by default: %d of %d", len(got.Data), got.Limit)
	}
}

func TestOCPPLABErrorsAreFastAPIs(t *testing.T) {
	t.Parallel()
	o := newLab(t, mediumWorld(), OCPPLABOptions{Token: "user", AdminToken: "admin"})
	const list = "/ocpi/cpos/101/locations"
	for _, c := range []struct {
		target string
		header []string
		status int
		want   string
	}{
		{list, []string{"Authorization", ""}, 401, `{"detail":"Not authenticated"}`},
		{list, []string{"Authorization", "Token user"}, 401, `{"detail":"Not authenticated"}`},
		{list, []string{"Authorization", "Bearer other"}, 401, `{"detail":"Invalid or expired token"}`},
		{list, []string{"Authorization", "Bearer admin"}, 403, `{"detail":"Tenant scope required: send X-Organization-Id"}`},
		{list, []string{"Authorization", "Bearer admin", "X-Organization-Id", ocpplabOrganization}, 200, ""},
		{list, []string{"X-Organization-Id", "another"}, 403, `{"detail":"Token is scoped to another organization"}`},
		{list, nil, 200, ""},
		{"/ocpi/cpos/101", nil, 200, ""},
		{"/ocpi/cpos/999/locations", nil, 404, `{"detail":"CPO not found"}`},
		{list + "/loc-0", nil, 404, `{"detail":"Location not found"}`},
		{"/ocpi/parties", nil, 404, `{"detail":"Not Found"}`},
		{list + "?limit=101", nil, 422, `{"detail":[{"type":"less_than_equal","loc":["query","limit"],"msg":"Input should be less than or equal to 100","input":"101","ctx":{"le":100}}]}`},
		{list + "?page=0", nil, 422, `{"detail":[{"type":"greater_than_equal","loc":["query","page"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}]}`},
		{"/ocpi/cpos?page=two", nil, 422, `{"detail":[{"type":"int_parsing","loc":["query","page"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"two"}]}`},
		{"/ocpi/cpos/ten/locations", nil, 422, `{"detail":[{"type":"string_pattern_mismatch","loc":["path","cpo_id"],"msg":"String should match pattern '^\\d+$'","input":"ten","ctx":{"pattern":"^\\d+$"}}]}`},
	} {
		w := askLab(t, o, c.target, append([]string{"Authorization", "Bearer user"}, c.header...)...)
		if w.Code != c.status || c.want != "" && w.Body.String() != c.want {
			t.Errorf("GET %s with %v: %d %s, want %d %s", c.target, c.header, w.Code, w.Body, c.status, c.want)
		}
	}
	for method, status := range map[string]int{http.MethodPost: 403, http.MethodDelete: 403, http.MethodPut: 405} {
		r := httptest.NewRequestWithContext(t.Context(), method, list, nil)
		r.Header.Set("Authorization", "Bearer user")
		w := httptest.NewRecorder()
		if o.ServeHTTP(w, r); w.Code != status {
			t.Errorf("%s: %d, want %d", method, w.Code, status)
		}
	}
	o.Faults().Set(TooMany)
	if w := askLab(t, o, list); w.Code != 429 || !strings.HasPrefix(w.Body.String(), `{"detail":`) {
		t.Errorf("429: %d %s", w.Code, w.Body)
	}
}

func TestCPOsExpire(t *testing.T) {
	t.Parallel()
	o := newLab(t, mediumWorld(), OCPPLABOptions{})
	o.Expire("102")
	if got := o.CPOs(); !slices.Equal(got, []string{"101", "103"}) {
		t.Errorf("CPOs() = %v", got)
	}
	if w := askLab(t, o, "/ocpi/cpos/102/locations"); w.Code != 404 {
		t.Errorf("an expired CPO: %d", w.Code)
	}
	if body := askLab(t, o, "/ocpi/cpos").Body.String(); strings.Contains(body, `"102"`) || !strings.Contains(body, `"total":2`) {
		t.Errorf("list: %s", body)
	}
	now := mediumWorld().Params().Epoch
	brief := newLab(t, mediumWorld(), OCPPLABOptions{TTL: time.Hour, Now: func() time.Time { return now }})
	if body := askLab(t, brief, "/ocpi/cpos").Body.String(); !strings.Contains(body, `"expires_at":"2026-10-01T01:00:00Z"`) {
		t.Errorf("list: %s", body)
	}
	now = now.Add(time.Hour)
	if w := askLab(t, brief, "/ocpi/cpos/101/locations"); w.Code != 404 || len(brief.CPOs()) != 0 {
		t.Errorf("after an hour: %d, CPOs %v", w.Code, brief.CPOs())
	}
}

func TestTheSameWorldKeepsTheSameLocationsAtOCPPLAB(t *testing.T) {
	t.Parallel()
	all := func(sites int) string {
		return askLab(t, newLab(t, NewWorld(smallParams(sites)), OCPPLABOptions{}), "/ocpi/cpos/101/locations?limit=100").Body.String()
	}
	a, larger := all(300), all(500)
	if a != all(300) {
		t.Error("two gateways of one world differ")
	}
	if list, _, _ := strings.Cut(a, `],"total"`); !strings.HasPrefix(larger, list) {
		t.Error("a larger world does not begin with the smaller one")
	}
	clean := smallParams(300)
	clean.OCPPLAB = OCPPLABNoise{Listed: 1}
	w := NewWorld(clean)
	for _, l := range parse[labList](t, askLab(t, newLab(t, w, OCPPLABOptions{CPOs: []string{"fjordlading"}}), "/ocpi/cpos/101/locations?limit=100").Body.Bytes()).Data {
		if l.Coordinates == nil || l.Name == nil || l.Public == nil || len(l.Chargers) == 0 || l.Chargers[0].ConnectorType == nil {
			t.Errorf("without noise something is null: %+v", l)
		}
	}
}

func TestRecordedOCPPLABAnswersComeBackAsTheyAre(t *testing.T) {
	t.Parallel()
	list := filepath.Join(recordings, ocpiRecordings, "ocpplab/cpo_locations_list.json")
	want := parse[map[string]json.RawMessage](t, recording(t, filepath.Join(ocpiRecordings, "ocpplab/cpo_locations_list.json")))
	o := newLab(t, nil, OCPPLABOptions{File: list})
	got := askLab(t, o, "/ocpi/cpos/101/locations").Body.String()
	if compactJSON(t, want["data"]) != compactJSON(t, parse[map[string]json.RawMessage](t, []byte(got))["data"]) {
		t.Errorf("served %s\nrecorded %s", got, want["data"])
	}
	if w := askLab(t, o, "/ocpi/cpos/101/locations/loc-42"); w.Code != 200 {
		t.Errorf("loc-42: %d", w.Code)
	}
	both := filepath.Join(t.TempDir(), "both.json")
	cpos := recording(t, filepath.Join(ocpiRecordings, "ocpplab/cpos_list.json"))
	text := `{"cpos":` + string(cpos) + `,"locations":{"101":` + compactJSON(t, want["data"]) + `,"7":{"data":[]}}}`
	if err := os.WriteFile(both, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o = newLab(t, nil, OCPPLABOptions{File: both})
	if got := o.CPOs(); !slices.Equal(got, []string{"101", "7"}) {
		t.Errorf("CPOs() = %v", got)
	}
	if body := askLab(t, o, "/ocpi/cpos").Body.String(); !strings.Contains(body, "api.ocpplab.test") {
		t.Errorf("CPOs: %s", body)
	}
	if got := askLab(t, o, "/ocpi/cpos/101/locations").Body.String(); !strings.Contains(got, "loc-42") {
		t.Errorf("locations: %s", got)
	}
}

func compactJSON(t *testing.T, text []byte) string {
	t.Helper()
	b, err := json.Marshal(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewOCPPLABRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"data":[{"name":"no id"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, opts := range map[string]OCPPLABOptions{
		"TTL":                      {TTL: -1},
		`no operator "nobody"`:     {CPOs: []string{"nobody"}},
		"at most 99":               {CPOs: make([]string, 100)},
		"no such file":             {File: "testdata/absent.json"},
		bad + ": location 1 of CP": {File: bad},
	} {
		if _, err := NewOCPPLAB(mediumWorld(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewOCPPLAB() = %v, want an error with %q", err, want)
		}
	}
	if _, err := NewOCPPLAB(nil, OCPPLABOptions{}); err == nil {
		t.Error("NewOCPPLAB(nil) has no error")
	}
}

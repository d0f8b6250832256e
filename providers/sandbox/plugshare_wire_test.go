package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const psRecordings = "../../../shared/data/plugshare/"

// defaultPSView is made once: views do not change.
var defaultPSView = sync.OnceValue(func() *psView { return newPSView(defaultWorld()) })

func newPSSim(t *testing.T, opts PlugShareOptions) *PlugShare {
	t.Helper()
	var p *PlugShare
	if opts.File == "" {
		if opts.Now == nil {
			opts.Now = func() time.Time { return defaultWorld().Params().Epoch }
		}
		p = servePSView(defaultPSView(), defaultWorld(), opts)
	} else {
		var err error
		if p, err = NewPlugShare(nil, opts); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func psSend(t *testing.T, p http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.SetBasicAuth("someone", "secret")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func psGet(t *testing.T, p http.Handler, target string) []byte {
	t.Helper()
	w := psSend(t, p, http.MethodGet, target, "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != typeJSON {
		t.Fatalf("GET %s: %d %s %s", target, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return w.Body.Bytes()
}

// shape collects, for every kind of object below v, how often it occurs and
// which kinds of value each member has. "" and [] are kinds of their own.
type shape struct {
	objects map[string]int
	members map[string]map[string]int // path.member, kind
}

func newShape() *shape {
	return &shape{objects: make(map[string]int), members: make(map[string]map[string]int)}
}

func (s *shape) add(v any) {
	walk(v, "", func(path string, o object) {
		path = strings.TrimPrefix(path, "[]")
		s.objects[path]++
		for _, m := range o {
			name := path + "." + m.Name
			if s.members[name] == nil {
				s.members[name] = make(map[string]int)
			}
			s.members[name][kindOf(m.Value)]++
		}
	})
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case object:
		return "object"
	case []any:
		return "list"
	case bool:
		return "bool"
	case string:
		if v == "" {
			return `""`
		}
		return "text"
	default:
		return "number"
	}
}

// psRecording reads a recorded answer, or skips the test.
func psRecording(t *testing.T, name string) []byte {
	t.Helper()
	b, err := readMaybeGzip(filepath.Join(psRecordings, name))
	if os.IsNotExist(err) {
		t.Skipf("the recorded answers are not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func psLines(t *testing.T, name string) []any {
	t.Helper()
	var all []any
	for line := range bytes.Lines(psRecording(t, name)) {
		all = append(all, parseOrdered(t, line))
	}
	return all
}

// everyNthDetail parses the details of a part of the world.
func everyNthDetail(t *testing.T, p *PlugShare, n int) []any {
	t.Helper()
	var all []any
	for i, l := range defaultPSView().locations {
		if i%n == 0 && !l.secret {
			all = append(all, parseOrdered(t, psGet(t, p, "/v3/locations/"+strconv.Itoa(l.ID))))
		}
	}
	return all
}

// beyond are the kinds that no recorded answer at hand shows, but the reference
// tells of.
func beyond() map[string][]string {
	return map[string][]string{
		".access_restriction":                  {"text"},
		".access_restriction_description":      {"text"},
		".address":                             {`""`},
		".entrance_latitude":                   {"number"},
		".entrance_longitude":                  {"number"},
		".majority_network_id":                 {"null"},
		".name":                                {`""`},
		".opening_times":                       {"null"},
		".opening_times.regular_hours":         {"list"},
		".opening_times.regular_hours[]":       {"object"},
		".overhead_clearance_meters":           {"text"},
		".parking_level":                       {"text"},
		".parking_type_name":                   {`""`},
		".poi_name":                            {"null"},
		".reverse_geocoded_address":            {"null"},
		".reverse_geocoded_address_components": {"null"},
		".reverse_geocoded_address_components.administrative_area_2": {"null"},
		".reverse_geocoded_address_components.postal_code":           {"null"},
		".owner.country_code":                        {"null"},
		".owner.last_name":                           {"text"},
		".owner.about":                               {"text"},
		".owner.phone":                               {"text"},
		".owner.e164_phone_number":                   {"text"},
		".owner.formatted_phone_number":              {"text"},
		".owner.language_code":                       {"null"},
		".reviews[].response":                        {"text"},
		".reviews[].user":                            {`""`},
		".reviews[].user.about":                      {"text"},
		".reviews[].user.country_code":               {"null"},
		".reviews[].user.last_name":                  {"text"},
		".reviews[].user.phone":                      {"text"},
		".reviews[].user.e164_phone_number":          {"text"},
		".reviews[].user.formatted_phone_number":     {"text"},
		".stations[].network":                        {`""`},
		".stations[].pre_charge_instructions":        {"text"},
		".stations[].outlets[].connector_name":       {"null"},
		".stations[].outlets[].evse_ext_id":          {"text"},
		".stations[].outlets[].status":               {"text"},
		".stations[].outlets[].status_changed_at":    {"text"},
		".stations[].outlets[].volts":                {"number"},
		".stations[].outlets[].amps":                 {"number"},
		".datasources[].network.description":         {"text"},
		".datasources[].network.url":                 {"text"},
		".datasources[].network.e164_phone_number":   {`""`},
		".stations[].network.description":            {"null"},
		".stations[].network.phone":                  {"null"},
		".stations[].network.url":                    {"null"},
		".stations[].network.e164_phone_number":      {`""`},
		".stations[].network.formatted_phone_number": {`""`},
	}
}

// known are members that no recording has, with the objects below them.
func known(name string) bool {
	return strings.HasPrefix(name, ".stations[].outlets[].prices[]") || strings.HasPrefix(name, ".opening_times.regular_hours[]") ||
		slices.Contains([]string{".owner.bookmarks", ".owner.display_name", ".owner.is_deleted", ".owner.locations", ".owner.setup_complete"}, name)
}

func TestDetailsHaveTheRecordedMembersAndKinds(t *testing.T) {
	t.Parallel()
	recent, all := newShape(), newShape()
	recent.add(parseOrdered(t, psRecording(t, "detail_v3_supercharger_2024.json")))
	all.add(parseOrdered(t, psRecording(t, "detail_v3_supercharger_2024.json")))
	for _, d := range psLines(t, "details_louisville_2019.jsonl.gz") {
		all.add(d)
	}
	for _, doc := range []string{"location__object_properties.json", "location__get_location.json"} {
		all.add(parseOrdered(t, psRecording(t, "docs/"+doc)))
	}
	ours := newShape()
	for _, d := range everyNthDetail(t, newPSSim(t, PlugShareOptions{}), 15) {
		ours.add(d)
	}
	for name, kinds := range ours.members {
		for kind, n := range kinds {
			if all.members[name][kind] == 0 && !slices.Contains(beyond()[name], kind) && !known(name) {
				t.Errorf("%s is %s %d times; recorded are %v", name, kind, n, all.members[name])
			}
		}
	}
	for name, kinds := range recent.members {
		path := name[:strings.LastIndex(name, ".")]
		n := 0
		for _, k := range ours.members[name] {
			n += k
		}
		switch optional := strings.HasPrefix(name, ".reviews[].vehicle_") || strings.HasPrefix(name, ".reviews[].spam") ||
			slices.Contains([]string{".score", ".reviews[].finished", ".reviews[].connector_type", ".reviews[].user", ".stations[].network"}, name); {
		case n == 0:
			t.Errorf("no detail has %s, which is recorded as %v", name, kinds)
		case optional && n == ours.objects[path]:
			t.Errorf("%s is never absent", name)
		case !optional && n != ours.objects[path]:
			t.Errorf("%s is absent %d times of %d", name, ours.objects[path]-n, ours.objects[path])
		}
	}
}

func TestItemsOfSearchesHaveExactlyTheRecordedMembers(t *testing.T) {
	t.Parallel()
	recorded := newShape()
	recorded.add(parseOrdered(t, psRecording(t, "region_v3_2025.json")))
	recorded.add(parseOrdered(t, psRecording(t, "region_v3_item_2024.json")))
	owners := newShape()
	owners.add(parseOrdered(t, psRecording(t, "region_louisville_2019.json")))
	ours := newShape()
	sim := newPSSim(t, PlugShareOptions{})
	for _, c := range defaultCities() {
		ours.add(parseOrdered(t, psGet(t, sim, fmt.Sprintf("/v3/locations/region?latitude=%v&longitude=%v&spanLat=0.5&spanLng=0.5&count=500", c.Lat, c.Lon))))
	}
	for name, kinds := range ours.members {
		for kind, n := range kinds {
			if recorded.members[name][kind]+owners.members[name][kind] == 0 && name+kind != `.name""` {
				t.Errorf("%s is %s %d times; recorded are %v", name, kind, n, recorded.members[name])
			}
		}
	}
	for name, kinds := range recorded.members {
		for kind, n := range kinds {
			if ours.members[name][kind] == 0 {
				t.Errorf("%s is never %s, recorded %d times", name, kind, n)
			}
		}
		total := 0
		for _, n := range ours.members[name] {
			total += n
		}
		absent := ours.objects[name[:strings.LastIndex(name, ".")]] - total
		if optional := name == ".score" || name == ".stations[].network_id"; optional != (absent > 0) {
			t.Errorf("%s is absent %d times", name, absent)
		}
	}
}

func TestMembersStandInAlphabeticalOrder(t *testing.T) {
	t.Parallel()
	sim := newPSSim(t, PlugShareOptions{})
	check := func(v any) {
		walk(v, "", func(path string, o object) {
			if !slices.IsSortedFunc(o, func(a, b member) int { return strings.Compare(a.Name, b.Name) }) {
				t.Fatalf("members of %s are %v", path, o)
			}
		})
	}
	for _, d := range everyNthDetail(t, sim, 150) {
		check(d)
	}
	for _, path := range []string{"networks", "locations/nearby?latitude=51.5&longitude=-0.12", "locations/nearby?latitude=51.5&longitude=-0.12&minimal=1"} {
		check(parseOrdered(t, psGet(t, sim, "/v3/"+path)))
	}
}

func TestMinimalItemsHaveTheMembersOfTheSample(t *testing.T) {
	t.Parallel()
	sample, ours := newShape(), newShape()
	sample.add(parseOrdered(t, psRecording(t, "docs/location__fetch_locations_along_route_2.json")))
	ours.add(parseOrdered(t, psGet(t, newPSSim(t, PlugShareOptions{}), "/v3/locations/region?latitude=51.5&longitude=-0.12&spanLat=1&spanLng=1&count=250&minimal=1")))
	for name := range ours.members {
		if sample.members[name] == nil && name != ".stations[].network_id" {
			t.Errorf("%s is not in the sample", name)
		}
	}
	for name := range sample.members {
		if ours.members[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestARecordingIsServedAsItWasRecorded(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"details_louisville_2019.jsonl.gz", "detail_v3_supercharger_2024.json", "region_louisville_2019.json", "region_v3_2025.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := psRecording(t, name)
			sim := newPSSim(t, PlugShareOptions{File: filepath.Join(psRecordings, name)})
			records, err := splitPSRecords(text)
			if err != nil {
				t.Fatal(err)
			}
			items := make(map[float64]map[string]any)
			for _, r := range records {
				var want, got map[string]any
				if err := json.Unmarshal(r, &want); err != nil {
					t.Fatal(err)
				}
				id := want["id"].(float64) //nolint:errcheck,forcetypeassert // a recording
				items[id] = want
				if err := json.Unmarshal(psGet(t, sim, fmt.Sprintf("/locations/%.0f", id)), &got); err != nil {
					t.Fatal(err)
				}
				if reviews, ok := want["reviews"].([]any); ok && len(reviews) > 50 {
					want["reviews"] = reviews[:50]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("location %v mismatch (-recorded +sandbox):\n%s", id, diff)
				}
			}
			var found []map[string]any
			if err := json.Unmarshal(psGet(t, sim, "/locations/search?query=a&count=250"), &found); err != nil || len(found) == 0 {
				t.Fatalf("search: %v, %d items", err, len(found))
			}
			for _, item := range found {
				want := items[item["id"].(float64)] //nolint:errcheck,forcetypeassert // it has one
				if strings.HasPrefix(name, "region") && !reflect.DeepEqual(want, item) {
					t.Fatalf("item mismatch (-recorded +sandbox):\n%s", cmp.Diff(want, item))
				}
				if item["reviews"] != nil || item["photos"] != nil || item["id"] == nil || item["stations"] == nil {
					t.Errorf("item has members of a detail: %v", item)
				}
			}
		})
	}
}

func TestReviewsOfARecordingArePaged(t *testing.T) {
	t.Parallel()
	file := "details_louisville_2019.jsonl.gz"
	records, err := splitPSRecords(psRecording(t, file))
	if err != nil {
		t.Fatal(err)
	}
	sim := newPSSim(t, PlugShareOptions{File: filepath.Join(psRecordings, file)})
	for _, r := range records {
		var whole struct {
			ID      int               `json:"id"`
			Reviews []json.RawMessage `json:"reviews"`
		}
		if err := json.Unmarshal(r, &whole); err != nil {
			t.Fatal(err)
		}
		if len(whole.Reviews) < 100 {
			continue // one page
		}
		var got []json.RawMessage
		for page := 1; ; page++ {
			var part []json.RawMessage
			if err := json.Unmarshal(psGet(t, sim, fmt.Sprintf("/locations/%d/reviews?count=600&page=%d", whole.ID, page)), &part); err != nil {
				t.Fatal(err)
			}
			if got = append(got, part...); len(part) < 500 { // 600 are not had
				break
			}
		}
		if !slices.EqualFunc(whole.Reviews, got, sameJSON) {
			t.Errorf("location %d: %d reviews, recorded are %d", whole.ID, len(got), len(whole.Reviews))
		}
	}
}

// sameJSON reports whether two texts differ by blanks alone.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func TestAFileThatIsNoRecordingOfPlugShareIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"text": "hello", "objects": `{"a":1}`, "null": "[null]", "type": `[{"id":"seven"}]`, "cut": `[{"id":7`, "nowhere": `{"id":7,"latitude":null,"longitude":1}`, "ocm": `[{"ID":7,"AddressInfo":{"Latitude":1,"Longitude":2}}]`,
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewPlugShare(nil, PlugShareOptions{File: file}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: NewPlugShare() = %v, want an error that names the file", name, err)
		}
	}
	if _, err := NewPlugShare(nil, PlugShareOptions{}); err == nil {
		t.Error("NewPlugShare(nil) has no error")
	}
}

package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	recordings = "../../../shared/data/ocm/"
	someKey    = "01234567-89ab-cdef-0123-456789abcdef"
)

// member is one member of a JSON object; objects keep their order.
type (
	member struct {
		Name  string
		Value any
	}
	object []member
)

func parseOrdered(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	v, err := readOrdered(d)
	if err != nil {
		t.Fatalf("parse %.80q…: %v", text, err)
	}
	return v
}

func readOrdered(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, _ := d.Token()
			v, broken := readOrdered(d)
			if broken != nil {
				return nil, broken
			}
			o = append(o, member{fmt.Sprint(name), v})
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, broken := readOrdered(d)
			if broken != nil {
				return nil, broken
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

// walk calls visit for every object below v, with its path.
func walk(v any, path string, visit func(path string, o object)) {
	switch v := v.(type) {
	case object:
		visit(path, v)
		for _, m := range v {
			walk(m.Value, path+"."+m.Name, visit)
		}
	case []any:
		for _, x := range v {
			walk(x, path+"[]", visit)
		}
	}
}

// recording reads one recorded answer, or skips the test.
func recording(t *testing.T, name string) []byte {
	t.Helper()
	b, err := readMaybeGzip(filepath.Join(recordings, name))
	if os.IsNotExist(err) {
		t.Skipf("the recorded answers are not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newSim(t *testing.T, opts OCMOptions) *OCM {
	t.Helper()
	var o *OCM
	if opts.File == "" {
		opts.Now = func() time.Time { return defaultWorld().Params().Epoch }
		o = newOCM(defaultView(), opts) // made once: views do not change
	} else {
		var err error
		if o, err = NewOCM(nil, opts); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// get asks a simulator without a network in between.
func get(t *testing.T, o http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Header.Set("X-Api-Key", someKey)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w
}

func getOK(t *testing.T, o http.Handler, target string) []byte {
	t.Helper()
	w := get(t, o, target)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// recordedMembers collects the members of every kind of object in a verbose
// recording, in their order.
func recordedMembers(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	members := make(map[string][]string)
	walk(parseOrdered(t, text), "", func(path string, o object) {
		var names []string
		for _, m := range o {
			names = append(names, m.Name)
		}
		if before, ok := members[path]; ok && !slices.Equal(before, names) {
			t.Fatalf("recording: two forms of %s", path)
		}
		members[path] = names
	})
	return members
}

const refMembers = "DataProvider OperatorInfo UsageType StatusType SubmissionStatus Country ConnectionType CurrentType Level CommentType CheckinStatusType"

func TestVerboseAnswersHaveExactlyTheRecordedMembersInTheirOrder(t *testing.T) {
	t.Parallel()
	want := recordedMembers(t, recording(t, "recorded/mixed-2024-verbose-comments.json"))
	got := parseOrdered(t, getOK(t, newSim(t, OCMOptions{}), "/v3/poi?maxresults=800"))
	met := make(map[string]bool)
	walk(got, "", func(path string, o object) {
		if strings.Contains(path, "MetadataValues") {
			return // none in that recording
		}
		met[path] = true
		var names []string
		for _, m := range o {
			names = append(names, m.Name)
		}
		if !slices.Equal(names, want[path]) {
			t.Fatalf("%s has members\n%v, recorded are\n%v", path, names, want[path])
		}
	})
	for path := range want {
		if !met[path] {
			t.Errorf("no answer has an object %s", path)
		}
	}
}

func TestTerseAnswersLeaveOutNullsAndNothingElse(t *testing.T) {
	t.Parallel()
	verbose := recordedMembers(t, recording(t, "recorded/mixed-2024-verbose-comments.json"))
	recorded := []string{"recorded/austin-2026-radius-verbose-false.json.gz", "recorded/de-2023-compact.json"}
	sim := newSim(t, OCMOptions{})
	answers := map[string][]byte{
		"full":    getOK(t, sim, "/v3/poi?verbose=false&maxresults=800"),
		"compact": getOK(t, sim, "/v3/poi?verbose=false&compact=true&includecomments=true&maxresults=800"),
		"silent":  getOK(t, sim, "/v3/poi?verbose=false&compact=true&maxresults=800"),
	}
	for _, name := range recorded {
		answers[name] = recording(t, name)
	}
	for name, text := range answers {
		walk(parseOrdered(t, text), "", func(path string, o object) {
			if strings.Contains(path, "MetadataValues") {
				return
			}
			at := 0
			for _, m := range o {
				if m.Value == nil {
					t.Fatalf("%s: %s.%s is null", name, path, m.Name)
				}
				next := slices.Index(verbose[path][at:], m.Name)
				if next < 0 {
					t.Fatalf("%s: %s.%s is out of order or unknown", name, path, m.Name)
				}
				at += next + 1
				if name != "full" && strings.Contains(name, "compact") && slices.Contains(strings.Fields(refMembers), m.Name) {
					t.Fatalf("%s: %s.%s is there although compact", name, path, m.Name)
				}
				if name == "silent" && (m.Name == "UserComments" || m.Name == "MediaItems") {
					t.Fatalf("%s is there although nobody asked for comments", m.Name)
				}
			}
		})
	}
	if !bytes.Contains(answers["compact"], []byte(`"UserComments":[`)) || !bytes.Contains(answers["compact"], []byte(`"User":{`)) {
		t.Error("compact answer with comments has no comments, or no users in them")
	}
	if !bytes.Contains(answers["full"], []byte(`"UserComments": [`)) {
		t.Error("answer that is not compact has no comments; they come unasked")
	}
	if !bytes.Contains(answers["compact"], []byte(`"Connections":[]`)) {
		t.Error("an empty list of connections is not []")
	}
}

func TestCompactAnswersWithNullsKeepEveryMember(t *testing.T) {
	t.Parallel()
	want := recordedMembers(t, recording(t, "recorded/evmap-list-compact.json"))
	got := parseOrdered(t, getOK(t, newSim(t, OCMOptions{}), "/v3/poi?compact=true"))
	walk(got, "", func(path string, o object) {
		if strings.Contains(path, "MetadataValues") {
			return
		}
		var names []string
		for _, m := range o {
			names = append(names, m.Name)
			isNote := m.Name == "UserComments" || m.Name == "MediaItems"
			if (isNote || slices.Contains(strings.Fields(refMembers), m.Name)) && m.Value != nil {
				t.Fatalf("%s.%s is not null", path, m.Name)
			}
		}
		if !slices.Equal(names, want[path]) {
			t.Fatalf("%s has members %v, recorded are %v", path, names, want[path])
		}
	})
}

func TestReferenceDataHasTheRecordedMembersIDsAndTitles(t *testing.T) {
	t.Parallel()
	recorded := recording(t, "referencedata-2023-08.json")
	want := recordedMembers(t, recorded)
	answer := getOK(t, newSim(t, OCMOptions{}), "/v3/referencedata")
	walk(parseOrdered(t, answer), "", func(path string, o object) {
		var names []string
		for _, m := range o {
			names = append(names, m.Name)
		}
		if !slices.Equal(names, want[path]) {
			t.Fatalf("%s has members %v, recorded are %v", path, names, want[path])
		}
	})
	var theirs, ours ocmReferenceData
	for text, to := range map[string]*ocmReferenceData{string(recorded): &theirs, string(answer): &ours} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
	for name, pair := range map[string][2]any{
		"ChargerTypes":          {theirs.ChargerTypes, ours.ChargerTypes},
		"CurrentTypes":          {theirs.CurrentTypes, ours.CurrentTypes},
		"StatusTypes":           {theirs.StatusTypes, ours.StatusTypes},
		"SubmissionStatusTypes": {theirs.SubmissionStatusTypes, ours.SubmissionStatusTypes},
		"UsageTypes":            {theirs.UsageTypes, ours.UsageTypes},
		"UserCommentTypes":      {theirs.UserCommentTypes, ours.UserCommentTypes},
		"CheckinStatusTypes":    {theirs.CheckinStatusTypes, ours.CheckinStatusTypes},
		"DataTypes":             {theirs.DataTypes, ours.DataTypes},
		"MetadataGroups":        {theirs.MetadataGroups, ours.MetadataGroups},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s mismatch (-recorded +sandbox):\n%s", name, diff)
		}
	}
	types := byID(ours.ConnectionTypes, func(c *ocmConnectionType) int { return c.ID })
	for _, c := range theirs.ConnectionTypes {
		mine := types[c.ID]
		if mine == nil || *mine.Title != *c.Title {
			t.Errorf("connection type %d %q: have %v", c.ID, *c.Title, mine)
		}
	}
	countries := byID(theirs.Countries, func(c *ocmCountry) int { return c.ID })
	for _, c := range ours.Countries {
		if diff := cmp.Diff(countries[c.ID], &c); diff != "" {
			t.Errorf("country mismatch (-recorded +sandbox):\n%s", diff)
		}
	}
	real := make(map[string]bool)
	for _, o := range theirs.Operators {
		real[strings.ToLower(*o.Title)] = true
	}
	for _, o := range ours.Operators {
		if real[strings.ToLower(*o.Title)] && !strings.HasPrefix(*o.Title, "(") {
			t.Errorf("operator %q exists", *o.Title)
		}
	}
}

func TestARecordedFileComesBackAsItWasRecorded(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"evmap-175585.json":                        "",
		"evmap-175585-compact.json":                "compact=true&includecomments=true",
		"evmap-list.json":                          "",
		"evmap-list-compact.json":                  "compact=true",
		"mixed-2024-verbose-comments.json":         "",
		"us-2020-verbose.json":                     "",
		"de-2023-compact.json":                     "compact=true&verbose=false",
		"austin-2026-radius-verbose-false.json.gz": "verbose=false",
		"../pois-compact.jsonl.gz":                 "compact=true&verbose=false&includecomments=true",
		"../older-versions-verbose.jsonl.gz":       "",
		"../unpublished-verbose.jsonl.gz":          "submissionstatustypeid=250,1000,1001,1002,1005",
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			text := recording(t, "recorded/"+name)
			sim := newSim(t, OCMOptions{
				File:      filepath.Join(recordings, "recorded", name),
				Reference: filepath.Join(recordings, "referencedata-2023-08.json"),
				Now:       func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
			})
			got := byIDOrdered(t, getOK(t, sim, "/v3/poi?maxresults=100000&"+query))
			want := byIDOrdered(t, text)
			if len(got) != len(want) {
				t.Errorf("%d records, recorded are %d", len(got), len(want))
			}
			bad := 0
			for id, w := range want {
				if reflect.DeepEqual(w, got[id]) {
					continue
				}
				if bad++; bad <= 3 {
					t.Errorf("record %s mismatch (-recorded +sandbox):\n%s", id, cmp.Diff(w, got[id]))
				}
			}
		})
	}
}

// byIDOrdered parses records and drops what is computed for each answer.
func byIDOrdered(t *testing.T, text []byte) map[string]object {
	t.Helper()
	if text[0] != '[' {
		text = append(append([]byte{'['}, bytes.ReplaceAll(bytes.TrimSpace(text), []byte("}\n{"), []byte("},\n{"))...), ']')
	}
	records := make(map[string]object)
	list, _ := parseOrdered(t, text).([]any)
	for _, r := range list {
		whole, ok := r.(object)
		if !ok {
			t.Fatalf("%v is not a record", r)
		}
		var id string
		o := slices.DeleteFunc(whole, func(m member) bool {
			return m.Name == "IsRecentlyVerified" || m.Name == "DateLastVerified"
		})
		for i, m := range o {
			switch m.Name {
			case "ID":
				id = fmt.Sprint(m.Value)
			case "MetadataValues":
				// Records from a database dump have the option's members in
				// another order than the service's own reference data.
				walk(m.Value, "", func(path string, o object) {
					if strings.HasSuffix(path, "MetadataFieldOption") {
						slices.SortFunc(o, func(a, b member) int { return strings.Compare(a.Name, b.Name) })
					}
				})
			case "AddressInfo":
				if a, ok := m.Value.(object); ok {
					o[i].Value = slices.DeleteFunc(a, func(m member) bool { return strings.HasPrefix(m.Name, "Distance") })
				}
			}
		}
		records[id] = o
	}
	return records
}

func TestTextIsEscapedAndNumbersWrittenAsByTheService(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain / text!":     `"plain / text!"`,
		"it's & <b>+":       `"it\u0027s \u0026 \u003Cb\u003E\u002B"`,
		`say "hi" \ ` + "`": `"say \u0022hi\u0022 \\ \u0060"`,
		"a\r\nb\tc\x01":     `"a\r\nb\tc\u0001"`,
		"0,39€/kWh":         `"0,39\u20AC/kWh"`,
		"🙂":                 `"\uD83D\uDE42"`,
		"\x7f":              `"\u007F"`,
	} {
		if got := string(appendOCMString(nil, in)); got != want {
			t.Errorf("%q is written %s, want %s", in, got, want)
		}
	}
	for in, want := range map[float64]string{
		60: "60", 7.4: "7.4", 0: "0", -1.427212: "-1.427212", 52.344531610346905: "52.344531610346905",
		0.00005: "5E-05", 1e15: "1E+15", 123456: "123456", math.Inf(1): "null",
	} {
		if got := string(appendOCMNumber(nil, in)); got != want {
			t.Errorf("%v is written %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"ID": "id", "UUID": "uuid", "DataProviderID": "dataProviderID", "AddressInfo": "addressInfo",
		"ISOCode": "isoCode", "PowerKW": "powerKW", "ItemURL": "itemURL", "APIKey": "apiKey",
	} {
		if got := camelCase(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

func TestTheAnswerIsIndentedUnlessCompactAndSmallLettersOnRequest(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	if got := getOK(t, sim, "/v3/poi?maxresults=1"); !bytes.HasPrefix(got, []byte("[\n  {\n    \"DataProvider\": ")) {
		t.Errorf("answer begins %.60q", got)
	}
	if got := getOK(t, sim, "/v3/poi?maxresults=1&compact=true"); !bytes.HasPrefix(got, []byte(`[{"DataProvider":null,`)) || bytes.Contains(got, []byte("\n")) {
		t.Errorf("compact answer begins %.60q", got)
	}
	if got := getOK(t, sim, "/v3/poi?maxresults=1&compact=true&camelcase=true&verbose=false"); !bytes.Contains(got, []byte(`"uuid":"`)) || bytes.Contains(got, []byte(`"ID"`)) {
		t.Errorf("camelCase answer is %.200q", got)
	}
	if got := getOK(t, sim, "/v3/poi?maxresults=1&verbose=yes"); bytes.Contains(got, []byte("null")) {
		t.Error("verbose=yes does not count as false")
	}
	for _, c := range getOK(t, sim, "/v3/poi?compact=true&includecomments=true&maxresults=100000") {
		if c >= 0x7f {
			t.Fatal("answer is not plain ASCII")
		}
	}
}

func TestRecentlyVerifiedFollowsTheClock(t *testing.T) {
	t.Parallel()
	p := &ocmPOI{ID: 1, AddressInfo: &ocmAddress{}}
	at := func(s string) *ocmDate {
		when, ok := parseDotNetDate(s)
		if !ok {
			t.Fatal(s)
		}
		return ocmTime(when)
	}
	p.DateLastStatusUpdate, p.DateLastConfirmed, p.DateCreated = at("2025-01-01"), at("2025-03-01"), at("2025-05-01")
	for now, want := range map[string]struct {
		date   string
		recent bool
	}{
		"2025-06-01": {"2025-05-01T00:00:00Z", true},  // created counts while young
		"2025-12-01": {"2025-03-01T00:00:00Z", false}, // and no longer then
		"2025-08-30": {"2025-05-01T00:00:00Z", true},
	} {
		got := new(ocmQuery).present(p, at(now).at)
		if got.DateLastVerified.text != want.date || got.IsRecentlyVerified != want.recent {
			t.Errorf("on %s: %s %v, want %s %v", now, got.DateLastVerified.text, got.IsRecentlyVerified, want.date, want.recent)
		}
	}
}

func TestPowerAndLevelAreComputed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                 string
		kW                   *float64
		amps, volts, current *int
		stored, wantLevel    *int
		wantKW               *float64
	}{
		{"three phases", nil, new(32), new(400), new(20), nil, new(2), new(22.2)},
		{"zero power", new(0.0), new(32), new(230), new(10), nil, new(2), new(7.4)},
		{"stored power stays", new(50.0), new(32), new(230), new(30), nil, new(3), new(50.0)},
		{"weak", new(2.3), nil, nil, nil, new(2), new(1), new(2.3)},
		{"low voltage", new(9.0), nil, new(120), nil, new(2), new(1), new(9.0)},
		{"big AC", new(43.0), new(63), new(400), new(20), new(2), new(3), new(43.0)},
		{"AC without amps", new(43.0), nil, nil, new(20), new(3), new(3), new(43.0)},
		{"nothing known", nil, nil, nil, nil, new(3), new(3), nil},
		{"nothing at all", nil, nil, nil, nil, nil, nil, nil},
		{"small DC keeps what is stored", new(15.0), nil, nil, new(30), new(2), new(2), new(15.0)},
	} {
		conn := &ocmConnection{PowerKW: c.kW, Amps: c.amps, Voltage: c.volts, CurrentTypeID: c.current, LevelID: c.stored}
		conn.PowerKW = ocmPower(conn)
		if diff := cmp.Diff(c.wantKW, conn.PowerKW); diff != "" {
			t.Errorf("%s: power mismatch (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.wantLevel, ocmLevelOf(conn)); diff != "" {
			t.Errorf("%s: level mismatch (-want +got):\n%s", c.name, diff)
		}
	}
}

package ocm

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

// naive is a listing as encoding/json reads it, with nothing of this package.
type naive map[string]any

func (n naive) object(name string) naive {
	v, _ := n[name].(map[string]any)
	return v
}

func (n naive) list(name string) []naive {
	var all []naive
	list, _ := n[name].([]any)
	for _, v := range list {
		if o, ok := v.(map[string]any); ok {
			all = append(all, o)
		}
	}
	return all
}

func (n naive) num(name string) float64 {
	v, _ := n[name].(float64)
	return v
}

// line returns a text with its blanks collapsed.
func (n naive) line(name string) string {
	s, _ := n[name].(string)
	return strings.Join(strings.Fields(s), " ")
}

// naiveListings reads a file of real data: lines or an array, gzipped or not.
func naiveListings(t *testing.T, path string) []naive {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	var all []naive
	if raw[0] == '[' {
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var n naive
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
}

// crosswalkOf returns what the crosswalk says of each id: all values it offers.
func crosswalkOf(t *testing.T, table, column string) map[int][]string {
	t.Helper()
	renamed := map[string]string{
		"INDUCTIVE_LARGE_PADDLE": "INDUCTIVE", "INDUCTIVE_SMALL_PADDLE": "INDUCTIVE", "PRIVATE_RESIDENTIAL": "PRIVATE",
		"COMMENT": "NOT_VISITED", "FAILED_BROKEN": "FAILED_NOT_OPERATIONAL", "FAILED_PROBLEM": "FAILED_EQUIPMENT",
		"BUSY": "IN_USE_EV", "BLOCKED": "IN_USE_NON_EV", "CONFIRMED": "CONFIRMED_CORRECT",
	}
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
	return offered
}

// positive returns the figures of a field that are above zero, as pointers show them.
func showPositive(v float64) *float64 {
	if v > 0 {
		return &v
	}
	return nil
}

func TestEveryRecordedListingIsReadAsANaiveReaderWould(t *testing.T) {
	t.Parallel()
	connectors := crosswalkOf(t, "connectors", "ocm")
	statuses := crosswalkOf(t, "operational_status", "ocm_status_type_id")
	usages := crosswalkOf(t, "access", "ocm_usage_type_id")
	outcomes := crosswalkOf(t, "checkin_status", "ocm_checkin_status_type_id")
	outcomes[15] = []string{"CHARGED_AUTOMATED"}
	dir := sharedFile(t, "ocm")
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := filepath.Glob(filepath.Join(dir, "recorded", "*.json*"))
	if err != nil {
		t.Fatal(err)
	}
	comments, photos, read := 0, 0, 0
	for _, path := range append(files, recorded...) {
		records, report, err := readAll(t, MirrorConfig{Path: path, Reference: filepath.Join(dir, "referencedata-2023-08.json")})
		if err != nil || report.Broken > 0 {
			t.Fatalf("%s: %+v, %v", path, report, err)
		}
		byID := make(map[string]*providers.Record)
		for _, r := range records {
			byID[r.ExternalID] = r
			checkRecord(t, r)
		}
		for _, n := range naiveListings(t, path) {
			read++
			id := strconv.Itoa(int(n.num("ID")))
			r := byID[id]
			status, submission := int(n.num("StatusTypeID")), n["SubmissionStatusTypeID"]
			if status == 200 || status == 210 || submission != nil && submission != 100.0 && submission != 200.0 {
				if r != nil {
					t.Errorf("%s %s is hidden by the API and shown here", path, id)
				}
				continue
			}
			if r == nil {
				t.Errorf("%s %s is missing", path, id)
				continue
			}
			compareNaive(t, n, r, connectors, statuses, usages, outcomes)
			comments += len(r.Comments)
			photos += len(r.Photos)
		}
	}
	t.Logf("%d listings, %d comments, %d photos", read, comments, photos)
	if read < 8000 || comments < 1900 || photos < 900 {
		t.Error("that is not all of the real data")
	}
}

func compareNaive(t *testing.T, n naive, r *providers.Record, connectors, statuses, usages, outcomes map[int][]string) {
	t.Helper()
	id := r.ExternalID
	address := n.object("AddressInfo")
	if r.Location.Lat != address.num("Latitude") || r.Location.Lon != address.num("Longitude") {
		t.Errorf("%s is at %+v", id, r.Location)
	}
	for name, pair := range map[string][2]string{
		"title": {r.Title, address.line("Title")}, "line 1": {r.Address.Line1, address.line("AddressLine1")},
		"line 2": {r.Address.Line2, address.line("AddressLine2")}, "town": {r.Address.Town, address.line("Town")},
		"state": {r.Address.StateOrProvince, address.line("StateOrProvince")}, "postcode": {r.Address.Postcode, address.line("Postcode")},
		"uuid": {r.UUID, n.line("UUID")}, "cost": {strings.Join(strings.Fields(r.UsageCost), " "), n.line("UsageCost")},
	} {
		if pair[0] != pair[1] && !strings.ContainsAny(pair[1], "<&") {
			t.Errorf("%s: %s is %q, want %q", id, name, pair[0], pair[1])
		}
	}
	if country := address.object("Country"); country != nil && r.Address.CountryCode != country["ISOCode"] {
		t.Errorf("%s is in %s, want %v", id, r.Address.CountryCode, country["ISOCode"])
	}
	if !slices.Contains(statuses[int(n.num("StatusTypeID"))], string(r.Status)) {
		t.Errorf("%s: status %s of %v", id, r.Status, n["StatusTypeID"])
	}
	if !slices.Contains(usages[int(n.num("UsageTypeID"))], string(r.Usage)) {
		t.Errorf("%s: usage %s of %v", id, r.Usage, n["UsageTypeID"])
	}
	operator := int(n.num("OperatorID"))
	if (operator > 1) != (r.Operator != nil) || r.Operator != nil && (r.Operator.Records[0].ExternalID != strconv.Itoa(operator) || r.Operator.Title == "") {
		t.Errorf("%s: operator %+v of %v", id, r.Operator, n["OperatorID"])
	}
	wanted := n.list("Connections")
	if len(wanted) != len(r.Connections) {
		t.Errorf("%s: %d connections, want %d", id, len(r.Connections), len(wanted))
		return
	}
	for i, w := range wanted {
		c := &r.Connections[i]
		types := connectors[int(w.num("ConnectionTypeID"))]
		if types == nil {
			types = []string{string(connectorType(int(w.num("ConnectionTypeID"))))} // newer than the crosswalk
		}
		if !slices.Contains(types, string(c.Type)) {
			t.Errorf("%s: plug %s of %v", id, c.Type, w["ConnectionTypeID"])
		}
		if !cmp.Equal(c.PowerKW, showPositive(w.num("PowerKW"))) || !cmp.Equal(c.CurrentA, showPositive(w.num("Amps"))) || !cmp.Equal(c.VoltageV, showPositive(w.num("Voltage"))) {
			t.Errorf("%s: connection %+v of %v", id, c, w)
		}
		if q := w.num("Quantity"); (q > 0) != (c.Quantity != nil) || c.Quantity != nil && float64(*c.Quantity) != q {
			t.Errorf("%s: quantity %v of %v", id, c.Quantity, w["Quantity"])
		}
	}
	compareNaiveComments(t, n, r, outcomes)
}

func compareNaiveComments(t *testing.T, n naive, r *providers.Record, outcomes map[int][]string) {
	t.Helper()
	got := make(map[string]*providers.Comment)
	for i := range r.Comments {
		got[r.Comments[i].ExternalID] = &r.Comments[i]
	}
	list := n.list("UserComments")
	if len(list) != len(got) {
		t.Errorf("%s: %d comments, want %d", r.ExternalID, len(got), len(list))
	}
	for _, w := range list {
		c := got[strconv.Itoa(int(w.num("ID")))]
		if c == nil {
			t.Errorf("%s: comment %v is missing", r.ExternalID, w["ID"])
			continue
		}
		checkIn, stated := w["CheckinStatusTypeID"].(float64)
		if stated != (c.Outcome != nil) || stated && !slices.Contains(outcomes[int(checkIn)], string(*c.Outcome)) {
			t.Errorf("%s: outcome %v of %v", c.ID(), c.Outcome, w["CheckinStatusTypeID"])
		}
		rating := w.num("Rating")
		if (rating >= 1 && rating <= 5) != (c.Rating != nil) || c.Rating != nil && float64(*c.Rating) != rating {
			t.Errorf("%s: rating %v of %v", c.ID(), c.Rating, w["Rating"])
		}
		if text := w.line("Comment"); strings.Join(strings.Fields(c.Text), " ") != text && !strings.ContainsAny(text, "<&") {
			t.Errorf("%s: text %q, want %q", c.ID(), c.Text, text)
		}
		name := w.object("User").line("Username")
		if name == "" {
			name = w.line("UserName")
		}
		if name != "" && (c.Author == nil || c.Author.DisplayName != name) {
			t.Errorf("%s: author %+v, want %q", c.ID(), c.Author, name)
		}
	}
	want := make(map[string]string)
	for _, w := range n.list("MediaItems") {
		if w["IsEnabled"] != false {
			want[strconv.Itoa(int(w.num("ID")))] = w.line("ItemURL")
		}
	}
	shown := make(map[string]string)
	for _, p := range r.Photos {
		shown[p.ExternalID] = p.URL
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("%s: photos (-want +got):\n%s", r.ExternalID, diff)
	}
}

func TestVerboseAndCompactListingsGiveEqualRecords(t *testing.T) {
	t.Parallel()
	reference := sharedFile(t, "ocm", "referencedata-2023-08.json")
	for _, pair := range [][2]string{
		{"pois-verbose.jsonl.gz", "pois-compact.jsonl.gz"},
		{"pois-nonopen-verbose.jsonl.gz", "pois-nonopen-compact.jsonl.gz"},
		{"recorded/evmap-list.json", "recorded/evmap-list-compact.json"},
		{"recorded/evmap-175585.json", "recorded/evmap-175585-compact.json"},
	} {
		verbose, _, err := readAll(t, MirrorConfig{Path: sharedFile(t, "ocm", pair[0]), Reference: reference})
		if err != nil {
			t.Fatal(err)
		}
		compact, _, err := readAll(t, MirrorConfig{Path: sharedFile(t, "ocm", pair[1]), Reference: reference})
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range [][]*providers.Record{verbose, compact} {
			for _, r := range list {
				r.FetchedAt = verbose[0].FetchedAt // the files have times of their own
			}
		}
		a, b := plainRecords(verbose), plainRecords(compact)
		for key, want := range a {
			got := b[key]
			if strings.HasPrefix(pair[0], "recorded/") { // compact and without includecomments
				want.Rating, want.Comments, want.Photos = got.Rating, got.Comments, got.Photos
			}
			// Operators newer than the table are named by the verbose answer alone.
			if o := got.Operator; o != nil && want.Operator != nil && o.ID == want.Operator.ID && strings.HasPrefix(o.Title, "Operator ") {
				want.Operator = o
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-verbose +compact):\n%s", pair[0], key, diff)
			}
		}
		if len(a) != len(b) {
			t.Errorf("%s: %d verbose, %d compact", pair[0], len(a), len(b))
		}
	}
}

package ocpi

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chargegraph/providers"
)

func seeds(f *testing.F) {
	f.Helper()
	for _, file := range []string{"rich_211.json", "rich_221.json", "rich_230.json"} {
		b, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		`[]`, `{}`, `[null,1,"a",[],{}]`, `{"data":{"endpoints":[{"identifier":"locations","role":"SENDER","url":"/l"}]}}`, `[{"version":"2.2.1","url":"x"}]`,
		`{"items":[{"id":"1","evses":{"uid":"a"},"directions":"x","opening_times":"y"}],"next":"c"}`, `{"content":[],"number":0,"totalPages":"3","last":"false"}`,
		`[{"id":1e400,"coordinates":{"latitude":"1e308","longitude":"-0"},"evses":[{"connectors":{"max_voltage":"NaN"}}]}]`, "\xff\xfe", `[{"id":"\ud800"}]`,
	} {
		f.Add([]byte(s))
	}
}

// FuzzReadPage holds that whatever arrives is read to its end or refused, and
// that each record is one that a source may hand out.
func FuzzReadPage(f *testing.F) {
	seeds(f)
	source := describe(&Config{Name: "fuzz", Title: "fuzz"})
	f.Fuzz(func(t *testing.T, b []byte) {
		m := newMapper(source, true, "")
		m.fetchedAt = noon
		elements := 0
		p, err := readPage(bytes.NewReader(b), new(wireLocation), func(w *wireLocation) error {
			elements++
			if w == nil {
				return nil
			}
			r, key, what := m.record(w)
			if (what == broken) != (key == "") || (what == kept) != (r != nil) {
				t.Fatalf("verdict %d with key %q and record %v", what, key, r)
			}
			if r != nil {
				checkRecord(t, r)
			}
			return nil
		})
		if err == nil && p.elements != elements {
			t.Fatalf("%d elements counted, %d given", p.elements, elements)
		}
		if valid := json.Valid(b); err == nil && !valid && utf8.Valid(b) && !bytes.HasPrefix(b, []byte("\ufeff")) {
			t.Fatal("what is not JSON was read without an error")
		}
	})
}

// checkRecord fails on what the domain forbids.
func checkRecord(t *testing.T, r *providers.Record) {
	t.Helper()
	if _, err := providers.ParseKey(string(r.Key)); err != nil || r.Key.SourceID() != "ocpi:fuzz" || r.Key.ExternalID() != r.ExternalID {
		t.Fatalf("key %q, external id %q, %v", r.Key, r.ExternalID, err)
	}
	if r.Title == "" || !r.Location.Valid() || r.Location.IsNull() || r.Usage == "" || r.Status == "" || r.Cost == "" || len(r.EVSEs) == 0 || r.NumberOfPoints == nil {
		t.Fatalf("site %+v", r.Site)
	}
	for _, s := range []string{r.Title, r.Address.Line1, r.Address.Town, r.Address.Postcode, r.Owner, r.TimeZone, r.Address.CountryCode} {
		if !utf8.ValidString(s) || strings.TrimSpace(s) != s || strings.ContainsAny(s, "\x00\n\r") {
			t.Fatalf("text %q", s)
		}
	}
	seen := map[string]bool{}
	plug := func(c *providers.ConnectionInfo) {
		if seen[c.ExternalID] || c.ExternalID == "" || c.Type == "" || c.Current == "" || c.Status == "" || c.Format == "" || c.Record != r {
			t.Fatalf("connection %+v", c)
		}
		seen[c.ExternalID] = true
		if c.PowerKW != nil && !(*c.PowerKW > 0) {
			t.Fatalf("power %v", *c.PowerKW)
		}
	}
	plugs, grouped := 0, 0
	for i := range r.EVSEs {
		e := &r.EVSEs[i]
		if seen["e "+e.ExternalID] || e.ExternalID == "" || e.Status == "" || e.Status == providers.EVSERemoved {
			t.Fatalf("EVSE %+v", e)
		}
		seen["e "+e.ExternalID] = true
		for j := range e.Connections {
			plug(&e.Connections[j])
			plugs++
		}
	}
	for i := range r.Connections {
		plug(&r.Connections[i])
		grouped += *r.Connections[i].Quantity
	}
	if grouped != plugs {
		t.Fatalf("%d connectors in groups, %d at EVSEs", grouped, plugs)
	}
	for _, p := range r.Photos {
		if strings.Contains(p.ExternalID, ":") || !strings.HasPrefix(p.URL, "http") {
			t.Fatalf("photo %+v", p)
		}
	}
	if h := r.OpeningHours; h != nil {
		for _, p := range h.Weekly {
			if _, err := time.Parse("15:04", strings.Replace(p.Closes, "24:00", "23:59", 1)); err != nil || p.Weekday < 1 || p.Weekday > 7 || len(p.Opens) != 5 {
				t.Fatalf("period %+v", p)
			}
		}
	}
}

// FuzzNextLink holds that a Link header gives nothing but what stands in it.
func FuzzNextLink(f *testing.F) {
	for _, s := range []string{
		`<https://a/?x=1,2>; rel="next"`, `<a>; rel="prev", <b>; rel=next`, `<a>; title="<b>; rel=next"; rel="first"`, `<`, `<>`, `<a>;rel="next prev"`, `;;,<a`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := nextLink([]string{s}); got != "" && !strings.Contains(s, got) {
			t.Fatalf("nextLink(%q) = %q", s, got)
		}
	})
}

package plugshare

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

// seeds are locations as they come, and as they should not.
func seeds(f *testing.F) {
	f.Helper()
	var list []jsontext.Value
	if err := json.Unmarshal(readFile(f, "region.json"), &list); err != nil {
		f.Fatal(err)
	}
	for _, raw := range list {
		f.Add(raw.String())
	}
	f.Add(compact(f, readFile(f, "detail.json")))
	for _, raw := range []string{
		`{}`, `[]`, `null`, `{"code":1}`, site(1, ""), site(1, `"id":2`),
		site(1, stations(`"connector":6,"Power":1,"status":"CONNECTED"`, `"connector":"13","kilowatts":"50"`)),
		site(1, `"stations":[{"id":1,"outlets":[{"id":1},{"id":1}]},{"id":1},{},{"outlets":[{},{}]}]`),
		site(1, `"stations":[{"network_id":99999999999},{"network_id":-1},{"network":"" ,"network_id":"8"}]`),
		site(1, `"reviews":[{},{},{"id":1,"rating":"1","user":""},{"id":1}],"photos":[{"url":"http://a.example"},{"url":"http://b.example"}]`),
		site(1, `"name":"<b>\u202e&lt;script&gt;","description":"\u0000","score":11,"hours":"<br><br>"`),
		`{"id":1e0,"latitude":"1","longitude":"2","access":"1"}`,
		`{"ID":1,"Latitude":1,"Longitude":2,"ACCESS":3}`,
	} {
		f.Add(raw)
	}
}

func FuzzLocation(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw string) {
		w, err := decode(jsontext.Value(raw))
		if err != nil {
			if !errors.Is(err, errNoRecord) {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, whole := range []bool{true, false} {
			m := testMapper()
			m.whole = whole
			records, main, err := m.location(w)
			if err != nil {
				if !errors.Is(err, errNoID) && !errors.Is(err, errNoPosition) && !errors.Is(err, errHidden) || records != nil {
					t.Errorf("error %v with %d records", err, len(records))
				}
				continue
			}
			if access, _ := integer(w.Access); access == 3 {
				t.Error("a home became a record")
			}
			keys := make(map[providers.Key]bool)
			comments := make(map[string]bool)
			for _, r := range records {
				checkRecord(t, r)
				if keys[r.Key] || r.Summary == whole {
					t.Errorf("%s is there twice, or no summary where one is due", r.Key)
				}
				keys[r.Key] = true
				for i := range r.Comments {
					if comments[r.Comments[i].ExternalID] {
						t.Errorf("comment %s of the location is there twice", r.Comments[i].ExternalID)
					}
					comments[r.Comments[i].ExternalID] = true
					if len(records) == 1 && r.Comments[i].SharedWithLocation {
						t.Error("shared with nobody")
					}
				}
				if r != main && len(r.Photos) > 0 {
					t.Error("photos of a side record")
				}
			}
			if !keys[main.Key] {
				t.Error("the main record is none of them")
			}
		}
	})
}

func FuzzListOfLocations(f *testing.F) {
	f.Add(string(readFile(f, "region.json")))
	for _, raw := range []string{`[]`, `[null]`, `[[]]`, `[` + site(1, "") + `,` + site(1, "") + `]`, `{"code":2}`, `[{}`, "\ufeff[]", "<html>", ``, `[1]]`} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := New(Config{ID: "plugshare", Key: "k", Secret: "s", Client: &http.Client{Transport: saying(raw)}})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.Search(t.Context(), providers.Query{Area: providers.World()})
		if err != nil {
			se := (*providers.SourceError)(nil)
			if !errors.As(err, &se) || len(answer.Records) > 0 {
				t.Errorf("error %v with %d records", err, len(answer.Records))
			}
			return
		}
		seen := make(map[providers.Key]bool)
		for _, r := range answer.Records {
			checkRecord(t, r)
			if seen[r.Key] {
				t.Errorf("%s is there twice", r.Key)
			}
			seen[r.Key] = true
		}
	})
}

// saying is a transport that has one answer.
type saying string

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(s))), ContentLength: -1, Request: r}, nil
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"99", "99~8", "99~0", "099~8", "~", "99~8~8", "2147483648"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		location, network, main, ok := parseExternalID(s)
		if !ok {
			return
		}
		if main {
			if strings.Contains(s, "~") {
				t.Errorf("%q names a network", s)
			}
			return
		}
		if externalID(location, network) != s {
			t.Errorf("%q is written %q", s, externalID(location, network))
		}
	})
}

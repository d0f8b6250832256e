package loaders

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/ocm"
	"chargegraph/providers/plugshare"
	"chargegraph/providers/sandbox"
)

const recordedData = "../../shared/data"

// recordedOCM returns the records of a recorded file.
func recordedOCM(tb testing.TB, file string) (*providers.Source, []*providers.Record) {
	tb.Helper()
	path := filepath.Join(recordedData, "ocm", file)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("no recorded data: %v (it is kept outside of the repository, CI has it)", err)
	}
	export, err := ocm.OpenExport(ocm.MirrorConfig{ID: "ocm", Path: path, Clock: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	var records []*providers.Record
	if _, err := export.Read(tb.Context(), func(r *providers.Record) error {
		records = append(records, r)
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	return export.Source(), records
}

// handled is a transport that ends in a handler.
type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// recordedPlugShare returns the records of a recorded file, summaries and whole ones.
func recordedPlugShare(tb testing.TB, file string) (*providers.Source, []*providers.Record) {
	tb.Helper()
	path := filepath.Join(recordedData, "plugshare", file)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("no recorded data: %v (it is kept outside of the repository, CI has it)", err)
	}
	simulator, err := sandbox.NewPlugShare(nil, sandbox.PlugShareOptions{File: path, Key: "key", Secret: "secret"})
	if err != nil {
		tb.Fatal(err)
	}
	source, err := plugshare.New(plugshare.Config{
		ID: "plugshare", URL: "https://plugshare.example/v3", Key: "key", Secret: "secret", Client: &http.Client{Transport: handled{simulator}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	louisville := providers.Bounds{South: 37, West: -87, North: 39.5, East: -84}
	answer, err := source.Search(tb.Context(), providers.Query{Area: louisville})
	if err != nil {
		tb.Fatal(err)
	}
	records := answer.Records
	for _, r := range answer.Records[:min(50, len(answer.Records))] {
		detail, err := source.Detail(tb.Context(), []providers.Key{r.Key})
		if err != nil {
			tb.Fatal(err)
		}
		records = append(records, detail.Records...)
	}
	return source.Source(), records
}

func TestRecordedDataComesBackEqual(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func() (*providers.Source, []*providers.Record){
		"Open Charge Map, compact": func() (*providers.Source, []*providers.Record) { return recordedOCM(t, "pois-compact.jsonl.gz") },
		"Open Charge Map, verbose": func() (*providers.Source, []*providers.Record) { return recordedOCM(t, "pois-verbose.jsonl.gz") },
		"PlugShare": func() (*providers.Source, []*providers.Record) {
			return recordedPlugShare(t, "details_louisville_2019.jsonl.gz")
		},
	} {
		source, records := read()
		if len(records) < 100 {
			t.Fatalf("%s: only %d records", name, len(records))
		}
		size := 0
		for from := 0; from < len(records); from += 200 {
			b := &batch{source: source.ID, records: records[from:min(from+200, len(records))]}
			data, err := encodeBatch(b)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			size += len(data)
			got, err := decodeBatch(data, named(source))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i, r := range got.records {
				// Much faster than cmp, which is asked where something differs.
				if sameRecord(r, b.records[i]) && r.FetchedAt.Equal(b.records[i].FetchedAt) && linked(r) {
					continue
				}
				if diff := cmp.Diff(b.records[i], r, equalBatches()); diff != "" || !linked(r) {
					t.Fatalf("%s: %s (-want +got)\n%s", name, r.Key, diff)
				}
			}
		}
		t.Logf("%s: %d records take %d bytes each", name, len(records), size/len(records))
	}
}

// A field that the codec does not know how to link, or a change of shape under
// an old version, would be read wrongly by processes of another build.
func TestTheCodecsVersionIsThatOfTheDomainsShape(t *testing.T) {
	t.Parallel()
	const shape = "d8b4e3d5"
	if got := shapeOf(reflect.TypeFor[providers.Record]()); got != shape {
		t.Errorf("the shape of a record is %s, not %s: raise codecVersion, then write the new shape here", got, shape)
	}
}

// shapeOf returns a fingerprint of the fields of a type and of all that it is made of.
func shapeOf(t reflect.Type) string {
	var b strings.Builder
	seen := make(map[reflect.Type]bool)
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		b.WriteString(t.String() + ";")
		if seen[t] || t.PkgPath() == "time" || t == reflect.TypeFor[providers.Source]() || t == reflect.TypeFor[providers.POI]() {
			return
		}
		seen[t] = true
		switch t.Kind() { //nolint:exhaustive // the others have no parts
		case reflect.Pointer, reflect.Slice:
			walk(t.Elem())
		case reflect.Struct:
			for f := range t.Fields() {
				b.WriteString(f.Name + " ")
				walk(f.Type)
			}
		}
	}
	walk(t)
	h := fnv.New32a()
	h.Write([]byte(b.String()))
	return fmt.Sprintf("%08x", h.Sum32())
}

func FuzzDecode(f *testing.F) {
	source := ocmSource()
	r := &providers.Record{Key: "ocm:1", Source: source}
	r.Operator = providers.NewOperator(providers.OCM, "5", "Ohmega")
	r.Connections = []providers.ConnectionInfo{{ExternalID: "1", ConnectionType: &providers.ConnectionType{ID: "25"}}}
	r.Seal()
	data, err := encodeBatch(&batch{source: "ocm", at: tile{z: 12, x: 7, y: 9}, records: []*providers.Record{r}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"Source":"ocm","Records":[{"Key":"ocm:1","Operator":1}]}`))
	f.Add([]byte(`{"Source":"ocm","Operators":[null],"Records":[{"Key":"ocm:1","Operator":1}]}`))
	f.Add([]byte(`{"Source":"ocm","Records":[{"Key":"ocm:1","Connections":[{"Record":{}}]}]}`))
	f.Add([]byte(`{"Source":"ocm","Operators":[{"Address":{"Country":1}}],"Countries":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBatch(data, named(source))
		if err != nil {
			return
		}
		// What is accepted is a batch like any other.
		again, err := encodeBatch(b)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		back, err := decodeBatch(again, named(source))
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if !b.split && len(back.records) != len(b.records) {
			t.Fatalf("%d records became %d", len(b.records), len(back.records))
		}
		for _, r := range b.records {
			if r.Source != source || !linked(r) {
				t.Fatalf("%s is not linked", r.Key)
			}
		}
	})
}

func TestTheDecoderRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	source := ocmSource()
	for name, text := range map[string]string{
		"a source that is not there":  `{"Source":"ocpi:ndw"}`,
		"a record of another source":  `{"Source":"ocm","Records":[{"Key":"plugshare:1"}]}`,
		"a row that is not there":     `{"Source":"ocm","Records":[{"Key":"ocm:1","Operator":1}]}`,
		"a row before its time":       `{"Source":"ocm","Records":[{"Key":"ocm:1","Operator":1}],"Operators":[{}]}`,
		"a row that is none":          `{"Source":"ocm","Operators":[{}],"Records":[{"Key":"ocm:1","Operator":"1"}]}`,
		"a fraction of a row":         `{"Source":"ocm","Operators":[{}],"Records":[{"Key":"ocm:1","Operator":1.5}]}`,
		"a field that nobody wrote":   `{"Source":"ocm","Sauce":"hot"}`,
		"a link of its own":           `{"Source":"ocm","Records":[{"Key":"ocm:1","Connections":[{"Record":{}}]}]}`,
		"a source of its own":         `{"Source":"ocm","Records":[{"Key":"ocm:1","Source":{}}]}`,
		"a tile that is not there":    `{"Source":"ocm","At":"3/8/0"}`,
		"nothing":                     ``,
		"something after its end":     `{"Source":"ocm"}{}`,
		"an object instead of a list": `{"Source":"ocm","Records":{}}`,
	} {
		if b, err := decodeBatch([]byte(text), named(source)); err == nil {
			t.Errorf("%s: read as %+v", name, b)
		}
	}
}

package loaders

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

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
			data, err := new(encoder).encode(b)
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
				if reflect.DeepEqual(bare(r), bare(b.records[i])) && linked(r) { //nolint:govet // no record holds an error
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

// bare returns a copy of r without what points back at r or at its source.
func bare(r *providers.Record) providers.Record {
	c := *r
	c.Source = nil
	c.Connections = bareConnections(r.Connections)
	c.EVSEs = slices.Clone(r.EVSEs)
	for i := range c.EVSEs {
		c.EVSEs[i].Record = nil
		c.EVSEs[i].Connections = bareConnections(c.EVSEs[i].Connections)
	}
	c.Stations = slices.Clone(r.Stations)
	for i := range c.Stations {
		c.Stations[i].Record = nil
		c.Stations[i].Connections = bareConnections(c.Stations[i].Connections)
	}
	c.Comments = slices.Clone(r.Comments)
	for i := range c.Comments {
		c.Comments[i].Record = nil
	}
	c.Photos = slices.Clone(r.Photos)
	for i := range c.Photos {
		c.Photos[i].Record = nil
	}
	return c
}

func bareConnections(list []providers.ConnectionInfo) []providers.ConnectionInfo {
	list = slices.Clone(list)
	for i := range list {
		list[i].Record = nil
	}
	return list
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

// fill sets every field of a value that is not a link, each to something else.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(1e9+*n), int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			switch v.Type().Field(i).Type {
			case reflect.TypeFor[*providers.Record](), reflect.TypeFor[*providers.POI](), reflect.TypeFor[*providers.Source]():
			default:
				fill(v.Field(i), n)
			}
		}
	default:
		panic(fmt.Sprintf("records hold a %v now: teach the codec and this test", v.Type()))
	}
}

// A field that the walks do not name would be lost on its way through Redis.
func TestNoFieldOfARecordIsForgotten(t *testing.T) {
	t.Parallel()
	source := ocmSource()
	r, n := new(providers.Record), 0
	fill(reflect.ValueOf(r).Elem(), &n)
	r.Key, r.Source = "ocm:1", source
	r.Seal()
	want := &batch{source: "ocm", at: tile{z: 12, x: 7, y: 9}, records: []*providers.Record{r}, truncated: true, partial: true, suspectAt: time.Unix(1e9, 5).UTC()}
	want.err = &providers.SourceError{Code: providers.CodeTimeout, Message: "late", RetryAfter: -time.Second}
	data, err := new(encoder).encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeBatch(data, named(source))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, equalBatches()); diff != "" {
		t.Errorf("encode, decode (-want +got)\n%s", diff)
	}
}

// Room is made for as many elements as the bytes can hold, by what the smallest
// takes.
func TestNoElementTakesLessThanIsReckonedWith(t *testing.T) {
	t.Parallel()
	least(t, (*coder).record)
	least(t, (*coder).connection)
	least(t, (*coder).evse)
	least(t, (*coder).station)
	least(t, (*coder).comment)
	least(t, (*coder).photo)
	least(t, (*coder).metadataValue)
	least(t, (*coder).providerLink)
	least(t, (*coder).providerScore)
	least(t, (*coder).openingPeriod)
	least(t, (*coder).openingException)
	least(t, (*coder).operatorRecord)
}

// least writes an element without anything in it, and asks for room for it.
func least[T any](t *testing.T, element func(*coder, *T)) {
	t.Helper()
	var empty T
	c := new(coder)
	element(c, &empty)
	if n := c.room(1, unsafe.Sizeof(empty)); n != 1 {
		t.Errorf("no room is made for a %T of %d bytes, which takes %d when it is written", empty, unsafe.Sizeof(empty), len(c.data))
	}
}

func TestASplitTileIsWrittenWithoutItsRecords(t *testing.T) {
	t.Parallel()
	source := ocmSource()
	b := &batch{source: "ocm", at: tile{z: 12, x: 7, y: 9}, split: true, records: manySites(source, 3)}
	data, err := new(encoder).encode(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeBatch(data, named(source))
	if err != nil || !got.split || got.at != b.at || len(got.records) > 0 {
		t.Errorf("it is read as %+v, %v", got, err)
	}
}

func TestRowsThatRecordsShareAreOneAfterwards(t *testing.T) {
	t.Parallel()
	source := ocmSource()
	data, err := new(encoder).encode(&batch{source: "ocm", records: manySites(source, 3)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := decodeBatch(data, named(source))
	if err != nil {
		t.Fatal(err)
	}
	first, last := b.records[0], b.records[2]
	if first.Operator != last.Operator || first.Connections[0].ConnectionType != last.Connections[1].ConnectionType {
		t.Error("they are several")
	}
}

func TestWhatNoAnswerCouldHoldIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*providers.Record){
		"a power that is no number":  func(r *providers.Record) { r.Connections[0].PowerKW = new(math.NaN()) },
		"a place without end":        func(r *providers.Record) { r.Location.Lat = math.Inf(1) },
		"a time after all calendars": func(r *providers.Record) { r.CreatedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a time before all of them":  func(r *providers.Record) { r.CreatedAt = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		b := &batch{source: "ocm", records: manySites(ocmSource(), 1)}
		change(b.records[0])
		if data, err := new(encoder).encode(b); err == nil {
			t.Errorf("%s: written as %q", name, data)
		}
	}
}

func TestAnEncoderWritesTheSameInUsedRoom(t *testing.T) {
	t.Parallel()
	source := ocmSource()
	var batches []*batch
	for _, n := range []int{1, 40, 3} { // of more rows than a short table has
		b := &batch{source: "ocm", records: manySites(source, n)}
		for i, r := range b.records {
			r.Operator = providers.NewOperator(providers.OCM, fmt.Sprint(i), "Ohmega")
			r.Connections[1].ConnectionType = &providers.ConnectionType{ID: fmt.Sprint(i % 20), Title: "Plug"}
		}
		batches = append(batches, b)
	}
	used := new(encoder)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 3 * len(batches) {
				b := batches[i%len(batches)]
				got, err := used.encode(b)
				if err != nil {
					t.Error(err)
					return
				}
				want, err := new(encoder).encode(b)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d records are written differently by an encoder that has written before (%v)", len(b.records), err)
				}
				back, err := decodeBatch(got, named(source))
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(b, back, equalBatches()); diff != "" {
					t.Errorf("encode, decode (-want +got)\n%s", diff)
				}
			}
		})
	}
	wg.Wait()
	broken := &batch{source: "ocm", records: manySites(source, 1)}
	broken.records[0].Location.Lat = math.NaN()
	if _, err := used.encode(broken); err == nil || !math.IsNaN(broken.records[0].Location.Lat) {
		t.Errorf("a place that is none was written or changed: %v", err)
	}
	if _, err := used.encode(batches[0]); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	source := ocmSource()
	r := &providers.Record{Key: "ocm:1", Source: source}
	r.Operator = providers.NewOperator(providers.OCM, "5", "Ohmega")
	r.Operator.Address = &providers.Address{Country: &providers.Country{ID: "1"}}
	r.Connections = []providers.ConnectionInfo{{ExternalID: "1", ConnectionType: &providers.ConnectionType{ID: "25"}, PowerKW: new(22.0)}}
	r.CreatedAt, r.Amenities = time.Unix(1e9, 1).UTC(), []providers.Amenity{providers.AmenityDining}
	r.Seal()
	filled, n := new(providers.Record), 0
	fill(reflect.ValueOf(filled).Elem(), &n)
	filled.Key, filled.Source = "ocm:2", source
	filled.Seal()
	for _, b := range []*batch{
		{source: "ocm"},
		{source: "ocm", at: tile{z: 12, x: 7, y: 9}, split: true},
		{source: "ocm", at: tile{z: 12, x: 7, y: 9}, records: []*providers.Record{r, filled}, err: &providers.SourceError{Code: providers.CodeTimeout}},
	} {
		data, err := new(encoder).encode(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBatch(data, named(source))
		if err != nil {
			return
		}
		// What is accepted is a batch like any other.
		again, err := new(encoder).encode(b)
		if err != nil {
			t.Fatalf("%v\n%q", err, data)
		}
		back, err := decodeBatch(again, named(source))
		if err != nil {
			t.Fatalf("%v\n%q", err, again)
		}
		if b.split {
			b.records = nil
		}
		if diff := cmp.Diff(b, back, equalBatches()); diff != "" {
			t.Fatalf("decode, encode, decode (-want +got)\n%s", diff)
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
	written := func(b *batch, change func(r *providers.Record)) []byte {
		r := &providers.Record{Key: "ocm:1"}
		if change != nil {
			change(r)
		}
		b.records = append(b.records, r)
		data, err := new(encoder).encode(b)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good := written(&batch{source: "ocm"}, nil)
	if _, err := decodeBatch(good, named(source)); err != nil {
		t.Fatal(err)
	}
	head, err := new(encoder).encode(&batch{source: "ocm"})
	if err != nil {
		t.Fatal(err)
	}
	head = head[:len(head)-1] // without the number of records
	odd := func(write func(c *coder)) []byte {
		c := &coder{data: slices.Clone(head)}
		write(c)
		return c.data
	}
	// with has bytes in the place of the fields from DataProvider on.
	with := func(bytes ...byte) []byte {
		return odd(func(c *coder) {
			c.put(1)
			key := "ocm:1"
			text(c, &key)
			c.data = append(append(c.data, 0, 0, 0, 0, 0, 0), bytes...)
			c.data = append(c.data, make([]byte, 200)...)
		})
	}
	for name, c := range map[string]struct {
		data []byte
		why  error // nil: the sentence says it
	}{
		"a source that is not there":    {written(&batch{source: "ocpi:ndw"}, nil), nil},
		"a record of another source":    {written(&batch{source: "ocm"}, func(r *providers.Record) { r.Key = "plugshare:1" }), errForeign},
		"a row that is not there":       {with(2), errRow},
		"a truth that is neither":       {with(0, 2), errBroken},
		"a list that is longer":         {with(0, 0, 200), errBroken},
		"a list without end":            {with(0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), errBroken},
		"a number without end":          {with(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), errBroken},
		"a time after all calendars":    {with(0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), errValue},
		"more than a second of a time":  {with(0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 1), errValue},
		"a word before its time":        {with(0, 0, 0, 0, 0, 0, 0, 2), errBroken},
		"a link of another kind":        {with(0, 0, 0, 0, 0, 0, 0, 0, 3), errBroken},
		"a place without end":           {with(append(make([]byte, 13), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0, 0x7f)...), errValue},
		"a text that is longer":         {with(0, 0, 0, 0, 0, 0, 0, 1, 0xff, 3), errBroken},
		"a tile that is not there":      {[]byte{3, 'o', 'c', 'm', 5, '3', '/', '8', '/', '0', 0, 0, 0, 0, 0, 0, 0}, errBroken},
		"more records than bytes":       {odd(func(c *coder) { c.put(1 << 40) }), errBroken},
		"nothing":                       {nil, errBroken},
		"something after its end":       {append(slices.Clone(good), 0), errBroken},
		"JSON, as former versions were": {[]byte(`{"Source":"ocm"}`), nil},
	} {
		b, err := decodeBatch(c.data, named(source))
		if err == nil {
			t.Errorf("%s: read as %+v", name, b)
		}
		if c.why != nil && !errors.Is(err, c.why) {
			t.Errorf("%s: %v, want %v", name, err, c.why)
		}
	}
	for n := range good {
		if _, err := decodeBatch(good[:n], named(source)); err == nil {
			t.Errorf("%d of %d bytes are taken for the whole", n, len(good))
		}
	}
}

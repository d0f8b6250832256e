package ocm

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/wire"
)

// answered is a transport that has the answers already, packed as they came.
type answered struct {
	handler http.Handler
	answers map[string]*httptest.ResponseRecorder
	packed  int64
}

func (a *answered) RoundTrip(r *http.Request) (*http.Response, error) {
	w := a.answers[r.URL.String()]
	if w == nil {
		w = httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		a.answers[r.URL.String()] = w
	}
	a.packed += int64(w.Body.Len())
	res := *w.Result()
	res.Header = w.Header().Clone()
	res.Body = http.NoBody
	if w.Body.Len() > 0 {
		res.Body = readCloser{bytes.NewReader(w.Body.Bytes())}
	}
	return &res, nil
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// BenchmarkSearch asks for a viewport with comments and photos: what an answer
// costs from its packed bytes to finished records.
func BenchmarkSearch(b *testing.B) {
	sim, _ := newSandbox(b, nil)
	wire := &answered{handler: sim, answers: make(map[string]*httptest.ResponseRecorder)}
	s := newSource(b, sim, func(c *Config) { c.Client = &http.Client{Transport: wire} })
	if _, err := s.Reference(b.Context(), ""); err != nil {
		b.Fatal(err)
	}
	amsterdam := providers.Query{Area: providers.Bounds{South: 52.25, West: 4.65, North: 52.5, East: 5.15}}
	records := 0
	wire.packed = 0
	b.ReportAllocs()
	for b.Loop() {
		answer, err := s.Search(b.Context(), amsterdam)
		if err != nil {
			b.Fatal(err)
		}
		records = len(answer.Records)
	}
	b.SetBytes(wire.packed / int64(b.N))
	b.ReportMetric(float64(records), "records")
}

// BenchmarkRead compares the ways of reading a listing.
func BenchmarkRead(b *testing.B) {
	raw := jsontext.Value(readTestdata(b, "poi-compact.json"))
	b.Run("Reader", func(b *testing.B) {
		var r wire.Reader
		var w wirePOI
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			w.Reset()
			r.Reset(raw)
			wire.Members(&r, &w, (*wirePOI).member)
		}
	})
	b.Run("json", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal(raw, new(wirePOI), wire.Lenient()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

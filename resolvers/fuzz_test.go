package resolvers

import (
	"encoding/base64"
	"math"
	"testing"

	polyline "github.com/twpayne/go-polyline"

	"chargegraph/loaders"
	"chargegraph/providers"
)

// FuzzDecodePolyline: whatever the text, either a refusal or points on Earth,
// and what encodes those points again decodes to the same.
func FuzzDecodePolyline(f *testing.F) {
	for _, seed := range []string{"", "?", "_p~iF~ps|U_ulLnnqC_mqNvxq`@", "_izlhA~rlgdF_{geC~ywl@_kwzCn`{nI", "~~~~~~~~~~~~~~", "\x00", "äöü"} {
		f.Add(seed, 5)
		f.Add(seed, 6)
	}
	f.Fuzz(func(t *testing.T, text string, decimals int) {
		if decimals < 1 || decimals > maxPolylineDecimal || len(text) > maxEncodedBytes {
			return
		}
		line, err := decodePolyline(text, decimals)
		if err != nil {
			return
		}
		codec := polyline.Codec{Dim: 2, Scale: math.Pow10(decimals)}
		var coords [][]float64
		for _, p := range line {
			if !p.Valid() {
				t.Fatalf("%v is not on Earth", p)
			}
			coords = append(coords, []float64{p.Lat, p.Lon})
		}
		again, err := decodePolyline(string(codec.EncodeCoords(nil, coords)), decimals)
		if err != nil {
			t.Fatalf("what was read cannot be written and read again: %v", err)
		}
		for i := range line {
			if math.Abs(line[i].Lat-again[i].Lat) > 1e-9 || math.Abs(line[i].Lon-again[i].Lon) > 1e-9 {
				t.Fatalf("point %d was %v and is %v", i, line[i], again[i])
			}
		}
	})
}

// FuzzPolygon: whatever the ring, checking it ends, and a ring that is accepted
// holds its own corners.
func FuzzPolygon(f *testing.F) {
	f.Add([]byte{0, 0, 0, 10, 10, 10, 10, 0})
	f.Add([]byte{0, 0, 10, 10, 10, 0, 0, 10})
	f.Add([]byte{0, 0, 0, 0, 0, 0})
	f.Add([]byte{120, 127, 120, 128, 90, 128, 90, 127})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 6 || len(data) > 80 {
			return
		}
		var ring []providers.Point
		for i := 0; i+1 < len(data); i += 2 {
			ring = append(ring, providers.Point{Lat: float64(int8(data[i])) * 0.7, Lon: float64(int8(data[i+1])) * 1.4})
		}
		polygon := providers.NewPolygon(ring)
		if polygon.Check() != nil {
			return
		}
		for _, p := range ring {
			if !polygon.Holds(&providers.Site{Location: p}) {
				t.Fatalf("the polygon %v does not hold its corner %v", ring, p)
			}
		}
	})
}

// FuzzReadCursor: whatever the text, either a refusal or a place in the list
// asked for; and a cursor that was written is read back.
func FuzzReadCursor(f *testing.F) {
	list := listOf("pois", 1)
	f.Add(writeCursor(list, loaders.Position{Num: 1.5, ID: "poi:ocm:1"}))
	f.Add(writeCursor(list, loaders.Position{Null: true, ID: "poi:ocm:1"}))
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"l":"x","v":1e999}`)))
	f.Add("")
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		position, err := readCursor(t.Context(), &text, list)
		if err != nil {
			return
		}
		again := writeCursor(list, *position)
		back, err := readCursor(t.Context(), &again, list)
		if err != nil || *back != *position {
			t.Fatalf("%+v was written and read back as %+v, %v", position, back, err)
		}
	})
}

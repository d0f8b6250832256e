package loaders

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"chargegraph/providers"
)

// manySites returns n records in and around a city, of an extent of some 50 km.
func manySites(source *providers.Source, n int) []*providers.Record {
	random := rand.New(rand.NewPCG(1, 2))
	operator := providers.NewOperator(providers.OCM, "5", "Ohmega")
	plug := &providers.ConnectionType{ID: "25", Title: "Type 2"}
	records := make([]*providers.Record, n)
	for i := range records {
		r := &providers.Record{Key: providers.NewKey(source.ID, fmt.Sprint(i)), Source: source, ExternalID: fmt.Sprint(i)}
		r.Title, r.Status, r.Operator = fmt.Sprintf("Car park %d", i), providers.StatusOperational, operator
		r.Location = providers.Point{Lat: 52 + random.Float64()*0.7, Lon: 4.4 + random.Float64()}
		r.Address = providers.Address{Line1: "Dam 1", Town: "Amsterdam", Postcode: "1012 JS", CountryCode: "NL"}
		for c := range 2 {
			r.Connections = append(r.Connections, providers.ConnectionInfo{
				ExternalID: fmt.Sprint(c), Type: providers.ConnectorUnknown, ConnectionType: plug, PowerKW: new(22.0), Quantity: new(2),
			})
		}
		r.Comments = []providers.Comment{{ExternalID: "1", Text: "Both sides work, the gate closes at ten.", Rating: new(4)}}
		r.Seal()
		records[i] = r
	}
	return byKey(records)
}

var view = providers.Bounds{South: 52.30, West: 4.75, North: 52.42, East: 5.05}

func BenchmarkTileKey(b *testing.B) {
	s := &shelf{source: ocmSource()}
	t := tileAt(providers.Point{Lat: 52.3, Lon: 4.8}, 12)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.tileKey(t)
	}
}

func BenchmarkAreaKey(b *testing.B) {
	s := &shelf{source: ocmSource()}
	for _, n := range []int{2, 100, 10_000} {
		points := make([]providers.Point, n)
		for i := range points {
			points[i] = providers.Point{Lat: 50 + float64(i)/float64(n), Lon: 5}
		}
		q := providers.Query{Area: providers.NewRoute(points, 500)}
		b.Run(fmt.Sprintf("route/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = s.areaKey(q)
			}
		})
	}
}

func BenchmarkCover(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		k, _ := coverOf(view, 200_000)
		_ = k.tiles()
	}
}

func BenchmarkCut(b *testing.B) {
	for _, n := range []int{10, 1000, 50_000} {
		records := manySites(ocmSource(), n)
		k, _ := coverOf(view, 200_000)
		tiles := k.tiles()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = cut(records, tiles)
			}
		})
	}
}

func BenchmarkClip(b *testing.B) {
	for _, n := range []int{10, 1000, 50_000} {
		pieces := []*batch{{records: manySites(ocmSource(), n)}}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = clipped(pieces, view)
			}
		})
	}
}

func BenchmarkCodec(b *testing.B) {
	source := ocmSource()
	for _, n := range []int{10, 1000, 50_000} {
		kept := &batch{source: source.ID, records: manySites(source, n)}
		data, err := new(encoder).encode(kept)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("encode/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := new(encoder).encode(kept); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("decode/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeBatch(data, named(source)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

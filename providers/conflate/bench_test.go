package conflate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

var streets = [...]string{"Kerkstraat", "Oude Delft", "Van Baerlestraat", "Stationsweg", "Laan van Nieuw Oost-Indië", "Marktplein"}

// country is n records in towns, as dense as the Netherlands: every source
// knows most sites, a few metres from where the others know them.
func country(n, sources int) []*providers.Record {
	random := rand.New(rand.NewPCG(uint64(n), uint64(sources)))
	list := sourcesOf(sources)
	if sources == 1 {
		list = sourcesOf(2)[1:]
	}
	operators := make([]*providers.Operator, 40)
	for i := range operators {
		operators[i] = operatorNamed(fmt.Sprint(5000 + i))
	}
	records := make([]*providers.Record, 0, n)
	var town providers.Point
	for site := 0; len(records) < n; site++ {
		if site%40 == 0 {
			town = providers.Point{Lat: 51 + 2*random.Float64(), Lon: 4 + 3*random.Float64()}
		}
		at := moved(town, random.NormFloat64()*1500, random.NormFloat64()*1500)
		operator := operators[random.IntN(len(operators))]
		for _, source := range list {
			if len(records) == n || random.IntN(4) == 0 && len(list) > 1 {
				continue
			}
			records = append(records, newRecord(source, fmt.Sprint(site), moved(at, random.NormFloat64()*20, random.NormFloat64()*20), func(r *providers.Record) {
				r.Operator, r.Title = operator, fmt.Sprint([]string{"Hotel Meridian ", "Riverside Parking ", "Station ", "Daily & Sons "}[site%4], site)
				r.Address = providers.Address{Line1: fmt.Sprintf("%s %d", streets[site/40%len(streets)], site%200), Town: "Delft", Postcode: fmt.Sprint(1000+site%9000, " AB"), CountryCode: "NL"}
				r.Connections = []providers.ConnectionInfo{{ExternalID: "1", Type: providers.ConnectorCCS2, PowerKW: new(50.0), Quantity: new(2)}}
				r.Comments = make([]providers.Comment, 2)
				if source.Provider == providers.OCPI {
					for e := range 4 {
						r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: fmt.Sprint(e), EVSEID: fmt.Sprintf("NL*ABC*E%d*%d", site, e)})
					}
				}
			}))
		}
	}
	return records
}

// viewportOf returns the records of a box that holds about n of them, and of the
// margin that decides about those.
func viewportOf(records []*providers.Record, n int) []*providers.Record {
	middle := records[len(records)/2].Location
	for widthM := 500.0; ; widthM *= 1.1 {
		box := providers.BoundsOf([]providers.Point{middle}).Grow(widthM)
		inside := 0
		for _, r := range records {
			if box.Contains(r.Location) {
				inside++
			}
		}
		if inside < n {
			continue
		}
		grown := box.Grow(conflate.Reach(3))
		var list []*providers.Record
		for _, r := range records {
			if grown.Contains(r.Location) {
				list = append(list, r)
			}
		}
		return list
	}
}

func BenchmarkMerge(b *testing.B) {
	for _, sources := range []int{1, 3} {
		for _, n := range []int{10, 1_000, 50_000} {
			records := country(n, sources)
			b.Run(fmt.Sprintf("%dSources/%d", sources, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					conflate.Merge(records)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
			})
		}
	}
	// What the issue asks of a start with three sources, and of a viewport.
	b.Run("3Sources/300000", func(b *testing.B) {
		records := country(300_000, 3)
		b.ReportAllocs()
		for b.Loop() {
			conflate.Merge(records)
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
	})
	b.Run("ViewportWithItsReach/500", func(b *testing.B) {
		records := viewportOf(country(50_000, 3), 500)
		b.ReportAllocs()
		for b.Loop() {
			conflate.Merge(records)
		}
		b.ReportMetric(float64(len(records)), "records")
	})
	b.Run("ViewportMergedBefore/500", func(b *testing.B) {
		records := viewportOf(country(50_000, 3), 500)
		rules := conflate.Rules{Memory: new(conflate.Memory)}
		b.ReportAllocs()
		for b.Loop() {
			rules.Merge(records)
		}
		b.ReportMetric(float64(len(records)), "records")
	})
	// Finding who lies near whom by looking at every pair, without deciding anything.
	b.Run("Naive/1000", func(b *testing.B) {
		records := country(1_000, 3)
		near := 0
		for b.Loop() {
			for i, x := range records {
				for _, y := range records[:i] {
					if x.Location.DistanceM(y.Location) <= conflate.R {
						near++
					}
				}
			}
		}
		if near == 0 {
			b.Fatal("nobody has neighbours")
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1_000), "ns/record")
	})
	// A feed whose records lie in one place must not bring the service down.
	b.Run("OnePlace/2000", func(b *testing.B) {
		records := country(2_000, 1)
		for _, r := range records {
			r.Location = providers.Point{Lat: 52, Lon: math.Pi}
		}
		for b.Loop() {
			conflate.Merge(records)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*2_000), "ns/record")
	})
}

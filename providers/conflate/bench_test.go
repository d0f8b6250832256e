package conflate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

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
				r.Operator, r.Title = operator, fmt.Sprint("Station ", site)
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

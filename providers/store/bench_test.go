package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

// generate returns n records such as a directory's export makes: in cities of
// twenty countries, with an address, two kinds of plugs, reference rows shared
// among all, and comments on every tenth. Equal n give equal records.
func generate(n int) []*providers.Record {
	d := rand.New(rand.NewPCG(1, uint64(n)))
	source := &providers.Source{ID: "ocm", Provider: providers.OCM}
	rows := struct {
		plugs     []*providers.ConnectionType
		operators []*providers.Operator
		usage     *providers.UsageType
		status    *providers.StatusType
		current   *providers.CurrentType
		level     *providers.ChargerType
		data      *providers.DataProvider
		rights    *providers.Attribution
	}{
		usage: &providers.UsageType{ID: "1", Title: "Public"}, status: &providers.StatusType{ID: "50", Title: "Operational"},
		current: &providers.CurrentType{ID: "30", Title: "DC"}, level: &providers.ChargerType{ID: "3", Title: "Level 3"},
		data: &providers.DataProvider{ID: "1", Title: "Contributors"}, rights: &providers.Attribution{Text: "Contributors", License: "CC BY 4.0"},
	}
	for i := range 40 {
		rows.plugs = append(rows.plugs, &providers.ConnectionType{ID: strconv.Itoa(i), Title: "Plug " + strconv.Itoa(i)})
		rows.operators = append(rows.operators, &providers.Operator{ID: "operator:ocm:" + strconv.Itoa(i), Title: "Operator " + strconv.Itoa(i)})
	}
	cities := make([]struct {
		at      providers.Point
		country *providers.Country
	}, 300)
	for i := range cities {
		cities[i].at = providers.Point{Lat: 36 + 24*d.Float64(), Lon: -10 + 40*d.Float64()}
		if i%4 == 0 {
			cities[i].at = providers.Point{Lat: -45 + 100*d.Float64(), Lon: -180 + 360*d.Float64()}
		}
		// Countries are stripes, and so have neighbours.
		stripe := int(cities[i].at.Lon+180) / 18
		cities[i].country = &providers.Country{ISOCode: string([]byte{'A', 'A' + byte(stripe)}), Title: "Country " + strconv.Itoa(stripe)}
	}
	written := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	text := func(words int) string {
		b := []byte("Site")
		for range words {
			b = append(b, " word"+strconv.Itoa(d.IntN(1000))...)
		}
		return string(b)
	}
	records := make([]*providers.Record, n)
	for i := range records {
		city := cities[d.IntN(len(cities))]
		spread := 0.15 * d.ExpFloat64()
		lon := math.Remainder(city.at.Lon+spread*d.NormFloat64(), 360)
		external := strconv.Itoa(100_000 + i)
		r := &providers.Record{
			Key: providers.NewKey("ocm", external), ExternalID: external, Source: source,
			DataProvider: rows.data, FetchedAt: written, Attribution: rows.rights,
			URL: "https://map.example/site/" + external,
			Site: providers.Site{
				UUID: fmt.Sprintf("%08X-0000-4000-8000-%012X", i, d.Uint32()), Title: text(3),
				Location: providers.Point{Lat: city.at.Lat + spread*d.NormFloat64(), Lon: lon},
				Address: providers.Address{
					Line1: text(2), Town: text(1), StateOrProvince: text(1), Postcode: strconv.Itoa(10_000 + d.IntN(90_000)),
					CountryCode: city.country.ISOCode, Country: city.country,
				},
				Operator: rows.operators[d.IntN(len(rows.operators))], Usage: providers.UsagePublic, UsageType: rows.usage,
				Status: providers.StatusOperational, StatusType: rows.status, UsageCost: text(1),
				NumberOfPoints: new(1 + d.IntN(8)), AccessComments: text(4),
				CreatedAt: written.AddDate(-1, 0, 0), UpdatedAt: written, LastVerifiedAt: written, IsRecentlyVerified: new(true),
			},
		}
		for c := range 2 {
			r.Connections = append(r.Connections, providers.ConnectionInfo{
				ExternalID: strconv.Itoa(2*i + c), ConnectionType: rows.plugs[d.IntN(len(rows.plugs))],
				CurrentType: rows.current, LevelType: rows.level, StatusType: rows.status, Status: providers.StatusOperational,
				PowerKW: new(float64(50 * (1 + d.IntN(6)))), VoltageV: new(400.0), CurrentA: new(125.0), Quantity: new(1 + d.IntN(4)), Level: new(3),
			})
		}
		if i%10 == 0 {
			for c := range 3 {
				r.Comments = append(r.Comments, providers.Comment{
					ExternalID: strconv.Itoa(3*i + c), Text: text(12), Rating: new(1 + d.IntN(5)),
					Author: &providers.Author{DisplayName: text(1)}, CreatedAt: written.AddDate(0, 0, -d.IntN(900)),
				})
			}
		}
		r.Seal()
		records[i] = r
	}
	return records
}

// sizes are how many records there are; the last is the promised one.
func sizes() []int { return []int{10, 1_000, 50_000, 300_000} }

// heap returns the bytes in use after everything unreachable is gone.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what the first one finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkLoad is an import of records that are decoded already. The bytes per
// record are those of a record with its texts and of its place in the index.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			before := heap()
			records := generate(n)
			between := heap()
			var s *store.Store
			for b.Loop() {
				s = new(store.Store)
				l := s.NewLoader()
				for _, r := range records {
					if err := l.Add(r); err != nil {
						b.Fatal(err)
					}
				}
				l.Commit(time.Time{})
			}
			b.StopTimer()
			after := heap()
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load")
			b.ReportMetric((between-before)/float64(n), "record-B/record")
			b.ReportMetric((after-between)/float64(n), "index-B/record")
			b.ReportMetric((after-before)/1e6, "heap-MB")
			runtime.KeepAlive(records)
			runtime.KeepAlive(s)
		})
	}
}

// viewport returns a box around a busy place that holds about want records.
func viewport(records []*providers.Record, want int) providers.Bounds {
	c := records[len(records)/2].Location
	low, high := 0.0, 180.0
	var box providers.Bounds
	for range 40 {
		half := (low + high) / 2
		box = providers.Bounds{South: max(c.Lat-half, -90), West: max(c.Lon-half, -180), North: min(c.Lat+half, 90), East: min(c.Lon+half, 180)}
		switch n := len(scan(records, box)); {
		case n < want:
			low = half
		case n > want:
			high = half
		default:
			return box
		}
	}
	return box
}

func searching(b *testing.B, s *store.Store, area providers.Area) {
	b.Helper()
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found = len(s.Search(area))
	}
	b.ReportMetric(float64(found), "found")
}

// BenchmarkSearch asks for a viewport of 500 records, and beside it looks at
// every record, which is what there was before there was an index.
func BenchmarkSearch(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			records := generate(n)
			s := filled(b, records)
			box := viewport(records, min(500, len(records)/2))
			center := records[len(records)/2].Location
			b.Run("viewport", func(b *testing.B) { searching(b, s, box) })
			b.Run("viewport-by-linear-scan", func(b *testing.B) {
				b.ReportAllocs()
				found := 0
				for b.Loop() {
					found = len(scan(records, box))
				}
				b.ReportMetric(float64(found), "found")
			})
			b.Run("world", func(b *testing.B) { searching(b, s, providers.World()) })
			b.Run("around-5km", func(b *testing.B) { searching(b, s, providers.Around{Center: center, RadiusM: 5_000}) })
			b.Run("around-500km", func(b *testing.B) { searching(b, s, providers.Around{Center: center, RadiusM: 500_000}) })
			b.Run("polygon-100-corners-of-100km", func(b *testing.B) { searching(b, s, ring(center, 100, 0.9)) })
			b.Run("polygon-1000-corners-of-1000km", func(b *testing.B) { searching(b, s, ring(center, 1000, 9)) })
			b.Run("route-2-points-1000km", func(b *testing.B) {
				searching(b, s, providers.NewRoute([]providers.Point{{Lat: 44, Lon: 0}, {Lat: 51, Lon: 10}}, 5_000))
			})
			b.Run("route-8000-points-600km", func(b *testing.B) { searching(b, s, meandering(8_000)) })
			b.Run("country", func(b *testing.B) { searching(b, s, providers.InCountry{Code: records[0].Address.CountryCode}) })
			b.Run("country-with-margin", func(b *testing.B) {
				searching(b, s, providers.InCountry{Code: records[0].Address.CountryCode, MarginM: 2_700})
			})
		})
	}
}

// ring is a blob with seven bays, as hand-drawn regions and outlines of countries are.
func ring(c providers.Point, corners int, radiusDeg float64) *providers.Polygon {
	points := make([]providers.Point, corners)
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(corners))
		r := radiusDeg * (1 - 0.1*math.Cos(14*math.Pi*float64(i)/float64(corners)))
		points[i] = providers.Point{Lat: c.Lat + r*sin, Lon: c.Lon + r*cos}
	}
	return providers.NewPolygon(points)
}

func meandering(n int) *providers.Route {
	points := make([]providers.Point, n)
	for i := range points {
		t := float64(i) / float64(n)
		points[i] = providers.Point{Lat: 48 + 3*t + 0.05*math.Sin(300*t), Lon: 2 + 7*t + 0.05*math.Cos(200*t)}
	}
	return providers.NewRoute(points, 5_000)
}

// BenchmarkGet looks records up by key.
func BenchmarkGet(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			records := generate(n)
			s := filled(b, records)
			i := 0
			for b.Loop() {
				i = (i + 7919) % len(records)
				if _, ok := s.Get(records[i].Key); !ok {
					b.Fatal("a record is gone")
				}
			}
		})
	}
}

// BenchmarkApply changes 100 records, some of which move; beside it, everything
// is loaded again.
func BenchmarkApply(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			records := generate(n)
			fresh := generate(len(records))
			d := rand.New(rand.NewPCG(2, 2))
			delta := make([]*providers.Record, min(100, len(records)))
			b.Run("100", func(b *testing.B) {
				s := filled(b, records)
				b.ReportAllocs()
				for b.Loop() {
					for i := range delta {
						at := d.IntN(len(records))
						delta[i] = fresh[at]
						records[at], fresh[at] = fresh[at], records[at]
					}
					if err := s.Apply(delta, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("100-by-loading-again", func(b *testing.B) {
				s := filled(b, records)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Replace(records, time.Time{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkReference finds the plugs in use in one country.
func BenchmarkReference(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			records := generate(n)
			table := &providers.Reference{}
			source := store.NewReferencedSource(&providers.Source{}, filled(b, records), table)
			for b.Loop() {
				if _, err := source.Reference(b.Context(), records[0].Address.CountryCode); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package loaders_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"chargegraph/loaders"
	"chargegraph/providers"
)

// BenchmarkSearch asks for a viewport of a city of n sites: what was seen
// before, and what nobody has asked for yet.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10, 1000, 50_000} {
		d := newDirectory(providers.OCM, grid(city(), n)...)
		b.Run(fmt.Sprintf("seen/%d", n), func(b *testing.B) {
			c := newCatalog(b, loaders.Config{Timeout: loaders.MaxTimeout}, d)
			q := loaders.Question{Area: city(), First: 20, Order: loaders.DefaultOrder(city())}
			for b.Loop() {
				if _, err := c.Begin().Search(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkColdViewport asks a simulated Open Charge Map for viewports that
// share nothing.
func BenchmarkColdViewport(b *testing.B) {
	source, wire := simulated(b, 6000)
	trace := panning(rand.New(rand.NewPCG(5, 6)), 24, 24)
	pois, queries := 0, 0
	for b.Loop() {
		c := newCatalog(b, loaders.Config{Timeout: loaders.MaxTimeout}, source)
		view := trace[queries%len(trace)]
		page, err := c.Begin().Search(b.Context(), loaders.Question{Area: view, First: 100, Order: loaders.DefaultOrder(view)})
		if err != nil {
			b.Fatal(err)
		}
		queries++
		pois += len(page.Edges)
		c.Close()
	}
	b.ReportMetric(float64(wire.bytes.Load())/float64(queries), "bytes/query")
	b.ReportMetric(float64(pois)/float64(queries), "pois/query")
}

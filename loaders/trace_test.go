package loaders_test

import (
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/conflate"
	"chargegraph/providers/ocm"
	"chargegraph/providers/sandbox"
)

// counting is a transport that ends in a simulator and counts what passes.
type counting struct {
	handler http.Handler
	calls   atomic.Int64
	bytes   atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	c.handler.ServeHTTP(answer, r)
	if r.URL.Path == "/v3/poi" {
		c.calls.Add(1)
		c.bytes.Add(int64(answer.Body.Len()))
	}
	return answer.Result(), nil
}

// simulated returns Open Charge Map over a made-up world, and what counts its calls.
func simulated(tb testing.TB, sites int) (*ocm.Source, *counting) {
	tb.Helper()
	params := sandbox.DefaultParams()
	params.Sites = sites
	simulator, err := sandbox.NewOCM(sandbox.NewWorld(params), sandbox.OCMOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	wire := &counting{handler: simulator}
	source, err := ocm.New(ocm.Config{
		ID: "ocm", URL: "http://ocm.example/v3", Key: "5a4db0c5-0000-4000-8000-000000000001", Client: &http.Client{Transport: wire},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return source, wire
}

// panning returns the viewports of sessions that move over cities: each pans on
// mostly in one direction, and zooms by one step now and then.
func panning(r *rand.Rand, sessions, views int) []providers.Bounds {
	type session struct {
		at        providers.Point
		zoom      int
		direction float64
	}
	cities := sandbox.DefaultParams().Cities
	list := make([]session, sessions)
	for i := range list {
		c := cities[i%len(cities)]
		spread := c.RadiusKM / 111 / 3
		list[i] = session{
			at:   providers.Point{Lat: c.Lat + r.NormFloat64()*spread, Lon: c.Lon + r.NormFloat64()*spread/math.Cos(c.Lat*math.Pi/180)},
			zoom: r.IntN(3), direction: r.Float64() * 2 * math.Pi,
		}
	}
	var all []providers.Bounds
	for len(all) < views {
		for i := range list {
			s := &list[i]
			height := 0.16 / math.Exp2(float64(s.zoom))
			width := 1.6 * height / math.Cos(s.at.Lat*math.Pi/180)
			all = append(all, providers.Bounds{
				South: s.at.Lat - height/2, North: s.at.Lat + height/2, West: s.at.Lon - width/2, East: s.at.Lon + width/2,
			})
			if r.Float64() < 0.2 {
				s.zoom = max(0, min(s.zoom+1-2*r.IntN(2), 2))
				continue
			}
			if r.Float64() > 0.7 {
				s.direction = r.Float64() * 2 * math.Pi
			}
			step := 0.15 + 0.45*r.Float64()
			s.at.Lat += step * height * math.Sin(s.direction)
			s.at.Lon += step * width * math.Cos(s.direction)
		}
	}
	return all[:views]
}

func TestAPanningMapAsksItsSourceSeldom(t *testing.T) {
	t.Parallel()
	const views = 1000
	source, wire := simulated(t, 2000)
	c := newCatalog(t, loaders.Config{Timeout: loaders.MaxTimeout}, source)
	trace := panning(rand.New(rand.NewPCG(1, 2)), 24, views)
	pois := 0
	for _, view := range trace {
		page := ask(t.Context(), t, c, loaders.Question{Area: view})
		if page.Truncated || page.Sources[0].Outcome != providers.OutcomeOK {
			t.Fatalf("%v: %+v", view, page.Sources[0])
		}
		pois += *page.Total
	}
	calls, bytes := wire.calls.Load(), wire.bytes.Load()
	// Every tenth viewport stands for what all would cost without a cache.
	wire.bytes.Store(0)
	for i, view := range trace {
		if i%10 == 0 {
			if _, err := source.Search(t.Context(), providers.Query{Area: view.Grow(conflate.Reach(1))}); err != nil {
				t.Fatal(err)
			}
		}
	}
	plain := 10 * wire.bytes.Load()
	perQuery, ratio := float64(calls)/float64(views), float64(bytes)/float64(plain)
	t.Logf("%d viewports of %d POIs on average: %.3f calls and %.2f of the bytes of no cache", views, pois/views, perQuery, ratio)
	if perQuery > 0.20 || ratio > 1.3 {
		t.Errorf("%.3f calls per viewport and %.2f of the bytes, want at most 0.20 and 1.3", perQuery, ratio)
	}
}

// A real source's answers, cached, are those that it gives without a cache.
func TestARealSourceAnswersTheSameThroughTheCache(t *testing.T) {
	t.Parallel()
	source, _ := simulated(t, 1500)
	c := newCatalog(t, loaders.Config{Timeout: loaders.MaxTimeout}, source)
	for i, view := range panning(rand.New(rand.NewPCG(3, 4)), 6, 60) {
		got := ask(t.Context(), t, c, loaders.Question{Area: view})
		if i%4 != 0 {
			continue
		}
		plain, err := loaders.New(loaders.Config{Timeout: loaders.MaxTimeout}, source)
		if err != nil {
			t.Fatal(err)
		}
		want := ask(t.Context(), t, plain, loaders.Question{Area: view})
		plain.Close()
		if !slices.Equal(shown(got), shown(want)) {
			t.Errorf("%v: %d POIs through a cache that has seen others, %d through an empty one", view, len(got.Edges), len(want.Edges))
		}
	}
}

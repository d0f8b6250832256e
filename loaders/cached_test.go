package loaders_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/loaders/cache/redistest"
	"chargegraph/providers"
	"chargegraph/providers/store"
)

// directory is a source that is asked over the network for places that the test
// changes as it likes. It tells of at most limit places at once.
type directory struct {
	source *providers.Source
	limit  int

	mu      sync.Mutex
	records map[providers.Key]*providers.Record
	asked   []providers.Query
	details [][]providers.Key
	err     error                 // of every question
	hold    func(providers.Query) // called before a question is answered

	summaries bool   // searches tell no more than summaries
	batch     int    // of keys in a question; 0: 10
	detailErr error  // of every question about keys
	pause     func() // called before a question about keys is answered
}

var (
	_ providers.Provider = (*directory)(nil)
	_ providers.Detailer = (*directory)(nil)
)

func newDirectory(code providers.ProviderCode, places ...providers.Point) *directory {
	d := &directory{
		source: &providers.Source{ID: providers.NewSourceID(code, ""), Provider: code},
		limit:  1 << 30, records: make(map[providers.Key]*providers.Record),
	}
	for i, p := range places {
		d.put(fmt.Sprint(i+1), p, "Site")
	}
	return d
}

// put adds a site, or replaces it.
func (d *directory) put(id string, at providers.Point, title string) *providers.Record {
	r := &providers.Record{Key: providers.NewKey(d.source.ID, id), Source: d.source, ExternalID: id, FetchedAt: time.Now()}
	r.Title, r.Location, r.Status = title, at, providers.StatusOperational
	r.Seal()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[r.Key] = r
	return r
}

// clear removes all sites but the first n by key.
func (d *directory) clear(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, k := range d.keys() {
		if i >= n {
			delete(d.records, k)
		}
	}
}

func (d *directory) keys() []providers.Key {
	var keys []providers.Key
	for k := range d.records {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (d *directory) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// calls returns how many questions about areas and keys there were since it was last asked.
func (d *directory) calls() (searches, details int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	searches, details = len(d.asked), len(d.details)
	d.asked, d.details = nil, nil
	return searches, details
}

func (d *directory) Source() *providers.Source { return d.source }
func (d *directory) DetailBatch() int          { return cmp.Or(d.batch, 10) }

func (d *directory) Search(_ context.Context, q providers.Query) (providers.Answer, error) {
	d.mu.Lock()
	d.asked = append(d.asked, q)
	err, hold := d.err, d.hold
	d.mu.Unlock()
	if hold != nil {
		hold(q)
	}
	if err != nil {
		return providers.Answer{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	answer := providers.Answer{FetchedAt: time.Now()}
	for _, k := range d.keys() {
		if r := *d.records[k]; q.Area.Holds(&r.Site) {
			r.FetchedAt, r.Summary = answer.FetchedAt, d.summaries
			r.Seal()
			answer.Records = append(answer.Records, &r)
		}
	}
	if len(answer.Records) > d.limit {
		answer.Records, answer.Truncated = answer.Records[:d.limit], true
	}
	return answer, nil
}

func (d *directory) Detail(_ context.Context, keys []providers.Key) (providers.Answer, error) {
	d.mu.Lock()
	d.details = append(d.details, keys)
	pause := d.pause
	d.mu.Unlock()
	if pause != nil {
		pause()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := cmp.Or(d.err, d.detailErr); err != nil {
		return providers.Answer{}, err
	}
	answer := providers.Answer{FetchedAt: time.Now()}
	for _, k := range keys {
		if r := d.records[k]; r != nil {
			answer.Records = append(answer.Records, r)
		}
	}
	return answer, nil
}

// heldCopy returns a source that holds the same records: what the directory is
// when nothing is between it and the question.
func (d *directory) heldCopy(tb testing.TB) providers.Provider {
	tb.Helper()
	info := &providers.Source{ID: d.source.ID, Provider: d.source.Provider}
	var records []*providers.Record
	for _, k := range d.keys() {
		r := *d.records[k]
		r.Source = info
		r.Seal()
		records = append(records, &r)
	}
	held := new(store.Store)
	source := store.NewSource(info, held)
	if _, err := held.Replace(records, time.Unix(1, 0)); err != nil {
		tb.Fatal(err)
	}
	return source
}

func newCatalog(tb testing.TB, cfg loaders.Config, sources ...providers.Provider) *loaders.Catalog {
	tb.Helper()
	catalog, err := loaders.New(cfg, sources...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(catalog.Close)
	return catalog
}

func ask(ctx context.Context, tb testing.TB, c *loaders.Catalog, q loaders.Question) loaders.Page {
	tb.Helper()
	if q.First == 0 {
		q.First = 500
	}
	if q.Order == (providers.Order{}) {
		q.Order = loaders.DefaultOrder(q.Area)
	}
	page, err := c.Begin().Search(ctx, q)
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

// shown returns the POIs of a page with what orders them.
func shown(p loaders.Page) []string {
	var list []string
	for _, e := range p.Edges {
		line := e.POI.ID() + " " + e.POI.Title
		for _, r := range e.POI.Members {
			line += " " + string(r.Key)
		}
		list = append(list, fmt.Sprintf("%s %+v", line, e.Position))
	}
	return list
}

func city() providers.Bounds {
	return providers.Bounds{South: 52.30, West: 4.75, North: 52.42, East: 5.05}
}

// grid returns n places in b, row by row.
func grid(b providers.Bounds, n int) []providers.Point {
	var list []providers.Point
	side := 1
	for side*side < n {
		side++
	}
	for i := range n {
		list = append(list, providers.Point{
			Lat: b.South + (b.North-b.South)*(float64(i/side)+0.5)/float64(side),
			Lon: b.West + (b.East-b.West)*(float64(i%side)+0.5)/float64(side),
		})
	}
	return list
}

func drawLon(t *rapid.T, name string) float64 {
	if rapid.IntRange(0, 2).Draw(t, name+"Special") == 0 {
		return rapid.SampledFrom([]float64{-180, 180, 0, 179.99, -179.99, 5.625}).Draw(t, name)
	}
	return rapid.Float64Range(-180, 180).Draw(t, name)
}

// drawPlaces draws sites in a few clumps, some of them where maps are cut.
func drawPlaces(t *rapid.T) (places []providers.Point, clumps []providers.Point) {
	for range rapid.IntRange(1, 3).Draw(t, "clumps") {
		c := providers.Point{
			Lat: rapid.SampledFrom([]float64{52.3, 0, -33.9, 85.05, 85.1, 89.9, -89.8, 64.2, 40}).Draw(t, "clumpLat"), Lon: drawLon(t, "clumpLon"),
		}
		clumps = append(clumps, c)
		for range rapid.IntRange(0, 25).Draw(t, "sites") {
			p := providers.Point{Lat: c.Lat + rapid.Float64Range(-0.1, 0.1).Draw(t, "dLat"), Lon: c.Lon + rapid.Float64Range(-0.2, 0.2).Draw(t, "dLon")}
			p.Lat = max(-90, min(p.Lat, 90))
			if p.Lon > 180 {
				p.Lon -= 360
			} else if p.Lon < -180 {
				p.Lon += 360
			}
			places = append(places, p)
		}
	}
	return places, clumps
}

func drawQuestion(t *rapid.T, clumps []providers.Point) loaders.Question {
	at := rapid.SampledFrom(clumps).Draw(t, "where")
	at.Lat = max(-89.9, min(at.Lat+rapid.Float64Range(-0.05, 0.05).Draw(t, "north"), 89.9))
	point := providers.Bounds{South: at.Lat, North: at.Lat, West: at.Lon, East: at.Lon}
	reach := rapid.SampledFrom([]float64{200, 1000, 3000, 9000, 30_000}).Draw(t, "reach")
	q := loaders.Question{First: rapid.IntRange(1, 30).Draw(t, "first")}
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		q.Area = providers.Around{Center: at, RadiusM: reach}
	case 1:
		to := providers.Point{Lat: max(-89.9, at.Lat-0.1), Lon: at.Lon}
		q.Area = providers.NewRoute([]providers.Point{at, to}, min(reach, 9000))
	case 2:
		b := point.Grow(min(reach, 9000))
		if b.WidthDeg() < 20 && b.West < b.East {
			q.Area = providers.NewPolygon([]providers.Point{{Lat: b.South, Lon: b.West}, {Lat: b.South, Lon: b.East}, {Lat: b.North, Lon: at.Lon}})
		} else {
			q.Area = b
		}
	default:
		q.Area = point.Grow(reach)
	}
	if rapid.IntRange(0, 2).Draw(t, "filtered") == 0 {
		q.Filter = &providers.Filter{Text: rapid.SampledFrom([]string{"even", "odd"}).Draw(t, "text")}
	}
	q.Order = loaders.DefaultOrder(q.Area)
	if rapid.Bool().Draw(t, "byTitle") {
		q.Order = providers.Order{By: providers.OrderTitle, Direction: rapid.SampledFrom([]providers.OrderDirection{providers.Ascending, providers.Descending}).Draw(t, "direction")}
	}
	return q
}

func TestCachedEqualsUncached(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		places, clumps := drawPlaces(rt)
		one, two := newDirectory(providers.OCM), newDirectory(providers.PlugShare)
		for i, p := range places {
			d := one
			if rapid.IntRange(0, 2).Draw(rt, "source") == 0 {
				d = two
			}
			d.put(fmt.Sprint(i), p, []string{"Even", "Odd"}[i%2])
		}
		one.limit = rapid.SampledFrom([]int{1 << 30, 12}).Draw(rt, "limit")
		cached, err := loaders.New(loaders.Config{}, one, two)
		if err != nil {
			rt.Fatal(err)
		}
		defer cached.Close()
		plain, err := loaders.New(loaders.Config{}, one.heldCopy(t), two.heldCopy(t))
		if err != nil {
			rt.Fatal(err)
		}
		defer plain.Close()
		for range rapid.IntRange(1, 8).Draw(rt, "questions") {
			q := drawQuestion(rt, clumps)
			for range 4 {
				got, err := cached.Begin().Search(t.Context(), q)
				if err != nil {
					rt.Fatal(err)
				}
				if got.Truncated && one.limit < 1<<30 {
					break // more sites than the calls of one question bring, or a shape that cannot be split
				}
				want, err := plain.Begin().Search(t.Context(), q)
				if err != nil {
					rt.Fatal(err)
				}
				if !slices.Equal(shown(got), shown(want)) || got.HasNext != want.HasNext || got.Total == nil || *got.Total != *want.Total {
					rt.Fatalf("%#v: the page is\n%s\nwant\n%s", q, strings.Join(shown(got), "\n"), strings.Join(shown(want), "\n"))
				}
				for i := range got.Sources {
					if g, w := got.Sources[i], want.Sources[i]; g.Outcome != w.Outcome || g.Returned != w.Returned || g.Error != nil {
						rt.Fatalf("%#v: a source did %+v, want %+v", q, g, w)
					}
				}
				if !got.HasNext {
					break
				}
				q.After = &got.Edges[len(got.Edges)-1].Position
			}
		}
	})
}

func TestASecondLookAtAViewportMakesNoCall(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 50)...)
	c := newCatalog(t, loaders.Config{}, d)
	first := ask(t.Context(), t, c, loaders.Question{Area: city()})
	if n, _ := d.calls(); n != 1 || first.Sources[0].Cache != providers.CacheMiss || len(first.Edges) != 50 {
		t.Fatalf("a new viewport made %d calls, cache %s, %d POIs", n, first.Sources[0].Cache, len(first.Edges))
	}
	again := ask(t.Context(), t, c, loaders.Question{Area: city(), Filter: &providers.Filter{Text: "site"}})
	inside := city()
	inside.East = (inside.West + inside.East) / 2
	closer := ask(t.Context(), t, c, loaders.Question{Area: inside})
	around := ask(t.Context(), t, c, loaders.Question{Area: providers.Around{Center: providers.Point{Lat: 52.36, Lon: 4.9}, RadiusM: 2000}})
	if n, _ := d.calls(); n != 0 {
		t.Errorf("what was seen made %d calls", n)
	}
	for _, p := range []loaders.Page{again, closer, around} {
		if r := p.Sources[0]; r.Cache != providers.CacheHit || r.Outcome != providers.OutcomeOK || r.AgeSeconds == nil || len(p.Edges) == 0 {
			t.Errorf("got %+v with %d POIs", r, len(p.Edges))
		}
	}
}

func TestAFirstLookAsksForLittleAndASecondForWholeTiles(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(providers.Bounds{South: 51, West: 3, North: 53, East: 7}, 2000)...)
	c := newCatalog(t, loaders.Config{}, d)
	view := city()
	var asked []float64 // in areas of a viewport
	for range 8 {
		ask(t.Context(), t, c, loaders.Question{Area: view})
		view.West, view.East = view.West+0.1, view.East+0.1 // a third of its width
	}
	for _, q := range d.asked {
		b, ok := q.Area.(providers.Bounds)
		if !ok {
			t.Fatalf("asked for %#v", q.Area)
		}
		asked = append(asked, b.AreaKM2()/city().AreaKM2())
	}
	if len(asked) < 2 || len(asked) > 4 || asked[0] > 3 || asked[1] < 3 {
		t.Errorf("eight steps asked for %.1f viewports", asked)
	}
}

func TestSixtyFourClientsAskForOneNewViewportByOneCall(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 50)...)
	c := newCatalog(t, loaders.Config{Timeout: loaders.MaxTimeout}, d)
	var ready, done sync.WaitGroup
	d.hold = func(providers.Query) { ready.Wait() }
	var short atomic.Int32
	ready.Add(64)
	for range 64 {
		done.Go(func() {
			ready.Done()
			page, err := c.Begin().Search(t.Context(), loaders.Question{Area: city(), First: 500})
			if err != nil || len(page.Edges) != 50 {
				short.Add(1)
			}
		})
	}
	done.Wait()
	if n, _ := d.calls(); n != 1 || short.Load() != 0 {
		t.Errorf("%d calls, %d answers that are not whole", n, short.Load())
	}
}

func TestASiteThatWasSeenCostsNoCallAndAnotherTwo(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 50)...)
	far := d.put("far", providers.Point{Lat: 40, Lon: 20}, "Far")
	c := newCatalog(t, loaders.Config{}, d)
	page := ask(t.Context(), t, c, loaders.Question{Area: city()})
	d.calls()
	for _, e := range page.Edges {
		if found := c.Begin().POIs(t.Context(), []providers.Key{e.POI.Members[0].Key}, nil, true)[0]; found.POI == nil || found.POI.ID() != e.POI.ID() {
			t.Fatalf("%s is %+v", e.POI.ID(), found)
		}
	}
	if s, n := d.calls(); s+n != 0 {
		t.Errorf("sites that were seen took %d searches and %d detail calls", s, n)
	}
	for range 2 {
		if found := c.Begin().POIs(t.Context(), []providers.Key{far.Key}, nil, true)[0]; found.POI == nil {
			t.Fatalf("it is %+v", found)
		}
	}
	if s, n := d.calls(); s != 1 || n != 1 {
		t.Errorf("a site that was not seen took %d searches and %d detail calls", s, n)
	}
	for range 2 {
		if found := c.Begin().POIs(t.Context(), []providers.Key{"ocm:none"}, nil, true)[0]; found.POI != nil || found.Err != nil {
			t.Fatalf("it is %+v", found)
		}
	}
	if s, n := d.calls(); s != 0 || n != 1 {
		t.Errorf("a site that does not exist took %d searches and %d detail calls", s, n)
	}
}

func TestWhatAgedIsShownAndAskedForAnewBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(providers.OCM, grid(city(), 3)...)
		kept, err := cache.New(cache.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer kept.Close()
		answers := cache.NewAnswers(kept, "answer")
		c := newCatalog(t, loaders.Config{Cache: kept}, d)
		op := c.Begin()
		q := loaders.Question{Area: city(), First: 10}
		if _, err := op.Search(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		d.put("1", grid(city(), 3)[0], "Renamed")
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		keepAnswer(t, answers, op)
		old := ask(t.Context(), t, c, q)
		if r := old.Sources[0]; r.Cache != providers.CacheStale || r.Outcome != providers.OutcomeOK || *r.AgeSeconds != 3600 || old.Edges[0].POI.Title != "Site" {
			t.Errorf("the aged answer is %+v, %s", r, old.Edges[0].POI.Title)
		}
		synctest.Wait()
		fresh := ask(t.Context(), t, c, q)
		if r := fresh.Sources[0]; r.Cache != providers.CacheHit || *r.AgeSeconds != 0 || fresh.Edges[0].POI.Title != "Renamed" || len(fresh.Edges) != 3 {
			t.Errorf("the next answer is %+v, %s", r, fresh.Edges[0].POI.Title)
		}
		if n, _ := d.calls(); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		if _, ok := answers.Get(t.Context(), "finished"); ok {
			t.Errorf("the finished answer is still there; it carries %v", op.Freshness().Tags)
		}
	})
}

// keepAnswer keeps a finished answer that carries what an operation has read.
func keepAnswer(t *testing.T, answers *cache.Answers, op *loaders.Operation) {
	t.Helper()
	now := time.Now()
	answers.Put(t.Context(), "finished", cache.Answer{Tags: op.Freshness().Tags, MadeAt: now, FreshUntil: now.Add(time.Minute)})
	if _, ok := answers.Get(t.Context(), "finished"); !ok {
		t.Fatal("the finished answer is not kept")
	}
}

func TestARefreshThatFindsNothingNewDropsNoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(providers.OCM, grid(city(), 3)...)
		kept, err := cache.New(cache.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer kept.Close()
		answers := cache.NewAnswers(kept, "answer")
		c := newCatalog(t, loaders.Config{Cache: kept}, d)
		for range 3 {
			op := c.Begin()
			if _, err := op.Search(t.Context(), loaders.Question{Area: city(), First: 10}); err != nil {
				t.Fatal(err)
			}
			keepAnswer(t, answers, op)
			synctest.Wait() // for the refresh
			if _, ok := answers.Get(t.Context(), "finished"); !ok {
				t.Error("the finished answer was dropped")
			}
			time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		}
		if n, _ := d.calls(); n != 3 {
			t.Errorf("%d calls, want 3", n)
		}
	})
}

func outage(code providers.SourceErrorCode) error {
	return &providers.SourceError{Code: code, Message: "out of order"}
}

func TestWhatIsKnownStandsInForASourceThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	for code, outcome := range map[providers.SourceErrorCode]providers.SourceOutcome{
		providers.CodeNetwork:         providers.OutcomeStale,
		providers.CodeBudgetExhausted: providers.OutcomeBudgetExhausted,
		providers.CodeSuspectAnswer:   providers.OutcomeSuspect,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDirectory(providers.OCM, grid(city(), 3)...)
				c := newCatalog(t, loaders.Config{}, d)
				q := loaders.Question{Area: city(), First: 10}
				ask(t.Context(), t, c, q)
				d.fail(outage(code))
				time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
				ask(t.Context(), t, c, q)
				synctest.Wait()

				// The refresh has failed by now; whoever insists fails at once.
				insisting := q
				insisting.Policy = &providers.SourcePolicy{MaxAge: new(time.Minute), Require: []providers.ProviderCode{providers.OCM}}
				for _, q := range []loaders.Question{q, insisting} {
					page := ask(t.Context(), t, c, q)
					r := page.Sources[0]
					if len(page.Edges) != 3 || r.Outcome != outcome || r.Cache != providers.CacheStale || r.Error == nil || r.Error.Code != code || *r.AgeSeconds != 3600 {
						t.Errorf("%d POIs, %+v", len(page.Edges), r)
					}
				}
				op := c.Begin()
				if _, err := op.Search(t.Context(), q); err != nil {
					t.Fatal(err)
				}
				if f := op.Freshness(); f.FreshUntil.After(time.Now().Add(2 * time.Second)) {
					t.Errorf("the answer above may be kept for %v", time.Until(f.FreshUntil))
				}

				strict := insisting
				strict.Policy = &providers.SourcePolicy{MaxAge: new(time.Minute), AllowStale: new(false)}
				if page := ask(t.Context(), t, c, strict); len(page.Edges) != 0 || page.Total != nil || page.Sources[0].Error.Code != code {
					t.Errorf("whoever wants nothing aged got %d POIs, %+v", len(page.Edges), page.Sources[0])
				}
			})
		})
	}
}

func TestALoadThatComesTooLateIsThereForTheNextQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(providers.OCM, grid(city(), 3)...)
		d.hold = func(providers.Query) { time.Sleep(5 * time.Second) } //nolint:forbidigo // the bubble's clock
		c := newCatalog(t, loaders.Config{}, d)
		began := time.Now()
		page := ask(t.Context(), t, c, loaders.Question{Area: city()})
		if r := page.Sources[0]; r.Outcome != providers.OutcomeTimedOut || time.Since(began) != loaders.DefaultTimeout || page.Total != nil {
			t.Errorf("after %v: %+v", time.Since(began), r)
		}
		if d.source.Health() != providers.HealthDegraded {
			t.Errorf("health is %s", d.source.Health())
		}
		time.Sleep(3 * time.Second) //nolint:forbidigo // the bubble's clock
		if page = ask(t.Context(), t, c, loaders.Question{Area: city()}); len(page.Edges) != 3 || page.Sources[0].Cache != providers.CacheHit {
			t.Errorf("then: %d POIs, %+v", len(page.Edges), page.Sources[0])
		}
		if n, _ := d.calls(); n != 1 || d.source.Health() != providers.HealthHealthy {
			t.Errorf("%d calls, health %s", n, d.source.Health())
		}
	})
}

func TestAPlaceThatEmptiesOverNightIsNotBelievedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(providers.OCM, grid(city(), 50)...)
		c := newCatalog(t, loaders.Config{}, d)
		q := loaders.Question{Area: city()}
		ask(t.Context(), t, c, q)
		d.clear(10)
		insisting := loaders.Question{Area: city(), Policy: &providers.SourcePolicy{MaxAge: new(time.Duration(0))}}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		for minute := range 2 {
			for _, q := range []loaders.Question{insisting, q, insisting} {
				page := ask(t.Context(), t, c, q)
				synctest.Wait() // what was begun behind
				if r := page.Sources[0]; len(page.Edges) != 50 || r.Outcome != providers.OutcomeSuspect || r.Error == nil || r.Error.Code != providers.CodeSuspectAnswer || *r.AgeSeconds != float64(60*(minute+1)) {
					t.Errorf("%d POIs, %+v", len(page.Edges), r)
				}
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		}
		ask(t.Context(), t, c, q) // begins what confirms it
		synctest.Wait()
		if page := ask(t.Context(), t, c, q); len(page.Edges) != 10 || page.Sources[0].Outcome != providers.OutcomeOK {
			t.Errorf("once confirmed: %d POIs, %+v", len(page.Edges), page.Sources[0])
		}
	})
}

func TestADoubtIsForgottenWhenTheSourceIsItselfAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(providers.OCM, grid(city(), 50)...)
		c := newCatalog(t, loaders.Config{}, d)
		insisting := loaders.Question{Area: city(), Policy: &providers.SourcePolicy{MaxAge: new(time.Duration(0))}}
		ask(t.Context(), t, c, insisting)
		d.clear(0)
		ask(t.Context(), t, c, insisting)
		for i, p := range grid(city(), 49) {
			d.put(fmt.Sprint(i), p, "Site")
		}
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
		if page := ask(t.Context(), t, c, insisting); len(page.Edges) != 49 || page.Sources[0].Outcome != providers.OutcomeOK {
			t.Errorf("%d POIs, %+v", len(page.Edges), page.Sources[0])
		}
	})
}

func TestACrowdedPlaceIsAskedForInParts(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 400)...)
	d.limit = 150
	c := newCatalog(t, loaders.Config{}, d)
	page := ask(t.Context(), t, c, loaders.Question{Area: city()})
	n, _ := d.calls()
	if len(page.Edges) != 400 || page.Truncated || page.Total == nil || n > 8 {
		t.Errorf("%d POIs by %d calls, %+v", len(page.Edges), n, page.Sources[0])
	}
	ask(t.Context(), t, c, loaders.Question{Area: city()})
	quarter := city()
	quarter.North, quarter.East = (quarter.South+quarter.North)/2, (quarter.West+quarter.East)/2
	ask(t.Context(), t, c, loaders.Question{Area: quarter})
	if n, _ := d.calls(); n != 0 {
		t.Errorf("the same place made %d more calls", n)
	}
}

func TestAPlaceTooCrowdedForOneQuestionSaysSo(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 400)...)
	d.limit = 12
	c := newCatalog(t, loaders.Config{}, d)
	page := ask(t.Context(), t, c, loaders.Question{Area: city()})
	if n, _ := d.calls(); n > 8 || !page.Truncated || page.Total != nil || len(page.Edges) == 0 {
		t.Errorf("%d calls, %d POIs, truncated %v, total %v", n, len(page.Edges), page.Truncated, page.Total)
	}
	// More than the source tells of one spot cannot be had by any number of calls.
	spot := newDirectory(providers.OCM, slices.Repeat([]providers.Point{{Lat: 10.001, Lon: 10.001}}, 30)...)
	spot.limit = 12
	c = newCatalog(t, loaders.Config{}, spot)
	for range 4 {
		page = ask(t.Context(), t, c, loaders.Question{Area: providers.Bounds{South: 10, West: 10, North: 10.002, East: 10.002}})
	}
	if !page.Truncated || len(page.Edges) == 0 {
		t.Errorf("%d POIs, truncated %v", len(page.Edges), page.Truncated)
	}
	spot.calls()
	ask(t.Context(), t, c, loaders.Question{Area: providers.Bounds{South: 10, West: 10, North: 10.002, East: 10.002}})
	if n, _ := spot.calls(); n != 0 {
		t.Errorf("it was asked %d times more", n)
	}
}

func TestWhatLacksAPartIsNotTakenForTheWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDirectory(providers.OCM, grid(city(), 3)...)
		torn := &tornDirectory{directory: d, torn: true}
		c := newCatalog(t, loaders.Config{}, torn)
		for range 2 {
			page := ask(t.Context(), t, c, loaders.Question{Area: city()})
			if r := page.Sources[0]; r.Outcome != providers.OutcomePartial || r.Error == nil || len(page.Edges) != 3 {
				t.Errorf("%+v, %d POIs", r, len(page.Edges))
			}
		}
		if n, _ := d.calls(); n != 1 {
			t.Errorf("%d calls within a moment", n)
		}
		torn.torn = false
		time.Sleep(time.Minute + time.Second) //nolint:forbidigo // the bubble's clock
		page := ask(t.Context(), t, c, loaders.Question{Area: city()})
		if r := page.Sources[0]; r.Outcome != providers.OutcomeOK || r.Error != nil {
			t.Errorf("later: %+v", r)
		}
	})
}

// tornDirectory answers with a part that it could not read.
type tornDirectory struct {
	*directory
	torn bool
}

func (d *tornDirectory) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	a, err := d.directory.Search(ctx, q)
	if d.torn {
		a.Partial, a.Err = true, &providers.SourceError{Code: providers.CodeBadResponse, Message: "one listing could not be read"}
	}
	return a, err
}

func TestACountryIsAskedForOncePerFilter(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 3)...)
	for _, k := range d.keys() {
		d.records[k].Address.CountryCode = "NL"
	}
	c := newCatalog(t, loaders.Config{}, d)
	for range 2 {
		for _, text := range []string{"a", "b"} {
			ask(t.Context(), t, c, loaders.Question{Area: providers.InCountry{Code: "NL"}, Filter: &providers.Filter{Text: text}})
			ask(t.Context(), t, c, loaders.Question{Area: providers.World(), Filter: &providers.Filter{Text: text}})
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) != 4 {
		t.Errorf("%d calls, want 4", len(d.asked))
	}
	for _, q := range d.asked {
		if q.Filter == nil {
			t.Errorf("%#v was asked for without what it is filtered by", q.Area)
		}
	}
}

func TestShapesAreAskedForOnceAndNeverFiltered(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 30)...)
	c := newCatalog(t, loaders.Config{}, d)
	areas := []providers.Area{
		providers.Around{Center: providers.Point{Lat: 52.36, Lon: 4.9}, RadiusM: 3000},
		providers.NewRoute([]providers.Point{{Lat: 52.31, Lon: 4.8}, {Lat: 52.4, Lon: 5}}, 1000),
		providers.NewPolygon([]providers.Point{{Lat: 52.31, Lon: 4.8}, {Lat: 52.4, Lon: 5}, {Lat: 52.32, Lon: 5.02}}),
	}
	for i, text := range []string{"site", "nothing", "site"} {
		for _, area := range areas {
			page := ask(t.Context(), t, c, loaders.Question{Area: area, Filter: &providers.Filter{Text: text}})
			if want := text == "site"; (len(page.Edges) > 0) != want {
				t.Errorf("%d: %#v has %d POIs", i, area, len(page.Edges))
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) != len(areas) {
		t.Errorf("%d calls, want %d", len(d.asked), len(areas))
	}
	for _, q := range d.asked {
		if q.Filter != nil {
			t.Error("a shape that can be had whole was asked for with a filter")
		}
	}
}

func TestForgettingARecordAsksForItAnew(t *testing.T) {
	t.Parallel()
	d := newDirectory(providers.OCM, grid(city(), 3)...)
	c := newCatalog(t, loaders.Config{}, d)
	around := loaders.Question{Area: providers.Around{Center: providers.Point{Lat: 10, Lon: 10}, RadiusM: 1000}}
	d.put("9", providers.Point{Lat: 10, Lon: 10}, "Site")
	ask(t.Context(), t, c, loaders.Question{Area: city()})
	ask(t.Context(), t, c, around)
	d.put("1", grid(city(), 3)[0], "Renamed")
	d.put("9", providers.Point{Lat: 10, Lon: 10}, "Renamed")
	c.Forget(t.Context(), "ocm:1")
	c.Forget(t.Context(), "ocm:9")
	if page := ask(t.Context(), t, c, loaders.Question{Area: city()}); page.Edges[0].POI.Title != "Renamed" {
		t.Errorf("in a tile it is still called %s", page.Edges[0].POI.Title)
	}
	if page := ask(t.Context(), t, c, around); page.Edges[0].POI.Title != "Renamed" {
		t.Errorf("in a disc it is still called %s", page.Edges[0].POI.Title)
	}
}

func TestFreshnessIsThatOfTheStrictestSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		open, closed := newDirectory(providers.OCM, grid(city(), 3)...), newDirectory(providers.PlugShare, grid(city(), 2)...)
		held := newDirectory(providers.OCPI, grid(city(), 1)...).heldCopy(t)
		c := newCatalog(t, loaders.Config{}, open, closed, held)
		q := loaders.Question{Area: city(), First: 10}
		freshness := func(policy *providers.SourcePolicy) loaders.Freshness {
			op := c.Begin()
			q.Policy = policy
			if _, err := op.Search(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			return op.Freshness()
		}
		if f := c.Begin().Freshness(); f.Storable {
			t.Errorf("nothing was read, but %+v", f)
		}
		f := freshness(nil)
		if !f.Storable || !f.ProcessOnly || !slices.Contains(f.Tags, "source:ocpi") || !slices.Contains(f.Tags, "record:ocm:1") {
			t.Errorf("with all sources: %+v", f)
		}
		for _, tag := range f.Tags {
			if strings.Contains(tag, "plugshare") {
				t.Errorf("tag %s tells of a source that must not leave the process", tag)
			}
		}
		f = freshness(&providers.SourcePolicy{Exclude: []providers.ProviderCode{providers.PlugShare}})
		if !f.Storable || f.ProcessOnly || !f.FreshUntil.After(time.Now().Add(30*time.Second)) {
			t.Errorf("without the strict one: %+v", f)
		}
		f = freshness(&providers.SourcePolicy{MaxAge: new(5 * time.Second), Include: []providers.ProviderCode{providers.OCM}})
		if f.FreshUntil.After(time.Now().Add(5 * time.Second)) {
			t.Errorf("nothing older than 5 s is wanted, but it may be kept for %v", time.Until(f.FreshUntil))
		}
		closed.fail(outage(providers.CodeNetwork))
		q.Area = providers.Bounds{South: 10, West: 10, North: 10.1, East: 10.1}
		if f = freshness(nil); !f.Storable || f.FreshUntil.After(time.Now().Add(2*time.Second)) {
			t.Errorf("without an answer of one: %+v", f)
		}
	})
}

func TestNothingOfASourceThatMustStayHereReachesRedis(t *testing.T) {
	t.Parallel()
	_, redis := redistest.Start(t)
	client, err := cache.Connect(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	kept, err := cache.New(cache.Config{Redis: client})
	if err != nil {
		t.Fatal(err)
	}
	d := newDirectory(providers.PlugShare, grid(city(), 30)...)
	open := newDirectory(providers.OCM, grid(city(), 1)...)
	c := newCatalog(t, loaders.Config{Cache: kept}, d, open)
	seen := redis.Monitor()
	ask(t.Context(), t, c, loaders.Question{Area: city()})
	ask(t.Context(), t, c, loaders.Question{Area: providers.Around{Center: providers.Point{Lat: 10, Lon: 10}, RadiusM: 100}})
	c.Begin().POIs(t.Context(), []providers.Key{"plugshare:1", "plugshare:none"}, nil, true)
	c.Forget(t.Context(), "plugshare:1")
	kept.Close() // writes what is queued
	log := seen()
	if !strings.Contains(log, "ocm") {
		t.Fatalf("the other source is not there either:\n%s", log)
	}
	if strings.Contains(strings.ToLower(log), "plugshare") {
		t.Errorf("Redis was told:\n%s", log)
	}
}

func TestAnotherProcessReadsWhatOneHasAsked(t *testing.T) {
	t.Parallel()
	_, redis := redistest.Start(t)
	d := newDirectory(providers.OCM, grid(city(), 30)...)
	d.limit = 20
	var pages [2]loaders.Page
	for i := range pages {
		client, err := cache.Connect(redis.URL())
		if err != nil {
			t.Fatal(err)
		}
		kept, err := cache.New(cache.Config{Redis: client})
		if err != nil {
			t.Fatal(err)
		}
		c := newCatalog(t, loaders.Config{Cache: kept}, d)
		pages[i] = ask(t.Context(), t, c, loaders.Question{Area: city()})
		kept.Close()
		if err := client.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if n, _ := d.calls(); i == 1 && n != 0 {
			t.Errorf("the second process made %d calls", n)
		}
	}
	if len(pages[0].Edges) != 30 || !slices.Equal(shown(pages[0]), shown(pages[1])) || pages[1].Sources[0].Cache != providers.CacheHit {
		t.Errorf("the first read %d POIs, the second %d, %+v", len(pages[0].Edges), len(pages[1].Edges), pages[1].Sources[0])
	}
}

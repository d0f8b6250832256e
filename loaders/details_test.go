package loaders_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chargegraph/loaders"
	"chargegraph/providers"
)

// newSummarizer returns a directory of n sites whose searches tell summaries, and
// that is asked for one site at a time.
func newSummarizer(n int) *directory {
	d := newDirectory(providers.PlugShare, grid(city(), n)...)
	d.summaries, d.batch = true, 1
	return d
}

// whole asks for the whole sites of the city.
func whole(t *testing.T, c *loaders.Catalog, policy *providers.SourcePolicy) loaders.Page {
	t.Helper()
	return ask(t.Context(), t, c, loaders.Question{Area: city(), Whole: true, Policy: policy})
}

// unfetched returns how many sites of a page are no more than summaries.
func unfetched(p loaders.Page) (n int) {
	for _, e := range p.Edges {
		if e.POI.Summary() {
			n++
		}
	}
	return n
}

func TestWholeSitesAreAsFreshAsTheQuestionWantsThem(t *testing.T) {
	t.Parallel()
	d := newSummarizer(5)
	c := newCatalog(t, loaders.Config{}, d)
	whole(t, c, nil)
	d.calls()
	if whole(t, c, nil); unfetched(whole(t, c, nil)) != 0 {
		t.Error("sites of which all is cached are summaries")
	}
	if s, n := d.calls(); s+n != 0 {
		t.Fatalf("what is cached took %d searches and %d detail calls", s, n)
	}
	now := time.Duration(0)
	whole(t, c, &providers.SourcePolicy{MaxAge: &now})
	if _, n := d.calls(); n != 5 {
		t.Errorf("a question that takes nothing from the cache took %d detail calls for 5 sites", n)
	}
}

func TestWholeSitesAreWaitedForAsLongAsTheQuestionSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newSummarizer(5)
		d.pause = func() { time.Sleep(2 * time.Second) } //nolint:forbidigo // the bubble's clock
		c := newCatalog(t, loaders.Config{}, d)
		patience := 300 * time.Millisecond
		began := time.Now()
		page := whole(t, c, &providers.SourcePolicy{Timeout: &patience})
		if waited := time.Since(began); waited > 350*time.Millisecond {
			t.Errorf("who waits %v for a source waited %v", patience, waited)
		}
		if s := page.Sources[0]; s.Outcome != providers.OutcomePartial || s.Error == nil || s.Error.Code != providers.CodeTimeout {
			t.Errorf("the source did %+v", s)
		}
		time.Sleep(5 * time.Second) //nolint:forbidigo // the bubble's clock: the calls go on without who began them
	})
}

func TestThatSitesCouldNotBeHadWholeIsTold(t *testing.T) {
	t.Parallel()
	d := newSummarizer(3)
	d.detailErr = &providers.SourceError{Code: providers.CodeNetwork, Message: "it cannot be reached"}
	c := newCatalog(t, loaders.Config{}, d)
	page := whole(t, c, nil)
	if len(page.Edges) != 3 || unfetched(page) != 3 {
		t.Fatalf("%d sites, %d of them summaries", len(page.Edges), unfetched(page))
	}
	poi := page.Edges[0].POI
	for name, results := range map[string][]providers.SourceResult{"page": page.Sources, "site": poi.Sources(), "comments": loaders.UnfetchedComments(poi), "photos": loaders.Unfetched(poi)} {
		if r := results[0]; r.Outcome != providers.OutcomePartial || r.Error == nil || r.Error.Code != providers.CodeNetwork {
			t.Errorf("%s: the source did %+v", name, r)
		}
	}
	found := c.Begin().POIs(t.Context(), []providers.Key{poi.Members[0].Key}, nil, true)[0]
	if found.POI != nil { // without its record there is nothing to look around
		t.Errorf("it is %+v", found.POI)
	}
}

func TestAgedDetailsAreToldToBeAged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newSummarizer(3)
		c := newCatalog(t, loaders.Config{}, d)
		whole(t, c, nil)
		d.detailErr = &providers.SourceError{Code: providers.CodeNetwork, Message: "it cannot be reached"}
		time.Sleep(5 * time.Minute) //nolint:forbidigo // the bubble's clock
		now := time.Minute
		page := whole(t, c, &providers.SourcePolicy{MaxAge: &now})
		if unfetched(page) != 0 {
			t.Fatalf("%d summaries", unfetched(page))
		}
		for name, results := range map[string][]providers.SourceResult{"page": page.Sources, "site": page.Edges[0].POI.Sources()} {
			if r := results[0]; r.Outcome != providers.OutcomeStale || r.Error == nil || r.Cache != providers.CacheStale || *r.AgeSeconds < 300 {
				t.Errorf("%s: the source did %+v", name, r)
			}
		}
		if found := c.Begin().POIs(t.Context(), []providers.Key{page.Edges[0].POI.Members[0].Key}, &providers.SourcePolicy{MaxAge: &now}, true)[0]; found.POI == nil || found.POI.Sources()[0].Outcome != providers.OutcomeStale {
			t.Errorf("the site by its key is %+v", found)
		}
	})
}

func TestWhoHasAskedEnoughDoesNotKeepOthersFromAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newSummarizer(30)
		release := make(chan struct{})
		d.pause = func() { <-release }
		c := newCatalog(t, loaders.Config{}, d)
		var keys []providers.Key
		for i := range 30 {
			keys = append(keys, providers.NewKey(d.source.ID, fmt.Sprint(i+1)))
		}
		var asking sync.WaitGroup
		var greedy []loaders.RecordResult
		asking.Go(func() { greedy = c.Begin().Records(t.Context(), keys, nil) })
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
		var modest []loaders.RecordResult
		asking.Go(func() { modest = c.Begin().Records(t.Context(), keys[29:], nil) })
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
		close(release)
		asking.Wait()
		if modest[0].Err != nil || modest[0].Record == nil {
			t.Errorf("who asked for one site got %+v", modest[0])
		}
		got := 0
		for _, r := range greedy {
			if r.Record != nil {
				got++
			}
		}
		if _, n := d.calls(); got != 10 || n != 11 {
			t.Errorf("who asked for 30 got %d, by %d calls in all; want 10 and 11", got, n)
		}
	})
}

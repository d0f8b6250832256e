package loaders_test

import (
	"fmt"
	"strings"
	"testing"

	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// wantAsked looks at a city, and at a site by its id, and tells what was asked of
// each source.
func wantAsked(t *testing.T, when string, c *loaders.Catalog, want map[*directory]int) (page string) {
	t.Helper()
	page = strings.Join(shown(ask(t.Context(), t, c, loaders.Question{Area: city()})), "\n")
	for d, n := range want {
		for _, place := range c.Begin().POIs(t.Context(), []providers.Key{providers.NewKey(d.source.ID, "1")}, nil, false) {
			if place.Err != nil {
				t.Error(place.Err)
			}
		}
		if searches, details := d.calls(); searches+details != n {
			t.Errorf("%s: source %s was asked %d times for areas and %d times for sites, want %d", when, d.source.ID, searches, details, n)
		}
	}
	return page
}

func TestCatalog_OtherSourcesFindWhatIsCachedOfThoseThatStay(t *testing.T) {
	t.Parallel()
	kept, err := cache.New(cache.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	places := grid(city(), 9)
	stays, goes := newDirectory(providers.OCM, places...), newDirectory(providers.PlugShare, places...)
	before := newCatalog(t, loaders.Config{Cache: kept}, stays, goes)
	wantAsked(t, "at first", before, map[*directory]int{stays: 1, goes: 1})
	wantAsked(t, "again", before, map[*directory]int{stays: 0, goes: 0})

	if _, err = before.With(stays, stays); err == nil || !strings.Contains(err.Error(), "two sources are called") {
		t.Errorf("two sources of one name are %v", err)
	}
	other := newDirectory(providers.PlugShare)
	for i, at := range places[:4] {
		other.put(fmt.Sprint(i+1), at, "Elsewhere")
	}
	after, err := before.With(stays, other)
	if err != nil {
		t.Fatal(err)
	}
	wantAsked(t, "before it succeeds", before, map[*directory]int{stays: 0, goes: 0})
	after.Succeed(before)
	page := wantAsked(t, "afterwards", after, map[*directory]int{stays: 0, other: 1})
	if !strings.Contains(page, "Elsewhere") {
		t.Errorf("it shows\n%s", page)
	}
	// A late question to the one before is answered, and leaves nothing behind.
	elsewhere := loaders.Question{Area: providers.Bounds{South: 48.8, West: 2.2, North: 48.9, East: 2.4}}
	goes.calls()
	ask(t.Context(), t, before, elsewhere)
	ask(t.Context(), t, after, elsewhere)
	for _, d := range []*directory{stays, goes, other} {
		if searches, _ := d.calls(); searches != 1 {
			t.Errorf("source %s was asked %d times about a place that both look at, want once", d.source.ID, searches)
		}
	}

	alone, err := after.With(stays)
	if err != nil {
		t.Fatal(err)
	}
	alone.Succeed(after)
	if page = wantAsked(t, "alone", alone, map[*directory]int{stays: 0}); strings.Contains(page, "plugshare") {
		t.Errorf("a source that is gone is shown\n%s", page)
	}
}

func TestCatalog_WhatIsBeingLoadedFromASourceThatGoesIsNotKept(t *testing.T) {
	t.Parallel()
	goes, other := newDirectory(providers.OCM, grid(city(), 4)...), newDirectory(providers.OCM, grid(city(), 4)...)
	asked, release := make(chan struct{}), make(chan struct{})
	goes.hold = func(providers.Query) { close(asked); <-release }
	before := newCatalog(t, loaders.Config{}, goes)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if page := ask(t.Context(), t, before, loaders.Question{Area: city()}); page.Total == nil || *page.Total != 4 {
			t.Errorf("the question under way is answered by %+v", page)
		}
	}()
	<-asked
	after, err := before.With(other)
	if err != nil {
		t.Fatal(err)
	}
	after.Succeed(before)
	close(release)
	<-answered
	wantAsked(t, "afterwards", after, map[*directory]int{other: 1})
}

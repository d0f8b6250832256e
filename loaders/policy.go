package loaders

import (
	"time"

	"chargegraph/providers"
)

// age is how long a value of one kind is good. Past soft it is still served, and
// asked for anew behind; past hard it is gone.
type age struct{ soft, hard time.Duration }

// policy says how long what one source said is used, by what was asked.
type policy struct {
	tile    age // a tile of the map
	shape   age // a disc, a route, a polygon, the surroundings of a site
	country age // a country, or an area too large to be had whole
	record  age // a single site
	absent  age // that there is no such site

	// maxKM2 is the size of a rectangle from which on the source gives no more
	// than a part, however few sites there are.
	maxKM2 float64
	// processOnly values never leave this process's memory.
	processOnly bool
}

const (
	// truncatedFor is how long it counts that a source would not tell all of an
	// area. What is missing is missing from fresh answers too, but nobody should
	// be told so for long.
	truncatedFor = time.Minute
	// lackingFor is how long an answer is used of which a part could not be read:
	// long enough that a listing that is broken for good does not make every
	// question a call, short enough that what was a hiccup is soon mended.
	lackingFor = 30 * time.Second
	// suspectFor is how long an answer that was not believed keeps the source from
	// being asked again.
	suspectFor = 30 * time.Second
	// confirmAfter is how far apart two answers must lie for the second to confirm
	// the first: what went wrong upstream, a deployment or a restore, is over by then.
	// Whoever asks more often does not shorten it.
	confirmAfter = 2 * time.Minute
	// hurriedFor is how long the layers above may keep what lacks a source, or has
	// older data in a source's stead.
	hurriedFor = 2 * time.Second
	// loadTimeout is how long a source is waited for when nobody waits any more:
	// the answer that came too late for one question is there for the next.
	loadTimeout = 10 * time.Second
)

// policyOf returns the row of s: how volatile its data is, bounded by what its
// licence allows.
func policyOf(s *providers.Source) policy {
	p := policy{
		tile: age{10 * time.Minute, 24 * time.Hour}, shape: age{10 * time.Minute, 24 * time.Hour},
		country: age{time.Hour, 24 * time.Hour}, record: age{5 * time.Minute, 24 * time.Hour},
		absent: age{30 * time.Second, time.Minute}, maxKM2: 100_000,
	}
	switch s.Provider {
	case providers.OCM:
		// Edited by people, and read by one of few; its operators ask for caching
		// by minutes. From 250,000 km² on it is asked for a part only.
		p.maxKM2 = 200_000
	case providers.PlugShare:
		// Live states, and a licence that allows memory for minutes. From 50,000 km²
		// on it is asked for a part only.
		p.tile, p.shape, p.record = age{2 * time.Minute, 10 * time.Minute}, age{2 * time.Minute, 10 * time.Minute}, age{time.Minute, 10 * time.Minute}
		p.country = p.shape
		p.maxKM2, p.processOnly = 40_000, true
	case providers.OCPI, providers.OCPPLAB, providers.Local: // held here: nothing of them is cached
	}
	p.processOnly = p.processOnly || s.Retention.ProcessOnly
	bound := s.Retention.For
	if s.LiveFor > 0 && (bound == 0 || s.LiveFor < bound) {
		bound = s.LiveFor // a live state is none any more after that
	}
	if bound > 0 {
		for _, a := range []*age{&p.tile, &p.shape, &p.country, &p.record, &p.absent} {
			a.soft, a.hard = min(a.soft, bound), min(a.hard, bound)
		}
	}
	return p
}

// brief returns an age that is over after d, but no longer than a.
func (a age) brief(d time.Duration) age { return age{soft: min(a.soft, d), hard: min(a.hard, 2*d)} }

package loaders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// DefaultTimeout is how long an answer waits for one source when neither the
// question nor the source says otherwise. The slow tail of a healthy Open Charge
// Map lies below it; people stop waiting for a map soon after.
const DefaultTimeout = 2500 * time.Millisecond

// MaxTimeout bounds what a question may ask for.
const MaxTimeout = 30 * time.Second

// Config holds what a Catalog needs besides its sources. The zero Config works.
type Config struct {
	// Cache keeps what the sources said. One Cache serves one Catalog, and those made
	// of it by With. nil: one of the Catalog's own, in memory alone, that Close ends.
	Cache   *cache.Cache
	Timeout time.Duration    // for each source; 0: DefaultTimeout
	Clock   func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: silent
	// Amend adds to a merged POI what this service itself knows of the site, and
	// returns another POI then: it never changes the one it is given. It must be
	// quick. nil: nothing is added.
	Amend func(*providers.POI) *providers.POI
	// Aliases is where ids lead that no record has any more. nil: nowhere.
	Aliases Aliases
}

// Catalog is the set of sources that this service reads. It is safe for
// concurrent use, and nothing of it but the overrides of matching ever changes:
// other sources are another Catalog, see With.
type Catalog struct {
	*lineage

	sources []providers.Provider // by rank
	rules   atomic.Pointer[conflate.Rules]
	places  *placeCache
}

// lineage is what a catalog has in common with those made of it by With.
type lineage struct {
	timeout time.Duration
	now     func() time.Time
	logger  *slog.Logger
	memory  conflate.Memory
	own     *cache.Cache // nil: Config.Cache was given
	closed  chan struct{}
	closing sync.Once

	amend       func(*providers.POI) *providers.POI
	aliases     Aliases
	remembrance *remembrance // nil without aliases
	writing     sync.WaitGroup

	merged merges // for Stats
}

// New returns a catalog of sources. It refuses none at all, and two of one id.
func New(cfg Config, sources ...providers.Provider) (*Catalog, error) {
	list, err := ranked(sources)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout < 0 || cfg.Timeout > MaxTimeout {
		return nil, fmt.Errorf("loaders: Timeout is %v: it must be between 0 and %v", cfg.Timeout, MaxTimeout)
	}
	c := &Catalog{sources: list, lineage: &lineage{timeout: cfg.Timeout, now: cfg.Clock, logger: cfg.Logger, closed: make(chan struct{})}}
	c.SetOverrides(conflate.Overrides{})
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	kept := cfg.Cache
	if kept == nil {
		if kept, err = cache.New(cache.Config{Clock: cfg.Clock, Logger: cfg.Logger}); err != nil {
			return nil, fmt.Errorf("loaders: %w", err)
		}
		c.own = kept
	}
	c.places = newPlaceCache(c, newMemory(kept), nil)
	c.places.current.Store(c.places)
	c.amend, c.aliases = cfg.Amend, cfg.Aliases
	if c.amend == nil {
		c.amend = func(p *providers.POI) *providers.POI { return p }
	}
	if c.aliases != nil {
		c.remembrance = newRemembrance(c.aliases)
		c.writing.Go(func() { c.remembrance.run(context.Background(), c.closed, c.logger) })
	}
	return c, nil
}

// ranked returns sources by rank. It refuses none at all, and two of one id.
func ranked(sources []providers.Provider) ([]providers.Provider, error) {
	if len(sources) == 0 {
		return nil, errors.New("loaders: no source: configure at least one")
	}
	list := slices.Clone(sources)
	slices.SortFunc(list, func(a, b providers.Provider) int {
		switch {
		case a.Source().Less(b.Source()):
			return -1
		case b.Source().Less(a.Source()):
			return 1
		}
		return 0
	})
	for i := 1; i < len(list); i++ {
		if id := list[i].Source().ID; id == list[i-1].Source().ID {
			return nil, fmt.Errorf("loaders: two sources are called %q: give each a name of its own", id)
		}
	}
	return list, nil
}

// With returns a catalog of sources in the place of those of c, without overrides,
// that has all else from c: what is cached above all. Until Succeed is called on
// it, nothing of c has changed. It refuses what New refuses.
func (c *Catalog) With(sources ...providers.Provider) (*Catalog, error) {
	list, err := ranked(sources)
	if err != nil {
		return nil, err
	}
	next := &Catalog{lineage: c.lineage, sources: list}
	next.SetOverrides(conflate.Overrides{})
	next.places = newPlaceCache(next, c.places.memory, c.places)
	return next, nil
}

// Succeed makes c, which With made of before, the catalog that is read from now
// on. What is cached of a source that both have, as the same *Source, stays; what
// memory has of others of before's is forgotten, and what they answer from now on
// is not kept. Questions to before that are under way may go on. Finished answers
// are not looked at: whoever keeps them has to tell those of the two apart.
func (c *Catalog) Succeed(before *Catalog) { c.places.succeed(before.places) }

// Close ends the calls to sources that nobody waits for any more, and the
// Catalog's own cache; one that was given to it stays as it is. Nothing may be
// read through the Catalog afterwards, nor through those that it was made of or
// that were made of it by With.
func (c *Catalog) Close() {
	c.closing.Do(func() { close(c.closed) })
	c.writing.Wait()
	if c.own != nil {
		c.own.Close()
	}
}

// SetOverrides makes o what people have decided about pairs of records, for all
// questions from now on.
func (c *Catalog) SetOverrides(o conflate.Overrides) {
	c.rules.Store(&conflate.Rules{Overrides: o, FarLinks: true, Memory: &c.memory})
}

// Sources returns the sources by rank.
func (c *Catalog) Sources() []*providers.Source {
	list := make([]*providers.Source, len(c.sources))
	for i, p := range c.sources {
		list[i] = p.Source()
	}
	return list
}

// Source returns the source with this id; nil when there is none.
func (c *Catalog) Source(id providers.SourceID) *providers.Source {
	if p, ok := c.source(id); ok {
		return p.Source()
	}
	return nil
}

// FindEVSE returns the keys of the records that hold the EVSE with this id, in
// the sources that are held here and know EVSEs, by rank. It returns an
// *UnavailableError when it found none and a source has not been read yet.
func (c *Catalog) FindEVSE(evseID string) ([]providers.Key, error) {
	var keys []providers.Key
	var failed error
	for _, p := range c.sources {
		if finder, ok := p.(providers.EVSEFinder); ok {
			if err := finder.Ready(); err != nil {
				failed = unavailable(p, err)
			}
			keys = append(keys, finder.FindEVSE(evseID)...)
		}
	}
	if len(keys) == 0 {
		return nil, failed
	}
	return keys, nil
}

// source returns the provider with this id.
func (c *Catalog) source(id providers.SourceID) (providers.Provider, bool) {
	for _, p := range c.sources {
		if p.Source().ID == id {
			return p, true
		}
	}
	return nil, false
}

// wanted returns the sources that policy lets take part.
func (c *Catalog) wanted(policy *providers.SourcePolicy) []providers.Provider {
	return slices.DeleteFunc(slices.Clone(c.sources), func(p providers.Provider) bool { return !policy.Wants(p.Source()) })
}

// timeoutFor returns how long to wait for s.
func (c *Catalog) timeoutFor(s *providers.Source, policy *providers.SourcePolicy) time.Duration {
	switch {
	case policy != nil && policy.Timeout != nil:
		return *policy.Timeout
	case s.Timeout > 0:
		return s.Timeout
	}
	return c.timeout
}

// UnavailableError says that a question could not be answered because sources
// that it depends on could not be asked.
type UnavailableError struct {
	Source *providers.Source
	Err    *providers.SourceError
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("source %s could not be asked: %s", e.Source.ID, e.Err.Message)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

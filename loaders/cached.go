package loaders

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// placeCache keeps what sources that are asked over the network said: records,
// never POIs, and never filtered where the whole could be had.
//
//	viewport ─► grown by the reach of matching ─► cover: a few tiles ─┐
//	                                                                  ├─ all held? ─► clip ─► records
//	disc, route, polygon, surroundings ─► normalised, own shape ──────┤
//	                                                                  └─ no: one call ─► cut into tiles / kept as it is
//	key ─► the tile that holds it ─► else the single record, or that there is none
//
// It is safe for concurrent use.
type placeCache struct {
	*memory

	catalog *Catalog
	shelves map[providers.SourceID]*shelf
}

// memory is what the place caches of one catalog and its successors share.
type memory struct {
	cache   *cache.Cache
	tiles   *cache.Space[*batch]
	areas   *cache.Space[*batch]
	records *cache.Space[*batch]
	secret  string                     // of this process, see shelf.tag
	current atomic.Pointer[placeCache] // on whose shelves stands what is stored
}

// shelf is the part of the place cache that one source fills.
type shelf struct {
	*placeCache

	provider providers.Provider
	source   *providers.Source
	policy   policy
	index    *tileIndex
	shapes   *areaIndex
	// trouble is why the last load that nobody waited for failed; nil after any
	// load that did not.
	trouble atomic.Pointer[providers.SourceError]
	// retired: another source has its place, and nothing that it says is kept.
	retired atomic.Bool
}

func newMemory(kept *cache.Cache) *memory {
	m := &memory{cache: kept, secret: rand.Text()}
	written := new(encoder)
	kind := func(name string) cache.Kind[*batch] {
		return cache.Kind[*batch]{
			Name: name, Version: codecVersion, Weigh: (*batch).weigh, Encode: written.encode,
			Decode: func(data []byte) (*batch, error) { return decodeBatch(data, m.current.Load().live) },
		}
	}
	m.tiles = cache.NewSpace(kept, kind("tile"))
	m.areas = cache.NewSpace(kept, kind("area"))
	m.records = cache.NewSpace(kept, kind("record"))
	m.tiles.OnStore(func(_ cache.Key, before, after *entry) {
		if s, old, now := m.current.Load().stored(before, after); s != nil {
			s.index.changed(old, now)
		}
	})
	m.areas.OnStore(func(k cache.Key, before, after *entry) {
		if s, old, now := m.current.Load().stored(before, after); s != nil {
			s.shapes.changed(k, old, now)
		}
	})
	return m
}

// newPlaceCache returns the place cache of c in m. before is that of the catalog
// that c was made of; nil: none.
func newPlaceCache(c *Catalog, m *memory, before *placeCache) *placeCache {
	pc := &placeCache{memory: m, catalog: c, shelves: make(map[providers.SourceID]*shelf)}
	for _, p := range c.sources {
		if _, held := p.(providers.Holder); held {
			continue
		}
		s := &shelf{placeCache: pc, provider: p, source: p.Source(), policy: policyOf(p.Source())}
		if old := before.shelfOf(s.source); old != nil {
			s.index, s.shapes = old.index, old.shapes
			s.trouble.Store(old.trouble.Load())
		} else {
			s.index, s.shapes = newTileIndex(), newAreaIndex()
		}
		pc.shelves[s.source.ID] = s
	}
	return pc
}

// shelfOf returns the shelf of this very source; nil: there is none.
func (pc *placeCache) shelfOf(source *providers.Source) *shelf {
	if pc == nil {
		return nil
	}
	if s := pc.shelves[source.ID]; s != nil && s.source == source {
		return s
	}
	return nil
}

// succeed puts pc in the place of before.
func (pc *placeCache) succeed(before *placeCache) {
	gone := make(map[providers.SourceID]bool)
	for id, s := range before.shelves {
		if pc.shelfOf(s.source) == nil {
			s.retired.Store(true) // before what there is of it is forgotten, and while its indexes still follow
			gone[id] = true
		}
	}
	if len(gone) > 0 {
		inFront := func(name string) bool {
			id, _, _ := strings.Cut(name, "/")
			return gone[providers.SourceID(id)]
		}
		pc.tiles.Prune(inFront)
		pc.areas.Prune(inFront)
		pc.records.Prune(func(name string) bool { return gone[providers.Key(name).SourceID()] })
	}
	pc.current.Store(pc)
}

// stored returns the values of a change in the cache, and the shelf that they
// stand on.
func (pc *placeCache) stored(before, after *entry) (s *shelf, old, now *batch) {
	if before != nil {
		old = before.Value
		s = pc.shelves[old.source]
	}
	if after != nil {
		now = after.Value
		s = pc.shelves[now.source]
	}
	return s, old, now
}

// live returns the source with this id, if what it says is cached.
func (pc *placeCache) live(id providers.SourceID) *providers.Source {
	if s := pc.shelves[id]; s != nil {
		return s.source
	}
	return nil
}

type entry = cache.Entry[*batch]

// terms are what a question asks of what is cached.
type terms struct {
	maxAge     *time.Duration
	allowStale bool
	timeout    time.Duration // of the question, for this source
}

// termsOf returns what policy asks of what is cached of s. Whoever does not
// accept aged data waits for fresh data where the source's own policy calls it aged.
func (s *shelf) termsOf(policy *providers.SourcePolicy, soft time.Duration) terms {
	t := terms{allowStale: true, timeout: s.catalog.timeoutFor(s.source, policy)}
	if policy == nil {
		return t
	}
	t.maxAge = policy.MaxAge
	if policy.AllowStale != nil && !*policy.AllowStale {
		t.allowStale = false
		if t.maxAge == nil || soft < *t.maxAge {
			t.maxAge = &soft
		}
	}
	return t
}

// good reports whether e answers without asking the source, or asking it behind.
func (t *terms) good(e entry, now time.Time) bool {
	if t.maxAge != nil {
		return *t.maxAge > 0 && now.Sub(e.FetchedAt) <= *t.maxAge
	}
	return e.SoftUntil.After(now)
}

func (t *terms) want(s *shelf, keys ...cache.Key) cache.Want {
	return cache.Want{Keys: keys, MaxAge: t.maxAge, AllowStale: t.allowStale, ProcessOnly: s.policy.processOnly, Patience: t.timeout}
}

// reading is what a question to one source came to.
type reading struct {
	records   []*providers.Record
	fetchedAt time.Time // of the oldest part
	truncated bool
	partial   bool
	err       *providers.SourceError // with records: why they are not all, or not fresh
	outcome   providers.SourceOutcome
	state     providers.CacheState
	// gaveNothing: err is why there is no answer at all.
	gaveNothing bool
	// spared: it was not asked for, because the operation has asked for enough.
	spared bool

	freshUntil time.Time // of the layers above
	tags       []string
}

func newReading() *reading {
	return &reading{outcome: providers.OutcomeOK, state: providers.CacheHit}
}

// failedReading is of a source that gave nothing.
func failedReading(err *providers.SourceError, now time.Time) *reading {
	return &reading{err: err, gaveNothing: true, outcome: err.Outcome(), state: providers.CacheMiss, freshUntil: now.Add(hurriedFor)}
}

// until shortens how long the reading may be used.
func (r *reading) until(t time.Time) {
	if r.freshUntil.IsZero() || t.Before(r.freshUntil) {
		r.freshUntil = t
	}
}

// failed reports whether the source gave nothing.
func (r *reading) failed() bool { return r.err != nil && r.gaveNothing }

// worse reports whether a says less for an answer than b.
func worse(a, b providers.SourceOutcome) bool {
	rank := func(o providers.SourceOutcome) int {
		switch o { //nolint:exhaustive // all others gave nothing
		case providers.OutcomeOK:
			return 0
		case providers.OutcomeStale, providers.OutcomeBudgetExhausted:
			return 1
		case providers.OutcomeSuspect:
			return 2
		case providers.OutcomePartial:
			return 3
		}
		return 4
	}
	return rank(a) > rank(b)
}

// lower sets the outcome, unless it is a worse one already.
func (r *reading) lower(outcome providers.SourceOutcome, err *providers.SourceError) {
	if worse(outcome, r.outcome) {
		r.outcome, r.err = outcome, err
	}
}

// came notes where a part came from.
func (r *reading) came(state cache.State) {
	s := providers.CacheHit
	switch state {
	case cache.Stale:
		s = providers.CacheStale
	case cache.Miss:
		s = providers.CacheMiss
	case cache.Hit:
	}
	r.state = combined(r.state, s, false)
}

// combined returns where an answer of two parts came from, or of a where that is
// the only one: what was asked for outweighs what was at hand, and what is past
// its time both.
func combined(a, b providers.CacheState, alone bool) providers.CacheState {
	switch {
	case alone:
		return a
	case a == providers.CacheStale || b == providers.CacheStale:
		return providers.CacheStale
	case a == providers.CacheMiss || b == providers.CacheMiss:
		return providers.CacheMiss
	}
	return a
}

// standingIn returns the outcome of older data in the stead of what could not be had.
func standingIn(err *providers.SourceError) providers.SourceOutcome {
	switch err.Code { //nolint:exhaustive // all others are STALE
	case providers.CodeBudgetExhausted:
		return providers.OutcomeBudgetExhausted
	case providers.CodeSuspectAnswer:
		return providers.OutcomeSuspect
	}
	return providers.OutcomeStale
}

// take adds a part of the answer. err says why it is not fresh, where it is not.
func (s *shelf) take(r *reading, tag string, e entry, state cache.State, err *providers.SourceError, t *terms) {
	now := s.catalog.now()
	b := e.Value
	r.tags = append(r.tags, tag)
	if r.fetchedAt.IsZero() || e.FetchedAt.Before(r.fetchedAt) {
		r.fetchedAt = e.FetchedAt
	}
	r.came(state)
	if state == cache.Stale {
		if err == nil {
			err = s.trouble.Load()
		}
		r.until(now.Add(hurriedFor)) // fresh data is on its way
	}
	if err != nil {
		r.lower(standingIn(err), err)
	}
	if !b.suspectAt.IsZero() {
		r.lower(providers.OutcomeSuspect, suspect())
	}
	if b.partial {
		r.partial = true
		r.lower(providers.OutcomePartial, b.err)
	}
	if b.err != nil && r.err == nil {
		r.err = b.err
	}
	r.truncated = r.truncated || b.truncated
	if b.partial || b.err != nil || err != nil {
		r.until(now.Add(hurriedFor))
	}
	r.until(e.SoftUntil)
	if t.maxAge != nil {
		r.until(e.FetchedAt.Add(*t.maxAge))
	}
}

func suspect() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeSuspectAnswer, Message: "the source told of far fewer sites than it did before; the earlier ones are shown until it says so again"}
}

// call asks the source one question for the cache. Whoever began to wait for the
// answer may be gone by now: the call has a deadline of its own.
func (s *shelf) call(ctx context.Context, timeout time.Duration, question func(context.Context) (providers.Answer, error)) (providers.Answer, error) {
	// As long as most wait, not as this one does: who is in a hurry does not close the source for the others.
	ctx = providers.WithPatience(ctx, s.catalog.timeoutFor(s.source, nil))
	ctx, cancel := context.WithTimeout(ctx, max(loadTimeout, timeout))
	defer cancel()
	go func() {
		select {
		case <-s.catalog.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	answer, err := s.catalog.ask(ctx, s.provider, timeout, question)
	if err != nil {
		if providers.IsRefresh(ctx) {
			s.trouble.Store(err)
		}
		return providers.Answer{}, err
	}
	s.trouble.Store(nil)
	return answer, nil
}

// keep makes of an answer about a tile, an area or a key what is kept of it; old
// is what is held, nil if nothing is. tag names what is told when it changed.
func (s *shelf) keep(ctx context.Context, b *batch, answer *providers.Answer, old *entry, a age, tag string) cache.Fetched[*batch] {
	f := cache.Fetched[*batch]{Value: b, FetchedAt: answer.FetchedAt, Soft: a.soft, Hard: a.hard, ProcessOnly: s.policy.processOnly, Uncached: s.retired.Load()}
	switch {
	case b.split:
	case b.partial || b.err != nil:
		brief := a.brief(lackingFor)
		f.Soft, f.Hard, f.ProcessOnly = brief.soft, brief.hard, true
	case b.truncated:
		brief := a.brief(truncatedFor)
		f.Soft, f.Hard = brief.soft, brief.hard
	}
	if old != nil && changed(old.Value, b) {
		s.cache.Invalidate(ctx, tag)
	}
	return f
}

// dense is how many sites a place must be known to have for far fewer of them to
// be suspect.
const dense = 20

// isSuspect reports whether an answer tells of so many fewer sites than are known
// that it is more likely wrong than the world is changed.
func isSuspect(known, told int) bool { return known >= dense && 2*told < known }

// doubt returns what is kept in the place of b, an answer that is not believed:
// what was known, marked, for as long as it takes to ask again.
func (s *shelf) doubt(ctx context.Context, known *entry, b *batch, a age) cache.Fetched[*batch] {
	now := s.catalog.now()
	doubted := *known.Value
	if doubted.suspectAt.IsZero() {
		doubted.suspectAt = now
	}
	s.catalog.logger.WarnContext(ctx, "suspect answer", slog.String("source", string(s.source.ID)),
		slog.Int("records", len(b.records)), slog.Int("known", len(known.Value.records)))
	// Fetched when it was: what is shown is no younger than that.
	return cache.Fetched[*batch]{
		Value: &doubted, FetchedAt: known.FetchedAt, Soft: now.Sub(known.FetchedAt) + suspectFor, Hard: a.hard, ProcessOnly: s.policy.processOnly,
		Uncached: s.retired.Load(),
	}
}

// tag returns what an answer carries that holds the value under k, and by which
// it is dropped when that changes. Tags go through Redis: those of a source that
// must not be told of there are opaque, and mean something in this process alone.
func (s *shelf) tag(kind string, k cache.Key) string {
	tag := kind + ":" + k.Name
	if s.policy.processOnly {
		sum := sha256.Sum256([]byte(s.secret + tag))
		return "own:" + base64.RawURLEncoding.EncodeToString(sum[:12])
	}
	return tag
}

// held returns what memory holds under k, for the answer that is about to
// replace it; nil if nothing is held.
func held(space *cache.Space[*batch], k cache.Key) *entry {
	if e, ok := space.Peek(k); ok {
		return &e
	}
	return nil
}

// batchOf makes a batch of an answer; records are those of it that belong there.
func (s *shelf) batchOf(answer *providers.Answer, records []*providers.Record) *batch {
	return &batch{
		source: s.source.ID, records: byKey(records),
		truncated: answer.Truncated, partial: answer.Partial, err: answer.Err,
	}
}

// sourceError returns the error of a load as the source's; nil stays nil.
func sourceError(err error) *providers.SourceError {
	if err == nil {
		return nil
	}
	return providers.AsSourceError(err)
}

// errNothing says that a load ended without an answer or a reason.
var errNothing = errors.New("the load brought nothing")

package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chargegraph/providers"
)

const (
	// firstPoll and longestPoll space the looks into Redis for what another process is loading: a quick answer is
	// found soon after it came, and a slow one costs twenty looks a second.
	firstPoll   = 5 * time.Millisecond
	longestPoll = 50 * time.Millisecond

	// trialPatience is how long a load is waited for that is to find out whether a source works again
	// (providers.WithTrial): one that does is not much slower, and one that does not would cost each trial's asker
	// a whole deadline.
	trialPatience = 500 * time.Millisecond
)

// errPanicked is all that callers hear of a panic; the log has the rest.
var errPanicked = errors.New("the load panicked")

// State says where a value came from.
type State uint8

// States of a value.
const (
	Hit   State = iota // from memory or Redis, and fresh
	Miss               // loaded for this question, or nothing
	Stale              // from memory or Redis, past its soft age or MaxAge
)

// String returns the name of s.
func (s State) String() string {
	switch s {
	case Hit:
		return "hit"
	case Stale:
		return "stale"
	case Miss:
	}
	return "miss"
}

// Want says what is asked of a Space, and how good it must be.
type Want struct {
	Keys []Key
	// MaxAge sets how long ago a value may have been fetched. What is older waits for a load; 0: everything
	// does; nil: nothing does before its hard age.
	MaxAge *time.Duration
	// AllowStale makes a value that is older than MaxAge better than none when the load fails or ctx ends first.
	AllowStale bool
	// ProcessOnly keeps keys and values in this process: nothing is read from Redis, and nothing locked there.
	ProcessOnly bool
	// Patience is how long a load may be under way already to be worth waiting for: who comes to an older one, or
	// to one that somebody as patient has waited for in vain, hears at once that it is overdue. 0: however long.
	Patience time.Duration
}

// errOverdue is what they hear.
var errOverdue = &providers.SourceError{
	Code: providers.CodeTimeout, Message: "the source has been asked this already and takes longer than an answer waits for it; ask again in a moment",
}

// Found is what came of one key. Neither OK nor Err: the upstream has no such thing.
type Found[V any] struct {
	Entry[V]
	OK    bool  // there is a value
	State State // where it came from
	Err   error // why there is no fresh value: the load's error, TIMEOUT or ctx.Err(). With OK: why a stale one stands in
}

// LoadFunc brings the values of missing from the upstream. It brings its own
// deadline: its ctx has the values of the first caller's, but does not end. What
// it leaves out of the map is absent. It may bring more than was asked for, and
// beside an error what it did get.
type LoadFunc[V any] func(ctx context.Context, missing []Key) (map[Key]Fetched[V], error)

// flight is one load of one key, for any number of callers. The cache has a
// table of its own for them: otter's BulkGet has no place for what another
// process is loading, and reloads for a caller what was dropped meanwhile.
type flight[V any] struct {
	key       Key
	began     time.Time
	refresh   bool          // nobody waited for it when it began
	notBefore time.Time     // what was fetched earlier is not good enough; zero: anything does
	seen      stamp         // of the value in Redis that was not good enough
	lock      redisLock     // held for it
	dropped   atomic.Bool   // the key was dropped: hand the value on, but do not keep it
	inVain    atomic.Int64  // the longest Patience with which it was waited for in vain
	late      chan struct{} // closed when nobody is to wait any more

	done   chan struct{} // closed when what follows is set
	loaded bool          // it asked the upstream itself
	Found[V]
}

func newFlight[V any](k Key, began time.Time) *flight[V] {
	return &flight[V]{key: k, began: began, late: make(chan struct{}), done: make(chan struct{})}
}

// overdue reports whether somebody who comes now waits in vain.
func (fl *flight[V]) overdue(now time.Time, patience time.Duration) bool {
	return patience > 0 && (now.Sub(fl.began) >= patience || int64(patience) <= fl.inVain.Load())
}

// waitedFor notes that somebody had to give it up who wanted to wait for patience.
func (fl *flight[V]) waitedFor(patience time.Duration) {
	for {
		longest := fl.inVain.Load()
		if int64(patience) <= longest || fl.inVain.CompareAndSwap(longest, int64(patience)) {
			return
		}
	}
}

// over reports whether it has ended.
func (fl *flight[V]) over() bool {
	select {
	case <-fl.done:
		return true
	default:
		return false
	}
}

// gap is a place in the answer of Load that memory did not fill.
type gap[V any] struct {
	i      int
	before *item[V] // what memory had, not good enough; may be nil
	flight *flight[V]
	leads  bool // it began the flight
}

// Load returns what there is for want.Keys, in their order.
//
// What lies in memory is returned at once; past its soft age it is Stale and
// refreshed behind, under a context marked by providers.WithRefresh. A refresh
// that fails leaves the value as it is and is not repeated for RefreshBackoff;
// one that leaves the key out removes it.
//
// What memory does not have is looked up in Redis, in one round trip per slot,
// and what is missing there too is brought by one call of load with all keys that
// nobody is loading already. Loads under way in this process or (by locks in
// Redis) in another are waited for, for as long as Patience says. A load is not cut off when its first caller
// goes away; each caller waits no longer than its own ctx.
func (s *Space[V]) Load(ctx context.Context, want Want, load LoadFunc[V]) []Found[V] {
	found := make([]Found[V], len(want.Keys))
	now := s.c.now()
	var gaps []gap[V]
	var stale []Key
	for i, k := range want.Keys {
		it := s.held(k.Name)
		if it == nil || !it.HardUntil.After(now) || tooOld(it.FetchedAt, want.MaxAge, now) {
			gaps = append(gaps, gap[V]{i: i, before: it})
			continue
		}
		found[i].Entry, found[i].OK = it.Entry, true
		if s.stale(it, now) {
			found[i].State = Stale
			stale = append(stale, k)
		}
	}
	s.c.counts.hits.Add(uint64(len(want.Keys) - len(gaps) - len(stale))) //nolint:gosec // not negative
	if len(gaps) > 0 {
		stale = append(stale, s.fill(ctx, want, load, now, found, gaps)...)
	}
	if len(stale) > 0 {
		s.c.counts.stale.Add(uint64(len(stale)))
		s.refresh(ctx, stale, want.ProcessOnly, load)
	}
	return found
}

// tooOld reports whether what was fetched at t does not do for maxAge.
func tooOld(t time.Time, maxAge *time.Duration, now time.Time) bool {
	return maxAge != nil && (*maxAge <= 0 || now.Sub(t) > *maxAge)
}

// stale reports whether it is past its soft age, or may have missed being dropped.
func (s *Space[V]) stale(it *item[V], now time.Time) bool {
	return !it.SoftUntil.After(now) || it.entered < s.c.staleBefore.Load()
}

// fill waits for what memory did not have and returns the keys that Redis had,
// but stale.
func (s *Space[V]) fill(ctx context.Context, want Want, load LoadFunc[V], now time.Time, found []Found[V], gaps []gap[V]) (stale []Key) {
	var notBefore time.Time
	if want.MaxAge != nil {
		notBefore = now.Add(-max(*want.MaxAge, 0))
	}
	// Who joined a load that was begun for someone less demanding comes round again. Each round waits for a load to end.
	for len(gaps) > 0 && ctx.Err() == nil {
		if led := s.board(want, notBefore, now, gaps); len(led) > 0 {
			go s.fly(context.WithoutCancel(ctx), led, want.ProcessOnly, load)
		}
		again := gaps[:0]
		for _, g := range gaps {
			fl := g.flight
			switch s.await(ctx, want, g, now) {
			case leftIt:
				again = append(again, g)
				continue
			case isOverdue:
				found[g.i] = Found[V]{State: Miss, Err: errOverdue}
				s.standIn(&found[g.i], want, g)
				continue
			case hasEnded:
			}
			if !g.leads && (fl.Err != nil && fl.refresh || fl.OK && !fl.loaded && fl.FetchedAt.Before(notBefore)) {
				again = append(again, g)
				continue
			}
			found[g.i] = fl.Found
			switch {
			case fl.Err != nil:
				s.standIn(&found[g.i], want, g)
			case fl.State == Stale:
				stale = append(stale, want.Keys[g.i])
			case fl.State == Hit:
				s.c.counts.hits.Add(1)
			default:
				s.c.counts.misses.Add(1)
			}
		}
		gaps = again
	}
	for _, g := range gaps {
		found[g.i] = Found[V]{State: Miss, Err: ctx.Err()}
		s.standIn(&found[g.i], want, g)
	}
	return stale
}

// waited is what came of waiting for a flight.
type waited int

const (
	hasEnded  waited = iota
	isOverdue        // it is not worth to wait for it, or not any more
	leftIt           // who waited has no more time
)

// await waits for the flight of g for somebody who asked at now.
func (s *Space[V]) await(ctx context.Context, want Want, g gap[V], now time.Time) waited {
	fl := g.flight
	if g.leads || !fl.overdue(now, want.Patience) {
		select {
		case <-fl.done:
		case <-fl.late:
		case <-ctx.Done():
			// Who had little of the time left has not waited long enough to say so.
			if errors.Is(ctx.Err(), context.DeadlineExceeded) && s.c.now().Sub(now) >= want.Patience*3/4 {
				fl.waitedFor(want.Patience)
			}
			return leftIt
		}
	}
	if fl.over() {
		return hasEnded
	}
	return isOverdue
}

// board gives each gap the flight to wait for and returns those that are to be
// begun.
func (s *Space[V]) board(want Want, notBefore, now time.Time, gaps []gap[V]) (led []*flight[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range gaps {
		g := &gaps[i]
		k := want.Keys[g.i]
		g.flight, g.leads = s.flights[k.Name], false
		if g.flight != nil {
			continue
		}
		// A load may have ended between the look into memory and this one into the table.
		if it := s.held(k.Name); it != nil && it != g.before && it.HardUntil.After(now) && !it.FetchedAt.Before(notBefore) {
			g.flight = &flight[V]{done: make(chan struct{}), loaded: true, Found: Found[V]{Entry: it.Entry, OK: true, State: Miss}}
			close(g.flight.done)
			continue
		}
		g.leads = true
		g.flight = newFlight[V](k, s.c.now())
		g.flight.notBefore = notBefore
		if g.before != nil {
			g.flight.seen = g.before.stamp
		}
		s.flights[k.Name] = g.flight
		led = append(led, g.flight)
	}
	return led
}

// standIn puts a stale value beside the error in f, if that is wanted and there
// is one.
func (s *Space[V]) standIn(f *Found[V], want Want, g gap[V]) {
	s.c.counts.failed.Add(1)
	if !want.AllowStale {
		return
	}
	it := s.held(want.Keys[g.i].Name)
	if it == nil {
		it = g.before // evicted while the load went on
	}
	if it != nil && it.HardUntil.After(s.c.now()) {
		f.Entry, f.OK, f.State = it.Entry, true, Stale
	}
}

// refresh begins loads of keys that nobody loads already and whose last refresh
// did not fail just now.
func (s *Space[V]) refresh(ctx context.Context, keys []Key, processOnly bool, load LoadFunc[V]) {
	now := s.c.now()
	var led []*flight[V]
	s.mu.Lock()
	for _, k := range keys {
		it := s.held(k.Name)
		if it == nil || s.flights[k.Name] != nil || it.retryAt.Load() > now.UnixNano() || !s.stale(it, now) {
			continue
		}
		fl := newFlight[V](k, now)
		fl.refresh = true
		if !it.SoftUntil.After(now) {
			// Otherwise it is only doubted: if Redis still has it, it was not dropped.
			fl.seen = it.stamp
		}
		s.flights[k.Name] = fl
		led = append(led, fl)
	}
	s.mu.Unlock()
	if len(led) > 0 {
		s.c.counts.refreshes.Add(uint64(len(led)))
		go s.fly(providers.WithRefresh(context.WithoutCancel(ctx)), led, processOnly, load)
	}
}

// fly brings flights to their end, each as soon as it can.
func (s *Space[V]) fly(ctx context.Context, flights []*flight[V], processOnly bool, load LoadFunc[V]) {
	if processOnly || s.c.fleet == nil || s.kind.Encode == nil {
		s.bring(ctx, flights, processOnly, load)
		return
	}
	var loading sync.WaitGroup
	var waited time.Duration
	for pause := firstPoll; ; pause = min(2*pause, longestPoll) {
		free, busy := s.lookUp(ctx, flights)
		if waited >= s.c.fleet.lockTTL {
			free, busy = append(free, busy...), nil
		}
		if len(busy) == 0 {
			s.bring(ctx, free, processOnly, load)
			break
		}
		if len(free) > 0 {
			loading.Go(func() { s.bring(ctx, free, processOnly, load) })
		}
		flights = busy
		s.c.counts.polls.Add(1)
		select {
		case <-time.After(pause):
			waited += pause
		case <-s.c.done:
			waited = s.c.fleet.lockTTL
		}
	}
	loading.Wait()
}

// bring has load called for flights and ends them.
func (s *Space[V]) bring(ctx context.Context, flights []*flight[V], processOnly bool, load LoadFunc[V]) {
	if len(flights) == 0 {
		return
	}
	keys := make([]Key, len(flights))
	for i, fl := range flights {
		keys[i] = fl.key
	}
	asked := s.c.now()
	var tried sync.Once
	brought, err := s.call(providers.WithTrial(ctx, func() {
		tried.Do(func() {
			time.AfterFunc(trialPatience, func() {
				for _, fl := range flights {
					close(fl.late)
				}
			})
		})
	}), keys, load)
	now := s.c.now()
	for _, fl := range flights {
		fl.loaded = true
		f, ok := brought[fl.key]
		delete(brought, fl.key)
		switch {
		case ok:
			fl.Found = Found[V]{Entry: newEntry(f, now), OK: true, State: Miss}
			how := keeping{
				asked: asked, processOnly: processOnly || f.ProcessOnly, share: !processOnly && !f.ProcessOnly,
				lock: fl.lock, dropped: &fl.dropped,
			}
			if f.Uncached || !fl.HardUntil.After(now) {
				s.putOff(fl)
				s.release(fl)
			} else if !s.keep(fl.key, fl.Entry, how) || !how.share {
				s.release(fl)
			}
		case err != nil:
			fl.State, fl.Err = Miss, err
			s.putOff(fl)
			s.release(fl)
		default:
			fl.State = Miss
			s.absent(ctx, fl, processOnly)
		}
		s.land(fl)
	}
	for k, f := range brought {
		if e := newEntry(f, now); !f.Uncached && e.HardUntil.After(now) {
			s.keep(k, e, keeping{asked: asked, processOnly: processOnly || f.ProcessOnly, share: !processOnly && !f.ProcessOnly})
		}
	}
}

// land ends fl for those who wait. What it brought lies in memory by now, so that
// whoever does not find it in the table finds it there.
func (s *Space[V]) land(fl *flight[V]) {
	s.mu.Lock()
	if s.flights[fl.key.Name] == fl {
		delete(s.flights, fl.key.Name)
	}
	s.mu.Unlock()
	close(fl.done)
}

// putOff keeps a refresh that brought nothing from being repeated at once.
func (s *Space[V]) putOff(fl *flight[V]) {
	if !fl.refresh {
		return
	}
	s.c.counts.refreshesFailed.Add(1)
	if it := s.held(fl.key.Name); it != nil {
		it.retryAt.Store(s.c.now().Add(s.c.backoff).UnixNano())
	}
}

// call calls load. It runs where nobody else could catch a panic, so that is an
// error of this load.
func (s *Space[V]) call(ctx context.Context, keys []Key, load LoadFunc[V]) (brought map[Key]Fetched[V], err error) {
	ctx, trace := providers.BeginTrace(ctx, "cache load", slog.String("space", s.kind.Name), slog.Int("keys", len(keys)), slog.Bool("refresh", providers.IsRefresh(ctx)))
	defer func() { trace.End(err) }()
	defer func() {
		if p := recover(); p != nil {
			s.c.logger.LogAttrs(ctx, slog.LevelError, "load panicked",
				slog.String("space", s.kind.Name), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			brought, err = nil, fmt.Errorf("cache: load of %s: %w", s.kind.Name, errPanicked)
		}
	}()
	s.c.counts.loads.Add(1)
	return load(ctx, slices.Clone(keys))
}

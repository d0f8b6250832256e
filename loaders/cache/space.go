package cache

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Kind says how values of one type are measured and written.
type Kind[V any] struct {
	// Name is part of every key: lower case, no blanks, one Space per name.
	Name string
	// Version is that of the encoding. Bytes of another version are never read.
	Version int
	// Encode and Decode write a value for Redis and read it again. Decode refuses what it does not understand.
	// Values of a kind without them stay in this process.
	Encode func(V) ([]byte, error)
	Decode func([]byte) (V, error)
	// Weigh returns about how many bytes a value takes in memory. It is called once for each value kept.
	Weigh func(V) int
}

// Key names a value in its Space.
type Key struct {
	// Name is unique in the Space and has no blanks.
	Name string `json:"name"`
	// Slot says which keys lie together: those with one Slot are in one hash slot of a Redis Cluster, so that they
	// are read and locked in one round trip. Empty: by Name. It must be a function of Name.
	Slot string `json:"slot,omitempty"`
}

// Entry is a value as the cache holds it. It is shared: nobody changes it.
type Entry[V any] struct {
	Value     V
	FetchedAt time.Time // when the upstream said so
	SoftUntil time.Time // past it the value is stale: served, and refreshed behind
	HardUntil time.Time // past it it is gone
}

// Fetched is what a load brought for one key.
type Fetched[V any] struct {
	Value     V
	FetchedAt time.Time     // zero: now
	Soft      time.Duration // from FetchedAt, at most Hard; ±10 % so that what was loaded together is not refreshed together
	Hard      time.Duration // from FetchedAt
	// ProcessOnly values never leave this process's memory. Only Want.ProcessOnly keeps the key out of Redis as well.
	ProcessOnly bool
	// Uncached values are handed to those who wait, and what was held before stays.
	Uncached bool
}

// Space holds the values of one Kind. It is safe for concurrent use.
type Space[V any] struct {
	c      *Cache
	kind   Kind[V]
	number uint32
	hooks  []func(k Key, old, new *Entry[V])

	mu      sync.Mutex
	flights map[string]*flight[V] // loads under way, by Key.Name
}

// NewSpace returns a space for values of kind k in c. It panics when Name or
// Weigh is missing, when only one of Encode and Decode is there, and when c has
// a space of that name: these are mistakes of the program.
func NewSpace[V any](c *Cache, k Kind[V]) *Space[V] {
	if k.Name == "" || k.Weigh == nil || (k.Encode == nil) != (k.Decode == nil) {
		panic("cache: a kind needs Name and Weigh, and Encode with Decode")
	}
	s := &Space[V]{c: c, kind: k, flights: make(map[string]*flight[V])}
	s.number = c.number(k.Name, s)
	return s
}

// item is an entry in memory.
type item[V any] struct {
	Entry[V]
	space       *Space[V]
	slot        string
	bytes       uint32
	processOnly bool
	stamp       stamp        // of the same value in Redis
	entered     int64        // when it came into memory or was asked for, UnixNano
	retryAt     atomic.Int64 // no refresh before, UnixNano
}

func (it *item[V]) weight() uint32    { return it.bytes }
func (it *item[V]) goneAt() time.Time { return it.HardUntil }
func (it *item[V]) left(k memKey) {
	for _, f := range it.space.hooks {
		f(Key{Name: k.name, Slot: it.slot}, &it.Entry, nil)
	}
}

// OnStore has f called when a value enters memory (old is what it replaces, or
// nil) or leaves it (new is nil), for indexes beside the cache. It belongs before
// the first use of s. Calls about one key come in the order of the changes, a
// moment before Peek shows them; calls about different keys come concurrently.
// f holds up the cache: it must be quick, must not call s but for Peek, and must
// not wait for a lock under which someone else calls s.
func (s *Space[V]) OnStore(f func(k Key, old, new *Entry[V])) { s.hooks = append(s.hooks, f) }

// Peek returns what memory holds for k, also when it is stale. It never waits.
func (s *Space[V]) Peek(k Key) (Entry[V], bool) {
	if it := s.held(k.Name); it != nil && it.HardUntil.After(s.c.now()) {
		return it.Entry, true
	}
	return Entry[V]{}, false
}

// Put keeps f under k, here and (behind) in Redis, unless a younger value is
// there already.
func (s *Space[V]) Put(_ context.Context, k Key, f Fetched[V]) {
	now := s.c.now()
	e := newEntry(f, now)
	if f.Uncached || !e.HardUntil.After(now) {
		return
	}
	s.keep(k, e, keeping{asked: now, processOnly: f.ProcessOnly, share: !f.ProcessOnly})
}

// Drop removes the values of keys: here before it returns, in Redis and in other
// processes when Redis is reached. What is being loaded at the moment is handed
// to those who wait and not kept. It never waits for Redis.
//
// Redis sees the names of keys, except of those that hold a ProcessOnly value
// here: other processes keep theirs. For names that must never leave, see Forget.
func (s *Space[V]) Drop(_ context.Context, keys ...Key) {
	var shared []Key
	var at []string
	for _, k := range keys {
		it := s.held(k.Name)
		s.forget(k.Name)
		if s.c.fleet != nil && s.kind.Encode != nil && (it == nil || !it.processOnly) {
			shared = append(shared, k)
			at = append(at, s.redisKey(k))
		}
	}
	if len(shared) > 0 {
		s.c.fleet.drop(at, &message{Space: s.kind.Name, Version: s.kind.Version, Keys: shared})
	}
}

// Forget is Drop in this process alone: nothing of it reaches Redis.
func (s *Space[V]) Forget(keys ...Key) {
	for _, k := range keys {
		s.forget(k.Name)
	}
}

// dropped is what another process's Drop does here. That one has removed what
// Redis had, but not what this process is just writing there, nor what one of
// our version has.
func (s *Space[V]) dropped(keys []Key, version int) {
	var at []string
	for _, k := range keys {
		s.forget(k.Name)
		if s.kind.Encode == nil {
			continue
		}
		if key := s.redisKey(k); version != s.kind.Version || s.c.fleet.isWriting(key) {
			at = append(at, key)
		}
	}
	if len(at) > 0 {
		s.c.fleet.drop(at, nil)
	}
}

func (s *Space[V]) forget(name string) {
	s.mu.Lock()
	if fl := s.flights[name]; fl != nil {
		// Before the value is removed: whoever keeps what this flight brings looks at the mark afterwards.
		fl.dropped.Store(true)
		delete(s.flights, name)
	}
	s.mu.Unlock()
	s.c.mem.Invalidate(memKey{s.number, name})
}

// held returns what lies in memory under a name, of whatever age; nil when there
// is nothing.
func (s *Space[V]) held(name string) *item[V] {
	r, ok := s.c.mem.GetIfPresent(memKey{s.number, name})
	if !ok {
		return nil
	}
	it, ok := r.(*item[V])
	if !ok {
		return nil
	}
	return it
}

// newEntry gives what a load brought its times.
func newEntry[V any](f Fetched[V], now time.Time) Entry[V] {
	e := Entry[V]{Value: f.Value, FetchedAt: f.FetchedAt}
	if e.FetchedAt.IsZero() {
		e.FetchedAt = now
	}
	soft := time.Duration(float64(f.Soft) * (0.9 + 0.2*rand.Float64())) //nolint:gosec // spreads refreshes, protects nothing
	e.HardUntil = e.FetchedAt.Add(f.Hard)
	e.SoftUntil = e.FetchedAt.Add(min(soft, f.Hard))
	return e
}

// keeping is how a value is kept.
type keeping struct {
	asked       time.Time // when it was asked for
	processOnly bool
	share       bool      // write it to Redis
	stamp       stamp     // of the value in Redis, where it came from there
	lock        redisLock // to be released after the write
	dropped     *atomic.Bool
}

// keep brings e into memory and queues it for Redis, unless memory holds a
// younger value or the key was dropped meanwhile. It reports whether e was kept.
func (s *Space[V]) keep(k Key, e Entry[V], how keeping) bool {
	it := &item[V]{Entry: e, space: s, slot: k.Slot, processOnly: how.processOnly, stamp: how.stamp, entered: how.asked.UnixNano()}
	size := s.kind.Weigh(e.Value) + len(k.Name) + len(k.Slot) + entryOverhead
	it.bytes = uint32(min(max(size, 0), math.MaxUint32))
	shared := how.share && s.c.fleet != nil && s.kind.Encode != nil
	if shared {
		it.stamp = newStamp(e.FetchedAt)
	}
	kept := false
	// Under the lock of the key, so that what follows a change comes in the order of the changes: the calls of
	// hooks, and SET and DEL in Redis.
	s.c.mem.Compute(memKey{s.number, k.Name}, func(r resident, found bool) (resident, otter.ComputeOp) {
		var old *Entry[V]
		if before, ok := r.(*item[V]); found && ok {
			if before.FetchedAt.After(e.FetchedAt) {
				return nil, otter.CancelOp
			}
			old = &before.Entry
		}
		if how.dropped != nil && how.dropped.Load() {
			return nil, otter.CancelOp
		}
		kept = true
		for _, f := range s.hooks {
			f(k, old, &it.Entry)
		}
		if shared {
			s.c.fleet.set(s.write(k, it, how.lock))
		}
		return it, otter.WriteOp
	})
	return kept
}

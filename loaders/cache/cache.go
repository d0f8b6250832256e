package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
)

// DefaultMaxBytes is the room for values when Config does not say otherwise: some
// 100,000 POIs with everything that hangs on them.
const DefaultMaxBytes = 256 << 20

const (
	// minMaxBytes is where eviction begins to work: below it a single tile would push out everything else.
	minMaxBytes = 1 << 20
	// entryOverhead is what an entry costs besides key and value: its node in the cache's table and queues, and the
	// times beside the value. Measured, rounded up.
	entryOverhead = 320
	// sweepEvery is how long a value may lie in memory after its hard age when nobody asks for it.
	sweepEvery = 10 * time.Second
	// clockSkew is how far the clocks of two processes may lie apart without an answer outliving an invalidation.
	clockSkew = 2 * time.Second
)

// Config holds what a Cache needs. The zero Config works: memory alone.
type Config struct {
	// MaxBytes bounds keys and values in memory, as their Kinds weigh them; 0: DefaultMaxBytes. At least 1 MB.
	MaxBytes int64
	// Redis is shared by all processes of a fleet; nil: memory alone. Its calls must end with their context
	// (ContextTimeoutEnabled), as those of a client by Connect do. The caller closes it, after the Cache.
	Redis redis.UniversalClient
	// Prefix begins every key and channel in Redis, without blanks and braces; empty: "chargegraph".
	Prefix string
	// ReadTimeout bounds each look into Redis, which someone waits for; 0: 100 ms. Asking the upstream is not
	// much slower than that.
	ReadTimeout time.Duration
	// WriteTimeout bounds each write, which nobody waits for; 0: 1 s.
	WriteTimeout time.Duration
	// LockTTL is how long a load may keep the other processes of the fleet waiting before they load for
	// themselves, and thus when a dead one is given up; 0: 5 s, twice the usual deadline of a source.
	LockTTL time.Duration
	// RefreshBackoff is how long a stale value is left alone after its refresh failed; 0: 10 s.
	RefreshBackoff time.Duration
	Clock          func() time.Time // nil: time.Now
	Logger         *slog.Logger     // nil: silent
}

// Cache is the memory that Spaces and Answers share, and what keeps it in step
// with other processes. It is safe for concurrent use. Close ends its goroutines.
type Cache struct {
	mem     *otter.Cache[memKey, resident]
	now     func() time.Time
	logger  *slog.Logger
	backoff time.Duration
	fleet   *fleet // nil: memory alone
	journal journal
	done    chan struct{} // closed by Close
	closing sync.Once
	working sync.WaitGroup
	counts  counters

	// staleBefore is when this process last began to listen (UnixNano): what entered memory before it may have
	// missed that it was dropped elsewhere.
	staleBefore atomic.Int64

	mu     sync.Mutex
	spaces map[string]spaceOf // by the name of their kind
	names  []string           // of spaces and answers: a memKey holds an index of it
}

// memKey says where a value lies in memory. The number stands for the space.
type memKey struct {
	space uint32
	name  string
}

// resident is what lies in memory: an item of a Space or an answer.
type resident interface {
	weight() uint32
	goneAt() time.Time
	left(k memKey)
}

// spaceOf is a Space of any type, as messages from other processes need it.
type spaceOf interface {
	dropped(keys []Key, version int)
}

// New returns a cache. It refuses settings out of their bounds and a Redis
// client whose calls outlive their context.
func New(cfg Config) (*Cache, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		usual time.Duration
	}{
		{"ReadTimeout", &cfg.ReadTimeout, 100 * time.Millisecond},
		{"WriteTimeout", &cfg.WriteTimeout, time.Second},
		{"LockTTL", &cfg.LockTTL, 5 * time.Second},
		{"RefreshBackoff", &cfg.RefreshBackoff, 10 * time.Second},
	} {
		if *d.value < 0 || *d.value > time.Minute {
			return nil, fmt.Errorf("cache: %s is %v: it must be between 0 and 1m", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxBytes < minMaxBytes {
		return nil, fmt.Errorf("cache: MaxBytes is %d: it must be at least %d", cfg.MaxBytes, minMaxBytes)
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "chargegraph"
	}
	if strings.ContainsAny(cfg.Prefix, "{} \t\r\n") {
		return nil, fmt.Errorf("cache: Prefix is %q: it must have neither blanks nor braces", cfg.Prefix)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Cache{
		now:     cfg.Clock,
		logger:  cfg.Logger,
		backoff: cfg.RefreshBackoff,
		done:    make(chan struct{}),
		spaces:  make(map[string]spaceOf),
	}
	// The cache's own expiry stays off: it would read the clock on every hit, and report what has expired after
	// what replaced it, so that an index that follows along (OnStore) could not tell which came last. Values know
	// their hard age, Load looks at it, and sweep clears away what nobody asks for.
	mem, err := otter.New(&otter.Options[memKey, resident]{
		MaximumWeight: uint64(cfg.MaxBytes),
		Weigher:       func(_ memKey, r resident) uint32 { return r.weight() },
		OnAtomicDeletion: func(e otter.DeletionEvent[memKey, resident]) {
			if e.Cause != otter.CauseReplacement {
				e.Value.left(e.Key)
			}
			if e.Cause == otter.CauseOverflow {
				c.counts.evictions.Add(1)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c.mem = mem
	if cfg.Redis != nil {
		if !endsWithContext(cfg.Redis) {
			return nil, errors.New("cache: Redis was made without ContextTimeoutEnabled: a slow Redis would hold up every request")
		}
		c.fleet = newFleet(c, cfg)
		c.working.Go(c.fleet.work)
	}
	c.working.Go(c.sweep)
	return c, nil
}

// Close ends what runs behind, after a last attempt to write what is queued for
// Redis, bounded by WriteTimeout. Loads that are under way run on to their own
// deadlines. The cache must not be used afterwards.
func (c *Cache) Close() {
	c.closing.Do(func() { close(c.done) })
	c.working.Wait()
}

// sweep removes what is past its hard age, until Close.
func (c *Cache) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
			c.sweepOnce()
		}
	}
}

func (c *Cache) sweepOnce() {
	now := c.now()
	for k, r := range c.mem.All() {
		if r.goneAt().After(now) {
			continue
		}
		c.mem.Compute(k, func(held resident, found bool) (resident, otter.ComputeOp) {
			if found && held == r {
				return nil, otter.InvalidateOp
			}
			return nil, otter.CancelOp
		})
	}
}

// number returns what stands for a space in memory. It panics when the name is
// taken: two kinds of value would lie under one key.
func (c *Cache) number(name string, s spaceOf) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, taken := range c.names {
		if taken == name {
			panic(fmt.Sprintf("cache: two spaces are called %q", name))
		}
	}
	c.names = append(c.names, name)
	if s != nil {
		c.spaces[name] = s
	}
	return uint32(len(c.names)) //nolint:gosec // a handful
}

// Invalidate drops the Answers that carry one of tags: here before it returns, in
// other processes when the message arrives. It never waits for Redis: while Redis
// is away the message is kept.
// Redis sees the tags as they are: see InvalidateHere. Values are not touched:
// see Space.Drop.
func (c *Cache) Invalidate(_ context.Context, tags ...string) {
	c.InvalidateHere(tags...)
	if c.fleet != nil && len(tags) > 0 {
		c.fleet.drop(nil, &message{Tags: tags})
	}
}

// InvalidateHere is Invalidate in this process alone, for tags of what no other
// process has from us: nothing of it reaches Redis.
func (c *Cache) InvalidateHere(tags ...string) {
	if len(tags) > 0 {
		c.invalidated(tags)
	}
}

// invalidated does what an invalidation does in this process.
func (c *Cache) invalidated(tags []string) {
	c.counts.invalidations.Add(1)
	c.journal.add(c.now(), tags)
}

// heardNothing notes that messages may have been missed until t: what is in
// memory is stale, and finished answers are dropped.
func (c *Cache) heardNothing(t time.Time) {
	c.staleBefore.Store(t.UnixNano())
	c.journal.forget(t)
}

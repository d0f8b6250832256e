package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"
)

// Limits are what one caller may use.
type Limits struct {
	// Limit is charged with the cost of operations.
	Limit

	// Concurrent is how many operations may be under way at once.
	Concurrent int
	// MaxCost is the highest cost of one operation; 0: that of the service.
	MaxCost int
}

// Limit is a bucket of cost: full at first, refilled steadily.
type Limit struct {
	PerSecond float64 // what flows in
	Burst     float64 // what it holds
}

// The default limits, in the cost of operations as the server measures it: a
// viewport of 50 sites is some 6,000, the largest operation 100,000.
const (
	// Eight viewports a second: a map behind one key that a score of people pan.
	defaultPerSecond = 50_000
	// Five of the largest operations.
	defaultBurst = 500_000
	// Each takes a fifth of a second of a core at worst.
	defaultConcurrent = 20

	// One person who pans a map, and some who share the address.
	anonymousPerSecond = 10_000
	// One of the largest operations, or 16 viewports at once.
	anonymousBurst = 100_000
	// As many as a browser has connections, and some for who shares the address.
	anonymousConcurrent = 10
)

func callerLimits() Limits {
	return Limits{Limit: Limit{defaultPerSecond, defaultBurst}, Concurrent: defaultConcurrent}
}

func anonymousLimits() Limits {
	return Limits{Limit: Limit{anonymousPerSecond, anonymousBurst}, Concurrent: anonymousConcurrent}
}

// complete takes from otherwise what is 0 in l.
func (l Limits) complete(whose string, otherwise Limits) (Limits, error) {
	for _, rate := range []struct {
		name  string
		value float64
	}{{"costPerSecond", l.PerSecond}, {"burst", l.Burst}, {"concurrent", float64(l.Concurrent)}, {"maxCost", float64(l.MaxCost)}} {
		if !(rate.value >= 0) || math.IsInf(rate.value, 0) {
			return Limits{}, fmt.Errorf("%s: %s is %v: write a number above 0, or leave it out", whose, rate.name, rate.value)
		}
	}
	if l.PerSecond == 0 {
		l.PerSecond = otherwise.PerSecond
	}
	if l.Burst == 0 {
		l.Burst = otherwise.Burst
	}
	if l.Concurrent == 0 {
		l.Concurrent = otherwise.Concurrent
	}
	if l.MaxCost == 0 {
		l.MaxCost = otherwise.MaxCost
	}
	if float64(l.MaxCost) > l.Burst {
		return Limits{}, fmt.Errorf("%s: maxCost is %d and burst %v, so that an operation of that cost would never be let through", whose, l.MaxCost, l.Burst)
	}
	return l, nil
}

// Limiter charges the cost of operations to callers.
type Limiter interface {
	// Take takes cost out of the caller's bucket if it holds that much, else
	// nothing. It never waits for it to fill. An error says that the state of
	// the bucket could not be read, or that cost or limit make no sense.
	Take(ctx context.Context, caller string, cost float64, limit Limit) (Decision, error)
}

// Decision is what a Limiter says.
type Decision struct {
	OK        bool
	Remaining float64 // in the bucket
	// RetryAfter is when the bucket will hold the cost; 0 when OK, and when it
	// never will, because the cost is greater than the burst.
	RetryAfter time.Duration
}

var errLimit = errors.New("access: limit: cost must be at least 0, rate and burst more than 0, all of them finite")

// maxBuckets bounds the callers whose buckets are kept apart: 10 MB.
const maxBuckets = 100_000

// Buckets is a Limiter in this process: of several replicas, each lets the whole
// limit through.
type Buckets struct {
	clock func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	// rest is the one bucket of all callers that come when there is no room for
	// more, which takes as many addresses at once as a large attack has.
	rest *bucket
}

// bucket holds level at the instant at.
type bucket struct {
	level  float64
	at     time.Time
	fullAt time.Time // from when on it tells nothing that a new one would not
}

var _ Limiter = (*Buckets)(nil)

// NewBuckets returns an empty set of buckets; a nil clock is time.Now.
func NewBuckets(clock func() time.Time) *Buckets {
	if clock == nil {
		clock = time.Now
	}
	return &Buckets{clock: clock, buckets: make(map[string]*bucket)}
}

// Take implements Limiter.
func (b *Buckets) Take(_ context.Context, caller string, cost float64, limit Limit) (Decision, error) {
	if !(cost >= 0 && limit.PerSecond > 0 && limit.Burst > 0) || math.IsInf(cost+limit.PerSecond+limit.Burst, 0) {
		return Decision{}, errLimit
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	return b.of(caller, now, limit).take(now, cost, limit), nil
}

// of returns the caller's bucket.
func (b *Buckets) of(caller string, now time.Time, limit Limit) *bucket {
	if known, ok := b.buckets[caller]; ok {
		return known
	}
	// Each newcomer looks at some others, taken at random, and lets those go
	// that are full again. So no request waits for a sweep, and of the buckets
	// kept about one in four is kept in vain.
	looked := 0
	for other, known := range b.buckets {
		if !now.Before(known.fullAt) {
			delete(b.buckets, other)
		}
		if looked++; looked == 4 {
			break
		}
	}
	fresh := &bucket{level: limit.Burst, at: now, fullAt: now}
	if len(b.buckets) >= maxBuckets {
		if b.rest == nil {
			b.rest = fresh
		}
		return b.rest
	}
	b.buckets[caller] = fresh
	return fresh
}

func (b *bucket) take(now time.Time, cost float64, limit Limit) Decision {
	if passed := now.Sub(b.at); passed > 0 { // a clock that was set back gives nothing
		b.level += passed.Seconds() * limit.PerSecond
		b.at = now
	}
	b.level = min(b.level, limit.Burst)
	d := Decision{OK: cost <= b.level}
	if d.OK {
		b.level -= cost
	} else if cost <= limit.Burst {
		d.RetryAfter = span((cost - b.level) / limit.PerSecond)
	}
	d.Remaining = b.level
	b.fullAt = b.at.Add(span((limit.Burst - b.level) / limit.PerSecond))
	return d
}

// span returns seconds as a duration, rounded up, and at most a year.
func span(seconds float64) time.Duration {
	const year = 365 * 24 * time.Hour
	if seconds >= year.Seconds() {
		return year
	}
	return time.Duration(math.Ceil(seconds * float64(time.Second)))
}

// sharedPause is how long a shared Limiter that failed is not asked again: its
// deadline would be added to each request.
const sharedPause = time.Second

// Fallback is a Limiter that several replicas share, with one of this process
// behind it for when the shared one cannot be asked: limits then hold for each
// replica by itself, which is better than none and than refusing everybody.
type Fallback struct {
	shared, local Limiter
	clock         func() time.Time
	log           *slog.Logger

	mu       sync.Mutex
	askAgain time.Time // zero: shared works
}

var _ Limiter = (*Fallback)(nil)

// NewFallback returns a Limiter that asks shared, and local while that fails. A
// nil clock is time.Now.
func NewFallback(shared, local Limiter, clock func() time.Time, logger *slog.Logger) *Fallback {
	if clock == nil {
		clock = time.Now
	}
	return &Fallback{shared: shared, local: local, clock: clock, log: logger}
}

// Take implements Limiter.
func (f *Fallback) Take(ctx context.Context, caller string, cost float64, limit Limit) (Decision, error) {
	if f.resting() {
		return f.local.Take(ctx, caller, cost, limit)
	}
	d, err := f.shared.Take(ctx, caller, cost, limit)
	if err != nil && ctx.Err() != nil {
		return Decision{}, ctx.Err() // the caller went away; that says nothing about shared
	}
	f.mu.Lock()
	wasDown := !f.askAgain.IsZero()
	f.askAgain = time.Time{}
	if err != nil {
		f.askAgain = f.clock().Add(sharedPause)
	}
	f.mu.Unlock()
	switch {
	case err == nil && wasDown:
		f.log.LogAttrs(ctx, slog.LevelInfo, "shared limits work again")
	case err != nil && !wasDown:
		f.log.LogAttrs(ctx, slog.LevelWarn, "shared limits cannot be asked; each replica limits by itself", slog.Any("error", err))
	}
	if err != nil {
		return f.local.Take(ctx, caller, cost, limit)
	}
	return d, nil
}

// resting reports whether shared is to be left alone. Of those who come when the
// pause is over one tries it, the others rest on.
func (f *Fallback) resting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock()
	if f.askAgain.IsZero() {
		return false
	}
	if now.Before(f.askAgain) {
		return true
	}
	f.askAgain = now.Add(sharedPause)
	return false
}

// Concurrency counts the operations under way by caller, in this process. The
// zero value works.
type Concurrency struct {
	mu       sync.Mutex
	underWay map[string]int
}

// Enter counts one more operation of the caller, unless limit are under way
// already. When ok, call leave once, when it has ended; further calls do nothing.
func (c *Concurrency) Enter(caller string, limit int) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.underWay[caller] >= limit {
		return func() {}, false
	}
	if c.underWay == nil {
		c.underWay = make(map[string]int)
	}
	c.underWay[caller]++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.underWay[caller]--; c.underWay[caller] == 0 {
			delete(c.underWay, caller)
		}
	}), true
}

package checkins

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Buckets is a Limiter in this process: each caller may submit a burst at once,
// and over time so many an hour. Replicas count apart. It is safe for concurrent
// use.
type Buckets struct {
	perHour float64
	burst   float64
	clock   func() time.Time

	mu      sync.Mutex
	callers map[string]bucket
}

// bucket is what a caller had left at a time.
type bucket struct {
	left float64
	at   time.Time
}

// maxCallers bounds how many callers are remembered before those whose buckets
// are full again are let go: about a megabyte.
const maxCallers = 10_000

// NewBuckets returns a Limiter of perHour submissions, and burst at once. A nil
// clock is time.Now.
func NewBuckets(perHour, burst int, clock func() time.Time) (*Buckets, error) {
	if perHour < 1 || burst < 1 {
		return nil, errors.New("checkins: limit: perHour and burst must be at least 1")
	}
	if clock == nil {
		clock = time.Now
	}
	return &Buckets{perHour: float64(perHour), burst: float64(burst), clock: clock, callers: map[string]bucket{}}, nil
}

// Allow is that of Limiter; it never fails.
func (b *Buckets) Allow(_ context.Context, caller string) (time.Duration, error) {
	now := b.clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.callers) >= maxCallers {
		for name, c := range b.callers {
			if b.refilled(c, now) >= b.burst {
				delete(b.callers, name)
			}
		}
	}
	left := b.burst
	if c, ok := b.callers[caller]; ok {
		left = b.refilled(c, now)
	}
	if left < 1 {
		return time.Duration((1 - left) / b.perHour * float64(time.Hour)), nil
	}
	b.callers[caller] = bucket{left: left - 1, at: now}
	return 0, nil
}

func (b *Buckets) refilled(c bucket, now time.Time) float64 {
	return min(c.left+now.Sub(c.at).Hours()*b.perHour, b.burst)
}

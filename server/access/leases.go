package access

import (
	"context"
	"sync"
	"time"
)

const (
	// leaseShare is the part of a burst that is taken from the shared bucket at
	// once: a hundred small requests then cost one question.
	leaseShare = 50
	// leaseLife is how long what was taken is good for. A caller who stops loses
	// the rest of it: a fiftieth of the burst on each replica.
	leaseLife = 5 * time.Second
)

// Leases is a Limiter before one that is far away: it takes a little more than
// was asked for, and hands out the rest without asking.
type Leases struct {
	shared Limiter
	clock  func() time.Time

	mu      sync.Mutex
	credits map[string]credit
}

// credit is what was taken for a caller and not spent yet.
type credit struct {
	amount float64
	until  time.Time
}

var _ Limiter = (*Leases)(nil)

// NewLeases returns a Limiter that takes from shared. A nil clock is time.Now.
func NewLeases(shared Limiter, clock func() time.Time) *Leases {
	if clock == nil {
		clock = time.Now
	}
	return &Leases{shared: shared, clock: clock, credits: make(map[string]credit)}
}

// Take implements Limiter.
func (l *Leases) Take(ctx context.Context, caller string, cost float64, limit Limit) (Decision, error) {
	if left, ok := l.spend(caller, cost); ok {
		return Decision{OK: true, Remaining: left}, nil
	}
	if more := limit.Burst / leaseShare; cost < more {
		d, err := l.shared.Take(ctx, caller, more, limit)
		if err != nil {
			return d, err
		}
		if d.OK {
			l.deposit(caller, more-cost)
			return d, nil
		}
	}
	return l.shared.Take(ctx, caller, cost, limit) // there is not that much any more
}

// spend takes cost from the caller's credit, if it is that large.
func (l *Leases) spend(caller string, cost float64) (left float64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.credits[caller]
	if !known || c.amount < cost || !l.clock().Before(c.until) {
		return 0, false
	}
	c.amount -= cost
	l.credits[caller] = c
	return c.amount, true
}

// deposit makes amount the caller's credit, and lets some go that nobody used.
func (l *Leases) deposit(caller string, amount float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, looked := l.clock(), 0
	for other, c := range l.credits {
		if !now.Before(c.until) {
			delete(l.credits, other)
		}
		if looked++; looked == 4 {
			break
		}
	}
	if len(l.credits) < maxBuckets {
		l.credits[caller] = credit{amount, now.Add(leaseLife)}
	}
}

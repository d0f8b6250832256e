package access_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chargegraph/server/access"
)

// counting is a limiter that counts what it hands out.
type counting struct {
	access.Limiter
	asked int
	taken float64
}

func (c *counting) Take(ctx context.Context, caller string, cost float64, limit access.Limit) (access.Decision, error) {
	c.asked++
	d, err := c.Limiter.Take(ctx, caller, cost, limit)
	if d.OK {
		c.taken += cost
	}
	return d, err
}

func TestLeases_AskOnceForManySmallRequests(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	shared := &counting{Limiter: access.NewBuckets(func() time.Time { return now })}
	l := access.NewLeases(shared, func() time.Time { return now })
	limit := access.Limit{PerSecond: 1, Burst: 1000}
	for range 20 {
		if d, err := l.Take(t.Context(), "a", 1, limit); err != nil || !d.OK {
			t.Fatalf("%v, %v", d, err)
		}
	}
	if shared.asked != 1 {
		t.Errorf("20 requests of 1 asked %d times", shared.asked)
	}
	now = now.Add(time.Minute) // the rest is lost
	if _, err := l.Take(t.Context(), "a", 1, limit); err != nil || shared.asked != 2 {
		t.Errorf("after a minute it was asked %d times: %v", shared.asked, err)
	}
}

func TestLeases_NeverGiveMoreThanTheSharedBucketHasGiven(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		shared := &counting{Limiter: access.NewBuckets(func() time.Time { return now })}
		limit := access.Limit{PerSecond: 10, Burst: 500}
		replicas := []*access.Leases{access.NewLeases(shared, func() time.Time { return now }), access.NewLeases(shared, func() time.Time { return now })}
		given := 0.0
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			cost := float64(rapid.IntRange(0, 60).Draw(t, "cost"))
			before := shared.taken
			d, err := replicas[rapid.IntRange(0, 1).Draw(t, "replica")].Take(ctx, "a", cost, limit)
			if err != nil {
				t.Fatal(err)
			}
			if d.OK {
				given += cost
			}
			if given > shared.taken {
				t.Fatalf("given %v, taken %v", given, shared.taken)
			}
			// Nobody is refused what the bucket itself would have given.
			if !d.OK {
				if again, _ := shared.Limiter.Take(ctx, "a", cost, limit); again.OK && shared.taken == before {
					t.Fatalf("a cost of %v is refused though the bucket has it", cost)
				}
			}
		}
	})
}

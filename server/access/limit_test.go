package access_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chargegraph/server/access"
)

func TestBuckets_NeverLetMoreThroughThanBurstAndRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := access.Limit{PerSecond: rapid.Float64Range(0.1, 1e5).Draw(t, "rate"), Burst: rapid.Float64Range(0.1, 1e5).Draw(t, "burst")}
		c := &clock{at: now()}
		b := access.NewBuckets(c.now)
		type taken struct {
			at   time.Time // the latest that the clock has shown
			cost float64
		}
		var all []taken
		var latest time.Time
		for range rapid.IntRange(1, 60).Draw(t, "takes") {
			// Backwards too, as when a clock is set.
			c.pass(time.Duration(rapid.Int64Range(-1e9, 3e9).Draw(t, "pause")))
			if c.now().After(latest) {
				latest = c.now()
			}
			cost := rapid.Float64Range(0, 2*limit.Burst).Draw(t, "cost")
			d, err := b.Take(t.Context(), "a", cost, limit)
			if err != nil {
				t.Fatal(err)
			}
			if d.OK {
				all = append(all, taken{latest, cost})
			}
			if d.Remaining < 0 || d.Remaining > limit.Burst || d.OK && d.RetryAfter != 0 {
				t.Fatalf("%+v", d)
			}
			if !d.OK && (d.RetryAfter == 0) != (cost > limit.Burst) {
				t.Fatalf("cost %v of %v: %+v", cost, limit.Burst, d)
			}
		}
		for from := range all {
			sum := 0.0
			for _, one := range all[from:] {
				sum += one.cost
				passed := one.at.Sub(all[from].at)
				if most := limit.Burst + limit.PerSecond*passed.Seconds(); sum > most*(1+1e-9)+1e-6 {
					t.Fatalf("%v let through in %v, want at most %v", sum, passed, most)
				}
			}
		}
	})
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	limit := access.Limit{PerSecond: 10, Burst: 100}
	take := func(t *testing.T, l access.Limiter, caller string, cost float64) access.Decision {
		t.Helper()
		d, err := l.Take(t.Context(), caller, cost, limit)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Run("are full at first and of each caller alone", func(t *testing.T) {
		t.Parallel()
		b := access.NewBuckets(nil)
		if d := take(t, b, "a", 100); !d.OK {
			t.Errorf("a: %+v", d)
		}
		if d := take(t, b, "b", 100); !d.OK {
			t.Errorf("b: %+v", d)
		}
	})
	t.Run("say when to come again, and hold it then", func(t *testing.T) {
		t.Parallel()
		c := &clock{at: now()}
		b := access.NewBuckets(c.now)
		take(t, b, "a", 90)
		d := take(t, b, "a", 35)
		if d.OK || d.Remaining != 10 || d.RetryAfter != 2500*time.Millisecond {
			t.Fatalf("refusal = %+v, want 10 left and 2.5 s", d)
		}
		c.pass(d.RetryAfter)
		if d := take(t, b, "a", 35); !d.OK {
			t.Errorf("after the time named: %+v", d)
		}
	})
	t.Run("refuse what they could never hold without a time", func(t *testing.T) {
		t.Parallel()
		if d := take(t, access.NewBuckets(nil), "a", 101); d.OK || d.RetryAfter != 0 {
			t.Errorf("%+v", d)
		}
	})
	t.Run("follow a limit that was made smaller", func(t *testing.T) {
		t.Parallel()
		b := access.NewBuckets((&clock{at: now()}).now)
		take(t, b, "a", 10)
		if d, err := b.Take(t.Context(), "a", 21, access.Limit{PerSecond: 1, Burst: 20}); err != nil || d.OK {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("refuse what is no number", func(t *testing.T) {
		t.Parallel()
		b := access.NewBuckets(nil)
		for _, bad := range []struct {
			cost  float64
			limit access.Limit
		}{
			{-1, limit},
			{math.NaN(), limit},
			{math.Inf(1), limit},
			{1, access.Limit{}},
			{1, access.Limit{PerSecond: math.NaN(), Burst: 1}},
			{1, access.Limit{PerSecond: 1, Burst: math.Inf(1)}},
		} {
			if d, err := b.Take(t.Context(), "a", bad.cost, bad.limit); err == nil {
				t.Errorf("Take(%v, %+v) = %+v, want an error", bad.cost, bad.limit, d)
			}
		}
	})
	t.Run("of a hundred thousand callers and more share what is left", func(t *testing.T) {
		t.Parallel()
		b := access.NewBuckets((&clock{at: now()}).now)
		for n := range 100_000 {
			take(t, b, fmt.Sprint(n), 100)
		}
		if d := take(t, b, "late", 60); !d.OK {
			t.Errorf("the first without a bucket of its own: %+v", d)
		}
		if d := take(t, b, "later", 60); d.OK {
			t.Errorf("the second without a bucket of its own: %+v", d)
		}
		if d := take(t, b, "7", 1); d.OK {
			t.Errorf("one of the first: %+v, want its bucket to be kept", d)
		}
	})
	t.Run("let full buckets go", func(t *testing.T) {
		t.Parallel()
		c := &clock{at: now()}
		b := access.NewBuckets(c.now)
		for n := range 99_999 {
			take(t, b, fmt.Sprint(n), 100)
		}
		c.pass(time.Hour)
		for n := range 50_000 { // there is room for each
			if d := take(t, b, fmt.Sprint("x", n), 100); !d.OK {
				t.Fatalf("stranger %d: %+v", n, d)
			}
		}
	})
}

// broken is a Limiter whose state cannot be reached while down.
type broken struct {
	mu    sync.Mutex
	down  bool
	asked int
	access.Limiter
}

var errDown = errors.New("connection refused")

func (b *broken) Take(ctx context.Context, caller string, cost float64, limit access.Limit) (access.Decision, error) {
	b.mu.Lock()
	b.asked++
	down := b.down
	b.mu.Unlock()
	if down {
		return access.Decision{}, errDown
	}
	return b.Limiter.Take(ctx, caller, cost, limit)
}

func (b *broken) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func TestFallback_LimitsByItselfWhileTheSharedOneIsAway(t *testing.T) {
	t.Parallel()
	c := &clock{at: now()}
	var log bytes.Buffer
	shared := &broken{Limiter: access.NewBuckets(c.now)}
	f := access.NewFallback(shared, access.NewBuckets(c.now), c.now, slog.New(slog.NewTextHandler(&log, nil)))
	limit := access.Limit{PerSecond: 1, Burst: 100}
	remaining := func(cost float64) float64 {
		t.Helper()
		d, err := f.Take(t.Context(), "a", cost, limit)
		if err != nil || !d.OK {
			t.Fatalf("Take() = %+v, %v", d, err)
		}
		return d.Remaining
	}
	if got := remaining(60); got != 40 {
		t.Errorf("shared: %v left, want 40", got)
	}
	shared.set(true)
	if got := remaining(10); got != 90 {
		t.Errorf("away: %v left, want 90 of the local bucket", got)
	}
	before := shared.asked
	if got := remaining(10); got != 80 || shared.asked != before {
		t.Errorf("within the pause: %v left, and asked %d more times", got, shared.asked-before)
	}
	c.pass(1001 * time.Millisecond)
	remaining(10)
	if shared.asked != before+1 {
		t.Errorf("after the pause: asked %d more times, want 1", shared.asked-before)
	}
	shared.set(false)
	c.pass(1001 * time.Millisecond)
	if got := remaining(0); got > 43 {
		t.Errorf("back: %v left, want the shared bucket", got)
	}
	if n := strings.Count(log.String(), "cannot be asked"); n != 1 {
		t.Errorf("%d lines about one outage:\n%s", n, log.String())
	}
	if n := strings.Count(log.String(), "work again"); n != 1 {
		t.Errorf("%d lines about its end:\n%s", n, log.String())
	}

	t.Run("a caller who went away says nothing about it", func(t *testing.T) {
		shared.set(true)
		defer shared.set(false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Take(ctx, "a", 1, limit); !errors.Is(err, context.Canceled) {
			t.Errorf("Take() error = %v, want context.Canceled", err)
		}
		shared.set(false)
		before := shared.asked
		remaining(0)
		if shared.asked != before+1 {
			t.Error("the shared limiter was given up because a caller went away")
		}
	})
}

func TestConcurrency_CountsOperationsOfEachCaller(t *testing.T) {
	t.Parallel()
	var c access.Concurrency
	leave1, ok1 := c.Enter("a", 2)
	leave2, ok2 := c.Enter("a", 2)
	if _, ok := c.Enter("a", 2); !ok1 || !ok2 || ok {
		t.Fatalf("entered: %v, %v, %v, want two", ok1, ok2, ok)
	}
	if leave, ok := c.Enter("b", 1); !ok {
		t.Error("another caller is kept out")
	} else {
		leave()
	}
	leave1()
	leave1() // a second call must not make room for one more
	if _, ok := c.Enter("a", 2); !ok {
		t.Error("there is no room where one has left")
	}
	if _, ok := c.Enter("a", 2); ok {
		t.Error("leaving twice made room twice")
	}
	leave2()
}

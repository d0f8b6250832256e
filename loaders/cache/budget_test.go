package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chargegraph/providers"
)

// fataler is what testing and rapid have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newTestBudget(t fataler, cfg BudgetConfig) *Budget {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "ocm:1f2e"
	}
	b, err := NewBudget(cfg)
	if err != nil {
		t.Fatalf("NewBudget() = %v", err)
	}
	return b
}

// refusedWith returns the error of a Take that must be one of code.
func refusedWith(t fataler, err error, code providers.SourceErrorCode) *providers.SourceError {
	t.Helper()
	var se *providers.SourceError
	if !errors.As(err, &se) || se.Code != code {
		t.Fatalf("Take() = %v, want %s", err, code)
	}
	return se
}

func TestNoWindowHoldsMoreCallsThanTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		window := time.Duration(rapid.IntRange(1, 5).Draw(t, "window")) * time.Second
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		b := newTestBudget(t, BudgetConfig{Limit: limit, Window: window, ReserveForReaders: rapid.SampledFrom([]float64{-1, 0, 0.5}).Draw(t, "reserve"), Clock: func() time.Time { return now }})
		var handedOut []time.Time
		inWindow := func() (n int) {
			for _, at := range handedOut {
				if now.Sub(at) <= window {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 150).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 800).Draw(t, "pause")) * time.Millisecond)
			ctx, open := t.Context(), limit
			if rapid.Bool().Draw(t, "refresh") {
				ctx, open = providers.WithRefresh(ctx), b.open(limit, true)
			}
			before := inWindow()
			if used := b.State().Used; used != before {
				t.Fatalf("State().Used = %d, want %d", used, before)
			}
			err := b.Take(ctx)
			if (err == nil) != (before < open) {
				t.Fatalf("%d of %d calls are in the window, and Take() = %v", before, open, err)
			}
			if err == nil {
				handedOut = append(handedOut, now)
				continue
			}
			wait := refusedWith(t, err, providers.CodeBudgetExhausted).RetryAfter
			if wait <= 0 || wait > window+1 {
				t.Fatalf("asked to come back after %v, the window is %v", wait, window)
			}
			if open > 0 {
				came := now
				now = came.Add(wait)
				if inWindow() >= open {
					t.Fatal("there is none at the time that was told")
				}
				now = came
			}
		}
		for i := range handedOut {
			if i+limit < len(handedOut) && handedOut[i+limit].Sub(handedOut[i]) <= window {
				t.Fatalf("%d calls within %v", limit+1, handedOut[i+limit].Sub(handedOut[i]))
			}
		}
	})
}

func TestAClockThatGoesBackHandsOutNoMore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	b := newTestBudget(t, BudgetConfig{Limit: 2, Window: time.Minute, Clock: func() time.Time { return now }})
	for range 2 {
		if err := b.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(-time.Hour)
	}
	_ = refusedWith(t, b.Take(t.Context()), providers.CodeBudgetExhausted)
	now = now.Add(2*time.Hour + time.Minute)
	_ = refusedWith(t, b.Take(t.Context()), providers.CodeBudgetExhausted)
	now = now.Add(time.Nanosecond)
	if err := b.Take(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefreshesLeaveTheReserveToReaders(t *testing.T) {
	t.Parallel()
	for limit, open := range map[int]int{1: 0, 2: 1, 3: 2, 10: 7, 100: 70} {
		b := newTestBudget(t, BudgetConfig{Limit: limit, Window: time.Minute})
		refreshes, reads := 0, 0
		for b.Take(providers.WithRefresh(t.Context())) == nil {
			refreshes++
		}
		for b.Take(t.Context()) == nil {
			reads++
		}
		if refreshes != open || reads != limit-open {
			t.Errorf("of %d: %d refreshes and %d reads, want %d and %d", limit, refreshes, reads, open, limit-open)
		}
	}
}

func TestManyAtOnceGetNoMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	b := newTestBudget(t, BudgetConfig{Limit: 50, Window: time.Hour})
	var mu sync.Mutex
	got := 0
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if b.Take(t.Context()) == nil {
				mu.Lock()
				got++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got != 50 || b.State() != (providers.UpstreamBudget{Limit: 50, WindowSeconds: 3600, Used: 50}) {
		t.Errorf("%d of 50 were handed out, state %+v", got, b.State())
	}
}

func TestNothingIsHandedOutInASilence(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	b := newTestBudget(t, BudgetConfig{Limit: 5, Window: time.Minute, Clock: func() time.Time { return now }})
	b.Pause(now.Add(time.Minute))
	b.Pause(now.Add(time.Second)) // does not shorten it
	if wait := refusedWith(t, b.Take(t.Context()), providers.CodeRateLimited).RetryAfter; wait != time.Minute {
		t.Errorf("asked to come back after %v", wait)
	}
	now = now.Add(time.Minute)
	if err := b.Take(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhoHasLeftTakesNothing(t *testing.T) {
	t.Parallel()
	b := newTestBudget(t, BudgetConfig{Limit: 5, Window: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Take() = %v", err)
	}
	if b.State().Used != 0 {
		t.Errorf("%+v", b.State())
	}
}

func TestRunWithoutRedisOnlyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newTestBudget(t, BudgetConfig{Limit: 5, Window: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := b.Run(ctx); err != nil || ctx.Err() == nil {
			t.Errorf("Run() = %v, ctx %v", err, ctx.Err())
		}
	})
}

func TestABudgetThatCannotBeIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string][]func(*BudgetConfig){
		"Limit":             {func(c *BudgetConfig) { c.Limit = 0 }, func(c *BudgetConfig) { c.Limit = MaxBudget + 1 }},
		"Window":            {func(c *BudgetConfig) { c.Window = time.Second - 1 }},
		"Name":              {func(c *BudgetConfig) { c.Name = "" }, func(c *BudgetConfig) { c.Name = "a b" }, func(c *BudgetConfig) { c.Name = "a{b" }},
		"Prefix":            {func(c *BudgetConfig) { c.Prefix = "}" }},
		"ReserveForReaders": {func(c *BudgetConfig) { c.ReserveForReaders = 1 }},
	} {
		for _, f := range change {
			cfg := BudgetConfig{Limit: 1, Window: time.Second, Name: "x"}
			f(&cfg)
			if _, err := NewBudget(cfg); err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}

func TestTheRingOfCallsIsAListOfTheLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		ring := callLog{limit: limit}
		var list []time.Time
		now := time.Unix(0, 0)
		for range rapid.IntRange(0, 40).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "step")))
			ring.add(now)
			list = append(list, now)
			list = list[max(0, len(list)-limit):]
			for n := 1; n <= limit+1; n++ {
				at, ok := ring.nth(n)
				if ok != (n <= len(list)) || ok && !at.Equal(list[len(list)-n]) {
					t.Fatalf("nth(%d) = %v, %t of %v", n, at, ok, list)
				}
			}
			since := now.Add(-time.Duration(rapid.IntRange(0, 10).Draw(t, "back")))
			want := len(list) - slices.IndexFunc(list, func(at time.Time) bool { return !at.Before(since) })
			if got := ring.since(since); got != want {
				t.Fatalf("since(%v) = %d of %v, want %d", since, got, list, want)
			}
		}
	})
}

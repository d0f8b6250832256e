package upstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chargegraph/providers"
)

// counter makes values that tell how often it was asked.
type counter struct {
	calls atomic.Int32
	err   error
}

func (c *counter) fetch(context.Context) (*int32, error) {
	n := c.calls.Add(1)
	if c.err != nil {
		return nil, c.err
	}
	return &n, nil
}

func TestATableIsFetchedWhenItIsNotFreshAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c counter
		table := NewTable(24*time.Hour, time.Now, c.fetch)
		if _, ok := table.Fresh(); ok || table.Best() != nil || c.calls.Load() != 0 {
			t.Error("a value is held before it was asked for")
		}
		first, err := table.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second) //nolint:forbidigo // in a bubble
		if again, err := table.Get(t.Context()); err != nil || again != first {
			t.Errorf("fetched again while it was fresh: %v", err)
		}
		if held, ok := table.Fresh(); !ok || held != first {
			t.Error("not fresh")
		}
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		if held, ok := table.Fresh(); ok || held != nil || table.Best() != first {
			t.Error("fresh for too long, or not held any more")
		}
		c.err = BadResponse("broken", nil)
		for range 3 {
			if held, err := table.Get(t.Context()); !errors.Is(err, c.err) || held != first {
				t.Errorf("the older value did not come with the error: %v", err)
			}
		}
		c.err = nil
		time.Sleep(RetryTable - time.Second) //nolint:forbidigo // in a bubble
		if _, err := table.Get(t.Context()); err == nil || c.calls.Load() != 2 {
			t.Errorf("the failure was not remembered: %d calls", c.calls.Load())
		}
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble
		if fresh, err := table.Get(t.Context()); err != nil || fresh == first || table.Best() != fresh {
			t.Errorf("not fetched again: %v", err)
		}
	})
}

func TestManyCallersWaitForOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		table := NewTable(time.Hour, time.Now, func(context.Context) (int32, error) {
			<-release
			return calls.Add(1), nil
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if v, err := table.Get(t.Context()); err != nil || v != 1 {
					t.Errorf("%d, %v", v, err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var se *providers.SourceError
		if _, err := table.Get(ctx); !errors.As(err, &se) || se.Code != providers.CodeTimeout {
			t.Errorf("who did not wait got %v", err)
		}
		close(release)
		wg.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d calls", calls.Load())
		}
	})
}

func TestACallerWhoLeavesDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		table := NewTable(time.Hour, time.Now, func(ctx context.Context) (int, error) {
			if calls++; calls == 1 {
				<-ctx.Done()
				return 0, providers.AsSourceError(ctx.Err())
			}
			return calls, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := table.Get(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if v, err := table.Get(t.Context()); err != nil || v != 2 {
				t.Errorf("who stayed got %d, %v", v, err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestAFetchThatPanicsLetsTheNextOneTry(t *testing.T) {
	t.Parallel()
	calls := 0
	table := NewTable(time.Hour, time.Now, func(context.Context) (int, error) {
		if calls++; calls == 1 {
			panic("first")
		}
		return calls, nil
	})
	func() {
		defer func() { _ = recover() }()
		_, _ = table.Get(t.Context())
	}()
	if v, err := table.Get(t.Context()); err != nil || v != 2 {
		t.Errorf("%d, %v", v, err)
	}
}

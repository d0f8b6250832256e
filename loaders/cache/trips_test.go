package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// journey is a far end that takes as long as it is told and remembers who came when.
type journey struct {
	took []time.Duration // of one round trip after the other; the last holds for all that follow

	mu   sync.Mutex
	sent []string
}

func (j *journey) send(start time.Time) func(context.Context, []redis.Cmder) {
	return func(ctx context.Context, cmds []redis.Cmder) {
		var keys []string
		for _, c := range cmds {
			keys = append(keys, fmt.Sprint(c.Args()[1]))
		}
		slices.Sort(keys)
		j.mu.Lock()
		took := j.took[min(len(j.sent), len(j.took)-1)]
		j.sent = append(j.sent, fmt.Sprint(time.Since(start), keys))
		j.mu.Unlock()
		select {
		case <-time.After(took):
			for _, c := range cmds {
				if get, ok := c.(*redis.StringCmd); ok {
					get.SetVal(fmt.Sprint("value of ", c.Args()[1]))
				}
			}
		case <-ctx.Done():
			for _, c := range cmds {
				c.SetErr(ctx.Err())
			}
		}
	}
}

func TestTripsAreSharedByThoseWhoComeMeanwhile(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	type asker struct {
		at    time.Duration
		leave time.Duration // after so long; 0: it waits
	}
	for name, c := range map[string]struct {
		took   []time.Duration
		askers []asker // of key0, key1 …
		sent   []string
		came   []string
	}{
		"one after the other goes alone": {
			took: []time.Duration{ms}, askers: []asker{{at: 0}, {at: 2 * ms}},
			sent: []string{"0s [key0]", "2ms [key1]"}, came: []string{"1ms", "3ms"},
		},
		"who comes meanwhile goes together": {
			took: []time.Duration{ms}, askers: []asker{{at: 0}, {at: ms / 4}, {at: ms / 2}, {at: 3 * ms / 2}},
			sent: []string{"0s [key0]", "1ms [key1 key2]", "2ms [key3]"}, came: []string{"1ms", "2ms", "2ms", "3ms"},
		},
		"one that takes long holds up nobody who comes later": {
			took: []time.Duration{90 * ms, ms}, askers: []asker{{at: 0}, {at: ms}, {at: 2 * ms}, {at: 50 * ms}},
			sent: []string{"0s [key0]", "2ms [key1 key2]", "50ms [key3]"}, came: []string{"90ms", "3ms", "3ms", "51ms"},
		},
		"each waits for the timeout at most": {
			took: []time.Duration{time.Hour}, askers: []asker{{at: 0}, {at: ms}},
			sent: []string{"0s [key0]", "100ms [key1]"}, came: []string{"100ms context deadline exceeded", "101ms context deadline exceeded"},
		},
		"who leaves keeps nobody": {
			took: []time.Duration{10 * ms}, askers: []asker{{at: 0, leave: 5 * ms}, {at: ms, leave: 2 * ms}, {at: ms}},
			sent: []string{"0s [key0]", "5ms [key1 key2]"}, came: []string{"5ms context deadline exceeded", "3ms context deadline exceeded", "15ms"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				far := journey{took: c.took}
				s := trips{timeout: 100 * ms, send: far.send(start)}
				came := make([]string, len(c.askers))
				var wg sync.WaitGroup
				for i, a := range c.askers {
					wg.Go(func() {
						<-time.After(a.at)
						ctx := t.Context()
						if a.leave > 0 {
							var cancel context.CancelFunc
							ctx, cancel = context.WithTimeout(ctx, a.leave)
							defer cancel()
						}
						value, err := s.get(ctx, fmt.Sprint("key", i))
						came[i] = fmt.Sprint(time.Since(start))
						if err != nil {
							came[i] += " " + err.Error()
						} else if string(value) != fmt.Sprint("value of key", i) {
							t.Errorf("asker %d got %q", i, value)
						}
					})
				}
				wg.Wait()
				synctest.Wait()
				if !slices.Equal(far.sent, c.sent) {
					t.Errorf("sent %q, want %q", far.sent, c.sent)
				}
				if !slices.Equal(came, c.came) {
					t.Errorf("came at %q, want %q", came, c.came)
				}
				<-time.After(time.Second)
				if s.underWay != 0 || s.next != nil {
					t.Errorf("%d are still under way, %v waits", s.underWay, s.next)
				}
			})
		})
	}
}

func TestTripsHaveABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		most, sum := 0, 0
		s := trips{timeout: time.Second, send: func(_ context.Context, cmds []redis.Cmder) {
			mu.Lock()
			most, sum = max(most, len(cmds)), sum+len(cmds)
			mu.Unlock()
			<-time.After(time.Millisecond)
			for _, c := range cmds {
				c.SetErr(redis.Nil)
			}
		}}
		const n = 5 * maxShared
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if _, err := s.get(t.Context(), fmt.Sprint(i)); !errors.Is(err, redis.Nil) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most != maxShared || sum != n {
			t.Errorf("%d at once, %d together, want %d and %d", most, sum, maxShared, n)
		}
	})
}

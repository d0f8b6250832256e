package cache

import (
	"fmt"
	"math"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chargegraph/loaders/cache/redistest"
)

// limiterRedis is a client of a redis-server of this test alone.
func limiterRedis(t *testing.T) *redis.Client {
	t.Helper()
	addr, _ := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// patient returns a Limiter that a busy machine does not put off.
func patient(client *redis.Client, prefix string) *Limiter {
	l := NewLimiter(client, prefix)
	l.deadline = 10 * time.Second
	return l
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	client := limiterRedis(t)
	take := func(t *testing.T, l *Limiter, caller string, cost float64, limit Limit) Decision {
		t.Helper()
		d, err := l.Take(t.Context(), caller, cost, limit)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	slow := Limit{PerSecond: 0.001, Burst: 100} // nothing to speak of flows in during a test

	t.Run("counts what all processes take together", func(t *testing.T) {
		t.Parallel()
		one, other := patient(client, "together"), patient(client, "together")
		var taken atomic.Int64
		var wg sync.WaitGroup
		for n := range 8 {
			l := []*Limiter{one, other}[n%2]
			wg.Go(func() {
				for range 20 {
					if d, err := l.Take(t.Context(), "key:app", 3, slow); err == nil && d.OK {
						taken.Add(3)
					}
				}
			})
		}
		wg.Wait()
		if got := taken.Load(); got > 100 || got < 90 {
			t.Errorf("%d let through of a burst of 100, want 99", got)
		}
	})
	t.Run("says what is left and when to come again", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "left")
		limit := Limit{PerSecond: 10, Burst: 1000}
		if d := take(t, l, "a", 900, limit); !d.OK || math.Abs(d.Remaining-100) > 1 || d.RetryAfter != 0 {
			t.Errorf("first: %+v, want 100 left", d)
		}
		d := take(t, l, "a", 600, limit)
		if d.OK || d.RetryAfter > 50*time.Second || d.RetryAfter < 45*time.Second {
			t.Errorf("refusal: %+v, want 50 s", d)
		}
		if d := take(t, l, "b", 600, limit); !d.OK {
			t.Errorf("another caller: %+v", d)
		}
	})
	t.Run("lets in again when it said so", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "again")
		limit := Limit{PerSecond: 1000, Burst: 100}
		take(t, l, "a", 100, limit)
		d := take(t, l, "a", 100, limit)
		if d.OK || d.RetryAfter <= 0 || d.RetryAfter > 100*time.Millisecond {
			t.Fatalf("refusal: %+v, want up to 100 ms", d)
		}
		timer := time.NewTimer(d.RetryAfter)
		<-timer.C
		if d := take(t, l, "a", 100, limit); !d.OK {
			t.Errorf("after the time named: %+v", d)
		}
	})
	t.Run("never lets through more than burst and rate", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "never")
		limit := Limit{PerSecond: 20_000, Burst: 500}
		// By the clock of Redis, which decides.
		start, err := client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		var taken float64
		for n := range 2000 {
			cost := float64(n%7) + 0.3
			if take(t, l, "a", cost, limit).OK {
				taken += cost
			}
		}
		end, err := client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if most := limit.Burst + limit.PerSecond*end.Sub(start).Seconds(); taken > most {
			t.Errorf("%v let through in %v, want at most %v", taken, end.Sub(start), most)
		}
		if taken < limit.Burst {
			t.Errorf("%v let through, want at least the burst", taken)
		}
	})
	t.Run("refuses what it could never hold, without a time", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "much")
		if d := take(t, l, "a", 101, slow); d.OK || d.RetryAfter != 0 || d.Remaining != 100 {
			t.Errorf("%+v", d)
		}
		if d := take(t, l, "a", 100, slow); !d.OK {
			t.Errorf("after a refusal that took nothing: %+v", d)
		}
	})
	t.Run("follows a burst that was made smaller", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "smaller")
		take(t, l, "a", 1000, Limit{PerSecond: 1, Burst: 1000})
		d := take(t, l, "a", 10, Limit{PerSecond: 1, Burst: 10})
		if d.OK || d.RetryAfter > 10*time.Second {
			t.Errorf("%+v, want no more than the time in which the new bucket fills", d)
		}
	})
	t.Run("takes what costs nothing from an empty bucket", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "nothing")
		take(t, l, "a", 100, slow)
		if d := take(t, l, "a", 0, slow); !d.OK {
			t.Errorf("%+v", d)
		}
	})
	t.Run("keeps no names and nothing of full buckets", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "names")
		caller := "jwt:ab:" + strings.Repeat("zoe@example.org", 20)
		take(t, l, caller, 50, Limit{PerSecond: 10, Burst: 100})
		keys, err := client.Keys(t.Context(), "names:*").Result()
		if err != nil || len(keys) != 1 || len(keys[0]) > 64 || strings.Contains(keys[0], "zoe") {
			t.Fatalf("keys = %q, %v", keys, err)
		}
		if ttl := client.PTTL(t.Context(), keys[0]).Val(); ttl <= 0 || ttl > 5*time.Second {
			t.Errorf("the key stays for %v, want the 5 s in which the bucket fills", ttl)
		}
	})
	t.Run("refuses what is no number", func(t *testing.T) {
		t.Parallel()
		l := patient(client, "number")
		for _, bad := range []struct {
			cost  float64
			limit Limit
		}{
			{-1, slow},
			{math.NaN(), slow},
			{math.Inf(1), slow},
			{1, Limit{}},
			{1, Limit{PerSecond: math.NaN(), Burst: 1}},
			{1, Limit{PerSecond: 1e-9, Burst: 1}},
		} {
			if d, err := l.Take(t.Context(), "a", bad.cost, bad.limit); err == nil {
				t.Errorf("Take(%v, %+v) = %+v, want an error", bad.cost, bad.limit, d)
			}
		}
	})
}

func TestLimiter_IsAnErrorSoonWhenRedisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	silent, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	client := redis.NewClient(&redis.Options{Addr: silent.Addr().String(), ContextTimeoutEnabled: true, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	start := time.Now()
	d, err := NewLimiter(client, "x").Take(t.Context(), "zoe@example.org", 1, Limit{PerSecond: 1, Burst: 1})
	if err == nil || d.OK {
		t.Fatalf("Take() = %+v, %v, want an error", d, err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("Take() took %v", took)
	}
	if strings.Contains(err.Error(), "zoe") {
		t.Errorf("the error names the caller: %v", err)
	}
}

func BenchmarkLimiter(b *testing.B) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("redis-server is not installed: apt-get install redis-server")
	}
	socket := filepath.Join(b.TempDir(), "s")
	server := exec.Command(binary, "--port", "0", "--unixsocket", socket, "--save", "")
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, ContextTimeoutEnabled: true})
	defer func() { _ = client.Close() }()
	tick := time.NewTicker(5 * time.Millisecond)
	for client.Ping(b.Context()).Err() != nil {
		<-tick.C
	}
	tick.Stop()
	l := NewLimiter(client, "bench")
	limit := Limit{PerSecond: 1e6, Burst: 1e6}
	n := 0
	for b.Loop() {
		n++
		if _, err := l.Take(b.Context(), fmt.Sprint("caller-", n%1000), 1, limit); err != nil {
			b.Fatal(err)
		}
	}
}

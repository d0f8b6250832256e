package checkins

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/providers"
)

// BenchmarkPut keeps check-ins of 1 and of 16 callers at once, each waiting for
// its own. It tells how many a second, and the time that one in a hundred exceeds.
func BenchmarkPut(b *testing.B) {
	stores := map[string]func(*testing.B) Store{
		"SQLite": func(b *testing.B) Store {
			b.Helper()
			return openSQLite(b, filepath.Join(b.TempDir(), "checkins.db"))
		},
		"Redis/always": func(b *testing.B) Store {
			b.Helper()
			return benchRedis(b, "always")
		},
		"Redis/everysec": func(b *testing.B) Store {
			b.Helper()
			return benchRedis(b, "everysec")
		},
	}
	for name, open := range stores {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d callers", name, callers), func(b *testing.B) {
				s := open(b)
				measure(b, callers, func(key string) error {
					_, _, err := s.Put(b.Context(), fresh(key))
					return err
				})
			})
		}
	}
}

func benchRedis(b *testing.B, appendfsync string) Store {
	b.Helper()
	s, err := OpenRedis(b.Context(), redisClient(b, ownRedis(b, "--appendfsync", appendfsync)), RedisConfig{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSubmit takes check-ins of 16 callers, from the input to the answer.
func BenchmarkSubmit(b *testing.B) {
	s := openSQLite(b, filepath.Join(b.TempDir(), "checkins.db"))
	poi := site("ocm:1")
	service, err := NewService(s, Config{
		POI:     func(context.Context, string) (*providers.POI, error) { return poi, nil },
		Taker:   (&far{}).taker,
		Secrets: testSecrets(b),
	})
	if err != nil {
		b.Fatal(err)
	}
	measure(b, 16, func(key string) error {
		_, _, err := service.Submit(b.Context(), "app", submission(key))
		return err
	})
}

func measure(b *testing.B, callers int, do func(key string) error) {
	b.Helper()
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				begun := time.Now()
				if err := do(fmt.Sprint(i)); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(begun)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkPending asks what is shown at one site among many.
func BenchmarkPending(b *testing.B) {
	f := newFeed(DefaultShowFor, time.Now, nil)
	for i := range 50_000 {
		e := fresh(fmt.Sprint(i))
		e.Members = []providers.Key{providers.Key(fmt.Sprintf("ocm:%d", i))}
		f.apply(e)
	}
	members := []providers.Key{"ocpi:ndw:NL*ABC*1", "ocm:777", "plugshare:9~8"}
	for b.Loop() {
		if len(f.at(members)) != 1 {
			b.Fatal("not shown")
		}
	}
}

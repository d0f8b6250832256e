package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/loaders/cache/redistest"
)

func benchCache(b *testing.B, cfg cache.Config) *cache.Cache {
	b.Helper()
	c, err := cache.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return c
}

func BenchmarkLoad(b *testing.B) {
	s := cache.NewSpace(benchCache(b, cache.Config{}), texts())
	var all []cache.Key
	for i := range 10_000 {
		k := cache.Key{Name: fmt.Sprintf("ocm/tiles/12/%d/%d", 2048+i%100, 1300+i/100), Slot: fmt.Sprint("ocm/9/", i/64)}
		all = append(all, k)
		s.Put(b.Context(), k, cache.Fetched[string]{Value: "v", Soft: time.Hour, Hard: time.Hour})
	}
	none := func(context.Context, []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
		return nil, errors.New("a load")
	}
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("hits=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if found := s.Load(b.Context(), cache.Want{Keys: all[i : i+n]}, none); !found[0].OK {
					b.Fatal(found[0].Err)
				}
				i = (i + n) % (len(all) - n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
	b.Run("hits=16/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := 0
			for pb.Next() {
				s.Load(b.Context(), cache.Want{Keys: all[i : i+16]}, none)
				i = (i + 16) % (len(all) - 16)
			}
		})
	})
	b.Run("peek", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if _, ok := s.Peek(all[i%len(all)]); !ok {
				b.Fatal("gone")
			}
			i++
		}
	})
	b.Run("misses=16", func(b *testing.B) {
		b.ReportAllocs()
		var u upstream
		i := 0
		for b.Loop() {
			wanted := make([]cache.Key, 16)
			for n := range wanted {
				wanted[n] = cache.Key{Name: fmt.Sprint("new", i, "/", n)}
			}
			i++
			s.Load(b.Context(), cache.Want{Keys: wanted}, u.load)
		}
	})
}

func BenchmarkAnswers(b *testing.B) {
	a := cache.NewAnswers(benchCache(b, cache.Config{}), "answers")
	tags := make([]string, 100)
	for i := range tags {
		tags[i] = fmt.Sprint("poi:ocm:", i)
	}
	now := time.Now()
	a.Put(b.Context(), "key", cache.Answer{Body: make([]byte, 60_000), Tags: tags, MadeAt: now, FreshUntil: now.Add(time.Minute)})
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := a.Get(b.Context(), "key"); !ok {
				b.Fatal("gone")
			}
		}
	})
}

func BenchmarkRedis(b *testing.B) {
	_, server := redistest.Start(b)
	client, err := cache.Connect(server.URL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	c := benchCache(b, cache.Config{Redis: client})
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	go func() { _ = c.Run(ctx) }()
	for !c.Stats().Listening {
		runtime.Gosched()
	}
	s, a := cache.NewSpace(c, texts()), cache.NewAnswers(c, "answers")
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		value := strings.Repeat("Fastned, Prins Bernhardplein, Amsterdam, 300 kW; ", size/50)
		b.Run(fmt.Sprintf("value=%dK", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			k := cache.Key{Name: fmt.Sprint("v", size)}
			writes := c.Stats().Writes
			s.Put(b.Context(), k, cache.Fetched[string]{Value: value, Soft: time.Hour, Hard: time.Hour})
			for c.Stats().Writes == writes {
				runtime.Gosched()
			}
			for b.Loop() {
				s.Forget(k)
				if got := s.Load(b.Context(), cache.Want{Keys: []cache.Key{k}}, nil); !got[0].OK || got[0].State != cache.Hit {
					b.Fatalf("%+v", got[0].Err)
				}
			}
		})
	}
	b.Run("no answer", func(b *testing.B) {
		for b.Loop() {
			if _, ok := a.Get(b.Context(), "nothing"); ok {
				b.Fatal("found")
			}
		}
	})
	server.Kill()
	s.Load(b.Context(), cache.Want{Keys: keys("x")}, (&upstream{}).load)
	s.Load(b.Context(), cache.Want{Keys: keys("y")}, (&upstream{}).load)
	s.Load(b.Context(), cache.Want{Keys: keys("z")}, (&upstream{}).load)
	b.Run("dead", func(b *testing.B) {
		for b.Loop() {
			if _, ok := a.Get(b.Context(), "nothing"); ok {
				b.Fatal("found")
			}
		}
	})
}

// What an entry takes beside its key and value.
func BenchmarkEntryOverhead(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		c := benchCache(b, cache.Config{MaxBytes: 1 << 30})
		s := cache.NewSpace(c, texts())
		names := 0
		for i := range n {
			k := cache.Key{Name: fmt.Sprint("key", i)}
			names += len(k.Name)
			s.Put(b.Context(), k, cache.Fetched[string]{Soft: time.Hour, Hard: time.Hour})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric((float64(after.HeapAlloc-before.HeapAlloc)-float64(names))/n, "B/entry")
		runtime.KeepAlive(s)
	}
}

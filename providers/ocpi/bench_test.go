package ocpi

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
)

// bigFeed writes a feed of n locations to a file and returns its path and size.
func bigFeed(tb testing.TB, n int) (path string, size int64) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "feed.json")
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(file, 1<<20)
	if err = sandbox.WriteOCPIFeed(w, n, 1); err != nil {
		tb.Fatal(err)
	}
	if err = w.Flush(); err != nil {
		tb.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	if err := file.Close(); err != nil {
		tb.Fatal(err)
	}
	return path, info.Size()
}

// heapPeak watches the heap until it is told to stop, and returns the most that
// was in use, garbage included.
func heapPeak() (stop func() uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-done:
				result <- peak
				return
			}
		}
	}()
	return func() uint64 { close(done); return <-result }
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkPullOfACountry reads a feed as large as that of the Netherlands into a
// store, in one page over HTTP, and then again beside what is held. It tells
// what that takes beyond what was there before, garbage included.
func BenchmarkPullOfACountry(b *testing.B) {
	path, size := bigFeed(b, 80_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }))
	defer server.Close()
	b.SetBytes(2 * size)
	for b.Loop() {
		feed, err := New(Config{Name: "big", URL: server.URL})
		if err != nil {
			b.Fatal(err)
		}
		syncer, err := store.NewSyncer(feed, store.SyncConfig{Interval: 2 * time.Second, FullEvery: 2 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		asOf := func() time.Time {
			answer, err := syncer.Source().Search(b.Context(), providers.Query{Area: providers.Bounds{}})
			if err != nil {
				b.Fatal(err)
			}
			return answer.FetchedAt
		}
		before := liveHeap()
		stop := heapPeak()
		began := time.Now()
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		go func() { ended <- syncer.Run(ctx) }()
		if err := syncer.WaitFirst(ctx); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-first")
		b.ReportMetric(float64(stop()-before)/(1<<20), "MB-first-peak")
		held := liveHeap()
		b.ReportMetric(float64(held-before)/(1<<20), "MB-held")
		first := asOf()
		stop = heapPeak()
		for tick := time.NewTicker(5 * time.Millisecond); asOf().Equal(first); {
			<-tick.C
		}
		b.ReportMetric(float64(stop()-held)/(1<<20), "MB-again-peak")
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(syncer.Source().Len()), "records")
	}
}

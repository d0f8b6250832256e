package main

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

const (
	// besideCache is what the process may take beside its cache: with the pages of the
	// program's file, of which the runtime knows nothing, it is 96 MB resident.
	besideCache = 64 << 20
	// usuallyLive is what of that is in use, where little is held beside the cache: the
	// rest is room for the garbage collector.
	usuallyLive = 32 << 20
	// memoryEvery is how often the limit is looked at: a mirror that is read grows by
	// some 10 MB in that time.
	memoryEvery = 250 * time.Millisecond
)

// limitMemory makes the garbage collector work harder before it doubles what is
// cached, until ctx ends. What is held beside the cache, such as feeds and mirrors,
// may be doubled as ever. Where GOMEMLIMIT is set, it is the most.
func (p *process) limitMemory(ctx context.Context) {
	most := int64(math.MaxInt64)
	if os.Getenv("GOMEMLIMIT") != "" {
		most = debug.SetMemoryLimit(-1)
	}
	defer debug.SetMemoryLimit(most)
	live := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := most
	for tick := time.NewTicker(memoryEvery); ; {
		runtimemetrics.Read(live)
		stats := p.cached.Stats()
		limit := memoryLimit(int64(live[0].Value.Uint64()), int64(stats.Bytes), int64(stats.MaxBytes)) //nolint:gosec // sizes of memory
		limit = min(limit, most)
		if diff := limit - set; diff > 1<<20 || diff < -(1<<20) {
			debug.SetMemoryLimit(limit)
			set = limit
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// memoryLimit returns how much the runtime may take, of which live is in use after
// a collection, and cached of a cache of at most maxCached.
func memoryLimit(live, cached, maxCached int64) int64 {
	return maxCached + besideCache + 2*max(live-cached-usuallyLive, 0)
}

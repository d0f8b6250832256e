package cache

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// breakAfter failures in a row make Redis count as gone: one may be chance, and each costs someone ReadTimeout.
	breakAfter = 3
	// shortestRest and longestRest bound how long it is left alone before it is asked (by PING, not by a request)
	// whether it is back. The rest doubles while it breaks again soon after, so that one which answers PING and
	// nothing else does not hold up a request every second.
	shortestRest = time.Second
	longestRest  = 30 * time.Second
)

// breaker keeps requests from asking a Redis that does not answer. It closes
// again only when a probe succeeds, which fleet.work sends.
type breaker struct {
	logger   *slog.Logger
	opened   chan struct{} // gets one when it breaks
	broken   atomic.Bool
	failures atomic.Int32 // in a row

	mu     sync.Mutex
	rest   time.Duration
	mended time.Time // when it last closed; monotonic
	missed time.Time // when a failure was last counted; monotonic
}

// ok notes a call that Redis answered.
func (b *breaker) ok() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
}

// failed notes a call, begun at began, that it did not. Of calls that were under way
// together one counts: fifty that a single pause of Redis, or of this process,
// made late are not fifty failures in a row.
func (b *breaker) failed(ctx context.Context, began time.Time, err error) {
	b.mu.Lock()
	same := began.Before(b.missed)
	if !same {
		b.missed = time.Now()
	}
	b.mu.Unlock()
	if same || b.failures.Add(1) < breakAfter || !b.broken.CompareAndSwap(false, true) {
		return
	}
	b.mu.Lock()
	if b.rest == 0 || time.Since(b.mended) > longestRest {
		b.rest = shortestRest
	} else {
		b.rest = min(2*b.rest, longestRest)
	}
	b.mu.Unlock()
	b.logger.LogAttrs(ctx, slog.LevelWarn, "Redis does not answer: going on from memory and upstream", slog.Any("error", err))
	select {
	case b.opened <- struct{}{}:
	default:
	}
}

// pause returns how long to wait before the next probe.
func (b *breaker) pause() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rest
}

// mend closes the breaker.
func (b *breaker) mend() {
	b.failures.Store(0)
	b.mu.Lock()
	b.mended = time.Now()
	b.mu.Unlock()
	if b.broken.CompareAndSwap(true, false) {
		b.logger.LogAttrs(context.Background(), slog.LevelInfo, "Redis answers again")
	}
}

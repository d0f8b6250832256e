package cache

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// heartbeat is how often a silent connection is asked for a sign of life, and maxSilent how many times it may
	// not give one. Together they bound how long messages can be missed unnoticed.
	heartbeat = time.Second
	maxSilent = 3
	// shortestRedial and longestRedial space the attempts to listen again.
	shortestRedial = 100 * time.Millisecond
	longestRedial  = 5 * time.Second
)

// Run listens to what other processes drop and invalidate, until ctx ends; it
// returns nil then. Whenever it begins to listen, again after a lost connection
// too, what is in memory may have missed something: values become stale, and
// finished answers are dropped. Without Redis it does nothing. It must be called
// once; while nobody listens, no finished answers are taken from Redis.
func (c *Cache) Run(ctx context.Context) error {
	if c.fleet == nil {
		<-ctx.Done()
		return nil
	}
	f := c.fleet
	pause := shortestRedial
	lost := false
	for {
		lastError := f.listen(ctx, func() {
			if lost {
				c.logger.LogAttrs(ctx, slog.LevelInfo, "listening to other processes again: what was in memory is refreshed")
			}
			lost, pause = false, shortestRedial
		})
		if ctx.Err() != nil {
			return nil //nolint:nilerr // that is how it ends
		}
		if !lost {
			c.logger.LogAttrs(ctx, slog.LevelWarn, "other processes are not heard", slog.Any("error", lastError))
		}
		lost = true
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, longestRedial)
	}
}

// listen subscribes, calls begun, and hands messages on until the connection or
// ctx ends.
func (f *fleet) listen(ctx context.Context, begun func()) error {
	// The client would mend a lost connection by itself, and not tell: so it is closed at its first error.
	sub := f.client.Subscribe(ctx, f.channel)
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer func() {
		f.listening.Store(0)
		stop()
		_ = sub.Close()
	}()
	silent := 0
	for {
		got, err := sub.ReceiveTimeout(ctx, heartbeat)
		if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && silent < maxSilent {
			silent++
			if err = sub.Ping(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		silent = 0
		switch m := got.(type) {
		case *redis.Subscription:
			now := f.c.now()
			f.c.heardNothing(now)
			f.listening.Store(now.UnixNano())
			begun()
		case *redis.Message:
			f.heard(m.Payload)
		}
	}
}

// heard does what another process says.
func (f *fleet) heard(payload string) {
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil || m.From == f.id {
		return // foreign, or our own
	}
	f.c.counts.messages.Add(1)
	if m.All {
		now := f.c.now()
		f.trustFrom.Store(now.UnixNano())
		f.c.heardNothing(now)
	}
	if len(m.Keys) > 0 {
		f.c.mu.Lock()
		s := f.c.spaces[m.Space]
		f.c.mu.Unlock()
		if s != nil {
			s.dropped(m.Keys, m.Version)
		}
	}
	if len(m.Tags) > 0 {
		f.c.invalidated(m.Tags)
	}
}

// encode returns m as it goes over the channel.
func (m *message) encode() []byte {
	data, _ := json.Marshal(m) // of strings alone: cannot fail
	return data
}

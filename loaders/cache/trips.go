package cache

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// sharedFor is how old a round trip may be for others to wait for its end: a Redis next door answers sooner.
	sharedFor = 2 * time.Millisecond
	// maxShared bounds what goes in one round trip, and thus what the first of them waits for beside its own.
	maxShared = 64
)

// trips reads single values. A round trip takes more of this process than what is
// then done with an answer, so that those who ask while one is under way go
// together in the next:
//
//	first ─► alone ──────────────────────► back ─┐
//	others, while that is young ─► wait ─────────┴─► together
//	who comes when it is no longer young ──────────► takes along who waits
//
// So nobody waits for another's round trip that takes long, unless nobody else
// comes; each waits for timeout at most. It is safe for concurrent use.
type trips struct {
	timeout time.Duration
	// send carries out commands in one round trip; each has its own error then.
	send func(ctx context.Context, cmds []redis.Cmder)

	mu       sync.Mutex
	underWay int
	began    time.Time // the last of them
	next     *trip     // waits for the end of one of them; nil: nobody waits
}

// trip is a round trip of several.
type trip struct {
	cmds  []redis.Cmder
	until time.Time // when the first of them has waited long enough
	done  chan struct{}
}

// sendBy returns the send of a client.
func sendBy(client redis.UniversalClient) func(context.Context, []redis.Cmder) {
	return func(ctx context.Context, cmds []redis.Cmder) {
		if len(cmds) == 1 {
			_ = client.Process(ctx, cmds[0]) // the command has it too
			return
		}
		pipe := client.Pipeline()
		for _, cmd := range cmds {
			_ = pipe.Process(ctx, cmd) // nothing is sent yet
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
	}
}

// get reads the value under key. It returns redis.Nil when there is none.
func (s *trips) get(ctx context.Context, key string) ([]byte, error) {
	now := time.Now()
	cmd := redis.NewStringCmd(ctx, "get", key)
	s.mu.Lock()
	young := s.underWay > 0 && now.Sub(s.began) < sharedFor
	if !young && s.next == nil {
		s.begin(now)
		s.mu.Unlock()
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		defer s.back()
		s.send(limited, []redis.Cmder{cmd})
		return cmd.Bytes()
	}
	t := s.next
	if t == nil {
		t = &trip{until: now.Add(s.timeout), done: make(chan struct{})}
		s.next = t
	}
	t.cmds = append(t.cmds, cmd)
	if !young || len(t.cmds) == maxShared {
		s.leave(now) //nolint:contextcheck // whoever waits longest, it is not for this one alone
	}
	s.mu.Unlock()
	select {
	case <-t.done:
		return cmd.Bytes()
	case <-ctx.Done():
		return nil, ctx.Err() // the others go on, and nobody looks at cmd any more
	}
}

// begin notes a round trip. s.mu is held.
func (s *trips) begin(now time.Time) {
	s.underWay++
	s.began = now
}

// leave sends those who wait. s.mu is held.
func (s *trips) leave(now time.Time) {
	t := s.next
	s.next = nil
	s.begin(now)
	go func() {
		ctx, cancel := context.WithDeadline(context.Background(), t.until)
		defer cancel()
		defer s.back()
		defer close(t.done)
		s.send(ctx, t.cmds)
	}()
}

// back notes the end of a round trip.
func (s *trips) back() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	if s.next != nil {
		s.leave(time.Now())
	}
}

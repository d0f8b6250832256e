package checkins

import (
	"context"
	"fmt"
	"time"

	"chargegraph/providers"
)

// Prober is a Store that can tell whether it would keep a check-in now. Both
// stores are.
type Prober interface {
	// Writable writes something that means nothing, as durably as an entry, and
	// returns why that was not possible.
	Writable(ctx context.Context) error
}

var (
	_ Prober = (*SQLite)(nil)
	_ Prober = (*Redis)(nil)
)

// Writable is that of Prober: it writes the version of the file anew.
func (s *SQLite) Writable(ctx context.Context) error {
	return s.do(ctx, &write{do: func(stmts *statements) error {
		_, err := s.conn.ExecContext(stmts.ctx, fmt.Sprintf("PRAGMA user_version = %d", len(migrations())))
		return err
	}})
}

// probeScript sets KEYS[1], for a minute.
const probeScript = `return redis.call('SET', KEYS[1], '1', 'PX', 60000)`

// Writable is that of Prober. A server that is a replica, that is full, or whose
// disk fails refuses.
func (s *Redis) Writable(ctx context.Context) error {
	if _, err := s.run(ctx, probeScript, []string{s.prefix + "probe"}); err != nil {
		return fmt.Errorf("checkins: redis: write: %w", err)
	}
	return nil
}

// Counts says how many check-ins a store holds, and how long they wait.
type Counts struct {
	States     map[providers.CheckInState]int
	Deliveries map[providers.DeliveryState]int // one or more of each check-in
	// Oldest is when the oldest check-in was submitted of which a delivery has not
	// ended yet: it is on its way, or waits for a person. Zero: there is none.
	Oldest time.Time
}

// Count reads the whole store, page by page, and counts: some seconds for a
// million, so that it is for now and then, and not for a request.
func Count(ctx context.Context, s Store) (Counts, error) {
	c := Counts{States: make(map[providers.CheckInState]int), Deliveries: make(map[providers.DeliveryState]int)}
	err := each(ctx, s, func(e *Entry) error {
		c.States[e.State()]++
		open := false
		for i := range e.Targets {
			c.Deliveries[e.Targets[i].State]++
			open = open || !e.Targets[i].settled()
		}
		if open && (c.Oldest.IsZero() || e.CreatedAt.Before(c.Oldest)) {
			c.Oldest = e.CreatedAt
		}
		return nil
	})
	if err != nil {
		return Counts{}, fmt.Errorf("checkins: count: %w", err)
	}
	return c, nil
}

package loaders

import (
	"context"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"

	"chargegraph/providers"
)

// Aliases is the durable table of who was one site with whom: it lets the id of
// a record that is gone lead to the site still. It holds ids alone.
type Aliases interface {
	// Remember writes the companions of records, best first, where they are not
	// written in just this way already.
	Remember(ctx context.Context, companions map[providers.Key][]providers.Key) error
	// Living returns the nearest companion of k, in any generation, of which alive
	// says so; ok is false when there is none. An error says that nobody knows.
	Living(ctx context.Context, k providers.Key, alive func(context.Context, providers.Key) (bool, error)) (found providers.Key, ok bool, err error)
}

const (
	// maxRemembered bounds the companions that are known to be written, so that
	// they are not written again: 16 bytes each, and forgetting costs one look
	// into the table.
	maxRemembered = 1 << 20
	// maxToRemember bounds the sites that wait to be written. Those for which
	// there is no room are written when they are next shown.
	maxToRemember = 256
)

// remembrance writes companions behind the answers that show them.
type remembrance struct {
	table Aliases
	seed  maphash.Seed
	todo  chan map[providers.Key][]providers.Key

	mu      sync.Mutex
	written map[providers.Key]uint64 // a hash of the companions
}

func newRemembrance(table Aliases) *remembrance {
	return &remembrance{table: table, seed: maphash.MakeSeed(), todo: make(chan map[providers.Key][]providers.Key, maxToRemember), written: make(map[providers.Key]uint64)}
}

// run writes until closed is.
func (r *remembrance) run(ctx context.Context, closed <-chan struct{}, logger *slog.Logger) {
	for {
		select {
		case <-closed:
			return
		case companions := <-r.todo:
			if err := r.table.Remember(ctx, companions); err != nil {
				logger.LogAttrs(ctx, slog.LevelWarn, "companions of records not written; they will be when they are next shown", slog.Any("error", err))
				r.forget(companions)
			}
		}
	}
}

// note lets the companions of pois be written that are not yet, or are others now.
func (r *remembrance) note(pois []*providers.POI) {
	fresh := make(map[providers.Key][]providers.Key)
	r.mu.Lock()
	for _, p := range pois {
		if len(p.Members) < 2 {
			continue
		}
		var h maphash.Hash
		h.SetSeed(r.seed)
		for _, m := range p.Members {
			_, _ = h.WriteString(string(m.Key)) // it never fails
			_ = h.WriteByte(0)
		}
		sum := h.Sum64()
		if r.written[p.Members[0].Key] == sum {
			continue
		}
		if len(r.written) >= maxRemembered {
			clear(r.written)
		}
		for i, m := range p.Members {
			r.written[m.Key] = sum
			companions := make([]providers.Key, 0, len(p.Members)-1)
			for j, other := range p.Members {
				if i != j {
					companions = append(companions, other.Key)
				}
			}
			fresh[m.Key] = companions
		}
	}
	r.mu.Unlock()
	if len(fresh) == 0 {
		return
	}
	select {
	case r.todo <- fresh:
	default:
		r.forget(fresh)
	}
}

// forget lets companions be written when they are next shown.
func (r *remembrance) forget(companions map[providers.Key][]providers.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range companions {
		delete(r.written, k)
	}
}

// remember writes who is one site with whom, unless something was missing when
// that was decided, or the question left something out.
func (o *Operation) remember(results []providers.SourceResult, filter *providers.Filter, pois []*providers.POI) {
	c := o.catalog
	if c.remembrance == nil || filter != nil && (filter.OpenData != nil || len(filter.DataProviderIDs) > 0) {
		return
	}
	if slices.ContainsFunc(results, func(r providers.SourceResult) bool { return !r.Whole() }) {
		return
	}
	c.remembrance.note(pois)
}

// living returns the living companion of a record that its source does not have
// any more; nil when there is none.
func (o *Operation) living(ctx context.Context, k providers.Key, policy *providers.SourcePolicy) (*providers.Record, error) {
	table := o.catalog.aliases
	if table == nil {
		return nil, errAbsent
	}
	var last *providers.Record
	_, ok, err := table.Living(ctx, k, func(ctx context.Context, k providers.Key) (bool, error) {
		result := o.Records(ctx, []providers.Key{k}, policy)[0]
		last = result.Record
		return last != nil, result.Err
	})
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errAbsent
	}
	return last, nil
}

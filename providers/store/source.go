package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"chargegraph/providers"
)

// Source is a [providers.Provider] and [providers.Holder] of the records in a
// Store. Its answers are whole, and as old as Store.AsOf says.
type Source struct{ held }

// NewSource returns the source that info describes, holding the records of s. It
// makes s the count behind info.RecordCount and info.Held true; info must not be
// in use yet.
func NewSource(info *providers.Source, s *Store) *Source {
	info.Counts(s.Len)
	info.Held = true
	return &Source{held{info: info, store: s, clock: time.Now, operators: new(atomic.Pointer[operatorList])}}
}

// ReferencedSource is a Source whose records name rows of a reference table. It
// is also [providers.Referenced], by a table that is always at hand.
type ReferencedSource struct {
	held
	table *providers.Reference
}

// NewReferencedSource returns the source that info describes, as NewSource does,
// with the table that the records of s were joined with before they were put in.
func NewReferencedSource(info *providers.Source, s *Store, table *providers.Reference) *ReferencedSource {
	return &ReferencedSource{held: NewSource(info, s).held, table: table}
}

// HeldReference returns the table; there always is one.
func (s *ReferencedSource) HeldReference() (*providers.Reference, bool) { return s.table, true }

// Reference returns the table; with a country (ISO 3166-1 alpha-2, upper case)
// ConnectionTypes holds only those that a record of that country names, none
// where it has no records. It looks at each of the country's records. The only
// error is that ctx ended; the whole table comes with it.
func (s *ReferencedSource) Reference(ctx context.Context, country string) (*providers.Reference, error) {
	if country == "" {
		return s.table, nil
	}
	used := map[string]bool{}
	note := func(connections []providers.ConnectionInfo) {
		for i := range connections {
			if t := connections[i].ConnectionType; t != nil {
				used[t.ID] = true
			}
		}
	}
	w := newWatch(ctx)
	if home, ok := s.store.snapshot().countries[country]; ok {
		home.Scan(func(_, _ [2]float64, r *providers.Record) bool {
			note(r.Connections)
			for i := range r.EVSEs {
				note(r.EVSEs[i].Connections)
			}
			for i := range r.Stations {
				note(r.Stations[i].Connections)
			}
			return w.goOn()
		})
	}
	if w.err != nil {
		return s.table, providers.AsSourceError(w.err)
	}
	table := *s.table
	table.ConnectionTypes = []*providers.ConnectionType{}
	for _, t := range s.table.ConnectionTypes {
		if used[t.ID] {
			table.ConnectionTypes = append(table.ConnectionTypes, t)
		}
	}
	return &table, nil
}

// Join does nothing: what a Store holds was joined before it was put in, and is
// seen by others.
func (s *ReferencedSource) Join(*providers.Reference, []*providers.Record) {}

// held is what both kinds of source do.
type held struct {
	info    *providers.Source
	store   *Store
	clock   func() time.Time
	pending *pending // nil: what there is to hold is held
	// operators is what Operators found in the snapshot that it last looked at.
	operators *atomic.Pointer[operatorList]
}

// Source implements providers.Provider.
func (h *held) Source() *providers.Source { return h.info }

// Search implements providers.Provider by Store.Search. The answer is never cut
// and never narrowed to the filter; FetchedAt is when the records were a true
// picture. Live states are those of the last successful pull, or none once that
// is longer ago than the source's LiveFor. An error wraps ctx.Err(), or is that
// of Ready.
func (h *held) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	if err := h.Ready(); err != nil {
		return providers.Answer{}, err
	}
	now := h.store.snapshot()
	records, err := now.search(ctx, q.Area)
	if err != nil {
		return providers.Answer{}, fmt.Errorf("store: search %s: %w", h.info.ID, err)
	}
	if h.aged(now) {
		for i, r := range records {
			records[i] = withoutLive(r)
		}
	}
	return providers.Answer{Records: records, FetchedAt: now.asOf}, nil
}

// Ready returns a *providers.SourceError as long as nothing has been read that
// could be held; nil after that, and for a source that nobody pulls.
func (h *held) Ready() error { return h.pending.err() }

// aged reports whether live states are too old to be called live. A source that
// tells what changed confirms what it does not mention, so that the time of the
// last pull counts and not that of each record.
func (h *held) aged(s *snapshot) bool {
	return h.info.LiveFor > 0 && h.clock().Sub(s.asOf) > h.info.LiveFor
}

// withoutLive returns r as it is where it has no live state.
func withoutLive(r *providers.Record) *providers.Record {
	if r.Availability == nil && len(r.EVSEs) == 0 && len(r.Stations) == 0 {
		return r
	}
	return r.WithoutLive()
}

// Record implements providers.Holder. Live states are as in Search.
func (h *held) Record(k providers.Key) (*providers.Record, bool) {
	now := h.store.snapshot()
	r, ok := now.get(k)
	if ok && h.aged(now) {
		r = withoutLive(r)
	}
	return r, ok
}

// FindEVSE implements providers.EVSEFinder by Store.FindEVSE.
func (h *held) FindEVSE(evseID string) []providers.Key { return h.store.FindEVSE(evseID) }

// Alike implements providers.AlikeFinder. It takes constant time for each EVSE
// and reference of r. Live states are as in Search.
func (h *held) Alike(r *providers.Record) []*providers.Record {
	now := h.store.snapshot()
	found := now.alike(r)
	if h.aged(now) {
		for i := range found {
			found[i] = withoutLive(found[i])
		}
	}
	return found
}

// Len implements providers.Holder.
func (h *held) Len() int { return h.store.Len() }

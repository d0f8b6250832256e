package store

import (
	"hash/maphash"
	"maps"
	"slices"

	"chargegraph/providers"
)

// owners are the records with EVSEs whose ids have one hash: nearly always one
// record, and nearly always for one id.
type owners struct {
	first *providers.Record
	more  []*providers.Record
}

// FindEVSE returns the keys of the records with an EVSE of this id, in their
// order, as providers.EVSEFinder wants it. It takes constant time.
func (s *Store) FindEVSE(evseID string) []providers.Key {
	now, id := s.snapshot(), providers.NormalEVSEID(evseID)
	if now.evses == nil || id == "" {
		return nil
	}
	h := maphash.String(now.seed, id)
	found := now.evses[h%shardCount][h]
	var keys []providers.Key
	for _, r := range append([]*providers.Record{found.first}, found.more...) {
		if r != nil && slices.ContainsFunc(r.EVSEs, func(e providers.EVSE) bool { return providers.NormalEVSEID(e.EVSEID) == id }) {
			keys = append(keys, r.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// own enters r under the ids of its EVSEs.
func (e *edit) own(r *providers.Record) {
	e.eachEVSE(r, func(shard map[uint64]owners, h uint64) {
		o := shard[h]
		switch {
		case o.first == r || slices.Contains(o.more, r): // two EVSEs of r have this id
		case o.first == nil:
			o.first = r
		default:
			o.more = append(slices.Clone(o.more), r) // the old list may be a reader's
		}
		shard[h] = o
	})
}

// disown takes r out from under the ids of its EVSEs.
func (e *edit) disown(r *providers.Record) {
	e.eachEVSE(r, func(shard map[uint64]owners, h uint64) {
		o, ok := shard[h]
		switch {
		case !ok:
			return
		case o.first == r && len(o.more) == 0:
			delete(shard, h)
			return
		case o.first == r:
			o.first, o.more = o.more[0], slices.Clone(o.more[1:])
		default:
			o.more = slices.DeleteFunc(slices.Clone(o.more), func(other *providers.Record) bool { return other == r })
		}
		shard[h] = o
	})
}

// eachEVSE calls f with the hash of each EVSE id of r and its shard to write to.
func (e *edit) eachEVSE(r *providers.Record, f func(shard map[uint64]owners, h uint64)) {
	for i := range r.EVSEs {
		id := providers.NormalEVSEID(r.EVSEs[i].EVSEID)
		if id == "" {
			continue
		}
		h := maphash.String(e.next.seed, id)
		f(e.evseShard(h%shardCount), h)
	}
}

// evseShard returns a shard of EVSE ids to write to.
func (e *edit) evseShard(i uint64) map[uint64]owners {
	if e.ownEVSEs == nil {
		e.ownEVSEs = make([]bool, shardCount)
		if e.next.evses = slices.Clone(e.next.evses); e.next.evses == nil {
			e.next.evses = make([]map[uint64]owners, shardCount)
		}
	}
	if !e.ownEVSEs[i] {
		e.ownEVSEs[i] = true
		if e.next.evses[i] = maps.Clone(e.next.evses[i]); e.next.evses[i] == nil {
			e.next.evses[i] = map[uint64]owners{}
		}
	}
	return e.next.evses[i]
}

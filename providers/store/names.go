package store

import (
	"hash/maphash"
	"maps"
	"slices"

	"chargegraph/providers"
)

// name is what a record calls its equipment by, and other records perhaps too.
type name struct {
	kind  nameKind
	scope string // of a data provider's reference: the data provider
	text  string
}

type nameKind byte

const (
	evseName      nameKind = iota // an EVSE's id, as it is compared
	operatorName                  // the operator's own reference of the site
	directoryName                 // a data provider's own reference of the site
)

// maxSharers is how many records may have one name for Alike to return them. A
// reference that more have, such as "n/a", names nothing.
const maxSharers = 100

// owners are the records with names of one hash: nearly always one record, and
// nearly always for one name.
type owners struct {
	first *providers.Record
	more  []*providers.Record
}

func (o owners) all() []*providers.Record {
	if o.first == nil {
		return nil
	}
	return append([]*providers.Record{o.first}, o.more...)
}

// owners returns the records that may have this name.
func (s *snapshot) owners(n name) owners {
	if s.names == nil {
		return owners{}
	}
	h := maphash.Comparable(s.seed, n)
	return s.names[h%shardCount][h]
}

// FindEVSE returns the keys of the records with an EVSE of this id, in their
// order, as providers.EVSEFinder wants it. It takes constant time.
func (s *Store) FindEVSE(evseID string) []providers.Key {
	id := providers.NormalEVSEID(evseID)
	if id == "" {
		return nil
	}
	var keys []providers.Key
	for _, r := range s.snapshot().owners(name{kind: evseName, text: id}).all() {
		if slices.ContainsFunc(r.EVSEs, func(e providers.EVSE) bool { return providers.NormalEVSEID(e.EVSEID) == id }) {
			keys = append(keys, r.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// alike returns the records that share a name with r, each once. It may return
// others, and r itself.
func (s *snapshot) alike(r *providers.Record) []*providers.Record {
	var found []*providers.Record
	eachName(r, func(n name) {
		o := s.owners(n)
		if o.first == nil || len(o.more) >= maxSharers {
			return
		}
		for _, other := range o.all() {
			if !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	})
	return found
}

// eachName calls f with each name of r. An operator's reference may be the id of
// its only EVSE: it is found as either.
func eachName(r *providers.Record, f func(name)) {
	for i := range r.EVSEs {
		if id := providers.NormalEVSEID(r.EVSEs[i].EVSEID); id != "" {
			f(name{kind: evseName, text: id})
		}
	}
	if r.OperatorReference != "" {
		f(name{kind: operatorName, text: r.OperatorReference})
		if id := providers.NormalEVSEID(r.OperatorReference); id != "" {
			f(name{kind: evseName, text: id})
		}
	}
	if r.DataProviderReference != "" && r.DataProvider != nil {
		f(name{kind: directoryName, scope: r.DataProvider.ID, text: r.DataProviderReference})
	}
}

// own enters r under its names.
func (e *edit) own(r *providers.Record) {
	e.eachShard(r, func(shard map[uint64]owners, h uint64) {
		o := shard[h]
		switch {
		case o.first == r || slices.Contains(o.more, r): // r has the name twice
		case o.first == nil:
			o.first = r
		default:
			// What an older snapshot sees of the list ends before this place, and
			// no two edits go on from one snapshot.
			o.more = append(o.more, r)
		}
		shard[h] = o
	})
}

// disown takes r out from under its names.
func (e *edit) disown(r *providers.Record) {
	e.eachShard(r, func(shard map[uint64]owners, h uint64) {
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

// eachShard calls f with the hash of each name of r and its shard to write to.
func (e *edit) eachShard(r *providers.Record, f func(shard map[uint64]owners, h uint64)) {
	eachName(r, func(n name) {
		h := maphash.Comparable(e.next.seed, n)
		f(e.nameShard(h%shardCount), h)
	})
}

// nameShard returns a shard of names to write to.
func (e *edit) nameShard(i uint64) map[uint64]owners {
	if e.ownNames == nil {
		e.ownNames = make([]bool, shardCount)
		if e.next.names = slices.Clone(e.next.names); e.next.names == nil {
			e.next.names = make([]map[uint64]owners, shardCount)
		}
	}
	if !e.ownNames[i] {
		e.ownNames[i] = true
		if e.next.names[i] = maps.Clone(e.next.names[i]); e.next.names[i] == nil {
			e.next.names[i] = map[uint64]owners{}
		}
	}
	return e.next.names[i]
}

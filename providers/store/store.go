package store

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/rtree"

	"chargegraph/providers"
)

// Store holds records by key, by position and by country. The zero Store is
// empty and ready for use. All methods may be called concurrently: reading never
// waits, writers wait for each other.
//
// Records given to a Store must be sealed and never change again.
type Store struct {
	writing sync.Mutex
	current atomic.Pointer[snapshot] // nil: empty
}

// Get returns the record with key k. It takes constant time.
func (s *Store) Get(k providers.Key) (*providers.Record, bool) {
	return s.snapshot().get(k)
}

// Len returns how many records are held. It takes constant time.
func (s *Store) Len() int { return s.snapshot().len() }

// AsOf returns the time of which the records are a true picture; zero: nobody
// has said.
func (s *Store) AsOf() time.Time { return s.snapshot().asOf }

// SetAsOf says that what is held is a true picture of time t: a synchronisation
// calls it when its last page has been applied, changes or none.
func (s *Store) SetAsOf(t time.Time) {
	s.writing.Lock()
	defer s.writing.Unlock()
	next := *s.snapshot()
	next.asOf = t
	s.current.Store(&next)
}

// Apply removes the records with the keys remove and then puts records in, those
// that are held under the same key making room: all of it as one change, which
// readers see whole or not at all. A key that is not held is no error; of
// several records with one key the last counts. The time of AsOf stays.
//
// A record without a valid position is refused with a *PositionError; then
// nothing of the change is applied.
//
// It takes time for each record changed, and next to none for those that stay.
func (s *Store) Apply(put []*providers.Record, remove []providers.Key) error {
	for _, r := range put {
		if err := check(r); err != nil {
			return err
		}
	}
	if len(put)+len(remove) == 0 {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	e := editOf(s.snapshot())
	for _, k := range remove {
		e.remove(k)
	}
	for _, r := range put {
		e.put(r)
	}
	s.current.Store(e.next)
	return nil
}

// Replace makes records all that is held, true as of asOf, in one change. Of
// several records with one key the last counts. A record without a valid
// position is refused with a *PositionError; then nothing changes. To pass over
// such records, or not to have all of them in a slice, use a Loader.
func (s *Store) Replace(records []*providers.Record, asOf time.Time) (Loaded, error) {
	l := s.NewLoader()
	for _, r := range records {
		if err := l.Add(r); err != nil {
			return Loaded{}, err
		}
	}
	return l.Commit(asOf), nil
}

// NewLoader returns a Loader that will replace what s holds.
func (s *Store) NewLoader() *Loader {
	return &Loader{store: s, edit: editOf(empty())}
}

// change applies what a synchronisation brought: all that is held from now on
// where it is whole. What it holds has been checked.
func (s *Store) change(c *change, whole bool, asOf time.Time) {
	if whole {
		e := editOf(empty())
		for _, r := range c.put {
			e.put(r)
		}
		e.next.asOf = asOf
		s.writing.Lock()
		defer s.writing.Unlock()
		s.current.Store(e.next)
		return
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if len(c.put)+len(c.removed) == 0 {
		next := *s.snapshot()
		next.asOf = asOf
		s.current.Store(&next)
		return
	}
	e := editOf(s.snapshot())
	for k := range c.removed {
		e.remove(k)
	}
	for _, r := range c.put {
		e.put(r)
	}
	e.next.asOf = asOf
	s.current.Store(e.next)
}

// Loader collects the records of an import beside those that a Store holds, and
// then puts them in their place. Until Commit nobody sees any of them; while
// readers still use the old records, both need room. A Loader that is dropped
// without Commit has changed nothing. It is for one goroutine.
type Loader struct {
	store      *Store
	edit       *edit
	duplicates int
}

// Loaded sums up an import.
type Loaded struct {
	Records    int // held now
	Duplicates int // given up for a later record with the same key
}

// Add takes one more record; one with the same key that was added before gives
// way. A record without a valid position is refused with a *PositionError, and
// the import may go on without it.
func (l *Loader) Add(r *providers.Record) error {
	if err := check(r); err != nil {
		return err
	}
	if l.edit.put(r) {
		l.duplicates++
	}
	return nil
}

// Commit makes the records added since the last Commit all that the store
// holds, true as of asOf. Whatever Apply did meanwhile is replaced, too. The
// Loader is then empty and may be used again.
func (l *Loader) Commit(asOf time.Time) Loaded {
	next := l.edit.next
	next.asOf = asOf
	sum := Loaded{Records: next.len(), Duplicates: l.duplicates}
	l.edit, l.duplicates = editOf(empty()), 0

	l.store.writing.Lock()
	defer l.store.writing.Unlock()
	l.store.current.Store(next)
	return sum
}

// PositionError says that a record cannot be held because it has no position on
// Earth: Lat beyond ±90, Lon beyond ±180, or not a number.
type PositionError struct {
	Key      providers.Key
	Location providers.Point
}

func (e *PositionError) Error() string {
	return fmt.Sprintf("store: record %s refused: no position on Earth is lat %v, lon %v", e.Key, e.Location.Lat, e.Location.Lon)
}

func check(r *providers.Record) error {
	if !r.Location.Valid() {
		return &PositionError{Key: r.Key, Location: r.Location}
	}
	return nil
}

// tree holds records at points: x is the longitude, y the latitude, in degrees.
// Copying one marks all its nodes as shared, and either copy replaces a shared
// node before writing to it. Walking a tree beside that is safe: what Copy
// writes to its receiver is a mark that only writers read.
type tree = rtree.RTreeGN[float64, *providers.Record]

// shardCount balances copying a shard (300,000 records: some 70 entries) against
// copying the list of shards (32 kB); either happens on a small delta.
const shardCount = 4096

// snapshot is the whole content of a store at one moment. A published one is
// never written to.
type snapshot struct {
	seed      maphash.Seed
	shards    []map[providers.Key]*providers.Record // nil, or shardCount of them, each possibly nil
	positions *tree
	names     []map[uint64]owners // nil: no record has a name; else as shards, by the hash of the name
	countries map[string]*tree    // none of them empty; "" holds the records that state no country
	asOf      time.Time
}

func empty() *snapshot { return &snapshot{positions: new(tree)} }

func (s *Store) snapshot() *snapshot {
	if now := s.current.Load(); now != nil {
		return now
	}
	return empty()
}

func (s *snapshot) len() int { return s.positions.Len() }

func (s *snapshot) shard(k providers.Key) int {
	return int(maphash.String(s.seed, string(k)) % shardCount)
}

func (s *snapshot) get(k providers.Key) (*providers.Record, bool) {
	if s.shards == nil {
		return nil, false
	}
	r, ok := s.shards[s.shard(k)][k]
	return r, ok
}

// edit is a snapshot in the making. It knows which parts it has already copied
// and may therefore write to.
type edit struct {
	next         *snapshot
	ownShards    []bool
	ownNames     []bool // nil as long as next.names is another's
	ownCountries map[string]bool
}

// editOf begins the snapshot that follows from. Only one edit of a snapshot may
// go on at a time: copying a tree marks the original.
func editOf(from *snapshot) *edit {
	next := &snapshot{
		seed:      from.seed,
		shards:    slices.Clone(from.shards),
		names:     from.names,
		positions: from.positions.Copy(),
		countries: maps.Clone(from.countries),
		asOf:      from.asOf,
	}
	if next.shards == nil {
		next.seed = maphash.MakeSeed()
		next.shards = make([]map[providers.Key]*providers.Record, shardCount)
		next.countries = map[string]*tree{}
	}
	return &edit{next: next, ownShards: make([]bool, shardCount), ownCountries: map[string]bool{}}
}

// put reports whether it replaced a record.
func (e *edit) put(r *providers.Record) bool {
	shard := e.shard(r.Key)
	old, replaced := shard[r.Key]
	if replaced {
		e.displace(old)
	}
	shard[r.Key] = r
	e.own(r)
	at := position(r)
	e.next.positions.Insert(at, at, r)
	e.country(r.Address.CountryCode).Insert(at, at, r)
	return replaced
}

func (e *edit) remove(k providers.Key) {
	if old, held := e.next.get(k); held {
		delete(e.shard(k), k)
		e.displace(old)
	}
}

// displace takes r out of the trees.
func (e *edit) displace(r *providers.Record) {
	e.disown(r)
	at := position(r)
	e.next.positions.Delete(at, at, r)
	code := r.Address.CountryCode
	country := e.country(code)
	country.Delete(at, at, r)
	if country.Len() == 0 {
		delete(e.next.countries, code)
	}
}

// shard returns k's shard to write to.
func (e *edit) shard(k providers.Key) map[providers.Key]*providers.Record {
	i := e.next.shard(k)
	if !e.ownShards[i] {
		e.ownShards[i] = true
		if e.next.shards[i] = maps.Clone(e.next.shards[i]); e.next.shards[i] == nil {
			e.next.shards[i] = map[providers.Key]*providers.Record{}
		}
	}
	return e.next.shards[i]
}

// country returns the tree of a country to write to.
func (e *edit) country(code string) *tree {
	t, known := e.next.countries[code]
	switch {
	case !known:
		t = new(tree)
	case !e.ownCountries[code]:
		t = t.Copy()
	default:
		return t
	}
	e.ownCountries[code] = true
	e.next.countries[code] = t
	return t
}

func position(r *providers.Record) [2]float64 {
	return [2]float64{r.Location.Lon, r.Location.Lat}
}

package loaders

import (
	"context"
	"maps"
	"sync"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// recordTag is what an answer carries that holds the record with key k.
func (s *shelf) recordTag(k providers.Key) string { return s.tag("record", cache.Key{Name: string(k)}) }

// readRecords returns what there is for single keys of this source, in their
// order: from the tiles that hold them, else each on its own. admit is asked for
// each call that they take as far as memory knows, and may refuse it with an error.
func (s *shelf) readRecords(ctx context.Context, keys []providers.Key, t terms, admit func() *providers.SourceError) []*reading {
	now := s.catalog.now()
	readings := make([]*reading, len(keys))
	var missing []cache.Key
	var at []int
	for i, k := range keys {
		if r, ok := s.fromTile(k, t, func(e entry) bool { return t.good(e, now) }, nil); ok {
			readings[i] = r
			continue
		}
		missing, at = append(missing, cache.Key{Name: string(k)}), append(at, i)
	}
	if len(missing) == 0 {
		return readings
	}
	detailer, can := s.provider.(providers.Detailer)
	if !can { // what its searches do not tell, it does not tell
		for _, i := range at {
			readings[i] = newReading()
			readings[i].until(now.Add(s.policy.absent.soft))
		}
		return readings
	}
	failed := func(i int, err *providers.SourceError) {
		readings[i] = failedReading(err, now)
		if t.allowStale {
			if r, ok := s.fromTile(keys[i], t, func(entry) bool { return true }, err); ok {
				readings[i] = r
			}
		}
	}
	refused := s.refuse(missing, t, detailer.DetailBatch(), admit)
	var wanted []cache.Key
	var place []int
	for n, k := range missing {
		if err := refused[k]; err != nil {
			failed(at[n], err)
			readings[at[n]].spared = readings[at[n]].failed()
			continue
		}
		wanted, place = append(wanted, k), append(place, at[n])
	}
	if len(wanted) == 0 {
		return readings
	}
	found := s.records.Load(ctx, t.want(s, wanted...), func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[*batch], error) {
		return s.fetchRecords(ctx, detailer, missing, t)
	})
	for n, f := range found {
		i := place[n]
		if f.OK {
			readings[i] = newReading()
			s.take(readings[i], s.recordTag(keys[i]), f.Entry, f.State, sourceError(f.Err), &t)
			readings[i].records = f.Value.records
			continue
		}
		err := f.Err
		if err == nil {
			err = errNothing
		}
		failed(i, providers.AsSourceError(err))
	}
	return readings
}

// refuse returns those of keys that are not to be asked for, and why: as many as
// one call carries are admitted or refused together, and what memory has needs no
// call. It is decided before the load, which other questions may be waiting for:
// that this one has asked enough is no reason not to answer them.
func (s *shelf) refuse(keys []cache.Key, t terms, batch int, admit func() *providers.SourceError) map[cache.Key]*providers.SourceError {
	now := s.catalog.now()
	refused := make(map[cache.Key]*providers.SourceError)
	var err *providers.SourceError
	asked := 0
	for _, k := range keys {
		if e, ok := s.records.Peek(k); ok && (t.maxAge == nil || t.good(e, now)) {
			continue
		}
		if asked%batch == 0 {
			err = admit()
		}
		asked++
		if err != nil {
			refused[k] = err
		}
	}
	return refused
}

// fromTile reads a record from a tile that is good; ok is false if there is none,
// or only a summary of it. err says why a tile must do that is not fresh.
func (s *shelf) fromTile(k providers.Key, t terms, good func(entry) bool, err *providers.SourceError) (r *reading, ok bool) {
	at, ok := s.index.holder(k)
	if !ok {
		return nil, false
	}
	key := s.tileKey(at)
	e, ok := s.tiles.Peek(key)
	if !ok || !good(e) {
		return nil, false
	}
	record, ok := e.Value.find(k)
	if !ok || record.Summary {
		return nil, false
	}
	// Nothing that is wrong with the tile is wrong with a record that it does hold.
	e.Value = &batch{source: e.Value.source, at: at, records: []*providers.Record{record}, suspectAt: e.Value.suspectAt}
	r = newReading()
	state := cache.Hit
	if err != nil {
		state = cache.Stale
	}
	s.take(r, s.tag("tile", key), e, state, err, &t)
	r.tags = append(r.tags, s.recordTag(k))
	r.records = e.Value.records
	return r, true
}

// fetchRecords asks for single records, as many at once as the source tells of.
func (s *shelf) fetchRecords(ctx context.Context, d providers.Detailer, missing []cache.Key, t terms) (map[cache.Key]cache.Fetched[*batch], error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	brought := make(map[cache.Key]cache.Fetched[*batch], len(missing))
	for len(missing) > 0 {
		some := missing[:min(len(missing), d.DetailBatch())]
		missing = missing[len(some):]
		wg.Go(func() {
			kept, err := s.detail(ctx, d, some, t)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(brought, kept)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	return brought, failed
}

// detail asks for records by one call. A key that the answer lacks is known to
// be absent, if the answer is not known to be incomplete.
func (s *shelf) detail(ctx context.Context, d providers.Detailer, keys []cache.Key, t terms) (map[cache.Key]cache.Fetched[*batch], error) {
	wanted := make([]providers.Key, len(keys))
	for i, k := range keys {
		wanted[i] = providers.Key(k.Name)
	}
	answer, err := s.call(ctx, t.timeout, func(ctx context.Context) (providers.Answer, error) { return d.Detail(ctx, wanted) })
	if err != nil {
		return nil, err
	}
	var unread error
	told := make(map[providers.Key]*providers.Record, len(answer.Records))
	for _, r := range answer.Records {
		told[r.Key] = r
	}
	for alias, k := range answer.Aliases {
		told[alias] = told[k]
	}
	kept := make(map[cache.Key]cache.Fetched[*batch], len(keys))
	for i, k := range keys {
		if r := told[wanted[i]]; r != nil {
			b := s.batchOf(&answer, []*providers.Record{r})
			kept[k] = s.keep(ctx, b, &answer, held(s.records, k), s.policy.record, s.recordTag(wanted[i]))
			continue
		}
		if answer.Err != nil {
			unread = answer.Err // perhaps it was the one that could not be read
			continue
		}
		kept[k] = s.keep(ctx, &batch{source: s.source.ID}, &answer, held(s.records, k), s.policy.absent, s.recordTag(wanted[i]))
	}
	return kept, unread
}

// changed reports whether two batches say different things, whenever they were read.
func changed(a, b *batch) bool {
	if a.split != b.split || a.truncated != b.truncated || len(a.records) != len(b.records) {
		return true
	}
	for i, r := range a.records {
		if !sameRecord(r, b.records[i]) {
			return true
		}
	}
	return false
}

package loaders

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// maxTileCalls bounds the calls of one question about one source. One is usual;
// more are made where the source cannot tell all of a crowded place at once. The
// next question goes on where this one stopped.
const maxTileCalls = 8

// slotZoom is the zoom of the tiles whose parts lie together in Redis: a screen
// is in one of them, or on the border of two or four.
const slotZoom = 6

// tileKey returns the key of a tile. It has the source's id in front.
func (s *shelf) tileKey(t tile) cache.Key {
	id := string(s.source.ID)
	name := make([]byte, 0, len(id)+1+20)
	name = append(append(name, id...), '/')
	name = t.append(name)
	slot := make([]byte, 0, len(id)+1+12)
	slot = append(append(slot, id...), '/')
	slot = t.parent(min(t.z, slotZoom)).append(slot)
	return cache.Key{Name: string(name), Slot: string(slot)}
}

// tileOf returns the tile that a key of this source names.
func (s *shelf) tileOf(k cache.Key) (tile, bool) {
	return parseTile(strings.TrimPrefix(k.Name, string(s.source.ID)+"/"))
}

// tileQuestion is a question about a box, answered tile by tile.
type tileQuestion struct {
	*shelf
	box   providers.Bounds
	need  block // the tiles of the finest zoom that hold the box
	whole block // the tiles that the question is answered by
	terms terms
	calls atomic.Int32  // sent, or promised to be
	limit atomic.Uint64 // of the cells of a rectangle, once one was too crowded; 0: none
	// given are the parts that came of a close-up, however long they are kept;
	// above are the tiles that they are parts of, and whether of one too crowded.
	given map[tile]entry
	above map[tile]bool
}

// peek returns what there is of a tile, without asking for it.
func (q *tileQuestion) peek(at tile) (e entry, given, ok bool) {
	if e, ok = q.given[at]; ok {
		return e, true, true
	}
	e, ok = q.tiles.Peek(q.tileKey(at))
	return e, false, ok
}

// give notes what a close-up brought.
func (q *tileQuestion) give(parts []entry) {
	if q.given == nil {
		q.given, q.above = make(map[tile]entry), make(map[tile]bool)
	}
	for _, e := range parts {
		at := e.Value.at
		q.given[at] = e
		for z := int(at.z) - 1; z >= 0; z-- {
			up := at.parent(uint8(z)) //nolint:gosec // a zoom
			q.above[up] = q.above[up] || e.Value.split
		}
	}
}

// anyBelow reports whether there is anything of a part of at.
func (q *tileQuestion) anyBelow(at tile) bool {
	_, given := q.above[at]
	return given || q.index.anyBelow(at)
}

// crowdedBelow reports whether a part of at is known to be too crowded.
func (q *tileQuestion) crowdedBelow(at tile) bool { return q.above[at] || q.index.crowdedBelow(at) }

// readTiles answers a question about box from tiles; ok is false where a box is
// not to be held in tiles.
func (s *shelf) readTiles(ctx context.Context, box providers.Bounds, t terms) (r *reading, ok bool) {
	whole, ok := coverOf(box, s.policy.maxKM2)
	if !ok {
		return nil, false
	}
	q := &tileQuestion{shelf: s, box: box, need: blockOf(box, maxZoom), whole: whole, terms: t}
	r = newReading()
	var pieces []*batch
	taken := make(map[tile]bool) // a large one may answer for several
	take := func(at tile, e entry, state cache.State, err *providers.SourceError) {
		if !taken[at] {
			taken[at] = true
			pieces = append(pieces, e.Value)
			s.take(r, s.tag("tile", s.tileKey(at)), e, state, err, &q.terms)
		}
	}
	// crowded holds, by a tile that is to be read, what is known of the larger one
	// that was split into it.
	crowded := make(map[tile]entry)
	todo := whole.tiles()
	missing := 0
	var lost *providers.SourceError
	for len(todo) > 0 {
		absent := q.fromMemory(todo, crowded, take)
		if len(absent) == 0 {
			break
		}
		strange := len(pieces) == 0 && len(crowded) == 0 && !slices.ContainsFunc(whole.tiles(), q.seen)
		todo = nil
		for i, f := range q.load(ctx, absent, strange) {
			at := absent[i]
			switch {
			case f.OK && f.Value.closeUp != nil:
				if f.Value.closeUp.asked {
					r.came(cache.Miss)
				}
				q.give(f.Value.closeUp.parts)
				todo = append(todo, q.needed(at)...)
				continue
			case f.OK && f.Value.split:
				r.came(f.State)
				todo = append(todo, q.open(at, f.Entry, crowded)...)
				continue
			case f.OK:
				take(at, f.Entry, f.State, sourceError(f.Err))
				if f.State == cache.Miss && !f.Value.partial {
					q.supersede(at)
				}
				continue
			}
			err := sourceError(f.Err)
			if err == nil {
				err = providers.AsSourceError(errNothing)
			}
			if t.allowStale {
				if entries, ok := q.covering(at, func(entry) bool { return true }); ok {
					for _, e := range entries {
						take(e.Value.at, e, cache.Stale, err)
					}
					continue
				}
			}
			if lost == nil || lost.Code == providers.CodeAreaTooLarge {
				lost = err
			}
			if e, ok := crowded[at]; ok { // a part of it is better than nothing
				part := *e.Value
				part.truncated, part.split = true, false
				e.Value = &part
				take(part.at, e, f.State, nil)
			} else {
				missing++
			}
		}
	}
	if missing > 0 && len(pieces) == 0 {
		return failedReading(lost, s.catalog.now()), true
	}
	if lost != nil {
		r.truncated = true
		r.until(s.catalog.now().Add(hurriedFor))
		if lost.Code != providers.CodeAreaTooLarge {
			r.partial = true
			r.lower(providers.OutcomePartial, lost)
		}
	}
	r.records = clipped(pieces, box)
	return r, true
}

// fromMemory takes what is fresh in memory, of whatever zoom, and returns the
// tiles that are not.
func (q *tileQuestion) fromMemory(todo []tile, crowded map[tile]entry, take func(tile, entry, cache.State, *providers.SourceError)) (absent []tile) {
	now := q.catalog.now()
	good := func(e entry) bool { return q.terms.good(e, now) }
	for i := 0; i < len(todo); i++ {
		at := todo[i]
		e, given, ok := q.peek(at)
		switch {
		case ok && e.Value.split:
			todo = append(todo, q.open(at, e, crowded)...)
		case ok && (given || good(e)):
			take(at, e, cache.Hit, nil)
		default:
			if entries, covered := q.covering(at, good); covered {
				for _, e := range entries {
					take(e.Value.at, e, cache.Hit, nil)
				}
				continue
			}
			if at.z < maxZoom && q.crowdedBelow(at) { // a part of it is too much already
				todo = append(todo, q.needed(at)...)
				continue
			}
			if !ok && q.terms.maxAge == nil {
				// What is past its time is shown, and asked for anew as the tiles that it is.
				if entries, aged := q.covering(at, func(entry) bool { return true }); aged {
					for _, e := range entries {
						absent = append(absent, e.Value.at)
					}
					continue
				}
			}
			absent = append(absent, at)
		}
	}
	slices.SortFunc(absent, tile.compare)
	return slices.Compact(absent)
}

// seen reports whether anything of at that the question needs is in memory.
func (q *tileQuestion) seen(at tile) bool {
	for z := int(at.z); z >= minTileZoom; z-- {
		if _, _, ok := q.peek(at.parent(uint8(z))); ok { //nolint:gosec // a zoom
			return true
		}
	}
	var below func(tile) bool
	below = func(at tile) bool {
		if at.z >= maxZoom || !q.anyBelow(at) {
			return false
		}
		return slices.ContainsFunc(q.needed(at), func(child tile) bool {
			_, _, ok := q.peek(child)
			return ok || below(child)
		})
	}
	return below(at)
}

// needed returns the children of a tile that the question needs.
func (q *tileQuestion) needed(at tile) []tile {
	list := make([]tile, 0, 4)
	for _, child := range at.children() {
		if q.need.meets(child) {
			list = append(list, child)
		}
	}
	return list
}

// open returns the children of a split tile that the question needs, and notes
// what is known of them.
func (q *tileQuestion) open(at tile, e entry, crowded map[tile]entry) []tile {
	list := q.needed(at)
	if len(e.Value.records) > 0 {
		for _, child := range list {
			crowded[child] = e
		}
	}
	return list
}

// covering returns tiles in memory, good ones, that together hold what the
// question needs of at: a larger one, or smaller ones. Truncated ones do not count.
func (q *tileQuestion) covering(at tile, good func(entry) bool) ([]entry, bool) {
	whole := func(t tile) (entry, bool) {
		e, given, ok := q.peek(t)
		return e, ok && !e.Value.split && !e.Value.truncated && (given || good(e))
	}
	for z := int(at.z); z >= minTileZoom; z-- {
		if e, ok := whole(at.parent(uint8(z))); ok { //nolint:gosec // a zoom
			return []entry{e}, true
		}
	}
	return q.below(at, whole)
}

// below is covering by smaller tiles alone.
func (q *tileQuestion) below(at tile, whole func(tile) (entry, bool)) ([]entry, bool) {
	if at.z >= maxZoom || !q.anyBelow(at) {
		return nil, false
	}
	var list []entry
	for _, child := range q.needed(at) {
		if e, ok := whole(child); ok {
			list = append(list, e)
			continue
		}
		parts, ok := q.below(child, whole)
		if !ok {
			return nil, false
		}
		list = append(list, parts...)
	}
	return list, true
}

// load asks for tiles: Redis, and what is missing there the source. Those that
// would take more calls than one question may make are not asked for. strange says
// that nobody has looked at any part of the box yet.
func (q *tileQuestion) load(ctx context.Context, absent []tile, strange bool) []cache.Found[*batch] {
	keys := make([]cache.Key, len(absent))
	for i, t := range absent {
		keys[i] = q.tileKey(t)
	}
	// It may go on when the question is answered.
	return q.tiles.Load(ctx, q.terms.want(q.shelf, keys...), func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[*batch], error) {
		return q.fetch(ctx, missing, strange)
	})
}

// tooCrowded says that a question has made its calls.
func tooCrowded() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeAreaTooLarge, Message: "the source has more sites in this area than can be asked for at once; zoom in, or ask again for more of them"}
}

// closeUpZooms is how much finer than its tiles a strange place is asked for: by
// tiles of a quarter to a half of the box's height.
const closeUpZooms = 3

// fetch asks the source for tiles.
//
// In a strange place it asks for little more than the box, by much
// finer tiles: most places are looked at once, and a whole tile has some seven
// times as many sites. Whoever looks there again has come to stay, and asks for
// whole tiles.
func (q *tileQuestion) fetch(ctx context.Context, missing []cache.Key, strange bool) (map[cache.Key]cache.Fetched[*batch], error) {
	tiles := q.tilesOf(missing)
	if strange && !providers.IsRefresh(ctx) {
		if fine := q.closeUp(tiles); len(fine) > 0 {
			return q.fetchCloseUp(ctx, tiles, fine)
		}
	}
	return q.fetchTiles(ctx, tiles)
}

// tilesOf returns the tiles that keys name.
func (q *tileQuestion) tilesOf(keys []cache.Key) []tile {
	tiles := make([]tile, 0, len(keys))
	for _, k := range keys {
		if t, ok := q.tileOf(k); ok {
			tiles = append(tiles, t)
		}
	}
	return tiles
}

// closeUp returns finer tiles that hold what the question needs of tiles; none
// where there are no finer ones.
func (q *tileQuestion) closeUp(tiles []tile) []tile {
	const most = 4 * maxTiles // a strip takes more, and coarser ones will do
	for z := min(q.whole.z+closeUpZooms, maxZoom); z > q.whole.z; z-- {
		k := blockOf(q.box, z)
		if k.count() > most {
			continue
		}
		return slices.DeleteFunc(k.tiles(), func(t tile) bool {
			return !slices.ContainsFunc(tiles, func(of tile) bool { return of.z <= z && t.parent(of.z) == of })
		})
	}
	return nil
}

// fetchCloseUp asks for fine tiles in the place of tiles. Those are not kept:
// who waits for them is told to look at their parts.
func (q *tileQuestion) fetchCloseUp(ctx context.Context, tiles, fine []tile) (map[cache.Key]cache.Fetched[*batch], error) {
	keys := make([]cache.Key, len(fine))
	for i, t := range fine {
		keys[i] = q.tileKey(t)
	}
	found := new(closeUp)
	// Redis may have them: another process looked here.
	for _, f := range q.tiles.Load(ctx, q.terms.want(q.shelf, keys...), func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[*batch], error) {
		return q.fetchTiles(ctx, q.tilesOf(missing))
	}) {
		if !f.OK && f.Err != nil {
			return nil, f.Err
		}
		if f.OK {
			found.parts = append(found.parts, f.Entry)
			found.asked = found.asked || f.State == cache.Miss
		}
	}
	brought := make(map[cache.Key]cache.Fetched[*batch], len(tiles))
	for _, t := range tiles {
		brought[q.tileKey(t)] = cache.Fetched[*batch]{Value: &batch{source: q.source.ID, at: t, closeUp: found}, Uncached: true}
	}
	return brought, nil
}

// fetchTiles asks for tiles by as few rectangles as hold what the source can
// tell at once, and cuts what it answers into them.
func (q *tileQuestion) fetchTiles(ctx context.Context, tiles []tile) (map[cache.Key]cache.Fetched[*batch], error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	brought := make(map[cache.Key]cache.Fetched[*batch], len(tiles))
	for _, part := range q.pack(tiles) {
		if q.calls.Add(1) > maxTileCalls {
			failed = errors.Join(failed, tooCrowded())
			continue
		}
		wg.Go(func() {
			cut, err := q.ask(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(brought, cut)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	return brought, failed
}

// pack parts tiles into groups, each of which is asked for as the rectangle
// around it. One is the rule; after a rectangle turned out to be too crowded, no
// other one is larger than a quarter of it, or half of it where it was small.
func (q *tileQuestion) pack(tiles []tile) [][]tile {
	limit := uint64(1) << 62
	if l := q.limit.Load(); l > 0 {
		limit = l
	}
	return q.packed(tiles, limit)
}

func (q *tileQuestion) packed(tiles []tile, limit uint64) [][]tile {
	k := q.whole.around(tiles)
	if len(tiles) <= 1 || k.cells() <= limit {
		return [][]tile{tiles}
	}
	// Cut across the longer side, in the middle of a tile's width or height.
	upper, lower := tiles[:0:0], tiles[:0:0]
	for _, t := range tiles {
		d := k.z - t.z
		first := t.y<<d-k.y < k.height/2
		if k.width >= k.height {
			first = k.offset(tile{z: k.z, x: t.x << d}) < k.width/2
		}
		if first {
			upper = append(upper, t)
		} else {
			lower = append(lower, t)
		}
	}
	if len(upper) == 0 || len(lower) == 0 {
		return [][]tile{tiles}
	}
	return slices.Concat(q.packed(upper, limit), q.packed(lower, limit))
}

// ask asks for the rectangle around tiles and cuts the answer into them.
func (q *tileQuestion) ask(ctx context.Context, tiles []tile) (map[cache.Key]cache.Fetched[*batch], error) {
	area := q.whole.around(tiles)
	answer, err := q.call(ctx, q.terms.timeout, func(ctx context.Context) (providers.Answer, error) {
		return q.provider.Search(ctx, providers.Query{Area: area.bounds()})
	})
	if err != nil {
		return nil, err
	}
	parts := cut(answer.Records, tiles)
	// Only what there is too much of is split; a part that failed is not.
	crowded := answer.Truncated && (answer.Err == nil || answer.Err.Code == providers.CodeAreaTooLarge)
	if crowded {
		parts := uint64(4)
		if area.cells() < q.need.cells() { // it was a part of the box already
			parts = 2
		}
		q.limit.Store(max(area.cells()/parts, 1))
	}
	known := make([]knowledge, len(tiles))
	all, told := 0, 0
	for i, t := range tiles {
		known[i] = q.knownOf(t)
		all += known[i].records
		told += len(parts[i])
	}
	doubted := isSuspect(all, told)
	brought := make(map[cache.Key]cache.Fetched[*batch], len(tiles))
	var unbelieved error
	for i, t := range tiles {
		b := q.batchOf(&answer, parts[i])
		b.at = t
		key := q.tileKey(t)
		k := &known[i]
		switch {
		case crowded && t.z < maxZoom:
			b.split, b.truncated, b.partial, b.err = true, false, false, nil
			if t.z+1 < maxZoom && area.cells() > 4*q.need.cells() {
				q.splitMore(ctx, t, b, &answer, brought)
			}
		case answer.Truncated:
		case (isSuspect(k.records, len(parts[i])) || doubted && len(parts[i]) < k.records) && !k.confirmed(q.catalog.now()):
			for _, e := range k.tiles {
				brought[q.tileKey(e.Value.at)] = q.doubt(ctx, &e, b, q.policy.tile)
			}
			if k.whole == nil { // what is known is not all of this tile
				unbelieved = suspect()
			}
			continue
		}
		brought[key] = q.keep(ctx, b, &answer, k.whole, q.policy.tile, q.tag("tile", key))
	}
	return brought, unbelieved
}

// knowledge is what is known of a tile before its source is asked for it.
type knowledge struct {
	whole   *entry  // the tile itself; nil: it is not held
	tiles   []entry // it, or a larger one, or some of its parts, each whole
	records int     // those of them that lie in the tile
}

// confirmed reports whether what was known was doubted before, long enough ago.
func (k *knowledge) confirmed(now time.Time) bool {
	for _, e := range k.tiles {
		if e.Value.suspectAt.IsZero() || now.Sub(e.Value.suspectAt) < confirmAfter {
			return false
		}
	}
	return true
}

func (q *tileQuestion) knownOf(at tile) (k knowledge) {
	add := func(e entry) {
		if e.Value.split || e.Value.truncated || e.Value.partial {
			return
		}
		k.tiles = append(k.tiles, e)
		for _, r := range e.Value.records {
			if tileAt(r.Location, at.z) == at {
				k.records++
			}
		}
	}
	k.whole = held(q.tiles, q.tileKey(at))
	if k.whole != nil && !k.whole.Value.split {
		add(*k.whole)
		return k
	}
	for z := int(at.z) - 1; z >= minTileZoom; z-- {
		if e := held(q.tiles, q.tileKey(at.parent(uint8(z)))); e != nil && !e.Value.split { //nolint:gosec // a zoom
			add(*e)
			return k
		}
	}
	q.eachBelow(at, add)
	return k
}

// eachBelow calls f for the largest parts of at that memory holds whole, or is
// split.
func (q *tileQuestion) eachBelow(at tile, f func(entry)) {
	if at.z >= maxZoom || !q.index.anyBelow(at) {
		return
	}
	for _, child := range at.children() {
		e, ok := q.tiles.Peek(q.tileKey(child))
		if ok {
			f(e)
		}
		if !ok || e.Value.split {
			q.eachBelow(child, f)
		}
	}
}

// supersede forgets the parts of a tile that was read as a whole: they are older.
func (q *tileQuestion) supersede(at tile) {
	var old []cache.Key
	q.eachBelow(at, func(e entry) { old = append(old, q.tileKey(e.Value.at)) })
	q.tiles.Forget(old...)
}

// splitMore splits the children of a split tile too, those that the question
// needs: what was asked for is some ten times as large as what is looked at, and
// parts of half the side would be little less.
func (q *tileQuestion) splitMore(ctx context.Context, t tile, b *batch, answer *providers.Answer, brought map[cache.Key]cache.Fetched[*batch]) {
	children := t.children()
	parts := cut(b.records, children[:])
	for i, child := range children {
		key := q.tileKey(child)
		if !q.need.meets(child) || held(q.tiles, key) != nil {
			continue
		}
		part := q.batchOf(answer, parts[i])
		part.at = child
		part.split, part.truncated, part.partial, part.err = true, false, false, nil
		brought[key] = q.keep(ctx, part, answer, nil, q.policy.tile, "")
	}
}

// cells returns how many tiles of the finest zoom a block has: its size,
// whatever its zoom.
func (k block) cells() uint64 { return uint64(k.width) * uint64(k.height) << (2 * (maxZoom - k.z)) }

// cut deals records out to the tiles that hold them; records beyond are left out.
func cut(records []*providers.Record, tiles []tile) [][]*providers.Record {
	place := make(map[tile]int, len(tiles))
	var zooms []uint8
	for i, t := range tiles {
		place[t] = i
		if !slices.Contains(zooms, t.z) {
			zooms = append(zooms, t.z)
		}
	}
	parts := make([][]*providers.Record, len(tiles))
	for _, r := range records {
		for _, z := range zooms {
			if i, ok := place[tileAt(r.Location, z)]; ok {
				parts[i] = append(parts[i], r)
			}
		}
	}
	return parts
}

// clipped returns the records of pieces that are in box.
func clipped(pieces []*batch, box providers.Bounds) []*providers.Record {
	var list []*providers.Record
	for _, b := range pieces {
		for _, r := range b.records {
			if box.Contains(r.Location) {
				list = append(list, r)
			}
		}
	}
	return list
}

// heldTiles answers a question about an area from tiles alone, if memory has all
// of them, fresh; ok is false if not.
func (s *shelf) heldTiles(cover []providers.Bounds, t terms) (r *reading, ok bool) {
	// As many tiles as two screens take. Larger areas are seldom covered, and it
	// takes long to find out.
	const most = 4 * maxTiles
	now := s.catalog.now()
	r = newReading()
	seen := make(map[tile]bool)
	var pieces []*batch
	for _, box := range cover {
		whole, ok := coverOf(box, s.policy.maxKM2)
		if !ok {
			return nil, false
		}
		q := &tileQuestion{shelf: s, box: box, need: blockOf(box, maxZoom), whole: whole, terms: t}
		for _, at := range whole.tiles() {
			entries, ok := q.covering(at, func(e entry) bool { return t.good(e, now) })
			if !ok || len(seen) > most {
				return nil, false
			}
			for _, e := range entries {
				if b := e.Value; !seen[b.at] {
					seen[b.at] = true
					pieces = append(pieces, b)
					s.take(r, s.tag("tile", s.tileKey(b.at)), e, cache.Hit, nil, &t)
				}
			}
		}
	}
	for _, b := range pieces {
		for _, record := range b.records {
			if slices.ContainsFunc(cover, func(box providers.Bounds) bool { return box.Contains(record.Location) }) {
				r.records = append(r.records, record)
			}
		}
	}
	return r, true
}

package loaders

import (
	"slices"
	"sync"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// tileIndex knows what tiles of one source are in memory: which of them hold a
// record, and below which tiles there are others. It follows the cache.
type tileIndex struct {
	mu      sync.RWMutex
	records map[providers.Key]tile
	below   map[tile]int // how many tiles are held that are a part of it
	crowded map[tile]int // how many of those are split
}

func newTileIndex() *tileIndex {
	return &tileIndex{records: make(map[providers.Key]tile), below: make(map[tile]int), crowded: make(map[tile]int)}
}

// changed notes that before, if any, was replaced by after, or left when after is nil.
func (x *tileIndex) changed(before, after *batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if before != nil {
		x.count(before, -1)
	}
	if after != nil {
		x.count(after, 1)
	}
	if before != nil && !before.split {
		for _, r := range before.records {
			if x.records[r.Key] == before.at {
				delete(x.records, r.Key)
			}
		}
	}
	if after != nil && !after.split {
		for _, r := range after.records {
			x.records[r.Key] = after.at
		}
	}
}

// count adds n to what is held below each tile that b's is a part of.
func (x *tileIndex) count(b *batch, n int) {
	add := func(counts map[tile]int, t tile) {
		if counts[t] += n; counts[t] == 0 {
			delete(counts, t)
		}
	}
	for z := int(b.at.z) - 1; z >= 0; z-- {
		up := b.at.parent(uint8(z)) //nolint:gosec // a zoom
		add(x.below, up)
		if b.split {
			add(x.crowded, up)
		}
	}
}

// holder returns a tile that holds the record with key k.
func (x *tileIndex) holder(k providers.Key) (tile, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t, ok := x.records[k]
	return t, ok
}

// anyBelow reports whether a part of t is held as a tile of its own.
func (x *tileIndex) anyBelow(t tile) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.below[t] > 0
}

// areaIndex knows which areas in memory hold a record. It follows the cache.
type areaIndex struct {
	mu      sync.RWMutex
	records map[providers.Key][]cache.Key
}

func newAreaIndex() *areaIndex { return &areaIndex{records: make(map[providers.Key][]cache.Key)} }

// changed notes that what k holds was before, if anything, and is after, or nothing.
func (x *areaIndex) changed(k cache.Key, before, after *batch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if before != nil {
		for _, r := range before.records {
			left := slices.DeleteFunc(x.records[r.Key], func(other cache.Key) bool { return other == k })
			if len(left) == 0 {
				delete(x.records, r.Key)
			} else {
				x.records[r.Key] = left
			}
		}
	}
	if after != nil {
		for _, r := range after.records {
			x.records[r.Key] = append(x.records[r.Key], k)
		}
	}
}

// holders returns the areas that hold the record with key k.
func (x *areaIndex) holders(k providers.Key) []cache.Key {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.records[k])
}

// crowdedBelow reports whether a part of t is known to be too crowded to be told
// of at once.
func (x *tileIndex) crowdedBelow(t tile) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.crowded[t] > 0
}

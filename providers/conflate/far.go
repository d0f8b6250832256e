package conflate

import (
	"cmp"
	"slices"

	"chargegraph/providers"
)

// Far returns the held records, by key, that decide about one of records and lie
// beyond R of it: those that share an id with it, or are pinned to it, and are
// not in records. alike returns all held records that do either, wherever they
// are; it may return more, and records that are known.
//
// A caller who lets links go beyond R (Rules.FarLinks) asks for what lies within
// Reach of each, at all sources, adds that to records and asks again until
// nothing is far any more: then the records decide as the whole map does.
func (r Rules) Far(records []*providers.Record, alike func(*providers.Record) []*providers.Record) []*providers.Record {
	known := make(map[providers.Key]bool, len(records))
	for _, x := range records {
		known[x.Key] = true
	}
	var far []*providers.Record
	for _, x := range records {
		if !x.Source.Held {
			continue
		}
		for _, y := range alike(x) {
			if known[y.Key] || !y.Source.Held || x.Source.ID == y.Source.ID || !r.decides(x, y) {
				continue
			}
			known[y.Key] = true
			far = append(far, y)
		}
	}
	slices.SortFunc(far, func(a, b *providers.Record) int { return cmp.Compare(a.Key, b.Key) })
	return far
}

// decides reports whether an id or a pin links two records at any distance.
func (r Rules) decides(x, y *providers.Record) bool {
	w := newRun(r.Overrides, []*providers.Record{x, y})
	return len(w.items) == 2 && (w.overrides.pins(x.Key, y.Key) || w.sharedReference(w.items[0], w.items[1]))
}

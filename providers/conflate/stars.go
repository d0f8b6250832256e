package conflate

import (
	"slices"

	"chargegraph/providers"
)

// star is the groups of one POI.
type star struct {
	root       *group
	satellites []*group // by rank
}

func (s *star) members() []*providers.Record {
	var all []*providers.Record
	for _, g := range append([]*group{s.root}, s.satellites...) {
		for _, x := range g.items {
			all = append(all, x.Record)
		}
	}
	return all
}

// forget drops what was only needed to decide: of 300,000 records it is as large
// as what is made of them.
func (s *star) forget() {
	for _, g := range append([]*group{s.root}, s.satellites...) {
		for _, x := range g.items {
			x.facts, x.ids = nil, nil
		}
	}
}

// leaders returns the records at whose positions the groups act, the root first.
func (s *star) leaders() []*providers.Record {
	all := []*providers.Record{s.root.leader().Record}
	for _, g := range s.satellites {
		all = append(all, g.leader().Record)
	}
	return all
}

// less orders groups by rank of their source, then by key.
func less(a, b *group) bool {
	x, y := a.leader(), b.leader()
	if x.source != y.source {
		return x.source < y.source
	}
	return x.Key < y.Key
}

// stars links groups of different sources and gathers them round their roots.
func (w *run) stars(groups []*group) []*star {
	w.link(groups)
	around := make([]*star, len(groups))
	stars := make([]*star, 0, len(groups))
	var joining []*group
	for _, g := range groups {
		if root := w.rootOf(g); root != g {
			joining = append(joining, g)
			continue
		}
		around[g.index] = &star{root: g}
		stars = append(stars, around[g.index])
	}
	for _, g := range joining {
		s := around[w.rootOf(g).index]
		s.satellites = append(s.satellites, g)
	}
	for _, s := range stars {
		slices.SortFunc(s.satellites, func(a, b *group) int {
			if less(a, b) {
				return -1
			}
			return 1
		})
	}
	return stars
}

// rootOf returns the group that g joins: itself where it is a root or alone.
func (w *run) rootOf(g *group) *group {
	best := g
	for _, e := range g.edges {
		if less(e.to, best) {
			best = e.to
		}
	}
	if best != g && isRoot(best) && w.fits(g, best) {
		return best
	}
	return g
}

func isRoot(g *group) bool {
	return !slices.ContainsFunc(g.edges, func(e edge) bool { return less(e.to, g) })
}

// fits reports whether g, which has an edge to root, may stand beside all
// better-ranked groups that do: a root whose operator is not known may have
// edges to sites of different operators, and people may have parted two.
func (w *run) fits(g, root *group) bool {
	return !slices.ContainsFunc(root.edges, func(e edge) bool {
		return less(e.to, g) && w.barred(e.to, g)
	})
}

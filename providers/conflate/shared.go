package conflate

import (
	"cmp"
	"math"
	"slices"

	"chargegraph/providers"
)

// maxCarriers is how many records may share an id before they are looked for by
// their positions rather than by comparing each with each.
const maxCarriers = 64

// sharing calls yield, at least once, for every two of items that share an id
// and are of interest: within R of each other, or held both. The order of the
// two is that of their indexes.
func (w *run) sharing(items []*item, yield func(i, j int)) {
	if len(items) < 2 {
		return
	}
	type carrier struct {
		of string // who gave the id: "" an EVSE's, "o" an operator's, "d" and a data provider's
		id string
		i  int
	}
	n := 0
	for _, x := range items {
		n += len(x.ids)
	}
	carriers := make([]carrier, 0, n+len(items)/4)
	index := make(map[providers.Key]int)
	for i, x := range items {
		for _, id := range x.ids {
			carriers = append(carriers, carrier{"", id, i})
		}
		if x.OperatorReference != "" && x.operator.id != 0 {
			carriers = append(carriers, carrier{"o", x.OperatorReference, i})
		}
		if x.DataProviderReference != "" && x.DataProvider != nil {
			carriers = append(carriers, carrier{"d" + x.DataProvider.ID, x.DataProviderReference, i})
		}
		if w.overrides.pinned(x.Key) {
			index[x.Key] = i
		}
	}
	for _, p := range w.overrides.Pins {
		a, ok := index[p.A]
		b, also := index[p.B]
		if ok && also {
			yield(min(a, b), max(a, b))
		}
	}
	slices.SortFunc(carriers, func(a, b carrier) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.of, b.of), cmp.Compare(a.i, b.i))
	})
	for len(carriers) > 0 {
		n = 1
		for n < len(carriers) && carriers[n].id == carriers[0].id && carriers[n].of == carriers[0].of {
			n++
		}
		same := carriers[:n]
		carriers = carriers[n:]
		if n <= maxCarriers {
			for k, a := range same {
				for _, b := range same[:k] {
					yield(b.i, a.i)
				}
			}
			continue
		}
		var held []int
		for _, a := range same {
			if items[a.i].Source.Held {
				held = append(held, a.i)
			}
		}
		// Only what is held counts here, since what is not depends on the viewport.
		for k := 0; k < len(held) && len(held) <= maxCarriers; k++ {
			for _, j := range held[:k] {
				yield(j, held[k])
			}
		}
		places := newGrid(R, n)
		inPlace := make(map[providers.Point]int)
		for _, a := range same {
			inPlace[items[a.i].Location]++
		}
		for _, a := range same {
			if inPlace[items[a.i].Location] > maxHeap {
				continue // of a heap: the id is as much a default as the position
			}
			places.near(items[a.i].unit, func(j int) { yield(j, a.i) })
			places.add(items[a.i].unit, a.i)
		}
	}
}

// edge is a link between a group and one of another source, each of which is the
// other's best there.
type edge struct {
	to        *group
	score     float64 // +Inf: an id or a pin
	distanceM float64
}

// better orders what a group might be linked to.
func better(a, b edge) bool {
	return cmp.Or(
		cmp.Compare(b.score, a.score),
		cmp.Compare(a.distanceM, b.distanceM),
		cmp.Compare(a.to.leader().Key, b.to.leader().Key),
	) < 0
}

// link draws an edge wherever two groups of different sources are each the
// other's best candidate of that source.
func (w *run) link(groups []*group) {
	if w.sources < 2 {
		return
	}
	best := make([]edge, len(groups)*w.sources) // by group and source; to == nil: none
	offer := func(g *group, e edge) {
		held := &best[g.index*w.sources+e.to.leader().source]
		if held.to == nil || better(e, *held) {
			*held = e
		}
	}
	ids := w.linkByID(groups, func(g, h *group, d float64) {
		offer(g, edge{to: h, score: math.Inf(1), distanceM: d})
		offer(h, edge{to: g, score: math.Inf(1), distanceM: d})
	})
	places := newGrid(R, len(groups))
	for i, g := range groups {
		x := g.leader()
		if x.heaped {
			continue
		}
		places.near(x.unit, func(j int) {
			h := groups[j]
			y := h.leader()
			if x.source == y.source {
				return
			}
			d, near := x.metres(y, R)
			if !near || ids[[2]int{j, i}] || w.barred(g, h) {
				return
			}
			e := weigh(w.factsOf(x), w.factsOf(y), w.related(x, y), d)
			if score := e.total(); score > threshold {
				offer(g, edge{to: h, score: score, distanceM: d})
				offer(h, edge{to: g, score: score, distanceM: d})
			}
		})
		places.add(x.unit, i)
	}
	for _, g := range groups {
		for s := range w.sources {
			e := best[g.index*w.sources+s]
			if e.to != nil && best[e.to.index*w.sources+g.leader().source].to == g {
				g.edges = append(g.edges, e)
			}
		}
	}
}

// barred reports whether two groups may not be linked whatever they score.
func (w *run) barred(g, h *group) bool {
	if w.differ(g, h) {
		return true
	}
	return w.overrides.forbidsAny() && g.any(h, func(x, y *item) bool { return w.overrides.forbids(x.Key, y.Key) })
}

// linkByID calls yield once for every two groups that an id or a pin links, and
// returns them by their indexes. Beyond R both must be held whole here.
func (w *run) linkByID(groups []*group, yield func(g, h *group, distanceM float64)) map[[2]int]bool {
	of := make([]int, 0, len(w.items))
	items := make([]*item, 0, len(w.items))
	for i, g := range groups {
		for _, x := range g.items {
			items, of = append(items, x), append(of, i)
		}
	}
	seen := make(map[[2]int]bool)
	w.sharing(items, func(i, j int) {
		x, y := items[i], items[j]
		if x.source == y.source {
			return
		}
		pair := [2]int{min(of[i], of[j]), max(of[i], of[j])}
		if seen[pair] || !w.overrides.pins(x.Key, y.Key) && !w.sharedReference(x, y) {
			return
		}
		g, h := groups[pair[0]], groups[pair[1]]
		d := g.leader().Location.DistanceM(h.leader().Location)
		if d > R && (!w.far || !x.Source.Held || !y.Source.Held) || w.barred(g, h) {
			return
		}
		seen[pair] = true
		yield(g, h, d)
	})
	return seen
}

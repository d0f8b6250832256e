package conflate

import (
	"slices"
	"strings"

	"chargegraph/providers"
)

// group is a record and its twins at the same source; it acts as one record at
// its leader's position.
type group struct {
	items []*item // the leader first, then by key
	edges []edge  // at most one per other source
	index int
}

func (g *group) leader() *item { return g.items[0] }

// any reports whether related holds between some member of g and one of h.
func (g *group) any(h *group, related func(x, y *item) bool) bool {
	for _, x := range g.items {
		for _, y := range h.items {
			if related(x, y) {
				return true
			}
		}
	}
	return false
}

// differ reports whether a member of g and one of h are known to be of two operators.
func (w *run) differ(g, h *group) bool {
	return g.any(h, func(x, y *item) bool { return w.related(x, y).differ })
}

// twinScore is what two records of one source must score to be one site: a
// source that lists two mostly means two.
const twinScore = 2.5

// twinGroups gathers the records of one source that state one site. A record
// without a twin of smaller key leads; every other follows the smallest-key
// leader among its twins, and stands alone where none of them leads. So whether
// a record leads is decided within R0 of it, and whom it follows within 2·R0:
// were followers' followers to lead, a row of twins would be decided by its far end.
//
// A leader whose operator is not known may have twins of different operators;
// then only those that agree with all of smaller key follow it.
func (w *run) twinGroups() []*group {
	smaller := make([][]int32, len(w.items)) // the twins of smaller key
	larger := make([][]int32, len(w.items))  // those of larger key, in its order
	for _, t := range w.twinPairs() {
		smaller[t.larger] = append(smaller[t.larger], t.smaller)
		larger[t.smaller] = append(larger[t.smaller], t.larger)
	}
	for _, list := range larger {
		slices.Sort(list)
	}
	agree := func(leader, follower int32) bool {
		for _, i := range larger[leader] {
			if i == follower {
				break
			}
			if a, b := w.items[i], w.items[follower]; w.related(a, b).differ || w.overrides.forbids(a.Key, b.Key) {
				return false
			}
		}
		return true
	}
	groups := make([]*group, 0, len(w.items))
	led := make(map[int32]*group)
	for i, x := range w.items {
		leader := int32(-1)
		for _, j := range smaller[i] {
			if len(smaller[j]) == 0 && (leader < 0 || j < leader) && agree(j, int32(i)) {
				leader = j
			}
		}
		if leader >= 0 {
			led[leader].items = append(led[leader].items, x)
			continue
		}
		g := &group{items: []*item{x}, index: len(groups)}
		if len(larger[i]) > 0 {
			led[int32(i)] = g
		}
		groups = append(groups, g)
	}
	return groups
}

// twinPair is two twins, by their indexes.
type twinPair struct{ smaller, larger int32 }

// twinPairs finds all twins: those near each other that are alike, and those
// that share a reference.
func (w *run) twinPairs() []twinPair {
	var pairs []twinPair
	places := newGrid(R0, len(w.items))
	for i, x := range w.items {
		if x.heaped {
			continue
		}
		places.near(x.unit, func(j int) {
			y := w.items[j]
			if y.source == x.source && w.twins(x, y) {
				pairs = append(pairs, twinPair{int32(j), int32(i)}) //nolint:gosec // fewer than 2^31
			}
		})
		places.add(x.unit, i)
	}
	w.sharing(w.items, func(i, j int) {
		x, y := w.items[i], w.items[j]
		if x.source != y.source || !x.heaped && !y.heaped {
			return // found above
		}
		if _, near := x.metres(y, R0); near && !w.related(x, y).differ && !w.overrides.forbids(x.Key, y.Key) && w.sharedReference(x, y) {
			pairs = append(pairs, twinPair{int32(min(i, j)), int32(max(i, j))}) //nolint:gosec // fewer than 2^31
		}
	})
	slices.SortFunc(pairs, func(a, b twinPair) int {
		if a.smaller != b.smaller {
			return int(a.smaller) - int(b.smaller)
		}
		return int(a.larger) - int(b.larger)
	})
	return slices.Compact(pairs)
}

// twins reports whether a source states one site twice: by a reference, by
// operator and title in one place, or by so much else that the title may be
// spelt otherwise. Records that number their units, and parts of one location
// that their source holds apart by network, are none.
func (w *run) twins(x, y *item) bool {
	d, near := x.metres(y, R0)
	if !near || w.overrides.forbids(x.Key, y.Key) {
		return false
	}
	op := w.related(x, y)
	if op.differ || parts(x.ExternalID, y.ExternalID) {
		return false
	}
	if w.overrides.pins(x.Key, y.Key) || w.sharedReference(x, y) {
		return true
	}
	if !op.same && (x.operator.id != 0 || y.operator.id != 0) {
		return false
	}
	a, b := w.factsOf(x), w.factsOf(y)
	if op.same && d <= twinM && a.title == b.title && addressWeight(&a.address, &b.address, farCornerM) >= 0 {
		return true
	}
	if a.numbers != b.numbers {
		return false
	}
	if len(a.name) > 0 && len(b.name) > 0 {
		if alike, _ := wordsAlike(a.name, b.name, func(string) bool { return false }); alike < 0.9 {
			return false
		}
	}
	e := weigh(a, b, op, d)
	return e[fAddress] > 0 && e.total() > twinScore
}

// twinM is within what distance operator and title make a twin.
const twinM = 25.0

// parts reports whether two ids at one source are parts of one group there.
func parts(a, b string) bool {
	x, _, ok := strings.Cut(a, "~")
	y, _, also := strings.Cut(b, "~")
	return ok && also && x == y
}

// sharedReference reports whether two records carry the same id of somebody
// else: the operator's own, an EVSE's, or that of a common data provider.
func (w *run) sharedReference(x, y *item) bool {
	if x.OperatorReference != "" && x.OperatorReference == y.OperatorReference && w.related(x, y).same {
		return true
	}
	return sameDataReference(x.Record, y.Record) || sharedEVSE(x.ids, y.ids) != ""
}

func sameDataReference(x, y *providers.Record) bool {
	return x.DataProviderReference != "" && x.DataProviderReference == y.DataProviderReference &&
		x.DataProvider != nil && y.DataProvider != nil && x.DataProvider.ID == y.DataProvider.ID
}

// sharedEVSE returns the least id that two sorted lists have in common; "": none.
func sharedEVSE(a, b []string) string {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			return a[0]
		case a[0] < b[0]:
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return ""
}

package conflate

import (
	"cmp"
	"math"
	"slices"

	"chargegraph/providers"
)

const (
	// R is how far apart two records of one site may lie in metres, in two
	// sources. Of 436 real pairs 8.3 % lie beyond 250 m and 1.8 % beyond 500 m.
	R = 500.0
	// R0 is the same for two records of one source, which states one site twice
	// only by mistake.
	R0 = 100.0
)

// Reach returns by how many metres an area must be grown so that the records in
// the grown area decide the POIs of the area, when n sources take part.
//
// A twin group depends on records three steps of R0 away: its follower, another
// leader of that follower, and that one's own smaller twin. A star depends on its edges (R),
// on whether the neighbour's best candidate is another (R again), and on whether
// a neighbour is itself a root, which with three sources is one edge further.
func Reach(n int) float64 {
	switch {
	case n <= 0:
		return 0
	case n == 1:
		return 3 * R0
	case n == 2:
		return 3*R + 2*R0
	}
	return 5*R + 2*R0
}

// Merge returns the POIs that records make up, ordered by id. Every record is a
// member of exactly one POI. Of records with equal keys the one fetched last counts.
func Merge(records []*providers.Record) []*providers.POI {
	groups := twinGroups(records)
	members := stars(groups)
	pois := make([]*providers.POI, 0, len(members))
	for _, m := range members {
		pois = append(pois, merge(m))
	}
	slices.SortFunc(pois, func(a, b *providers.POI) int {
		return cmp.Compare(a.Members[0].Key, b.Members[0].Key)
	})
	return pois
}

// group is a record and its twins at the same source; it acts as one record at
// its leader's position.
type group struct {
	members []*providers.Record // the leader first, then by key
	edges   []*group            // at most one per other source
}

func (g *group) leader() *providers.Record { return g.members[0] }

// any reports whether related holds between some member of g and one of h.
func (g *group) any(h *group, related func(x, y *providers.Record) bool) bool {
	for _, x := range g.members {
		for _, y := range h.members {
			if related(x, y) {
				return true
			}
		}
	}
	return false
}

// byRank orders groups by rank of their source, then by key.
func byRank(a, b *group) int {
	x, y := a.leader(), b.leader()
	switch {
	case x.Source.ID == y.Source.ID:
		return cmp.Compare(x.Key, y.Key)
	case x.Source.Less(y.Source):
		return -1
	}
	return 1
}

// twinGroups gathers the records of one source that state one site. A record
// without a twin of smaller key leads; every other follows the smallest-key
// leader among its twins, and stands alone where none of them leads. So whether
// a record leads is decided within R0 of it, and whom it follows within 2·R0:
// were followers' followers to lead, a row of twins would be decided by its far end.
//
// A leader whose operator is not known may have twins of different operators;
// then only those that agree with all of smaller key follow it.
func twinGroups(records []*providers.Record) []*group {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b *providers.Record) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), preferred(a, b))
	})
	records = slices.CompactFunc(records, func(a, b *providers.Record) bool { return a.Key == b.Key })

	places := newGrid(R0, len(records))
	for i, r := range records {
		places.add(r.Location, i)
	}
	smaller := make([][]int, len(records)) // the twins of smaller key
	larger := make([][]int, len(records))  // those of larger key, in its order
	for i, r := range records {
		places.near(r.Location, func(j int) {
			if j < i && twins(records[j], r) {
				smaller[i] = append(smaller[i], j)
				larger[j] = append(larger[j], i)
			}
		})
	}
	agree := func(leader, follower int) bool {
		for _, i := range larger[leader] {
			if i == follower {
				break
			}
			if differ(records[i], records[follower]) {
				return false
			}
		}
		return true
	}
	groups := make([]*group, 0, len(records))
	led := make(map[int]*group)
	for i, r := range records {
		leader := -1
		for _, j := range smaller[i] {
			if len(smaller[j]) == 0 && (leader < 0 || j < leader) && agree(j, i) {
				leader = j
			}
		}
		if leader >= 0 {
			led[leader].members = append(led[leader].members, r)
			continue
		}
		g := &group{members: []*providers.Record{r}}
		led[i] = g
		groups = append(groups, g)
	}
	return groups
}

// preferred orders two versions of one record: a whole one before a summary, a
// later before an earlier.
func preferred(a, b *providers.Record) int {
	switch {
	case a.Summary == b.Summary:
		return b.FetchedAt.Compare(a.FetchedAt)
	case b.Summary:
		return -1
	}
	return 1
}

// stars links groups of different sources and returns the members of each POI,
// root first.
func stars(groups []*group) [][]*providers.Record {
	link(groups)
	joined := make(map[*group][]*group)
	var roots []*group
	for _, g := range groups {
		root := g
		if best := slices.MinFunc(append(slices.Clone(g.edges), g), byRank); best != g && isRoot(best) && fits(g, best) {
			root = best
		}
		if root == g {
			roots = append(roots, g)
		} else {
			joined[root] = append(joined[root], g)
		}
	}
	members := make([][]*providers.Record, 0, len(roots))
	for _, root := range roots {
		all := root.members
		satellites := joined[root]
		slices.SortFunc(satellites, byRank)
		for _, s := range satellites {
			all = append(slices.Clip(all), s.members...)
		}
		members = append(members, all)
	}
	return members
}

func isRoot(g *group) bool {
	return !slices.ContainsFunc(g.edges, func(e *group) bool { return byRank(e, g) < 0 })
}

// fits reports whether g, which has an edge to root, agrees about the operator
// with all better-ranked groups that do: a root whose own is not known may have
// edges to sites of different operators.
func fits(g, root *group) bool {
	return !slices.ContainsFunc(root.edges, func(e *group) bool {
		return byRank(e, g) < 0 && e.any(g, differ)
	})
}

// candidate is a group seen from another as a possible companion.
type candidate struct {
	group     *group
	score     float64
	distanceM float64
}

func better(a, b candidate) bool {
	return cmp.Or(
		cmp.Compare(b.score, a.score),
		cmp.Compare(a.distanceM, b.distanceM),
		cmp.Compare(a.group.leader().Key, b.group.leader().Key),
	) < 0
}

// link draws an edge wherever two groups of different sources are each the
// other's best candidate of that source.
func link(groups []*group) {
	if len(groups) == 0 || !slices.ContainsFunc(groups, func(g *group) bool {
		return g.leader().Source.ID != groups[0].leader().Source.ID
	}) {
		return
	}
	places := newGrid(R, len(groups))
	for i, g := range groups {
		places.add(g.leader().Location, i)
	}
	best := make([]map[providers.SourceID]candidate, len(groups))
	for i, g := range groups {
		x := g.leader()
		places.near(x.Location, func(j int) {
			y := groups[j].leader()
			if x.Source.ID == y.Source.ID || g.any(groups[j], differ) {
				return
			}
			d := x.Location.DistanceM(y.Location)
			if d > R {
				return
			}
			c := candidate{group: groups[j], score: score(g, groups[j], d), distanceM: d}
			if c.score <= threshold {
				return
			}
			if best[i] == nil {
				best[i] = make(map[providers.SourceID]candidate, 1)
			}
			if held, ok := best[i][y.Source.ID]; !ok || better(c, held) {
				best[i][y.Source.ID] = c
			}
		})
	}
	index := make(map[*group]int, len(groups))
	for i, g := range groups {
		index[g] = i
	}
	for i, g := range groups {
		for _, c := range best[i] {
			if back := best[index[c.group]][g.leader().Source.ID]; back.group == g {
				g.edges = append(g.edges, c.group)
			}
		}
	}
}

const (
	threshold = 0.0
	// nearM is within what distance two records of one operator are one site
	// without further evidence.
	nearM = 75.0
	// twinM is the same inside one source, where the title must agree as well.
	twinM = 25.0
)

// score weighs the evidence that two groups of different sources are one site.
// It is symmetric.
func score(g, h *group, distanceM float64) float64 {
	switch {
	case g.any(h, sharedReference):
		return math.Inf(1)
	case distanceM <= nearM && g.any(h, same):
		return 1 + (nearM-distanceM)/nearM
	}
	return threshold
}

// twins reports whether a source states one site twice: by its reference, or
// by operator and title in one place.
func twins(x, y *providers.Record) bool {
	if x.Source.ID != y.Source.ID {
		return false
	}
	d := x.Location.DistanceM(y.Location)
	if d > R0 || differ(x, y) {
		return false
	}
	if sharedReference(x, y) {
		return true
	}
	return d <= twinM && same(x, y) && providers.Fold(x.Title) == providers.Fold(y.Title)
}

// same and differ are not opposites: a stand-in for an unknown operator is
// neither the same as, nor different from, any other.
func same(x, y *providers.Record) bool { return x.Operator.SameAs(y.Operator) }

func differ(x, y *providers.Record) bool { return x.Operator.DiffersFrom(y.Operator) }

// sharedReference reports whether both records carry the same id of somebody
// else: the operator's own, an EVSE's, or that of a common data provider.
func sharedReference(x, y *providers.Record) bool {
	if x.OperatorReference != "" && x.OperatorReference == y.OperatorReference && same(x, y) {
		return true
	}
	if x.DataProviderReference != "" && x.DataProviderReference == y.DataProviderReference &&
		x.DataProvider != nil && y.DataProvider != nil && x.DataProvider.ID == y.DataProvider.ID {
		return true
	}
	return sharedEVSE(x.EVSEs, y.EVSEs)
}

// sharedEVSE reports whether two lists name one EVSE, however its id is written.
func sharedEVSE(x, y []providers.EVSE) bool {
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	ids := make(map[string]bool, len(x))
	for i := range x {
		ids[providers.NormalEVSEID(x[i].EVSEID)] = true
	}
	delete(ids, "")
	return slices.ContainsFunc(y, func(e providers.EVSE) bool { return ids[providers.NormalEVSEID(e.EVSEID)] })
}

package conflate

import (
	"cmp"
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
// a neighbour is itself a root, which with three sources is one edge further. A
// POI's position is that of its root, or of the leader of another of its groups.
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

// Rules are what is decided beside the records. The zero value decides by the
// records alone. Rules are immutable and may be used concurrently.
type Rules struct {
	Overrides Overrides
	// FarLinks lets ids and pins link records beyond R of each other that are
	// both held whole here. Only a caller who completes the records by Far may
	// set it: without that, a viewport would decide otherwise than the map.
	FarLinks bool
	// Memory makes it quicker to merge records again that were merged before. The
	// records must not change. nil: each time all is worked out anew.
	Memory *Memory
}

// Merge returns the POIs that records make up by the zero Rules.
func Merge(records []*providers.Record) []*providers.POI { return Rules{}.Merge(records) }

// Merge returns the POIs that records make up, ordered by id. Every record is a
// member of exactly one POI. Of records with equal keys the one fetched last counts.
func (r Rules) Merge(records []*providers.Record) []*providers.POI {
	w := newRun(r.Overrides, records)
	w.far = r.FarLinks
	if len(records) <= remembered/2 { // more would only drive each other out
		w.memory = r.Memory
	}
	groups := w.twinGroups()
	stars := w.stars(groups)
	pois := make([]*providers.POI, 0, len(stars))
	for _, s := range stars {
		poi := merge(s.members(), s.leaders())
		poi.Explain = r.explanation(s)
		s.forget()
		pois = append(pois, poi)
	}
	slices.SortFunc(pois, func(a, b *providers.POI) int {
		return cmp.Compare(a.Members[0].Key, b.Members[0].Key)
	})
	return pois
}

// run is one application of the rules.
type run struct {
	overrides Overrides
	far       bool    // Rules.FarLinks
	memory    *Memory // Rules.Memory, where it helps
	items     []*item // by key, each key once
	byPointer map[*providers.Operator]*operatorFacts
	byContent map[operatorKey]*operatorFacts
	operators []*providers.Operator // by operatorFacts.id; [0] is nobody
	relations map[uint64]relation
	places    map[placeNames][]string
	sources   int
}

// item is a record in a run.
type item struct {
	*providers.Record
	facts    *facts // nil: nobody asked yet
	operator *operatorFacts
	unit     vector   // of the position: near is decided without trigonometry
	ids      []string // of EVSEs, as they are compared
	source   int      // index by rank: lower is better
	heaped   bool     // its position is a default, see markHeaps
}

type operatorKey struct {
	id, title        string
	network          bool
	records, aliases int
}

func newRun(overrides Overrides, records []*providers.Record) *run {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b *providers.Record) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), preferred(a, b))
	})
	records = slices.CompactFunc(records, func(a, b *providers.Record) bool { return a.Key == b.Key })
	w := &run{
		overrides: overrides,
		byPointer: make(map[*providers.Operator]*operatorFacts),
		byContent: make(map[operatorKey]*operatorFacts),
		operators: []*providers.Operator{nil},
		relations: make(map[uint64]relation),
		places:    make(map[placeNames][]string),
	}
	rank := rankSources(records)
	w.sources = len(rank)
	items := make([]item, len(records))
	w.items = make([]*item, len(records))
	for i, r := range records {
		items[i] = item{Record: r, operator: w.operatorOf(r.Operator), unit: unitOf(r.Location), ids: evseIDs(r), source: rank[r.Source.ID]}
		w.items[i] = &items[i]
	}
	w.markHeaps()
	return w
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

// rankSources numbers the sources of records by rank.
func rankSources(records []*providers.Record) map[providers.SourceID]int {
	var sources []*providers.Source
	rank := make(map[providers.SourceID]int)
	var last *providers.Source
	for _, r := range records {
		if r.Source == last {
			continue
		}
		last = r.Source
		if _, ok := rank[r.Source.ID]; !ok {
			rank[r.Source.ID] = 0
			sources = append(sources, r.Source)
		}
	}
	slices.SortFunc(sources, func(a, b *providers.Source) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	for i, s := range sources {
		rank[s.ID] = i
	}
	return rank
}

func (w *run) operatorOf(o *providers.Operator) *operatorFacts {
	if f, ok := w.byPointer[o]; ok {
		return f
	}
	key := operatorKey{}
	if o != nil {
		key = operatorKey{o.ID, o.Title, o.IsNetwork, len(o.Records), len(o.Aliases)}
	}
	f, ok := w.byContent[key]
	if !ok {
		f = operatorWords(o, int32(len(w.operators))) //nolint:gosec // as many as there are records
		if f.id != 0 {
			w.operators = append(w.operators, o)
		}
		w.byContent[key] = f
	}
	w.byPointer[o] = f
	return f
}

// related returns what is known of the operators of two records.
func (w *run) related(x, y *item) relation {
	a, b := x.operator, y.operator
	if a.id == 0 || b.id == 0 {
		return relation{alike: -1}
	}
	if a.id > b.id {
		a, b = b, a
	}
	key := uint64(a.id)<<32 | uint64(b.id) //nolint:gosec // not negative
	r, ok := w.relations[key]
	if !ok {
		r = relate(w.operators[a.id], w.operators[b.id], a, b)
		w.relations[key] = r
	}
	return r
}

// factsOf normalises a record when it is first compared.
func (w *run) factsOf(x *item) *facts {
	if x.facts != nil {
		return x.facts
	}
	work := func() *facts {
		names := placeOfAddress(&x.Address)
		words, ok := w.places[names]
		if !ok {
			words = names.words()
			w.places[names] = words
		}
		return normalise(x.Record, words)
	}
	if w.memory == nil {
		x.facts = work()
	} else {
		x.facts = new(*w.memory.facts(x.Record, work))
	}
	x.facts.record, x.facts.operator = x.Record, x.operator
	return x.facts
}

// maxHeap is how many records of one source may state one position. More of
// them do not stand there: it is what their source writes when it knows none.
// Real sites of several hundred stands are one record with several hundred EVSEs.
const maxHeap = 64

// markHeaps finds the records whose position is a default. They are compared by
// ids alone, which also keeps thousands of them from being compared with each
// other. Whoever sees one of a heap sees all of it, so that this does not depend
// on the viewport.
func (w *run) markHeaps() {
	type place struct {
		at     providers.Point
		source int
	}
	count := make(map[place]int, len(w.items))
	for _, x := range w.items {
		count[place{x.Location, x.source}]++
	}
	for _, x := range w.items {
		x.heaped = count[place{x.Location, x.source}] > maxHeap
	}
}

// metres returns the distance of two records, or false when it is surely more than m.
func (x *item) metres(y *item, m float64) (float64, bool) {
	if x.unit.beyond(y.unit, m) {
		return 0, false
	}
	d := x.Location.DistanceM(y.Location)
	return d, d <= m
}

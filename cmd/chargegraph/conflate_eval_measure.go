package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// verdict is what a rule said of a pair.
type verdict struct {
	*pair

	together bool
}

func count(verdicts []verdict) figure {
	var f figure
	for _, v := range verdicts {
		switch is := v.Label == labelMatch; {
		case v.together && is:
			f.Right++
		case v.together:
			f.Wrong++
		case is:
			f.Missed++
		default:
			f.Apart++
		}
	}
	f.Precision, f.Recall, f.F1 = rates(f.Right, f.Wrong, f.Missed)
	return f
}

// rates returns precision, recall and F1; what there is nothing to judge by is 1.
func rates(right, wrong, missed int) (precision, recall, f1 float64) {
	precision, recall = 1, 1
	if right+wrong > 0 {
		precision = float64(right) / float64(right+wrong)
	}
	if right+missed > 0 {
		recall = float64(right) / float64(right+missed)
	}
	return precision, recall, harmonic(precision, recall)
}

func harmonic(precision, recall float64) float64 {
	if precision+recall == 0 {
		return 0
	}
	return 2 * precision * recall / (precision + recall)
}

func bySet(verdicts []verdict) map[string]figure {
	sets := make(map[string][]verdict)
	for _, v := range verdicts {
		sets[v.Set] = append(sets[v.Set], v)
	}
	figures := make(map[string]figure, len(sets)+1)
	for set, list := range sets {
		figures[set] = count(list)
	}
	return figures
}

// resamples is how often the bootstrap draws.
const resamples = 1000

// withIntervals adds intervals by drawing cells of the map, so that pairs of one
// neighbourhood, which are alike, count as one.
func withIntervals(verdicts []verdict) *figures {
	f := &figures{figure: count(verdicts)}
	cells := make(map[string][]verdict)
	var names []string
	for _, v := range verdicts {
		name := v.cell()
		if cells[name] == nil {
			names = append(names, name)
		}
		cells[name] = append(cells[name], v)
	}
	if len(names) == 0 {
		return f
	}
	slices.Sort(names)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same draw every time
	var precision, recall, f1 []float64
	for range resamples {
		var drawn []verdict
		for range names {
			drawn = append(drawn, cells[names[random.IntN(len(names))]]...)
		}
		one := count(drawn)
		precision, recall, f1 = append(precision, one.Precision), append(recall, one.Recall), append(f1, one.F1)
	}
	middle := func(list []float64) [2]float64 {
		slices.Sort(list)
		return [2]float64{list[len(list)*25/1000], list[len(list)*975/1000]}
	}
	f.PrecisionInterval, f.RecallInterval, f.F1Interval = middle(precision), middle(recall), middle(f1)
	return f
}

// baselines are published rules, by name; references are hidden from them as
// from ours.
func baselines() map[string]func(*pair) bool {
	return map[string]func(*pair) bool{
		"distance < 50 m":   func(p *pair) bool { return p.distance < 50 },
		"OCM import":        ocmImports,
		"OCPDB product .25": ocpdbMerges,
	}
}

// ocmImports is Open Charge Map's IsDuplicateLocation: same position, same
// address line, same title, or nearer than 50 m.
func ocmImports(p *pair) bool {
	same := func(a, b text) bool { return a != "" && strings.EqualFold(string(a), string(b)) }
	return p.distance < 50 || same(p.A.Address, p.B.Address) || same(p.A.Name, p.B.Name)
}

// ocpdbMerges is the Open ChargePoint DataBase's product of nearness, address
// and operator; its penalty for further candidates is 1 where there is one pair.
func ocpdbMerges(p *pair) bool {
	if math.Abs(p.a.Location.Lat-p.b.Location.Lat) > 250/111_195.0 || p.distance > 354 { // the corner of its box
		return false
	}
	address := func(s *evalSide) string { return fmt.Sprint(s.Address, " ", s.Postcode, " ", s.City) }
	return math.Exp(-p.distance*p.distance/10_000)*
		trigrams(address(&p.A), address(&p.B))*trigrams(string(p.A.Operator), string(p.B.Operator)) > 0.25
}

// trigrams is the share of common letter triples of two texts.
func trigrams(a, b string) float64 {
	of := func(s string) map[string]bool {
		r := []rune("  " + strings.ToLower(s) + "  ")
		set := make(map[string]bool)
		for i := 0; i+3 <= len(r); i++ {
			set[string(r[i:i+3])] = true
		}
		return set
	}
	x, y := of(a), of(b)
	common := 0
	for t := range x {
		if y[t] {
			common++
		}
	}
	return float64(common) / float64(len(x)+len(y)-common)
}

// clusterFigures is how the whole rule did on all records of a set.
type clusterFigures struct {
	Precision          float64 `json:"precision"`
	Recall             float64 `json:"recall"`
	F1                 float64 `json:"f1"`
	Records            int     `json:"records"`
	POIs               int     `json:"pois"`
	FalseMerges        int     `json:"falseMerges"` // POIs that hold records of two sites
	FalseMergesPer1000 float64 `json:"falseMergesPer1000"`
}

// clustersOf runs the rule over all records of each set. What is one site is
// known from matches and from rows of one address, and what follows from them:
// whether rows of one address are one POI or several is right either way, so
// that they count for precision and not for recall. Pairs labelled uncertain are
// right either way too. All others are two sites.
func clustersOf(pairs []*pair) map[string]*clusterFigures {
	sets := make(map[string][]*pair)
	for _, p := range pairs {
		sets[p.Set] = append(sets[p.Set], p)
	}
	all := make(map[string]*clusterFigures, len(sets))
	for set, list := range sets {
		all[set] = clusters(list)
	}
	return all
}

func clusters(pairs []*pair) *clusterFigures {
	records := make(map[providers.Key]*providers.Record)
	unit, site := newUnions(), newUnions()
	unsure := make(map[[2]providers.Key]bool)
	for _, p := range pairs {
		records[p.a.Key], records[p.b.Key] = p.a, p.b
		switch p.Label {
		case labelMatch:
			unit.join(p.a.Key, p.b.Key)
			site.join(p.a.Key, p.b.Key)
		case labelUnit:
			site.join(p.a.Key, p.b.Key)
		case labelNoMatch:
		default:
			unsure[[2]providers.Key{p.a.Key, p.b.Key}], unsure[[2]providers.Key{p.b.Key, p.a.Key}] = true, true
		}
	}
	list := make([]*providers.Record, 0, len(records))
	size := make(map[providers.Key]int) // of units
	for _, r := range records {
		list = append(list, r)
		size[unit.of(r.Key)]++
	}
	pois := conflate.Merge(list)
	f := &clusterFigures{Records: len(list), POIs: len(pois)}
	for _, p := range pois {
		mixed := false
		for _, r := range p.Members {
			right, judged, found := 0, 0, 0
			for _, o := range p.Members {
				if unit.of(o.Key) == unit.of(r.Key) {
					found++
				}
				switch {
				case site.of(o.Key) == site.of(r.Key):
					right, judged = right+1, judged+1
				case !unsure[[2]providers.Key{r.Key, o.Key}]:
					judged++
					mixed = true
				}
			}
			f.Precision += float64(right) / float64(judged)
			f.Recall += float64(found) / float64(size[unit.of(r.Key)])
		}
		if mixed {
			f.FalseMerges++
		}
	}
	if f.Records > 0 {
		f.Precision, f.Recall = f.Precision/float64(f.Records), f.Recall/float64(f.Records)
		f.FalseMergesPer1000 = 1000 * float64(f.FalseMerges) / float64(f.POIs)
	}
	f.F1 = harmonic(f.Precision, f.Recall)
	return f
}

// unions are sets of records that grow together.
type unions map[providers.Key]providers.Key

func newUnions() unions { return make(unions) }

func (u unions) of(k providers.Key) providers.Key {
	for u[k] != "" && u[k] != k {
		k = u[k]
	}
	return k
}

func (u unions) join(a, b providers.Key) {
	if x, y := u.of(a), u.of(b); x != y {
		u[x] = y
	}
}

// calibrationBin is how sure the rule said it was of some pairs, and how often
// they were one site.
type calibrationBin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Mean  float64 `json:"mean"`
	Pairs int     `json:"pairs"`
	Right int     `json:"oneSite"`
	Share float64 `json:"share"`
}

// calibration bins the pairs of the cells that report by what the rule said of
// them. Pairs that are not compared at all, beyond R, are left out.
func calibration(pairs []*pair) []calibrationBin {
	edges := []float64{0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99, 1.0001}
	bins := make([]calibrationBin, len(edges)-1)
	for _, p := range pairs {
		if p.tuned() || !p.comparable() {
			continue
		}
		said := conflate.Rules{}.Compare(p.a, p.b).Confidence
		i := slices.IndexFunc(edges, func(e float64) bool { return said < e }) - 1
		b := &bins[i]
		b.Pairs++
		b.Mean += said
		if p.Label == labelMatch {
			b.Right++
		}
	}
	full := bins[:0]
	for i, b := range bins {
		if b.Pairs > 0 {
			b.From, b.To = edges[i], min(edges[i+1], 1)
			b.Mean /= float64(b.Pairs)
			b.Share = float64(b.Right) / float64(b.Pairs)
			full = append(full, b)
		}
	}
	return full
}

// comparable reports whether a pair is judged by its score.
func (p *pair) comparable() bool {
	return (p.Label == labelMatch || p.Label == labelNoMatch) && p.distance <= conflate.R
}

// fitConfidence fits a logistic curve to the scores of the tuned pairs by
// maximum likelihood, with one made-up pair of either kind at score 0 so that
// sets that the rule parts cleanly do not make it sure of everything.
func fitConfidence(pairs []*pair) (slope, middle float64) {
	type point struct {
		score float64
		is    bool
	}
	points := []point{{0, true}, {0, false}}
	for _, p := range pairs {
		if s := (conflate.Rules{}).Compare(p.a, p.b).Score; p.tuned() && p.comparable() && !math.IsInf(s, 0) {
			points = append(points, point{s, p.Label == labelMatch})
		}
	}
	best := math.Inf(1)
	for k := 0.2; k <= 3; k += 0.01 {
		for m := -2.0; m <= 2; m += 0.05 {
			loss := 0.0
			for _, p := range points {
				z := k * (p.score - m)
				if !p.is {
					z = -z
				}
				loss += math.Log1p(math.Exp(-z))
			}
			if loss < best {
				best, slope, middle = loss, k, m
			}
		}
	}
	return slope, middle
}

package conflate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"chargegraph/providers"
)

// confidence turns a score into the share of pairs of that score that are one
// site. Slope and middle were fitted on the part of the real pairs that the
// weights were set on: `chargegraph conflate-eval -pairs DIR -calibrate` does it.
func confidence(score float64) float64 {
	const slope, middle = 1.64, 0.35
	return 1 / (1 + math.Exp(-slope*(score-middle)))
}

const (
	// An id that two sources share decides, and ids are mistyped and re-used.
	idConfidence = 0.995
	// Its contribution where a figure is wanted.
	idContribution = 20.0
)

// Comparison is what the rule says of two records of two sources that are alone
// in the world.
type Comparison struct {
	Together bool
	Score    float64 // log odds; +Inf: an id or a pin; -Inf: not comparable
	providers.MatchExplanation
}

// Compare compares two records, for evaluation and for people who wonder why
// two records are not one POI.
func (r Rules) Compare(a, b *providers.Record) Comparison {
	w := newRun(r.Overrides, []*providers.Record{a, b})
	c := Comparison{Score: math.Inf(-1), Together: len(r.Merge([]*providers.Record{a, b})) == 1}
	if len(w.items) != 2 {
		return c
	}
	x, y := w.items[0], w.items[1]
	l := w.weighLink(x, y)
	c.Score = l.score
	if w.related(x, y).differ || w.overrides.forbids(x.Key, y.Key) {
		c.Score = math.Inf(-1)
	}
	c.MatchExplanation = providers.MatchExplanation{
		Confidence: l.confidence(), DistanceM: l.distanceM, Features: l.features, RuleVersion: RuleVersion(),
	}
	if math.IsInf(c.Score, -1) || l.distanceM > R && !c.Together {
		c.Confidence = 0
	}
	return c
}

// RuleVersion names the rule and the crosswalk that explanations speak of.
func RuleVersion() string { return Version + "/" + providers.CrosswalkVersion }

// weighed is two records that are held to be one site, and why.
type weighed struct {
	score     float64
	pinned    bool
	distanceM float64
	features  []providers.MatchFeature
}

func (l *weighed) confidence() float64 {
	switch {
	case l.pinned:
		return 1
	case math.IsInf(l.score, 1):
		return idConfidence
	}
	return math.Round(1000*confidence(l.score)) / 1000
}

// explanation returns what says why the members of a star are one site; nil for
// a single record. Few ask, so that the words are found when somebody does; they
// depend on the members alone.
func (r Rules) explanation(s *star) func() *providers.MatchExplanation {
	var groups [][]*providers.Record
	members := 0
	for _, g := range append([]*group{s.root}, s.satellites...) {
		var records []*providers.Record
		for _, x := range g.items {
			records = append(records, x.Record)
		}
		groups = append(groups, records)
		members += len(records)
	}
	if members == 1 {
		return nil
	}
	return func() *providers.MatchExplanation {
		w := newRun(r.Overrides, slices.Concat(groups...))
		byKey := make(map[providers.Key]*item, len(w.items))
		for _, x := range w.items {
			byKey[x.Key] = x
		}
		again := make([]*group, len(groups))
		for i, records := range groups {
			again[i] = &group{}
			for _, record := range records {
				again[i].items = append(again[i].items, byKey[record.Key])
			}
		}
		return w.explain(&star{root: again[0], satellites: again[1:]})
	}
}

// explain says why the members of a star are one site; nil for a single record.
// Of several links the weakest gives the confidence.
func (w *run) explain(s *star) *providers.MatchExplanation {
	var links []weighed
	var names []string
	add := func(x, y *item) {
		links = append(links, w.weighLink(x, y))
		names = append(names, fmt.Sprintf("%s and %s", x.Key, y.Key))
	}
	twins := func(g *group) {
		for _, x := range g.items[1:] {
			add(g.leader(), x)
		}
	}
	twins(s.root)
	for _, g := range s.satellites {
		x, y := w.witnesses(s.root, g)
		add(x, y)
		twins(g)
	}
	if len(links) == 0 {
		return nil
	}
	m := &providers.MatchExplanation{Confidence: 1, RuleVersion: RuleVersion()}
	for i := range links {
		l := &links[i]
		m.Confidence = math.Min(m.Confidence, l.confidence())
		m.DistanceM = math.Max(m.DistanceM, l.distanceM)
		if len(links) == 1 {
			m.Features = l.features
			break
		}
		for _, f := range l.features {
			f.Value = names[i] + ": " + f.Value
			m.Features = append(m.Features, f)
		}
	}
	return m
}

// witnesses returns the records of two linked groups that link them: the
// leaders, or those that share an id or a pin.
func (w *run) witnesses(g, h *group) (x, y *item) {
	for _, x := range g.items {
		for _, y := range h.items {
			if w.overrides.pins(x.Key, y.Key) || w.sharedReference(x, y) {
				return x, y
			}
		}
	}
	return g.leader(), h.leader()
}

// weighLink weighs two records and puts it into words.
func (w *run) weighLink(x, y *item) weighed {
	l := weighed{distanceM: x.Location.DistanceM(y.Location), pinned: w.overrides.pins(x.Key, y.Key)}
	l.distanceM = math.Round(l.distanceM*10) / 10
	switch {
	case l.pinned:
		l.score = math.Inf(1)
		l.features = []providers.MatchFeature{{Name: "pin", Value: "somebody who knows the place has said so", Contribution: idContribution}}
		return l
	case w.sharedReference(x, y):
		l.score = math.Inf(1)
		l.features = []providers.MatchFeature{{Name: "reference", Value: sharedWords(x, y), Contribution: idContribution}}
		return l
	}
	a, b := w.factsOf(x), w.factsOf(y)
	op := w.related(x, y)
	e := weigh(a, b, op, x.Location.DistanceM(y.Location))
	l.score = e.total()
	l.features = make([]providers.MatchFeature, 0, 8)
	for f := range featureCount {
		if math.Abs(e[f]) < 0.05 && f != fDistance {
			continue
		}
		l.features = append(l.features, providers.MatchFeature{
			Name: f.String(), Value: f.words(a, b, op, e[f]), Contribution: math.Round(e[f]*100) / 100,
		})
	}
	// Twins that their titles make so need no other evidence, and outweigh what
	// speaks against them: see run.twins.
	if short := twinScore - l.score; x.source == y.source && short > 0 {
		l.score = twinScore
		l.features = append(l.features, providers.MatchFeature{
			Name: "title", Value: "one source states the same title and operator twice in one place", Contribution: math.Round(short*100) / 100,
		})
	}
	slices.SortStableFunc(l.features, func(a, b providers.MatchFeature) int {
		return cmp.Compare(math.Abs(b.Contribution), math.Abs(a.Contribution))
	})
	return l
}

func sharedWords(x, y *item) string {
	if id := sharedEVSE(x.ids, y.ids); id != "" {
		return "both list the charge point " + id
	}
	if sameDataReference(x.Record, y.Record) {
		return fmt.Sprintf("both carry the number %s of %s", x.DataProviderReference, cmp.Or(x.DataProvider.Title, "data provider "+x.DataProvider.ID))
	}
	return "both carry the operator's own number " + x.OperatorReference
}

// String returns the name of a feature in the graph.
func (f feature) String() string {
	return [...]string{
		fPrior: "neighbours", fDistance: "distance", fOperator: "operator", fAddress: "address", fPostcode: "postcode", fName: "name",
		fPlugs: "plugs", fCurrent: "current", fPower: "power", fPoints: "charge points", fPhone: "telephone", fHost: "web page",
	}[f]
}

// words says what a feature found, as a map editor would.
func (f feature) words(x, y *facts, op relation, weight float64) string {
	a, b := x.record, y.record
	switch f {
	case fPrior:
		return "two records this near each other are mostly two sites"
	case fDistance:
		return metresApart(a.Location.DistanceM(b.Location))
	case fOperator:
		switch {
		case op.same:
			return "both are run by " + a.Operator.Title
		case op.alike < 0:
			return "one is called after the operator of the other"
		case weight > 0:
			return fmt.Sprintf("the operators %q and %q have much the same name", a.Operator.Title, b.Operator.Title)
		}
		return fmt.Sprintf("the operators %q and %q do not look like one", a.Operator.Title, b.Operator.Title)
	case fAddress:
		p, q := addressOf(a), addressOf(b)
		switch {
		case weight >= wAddressSame:
			return fmt.Sprintf("same street and number: %q, %q", p, q)
		case weight > 0:
			return fmt.Sprintf("addresses agree in part: %q, %q", p, q)
		}
		return fmt.Sprintf("different addresses: %q, %q", p, q)
	case fPostcode:
		if weight > 0 {
			return "same postcode " + x.postcode
		}
		return fmt.Sprintf("postcodes %s and %s", x.postcode, y.postcode)
	case fName:
		if weight > 0 {
			return fmt.Sprintf("names agree: %q, %q", a.Title, b.Title)
		}
		if x.numbers != "" && y.numbers != "" && x.numbers != y.numbers {
			return fmt.Sprintf("names with different numbers: %q, %q", a.Title, b.Title)
		}
		return fmt.Sprintf("different names: %q, %q", a.Title, b.Title)
	case fPlugs:
		if weight > 0 {
			return "the plugs of the smaller are at the larger too"
		}
		return "different plugs"
	case fCurrent:
		return "one has fast chargers only, the other none"
	case fPower:
		if weight > 0 {
			return fmt.Sprintf("%g and %g kW", x.plugs.maxKW, y.plugs.maxKW)
		}
		return fmt.Sprintf("%g kW, but %g kW", x.plugs.maxKW, y.plugs.maxKW)
	case fPoints:
		return fmt.Sprintf("%d charge points in both", x.plugs.points)
	case fPhone:
		return "same telephone number"
	case fHost:
		return "web pages at " + x.host
	case featureCount:
	}
	return ""
}

func addressOf(r *providers.Record) string {
	line := cmp.Or(r.Address.Line1, r.Address.Formatted, r.Title)
	line, _, _ = strings.Cut(line, "\n")
	return strings.TrimSpace(line)
}

func metresApart(m float64) string {
	switch {
	case m < 1:
		return "in one place"
	case m < 10:
		return fmt.Sprintf("%.1f m apart", m)
	case m < 1000:
		return fmt.Sprintf("%.0f m apart", m)
	}
	return fmt.Sprintf("%.1f km apart", m/1000)
}

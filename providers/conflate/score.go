package conflate

import (
	"math"
	"strings"

	"chargegraph/providers"
)

// Version names the edition of the rule: of weights, words and thresholds. It
// changes whenever an answer may.
const Version = "2026-11.2"

// feature is one kind of evidence.
type feature uint8

const (
	fPrior feature = iota
	fDistance
	fOperator
	fAddress
	fPostcode
	fName
	fPlugs
	fCurrent
	fPower
	fPoints
	fPhone
	fHost
	featureCount
)

// evidence is what the features of a pair weigh, in log odds: what is not known
// of one of both weighs nothing.
type evidence [featureCount]float64

func (e *evidence) total() float64 {
	sum := 0.0
	for _, w := range e {
		sum += w
	}
	return sum
}

// The table of weights, in log odds (natural logarithm). A pair above 0 is one
// site. They were set by hand on one part of the real pairs (`chargegraph
// conflate-eval` says which), and looked at on the other.
const (
	// wPrior is what speaks against a pair of which nothing is known but that
	// both lie within R: most of those are neighbours. Two records of nobody's in
	// one place, without any other likeness, stay apart.
	wPrior = -2.5

	// Operators that the crosswalk knows to be one. Most sites near each other
	// that share an operator are one site; chains in one street are not, so that it
	// takes nearness, a name or an address beside it.
	wOperatorSame = 2.2
	// Operators that the crosswalk does not know are compared by their names,
	// from wOperatorUnlike (no word in common) to wOperatorAlike: brands have
	// several names, but two names on one car park are usually two networks.
	wOperatorAlike, wOperatorUnlike = 1.8, -3.0
	// One record has no operator, but its title names the other's.
	wOperatorNamed = 1.0

	// The same house number in the same street is the best evidence there is
	// beside an id: it is how the pairs were labelled.
	wAddressSame = 4.0
	// The same number where streets are spelt too differently to be sure: roads
	// have names and numbers ("Highway 62", "IN-62").
	wNumberSame = 1.5
	// The same street, one number missing.
	wStreetSame = 1.0
	// 27 and 27a: one yard where they are near, two houses where they are not.
	wSuffixOtherNear, wSuffixOther = 1.0, -1.5
	// Another number or street. In one place that is a site on a corner, which
	// has two addresses (wAddressOtherNear up to nearCornerM); further off it is
	// the neighbour (wAddressOther from farCornerM).
	wAddressOtherNear, wAddressOther = -1.0, -3.0
	nearCornerM, farCornerM          = 30.0, 75.0

	wPostcodeSame, wPostcodeOther = 0.3, -0.7

	// Names without the words of the operator, of the town and of charging.
	wNameSame, wNameOther = 2.6, -0.7
	// Both names number their units, and not alike: "Station 1", "Station 2".
	wNumbersOther = -0.8

	// Plugs, against the smaller side: sources leave plugs out more than they
	// invent them.
	wPlugsSame, wPlugsOther = 0.4, -0.8
	// One has fast chargers only, the other none.
	wCurrentOther = -1.8
	// Power bands three or more apart; imports write defaults, so equal bands
	// tell little.
	wPowerSame, wPowerOther = 0.1, -0.4
	// As many points, four or more, in both.
	wPointsSame = 0.5
	// Telephone and web page are often those of a whole network.
	wPhoneSame, wHostSame = 0.8, 0.3

	threshold = 0.0
)

// wDistance is the weight of a distance in metres: straight between these. Beside the errors of
// measuring, sites are as large as a shopping centre; half of the real pairs of
// independent sources lie more than 80 m apart.
//
//nolint:gochecknoglobals // a constant table
var wDistance = [...]struct{ m, weight float64 }{
	{0, 2.45}, {30, 2.35}, {75, 0.35}, {150, -0.8}, {300, -1.7}, {R, -2.3},
}

func distanceWeight(m float64) float64 {
	for i := 1; i < len(wDistance); i++ {
		a, b := wDistance[i-1], wDistance[i]
		if m <= b.m {
			return a.weight + (b.weight-a.weight)*(m-a.m)/(b.m-a.m)
		}
	}
	return wDistance[len(wDistance)-1].weight
}

// weigh scores a pair of records of two sources, d metres apart. It is symmetric.
func weigh(x, y *facts, op relation, d float64) (e evidence) {
	e[fPrior] = wPrior
	e[fDistance] = distanceWeight(d)
	e[fOperator] = op.weight()
	if op.alike < 0 && !op.same && (names(x, y.operator) || names(y, x.operator)) {
		e[fOperator] = wOperatorNamed
	}
	e[fAddress] = addressWeight(&x.address, &y.address, d)
	if x.postcode != "" && y.postcode != "" {
		e[fPostcode] = wPostcodeOther
		if x.postcode == y.postcode {
			e[fPostcode] = wPostcodeSame
		}
	}
	if len(x.name) > 0 && len(y.name) > 0 {
		alike, weight := wordsAlike(x.name, y.name, func(w string) bool {
			return x.operator.words[w] || y.operator.words[w]
		})
		e[fName] = nameWeight(alike, weight)
	}
	if x.numbers != "" && y.numbers != "" && x.numbers != y.numbers {
		e[fName] += wNumbersOther
	}
	p, q := &x.plugs, &y.plugs
	if share, ok := p.overlap(q); ok {
		e[fPlugs] = wPlugsOther + (wPlugsSame-wPlugsOther)*share
	}
	if p.ac && !p.dc && q.dc && !q.ac || p.dc && !p.ac && q.ac && !q.dc {
		e[fCurrent] = wCurrentOther
	}
	if a, b := powerBand(p.maxKW), powerBand(q.maxKW); a > 0 && b > 0 {
		switch {
		case a == b:
			e[fPower] = wPowerSame
		case a-b >= 3 || b-a >= 3:
			e[fPower] = wPowerOther
		}
	}
	if p.points == q.points && p.points >= 4 {
		e[fPoints] = wPointsSame
	}
	if x.phone != "" && x.phone == y.phone {
		e[fPhone] = wPhoneSame
	}
	if x.host != "" && x.host == y.host {
		e[fHost] = wHostSame
	}
	return e
}

// names reports whether a record's title has a whole name of an operator in it.
func names(f *facts, o *operatorFacts) bool {
	if o.id == 0 {
		return false
	}
	for _, name := range o.names {
		all := true
		for _, n := range name {
			found := false
			for _, w := range f.name {
				found = found || w.text == n.text
			}
			all = all && found
		}
		if all {
			return true
		}
	}
	return false
}

// nameWeight weighs names that are alike to so much, of which the shorter has
// so much to tell.
func nameWeight(alike, weight float64) float64 {
	if weight == 0 {
		return 0
	}
	tell := math.Min(1.2, weight/1.5)
	if weight < 2.5 {
		tell = math.Min(1, tell)
	}
	if alike >= 0.5 {
		return wNameSame * (alike - 0.5) * 2 * tell
	}
	return wNameOther * (0.5 - alike) * 2 * tell
}

func addressWeight(a, b *address, d float64) float64 {
	if !a.known() || !b.known() {
		return 0
	}
	street := streetsAlike(a, b)
	if a.number == 0 || b.number == 0 {
		switch {
		case street >= 0.8:
			return wStreetSame
		case street < 0.4:
			return otherAddress(d) / 2
		}
		return 0
	}
	meet := a.number <= b.last && b.number <= a.last
	switch {
	case meet && street >= 0.75 && a.suffix != b.suffix:
		return slide(wSuffixOtherNear, wSuffixOther, d)
	case meet && street >= 0.75:
		return wAddressSame
	case meet && street > 0.25:
		return wNumberSame
	case meet && digitWords(a.words) == "" && digitWords(b.words) == "":
		return otherAddress(d) / 4
	}
	return otherAddress(d)
}

// otherAddress is the weight of two addresses that differ, so many metres apart.
func otherAddress(d float64) float64 { return slide(wAddressOtherNear, wAddressOther, d) }

// slide goes from one weight at nearCornerM to another at farCornerM.
func slide(near, far, d float64) float64 {
	return near + (far-near)*math.Max(0, math.Min(1, (d-nearCornerM)/(farCornerM-nearCornerM)))
}

// relation is what is known of two operators.
type relation struct {
	same, differ bool
	alike        float64 // of their names, 0..1; -1: one has none
}

func (r relation) weight() float64 {
	switch {
	case r.same:
		return wOperatorSame
	case r.alike < 0:
		return 0
	}
	return wOperatorUnlike + (wOperatorAlike-wOperatorUnlike)*r.alike
}

// relate compares two operators.
func relate(o, p *providers.Operator, a, b *operatorFacts) relation {
	r := relation{alike: -1}
	if a.id == 0 || b.id == 0 {
		return r
	}
	if r.same = o.SameAs(p); r.same {
		return r
	}
	r.differ = o.DiffersFrom(p)
	none := func(string) bool { return false }
	for _, x := range a.names {
		for _, y := range b.names {
			if ascii(x) != ascii(y) {
				continue // two scripts of one name look like two names
			}
			alike, _ := wordsAlike(x, y, none)
			if joined(x) == joined(y) { // "Kerb Wise", "Kerbwise"
				alike = 1
			}
			r.alike = math.Max(r.alike, alike)
		}
	}
	return r
}

func ascii(words []word) bool {
	for _, w := range words {
		for i := range len(w.text) {
			if w.text[i] >= 0x80 {
				return false
			}
		}
	}
	return true
}

func joined(words []word) string {
	var text strings.Builder
	for _, w := range words {
		text.WriteString(w.text)
	}
	return text.String()
}

package conflate

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"chargegraph/providers"
)

// Pair is two records.
type Pair struct{ A, B providers.Key }

func newPair(a, b providers.Key) Pair {
	if b < a {
		a, b = b, a
	}
	return Pair{a, b}
}

// Overrides are pairs that people have decided. A pin outweighs all other
// evidence; it does not outweigh what holds for every edge: operators that the
// crosswalk knows to be two, and beyond R records that are not held here. Two
// records that are forbidden are never members of one POI. The zero value
// decides nothing.
type Overrides struct {
	Pins, Forbids []Pair

	pin, forbid map[Pair]bool
	partners    map[providers.Key][]providers.Key // by pins
}

// NewOverrides returns the overrides of these pairs. It refuses a pair of one
// record, a pair that is pinned and forbidden, and two pins of one record to
// records of one source: only one of them could hold.
func NewOverrides(pins, forbids []Pair) (Overrides, error) {
	o := Overrides{pin: make(map[Pair]bool), forbid: make(map[Pair]bool), partners: make(map[providers.Key][]providers.Key)}
	type side struct {
		key    providers.Key
		source providers.SourceID
	}
	to := make(map[side]providers.Key)
	for _, p := range pins {
		p = newPair(p.A, p.B)
		if p.A == p.B {
			return Overrides{}, fmt.Errorf("conflate: %s is pinned to itself", p.A)
		}
		if o.pin[p] {
			continue
		}
		for _, s := range [...]struct{ from, to providers.Key }{{p.A, p.B}, {p.B, p.A}} {
			at := side{s.from, s.to.SourceID()}
			if other, ok := to[at]; ok {
				return Overrides{}, fmt.Errorf("conflate: %s is pinned to %s and to %s, two records of one source", s.from, other, s.to)
			}
			to[at] = s.to
		}
		o.pin[p] = true
		o.partners[p.A], o.partners[p.B] = append(o.partners[p.A], p.B), append(o.partners[p.B], p.A)
		o.Pins = append(o.Pins, p)
	}
	for _, p := range forbids {
		p = newPair(p.A, p.B)
		switch {
		case p.A == p.B:
			return Overrides{}, fmt.Errorf("conflate: %s is forbidden with itself", p.A)
		case o.pin[p]:
			return Overrides{}, fmt.Errorf("conflate: %s and %s are pinned and forbidden", p.A, p.B)
		case !o.forbid[p]:
			o.forbid[p] = true
			o.Forbids = append(o.Forbids, p)
		}
	}
	return o, nil
}

// PinnedTo returns the keys that k is pinned to.
func (o *Overrides) PinnedTo(k providers.Key) []providers.Key { return o.partners[k] }

// maxOverrides bounds a file of overrides: people write it.
const maxOverrides = 100_000

// ReadOverrides reads lines of the form
//
//	pin    ocm:1234 plugshare:99~8   # the pin on the map is at the gate
//	forbid ocm:1234 ocm:1235
//
// Blank lines, and words from one that begins with #, are passed over: a key may
// have a # in it. The error names the line,
// and is that of NewOverrides for pairs that contradict each other.
func ReadOverrides(r io.Reader) (Overrides, error) {
	var pins, forbids []Pair
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		words := strings.Fields(lines.Text())
		if i := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); i >= 0 {
			words = words[:i]
		}
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 {
			return Overrides{}, fmt.Errorf("conflate: overrides, line %d: want `pin KEY KEY` or `forbid KEY KEY`", n)
		}
		a, err := providers.ParseKey(words[1])
		if err != nil {
			return Overrides{}, fmt.Errorf("conflate: overrides, line %d: %q: %w", n, words[1], err)
		}
		b, err := providers.ParseKey(words[2])
		if err != nil {
			return Overrides{}, fmt.Errorf("conflate: overrides, line %d: %q: %w", n, words[2], err)
		}
		switch words[0] {
		case "pin":
			pins = append(pins, Pair{a, b})
		case "forbid":
			forbids = append(forbids, Pair{a, b})
		default:
			return Overrides{}, fmt.Errorf("conflate: overrides, line %d: want pin or forbid, not %q", n, words[0])
		}
		if len(pins)+len(forbids) > maxOverrides {
			return Overrides{}, fmt.Errorf("conflate: overrides, line %d: more than %d pairs", n, maxOverrides)
		}
	}
	if err := lines.Err(); err != nil {
		return Overrides{}, fmt.Errorf("conflate: overrides, line %d: %w", n+1, err)
	}
	return NewOverrides(pins, forbids)
}

func (o *Overrides) pins(a, b providers.Key) bool {
	return len(o.pin) > 0 && o.pin[newPair(a, b)]
}

func (o *Overrides) pinned(k providers.Key) bool { return len(o.partners[k]) > 0 }

func (o *Overrides) forbids(a, b providers.Key) bool {
	return len(o.forbid) > 0 && o.forbid[newPair(a, b)]
}

func (o *Overrides) forbidsAny() bool { return len(o.forbid) > 0 }

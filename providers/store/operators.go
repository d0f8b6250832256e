package store

import (
	"cmp"
	"slices"
	"weak"

	"chargegraph/providers"
)

// operatorList is the operators of one snapshot, which it does not keep alive:
// the records of a country would stay beside those that replaced them.
type operatorList struct {
	of   weak.Pointer[snapshot]
	list []*providers.Operator
}

// Operators implements [providers.OperatorLister]: the operators of the records,
// by id, each once, with the countries in which its records are. It looks at
// every record after a change of the store, and at none until the next.
func (h *held) Operators() []*providers.Operator {
	now := h.store.snapshot()
	if known := h.operators.Load(); known != nil && known.of == weak.Make(now) {
		return known.list
	}
	list := now.operators()
	h.operators.Store(&operatorList{of: weak.Make(now), list: list})
	return list
}

func (s *snapshot) operators() []*providers.Operator {
	byID := make(map[string]*providers.Operator)
	seen := make(map[*providers.Operator]bool) // in the country at hand
	for country, records := range s.countries {
		clear(seen)
		records.Scan(func(_, _ [2]float64, r *providers.Record) bool {
			o := r.Operator
			if o == nil || seen[o] {
				return true
			}
			seen[o] = true
			known := byID[o.ID]
			if known == nil {
				known = o.Clone()
				byID[o.ID] = known
			} else {
				known.Fill(o)
			}
			if country != "" && !slices.Contains(known.Countries, country) {
				known.Countries = append(known.Countries, country)
			}
			return true
		})
	}
	list := make([]*providers.Operator, 0, len(byID))
	for _, o := range byID {
		slices.Sort(o.Countries)
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b *providers.Operator) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

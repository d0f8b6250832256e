package conflate

import (
	"slices"

	"chargegraph/providers"
)

// plug is what makes connections of two records the same equipment.
type plug struct {
	connector providers.ConnectorType
	band      int // of its power; 0: not stated
}

func plugOf(c *providers.ConnectionInfo) plug {
	p := plug{connector: c.Type}
	if c.PowerKW != nil {
		p.band = powerBand(*c.PowerKW)
	}
	return p
}

// operators returns the records whose equipment its operator publishes, or all
// of them where there is none such.
func operators(records []*providers.Record) []*providers.Record {
	own := slices.DeleteFunc(slices.Clone(records), func(r *providers.Record) bool { return r.Source.Provider != providers.OCPI })
	if len(own) == 0 {
		return records
	}
	return own
}

// uniteConnections takes, for each kind of plug, the rows of the record that
// counts most of it: the larger quantity, never the sum, since both records
// count the same posts. A record that states a plug without a power says nothing
// beside another that states it with one. Where an operator publishes equipment,
// that is what there is. It returns the rows and the records that they are of.
func uniteConnections(records []*providers.Record) ([]providers.ConnectionInfo, []*providers.Record) {
	records = operators(records)
	type rows struct {
		of    *providers.Record
		list  []providers.ConnectionInfo
		count int
	}
	best := make(map[plug]rows)
	type stating struct {
		by   *providers.Record
		plug providers.ConnectorType
	}
	stated := make(map[stating]bool)                  // with a power
	powered := make(map[providers.ConnectorType]bool) // by whomever
	var order []plug
	for _, r := range records {
		own := make(map[plug]rows)
		for i := range r.Connections {
			c := &r.Connections[i]
			p := plugOf(c)
			mine := own[p]
			if p.band > 0 {
				stated[stating{r, c.Type}], powered[c.Type] = true, true
			}
			mine.of = r
			mine.list = append(mine.list, *c)
			mine.count++
			if c.Quantity != nil {
				mine.count += *c.Quantity - 1
			}
			own[p] = mine
			if !slices.Contains(order, p) {
				order = append(order, p)
			}
		}
		for p, mine := range own {
			if held, ok := best[p]; !ok || mine.count > held.count {
				best[p] = mine
			}
		}
	}
	var all []providers.ConnectionInfo
	used := make(map[*providers.Record]bool, len(records))
	for _, p := range order {
		rows := best[p]
		if p.band == 0 && powered[p.connector] && !stated[stating{rows.of, p.connector}] {
			continue
		}
		all = append(all, rows.list...)
		used[rows.of] = true
	}
	return all, slices.DeleteFunc(slices.Clone(records), func(r *providers.Record) bool { return !used[r] })
}

// uniteEVSEs lists every EVSE once: of two records that name one by its id, the
// one whose state was seen last counts, and of equals the better-ranked. EVSEs without
// an id are all there. As with connections, an operator's own list is whole.
func uniteEVSEs(records []*providers.Record) ([]providers.EVSE, []*providers.Record) {
	records = operators(records)
	n := 0
	for _, r := range records {
		n += len(r.EVSEs)
	}
	all := make([]providers.EVSE, 0, n)
	at := make(map[string]int, n)
	for _, r := range records {
		seen := make(map[string]bool) // of r: what one record lists twice is two
		for i := range r.EVSEs {
			e := r.EVSEs[i]
			id := providers.NormalEVSEID(e.EVSEID)
			if held, ok := at[id]; ok && id != "" && all[held].Record != r {
				if !seen[id] && e.StatusUpdatedAt.After(all[held].StatusUpdatedAt) && e.Status != providers.EVSEUnknown {
					all[held] = e
				}
				seen[id] = true
				continue
			}
			if _, ok := at[id]; !ok {
				at[id] = len(all)
			}
			all = append(all, e)
		}
	}
	return all, slices.DeleteFunc(slices.Clone(records), func(r *providers.Record) bool {
		return !slices.ContainsFunc(all, func(e providers.EVSE) bool { return e.Record == r })
	})
}

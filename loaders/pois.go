package loaders

import (
	"context"
	"errors"
	"slices"

	"github.com/graph-gophers/dataloader/v7"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// Found is what became of one key.
type Found struct {
	POI *providers.POI // nil: no source knows the key, or Err is set
	Err error          // an *UnavailableError when the key's source could not be asked
}

// POIs returns the POI that each key's record belongs to, in the order of keys.
// Single records are asked for together; then their surroundings are, because
// it takes the neighbours to know the POI. Places close together are asked for
// as one; a live source is asked about at most ten places in one operation, and
// says PARTIAL for the rest. With whole, more than summaries of them is asked for.
func (o *Operation) POIs(ctx context.Context, keys []providers.Key, policy *providers.SourcePolicy, whole bool) []Found {
	found := make([]Found, len(keys))
	records := make([]*providers.Record, len(keys))
	known := make(details)
	for i, result := range o.Records(ctx, keys, policy) {
		records[i], found[i].Err = result.Record, result.Err
		known.add(keys[i], result)
		if result.Record == nil && result.Err == nil {
			if living, err := o.living(ctx, keys[i], policy); !errors.Is(err, errAbsent) {
				records[i], found[i].Err = living, err
			}
		}
	}
	for _, place := range places(records, o.catalog.reach(policy)) {
		g, err := o.surroundings(ctx, place, policy)
		for _, i := range place.members {
			switch {
			case err != nil:
				found[i].Err = err
			default:
				found[i].POI = holding(g.pois, records[i].Key)
				if found[i].POI != nil && policy.All() {
					o.remember(g.results, nil, []*providers.POI{found[i].POI})
				}
			}
		}
	}
	// A site takes its place by what searches say of it, and shows what was read
	// of it besides.
	o.refill(found, func(pois []*providers.POI) []*providers.POI { return o.renew(pois, known) })
	if whole {
		o.refill(found, func(pois []*providers.POI) []*providers.POI {
			filled, _ := o.fillIn(ctx, pois, policy)
			return filled
		})
	}
	for i := range found {
		if found[i].POI != nil {
			o.shown(found[i].POI)
		}
	}
	return found
}

// refill puts what fill makes of the POIs that were found in their place.
func (*Operation) refill(found []Found, fill func([]*providers.POI) []*providers.POI) {
	var pois []*providers.POI
	var at []int
	for i := range found {
		if found[i].POI != nil {
			pois, at = append(pois, found[i].POI), append(at, i)
		}
	}
	for n, p := range fill(pois) {
		found[at[n]].POI = p
	}
}

func (c *Catalog) reach(policy *providers.SourcePolicy) float64 {
	return conflate.Reach(len(c.wanted(policy)))
}

// holding returns the POI that has the record with key k.
func holding(pois []*providers.POI, k providers.Key) *providers.POI {
	for _, p := range pois {
		if slices.ContainsFunc(p.Members, func(r *providers.Record) bool { return r.Key == k }) {
			return p
		}
	}
	return nil
}

// RecordResult is a record, or why there is none: both nil when no source
// knows the key.
type RecordResult struct {
	Record *providers.Record
	Err    error

	read *reading // how a source that is asked over the network came to it; else nil
}

// Records returns the records with these keys: held ones at once, all others
// by one call per source.
func (o *Operation) Records(ctx context.Context, keys []providers.Key, policy *providers.SourcePolicy) []RecordResult {
	if policy != nil && policy.Timeout != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *policy.Timeout)
		defer cancel()
	}
	results := make([]RecordResult, len(keys))
	thunks := make([]dataloader.Thunk[*reading], len(keys))
	for i, k := range keys {
		p, ok := o.catalog.source(k.SourceID())
		if !ok || !policy.Wants(p.Source()) {
			continue
		}
		if holder, held := p.(providers.Holder); held {
			err := holder.Ready()
			o.noteHeld(p, err)
			results[i].Err = unavailable(p, err)
			results[i].Record, _ = holder.Record(k)
			continue
		}
		thunks[i] = o.details.Load(ctx, newDetailKey(k, policy))
	}
	for i, k := range keys {
		if thunks[i] == nil {
			continue
		}
		switch r, err := thunks[i](); {
		case errors.Is(err, errAbsent):
		case err != nil:
			results[i].Err = err
		default:
			results[i] = o.resultOf(k, r)
		}
	}
	return results
}

// resultOf returns what came of reading the record with key k.
func (o *Operation) resultOf(k providers.Key, r *reading) RecordResult {
	result := RecordResult{read: r}
	if len(r.records) > 0 {
		result.Record = r.records[0]
	} else if r.err != nil {
		p, _ := o.catalog.source(k.SourceID())
		result.Err = unavailable(p, r.err)
	}
	return result
}

// place is a box with records whose POIs are wanted.
type place struct {
	bounds  providers.Bounds
	members []int
	records []*providers.Record
}

// mergeWithinM is how far apart places may lie to be asked for as one: a few
// kilometres more in one box cost less than another call.
const mergeWithinM = 3000

// places gathers records that lie close together. Boxes never grow past a few
// times mergeWithinM, so that a chain of sites does not become a country.
func places(records []*providers.Record, reachM float64) []place {
	const maxSideDeg = 0.2
	var list []place
	for i, r := range records {
		if r == nil {
			continue
		}
		at := providers.Bounds{South: r.Location.Lat, North: r.Location.Lat, West: r.Location.Lon, East: r.Location.Lon}
		found := slices.IndexFunc(list, func(p place) bool {
			if !p.bounds.Grow(mergeWithinM + 2*reachM).Contains(r.Location) {
				return false
			}
			b := p.bounds.Extend(r.Location)
			return b.North-b.South <= maxSideDeg && b.WidthDeg() <= maxSideDeg
		})
		if found < 0 {
			list = append(list, place{bounds: at})
			found = len(list) - 1
		}
		p := &list[found]
		p.bounds = p.bounds.Extend(r.Location)
		p.members = append(p.members, i)
		p.records = append(p.records, r)
	}
	return list
}

// surroundings gathers what lies around a place, together with the records that
// are known there already.
func (o *Operation) surroundings(ctx context.Context, at place, policy *providers.SourcePolicy) (gathering, error) {
	return o.gatherFrom(ctx, at.bounds, nil, policy, at.records, o.spared())
}

// spared counts one more place that live sources are asked about, and returns
// which sources are not to be asked because there have been too many; nil: none.
func (o *Operation) spared() func(providers.Provider) bool {
	if o.neighbourhoods.Add(1) <= maxNeighbourhoods {
		return nil
	}
	return func(p providers.Provider) bool {
		_, held := p.(providers.Holder)
		return !held
	}
}

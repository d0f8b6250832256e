package loaders

import (
	"context"
	"slices"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// details are what was read of single records, by their keys.
type details map[providers.Key]RecordResult

// add notes what was read under k. A record may have another key than it was asked
// for by.
func (d details) add(k providers.Key, result RecordResult) {
	if result.Record != nil {
		k = result.Record.Key
	}
	d[k] = result
}

// accountDetails writes how the sources came to what was read of single records into
// their results. That a record was not asked for, because the operation had asked
// for enough of them, is told where it is missing; see Unfetched.
func (c *Catalog) accountDetails(results []providers.SourceResult, members []*providers.Record, told details) {
	for _, m := range members {
		r := told[m.Key].read
		if !m.Summary || r == nil || r.spared {
			continue
		}
		for i := range results {
			if results[i].Source == m.Source {
				c.account(&results[i], nil, r, false)
			}
		}
	}
}

// fillIn replaces the summaries among the members of pois by whole records, as
// fresh as policy wants them and as far as the operation's calls reach, first
// POIs first. A POI whose members stay summaries stays as it is but for its
// Results: POI.Summary tells. Who belongs to a POI is not decided anew. It returns
// what was read besides.
func (o *Operation) fillIn(ctx context.Context, pois []*providers.POI, policy *providers.SourcePolicy) ([]*providers.POI, details) {
	var keys []providers.Key
	for _, p := range pois {
		for _, r := range p.Members {
			if r.Summary {
				keys = append(keys, r.Key)
			}
		}
	}
	if len(keys) == 0 {
		return pois, nil
	}
	told := make(details, len(keys))
	for i, result := range o.Records(ctx, keys, policy) {
		told[keys[i]] = result
	}
	return o.renew(pois, told), told
}

// renew puts whole records in the place of summaries of them, and tells in the
// POIs' Results how they were come by.
func (o *Operation) renew(pois []*providers.POI, told details) []*providers.POI {
	filled := make([]*providers.POI, len(pois))
	for i, p := range pois {
		members := make([]*providers.Record, len(p.Members))
		read, changed := false, false
		for j, r := range p.Members {
			members[j] = r
			if !r.Summary {
				continue
			}
			result, asked := told[r.Key]
			read = read || asked && result.read != nil
			if w := result.Record; w != nil && !w.Summary {
				members[j], changed = w, true
			}
		}
		if read {
			renewed := *p
			renewed.Results = slices.Clone(p.Results)
			o.catalog.accountDetails(renewed.Results, p.Members, told)
			p = &renewed
		}
		filled[i] = p
		if changed {
			filled[i] = o.catalog.amend(conflate.Renew(p, members))
		}
	}
	return filled
}

// Unfetched tells of sources with a part in p of which only a summary is known:
// their comments and photos are missing from it.
func Unfetched(p *providers.POI) []providers.SourceResult {
	return lacking(p, func(r *providers.Record) *providers.SourceError {
		if r.Summary {
			return tooManyDetails()
		}
		return nil
	})
}

// UnfetchedComments tells of those too that have more comments than were read.
func UnfetchedComments(p *providers.POI) []providers.SourceResult {
	return lacking(p, func(r *providers.Record) *providers.SourceError {
		switch {
		case r.Summary:
			return tooManyDetails()
		case r.MoreComments:
			return &providers.SourceError{
				Code:    providers.CodeBudgetExhausted,
				Message: "the source has more comments on this site than are read for one answer; see the rest where it shows them",
			}
		}
		return nil
	})
}

// lacking returns what the sources contributed to p, PARTIAL where why names a
// reason for one of its members.
func lacking(p *providers.POI, why func(*providers.Record) *providers.SourceError) []providers.SourceResult {
	results := p.Sources()
	for i := range results {
		for _, r := range p.Members {
			if r.Source != results[i].Source {
				continue
			}
			err := why(r)
			if err == nil {
				continue
			}
			results[i].Outcome = providers.OutcomePartial
			if !r.Summary || results[i].Error == nil { // that it was asked for in vain says more
				results[i].Error = err
			}
		}
	}
	return results
}

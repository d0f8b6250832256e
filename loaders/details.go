package loaders

import (
	"context"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// fillIn replaces the summaries among the members of pois by whole records, as
// far as the operation's calls reach, first POIs first. A POI whose members stay
// summaries stays as it is: POI.Summary tells. Who belongs to a POI is not
// decided anew.
func (o *Operation) fillIn(ctx context.Context, pois []*providers.POI) []*providers.POI {
	var keys []providers.Key
	for _, p := range pois {
		for _, r := range p.Members {
			if r.Summary {
				keys = append(keys, r.Key)
			}
		}
	}
	if len(keys) == 0 {
		return pois
	}
	whole := make(map[providers.Key]*providers.Record, len(keys))
	for i, result := range o.Records(ctx, keys, nil) {
		if result.Record != nil && !result.Record.Summary {
			whole[keys[i]] = result.Record
		}
	}
	return o.renew(pois, whole)
}

// renew puts whole records in the place of summaries of them.
func (o *Operation) renew(pois []*providers.POI, whole map[providers.Key]*providers.Record) []*providers.POI {
	filled := make([]*providers.POI, len(pois))
	for i, p := range pois {
		filled[i] = p
		members := make([]*providers.Record, len(p.Members))
		changed := false
		for j, r := range p.Members {
			members[j] = r
			if w := whole[r.Key]; r.Summary && w != nil {
				members[j], changed = w, true
			}
		}
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
			if err := why(r); err != nil {
				results[i].Outcome, results[i].Error = providers.OutcomePartial, err
			}
		}
	}
	return results
}

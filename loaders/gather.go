package loaders

import (
	"context"
	"slices"
	"sync"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// gathering is what all sources together said about an area.
type gathering struct {
	pois    []*providers.POI // of the grown area, by id
	results []providers.SourceResult
}

// gather asks every source that policy wants for area, grown by the reach of
// matching, all at once and each under its own deadline, and merges what comes
// back. The results list every source of the catalog, by rank. It returns an
// *UnavailableError when a required source failed, and ctx.Err() when ctx ended.
func (o *Operation) gather(ctx context.Context, area providers.Area, filter *providers.Filter, policy *providers.SourcePolicy) (gathering, error) {
	return o.gatherFrom(ctx, area, filter, policy, nil, nil)
}

// gatherFrom is gather with records that are known already, and with sources
// that are not to be asked because that was done too often: their outcome is PARTIAL.
func (o *Operation) gatherFrom(ctx context.Context, area providers.Area, filter *providers.Filter, policy *providers.SourcePolicy,
	known []*providers.Record, spared func(providers.Provider) bool,
) (gathering, error) {
	c := o.catalog
	query := providers.Query{Area: area.Widen(conflate.Reach(len(c.wanted(policy)))), Filter: filter}
	results := make([]providers.SourceResult, len(c.sources))
	answers := make([]providers.Answer, len(c.sources))
	var wg sync.WaitGroup
	for i, p := range c.sources {
		results[i] = c.newResult(p, filter)
		switch {
		case !policy.Wants(p.Source()):
			results[i].Outcome = providers.OutcomeSkipped
			results[i].Cache = providers.CacheBypass
			results[i].UndecidedFilters = nil
			continue
		case spared != nil && spared(p):
			results[i].Outcome = providers.OutcomePartial
			results[i].Cache = providers.CacheBypass
			results[i].Error = &providers.SourceError{
				Code:    providers.CodeBudgetExhausted,
				Message: "too many places in one operation: the surroundings of this site were not asked for; ask for fewer ids at once",
			}
			continue
		}
		wg.Go(func() {
			limited, cancel := context.WithTimeout(ctx, c.timeoutFor(p.Source(), policy))
			defer cancel()
			answer, err := o.ask(limited, p, func(ctx context.Context) (providers.Answer, error) { return p.Search(ctx, query) })
			answers[i] = answer
			c.account(&results[i], filter, answer, err)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return gathering{}, err
	}
	records := slices.Clone(known)
	for i, p := range c.sources {
		if results[i].Error != nil && results[i].Outcome != providers.OutcomePartial && policy.Requires(p.Source()) {
			return gathering{}, &UnavailableError{Source: p.Source(), Err: results[i].Error}
		}
		records = append(records, answers[i].Records...)
	}
	records = slices.DeleteFunc(records, func(r *providers.Record) bool { return !filter.MatchRecord(r) })
	pois := c.rules.Load().Merge(records)
	for _, p := range pois {
		p.Results = results
	}
	return gathering{pois: pois, results: results}, nil
}

// newResult describes a source that has not answered yet.
func (c *Catalog) newResult(p providers.Provider, filter *providers.Filter) providers.SourceResult {
	result := providers.SourceResult{Source: p.Source(), Outcome: providers.OutcomeOK, Cache: providers.CacheMiss}
	if _, held := p.(providers.Holder); held {
		result.Cache = providers.CacheHit
	}
	result.UndecidedFilters = common(filter.Fields(), p.Source().Undecided)
	return result
}

// common returns what both lists name, in the order of the first.
func common(names, others []string) []string {
	var both []string
	for _, name := range names {
		if slices.Contains(others, name) {
			both = append(both, name)
		}
	}
	return both
}

// account writes an answer into the source's result.
func (c *Catalog) account(result *providers.SourceResult, filter *providers.Filter, answer providers.Answer, err *providers.SourceError) {
	if err != nil {
		result.Outcome, result.Error = err.Outcome(), err
		return
	}
	result.Truncated = answer.Truncated
	if slices.ContainsFunc(answer.Records, func(r *providers.Record) bool { return r.Summary }) {
		result.UndecidedFilters = append(result.UndecidedFilters, common(filter.Fields(), result.Source.UndecidedSummary)...)
	}
	result.Error = answer.Err
	if answer.Partial {
		result.Outcome = providers.OutcomePartial
	}
	if !answer.FetchedAt.IsZero() {
		result.FetchedAt = answer.FetchedAt
		result.AgeSeconds = new(max(0, c.now().Sub(answer.FetchedAt).Seconds()))
	}
}

// count sets Returned to how many records of each source are in pois.
func count(results []providers.SourceResult, pois []*providers.POI) []providers.SourceResult {
	counted := slices.Clone(results)
	for _, p := range pois {
		for _, r := range p.Members {
			for i := range counted {
				if counted[i].Source == r.Source {
					counted[i].Returned++
				}
			}
		}
	}
	return counted
}

// attributions returns what must be shown with pois, each line once: for every
// record what its source says of it, and the source's own line.
func attributions(pois []*providers.POI) []providers.Attribution {
	var list []providers.Attribution
	seen := make(map[providers.Attribution]bool)
	add := func(a *providers.Attribution) {
		if a != nil && a.Text != "" && !seen[*a] {
			seen[*a] = true
			list = append(list, *a)
		}
	}
	for _, p := range pois {
		for _, r := range p.Members {
			add(&r.Source.Attribution)
			add(r.Attribution)
		}
	}
	return list
}

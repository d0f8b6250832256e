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
	results := make([]providers.SourceResult, len(c.sources))
	for i, p := range c.sources {
		results[i] = c.newResult(p, filter)
		if !policy.Wants(p.Source()) {
			results[i].Outcome = providers.OutcomeSkipped
			results[i].Cache = providers.CacheBypass
			results[i].UndecidedFilters = nil
		}
	}
	g := &gatherer{operation: o, filter: filter, policy: policy, rules: *c.rules.Load(), results: results, known: make(map[providers.Key]bool), asked: make([]bool, len(c.sources))}
	if err := g.ask(ctx, area, spared, len(known) > 0); err != nil {
		return gathering{}, err
	}
	// What a search says of a record decides, here as in every viewport; what is
	// known of it besides may be more, and would decide otherwise.
	g.take(known)
	if err := g.askFar(ctx); err != nil {
		return gathering{}, err
	}
	pois := g.rules.Merge(g.records)
	c.merged.add(pois)
	for i, p := range pois {
		p.Results = results
		pois[i] = c.amend(p)
	}
	return gathering{pois: pois, results: results}, nil
}

// gatherer gathers the records that one question takes to decide.
type gatherer struct {
	operation *Operation
	filter    *providers.Filter
	policy    *providers.SourcePolicy
	rules     conflate.Rules
	results   []providers.SourceResult // one for each source of the catalog
	records   []*providers.Record
	known     map[providers.Key]bool // records by key
	asked     []bool                 // by source, as results
}

// take adds records that the filter lets take part, each once.
func (g *gatherer) take(records []*providers.Record) {
	for _, r := range records {
		if !g.known[r.Key] && g.filter.MatchRecord(r) {
			g.known[r.Key] = true
			g.records = append(g.records, r)
		}
	}
}

// ask asks every source that is wanted, and not spared, for area grown by the
// reach of matching, and takes what they answer. small says that area is what
// lies around sites that are known.
func (g *gatherer) ask(ctx context.Context, area providers.Area, spared func(providers.Provider) bool, small bool) error {
	c := g.operation.catalog
	query := providers.Query{Area: area.Widen(c.reach(g.policy)), Filter: g.filter}
	readings := make([]*reading, len(c.sources))
	var wg sync.WaitGroup
	for i, p := range c.sources {
		switch {
		case !g.policy.Wants(p.Source()):
			continue
		case spared != nil && spared(p):
			g.results[i].Outcome = providers.OutcomePartial
			g.results[i].Cache = providers.CacheBypass
			g.results[i].Error = &providers.SourceError{
				Code:    providers.CodeBudgetExhausted,
				Message: "too many places in one operation: the surroundings of a site were not asked for; ask for fewer at once",
			}
			continue
		}
		wg.Go(func() {
			limited, cancel := context.WithTimeout(ctx, c.timeoutFor(p.Source(), g.policy))
			defer cancel()
			readings[i] = g.operation.read(limited, p, query, g.policy, small)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, p := range c.sources {
		r := readings[i]
		if r == nil {
			continue
		}
		c.account(&g.results[i], g.filter, r, !g.asked[i])
		g.asked[i] = true
		if r.failed() && g.policy.Requires(p.Source()) {
			return &UnavailableError{Source: p.Source(), Err: r.err}
		}
		g.take(r.records)
	}
	return nil
}

// maxFarPlaces bounds how many places one question is taken to by equal ids far
// away. Every one is a search of each source; feeds have a handful in a city.
const maxFarPlaces = 100

// askFar asks for the surroundings of held records far away that share an id
// with one at hand, or are pinned to it, until there are none that are not known:
// only then do the records at hand decide as all records would.
func (g *gatherer) askFar(ctx context.Context) error {
	asked := 0
	for {
		if g.holdsAll() {
			return nil
		}
		far := g.rules.Far(g.records, g.alike)
		if len(far) == 0 {
			return nil
		}
		g.take(far)
		for _, at := range places(far, g.operation.catalog.reach(g.policy)) {
			if asked++; asked > maxFarPlaces {
				g.tooFar()
				return nil
			}
			if err := g.ask(ctx, at.bounds, g.operation.spared(), true); err != nil {
				return err
			}
		}
	}
}

// holdsAll reports whether every record that is held is at hand already.
func (g *gatherer) holdsAll() bool {
	held := 0
	for _, p := range g.operation.catalog.sources {
		if holder, ok := p.(providers.Holder); ok && g.policy.Wants(p.Source()) {
			held += holder.Len()
		}
	}
	for _, r := range g.records {
		if r.Source.Held {
			held--
		}
	}
	return held <= 0
}

// alike returns the records of other held sources that may name the same
// equipment as r, or that people have pinned to it.
func (g *gatherer) alike(r *providers.Record) []*providers.Record {
	var found []*providers.Record
	for _, p := range g.operation.catalog.sources {
		finder, ok := p.(providers.AlikeFinder)
		if !ok || p.Source() == r.Source || !g.policy.Wants(p.Source()) {
			continue
		}
		found = append(found, finder.Alike(r)...)
		for _, k := range g.rules.Overrides.PinnedTo(r.Key) {
			if pinned, held := finder.Record(k); held {
				found = append(found, pinned)
			}
		}
	}
	return slices.DeleteFunc(found, func(r *providers.Record) bool { return !g.filter.MatchRecord(r) })
}

// tooFar says of the held sources that what is far away was not followed to its end.
func (g *gatherer) tooFar() {
	for i := range g.results {
		if r := &g.results[i]; r.Source.Held && r.Outcome == providers.OutcomeOK {
			r.Outcome = providers.OutcomePartial
			r.Error = &providers.SourceError{
				Code:    providers.CodeAreaTooLarge,
				Message: "too many sites share ids with sites far away: some of those were not looked at, and sites of several sources may show as two",
			}
		}
	}
}

// newResult describes a source that has not answered yet.
func (c *Catalog) newResult(p providers.Provider, filter *providers.Filter) providers.SourceResult {
	result := providers.SourceResult{Source: p.Source(), Outcome: providers.OutcomeOK, Cache: providers.CacheMiss}
	if _, held := p.(providers.Holder); held {
		result.Cache = providers.CacheBypass
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

// account writes what a source answered, or why it did not, into its result.
// Of several answers to one question the worst outcome and the oldest data count.
// first says that it is the first of them.
func (c *Catalog) account(result *providers.SourceResult, filter *providers.Filter, r *reading, first bool) {
	switch had := !result.FetchedAt.IsZero(); {
	case first, r.failed() && !had:
		result.Outcome, result.Error = r.outcome, r.err
	case r.failed(): // another answer was had
		result.Outcome, result.Error = providers.OutcomePartial, r.err
	case !had: // another was not
		result.Outcome = providers.OutcomePartial
	case worse(r.outcome, result.Outcome):
		result.Outcome, result.Error = r.outcome, r.err
	case result.Error == nil:
		result.Error = r.err
	}
	if c.places.shelves[result.Source.ID] != nil {
		result.Cache = combined(r.state, result.Cache, first)
	}
	if r.failed() {
		return
	}
	result.Truncated = result.Truncated || r.truncated
	if slices.ContainsFunc(r.records, func(r *providers.Record) bool { return r.Summary }) {
		for _, name := range common(filter.Fields(), result.Source.UndecidedSummary) {
			if !slices.Contains(result.UndecidedFilters, name) {
				result.UndecidedFilters = append(result.UndecidedFilters, name)
			}
		}
	}
	if at := r.fetchedAt; !at.IsZero() && (result.FetchedAt.IsZero() || at.Before(result.FetchedAt)) {
		result.FetchedAt = at
		result.AgeSeconds = new(max(0, c.now().Sub(at).Seconds()))
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

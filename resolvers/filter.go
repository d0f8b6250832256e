package resolvers

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"chargegraph/loaders"
	"chargegraph/providers"
)

// The limits of filters.
const (
	maxListEntries = 500
	maxTextRunes   = 200
	maxNotDepth    = 5
	maxRating      = 5
)

// checkFilter checks a filter and completes it. Numbers need no upper bound:
// a power that no charger has matches nothing.
func checkFilter(ctx context.Context, at argument, f *providers.Filter) error {
	return checkNested(ctx, at, f, 0)
}

func checkNested(ctx context.Context, at argument, f *providers.Filter, depth int) error {
	if f == nil {
		return nil
	}
	if depth > maxNotDepth {
		return at.refuse(ctx, "`not` may be nested at most %d deep", maxNotDepth)
	}
	for _, list := range []struct {
		name string
		n    int
	}{
		{"connections", len(f.Connections)},
		{"operatorIds", len(f.OperatorIDs)},
		{"excludeOperatorIds", len(f.ExcludeOperatorIDs)},
		{"usage", len(f.Usage)},
		{"usageTypeIds", len(f.UsageTypeIDs)},
		{"status", len(f.Status)},
		{"statusTypeIds", len(f.StatusTypeIDs)},
		{"availability", len(f.Availability)},
		{"cost", len(f.Cost)},
		{"amenities", len(f.Amenities)},
		{"countries", len(f.Countries)},
		{"dataProviderIds", len(f.DataProviderIDs)},
		{"providers", len(f.Providers)},
	} {
		if err := checkLength(ctx, at.in(list.name), list.n); err != nil {
			return err
		}
	}
	if err := checkOperatorIDs(ctx, at.in("operatorIds"), f.OperatorIDs); err != nil {
		return err
	}
	if err := checkOperatorIDs(ctx, at.in("excludeOperatorIds"), f.ExcludeOperatorIDs); err != nil {
		return err
	}
	for i := range f.Connections {
		if err := checkConnection(ctx, at.in("connections").in(i), &f.Connections[i]); err != nil {
			return err
		}
	}
	if f.MinPoints != nil && *f.MinPoints < 0 {
		return at.in("minPoints").refuse(ctx, "must not be below 0")
	}
	if f.MinRating != nil && (*f.MinRating < 0 || *f.MinRating > maxRating) {
		return at.in("minRating").refuse(ctx, "must be between 0 and %d", maxRating)
	}
	if n := utf8.RuneCountInString(f.Text); n > maxTextRunes {
		return at.in("text").refuse(ctx, "at most %d characters; this has %d", maxTextRunes, n)
	}
	f.Text = strings.TrimSpace(f.Text)
	if depth > 0 && (f.OpenData != nil || len(f.DataProviderIDs) > 0) {
		return at.refuse(ctx, "openData and dataProviderIds choose records before they are merged and cannot stand under `not`; openData: false keeps the others")
	}
	return checkNested(ctx, at.in("not"), f.Not, depth+1)
}

func checkConnection(ctx context.Context, at argument, c *providers.ConnectionMatch) error {
	for _, list := range []struct {
		name string
		n    int
	}{
		{"types", len(c.Types)},
		{"connectionTypeIds", len(c.ConnectionTypeIDs)},
		{"formats", len(c.Formats)},
		{"current", len(c.Current)},
		{"level", len(c.Level)},
		{"availability", len(c.Availability)},
	} {
		if err := checkLength(ctx, at.in(list.name), list.n); err != nil {
			return err
		}
	}
	if c.MinPowerKW != nil && *c.MinPowerKW < 0 {
		return at.in("minPowerKw").refuse(ctx, "must not be below 0")
	}
	if c.MaxPowerKW != nil && *c.MaxPowerKW < 0 {
		return at.in("maxPowerKw").refuse(ctx, "must not be below 0")
	}
	if c.MinPowerKW != nil && c.MaxPowerKW != nil && *c.MinPowerKW > *c.MaxPowerKW {
		return at.in("minPowerKw").refuse(ctx, "must not be above maxPowerKw")
	}
	return nil
}

func checkOperatorIDs(ctx context.Context, at argument, ids []string) error {
	for i, text := range ids {
		if _, err := parseIDOf(ctx, at.in(i), text, providers.KindOperator, "an operator, for example operator:ocm:5"); err != nil {
			return err
		}
	}
	return nil
}

func checkLength(ctx context.Context, at argument, n int) error {
	if n > maxListEntries {
		return at.refuse(ctx, "at most %d entries; this has %d", maxListEntries, n)
	}
	return nil
}

// checkPolicy checks a source policy against the sources there are.
func checkPolicy(ctx context.Context, at argument, p *providers.SourcePolicy) error {
	if p == nil {
		return nil
	}
	sources := loaders.OperationFrom(ctx).Catalog().Sources()
	for _, list := range []struct {
		name string
		ids  []string
	}{{"includeIds", p.IncludeIDs}, {"excludeIds", p.ExcludeIDs}, {"requireIds", p.RequireIDs}} {
		if err := checkLength(ctx, at.in(list.name), len(list.ids)); err != nil {
			return err
		}
		for i, id := range list.ids {
			if !slices.ContainsFunc(sources, func(s *providers.Source) bool { return s.NodeID() == id }) {
				return at.in(list.name).in(i).refuse(ctx, "no source has this id; `sources { id }` lists them")
			}
		}
	}
	for _, list := range []struct {
		name  string
		codes []providers.ProviderCode
	}{{"include", p.Include}, {"exclude", p.Exclude}, {"require", p.Require}} {
		if err := checkLength(ctx, at.in(list.name), len(list.codes)); err != nil {
			return err
		}
	}
	for _, s := range sources {
		if p.Requires(s) && !p.Wants(s) {
			return at.refuse(ctx, "source %s is required but not asked: it is excluded, or include leaves it out", s.NodeID())
		}
	}
	for i, code := range p.Require {
		if !slices.ContainsFunc(sources, func(s *providers.Source) bool { return s.Provider == code }) {
			return at.in("require").in(i).refuse(ctx, "no source of this provider is configured")
		}
	}
	if p.Timeout != nil && (*p.Timeout <= 0 || *p.Timeout > loaders.MaxTimeout) {
		return at.in("timeout").refuse(ctx, "must be above PT0S and at most PT%dS", int(loaders.MaxTimeout.Seconds()))
	}
	return nil
}

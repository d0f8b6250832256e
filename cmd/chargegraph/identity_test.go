package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// everyRecord reads all that a source holds, by boxes small enough to be had whole.
func everyRecord(t *testing.T, p providers.Provider) []*providers.Record {
	t.Helper()
	var table *providers.Reference
	if referenced, ok := p.(providers.Referenced); ok {
		var err error
		if table, err = referenced.Reference(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	byKey := make(map[providers.Key]*providers.Record)
	var read func(providers.Bounds)
	read = func(b providers.Bounds) {
		answer, err := p.Search(t.Context(), providers.Query{Area: b})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Truncated || answer.Partial {
			lat, lon := (b.South+b.North)/2, (b.West+b.East)/2
			for _, quarter := range []providers.Bounds{
				{South: b.South, North: lat, West: b.West, East: lon},
				{South: b.South, North: lat, West: lon, East: b.East},
				{South: lat, North: b.North, West: b.West, East: lon},
				{South: lat, North: b.North, West: lon, East: b.East},
			} {
				read(quarter)
			}
			return
		}
		if table != nil {
			p.(providers.Referenced).Join(table, answer.Records) //nolint:errcheck,forcetypeassert // it gave the table
		}
		for _, r := range answer.Records {
			byKey[r.Key] = r
		}
	}
	read(providers.Bounds{South: 45, North: 62, West: -10, East: 20})
	list := make([]*providers.Record, 0, len(byKey))
	for _, r := range byKey {
		list = append(list, r)
	}
	return list
}

func members(p *providers.POI) string {
	var keys []string
	for _, r := range p.Members {
		keys = append(keys, string(r.Key))
	}
	return strings.Join(keys, " ")
}

// TestASiteIsTheSameWhereverOneLooks compares what questions to the graph say
// with the rule applied to everything that all sources have: in viewports of all
// sizes, with filters on, with some of the sources, and by every key.
func TestASiteIsTheSameWhereverOneLooks(t *testing.T) {
	t.Parallel()
	g := newGraphOver(t)
	var all []*providers.Record
	for _, p := range g.providers {
		all = append(all, everyRecord(t, p)...)
	}
	random := rand.New(rand.NewPCG(4, 11))
	codes := []providers.ProviderCode{providers.OCM, providers.PlugShare, providers.OCPI, providers.OCPPLAB}
	filters := []*providers.Filter{
		{IncludePlanned: new(true)},
		{Connections: []providers.ConnectionMatch{{MinPowerKW: new(50.0)}}},
		{Not: &providers.Filter{Providers: []providers.ProviderCode{providers.OCM}}},
	}
	merged := 0
	for range 40 {
		include := slices.DeleteFunc(slices.Clone(codes), func(providers.ProviderCode) bool { return random.IntN(3) == 0 })
		if len(include) == 0 {
			include = codes
		}
		policy := &providers.SourcePolicy{Include: include}
		some := slices.DeleteFunc(slices.Clone(all), func(r *providers.Record) bool { return !policy.Wants(r.Source) })
		whole := conflate.Rules{FarLinks: true}.Merge(some)
		for range 10 {
			view := providers.BoundsOf([]providers.Point{some[random.IntN(len(some))].Location}).Grow(50 + 4000*random.Float64()*random.Float64())
			filter := filters[random.IntN(len(filters))]
			want := []string{}
			for _, p := range whole {
				if view.Contains(p.Location) && filter.Match(p) {
					want = append(want, members(p))
					if len(p.Members) > 1 {
						merged++
					}
				}
			}
			page, err := g.catalog.Begin().Search(t.Context(), loaders.Question{Area: view, Filter: filter, First: 500, Policy: policy})
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, e := range page.Edges {
				got = append(got, members(e.POI))
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%v in %v mismatch (-all records +viewport):\n%s", include, view, diff)
			}
		}
	}
	if merged < 100 {
		t.Errorf("%d sites of several records were met: these viewports prove little", merged)
	}

	whole := make(map[providers.Key]string)
	for _, p := range (conflate.Rules{FarLinks: true}).Merge(all) {
		for _, r := range p.Members {
			whole[r.Key] = members(p)
		}
	}
	for range 60 {
		k := all[random.IntN(len(all))].Key
		found := g.catalog.Begin().POIs(t.Context(), []providers.Key{k}, nil, false)[0]
		switch {
		case found.Err != nil || found.POI == nil:
			t.Errorf("%s lives and does not resolve: %v", k, found.Err)
		case members(found.POI) != whole[k]:
			t.Errorf("%s resolves to %s, want %s", k, members(found.POI), whole[k])
		}
	}
}

package loaders_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/store"
)

// site is a record in the making.
type site struct {
	key  providers.Key
	at   providers.Point
	evse string // of its only EVSE
	ref  string // the operator's
}

func recordsOf(info *providers.Source, sites []site) []*providers.Record {
	var records []*providers.Record
	for _, s := range sites {
		r := &providers.Record{Key: s.key, Source: info, OperatorReference: s.ref, FetchedAt: time.Unix(1, 0)}
		r.Title, r.Location, r.Status = string(s.key), s.at, providers.StatusOperational
		if s.evse != "" {
			r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: s.evse}}
		}
		r.Seal()
		records = append(records, r)
	}
	return records
}

// holding returns a source that holds the sites.
func holding(t *testing.T, code providers.ProviderCode, sites ...site) providers.Provider {
	t.Helper()
	info := &providers.Source{ID: providers.NewSourceID(code, ""), Provider: code}
	held := new(store.Store)
	source := store.NewSource(info, held)
	if _, err := held.Replace(recordsOf(info, sites), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	return source
}

// asked returns a source that is asked over the network for the sites.
func asked(code providers.ProviderCode, sites ...site) *fake {
	f := newFake(code)
	records := recordsOf(f.source, sites)
	f.search = func(_ context.Context, q providers.Query) (providers.Answer, error) {
		a := providers.Answer{FetchedAt: time.Unix(2, 0)}
		for _, r := range records {
			if q.Area.Holds(&r.Site) {
				a.Records = append(a.Records, r)
			}
		}
		return a, nil
	}
	return f
}

// told returns the members of every POI in area.
func told(t *testing.T, catalog *loaders.Catalog, area providers.Area) []string {
	t.Helper()
	page, err := catalog.Begin().Search(t.Context(), loaders.Question{Area: area, First: 500})
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range page.Edges {
		text := ""
		for _, r := range e.POI.Members {
			text += " " + string(r.Key)
		}
		list = append(list, text[1:])
	}
	slices.Sort(list)
	return list
}

func catalogOf(t *testing.T, sources ...providers.Provider) *loaders.Catalog {
	t.Helper()
	catalog, err := loaders.New(loaders.Config{}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func TestOneEVSEFarApartIsOneSiteWhileBothRecordsAreHeld(t *testing.T) {
	t.Parallel()
	gate := providers.Point{Lat: 52, Lon: 5}
	office := providers.Point{Lat: 52.03, Lon: 5} // 3.3 km off
	feed := site{key: "ocpi:NL*ABC*L1", at: gate, evse: "NL*ABC*E1"}
	map1 := site{key: "ocm:1", at: office, ref: "NL-ABC-E1"}
	beside := site{key: "plugshare:9~1", at: office}

	t.Run("wherever one looks", func(t *testing.T) {
		t.Parallel()
		catalog := catalogOf(t, holding(t, providers.OCPI, feed), holding(t, providers.OCM, map1), asked(providers.PlugShare, beside))
		whole := told(t, catalog, providers.World())
		var seen []string
		for _, p := range []providers.Point{gate, office} {
			seen = append(seen, told(t, catalog, providers.Around{Center: p, RadiusM: 200})...)
		}
		slices.Sort(seen)
		if diff := cmp.Diff(whole, seen); diff != "" {
			t.Errorf("two viewports and the whole map mismatch (-map +viewports):\n%s", diff)
		}
		if !slices.ContainsFunc(whole, func(m string) bool { return strings.HasPrefix(m, "ocpi:NL*ABC*L1 ocm:1") }) {
			t.Errorf("the two records are not one site: %v", whole)
		}
		for _, k := range []providers.Key{feed.key, map1.key} {
			found := catalog.Begin().POIs(t.Context(), []providers.Key{k}, nil, false)[0]
			if found.Err != nil || found.POI == nil || found.POI.ID() != "poi:ocpi:NL*ABC*L1" {
				t.Errorf("%s resolves to %v, %v", k, found.POI, found.Err)
			}
		}
	})
	t.Run("but not while one is asked over the network", func(t *testing.T) {
		t.Parallel()
		catalog := catalogOf(t, holding(t, providers.OCPI, feed), asked(providers.OCM, map1))
		want := []string{"ocm:1", "ocpi:NL*ABC*L1"}
		if diff := cmp.Diff(want, told(t, catalog, providers.World())); diff != "" {
			t.Errorf("mismatch (-want +got):\n%s", diff)
		}
	})
	t.Run("and not in a question that leaves one of them out", func(t *testing.T) {
		t.Parallel()
		catalog := catalogOf(t, holding(t, providers.OCPI, feed), holding(t, providers.OCM, map1))
		found := catalog.Begin().POIs(t.Context(), []providers.Key{map1.key}, &providers.SourcePolicy{Include: []providers.ProviderCode{providers.OCM}}, false)[0]
		if found.POI == nil || found.POI.ID() != "poi:ocm:1" {
			t.Errorf("resolves to %v, %v", found.POI, found.Err)
		}
	})
}

// Two held sources and one that is asked; their records stand in four towns and
// share ids at random, within a town and between towns.
func TestAViewportShowsWhatTheWholeMapShowsThoughIDsReachFar(t *testing.T) {
	t.Parallel()
	reached := 0
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 8))
		var sites [3][]site
		for town := range 4 {
			for i := range 25 {
				at := providers.Point{Lat: 52 + 0.06*float64(town) + 0.008*random.Float64(), Lon: 5 + 0.012*random.Float64()}
				s := site{at: at}
				if random.IntN(3) == 0 {
					s.evse = fmt.Sprintf("NL*ABC*E%d", random.IntN(40))
				}
				of := random.IntN(3)
				s.key = providers.NewKey([]providers.SourceID{"ocpi", "ocm", "plugshare"}[of], fmt.Sprintf("%d%02d", town, i))
				sites[of] = append(sites[of], s)
			}
		}
		catalog := catalogOf(t, holding(t, providers.OCPI, sites[0]...), holding(t, providers.OCM, sites[1]...), asked(providers.PlugShare, sites[2]...))
		page, err := catalog.Begin().Search(t.Context(), loaders.Question{Area: providers.World(), First: 500})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			at := page.Edges[random.IntN(len(page.Edges))].POI.Location
			view := providers.BoundsOf([]providers.Point{at}).Grow(50 + 600*random.Float64())
			want := []string{}
			for _, e := range page.Edges {
				if !view.Contains(e.POI.Location) {
					continue
				}
				text := ""
				for _, r := range e.POI.Members {
					text += " " + string(r.Key)
					if e.POI.Members[0].Location.DistanceM(r.Location) > 1000 {
						reached++
					}
				}
				want = append(want, text[1:])
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, told(t, catalog, view)); diff != "" {
				t.Fatalf("seed %d, %v mismatch (-map +viewport):\n%s", seed, view, diff)
			}
		}
	}
	if reached == 0 {
		t.Error("no site has members far apart: these worlds prove nothing")
	}
}

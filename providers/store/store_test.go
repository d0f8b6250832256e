package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

func TestTheZeroStoreIsEmptyAndReady(t *testing.T) {
	t.Parallel()
	var s store.Store
	if _, ok := s.Get("ocm:1"); ok || s.Len() != 0 || !s.AsOf().IsZero() {
		t.Errorf("Len() = %d, AsOf() = %v, want an empty store", s.Len(), s.AsOf())
	}
	wantKeys(t, s.Search(providers.World()))
	if err := s.Apply([]*providers.Record{record("1", 52, 4, "NL")}, nil); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s.Search(providers.World()), "ocm:1")
}

func TestApply(t *testing.T) {
	t.Parallel()
	old, moved := record("1", 52, 4, "NL"), record("1", -33, 151, "AU")

	t.Run("PutsARecordInThePlaceOfTheOneWithItsKey", func(t *testing.T) {
		t.Parallel()
		s := filled(t, []*providers.Record{old, record("2", 52, 4, "NL")})
		if err := s.Apply([]*providers.Record{moved}, nil); err != nil {
			t.Fatal(err)
		}
		if r, ok := s.Get("ocm:1"); !ok || r != moved {
			t.Errorf("Get() = %v, %v, want the new record", r, ok)
		}
		wantKeys(t, s.Search(providers.Around{Center: old.Location, RadiusM: 10}), "ocm:2")
		wantKeys(t, s.Search(providers.Around{Center: moved.Location, RadiusM: 10}), "ocm:1")
		wantKeys(t, s.Search(providers.InCountry{Code: "NL"}), "ocm:2")
		wantKeys(t, s.Search(providers.InCountry{Code: "AU"}), "ocm:1")
	})
	t.Run("RemovesBeforeItPuts", func(t *testing.T) {
		t.Parallel()
		s := filled(t, []*providers.Record{old})
		if err := s.Apply([]*providers.Record{moved}, []providers.Key{"ocm:1"}); err != nil {
			t.Fatal(err)
		}
		if r, ok := s.Get("ocm:1"); !ok || r != moved {
			t.Errorf("Get() = %v, %v, want the record that was put", r, ok)
		}
	})
	t.Run("DoesNotMindKeysThatAreNotHeld", func(t *testing.T) {
		t.Parallel()
		s := filled(t, []*providers.Record{old})
		if err := s.Apply(nil, []providers.Key{"ocm:77", ""}); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, s.Search(providers.World()), "ocm:1")
	})
	t.Run("KeepsTheTimeUntilToldAnother", func(t *testing.T) {
		t.Parallel()
		s, noon := new(store.Store), time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
		s.SetAsOf(noon)
		if err := s.Apply([]*providers.Record{old}, nil); err != nil {
			t.Fatal(err)
		}
		if !s.AsOf().Equal(noon) || s.Len() != 1 {
			t.Errorf("AsOf() = %v with %d records, want %v with 1", s.AsOf(), s.Len(), noon)
		}
		s.SetAsOf(noon.Add(time.Hour))
		if !s.AsOf().Equal(noon.Add(time.Hour)) || s.Len() != 1 {
			t.Errorf("AsOf() = %v with %d records, want %v with 1", s.AsOf(), s.Len(), noon.Add(time.Hour))
		}
	})
}

func TestARecordWithoutAValidPositionIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]*providers.Record{
		"BeyondThePole":         record("bad", 90.0001, 0, ""),
		"BeyondTheAntimeridian": record("bad", 0, -180.0001, ""),
		"NotANumber":            record("bad", math.NaN(), 0, ""),
		"Infinite":              record("bad", 0, math.Inf(1), ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, []*providers.Record{record("1", 52, 4, "")})
			batch := []*providers.Record{record("2", 52, 4, ""), bad}
			check := func(what string, err error) {
				t.Helper()
				var refused *store.PositionError
				if !errors.As(err, &refused) || refused.Key != "ocm:bad" || !strings.Contains(err.Error(), "ocm:bad") {
					t.Errorf("%s returned %v, want a PositionError that names ocm:bad", what, err)
				}
				wantKeys(t, s.Search(providers.World()), "ocm:1")
			}
			check("Apply()", s.Apply(batch, []providers.Key{"ocm:1"}))
			_, err := s.Replace(batch, time.Time{})
			check("Replace()", err)

			l := s.NewLoader()
			check("Add()", errors.Join(l.Add(batch[0]), l.Add(batch[1])))
			if got := l.Commit(time.Time{}); got != (store.Loaded{Records: 1}) {
				t.Errorf("Commit() = %+v after a refusal, want the other record alone", got)
			}
			wantKeys(t, s.Search(providers.World()), "ocm:2")
		})
	}
}

func TestLoader(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	s := filled(t, []*providers.Record{record("old", 1, 1, "NL")})
	l := s.NewLoader()
	last := record("1", 3, 3, "DE")
	for _, r := range []*providers.Record{record("1", 1, 1, "NL"), record("2", 2, 2, "NL"), record("1", 2, 2, "NL"), last} {
		if err := l.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, s.Search(providers.World()), "ocm:old") // nobody sees an import before its end

	want := store.Loaded{Records: 2, Duplicates: 2}
	if diff := cmp.Diff(want, l.Commit(noon)); diff != "" {
		t.Errorf("Commit() mismatch (-want +got):\n%s", diff)
	}
	wantKeys(t, s.Search(providers.World()), "ocm:1", "ocm:2")
	wantKeys(t, s.Search(providers.InCountry{Code: "DE"}), "ocm:1")
	if r, _ := s.Get("ocm:1"); r != last || !s.AsOf().Equal(noon) {
		t.Errorf("Get() = %v as of %v, want the last duplicate as of %v", r, s.AsOf(), noon)
	}

	// The loader starts from nothing again, and what it gave away stays as it is.
	if err := l.Add(record("3", 3, 3, "")); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s.Search(providers.World()), "ocm:1", "ocm:2")
	if diff := cmp.Diff(store.Loaded{Records: 1}, l.Commit(noon)); diff != "" {
		t.Errorf("second Commit() mismatch (-want +got):\n%s", diff)
	}
	wantKeys(t, s.Search(providers.World()), "ocm:3")
}

// model is a store as a child would write it.
type model map[providers.Key]*providers.Record

func (m model) records() []*providers.Record { return slices.Collect(maps.Values(m)) }

func TestAStoreBehavesLikeAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s store.Store
		want := model{}
		// Few keys, so that many are put and removed again.
		key := rapid.Map(rapid.IntRange(0, 40), strconv.Itoa)
		someone := rapid.Custom(func(t *rapid.T) *providers.Record {
			p := places().Draw(t, "place")
			return record(key.Draw(t, "key"), p.Lat, p.Lon, countryCodes().Draw(t, "country"))
		})
		t.Repeat(map[string]func(*rapid.T){
			"Apply": func(t *rapid.T) {
				put := rapid.SliceOfN(someone, 0, 60).Draw(t, "put")
				var remove []providers.Key
				for _, external := range rapid.SliceOfN(key, 0, 20).Draw(t, "remove") {
					remove = append(remove, providers.NewKey("ocm", external))
				}
				if err := s.Apply(put, remove); err != nil {
					t.Fatal(err)
				}
				for _, k := range remove {
					delete(want, k)
				}
				for _, r := range put {
					want[r.Key] = r
				}
			},
			"RemoveAll": func(t *rapid.T) {
				if err := s.Apply(nil, slices.Collect(maps.Keys(want))); err != nil {
					t.Fatal(err)
				}
				clear(want)
			},
			"Replace": func(t *rapid.T) {
				put := rapid.SliceOfN(someone, 0, 60).Draw(t, "put")
				sum, err := s.Replace(put, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				clear(want)
				for _, r := range put {
					want[r.Key] = r
				}
				if diff := cmp.Diff(store.Loaded{Records: len(want), Duplicates: len(put) - len(want)}, sum); diff != "" {
					t.Errorf("Replace() mismatch (-want +got):\n%s", diff)
				}
			},
			"RefusedApply": func(t *rapid.T) {
				bad := append(rapid.SliceOfN(someone, 0, 5).Draw(t, "put"), record("bad", 91, 0, ""))
				if err := s.Apply(bad, slices.Collect(maps.Keys(want))); err == nil {
					t.Error("Apply() took a record without a valid position")
				}
			},
			"": func(t *rapid.T) {
				if s.Len() != len(want) {
					t.Errorf("Len() = %d, want %d", s.Len(), len(want))
				}
				for i := range 41 {
					k := providers.NewKey("ocm", strconv.Itoa(i))
					if r, ok := s.Get(k); r != want[k] || ok != (want[k] != nil) {
						t.Errorf("Get(%s) = %v, %v, want %v", k, r, ok, want[k])
					}
				}
				wantKeys(t, s.Search(providers.World()), slices.Collect(maps.Keys(want))...)
				area := areas().Draw(t, "area")
				if _, isRoute := area.(*providers.Route); !isRoute {
					wantKeys(t, s.Search(area), keys(scan(want.records(), area))...)
				}
			},
		})
	})
}

// Every change moves all sites to another place, into another country, and
// gives them a new title. A reader that saw half of one would find two titles,
// or too many sites, or too few.
func TestReadersSeeEachChangeWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	const sites, changes = 300, 60
	generation := func(g int) []*providers.Record {
		records := make([]*providers.Record, sites)
		for i := range records {
			lat, lon, country := 52+float64(i%17)/100, 4+float64(i/17)/100, "NL"
			if g%2 == 1 {
				lat, lon, country = -lat, -lon, "CL"
			}
			records[i] = record(strconv.Itoa(i), lat, lon, country)
			records[i].Title = "generation " + strconv.Itoa(g)
		}
		return records
	}
	s := filled(t, generation(0))
	look := func(what string, found []*providers.Record, whole bool) error {
		for _, r := range found {
			if r.Title != found[0].Title {
				return fmt.Errorf("%s mixes %q and %q", what, found[0].Title, r.Title)
			}
		}
		if n := len(found); n != sites && (whole || n != 0) {
			return fmt.Errorf("%s found %d sites, want %d", what, n, sites)
		}
		return nil
	}

	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := errors.Join(
					look("the world", s.Search(providers.World()), true),
					look("the north", s.Search(providers.Bounds{South: 0, West: -180, North: 90, East: 180}), false),
					look("NL", s.Search(providers.InCountry{Code: "NL", MarginM: 500}), false),
				); err != nil {
					t.Error(err)
					return
				}
				if r, ok := s.Get("ocm:7"); !ok || r.Key != "ocm:7" || s.Len() != sites {
					t.Errorf("Get() = %v, %v among %d", r, ok, s.Len())
					return
				}
			}
		})
	}
	before := s.Search(providers.World())
	for g := 1; g <= changes; g++ {
		switch records := generation(g); g % 3 {
		case 0:
			if _, err := s.Replace(records, time.Time{}); err != nil {
				t.Error(err)
			}
		case 1:
			if err := s.Apply(records, nil); err != nil {
				t.Error(err)
			}
		case 2:
			if err := s.Apply(records, keys(records)); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	readers.Wait()
	if err := look("an old answer", before, true); err != nil || before[0].Title != "generation 0" {
		t.Errorf("an old answer changed: %v", err)
	}
}

func TestWritersLoseNothingToEachOther(t *testing.T) {
	t.Parallel()
	var s store.Store
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 50 {
				r := record(fmt.Sprintf("%d-%d", w, i), float64(w), float64(i), "NL")
				if err := s.Apply([]*providers.Record{r}, nil); err != nil {
					t.Error(err)
				}
				s.SetAsOf(time.Unix(int64(i), 0))
			}
		})
	}
	writers.Wait()
	if n := len(s.Search(providers.World())); n != 200 || s.Len() != 200 {
		t.Errorf("found %d of %d records, want 200", n, s.Len())
	}
}

package store_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

var (
	_ providers.Provider   = (*store.Source)(nil)
	_ providers.Holder     = (*store.Source)(nil)
	_ providers.Provider   = (*store.ReferencedSource)(nil)
	_ providers.Holder     = (*store.ReferencedSource)(nil)
	_ providers.Referenced = (*store.ReferencedSource)(nil)
)

var noon = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

func many(n int) []*providers.Record {
	records := make([]*providers.Record, n)
	for i := range records {
		records[i] = record(strconv.Itoa(i), 50+float64(i%100)/50, 4+float64(i/100)/50, "NL")
	}
	return records
}

func TestSource(t *testing.T) {
	t.Parallel()
	info := &providers.Source{ID: "ocpi:ndw", Provider: providers.OCPI}
	s := new(store.Store)
	source := store.NewSource(info, s)
	if _, err := s.Replace([]*providers.Record{record("1", 52, 4, "NL"), record("2", 40, 4, "ES")}, noon); err != nil {
		t.Fatal(err)
	}

	t.Run("AnswersWholeAndSaysHowOldItsDataIs", func(t *testing.T) {
		t.Parallel()
		answer, err := source.Search(t.Context(), providers.Query{Area: providers.Bounds{South: 50, West: 3, North: 53, East: 5}})
		if err != nil {
			t.Fatal(err)
		}
		wantKeys(t, answer.Records, "ocm:1")
		if !answer.FetchedAt.Equal(noon) || answer.Truncated || answer.Partial || answer.Err != nil {
			t.Errorf("Search() = %+v, want a whole answer of noon", answer)
		}
	})
	t.Run("HoldsItsRecords", func(t *testing.T) {
		t.Parallel()
		if source.Source() != info || source.Len() != 2 || *info.RecordCount() != 2 {
			t.Errorf("Len() = %d, RecordCount() = %d, want 2", source.Len(), *info.RecordCount())
		}
		if r, ok := source.Record("ocm:2"); !ok || r.Key != "ocm:2" {
			t.Errorf("Record() = %v, %v", r, ok)
		}
		if _, ok := source.Record("ocm:3"); ok {
			t.Error("Record() found what is not held")
		}
	})
	t.Run("HasNoReferenceTableUnlessGivenOne", func(t *testing.T) {
		t.Parallel()
		if _, ok := any(source).(providers.Referenced); ok {
			t.Error("a Source without a table is providers.Referenced")
		}
	})
}

func TestSearchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := filled(t, many(5_000))
	source := store.NewSource(&providers.Source{ID: "ocm", Provider: providers.OCM}, s)
	for name, area := range map[string]providers.Area{
		"InABox":             providers.World(),
		"AroundAPoint":       providers.Around{Center: providers.Point{Lat: 51, Lon: 4.5}, RadiusM: 400_000},
		"InAPolygon":         providers.NewPolygon([]providers.Point{{Lat: 49, Lon: 3}, {Lat: 53, Lon: 3}, {Lat: 53, Lon: 6}, {Lat: 49, Lon: 6}}),
		"AlongARoute":        providers.NewRoute([]providers.Point{{Lat: 50, Lon: 4}, {Lat: 52, Lon: 5}}, 50_000),
		"InACountry":         providers.InCountry{Code: "NL"},
		"InAndAroundCountry": providers.InCountry{Code: "NL", MarginM: 2_700},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Not even begun, and then in the midst of it.
			for looks := range 3 {
				ctx := &dying{looks: looks}
				answer, err := source.Search(ctx, providers.Query{Area: area})
				if !errors.Is(err, context.Canceled) || answer.Records != nil {
					t.Errorf("Search() with a context alive for %d looks = %d records, %v, want context.Canceled", looks, len(answer.Records), err)
				}
			}
			if _, err := source.Search(t.Context(), providers.Query{Area: area}); err != nil {
				t.Errorf("Search() = %v with a living context", err)
			}
		})
	}
}

func TestReferencedSource(t *testing.T) {
	t.Parallel()
	ccs := &providers.ConnectionType{ID: "33", Title: "CCS (Type 2)"}
	type2 := &providers.ConnectionType{ID: "25", Title: "Type 2 (Socket Only)"}
	nacs := &providers.ConnectionType{ID: "27", Title: "NACS"}
	table := &providers.Reference{
		ConnectionTypes: []*providers.ConnectionType{type2, nacs, ccs},
		Countries:       []*providers.Country{{ID: "159", ISOCode: "NL"}},
	}
	plugged := func(r *providers.Record, types ...*providers.ConnectionType) *providers.Record {
		for _, c := range types {
			r.Connections = append(r.Connections, providers.ConnectionInfo{ConnectionType: c})
		}
		return r
	}
	inEVSE := record("3", 52, 4, "BE")
	inEVSE.EVSEs = []providers.EVSE{{Connections: []providers.ConnectionInfo{{ConnectionType: nacs}}}}
	inEVSE.Stations = []providers.Station{{Connections: []providers.ConnectionInfo{{ConnectionType: ccs}}}}
	s := filled(t, append(many(5_000), plugged(record("a", 52, 4, "NL"), ccs, nil), plugged(record("b", 52, 4, "NL"), type2, ccs),
		plugged(record("c", 34, -118, "US"), nacs), inEVSE))
	source := store.NewReferencedSource(&providers.Source{ID: "ocm", Provider: providers.OCM}, s, table)

	if held, ok := source.HeldReference(); !ok || held != table {
		t.Errorf("HeldReference() = %v, %v, want the table", held, ok)
	}
	for country, want := range map[string][]*providers.ConnectionType{
		"":   {type2, nacs, ccs},
		"NL": {type2, ccs},
		"US": {nacs},
		"BE": {nacs, ccs},
		"DE": {},
	} {
		got, err := source.Reference(t.Context(), country)
		if err != nil {
			t.Errorf("Reference(%q) = %v", country, err)
		}
		if diff := cmp.Diff(&providers.Reference{ConnectionTypes: want, Countries: table.Countries}, got); diff != "" {
			t.Errorf("Reference(%q) mismatch (-want +got):\n%s", country, diff)
		}
	}
	if len(table.ConnectionTypes) != 3 {
		t.Error("Reference() changed the table")
	}

	got, err := source.Reference(&dying{looks: 2}, "NL")
	var sourceErr *providers.SourceError
	if !errors.As(err, &sourceErr) || sourceErr.Code != providers.CodeTimeout || got != table {
		t.Errorf("Reference() = %v, %v after its context ended, want the whole table and TIMEOUT", got, err)
	}
	source.Join(table, s.Search(providers.World())) // joined long ago: must not write to what others read
}

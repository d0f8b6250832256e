package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

// nameShared says whether two records have a name in common, as a reader of the
// rule would.
func nameShared(x, y *providers.Record) bool {
	ids := func(r *providers.Record) []string {
		var list []string
		for _, e := range r.EVSEs {
			list = append(list, providers.NormalEVSEID(e.EVSEID))
		}
		return append(list, providers.NormalEVSEID(r.OperatorReference))
	}
	for _, id := range ids(x) {
		if id != "" && slices.Contains(ids(y), id) {
			return true
		}
	}
	if x.OperatorReference != "" && x.OperatorReference == y.OperatorReference {
		return true
	}
	return x.DataProviderReference != "" && x.DataProviderReference == y.DataProviderReference &&
		x.DataProvider != nil && y.DataProvider != nil && x.DataProvider.ID == y.DataProvider.ID
}

func TestAlike_FindsWhoeverSharesAName(t *testing.T) {
	t.Parallel()
	info := &providers.Source{ID: "ocpi:x", Provider: providers.OCPI}
	directories := []*providers.DataProvider{nil, {ID: "1"}, {ID: "2"}}
	random := rand.New(rand.NewPCG(3, 1))
	record := func(i int) *providers.Record {
		r := &providers.Record{Key: providers.NewKey(info.ID, fmt.Sprint(i)), Source: info}
		r.Title, r.Location = "Site", providers.Point{Lat: 52, Lon: 5}
		for n := range random.IntN(3) {
			r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: fmt.Sprint(n), EVSEID: fmt.Sprintf("NL*ABC*E%d", random.IntN(20))})
		}
		r.OperatorReference = []string{"", fmt.Sprintf("nlabce%d", random.IntN(20)), fmt.Sprint(random.IntN(20))}[random.IntN(3)]
		r.DataProvider, r.DataProviderReference = directories[random.IntN(3)], []string{"", fmt.Sprint(random.IntN(20))}[random.IntN(2)]
		r.Seal()
		return r
	}
	held := new(store.Store)
	source := store.NewSource(info, held)
	var now []*providers.Record
	shared := 0
	for round := range 60 {
		r := record(round % 40) // the later ones take the place of earlier ones
		now = append(slices.DeleteFunc(now, func(o *providers.Record) bool { return o.Key == r.Key }), r)
		var gone []providers.Key
		if round%7 == 6 {
			gone = append(gone, now[0].Key)
			now = now[1:]
		}
		if err := held.Apply([]*providers.Record{r}, gone); err != nil {
			t.Fatal(err)
		}
		asked := record(999)
		found := source.Alike(asked)
		for _, r := range now {
			if nameShared(asked, r) {
				shared++
				if !slices.Contains(found, r) {
					t.Fatalf("round %d: %s shares a name and is not found", round, r.Key)
				}
			}
		}
		for _, r := range found {
			if !slices.Contains(now, r) {
				t.Fatalf("round %d: %s is found and not held", round, r.Key)
			}
		}
	}
	if shared == 0 {
		t.Error("no two records share a name: this proves nothing")
	}
}

// A reference that hundreds of records have must neither link them nor cost.
func TestAlike_LeavesOutWhatVeryManyShare(t *testing.T) {
	t.Parallel()
	info := &providers.Source{ID: "ocpi:x", Provider: providers.OCPI}
	held := new(store.Store)
	source := store.NewSource(info, held)
	loader := held.NewLoader()
	for i := range 20_000 {
		r := &providers.Record{Key: providers.NewKey(info.ID, fmt.Sprint(i)), Source: info, OperatorReference: "n/a"}
		r.Title, r.Location = "Site", providers.Point{Lat: 52, Lon: 5}
		r.Seal()
		if err := loader.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	loader.Commit(time.Unix(1, 0))
	if found := source.Alike(&providers.Record{OperatorReference: "n/a"}); len(found) != 0 {
		t.Errorf("%d records are found by n/a", len(found))
	}
}

package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

func TestOperatorsAreThoseOfTheRecordsWithTheirCountries(t *testing.T) {
	t.Parallel()
	info := &providers.Source{ID: "ocpi:hub", Provider: providers.OCPI}
	s := new(store.Store)
	source := store.NewSource(info, s)
	record := func(id, country, party, name string) *providers.Record {
		r := &providers.Record{Key: providers.NewKey(info.ID, id), Source: info, ExternalID: id}
		r.Title, r.Address.CountryCode = id, country
		if party != "" {
			r.Operator = providers.NewOperator(providers.OCPI, party, name)
		}
		r.Seal()
		return r
	}
	if len(source.Operators()) != 0 {
		t.Error("an empty store knows operators")
	}
	if _, err := s.Replace([]*providers.Record{
		record("1", "NL", "NL*ABC", "Abc"), record("2", "NL", "NL*ABC", "Abc"), record("3", "BE", "NL*ABC", "Abc Belgium"),
		record("4", "", "DE*XYZ", "Xyz"), record("5", "DE", "", ""),
	}, time.Now()); err != nil {
		t.Fatal(err)
	}
	type said struct {
		ID        string
		Countries []string
	}
	var got []said
	for _, o := range source.Operators() {
		got = append(got, said{o.ID, o.Countries})
	}
	want := []said{{"operator:ocpi:DE*XYZ", nil}, {"operator:ocpi:NL*ABC", []string{"BE", "NL"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Operators() mismatch (-want +got):\n%s", diff)
	}

	if err := s.Apply(nil, []providers.Key{"ocpi:hub:4"}); err != nil {
		t.Fatal(err)
	}
	if n := len(source.Operators()); n != 1 {
		t.Errorf("after its last record went, %d operators are left, want 1", n)
	}
}

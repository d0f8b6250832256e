package providers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

// record makes a sealed record of a source without more than it must have.
func record(source providers.SourceID, external string, with ...func(*providers.Record)) *providers.Record {
	r := &providers.Record{
		Site:       providers.Site{Title: external, Usage: providers.UsageUnknown, Status: providers.StatusUnknown, Cost: providers.CostUnknown},
		Key:        providers.NewKey(source, external),
		ExternalID: external,
		Source:     &providers.Source{ID: source, Provider: source.Provider()},
	}
	for _, w := range with {
		w(r)
	}
	r.Seal()
	return r
}

func poiOf(members ...*providers.Record) *providers.POI {
	return &providers.POI{Site: &members[0].Site, Members: members}
}

func TestRecord_SealLinksItsParts(t *testing.T) {
	t.Parallel()
	power := 50.0
	plug := func(id string) []providers.ConnectionInfo {
		return []providers.ConnectionInfo{{ExternalID: id, PowerKW: &power}}
	}
	r := record("ocpplab", "12/1", func(r *providers.Record) {
		r.Connections = plug("1")
		r.EVSEs = []providers.EVSE{{ExternalID: "e", Connections: plug("2")}}
		r.Stations = []providers.Station{{ExternalID: "s", Connections: plug("3")}}
	})
	got := []string{
		r.Connections[0].ID(), r.EVSEs[0].ID(), r.EVSEs[0].Connections[0].ID(), r.Stations[0].ID(), r.Stations[0].Connections[0].ID(),
	}
	want := []string{"connection:ocpplab:12/1:1", "evse:ocpplab:12/1:e", "connection:ocpplab:12/1:2", "station:ocpplab:12/1:s", "connection:ocpplab:12/1:3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids mismatch (-want +got):\n%s", diff)
	}
	if r.MaxPowerKW == nil || *r.MaxPowerKW != 50 {
		t.Errorf("MaxPowerKW = %v", r.MaxPowerKW)
	}
}

func TestPOI_SourcesCountItsOwnMembers(t *testing.T) {
	t.Parallel()
	a, b, c := record("ocm", "1"), record("ocm", "2"), record("ocpi:ndw", "3")
	b.Source = a.Source
	p := poiOf(c, a, b)
	idle := &providers.Source{ID: "plugshare", Provider: providers.PlugShare}
	p.Results = []providers.SourceResult{{Source: c.Source, Returned: 70}, {Source: a.Source, Returned: 90}, {Source: idle, Returned: 5}}
	var got []int
	for _, r := range p.Sources() {
		got = append(got, r.Returned)
	}
	if diff := cmp.Diff([]int{1, 2, 0}, got); diff != "" {
		t.Errorf("Returned mismatch (-want +got):\n%s", diff)
	}
	if p.Results[0].Returned != 70 {
		t.Error("counting for one POI changed what all of them share")
	}
	if !p.Has(providers.OCM) || p.Has(providers.PlugShare) {
		t.Error("Has() does not go by the members")
	}
}

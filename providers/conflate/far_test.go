package conflate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// completed is what a caller who lets links go far knows of a viewport.
func completed(rules conflate.Rules, records []*providers.Record, view providers.Bounds, sources int) []*providers.Record {
	known := make(map[providers.Key]bool)
	var list []*providers.Record
	take := func(b providers.Bounds) {
		for _, r := range records {
			if !known[r.Key] && b.Contains(r.Location) {
				known[r.Key] = true
				list = append(list, r)
			}
		}
	}
	alike := func(*providers.Record) []*providers.Record {
		return slices.DeleteFunc(slices.Clone(records), func(r *providers.Record) bool { return !r.Source.Held })
	}
	take(view.Grow(conflate.Reach(sources)))
	for {
		far := rules.Far(list, alike)
		if len(far) == 0 {
			return list
		}
		for _, r := range far {
			take(providers.BoundsOf([]providers.Point{r.Location}).Grow(conflate.Reach(sources)))
		}
	}
}

func TestFar_CompletesAViewportWhoseRecordsHaveCompanionsFarAway(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(3)
	for i, s := range sources {
		s.Held = i < 2
	}
	linked := 0
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 3))
		var records []*providers.Record
		for town := range 4 { // 6 km apart
			for i, r := range crowdedWorld(random, moved(towns()[0], float64(town)*6000, 0), sources, 30) {
				records = append(records, newRecord(r.Source, fmt.Sprintf("%d-%d", town, i), r.Location, func(n *providers.Record) {
					n.Site, n.DataProvider, n.DataProviderReference = r.Site, r.DataProvider, r.DataProviderReference
					n.EVSEs, n.OperatorReference = nil, ""
					n.DataProviderReference = fmt.Sprint(random.IntN(60))
				}))
			}
		}
		rules := conflate.Rules{FarLinks: true}
		pois := rules.Merge(records)
		for _, p := range pois {
			for _, r := range p.Members {
				d := p.Members[0].Location.DistanceM(r.Location)
				if d > conflate.R+conflate.R0 {
					linked++
					if !r.Source.Held {
						t.Errorf("%s is %v m from its root and not held", r.Key, d)
					}
				}
			}
		}
		for range 20 {
			view := viewport(records[random.IntN(len(records))].Location, 300, random.Uint64())
			known := completed(rules, records, view, 3)
			got := told(slices.DeleteFunc(rules.Merge(known), func(p *providers.POI) bool { return !view.Contains(p.Location) }))
			if diff := cmp.Diff(whole(pois, view), got); diff != "" {
				t.Fatalf("seed %d, viewport %v mismatch (-whole map +viewport):\n%s", seed, view, diff)
			}
		}
	}
	if linked == 0 {
		t.Error("nothing is linked beyond R: these worlds prove nothing")
	}
}

func TestMerge_DoesNotLinkFarRecordsUnlessTold(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(2)
	for _, s := range sources {
		s.Held = true
	}
	evse := func(r *providers.Record) { r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: "NL*ABC*E1"}} }
	records := []*providers.Record{newRecord(sources[0], "1", towns()[0], evse), newRecord(sources[1], "1", moved(towns()[0], 3000, 0), evse)}
	if got := merged(records...); len(got) != 2 {
		t.Errorf("Merge() = %v", got)
	}
	if got := told(conflate.Rules{FarLinks: true}.Merge(records)); len(got) != 1 {
		t.Errorf("Merge() with far links = %v", got)
	}
}

// A default position must neither cost time nor make anything one site, however
// much of the heap is in sight: it is in sight whole, or not at all.
func TestMerge_RecordsInAHeapAreComparedByIDsAlone(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(2)
	tesla := operatorNamed("23")
	var records []*providers.Record
	for i := range 5000 {
		records = append(records, newRecord(sources[1], fmt.Sprintf("%04d", i), towns()[0], func(r *providers.Record) {
			r.Operator = tesla
			r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: "UNKNOWN"}}
			if i == 7 {
				r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: "2", EVSEID: "NL*TSL*E7"})
			}
		}))
	}
	records = append(records, newRecord(sources[0], "NL*TSL*L", moved(towns()[0], 5, 0), func(r *providers.Record) {
		r.Operator = tesla
		r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: "NL*TSL*E7"}}
	}))
	began := time.Now()
	got := merged(records...)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(got) != 5000 || !slices.Contains(got, "ocpi:ndw:NL*TSL*L + ocm:0007") {
		t.Errorf("%d POIs, the first of them %v", len(got), got[:3])
	}
}

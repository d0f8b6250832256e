package conflate_test

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// Maps of many people are merged at the same time, each of a part of the records.
func TestMemory_ChangesNothingButTheTimeItTakes(t *testing.T) {
	t.Parallel()
	records := country(6_000, 3)
	var memory conflate.Memory
	var wg sync.WaitGroup
	for person := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(person)))
			for range 10 {
				begin := random.IntN(len(records) - 500)
				part := slices.Clone(records[begin : begin+500])
				random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
				want := conflate.Rules{FarLinks: true}.Merge(part)
				got := conflate.Rules{FarLinks: true, Memory: &memory}.Merge(part)
				if diff := cmp.Diff(told(want), told(got)); diff != "" {
					t.Errorf("Merge() mismatch (-without +with a memory):\n%s", diff)
				}
				if !reflect.DeepEqual(explained(want), explained(got)) { //nolint:govet // POIs hold the same records by pointer, and no errors yet
					t.Error("the POIs are of the same members, and yet differ")
				}
			}
		})
	}
	wg.Wait()
}

func TestMemory_KeepsNoRecordAlive(t *testing.T) {
	t.Parallel()
	var memory conflate.Memory
	var list []weak.Pointer[providers.Record]
	func() { // with the end of which nobody has them
		records := country(100, 3)
		for _, r := range records {
			list = append(list, weak.Make(r))
		}
		if pois := (conflate.Rules{Memory: &memory}).Merge(records); len(pois) == 0 {
			t.Error("there are no sites")
		}
	}()
	alive := func(w weak.Pointer[providers.Record]) bool { return w.Value() != nil }
	for range 20 {
		if runtime.GC(); !slices.ContainsFunc(list, alive) {
			break
		}
	}
	if slices.ContainsFunc(list, alive) {
		t.Error("records that nobody has are still there")
	}
	runtime.KeepAlive(&memory)
}

package conflate_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// explainedPOI is a POI that can be compared, with why it is one.
type explainedPOI struct {
	poi   providers.POI
	match *providers.MatchExplanation
}

func explained(pois []*providers.POI) []explainedPOI {
	list := make([]explainedPOI, len(pois))
	for i, p := range pois {
		list[i] = explainedPOI{*p, p.Match()}
		list[i].poi.Explain = nil
	}
	return list
}

func TestMerge_DoesNotDependOnTheOrderOfRecords(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprintf("%dSources", n), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				records := worlds(n, 40).Draw(t, "world")
				pois := conflate.Merge(records)
				given := slices.Clone(records)
				shuffled := rapid.Permutation(records).Draw(t, "shuffled")
				if !slices.Equal(given, records) {
					t.Fatal("Merge changes the order of what it was given")
				}
				again := conflate.Merge(shuffled)
				if diff := cmp.Diff(told(pois), told(again)); diff != "" {
					t.Fatalf("Merge() of a permutation mismatch (-want +got):\n%s", diff)
				}
				// Members are the same records, so that only what was merged is compared deeply.
				if !reflect.DeepEqual(explained(pois), explained(again)) { //nolint:govet // POIs hold the same records by pointer, and no errors yet
					t.Error("the POIs are of the same members, and yet differ")
				}
			})
		})
	}
}

func TestMerge_PutsEveryRecordIntoOnePOI(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := worlds(3, 60).Draw(t, "world")
		seen := make(map[providers.Key]int)
		pois := conflate.Merge(records)
		for _, p := range pois {
			for _, r := range p.Members {
				seen[r.Key]++
			}
		}
		for _, r := range records {
			if seen[r.Key] != 1 {
				t.Errorf("%s is in %d POIs", r.Key, seen[r.Key])
			}
		}
		if len(seen) != len(records) {
			t.Errorf("%d records in, %d out", len(records), len(seen))
		}
		if !slices.IsSortedFunc(pois, func(a, b *providers.POI) int {
			if a.ID() < b.ID() {
				return -1
			}
			return 1
		}) {
			t.Error("POIs are not in the order of their ids")
		}
	})
}

func TestMerge_OfWhatWasMergedIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pois := conflate.Merge(worlds(3, 60).Draw(t, "world"))
		var members []*providers.Record
		for _, p := range pois {
			members = append(members, p.Members...)
			if diff := cmp.Diff(told([]*providers.POI{p}), told(conflate.Merge(p.Members))); diff != "" {
				t.Errorf("Merge() of one POI's members mismatch (-want +got):\n%s", diff)
			}
		}
		if !reflect.DeepEqual(explained(pois), explained(conflate.Merge(append(members, members...)))) { //nolint:govet // as above
			t.Error("Merge() of all members, twice over, gives something else")
		}
	})
}

func TestMerge_MakesStars(t *testing.T) {
	t.Parallel()
	many := 0
	rapid.Check(t, func(t *rapid.T) {
		for _, p := range conflate.Merge(worlds(3, 60).Draw(t, "world")) {
			root := p.Members[0]
			if len(p.Members) > 2 {
				many++
			}
			leaders := make(map[providers.SourceID]*providers.Record)
			placed := false // where one of its groups acts
			for i, r := range p.Members {
				if r.Source.Less(root.Source) {
					t.Errorf("%s is of better rank than its root %s", r.Key, root.Key)
				}
				if i > 0 && r.Source.Less(p.Members[i-1].Source) {
					t.Errorf("%s stands behind %s", r.Key, p.Members[i-1].Key)
				}
				switch leader := leaders[r.Source.ID]; {
				case leader == nil:
					leaders[r.Source.ID] = r
					placed = placed || p.Location == r.Location
					if d := root.Location.DistanceM(r.Location); d > conflate.R {
						t.Errorf("%s is %v m from its root", r.Key, d)
					}
				case leader.Key > r.Key || leader.Location.DistanceM(r.Location) > conflate.R0:
					t.Errorf("%s follows %s, %v m away", r.Key, leader.Key, leader.Location.DistanceM(r.Location))
				}
				for _, o := range p.Members[:i] {
					if o.Operator.DiffersFrom(r.Operator) {
						t.Errorf("%s holds records of %s and of %s", p.ID(), o.Operator.ID, r.Operator.ID)
					}
				}
			}
			if !placed {
				t.Errorf("%s is at %v, where none of its groups is", p.ID(), p.Location)
			}
		}
	})
	if many == 0 {
		t.Error("these worlds have no POI of more than two records: they prove nothing")
	}
}

// The edges of a viewport must not show: identity is a matter of the map alone.
func TestMerge_OfAGrownViewportDecidesAsTheWholeMapDoes(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprintf("%dSources", n), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				records := worlds(n, 100).Draw(t, "world")
				if len(records) == 0 {
					t.Skip("nothing there")
				}
				pois := conflate.Merge(records)
				for range 4 {
					view := viewport(rapid.SampledFrom(records).Draw(t, "about").Location, rapid.SampledFrom([]float64{0, 1, 50, 300, 1500}).Draw(t, "width"), rapid.Uint64().Draw(t, "shift"))
					if diff := cmp.Diff(whole(pois, view), cut(records, view, conflate.Reach(n))); diff != "" {
						t.Errorf("viewport %v mismatch (-whole map +viewport):\n%s", view, diff)
					}
				}
			})
		})
	}
}

// viewport is a box of some width that holds p somewhere, often on its edge.
func viewport(p providers.Point, widthM float64, seed uint64) providers.Bounds {
	random := rand.New(rand.NewPCG(9, seed))
	share := func() float64 { return []float64{0, 1, random.Float64()}[random.IntN(3)] }
	southWest := moved(p, -widthM*share(), -widthM*share())
	northEast := moved(southWest, widthM, widthM)
	b := providers.Bounds{South: southWest.Lat, West: southWest.Lon, North: northEast.Lat, East: northEast.Lon}
	return b.Extend(p)
}

// differences counts the viewports of many worlds that show their edges when
// they are grown by less than Reach.
func differences(sources int, marginM float64, viewports int) int {
	random := rand.New(rand.NewPCG(11, uint64(sources)))
	n := 0
	for range viewports / 20 {
		records := crowdedWorld(random, towns()[0], sourcesOf(sources), 150)
		pois := conflate.Merge(records)
		for range 20 {
			view := viewport(records[random.IntN(len(records))].Location, 50, random.Uint64())
			if !slices.Equal(whole(pois, view), cut(records, view, marginM)) {
				n++
			}
		}
	}
	return n
}

func TestReach_NoMarginIsNoAnswer(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 3; n++ {
		if differences(n, 0, 40) == 0 {
			t.Errorf("%d sources: viewports without a margin decide like the whole map: these worlds prove nothing", n)
		}
		if got := differences(n, conflate.Reach(n), 100); got > 0 {
			t.Errorf("%d sources: %d viewports show their edges", n, got)
		}
	}
}

// A follower's other leader may itself follow somebody: four records in a row,
// each a twin of the next by reference, 99 m apart.
func TestReach_OfOneSourceIsThreeStepsOfTwins(t *testing.T) {
	t.Parallel()
	ocm := sourcesOf(2)[1]
	at := func(eastM float64) providers.Point { return moved(towns()[0], eastM, 0) }
	evses := func(ids ...string) func(*providers.Record) {
		return func(r *providers.Record) {
			for _, id := range ids {
				r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: id, EVSEID: id})
			}
		}
	}
	row := []*providers.Record{
		newRecord(ocm, "1", at(297), evses("A")),
		newRecord(ocm, "2", at(198), evses("A", "B")),
		newRecord(ocm, "4", at(99), evses("B", "C")),
		newRecord(ocm, "3", at(0), evses("C")),
	}
	if diff := cmp.Diff([]string{"ocm:1 + ocm:2", "ocm:3 + ocm:4"}, merged(row...)); diff != "" {
		t.Fatalf("Merge() mismatch (-want +got):\n%s", diff)
	}
	view := providers.Bounds{South: at(0).Lat, North: at(0).Lat, West: at(-1).Lon, East: at(1).Lon}
	for margin, want := range map[float64][]string{
		conflate.Reach(1):      {"ocm:3 + ocm:4"},
		conflate.Reach(1) - 10: {"ocm:3"}, // 2 seems to lead, and takes 4 away
	} {
		if diff := cmp.Diff(want, cut(row, view, margin)); diff != "" {
			t.Errorf("margin %v mismatch (-want +got):\n%s", margin, diff)
		}
	}
}

// The nearest rival of a star's member may itself be kept away by its own twin's
// twin: records in a row, each linked to the next by an EVSE id.
func TestReach_OfSeveralSourcesIsNeededThatFar(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(3)
	at := func(eastM float64) providers.Point { return moved(towns()[0], eastM, 0) }
	row := func(source int, key string, eastM float64, evses ...string) *providers.Record {
		return newRecord(sources[source], key, at(eastM), func(r *providers.Record) {
			for _, id := range evses {
				r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: id, EVSEID: id})
			}
		})
	}
	for sentence, c := range map[string]struct {
		records  []*providers.Record
		sources  int
		neededM  float64
		want     []string
		withless []string
	}{
		// With 7 in sight 8 leads nobody, so that 9 stands where it is and takes the second source's 1.
		"two": {
			[]*providers.Record{
				row(0, "1", 0, "A"), row(1, "1", 499, "A", "B"),
				row(0, "9", 989, "B", "C"), row(0, "8", 1088, "C", "D"), row(0, "7", 1187, "D"),
			}, 2, 1187, []string{"ocpi:ndw:1"}, []string{"ocpi:ndw:1 + ocm:1"},
		},
		// The same one star further: whoever takes the best source's 1 away sets the third source's 1 free.
		"three": {
			[]*providers.Record{
				row(1, "1", 0, "A"), row(2, "1", 499, "A", "B"), row(0, "1", 998, "B", "C"),
				row(2, "9", 1488, "C", "D"), row(2, "8", 1587, "D", "E"), row(2, "7", 1686, "E"),
			}, 3, 1686, []string{"ocm:1 + plugshare:1"}, []string{"ocm:1"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			view := providers.Bounds{South: at(0).Lat, North: at(0).Lat, West: at(-1).Lon, East: at(1).Lon}
			if diff := cmp.Diff(c.want, cut(c.records, view, conflate.Reach(c.sources))); diff != "" {
				t.Errorf("with all that it needs, mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.withless, cut(c.records, view, c.neededM-10)); diff != "" {
				t.Errorf("with less, mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReach_GrowsWithTheSources(t *testing.T) {
	t.Parallel()
	before := 0.0
	for n, want := range map[int]float64{-1: 0, 0: 0, 1: 300, 2: 1700, 3: 2700, 7: 2700} {
		if got := conflate.Reach(n); got != want {
			t.Errorf("Reach(%d) = %v, want %v", n, got, want)
		}
	}
	for n := range 5 {
		if conflate.Reach(n) < before {
			t.Errorf("Reach(%d) is less than that of fewer", n)
		}
		before = conflate.Reach(n)
	}
}

func TestMerge_OfEqualKeysTheOneFetchedLastCounts(t *testing.T) {
	t.Parallel()
	ocm := sourcesOf(2)[1]
	fetched := func(at time.Time, title string) *providers.Record {
		return newRecord(ocm, "1", towns()[0], func(r *providers.Record) { r.FetchedAt, r.Title = at, title })
	}
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	versions := []*providers.Record{fetched(now, "new"), fetched(now.Add(-time.Hour), "old"), fetched(time.Time{}, "undated")}
	for range 6 {
		versions[0], versions[1], versions[2] = versions[1], versions[2], versions[0]
		pois := conflate.Merge(append(slices.Clone(versions), versions[1], versions[0]))
		if len(pois) != 1 || pois[0].Title != "new" || len(pois[0].Members) != 1 {
			t.Errorf("Merge() = %v, titled %q", told(pois), pois[0].Title)
		}
	}
}

func TestMerge_MayRunOnTheSameRecordsAtOnce(t *testing.T) {
	t.Parallel()
	records := crowdedWorld(rand.New(rand.NewPCG(1, 2)), towns()[0], sourcesOf(3), 150)
	for _, r := range records {
		for i := range 30 { // enough for sorting to do more than to insert
			r.Comments = append(r.Comments, providers.Comment{ExternalID: fmt.Sprint("more", i), CreatedAt: time.Unix(int64(i%7), 0)})
		}
		r.Seal()
	}
	want := told(conflate.Merge(records))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if diff := cmp.Diff(want, merged(records...)); diff != "" {
				t.Errorf("Merge() mismatch (-want +got):\n%s", diff)
			}
		})
	}
	wg.Wait()
}

func TestMerge_HardCases(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(3)
	ocpi, ocm, plugshare := sources[0], sources[1], sources[2]
	type record = providers.Record
	at := func(eastM float64) providers.Point { return moved(towns()[0], eastM, 0) }
	run := func(o *providers.Operator) func(*record) { return func(r *record) { r.Operator = o } }
	titled := func(s string) func(*record) { return func(r *record) { r.Title = s } }
	ref := func(of, id string) func(*record) {
		return func(r *record) { r.DataProvider, r.DataProviderReference = &providers.DataProvider{ID: of}, id }
	}
	evse := func(id string) func(*record) {
		return func(r *record) { r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: id, EVSEID: id}) }
	}
	tesla, evgo, blink := operatorNamed("23"), operatorNamed("15"), operatorNamed("9")
	standIn := &providers.Operator{ID: "operator:ocm:44", Title: "(Business Owner at Location)"}
	for sentence, c := range map[string]struct {
		records []*record
		want    []string
	}{
		"no records are no sites": {nil, []string{}},
		"one operator, sixty metres": {
			[]*record{newRecord(ocm, "1", at(0), run(tesla)), newRecord(plugshare, "9~8", at(60), run(tesla))},
			[]string{"ocm:1 + plugshare:9~8"},
		},
		"one operator, eighty metres, nothing else": {
			[]*record{newRecord(ocm, "1", at(0), run(tesla)), newRecord(plugshare, "9~8", at(80), run(tesla))},
			[]string{"ocm:1", "plugshare:9~8"},
		},
		"two operators in one place": {
			[]*record{newRecord(ocm, "1", at(0), run(tesla), ref("7", "a"), evse("E")), newRecord(plugshare, "9~19", at(0), run(evgo), ref("7", "a"), evse("E"))},
			[]string{"ocm:1", "plugshare:9~19"},
		},
		"nobody's sites in one place": {
			[]*record{newRecord(ocm, "1", at(0)), newRecord(plugshare, "9~0", at(0))},
			[]string{"ocm:1", "plugshare:9~0"},
		},
		"a stand-in is nobody": {
			[]*record{newRecord(ocm, "1", at(0), run(standIn)), newRecord(plugshare, "9~0", at(0), run(standIn))},
			[]string{"ocm:1", "plugshare:9~0"},
		},
		"one EVSE, however its id is written": {
			[]*record{newRecord(ocm, "1", at(0), evse("NL*ABC*E12")), newRecord(ocpi, "NL*ABC*L", at(450), evse("nl-abc e12"))},
			[]string{"ocpi:ndw:NL*ABC*L + ocm:1"},
		},
		"EVSEs without ids are not one": {
			[]*record{newRecord(ocm, "1", at(0), evse("")), newRecord(ocpi, "NL*ABC*L", at(1), evse(""), evse("*-"))},
			[]string{"ocm:1", "ocpi:ndw:NL*ABC*L"},
		},
		"one EVSE beyond all distance": {
			[]*record{newRecord(ocm, "1", at(0), evse("E")), newRecord(ocpi, "NL*ABC*L", at(510), evse("E"))},
			[]string{"ocm:1", "ocpi:ndw:NL*ABC*L"},
		},
		"one reference of one data provider": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a")), newRecord(plugshare, "9~0", at(300), ref("7", "a"))},
			[]string{"ocm:1 + plugshare:9~0"},
		},
		"one reference of two data providers": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a")), newRecord(plugshare, "9~0", at(0), ref("8", "a"))},
			[]string{"ocm:1", "plugshare:9~0"},
		},
		"the nearer of two": {
			[]*record{newRecord(ocpi, "NL*ABC*L", at(0), run(tesla)), newRecord(ocm, "1", at(40), run(tesla), titled("a")), newRecord(ocm, "2", at(-20), run(tesla), titled("b"))},
			[]string{"ocm:1", "ocpi:ndw:NL*ABC*L + ocm:2"},
		},
		"a reference beats nearness": {
			[]*record{newRecord(ocpi, "NL*ABC*L", at(0), run(tesla), evse("E")), newRecord(ocm, "1", at(400), run(tesla), evse("E")), newRecord(ocm, "2", at(1), run(tesla))},
			[]string{"ocm:2", "ocpi:ndw:NL*ABC*L + ocm:1"},
		},
		"three sources of one site": {
			[]*record{newRecord(plugshare, "9~8", at(0), run(tesla)), newRecord(ocm, "1", at(30), run(tesla)), newRecord(ocpi, "NL*TSL*L", at(60), run(tesla))},
			[]string{"ocpi:ndw:NL*TSL*L + ocm:1 + plugshare:9~8"},
		},
		"nothing chains": {
			[]*record{newRecord(ocpi, "NL*TSL*L", at(0), run(tesla)), newRecord(ocm, "1", at(70), run(tesla)), newRecord(plugshare, "9~8", at(140), run(tesla))},
			[]string{"ocpi:ndw:NL*TSL*L + ocm:1", "plugshare:9~8"},
		},
		"twins": {
			[]*record{newRecord(ocm, "1", at(0), run(tesla), titled("Café")), newRecord(ocm, "2", at(20), run(tesla), titled("CAFE"))},
			[]string{"ocm:1 + ocm:2"},
		},
		"no twins: another title": {
			[]*record{newRecord(ocm, "1", at(0), run(tesla), titled("Café East")), newRecord(ocm, "2", at(0), run(tesla), titled("Café West"))},
			[]string{"ocm:1", "ocm:2"},
		},
		"no twins: thirty metres": {
			[]*record{newRecord(ocm, "1", at(0), run(tesla)), newRecord(ocm, "2", at(30), run(tesla))},
			[]string{"ocm:1", "ocm:2"},
		},
		"twins by reference": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a")), newRecord(ocm, "2", at(95), ref("7", "a"))},
			[]string{"ocm:1 + ocm:2"},
		},
		"a row of twins has one leader at most every other": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a")), newRecord(ocm, "2", at(90), ref("7", "a")), newRecord(ocm, "3", at(180), ref("7", "a"))},
			[]string{"ocm:1 + ocm:2", "ocm:3"},
		},
		"twins across the antimeridian": {
			[]*record{newRecord(ocm, "1", providers.Point{Lat: -17, Lon: 180}, run(tesla)), newRecord(ocm, "2", providers.Point{Lat: -17, Lon: -179.9999}, run(tesla))},
			[]string{"ocm:1 + ocm:2"},
		},
		"a twin's reference is its group's": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a")), newRecord(ocm, "2", at(50), ref("7", "a"), evse("E")), newRecord(ocpi, "NL*ABC*L", at(300), evse("E"))},
			[]string{"ocpi:ndw:NL*ABC*L + ocm:1 + ocm:2"},
		},
		"a twin's operator is its group's": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a")), newRecord(ocm, "2", at(10), ref("7", "a"), run(evgo)), newRecord(ocpi, "NL*TSL*L", at(1), run(tesla), ref("7", "a"))},
			[]string{"ocm:1 + ocm:2", "ocpi:ndw:NL*TSL*L"},
		},
		"nobody's record does not bring two operators together": {
			[]*record{newRecord(ocm, "1", at(0), ref("7", "a"), evse("E")), newRecord(ocm, "2", at(10), run(evgo), ref("7", "a")), newRecord(ocm, "3", at(20), run(blink), evse("E"))},
			[]string{"ocm:1 + ocm:2", "ocm:3"},
		},
		"nobody's root does not bring two operators together": {
			[]*record{newRecord(ocpi, "NL*ABC*L", at(0), ref("7", "a"), evse("E")), newRecord(ocm, "1", at(10), run(evgo), ref("7", "a")), newRecord(plugshare, "9~2", at(20), run(blink), evse("E"))},
			[]string{"ocpi:ndw:NL*ABC*L + ocm:1", "plugshare:9~2"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, merged(c.records...)); diff != "" {
				t.Errorf("Merge() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func ExampleMerge() {
	ocm := &providers.Source{ID: "ocm", Provider: providers.OCM}
	feed := &providers.Source{ID: "ocpi:ndw", Provider: providers.OCPI}
	fastned := providers.NewOperator(providers.OCM, "74", "Fastned")
	site := func(s *providers.Source, id string, lat, lon float64) *providers.Record {
		r := &providers.Record{Source: s, Key: providers.NewKey(s.ID, id), ExternalID: id}
		r.Location, r.Operator = providers.Point{Lat: lat, Lon: lon}, fastned
		r.Seal()
		return r
	}
	for _, p := range conflate.Merge([]*providers.Record{
		site(ocm, "1234", 52.3702, 4.8952),
		site(feed, "NL*FAS*A1", 52.3704, 4.8950), // 26 m away
		site(ocm, "5678", 52.3800, 4.8952),
	}) {
		fmt.Println(p.ID(), "of", len(p.Members), "at", p.Location.Lat)
	}
	// Output:
	// poi:ocm:5678 of 1 at 52.38
	// poi:ocpi:ndw:NL*FAS*A1 of 2 at 52.3704
}

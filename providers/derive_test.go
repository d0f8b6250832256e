package providers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

func day(n int) time.Time { return time.Date(2025, 1, n, 12, 0, 0, 0, time.UTC) }

func TestSite_RatingSumsUpItsComments(t *testing.T) {
	t.Parallel()
	outcome := func(o providers.CheckInOutcome, at time.Time) providers.Comment {
		return providers.Comment{Outcome: &o, CreatedAt: at}
	}
	scores := []providers.ProviderScore{{Provider: providers.PlugShare, Value: 8, ScaleMax: 10}}
	for name, c := range map[string]struct {
		before   *providers.Rating
		comments []providers.Comment
		want     *providers.Rating
	}{
		"NothingToSumUp":           {},
		"WordsAloneAreNoRating":    {comments: []providers.Comment{{Text: "nice"}}},
		"AVisitIsNeither":          {comments: []providers.Comment{outcome(providers.CheckInNotVisited, day(1)), outcome(providers.CheckInInUseEV, day(2)), outcome(providers.CheckInOtherPositive, day(3))}},
		"OldFiguresAreForgotten":   {before: &providers.Rating{Count: 7, Successes: 3, Average: new(2.0), LastFailureAt: day(1)}},
		"AProvidersOwnScoresStay":  {before: &providers.Rating{Count: 7, ProviderScores: scores}, want: &providers.Rating{ProviderScores: scores}},
		"TheAverageIsOfThoseRated": {comments: []providers.Comment{{Rating: new(5)}, {Rating: new(2)}, {}}, want: &providers.Rating{Average: new(3.5), Count: 2}},
		"TheLatestOutcomesCount": {
			comments: []providers.Comment{
				outcome(providers.CheckInCharged, day(3)), outcome(providers.CheckInChargedAutomated, day(9)), outcome(providers.CheckInCharged, day(4)),
				outcome(providers.CheckInFailedEquipment, day(2)), outcome(providers.CheckInFailedAccessCard, time.Time{}), outcome(providers.CheckInFailedIncompatible, day(1)),
			},
			want: &providers.Rating{Successes: 3, Failures: 3, LastSuccessAt: day(9), LastFailureAt: day(2)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record("ocm", "1", func(r *providers.Record) { r.Rating, r.Comments = c.before, c.comments })
			if diff := cmp.Diff(c.want, r.Rating); diff != "" {
				t.Errorf("Rating mismatch (-want +got):\n%s", diff)
			}
			if c.before != nil && c.before.ProviderScores == nil && c.before.Count != 7 {
				t.Error("the old rating itself was changed")
			}
		})
	}
}

func TestCheckInOutcome_IsAChargeAFailureOrNeither(t *testing.T) {
	t.Parallel()
	charged := []providers.CheckInOutcome{providers.CheckInCharged, providers.CheckInChargedAutomated}
	failed := []providers.CheckInOutcome{
		providers.CheckInFailedNotOperational, providers.CheckInFailedNotInstalled, providers.CheckInFailedEquipment,
		providers.CheckInFailedIncompatible, providers.CheckInFailedAccessCard, providers.CheckInFailedNoEquipment,
	}
	for _, name := range schemaEnum(t, "CheckInOutcome") {
		o := providers.CheckInOutcome(name)
		if o.Charged() != slices.Contains(charged, o) || o.FailedToCharge() != slices.Contains(failed, o) {
			t.Errorf("%s: charged %v, failed %v", o, o.Charged(), o.FailedToCharge())
		}
	}
}

func TestSite_CommentsAndPhotosAreNewestFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dates := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 40).Draw(t, "days")
		ids := rapid.Permutation([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}).Draw(t, "ids")
		r := record("ocm", "1", func(r *providers.Record) {
			for i, n := range dates {
				created := time.Time{} // unknown comes last
				if n > 0 {
					created = day(n)
				}
				id := ids[i%10] + string(rune('0'+i/10))
				r.Comments = append(r.Comments, providers.Comment{ExternalID: id, CreatedAt: created})
				r.Photos = append(r.Photos, providers.Photo{ExternalID: id, CreatedAt: created})
			}
		})
		type item struct {
			at time.Time
			id string
		}
		var comments, photos []item
		for i := range r.Comments {
			comments = append(comments, item{r.Comments[i].CreatedAt, r.Comments[i].ID()})
			photos = append(photos, item{r.Photos[i].CreatedAt, r.Photos[i].ExternalID})
		}
		for _, list := range [][]item{comments, photos} {
			for i := 1; i < len(list); i++ {
				a, b := list[i-1], list[i]
				if a.at.Before(b.at) || a.at.Equal(b.at) && a.id >= b.id {
					t.Errorf("%v stands before %v", a, b)
				}
			}
		}
		if len(comments) != len(dates) || len(photos) != len(dates) {
			t.Errorf("%d comments and %d photos of %d", len(comments), len(photos), len(dates))
		}
	})
}

func TestSite_MaxPowerIsThatOfTheStrongestPlugThatStatesOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		powers []*float64
		want   *float64
	}{
		"NoPlugs":       {nil, nil},
		"NoneStatesOne": {[]*float64{nil, nil}, nil},
		"SomeDo":        {[]*float64{nil, new(22.0), new(150.0), new(50.0), nil}, new(150.0)},
		"ZeroIsAFigure": {[]*float64{new(0.0), nil}, new(0.0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record("ocm", "1", func(r *providers.Record) {
				r.MaxPowerKW = new(999.0)
				for _, p := range c.powers {
					r.Connections = append(r.Connections, providers.ConnectionInfo{PowerKW: p})
				}
			})
			if diff := cmp.Diff(c.want, r.MaxPowerKW); diff != "" {
				t.Errorf("MaxPowerKW mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCountAvailability_CountsEachStateOnce(t *testing.T) {
	t.Parallel()
	states := schemaEnum(t, "EVSEStatus")
	rapid.Check(t, func(t *rapid.T) {
		var list []providers.EVSEStatus
		there, known := 0, false
		for _, s := range rapid.SliceOfN(rapid.SampledFrom(states), 0, 20).Draw(t, "states") {
			list = append(list, providers.EVSEStatus(s))
			if s != "PLANNED" && s != "REMOVED" {
				there++
				known = known || s != "UNKNOWN"
			}
		}
		c := providers.CountAvailability(providers.UnitEVSE, list, day(1))
		if (c != nil) != known {
			t.Fatalf("CountAvailability(%v) = %+v", list, c)
		}
		if c == nil {
			return
		}
		if sum := c.Available + c.Occupied + c.OutOfService + c.Unknown; sum != c.Total || sum != there || c.Unit != providers.UnitEVSE || !c.ObservedAt.Equal(day(1)) {
			t.Errorf("CountAvailability(%v) = %+v, want %d", list, c, there)
		}
	})
}

func TestRecord_WithoutLiveForgetsWhatWasLiveAndNothingElse(t *testing.T) {
	t.Parallel()
	live := func() []providers.ConnectionInfo {
		return []providers.ConnectionInfo{{ExternalID: "1", Type: providers.ConnectorCCS2, Availability: new(providers.EVSECharging), AvailabilityUpdatedAt: day(1)}}
	}
	build := func(r *providers.Record) {
		r.Availability = &providers.AvailabilityCounts{Total: 1}
		r.Connections = live()
		r.EVSEs = []providers.EVSE{{ExternalID: "1", Status: providers.EVSEAvailable, StatusUpdatedAt: day(1), Connections: live()}, {ExternalID: "2", Status: providers.EVSEPlanned}, {ExternalID: "3", Status: providers.EVSERemoved}}
		r.Stations = []providers.Station{{ExternalID: "1", Status: providers.EVSEOutOfOrder, StatusUpdatedAt: day(1), Connections: live()}, {ExternalID: "2", Status: providers.EVSEPlanned}}
		r.Comments = []providers.Comment{{ExternalID: "1", CreatedAt: day(1), Rating: new(4)}}
		r.Photos = []providers.Photo{{ExternalID: "1"}}
	}
	r, twin := record("ocm", "1", build), record("ocm", "1", build)
	aged := r.WithoutLive()
	unlinked := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Record" || p.Last().String() == ".Source" }, cmp.Ignore())
	if diff := cmp.Diff(twin, r, unlinked); diff != "" {
		t.Errorf("the record itself was changed (-want +got):\n%s", diff)
	}
	if r.Connections[0].Record != r || r.Comments[0].Record != r || aged.Connections[0].Record != aged || aged.EVSEs[0].Connections[0].Record != aged || aged.Photos[0].Record != aged {
		t.Error("parts are not linked to their own record")
	}
	want := twin
	want.Availability = nil
	for _, list := range [][]providers.ConnectionInfo{want.Connections, want.EVSEs[0].Connections, want.Stations[0].Connections} {
		list[0].Availability, list[0].AvailabilityUpdatedAt = nil, time.Time{}
	}
	want.EVSEs[0].Status, want.EVSEs[0].StatusUpdatedAt = providers.EVSEUnknown, time.Time{}
	want.Stations[0].Status, want.Stations[0].StatusUpdatedAt = providers.EVSEUnknown, time.Time{}
	if diff := cmp.Diff(want, aged, unlinked); diff != "" {
		t.Errorf("WithoutLive() mismatch (-want +got):\n%s", diff)
	}
}

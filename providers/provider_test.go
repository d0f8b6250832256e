package providers_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

func TestSource_HealthFallsWithEveryFailureAndRecoversAtOnce(t *testing.T) {
	t.Parallel()
	var s providers.Source
	failure := &providers.SourceError{Code: providers.CodeNetwork}
	check := func(health providers.SourceHealth, last *providers.SourceError, success time.Time) {
		t.Helper()
		if s.Health() != health || s.LastError() != last || !s.LastSuccessAt().Equal(success) {
			t.Errorf("health %s, last error %v, last success %v", s.Health(), s.LastError(), s.LastSuccessAt())
		}
	}
	check(providers.HealthHealthy, nil, time.Time{}) // never asked
	s.Failed(failure)
	check(providers.HealthDegraded, failure, time.Time{})
	s.Failed(failure)
	check(providers.HealthDegraded, failure, time.Time{})
	s.Failed(failure)
	check(providers.HealthDown, failure, time.Time{})
	s.Failed(failure)
	check(providers.HealthDown, failure, time.Time{})
	s.Succeeded(day(3))
	check(providers.HealthHealthy, nil, day(3))
	s.Failed(failure)
	s.Succeeded(day(2)) // an answer that took longer than a later one
	check(providers.HealthHealthy, nil, day(3))
}

func TestSource_StateMayBeReadWhileItChanges(t *testing.T) {
	t.Parallel()
	var s providers.Source
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				if (n+i)%3 == 0 {
					s.Failed(&providers.SourceError{Code: providers.CodeTimeout})
				} else {
					s.Succeeded(day(1 + n%28))
				}
				s.Health()
				_ = s.LastError()
				s.LastSuccessAt()
				s.RecordCount()
			}
		})
	}
	wg.Wait()
	if !s.LastSuccessAt().Equal(day(28)) {
		t.Errorf("LastSuccessAt() = %v", s.LastSuccessAt())
	}
}

func TestSource_CountsWhatItHolds(t *testing.T) {
	t.Parallel()
	var live, held providers.Source
	n := 0
	held.Counts(func() int { return n })
	if live.RecordCount() != nil || *held.RecordCount() != 0 {
		t.Errorf("%v, %v", live.RecordCount(), held.RecordCount())
	}
	n = 7
	if *held.RecordCount() != 7 {
		t.Errorf("RecordCount() = %d", *held.RecordCount())
	}
	if live.Budget() != nil {
		t.Error("a budget that nobody keeps")
	}
}

func TestSource_RankOrdersByWhoStandsBehindTheData(t *testing.T) {
	t.Parallel()
	var list []*providers.Source
	for _, id := range []providers.SourceID{"plugshare", "local", "ocm:b", "ocm", "ocpi:ndw", "ocpplab", "ocm:a", "ocpi:eco"} {
		list = append(list, &providers.Source{ID: id, Provider: id.Provider()})
	}
	slices.SortFunc(list, func(a, b *providers.Source) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	var got []providers.SourceID
	for i, s := range list {
		got = append(got, s.ID)
		for j, o := range list {
			if s.Less(o) != (i < j) {
				t.Errorf("%s before %s: %v", s.ID, o.ID, s.Less(o))
			}
		}
	}
	if diff := cmp.Diff([]providers.SourceID{"ocpi:eco", "ocpi:ndw", "ocpplab", "ocm", "ocm:a", "ocm:b", "plugshare", "local"}, got); diff != "" {
		t.Errorf("order mismatch (-want +got):\n%s", diff)
	}
	if providers.ProviderCode("TESLA").Known() || !providers.Local.Known() {
		t.Error("providers are not known by their rank")
	}
}

func TestSourceResult_IsWholeOnlyWhenNothingIsMissing(t *testing.T) {
	t.Parallel()
	for _, outcome := range schemaEnum(t, "SourceOutcome") {
		for _, truncated := range []bool{false, true} {
			r := providers.SourceResult{Outcome: providers.SourceOutcome(outcome), Truncated: truncated}
			if r.Whole() != (outcome == "OK" && !truncated) {
				t.Errorf("%s, truncated %v: whole %v", outcome, truncated, r.Whole())
			}
		}
	}
}

func TestSource_SaysWhenItsHealthChanges(t *testing.T) {
	t.Parallel()
	var s providers.Source
	away, limited := &providers.SourceError{Code: providers.CodeNetwork}, &providers.SourceError{Code: providers.CodeRateLimited}
	got := []bool{
		s.Succeeded(day(1)),            // healthy, as it was
		s.Failed(away),                 // degraded
		s.Failed(limited),              // still
		s.Failed(away), s.Failed(away), // down, and still
		s.Succeeded(day(2)), s.Succeeded(day(3)), // healthy again, and still
	}
	if diff := cmp.Diff([]bool{false, true, false, true, false, true, false}, got); diff != "" {
		t.Errorf("changes mismatch (-want +got)\n%s", diff)
	}
	want := map[providers.SourceErrorCode]uint64{"": 3, providers.CodeNetwork: 3, providers.CodeRateLimited: 1}
	if diff := cmp.Diff(want, s.Outcomes()); diff != "" {
		t.Errorf("Outcomes() mismatch (-want +got)\n%s", diff)
	}
}

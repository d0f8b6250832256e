package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/store"
)

// script is a source that does at each pull what the test says, in turn; the last
// act is repeated.
type script struct {
	info *providers.Source
	acts []act
	at   []time.Time // when it was asked
	from []time.Time // what for
}

type act struct {
	put     []*providers.Record
	removed []providers.Key
	err     error
	unread  int
	partial bool          // not whole, though everything was asked for
	takes   time.Duration // to answer
}

func (s *script) Source() *providers.Source { return s.info }

func (s *script) Pull(ctx context.Context, since time.Time, yield func([]*providers.Record, []providers.Key) error) (providers.Pulled, error) {
	began := time.Now()
	a := s.acts[min(len(s.at), len(s.acts)-1)]
	s.at, s.from = append(s.at, began), append(s.from, since)
	if err := yield(a.put, a.removed); err != nil {
		return providers.Pulled{}, err
	}
	select {
	case <-time.After(a.takes):
	case <-ctx.Done():
		return providers.Pulled{}, ctx.Err()
	}
	if a.err != nil {
		return providers.Pulled{}, a.err
	}
	return providers.Pulled{AsOf: began, Whole: since.IsZero() && !a.partial && a.unread == 0, Unread: a.unread}, nil
}

// synced runs a Syncer over acts in a bubble, until the test has ended.
func synced(t *testing.T, cfg store.SyncConfig, liveFor time.Duration, acts ...act) (*store.Syncer, *script) {
	t.Helper()
	p := &script{info: &providers.Source{ID: "ocpi:s", Provider: providers.OCPI, LiveFor: liveFor}, acts: acts}
	s, err := store.NewSyncer(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	return s, p
}

func search(t *testing.T, s *store.Syncer) ([]*providers.Record, error) {
	t.Helper()
	answer, err := s.Source().Search(t.Context(), providers.Query{Area: providers.World()})
	return answer.Records, err
}

// wait lets a bubble's time pass.
func wait(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // a bubble's clock
	synctest.Wait()
}

func TestASyncerPullsEverythingAndThenWhatChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, p := synced(t, store.SyncConfig{Interval: 5 * time.Minute, FullEvery: 20 * time.Minute}, 0,
			act{put: []*providers.Record{record("1", 52, 4, "NL"), record("2", 52, 5, "NL")}, takes: time.Minute},
			act{put: []*providers.Record{record("3", 52, 6, "NL")}, removed: []providers.Key{"ocm:1"}},
			act{},
			act{},
			act{put: []*providers.Record{record("2", 52, 5, "NL"), record("3", 52, 6, "NL"), record("4", 52, 6, "NL")}},
			act{},
		)
		if _, err := search(t, s); err == nil || !strings.Contains(err.Error(), "being read for the first time") {
			t.Errorf("Search() = %v before the first pull has ended", err)
		}
		if err := s.WaitFirst(t.Context()); err != nil {
			t.Fatal(err)
		}
		records, err := search(t, s)
		if err != nil {
			t.Fatal(err)
		}
		wantKeys(t, records, "ocm:1", "ocm:2")
		if got := s.Source().Source().RecordCount(); got == nil || *got != 2 {
			t.Errorf("RecordCount() = %v", got)
		}
		wait(5 * time.Minute)
		records, _ = search(t, s)
		wantKeys(t, records, "ocm:2", "ocm:3")
		wait(20 * time.Minute)
		records, _ = search(t, s)
		wantKeys(t, records, "ocm:2", "ocm:3", "ocm:4")
		type pull struct{ at, from int } // minutes; -1: everything
		for i, want := range []pull{{0, -1}, {5, 0}, {10, 5}, {15, 10}, {20, -1}, {25, 20}} {
			if !p.at[i].Equal(start.Add(time.Duration(want.at) * time.Minute)) {
				t.Errorf("pull %d at %v, want %v minutes", i, p.at[i].Sub(start), want.at)
			}
			if want.from < 0 != p.from[i].IsZero() || want.from >= 0 && !p.from[i].Equal(start.Add(time.Duration(want.from)*time.Minute)) {
				t.Errorf("pull %d since %v, want %d minutes", i, p.from[i], want.from)
			}
		}
	})
}

func TestAFailedPullIsTriedAgainSoonAndThenLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := act{err: &providers.SourceError{Code: providers.CodeNetwork, Message: "the cable is out", RetryAfter: 0}}
		slow := act{err: &providers.SourceError{Code: providers.CodeRateLimited, Message: "not so fast", RetryAfter: 10 * time.Minute}}
		s, p := synced(t, store.SyncConfig{Interval: time.Minute, Rand: func() float64 { return 1 }}, 0,
			failed, failed, failed, failed, failed, failed, slow, act{put: []*providers.Record{record("1", 52, 4, "")}}, act{})
		err := s.WaitFirst(t.Context())
		se := (*providers.SourceError)(nil)
		if !errors.As(err, &se) || se.Code != providers.CodeNetwork || !strings.Contains(se.Message, "not been read yet: the cable is out") {
			t.Errorf("WaitFirst() = %v, want why the first pull failed", err)
		}
		wait(30 * time.Minute)
		var gaps []time.Duration
		for i := 1; i < 9; i++ {
			gaps = append(gaps, p.at[i].Sub(p.at[i-1]).Round(time.Millisecond))
		}
		want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute, 10 * time.Minute, time.Minute}
		for i := range want {
			if gaps[i] != want[i] {
				t.Errorf("gaps %v, want %v", gaps, want)
				break
			}
		}
		if records, err := search(t, s); err != nil || len(records) != 1 {
			t.Errorf("Search() = %v, %v", records, err)
		}
		if err := s.WaitFirst(t.Context()); err != nil {
			t.Errorf("WaitFirst() = %v once it is read", err)
		}
	})
}

func TestAFailureTakesNothingAway(t *testing.T) {
	t.Parallel()
	three := []*providers.Record{record("1", 52, 4, ""), record("2", 52, 4, ""), record("3", 52, 4, "")}
	for name, bad := range map[string]act{
		"AnError":           {put: three[:1], removed: []providers.Key{"ocm:2"}, err: errors.New("broken off")},
		"LessThanAnnounced": {put: three[:1], unread: 2},
		"NotWhole":          {put: three[:1], partial: true},
		"SuddenlyNothing":   {},
		"SuddenlyOne":       {put: three[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, _ := synced(t, store.SyncConfig{Interval: time.Minute, FullEvery: time.Minute}, 0, act{put: three}, bad, act{put: three})
				wait(90 * time.Second)
				if records, err := search(t, s); err != nil || len(records) != 3 {
					t.Errorf("%d records, %v, want all three", len(records), err)
				}
			})
		})
	}
}

func TestASuddenLossIsBelievedAfterMinutes(t *testing.T) {
	t.Parallel()
	var many []*providers.Record
	for id := range strings.SplitSeq("abcdefghijklmnopqrst", "") {
		many = append(many, record(id, 52, 4, ""))
	}
	held := func(t *testing.T, s *store.Syncer, want int) {
		t.Helper()
		if records, err := search(t, s); err != nil || len(records) != want {
			t.Errorf("%d records, %v, want %d", len(records), err, want)
		}
	}
	cfg := store.SyncConfig{Interval: time.Minute, FullEvery: time.Minute}
	t.Run("TwiceTheSame", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, _ := synced(t, cfg, 0, act{put: many}, act{put: many[:4]})
			wait(61 * time.Second)
			held(t, s, 20)
			if err := s.Source().Source().LastError(); err == nil || err.Code != providers.CodeSuspectAnswer {
				t.Errorf("LastError() = %v", err)
			}
			wait(time.Minute)
			held(t, s, 20)
			wait(time.Minute)
			held(t, s, 4)
			if s.Source().Source().Health() != providers.HealthHealthy {
				t.Errorf("health %s", s.Source().Source().Health())
			}
		})
	})
	t.Run("AnotherLoss", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, _ := synced(t, cfg, 0, act{put: many}, act{put: many[:4]}, act{put: many[:2]}, act{put: many[:8]}, act{put: many})
			wait(3*time.Minute + time.Second)
			held(t, s, 20)
			wait(time.Minute)
			held(t, s, 20)
		})
	})
	t.Run("SaidToBeGone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var gone []providers.Key
			for _, r := range many[2:] {
				gone = append(gone, r.Key)
			}
			s, _ := synced(t, cfg, 0, act{put: many}, act{put: many[:2], removed: gone})
			wait(61 * time.Second)
			held(t, s, 2)
		})
	})
	t.Run("Half", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, _ := synced(t, cfg, 0, act{put: many}, act{put: many[:10]})
			wait(61 * time.Second)
			held(t, s, 10)
		})
	})
}

func TestLiveStatesEndWithTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		live := record("1", 52, 4, "NL")
		live.EVSEs = []providers.EVSE{
			{ExternalID: "1", EVSEID: "NL*ABC*E1", Status: providers.EVSEAvailable, StatusUpdatedAt: time.Now()},
			{ExternalID: "2", Status: providers.EVSEPlanned},
		}
		live.Availability = &providers.AvailabilityCounts{Total: 1, Available: 1}
		live.Seal()
		plain := record("2", 52, 4, "NL")
		failed := act{err: &providers.SourceError{Code: providers.CodeNetwork, Message: "out"}}
		s, _ := synced(t, store.SyncConfig{Interval: 5 * time.Minute, Rand: func() float64 { return 1 }}, 15*time.Minute,
			act{put: []*providers.Record{live, plain}}, act{}, failed, failed, failed, failed, failed, failed, failed, failed, failed, failed)
		status := func() (viaSearch, viaRecord providers.EVSEStatus) {
			records, err := search(t, s)
			if err != nil || len(records) != 2 {
				t.Fatalf("Search() = %d records, %v", len(records), err)
			}
			r, ok := s.Source().Record("ocm:1")
			if !ok {
				t.Fatal("the record is gone")
			}
			for _, found := range records {
				if found.Key == "ocm:1" {
					viaSearch = found.EVSEs[0].Status
					if found.EVSEs[1].Status != providers.EVSEPlanned || (found.Availability == nil) != (viaSearch == providers.EVSEUnknown) {
						t.Errorf("record %+v", found)
					}
				} else if found != plain {
					t.Error("a record without live states was copied")
				}
			}
			return viaSearch, r.EVSEs[0].Status
		}
		want := func(want providers.EVSEStatus) {
			t.Helper()
			if a, b := status(); a != want || b != want {
				t.Errorf("status %s by search, %s by key, want %s", a, b, want)
			}
		}
		wait(time.Second)
		want(providers.EVSEAvailable)
		wait(5 * time.Minute) // confirmed by a pull for changes, at 5 minutes
		wait(14*time.Minute + 59*time.Second)
		want(providers.EVSEAvailable) // 20 minutes: as old as it may be
		wait(time.Second)
		want(providers.EVSEUnknown)
		if live.EVSEs[0].Status != providers.EVSEAvailable {
			t.Error("the held record was changed")
		}
		if got := s.Source().FindEVSE("nl abc e1"); len(got) != 1 {
			t.Errorf("FindEVSE() = %v", got)
		}
	})
}

func TestASourceThatRefusesToBeAskedForChangesIsReadWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := act{put: []*providers.Record{record("1", 52, 4, "")}}
		_, p := synced(t, store.SyncConfig{Interval: time.Minute}, 0, all, act{err: &providers.SourceError{Code: providers.CodeRejected, Message: "no dates"}}, all)
		wait(5 * time.Minute)
		for i, since := range p.from {
			if since.IsZero() == (i == 1) {
				t.Errorf("pull %d since %v", i, since)
			}
		}
	})
}

func TestARecordWithoutAPositionIsLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := synced(t, store.SyncConfig{}, 0, act{put: []*providers.Record{record("1", 52, 4, ""), record("2", 152, 4, "")}})
		if err := s.WaitFirst(t.Context()); err != nil {
			t.Fatal(err)
		}
		records, _ := search(t, s)
		wantKeys(t, records, "ocm:1")
	})
}

func TestWaitFirstObeysItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := synced(t, store.SyncConfig{}, 0, act{takes: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.WaitFirst(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitFirst() = %v, want its deadline", err)
		}
	})
}

func TestAWithdrawnPullIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &script{info: &providers.Source{ID: "ocpi:s"}, acts: []act{{takes: time.Hour}}}
		s, err := store.NewSyncer(p, store.SyncConfig{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run() = %v, want nil when its context ends", err)
		}
		if p.info.LastError() != nil {
			t.Errorf("LastError() = %v, want none", p.info.LastError())
		}
	})
}

func TestNewSyncerNamesWhatCannotBe(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]store.SyncConfig{
		"Interval":  {Interval: time.Millisecond},
		"FullEvery": {Interval: time.Hour, FullEvery: time.Minute},
	} {
		if _, err := store.NewSyncer(&script{info: &providers.Source{}}, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("NewSyncer() = %v, want it to name %s", err, field)
		}
	}
	if _, err := store.NewSyncer(&script{info: &providers.Source{}}, store.SyncConfig{Interval: 24 * time.Hour}); err != nil {
		t.Errorf("NewSyncer() = %v, want FullEvery to follow a long interval", err)
	}
}

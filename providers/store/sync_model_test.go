package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// upstream is a source whose content and whose next failure a test decides.
type upstream struct {
	info    *providers.Source
	clock   func() time.Time
	held    map[string]int       // version by external id
	changed map[string]time.Time // when an id last changed, and is there, or was said to be gone
	gone    map[string]bool      // of changed: said to be gone
	fault   string
	share   int // of ten, that a "less" pull gives
	asked   []time.Time
}

func newUpstream(clock func() time.Time) *upstream {
	return &upstream{
		info:  &providers.Source{ID: "ocpi:model", Provider: providers.OCPI},
		clock: clock, held: map[string]int{}, changed: map[string]time.Time{}, gone: map[string]bool{},
	}
}

func (u *upstream) Source() *providers.Source { return u.info }

func (u *upstream) record(id string) *providers.Record {
	n, _ := strconv.Atoi(id)
	r := &providers.Record{
		Key: providers.NewKey(u.info.ID, id), ExternalID: id, Source: u.info,
		Site: providers.Site{Title: fmt.Sprintf("%s v%d", id, u.held[id]), Location: providers.Point{Lat: float64(n%80) + 1, Lon: float64(n % 170)}},
	}
	r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: "NL*ABC*E" + id + "*" + strconv.Itoa(u.held[id]), Status: providers.EVSEAvailable}}
	r.Seal()
	return r
}

// gives returns what a pull gives, in its order.
func (u *upstream) gives(since time.Time) (put []string, removed []providers.Key) {
	for _, id := range slices.Sorted(maps.Keys(u.held)) {
		if since.IsZero() || !u.changed[id].Before(since) {
			put = append(put, id)
		}
	}
	if u.fault == "less" {
		put = put[:len(put)*u.share/10]
	}
	for _, id := range slices.Sorted(maps.Keys(u.gone)) {
		if since.IsZero() || !u.changed[id].Before(since) {
			removed = append(removed, providers.NewKey(u.info.ID, id))
		}
	}
	return put, removed
}

var errUpstream = &providers.SourceError{Code: providers.CodeUpstreamError, Message: "the model failed"}

func (u *upstream) Pull(_ context.Context, since time.Time, yield func([]*providers.Record, []providers.Key) error) (providers.Pulled, error) {
	u.asked = append(u.asked, since)
	began := u.clock()
	put, removed := u.gives(since)
	if err := yield(nil, removed); err != nil {
		return providers.Pulled{}, err
	}
	for i, id := range put {
		if u.fault == "break" && i >= len(put)/2 {
			return providers.Pulled{}, errUpstream
		}
		if err := yield([]*providers.Record{u.record(id)}, nil); err != nil {
			return providers.Pulled{}, err
		}
	}
	switch u.fault {
	case "fail", "break":
		return providers.Pulled{}, errUpstream
	case "reject":
		if !since.IsZero() {
			return providers.Pulled{}, &providers.SourceError{Code: providers.CodeRejected, Message: "no dates, please"}
		}
	case "panic":
		panic("the model panicked")
	case "unread":
		return providers.Pulled{AsOf: began, Unread: 3}, nil
	}
	return providers.Pulled{AsOf: began, Whole: since.IsZero()}, nil
}

// TestASyncerHoldsWhatItsModelHolds compares a Syncer with the rules in its
// documentation, written down once more, under every mixture of changes and
// failures.
func TestASyncerHoldsWhatItsModelHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		u := newUpstream(func() time.Time { return now })
		const interval, fullEvery = 5 * time.Minute, 30 * time.Minute
		s, err := NewSyncer(u, SyncConfig{Interval: interval, FullEvery: fullEvery, Clock: u.clock, Rand: func() float64 { return rapid.Float64Range(0, 1).Draw(t, "spread") }})
		if err != nil {
			t.Fatal(err)
		}
		model := map[string]string{} // title by id
		var asOf, nextFull time.Time
		suspected, fullOnly, failures := -1, false, 0
		var suspectedAt time.Time
		id := rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(0, 30).Draw(t, "n")) })
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				for range rapid.IntRange(1, 12).Draw(t, "times") {
					i := id.Draw(t, "id")
					u.held[i]++
					u.changed[i] = now
					delete(u.gone, i)
				}
			},
			"vanish": func(t *rapid.T) {
				for range rapid.IntRange(1, 12).Draw(t, "times") {
					delete(u.held, id.Draw(t, "id"))
				}
			},
			"hide": func(t *rapid.T) {
				i := id.Draw(t, "id")
				if _, ok := u.held[i]; ok {
					delete(u.held, i)
					u.gone[i], u.changed[i] = true, now
				}
			},
			"fault": func(t *rapid.T) {
				u.fault = rapid.SampledFrom([]string{"", "", "", "fail", "break", "reject", "panic", "unread", "less", "less"}).Draw(t, "fault")
				u.share = rapid.IntRange(0, 9).Draw(t, "share")
			},
			"later": func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute) },
			"pull": func(t *rapid.T) {
				full := asOf.IsZero() || fullOnly || !now.Before(nextFull)
				since := asOf
				if full {
					since = time.Time{}
				}
				put, removed := u.gives(since)
				wait := s.step(t.Context())
				if got := u.asked[len(u.asked)-1]; !got.Equal(since) {
					t.Fatalf("asked for what changed since %v, want %v", got, since)
				}
				failed := u.fault == "fail" || u.fault == "break" || u.fault == "panic" || u.fault == "reject" && !full
				whole := full && u.fault != "unread"
				if u.fault == "reject" && !full {
					fullOnly = true
				}
				if !failed && whole {
					expected := len(model)
					for _, k := range removed {
						if _, ok := model[k.ExternalID()]; ok {
							expected--
						}
					}
					if 2*len(put) < expected {
						if suspected < 0 || max(len(put)-suspected, suspected-len(put)) > suspected/10 {
							suspectedAt = now
						}
						suspected = len(put)
						failed = now.Sub(suspectedAt) < 2*time.Minute
					}
				}
				if failed {
					failures++
					if wait <= 0 || wait > interval {
						t.Fatalf("waits %v after failure %d", wait, failures)
					}
					if h := u.info.Health(); h == providers.HealthHealthy || u.info.LastError() == nil {
						t.Fatalf("health %s after a failure", h)
					}
					return
				}
				failures, suspected = 0, -1
				if wait != interval {
					t.Fatalf("waits %v after a success, want %v", wait, interval)
				}
				if u.info.Health() != providers.HealthHealthy || !u.info.LastSuccessAt().Equal(now) {
					t.Fatalf("health %s, last success %v", u.info.Health(), u.info.LastSuccessAt())
				}
				if whole {
					clear(model)
				}
				for _, k := range removed {
					delete(model, k.ExternalID())
				}
				for _, i := range put {
					model[i] = fmt.Sprintf("%s v%d", i, u.held[i])
				}
				same := asOf.Equal(now)
				asOf = now
				if full || same {
					nextFull = now.Add(fullEvery)
				}
			},
			"": func(t *rapid.T) { checkHeld(t, s, model, asOf) },
		})
	})
}

func checkHeld(t *rapid.T, s *Syncer, model map[string]string, asOf time.Time) {
	t.Helper()
	answer, err := s.Source().Search(t.Context(), providers.Query{Area: providers.World()})
	if asOf.IsZero() {
		if se := (*providers.SourceError)(nil); !errors.As(err, &se) || s.Source().Ready() == nil {
			t.Fatalf("Search() = %v before anything was read, want a SourceError", err)
		}
		return
	}
	if err != nil || !answer.FetchedAt.Equal(asOf) {
		t.Fatalf("Search() as of %v, %v, want %v", answer.FetchedAt, err, asOf)
	}
	got := map[string]string{}
	for _, r := range answer.Records {
		got[r.ExternalID] = r.Title
		for _, e := range r.EVSEs {
			if keys := s.Source().FindEVSE(e.EVSEID); len(keys) != 1 || keys[0] != r.Key {
				t.Fatalf("FindEVSE(%s) = %v, want %s", e.EVSEID, keys, r.Key)
			}
		}
	}
	if diff := cmp.Diff(model, got); diff != "" {
		t.Fatalf("held mismatch (-want +got)\n%s", diff)
	}
}

// TestFindEVSEAnswersAsALookAtEveryRecordDoes changes a store at random.
func TestFindEVSEAnswersAsALookAtEveryRecordDoes(t *testing.T) {
	t.Parallel()
	spellings := []string{"NL*ABC*E1", "NLABCE1", "nl-abc-e1", " NL*ABC*E1 ", "NL*ABC*E2", "NL*ABC*E3", "", "*", "NL*ABC*E1*2"}
	rapid.Check(t, func(t *rapid.T) {
		s := new(Store)
		record := rapid.Custom(func(t *rapid.T) *providers.Record {
			r := &providers.Record{Key: providers.NewKey("ocpi:x", strconv.Itoa(rapid.IntRange(1, 6).Draw(t, "key")))}
			for _, id := range rapid.SliceOfN(rapid.SampledFrom(spellings), 0, 4).Draw(t, "evses") {
				r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: strconv.Itoa(len(r.EVSEs)), EVSEID: id})
			}
			r.Seal()
			return r
		})
		type picture struct {
			at   *snapshot
			want map[string][]providers.Key
		}
		look := func() map[string][]providers.Key {
			want := map[string][]providers.Key{}
			for _, id := range spellings {
				normal := providers.NormalEVSEID(id)
				for _, r := range s.Search(providers.World()) {
					if normal != "" && slices.ContainsFunc(r.EVSEs, func(e providers.EVSE) bool { return providers.NormalEVSEID(e.EVSEID) == normal }) {
						want[id] = append(want[id], r.Key)
					}
				}
				slices.Sort(want[id])
			}
			return want
		}
		var old []picture
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				var remove []providers.Key
				for _, n := range rapid.SliceOfN(rapid.IntRange(1, 6), 0, 3).Draw(t, "remove") {
					remove = append(remove, providers.NewKey("ocpi:x", strconv.Itoa(n)))
				}
				if err := s.Apply(rapid.SliceOfN(record, 0, 4).Draw(t, "put"), remove); err != nil {
					t.Fatal(err)
				}
			},
			"replace": func(t *rapid.T) {
				if _, err := s.Replace(rapid.SliceOfN(record, 0, 4).Draw(t, "records"), time.Time{}); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				for id, want := range look() {
					if diff := cmp.Diff(want, s.FindEVSE(id)); diff != "" {
						t.Fatalf("FindEVSE(%q) mismatch (-want +got)\n%s", id, diff)
					}
				}
				old = append(old, picture{s.snapshot(), look()})
				for _, p := range old { // what was published never changes
					frozen := new(Store)
					frozen.current.Store(p.at)
					for id, want := range p.want {
						if diff := cmp.Diff(want, frozen.FindEVSE(id)); diff != "" {
							t.Fatalf("an old snapshot changed: FindEVSE(%q) mismatch (-want +got)\n%s", id, diff)
						}
					}
				}
			},
		})
	})
}

package checkins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chargegraph/providers"
)

// site returns a POI of records with these keys.
func site(keys ...providers.Key) *providers.POI {
	poi := &providers.POI{Site: &providers.Site{}}
	for _, k := range keys {
		poi.Members = append(poi.Members, &providers.Record{Key: k, Source: &providers.Source{ID: k.SourceID(), Provider: k.SourceID().Provider()}})
	}
	return poi
}

// front is a Service with what stands around it.
type front struct {
	*Service
	store Store
	far   *far
	clock *clock
	sites map[string]*providers.POI
	away  error // why sites cannot be asked for
	woken atomic.Int32
	mu    sync.Mutex
	moved []Change
}

func newFront(tb testing.TB, s Store, change func(*Config)) *front {
	tb.Helper()
	f := &front{store: s, clock: &clock{at: noon}, sites: map[string]*providers.POI{
		"poi:ocm:1":        site("ocpi:ndw:NL*ABC*1", "ocm:1", "ocm:2", "plugshare:9~8"),
		"poi:plugshare:7":  site("plugshare:7~1"),
		"poi:plugshare:70": site("plugshare:70~1"),
	}}
	f.far = &far{now: f.clock.now}
	cfg := Config{
		POI: func(_ context.Context, id string) (*providers.POI, error) {
			if f.away != nil {
				return nil, f.away
			}
			if poi := f.sites[id]; poi != nil {
				return poi, nil
			}
			return nil, ErrNotFound
		},
		Taker:   f.far.taker,
		Secrets: testSecrets(tb),
		Clock:   f.clock.now,
		Wake:    func() { f.woken.Add(1) },
		Changed: func(c Change) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.moved = append(f.moved, c)
		},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if f.Service, err = NewService(s, cfg); err != nil {
		tb.Fatal(err)
	}
	return f
}

// run runs the service until the test ends.
func (f *front) run(tb testing.TB) *front {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("Run() = %v", err)
		}
	})
	select {
	case <-f.ready:
	case <-tb.Context().Done():
		tb.Fatal("it never reads what is kept")
	}
	return f
}

func submission(key string) providers.Submission {
	return providers.Submission{IdempotencyKey: key, POIID: "poi:ocm:1", Report: providers.Report{Outcome: providers.CheckInCharged, Text: "  Fine.\r\nReally. "}}
}

func submit(tb testing.TB, f *front, caller string, s providers.Submission) *Entry {
	tb.Helper()
	e, replayed, err := f.Submit(tb.Context(), caller, s)
	if err != nil || replayed {
		tb.Fatalf("Submit() = replayed %v, %v", replayed, err)
	}
	return e
}

func TestSubmit_KeepsTheCheckInAndShowsItAtOnce(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			f := newFront(t, b.open(t), nil)
			e := submit(t, f, "app", submission("k"))
			kept, err := b.open(t).Get(t.Context(), e.ID)
			if diff := cmp.Diff(e, kept); diff != "" || err != nil {
				t.Errorf("kept %v, mismatch (-want +got)\n%s", err, diff)
			}
			want := &Entry{
				Version: 1, Caller: "app", Key: "k", Report: providers.Report{Outcome: providers.CheckInCharged, Kind: providers.CommentGeneral, Text: "Fine.\nReally."},
				POIID: "poi:ocpi:ndw:NL*ABC*1", Members: []providers.Key{"ocpi:ndw:NL*ABC*1", "ocm:1", "ocm:2", "plugshare:9~8"},
				Marker:    testSecrets(t).Marker("app", "k"),
				Targets:   []Target{{Provider: providers.OCM, Source: "ocm", Record: "ocm:1", State: providers.DeliveryPending, NextAt: noon, UpdatedAt: noon}},
				CreatedAt: noon, UpdatedAt: noon,
			}
			if diff := cmp.Diff(want, e, cmpopts.IgnoreFields(Entry{}, "ID", "Hash")); diff != "" || e.State() != providers.CheckInAccepted {
				t.Errorf("entry is %s, mismatch (-want +got)\n%s", e.State(), diff)
			}
			if got := f.Pending([]providers.Key{"plugshare:9~8", "ocm:1"}); len(got) != 1 || got[0].ID != e.ID {
				t.Errorf("Pending() = %v, want it once", got)
			}
			if got := f.Pending([]providers.Key{"ocm:3"}); len(got) != 0 {
				t.Errorf("Pending() elsewhere = %v", got)
			}
			if f.woken.Load() != 1 || len(f.moved) != 1 || !f.moved[0].New {
				t.Errorf("woken %d times, told %v", f.woken.Load(), f.moved)
			}
		})
	}
}

func TestSubmit_ARepeatIsAnsweredWithTheFirstEvenWhenNoSourceCanBeAsked(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			f := newFront(t, b.open(t), nil)
			first := submit(t, f, "app", submission("k"))
			f.away = errors.New("away")
			f.clock.pass(time.Hour)
			again := submission("k")
			again.Text = "Fine.\nReally."
			again.Kind = providers.CommentGeneral
			again.Token = "another-session" // no content
			e, replayed, err := f.Submit(t.Context(), "app", again)
			if err != nil || !replayed || e.ID != first.ID {
				t.Errorf("Submit() again = %v, replayed %v, %v", e, replayed, err)
			}
			for _, change := range []func(*providers.Submission){
				func(s *providers.Submission) { s.Text += "!" },
				func(s *providers.Submission) { s.Outcome = providers.CheckInOtherPositive },
				func(s *providers.Submission) { s.Rating = new(3) },
				func(s *providers.Submission) { s.POIID = "poi:plugshare:7" },
				func(s *providers.Submission) { s.DeliverTo = []providers.ProviderCode{providers.OCM} },
				func(s *providers.Submission) { s.Kind = providers.CommentNotice },
				func(s *providers.Submission) { s.UserName = "Ann" },
				func(s *providers.Submission) { s.RelatedURL = "https://example.org/" },
			} {
				other := submission("k")
				change(&other)
				wantUserError(t, f, "app", other, providers.UserErrorConflict, "input", "idempotencyKey")
			}
			if _, _, err := f.Submit(t.Context(), "another", submission("k")); !errors.Is(err, f.away) {
				t.Errorf("Submit() of another caller = %v, want that nobody knows the site", err)
			}
		})
	}
}

func wantUserError(tb testing.TB, f *front, caller string, s providers.Submission, code providers.UserErrorCode, field ...string) {
	tb.Helper()
	e, _, err := f.Submit(tb.Context(), caller, s)
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Code != code || !slices.Equal(errs[0].Field, field) || errs[0].Message == "" || e != nil {
		tb.Errorf("Submit(%+v) = %v, %v; want %s at %v", s, e, err, code, field)
	}
}

func TestSubmit_TwoCallersWithOneKeyNeverSeeEachOther(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			f := newFront(t, b.open(t), nil)
			other := submission("k")
			other.Text = "Broken."
			mine, theirs := submit(t, f, "app", submission("k")), submit(t, f, "another", other)
			if mine.ID == theirs.ID || mine.Marker == theirs.Marker {
				t.Error("one check-in for two callers")
			}
			if _, err := f.Get(t.Context(), "app", theirs.ID); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get() of another's = %v", err)
			}
			if _, err := f.Retry(t.Context(), "app", theirs.ID, ""); !errors.Is(err, ErrNotFound) {
				t.Errorf("Retry() of another's = %v", err)
			}
			if _, err := f.Subscribe(t.Context(), "app", theirs.ID); !errors.Is(err, ErrNotFound) {
				t.Errorf("Subscribe() to another's = %v", err)
			}
			if got, err := f.Get(t.Context(), "another", theirs.ID); err != nil || got.Report.Text != "Broken." {
				t.Errorf("Get() of one's own = %v, %v", got, err)
			}
			if _, err := f.Get(t.Context(), "app", "checkin:nonsense"); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get() of nonsense = %v", err)
			}
		})
	}
}

func TestSubmit_SaysWhichFieldIsWrongAndKeepsNothing(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	f := newFront(t, s, nil)
	long := func(n int) string { return strings.Repeat("ü", n) }
	for _, c := range []struct {
		change func(*providers.Submission)
		code   providers.UserErrorCode
		field  string
	}{
		{func(s *providers.Submission) { s.IdempotencyKey = "" }, providers.UserErrorInvalid, "idempotencyKey"},
		{func(s *providers.Submission) { s.IdempotencyKey = long(201) }, providers.UserErrorTooLong, "idempotencyKey"},
		{func(s *providers.Submission) { s.IdempotencyKey = "a\nb" }, providers.UserErrorInvalid, "idempotencyKey"},
		{func(s *providers.Submission) { s.IdempotencyKey = "a\xff" }, providers.UserErrorInvalid, "idempotencyKey"},
		{func(s *providers.Submission) { s.POIID = "" }, providers.UserErrorInvalid, "poiId"},
		{func(s *providers.Submission) { s.POIID = "poi:ocm:404" }, providers.UserErrorNotFound, "poiId"},
		{func(s *providers.Submission) { s.Outcome = "CHARGING" }, providers.UserErrorInvalid, "outcome"},
		{func(s *providers.Submission) { s.Outcome = "" }, providers.UserErrorInvalid, "outcome"},
		{func(s *providers.Submission) { s.Kind = "JOKE" }, providers.UserErrorInvalid, "kind"},
		{func(s *providers.Submission) { s.Text = long(4001) }, providers.UserErrorTooLong, "text"},
		{func(s *providers.Submission) { s.Text = "a\x00b" }, providers.UserErrorInvalid, "text"},
		{func(s *providers.Submission) { s.Outcome, s.Text = providers.CheckInNotVisited, " \n " }, providers.UserErrorInvalid, "text"},
		{func(s *providers.Submission) { s.Rating = new(0) }, providers.UserErrorInvalid, "rating"},
		{func(s *providers.Submission) { s.Rating = new(6) }, providers.UserErrorInvalid, "rating"},
		{func(s *providers.Submission) { s.RelatedURL = "example.org" }, providers.UserErrorInvalid, "relatedUrl"},
		{func(s *providers.Submission) { s.RelatedURL = "javascript:alert(1)" }, providers.UserErrorInvalid, "relatedUrl"},
		{func(s *providers.Submission) { s.RelatedURL = "https:///x" }, providers.UserErrorInvalid, "relatedUrl"},
		{func(s *providers.Submission) { s.RelatedURL = "https://example.org/" + long(481) }, providers.UserErrorTooLong, "relatedUrl"},
		{func(s *providers.Submission) { s.UserName = long(101) }, providers.UserErrorTooLong, "userName"},
		{func(s *providers.Submission) { s.UserName = "a\tb" }, providers.UserErrorInvalid, "userName"},
		{func(s *providers.Submission) { s.DeliverTo = []providers.ProviderCode{"FACEBOOK"} }, providers.UserErrorInvalid, "deliverTo"},
	} {
		sub := submission("k")
		c.change(&sub)
		wantUserError(t, f, "app", sub, c.code, "input", c.field)
	}
	several := providers.Submission{Report: providers.Report{Rating: new(9)}}
	var errs Errors
	if _, _, err := f.Submit(t.Context(), "app", several); !errors.As(err, &errs) || len(errs) != 4 {
		t.Errorf("Submit() of nothing = %v, want all that is wrong", err)
	}
	sub := submission("k")
	sub.Token = "with a space"
	wantUserError(t, f, "app", sub, providers.UserErrorUnauthenticated)
	if all, err := list(t.Context(), s, Filter{}); len(all) != 0 || err != nil {
		t.Errorf("kept %d, %v", len(all), err)
	}
	sub = submission("k")
	sub.Text, sub.RelatedURL, sub.UserName = long(4000)+"\n", "https://example.org/"+long(480), "می\u200cخواهم"
	submit(t, f, "app", sub)
	if _, _, err := f.Submit(t.Context(), "", submission("k")); err == nil {
		t.Error("Submit() without a caller")
	}
}

func TestSubmit_SaysWhereItGoes(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	f := newFront(t, s, nil)
	type row struct {
		Provider providers.ProviderCode
		State    providers.DeliveryState
		Error    bool
		Lost     string
	}
	ocm := row{providers.OCM, providers.DeliveryPending, false, ""}
	here := row{providers.Local, providers.DeliveryDelivered, false, ""}
	for name, c := range map[string]struct {
		change func(*providers.Submission)
		state  providers.CheckInState
		want   []row
	}{
		"by default to who takes it":           {func(*providers.Submission) {}, providers.CheckInAccepted, []row{ocm}},
		"with what is lost":                    {func(s *providers.Submission) { s.UserName = "Ann" }, providers.CheckInAccepted, []row{{providers.OCM, providers.DeliveryPending, false, "userName"}}},
		"nowhere, and is ours":                 {func(s *providers.Submission) { s.POIID = "poi:plugshare:7" }, providers.CheckInDelivered, []row{here}},
		"to one who takes none, and is ours":   {func(s *providers.Submission) { s.DeliverTo = []providers.ProviderCode{providers.PlugShare} }, providers.CheckInPartlyDelivered, []row{{providers.PlugShare, providers.DeliveryUnsupported, true, ""}, here}},
		"to one without a record, and is ours": {func(s *providers.Submission) { s.DeliverTo = []providers.ProviderCode{providers.OCPPLAB} }, providers.CheckInPartlyDelivered, []row{{providers.OCPPLAB, providers.DeliveryUnsupported, true, ""}, here}},
		"to both, once each": {
			func(s *providers.Submission) {
				s.DeliverTo = []providers.ProviderCode{providers.PlugShare, providers.OCM, providers.OCM}
			},
			providers.CheckInAccepted,
			[]row{ocm, {providers.PlugShare, providers.DeliveryUnsupported, true, ""}},
		},
		"nowhere, as asked for": {func(s *providers.Submission) { s.DeliverTo = []providers.ProviderCode{providers.Local} }, providers.CheckInDelivered, []row{here}},
		"to one, and here": {
			func(s *providers.Submission) { s.DeliverTo = []providers.ProviderCode{providers.Local, providers.OCM} },
			providers.CheckInAccepted,
			[]row{ocm, here},
		},
	} {
		t.Run(name, func(t *testing.T) {
			sub := submission(name)
			c.change(&sub)
			e := submit(t, f, "app", sub)
			var got []row
			for _, d := range e.CheckIn().Deliveries {
				got = append(got, row{d.Provider, d.State, d.Error != nil, strings.Join(d.LostFields, " ")})
			}
			if diff := cmp.Diff(c.want, got); diff != "" || e.State() != c.state {
				t.Errorf("state %s, want %s; deliveries mismatch (-want +got)\n%s", e.State(), c.state, diff)
			}
			if len(f.Pending(e.Members)) == 0 {
				t.Error("not shown")
			}
		})
	}
}

func TestSubmit_ASessionIsKeptSealedAndOnlyWhereItIsNeeded(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			f := newFront(t, b.open(t), nil)
			sub := submission("k")
			sub.Token = "my-secret-session"
			e := submit(t, f, "app", sub)
			text, err := json.Marshal(e)
			if err != nil || strings.Contains(string(text), "my-secret") || !e.Targets[0].OwnToken {
				t.Errorf("kept %s, %v", text, err)
			}
			if token, err := testSecrets(t).openToken(e.Token, e.ID, "app"); token != "my-secret-session" || err != nil {
				t.Errorf("opened %q, %v", token, err)
			}
			sub = submission("here")
			sub.POIID, sub.Token = "poi:plugshare:7", "my-secret-session"
			if e := submit(t, f, "app", sub); e.Token != nil {
				t.Error("a session that nobody needs was kept")
			}
			bare := newFront(t, b.open(t), func(c *Config) { c.Secrets = nil })
			sub = submission("bare")
			sub.Token = "my-secret-session"
			wantUserError(t, bare, "app", sub, providers.UserErrorUnsupported)
			if e := submit(t, bare, "app", submission("bare")); e.Marker != "" {
				t.Errorf("a marker without a secret: %q", e.Marker)
			}
		})
	}
}

// twoEach is a Limiter that lets each caller submit twice.
type twoEach map[string]int

func (l twoEach) Allow(_ context.Context, caller string) (time.Duration, error) {
	if l[caller]++; l[caller] > 2 {
		return time.Minute, nil
	}
	return 0, nil
}

func TestSubmit_NewOnesAreLimitedPerCallerAndRepeatsAreNot(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	limit := twoEach{}
	f := newFront(t, s, func(c *Config) { c.Limiter = limit })
	submit(t, f, "app", submission("1"))
	submit(t, f, "app", submission("2"))
	wantUserError(t, f, "app", submission("3"), providers.UserErrorRateLimited, "input")
	if _, replayed, err := f.Submit(t.Context(), "app", submission("1")); err != nil || !replayed {
		t.Errorf("Submit() again = %v, %v", replayed, err)
	}
	submit(t, f, "another", submission("3"))
	delete(limit, "app")
	submit(t, f, "app", submission("3"))
}

func TestSubmit_AStoreThatFailsAcknowledgesNothing(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "checkins.db"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFront(t, s, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var errs Errors
	if e, _, err := f.Submit(t.Context(), "app", submission("k")); err == nil || errors.As(err, &errs) || e != nil {
		t.Errorf("Submit() = %v, %v", e, err)
	}
	if got := f.Pending([]providers.Key{"ocm:1"}); len(got) != 0 {
		t.Errorf("shown: %v", got)
	}
}

func TestRetry_TakesAFreshSessionAndLooksBeforeItSends(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			f := newFront(t, s, nil)
			d := newDesk(t, s, DelivererConfig{Secrets: testSecrets(t)})
			expired := fate{err: &providers.DeliveryError{Final: true, SourceError: &providers.SourceError{Code: providers.CodeUnauthorized, Message: "your session is not good any more"}}}
			d.far.fate = func(look bool) fate {
				if look {
					return fate{}
				}
				return expired
			}
			sub := submission("k")
			sub.Token = "old"
			e := submit(t, f, "app", sub)
			if _, err := f.Retry(t.Context(), "app", e.ID, "new"); !hasCode(err, providers.UserErrorConflict) {
				t.Errorf("Retry() of what is on its way = %v", err)
			}
			e, _ = d.step(t, e.ID)
			if e.State() != providers.CheckInRejected || e.Token != nil {
				t.Fatalf("state %s, token %v", e.State(), e.Token)
			}
			if _, err := f.Retry(t.Context(), "app", e.ID, ""); !hasCode(err, providers.UserErrorUnauthenticated) {
				t.Errorf("Retry() without a session = %v", err)
			}
			if _, err := Reopen(t.Context(), s, e.ID, noon); !errors.Is(err, ErrNeedsToken) {
				t.Errorf("Reopen() without a session = %v", err)
			}
			if _, err := f.Retry(t.Context(), "app", e.ID, "in valid"); !hasCode(err, providers.UserErrorUnauthenticated) {
				t.Errorf("Retry() with nonsense = %v", err)
			}
			f.clock.pass(time.Hour)
			d.clock.pass(time.Hour)
			e, err := f.Retry(t.Context(), "app", e.ID, "new")
			if err != nil || e.State() != providers.CheckInAccepted || e.Targets[0].Error != nil || !e.RetriedAt.Equal(noon.Add(time.Hour)) {
				t.Fatalf("Retry() = %+v, %v", e, err)
			}
			d.far.fate = nil
			d.step(t, e.ID)
			e, _ = d.step(t, e.ID)
			if e.State() != providers.CheckInDelivered || d.far.looks != 2 || len(d.far.sent) != 2 || d.far.sent[1].Token != "new" {
				t.Errorf("state %s after %d looks, sent %v", e.State(), d.far.looks, d.far.sent)
			}
		})
	}
}

func hasCode(err error, code providers.UserErrorCode) bool {
	var errs Errors
	return errors.As(err, &errs) && len(errs) == 1 && errs[0].Code == code
}

func TestPending_FollowsDeliveriesOnEveryReplica(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			if b.name == "SQLite" {
				s := b.open(t)
				b.open = func(testing.TB) Store { return s } // one process
			}
			here := newFront(t, b.open(t), nil).run(t)
			changes := make(chan Change, 16)
			there := newFront(t, b.open(t), func(c *Config) { c.Changed = func(c Change) { changes <- c } }).run(t)
			e := submit(t, here, "app", submission("k"))
			if c := <-changes; !c.New || c.Entry.ID != e.ID {
				t.Errorf("change %+v", c)
			}
			site := []providers.Key{"ocm:1"}
			if got := there.Pending(site); len(got) != 1 || !got[0].Pending() {
				t.Errorf("Pending() there = %v", got)
			}
			late := newFront(t, b.open(t), nil).run(t) // another replica that starts now
			if got := late.Pending(site); len(got) != 1 || got[0].ID != e.ID {
				t.Errorf("Pending() of a new replica = %v", got)
			}
			d := newDesk(t, b.open(t), DelivererConfig{})
			if _, _ = d.step(t, e.ID); true {
				<-changes // claimed
				<-changes // delivered
			}
			if got := there.Pending(site); len(got) != 1 || got[0].Pending() {
				t.Errorf("Pending() after delivery = %v; want it shown still, not pending", got)
			}
			there.clock.pass(DefaultShowFor)
			if got := there.Pending(site); len(got) != 0 {
				t.Errorf("Pending() a day later = %v", got)
			}
			there.feed.sweep()
			if len(there.feed.shown) != 0 || len(there.feed.bySite) != 0 {
				t.Error("memory is kept of what is not shown")
			}
		})
	}
}

func TestPending_WhatIsKeptHereAloneStaysAndWhatWasRefusedGoes(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	f := newFront(t, s, nil).run(t)
	sub := submission("here")
	sub.POIID = "poi:plugshare:7"
	here := submit(t, f, "app", sub)
	refused := submit(t, f, "app", submission("refused"))
	d := newDesk(t, s, DelivererConfig{})
	d.far.fate = func(bool) fate {
		return fate{err: &providers.DeliveryError{Final: true, SourceError: &providers.SourceError{Code: providers.CodeRejected, Message: "no"}}}
	}
	d.step(t, refused.ID)
	if got := f.Pending(refused.Members); len(got) != 0 {
		t.Errorf("Pending() = %v", got)
	}
	f.feed.apply(refused) // overtaken
	if got := f.Pending(refused.Members); len(got) != 0 {
		t.Errorf("Pending() after an older version = %v", got)
	}
	if _, err := f.Shown(t.Context(), refused.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("Shown() of what was refused = %v", err)
	}
	f.clock.pass(1000 * 24 * time.Hour)
	if got := f.Pending(here.Members); len(got) != 1 || got[0].Pending() {
		t.Errorf("Pending() of ours after years = %v", got)
	}
	if got, err := f.Shown(t.Context(), here.ID); err != nil || got.ID != here.ID {
		t.Errorf("Shown() = %v, %v", got, err)
	}
}

func TestSubscribe_GivesTheStateOfTheMomentAndThenEachChange(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			f := newFront(t, s, nil).run(t)
			e := submit(t, f, "app", submission("k"))
			ctx, cancel := context.WithCancel(t.Context())
			changes, err := f.Subscribe(ctx, "app", e.ID)
			if err != nil {
				t.Fatal(err)
			}
			d := newDesk(t, s, DelivererConfig{})
			first := <-changes
			d.step(t, e.ID)
			got := []providers.CheckInState{first.State(), (<-changes).State(), (<-changes).State()}
			if diff := cmp.Diff([]providers.CheckInState{providers.CheckInAccepted, providers.CheckInDelivering, providers.CheckInDelivered}, got); diff != "" {
				t.Errorf("states mismatch (-want +got)\n%s", diff)
			}
			cancel()
			for range changes {
			}
		})
	}
}

func TestSubscribe_WhoDoesNotReadIsCutOff(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	f := newFront(t, s, nil).run(t)
	e := submit(t, f, "app", submission("k"))
	idle, err := f.Subscribe(t.Context(), "app", e.ID)
	if err != nil {
		t.Fatal(err)
	}
	all := f.Changes(t.Context())
	for range 5 * maxBehind {
		if _, err := mutate(t.Context(), s, e.ID, noon, func(*Entry) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for range idle {
		n++
	}
	if n != maxBehind {
		t.Errorf("%d changes before the end, want %d", n, maxBehind)
	}
	for range all {
		n++
	}
	if len(f.feed.watching) != 0 || len(f.feed.all) != 0 {
		t.Error("subscribers that were cut off are remembered")
	}
}

func TestChanges_ManyReadersHearOfEverything(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	f := newFront(t, s, nil).run(t)
	var readers sync.WaitGroup
	for range 8 {
		changes := f.Changes(t.Context())
		readers.Go(func() {
			for want := range 50 {
				if c, ok := <-changes; !ok || c.Entry.Key != fmt.Sprint(want) || !c.New {
					t.Errorf("change %+v, want %d", c, want)
					return
				}
			}
		})
	}
	for i := range 50 {
		submit(t, f, "app", submission(fmt.Sprint(i)))
	}
	readers.Wait()
}

func TestRun_TakesTheFeedUpAgainAndTellsWhatWasMissed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkins.db")
	synctest.Test(t, func(t *testing.T) {
		s := &breaking{Store: openSQLite(t, path), broken: make(chan struct{})}
		f := newFront(t, s, func(c *Config) {
			c.Clock = time.Now
		})
		old := fresh("old")
		old.CreatedAt, old.UpdatedAt = time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)
		put(t, s, old)
		f.run(t)
		watched := fresh("watched")
		watched.CreatedAt, watched.UpdatedAt = time.Now(), time.Now()
		put(t, s, watched)
		changes, err := f.Subscribe(t.Context(), "app", watched.ID)
		if err != nil {
			t.Fatal(err)
		}
		<-changes
		close(s.broken)
		synctest.Wait()
		missed := fresh("missed")
		missed.CreatedAt, missed.UpdatedAt = time.Now(), time.Now()
		put(t, s, missed)
		if err := s.Update(t.Context(), finished(watched, time.Now()), 1); err != nil {
			t.Fatal(err)
		}
		if got := f.Pending(missed.Members); len(got) != 2 {
			t.Errorf("Pending() while nothing is heard = %d, want 2", len(got))
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
		if got := f.Pending(missed.Members); len(got) != 3 {
			t.Errorf("Pending() afterwards = %d, want 3", len(got))
		}
		if e := <-changes; e.State() != providers.CheckInDelivered {
			t.Errorf("a subscriber hears of %s", e.State())
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		var told []string
		for _, c := range f.moved {
			told = append(told, c.Entry.Key)
		}
		if diff := cmp.Diff([]string{"watched", "watched", "missed"}, told, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("told mismatch (-want +got)\n%s", diff)
		}
	})
}

// breaking is a Store whose first feed breaks.
type breaking struct {
	Store
	once   sync.Once
	broken chan struct{}
}

func (s *breaking) Watch(ctx context.Context, joined func(), changed func(*Entry)) error {
	first := false
	s.once.Do(func() { first = true })
	if !first {
		return s.Store.Watch(ctx, joined, changed)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Store.Watch(ctx, joined, changed) }()
	select {
	case <-s.broken:
		cancel()
		return errors.Join(<-ended, errors.New("connection lost"))
	case err := <-ended:
		return err
	}
}

func TestCheckIn_IsWhatItsSubmitterSees(t *testing.T) {
	e := fresh("k")
	e.Report = providers.Report{Outcome: providers.CheckInInUseEV, Kind: providers.CommentNotice, Text: "Full.", Rating: new(2), RelatedURL: "https://example.org/", UserName: "Ann"}
	e.Targets[0].Lease, e.Targets[0].LeasedUntil = "x", noon.Add(time.Minute)
	got := e.CheckIn()
	comment := got.Comment
	want := &providers.CheckIn{
		ID: e.ID, POIID: "poi:ocm:1", State: providers.CheckInAccepted, CreatedAt: noon, Comment: comment,
		Deliveries: []providers.Delivery{{Provider: providers.OCM, State: providers.DeliveryPending, NextAttemptAt: noon.Add(time.Minute), UpdatedAt: noon}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(providers.Source{})); diff != "" {
		t.Errorf("CheckIn() mismatch (-want +got)\n%s", diff)
	}
	if comment.Provider() != providers.Local || !comment.Pending || comment.Author.DisplayName != "Ann" || *comment.Sentiment != providers.SentimentNeutral ||
		comment.Kind != providers.CommentNotice || *comment.Outcome != providers.CheckInInUseEV || *comment.Rating != 2 || comment.Text != "Full." {
		t.Errorf("Comment() = %+v", comment)
	}
	id, err := providers.ParseID(comment.ID())
	if err != nil {
		t.Fatal(err)
	}
	if entry, ok := EntryID(id); !ok || entry != e.ID {
		t.Errorf("EntryID(%s) = %q, %v; want %s", comment.ID(), entry, ok, e.ID)
	}
	for _, other := range []string{"comment:ocm:1:5", "comment:local:checkin:5", "poi:local:checkin"} {
		id, err := providers.ParseID(other)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := EntryID(id); ok {
			t.Errorf("EntryID(%s) is one", other)
		}
	}
}

func TestState_OfTheWholeFollowsTheDeliveries(t *testing.T) {
	const (
		p, r, u  = providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryUnconfirmed
		d, x     = providers.DeliveryDelivered, providers.DeliveryRejected
		no, fail = providers.DeliveryUnsupported, providers.DeliveryFailed
	)
	for _, c := range []struct {
		states  []providers.DeliveryState
		want    providers.CheckInState
		pending bool
	}{
		{[]providers.DeliveryState{p}, providers.CheckInAccepted, true},
		{[]providers.DeliveryState{p, no}, providers.CheckInAccepted, true},
		{[]providers.DeliveryState{r}, providers.CheckInDelivering, true},
		{[]providers.DeliveryState{u}, providers.CheckInDelivering, true},
		{[]providers.DeliveryState{p, d}, providers.CheckInDelivering, false},
		{[]providers.DeliveryState{d}, providers.CheckInDelivered, false},
		{[]providers.DeliveryState{d, x}, providers.CheckInPartlyDelivered, false},
		{[]providers.DeliveryState{x, fail}, providers.CheckInRejected, false},
		{[]providers.DeliveryState{no}, providers.CheckInRejected, false},
	} {
		e := &Entry{}
		for _, s := range c.states {
			t := Target{Source: "ocm", State: s}
			if s == r || s == u {
				t.Attempts = 1
			}
			e.Targets = append(e.Targets, t)
		}
		if got := e.State(); got != c.want || e.Pending() != c.pending {
			t.Errorf("%v is %s, pending %v; want %s, %v", c.states, got, e.Pending(), c.want, c.pending)
		}
	}
}

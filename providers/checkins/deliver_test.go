package checkins

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// far is a provider at the far end of a CheckInTaker: it stores a comment for
// everything that it is sent, as the real one does, and misbehaves as told.
type far struct {
	now func() time.Time
	// fate decides what becomes of the next send or look; nil: all goes well.
	fate  func(look bool) fate
	tells bool // it is a providers.AuthorTeller
	first int  // of the comments' ids, less 1000
	// during is called while a request is under way.
	during func(look bool)

	mu       sync.Mutex
	comments []farComment
	sent     []providers.Consignment
	looks    int
}

type farComment struct {
	marker, text, author string
	visibleAt            time.Time
}

// teller is a far that tells under whose name it sends.
type teller struct{ *far }

func (teller) Author(_ context.Context, c providers.Consignment) (string, error) {
	return "service" + c.Token, nil
}

// fate is what becomes of one request.
type fate struct {
	stored  bool
	visible time.Duration // after it was stored
	err     error
}

func well() fate { return fate{stored: true} }

func unclear(stored bool) fate {
	return fate{stored: stored, err: &providers.DeliveryError{Ambiguous: true, SourceError: &providers.SourceError{Code: providers.CodeTimeout, Message: "no answer in time"}}}
}

func (f *far) Send(_ context.Context, c providers.Consignment) error {
	now := f.now()
	what := well()
	if f.fate != nil {
		what = f.fate(false)
	}
	f.mu.Lock()
	f.sent = append(f.sent, c)
	if what.stored {
		f.comments = append(f.comments, farComment{c.Marker, c.Text, "service" + c.Token, now.Add(what.visible)})
	}
	f.mu.Unlock()
	if f.during != nil {
		f.during(false)
	}
	return what.err
}

func (f *far) Find(_ context.Context, c providers.Consignment, _ []time.Time) (string, bool, error) {
	now := f.now()
	var what fate
	if f.fate != nil {
		what = f.fate(true)
	}
	if f.during != nil {
		f.during(true)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if what.err != nil {
		return "", false, what.err
	}
	for i, comment := range f.comments {
		mine := comment.author == "service"+c.Token || slices.Contains(c.Authors, comment.author)
		if mine && comment.marker == c.Marker && comment.text == c.Text && !comment.visibleAt.After(now) && !slices.Contains(c.Others, f.name(i)) {
			return f.name(i), true, nil
		}
	}
	return "", false, nil
}

// name is what the provider calls its i-th comment.
func (f *far) name(i int) string { return fmt.Sprint(1000 + f.first + i) }

func (f *far) Lost(r providers.Report) []string {
	if r.UserName != "" {
		return []string{"userName"}
	}
	return nil
}

// copies returns how many comments carry a marker.
func (f *far) copies(marker string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.comments {
		if c.marker == marker {
			n++
		}
	}
	return n
}

func (f *far) taker(id providers.SourceID) (providers.CheckInTaker, bool) {
	if id != "ocm" {
		return nil, false
	}
	if f.tells {
		return teller{f}, true
	}
	return f, true
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// fresh returns an entry that was just submitted.
func fresh(key string) *Entry {
	e := newEntry("app", key)
	e.Token = nil
	e.Targets = []Target{{Provider: providers.OCM, Source: "ocm", Record: "ocm:1", State: providers.DeliveryPending, NextAt: noon, UpdatedAt: noon}}
	return e
}

// desk is a deliverer whose steps a test takes one by one.
type desk struct {
	*Deliverer
	store Store
	far   *far
	clock *clock
}

func newDesk(tb testing.TB, s Store, cfg DelivererConfig) *desk {
	tb.Helper()
	c := &clock{at: noon}
	f := &far{now: c.now}
	cfg.Clock = c.now
	cfg.Rand = func() float64 { return 0 }
	cfg.pause = func(_ context.Context, d time.Duration) { c.pass(d) }
	d, err := NewDeliverer(s, f.taker, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return &desk{d, s, f, c}
}

// step takes one step with an entry, when it is due, and returns what it became
// and how long that took.
func (d *desk) step(tb testing.TB, id string) (*Entry, time.Duration) {
	tb.Helper()
	e, err := d.store.Get(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	wait := e.dueAt().Sub(d.clock.now())
	d.clock.pass(max(wait, 0))
	if err = d.Deliverer.step(tb.Context(), id); err != nil {
		tb.Fatal(err)
	}
	if e, err = d.store.Get(tb.Context(), id); err != nil {
		tb.Fatal(err)
	}
	return e, max(wait, 0)
}

func TestDeliverer_SendsAndLearnsTheCommentsID(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			d := newDesk(t, b.open(t), DelivererConfig{})
			e := fresh("k")
			e.Report.RelatedURL = "https://example.org/"
			put(t, d.store, e)
			got, _ := d.step(t, e.ID)
			want := Target{
				Provider: providers.OCM, Source: "ocm", Record: "ocm:1", State: providers.DeliveryDelivered, Attempts: 1,
				ExternalID: "1000", SentAt: []time.Time{noon}, UpdatedAt: noon, Unclear: 1,
			}
			if diff := cmp.Diff(want, got.Targets[0]); diff != "" {
				t.Errorf("target mismatch (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff([]providers.Consignment{{Report: e.Report, Site: "ocm:1", SubmittedAt: noon, Marker: e.Marker}}, d.far.sent); diff != "" {
				t.Errorf("sent mismatch (-want +got)\n%s", diff)
			}
		})
	}
}

func TestDeliverer_WhateverTheChanceTheEntryCanBeReadAgain(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			for i, chance := range []float64{0.1, 1.0 / 3, 0.9999999, 1} {
				d := newDesk(t, b.open(t), DelivererConfig{Rules: Rules{FirstRetry: 1001 * time.Millisecond}})
				d.cfg.Rand = func() float64 { return chance }
				for what, refused := range map[string]error{
					"refused":  &providers.DeliveryError{SourceError: &providers.SourceError{Code: providers.CodeUpstreamError, RetryAfter: 1500*time.Millisecond + 1}},
					"withheld": &providers.DeliveryError{SourceError: &providers.SourceError{Code: providers.CodeBudgetExhausted}},
				} {
					d.far.fate = func(bool) fate { return fate{err: refused} }
					e := fresh(fmt.Sprint(what, i))
					put(t, d.store, e)
					for range 4 { // sends, and looks that fail
						e, _ = d.step(t, e.ID)
					}
					if !e.Targets[0].moves() {
						t.Errorf("%s at %v: %+v", what, chance, e.Targets[0])
					}
				}
			}
		})
	}
}

func TestDeliverer_NotesTheAttemptBeforeItSends(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			d := newDesk(t, b.open(t), DelivererConfig{})
			e := fresh("k")
			put(t, d.store, e)
			var meanwhile *Entry
			d.far.during = func(look bool) {
				if look {
					return
				}
				var err error
				if meanwhile, err = b.open(t).Get(t.Context(), e.ID); err != nil {
					t.Error(err)
				}
				if due, _, err := d.store.Due(t.Context(), d.clock.now().Add(d.cfg.SendTimeout), 1); len(due) != 0 || err != nil {
					t.Errorf("Due() meanwhile = %v, %v; want nothing", due, err)
				}
			}
			d.step(t, e.ID)
			if got := meanwhile.Targets[0]; got.Attempts != 1 || len(got.SentAt) != 1 || got.Doubt != absencesAfterUnclear || got.Lease == "" {
				t.Errorf("kept while it was sent: %+v", got)
			}
		})
	}
}

// TestDeliverer_Rules walks through deliveries, request by request: each row is
// what becomes of them in turn, how long the worker waited before each, and where
// that ends.
func TestDeliverer_Rules(t *testing.T) {
	refused := func(code providers.SourceErrorCode, after time.Duration) fate {
		return fate{err: &providers.DeliveryError{SourceError: &providers.SourceError{Code: code, Message: "not now", RetryAfter: after}}}
	}
	final := fate{err: &providers.DeliveryError{Final: true, SourceError: &providers.SourceError{Code: providers.CodeRejected, Message: "refused"}}}
	unread := fate{err: &providers.SourceError{Code: providers.CodeNetwork, Message: "away"}}
	absent := fate{}
	const lag = DefaultLag
	for name, c := range map[string]struct {
		fates    []fate
		waits    []time.Duration
		state    providers.DeliveryState
		attempts int
		sends    int
		copies   int
	}{
		"found after a time-out": {
			[]fate{unclear(true), {}}, []time.Duration{0, lag}, providers.DeliveryDelivered, 1, 1, 1,
		},
		"absent once may only be late": {
			[]fate{{stored: true, visible: lag + time.Second, err: unclear(true).err}, absent, absent},
			[]time.Duration{0, lag, lag},
			providers.DeliveryDelivered, 1, 1, 1,
		},
		"absent twice is sent again": {
			[]fate{unclear(false), absent, absent, well()}, []time.Duration{0, lag, lag, 0}, providers.DeliveryDelivered, 2, 2, 1,
		},
		"after a clear refusal one look will do": {
			[]fate{refused(providers.CodeUpstreamError, 0), absent, well()},
			[]time.Duration{0, DefaultFirstRetry, 0},
			providers.DeliveryDelivered, 2, 2, 1,
		},
		"a refusal that stored all the same is found": {
			[]fate{{stored: true, err: refused(providers.CodeUpstreamError, 0).err}, absent},
			[]time.Duration{0, DefaultFirstRetry},
			providers.DeliveryDelivered, 1, 1, 1,
		},
		"Retry-After is obeyed": {
			[]fate{refused(providers.CodeRateLimited, 10*time.Minute), absent, well()},
			[]time.Duration{0, 10 * time.Minute, 0},
			providers.DeliveryDelivered, 2, 2, 1,
		},
		"but not for years": {
			[]fate{refused(providers.CodeRateLimited, 10000*time.Hour), absent, well()},
			[]time.Duration{0, maxRetryAfter, 0},
			providers.DeliveryDelivered, 2, 2, 1,
		},
		"a budget that is used up costs no attempt": {
			[]fate{refused(providers.CodeBudgetExhausted, time.Hour), refused(providers.CodeCircuitOpen, 0), well()},
			[]time.Duration{0, time.Hour, DefaultFirstRetry},
			providers.DeliveryDelivered, 1, 3, 1,
		},
		"refused for good": {
			[]fate{final}, []time.Duration{0}, providers.DeliveryRejected, 1, 1, 0,
		},
		"what cannot be read is read again, later each time": {
			[]fate{unclear(true), unread, unread, absent},
			[]time.Duration{0, lag, DefaultFirstRetry, 2 * DefaultFirstRetry},
			providers.DeliveryDelivered, 1, 1, 1,
		},
		"what can never be read waits for a person": {
			[]fate{unclear(true), unread, unread, unread},
			[]time.Duration{0, lag, DefaultFirstRetry, 2 * DefaultFirstRetry},
			providers.DeliveryUnconfirmed, 1, 1, 1,
		},
		"what ends in doubt too often waits for a person": {
			[]fate{unclear(false), absent, absent, unclear(false), absent, absent, unclear(false), absent, absent},
			[]time.Duration{0, lag, lag, 0, lag, lag, 0, lag, lag},
			providers.DeliveryUnconfirmed, 3, 3, 0,
		},
		"given up after the last attempt": {
			[]fate{
				refused(providers.CodeUpstreamError, 0), absent, refused(providers.CodeUpstreamError, 0), absent,
				refused(providers.CodeUpstreamError, 0), absent, refused(providers.CodeUpstreamError, 0), absent, absent,
			},
			[]time.Duration{0, 5 * time.Second, 0, 10 * time.Second, 0, 20 * time.Second, 0, 40 * time.Second, 0},
			providers.DeliveryFailed, 4, 4, 0,
		},
		"an error of no kind says nothing": {
			[]fate{{stored: true, err: errors.New("odd")}, absent}, []time.Duration{0, lag}, providers.DeliveryDelivered, 1, 1, 1,
		},
	} {
		if !strings.Contains(name, "waits for a person") && name != "given up after the last attempt" && name != "refused for good" {
			c.state = providers.DeliveryDelivered
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
			d := newDesk(t, s, DelivererConfig{Rules: Rules{MaxBlind: 3, MaxUnclear: 3, MaxAttempts: 4}})
			e := fresh("k")
			put(t, s, e)
			fates := c.fates
			d.far.fate = func(bool) fate {
				if len(fates) == 0 {
					return fate{} // the look that learns the id
				}
				next := fates[0]
				fates = fates[1:]
				return next
			}
			var waits []time.Duration
			for e.Targets[0].moves() {
				var wait time.Duration
				e, wait = d.step(t, e.ID)
				waits = append(waits, wait)
			}
			if diff := cmp.Diff(c.waits, waits); diff != "" {
				t.Errorf("waits mismatch (-want +got)\n%s", diff)
			}
			got := e.Targets[0]
			if got.State != c.state || got.Attempts != c.attempts || len(d.far.sent) != c.sends || d.far.copies(e.Marker) != c.copies {
				t.Errorf("ended %s after %d attempts, %d sends, with %d copies; want %s, %d, %d, %d",
					got.State, got.Attempts, len(d.far.sent), d.far.copies(e.Marker), c.state, c.attempts, c.sends, c.copies)
			}
			if got.State != providers.DeliveryDelivered && got.Error == nil {
				t.Error("nobody is told why")
			}
		})
	}
}

func TestDeliverer_ASiteWhoseSourceTakesNoneWaitsAndIsGivenUpAfterAWeek(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	d := newDesk(t, s, DelivererConfig{})
	e := fresh("k")
	e.Targets[0].Source = "ocm:gone"
	put(t, s, e)
	steps := 0
	for e.Targets[0].moves() && steps < 1_000_000 {
		e, _ = d.step(t, e.ID)
		d.clock.pass(6 * time.Hour)
		steps++
	}
	if got := e.Targets[0]; got.State != providers.DeliveryFailed || got.Attempts != 0 || got.Error == nil || got.Error.Code != providers.CodeUnsupported {
		t.Errorf("ended %+v after %d steps", got, steps)
	}
}

func TestDeliverer_ASessionIsOpenedForItsOwnCheckInAndErasedAfterwards(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			secrets := testSecrets(t)
			var log strings.Builder
			d := newDesk(t, b.open(t), DelivererConfig{Secrets: secrets, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			own := func(key string) *Entry {
				e := fresh(key)
				e.Targets[0].OwnToken = true
				var err error
				if e.Token, err = secrets.sealToken("session-of-"+key, e.ID, e.Caller); err != nil {
					t.Fatal(err)
				}
				return e
			}
			mine, theirs := own("mine"), own("theirs")
			stolen := fresh("stolen")
			stolen.Targets[0].OwnToken = true
			stolen.Token = theirs.Token // as if the rows had been mixed up
			put(t, d.store, mine)
			put(t, d.store, stolen)

			got, _ := d.step(t, mine.ID)
			if len(d.far.sent) != 1 || d.far.sent[0].Token != "session-of-mine" {
				t.Errorf("sent under %v", d.far.sent)
			}
			if got.Token != nil || got.Targets[0].ExternalID != "1000" {
				t.Errorf("after delivery: token %v, comment %q; want it erased, 1000", got.Token, got.Targets[0].ExternalID)
			}
			got, _ = d.step(t, stolen.ID)
			if len(d.far.sent) != 1 || got.Targets[0].State != providers.DeliveryRejected || got.Targets[0].Error.Code != providers.CodeUnauthorized || got.Token != nil {
				t.Errorf("with another's session: %+v, sent %d", got.Targets[0], len(d.far.sent))
			}
			if strings.Contains(log.String(), "session-of") || !strings.Contains(log.String(), stolen.ID) {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

func TestDeliverer_WhoseLeaseHasPassedOnChangesNothing(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			slow := newDesk(t, s, DelivererConfig{})
			e := fresh("k")
			put(t, s, e)
			other, err := NewDeliverer(b.open(t), slow.far.taker, DelivererConfig{Clock: slow.clock.now, Rand: func() float64 { return 0 }})
			if err != nil {
				t.Fatal(err)
			}
			slow.far.fate = func(look bool) fate {
				if look {
					return fate{}
				}
				return fate{stored: true, err: &providers.DeliveryError{Final: true, SourceError: &providers.SourceError{Code: providers.CodeRejected, Message: "late"}}}
			}
			slow.far.during = func(look bool) {
				if look {
					return
				}
				if err := other.step(t.Context(), e.ID); err != nil { // too early
					t.Error(err)
				}
				slow.clock.pass(time.Hour) // the process stands still
				if err := other.step(t.Context(), e.ID); err != nil {
					t.Error(err)
				}
			}
			got, _ := slow.step(t, e.ID)
			if got.Targets[0].State != providers.DeliveryDelivered || len(slow.far.sent) != 1 || slow.far.looks != 1 {
				t.Errorf("ended %+v after %d sends and %d looks; want it found by the other worker", got.Targets[0], len(slow.far.sent), slow.far.looks)
			}
		})
	}
}

func TestDeliverer_AClaimThatTookTooLongIsNotSent(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	late := &troubled{Store: s}
	d := newDesk(t, late, DelivererConfig{})
	e := fresh("k")
	put(t, s, e)
	late.update = func(write func() error) error {
		err := write()
		d.clock.pass(DefaultSendTimeout)
		late.update = nil
		return err
	}
	got, _ := d.step(t, e.ID)
	if len(d.far.sent) != 0 || got.Targets[0].Attempts != 0 || got.State() != providers.CheckInAccepted {
		t.Errorf("%d sends, %+v; want none, and none counted", len(d.far.sent), got.Targets[0])
	}
}

func TestDeliverer_APanicOfASourceIsAnUnclearEnd(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	d := newDesk(t, s, DelivererConfig{})
	e := fresh("k")
	put(t, s, e)
	d.far.during = func(look bool) {
		if !look {
			panic("a bug")
		}
	}
	got, _ := d.step(t, e.ID)
	if got.Targets[0].State != providers.DeliveryRetrying || got.Targets[0].Doubt != absencesAfterUnclear {
		t.Errorf("after a panic: %+v", got.Targets[0])
	}
	if got, _ = d.step(t, e.ID); got.Targets[0].State != providers.DeliveryDelivered {
		t.Errorf("after a look: %+v", got.Targets[0])
	}
}

// troubled is a Store whose writes fail as a test wishes.
type troubled struct {
	Store
	update func(write func() error) error
	get    func() error
}

func (s *troubled) Update(ctx context.Context, e *Entry, was int64) error {
	if s.update == nil {
		return s.Store.Update(ctx, e, was)
	}
	return s.update(func() error { return s.Store.Update(ctx, e, was) })
}

func (s *troubled) Get(ctx context.Context, id string) (*Entry, error) {
	if s.get != nil {
		if err := s.get(); err != nil {
			return nil, err
		}
	}
	return s.Store.Get(ctx, id)
}

// TestDeliverer_LosesNothingAndDoublesNothing is the promise of this package: two
// workers deliver some check-ins while every request, every read and every write
// may fail in every way, including that the process dies just before or just
// after it, and that the other worker runs at that very moment. In the end each
// check-in is at the provider once, or explained.
func TestDeliverer_LosesNothingAndDoublesNothing(t *testing.T) {
	// The power stays on here, so that no disk has to be waited for.
	lite := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	if _, err := lite.conn.ExecContext(t.Context(), "PRAGMA synchronous = OFF"); err != nil {
		t.Fatal(err)
	}
	stores := map[string]Store{"SQLite": lite}
	if _, err := exec.LookPath("redis-server"); err == nil {
		server := ownRedis(t, "--appendfsync", "no")
		if stores["Redis"], err = OpenRedis(t.Context(), redisClient(t, server), RedisConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range stores {
		t.Run(name, func(t *testing.T) { losesNothing(t, s) })
	}
}

func losesNothing(t *testing.T, s Store) {
	t.Helper()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		w := &unlucky{rt: rt, t: t, b: s, clock: &clock{at: noon}}
		w.far = &far{now: w.clock.now, fate: w.fate, during: w.during, first: 100_000 * run} // no id comes twice
		entries := make([]*Entry, rapid.IntRange(1, 3).Draw(rt, "entries"))
		for i := range entries {
			entries[i] = fresh(fmt.Sprint(run, "-", i))
			put(t, s, entries[i])
			w.ids = append(w.ids, entries[i].ID)
		}
		w.workers = []*Deliverer{w.worker(), w.worker()}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			w.step()
		}
		w.fair = true // from now on all goes well
		for range 200 {
			if !w.step() {
				break
			}
		}
		for _, e := range entries {
			got, err := s.Get(t.Context(), e.ID)
			if err != nil {
				rt.Fatalf("an entry is lost: %v", err)
			}
			target, copies := got.Targets[0], w.far.copies(e.Marker)
			switch target.State {
			case providers.DeliveryDelivered:
				if copies != 1 {
					rt.Fatalf("%d copies of what is DELIVERED", copies)
				}
			case providers.DeliveryRejected, providers.DeliveryFailed:
				if copies != 0 {
					rt.Fatalf("%d copies of what is %s", copies, target.State)
				}
			case providers.DeliveryUnconfirmed:
				if copies > 1 || target.Error == nil {
					rt.Fatalf("%d copies of what is UNCONFIRMED, for reason %v", copies, target.Error)
				}
			default:
				rt.Fatalf("unfinished: %+v", target)
			}
		}
	})
}

// unlucky is a world in which everything fails that can.
type unlucky struct {
	rt      *rapid.T
	t       *testing.T
	b       Store
	clock   *clock
	far     *far
	ids     []string
	workers []*Deliverer
	depth   int
	fair    bool
}

var errDead = errors.New("the process is dead")

// worker returns a worker as one that was just started, over a store that fails.
func (w *unlucky) worker() *Deliverer {
	dead := false
	trouble := func(name string, do func() error) error {
		if dead {
			return errDead
		}
		if w.fair {
			return do()
		}
		switch rapid.IntRange(0, 11).Draw(w.rt, name) {
		case 0: // not written
			return errors.New("away")
		case 1: // written, and the answer lost
			return errors.Join(do(), errors.New("away"))
		case 2:
			dead = true
			return errDead
		case 3:
			err := do()
			dead = true
			return errors.Join(err, errDead)
		}
		return do()
	}
	s := &troubled{Store: w.b}
	s.get = func() error { return trouble("get", func() error { return nil }) }
	s.update = func(write func() error) error { return trouble("update", write) }
	rules := Rules{MaxUnclear: 4, MaxBlind: 4, MaxAttempts: 6}
	d, err := NewDeliverer(s, func(id providers.SourceID) (providers.CheckInTaker, bool) {
		if dead {
			w.rt.Fatal("a dead process asks for a source")
		}
		return w.far.taker(id)
	}, DelivererConfig{
		Rules: rules, Clock: w.clock.now, Rand: func() float64 { return 0 },
		pause: func(_ context.Context, d time.Duration) { w.clock.pass(d) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// step lets time pass until something is due and a worker look at it. One that
// has died is started anew. It returns false when nothing will ever be due.
func (w *unlucky) step() bool {
	due, next, err := w.b.Due(w.t.Context(), w.clock.now(), 100)
	if err != nil {
		w.rt.Fatal(err)
	}
	if len(due) == 0 {
		if !next.IsZero() {
			w.clock.pass(next.Sub(w.clock.now()))
		}
		return !next.IsZero()
	}
	n := rapid.IntRange(0, 1).Draw(w.rt, "worker")
	id := rapid.SampledFrom(due).Draw(w.rt, "entry")
	if err := w.workers[n].step(w.t.Context(), id); errors.Is(err, errDead) {
		w.workers[n] = w.worker()
	}
	return true
}

// fate decides what the provider does, within what the rules allow for: a comment
// is seen two lags after its send at the latest.
func (w *unlucky) fate(look bool) fate {
	if w.fair {
		return fate{stored: !look}
	}
	source := func(code providers.SourceErrorCode) *providers.SourceError {
		return &providers.SourceError{Code: code, Message: "trouble"}
	}
	late := time.Duration(rapid.IntRange(0, int(2*DefaultLag/time.Second)-1).Draw(w.rt, "visible after")) * time.Second
	if look {
		return rapid.SampledFrom([]fate{{}, {}, {err: source(providers.CodeNetwork)}, {err: source(providers.CodeBudgetExhausted)}}).Draw(w.rt, "look")
	}
	return rapid.SampledFrom([]fate{
		{stored: true, visible: late},
		{stored: true, visible: late, err: unclear(true).err},
		unclear(false),
		{stored: true, visible: 0, err: &providers.DeliveryError{SourceError: source(providers.CodeUpstreamError)}},
		{err: &providers.DeliveryError{SourceError: source(providers.CodeUpstreamError)}},
		{err: &providers.DeliveryError{SourceError: source(providers.CodeBudgetExhausted)}},
		{err: &providers.DeliveryError{SourceError: source(providers.CodeRejected), Final: true}},
	}).Draw(w.rt, "send")
}

// during lets the request take its time, and the other worker meddle.
func (w *unlucky) during(bool) {
	if w.fair {
		return
	}
	w.clock.pass(time.Duration(rapid.IntRange(0, int(DefaultSendTimeout/time.Second)).Draw(w.rt, "takes")) * time.Second)
	if w.depth < 2 && rapid.Bool().Draw(w.rt, "meddle") {
		w.depth++
		w.step()
		w.depth--
	}
}

func TestDeliverer_RunDeliversEverythingAndEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkins.db")
	synctest.Test(t, func(t *testing.T) {
		s := openSQLite(t, path)
		f := &far{now: time.Now}
		n := 0
		f.fate = func(look bool) fate {
			n++
			if !look && n%3 == 0 {
				return unclear(n%2 == 0)
			}
			return fate{stored: !look}
		}
		d, err := NewDeliverer(s, f.taker, DelivererConfig{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		for i := range 10 {
			e := fresh(fmt.Sprint(i))
			e.ID = newID(time.Now())
			e.CreatedAt = time.Now().UTC()
			e.Targets[0].NextAt = e.CreatedAt
			put(t, s, e)
			d.Wake()
		}
		time.Sleep(20 * time.Minute) //nolint:forbidigo // in a bubble
		all, err := list(t.Context(), s, Filter{States: []providers.CheckInState{providers.CheckInDelivered}})
		if len(all) != 10 || len(f.comments) != 10 || err != nil {
			t.Errorf("%d delivered, %d comments, %v; want 10", len(all), len(f.comments), err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
}

// hanging is a taker whose sends end with their context.
type hanging struct {
	*far
	begun chan struct{}
}

func (h hanging) Send(ctx context.Context, c providers.Consignment) error {
	_ = h.far.Send(ctx, c)
	close(h.begun)
	<-ctx.Done()
	return &providers.DeliveryError{Ambiguous: true, SourceError: providers.AsSourceError(ctx.Err())}
}

func TestDeliverer_AnEndWaitsForWhatIsUnderWayAndNotForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkins.db")
	synctest.Test(t, func(t *testing.T) {
		s := openSQLite(t, path)
		h := hanging{&far{now: time.Now}, make(chan struct{})}
		d, err := NewDeliverer(s, func(providers.SourceID) (providers.CheckInTaker, bool) { return h, true }, DelivererConfig{})
		if err != nil {
			t.Fatal(err)
		}
		e := fresh("k")
		e.CreatedAt = time.Now().UTC()
		e.Targets[0].NextAt = e.CreatedAt
		put(t, s, e)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		<-h.begun
		begun := time.Now()
		cancel()
		if err = <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if took := time.Since(begun); took != DefaultDrain {
			t.Errorf("ended after %v, want %v", took, DefaultDrain)
		}
		got, err := s.Get(t.Context(), e.ID)
		if err != nil || got.Targets[0].State != providers.DeliveryRetrying || got.Targets[0].Doubt != absencesAfterUnclear || got.Targets[0].Lease != "" {
			t.Errorf("broken off: %+v, %v; want it to be looked for", got.Targets[0], err)
		}
	})
}

func TestNewDeliverer_RefusesNonsenseByName(t *testing.T) {
	for want, cfg := range map[string]DelivererConfig{
		"SendTimeout": {Rules: Rules{SendTimeout: 1}},
		"Lease":       {Rules: Rules{SendTimeout: time.Minute, Lease: time.Second}},
		"MaxRetry":    {Rules: Rules{FirstRetry: time.Hour, MaxRetry: time.Minute}},
		"MaxAttempts": {Rules: Rules{MaxAttempts: -1}},
		"Workers":     {Workers: -1},
		"Keep":        {Keep: time.Hour},
	} {
		if _, err := NewDeliverer(nil, nil, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewDeliverer(%+v) = %v, want %q", cfg, err, want)
		}
	}
}

func TestDeliverer_TwoOfTheSameWordsAreTwoComments(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			records := 0
			for name, fates := range map[string][2]fate{
				"one stored, one lost":    {unclear(true), unclear(false)},
				"one lost, one stored":    {unclear(false), unclear(true)},
				"both stored":             {unclear(true), unclear(true)},
				"one confirmed, one lost": {well(), unclear(false)},
				"one lost, one confirmed": {unclear(false), well()},
			} {
				t.Run(name, func(t *testing.T) {
					d := newDesk(t, b.open(t), DelivererConfig{})
					records++ // the store is that of all of them
					record := providers.NewKey("ocm", fmt.Sprint(records))
					sends := 0
					d.far.fate = func(look bool) fate {
						if look {
							return fate{}
						}
						if sends++; sends > 2 {
							return well()
						}
						return fates[sends-1]
					}
					var ids []string
					for i := range 2 {
						e := fresh(name + fmt.Sprint(i))
						e.Marker = "" // the service has none
						e.Targets[0].Record = record
						put(t, d.store, e)
						ids = append(ids, e.ID)
						d.step(t, e.ID)
					}
					comments := map[string]bool{}
					for _, id := range ids {
						e, err := d.store.Get(t.Context(), id)
						if err != nil {
							t.Fatal(err)
						}
						for steps := 0; e.Targets[0].moves(); steps++ {
							if steps > 10 {
								t.Fatalf("it does not come to rest: %+v", e.Targets[0])
							}
							e, _ = d.step(t, id)
						}
						if e.State() != providers.CheckInDelivered || e.Targets[0].ExternalID == "" {
							t.Errorf("%s is %+v", id, e.Targets[0])
						}
						comments[e.Targets[0].ExternalID] = true
					}
					if len(comments) != 2 || len(d.far.comments) != 2 {
						t.Errorf("the two are the comments %v of %v", comments, d.far.comments)
					}
				})
			}
		})
	}
}

func TestDeliverer_SoManyOfTheSameWordsThatNobodyCanTellGoToAPerson(t *testing.T) {
	d := newDesk(t, openSQLite(t, filepath.Join(t.TempDir(), "x.db")), DelivererConfig{Rules: Rules{MaxBlind: 1}})
	for i := range maxAlike + 2 {
		other := finished(fresh(fmt.Sprint(i)), noon)
		other.Targets[0].ExternalID = fmt.Sprint(1000 + i)
		other.Version = 1
		put(t, d.store, other)
		d.far.comments = append(d.far.comments, farComment{text: other.Report.Text, author: "service"})
	}
	d.far.fate = func(look bool) fate {
		if look {
			return fate{}
		}
		return unclear(false)
	}
	e := fresh("one more")
	e.Marker = ""
	put(t, d.store, e)
	d.step(t, e.ID)
	if e, _ = d.step(t, e.ID); e.Targets[0].State != providers.DeliveryUnconfirmed || !strings.Contains(e.Targets[0].Error.Message, "nobody can tell which is which") {
		t.Errorf("it is %+v", e.Targets[0])
	}
}

func TestDeliverer_LooksForWhoeverMayHaveSentIt(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			f := newFront(t, s, nil)
			d := newDesk(t, s, DelivererConfig{Secrets: testSecrets(t), Rules: Rules{MaxUnclear: 1}})
			d.far.tells = true
			d.far.fate = func(look bool) fate {
				if look {
					return fate{}
				}
				return fate{stored: true, visible: 24 * time.Hour, err: unclear(true).err} // there, and not shown for a day
			}
			sub := submission("k")
			sub.Token = "first"
			e := submit(t, f, "app", sub)
			for range 3 {
				e, _ = d.step(t, e.ID)
			}
			if e.Targets[0].State != providers.DeliveryUnconfirmed || !slices.Equal(e.Targets[0].Authors, []string{"servicefirst"}) {
				t.Fatalf("it is %+v", e.Targets[0])
			}
			// The person on duty gives it up, and the driver retries it as another user.
			e, err := mutate(t.Context(), s, e.ID, d.clock.now(), func(e *Entry) error {
				end(e, &e.Targets[0], providers.DeliveryFailed)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			d.clock.pass(48 * time.Hour)
			f.clock.pass(49 * time.Hour)
			if e, err = f.Retry(t.Context(), "app", e.ID, "second"); err != nil {
				t.Fatal(err)
			}
			d.clock.pass(time.Hour)
			for e.Targets[0].moves() {
				e, _ = d.step(t, e.ID)
			}
			if e.State() != providers.CheckInDelivered || len(d.far.comments) != 1 {
				t.Errorf("state %s, with %d comments there: %+v", e.State(), len(d.far.comments), d.far.comments)
			}
		})
	}
}

package checkins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"chargegraph/providers"
)

// Limiter bounds what one caller may submit.
type Limiter interface {
	// Allow counts one submission of caller. It returns how long the caller has
	// to wait, 0: it may go on; an error when nobody can tell.
	Allow(ctx context.Context, caller string) (wait time.Duration, err error)
}

// Config configures a Service.
type Config struct {
	// POI finds the site of an id, in whatever the service knows or can ask for.
	// It returns ErrNotFound when there is no such site, and any other error when
	// nobody knows. Required.
	POI func(ctx context.Context, id string) (*providers.POI, error)
	// Taker returns the provider behind a source, if it takes check-ins. Required.
	Taker   func(providers.SourceID) (providers.CheckInTaker, bool)
	Secrets *Secrets     // seals sessions, makes markers; nil: neither
	Limiter Limiter      // of new check-ins per caller; nil: none
	Wake    func()       // called when there is something to deliver: Deliverer.Wake; nil: nothing is
	Changed func(Change) // called for each change, from several goroutines, which wait for it: it must be quick; nil: nothing is
	// ShowFor is how long a check-in is shown beside the comments of the provider
	// that has it: longer than those are cached, and than a mirror of them is old,
	// and not so long that what the provider took down stays up here. 0: DefaultShowFor.
	ShowFor time.Duration
	Clock   func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: silent
}

// DefaultShowFor is the default of Config.ShowFor.
const DefaultShowFor = 24 * time.Hour

// Service takes check-ins and tells of them. Its methods may be called
// concurrently; what they return is never changed.
type Service struct {
	store Store
	cfg   Config
	feed  *feed
	ready chan struct{} // closed when the feed has read the store once

	loadedAt time.Time // when load last began; zero: never. Of the goroutine that loads
}

// NewService returns a Service of what s keeps. Pending, Subscribe and Changes
// tell of other replicas and of deliveries only while Run runs.
func NewService(s Store, cfg Config) (*Service, error) {
	if cfg.POI == nil || cfg.Taker == nil {
		return nil, errors.New("checkins: Config: POI and Taker are required")
	}
	if cfg.ShowFor < 0 {
		return nil, fmt.Errorf("checkins: Config: ShowFor: %v, must not be negative", cfg.ShowFor)
	}
	setDefault(&cfg.ShowFor, DefaultShowFor)
	if cfg.Secrets == nil {
		cfg.Secrets = new(Secrets)
	}
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{store: s, cfg: cfg, feed: newFeed(cfg.ShowFor, cfg.Clock, cfg.Changed), ready: make(chan struct{})}, nil
}

// Submit keeps a check-in of caller, durably, and lets it be delivered. The key
// of the submission belongs to the caller: used again with the same content it
// returns the first entry, as far as that has got, and replayed. Wrong input is
// returned as Errors, with nothing kept; so is a site that does not exist. Any
// other error says that it may not have been kept, and that the same submission
// may safely be made again; ErrStore is among them where the store is at fault.
func (s *Service) Submit(ctx context.Context, caller string, submission providers.Submission) (entry *Entry, replayed bool, err error) {
	if caller == "" || len(caller) > maxCaller || !printable(caller) {
		return nil, false, errors.New("checkins: submit: caller: must be printable text of 1 to 256 bytes")
	}
	sub := request(submission).normalize()
	if errs := sub.validate(); len(errs) > 0 {
		return nil, false, errs
	}
	hash, err := sub.hash()
	if err != nil {
		return nil, false, err
	}
	// A repeat is answered before anything else is asked: the sources may be away.
	earlier, err := s.store.ByKey(ctx, caller, sub.IdempotencyKey)
	if err == nil {
		return replay(earlier, hash)
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, false, storeError("submit", err)
	}
	if err = s.allow(ctx, caller); err != nil {
		return nil, false, err
	}
	poi, err := s.cfg.POI(ctx, sub.POIID)
	if errors.Is(err, ErrNotFound) {
		return nil, false, userError(providers.UserErrorNotFound, "No source knows this site.", "input", "poiId")
	}
	if err != nil {
		return nil, false, fmt.Errorf("checkins: submit: %w", err)
	}
	e, err := s.entry(caller, hash, &sub, poi)
	if err != nil {
		return nil, false, err
	}
	kept, created, err := s.store.Put(ctx, e)
	if err != nil {
		return nil, false, storeError("submit", err)
	}
	if !created { // somebody used the key in between
		return replay(kept, hash)
	}
	s.moved(kept)
	return kept, false, nil
}

// storeError is err of the store, while doing something: ErrStore and what it says,
// unless it says that there is nothing.
func storeError(doing string, err error) error {
	if errors.Is(err, ErrNotFound) {
		return err
	}
	return fmt.Errorf("checkins: %s: %w: %w", doing, ErrStore, err)
}

// replay answers a submission whose key was used before.
func replay(e *Entry, hash string) (*Entry, bool, error) {
	if e.Hash != hash {
		return nil, false, userError(providers.UserErrorConflict, "You have used this key for a check-in with other content.", "input", "idempotencyKey")
	}
	return e, true, nil
}

func (s *Service) allow(ctx context.Context, caller string) error {
	if s.cfg.Limiter == nil {
		return nil
	}
	wait, err := s.cfg.Limiter.Allow(ctx, caller)
	if err != nil {
		return fmt.Errorf("checkins: limit of a caller: %w", err)
	}
	if wait > 0 {
		seconds := int(max(wait, time.Second).Round(time.Second) / time.Second)
		return userError(providers.UserErrorRateLimited, fmt.Sprintf("Too many check-ins; the next one is taken in %d s.", seconds), "input")
	}
	return nil
}

// entry is what is kept of a submission.
func (s *Service) entry(caller, hash string, sub *request, poi *providers.POI) (*Entry, error) {
	now := instant(s.cfg.Clock())
	e := &Entry{
		ID: newID(now), Version: 1, Caller: caller, Key: sub.IdempotencyKey, Hash: hash,
		Report: sub.Report, POIID: poi.ID(), Marker: s.cfg.Secrets.Marker(caller, sub.IdempotencyKey),
		CreatedAt: now, UpdatedAt: now,
	}
	for _, r := range poi.Members[:min(len(poi.Members), maxMembers)] {
		e.Members = append(e.Members, r.Key)
	}
	if sub.Token != "" {
		if err := s.seal(e, sub.Token); err != nil {
			return nil, err
		}
	}
	e.Targets = sub.targets(poi, s.cfg.Taker, *e)
	if !slices.ContainsFunc(e.Targets, func(t Target) bool { return t.OwnToken }) {
		e.Token = nil // nobody needs it, so nobody keeps it
	}
	return e, nil
}

func (s *Service) seal(e *Entry, token string) error {
	if !s.cfg.Secrets.CanSeal() {
		return userError(providers.UserErrorUnsupported, "This service has no secret to keep your session with; leave it out.")
	}
	var err error
	e.Token, err = s.cfg.Secrets.sealToken(token, e.ID, e.Caller)
	return err
}

// moved tells everyone here at once; other replicas hear it from the store.
func (s *Service) moved(e *Entry) {
	s.feed.apply(e)
	s.cfg.Wake()
}

// Retry lets a check-in of caller be delivered again where that was refused or
// given up. token is a fresh session of the caller at Open Charge Map; "" where
// the check-in goes out under the account of the source. It returns ErrNotFound
// for what is not the caller's, and Errors when there is nothing to retry.
func (s *Service) Retry(ctx context.Context, caller, id, token string) (*Entry, error) {
	token = strings.TrimSpace(token)
	if err := tokenError(token); err != nil {
		return nil, Errors{err}
	}
	now := s.cfg.Clock()
	e, err := mutate(ctx, s.store, id, now, func(e *Entry) error {
		if e.Caller != caller {
			return ErrNotFound
		}
		if token != "" {
			if err := s.freshToken(e, token); err != nil {
				return err
			}
		}
		return reopen(e, now, false)
	})
	switch {
	case errors.Is(err, ErrNothingToRetry):
		return nil, userError(providers.UserErrorConflict, "Only a check-in that was rejected or has failed can be tried again.", "id")
	case errors.Is(err, ErrNeedsToken):
		return nil, userError(providers.UserErrorUnauthenticated, "This check-in goes out under your own session; send a fresh one.")
	case err != nil:
		var errs Errors
		if errors.Is(err, ErrNotFound) || errors.As(err, &errs) {
			return nil, err
		}
		return nil, storeError("retry", err)
	}
	s.moved(e)
	return e, nil
}

// freshToken makes token the session under which e goes out from now on, where
// it still has to.
func (s *Service) freshToken(e *Entry, token string) error {
	needed := false
	for i := range e.Targets {
		t := &e.Targets[i]
		if t.Provider == tokenProvider && (t.State == providers.DeliveryRejected || t.State == providers.DeliveryFailed) {
			t.OwnToken, needed = true, true
		}
	}
	if !needed {
		return nil
	}
	return s.seal(e, token)
}

// Get returns a check-in of caller, and ErrNotFound for what is not the caller's.
func (s *Service) Get(ctx context.Context, caller, id string) (*Entry, error) {
	if !validID(id) {
		return nil, ErrNotFound
	}
	e, err := s.store.Get(ctx, id)
	if err != nil {
		return nil, storeError("get", err)
	}
	if e.Caller != caller {
		return nil, ErrNotFound
	}
	return e, nil
}

// Shown returns the entry of an id as anyone may see it, as a comment: it finds
// the comment of the provider that replaced it, too. ErrNotFound: there is none,
// or it was refused or given up.
func (s *Service) Shown(ctx context.Context, id string) (*Entry, error) {
	if !validID(id) {
		return nil, ErrNotFound
	}
	e, err := s.store.Get(ctx, id)
	if err != nil {
		return nil, storeError("get", err)
	}
	if _, shown := e.shownUntil(s.cfg.ShowFor); !shown {
		return nil, ErrNotFound
	}
	return e, nil
}

// Pending returns what is to be shown, newest first, at the site whose records
// have these keys: what is on its way there, what has just arrived, and what is
// kept here alone. It answers from memory. Merge puts it beside the comments of
// the providers.
func (s *Service) Pending(members []providers.Key) []*Entry { return s.feed.at(members) }

// newestFirst sorts entries, each once.
func newestFirst(entries []*Entry) []*Entry {
	slices.SortFunc(entries, func(a, b *Entry) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return slices.CompactFunc(entries, func(a, b *Entry) bool { return a.ID == b.ID })
}

// Subscribe returns a channel that gives a check-in of caller as it is now, and
// again after each change. It is closed when ctx ends, and when its reader is so
// far behind that it is cut off. ErrNotFound: it is not the caller's.
func (s *Service) Subscribe(ctx context.Context, caller, id string) (<-chan *Entry, error) {
	if _, err := s.Get(ctx, caller, id); err != nil {
		return nil, err
	}
	c, stop, err := s.feed.watch(id, func() (*Entry, error) { return s.store.Get(ctx, id) })
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, stop)
	return c, nil
}

// Changes returns a channel that gives every change of every check-in from now
// on, those of other replicas included. It is closed when ctx ends, and when its
// reader is so far behind that it is cut off.
func (s *Service) Changes(ctx context.Context) <-chan Change {
	c, stop := s.feed.watchAll()
	context.AfterFunc(ctx, stop)
	return c
}

const (
	// firstRewatch and maxRewatch bound the wait before the feed of a store that
	// broke is taken up again.
	firstRewatch = 100 * time.Millisecond
	maxRewatch   = 10 * time.Second
	// sweepEvery is how often the memory is rid of what is not shown any more.
	sweepEvery = 10 * time.Minute
)

// Run keeps Pending, Subscribe and Changes in step with the store until ctx
// ends, and returns nil then. It may be called once.
func (s *Service) Run(ctx context.Context) error {
	var sweeper sync.WaitGroup
	sweeper.Go(func() { s.sweep(ctx) })
	defer sweeper.Wait()
	wait := firstRewatch
	for {
		joined := false
		err := s.watch(ctx, &joined)
		if ctx.Err() != nil {
			return nil
		}
		if joined {
			wait = firstRewatch
		}
		s.cfg.Logger.WarnContext(ctx, "changes of check-ins cannot be followed; trying again", slog.Any("error", err))
		pauseFor(ctx, wait)
		wait = min(2*wait, maxRewatch)
	}
}

func (s *Service) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.feed.sweep()
		case <-ctx.Done():
			return
		}
	}
}

// watch follows the store until that breaks or ctx ends; it sets joined once it
// has caught up. What happened before the store's Watch joined is read beside it,
// since the calls of Watch must not come back to the store.
func (s *Service) watch(ctx context.Context, joined *bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	loads := make(chan struct{}, 1)
	var loader sync.WaitGroup
	loader.Go(func() {
		for {
			select {
			case <-loads:
			case <-ctx.Done():
				return
			}
			if err := s.load(ctx); err != nil {
				cancel(err)
				return
			}
			*joined = true
		}
	})
	err := s.store.Watch(ctx, func() {
		select {
		case loads <- struct{}{}:
		default:
		}
	}, s.feed.apply)
	if err == nil {
		err = context.Cause(ctx)
	}
	cancel(err)
	loader.Wait()
	return err
}

// missedFor is how far back a change may lie that was missed while the store
// could not be followed, beyond the last time it was: clocks differ.
const missedFor = time.Minute

// load reads what is kept. The first time it only fills the memory; later it
// tells of what was missed in between, too.
func (s *Service) load(ctx context.Context) error {
	begun := s.cfg.Clock()
	err := each(ctx, s.store, func(e *Entry) error {
		if s.loadedAt.IsZero() || e.UpdatedAt.Before(s.loadedAt.Add(-missedFor)) {
			s.feed.restore(e)
		} else {
			s.feed.apply(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.loadedAt.IsZero() {
		close(s.ready)
	}
	s.loadedAt = begun
	return nil
}

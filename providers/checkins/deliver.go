package checkins

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"chargegraph/providers"
)

// Rules bound the delivery of a check-in. A zero field means its default.
type Rules struct {
	SendTimeout time.Duration // for one send, or one look at the comments; default DefaultSendTimeout
	Lease       time.Duration // how long a claim holds; default SendTimeout and half a minute
	Lag         time.Duration // how long after a send, and between two looks, a comment may take to be seen; default DefaultLag
	FirstRetry  time.Duration // the wait after the first failure, doubled by each further one; default DefaultFirstRetry
	MaxRetry    time.Duration // the longest such wait; default DefaultMaxRetry
	MaxAttempts int           // sends; then FAILED; default DefaultMaxAttempts
	MaxAge      time.Duration // since the submission, or the last retry; then FAILED, or UNCONFIRMED; default DefaultMaxAge
	MaxUnclear  int           // sends whose end nobody saw; then UNCONFIRMED; default DefaultMaxUnclear
	MaxBlind    int           // looks in a row that failed; then UNCONFIRMED; default DefaultMaxBlind
}

// The defaults of Rules.
const (
	DefaultSendTimeout = time.Minute // Open Charge Map refreshes a mirror inside the request: 30 s and more are seen
	DefaultLag         = time.Minute
	DefaultFirstRetry  = 5 * time.Second
	DefaultMaxRetry    = time.Hour
	DefaultMaxAttempts = 20
	DefaultMaxAge      = 7 * 24 * time.Hour
	DefaultMaxUnclear  = 5
	DefaultMaxBlind    = 20

	leaseMargin = 30 * time.Second // to write down how it ended, on a store that is slow
)

func (r Rules) withDefaults() (Rules, error) {
	setDefault(&r.SendTimeout, DefaultSendTimeout)
	setDefault(&r.Lease, r.SendTimeout+leaseMargin)
	setDefault(&r.Lag, DefaultLag)
	setDefault(&r.FirstRetry, DefaultFirstRetry)
	setDefault(&r.MaxRetry, max(DefaultMaxRetry, r.FirstRetry))
	setDefault(&r.MaxAttempts, DefaultMaxAttempts)
	setDefault(&r.MaxAge, DefaultMaxAge)
	setDefault(&r.MaxUnclear, DefaultMaxUnclear)
	setDefault(&r.MaxBlind, DefaultMaxBlind)
	switch {
	case min(r.SendTimeout, r.Lag, r.FirstRetry) < time.Millisecond:
		return r, errors.New("checkins: Rules: SendTimeout, Lag and FirstRetry must be at least a millisecond")
	case r.Lease <= r.SendTimeout:
		return r, fmt.Errorf("checkins: Rules: Lease: %v, must be longer than SendTimeout, %v", r.Lease, r.SendTimeout)
	case r.MaxRetry < r.FirstRetry:
		return r, fmt.Errorf("checkins: Rules: MaxRetry: %v, must not be less than FirstRetry, %v", r.MaxRetry, r.FirstRetry)
	case min(r.MaxAttempts, r.MaxUnclear, r.MaxBlind) < 1 || r.MaxAge < r.Lease:
		return r, errors.New("checkins: Rules: MaxAttempts, MaxUnclear and MaxBlind must be at least 1, MaxAge at least Lease")
	}
	return r, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// DelivererConfig configures a Deliverer. The zero value works.
type DelivererConfig struct {
	Rules
	Secrets *Secrets         // opens the sessions of callers; nil: there are none
	Workers int              // steps at once; 0: DefaultWorkers
	Poll    time.Duration    // how often the store is asked for what other replicas left; 0: DefaultPoll
	Drain   time.Duration    // how long Run lets steps end after its context has; 0: DefaultDrain
	Keep    time.Duration    // how long what is done is kept, and its idempotency key with it; 0: DefaultKeep
	Clock   func() time.Time // nil: time.Now
	Rand    func() float64   // 0..1, spreads retries; nil: math/rand
	Logger  *slog.Logger     // nil: silent

	pause func(context.Context, time.Duration) // tests do not wait
}

// The defaults of DelivererConfig.
const (
	DefaultWorkers = 4
	DefaultPoll    = time.Second
	DefaultDrain   = 10 * time.Second
	DefaultKeep    = 90 * 24 * time.Hour
)

// Deliverer brings check-ins to the providers, as the package comment draws it.
// Several may work on one store, in one process or in many.
type Deliverer struct {
	store Store
	taker takers
	cfg   DelivererConfig
	wake  chan struct{}

	mu   sync.Mutex
	busy map[string]bool // entries that a worker of this process is at
}

// NewDeliverer returns a Deliverer of what s keeps. taker returns the provider
// behind a source, if it takes check-ins; it is called for each step. Nothing is
// sent before Run.
func NewDeliverer(s Store, taker func(providers.SourceID) (providers.CheckInTaker, bool), cfg DelivererConfig) (*Deliverer, error) {
	rules, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.Rules = rules
	setDefault(&cfg.Workers, DefaultWorkers)
	setDefault(&cfg.Poll, DefaultPoll)
	setDefault(&cfg.Drain, DefaultDrain)
	setDefault(&cfg.Keep, DefaultKeep)
	if cfg.Secrets == nil {
		cfg.Secrets = new(Secrets)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = mathrand.Float64
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.pause == nil {
		cfg.pause = pauseFor
	}
	if cfg.Workers < 1 || cfg.Poll < 0 || cfg.Drain < 0 || cfg.Keep < cfg.MaxAge {
		return nil, fmt.Errorf("checkins: Deliverer: Workers, Poll and Drain must be positive, Keep at least MaxAge, %v", cfg.MaxAge)
	}
	return &Deliverer{store: s, taker: taker, cfg: cfg, wake: make(chan struct{}, 1), busy: map[string]bool{}}, nil
}

// Wake lets Run look at the store at once, because something was put there.
func (d *Deliverer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// pruneEvery is how often finished entries are looked through.
const pruneEvery = time.Hour

// Run delivers until ctx ends; then it begins nothing more, waits up to Drain
// for the steps that are under way, breaks off the rest, notes how they ended,
// and returns nil. It may be called once.
func (d *Deliverer) Run(ctx context.Context) error {
	working, breakOff := context.WithCancel(context.WithoutCancel(ctx))
	defer breakOff()
	slots := make(chan struct{}, d.cfg.Workers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var steps sync.WaitGroup
	var prunedAt time.Time
	failing := false
	for ctx.Err() == nil {
		if now := d.cfg.Clock(); prunedAt.IsZero() || now.Sub(prunedAt) >= pruneEvery {
			prunedAt = now
			d.prune(ctx)
		}
		wait, err := d.dispatch(ctx, working, slots, &steps)
		if failing != (err != nil) {
			if failing = err != nil; failing {
				d.cfg.Logger.ErrorContext(ctx, "check-ins cannot be read; deliveries wait", slog.Any("error", err))
			} else {
				d.cfg.Logger.InfoContext(ctx, "check-ins can be read again")
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-d.wake:
		case <-ctx.Done():
		}
	}
	drained := make(chan struct{})
	go func() {
		steps.Wait()
		close(drained)
	}()
	timer.Reset(d.cfg.Drain)
	select {
	case <-drained:
		return nil
	case <-timer.C:
	}
	breakOff()
	<-drained
	return nil
}

// dispatch begins a step with everything that is due, and returns how long there
// is nothing more to do. It waits for slots: work that is under way is bounded,
// what is due is taken in its order.
func (d *Deliverer) dispatch(ctx, working context.Context, slots chan struct{}, steps *sync.WaitGroup) (wait time.Duration, err error) {
	due, next, err := d.store.Due(ctx, d.cfg.Clock(), 8*d.cfg.Workers) // some more than can be begun: other replicas take theirs
	if err != nil {
		if ctx.Err() != nil {
			err = nil // ended by us
		}
		return max(d.cfg.Poll, time.Second), err
	}
	begun := false
	for _, id := range due {
		if !d.take(id) {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			d.leave(id)
			return 0, nil
		}
		begun = true
		steps.Go(func() {
			if err := d.step(working, id); err != nil {
				d.cfg.Logger.WarnContext(working, "check-in not moved", slog.String("check_in", id), slog.Any("error", err))
			}
			d.leave(id)
			<-slots
			d.Wake() // its next step may be due, or others that waited for a slot
		})
	}
	if begun {
		return d.cfg.Poll, nil
	}
	if !next.IsZero() {
		return min(max(next.Sub(d.cfg.Clock()), time.Millisecond), d.cfg.Poll), nil
	}
	return d.cfg.Poll, nil
}

func (d *Deliverer) take(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[id] {
		return false
	}
	d.busy[id] = true
	return true
}

func (d *Deliverer) leave(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, id)
}

// step does what is due with an entry: one send, or one look. Nothing to do, for
// example because another worker was faster, is no error.
func (d *Deliverer) step(ctx context.Context, id string) error {
	j, err := d.claim(ctx, id)
	switch {
	case errors.Is(err, errIdle), errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("claim: %w", err)
	case j.lease == "": // it came to its end instead
		return nil
	}
	taker, ok := d.taker(j.target().Source)
	if !ok {
		taker = noTaker{}
	}
	c, err := d.consignment(j.entry, j.target())
	// A look needs no session where it is known whose comment to look for.
	if err != nil && (!j.look || len(j.target().Authors) == 0) {
		d.cfg.Logger.WarnContext(ctx, "session of a check-in cannot be opened", slog.String("check_in", id), slog.Any("error", err))
		return d.finish(ctx, &j, func(e *Entry, t *Target, now time.Time) {
			t.UpdatedAt = instant(now)
			t.Error = &providers.SourceError{Code: providers.CodeUnauthorized, Message: "your session is needed again to send this check-in"}
			end(e, t, providers.DeliveryRejected)
		})
	}
	if j.look {
		return d.look(ctx, &j, taker, c)
	}
	return d.send(ctx, &j, taker, c)
}

// claim takes the next step of an entry, durably.
func (d *Deliverer) claim(ctx context.Context, id string) (job, error) {
	var j job
	lease := rand.Text()
	now := d.cfg.Clock()
	kept, err := mutate(ctx, d.store, id, now, func(e *Entry) (err error) {
		j, _, err = d.cfg.claim(e, now, lease, func(e *Entry, t *Target) string { return d.author(ctx, e, t) })
		return err
	})
	j.entry = kept
	return j, err
}

// author returns under whose name t would be sent now, "" where that is not known:
// then sending will most likely fail for the same reason.
func (d *Deliverer) author(ctx context.Context, e *Entry, t *Target) string {
	taker, _ := d.taker(t.Source)
	teller, ok := taker.(providers.AuthorTeller)
	if !ok {
		return ""
	}
	c, err := d.consignment(e, t)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.SendTimeout)
	defer cancel()
	author, err := teller.Author(ctx, c)
	if err != nil {
		d.cfg.Logger.DebugContext(ctx, "author of a check-in not known", slog.String("check_in", e.ID), slog.Any("error", err))
		return ""
	}
	return author
}

// consignment is what is sent, or looked for.
func (d *Deliverer) consignment(e *Entry, t *Target) (providers.Consignment, error) {
	c := providers.Consignment{Report: e.Report, Site: t.Record, SubmittedAt: e.CreatedAt, Marker: e.Marker, Authors: t.Authors}
	if !t.OwnToken {
		return c, nil
	}
	var err error
	c.Token, err = d.cfg.Secrets.openToken(e.Token, e.ID, e.Caller)
	return c, err
}

// noTaker stands for a source that is not configured, or takes no check-ins any
// more: it may again some day.
type noTaker struct{}

func (noTaker) Send(context.Context, providers.Consignment) error {
	return &providers.DeliveryError{SourceError: notTaking()}
}

func (noTaker) Find(context.Context, providers.Consignment, []time.Time) (string, bool, error) {
	return "", false, notTaking()
}

func (noTaker) Lost(providers.Report) []string { return nil }

func notTaking() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeUnsupported, Message: "this source takes no check-ins at present"}
}

// send sends what was claimed, and notes how it ended. What a provider has
// confirmed is looked for at once: only who knows the comment's name keeps another
// check-in of the same words from taking it for its own.
func (d *Deliverer) send(ctx context.Context, j *job, taker providers.CheckInTaker, c providers.Consignment) error {
	err := d.withTaker(ctx, j, func(ctx context.Context) error { return taker.Send(ctx, c) })
	if err != nil {
		d.cfg.Logger.InfoContext(ctx, "check-in not delivered", slog.String("check_in", j.entry.ID), slog.String("source", string(j.target().Source)),
			slog.Int("attempt", j.attempt), slog.Bool("ambiguous", err.Ambiguous), slog.Any("error", err))
		return d.finish(ctx, j, func(e *Entry, t *Target, now time.Time) { d.cfg.sent(e, t, now, "", err, d.cfg.Rand()) })
	}
	return d.identify(providers.WithRefresh(ctx), j, taker, c, func(externalID string, found bool, unknown *providers.DeliveryError) func(*Entry, *Target, time.Time) {
		if unknown != nil { // no failure: the marker tells the comment too
			d.cfg.Logger.DebugContext(ctx, "id of a comment not learned", slog.String("check_in", j.entry.ID), slog.Any("error", unknown))
		}
		if unknown != nil || !found {
			externalID = ""
		}
		return func(e *Entry, t *Target, now time.Time) { d.cfg.sent(e, t, now, externalID, nil, 0) }
	})
}

// look reads the comments of the site, and notes what it found.
func (d *Deliverer) look(ctx context.Context, j *job, taker providers.CheckInTaker, c providers.Consignment) error {
	return d.identify(ctx, j, taker, c, func(externalID string, found bool, err *providers.DeliveryError) func(*Entry, *Target, time.Time) {
		return func(e *Entry, t *Target, now time.Time) {
			if err != nil {
				d.cfg.blind(e, t, now, err, d.cfg.Rand())
				return
			}
			d.cfg.looked(e, t, now, externalID, found)
			if t.State == providers.DeliveryUnconfirmed {
				d.cfg.Logger.WarnContext(ctx, "check-in waits for a person: nobody knows whether the provider has it",
					slog.String("check_in", e.ID), slog.String("source", string(t.Source)))
			}
		}
	})
}

// maxAlike is how many comments of the same words by the same author are told
// apart at one site, within minutes.
const maxAlike = 32

// identify looks for the comment that is the check-in, and notes what noted makes
// of that. A comment that is known to be another check-in is passed over, and the
// next one taken.
func (d *Deliverer) identify(ctx context.Context, j *job, taker providers.CheckInTaker, c providers.Consignment,
	noted func(externalID string, found bool, err *providers.DeliveryError) func(*Entry, *Target, time.Time),
) error {
	for {
		var externalID string
		var found bool
		err := d.withTaker(ctx, j, func(ctx context.Context) (err error) {
			externalID, found, err = taker.Find(ctx, c, j.target().SentAt)
			return err
		})
		if len(c.Others) > maxAlike {
			err = &providers.DeliveryError{SourceError: &providers.SourceError{
				Code: providers.CodeSuspectAnswer, Message: "the site has so many comments of the same words that nobody can tell which is which",
			}}
		}
		finished := d.finish(ctx, j, noted(externalID, found, err))
		if !errors.Is(finished, ErrClaimed) {
			return finished
		}
		c.Others = append(c.Others, externalID)
	}
}

// withTaker calls a provider within the time of the claim. Whatever it returns,
// or panics with, becomes a *providers.DeliveryError; one that is not says
// nothing about what happened.
func (d *Deliverer) withTaker(ctx context.Context, j *job, call func(context.Context) error) (failed *providers.DeliveryError) {
	left := j.deadline.Sub(d.cfg.Clock())
	if left <= 0 { // the claim took that long: another worker may soon hold it
		return &providers.DeliveryError{SourceError: &providers.SourceError{
			Code: providers.CodeBudgetExhausted, Message: "the service was too slow to send it in time; it tries again",
		}}
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			failed = &providers.DeliveryError{Ambiguous: true, SourceError: &providers.SourceError{
				Code: providers.CodeInternal, Message: "the answer could not be processed", Err: fmt.Errorf("panic: %v", p),
			}}
		}
	}()
	err := call(ctx)
	if err == nil {
		return nil
	}
	if errors.As(err, &failed) && failed.SourceError != nil {
		return failed
	}
	return &providers.DeliveryError{Ambiguous: true, SourceError: providers.AsSourceError(err)}
}

// finishTries bounds how often finish writes down how a step ended: with pauses
// that grow from finishPause that is longer than a fail-over of Redis takes.
const (
	finishTries = 7
	finishPause = 100 * time.Millisecond
)

// finish notes how the step j ended, unless its lease has passed on: then whoever
// has it finds out. It goes on when ctx has ended, and tries again when the store
// fails; if that does not help, the claim runs out and the comments tell. It
// returns ErrClaimed when the comment that was found is another check-in.
func (d *Deliverer) finish(ctx context.Context, j *job, note func(*Entry, *Target, time.Time)) error {
	ctx = context.WithoutCancel(ctx)
	var err error
	for try := range finishTries {
		if try > 0 {
			d.cfg.pause(ctx, finishPause<<(try-1))
		}
		now := d.cfg.Clock()
		_, err = mutate(ctx, d.store, j.entry.ID, now, func(e *Entry) error {
			t := &e.Targets[j.index]
			if t.Lease != j.lease || t.Attempts != j.attempt {
				return errIdle
			}
			note(e, t, now)
			return nil
		})
		switch {
		case err == nil, errors.Is(err, errIdle), errors.Is(err, ErrNotFound):
			return nil
		case errors.Is(err, ErrClaimed):
			return err
		}
	}
	return fmt.Errorf("note how it ended: %w", err)
}

// pauseFor waits.
func pauseFor(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pruneBatch is how many entries one transaction forgets.
const pruneBatch = 500

// prune forgets what was done Keep ago.
func (d *Deliverer) prune(ctx context.Context) {
	total := 0
	for {
		n, err := d.store.Prune(ctx, d.cfg.Clock().Add(-d.cfg.Keep), pruneBatch)
		total += n
		if err != nil && ctx.Err() == nil {
			d.cfg.Logger.WarnContext(ctx, "finished check-ins not pruned", slog.Any("error", err))
		}
		if err != nil || n < pruneBatch {
			break
		}
	}
	if total > 0 {
		d.cfg.Logger.InfoContext(ctx, "finished check-ins pruned", slog.Int("count", total))
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"chargegraph/providers"
)

// Puller is a source whose records are pulled into a Store. Its methods are
// called from one goroutine.
type Puller interface {
	// Source describes the source; it is the same value always.
	Source() *providers.Source
	// Pull hands what the source has to yield, in batches: records to hold, each
	// sealed, and keys of those that it says are gone. Of several records with
	// one key the last counts, and a removal counts against the records before
	// it. since is the AsOf of the last pull that was applied, for what changed
	// since; the zero time asks for everything. It returns the error of yield or
	// of ctx, and a *providers.SourceError when the source did not give all that
	// it was asked for.
	Pull(ctx context.Context, since time.Time, yield func(put []*providers.Record, removed []providers.Key) error) (providers.Pulled, error)
}

const (
	// DefaultInterval is how often a source is pulled.
	DefaultInterval = 5 * time.Minute
	// DefaultFullEvery is how often everything is pulled: what a source forgets
	// to call changed, or gone, is wrong here for that long at most.
	DefaultFullEvery = time.Hour

	// firstRetry is how long the first failure in a row is waited out; each
	// further one doubles it, up to the interval.
	firstRetry = 5 * time.Second
	// maxRetryAfter bounds what a source may ask for.
	maxRetryAfter = time.Hour
	// confirmAfter is how long a source must have told of a sudden loss to be
	// believed: an export that is being written, or a database that is being
	// restored, is whole again by then.
	confirmAfter = 2 * time.Minute
)

// SyncConfig configures a Syncer. The zero value works.
type SyncConfig struct {
	Interval  time.Duration    // between the beginnings of two pulls; 0: DefaultInterval
	FullEvery time.Duration    // between two pulls of everything; 0: DefaultFullEvery, or Interval where that is longer
	Clock     func() time.Time // nil: time.Now
	Rand      func() float64   // 0..1, spreads retries; nil: math/rand
	Logger    *slog.Logger     // nil: silent
	// Changed is called after a pull has changed what is held; nil: nobody is told.
	// It must be quick.
	Changed func()
}

// Syncer keeps a Store in step with a source:
//
//	         ┌────────── interval ──────────┐
//	         ▼                              │
//	start ─► pull everything ─► held ─► pull changes ─► Apply
//	         ▲    │ failed: keep, wait, again      │ failed: keep, wait, again
//	         │    │ less than half: keep, ask      │
//	         │    ▼ for minutes                    │
//	         └────────── every FullEvery ◄─────────┘
//
// A pull of everything is applied as one change when it is complete; a pull of
// changes too. One that fails, or breaks off, changes nothing. What is held goes
// only when the source says so, or when a complete pull does not have it any more.
type Syncer struct {
	puller Puller
	source *Source
	cfg    SyncConfig

	asOf      time.Time // of the last pull that was applied; zero: none was
	nextFull  time.Time
	fullOnly  bool // the source refuses to be asked for changes
	failures  int  // in a row
	suspected loss // that the last pull told of
}

// NewSyncer returns a Syncer of p and the source that holds what it pulls.
// Nothing is asked before Run.
func NewSyncer(p Puller, cfg SyncConfig) (*Syncer, error) {
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.FullEvery == 0 {
		cfg.FullEvery = max(DefaultFullEvery, cfg.Interval)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case cfg.Interval < time.Second:
		return nil, fmt.Errorf("store: Interval: %v, must be at least a second", cfg.Interval)
	case cfg.FullEvery < cfg.Interval:
		return nil, fmt.Errorf("store: FullEvery: %v, must not be less than Interval, %v", cfg.FullEvery, cfg.Interval)
	}
	info := p.Source()
	cfg.Logger = cfg.Logger.With(slog.String("source", string(info.ID)))
	s := &Syncer{puller: p, source: NewSource(info, new(Store)), cfg: cfg}
	s.source.clock = cfg.Clock
	s.source.pending = newPending()
	return s, nil
}

// Source returns the source that holds what is pulled. Until a pull of
// everything has succeeded its Search returns a *providers.SourceError.
func (s *Syncer) Source() *Source { return s.source }

// WaitFirst waits until the first pull has ended. It returns nil when it
// succeeded, or a later one did, and else why not; Run goes on trying.
func (s *Syncer) WaitFirst(ctx context.Context) error {
	select {
	case <-s.source.pending.ended:
		return s.source.Ready()
	case <-ctx.Done():
		return fmt.Errorf("store: wait for %s: %w", s.source.info.ID, ctx.Err())
	}
}

// Run pulls until ctx ends, and returns nil then. It may be called once.
func (s *Syncer) Run(ctx context.Context) error {
	for {
		timer := time.NewTimer(s.step(ctx))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// step pulls once and returns how long to wait before the next time.
func (s *Syncer) step(ctx context.Context) time.Duration {
	began := s.cfg.Clock()
	full := s.asOf.IsZero() || s.fullOnly || !began.Before(s.nextFull)
	err := s.pull(ctx, full)
	now := s.cfg.Clock()
	if ctx.Err() != nil {
		return 0
	}
	if err == nil {
		s.failures, s.suspected = 0, loss{}
		s.source.info.Succeeded(now)
		s.source.pending.done(nil)
		return max(s.cfg.Interval-now.Sub(began), s.cfg.Interval/10)
	}
	s.failures++
	why := providers.AsSourceError(err)
	if !full && (why.Code == providers.CodeRejected || why.Code == providers.CodeUnsupported) {
		s.fullOnly = true
	}
	s.source.info.Failed(why)
	s.source.pending.done(why)
	wait := s.retryIn(why)
	s.cfg.Logger.WarnContext(ctx, "pull failed",
		slog.Bool("full", full), slog.String("code", string(why.Code)), slog.Any("error", err),
		slog.Int("failures", s.failures), slog.Int("held", s.source.Len()), slog.Duration("retry_in", wait))
	return wait
}

// retryIn returns how long to wait after a failure: twice as long each time, up
// to the interval, spread so that many clients do not come at once, and not
// before the source wants to be asked. What is to be confirmed gets its time:
// an export that is being written is still half of one five seconds later.
func (s *Syncer) retryIn(why *providers.SourceError) time.Duration {
	wait := s.cfg.Interval
	if why.Code == providers.CodeSuspectAnswer {
		return wait
	}
	if n := s.failures - 1; n < 16 && firstRetry<<n < wait {
		wait = firstRetry << n
	}
	wait = wait/2 + time.Duration(s.cfg.Rand()*float64(wait/2))
	return max(wait, min(why.RetryAfter, maxRetryAfter))
}

// change is what a pull brought.
type change struct {
	put     map[providers.Key]*providers.Record
	removed map[providers.Key]struct{}
	refused int // without a position
}

func (c *change) add(put []*providers.Record, removed []providers.Key) {
	for _, r := range put {
		if check(r) != nil {
			c.refused++
			continue
		}
		c.put[r.Key] = r
		delete(c.removed, r.Key)
	}
	for _, k := range removed {
		c.removed[k] = struct{}{}
		delete(c.put, k)
	}
}

// pull asks for everything, or for what changed, and applies it.
func (s *Syncer) pull(ctx context.Context, full bool) (err error) {
	ctx, trace := providers.BeginTrace(ctx, "pull", slog.String("source", string(s.source.info.ID)), slog.Bool("full", full))
	defer func() { trace.End(err) }()
	began := s.cfg.Clock()
	since := s.asOf
	if full {
		since = time.Time{}
	}
	c := &change{put: map[providers.Key]*providers.Record{}, removed: map[providers.Key]struct{}{}}
	pulled, err := s.ask(ctx, since, c)
	if err != nil {
		return err
	}
	store := s.source.store
	if pulled.Whole {
		if err = s.believe(c); err != nil {
			return err
		}
	}
	before := store.Len()
	store.change(c, pulled.Whole, pulled.AsOf)
	if s.cfg.Changed != nil && (pulled.Whole || len(c.put)+len(c.removed) > 0) {
		s.cfg.Changed()
	}
	s.asOf = pulled.AsOf
	if full || pulled.Whole || pulled.AsOf.Equal(since) { // the last: nothing has happened, a file is still the same
		s.nextFull = began.Add(s.cfg.FullEvery)
	}
	level := slog.LevelInfo
	if pulled.Unread > 0 || c.refused > 0 {
		level = slog.LevelWarn
	}
	s.cfg.Logger.Log(ctx, level, "pulled",
		slog.Bool("full", full), slog.Bool("whole", pulled.Whole), slog.Int("put", len(c.put)), slog.Int("removed", len(c.removed)),
		slog.Int("unread", pulled.Unread), slog.Int("refused", c.refused),
		slog.Int("held_before", before), slog.Int("held", store.Len()), slog.Duration("duration", s.cfg.Clock().Sub(began)))
	return nil
}

// errPanicked stands for whatever a source panicked with.
var errPanicked = errors.New("the source panicked")

// ask pulls into c, and survives a source that panics.
func (s *Syncer) ask(ctx context.Context, since time.Time, c *change) (pulled providers.Pulled, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Logger.ErrorContext(ctx, "source panicked", slog.Any("panic", v))
			err = &providers.SourceError{Code: providers.CodeInternal, Message: "the source's data could not be processed", Err: errPanicked}
		}
	}()
	return s.puller.Pull(ctx, since, func(put []*providers.Record, removed []providers.Key) error {
		c.add(put, removed)
		collect()
		return ctx.Err()
	})
}

// maxGrowth is how far the heap may grow during a pull before it is looked for
// garbage.
const maxGrowth = 48 << 20

// collect looks for garbage when the heap has grown by maxGrowth since that was
// last done. Left alone, the heap doubles first: a pull of a country, beside the
// country that is held, would take some 300 MB more than it needs.
func collect() {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if used, live := sample[0].Value.Uint64(), sample[1].Value.Uint64(); used > live+maxGrowth {
		runtime.GC()
	}
}

// believe returns an error for a pull of everything that has less than half of
// what is held, not counting what the source says is gone, unless the source has
// been saying about the same for confirmAfter.
func (s *Syncer) believe(c *change) error {
	expected := s.source.Len()
	for k := range c.removed {
		if _, held := s.source.store.Get(k); held {
			expected--
		}
	}
	got := len(c.put)
	if 2*got >= expected {
		return nil
	}
	now := s.cfg.Clock()
	if s.suspected.since.IsZero() || !s.suspected.about(got) {
		s.suspected.since = now
	}
	s.suspected.left = got
	if now.Sub(s.suspected.since) >= confirmAfter {
		return nil
	}
	return &providers.SourceError{
		Code:    providers.CodeSuspectAnswer,
		Message: fmt.Sprintf("the source suddenly gave %d records where %d are held; they are kept until it has said so for some minutes", got, expected),
	}
}

// loss is a sudden one that is not believed yet. Its zero value is none.
type loss struct {
	since time.Time
	left  int // records that the last pull brought
}

// about reports whether a pull of n records tells of the same loss.
func (l *loss) about(n int) bool { return max(n-l.left, l.left-n) <= l.left/10 }

// pending says whether a source has been read. Its zero value is not usable.
type pending struct {
	ended chan struct{} // closed when the first pull has ended
	why   atomic.Pointer[providers.SourceError]
	ready atomic.Bool
}

func newPending() *pending { return &pending{ended: make(chan struct{})} }

// done notes how a pull ended. It is for one goroutine.
func (p *pending) done(why *providers.SourceError) {
	if why == nil {
		p.ready.Store(true)
	} else if !p.ready.Load() {
		p.why.Store(why)
	}
	select {
	case <-p.ended:
	default:
		close(p.ended)
	}
}

// err returns why the source cannot be asked yet; nil: it can.
func (p *pending) err() error {
	if p == nil || p.ready.Load() {
		return nil
	}
	if why := p.why.Load(); why != nil {
		return &providers.SourceError{Code: why.Code, Message: "this source has not been read yet: " + why.Message, RetryAfter: why.RetryAfter, Err: why.Err}
	}
	return &providers.SourceError{Code: providers.CodeTimeout, Message: "this source is being read for the first time; ask again in a moment"}
}

package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chargegraph/providers"
)

const (
	// DefaultReserveForReaders keeps three calls in ten for people who wait.
	DefaultReserveForReaders = 0.3
	// MaxBudget bounds BudgetConfig.Limit: each call of a window is remembered, in
	// Redis with some 100 bytes.
	MaxBudget = 100_000
	// MinBudgetWindow is the shortest window: in Redis, times are told to the
	// millisecond, and reach us some of them later.
	MinBudgetWindow = time.Second
)

// BudgetConfig says how many calls an upstream may be sent. Limit, Window and Name
// are required.
type BudgetConfig struct {
	Limit  int           // calls in any stretch of Window, 1..MaxBudget
	Window time.Duration // at least MinBudgetWindow
	// Name is what the budget belongs to, the same in every process that spends of
	// it: a source's id and a hash of its key, never the key. No blanks, no braces.
	Name string
	// Redis is where the processes of a fleet count together. Its calls must end
	// with their context, as those of Connect's do. nil: this process is alone.
	Redis redis.UniversalClient
	// Prefix begins the names of the keys in Redis; empty: "chargegraph".
	Prefix string
	// ReserveForReaders is the share of Limit of which refreshes take nothing,
	// below 1; 0: DefaultReserveForReaders; negative: none.
	ReserveForReaders float64
	Clock             func() time.Time // default time.Now
	Logger            *slog.Logger     // default: none
}

// Budget hands out the calls to an upstream and remembers when. It implements
// [providers.Budget]: in no stretch of Window are more than Limit handed out, by
// this process alone, or by all that share a Redis together.
//
// It keeps an exact log: a call is handed out when the one Limit calls before it
// is older than Window. A token bucket or GCRA would be smaller, and with rate and
// burst of Limit lets nearly twice as many through one window, a full bucket and
// what flows in after it; with less of both it never reaches Limit. Budgets are
// small enough to be counted.
//
// With a Redis, four fifths of Limit are handed out through it. The rest is for
// when it is gone, and divided so that nobody has to ask:
//
//	Limit ┬ 4/5   counted in Redis by everybody
//	      ├ 1/10  divided by Redis among the processes that are alive, for as long as
//	      │       budgetLease after each was last heard of
//	      └ 1/10  for processes that have not met Redis, or not for budgetLease: a
//	              tenth of it for each, as if they were ten
//
// What does not divide goes to the first. A process counts what it takes of the
// last two by itself and in one log, so that its own share never grows by coming
// back. It takes of it too when the four fifths are used up.
//
// A Redis that restarts, is flushed, or is another one after a failover has
// forgotten calls. Whoever notices by the mark that the log bears (it names the run
// of the server) writes down again what it took itself. Until all have who are
// known to have calls in the window, at least for budgetGrace, and at most for a
// window, nothing is handed out through Redis. So a call is forgotten only when
// both Redis and every process that knew of its taker are gone.
//
// Two things are out of its reach: a Redis whose clock is set forward, and two
// servers that both believe to be the master for longer than a window.
//
// A Budget is safe for concurrent use. It starts no goroutine; with a Redis, Run
// must run.
type Budget struct {
	limit  int
	window time.Duration
	// forReaders is the share that refreshes leave over.
	forReaders float64
	clock      func() time.Time
	shared     *sharedBudget // nil: this process is alone

	mu          sync.Mutex
	calls       callLog // handed out here, not through Redis
	silentUntil time.Time
}

var _ providers.Budget = (*Budget)(nil)

// NewBudget returns a budget of which nothing is taken. It refuses settings out of
// their bounds, and asks Redis nothing yet.
func NewBudget(cfg BudgetConfig) (*Budget, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "chargegraph"
	}
	if cfg.ReserveForReaders == 0 {
		cfg.ReserveForReaders = DefaultReserveForReaders
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case cfg.Limit < 1 || cfg.Limit > MaxBudget:
		return nil, fmt.Errorf("cache: budget: Limit is %d: it must be between 1 and %d", cfg.Limit, MaxBudget)
	case cfg.Window < MinBudgetWindow:
		return nil, fmt.Errorf("cache: budget: Window is %v: it must be at least %v", cfg.Window, MinBudgetWindow)
	case cfg.Name == "" || strings.ContainsAny(cfg.Name+cfg.Prefix, "{} \t\r\n"):
		return nil, fmt.Errorf("cache: budget: Name is %q and Prefix %q: there must be a name, and neither blanks nor braces", cfg.Name, cfg.Prefix)
	case math.IsNaN(cfg.ReserveForReaders) || cfg.ReserveForReaders >= 1:
		return nil, fmt.Errorf("cache: budget: ReserveForReaders is %v: it must be below 1", cfg.ReserveForReaders)
	case cfg.Redis != nil && !endsWithContext(cfg.Redis):
		return nil, errors.New("cache: budget: Redis was made without ContextTimeoutEnabled: a slow Redis would hold up every call")
	}
	b := &Budget{limit: cfg.Limit, window: cfg.Window, forReaders: max(cfg.ReserveForReaders, 0), clock: cfg.Clock}
	b.calls = callLog{limit: cfg.Limit}
	if cfg.Redis != nil {
		b.shared = newSharedBudget(&cfg, b)
		b.calls.limit = max(b.shared.divided, b.shared.stranger, 1)
	}
	return b, nil
}

// Take implements [providers.Budget]. With a Redis it may wait for its answer, 100 ms
// at most and then not again before it is back. During a silence that Pause asked
// for, the error is RATE_LIMITED; an ended ctx takes nothing.
func (b *Budget) Take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return providers.AsSourceError(err)
	}
	refresh := providers.IsRefresh(ctx)
	if b.shared != nil {
		if wait := b.silence(); wait > 0 {
			return silenced(wait)
		}
		told, err := b.shared.takeOne(ctx, refresh)
		switch se := providers.AsSourceError(err); {
		case told && (se == nil || se.Code != providers.CodeBudgetExhausted):
			return err
		case told && b.takeHere(refresh) == nil:
			return nil
		case told:
			return err // it knows when there will be calls again
		}
	}
	return b.takeHere(refresh)
}

// takeHere takes a call of what this process hands out by itself.
func (b *Budget) takeHere(refresh bool) error {
	share, wait := b.limit, b.window
	if b.shared != nil {
		share, wait = b.shared.share(), budgetRest
	}
	open := b.open(share, refresh)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if silent := b.silentUntil.Sub(now); silent > 0 {
		return silenced(silent)
	}
	if open == 0 {
		return b.exhausted(wait)
	}
	if last, full := b.calls.nth(open); full {
		if left := last.Add(b.window).Sub(now); left >= 0 {
			return b.exhausted(left + 1) // both ends of a stretch belong to it
		}
	}
	b.calls.add(now)
	return nil
}

// open returns how many calls of share may be taken, by a refresh or by somebody
// who waits.
func (b *Budget) open(share int, refresh bool) int {
	if !refresh {
		return share
	}
	return share - int(math.Ceil(float64(share)*b.forReaders))
}

func (b *Budget) exhausted(wait time.Duration) error {
	return &providers.SourceError{
		Code: providers.CodeBudgetExhausted, RetryAfter: wait,
		Message: fmt.Sprintf("the calls that this source may be sent in %v are used up; ask again later", b.window),
	}
}

func silenced(wait time.Duration) error {
	return &providers.SourceError{
		Code: providers.CodeRateLimited, RetryAfter: wait,
		Message: "the source has asked not to be asked for a while; ask again later",
	}
}

// Pause implements [providers.Budget], for all processes.
func (b *Budget) Pause(t time.Time) {
	b.mu.Lock()
	longer := t.After(b.silentUntil)
	if longer {
		b.silentUntil = t
	}
	b.mu.Unlock()
	if longer && b.shared != nil {
		b.shared.tell()
	}
}

// silence returns how long nothing is handed out because the source asked for it.
func (b *Budget) silence() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silentUntil.IsZero() {
		return 0
	}
	return b.silentUntil.Sub(b.clock())
}

// State implements [providers.Budget]. Limit is how many calls a window has for
// this process, those that others take of them included: with a Redis less than
// the whole, and while it is away a small part. State asks nobody: what all
// processes used through Redis is as of the last answer, which is half a second
// old while Run runs and Redis answers.
func (b *Budget) State() providers.UpstreamBudget {
	s := providers.UpstreamBudget{Limit: b.limit, WindowSeconds: int(math.Ceil(b.window.Seconds()))}
	if b.shared != nil {
		s.Limit = b.shared.share()
		if used, told := b.shared.lastUsed(); told {
			s.Limit += b.shared.counted
			s.Used = used
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Used += b.calls.since(b.clock().Add(-b.window))
	return s
}

// Run lets Redis know every half a second that this process is alive, until ctx
// ends; then it gives back its share and returns nil. Without a Redis there is
// nothing to do.
func (b *Budget) Run(ctx context.Context) error {
	if b.shared == nil {
		<-ctx.Done()
		return nil
	}
	b.shared.run(ctx)
	return nil
}

// callLog remembers the times of the last calls, of as many as a window may have.
// It grows with their number up to limit.
type callLog struct {
	limit int
	at    []time.Time // a ring, once it is full
	next  int         // where the oldest stands then
}

// add notes a call. Should the clock go back, it is noted as late as the last one,
// for longer rather than shorter.
func (l *callLog) add(t time.Time) {
	if last, ok := l.nth(1); ok && t.Before(last) {
		t = last
	}
	if len(l.at) < l.limit {
		l.at = append(l.at, t)
		return
	}
	l.at[l.next] = t
	l.next = (l.next + 1) % l.limit
}

// nth returns the n-th call from the last, which is 1; false: there are not as many.
func (l *callLog) nth(n int) (time.Time, bool) {
	if n > len(l.at) {
		return time.Time{}, false
	}
	return l.at[(l.next+len(l.at)-n)%len(l.at)], true
}

// since returns how many calls are not before t.
func (l *callLog) since(t time.Time) int {
	few, many := 0, len(l.at)
	for few < many {
		n := (few + many + 1) / 2
		if at, _ := l.nth(n); at.Before(t) {
			many = n - 1
		} else {
			few = n
		}
	}
	return few
}

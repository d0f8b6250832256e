package upstream

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

const (
	// Half of at least ten calls in ten seconds: fewer say nothing, and a source
	// that fails less often is still worth asking.
	breakerShare  = 0.5
	breakerCalls  = 10
	breakerPeriod = 10 * time.Second
	// firstRest is how long an upstream is first left alone. Each trial that fails
	// doubles it up to lastRest, after which one caller in half a minute finds out.
	firstRest = time.Second
	lastRest  = 30 * time.Second
)

// outcome is what a call says about the upstream.
type outcome int

const (
	unknown  outcome = iota // nothing: it was never sent, or its caller left
	answered                // it works, whatever it thinks of the question
	failed                  // 5xx, no connection, an answer that broke off
	hung                    // it cost its caller all the time there was
)

// breaker refuses calls while they would fail. failsafe's circuit breaker counts
// and keeps the state; around it stands what it has not: rests that grow, a trial
// that says nothing and is passed on to the next caller, a call that is overdue and
// becomes the trial, and calls that began before the state changed, whose ends say
// nothing about now.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]

	mu     sync.Mutex
	epoch  uint64        // counts the changes of state
	heard  time.Time     // when a call was last answered
	until  time.Time     // the upstream rests
	rest   time.Duration // of the next opening
	passed bool          // the next opening only passes a trial on
}

func newBreaker() *breaker {
	b := &breaker{rest: firstRest}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(breakerShare, breakerCalls, breakerPeriod).
		WithSuccessThreshold(1).
		WithDelay(0).                 // a delay that varies is not to be had without failsafe's executor
		OnStateChanged(b.hasChanged). // by what is done under b.mu
		Build()
	return b
}

func (b *breaker) hasChanged(e circuitbreaker.StateChangedEvent) {
	b.epoch++
	switch {
	case e.NewState == circuitbreaker.ClosedState:
		b.rest = firstRest
	case e.NewState == circuitbreaker.OpenState && !b.passed:
		b.until = time.Now().Add(b.rest)
		b.rest = min(2*b.rest, lastRest)
	}
}

// enter lets a call through, or says how long not to ask again. Whoever was let
// through hands epoch to leave.
func (b *breaker) enter() (epoch uint64, wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait, refused := b.refused(); refused {
		return 0, wait, false
	}
	if !b.circuit.TryAcquirePermit() {
		return 0, firstRest, false
	}
	return b.epoch, 0, true
}

// refuses reports whether enter would refuse, and how long not to ask again.
func (b *breaker) refuses() (wait time.Duration, refused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused()
}

func (b *breaker) refused() (wait time.Duration, refused bool) {
	switch b.circuit.State() {
	case circuitbreaker.OpenState:
		wait = time.Until(b.until)
		return wait, wait > 0
	case circuitbreaker.HalfOpenState: // a trial brings it there, and only its end away
		return firstRest, true
	case circuitbreaker.ClosedState:
	}
	return 0, false
}

// overdue keeps everybody else away until a call of epoch has ended, unless one
// that ended since it began was answered. It returns the call's epoch from then on.
func (b *breaker) overdue(epoch uint64, began time.Time) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch != b.epoch || !b.circuit.IsClosed() || b.heard.After(began) {
		return epoch
	}
	b.circuit.HalfOpen()
	b.circuit.TryAcquirePermit() // it is the trial
	return b.epoch
}

// current reports whether nothing has changed since epoch.
func (b *breaker) current(epoch uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return epoch == b.epoch
}

// isTrial reports whether the call of epoch is the one that decides for all.
func (b *breaker) isTrial(epoch uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return epoch == b.epoch && b.circuit.IsHalfOpen()
}

// leave notes how a call ended.
func (b *breaker) leave(epoch uint64, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o == answered {
		b.heard = time.Now()
	}
	if epoch != b.epoch {
		return
	}
	switch o {
	case answered:
		b.circuit.RecordSuccess()
	case failed:
		b.circuit.RecordFailure()
	case hung:
		b.circuit.Open()
	case unknown:
		if b.circuit.IsHalfOpen() {
			b.passed = true
			b.circuit.Open()
			b.passed = false
		}
	}
}

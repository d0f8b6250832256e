package providers

import (
	"context"
	"time"
)

// Budget hands out the calls that one source may be sent: at most a number in
// any stretch of time, counted together by everything that shares the budget. It
// is safe for concurrent use.
type Budget interface {
	// Take takes one call. It never waits for the budget to fill: when nothing
	// is left, or nothing for a refresh (IsRefresh), it returns a *SourceError of
	// code BUDGET_EXHAUSTED with the time after which there is some again.
	Take(ctx context.Context) error
	// Pause hands out nothing until t, because the source asked for silence.
	Pause(t time.Time)
	// State returns the limit and what of it is taken at the moment.
	State() UpstreamBudget
}

// UpstreamBudget is how many calls a source may be sent in a window.
type UpstreamBudget struct {
	Limit         int
	WindowSeconds int
	Used          int
}

type refreshKey struct{}

// WithRefresh marks what is done under ctx as a refresh: nobody waits for it, so
// that it takes of a budget only what those who wait leave over.
func WithRefresh(ctx context.Context) context.Context {
	return context.WithValue(ctx, refreshKey{}, true)
}

// IsRefresh reports whether ctx was marked by WithRefresh.
func IsRefresh(ctx context.Context) bool {
	marked, _ := ctx.Value(refreshKey{}).(bool)
	return marked
}

type patienceKey struct{}

// WithPatience says how long an answer waits for what a source is asked under ctx,
// though the question may go on for longer: what takes longer than d will have been
// waited for in vain.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, d)
}

// PatienceOf returns what WithPatience said of ctx; 0: nothing.
func PatienceOf(ctx context.Context) time.Duration {
	d, _ := ctx.Value(patienceKey{}).(time.Duration)
	return d
}

type trialKey struct{}

// WithTrial has f called, at most once for each call, when a call under ctx is to
// find out whether a source works again that has failed or hung: who waits for it
// may well wait in vain.
func WithTrial(ctx context.Context, f func()) context.Context {
	return context.WithValue(ctx, trialKey{}, f)
}

// TellTrial calls what WithTrial left in ctx.
func TellTrial(ctx context.Context) {
	if f, ok := ctx.Value(trialKey{}).(func()); ok {
		f()
	}
}

// Retention is what a source's licence allows to be kept of it.
type Retention struct {
	For         time.Duration // how long after it was fetched; 0: without limit
	ProcessOnly bool          // in the memory of this process and nowhere else
}

package upstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"chargegraph/providers"
)

// RetryTable is how long a failure to fetch a Table is remembered, so that a
// broken upstream is not asked by every question.
const RetryTable = time.Minute

// Table is a value that is dear to fetch and changes slowly. One caller at a time
// fetches it, and the others wait for that; the old value stays until there is a
// new one. A Table is safe for concurrent use and starts no goroutine.
type Table[T any] struct {
	ttl   time.Duration
	clock func() time.Time
	fetch func(context.Context) (T, error)

	mu        sync.Mutex
	value     T
	fetchedAt time.Time // zero: never
	failedAt  time.Time
	err       error         // of the last fetch
	fetching  chan struct{} // closed when the fetch under way ends; nil: none is
}

// NewTable returns a table that counts as fresh for ttl after each fetch. fetch
// runs under the context of the caller that was first.
func NewTable[T any](ttl time.Duration, clock func() time.Time, fetch func(context.Context) (T, error)) *Table[T] {
	return &Table[T]{ttl: ttl, clock: clock, fetch: fetch}
}

// Best returns the newest value there is, however old; the zero value if none was
// fetched yet.
func (t *Table[T]) Best() T {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value
}

// Fresh returns the value if it is fresh.
func (t *Table[T]) Fresh() (value T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fresh() {
		return value, false
	}
	return t.value, true
}

func (t *Table[T]) fresh() bool {
	return !t.fetchedAt.IsZero() && t.clock().Sub(t.fetchedAt) < t.ttl
}

// Get returns a fresh value, fetched if need be, or else the best there is and
// why there is no better one: what fetch returned, for RetryTable after it did, or
// a *providers.SourceError if ctx ended while another caller's fetch went on. A
// fetch whose caller went away says nothing about the upstream and is not
// remembered; nor is one that our own policies refused, which costs nothing.
func (t *Table[T]) Get(ctx context.Context) (T, error) {
	for {
		t.mu.Lock()
		switch {
		case t.fresh():
			defer t.mu.Unlock()
			return t.value, nil
		case t.err != nil && t.clock().Sub(t.failedAt) < RetryTable:
			defer t.mu.Unlock()
			return t.value, t.err
		}
		wait := t.fetching
		if wait == nil {
			t.fetching = make(chan struct{})
			t.mu.Unlock()
			return t.load(ctx)
		}
		held := t.value
		t.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return held, providers.AsSourceError(ctx.Err())
		}
	}
}

// load fetches the value for everybody who waits for it.
func (t *Table[T]) load(ctx context.Context) (T, error) {
	ended := false
	defer func() {
		if !ended { // the fetch panicked: let the next caller try
			t.mu.Lock()
			defer t.mu.Unlock()
			t.done()
		}
	}()
	value, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	ended = true
	t.done()
	switch {
	case err == nil:
		t.value, t.fetchedAt, t.err = value, t.clock(), nil
	case ctx.Err() == nil && !refusedHere(err):
		t.failedAt, t.err = t.clock(), err
	}
	return t.value, err
}

func refusedHere(err error) bool {
	var se *providers.SourceError
	return errors.As(err, &se) && (se.Code == providers.CodeCircuitOpen || se.Code == providers.CodeBudgetExhausted)
}

func (t *Table[T]) done() {
	close(t.fetching)
	t.fetching = nil
}

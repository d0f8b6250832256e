package upstream

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	// maxRepeats is how often a call is repeated: what fails three times in a row
	// is no hiccup.
	maxRepeats = 2
	// minBackoff and maxBackoff bound the wait before a repeat where the upstream
	// names no time. A person waits for the answer.
	minBackoff = 20 * time.Millisecond
	maxBackoff = 500 * time.Millisecond
	// maxWait bounds what the upstream may name: whoever is to wait longer asks
	// again instead.
	maxWait = 2 * time.Second
	// maxRepeatFifths is what a healthy upstream saves up: three repeats, for the
	// hiccup of one map.
	maxRepeatFifths = 3 * fifthsOfRepeat
	fifthsOfRepeat  = 5
)

// repeats is the budget of repeats: each question earns a fifth of one. So an
// upstream that fails always is asked a fifth more often, and three times.
type repeats struct {
	mu     sync.Mutex
	fifths int
}

func (r *repeats) earn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fifths = min(r.fifths+1, maxRepeatFifths)
}

func (r *repeats) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fifths < fifthsOfRepeat {
		return false
	}
	r.fifths -= fifthsOfRepeat
	return true
}

// idempotent marks a request that may be repeated though it is a POST. It is the
// mark of net/http: a header without a value, which is not sent.
const idempotent = "X-Idempotency-Key"

// onlyReads reports whether a request changes nothing upstream.
func onlyReads(req *http.Request) bool {
	_, marked := req.Header[idempotent]
	return marked || req.Method == http.MethodGet
}

// worthRepeating reports whether a call failed such that another one may not, and
// how long the upstream wants to be left alone before it.
func (c *call) worthRepeating(req *http.Request, res *http.Response, err error) (wait time.Duration, worth bool) {
	readOnce := req.Body != nil && req.Body != http.NoBody && req.GetBody == nil
	if !onlyReads(req) || readOnce {
		return 0, false
	}
	if err != nil {
		return 0, c.what == failed
	}
	wait = askedToWait(res, c.t.p.Clock())
	return wait, wait > 0 || res.StatusCode >= http.StatusInternalServerError && res.StatusCode != http.StatusNotImplemented
}

// askedToWait returns for how long an answer asks for silence; 0: it does not.
func askedToWait(res *http.Response, now time.Time) time.Duration {
	if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	return RetryAfter(res.Header, now)
}

// repeatIn returns how long to wait before the repeat after n others, and whether
// it fits into the time that is left: the wait, and a call that takes as long as
// the one that failed. asked is what the upstream named, 0: nothing.
func repeatIn(n int, asked, took, left time.Duration) (wait time.Duration, fits bool) {
	wait = asked
	if asked == 0 {
		longest := min(maxBackoff/2<<n, maxBackoff)
		wait = minBackoff + rand.N(longest-minBackoff) //nolint:gosec // it spreads callers out, and hides nothing
	}
	return wait, wait <= maxWait && wait+took < left
}

// timeLeft returns what is left of ctx's time.
func timeLeft(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return 1<<63 - 1
}

// pause waits and reports whether ctx let it.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle ends a call whose answer may yet be given to its caller: of its body as
// much is kept as is looked at of a refusal.
func settle(res *http.Response) {
	if res == nil {
		return
	}
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxStart)) // the status alone says enough
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(said))
}

// renewed returns req with its body from the start.
func renewed(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.GetBody == nil {
		return again, nil
	}
	fresh, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	again.Body = fresh
	return again, nil
}

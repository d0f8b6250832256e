package upstream

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"

	"chargegraph/providers"
)

const (
	// DefaultConcurrency is how many calls an upstream gets at once: more than a
	// map asks for, and fewer than an upstream takes for an attack.
	DefaultConcurrency = 8
	// DefaultCallTimeout is how long one call may take where its caller has more
	// time: nobody waits longer for a map.
	DefaultCallTimeout = 30 * time.Second
	// maxPatience is in what time an upstream that works has answered, whatever the question.
	maxPatience = time.Second
)

// Policies say how an upstream is to be treated. Name, Next and Clock are required.
type Policies struct {
	Name Service
	Next http.RoundTripper // makes the calls
	// Budget is asked for every call that Next is to make: repeats and redirects
	// included. nil: as many as there are.
	Budget providers.Budget
	// Concurrency is how many calls are under way at once, until their answers are
	// read; others wait. Default DefaultConcurrency.
	Concurrency int
	// CallTimeout is how long one call may take, until its answer is read. Default
	// DefaultCallTimeout.
	CallTimeout time.Duration
	// Timeout is how long an answer waits for this upstream. A read that takes nearly
	// as long, while nothing else is answered either, keeps all others away until it
	// ends: who waits for the upstream would wait in vain. 0: as long as the asker says
	// (providers.WithPatience); nobody waits for it where he says nothing.
	Timeout time.Duration
	// Clock says until when the upstream asked for silence.
	Clock func() time.Time
}

// Transport makes calls to one upstream under its policies and holds their state.
// It is safe for concurrent use. Its own refusals are *providers.SourceError.
type Transport struct {
	p       Policies
	breaker *breaker
	limit   bulkhead.Bulkhead[any]
	repeats repeats

	mu          sync.Mutex
	silentUntil time.Time
}

// patience returns the time that a call must have had to say by its end that the
// upstream hangs: else callers in a hurry would close it for everybody. A call
// begins a little later than the question.
func (p *Policies) patience() time.Duration {
	if p.Timeout <= 0 {
		return maxPatience
	}
	return min(p.Timeout*3/4, maxPatience)
}

// overdueAfter returns how long a read takes until others are kept away: a little
// less than its question waits, so that the next one finds the door shut. 0: they
// never are.
func (p *Policies) overdueAfter(ctx context.Context) time.Duration {
	return max(cmp.Or(p.Timeout, providers.PatienceOf(ctx))*9/10, 0)
}

// NewTransport returns a transport that has made no calls.
func NewTransport(p Policies) *Transport {
	if p.Concurrency == 0 {
		p.Concurrency = DefaultConcurrency
	}
	if p.CallTimeout == 0 {
		p.CallTimeout = DefaultCallTimeout
	}
	return &Transport{
		p: p, breaker: newBreaker(), limit: bulkhead.New[any](uint(max(p.Concurrency, 1))),
		repeats: repeats{fifths: maxRepeatFifths},
	}
}

// NewHTTPTransport returns a transport of the standard library with time-outs and
// as many idle connections as an upstream may be asked at once.
func NewHTTPTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConnsPerHost:   DefaultConcurrency,
		IdleConnTimeout:       30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// Around returns next with around about it: inside all policies, so that what
// goes around sees every call that is really made, each repeat and each redirect
// as one, and none that was refused here. A nil around leaves next as it is.
func Around(next http.RoundTripper, around func(http.RoundTripper) http.RoundTripper) http.RoundTripper {
	if around == nil {
		return next
	}
	return around(next)
}

// Refusal returns why a call would be refused before it is made; nil: it would
// not, as far as can be told. It costs nothing.
func (t *Transport) Refusal() *providers.SourceError {
	if wait, refused := t.breaker.refuses(); refused {
		return t.resting(wait)
	}
	return t.silence()
}

func (t *Transport) resting(wait time.Duration) *providers.SourceError {
	return &providers.SourceError{
		Code: providers.CodeCircuitOpen, RetryAfter: wait,
		Message: string(t.p.Name) + " has failed or has not answered lately and is left alone for a moment; ask again later",
	}
}

// silence returns the refusal of a time for which the upstream asked not to be asked.
func (t *Transport) silence() *providers.SourceError {
	t.mu.Lock()
	until := t.silentUntil
	t.mu.Unlock()
	if until.IsZero() {
		return nil
	}
	wait := until.Sub(t.p.Clock())
	if wait <= 0 {
		return nil
	}
	return &providers.SourceError{
		Code: providers.CodeRateLimited, RetryAfter: wait,
		Message: string(t.p.Name) + " has asked not to be asked for a while; ask again later",
	}
}

// silentFor keeps everybody quiet for wait.
func (t *Transport) silentFor(wait time.Duration) {
	until := t.p.Clock().Add(wait)
	t.mu.Lock()
	if until.After(t.silentUntil) {
		t.silentUntil = until
	}
	t.mu.Unlock()
	if t.p.Budget != nil {
		t.p.Budget.Pause(until)
	}
}

// CloseIdleConnections closes those of Next.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.p.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	t.repeats.earn()
	c, err := t.admit(ctx)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	res, err := c.send(req)
	for n := range maxRepeats {
		wait, worth := c.worthRepeating(req, res, err)
		if !worth {
			break
		}
		wait, fits := repeatIn(n, wait, time.Since(c.began), timeLeft(ctx))
		if _, open := t.breaker.refuses(); open || !fits || !t.repeats.spend() {
			break
		}
		settle(res)
		if !pause(ctx, wait) {
			return nil, ctx.Err()
		}
		again, unbuilt := renewed(req)
		if unbuilt != nil {
			break
		}
		next, refused := t.admit(ctx)
		if refused != nil {
			break // what went wrong says more than why it is not tried again
		}
		c = next
		res, err = c.send(again)
	}
	return res, err
}

// admit lets a call through, or says why not.
func (t *Transport) admit(ctx context.Context) (*call, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if se := t.silence(); se != nil {
		return nil, se
	}
	epoch, wait, ok := t.breaker.enter()
	if !ok {
		return nil, t.resting(wait)
	}
	if err := t.limit.AcquirePermit(ctx); err != nil {
		t.breaker.leave(epoch, unknown)
		return nil, err
	}
	c := &call{t: t, epoch: epoch}
	// Those who waited while the breaker opened pass the place on to each other.
	if !t.breaker.current(epoch) {
		c.end(unknown)
		if se := t.Refusal(); se != nil {
			return nil, se
		}
		return nil, t.resting(firstRest)
	}
	if t.p.Budget != nil {
		if err := t.p.Budget.Take(ctx); err != nil {
			c.end(unknown)
			return nil, err
		}
	}
	if t.breaker.isTrial(epoch) {
		providers.TellTrial(ctx)
	}
	c.began = time.Now()
	return c, nil
}

// call is one call that was let through. It ends with the last of its answer.
type call struct {
	t     *Transport
	began time.Time // by the clock of deadlines, whatever Policies.Clock says
	ends  time.Time // its deadline
	what  outcome   // as far as the headers tell; written before there is a body

	mu    sync.Mutex
	epoch uint64
	late  *time.Timer // calls overdue; nil: never
	over  bool
}

// end gives back what the call held, once.
func (c *call) end(o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	if c.late != nil {
		c.late.Stop()
	}
	c.t.limit.ReleasePermit()
	c.t.breaker.leave(c.epoch, o)
}

// overdue makes a call that has not ended the trial that decides for all others.
func (c *call) overdue() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.epoch = c.t.breaker.overdue(c.epoch, c.began)
	}
}

// send makes the call.
func (c *call) send(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), c.t.p.CallTimeout)
	c.ends, _ = ctx.Deadline()
	if after := c.t.p.overdueAfter(ctx); after > 0 && onlyReads(req) {
		c.mu.Lock()
		c.late = time.AfterFunc(after, c.overdue)
		c.mu.Unlock()
	}
	res, err := c.t.p.Next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		c.what = c.judge(ctx.Err(), err)
		c.end(c.what)
		cancel()
		return nil, err
	}
	c.what = answered
	if res.StatusCode >= http.StatusInternalServerError {
		c.what = failed
	}
	if wait := askedToWait(res, c.t.p.Clock()); wait > 0 {
		c.t.silentFor(wait)
	}
	if res.Body == nil {
		res.Body = http.NoBody
	}
	res.Body = &body{ReadCloser: res.Body, call: c, over: ctx.Err, cancel: cancel}
	return res, nil
}

// judge says what an error tells about the upstream; over is why the call's time
// ended, if it did.
func (c *call) judge(over, err error) outcome {
	timeout := (interface{ Timeout() bool })(nil)
	switch {
	case errors.As(err, new(*providers.SourceError)), errors.Is(over, context.Canceled):
		return unknown
	case over != nil && c.ends.Sub(c.began) < c.t.p.patience():
		return unknown
	case over != nil, errors.As(err, &timeout) && timeout.Timeout():
		return hung // by a deadline, or a time-out of the network, which are long
	}
	return failed
}

// body is an answer's. A call is under way until its body is read or given up:
// headers alone are no answer.
type body struct {
	io.ReadCloser
	call   *call
	over   func() error
	cancel context.CancelFunc
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.call.end(b.call.what)
	case err != nil:
		b.call.end(b.call.judge(b.over(), err))
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.call.end(b.call.what)
	b.cancel()
	return err
}

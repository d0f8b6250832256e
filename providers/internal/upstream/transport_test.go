package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chargegraph/providers"
)

// farEnd answers one call.
type farEnd func(req *http.Request) (*http.Response, error)

// script is a far end without a network: the n-th call gets the n-th answer, and
// all that follow the last one.
type script struct {
	answers []farEnd

	mu     sync.Mutex
	calls  []time.Time
	bodies []string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	said := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		req.Body.Close()
		said = string(b)
	}
	s.mu.Lock()
	answer := s.answers[min(len(s.calls), len(s.answers)-1)]
	s.calls = append(s.calls, time.Now())
	s.bodies = append(s.bodies, said)
	s.mu.Unlock()
	return answer(req)
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func status(code int, header ...string) farEnd {
	return func(req *http.Request) (*http.Response, error) {
		res := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("[1]")), ContentLength: -1, Request: req}
		for i := 0; i < len(header); i += 2 {
			res.Header.Set(header[i], header[i+1])
		}
		return res, nil
	}
}

func breaking(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
}

func hanging(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// stalling answers with headers, a little, and then nothing more.
func stalling(req *http.Request) (*http.Response, error) {
	res, err := status(http.StatusOK)(req)
	res.Body = io.NopCloser(io.MultiReader(strings.NewReader("[1,"), stall{req.Context()}))
	return res, err
}

type stall struct{ ctx context.Context } //nolint:containedctx // a body ends with its request

func (s stall) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// client returns one of a script for use in a bubble, which must have no servers.
func client(s *script, change func(*Config)) *Client {
	cfg := Config{Name: "Charge Atlas", Base: mustParse("https://atlas.example/v3/"), HTTP: &http.Client{Transport: s}, Secret: "the key", Clock: time.Now}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

// ledger is a budget that notes what it is asked.
type ledger struct {
	mu        sync.Mutex
	taken     int
	refreshes int
	paused    []time.Time
	refuse    error
}

func (l *ledger) Take(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	l.taken++
	if providers.IsRefresh(ctx) {
		l.refreshes++
	}
	return nil
}

func (l *ledger) Pause(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = append(l.paused, t)
}

func (l *ledger) State() providers.UpstreamBudget { return providers.UpstreamBudget{Used: l.taken} }

func TestWhatFailsByChanceIsAskedAgain(t *testing.T) {
	t.Parallel()
	ok, get := status(http.StatusOK), Question{Path: "sites", MaxBody: 1 << 20}
	post := Question{Path: "sites/along", Body: []byte(`{"line":1}`), MaxBody: 1 << 20}
	read := post
	read.Idempotent = true
	for name, c := range map[string]struct {
		q       Question
		answers []farEnd
		calls   int
		code    providers.SourceErrorCode
	}{
		"a hiccup":             {get, []farEnd{status(502), ok}, 2, ""},
		"two":                  {get, []farEnd{status(500), breaking, ok}, 3, ""},
		"a lost connection":    {get, []farEnd{breaking, ok}, 2, ""},
		"more than a hiccup":   {get, []farEnd{status(503), status(503), status(503), ok}, 3, providers.CodeUpstreamError},
		"the last one counts":  {get, []farEnd{status(500), breaking, breaking}, 3, providers.CodeNetwork},
		"a posted question":    {post, []farEnd{status(502), ok}, 1, providers.CodeUpstreamError},
		"one that only reads":  {read, []farEnd{status(502), ok}, 2, ""},
		"what is not built":    {get, []farEnd{status(501), ok}, 1, providers.CodeUpstreamError},
		"what is not there":    {get, []farEnd{status(404), ok}, 1, providers.CodeNotFound},
		"too often":            {get, []farEnd{status(429), ok}, 1, providers.CodeRateLimited},
		"who may not":          {get, []farEnd{status(403), ok}, 1, providers.CodeForbidden},
		"a policy further in":  {get, []farEnd{refusing, ok}, 1, providers.CodeBadResponse},
		"what breaks off":      {get, []farEnd{brokenOff, ok}, 1, providers.CodeBadResponse},
		"too often for now":    {get, []farEnd{status(429, "Retry-After", "1"), ok}, 2, ""},
		"not there for now":    {get, []farEnd{status(503, "Retry-After", "1"), ok}, 2, ""},
		"for longer than ever": {get, []farEnd{status(503, "Retry-After", "3"), ok}, 1, providers.CodeUpstreamError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: c.answers}
				err := client(s, nil).Ask(t.Context(), c.q, func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
				if c.code != "" {
					mustFail(t, err, c.code, "")
				} else if err != nil {
					t.Error(err)
				}
				if s.count() != c.calls {
					t.Errorf("%d calls, want %d", s.count(), c.calls)
				}
				for i, said := range s.bodies {
					if said != string(c.q.Body) {
						t.Errorf("call %d said %q", i, said)
					}
					if i == 0 {
						continue
					}
					if wait := s.calls[i].Sub(s.calls[i-1]); wait < minBackoff || wait > maxBackoff && wait != time.Second {
						t.Errorf("asked again after %v", wait)
					}
				}
			})
		})
	}
}

func refusing(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dial: %w", BadResponse("the host is not asked", nil))
}

func brokenOff(req *http.Request) (*http.Response, error) {
	res, err := status(http.StatusOK)(req)
	res.Body = io.NopCloser(io.MultiReader(strings.NewReader("[1,"), iotestErr{io.ErrUnexpectedEOF}))
	return res, err
}

type iotestErr struct{ err error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.err }

func TestARepeatFitsIntoTheTimeOfItsCaller(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  farEnd
		within  time.Duration
		calls   int
		elapsed time.Duration
	}{
		"what is asked for fits":     {status(429, "Retry-After", "1"), 2 * time.Second, 2, time.Second},
		"what is asked for does not": {status(429, "Retry-After", "1"), time.Second, 1, 0},
		"slow failures do not": {func(req *http.Request) (*http.Response, error) {
			pass(600 * time.Millisecond)
			return status(500)(req)
		}, time.Second, 1, 600 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []farEnd{c.answer, status(200)}}
				ctx, cancel := context.WithTimeout(t.Context(), c.within)
				defer cancel()
				began := time.Now()
				_, err := elements(ctx, client(s, nil), 1<<20)
				if (err == nil) != (c.calls == 2) {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); s.count() != c.calls || took != c.elapsed {
					t.Errorf("%d calls in %v, want %d in %v", s.count(), took, c.calls, c.elapsed)
				}
			})
		})
	}
}

func TestWhoLeavesWhileItIsWaitedGetsThat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{status(503, "Retry-After", "1")}}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		if _, err := elements(ctx, client(s, nil), 1<<20); !errors.Is(err, context.Canceled) || s.count() != 1 {
			t.Errorf("%v after %d calls", err, s.count())
		}
	})
}

func TestASickUpstreamIsAskedAFifthMoreOften(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := repeats{fifths: maxRepeatFifths}
		asked, repeated := 0, 0
		for range rapid.IntRange(0, 200).Draw(t, "questions") {
			asked++
			r.earn()
			for range rapid.IntRange(0, maxRepeats).Draw(t, "failures") {
				if !r.spend() {
					break
				}
				repeated++
			}
			if repeated > 3+asked/5 {
				t.Fatalf("%d repeats of %d questions", repeated, asked)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := &script{answers: []farEnd{func(req *http.Request) (*http.Response, error) {
			if n++; n%3 == 0 { // a third fails, which no breaker minds
				return status(500)(req)
			}
			return status(200)(req)
		}}}
		c := client(s, nil)
		answers := 0
		for range 300 {
			if _, err := elements(t.Context(), c, 1<<20); err == nil {
				answers++
			}
			pass(100 * time.Millisecond)
		}
		if s.count() > 363 || answers < 240 {
			t.Errorf("%d calls for 300 questions, of which %d were answered", s.count(), answers)
		}
	})
}

func TestNobodyAsksWhileTheUpstreamWantsSilence(t *testing.T) {
	t.Parallel()
	for _, code := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []farEnd{status(code, "Retry-After", "60"), status(200)}}
			var budget ledger
			c := client(s, func(cfg *Config) { cfg.Budget = &budget })
			_, err := elements(t.Context(), c, 1<<20)
			if se := providers.AsSourceError(err); se == nil || se.RetryAfter != time.Minute {
				t.Errorf("%v", err)
			}
			if len(budget.paused) != 1 || !budget.paused[0].Equal(time.Now().Add(time.Minute)) {
				t.Errorf("the budget was paused until %v", budget.paused)
			}
			pass(59 * time.Second)
			_, err = elements(t.Context(), c, 1<<20)
			if se := failure(t, err, providers.CodeRateLimited, "has asked not to be asked"); se.RetryAfter != time.Second || s.count() != 1 {
				t.Errorf("%v after %d calls", se, s.count())
			}
			pass(time.Second)
			if _, err = elements(t.Context(), c, 1<<20); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnUpstreamThatHangsCostsItsTimeOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]farEnd{"before its headers": hanging, "in its answer": stalling} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []farEnd{answer, answer, status(200)}}
				c := client(s, nil)
				trials := 0
				ask := func() (time.Duration, error) {
					began := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
					defer cancel()
					_, err := elements(providers.WithTrial(ctx, func() { trials++ }), c, 1<<20)
					return time.Since(began), err
				}
				took, err := ask()
				mustFail(t, err, providers.CodeTimeout, "in time")
				if took != 2500*time.Millisecond {
					t.Errorf("took %v", took)
				}
				for range 100 {
					took, err = ask()
					if se := failure(t, err, providers.CodeCircuitOpen, "is left alone for a moment"); se.RetryAfter != firstRest || took != 0 {
						t.Errorf("%v after %v", se, took)
					}
				}
				pass(firstRest)
				_, err = ask() // the trial
				mustFail(t, err, providers.CodeTimeout, "in time")
				_, err = ask()
				if se := failure(t, err, providers.CodeCircuitOpen, ""); se.RetryAfter != 2*firstRest || s.count() != 2 {
					t.Errorf("%v after %d calls", se, s.count())
				}
				pass(2 * firstRest)
				if _, err = ask(); err != nil {
					t.Error(err)
				}
				if _, err = ask(); err != nil {
					t.Error(err)
				}
				if trials != 2 {
					t.Errorf("%d of 105 calls were told to be trials, want 2", trials)
				}
			})
		})
	}
}

func TestCallersInAHurryCloseItForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{hanging}}
		c := client(s, nil)
		for n := 1; n <= 30; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
			_, err := elements(ctx, c, 1<<20)
			cancel()
			mustFail(t, err, providers.CodeTimeout, "in time")
			if s.count() != n {
				t.Fatalf("%d calls, want %d", s.count(), n)
			}
		}
		for range 30 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			_, err := elements(ctx, client(s, func(cfg *Config) { cfg.CallTimeout, cfg.HTTP.Timeout = time.Hour, 0 }), 1<<20)
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if c.transport.Refusal() != nil {
			t.Error("who left closed it")
		}
	})
	for timeout, want := range map[time.Duration]time.Duration{0: time.Second, -1: time.Second, 400 * time.Millisecond: 300 * time.Millisecond, time.Minute: time.Second} {
		if got := (&Policies{Timeout: timeout}).patience(); got != want {
			t.Errorf("the patience for a timeout of %v is %v, want %v", timeout, got, want)
		}
	}
}

// slow answers with status 200 after d.
func slow(d time.Duration) farEnd {
	return func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return status(http.StatusOK)(req)
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

func TestNobodyWaitsBesideAReadThatIsOverdue(t *testing.T) {
	t.Parallel()
	const timeout = 2500 * time.Millisecond
	for said, patient := range map[string]struct {
		waits func(*Config)
		ask   func(context.Context) context.Context
	}{
		"as it is configured": {func(cfg *Config) { cfg.Timeout = timeout }, func(ctx context.Context) context.Context { return ctx }},
		"as its asker says":   {func(*Config) {}, func(ctx context.Context) context.Context { return providers.WithPatience(ctx, timeout) }},
	} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			nobodyWaitsBesideAReadThatIsOverdue(t, timeout, patient.waits, patient.ask)
		})
	}
}

func nobodyWaitsBesideAReadThatIsOverdue(t *testing.T, timeout time.Duration, waits func(*Config), patient func(context.Context) context.Context) {
	t.Helper()
	for name, c := range map[string]struct {
		first   farEnd
		takes   time.Duration // the first call
		refused bool          // the second one, which comes when the first asker gives up
		after   bool          // a third one, when the first call has ended
	}{
		"it hangs":              {first: hanging, takes: 10 * time.Second, refused: true, after: true},
		"it is answered late":   {first: slow(4 * time.Second), takes: 4 * time.Second, refused: true},
		"it is answered before": {first: slow(2 * time.Second), takes: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []farEnd{c.first, status(http.StatusOK)}}
				cl := client(s, waits)
				ended := make(chan time.Duration)
				began := time.Now()
				go func() { // the load, which outlives its question
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					_, _ = elements(patient(ctx), cl, 1<<20) // how it ends is another test's
					ended <- time.Since(began)
				}()
				pass(timeout)
				if c.takes < timeout {
					<-ended
				}
				_, err := elements(patient(t.Context()), cl, 1<<20)
				if c.refused {
					if se := failure(t, err, providers.CodeCircuitOpen, "is left alone"); time.Since(began) != timeout || s.count() != 1 {
						t.Errorf("%v after %v and %d calls", se, time.Since(began), s.count())
					}
				} else if err != nil {
					t.Error(err)
				}
				if c.takes > timeout {
					if took := <-ended; took != c.takes {
						t.Errorf("it was given up after %v", took)
					}
				}
				if refused := cl.transport.Refusal() != nil; refused != c.after {
					t.Errorf("refused after it has ended: %t", refused)
				}
			})
		})
	}
}

func TestAReadThatIsOverdueWhileOthersAreAnsweredIsItsOwnTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{slow(9 * time.Second), slow(time.Second), slow(2 * time.Second), status(http.StatusOK)}}
		cl := client(s, func(cfg *Config) { cfg.Timeout = 2500 * time.Millisecond })
		done := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := elements(t.Context(), cl, 1<<20)
				done <- err
			}()
			synctest.Wait()
		}
		pass(5 * time.Second)
		if _, err := elements(t.Context(), cl, 1<<20); err != nil {
			t.Error(err)
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAWriteThatTakesItsTimeKeepsNobodyAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{slow(9 * time.Second), status(http.StatusOK)}}
		cl := client(s, func(cfg *Config) { cfg.Timeout = 2500 * time.Millisecond })
		done := make(chan error, 1)
		go func() {
			done <- cl.Ask(t.Context(), Question{Path: "comment", Body: []byte("{}"), MaxBody: 1 << 20}, func(io.Reader) error { return nil })
		}()
		pass(5 * time.Second)
		if _, err := elements(t.Context(), cl, 1<<20); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestOneCallMayTakeItsTimeAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{hanging}}
		began := time.Now()
		_, err := elements(t.Context(), client(s, func(cfg *Config) { cfg.CallTimeout = 7 * time.Second }), 1<<20)
		mustFail(t, err, providers.CodeTimeout, "Charge Atlas did not answer in time")
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestHalfOfTheCallsFailingEndsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{status(500)}}
		c := client(s, nil)
		for range 300 {
			_, _ = elements(t.Context(), c, 1<<20)
		}
		if s.count() != breakerCalls {
			t.Errorf("%d calls reached it", s.count())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{status(403), status(429), status(404)}}
		c := client(s, nil)
		for range 100 {
			_, _ = elements(t.Context(), c, 1<<20)
		}
		if s.count() != 100 {
			t.Errorf("%d calls reached an upstream that only refuses", s.count())
		}
	})
}

func TestACallIsNotRepeatedOnceTheBreakerIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{status(500)}}
		c := client(s, nil)
		calls(c.transport.breaker, breakerCalls-1, failed)
		_, err := elements(t.Context(), c, 1<<20)
		mustFail(t, err, providers.CodeUpstreamError, "failed with status 500") // and not that it rests
		if s.count() != 1 {
			t.Errorf("%d calls", s.count())
		}
		_, err = elements(t.Context(), c, 1<<20)
		mustFail(t, err, providers.CodeCircuitOpen, "")
	})
}

func TestAnUpstreamHasSoManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at, most atomic.Int32
		s := &script{answers: []farEnd{func(req *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), at.Add(1)))
			pass(100 * time.Millisecond)
			res, err := status(200)(req)
			res.Body = io.NopCloser(slowly{strings.NewReader("[1]"), &at})
			return res, err
		}}}
		c := client(s, nil)
		began := time.Now()
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				if _, err := elements(t.Context(), c, 1<<20); err != nil {
					t.Error(err)
				}
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		synctest.Wait()
		if _, err := elements(impatient, c, 1<<20); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits in vain gets %v", err)
		}
		wg.Wait()
		if most.Load() != DefaultConcurrency {
			t.Errorf("%d at once, want %d", most.Load(), DefaultConcurrency)
		}
		if took := time.Since(began); took != 5*200*time.Millisecond {
			t.Errorf("40 calls took %v", took)
		}
		if s.count() != 40 {
			t.Errorf("%d calls", s.count())
		}
	})
}

// slowly is a body that takes its time: its call is under way until the end.
type slowly struct {
	r  io.Reader
	at *atomic.Int32
}

func (s slowly) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil {
		pass(100 * time.Millisecond)
		s.at.Add(-1)
	}
	return n, err
}

func TestWhoWaitsForAnUpstreamThatHangsIsLetGoWithTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{hanging}}
		c := client(s, nil)
		var wg sync.WaitGroup
		for range DefaultConcurrency {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				_, err := elements(ctx, c, 1<<20)
				mustFail(t, err, providers.CodeTimeout, "")
			})
		}
		synctest.Wait()
		for range 50 {
			wg.Go(func() {
				began := time.Now()
				_, err := elements(t.Context(), c, 1<<20)
				mustFail(t, err, providers.CodeCircuitOpen, "")
				if took := time.Since(began); took != 2*time.Second {
					t.Errorf("waited %v", took)
				}
			})
		}
		wg.Wait()
		if s.count() != DefaultConcurrency {
			t.Errorf("%d calls", s.count())
		}
	})
}

func TestEveryCallIsTakenOfTheBudget(t *testing.T) {
	t.Parallel()
	var budget ledger
	asked := 0
	c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked++; asked {
		case 1:
			http.Redirect(w, r, "/v3/sites/", http.StatusMovedPermanently)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		default:
			_, _ = io.WriteString(w, "[1]")
		}
	}), func(cfg *Config) { cfg.Budget, cfg.Redirects = &budget, 1 })
	if _, err := elements(providers.WithRefresh(t.Context()), c, 1<<20); err != nil {
		t.Error(err)
	}
	if asked != 3 || budget.taken != 3 || budget.refreshes != 3 {
		t.Errorf("%d calls, %d taken, %d as refreshes", asked, budget.taken, budget.refreshes)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = elements(ended, c, 1<<20)
	if budget.taken != 3 {
		t.Error("who had left took one")
	}
	budget.refuse = &providers.SourceError{Code: providers.CodeBudgetExhausted, Message: "used up", RetryAfter: time.Minute}
	for range 3 * breakerCalls {
		_, err := elements(t.Context(), c, 1<<20)
		if !errors.Is(err, budget.refuse) {
			t.Fatalf("%v", err)
		}
	}
	if asked != 3 {
		t.Errorf("%d calls without a budget", asked-3)
	}
}

func TestABudgetThatEndsDuringATrialLetsTheNextOneTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []farEnd{status(200)}}
		var budget ledger
		c := client(s, func(cfg *Config) { cfg.Budget = &budget })
		calls(c.transport.breaker, 1, hung)
		pass(firstRest)
		budget.refuse = &providers.SourceError{Code: providers.CodeBudgetExhausted, Message: "used up"}
		_, err := elements(t.Context(), c, 1<<20)
		mustFail(t, err, providers.CodeBudgetExhausted, "")
		budget.refuse = nil
		if _, err = elements(t.Context(), c, 1<<20); err != nil {
			t.Error(err)
		}
	})
}

// TestFaultsOfARealFarEnd has a server on the network do wrong once, and then
// looks at what the next caller gets.
func TestFaultsOfARealFarEnd(t *testing.T) {
	t.Parallel()
	const patience = 20 * time.Millisecond
	for name, c := range map[string]struct {
		fault func(w http.ResponseWriter, r *http.Request)
		code  providers.SourceErrorCode // "": it was repeated, and answered
		then  providers.SourceErrorCode
	}{
		"hangs":       {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, providers.CodeTimeout, providers.CodeCircuitOpen},
		"slow body":   {func(w http.ResponseWriter, r *http.Request) { say(w, "[1,"); <-r.Context().Done() }, providers.CodeTimeout, providers.CodeCircuitOpen},
		"reset":       {func(w http.ResponseWriter, _ *http.Request) { hangUp(w) }, "", ""},
		"breaks off":  {func(w http.ResponseWriter, _ *http.Request) { say(w, "[1,"); hangUp(w) }, providers.CodeNetwork, ""},
		"unavailable": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "", ""},
		"limited": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		}, providers.CodeRateLimited, providers.CodeRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			client := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) == 1 {
					c.fault(w, r)
					return
				}
				_, _ = io.WriteString(w, "[1]")
			}), func(cfg *Config) { cfg.Timeout = patience })
			for _, want := range []providers.SourceErrorCode{c.code, c.then} {
				ctx, cancel := context.WithTimeout(t.Context(), 20*patience)
				if want == "" {
					ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
				}
				_, err := elements(ctx, client, 1<<20)
				cancel()
				if want != "" {
					mustFail(t, err, want, "")
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func say(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

// hangUp ends the connection with a reset.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func TestTheBodyOfARefusedRequestIsClosed(t *testing.T) {
	t.Parallel()
	tr := NewTransport(Policies{Name: "Charge Atlas", Next: &script{}, Clock: time.Now})
	calls(tr.breaker, 1, hung)
	closed := &closing{}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.example/", closed)
	res, err := tr.RoundTrip(req)
	if err == nil {
		res.Body.Close()
	}
	mustFail(t, err, providers.CodeCircuitOpen, "")
	if !closed.done {
		t.Error("left open")
	}
	tr.CloseIdleConnections() // of a transport that has none
}

type closing struct{ done bool }

func (c *closing) Read([]byte) (int, error) { return 0, io.EOF }
func (c *closing) Close() error             { c.done = true; return nil }

func TestAWaitBeforeARepeatIsWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, maxRepeats-1).Draw(t, "repeats")
		asked := time.Duration(rapid.Int64Range(0, int64(2*maxWait)).Draw(t, "asked"))
		took := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "took"))
		left := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "left"))
		wait, fits := repeatIn(n, asked, took, left)
		if asked > 0 && wait != asked || asked == 0 && (wait < minBackoff || wait > maxBackoff) {
			t.Fatalf("waits %v", wait)
		}
		if fits && (wait+took >= left || wait > maxWait) {
			t.Fatalf("a wait of %v and a call of %v do not fit into %v", wait, took, left)
		}
	})
}

// BenchmarkRefused is what a question costs while the upstream is left alone.
func BenchmarkRefused(b *testing.B) {
	c := client(&script{answers: []farEnd{status(200)}}, nil)
	for c.transport.breaker.rest < lastRest {
		calls(c.transport.breaker, 1, hung)
		c.transport.breaker.until = time.Now()
	}
	c.transport.breaker.until = time.Now().Add(time.Hour)
	b.Run("by the client", func(b *testing.B) {
		q := Question{Path: "sites", MaxBody: 1 << 20}
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Ask(b.Context(), q, nil); err == nil {
				b.Fatal("let through")
			}
		}
	})
	b.Run("by the transport", func(b *testing.B) {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://a.example/", nil)
		b.ReportAllocs()
		for b.Loop() {
			res, err := c.transport.RoundTrip(req)
			if err == nil {
				res.Body.Close()
				b.Fatal("let through")
			}
		}
	})
}

// BenchmarkAnswered is what the policies add to a call.
func BenchmarkAnswered(b *testing.B) {
	s := &script{answers: []farEnd{status(200)}}
	tr := NewTransport(Policies{Name: "Charge Atlas", Next: s, Clock: time.Now})
	for name, rt := range map[string]http.RoundTripper{"without policies": s, "with policies": tr} {
		b.Run(name, func(b *testing.B) {
			req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://a.example/", nil)
			b.ReportAllocs()
			for b.Loop() {
				res, err := rt.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				s.calls, s.bodies = s.calls[:0], s.bodies[:0]
			}
		})
	}
}

func mustParse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}

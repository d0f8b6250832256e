package cache

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chargegraph/providers"
)

// budgetServer is a redis-server of one test, on a socket, that can be killed and
// started again; it remembers nothing.
type budgetServer struct {
	binary, dir string
	process     *exec.Cmd
}

func newBudgetServer(tb testing.TB) *budgetServer {
	tb.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal("redis-server is not installed")
		}
		tb.Skip("redis-server is not installed: apt-get install redis-server")
	}
	// The path of a socket has at most 100 bytes.
	dir, err := os.MkdirTemp("", "budget") //nolint:usetesting // t.TempDir holds the name of the test and is too long
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &budgetServer{binary: binary, dir: dir}
	s.start(tb)
	tb.Cleanup(s.kill)
	return s
}

func (s *budgetServer) socket() string { return filepath.Join(s.dir, "s") }

// start returns when the server answers.
func (s *budgetServer) start(tb testing.TB) {
	tb.Helper()
	s.process = exec.Command(s.binary, "--port", "0", "--unixsocket", s.socket(), "--save", "", "--appendonly", "no", "--dir", s.dir)
	if err := s.process.Start(); err != nil {
		tb.Fatal(err)
	}
	client := s.client(tb)
	eventually(tb, "redis-server does not answer", func() bool { return client.Ping(context.WithoutCancel(tb.Context())).Err() == nil })
}

func (s *budgetServer) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// stop lets the server hang, and goOn answer.
func (s *budgetServer) stop() { _ = s.process.Process.Signal(syscall.SIGSTOP) }
func (s *budgetServer) goOn() { _ = s.process.Process.Signal(syscall.SIGCONT) }

func (s *budgetServer) client(tb testing.TB) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{
		Network: "unix", Addr: s.socket(), ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
	})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// eventually asks until ok, for a while.
func eventually(tb testing.TB, otherwise string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if ok() {
			return
		}
		<-tick.C
	}
	tb.Fatal(otherwise)
}

// budgetFleet returns budgets as processes of their own would have them, each with
// its connections. They do not run yet.
func budgetFleet(tb testing.TB, server *budgetServer, n int, cfg BudgetConfig) []*Budget {
	tb.Helper()
	fleet := make([]*Budget, n)
	for i := range fleet {
		cfg.Redis = server.client(tb)
		fleet[i] = newTestBudget(tb, cfg)
	}
	return fleet
}

// running runs budgets until the returned function is called, or the test ends.
func running(t *testing.T, fleet ...*Budget) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	for _, b := range fleet {
		wg.Go(func() { _ = b.Run(ctx) }) // returns nil
	}
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// counting waits until Redis hands out calls: its log is complete.
func counting(tb testing.TB, fleet ...*Budget) {
	tb.Helper()
	for _, b := range fleet {
		eventually(tb, "Redis does not begin to count", func() bool {
			what, _, err := b.shared.ask(tb.Context(), 0)
			if err == nil && what == "meet" {
				err = b.shared.introduce(tb.Context(), false)
			}
			return err == nil && what == "full"
		})
	}
}

func TestTheCallsOfAllProcessesTogetherStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	fleet := budgetFleet(t, newBudgetServer(t), 3, BudgetConfig{Limit: 100, Window: time.Hour})
	running(t, fleet...)
	counting(t, fleet...)
	eventually(t, "what is divided has not come to all", func() bool {
		return !slices.ContainsFunc(fleet, func(b *Budget) bool { return b.State().Limit != 80+10/3 })
	})
	var mu sync.Mutex
	got, lost := 0, 0 // Redis may have counted a call, and was too slow to say so
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			for range 3 {
				began := time.Now()
				err := fleet[i%3].Take(t.Context())
				mu.Lock()
				if err == nil {
					got++
				} else if se := providers.AsSourceError(err); se.Code != providers.CodeBudgetExhausted {
					t.Error(err)
				}
				if time.Since(began) >= budgetDeadline {
					lost++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, b := range fleet {
		eventually(t, "Redis does not hand out all", func() bool {
			told, err := b.shared.takeOne(t.Context(), false)
			switch {
			case !told:
				lost++
			case err == nil:
				got++
			}
			return told && err != nil
		})
	}
	if got+lost < 80+3*3 || got > 100 {
		t.Errorf("%d calls were handed out and %d perhaps lost, want the 80 that are counted in Redis and the 9 that are divided, or more where it was slow", got, lost)
	}
	eventually(t, "a process does not learn how much is used", func() bool {
		return !slices.ContainsFunc(fleet, func(b *Budget) bool { return b.State().Used < 80 })
	})
	for _, b := range fleet {
		if s := b.State(); s.Used != s.Limit {
			t.Errorf("a process that was refused says %+v", s)
		}
	}
}

func TestRefreshesLeaveTheReserveInRedisToReaders(t *testing.T) {
	t.Parallel()
	fleet := budgetFleet(t, newBudgetServer(t), 2, BudgetConfig{Limit: 50, Window: time.Hour})
	counting(t, fleet...)
	refresh := providers.WithRefresh(t.Context())
	for i := range 28 { // 40 are counted in Redis
		if _, err := fleet[i%2].shared.takeOne(refresh, true); err != nil {
			t.Fatalf("refresh %d: %v", i, err)
		}
	}
	_, err := fleet[0].shared.takeOne(refresh, true)
	_ = refusedWith(t, err, providers.CodeBudgetExhausted)
	for i := range 12 {
		if err = fleet[i%2].Take(t.Context()); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
	}
	_, err = fleet[1].shared.takeOne(t.Context(), false)
	wait := refusedWith(t, err, providers.CodeBudgetExhausted).RetryAfter
	if wait < 59*time.Minute || wait > time.Hour+time.Second {
		t.Errorf("asked to come back after %v, the window is an hour", wait)
	}
}

func TestWhatLeavesTheWindowIsFreeAgain(t *testing.T) {
	t.Parallel()
	b := budgetFleet(t, newBudgetServer(t), 1, BudgetConfig{Limit: 1, Window: time.Second})[0]
	counting(t, b)
	if err := b.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	wait := refusedWith(t, b.Take(t.Context()), providers.CodeBudgetExhausted).RetryAfter
	eventually(t, "the call never leaves the window", func() bool { return b.Take(t.Context()) == nil })
	if took := time.Since(began); took < time.Second || took < wait-10*time.Millisecond {
		t.Errorf("the next call was handed out after %v, and told to be after %v", took, wait)
	}
}

// TestNoWindowHoldsMoreThanTheLimitWhateverBecomesOfRedis hands out as much as can
// be had while Redis is killed, hangs and comes back empty.
func TestNoWindowHoldsMoreThanTheLimitWhateverBecomesOfRedis(t *testing.T) {
	t.Parallel()
	const limit, window = 100, 2 * time.Second
	server := newBudgetServer(t)
	fleet := budgetFleet(t, server, 3, BudgetConfig{Limit: limit, Window: window})
	running(t, fleet...)
	ctx, cancel := context.WithCancel(t.Context())
	type span struct{ from, to time.Time }
	var mu sync.Mutex
	var handedOut []span
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for ctx.Err() == nil {
				from := time.Now()
				if fleet[i%3].Take(ctx) == nil {
					mu.Lock()
					handedOut = append(handedOut, span{from, time.Now()})
					mu.Unlock()
				}
				wait := time.NewTimer(time.Duration(rng.IntN(int(60 * time.Millisecond))))
				select {
				case <-wait.C:
				case <-ctx.Done():
				}
				wait.Stop()
			}
		})
	}
	rng := rand.New(rand.NewPCG(7, 11))
	during := func(d time.Duration) { <-time.After(d) }
	for range 4 {
		during(time.Duration(rng.IntN(int(1500 * time.Millisecond))))
		switch rng.IntN(3) {
		case 0:
			server.stop()
			during(time.Duration(rng.IntN(int(700 * time.Millisecond))))
			server.goOn()
		default:
			server.kill()
			during(time.Duration(rng.IntN(int(400 * time.Millisecond))))
			server.start(t)
		}
	}
	during(window + budgetGrace)
	// A call was handed out somewhere in its span. So there were more than limit in
	// a window for certain where that many spans lie in it whole.
	best := func() (most int) {
		mu.Lock()
		defer mu.Unlock()
		slices.SortFunc(handedOut, func(a, b span) int { return a.from.Compare(b.from) })
		for i, first := range handedOut {
			n := 0
			for _, s := range handedOut[i:] {
				if s.to.Sub(first.from) <= window {
					n++
				}
			}
			most = max(most, n)
		}
		return most
	}
	for range 10 { // on a busy machine it takes some windows until Redis is in time for all
		if best() >= limit*8/10-5 {
			break
		}
		during(window)
	}
	cancel()
	wg.Wait()
	most := best()
	t.Logf("%d calls, at most %d in a window of %v", len(handedOut), most, window)
	if most > limit {
		t.Errorf("%d calls in a window, the limit is %d", most, limit)
	}
	if most < limit*8/10-5 {
		t.Errorf("%d calls in the best window: Redis counts 80", most)
	}
}

func TestALogThatForgotIsWrittenDownAgain(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, *budgetServer){
		"flushed": func(t *testing.T, s *budgetServer) {
			t.Helper()
			if err := s.client(t).FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		},
		"restarted": func(t *testing.T, s *budgetServer) { t.Helper(); s.kill(); s.start(t) },
		"half of it evicted": func(t *testing.T, s *budgetServer) {
			t.Helper()
			if err := s.client(t).Del(t.Context(), "chargegraph:budget:{ocm:1f2e}:calls").Err(); err != nil {
				t.Fatal(err)
			}
		},
		"the other half evicted": func(t *testing.T, s *budgetServer) {
			t.Helper()
			if err := s.client(t).Del(t.Context(), "chargegraph:budget:{ocm:1f2e}:book").Err(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newBudgetServer(t)
			fleet := budgetFleet(t, server, 3, BudgetConfig{Limit: 100, Window: time.Hour})
			running(t, fleet...)
			counting(t, fleet...)
			for i := range 70 {
				if told, err := fleet[i%2].shared.takeOne(t.Context(), false); !told || err != nil {
					t.Fatalf("call %d: %t, %v", i, told, err)
				}
			}
			lose(t, server)
			// A newcomer knows of nothing, and must not begin anew.
			newcomer := budgetFleet(t, server, 1, BudgetConfig{Limit: 100, Window: time.Hour})[0]
			if told, err := newcomer.shared.takeOne(t.Context(), false); told {
				t.Errorf("a newcomer is told %v by a log that forgot", err)
			}
			got := 0
			eventually(t, "Redis never counts again", func() bool {
				told, err := newcomer.shared.takeOne(t.Context(), false)
				if told && err == nil {
					got++
				}
				return told && err != nil
			})
			if got != 10 {
				t.Errorf("70 calls were taken before and %d after, want 10", got)
			}
		})
	}
}

func TestALogThatMissesATakerWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	server := newBudgetServer(t)
	fleet := budgetFleet(t, server, 2, BudgetConfig{Limit: 100, Window: 4 * time.Second})
	stopTaker := running(t, fleet[0])
	counting(t, fleet[0])
	for range 80 {
		if told, err := fleet[0].shared.takeOne(t.Context(), false); !told || err != nil {
			t.Fatalf("%t, %v", told, err)
		}
	}
	taken := time.Now()
	if err := fleet[1].shared.introduce(t.Context(), false); err != nil { // and hears of the other
		t.Fatal(err)
	}
	stopTaker() // the only one who knows what it took
	if err := server.client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Redis never counts again", func() bool {
		told, err := fleet[1].shared.takeOne(t.Context(), false)
		if told && err == nil && time.Since(taken) <= 4*time.Second {
			t.Fatalf("a call was handed out %v after 80 others", time.Since(taken))
		}
		return told
	})
}

func TestTheSharesOfALifeWithoutRedisNeverAddUpToMore(t *testing.T) {
	t.Parallel()
	server := newBudgetServer(t)
	cfg := BudgetConfig{Limit: 200, Window: time.Second}
	fleet := budgetFleet(t, server, 1, cfg)
	running(t, fleet[0])
	divided := fleet[0].shared.divided
	share := func(b *Budget) int {
		b.shared.mu.Lock()
		defer b.shared.mu.Unlock()
		if b.clock().Before(b.shared.leaseEnds) {
			return b.shared.mine
		}
		return 0
	}
	sum := func() (n int) {
		for _, b := range fleet {
			n += share(b)
		}
		return n
	}
	settled := func(alive int) bool {
		if n := sum(); n > divided {
			t.Fatalf("%d are divided among %d, and they have %d", divided, len(fleet), n)
		}
		for _, b := range fleet[len(fleet)-alive:] {
			if share(b) != divided/alive {
				return false
			}
		}
		return true
	}
	eventually(t, "who is alone does not get all", func() bool { return settled(1) })
	for n := 2; n <= 3; n++ {
		b := budgetFleet(t, server, 1, cfg)[0]
		fleet = append(fleet, b)
		running(t, b)
		eventually(t, "those who are alive do not get the same", func() bool { return settled(n) })
	}
	server.kill()
	got := 0
	for _, b := range fleet {
		for b.Take(t.Context()) == nil {
			got++
		}
	}
	if want := divided / len(fleet) * len(fleet); got != want {
		t.Errorf("%d calls without Redis, want the %d that are divided", got, want)
	}
}

func TestWhoLeavesGivesItsShareBackAfterAWindow(t *testing.T) {
	t.Parallel()
	server := newBudgetServer(t)
	fleet := budgetFleet(t, server, 2, BudgetConfig{Limit: 200, Window: time.Second})
	stop := running(t, fleet[0])
	running(t, fleet[1])
	shares := func() (a, b int) { return fleet[0].shared.share(), fleet[1].shared.share() }
	eventually(t, "it is not divided", func() bool { a, b := shares(); return a == 10 && b == 10 })
	stop()
	if a, _ := shares(); a != fleet[0].shared.stranger {
		t.Errorf("who left has %d", a)
	}
	eventually(t, "what was given back is nobody's", func() bool { _, b := shares(); return b == 20 })
}

func TestAProcessThatNeverMetRedisTakesAsOneOfTen(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: filepath.Join(t.TempDir(), "none"), ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	for limit, want := range map[int]int{200: 2, 100: 1, 99: 0, 1: 0} {
		b := newTestBudget(t, BudgetConfig{Limit: limit, Window: time.Minute, Redis: client})
		got := 0
		for {
			err := b.Take(t.Context())
			if err != nil {
				if wait := refusedWith(t, err, providers.CodeBudgetExhausted).RetryAfter; wait <= 0 {
					t.Errorf("asked to come back after %v", wait)
				}
				break
			}
			got++
		}
		if got != want {
			t.Errorf("%d of %d without Redis, want %d", got, limit, want)
		}
	}
}

func TestARedisThatHangsCostsOneQuestion(t *testing.T) {
	t.Parallel()
	server := newBudgetServer(t)
	var logged strings.Builder
	b := budgetFleet(t, server, 1, BudgetConfig{Limit: 200, Window: time.Hour, Logger: slog.New(slog.NewTextHandler(&logged, nil))})[0]
	counting(t, b)
	server.stop()
	t.Cleanup(server.goOn)
	began := time.Now()
	_ = b.Take(t.Context())
	if took := time.Since(began); took > 10*budgetDeadline {
		t.Errorf("the first call waited %v", took)
	}
	began = time.Now()
	for range 1000 {
		_ = b.Take(t.Context())
	}
	if took := time.Since(began); took > budgetRest { // not even one more deadline, but the machine may be busy
		t.Errorf("a thousand calls waited %v", took)
	}
	server.goOn()
	stop := running(t, b)
	eventually(t, "Redis does not count again", func() bool {
		told, err := b.shared.takeOne(t.Context(), false)
		return told && err == nil
	})
	stop()
	if n := strings.Count(logged.String(), "\n"); n != 2 {
		t.Errorf("logged %q, want that it is gone and that it is back", logged.String())
	}
}

func TestASilenceHoldsForEverybody(t *testing.T) {
	t.Parallel()
	server := newBudgetServer(t)
	fleet := budgetFleet(t, server, 2, BudgetConfig{Limit: 100, Window: time.Hour})
	counting(t, fleet...)
	fleet[0].Pause(time.Now().Add(time.Minute))
	for _, b := range fleet {
		wait := refusedWith(t, b.Take(t.Context()), providers.CodeRateLimited).RetryAfter
		if wait > time.Minute || wait < 50*time.Second {
			t.Errorf("asked to come back after %v", wait)
		}
	}
}

func TestStateAsksNobody(t *testing.T) {
	t.Parallel()
	server := newBudgetServer(t)
	b := budgetFleet(t, server, 1, BudgetConfig{Limit: 100, Window: time.Hour})[0]
	counting(t, b)
	for range 3 {
		if err := b.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	client := server.client(t)
	asked := func() string {
		return client.Do(t.Context(), "INFO", "commandstats").String()
	}
	before := scripts(asked())
	for range 100 {
		if s := b.State(); s.Used != 3 || s.Limit < 80 || s.Limit > 100 {
			t.Fatalf("%+v", s)
		}
	}
	if after := scripts(asked()); after != before {
		t.Errorf("%s, before %s", after, before)
	}
}

// scripts returns how often scripts were run.
func scripts(stats string) string {
	for line := range strings.Lines(stats) {
		if strings.HasPrefix(line, "cmdstat_evalsha:") {
			return line
		}
	}
	return ""
}

func BenchmarkBudgetTake(b *testing.B) {
	b.Run("in the process", func(b *testing.B) {
		budget := newTestBudget(b, BudgetConfig{Limit: MaxBudget, Window: time.Second})
		for b.Loop() {
			_ = budget.Take(b.Context())
		}
	})
	b.Run("through Redis", func(b *testing.B) {
		budget := budgetFleet(b, newBudgetServer(b), 1, BudgetConfig{Limit: MaxBudget, Window: time.Second})[0]
		counting(b, budget)
		for b.Loop() {
			_ = budget.Take(b.Context())
		}
	})
	b.Run("State", func(b *testing.B) {
		budget := newTestBudget(b, BudgetConfig{Limit: MaxBudget, Window: time.Hour})
		for range 10_000 {
			_ = budget.Take(b.Context())
		}
		for b.Loop() {
			_ = budget.State()
		}
	})
}

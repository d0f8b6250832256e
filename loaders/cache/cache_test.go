package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

func TestMain(m *testing.M) {
	logging.Disable() // go-redis tells standard error of every attempt
	goleak.VerifyTestMain(m)
}

var errUpstream = errors.New("upstream away")

// texts is the kind of value of most tests.
func texts() cache.Kind[string] {
	return cache.Kind[string]{
		Name:    "text",
		Version: 1,
		Encode:  func(s string) ([]byte, error) { return []byte("<" + s + ">"), nil },
		Decode: func(b []byte) (string, error) {
			if text := string(b); strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") {
				return text[1 : len(text)-1], nil
			}
			return "", errors.New("not a text")
		},
		Weigh: func(s string) int { return len(s) },
	}
}

func newCache(t *testing.T, cfg cache.Config) *cache.Cache {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := cache.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func keys(names ...string) []cache.Key {
	list := make([]cache.Key, len(names))
	for i, n := range names {
		list[i] = cache.Key{Name: n, Slot: n[:1]}
	}
	return list
}

// upstream answers loads with "name@n", n being the number of the call. Names
// in absent are left out.
type upstream struct {
	mu        sync.Mutex
	calls     []string
	refreshes []bool
	err       error
	absent    map[string]bool
	soft      time.Duration
	only      bool
	hold      chan struct{} // when set, a load waits until it is closed
	began     chan struct{} // when set, gets one at each load's beginning
}

func (u *upstream) load(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
	u.mu.Lock()
	names := make([]string, len(missing))
	for i, k := range missing {
		names[i] = k.Name
	}
	u.calls = append(u.calls, strings.Join(names, " "))
	u.refreshes = append(u.refreshes, providers.IsRefresh(ctx))
	n := len(u.calls)
	hold, began, err := u.hold, u.began, u.err
	u.mu.Unlock()
	if began != nil {
		began <- struct{}{}
	}
	if hold != nil {
		<-hold
	}
	if err != nil {
		return nil, err
	}
	brought := make(map[cache.Key]cache.Fetched[string])
	for _, k := range missing {
		if !u.absent[k.Name] {
			brought[k] = cache.Fetched[string]{Value: fmt.Sprintf("%s@%d", k.Name, n), Soft: max(u.soft, time.Minute), Hard: time.Hour, ProcessOnly: u.only}
		}
	}
	return brought, nil
}

func (u *upstream) set(f func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f()
}

func (u *upstream) asked() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.calls)
}

// brief shows what was found, in one word each.
func brief(found []cache.Found[string]) []string {
	list := make([]string, len(found))
	for i, f := range found {
		list[i] = f.State.String()
		if f.OK {
			list[i] += " " + f.Value
		}
		if f.Err != nil {
			list[i] += " (" + f.Err.Error() + ")"
		}
	}
	return list
}

func check(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s mismatch (-want +got):\n%s", what, diff)
	}
}

func TestLoadAsksOnceForAllThatIsMissing(t *testing.T) {
	t.Parallel()
	s := cache.NewSpace(newCache(t, cache.Config{}), texts())
	var u upstream
	check(t, "first", brief(s.Load(t.Context(), cache.Want{Keys: keys("a", "b", "a")}, u.load)), []string{"miss a@1", "miss b@1", "miss a@1"})
	check(t, "second", brief(s.Load(t.Context(), cache.Want{Keys: keys("c", "b", "a")}, u.load)), []string{"miss c@2", "hit b@1", "hit a@1"})
	check(t, "calls", u.asked(), []string{"a b", "c"})
	if got := s.Load(t.Context(), cache.Want{}, u.load); len(got) != 0 {
		t.Errorf("nothing asked: %v", got)
	}
}

func TestConcurrentLoadsOfOneKeyAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		u := upstream{hold: make(chan struct{})}
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				want := keys("a", "b")
				if i%2 == 0 {
					want = keys("b", "a")
				}
				for _, f := range s.Load(t.Context(), cache.Want{Keys: want}, u.load) {
					if !f.OK || f.State != cache.Miss {
						t.Errorf("got %+v", f)
					}
				}
			})
		}
		synctest.Wait()
		close(u.hold)
		callers.Wait()
		if n := len(u.asked()); n != 1 {
			t.Errorf("%d calls: %q", n, u.asked())
		}
	})
}

func TestALoadThatJustEndedIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := cache.NewSpace(newCache(t, cache.Config{}), texts())
	for i := range 2000 {
		var u upstream
		var callers sync.WaitGroup
		start := make(chan struct{})
		for range 4 {
			callers.Go(func() {
				<-start
				s.Load(t.Context(), cache.Want{Keys: keys(fmt.Sprint("k", i))}, u.load)
			})
		}
		close(start)
		callers.Wait()
		if n := len(u.asked()); n != 1 {
			t.Fatalf("key %d was loaded %d times", i, n)
		}
	}
}

func TestFollowersAreServedWhenTheFirstCallerGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		type mark struct{}
		u := upstream{hold: make(chan struct{})}
		first, cancel := context.WithCancel(context.WithValue(t.Context(), mark{}, "kept"))
		var callers sync.WaitGroup
		callers.Go(func() {
			got := s.Load(first, cache.Want{Keys: keys("a")}, func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
				brought, err := u.load(ctx, missing)
				if ctx.Err() != nil || ctx.Value(mark{}) != "kept" {
					t.Error("the load's context ended with its first caller's, or lost its values")
				}
				return brought, err
			})
			check(t, "the one who left", brief(got), []string{"miss (context canceled)"})
		})
		synctest.Wait()
		callers.Go(func() {
			check(t, "the follower", brief(s.Load(t.Context(), cache.Want{Keys: keys("a")}, u.load)), []string{"miss a@1"})
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(u.hold)
		callers.Wait()
		if n := len(u.asked()); n != 1 {
			t.Errorf("%d calls", n)
		}
		check(t, "a caller who is late", brief(s.Load(first, cache.Want{Keys: keys("z")}, u.load)), []string{"miss (context canceled)"})
		if n := len(u.asked()); n != 1 {
			t.Errorf("asked for a caller who had gone")
		}
	})
}

func TestNobodyWaitsForALoadThatIsOverdue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		var u upstream
		const patience = 2500 * time.Millisecond
		ask := func(maxAge *time.Duration) (got []string, took time.Duration) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			found := s.Load(ctx, cache.Want{Keys: keys("a"), MaxAge: maxAge, AllowStale: true, Patience: patience}, u.load)
			if se := providers.AsSourceError(found[0].Err); se != nil && se.Code != providers.CodeTimeout {
				t.Errorf("%v", se)
			}
			if found[0].Err != nil {
				found[0].Err = errUpstream
			}
			return brief(found), time.Since(began)
		}
		u.hold = make(chan struct{})
		var callers sync.WaitGroup
		for range 2 { // the second comes when the load is half as old
			callers.Go(func() {
				got, took := ask(nil)
				check(t, "who comes in time", got, []string{"miss (upstream away)"})
				if took != patience {
					t.Errorf("waited %v", took)
				}
			})
			time.Sleep(patience / 2) //nolint:forbidigo // the clock of the bubble
		}
		for range 10 {
			got, took := ask(nil)
			check(t, "who comes too late", got, []string{"miss (upstream away)"})
			if took != 0 {
				t.Errorf("waited %v for a load that is overdue", took)
			}
		}
		callers.Wait()
		close(u.hold)
		synctest.Wait()
		got, _ := ask(nil)
		check(t, "when it has ended", got, []string{"hit a@1"})

		u.set(func() { u.hold = make(chan struct{}) })
		callers.Go(func() { ask(new(time.Duration)) })
		time.Sleep(patience) //nolint:forbidigo // the clock of the bubble
		got, took := ask(new(time.Duration))
		check(t, "older data stands in", got, []string{"stale a@1 (upstream away)"})
		if took != 0 {
			t.Errorf("waited %v", took)
		}
		close(u.hold)
		callers.Wait()
		if n := len(u.asked()); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

// A load begins a little later than the question that it is for: it is younger
// than anybody's patience when that question has waited in vain.
func TestNobodyWaitsForALoadThatSomebodyAsPatientGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		u := upstream{hold: make(chan struct{})}
		ask := func(left, patience time.Duration) (took time.Duration) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			s.Load(ctx, cache.Want{Keys: keys("a"), Patience: patience}, u.load)
			return time.Since(began)
		}
		const patience = 2500 * time.Millisecond
		for _, c := range []struct {
			who                  string
			left, patience, took time.Duration
		}{
			{"the first", patience - 100*time.Millisecond, patience, patience - 100*time.Millisecond},
			{"one as patient", patience, patience, 0},
			{"one in a hurry", 20 * time.Millisecond, 20 * time.Millisecond, 0},
			{"one with more time", 10 * time.Second, 10 * time.Second, 10 * time.Second},
			{"one as patient as that", 10 * time.Second, 10 * time.Second, 0},
			{"one with little of much left", time.Second, time.Minute, time.Second},
			{"one with much of much left", time.Hour, time.Minute, time.Minute},
		} {
			if c.who == "one with much of much left" {
				time.AfterFunc(time.Minute, func() { close(u.hold) })
			}
			if took := ask(c.left, c.patience); took != c.took {
				t.Errorf("%s waited %v, want %v", c.who, took, c.took)
			}
		}
	})
}

func TestALoadThatTriesWhetherTheSourceWorksIsWaitedForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		var u upstream
		var needs time.Duration
		ask := func(maxAge *time.Duration) (got []string, took time.Duration) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
			defer cancel()
			found := s.Load(ctx, cache.Want{Keys: keys("a"), MaxAge: maxAge, AllowStale: true}, func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
				providers.TellTrial(ctx)
				providers.TellTrial(ctx) // a second call of the same load
				<-time.After(needs)
				return u.load(ctx, missing)
			})
			if se := providers.AsSourceError(found[0].Err); se != nil && se.Code == providers.CodeTimeout {
				found[0].Err = errUpstream
			}
			return brief(found), time.Since(began)
		}
		needs = 400 * time.Millisecond
		got, took := ask(nil)
		check(t, "a source that works", got, []string{"miss a@1"})
		if took != needs {
			t.Errorf("waited %v", took)
		}
		needs = 10 * time.Second
		got, took = ask(new(time.Duration))
		check(t, "a source that hangs", got, []string{"stale a@1 (upstream away)"})
		if took != 500*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		got, took = ask(new(time.Duration))
		check(t, "who comes meanwhile", got, []string{"stale a@1 (upstream away)"})
		if took != 0 {
			t.Errorf("waited %v", took)
		}
		<-time.After(needs)
		got, _ = ask(nil)
		check(t, "when it did answer", got, []string{"hit a@2"})
	})
}

func TestStaleIsServedAndRefreshedBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{RefreshBackoff: 10 * time.Second}), texts())
		var u upstream
		ask := func() []string {
			return brief(s.Load(t.Context(), cache.Want{Keys: keys("a", "b")}, u.load))
		}
		ask()
		time.Sleep(53 * time.Second) //nolint:forbidigo // the clock of the bubble
		check(t, "before the soft age, less its spread", ask(), []string{"hit a@1", "hit b@1"})
		time.Sleep(14 * time.Second) //nolint:forbidigo // the clock of the bubble
		check(t, "past it", ask(), []string{"stale a@1", "stale b@1"})
		synctest.Wait()
		check(t, "refreshed", ask(), []string{"hit a@2", "hit b@2"})
		check(t, "calls", u.asked(), []string{"a b", "a b"})
		if !slices.Equal(u.refreshes, []bool{false, true}) {
			t.Errorf("marked as refresh: %v", u.refreshes)
		}

		u.set(func() { u.err = errUpstream })
		time.Sleep(67 * time.Second) //nolint:forbidigo // the clock of the bubble
		for range 5 {
			check(t, "refresh fails", ask(), []string{"stale a@2", "stale b@2"})
			synctest.Wait()
		}
		if n := len(u.asked()); n != 3 {
			t.Errorf("%d calls: a failed refresh was repeated at once", n)
		}
		time.Sleep(11 * time.Second) //nolint:forbidigo // the clock of the bubble
		u.set(func() { u.err, u.absent = nil, map[string]bool{"b": true} })
		ask()
		synctest.Wait()
		check(t, "b is no more", ask(), []string{"hit a@4", "miss"})

		time.Sleep(2 * time.Hour) //nolint:forbidigo // the clock of the bubble
		if _, ok := s.Peek(keys("a")[0]); ok {
			t.Error("Peek shows what is past its hard age")
		}
		check(t, "past the hard age", ask(), []string{"miss a@6", "miss"})
	})
}

func TestMaxAgeWaitsForALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		var u upstream
		ask := func(ctx context.Context, maxAge time.Duration, allowStale bool) []string {
			return brief(s.Load(ctx, cache.Want{Keys: keys("a"), MaxAge: &maxAge, AllowStale: allowStale}, u.load))
		}
		check(t, "nothing there", ask(t.Context(), time.Minute, false), []string{"miss a@1"})
		time.Sleep(30 * time.Second) //nolint:forbidigo // the clock of the bubble
		check(t, "young enough", ask(t.Context(), 30*time.Second, false), []string{"hit a@1"})
		check(t, "too old", ask(t.Context(), 29*time.Second, false), []string{"miss a@2"})
		check(t, "always", ask(t.Context(), 0, false), []string{"miss a@3"})

		time.Sleep(30 * time.Second) //nolint:forbidigo // the clock of the bubble
		u.set(func() { u.err = errUpstream })
		check(t, "load fails", ask(t.Context(), time.Second, false), []string{"miss (upstream away)"})
		check(t, "load fails, stale is allowed", ask(t.Context(), time.Second, true), []string{"stale a@3 (upstream away)"})

		u.set(func() { u.err, u.hold = nil, make(chan struct{}) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		check(t, "time is up, stale is allowed", ask(ctx, time.Second, true), []string{"stale a@3 (context deadline exceeded)"})
		close(u.hold)
		synctest.Wait()
		check(t, "the load went on", ask(t.Context(), time.Minute, false), []string{"hit a@6"})
	})
}

func TestWhoWaitsIsNotServedByARefreshThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		var u upstream
		load := func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
			brought, err := u.load(ctx, missing)
			if providers.IsRefresh(ctx) {
				return nil, errUpstream // no budget left for refreshes
			}
			return brought, err
		}
		s.Load(t.Context(), cache.Want{Keys: keys("a")}, load)
		time.Sleep(70 * time.Second) //nolint:forbidigo // the clock of the bubble
		u.set(func() { u.hold = make(chan struct{}) })
		s.Load(t.Context(), cache.Want{Keys: keys("a")}, load)
		var callers sync.WaitGroup
		callers.Go(func() {
			check(t, "who waits", brief(s.Load(t.Context(), cache.Want{Keys: keys("a"), MaxAge: new(time.Second)}, load)), []string{"miss a@3"})
		})
		synctest.Wait()
		close(u.hold)
		callers.Wait()
	})
}

func TestALoadMayBringMoreOrLess(t *testing.T) {
	t.Parallel()
	s := cache.NewSpace(newCache(t, cache.Config{}), texts())
	f := func(v string) cache.Fetched[string] {
		return cache.Fetched[string]{Value: v, Soft: time.Minute, Hard: time.Hour}
	}
	got := s.Load(t.Context(), cache.Want{Keys: keys("a", "b")}, func(context.Context, []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
		return map[cache.Key]cache.Fetched[string]{keys("a")[0]: f("one"), keys("x")[0]: f("more")}, errUpstream
	})
	check(t, "half and an error", brief(got), []string{"miss one", "miss (upstream away)"})
	var u upstream
	check(t, "brought beside", brief(s.Load(t.Context(), cache.Want{Keys: keys("x")}, u.load)), []string{"hit more"})

	uncached := func(context.Context, []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
		v := f("passing")
		v.Uncached = true
		return map[cache.Key]cache.Fetched[string]{keys("u")[0]: v}, nil
	}
	check(t, "uncached", brief(s.Load(t.Context(), cache.Want{Keys: keys("u")}, uncached)), []string{"miss passing"})
	if _, ok := s.Peek(keys("u")[0]); ok {
		t.Error("an uncached value was kept")
	}
	got = s.Load(t.Context(), cache.Want{Keys: keys("p")}, func(context.Context, []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
		panic("boom")
	})
	if got[0].OK || got[0].Err == nil || strings.Contains(got[0].Err.Error(), "boom") {
		t.Errorf("a panic became %+v", got[0])
	}
}

func TestPutKeepsTheYoungerValue(t *testing.T) {
	t.Parallel()
	s := cache.NewSpace(newCache(t, cache.Config{}), texts())
	now := time.Now()
	k := keys("a")[0]
	put := func(v string, at time.Time) {
		s.Put(t.Context(), k, cache.Fetched[string]{Value: v, FetchedAt: at, Soft: time.Hour, Hard: time.Hour})
	}
	put("young", now)
	put("old", now.Add(-time.Second))
	put("gone", now.Add(-2*time.Hour))
	got, ok := s.Peek(k)
	if !ok || got.Value != "young" || !got.FetchedAt.Equal(now) || !got.HardUntil.Equal(now.Add(time.Hour)) || got.SoftUntil.After(got.HardUntil) {
		t.Errorf("Peek() = %+v, %v", got, ok)
	}
}

func TestWhatIsDroppedWhileLoadingIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := cache.NewSpace(newCache(t, cache.Config{}), texts())
		u := upstream{hold: make(chan struct{})}
		var callers sync.WaitGroup
		callers.Go(func() {
			check(t, "who waited", brief(s.Load(t.Context(), cache.Want{Keys: keys("a")}, u.load)), []string{"miss a@1"})
		})
		synctest.Wait()
		s.Drop(t.Context(), keys("a")...)
		callers.Go(func() {
			check(t, "who came after", brief(s.Load(t.Context(), cache.Want{Keys: keys("a")}, u.load)), []string{"miss a@2"})
		})
		synctest.Wait()
		close(u.hold)
		callers.Wait()
		check(t, "kept", brief(s.Load(t.Context(), cache.Want{Keys: keys("a")}, u.load)), []string{"hit a@2"})
	})
}

func TestMemoryIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	const bound = 4 << 20
	c := newCache(t, cache.Config{MaxBytes: bound})
	s := cache.NewSpace(c, texts())
	a := cache.NewAnswers(c, "answers")
	big := strings.Repeat("x", 10_000)
	for i := range 1000 {
		s.Put(t.Context(), cache.Key{Name: fmt.Sprint("k", i)}, cache.Fetched[string]{Value: big, Soft: time.Hour, Hard: time.Hour})
		a.Put(t.Context(), fmt.Sprint("q", i), cache.Answer{Body: []byte(big), MadeAt: time.Now(), FreshUntil: time.Now().Add(time.Minute)})
	}
	eventually(t, "as little as allowed", func() bool {
		st := c.Stats()
		return st.Bytes <= bound && st.Entries <= bound/10_000 && st.Evictions == uint64(2000-st.Entries)
	})
	if st := c.Stats(); st.Bytes < bound/2 || st.Entries < 200 || st.MaxBytes != bound {
		t.Errorf("Stats() = %+v", st)
	}
}

func TestFormsOfAnAnswerAreMadeOnceAndGoWithIt(t *testing.T) {
	t.Parallel()
	a := cache.NewAnswers(newCache(t, cache.Config{}), "answers")
	put := func(body string) {
		a.Put(t.Context(), "q", cache.Answer{Body: []byte(body), MadeAt: time.Now(), FreshUntil: time.Now().Add(time.Minute)})
	}
	made := 0
	form := func(name string, size int) string {
		ans, ok := a.Get(t.Context(), "q")
		if !ok {
			t.Fatal("the answer is not held")
		}
		return string(ans.Forms.Get(name, func() []byte {
			made++
			return []byte(strings.Repeat(name, size))
		}))
	}
	want := func(name string, size, makings int) {
		t.Helper()
		if got := form(name, size); got != strings.Repeat(name, size) || made != makings {
			t.Errorf("form %s is %.20q, made %d times, want %d", name, got, made, makings)
		}
	}
	put(strings.Repeat("x", 100))
	want("a", 30, 1)
	want("a", 30, 1)
	want("b", 21, 2)
	want("b", 21, 3) // there is room for 50 bytes
	want("c", 20, 4)
	want("c", 20, 4)
	put(strings.Repeat("y", 100))
	want("a", 30, 5)
}

func TestWhatIsPastItsHardAgeLeavesMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, cache.Config{})
		s := cache.NewSpace(c, texts())
		var mu sync.Mutex
		left := make(map[string]bool)
		s.OnStore(func(k cache.Key, _, value *cache.Entry[string]) {
			mu.Lock()
			defer mu.Unlock()
			left[k.Name] = value == nil
		})
		s.Put(t.Context(), keys("short")[0], cache.Fetched[string]{Value: "v", Soft: time.Second, Hard: time.Second})
		s.Put(t.Context(), keys("long")[0], cache.Fetched[string]{Value: "v", Soft: time.Second, Hard: time.Hour})
		time.Sleep(21 * time.Second) //nolint:forbidigo // the clock of the bubble
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(map[string]bool{"short": true, "long": false}, left); diff != "" {
			t.Errorf("left mismatch (-want +got):\n%s", diff)
		}
	})
}

// An index that only follows OnStore ends up with exactly what memory holds,
// whatever was put, dropped, loaded, evicted and swept at the same time.
func TestAnIndexThatFollowsOnStoreHoldsWhatMemoryHolds(t *testing.T) {
	t.Parallel()
	c := newCache(t, cache.Config{MaxBytes: 1 << 20})
	s := cache.NewSpace(c, texts())
	var mu sync.Mutex
	index := make(map[string]*cache.Entry[string])
	s.OnStore(func(k cache.Key, old, value *cache.Entry[string]) {
		mu.Lock()
		defer mu.Unlock()
		if index[k.Name] != old {
			t.Errorf("%s: told to replace %p, but %p is there", k.Name, old, index[k.Name])
		}
		if value == nil {
			delete(index, k.Name)
		} else {
			index[k.Name] = value
		}
	})
	big := strings.Repeat("x", 4000)
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range 3000 {
				k := keys(fmt.Sprint("k", (i*7+w*13)%400))[0]
				switch i % 5 {
				case 0:
					s.Drop(t.Context(), k)
				case 1:
					s.Load(t.Context(), cache.Want{Keys: []cache.Key{k}}, func(context.Context, []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
						return map[cache.Key]cache.Fetched[string]{k: {Value: big, Soft: time.Hour, Hard: time.Hour}}, nil
					})
				default:
					s.Put(t.Context(), k, cache.Fetched[string]{Value: big, Soft: time.Hour, Hard: time.Hour})
				}
			}
		})
	}
	workers.Wait()
	eventually(t, "the same entries", func() bool {
		mu.Lock()
		held := slices.Collect(maps.Keys(index))
		mu.Unlock()
		if len(held) != c.Stats().Entries {
			return false
		}
		for _, name := range held {
			if _, ok := s.Peek(keys(name)[0]); !ok {
				return false
			}
		}
		return true
	})
}

func TestNewRefusesNonsense(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]cache.Config{
		"MaxBytes":       {MaxBytes: 1000},
		"Prefix":         {Prefix: "a{b"},
		"ReadTimeout":    {ReadTimeout: -1},
		"LockTTL":        {LockTTL: time.Hour},
		"WriteTimeout":   {WriteTimeout: -1},
		"RefreshBackoff": {RefreshBackoff: -1},
	} {
		if _, err := cache.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever callers do at the same time, each gets a value that the upstream had
// at some moment between the last drop before the call and its end.
func TestCachedEqualsLoadedUnderRandomInterleavings(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d"}
	type step struct {
		drop     bool
		pause    time.Duration
		from, to int // of names, both included
	}
	steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
		to := rapid.IntRange(0, len(names)-1).Draw(rt, "to")
		return step{
			drop:  rapid.IntRange(0, 3).Draw(rt, "drop") == 0,
			pause: time.Duration(rapid.SampledFrom([]int{0, 0, 100, 200, 1000, 8000}).Draw(rt, "ms")) * time.Millisecond,
			from:  rapid.IntRange(0, to).Draw(rt, "from"),
			to:    to,
		}
	}), 1, 40)
	rapid.Check(t, func(rt *rapid.T) {
		plan := steps.Draw(rt, "steps")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			s := cache.NewSpace(newCache(t, cache.Config{MaxBytes: 1 << 20}), texts())
			versions := make([]atomic.Int64, len(names))
			load := func(_ context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
				brought := make(map[cache.Key]cache.Fetched[string])
				for _, k := range missing {
					v := versions[slices.Index(names, k.Name)].Load()
					brought[k] = cache.Fetched[string]{
						Value: fmt.Sprintf("%s %d", k.Name, v), FetchedAt: time.Now(), Soft: 5 * time.Second, Hard: 20 * time.Second,
					}
				}
				<-time.After(150 * time.Millisecond) // what was read is on its way
				return brought, nil
			}
			var mu sync.Mutex
			var callers sync.WaitGroup
			for _, st := range plan {
				<-time.After(st.pause)
				if st.drop {
					versions[st.to].Add(1)
					s.Drop(t.Context(), keys(names[st.to])...)
					continue
				}
				var before []int64
				for n := st.from; n <= st.to; n++ {
					before = append(before, versions[n].Load())
				}
				callers.Go(func() {
					for n, f := range s.Load(t.Context(), cache.Want{Keys: keys(names[st.from : st.to+1]...)}, load) {
						var name string
						var version int64
						_, err := fmt.Sscanf(f.Value, "%s %d", &name, &version)
						if err != nil || name != names[st.from+n] || version < before[n] || version > versions[st.from+n].Load() {
							mu.Lock()
							wrong = append(wrong, fmt.Sprintf("%s: %+v, dropped at version %d", names[st.from+n], f, before[n]))
							mu.Unlock()
						}
					}
				})
			}
			callers.Wait()
			<-time.After(time.Second) // refreshes come to their end
		})
		if len(wrong) > 0 {
			rt.Fatal(strings.Join(wrong, "\n"))
		}
	})
}

// eventually waits for what happens behind.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// logs is a logger that can be read.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logs) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"chargegraph/loaders/cache"
	"chargegraph/loaders/cache/redistest"
)

// process is a cache with what a process of a fleet has beside it.
type process struct {
	*cache.Cache
	texts   *cache.Space[string]
	answers *cache.Answers
}

// join starts a process at the Redis of url, which listens before join returns.
func join(t *testing.T, url string, cfg cache.Config) process {
	t.Helper()
	p := enter(t, url, cfg)
	listen(t, p)
	return p
}

// enter is join for a process that does not listen.
func enter(t *testing.T, url string, cfg cache.Config) process {
	t.Helper()
	client, err := cache.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	cfg.Redis = client
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = time.Second // the machine may be busy
	}
	c := newCache(t, cfg)
	return process{Cache: c, texts: cache.NewSpace(c, texts()), answers: cache.NewAnswers(c, "answers")}
}

func listen(t *testing.T, p process) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	eventually(t, "listening", func() bool { return p.Stats().Listening })
}

func (p process) get(ctx context.Context, u *upstream, names ...string) []string {
	return brief(p.texts.Load(ctx, cache.Want{Keys: keys(names...)}, u.load))
}

// written waits until Redis has n values of p.
func written(t *testing.T, p process, n uint64) {
	t.Helper()
	eventually(t, fmt.Sprint(n, " values in Redis"), func() bool { return p.Stats().Writes >= n })
}

func TestTwoProcessesLoadOnce(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, b := join(t, server.URL(), cache.Config{}), join(t, server.URL(), cache.Config{})
	u := upstream{hold: make(chan struct{}), began: make(chan struct{}, 100)}
	var callers sync.WaitGroup
	for i := range 64 {
		p := a
		if i%2 == 0 {
			p = b
		}
		callers.Go(func() {
			for n, f := range p.texts.Load(t.Context(), cache.Want{Keys: keys("x1", "x2", "y1")}, u.load) {
				if want := keys("x1", "x2", "y1")[n].Name + "@1"; f.Value != want || f.Err != nil {
					t.Errorf("got %+v, want %s", f, want)
				}
			}
		})
	}
	<-u.began
	eventually(t, "the other process waits", func() bool { return a.Stats().Polls+b.Stats().Polls > 2 })
	close(u.hold)
	callers.Wait()
	check(t, "calls", u.asked(), []string{"x1 x2 y1"})
	if keys := server.Do("KEYS", "*:lock"); keys != "" {
		t.Errorf("locks left behind: %q", keys)
	}
}

func TestLoadsAreSharedOutBetweenProcesses(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, b := join(t, server.URL(), cache.Config{}), join(t, server.URL(), cache.Config{})
	u := upstream{hold: make(chan struct{}), began: make(chan struct{}, 100)}
	var callers sync.WaitGroup
	callers.Go(func() { a.get(t.Context(), &u, "k1", "k2") })
	<-u.began
	callers.Go(func() {
		check(t, "half of it from the other", b.get(t.Context(), &u, "k2", "k3"), []string{"hit k2@1", "miss k3@2"})
	})
	<-u.began
	close(u.hold)
	callers.Wait()
	check(t, "calls", u.asked(), []string{"k1 k2", "k3"})
}

func TestAValueOfAnotherProcessIsReadFromRedis(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, b := join(t, server.URL(), cache.Config{}), join(t, server.URL(), cache.Config{})
	var u upstream
	a.get(t.Context(), &u, "k1", "k2")
	written(t, a, 2)
	check(t, "read", b.get(t.Context(), &u, "k1", "k2"), []string{"hit k1@1", "hit k2@1"})
	ea, _ := a.texts.Peek(keys("k1")[0])
	eb, _ := b.texts.Peek(keys("k1")[0])
	if !ea.FetchedAt.Equal(eb.FetchedAt) || !ea.SoftUntil.Equal(eb.SoftUntil) || !ea.HardUntil.Equal(eb.HardUntil) {
		t.Errorf("times differ: %+v, %+v", ea, eb)
	}
	got := b.texts.Load(t.Context(), cache.Want{Keys: keys("k1"), MaxAge: new(time.Duration)}, u.load)
	check(t, "always load", brief(got), []string{"miss k1@2"})
	written(t, b, 1)
	check(t, "young enough for a", brief(a.texts.Load(t.Context(), cache.Want{Keys: keys("k1"), MaxAge: new(time.Since(ea.FetchedAt) - time.Microsecond)}, u.load)),
		[]string{"hit k1@2"})
	server.Flush()
	check(t, "flushed", a.get(t.Context(), &u, "k3"), []string{"miss k3@3"})
}

func TestAStaleValueInRedisIsServedAndRefreshedByOne(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	var offset sync.Map // both clocks go by it
	offset.Store(0, time.Duration(0))
	clock := func() time.Time {
		d, _ := offset.Load(0)
		by, _ := d.(time.Duration)
		return time.Now().Add(by)
	}
	a, b := join(t, server.URL(), cache.Config{Clock: clock}), join(t, server.URL(), cache.Config{Clock: clock})
	var u upstream
	a.get(t.Context(), &u, "k")
	written(t, a, 1)
	offset.Store(0, 2*time.Minute)
	check(t, "b", b.get(t.Context(), &u, "k"), []string{"stale k@1"})
	written(t, b, 1)
	check(t, "a", a.get(t.Context(), &u, "k"), []string{"stale k@1"})
	eventually(t, "a has what b refreshed", func() bool { e, ok := a.texts.Peek(keys("k")[0]); return ok && e.Value == "k@2" })
	check(t, "calls", u.asked(), []string{"k", "k"})

	b.texts.Load(t.Context(), cache.Want{Keys: keys("k"), MaxAge: new(time.Duration)}, u.load)
	written(t, b, 2)
	offset.Store(0, 4*time.Minute)
	check(t, "a, when Redis has a younger one that is stale too", a.get(t.Context(), &u, "k"), []string{"stale k@2"})
	eventually(t, "refreshed from the upstream", func() bool { e, ok := a.texts.Peek(keys("k")[0]); return ok && e.Value == "k@4" })
}

func TestADeadLoaderIsGivenUp(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	patient := join(t, server.URL(), cache.Config{LockTTL: 10 * time.Second})
	var u upstream
	server.Do("SET", "chargegraph:{k}:text.v1:k1:lock", "a process that died", "PX", "200")
	began := time.Now()
	check(t, "after the expiry of the lock", patient.get(t.Context(), &u, "k1"), []string{"miss k1@1"})
	if waited := time.Since(began); waited < 150*time.Millisecond || waited > 5*time.Second {
		t.Errorf("waited %v", waited)
	}
	hasty := join(t, server.URL(), cache.Config{LockTTL: 100 * time.Millisecond})
	server.Do("SET", "chargegraph:{k}:text.v1:k2:lock", "a process that hangs", "PX", "60000")
	check(t, "patience ended", hasty.get(t.Context(), &u, "k2"), []string{"miss k2@2"})

	u.set(func() { u.hold = make(chan struct{}) })
	var callers sync.WaitGroup
	callers.Go(func() { hasty.get(t.Context(), &u, "k3") })
	const lock = "chargegraph:{k}:text.v1:k3:lock"
	eventually(t, "locked", func() bool { return server.Do("EXISTS", lock) == "1" })
	eventually(t, "expired", func() bool { return server.Do("SET", lock, "the next process", "NX", "PX", "60000") == "OK" })
	close(u.hold)
	callers.Wait()
	written(t, hasty, 2)
	hasty.Close() // what is queued is done
	if server.Do("GET", lock) != "the next process" {
		t.Error("released the lock of another")
	}
}

func TestALoaderThatFailsLetsOthersTryAtOnce(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, b := join(t, server.URL(), cache.Config{LockTTL: time.Minute}), join(t, server.URL(), cache.Config{LockTTL: time.Minute})
	failing := upstream{err: errUpstream, absent: map[string]bool{"none": true}, hold: make(chan struct{}), began: make(chan struct{}, 1)}
	var u upstream
	var callers sync.WaitGroup
	callers.Go(func() {
		check(t, "a", a.get(t.Context(), &failing, "k"), []string{"miss (upstream away)"})
	})
	<-failing.began
	callers.Go(func() { check(t, "b", b.get(t.Context(), &u, "k"), []string{"miss k@1"}) })
	eventually(t, "b waits", func() bool { return b.Stats().Polls > 0 })
	close(failing.hold)
	callers.Wait()
	failing.set(func() { failing.err = nil })
	check(t, "absent", a.get(t.Context(), &failing, "none"), []string{"miss"})
	check(t, "absent for b", b.get(t.Context(), &u, "none"), []string{"miss none@2"})
}

func TestProcessOnlyNeverReachesRedis(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a := join(t, server.URL(), cache.Config{})
	b := join(t, server.URL(), cache.Config{})
	seen := server.Monitor()
	const secret = "plugshare-42"
	only := upstream{only: true}
	want := cache.Want{Keys: keys(secret), ProcessOnly: true}
	a.texts.Load(t.Context(), want, only.load)
	a.texts.Load(t.Context(), want, only.load)
	a.texts.Put(t.Context(), cache.Key{Name: secret + "-put"}, cache.Fetched[string]{Value: secret, Soft: time.Hour, Hard: time.Hour, ProcessOnly: true})
	a.texts.Load(t.Context(), cache.Want{Keys: keys(secret), ProcessOnly: true, MaxAge: new(time.Duration)}, only.load)
	a.texts.Load(t.Context(), cache.Want{Keys: keys("open-key")}, func(ctx context.Context, missing []cache.Key) (map[cache.Key]cache.Fetched[string], error) {
		brought := map[cache.Key]cache.Fetched[string]{missing[0]: {Value: secret, Soft: time.Hour, Hard: time.Hour, ProcessOnly: true}}
		brought[cache.Key{Name: secret + "-beside"}] = brought[missing[0]]
		return brought, nil
	})
	a.texts.Forget(keys(secret)...)
	ans := cache.Answer{Body: []byte(secret), Tags: []string{secret}, MadeAt: time.Now(), FreshUntil: time.Now().Add(time.Minute), ProcessOnly: true}
	a.answers.Put(t.Context(), secret, ans)
	if got, ok := a.answers.Get(t.Context(), secret); !ok || string(got.Body) != secret {
		t.Errorf("answer: %+v, %v", got, ok)
	}
	// What is not for this process only comes after it in the queue.
	var u upstream
	a.get(t.Context(), &u, "public")
	written(t, a, 1)
	commands := seen()
	if strings.Contains(commands, secret) || strings.Contains(commands, "plugshare") {
		t.Errorf("Redis saw it:\n%s", commands)
	}
	if !strings.Contains(commands, "{p}:text.v1:public") {
		t.Errorf("the monitor saw nothing:\n%s", commands)
	}
	if stored := server.Do("KEYS", "*"); strings.Contains(stored, "open-key") {
		t.Errorf("stored: %q", stored)
	}
	check(t, "the other process", b.get(t.Context(), &u, "open-key"), []string{"miss open-key@2"})
}

func TestForeignBytesAreAMiss(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a := join(t, server.URL(), cache.Config{})
	var u upstream
	a.get(t.Context(), &u, "good")
	written(t, a, 1)
	good := server.Do("GET", "chargegraph:{g}:text.v1:good")
	if !strings.HasPrefix(good, "cg") {
		t.Fatalf("in Redis: %q", good)
	}
	for name, value := range map[string]string{
		"empty": "", "short": "cg", "foreign": "some other program's value, longer than the header of an envelope",
		"cut": good[:len(good)-1], "damaged": good[:len(good)-6] + "\x00\x00" + good[len(good)-4:], "header": good[:40],
	} {
		server.Do("SET", "chargegraph:{"+name[:1]+"}:text.v1:"+name, value)
		check(t, name, a.get(t.Context(), &upstream{}, name), []string{"miss " + name + "@1"})
	}
	server.Do("LPUSH", "chargegraph:{l}:text.v1:list", "x")
	check(t, "another type", a.get(t.Context(), &upstream{}, "list"), []string{"miss list@1"})
	written(t, a, 8)

	newer := texts()
	newer.Name, newer.Version = "other", 2
	s := cache.NewSpace(a.Cache, newer)
	server.Do("SET", "chargegraph:{g}:other.v2:good", good)
	check(t, "another version", brief(s.Load(t.Context(), cache.Want{Keys: keys("good")}, (&upstream{}).load)), []string{"miss good@1"})
	if st := a.Stats(); st.RedisErrors != 0 || st.Broken {
		t.Errorf("Stats() = %+v", st)
	}
}

func TestAFullRedisIsReadOnly(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	var l logs
	a := join(t, server.URL(), cache.Config{Logger: l.logger()})
	b := join(t, server.URL(), cache.Config{})
	var u upstream
	a.get(t.Context(), &u, "before")
	written(t, a, 1)
	server.MaxMemory(1)
	for i := range 50 {
		name := fmt.Sprint("k", i)
		if got := a.get(t.Context(), &u, name); got[0] != fmt.Sprintf("miss %s@%d", name, i+2) {
			t.Fatalf("got %s", got)
		}
	}
	check(t, "what is there is read", b.get(t.Context(), &u, "before"), []string{"hit before@1"})
	eventually(t, "noticed", func() bool { return a.Stats().Refusing && a.Stats().Queued == 0 })
	a.texts.Drop(t.Context(), keys("before")...)
	eventually(t, "drops go on", func() bool { _, ok := b.texts.Peek(keys("before")[0]); return !ok })
	if n := l.count("Redis takes no values"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
	if st := a.Stats(); st.Broken || st.RedisErrors != 0 || st.WritesSkipped != 50 || l.count("does not answer") != 0 {
		t.Errorf("a full Redis counts as gone: %+v", st)
	}
}

func TestADeadRedisCostsNothingAndComesBack(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct{ hit, mend func(*redistest.Server) }{
		"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
		"frozen": {(*redistest.Server).Freeze, (*redistest.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, server := redistest.Start(t)
			var l logs
			a := join(t, server.URL(), cache.Config{Logger: l.logger(), ReadTimeout: 250 * time.Millisecond})
			b := join(t, server.URL(), cache.Config{ReadTimeout: 250 * time.Millisecond})
			var u upstream
			a.get(t.Context(), &u, "warm")
			written(t, a, 1)
			b.get(t.Context(), &u, "warm")
			fault.hit(server)
			began := time.Now()
			for i := range 200 {
				name := fmt.Sprint("k", i)
				if got := a.get(t.Context(), &u, name); !strings.HasPrefix(got[0], "miss "+name+"@") {
					t.Fatalf("got %s", got)
				}
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("200 loads beside a dead Redis took %v", took)
			}
			if !a.Stats().Broken {
				t.Error("the breaker is closed")
			}
			a.texts.Drop(t.Context(), keys("warm")...)
			a.Invalidate(t.Context(), "tag")
			eventually(t, "not listening", func() bool { return !a.Stats().Listening && !b.Stats().Listening })
			fault.mend(server)
			eventually(t, "back", func() bool { return !a.Stats().Broken && a.Stats().Listening && b.Stats().Listening })
			eventually(t, "what was said is delivered", func() bool { return a.Stats().Queued == 0 })
			if keys := server.Do("KEYS", "*warm*"); keys != "" {
				t.Errorf("not deleted: %q", keys)
			}
			writes := a.Stats().Writes
			a.get(t.Context(), &u, "again")
			written(t, a, writes+1)
			for _, line := range []string{"Redis does not answer", "Redis answers again", "other processes are not heard", "listening to other processes again"} {
				if n := l.count(line); n != 1 {
					t.Errorf("%d × %q", n, line)
				}
			}
		})
	}
}

// A pause in which fifty questions are under way, of Redis or of a process that is
// short of CPU, is one failure: were it fifty, each replica would ask the upstream
// for itself for a second.
func TestAPauseOfRedisIsNotItsEnd(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a := join(t, server.URL(), cache.Config{ReadTimeout: 500 * time.Millisecond})
	var u upstream
	a.get(t.Context(), &u, "warm")
	written(t, a, 1)
	server.Freeze()
	var asking sync.WaitGroup
	for i := range 50 {
		asking.Go(func() { a.get(t.Context(), &u, fmt.Sprint("k", i)) })
	}
	asking.Wait()
	server.Thaw()
	if st := a.Stats(); st.RedisErrors < 50 || st.Broken {
		t.Errorf("%d looks in vain, broken: %v", st.RedisErrors, st.Broken)
	}
}

func TestDropReachesRedisAndOtherProcesses(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, b := join(t, server.URL(), cache.Config{}), join(t, server.URL(), cache.Config{})
	var u upstream
	a.get(t.Context(), &u, "k1", "k2")
	written(t, a, 2)
	b.get(t.Context(), &u, "k1", "k2")
	b.texts.Drop(t.Context(), keys("k1")...)
	check(t, "b at once", b.get(t.Context(), &u, "k1", "k2"), []string{"miss k1@2", "hit k2@1"})
	eventually(t, "a hears", func() bool { e, ok := a.texts.Peek(keys("k1")[0]); return !ok || e.Value == "k1@2" })
	check(t, "a", a.get(t.Context(), &u, "k1", "k2"), []string{"hit k1@2", "hit k2@1"})
}

// line is a client's way to a server, which can be cut.
type line struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (l *line) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, errors.New("the line is cut")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		l.conns = append(l.conns, conn)
	}
	return conn, err
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for _, c := range l.conns {
			_ = c.Close()
		}
		l.conns = nil
	}
}

// onLine is join over a line that can be cut.
func onLine(t *testing.T, server *redistest.Server) (process, *line) {
	t.Helper()
	var l line
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Dialer: l.dial, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	c := newCache(t, cache.Config{Redis: client, ReadTimeout: time.Second})
	p := process{Cache: c, texts: cache.NewSpace(c, texts()), answers: cache.NewAnswers(c, "answers")}
	listen(t, p)
	return p, &l
}

// What a process is about to write when another drops it does not come back.
func TestADropOvertakesWhatIsBeingWritten(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	encoding, goOn := make(chan struct{}), make(chan struct{})
	kind := texts()
	plain := kind.Encode
	kind.Encode = func(s string) ([]byte, error) {
		if s == "k@1" {
			close(encoding)
			<-goOn
		}
		return plain(s)
	}
	kind.Name = "slow"
	a, b := join(t, server.URL(), cache.Config{}), join(t, server.URL(), cache.Config{})
	as, bs := cache.NewSpace(a.Cache, kind), cache.NewSpace(b.Cache, kind)
	var u upstream
	as.Load(t.Context(), cache.Want{Keys: keys("k")}, u.load)
	<-encoding
	bs.Drop(t.Context(), keys("k")...)
	eventually(t, "a hears", func() bool { return a.Stats().Messages == 1 })
	close(goOn)
	written(t, a, 1)
	eventually(t, "deleted", func() bool { return server.Do("EXISTS", "chargegraph:{k}:slow.v1:k") == "0" })
}

func TestADropReachesTheKeysOfAnotherVersion(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, b := join(t, server.URL(), cache.Config{}), join(t, server.URL(), cache.Config{})
	older, newer := texts(), texts()
	older.Name, newer.Name, newer.Version = "tile", "tile", 2
	as, bs := cache.NewSpace(a.Cache, older), cache.NewSpace(b.Cache, newer)
	var u upstream
	as.Load(t.Context(), cache.Want{Keys: keys("k")}, u.load)
	written(t, a, 1)
	bs.Drop(t.Context(), keys("k")...)
	eventually(t, "deleted", func() bool { return server.Do("EXISTS", "chargegraph:{k}:tile.v1:k") == "0" })
}

func TestAfterAGapWhatWasInMemoryIsDoubted(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a := join(t, server.URL(), cache.Config{})
	b, l := onLine(t, server)
	var u upstream
	a.get(t.Context(), &u, "kept", "dropped")
	written(t, a, 2)
	b.get(t.Context(), &u, "kept", "dropped")
	now := time.Now()
	b.answers.Put(t.Context(), "q", cache.Answer{Body: []byte("old"), MadeAt: now, FreshUntil: now.Add(time.Minute)})

	l.set(true)
	eventually(t, "b does not hear", func() bool { return !b.Stats().Listening })
	if _, ok := b.answers.Get(t.Context(), "q"); !ok {
		t.Error("an answer in memory is not served during the gap")
	}
	a.texts.Drop(t.Context(), keys("dropped")...)
	eventually(t, "a has said it", func() bool {
		return a.Stats().Queued == 0 && server.Do("EXISTS", "chargegraph:{d}:text.v1:dropped") == "0"
	})
	l.set(false)
	eventually(t, "b hears again", func() bool { return b.Stats().Listening })

	if _, ok := b.answers.Get(t.Context(), "q"); ok {
		t.Error("an answer from before the gap is served")
	}
	check(t, "served, but doubted", b.get(t.Context(), &u, "kept", "dropped"), []string{"stale kept@1", "stale dropped@1"})
	eventually(t, "refreshed", func() bool {
		got := b.get(t.Context(), &u, "kept", "dropped")
		return got[0] == "hit kept@1" && got[1] == "hit dropped@2"
	})
	check(t, "what Redis still had was not asked for again", u.asked(), []string{"kept dropped", "dropped"})
}

func TestWhatIsAboutToBeDeletedIsNotReadBack(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	encoding, goOn := make(chan struct{}), make(chan struct{})
	kind := texts()
	plain := kind.Encode
	kind.Encode = func(s string) ([]byte, error) {
		if s == "long" {
			close(encoding)
			<-goOn
		}
		return plain(s)
	}
	kind.Name = "slow"
	a := join(t, server.URL(), cache.Config{})
	s := cache.NewSpace(a.Cache, kind)
	var u upstream
	s.Load(t.Context(), cache.Want{Keys: keys("k")}, u.load)
	written(t, a, 1)
	// The deletion stands in line behind a value that takes long to write.
	s.Put(t.Context(), keys("other")[0], cache.Fetched[string]{Value: "long", Soft: time.Hour, Hard: time.Hour})
	<-encoding
	s.Drop(t.Context(), keys("k")...)
	check(t, "at once", brief(s.Load(t.Context(), cache.Want{Keys: keys("k")}, u.load)), []string{"miss k@2"})
	close(goOn)
	written(t, a, 3)
	b := join(t, server.URL(), cache.Config{})
	check(t, "afterwards", brief(cache.NewSpace(b.Cache, kind).Load(t.Context(), cache.Want{Keys: keys("k")}, u.load)), []string{"hit k@2"})
}

func TestTooMuchToSayBecomesOneMessage(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	a, l := onLine(t, server)
	b := join(t, server.URL(), cache.Config{})
	var u upstream
	a.get(t.Context(), &u, "k")
	written(t, a, 1)
	b.get(t.Context(), &u, "k")
	l.set(true)
	for i := range 20_000 {
		a.Invalidate(t.Context(), fmt.Sprint("tag", i))
	}
	if queued := a.Stats().Queued; queued > 5000 {
		t.Errorf("%d messages are kept", queued)
	}
	l.set(false)
	eventually(t, "said", func() bool { return a.Stats().Queued == 0 })
	eventually(t, "b doubts everything", func() bool { return b.get(t.Context(), &u, "k")[0] != "hit k@1" })
}

func (p process) answer(ctx context.Context, key string) string {
	got, ok := p.answers.Get(ctx, key)
	if !ok {
		return "none"
	}
	return string(got.Body)
}

func TestAnswersLiveUntilTheyAreStaleOrInvalidated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, cache.Config{})
		p := process{Cache: c, answers: cache.NewAnswers(c, "answers")}
		put := func(key string, life time.Duration, tags ...string) {
			now := time.Now()
			p.answers.Put(t.Context(), key, cache.Answer{Body: []byte(key), Meta: []byte("h"), Tags: tags, MadeAt: now, FreshUntil: now.Add(life)})
		}
		put("short", time.Second)
		put("a", time.Minute, "x", "y")
		put("b", time.Minute, "z")
		put("endless", time.Hour)
		madeAt := time.Now()
		<-time.After(2 * time.Second)
		check(t, "after two seconds", []string{p.answer(t.Context(), "short"), p.answer(t.Context(), "a"), p.answer(t.Context(), "b")}, []string{"none", "a", "b"})
		c.Invalidate(t.Context(), "y", "w")
		check(t, "after y", []string{p.answer(t.Context(), "a"), p.answer(t.Context(), "b")}, []string{"none", "b"})

		// What was being made when its tag was invalidated comes too late.
		p.answers.Put(t.Context(), "late", cache.Answer{Body: []byte("late"), Tags: []string{"w"}, MadeAt: madeAt, FreshUntil: madeAt.Add(time.Minute)})
		check(t, "made before", []string{p.answer(t.Context(), "late")}, []string{"none"})
		<-time.After(time.Millisecond)
		put("a", time.Minute, "y")
		check(t, "made after", []string{p.answer(t.Context(), "a")}, []string{"a"})
		got, _ := p.answers.Get(t.Context(), "a")
		if string(got.Meta) != "h" {
			t.Errorf("got %+v", got)
		}
		<-time.After(5 * time.Minute)
		check(t, "no answer lives for an hour", []string{p.answer(t.Context(), "endless")}, []string{"none"})

		put("many", time.Minute, "many")
		<-time.After(time.Millisecond)
		for i := range 70_000 {
			c.InvalidateHere(fmt.Sprint("tag", i))
		}
		check(t, "too many tags to remember drop everything", []string{p.answer(t.Context(), "many")}, []string{"none"})
		if st := c.Stats(); st.AnswerHits == 0 || st.AnswerMisses == 0 || st.Invalidations != 70_001 {
			t.Errorf("Stats() = %+v", st)
		}
	})
}

func TestAnswersOfAnotherProcess(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a := join(t, server.URL(), cache.Config{Clock: clock})
	b := join(t, server.URL(), cache.Config{Clock: clock})
	deaf := enter(t, server.URL(), cache.Config{Clock: clock})
	put := func(p process, key string, tags ...string) {
		now := clock()
		p.answers.Put(t.Context(), key, cache.Answer{Body: []byte(key), Meta: []byte("m"), Tags: tags, MadeAt: now, FreshUntil: now.Add(time.Minute)})
	}
	put(a, "early")
	written(t, a, 1)
	check(t, "made about when b began to listen", []string{b.answer(t.Context(), "early")}, []string{"none"})
	ahead.Store(int64(3 * time.Second))
	put(a, "one", "x", "y")
	put(a, "two", "z")
	put(a, "three", "y")
	written(t, a, 4)
	got, ok := b.answers.Get(t.Context(), "one")
	now := clock()
	if !ok || string(got.Body) != "one" || string(got.Meta) != "m" || got.MadeAt.After(now) || !got.FreshUntil.After(now) {
		t.Errorf("b: %+v, %v", got, ok)
	}
	check(t, "who does not listen", []string{deaf.answer(t.Context(), "one")}, []string{"none"})
	put(deaf, "four")
	eventually(t, "nothing written", func() bool { return deaf.Stats().Queued == 0 })
	check(t, "of one who does not listen", []string{b.answer(t.Context(), "four"), deaf.answer(t.Context(), "four")}, []string{"none", "four"})

	b.Invalidate(t.Context(), "y")
	check(t, "b", []string{b.answer(t.Context(), "one"), b.answer(t.Context(), "two"), b.answer(t.Context(), "three")}, []string{"none", "two", "none"})
	eventually(t, "a hears", func() bool { return a.answer(t.Context(), "one") == "none" })
	check(t, "a", []string{a.answer(t.Context(), "two"), a.answer(t.Context(), "three")}, []string{"two", "none"})
	if st := b.Stats(); st.AnswerRedisHits != 2 {
		t.Errorf("%d answers from Redis", st.AnswerRedisHits)
	}
}

func TestAnswersOfAllSizesReachAnotherProcessWhole(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t)
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	patient := cache.Config{Clock: clock, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	a, b := join(t, server.URL(), patient), join(t, server.URL(), patient)
	ahead.Store(int64(3 * time.Second)) // b has listened for long enough
	sizes := [...]int{0, 1, 1000, 31 << 10, 33 << 10, 5 << 20, 200_000, 5<<20 + 1, 10}
	body := func(size int) string {
		if size > 1<<20 { // as long in Redis too: nothing in it repeats
			noise := make([]byte, size)
			_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(noise) // it never fails
			return string(noise)
		}
		return strings.Repeat(fmt.Sprint(size, " sites;"), size)[:size]
	}
	now := clock()
	for _, size := range sizes {
		a.answers.Put(t.Context(), fmt.Sprint("of ", size), cache.Answer{
			Body: []byte(body(size)), Meta: []byte(fmt.Sprint("meta ", size)), Tags: []string{"", fmt.Sprint("tag ", size), "all"},
			MadeAt: now, FreshUntil: now.Add(time.Minute),
		})
	}
	written(t, a, uint64(len(sizes)))
	for round, from := range []string{"Redis", "memory"} {
		for _, size := range sizes {
			got, ok := b.answers.Get(t.Context(), fmt.Sprint("of ", size))
			if !ok || string(got.Body) != body(size) || string(got.Meta) != fmt.Sprint("meta ", size) || !got.FreshUntil.Equal(now.Add(time.Minute)) {
				t.Errorf("of %d bytes from %s: %d bytes, meta %q, fresh until %v, %v", size, from, len(got.Body), got.Meta, got.FreshUntil, ok)
			}
		}
		if st := b.Stats(); st.AnswerRedisHits != uint64(len(sizes)) || st.AnswerHits != uint64(round*len(sizes)) {
			t.Errorf("after %s: %d from Redis, %d from memory", from, st.AnswerRedisHits, st.AnswerHits)
		}
	}
	b.Invalidate(t.Context(), "tag 200000", "tag 1")
	for _, size := range sizes {
		want := body(size)
		if size == 1 || size == 200_000 {
			want = "none"
		}
		if got := b.answer(t.Context(), fmt.Sprint("of ", size)); got != want {
			t.Errorf("of %d bytes after it was invalidated, or another was: %.20q", size, got)
		}
	}
}

func TestACluster(t *testing.T) {
	t.Parallel()
	_, server := redistest.Start(t, "--cluster-enabled", "yes")
	server.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	eventually(t, "the cluster is up", func() bool { return strings.Contains(server.Do("CLUSTER", "INFO"), "cluster_state:ok") })
	a := join(t, server.URL()+"?cluster=true", cache.Config{})
	b := join(t, server.URL()+"?cluster=true", cache.Config{})
	var u upstream
	names := []string{"a1", "a2", "b1", "c1"}
	a.get(t.Context(), &u, names...)
	written(t, a, 4)
	check(t, "b", b.get(t.Context(), &u, names...), []string{"hit a1@1", "hit a2@1", "hit b1@1", "hit c1@1"})
	b.texts.Drop(t.Context(), keys(names...)...)
	eventually(t, "dropped", func() bool { _, ok := a.texts.Peek(keys("c1")[0]); return !ok && server.Do("DBSIZE") == "0" })
	if st := a.Stats(); st.RedisErrors != 0 {
		t.Errorf("%d errors", st.RedisErrors)
	}
	for _, odd := range []cache.Key{{Name: "}{odd", Slot: "}"}, {Name: "no slot"}, {Name: "braces", Slot: "{}"}} {
		got := a.texts.Load(t.Context(), cache.Want{Keys: []cache.Key{odd}}, u.load)
		if !got[0].OK || a.Stats().RedisErrors != 0 {
			t.Errorf("%+v: %+v, %d errors", odd, got[0], a.Stats().RedisErrors)
		}
	}
	written(t, a, 7)
	slot := server.Do("CLUSTER", "KEYSLOT", "chargegraph:{a}:text.v1:a1")
	for _, key := range []string{"chargegraph:{a}:text.v1:a2", "chargegraph:{a}:text.v1:a1:lock"} {
		if got := server.Do("CLUSTER", "KEYSLOT", key); got != slot {
			t.Errorf("%s lies in %s, not %s", key, got, slot)
		}
	}
}

func TestASentinelShowsTheWay(t *testing.T) {
	t.Parallel()
	_, master := redistest.Start(t)
	_, sentinel := redistest.StartSentinel(t, "main", master)
	a := join(t, sentinel.URL()+"?master_name=main", cache.Config{})
	var u upstream
	a.get(t.Context(), &u, "k")
	written(t, a, 1)
	if got := master.Do("EXISTS", "chargegraph:{k}:text.v1:k"); got != "1" {
		t.Errorf("the master has %s", got)
	}
}

func TestConnectRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"http://user:secret@host", "redis://user:secret@host/x", "redis://user:secret@ho st", "redis://user:secret@h?cluster=true&x=1", "redis://:secret@h/a/b?master_name=m"} {
		if _, err := cache.Connect(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Connect(%q) = %v", bad, err)
		}
	}
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = client.Close() }()
	if _, err := cache.New(cache.Config{Redis: client}); err == nil || !strings.Contains(err.Error(), "ContextTimeoutEnabled") {
		t.Errorf("New() = %v", err)
	}
}

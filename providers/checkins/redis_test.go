package checkins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestRedis_RefusesAServerThatKeepsNothing(t *testing.T) {
	for _, c := range []struct {
		settings []string
		want     string
	}{
		{[]string{"--appendonly", "no"}, `set "appendonly yes"`},
		{[]string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}, `set "maxmemory-policy noeviction"`},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			client := redisClient(t, ownRedis(t, c.settings...))
			if _, err := OpenRedis(t.Context(), client, RedisConfig{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("OpenRedis() = %v, want %q", err, c.want)
			}
			s, err := OpenRedis(t.Context(), client, RedisConfig{AllowVolatile: true})
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, newEntry("app", "k"))
		})
	}
	t.Run("what evicts only what has a term evicts nothing of ours", func(t *testing.T) {
		t.Parallel()
		client := redisClient(t, ownRedis(t, "--maxmemory-policy", "volatile-lru"))
		if _, err := OpenRedis(t.Context(), client, RedisConfig{}); err != nil {
			t.Error(err)
		}
	})
}

func TestRedis_MayComeLaterAndIsCheckedThen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings []string
		refused  string
	}{
		"one that keeps what it is told": {},
		"one that keeps nothing":         {[]string{"--appendonly", "no"}, `set "appendonly yes"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ownRedis(t, c.settings...)
			server.kill()
			client := redisClient(t, server)
			if _, err := OpenRedis(t.Context(), client, RedisConfig{}); err == nil {
				t.Error("opened at once")
			}
			var log bytes.Buffer
			s, err := OpenRedis(t.Context(), client, RedisConfig{Later: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "cannot be kept until") {
				t.Errorf("the log says %q", log.String())
			}
			if _, _, err = s.Put(t.Context(), newEntry("app", "k")); err == nil {
				t.Error("kept nowhere")
			}
			if err = server.start(); err != nil {
				t.Fatal(err)
			}
			var writers sync.WaitGroup // who come at once are checked for once
			for i := range 8 {
				writers.Go(func() {
					_, created, err := s.Put(t.Context(), newEntry("app", strconv.Itoa(i)))
					if c.refused == "" && (err != nil || !created) || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
						t.Errorf("Put() = %t, %v", created, err)
					}
				})
			}
			writers.Wait()
		})
	}
	t.Run("one that refuses is no matter of time", func(t *testing.T) {
		t.Parallel()
		server := ownRedis(t)
		if err := redisClient(t, server).ConfigSet(t.Context(), "requirepass", "pass").Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenRedis(t.Context(), redisClient(t, server), RedisConfig{Later: true}); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
			t.Errorf("OpenRedis() = %v", err)
		}
	})
}

func TestRedis_RefusesNonsenseAndNewerDataAndSaysWhatMayBeLost(t *testing.T) {
	client := redisClient(t, ownRedis(t, "--appendfsync", "everysec"))
	for want, cfg := range map[string]RedisConfig{"hash tag": {Prefix: "checkins:"}, "Sync": {Sync: "never"}} {
		if _, err := OpenRedis(t.Context(), client, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenRedis(%+v) = %v, want %q", cfg, err, want)
		}
	}
	var log bytes.Buffer
	s, err := OpenRedis(t.Context(), client, RedisConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.InfoMap(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	if old := !atLeast(version["Server"]["redis_version"], 7, 2); s.wait == old || old != strings.Contains(log.String(), "appendfsync always") {
		t.Errorf("Redis %s: waits %v, log %q", version["Server"]["redis_version"], s.wait, log.String())
	}
	if err := client.Set(t.Context(), DefaultPrefix+"schema", 99, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRedis(t.Context(), client, RedisConfig{}); err == nil || !strings.Contains(err.Error(), "newer chargegraph (schema 99") {
		t.Errorf("OpenRedis() of newer data = %v", err)
	}
}

func TestAtLeast_ComparesVersions(t *testing.T) {
	for version, want := range map[string]bool{"7.0.15": false, "6.9": false, "7.2.0": true, "7.10": true, "8.0.1": true, "": false, "x.y": false} {
		if got := atLeast(version, 7, 2); got != want {
			t.Errorf("atLeast(%q) = %v", version, got)
		}
	}
}

// TestRedis_AcknowledgedCheckInsOutliveAPowerCut kills the server in the middle of
// submissions, again and again: whatever was acknowledged is there afterwards.
func TestRedis_AcknowledgedCheckInsOutliveAPowerCut(t *testing.T) {
	t.Parallel()
	server := ownRedis(t)
	var acknowledged []string
	for round := range 3 {
		client := redis.NewClient(&redis.Options{Addr: server.addr, MaxRetries: -1, DialerRetries: 1, PoolSize: 16})
		s, err := OpenRedis(t.Context(), client, RedisConfig{})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		enough := make(chan struct{})
		var callers sync.WaitGroup
		n := 0
		for caller := range 8 {
			callers.Go(func() {
				for i := 0; ; i++ {
					e := newEntry(fmt.Sprint("app", caller), fmt.Sprint(round, "-", i))
					_, created, err := s.Put(context.WithoutCancel(t.Context()), e)
					if err != nil {
						return // the server is gone
					}
					mu.Lock()
					if created {
						acknowledged = append(acknowledged, e.ID)
					}
					if n++; n == 200 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		server.kill()
		callers.Wait()
		_ = client.Close()
		if err := server.start(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := OpenRedis(t.Context(), redisClient(t, server), RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := list(t.Context(), s, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, e := range all {
		kept[e.ID] = true
		if byKey, err := s.ByKey(t.Context(), e.Caller, e.Key); err != nil || byKey.ID != e.ID {
			t.Errorf("ByKey() = %v, %v; half an entry was kept", byKey, err)
		}
	}
	for _, id := range acknowledged {
		if !kept[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	if len(acknowledged) < 600 {
		t.Errorf("only %d were acknowledged", len(acknowledged))
	}
}

func TestRedis_AwayIsAnErrorAndAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	server := ownRedis(t)
	client := redis.NewClient(&redis.Options{Addr: server.addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	s, err := OpenRedis(t.Context(), client, RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	e := newEntry("app", "k")
	server.kill()
	if _, created, err := s.Put(t.Context(), e); err == nil || created {
		t.Errorf("Put() = created %v, %v", created, err)
	}
	if _, err := s.Get(t.Context(), e.ID); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("Get() = %v; nobody knows", err)
	}
	if _, err := s.ByKey(t.Context(), "app", "k"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("ByKey() = %v; nobody knows", err)
	}
	if _, _, err := s.Resolve(t.Context(), "ocm:1"); err == nil {
		t.Error("Resolve() = nil; nobody knows")
	}
	if _, err := OpenRedis(t.Context(), client, RedisConfig{}); err == nil {
		t.Error("OpenRedis() = nil")
	}
	if err := s.Watch(t.Context(), func() {}, func(*Entry) {}); err == nil {
		t.Error("Watch() = nil")
	}
}

func TestRedis_AFullServerAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	client := redisClient(t, ownRedis(t, "--maxmemory-policy", "noeviction"))
	s, err := OpenRedis(t.Context(), client, RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	there := newEntry("app", "there")
	put(t, s, there)
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	e := newEntry("app", "k")
	if _, created, err := s.Put(t.Context(), e); created || err == nil || !strings.Contains(err.Error(), "maxmemory") {
		t.Errorf("Put() = created %v, %v", created, err)
	}
	if err := s.Update(t.Context(), finished(there, noon), 1); err == nil {
		t.Error("Update() = nil")
	}
	if got, err := s.Get(t.Context(), there.ID); err != nil || got.Version != 1 {
		t.Errorf("Get() meanwhile = %v, %v", got, err)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	put(t, s, e)
}

// losingAnswers is a connection whose first answer to a script gets lost, after
// the server has done what it said.
type losingAnswers struct{ lost bool }

func (h *losingAnswers) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *losingAnswers) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *losingAnswers) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && strings.HasPrefix(cmd.Name(), "eval") && !h.lost {
			h.lost = true
			return next(ctx, cmd) // as the client does when the connection broke
		}
		return err
	}
}

func TestRedis_AWriteThatWasSentTwiceIsDoneOnce(t *testing.T) {
	for _, b := range backends(t)[1:] {
		plain, ok := b.open(t).(*Redis)
		if !ok {
			t.Fatal("not Redis")
		}
		client := redisClient(t, &redisServer{addr: addrOf(t, plain)})
		hook := new(losingAnswers)
		client.AddHook(hook)
		s, err := OpenRedis(t.Context(), client, RedisConfig{Prefix: plain.prefix})
		if err != nil {
			t.Fatal(err)
		}
		e := newEntry("app", "k")
		put(t, s, e)
		if !hook.lost {
			t.Fatal("nothing was sent twice")
		}
		hook.lost = false
		if err := s.Update(t.Context(), finished(e, noon), 1); err != nil || !hook.lost {
			t.Errorf("Update() = %v", err)
		}
		if err := s.Update(t.Context(), finished(e, noon), 1); !errors.Is(err, ErrStale) {
			t.Errorf("another Update() with the same content = %v, want ErrStale", err)
		}
	}
}

func addrOf(tb testing.TB, s *Redis) string {
	tb.Helper()
	client, ok := s.client.(*redis.Client)
	if !ok {
		tb.Fatal("no plain client")
	}
	return client.Options().Addr
}

// waiting answers WAITAOF, which only newer servers know, for the server.
type waiting struct {
	disks    int64
	commands []string
}

func (h *waiting) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *waiting) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (h *waiting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if cmd.Name() != "client" { // how a new connection introduces itself
				h.commands = append(h.commands, cmd.Name())
			}
		}
		last, ok := cmds[len(cmds)-1].(*redis.Cmd)
		if !ok || !strings.EqualFold(last.Name(), "waitaof") {
			return next(ctx, cmds)
		}
		err := next(ctx, cmds[:len(cmds)-1])
		last.SetVal([]any{h.disks, int64(0)})
		return err
	}
}

func TestRedis_AWriteWaitsForTheDiskOfAServerThatWouldNot(t *testing.T) {
	for _, b := range backends(t)[1:] {
		s, ok := b.open(t).(*Redis)
		if !ok {
			t.Fatal("not Redis")
		}
		s.wait = true // what OpenRedis finds out
		hook := &waiting{disks: 1}
		s.client.AddHook(hook)
		if err := s.client.ScriptFlush(t.Context()).Err(); err != nil { // so that it has to be loaded on the way
			t.Fatal(err)
		}
		put(t, s, newEntry("app", "k"))
		if want := []string{"evalsha", "waitaof", "evalsha", "waitaof"}; !slices.Equal(hook.commands, want) {
			t.Errorf("sent %v, want %v", hook.commands, want)
		}
		hook.disks = 0
		if _, created, err := s.Put(t.Context(), newEntry("app", "k2")); created || err == nil || !strings.Contains(err.Error(), "disk did not follow") {
			t.Errorf("Put() = created %v, %v", created, err)
		}
	}
}

func TestRedis_WatchSaysWhenItMayHaveMissedSomething(t *testing.T) {
	t.Parallel()
	server := ownRedis(t)
	s, err := OpenRedis(t.Context(), redisClient(t, server), RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	joined, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Watch(t.Context(), func() { close(joined) }, func(*Entry) {}) }()
	<-joined
	server.kill()
	var lost *net.OpError
	if err := <-ended; err == nil || errors.As(err, &lost) && lost.Timeout() {
		t.Errorf("Watch() = %v", err)
	}
}

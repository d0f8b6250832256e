package checkins

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"chargegraph/providers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if server, err := sharedRedis(); server != nil && err == nil {
			server.kill()
			_ = os.RemoveAll(server.dir)
		}
		os.Exit(code)
	}))
}

// noon is when tests take place.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const testSecret = "0123456789abcdef0123456789abcdef"

func testSecrets(tb testing.TB) *Secrets {
	tb.Helper()
	s, err := NewSecrets(testSecret, "https://go.example/ci")
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// redisServer is a redis-server process that keeps its log in dir.
type redisServer struct {
	dir  string
	addr string
	args []string
	cmd  *exec.Cmd
}

// newRedisServer starts a redis-server with a log, or what settings make of it.
func newRedisServer(dir string, settings ...string) (*redisServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	s := &redisServer{dir: dir, addr: addr, args: append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--loglevel", "warning", "--logfile", filepath.Join(dir, "redis.log"),
		"--appendonly", "yes", "--appendfsync", "always",
	}, settings...)}
	return s, s.start()
}

func (s *redisServer) start() error {
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // it may outlive the test that starts it
	defer cancel()
	for client.Ping(ctx).Err() != nil {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			s.kill()
			return fmt.Errorf("redis-server does not answer: %w", ctx.Err())
		}
	}
	return nil
}

// kill ends the process as a power cut does.
func (s *redisServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// needRedis skips a test where redis-server is not installed; not in CI.
func needRedis(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal("redis-server is not installed")
		}
		tb.Skip("redis-server is not installed: apt-get install redis-server")
	}
}

// ownRedis starts a redis-server for one test.
func ownRedis(tb testing.TB, settings ...string) *redisServer {
	tb.Helper()
	needRedis(tb)
	s, err := newRedisServer(tb.TempDir(), settings...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.kill)
	return s
}

var (
	wantedRedis atomic.Bool
	theRedis    = sync.OnceValues(func() (*redisServer, error) {
		dir, err := os.MkdirTemp("", "checkins-redis-") // it outlives the test that starts it
		if err != nil {
			return nil, err
		}
		return newRedisServer(dir)
	})
	prefixes atomic.Int64
)

// sharedRedis is the redis-server of most tests, if one of them wanted it.
func sharedRedis() (*redisServer, error) {
	if !wantedRedis.Load() {
		return nil, nil //nolint:nilnil // nobody wanted one
	}
	return theRedis()
}

// redisClient returns a client of s that ends with the test.
func redisClient(tb testing.TB, s *redisServer) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.addr, PoolSize: 32})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// backend opens the same kept things again and again, as replicas or after a
// restart.
type backend struct {
	name string
	open func(testing.TB) Store
}

// backends are the two stores, each empty.
func backends(tb testing.TB) []backend {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "checkins.db")
	all := []backend{{"SQLite", func(tb testing.TB) Store {
		tb.Helper()
		return openSQLite(tb, path)
	}}}
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") == "" {
		tb.Log("redis-server is not installed: Redis is not tested")
		return all
	}
	needRedis(tb)
	wantedRedis.Store(true)
	server, err := theRedis()
	if err != nil {
		tb.Fatal(err)
	}
	prefix := "test:{" + strconv.FormatInt(prefixes.Add(1), 10) + "}:"
	return append(all, backend{"Redis", func(tb testing.TB) Store {
		tb.Helper()
		s, err := OpenRedis(tb.Context(), redisClient(tb, server), RedisConfig{Prefix: prefix})
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}})
}

func openSQLite(tb testing.TB, path string) *SQLite {
	tb.Helper()
	s, err := OpenSQLite(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("Close() = %v", err)
		}
	})
	return s
}

// newEntry returns an entry that waits for delivery at Open Charge Map.
func newEntry(caller, key string) *Entry {
	now := noon
	return &Entry{
		ID: newID(now), Version: 1, Caller: caller, Key: key, Hash: "00",
		Report:  providers.Report{Outcome: providers.CheckInCharged, Kind: providers.CommentGeneral, Text: "Läuft & lädt <gut>.\n\"11 kW\"", Rating: new(4)},
		POIID:   "poi:ocm:1",
		Members: []providers.Key{"ocm:1", "plugshare:9~8"},
		Marker:  "https://go.example/ci/" + key,
		Token:   []byte{1, 2, 3},
		Targets: []Target{{
			Provider: providers.OCM, Source: "ocm", Record: "ocm:1", State: providers.DeliveryPending, NextAt: now, UpdatedAt: now,
			Lost: []string{"rating"}, SentAt: []time.Time{now.Add(time.Second)}, Error: &providers.SourceError{Code: providers.CodeTimeout, Message: "slow"},
			OwnToken: true, Doubt: 2, Unclear: 1, Blind: 3, Lease: "x", LeasedUntil: now.Add(-time.Minute), Attempts: 1,
		}},
		CreatedAt: now, UpdatedAt: now,
	}
}

func put(tb testing.TB, s Store, e *Entry) {
	tb.Helper()
	if _, created, err := s.Put(tb.Context(), e); err != nil || !created {
		tb.Fatalf("Put(%s) = created %v, %v", e.ID, created, err)
	}
}

// finished returns a copy of e that was delivered at a time.
func finished(e *Entry, at time.Time) *Entry {
	c := e.clone()
	c.Version++
	c.UpdatedAt = at
	end(c, &c.Targets[0], providers.DeliveryDelivered)
	c.Targets[0].UpdatedAt = at
	c.Targets[0].ExternalID = "77 of " + e.Key // no two entries are one comment
	return c
}

// list collects what All gives.
func list(ctx context.Context, s Store, f Filter) (entries []*Entry, err error) {
	for e, err := range All(ctx, s, f) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

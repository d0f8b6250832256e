package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"chargegraph/cmd/internal/child"
)

// part is one way to let things die.
type part struct {
	name      string
	n         int // check-ins
	servers   int
	redis     bool // where they are kept; else SQLite
	marked    bool // markerURL is configured
	twins     bool // two check-ins at a time say the same about the same site
	killRedis bool // else servers are killed
}

// choose returns the parts that o asks for.
func choose(o options) ([]part, error) {
	fewer := max(o.n/5, 10)
	all := map[string]part{
		"sqlite":     {n: o.n, servers: 1, marked: true},
		"redis":      {n: o.n, servers: 2, marked: true, redis: true},
		"content":    {n: fewer, servers: 1, twins: true},
		"redis-kill": {n: fewer, servers: 2, marked: true, redis: true, killRedis: true},
	}
	var plan []part
	for _, name := range o.parts {
		p, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("there is no part %q: %s are", name, strings.Join(partNames(), ", "))
		}
		p.name = name
		if _, err := exec.LookPath("redis-server"); p.redis && err != nil {
			return nil, fmt.Errorf("part %s needs redis-server, which is not installed: install it, or choose others with -parts", name)
		}
		plan = append(plan, p)
	}
	return plan, nil
}

const (
	ocmKey    = "5a4db0c5-0000-4000-8000-00000c0a5400" // of the form that Open Charge Map gives out
	markerURL = "https://go.chargegraph.example/check-ins"
	callerID  = "crash"
	// worldSites is how many sites the made-up world has, and usedSites at how many
	// of them check-ins are made: several at each.
	worldSites = 120
	usedSites  = 40
)

// faults are what the simulator does wrong: 30 % of submissions end so that nobody
// can tell, and some more are plainly refused, so that they are tried again later.
func faults() []string {
	return []string{"ocm=comment-ambiguous:0.3,200ms", "ocm=comment-readonly:0.05"}
}

// rig is what all parts need. Its methods belong to one goroutine.
type rig struct {
	options

	log       io.Writer
	dir       string
	client    *http.Client
	simulator *process
	upstream  string // its base address, without a path
	account   [2]string
	sites     []string
	secret    string // of the caller's API key
	run1      string // names this run in texts
}

// newRig starts the simulator. The rig must be closed.
func newRig(ctx context.Context, o options, log io.Writer) (r *rig, err error) {
	logging.Disable() // of failures to connect, which are the point here
	r = &rig{
		options: o, log: log, secret: rand.Text(), run1: rand.Text()[:6],
		client: &http.Client{Timeout: answerTime, Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.bin, err = filepath.Abs(o.bin); err != nil {
		return r, err
	}
	if _, err = os.Stat(r.bin); err != nil {
		return r, fmt.Errorf("the program to kill: %w; `make build` builds it", err)
	}
	if r.dir, err = os.MkdirTemp("", "chargegraph-crash-"); err != nil {
		return r, err
	}
	addr, err := child.FreeAddr(ctx)
	if err != nil {
		return r, err
	}
	r.upstream = "http://" + addr
	r.simulator, err = start("the simulator", r.bin, "sandbox", "-sites", fmt.Sprint(worldSites), "-seed", fmt.Sprint(o.seed), "-fault", faults()[0], "-fault", faults()[1],
		"-ocm-key", ocmKey, "-ocm-addr", addr, "-plugshare-addr", "127.0.0.1:0", "-ocpi-addr", "127.0.0.1:0", "-ocpplab-addr", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	if err = r.simulator.wait(ctx, func(ctx context.Context) error { return r.explore(ctx) }); err != nil {
		return r, err
	}
	return r, nil
}

// close ends the simulator and removes all files.
func (r *rig) close() {
	if r.simulator != nil {
		r.simulator.kill()
	}
	r.client.CloseIdleConnections()
	if r.dir != "" {
		_ = os.RemoveAll(r.dir) // nothing is left to do with it
	}
}

// explore learns which sites there are, and who may sign in.
func (r *rig) explore(ctx context.Context) error {
	var list []struct{ ID int }
	if err := r.get(ctx, "/v3/poi?compact=true&verbose=false&maxresults="+fmt.Sprint(usedSites)+"&key="+ocmKey, &list); err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("the simulator knows no sites")
	}
	r.sites = nil
	for _, p := range list {
		r.sites = append(r.sites, fmt.Sprintf("poi:ocm:%d", p.ID))
	}
	return r.readAccount()
}

// readAccount finds the account in what the simulator says when it starts.
func (r *rig) readAccount() error {
	said := r.simulator.said.String()
	for i, name := range []string{"username: ", "password: "} {
		_, rest, ok := strings.Cut(said, name)
		value, _, _ := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
		if !ok || value == "" {
			return errors.New("the simulator does not tell of an account to sign in with")
		}
		r.account[i] = value
	}
	return nil
}

// get reads what the simulator has at a path.
func (r *rig) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.upstream+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "chargegraph-crash")
	return r.do(req, into)
}

// do sends a request; an answer other than 200 is an error.
func (r *rig) do(req *http.Request, into any) error {
	res, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return &statusError{res.StatusCode, string(text)}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// statusError is an answer other than 200.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %.300s", e.status, e.text) }

// ambiguity lets the simulator answer so that nobody can tell, or not.
func (r *rig) ambiguity(ctx context.Context, on bool) error {
	method, body := http.MethodDelete, ""
	if on {
		method, body = http.MethodPut, strings.Join(faults(), "\n")
	}
	req, err := http.NewRequestWithContext(ctx, method, r.upstream+"/_sandbox/faults", strings.NewReader(body))
	if err != nil {
		return err
	}
	return r.do(req, nil)
}

// comments returns those whose text begins with prefix.
func (r *rig) comments(ctx context.Context, prefix string) ([]comment, error) {
	var all struct{ Comments []comment }
	if err := r.get(ctx, "/_sandbox/comments", &all); err != nil {
		return nil, fmt.Errorf("count what arrived: %w", err)
	}
	return slices.DeleteFunc(all.Comments, func(c comment) bool { return !strings.HasPrefix(c.Comment, prefix) }), nil
}

// stage is one part while it runs: its servers, and what they keep things in.
type stage struct {
	*rig
	part

	redis   *keeper // nil: SQLite
	servers []*server

	mu       sync.Mutex
	kills    int
	failures map[string]int  // of submissions, by what went wrong
	served   []time.Duration // by those that were killed, after they had first answered
}

// server is one chargegraph, and those that come after it on the same address.
type server struct {
	name   string
	url    string
	config string // file
	proc   *process
}

// newStage starts what p needs. It must be closed.
func (r *rig) newStage(ctx context.Context, p part) (s *stage, err error) {
	s = &stage{rig: r, part: p, failures: make(map[string]int)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	dir := filepath.Join(r.dir, p.name)
	if err = os.Mkdir(dir, 0o700); err != nil {
		return s, err
	}
	store := "store: " + quoted("sqlite:"+filepath.Join(dir, "check-ins.db"))
	if p.redis {
		if s.redis, err = newKeeper(ctx, dir); err != nil {
			return s, err
		}
		store = "store: redis"
	}
	for i := range p.servers {
		addr, err := child.FreeAddr(ctx)
		if err != nil {
			return s, err
		}
		v := &server{name: fmt.Sprintf("server %d", i+1), url: "http://" + addr, config: filepath.Join(dir, fmt.Sprintf("server%d.yaml", i+1))}
		if err = os.WriteFile(v.config, []byte(s.configuration(addr, store)), 0o600); err != nil {
			return s, err
		}
		if v.proc, err = r.startServer(v); err != nil {
			return s, err
		}
		s.servers = append(s.servers, v)
		if err = v.proc.wait(ctx, func(ctx context.Context) error { return r.healthy(ctx, v) }); err != nil {
			return s, err
		}
	}
	return s, r.ambiguity(ctx, true)
}

// quoted returns text as a scalar of YAML.
func quoted(text string) string {
	b, _ := json.Marshal(text) // of a string: cannot fail
	return string(b)
}

// configuration is that of a server: everything but the times of delivery is as
// in production, and those are so short that minutes are enough.
func (s *stage) configuration(addr, store string) string {
	sum := sha256.Sum256([]byte(s.secret))
	redisURL, marker := "", ""
	if s.redis != nil {
		redisURL = "redis: " + quoted("redis://"+s.redis.addr) + "\n"
	}
	if s.marked {
		marker = ", markerURL: " + quoted(markerURL)
	}
	return "addr: " + quoted(addr) + "\n" + redisURL +
		"sources:\n  - {provider: ocm, url: " + quoted(s.upstream+"/v3") + ", key: " + quoted(ocmKey) +
		", username: " + quoted(s.account[0]) + ", password: " + quoted(s.account[1]) + ", budget: {calls: 100000, per: 1m}}\n" +
		"checkins:\n  " + store + "\n  secret: \"the-secret-of-a-service-that-is-killed-all-the-time\"" + strings.ReplaceAll(marker, ", ", "\n  ") +
		"\n  sendTimeout: 1s\n  lease: 2s\n  lag: 500ms\n  firstRetry: 100ms\n  maxRetry: 1s\n  workers: 8\n  perHour: 10000000\n  atOnce: 1000000\n" +
		"auth: {apiKeys: [{id: " + callerID + ", hash: \"sha256:" + hex.EncodeToString(sum[:]) + "\"}], limits: {costPerSecond: 10000000, burst: 100000000, concurrent: 1000}}\n"
}

func (r *rig) startServer(v *server) (*process, error) {
	return start(v.name, r.bin, "-config", v.config)
}

func (r *rig) healthy(ctx context.Context, v *server) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+"/healthz", nil)
	if err != nil {
		return err
	}
	return r.do(req, nil)
}

// close ends all that the stage started.
func (s *stage) close() {
	for _, v := range s.servers {
		if v.proc != nil {
			v.proc.kill()
		}
	}
	if s.redis != nil {
		s.redis.proc.kill()
	}
}

// The times between two kills.
const (
	shortestLife, longestLife           = 150 * time.Millisecond, 350 * time.Millisecond
	shortestRedisLife, longestRedisLife = 300 * time.Millisecond, 700 * time.Millisecond
)

func between(shortest, longest time.Duration) time.Duration {
	return shortest + mathrand.N(longest-shortest) //nolint:gosec // chance, no secret
}

// storm kills and starts again until ctx ends; then everything runs. Most lives
// are counted from the first answer, since a busy machine takes longer than that
// to start a program; every fifth from the start, so that starting is broken off, too.
func (s *stage) storm(ctx, whole context.Context) error {
	for turn := 0; ctx.Err() == nil; turn++ {
		if s.killRedis {
			pause(ctx, between(shortestRedisLife, longestRedisLife))
			s.redis.proc.kill()
			s.killed("redis-server", 0)
			if err := s.redis.start(whole); err != nil {
				return err
			}
			continue
		}
		v := s.servers[turn%len(s.servers)]
		var since time.Time
		if turn%5 != 4 {
			if err := v.proc.wait(whole, func(ctx context.Context) error { return s.healthy(ctx, v) }); err != nil {
				return err
			}
			since = time.Now()
		}
		pause(ctx, between(shortestLife, longestLife))
		v.proc.kill()
		served := time.Duration(0)
		if !since.IsZero() {
			served = time.Since(since)
		}
		s.killed(v.name, served)
		var err error
		if v.proc, err = s.startServer(v); err != nil {
			return err
		}
	}
	for _, v := range s.servers {
		if err := v.proc.wait(whole, func(ctx context.Context) error { return s.healthy(ctx, v) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) killed(name string, served time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills++
	if served > 0 {
		s.served = append(s.served, served)
	}
	if s.verbose {
		_, _ = fmt.Fprintf(s.log, "%s: killed %s after %v\n", s.name, name, served.Round(time.Millisecond))
	}
}

// failed counts a submission that was not acknowledged.
func (s *stage) failed(err error) {
	text := err.Error()
	status, answered := errors.AsType[*statusError](err)
	switch {
	case answered:
		text = fmt.Sprintf("status %d", status.status) // its text may differ each time
	case errors.Is(err, syscall.ECONNREFUSED):
		text = "nobody listened"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		text = "the connection broke"
	case errors.Is(err, context.DeadlineExceeded):
		text = "no answer in time"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) < maxFailures || s.failures[text] > 0 {
		s.failures[text]++
	}
}

// maxFailures bounds the kinds of failures that are told apart.
const maxFailures = 20

// keeper is a redis-server that has each write on its disk before it answers.
type keeper struct {
	addr string
	dir  string
	proc *process
}

func newKeeper(ctx context.Context, dir string) (*keeper, error) {
	addr, err := child.FreeAddr(ctx)
	if err != nil {
		return nil, err
	}
	k := &keeper{addr: addr, dir: dir}
	return k, k.start(ctx)
}

// start starts it over what its log has kept.
func (k *keeper) start(ctx context.Context) (err error) {
	_, port, err := net.SplitHostPort(k.addr)
	if err != nil {
		return err
	}
	k.proc, err = start("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", k.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
	if err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: k.addr, MaxRetries: -1, PoolSize: 1})
	defer client.Close() //nolint:errcheck // nothing is left to do with it
	return k.proc.wait(ctx, func(ctx context.Context) error { return client.Ping(ctx).Err() })
}

// retry lets the person on duty try a check-in again.
func (s *stage) retry(ctx context.Context, id string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, s.bin, "checkins", "retry", "-config", s.servers[0].config, id) //nolint:gosec // our own program
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("chargegraph checkins retry %s: %w: %s", id, err, said.String())
	}
	return nil
}

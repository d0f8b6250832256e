package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"chargegraph/cmd/internal/child"
	"chargegraph/providers"
	"chargegraph/providers/conflate"
	"chargegraph/providers/sandbox"
)

// ocmKey is a key as Open Charge Map gives them out; the sandbox takes any.
const ocmKey = "5a4db0c5-0000-4000-8000-00000000be9c"

// upstreamDelay is what a call to a directory takes in the workloads that have a
// slow one.
const upstreamDelay = 30 * time.Millisecond

// rig is what all workloads need: the simulator behind the proxy, Redis, the
// plain handler, and what is known of the world. It is used by one goroutine.
type rig struct {
	options

	log   io.Writer
	dir   string
	cores cores
	extra string // YAML to add to the servers' configuration
	// unknown are settings that this build does not have: an older release can be
	// measured too.
	unknown map[string]bool

	simulator string // its base address, without a path
	proxy     *proxy
	redis     string // host:port, "" without
	noRedis   string // why
	plain     *process
	plainAddr string
	control   *http.Client

	places []place
	spots  []spot

	notes      []string
	processes  []*process // all of them, in the order of their start
	peakServer peak
}

// peak is the most memory that a server had resident.
type peak struct {
	megabytes float64
	err       error
}

// newRig starts everything but the servers. Close must be called on it, unless
// it is an error.
func newRig(ctx context.Context, o options, log io.Writer) (r *rig, err error) {
	r = &rig{options: o, log: log, unknown: make(map[string]bool), control: &http.Client{Transport: newTransport(), Timeout: answerTimeout}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.binary, err = filepath.Abs(o.binary); err != nil {
		return r, err
	}
	if _, err = os.Stat(r.binary); err != nil {
		return r, fmt.Errorf("the program to measure: %w; `make build` builds it", err)
	}
	if o.extraConfig != "" {
		text, readErr := os.ReadFile(o.extraConfig)
		if readErr != nil {
			return r, fmt.Errorf("-with: %w", readErr)
		}
		r.extra = string(text)
	}
	if r.dir, err = os.MkdirTemp("", "chargegraph-bench-"); err != nil {
		return r, err
	}
	var why string
	if r.cores, why = divideCores(ctx); why != "" {
		r.note("%s", why)
	}
	r.noteLoad()
	r.say("sandbox: making a world of %d sites", o.sites)
	for _, part := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"sandbox", r.startSandbox},
		{"redis", r.startRedis},
		{"plain handler", r.startPlain},
		{"world", r.explore},
	} {
		if err = part.start(ctx); err != nil {
			return r, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return r, nil
}

// close ends all that was started, the last first, and removes the files.
func (r *rig) close() error {
	for _, p := range slices.Backward(r.processes) {
		p.stop()
	}
	r.control.CloseIdleConnections()
	var err error
	if r.proxy != nil {
		err = r.proxy.close()
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}

// say tells the person who waits what is going on.
func (r *rig) say(format string, args ...any) { _, _ = fmt.Fprintf(r.log, format+"\n", args...) }

// note is said and stands in the report.
func (r *rig) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.notes = append(r.notes, text)
	r.say("note: %s", text)
}

// noteLoad remarks that others are at work on this machine.
func (r *rig) noteLoad() {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return // not Linux: nobody knows
	}
	load, _, _ := strings.Cut(string(text), " ")
	const busy = 0.5 // of the cores
	if n, err := strconv.ParseFloat(load, 64); err == nil && n > busy*float64(runtime.NumCPU()) {
		r.note("the machine was busy before this began: load %s on %d cores; all figures are worse than they should be", load, runtime.NumCPU())
	}
}

func (r *rig) start(ctx context.Context, c command) (*process, error) {
	p, err := start(ctx, c)
	if err == nil {
		r.processes = append(r.processes, p)
	}
	return p, err
}

func (r *rig) startSandbox(ctx context.Context) error {
	addr, err := child.FreeAddr(ctx)
	if err != nil {
		return err
	}
	p, err := r.start(ctx, command{
		name: "chargegraph sandbox", cores: r.cores.rest, path: r.binary,
		args: []string{
			"sandbox", "-seed", fmt.Sprint(r.seed), "-sites", fmt.Sprint(r.sites), "-ocm-addr", addr,
			"-plugshare-addr", "127.0.0.1:0", "-ocpi-addr", "127.0.0.1:0", "-ocpplab-addr", "127.0.0.1:0",
		},
	})
	if err != nil {
		return err
	}
	r.simulator = "http://" + addr
	if err = p.wait(ctx, func(ctx context.Context) error { return r.steer(ctx, http.MethodGet, "") }); err != nil {
		return err
	}
	r.proxy, err = startProxy(ctx, r.simulator+"/v3")
	return err
}

// slow makes the simulator wait before each answer until fast is called.
func (r *rig) slow(ctx context.Context) error {
	return r.steer(ctx, http.MethodPut, "ocm=latency:"+upstreamDelay.String())
}

func (r *rig) fast(ctx context.Context) error { return r.steer(ctx, http.MethodDelete, "") }

// steer reads or changes what the simulator does wrong.
func (r *rig) steer(ctx context.Context, method, faults string) error {
	req, err := http.NewRequestWithContext(ctx, method, r.simulator+"/_sandbox/faults", strings.NewReader(faults))
	if err != nil {
		return err
	}
	return r.do(req)
}

func (r *rig) do(req *http.Request) error {
	res, err := r.control.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", req.URL.Path, res.Status, said)
	}
	return err
}

func (r *rig) startRedis(ctx context.Context) error {
	path, missing := exec.LookPath("redis-server")
	if missing != nil {
		r.noRedis = "redis-server not installed"
		r.note("%s: what needs it is left out, and the servers run without", r.noRedis)
		return nil //nolint:nilerr // the rest is measured without it
	}
	addr, err := child.FreeAddr(ctx)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	p, err := r.start(ctx, command{
		name: "redis-server", cores: r.cores.rest, path: path,
		args: []string{"--port", port, "--bind", "127.0.0.1", "--dir", r.dir, "--save", "", "--appendonly", "no"},
	})
	if err != nil {
		return err
	}
	r.redis = addr
	return p.wait(ctx, func(ctx context.Context) error { return r.redisSays(ctx, "PING", "+PONG") })
}

// redisSays sends an inline command and compares the answer.
func (r *rig) redisSays(ctx context.Context, command, want string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.redis)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // the answer is in our hands
	if err = conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err = conn.Write([]byte(command + "\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && strings.TrimSpace(line) != want {
		err = fmt.Errorf("redis answers %s with %q", command, line)
	}
	return err
}

func (r *rig) startPlain(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var said child.Tail
	r.plain, err = r.start(ctx, command{name: "plain handler", cores: r.cores.server, path: self, args: []string{plainCommand}, stdout: &said})
	if err != nil {
		return err
	}
	return r.plain.wait(ctx, func(context.Context) error {
		if r.plainAddr = said.String(); r.plainAddr == "" {
			return errors.New("it has not said where it listens")
		}
		return nil
	})
}

// setPlain makes the plain handler answer body.
func (r *rig) setPlain(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+r.plainAddr+"/answer", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return r.do(req)
}

// server is a chargegraph that is measured.
type server struct {
	*process

	addr string
}

// serve starts a server over the proxy. Shared ones use Redis, where there is one.
func (r *rig) serve(ctx context.Context, name string, shared bool) (*server, error) {
	addr, err := child.FreeAddr(ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(r.dir, name+".yaml")
	if err = os.WriteFile(file, []byte(r.config(addr)), 0o600); err != nil {
		return nil, err
	}
	var env []string
	if shared && r.redis != "" {
		env = append(env, "REDIS_URL=redis://"+r.redis)
	}
	p, err := r.start(ctx, command{
		name: "chargegraph " + name, cores: r.cores.server, path: r.binary, args: []string{"-config", file}, env: env,
	})
	if err != nil {
		return nil, err
	}
	err = p.wait(ctx, func(ctx context.Context) error {
		_, refused := once(ctx, addr, request(`{"query":"{__typename}"}`))
		return refused
	})
	return &server{p, addr}, err
}

// config is the file that a server reads.
func (r *rig) config(addr string) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "addr: %s\n", addr)
	if !r.unknown["cache"] {
		_, _ = fmt.Fprintf(&b, "cache: {maxBytes: %dMB}\n", r.cacheMB)
	}
	// Limits are on and looked at by every request, but all of this comes from one
	// address, and in a minute what real clients ask in hours.
	if !r.unknown["auth"] {
		b.WriteString("auth: {public: {costPerSecond: 1000000000, burst: 1000000000, concurrent: 1000}}\n")
	}
	more := ""
	if !r.unknown["budget"] {
		more = ", budget: {calls: 100000, per: 1m}"
	}
	if r.source != "" {
		more += ", " + r.source
	}
	_, _ = fmt.Fprintf(&b, "sources:\n  - {provider: ocm, url: %q, key: %q%s}\n", r.proxy.url, ocmKey, more)
	b.WriteString(r.extra)
	return b.String()
}

// fresh starts servers of these names on one Redis, where there is one, after
// all that earlier ones left behind was thrown away. The stop that it returns ends
// them; their peak memory is noted then.
func (r *rig) fresh(ctx context.Context, names ...string) (servers []*server, stop func(), err error) {
	stop = func() {
		for _, s := range servers {
			mb, memErr := s.peakMB()
			if memErr != nil {
				r.peakServer.err = memErr
			}
			r.peakServer.megabytes = max(r.peakServer.megabytes, mb)
			s.stop()
		}
	}
	if r.redis != "" {
		if err = r.redisSays(ctx, "FLUSHALL", "+OK"); err != nil {
			return nil, stop, err
		}
	}
	for _, name := range names {
		s, startErr := r.serve(ctx, name, true)
		if startErr != nil {
			stop()
			return nil, func() {}, startErr
		}
		servers = append(servers, s)
	}
	return servers, stop, nil
}

// explore finds out where the POIs are, by asking a server that is not measured.
func (r *rig) explore(ctx context.Context) error {
	s, err := r.scout(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	seen := make(map[string]bool)
	for _, city := range sandbox.DefaultParams().Cities {
		p := place{providers.Point{Lat: city.Lat, Lon: city.Lon}, city.RadiusKM}
		r.places = append(r.places, p)
		at := providers.Bounds{South: city.Lat, West: city.Lon, North: city.Lat, East: city.Lon}
		const parts = 4 // a box of which seldom has more than a page
		spots, err := listParts(ctx, s.addr, at.Grow(city.RadiusKM*1000), parts)
		if err != nil {
			return fmt.Errorf("ask for the POIs of %s: %w", city.Key, err)
		}
		for _, spot := range spots {
			if !seen[spot.id] {
				seen[spot.id] = true
				r.spots = append(r.spots, spot)
			}
		}
	}
	r.say("the world has %d POIs in %d cities", len(r.spots), len(r.places))
	return nil
}

// scout starts a server that is not measured, and finds out which settings this
// build does not have.
func (r *rig) scout(ctx context.Context) (*server, error) {
	for {
		s, err := r.serve(ctx, "scout", false)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		found := false
		for _, name := range []string{"cache", "auth", "budget"} {
			if !r.unknown[name] && strings.Contains(err.Error(), `unknown field "`+name+`"`) {
				r.unknown[name], found = true, true
				r.note("this build has no setting %q: it is measured without", name)
			}
		}
		if !found {
			return nil, err
		}
	}
}

// alone returns how many bytes the simulator sends, on average, when it is asked
// for each of the viewports alone, grown by as much as one source needs for
// matching. It asks for as many of them as the limit allows, in no order, and
// returns how many those were.
func (r *rig) alone(ctx context.Context, viewports []providers.Bounds, limit time.Duration) (mean float64, asked int, err error) {
	sample := r.proxy.area.Load()
	if sample == nil {
		return 0, 0, errors.New("the server has not asked for a box yet")
	}
	transport := newTransport()
	defer transport.CloseIdleConnections()
	const purpose = 1 << 34
	var sum int64
	end := time.Now().Add(limit)
	for _, i := range source(r.seed, purpose).Perm(len(viewports)) {
		if asked > 0 && time.Now().After(end) {
			break
		}
		b := viewports[i].Grow(conflate.Reach(1))
		n, err := sizeOf(ctx, transport, r.simulator, sample, fmt.Sprintf("(%f,%f),(%f,%f)", b.South, b.West, b.North, b.East))
		if err != nil {
			return 0, asked, err
		}
		sum += n
		asked++
	}
	if sum == 0 {
		return 0, asked, errors.New("the simulator sends nothing")
	}
	return float64(sum) / float64(asked), asked, nil
}

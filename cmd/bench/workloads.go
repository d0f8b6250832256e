package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"chargegraph/providers"
)

// workload is one part of the whole, which can be run alone.
type workload struct {
	name, about string
	run         func(context.Context, *rig, *report) error
}

func workloads() []workload {
	return []workload{
		{"W1", "one viewport, asked again and again", runHot},
		{"W1B", "what replica A has answered, asked of replica B", runReplica},
		{"W2", "sessions that pan and zoom", runPan},
		{"W3", "viewports that share nothing", runCold},
		{"W4", "one POI by its id", runDetail},
		{"W5", "many clients ask for one new viewport at once", runStampede},
	}
}

// choose returns the workloads that are named, in their order; all for "".
func choose(only string) ([]workload, error) {
	all := workloads()
	if only == "" {
		return all, nil
	}
	var chosen []workload
	names := strings.Split(strings.ToUpper(only), ",")
	for _, w := range all {
		if i := slices.Index(names, w.name); i >= 0 {
			chosen, names = append(chosen, w), slices.Delete(names, i, i+1)
		}
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("-only: there is no workload %q: W1, W1B, W2, W3, W4 and W5 are", names[0])
	}
	return chosen, nil
}

// The parts of the whole time that the workloads take; starts and comparisons
// take the rest.
const (
	shareHot       = 0.08 // for each of three sizes
	shareReplica   = 0.08
	sharePan       = 0.20
	sharePanOne    = 0.12
	shareAlone     = 0.12 // what W2 is compared with
	shareCold      = 0.12
	shareSeen      = 0.05
	shareUnseen    = 0.05
	shareStampede  = 0.05 // for each of one and two servers
	hotTurns       = 4    // of server and plain handler, so that a noisy moment meets both
	hotPlain       = 0.35 // of the time of a turn
	hotClients     = 16
	replicaClients = 8
	tolerated      = 20 // of so many answers one may be late or partial; it is noted
	panSessions    = 24
	panViewports   = 1000
	page           = 100 // POIs that are asked for, and that viewports of one size hold
	stampedeSize   = 64
	stampedes      = 12
)

func (r *rig) share(part float64) time.Duration { return time.Duration(float64(r.total) * part) }

// sample is what a load cost.
type sample struct {
	outcome

	cpu    time.Duration
	cpuErr error
	up     passed
}

// measure drives a load and reads what it cost s.
func (r *rig) measure(ctx context.Context, s *process, l load) (sample, error) {
	var m sample
	var before, after time.Duration
	up := r.proxy.passed()
	before, m.cpuErr = s.cpu()
	var err error
	m.outcome, err = drive(ctx, l)
	if m.cpuErr == nil {
		after, m.cpuErr = s.cpu()
	}
	m.cpu, m.up = after-before, r.proxy.passed().since(up)
	if err == nil {
		err = m.err()
	}
	if err != nil && m.refused*tolerated <= m.answers && ctx.Err() == nil && m.answers > 0 {
		r.note("%s: %v", s.name, err)
		err = nil
	}
	if end := s.ended(); end != nil {
		err = errors.Join(err, end)
	}
	return m, err
}

// add joins two samples.
func (m *sample) add(n sample) {
	m.outcome.add(n.outcome)
	m.cpu += n.cpu
	if m.cpuErr == nil {
		m.cpuErr = n.cpuErr
	}
	m.up.calls += n.up.calls
	m.up.bytes += n.up.bytes
}

// over returns the camera over the first of the cities that shows n POIs.
func (r *rig) over(n int) (camera, error) {
	c, ok := around(r.places[0].centre, r.spots, n, farthestZoom)
	if !ok {
		return c, fmt.Errorf("the world is too thin for a viewport of %d POIs: use more -sites", n)
	}
	return c, nil
}

// runHot is W1.
func runHot(ctx context.Context, r *rig, rep *report) error {
	var failed error
	for _, size := range []struct {
		pois  int
		limit float64
		peers string
	}{{20, 0.05, "0.18"}, {100, 0.07, "0.44"}, {500, 0.14, "1.53"}} {
		name := fmt.Sprintf("W1-%d", size.pois)
		got, plain, err := r.hot(ctx, size.pois)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		rep.row(name, got)
		rep.row(name+" plain", plain)
		rep.atMost(name+" CPU per request", "ms", got.cpuMS(), size.limit, size.peers)
		rep.atMost(name+" CPU, × plain handler", "", got.cpuMS().over(plain.cpuMS()), 2, "")
	}
	return failed
}

func (r *rig) hot(ctx context.Context, n int) (got, plain sample, err error) {
	view, err := r.over(n)
	if err != nil {
		return got, plain, err
	}
	servers, stop, err := r.fresh(ctx, "w1")
	if err != nil {
		return got, plain, err
	}
	defer stop()
	question := askMap(view.bounds(), n)
	answer, err := once(ctx, servers[0].addr, question)
	if err == nil {
		err = checkWhole(0, 0, answer)
	}
	if found := bytes.Count(answer, []byte(`"id":"poi:`)); err == nil && found != n {
		err = fmt.Errorf("the viewport should hold %d POIs, but the answer has %d", n, found)
	}
	if err == nil {
		err = r.setPlain(ctx, answer)
	}
	if err != nil {
		return got, plain, err
	}
	l := load{
		clients: hotClients,
		next:    func(int, int) []byte { return question },
		check:   checkSame(answer),
	}
	turn := r.share(shareHot) / (hotTurns + 1)
	for i := range hotTurns + 1 {
		for _, side := range []struct {
			process *process
			addr    string
			part    float64
			sum     *sample
		}{{servers[0].process, servers[0].addr, 1 - hotPlain, &got}, {r.plain, r.plainAddr, hotPlain, &plain}} {
			l.addrs, l.limit = []string{side.addr}, time.Duration(float64(turn)*side.part)
			m, err := r.measure(ctx, side.process, l)
			if err != nil {
				return got, plain, err
			}
			if i > 0 { // the first turn warms up
				side.sum.add(m)
			}
		}
	}
	return got, plain, nil
}

// runReplica is W1 B. What A has answered is asked of B soon after, since answers
// are kept for seconds. A replica believes what others have answered once it has
// listened to invalidations for longer than their clocks may differ: until then
// both warm up.
func runReplica(ctx context.Context, r *rig, rep *report) error {
	const name = "W1-100 B"
	const goal = name + " CPU, answered by A"
	const limit, peers = 0.12, "0.58"
	if r.redis == "" {
		rep.leftOut(name, r.noRedis)
		rep.unknown(goal, "ms", limit, peers, r.noRedis)
		return nil
	}
	view, err := r.over(page + page/10) // enough for a full page wherever it is shifted
	if err != nil {
		return err
	}
	servers, stop, err := r.fresh(ctx, "a", "b")
	if err != nil {
		return err
	}
	defer stop()
	const batch, warmUp = 64, 3 * time.Second
	var got sample
	began := time.Now()
	for i := 0; got.answers == 0 || time.Since(began) < warmUp+r.share(shareReplica); i++ {
		warm := time.Since(began) >= warmUp
		viewports := make([]providers.Bounds, batch)
		for k := range viewports {
			viewports[k] = view.shifted(i*batch + k)
		}
		questions := askMaps(viewports, page)
		answers := make([][]byte, batch)
		l := load{addrs: []string{servers[0].addr}, clients: replicaClients, next: inTurn(deal(questions, replicaClients))}
		l.check = func(client, n int, body []byte) error {
			answers[n*replicaClients+client] = slices.Clone(body)
			return checkWhole(client, n, body)
		}
		if _, err = r.measure(ctx, servers[0].process, l); err != nil {
			return fmt.Errorf("replica A: %w", err)
		}
		l.addrs = []string{servers[1].addr}
		l.check = func(client, n int, body []byte) error {
			if !bytes.Equal(body, answers[n*replicaClients+client]) {
				return fmt.Errorf("not what replica A answered: %.200s", body)
			}
			return nil
		}
		m, err := r.measure(ctx, servers[1].process, l)
		if err != nil {
			return fmt.Errorf("replica B: %w", err)
		}
		if warm {
			got.add(m)
		}
	}
	rep.row(name, got)
	rep.atMost(goal, "ms", got.cpuMS(), limit, peers)
	return nil
}

// runPan is W2.
func runPan(ctx context.Context, r *rig, rep *report) error {
	walks := sessions(r.seed, r.places, panSessions, panViewports)
	lists := make([][][]byte, len(walks))
	for i, walk := range walks {
		lists[i] = askMaps(walk, page)
	}
	return errors.Join(r.pan(ctx, rep, walks, lists), r.panAlone(ctx, rep, lists))
}

// pan lets all sessions go on at once and counts what that asks of the source.
func (r *rig) pan(ctx context.Context, rep *report, walks [][]providers.Bounds, lists [][][]byte) error {
	servers, stop, err := r.fresh(ctx, "w2")
	if err != nil {
		return err
	}
	defer stop()
	asked := make([]int, len(lists))
	got, err := r.measure(ctx, servers[0].process, load{
		addrs: []string{servers[0].addr}, clients: len(lists), limit: r.share(sharePan), next: inTurn(lists),
		check: func(client, n int, body []byte) error {
			asked[client] = n + 1
			return checkWhole(client, n, body)
		},
	})
	if err != nil {
		return err
	}
	if got.timedOut {
		r.note("W2: %d of %d viewports were asked in the time there was: shorter walks share less", got.answers, panViewports)
	}
	var viewports []providers.Bounds
	for i, walk := range walks {
		viewports = append(viewports, walk[:asked[i]]...)
	}
	without, n, err := r.alone(ctx, viewports, r.share(shareAlone))
	if err != nil {
		return fmt.Errorf("what the viewports would cost without a cache: %w", err)
	}
	if n < len(viewports) {
		r.note("W2: bytes without a cache are the mean of %d of the %d viewports", n, len(viewports))
	}
	rep.row("W2", got)
	rep.atMost("W2 upstream calls per query", "", known(per(float64(got.up.calls), got.answers)), 0.20, "1.00")
	rep.atMost("W2 upstream bytes, × no cache", "", known(per(float64(got.up.bytes), got.answers)/without), 1.3, "1")
	return nil
}

// panAlone lets one client walk all sessions, over a slow upstream.
func (r *rig) panAlone(ctx context.Context, rep *report, lists [][][]byte) (err error) {
	servers, stop, err := r.fresh(ctx, "w2-100")
	if err != nil {
		return err
	}
	defer stop()
	if err = r.slow(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.fast(context.WithoutCancel(ctx))) }()
	got, err := r.measure(ctx, servers[0].process, load{
		addrs: []string{servers[0].addr}, clients: 1, limit: r.share(sharePanOne), next: inTurn([][][]byte{slices.Concat(lists...)}),
	})
	if err != nil {
		return err
	}
	rep.row("W2-100 30 ms", got)
	rep.atMost("W2-100 p50, upstream 30 ms", "ms", known(milliseconds(percentile(got.latency, 0.5))), 5, "36")
	return nil
}

// runCold is W3. A world has few viewports that share nothing, so that servers
// are started until the time is up; each has answered elsewhere before it is
// measured, or the growth of its heap would be all that is seen.
func runCold(ctx context.Context, r *rig, rep *report) error {
	viewports, elsewhere, err := r.coldViewports()
	if err != nil {
		return err
	}
	questions := askMaps(viewports, page)
	const warmUp = 40
	var got sample
	for end := time.Now().Add(r.share(shareCold)); got.answers == 0 || time.Now().Before(end); {
		if err = r.coldRound(ctx, questions, askFresh(elsewhere, page), warmUp, &got); err != nil {
			return err
		}
	}
	rep.row("W3-100", got)
	rep.atMost("W3-100 CPU per request", "ms", got.cpuMS(), 5, "6.1")
	return nil
}

func (r *rig) coldRound(ctx context.Context, questions [][]byte, elsewhere []byte, warmUp int, sum *sample) error {
	servers, stop, err := r.fresh(ctx, "w3")
	if err != nil {
		return err
	}
	defer stop()
	l := load{addrs: []string{servers[0].addr}, clients: 1, next: inTurn([][][]byte{slices.Repeat([][]byte{elsewhere}, warmUp)})}
	if _, err = r.measure(ctx, servers[0].process, l); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	l.next = inTurn([][][]byte{questions})
	got, err := r.measure(ctx, servers[0].process, l)
	sum.add(got)
	return err
}

// coldViewports returns viewports of a page of POIs that share nothing, and one
// more for warming up.
func (r *rig) coldViewports() (viewports []providers.Bounds, elsewhere providers.Bounds, err error) {
	all := apart(r.places, r.spots, page)
	if len(all) < 2 {
		return nil, elsewhere, fmt.Errorf("the world has %d viewports of %d POIs that share nothing, and two are needed: use more -sites", len(all), page)
	}
	return all[:len(all)-1], all[len(all)-1], nil
}

// runDetail is W4.
func runDetail(ctx context.Context, r *rig, rep *report) error {
	return errors.Join(r.seen(ctx, rep), r.unseen(ctx, rep))
}

func (r *rig) seen(ctx context.Context, rep *report) error {
	const population, exponent = 500, 1.1 // a few POIs are looked at by everybody
	view, err := r.over(population)
	if err != nil {
		return err
	}
	servers, stop, err := r.fresh(ctx, "w4")
	if err != nil {
		return err
	}
	defer stop()
	shown, err := list(ctx, servers[0].addr, view.bounds())
	if err != nil {
		return err
	}
	questions := make([][]byte, len(shown))
	for i, s := range shown {
		questions[i] = askDetail(s.id)
	}
	draws := make([]func() []byte, hotClients)
	for i := range draws {
		draws[i] = zipf(r.seed, uint64(i), exponent, questions)
	}
	got, err := r.measure(ctx, servers[0].process, load{
		addrs: []string{servers[0].addr}, clients: hotClients, limit: r.share(shareSeen),
		next: func(client, _ int) []byte { return draws[client]() },
	})
	if err != nil {
		return err
	}
	rep.row("W4 seen", got)
	rep.atMost("W4 seen, CPU per request", "ms", got.cpuMS(), 0.08, "0.32")
	rep.atMost("W4 seen, upstream calls", "", known(float64(got.up.calls)), 0, "")
	return nil
}

// zipf returns a function that draws from questions by Zipf's law. Which of them
// are the favourites does not depend on their order.
func zipf(seed, client uint64, exponent float64, questions [][]byte) func() []byte {
	const favourites = 1 << 32 // a purpose that no session has
	order := source(seed, favourites).Perm(len(questions))
	last := uint64(len(questions) - 1) //nolint:gosec // the callers have questions
	draw := rand.NewZipf(source(seed, favourites+1+client), exponent, 1, last)
	return func() []byte { return questions[order[draw.Uint64()]] }
}

func (r *rig) unseen(ctx context.Context, rep *report) error {
	servers, stop, err := r.fresh(ctx, "w4-unseen")
	if err != nil {
		return err
	}
	defer stop()
	const purpose, clients, warmUp = 1 << 33, 4, 50
	var questions [][]byte
	for _, i := range source(r.seed, purpose).Perm(len(r.spots)) {
		questions = append(questions, askDetail(r.spots[i].id))
	}
	if len(questions) <= warmUp {
		return fmt.Errorf("the world has only %d POIs: use more -sites", len(questions))
	}
	l := load{addrs: []string{servers[0].addr}, clients: clients, next: inTurn(deal(questions[:warmUp], clients))}
	if _, err = r.measure(ctx, servers[0].process, l); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	l.limit, l.next = r.share(shareUnseen), inTurn(deal(questions[warmUp:], clients))
	got, err := r.measure(ctx, servers[0].process, l)
	if err != nil {
		return err
	}
	rep.row("W4 unseen", got)
	rep.atMost("W4 unseen, CPU per request", "ms", got.cpuMS(), 1.5, "")
	rep.atMost("W4 unseen, upstream calls per query", "", known(per(float64(got.up.calls), got.answers)), 2, "")
	return nil
}

// runStampede is W5, on one server and on two.
func runStampede(ctx context.Context, r *rig, rep *report) error {
	const goal = "W5 upstream calls per new viewport, at worst"
	err := r.stampede(ctx, rep, "W5", goal, "53", "w5")
	if r.redis == "" {
		rep.leftOut("W5 2 servers", r.noRedis)
		rep.unknown(goal+", 2 servers", "", 1, "", r.noRedis)
		return err
	}
	return errors.Join(err, r.stampede(ctx, rep, "W5 2 servers", goal+", 2 servers", "", "w5-a", "w5-b"))
}

func (r *rig) stampede(ctx context.Context, rep *report, name, goal, peers string, names ...string) (err error) {
	viewports, elsewhere, err := r.coldViewports()
	if err != nil {
		return err
	}
	servers, stop, err := r.fresh(ctx, names...)
	if err != nil {
		return err
	}
	defer stop()
	l := load{clients: stampedeSize}
	for _, s := range servers {
		l.addrs = append(l.addrs, s.addr)
		if _, err = once(ctx, s.addr, askMap(elsewhere, page)); err != nil { // reference data is read once, and not by a stampede
			return err
		}
	}
	if err = r.slow(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.fast(context.WithoutCancel(ctx))) }()
	var got sample
	fewest, most := int64(1<<62), int64(0)
	end := time.Now().Add(r.share(shareStampede))
	for i, v := range viewports[:min(stampedes, len(viewports))] {
		if i > 0 && time.Now().After(end) {
			break
		}
		question := askMap(v, page)
		l.next = func(_, n int) []byte {
			if n == 0 {
				return question
			}
			return nil
		}
		m, err := r.measure(ctx, servers[0].process, l)
		if err != nil {
			return err
		}
		got.add(m)
		fewest, most = min(fewest, m.up.calls), max(most, m.up.calls)
	}
	if len(servers) > 1 {
		got.cpuErr = errors.New("spread over two servers")
	}
	rep.row(name, got)
	rep.exactlyOne(goal, fewest, most, peers)
	return nil
}

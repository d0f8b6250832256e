package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// siegeLasts is how long everything happens at once.
	siegeLasts = 12 * time.Second
	// calmLasts is how long what is usual is measured, before and afterwards.
	calmLasts = siegeLasts / 2
	// warmLasts is how long people come before anything is measured: live sources
	// are asked once for what they then are known for.
	warmLasts = 2 * time.Second
	// ordinaryClients come 50 times a second together, which keeps a core busy for a
	// quarter of its time.
	ordinaryClients = 3
	ordinaryPause   = 60 * time.Millisecond
	// siegeMemory is what the process may have resident at once.
	siegeMemory = 256 << 20
	// siegeWork is the part of one core that all attacks together may cost.
	siegeWork = 0.5
	// waitFactor is how much longer than usual an ordinary client may wait.
	waitFactor = 2
	// waitNoise is what the clock of a machine that does other things adds.
	waitNoise = 5 * time.Millisecond
	// quietMachine is the part of its processors that may go to other programs while
	// waiting is judged: nobody here can do anything about those.
	quietMachine = 0.1
)

// TestSiege makes all attacks at once, beside ordinary clients, against a service
// in its default configuration over four simulated upstreams. Only batches are let
// in, for the sake of attacks by them, and the ordinary clients have a key.
//
// The upstreams are a process of their own, as real ones are: the made-up world
// takes some 50 MB, which no service has inside that stands on the internet. Resident
// memory is all that /proc tells of the service, pages of its file among it.
//
// Attackers burn more of a machine than the service does. Where there are two cores
// the service has one of them to itself, and all others share the rest, attackers
// what is left of that: so an ordinary client waits for the service, not for whoever
// attacks it. What is usual is measured by the same clients of the same process,
// before and after.
//
// SIEGE=all judges everything, as make siege does; SIEGE=bounds all but how long
// people wait, which tells something on a quiet machine only.
func TestSiege(t *testing.T) {
	judged := os.Getenv("SIEGE")
	if judged == "" {
		t.Skip("half a minute of attacks: make siege")
	}
	service, rest := divideCores(t)
	keepTo(t, rest)
	_, world := startProgram(t, nil, "sandbox", "-ocm-addr", "127.0.0.1:0", "-plugshare-addr", "127.0.0.1:0", "-ocpi-addr", "127.0.0.1:0", "-ocpplab-addr", "127.0.0.1:0")
	sources := world.wait(t, regexp.MustCompile(`(?s)(sources:\n.*ocpplab.*\n)`))
	b := besiege(t, sources+"checkins: {store: 'sqlite:"+filepath.Join(t.TempDir(), "checkins.db")+"'}\n", onCores(service)...)

	b.ordinary(t, warmLasts)
	work := b.processorTime(t)
	before := b.ordinary(t, calmLasts)
	usualWork := b.processorTime(t) - work
	idle, calm := b.memory(t, "VmRSS"), b.metric(t, "go_goroutines")
	b.forgetPeak(t)

	own, machine, began := ownTime(t), machineTime(t), time.Now()
	work = b.processorTime(t)
	attackers := b.attackers(t)
	under := b.ordinary(t, siegeLasts)
	s, theirs := attackers()
	work, own, machine = b.processorTime(t)-work, ownTime(t)-own, machineTime(t)-machine
	others := float64(machine-work-own-theirs) / float64(time.Since(began)) / float64(runtime.NumCPU())
	work -= usualWork * (siegeLasts / calmLasts) //nolint:durationcheck // the second is a number: how much longer
	peak := b.memory(t, "VmHWM")
	after := b.ordinary(t, calmLasts)
	usual := percentile(append(before, after...), 99)

	t.Logf("answers to attacks by status: %v; connections left open: %d", s.Answers, s.Held)
	t.Logf("ordinary clients, %d answers: p50 %v, %v under attack, %v afterwards; p99 %v, %v, %v", len(under),
		percentile(before, 50), percentile(under, 50), percentile(after, 50), percentile(before, 99), percentile(under, 99), percentile(after, 99))
	t.Logf("memory: %d MB before, %d MB at most; processor time for attacks: %v in %v; other programs took %.0f%% of the machine", idle>>20, peak>>20, work, siegeLasts, 100*others)
	if len(s.Leaks) > 0 {
		t.Errorf("answers show what is inside: %q", s.Leaks)
	}
	if s.Answers[http.StatusInternalServerError] > 0 || s.Answers[http.StatusOK] == 0 {
		t.Errorf("answers to attacks by status are %v, want none of 500 and some of 200", s.Answers)
	}
	if !underRace() {
		if peak > siegeMemory {
			t.Errorf("it took %d MB, want at most %d", peak>>20, siegeMemory>>20)
		}
		if most := time.Duration(siegeWork * float64(siegeLasts)); work > most {
			t.Errorf("attacks took %v of processor time, want at most %v", work, most)
		}
		switch got := percentile(under, 99); {
		case got <= waitFactor*usual+waitNoise:
		case judged == "bounds":
			t.Logf("ordinary clients wait %v in one of a hundred cases, usually %v: not judged here", got, usual)
		case others > quietMachine:
			t.Logf("ordinary clients wait %v in one of a hundred cases, usually %v: not judged, the machine is busy with other things", got, usual)
		default:
			t.Errorf("ordinary clients wait %v in one of a hundred cases, usually %v: want at most %d times as long", got, usual, waitFactor)
		}
	}
	for deadline := time.Now().Add(3 * answerWithin); ; {
		now := b.metric(t, "go_goroutines")
		if now <= calm+20 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%v goroutines are left, before there were %v", now, calm)
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	for _, gauge := range []string{"chargegraph_streams_open", "chargegraph_panics_total"} {
		if n := b.metric(t, gauge); n != 0 {
			t.Errorf("%s is %v", gauge, n)
		}
	}
}

// divideCores returns the first of the cores that this process may use, for the
// service, and the others; both are empty where they cannot be told apart.
func divideCores(t *testing.T) (service, rest string) {
	t.Helper()
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Log("taskset is not installed: the service shares its cores with whoever attacks it")
		return "", ""
	}
	out, err := exec.CommandContext(t.Context(), "taskset", "-cp", strconv.Itoa(os.Getpid())).Output()
	if err != nil {
		t.Fatal(err)
	}
	list := strings.TrimSpace(string(out[bytes.LastIndexByte(out, ':')+1:])) // such as 0-2,5
	first, after, _ := strings.Cut(list, ",")
	low, high, isRange := strings.Cut(first, "-")
	switch next, err := strconv.Atoi(low); {
	case err != nil:
		t.Fatalf("taskset: %s", out)
	case isRange && strconv.Itoa(next+1) != high:
		rest = strconv.Itoa(next+1) + "-" + high
	case isRange:
		rest = high
	}
	if rest = strings.Trim(rest+","+after, ","); rest == "" {
		t.Log("there is one core: the service shares it with whoever attacks it")
		return "", ""
	}
	return low, rest
}

// onCores returns what a command begins with that keeps to some cores.
func onCores(list string) []string {
	if list == "" {
		return nil
	}
	return []string{"taskset", "-c", list}
}

// keepTo keeps this process, and those that it starts, to some cores.
func keepTo(t *testing.T, list string) {
	t.Helper()
	if list == "" {
		return
	}
	if said, err := exec.CommandContext(t.Context(), "taskset", "-acp", list, strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
		t.Fatalf("taskset: %v: %s", err, said)
	}
}

// machineTime is what all programs have used of the processors.
func machineTime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(strings.SplitN(string(text), "\n", 2)[0])
	total := 0
	for i, f := range fields[1:9] { // user, nice, system, idle, iowait, irq, softirq, steal: hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		if i != 3 && i != 4 {
			total += n
		}
	}
	return time.Duration(total) * 10 * time.Millisecond
}

// ownTime is what this process has used.
func ownTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// ordinary is people who pan and zoom a map for that long. It returns how long
// each answer took; all have to be good.
func (b *besieged) ordinary(t *testing.T, long time.Duration) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var wg sync.WaitGroup
	for i := range ordinaryClients {
		wg.Go(func() {
			mine, err := b.person(i, long)
			mu.Lock()
			defer mu.Unlock()
			took, failed = append(took, mine...), errors.Join(failed, err)
		})
	}
	wg.Wait()
	if failed != nil {
		t.Fatalf("ordinary clients are not served: %v", failed)
	}
	return took
}

// person is one of them.
func (b *besieged) person(i int, long time.Duration) (took []time.Duration, err error) {
	client := clientFrom(net.IPv4(127, 0, 0, byte(2+i)))
	defer client.CloseIdleConnections()
	const bounds = `{south:%.5f,west:-0.2,north:51.55,east:%.5f}`
	tick := time.NewTicker(ordinaryPause)
	defer tick.Stop()
	for end := time.Now().Add(long); time.Now().Before(end); <-tick.C {
		i++
		box := fmt.Sprintf(bounds, 51.45+rand.Float64()/100, -0.1+rand.Float64()/100)
		document := [...]string{
			`query Viewport { pois(area:{bounds:` + box + `},first:20){nodes{id title operator{title} connections{type powerKw}}} }`,
			`query Map { clusters(bounds:` + box + `,zoom:11){clusters{count location{latitude longitude}} pois{id}} }`,
			`query Again { pois(` + london + `,first:20){nodes{id title}} }`,
			`query Site { poi(by:{id:"poi:ocm:20108"}){title address{formatted} connections{type powerKw quantity}} }`,
		}[i%4]
		r, err := b.doAs(client, http.MethodPost, "/graphql", strings.NewReader(question(document)), "Authorization", "Bearer "+b.key)
		switch {
		case err != nil:
			return took, err
		case r.status != http.StatusOK || bytes.Contains(r.body, []byte(`"errors"`)):
			return took, fmt.Errorf("answer is %d %s", r.status, clipped(r.body))
		}
		took = append(took, r.took)
	}
	return took, nil
}

func percentile(all []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(100 * time.Microsecond)
}

// memory returns a figure of the process in bytes.
func (b *besieged) memory(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in %s", name, text)
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// forgetPeak makes VmHWM begin anew.
func (b *besieged) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", b.pid), []byte("5"), 0); err != nil {
		t.Logf("the peak of memory counts from the start: %v", err)
	}
}

func (b *besieged) metric(t *testing.T, name string) float64 {
	t.Helper()
	client := clientFrom(net.IPv4(127, 0, 0, 1))
	defer client.CloseIdleConnections()
	r, err := b.doAs(client, http.MethodGet, "/metrics", http.NoBody)
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("/metrics is %d: %v", r.status, err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(r.body)
	if found == nil {
		t.Fatalf("no %s in /metrics", name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// attackers makes all attacks at once, by a process of its own that takes what
// others leave of the machine. found waits for its end, and tells what they have used.
func (b *besieged) attackers(t *testing.T) (found func() (s spoils, work time.Duration)) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "nice", "-n", "19", self)
	cmd.Env = append(os.Environ(), asAttacker+"="+b.addr)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() (s spoils, work time.Duration) {
		t.Helper()
		err := json.NewDecoder(out).Decode(&s)
		if werr := cmd.Wait(); err != nil || werr != nil {
			t.Fatalf("attackers: %v, %v", err, werr)
		}
		return s, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
}

// attack is the attackers' process.
func attack(addr string) {
	ctx, end := context.WithTimeout(context.Background(), siegeLasts)
	defer end()
	s := &siege{besieged: &besieged{addr: addr}, ctx: ctx, spoils: spoils{Answers: make(map[int]int)}}
	s.next.Store(10_000) // others than those of the process that started this one
	s.refused = slices.DeleteFunc(refusals(), func(a refusal) bool { return a.method != "" || a.reader != nil })
	s.zigzag = question(search, "a", object{"route": object{"distanceMeters": 50_000, "points": pointsOf(10_000, func(i int) (float64, float64) {
		return 51.4 + float64(i%2)/1000, float64(i) / 1e6
	})}})
	s.comb = question(search, "n", 500, "a", object{"polygon": object{"points": pointsOf(999, func(i int) (float64, float64) {
		return 51.5 + float64(i%2)/10, float64(i) / 5000 // of 500 teeth
	})}})
	for _, f := range []func(){
		s.refusals, s.refusals, s.drain, s.documents, s.everywhere,
		s.silent, s.slowHeads, s.slowBodies, s.unread, s.events, s.sockets,
	} {
		s.Go(f)
	}
	s.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(s.spoils); err != nil {
		panic(err)
	}
}

// spoils is what came of attacks.
type spoils struct {
	Answers map[int]int // by status; 0: none
	Leaks   []string    // what of the inside was shown
	Held    int         // connections that could be opened and left
}

// siege is the attacks that happen at once, until ctx ends.
type siege struct {
	*besieged
	sync.WaitGroup

	ctx          context.Context //nolint:containedctx // of the siege
	refused      []refusal
	zigzag, comb string

	mu sync.Mutex
	spoils
}

func (s *siege) goesOn(pause time.Duration) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// note counts an answer, 0 for none.
func (s *siege) note(r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Answers[r.status]++
	if found := inside.Find(r.body); found != nil {
		s.Leaks = append(s.Leaks, string(found))
	}
}

// repeat sends what make returns, one after another from one address.
func (s *siege) repeat(pause time.Duration, make func(i int) (body string, headers []string)) {
	client := clientFrom(s.attacker())
	defer client.CloseIdleConnections()
	for i := 0; s.goesOn(pause); i++ {
		body, headers := make(i)
		r, _ := s.doAs(client, http.MethodPost, "/graphql", strings.NewReader(body), headers...) // no answer is one too
		s.note(r)
	}
}

// refusals are what is refused at once.
func (s *siege) refusals() {
	from := rand.IntN(len(s.refused))
	s.repeat(25*time.Millisecond, func(i int) (string, []string) {
		a := s.refused[(from+i)%len(s.refused)]
		return a.body, a.headers
	})
}

// drain asks for as much as is let through.
func (s *siege) drain() {
	ghosts := func(i int) string {
		return question(`query($i:[ID!]!){nodes(ids:$i){id ...on POI{comments(first:100){nodes{text}} photos{nodes{url}}}}}`, "i",
			strings.Fields(strings.ReplaceAll(numbered(100, "poi:ocm:#@ "), "@", strconv.Itoa(i))))
	}
	s.repeat(20*time.Millisecond, func(i int) (string, []string) {
		switch i % 4 {
		case 0:
			return s.zigzag, nil
		case 1:
			return s.comb, nil
		case 2:
			return ghosts(i), nil
		}
		return question(fmt.Sprintf(`{pois(%s,first:%d){nodes{id title address{formatted} records{id} comments(first:1){nodes{text}} photos(first:1){nodes{url}}}}}`, london, 40+i)), nil
	})
}

// hold opens connections, sends a beginning over each and then a byte now and
// then, and reads nothing until the end.
func (s *siege) hold(n int, addresses int, begin []byte, drip string) {
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
	}()
	var from []net.IP
	for range addresses {
		from = append(from, s.attacker())
	}
	for i := range n {
		conn, err := dialer(from[i%len(from)]).DialContext(s.ctx, "tcp", s.addr)
		if err != nil {
			break // no more are to be had
		}
		conns = append(conns, conn)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err = conn.Write(begin); err == nil {
			s.mu.Lock()
			s.Held++
			s.mu.Unlock()
		}
	}
	for s.goesOn(500 * time.Millisecond) {
		for _, conn := range conns {
			if drip != "" {
				_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
				_, _ = io.WriteString(conn, drip) // some have been closed
			}
		}
	}
}

// silent connections say nothing.
func (s *siege) silent() {
	n := 2000
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		n = min(n, int(limit.Cur/4))
	}
	s.hold(n, 20, nil, "")
}

func (s *siege) slowHeads() {
	s.hold(300, 2, []byte("POST /graphql HTTP/1.1\r\nHost: a\r\n"), "X: y\r\n")
}

func (s *siege) slowBodies() {
	s.hold(300, 2, append([]byte("POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"), bytes.Repeat([]byte(" "), 60_000)...), " ")
}

// unread answers are as long as may be, and nobody takes them.
func (s *siege) unread() {
	long := question(fmt.Sprintf(`{pois(%s,first:500){nodes{id title generalComments connections{type powerKw}}}}`, london))
	s.hold(50, 1, []byte(strings.Repeat(whole(long), 5)), "")
}

// events are streams that nobody reads.
func (s *siege) events() {
	s.hold(200, 2, []byte(whole(question(`subscription{commentAdded(`+london+`){id}}`), "Accept: text/event-stream")), "")
}

// sockets have as many subscriptions as they may, are pinged without end, and
// nobody reads them.
func (s *siege) sockets() {
	begin := []byte("GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	begin = append(begin, frame(0x81, `{"type":"connection_init"}`)...)
	for i := range 100 {
		begin = append(begin, frame(0x81, fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"subscription{commentAdded(poiIds:[\"poi:ocm:1\"]){id}} #%s"}}`, i, strings.Repeat("x", 10_000)))...)
	}
	ping := string(frame(0x81, `{"type":"ping","payload":"`+strings.Repeat("x", 1000)+`"}`))
	s.hold(40, 2, begin, strings.Repeat(ping, 20))
}

// documents are valid, each another one, and to be remembered by their hash.
func (s *siege) documents() {
	filler := strings.Repeat(" ", 8_000)
	s.repeat(5*time.Millisecond, func(i int) (string, []string) {
		document := fmt.Sprintf(`query Q%d { __typename }%s`, i, filler)
		sum := sha256.Sum256([]byte(document))
		return fmt.Sprintf(`{"query":%q,"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, document, hex.EncodeToString(sum[:])), nil
	})
}

// everywhere is one request from each of thousands of addresses.
func (s *siege) everywhere() {
	for s.goesOn(2 * time.Millisecond) {
		conn, err := dialer(s.attacker()).DialContext(s.ctx, "tcp", s.addr)
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(answerWithin))
		if _, err = io.WriteString(conn, whole(`{"query":"{__typename}"}`)); err == nil {
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				s.note(reply{status: res.StatusCode})
				_ = res.Body.Close()
			}
		}
		_ = conn.Close()
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"chargegraph/server/access"
)

// asProgram makes the test binary be the program: memory and processor time of
// the service are then those of a process of its own. asAttacker makes it attack
// the address given, so that an ordinary client does not wait for its attackers.
const (
	asProgram  = "CHARGEGRAPH_TEST_AS_PROGRAM"
	asAttacker = "CHARGEGRAPH_TEST_AS_ATTACKER"
)

func TestMain(m *testing.M) {
	switch addr := os.Getenv(asAttacker); {
	case os.Getenv(asProgram) != "":
		main()
	case addr != "":
		attack(addr)
	default:
		os.Exit(m.Run())
	}
}

// underRace reports whether the race detector is built in, which makes the
// program ten times slower and larger.
func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// besieged is chargegraph as a process of its own, that takes batches of ten and
// knows one key.
type besieged struct {
	addr string
	key  string // of an ordinary client, whom no limit stops
	pid  int
	next atomic.Uint32 // address of an attacker
	said *log
}

// besiege starts it over the sandbox, or with what is to be added to its
// configuration. before stands before the command.
func besiege(t *testing.T, sources string, before ...string) *besieged {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc, and all of 127.0.0.0/8 as addresses of this machine: Linux only")
	}
	token, hash, err := access.NewKey(rand.Reader, "app")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, `addr: 127.0.0.1:0
auth: {apiKeys: [{id: app, hash: "`+hash+`", limits: {costPerSecond: 1e9, burst: 1e9, concurrent: 1000}}]}
server: {batch: 10}
`+sources)
	b := &besieged{key: token}
	b.pid, b.said = startProgram(t, before, "-config", file)
	b.addr = b.said.wait(t, regexp.MustCompile(`API +http://(\S+)/graphql`))
	return b
}

// startProgram starts the program, which ends with the test and has to end well.
func startProgram(t *testing.T, before []string, args ...string) (pid int, said *log) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := append(append(slices.Clone(before), self), args...)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	said = &log{ended: make(chan struct{}), more: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = said, said
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var failed error
	go func() {
		failed = cmd.Wait()
		close(said.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-said.ended
		if failed != nil {
			t.Errorf("it did not end cleanly: %v\n%s", failed, said)
		}
		if text := said.String(); strings.Contains(text, "panic") || strings.Contains(text, "goroutine ") || strings.Contains(text, "level=ERROR") {
			t.Errorf("something broke inside:\n%s", text)
		}
	})
	return cmd.Process.Pid, said
}

// startsWithin is how long a program may take to start, be it ten times slower
// under race.
const startsWithin = time.Minute

// log is what a program says.
type log struct {
	ended chan struct{} // closed when the program has
	more  chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(text)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits until the program has said something, and returns the part in brackets.
func (l *log) wait(t *testing.T, what *regexp.Regexp) string {
	t.Helper()
	late := time.After(startsWithin)
	for {
		if m := what.FindStringSubmatch(l.String()); m != nil {
			return m[1]
		}
		select {
		case <-l.more:
		case <-late:
			t.Fatalf("after %v it has not said %s:\n%s", startsWithin, what, l)
		case <-l.ended:
			t.Fatalf("it ended without saying %s:\n%s", what, l)
		}
	}
}

// attacker returns an address that nobody has come from yet: limits hold for each.
func (b *besieged) attacker() net.IP {
	n := b.next.Add(1)
	return net.IPv4(127, 1, byte(n/250), byte(n%250+1))
}

func dialer(from net.IP) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: answerWithin}
}

// clientFrom returns an HTTP client at an address.
func clientFrom(from net.IP) *http.Client {
	return &http.Client{
		Timeout: 4 * answerWithin,
		Transport: &http.Transport{
			DialContext: dialer(from).DialContext, DisableCompression: true, MaxIdleConnsPerHost: 100,
		},
	}
}

// answerWithin is how long anything may take to be refused or answered; clients
// wait for longer, as machines are busy with other things.
const answerWithin = 5 * time.Second

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// failure is the first error of an answer.
type failure struct {
	Message    string
	Extensions struct {
		Code, Limit string
		Value, Max  json.Number
	}
}

func (r reply) failure() (f failure) {
	var answer struct{ Errors []failure }
	if json.Unmarshal(r.body, &answer) == nil && len(answer.Errors) > 0 {
		f = answer.Errors[0]
	}
	return f
}

// do sends a request from an address of its own.
func (b *besieged) do(method, target string, body io.Reader, headers ...string) (reply, error) {
	client := clientFrom(b.attacker())
	defer client.CloseIdleConnections()
	return b.doAs(client, method, target, body, headers...)
}

func (b *besieged) doAs(client *http.Client, method, target string, body io.Reader, headers ...string) (reply, error) {
	req, err := http.NewRequest(method, "http://"+b.addr+target, body)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return answered(client, req)
}

// answered sends a request and reads all of its answer.
func answered(client *http.Client, req *http.Request) (reply, error) {
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, text, time.Since(start)}, err
}

// inside is what no answer may show of the inside: the folders of whoever built
// and runs it among them.
var inside = regexp.MustCompile(`goroutine \d|\.go:\d|runtime error|internal error|/home/|/Users/|chargegraph/(server|resolvers|loaders|providers)|127\.0\.0\.1:\d` + folders())

// folders returns, as alternatives of an expression, where this test was built
// and where its user and temporary files live.
func folders() string {
	text := ""
	home, _ := os.UserHomeDir() // "" where there is none
	here, _ := os.Getwd()
	built := filepath.Dir(filepath.Dir(here)) // cmd/chargegraph stands two deep
	for _, folder := range []string{home, built, os.TempDir()} {
		if len(folder) > 1 {
			text += "|" + regexp.QuoteMeta(strings.TrimSuffix(folder, "/")+"/")
		}
	}
	return text
}

// checkClean complains of an answer that shows what is inside, or is not text.
func checkClean(t *testing.T, body []byte) {
	t.Helper()
	if found := inside.Find(body); found != nil {
		t.Errorf("the answer shows %q: %s", found, clipped(body))
	}
	if !utf8.Valid(body) {
		t.Errorf("the answer is not UTF-8: %q", clipped(body))
	}
}

func clipped(text []byte) []byte { return text[:min(len(text), 500)] }

// question returns the body of a POST.
func question(document string, variables ...any) string {
	members := map[string]any{"query": document}
	if len(variables) > 0 {
		vars := make(map[string]any)
		for i := 0; i < len(variables); i += 2 {
			vars[variables[i].(string)] = variables[i+1] //nolint:errcheck // the name is a string in every case
		}
		members["variables"] = vars
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// numbered joins n texts, each with its number in place of #.
func numbered(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i)))
	}
	return b.String()
}

func nested(n int, open, middle, end string) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}

type object = map[string]any

func viewport() object {
	return object{"bounds": object{"south": 51.4, "west": -0.2, "north": 51.6, "east": 0}}
}

func pointsOf(n int, at func(i int) (lat, lon float64)) []object {
	points := make([]object, n)
	for i := range points {
		lat, lon := at(i)
		points[i] = object{"latitude": lat, "longitude": lon}
	}
	return points
}

const (
	search = `query($a: AreaInput!, $f: POIFilter, $n: Int) { pois(area: $a, filter: $f, first: $n) { totalCount nodes { id } } }`
	london = `area:{bounds:{south:51.4,west:-0.2,north:51.6,east:0}}`
)

// refusals are single requests that ask for what nobody should get.
func refusals() []refusal {
	whole := `{nodes{id title comments(first:500){nodes{text}} photos(first:500){nodes{url}}}}`
	bomb := `{...F0}`
	for i := range 40 {
		bomb += fmt.Sprintf(` fragment F%d on Query{...F%d ...F%d}`, i, i+1, i+1)
	}
	bomb += ` fragment F40 on Query{__typename}`
	return []refusal{
		// Documents.
		{name: "fields too deep", body: question(`{` + nested(16, `a{`, `b`, `}`) + `}`), limit: "depth", value: "17"},
		{name: "inline fragments 3,000 deep", body: question(`{` + nested(3000, `...{`, `__typename`, `}`) + `}`), code: "GRAPHQL_PARSE_FAILED"},
		{name: "too wide", body: question(`{sources{` + strings.Repeat(`id `, 2000) + `}}`), limit: "selections", value: "2001"},
		{name: "too many aliases", body: question(`{sources{` + numbered(31, `a#:id `) + `}}`), limit: "aliases", value: "31"},
		{name: "too many root fields", body: question(`{` + strings.Repeat(`__typename `, 21) + `}`), limit: "rootFields", value: "21"},
		{name: "too many directives", body: question(`{__typename ` + strings.Repeat(`@skip(if:false) `, 51) + `}`), limit: "directives", value: "51"},
		{name: "too many operations", body: question(numbered(21, `query Q#{__typename} `)), limit: "operations", value: "21"},
		{name: "too many fragments", body: question(`{__typename}` + numbered(101, ` fragment F# on Query{__typename}`)), limit: "fragments", value: "101"},
		{name: "fragments that double forty times", body: question(bomb), code: "LIMIT_EXCEEDED"},
		{name: "fragments in a circle", body: question(`{...A} fragment A on Query{...B} fragment B on Query{...A}`), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "a fragment in itself", body: question(`{sources{...A}} fragment A on Source{id ...A ...A ...A}`), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "an input too deep", body: question(`{pois(` + london + `,filter:{` + nested(21, `not:{`, ``, `}`) + `}){totalCount}}`), limit: "inputDepth"},
		{name: "an input 4,000 deep", body: question(`{nodes(ids:` + nested(4000, `[`, ``, `]`) + `){id}}`), code: "GRAPHQL_PARSE_FAILED"},
		{name: "one name again and again", body: question(`{sources{` + strings.Repeat(`id `, 300) + `}}`), limit: "comparisons"},
		{name: "too many tokens", body: question(`{nodes(ids:[` + strings.Repeat(`"a" `, 15_000) + `]){id}}`), code: "LIMIT_EXCEEDED"},
		{name: "30,000 brackets", body: question(strings.Repeat(`{`, 30_000)), code: "GRAPHQL_PARSE_FAILED"},
		{name: "a document of 900 kB", body: question(`{__typename} #` + strings.Repeat(`x`, 900_000)), status: 429, code: "RATE_LIMITED", limit: "rate"},
		{name: "a string that does not end", body: question(`{node(id:"` + strings.Repeat(`x`, 300_000)), code: "GRAPHQL_PARSE_FAILED"},
		{name: "a block string that does not end", body: question(`{node(id:"""` + strings.Repeat("\n ", 100_000)), code: "GRAPHQL_PARSE_FAILED"},
		{name: "introspection in itself", body: question(`{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}`), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "1,900 fields that are not there", body: question(`{sources{` + numbered(1900, `conectors# `) + `}}`), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "1,900 long names that are not there", body: question(`{sources{` + numbered(1900, strings.Repeat("name", 30)+`# `) + `}}`), code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "an argument of 3,000 mistakes", body: question(`{clusters(bounds:{` + numbered(3000, `a#:1 `) + `},zoom:3){totalCount}}`), code: "BAD_USER_INPUT"},
		{name: "an enum of 400 kB", body: question(`{poi(by:{source:{provider:` + strings.Repeat(`OCM`, 130_000) + `,externalId:"1"}}){id}}`), code: "BAD_USER_INPUT"},

		// What costs too much.
		{name: "everything of 500 sites", body: question(`{pois(` + london + `,first:500)` + whole + `}`), limit: "cost"},
		{name: "everything of 100 sites, five times", body: question(`{` + numbered(5, `a#:pois(`+london+`,first:100)`+whole) + `}`), limit: "cost"},
		{name: "30,000 ids", body: question(`query($i:[ID!]!){nodes(ids:$i){id}}`, "i", slicesOf(30_000, "poi:ocm:1")), limit: "cost"},
		{name: "a page of two billion", body: question(search, "a", viewport(), "n", 2147483647), code: "BAD_USER_INPUT"},
		{name: "10,001 points", body: question(search, "a", object{"route": object{"distanceMeters": 1, "points": pointsOf(10_001, func(i int) (float64, float64) { return 51, float64(i) / 1e5 })}}), code: "BAD_USER_INPUT"},
		{name: "a route around the Earth", body: question(search, "a", object{"route": object{"distanceMeters": 50_000, "points": pointsOf(1000, func(i int) (float64, float64) { return 0, float64(i%360) - 180 })}}), code: "BAD_USER_INPUT"},
		{name: "a polygon that crosses itself 1,000 times", body: question(search, "a", object{"polygon": object{"points": pointsOf(1000, func(i int) (float64, float64) {
			return 51 + float64(i*7919%1000)/1000, float64(i*104_729%997) / 997
		})}}), code: "BAD_USER_INPUT"},
		{name: "a polygon without area", body: question(search, "a", object{"polygon": object{"points": pointsOf(1000, func(int) (float64, float64) { return 51, 0 })}}), code: "BAD_USER_INPUT"},
		{name: "a polyline of 64 kB", body: question(search, "a", object{"route": object{"distanceMeters": 50_000, "encoded": strings.Repeat("?", 65_536)}}), code: "BAD_USER_INPUT"},
		{name: "a polyline longer than that", body: question(search, "a", object{"route": object{"distanceMeters": 50_000, "encoded": strings.Repeat("?", 65_537)}}), code: "BAD_USER_INPUT"},
		{name: "a polyline of nothing but continuations", body: question(search, "a", object{"route": object{"distanceMeters": 50_000, "encoded": strings.Repeat("~", 60_000)}}), code: "BAD_USER_INPUT"},

		// Variables.
		{name: "a filter 1,000 deep", body: strings.Replace(question(search, "a", viewport(), "f", "F"), `"F"`, nested(1000, `{"not":`, `{}`, `}`), 1), status: 400, limit: "nesting", value: "1003"},
		{name: "a filter 90 deep", body: strings.Replace(question(search, "a", viewport(), "f", "F"), `"F"`, nested(90, `{"not":`, `{}`, `}`), 1), code: "BAD_USER_INPUT", says: "nested at most 5 deep"},
		{name: "a filter 100,000 deep", body: strings.Replace(question(search, "a", viewport(), "f", "F"), `"F"`, nested(100_000, `{"not":`, `{}`, `}`), 1), status: 400, limit: "values"},
		{name: "a filter 9,000 deep", body: strings.Replace(question(search, "a", viewport(), "f", "F"), `"F"`, nested(9_000, `{"not":`, `{}`, `}`), 1), status: 400, limit: "nesting", value: "9003"},
		{name: "a list of 501", body: question(search, "a", viewport(), "f", object{"usage": slicesOf(501, "PUBLIC")}), code: "BAD_USER_INPUT"},
		{name: "a list of 80,000", body: question(search, "a", viewport(), "f", object{"usage": slicesOf(80_000, "PUBLIC")}), status: 400, limit: "values"},
		{name: "600 connections", body: question(search, "a", viewport(), "f", object{"connections": slicesOf(600, object{"minPowerKw": 1})}), code: "BAD_USER_INPUT"},
		{name: "a text of 500 kB", body: question(search, "a", viewport(), "f", object{"text": strings.Repeat("ä", 250_000)}), code: "BAD_USER_INPUT"},
		{name: "an id of 900 kB", body: question(`query($i:ID!){node(id:$i){id}}`, "i", strings.Repeat("x", 900_000)), code: "BAD_USER_INPUT"},
		{name: "a cursor of 500 kB", body: question(`query($c:String){operators(after:$c){nodes{id}}}`, "c", strings.Repeat("QQ", 250_000)), code: "BAD_USER_INPUT"},
		{name: "500,000 numbers that nobody asked for", body: `{"query":"{__typename}","variables":{"x":[` + strings.Repeat(`0,`, 500_000) + `0]}}`, status: 400, limit: "values"},
		{name: "130,000 objects that nobody asked for", body: `{"query":"{__typename}","variables":{"x":[` + strings.Repeat(`{"a":0},`, 130_000) + `0]}}`, status: 400, limit: "values"},
		{name: "130,000 objects as extensions", body: `{"query":"{__typename}","extensions":{"x":[` + strings.Repeat(`{"a":0},`, 130_000) + `0]}}`, status: 400, limit: "values"},
		{name: "70,000 members", body: `{` + numbered(70_000, `"a#":0,`) + `"query":"{__typename}"}`, status: 400, limit: "values"},

		// Numbers.
		{name: "1e999 as a literal", body: question(`{pois(area:{around:{center:{latitude:1e999,longitude:0},radiusMeters:1}}){totalCount}}`), code: "BAD_USER_INPUT"},
		{name: "1e999 in a variable", body: strings.Replace(question(search, "a", object{"around": object{"center": object{"latitude": 51, "longitude": 0}, "radiusMeters": "N"}}), `"N"`, `1e999`, 1), code: "BAD_USER_INPUT"},
		{name: "a number of 500,000 digits", body: strings.Replace(question(search, "a", viewport(), "n", "N"), `"N"`, strings.Repeat(`9`, 500_000), 1), code: "BAD_USER_INPUT"},
		{name: "2^63 as a page", body: strings.Replace(question(search, "a", viewport(), "n", "N"), `"N"`, `9223372036854775808`, 1), code: "BAD_USER_INPUT"},
		{name: "2^63 as a literal", body: question(`{pois(` + london + `,first:9223372036854775808){totalCount}}`), code: "BAD_USER_INPUT"},
		{name: "-0 as a page", body: strings.Replace(question(search, "a", viewport(), "n", "N"), `"N"`, `-0`, 1), code: "BAD_USER_INPUT"},
		{name: "1e-999 as a radius", body: strings.Replace(question(search, "a", object{"around": object{"center": object{"latitude": 51, "longitude": 0}, "radiusMeters": "N"}}), `"N"`, `1e-999`, 1), code: "BAD_USER_INPUT"},
		{name: "a zoom of 2^31", body: question(`{clusters(bounds:{south:0,west:0,north:1,east:1},zoom:2147483648){totalCount}}`), code: "BAD_USER_INPUT"},

		// Bytes.
		{name: "invalid UTF-8 in the document", body: "{\"query\":\"{ \xff\xfe }\"}", code: "GRAPHQL_PARSE_FAILED"},
		{name: "invalid UTF-8 in an id", body: "{\"query\":\"query($i:ID!){node(id:$i){id}}\",\"variables\":{\"i\":\"poi:ocm:\xc3\x28\"}}", says: `"node":null`},
		{name: "half a surrogate", body: `{"query":"query($i:ID!){node(id:$i){id}}","variables":{"i":"poi:ocm:\ud800"}}`, says: `"node":null`},
		{name: "NUL in the document", body: "{\"query\":\"{ __typename \\u0000 }\"}", code: "GRAPHQL_PARSE_FAILED"},
		{name: "NUL in the body", body: "{\"query\":\"{ \x00 }\"}", status: 400, code: "BAD_USER_INPUT"},
		{name: "NUL in an id", body: `{"query":"query($i:ID!){node(id:$i){id}}","variables":{"i":"poi:ocm:1\u0000"}}`, code: "BAD_USER_INPUT"},
		{name: "UTF-16", body: "\xff\xfe{\x00}\x00", status: 400, code: "BAD_USER_INPUT"},
		{name: "a million spaces", body: strings.Repeat(" ", 1_000_000), status: 400, code: "BAD_USER_INPUT"},

		// Check-ins.
		{name: "an idempotency key of 900 kB", body: question(`mutation($i:SubmitCheckInInput!){submitCheckIn(input:$i){userErrors{field message}}}`,
			"i", object{"idempotencyKey": strings.Repeat("k", 900_000), "poiId": "poi:ocm:1", "outcome": "CHARGED"}), says: "at most 200"},

		// Batches, which this service takes ten at a time.
		{name: "a batch of eleven", body: `[` + strings.Repeat(`{"query":"{__typename}"},`, 10) + `{"query":"{__typename}"}]`, status: 400, limit: "batch", value: "11"},
		{name: "a batch of nothing", body: `[]`, status: 400, code: "BAD_USER_INPUT"},
		{name: "a batch of 10,000", body: `[` + strings.Repeat(`{},`, 10_000) + `{}]`, status: 400, limit: "batch", value: "10001"},
		{name: "a batch in a batch in a batch", body: nested(9_000, `[`, ``, `]`), status: 400, limit: "nesting"},
		{name: "ten searches that cost too much together", body: `[` + strings.TrimSuffix(strings.Repeat(question(`{pois(`+london+`,first:500){nodes{id connections{type powerKw}}}}`)+`,`, 10), ",") + `]`, says: `"code":"RATE_LIMITED"`},

		// Persisted documents.
		{name: "another's hash", body: `{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, code: "PERSISTED_QUERY_HASH_MISMATCH"},
		{name: "a hash that nobody sent", body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, code: "PERSISTED_QUERY_NOT_FOUND"},
		{name: "a hash of 900 kB", body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 900_000) + `"}}}`, status: 400, code: "BAD_USER_INPUT"},

		// Requests.
		{name: "a body of 100 MB", reader: func() io.Reader { return io.LimitReader(endless('x'), 100<<20) }, length: 100 << 20, status: 413, code: "LIMIT_EXCEEDED"},
		{name: "a body of 100 MB that does not say so", reader: func() io.Reader { return io.LimitReader(endless(' '), 100<<20) }, status: 413, code: "LIMIT_EXCEEDED"},
		{name: "a gzip bomb", body: "\x1f\x8b\x08" + strings.Repeat("\x00", 100_000), headers: []string{"Content-Encoding", "gzip"}, status: 415, code: "BAD_USER_INPUT"},
		{name: "a deflate bomb", body: strings.Repeat("\x00", 100_000), headers: []string{"Content-Encoding", "deflate"}, status: 415, code: "BAD_USER_INPUT"},
		{name: "a zstd bomb in gzip", body: strings.Repeat("\x00", 100_000), headers: []string{"Content-Encoding", "gzip, zstd"}, status: 415, code: "BAD_USER_INPUT"},
		{name: "a form", body: `query={__typename}`, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: "BAD_USER_INPUT"},
		{name: "a query string of 128 kB", method: "GET", target: "/graphql?query={__typename}%23" + strings.Repeat("x", 140<<10), status: 431, says: "Request Header Fields Too Large"},
		{name: "a query string of 60 kB of ampersands", method: "GET", target: "/graphql?" + strings.Repeat("&", 60_000), status: 400, code: "BAD_USER_INPUT"},
		{name: "a mutation by GET", method: "GET", target: `/graphql?query=mutation{retryCheckIn(id:"x"){replayed}}`, status: 405, code: "BAD_USER_INPUT"},
		{name: "an Accept of 60 kB", body: question(`{`), headers: []string{"Accept", strings.Repeat("a/b;q=0.1,", 6000)}, code: "GRAPHQL_PARSE_FAILED"},
		{name: "an Authorization of 60 kB", body: question(`{__typename}`), headers: []string{"Authorization", "Bearer " + strings.Repeat("a", 60_000)}, status: 401, code: "UNAUTHENTICATED"},
		{name: "a JWT without end", body: question(`{__typename}`), headers: []string{"Authorization", "Bearer eyJ" + strings.Repeat(".", 5000)}, status: 401, code: "UNAUTHENTICATED"},
	}
}

// refusal is an attack by one request, and what it must end in.
type refusal struct {
	name           string
	method, target string // POST /graphql
	body           string
	reader         func() io.Reader // instead of body
	length         int64            // of what reader gives; 0: not said
	headers        []string

	status      int // 200
	code, limit string
	value       string // of the limit
	says        string // in the body
}

type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

func slicesOf[T any](n int, v T) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

// send makes the attack.
func (a refusal) send(b *besieged) (reply, error) {
	var body io.Reader = strings.NewReader(a.body)
	if a.reader != nil {
		body = a.reader()
	}
	method, target := cmp.Or(a.method, "POST"), cmp.Or(a.target, "/graphql")
	if a.length == 0 {
		return b.do(method, target, body, a.headers...)
	}
	client := clientFrom(b.attacker())
	defer client.CloseIdleConnections()
	req, err := http.NewRequest(method, "http://"+b.addr+target, body)
	if err != nil {
		return reply{}, err
	}
	req.ContentLength = a.length
	req.Header.Set("Content-Type", "application/json")
	return answered(client, req)
}

func TestHostile(t *testing.T) {
	b := besiege(t, "")
	t.Run("single requests are refused in bounds", func(t *testing.T) {
		for _, a := range refusals() {
			t.Run(a.name, func(t *testing.T) {
				before := b.processorTime(t)
				r, err := a.send(b)
				if err != nil {
					t.Fatal(err)
				}
				f := r.failure()
				t.Logf("%d %q limit %q %s of %s in %v, processor %v, %d bytes: %s", r.status, f.Extensions.Code, f.Extensions.Limit, f.Extensions.Value, f.Extensions.Max,
					r.took.Round(time.Millisecond), b.processorTime(t)-before, len(r.body), f.Message[:min(100, len(f.Message))])
				if a.code == "" && a.limit != "" {
					a.code = "LIMIT_EXCEEDED"
				}
				if want := cmp.Or(a.status, http.StatusOK); r.status != want || a.code != "" && f.Extensions.Code != a.code {
					t.Errorf("answer is %d %q, want %d %q: %s", r.status, f.Extensions.Code, want, a.code, clipped(r.body))
				}
				if a.limit != "" && (f.Extensions.Limit != a.limit || f.Extensions.Max == "" || a.value != "" && string(f.Extensions.Value) != a.value) {
					t.Errorf("it is refused by %q with %s of %s, want %q with %s", f.Extensions.Limit, f.Extensions.Value, f.Extensions.Max, a.limit, a.value)
				}
				if !strings.Contains(string(r.body), a.says) {
					t.Errorf("the answer does not say %q: %s", a.says, clipped(r.body))
				}
				if len(r.body) > 256<<10 {
					t.Errorf("the answer is %d bytes long", len(r.body))
				}
				checkClean(t, r.body)
			})
		}
	})
	t.Run("bytes that are no request", func(t *testing.T) { testBytes(t, b) })
	t.Run("connections that say nothing", func(t *testing.T) { testSilent(t, b) })
	t.Run("300 requests in a row", func(t *testing.T) { testPipeline(t, b) })
	t.Run("one address under many names", func(t *testing.T) { testForgedAddress(t, b) })
	t.Run("another document under a hash", func(t *testing.T) { testPoison(t, b) })
	t.Run("sockets", func(t *testing.T) { testSockets(t, b) })
}

// processorTime is what the service has used.
func (b *besieged) processorTime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	total := 0
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return time.Duration(total) * 10 * time.Millisecond
}

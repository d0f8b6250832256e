package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"chargegraph/server/access"
)

// program is chargegraph running inside the test.
type program struct {
	url  string
	log  *bytes.Buffer
	done chan error
}

// start runs chargegraph and returns once it has said where it listens.
func start(t *testing.T, env map[string]string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	reader, writer := io.Pipe()
	p := &program{log: new(bytes.Buffer), done: make(chan error, 1)}
	go func() {
		err := run(ctx, args, func(name string) string { return env[name] }, writer)
		_ = writer.CloseWithError(errors.Join(err, io.EOF))
		p.done <- err
	}()
	lines := bufio.NewScanner(reader)
	where := regexp.MustCompile(`API +(http://\S+)/graphql`)
	for lines.Scan() {
		p.log.WriteString(lines.Text() + "\n")
		if m := where.FindStringSubmatch(lines.Text()); m != nil {
			p.url = m[1]
			break
		}
	}
	if p.url == "" {
		cancel()
		t.Fatalf("it did not start: %v\n%s", <-p.done, p.log)
	}
	go func() {
		for lines.Scan() { // or the program would wait for somebody to read
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-p.done; err != nil {
			t.Errorf("it did not end cleanly: %v", err)
		}
	})
	return p
}

// ask posts a query and returns the answer.
func (p *program) ask(t *testing.T, query string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	return p.post(t, body)
}

// post sends a request as it is, with a key where one is given, and returns the answer.
func (p *program) post(t *testing.T, body []byte, key ...string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, token := range key {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestItServesAMadeUpWorldWithoutConfiguration(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "-addr", "127.0.0.1:0", "-sites", "200")
	var answer struct {
		Data struct {
			Sources []struct {
				Mode        string
				Attribution struct{ Text string }
			}
		}
		Extensions struct{ Sandbox bool }
	}
	raw := p.ask(t, `{ sources { mode attribution { text } } }`)
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	if !answer.Extensions.Sandbox || answer.Data.Sources[0].Mode != "SANDBOX" || answer.Data.Sources[0].Attribution.Text != "made-up data" {
		t.Errorf("the made-up data does not say that it is: %s", raw)
	}
}

func TestItGreetsWithWhereToGoAndWhatIsServed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	greet(&b, addr("127.0.0.1:8080"), false, true)
	for _, want := range []string{"playground   http://127.0.0.1:8080/", "API          http://127.0.0.1:8080/graphql", "MADE UP", "OCM_API_KEY", "OCM_MIRROR", "-config"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the greeting does not say %q:\n%s", want, &b)
		}
	}
	b.Reset()
	if greet(&b, addr("127.0.0.1:8443"), true, false); !strings.Contains(b.String(), "https://127.0.0.1:8443/graphql") || strings.Contains(b.String(), "MADE UP") {
		t.Errorf("over TLS it says\n%s", &b)
	}
}

type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

func TestItRefusesToPassMadeUpDataForReal(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"-addr", "0.0.0.0:0"}, func(string) string { return "" }, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "made-up data is served on loopback addresses only") {
		t.Errorf("on an address for everybody it says %v", err)
	}
}

func TestItServesAMirror(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pois.json")
	write(t, file, `[{"ID": 7, "AddressInfo": {"Title": " Town Hall ", "CountryID": 1, "Latitude": 51.5, "Longitude": -0.1}, "OperatorID": 1234567, "Connections": [{"ID": 1, "ConnectionTypeID": 33, "PowerKW": 50}], "SubmissionStatusTypeID": 200}, {"ID": "broken"}]`)
	p := start(t, map[string]string{"OCM_MIRROR": file, "CHARGEGRAPH_ADDR": "127.0.0.1:0"})
	got := string(p.ask(t, `{ pois(area: {country: "GB"}) { nodes { id title operator { title } connections { type powerKw } } } sources { mode recordCount } }`))
	want := `{"data":{"pois":{"nodes":[{"id":"poi:ocm:7","title":"Town Hall","operator":{"title":"Operator 1234567"},"connections":[{"type":"CCS_2","powerKw":50}]}]},"sources":[{"mode":"MIRROR","recordCount":1}]},"extensions":{"cost":{"requested":5176,"max":100000}}}`
	if strings.TrimSpace(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestItSaysWhatIsWrongWithAConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const key = "7d2d5f3e-secret"
	env := map[string]string{"KEY": key, "MULTILINE": "x\nsources: []"}
	tests := []struct {
		name, file, says string
	}{
		{"an unknown key, with its line", "addr: 127.0.0.1:0\nsourcez: []\n", "[2:1] unknown field \"sourcez\""},
		{"an unknown key of a source, without the source's secret", "sources:\n  - {provider: ocm, key: \"" + key + "\", urll: x}\n", "unknown field \"urll\""},
		{"a variable that is not set, with its line", "sources:\n  - provider: ocm\n    key: \"${NO_SUCH}\"\n", "line 3: the variable NO_SUCH is not set"},
		{"a provider that is not known", "sources:\n  - {provider: tesla, url: \"http://x\", key: \"${KEY}\"}\n", "provider \"tesla\" is not known"},
		{"live and mirror in one", "sources:\n  - {provider: ocm, url: \"http://x\", mirror: x}\n", "exactly one of url and mirror"},
		{"neither live nor mirror", "sources:\n  - {provider: ocm}\n", "exactly one of url and mirror"},
		{"no key", "sources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\"}\n", "url is set but key is not"},
		{"a name that cannot stand in an id", "sources:\n  - {provider: ocm, name: \"Ö\", url: \"http://x\", key: k}\n", "begins with a lower-case letter"},
		{"two sources of one name", "sources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: \"${KEY}\"}\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: \"${KEY}\"}\n", "two sources are called \"ocm\""},
		{"a mirror that is not there", "sources:\n  - {provider: ocm, mirror: /no/such/file}\n", "no such file"},
		{"a setting of another provider", "sources:\n  - {provider: plugshare, key: k, secret: s, mirror: x}\n", "mirror is no setting of plugshare"},
		{"a token without an address", "sources:\n  - {provider: ocpi, name: ndw, file: x, token: t}\n", "token is set but url is not"},
		{"an OCPI feed without a name", "sources:\n  - {provider: ocpi, url: \"http://127.0.0.1:1\"}\n", "url is set but name is not"},
		{"half a PlugShare key", "sources:\n  - {provider: plugshare, key: k}\n", "key is set but secret is not"},
		{"an interval that is none", "sources:\n  - {provider: ocpi, name: a, url: \"http://127.0.0.1:1\", interval: soon}\n", "interval"},
		{"an address that is none", "addr: here\n", "not an address"},
		{"no YAML", "addr: [", "[1:"},
		{"a certificate without its key", "server: {tls: {cert: cert.pem}}\n", "server.tls: cert and key belong together"},
		{"credentials of no origin", "server: {cors: {credentials: true}}\n", "server.cors: credentials is set but origins is not"},
		{"an origin that is a host", "server: {cors: {origins: [app.example]}}\n", "write scheme and host, such as https://app.example"},
		{"trusted documents alone, and none of them", "server: {documents: {only: true}}\n", "server.documents: only is set but trusted is not"},
		{"batches of fewer than none", "server: {batch: -1}\n", "server.batch: -1 operations"},
		{"credentials of every origin", "server: {cors: {origins: [\"*\"], credentials: true}}\n", "server.cors: "},
		{"origins that browsers cannot be told", "server: {cors: {origins: [\"http://app.example\"], credentials: true}}\n", "server.cors: "},
		{"a limit below 0", "server: {limits: {aliases: -1}}\n", "server.limits.aliases: -1"},
		{"a limit of callers below 0", "auth: {public: {costPerSecond: -1}}\n", "auth.public: costPerSecond is -1"},
		{"a cost that is never let through", "auth: {limits: {maxCost: 10, burst: 5}}\n", "auth.limits: maxCost is 10 and burst 5"},
		{"nobody who may read", "auth: {required: true}\n", "auth: required is set and nobody could be let in"},
		{"a key that is there twice", "auth: {apiKeys: [{id: a, hash: \"sha256:" + strings.Repeat("1", 64) + "\"}, {id: a, hash: \"sha256:" + strings.Repeat("2", 64) + "\"}]}\n", "auth.apiKeys: \"a\" is there twice"},
		{"an issuer without an audience", "auth: {jwt: {issuer: \"https://id.example\", jwks: \"https://id.example/k\"}}\n", "auth.jwt: audience is not set"},
		{"a cache for one tile", "cache: {maxBytes: 10kB}\n", "size 10kB: write 1MB at least"},
		{"more calls than are counted", "sources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: k, budget: {calls: 1000000}}\n", "budget {calls: 1000000}"},
		{"a window that is too short", "sources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: k, budget: {calls: 5, per: 1ms}}\n", "budget {per: 1ms}: write at least 1s"},
		{"check-ins that nothing would keep", "checkins: {markerURL: \"https://a.example/c/\"}\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: k}\n", "checkins are configured, but would be off: no store is named"},
		{"check-ins in Redis without a secret", "redis: \"redis://127.0.0.1:1\"\ncheckins: {perHour: 5}\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: k}\n", "checkins are configured, but would be off: Redis is configured, but no secret"},
		{"a store that is none, with a password", "checkins: {store: \"redi://u:" + key + "@127.0.0.1:1\"}\n", "checkins: store: write sqlite:FILE"},
		{"a file that forgets", "checkins: {store: \"sqlite:x.db\", volatile: true}\n", "volatile is about a Redis that forgets"},
		{"fewer check-ins than none", "checkins: {perHour: -1}\n", "checkins: perHour and atOnce"},
		{"a value with a line of its own stays a value", "sources:\n  - {provider: \"${MULTILINE}\", url: x}\n", "is not known"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, string(rune('a'+i))+".yaml")
			text := test.file
			if !strings.Contains(text, "addr:") {
				text += "addr: 127.0.0.1:0\n"
			}
			write(t, file, text)
			err := run(t.Context(), []string{"-config", file}, func(name string) string { return env[name] }, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %v, want %q in it", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("it tells the key: %v", err)
			}
		})
	}
}

func TestItSaysWhatIsWrongWithTheEnvironment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  map[string]string
		says string
	}{
		"a URL without a key":      {map[string]string{"OCM_URL": "http://127.0.0.1:1/v3"}, "OCM_API_KEY is not"},
		"half a PlugShare key":     {map[string]string{"PLUGSHARE_KEY": "k"}, "PLUGSHARE_SECRET"},
		"an account without a key": {map[string]string{"OCM_USERNAME": "u", "OCM_PASSWORD": "p"}, "OCM_API_KEY is not"},
		"an account of a mirror":   {map[string]string{"OCM_MIRROR": "x", "OCM_USERNAME": "u"}, "OCM_API_KEY is not"},
		"a mirror and a key":       {map[string]string{"OCM_MIRROR": "x", "OCM_API_KEY": "k"}, "one Open Charge Map is enough"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), []string{"-addr", "127.0.0.1:0"}, func(name string) string { return test.env[name] }, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %v, want %q in it", err, test.says)
			}
		})
	}
}

func TestItSaysThatCheckInsAreOff(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"no secret": {envRedis: "redis://127.0.0.1:1"},
		"no store":  {envSecret: strings.Repeat("s", 40)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env[envMirror] = aMirror(t)
			p := launch(t, env, "-addr", "127.0.0.1:0")
			if n := strings.Count(p.log(), "check-ins are off"); n != 1 {
				t.Errorf("it says so %d times:\n%s", n, p.log())
			}
			var said bytes.Buffer
			_ = runCheck(t.Context(), nil, func(name string) string { return env[name] }, &said, io.Discard) // there is no Redis
			if !line("checkins", "ok", "off: ").MatchString(said.String()) {
				t.Errorf("check says\n%s", &said)
			}
		})
	}
}

func TestAKeyThatMayReadOnlyIsToldSo(t *testing.T) {
	t.Parallel()
	token, hash, err := access.NewKey(rand.Reader, "page")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, "addr: 127.0.0.1:0\nauth: {apiKeys: [{id: page, hash: \""+hash+"\", readOnly: true}]}\n")
	p := start(t, nil, "-config", file, "-sites", "200")
	submit := []byte(`{"query": "mutation { submitCheckIn(input: {idempotencyKey: \"1\", poiId: \"poi:ocm:1\", outcome: CHARGED}) { checkIn { id } userErrors { code } } }"}`)
	if answer := p.post(t, submit, token); !bytes.Contains(answer, []byte(`"checkIn":null,"userErrors":[{"code":"FORBIDDEN"}]`)) {
		t.Errorf("a check-in is answered by %s", answer)
	}
	read := []byte(`{"query": "{ checkIn(id: \"checkin:1\") { id } }"}`)
	if answer := p.post(t, read, token); !bytes.Contains(answer, []byte(`"code":"FORBIDDEN"`)) {
		t.Errorf("a question for one is answered by %s", answer)
	}
}

func TestFlagsOfTheMadeUpWorldAreRefusedBesideRealSources(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, "addr: 127.0.0.1:0\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: k}\n")
	for _, set := range []string{"-fault=ocm=hang", "-seed=1", "-sites=10"} {
		err := run(t.Context(), []string{"-config", file, set}, func(string) string { return "" }, io.Discard)
		if name, _, _ := strings.Cut(set, "="); err == nil || !strings.Contains(err.Error(), name+" is about the made-up world") {
			t.Errorf("with %s it says %v", set, err)
		}
	}
}

func TestAKeyIsMadeOfAName(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := runKeys(t.Context(), []string{"new", "app"}, &out, io.Discard); err != nil || !regexp.MustCompile(`Bearer app\.\S{43}\n`).Match(out.Bytes()) {
		t.Errorf("keys new app: %v\n%s", err, &out)
	}
	for _, args := range [][]string{nil, {"new"}, {"old", "app"}, {"new", "a", "b"}} {
		if err := runKeys(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "write: chargegraph keys new NAME") {
			t.Errorf("keys %q: %v", args, err)
		}
	}
	for _, args := range [][]string{{"-h"}, {"new", "-h"}} {
		out.Reset()
		if err := runKeys(t.Context(), args, &out, io.Discard); !errors.Is(err, flag.ErrHelp) || out.Len() > 0 {
			t.Errorf("keys %q is no question for help: %v\n%s", args, err, &out)
		}
	}
}

func TestHelpTellsEveryFlag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says []string
	}{
		{[]string{"-h"}, []string{"-config", "-addr", "-sandbox", "-log", "-seed", "-sites", "-fault"}},
		{[]string{"sandbox", "-h"}, []string{"-ocm", "-ocm-addr", "-ocm-reference", "-ocm-key", "-seed", "-sites", "-fault", "_sandbox/faults", "comment-ambiguous"}},
		{[]string{"help"}, []string{"OCM_API_KEY", "OCM_URL", "OCM_MIRROR", "PLUGSHARE_KEY", "PLUGSHARE_SECRET", "PLUGSHARE_URL", "CHARGEGRAPH_ADDR", "sandbox"}},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), test.args, func(string) string { return "" }, &out); err != nil && !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%v: %v", test.args, err)
		}
		for _, want := range test.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v does not tell %s:\n%s", test.args, want, &out)
			}
		}
	}
	if err := run(t.Context(), []string{"fly"}, func(string) string { return "" }, io.Discard); err == nil || !strings.Contains(err.Error(), `no command "fly"`) {
		t.Errorf("an unknown command says %v", err)
	}
}

func TestTheSandboxPrintsAConfigurationOfItself(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	printed, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := runSandbox(ctx, []string{"-sites", "100", "-ocm-addr", "127.0.0.1:0", "-plugshare-addr", "127.0.0.1:0", "-ocpi-addr", "127.0.0.1:0", "-ocpplab-addr", "127.0.0.1:0"}, writer, io.Discard)
		_ = writer.Close()
		done <- err
	}()
	lines := bufio.NewReader(printed)
	first, err := lines.ReadString('\n') // it runs now
	if err != nil {
		t.Fatal(err)
	}
	end()
	rest, err := io.ReadAll(lines)
	if err = errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, first+string(rest))
	cfg, err := readConfig(file, "", func(string) string { return "" })
	if err != nil || len(cfg.Sources) != 4 {
		t.Errorf("what it prints has %d sources: %v", len(cfg.Sources), err)
	}
}

func TestPeopleDecideAboutPairs(t *testing.T) {
	dir := t.TempDir()
	pois := filepath.Join(dir, "pois.json")
	site := `{"ID": %s, "AddressInfo": {"Title": "%s", "CountryID": 1, "Latitude": 51.5, "Longitude": -0.1}, "SubmissionStatusTypeID": 200}`
	write(t, pois, "["+strings.ReplaceAll(strings.Replace(site, "%s", "1", 1), "%s", "Town Hall")+"]")
	other := filepath.Join(dir, "others.json")
	write(t, other, "["+strings.ReplaceAll(strings.Replace(site, "%s", "2", 1), "%s", "Library")+"]")
	overrides := filepath.Join(dir, "overrides")
	cfg := filepath.Join(dir, "chargegraph.yaml")
	write(t, cfg, "addr: 127.0.0.1:0\nsources:\n  - {provider: ocm, name: a, mirror: "+pois+"}\n  - {provider: ocm, name: b, mirror: "+other+"}\nconflation: {overrides: "+overrides+"}\n")
	const query = `{ pois(area: {country: "GB"}) { totalCount } }`

	write(t, overrides, "# one site, whatever the titles say\npin ocm:a:1 ocm:b:2\n")
	if got := string(start(t, nil, "-config", cfg).ask(t, query)); !strings.Contains(got, `"totalCount":1`) {
		t.Errorf("pinned, they are %s", got)
	}
	write(t, overrides, "forbid ocm:a:1 ocm:b:2\n")
	p := start(t, nil, "-config", cfg)
	if got := string(p.ask(t, query)); !strings.Contains(got, `"totalCount":2`) {
		t.Errorf("forbidden, they are %s", got)
	}

	write(t, overrides, "pin ocm:a:1 ocm:b:2\n")
	sendHangUp(t)
	for deadline := time.Now().Add(5 * time.Second); ; {
		got := string(p.ask(t, query))
		if strings.Contains(got, `"totalCount":1`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("pinned again, after SIGHUP they are %s", got)
		}
	}
	write(t, overrides, "pin ocm:a:1\n")
	err := run(t.Context(), []string{"-config", cfg}, func(string) string { return "" }, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a broken file of overrides says %v", err)
	}
}

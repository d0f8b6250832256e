package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/loaders/cache/redistest"
	"chargegraph/providers/sandbox"
	"chargegraph/server/access"
)

// secrets are texts that must not get about, by what they are.
type secrets map[string]string

// add adds a secret, and the forms in which it is sent.
func (s secrets) add(what, text string) {
	s[what] = text
	s[what+" in base64"] = strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "=")
	for where, escaped := range map[string]string{" in a query": url.QueryEscape(text), " in an address": url.PathEscape(text)} {
		if escaped != text {
			s[what+where] = escaped
		}
	}
}

// foundIn reports the secrets that are in a text.
func (s secrets) foundIn(t *testing.T, where, text string) {
	t.Helper()
	for what, secret := range s {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s is in %s: …%s…", what, where, text[max(0, at-120):min(len(text), at+len(secret)+40)])
		}
	}
}

// guarded is a configuration whose every secret is known.
type guarded struct {
	secrets secrets
	file    string
	key     string // of the API
	env     map[string]string
}

// guard writes a configuration of all sources at the given addresses, with the
// secrets that the simulators take.
func guard(t *testing.T, s *sandbox.Server, ocm, plugshare, ocpi, ocpplab, redis, redisPassword string) *guarded {
	t.Helper()
	token, hash, err := access.NewKey(rand.Reader, "app")
	if err != nil {
		t.Fatal(err)
	}
	const sealing = "sEaLiNg-5ec4e7-of-more-than-thirty-two-characters"
	g := &guarded{secrets: secrets{}, key: token, env: map[string]string{
		"OCM_SECRET_KEY": s.OCMKey(), "OCM_SECRET_PASSWORD": s.OCMPassword(),
		"PLUG_KEY": s.PlugShareKey(), "PLUG_SECRET": s.PlugShareSecret(),
		"OCPI_TOKEN": s.OCPIToken(), "LAB_TOKEN": s.OCPPLABToken(),
		envSecret: sealing,
		envRedis:  (&url.URL{Scheme: "redis", User: url.UserPassword("default", redisPassword), Host: redis}).String(),
	}}
	for what, text := range map[string]string{
		"the key for Open Charge Map": s.OCMKey(), "the password for Open Charge Map": s.OCMPassword(),
		"the key for PlugShare": s.PlugShareKey(), "the secret for PlugShare": s.PlugShareSecret(),
		"what PlugShare is sent": s.PlugShareKey() + ":" + s.PlugShareSecret(),
		"the token of the feed":  s.OCPIToken(), "the token of the gateway": s.OCPPLABToken(),
		"the password of Redis": redisPassword, "the secret that seals": sealing,
		"the API key": token, "the end of the API key": token[len(token)-20:],
		"a caller's own session": callersSession,
	} {
		if len(text) < 8 {
			t.Fatalf("%s, %q, is too short to be told from other texts", what, text)
		}
		g.secrets.add(what, text)
	}
	g.file = filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, g.file, fmt.Sprintf(`
addr: 127.0.0.1:0
sources:
  - {provider: ocm, url: %q, key: "${OCM_SECRET_KEY}", username: %q, password: "${OCM_SECRET_PASSWORD}", budget: {calls: 6000}}
  - {provider: plugshare, url: %q, key: "${PLUG_KEY}", secret: "${PLUG_SECRET}", budget: {calls: 6000}}
  - {provider: ocpi, name: hub, url: %q, token: "${OCPI_TOKEN}", interval: 30s}
  - {provider: ocpplab, url: %q, token: "${LAB_TOKEN}", cpos: ["%s"], interval: 30s}
checkins: {store: redis, volatile: true}
auth: {apiKeys: [{id: app, hash: %q}]}
`, ocm, s.OCMUsername(), plugshare, ocpi, ocpplab, s.OCPPLABCPOs()[0], hash))
	return g
}

const (
	redisPassword  = "Rédis/5ec4e7:pass word"
	callersSession = "eyJhbGciOiJub25lIn0.eyJVc2VySUQiOiI1ZWM0ZTcifQ.caller5ec4e7"
)

// distinctive makes simulators whose secrets are no words.
func distinctive(t *testing.T) *sandbox.Server {
	t.Helper()
	return simulators(t, sandbox.Config{
		OCMKey:    "5ec4e700-0000-4000-8000-00000000000a",
		PlugShare: sandbox.PlugShareOptions{Key: "plug-5ec4e7-key", Secret: "plug-5ec4e7-secret"},
		OCPI:      sandbox.OCPIOptions{Token: "ocpi-5ec4e7-token"},
		OCPPLAB:   sandbox.OCPPLABOptions{Token: "lab-5ec4e7-token"},
	})
}

// lockedRedis starts a Redis that wants the password.
func lockedRedis(t *testing.T) string {
	t.Helper()
	addr, ctl := redistest.Start(t)
	ctl.Do("CONFIG", "SET", "requirepass", redisPassword)
	return addr
}

// pages are what anybody can fetch.
func pages(t *testing.T, base string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{"/", "/schema.graphqls", "/playground/examples.json", "/livez", "/readyz", "/healthz", "/metrics", "/nothing", "/graphql"} {
		_, all[path] = fetch(t, http.MethodGet, base+path, "")
	}
	if !strings.Contains(all["/metrics"], "chargegraph_source_health") {
		t.Errorf("GET /metrics = %.200s", all["/metrics"])
	}
	return all
}

const everything = `{
  sources { id name mode health lastSuccessAt lastError { code message } attribution { text url license } budget { limit used } }
  pois(area: {bounds: {south: 51.49, west: -0.16, north: 51.53, east: -0.06}}, first: 20) {
    nodes { id comments { totalCount } records { id } }
    sources { source { id } outcome error { code message } }
    attributions { text url license }
  }
}`

func TestNoSecretGetsAbout(t *testing.T) {
	t.Parallel()
	redis := lockedRedis(t)
	s := distinctive(t)
	g := guard(t, s, s.OCMURL(), s.PlugShareURL(), s.OCPIURL(), s.OCPPLABURL(), redis, redisPassword)
	p := launch(t, g.env, "-config", g.file, "-log", "DEBUG")
	bearer := []string{"Authorization", "Bearer " + g.key, "X-OCM-Token", callersSession}
	answers := map[string]string{}
	awaitReady(t, p.url)
	answers["the answer"] = query(t, p.url, everything, bearer...)
	site := regexp.MustCompile(`"(poi:ocm:\d+)"`).FindStringSubmatch(answers["the answer"])
	if site == nil {
		t.Fatalf("no site of Open Charge Map in %.500s\n%s", answers["the answer"], p.log())
	}
	submit := fmt.Sprintf(`mutation { submitCheckIn(input: {idempotencyKey: "k", poiId: %q, outcome: CHARGED, text: "fine"}) { checkIn { id state deliveries { provider state error { code message } } } userErrors { code message } } }`, site[1])
	answers["the check-in"] = query(t, p.url, submit, bearer[:2]...)
	answers["the check-in under a session"] = query(t, p.url, strings.Replace(submit, `"k"`, `"k2"`, 1), bearer...)
	id := regexp.MustCompile(`"checkIn":\{"id":"([^"]+)"`).FindStringSubmatch(answers["the check-in"])
	if id == nil {
		t.Fatalf("it takes no check-in: %s", answers["the check-in"])
	}
	for range 200 { // until it was sent, with all that this takes
		answers["the check-in, sent"] = query(t, p.url, fmt.Sprintf(`{ checkIn(id: %q) { state deliveries { state externalId error { message } } } }`, id[1]), bearer...)
		if strings.Contains(answers["the check-in, sent"], `"DELIVERED"`) {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	if !strings.Contains(answers["the check-in, sent"], `"DELIVERED"`) {
		t.Errorf("it is not sent: %s\n%s", answers["the check-in, sent"], p.log())
	}
	answers["the answer to a stranger"] = query(t, p.url, everything, "Authorization", "Bearer "+g.key+"x")
	// Then everything goes wrong.
	for _, upstream := range []string{s.OCMURL(), s.PlugShareURL(), s.OCPIURL(), s.OCPPLABURL()} {
		at, err := url.Parse(upstream)
		if err != nil {
			t.Fatal(err)
		}
		if status, said := fetch(t, http.MethodPut, "http://"+at.Host+"/_sandbox/faults", map[string]string{
			s.OCMURL(): "ocm=500", s.PlugShareURL(): "plugshare=429", s.OCPIURL(): "ocpi=truncated", s.OCPPLABURL(): "ocpplab=500",
		}[upstream]); status/100 != 2 {
			t.Logf("no fault at %s: %d %s", upstream, status, said)
		}
	}
	elsewhere := strings.NewReplacer("51.49", "48.80", "-0.16", "2.20", "51.53", "48.90", "-0.06", "2.40").Replace(everything)
	answers["the answer when sources fail"] = query(t, p.url, elsewhere, bearer...)
	for where, text := range answers {
		g.secrets.foundIn(t, where, text)
	}
	for path, text := range pages(t, p.url) {
		g.secrets.foundIn(t, "GET "+path, text)
	}
	if !strings.Contains(p.log(), "level=DEBUG") {
		t.Errorf("nothing is logged at DEBUG:\n%s", p.log())
	}
	g.secrets.foundIn(t, "the log", p.log())
}

// parrot answers with all that it is sent, in ways that make clients complain.
func parrot(t *testing.T) *httptest.Server {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewUnstartedServer(nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var heard bytes.Buffer
		_ = r.Write(&heard)
		switch n.Add(1) % 5 {
		case 0:
			w.WriteHeader(http.StatusUnauthorized)
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `[{"x": "`)
		case 3:
			w.Header().Set("Location", "http://127.0.0.1:1/?"+url.QueryEscape(heard.String()))
			w.WriteHeader(http.StatusFound)
		case 4:
			w.Header().Set("Retry-After", strings.ReplaceAll(heard.String(), "\r\n", " "))
			w.WriteHeader(http.StatusTooManyRequests)
		}
		_, _ = w.Write(heard.Bytes())
	})
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func TestNoSecretGetsAbout_WhenUpstreamsRepeatThemAndRedisIsAway(t *testing.T) {
	t.Parallel()
	s := distinctive(t)
	for name, redis := range map[string]string{"another password": lockedRedis(t), "no Redis": "127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var at [4]string
			for i := range at {
				at[i] = parrot(t).URL
			}
			g := guard(t, s, at[0], at[1], at[2], at[3], redis, redisPassword+"-no")
			// Check-ins are kept in a file: without Redis the program would not start.
			text, err := os.ReadFile(g.file)
			if err != nil {
				t.Fatal(err)
			}
			write(t, g.file, strings.Replace(string(text), "store: redis, volatile: true", `store: "sqlite:`+filepath.Join(t.TempDir(), "c.db")+`"`, 1))

			var said bytes.Buffer
			wrote := new(logged)
			err = runCheck(t.Context(), []string{"-config", g.file, "-timeout", "5s", "-log", "DEBUG"}, func(name string) string { return g.env[name] }, &said, wrote)
			if err == nil {
				t.Errorf("check finds nothing wrong:\n%s", &said)
			}
			g.secrets.foundIn(t, "what check prints", fmt.Sprint(said.String(), err, wrote.log()))

			p := launch(t, g.env, "-config", g.file, "-log", "DEBUG", "-log-format", "json")
			answers := map[string]string{}
			for i := range 6 { // each time the parrots answer otherwise
				move := fmt.Sprintf("%.2f", 51.49+float64(i)/2)
				answers["answer "+move] = query(t, p.url, strings.NewReplacer("51.49", move, "51.53", move[:3]+"9"+move[4:]).Replace(everything), "Authorization", "Bearer "+g.key)
			}
			for where, text := range answers {
				g.secrets.foundIn(t, where, text)
			}
			for path, text := range pages(t, p.url) {
				g.secrets.foundIn(t, "GET "+path, text)
			}
			if !strings.Contains(p.log(), "pull failed") {
				t.Errorf("nothing failed:\n%s", p.log())
			}
			g.secrets.foundIn(t, "the log", p.log())
		})
	}
}

func TestNoSecretIsInAMistakeOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := secrets{}
	s.add("the secret", "5ec4e7-in-the-file")
	for name, text := range map[string]string{
		"a key that is not known beside it": "sources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: \"SECRET\", colour: red}\n",
		"a secret where none belongs":       "sources:\n  - {provider: ocpi, name: a, file: x, key: \"SECRET\"}\n",
		"an address with a password":        "sources:\n  - {provider: ocm, url: \"http://u:SECRET@127.0.0.1:1\", key: k}\n",
		"an address that is none":           "sources:\n  - {provider: ocm, url: \"http://u:SECRET@[127\", key: k}\n",
		"a Redis of another protocol":       "redis: \"http://u:SECRET@127.0.0.1:1\"\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: k}\n",
		"a Redis without a port":            "redis: \"redis://u:SECRET@:x/y\"\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: k}\n",
		"a key with a line break":           "sources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: \"SECRET\\n\"}\n",
		"a secret that is too short":        "checkins: {secret: \"SECRET\", store: \"sqlite:/no/such/folder/x\"}\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: k}\n",
		"a secret that is a list":           "redis: [\"SECRET\"]\n",
		"a hash that is none":               "auth: {apiKeys: [{id: a, hash: \"SECRET\"}]}\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: k}\n",
		"a variable as a name":              "\"${KEY}\": 1\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1\", key: k}\n",
		"a tab in the file":                 "sources:\n\t- {provider: ocm, key: \"SECRET\"}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "chargegraph.yaml")
			write(t, file, "addr: 127.0.0.1:0\n"+strings.ReplaceAll(text, "SECRET", s["the secret"]))
			environment := func(name string) string {
				if name == "KEY" {
					return s["the secret"]
				}
				return ""
			}
			args := []string{"-config", file, "-log", "DEBUG"}
			for command, refuse := range map[string]func(out io.Writer) error{
				"serve": func(out io.Writer) error { return serve(t.Context(), args, environment, out) },
				"check": func(out io.Writer) error { return runCheck(t.Context(), args, environment, out, out) },
			} {
				out := new(logged)
				err := refuse(out)
				if err == nil {
					t.Errorf("%s takes it", command)
					continue
				}
				s.foundIn(t, "what "+command+" says", err.Error()+out.log())
			}
		})
	}
}

func TestSecretsAreLookedForInEveryForm(t *testing.T) {
	t.Parallel()
	s := secrets{}
	s.add("it", "a b")
	if got := []string{s["it"], s["it in base64"], s["it in a query"], s["it in an address"]}; !slices.Equal(got, []string{"a b", "YSBi", "a+b", "a%20b"}) {
		t.Errorf("forms are %q", got)
	}
}

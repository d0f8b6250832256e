package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chargegraph/providers/sandbox"
)

// sendHangUp sends SIGHUP to all that this process serves, and a reload ends
// streams: whoever calls it must not be Parallel.
func sendHangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// hangUp has the program read its configuration again, by sendHangUp.
func hangUp(t *testing.T, p *logged) {
	t.Helper()
	before := strings.Count(p.log(), "configuration reloaded")
	sendHangUp(t)
	for strings.Count(p.log(), "configuration reloaded") == before {
		if strings.Contains(p.log(), "not reloaded") || t.Context().Err() != nil {
			t.Fatalf("it does not reload:\n%s", p.log())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// calls returns how many calls the sources were sent, by source.
func callsSent(t *testing.T, p *logged) string {
	t.Helper()
	_, page := fetch(t, http.MethodGet, p.url+"/metrics", "")
	lines := regexp.MustCompile(`(?m)^chargegraph_upstream_requests_total\{.*$`).FindAllString(page, -1)
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// issuerOf returns an issuer of tokens, one that is good, and how often its keys
// were asked for.
func issuerOf(t *testing.T) (url, token string, asked *atomic.Int32) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = fmt.Fprintf(w, `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "EdDSA", "x": %q}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	t.Cleanup(s.Close)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"iss": s.URL, "aud": "chargegraph", "sub": "driver", "exp": time.Now().Add(time.Hour).Unix()})
	unsigned.Header["kid"] = "1"
	if token, err = unsigned.SignedString(private); err != nil {
		t.Fatal(err)
	}
	return s.URL, token, asked
}

// look asks for the sites in London in a way that no finished answer was made for.
func look(t *testing.T, p *logged, n int, headers ...string) string {
	t.Helper()
	answer := query(t, p.url, fmt.Sprintf(`query Look%d { pois(area: {bounds: {south: 51.49, west: -0.16, north: 51.53, east: -0.06}}) { totalCount nodes { title } sources { source { id } outcome } } }`, n), headers...)
	if !strings.Contains(answer, `"outcome":"OK"`) {
		t.Fatalf("the answer is %s", answer)
	}
	return answer
}

func TestAReload_CostsNoCallWhereNothingHasChanged(t *testing.T) {
	s := simulators(t, sandbox.Config{})
	issuer, token, asked := issuerOf(t)
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	configuration := func(depth int, plugKey string) string {
		return fmt.Sprintf(`
addr: 127.0.0.1:0
sources:
  - {provider: ocm, url: %q, key: %q, budget: {calls: 6000}}
  - {provider: plugshare, url: %q, key: %q, secret: %q, budget: {calls: 6000, per: %s}}
  - {provider: ocpi, name: hub, url: %q, token: %q, interval: 10h}
auth: {jwt: {issuer: %q, audience: chargegraph, jwks: %q}}
server: {limits: {depth: %d}}
`, s.OCMURL(), s.OCMKey(), s.PlugShareURL(), s.PlugShareKey(), s.PlugShareSecret(), plugKey, s.OCPIURL(), s.OCPIToken(), issuer, issuer, depth)
	}
	write(t, file, configuration(20, "1m"))
	p := launch(t, nil, "-config", file)
	awaitReady(t, p.url)
	bearer := []string{"Authorization", "Bearer " + token}
	first := look(t, p, 1, bearer...)
	sent := callsSent(t, p)

	write(t, file, configuration(19, "1m")) // a limit alone
	hangUp(t, p)
	if again := look(t, p, 2, bearer...); again != first {
		t.Errorf("after a reload the answer is\n%s\nbefore it was\n%s", again, first)
	}
	if now := callsSent(t, p); now != sent {
		t.Errorf("the reload had calls sent:\n%s\nbefore it were\n%s", now, sent)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the issuer's keys were asked for %d times, want once", n)
	}

	write(t, file, configuration(19, "2m")) // one source
	hangUp(t, p)
	look(t, p, 3, bearer...)
	now := callsSent(t, p)
	of := func(text, source string) string {
		return strings.Join(regexp.MustCompile(`(?m)^.*source="`+source+`".*$`).FindAllString(text, -1), "\n")
	}
	for _, source := range []string{"ocm", "ocpi:hub"} {
		if of(now, source) != of(sent, source) {
			t.Errorf("the change of another source had calls sent to %s:\n%s\nbefore it were\n%s", source, now, sent)
		}
	}
	if of(now, "plugshare") == of(sent, "plugshare") {
		t.Errorf("the source that has changed was not asked anew:\n%s", now)
	}
}

// aSite is an export of one site in London.
func aSite(id int, title string) string {
	return fmt.Sprintf(`[{"ID": %d, "AddressInfo": {"Title": %q, "CountryID": 1, "Latitude": 51.51, "Longitude": -0.1%d}, "SubmissionStatusTypeID": 200}]`, id, title, id)
}

func TestAReload_ShowsWhatHasChangedAtOnce(t *testing.T) {
	dir := t.TempDir()
	file, a, b := filepath.Join(dir, "chargegraph.yaml"), filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
	write(t, a, aSite(1, "Town Hall"))
	write(t, b, aSite(2, "Library"))
	const header = "addr: 127.0.0.1:0\nsources:\n"
	sourceA, sourceB := fmt.Sprintf("  - {provider: ocm, name: a, mirror: %q}\n", a), fmt.Sprintf("  - {provider: ocm, name: b, mirror: %q}\n", b)
	write(t, file, header+sourceA+sourceB)
	p := launch(t, nil, "-config", file)
	want := func(when string, titles ...string) {
		t.Helper()
		answer := look(t, p, 1) // the same bytes each time: a finished answer lies there
		for _, title := range []string{"Town Hall", "Library", "New Library"} {
			if shown := strings.Contains(answer, `"`+title+`"`); shown != slices.Contains(titles, title) {
				t.Errorf("%s it shows %s: %t, in %s", when, title, shown, answer)
			}
		}
	}
	want("at first", "Town Hall", "Library")
	write(t, b, aSite(2, "New Library"))
	hangUp(t, p)
	want("with another export", "Town Hall", "New Library")
	write(t, file, header+sourceB)
	hangUp(t, p)
	want("with a source less", "New Library")
	write(t, file, header+sourceB+sourceA)
	hangUp(t, p)
	want("with it again", "Town Hall", "New Library")

	write(t, file, header+"  - {provider: ocm, name: a, mirror: /no/such/file}\n")
	sendHangUp(t)
	for !strings.Contains(p.log(), "configuration not reloaded") {
		<-time.After(5 * time.Millisecond)
	}
	want("when it cannot be reloaded", "Town Hall", "New Library")
}

func TestAReload_LetsRequestsUnderWayEnd(t *testing.T) {
	s := simulators(t, sandbox.Config{})
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	configuration := func(key string) string {
		return fmt.Sprintf("addr: 127.0.0.1:0\nsources:\n  - {provider: ocm, url: %q, key: %q, client: %s}\n", s.OCMURL(), s.OCMKey(), key)
	}
	write(t, file, configuration("one"))
	p := launch(t, nil, "-config", file)
	if status, said := fetch(t, http.MethodPut, strings.TrimSuffix(s.OCMURL(), "/v3")+"/_sandbox/faults", "ocm=latency:1500ms"); status/100 != 2 {
		t.Fatalf("no fault: %d %s", status, said)
	}
	answered := make(chan string, 1)
	go func() { answered <- look(t, p, 1) }()
	for {
		_, page := fetch(t, http.MethodGet, p.url+"/metrics", "")
		if strings.Contains(page, `requests_under_way{source="ocm"}`) && !strings.Contains(page, `requests_under_way{source="ocm"} 0`) {
			break
		}
	}
	write(t, file, configuration("two"))
	hangUp(t, p)
	select {
	case answer := <-answered:
		t.Fatalf("it was answered before the reload: %.100s\n%s", answer, p.log())
	default:
	}
	if answer := <-answered; !strings.Contains(answer, `"title"`) {
		t.Errorf("the request under way is answered by %s", answer)
	}
}

func TestAReload_GrantsNobodyALimitAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, fmt.Sprintf("addr: 127.0.0.1:0\nsources:\n  - {provider: ocm, mirror: %q}\nauth: {public: {costPerSecond: 1, burst: 6000}}\n", aMirror(t)))
	p := launch(t, nil, "-config", file)
	look(t, p, 1) // some 4,200
	hangUp(t, p)
	if answer := query(t, p.url, inLondon); !strings.Contains(answer, "RATE_LIMITED") {
		t.Errorf("after a reload a caller who has used up a limit is answered by %s", answer)
	}
}

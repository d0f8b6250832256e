package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bench is a simulator behind a real listener, with a client of its own.
type bench struct {
	sim    *OCM
	url    string
	client *http.Client
}

func newBench(t *testing.T) *bench {
	t.Helper()
	sim := newSim(t, OCMOptions{})
	server := httptest.NewServer(sim)
	transport := &http.Transport{}
	t.Cleanup(func() {
		_ = sim.Close() // lets hanging requests go, which server.Close waits for
		transport.CloseIdleConnections()
		server.Close()
	})
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &bench{sim: sim, url: server.URL, client: client}
}

func (b *bench) get(ctx context.Context, path string) (status int, header http.Header, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("X-Api-Key", someKey)
	resp, err := b.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

const fewPOIs = "/v3/poi?maxresults=20&compact=true"

func TestFaultsThatAnswerAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  Fault
		opts   []FaultOption
		status int
		right  func(h http.Header, body string) bool
	}{
		{Forbidden, nil, 403, func(h http.Header, body string) bool {
			return body == "REJECTED_APIKEY_INVALID" && strings.HasPrefix(h.Get("Content-Type"), "text/plain")
		}},
		{TooMany, nil, 429, func(h http.Header, _ string) bool { return h.Get("Retry-After") == "30" }},
		{TooMany, []FaultOption{For(1500 * time.Millisecond)}, 429, func(h http.Header, _ string) bool { return h.Get("Retry-After") == "2" }},
		{ServerError, nil, 500, func(_ http.Header, body string) bool { return body == "" }},
		{BadGateway, nil, 502, func(_ http.Header, body string) bool { return body == "Upstream API unavailable" }},
		{Empty200, nil, 200, func(h http.Header, body string) bool { return body == "" && h.Get("Content-Length") == "0" }},
		{HTML, nil, 200, func(h http.Header, body string) bool {
			return strings.HasPrefix(body, "<!DOCTYPE html>") && strings.HasPrefix(h.Get("Content-Type"), "text/html")
		}},
		{Truncated, nil, 200, func(_ http.Header, body string) bool {
			var v any
			var syntax *json.SyntaxError
			return errors.As(json.Unmarshal([]byte(body), &v), &syntax) && strings.HasPrefix(body, `[{"DataProvider"`)
		}},
		{WrongTypes, nil, 200, func(_ http.Header, body string) bool {
			var pois []ocmPOI
			var wrong *json.UnmarshalTypeError
			return errors.As(json.Unmarshal([]byte(body), &pois), &wrong)
		}},
		{NotArray, nil, 200, func(_ http.Header, body string) bool {
			return strings.HasPrefix(body, `{"Status":"Error"`) && json.Valid([]byte(body))
		}},
		{Redirect, []FaultOption{To("http://other.example/x")}, 302, func(h http.Header, _ string) bool {
			return h.Get("Location") == "http://other.example/x"
		}},
		{None, nil, 200, func(_ http.Header, body string) bool { return json.Valid([]byte(body)) }},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sim.Faults().Set(c.fault, c.opts...)
			status, header, body, err := b.get(t.Context(), fewPOIs)
			if err != nil || status != c.status {
				t.Fatalf("%d, %v", status, err)
			}
			if !c.right(header, string(body)) {
				t.Errorf("header %v, body %.100q", header, body)
			}
			b.sim.Faults().Clear()
			if status, _, body, err := b.get(t.Context(), fewPOIs); status != 200 || err != nil || !json.Valid(body) {
				t.Errorf("after Clear: %d, %v", status, err)
			}
		})
	}
}

func TestDisconnectBreaksTheBody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.Faults().Set(Disconnect)
	if _, _, body, err := b.get(t.Context(), fewPOIs); err == nil {
		t.Errorf("read %d bytes without an error", len(body))
	}
}

func TestHangEndsWithTheClient(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.Faults().Set(Hang)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, _, err := b.get(ctx, fewPOIs); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("get() = %v, want a deadline exceeded", err)
	}
}

func TestHangEndsWhenTheFaultsChangeOrTheSimulatorCloses(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*OCM){"clear": func(o *OCM) { o.Faults().Clear() }, "close": func(o *OCM) { _ = o.Close() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.sim.Faults().Set(Hang)
			done := make(chan error, 1)
			go func() {
				_, _, _, err := b.get(t.Context(), fewPOIs)
				done <- err
			}()
			for len(b.sim.Calls()) == 0 { // until the request is in
				select {
				case err := <-done:
					t.Fatalf("the request ended by itself: %v", err)
				default:
				}
			}
			end(b.sim)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLatencyComesBeforeTheAnswerOrTheNextFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.Faults().Replace(FaultSpec{Fault: Latency, Duration: 60 * time.Millisecond}, FaultSpec{Fault: TooMany, Count: 1})
	began := time.Now()
	if status, _, _, err := b.get(t.Context(), fewPOIs); status != 429 || err != nil {
		t.Errorf("first: %d, %v", status, err)
	}
	if status, _, _, err := b.get(t.Context(), fewPOIs); status != 200 || err != nil {
		t.Errorf("second: %d, %v", status, err)
	}
	if took := time.Since(began); took < 120*time.Millisecond {
		t.Errorf("two requests took %v", took)
	}
}

func TestASlowBodyIsTheRightOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, _, want, err := b.get(t.Context(), fewPOIs)
	if err != nil {
		t.Fatal(err)
	}
	b.sim.Faults().Set(SlowBody, For(100*time.Millisecond))
	began := time.Now()
	_, _, got, err := b.get(t.Context(), fewPOIs)
	if err != nil || string(got) != string(want) {
		t.Errorf("%d bytes, want %d; %v", len(got), len(want), err)
	}
	if took := time.Since(began); took < 90*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

func TestHugeIsMoreThanAnybodyShouldRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sim.Faults().Set(Huge)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+fewPOIs, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	n, err := io.CopyN(io.Discard, resp.Body, 32<<20)
	if err != nil {
		t.Errorf("after %d bytes: %v", n, err)
	}
}

func TestFaultsCanBeLimitedByPathCountAndShare(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	statuses := func(paths ...string) string {
		var all []string
		for _, p := range paths {
			all = append(all, fmt.Sprint(get(t, sim, p).Code))
		}
		return strings.Join(all, " ")
	}
	poi, ref := "/v3/poi?maxresults=0", "/v3/referencedata"

	sim.Faults().Set(ServerError, OnPath("/poi"))
	if got := statuses(poi, ref, poi); got != "500 200 500" {
		t.Errorf("path: %s", got)
	}
	sim.Faults().Set(ServerError, Count(2))
	if got := statuses(poi, ref, poi, poi); got != "500 500 200 200" {
		t.Errorf("count: %s", got)
	}
	if n := len(sim.Faults().Specs()); n != 0 {
		t.Errorf("%d faults left after they were met", n)
	}
	sim.Faults().Set(ServerError, Share(0.25))
	if got := statuses(poi, poi, poi, poi, poi, poi, poi, poi); got != "500 200 200 200 500 200 200 200" {
		t.Errorf("share: %s", got)
	}
	sim.Faults().Set(ServerError, Share(0.6))
	if got := strings.Count(statuses(poi, poi, poi, poi, poi, poi, poi, poi, poi, poi), "500"); got != 6 {
		t.Errorf("share 0.6 of ten: %d", got)
	}
}

func TestParseFaultReadsWhatStringWrites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]FaultSpec{
		"ocm=latency:200ms":               {Upstream: "ocm", Fault: Latency, Duration: 200 * time.Millisecond},
		"ocm=429":                         {Upstream: "ocm", Fault: TooMany},
		"ocm=hang":                        {Upstream: "ocm", Fault: Hang},
		"ocm=empty:share=0.5,count=3":     {Upstream: "ocm", Fault: Empty200, Share: 0.5, Count: 3},
		"ocm=429:5s,share=0.3,path=/poi":  {Upstream: "ocm", Fault: TooMany, Duration: 5 * time.Second, Share: 0.3, Path: "/poi"},
		"ocm=comment-ambiguous:0.3":       {Upstream: "ocm", Fault: CommentAmbiguous, Chance: 0.3},
		"ocm=comment-500:200ms,0.25":      {Upstream: "ocm", Fault: CommentError, Duration: 200 * time.Millisecond, Chance: 0.25},
		"ocm=redirect:to=http://x.y:1/z?": {Upstream: "ocm", Fault: Redirect, To: "http://x.y:1/z?"},
	} {
		got, err := ParseFault(text)
		if err != nil {
			t.Errorf("ParseFault(%q): %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseFault(%q) mismatch (-want +got):\n%s", text, diff)
		}
		if got.String() != text {
			t.Errorf("%q is written %q", text, got)
		}
	}
	for f := range FaultNames() {
		if spec, err := ParseFault("ocm=" + Fault(f).String()); err != nil || spec.Fault != Fault(f) {
			t.Errorf("fault %d: %v, %v", f, spec, err)
		}
	}
	for _, text := range []string{"", "429", "=429", "ocm=", "ocm=teapot", "ocm=429:soon", "ocm=429:-1s", "ocm=429:share=0", "ocm=429:share=2", "ocm=429:share=NaN", "ocm=429:count=0", "ocm=429:color=red", "ocm=429:0.0", "ocm=429:1.5", "ocm=429:NaN", "plugshare=comment-500"} {
		if _, err := ParseFault(text); err == nil {
			t.Errorf("ParseFault(%q) has no error", text)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"ocm=latency:200ms", "ocm=429:5s,share=0.3,path=/poi", "a=html:count=1,to=x"} {
		f.Add(s)
	}
	f.Add("ocm=comment-ambiguous:0.3,200ms")
	f.Fuzz(func(t *testing.T, s string) {
		spec, err := ParseFault(s)
		if err != nil {
			return
		}
		again, err := ParseFault(spec.String())
		if err != nil || again != spec {
			t.Errorf("%q is %+v, then %+v (%v)", s, spec, again, err)
		}
	})
}

func TestFaultsAreSteeredAtRunTimeFromLoopbackOnly(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	steer := func(method, from, path, body string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	const here, faults = "127.0.0.1:5", "/_sandbox/faults"
	for _, c := range []struct {
		method, from, path, body string
		status                   int
		want                     string
	}{
		{"GET", here, faults, "", 200, `{"faults":[]}`},
		{"PUT", here, faults, "429:5s\nocm=latency:10ms\n", 200, `{"faults":["ocm=429:5s","ocm=latency:10ms"]}`},
		{"GET", "[::1]:5", faults, "", 200, `{"faults":["ocm=429:5s","ocm=latency:10ms"]}`},
		{"PUT", here, faults, `["ocm=html"]`, 200, `{"faults":["ocm=html"]}`},
		{"PUT", here, faults, "teapot", 400, ""},
		{"PUT", here, faults, "plugshare=429", 400, ""},
		{"GET", here, faults, "", 200, `{"faults":["ocm=html"]}`}, // the bad ones changed nothing
		{"DELETE", here, faults, "", 200, `{"faults":[]}`},
		{"POST", here, faults, "429", 405, ""},
		{"GET", here, "/_sandbox/nothing", "", 404, ""},
		{"GET", "192.0.2.1:5", faults, "", 403, ""},
		{"GET", here, "/_sandbox/calls", "", 200, `{"calls":0}`},
	} {
		status, body := steer(c.method, c.from, c.path, c.body)
		if status != c.status || c.want != "" && body != c.want {
			t.Errorf("%s %s %q from %s: %d %s, want %d %s", c.method, c.path, c.body, c.from, status, body, c.status, c.want)
		}
	}
}

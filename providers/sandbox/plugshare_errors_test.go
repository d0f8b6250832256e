package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPlugShareRefusesWhatIsNotAQuestion(t *testing.T) {
	t.Parallel()
	sim := newPSSim(t, PlugShareOptions{})
	const at = "latitude=51.5&longitude=-0.1"
	for _, c := range []struct {
		method, target, body string
		want                 int
	}{
		{"GET", "/v3/locations/region?" + at + "&spanLat=1&spanLng=1", "", 400},
		{"GET", "/v3/locations/region?" + at + "&spanLat=1&count=5", "", 400},
		{"GET", "/locations/region?longitude=1&spanLat=1&spanLng=1&count=5", "", 400},
		{"GET", "/locations/region?" + at + "&spanLat=wide&spanLng=1&count=5", "", 400},
		{"GET", "/locations/region?" + at + "&spanLat=1&spanLng=1&count=many", "", 400},
		{"GET", "/locations/region?" + at + "&spanLat=1&spanLng=1&count=-1", "", 400},
		{"GET", "/locations/region?" + at + "&spanLat=1&spanLng=1&count=5&outlets=7", "", 400},
		{"GET", "/locations/region?" + at + "&spanLat=1&spanLng=1&count=5&access=public", "", 400},
		{"GET", "/locations/region?" + at + "&spanLat=1&spanLng=1&count=5&score=good", "", 400},
		{"GET", "/locations/nearby", "", 400},
		{"GET", "/locations/nearby?latitude=51.5", "", 400},
		{"GET", "/locations/nearby?" + at + "&radius=far", "", 400},
		{"GET", "/locations/nearby?" + at + "&availability=free", "", 400},
		{"GET", "/locations/search?count=5", "", 400},
		{"GET", "/locations/search?query=a&count=x", "", 400},
		{"GET", "/locations/40039/reviews?count=x", "", 400},
		{"GET", "/locations/polyline", "", 405},
		{"DELETE", "/locations/40039", "", 405},
		{"POST", "/locations/40039/reviews", "{}", 405},
		{"POST", "/locations/polyline", "polyline=1,2", 400},
		{"POST", "/locations/polyline", `{"polyline":"1,2"}`, 400},
		{"POST", "/locations/polyline", `{"distance":100}`, 400},
		{"POST", "/locations/polyline", `{"distance":100,"polyline":"a,b"}`, 400},
		{"POST", "/locations/polyline", `{"distance":100,"polyline":"1"}`, 400},
		{"POST", "/locations/polyline", `{"distance":100,"polyline":"_p~iF~ps|U"}`, 400},
		{"POST", "/locations/polyline", `{"distance":100,"polyline":[1,2]}`, 400},
		{"POST", "/locations/polyline", `{"distance":100,"polyline":"1,2","outlets":[{"connector":2}]}`, 400},
		{"POST", "/locations/polyline", `{"distance":100,"polyline":"1,2","networks":"x"}`, 400},
		{"GET", "/locations/12", "", 404},
		{"GET", "/locations/first", "", 404},
		{"GET", "/locations/40039/stations", "", 404},
		{"GET", "/locations", "", 404},
		{"GET", "/", "", 404},
		{"GET", "/v3/stations/availability", "", 403},
		{"GET", "/v3/network/7001/checkins", "", 403},
	} {
		w := psSend(t, sim, c.method, c.target, c.body)
		var message struct{ Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &message); w.Code != c.want || err != nil || message.Message == "" {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.target, c.body, w.Code, w.Body, c.want)
		}
	}
}

func TestPlugShareAsksForItsKeyAndSecret(t *testing.T) {
	t.Parallel()
	ask := func(p *PlugShare, key, secret, accept string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v3/networks", nil)
		if key+secret != "" {
			r.SetBasicAuth(key, secret)
		}
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("401 without a challenge")
		}
		return w.Code
	}
	strict, open := newPSSim(t, PlugShareOptions{Key: "k", Secret: "s"}), newPSSim(t, PlugShareOptions{})
	for _, c := range []struct {
		sim                 *PlugShare
		key, secret, accept string
		want                int
	}{
		{strict, "k", "s", "", 200},
		{strict, "k", "t", "", 401},
		{strict, "x", "s", "", 401},
		{strict, "", "", "", 401},
		{open, "any", "", "application/json", 200},
		{open, "", "", "", 401},
		{open, "any", "thing", "text/html, application/json;q=0.5", 200},
		{open, "any", "thing", "*/*", 200},
		{open, "any", "thing", "text/html", 406},
	} {
		if got := ask(c.sim, c.key, c.secret, c.accept); got != c.want {
			t.Errorf("key %q, secret %q, Accept %q: %d, want %d", c.key, c.secret, c.accept, got, c.want)
		}
	}
}

func TestFaultsLookLikePlugShares(t *testing.T) {
	t.Parallel()
	const few = "/v3/locations/nearby?latitude=51.5074&longitude=-0.1278&count=20"
	for _, c := range []struct {
		fault  string
		status int
		right  func(h http.Header, body string) bool
	}{
		{"401", 401, func(h http.Header, _ string) bool { return h.Get("WWW-Authenticate") != "" }},
		{"403", 403, func(h http.Header, body string) bool {
			return strings.HasPrefix(h.Get("Content-Type"), "text/html") && strings.Contains(body, "Just a moment")
		}},
		{"429:5s", 429, func(h http.Header, _ string) bool { return h.Get("Retry-After") == "5" }},
		{"500", 500, func(_ http.Header, body string) bool { return body == "" }},
		{"502", 502, func(h http.Header, _ string) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/html") }},
		{"empty", 200, func(_ http.Header, body string) bool { return body == "" }},
		{"html", 200, func(h http.Header, _ string) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/html") }},
		{"truncated", 200, func(_ http.Header, body string) bool {
			return strings.HasPrefix(body, "[{") && !json.Valid([]byte(body))
		}},
		{"types", 200, func(_ http.Header, body string) bool {
			var found []psFound
			return json.Valid([]byte(body)) && json.Unmarshal([]byte(body), &found) != nil
		}},
		{"object", 200, func(_ http.Header, body string) bool { return strings.HasPrefix(body, `{"code":`) }},
		{"redirect:to=http://other.example/x", 302, func(h http.Header, _ string) bool { return h.Get("Location") == "http://other.example/x" }},
		{"403:path=/reviews", 200, func(_ http.Header, body string) bool { return json.Valid([]byte(body)) }},
		{"slow:1ms", 200, func(_ http.Header, body string) bool { return json.Valid([]byte(body)) }},
		{"latency:1ms", 200, func(_ http.Header, body string) bool { return json.Valid([]byte(body)) }},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			sim := newPSSim(t, PlugShareOptions{})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/_sandbox/faults", strings.NewReader("plugshare="+c.fault))
			r.RemoteAddr = "127.0.0.1:1234"
			w := httptest.NewRecorder()
			if sim.ServeHTTP(w, r); w.Code != 200 {
				t.Fatalf("PUT: %d %s", w.Code, w.Body)
			}
			if w := psSend(t, sim, http.MethodGet, few, ""); w.Code != c.status || !c.right(w.Header(), w.Body.String()) {
				t.Errorf("%d %v %.100s", w.Code, w.Header(), w.Body)
			}
			sim.Faults().Clear()
			if w := psSend(t, sim, http.MethodGet, few, ""); w.Code != 200 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("after Clear: %d", w.Code)
			}
			if n := len(sim.Calls()); n != 2 {
				t.Errorf("%d calls, want 2", n)
			}
		})
	}
}

func TestPlugSharesFaultsAreNotOpenChargeMaps(t *testing.T) {
	t.Parallel()
	sim := newPSSim(t, PlugShareOptions{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/_sandbox/faults", strings.NewReader("ocm=hang"))
	r.RemoteAddr = "127.0.0.1:1234"
	w := httptest.NewRecorder()
	if sim.ServeHTTP(w, r); w.Code != http.StatusBadRequest {
		t.Errorf("PUT ocm=hang: %d", w.Code)
	}
}

func TestTheServerServesPlugShareBesideOpenChargeMap(t *testing.T) {
	t.Parallel()
	spec, err := ParseFault("plugshare=429:5s,count=1")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Config{Faults: []FaultSpec{spec}, Now: func() time.Time { return defaultWorld().Params().Epoch }})
	if !strings.HasPrefix(s.PlugShareURL(), "http://127.0.0.1:") || !strings.HasSuffix(s.PlugShareURL(), "/v3") {
		t.Errorf("PlugShareURL() = %s", s.PlugShareURL())
	}
	at := strings.Replace(s.PlugShareURL(), "http://", "http://"+s.PlugShareKey()+":"+s.PlugShareSecret()+"@", 1)
	if status, _ := fetch(t, at+"/networks"); status != 429 {
		t.Errorf("the fault from the start: %d", status)
	}
	if status, body := fetch(t, at+"/networks"); status != 200 || !strings.Contains(body, `"Voltaro"`) {
		t.Errorf("networks: %d %.80s", status, body)
	}
	if status, _ := fetch(t, s.PlugShareURL()+"/networks"); status != 401 {
		t.Errorf("without a key: %d", status)
	}
	if n := len(s.PlugShare().Calls()); n != 3 || len(s.OCM().Calls()) != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestAPairThatIsSetIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{PlugShare: PlugShareOptions{Key: "k", Secret: "s"}})
	if s.PlugShareKey() != "k" || s.PlugShareSecret() != "s" {
		t.Errorf("%s, %s", s.PlugShareKey(), s.PlugShareSecret())
	}
	at := strings.Replace(s.PlugShareURL(), "http://", "http://k:t@", 1)
	if status, _ := fetch(t, at+"/networks"); status != 401 {
		t.Errorf("another secret: %d", status)
	}
}

func TestARecordingOfPlugShareIsServedWithoutAWorld(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(file, []byte(`[{"id":7,"latitude":51.5,"longitude":-0.1,"name":"One","access":1,"stations":[{"id":1,"network_id":7,"network":{"id":7,"name":"N"},"outlets":[]}]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Config{PlugShare: PlugShareOptions{File: file, Key: "k", Secret: "s"}})
	at := strings.Replace(s.PlugShareURL(), "http://", "http://k:s@", 1)
	if status, body := fetch(t, at+"/locations/nearby?latitude=51.5&longitude=-0.1"); status != 200 || !strings.Contains(body, `"name":"One"`) || !strings.Contains(body, `"distance_meters":0`) {
		t.Errorf("nearby: %d %s", status, body)
	}
	if status, body := fetch(t, at+"/networks"); status != 200 || strings.TrimSpace(body) != `[{"id":7,"name":"N"}]` {
		t.Errorf("networks: %d %s", status, body)
	}
	if s.World() != nil {
		t.Error("there is a world although a file is served")
	}
}

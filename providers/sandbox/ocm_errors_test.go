package sandbox

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEveryErrorOfTheRealServiceIsWordedAsThere(t *testing.T) {
	t.Parallel()
	const (
		noKey   = "You must specify an API key using the key query parameter or x-api-key header."
		badKey  = "Invalid API key."
		robots  = `{"status":"error","description":"API requests by robots are temporarily disabled."}`
		version = `{"status":"error","description":"mandatory API Version not specified in request"}`
		output  = `{"status":"error","description":"specified output type not supported in this API version"}`
	)
	sim := newSim(t, OCMOptions{})
	for _, c := range []struct {
		name, method, target, header, agent string
		status                              int
		body, contentType                   string
	}{
		{name: "no key", target: "/v3/poi", status: 403, body: noKey, contentType: typeText},
		{name: "empty key", target: "/v3/poi?key=", status: 403, body: noKey, contentType: typeText},
		{name: "key test", target: "/v3/poi?key=test", status: 403, body: noKey, contentType: typeText},
		{name: "key null", target: "/v3/poi?key=null", status: 403, body: noKey, contentType: typeText},
		{name: "the name is lower-case", target: "/v3/poi?KEY=" + someKey, status: 403, body: noKey, contentType: typeText},
		{name: "apikey does not pass the edge", target: "/v3/poi?apikey=" + someKey, status: 403, body: noKey, contentType: typeText},
		{name: "not a GUID", target: "/v3/poi?key=secret", status: 403, body: badKey, contentType: typeText},
		{name: "the query wins over the header", target: "/v3/poi?key=secret", header: someKey, status: 403, body: badKey, contentType: typeText},
		{name: "header", target: "/v3/poi?maxresults=0", header: someKey, status: 200, body: "[]", contentType: typeJSON},
		{name: "a query key that counts as missing lets the header in", target: "/v3/poi?maxresults=0&key=test", header: someKey, status: 200, body: "[]", contentType: typeJSON},
		{name: "banned tool", target: "/v3/poi?key=" + someKey, agent: "FME/2020.1", status: 403, body: "Blocked for API abuse. Repeated duplicate calls may be automatically banned.", contentType: typeText},
		{name: "robot", target: "/v3/poi?key=" + someKey, agent: "Mozilla (compatible; Googlebot/2.1)", status: 503, body: robots, contentType: typeJSON},
		{name: "old okhttp", target: "/v3/poi?key=" + someKey, agent: "okhttp/3.9.1", status: 503, body: robots, contentType: typeJSON},
		{name: "php", target: "/v3/poi?key=" + someKey, agent: "PHP/8", status: 503, body: robots, contentType: typeJSON},
		{name: "apache alone", target: "/v3/poi?key=" + someKey, agent: "Apache", status: 503, body: robots, contentType: typeJSON},
		{name: "apache with more", target: "/v3/poi?maxresults=0&key=" + someKey, agent: "Apache-Something", status: 200, body: "[]", contentType: typeJSON},
		{name: "robots may write as little as others", method: "POST", target: "/v3/comment?key=" + someKey, agent: "robot", status: 401},
		{name: "no version", target: "/poi?key=" + someKey, status: 400, body: version, contentType: typeJSON},
		{name: "rss", target: "/v3/poi?output=rss&key=" + someKey, status: 400, body: output, contentType: typeJSON},
		{name: "carwings", target: "/v3/poi?output=carwings&key=" + someKey, status: 400, body: output, contentType: typeJSON},
		{name: "one name in two spellings", target: "/v3/poi?maxresults=1&MaxResults=1&key=" + someKey, status: 200},
		{name: "unknown id", target: "/v3/poi?chargepointid=3&key=" + someKey, status: 200, body: "[]", contentType: typeJSON},
		{name: "unknown path", target: "/v3/nothing?key=" + someKey, status: 404},
		{name: "comments have no list", target: "/v3/comment?key=" + someKey, status: 404},
		{name: "paths have capitals", target: "/v3/POI?key=" + someKey, status: 404},
		{name: "comment", method: "POST", target: "/v3/comment?key=" + someKey, status: 401},
		{name: "photo", method: "POST", target: "/v3/mediaitem?key=" + someKey, status: 401},
		{name: "record", method: "POST", target: "/v3/poi?key=" + someKey, status: 401},
		{name: "old comment", method: "POST", target: "/v3/?action=comment_submission&format=json&key=" + someKey, status: 401},
		{name: "sign in", method: "POST", target: "/v3/profile/authenticate?key=" + someKey, status: 401},
		{name: "delete a photo", method: "DELETE", target: "/v4/profile/mediaitem/7?key=" + someKey, status: 401},
		{name: "post anywhere", method: "POST", target: "/v3/nothing?key=" + someKey, status: 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.method == "" {
				c.method = http.MethodGet
			}
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, nil)
			r.Header.Set("User-Agent", c.agent)
			if c.header != "" {
				r.Header.Set("x-api-KEY", c.header)
			}
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, r)
			if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Content-Type") != c.contentType {
				t.Errorf("%d %q %.200q, want %d %q %q", w.Code, w.Header().Get("Content-Type"), w.Body, c.status, c.contentType, c.body)
			}
			for _, name := range []string{"Etag", "Last-Modified", "Cache-Control", "Expires"} {
				if w.Header().Get(name) != "" {
					t.Errorf("there is a header %s, the real service has none", name)
				}
			}
		})
	}
}

func TestOnlyTheConfiguredKeyIsAccepted(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{Key: "AAAAAAAA-0000-0000-0000-000000000000"})
	if w := get(t, sim, "/v3/poi?maxresults=1"); w.Code != http.StatusForbidden {
		t.Errorf("another GUID: status %d", w.Code)
	}
	getOK(t, sim, "/v3/poi?maxresults=1&key=aaaaaaaa-0000-0000-0000-000000000000")
}

func TestAnswersAreCompressedForThoseWhoAsk(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	for accept, want := range map[string]string{"gzip": "gzip", "br, gzip;q=0.5": "gzip", "gzip;q=0": "", "identity": ""} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v3/poi?key="+someKey, nil)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("Origin", "http://app.example")
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %s: Content-Encoding %q, want %q", accept, got, want)
			continue
		}
		var body io.Reader = w.Body
		if want == "gzip" {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		var pois []ocmPOI
		if err := json.NewDecoder(body).Decode(&pois); err != nil || len(pois) != 100 {
			t.Errorf("Accept-Encoding %s: %d records, %v", accept, len(pois), err)
		}
		if !strings.Contains(strings.Join(w.Header()["Vary"], ","), "Origin") {
			t.Error("no Vary: Origin")
		}
	}
}

func TestCallsAreCountedWithTheirShape(t *testing.T) {
	t.Parallel()
	sim := newSim(t, OCMOptions{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v3/poi?maxresults=2&key="+someKey, nil)
	r.Header.Set("User-Agent", "chargegraph/1")
	sim.ServeHTTP(httptest.NewRecorder(), r)
	get(t, sim, "/v3/poi?key=wrong") // refused, and counted
	calls := sim.Calls()
	if len(calls) != 2 || calls[0].Path != "/v3/poi" || calls[0].Query.Get("maxresults") != "2" || calls[0].UserAgent != "chargegraph/1" {
		t.Errorf("Calls() = %+v", calls)
	}
	sim.ResetCalls()
	if n := len(sim.Calls()); n != 0 {
		t.Errorf("%d calls after ResetCalls", n)
	}
}

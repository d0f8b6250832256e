package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"chargegraph/providers/sandbox"
)

// A world is asked for the truth; what upstreams make of it is another matter.
func ExampleNewWorld() {
	params := sandbox.DefaultParams()
	params.Sites = 3
	for _, s := range sandbox.NewWorld(params).Sites() {
		fmt.Println(s.ID, s.Area, s.Address.Country, len(s.Stations) > 0)
	}
	// Output:
	// 1 sydney AU true
	// 2 austin US true
	// 3 tokyo JP true
}

// A test starts the simulators, points a client at them, and spoils the
// answers as it likes.
func ExampleStart() {
	params := sandbox.DefaultParams()
	params.Sites = 100
	server, err := sandbox.Start(context.Background(), sandbox.Config{Params: params})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.OCM().Faults().Set(sandbox.TooMany, sandbox.For(5*time.Second), sandbox.OnPath("/poi"), sandbox.Count(2))
	fmt.Println(server.OCM().Faults().Specs())
	fmt.Println(server.Close())
	// Output:
	// [ocm=429:5s,count=2,path=/poi]
	// <nil>
}

// Flags and /_sandbox/faults take faults as text.
func ExampleParseFault() {
	spec, err := sandbox.ParseFault("ocm=latency:200ms,share=0.5")
	fmt.Println(spec.Fault, spec.Duration, spec.Share, err)
	_, err = sandbox.ParseFault("ocm=teapot")
	fmt.Println(err)
	// Output:
	// latency 200ms 0.5 <nil>
	// sandbox: fault "ocm=teapot": no fault is called "teapot", want one of none, latency, hang, 403, 429, 500, 502, empty, html, truncated, disconnect, slow, types, object, huge, redirect, 401, comment-timeout, comment-timeout-lost, comment-500, comment-500-lost, comment-empty, comment-empty-lost, comment-failed, comment-failed-lost, comment-ambiguous, comment-expired, comment-readonly, comment-hidden
}

// A simulator is an http.Handler: it needs no network.
func ExampleNewPlugShare() {
	params := sandbox.DefaultParams()
	params.Sites = 100
	sim, err := sandbox.NewPlugShare(sandbox.NewWorld(params), sandbox.PlugShareOptions{Key: "key", Secret: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/v3/locations/search?query=sunrise&minimal=1", nil)
	r.SetBasicAuth("key", "secret")
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	var found []struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	err = json.Unmarshal(w.Body.Bytes(), &found)
	fmt.Println(w.Code, found, err)
	// Output:
	// 200 [{40222 Sunrise Suites Austin}] <nil>
}

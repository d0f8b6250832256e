package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/ocpplab"
	"chargegraph/providers/sandbox"
)

// graphOver is the graph over simulators of all four providers.
type graphOver struct {
	simulators *sandbox.Server
	providers  []providers.Provider
	catalog    *loaders.Catalog
	handler    http.Handler
}

func newGraphOver(t *testing.T, faults ...string) *graphOver {
	t.Helper()
	params := sandbox.DefaultParams()
	params.Sites = 600
	var specs []sandbox.FaultSpec
	for _, text := range faults {
		spec, err := sandbox.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
	}
	simulators, err := sandbox.Start(t.Context(), sandbox.Config{Params: params, Faults: specs})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	read := &sources{logger: logger}
	if err = read.openSandbox(simulators); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	wait := read.run(ctx)
	t.Cleanup(func() {
		cancel()
		wait()
		if closed := simulators.Close(); closed != nil {
			t.Error(closed)
		}
	})
	if len(faults) == 0 {
		read.waitFirst(ctx)
	}
	catalog, err := loaders.New(loaders.Config{Logger: logger}, read.providers...)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := newHandler(catalog, true, logger)
	if err != nil {
		t.Fatal(err)
	}
	return &graphOver{simulators: simulators, providers: read.providers, catalog: catalog, handler: handler}
}

// ask posts a query and returns the answer.
func (g *graphOver) ask(t *testing.T, query string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	g.handler.ServeHTTP(rec, req)
	return rec.Body.Bytes()
}

// contribution is what one source gave to an answer.
type contribution struct {
	Outcome string
	Code    string
	Records map[string]bool
}

// read asks for an area and returns what each source contributed, and how long
// that took.
func (g *graphOver) read(t *testing.T) (map[string]contribution, time.Duration) {
	t.Helper()
	began := time.Now()
	raw := g.ask(t, `{
		pois(area: {bounds: {south: 51.2, west: -0.6, north: 51.8, east: 0.5}}, filter: {includePlanned: true}, first: 500, sources: {timeout: "PT5S", maxAge: "PT0S", allowStale: false}) {
			nodes { records { id source { id } } }
			sources { source { id } outcome error { code } }
		}
	}`)
	took := time.Since(began)
	type ref struct{ ID string }
	var answer struct {
		Errors []any
		Data   struct {
			Pois struct {
				Nodes []struct {
					Records []struct {
						ID     string
						Source ref
					}
				}
				Sources []struct {
					Source  ref
					Outcome string
					Error   *struct{ Code string }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Errors) > 0 {
		t.Fatalf("%v %v", err, answer.Errors)
	}
	contributions := make(map[string]contribution)
	for _, s := range answer.Data.Pois.Sources {
		c := contribution{Outcome: s.Outcome, Records: make(map[string]bool)}
		if s.Error != nil {
			c.Code = s.Error.Code
		}
		contributions[s.Source.ID] = c
	}
	for _, n := range answer.Data.Pois.Nodes {
		for _, r := range n.Records {
			contributions[r.Source.ID].Records[r.ID] = true
		}
	}
	return contributions, took
}

// TestOneSourceFailsAndTheOthersStayComplete: whatever a live source does, the
// answer comes in time, says so, and lacks nothing of the others.
func TestOneSourceFailsAndTheOthersStayComplete(t *testing.T) {
	t.Parallel()
	g := newGraphOver(t)
	whole, _ := g.read(t)
	for id, c := range whole {
		if c.Outcome != "OK" || len(c.Records) == 0 {
			t.Fatalf("%s is not whole to begin with: %s, %d records", id, c.Outcome, len(c.Records))
		}
	}
	// Each fault meets a service of its own: a breaker remembers.
	for source, faultsOf := range map[string]func(*sandbox.Server) *sandbox.Faults{
		"source:ocm":       func(s *sandbox.Server) *sandbox.Faults { return s.OCM().Faults() },
		"source:plugshare": func(s *sandbox.Server) *sandbox.Faults { return s.PlugShare().Faults() },
	} {
		for _, fault := range []sandbox.Fault{
			sandbox.Hang, sandbox.Forbidden, sandbox.TooMany, sandbox.ServerError, sandbox.Empty200, sandbox.HTML,
			sandbox.Truncated, sandbox.Disconnect, sandbox.WrongTypes, sandbox.NotArray, sandbox.SlowBody, sandbox.Redirect,
		} {
			t.Run(fmt.Sprintf("%s %v", source, fault), func(t *testing.T) {
				t.Parallel()
				g := newGraphOver(t)
				faultsOf(g.simulators).Set(fault)
				now, took := g.read(t)
				if took > 15*time.Second {
					t.Errorf("the answer took %v", took)
				}
				for id, c := range now {
					switch {
					case id == source && (c.Outcome == "OK" || c.Code == "" || len(c.Records) > 0):
						t.Errorf("the outcome is %s, %s, with %d records", c.Outcome, c.Code, len(c.Records))
					case id != source && !cmp.Equal(c, whole[id]):
						t.Errorf("%s is not what it was (-whole +now):\n%s", id, cmp.Diff(whole[id], c))
					}
				}
			})
		}
	}
}

// TestAFeedThatCannotBePulledIsAnOutcome: a source that is held here and was
// never read says why, and costs the others nothing.
func TestAFeedThatCannotBePulledIsAnOutcome(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"ocpi=500", "ocpi=hang", "ocpi=truncated", "ocpi=403", "ocpi=html"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			g := newGraphOver(t, fault)
			c, took := g.read(t)
			if took > 15*time.Second {
				t.Errorf("the answer took %v", took)
			}
			if hub := c["source:ocpi:hub"]; hub.Outcome == "OK" || hub.Code == "" || len(hub.Records) > 0 {
				t.Errorf("the hub's outcome is %s, %s, with %d records", hub.Outcome, hub.Code, len(hub.Records))
			}
			// What it would hold is not known to be absent.
			for _, by := range []string{`id: "poi:ocpi:hub:GB*VLT*1"`, `evseId: "GB*VLT*E1"`} {
				if raw := g.ask(t, `{ poi(by: {`+by+`}) { id } }`); !bytes.Contains(raw, []byte(`"PROVIDER_UNAVAILABLE"`)) {
					t.Errorf("a POI by %s answers %s", by, raw)
				}
			}
			if ocm := c["source:ocm"]; ocm.Outcome != "OK" || len(ocm.Records) == 0 {
				t.Errorf("Open Charge Map's outcome is %s, with %d records", ocm.Outcome, len(ocm.Records))
			}
		})
	}
}

// TestWhatWasPulledStaysWhenTheFeedFails: held records outlive their upstream.
func TestWhatWasPulledStaysWhenTheFeedFails(t *testing.T) {
	t.Parallel()
	g := newGraphOver(t)
	whole, _ := g.read(t)
	g.simulators.OCPI().Faults().Set(sandbox.ServerError)
	g.simulators.OCPPLAB().Faults().Set(sandbox.Hang)
	now, _ := g.read(t)
	if diff := cmp.Diff(whole, now); diff != "" {
		t.Errorf("the answer changed (-before +after):\n%s", diff)
	}
}

// TestACPOsOwnEndpointIsAFeed: what a gateway names as a CPO's own endpoint is
// read as OCPI instead.
func TestACPOsOwnEndpointIsAFeed(t *testing.T) {
	t.Parallel()
	g := newGraphOver(t)
	gateway, err := ocpplab.New(ocpplab.Config{URL: g.simulators.OCPPLABURL(), Token: g.simulators.OCPPLABToken()})
	if err != nil {
		t.Fatal(err)
	}
	cpos, err := gateway.CPOs(t.Context())
	if err != nil || len(cpos) == 0 || cpos[0].PeerURL == "" {
		t.Fatalf("CPOs() = %+v, %v, want some with an endpoint of their own", cpos, err)
	}
	read := &sources{logger: slog.New(slog.DiscardHandler)}
	if err = read.open(t.Context(), sourceConfig{Provider: "ocpi", Name: "peer", URL: cpos[0].PeerURL, Token: secret(g.simulators.OCPIToken())}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait := read.run(ctx)
	t.Cleanup(func() { cancel(); wait() })
	if err = read.syncers[0].WaitFirst(ctx); err != nil {
		t.Fatal(err)
	}
	country, party, _ := strings.Cut(cpos[0].Party, "*")
	answer, err := read.providers[0].Search(ctx, providers.Query{Area: providers.World()})
	if err != nil || !slices.ContainsFunc(answer.Records, func(r *providers.Record) bool {
		return strings.HasPrefix(string(r.Key), "ocpi:peer:"+country+"*"+party+"*") && len(r.EVSEs) > 0
	}) {
		t.Errorf("%d locations, none of them the CPO's; %v", len(answer.Records), err)
	}
}

package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"chargegraph/loaders"
	"chargegraph/providers/sandbox"
)

// callsOf counts what reached the simulator, by what was asked.
func callsOf(w *world) (areas, details, references int) {
	for _, c := range w.simulator.Calls() {
		switch {
		case strings.HasPrefix(c.Path, "/v3/referencedata"):
			references++
		case c.Query.Get("chargepointid") != "":
			details++
		default:
			areas++
		}
	}
	return areas, details, references
}

func wantCalls(t *testing.T, w *world, areas, details, references int) {
	t.Helper()
	a, d, r := callsOf(w)
	if a != areas || d != details || r != references {
		t.Errorf("upstream saw %d area, %d detail and %d reference calls, want %d, %d and %d", a, d, r, areas, details, references)
	}
}

const losAngeles = `{bounds: {south: 33.5, west: -118.9, north: 34.5, east: -117.5}}`

func TestReferenceDataIsAskedForOnceWhileColdAndPlacesOnceUntilTheyAreAskedForAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6000)
	s := newService(t, loaders.Config{Timeout: loaders.MaxTimeout}, w.live(t))
	query := `{
		a: pois(area: ` + losAngeles + `, first: 500) { nodes { operator { title } connections { connectionType { title } } } }
		b: pois(area: {country: "KE"}, first: 500) { nodes { operator { title } } }
		operators(first: 1) { totalCount }
	}`
	var answer struct{ A, B struct{ Nodes []any } }
	s.mustAsk(t, query, nil, &answer)
	if len(answer.A.Nodes) != 500 {
		t.Fatalf("the page has %d POIs, want 500", len(answer.A.Nodes))
	}
	wantCalls(t, w, 2, 0, 1)

	w.simulator.ResetCalls()
	s.mustAsk(t, query, nil, &answer)
	wantCalls(t, w, 0, 0, 0)

	fresh := strings.NewReplacer("first: 500)", `first: 500, sources: {maxAge: "PT0S"})`).Replace(query)
	s.mustAsk(t, fresh, nil, &answer)
	wantCalls(t, w, 2, 0, 0)
}

func TestAHundredNodesMakeOneDetailCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 600)
	s := newService(t, loaders.Config{}, w.live(t))
	ids := idsOf(t, w)[:100]
	var answer struct{ Nodes []*struct{ ID string } }
	s.mustAsk(t, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": ids}, &answer)
	for i, n := range answer.Nodes {
		if n == nil {
			t.Errorf("node %s is null", ids[i])
		}
	}
	areas, details, _ := callsOf(w)
	if details != 1 || areas > 10 {
		t.Errorf("upstream saw %d detail and %d area calls, want 1 and at most 10", details, areas)
	}
}

// Fields are resolved each in a goroutine of its own, and those that ask within a
// millisecond share a call. A busy machine may not begin all of them in that
// time, so that they get another chance; each asking for itself has none.
func TestFieldsOfOneOperationShareADetailCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 600)
	ids := idsOf(t, w)
	var query strings.Builder
	query.WriteString("{")
	for i, id := range ids[:5] {
		fmt.Fprintf(&query, ` a%d: poi(by: {id: %q}) { id } b%d: node(id: %q) { id }`, i, id, i, strings.Replace(id, "poi:", "record:", 1))
	}
	query.WriteString("}")
	var counts []int
	for range 5 {
		s := newService(t, loaders.Config{}, w.live(t))
		w.simulator.ResetCalls()
		s.mustAsk(t, query.String(), nil, nil)
		_, details, _ := callsOf(w)
		if details == 1 {
			return
		}
		counts = append(counts, details)
	}
	t.Errorf("upstream saw %v detail calls, want 1", counts)
}

// idsOf lists the POIs that are published, of records that stand alone at their place.
func idsOf(t *testing.T, w *world) []string {
	t.Helper()
	s := newService(t, loaders.Config{}, w.live(t))
	var answer struct {
		Pois struct{ Nodes []struct{ ID string } }
	}
	var ids []string
	for _, area := range []string{losAngeles, `{bounds: {south: 51.2, west: -0.6, north: 51.8, east: 0.4}}`, `{bounds: {south: -34.2, west: 150.8, north: -33.5, east: 151.5}}`} {
		s.mustAsk(t, `{ pois(area: `+area+`, first: 500) { nodes { id } } }`, nil, &answer)
		for _, n := range answer.Pois.Nodes {
			ids = append(ids, n.ID)
		}
	}
	w.simulator.ResetCalls()
	if len(ids) < 100 {
		t.Fatalf("the world has only %d POIs in these cities", len(ids))
	}
	return ids
}

// anyID returns the id of some POI.
func anyID(t *testing.T, s *service) string {
	t.Helper()
	var answer struct {
		Pois struct{ Nodes []struct{ ID string } }
	}
	s.mustAsk(t, `{ pois(area: {country: "GB"}, first: 1) { nodes { id } } }`, nil, &answer)
	return answer.Pois.Nodes[0].ID
}

func TestAnAnswerTellsWhatFailed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault   sandbox.Fault
		outcome string
		code    string
	}{
		{sandbox.Forbidden, "UNAUTHORIZED", "UNAUTHORIZED"},
		{sandbox.TooMany, "RATE_LIMITED", "RATE_LIMITED"},
		{sandbox.ServerError, "FAILED", "UPSTREAM_ERROR"},
		{sandbox.Empty200, "FAILED", "BAD_RESPONSE"},
		{sandbox.HTML, "FAILED", "BAD_RESPONSE"},
		{sandbox.Truncated, "FAILED", "BAD_RESPONSE"},
		{sandbox.WrongTypes, "FAILED", "BAD_RESPONSE"},
		{sandbox.NotArray, "FAILED", "BAD_RESPONSE"},
		{sandbox.Hang, "TIMED_OUT", "TIMEOUT"},
		{sandbox.SlowBody, "TIMED_OUT", "TIMEOUT"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.fault), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 100)
			s := newService(t, loaders.Config{}, w.live(t))
			id := anyID(t, s)
			w.simulator.Faults().Set(test.fault)
			var answer struct {
				Pois struct {
					TotalCount *int
					Nodes      []any
					Sources    []struct {
						Outcome string
						Error   *struct{ Code, Message string }
					}
				}
			}
			query := `{ pois(area: ` + box + `, sources: {timeout: "PT1S"}) { totalCount nodes { id } sources { outcome error { code message } } } }`
			s.mustAsk(t, query, nil, &answer)
			got := answer.Pois.Sources[0]
			if got.Outcome != test.outcome || got.Error == nil || got.Error.Code != test.code {
				t.Errorf("the outcome is %+v (%+v), want %s for %s", got.Outcome, got.Error, test.outcome, test.code)
			}
			if answer.Pois.TotalCount != nil {
				t.Errorf("the total is %d though the source gave nothing", *answer.Pois.TotalCount)
			}

			// Required, the same failure is the question's.
			errs := s.ask(t, strings.Replace(query, "sources: {", "sources: {require: [OCM], ", 1), nil, nil)
			if len(errs) != 1 || errs[0].Extensions["code"] != "PROVIDER_UNAVAILABLE" || errs[0].Extensions["reason"] != test.code {
				t.Errorf("required, it says %+v", errs)
			}
			// A POI of a source that cannot be asked is an error, never null.
			errs = s.ask(t, `query($id: ID!) { poi(by: {id: $id}, sources: {timeout: "PT1S"}) { id } }`, vars{"id": id}, nil)
			if len(errs) != 1 || errs[0].Extensions["code"] != "PROVIDER_UNAVAILABLE" {
				t.Errorf("a POI that could not be asked for says %+v", errs)
			}
		})
	}
}

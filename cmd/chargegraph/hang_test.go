package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// lookAt asks one provider for a box and returns what came of it.
func (g *graphOver) lookAt(t *testing.T, provider string, south, west, north, east float64) (outcome string, took time.Duration) {
	t.Helper()
	began := time.Now()
	raw := g.ask(t, fmt.Sprintf(`{
		pois(area: {bounds: {south: %.2f, west: %.2f, north: %.2f, east: %.2f}}, sources: {include: [%s]}) { sources { outcome } }
	}`, south, west, north, east, provider))
	took = time.Since(began)
	var answer struct {
		Data struct {
			POIs struct{ Sources []struct{ Outcome string } }
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	for _, asked := range answer.Data.POIs.Sources {
		if asked.Outcome != "SKIPPED" {
			outcome = asked.Outcome
		}
	}
	return outcome, took
}

// waited counts the looks that cost a deadline. None may get anything.
func waited(t *testing.T, looks int, look func(n int) (outcome string, took time.Duration)) (count int) {
	t.Helper()
	for n := range looks {
		outcome, took := look(n)
		if outcome != "TIMED_OUT" && outcome != "CIRCUIT_OPEN" {
			t.Errorf("look %d says %s", n, outcome)
		}
		if took > time.Second {
			count++
		}
	}
	return count
}

// A map that is panned while a source hangs waits for it once: its neighbours have
// tiles in common, and calls of their own.
func TestASourceThatHangsCostsAPannedMapOneDeadline(t *testing.T) {
	t.Parallel()
	for provider, fault := range map[string]string{"OCM": "ocm=hang", "PLUGSHARE": "plugshare=hang"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			g := newGraphOver(t, fault)
			look := func(n int) (string, time.Duration) {
				west := -0.3 + 0.02*float64(n)
				return g.lookAt(t, provider, 51.45, west, 51.55, west+0.15)
			}
			if outcome, took := look(0); outcome != "TIMED_OUT" {
				t.Errorf("the first look says %s after %v", outcome, took)
			}
			if n := waited(t, 10, look); n > 0 {
				t.Errorf("%d of ten more looks waited", n)
			}
		})
	}
}

// Places that have nothing in common have no loads in common either: here it is
// the source's own transport that keeps the second question from waiting.
func TestASourceThatHangsCostsOneDeadlineWhereverOneLooks(t *testing.T) {
	t.Parallel()
	// The tables beside the sites come: as long as something does, a call that takes
	// long is held to be its own trouble, so that the first look may not tell.
	for provider, fault := range map[string]string{"OCM": "ocm=hang:path=/poi", "PLUGSHARE": "plugshare=hang:path=/locations"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			g := newGraphOver(t, fault)
			n := waited(t, 6, func(n int) (string, time.Duration) {
				south := float64(40 + 2*n)
				return g.lookAt(t, provider, south, 0, south+0.05, 0.1)
			})
			if n > 2 { // before 10 s have passed and the first call is given up, four would
				t.Errorf("%d of six looks waited", n)
			}
		})
	}
}

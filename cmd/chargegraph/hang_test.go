package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// A map that is panned while a source hangs waits for it once: its neighbours have
// tiles in common, and calls of their own.
func TestASourceThatHangsCostsAPannedMapOneDeadline(t *testing.T) {
	t.Parallel()
	for source, provider := range map[string]string{"ocm": "OCM", "plugshare": "PLUGSHARE"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			g := newGraphOver(t, source+"=hang")
			look := func(n int) (outcome string, took time.Duration) {
				west := -0.3 + 0.02*float64(n)
				began := time.Now()
				raw := g.ask(t, fmt.Sprintf(`{
					pois(area: {bounds: {south: 51.45, west: %.2f, north: 51.55, east: %.2f}}, sources: {include: [%s]}) { sources { outcome } }
				}`, west, west+0.15, provider))
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
			outcome, took := look(0)
			if outcome != "TIMED_OUT" {
				t.Errorf("the first look says %s after %v", outcome, took)
			}
			waited := 0
			for n := range 10 {
				outcome, took = look(n)
				if outcome != "TIMED_OUT" && outcome != "CIRCUIT_OPEN" {
					t.Errorf("look %d says %s", n, outcome)
				}
				if took > 2*time.Second {
					waited++
				}
			}
			if waited > 1 { // on a busy machine the hanging call may end meanwhile, and the next one is a trial
				t.Errorf("%d of ten more looks waited", waited)
			}
		})
	}
}

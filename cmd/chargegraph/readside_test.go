package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

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
			waited := 0
			for n := range 6 {
				lat := 40 + 2*n
				began := time.Now()
				raw := g.ask(t, fmt.Sprintf(`{
					pois(area: {bounds: {south: %d, west: 0, north: %d.05, east: 0.1}}, sources: {include: [%s]}) { sources { outcome } }
				}`, lat, lat, provider))
				took := time.Since(began)
				var answer struct {
					Data struct {
						POIs struct{ Sources []struct{ Outcome string } }
					}
				}
				if err := json.Unmarshal(raw, &answer); err != nil {
					t.Fatalf("%v: %s", err, raw)
				}
				for _, asked := range answer.Data.POIs.Sources {
					if o := asked.Outcome; o != "SKIPPED" && o != "TIMED_OUT" && o != "CIRCUIT_OPEN" {
						t.Errorf("look %d says %s", n, o)
					}
				}
				if took > 2*time.Second {
					waited++
				}
			}
			if waited > 2 { // before 10 s have passed and the first call is given up, four would
				t.Errorf("%d of six looks waited", waited)
			}
		})
	}
}

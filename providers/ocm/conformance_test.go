package ocm

import (
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/providertest"
	"chargegraph/providers/sandbox"
)

func TestConformance(t *testing.T) { //nolint:paralleltest // it counts goroutines
	params := sandbox.DefaultParams()
	params.Sites = 700
	world := sandbox.NewWorld(params)
	providertest.Run(t, providertest.Subject{
		New: func(tb testing.TB) providertest.Bench {
			tb.Helper()
			sim, err := sandbox.NewOCM(world, sandbox.OCMOptions{Key: testKey})
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { _ = sim.Close() })
			var at clock
			s := newSource(tb, sim, func(cfg *Config) { cfg.Clock = at.now })
			s.client.maxBody = 4 << 20 // the real bound takes the race detector a while
			return providertest.Bench{
				Provider: s,
				Calls:    func() int { return len(sim.Calls()) },
				Break: func(fault string) {
					spec, err := sandbox.ParseFault("ocm=" + fault)
					if err != nil {
						tb.Fatal(err)
					}
					sim.Faults().Replace(spec)
				},
				Mend: func() {
					sim.Faults().Clear()
					at.advance(30 * time.Second) // for which a 429 asked for silence
				},
			}
		},
		Areas: []providers.Bounds{
			{South: 51.45, West: -0.25, North: 51.6, East: 0.05},
			{South: 52.3, West: 4.8, North: 52.45, East: 5},
			{South: 35.6, West: 139.5, North: 35.8, East: 139.8},
		},
		Dateline: providers.Bounds{South: -17.5, West: 179, North: -16, East: -179},
		Country:  "GB",
		Faults: map[string][]providers.SourceErrorCode{
			"401":        {providers.CodeUnauthorized},
			"403":        {providers.CodeUnauthorized, providers.CodeForbidden},
			"429":        {providers.CodeRateLimited},
			"500":        {providers.CodeUpstreamError},
			"502":        {providers.CodeUpstreamError},
			"empty":      {providers.CodeBadResponse},
			"html":       {providers.CodeBadResponse},
			"truncated":  {providers.CodeBadResponse},
			"disconnect": {providers.CodeBadResponse, providers.CodeNetwork},
			"types":      {providers.CodeBadResponse},
			"object":     {providers.CodeBadResponse},
			"huge":       {providers.CodeBadResponse},
			"redirect":   {providers.CodeBadResponse},
		},
		Hangs:   []string{"hang", "slow"},
		Secrets: []string{testKey, "REJECTED_APIKEY", "Too many requests", "Upstream API", "Cache not ready", "elsewhere.invalid", "twelve"},
		Now:     func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
	})
}

package plugshare

import (
	"strings"
	"sync/atomic"
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
			sim, err := sandbox.NewPlugShare(world, sandbox.PlugShareOptions{Key: testKey, Secret: testSecret, Now: func() time.Time { return testNow }})
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { _ = sim.Close() })
			var silence atomic.Int64 // that faults asked for, and that has passed
			s := newSource(tb, sim, func(cfg *Config) {
				cfg.Clock = func() time.Time { return testNow.Add(time.Duration(silence.Load())) }
			})
			return providertest.Bench{
				Provider: s,
				Calls:    func() int { return len(sim.Calls()) },
				Break: func(fault string) {
					spec, err := sandbox.ParseFault("plugshare=" + fault)
					if err != nil {
						tb.Fatal(err)
					}
					sim.Faults().Replace(spec)
				},
				Mend: func() {
					sim.Faults().Clear()
					silence.Add(int64(30 * time.Second))
				},
			}
		},
		Areas: []providers.Bounds{
			{South: 51.45, West: -0.25, North: 51.6, East: 0.05},
			{South: 52.3, West: 4.8, North: 52.45, East: 5},
			{South: 34, West: -118.4, North: 34.15, East: -118.1},
		},
		Dateline: providers.Bounds{South: -17.5, West: 179, North: -16, East: -179},
		Country:  "GB",
		Alias: func(r *providers.Record) providers.Key {
			location, _, _ := strings.Cut(string(r.Key), "~")
			return providers.Key(location)
		},
		DetailCalls:   2,    // the second for older reviews
		TableOptional: true, // a key may not open it
		Faults: map[string][]providers.SourceErrorCode{
			"401":        {providers.CodeUnauthorized},
			"403":        {providers.CodeForbidden},
			"429":        {providers.CodeRateLimited},
			"500":        {providers.CodeUpstreamError},
			"502":        {providers.CodeUpstreamError},
			"empty":      {providers.CodeBadResponse},
			"html":       {providers.CodeBadResponse},
			"truncated":  {providers.CodeBadResponse},
			"disconnect": {providers.CodeBadResponse, providers.CodeNetwork},
			"types":      {providers.CodeBadResponse},
			"object":     {providers.CodeBadResponse, providers.CodeUpstreamError, providers.CodeRejected},
			"redirect":   {providers.CodeBadResponse},
		},
		Hangs:   []string{"hang", "slow"},
		Secrets: []string{testKey, testSecret, "bGljZW5zZWUtN", "Just a moment", "Bad Gateway", "something went wrong", "elsewhere.invalid", "twelve"},
		Now:     func() time.Time { return testNow },
	})
}

package ocpi_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/ocpi"
	"chargegraph/providers/providertest"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
)

// TestConformance shows that a feed, pulled into a store, is a source. Its
// faults show in a pull.
func TestConformance(t *testing.T) { //nolint:paralleltest // it counts goroutines
	const token = "made-up-token-4711"
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var silence atomic.Int64 // that faults asked for, and that has passed
	clock := func() time.Time { return now.Add(time.Duration(silence.Load())) }
	params := sandbox.DefaultParams()
	params.Sites = 350
	world := sandbox.NewWorld(params)
	for name, v := range map[string]struct {
		options sandbox.OCPIOptions
		config  ocpi.Config
	}{
		"in the specification's pages": {},
		"in pages of a cursor, attributed as configured": {
			options: sandbox.OCPIOptions{Style: sandbox.OCPICursor},
			config:  ocpi.Config{Attribution: "The hub", License: "CC0-1.0"},
		},
	} {
		v.options.Token, v.options.Now = token, clock
		v.config.Name, v.config.Token, v.config.Clock = "hub", token, clock
		t.Run(name, func(t *testing.T) { conforms(t, world, v.options, v.config, &silence) })
	}
}

func conforms(t *testing.T, world *sandbox.World, options sandbox.OCPIOptions, config ocpi.Config, silence *atomic.Int64) {
	t.Helper()
	providertest.Run(t, providertest.Subject{
		New: func(tb testing.TB) providertest.Bench {
			tb.Helper()
			sim, err := sandbox.NewOCPI(world, options)
			if err != nil {
				tb.Fatal(err)
			}
			server := httptest.NewServer(sim)
			tb.Cleanup(server.Close)
			tb.Cleanup(func() { _ = sim.Close() })
			feed := func() *ocpi.Feed {
				config.URL = server.URL + "/ocpi/versions"
				f, refused := ocpi.New(config)
				if refused != nil {
					tb.Fatal(refused)
				}
				return f
			}
			syncer, err := store.NewSyncer(feed(), store.SyncConfig{Clock: config.Clock})
			if err != nil {
				tb.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // Run ends in the cleanup below
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = syncer.Run(ctx) // returns nil when ctx has ended
			}()
			tb.Cleanup(func() { cancel(); <-ended })
			if err := syncer.WaitFirst(tb.Context()); err != nil {
				tb.Fatal(err)
			}
			again := feed() // the first is the syncer's
			return providertest.Bench{
				Provider: syncer.Source(),
				Calls:    func() int { return len(sim.Calls()) },
				Break: func(fault string) {
					spec, err := sandbox.ParseFault("ocpi=" + fault)
					if err != nil {
						tb.Fatal(err)
					}
					sim.Faults().Replace(spec)
				},
				Mend: func() {
					sim.Faults().Clear()
					silence.Add(int64(30 * time.Second))
				},
				Refresh: func(ctx context.Context) error {
					pulled := make(map[providers.Key]bool)
					_, err := again.Pull(ctx, time.Time{}, func(put []*providers.Record, removed []providers.Key) error {
						for _, r := range put {
							pulled[r.Key] = true
						}
						for _, k := range removed {
							delete(pulled, k)
						}
						return nil
					})
					if err == nil && len(pulled) != syncer.Source().Len() {
						return fmt.Errorf("another pull brings %d records, the first one brought %d", len(pulled), syncer.Source().Len())
					}
					return err
				},
			}
		},
		Unread: func(tb testing.TB) providers.Provider {
			tb.Helper()
			config.URL = "http://127.0.0.1:9/ocpi/versions" // never asked
			f, err := ocpi.New(config)
			if err != nil {
				tb.Fatal(err)
			}
			syncer, err := store.NewSyncer(f, store.SyncConfig{Clock: config.Clock})
			if err != nil {
				tb.Fatal(err)
			}
			return syncer.Source()
		},
		Areas: []providers.Bounds{
			{South: 51.3, West: -0.5, North: 51.7, East: 0.2},
			{South: 52.2, West: 4.6, North: 52.5, East: 5.1},
		},
		Country: "GB",
		Faults: map[string][]providers.SourceErrorCode{
			"401":                        {providers.CodeUnauthorized},
			"403":                        {providers.CodeUnauthorized, providers.CodeForbidden},
			"429":                        {providers.CodeRateLimited},
			"500":                        {providers.CodeUpstreamError},
			"502":                        {providers.CodeUpstreamError},
			"empty":                      {providers.CodeBadResponse},
			"html":                       {providers.CodeBadResponse},
			"truncated":                  {providers.CodeBadResponse},
			"disconnect":                 {providers.CodeBadResponse, providers.CodeNetwork},
			"types":                      {providers.CodeBadResponse},
			"object":                     {providers.CodeBadResponse, providers.CodeUpstreamError},
			"redirect":                   {providers.CodeBadResponse, providers.CodeForbidden},
			"truncated:path=/locations":  {providers.CodeBadResponse},
			"disconnect:path=/locations": {providers.CodeBadResponse, providers.CodeNetwork},
			"types:path=/locations":      {providers.CodeBadResponse},
			"object:path=/locations":     {providers.CodeBadResponse, providers.CodeUpstreamError},
			"html:path=/locations":       {providers.CodeBadResponse},
		},
		Hangs:   []string{"hang", "slow", "hang:path=/locations"},
		Secrets: []string{config.Token, "bWFkZS11cC10b2tlbi00NzEx", "Invalid or missing", "not allowed to call", "Too many requests", "upstream connect error", "Generic server error", "elsewhere.invalid"},
		Now:     config.Clock,
	})
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/ocm"
	"chargegraph/providers/ocpi"
	"chargegraph/providers/ocpplab"
	"chargegraph/providers/plugshare"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
)

// sources are what the graph reads from, and what keeps some of it in step.
type sources struct {
	providers []providers.Provider
	syncers   []*store.Syncer
	logger    *slog.Logger
	budgets   func(cache.BudgetConfig) (providers.Budget, error)                 // nil: none are kept
	around    func(providers.SourceID) func(http.RoundTripper) http.RoundTripper // goes around the transports of sources; nil: nothing does
	pullers   []store.Puller
	changed   func(providers.SourceID) // told when what is held of a source has changed; nil: nobody is
}

// Where the file says nothing: what a careful person would ask a directory for
// that states no limit, and far less than a ban takes.
const (
	defaultCalls = 100
	defaultPer   = time.Minute
	// The simulated ones are asked as often as anybody likes.
	sandboxCalls = 6000
)

// budget returns what the source may be sent by all replicas together. key is
// what its provider counts by.
func (s *sources) budget(id providers.SourceID, key string, cfg budgetConfig) (providers.Budget, error) {
	if cfg.Calls == 0 {
		cfg.Calls = defaultCalls
	}
	if cfg.Per == 0 {
		cfg.Per = interval(defaultPer)
	}
	if s.budgets == nil {
		return nil, nil //nolint:nilnil // no budget is none, and no error
	}
	sum := sha256.Sum256([]byte(key))
	return s.budgets(cache.BudgetConfig{Limit: cfg.Calls, Window: time.Duration(cfg.Per), Name: string(id) + ":" + hex.EncodeToString(sum[:6])})
}

// open adds a configured source. A mirror is loaded before open returns; a
// source that is pulled is read by run.
func (s *sources) open(ctx context.Context, cfg sourceConfig) error {
	kind := sourceKinds[cfg.Provider]
	id := providers.NewSourceID(kind.code, cfg.Name)
	switch kind.code {
	case providers.OCM:
		if cfg.Mirror != "" {
			return s.addMirror(ctx, ocm.MirrorConfig{
				ID: id, Name: cfg.Name, Path: cfg.Mirror, Reference: cfg.Reference, NoAvatars: cfg.NoAvatars, Logger: s.logger,
			})
		}
		budget, err := s.budget(id, string(cfg.Key), cfg.Budget)
		if err != nil {
			return err
		}
		return s.addOCM(ocm.Config{
			ID: id, Name: cfg.Name, URL: cfg.URL, Key: string(cfg.Key), Username: cfg.Username, Password: string(cfg.Password), Budget: budget,
			UserAgent: cfg.UserAgent, ClientName: cfg.Client, NoAvatars: cfg.NoAvatars, Logger: s.logger,
		})
	case providers.PlugShare:
		budget, err := s.budget(id, string(cfg.Key), cfg.Budget)
		if err != nil {
			return err
		}
		return s.addPlugShare(plugshare.Config{
			ID: id, Name: cfg.Name, URL: cfg.URL, Key: string(cfg.Key), Secret: string(cfg.Secret), Budget: budget,
			UserAgent: cfg.UserAgent, Logger: s.logger,
		})
	case providers.OCPI:
		return s.addOCPI(ocpi.Config{
			Name: cfg.Name, URL: cfg.URL, File: cfg.File, Token: string(cfg.Token), TokenEncoding: cfg.TokenEncoding,
			Interval: time.Duration(cfg.Interval), AllowHosts: cfg.AllowHosts,
			Attribution: cfg.Attribution, License: cfg.License, UserAgent: cfg.UserAgent, Logger: s.logger,
		})
	case providers.OCPPLAB:
		return s.addOCPPLAB(ocpplab.Config{
			ID: id, Name: cfg.Name, URL: cfg.URL, Token: string(cfg.Token), CPOs: cfg.CPOs, Path: cfg.Path,
			Interval: time.Duration(cfg.Interval), UserAgent: cfg.UserAgent, Logger: s.logger,
		})
	case providers.Local:
	}
	return fmt.Errorf("provider %q has no sources", cfg.Provider)
}

// transport returns what goes around the transport of a source; nil: nothing.
func (s *sources) transport(id providers.SourceID) func(http.RoundTripper) http.RoundTripper {
	if s.around == nil {
		return nil
	}
	return s.around(id)
}

func (s *sources) addOCM(cfg ocm.Config) error {
	cfg.Around = s.transport(cfg.ID)
	source, err := ocm.New(cfg)
	if err == nil {
		s.providers = append(s.providers, source)
	}
	return err
}

// addMirror reads an export into memory. Broken records are left out and
// logged; a file that cannot be read to its end is an error.
func (s *sources) addMirror(ctx context.Context, cfg ocm.MirrorConfig) error {
	export, err := ocm.OpenExport(cfg)
	if err != nil {
		return err
	}
	held := new(store.Store)
	loader := held.NewLoader()
	report, err := export.Read(ctx, loader.Add)
	if err != nil {
		return err
	}
	loader.Commit(report.WrittenAt)
	export.Source().Succeeded(report.WrittenAt)
	s.providers = append(s.providers, store.NewReferencedSource(export.Source(), held, export.Reference()))
	return nil
}

func (s *sources) addPlugShare(cfg plugshare.Config) error {
	cfg.Around = s.transport(cfg.ID)
	source, err := plugshare.New(cfg)
	if err == nil {
		s.providers = append(s.providers, source)
	}
	return err
}

func (s *sources) addOCPI(cfg ocpi.Config) error {
	cfg.Around = s.transport(providers.NewSourceID(providers.OCPI, cfg.Name))
	feed, err := ocpi.New(cfg)
	if err != nil {
		return err
	}
	return s.addPulled(feed, cfg.Interval)
}

func (s *sources) addOCPPLAB(cfg ocpplab.Config) error {
	cfg.Around = s.transport(cfg.ID)
	gateway, err := ocpplab.New(cfg)
	if err != nil {
		return err
	}
	return s.addPulled(gateway, cfg.Interval)
}

// addPulled adds a source whose records are held here and kept in step by run.
func (s *sources) addPulled(p store.Puller, interval time.Duration) error {
	id := p.Source().ID
	syncer, err := store.NewSyncer(p, store.SyncConfig{Interval: interval, Logger: s.logger, Changed: func() {
		if s.changed != nil {
			s.changed(id)
		}
	}})
	if err == nil {
		s.providers = append(s.providers, syncer.Source())
		s.syncers = append(s.syncers, syncer)
		s.pullers = append(s.pullers, p)
	}
	return err
}

// run pulls what is to be pulled until ctx ends. What it returns waits for the end.
func (s *sources) run(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	for _, syncer := range s.syncers {
		wg.Go(func() { _ = syncer.Run(ctx) }) // it ends without error, when ctx does
	}
	return wg.Wait
}

// waitFirst waits until everything has been pulled once, or ctx ends; what could
// not be is told by the source's outcome then.
func (s *sources) waitFirst(ctx context.Context) {
	for _, syncer := range s.syncers {
		_ = syncer.WaitFirst(ctx)
	}
}

// sandboxInterval is how often the simulated feeds are pulled: often enough to
// see their states change.
const sandboxInterval = 30 * time.Second

// openSandbox adds the product's own sources over the simulators.
func (s *sources) openSandbox(simulators *sandbox.Server) error {
	ocmID, plugID := providers.NewSourceID(providers.OCM, ""), providers.NewSourceID(providers.PlugShare, "")
	ocmBudget, err := s.budget(ocmID, simulators.OCMKey(), budgetConfig{Calls: sandboxCalls})
	if err != nil {
		return err
	}
	plugBudget, err := s.budget(plugID, simulators.PlugShareKey(), budgetConfig{Calls: sandboxCalls})
	if err != nil {
		return err
	}
	for _, add := range []func() error{
		func() error {
			return s.addOCM(ocm.Config{
				ID: ocmID, URL: simulators.OCMURL(), Key: simulators.OCMKey(), Budget: ocmBudget, Sandbox: true, Logger: s.logger,
				Username: simulators.OCMUsername(), Password: simulators.OCMPassword(),
			})
		},
		func() error {
			return s.addPlugShare(plugshare.Config{
				ID: plugID, URL: simulators.PlugShareURL(), Key: simulators.PlugShareKey(), Secret: simulators.PlugShareSecret(),
				Budget: plugBudget, Sandbox: true, Logger: s.logger,
			})
		},
		func() error {
			return s.addOCPI(ocpi.Config{
				Name: "hub", URL: simulators.OCPIURL(), Token: simulators.OCPIToken(), Interval: sandboxInterval, Sandbox: true, Logger: s.logger,
			})
		},
		func() error {
			return s.addOCPPLAB(ocpplab.Config{
				ID: providers.NewSourceID(providers.OCPPLAB, ""), URL: simulators.OCPPLABURL(), Token: simulators.OCPPLABToken(),
				CPOs: simulators.OCPPLABCPOs(), Interval: sandboxInterval, Sandbox: true, Logger: s.logger,
			})
		},
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

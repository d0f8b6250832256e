package main

import (
	"context"
	"fmt"
	"log/slog"

	"chargegraph/providers"
	"chargegraph/providers/ocm"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
)

// openSources returns the configured sources. A mirror is loaded before it is
// returned.
func openSources(ctx context.Context, configs []sourceConfig, logger *slog.Logger) ([]providers.Provider, error) {
	sources := make([]providers.Provider, len(configs))
	for i, cfg := range configs {
		source, err := openSource(ctx, cfg, logger)
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i+1, err)
		}
		sources[i] = source
	}
	return sources, nil
}

func openSource(ctx context.Context, cfg sourceConfig, logger *slog.Logger) (providers.Provider, error) {
	id := providers.NewSourceID(providers.OCM, cfg.Name)
	if cfg.Mirror != "" {
		return openMirror(ctx, ocm.MirrorConfig{
			ID: id, Name: cfg.Name, Path: cfg.Mirror, Reference: cfg.Reference, NoAvatars: cfg.NoAvatars, Logger: logger,
		})
	}
	return ocm.New(ocm.Config{
		ID: id, Name: cfg.Name, URL: cfg.URL, Key: string(cfg.Key),
		UserAgent: cfg.UserAgent, ClientName: cfg.Client, NoAvatars: cfg.NoAvatars, Logger: logger,
	})
}

// openMirror reads an export into memory. Broken records are left out and
// logged; a file that cannot be read to its end is an error.
func openMirror(ctx context.Context, cfg ocm.MirrorConfig) (providers.Provider, error) {
	export, err := ocm.OpenExport(cfg)
	if err != nil {
		return nil, err
	}
	held := new(store.Store)
	loader := held.NewLoader()
	report, err := export.Read(ctx, loader.Add)
	if err != nil {
		return nil, err
	}
	loader.Commit(report.WrittenAt)
	export.Source().Succeeded(report.WrittenAt)
	return store.NewReferencedSource(export.Source(), held, export.Reference()), nil
}

// sandboxSources returns the product's own sources over the simulators.
func sandboxSources(simulators *sandbox.Server, logger *slog.Logger) ([]providers.Provider, error) {
	source, err := ocm.New(ocm.Config{
		ID: providers.NewSourceID(providers.OCM, ""), URL: simulators.OCMURL(), Key: simulators.OCMKey(),
		Sandbox: true, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return []providers.Provider{source}, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/checkins"
	"chargegraph/server"
)

// metricsConfig says where /metrics is.
type metricsConfig struct {
	// Addr is a listener of its own, host:port, for /metrics and the probes. "off":
	// nowhere. "": on the main address where that is a loopback one, else nowhere,
	// so that the world does not see it by accident.
	Addr string `yaml:"addr"`
}

const metricsOff = "off"

func (c *metricsConfig) check() error {
	if c.Addr == "" || c.Addr == metricsOff {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("metrics: addr %q is not an address: write host:port, for example 127.0.0.1:9090, or off", c.Addr)
	}
	return nil
}

// serveMetrics serves /metrics and the probes of main on a listener of their own,
// where that is configured, until the process ends.
func (p *process) serveMetrics(ctx context.Context, cfg metricsConfig, main http.Handler) error {
	switch {
	case cfg.Addr == "" && !p.loopback:
		p.logger.LogAttrs(ctx, slog.LevelInfo, "metrics are served nowhere: name an address in metrics: {addr: …} or "+envMetricsAddr)
		return nil
	case cfg.Addr == "", cfg.Addr == metricsOff:
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("metrics: listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.page(p.logger))
	for _, probe := range []string{"/livez", "/readyz", "/healthz"} {
		mux.Handle("GET "+probe, main)
	}
	p.logger.LogAttrs(ctx, slog.LevelInfo, "metrics are served", slog.String("addr", listener.Addr().String()))
	p.work.Go(func() {
		if err := server.Serve(p.running, listener, mux, p.logger); err != nil { //nolint:contextcheck // it runs for longer than the start does
			p.logger.LogAttrs(ctx, slog.LevelError, "metrics are not served any more", slog.Any("error", err))
		}
	})
	return nil
}

// metricsOnMain returns what answers /metrics on the main address; nil: nothing.
func (p *process) metricsOnMain(cfg metricsConfig) http.Handler {
	if cfg.Addr != "" || !p.loopback {
		return nil
	}
	return p.metrics.page(p.logger)
}

// probeTimeout bounds the writing of a probe: a disk that takes longer cannot keep
// check-ins either.
const probeTimeout = time.Second

// checks returns how what the service depends on is: what is held here must have
// been read, and check-ins must be kept. Upstreams that fail are told of, and no
// reason to send callers to another replica, which asks the same ones.
func (p *process) checks(sources []providers.Provider) func(context.Context) []server.Check {
	return func(ctx context.Context) []server.Check {
		checks := make([]server.Check, 0, len(sources)+1)
		for _, source := range sources {
			checks = append(checks, checkSource(source))
		}
		if p.store != nil {
			c := server.Check{Name: "checkins", OK: true}
			if err := writable(ctx, p.store); err != nil {
				p.logger.LogAttrs(ctx, slog.LevelWarn, "check-ins cannot be kept", slog.Any("error", err))
				c.OK, c.Message = false, "the store of check-ins cannot be written; the log says why"
			}
			checks = append(checks, c)
		}
		return checks
	}
}

func checkSource(p providers.Provider) server.Check {
	c := server.Check{Name: string(p.Source().ID), OK: true}
	if holder, held := p.(providers.Holder); held {
		if err := holder.Ready(); err != nil {
			c.OK, c.Message = false, providers.AsSourceError(err).Message
			return c
		}
	}
	if health := p.Source().Health(); health != providers.HealthHealthy {
		c.OK, c.Detail, c.Message = false, true, string(health)
	}
	return c
}

// errNoProber says that a store has been written that the probes were not told of.
var errNoProber = errors.New("the store cannot tell whether it can be written")

func writable(ctx context.Context, store checkins.Store) error {
	prober, ok := store.(checkins.Prober)
	if !ok {
		return errNoProber
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return prober.Writable(ctx)
}

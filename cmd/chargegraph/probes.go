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
// been read, and check-ins must be kept where the store of them is this replica's
// own. Upstreams that fail, and a store that all replicas share, are told of, and
// no reason to send callers to another replica, which has the same ones.
func (p *process) checks(sources []providers.Provider) func(context.Context) []server.Check {
	return func(ctx context.Context) []server.Check {
		checks := make([]server.Check, 0, len(sources)+1)
		for _, source := range sources {
			checks = append(checks, checkSource(source))
		}
		if p.store == nil {
			return checks
		}
		_, own := p.store.(*checkins.SQLite)
		c := server.Check{Name: "checkins", OK: p.keepsCheckIns(ctx)}
		if !c.OK {
			c.Detail, c.Message = !own, "the store of check-ins cannot be written; the log says why"
		}
		return append(checks, c)
	}
}

// keepsCheckIns tries whether check-ins can be kept. When that changes it is a
// line in the log.
func (p *process) keepsCheckIns(ctx context.Context) bool {
	err := writable(ctx, p.store)
	if errors.Is(ctx.Err(), context.Canceled) {
		return false // nobody waits for it any more, and it says nothing of the store
	}
	switch before := p.metrics.unkept.Swap(err != nil); {
	case err != nil && !before:
		p.logger.LogAttrs(ctx, slog.LevelWarn, "check-ins cannot be kept", slog.Any("error", err))
	case err == nil && before:
		p.logger.LogAttrs(ctx, slog.LevelInfo, "check-ins can be kept again")
	}
	return err == nil
}

// watchInterval is how often check-ins are counted, which takes a second of one
// core where a million are kept, and the store is tried where nobody probes.
const watchInterval = time.Minute

// watchCheckIns keeps the metrics of check-ins up to date until the process ends.
func (p *process) watchCheckIns() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		limited, cancel := context.WithTimeout(p.running, watchInterval)
		_ = p.keepsCheckIns(limited) // the metric and the log have it
		p.metrics.countCheckIns(limited, p.store, p.logger)
		cancel()
		select {
		case <-p.running.Done():
			return
		case <-tick.C:
		}
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

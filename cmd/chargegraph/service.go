package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/checkins"
	"chargegraph/providers/sandbox"
	"chargegraph/resolvers"
	"chargegraph/server"
	"chargegraph/server/access"
)

// process is what lives as long as the program, whatever is reloaded.
type process struct {
	logger     *slog.Logger
	loopback   bool            // it is reached from this machine only
	simulators *sandbox.Server // nil: it serves real sources
	redis      redis.UniversalClient
	store      checkins.Store // nil: no check-ins are taken
	scratch    string         // a folder that goes with the process; "": none
	fixed      config         // what a reload cannot change
	secure     bool           // it speaks TLS
	pair       atomic.Pointer[tls.Certificate]
	metrics    *metrics
	tracing    tracing

	mu      sync.Mutex
	budgets map[string]*cache.Budget // a reload must not grant a source's calls anew
	running context.Context          //nolint:containedctx // of what runs as long as the program
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// begin opens what all configurations share.
func (p *process) begin(ctx context.Context, cfg config) (err error) {
	p.fixed, p.budgets = cfg, make(map[string]*cache.Budget)
	p.running, p.stop = context.WithCancel(p.tracing.background(context.WithoutCancel(ctx)))
	if p.metrics, err = newMetrics(); err != nil {
		return err
	}
	if cfg.Redis != "" {
		logging.Disable() // go-redis would write every failure to connect to stderr
		if p.redis, err = cache.Connect(string(cfg.Redis)); err != nil {
			return err
		}
	}
	if p.simulators != nil && cfg.CheckIns.Store == "" && p.redis == nil {
		// For as long as the simulated providers remember what they were told.
		if p.scratch, err = os.MkdirTemp("", "chargegraph-sandbox-"); err != nil {
			return errors.Join(err, p.end())
		}
		cfg.CheckIns.Store = "sqlite:" + filepath.Join(p.scratch, "checkins.db")
	}
	if p.store, err = openStore(ctx, cfg.CheckIns, p.redis, p.logger); err != nil {
		return errors.Join(err, p.end())
	}
	pair, err := cfg.Server.pair()
	if err != nil {
		return errors.Join(err, p.end())
	}
	p.secure = pair != nil
	p.pair.Store(pair)
	return nil
}

// end lets go of what begin opened.
func (p *process) end() (err error) {
	p.stop()
	p.work.Wait()
	if p.store != nil {
		err = p.store.Close()
	}
	if p.redis != nil {
		err = errors.Join(err, p.redis.Close())
	}
	if p.scratch != "" {
		err = errors.Join(err, os.RemoveAll(p.scratch))
	}
	return err
}

// pair reads the certificate; nil where TLS is not spoken.
func (c *serverConfig) pair() (*tls.Certificate, error) {
	if c.TLS.Cert == "" {
		return nil, nil //nolint:nilnil // no TLS is no certificate, and no error
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return nil, fmt.Errorf("server.tls: %w", err)
	}
	return &pair, nil
}

// secured returns l, speaking TLS where that is configured.
func (p *process) secured(l net.Listener) net.Listener {
	if !p.secure {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.pair.Load(), nil },
	})
}

// budget returns the budget of that name, the same one after a reload.
func (p *process) budget(cfg cache.BudgetConfig) (providers.Budget, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := fmt.Sprintf("%s %d %v", cfg.Name, cfg.Limit, cfg.Window)
	if known, ok := p.budgets[name]; ok {
		return known, nil
	}
	cfg.Redis, cfg.Logger = p.redis, p.logger
	b, err := cache.NewBudget(cfg)
	if err != nil {
		return nil, err
	}
	p.budgets[name] = b
	if p.redis != nil {
		p.work.Go(func() { _ = b.Run(p.running) }) // it ends without error, when running does
	}
	return b, nil
}

// service is what one configuration makes. A reload makes another beside it.
type service struct {
	handler  *server.Handler
	stop     context.CancelFunc
	work     sync.WaitGroup
	closers  []func()
	requests sync.WaitGroup
}

// open makes the service of a configuration, and waits for what it holds to be
// read, patience at most.
func (p *process) open(ctx context.Context, cfg config, patience time.Duration) (s *service, err error) { //nolint:contextcheck // what it starts outlives the call
	running, stop := context.WithCancel(p.running)
	s = &service{stop: stop}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	read := &sources{logger: p.logger, budgets: p.budget, around: p.metrics.calls.around}
	if p.simulators != nil {
		err = read.openSandbox(p.simulators)
	} else {
		for i, source := range cfg.Sources {
			if err = read.open(ctx, source); err != nil {
				return s, fmt.Errorf("source %d: %w", i+1, err)
			}
		}
	}
	if err != nil {
		return s, err
	}
	cached, err := cache.New(cache.Config{MaxBytes: int64(cfg.Cache.MaxBytes), Redis: p.redis, Logger: p.logger})
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, cached.Close)
	if p.redis != nil {
		s.work.Go(func() { _ = cached.Run(running) }) // as above
	}
	gate, err := access.New(cfg.Auth.access(p.simulators != nil && p.loopback, p.logger)) //nolint:contextcheck // keys are fetched for as long as it is open
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, gate.Close)
	catalog, desk, err := p.openCatalog(cfg, read, cached) //nolint:contextcheck // it writes for as long as it is open
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, catalog.Close)
	read.changed = func(id providers.SourceID) { catalog.Changed(running, id) }
	if path := cfg.Conflation.Overrides; path != "" {
		if err = loadOverrides(catalog, path); err != nil {
			return s, err
		}
	}
	shown, err := cfg.Server.options()
	if err != nil {
		return s, err
	}
	s.handler, err = newHandler(catalog, p.simulators != nil, p.logger, shown, func(c *server.Config) {
		c.Access, c.Limiter = gate, limiterOver(p.redis, p.logger)
		c.Answers = keptAnswers{cache.NewAnswers(cached, "answer")}
		c.Documents = cache.NewDocuments(cached)
		c.Metrics, c.MetricsPage, c.Trace = p.metrics.server, p.metricsOnMain(cfg.Metrics), p.tracing.join
		c.Ready = p.checks(read.providers)
		c.Freshness = func(ctx context.Context) loaders.Freshness { return loaders.OperationFrom(ctx).Freshness() }
		if desk != nil {
			c.Schema, c.CheckIns = resolvers.NewSchema(desk), true
		}
	})
	if err != nil {
		return s, err
	}
	s.work.Go(func() { read.run(running)() })
	if desk != nil {
		s.work.Go(func() { desk.run(running)() })
	}
	moment, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	read.waitFirst(moment)
	p.metrics.service.Store(&watched{sources: read.providers, cache: cached, catalog: catalog, streams: s.handler.OpenStreams})
	return s, nil
}

const (
	// firstPull is how long the sandbox may take to be read before it is served.
	// Real feeds may take minutes: nobody waits, and their outcome says so.
	firstPull = 2 * time.Second
	// nextPull is how long the feeds of a new configuration may take before it
	// replaces one whose feeds are held.
	nextPull = time.Minute
)

// openCatalog returns what is read from, and who takes check-ins; nil: nobody.
func (p *process) openCatalog(cfg config, read *sources, cached *cache.Cache) (catalog *loaders.Catalog, d *desk, err error) {
	c := loaders.Config{Cache: cached, Logger: p.logger}
	if p.store != nil {
		if p.simulators == nil && !cfg.Auth.identifies() {
			return nil, nil, errors.New("checkins are on, and nobody could authenticate: configure auth: {apiKeys: …} (`chargegraph keys new NAME` makes one) or auth: {jwt: …}, or set checkins: {store: off}")
		}
		if d, err = newDesk(p.store, cfg.CheckIns, read.providers, func() *loaders.Catalog { return catalog }, p.logger); err != nil {
			return nil, nil, err
		}
		c.Amend, c.Aliases = d.amend, aliases{p.store}
	}
	catalog, err = loaders.New(c, read.providers...)
	return catalog, d, err
}

// close ends the service: it lets requests under way finish, and then what runs
// beside them.
func (s *service) close(ctx context.Context) {
	if s.handler != nil {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		s.handler.EndStreams(grace)
		cancel()
	}
	s.requests.Wait()
	s.stop()
	s.work.Wait()
	for _, closer := range slices.Backward(s.closers) {
		closer()
	}
}

// closeTimeout is how long clients of streams have to hear that these end.
const closeTimeout = 5 * time.Second

// front is the service that is current.
type front struct {
	mu  sync.RWMutex
	now *service
}

var _ http.Handler = (*front)(nil)

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.RLock()
	s := f.now
	s.requests.Add(1)
	f.mu.RUnlock()
	defer s.requests.Done()
	s.handler.ServeHTTP(w, r)
}

// EndStreams ends the streams of the current service.
func (f *front) EndStreams(ctx context.Context) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.now.handler.EndStreams(ctx)
}

// swap makes next the current service and returns the one before.
func (f *front) swap(next *service) (before *service) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, f.now = f.now, next
	return before
}

func (f *front) close(ctx context.Context) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	f.now.close(ctx)
}

// reload puts the service of another configuration in the place of the current
// one. No request is dropped; streams are told to connect again.
func (p *process) reload(ctx context.Context, f *front, cfg config) error {
	switch fixed := p.fixed; {
	case cfg.Addr != fixed.Addr:
		return errors.New("addr cannot be changed while the service runs: restart it")
	case cfg.Redis != fixed.Redis:
		return errors.New("redis cannot be changed while the service runs: restart it")
	case cfg.CheckIns != fixed.CheckIns:
		return errors.New("checkins cannot be changed while the service runs: restart it")
	case cfg.Metrics != fixed.Metrics:
		return errors.New("metrics cannot be changed while the service runs: restart it")
	case (cfg.Server.TLS.Cert != "") != p.secure:
		return errors.New("server.tls cannot be switched on or off while the service runs: restart it")
	case p.simulators == nil && len(cfg.Sources) == 0:
		return errors.New("no source is configured any more")
	}
	pair, err := cfg.Server.pair()
	if err != nil {
		return err
	}
	next, err := p.open(ctx, cfg, nextPull)
	if err != nil {
		return err
	}
	p.pair.Store(pair)
	before := f.swap(next)
	p.work.Go(func() { before.close(ctx) })
	return nil
}

// options returns how the server shows itself.
func (c *serverConfig) options() (func(*server.Config), error) {
	var proxies []netip.Prefix
	for _, text := range c.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, single := netip.ParseAddr(text)
			if single != nil {
				return nil, fmt.Errorf("server.trustedProxies: %q is no address and no network such as 10.0.0.0/8", text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		proxies = append(proxies, network.Masked())
	}
	var trusted server.Trusted
	if path := c.Documents.Trusted; path != "" {
		file, err := os.Open(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("server.documents: %w", err)
		}
		trusted, err = server.ReadTrusted(file)
		_ = file.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("server.documents: %s: %w", path, err)
		}
	}
	return func(s *server.Config) {
		s.TrustedProxies = proxies
		s.CORS = server.CORS{Origins: c.CORS.Origins, Credentials: c.CORS.Credentials}
		s.Trusted, s.TrustedOnly = trusted, c.Documents.Only
		s.NoIntrospection = c.NoIntrospection
		s.MaxBatch = c.Batch
		s.OperationTimeout = time.Duration(c.Timeout)
		s.Limits = server.Limits{
			Depth: c.Limits.Depth, Aliases: c.Limits.Aliases, RootFields: c.Limits.RootFields,
			Directives: c.Limits.Directives, Cost: c.Limits.Cost,
		}
	}, nil
}

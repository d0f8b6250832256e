package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
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

	// A reload goes on with all of this, so that it costs no call to a source, no
	// look for an issuer's keys, and no caller's limit anew.
	cached    *cache.Cache
	answers   *cache.Answers
	documents *cache.Documents
	costs     access.Limiter                  // charges operations
	single    access.Limiter                  // charges check-ins
	gate      *access.Gate                    // nil: before the first configuration is open
	desk      *desk                           // nil without store, and before that
	catalog   atomic.Pointer[loaders.Catalog] // the current one; nil before that
	opened    []*openedSource                 // what it reads from

	mu      sync.Mutex
	budgets map[string]*cache.Budget // a reload must not grant a source's calls anew
	running context.Context          //nolint:containedctx // of what runs as long as the program
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// begin opens what all configurations share.
func (p *process) begin(ctx context.Context, cfg config) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, p.end())
		}
	}()
	p.fixed, p.budgets = cfg, make(map[string]*cache.Budget)
	p.running, p.stop = context.WithCancel(p.tracing.background(context.WithoutCancel(ctx)))
	if p.metrics, err = newMetrics(); err != nil {
		return err
	}
	if cfg.Redis != "" {
		if p.redis, err = connect(cfg.Redis); err != nil {
			return err
		}
	}
	if p.cached, err = cache.New(cache.Config{MaxBytes: int64(cfg.Cache.MaxBytes), Redis: p.redis, Logger: p.logger}); err != nil {
		return err
	}
	p.work.Go(func() { p.limitMemory(p.running) })
	p.answers, p.documents = cache.NewAnswers(p.cached, "answer"), cache.NewDocuments(p.cached)
	if p.redis != nil {
		p.work.Go(func() { _ = p.cached.Run(p.running) }) // it ends without error, when running does
	}
	p.costs, p.single = limitersOver(p.redis, p.logger)
	if p.simulators != nil && cfg.CheckIns.Store == "" && p.redis == nil {
		// For as long as the simulated providers remember what they were told.
		if p.scratch, err = os.MkdirTemp("", "chargegraph-sandbox-"); err != nil {
			return err
		}
		cfg.CheckIns.Store = secret("sqlite:" + filepath.Join(p.scratch, "checkins.db"))
	}
	if p.store, err = openStore(ctx, cfg.CheckIns, p.redis, true, p.logger); err != nil {
		return err
	}
	p.metrics.keeps = p.store != nil
	pair, err := cfg.Server.pair()
	if err != nil {
		return err
	}
	p.secure = pair != nil
	p.pair.Store(pair)
	return nil
}

// end lets go of what begin opened.
func (p *process) end() (err error) {
	p.stop()
	p.work.Wait()
	if catalog := p.catalog.Load(); catalog != nil {
		catalog.Close()
	}
	if p.gate != nil {
		p.gate.Close()
	}
	if p.cached != nil {
		p.cached.Close()
	}
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
	requests sync.WaitGroup
	replaced []*openedSource // what the service before it read from, and this does not
}

// open makes the service of a configuration, and waits for what it holds to be
// read, patience at most. It goes on with what the process has of the one before,
// which stays as it is when there is an error.
func (p *process) open(ctx context.Context, cfg config, patience time.Duration) (s *service, err error) {
	who := cfg.Auth.access(p.simulators != nil && p.loopback, p.logger)
	gate, err := access.New(who) //nolint:contextcheck // keys are fetched for as long as it is open
	if err != nil {
		return nil, err
	}
	if p.gate == nil {
		p.gate = gate
	} else {
		gate.Close() // it was to find contradictions before anything is opened: see Reload below
	}
	all, fresh, err := p.openSources(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			endSources(fresh)
		}
	}()
	read, before := readFrom(all), p.catalog.Load()
	catalog, err := p.openCatalog(cfg, read) //nolint:contextcheck // it writes for as long as it is open
	if err != nil {
		return nil, err
	}
	if before == nil {
		p.catalog.Store(catalog)
		if p.desk != nil {
			p.desk.deliverTo(read)
			p.work.Go(func() { p.desk.run(p.running)() })
		}
	}
	edition, err := editionOf(cfg, all)
	if err != nil {
		return nil, err
	}
	shown, err := cfg.Server.options()
	if err != nil {
		return nil, err
	}
	s = &service{}
	s.handler, err = newHandler(catalog, p.simulators != nil, p.logger, shown, func(c *server.Config) {
		c.Access, c.Limiter = p.gate, p.costs
		c.Answers = keptAnswers{p.answers, edition}
		c.Documents = p.documents
		c.Metrics, c.MetricsPage, c.Trace = p.metrics.server, p.metricsOnMain(cfg.Metrics), p.tracing.join
		c.Ready = p.checks(read)
		c.Freshness = func(ctx context.Context) loaders.Freshness { return loaders.OperationFrom(ctx).Freshness() }
		if p.desk != nil {
			c.Schema, c.CheckIns = resolvers.NewSchema(p.desk), true
		}
	})
	if err != nil {
		return nil, err
	}
	p.beginSources(ctx, patience, fresh)
	if err = p.gate.Reload(who); err != nil { //nolint:contextcheck // as above
		return nil, err
	}
	// From here on nothing can fail.
	if before != nil {
		catalog.Succeed(before)
		p.catalog.Store(catalog)
		if p.desk != nil {
			p.desk.deliverTo(read)
		}
	}
	s.replaced = slices.DeleteFunc(p.opened, func(o *openedSource) bool { return slices.Contains(all, o) })
	p.opened = all
	p.metrics.service.Store(&watched{sources: read, cache: p.cached, catalog: catalog, streams: s.handler.OpenStreams})
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

// openCatalog returns what is read from, with all that was cached before, and
// where check-ins are kept makes the desk that takes them.
func (p *process) openCatalog(cfg config, read []providers.Provider) (catalog *loaders.Catalog, err error) {
	if p.store != nil && p.simulators == nil && !cfg.Auth.identifies() {
		return nil, errors.New("checkins are on, and nobody could authenticate: configure auth: {apiKeys: …} (`chargegraph keys new NAME` makes one) or auth: {jwt: …}, or set checkins: {store: off}")
	}
	if before := p.catalog.Load(); before != nil {
		catalog, err = before.With(read...)
	} else {
		c := loaders.Config{Cache: p.cached, Logger: p.logger}
		if p.store != nil {
			if p.desk, err = newDesk(p.store, cfg.CheckIns, p.single, p.catalog.Load, p.logger); err != nil {
				return nil, err
			}
			c.Amend, c.Aliases = p.desk.amend, aliases{p.store}
		}
		catalog, err = loaders.New(c, read...)
	}
	if err != nil {
		return nil, err
	}
	if path := cfg.Conflation.Overrides; path != "" {
		if err = loadOverrides(catalog, path); err != nil {
			if p.catalog.Load() == nil {
				catalog.Close() // else the one before needs what they share
			}
			return nil, err
		}
	}
	return catalog, nil
}

// editionOf names what an answer depends on beside what was asked: with another
// configuration, here or at another replica, finished answers are others. Secrets
// are not among it.
func editionOf(cfg config, read []*openedSource) (string, error) {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%+v\n%+v\n%+v\n", cfg.Sources, cfg.Conflation, cfg.Server) // secrets print as such
	for _, o := range read {
		_, _ = fmt.Fprintln(h, o.seen)
	}
	for _, path := range []string{cfg.Conflation.Overrides, cfg.Server.Documents.Trusted} {
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return "", fmt.Errorf("read configuration: %w", err)
		}
		_, _ = fmt.Fprintf(h, "%d\n%s", len(text), text)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]), nil
}

// close ends the service: it lets requests under way finish, and then what was
// read for them alone.
func (s *service) close(ctx context.Context) {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	s.handler.EndStreams(grace)
	cancel()
	s.requests.Wait()
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
	case cfg.Cache != fixed.Cache:
		return errors.New("cache cannot be changed while the service runs: restart it")
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
	p.work.Go(func() {
		before.close(ctx)
		endSources(next.replaced)
	})
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

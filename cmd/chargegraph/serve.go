package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"chargegraph"
	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/sandbox"
	"chargegraph/resolvers"
	"chargegraph/server"
)

// serve serves the graph until ctx ends.
func serve(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) (err error) {
	flags := newFlags("chargegraph", `Serves the graph. Without sources it serves a made-up world, on a loopback address.
`+"`chargegraph help`"+` tells how to bring real sources.`, stderr)
	path := flags.String("config", "", "configuration `file`, YAML")
	addr := flags.String("addr", "", "where to listen, host:port; overrides "+envAddr+" and the file (default "+defaultAddr+")")
	madeUp := flags.Bool("sandbox", false, "serve made-up data, whatever is configured and wherever it listens")
	level := slog.LevelInfo
	flags.TextVar(&level, "log", level, "log level: DEBUG, INFO, WARN or ERROR")
	var world worldFlags
	world.register(flags)
	if err = parse(flags, args); err != nil {
		return err
	}
	logger := newLogger(stderr, level)
	cfg, err := readConfig(*path, *addr, getenv)
	if err != nil {
		return err
	}

	// The address is taken before anything is loaded, so that a busy port is
	// known at once.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() {
		if cerr := listener.Close(); !errors.Is(cerr, net.ErrClosed) {
			err = errors.Join(err, cerr)
		}
	}()

	running, stop := context.WithCancel(ctx)
	defer stop()
	var background sync.WaitGroup
	defer background.Wait() // after stop
	defer stop()
	start := func(run func(context.Context) error) {
		background.Go(func() {
			if err := run(running); err != nil && running.Err() == nil {
				logger.LogAttrs(ctx, slog.LevelError, "a part of the service ended", slog.Any("error", err))
			}
		})
	}

	var client redis.UniversalClient
	if cfg.Redis != "" {
		logging.Disable() // go-redis would write every failure to connect to stderr
		if client, err = cache.Connect(string(cfg.Redis)); err != nil {
			return err
		}
		defer client.Close() //nolint:errcheck // nothing is left to do with it
	}

	inSandbox := *madeUp || len(cfg.Sources) == 0
	read := &sources{logger: logger, redis: client, start: start}
	if inSandbox {
		if !*madeUp && !isLoopback(listener.Addr()) {
			return fmt.Errorf("no source is configured, and made-up data is served on loopback addresses only, not on %s: set %s or %s, name sources in a -config file, or ask for made-up data with -sandbox", cfg.Addr, envOCMKey, envMirror)
		}
		simulators, startErr := sandbox.Start(ctx, sandbox.Config{Params: world.params(), Faults: world.faults, Logger: logger})
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, simulators.Close()) }()
		if err = read.openSandbox(simulators); err != nil {
			return err
		}
	}
	if !inSandbox {
		for i, source := range cfg.Sources {
			if err = read.open(ctx, source); err != nil {
				return fmt.Errorf("source %d: %w", i+1, err)
			}
		}
	}
	cached, err := cache.New(cache.Config{MaxBytes: int64(cfg.Cache.MaxBytes), Redis: client, Logger: logger})
	if err != nil {
		return err
	}
	defer cached.Close()
	if client != nil {
		start(cached.Run)
	}

	gate, err := openGate(cfg.Auth, inSandbox && isLoopback(listener.Addr()), logger)
	if err != nil {
		return err
	}
	defer gate.Close()
	if inSandbox && cfg.CheckIns.Store == "" && client == nil {
		cfg.CheckIns.Store = "sqlite:" + filepath.Join(os.TempDir(), "chargegraph-sandbox.db")
	}
	store, err := openStore(ctx, cfg.CheckIns, client, logger)
	if err != nil {
		return err
	}
	catalogConfig := loaders.Config{Cache: cached, Logger: logger}
	var catalog *loaders.Catalog
	var checkIns *desk
	if store != nil {
		defer func() { err = errors.Join(err, store.Close()) }()
		if !inSandbox && !cfg.Auth.identifies() {
			return errors.New("checkins are on, and nobody could authenticate: configure auth: {apiKeys: …} (`chargegraph keys new NAME` makes one) or auth: {jwt: …}, or set checkins: {store: off}")
		}
		if checkIns, err = newDesk(store, cfg.CheckIns, read.providers, func() *loaders.Catalog { return catalog }, logger); err != nil {
			return err
		}
		catalogConfig.Amend = checkIns.amend
		catalogConfig.Aliases = aliases{store}
	}
	if catalog, err = loaders.New(catalogConfig, read.providers...); err != nil {
		return err
	}
	defer catalog.Close()
	read.changed = func(id providers.SourceID) { catalog.Changed(running, id) }
	if path := cfg.Conflation.Overrides; path != "" {
		if err = loadOverrides(catalog, path); err != nil {
			return err
		}
		defer onHangUp(func() {
			if again := loadOverrides(catalog, path); again != nil {
				logger.LogAttrs(ctx, slog.LevelError, "overrides not reloaded; the earlier ones hold", slog.Any("error", again))
				return
			}
			logger.LogAttrs(ctx, slog.LevelInfo, "overrides reloaded")
		})()
	}
	handler, err := newHandler(catalog, inSandbox, logger, func(c *server.Config) {
		c.Access = gate
		c.Limiter = limiterOver(client, logger)
		c.Answers = keptAnswers{cache.NewAnswers(cached, "answer")}
		c.Freshness = func(ctx context.Context) loaders.Freshness { return loaders.OperationFrom(ctx).Freshness() }
		if checkIns != nil {
			c.Schema = resolvers.NewSchema(checkIns)
		}
	})
	if err != nil {
		return err
	}

	wait := read.run(running)
	defer wait()
	defer stop()
	if checkIns != nil {
		defer checkIns.run(running)()
		defer stop()
	}
	if inSandbox { // what comes from this machine is worth a moment
		moment, cancel := context.WithTimeout(ctx, firstPull)
		read.waitFirst(moment)
		cancel()
	}
	greet(stderr, listener.Addr(), inSandbox)
	return server.Serve(ctx, listener, handler, logger)
}

// firstPull is how long the sandbox may take to be read before it is served.
const firstPull = 2 * time.Second

// newHandler wires the service together, as changes leave it.
func newHandler(catalog *loaders.Catalog, inSandbox bool, logger *slog.Logger, changes ...func(*server.Config)) (*server.Handler, error) {
	cfg := server.Config{
		Schema:    resolvers.NewSchema(nil),
		Operation: resolvers.Operations(catalog),
		Sandbox:   inSandbox,
		Logger:    logger,
		SDL:       chargegraph.SDL,
	}
	for _, change := range changes {
		change(&cfg)
	}
	return server.New(cfg)
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// greet tells a person where to go.
func greet(w io.Writer, addr net.Addr, inSandbox bool) {
	_, _ = fmt.Fprintf(w, "\n  playground   http://%s/\n  API          http://%s/graphql\n", addr, addr)
	if inSandbox {
		_, _ = fmt.Fprintf(w, `
  The data is MADE UP. For real sources set, and start again:
    %s=…   a key for Open Charge Map, or
    %s=…    a file or folder with an export of it (no key needed), or
    -config FILE    several sources, see the README
`, envOCMKey, envMirror)
	}
	_, _ = fmt.Fprintln(w)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"chargegraph"
	"chargegraph/loaders"
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

	inSandbox := *madeUp || len(cfg.Sources) == 0
	read := &sources{logger: logger}
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
	catalog, err := loaders.New(loaders.Config{Logger: logger}, read.providers...)
	if err != nil {
		return err
	}
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
	handler, err := newHandler(catalog, inSandbox, logger)
	if err != nil {
		return err
	}

	pulling, stop := context.WithCancel(ctx)
	wait := read.run(pulling)
	defer wait()
	defer stop()
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

// newHandler wires the service together.
func newHandler(catalog *loaders.Catalog, inSandbox bool, logger *slog.Logger) (http.Handler, error) {
	return server.New(server.Config{
		Schema:    resolvers.NewSchema(),
		Operation: resolvers.Operations(catalog),
		Sandbox:   inSandbox,
		Logger:    logger,
		SDL:       chargegraph.SDL,
	})
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

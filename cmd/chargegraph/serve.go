package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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
	format := logText
	flags.TextVar(&format, "log-format", format, "how log lines are written: text or json")
	var world worldFlags
	world.register(flags)
	if err = parse(flags, args); err != nil {
		return err
	}
	logger := format.logger(stderr, level)
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

	p := &process{logger: logger, loopback: isLoopback(listener.Addr())}
	if p.tracing, err = openTracing(ctx, getenv, logger); err != nil {
		return err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTraces)
		defer cancel()
		p.tracing.end(last)
	}()
	if *madeUp || len(cfg.Sources) == 0 {
		if !*madeUp && !p.loopback {
			return fmt.Errorf("no source is configured, and made-up data is served on loopback addresses only, not on %s: set %s or %s, name sources in a -config file, or ask for made-up data with -sandbox", cfg.Addr, envOCMKey, envMirror)
		}
		p.simulators, err = sandbox.Start(ctx, sandbox.Config{Params: world.params(), Faults: world.faults, Logger: logger})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.simulators.Close()) }()
	} else if set := world.given(flags); set != "" {
		return fmt.Errorf("-%s is about the made-up world, and real sources are configured: leave it out, or add -sandbox", set)
	}
	if err = p.begin(ctx, cfg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	patience := firstPull
	if p.simulators == nil {
		patience = 0
	}
	first, err := p.open(ctx, cfg, patience)
	if err != nil {
		return err
	}
	front := &front{now: first}
	defer front.close(ctx)
	defer onHangUp(func() {
		again, reloadErr := readConfig(*path, *addr, getenv)
		if reloadErr == nil {
			reloadErr = p.reload(ctx, front, again)
		}
		if reloadErr != nil {
			logger.LogAttrs(ctx, slog.LevelError, "configuration not reloaded; the earlier one holds", slog.Any("error", reloadErr))
			return
		}
		logger.LogAttrs(ctx, slog.LevelInfo, "configuration reloaded")
	})()
	if p.store != nil {
		p.work.Go(p.watchCheckIns)
	}
	if err = p.serveMetrics(ctx, cfg.Metrics, front); err != nil {
		return err
	}
	greet(stderr, listener.Addr(), p.secure, p.simulators != nil)
	return server.Serve(ctx, p.secured(listener), front, logger)
}

// lastTraces is how long the end of the program waits for traces to be sent.
const lastTraces = 3 * time.Second

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
func greet(w io.Writer, addr net.Addr, secure, inSandbox bool) {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	_, _ = fmt.Fprintf(w, "\n  playground   %s://%s/\n  API          %s://%s/graphql\n", scheme, addr, scheme, addr)
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

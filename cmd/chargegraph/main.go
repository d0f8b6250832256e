// Command chargegraph serves one GraphQL API over several directories of
// charging sites. Without configuration it serves a made-up world, so that it
// can be tried on a machine that has nothing but Go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"chargegraph/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		_, _ = fmt.Fprintf(os.Stderr, "chargegraph: %v\n", err)
		os.Exit(1)
	}
}

const usage = `chargegraph serves one GraphQL API over several directories of charging sites.

  chargegraph [flags]            serve the graph (also: chargegraph serve)
  chargegraph check [flags]      check a configuration, and ask each of its sources once
  chargegraph sandbox [flags]    run the simulated upstreams alone
  chargegraph keys new NAME      make an API key
  chargegraph checkins COMMAND   list, show, retry, export or import check-ins
  chargegraph conflate-eval      measure how records become one POI, on labelled pairs
  chargegraph help               this text

Each command tells its flags with -h.

Without a file or variables it serves made-up data on a loopback address.
Real sources, by variables:
  OCM_API_KEY        a key for Open Charge Map (openchargemap.org, My Profile, My Apps)
  OCM_URL            another base address of its API
  OCM_MIRROR         an export of Open Charge Map instead: a file or a folder, no key needed
  PLUGSHARE_KEY, PLUGSHARE_SECRET   a licence of PlugShare; PLUGSHARE_URL for another base address
  OCM_USERNAME, OCM_PASSWORD        an account at Open Charge Map for check-ins
and the rest:
  CHARGEGRAPH_ADDR   where to listen, host:port
  REDIS_URL          a Redis that replicas share: cache, budgets, limits, check-ins
  CHARGEGRAPH_METRICS_ADDR  where /metrics is, host:port, or off
  CHARGEGRAPH_SECRET what check-ins are sealed and found again by, the same on all replicas
  OTEL_EXPORTER_OTLP_ENDPOINT  a collector of traces, http://host:4318; the other OTEL_ variables hold too
or by a file: -config FILE, see the README.
`

// run is the program: it serves until ctx ends, and then ends cleanly.
func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	command := "serve"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, args, getenv, stderr)
	case "check":
		return runCheck(ctx, args, getenv, os.Stdout, stderr)
	case "sandbox":
		return runSandbox(ctx, args, os.Stdout, stderr)
	case "keys":
		return runKeys(ctx, args, os.Stdout, stderr)
	case "checkins":
		return runCheckIns(ctx, args, getenv, os.Stdin, os.Stdout, stderr)
	case "conflate-eval":
		return runConflateEval(ctx, args, os.Stdout, stderr)
	case "help":
		_, err := io.WriteString(stderr, usage)
		return err
	}
	return fmt.Errorf("there is no command %q: `chargegraph help` lists them", command)
}

// newFlags returns a flag set that writes its help to stderr, after about.
func newFlags(name, about string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "%s\n\nFlags:\n", about)
		flags.PrintDefaults()
	}
	return flags
}

// parse reads flags and refuses what is left over.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes no arguments, but was given %q", flags.Name(), flags.Arg(0))
	}
	return nil
}

// logFormat is how log lines are written.
type logFormat string

const (
	logText logFormat = "text"
	logJSON logFormat = "json"
)

// MarshalText implements encoding.TextMarshaler.
func (f logFormat) MarshalText() ([]byte, error) { return []byte(f), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *logFormat) UnmarshalText(text []byte) error {
	switch format := logFormat(text); format {
	case logText, logJSON:
		*f = format
		return nil
	}
	return errors.New("must be text or json")
}

// newLogger returns a logger for people.
func newLogger(w io.Writer, level slog.Level) *slog.Logger { return logText.logger(w, level) }

func (f logFormat) logger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if f == logJSON {
		return slog.New(server.LogHandler{Handler: slog.NewJSONHandler(w, options)})
	}
	return slog.New(server.LogHandler{Handler: slog.NewTextHandler(w, options)})
}

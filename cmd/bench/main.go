// Command bench measures what chargegraph costs under load, and says of each
// figure whether it meets its goal.
//
//	                 server's core          the other cores
//	┌────────┐ HTTP ┌─────────────┐ HTTP ┌─────────────────┐ ┌─────────────────────┐
//	│ bench  ├─────►│ chargegraph ├─────►│ counting proxy  ├►│ chargegraph sandbox │
//	│ client │      │ (1 or 2)    │      │ (inside bench)  │ │ one live source     │
//	│        │      └──────┬──────┘      └─────────────────┘ └─────────────────────┘
//	│        │             └────────────► redis-server
//	│        │ HTTP ┌─────────────┐
//	│        ├─────►│ plain       │ a net/http handler that writes the same bytes
//	└────────┘      └─────────────┘
//
// Each workload has servers of its own, which begin with nothing cached, and an
// empty Redis. CPU is that of the server's process alone. Upstream calls and
// bytes are those that pass the proxy, so that neither the server nor the
// simulator is believed. Everything that bench starts ends with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		_, _ = fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

const about = `bench measures what chargegraph costs under load: it starts the sandbox with Open
Charge Map as the one live source, Redis where it is installed, and servers on a
core of their own, drives them for bounded time, and prints what it measured
beside the goals.

  make bench                            about a minute
  make bench ARGS='-quick'              about twenty seconds
  make bench ARGS='-json bench.json'    the same figures as a file

The workloads. A viewport is what a map of 1280×800 pixels shows, the question
what a map asks for: id, title, location, status, operator, connections, sources.
  W1     one viewport of 20, 100 and 500 POIs, asked again and again by 16 clients;
         a plain net/http handler that writes the same bytes runs in turns with it
  W1 B   viewports of 100 POIs, each asked once of replica A and then once of
         replica B on the same Redis; measured at B
  W2     24 sessions pan and zoom over twelve cities: 1,000 distinct overlapping
         viewports at three zooms, each asked once. Bytes are compared with those of
         asking the simulator for each viewport alone, grown as matching needs it.
         W2-100 is one client in the same sessions, with an upstream of 30 ms
  W3     viewports of 100 POIs so far apart that they share nothing, each asked once
         of a server that has just been started (and has answered elsewhere)
  W4     one POI with its comments, by id: seen in a viewport before, drawn by Zipf's
         law; and never seen before
  W5     64 clients ask for one new viewport at once, with an upstream of 30 ms:
         of one server, and spread over two on one Redis
  memory the greatest resident size of any of these servers

CPU is user and system time of the server's process, from /proc: elsewhere than on
Linux it is missing, and what hangs on it says so. Processes are pinned where
taskset is installed and there are two cores or more. Limits of callers and the
budget of the source are on, but wide enough for all of this to come from one
address. Settings that an older build does not have are left out, and it is said.

An answer counts when the source gave all it has (outcome OK) and there are no
errors. One in twenty may be late or partial and is noted; more fail the workload.
The exit code is 1 when a workload could not be measured, and with -strict when a
goal is missed. On a busy machine all figures are worse: look at the load first.
`

// options are the flags.
type options struct {
	binary      string
	jsonPath    string
	total       time.Duration
	sites       int
	seed        uint64
	cacheMB     int
	extraConfig string
	source      string
	only        string
	strict      bool
}

// run is the program. It returns an error when a workload could not be
// measured, after reporting the others; with -strict also when a goal is missed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 1 && args[0] == plainCommand {
		return servePlain(ctx, stdout)
	}
	// Children die with the thread that started them, so it must be one that lasts.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "%s\nFlags:\n", about)
		flags.PrintDefaults()
	}
	quick := flags.Bool("quick", false, "short for -time 20s: figures are rougher")
	flags.StringVar(&o.binary, "binary", "bin/chargegraph", "the chargegraph to measure")
	flags.StringVar(&o.jsonPath, "json", "", "write what was measured to this `file` too")
	flags.DurationVar(&o.total, "time", time.Minute, "about how long to drive all workloads together")
	flags.IntVar(&o.sites, "sites", 40_000, "how many sites the made-up world has")
	flags.Uint64Var(&o.seed, "seed", 1, "which made-up world, and which way the sessions go")
	flags.IntVar(&o.cacheMB, "cache", 256, "how large the server's cache may grow, in MB")
	flags.StringVar(&o.extraConfig, "with", "", "a `file` with YAML to add to the server's configuration")
	flags.StringVar(&o.source, "source", "", "further `settings` of the live source, as in its line of the configuration: 'client: bench'")
	flags.StringVar(&o.only, "only", "", "run only the workloads with these names, separated by commas: W1,W1B,W2,W3,W4,W5")
	flags.BoolVar(&o.strict, "strict", false, "fail when a goal is missed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("it takes no arguments, but was given %q", flags.Arg(0))
	case o.total <= 0:
		return fmt.Errorf("-time %v: write a time above 0", o.total)
	case o.sites < 1:
		return fmt.Errorf("-sites %d: a world without sites has nothing to ask for", o.sites)
	case o.cacheMB < 1:
		return fmt.Errorf("-cache %d: a cache has at least 1 MB", o.cacheMB)
	}
	if *quick {
		o.total = quickTime
	}
	plan, err := choose(o.only)
	if err != nil {
		return err
	}
	return measureAll(ctx, o, plan, stdout, stderr)
}

// quickTime is what -quick drives for.
const quickTime = 20 * time.Second

func measureAll(ctx context.Context, o options, plan []workload, stdout, stderr io.Writer) (err error) {
	r, err := newRig(ctx, o, stderr)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, r.close()) }()
	rep := r.newReport()
	for _, w := range plan {
		r.say("%s: %s", w.name, w.about)
		began := time.Now()
		werr := w.run(ctx, r, rep)
		if ctx.Err() != nil {
			return interrupted(ctx, werr)
		}
		if werr != nil {
			rep.fail(w.name, werr)
		}
		r.say("%s took %.1f s", w.name, time.Since(began).Seconds())
	}
	rep.memory(r.peakServer, o.cacheMB)
	if err = rep.write(stdout); err != nil {
		return err
	}
	if o.jsonPath != "" {
		if err = rep.save(o.jsonPath); err != nil {
			return err
		}
	}
	return rep.verdict(o.strict)
}

// interrupted tells an end from outside from a failure.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted: everything that it started has ended")
	}
	return err
}

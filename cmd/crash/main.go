// Command crash proves that no check-in is lost and none is doubled, whatever
// dies: it submits check-ins while it kills chargegraph, or the Redis behind it,
// without warning, and while Open Charge Map answers every third one so that
// nobody can tell whether it was stored. Then it counts what is there.
//
//	clients, who try ┌─────────────┐ SIGKILL every   ┌─────────────────────┐
//	again on any ───►│ chargegraph │◄─ 150 to 350 ms │ chargegraph sandbox │
//	error, each      │ (1 or 2)    ├────────────────►│ 30 % of answers say │
//	check-in twice   └──────┬──────┘   comments      │ nothing, or lie     │
//	                        ▼                        └──────────▲──────────┘
//	                SQLite or redis-server           counted: ──┘ each text once
//
// Everything that crash starts ends with it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
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
		_, _ = fmt.Fprintf(os.Stderr, "crash: %v\n", err)
		os.Exit(1)
	}
}

const about = `crash submits check-ins while it kills what keeps them, and counts what arrived.

  make crash                        500 check-ins per part, some two minutes
  make crash ARGS='-n 50'           what CI runs, below 40 seconds
  make crash ARGS='-parts redis -json crash.json'

Each check-in is submitted twice, by clients that try again on any error. The
simulated Open Charge Map leaves 30 % of all submissions in the dark: it stores or
does not, and then answers 500, nothing, "Failed", or not at all. Some more it
refuses plainly. The parts:
  sqlite      one server on a file; the server is killed every 150 to 350 ms
  redis       two servers on one Redis (appendonly yes, appendfsync always); now
              one, now the other is killed
  content     as sqlite, a fifth as many, without markerURL: comments are found
              again by their author, words and minutes, and two at a time have the
              same words
  redis-kill  as redis, a fifth as many, but redis-server is killed, not chargegraph

What is counted, when all of it has come to rest:
  missing      acknowledged, and not at Open Charge Map although it is DELIVERED; or
               not known any more
  duplicates   comments beyond the first of a check-in
  unfinished   still on its way when the time was up
  unexplained  ended otherwise than DELIVERED, and not because nobody could know:
               a check-in that is UNCONFIRMED is tried again with
               chargegraph checkins retry, as the person on duty does, and has to
               be there once then

The exit code is 1 when any of these is not 0.
`

// options are the flags.
type options struct {
	bin      string
	jsonPath string
	n        int
	parts    []string
	limit    time.Duration
	seed     uint64
	verbose  bool
}

// partNames are the parts in the order in which they run.
func partNames() []string { return []string{"sqlite", "redis", "content", "redis-kill"} }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "%s\nFlags:\n", about)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.bin, "bin", "bin/chargegraph", "the chargegraph to kill")
	flags.StringVar(&o.jsonPath, "json", "", "write the figures to this `file` too")
	flags.IntVar(&o.n, "n", 500, "how many check-ins the first two parts submit")
	parts := flags.String("parts", strings.Join(partNames(), ","), "which parts to run")
	flags.DurationVar(&o.limit, "limit", 4*time.Minute, "how long all of it may take")
	flags.Uint64Var(&o.seed, "seed", 1, "of the simulator's dice")
	flags.BoolVar(&o.verbose, "v", false, "tell of each kill")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("it takes no arguments, but was given %q", flags.Arg(0))
	}
	if o.n < 10 || o.n > 20_000 {
		return fmt.Errorf("-n %d: write a number of check-ins between 10 and 20,000", o.n)
	}
	o.parts = strings.Split(*parts, ",")
	plan, err := choose(o)
	if err != nil {
		return err
	}

	limited, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	rig, err := newRig(limited, o, stderr)
	if err != nil {
		return err
	}
	defer rig.close()
	var rep report
	for _, p := range plan {
		f, failed := rig.run(limited, p)
		if failed != nil {
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
			return fmt.Errorf("%s: %w", p.name, failed)
		}
		rep.Parts = append(rep.Parts, f)
	}
	if err = rep.write(stdout); err != nil {
		return err
	}
	if o.jsonPath != "" {
		if err = rep.save(o.jsonPath); err != nil {
			return err
		}
	}
	return rep.verdict()
}

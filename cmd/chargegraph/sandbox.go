package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"chargegraph/providers/sandbox"
)

// sandboxOCMAddr is where the simulated Open Charge Map listens when it runs alone.
const sandboxOCMAddr = "127.0.0.1:4100"

// worldFlags are the flags that make a world; both commands have them.
type worldFlags struct {
	seed   uint64
	sites  int
	faults []sandbox.FaultSpec
}

func (w *worldFlags) register(flags *flag.FlagSet) {
	params := sandbox.DefaultParams()
	flags.Uint64Var(&w.seed, "seed", params.Seed, "which made-up world: equal seeds make equal worlds")
	flags.IntVar(&w.sites, "sites", params.Sites, "how many charging sites the made-up world has")
	flags.Func("fault", "what a simulated upstream does wrong, for example ocm=latency:200ms, ocm=429, ocm=hang; may be given several times", func(text string) error {
		spec, err := sandbox.ParseFault(text)
		if err != nil {
			return err
		}
		w.faults = append(w.faults, spec)
		return nil
	})
}

func (w *worldFlags) config(logger *slog.Logger) sandbox.Config {
	params := sandbox.DefaultParams()
	params.Seed, params.Sites = w.seed, w.sites
	return sandbox.Config{Params: params, Faults: w.faults, Logger: logger}
}

// runSandbox runs the simulators until ctx ends.
func runSandbox(ctx context.Context, args []string, stderr io.Writer) error {
	flags := newFlags("chargegraph sandbox", `Runs simulated upstreams over a made-up world, on loopback addresses, with the true
wire format and manners of the real ones. Faults can be changed while it runs:
  curl -X PUT --data 'ocm=hang' http://`+sandboxOCMAddr+`/_sandbox/faults
  curl -X DELETE http://`+sandboxOCMAddr+`/_sandbox/faults`, stderr)
	var world worldFlags
	world.register(flags)
	addr := flags.String("ocm-addr", sandboxOCMAddr, "where the simulated Open Charge Map listens; loopback only")
	file := flags.String("ocm", "", "serve this recorded answer or export of Open Charge Map instead of the made-up world")
	reference := flags.String("ocm-reference", "", "the recorded reference data to serve with -ocm")
	key := flags.String("ocm-key", "", "accept this API key only; otherwise any GUID")
	if err := parse(flags, args); err != nil {
		return err
	}
	cfg := world.config(newLogger(stderr, slog.LevelInfo))
	cfg.OCMAddr, cfg.OCMFile, cfg.OCMReference, cfg.OCMKey = *addr, *file, *reference, *key
	server, err := sandbox.Start(ctx, cfg)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stderr, `
  Open Charge Map, simulated   %s
  a key it accepts             %s
  serve the graph over it      OCM_URL=%s OCM_API_KEY=%s chargegraph
`, server.OCMURL(), server.OCMKey(), server.OCMURL(), server.OCMKey())
	return server.Run(ctx)
}

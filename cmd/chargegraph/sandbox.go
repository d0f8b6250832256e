package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"chargegraph/providers/sandbox"
)

// Where the simulated upstreams listen when they run alone.
const (
	sandboxOCMAddr       = "127.0.0.1:4100"
	sandboxPlugShareAddr = "127.0.0.1:4200"
	sandboxOCPIAddr      = "127.0.0.1:4300"
	sandboxOCPPLABAddr   = "127.0.0.1:4400"
)

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

// given returns the name of one that was set, or "".
func (w *worldFlags) given(flags *flag.FlagSet) (name string) {
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "seed" || f.Name == "sites" || f.Name == "fault" {
			name = f.Name
		}
	})
	return name
}

func (w *worldFlags) params() sandbox.Params {
	params := sandbox.DefaultParams()
	params.Seed, params.Sites = w.seed, w.sites
	return params
}

// lines joins words by sep into lines of at most width bytes.
func lines(words []string, sep string, width int) (list []string) {
	for _, word := range words {
		if last := len(list) - 1; last >= 0 && len(list[last])+len(sep)+len(word) < width {
			list[last] += sep + word
			continue
		}
		list = append(list, word)
	}
	return list
}

// runSandbox runs the simulators until ctx ends. stdout gets a configuration file
// that names them.
func runSandbox(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("chargegraph sandbox", `Runs simulated upstreams over a made-up world, on loopback addresses, with the true
wire format and manners of the real ones, and prints a configuration file that names
them. Faults can be changed while it runs:
  curl -X PUT --data 'ocm=hang' http://`+sandboxOCMAddr+`/_sandbox/faults
  curl -X DELETE http://`+sandboxOCMAddr+`/_sandbox/faults
A fault is UPSTREAM=NAME[:OPTION,…], with a duration, a probability, share=0.5,
count=3 or path=/poi as options. UPSTREAM is ocm, plugshare, ocpi or ocpplab; NAME is
`+strings.Join(lines(sandbox.FaultNames()[1:], ", ", 84), ",\n")+`.`, stderr)
	var world worldFlags
	world.register(flags)
	cfg := sandbox.Config{}
	for _, upstream := range []struct {
		flag, name, addr string
		at, file         *string
	}{
		{"ocm", "Open Charge Map", sandboxOCMAddr, &cfg.OCMAddr, &cfg.OCMFile},
		{"plugshare", "PlugShare", sandboxPlugShareAddr, &cfg.PlugShareAddr, &cfg.PlugShare.File},
		{"ocpi", "OCPI hub", sandboxOCPIAddr, &cfg.OCPIAddr, &cfg.OCPI.File},
		{"ocpplab", "OCPPLAB gateway", sandboxOCPPLABAddr, &cfg.OCPPLABAddr, &cfg.OCPPLAB.File},
	} {
		flags.StringVar(upstream.at, upstream.flag+"-addr", upstream.addr, "where the simulated "+upstream.name+" listens; loopback only")
		flags.StringVar(upstream.file, upstream.flag, "", "serve this recorded answer of "+upstream.name+" instead of the made-up world")
	}
	flags.StringVar(&cfg.OCMReference, "ocm-reference", "", "the recorded reference data to serve with -ocm")
	flags.StringVar(&cfg.OCMKey, "ocm-key", "", "accept this API key of Open Charge Map only; otherwise any GUID")
	if err := parse(flags, args); err != nil {
		return err
	}
	logger := newLogger(stderr, slog.LevelInfo)
	cfg.Params, cfg.Faults, cfg.Logger = world.params(), world.faults, logger
	server, err := sandbox.Start(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, `# The simulated upstreams as sources: chargegraph sandbox > FILE, and chargegraph -config FILE.
sources:
  - {provider: ocm, url: %q, key: %q, username: %q, password: %q}
  - {provider: plugshare, url: %q, key: %q, secret: %q}
  - {provider: ocpi, name: hub, url: %q, token: %q, interval: 30s}
  - {provider: ocpplab, url: %q, token: %q, cpos: [%s], interval: 30s}
`,
		server.OCMURL(), server.OCMKey(), server.OCMUsername(), server.OCMPassword(),
		server.PlugShareURL(), server.PlugShareKey(), server.PlugShareSecret(),
		server.OCPIURL(), server.OCPIToken(),
		server.OCPPLABURL(), server.OCPPLABToken(), `"`+strings.Join(server.OCPPLABCPOs(), `", "`)+`"`)
	if err != nil {
		return errors.Join(fmt.Errorf("sandbox: %w", err), server.Close())
	}
	return server.Run(ctx)
}

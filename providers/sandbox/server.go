package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config is the settings of a running sandbox. The zero value is the default
// world on any free port of 127.0.0.1.
type Config struct {
	// Params makes the world; the zero value (no Epoch) is DefaultParams.
	Params Params
	// OCMAddr is where the simulated Open Charge Map listens: a loopback
	// address with a port, 0 for any. Empty is 127.0.0.1:0.
	OCMAddr string
	// OCMFile and OCMReference are recordings served instead of the world; see
	// OCMOptions.
	OCMFile, OCMReference string
	// OCMKey is the only key accepted; empty accepts every GUID.
	OCMKey string
	// OCMSessionLife is how long its tokens are good; 0 is 30 days.
	OCMSessionLife time.Duration
	// OCPIAddr and OCPPLABAddr are where the simulated OCPI hub and OCPPLAB
	// gateway listen, as OCMAddr.
	OCPIAddr, OCPPLABAddr string
	// OCPI and OCPPLAB are their settings. An empty token is one that
	// OCPIToken and OCPPLABToken return (feeds in the style of an array ask
	// for none), an empty PeerURL is OCPIURL, and Now and Logger are those of
	// this Config unless set.
	OCPI    OCPIOptions
	OCPPLAB OCPPLABOptions
	// PlugShareAddr is where the simulated PlugShare listens, as OCMAddr.
	PlugShareAddr string
	// PlugShare is its settings; Now and Logger are those of this Config unless
	// set.
	PlugShare PlugShareOptions
	// Faults hold from the start. Each must name an upstream that exists.
	Faults []FaultSpec
	// Now is the clock for "recently verified", for live status, and for sessions
	// and comments at Open Charge Map. When nil, the first has the world's epoch
	// (time.Now for a recording), the others time.Now.
	Now func() time.Time
	// Logger gets the start and each request; nil is silence.
	Logger *slog.Logger
}

// Server runs the simulators on loopback listeners. Its methods are safe for
// concurrent use.
type Server struct {
	world               *World
	ocm                 *OCM
	plug                *PlugShare
	ocpi                *OCPI
	lab                 *OCPPLAB
	key                 string
	plugKey, plugSecret string
	hosts               []*host // one per upstream

	mu       sync.Mutex
	closing  bool
	handlers sync.WaitGroup // requests being answered; none is added once closing

	listeners sync.WaitGroup // the goroutines that serve
	down      chan struct{}  // closed when one of them ended
	downOnce  sync.Once
	err       error // of serving, under mu; all there once listeners are done
	once      sync.Once
}

// host is one upstream at its address.
type host struct {
	name string
	sim  interface {
		http.Handler
		Faults() *Faults
		Close() error
	}
	addr   string // asked for, then had
	server *http.Server
}

// Start makes the world and serves it; when it returns, requests are answered.
// ctx bounds the start only: end the server with Close, or hand it to Run. The
// error tells which setting is wrong, or why an address cannot be had; an
// address that is not loopback is refused, because made-up data must not pass
// for real.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Params.Epoch.IsZero() {
		cfg.Params = DefaultParams()
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{key: cfg.OCMKey, down: make(chan struct{})}
	if s.key == "" {
		// Any GUID will do; this one says what it is.
		s.key = "5a4db0c5-0000-4000-8000-000000000001"
	}
	s.hosts = []*host{
		{name: "ocm", addr: cfg.OCMAddr},
		{name: "plugshare", addr: cfg.PlugShareAddr},
		{name: "ocpi", addr: cfg.OCPIAddr},
		{name: "ocpplab", addr: cfg.OCPPLABAddr},
	}
	if err := s.check(ctx, cfg.Faults); err != nil {
		return nil, err
	}
	recorded := cfg.OCMFile != "" || cfg.PlugShare.File != "" || cfg.OCPI.File != "" || cfg.OCPPLAB.File != ""
	if recorded {
		// Made-up sites beside recorded ones would belong to no world: upstreams
		// without a recording are empty.
		cfg.Params.Sites = 0
	}
	world, err := newWorld(cfg.Params)
	if err != nil {
		return nil, err
	}
	if !recorded {
		s.world = world
	}
	s.ocm, err = NewOCM(world, OCMOptions{Key: cfg.OCMKey, File: cfg.OCMFile, Reference: cfg.OCMReference, SessionLife: cfg.OCMSessionLife, Now: cfg.Now, Logger: log})
	if err != nil {
		return nil, err
	}
	s.host("ocm").sim = s.ocm
	if err := s.makePlugShare(world, cfg, log); err != nil {
		return nil, err
	}
	if err := s.makeOCPI(world, cfg, log); err != nil {
		return nil, err
	}
	for _, f := range cfg.Faults {
		faults := s.host(f.Upstream).sim.Faults()
		faults.Replace(append(faults.Specs(), f)...)
	}
	for _, h := range s.hosts {
		if h.name == "ocpplab" {
			s.lab.peer(s.OCPIURL()) // known now: the hub comes before
		}
		if err := s.listen(ctx, h, log); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	log.LogAttrs(ctx, slog.LevelInfo, "sandbox started", slog.String("ocm_url", s.OCMURL()), slog.String("plugshare_url", s.PlugShareURL()), slog.String("ocpi_url", s.OCPIURL()), slog.String("ocpplab_url", s.OCPPLABURL()), slog.Int("records", len(s.ocm.data.pois)))
	return s, nil
}

// makeOCPI makes the OCPI hub and the OCPPLAB gateway.
func (s *Server) makeOCPI(world *World, cfg Config, log *slog.Logger) (err error) {
	hub, lab := cfg.OCPI, cfg.OCPPLAB
	if hub.Token == "" && hub.Style != OCPIArray {
		hub.Token = "made-up-ocpi-token"
	}
	if lab.Token == "" {
		lab.Token = "made-up-ocpplab-token"
	}
	if hub.Now == nil {
		hub.Now = cfg.Now
	}
	if lab.Now == nil {
		lab.Now = cfg.Now
	}
	if hub.Logger == nil {
		hub.Logger = log
	}
	if lab.Logger == nil {
		lab.Logger = log
	}
	if s.ocpi, err = NewOCPI(world, hub); err != nil {
		return err
	}
	if s.lab, err = NewOCPPLAB(world, lab); err != nil {
		return err
	}
	s.host("ocpi").sim, s.host("ocpplab").sim = s.ocpi, s.lab
	return nil
}

// check refuses addresses that are not loopback and faults of no upstream.
func (s *Server) check(ctx context.Context, faults []FaultSpec) error {
	var names []string
	for _, h := range s.hosts {
		names = append(names, h.name)
		if h.addr == "" {
			h.addr = "127.0.0.1:0"
		}
		if err := checkLoopback(ctx, h.addr); err != nil {
			return err
		}
	}
	for _, f := range faults {
		if s.host(f.Upstream) == nil {
			return fmt.Errorf("sandbox: fault %s: no upstream is called %q, want one of %s", f, f.Upstream, strings.Join(names, ", "))
		}
	}
	return nil
}

// host returns the upstream of that name, nil when there is none.
func (s *Server) host(name string) *host {
	for _, h := range s.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}

// listen begins to serve an upstream.
func (s *Server) listen(ctx context.Context, h *host, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", h.addr)
	if err != nil {
		return fmt.Errorf("sandbox: listen for %s: %w", h.name, err)
	}
	h.addr = listener.Addr().String()
	h.server = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(h, w, r) }),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.listeners.Go(func() {
		defer s.downOnce.Do(func() { close(s.down) })
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = errors.Join(s.err, fmt.Errorf("sandbox: serve %s: %w", h.name, err))
		}
	})
	return nil
}

func (s *Server) serve(h *host, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		panic(http.ErrAbortHandler) // the connection is about to be cut anyway
	}
	s.handlers.Add(1)
	s.mu.Unlock()
	defer s.handlers.Done()
	h.sim.ServeHTTP(w, r)
}

// World returns the truth, nil when a recording is served.
func (s *Server) World() *World { return s.world }

// OCM returns the simulated Open Charge Map, for its faults and calls.
func (s *Server) OCM() *OCM { return s.ocm }

// OCMURL returns the base address of the simulated Open Charge Map, version
// included, such as http://127.0.0.1:4100/v3.
func (s *Server) OCMURL() string { return "http://" + s.host("ocm").addr + "/v3" }

// OCMKey returns an API key that it accepts.
func (s *Server) OCMKey() string { return s.key }

// OCMUsername and OCMPassword return the account that stands ready there for an
// application to submit comments with.
func (s *Server) OCMUsername() string { return s.ocm.Username() }

// OCMPassword returns the password that goes with OCMUsername.
func (s *Server) OCMPassword() string { return s.ocm.Password() }

// OCPI returns the simulated OCPI hub, for its faults, calls and withdrawals.
func (s *Server) OCPI() *OCPI { return s.ocpi }

// OCPIURL returns the versions endpoint of the simulated OCPI hub, such as
// http://127.0.0.1:4300/ocpi/versions.
func (s *Server) OCPIURL() string { return "http://" + s.host("ocpi").addr + "/ocpi/versions" }

// OCPIToken returns the token that it accepts, not encoded; empty when it asks
// for none.
func (s *Server) OCPIToken() string { return s.ocpi.opts.Token }

// OCPPLAB returns the simulated OCPPLAB gateway, for its faults, calls and
// expiries.
func (s *Server) OCPPLAB() *OCPPLAB { return s.lab }

// OCPPLABURL returns the base address of the simulated OCPPLAB gateway, such as
// http://127.0.0.1:4400.
func (s *Server) OCPPLABURL() string { return "http://" + s.host("ocpplab").addr }

// OCPPLABToken returns the bearer token that it accepts.
func (s *Server) OCPPLABToken() string { return s.lab.opts.Token }

// OCPPLABCPOs returns the ids of its CPOs that have not expired.
func (s *Server) OCPPLABCPOs() []string { return s.lab.CPOs() }

// makePlugShare makes the simulated PlugShare and its credentials.
func (s *Server) makePlugShare(w *World, cfg Config, log *slog.Logger) (err error) {
	opts := cfg.PlugShare
	if opts.Now == nil {
		opts.Now = cfg.Now
	}
	if opts.Logger == nil {
		opts.Logger = log
	}
	if s.plug, err = NewPlugShare(w, opts); err != nil {
		return err
	}
	s.plugKey, s.plugSecret = opts.Key, opts.Secret
	if opts.Key == "" && opts.Secret == "" {
		s.plugKey, s.plugSecret = "sandbox", "made-up" // any pair will do
	}
	s.host("plugshare").sim = s.plug
	return nil
}

// PlugShare returns the simulated PlugShare, for its faults and calls.
func (s *Server) PlugShare() *PlugShare { return s.plug }

// PlugShareURL returns the base address of the simulated PlugShare, version
// included, such as http://127.0.0.1:4200/v3.
func (s *Server) PlugShareURL() string { return "http://" + s.host("plugshare").addr + "/v3" }

// PlugShareKey returns a key (the user name of HTTP Basic) that it accepts.
func (s *Server) PlugShareKey() string { return s.plugKey }

// PlugShareSecret returns the secret that goes with PlugShareKey.
func (s *Server) PlugShareSecret() string { return s.plugSecret }

// Run waits until ctx ends or serving fails, then closes the server. It
// returns nil after the end of ctx.
func (s *Server) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-s.down:
	}
	return s.Close()
}

// Close stops listening, ends requests in flight, hanging ones included, and
// waits until they are gone. Later calls return what the first one did.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		s.closing = true
		s.mu.Unlock()
		var err error
		for _, h := range s.hosts {
			err = errors.Join(err, h.sim.Close())
			if h.server != nil { // nil when Start failed halfway
				err = errors.Join(err, h.server.Close())
			}
		}
		s.listeners.Wait()
		s.handlers.Wait()
		s.err = errors.Join(s.err, err)
	})
	return s.err
}

// checkLoopback refuses addresses that others could reach.
func checkLoopback(ctx context.Context, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("sandbox: address %q: %w", addr, err)
	}
	if net.ParseIP(host) == nil && host != "" {
		// A name counts as loopback when every address behind it does.
		ips, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			return fmt.Errorf("sandbox: address %q: %w", addr, err)
		}
		for _, ip := range ips {
			if !isLoopback(ip) {
				return fmt.Errorf("sandbox: address %q is not loopback (%s is %s): made-up data is served on this machine only", addr, host, ip)
			}
		}
		return nil
	}
	if !isLoopback(host) {
		return fmt.Errorf("sandbox: address %q is not loopback: made-up data is served on this machine only, use 127.0.0.1 or [::1]", addr)
	}
	return nil
}

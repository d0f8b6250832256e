package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	// Faults hold from the start. Each must name an upstream that exists.
	Faults []FaultSpec
	// Now is the clock for "recently verified"; nil is the world's epoch, or
	// time.Now for a recording.
	Now func() time.Time
	// Logger gets the start and each request; nil is silence.
	Logger *slog.Logger
}

// Server runs the simulators on loopback listeners. Its methods are safe for
// concurrent use.
type Server struct {
	world *World
	ocm   *OCM
	key   string
	ocmAt string
	http  *http.Server

	mu       sync.Mutex
	closing  bool
	handlers sync.WaitGroup // requests being answered; none is added once closing

	serving chan struct{} // closed when the listener's goroutine ended
	err     error         // of serving; read after serving is closed
	once    sync.Once
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
	if cfg.OCMAddr == "" {
		cfg.OCMAddr = "127.0.0.1:0"
	}
	if err := checkLoopback(ctx, cfg.OCMAddr); err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for _, f := range cfg.Faults {
		if f.Upstream != "ocm" {
			return nil, fmt.Errorf("sandbox: fault %s: no upstream is called %q, want ocm", f, f.Upstream)
		}
	}
	s := &Server{key: cfg.OCMKey, serving: make(chan struct{})}
	if s.key == "" {
		// Any GUID will do; this one says what it is.
		s.key = "5a4db0c5-0000-4000-8000-000000000001"
	}
	var err error
	if cfg.OCMFile == "" {
		if s.world, err = newWorld(cfg.Params); err != nil {
			return nil, err
		}
	}
	s.ocm, err = NewOCM(s.world, OCMOptions{Key: cfg.OCMKey, File: cfg.OCMFile, Reference: cfg.OCMReference, Now: cfg.Now, Logger: log})
	if err != nil {
		return nil, err
	}
	s.ocm.Faults().Replace(cfg.Faults...)

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.OCMAddr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: listen for ocm: %w", err)
	}
	s.ocmAt = listener.Addr().String()
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serveOCM),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.serving)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("sandbox: serve ocm: %w", err)
		}
	}()
	log.LogAttrs(ctx, slog.LevelInfo, "sandbox started", slog.String("ocm_url", s.OCMURL()), slog.Int("records", len(s.ocm.data.pois)))
	return s, nil
}

func (s *Server) serveOCM(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		panic(http.ErrAbortHandler) // the connection is about to be cut anyway
	}
	s.handlers.Add(1)
	s.mu.Unlock()
	defer s.handlers.Done()
	s.ocm.ServeHTTP(w, r)
}

// World returns the truth, nil when a recording is served.
func (s *Server) World() *World { return s.world }

// OCM returns the simulated Open Charge Map, for its faults and calls.
func (s *Server) OCM() *OCM { return s.ocm }

// OCMURL returns the base address of the simulated Open Charge Map, version
// included, such as http://127.0.0.1:4100/v3.
func (s *Server) OCMURL() string { return "http://" + s.ocmAt + "/v3" }

// OCMKey returns an API key that it accepts.
func (s *Server) OCMKey() string { return s.key }

// Run waits until ctx ends or serving fails, then closes the server. It
// returns nil after the end of ctx.
func (s *Server) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-s.serving:
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
		err := errors.Join(s.ocm.Close(), s.http.Close())
		<-s.serving
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

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

const (
	// headerTimeout bounds the sending of a request's head. Bodies and answers
	// have bounds of their own.
	headerTimeout = 10 * time.Second
	// idleTimeout is how long a connection may wait for its next request:
	// longer than load balancers keep theirs (60 s is common), so that it is
	// not closed here while a request is on its way.
	idleTimeout = 75 * time.Second
	// maxHeaderBytes leaves room for a GET with a long query.
	maxHeaderBytes = 128 << 10
	// stopTimeout is how long requests under way may take once ctx has ended.
	stopTimeout = 10 * time.Second
	// newPerSecond and newAtOnce are how many connections are taken in. Setting one up
	// costs as much as a small answer, with TLS as a large one, and a thousand of them
	// would stand before everybody's requests. Those that wait for it cost nothing.
	newPerSecond = 500
	newAtOnce    = 25
)

// Serve answers the requests that come in through l with h, until ctx ends or l
// fails; it closes l. When ctx ends it takes no new requests, lets h end its
// streams (Handler.EndStreams), and waits for the requests under way: nil if they ended within
// 10 s, else an error after cutting them off.
func Serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         newLobby(maxWaiting).follow,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(newSteady(ctx, l)) }()
	select {
	case err := <-served:
		return fmt.Errorf("server: serve %v: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "ending: no new requests are taken, those under way have some time", slog.Duration("at_most", stopTimeout))

	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if open, ok := h.(interface{ EndStreams(ctx context.Context) }); ok {
			open.EndStreams(grace) // Shutdown does not know of WebSockets, nor wait for events to end by themselves
		}
	}()
	err := server.Shutdown(grace)
	<-ended
	if err != nil {
		err = fmt.Errorf("server: stop: requests under way were cut off after %v: %w", stopTimeout, errors.Join(err, server.Close()))
	}
	if how := <-served; err == nil && !errors.Is(how, http.ErrServerClosed) {
		err = fmt.Errorf("server: serve %v: %w", l.Addr(), how)
	}
	return err
}

// steady takes connections in one after the other, at a pace.
type steady struct {
	net.Listener
	wait func() error
}

// newSteady makes l steady until ctx ends.
func newSteady(ctx context.Context, l net.Listener) steady {
	pace := rate.NewLimiter(newPerSecond, newAtOnce)
	return steady{l, func() error { return pace.Wait(ctx) }}
}

// Accept implements net.Listener.
func (s steady) Accept() (net.Conn, error) {
	_ = s.wait() // it ends early when ctx does, and then the listener is closed
	return s.Listener.Accept()
}

package server

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// crowded is a listener at which somebody always waits.
type crowded struct{ closed chan struct{} }

func (c crowded) Accept() (net.Conn, error) {
	select {
	case <-c.closed:
		return nil, net.ErrClosed
	default:
		return new(net.TCPConn), nil
	}
}
func (c crowded) Close() error { close(c.closed); return nil }
func (crowded) Addr() net.Addr { return &net.TCPAddr{} }

func TestConnectionsAreTakenInAtAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newSteady(ctx, crowded{make(chan struct{})})
		began := time.Now()
		took := func(n int) time.Duration {
			for range n {
				if _, err := l.Accept(); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		if d := took(newAtOnce); d != 0 {
			t.Errorf("the first took %v", d)
		}
		if d := took(newPerSecond); d != time.Second {
			t.Errorf("as many as a second has took %v", d)
		}
		// Who waits when it ends is not kept.
		cancel()
		_ = l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

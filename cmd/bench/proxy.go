package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// proxy stands between the servers and the simulator and counts what passes.
type proxy struct {
	url    string // of the API, as a source's url
	server *http.Server
	onward *http.Transport
	ended  chan error

	calls  atomic.Int64 // for POIs
	bytes  atomic.Int64 // of the bodies of their answers, as they travel
	tables atomic.Int64 // calls for anything else: reference data
	// area is the first call for a box of POIs.
	area atomic.Pointer[http.Request]
}

// startProxy stands in for target, the base address of an API, on a loopback
// address until close is called.
func startProxy(ctx context.Context, target string) (*proxy, error) {
	base, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{url: "http://" + listener.Addr().String() + base.Path, onward: newTransport(), ended: make(chan error, 1)}
	through := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = base.Scheme, base.Host, base.Host
		},
		Transport: p.onward,
		ModifyResponse: func(res *http.Response) error {
			if isPOICall(res.Request.URL) {
				res.Body = &countedBody{res.Body, &p.bytes}
			}
			return nil
		},
		// The server gives up calls; that is its business and no fault of ours.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	p.server = &http.Server{
		ReadHeaderTimeout: answerTimeout,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isPOICall(r.URL) {
				p.calls.Add(1)
				if p.area.Load() == nil && r.URL.Query().Has(boxParameter) {
					p.area.CompareAndSwap(nil, r.Clone(context.WithoutCancel(r.Context())))
				}
			} else {
				p.tables.Add(1)
			}
			through.ServeHTTP(w, r)
		}),
	}
	go func() { p.ended <- p.server.Serve(listener) }()
	return p, nil
}

// close ends the proxy and the calls under way.
func (p *proxy) close() error {
	defer p.onward.CloseIdleConnections()
	if err := p.server.Close(); err != nil {
		return err
	}
	if err := <-p.ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// passed is what has gone through so far.
type passed struct{ calls, bytes int64 }

func (p *proxy) passed() passed { return passed{p.calls.Load(), p.bytes.Load()} }

func (p passed) since(q passed) passed { return passed{p.calls - q.calls, p.bytes - q.bytes} }

func isPOICall(u *url.URL) bool { return strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/poi") }

// countedBody counts what is read of a body.
type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	b.n.Add(int64(n))
	return n, err
}

// newTransport passes bodies on as they are and keeps enough connections for a
// stampede.
func newTransport() *http.Transport {
	return &http.Transport{DisableCompression: true, MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}
}

// boxParameter is how Open Charge Map is asked for a box of POIs.
const boxParameter = "boundingbox"

// sizeOf asks target, past the proxy, what was asked in sample, but for another
// box, and returns how many bytes the body has as it travels.
func sizeOf(ctx context.Context, transport http.RoundTripper, target string, sample *http.Request, box string) (int64, error) {
	base, err := url.Parse(target)
	if err != nil {
		return 0, err
	}
	query := sample.URL.Query()
	query.Set(boxParameter, box)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, (&url.URL{
		Scheme: base.Scheme, Host: base.Host, Path: sample.URL.Path, RawQuery: query.Encode(),
	}).String(), nil)
	if err != nil {
		return 0, err
	}
	req.Header = sample.Header.Clone()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the simulator answered %d to a call for a box", res.StatusCode)
	}
	return n, err
}

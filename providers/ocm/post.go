package ocm

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

// maxReply is more than OCM says to anything that is posted; a user's profile,
// which comes with a session, has some 2 kB.
const maxReply = 64 << 10

// postsAtOnce bounds what OCM is sent at once. Each post makes it bring its mirror
// up to date, so that more would only wait there.
const postsAtOnce = 4

const service upstream.Service = "Open Charge Map"

// poster sends what may be sent once only, which the shared way of asking is not
// made for: it follows no redirect, hands out no body that could be sent again,
// and knows whether anything was sent. What it sends counts towards the budget of
// the source, but is under policies of its own: that OCM is slow to store says
// nothing about how it answers. It is safe for concurrent use.
type poster struct {
	base      *url.URL
	key       string
	userAgent string
	http      http.Client
	clock     func() time.Time
}

func newPoster(base *url.URL, cfg *Config) *poster {
	p := &poster{base: base, key: cfg.Key, userAgent: cfg.UserAgent, clock: cfg.Clock}
	if cfg.Client != nil {
		p.http = *cfg.Client
	}
	next := p.http.Transport
	if next == nil {
		next = upstream.NewHTTPTransport()
	}
	p.http.Transport = upstream.NewTransport(upstream.Policies{
		Name: service, Next: upstream.Around(next, cfg.Around), Budget: cfg.Budget, Clock: cfg.Clock,
		Concurrency: postsAtOnce, CallTimeout: max(cfg.SendTimeout, signInTimeout),
	})
	p.http.Timeout = 0 // made for questions; each post has its own
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p
}

// reply is what came back. Nothing of it may be passed on.
type reply struct {
	status int
	header http.Header
	body   []byte // at most maxReply
}

// post sends body as JSON, with a session if it is not "", and returns the
// answer. An error is one of the connection alone; sent says then that OCM may
// have got the whole of it, and acted on it.
//
// With a session the key goes into the query: in the header, a key that may
// write would make its owner the author of what the session's user sends.
func (p *poster) post(ctx context.Context, path string, body any, session string, timeout time.Duration) (r reply, sent bool, se *providers.SourceError) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	text, err := json.Marshal(body, wire.Lenient())
	if err != nil {
		return reply{}, false, service.NotBuilt()
	}
	target := p.base.JoinPath(path)
	if session != "" {
		target.RawQuery = url.Values{"key": {p.key}}.Encode()
	}
	once := &onceBody{r: bytes.NewReader(text)}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), once)
	if err != nil {
		return reply{}, false, service.NotBuilt() // the error would quote the URL
	}
	req.ContentLength = int64(len(text))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", p.userAgent)
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	} else {
		req.Header.Set("X-API-Key", p.key)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return reply{}, once.read.Load(), service.Unreachable(ctx, err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil && res.StatusCode == http.StatusOK { // any other status says enough
		return reply{}, true, service.Unreachable(ctx, err)
	}
	return reply{status: res.StatusCode, header: res.Header, body: said}, true, nil
}

// onceBody is a body that cannot be sent again, neither by a policy nor by
// net/http, and that knows whether a transport has begun to send it: nothing can
// be stored of a body that was never read.
type onceBody struct {
	r    io.Reader
	read atomic.Bool
}

func (b *onceBody) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.r.Read(p)
}

// Close implements io.Closer: there is nothing to close.
func (b *onceBody) Close() error { return nil }

// refused makes an error of an answer whose status is not 200.
func (p *poster) refused(r reply) *providers.SourceError {
	start := string(r.body[:min(len(r.body), 4<<10)])
	if se := explain(upstream.Answer{Status: r.status, Header: r.header, Start: start}); se != nil {
		return se
	}
	return service.Refused(r.status, p.wait(r))
}

// wait returns how long OCM asks to be left alone.
func (p *poster) wait(r reply) time.Duration { return upstream.RetryAfter(r.header, p.clock()) }

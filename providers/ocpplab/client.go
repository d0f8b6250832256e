package ocpplab

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

const (
	// maxBody is how much of an answer is read: 100 locations of 1,000 chargers each.
	maxBody = 32 << 20
	// pageTimeout holds for one page, of which the largest has some 100 kB.
	pageTimeout = 30 * time.Second
	// maxRedirects on one host: to https, to a path with a slash.
	maxRedirects = 2
)

// client asks the gateway.
type client struct{ *upstream.Client }

func newClient(base *url.URL, cfg *Config) *client {
	header := http.Header{}
	header.Set("Authorization", "Bearer "+cfg.Token)
	header.Set("User-Agent", cfg.UserAgent)
	if cfg.Organization != "" {
		header.Set("X-Organization-Id", cfg.Organization)
	}
	return &client{upstream.New(upstream.Config{
		Name: "the OCPPLAB gateway", Base: base, Header: header, Redirects: maxRedirects, Secret: "the token", Explain: explain, Clock: cfg.Clock,
		Budget: cfg.Budget, Around: cfg.Around, CallTimeout: pageTimeout,
		HTTP: &http.Client{
			Timeout: pageTimeout,
			Transport: &http.Transport{
				DialContext:       (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
				Proxy:             http.ProxyFromEnvironment,
				ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
			},
		},
	})}
}

// get asks for path and reads the answer into page, as [upstream.Client.Ask] does.
func (c *client) get(ctx context.Context, path string, params url.Values, page any) error {
	return c.Ask(ctx, upstream.Question{Path: path, Params: params, MaxBody: maxBody}, func(body io.Reader) error {
		return json.UnmarshalRead(body, page, wire.Lenient())
	})
}

// explain knows what the gateway's refusals mean.
func explain(a upstream.Answer) *providers.SourceError {
	switch a.Status {
	case http.StatusUnauthorized:
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "the OCPPLAB gateway does not accept the configured token; check it, or get a new one"}
	case http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "the OCPPLAB gateway refuses this token: it lacks a role, or an administrator's token lacks the organisation"}
	case http.StatusNotFound, http.StatusGone:
		return &providers.SourceError{Code: providers.CodeNotFound, Message: "the OCPPLAB gateway knows no such CPO, or not any more"}
	case http.StatusUnprocessableEntity:
		return &providers.SourceError{Code: providers.CodeRejected, Message: "the OCPPLAB gateway rejects the question as malformed; check cpos and path"}
	}
	return nil
}

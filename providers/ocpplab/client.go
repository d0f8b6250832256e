package ocpplab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

const (
	// maxBody is how much of an answer is read: 100 locations of 1,000 chargers each.
	maxBody = 32 << 20
	// maxErrorBody is how much of a refusal is passed over, so that its
	// connection can be used again.
	maxErrorBody = 4 << 10
	// pageTimeout holds for one page, of which the largest has some 100 kB.
	pageTimeout = 30 * time.Second
	// maxRedirects on one host: to https, to a path with a slash.
	maxRedirects = 2
)

// client asks the gateway.
type client struct {
	base         *url.URL
	token        string
	organization string
	userAgent    string
	http         *http.Client
	clock        func() time.Time
}

func newClient(base *url.URL, cfg *Config) *client {
	return &client{
		base: base, token: cfg.Token, organization: cfg.Organization, userAgent: cfg.UserAgent, clock: cfg.Clock,
		http: &http.Client{
			CheckRedirect: checkRedirect,
			Transport: &http.Transport{
				DialContext:       (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
				Proxy:             http.ProxyFromEnvironment,
				ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
			},
		},
	}
}

// checkRedirect keeps the token with the gateway.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	sameHost := strings.EqualFold(req.URL.Host, from.Host) && req.URL.Scheme == from.Scheme
	secured := strings.EqualFold(req.URL.Hostname(), from.Hostname()) && from.Scheme == "http" && req.URL.Scheme == "https" && req.URL.Port() == ""
	if !sameHost && !secured || len(via) > maxRedirects {
		return badResponse("the OCPPLAB gateway redirected the request to another address, which is not followed because the token would go with it; check the configured url", nil)
	}
	return nil
}

// get asks for path and reads the answer into page. Every error is a
// *providers.SourceError and holds neither the token nor a text of the gateway.
func (c *client) get(ctx context.Context, path string, params url.Values, page any) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	target := *c.base.JoinPath(path)
	target.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return &providers.SourceError{Code: providers.CodeInternal, Message: "the request to the OCPPLAB gateway could not be built"}
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	if c.organization != "" {
		req.Header.Set("X-Organization-Id", c.organization)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return transportError(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return c.refusal(res)
	}
	body := &cappedReader{r: res.Body, left: maxBody}
	err = json.UnmarshalRead(body, page, lenient())
	switch {
	case errors.Is(body.err, errTooLarge):
		return badResponse(fmt.Sprintf("the OCPPLAB gateway's answer is larger than %d MB and was not read", maxBody>>20), nil)
	case body.err != nil && !errors.Is(body.err, io.ErrUnexpectedEOF):
		return transportError(ctx, body.err)
	case err != nil:
		var where error
		if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
			where = fmt.Errorf("at byte %d", syntax.ByteOffset) // and not what stood there
		}
		return badResponse("the OCPPLAB gateway's answer is broken off or is no list", where)
	}
	return nil
}

// refusal makes an error of an answer that is not 200.
func (c *client) refusal(res *http.Response) error {
	_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody)
	wait := c.retryAfter(res.Header.Get("Retry-After"))
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized:
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "the OCPPLAB gateway does not accept the configured token; check it, or get a new one"}
	case status == http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "the OCPPLAB gateway refuses this token: it lacks a role, or an administrator's token lacks the organisation"}
	case status == http.StatusNotFound:
		return &providers.SourceError{Code: providers.CodeNotFound, Message: "the OCPPLAB gateway knows no such CPO, or not any more"}
	case status == http.StatusUnprocessableEntity:
		return &providers.SourceError{Code: providers.CodeRejected, Message: "the OCPPLAB gateway rejects the question as malformed; check cpos and path"}
	case status == http.StatusTooManyRequests:
		return &providers.SourceError{Code: providers.CodeRateLimited, Message: "the OCPPLAB gateway asks to be asked less often; ask again later", RetryAfter: wait}
	case status >= 500:
		return &providers.SourceError{Code: providers.CodeUpstreamError, Message: fmt.Sprintf("the OCPPLAB gateway failed with status %d; ask again later", status), RetryAfter: wait}
	case status >= 400:
		return &providers.SourceError{Code: providers.CodeRejected, Message: fmt.Sprintf("the OCPPLAB gateway rejected the question with status %d", status)}
	default:
		return badResponse(fmt.Sprintf("the OCPPLAB gateway answered with status %d, which says nothing", status), nil)
	}
}

// maxRetryAfter bounds what the gateway may ask for, in case it means a date.
const maxRetryAfter = time.Hour

func (c *client) retryAfter(header string) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 {
		wait = time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(c.clock())
	}
	return min(max(wait, 0), maxRetryAfter)
}

func badResponse(message string, err error) *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeBadResponse, Message: message, Err: err}
}

// transportError makes an error of a request that got no answer. Of the error
// only its inmost part is kept: the outer ones quote the URL.
func transportError(ctx context.Context, err error) error {
	if se := (*providers.SourceError)(nil); errors.As(err, &se) {
		return se
	}
	if ctx.Err() != nil {
		return providers.AsSourceError(ctx.Err())
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &providers.SourceError{Code: providers.CodeTimeout, Message: "the OCPPLAB gateway did not answer in time; ask again later"}
	}
	var cause error
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		cause = op.Err
		if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
			cause = errors.New("name look-up failed")
		}
	}
	return &providers.SourceError{Code: providers.CodeNetwork, Message: "the OCPPLAB gateway cannot be reached; check the network and the configured url", Err: cause}
}

var errTooLarge = errors.New("too large")

// cappedReader reads at most left bytes and remembers why it stopped.
type cappedReader struct {
	r    io.Reader
	left int64
	err  error // nil at a proper end
}

func (c *cappedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	switch {
	case c.left < 0:
		c.err = errTooLarge
		return 0, c.err
	case err != nil && !errors.Is(err, io.EOF):
		c.err = err
	}
	return n, err
}

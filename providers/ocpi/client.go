package ocpi

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
)

const (
	// maxBody is how much of a page is read, after it was unpacked. The largest
	// known, the Netherlands in one page, has 200 MB.
	maxBody = 1 << 30
	// maxErrorBody is how much of a refusal is passed over, so that its
	// connection can be used again.
	maxErrorBody = 4 << 10
	// maxRedirects: to https, to a path with a slash, to a file.
	maxRedirects = 3
)

const service upstream.Service = "the feed"

// encoding is how a token stands in the header.
type encoding string

// The encodings of a token. The specification wants Base64 since 2.2, and says
// that many send it as it is.
const (
	encodeAuto   encoding = "auto"
	encodeBase64 encoding = "base64"
	encodeRaw    encoding = "raw"
)

// client reads pages. It is for one goroutine.
type client struct {
	hosts     hosts
	token     string
	header    string // a further one that carries the token as it is
	encoding  encoding
	works     encoding // what a server of encoding auto has accepted; "" before that
	userAgent string
	timeout   time.Duration
	http      *http.Client
	clock     func() time.Time
}

// newClient returns a client that keeps to the configured hosts.
func newClient(h hosts, cfg *Config) *client {
	c := &client{
		hosts: h, token: cfg.Token, header: cfg.TokenHeader, encoding: encoding(cfg.TokenEncoding),
		userAgent: cfg.UserAgent, timeout: cfg.PageTimeout, clock: cfg.Clock,
	}
	// A page is a bulk pull: it may take as long as PageTimeout, and there is one
	// reader, so that the policies of a map change nothing for one that answers.
	c.http = &http.Client{CheckRedirect: c.checkRedirect, Transport: upstream.NewTransport(upstream.Policies{
		Name: service, Next: upstream.Around(newTransport(&c.hosts, nil), cfg.Around), Budget: cfg.Budget, CallTimeout: cfg.PageTimeout, Clock: cfg.Clock,
	})}
	return c
}

// checkRedirect follows a redirect on the hosts of the feed. The token stays
// with the host that it was meant for.
func (c *client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return upstream.BadResponse("the feed redirects again and again", nil)
	}
	from := via[len(via)-1].URL
	if req.URL.Scheme == "http" && from.Scheme == "https" {
		return upstream.BadResponse("the feed redirects from https to http, which is not followed", nil)
	}
	if err := c.hosts.check(req.URL); err != nil {
		return err
	}
	home := via[0].URL
	secured := hostName(req.URL.Hostname()) == hostName(home.Hostname()) && req.URL.Scheme == "https" && req.URL.Port() == ""
	if hostPort(req.URL) != hostPort(home) && !secured {
		req.Header.Del("Authorization")
		if c.header != "" {
			req.Header.Del(c.header)
		}
	}
	return nil
}

// encodings returns how to send the token, one after the other.
func (c *client) encodings() []encoding {
	switch {
	case c.token == "":
		return []encoding{""}
	case c.encoding != encodeAuto:
		return []encoding{c.encoding}
	case c.works == encodeRaw:
		return []encoding{encodeRaw, encodeBase64}
	}
	return []encoding{encodeBase64, encodeRaw}
}

// authorization returns the header's value.
func (c *client) authorization(e encoding) string {
	if e == encodeBase64 {
		return "Token " + base64.StdEncoding.EncodeToString([]byte(c.token))
	}
	return "Token " + c.token
}

// answer is a page as it arrives.
type answer struct {
	header    http.Header
	body      io.Reader // unpacked and capped
	fetchedAt time.Time
	unchanged bool // 304: there is no body

	capped *upstream.Capped
	closer func()
}

// get asks for a page of the feed; the caller must close the answer. etag is that
// of an answer that the caller still has, or "". Every error is a
// *providers.SourceError and holds neither the token nor a text of the upstream.
func (c *client) get(ctx context.Context, target *url.URL, correlation string, since *validators) (*answer, error) {
	if err := c.hosts.check(target); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	var res *http.Response
	for i, e := range c.encodings() {
		req, err := http.NewRequestWithContext(limited, http.MethodGet, target.String(), nil)
		if err != nil {
			cancel()
			return nil, service.NotBuilt()
		}
		c.prepare(req, e, correlation, since)
		if res != nil {
			_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody)
			res.Body.Close()
		}
		if res, err = c.http.Do(req); err != nil {
			cancel()
			return nil, unreachable(ctx, err)
		}
		if res.StatusCode != http.StatusUnauthorized {
			if c.encoding == encodeAuto && (i > 0 || c.works == "") {
				c.works = e
			}
			break
		}
	}
	stop := func() { res.Body.Close(); cancel() }
	a := &answer{header: res.Header, fetchedAt: c.clock().UTC(), closer: stop}
	switch {
	case res.StatusCode == http.StatusNotModified && since != nil:
		a.unchanged = true
		return a, nil
	case res.StatusCode != http.StatusOK:
		defer stop()
		return nil, c.refusal(res)
	}
	a.capped = upstream.NewCapped(res.Body, maxBody)
	body, err := unpack(a.capped)
	if err != nil {
		stop()
		return nil, a.readError(ctx, err)
	}
	a.body = body
	return a, nil
}

func (a *answer) close() { a.closer() }

// validators say which answer the caller still has.
type validators struct{ etag, lastModified string }

func (c *client) prepare(req *http.Request, e encoding, correlation string, since *validators) {
	if e != "" {
		req.Header.Set("Authorization", c.authorization(e))
		if c.header != "" {
			req.Header.Set(c.header, c.token)
		}
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Request-ID", newID())
	req.Header.Set("X-Correlation-ID", correlation)
	if since != nil && since.etag != "" {
		req.Header.Set("If-None-Match", since.etag)
	}
	if since != nil && since.lastModified != "" {
		req.Header.Set("If-Modified-Since", since.lastModified)
	}
}

// newID returns a random id as OCPI wants them: a UUID, version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// unpack returns what r holds, through gzip where it is gzipped, however it is
// labelled, and without a byte order mark. What it inflates to is capped, too.
func unpack(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		buffered = bufio.NewReaderSize(upstream.NewCapped(z, maxBody), 64<<10)
	}
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // cannot fail: they were peeked
	}
	return buffered, nil
}

// refusal makes an error of an answer that is not 200.
func (c *client) refusal(res *http.Response) error {
	_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody)
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized && c.token == "":
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "the feed wants a token; configure the one that its operator gave"}
	case status == http.StatusUnauthorized:
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "the feed does not accept the configured token; check it and tokenEncoding"}
	case status == http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "the feed refuses this client; check the token and what its operator allows it"}
	case status == http.StatusNotFound, status == http.StatusGone:
		return &providers.SourceError{Code: providers.CodeNotFound, Message: "there is no feed at the configured url, or it has moved"}
	case status < 400:
		return upstream.BadResponse(fmt.Sprintf("the feed answered with status %d, which is no list of locations", status), nil)
	default:
		return service.Refused(status, upstream.RetryAfter(res.Header, c.clock()))
	}
}

// statusError makes an error of the envelope's status_code.
func statusError(code int) error {
	e := &providers.SourceError{Code: providers.CodeUpstreamError, Message: fmt.Sprintf("the feed answered with OCPI status %d", code)}
	switch {
	case code >= 2000 && code < 3000:
		e.Code, e.Message = providers.CodeRejected, fmt.Sprintf("the feed rejected the question with OCPI status %d", code)
	case code >= 3000 && code < 5000:
		e.Message = fmt.Sprintf("the feed failed with OCPI status %d; ask again later", code)
	default:
		e.Code = providers.CodeBadResponse
	}
	return e
}

// unreachable makes an error of a request that got no answer.
func unreachable(ctx context.Context, err error) error {
	if errors.Is(err, errPrivate) {
		return upstream.BadResponse("the feed's host has an address that is not public, which is not asked; add that address to allowHosts if it is meant", nil)
	}
	return service.Unreachable(ctx, err)
}

// readError makes an error of a body that could not be read to its end.
func (a *answer) readError(ctx context.Context, err error) error {
	if a.capped != nil && a.capped.Err != nil {
		err = a.capped.Err // the reason behind whatever the decoder made of it
	}
	return bodyError(ctx, err)
}

// bodyError makes an error of what went wrong while a body or a file was read.
func bodyError(ctx context.Context, err error) error {
	se := (*providers.SourceError)(nil)
	switch position := upstream.Position(err); {
	case errors.As(err, &se):
		return se
	case ctx.Err() != nil:
		return providers.AsSourceError(ctx.Err())
	case errors.Is(err, upstream.ErrTooLarge):
		return upstream.BadResponse(fmt.Sprintf("a page of the feed is larger than %d MB, or a location larger than %d, and was not read", maxBody>>20, maxElement>>20), nil)
	case upstream.Damaged(err), errors.Is(err, io.EOF):
		return upstream.BadResponse("the feed is broken off or damaged", nil)
	case position != nil:
		return upstream.BadResponse("the feed is broken off or is not proper JSON", position)
	}
	return unreachable(ctx, err)
}

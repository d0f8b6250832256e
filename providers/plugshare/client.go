package plugshare

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

const (
	// maxBody is how much of an answer is read. The largest location seen, with
	// 3,000 reviews, has 4 MB; a full region less than one.
	maxBody = 16 << 20
	// maxErrorBody is how much of a refusal is thrown away before the
	// connection is given up instead.
	maxErrorBody = 4 << 10
)

// client asks PlugShare. It is safe for concurrent use.
type client struct {
	base      *url.URL
	key       string
	secret    string
	userAgent string
	http      *http.Client
	clock     func() time.Time
	// answers says that the last question was answered: whoever is refused the
	// next one is refused that, and not altogether.
	answers atomic.Bool
}

// newClient returns a client that follows no redirect: key and secret travel in
// a header, and would travel along.
func newClient(base *url.URL, cfg *Config) *client {
	guarded := http.Client{Timeout: requestTimeout}
	if cfg.Client != nil {
		guarded = *cfg.Client
	}
	guarded.CheckRedirect = func(*http.Request, []*http.Request) error {
		return badResponse("PlugShare redirected the request to another address, which is not followed because key and secret would go with it; check the configured url", nil)
	}
	return &client{base: base, key: cfg.Key, secret: cfg.Secret, userAgent: cfg.UserAgent, http: &guarded, clock: cfg.Clock}
}

// versioned reports whether the configured address names version 3, which has
// habits of its own.
func (c *client) versioned() bool {
	return strings.HasSuffix(strings.TrimRight(c.base.Path, "/"), "/v3")
}

// get asks one endpoint and hands the answer's body to read, which must return
// what it could not read. Every error is a *providers.SourceError and holds
// neither key nor secret nor a text of the upstream.
func (c *client) get(ctx context.Context, path []string, params url.Values, read func(io.Reader) error) error {
	target := c.base.JoinPath(path...)
	target.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return notBuilt()
	}
	return c.do(req, read)
}

// post does so with a body of JSON.
func (c *client) post(ctx context.Context, path []string, body []byte, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path...).String(), bytes.NewReader(body))
	if err != nil {
		return notBuilt()
	}
	req.Header.Set("Content-Type", "application/json")
	return c.do(req, read)
}

func (c *client) do(req *http.Request, read func(io.Reader) error) error {
	err := c.try(req, read)
	se := providers.AsSourceError(err)
	c.answers.Store(se == nil || se.Code == providers.CodeNotFound)
	return err
}

func (c *client) try(req *http.Request, read func(io.Reader) error) error {
	ctx := req.Context()
	req.SetBasicAuth(c.key, c.secret)
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return transportError(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return c.refusal(res)
	}
	if res.ContentLength > maxBody {
		return tooLarge()
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "text/html" {
		return webPage()
	}
	body := &cappedReader{r: res.Body, left: maxBody}
	buffered := bufio.NewReaderSize(body, 64<<10)
	if err = sniff(buffered); err != nil {
		if body.err != nil {
			return readError(ctx, body.err)
		}
		return err
	}
	err = read(buffered)
	if body.err != nil {
		return readError(ctx, body.err)
	}
	if err != nil {
		if se := (*providers.SourceError)(nil); errors.As(err, &se) {
			return se
		}
		return badResponse("PlugShare's answer is broken off or is not proper JSON", positionOf(err))
	}
	return nil
}

// sniff passes over blanks and looks at how the body begins.
func sniff(r *bufio.Reader) error {
	if start, err := r.Peek(3); err == nil && string(start) == "\ufeff" {
		_, _ = r.Discard(3) // cannot fail: they were peeked
	}
	for {
		b, err := r.ReadByte()
		if err != nil {
			return badResponse("PlugShare answered with nothing", nil)
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		_ = r.UnreadByte() // cannot fail: it was just read
		switch b {
		case '[', '{':
			return nil
		case '<':
			return webPage()
		}
		return badResponse("PlugShare answered with a text instead of data", nil)
	}
}

// refusal makes an error of an answer that is not 200. What the body says is not
// documented and is not looked at.
func (c *client) refusal(res *http.Response) *providers.SourceError {
	_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody) // so that the connection can be used again
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized:
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "PlugShare does not accept the configured key and secret; check them, they come with a licence"}
	case status == http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "PlugShare refuses this client or does not allow it this question; check the licence, or ask less often"}
	case status == http.StatusTooManyRequests:
		return &providers.SourceError{
			Code: providers.CodeRateLimited, Message: "PlugShare asks to be asked less often; ask again later",
			RetryAfter: c.retryAfter(res.Header.Get("Retry-After")),
		}
	case status == http.StatusNotFound, status == http.StatusGone:
		return &providers.SourceError{Code: providers.CodeNotFound, Message: "there is no PlugShare API at the configured url"}
	case status >= 500:
		return &providers.SourceError{
			Code: providers.CodeUpstreamError, Message: fmt.Sprintf("PlugShare failed with status %d; ask again later", status),
			RetryAfter: c.retryAfter(res.Header.Get("Retry-After")),
		}
	case status >= 400:
		return &providers.SourceError{Code: providers.CodeRejected, Message: fmt.Sprintf("PlugShare rejected the question with status %d", status)}
	default:
		return badResponse(fmt.Sprintf("PlugShare answered with status %d, which says nothing", status), nil)
	}
}

// maxRetryAfter bounds what an upstream may ask for, in case it means a date.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the header of that name, seconds or a date.
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

func notBuilt() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeInternal, Message: "the request to PlugShare could not be built"}
}

func webPage() *providers.SourceError {
	return badResponse("PlugShare answered with a web page instead of data, as it does to clients that it blocks", nil)
}

func tooLarge() *providers.SourceError {
	return badResponse(fmt.Sprintf("PlugShare's answer is larger than %d MB and was not read", maxBody>>20), nil)
}

// transportError makes an error of a request that got no answer. Of the error
// only its inmost part is kept: the outer ones quote the URL.
func transportError(ctx context.Context, err error) *providers.SourceError {
	if se := (*providers.SourceError)(nil); errors.As(err, &se) {
		return se
	}
	if ctx.Err() != nil {
		return providers.AsSourceError(ctx.Err())
	}
	if isTimeout(err) {
		return &providers.SourceError{Code: providers.CodeTimeout, Message: "PlugShare did not answer in time; ask again later"}
	}
	var cause error
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		cause = errors.New("name look-up failed")
	} else if op := (*net.OpError)(nil); errors.As(err, &op) {
		cause = op.Err
	}
	return &providers.SourceError{Code: providers.CodeNetwork, Message: "PlugShare cannot be reached; check the network and the configured url", Err: cause}
}

// readError makes an error of a body that ended before its end.
func readError(ctx context.Context, err error) *providers.SourceError {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return badResponse("PlugShare's answer is broken off or damaged", nil)
	}
	return transportError(ctx, err)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// positionOf keeps of a JSON error where it happened, and not what stood there.
func positionOf(err error) error {
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		return fmt.Errorf("at byte %d", syntax.ByteOffset)
	}
	return nil
}

var errTooLarge = errors.New("body too large")

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

// eachElement reads a JSON array and calls f with every element, which is valid
// during the call only. The whole body must be one array.
func eachElement(body io.Reader, f func(jsontext.Value)) error {
	dec := jsontext.NewDecoder(body, lenient())
	if dec.PeekKind() == jsontext.KindBeginObject {
		return errorObject(dec)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		f(raw)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	return atEnd(dec)
}

// oneObject reads a JSON object, which must be the whole body.
func oneObject(body io.Reader) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(body, lenient())
	if dec.PeekKind() != jsontext.KindBeginObject {
		return nil, badResponse("PlugShare answered with a list where one location should be", nil)
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	raw = raw.Clone()
	return raw, atEnd(dec)
}

// errorObject makes an error of an object that stands where a list should.
func errorObject(dec *jsontext.Decoder) error {
	var w struct {
		Code number `json:"code"`
	}
	if err := json.UnmarshalDecode(dec, &w); err != nil {
		return err
	}
	if code, ok := w.Code.integer(); ok {
		return rejected(code)
	}
	return badResponse("PlugShare answered with an object where a list of locations should be", nil)
}

func rejected(code int) *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeRejected, Message: fmt.Sprintf("PlugShare rejected the question with its own code %d", code)}
}

func atEnd(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return badResponse("PlugShare's answer goes on after its end", nil)
	}
	return nil
}

package ocm

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
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

	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

const (
	// maxBody is how much of an answer is read. A full default page of POIs
	// with all their comments has 3 MB, the largest that can be configured 15.
	maxBody = 32 << 20
	// maxErrorBody is how much of a refusal is read: OCM's are one sentence.
	maxErrorBody = 4 << 10
	// maxRedirects on one host is for http becoming https, and for nothing else.
	maxRedirects = 2
)

// client asks OCM. It is safe for concurrent use.
type client struct {
	base      *url.URL
	key       string
	name      string
	userAgent string
	http      *http.Client
	maxBody   int64
	clock     func() time.Time
}

// newClient returns a client that never follows a redirect to another host: the
// key travels in a header, and would travel along.
func newClient(base *url.URL, cfg *Config) *client {
	guarded := http.Client{Timeout: requestTimeout}
	if cfg.Client != nil {
		guarded = *cfg.Client
	}
	guarded.CheckRedirect = checkRedirect
	return &client{base: base, key: cfg.Key, name: cfg.ClientName, userAgent: cfg.UserAgent, http: &guarded, maxBody: maxBody, clock: cfg.Clock}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	sameHost := strings.EqualFold(req.URL.Host, from.Host) && req.URL.Scheme == from.Scheme
	secured := strings.EqualFold(req.URL.Hostname(), from.Hostname()) && from.Scheme == "http" && req.URL.Scheme == "https" && req.URL.Port() == ""
	if !sameHost && !secured || len(via) > maxRedirects {
		return badResponse("Open Charge Map redirected the request to another address, which is not followed because the key would go with it; check the configured url", nil)
	}
	return nil
}

// get asks one endpoint and hands the answer's body to read, which must return
// what it could not read. Every error is a *providers.SourceError and holds
// neither the key nor a text of the upstream.
func (c *client) get(ctx context.Context, endpoint string, params url.Values, read func(io.Reader) error) error {
	target := *c.base.JoinPath(endpoint)
	params.Set("output", "json")
	params.Set("client", c.name)
	target.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return &providers.SourceError{Code: providers.CodeInternal, Message: "the request to Open Charge Map could not be built"}
	}
	req.Header.Set("X-API-Key", c.key)
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
	if res.ContentLength > c.maxBody {
		return tooLarge(c.maxBody)
	}
	body := &cappedReader{r: res.Body, left: c.maxBody}
	buffered := bufio.NewReaderSize(body, 64<<10)
	if err = sniff(buffered); err != nil {
		if body.err != nil {
			return c.readError(ctx, body.err)
		}
		return err
	}
	err = read(buffered)
	if body.err != nil {
		return c.readError(ctx, body.err)
	}
	if err != nil {
		if se := (*providers.SourceError)(nil); errors.As(err, &se) {
			return err
		}
		return badResponse("Open Charge Map's answer is broken off or is not proper JSON", positionOf(err))
	}
	return nil
}

// sniff passes over blanks and looks at how the body begins; OCM's failures
// come as 200 with nothing, a sentence or a page.
func sniff(r *bufio.Reader) error {
	if start, err := r.Peek(3); err == nil && string(start) == "\ufeff" {
		_, _ = r.Discard(3) // cannot fail: they were peeked
	}
	for {
		b, err := r.ReadByte()
		if err != nil {
			return badResponse("Open Charge Map answered with nothing, as it does when something failed on its side", nil)
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
			return badResponse("Open Charge Map answered with a web page instead of data", nil)
		}
		start, _ := r.Peek(maxErrorBody) // fails for a short body, which is what is expected
		if strings.Contains(string(start), "REJECTED_APIKEY") {
			return invalidKey()
		}
		return badResponse("Open Charge Map answered with a text instead of data", nil)
	}
}

// refusal makes an error of an answer that is not 200.
func (c *client) refusal(res *http.Response) error {
	start, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // the status alone says enough
	said := strings.ToLower(string(start))
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized,
		status == http.StatusForbidden && (strings.Contains(said, "api key") || strings.Contains(said, "apikey")):
		return invalidKey()
	case status == http.StatusForbidden && strings.Contains(said, "abuse"):
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "Open Charge Map has blocked this client for asking too much; stop asking it, and write to its operators"}
	case status == http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "Open Charge Map refuses this client; check the key and the user agent"}
	case status == http.StatusTooManyRequests:
		return &providers.SourceError{
			Code: providers.CodeRateLimited, Message: "Open Charge Map asks to be asked less often; ask again later",
			RetryAfter: c.retryAfter(res.Header.Get("Retry-After")),
		}
	case status == http.StatusServiceUnavailable && strings.Contains(said, "robots"):
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "Open Charge Map takes this client for a robot; configure a user agent that names the application"}
	case status == http.StatusNotFound:
		return &providers.SourceError{Code: providers.CodeNotFound, Message: "there is no Open Charge Map API at the configured url"}
	case status >= 500:
		return &providers.SourceError{
			Code: providers.CodeUpstreamError, Message: fmt.Sprintf("Open Charge Map failed with status %d; ask again later", status),
			RetryAfter: c.retryAfter(res.Header.Get("Retry-After")),
		}
	case status >= 400:
		return &providers.SourceError{Code: providers.CodeRejected, Message: fmt.Sprintf("Open Charge Map rejected the question with status %d; check that the configured url names an API version", status)}
	default:
		return badResponse(fmt.Sprintf("Open Charge Map answered with status %d, which says nothing", status), nil)
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

func tooLarge(limit int64) *providers.SourceError {
	return badResponse(fmt.Sprintf("Open Charge Map's answer is larger than %d MB and was not read", limit>>20), nil)
}

func invalidKey() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "Open Charge Map does not accept the configured key; check it, or get one at openchargemap.org"}
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
	if isTimeout(err) {
		return &providers.SourceError{Code: providers.CodeTimeout, Message: "Open Charge Map did not answer in time; ask again later"}
	}
	var cause error
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		cause = errors.New("name look-up failed")
	} else if op := (*net.OpError)(nil); errors.As(err, &op) {
		cause = op.Err
	}
	return &providers.SourceError{Code: providers.CodeNetwork, Message: "Open Charge Map cannot be reached; check the network and the configured url", Err: cause}
}

// readError makes an error of a body that ended before its end.
func (c *client) readError(ctx context.Context, err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge(c.maxBody)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return badResponse("Open Charge Map's answer is broken off or damaged", nil)
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

package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

const (
	// defaultTimeout holds for a Config without a client; a caller's deadline is
	// usually shorter.
	defaultTimeout = 30 * time.Second
	// maxStart is how much is looked at of an answer that is no data. The rest of
	// a refusal is not read: its connection is given up instead.
	maxStart = 4 << 10
)

// UserAgent is how sources call themselves unless they are told another name.
const UserAgent = "chargegraph (GraphQL API for charging sites)"

// Config says whom a Client asks, and how. Name, Base and Clock are required. What
// it shares with [Policies] means the same.
type Config struct {
	// Name is how sentences call the upstream.
	Name Service
	// Base is the address that paths are joined to.
	Base *url.URL
	// Header is sent along with every question: credentials, user agent.
	Header http.Header
	// HTTP makes the calls. Its Transport is wrapped in a [Transport] of this
	// client's own, its CheckRedirect is replaced, and its Timeout holds for a
	// question, repeats included. Default: a client of its own with a timeout of 30 s.
	HTTP *http.Client
	// Around goes around the transport that makes the calls; see [Around].
	Around      func(http.RoundTripper) http.RoundTripper
	Budget      providers.Budget
	Concurrency int
	CallTimeout time.Duration
	Timeout     time.Duration
	// Redirects is how many redirects are followed in a row: on the same host, or
	// from http to https there. None leads to another host, because Header would
	// go with it. Default none.
	Redirects int
	// Secret is what of Header must not get about, "the key", for the sentence
	// that says why a redirect is not followed.
	Secret string
	// Explain, where set, sees every answer before it is read and may say what is
	// wrong with it in this upstream's case; nil leaves it to the general rules.
	Explain func(Answer) *providers.SourceError
	Clock   func() time.Time
}

// Answer is what is seen of an answer before it is read. Nothing of it may be
// passed on.
type Answer struct {
	Status int
	Header http.Header
	// Start is how the body begins: of any but a 200 its first 4 kB. Of a 200,
	// blanks aside, "" for nothing, "[" or "{" for data, "<" for a page, else the
	// first 4 kB of the text.
	Start string
}

// Client asks one upstream. It is safe for concurrent use.
type Client struct {
	cfg       Config
	http      http.Client
	timeout   time.Duration // of a question; 0: its caller's
	transport *Transport
	unused    sync.Pool // of *bufio.Reader
}

// New returns a client. It asks nothing yet.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg, http: http.Client{Timeout: defaultTimeout}}
	if cfg.HTTP != nil {
		c.http = *cfg.HTTP
	}
	next := c.http.Transport
	if next == nil {
		next = NewHTTPTransport()
	}
	c.transport = NewTransport(Policies{
		Name: cfg.Name, Next: Around(&inflating{next: next}, cfg.Around), Budget: cfg.Budget, Clock: cfg.Clock,
		Concurrency: cfg.Concurrency, CallTimeout: cfg.CallTimeout, Timeout: cfg.Timeout,
	})
	c.http.Transport = c.transport
	c.http.CheckRedirect = c.checkRedirect
	// http.Client would start a goroutine per call to hold its timeout over a
	// transport that it does not know. Ask does it.
	c.timeout, c.http.Timeout = c.http.Timeout, 0
	return c
}

// Question is one request.
type Question struct {
	Path   string // below the base
	Params url.Values
	Body   []byte // JSON, which is posted; nil: the question is a GET
	// Idempotent says that a posted question only reads and may be repeated, as a
	// GET may.
	Idempotent bool
	// MaxBody is how much of the answer is read, unpacked, in bytes. Required.
	MaxBody int64
}

// Ask asks q and hands the answer's body to read, which must return what it could
// not read. Only an answer with status 200 that begins like JSON gets there. Every
// error is, or wraps, a *providers.SourceError; such a one that read returns is
// passed on as it is, and any other means that the body is no proper JSON.
func (c *Client) Ask(ctx context.Context, q Question, read func(io.Reader) error) error {
	if ctx.Err() == nil {
		if se := c.transport.Refusal(); se != nil {
			return se // before anything is built: it is asked often then
		}
	}
	limited := ctx
	if c.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, err := c.request(limited, q)
	if err != nil {
		return c.cfg.Name.NotBuilt() // the error would quote the URL
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.cfg.Name.Unreachable(ctx, err)
	}
	defer res.Body.Close()
	capped := NewCapped(res.Body, q.MaxBody)
	body, ok := c.unused.Get().(*bufio.Reader)
	if !ok {
		body = bufio.NewReaderSize(nil, 64<<10) // holds most answers
	}
	body.Reset(capped)
	defer func() {
		body.Reset(nil)
		c.unused.Put(body)
	}()
	start := ""
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(body, maxStart)) // the status alone says enough
		start = string(said)
	} else {
		if res.ContentLength > q.MaxBody {
			return c.unread(ctx, ErrTooLarge, q.MaxBody)
		}
		start = startOf(body)
		if capped.Err != nil && !isData(start) {
			return c.unread(ctx, capped.Err, q.MaxBody)
		}
	}
	if se := c.judge(Answer{Status: res.StatusCode, Header: res.Header, Start: start}); se != nil {
		return se
	}
	err = read(body)
	if capped.Err != nil {
		return c.unread(ctx, capped.Err, q.MaxBody)
	}
	if err != nil && !errors.As(err, new(*providers.SourceError)) {
		return BadResponse(string(c.cfg.Name)+"'s answer is broken off or is not proper JSON", Position(err))
	}
	return err
}

// CloseIdleConnections closes connections that nobody uses, for a source that
// will not ask again for long.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	sameHost := strings.EqualFold(req.URL.Host, from.Host) && req.URL.Scheme == from.Scheme
	secured := strings.EqualFold(req.URL.Hostname(), from.Hostname()) && from.Scheme == "http" && req.URL.Scheme == "https" && req.URL.Port() == ""
	if !sameHost && !secured || len(via) > c.cfg.Redirects {
		return c.bad("%s redirected the request to another address, which is not followed because %s would go with it; check the configured url", c.cfg.Name, c.cfg.Secret)
	}
	return nil
}

func (c *Client) request(ctx context.Context, q Question) (*http.Request, error) {
	target := c.cfg.Base.JoinPath(q.Path)
	target.RawQuery = q.Params.Encode()
	method := http.MethodGet
	if q.Body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, c.cfg.Header)
	req.Header.Set("Accept", "application/json")
	if q.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.Idempotent {
		req.Header[idempotent] = nil
	}
	return req, nil
}

// judge returns what is wrong with an answer; nil: it is data.
func (c *Client) judge(a Answer) *providers.SourceError {
	if c.cfg.Explain != nil {
		if se := c.cfg.Explain(a); se != nil {
			return se
		}
	}
	switch {
	case a.Status != http.StatusOK:
		return c.cfg.Name.Refused(a.Status, RetryAfter(a.Header, c.cfg.Clock()))
	case isData(a.Start):
		return nil
	case a.Start == "":
		return c.bad("%s answered with nothing", c.cfg.Name)
	case a.Start == "<":
		return c.bad("%s answered with a web page instead of data", c.cfg.Name)
	}
	return c.bad("%s answered with a text instead of data", c.cfg.Name)
}

func isData(start string) bool { return start == "[" || start == "{" }

// startOf passes over blanks and a byte order mark and returns how r begins.
func startOf(r *bufio.Reader) string {
	if mark, err := r.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = r.Discard(3) // cannot fail: they were peeked
	}
	for {
		b, err := r.ReadByte()
		if err != nil {
			return ""
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		_ = r.UnreadByte() // cannot fail: it was just read
		switch b {
		case '[', '{', '<':
			return string(b)
		}
		start, _ := r.Peek(maxStart) // fails for a short body, which is what is expected
		return string(start)
	}
}

// Elements reads a body that must be one JSON array and calls f with each of its
// values, which is valid during the call only. Of an object in its place, f is not
// called: object reads it and says what is wrong.
func (c *Client) Elements(body io.Reader, options jsontext.Options, f func(jsontext.Value), object func(*jsontext.Decoder) error) error {
	dec := jsontext.NewDecoder(body, options)
	if dec.PeekKind() == jsontext.KindBeginObject {
		return object(dec)
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
	return c.End(dec)
}

// End returns an error unless dec has read all there is.
func (c *Client) End(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return c.bad("%s's answer goes on after its end", c.cfg.Name)
	}
	return nil
}

// unread makes an error of a body that ended before its end.
func (c *Client) unread(ctx context.Context, err error, limit int64) error {
	switch {
	case errors.Is(err, ErrTooLarge):
		return c.bad("%s's answer is larger than %d MB and was not read", c.cfg.Name, limit>>20)
	case Damaged(err):
		return c.bad("%s's answer is broken off or damaged", c.cfg.Name)
	}
	return c.cfg.Name.Unreachable(ctx, err)
}

func (c *Client) bad(format string, args ...any) *providers.SourceError {
	return BadResponse(fmt.Sprintf(format, args...), nil)
}

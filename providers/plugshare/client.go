package plugshare

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

// maxBody is how much of an answer is read. The largest location seen, with
// 3,000 reviews, has 4 MB; a full region less than one.
const maxBody = 16 << 20

const service upstream.Service = "PlugShare"

// client asks PlugShare. It is safe for concurrent use.
type client struct {
	*upstream.Client
	// versioned says that the configured address names version 3, which has
	// habits of its own.
	versioned bool
	// answers says that the last question was answered: whoever is refused the
	// next one is refused that, and not altogether.
	answers atomic.Bool
}

// newClient returns a client that follows no redirect, not even on its host.
func newClient(base *url.URL, cfg *Config) *client {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(cfg.Key, cfg.Secret)
	req.Header.Set("User-Agent", cfg.UserAgent)
	return &client{versioned: strings.HasSuffix(strings.TrimRight(base.Path, "/"), "/v3"), Client: upstream.New(upstream.Config{
		Name: service, Base: base, Header: req.Header, HTTP: cfg.Client, Around: cfg.Around, Secret: "key and secret", Explain: explain, Clock: cfg.Clock,
		Budget: cfg.Budget, Timeout: cfg.Timeout,
	})}
}

// get asks one endpoint, as [upstream.Client.Ask] does.
func (c *client) get(ctx context.Context, path string, params url.Values, read func(io.Reader) error) error {
	return c.ask(ctx, upstream.Question{Path: path, Params: params, MaxBody: maxBody}, read)
}

// post does so with a body of JSON. What PlugShare is posted are questions.
func (c *client) post(ctx context.Context, path string, body []byte, read func(io.Reader) error) error {
	return c.ask(ctx, upstream.Question{Path: path, Body: body, Idempotent: true, MaxBody: maxBody}, read)
}

func (c *client) ask(ctx context.Context, q upstream.Question, read func(io.Reader) error) error {
	err := c.Ask(ctx, q, read)
	se := providers.AsSourceError(err)
	c.answers.Store(se == nil || se.Code == providers.CodeNotFound)
	return err
}

// explain knows the page with which PlugShare's guard blocks clients, whatever it
// looks like, and what its refusals mean. What their bodies say is not documented
// and is not looked at.
func explain(a upstream.Answer) *providers.SourceError {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	switch {
	case a.Status == http.StatusOK && (kind == "text/html" || a.Start == "<"):
		return upstream.BadResponse("PlugShare answered with a web page instead of data, as it does to clients that it blocks", nil)
	case a.Status == http.StatusUnauthorized:
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "PlugShare does not accept the configured key and secret; check them, they come with a licence"}
	case a.Status == http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "PlugShare refuses this client or does not allow it this question; check the licence, or ask less often"}
	}
	return nil
}

// eachElement reads a list and calls f with every element, which is valid during
// the call only.
func (c *client) eachElement(body io.Reader, f func(jsontext.Value)) error {
	return c.Elements(body, lenient(), f, errorObject)
}

// oneObject reads a JSON object, which must be the whole body.
func (c *client) oneObject(body io.Reader) (jsontext.Value, error) {
	dec := jsontext.NewDecoder(body, lenient())
	if dec.PeekKind() != jsontext.KindBeginObject {
		return nil, upstream.BadResponse("PlugShare answered with a list where one location should be", nil)
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	raw = raw.Clone()
	return raw, c.End(dec)
}

// errorObject makes an error of an object that stands where a list should.
func errorObject(dec *jsontext.Decoder) error {
	var w struct {
		Code wire.Number `json:"code"`
	}
	if err := json.UnmarshalDecode(dec, &w); err != nil {
		return err
	}
	if code, ok := integer(w.Code); ok {
		return rejected(code)
	}
	return upstream.BadResponse("PlugShare answered with an object where a list of locations should be", nil)
}

func rejected(code int) *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeRejected, Message: fmt.Sprintf("PlugShare rejected the question with its own code %d", code)}
}

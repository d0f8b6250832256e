package ocm

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
)

const (
	// maxBody is how much of an answer is read. A full default page of POIs
	// with all their comments has 3 MB, the largest that can be configured 15.
	maxBody = 32 << 20
	// maxRedirects on one host is for http becoming https, and for nothing else.
	maxRedirects = 2
)

// client asks OCM. It is safe for concurrent use.
type client struct {
	*upstream.Client
	name    string
	maxBody int64
}

func newClient(base *url.URL, cfg *Config) *client {
	header := http.Header{}
	header.Set("X-API-Key", cfg.Key)
	header.Set("User-Agent", cfg.UserAgent)
	return &client{name: cfg.ClientName, maxBody: maxBody, Client: upstream.New(upstream.Config{
		Name: "Open Charge Map", Base: base, Header: header, HTTP: cfg.Client, Around: cfg.Around, Redirects: maxRedirects, Secret: "the key",
		Explain: explain, Clock: cfg.Clock, Budget: cfg.Budget, Timeout: cfg.Timeout,
	})}
}

// get asks one endpoint, as [upstream.Client.Ask] does.
func (c *client) get(ctx context.Context, endpoint string, params url.Values, read func(io.Reader) error) error {
	params.Set("output", "json")
	params.Set("client", c.name)
	return c.Ask(ctx, upstream.Question{Path: endpoint, Params: params, MaxBody: c.maxBody}, read)
}

// explain knows what OCM says in words of its own: which of its refusals mean
// what, and that failures come as 200 with nothing, a sentence or a page.
func explain(a upstream.Answer) *providers.SourceError {
	said := strings.ToLower(a.Start)
	switch {
	case a.Status == http.StatusOK && a.Start == "":
		return upstream.BadResponse("Open Charge Map answered with nothing, as it does when something failed on its side", nil)
	case a.Status == http.StatusUnauthorized,
		a.Status == http.StatusOK && strings.Contains(a.Start, "REJECTED_APIKEY"),
		a.Status == http.StatusForbidden && (strings.Contains(said, "api key") || strings.Contains(said, "apikey")):
		return &providers.SourceError{Code: providers.CodeUnauthorized, Message: "Open Charge Map does not accept the configured key; check it, or get one at openchargemap.org"}
	case a.Status == http.StatusForbidden && strings.Contains(said, "abuse"):
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "Open Charge Map has blocked this client for asking too much; stop asking it, and write to its operators"}
	case a.Status == http.StatusForbidden:
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "Open Charge Map refuses this client; check the key and the user agent"}
	case a.Status == http.StatusServiceUnavailable && strings.Contains(said, "robots"):
		return &providers.SourceError{Code: providers.CodeForbidden, Message: "Open Charge Map takes this client for a robot; configure a user agent that names the application"}
	case a.Status/100 == 4 && !slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests}, a.Status):
		return &providers.SourceError{Code: providers.CodeRejected, Message: fmt.Sprintf("Open Charge Map rejected the question with status %d; check that the configured url names an API version", a.Status)}
	}
	return nil
}

package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/jub0bs/cors"

	"chargegraph/resolvers"
)

// CORS says which pages of other origins may ask.
type CORS struct {
	// Origins are such as https://app.example.com or https://*.example.com;
	// "*" is every page. Empty: pages of this host only.
	Origins []string
	// Credentials lets those pages send cookies and certificates; API keys in a
	// header need it not. With "*" it is refused.
	Credentials bool
}

// corsMaxAge is how long a browser remembers that it may ask: as long as Chromium
// does at most.
const corsMaxAge = 7200

// shared lets pages of other origins ask.
func (c *CORS) shared(next http.Handler) (http.Handler, error) {
	if len(c.Origins) == 0 {
		if c.Credentials {
			return nil, errors.New("server.cors: credentials is set but origins is not")
		}
		return next, nil
	}
	middleware, err := cors.NewMiddleware(cors.Config{
		Origins:         c.Origins,
		Credentialed:    c.Credentials,
		Methods:         []string{http.MethodGet, http.MethodPost},
		RequestHeaders:  []string{"Authorization", "Content-Type", resolvers.OCMTokenHeader, "traceparent", "tracestate"},
		MaxAgeInSeconds: corsMaxAge,
		ResponseHeaders: []string{"Retry-After", requestIDHeader},
	})
	if err != nil {
		return nil, fmt.Errorf("server.cors: %w", err)
	}
	return middleware.Wrap(next), nil
}

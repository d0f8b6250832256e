package ocpplab

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// answers is a transport that gives the same text once and nothing after it.
type answers string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := string(a)
	if r.URL.Query().Get("page") != "1" {
		body = ""
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func mustURL(tb testing.TB) *url.URL {
	tb.Helper()
	u, err := url.Parse("http://gateway.example")
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

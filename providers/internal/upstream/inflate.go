package upstream

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// inflating asks next for packed answers and unpacks them. net/http would, at
// twice the cost, and with a reader of some 40 kB for every answer.
type inflating struct {
	next   http.RoundTripper
	unused sync.Pool // of *gzip.Reader
}

// RoundTrip implements http.RoundTripper.
func (i *inflating) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Accept-Encoding") == "" {
		req = req.Clone(req.Context()) // it is its caller's
		req.Header.Set("Accept-Encoding", "gzip")
	}
	res, err := i.next.RoundTrip(req)
	if err != nil || res.Body == nil || !strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return res, err
	}
	res.Body = &inflated{ReadCloser: res.Body, unused: &i.unused}
	res.Header.Del("Content-Encoding")
	res.Header.Del("Content-Length")
	res.ContentLength, res.Uncompressed = -1, true
	return res, nil
}

// CloseIdleConnections closes those of next.
func (i *inflating) CloseIdleConnections() {
	if c, ok := i.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// inflated is a packed body. It is for one goroutine.
type inflated struct {
	io.ReadCloser
	unused *sync.Pool
	reader *gzip.Reader // nil before the first Read
	err    error        // of every Read from now on
}

// Read implements io.Reader.
func (b *inflated) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.reader == nil {
		var ok bool
		if b.reader, ok = b.unused.Get().(*gzip.Reader); !ok {
			b.reader = new(gzip.Reader)
		}
		if b.err = b.reader.Reset(b.ReadCloser); b.err != nil {
			return 0, b.err
		}
	}
	var n int
	if n, b.err = b.reader.Read(p); errors.Is(b.err, io.EOF) {
		b.unused.Put(b.reader)
		b.reader = nil
	}
	return n, b.err
}

package upstream

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

// Service is how sentences call an upstream: "PlugShare", "the feed". Its methods
// make the errors that are the same for all of them.
type Service string

// NotBuilt is the error of a question that cannot be put into a request.
func (s Service) NotBuilt() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeInternal, Message: fmt.Sprintf("the request to %s could not be built", s)}
}

// Refused makes an error of an answer whose status is not 200; wait is what it
// asks for, which counts where asking again may help.
func (s Service) Refused(status int, wait time.Duration) *providers.SourceError {
	refused := func(code providers.SourceErrorCode, format string, args ...any) *providers.SourceError {
		return &providers.SourceError{Code: code, Message: fmt.Sprintf(format, args...)}
	}
	var e *providers.SourceError
	switch {
	case status == http.StatusUnauthorized:
		return refused(providers.CodeUnauthorized, "%s does not accept the configured credentials; check them", s)
	case status == http.StatusForbidden:
		return refused(providers.CodeForbidden, "%s refuses this client; check the credentials and what they allow", s)
	case status == http.StatusNotFound, status == http.StatusGone:
		return refused(providers.CodeNotFound, "there is no %s API at the configured url", s)
	case status == http.StatusTooManyRequests:
		e = refused(providers.CodeRateLimited, "%s asks to be asked less often; ask again later", s)
	case status >= 500:
		e = refused(providers.CodeUpstreamError, "%s failed with status %d; ask again later", s, status)
	case status >= 400:
		return refused(providers.CodeRejected, "%s rejected the question with status %d", s, status)
	default:
		return refused(providers.CodeBadResponse, "%s answered with status %d, which says nothing", s, status)
	}
	e.RetryAfter = wait
	return e
}

// Unreachable makes an error of a request that got no answer, or no more of it.
// The error of a policy in the transport is passed on, and an ended ctx is a
// TIMEOUT. Of anything else only the inmost part is kept: the outer ones quote
// the URL.
func (s Service) Unreachable(ctx context.Context, err error) *providers.SourceError {
	if se := (*providers.SourceError)(nil); errors.As(err, &se) {
		return se
	}
	if ctx.Err() != nil {
		return providers.AsSourceError(ctx.Err())
	}
	if timeout := (interface{ Timeout() bool })(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return &providers.SourceError{Code: providers.CodeTimeout, Message: fmt.Sprintf("%s did not answer in time; ask again later", s)}
	}
	var cause error
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		cause = errors.New("name look-up failed")
	} else if op := (*net.OpError)(nil); errors.As(err, &op) {
		cause = op.Err
	}
	return &providers.SourceError{Code: providers.CodeNetwork, Message: fmt.Sprintf("%s cannot be reached; check the network and the configured url", s), Err: cause}
}

// BadResponse returns the error of an answer that is not what it should be.
// Message is our own sentence; err is for logs, must hold no text of the upstream,
// and may be nil.
func BadResponse(message string, err error) *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeBadResponse, Message: message, Err: err}
}

// Damaged reports whether reading a body ended with err because the body is
// broken off, or is not packed as it says.
func Damaged(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.As(err, new(flate.CorruptInputError))
}

// Position keeps of a JSON error where it happened, and not what stood there; nil
// for any other error.
func Position(err error) error {
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		return fmt.Errorf("at byte %d", syntax.ByteOffset)
	}
	return nil
}

// MaxRetryAfter bounds what an upstream may ask for, in case it means a date.
const MaxRetryAfter = 24 * time.Hour

// RetryAfter reads the header of that name, seconds or a date: 0..MaxRetryAfter,
// 0 where there is none.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	said := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(said, 64); err == nil && seconds > 0 {
		wait = time.Duration(min(seconds, MaxRetryAfter.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(said); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), MaxRetryAfter)
}

// ErrTooLarge is the error of a [Capped] that holds more than it may.
var ErrTooLarge = errors.New("body too large")

// Capped reads as many bytes as it may, and remembers why it stopped: decoders
// make of an error what they like.
type Capped struct {
	Err error // nil before the end, and at a proper one

	r    io.Reader
	left int64
}

// NewCapped returns a reader of at most limit bytes of r, beyond which there is
// ErrTooLarge.
func NewCapped(r io.Reader, limit int64) *Capped { return &Capped{r: r, left: limit} }

// Read implements io.Reader.
func (c *Capped) Read(p []byte) (int, error) {
	if c.Err != nil {
		return 0, c.Err
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	switch {
	case c.left < 0:
		c.Err = ErrTooLarge
		return 0, c.Err
	case err != nil && !errors.Is(err, io.EOF):
		c.Err = err
	}
	return n, err
}

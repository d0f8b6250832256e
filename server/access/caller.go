package access

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// Kind is how a caller was identified.
type Kind string

// The kinds of callers.
const (
	Anonymous Kind = "anonymous"
	ByKey     Kind = "api_key"
	ByToken   Kind = "jwt"
)

const anonymousID = "anonymous"

// Caller is who sent a request. The zero Caller is nobody, and may do nothing.
type Caller struct {
	// ID is the same on every server and for ever: "key:app",
	// "jwt:<hash of the issuer>:<subject>", or "anonymous". It is not secret.
	ID     string
	Kind   Kind
	Limits Limits
	// Until is when what identified the caller ceases to be taken: from then on it
	// would be refused in a new request. Zero: never.
	Until time.Time

	mayCheckIn bool
}

// MayCheckIn returns nil when the caller may submit check-ins, else an *Error:
// UNAUTHENTICATED for anonymous callers, FORBIDDEN for the others.
func (c Caller) MayCheckIn() error {
	switch {
	case c.mayCheckIn:
		return nil
	case c.Kind == ByKey:
		return &Error{Code: Forbidden, Message: "this API key may read only; check-ins need another one"}
	}
	return unauthenticated("check-ins need to know who sends them; %s", howTo)
}

// Account returns under which name the caller's use is counted: its ID, or for
// anonymous callers the address from which the request came. Of an IPv6 address
// the first 64 bits count, which one customer of a network has to itself.
func (c Caller) Account(remote netip.Addr) string {
	if c.Kind != Anonymous {
		return c.ID
	}
	remote = remote.Unmap().WithZone("")
	if remote.Is6() {
		if network, err := remote.Prefix(64); err == nil {
			return c.ID + ":" + network.String()
		}
	}
	return c.ID + ":" + remote.String()
}

type callerKey struct{}

// WithCaller returns a context that carries c.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// FromContext returns the caller that ctx carries; false, and nobody, when it
// carries none.
func FromContext(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Code says what is wrong with a caller, as extensions.code of the answer.
type Code string

// The codes of an Error.
const (
	Unauthenticated Code = "UNAUTHENTICATED" // who is it? HTTP 401
	Forbidden       Code = "FORBIDDEN"       // known, but may not; HTTP 403
	Unavailable     Code = "UNAVAILABLE"     // it cannot be told now; HTTP 503
)

// Error says why a caller is not let in. Message is fit for clients: it holds
// nothing of what was sent.
type Error struct {
	Code    Code
	Message string
	// RetryAfter is when asking again may help; 0: no time is known.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Status returns the HTTP status that suits e.
func (e *Error) Status() int {
	switch e.Code {
	case Forbidden:
		return http.StatusForbidden
	case Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnauthorized
	}
}

func unauthenticated(format string, args ...any) *Error {
	return &Error{Code: Unauthenticated, Message: fmt.Sprintf(format, args...)}
}

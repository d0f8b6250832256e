package server

import (
	"context"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/server/access"
)

// codeRateLimited is the code of an operation that is refused for how much its
// caller has asked for lately.
const codeRateLimited = "RATE_LIMITED"

// payer is whom the cost of operations is charged to.
type payer struct {
	account string
	limits  access.Limits
}

type payerKey struct{}

// payerOf returns whom ctx charges; nil: nobody, nothing is limited.
func payerOf(ctx context.Context) *payer {
	p, _ := ctx.Value(payerKey{}).(*payer)
	return p
}

// charge takes cost from the caller's bucket, or says why it does not.
func (s *service) charge(ctx context.Context, cost float64) (*gqlerror.Error, time.Duration) {
	p := payerOf(ctx)
	if p == nil || s.cfg.Limiter == nil {
		return nil, 0
	}
	d, err := s.cfg.Limiter.Take(ctx, p.account, cost, p.limits.Limit)
	if err != nil || d.OK {
		return nil, 0 //nolint:nilerr // a limiter that fails must not be an outage
	}
	refused := coded(codeRateLimited, "this is more than may be asked for at once; ask for less, or in shorter requests")
	if d.RetryAfter > 0 {
		refused = coded(codeRateLimited, "too much was asked for in a short time; ask again in %v, or for less", max(d.RetryAfter.Round(time.Second), time.Second))
	}
	refused.Extensions["limit"], refused.Extensions["max"] = "rate", p.limits.Burst
	refused.Extensions["value"] = cost
	refused.Extensions["remaining"] = math.Floor(d.Remaining)
	refused.Extensions["retryAfterSeconds"] = math.Ceil(d.RetryAfter.Seconds())
	return refused, d.RetryAfter
}

// enter counts an operation of the caller in; leave counts it out again.
func (s *service) enter(ctx context.Context) (leave func(), refused *refusal) {
	p := payerOf(ctx)
	if p == nil || p.limits.Concurrent == 0 {
		return func() {}, nil
	}
	leave, ok := s.underWay.Enter(p.account, p.limits.Concurrent)
	if ok {
		return leave, nil
	}
	err := coded(codeRateLimited, "%d operations of this caller are under way; wait for one to end", p.limits.Concurrent)
	err.Extensions["limit"], err.Extensions["max"], err.Extensions["value"] = "concurrent", p.limits.Concurrent, p.limits.Concurrent+1
	return nil, &refusal{http.StatusTooManyRequests, err}
}

// retryAfter tells a client when to come again.
func retryAfter(w http.ResponseWriter, d time.Duration) {
	if d > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	}
}

// remoteOf returns the address from which a request came: the last in
// X-Forwarded-For that is no trusted proxy, where the request came by one.
func (s *service) remoteOf(r *http.Request) netip.Addr {
	port, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // a Unix socket, or a test
	}
	remote := port.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(remote); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		remote = hop.Unmap()
	}
	return remote
}

func (s *service) trusts(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limit is a bucket of cost: full at first, refilled steadily.
type Limit struct {
	PerSecond float64 // what flows in
	Burst     float64 // what it holds
}

// Decision is what a Limiter says.
type Decision struct {
	OK        bool
	Remaining float64 // in the bucket
	// RetryAfter is when the bucket will hold the cost; 0 when OK, and when it
	// never will, because the cost is greater than the burst.
	RetryAfter time.Duration
}

// limiterDeadline bounds one decision, which every request waits for: a Redis
// nearby takes a millisecond, and who has no answer by then limits by itself.
const limiterDeadline = 50 * time.Millisecond

var errLimit = errors.New("cache: limit: cost must be at least 0, rate and burst more than 0, all of them finite")

// Limiter charges the cost of operations to callers, counted together by all
// processes that share a Redis. It is safe for concurrent use.
type Limiter struct {
	redis    redis.Scripter
	prefix   string
	script   *redis.Script
	deadline time.Duration
}

// NewLimiter returns a Limiter whose keys begin with prefix, such as
// "chargegraph". Calls of client must end with their context.
func NewLimiter(client redis.Scripter, prefix string) *Limiter {
	return &Limiter{redis: client, prefix: prefix + ":limit:", script: redis.NewScript(limiterScript), deadline: limiterDeadline}
}

// limiterScript holds of each bucket one number: the microsecond, by the clock of
// Redis, at which it will be full (the theoretical arrival time of GCRA). The key
// is gone when that has passed, for a full bucket is what a new one is.
//
// ARGV: how many microseconds of inflow the cost is, and how many the burst. It
// returns whether the cost was taken, and how many microseconds from being full
// the bucket is then.
const limiterScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local cost, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
-- No bucket is emptier than empty: after a leap of the clock, or under a burst that was made smaller.
full = math.min(full, now + burst)
if full + cost > now + burst then
	return {0, full - now}
end
full = full + cost
if full > now then
	redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
end
return {1, full - now}
`

// longestInflow bounds what the script computes with, so that every number in it
// is exact.
const longestInflow = 365 * 24 * time.Hour

// Take takes cost out of the caller's bucket if it holds that much, else nothing.
// It never waits for it to fill. An error says that Redis did not tell within
// 50 ms, or that cost or limit make no sense.
func (l *Limiter) Take(ctx context.Context, caller string, cost float64, limit Limit) (Decision, error) {
	if !(cost >= 0 && limit.PerSecond > 0 && limit.Burst > 0) || math.IsInf(cost+limit.PerSecond+limit.Burst, 0) {
		return Decision{}, errLimit
	}
	// Rounded so that never more flows in than was meant.
	price, room := math.Ceil(cost/limit.PerSecond*1e6), math.Floor(limit.Burst/limit.PerSecond*1e6)
	if room > float64(longestInflow.Microseconds()) {
		return Decision{}, fmt.Errorf("cache: limit: a bucket of %v that %v per second flow into takes more than a year to fill", limit.Burst, limit.PerSecond)
	}
	tooMuch := price > room
	if tooMuch {
		price = room + 1 // refused all the same
	}
	ctx, cancel := context.WithTimeout(ctx, l.deadline)
	defer cancel()
	answer, err := l.script.Run(ctx, l.redis, []string{l.key(caller)}, price, room).Int64Slice()
	if err != nil {
		return Decision{}, fmt.Errorf("cache: limit: %w", err)
	}
	if len(answer) != 2 {
		return Decision{}, fmt.Errorf("cache: limit: the script returned %d numbers, want 2", len(answer))
	}
	lacking := float64(answer[1])
	d := Decision{OK: answer[0] == 1, Remaining: max(0, limit.Burst-lacking*limit.PerSecond/1e6)}
	if !d.OK && !tooMuch {
		d.RetryAfter = time.Duration(lacking+price-room) * time.Microsecond
	}
	return d, nil
}

// key hashes the caller, whose name its issuer chose: it is of any length, and
// may be that of a person.
func (l *Limiter) key(caller string) string {
	sum := sha256.Sum256([]byte(caller))
	return l.prefix + base64.RawURLEncoding.EncodeToString(sum[:16])
}

package sandbox

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// dice is one random stream. Not safe for concurrent use.
type dice struct{ *rand.Rand }

// diceFor returns the stream of one thing (a site) for one purpose (the truth,
// a view). Streams with different arguments are unrelated, so neither a larger
// world nor another view moves what was drawn elsewhere.
func diceFor(seed uint64, purpose string, id int) dice {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))
	return dice{rand.New(rand.NewPCG(mix(seed^h.Sum64()), mix(uint64(id)+0x9e3779b97f4a7c15)))} //nolint:gosec // deterministic by design
}

// mix spreads neighbouring numbers over all 64 bits (the finalizer of
// SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func (d dice) chance(p float64) bool { return d.Float64() < p }

// between returns a float in [lo, hi).
func (d dice) between(lo, hi float64) float64 { return lo + d.Float64()*(hi-lo) }

// among returns an int in lo..hi, both included.
func (d dice) among(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// tail returns how many of something rare-but-heaped there are: an exponential
// variate with that mean, cut at limit.
func (d dice) tail(mean float64, limit int) int {
	return min(int(math.Floor(d.ExpFloat64()*mean)), limit)
}

// weighted returns an index with a probability proportional to weight.
func (d dice) weighted(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	x := d.Float64() * sum
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// pattern fills a postcode or telephone pattern: # is a digit, @ a letter.
func (d dice) pattern(s string) string {
	out := []byte(s)
	for i, c := range out {
		switch c {
		case '#':
			out[i] = "0123456789"[d.IntN(10)]
		case '@':
			out[i] = "ABCDEFGHJKLMNPRSTUVWXYZ"[d.IntN(23)]
		}
	}
	return string(out)
}

// hex returns n hexadecimal digits, lower case.
func (d dice) hex(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = "0123456789abcdef"[d.IntN(16)]
	}
	return string(out)
}

// one returns one of the options.
func one[T any](d dice, options ...T) T { return options[d.IntN(len(options))] }

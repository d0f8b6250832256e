package main

import (
	"math"
	"slices"
	"time"
)

// percentile returns the value below or at which p (0..1) of the values lie, by
// nearest rank. It sorts values; of none it is 0.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(math.Ceil(p * float64(len(values))))
	return values[min(max(rank, 1), len(values))-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// per divides, and is 0 where there is nothing to divide by.
func per(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

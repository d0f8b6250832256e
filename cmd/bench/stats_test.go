package main

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{7}, 0.99, 7},
		{[]time.Duration{3, 1, 2}, 0.5, 2},
		{[]time.Duration{4, 3, 1, 2}, 0.5, 2},
		{[]time.Duration{4, 3, 1, 2}, 0.99, 4},
		{[]time.Duration{4, 3, 1, 2}, 0, 1},
		{[]time.Duration{4, 3, 1, 2}, 1, 4},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("percentile(%v, %v) = %v, want %v", c.values, c.p, got, c.want)
		}
	}
}

func TestPercentileSplitsTheValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 50), func(n int) time.Duration { return time.Duration(n) }), 1, 200).Draw(t, "values")
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		got := percentile(values, p)
		below, upTo := 0, 0
		for _, v := range values {
			if v < got {
				below++
			}
			if v <= got {
				upTo++
			}
		}
		const slack = 1e-9
		if n := float64(len(values)); float64(upTo) < p*n-slack || float64(below) > p*n+slack {
			t.Errorf("%v: %d below and %d up to it of %d, p = %v", got, below, upTo, len(values), p)
		}
	})
}

package main

import "testing"

func TestMemoryMayBeDoubledBesideTheCacheAndNotInIt(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for name, test := range map[string]struct{ live, cached, maxCached, want int64 }{
		"at the start":                      {10 * mb, 0, 256 * mb, 320 * mb},
		"with a full cache":                 {288 * mb, 256 * mb, 256 * mb, 320 * mb},
		"with a feed of 100 MB":             {388 * mb, 256 * mb, 256 * mb, 520 * mb},
		"with a mirror and nothing cached":  {1232 * mb, 0, 64 * mb, 2528 * mb},
		"with a cache that weighs too much": {200 * mb, 256 * mb, 256 * mb, 320 * mb},
	} {
		if got := memoryLimit(test.live, test.cached, test.maxCached); got != test.want {
			t.Errorf("%s the limit is %d MB, want %d", name, got/mb, test.want/mb)
		}
	}
}

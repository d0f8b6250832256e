package conflate

import (
	"math"

	"chargegraph/providers"
)

// vector is a point on the unit sphere.
type vector struct{ x, y, z float64 }

func unitOf(p providers.Point) vector {
	sinLat, cosLat := math.Sincos(p.Lat * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p.Lon * math.Pi / 180)
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// chord2 is the square of the chord between two unit vectors.
func (v vector) chord2(w vector) float64 {
	dx, dy, dz := v.x-w.x, v.y-w.y, v.z-w.z
	return dx*dx + dy*dy + dz*dz
}

// beyond reports whether v and w are surely further apart than so many metres:
// with a hair to spare, so that who is not beyond is measured exactly.
func (v vector) beyond(w vector, m float64) bool {
	chord := m / providers.EarthRadiusM * (1 + 1e-6)
	return v.chord2(w) > chord*chord
}

// dice is the share of common letter pairs of two words, 0..1.
func dice(a, b string) float64 {
	if a == b {
		return 1
	}
	x, y := []rune(a), []rune(b)
	if len(x) < 2 || len(y) < 2 {
		return 0
	}
	common := 0
	var used [256]bool
	for i := 0; i+1 < len(x); i++ {
		for j := 0; j+1 < len(y) && j < len(used); j++ {
			if !used[j] && x[i] == y[j] && x[i+1] == y[j+1] {
				used[j] = true
				common++
				break
			}
		}
	}
	return 2 * float64(common) / float64(len(x)+len(y)-2)
}

// wordsAlike compares two lists of words, 0..1: each word of the shorter list
// with its best counterpart, and the other way round at a lesser weight, since
// people leave words out more than they invent them.
func wordsAlike(a, b []word, skip func(string) bool) (alike float64, weight float64) {
	forth, w := oneWay(a, b, skip)
	back, v := oneWay(b, a, skip)
	if w == 0 || v == 0 {
		return 0, 0
	}
	if w > v {
		forth, back = back, forth
	}
	return 0.7*forth + 0.3*back, min(w, v)
}

func oneWay(a, b []word, skip func(string) bool) (alike, weight float64) {
	for _, x := range a {
		if skip(x.text) {
			continue
		}
		best := 0.0
		for _, y := range b {
			if skip(y.text) {
				continue
			}
			best = max(best, wordAlike(x.text, y.text))
		}
		alike += best * x.weight
		weight += x.weight
	}
	if weight == 0 {
		return 0, 0
	}
	return alike / weight, weight
}

// wordAlike compares two words, 0..1; below a likeness that a slip of the pen
// leaves it is 0. Abbreviations count: "tech" of "technology".
func wordAlike(a, b string) float64 {
	if a == b {
		return 1
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) >= 4 && b[:len(a)] == a {
		return 0.85
	}
	if len(a) < 4 {
		return 0
	}
	if s := jaroWinkler(a, b); s >= 0.88 {
		return s
	}
	return 0
}

// jaroWinkler is the Jaro-Winkler similarity of two words by their bytes, 0..1.
func jaroWinkler(a, b string) float64 {
	const most = 32
	if len(a) > most {
		a = a[:most]
	}
	if len(b) > most {
		b = b[:most]
	}
	window := max(len(a), len(b))/2 - 1
	var inA, inB [most]bool
	matches := 0
	for i := range len(a) {
		for j := max(0, i-window); j < min(len(b), i+window+1); j++ {
			if !inB[j] && a[i] == b[j] {
				inA[i], inB[j] = true, true
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	swaps, j := 0, 0
	for i := range len(a) {
		if !inA[i] {
			continue
		}
		for !inB[j] {
			j++
		}
		if a[i] != b[j] {
			swaps++
		}
		j++
	}
	m := float64(matches)
	jaro := (m/float64(len(a)) + m/float64(len(b)) + (m-float64(swaps)/2)/m) / 3
	prefix := 0
	for prefix < min(4, len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	return jaro + float64(prefix)*0.1*(1-jaro)
}

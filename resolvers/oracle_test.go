package resolvers_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"math"
	"os"
	"strings"
	"testing"
)

// openFile opens a file to be read once, through gzip where its name says so.
func openFile(tb testing.TB, path string) io.Reader {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return bufio.NewReader(file)
	}
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	return unzipped
}

// vector is a point on the unit sphere.
type vector struct{ x, y, z float64 }

func vectorOf(p positionSaid) vector {
	lat, lon := p.Latitude*math.Pi/180, p.Longitude*math.Pi/180
	return vector{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func (a vector) dot(b vector) float64 { return a.x*b.x + a.y*b.y + a.z*b.z }

func (a vector) cross(b vector) vector {
	return vector{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

func (a vector) length() float64 { return math.Sqrt(a.dot(a)) }

// arcM is the great-circle distance in metres on Open Charge Map's sphere.
func arcM(p, q positionSaid) float64 {
	a, b := vectorOf(p), vectorOf(q)
	return 6_371_000 * math.Atan2(a.cross(b).length(), a.dot(b))
}

package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"chargegraph/providers"
)

// What a map shows: a window of a laptop.
const (
	screenWidth  = 1280
	screenHeight = 800
	tilePixels   = 256 // of a slippy tile, by which zoom levels are defined
)

// place is a city to look at.
type place struct {
	centre   providers.Point
	radiusKM float64
}

// spot is a POI: its id and where it stands.
type spot struct {
	id string
	at providers.Point
}

// camera is where a map looks: the centre of the screen in Web Mercator, 0..1
// from the north-west corner of the world, and how much of the world one pixel
// shows.
type camera struct {
	x, y  float64
	pixel float64
}

func project(p providers.Point) (x, y float64) {
	sin := math.Sin(p.Lat * math.Pi / 180)
	return p.Lon/360 + 0.5, 0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)
}

func unproject(x, y float64) providers.Point {
	return providers.Point{
		Lat: math.Atan(math.Sinh(math.Pi*(1-2*y))) * 180 / math.Pi,
		Lon: (x - 0.5) * 360,
	}
}

// pixelAt returns how much of the world a pixel shows at a zoom level.
func pixelAt(zoom float64) float64 { return 1 / (tilePixels * math.Exp2(zoom)) }

// bounds returns what the screen shows, to about a decimetre, as map clients
// send it.
func (c camera) bounds() providers.Bounds {
	w, h := screenWidth/2*c.pixel, screenHeight/2*c.pixel
	nw, se := unproject(c.x-w, c.y-h), unproject(c.x+w, c.y+h)
	return providers.Bounds{South: round(se.Lat), West: round(nw.Lon), North: round(nw.Lat), East: round(se.Lon)}
}

func round(degrees float64) float64 { return math.Round(degrees*1e6) / 1e6 }

// source returns the random numbers of one purpose; equal seeds and purposes
// give equal numbers.
func source(seed, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, purpose)) //nolint:gosec // a workload must be the same every time
}

// The sessions of W2. A zoom level shows a fourth of the one before; at the middle
// one a viewport near the centre of a city holds about 100 POIs of a world of
// 40,000 sites. Farther out, a few tiles would hold all of a city.
const (
	zoomOut, zoomIn = 14, 16
	zoomChance      = 0.25 // of a step that zooms rather than pans
	turnRad         = 1.0  // by how much the direction of panning varies from step to step
	panMin, panMax  = 0.1, 0.5
)

// sessions returns total distinct viewports, dealt to people who each look at
// one place: they begin somewhere near its centre, drag the map by a tenth to
// half of the screen in a direction that changes slowly, and now and then zoom by
// one level. Each viewport overlaps the one before. Equal arguments give equal
// sessions.
func sessions(seed uint64, places []place, people, total int) [][]providers.Bounds {
	all := make([][]providers.Bounds, people)
	seen := make(map[providers.Bounds]bool, total)
	for i := range all {
		steps := total / people
		if i < total%people {
			steps++
		}
		r, home := source(seed, uint64(i)), places[i%len(places)]
		homeX, homeY := project(home.centre)
		reach := mercator(home.radiusKM/2, home.centre.Lat) // beyond it people turn back: the city ends
		zoom := (zoomOut + zoomIn) / 2
		c := camera{homeX + r.NormFloat64()*reach/3, homeY + r.NormFloat64()*reach/3, pixelAt(float64(zoom))}
		heading := r.Float64() * 2 * math.Pi
		for len(all[i]) < steps {
			if b := c.bounds(); !seen[b] {
				seen[b] = true
				all[i] = append(all[i], b)
			}
			if r.Float64() < zoomChance {
				switch {
				case zoom == zoomIn, zoom > zoomOut && r.IntN(2) == 0:
					zoom--
				default:
					zoom++
				}
				c.pixel = pixelAt(float64(zoom))
				continue
			}
			if math.Hypot(c.x-homeX, c.y-homeY) > reach {
				heading = math.Atan2(homeY-c.y, homeX-c.x)
			}
			heading += r.NormFloat64() * turnRad
			drag := panMin + (panMax-panMin)*r.Float64()
			c.x += math.Cos(heading) * drag * screenWidth * c.pixel
			c.y += math.Sin(heading) * drag * screenHeight * c.pixel
		}
	}
	return all
}

// mercator returns a length on the ground as a part of the world's width.
func mercator(km, lat float64) float64 {
	const circumferenceKM = 2 * math.Pi * providers.EarthRadiusM / 1000
	return km / circumferenceKM / math.Cos(lat*math.Pi/180)
}

// around returns the camera over centre that shows n of the spots and as little
// more as can be; ok is false when there are fewer, or when it would have to look
// from farther away than minZoom.
func around(centre providers.Point, spots []spot, n int, minZoom float64) (c camera, ok bool) {
	x, y := project(centre)
	pixels := make([]float64, 0, len(spots)) // what a pixel must show so that the spot is on the screen
	for _, s := range spots {
		sx, sy := project(s.at)
		pixels = append(pixels, max(math.Abs(sx-x)/(screenWidth/2), math.Abs(sy-y)/(screenHeight/2)))
	}
	if len(pixels) < n {
		return camera{}, false
	}
	slices.Sort(pixels)
	// A thousandth of a pixel keeps the last one on the screen when edges are rounded.
	pixel := pixels[n-1] * (1 + 1e-6)
	return camera{x, y, pixel}, pixel <= pixelAt(minZoom)
}

// farthestZoom is the smallest scale at which maps show single sites.
const farthestZoom = 11

// aloofHeights is how many heights of itself a viewport keeps from the next one
// that is to share nothing with it: a cache that asks for more than the viewport
// shows may take tiles of up to four heights.
const aloofHeights = 4.5

// apart returns viewports of n spots that share nothing, smallest first.
func apart(places []place, spots []spot, n int) []providers.Bounds {
	var candidates []camera
	for _, p := range places {
		x, y := project(p.centre)
		for ring, turns := range []int{1, 6, 10} { // the centre, and rings at half the radius and near its end
			for turn := range turns {
				sin, cos := math.Sincos(2 * math.Pi * float64(turn) / float64(turns))
				d := mercator(p.radiusKM, p.centre.Lat) * []float64{0, 0.5, 0.9}[ring]
				if c, ok := around(unproject(x+d*cos, y+d*sin), spots, n, farthestZoom); ok {
					candidates = append(candidates, c)
				}
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b camera) int { return cmp.Compare(a.pixel, b.pixel) })
	var taken []camera
	for _, c := range candidates {
		if !slices.ContainsFunc(taken, c.near) {
			taken = append(taken, c)
		}
	}
	viewports := make([]providers.Bounds, len(taken))
	for i, c := range taken {
		viewports[i] = c.bounds()
	}
	return viewports
}

// near reports whether what c and d show lies closer together than aloofHeights
// of the larger one.
func (c camera) near(d camera) bool {
	margin := aloofHeights * screenHeight * max(c.pixel, d.pixel)
	return math.Abs(c.x-d.x) < margin+screenWidth*(c.pixel+d.pixel)/2 &&
		math.Abs(c.y-d.y) < margin+screenHeight*(c.pixel+d.pixel)/2
}

// shifted returns the i-th of many viewports that differ from c's by halves of a
// pixel, which at any zoom level is more than edges are rounded by: other
// questions with the same POIs, but for some at the edges.
func (c camera) shifted(i int) providers.Bounds {
	const across = 64
	c.x += float64(i%across) / 2 * c.pixel
	c.y += float64(i/across) / 2 * c.pixel
	return c.bounds()
}

package providers

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Cluster stands for several POIs that lie too close together to be drawn at
// one zoom.
type Cluster struct {
	ID            string
	Location      Point // the mean position on Web Mercator, never outside Bounds
	Count         int
	Bounds        Bounds // of the positions it stands for
	ExpansionZoom int    // the zoom at which it comes apart; MaxZoom where it never does
	MaxPowerKW    *float64
}

const (
	// MaxZoom is the deepest zoom of a map that clusters are made for.
	MaxZoom = 22
	// MaxFeatures is how many clusters and single POIs one view holds; past it
	// the grid is made coarser.
	MaxFeatures = 500

	// At zoom z the world is 256·2^z pixels wide and a cell 64 of them, which is
	// a finger's width: 2^(z+2) cells a side.
	cellsPerZoom = 2
	maxLevel     = MaxZoom + cellsPerZoom
	// maxMercatorLat is where Web Mercator ends; what lies beyond is in the last row.
	maxMercatorLat = 85.05112877980659
)

// Cell is one cell of the grid on Web Mercator at a level: a side of the world
// is 2^Level cells. Code interleaves the bits of column and row (Morton), so
// that the cells of a coarser level are its prefixes.
type Cell struct {
	Level int
	Code  uint64
}

// Bounds returns the box of the cell; the outermost rows reach to the poles.
func (c Cell) Bounds() Bounds {
	x, y := deinterleave(c.Code), deinterleave(c.Code>>1)
	n := math.Exp2(float64(c.Level))
	lat := func(y float64) float64 { return deg(math.Atan(math.Sinh(math.Pi * (1 - 2*y/n)))) }
	b := Bounds{South: lat(float64(y) + 1), West: float64(x)/n*360 - 180, North: lat(float64(y)), East: (float64(x)+1)/n*360 - 180}
	if y == 0 {
		b.North = 90
	}
	if float64(y) == n-1 {
		b.South = -90
	}
	return b
}

// mercator returns the position on a square of side 1, y down.
func mercator(p Point) (x, y float64) {
	lat := rad(math.Max(-maxMercatorLat, math.Min(maxMercatorLat, p.Lat)))
	return (p.Lon + 180) / 360, (1 - math.Asinh(math.Tan(lat))/math.Pi) / 2
}

func cellOf(x, y float64) uint64 {
	const n = 1 << maxLevel
	clamp := func(v float64) uint32 { return uint32(math.Max(0, math.Min(n-1, math.Floor(v*n)))) }
	return interleave(clamp(x)) | interleave(clamp(y))<<1
}

func interleave(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

func deinterleave(x uint64) uint32 {
	x &= 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32((x | x>>16) & 0x00000000ffffffff)
}

// Clusters groups POIs for a map at zoom 0..MaxZoom: those that share a cell
// become one Cluster, those alone in theirs are returned whole. The grid is that
// of the world, not of the view, so clusters stay put while a map pans; name
// gives each its ID. Clusters come in the order of their cells, single POIs by
// id; together they are at most MaxFeatures.
func Clusters(pois []*POI, zoom int, name func(Cell) string) ([]Cluster, []*POI) {
	type placed struct {
		poi  *POI
		x, y float64
		code uint64
	}
	all := make([]placed, len(pois))
	for i, p := range pois {
		x, y := mercator(p.Location)
		all[i] = placed{poi: p, x: x, y: y, code: cellOf(x, y)}
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.poi.Members[0].Key, b.poi.Members[0].Key))
	})
	level := min(zoom+cellsPerZoom, maxLevel)
	features := func(level int) int {
		n, shift := 0, 2*(maxLevel-level)
		for i := range all {
			if i == 0 || all[i].code>>shift != all[i-1].code>>shift {
				n++
			}
		}
		return n
	}
	for level > 0 && features(level) > MaxFeatures {
		level--
	}

	var clusters []Cluster
	var singles []*POI
	shift := 2 * (maxLevel - level)
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to].code>>shift == all[from].code>>shift {
			to++
		}
		group := all[from:to]
		from = to
		if len(group) == 1 {
			singles = append(singles, group[0].poi)
			continue
		}
		first := group[0].poi.Location
		c := Cluster{
			ID:     name(Cell{Level: level, Code: group[0].code >> shift}),
			Count:  len(group),
			Bounds: Bounds{South: first.Lat, North: first.Lat, West: first.Lon, East: first.Lon},
		}
		var sumX, sumY float64
		for _, g := range group {
			sumX, sumY = sumX+g.x, sumY+g.y
			// A cell never crosses the antimeridian, so no longitude wraps here.
			c.Bounds.South, c.Bounds.North = math.Min(c.Bounds.South, g.poi.Location.Lat), math.Max(c.Bounds.North, g.poi.Location.Lat)
			c.Bounds.West, c.Bounds.East = math.Min(c.Bounds.West, g.poi.Location.Lon), math.Max(c.Bounds.East, g.poi.Location.Lon)
			if p := g.poi.MaxPowerKW; p != nil && (c.MaxPowerKW == nil || *p > *c.MaxPowerKW) {
				c.MaxPowerKW = p
			}
		}
		n := float64(len(group))
		lat, lon := deg(math.Atan(math.Sinh(math.Pi*(1-2*sumY/n)))), sumX/n*360-180
		c.Location = Point{
			Lat: math.Max(c.Bounds.South, math.Min(c.Bounds.North, lat)),
			Lon: math.Max(c.Bounds.West, math.Min(c.Bounds.East, lon)),
		}
		c.ExpansionZoom = expansionZoom(group[0].code, group[len(group)-1].code, zoom)
		clusters = append(clusters, c)
	}
	slices.SortFunc(singles, func(a, b *POI) int { return cmp.Compare(a.Members[0].Key, b.Members[0].Key) })
	return clusters, singles
}

// expansionZoom returns the first zoom after zoom at which the smallest and the
// largest code of a cluster lie in different cells.
func expansionZoom(lowest, highest uint64, zoom int) int {
	differing := lowest ^ highest
	if differing == 0 {
		return MaxZoom
	}
	level := maxLevel - (bits.Len64(differing)-1)/2
	return min(max(level-cellsPerZoom, zoom+1), MaxZoom)
}

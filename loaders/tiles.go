package loaders

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"chargegraph/providers"
)

// A tile is a square of the slippy map (Web Mercator, z/x/y as map clients
// number them). Two things are added so that every point of the Earth is in
// exactly one tile of each zoom: the rows at the top and at the bottom reach to
// the poles, beyond the 85.0511 degrees where the square map ends, and the
// meridian 180 is that of -180, in column 0.
//
// Which tile holds a point is decided by tileAt alone, never by comparing with a
// tile's bounds: it is monotonic in both coordinates, and halving is exact, so
// that covers lose no point to rounding and a tile's points are those of its four
// children.
type tile struct {
	z    uint8
	x, y uint32
}

// maxZoom is the finest zoom of a tile: some 300 m at the equator. A source that
// cannot tell all of so small a place is taken at its word that there is more.
const maxZoom = 17

// tileAt returns the tile of zoom z that holds p.
func tileAt(p providers.Point, z uint8) tile {
	return tile{z: z, x: column(p.Lon, z), y: row(p.Lat, z)}
}

// column returns the column of a longitude in -180..180.
func column(lon float64, z uint8) uint32 {
	n := math.Ldexp(1, int(z))
	x := math.Floor((lon + 180) / 360 * n)
	switch {
	case lon >= 180:
		return 0
	case x >= n: // so close to it that the sum above was rounded up
		return 1<<z - 1
	}
	return uint32(max(x, 0))
}

// row returns the row of a latitude; 0 is the northernmost.
func row(lat float64, z uint8) uint32 {
	n := math.Ldexp(1, int(z))
	return uint32(max(0, min(math.Floor(mercator(lat)*n), n-1)))
}

// mercator returns where a latitude lies on the map, from 0 at its upper edge to
// 1 at its lower one.
func mercator(lat float64) float64 {
	const edge = 85.05112877980659
	switch {
	case lat >= edge:
		return 0
	case lat <= -edge:
		return 1
	}
	sin := math.Sin(lat * math.Pi / 180)
	return max(0, min(0.5-math.Log((1+sin)/(1-sin))/(4*math.Pi), 1))
}

// parallel is the inverse of mercator; the edges of the map are the poles.
func parallel(y float64) float64 {
	switch {
	case y <= 0:
		return 90
	case y >= 1:
		return -90
	}
	return math.Atan(math.Sinh(math.Pi*(1-2*y))) * 180 / math.Pi
}

// parent returns the tile of zoom z that t is a part of; z is at most t.z.
func (t tile) parent(z uint8) tile {
	return tile{z: z, x: t.x >> (t.z - z), y: t.y >> (t.z - z)}
}

// children returns the four parts of t.
func (t tile) children() [4]tile {
	z, x, y := t.z+1, 2*t.x, 2*t.y
	return [4]tile{{z, x, y}, {z, x + 1, y}, {z, x, y + 1}, {z, x + 1, y + 1}}
}

// compare orders tiles, those of one zoom row by row.
func (t tile) compare(u tile) int {
	return cmp.Or(cmp.Compare(t.z, u.z), cmp.Compare(t.y, u.y), cmp.Compare(t.x, u.x))
}

// String returns "z/x/y".
func (t tile) String() string { return string(t.append(nil)) }

func (t tile) append(b []byte) []byte {
	b = strconv.AppendUint(b, uint64(t.z), 10)
	b = append(b, '/')
	b = strconv.AppendUint(b, uint64(t.x), 10)
	b = append(b, '/')
	return strconv.AppendUint(b, uint64(t.y), 10)
}

// parseTile reads what String wrote; ok is false for anything else.
func parseTile(s string) (t tile, ok bool) {
	zoom, rest, _ := strings.Cut(s, "/")
	x, y, _ := strings.Cut(rest, "/")
	z, errZ := strconv.ParseUint(zoom, 10, 8)
	column, errX := strconv.ParseUint(x, 10, 32)
	row, errY := strconv.ParseUint(y, 10, 32)
	if errZ != nil || errX != nil || errY != nil || z > maxZoom || column >= 1<<z || row >= 1<<z {
		return tile{}, false
	}
	t = tile{z: uint8(z), x: uint32(column), y: uint32(row)}
	return t, t.String() == s
}

// block is a rectangle of tiles of one zoom. Columns are counted eastwards from
// x and run on past the antimeridian.
type block struct {
	z             uint8
	x, y          uint32
	width, height uint32
}

// blockOf returns the tiles of zoom z that hold the points of b.
func blockOf(b providers.Bounds, z uint8) block {
	n := uint32(1) << z
	k := block{z: z, x: column(b.West, z), y: row(b.North, z)}
	k.height = row(b.South, z) - k.y + 1
	switch {
	case b.WidthDeg() >= 360:
		k.x, k.width = 0, n
	case b.East == 180 && b.West < 180: // and its twin, the meridian -180
		k.width = n - k.x + 1
	default:
		k.width = (column(b.East, z)-k.x)&(n-1) + 1
		if k.width == 1 && b.WidthDeg() > 180 && n > 1 { // round the Earth, all but a part of one column
			k.width = n
		}
	}
	k.width = min(k.width, n)
	return k
}

// count returns how many tiles there are.
func (k block) count() int { return int(k.width) * int(k.height) }

// tiles returns the tiles, row by row.
func (k block) tiles() []tile {
	list := make([]tile, 0, k.count())
	mask := uint32(1)<<k.z - 1
	for y := k.y; y < k.y+k.height; y++ {
		for dx := range k.width {
			list = append(list, tile{z: k.z, x: (k.x + dx) & mask, y: y})
		}
	}
	return list
}

// meets reports whether t, of any zoom, and k have a point in common.
func (k block) meets(t tile) bool {
	if t.z < k.z { // t is larger than a tile of k
		d := k.z - t.z
		if t.y < k.y>>d || t.y > (k.y+k.height-1)>>d {
			return false
		}
		n := uint32(1) << k.z
		west := t.x << d // t's first column at k's zoom; it has 1<<d of them
		return (west-k.x)&(n-1) < k.width || (k.x-west)&(n-1) < 1<<d
	}
	t = t.parent(k.z)
	return t.y >= k.y && t.y < k.y+k.height && (t.x-k.x)&(uint32(1)<<k.z-1) < k.width
}

// offset returns the column of t counted from that of k; t is of k's zoom.
func (k block) offset(t tile) uint32 { return (t.x - k.x) & (uint32(1)<<k.z - 1) }

// bounds returns a box that holds every point of the tiles, and hardly more.
func (k block) bounds() providers.Bounds {
	// More than a coordinate loses by being computed; 0.1 mm.
	const slackDeg = 1e-9
	n := uint32(1) << k.z
	size := math.Ldexp(1, -int(k.z))
	b := providers.Bounds{
		North: min(90, parallel(float64(k.y)*size)+slackDeg),
		South: max(-90, parallel(float64(k.y+k.height)*size)-slackDeg),
		West:  -180, East: 180,
	}
	if k.width >= n {
		return b
	}
	if k.x > 0 { // the antimeridian itself needs no slack: it is computed exactly
		b.West = float64(k.x)*size*360 - 180 - slackDeg
	}
	switch end := k.x + k.width; {
	case end < n:
		b.East = float64(end)*size*360 - 180 + slackDeg
	case end > n:
		b.East = float64(end-n)*size*360 - 180 + slackDeg
	}
	return b
}

// coarser returns the tiles of zoom z, at most k's, that k's are parts of.
func (k block) coarser(z uint8) block {
	d := k.z - z
	n := uint32(1) << z
	up := block{z: z, x: k.x >> d, y: k.y >> d}
	up.width = min((k.x+k.width-1)>>d-up.x+1, n)
	up.height = (k.y+k.height-1)>>d - up.y + 1
	return up
}

// around returns the smallest block that holds the given tiles, at least one,
// each of which meets k. It does not leave k, unless a tile does.
func (k block) around(tiles []tile) block {
	z := k.z
	for _, t := range tiles {
		z = max(z, t.z)
		if t.z < k.z {
			k = k.coarser(t.z)
		}
	}
	d := z - k.z
	whole := block{z: z, x: k.x << d, y: k.y << d, width: k.width << d, height: k.height << d}
	west, east := whole.width, uint32(0)
	north, south := whole.y+whole.height, whole.y
	for _, t := range tiles {
		e := z - t.z
		x := whole.offset(tile{z: z, x: t.x << e, y: t.y << e})
		west, east = min(west, x), max(east, x+1<<e)
		north, south = min(north, t.y<<e), max(south, (t.y+1)<<e)
	}
	mask := uint32(1)<<z - 1
	return block{z: z, x: (whole.x + west) & mask, y: north, width: east - west, height: south - north}
}

const (
	// minTileZoom is the coarsest zoom of a tile: 156 km at the equator. Whoever
	// looks at more than a few of those looks at a country.
	minTileZoom = 8
	// maxTileZoom is the finest zoom that a question chooses: 2.4 km at the
	// equator. The surroundings that matching needs are wider than half of it;
	// finer tiles come of splitting.
	maxTileZoom = 14
	// maxTiles bounds the tiles of one question. A screen takes four or six; a
	// strip along the edge of the map takes more.
	maxTiles = 16
	// heights is how many heights of the area a tile's side is at least; it is
	// less than twice as many. Smaller tiles make more calls while a map is
	// panned, larger ones bring more that nobody looks at.
	heights = 2
)

// coverOf returns the tiles in which a box is to be held, a few tiles whose sides
// are two to four of its heights. ok is false for a box that takes too many
// tiles, or more than maxKM2 of ground.
func coverOf(b providers.Bounds, maxKM2 float64) (k block, ok bool) {
	z := uint8(maxTileZoom)
	if height := mercator(b.South) - mercator(b.North); height > 0 {
		z = uint8(max(minTileZoom, min(math.Floor(-math.Log2(heights*height)), maxTileZoom)))
	}
	for ; z >= minTileZoom; z-- { // coarser until they are few: the box may be flat
		if k = blockOf(b, z); k.count() <= maxTiles {
			break
		}
	}
	if z < minTileZoom {
		return block{}, false
	}
	for ; z <= maxTileZoom; z++ { // finer until they hold little beyond the box
		if k = blockOf(b, z); k.count() > maxTiles {
			return block{}, false
		}
		if k.bounds().AreaKM2() <= maxKM2 {
			return k, true
		}
	}
	return block{}, false
}

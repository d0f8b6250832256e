package conflate

import (
	"math"

	"chargegraph/providers"
)

// grid finds what lies within a fixed distance. Its cells are cubes of that
// size around the globe, so that neither the poles nor the antimeridian are
// special: points within the distance lie in adjoining cubes, because a chord is
// shorter than its arc.
type grid struct {
	cells map[cube][]int32
	size  float64
}

// cube is the place of a cube, 21 bits for each of its three coordinates: enough
// for cubes of ten metres.
type cube uint64

func cubeAt(x, y, z int64) cube {
	const middle, bits = 1 << 20, 21
	return cube(x+middle)<<(2*bits) | cube(y+middle)<<bits | cube(z+middle) //nolint:gosec // all positive
}

func newGrid(sizeM float64, n int) *grid {
	return &grid{cells: make(map[cube][]int32, n/2), size: sizeM}
}

func (g *grid) place(v vector) (x, y, z int64) {
	r := providers.EarthRadiusM / g.size
	return int64(math.Floor(r * v.x)), int64(math.Floor(r * v.y)), int64(math.Floor(r * v.z))
}

func (g *grid) add(v vector, i int) {
	c := cubeAt(g.place(v))
	g.cells[c] = append(g.cells[c], int32(i)) //nolint:gosec // fewer than 2^31
}

// near calls yield for everything added within the grid's distance of v, and
// for some things a little further off, in no particular order.
func (g *grid) near(v vector, yield func(i int)) {
	x, y, z := g.place(v)
	for dx := int64(-1); dx <= 1; dx++ {
		for dy := int64(-1); dy <= 1; dy++ {
			for dz := int64(-1); dz <= 1; dz++ {
				for _, i := range g.cells[cubeAt(x+dx, y+dy, z+dz)] {
					yield(int(i))
				}
			}
		}
	}
}

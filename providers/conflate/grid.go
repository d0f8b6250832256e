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
	cells map[cube][]int
	size  float64
}

type cube struct{ x, y, z int32 }

func newGrid(sizeM float64, n int) *grid {
	return &grid{cells: make(map[cube][]int, n), size: sizeM}
}

func (g *grid) cube(p providers.Point) cube {
	lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180
	r := providers.EarthRadiusM / g.size
	return cube{
		x: int32(math.Floor(r * math.Cos(lat) * math.Cos(lon))),
		y: int32(math.Floor(r * math.Cos(lat) * math.Sin(lon))),
		z: int32(math.Floor(r * math.Sin(lat))),
	}
}

func (g *grid) add(p providers.Point, i int) {
	c := g.cube(p)
	g.cells[c] = append(g.cells[c], i)
}

// near calls yield for everything added within the grid's distance of p, and
// for some things a little further off, in no particular order.
func (g *grid) near(p providers.Point, yield func(i int)) {
	c := g.cube(p)
	for x := c.x - 1; x <= c.x+1; x++ {
		for y := c.y - 1; y <= c.y+1; y++ {
			for z := c.z - 1; z <= c.z+1; z++ {
				for _, i := range g.cells[cube{x, y, z}] {
					yield(i)
				}
			}
		}
	}
}

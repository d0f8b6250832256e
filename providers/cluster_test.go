package providers_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

func cellName(c providers.Cell) string { return fmt.Sprintf("%d/%x", c.Level, c.Code) }

func placed(list []providers.Point) []*providers.POI {
	pois := make([]*providers.POI, len(list))
	for i, p := range list {
		r := record("ocm", fmt.Sprintf("%05d", i), func(r *providers.Record) { r.Location = p })
		if i%3 == 0 {
			r.MaxPowerKW = new(float64(i % 400))
		}
		pois[i] = poiOf(r)
	}
	return pois
}

// round keeps seven decimals, a centimetre: what lies nearer to the edge of a cell,
// and not on it, may be on either side of it by two ways to compute the cell.
func round(degrees float64) float64 { return math.Round(degrees*1e7) / 1e7 }

// crowds are sites about a few places, as sites are.
func crowds() *rapid.Generator[[]providers.Point] {
	return rapid.Custom(func(t *rapid.T) []providers.Point {
		var list []providers.Point
		for range rapid.IntRange(0, 5).Draw(t, "places") {
			middle := points(89.9).Draw(t, "place")
			spread := rapid.SampledFrom([]float64{0, 1e-7, 1e-4, 0.1, 5}).Draw(t, "spread")
			random := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
			for range rapid.IntRange(1, 30).Draw(t, "sites") {
				list = append(list, providers.Point{
					Lat: round(math.Max(-90, math.Min(90, middle.Lat+spread*(random.Float64()-0.5)))),
					Lon: round(turned(middle.Lon + spread*(random.Float64()-0.5))),
				})
			}
		}
		return list
	})
}

// onWebMap is a position on a map of n cells a side, by the formula in every book
// on web maps.
func onWebMap(p providers.Point, n float64) (x, y float64) {
	lat := math.Max(-85.0511287798066, math.Min(85.0511287798066, p.Lat)) * math.Pi / 180
	return (p.Lon + 180) / 360 * n, (1 - math.Log(math.Tan(lat)+1/math.Cos(lat))/math.Pi) / 2 * n
}

// columnAndRow is the cell of a position.
func columnAndRow(p providers.Point, level int) (x, y int) {
	n := math.Exp2(float64(level))
	column, row := onWebMap(p, n)
	x, y = int(math.Floor(column)), int(math.Floor(row))
	last := int(n) - 1
	return max(0, min(last, x)), max(0, min(last, y))
}

func morton(x, y, level int) uint64 {
	var code uint64
	for bit := range level {
		code |= uint64(x>>bit&1)<<(2*bit) | uint64(y>>bit&1)<<(2*bit+1)
	}
	return code
}

func TestClusters_EverySiteIsInOneClusterOrAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := crowds().Draw(t, "sites")
		pois := placed(list)
		zoom := rapid.IntRange(0, providers.MaxZoom).Draw(t, "zoom")
		cells := make(map[string]providers.Cell)
		clusters, singles := providers.Clusters(pois, zoom, func(c providers.Cell) string {
			cells[cellName(c)] = c
			return cellName(c)
		})
		// By cell, by our own arithmetic.
		members := make(map[string][]*providers.POI)
		for _, p := range pois {
			level := zoom + 2
			x, y := columnAndRow(p.Location, level)
			members[fmt.Sprintf("%d/%x", level, morton(x, y, level))] = append(members[fmt.Sprintf("%d/%x", level, morton(x, y, level))], p)
		}
		total := len(singles)
		for _, c := range clusters {
			total += c.Count
			cell, ok := cells[c.ID]
			if !ok || cell.Level != zoom+2 {
				t.Fatalf("cluster %q is of cell %+v", c.ID, cell)
			}
			delete(cells, c.ID)
			inside := members[c.ID]
			if len(inside) != c.Count || c.Count < 2 {
				t.Errorf("cluster %q counts %d, want %d", c.ID, c.Count, len(inside))
				continue
			}
			b := providers.Bounds{South: 90, West: 180, North: -90, East: -180}
			var strongest *float64
			for _, p := range inside {
				b = providers.Bounds{
					South: math.Min(b.South, p.Location.Lat), North: math.Max(b.North, p.Location.Lat),
					West: math.Min(b.West, p.Location.Lon), East: math.Max(b.East, p.Location.Lon),
				}
				if p.MaxPowerKW != nil && (strongest == nil || *p.MaxPowerKW > *strongest) {
					strongest = p.MaxPowerKW
				}
				if e := cell.Bounds(); !e.Valid() || !e.Grow(1e-3).Contains(p.Location) {
					t.Errorf("%v is not in the bounds %v of its cell", p.Location, e)
				}
			}
			if diff := cmp.Diff(b, c.Bounds); diff != "" {
				t.Errorf("Bounds mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(strongest, c.MaxPowerKW); diff != "" {
				t.Errorf("MaxPowerKW mismatch (-want +got):\n%s", diff)
			}
			if !c.Bounds.Contains(c.Location) {
				t.Errorf("cluster at %v, outside its own bounds %v", c.Location, c.Bounds)
			}
		}
		for _, p := range singles {
			x, y := columnAndRow(p.Location, zoom+2)
			if alone := members[fmt.Sprintf("%d/%x", zoom+2, morton(x, y, zoom+2))]; len(alone) != 1 || alone[0] != p {
				t.Errorf("%s stands alone beside %d others", p.ID(), len(alone)-1)
			}
		}
		if total != len(pois) || len(cells) != 0 {
			t.Errorf("%d of %d sites; %d cells named that are no cluster", total, len(pois), len(cells))
		}
		if !slices.IsSortedFunc(singles, func(a, b *providers.POI) int { return strings.Compare(a.ID(), b.ID()) }) {
			t.Error("single sites are not in the order of their ids")
		}
	})
}

func TestClusters_DoNotDependOnTheOrderOfSites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pois := placed(crowds().Draw(t, "sites"))
		zoom := rapid.IntRange(0, providers.MaxZoom).Draw(t, "zoom")
		clusters, singles := providers.Clusters(pois, zoom, cellName)
		shuffled := rapid.Permutation(pois).Draw(t, "shuffled")
		others, alone := providers.Clusters(shuffled, zoom, cellName)
		if diff := cmp.Diff(clusters, others); diff != "" {
			t.Errorf("Clusters() mismatch (-want +got):\n%s", diff)
		}
		if !slices.Equal(singles, alone) {
			t.Error("other sites stand alone")
		}
	})
}

// A map that pans asks for another view; a cell that is whole in both is the
// same cluster in both.
func TestClusters_StayPutWhileTheMapPans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := crowds().Draw(t, "sites")
		pois := placed(list)
		zoom := rapid.IntRange(0, 12).Draw(t, "zoom")
		view := func(b providers.Bounds) map[string]providers.Cluster {
			seen := slices.DeleteFunc(slices.Clone(pois), func(p *providers.POI) bool { return !b.Contains(p.Location) })
			found := make(map[string]providers.Cluster)
			clusters, _ := providers.Clusters(seen, zoom, func(c providers.Cell) string {
				if inner := c.Bounds(); !b.Contains(providers.Point{Lat: inner.South, Lon: inner.West}) || !b.Contains(providers.Point{Lat: inner.North, Lon: inner.East}) {
					return "cut " + cellName(c)
				}
				return cellName(c)
			})
			for _, c := range clusters {
				found[c.ID] = c
			}
			return found
		}
		south, west := round(latitudes(80).Draw(t, "south")), round(rapid.Float64Range(-180, 0).Draw(t, "west"))
		one := view(providers.Bounds{South: south, West: west, North: math.Min(90, south+60), East: west + 120})
		other := view(providers.Bounds{South: math.Max(-90, south-7), West: math.Max(-180, west-3), North: math.Min(90, south+50), East: west + 110})
		whole := view(providers.World())
		for id, c := range one {
			if id[:3] == "cut" {
				continue
			}
			if diff := cmp.Diff(whole[id], c); diff != "" {
				t.Errorf("cluster %s mismatch (-world +view):\n%s", id, diff)
			}
			if panned, ok := other[id]; ok && cmp.Diff(panned, c) != "" {
				t.Errorf("cluster %s changed when the map was panned", id)
			}
		}
	})
}

func TestClusters_ComeApartAtTheirExpansionZoomAndNotBefore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := crowds().Draw(t, "sites")
		zoom := rapid.IntRange(0, providers.MaxZoom).Draw(t, "zoom")
		clusters, _ := providers.Clusters(placed(list), zoom, cellName)
		for _, c := range clusters {
			inside := placed(slices.DeleteFunc(slices.Clone(list), func(p providers.Point) bool {
				x, y := columnAndRow(p, zoom+2)
				return fmt.Sprintf("%d/%x", zoom+2, morton(x, y, zoom+2)) != c.ID
			}))
			parts := func(zoom int) int {
				clusters, singles := providers.Clusters(inside, zoom, cellName)
				return len(clusters) + len(singles)
			}
			if c.ExpansionZoom < zoom || c.ExpansionZoom > providers.MaxZoom || c.ExpansionZoom == zoom && zoom != providers.MaxZoom {
				t.Fatalf("expansion zoom %d at zoom %d", c.ExpansionZoom, zoom)
			}
			if c.ExpansionZoom < providers.MaxZoom && parts(c.ExpansionZoom) < 2 {
				t.Errorf("%d sites do not come apart at zoom %d", c.Count, c.ExpansionZoom)
			}
			if c.ExpansionZoom > zoom && parts(c.ExpansionZoom-1) != 1 {
				t.Errorf("%d sites come apart before zoom %d", c.Count, c.ExpansionZoom)
			}
		}
	})
}

func TestClusters_AreNeverMoreThanAMapCanDraw(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{499, 500, 501, 5_000} {
		list := make([]providers.Point, n)
		for i := range list {
			list[i] = providers.Point{Lat: random.Float64()*180 - 90, Lon: random.Float64()*360 - 180}
		}
		for zoom := 0; zoom <= providers.MaxZoom; zoom += 2 {
			seen := make(map[string]bool)
			clusters, singles := providers.Clusters(placed(list), zoom, cellName)
			total := len(singles)
			for _, c := range clusters {
				if seen[c.ID] {
					t.Errorf("two clusters are called %s", c.ID)
				}
				seen[c.ID] = true
				total += c.Count
			}
			if len(clusters)+len(singles) > providers.MaxFeatures || total != n {
				t.Errorf("%d sites at zoom %d: %d clusters and %d single sites, in all %d", n, zoom, len(clusters), len(singles), total)
			}
		}
	}
}

func TestClusters_AtTheEdgesOfTheMap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sites  []providers.Point
		zoom   int
		groups []int // counts, in the order of cells; 1 stands alone
	}{
		"Nothing":                               {nil, 3, nil},
		"OneSite":                               {[]providers.Point{{52, 5}}, 0, []int{1}},
		"TheSamePosition":                       {[]providers.Point{{52, 5}, {52, 5}, {52, 5}}, providers.MaxZoom, []int{3}},
		"ThePolesAreInTheOutermostRows":         {[]providers.Point{{90, 5}, {86, 5}, {-90, 5}, {-86, 5}}, 3, []int{2, 2}},
		"BothSidesOfTheAntimeridianAreTwoCells": {[]providers.Point{{10, 179.9}, {10, 180}, {10, -179.9}, {10, -180}}, 3, []int{2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clusters, singles := providers.Clusters(placed(c.sites), c.zoom, cellName)
			var got []int
			for _, cluster := range clusters {
				got = append(got, cluster.Count)
				if !cluster.Bounds.Contains(cluster.Location) || !cluster.Location.Valid() {
					t.Errorf("cluster at %v, outside its own bounds %v", cluster.Location, cluster.Bounds)
				}
				if name == "TheSamePosition" && cluster.ExpansionZoom != providers.MaxZoom {
					t.Errorf("what never comes apart does so at zoom %d", cluster.ExpansionZoom)
				}
			}
			for range singles {
				got = append(got, 1)
			}
			if diff := cmp.Diff(c.groups, got); diff != "" {
				t.Errorf("Clusters() mismatch (-want +got):\n%s", diff)
			}
		})
	}
	north, south := providers.Cell{Level: 2, Code: 0}.Bounds(), providers.Cell{Level: 2, Code: 15}.Bounds()
	if north.North != 90 || north.West != -180 || south.South != -90 || south.East != 180 {
		t.Errorf("the corners of the map are %v and %v", north, south)
	}
}

func BenchmarkClusters(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10, 1_000, 50_000} {
		list := make([]providers.Point, n)
		for i := range list {
			list[i] = providers.Point{Lat: 50 + random.NormFloat64(), Lon: 5 + random.NormFloat64()}
		}
		pois := placed(list)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				providers.Clusters(pois, 9, cellName)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/site")
		})
		// Cells in a map, level by level until they are few enough.
		b.Run(fmt.Sprintf("%d/Naive", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for level := 11; ; level-- {
					cells := make(map[[2]int]int)
					for _, p := range pois {
						x, y := columnAndRow(p.Location, level)
						cells[[2]int{x, y}]++
					}
					if len(cells) <= providers.MaxFeatures {
						break
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/site")
		})
	}
}

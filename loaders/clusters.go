package loaders

import (
	"context"
	"fmt"
	"math"

	"chargegraph/providers"
)

// MapView is a map's view: every POI in it is in one cluster or stands alone.
type MapView struct {
	Clusters     []providers.Cluster
	POIs         []*providers.POI
	Total        *int // nil where a source did not give all it holds
	Truncated    bool
	Sources      []providers.SourceResult
	Attributions []providers.Attribution
}

// Clusters answers what a map shows of bounds at zoom 0..providers.MaxZoom.
// question names the filter and policy, for the ids of clusters.
func (o *Operation) Clusters(ctx context.Context, bounds providers.Bounds, zoom int, filter *providers.Filter, policy *providers.SourcePolicy, question string) (MapView, error) {
	g, err := o.gather(ctx, bounds, filter, policy)
	if err != nil {
		return MapView{}, err
	}
	pois := within(g.pois, bounds, filter)
	view := MapView{Sources: count(g.results, pois), Attributions: attributions(pois)}
	view.Truncated, view.Total = extent(g.results, len(pois))
	view.Clusters, view.POIs = providers.Clusters(pois, zoom, func(c providers.Cell) string {
		id := fmt.Sprintf("cluster:%d:%d:%x:%s", zoom, c.Level, c.Code, question)
		// A cell that the view's edge cuts counts only what is in view: it is
		// another cluster than the whole cell is.
		if b := c.Bounds(); !covers(bounds, b) {
			id += fmt.Sprintf(":%v", clip(bounds, b))
		}
		return id
	})
	return view, nil
}

// covers reports whether the view holds the whole of a cell.
func covers(view, cell providers.Bounds) bool { return clip(view, cell) == cell }

// clip returns the part of a cell that is in view. A cell never crosses the
// antimeridian; a view that does is looked at from the cell's side of it.
func clip(view, cell providers.Bounds) providers.Bounds {
	west, east := view.West, view.East
	if west > east {
		if cell.West < view.East {
			west = -180
		} else {
			east = 180
		}
	}
	return providers.Bounds{
		South: math.Max(view.South, cell.South), North: math.Min(view.North, cell.North),
		West: math.Max(west, cell.West), East: math.Min(east, cell.East),
	}
}

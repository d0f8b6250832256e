package loaders

import (
	"cmp"
	"context"
	"slices"

	"chargegraph/providers"
)

// Question is what a client wants to know about an area.
type Question struct {
	Area   providers.Area
	Filter *providers.Filter
	Order  providers.Order
	First  int       // at least 1
	After  *Position // nil: from the start
	Policy *providers.SourcePolicy
	// Whole asks for more than summaries of the sites on the page, as far as
	// the calls of one operation reach.
	Whole bool
}

// Page is a stretch of an ordered list of POIs.
type Page struct {
	Edges        []Edge
	HasNext      bool
	HasPrevious  bool
	Total        *int // nil where a source did not give all it holds
	Truncated    bool
	Sources      []providers.SourceResult
	Attributions []providers.Attribution
}

// Edge is a POI in its place.
type Edge struct {
	POI      *providers.POI
	Position Position

	DistanceM  *float64 // of an Around: from its centre
	BearingDeg *float64
	OffsetM    *float64 // of a Route: from the line
	AlongM     *float64 // of a Route: along the line
}

// Search answers a question. A source that fails makes the answer poorer, not an
// error; see Page.Sources. It returns an *UnavailableError for a required source.
func (o *Operation) Search(ctx context.Context, q Question) (Page, error) {
	g, err := o.gather(ctx, q.Area, q.Filter, q.Policy)
	if err != nil {
		return Page{}, err
	}
	pois := within(g.pois, q.Area, q.Filter)
	edges := arrange(pois, q.Area, q.Order)
	page := Page{Sources: count(g.results, pois)}
	page.Truncated, page.Total = extent(g.results, len(edges))

	from := 0
	if q.After != nil {
		desc := q.Order.Direction == providers.Descending
		from, _ = slices.BinarySearchFunc(edges, *q.After, func(e Edge, p Position) int {
			if e.Position.Compare(p, desc) <= 0 {
				return -1
			}
			return 1
		})
	}
	to := min(from+q.First, len(edges))
	page.Edges = edges[from:to]
	page.HasPrevious = q.After != nil && from > 0
	page.HasNext = to < len(edges)
	shown := make([]*providers.POI, len(page.Edges))
	for i := range page.Edges {
		shown[i] = page.Edges[i].POI
	}
	if q.Policy.All() {
		o.remember(g.results, q.Filter, shown)
	}
	if q.Whole {
		filled, told := o.fillIn(ctx, shown, q.Policy)
		for i, p := range filled {
			o.catalog.accountDetails(page.Sources, shown[i].Members, told)
			shown[i], page.Edges[i].POI = p, p
		}
	}
	page.Attributions = attributions(shown)
	o.shown(shown...)
	return page, nil
}

// within returns the POIs that are in area and match filter.
func within(pois []*providers.POI, area providers.Area, filter *providers.Filter) []*providers.POI {
	in := make([]*providers.POI, 0, len(pois))
	for _, p := range pois {
		if area.Holds(p.Site) && filter.Match(p) {
			in = append(in, p)
		}
	}
	return in
}

// extent says whether a source cut its answer short, and how many POIs there
// are where every source that was asked gave all it holds.
func extent(results []providers.SourceResult, n int) (truncated bool, total *int) {
	total = &n
	for i := range results {
		r := &results[i]
		truncated = truncated || r.Truncated
		if r.Truncated || r.Error != nil && r.Outcome != providers.OutcomePartial && r.Outcome != providers.OutcomeStale {
			total = nil
		}
	}
	return truncated, total
}

// Position is a place in an ordered list: the value it is ordered by, and the
// id that decides between equals. It means the same after a restart.
type Position struct {
	Null bool    // the value is unknown: behind all others, in both directions
	Num  float64 // the value, of numbers and times
	Text string  // the value, of texts
	ID   string
}

// Compare orders positions; desc turns the values round, but neither the nulls
// nor the ids.
func (p Position) Compare(q Position, desc bool) int {
	if p.Null != q.Null {
		if p.Null {
			return 1
		}
		return -1
	}
	c := cmp.Or(cmp.Compare(p.Num, q.Num), cmp.Compare(p.Text, q.Text))
	if desc {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(p.ID, q.ID))
}

// arrange puts POIs in order, and measures them against the area.
func arrange(pois []*providers.POI, area providers.Area, order providers.Order) []Edge {
	edges := make([]Edge, len(pois))
	for i, p := range pois {
		e := Edge{POI: p, Position: Position{ID: p.ID()}}
		switch a := area.(type) {
		case providers.Around:
			e.DistanceM = new(a.Center.DistanceM(p.Location))
			e.BearingDeg = new(a.Center.BearingDeg(p.Location))
		case *providers.Route:
			offset, along := a.Locate(p.Location)
			e.OffsetM, e.AlongM = &offset, &along
		}
		e.setValue(order.By)
		edges[i] = e
	}
	desc := order.Direction == providers.Descending
	slices.SortFunc(edges, func(a, b Edge) int { return a.Position.Compare(b.Position, desc) })
	return edges
}

// setValue sets the value that the edge is ordered by.
func (e *Edge) setValue(by providers.POIOrderField) {
	number := func(v *float64) {
		if v == nil {
			e.Position.Null = true
			return
		}
		e.Position.Num = *v
	}
	p := e.POI
	switch by {
	case providers.OrderDistance:
		number(e.DistanceM)
	case providers.OrderRoutePosition:
		number(e.AlongM)
	case providers.OrderMaxPower:
		number(p.MaxPowerKW)
	case providers.OrderRating:
		if p.Rating == nil {
			number(nil)
		} else {
			number(p.Rating.Average)
		}
	case providers.OrderUpdated:
		if p.UpdatedAt.IsZero() {
			number(nil)
		} else {
			number(new(float64(p.UpdatedAt.UnixMicro())))
		}
	case providers.OrderTitle:
		e.Position.Text = providers.Fold(p.Title)
	case "": // an area without a natural order: by id
	}
}

// DefaultOrder returns the order in which an area is read when nobody says
// otherwise.
func DefaultOrder(area providers.Area) providers.Order {
	switch area.(type) {
	case providers.Around:
		return providers.Order{By: providers.OrderDistance, Direction: providers.Ascending}
	case *providers.Route:
		return providers.Order{By: providers.OrderRoutePosition, Direction: providers.Ascending}
	}
	return providers.Order{Direction: providers.Ascending}
}

package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"chargegraph/graph"
	"chargegraph/loaders"
	"chargegraph/providers"
)

const (
	defaultFirst = 50
	maxNodes     = 100
)

type queryResolver struct{ root }

// Pois implements graph.QueryResolver.
func (queryResolver) Pois(ctx context.Context, area graph.AreaInput, filter *providers.Filter, orderBy *providers.Order, first *int, after *string, sources *providers.SourcePolicy) (*graph.POIConnection, error) {
	where, err := readArea(ctx, argument{"area"}, area)
	if err != nil {
		return nil, err
	}
	if err = checkQuestion(ctx, filter, sources); err != nil {
		return nil, err
	}
	order, err := readOrder(ctx, orderBy, where)
	if err != nil {
		return nil, err
	}
	n, err := readFirst(ctx, first, defaultFirst)
	if err != nil {
		return nil, err
	}
	list := listOf("pois", area, filter, order, choiceOf(sources))
	start, err := readCursor(ctx, after, list)
	if err != nil {
		return nil, err
	}
	page, err := loaders.OperationFrom(ctx).Search(ctx, loaders.Question{
		Area: where, Filter: filter, Order: order, First: n, After: start, Policy: sources, Whole: wantsWhole(ctx),
	})
	if err != nil {
		return nil, present(ctx, err)
	}
	return presentPage(page, list), nil
}

func presentPage(page loaders.Page, list string) *graph.POIConnection {
	n := len(page.Edges)
	connection := &graph.POIConnection{
		Edges: make([]*graph.POIEdge, n), Nodes: make([]*providers.POI, n),
		TotalCount: page.Total, Truncated: page.Truncated,
		Sources: pointers(page.Sources), Attributions: pointers(page.Attributions),
	}
	cursors := make([]string, n)
	for i, e := range page.Edges {
		cursors[i] = writeCursor(list, e.Position)
		connection.Nodes[i] = e.POI
		connection.Edges[i] = &graph.POIEdge{
			Cursor: cursors[i], Node: e.POI,
			DistanceMeters: e.DistanceM, BearingDegrees: e.BearingDeg,
			RouteOffsetMeters: e.OffsetM, RoutePositionMeters: e.AlongM,
		}
	}
	connection.PageInfo = pageInfo(cursors, page.HasNext, page.HasPrevious)
	return connection
}

func checkQuestion(ctx context.Context, filter *providers.Filter, sources *providers.SourcePolicy) error {
	if err := checkFilter(ctx, argument{"filter"}, filter); err != nil {
		return err
	}
	return checkPolicy(ctx, argument{"sources"}, sources)
}

// choiceOf returns the part of a policy that decides what is merged.
func choiceOf(p *providers.SourcePolicy) providers.SourcePolicy {
	if p == nil {
		return providers.SourcePolicy{}
	}
	return providers.SourcePolicy{Include: p.Include, Exclude: p.Exclude, IncludeIDs: p.IncludeIDs, ExcludeIDs: p.ExcludeIDs}
}

// readOrder checks that the area has what it is to be ordered by.
func readOrder(ctx context.Context, in *providers.Order, area providers.Area) (providers.Order, error) {
	if in == nil {
		return loaders.DefaultOrder(area), nil
	}
	at := argument{"orderBy", "by"}
	_, around := area.(providers.Around)
	_, route := area.(*providers.Route)
	switch {
	case in.By == providers.OrderDistance && !around:
		return providers.Order{}, at.refuse(ctx, "DISTANCE needs a centre: ask for an area `around` a point")
	case in.By == providers.OrderRoutePosition && !route:
		return providers.Order{}, at.refuse(ctx, "ROUTE_POSITION needs a route: ask for an area along a `route`")
	}
	order := *in
	if order.Direction == "" {
		order.Direction = providers.Ascending
	}
	return order, nil
}

// Clusters implements graph.QueryResolver.
func (queryResolver) Clusters(ctx context.Context, bounds providers.Bounds, zoom int, filter *providers.Filter, sources *providers.SourcePolicy) (*graph.MapView, error) {
	if _, err := readBounds(ctx, argument{"bounds"}, bounds); err != nil {
		return nil, err
	}
	if zoom < 0 || zoom > providers.MaxZoom {
		return nil, argument{"zoom"}.refuse(ctx, "must be between 0 and %d", providers.MaxZoom)
	}
	if err := checkQuestion(ctx, filter, sources); err != nil {
		return nil, err
	}
	view, err := loaders.OperationFrom(ctx).Clusters(ctx, bounds, zoom, filter, sources, listOf(filter, choiceOf(sources)))
	if err != nil {
		return nil, present(ctx, err)
	}
	return &graph.MapView{
		Clusters: pointers(view.Clusters), Pois: view.POIs, TotalCount: view.Total, Truncated: view.Truncated,
		Sources: pointers(view.Sources), Attributions: pointers(view.Attributions),
	}, nil
}

// Poi implements graph.QueryResolver.
func (queryResolver) Poi(ctx context.Context, by graph.POIRef, sources *providers.SourcePolicy) (*providers.POI, error) {
	keys, err := readRef(ctx, argument{"by"}, by)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(ctx, argument{"sources"}, sources); err != nil {
		return nil, err
	}
	var failed error
	for _, found := range loaders.OperationFrom(ctx).POIs(ctx, keys, sources, wantsWhole(ctx)) {
		if found.POI != nil {
			return found.POI, nil
		}
		if found.Err != nil {
			failed = found.Err
		}
	}
	return nil, present(ctx, failed)
}

// readRef returns the keys that a reference may mean: one, or one per source of
// a provider.
func readRef(ctx context.Context, at argument, by graph.POIRef) ([]providers.Key, error) {
	if err := checkOneOf(ctx, at, "id, source and evseId"); err != nil {
		return nil, err
	}
	catalog := loaders.OperationFrom(ctx).Catalog()
	switch {
	case by.ID != nil:
		id, err := parseIDOf(ctx, at.in("id"), *by.ID, providers.KindPOI, "a POI, for example poi:ocm:1234")
		return []providers.Key{id.Key}, err
	case by.EvseID != nil:
		keys, err := catalog.FindEVSE(*by.EvseID)
		return keys, present(ctx, err)
	}
	var keys []providers.Key
	for _, s := range catalog.Sources() {
		if s.Provider != by.Source.Provider {
			continue
		}
		key, err := providers.ParseKey(string(providers.NewKey(s.ID, by.Source.ExternalID)))
		if err != nil {
			return nil, at.in("source").in("externalId").refuse(ctx, "must be the site's id at its provider, for example 1234")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Node implements graph.QueryResolver.
func (r queryResolver) Node(ctx context.Context, id string) (providers.Node, error) {
	parsed, err := parseID(ctx, argument{"id"}, id)
	if err != nil {
		return nil, err
	}
	nodes, errs := r.fetch(ctx, []providers.ID{parsed})
	return nodes[0], presentMistake(ctx, errs[0])
}

// Nodes implements graph.QueryResolver.
func (r queryResolver) Nodes(ctx context.Context, ids []string) ([]providers.Node, error) {
	if len(ids) > maxNodes {
		return nil, argument{"ids"}.refuse(ctx, "at most %d ids; these are %d", maxNodes, len(ids))
	}
	parsed := make([]providers.ID, len(ids))
	for i, text := range ids {
		id, err := parseID(ctx, argument{"ids"}.in(i), text)
		if err != nil {
			return nil, err
		}
		parsed[i] = id
	}
	nodes, errs := r.fetch(ctx, parsed)
	for i, err := range errs {
		if err != nil {
			at := graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
			graphql.AddError(at, presentMistake(at, err))
		}
	}
	return nodes, nil
}

// fetch returns what each id names, a nil Node where no source knows it, and an
// error where a source could not be asked. It asks for all records together, and
// for what surrounds them place by place.
func (r root) fetch(ctx context.Context, ids []providers.ID) ([]providers.Node, []error) {
	operation := loaders.OperationFrom(ctx)
	nodes, errs := make([]providers.Node, len(ids)), make([]error, len(ids))
	var keys, siteKeys []providers.Key
	var sites []int
	for i, id := range ids {
		if isOwnComment(id) {
			continue
		}
		switch id.Kind {
		case providers.KindPOI, providers.KindComment, providers.KindPhoto:
			keys, siteKeys, sites = append(keys, id.Key), append(siteKeys, id.Key), append(sites, i)
		case providers.KindRecord:
			keys = append(keys, id.Key)
		case providers.KindOperator, providers.KindSource, providers.KindCheckIn:
		}
	}
	records := make(map[providers.Key]loaders.RecordResult, len(keys))
	for i, result := range operation.Records(ctx, keys, nil) {
		records[keys[i]] = result
	}
	for n, found := range operation.POIs(ctx, siteKeys, nil, wantsWhole(ctx)) {
		i := sites[n]
		errs[i] = found.Err
		if found.POI == nil {
			continue
		}
		switch ids[i].Kind {
		case providers.KindComment:
			nodes[i] = orNil(found.POI.Comment(ids[i]))
		case providers.KindPhoto:
			nodes[i] = orNil(found.POI.Photo(ids[i]))
		default:
			nodes[i] = found.POI
		}
	}
	for i, id := range ids {
		switch id.Kind {
		case providers.KindRecord:
			nodes[i], errs[i] = orNil(records[id.Key].Record), records[id.Key].Err
		case providers.KindOperator:
			operator, err := operation.Operator(ctx, id.String())
			nodes[i], errs[i] = orNil(operator), err
		case providers.KindSource:
			nodes[i] = orNil(operation.Catalog().Source(id.Source))
		case providers.KindCheckIn:
			own, err := r.ownCheckIn(ctx, id.String())
			nodes[i], errs[i] = orNil(own), err
		case providers.KindComment:
			if isOwnComment(id) {
				comment, err := r.ownComment(ctx, id)
				nodes[i], errs[i] = orNil(comment), err
			}
		case providers.KindPOI, providers.KindPhoto:
		}
	}
	return nodes, errs
}

// isOwnComment reports whether id names a comment of this service's own.
func isOwnComment(id providers.ID) bool {
	return id.Kind == providers.KindComment && id.Key.SourceID().Provider() == providers.Local
}

// orNil keeps a nil pointer from becoming a Node that is not nil.
func orNil[T any](v *T) providers.Node {
	if v == nil {
		return nil
	}
	return v
}

// Operator implements graph.QueryResolver.
func (queryResolver) Operator(ctx context.Context, id string) (*providers.Operator, error) {
	if _, err := parseIDOf(ctx, argument{"id"}, id, providers.KindOperator, "an operator, for example operator:ocm:5"); err != nil {
		return nil, err
	}
	operator, err := loaders.OperationFrom(ctx).Operator(ctx, id)
	return operator, present(ctx, err)
}

// Operators implements graph.QueryResolver.
func (queryResolver) Operators(ctx context.Context, search, country *string, provider *providers.ProviderCode, first *int, after *string) (*graph.OperatorConnection, error) {
	query := loaders.OperatorQuery{Search: orZero(search), Country: orZero(country), Provider: orZero(provider)}
	if len([]rune(query.Search)) > maxTextRunes {
		return nil, argument{"search"}.refuse(ctx, "at most %d characters", maxTextRunes)
	}
	operators, failed := loaders.OperationFrom(ctx).Operators(ctx, query)
	page, err := cut(ctx, operators, func(o *providers.Operator) loaders.Position {
		return loaders.Position{Text: providers.Fold(o.Title), ID: o.ID}
	}, first, defaultFirst, after, listOf("operators", query))
	if err != nil {
		return nil, err
	}
	connection := &graph.OperatorConnection{Nodes: page.items, PageInfo: page.info}
	if failed == nil {
		connection.TotalCount = &page.total
	} else {
		graphql.AddError(ctx, present(ctx, failed))
	}
	for i, o := range page.items {
		connection.Edges = append(connection.Edges, &graph.OperatorEdge{Cursor: page.cursors[i], Node: o})
	}
	return connection, nil
}

func orZero[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// ReferenceData implements graph.QueryResolver.
func (queryResolver) ReferenceData(ctx context.Context, country *string) (*providers.Reference, error) {
	table, err := loaders.OperationFrom(ctx).Reference(ctx, orZero(country))
	if err != nil {
		graphql.AddError(ctx, present(ctx, err)) // and the table that there is
	}
	return table, nil
}

// Sources implements graph.QueryResolver.
func (queryResolver) Sources(ctx context.Context) ([]*providers.Source, error) {
	return loaders.OperationFrom(ctx).Catalog().Sources(), nil
}

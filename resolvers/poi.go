package resolvers

import (
	"context"
	"slices"

	"chargegraph/graph"
	"chargegraph/loaders"
	"chargegraph/providers"
)

// defaultChildren is how many comments or photos a page holds unless asked.
const defaultChildren = 10

type poiResolver struct{}

// Comments implements graph.POIResolver.
func (poiResolver) Comments(ctx context.Context, poi *providers.POI, first *int, after *string, kinds []providers.CommentKind) (*graph.CommentConnection, error) {
	if err := checkLength(ctx, argument{"kinds"}, len(kinds)); err != nil {
		return nil, err
	}
	comments := make([]*providers.Comment, 0, len(poi.Comments))
	for _, c := range poi.Comments {
		if len(kinds) == 0 || slices.Contains(kinds, c.Kind) {
			c.POI = poi
			comments = append(comments, &c)
		}
	}
	page, err := cut(ctx, comments, func(c *providers.Comment) loaders.Position {
		return loaders.Position{Num: -float64(c.CreatedAt.UnixMicro()), ID: c.ID()}
	}, first, defaultChildren, after, listOf("comments", poi.ID(), kinds))
	if err != nil {
		return nil, err
	}
	connection := &graph.CommentConnection{Nodes: page.items, PageInfo: page.info, TotalCount: totalOf(page.total, poi.MoreComments()), Sources: pointers(loaders.UnfetchedComments(poi))}
	for i, c := range page.items {
		connection.Edges = append(connection.Edges, &graph.CommentEdge{Cursor: page.cursors[i], Node: c})
	}
	return connection, nil
}

// Photos implements graph.POIResolver.
func (poiResolver) Photos(ctx context.Context, poi *providers.POI, first *int, after *string) (*graph.PhotoConnection, error) {
	photos := make([]*providers.Photo, 0, len(poi.Photos))
	for _, p := range poi.Photos {
		p.POI = poi
		photos = append(photos, &p)
	}
	page, err := cut(ctx, photos, func(p *providers.Photo) loaders.Position {
		return loaders.Position{Num: -float64(p.CreatedAt.UnixMicro()), ID: p.ID()}
	}, first, defaultChildren, after, listOf("photos", poi.ID()))
	if err != nil {
		return nil, err
	}
	connection := &graph.PhotoConnection{Nodes: page.items, PageInfo: page.info, TotalCount: totalOf(page.total, poi.Summary()), Sources: pointers(loaders.Unfetched(poi))}
	for i, p := range page.items {
		connection.Edges = append(connection.Edges, &graph.PhotoEdge{Cursor: page.cursors[i], Node: p})
	}
	return connection, nil
}

// totalOf returns how many comments or photos a site has; nil where a source may
// know of more.
func totalOf(n int, more bool) *int {
	if more {
		return nil
	}
	return &n
}

// pointers gives a list of values the shape that generated code wants.
func pointers[T any](list []T) []*T {
	all := make([]*T, len(list))
	for i := range list {
		all[i] = &list[i]
	}
	return all
}

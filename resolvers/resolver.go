// Package resolvers is GraphQL in and out: it checks what a client sent, asks
// package loaders, and gives the answer its GraphQL shape. Nothing is cached,
// merged or decided here.
//
// Every refusal carries the code BAD_USER_INPUT, the path of the argument and a
// sentence that says what is allowed; nothing is asked upstream before all of a
// field's arguments have been checked.
package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"chargegraph/graph"
	"chargegraph/loaders"
)

// root is the graph's entry: one method per type that has resolvers.
type root struct{ checkIns CheckIns }

// NewSchema returns the executable schema. Its resolvers read through the
// loaders.Operation in their context, see Operations, and hand check-ins to
// checkIns; nil: none are taken, and whoever tries is told so.
func NewSchema(checkIns CheckIns) graphql.ExecutableSchema {
	return graph.NewExecutableSchema(graph.Config{Resolvers: root{checkIns}})
}

// Operations returns the middleware that gives every operation its own view of
// catalog, and with it its own dataloaders.
func Operations(catalog *loaders.Catalog) graphql.OperationMiddleware {
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		return next(loaders.WithOperation(ctx, catalog.Begin()))
	}
}

// Mutation implements graph.ResolverRoot.
func (r root) Mutation() graph.MutationResolver { return mutationResolver{r} }

// POI implements graph.ResolverRoot.
func (root) POI() graph.POIResolver { return poiResolver{} }

// Query implements graph.ResolverRoot.
func (r root) Query() graph.QueryResolver { return queryResolver{r} }

// Subscription implements graph.ResolverRoot.
func (r root) Subscription() graph.SubscriptionResolver { return subscriptionResolver{r} }

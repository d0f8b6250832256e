package server

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// BenchmarkFollow is all that counting and tracing add to an operation: less than
// 2 µs, where the smallest operation takes 20 times as long.
func BenchmarkFollow(b *testing.B) {
	response := &graphql.Response{Data: []byte(`{"operator":{"title":"a"}}`)}
	next := func(context.Context) graphql.ResponseHandler {
		return func(context.Context) *graphql.Response { return response }
	}
	op := &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: ast.Query, Name: "One"}}
	op.Stats.Read.Start = time.Now()
	for name, metrics := range map[string]*Metrics{"counted": NewMetrics(), "not counted": nil} {
		b.Run(name, func(b *testing.B) {
			s := &service{cfg: Config{Metrics: metrics}, log: slog.New(slog.DiscardHandler)}
			ctx := graphql.WithOperationContext(b.Context(), op)
			b.ReportAllocs()
			for b.Loop() {
				op.Stats.Read.Start = time.Now()
				s.follow(ctx, next)(ctx)
			}
		})
	}
}

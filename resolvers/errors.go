package resolvers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/resolvers/scalar"
)

// argument is the place of an input inside a field's arguments: names of
// arguments and input fields, indexes of lists.
type argument []any

// in returns the place one step further in.
func (a argument) in(step any) argument { return append(slices.Clip(a), step) }

// refuse returns the error for an input that is not allowed.
func (a argument) refuse(ctx context.Context, format string, args ...any) error {
	err := scalar.Invalid(format, args...)
	err.Path = append(ast.Path{}, graphql.GetPath(ctx)...)
	for _, step := range a {
		switch step := step.(type) {
		case string:
			err.Path = append(err.Path, ast.PathName(step))
		case int:
			err.Path = append(err.Path, ast.PathIndex(step))
		}
	}
	return err
}

// checkOneOf enforces @oneOf for the argument of a field: exactly one member,
// and not null. The parser does so for literals only; a whole input that comes
// as a variable arrives unchecked, and in Go a null member is no member.
func checkOneOf(ctx context.Context, at argument, members string) error {
	field := graphql.GetFieldContext(ctx).Field
	raw, _ := field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)[at[0].(string)].(map[string]any)
	for _, value := range raw {
		if len(raw) == 1 && value != nil {
			return nil
		}
	}
	return at.refuse(ctx, "give exactly one of %s, and not null", members)
}

// present turns an error of the loaders, or of CheckIns, into one that a client
// may see. Errors that it does not know stay as they are; the server hides them.
func present(ctx context.Context, err error) error {
	if errors.Is(err, ErrUnavailable) {
		return &gqlerror.Error{
			Message:    "check-ins can be neither kept nor read at present; ask again later, and send a check-in with the same idempotencyKey then",
			Path:       graphql.GetPath(ctx),
			Extensions: map[string]any{"code": "UNAVAILABLE"},
		}
	}
	var unavailable *loaders.UnavailableError
	if !errors.As(err, &unavailable) {
		return err
	}
	extensions := map[string]any{
		"code":   "PROVIDER_UNAVAILABLE",
		"source": unavailable.Source.NodeID(),
		"reason": unavailable.Err.Code,
	}
	if seconds := unavailable.Err.RetryAfterSeconds(); seconds != nil {
		extensions["retryAfterSeconds"] = *seconds
	}
	return &gqlerror.Error{
		Message:    fmt.Sprintf("source %s could not be asked: %s", unavailable.Source.ID, unavailable.Err.Message),
		Path:       graphql.GetPath(ctx),
		Extensions: extensions,
	}
}

// parseID reads an id of the graph.
func parseID(ctx context.Context, at argument, text string) (providers.ID, error) {
	id, err := providers.ParseID(text)
	if err != nil {
		return providers.ID{}, at.refuse(ctx, "%v", err)
	}
	return id, nil
}

// parseIDOf reads an id that must name one kind of thing.
func parseIDOf(ctx context.Context, at argument, text string, kind providers.Kind, what string) (providers.ID, error) {
	id, err := parseID(ctx, at, text)
	if err == nil && id.Kind != kind {
		return providers.ID{}, at.refuse(ctx, "must be the id of %s", what)
	}
	return id, err
}

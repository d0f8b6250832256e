package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// wantsWhole reports whether the field being resolved selects something of a POI
// that a summary of it lacks, anywhere below.
func wantsWhole(ctx context.Context) bool {
	return selectsWhole(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections)
}

// selects reports whether the field being resolved selects a field of a type,
// anywhere below.
func selects(ctx context.Context, typeName, field string) bool {
	return anySelected(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections, func(f *ast.Field) bool {
		return f.ObjectDefinition.Name == typeName && f.Name == field
	})
}

// selectsWhole reports whether selections have a field that isWhole names.
func selectsWhole(operation *graphql.OperationContext, selections ast.SelectionSet) bool {
	return anySelected(operation, selections, func(f *ast.Field) bool { return f.ObjectDefinition.Name == "POI" && isWhole(f.Name) })
}

// anySelected follows fragments, which validation has found to be acyclic.
func anySelected(operation *graphql.OperationContext, selections ast.SelectionSet, is func(*ast.Field) bool) bool {
	for _, s := range selections {
		var below ast.SelectionSet
		switch s := s.(type) {
		case *ast.Field:
			if is(s) {
				return true
			}
			below = s.SelectionSet
		case *ast.InlineFragment:
			below = s.SelectionSet
		case *ast.FragmentSpread:
			below = operation.Doc.Fragments.ForName(s.Name).SelectionSet
		}
		if anySelected(operation, below, is) {
			return true
		}
	}
	return false
}

// isWhole names the fields of a POI for which a source that tells little in
// searches is asked once more. Other fields gain by it, but do not cause it: an
// address or a rating in a list is not worth a call per site.
func isWhole(field string) bool {
	switch field {
	case "comments", "photos", "amenities", "openingHours":
		return true
	}
	return false
}

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

// selectsWhole follows fragments, which validation has found to be acyclic.
func selectsWhole(operation *graphql.OperationContext, selections ast.SelectionSet) bool {
	for _, s := range selections {
		var below ast.SelectionSet
		switch s := s.(type) {
		case *ast.Field:
			if s.ObjectDefinition.Name == "POI" && isWhole(s.Name) {
				return true
			}
			below = s.SelectionSet
		case *ast.InlineFragment:
			below = s.SelectionSet
		case *ast.FragmentSpread:
			below = operation.Doc.Fragments.ForName(s.Name).SelectionSet
		}
		if selectsWhole(operation, below) {
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

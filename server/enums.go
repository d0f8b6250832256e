package server

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// strictEnums refuses enum values in variables that are spelt in another case
// than the schema's. The parser takes them and passes them on as they are, so
// that a filter for "type_2" would silently match nothing.
type strictEnums struct{ schema *ast.Schema }

var _ graphql.OperationContextMutator = strictEnums{}

func (strictEnums) ExtensionName() string                   { return "StrictEnums" }
func (strictEnums) Validate(graphql.ExecutableSchema) error { return nil }

func (e strictEnums) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for _, v := range op.Operation.VariableDefinitions {
		path := ast.Path{ast.PathName("variable"), ast.PathName(v.Variable)}
		if refused := e.check(v.Type, op.Variables[v.Variable], path); refused != nil {
			return refused
		}
	}
	return nil
}

// check walks a value along its type. It is sound only for values that the
// validator has let pass.
func (e strictEnums) check(typ *ast.Type, value any, path ast.Path) *gqlerror.Error {
	if typ.Elem != nil {
		list, ok := value.([]any)
		if !ok { // null, or one value that stands for a list of one
			return e.check(typ.Elem, value, path)
		}
		for i, element := range list {
			if err := e.check(typ.Elem, element, append(slices.Clip(path), ast.PathIndex(i))); err != nil {
				return err
			}
		}
		return nil
	}
	def := e.schema.Types[typ.NamedType]
	switch value := value.(type) {
	case string:
		if def.Kind == ast.Enum && def.EnumValues.ForName(value) == nil {
			refused := coded(codeBadUserInput, "$%s: %s is not a value of %s: values are written as in the schema, in upper case", clip(path[1:].String()), clip(value), def.Name)
			refused.Path = path
			return refused
		}
	case map[string]any:
		for _, field := range def.Fields {
			if member, ok := value[field.Name]; ok {
				if err := e.check(field.Type, member, append(slices.Clip(path), ast.PathName(field.Name))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

package server

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"chargegraph"
)

func TestWhatIsTrueOfTheMomentAloneIsNotKept(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: chargegraph.SDL})
	for _, c := range []struct {
		document string
		ofMoment bool
	}{
		{`{ sources { id name recordCount attribution { text } } }`, false},
		{`{ sources { health } }`, true},
		{`{ sources { budget { used } } }`, true},
		{`{ sources { lastSuccessAt } }`, true},
		{`{ poi(by: {id: "a"}) { title sources { outcome source { id } } } }`, false},
		{`{ poi(by: {id: "a"}) { title sources { outcome cache } } }`, true},
		{`{ poi(by: {id: "a"}) { ...rest } } fragment rest on POI { sources { source { lastError { message } } } }`, true},
	} {
		parsed, errs := gqlparser.LoadQueryWithRules(schema, c.document, nil)
		if errs != nil {
			t.Fatal(errs)
		}
		if got := tellsOfTheMoment(&graphql.OperationContext{Doc: parsed, Operation: parsed.Operations[0]}); got != c.ofMoment {
			t.Errorf("%s: %t, want %t", c.document, got, c.ofMoment)
		}
	}
}

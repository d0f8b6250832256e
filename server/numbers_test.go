package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"chargegraph/server"
)

func TestNumbersInVariablesAreCalledNumbers(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, nil, func(c *server.Config) {
		schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
			input In { float: Float, floats: [Float!], int: Int, yes: Boolean, in: In }
			type Query { a(in: In, f: Float, i: Int): Int }`})
		c.Schema = &graphql.ExecutableSchemaMock{SchemaFunc: func() *ast.Schema { return schema }}
	})
	const document = `query($in: In, $f: Float, $i: Int) { a(in: $in, f: $f, i: $i) }`
	for variables, want := range map[string]string{
		`{"f":1e999}`:                                        "$f: 1e999 is out of the range of Float",
		`{"f":-1e999}`:                                       "$f: -1e999 is out of the range of Float",
		`{"i":9223372036854775808}`:                          "$i: 9223372036854775808 is out of the range of Int",
		`{"i":1.5}`:                                          "$i: 1.5 is not written as a whole number",
		`{"in":{"float":1e999}}`:                             "$in.float: 1e999 is out of the range of Float",
		`{"in":{"in":{"in":{"float":1e999}}}}`:               "$in.in.in.float: 1e999 is out of the range of Float",
		`{"in":{"floats":[1,2,1e999]}}`:                      "$in.floats[2]: 1e999 is out of the range of Float",
		`{"in":{"floats":1e999}}`:                            "$in.floats[0]: 1e999 is out of the range of Float",
		`{"in":{"int":9223372036854775808}}`:                 "$in.int: 9223372036854775808 is out of the range of Int",
		`{"in":{"int":-0.5}}`:                                "$in.int: -0.5 is not written as a whole number",
		`{"in":{"int":1e3}}`:                                 "$in.int: 1e3 is not written as a whole number",
		`{"in":{"yes":1}}`:                                   "$in.yes: cannot use a number as Boolean",
		`{"in":{"float":"x"}}`:                               "$in.float: cannot use string as Float",
		`{"in":{"int":` + strings.Repeat("9", 10_000) + `}}`: "$in.int: " + strings.Repeat("9", 40) + "… is out of the range of Int",
	} {
		e := onlyError(t, decode(t, post(h, `{"query":"`+document+`","variables":`+variables+`}`)))
		if e.Message != want || e.code() != "BAD_USER_INPUT" {
			t.Errorf("%.100s: it is %q %q, want BAD_USER_INPUT %q", variables, e.code(), e.Message, want)
		}
		if !json.Valid([]byte(variables)) {
			t.Errorf("%s is no JSON", variables)
		}
	}
}

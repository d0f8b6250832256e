package server

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"pgregory.net/rapid"

	"chargegraph"
	"chargegraph/server/access"
)

// loadContract loads the schema once for all tests: nobody writes to it.
var loadContract = sync.OnceValues(func() (*ast.Schema, error) {
	return gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: chargegraph.SDL})
})

func contract(tb testing.TB) *ast.Schema {
	tb.Helper()
	schema, err := loadContract()
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

func defaultLimits(tb testing.TB) Limits {
	tb.Helper()
	var l Limits
	if err := l.complete(); err != nil {
		tb.Fatal(err)
	}
	return l
}

// parsed returns a document that is valid in the schema.
func parsed(tb testing.TB, schema *ast.Schema, text string) *ast.QueryDocument {
	tb.Helper()
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, DefaultMaxTokens)
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	if errs := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
		tb.Fatalf("%v in %s", errs, text)
	}
	return doc
}

// costOf measures the first operation of a document.
func costOf(tb testing.TB, m *meter, text string, variables map[string]any) float64 {
	tb.Helper()
	return m.measure(parsed(tb, m.schema, text).Operations[0], variables)
}

// outlined parses a document that need not be valid.
func outlined(tb testing.TB, text string) outline {
	tb.Helper()
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, DefaultMaxTokens)
	if err != nil {
		tb.Fatal(err)
	}
	return outlineOf(doc)
}

// ordinary returns documents that people write, by where they stand.
func ordinary(tb testing.TB) map[string]string {
	tb.Helper()
	docs := map[string]string{"introspection": introspectionQuery}
	text, err := os.ReadFile("../README.md")
	if err != nil {
		tb.Fatal(err)
	}
	for i, block := range regexp.MustCompile("(?s)```graphql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		docs[fmt.Sprint("README ", i+1)] = block[1]
	}
	if text, err = os.ReadFile("../web/examples.json"); err != nil {
		tb.Fatal(err)
	}
	var examples []struct {
		Title string
		Query []string
	}
	if err = json.Unmarshal(text, &examples); err != nil {
		tb.Fatal(err)
	}
	for _, e := range examples {
		docs["playground "+e.Title] = strings.Join(e.Query, "\n")
	}
	golden, err := filepath.Glob("../resolvers/testdata/golden/*.graphql")
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range golden {
		if text, err = os.ReadFile(path); err != nil {
			tb.Fatal(err)
		}
		docs["golden "+filepath.Base(path)] = string(text)
	}
	if len(docs) < 20 {
		tb.Fatalf("%d documents found, want those of the README, the playground and the golden tests", len(docs))
	}
	return docs
}

// introspectionQuery is what graphql-js asks on behalf of GraphiQL.
const introspectionQuery = `query IntrospectionQuery {
  __schema {
    description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

func TestLimits_LetThroughWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	m, limits := newMeter(contract(t)), defaultLimits(t)
	for name, text := range ordinary(t) {
		o := outlined(t, text)
		if err := limits.check(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, op := range parsed(t, m.schema, text).Operations {
			if cost := m.measure(op, nil); cost > float64(limits.Cost)/4 || cost < 1 {
				t.Errorf("%s: %s costs %v, want room for four of it", name, op.Name, cost)
			} else {
				t.Logf("%s: cost %.0f, outline %+v", name, cost, o)
			}
		}
	}
}

// repeat joins n texts, each with its number in place of #.
func repeat(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
	}
	return b.String()
}

func TestLimits_RefuseByTheOutline(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		return "{a" + strings.Repeat("{a", depth-1) + strings.Repeat("}", depth)
	}
	for _, test := range []struct {
		limit      string
		good, more string
		max, value int
	}{
		{"depth", nested(15), nested(16), 15, 16},
		{"depth", "{a{...F}} fragment F on T" + nested(14), "{a{...F}} fragment F on T" + nested(15), 15, 16},
		{"depth", "{a{...{...{b}}}}", "{" + strings.Repeat("a{...{", 16) + "b" + strings.Repeat("}}", 16) + "}", 15, 17},
		{"aliases", "{a{" + repeat(30, "a#:b ") + "}}", "{a{" + repeat(31, "a#:b ") + "}}", 30, 31},
		{"aliases", "{a{...F ...F}} fragment F on T{" + repeat(30, "a#:b ") + "}", "{a{...F c:d}} fragment F on T{" + repeat(30, "a#:b ") + "}", 30, 31},
		{"rootFields", "{" + repeat(20, "a# ") + "}", "{" + repeat(21, "a# ") + "}", 20, 21},
		{"rootFields", "{...F ...F} fragment F on Query{" + repeat(10, "a# ") + "}", "{...F ...F ...{b}} fragment F on Query{" + repeat(10, "a# ") + "}", 20, 21},
		{"directives", "{a{" + repeat(50, "b#@skip(if:true) ") + "}}", "{a{" + repeat(50, "b#@skip(if:true) ") + "... @include(if:true){c}}}", 50, 51},
		{"operations", repeat(20, "query Q#{a} "), repeat(21, "query Q#{a} "), 20, 21},
		{"fragments", "{a}" + repeat(100, "fragment F# on T{a} "), "{a}" + repeat(101, "fragment F# on T{a} "), 100, 101},
		{"selections", "{a{" + repeat(1999, "a# ") + "}}", "{a{" + repeat(2000, "a# ") + "}}", 2000, 2001},
		{"inputDepth", "{a(b:" + strings.Repeat("[", 20) + strings.Repeat("]", 20) + ")}", "{a @c(b:" + strings.Repeat("{d:", 21) + "1" + strings.Repeat("}", 21) + ")}", 20, 21},
		{"inputDepth", "query($a:A=[{b:1}]){a}", "query($a:A=" + strings.Repeat("[", 21) + strings.Repeat("]", 21) + "){a}", 20, 21},
		{"comparisons", "{a{" + strings.Repeat("id ", 244) + "}}", "{a{" + strings.Repeat("id ", 245) + "}}", 60_000, 60_026},
		{"comparisons", "{a{...F}} fragment F on T{b}", "{a{" + strings.Repeat("...F ", 245) + "}} fragment F on T{b}", 60_000, 60_027},
	} {
		limits := defaultLimits(t)
		if err := limits.check(outlined(t, test.good)); err != nil {
			t.Errorf("%s: %v, want it let through", test.limit, err)
		}
		err := limits.check(outlined(t, test.more))
		if err == nil {
			t.Errorf("%s: let through, want %d of %d refused", test.limit, test.value, test.max)
			continue
		}
		want := map[string]any{"code": "LIMIT_EXCEEDED", "limit": test.limit, "value": test.value, "max": test.max}
		if diff := cmp.Diff(want, err.Extensions); diff != "" {
			t.Errorf("%s: extensions mismatch (-want +got):\n%s", test.limit, diff)
		}
		if !strings.Contains(err.Message, fmt.Sprint(test.value)) || !strings.Contains(err.Message, fmt.Sprint(test.max)) {
			t.Errorf("%s: message %q does not name value and limit", test.limit, err.Message)
		}
	}
}

func TestLimits_AreCheckedAndCompleted(t *testing.T) {
	t.Parallel()
	l := Limits{Depth: 3}
	if err := l.complete(); err != nil || l.Depth != 3 || l.Cost != DefaultMaxCost {
		t.Errorf("complete() = %v, %+v", err, l)
	}
	if err := (&Limits{Cost: -1}).complete(); err == nil || !strings.Contains(err.Error(), "Limits.Cost is -1") {
		t.Errorf("complete() error = %v", err)
	}
}

const thirtyFields = `id uuid title usage status cost usageCost otherConnectors numberOfPoints maxPowerKw timeZone owner accessComments
	generalComments isRecentlyVerified lastVerifiedAt createdAt updatedAt location { latitude longitude } operator { id title }
	address { line1 town postcode countryCode } connections { type current powerKw quantity }`

func TestMeasure_KnowsPagesAndCalls(t *testing.T) {
	t.Parallel()
	m := newMeter(contract(t))
	const area = "area: {country: \"NL\"}"
	search := float64(providersAsked * searchCost)
	for name, test := range map[string]struct {
		text      string
		variables map[string]any
		want      float64 // exactly; 0: above the default limit
	}{
		"a scalar":                       {`{ operator(id: "x") { title } }`, nil, 100 + 2 + 1},
		"the page of 50 that is default": {`{ pois(` + area + `) { nodes { id } } }`, nil, search + 2 + 50*3},
		"first: null":                    {`{ pois(` + area + `, first: null) { nodes { id } } }`, nil, search + 2 + 50*3},
		"first: 3":                       {`{ pois(` + area + `, first: 3) { nodes { id } } }`, nil, search + 2 + 3*3},
		"first by a variable":            {`query($n: Int) { pois(` + area + `, first: $n) { nodes { id } } }`, map[string]any{"n": json.Number("3")}, search + 2 + 3*3},
		"first by a variable's default":  {`query($n: Int = 3) { pois(` + area + `, first: $n) { nodes { id } } }`, nil, search + 2 + 3*3},
		"first by a missing variable":    {`query($n: Int) { pois(` + area + `, first: $n) { nodes { id } } }`, nil, search + 2 + 50*3},
		"first of nothing":               {`{ pois(` + area + `, first: 0) { nodes { id } } }`, nil, search + 2 + 3},
		"first beyond all pages":         {`{ pois(` + area + `, first: 2000000000) { nodes { id } } }`, nil, search + 2 + 500*3},
		"first beyond all numbers":       {`query($n: Int) { pois(` + area + `, first: $n) { nodes { id } } }`, map[string]any{"n": json.Number("1e400")}, search + 2 + 500*3},
		"edges and nodes":                {`{ pois(` + area + `, first: 3) { nodes { id } edges { cursor node { id } } totalCount } }`, nil, search + 2 + 3*3 + 3*(2+1+3) + 1},
		"a page in a fragment":           {`{ pois(` + area + `, first: 3) { ...P } } fragment P on POIConnection { nodes { id } }`, nil, search + 2 + 3*3},
		"one fragment on two pages":      {`{ a: pois(` + area + `, first: 3) { ...P } b: pois(` + area + `, first: 5) { ...P } } fragment P on POIConnection { nodes { id } }`, nil, 2*(search+2) + 8*3},
		"one source":                     {`{ pois(` + area + `, sources: {include: [OCM]}) { totalCount } }`, nil, searchCost + 2 + 1},
		"one source without its list":    {`{ pois(` + area + `, sources: {include: OCM}) { totalCount } }`, nil, searchCost + 2 + 1},
		"one source by a variable":       {`query($p: SourcePolicy) { pois(` + area + `, sources: $p) { totalCount } }`, map[string]any{"p": map[string]any{"includeIds": []any{"source:ocm"}}}, searchCost + 2 + 1},
		"all but one source":             {`{ pois(` + area + `, sources: {exclude: [OCM]}) { totalCount } }`, nil, 3*searchCost + 2 + 1},
		"a list in every site":           {`{ pois(` + area + `, first: 2) { nodes { connections { type } } } }`, nil, search + 2 + 2*(2+4*3)},
		"one site with all comments":     {`{ poi(by: {id: "x"}) { comments(first: 500) { nodes { text } } } }`, nil, 4*siteCost + 2 + 2 + 500*3 + detailCost},
		"comments, photos and amenities": {`{ poi(by: {id: "x"}) { comments { totalCount } photos { totalCount } amenities } }`, nil, 4*siteCost + 2 + 3 + 3 + 4 + detailCost},
		"details of three sites":         {`{ pois(` + area + `, first: 3) { nodes { comments { totalCount } } } }`, nil, search + 2 + 3*(2+3) + 3*detailCost},
		"details of many sites":          {`{ pois(` + area + `, first: 100) { nodes { comments { totalCount } } } }`, nil, search + 2 + 100*(2+3) + 10*detailCost},
		"ids":                            {`{ nodes(ids: ["a", "b", "c"]) { id } }`, nil, 3*siteCost + 3*3},
		"ids by a variable":              {`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": []any{"a", "b"}}, 2*siteCost + 2*3},
		"skipped":                        {`query($s: Boolean!) { operator(id: "x") { title phone @skip(if: $s) ... @include(if: false) { email } } }`, map[string]any{"s": true}, 100 + 2 + 1},
		"not skipped":                    {`query($s: Boolean!) { operator(id: "x") { title phone @skip(if: $s) ... @include(if: true) { email } } }`, map[string]any{"s": false}, 100 + 2 + 3},
		"a check-in": {
			`mutation($i: SubmitCheckInInput!) { submitCheckIn(input: $i) { replayed } }`,
			map[string]any{"i": map[string]any{}},
			2000 + 2 + 1,
		},
		"a page of 500 with all comments": {`{ pois(` + area + `, first: 500) { nodes { comments(first: 500) { nodes { id } } } } }`, nil, 0},
		"comments of the sites of comments": {
			`{ poi(by: {id: "x"}) { comments(first: 500) { nodes { poi { comments(first: 100) { nodes { text } } } } } } }`, nil, 0,
		},
		"twenty large searches": {`{ ` + repeat(20, `a#: pois(`+area+`, first: 500) { nodes { `+thirtyFields+` } } `) + `}`, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := costOf(t, m, test.text, test.variables)
			if test.want == 0 && got <= DefaultMaxCost {
				t.Errorf("cost = %v, want more than %d", got, DefaultMaxCost)
			}
			if test.want != 0 && got != test.want {
				t.Errorf("cost = %v, want %v", got, test.want)
			}
		})
	}
	t.Run("a page of 500 with thirty fields is let through, three times", func(t *testing.T) {
		t.Parallel()
		if got := costOf(t, m, `{ pois(`+area+`, first: 500) { nodes { `+thirtyFields+` } } }`, nil); got*3 > DefaultMaxCost*1.05 {
			t.Errorf("cost = %v", got)
		}
	})
	t.Run("introspection is cheap, unless it feeds on itself", func(t *testing.T) {
		t.Parallel()
		once := costOf(t, m, `{ __schema { types { fields { type { name } } } } }`, nil)
		again := costOf(t, m, `{ __schema { types { fields { type { fields { type { name } } } } } } }`, nil)
		if whole := costOf(t, m, introspectionQuery, nil); whole > DefaultMaxCost/20 {
			t.Errorf("what GraphiQL asks costs %v", whole)
		}
		if again < 3*once {
			t.Errorf("fields of fields cost %v, fields alone %v", again, once)
		}
	})
}

func TestWeights_NameFieldsOfTheSchemaAndEveryList(t *testing.T) {
	t.Parallel()
	schema := contract(t)
	table := weights()
	for name := range table {
		typeName, field, _ := strings.Cut(name, ".")
		if def := schema.Types[typeName]; def == nil || def.Fields.ForName(field) == nil {
			t.Errorf("%s is not in the schema", name)
		}
	}
	for _, def := range schema.Types {
		if def.BuiltIn || def.Kind != ast.Object {
			continue
		}
		for _, f := range def.Fields {
			page := (f.Name == "edges" || f.Name == "nodes") && def.Fields.ForName("pageInfo") != nil
			w := table[def.Name+"."+f.Name]
			if f.Type.Elem != nil && !page && w.size == 0 && w.perID == 0 {
				t.Errorf("%s.%s is a list: say in the table how long it is", def.Name, f.Name)
			}
			if f.Arguments.ForName("first") != nil && schema.Types[f.Type.Name()].Fields.ForName("pageInfo") == nil {
				t.Errorf("%s.%s takes first, but is not a page", def.Name, f.Name)
			}
		}
	}
}

// writer writes random selections of the schema, each in two spellings: with
// fragments and without.
type writer struct {
	schema    *ast.Schema
	t         *rapid.T
	fragments []string // definitions
}

// fields returns the text of a random selection on a type, plain and folded.
func (w *writer) fields(def *ast.Definition, depth int) (plain, folded string) {
	var p, f []string
	for range rapid.IntRange(1, 4).Draw(w.t, "fields") {
		field := rapid.SampledFrom(w.selectable(def, depth)).Draw(w.t, "field")
		plainOne, foldedOne := field.Name, field.Name
		if field.Arguments.ForName("first") != nil {
			page := fmt.Sprintf("(first: %d)", rapid.IntRange(1, 500).Draw(w.t, "first"))
			plainOne = rapid.StringMatching("[a-z]{12}").Draw(w.t, "alias") + ": " + field.Name + page
			foldedOne = plainOne
		}
		if inner := w.schema.Types[field.Type.Name()]; inner.Kind == ast.Object {
			a, b := w.fields(inner, depth-1)
			plainOne, foldedOne = plainOne+" { "+a+" }", foldedOne+" { "+b+" }"
		}
		p, f = append(p, plainOne), append(f, foldedOne)
	}
	plain, folded = strings.Join(p, " "), strings.Join(f, " ")
	switch rapid.IntRange(0, 3).Draw(w.t, "folding") {
	case 0:
		folded = "... { " + folded + " }"
	case 1:
		folded = "... on " + def.Name + " { " + folded + " }"
	case 2:
		name := fmt.Sprint("F", len(w.fragments))
		w.fragments = append(w.fragments, "fragment "+name+" on "+def.Name+" { "+folded+" }")
		folded = "..." + name
	}
	return plain, folded
}

// selectable returns the fields that can be written without arguments, leaves
// only at the bottom.
func (w *writer) selectable(def *ast.Definition, depth int) (can []*ast.FieldDefinition) {
	for _, f := range def.Fields {
		inner := w.schema.Types[f.Type.Name()]
		leaf := inner.Kind == ast.Scalar || inner.Kind == ast.Enum
		if strings.HasPrefix(f.Name, "__") || !leaf && (depth <= 0 || inner.Kind != ast.Object) {
			continue
		}
		can = append(can, f)
	}
	return can
}

func TestMeasure_IsTheSameHoweverFragmentsAreUsed(t *testing.T) {
	t.Parallel()
	schema := contract(t)
	m := newMeter(schema)
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{schema: schema, t: t}
		plain, folded := w.fields(schema.Types["POI"], 5)
		const head = `{ poi(by: {id: "x"}) { `
		one, other := head+plain+" } }", head+folded+" } } "+strings.Join(w.fragments, " ")
		measured := func(text string) (float64, outline) {
			doc, err := parser.ParseQuery(&ast.Source{Input: text})
			if err != nil {
				t.Fatal(err)
			}
			o := outlineOf(doc)
			if errs := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
				t.Fatalf("%v in %s", errs, text)
			}
			return m.measure(doc.Operations[0], nil), o
		}
		a, outlineA := measured(one)
		b, outlineB := measured(other)
		// Sums of floating point numbers may differ in their last digit.
		if a > b*(1+1e-12) || b > a*(1+1e-12) {
			t.Fatalf("cost %v without fragments, %v with:\n%s\n%s", a, b, one, other)
		}
		if outlineA.depth != outlineB.depth || outlineA.aliases != outlineB.aliases || outlineA.rootFields != outlineB.rootFields {
			t.Fatalf("outline %+v without fragments, %+v with:\n%s\n%s", outlineA, outlineB, one, other)
		}
	})
}

func TestMeasure_GrowsWithPagesAndFields(t *testing.T) {
	t.Parallel()
	schema := contract(t)
	m := newMeter(schema)
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{schema: schema, t: t}
		plain, _ := w.fields(schema.Types["POIConnection"], 5)
		text := `query($n: Int) { pois(area: {country: "NL"}, first: $n) { ` + plain + ` nodes { comments(first: $n) { nodes { text } } } } }`
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatal(err)
		}
		if errs := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
			t.Fatalf("%v in %s", errs, text)
		}
		less := rapid.IntRange(1, 499).Draw(t, "less")
		more := rapid.IntRange(less+1, 500).Draw(t, "more")
		op := doc.Operations[0]
		a, b := m.measure(op, map[string]any{"n": int64(less)}), m.measure(op, map[string]any{"n": int64(more)})
		if a >= b {
			t.Fatalf("first: %d costs %v, first: %d costs %v", less, a, more, b)
		}
		op.SelectionSet = append(op.SelectionSet, op.SelectionSet...)
		if twice := m.measure(op, map[string]any{"n": int64(less)}); twice <= a {
			t.Fatalf("twice the fields cost %v, once %v", twice, a)
		}
	})
}

// hostile returns documents that are made to cost a lot to look at, each within
// the limit of tokens.
func hostile() map[string]string {
	chain := func(n int, on, leaf string) string {
		var b strings.Builder
		for i := range n {
			next := fmt.Sprintf("...F%d ...F%d", i+1, i+1)
			if i == n-1 {
				next = leaf
			}
			fmt.Fprintf(&b, "fragment F%d on %s{%s} ", i, on, next)
		}
		return b.String()
	}
	all := func(n int, fields string) string {
		return `{poi(by:{id:"x"}){` + repeat(n, "...F# ") + `}}` + repeat(n, "fragment F# on POI{"+fields+"}")
	}
	return map[string]string{
		"deep":                  "{poi(by:{id:\"x\"}){" + strings.Repeat("comments{nodes{poi{", 300) + "id" + strings.Repeat("}}}", 300) + "}}",
		"wide":                  "{" + strings.Repeat("sources{id}", 3700) + "}",
		"one leaf many times":   `{poi(by:{id:"x"}){` + strings.Repeat("id ", 14_000) + `}}`,
		"aliased":               "{" + repeat(2400, "a#:sources{id}") + "}",
		"aliases of one object": `{poi(by:{id:"x"}){` + repeat(2000, "a#:location{latitude}") + "}}",
		"a bomb of fragments":   `{poi(by:{id:"x"}){...F0}}` + chain(1400, "POI", "id"),
		"a small bomb":          `{poi(by:{id:"x"}){...F0}}` + chain(99, "POI", "id"),
		"a bomb of nothing":     `{poi(by:{id:"x"}){...F0}}` + chain(99, "POI", "id @skip(if:true)"),
		"a bomb of pages":       `{poi(by:{id:"x"}){...F0}}` + strings.ReplaceAll(chain(90, "POI", "id"), "...F1 ...F1", "comments(first:500){nodes{poi{...F1}}} photos(first:500){nodes{poi{...F1}}}"),
		"a bomb of roots":       `{...F0}` + chain(99, "Query", "sources{id}"),
		"a cycle":               `{...F0} fragment F0 on Query{...F1 ...F1} fragment F1 on Query{sources{id} ...F0 ...F0}`,
		"fragments all at once": all(700, "id title status"),
		"deep fragments":        all(400, "comments{nodes{poi{comments{nodes{text}}}}}"),
		"a hundred fragments":   all(100, strings.Repeat("id title status usage cost ", 3)),
		// Of the kinds above, what is just let through.
		"244 leaves":           `{poi(by:{id:"x"}){` + strings.Repeat("id ", 243) + `}}`,
		"80 fragments":         all(80, "id title status usage cost"),
		"80 deep fragments":    all(80, "comments{nodes{poi{id}}}"),
		"60 trees":             `{poi(by:{id:"x"}){` + strings.Repeat("comments{nodes{poi{comments{nodes{text}}}}}", 60) + `}}`,
		"a chain of fragments": `{poi(by:{id:"x"}){...F0}}` + regexp.MustCompile(` \.\.\.F\d+`).ReplaceAllString(chain(99, "POI", "id"), " id title"),
		"a bomb of ten":        `{poi(by:{id:"x"}){...F0}}` + chain(10, "POI", "id"),
		"300 names":            `{poi(by:{id:"x"}){` + repeat(6, repeat(300, "titel# ")) + `}}`,
		"objects many times":   `{` + strings.Repeat("sources{attribution{text}}", 1200) + `}`,
		"trees many times":     `{poi(by:{id:"x"}){` + strings.Repeat("comments{nodes{poi{comments{nodes{text}}}}}", 600) + `}}`,
		"directives":           `{poi(by:{id:"x"}){` + strings.Repeat("id @skip(if:true)", 1600) + `}}`,
		"fields nobody knows":  `{poi(by:{id:"x"}){` + repeat(3000, "titel# ") + `}}`,
		"operations":           repeat(1000, "query Q#{...F} ") + "fragment F on Query{" + repeat(1000, "a#:sources{id} ") + "}",
		"twenty operations":    repeat(20, "query Q#{...F} ") + "fragment F on Query{" + strings.Repeat("sources{id name} ", 30) + "}",
		"variables":            "query(" + repeat(1800, "$v#:Int ") + "){operators(first:$v0){totalCount}" + "}",
		"variables everywhere": "query(" + repeat(900, "$v#:Int ") + "){operators{nodes{id}}" + repeat(900, "o#:operators(first:$v#){totalCount}") + "}",
		"arguments":            `{operators(` + repeat(3500, "a#:1 ") + `){totalCount}}`,
		"one argument":         `{operators(` + strings.Repeat("first:1 ", 3500) + `){totalCount}}`,
		"a long list":          `{nodes(ids:[` + strings.Repeat(`"a",`, 7000) + `]){id}}`,
		"an object of objects": `{pois(area:{country:"NL"},filter:` + strings.Repeat("{not:", 900) + `{text:"a"}` + strings.Repeat("}", 900) + `){totalCount}}`,
		"one key many times":   `{pois(area:{` + strings.Repeat(`country:"NL" `, 3500) + `}){totalCount}}`,
		"introspection":        `{__schema{types{fields{type{fields{type{name}}}}}}}`,
		"introspections":       `{` + repeat(20, "") + strings.Repeat(`__schema{types{fields{type{fields{type{name}}}}}}`, 200) + `}`,
		"ofType":               `{__schema{types{` + strings.Repeat("ofType{", 900) + "name" + strings.Repeat("}", 900) + `}}}`,
		"types in a bomb":      `{__type(name:"POI"){...F0}}` + chain(99, "__Type", "name"),
		"inline fragments":     `{poi(by:{id:"x"}){` + strings.Repeat("...{", 400) + "id" + strings.Repeat("}", 400) + strings.Repeat("...{id}", 2000) + `}}`,
		"spreads":              `{poi(by:{id:"x"}){` + strings.Repeat("...F ", 7000) + `}} fragment F on POI{id}`,
		"type conditions":      `{node(id:"x"){` + repeat(2000, "... on POI{id title} ") + `}}`,
		"subscription":         `subscription{` + strings.Repeat(`checkInUpdated(id:"x"){id} `, 1000) + `}`,
	}
}

func TestHostileDocuments_AreMeasuredInMilliseconds(t *testing.T) {
	limits := defaultLimits(t)
	schema := contract(t)
	for name, text := range hostile() {
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, DefaultMaxTokens)
		if err != nil {
			t.Logf("%-22s %6d bytes: not parsed: %v", name, len(text), err)
			continue
		}
		start := time.Now()
		o := outlineOf(doc)
		refused := limits.check(o)
		outlining := time.Since(start)
		if outlining > 500*time.Millisecond { // one at worst, alone; the race detector and a busy machine take their part
			t.Errorf("%s: outlined in %v", name, outlining)
		}
		if refused != nil {
			t.Logf("%-22s %6d bytes: outline %8v: %v", name, len(text), outlining, refused.Message)
			continue
		}
		start = time.Now()
		errs := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules())
		validating := time.Since(start)
		if validating > 5*time.Second { // 0.05 s at worst, alone
			t.Errorf("%s: validated in %v", name, validating)
		}
		if len(errs) > 0 {
			t.Logf("%-22s %6d bytes: outline %8v, validation %8v: %d errors", name, len(text), outlining, validating, len(errs))
			continue
		}
		start = time.Now()
		cost := newMeter(schema).measure(doc.Operations[0], nil)
		t.Logf("%-22s %6d bytes: outline %8v, validation %8v, cost %8v: %v", name, len(text), outlining, validating, time.Since(start), cost)
	}
}

// bare is a schema that is only looked at.
type bare struct {
	graphql.ExecutableSchema

	schema *ast.Schema
}

func (b bare) Schema() *ast.Schema { return b.schema }

// admitted runs a document through an executor that has the limits, up to where
// it would be executed.
func admitted(ctx context.Context, t *testing.T, l Limits, text string, variables map[string]any) (*graphql.OperationContext, *gqlerror.Error) {
	t.Helper()
	if err := l.complete(); err != nil {
		t.Fatal(err)
	}
	schema := contract(t)
	known := newDocuments(10)
	exec := executor.New(bare{schema: schema})
	exec.SetQueryCache(known)
	exec.SetParserTokenLimit(DefaultMaxTokens)
	exec.Use(newDocumentLimits(l, DefaultMaxTokens, schema, known))
	ctx = graphql.StartOperationTrace(ctx)
	var op *graphql.OperationContext
	var first gqlerror.List
	for range 2 { // the second time the document is known
		var errs gqlerror.List
		op, errs = exec.CreateOperationContext(ctx, &graphql.RawParams{Query: text, Variables: variables})
		if first == nil {
			first = errs
		}
		if diff := cmp.Diff(first.Error(), errs.Error()); diff != "" {
			t.Errorf("the second answer differs (-first +second):\n%s", diff)
		}
	}
	if len(first) == 0 {
		return op, nil
	}
	return op, first[0]
}

func TestDocumentLimits(t *testing.T) {
	t.Parallel()
	const text = `query($n: Int) { pois(area: {country: "NL"}, first: $n) { nodes { id } } }`
	hundred := map[string]any{"n": json.Number("100")}
	const costs = providersAsked*searchCost + 2 + 100*3

	t.Run("let through what is within them, and tell its cost", func(t *testing.T) {
		t.Parallel()
		op, err := admitted(t.Context(), t, Limits{}, text, hundred)
		if err != nil {
			t.Fatal(err)
		}
		cost, ok := CostOf(graphql.WithOperationContext(t.Context(), op))
		if want := (Cost{Requested: costs, Max: DefaultMaxCost}); !ok || cost != want {
			t.Errorf("CostOf() = %+v, %v, want %+v", cost, ok, want)
		}
	})
	t.Run("refuse by cost, which is told all the same", func(t *testing.T) {
		t.Parallel()
		op, err := admitted(t.Context(), t, Limits{Cost: costs - 1}, text, hundred)
		if err == nil {
			t.Fatal("let through")
		}
		want := map[string]any{"code": "LIMIT_EXCEEDED", "limit": "cost", "value": costs, "max": costs - 1}
		if diff := cmp.Diff(want, err.Extensions); diff != "" {
			t.Errorf("extensions mismatch (-want +got):\n%s", diff)
		}
		if cost, ok := CostOf(graphql.WithOperationContext(t.Context(), op)); !ok || cost.Requested != costs {
			t.Errorf("CostOf() = %+v, %v", cost, ok)
		}
	})
	t.Run("know a caller's own", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct {
			caller access.Limits
			max    int
		}{
			{access.Limits{MaxCost: 1000}, 1000},
			{access.Limits{MaxCost: 1_000_000}, 1_000_000},
			{access.Limits{Limit: access.Limit{PerSecond: 1, Burst: 500}}, 500},
			{access.Limits{MaxCost: 300, Limit: access.Limit{PerSecond: 1, Burst: 500}}, 300},
			{access.Limits{}, DefaultMaxCost},
		} {
			ctx := access.WithCaller(t.Context(), access.Caller{ID: "key:app", Limits: test.caller})
			op, err := admitted(ctx, t, Limits{}, text, hundred)
			cost, _ := CostOf(graphql.WithOperationContext(ctx, op))
			if cost.Max != test.max || (err != nil) != (test.max < costs) {
				t.Errorf("%+v: cost %+v, %v, want at most %d", test.caller, cost, err, test.max)
			}
		}
	})
	t.Run("refuse by the outline before anything is validated", func(t *testing.T) {
		t.Parallel()
		// None of these fields exists, which validation would say instead.
		op, err := admitted(t.Context(), t, Limits{}, "{"+repeat(21, "nothing# ")+"}", nil)
		if err == nil || err.Extensions["limit"] != "rootFields" {
			t.Errorf("%v, want a refusal by root fields", err)
		}
		if _, ok := CostOf(graphql.WithOperationContext(t.Context(), op)); ok {
			t.Error("CostOf() knows the cost of what is not valid")
		}
	})
	t.Run("leave to the executor what cannot be parsed", func(t *testing.T) {
		t.Parallel()
		_, err := admitted(t.Context(), t, Limits{}, "{", nil)
		if err == nil || err.Extensions["code"] != "GRAPHQL_PARSE_FAILED" {
			t.Errorf("%v, want the parser's own error", err)
		}
	})
	t.Run("CostOf knows nothing where there is no operation", func(t *testing.T) {
		t.Parallel()
		if c, ok := CostOf(t.Context()); ok {
			t.Errorf("CostOf() = %+v", c)
		}
	})
}

func FuzzOutline(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 4000 {
			f.Add(text)
		}
	}
	f.Add(introspectionQuery)
	schema := contract(f)
	m := newMeter(schema)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, DefaultMaxTokens)
		if err != nil {
			return
		}
		o := outlineOf(doc)
		for _, n := range []float64{o.rootFields, o.selections, o.comparisons} {
			if !(n >= 0) || atMost(n) < 0 {
				t.Fatalf("%+v", o)
			}
		}
		if defaultLimits(t).check(o) != nil {
			return
		}
		if errs := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
			return
		}
		for _, op := range doc.Operations {
			if cost := m.measure(op, nil); !(cost >= 0) { // 0 where all of it is skipped
				t.Fatalf("cost = %v", cost)
			}
		}
	})
}

func BenchmarkLimits(b *testing.B) {
	schema := contract(b)
	m := newMeter(schema)
	for name, text := range map[string]string{
		"viewport":      `{ pois(area: {country: "NL"}, first: 50) { nodes { ` + thirtyFields + ` } } }`,
		"introspection": introspectionQuery,
		"60 trees":      hostile()["60 trees"],
	} {
		doc := parsed(b, schema, text)
		b.Run("outline/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				outlineOf(doc)
			}
		})
		b.Run("cost/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.measure(doc.Operations[0], nil)
			}
		})
	}
	bomb, err := parser.ParseQuery(&ast.Source{Input: hostile()["a bomb of fragments"]})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("outline/a bomb of 1,400 fragments", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			outlineOf(bomb)
		}
	})
}

package server

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"chargegraph"
)

func TestWhatIsToFollowIsMissingUntilThen(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: chargegraph.SDL})
	const document = `{
		pois(area: {country: "GB"}) {
			totalCount
			nodes { id address { line1 } ...late @defer }
			a: sources { source { id health } }
		}
		poi(by: {id: "x"}) { id ... on POI @defer { talk: comments { totalCount nodes { text } } } }
	}
	fragment late on POI { photos { totalCount } connections { type powerKw } }`
	parsed, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	s := shapeOfSelection(parsed.Operations[0].SelectionSet)
	for data, want := range map[string]string{
		"null":         "null",
		`{"poi":null}`: `{"poi":null}`,
		`{"pois":{"totalCount":null,"nodes":[{"id":"a","address":{"line1":null},"photos":null,"connections":[{"type":"CCS_2","powerKw":null}]}],"a":[]},"poi":{"id":"b","talk":null}}`: `{"pois":{"totalCount":null,"nodes":[{"id":"a","address":{"line1":null},"connections":[{"type":"CCS_2","powerKw":null}]}],"a":[]},"poi":{"id":"b"}}`,
		`{"poi":{"id":"<&>\\u00e9","talk":{"totalCount":1e3,"nodes":[]}},"unknown":{"id":null}}`:                                                                                       `{"poi":{"id":"<&>\\u00e9","talk":{"totalCount":1e3,"nodes":[]}},"unknown":{"id":null}}`,
	} {
		got, err := s.withoutPlaceholders([]byte(data))
		if err != nil || string(got) != want {
			t.Errorf("%s\nbecame %s, %v\nwant   %s", data, got, err, want)
		}
	}
	if _, err := s.withoutPlaceholders([]byte(`{"poi":`)); err == nil {
		t.Error("what is cut off is no error")
	}
}

package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// example is a query of the playground, as web/examples.json has it.
type example struct {
	Title string   `json:"title"`
	About string   `json:"about"` // one sentence
	Query []string `json:"query"` // its lines
	// CheckIns says that it is about them: not every service takes any.
	CheckIns bool `json:"checkIns"`
	// Variables may hold "$uuid", for which the page puts a new one.
	Variables json.RawMessage `json:"variables"`
	// Follows says which ids of other answers lead here, and which variable
	// takes them.
	Follows *follows `json:"follows"`
	// Real is what differs where the data is not made up.
	Real struct {
		About     string          `json:"about"`
		Variables json.RawMessage `json:"variables"`
	} `json:"real"`
}

type follows struct {
	Prefix   string   `json:"prefix"`   // of the ids
	Variable []string `json:"variable"` // the path to it, from the variables down
}

// shownExample is what the page gets of an example.
type shownExample struct {
	Title     string          `json:"title"`
	About     string          `json:"about"`
	Query     string          `json:"query"`
	Variables json.RawMessage `json:"variables,omitempty"`
	Follows   *follows        `json:"follows,omitempty"`
}

// offeredExamples returns the examples that this service offers, as JSON: they
// are valid in its schema, and none is about check-ins where it takes none.
// Without a schema to show there are none.
func offeredExamples(file []byte, about about) ([]byte, error) {
	offered := []shownExample{}
	if about.sdl == "" {
		return json.Marshal(offered)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: about.sdl})
	if err != nil {
		return nil, fmt.Errorf("server: schema: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	var all []example
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("server: examples: %w", err)
	}
	for _, e := range all {
		if e.CheckIns && !about.checkIns {
			continue
		}
		query := strings.Join(e.Query, "\n")
		if _, invalid := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules()); invalid != nil {
			continue
		}
		if !about.sandbox && e.Real.About != "" {
			e.About = e.Real.About
		}
		if !about.sandbox && e.Real.Variables != nil {
			e.Variables = e.Real.Variables
		}
		offered = append(offered, shownExample{e.Title, e.About, query, e.Variables, e.Follows})
	}
	return json.Marshal(offered)
}

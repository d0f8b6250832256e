package server

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxDigits is how much of a number an error repeats.
const maxDigits = 40

// sayNumbers says what is wrong with numbers in variables. The validator takes
// them for the strings as which they are kept, and calls 1e999 a string.
func sayNumbers(errs gqlerror.List, variables map[string]any) gqlerror.List {
	for _, err := range errs {
		if code, _ := err.Extensions["code"].(string); code != errcode.ValidationFailed || !ofVariable(err.Path) {
			continue
		}
		number, ok := numberAt(variables, err.Path[1:])
		_, wanted, says := strings.Cut(err.Message, " as ")
		if !ok || !says {
			continue
		}
		text := number.String()
		if len(text) > maxDigits {
			text = text[:maxDigits] + "…"
		}
		_, whole := strconv.ParseInt(number.String(), 10, 64)
		switch {
		case wanted == "Int" && !errors.Is(whole, strconv.ErrRange):
			err.Message = text + " is not written as a whole number"
		case wanted == "Int" || wanted == "Float":
			err.Message = text + " is out of the range of " + wanted
		default:
			err.Message = "cannot use a number as " + wanted
		}
	}
	return errs
}

// numberAt returns the number at a path; false: there is something else. One value
// stands for a list of one.
func numberAt(variables map[string]any, path ast.Path) (json.Number, bool) {
	var at any = variables
	for _, step := range path {
		switch step := step.(type) {
		case ast.PathName:
			members, _ := at.(map[string]any)
			at = members[string(step)]
		case ast.PathIndex:
			if list, ok := at.([]any); ok {
				if int(step) >= len(list) {
					return "", false
				}
				at = list[step]
			}
		}
	}
	number, ok := at.(json.Number)
	return number, ok
}

package providertest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"chargegraph/providers"
)

// walk calls visit with every value that a record, or a table, consists of, and
// where it stands: "Connections[2].Type". It does not follow the way back to
// records, POIs and sources, and does not look into times.
func walk(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		switch v.Type() {
		case reflect.TypeFor[*providers.Record](), reflect.TypeFor[*providers.POI](), reflect.TypeFor[*providers.Source]():
		default:
			if !v.IsNil() {
				walk(v.Elem(), path, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), path+"["+strconv.Itoa(i)+"]", visit)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			visit(path, v)
			return
		}
		for f, value := range v.Fields() {
			switch {
			case !f.IsExported():
			case f.Anonymous:
				walk(value, path, visit)
			case path == "":
				walk(value, f.Name, visit)
			default:
				walk(value, path+"."+f.Name, visit)
			}
		}
	default:
		visit(path, v)
	}
}

// walkRecord is walk for a record.
func walkRecord(r *providers.Record, visit func(path string, v reflect.Value)) {
	walk(reflect.ValueOf(r).Elem(), "", visit)
}

// timeOf returns v as a time, if it is one.
func timeOf(v reflect.Value) (time.Time, bool) {
	return reflect.TypeAssert[time.Time](v)
}

// fieldOf returns the last name of a path: "Type".
func fieldOf(path string) string {
	path = strings.TrimRight(path, "[]0123456789")
	return path[strings.LastIndexByte(path, '.')+1:]
}

// picture returns all that a record says, a line for each value: two records
// say the same if their pictures are equal.
func picture(r *providers.Record) string {
	var b strings.Builder
	walkRecord(r, func(path string, v reflect.Value) {
		if t, ok := timeOf(v); ok {
			fmt.Fprintf(&b, "%s: %s\n", path, t.Format(time.RFC3339Nano))
			return
		}
		fmt.Fprintf(&b, "%s: %v\n", path, v)
	})
	return b.String()
}

// firstDifference returns a line of two pictures in which they differ.
func firstDifference(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%q became %q", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(a), len(b))
}

// enums are the values of the enums of the schema, by enum and value.
type enums map[string]map[string]bool

// readEnums reads the enums of the schema above the working directory, which in
// a test is the folder of its package.
func readEnums() (enums, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "schema.graphqls")) //nolint:gosec // a name of our own, above the test
		if err == nil {
			return parseEnums(string(text)), nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return nil, fmt.Errorf("no schema above the test: %w", err)
		}
		dir = above
	}
}

// parseEnums reads what stands between "enum Name {" and its brace.
func parseEnums(schema string) enums {
	all := make(enums)
	descriptions := regexp.MustCompile(`(?s)""".*?"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|@\w+(?:\([^)]*\))?|,`)
	plain := descriptions.ReplaceAllString(schema, " ")
	for _, m := range regexp.MustCompile(`\benum\s+(\w+)[^{]*\{([^}]*)\}`).FindAllStringSubmatch(plain, -1) {
		values := make(map[string]bool)
		for value := range strings.FieldsSeq(m[2]) {
			values[value] = true
		}
		all[m[1]] = values
	}
	return all
}

// wrong says what is wrong about a value; "" if nothing is, or if it is no enum.
func (e enums) wrong(v reflect.Value) string {
	t := v.Type()
	if v.Kind() != reflect.String || t == reflect.TypeFor[string]() || t == reflect.TypeFor[providers.Key]() || t == reflect.TypeFor[providers.SourceID]() {
		return ""
	}
	values, known := e[t.Name()]
	switch {
	case !known:
		return fmt.Sprintf("%s is no enum of the schema", t.Name())
	case !values[v.String()]:
		return fmt.Sprintf("%q is no %s of the schema", v.String(), t.Name())
	}
	return ""
}

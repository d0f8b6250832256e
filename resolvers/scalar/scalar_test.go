package scalar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/resolvers/scalar"
)

func written(m graphql.Marshaler) string {
	var b bytes.Buffer
	m.MarshalGQL(&b)
	return b.String()
}

func TestAbsentValuesAreNull(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		value graphql.Marshaler
		want  string
	}{
		"no text":                  {scalar.MarshalString(""), "null"},
		"a text":                   {scalar.MarshalString(`Sä"ule`), `"Sä\"ule"`},
		"no URL":                   {scalar.MarshalURL(""), "null"},
		"a URL":                    {scalar.MarshalURL("https://example.org"), `"https://example.org"`},
		"no country":               {scalar.MarshalCountryCode(""), "null"},
		"a country":                {scalar.MarshalCountryCode("GB"), `"GB"`},
		"no time":                  {scalar.MarshalDateTime(time.Time{}), "null"},
		"a time of another zone":   {scalar.MarshalDateTime(time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.FixedZone("", 3600))), `"2026-01-02T02:04:05.6Z"`},
		"a duration":               {scalar.MarshalDuration(90 * time.Second), `"PT1M30S"`},
		"nothing":                  {scalar.MarshalInt(0), "0"},
		"a number below nothing":   {scalar.MarshalInt(-5), "-5"},
		"a fraction":               {scalar.MarshalFloat(0.1), "0.1"},
		"a large number":           {scalar.MarshalFloat(1e21), "1000000000000000000000"},
		"no number":                {scalar.MarshalFloat(math.NaN()), "null"},
		"a number beyond measure":  {scalar.MarshalFloat(math.Inf(1)), "null"},
		"a number next to nothing": {scalar.MarshalFloat(-0.0000001), "-0.0000001"},
	} {
		if got := written(test.value); got != test.want {
			t.Errorf("%s is written %s, want %s", name, got, test.want)
		}
	}
}

// read is one of the functions that read a scalar, with its result as any.
type read func(v any) (any, error)

func reader[T any](f func(any) (T, error)) read {
	return func(v any) (any, error) { return f(v) }
}

func TestInputIsReadOrRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		read  read
		value any
		want  any // nil: refused
	}{
		{"a text", reader(scalar.UnmarshalString), "x", "x"},
		{"null for a text", reader(scalar.UnmarshalString), nil, ""},
		{"a number for a text", reader(scalar.UnmarshalString), json.Number("1"), nil},
		{"a URL", reader(scalar.UnmarshalURL), "https://example.org/a?b", "https://example.org/a?b"},
		{"a script for a URL", reader(scalar.UnmarshalURL), "javascript:alert(1)", nil},
		{"a path for a URL", reader(scalar.UnmarshalURL), "/a", nil},
		{"a URL without a host", reader(scalar.UnmarshalURL), "https://", nil},
		{"a country", reader(scalar.UnmarshalCountryCode), "gb", "GB"},
		{"a country of three letters", reader(scalar.UnmarshalCountryCode), "GBR", nil},
		{"a country of two signs", reader(scalar.UnmarshalCountryCode), "G1", nil},
		{"a time", reader(scalar.UnmarshalDateTime), "2026-01-02T03:04:05+01:00", time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)},
		{"the short form of a time", reader(scalar.UnmarshalDateTime), "2016-09-15T09:30", time.Date(2016, 9, 15, 9, 30, 0, 0, time.UTC)},
		{"a day for a time", reader(scalar.UnmarshalDateTime), "2016-09-15", nil},
		{"a number for a time", reader(scalar.UnmarshalDateTime), json.Number("1"), nil},
		{"a duration", reader(scalar.UnmarshalDuration), "PT30S", 30 * time.Second},
		{"a duration below nothing", reader(scalar.UnmarshalDuration), "-PT30S", nil},
		{"a duration of a century", reader(scalar.UnmarshalDuration), "P100Y", nil},
		{"a duration of Go", reader(scalar.UnmarshalDuration), "30s", nil},
		{"a whole number", reader(scalar.UnmarshalInt), json.Number("2147483647"), math.MaxInt32},
		{"a number of 33 bits", reader(scalar.UnmarshalInt), json.Number("2147483648"), nil},
		{"a literal of 64 bits", reader(scalar.UnmarshalInt), int64(math.MaxInt64), nil},
		{"a fraction for a whole number", reader(scalar.UnmarshalInt), 1.5, nil},
		{"a whole number written with a point", reader(scalar.UnmarshalInt), 2.0, 2},
		{"a text for a number", reader(scalar.UnmarshalInt), "1", nil},
		{"a fraction", reader(scalar.UnmarshalFloat), json.Number("0.5"), 0.5},
		{"a whole number for a fraction", reader(scalar.UnmarshalFloat), int64(3), 3.0},
		{"a number beyond measure", reader(scalar.UnmarshalFloat), json.Number("1e999"), nil},
		{"no number", reader(scalar.UnmarshalFloat), math.NaN(), nil},
		{"a text for a fraction", reader(scalar.UnmarshalFloat), "0.5", nil},
	} {
		got, err := test.read(test.value)
		if test.want != nil {
			if err != nil || got != test.want {
				t.Errorf("%s is read as %v, %v, want %v", test.name, got, err, test.want)
			}
			continue
		}
		var refused *gqlerror.Error
		if !errors.As(err, &refused) || refused.Extensions["code"] != scalar.Code || refused.Message == "" {
			t.Errorf("%s is read as %v, %v, want a refusal", test.name, got, err)
		}
	}
}

// Package scalar reads and writes the scalars of the schema.
//
// Going out, text that is "" and a time that is zero are null: that is how the
// domain says absent. Coming in, every refusal is an Invalid with a sentence that
// says what is allowed. gqlgen adds the path of the argument, and only that: the
// code BAD_USER_INPUT is set here.
package scalar

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/sosodev/duration"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Code is the extensions.code of a refused input.
const Code = "BAD_USER_INPUT"

// Invalid returns the error for an input that is refused.
func Invalid(format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{
		Message:    fmt.Sprintf(format, args...),
		Extensions: map[string]any{"code": Code},
	}
}

// MarshalString writes s, "" as null.
func MarshalString(s string) graphql.Marshaler {
	if s == "" {
		return graphql.Null
	}
	return graphql.MarshalString(s)
}

// UnmarshalString reads text; null is "".
func UnmarshalString(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", Invalid("must be text")
}

// MarshalURL writes u, "" as null.
func MarshalURL(u string) graphql.Marshaler { return MarshalString(u) }

// UnmarshalURL reads an absolute http or https URL.
func UnmarshalURL(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if ok {
		u, err := url.Parse(s)
		if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			return s, nil
		}
	}
	return "", Invalid("must be an absolute http or https URL, for example https://example.org/page")
}

// MarshalCountryCode writes c, "" as null.
func MarshalCountryCode(c string) graphql.Marshaler { return MarshalString(c) }

// UnmarshalCountryCode reads two letters, in either case.
func UnmarshalCountryCode(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	if s, ok := v.(string); ok && len(s) == 2 {
		s = strings.ToUpper(s)
		if s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' {
			return s, nil
		}
	}
	return "", Invalid("must be a two-letter country code of ISO 3166-1, for example GB")
}

// MarshalDateTime writes t as RFC 3339 in UTC, the zero time as null.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	if t.IsZero() {
		return graphql.Null
	}
	return MarshalString(t.UTC().Format(time.RFC3339Nano))
}

// UnmarshalDateTime reads RFC 3339, or Open Charge Map's short form
// 2016-09-15T09:30, which is UTC.
func UnmarshalDateTime(v any) (time.Time, error) {
	if v == nil {
		return time.Time{}, nil
	}
	if s, ok := v.(string); ok {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), nil
			}
		}
	}
	return time.Time{}, Invalid("must be a date and time of RFC 3339, for example 2026-09-15T09:30:00Z, or without seconds and zone 2026-09-15T09:30, which is read as UTC")
}

// maxDuration bounds a Duration that a client sends.
const maxDuration = 366 * 24 * time.Hour

// MarshalDuration writes d in the form of ISO 8601.
func MarshalDuration(d time.Duration) graphql.Marshaler {
	return MarshalString(duration.Format(d))
}

// UnmarshalDuration reads a duration of ISO 8601, zero to one year.
func UnmarshalDuration(v any) (time.Duration, error) {
	if v == nil {
		return 0, nil
	}
	if s, ok := v.(string); ok && len(s) <= 64 {
		if d, err := duration.Parse(s); err == nil {
			if span := d.ToTimeDuration(); span >= 0 && span <= maxDuration {
				return span, nil
			}
		}
	}
	return 0, Invalid("must be a duration of ISO 8601 between PT0S and P1Y, for example PT30S")
}

// MarshalInt writes i.
func MarshalInt(i int) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Itoa(i)) })
}

// UnmarshalInt reads a whole number of 32 bits, as GraphQL defines Int.
func UnmarshalInt(v any) (int, error) {
	var text string
	switch v := v.(type) {
	case nil:
		return 0, nil
	case json.Number:
		text = v.String()
	case int:
		text = strconv.Itoa(v)
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, Invalid("must be a whole number between %d and %d", math.MinInt32, math.MaxInt32)
	}
	return int(i), nil
}

// MarshalFloat writes f; what JSON has no number for is null.
func MarshalFloat(f float64) graphql.Marshaler {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = w.Write(strconv.AppendFloat(nil, f, 'f', -1, 64))
	})
}

// UnmarshalFloat reads a finite number.
func UnmarshalFloat(v any) (float64, error) {
	var f float64
	var err error
	switch v := v.(type) {
	case nil:
		return 0, nil
	case json.Number:
		f, err = v.Float64()
	case int:
		f = float64(v)
	case int64:
		f = float64(v)
	case float64:
		f = v
	default:
		return 0, Invalid("must be a number")
	}
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, Invalid("must be a finite number")
	}
	return f, nil
}

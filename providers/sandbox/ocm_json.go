package sandbox

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ocmShape is the switches of a query that shape the answer.
type ocmShape struct {
	verbose   bool // null members are written
	compact   bool // one line, no nested reference objects
	comments  bool // comments and photos although compact
	camelCase bool
}

// ocmEncoder writes records as the service's serializer does. It is built once
// and then only read, so goroutines may share it.
type ocmEncoder struct {
	plans map[reflect.Type][]ocmMember
}

// ocmMember is one field of a record type.
type ocmMember struct {
	index      int
	name       string // with quotes and colon
	camel      string
	ref, notes bool
}

func newOCMEncoder() *ocmEncoder {
	e := &ocmEncoder{plans: make(map[reflect.Type][]ocmMember)}
	e.plan(reflect.TypeFor[ocmPOI]())
	e.plan(reflect.TypeFor[ocmReferenceData]())
	return e
}

// plan prepares a type and those below it.
func (e *ocmEncoder) plan(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, done := e.plans[t]; done || t.Kind() != reflect.Struct || t == reflect.TypeFor[ocmDate]() {
		return
	}
	e.plans[t] = nil // types may contain themselves
	var members []ocmMember
	for f := range t.Fields() {
		if !f.IsExported() {
			continue
		}
		members = append(members, ocmMember{
			index: f.Index[0],
			name:  `"` + f.Name + `":`, camel: `"` + camelCase(f.Name) + `":`,
			ref: f.Tag.Get("ocm") == "ref", notes: f.Tag.Get("ocm") == "comments",
		})
		e.plan(f.Type)
	}
	e.plans[t] = members
}

// append writes v, a record or a slice of records, in the given shape. Unlike
// members, elements of a list are never left out.
func (e *ocmEncoder) append(dst []byte, v any, shape ocmShape) []byte {
	return e.value(dst, reflect.ValueOf(v), shape, 0)
}

func (e *ocmEncoder) value(dst []byte, v reflect.Value, shape ocmShape, depth int) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...)
		}
		if d, ok := reflect.TypeAssert[*ocmDate](v); ok {
			return appendOCMString(dst, d.text)
		}
		return e.value(dst, v.Elem(), shape, depth)
	case reflect.Slice:
		if v.IsNil() {
			return append(dst, "null"...)
		}
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = shape.newline(dst, depth+1)
			dst = e.value(dst, v.Index(i), shape, depth+1)
		}
		if v.Len() > 0 {
			dst = shape.newline(dst, depth)
		}
		return append(dst, ']')
	case reflect.Struct:
		return e.object(dst, v, shape, depth)
	case reflect.String:
		return appendOCMString(dst, v.String())
	case reflect.Int:
		return strconv.AppendInt(dst, v.Int(), 10)
	case reflect.Float64:
		return appendOCMNumber(dst, v.Float())
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool())
	default:
		panic(fmt.Sprintf("sandbox: record field of kind %s", v.Kind()))
	}
}

func (e *ocmEncoder) object(dst []byte, v reflect.Value, shape ocmShape, depth int) []byte {
	dst = append(dst, '{')
	first := true
	for _, m := range e.plans[v.Type()] {
		f := v.Field(m.index)
		null := f.Kind() == reflect.Pointer && f.IsNil() || f.Kind() == reflect.Slice && f.IsNil()
		null = null || shape.compact && (m.ref || m.notes && !shape.comments)
		if null && !shape.verbose {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = shape.newline(dst, depth+1)
		if shape.camelCase {
			dst = append(dst, m.camel...)
		} else {
			dst = append(dst, m.name...)
		}
		if !shape.compact {
			dst = append(dst, ' ')
		}
		if null {
			dst = append(dst, "null"...)
		} else {
			dst = e.value(dst, f, shape, depth+1)
		}
	}
	if !first {
		dst = shape.newline(dst, depth)
	}
	return append(dst, '}')
}

// newline starts an indented line; compact answers have one line.
func (s ocmShape) newline(dst []byte, depth int) []byte {
	if s.compact {
		return dst
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "  "...)
	}
	return dst
}

// appendOCMString quotes s the way the service's serializer does by default:
// everything that is not plain ASCII, and everything that could matter inside
// HTML, becomes a \u escape with capital digits.
func appendOCMString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '\\':
			dst = append(dst, `\\`...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r >= 0x10000:
			r -= 0x10000
			dst = appendEscape(appendEscape(dst, 0xD800+r>>10), 0xDC00+r&0x3FF)
		case r < ' ' || r >= 0x7F || strings.ContainsRune("\"&'+<>`", r):
			dst = appendEscape(dst, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// appendOCMNumber writes a double with as few digits as tell it apart, and with
// an exponent only where .NET writes one. What JSON cannot say becomes null.
func appendOCMNumber(dst []byte, x float64) []byte {
	switch abs := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return append(dst, "null"...)
	case abs != 0 && (abs < 1e-4 || abs >= 1e15):
		return strconv.AppendFloat(dst, x, 'E', -1, 64)
	default:
		return strconv.AppendFloat(dst, x, 'f', -1, 64)
	}
}

// camelCase lowers the leading capitals of a name, except the last one when a
// small letter follows: UUID uuid, ISOCode isoCode, PowerKW powerKW.
func camelCase(name string) string {
	b := []byte(name)
	for i := range b {
		if b[i] < 'A' || b[i] > 'Z' {
			break
		}
		if i > 0 && i+1 < len(b) && b[i+1] >= 'a' && b[i+1] <= 'z' {
			break
		}
		b[i] += 'a' - 'A'
	}
	return string(b)
}

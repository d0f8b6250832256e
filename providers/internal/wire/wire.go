// Package wire reads the JSON of upstreams that do not keep to their own
// description. The same member comes as 7, as "7", as null and not at all, a list
// of one comes without its brackets, a date with or without its zone; and one bad
// member among ten thousand records must cost that member, not the answer.
//
// Hence one rule for all types here, of which sources build theirs:
//
//   - A value of another kind is as good as none: it leaves the zero value, which
//     stands for "not said", and is no error.
//
//   - An error means that the text is no JSON. Then everything after it is lost.
//
//     JSON               Number   Flag    Text     Time      List    Object
//     7, 7.0             7        -       "7"      -         -       -
//     1                  1        true    "1"      -         -       -
//     "7"                7        -       "7"      -         -       -
//     "true"             -        true    "true"   -         -       -
//     "2026-11-20"       -        -       as it is the day   -       -
//     {"$date": 1e12}    1e12     -       -        the time  one     that
//     [{}, 7, {}]        -        -       -        -         two     -
//     null               -        -       -        -         -       -
//
// What a number or a text means, which values it may have and whether 0 stands
// for unknown, is each source's own knowledge. Nothing here is checked or cleaned
// beyond its kind; see package clean for that.
//
// The types implement json.UnmarshalerFrom of github.com/go-json-experiment/json
// and are to be read under [Lenient]. What comes by the thousand is read by a
// [Reader], with the same result. They are values without locks.
package wire

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Lenient returns the options under which upstreams are read: a member that
// stands twice counts as it stands last, and broken UTF-8 is replaced.
func Lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Number is a JSON number, or a text that holds one. It is finite.
type Number struct {
	Value float64
	Set   bool // false: none was said, and Value is 0
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *Number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*n = Number{}
	switch dec.PeekKind() {
	case jsontext.KindNumber, jsontext.KindString:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*n = parseNumber(token.String())
		return nil
	case jsontext.KindBeginObject:
		said, err := wrapped(dec)
		*n = parseNumber(said)
		return err
	default:
		return dec.SkipValue()
	}
}

func parseNumber(s string) Number {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return Number{}
	}
	return Number{Value: v, Set: true}
}

// MaxExact is the largest of the whole numbers that a [Number] holds exactly, as
// it does all that are smaller: a bound for ids that have no other.
const MaxExact = 1 << 52

// Whole returns the number if it was said, has no fraction and is lo..hi, which
// must be within ±[MaxExact].
func (n Number) Whole(lo, hi int) (v int, ok bool) {
	if !n.Set || n.Value != math.Trunc(n.Value) || n.Value < float64(lo) || n.Value > float64(hi) {
		return 0, false
	}
	return int(n.Value), true
}

// Positive returns a number greater than 0, else nil: a power or a voltage of 0
// is how most upstreams write that they do not know it.
func (n Number) Positive() *float64 {
	if n.Value <= 0 {
		return nil
	}
	return new(n.Value)
}

// Flag is a JSON truth value, or "true", "false", 1, 0 in a text or a number.
type Flag struct {
	Value bool
	Set   bool // false: it was not said, and Value is false
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *Flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*f = Flag{}
	switch dec.PeekKind() {
	case jsontext.KindTrue, jsontext.KindFalse, jsontext.KindString, jsontext.KindNumber:
	default:
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*f = parseFlag(token.String())
	return nil
}

func parseFlag(s string) Flag {
	switch strings.ToLower(s) {
	case "true", "1":
		return Flag{Value: true, Set: true}
	case "false", "0":
		return Flag{Set: true}
	}
	return Flag{}
}

// Pointer returns the value, nil where it was not said.
func (f Flag) Pointer() *bool {
	if !f.Set {
		return nil
	}
	return new(f.Value)
}

// Denied reports whether the flag was said, and false.
func (f Flag) Denied() bool { return f.Set && !f.Value }

// Text is a JSON text as it came, or a number as it is written.
type Text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = ""
	switch dec.PeekKind() {
	case jsontext.KindString, jsontext.KindNumber:
	default:
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*t = Text(token.String())
	return nil
}

// View is what Text is, in bytes: of a [Reader] those of what it reads, else a copy.
type View []byte

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (v *View) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t Text
	err := t.UnmarshalJSONFrom(dec)
	*v = View(t)
	return err
}

// Time is a date as [ParseTime] reads it, in UTC, or the zero time.
type Time struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Time) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = Time{}
	switch dec.PeekKind() {
	case jsontext.KindString:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		t.Time = ParseTime(token.String())
		return nil
	case jsontext.KindBeginObject:
		said, err := wrapped(dec)
		*t = parseWrappedTime(said)
		return err
	default: // a number, too: of what, since when, nobody knows
		return dec.SkipValue()
	}
}

func parseWrappedTime(said string) Time {
	if ms, err := strconv.ParseInt(said, 10, 64); err == nil && ms > 0 && ms < 1<<43 {
		return Time{time.UnixMilli(ms).UTC()}
	}
	return Time{ParseTime(said)}
}

// ParseTime reads a date: RFC 3339, the same without its zone, which is UTC then,
// without its seconds, or with a blank for the T; or the day alone. Anything
// else is the zero time, and so are years before 1900 and after 9998, with which
// programs say that they know none.
func ParseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	if len(s) < len(time.DateOnly) {
		return time.Time{}
	}
	if t, ok := parseStamp(s); ok {
		return t
	}
	return parseAny(s)
}

// parseAny is ParseTime of any of the forms.
func parseAny(s string) time.Time {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", time.DateTime, time.DateOnly,
	} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < 1900 || t.Year() > 9998 {
			return time.Time{}
		}
		return t
	}
	return time.Time{}
}

// parseStamp reads the form that nearly all dates have, "2006-01-02T15:04:05" with
// or without a fraction and a Z, as ParseTime does; ok is false for any other.
func parseStamp[T string | []byte](s T) (t time.Time, ok bool) {
	const form = "dddd-dd-ddTdd:dd:dd"
	if len(s) < len(form) {
		return time.Time{}, false
	}
	for i := range len(form) {
		if c := s[i]; form[i] == 'd' && (c < '0' || c > '9') || form[i] != 'd' && c != form[i] {
			return time.Time{}, false
		}
	}
	number := func(from, to int) (n int) {
		for ; from < to; from++ {
			n = 10*n + int(s[from]-'0')
		}
		return n
	}
	year, month, day := number(0, 4), time.Month(number(5, 7)), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	ns, rest := 0, s[len(form):]
	if len(rest) > 1 && rest[0] == '.' {
		i := 1
		for unit := int(time.Second) / 10; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
			ns += unit * int(rest[i]-'0')
			unit /= 10
		}
		if i == 1 {
			return time.Time{}, false
		}
		rest = rest[i:]
	}
	if len(rest) > 1 || len(rest) == 1 && rest[0] != 'Z' {
		return time.Time{}, false
	}
	t = time.Date(year, month, day, hour, minute, second, ns, time.UTC)
	// A day or an hour that there is not was made another one.
	if year < 1900 || year > 9998 || t.Day() != day || t.Month() != month || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return t, true
}

// maxWrapped is longer than any object that wraps a scalar.
const maxWrapped = 128

// wrapped reads an object and returns what it wraps as exports of MongoDB do:
// {"$date": …}, {"$numberLong": "…"}; "" for any other object.
func wrapped(dec *jsontext.Decoder) (string, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return "", err
	}
	return unwrap(raw), nil
}

// unwrap is wrapped of an object that was read already.
func unwrap(raw jsontext.Value) string {
	if len(raw) > maxWrapped {
		return ""
	}
	var members map[string]jsontext.Value
	if json.Unmarshal(raw, &members, Lenient()) != nil || len(members) != 1 {
		return "" // an object without meaning is no value, not a failure
	}
	for name, value := range members {
		switch name {
		case "$date", "$numberLong", "$numberInt", "$numberDouble":
			if value.Kind() == jsontext.KindBeginObject {
				return unwrap(value)
			}
			return strings.Trim(string(value), `"`)
		}
	}
	return ""
}

// List is a JSON array of objects, or one object alone. Elements that are none
// are left out.
//
// A list that is read again is overwritten: its array is used anew, because a
// feed is millions of small lists. An element that implements [Resetter] can
// keep room of its own. Elements must hence not outlive the next reading, which
// those of a List in a value that is read once never see.
type List[T any] []T

// Resetter empties a value before it is read anew, and may keep the room of its
// lists.
type Resetter interface{ Reset() }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *List[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = (*l)[:0]
	switch dec.PeekKind() {
	case jsontext.KindBeginObject:
		return l.one(dec)
	case jsontext.KindBeginArray:
	default:
		return dec.SkipValue()
	}
	return Array(dec, func() error {
		if dec.PeekKind() != jsontext.KindBeginObject {
			return dec.SkipValue()
		}
		return l.one(dec)
	})
}

func (l *List[T]) one(dec *jsontext.Decoder) error { return json.UnmarshalDecode(dec, l.next()) }

// next appends an empty element.
func (l *List[T]) next() *T {
	var empty T
	n := len(*l)
	if n == cap(*l) {
		*l = append(*l, empty)
	} else {
		*l = (*l)[:n+1]
	}
	v := &(*l)[n]
	if r, ok := any(v).(Resetter); ok {
		r.Reset()
	} else {
		*v = empty
	}
	return v
}

// Array reads the array that dec stands before, and calls element before each of
// its values, which element must read or skip. It ends with the first error.
func Array(dec *jsontext.Decoder, element func() error) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// Object is a JSON object.
type Object[T any] struct {
	Value T
	Set   bool // false: there was none, and Value is empty
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *Object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*o = Object[T]{}
	if dec.PeekKind() != jsontext.KindBeginObject {
		return dec.SkipValue()
	}
	o.Set = true
	return json.UnmarshalDecode(dec, &o.Value)
}

// Names holds the names that the members of one record have so far. Make one for
// each record and kind of member.
type Names map[string]bool

// Of returns the name of the next member: its id, or "n" and its place if ok is
// false. isNew is false for a member whose name was given before, which is the
// same member once more.
func (n Names) Of(id int, ok bool) (name string, isNew bool) {
	name = "n" + strconv.Itoa(len(n)+1)
	if ok {
		name = strconv.Itoa(id)
	}
	if n[name] {
		return "", false
	}
	n[name] = true
	return name, true
}

package wire

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Reader reads the types of this package from a text that is known to be one
// proper JSON value, as json.Unmarshal would under [Lenient], and several times as
// fast: it makes nothing of what it reads but what is kept. What a type's members
// are is said by a function that reads one of them:
//
//	func (w *site) member(r *wire.Reader, name []byte) {
//		switch string(name) {
//		case "ID":
//			w.ID = r.Number()
//		case "Plugs":
//			wire.ReadList(r, &w.Plugs, (*plug).member)
//		default:
//			r.Skip()
//		}
//	}
//
// Such a function reads or skips exactly the one value that it is called before.
// Of a text that is not proper JSON anything may be read, but Reader neither
// panics nor reads on for ever. The zero Reader stands before an empty text. It is
// for one goroutine.
type Reader struct {
	text []byte
	at   int
	room []byte // of what had to be decoded
}

// Reset puts r before text, which must stay as it is while it is read. Every View
// that r has given out is invalid from now on.
func (r *Reader) Reset(text jsontext.Value) {
	r.text, r.at, r.room = text, 0, r.room[:0]
}

// kind returns the first byte of the next value, which tells its kind, or what
// stands in the place of one; 0 at the end.
func (r *Reader) kind() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return 0
}

// pass moves behind c, if that comes next.
func (r *Reader) pass(c byte) bool {
	if r.kind() != c {
		return false
	}
	r.at++
	return true
}

// isNumber reports whether a value that begins with c is a number.
func isNumber(c byte) bool { return c == '-' || c >= '0' && c <= '9' }

// Skip passes over a value.
func (r *Reader) Skip() {
	switch r.kind() {
	case '"':
		r.quoted()
	case '{', '[':
		r.nested()
	default:
		r.scalar()
	}
}

// quoted returns the text between the quotes of a string, and whether it stands
// for itself: it has no escapes, and is UTF-8.
func (r *Reader) quoted() (inner []byte, plain bool) {
	start := r.at + 1
	text := r.text[min(start, len(r.text)):]
	for i, c := range text {
		if c == '"' {
			r.at = start + i + 1
			return text[:i], true
		}
		if c == '\\' || c >= utf8.RuneSelf {
			return r.quotedFrom(start, start+i)
		}
	}
	r.at = len(r.text)
	return nil, true
}

// quotedFrom is quoted for a string that begins at start, of which what stands
// before from is plain.
func (r *Reader) quotedFrom(start, from int) (inner []byte, plain bool) {
	for {
		i := bytes.IndexByte(r.text[from:], '"')
		if i < 0 {
			r.at = len(r.text)
			return nil, true
		}
		end := from + i
		// An odd number of backslashes before it makes a quote one of the text.
		slashes := 0
		for end-slashes > start && r.text[end-slashes-1] == '\\' {
			slashes++
		}
		if from = end + 1; slashes%2 == 1 {
			continue
		}
		r.at = from
		inner = r.text[start:end]
		return inner, bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner)
	}
}

// scalar returns a number or a literal, and of anything else at least one byte.
func (r *Reader) scalar() []byte {
	start := r.at
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			if r.at == start {
				r.at++
			}
			return r.text[start:r.at]
		}
		r.at++
	}
	return r.text[start:]
}

// nested returns an object or an array as it is written.
func (r *Reader) nested() []byte {
	start := r.at
	for depth := 0; r.at < len(r.text); {
		switch r.text[r.at] {
		case '"':
			r.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		r.at++
		if depth == 0 {
			break
		}
	}
	return r.text[start:r.at]
}

// decoded returns a string without its escapes.
func (r *Reader) decoded() []byte {
	start := r.at
	inner, plain := r.quoted()
	if plain {
		return inner
	}
	from := len(r.room)
	// Fails for a string that is none; broken UTF-8 is replaced.
	r.room, _ = jsontext.AppendUnquote(r.room, r.text[start:r.at])
	return r.room[from:len(r.room):len(r.room)]
}

// Number reads a value as [Number] does.
func (r *Reader) Number() Number {
	switch c := r.kind(); {
	case isNumber(c):
		text := r.scalar()
		if n, ok := decimal(text); ok {
			return n
		}
		return parseNumber(string(text))
	case c == '"':
		return parseNumber(string(r.decoded()))
	case c == '{':
		return parseNumber(unwrap(r.nested()))
	}
	r.Skip()
	return Number{}
}

// decimal returns a JSON number that needs no rounding before its last step, as
// strconv does; ok is false for one with an exponent, or of too many digits.
func decimal(text []byte) (n Number, ok bool) {
	const most, exact = 18, 1 << 53 // digits of a uint64; and up to where a float64 has all whole numbers
	digits, negative := text, false
	if len(digits) > 0 && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	if len(digits) == 0 || len(digits) > most {
		return Number{}, false
	}
	whole, power, point := uint64(0), 1.0, false
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			whole = 10*whole + uint64(c-'0')
			if point {
				power *= 10 // exact up to 1e22
			}
		case c == '.' && !point:
			point = true
		default:
			return Number{}, false
		}
	}
	if whole > exact {
		return Number{}, false
	}
	v := float64(whole) / power
	if negative {
		v = -v
	}
	return Number{Value: v, Set: true}, true
}

// Flag reads a value as [Flag] does.
func (r *Reader) Flag() Flag {
	switch c := r.kind(); {
	case c == '"':
		return parseFlag(string(r.decoded()))
	case c == 't', c == 'f', isNumber(c):
		return parseFlag(string(r.scalar()))
	}
	r.Skip()
	return Flag{}
}

// View reads a value as [View] does, without a copy: it is valid until Reset, and
// no longer than the text of r.
func (r *Reader) View() View {
	switch c := r.kind(); {
	case c == '"':
		return r.decoded()
	case isNumber(c):
		return r.scalar()
	}
	r.Skip()
	return nil
}

// Time reads a value as [Time] does.
func (r *Reader) Time() Time {
	switch r.kind() {
	case '"':
		text := r.decoded()
		if at, ok := parseStamp(text); ok {
			return Time{at}
		}
		return Time{ParseTime(string(text))}
	case '{':
		return parseWrappedTime(unwrap(r.nested()))
	}
	r.Skip()
	return Time{}
}

// Raw returns an object as it is written, valid as a View is; nil for any other value.
func (r *Reader) Raw() jsontext.Value {
	if r.kind() != '{' {
		r.Skip()
		return nil
	}
	return r.nested()
}

// Members calls member before each value of an object, with the name that it has,
// which is valid during the call. It returns false for any other value, which is
// passed over.
func Members[T any](r *Reader, v *T, member func(v *T, r *Reader, name []byte)) bool {
	if !r.pass('{') {
		r.Skip()
		return false
	}
	for {
		switch r.kind() {
		case ',':
			r.at++
		case '"':
			name := r.decoded()
			if r.pass(':') {
				member(v, r, name)
			}
		default:
			r.pass('}')
			return true
		}
	}
}

// ReadObject reads a value as [Object] does.
func ReadObject[T any](r *Reader, o *Object[T], member func(v *T, r *Reader, name []byte)) {
	*o = Object[T]{}
	o.Set = Members(r, &o.Value, member)
}

// ReadList reads a value as [List] does, into the room that l has.
func ReadList[T any](r *Reader, l *List[T], member func(v *T, r *Reader, name []byte)) {
	*l = (*l)[:0]
	switch r.kind() {
	case '{':
		Members(r, l.next(), member)
		return
	case '[':
		r.at++
	default:
		r.Skip()
		return
	}
	for {
		switch r.kind() {
		case ',':
			r.at++
		case '{':
			Members(r, l.next(), member)
		case ']', 0:
			r.pass(']')
			return
		default:
			r.Skip()
		}
	}
}

package sandbox

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// ocpiWriter writes JSON member by member, because an OCPI object has other
// members in each version, and null or nothing as its party is used to. Commas
// come by themselves.
type ocpiWriter struct {
	b []byte
	// nulls writes what is absent as null; otherwise the member is left out.
	nulls bool
}

// comma separates from what came before, if anything did and nobody else has.
// The last byte tells: no value ends in one of these.
func (w *ocpiWriter) comma() {
	if n := len(w.b); n > 0 && strings.IndexByte("{[:,", w.b[n-1]) < 0 {
		w.b = append(w.b, ',')
	}
}

func (w *ocpiWriter) open(bracket byte)  { w.comma(); w.b = append(w.b, bracket) }
func (w *ocpiWriter) close(bracket byte) { w.b = append(w.b, bracket) }

// key begins a member. Names are ours and need no escapes.
func (w *ocpiWriter) key(name string) *ocpiWriter {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
	return w
}

// raw writes a value that is JSON already.
func (w *ocpiWriter) raw(json string) {
	w.comma()
	w.b = append(w.b, json...)
}

func (w *ocpiWriter) text(s string) {
	w.comma()
	w.b = appendOCPIString(w.b, s)
}

func (w *ocpiWriter) number(x float64) {
	w.comma()
	w.b = strconv.AppendFloat(w.b, x, 'f', -1, 64)
}

func (w *ocpiWriter) boolean(x bool) {
	w.comma()
	w.b = strconv.AppendBool(w.b, x)
}

// null writes a member that is absent, in the manner of the party.
func (w *ocpiWriter) null(name string) {
	if w.nulls {
		w.key(name).raw("null")
	}
}

// opt writes a text that is absent when empty.
func (w *ocpiWriter) opt(name, s string) {
	if s == "" {
		w.null(name)
		return
	}
	w.key(name).text(s)
}

// list writes texts, absent when there are none.
func (w *ocpiWriter) list(name string, texts []string) {
	if len(texts) == 0 {
		w.null(name)
		return
	}
	w.key(name).open('[')
	for _, s := range texts {
		w.text(s)
	}
	w.close(']')
}

// appendOCPIString quotes s; what is not ASCII stays as it is.
func appendOCPIString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', s[i])
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r < ' ':
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[s[i]>>4], hex[s[i]&15])
		case r == utf8.RuneError && size == 1:
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}

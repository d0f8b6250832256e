// Package clean makes what strangers wrote fit to be shown. Upstreams are filled
// by drivers, operators and their programs: a name arrives with line ends in it,
// an opening time as a piece of HTML, a link as javascript:. Every text and every
// URL that a source puts into a record goes through one of three functions:
//
//   - [Line] for what stands on one line: titles, addresses, ids
//   - [Text] for what people wrote at length: comments, descriptions
//   - [URL] for what will be followed or loaded
//
// All are pure, change nothing when applied again, and give valid UTF-8 without
// markup, control characters, or characters that are not seen but change what is
// seen around them. Markup goes, and what merely looks like it stays: "<60 kW" is
// a text. Callers that know what a text is for narrow it further themselves.
package clean

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of plain text: entities decoded, tags and
// control characters dropped, every run of blanks and line ends one blank.
func Line(s string) string {
	if isClean(s) {
		return s
	}
	return cleanLine(s)
}

func cleanLine(s string) string { return strings.Join(strings.Fields(plain(s)), " ") }

// Text returns s as plain text in lines: what [Line] does, but line ends stay, and
// at most one empty line between paragraphs. A text of blanks is "".
func Text(s string) string {
	if isClean(s) {
		return s
	}
	return cleanText(s)
}

func cleanText(s string) string {
	var b strings.Builder
	empty := 0
	for line := range strings.SplitSeq(plain(s), "\n") {
		line = strings.Join(strings.Fields(line), " ")
		switch {
		case line == "":
			empty++
			continue
		case b.Len() > 0:
			b.WriteString("\n\n"[:min(empty, 1)+1])
		}
		empty = 0
		b.WriteString(line)
	}
	return b.String()
}

// isClean reports whether a text needs nothing done, which is as far as it looks:
// one line without markup, in the letters of Europe and of the Near East.
func isClean(s string) bool {
	// From the first to the last there are no blanks and no controls, and nothing
	// that is not seen and removed.
	const first, last = 0xa1, 0x167f
	blank := true // as if one stood before the text
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			if blank {
				return false
			}
			blank = true
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r < first || r > last {
				return false
			}
			i += size - 1
			blank = false
		case c < ' ' || c == 0x7f || c == '<' || c == '&':
			return false
		default:
			blank = false
		}
	}
	return !blank || s == ""
}

// maxUnwrap is how many times markup may be wrapped in markup before it is
// taken for an attack and loses the characters that make it markup.
const maxUnwrap = 4

// plain removes markup and invisible characters; blanks stay as they are. It
// goes on until nothing is left to remove, so that what is removed cannot
// leave new markup behind.
func plain(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	for range maxUnwrap {
		next := visible(stripTags(html.UnescapeString(s)))
		if next == s {
			return s
		}
		s = next
	}
	return strings.Map(func(r rune) rune {
		if r == '<' || r == '>' || r == '&' {
			return -1
		}
		return r
	}, s)
}

// visible drops control characters, byte order marks, zero-width blanks and
// what turns the direction of the text around it; line ends become \n.
func visible(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case r == '\t' || r == '\v' || r == '\f':
			return ' '
		case unicode.IsControl(r), r == '\ufeff', r == '\u200b', r == '\u2060',
			r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, s)
}

// stripTags drops tags and comments, and what stands inside scripts and styles.
// A "<" before a blank or a digit is no tag, nor is one that is never closed.
func stripTags(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 || strings.IndexByte(s[open:], '>') < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:open])
		s = s[open:]
		end := tagEnd(s)
		if end < 0 {
			b.WriteByte('<')
			s = s[1:]
			continue
		}
		name := tagName(s[1:end])
		s = s[end:]
		switch name {
		case "br", "p", "/p", "div", "/div", "li", "tr", "ul", "ol":
			b.WriteByte('\n')
		case "script", "style":
			if i := indexFold(s, "</"+name); i >= 0 {
				s = s[i:]
			} else {
				s = ""
			}
		}
	}
}

// tagEnd returns the length of the tag at the beginning of s, or -1.
func tagEnd(s string) int {
	if len(s) < 3 || !isLetter(s[1]) && s[1] != '/' && s[1] != '!' && s[1] != '?' {
		return -1
	}
	if strings.HasPrefix(s, "<!--") {
		if i := strings.Index(s[4:], "-->"); i >= 0 {
			return 4 + i + 3
		}
	}
	i := strings.IndexByte(s, '>')
	if i < 0 {
		return -1
	}
	return i + 1
}

func tagName(tag string) string {
	end := 0
	for end < len(tag) && (isLetter(tag[end]) || end == 0 && tag[0] == '/') {
		end++
	}
	return strings.ToLower(tag[:end])
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// indexFold finds an ASCII text whatever its case.
func indexFold(s, sub string) int {
	for i := 0; i+len(sub) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(sub)], sub) {
			return i
		}
	}
	return -1
}

// maxURLLen is more than any browser's address bar takes.
const maxURLLen = 2048

// URL returns s if it is an absolute http or https URL that names a host and no
// user, of at most 2,048 bytes, else "". An address that begins with "www." is
// given http://, as browsers do. Only blanks around it and the case of its scheme
// are mended: an address that needs more than that is not the one that was meant.
func URL(s string) string {
	if isPlainURL(s) {
		return s
	}
	return cleanURL(s)
}

func cleanURL(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 4 && strings.EqualFold(s[:4], "www.") {
		s = "http://" + s
	}
	if s == "" || len(s) > maxURLLen || !utf8.ValidString(s) || strings.ContainsFunc(s, unwelcomeInURL) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Opaque != "" {
		return ""
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if host := u.Hostname(); !strings.ContainsAny(host, ".:") && host != "localhost" {
		return ""
	}
	return u.Scheme + s[len(u.Scheme):]
}

// isPlainURL reports whether s is a URL as most are, of which nobody need think
// twice: a host by its name, and a path and a query of letters, digits and the
// like behind it.
func isPlainURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	if !ok || len(s) > maxURLLen {
		return false
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if !strings.Contains(host, ".") {
		return false
	}
	for _, c := range []byte(host) {
		if !isLetter(c) && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	for _, c := range []byte(path) {
		if !isLetter(c) && (c < '0' || c > '9') && strings.IndexByte("/?=&.-_~+,", c) < 0 {
			return false
		}
	}
	return true
}

func unwelcomeInURL(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == '\x7f' || r == '<' || r == '>' || r == '"' || r == '`' || r == '\\'
	}
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\ufeff' || r >= '\u200b' && r <= '\u202e'
}

package ocpi

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanLine returns s as one line of plain text: entities decoded, tags and
// invisible characters dropped, every run of blanks and line ends one blank.
func cleanLine(s string) string {
	if isClean(s) {
		return s
	}
	return strings.Join(strings.Fields(plain(s)), " ")
}

// cleanText does the same, but keeps line ends.
func cleanText(s string) string {
	if isClean(s) {
		return s
	}
	var lines []string
	for line := range strings.SplitSeq(plain(s), "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// isClean reports whether a text of plain ASCII needs nothing done.
func isClean(s string) bool {
	blank := true // as if one stood before the text
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			if blank {
				return false
			}
			blank = true
		case c < ' ' || c >= 0x7f || c == '<' || c == '&':
			return false
		default:
			blank = false
		}
	}
	return !blank || s == ""
}

var (
	reScript = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|$)`)
	reBreak  = regexp.MustCompile(`(?i)<(br|/?p|/?div|li|tr)\b[^>]*>`)
	reTag    = regexp.MustCompile(`(?s)<!--.*?-->|<[a-zA-Z/!?][^>]*>`)
)

// maxUnwrap is how many times markup may be wrapped in markup before it is
// taken for an attack and loses the characters that make it markup.
const maxUnwrap = 4

// plain removes markup and invisible characters, until nothing is left to
// remove, so that what is removed cannot leave new markup behind.
func plain(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	for range maxUnwrap {
		next := html.UnescapeString(s)
		if strings.Contains(next, "<") {
			next = reScript.ReplaceAllString(next, "")
			next = reBreak.ReplaceAllString(next, "\n")
			next = reTag.ReplaceAllString(next, "")
		}
		if next = visible(next); next == s {
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

// maxURLLen is more than any browser's address bar takes.
const maxURLLen = 2048

// cleanURL returns s if it is an absolute http or https URL, else "". An
// address that begins with "www." is given https://.
func cleanURL(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 4 && strings.EqualFold(s[:4], "www.") {
		s = "https://" + s
	}
	if s == "" || len(s) > maxURLLen || !utf8.ValidString(s) || strings.ContainsFunc(s, unwelcomeInURL) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if host := u.Hostname(); !strings.ContainsAny(host, ".:") && host != "localhost" {
		return ""
	}
	return u.Scheme + s[len(u.Scheme):]
}

func unwelcomeInURL(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>\"`\\", r) || r == '\ufeff' || r >= '\u200b' && r <= '\u202e'
}

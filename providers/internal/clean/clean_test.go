package clean

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTextsAreCleanedOfBlanksAndMarkup(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, line, text string }{
		{"nothing", "", "", ""},
		{"clean", "Town Hall", "Town Hall", "Town Hall"},
		{"blanks around", "  Town Hall\t", "Town Hall", "Town Hall"},
		{"line ends", "Rear\r\nentrance\r\rof\u00a0the  mall", "Rear entrance of the mall", "Rear\nentrance\n\nof the mall"},
		{"paragraphs", "a\r\n\r\n\r\n\r\nb", "a b", "a\n\nb"},
		{"tags", "<p>Fast &amp; <b>free</b></p>\r\n<img src=x onerror=alert(1)>", "Fast & free", "Fast & free"},
		{"breaks", "one<br/>two<BR>three", "one two three", "one\ntwo\nthree"},
		{"script", "a<script>alert('<b>')</script>b", "ab", "ab"},
		{"comparisons are no tags", "$0.26/min >=60kW; $0.13/min <60kW, I <3 it", "$0.26/min >=60kW; $0.13/min <60kW, I <3 it", "$0.26/min >=60kW; $0.13/min <60kW, I <3 it"},
		{"an unclosed tag", "a <b c", "a <b c", "a <b c"},
		{"entities", "Caf&eacute; &#39;Z&#39; &lt;3", "Café 'Z' <3", "Café 'Z' <3"},
		{"tags behind entities", "&lt;script&gt;alert(1)&lt;/script&gt;x", "x", "x"},
		{"tags behind tags", "<<b>i>x", "x", "x"},
		{"wrapped for ever", strings.Repeat("&amp;", 1) + strings.Repeat("amp;", 50) + "lt;b&gt;", "amp;amp;amp;", "amp;"},
		{"control characters", "a\x00b\x1b[31mc\u202ed\ufeff\u200b", "ab[31mcd", "ab[31mcd"},
		{"Devanagari joiners stay", "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"},
		{"broken UTF-8", "a\xffb", "a\ufffdb", "a\ufffdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			line, text := Line(c.in), Text(c.in)
			if c.name == "wrapped for ever" {
				if strings.ContainsAny(line+text, "<>&") {
					t.Errorf("markup is left: %q, %q", line, text)
				}
				return
			}
			if line != c.line {
				t.Errorf("Line(%q) = %q, want %q", c.in, line, c.line)
			}
			if text != c.text {
				t.Errorf("Text(%q) = %q, want %q", c.in, text, c.text)
			}
		})
	}
}

var reTag = regexp.MustCompile(`<[A-Za-z/!?][^>]*>`)

// checkClean checks what holds for every cleaned text.
func checkClean(t *testing.T, s string) {
	t.Helper()
	switch {
	case !utf8.ValidString(s):
		t.Errorf("%q is not UTF-8", s)
	case strings.ContainsAny(s, "\r\u200b\u202e\ufeff"):
		t.Errorf("%q has characters that are not seen", s)
	case s != strings.TrimSpace(s):
		t.Errorf("%q has blanks around", s)
	case strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }):
		t.Errorf("%q has control characters", s)
	case reTag.MatchString(s):
		t.Errorf("%q has tags", s)
	case strings.Contains(s, "\n\n\n"), strings.Contains(s, "  "), strings.Contains(s, " \n"), strings.Contains(s, "\n "):
		t.Errorf("%q has blanks to spare", s)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", " a ", "a\r\nb", "<p>a</p>", "&amp;lt;b&amp;gt;", "<<b>b>", "<!-- a", "<script>", "a < b > c", "\x00", "&#60;b&#62;", "< b>", "&nbsp;&nbsp;a", "<\nb>", "<b\u0000>", "a\u200bb\u202e", "<script>alert(1)</script>", "&amp;amp;amp;amp;amp;lt;b&gt;", "\xff",
		"Straße 7", "Ελλάδα\u1680", "\u00a0a", "a\u0085", "שלום", "a\u00adb", "é\xc3", "東京", "a\u0300", "\u2028",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := Line(s)
		checkClean(t, line)
		if careful := cleanLine(s); careful != line {
			t.Errorf("Line(%q) = %q, and without a short cut %q", s, line, careful)
		}
		if strings.Contains(line, "\n") {
			t.Errorf("Line(%q) = %q has several lines", s, line)
		}
		if again := Line(line); again != line {
			t.Errorf("cleaned twice, %q becomes %q, then %q", s, line, again)
		}
		text := Text(s)
		checkClean(t, text)
		if careful := cleanText(s); careful != text {
			t.Errorf("Text(%q) = %q, and without a short cut %q", s, text, careful)
		}
		if again := Text(text); again != text {
			t.Errorf("cleaned twice, %q becomes %q, then %q", s, text, again)
		}
	})
}

func TestOnlyHTTPURLsAreKept(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "",
		"http://example.com":                   "http://example.com",
		" https://example.com/a?b=c&d=e#f ":    "https://example.com/a?b=c&d=e#f",
		"HTTP://Example.com/A":                 "http://Example.com/A",
		"www.example.com/x":                    "http://www.example.com/x",
		"example.com":                          "",
		"javascript:alert(1)":                  "",
		"http://javascript:alert('x')":         "",
		"mailto:a@b.example":                   "",
		"http://mailto:a@b.example":            "",
		"http://user:secret@example.com":       "",
		"data:text/html,hi":                    "",
		"ftp://example.com":                    "",
		"//example.com":                        "",
		"/images/a.jpg":                        "",
		"http://":                              "",
		"http:///x":                            "",
		"http://http://example.com":            "",
		"http://n/a":                           "",
		"http://a.example or http://b.example": "",
		"http://a.example/\"><script>":         "",
		"http://[::1]:8080/x":                  "http://[::1]:8080/x",
		"http://münchen.example/ä":             "http://münchen.example/ä",
		"http://a.example/%zz":                 "",
		"http://a.example:99x/":                "",
		"http://a.example/\x00":                "",
		"https://" + strings.Repeat("a", 3000): "",
		"http://localhost:8080/photo.jpg":      "http://localhost:8080/photo.jpg",
		"http:example.com":                     "",
		"https://media.example.com/a b.jp":     "",
	} {
		if got := URL(in); got != want {
			t.Errorf("URL(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://a.b", "www.x.y", "javascript:alert(1)", "HTTPS://A.B/c?d#e", "http://a:b@c.d", "http://[::1]", "https://a.b/c-d_e/f.jpg?g=h&i=1,2~+", "http://..", "http://-.-?", "https://a.b?c//d", "http://a./?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := URL(s)
		if careful := cleanURL(s); careful != got {
			t.Errorf("URL(%q) = %q, and without a short cut %q", s, got, careful)
		}
		if got == "" {
			return
		}
		checkURL(t, got)
		if again := URL(got); again != got {
			t.Errorf("cleaned twice, %q becomes %q, then %q", s, got, again)
		}
	})
}

// checkURL checks what holds for every URL in a record.
func checkURL(t *testing.T, s string) {
	t.Helper()
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		t.Errorf("%q is not an absolute http URL", s)
	}
}

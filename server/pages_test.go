package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"chargegraph/server"
)

// files are the page and all that it loads.
func files() map[string]string {
	return map[string]string{
		"/":                          "text/html; charset=utf-8",
		"/playground/playground.js":  "text/javascript; charset=utf-8",
		"/playground/playground.css": "text/css; charset=utf-8",
		"/playground/examples.json":  "application/json; charset=utf-8",
		"/playground/icon.svg":       "image/svg+xml; charset=utf-8",
		"/schema.graphqls":           "text/plain; charset=utf-8",
	}
}

func withSDL(c *server.Config) { c.SDL = "type Query { a: Int }\n" }

func TestPagesAreServedUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, withSDL)
	for path, mediaType := range files() {
		w := send(h, http.MethodGet, path, "")
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("GET %s = %d, %d bytes", path, w.Code, w.Body.Len())
		}
		for header, want := range map[string]string{
			"Content-Type": mediaType,
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
				"base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
			"Cache-Control":          "no-cache",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, header, got, want)
			}
		}
	}
}

func TestAPageThatIsKnownAlreadyIsNotSentAgain(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, withSDL)
	seen := make(map[string]string)
	for path := range files() {
		etag := send(h, http.MethodGet, path, "").Header().Get("ETag")
		if other, ok := seen[etag]; ok || etag == "" {
			t.Errorf("%s has the ETag %q, as has %q", path, etag, other)
		}
		seen[etag] = path
		if w := send(h, http.MethodGet, path, "", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("GET %s again = %d, %d bytes, want 304 and none", path, w.Code, w.Body.Len())
		}
		if w := send(h, http.MethodGet, path, "", "If-None-Match", `"other"`); w.Code != http.StatusOK {
			t.Errorf("GET %s with another ETag = %d, want 200", path, w.Code)
		}
	}
	warned, _ := newHandler(t, titled, sandbox)
	if _, ok := seen[send(warned, http.MethodGet, "/", "").Header().Get("ETag")]; ok {
		t.Error("the page of a sandbox has the ETag of the other one")
	}
}

func TestThePageNeedsNoOtherHostAndNothingInline(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, sandbox)
	forbidden := regexp.MustCompile(`(?i)https?:|@import|<style|<script>|\sstyle=|\son\w+=|javascript:|innerHTML`)
	for path := range files() {
		body := strings.ReplaceAll(send(h, http.MethodGet, path, "").Body.String(), `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := forbidden.FindAllString(body, -1); found != nil {
			t.Errorf("%s has %q", path, found)
		}
	}
}

func TestTheExamplesAreValid(t *testing.T) {
	t.Parallel()
	sdl, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(sdl)})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := newHandler(t, titled)
	decoder := json.NewDecoder(bytes.NewReader(send(h, http.MethodGet, "/playground/examples.json", "").Body.Bytes()))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	var examples []struct {
		Title, About string
		Site         bool
		Query        []string
		Variables    map[string]any
	}
	if err := decoder.Decode(&examples); err != nil {
		t.Fatal(err)
	}
	sites := 0
	for _, e := range examples {
		t.Run(e.Title, func(t *testing.T) {
			if e.Title == "" || e.About == "" {
				t.Errorf("it lacks a title or a sentence: %+v", e)
			}
			doc, err := gqlparser.LoadQueryWithRules(schema, strings.Join(e.Query, "\n"), rules.NewDefaultRules())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := validator.VariableValues(schema, doc.Operations[0], e.Variables); err != nil {
				t.Error(err)
			}
			if e.Site {
				sites++
				if !strings.Contains(strings.Join(e.Query, ""), "$by: POIRef!") {
					t.Error("a link to a site needs the variable $by")
				}
			}
		})
	}
	if len(examples) < 7 || sites != 1 {
		t.Errorf("%d examples, %d of one site; want at least 7 and 1", len(examples), sites)
	}
}

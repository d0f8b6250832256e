package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"chargegraph/web"
)

// smallPage is the playground that is always there.
func smallPage() fs.FS { return os.DirFS("../web/small") }

const (
	script  = "console.log('a playground')\n"
	licence = "MIT, all of it\n"
)

// bundle is what a build of GraphiQL leaves, in small.
func bundle(t *testing.T) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		".keep": {},
		"index.html": {Data: []byte(`<!doctype html>{{if .Sandbox}}sandbox{{end}}{{if .SDL}}schema{{end}}` +
			`<script type="module" src="playground/app-1A2B3C4D.js"></script>`)},
		"app-1A2B3C4D.js.gz":   {Data: gzipped(t, script)},
		"font-1A2B3C4D.woff2":  {Data: []byte("wOF2")},
		"licenses.txt.gz":      {Data: gzipped(t, licence)},
		"sub/more-1A2B3C4D.js": {Data: []byte(script)},
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func muxOf(t *testing.T, files fs.FS, bundled bool, sdl string) http.Handler {
	t.Helper()
	ps, err := makePages(files, bundled, about{sandbox: true, sdl: sdl})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	ps.register(mux)
	return mux
}

// get asks for path; headers are names and values in turn.
func get(t *testing.T, h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func headersOf(w *httptest.ResponseRecorder, names ...string) map[string]string {
	got := make(map[string]string)
	for _, name := range names {
		got[name] = w.Header().Get(name)
	}
	return got
}

func TestTheSmallPageNeedsNoOtherHostAndNothingInline(t *testing.T) {
	t.Parallel()
	h := muxOf(t, smallPage(), false, "type Query { a: Int }")
	forbidden := regexp.MustCompile(`(?i)https?:|@import|<style|<script>|\sstyle=|\son\w+=|javascript:|innerHTML`)
	for path, mediaType := range map[string]string{
		"/":                          "text/html; charset=utf-8",
		"/playground/playground.js":  "text/javascript; charset=utf-8",
		"/playground/examples.js":    "text/javascript; charset=utf-8",
		"/playground/playground.css": "text/css; charset=utf-8",
		"/playground/examples.json":  "application/json; charset=utf-8",
		"/playground/icon.svg":       "image/svg+xml; charset=utf-8",
	} {
		w := get(t, h, http.MethodGet, path)
		want := map[string]string{"Content-Type": mediaType, "Content-Security-Policy": smallPolicy, "Cache-Control": "no-cache", "Content-Encoding": ""}
		if diff := cmp.Diff(want, headersOf(w, "Content-Type", "Content-Security-Policy", "Cache-Control", "Content-Encoding")); diff != "" {
			t.Errorf("GET %s = %d, headers (-want +got)\n%s", path, w.Code, diff)
		}
		body := strings.ReplaceAll(w.Body.String(), `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := forbidden.FindAllString(body, -1); found != nil || body == "" {
			t.Errorf("%s, %d bytes, has %q", path, len(body), found)
		}
	}
}

func TestAPageThatIsKnownAlreadyIsNotSentAgain(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for name, h := range map[string]http.Handler{
		"small":   muxOf(t, smallPage(), false, "type Query { a: Int }"),
		"bundled": muxOf(t, bundle(t), true, ""),
	} {
		paths := map[string][]string{
			"small":   {"/", "/playground/playground.js", "/playground/examples.js", "/playground/playground.css", "/playground/examples.json", "/schema.graphqls"},
			"bundled": {"/", "/playground/app-1A2B3C4D.js", "/playground/font-1A2B3C4D.woff2", "/playground/licenses.txt"},
		}[name]
		for _, path := range paths {
			w := get(t, h, http.MethodGet, path, "Accept-Encoding", "gzip")
			etag := w.Header().Get("ETag")
			if other, ok := seen[etag]; ok || etag == "" {
				t.Errorf("%s %s has the ETag %q, as has %q", name, path, etag, other)
			}
			seen[etag] = path
			again := get(t, h, http.MethodGet, path, "Accept-Encoding", "gzip", "If-None-Match", etag)
			if again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("Content-Length") != "" {
				t.Errorf("%s: GET %s again = %d, %d bytes, want 304 and none", name, path, again.Code, again.Body.Len())
			}
			if diff := cmp.Diff(headersOf(w, "ETag", "Cache-Control", "Vary"), headersOf(again, "ETag", "Cache-Control", "Vary")); diff != "" {
				t.Errorf("%s: GET %s again has other headers (-first +again)\n%s", name, path, diff)
			}
			if other := get(t, h, http.MethodGet, path, "If-None-Match", `"other"`); other.Code != http.StatusOK {
				t.Errorf("%s: GET %s with another ETag = %d, want 200", name, path, other.Code)
			}
		}
	}
}

func TestTheBundleIsServedAsItWasBuilt(t *testing.T) {
	t.Parallel()
	h := muxOf(t, bundle(t), true, "type Query { a: Int }")
	const forever = "public, max-age=31536000, immutable"
	for _, c := range []struct {
		path, accept string
		body         string
		want         map[string]string
	}{
		{
			"/", "gzip", `<!doctype html>sandboxschema<script type="module" src="playground/app-1A2B3C4D.js"></script>`,
			map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache", "Vary": "", "Content-Encoding": ""},
		},
		{
			"/playground/app-1A2B3C4D.js", "br, gzip;q=0.5", string(gzipped(t, script)),
			map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": forever, "Vary": "Accept-Encoding", "Content-Encoding": "gzip"},
		},
		{
			"/playground/app-1A2B3C4D.js", "identity", script,
			map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": forever, "Vary": "Accept-Encoding", "Content-Encoding": ""},
		},
		{
			"/playground/font-1A2B3C4D.woff2", "gzip", "wOF2",
			map[string]string{"Content-Type": "font/woff2", "Cache-Control": forever, "Vary": "", "Content-Encoding": ""},
		},
		{
			"/playground/licenses.txt", "", licence,
			map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache", "Vary": "Accept-Encoding", "Content-Encoding": ""},
		},
		{
			"/playground/sub/more-1A2B3C4D.js", "gzip", script,
			map[string]string{"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": forever, "Vary": "", "Content-Encoding": ""},
		},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := get(t, h, method, c.path, "Accept-Encoding", c.accept)
			body := c.body
			if method == http.MethodHead {
				body = ""
			}
			if w.Code != http.StatusOK || w.Body.String() != body {
				t.Errorf("%s %s for %q = %d, %q, want 200, %q", method, c.path, c.accept, w.Code, w.Body, body)
			}
			c.want["Content-Length"] = strconv.Itoa(len(c.body))
			c.want["Content-Security-Policy"] = bundledPolicy
			if diff := cmp.Diff(c.want, headersOf(w, "Content-Type", "Cache-Control", "Vary", "Content-Encoding", "Content-Length", "Content-Security-Policy")); diff != "" {
				t.Errorf("%s %s for %q: headers (-want +got)\n%s", method, c.path, c.accept, diff)
			}
		}
	}
}

func TestNothingBesideThePlaygroundCanBeRead(t *testing.T) {
	t.Parallel()
	h := muxOf(t, bundle(t), true, "")
	for _, path := range []string{
		"/index.html", "/playground/", "/playground/index.html", "/playground/.keep", "/playground/app-1A2B3C4D.js.gz", "/playground/sub/",
		"/playground/..%2fweb.go", "/playground/%2e%2e/web.go", "/playground/..%5cweb.go", "/playground/playground.js", "/schema.graphqls",
	} {
		w := get(t, h, http.MethodGet, path)
		if w.Code != http.StatusNotFound && (w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "/web.go") {
			t.Errorf("GET %s = %d %q, want 404", path, w.Code, w.Header().Get("Location"))
		}
	}
	if w := get(t, h, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST / = %d, want 405", w.Code)
	}
}

func TestABrokenBundleIsRefused(t *testing.T) {
	t.Parallel()
	for why, files := range map[string]fstest.MapFS{
		"its media type is not known": {"app.exe": {}},
		"cut short":                   {"app.js.gz": {Data: []byte{0x1f, 0x8b}}},
		"index.html":                  {"index.html": {Data: []byte("{{if}}")}},
	} {
		if ps, err := makePages(files, true, about{}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("makePages() = %v, %v, want an error with %q", ps, err, why)
		}
	}
}

func TestOnlyExamplesThatThisServerOffersAreShown(t *testing.T) {
	t.Parallel()
	const file = `[
		{"title": "A", "about": "Asks a.", "query": ["query A($n: Int) {", "  a(n: $n)", "}"], "variables": {"n": 1},
		 "follows": {"prefix": "a:", "variable": ["n"]}, "real": {"about": "Asks a of the world.", "variables": {"n": 2}}},
		{"title": "B", "about": "Asks b.", "query": ["{ b }"], "real": {"about": "Asks b."}},
		{"title": "C", "about": "Does c.", "query": ["mutation { c }"]},
		{"title": "D", "about": "Checks in.", "checkIns": true, "query": ["{ a }"]}
	]`
	const a, ab = "type Query { a(n: Int): Int }", "type Query { a(n: Int): Int, b: Int }"
	const shownA = `{"title":"A","about":"Asks a.","query":"query A($n: Int) {\n  a(n: $n)\n}","variables":{"n":1},"follows":{"prefix":"a:","variable":["n"]}}`
	const realA = `{"title":"A","about":"Asks a of the world.","query":"query A($n: Int) {\n  a(n: $n)\n}","variables":{"n":2},"follows":{"prefix":"a:","variable":["n"]}}`
	const shownB = `{"title":"B","about":"Asks b.","query":"{ b }"}`
	const shownD = `{"title":"D","about":"Checks in.","query":"{ a }"}`
	for name, c := range map[string]struct {
		about about
		want  string
	}{
		"of made-up data":           {about{sandbox: true, sdl: a}, "[" + shownA + "]"},
		"of real data":              {about{sdl: ab}, "[" + realA + "," + shownB + "]"},
		"of a service of check-ins": {about{sandbox: true, checkIns: true, sdl: ab}, "[" + shownA + "," + shownB + "," + shownD + "]"},
		"without a schema":          {about{sandbox: true, checkIns: true}, "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := offeredExamples([]byte(file), c.about)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("offeredExamples() mismatch (-want +got)\n%s", diff)
			}
		})
	}
	if _, err := offeredExamples([]byte(`[{"titel": "A"}]`), about{sdl: a}); err == nil {
		t.Error("a key that is not known is no error")
	}
	if _, err := offeredExamples([]byte(file), about{sdl: "type Query {"}); err == nil {
		t.Error("a schema that is none is no error")
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
	file, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	var examples []example
	if err = json.Unmarshal(file, &examples); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, e := range examples {
		t.Run(e.Title, func(t *testing.T) {
			if e.Title == "" || e.About == "" {
				t.Errorf("it lacks a title or a sentence: %+v", e)
			}
			doc, invalid := gqlparser.LoadQueryWithRules(schema, strings.Join(e.Query, "\n"), rules.NewDefaultRules())
			if invalid != nil {
				t.Fatal(invalid)
			}
			operation := doc.Operations[0]
			if operation.Name == "" || seen[operation.Name] || len(doc.Operations) != 1 {
				t.Errorf("%d operations, the first %q: a tab needs one, of a name of its own", len(doc.Operations), operation.Name)
			}
			seen[operation.Name] = true
			for _, variables := range []json.RawMessage{e.Variables, e.Real.Variables} {
				if variables == nil {
					continue
				}
				decoder := json.NewDecoder(bytes.NewReader(variables))
				decoder.UseNumber()
				var values map[string]any
				if err := decoder.Decode(&values); err != nil {
					t.Fatal(err)
				}
				if _, err := validator.VariableValues(schema, operation, values); err != nil {
					t.Errorf("variables %s: %v", variables, err)
				}
				var at any = values
				for _, name := range pathOf(e) {
					in, _ := at.(map[string]any)
					at = in[name]
				}
				if id, ok := at.(string); e.Follows != nil && (!ok || !strings.HasPrefix(id, e.Follows.Prefix)) {
					t.Errorf("variables %s have no id of %q at %v", variables, e.Follows.Prefix, e.Follows.Variable)
				}
			}
		})
	}
	for _, name := range []string{"Nearby", "Viewport", "AlongRoute", "OneSite", "Operators", "CheckIn", "Delivery", "DeliveryLive", "CommentsLive"} {
		if !seen[name] {
			t.Errorf("there is no example %s", name)
		}
	}
}

func pathOf(e example) []string {
	if e.Follows == nil {
		return nil
	}
	return e.Follows.Variable
}

package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"chargegraph/web"
)

// What a page may load: from here and from nowhere else, and nothing that stands
// in the page itself. GraphiQL's editor writes style attributes as it draws, runs
// workers from files, and brings fonts.
const (
	smallPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
	bundledPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; " +
		"img-src 'self' data:; font-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)

// mediaTypes are those of the files that a playground may have. The machine's own
// table is not asked: it differs from one to the next.
func mediaTypes() map[string]string {
	return map[string]string{
		".css":   "text/css; charset=utf-8",
		".html":  "text/html; charset=utf-8",
		".js":    "text/javascript; charset=utf-8",
		".json":  "application/json; charset=utf-8",
		".svg":   "image/svg+xml; charset=utf-8",
		".ttf":   "font/ttf",
		".txt":   "text/plain; charset=utf-8",
		".woff":  "font/woff",
		".woff2": "font/woff2",
	}
}

// page is a file that is the same for everybody.
type page struct {
	path      string // as the mux knows it
	mediaType string
	policy    string
	body      []byte
	gzipped   bool   // body is, and its reader may not want that
	forever   bool   // the name stands for this content alone
	etag      string // of body
}

type pages []page

// about is what pages tell of the service.
type about struct {
	sandbox  bool   // its data is made up
	checkIns bool   // it takes them
	sdl      string // its schema; "" is not shown
}

// newPages makes the playground and, if sdl is not empty, the schema's page.
func newPages(sandbox, checkIns bool, sdl string) (pages, error) {
	files, bundled, err := web.Playground()
	if err != nil {
		return nil, fmt.Errorf("server: playground: %w", err)
	}
	return makePages(files, bundled, about{sandbox: sandbox, checkIns: checkIns, sdl: sdl})
}

// makePages is newPages with the files of a playground; see web.Playground.
func makePages(files fs.FS, bundled bool, about about) (pages, error) {
	ps, err := playgroundPages(files, bundled, about)
	if err != nil {
		return nil, err
	}
	file, err := web.Examples()
	if err != nil {
		return nil, fmt.Errorf("server: examples: %w", err)
	}
	examples, err := offeredExamples(file, about)
	if err != nil {
		return nil, err
	}
	icon, err := web.Icon()
	if err != nil {
		return nil, fmt.Errorf("server: icon: %w", err)
	}
	types := mediaTypes()
	ps = append(ps,
		page{path: "/playground/examples.json", mediaType: types[".json"], body: examples},
		page{path: "/playground/icon.svg", mediaType: types[".svg"], body: icon},
	)
	if about.sdl != "" {
		ps = append(ps, page{path: "/schema.graphqls", mediaType: types[".txt"], body: []byte(about.sdl)})
	}
	for i := range ps {
		ps[i].policy = smallPolicy
		if bundled {
			ps[i].policy = bundledPolicy
		}
		sum := sha256.Sum256(ps[i].body)
		ps[i].etag = `"` + hex.EncodeToString(sum[:12]) + `"`
	}
	return ps, nil
}

// hashed names end in what esbuild puts there: a hash of eight characters.
var hashed = regexp.MustCompile(`-[0-9A-Z]{8}\.[a-z0-9]+$`)

// minGzip is the length of a gzip file without content: its head and its end.
const minGzip = 18

// playgroundPages returns the pages of the files: index.html as /, the others
// below /playground/.
func playgroundPages(files fs.FS, bundled bool, about about) (pages, error) {
	types := mediaTypes()
	var ps pages
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		p := page{path: "/playground/" + name, body: body}
		if name == "index.html" {
			p.path = "/{$}"
			if p.body, err = fill(body, about); err != nil {
				return err
			}
		}
		if bundled {
			name, p.gzipped = strings.CutSuffix(name, ".gz")
			p.path = strings.TrimSuffix(p.path, ".gz")
			p.forever = hashed.MatchString(name)
			if p.gzipped && len(body) < minGzip {
				return fmt.Errorf("%s.gz: cut short", name)
			}
		}
		if p.mediaType = types[path.Ext(name)]; p.mediaType == "" {
			return fmt.Errorf("%s: its media type is not known", name)
		}
		ps = append(ps, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("server: playground: %w", err)
	}
	return ps, nil
}

// fill executes the page as a template.
func fill(page []byte, about about) ([]byte, error) {
	t, err := template.New("index.html").Parse(string(page))
	if err != nil {
		return nil, err
	}
	var filled bytes.Buffer
	err = t.Execute(&filled, struct{ Sandbox, SDL bool }{about.sandbox, about.sdl != ""})
	return filled.Bytes(), err
}

func (ps pages) register(mux *http.ServeMux) {
	for _, p := range ps {
		mux.Handle("GET "+p.path, p)
	}
}

// ServeHTTP sends the page, or 304 to who has it already. Clients may keep it
// but ask each time, as its address stays the same when it changes; unless it
// does not.
func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.mediaType)
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-cache")
	if p.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if p.gzipped {
		h.Add("Vary", "Accept-Encoding")
		if weightOf("gzip", r.Header.Values("Accept-Encoding")) == 0 {
			p.inflate(w, r)
			return
		}
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(p.body))) // ServeContent leaves it to us where an encoding is set
	}
	h.Set("ETag", p.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.body))
}

// inflate sends the page to a client that does not read gzip: rare enough that
// nothing is kept for it.
func (p page) inflate(w http.ResponseWriter, r *http.Request) {
	size := int64(binary.LittleEndian.Uint32(p.body[len(p.body)-4:])) // the end of a gzip file
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if r.Method == http.MethodHead {
		return
	}
	in, err := gzip.NewReader(bytes.NewReader(p.body))
	if err != nil {
		http.Error(w, "the bundle of this program is damaged", http.StatusInternalServerError)
		return
	}
	_, _ = io.CopyN(w, in, size) // the client has gone
}

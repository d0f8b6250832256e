package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"time"
)

//go:embed playground
var playground embed.FS

// policy lets the page load from here and nowhere else, and run nothing that
// stands in the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// page is a file that is the same for everybody.
type page struct {
	pattern, mediaType string
	body               []byte
	etag               string
}

type pages []page

// newPages makes the playground and, if sdl is not empty, the schema's page.
func newPages(sandbox bool, sdl string) (pages, error) {
	t, err := template.ParseFS(playground, "playground/index.html")
	if err != nil {
		return nil, fmt.Errorf("server: playground page: %w", err)
	}
	var index bytes.Buffer
	if err := t.Execute(&index, struct{ Sandbox, SDL bool }{sandbox, sdl != ""}); err != nil {
		return nil, fmt.Errorf("server: playground page: %w", err)
	}
	ps := pages{newPage("/{$}", "text/html", index.Bytes())}
	for _, asset := range []struct{ name, mediaType string }{
		{"playground.js", "text/javascript"},
		{"playground.css", "text/css"},
		{"examples.json", "application/json"},
		{"icon.svg", "image/svg+xml"},
	} {
		body, err := playground.ReadFile("playground/" + asset.name)
		if err != nil {
			return nil, fmt.Errorf("server: playground asset: %w", err)
		}
		ps = append(ps, newPage("/playground/"+asset.name, asset.mediaType, body))
	}
	if sdl != "" {
		ps = append(ps, newPage("/schema.graphqls", "text/plain", []byte(sdl)))
	}
	return ps, nil
}

func newPage(pattern, mediaType string, body []byte) page {
	sum := sha256.Sum256(body)
	return page{pattern: pattern, mediaType: mediaType + "; charset=utf-8", body: body, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func (ps pages) register(mux *http.ServeMux) {
	for _, p := range ps {
		mux.Handle("GET "+p.pattern, p)
	}
}

// ServeHTTP sends the page, or 304 to who has it already. Clients may keep it
// but ask each time: its address stays the same when it changes.
func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.mediaType)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", p.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.body))
}

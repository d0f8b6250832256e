package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestAcceptEncodingIsUnderstood(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                         "",
		"gzip":                     "gzip",
		"GZIP":                     "gzip",
		"gzip, deflate, br, zstd":  "zstd",
		"zstd":                     "zstd",
		"gzip, zstd;q=0.5":         "gzip",
		"gzip;q=0.5, zstd;q=0.5":   "zstd",
		"gzip;q=0, zstd;q=0.1":     "zstd",
		"zstd;q=0, gzip":           "gzip",
		"br;q=1.0, gzip ; q = 0.1": "gzip",
		"*":                        "gzip", // zstd is for those who name it
		"identity, *;q=0":          "",
		"gzip;q=0":                 "",
		"gzip;q=0.000, *":          "",
		"*;q=0, gzip":              "gzip",
		"gzip;q=much":              "",
		"gzip;q=NaN":               "",
		"x-gzipped, br":            "",
	} {
		if got := codingFor([]string{header}); got != want {
			t.Errorf("codingFor(%q) = %q, want %q", header, got, want)
		}
	}
	if got := codingFor([]string{"br", "gzip"}); got != "gzip" {
		t.Errorf("the second of two headers is read as %q", got)
	}
	if got := codingFor(nil); got != "" {
		t.Errorf("without the header the coding is %q", got)
	}
}

// A kept answer is packed once for each coding, and what compressed would pack
// again goes through it as it is.
func TestAKeptAnswerIsPackedOnce(t *testing.T) {
	t.Parallel()
	packer, err := newPacker()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{packer: packer}
	body := bytes.Repeat([]byte(`{"title":"Town Hall"},`), 500)
	made := make(map[string]int)
	forms := make(map[string][]byte)
	kept := &Kept{Body: body, Packed: func(coding string, pack func() []byte) []byte {
		if forms[coding] == nil {
			made[coding]++
			forms[coding] = pack()
		}
		return forms[coding]
	}}
	h, err := compressed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.writeKept(w, r, mediaJSON, kept) }))
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]func(io.Reader) (io.Reader, error){
		"":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for range 3 {
		for coding, open := range read {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", http.NoBody)
			if coding != "" {
				req.Header.Set("Accept-Encoding", coding)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			if got := w.Header().Values("Content-Encoding"); len(got) > 1 || w.Header().Get("Content-Encoding") != coding {
				t.Errorf("the coding is %q, want %q", got, coding)
			}
			if got := w.Header().Values("Vary"); len(got) != 2 {
				t.Errorf("it varies by %q, want Accept and Accept-Encoding", got)
			}
			r, err := open(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, body) {
				t.Errorf("by %q it reads as %.50q: %v", coding, text, err)
			}
		}
	}
	if made["gzip"] != 1 || made["zstd"] != 1 || len(made) != 2 {
		t.Errorf("it was packed %v times", made)
	}
}

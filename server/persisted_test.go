package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"chargegraph/server"
)

type documentMap struct {
	mu    sync.Mutex
	texts map[string]string
}

func (m *documentMap) Get(_ context.Context, hash string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.texts[hash]
	return text, ok
}

func (m *documentMap) Add(_ context.Context, hash, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts[hash] = text
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// byHash is the body of a request that names its document by hash.
func byHash(hash, text string) string {
	query := ""
	if text != "" {
		quoted, _ := json.Marshal(text)
		query = `"query":` + string(quoted) + `,`
	}
	return fmt.Sprintf(`{%s"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, query, hash)
}

func titleOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var r struct {
		Data struct{ Operator struct{ Title string } }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r.Data.Operator.Title
}

const documentOfOne = `{operator(id:"operator:ocm:1"){title}}`

func TestADocumentThatWasSentOnceIsKnownByItsHash(t *testing.T) {
	t.Parallel()
	cache := &documentMap{texts: make(map[string]string)}
	h, _ := newHandler(t, titled, func(c *server.Config) { c.Documents = cache })
	hash := hashOf(documentOfOne)
	if e := onlyError(t, decode(t, post(h, byHash(hash, "")))); e.code() != "PERSISTED_QUERY_NOT_FOUND" || e.Message != "PersistedQueryNotFound" {
		t.Errorf("an unknown hash is answered %v", e)
	}
	if e := onlyError(t, decode(t, post(h, byHash(strings.Repeat("0", 64), documentOfOne)))); e.code() != "PERSISTED_QUERY_HASH_MISMATCH" {
		t.Errorf("a wrong hash is answered %v", e)
	}
	if len(cache.texts) != 0 {
		t.Errorf("a wrong hash is remembered: %v", cache.texts)
	}
	for range 2 {
		if got := titleOf(t, post(h, byHash(hash, documentOfOne))); got != "operator:ocm:1" {
			t.Errorf("with its text it is answered %q", got)
		}
	}
	if got := titleOf(t, post(h, byHash(hash, ""))); got != "operator:ocm:1" {
		t.Errorf("by its hash it is answered %q", got)
	}
	get := "/graphql?extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`)
	if got := titleOf(t, send(h, http.MethodGet, get, "")); got != "operator:ocm:1" {
		t.Errorf("by GET it is answered %q", got)
	}
}

func TestTrustedDocumentsAreKnownByTheirIDs(t *testing.T) {
	t.Parallel()
	trusted, err := server.ReadTrusted(strings.NewReader(`{"one": ` + fmt.Sprintf("%q", documentOfOne) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, only := range []bool{false, true} {
		t.Run(fmt.Sprintf("only=%v", only), func(t *testing.T) {
			t.Parallel()
			h, _ := newHandler(t, titled, func(c *server.Config) { c.Trusted, c.TrustedOnly = trusted, only })
			for _, body := range []string{`{"documentId":"one"}`, `{"doc_id":"one"}`, `{"id":"one"}`, byHash("one", ""), byHash("one", documentOfOne)} {
				if got := titleOf(t, post(h, body)); got != "operator:ocm:1" {
					t.Errorf("%s is answered %q", body, got)
				}
			}
			if got := titleOf(t, send(h, http.MethodGet, "/graphql?documentId=one", "")); got != "operator:ocm:1" {
				t.Errorf("by GET it is answered %q", got)
			}
			other := `{operator(id:"operator:ocm:2"){title}}`
			for _, body := range []string{fmt.Sprintf(`{"query":%q}`, other), byHash(hashOf(other), other)} {
				w := post(h, body)
				if !only {
					if got := titleOf(t, w); got != "operator:ocm:2" {
						t.Errorf("%s is answered %q", body, got)
					}
				} else if e := onlyError(t, decode(t, w)); e.code() != "DOCUMENT_NOT_TRUSTED" {
					t.Errorf("%s is answered %v", body, e)
				}
			}
			if e := onlyError(t, decode(t, post(h, byHash("one", other)))); e.code() != "PERSISTED_QUERY_HASH_MISMATCH" {
				t.Errorf("another document under a trusted id is answered %v", e)
			}
		})
	}
}

func TestReadTrusted_ReadsWhatTheToolsWrite(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Relay and GraphQL Codegen": `{"a":"{__typename}"}`,
		"Apollo":                    `{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"A","type":"query","body":"{__typename}"}]}`,
	} {
		if got, err := server.ReadTrusted(strings.NewReader(text)); err != nil || got["a"] != "{__typename}" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, text := range []string{"", "{}", "[]", `{"a":""}`, `{"a":1}`, `{"":"{a}"}`, `{"format":"apollo-persisted-query-manifest"}`} {
		if got, err := server.ReadTrusted(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

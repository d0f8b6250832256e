package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes that clients of persisted documents wait for, by Apollo's protocol.
const (
	codeNotPersisted     = "PERSISTED_QUERY_NOT_FOUND"
	codeHashMismatch     = "PERSISTED_QUERY_HASH_MISMATCH"
	codeUntrusted        = "DOCUMENT_NOT_TRUSTED"
	notPersistedSentence = "PersistedQueryNotFound"
)

// DocumentCache keeps documents that clients have sent once, by their hash. It is
// safe for concurrent use. What it loses a client sends again.
type DocumentCache interface {
	Get(ctx context.Context, hash string) (text string, ok bool)
	Add(ctx context.Context, hash, text string)
}

// Trusted are documents that are known before anybody asks, by their ids. A nil
// Trusted has none.
type Trusted map[string]string

// maxManifestBytes bounds a manifest: thousands of documents of some kilobytes.
const maxManifestBytes = 64 << 20

// ReadTrusted reads a manifest: one JSON object from ids to documents, as Relay
// and the client preset of GraphQL Codegen write it, or Apollo's list of
// operations. It refuses an empty one.
func ReadTrusted(r io.Reader) (Trusted, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxManifestBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read manifest: %w", err)
	case len(text) > maxManifestBytes:
		return nil, fmt.Errorf("manifest: longer than %d bytes", maxManifestBytes)
	}
	var apollo struct {
		Format     string
		Operations []struct{ ID, Body string }
	}
	trusted := make(Trusted)
	if json.Unmarshal(text, &apollo) == nil && apollo.Format == "apollo-persisted-query-manifest" {
		for _, operation := range apollo.Operations {
			trusted[operation.ID] = operation.Body
		}
	} else if err = json.Unmarshal(text, &trusted); err != nil {
		return nil, errors.New("manifest: want a JSON object from ids to documents, or an Apollo manifest")
	}
	for id, document := range trusted {
		if id == "" || strings.TrimSpace(document) == "" {
			return nil, fmt.Errorf("manifest: document %q is empty or has no id", id)
		}
	}
	if len(trusted) == 0 {
		return nil, errors.New("manifest: it has no documents")
	}
	return trusted, nil
}

// persisted finds the text of an operation that comes by a hash or an id alone.
type persisted struct {
	trusted Trusted
	only    bool // nothing but trusted documents
	cache   DocumentCache
}

var _ graphql.OperationParameterMutator = persisted{}

func (persisted) ExtensionName() string                   { return "PersistedDocuments" }
func (persisted) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts the document into params, or remembers the one
// that came with its hash.
func (p persisted) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	id, named := documentID(params)
	if text, ok := p.trusted[id]; named && ok {
		if params.Query != "" && params.Query != text {
			return coded(codeHashMismatch, "the document that came along is not the one of this id")
		}
		params.Query = text
		return nil
	}
	if p.only {
		return coded(codeUntrusted, "only documents that were registered beforehand are answered here; send the id of one")
	}
	switch {
	case !named:
		return nil
	case p.cache == nil && params.Query == "":
		return coded(codeNotPersisted, notPersistedSentence)
	case params.Query == "":
		text, ok := p.cache.Get(ctx, id)
		if !ok {
			return coded(codeNotPersisted, notPersistedSentence)
		}
		params.Query = text
		return nil
	}
	sum := sha256.Sum256([]byte(params.Query))
	if !strings.EqualFold(id, hex.EncodeToString(sum[:])) {
		return coded(codeHashMismatch, "the hash is not that of the document that came along: send its SHA-256 in hexadecimal")
	}
	if p.cache != nil {
		p.cache.Add(ctx, strings.ToLower(id), params.Query)
	}
	return nil
}

// maxDocumentID bounds ids: SHA-256 in hexadecimal takes 64, and a prefix.
const maxDocumentID = 128

// documentID returns the id by which a request names its document.
func documentID(params *graphql.RawParams) (id string, named bool) {
	extension, ok := params.Extensions["persistedQuery"].(map[string]any)
	if !ok {
		return "", false
	}
	id, ok = extension["sha256Hash"].(string)
	return id, ok && id != "" && len(id) <= maxDocumentID
}

// nameDocument makes id what documentID returns.
func nameDocument(params *graphql.RawParams, id string) {
	if params.Extensions == nil {
		params.Extensions = make(map[string]any)
	}
	params.Extensions["persistedQuery"] = map[string]any{"version": 1, "sha256Hash": id}
}

// idMember returns the id of a document that a body or a query string names by a
// member of its own: documentId of GraphQL over HTTP, doc_id and id of Relay.
func idMember(member func(name string) (string, error)) (string, *refusal) {
	for _, name := range []string{"documentId", "doc_id", "id"} {
		id, err := member(name)
		if err != nil {
			return "", refuse(http.StatusBadRequest, "%v", err)
		}
		if id != "" {
			return id, nil
		}
	}
	return "", nil
}

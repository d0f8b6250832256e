package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	mediaMultipart = "multipart/mixed"
	boundary       = "-"
)

// parts is an answer that comes piece by piece, as Apollo Client and Relay want
// it for @defer: multipart/mixed, first the data that does not wait, then what was
// deferred, in lists called incremental.
type parts struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// partsFor returns where an answer to r may come in pieces; nil: it must come in one.
func partsFor(w http.ResponseWriter, r *http.Request) *parts {
	if prefers(r, mediaMultipart) {
		return &parts{w: w, control: http.NewResponseController(w)}
	}
	return nil
}

// send sends one piece. An error says that the client has gone.
func (p *parts) send(response *graphql.Response, hasNext bool) error {
	var text bytes.Buffer
	var body any
	if !p.begun {
		h := p.w.Header()
		h.Set("Content-Type", mediaMultipart+`; boundary="`+boundary+`"; deferSpec=20220824`)
		h.Set("Cache-Control", uncached)
		h.Add("Vary", vary)
		p.w.WriteHeader(http.StatusOK)
		text.WriteString("\r\n--" + boundary)
		body = response
	} else {
		body = struct {
			Incremental []*graphql.Response `json:"incremental"`
			HasNext     bool                `json:"hasNext"`
		}{[]*graphql.Response{response}, hasNext}
		response.HasNext = nil // it is said of the whole
	}
	p.begun = true
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	text.WriteString("\r\nContent-Type: application/json; charset=utf-8\r\n\r\n")
	text.Write(encoded)
	text.WriteString("\r\n--" + boundary)
	if !hasNext {
		text.WriteString("--\r\n")
	}
	_ = p.control.SetWriteDeadline(time.Now().Add(sendTimeout)) // where it is supported
	if _, err = p.w.Write(text.Bytes()); err != nil {
		return err
	}
	return p.control.Flush()
}

// sendAll sends first, which is what set selects, and what next has after it.
func (p *parts) sendAll(ctx context.Context, set ast.SelectionSet, first *graphql.Response, next graphql.ResponseHandler) {
	if data, err := shapeOfSelection(set).withoutPlaceholders(first.Data); err == nil { // else it is sent as it is
		first.Data = data
	}
	for response := first; response != nil; response = next(ctx) {
		hasNext := response.HasNext != nil && *response.HasNext
		if p.send(response, hasNext) != nil || !hasNext {
			return
		}
	}
}

// defers reports whether the operation has @defer anywhere.
func defers(op *graphql.OperationContext) bool {
	return anyIn(op.Operation.SelectionSet, make(map[string]bool), func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.InlineFragment:
			return s.Directives.ForName("defer") != nil
		case *ast.FragmentSpread:
			return s.Directives.ForName("defer") != nil
		}
		return false
	})
}

// anyIn reports whether is holds for a selection in set or below it, each
// fragment looked at once.
func anyIn(set ast.SelectionSet, seen map[string]bool, is func(ast.Selection) bool) bool {
	for _, s := range set {
		if is(s) {
			return true
		}
		var below ast.SelectionSet
		switch s := s.(type) {
		case *ast.Field:
			below = s.SelectionSet
		case *ast.InlineFragment:
			below = s.SelectionSet
		case *ast.FragmentSpread:
			if seen[s.Name] || s.Definition == nil {
				continue
			}
			seen[s.Name] = true
			below = s.Definition.SelectionSet
		}
		if anyIn(below, seen, is) {
			return true
		}
	}
	return false
}

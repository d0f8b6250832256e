package server

import (
	"container/list"
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// maxDocuments is how many documents are kept parsed: more than the clients
	// of one service have different ones.
	maxDocuments = 1000
	// maxDocumentsBytes bounds their text. Parsed it takes up to fifty times as much:
	// 25 MB.
	maxDocumentsBytes = 512 << 10
	// maxDocumentBytes is the longest document that is kept: what people write by
	// hand is shorter.
	maxDocumentBytes = 16 << 10
)

// documents keeps the valid documents used last, parsed, by their text.
type documents struct {
	mu     sync.Mutex
	size   int        // how many there may be
	room   int        // bytes that are left
	recent *list.List // of document, the one used last in front
	byText map[string]*list.Element
}

type document struct {
	text   string
	parsed *ast.QueryDocument
}

var _ graphql.Cache[*ast.QueryDocument] = (*documents)(nil)

func newDocuments(size int) *documents {
	return &documents{size: size, room: maxDocumentsBytes, recent: list.New(), byText: make(map[string]*list.Element)}
}

func (d *documents) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byText[text]
	if !ok {
		return nil, false
	}
	d.recent.MoveToFront(e)
	kept, ok := e.Value.(document)
	return kept.parsed, ok
}

func (d *documents) Add(_ context.Context, text string, parsed *ast.QueryDocument) {
	if len(text) > maxDocumentBytes {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.byText[text]; ok {
		return
	}
	d.byText[text] = d.recent.PushFront(document{text, parsed})
	d.room -= len(text)
	for d.recent.Len() > d.size || d.room < 0 {
		if oldest, ok := d.recent.Remove(d.recent.Back()).(document); ok {
			delete(d.byText, oldest.text)
			d.room += len(oldest.text)
		}
	}
}

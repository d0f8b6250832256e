package server

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

func TestDocumentsForgetTheOneUnusedLongest(t *testing.T) {
	t.Parallel()
	d, parsed := newDocuments(2), &ast.QueryDocument{}
	d.Add(t.Context(), "a", parsed)
	d.Add(t.Context(), "b", parsed)
	d.Get(t.Context(), "a")
	d.Add(t.Context(), "c", parsed)
	for text, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, got := d.Get(t.Context(), text); got != want {
			t.Errorf("Get(%s) = %v, want %v", text, got, want)
		}
	}
}

func TestDocumentsKeepNoLongOnes(t *testing.T) {
	t.Parallel()
	d := newDocuments(2)
	long := strings.Repeat("x", maxDocumentBytes+1)
	d.Add(t.Context(), long, &ast.QueryDocument{})
	if _, ok := d.Get(t.Context(), long); ok {
		t.Error("a long document was kept")
	}
}

func TestDocumentsTakeNoMoreRoomThanTheyHave(t *testing.T) {
	t.Parallel()
	const n = maxDocumentsBytes / maxDocumentBytes
	d := newDocuments(10 * n)
	name := func(i int) string { return string(rune('a'+i%26)) + strings.Repeat("x", maxDocumentBytes-1-i) }
	for i := range n + 5 {
		d.Add(t.Context(), name(i), &ast.QueryDocument{})
	}
	held := 0
	for i := range n + 5 {
		if _, ok := d.Get(t.Context(), name(i)); ok {
			held += len(name(i))
		}
	}
	if held > maxDocumentsBytes || held < maxDocumentsBytes-maxDocumentBytes || held+d.room != maxDocumentsBytes {
		t.Errorf("%d bytes are held and %d are left, of %d", held, d.room, maxDocumentsBytes)
	}
}

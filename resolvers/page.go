package resolvers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"

	"chargegraph/graph"
	"chargegraph/loaders"
)

const maxFirst = 500

// readFirst checks the size of a page; null is the default of the argument.
func readFirst(ctx context.Context, first *int, otherwise int) (int, error) {
	if first == nil {
		return otherwise, nil
	}
	if *first < 1 || *first > maxFirst {
		return 0, argument{"first"}.refuse(ctx, "must be between 1 and %d", maxFirst)
	}
	return *first, nil
}

// cursor is a place in one list. It is not secret and not signed: the worst that
// a forged one does is begin a page elsewhere.
type cursor struct {
	List string  `json:"l"` // of which question's list
	Null bool    `json:"n,omitempty"`
	Num  float64 `json:"v,omitempty"`
	Text string  `json:"t,omitempty"`
	ID   string  `json:"i"`
}

// maxCursorBytes bounds a cursor: a folded title of some hundred letters and an id.
const maxCursorBytes = 4 << 10

// listOf names the list that a question makes, whatever the page.
func listOf(question ...any) string {
	text, err := json.Marshal(question)
	if err != nil {
		panic("resolvers: a question that JSON cannot write: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func writeCursor(list string, p loaders.Position) string {
	text, err := json.Marshal(cursor{List: list, Null: p.Null, Num: p.Num, Text: p.Text, ID: p.ID})
	if err != nil {
		panic("resolvers: a position that JSON cannot write: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor reads where to go on in a list; nil is its start.
func readCursor(ctx context.Context, after *string, list string) (*loaders.Position, error) {
	if after == nil {
		return nil, nil
	}
	at := argument{"after"}
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(*after)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if len(*after) > maxCursorBytes || err != nil || c.ID == "" {
		return nil, at.refuse(ctx, "not a cursor of this service: pass a cursor or endCursor of an earlier page as it is")
	}
	if c.List != list {
		return nil, at.refuse(ctx, "this cursor belongs to another question: a list can only be continued with the arguments it began with")
	}
	return &loaders.Position{Null: c.Null, Num: c.Num, Text: c.Text, ID: c.ID}, nil
}

// stretch is one page of a list in memory.
type stretch[T any] struct {
	items   []T
	cursors []string
	info    *graph.PageInfo
	total   int
}

// cut takes a page out of items, which are ordered by position.
func cut[T any](ctx context.Context, items []T, position func(T) loaders.Position, first *int, otherwise int, after *string, list string) (stretch[T], error) {
	n, err := readFirst(ctx, first, otherwise)
	if err != nil {
		return stretch[T]{}, err
	}
	start, err := readCursor(ctx, after, list)
	if err != nil {
		return stretch[T]{}, err
	}
	from := 0
	if start != nil {
		from, _ = slices.BinarySearchFunc(items, *start, func(item T, p loaders.Position) int {
			if position(item).Compare(p, false) <= 0 {
				return -1
			}
			return 1
		})
	}
	to := min(from+n, len(items))
	page := stretch[T]{items: items[from:to], total: len(items)}
	for _, item := range page.items {
		page.cursors = append(page.cursors, writeCursor(list, position(item)))
	}
	page.info = pageInfo(page.cursors, to < len(items), start != nil && from > 0)
	return page, nil
}

func pageInfo(cursors []string, hasNext, hasPrevious bool) *graph.PageInfo {
	info := &graph.PageInfo{HasNextPage: hasNext, HasPreviousPage: hasPrevious}
	if n := len(cursors); n > 0 {
		info.StartCursor, info.EndCursor = &cursors[0], &cursors[n-1]
	}
	return info
}

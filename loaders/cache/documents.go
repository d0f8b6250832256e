package cache

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"
)

// documentLife is how long a document is kept after it was sent: clients send it
// again when it is gone, and a release of an app is in use for days.
const documentLife = 24 * time.Hour

// Documents keeps GraphQL documents by their hash, in memory and in Redis. It is
// safe for concurrent use.
type Documents struct {
	c     *Cache
	space *Space[string]
}

// NewDocuments returns a store for documents in c. It panics when c has one already.
func NewDocuments(c *Cache) *Documents {
	return &Documents{c: c, space: NewSpace(c, Kind[string]{
		Name: "document", Version: 1,
		Encode: func(text string) ([]byte, error) { return []byte(text), nil },
		Decode: func(data []byte) (string, error) {
			if !utf8.Valid(data) {
				return "", errors.New("cache: a document is not UTF-8")
			}
			return string(data), nil
		},
		Weigh: func(text string) int { return len(text) },
	})}
}

// Get returns the document with this hash.
func (d *Documents) Get(ctx context.Context, hash string) (text string, ok bool) {
	nothing := func(context.Context, []Key) (map[Key]Fetched[string], error) { return map[Key]Fetched[string]{}, nil }
	found := d.space.Load(ctx, Want{Keys: []Key{documentKey(hash)}}, nothing)[0]
	return found.Value, found.OK
}

// Add keeps a document.
func (d *Documents) Add(ctx context.Context, hash, text string) {
	d.space.Put(ctx, documentKey(hash), Fetched[string]{Value: text, FetchedAt: d.c.now(), Soft: documentLife, Hard: documentLife})
}

func documentKey(hash string) Key { return Key{Name: hash, Slot: hash} }

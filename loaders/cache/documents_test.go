package cache_test

import (
	"strings"
	"testing"

	"chargegraph/loaders/cache"
	"chargegraph/loaders/cache/redistest"
)

func TestADocumentThatOneProcessHeardIsKnownToAll(t *testing.T) {
	t.Parallel()
	addr, _ := redistest.Start(t)
	open := func() (*cache.Cache, *cache.Documents) {
		client, err := cache.Connect("redis://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		c, err := cache.New(cache.Config{Redis: client})
		if err != nil {
			t.Fatal(err)
		}
		return c, cache.NewDocuments(c)
	}
	first, here := open()
	hash, text := strings.Repeat("ab", 32), "{ sources { id name } }"
	if got, ok := here.Get(t.Context(), hash); ok {
		t.Errorf("before it was sent it is %q", got)
	}
	here.Add(t.Context(), hash, text)
	if got, ok := here.Get(t.Context(), hash); !ok || got != text {
		t.Errorf("here it is %q, %v", got, ok)
	}
	first.Close() // what is written behind is written now
	second, there := open()
	defer second.Close()
	if got, ok := there.Get(t.Context(), hash); !ok || got != text {
		t.Errorf("there it is %q, %v", got, ok)
	}
}

package child

import (
	"strings"
	"testing"
)

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	var said Tail
	for range 100 {
		if _, err := said.Write([]byte(strings.Repeat("a", 100))); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = said.Write([]byte("the end\n"))
	if got := said.String(); !strings.HasSuffix(got, "a\nthe end") && !strings.HasSuffix(got, "athe end") || len(got) > tailBytes {
		t.Errorf("%d bytes that end in %q", len(got), got[max(0, len(got)-20):])
	}
}

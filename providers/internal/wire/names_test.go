package wire

import (
	"slices"
	"testing"
)

func TestMembersAreNamedOnce(t *testing.T) {
	t.Parallel()
	names := make(Names)
	var got []string
	for _, n := range []Number{{7, true}, {}, {8, true}, {7, true}, {-1, true}, {2, true}} {
		if name, isNew := names.Of(n.Whole(1, 9)); isNew {
			got = append(got, name)
		} else if name != "" {
			t.Errorf("%v is %q again", n, name)
		}
	}
	if want := []string{"7", "n2", "8", "n4", "2"}; !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

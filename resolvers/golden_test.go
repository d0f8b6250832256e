package resolvers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/providers/ocm"
)

var update = flag.Bool("update", false, "write the golden answers")

// TestGoldenAnswers asks each testdata/golden/*.graphql of the mirror of
// testdata/world.json and compares the answer with the file beside it.
func TestGoldenAnswers(t *testing.T) {
	t.Parallel()
	s := newService(t, loaders.Config{Clock: fixedNow}, mirror(t, ocm.MirrorConfig{Path: "testdata/world.json", Clock: fixedNow}))
	queries, err := filepath.Glob("testdata/golden/*.graphql")
	if err != nil || len(queries) == 0 {
		t.Fatalf("no queries: %v", err)
	}
	for _, file := range queries {
		name := strings.TrimSuffix(filepath.Base(file), ".graphql")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err = json.Indent(&got, s.post(t, string(query), nil), "", "  "); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".graphql") + ".json"
			if *update {
				if err = os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("the answer changed (-golden +now); -update writes it:\n%s", diff)
			}
		})
	}
}

package conflate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

func TestReadOverrides_ReadsPinsAndForbids(t *testing.T) {
	t.Parallel()
	got, err := conflate.ReadOverrides(strings.NewReader(`
# what the people of Ghent say
pin ocm:1 plugshare:9~8   # at the gate
forbid	ocm:2 ocm:1
forbid ocm:1 ocm:2
pin plugshare:9~8 ocm:1
pin ocpi:ndw:NL*ABC*A#1 ocm:3
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]conflate.Pair{{A: "ocm:1", B: "plugshare:9~8"}, {A: "ocm:3", B: "ocpi:ndw:NL*ABC*A#1"}}, got.Pins); diff != "" {
		t.Errorf("Pins mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]conflate.Pair{{A: "ocm:1", B: "ocm:2"}}, got.Forbids); diff != "" {
		t.Errorf("Forbids mismatch (-want +got):\n%s", diff)
	}
}

func TestReadOverrides_NamesTheLineThatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"pin ocm:1":                           "line 1: want `pin KEY KEY` or `forbid KEY KEY`",
		"\n\npin ocm:1 ocm:2 ocm:3":           "line 3: want `pin KEY KEY`",
		"glue ocm:1 plugshare:2":              `line 1: want pin or forbid, not "glue"`,
		"pin ocm:1 nowhere:2":                 `line 1: "nowhere:2"`,
		"pin 1 ocm:2":                         `line 1: "1"`,
		"pin ocm:1 ocm:1":                     "ocm:1 is pinned to itself",
		"forbid ocm:1 ocm:1":                  "ocm:1 is forbidden with itself",
		"pin ocm:1 ocm:2\nforbid ocm:2 ocm:1": "ocm:1 and ocm:2 are pinned and forbidden",
		"pin ocm:1 plugshare:1~2\npin ocm:1 plugshare:2~2": "ocm:1 is pinned to plugshare:1~2 and to plugshare:2~2, two records of one source",
		"pin " + strings.Repeat("x", 70_000):               "line 1",
	} {
		if _, err := conflate.ReadOverrides(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadOverrides(%.40q) = %v, want …%s…", text, err, want)
		}
	}
}

func FuzzReadOverrides(f *testing.F) {
	f.Add("pin ocm:1 plugshare:9~8 # why\nforbid ocm:2 ocm:1")
	f.Add("pin a b\n#")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := conflate.ReadOverrides(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range append(o.Pins, o.Forbids...) {
			if p.A >= p.B {
				t.Errorf("%v is not in order", p)
			}
		}
		if _, err := conflate.NewOverrides(o.Pins, o.Forbids); err != nil {
			t.Errorf("what was read once is refused: %v", err)
		}
	})
}

func TestMerge_OverridesWithinTheirBounds(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(3)
	tesla, evgo := operatorNamed("23"), operatorNamed("15")
	run := func(o *providers.Operator) func(*providers.Record) {
		return func(r *providers.Record) { r.Operator = o }
	}
	at := func(eastM float64) providers.Point { return moved(towns()[0], eastM, 0) }
	for sentence, c := range map[string]struct {
		overrides string
		records   []*providers.Record
		want      []string
	}{
		"a pin outweighs a nearer rival": {
			"pin ocpi:ndw:1 ocm:2",
			[]*providers.Record{newRecord(sources[0], "1", at(0), run(tesla)), newRecord(sources[1], "1", at(1), run(tesla), func(r *providers.Record) { r.Title = "a" }), newRecord(sources[1], "2", at(490))},
			[]string{"ocm:1", "ocpi:ndw:1 + ocm:2"},
		},
		"a pin does not join two operators": {
			"pin ocpi:ndw:1 ocm:1",
			[]*providers.Record{newRecord(sources[0], "1", at(0), run(tesla)), newRecord(sources[1], "1", at(1), run(evgo))},
			[]string{"ocm:1", "ocpi:ndw:1"},
		},
		"a pin reaches no further than R": {
			"pin ocpi:ndw:1 ocm:1",
			[]*providers.Record{newRecord(sources[0], "1", at(0)), newRecord(sources[1], "1", at(510))},
			[]string{"ocm:1", "ocpi:ndw:1"},
		},
		"a pin makes twins within R0": {
			"pin ocm:1 ocm:2",
			[]*providers.Record{newRecord(sources[1], "1", at(0)), newRecord(sources[1], "2", at(95))},
			[]string{"ocm:1 + ocm:2"},
		},
		"a forbidden pair is not linked": {
			"forbid ocpi:ndw:1 ocm:1",
			[]*providers.Record{newRecord(sources[0], "1", at(0), run(tesla)), newRecord(sources[1], "1", at(1), run(tesla))},
			[]string{"ocm:1", "ocpi:ndw:1"},
		},
		"forbidden twins are none": {
			"forbid ocm:1 ocm:2",
			[]*providers.Record{newRecord(sources[1], "1", at(0), run(tesla)), newRecord(sources[1], "2", at(1), run(tesla))},
			[]string{"ocm:1", "ocm:2"},
		},
		"a third does not bring a forbidden pair together": {
			"forbid plugshare:1 ocm:1",
			[]*providers.Record{newRecord(sources[0], "1", at(0), run(tesla)), newRecord(sources[1], "1", at(1), run(tesla)), newRecord(sources[2], "1", at(2), run(tesla))},
			[]string{"ocpi:ndw:1 + ocm:1", "plugshare:1"},
		},
		"nor does a twin": {
			"forbid ocm:2 ocm:3",
			[]*providers.Record{newRecord(sources[1], "1", at(0), run(tesla)), newRecord(sources[1], "2", at(1), run(tesla)), newRecord(sources[1], "3", at(2), run(tesla))},
			[]string{"ocm:1 + ocm:2", "ocm:3"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			overrides, err := conflate.ReadOverrides(strings.NewReader(c.overrides))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told(conflate.Rules{Overrides: overrides}.Merge(c.records))); diff != "" {
				t.Errorf("Merge() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

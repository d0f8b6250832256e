package conflate_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

var update = flag.Bool("update", false, "write what the rule says into the hard cases")

// hardCase is a file of testdata/hard: records in metres around one place, and
// the POIs that they make up. All of it is made by hand.
type hardCase struct {
	Story     string       `json:"story"`
	Held      []string     `json:"held"` // sources whose records are held whole; FarLinks where there are some
	Overrides string       `json:"overrides"`
	Records   []hardRecord `json:"records"`
	Want      []string     `json:"want"`
}

type hardRecord struct {
	Source   string   `json:"source"`
	ID       string   `json:"id"`
	EastM    float64  `json:"eastM"`
	NorthM   float64  `json:"northM"`
	Title    string   `json:"title"`
	Address  string   `json:"address"`
	Postcode string   `json:"postcode"`
	Operator string   `json:"operator"` // provider, id and title: "ocm:74 FastNed"
	Plugs    []string `json:"plugs"`    // type, power and quantity: "CCS_2 300 x4"
	EVSEs    []string `json:"evses"`
}

func (c *hardCase) rules(t *testing.T) conflate.Rules {
	t.Helper()
	overrides, err := conflate.ReadOverrides(strings.NewReader(c.Overrides))
	if err != nil {
		t.Fatal(err)
	}
	return conflate.Rules{Overrides: overrides, FarLinks: len(c.Held) > 0}
}

func (c *hardCase) records(t *testing.T) []*providers.Record {
	t.Helper()
	sources := make(map[string]*providers.Source)
	var list []*providers.Record
	for _, h := range c.Records {
		source := sources[h.Source]
		if source == nil {
			id := providers.SourceID(h.Source)
			source = &providers.Source{ID: id, Provider: id.Provider(), Held: slices.Contains(c.Held, h.Source)}
			sources[h.Source] = source
		}
		list = append(list, newRecord(source, h.ID, moved(towns()[0], h.EastM, h.NorthM), func(r *providers.Record) {
			r.Title, r.Address.Line1, r.Address.Postcode = h.Title, h.Address, h.Postcode
			if id, title, ok := strings.Cut(h.Operator, " "); ok {
				provider, external, _ := strings.Cut(id, ":")
				r.Operator = providers.NewOperator(providers.ProviderCode(strings.ToUpper(provider)), external, title)
			}
			for i, p := range h.Plugs {
				words := strings.Fields(p)
				kw, err := strconv.ParseFloat(words[1], 64)
				n, failed := strconv.Atoi(strings.TrimPrefix(words[2], "x"))
				if err != nil || failed != nil {
					t.Fatalf("%s: plug %q", h.ID, p)
				}
				plug := providers.ConnectionInfo{ExternalID: fmt.Sprint(i), Type: providers.ConnectorType(words[0]), Quantity: &n}
				if kw > 0 {
					plug.PowerKW = &kw
				}
				r.Connections = append(r.Connections, plug)
			}
			for i, id := range h.EVSEs {
				r.EVSEs = append(r.EVSEs, providers.EVSE{ExternalID: fmt.Sprint(i), EVSEID: id})
			}
		}))
	}
	return list
}

func TestMerge_HardCasesOfTheRealWorld(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/hard/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no hard cases: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var c hardCase
			if err := json.Unmarshal(text, &c); err != nil {
				t.Fatal(err)
			}
			rules, records := c.rules(t), c.records(t)
			got := told(rules.Merge(records))
			if *update {
				before, _, _ := strings.Cut(string(text), "  \"want\": [")
				lines := make([]string, len(got))
				for i, line := range got {
					lines[i] = "    " + strconv.Quote(line)
				}
				after := before + "  \"want\": [\n" + strings.Join(lines, ",\n") + "\n  ]\n}\n"
				if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(c.Want, got); diff != "" {
				t.Errorf("%s\nMerge() mismatch (-want +got):\n%s", c.Story, diff)
			}
			slices.Reverse(records)
			if diff := cmp.Diff(got, told(rules.Merge(records))); diff != "" {
				t.Errorf("the other way round it is otherwise:\n%s", diff)
			}
		})
	}
}

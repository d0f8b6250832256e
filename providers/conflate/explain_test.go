package conflate_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

func TestMerge_SaysWhy(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, p := range conflate.Merge(worlds(3, 40).Draw(t, "world")) {
			m := p.Match()
			if (m != nil) != (len(p.Members) > 1) {
				t.Fatalf("%s has %d members, and says %+v", p.ID(), len(p.Members), m)
			}
			if m == nil {
				continue
			}
			if m.Confidence < 0.36 || m.Confidence > 1 || m.RuleVersion != conflate.RuleVersion() || len(m.Features) < len(p.Members)-1 {
				t.Errorf("%s: %+v", p.ID(), m)
			}
			farthest := 0.0
			for _, r := range p.Members {
				farthest = math.Max(farthest, p.Members[0].Location.DistanceM(r.Location))
			}
			if m.DistanceM < 0 || m.DistanceM > conflate.R+conflate.R0 || farthest > 0 && m.DistanceM == 0 && farthest > 0.1 {
				t.Errorf("%s: %v m, but a member is %v m away", p.ID(), m.DistanceM, farthest)
			}
			for _, f := range m.Features {
				if f.Name == "" || f.Value == "" || math.IsInf(f.Contribution, 0) || math.IsNaN(f.Contribution) {
					t.Errorf("%s: %+v", p.ID(), f)
				}
			}
		}
	})
}

func TestCompare_IsInWordsOfAMapEditor(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(3)
	a := newRecord(sources[1], "1", towns()[0], func(r *providers.Record) {
		r.Title, r.Operator = "Hotel Meridian", providers.NewOperator(providers.OCM, "74", "FastNed")
		r.Address = providers.Address{Line1: "Kerkstraat 126", Town: "Amsterdam", Postcode: "1017 GP"}
	})
	b := newRecord(sources[2], "9~52", moved(towns()[0], 23, 0), func(r *providers.Record) {
		r.Title, r.Operator = "Meridian", providers.NewOperator(providers.PlugShare, "52", "Fastned")
		r.Address = providers.Address{Line1: "Kerkstr. 126, 1017GP Amsterdam"}
	})
	c := conflate.Rules{}.Compare(a, b)
	if !c.Together || c.Confidence < 0.9 || c.DistanceM != 23 {
		t.Errorf("Compare() = %+v", c)
	}
	told := ""
	sum := 0.0
	for _, f := range c.Features {
		told += f.Name + ": " + f.Value + "\n"
		sum += f.Contribution
	}
	for _, want := range []string{
		"distance: 23 m apart", "operator: both are run by FastNed", `address: same street and number: "Kerkstraat 126", "Kerkstr. 126, 1017GP Amsterdam"`,
		`name: names agree: "Hotel Meridian", "Meridian"`,
	} {
		if !strings.Contains(told, want) {
			t.Errorf("no %q in\n%s", want, told)
		}
	}
	if math.Abs(sum-c.Score) > 0.1 {
		t.Errorf("contributions add up to %v, the score is %v", sum, c.Score)
	}
}

// Evidence that is added for one site never makes a pair less of one.
func TestCompare_MoreEvidenceIsNeverLess(t *testing.T) {
	t.Parallel()
	sources := sourcesOf(2)
	rapid.Check(t, func(t *rapid.T) {
		eastM := rapid.Float64Range(0, 490).Draw(t, "east")
		pair := func(with func(*providers.Record)) (a, b *providers.Record) {
			return newRecord(sources[0], "1", towns()[0], with), newRecord(sources[1], "1", moved(towns()[0], eastM, 0), with)
		}
		steps := []func(*providers.Record){
			func(r *providers.Record) { r.Address.Line1 = "Kerkstraat 126" },
			func(r *providers.Record) { r.Address.Postcode = "1017 GP" },
			func(r *providers.Record) { r.Operator = operatorNamed("74") },
			func(r *providers.Record) { r.Title = "Hotel Meridian" },
			func(r *providers.Record) {
				r.Contact = &providers.Contact{Phone: "+31 20 1234567", Website: "https://www.meridian.example/x"}
			},
			func(r *providers.Record) {
				r.Connections = []providers.ConnectionInfo{{ExternalID: "1", Type: providers.ConnectorCCS2, PowerKW: new(50.0), Quantity: new(4)}}
			},
			func(r *providers.Record) { r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: "NL*ABC*E1"}} },
		}
		order := rapid.Permutation(steps).Draw(t, "order")
		before := math.Inf(-1)
		for n := range len(order) + 1 {
			c := conflate.Rules{}.Compare(pair(func(r *providers.Record) {
				for _, step := range order[:n] {
					step(r)
				}
			}))
			if c.Score < before-1e-9 {
				t.Errorf("after step %d the score falls from %v to %v", n, before, c.Score)
			}
			before = c.Score
		}
	})
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"chargegraph/providers/conflate"
)

// runConflateEval measures the matching rule on labelled pairs, and on request
// on the made-up world, and writes what it found to stdout.
func runConflateEval(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("chargegraph conflate-eval", `Measures the rule by which records become one POI on labelled pairs of records.

A pair is judged as if only its two records existed; pairs labelled uncertain or
same_address_other_unit are left out. The fields by which pairs were labelled
(data_providers_reference, tesla_location_id) are not read. clusters runs the
whole rule over all records of a set. The weights were set on the pairs in one
half of the cells of a map (tuned); the other half reports.`, stderr)
	dir := flags.String("pairs", "", "a folder of .jsonl files of labelled pairs")
	format := flags.String("format", "text", "text or json")
	worst := flags.Int("errors", 20, "how many of the worst errors to list")
	calibrate := flags.Bool("calibrate", false, "fit the confidence to the tuned pairs, print slope and middle, and end")
	sites := flags.Int("world", 0, "measure on a made-up world of so many sites too; 0: do not")
	seed := flags.Uint64("seed", 1, "which made-up world")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case *dir == "":
		return fmt.Errorf("%s: -pairs is missing", flags.Name())
	case *format != "text" && *format != "json":
		return fmt.Errorf("%s: -format is text or json, not %q", flags.Name(), *format)
	}
	pairs, err := readPairs(*dir)
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Name(), err)
	}
	if *calibrate {
		slope, middle := fitConfidence(pairs)
		_, err = fmt.Fprintf(stdout, "slope %.2f, middle %.2f\n", slope, middle)
		return err
	}
	report := evaluate(pairs, *worst)
	if *sites > 0 {
		if report.World, err = evaluateWorld(ctx, *sites, *seed); err != nil {
			return fmt.Errorf("%s: the made-up world: %w", flags.Name(), err)
		}
	}
	if *format == "json" {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(report)
	}
	_, err = io.WriteString(stdout, report.String())
	return err
}

// evalReport is what conflate-eval found.
type evalReport struct {
	Rule    string            `json:"rule"`
	Overall *figures          `json:"overall"`
	Sets    map[string]figure `json:"sets"`
	// Split is Overall on the pairs that the weights were set on, and on the others.
	Split struct {
		Tuned    *figures          `json:"tuned"`
		Reported *figures          `json:"reported"`
		Sets     map[string]figure `json:"reportedSets"`
	} `json:"split"`
	Clusters    map[string]*clusterFigures   `json:"clusters"`
	Baselines   map[string]map[string]figure `json:"baselines"` // by rule, then set and "overall"
	Calibration []calibrationBin             `json:"calibration"`
	Errors      []evalError                  `json:"errors"`
	World       *worldFigures                `json:"world,omitempty"`
}

// figure is how well a rule did.
type figure struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Right     int     `json:"truePositives"`
	Wrong     int     `json:"falsePositives"`
	Missed    int     `json:"falseNegatives"`
	Apart     int     `json:"trueNegatives"`
}

// figures is a figure with the 95 % intervals of a bootstrap over the cells of
// the map.
type figures struct {
	figure

	PrecisionInterval [2]float64 `json:"precisionInterval"`
	RecallInterval    [2]float64 `json:"recallInterval"`
	F1Interval        [2]float64 `json:"f1Interval"`
}

// evalError is a pair that was judged wrongly.
type evalError struct {
	Where      string   `json:"where"`
	Set        string   `json:"set"`
	Label      string   `json:"label"`
	Confidence float64  `json:"confidence"`
	DistanceM  float64  `json:"distanceMeters"`
	A          string   `json:"a"`
	B          string   `json:"b"`
	Why        []string `json:"why"`
	Tuned      bool     `json:"tuned"`
}

// evaluate measures the rule and those it is compared with.
func evaluate(pairs []*pair, worst int) *evalReport {
	r := &evalReport{Rule: conflate.RuleVersion()}
	var judged, tuned, reported []verdict
	for _, p := range pairs {
		if p.Label != labelMatch && p.Label != labelNoMatch {
			continue
		}
		c := conflate.Rules{}.Compare(p.a, p.b)
		v := verdict{pair: p, together: c.Together}
		judged = append(judged, v)
		if p.tuned() {
			tuned = append(tuned, v)
		} else {
			reported = append(reported, v)
		}
		if v.together != (p.Label == labelMatch) {
			e := evalError{
				Where: p.where, Set: p.Set, Label: p.Label, Confidence: c.Confidence, DistanceM: c.DistanceM,
				A: p.A.String(), B: p.B.String(), Tuned: p.tuned(),
			}
			for _, f := range c.Features {
				e.Why = append(e.Why, fmt.Sprintf("%+.2f %s: %s", f.Contribution, f.Name, f.Value))
			}
			r.Errors = append(r.Errors, e)
		}
	}
	// The surest of the wrong are the worst.
	slices.SortStableFunc(r.Errors, func(a, b evalError) int {
		off := func(e evalError) float64 {
			if e.Label == labelMatch {
				return e.Confidence
			}
			return 1 - e.Confidence
		}
		switch x, y := off(a), off(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	r.Errors = r.Errors[:min(len(r.Errors), max(worst, 0))]
	r.Overall, r.Sets = withIntervals(judged), bySet(judged)
	r.Split.Tuned, r.Split.Reported, r.Split.Sets = withIntervals(tuned), withIntervals(reported), bySet(reported)
	r.Baselines = make(map[string]map[string]figure)
	for name, rule := range baselines() {
		verdicts := make([]verdict, len(judged))
		for i, v := range judged {
			verdicts[i] = verdict{pair: v.pair, together: rule(v.pair)}
		}
		r.Baselines[name] = bySet(verdicts)
		r.Baselines[name]["overall"] = count(verdicts)
	}
	r.Clusters = clustersOf(pairs)
	r.Calibration = calibration(pairs)
	return r
}

// String writes the report for people.
func (r *evalReport) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	row := func(name string, f figure) {
		line("  %-28s P %.4f  R %.4f  F1 %.4f   %d right, %d wrong, %d missed, %d apart", name, f.Precision, f.Recall, f.F1, f.Right, f.Wrong, f.Missed, f.Apart)
	}
	interval := func(name string, f *figures) {
		row(name, f.figure)
		line("  %-28s P %.3f..%.3f  R %.3f..%.3f  F1 %.3f..%.3f (95 %%, bootstrap over cells of %g degrees)", "",
			f.PrecisionInterval[0], f.PrecisionInterval[1], f.RecallInterval[0], f.RecallInterval[1], f.F1Interval[0], f.F1Interval[1], cellDeg)
	}
	line("rule %s, pairs judged as if only their two records existed", r.Rule)
	interval("overall", r.Overall)
	interval("cells it was tuned on", r.Split.Tuned)
	interval("cells that report", r.Split.Reported)
	for _, set := range slices.Sorted(maps.Keys(r.Sets)) {
		row(set, r.Sets[set])
		row("  of it reported", r.Split.Sets[set])
		for _, rule := range slices.Sorted(maps.Keys(r.Baselines)) {
			row("  "+rule, r.Baselines[rule][set])
		}
	}
	line("\npublished rules on the same pairs")
	for _, rule := range slices.Sorted(maps.Keys(r.Baselines)) {
		row(rule, r.Baselines[rule]["overall"])
	}
	line("\nthe whole rule over all records of a set (B-cubed)")
	for _, set := range slices.Sorted(maps.Keys(r.Clusters)) {
		c := r.Clusters[set]
		line("  %-28s P %.4f  R %.4f  F1 %.4f   %d records, %d POIs, %.1f false merges per 1,000 POIs", set, c.Precision, c.Recall, c.F1, c.Records, c.POIs, c.FalseMergesPer1000)
	}
	line("\nconfidence, on the pairs of the cells that report")
	for _, c := range r.Calibration {
		line("  said %.2f..%.2f (mean %.3f): %d of %d are one site (%.3f)", c.From, c.To, c.Mean, c.Right, c.Pairs, c.Share)
	}
	if r.World != nil {
		line("\n%s", r.World)
	}
	if len(r.Errors) > 0 {
		line("\nworst errors")
	}
	for _, e := range r.Errors {
		part := "reported"
		if e.Tuned {
			part = "tuned"
		}
		line("  %s %s, but %s (%.2f, %s)\n    %s\n    %s\n    %s", e.Where, e.Set, e.Label, e.Confidence, part, e.A, e.B, strings.Join(e.Why, "; "))
	}
	return b.String()
}

// String writes a record as it stands in a pair.
func (s *evalSide) String() string {
	return fmt.Sprintf("%s %s %q, %q %s, operator %q", s.Source, s.ID, s.Name, s.Address, s.Postcode, s.Operator)
}

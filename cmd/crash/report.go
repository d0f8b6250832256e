package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
)

// figures are what one part came to.
type figures struct {
	Part     string  `json:"part"`
	CheckIns int     `json:"checkIns"`
	Servers  int     `json:"servers"`
	Seconds  float64 `json:"seconds"`

	Requests     int `json:"requests"`     // submissions sent, repeats included
	Failed       int `json:"failed"`       // of these, without an acknowledgement
	Acknowledged int `json:"acknowledged"` // check-ins
	Replayed     int `json:"replayed"`     // check-ins whose repeat in the end gave the first one
	Kills        int `json:"kills"`
	ServedMS     int `json:"servedMs"` // how long a killed process had answered, the median

	Delivered   int `json:"delivered"`
	Unconfirmed int `json:"unconfirmed"` // left to the person on duty
	Comments    int `json:"comments"`    // at Open Charge Map
	Attempts    int `json:"attempts"`    // sends, as the entries count them

	Tally

	Explained []explained    `json:"explained,omitempty"` // what was UNCONFIRMED
	Problems  []string       `json:"problems,omitempty"`
	Failures  map[string]int `json:"failures,omitempty"`  // of requests, by what went wrong
	LastError string         `json:"lastError,omitempty"` // when asking how far they got
}

// explained is a check-in that was left to a person.
type explained struct {
	ID       string `json:"id"`
	Reason   string `json:"reason"`
	Comments int    `json:"comments"` // of it, before it was tried again
}

// report is what is printed, and written with -json.
type report struct {
	Parts []figures `json:"parts"`
}

// shownProblems is how many a person reads.
const shownProblems = 20

func (r *report) write(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, value func(*figures) any) {
		_, _ = fmt.Fprintf(table, "%s\t", name)
		for i := range r.Parts {
			_, _ = fmt.Fprintf(table, "%v\t", value(&r.Parts[i]))
		}
		_, _ = fmt.Fprintln(table)
	}
	row("", func(f *figures) any { return f.Part })
	row("check-ins", func(f *figures) any { return f.CheckIns })
	row("servers", func(f *figures) any { return f.Servers })
	row("requests", func(f *figures) any { return f.Requests })
	row("failed requests", func(f *figures) any { return f.Failed })
	row("acknowledged", func(f *figures) any { return f.Acknowledged })
	row("replayed", func(f *figures) any { return f.Replayed })
	row("kills", func(f *figures) any { return f.Kills })
	row("ms served, median", func(f *figures) any { return f.ServedMS })
	row("sends", func(f *figures) any { return f.Attempts })
	row("delivered", func(f *figures) any { return f.Delivered })
	row("left to a person", func(f *figures) any { return f.Unconfirmed })
	row("comments upstream", func(f *figures) any { return f.Comments })
	row("MISSING", func(f *figures) any { return f.Missing })
	row("DUPLICATES", func(f *figures) any { return f.Duplicates })
	row("UNFINISHED", func(f *figures) any { return f.Unfinished })
	row("UNEXPLAINED", func(f *figures) any { return f.Unexplained })
	row("seconds", func(f *figures) any { return fmt.Sprintf("%.1f", f.Seconds) })
	if err := table.Flush(); err != nil {
		return err
	}
	for i := range r.Parts {
		for _, e := range r.Parts[i].Explained {
			_, _ = fmt.Fprintf(out, "%s: %s was left to a person with %d comments there: %s\n", r.Parts[i].Part, e.ID, e.Comments, e.Reason)
		}
		for _, text := range slices.Sorted(maps.Keys(r.Parts[i].Failures)) {
			_, _ = fmt.Fprintf(out, "%s: %d requests failed: %s\n", r.Parts[i].Part, r.Parts[i].Failures[text], text)
		}
		problems := r.Parts[i].Problems
		for _, text := range problems[:min(len(problems), shownProblems)] {
			_, _ = fmt.Fprintf(out, "%s: %s\n", r.Parts[i].Part, text)
		}
		if more := len(problems) - shownProblems; more > 0 {
			_, _ = fmt.Fprintf(out, "%s: and %d more, see -json\n", r.Parts[i].Part, more)
		}
		if r.Parts[i].Unfinished > 0 && r.Parts[i].LastError != "" {
			_, _ = fmt.Fprintf(out, "%s: the last error was: %s\n", r.Parts[i].Part, r.Parts[i].LastError)
		}
	}
	return nil
}

func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// verdict is nil when nothing was lost, doubled or left hanging.
func (r *report) verdict() error {
	var errs []error
	for i := range r.Parts {
		if f := &r.Parts[i]; f.Tally != (Tally{}) {
			errs = append(errs, fmt.Errorf("%s: %d missing, %d duplicates, %d unfinished, %d unexplained",
				f.Part, f.Missing, f.Duplicates, f.Unfinished, f.Unexplained))
		}
	}
	return errors.Join(errs...)
}

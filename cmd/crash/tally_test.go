package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func delivered(key, externalID string) entry {
	return entry{key: key, text: "text " + key, id: "checkin:" + key, looked: true, known: true, state: "DELIVERED", delivery: delivery{State: "DELIVERED", ExternalID: externalID}}
}

func TestCount(t *testing.T) {
	t.Parallel()
	a, b := delivered("a", "1"), delivered("b", "2")
	atA := comment{ID: 1, Comment: a.text, RelatedURL: "https://m/a"}
	atB := comment{ID: 2, Comment: b.text, RelatedURL: "https://m/b"}
	with := func(e entry, change func(*entry)) entry {
		change(&e)
		return e
	}
	tests := []struct {
		name     string
		entries  []entry
		comments []comment
		want     Tally
		says     string
	}{
		{"nothing wrong", []entry{a, b}, []comment{atA, atB}, Tally{}, ""},
		{"a second copy is a duplicate", []entry{a}, []comment{atA, atA, atA}, Tally{Duplicates: 2}, "is there 3 times"},
		{"delivered and not there is missing", []entry{a, b}, []comment{atA}, Tally{Missing: 1}, "DELIVERED and not there"},
		{"acknowledged and forgotten is missing", []entry{with(a, func(e *entry) { e.known = false })}, []comment{atA}, Tally{Missing: 1}, "not known any more"},
		{"one that could not be asked for is unfinished", []entry{with(a, func(e *entry) { e.looked, e.known = false, false })}, []comment{atA}, Tally{Unfinished: 1}, "could not be asked for"},
		{"never acknowledged is unfinished", []entry{with(a, func(e *entry) { e.id = "" })}, nil, Tally{Unfinished: 1}, "never acknowledged"},
		{"on its way is unfinished", []entry{with(a, func(e *entry) { e.delivery.State = "RETRYING" })}, []comment{atA}, Tally{Unfinished: 1}, "RETRYING"},
		{"given up is unexplained", []entry{with(a, func(e *entry) { e.delivery = delivery{State: "FAILED"} })}, nil, Tally{Unexplained: 1}, "FAILED"},
		{"left to a person and never looked at is unexplained", []entry{with(a, func(e *entry) { e.delivery = delivery{State: "UNCONFIRMED"} })}, []comment{atA}, Tally{Unexplained: 1}, "UNCONFIRMED"},
		{"a comment of nobody's counts as a copy", []entry{a}, []comment{atA, atB}, Tally{Duplicates: 1}, "submitted 0 times"},
		{"a comment without its marker", []entry{a}, []comment{{Comment: a.text}}, Tally{Unexplained: 1}, "without its marker"},
		{"one marker for two", []entry{a, b}, []comment{atA, {Comment: b.text, RelatedURL: atA.RelatedURL}}, Tally{Unexplained: 1}, "the marker of"},
		{"twins are two comments", []entry{a, with(b, func(e *entry) { e.text = a.text })}, []comment{atA, {ID: 2, Comment: a.text, RelatedURL: "https://m/b"}}, Tally{}, ""},
		{"one comment for twins lacks one", []entry{a, with(b, func(e *entry) { e.text = a.text })}, []comment{atA}, Tally{Missing: 1}, "not there"},
		{"one comment held by two", []entry{a, with(b, func(e *entry) { e.delivery.ExternalID = "1" })}, []comment{atA, atB}, Tally{Unexplained: 1}, "both hold"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, problems := count(test.entries, test.comments, true)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("count() mismatch (-want +got):\n%s", diff)
			}
			if all := strings.Join(problems, "\n"); !strings.Contains(all, test.says) || (test.says == "") != (all == "") {
				t.Errorf("it says %q, want %q in it", all, test.says)
			}
			rep := report{Parts: []figures{{Part: "sqlite", Tally: got, Problems: problems}}}
			if failed := rep.verdict() != nil; failed != (test.want != Tally{}) {
				t.Errorf("verdict() failed = %v for %+v", failed, got)
			}
			var out bytes.Buffer
			if err := rep.write(&out); err != nil || !strings.Contains(out.String(), test.says) {
				t.Errorf("the report (%v) does not say %q:\n%s", err, test.says, &out)
			}
		})
	}
}

func TestRun_RefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"-n 3":                     "between 10 and 20,000",
		"-parts sqlite,floppy":     "floppy",
		"-bin /no/such/program":    "make build",
		"-parts sqlite something":  "takes no arguments",
		"-limit 0s -bin /bin/true": "",
	} {
		err := run(context.WithoutCancel(t.Context()), strings.Fields(args), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("run(%s) = %v, want %q in it", args, err, says)
		}
	}
}

package main

import "fmt"

// entry is a check-in that was submitted, and what became of it.
type entry struct {
	key  string
	text string // one that it shares with its twin alone, if it has one
	site string

	id       string // "" until it was acknowledged
	looked   bool   // the service was asked for it in the end
	known    bool   // it has it still
	state    string
	delivery delivery
}

// delivery is that to Open Charge Map.
type delivery struct {
	State      string
	Attempts   int
	ExternalID string `json:"externalId"`
	Error      *struct{ Message string }
}

func (d *delivery) final() bool { return d.State != "PENDING" && d.State != "RETRYING" }

func (d *delivery) reason() string {
	if d.Error == nil {
		return ""
	}
	return d.Error.Message
}

// comment is one at Open Charge Map.
type comment struct {
	ID            int
	ChargePointID int
	Comment       string
	RelatedURL    string
}

// Tally counts what must not be.
type Tally struct {
	Missing     int `json:"missing"`
	Duplicates  int `json:"duplicates"`
	Unfinished  int `json:"unfinished"`
	Unexplained int `json:"unexplained"`
}

// count holds entries against the comments that are there: as many of each text as
// entries have it. marked says that each comment has to bear a marker, the same for
// no two texts.
func count(entries []entry, comments []comment, marked bool) (t Tally, problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	byText, wanted, have := make(map[string][]comment), make(map[string]int), make(map[string]int)
	for _, c := range comments {
		byText[c.Comment] = append(byText[c.Comment], c)
	}
	for i := range entries {
		wanted[entries[i].text]++
		have[entries[i].text] = len(byText[entries[i].text])
	}
	owner := make(map[string]string) // of a marker, a text
	for text, there := range byText {
		if extra := len(there) - wanted[text]; extra > 0 {
			t.Duplicates += extra
			say("%q is there %d times, submitted %d times", text, len(there), wanted[text])
		}
		for _, c := range there {
			if !marked || wanted[text] == 0 {
				continue
			}
			if c.RelatedURL == "" {
				t.Unexplained++
				say("%q arrived without its marker", text)
			} else if other, taken := owner[c.RelatedURL]; taken && other != text {
				t.Unexplained++
				say("%q has the marker of %q", text, other)
			}
			owner[c.RelatedURL] = text
		}
	}
	claims := make(map[string]string)
	for i := range entries {
		e := &entries[i]
		switch {
		case e.id == "":
			t.Unfinished++
			say("%s was never acknowledged", e.text)
		case !e.looked:
			t.Unfinished++
			say("%s (%s) could not be asked for", e.text, e.id)
		case !e.known:
			t.Missing++
			say("%s (%s) was acknowledged and is not known any more", e.text, e.id)
		case !e.delivery.final():
			t.Unfinished++
			say("%s (%s) is %s: %s", e.text, e.id, e.delivery.State, e.delivery.reason())
		case e.delivery.State != "DELIVERED":
			t.Unexplained++
			say("%s (%s) ended as %s: %s", e.text, e.id, e.delivery.State, e.delivery.reason())
		case have[e.text] == 0:
			t.Missing++
			say("%s (%s) is DELIVERED and not there", e.text, e.id)
		default:
			have[e.text]-- // this one is its own
		}
		if name := e.delivery.ExternalID; name != "" {
			if other, taken := claims[name]; taken {
				t.Unexplained++
				say("%s and %s both hold the comment %s for theirs", e.text, other, name)
			}
			claims[name] = e.text
		}
	}
	return t, problems
}

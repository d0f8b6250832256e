package main

import "fmt"

// entry is a check-in that was submitted, and what became of it.
type entry struct {
	key  string
	text string // no other check-in has it
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

// count holds entries against the comments that are there. marked says that each
// comment has to bear a marker, the same for no two entries.
func count(entries []entry, comments []comment, marked bool) (t Tally, problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	byText := make(map[string][]comment)
	for _, c := range comments {
		byText[c.Comment] = append(byText[c.Comment], c)
	}
	owner := make(map[string]string) // of a marker, a text
	claims := make(map[string]string)
	for i := range entries {
		e := &entries[i]
		there := byText[e.text]
		delete(byText, e.text)
		if extra := len(there) - 1; extra > 0 {
			t.Duplicates += extra
			say("%s is there %d times", e.text, len(there))
		}
		for _, c := range there {
			if !marked {
				continue
			}
			if c.RelatedURL == "" {
				t.Unexplained++
				say("%s arrived without its marker", e.text)
			} else if other, taken := owner[c.RelatedURL]; taken && other != e.text {
				t.Unexplained++
				say("%s has the marker of %s", e.text, other)
			}
			owner[c.RelatedURL] = e.text
		}
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
		case e.delivery.State == "DELIVERED" && len(there) == 0:
			t.Missing++
			say("%s (%s) is DELIVERED and not there", e.text, e.id)
		case e.delivery.State != "DELIVERED":
			t.Unexplained++
			say("%s (%s) ended as %s: %s", e.text, e.id, e.delivery.State, e.delivery.reason())
		}
		if name := e.delivery.ExternalID; name != "" {
			if other, taken := claims[name]; taken {
				t.Unexplained++
				say("%s and %s both hold the comment %s for theirs", e.text, other, name)
			}
			claims[name] = e.text
		}
	}
	for text, there := range byText {
		t.Duplicates += len(there)
		say("%d comments %q are nobody's", len(there), text)
	}
	return t, problems
}

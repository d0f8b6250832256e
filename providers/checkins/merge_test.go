package checkins

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// copyOf returns e as the provider shows it.
func copyOf(e *Entry, id string, change func(*providers.Comment)) providers.Comment {
	c := providers.Comment{
		ExternalID: id, Kind: e.Report.Kind, Outcome: &e.Report.Outcome, Rating: e.Report.Rating, Text: e.Report.Text,
		Author: &providers.Author{DisplayName: "service"}, CreatedAt: noon.Add(time.Minute),
		Record: &providers.Record{Key: e.Targets[0].Record, Source: &providers.Source{ID: "ocm", Provider: providers.OCM}},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestMerge_ShowsEachCheckInOnce(t *testing.T) {
	sent := func(change func(*Entry)) *Entry {
		e := fresh("k")
		e.Targets[0].State, e.Targets[0].Attempts, e.Targets[0].SentAt = providers.DeliveryRetrying, 1, []time.Time{noon}
		if change != nil {
			change(e)
		}
		return e
	}
	known := func(e *Entry) { e.Targets[0].State, e.Targets[0].ExternalID = providers.DeliveryDelivered, "5" }
	for name, c := range map[string]struct {
		entry   *Entry
		comment func(*providers.Comment)
		twins   bool // both are shown
	}{
		"by its id":               {sent(known), func(c *providers.Comment) { c.Text = "edited"; c.CreatedAt = noon.Add(time.Hour) }, false},
		"by its marker":           {sent(nil), func(c *providers.Comment) { c.RelatedURL, c.Text = "https://go.example/ci/k", "edited" }, false},
		"by words and minutes":    {sent(nil), func(c *providers.Comment) { c.Text = "  Läuft & lädt <gut>.\r\n\"11 kW\"" }, false},
		"not with another id":     {sent(known), func(c *providers.Comment) { c.ExternalID = "6" }, true},
		"not by another's marker": {sent(nil), func(c *providers.Comment) { c.RelatedURL, c.Text = "https://go.example/ci/x", "other" }, true},
		"not with other words":    {sent(nil), func(c *providers.Comment) { c.Text = "other" }, true},
		"not with other stars":    {sent(nil), func(c *providers.Comment) { c.Rating = nil }, true},
		"not of another kind":     {sent(nil), func(c *providers.Comment) { c.Kind = providers.CommentNotice }, true},
		"not an hour later":       {sent(nil), func(c *providers.Comment) { c.CreatedAt = noon.Add(time.Hour) }, true},
		"not an hour before":      {sent(nil), func(c *providers.Comment) { c.CreatedAt = noon.Add(-time.Hour) }, true},
		"not before it was sent":  {fresh("k"), nil, true},
		"not at another record": {sent(known), func(c *providers.Comment) {
			c.Record = &providers.Record{Key: "ocm:2", Source: c.Record.Source}
		}, true},
		"not without any words": {sent(func(e *Entry) { e.Report.Text = "" }), nil, true},
		"without words by the name": {
			sent(func(e *Entry) { e.Report.Text, e.Report.UserName = "", "Ann" }),
			func(c *providers.Comment) { c.Author.DisplayName = "Ann" }, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			comment := copyOf(c.entry, "5", c.comment)
			merged := Merge([]providers.Comment{comment}, []*Entry{c.entry})
			if (len(merged) == 2) != c.twins {
				t.Fatalf("Merge() = %d comments", len(merged))
			}
			if !c.twins && merged[0].ID() != comment.ID() {
				t.Errorf("Merge() shows %s, want the provider's copy", merged[0].ID())
			}
		})
	}
}

func TestMerge_OneCommentReplacesOneCheckIn(t *testing.T) {
	a, b := fresh("a"), fresh("b")
	for _, e := range []*Entry{a, b} {
		e.Targets[0].SentAt = []time.Time{noon}
	}
	b.Targets[0].ExternalID = "5"
	only := copyOf(a, "5", nil)
	merged := Merge([]providers.Comment{only}, []*Entry{a, b})
	if len(merged) != 2 || merged[0].ExternalID != "5" || EntryOf(t, merged[1]) != a.ID {
		t.Errorf("Merge() = %v; the comment is known to be b's", merged)
	}
}

// EntryOf returns the entry that a comment of ours shows.
func EntryOf(tb testing.TB, c providers.Comment) string {
	tb.Helper()
	id, err := providers.ParseID(c.ID())
	if err != nil {
		tb.Fatal(err)
	}
	entry, _ := EntryID(id)
	return entry
}

// TestMerge_NeverShowsATwinAndNeverLosesAComment merges random comments and
// entries: every comment of a provider stays, every entry is there once, as itself
// or as its copy, and merging again changes nothing.
func TestMerge_NeverShowsATwinAndNeverLosesAComment(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var entries []*Entry
		var comments []providers.Comment
		copies := map[string]int{} // of entries whose copy is told by id or marker
		for i := range rapid.IntRange(0, 5).Draw(rt, "entries") {
			e := fresh(fmt.Sprint(i))
			e.ID = newID(noon.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "ms")) * time.Millisecond))
			e.Report.Text = rapid.SampledFrom([]string{"", "same", "other"}).Draw(rt, "text")
			e.Targets[0].SentAt = []time.Time{noon}
			entries = append(entries, e)
			id := fmt.Sprint(100 + i)
			switch rapid.IntRange(0, 3).Draw(rt, "copy") {
			case 0:
				e.Targets[0].ExternalID = id
				comments = append(comments, copyOf(e, id, nil))
				copies[e.ID]++
			case 1:
				comments = append(comments, copyOf(e, id, func(c *providers.Comment) { c.RelatedURL = e.Marker }))
				copies[e.ID]++
			case 2: // like many others
				comments = append(comments, copyOf(e, id, nil))
			}
		}
		comments = rapid.Permutation(comments).Draw(rt, "order")
		merged := Merge(comments, entries)
		ours, theirs := map[string]int{}, map[string]bool{}
		for i := range merged {
			if id := EntryOf(t, merged[i]); id != "" {
				ours[id]++
			} else {
				theirs[merged[i].ExternalID] = true
			}
		}
		if len(theirs) != len(comments) {
			rt.Fatalf("%d comments of %d are shown", len(theirs), len(comments))
		}
		shown := 0
		for _, e := range entries {
			shown += ours[e.ID]
			if ours[e.ID] > 1 || copies[e.ID] > 0 && ours[e.ID] > 0 {
				rt.Fatalf("%s is shown %d times beside %d copies", e.ID, ours[e.ID], copies[e.ID])
			}
		}
		if shown < len(entries)-len(comments) {
			rt.Fatalf("%d of %d entries shown beside %d comments", shown, len(entries), len(comments))
		}
		again := Merge(merged, entries)
		ids := func(list []providers.Comment) (all []string) {
			for i := range list {
				all = append(all, list[i].ID())
			}
			return all
		}
		if diff := cmp.Diff(ids(merged), ids(again)); diff != "" {
			rt.Fatalf("merging again mismatch (-want +got)\n%s", diff)
		}
	})
}

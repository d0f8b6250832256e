package checkins

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"chargegraph/providers"
)

// Merge returns the comments of a site with the check-ins of this service beside
// them, each once, newest first: the provider's copy of a check-in replaces ours
// as soon as it is among the comments. It is known by its id where the provider
// told it, else by the marker, else by its words and the minute; one comment
// replaces one check-in at most, so that two drivers who say the same stay two.
//
// Merging what was merged again changes nothing. A rating that is derived from
// the result counts each check-in once. The copy has the marker for its related
// URL, which says nothing to a reader: Secrets.Marks tells it when it is shown.
func Merge(comments []providers.Comment, entries []*Entry) []providers.Comment {
	if len(entries) == 0 {
		return comments
	}
	merged := slices.Clone(comments)
	replaced := make([]bool, len(entries))
	taken := make([]bool, len(merged))
	for i := range merged { // ours that are there already
		if merged[i].Record == nil || merged[i].Record.Key != localRecord {
			continue
		}
		taken[i] = true
		for n, e := range entries {
			replaced[n] = replaced[n] || e.ID == idPrefix+merged[i].ExternalID
		}
	}
	// The surest sign first, for all of them: a likeness must not take the copy
	// that is known to be another's.
	for _, same := range []func(*Entry, *Target, *providers.Comment) bool{sameID, sameMarker, alike} {
		for n, e := range entries {
			for i := range merged {
				if replaced[n] {
					break
				}
				if taken[i] || !e.copiedAs(&merged[i], same) {
					continue
				}
				replaced[n], taken[i] = true, true
			}
		}
	}
	for n, e := range entries {
		if !replaced[n] {
			merged = append(merged, e.Comment())
		}
	}
	slices.SortStableFunc(merged, func(a, b providers.Comment) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID(), b.ID()))
	})
	return merged
}

// copiedAs reports whether c is the copy of e at one of the providers, by one of
// the signs.
func (e *Entry) copiedAs(c *providers.Comment, same func(*Entry, *Target, *providers.Comment) bool) bool {
	if c.Record == nil {
		return false
	}
	for i := range e.Targets {
		t := &e.Targets[i]
		if t.Source != local && t.Record != "" && t.Record.Covers(c.Record.Key) && same(e, t, c) {
			return true
		}
	}
	return false
}

func sameID(_ *Entry, t *Target, c *providers.Comment) bool {
	return t.ExternalID != "" && t.ExternalID == c.ExternalID
}

func sameMarker(e *Entry, _ *Target, c *providers.Comment) bool {
	return e.Marker != "" && c.RelatedURL == e.Marker
}

// A provider dates a comment by its own clock, when it is done with it: that may
// be a little before the send began here, and some minutes after.
const (
	sentBefore = 2 * time.Minute
	sentAfter  = 10 * time.Minute
)

// alike holds the content and the time of a comment against those of a check-in
// whose id there is not known. Without any words, the name must be the same.
func alike(e *Entry, t *Target, c *providers.Comment) bool {
	if t.ExternalID != "" || c.Kind != e.Report.Kind || c.Outcome == nil || *c.Outcome != e.Report.Outcome ||
		!equal(c.Rating, e.Report.Rating) || words(c.Text) != words(e.Report.Text) {
		return false
	}
	if e.Report.Text == "" && (e.Report.UserName == "" || c.Author == nil || c.Author.DisplayName != e.Report.UserName) {
		return false
	}
	return slices.ContainsFunc(t.SentAt, func(at time.Time) bool {
		return c.CreatedAt.After(at.Add(-sentBefore)) && c.CreatedAt.Before(at.Add(sentAfter))
	})
}

func equal(a, b *int) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// words is a text as it is compared: providers keep spaces and line breaks as
// they like.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/checkins"
)

// told is a check-in as list and show write it in JSON: all that is kept of it but
// for the session of its submitter.
type told struct {
	ID        string                 `json:"id"`
	Comment   string                 `json:"commentId"`
	State     providers.CheckInState `json:"state"`
	Version   int64                  `json:"version"`
	Caller    string                 `json:"caller"`
	Key       string                 `json:"idempotencyKey"`
	Hash      string                 `json:"contentHash"`
	Site      string                 `json:"poiId"`
	Records   []providers.Key        `json:"records"`
	CreatedAt time.Time              `json:"createdAt"`
	UpdatedAt time.Time              `json:"updatedAt"`
	RetriedAt time.Time              `json:"retriedAt,omitzero"`

	Outcome    providers.CheckInOutcome `json:"outcome"`
	Kind       providers.CommentKind    `json:"kind"`
	Rating     *int                     `json:"rating,omitzero"`
	Text       string                   `json:"text,omitzero"`
	RelatedURL string                   `json:"relatedUrl,omitzero"`
	UserName   string                   `json:"userName,omitzero"`
	Marker     string                   `json:"marker,omitzero"`
	HasSession bool                     `json:"hasSession"` // a sealed one of the submitter's is kept

	Deliveries []toldDelivery `json:"deliveries"`
}

type toldDelivery struct {
	Provider   providers.ProviderCode  `json:"provider"`
	Source     providers.SourceID      `json:"source,omitzero"`
	Record     providers.Key           `json:"record,omitzero"`
	State      providers.DeliveryState `json:"state"`
	Attempts   int                     `json:"attempts"`
	ExternalID string                  `json:"externalId,omitzero"`
	Lost       []string                `json:"lostFields,omitempty"`
	ErrorCode  string                  `json:"errorCode,omitzero"`
	Error      string                  `json:"error,omitzero"`
	NextAt     time.Time               `json:"nextAt,omitzero"`
	SentAt     []time.Time             `json:"sentAt,omitempty"`
	UpdatedAt  time.Time               `json:"updatedAt"`
	OwnSession bool                    `json:"ownSession"` // it goes out under the submitter's own session alone
	Looks      int                     `json:"looksToCome,omitzero"`
	Unclear    int                     `json:"unclearSends,omitzero"`
	Blind      int                     `json:"failedLooks,omitzero"`
	LeasedTo   time.Time               `json:"leasedUntil,omitzero"`
}

func tell(e *checkins.Entry) *told {
	comment := e.Comment()
	t := &told{
		ID: e.ID, Comment: comment.ID(), State: e.State(), Version: e.Version, Caller: e.Caller, Key: e.Key, Hash: e.Hash,
		Site: e.POIID, Records: e.Members, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, RetriedAt: e.RetriedAt,
		Outcome: e.Report.Outcome, Kind: e.Report.Kind, Rating: e.Report.Rating, Text: e.Report.Text,
		RelatedURL: e.Report.RelatedURL, UserName: e.Report.UserName, Marker: e.Marker, HasSession: e.Token != nil,
	}
	for i := range e.Targets {
		from := &e.Targets[i]
		to := toldDelivery{
			Provider: from.Provider, Source: from.Source, Record: from.Record, State: from.State, Attempts: from.Attempts,
			ExternalID: from.ExternalID, Lost: from.Lost, NextAt: from.NextAt, SentAt: from.SentAt, UpdatedAt: from.UpdatedAt,
			OwnSession: from.OwnToken, Looks: from.Doubt, Unclear: from.Unclear, Blind: from.Blind, LeasedTo: from.LeasedUntil,
		}
		if from.Error != nil {
			to.ErrorCode, to.Error = string(from.Error.Code), from.Error.Message
		}
		t.Deliveries = append(t.Deliveries, to)
	}
	return t
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// writeRow writes a row of the list. Its columns are wide enough for what is usual,
// so that a long list need not be known whole before its first row is written.
func writeRow(w io.Writer, id, submitted, state, outcome, site, caller, deliveries string) error {
	_, err := fmt.Fprintf(w, "%-34s  %-20s  %-16s  %-22s  %-18s  %-16s  %s\n", id, submitted, state, outcome, site, caller, deliveries)
	return err
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// summary is what a row says of the deliveries of e.
func summary(e *checkins.Entry) string {
	parts := make([]string, len(e.Targets))
	for i := range e.Targets {
		t := &e.Targets[i]
		text := fmt.Sprintf("%s %s", t.Provider, t.State)
		if t.Attempts > 0 {
			text += fmt.Sprintf(" sent %d×", t.Attempts)
		}
		if t.ExternalID != "" {
			text += " as " + t.ExternalID
		}
		if t.Error != nil {
			text += fmt.Sprintf(" (%s)", t.Error.Code)
		}
		parts[i] = text
	}
	return strings.Join(parts, "; ")
}

// writeEntry writes a check-in for people. Texts of drivers are quoted: a terminal
// would obey what may stand in them.
func writeEntry(w io.Writer, e *checkins.Entry) error {
	t := tell(e)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(table, "%s\t%s\n", name, value) // Flush tells
		}
	}
	quote := func(text string) string {
		if text == "" {
			return ""
		}
		return strconv.Quote(text)
	}
	when := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	row("check-in", t.ID)
	row("state", string(t.State))
	row("submitted", when(t.CreatedAt))
	row("retried", when(t.RetriedAt))
	row("changed", fmt.Sprintf("%s, version %d", when(t.UpdatedAt), t.Version))
	row("caller", t.Caller)
	row("idempotency key", quote(t.Key))
	row("content hash", t.Hash)
	row("site", t.Site)
	records := make([]string, len(t.Records))
	for i, k := range t.Records {
		records[i] = string(k)
	}
	row("its records", strings.Join(records, " "))
	row("shown as", t.Comment)
	row("outcome", string(t.Outcome))
	row("kind", string(t.Kind))
	if t.Rating != nil {
		row("rating", strconv.Itoa(*t.Rating))
	}
	row("text", quote(t.Text))
	row("related URL", quote(t.RelatedURL))
	row("user name", quote(t.UserName))
	row("marker", t.Marker)
	if t.HasSession {
		row("session", "(secret) of the submitter, sealed")
	}
	for i := range t.Deliveries {
		d := &t.Deliveries[i]
		row("delivery to", string(d.Provider))
		row("  state", string(d.State))
		row("  source", string(d.Source))
		row("  record", string(d.Record))
		row("  sent", number(d.Attempts))
		for _, at := range d.SentAt {
			row("  sent at", when(at))
		}
		row("  comment there", d.ExternalID)
		row("  lost there", strings.Join(d.Lost, " "))
		if d.Error != "" {
			row("  error", d.ErrorCode+": "+d.Error)
		}
		row("  next step", when(d.NextAt))
		row("  changed", when(d.UpdatedAt))
		if d.OwnSession {
			row("  goes out under", "the submitter's own session")
		}
		row("  looks to come", number(d.Looks))
		row("  unclear sends", number(d.Unclear))
		row("  failed looks", number(d.Blind))
		row("  leased until", when(d.LeasedTo))
	}
	return table.Flush()
}

package checkins

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"chargegraph/providers"
)

// schemaVersion numbers the form of what both stores hold. A change of the wire
// types below raises it and adds a migration to each store.
const schemaVersion = 2

// The wire types are the form of an entry in a store and in an export. They are
// apart from the Go types so that those may change their names.
type (
	wireEntry struct {
		ID        string          `json:"id"`
		Version   int64           `json:"version"`
		Caller    string          `json:"caller"`
		Key       string          `json:"key"`
		Hash      string          `json:"hash"`
		Report    wireReport      `json:"report"`
		POIID     string          `json:"poiId"`
		Members   []providers.Key `json:"members"`
		Marker    string          `json:"marker,omitzero"`
		Token     []byte          `json:"token,omitzero"`
		Targets   []wireTarget    `json:"targets"`
		CreatedAt time.Time       `json:"createdAt"`
		RetriedAt time.Time       `json:"retriedAt,omitzero"`
		UpdatedAt time.Time       `json:"updatedAt"`
	}
	wireReport struct {
		Outcome    providers.CheckInOutcome `json:"outcome"`
		Kind       providers.CommentKind    `json:"kind"`
		Text       string                   `json:"text,omitzero"`
		Rating     *int                     `json:"rating,omitzero"`
		RelatedURL string                   `json:"relatedUrl,omitzero"`
		UserName   string                   `json:"userName,omitzero"`
	}
	wireTarget struct {
		Provider    providers.ProviderCode  `json:"provider"`
		Source      providers.SourceID      `json:"source,omitzero"`
		Record      providers.Key           `json:"record,omitzero"`
		State       providers.DeliveryState `json:"state"`
		Attempts    int                     `json:"attempts,omitzero"`
		ExternalID  string                  `json:"externalId,omitzero"`
		Lost        []string                `json:"lost,omitempty"`
		Error       *wireError              `json:"error,omitzero"`
		NextAt      time.Time               `json:"nextAt,omitzero"`
		SentAt      []time.Time             `json:"sentAt,omitempty"`
		Authors     []string                `json:"authors,omitempty"`
		UpdatedAt   time.Time               `json:"updatedAt"`
		OwnToken    bool                    `json:"ownToken,omitzero"`
		Doubt       int                     `json:"doubt,omitzero"`
		Unclear     int                     `json:"unclear,omitzero"`
		Blind       int                     `json:"blind,omitzero"`
		Lease       string                  `json:"lease,omitzero"`
		LeasedUntil time.Time               `json:"leasedUntil,omitzero"`
	}
	wireError struct {
		Code    providers.SourceErrorCode `json:"code"`
		Message string                    `json:"message"`
	}
)

// encode writes an entry as it is kept.
func encode(e *Entry) ([]byte, error) {
	b, err := json.Marshal(toWire(e))
	if err != nil {
		return nil, fmt.Errorf("checkins: write %s: %w", e.ID, err)
	}
	return b, nil
}

// decode reads what encode wrote. It returns an error for anything that encode
// cannot have written.
func decode(b []byte) (*Entry, error) {
	var w wireEntry
	if err := json.Unmarshal(b, &w, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("checkins: read an entry: %w", err)
	}
	e, err := fromWire(&w)
	if err != nil {
		return nil, fmt.Errorf("checkins: read an entry: %w", err)
	}
	return e, nil
}

func toWire(e *Entry) *wireEntry {
	w := &wireEntry{
		ID: e.ID, Version: e.Version, Caller: e.Caller, Key: e.Key, Hash: e.Hash, Report: wireReport(e.Report),
		POIID: e.POIID, Members: e.Members, Marker: e.Marker, Token: e.Token, Targets: make([]wireTarget, len(e.Targets)),
		CreatedAt: e.CreatedAt, RetriedAt: e.RetriedAt, UpdatedAt: e.UpdatedAt,
	}
	for i := range e.Targets {
		t := &e.Targets[i]
		w.Targets[i] = wireTarget{
			Provider: t.Provider, Source: t.Source, Record: t.Record, State: t.State, Attempts: t.Attempts,
			ExternalID: t.ExternalID, Lost: t.Lost, NextAt: t.NextAt, SentAt: t.SentAt, Authors: t.Authors, UpdatedAt: t.UpdatedAt,
			OwnToken: t.OwnToken, Doubt: t.Doubt, Unclear: t.Unclear, Blind: t.Blind, Lease: t.Lease, LeasedUntil: t.LeasedUntil,
		}
		if t.Error != nil {
			w.Targets[i].Error = &wireError{Code: t.Error.Code, Message: t.Error.Message}
		}
	}
	return w
}

// The bounds of an entry's lists; the graph has five providers, a site some
// dozens of records.
const (
	maxTargets = 16
	maxMembers = 1000
)

// fromWire holds what was read against what a Service can have written. The
// content was judged when it was submitted, by rules that may have changed since.
func fromWire(w *wireEntry) (*Entry, error) {
	switch {
	case !validID(w.ID):
		return nil, errors.New("id: no id of a check-in")
	case w.Version < 1:
		return nil, fmt.Errorf("%s: version: %d, must be at least 1", w.ID, w.Version)
	case w.Caller == "" || w.Key == "" || w.Hash == "":
		return nil, fmt.Errorf("%s: caller, key or hash is missing", w.ID)
	case !w.Report.Outcome.Known() || !w.Report.Kind.Known():
		return nil, fmt.Errorf("%s: an outcome or a kind that is not known", w.ID)
	case utf8.RuneCountInString(w.Report.Text) > providers.MaxCheckInText:
		return nil, fmt.Errorf("%s: the text is too long", w.ID)
	case len(w.Members) > maxMembers:
		return nil, fmt.Errorf("%s: %d members, at most %d", w.ID, len(w.Members), maxMembers)
	case len(w.Targets) == 0 || len(w.Targets) > maxTargets:
		return nil, fmt.Errorf("%s: %d targets, must be 1 to %d", w.ID, len(w.Targets), maxTargets)
	}
	created, err := whole(w.CreatedAt)
	if err != nil || created.IsZero() {
		return nil, fmt.Errorf("%s: createdAt: no time of ours", w.ID)
	}
	e := &Entry{
		ID: w.ID, Version: w.Version, Caller: w.Caller, Key: w.Key, Hash: w.Hash, Report: providers.Report(w.Report),
		POIID: w.POIID, Members: w.Members, Marker: w.Marker, Token: w.Token, Targets: make([]Target, len(w.Targets)), CreatedAt: created,
	}
	for _, m := range w.Members {
		if _, err = providers.ParseKey(string(m)); err != nil {
			return nil, fmt.Errorf("%s: members: %w", w.ID, err)
		}
	}
	retried, err1 := whole(w.RetriedAt)
	updated, err2 := whole(w.UpdatedAt)
	if err = errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("%s: %w", w.ID, err)
	}
	e.RetriedAt, e.UpdatedAt = retried, updated
	for i := range w.Targets {
		if e.Targets[i], err = targetFromWire(&w.Targets[i]); err != nil {
			return nil, fmt.Errorf("%s: targets: %d: %w", w.ID, i, err)
		}
	}
	return e, nil
}

func targetFromWire(w *wireTarget) (Target, error) {
	switch w.State {
	case providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryUnconfirmed, providers.DeliveryDelivered,
		providers.DeliveryRejected, providers.DeliveryUnsupported, providers.DeliveryFailed:
	default:
		return Target{}, errors.New("a state that is not known")
	}
	if !w.Provider.Known() || len(w.SentAt) > maxSentAt || len(w.Authors) > maxAuthors || min(w.Attempts, w.Doubt, w.Unclear, w.Blind) < 0 {
		return Target{}, errors.New("a provider that is not known, or a number out of range")
	}
	t := Target{
		Provider: w.Provider, Source: w.Source, Record: w.Record, State: w.State, Attempts: w.Attempts,
		ExternalID: w.ExternalID, Lost: w.Lost, Authors: w.Authors, OwnToken: w.OwnToken, Doubt: w.Doubt, Unclear: w.Unclear, Blind: w.Blind, Lease: w.Lease,
	}
	if t.moves() && (w.Source == "" || w.Record == "" || w.NextAt.IsZero()) {
		return Target{}, errors.New("a delivery on its way without a source, a record or a time")
	}
	if w.Error != nil {
		t.Error = &providers.SourceError{Code: w.Error.Code, Message: w.Error.Message}
	}
	var errs [4]error
	t.NextAt, errs[0] = whole(w.NextAt)
	t.UpdatedAt, errs[1] = whole(w.UpdatedAt)
	t.LeasedUntil, errs[2] = whole(w.LeasedUntil)
	for _, at := range w.SentAt {
		sent, err := whole(at)
		errs[3] = errors.Join(errs[3], err)
		t.SentAt = append(t.SentAt, sent)
	}
	return t, errors.Join(errs[:]...)
}

// whole returns t in UTC; an error for a time that instant cannot have made, or
// that milliseconds since 1970 in 64 bits cannot hold.
func whole(t time.Time) (time.Time, error) {
	if t.IsZero() {
		return time.Time{}, nil
	}
	if t = t.UTC(); t.Year() < 1970 || t.Year() > 9999 || !instant(t).Equal(t) {
		return time.Time{}, errors.New("a time that is not whole milliseconds since 1970")
	}
	return t, nil
}

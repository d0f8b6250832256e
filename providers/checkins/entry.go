package checkins

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"chargegraph/providers"
)

// Entry is one check-in as it is kept. An entry that was handed out is never
// changed; what changes is a copy. Times are UTC and whole milliseconds.
type Entry struct {
	ID      string // "checkin:" and 26 characters: the time, then chance; ids sort by it
	Version int64  // 1 when it is new, one more with each change

	Caller string // who submitted it
	Key    string // the caller's idempotency key
	Hash   string // of the content as it was submitted, hex: what a repeat is held against

	Report  providers.Report
	POIID   string          // the site's id when it was submitted
	Members []providers.Key // of the site's records then, best first
	Marker  string          // the URL to find it by at a provider; "": it has none
	Token   []byte          // the caller's own session, sealed; nil: none, or it is not needed any more

	Targets   []Target // at least one, one per provider
	CreatedAt time.Time
	RetriedAt time.Time // when its submitter, or a person on duty, last asked for another go; zero: nobody did
	UpdatedAt time.Time
}

// Target is the delivery of an entry to one provider.
type Target struct {
	Provider   providers.ProviderCode
	Source     providers.SourceID // "" where the site has no record of that provider
	Record     providers.Key      // what the check-in is about at that source
	State      providers.DeliveryState
	Attempts   int      // sends begun since the submission or the last retry
	ExternalID string   // of the comment at the provider; "" when it is not known
	Lost       []string // fields that the provider's taxonomy cannot carry
	Error      *providers.SourceError
	NextAt     time.Time   // when it is looked at again; zero: not by itself
	SentAt     []time.Time // when sends began, oldest first; the last maxSentAt of them
	Authors    []string    // under whose names, as the provider calls them; the last maxAuthors of them
	UpdatedAt  time.Time

	OwnToken bool // it goes out under the caller's session or not at all
	Doubt    int  // how often the comments must still be found without it before it may be sent
	Unclear  int  // sends whose end nobody saw
	Blind    int  // how often in a row the comments could not be read

	Lease       string    // names the one claim that may finish what it began; "": nobody works on it
	LeasedUntil time.Time // when the claim is void
}

// maxSentAt bounds Target.SentAt: a comment that was found absent after so many
// later sends does not appear any more.
const maxSentAt = 32

// maxAuthors bounds Target.Authors: a person has one account, perhaps two.
const maxAuthors = 8

// local is where check-ins are that no provider takes.
const local providers.SourceID = "local"

// settled reports whether the delivery moves no more, neither by itself nor by
// the look of a person who decides what happened.
func (t *Target) settled() bool {
	switch t.State {
	case providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryUnconfirmed:
		return false
	case providers.DeliveryDelivered, providers.DeliveryRejected, providers.DeliveryUnsupported, providers.DeliveryFailed:
	}
	return true
}

// moves reports whether a worker is to look at the delivery some time.
func (t *Target) moves() bool {
	return t.State == providers.DeliveryPending || t.State == providers.DeliveryRetrying
}

// dueAt returns when a worker may claim the delivery; only of one that moves.
func (t *Target) dueAt() time.Time {
	if t.Lease != "" && t.LeasedUntil.After(t.NextAt) {
		return t.LeasedUntil
	}
	return t.NextAt
}

// State returns how far the entry got as a whole. A delivery that waits for a
// person leaves it DELIVERING: nobody knows yet.
func (e *Entry) State() providers.CheckInState {
	open, tried, delivered, missing := false, false, false, false
	for i := range e.Targets {
		t := &e.Targets[i]
		tried = tried || t.Attempts > 0 || t.State == providers.DeliveryDelivered && t.Source != local
		switch {
		case !t.settled():
			open = true
		case t.State == providers.DeliveryDelivered:
			delivered = true
		default:
			missing = true
		}
	}
	switch {
	case open && tried:
		return providers.CheckInDelivering
	case open:
		return providers.CheckInAccepted
	case delivered && missing:
		return providers.CheckInPartlyDelivered
	case delivered:
		return providers.CheckInDelivered
	}
	return providers.CheckInRejected
}

// Pending reports whether no provider has confirmed the entry and one still may.
func (e *Entry) Pending() bool {
	open := false
	for i := range e.Targets {
		t := &e.Targets[i]
		if t.State == providers.DeliveryDelivered && t.Source != local {
			return false
		}
		open = open || !t.settled()
	}
	return open
}

// shownUntil says whether, and how long, the entry is to be seen at its site: as
// long as it is on its way, for as long as forDelivered after a provider has it,
// and without end where it is kept here alone. What was refused or given up is
// not shown.
func (e *Entry) shownUntil(forDelivered time.Duration) (until time.Time, shown bool) {
	var arrived time.Time
	here := false
	for i := range e.Targets {
		t := &e.Targets[i]
		switch {
		case !t.settled():
			return time.Time{}, true
		case t.State != providers.DeliveryDelivered:
		case t.Source == local:
			here = true
		case t.UpdatedAt.After(arrived):
			arrived = t.UpdatedAt
		}
	}
	if !arrived.IsZero() {
		return arrived.Add(forDelivered), true
	}
	return time.Time{}, here
}

// dueAt returns when a worker is to look at the entry; zero: not any more.
func (e *Entry) dueAt() time.Time {
	var due time.Time
	for i := range e.Targets {
		if t := &e.Targets[i]; t.moves() && (due.IsZero() || t.dueAt().Before(due)) {
			due = t.dueAt()
		}
	}
	return due
}

// doneAt returns when the entry was finished: a provider has it, or refused it,
// and nothing is left to do. What is kept here alone, what was given up and what
// waits for a person is never done; its time is zero.
func (e *Entry) doneAt() time.Time {
	answered := false
	for i := range e.Targets {
		t := &e.Targets[i]
		switch t.State {
		case providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryUnconfirmed, providers.DeliveryFailed:
			return time.Time{}
		case providers.DeliveryDelivered:
			answered = answered || t.Source != local
		case providers.DeliveryRejected:
			answered = true
		case providers.DeliveryUnsupported:
		}
	}
	if !answered {
		return time.Time{}
	}
	return e.UpdatedAt
}

// claim is a comment of a provider that an entry is.
type claim struct {
	record     providers.Key
	externalID string
}

// claims returns the comments that e is known to be. No two entries are one.
func (e *Entry) claims() []claim {
	var all []claim
	for i := range e.Targets {
		if t := &e.Targets[i]; t.ExternalID != "" {
			all = append(all, claim{t.Record, t.ExternalID})
		}
	}
	return all
}

// clone returns a copy that shares nothing that a change of a Target touches.
func (e *Entry) clone() *Entry {
	c := *e
	c.Targets = slices.Clone(e.Targets)
	for i := range c.Targets {
		c.Targets[i].SentAt = slices.Clone(e.Targets[i].SentAt)
		c.Targets[i].Authors = slices.Clone(e.Targets[i].Authors)
	}
	return &c
}

// CheckIn returns the entry as its submitter sees it.
func (e *Entry) CheckIn() *providers.CheckIn {
	c := providers.CheckIn{
		ID: e.ID, POIID: e.POIID, Comment: new(e.Comment()), State: e.State(), CreatedAt: e.CreatedAt,
		Deliveries: make([]providers.Delivery, len(e.Targets)),
	}
	for i := range e.Targets {
		t := &e.Targets[i]
		c.Deliveries[i] = providers.Delivery{
			Provider: t.Provider, State: t.State, Attempts: t.Attempts, ExternalID: t.ExternalID, LostFields: t.Lost,
			UpdatedAt: t.UpdatedAt, Error: t.Error,
		}
		if t.moves() {
			c.Deliveries[i].NextAttemptAt = t.dueAt()
		}
	}
	return &c
}

// Comment returns the entry as a comment of this service. Its record is one of
// the provider LOCAL that holds nothing but the key, so that the comment's id is
// "comment:local:checkin:" and the last 26 characters of the entry's: EntryID
// finds the way back.
func (e *Entry) Comment() providers.Comment {
	c := providers.Comment{
		ExternalID: strings.TrimPrefix(e.ID, idPrefix),
		Kind:       e.Report.Kind,
		Outcome:    &e.Report.Outcome,
		Sentiment:  sentiment(e.Report.Outcome),
		Rating:     e.Report.Rating,
		Text:       e.Report.Text,
		RelatedURL: e.Report.RelatedURL,
		CreatedAt:  e.CreatedAt,
		Pending:    e.Pending(),
		Record: &providers.Record{
			Key: localRecord, ExternalID: localRecord.ExternalID(),
			Source: &providers.Source{ID: local, Provider: providers.Local, Name: string(local), Mode: providers.ModeSync},
		},
	}
	if e.Report.UserName != "" {
		c.Author = &providers.Author{DisplayName: e.Report.UserName}
	}
	return c
}

// localRecord is the key under which comments of this service are shown.
const localRecord providers.Key = "local:checkin"

// EntryID returns the id of the entry that is shown as the comment id; ok is
// false for comments of providers.
func EntryID(id providers.ID) (entry string, ok bool) {
	if id.Kind != providers.KindComment || id.Key != localRecord {
		return "", false
	}
	entry = idPrefix + id.External
	return entry, validID(entry)
}

// sentiment is the mood of an outcome, as Open Charge Map's own table has it but
// for spots in use, which are nobody's praise.
func sentiment(o providers.CheckInOutcome) *providers.Sentiment {
	switch o {
	case providers.CheckInNotVisited:
		return nil
	case providers.CheckInInUseEV, providers.CheckInInUseNonEV:
		return new(providers.SentimentNeutral)
	case providers.CheckInCharged, providers.CheckInChargedAutomated, providers.CheckInConfirmedCorrect, providers.CheckInOtherPositive:
		return new(providers.SentimentPositive)
	case providers.CheckInFailedNotOperational, providers.CheckInFailedNotInstalled, providers.CheckInFailedEquipment,
		providers.CheckInFailedIncompatible, providers.CheckInFailedAccessCard, providers.CheckInFailedNoEquipment,
		providers.CheckInNotAccessible, providers.CheckInNotFound, providers.CheckInDuplicate, providers.CheckInDecommissioned,
		providers.CheckInOtherNegative:
		return new(providers.SentimentNegative)
	}
	return nil
}

// idPrefix is what an id of ours begins with in the graph.
const idPrefix = "checkin:"

// idLen is the length of what follows: 16 bytes in base 32.
const idLen = 26

// ids writes 5 bits per character in an alphabet that sorts as the bytes do.
func ids() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
}

// newID returns an id that sorts behind those of earlier milliseconds and that
// nobody can guess: 48 bits of time and 80 of chance.
func newID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(now.UnixMilli(), 0))<<16)
	rand.Read(b[6:]) // never fails
	return idPrefix + ids().EncodeToString(b[:])
}

// firstID returns what no id sorts before that is made at t or later.
func firstID(t time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(t.UnixMilli(), 0))<<16)
	return idPrefix + ids().EncodeToString(b[:])
}

func validID(id string) bool {
	text, ok := strings.CutPrefix(id, idPrefix)
	if !ok || len(text) != idLen {
		return false
	}
	b, err := ids().DecodeString(text)
	return err == nil && ids().EncodeToString(b) == text // the last character has two bits to spare
}

// instant is now as it is kept.
func instant(now time.Time) time.Time { return now.UTC().Truncate(time.Millisecond) }

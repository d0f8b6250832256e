package checkins

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"chargegraph/providers"
)

// The errors of a Store beside its failures, which are the database's own,
// wrapped.
var (
	// ErrNotFound says that there is no such entry: for anyone, or for this caller.
	ErrNotFound = errors.New("checkins: not found")
	// ErrStale says that the entry was changed by somebody else in between.
	ErrStale = errors.New("checkins: changed in between")
	// ErrStore is what a Service returns, beside the database's own error, when its
	// store fails.
	ErrStore = errors.New("the store failed")
	// ErrClaimed says that a comment of a provider, which the entry would be from
	// now on, is known to be another entry.
	ErrClaimed = errors.New("checkins: the comment is another check-in")
	// ErrTaken says that the caller's key, or the id, belongs to another entry.
	ErrTaken = errors.New("checkins: the key or the id belongs to another entry")
)

// Store keeps entries durably, and ids that have to resolve for ever. When a
// method that writes returns nil, what it wrote outlives the process; when it
// returns an error of the database, it may have been written or not. Entries
// that go in or come out are never changed afterwards. All methods are safe for
// concurrent use. There are two: SQLite and Redis.
type Store interface {
	// Put keeps e unless its caller has used its key before. It returns what is
	// kept under that key, and whether it is e. ErrTaken: its id is another's.
	// ErrClaimed: as with Update.
	Put(ctx context.Context, e *Entry) (kept *Entry, created bool, err error)
	// Update replaces the entry of e's id by e if the version was is still the
	// one that is kept, else ErrStale. e.Version is to be greater than was. It
	// returns ErrClaimed when a delivery of e has the ExternalID of another entry's
	// delivery about the same record.
	Update(ctx context.Context, e *Entry, was int64) error
	// Get returns an entry, or ErrNotFound.
	Get(ctx context.Context, id string) (*Entry, error)
	// ByKey returns the entry for which caller used key, or ErrNotFound.
	ByKey(ctx context.Context, caller, key string) (*Entry, error)
	// Page returns entries in the order of their ids, from the one behind after
	// on ("": from the first), at most limit. An empty page is the end.
	Page(ctx context.Context, after string, limit int) ([]*Entry, error)
	// Due returns the ids of entries that a worker may claim at now, those that
	// wait longest first, at most limit, and when the next one will be due
	// (zero: none is known).
	Due(ctx context.Context, now time.Time, limit int) (ids []string, next time.Time, err error)
	// Prune forgets entries that were done before a time, and their keys with
	// them, at most limit; it returns how many.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
	// Watch calls joined once, as soon as no later change is missed, and then
	// changed for each entry that is put or updated, here or in another process
	// as far as the store can tell (SQLite cannot). Calls may come from several
	// goroutines at once, and versions of an entry in any order; a write here
	// returns after its call. None may come back to the store. Watch returns an
	// error when a change may have been missed, and nil when ctx ends.
	Watch(ctx context.Context, joined func(), changed func(*Entry)) error
	Aliases
	// Close waits for what is being written and lets go of the database.
	Close() error
}

// Aliases is the table of merged ids: for a record, the records that it was held
// to be one site with when it was last seen in such company. Ids only.
type Aliases interface {
	// RememberAliases writes what is not there yet in just this way.
	RememberAliases(ctx context.Context, aliases ...Alias) error
	// Resolve returns the companions of a record, in the order in which they were
	// remembered; ok is false when there are none.
	Resolve(ctx context.Context, key providers.Key) (companions []providers.Key, ok bool, err error)
	// AliasPage returns aliases in the order of their keys, from the one behind
	// after on, at most limit. An empty page is the end.
	AliasPage(ctx context.Context, after providers.Key, limit int) ([]Alias, error)
}

// Alias holds the companions of a record, best first.
type Alias struct {
	Key        providers.Key   `json:"key"`
	Companions []providers.Key `json:"companions"`
}

// readCompanions reads the companions of a key as both stores keep them.
func readCompanions(text []byte) ([]providers.Key, error) {
	var companions []providers.Key
	if err := json.Unmarshal(text, &companions); err != nil {
		return nil, fmt.Errorf("checkins: read companions: %w", err)
	}
	return companions, nil
}

// maxFollowed bounds how many keys Living looks at: a site has some dozens of
// records, and each generation of them replaces the one before.
const maxFollowed = 200

// Living returns the nearest companion of key that is alive: its own companions
// in their order, then theirs. It looks at each key once, so that circles end.
// ok is false when none is; an error of alive or of the table ends the search,
// since nobody knows then.
func Living(ctx context.Context, table Aliases, key providers.Key, alive func(context.Context, providers.Key) (bool, error)) (found providers.Key, ok bool, err error) {
	seen := map[providers.Key]bool{key: true}
	queue := []providers.Key{key}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		companions, _, err := table.Resolve(ctx, next)
		if err != nil {
			return "", false, fmt.Errorf("checkins: companions of %s: %w", next, err)
		}
		for _, c := range companions {
			if seen[c] || len(seen) > maxFollowed {
				continue
			}
			seen[c] = true
			living, err := alive(ctx, c)
			if err != nil {
				return "", false, fmt.Errorf("checkins: companion %s: %w", c, err)
			}
			if living {
				return c, true, nil
			}
			queue = append(queue, c)
		}
	}
	return "", false, nil
}

// Filter says which entries All returns. The zero value: all.
type Filter struct {
	States  []providers.CheckInState  // one of these; nil: any
	Targets []providers.DeliveryState // at least one delivery in one of these; nil: any
	Caller  string                    // submitted by; "": anyone
	Site    providers.Key             // one of the site's records; "": any site
	Since   time.Time                 // submitted then or later; zero: ever
	Before  time.Time                 // submitted before; zero: ever
	Limit   int                       // 0: no limit
}

func (f *Filter) match(e *Entry) bool {
	if f.Caller != "" && e.Caller != f.Caller || f.Site != "" && !slices.Contains(e.Members, f.Site) {
		return false
	}
	if e.CreatedAt.Before(f.Since) || !f.Before.IsZero() && !e.CreatedAt.Before(f.Before) {
		return false
	}
	if len(f.States) > 0 && !slices.Contains(f.States, e.State()) {
		return false
	}
	if len(f.Targets) == 0 {
		return true
	}
	for i := range e.Targets {
		if slices.Contains(f.Targets, e.Targets[i].State) {
			return true
		}
	}
	return false
}

// All returns the entries that f lets through, oldest first. It reads the whole
// store, or the time that f leaves, page by page: it is for a person on duty, not
// for a request. An error is the last that it gives.
func All(ctx context.Context, s Store, f Filter) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		after, found := "", 0
		if !f.Since.IsZero() {
			after = firstID(f.Since)
		}
		err := eachAfter(ctx, s, after, func(e *Entry) error {
			if !f.Before.IsZero() && e.ID >= firstID(f.Before) {
				return errEnough
			}
			if !f.match(e) {
				return nil
			}
			found++
			if !yield(e, nil) || found == f.Limit {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// pageSize is how many entries a walk reads at once: some 2 MB at the longest.
const pageSize = 200

// each calls yield for every entry, oldest first, until it returns an error.
func each(ctx context.Context, s Store, yield func(*Entry) error) error {
	return eachAfter(ctx, s, "", yield)
}

// eachAfter is each for the entries whose ids are behind after.
func eachAfter(ctx context.Context, s Store, after string, yield func(*Entry) error) error {
	for {
		page, err := s.Page(ctx, after, pageSize)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, e := range page {
			if err = yield(e); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// maxStale is how often mutate begins again: far more than an entry has workers.
const maxStale = 20

// mutate changes an entry: change gets a copy of what is kept and returns an
// error to leave it as it is. It returns the entry as it is kept afterwards.
func mutate(ctx context.Context, s Store, id string, now time.Time, change func(*Entry) error) (*Entry, error) {
	for range maxStale {
		kept, err := s.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		e := kept.clone()
		if err = change(e); err != nil {
			return nil, err
		}
		e.Version = kept.Version + 1
		e.UpdatedAt = instant(now)
		err = s.Update(ctx, e, kept.Version)
		if err == nil {
			return e, nil
		}
		if !errors.Is(err, ErrStale) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("checkins: %s: %w", id, ErrStale)
}

// ErrNothingToRetry says that no delivery of an entry has ended without success.
var ErrNothingToRetry = errors.New("checkins: no delivery was refused or given up")

// ErrNeedsToken says that an entry goes out under its submitter's own session
// with the provider, of which none is left: only the submitter can give another.
var ErrNeedsToken = errors.New("checkins: only its submitter can retry it, with a fresh session")

// Reopen lets an entry be delivered again that was refused, given up, or waits
// for a person: the person on duty decides so. What may be at the provider
// already is looked for before anything is sent, as ever.
func Reopen(ctx context.Context, s Store, id string, now time.Time) (*Entry, error) {
	return mutate(ctx, s, id, now, func(e *Entry) error {
		return reopen(e, now, true)
	})
}

// reopen puts deliveries that ended without success back to their beginning:
// also those that wait for a person, where unconfirmed says so.
func reopen(e *Entry, now time.Time, unconfirmed bool) error {
	now = instant(now)
	reopened := false
	for i := range e.Targets {
		t := &e.Targets[i]
		switch t.State {
		case providers.DeliveryUnconfirmed:
			if !unconfirmed {
				continue
			}
			t.Doubt = absencesAfterUnclear
		case providers.DeliveryRejected, providers.DeliveryFailed:
			if len(t.SentAt) > 0 {
				t.Doubt = max(t.Doubt, absencesAfterRefusal)
			}
		case providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryDelivered, providers.DeliveryUnsupported:
			continue
		}
		if t.OwnToken && e.Token == nil {
			return ErrNeedsToken
		}
		t.State, t.Error = providers.DeliveryPending, nil
		t.Attempts, t.Unclear, t.Blind = 0, 0, 0
		t.NextAt, t.UpdatedAt = now, now
		t.Lease, t.LeasedUntil = "", time.Time{}
		reopened = true
	}
	if !reopened {
		return ErrNothingToRetry
	}
	e.RetriedAt = now
	return nil
}

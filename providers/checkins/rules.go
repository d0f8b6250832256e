package checkins

import (
	"errors"
	"math"
	"slices"
	"time"

	"chargegraph/providers"
)

// The rules of delivery: what a worker does next with a Target, and what becomes
// of the Target by what happened. All of them are functions of their arguments.

const (
	// absencesAfterUnclear is how often a comment must be found missing, a lag
	// apart, after a send whose end nobody knows.
	absencesAfterUnclear = 2
	// absencesAfterRefusal is the same after a refusal: one look costs little,
	// and a provider was seen to store what it called failed.
	absencesAfterRefusal = 1
)

// job is what a worker claimed: one step with one delivery of an entry.
type job struct {
	entry    *Entry // as claimed
	index    int    // of the target
	lease    string
	attempt  int
	look     bool      // Find, else Send
	deadline time.Time // when the step must have ended
}

func (j *job) target() *Target { return &j.entry.Targets[j.index] }

// sentBy notes under whose name t is sent.
func (t *Target) sentBy(author string) {
	if author == "" || slices.Contains(t.Authors, author) {
		return
	}
	t.Authors = append(t.Authors, author)
	t.Authors = t.Authors[max(len(t.Authors)-maxAuthors, 0):]
}

// errIdle says that there is nothing to claim in an entry now.
var errIdle = errors.New("checkins: nothing is due")

// claim takes the delivery of e that waits longest at now, under lease for d. A
// send is counted, dated and doubted before it is begun, and who will be its
// author (nil or "": nobody knows) is written down, so that a worker that dies is
// found out. ended says that the target reached its end instead, for want of
// attempts or time. errIdle: nothing is due.
func (r *Rules) claim(e *Entry, now time.Time, lease string, author func(*Entry, *Target) string) (j job, ended bool, err error) {
	now = instant(now)
	index := -1
	for i := range e.Targets {
		t := &e.Targets[i]
		if t.moves() && !t.dueAt().After(now) && (index < 0 || t.dueAt().Before(e.Targets[index].dueAt())) {
			index = i
		}
	}
	if index < 0 {
		return job{}, false, errIdle
	}
	t := &e.Targets[index]
	t.UpdatedAt = now
	old := now.Sub(later(e.CreatedAt, e.RetriedAt)) > r.MaxAge
	if t.Doubt == 0 && (t.Attempts >= r.MaxAttempts || old) {
		end(e, t, providers.DeliveryFailed)
		if t.Error == nil {
			t.Error = &providers.SourceError{Code: providers.CodeInternal, Message: "the check-in could not be sent in time"}
		}
		return job{}, true, nil
	}
	t.Lease, t.LeasedUntil = lease, now.Add(r.Lease)
	look := t.Doubt > 0
	if !look {
		t.Attempts++
		t.SentAt = append(t.SentAt, now)
		t.SentAt = t.SentAt[max(len(t.SentAt)-maxSentAt, 0):]
		if author != nil {
			t.sentBy(author(e, t))
		}
		t.Doubt = absencesAfterUnclear
		t.Unclear++
		t.Blind = 0
		t.NextAt = now.Add(r.Lag) // should this worker not come back
	}
	return job{entry: e, index: index, lease: lease, attempt: t.Attempts, look: look, deadline: now.Add(r.SendTimeout)}, false, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end brings t to a final state, and drops the caller's session with the last
// delivery that may need it.
func end(e *Entry, t *Target, state providers.DeliveryState) {
	t.State = state
	t.NextAt = time.Time{}
	t.Lease, t.LeasedUntil = "", time.Time{}
	if state == providers.DeliveryDelivered {
		t.Error, t.Doubt = nil, 0
	}
	for i := range e.Targets {
		if e.Targets[i].OwnToken && !e.Targets[i].settled() {
			return
		}
	}
	e.Token = nil
}

// again lets t be looked at once more, after wait.
func (t *Target) again(now time.Time, wait time.Duration) {
	t.State = providers.DeliveryRetrying
	t.NextAt = instant(now.Add(wait)) // a wait has fractions of milliseconds, what is kept has none
	t.Lease, t.LeasedUntil = "", time.Time{}
}

// untried takes back what claim noted about a send that never began.
func (t *Target) untried() {
	t.Attempts--
	t.SentAt = t.SentAt[:len(t.SentAt)-1]
	t.Unclear--
	t.Doubt = 0
}

// sent says what became of a send. err is nil when the provider confirmed it;
// externalID is what it calls the comment then, "" where it did not say.
func (r *Rules) sent(e *Entry, t *Target, now time.Time, externalID string, err *providers.DeliveryError, rnd float64) {
	now = instant(now)
	t.UpdatedAt = now
	if err == nil {
		t.ExternalID = externalID
		end(e, t, providers.DeliveryDelivered)
		return
	}
	t.Error = kept(err.SourceError)
	switch {
	case err.Ambiguous:
		t.again(now, max(r.Lag, r.asked(err)))
	case err.Final:
		t.Doubt = absencesAfterRefusal // for a retry
		end(e, t, providers.DeliveryRejected)
	case withheld(err):
		t.untried()
		state := t.State // a delivery that only waits for its turn was not tried
		t.again(now, max(r.backoff(1, rnd), r.asked(err)))
		if len(t.SentAt) == 0 {
			t.State = state
		}
	default:
		t.Unclear--
		t.Doubt = absencesAfterRefusal
		t.again(now, max(r.backoff(t.Attempts, rnd), r.asked(err)))
	}
}

// looked says what a look at the comments found: the comment, or not.
func (r *Rules) looked(e *Entry, t *Target, now time.Time, externalID string, found bool) {
	now = instant(now)
	t.UpdatedAt = now
	t.Blind = 0
	if found {
		t.ExternalID = externalID
		end(e, t, providers.DeliveryDelivered)
		return
	}
	t.Doubt--
	switch {
	case t.Doubt > 0:
		t.again(now, r.Lag)
	case t.Unclear >= r.MaxUnclear:
		end(e, t, providers.DeliveryUnconfirmed)
		if t.Error == nil { // each time the process ended in the middle
			t.Error = &providers.SourceError{Code: providers.CodeInternal, Message: "the service was interrupted each time it sent the check-in"}
		}
	default:
		t.again(now, 0)
	}
}

// blind says that the comments could not be read: nobody knows still.
func (r *Rules) blind(e *Entry, t *Target, now time.Time, err *providers.DeliveryError, rnd float64) {
	now = instant(now)
	t.UpdatedAt = now
	t.Error = kept(err.SourceError)
	if !withheld(err) {
		t.Blind++
	}
	if t.Blind >= r.MaxBlind || now.Sub(later(e.CreatedAt, e.RetriedAt)) > r.MaxAge {
		end(e, t, providers.DeliveryUnconfirmed)
		return
	}
	t.again(now, max(r.backoff(max(t.Blind, 1), rnd), r.asked(err)))
}

// withheld reports whether the request was refused on our side, for want of
// budget, behind an open circuit, or because nobody is there to send it: nothing
// left this process.
func withheld(err *providers.DeliveryError) bool {
	switch err.Code {
	case providers.CodeBudgetExhausted, providers.CodeCircuitOpen, providers.CodeUnsupported:
		return true
	default:
		return false
	}
}

// kept is an error as it stands in an entry: what a client may see of it.
func kept(err *providers.SourceError) *providers.SourceError {
	return &providers.SourceError{Code: err.Code, Message: err.Message}
}

// backoff returns how long the n-th failure in a row is waited out: it doubles
// from FirstRetry to MaxRetry, less up to half of it by rnd in 0..1.
func (r *Rules) backoff(n int, rnd float64) time.Duration {
	wait := float64(r.FirstRetry) * math.Pow(2, float64(n-1))
	wait = min(wait, float64(r.MaxRetry))
	return time.Duration(wait * (1 - rnd/2))
}

// maxRetryAfter bounds what a provider may ask for: some name dates by mistake.
const maxRetryAfter = 24 * time.Hour

// asked returns how long the provider asked to be left alone.
func (r *Rules) asked(err *providers.DeliveryError) time.Duration {
	return min(err.RetryAfter, maxRetryAfter)
}

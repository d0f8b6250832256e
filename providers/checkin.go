package providers

import (
	"context"
	"time"
)

// CheckIn is what a person, or an app, reports about one site: the content of a
// submission, without where it is kept and how far its delivery got.
type CheckIn struct {
	Outcome    CheckInOutcome
	Kind       CommentKind
	Text       string // trimmed; at most MaxCheckInText characters
	Rating     *int   // 1..5
	RelatedURL string // absolute http or https; "" for none
	UserName   string // the name to show; a signed-in account's own name wins at a provider
}

// MaxCheckInText bounds the text of a check-in, in characters.
const MaxCheckInText = 4000

// Consignment is a check-in on its way to one source.
type Consignment struct {
	CheckIn
	// Site is the record that the check-in is about; of the source it is sent to.
	Site Key
	// SubmittedAt is when the service accepted it.
	SubmittedAt time.Time
	// Marker is an https URL of this service's own that nobody else can make, by
	// which the comment is found again: it goes out as the related URL where the
	// check-in has none. "": there is no marker.
	Marker string
	// Token is the caller's own session at the provider, a secret; "" sends it
	// under the account of the source.
	Token string
}

// CheckInTaker is a Provider that takes check-ins. Its Source has the capability
// CheckIns.
type CheckInTaker interface {
	// Send sends c once: it never repeats what may have been stored. A nil error
	// says that the provider confirmed it. Every error is a *DeliveryError.
	Send(ctx context.Context, c Consignment) error
	// Find reads the comments of the site, past every cache, and returns the id
	// of the one that is c: by its marker and author where it has a marker, else
	// by author, text, type and the minutes around sentAt, the times at which it
	// was sent. ok is false when there is none; a *SourceError says that nobody
	// knows.
	Find(ctx context.Context, c Consignment, sentAt []time.Time) (externalID string, ok bool, err error)
	// Lost names the fields of c that the provider's taxonomy cannot carry, as
	// the graph's input calls them ("rating", "outcome"); none for a true copy.
	Lost(c CheckIn) []string
}

// DeliveryError says why a check-in was not, or not known to be, delivered.
type DeliveryError struct {
	*SourceError
	// Ambiguous says that the provider may have stored it all the same.
	Ambiguous bool
	// Final says that repeating it cannot help: the provider refused its content,
	// or the caller's session is not good any more.
	Final bool
}

func (e *DeliveryError) Unwrap() error { return e.SourceError }

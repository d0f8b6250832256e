package providers

import (
	"context"
	"strings"
	"time"
)

// Report is what a person, or an app, reports about one site: the content of a
// check-in, without where it is kept and how far its delivery got.
type Report struct {
	Outcome    CheckInOutcome
	Kind       CommentKind
	Text       string // trimmed; at most MaxCheckInText characters
	Rating     *int   // 1..5
	RelatedURL string // absolute http or https; "" for none
	UserName   string // the name to show; a signed-in account's own name wins at a provider
}

// MaxCheckInText bounds the text of a check-in, in characters.
const MaxCheckInText = 4000

// CheckIn is a report that the service has accepted and keeps, as its submitter
// sees it. It is immutable.
type CheckIn struct {
	ID         string   // "checkin:" and 26 characters; later ones sort behind earlier ones
	POIID      string   // the site, as it was called when the check-in was accepted; it resolves for ever
	Comment    *Comment // what is shown at the site until the provider's copy arrives
	State      CheckInState
	Deliveries []Delivery // one per provider, in the order in which they were asked for; at least one
	CreatedAt  time.Time
}

// CheckInState says how far a check-in got as a whole.
type CheckInState string

// The states of a check-in. All but the first two are final until its submitter
// retries it.
const (
	CheckInAccepted        CheckInState = "ACCEPTED"         // kept; nothing was sent yet
	CheckInDelivering      CheckInState = "DELIVERING"       // a delivery was tried and none of them is the last word
	CheckInDelivered       CheckInState = "DELIVERED"        // everyone who was to have it has it
	CheckInPartlyDelivered CheckInState = "PARTLY_DELIVERED" // some have it, the others never will by themselves
	CheckInRejected        CheckInState = "REJECTED"         // nobody is known to have it
)

// Delivery is how far a check-in got at one provider.
type Delivery struct {
	Provider      ProviderCode
	State         DeliveryState
	Attempts      int      // how often it was sent, or was about to be when the process ended
	ExternalID    string   // of the comment at the provider; "" when it is not known
	LostFields    []string // what the provider's taxonomy could not carry, as the graph's input calls it
	NextAttemptAt time.Time
	UpdatedAt     time.Time
	Error         *SourceError // why it is not delivered (yet); nil where nothing went wrong
}

// DeliveryState says how far one delivery got.
type DeliveryState string

// The states of a delivery. PENDING and RETRYING move by themselves; the others
// are final until somebody acts.
const (
	DeliveryPending     DeliveryState = "PENDING"     // waits for its first attempt
	DeliveryRetrying    DeliveryState = "RETRYING"    // was tried, and is not delivered as far as anyone knows
	DeliveryUnconfirmed DeliveryState = "UNCONFIRMED" // may be at the provider or not; a person has to look
	DeliveryDelivered   DeliveryState = "DELIVERED"   // the provider confirmed it, or its comment was found there
	DeliveryRejected    DeliveryState = "REJECTED"    // the provider refused it
	DeliveryUnsupported DeliveryState = "UNSUPPORTED" // the provider takes no check-ins, or does not know the site
	DeliveryFailed      DeliveryState = "FAILED"      // given up after the last attempt; it is not at the provider
)

// UserErrorCode says what is wrong with what a caller asked for.
type UserErrorCode string

// The codes of a UserError.
const (
	UserErrorInvalid         UserErrorCode = "INVALID"
	UserErrorNotFound        UserErrorCode = "NOT_FOUND"
	UserErrorConflict        UserErrorCode = "CONFLICT"
	UserErrorForbidden       UserErrorCode = "FORBIDDEN"
	UserErrorUnauthenticated UserErrorCode = "UNAUTHENTICATED"
	UserErrorRateLimited     UserErrorCode = "RATE_LIMITED"
	UserErrorUnsupported     UserErrorCode = "UNSUPPORTED"
	UserErrorTooLong         UserErrorCode = "TOO_LONG"
)

// UserError says what is wrong with what a caller asked for, in a sentence that
// is fit for its user.
type UserError struct {
	Code    UserErrorCode
	Message string
	Field   []string // the path to the input field that is wrong; nil: none alone is
}

func (e *UserError) Error() string {
	text := string(e.Code) + ": "
	if len(e.Field) > 0 {
		text += strings.Join(e.Field, ".") + ": "
	}
	return text + e.Message
}

// Consignment is a report on its way to one source.
type Consignment struct {
	Report
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

	// Authors are those under whose names it may have been sent so far, as
	// AuthorTeller tells them: Find looks for the comments of all of them, and of
	// who would send it now.
	Authors []string
	// Others are ids of comments that are known to be other check-ins: Find passes
	// them over.
	Others []string
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
	// was sent. Of several that may be it, it returns the one nearest to a time.
	// ok is false when there is none; a *SourceError says that nobody knows.
	Find(ctx context.Context, c Consignment, sentAt []time.Time) (externalID string, ok bool, err error)
	// Lost names the fields of r that the provider's taxonomy cannot carry, as
	// the graph's input calls them ("rating", "outcome"); none for a true copy.
	Lost(r Report) []string
}

// AuthorTeller is a CheckInTaker that can tell under whose name it sends. A
// check-in whose sender changes, because its submitter retries it with another
// session or the account of the source is another one, would not be found again
// without.
type AuthorTeller interface {
	// Author returns what the provider calls the user under whose name c would be
	// sent now. It may have to sign in for that.
	Author(ctx context.Context, c Consignment) (string, error)
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

// Known reports whether o is one of the outcomes.
func (o CheckInOutcome) Known() bool {
	switch o {
	case CheckInNotVisited, CheckInCharged, CheckInChargedAutomated, CheckInFailedNotOperational, CheckInFailedNotInstalled,
		CheckInFailedEquipment, CheckInFailedIncompatible, CheckInFailedAccessCard, CheckInFailedNoEquipment, CheckInInUseEV,
		CheckInInUseNonEV, CheckInNotAccessible, CheckInNotFound, CheckInConfirmedCorrect, CheckInDuplicate,
		CheckInDecommissioned, CheckInOtherNegative, CheckInOtherPositive:
		return true
	}
	return false
}

// Known reports whether k is one of the kinds.
func (k CommentKind) Known() bool {
	switch k {
	case CommentGeneral, CommentNotice, CommentSuggestedChange, CommentSuggestedChangeActioned, CommentFaultReport:
		return true
	}
	return false
}

// Submission is what a caller hands in.
type Submission struct {
	// IdempotencyKey names the submission among the caller's own.
	IdempotencyKey string
	POIID          string // any id that resolves to the site, as the caller named it
	Report
	// DeliverTo names the providers that are to have it; none: every one that has
	// a record of the site and takes check-ins.
	DeliverTo []ProviderCode
	// Token is the caller's own session at Open Charge Map, a secret; "" delivers
	// under the account of the source. It is no part of the content.
	Token string
}

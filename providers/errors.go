package providers

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// SourceErrorCode says why a source did not give what it was asked for.
type SourceErrorCode string

// The codes of a SourceError.
const (
	CodeTimeout         SourceErrorCode = "TIMEOUT"
	CodeRateLimited     SourceErrorCode = "RATE_LIMITED"
	CodeBudgetExhausted SourceErrorCode = "BUDGET_EXHAUSTED"
	CodeCircuitOpen     SourceErrorCode = "CIRCUIT_OPEN"
	CodeAreaTooLarge    SourceErrorCode = "AREA_TOO_LARGE"
	CodeSuspectAnswer   SourceErrorCode = "SUSPECT_ANSWER"
	CodeUnauthorized    SourceErrorCode = "UNAUTHORIZED"
	CodeForbidden       SourceErrorCode = "FORBIDDEN"
	CodeNotFound        SourceErrorCode = "NOT_FOUND"
	CodeBadResponse     SourceErrorCode = "BAD_RESPONSE"
	CodeUpstreamError   SourceErrorCode = "UPSTREAM_ERROR"
	CodeNetwork         SourceErrorCode = "NETWORK"
	CodeUnsupported     SourceErrorCode = "UNSUPPORTED"
	CodeRejected        SourceErrorCode = "REJECTED"
	CodeInternal        SourceErrorCode = "INTERNAL"
)

// SourceError says why a source could not be asked, or what it did wrong.
// Message is our own sentence and fit for a client: it holds no text of the
// upstream and no secret. Err, where set, is for logs alone and holds neither.
type SourceError struct {
	Code       SourceErrorCode
	Message    string
	RetryAfter time.Duration // 0: the source named no time
	Err        error
}

func (e *SourceError) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" (retry after %v)", e.RetryAfter)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *SourceError) Unwrap() error { return e.Err }

// RetryAfterSeconds returns RetryAfter in seconds, nil when the source named no time.
func (e *SourceError) RetryAfterSeconds() *float64 {
	if e.RetryAfter <= 0 {
		return nil
	}
	return new(e.RetryAfter.Seconds())
}

// AsSourceError returns err as a *SourceError: the one that it wraps if any,
// TIMEOUT for an ended context, else INTERNAL. It returns nil for nil.
func AsSourceError(err error) *SourceError {
	var se *SourceError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &se):
		return se
	case errors.Is(err, context.DeadlineExceeded):
		return &SourceError{Code: CodeTimeout, Message: "the source did not answer in time; ask again or allow it more time", Err: err}
	case errors.Is(err, context.Canceled):
		return &SourceError{Code: CodeTimeout, Message: "the question was withdrawn before the source answered", Err: err}
	}
	return &SourceError{Code: CodeInternal, Message: "the source's answer could not be processed", Err: err}
}

// Outcome returns what e means for the answer that lacks the source's records.
func (e *SourceError) Outcome() SourceOutcome {
	switch e.Code {
	case CodeTimeout:
		return OutcomeTimedOut
	case CodeRateLimited:
		return OutcomeRateLimited
	case CodeBudgetExhausted:
		return OutcomeBudgetExhausted
	case CodeCircuitOpen:
		return OutcomeCircuitOpen
	case CodeUnauthorized, CodeForbidden:
		return OutcomeUnauthorized
	case CodeUnsupported:
		return OutcomeUnsupported
	case CodeSuspectAnswer:
		return OutcomeSuspect
	case CodeAreaTooLarge, CodeNotFound, CodeBadResponse, CodeUpstreamError, CodeNetwork, CodeRejected, CodeInternal:
		return OutcomeFailed
	}
	return OutcomeFailed
}

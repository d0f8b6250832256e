package providers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

func TestAsSourceError_FindsOrMakesOne(t *testing.T) {
	t.Parallel()
	limited := &providers.SourceError{Code: providers.CodeRateLimited, Message: "too many", RetryAfter: time.Minute}
	broken := errors.New("broken pipe")
	for name, c := range map[string]struct {
		err  error
		same *providers.SourceError
		code providers.SourceErrorCode
	}{
		"ItIsOne":              {err: limited, same: limited},
		"ItWrapsOne":           {err: fmt.Errorf("ocm: search: %w", limited), same: limited},
		"ItJoinsOne":           {err: errors.Join(broken, limited), same: limited},
		"ADeadline":            {err: fmt.Errorf("ask: %w", context.DeadlineExceeded), code: providers.CodeTimeout},
		"AWithdrawal":          {err: context.Canceled, code: providers.CodeTimeout},
		"ADeadlineOfTheSource": {err: &providers.SourceError{Code: providers.CodeNetwork, Err: context.DeadlineExceeded}, code: providers.CodeNetwork},
		"AnythingElse":         {err: broken, code: providers.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := providers.AsSourceError(c.err)
			if c.same != nil {
				if got != c.same {
					t.Errorf("AsSourceError() = %v", got)
				}
				return
			}
			if got.Code != c.code || !errors.Is(got, errors.Unwrap(got)) {
				t.Errorf("AsSourceError() = %v", got)
			}
		})
	}
	if got := providers.AsSourceError(nil); got != nil {
		t.Errorf("AsSourceError(nil) = %v", got)
	}
}

func TestSourceError_SaysWhatWhenAndWhy(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*providers.SourceError{
		"TIMEOUT: no answer": {Code: providers.CodeTimeout, Message: "no answer"},
		"RATE_LIMITED: too many (retry after 1m30s): 429": {
			Code: providers.CodeRateLimited, Message: "too many", RetryAfter: 90 * time.Second, Err: errors.New("429"),
		},
	} {
		if got := e.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
	if s := (&providers.SourceError{RetryAfter: 1500 * time.Millisecond}).RetryAfterSeconds(); s == nil || *s != 1.5 {
		t.Errorf("RetryAfterSeconds() = %v", s)
	}
	for _, d := range []time.Duration{0, -time.Second} {
		if s := (&providers.SourceError{RetryAfter: d}).RetryAfterSeconds(); s != nil {
			t.Errorf("RetryAfterSeconds() of %v = %v", d, *s)
		}
	}
}

func TestSourceError_EveryCodeHasAnOutcome(t *testing.T) {
	t.Parallel()
	want := map[string]providers.SourceOutcome{
		"TIMEOUT": providers.OutcomeTimedOut, "RATE_LIMITED": providers.OutcomeRateLimited, "BUDGET_EXHAUSTED": providers.OutcomeBudgetExhausted,
		"CIRCUIT_OPEN": providers.OutcomeCircuitOpen, "SUSPECT_ANSWER": providers.OutcomeSuspect, "UNSUPPORTED": providers.OutcomeUnsupported,
		"UNAUTHORIZED": providers.OutcomeUnauthorized, "FORBIDDEN": providers.OutcomeUnauthorized,
	}
	got := make(map[string]providers.SourceOutcome)
	for _, code := range schemaEnum(t, "SourceErrorCode") {
		if o := (&providers.SourceError{Code: providers.SourceErrorCode(code)}).Outcome(); o != providers.OutcomeFailed {
			got[code] = o
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Outcome() mismatch (-want +got):\n%s", diff)
	}
}

package checkins

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"chargegraph/providers"
)

// request is what a caller submits.
type request providers.Submission

// The bounds of a submission, in characters.
const (
	MaxIdempotencyKey = 200  // a UUID, or whatever an app calls its own record
	MaxRelatedURL     = 500  // what Open Charge Map stores
	MaxUserName       = 100  // its longest name of a user
	maxPOIID          = 300  // a record key has 256 bytes at most
	maxToken          = 4096 // those in use have some 400 bytes
	maxCaller         = 256
)

// Errors says all that is wrong with what a caller asked for. It is what Service
// returns for input that another input would mend.
type Errors []*providers.UserError

func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return "checkins: " + strings.Join(texts, "; ")
}

func userError(code providers.UserErrorCode, message string, field ...string) Errors {
	return Errors{{Code: code, Message: message, Field: field}}
}

// normalize trims the texts, and turns no provider at all into nil.
func (s request) normalize() request {
	s.Text = strings.TrimSpace(strings.ReplaceAll(s.Text, "\r\n", "\n"))
	s.RelatedURL = strings.TrimSpace(s.RelatedURL)
	s.UserName = strings.TrimSpace(s.UserName)
	s.Token = strings.TrimSpace(s.Token)
	if s.Kind == "" {
		s.Kind = providers.CommentGeneral
	}
	s.DeliverTo = slices.Clone(s.DeliverTo)
	slices.Sort(s.DeliverTo)
	s.DeliverTo = slices.Compact(s.DeliverTo)
	return s
}

// validate returns all that is wrong with a normalized submission. Field paths
// begin with "input", the argument of the mutation.
func (s *request) validate() Errors {
	var errs Errors
	say := func(code providers.UserErrorCode, field, format string, args ...any) {
		errs = append(errs, &providers.UserError{Code: code, Message: fmt.Sprintf(format, args...), Field: []string{"input", field}})
	}
	switch n := utf8.RuneCountInString(s.IdempotencyKey); {
	case n == 0:
		say(providers.UserErrorInvalid, "idempotencyKey", "Give each check-in a key of its own, and repeat it when you repeat the check-in.")
	case n > MaxIdempotencyKey:
		say(providers.UserErrorTooLong, "idempotencyKey", "The key has %d characters; at most %d.", n, MaxIdempotencyKey)
	case !printable(s.IdempotencyKey):
		say(providers.UserErrorInvalid, "idempotencyKey", "The key may hold printable characters only.")
	}
	if s.POIID == "" || len(s.POIID) > maxPOIID || !printable(s.POIID) {
		say(providers.UserErrorInvalid, "poiId", "This is no id of a site.")
	}
	if !s.Outcome.Known() {
		say(providers.UserErrorInvalid, "outcome", "This outcome is not known.")
	}
	if !s.Kind.Known() {
		say(providers.UserErrorInvalid, "kind", "This kind of comment is not known.")
	}
	switch n := utf8.RuneCountInString(s.Text); {
	case n > providers.MaxCheckInText:
		say(providers.UserErrorTooLong, "text", "The text has %d characters; at most %d.", n, providers.MaxCheckInText)
	case !legible(s.Text):
		say(providers.UserErrorInvalid, "text", "The text may hold no control characters but line breaks and tabs.")
	case n == 0 && s.Outcome == providers.CheckInNotVisited:
		say(providers.UserErrorInvalid, "text", "Without a visit there has to be a text.")
	}
	if s.Rating != nil && (*s.Rating < 1 || *s.Rating > 5) {
		say(providers.UserErrorInvalid, "rating", "A rating is 1, 2, 3, 4 or 5.")
	}
	if s.RelatedURL != "" {
		u, err := url.Parse(s.RelatedURL)
		switch n := utf8.RuneCountInString(s.RelatedURL); {
		case n > MaxRelatedURL:
			say(providers.UserErrorTooLong, "relatedUrl", "The URL has %d characters; at most %d.", n, MaxRelatedURL)
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !printable(s.RelatedURL):
			say(providers.UserErrorInvalid, "relatedUrl", "A related URL begins with http:// or https:// and names a host.")
		}
	}
	switch n := utf8.RuneCountInString(s.UserName); {
	case n > MaxUserName:
		say(providers.UserErrorTooLong, "userName", "The name has %d characters; at most %d.", n, MaxUserName)
	case !legible(s.UserName) || strings.ContainsAny(s.UserName, "\n\t"): // joiners are part of names in many scripts
		say(providers.UserErrorInvalid, "userName", "The name may hold no control characters.")
	}
	for _, code := range s.DeliverTo {
		if !code.Known() {
			say(providers.UserErrorInvalid, "deliverTo", "One of the providers is not known.")
			break
		}
	}
	if err := tokenError(s.Token); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// tokenError says what is wrong with a session; nil: nothing that is seen here.
func tokenError(token string) *providers.UserError {
	if len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &providers.UserError{Code: providers.UserErrorUnauthenticated, Message: "The session for Open Charge Map is not one."}
	}
	return nil
}

// printable reports whether s is UTF-8 of graphic characters and plain spaces.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// legible reports whether s is UTF-8 without control characters that are no layout.
func legible(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t'
	})
}

// hash returns what two submissions of one content have in common: all that the
// caller said but the key and the session. The site counts as it was called, so
// that a repeat is one even when its id has changed since.
func (s *request) hash() (string, error) {
	b, err := json.Marshal(struct {
		POIID     string
		Report    wireReport
		DeliverTo []providers.ProviderCode
	}{s.POIID, wireReport(s.Report), s.DeliverTo})
	if err != nil {
		return "", fmt.Errorf("checkins: content: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// takers says which sources take check-ins, and how.
type takers func(providers.SourceID) (providers.CheckInTaker, bool)

// targets returns the deliveries of a submission about a POI. Each provider gets
// it once, about its best record there whose source takes check-ins. Where none
// does, the check-in is kept here and is delivered with that.
func (s *request) targets(poi *providers.POI, taker takers, created Entry) []Target {
	wanted := s.DeliverTo
	if len(wanted) == 0 {
		for _, r := range poi.Members {
			if _, ok := taker(r.Source.ID); ok && !slices.Contains(wanted, r.Source.Provider) {
				wanted = append(wanted, r.Source.Provider)
			}
		}
	}
	var targets []Target
	taken := false
	for _, code := range wanted {
		if code == providers.Local {
			continue
		}
		t := s.target(poi, code, taker, created)
		taken = taken || t.moves()
		targets = append(targets, t)
	}
	if !taken || slices.Contains(wanted, providers.Local) {
		targets = append(targets, Target{
			Provider: providers.Local, Source: local, Record: poi.Members[0].Key,
			State: providers.DeliveryDelivered, UpdatedAt: created.CreatedAt,
		})
	}
	return targets
}

// target returns the delivery to one provider.
func (s *request) target(poi *providers.POI, code providers.ProviderCode, taker takers, created Entry) Target {
	t := Target{Provider: code, State: providers.DeliveryUnsupported, UpdatedAt: created.CreatedAt}
	for _, r := range poi.Members {
		if r.Source.Provider != code {
			continue
		}
		if t.Source == "" {
			t.Source, t.Record = r.Source.ID, r.Key
		}
		if takes, ok := taker(r.Source.ID); ok {
			t.Source, t.Record = r.Source.ID, r.Key
			t.State, t.NextAt = providers.DeliveryPending, created.CreatedAt
			t.Lost = takes.Lost(s.Report)
			t.OwnToken = created.Token != nil && code == tokenProvider
			return t
		}
	}
	t.Error = &providers.SourceError{Code: providers.CodeUnsupported, Message: "this provider takes no check-ins"}
	if t.Source == "" {
		t.Error.Message = "this provider has no record of the site"
	}
	return t
}

// tokenProvider is the one provider at which callers have sessions of their own.
const tokenProvider = providers.OCM

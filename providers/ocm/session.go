package ocm

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

const (
	// signInTimeout is what OCM's own clients give a request.
	signInTimeout = 15 * time.Second
	// renewBefore is how long before its end a session is renewed, so that none
	// ends on the way, and clocks may differ a little.
	renewBefore = 5 * time.Minute
	// maxToken is beyond the headers that web servers take.
	maxToken = 7 << 10

	// After a failure to sign in, the next try waits: longer where the account is
	// wrong, which somebody has to mend and which looks like guessing, than where
	// OCM did not answer.
	firstRefusedWait, maxRefusedWait = time.Minute, time.Hour
	firstFailedWait, maxFailedWait   = 5 * time.Second, 5 * time.Minute
)

// author is a user of OCM.
type author struct {
	id   int
	name string // "" where it is not known
}

// session is somebody signed in. Its token is as good as a password.
type session struct {
	token     string
	author    author
	expiresAt time.Time // zero: it does not say
}

// endsBefore reports whether the session says that it ends before t.
func (s *session) endsBefore(t time.Time) bool {
	return !s.expiresAt.IsZero() && s.expiresAt.Before(t)
}

// readSession reads what a token says of itself: whose it is, and until when.
// Nothing is verified, which only OCM can do: it is to know whose comments to look
// for, and not to send what OCM answers with nothing. ok is false for what is no
// token of OCM's.
func readSession(token string) (s session, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // which decoding would pass over
		return session{}, false
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil || len(raw[i]) == 0 {
			return session{}, false
		}
	}
	var claims struct {
		UserID wire.Number
		Exp    wire.Number `json:"exp"`
	}
	if jsontext.Value(raw[0]).Kind() != jsontext.KindBeginObject || !jsontext.Value(raw[0]).IsValid(wire.Lenient()) ||
		json.Unmarshal(raw[1], &claims, wire.Lenient()) != nil {
		return session{}, false
	}
	id, ok := idOf(claims.UserID)
	if !ok {
		return session{}, false
	}
	s = session{token: token, author: author{id: id}}
	if at, ok := claims.Exp.Whole(1, 1<<40); ok {
		s.expiresAt = time.Unix(int64(at), 0)
	}
	return s, true
}

// account signs in as the configured user. There is at most one session, which is
// kept in memory; one caller at a time signs in and the others wait for that. It
// is safe for concurrent use.
type account struct {
	username, password string
	poster             *poster
	clock              func() time.Time
	log                *slog.Logger

	who atomic.Pointer[author] // nil before the first success

	turn      chan struct{} // holds one value while nobody has the fields below
	held      session
	failure   *providers.SourceError // of the last try; nil after a success
	failures  int                    // since the last success
	notBefore time.Time              // of the next try
}

func newAccount(cfg *Config, p *poster, log *slog.Logger) *account {
	a := &account{username: cfg.Username, password: cfg.Password, poster: p, clock: cfg.Clock, log: log, turn: make(chan struct{}, 1)}
	a.turn <- struct{}{}
	return a
}

// session returns a session that is good as far as anyone knows, and is not the
// one with the token refused; "" refuses none. After a failure it returns that
// again for a while, and asks nobody.
func (a *account) session(ctx context.Context, refused string) (session, *providers.SourceError) {
	select {
	case <-a.turn:
	case <-ctx.Done():
		return session{}, providers.AsSourceError(ctx.Err())
	}
	defer func() { a.turn <- struct{}{} }()
	now := a.clock()
	if a.held.token != "" && a.held.token != refused && !a.held.endsBefore(now.Add(renewBefore)) {
		return a.held, nil
	}
	a.held = session{}
	if wait := a.notBefore.Sub(now); a.failure != nil && wait > 0 {
		again := *a.failure
		again.RetryAfter = wait
		return session{}, &again
	}
	s, counts, se := a.signIn(ctx)
	switch {
	case se == nil:
		a.held, a.failure, a.failures = s, nil, 0
		a.who.Store(&s.author)
		a.log.DebugContext(ctx, "signed in", slog.Int("user_id", s.author.id), slog.Time("expires_at", s.expiresAt))
	case counts:
		a.failed(se)
	}
	return s, se
}

// author returns whose account it is: for ever, once it was signed in.
func (a *account) author(ctx context.Context) (author, *providers.SourceError) {
	if who := a.who.Load(); who != nil {
		return *who, nil
	}
	s, se := a.session(ctx, "")
	return s.author, se
}

// failed puts off the next try.
func (a *account) failed(se *providers.SourceError) {
	first, most := firstFailedWait, maxFailedWait
	if se.Code == providers.CodeUnauthorized || se.Code == providers.CodeRejected {
		first, most = firstRefusedWait, maxRefusedWait
	}
	wait := min(first<<min(a.failures, 10), most)
	a.failure, a.failures = se, a.failures+1
	a.notBefore = a.clock().Add(max(wait, se.RetryAfter))
}

// useless says that s was refused although it was just begun: signing in once
// more would not help.
func (a *account) useless(ctx context.Context, s session, se *providers.SourceError) {
	select {
	case <-a.turn:
	case <-ctx.Done():
		return // the next to be refused will say so too
	}
	defer func() { a.turn <- struct{}{} }()
	if a.held.token == s.token {
		a.held = session{}
		a.failed(se)
	}
}

// wireSignedIn is the answer to signing in; the profile has an e-mail address, a
// session and permissions, too, which are never read.
type wireSignedIn struct {
	Data struct {
		UserProfile wire.Object[wireUser]
		AccessToken wire.Text `json:"access_token"`
	}
}

// signIn asks for a session. counts is false for a failure that says nothing
// about OCM: nothing was asked, or the caller went away.
func (a *account) signIn(ctx context.Context) (s session, counts bool, se *providers.SourceError) {
	r, _, se := a.poster.post(ctx, "profile/authenticate", struct {
		EmailAddress string `json:"emailaddress"`
		Password     string `json:"password"`
	}{a.username, a.password}, "", signInTimeout)
	if se != nil {
		unasked := se.Code != providers.CodeNetwork && se.Code != providers.CodeTimeout // a policy said no
		return session{}, !unasked && ctx.Err() == nil, se
	}
	switch {
	case r.status == http.StatusUnauthorized, r.status == http.StatusBadRequest:
		return session{}, true, &providers.SourceError{
			Code:    providers.CodeUnauthorized,
			Message: "Open Charge Map does not accept the configured username and password; check them",
		}
	case r.status != http.StatusOK:
		return session{}, true, a.poster.refused(r)
	case len(strings.TrimSpace(string(r.body))) == 0:
		return session{}, true, upstream.BadResponse("Open Charge Map answered the sign-in with nothing, as it does when something failed on its side, and for an account that has no password of its own", nil)
	}
	s, ok := readSignedIn(r.body)
	if !ok {
		return session{}, true, upstream.BadResponse("Open Charge Map answered the sign-in with something else than a session", nil)
	}
	return s, true, nil
}

func readSignedIn(body []byte) (session, bool) {
	var w wireSignedIn
	if json.Unmarshal(body, &w, wire.Lenient(), json.MatchCaseInsensitiveNames(true)) != nil {
		return session{}, false
	}
	s, ok := readSession(string(w.Data.AccessToken))
	s.author.name = clean.Line(string(w.Data.UserProfile.Value.Username))
	return s, ok
}

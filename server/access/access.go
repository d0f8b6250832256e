// Package access says who sent a request and what that caller may do: by an API
// key, by a JSON Web Token, or as nobody in particular.
//
//	Authorization: Bearer <id>.<secret>   an API key; only SHA-256 of the secret is configured
//	Authorization: Bearer <JWT>           RS, PS, ES or EdDSA, with the keys that the issuer publishes
//	(no such header)                      anonymous, where that is allowed
//
// Credentials that are malformed, unknown or expired are an error, never an
// anonymous caller: a client whose key has a typing mistake learns of it at once
// rather than by a tighter limit. An issuer whose keys cannot be fetched is
// UNAVAILABLE and not UNAUTHENTICATED: nobody should sign in anew because of it.
//
// What callers may use is bounded here too: a Limiter charges the cost of
// operations to each, and Concurrency counts those under way.
package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says who is let in. Logger is required, and HTTP with JWT.
type Config struct {
	// APIKeys are the keys that are known, each with an id of its own.
	APIKeys []APIKey
	// JWT is the issuer whose tokens are taken. Nil: none.
	JWT *JWTConfig
	// AnonymousReads lets in who names no credentials.
	AnonymousReads bool
	// AnonymousCheckIns lets anonymous callers, who are then one and the same
	// caller, submit check-ins. For made-up data on a loopback address only.
	AnonymousCheckIns bool

	// Limits are those of callers with a token, and of keys without their own.
	Limits Limits
	// AnonymousLimits are those of each address that sends no credentials.
	AnonymousLimits Limits

	// HTTP fetches the keys of the issuer. Redirects are not followed.
	HTTP *http.Client
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
	// Logger gets what became of fetching keys; never credentials.
	Logger *slog.Logger
}

// APIKey is a key as the configuration knows it.
type APIKey struct {
	// ID stands before the dot: 1 to 64 letters, digits, "-" and "_". It is not
	// secret and appears in logs.
	ID string
	// Hash is "sha256:" and the 64 hexadecimal digits of SHA-256 of the secret.
	Hash string
	// ReadOnly refuses check-ins to holders of this key, as for one that stands
	// in a public web page.
	ReadOnly bool
	// Limits are this key's own; what is 0 in them is taken from Config.Limits.
	Limits Limits
}

// JWTConfig names the one issuer whose tokens are taken.
type JWTConfig struct {
	Issuer   string // must equal the claim iss
	Audience string // must be in the claim aud
	// JWKS is where the issuer publishes its keys: an https URL, or http on a
	// loopback host.
	JWKS string
}

// Gate tells who callers are. It is safe for concurrent use. Close it.
type Gate struct {
	rules atomic.Pointer[rules]

	mu     sync.Mutex // of Reload and Close
	closed bool
}

// rules is what one configuration means.
type rules struct {
	keys              map[string]apiKey
	tokens            *tokens // nil: none are taken
	anonymousReads    bool
	anonymousCheckIns bool
	limits            Limits
	anonymousLimits   Limits
}

// New returns a Gate for cfg. It refuses contradictions in one sentence each, with
// the names that the settings have in the configuration file. It fetches nothing
// yet: the first token does.
func New(cfg Config) (*Gate, error) {
	r, err := newRules(cfg, nil)
	if err != nil {
		return nil, err
	}
	g := &Gate{}
	g.rules.Store(r)
	return g, nil
}

// Reload replaces the configuration in one step: a request sees all of the old
// one or all of the new one. What New would refuse is refused, and the old one
// then stays. The keys of an unchanged issuer are not fetched anew.
func (g *Gate) Reload(cfg Config) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errors.New("access: reload: the gate is closed")
	}
	old := g.rules.Load()
	r, err := newRules(cfg, old.tokens)
	if err != nil {
		return err
	}
	g.rules.Store(r)
	if old.tokens != nil && old.tokens != r.tokens {
		old.tokens.close()
	}
	return nil
}

// AnonymousReads reports whether who names no credentials may read.
func (g *Gate) AnonymousReads() bool { return g.rules.Load().anonymousReads }

// Close ends what is being fetched and waits for it. Afterwards tokens are
// UNAVAILABLE unless their key is known already.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if t := g.rules.Load().tokens; t != nil {
		t.close()
	}
}

func newRules(cfg Config, old *tokens) (*rules, error) {
	if cfg.Logger == nil {
		return nil, errors.New("access: Config.Logger is nil")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	switch {
	case cfg.AnonymousCheckIns && !cfg.AnonymousReads:
		return nil, errors.New("access: anonymous callers may check in but not read: allow reads, or refuse both")
	case !cfg.AnonymousReads && len(cfg.APIKeys) == 0 && cfg.JWT == nil:
		return nil, errors.New("auth: required is set and nobody could be let in: configure apiKeys or jwt, or leave required out")
	}
	r := &rules{
		keys:              make(map[string]apiKey, len(cfg.APIKeys)),
		anonymousReads:    cfg.AnonymousReads,
		anonymousCheckIns: cfg.AnonymousCheckIns,
	}
	var err error
	if r.limits, err = cfg.Limits.complete("auth.limits", callerLimits()); err != nil {
		return nil, err
	}
	if r.anonymousLimits, err = cfg.AnonymousLimits.complete("auth.public", anonymousLimits()); err != nil {
		return nil, err
	}
	holders := make(map[digest]string, len(cfg.APIKeys))
	for i, k := range cfg.APIKeys {
		known, refused := readKey(k, r.limits)
		if refused != nil {
			return nil, fmt.Errorf("auth.apiKeys: key %d (%q): %w", i+1, k.ID, refused)
		}
		if _, twice := r.keys[k.ID]; twice {
			return nil, fmt.Errorf("auth.apiKeys: %q is there twice", k.ID)
		}
		if other, twice := holders[known.secret]; twice {
			return nil, fmt.Errorf("auth.apiKeys: %q and %q have the same secret; make each its own", other, k.ID)
		}
		r.keys[k.ID], holders[known.secret] = known, k.ID
	}
	if cfg.JWT != nil {
		if r.tokens, err = newTokens(cfg, old); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Identify returns the caller of a request with these headers. Every error is an
// *Error.
func (g *Gate) Identify(ctx context.Context, header http.Header) (Caller, error) {
	switch values := header.Values("Authorization"); {
	case len(values) == 0:
		return g.anonymous()
	case len(values) > 1:
		return Caller{}, unauthenticated("Authorization is given more than once; send it once")
	case strings.TrimSpace(values[0]) == "":
		return Caller{}, unauthenticated("Authorization is empty; %s", howTo)
	default:
		return g.IdentifyToken(ctx, values[0])
	}
}

// IdentifyToken returns the caller who sent this value of Authorization, where
// it comes by another way than a header, as at the start of a WebSocket. "" is
// an anonymous caller. Every error is an *Error.
func (g *Gate) IdentifyToken(ctx context.Context, authorization string) (Caller, error) {
	if authorization == "" {
		return g.anonymous()
	}
	if len(authorization) > maxAuthorization {
		return Caller{}, unauthenticated("Authorization is longer than %d bytes", maxAuthorization)
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(authorization), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return Caller{}, unauthenticated("Authorization is not of the form that is taken here; %s", howTo)
	}
	r := g.rules.Load()
	if isJWT(token) {
		if r.tokens == nil {
			return Caller{}, unauthenticated("tokens of an issuer are not taken here; send an API key")
		}
		return r.tokens.identify(ctx, token, r.limits)
	}
	return r.identifyKey(token)
}

const (
	howTo = "send Authorization: Bearer and an API key or a token"
	// maxAuthorization bounds what is decoded and hashed: tokens of companies
	// with hundreds of groups reach 6 kB.
	maxAuthorization = 8 << 10
)

func (g *Gate) anonymous() (Caller, error) {
	r := g.rules.Load()
	if !r.anonymousReads {
		return Caller{}, unauthenticated("this service needs to know who asks; %s", howTo)
	}
	return Caller{ID: anonymousID, Kind: Anonymous, Limits: r.anonymousLimits, mayCheckIn: r.anonymousCheckIns}, nil
}

// identifyKey takes the same time whether or not the id is known.
func (r *rules) identifyKey(token string) (Caller, error) {
	id, secret, _ := strings.Cut(token, ".")
	known, ok := r.keys[id] // else one whose digest no secret has
	sum := digestOf(secret)
	if subtle.ConstantTimeCompare(sum[:], known.secret[:]) != 1 || !ok {
		return Caller{}, unauthenticated("the API key is not known here")
	}
	return Caller{ID: "key:" + id, Kind: ByKey, Limits: known.limits, mayCheckIn: !known.readOnly}, nil
}

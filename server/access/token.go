package access

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// leeway is how far the clocks of issuer and service may be apart.
	leeway = 30 * time.Second
	// maxSubject bounds the part of a Caller.ID that the issuer chooses; OpenID
	// Connect allows 255.
	maxSubject = 255
)

// isJWT reports whether token is meant to be a JSON Web Token: three parts, the
// first of which is a JSON object that names an algorithm. Ids of API keys are
// never of that form, so no text is both.
func isJWT(token string) bool {
	if strings.Count(token, ".") != 2 {
		return false
	}
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return false
	}
	var header struct {
		Algorithm *string `json:"alg"`
	}
	return json.Unmarshal(text, &header) == nil && header.Algorithm != nil
}

// tokens verifies the tokens of one issuer.
type tokens struct {
	cfg    JWTConfig
	prefix string // of the ids of its callers
	keys   *keySet
	parser *jwt.Parser
}

// newTokens returns old where the issuer is the same.
func newTokens(cfg Config, old *tokens) (*tokens, error) {
	switch {
	case cfg.JWT.Issuer == "":
		return nil, errors.New("auth.jwt: issuer is not set; its tokens could not be told from those of others")
	case cfg.JWT.Audience == "":
		return nil, errors.New("auth.jwt: audience is not set: tokens that were given out for other services would be taken")
	case cfg.HTTP == nil:
		return nil, errors.New("access: JWT: Config.HTTP is nil, and the issuer's keys have to be fetched")
	}
	if err := checkJWKS(cfg.JWT.JWKS); err != nil {
		return nil, fmt.Errorf("auth.jwt: %w", err)
	}
	if old != nil && old.cfg == *cfg.JWT {
		return old, nil
	}
	sum := sha256.Sum256([]byte(cfg.JWT.Issuer))
	return &tokens{
		cfg:    *cfg.JWT,
		prefix: "jwt:" + hex.EncodeToString(sum[:8]) + ":",
		keys:   newKeySet(cfg),
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}),
			jwt.WithIssuer(cfg.JWT.Issuer), jwt.WithAudience(cfg.JWT.Audience), jwt.WithExpirationRequired(),
			jwt.WithLeeway(leeway), jwt.WithTimeFunc(cfg.Clock), jwt.WithStrictDecoding(),
		),
	}, nil
}

// checkJWKS lets in addresses from which nobody on the way can hand out keys.
func checkJWKS(address string) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return errors.New("jwks is not set: it is the address of the issuer's keys")
	case err != nil, u.Host == "", u.User != nil, u.Fragment != "":
		return errors.New("jwks must be an absolute https URL without user and fragment")
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme != "https":
		return errors.New("jwks must be an https URL: over anything else, keys could be slipped in on the way; http is taken on loopback hosts only")
	}
	return nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

var (
	errNoKeyID = errors.New("no kid")
	errCrit    = errors.New("crit")
)

// identify verifies a token and returns its caller.
func (t *tokens) identify(ctx context.Context, token string, limits Limits) (Caller, error) {
	var claims jwt.RegisteredClaims
	_, err := t.parser.ParseWithClaims(token, &claims, func(parsed *jwt.Token) (any, error) {
		if _, ok := parsed.Header["crit"]; ok { // something that must be understood, and is not
			return nil, errCrit
		}
		id, _ := parsed.Header["kid"].(string)
		if id == "" {
			return nil, errNoKeyID
		}
		return t.keys.find(ctx, id, parsed.Method.Alg())
	})
	if err != nil {
		return Caller{}, explain(err)
	}
	if !isSubject(claims.Subject) {
		return Caller{}, unauthenticated("the token's subject (sub) must be 1 to %d bytes of printable text", maxSubject)
	}
	return Caller{ID: t.prefix + claims.Subject, Kind: ByToken, Limits: limits, Until: claims.ExpiresAt.Add(leeway), mayCheckIn: true}, nil
}

func (t *tokens) close() { t.keys.close() }

func isSubject(text string) bool {
	return text != "" && len(text) <= maxSubject && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// explain says what is wrong with a token without quoting it.
func explain(err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	for _, reason := range []struct {
		is  error
		say string
	}{
		{errNoKeyID, "the token does not name the key that signed it (kid)"},
		{errCrit, "the token demands an extension (crit) that is not known here"},
		{errUnknownKey, "the token's key is not among those of the issuer"},
		{jwt.ErrTokenMalformed, "the token is malformed"},
		{jwt.ErrTokenUnverifiable, "the token cannot be verified: its algorithm is not taken here"},
		{jwt.ErrTokenSignatureInvalid, "the token's signature is not good, or its algorithm is not taken here"},
		{jwt.ErrTokenInvalidIssuer, "the token is of another issuer"},
		{jwt.ErrTokenInvalidAudience, "the token was given out for another audience"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks one of the claims iss, aud and exp"},
	} {
		if errors.Is(err, reason.is) {
			return unauthenticated("%s", reason.say)
		}
	}
	return unauthenticated("the token is not good")
}

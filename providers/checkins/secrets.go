package checkins

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// MinSecret is how many bytes a service secret has at least: as many as the keys
// that are derived from it.
const MinSecret = 32

// maxMarkerURL bounds the URL that markers begin with, so that a marker fits into
// the 500 characters that Open Charge Map keeps of a related URL.
const maxMarkerURL = 400

// Secrets seals the sessions of callers and makes markers. The zero value has no
// secret: it seals nothing and its markers are "". It is safe for concurrent use,
// and prints as nothing.
type Secrets struct {
	seal      cipher.AEAD // nil: no secret
	markerKey []byte
	markerURL string // ends in a slash; "": no markers
}

// NewSecrets derives keys from the secret of the service, which all replicas
// share. markerURL is an https URL on a host of the operator's own under which
// markers lie; "" makes none, and deliveries are then found again by their
// content. Both may be "".
func NewSecrets(secret, markerURL string) (*Secrets, error) {
	s := new(Secrets)
	switch {
	case secret == "" && markerURL == "":
		return s, nil
	case secret == "":
		return nil, errors.New("checkins: markerURL: set, but without a secret nobody could tell a forged marker")
	case len(secret) < MinSecret:
		return nil, fmt.Errorf("checkins: secret: %d bytes, must be at least %d", len(secret), MinSecret)
	}
	sealKey, err := derive(secret, "chargegraph check-in session v1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, fmt.Errorf("checkins: key for sessions: %w", err)
	}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("checkins: key for sessions: %w", err)
	}
	if s.markerKey, err = derive(secret, "chargegraph check-in marker v1"); err != nil {
		return nil, err
	}
	if markerURL == "" {
		return s, nil
	}
	u, err := url.Parse(markerURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(markerURL) > maxMarkerURL {
		return nil, fmt.Errorf("checkins: markerURL: must be https://host/path without a query, at most %d characters", maxMarkerURL)
	}
	s.markerURL = strings.TrimSuffix(markerURL, "/") + "/"
	return s, nil
}

func derive(secret, label string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, label, 32)
	if err != nil {
		return nil, fmt.Errorf("checkins: derive the key %q: %w", label, err)
	}
	return key, nil
}

// LogValue keeps the keys out of logs.
func (s *Secrets) LogValue() slog.Value { return slog.StringValue("secrets") }

// String keeps the keys out of texts.
func (s *Secrets) String() string { return "secrets" }

// GoString keeps the keys out of %#v.
func (s *Secrets) GoString() string { return "secrets" }

// Marker returns the URL by which the check-in that caller submitted under key is
// found again at a provider: always the same, and nobody without the secret can
// make it. "" when there are no markers.
func (s *Secrets) Marker(caller, key string) string {
	if s.markerURL == "" {
		return ""
	}
	mac := hmac.New(sha256.New, s.markerKey)
	mac.Write([]byte(caller + "\x00" + key)) // a caller holds no NUL
	return s.markerURL + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Marks reports whether a URL has the form of a marker of this service, so that
// it says nothing to a reader of the comment. It does not say that it is genuine.
func (s *Secrets) Marks(relatedURL string) bool {
	sum, ok := strings.CutPrefix(relatedURL, s.markerURL)
	return s.markerURL != "" && ok && len(sum) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}

// CanSeal reports whether there is a secret to seal sessions with.
func (s *Secrets) CanSeal() bool { return s.seal != nil }

// sealed is the form of a sealed session: this byte, a nonce, the cipher text.
const sealedV1 = 1

// sealToken seals a caller's session for the entry id and caller: it opens for
// no other.
func (s *Secrets) sealToken(token, id, caller string) ([]byte, error) {
	if s.seal == nil {
		return nil, errors.New("checkins: there is no secret to seal a session with")
	}
	nonce := make([]byte, s.seal.NonceSize())
	rand.Read(nonce) // never fails
	return s.seal.Seal(append([]byte{sealedV1}, nonce...), nonce, []byte(token), sealedFor(id, caller)), nil
}

// openToken opens what sealToken sealed.
func (s *Secrets) openToken(sealed []byte, id, caller string) (string, error) {
	if s.seal == nil || len(sealed) < 1+s.seal.NonceSize() || sealed[0] != sealedV1 {
		return "", errors.New("checkins: the session was not sealed here")
	}
	nonce, text := sealed[1:1+s.seal.NonceSize()], sealed[1+s.seal.NonceSize():]
	token, err := s.seal.Open(nil, nonce, text, sealedFor(id, caller))
	if err != nil {
		return "", errors.New("checkins: the session was sealed under another secret, or for another check-in")
	}
	return string(token), nil
}

func sealedFor(id, caller string) []byte { return []byte(id + "\x00" + caller) }

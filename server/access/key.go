package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// digest is SHA-256 of a secret. Secrets that NewKey makes have 256 bits: no
// slow hash is needed to keep them from being guessed.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// apiKey is a configured key, read.
type apiKey struct {
	secret   digest
	readOnly bool
	limits   Limits
}

const (
	hashPrefix  = "sha256:"
	maxIDBytes  = 64
	secretBytes = 32
)

func readKey(k APIKey, limits Limits) (apiKey, error) {
	if err := checkID(k.ID); err != nil {
		return apiKey{}, err
	}
	text, ok := strings.CutPrefix(k.Hash, hashPrefix)
	sum, err := hex.DecodeString(text)
	if !ok || err != nil || len(sum) != len(digest{}) {
		return apiKey{}, errors.New(`its hash must be "sha256:" and 64 hexadecimal digits, as "chargegraph keys new" prints it`)
	}
	read := apiKey{secret: digest(sum), readOnly: k.ReadOnly}
	switch read.secret {
	case digestOf(""):
		return apiKey{}, errors.New("its hash is that of an empty secret")
	case digest{}:
		return apiKey{}, errors.New("its hash is all zeros, which is that of no secret")
	}
	read.limits, err = k.Limits.complete("limits", limits)
	return read, err
}

// checkID keeps ids fit for logs and files, and apart from tokens.
func checkID(id string) error {
	if id == "" || len(id) > maxIDBytes {
		return fmt.Errorf("its id must have 1 to %d characters", maxIDBytes)
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return errors.New(`its id may hold letters, digits, "-" and "_" only`)
		}
	}
	if isJWT(id + "..") {
		return errors.New("its id looks like the beginning of a token; choose another")
	}
	return nil
}

// NewKey makes an API key with a secret of 256 bits from random. It returns the
// token that its holder sends after "Bearer ", which is nowhere else to be had,
// and the hash for APIKey.Hash.
func NewKey(random io.Reader, id string) (token, hash string, err error) {
	if err := checkID(id); err != nil {
		return "", "", fmt.Errorf("access: new key %q: %w", id, err)
	}
	var secret [secretBytes]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return "", "", fmt.Errorf("access: new key %q: read randomness: %w", id, err)
	}
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	sum := digestOf(text)
	return id + "." + text, hashPrefix + hex.EncodeToString(sum[:]), nil
}

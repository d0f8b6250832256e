package access

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
)

const (
	// refreshAfter is how old the issuer's keys may become before they are
	// fetched again behind the back of a request: withdrawn keys end with it.
	refreshAfter = time.Hour
	// maxKeyAge is how long known keys go on while the issuer cannot be reached.
	maxKeyAge = 24 * time.Hour
	// fetchGap is the least time between two fetches, whatever keys are named:
	// anybody can name one that does not exist.
	fetchGap = 10 * time.Second
	// fetchTimeout bounds one fetch, and with it how long a request waits.
	fetchTimeout = 5 * time.Second
	// maxKeySetBytes and maxKeys bound a set of keys: the largest in common use
	// have some 30 keys with certificates, in 100 kB.
	maxKeySetBytes = 512 << 10
	maxKeys        = 100
	// RSA keys of fewer bits are broken by those who can pay for it; those of
	// more take long to compute with.
	minRSABits, maxRSABits = 2048, 8192
)

var (
	errUnknownKey = errors.New("unknown key")
	errClosed     = errors.New("closed")
)

// keySet is what an issuer publishes: its keys by their ids. One fetch at a time
// is under way, in a goroutine that close ends.
type keySet struct {
	address string
	client  *http.Client
	clock   func() time.Time
	log     *slog.Logger
	fetch   func() // runs one, under a context that close ends
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	keys    map[string]publicKey
	readAt  time.Time     // of keys
	askedAt time.Time     // last fetch begun
	failed  error         // of the last fetch
	flight  chan struct{} // closed when the fetch under way has ended; nil: none is
	closed  bool
}

// publicKey is a key and the algorithm that it is for, "" where it does not say.
type publicKey struct {
	key       crypto.PublicKey
	algorithm string
}

func newKeySet(cfg Config) *keySet {
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &keySet{address: cfg.JWT.JWKS, client: &client, clock: cfg.Clock, log: cfg.Logger}
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.fetch = stop, func() { s.renew(ctx) }
	return s
}

func (s *keySet) close() {
	s.mu.Lock()
	s.closed, s.failed = true, errClosed
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
}

// find returns the key of that id if it is for that algorithm: errUnknownKey
// when the issuer has none, an *Error of code UNAVAILABLE when it cannot be told.
func (s *keySet) find(ctx context.Context, id, algorithm string) (crypto.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for waited := false; ; waited = true {
		now := s.clock()
		age := now.Sub(s.readAt)
		if known, ok := s.keys[id]; ok && age <= maxKeyAge {
			if age > refreshAfter {
				s.begin(now)
			}
			if known.algorithm != "" && known.algorithm != algorithm {
				return nil, errUnknownKey
			}
			return known.key, nil
		}
		var ended <-chan struct{}
		if !waited {
			ended = s.begin(now)
		}
		if ended == nil {
			if s.failed != nil {
				return nil, &Error{
					Code: Unavailable, Message: "the issuer's keys cannot be read at the moment, so the token cannot be verified; try again",
					RetryAfter: max(time.Second, s.askedAt.Add(fetchGap).Sub(now)),
				}
			}
			return nil, errUnknownKey
		}
		s.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return nil, &Error{Code: Unavailable, Message: "the issuer's keys did not arrive in time, so the token cannot be verified; try again", RetryAfter: time.Second}
		}
	}
}

// begin returns what is closed when the fetch under way ends; it starts one if
// there is none, and returns nil when it is too early for that. s.mu is held.
func (s *keySet) begin(now time.Time) <-chan struct{} {
	switch {
	case s.flight != nil:
		return s.flight
	case s.closed, !s.askedAt.IsZero() && now.Sub(s.askedAt) < fetchGap:
		return nil
	}
	s.askedAt = now
	s.flight = make(chan struct{})
	s.running.Go(s.fetch)
	return s.flight
}

// renew fetches the keys and keeps them; when that fails the known ones stay.
func (s *keySet) renew(ctx context.Context) {
	keys, skipped, err := s.get(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.flight)
	s.flight = nil
	if s.closed {
		return
	}
	s.failed = err
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "signing keys not read", slog.Int("known", len(s.keys)), slog.Any("error", err))
		return
	}
	s.keys, s.readAt = keys, s.clock()
	s.log.LogAttrs(ctx, slog.LevelInfo, "signing keys read", slog.Int("keys", len(keys)), slog.Int("skipped", skipped))
}

func (s *keySet) get(ctx context.Context) (keys map[string]publicKey, skipped int, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return nil, 0, errors.New("access: JWKS: the address is not one that can be asked")
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := s.client.Do(request)
	if err != nil {
		if address, ok := errors.AsType[*url.Error](err); ok { // without the URL: some hold a key
			err = address.Err
		}
		return nil, 0, fmt.Errorf("access: JWKS: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("access: JWKS: the issuer answered %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySetBytes+1))
	if err != nil {
		return nil, 0, fmt.Errorf("access: JWKS: read: %w", err)
	}
	if len(text) > maxKeySetBytes {
		return nil, 0, fmt.Errorf("access: JWKS: the answer is longer than %d bytes", maxKeySetBytes)
	}
	return readKeySet(ctx, text)
}

// readKeySet reads a JSON Web Key Set. Keys that are of no use here are skipped:
// others need them, and one of a new kind must not lock everybody out.
func readKeySet(ctx context.Context, text []byte) (keys map[string]publicKey, skipped int, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, 0, errors.New("access: JWKS: the answer is not a JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, 0, fmt.Errorf("access: JWKS: the set has more than %d keys", maxKeys)
	}
	keys = make(map[string]publicKey, len(set.Keys))
	for _, raw := range set.Keys {
		id, key, ok := readPublicKey(ctx, raw)
		if _, twice := keys[id]; !ok || twice {
			skipped++
			continue
		}
		keys[id] = key
	}
	if len(keys) == 0 {
		return nil, 0, fmt.Errorf("access: JWKS: none of the set's %d keys can verify a token", len(set.Keys))
	}
	return keys, skipped, nil
}

// readPublicKey reads one key that verifies signatures and has an id.
func readPublicKey(ctx context.Context, raw json.RawMessage) (id string, key publicKey, ok bool) {
	read, err := keyfunc.NewJWKJSON(raw)
	if err != nil {
		return "", publicKey{}, false
	}
	all, err := read.Storage().KeyReadAll(ctx)
	if err != nil || len(all) != 1 {
		return "", publicKey{}, false
	}
	about := all[0].Marshal()
	if about.KID == "" || about.USE == "enc" || len(about.KEYOPS) > 0 && !slices.Contains(about.KEYOPS, "verify") {
		return "", publicKey{}, false
	}
	key = publicKey{key: all[0].Key(), algorithm: about.ALG.String()}
	switch known := key.key.(type) {
	case *rsa.PublicKey:
		bits := known.N.BitLen()
		ok = bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		ok = true
	default: // symmetric ones, private ones, X25519
	}
	return about.KID, key, ok
}

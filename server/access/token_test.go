package access_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chargegraph/server/access"
)

// now is the time of the tests.
func now() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// identity is what signs tokens in a test, once for all of them: RSA keys take long to make.
type identity struct {
	rsa      *rsa.PrivateKey
	ec       *ecdsa.PrivateKey
	ed       ed25519.PrivateKey
	edPublic ed25519.PublicKey
	unknown  *rsa.PrivateKey
	weak     *rsa.PrivateKey
}

var newIdentity = sync.OnceValue(func() identity {
	var id identity
	var err [5]error
	id.rsa, err[0] = rsa.GenerateKey(rand.Reader, 2048)
	id.unknown, err[1] = rsa.GenerateKey(rand.Reader, 2048)
	id.weak, err[2] = rsa.GenerateKey(rand.Reader, 1024)
	id.ec, err[3] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	id.edPublic, id.ed, err[4] = ed25519.GenerateKey(rand.Reader)
	if e := errors.Join(err[:]...); e != nil {
		panic(e)
	}
	return id
})

func jwkRSA(kid string, k *rsa.PublicKey, more ...string) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q%s}`, kid, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes()), strings.Join(more, ""))
}

func jwkEC(t *testing.T, kid string, k *ecdsa.PublicKey) string {
	t.Helper()
	point, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	half := (len(point) - 1) / 2
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":%q,"x":%q,"y":%q}`, kid, b64(point[1:1+half]), b64(point[1+half:]))
}

func keySetOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// issuer publishes keys over HTTP.
type issuer struct {
	*httptest.Server

	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func newIssuer(t *testing.T, set string) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(set)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		i.asked++
		answer := i.answer
		i.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) handle(h http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = h
}

func (i *issuer) publish(set string) {
	i.handle(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(set))
	})
}

func (i *issuer) times() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// clock is one that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const (
	issuerName = "https://id.example/"
	audience   = "https://chargegraph.example"
)

func (i *issuer) config(c *clock) access.Config {
	return access.Config{
		JWT:    &access.JWTConfig{Issuer: issuerName, Audience: audience, JWKS: i.URL},
		HTTP:   i.Client(),
		Clock:  c.now,
		Logger: discard(),
	}
}

func claims(changes ...map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{"iss": issuerName, "aud": audience, "sub": "auth0|42", "exp": now().Add(time.Hour).Unix()}
	for _, change := range changes {
		maps.Copy(c, change)
		maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	}
	return c
}

// sign makes a token with any header.
func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// forge makes a token of parts as they are, its MAC made with secret.
func forge(header, payload string, secret []byte) string {
	text := b64([]byte(header)) + "." + b64([]byte(payload))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + b64(mac.Sum(nil))
}

func kid(id string) map[string]any { return map[string]any{"kid": id} }

func TestIdentify_ByToken(t *testing.T) {
	t.Parallel()
	id := newIdentity()
	set := keySetOf(
		jwkRSA("rsa", &id.rsa.PublicKey), jwkRSA("rs256", &id.rsa.PublicKey, `,"alg":"RS256","use":"sig"`), jwkEC(t, "ec", &id.ec.PublicKey),
		fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"ed","x":%q}`, b64(id.edPublic)),
		jwkRSA("enc", &id.rsa.PublicKey, `,"use":"enc"`), jwkRSA("weak", &id.weak.PublicKey),
		fmt.Sprintf(`{"kty":"oct","kid":"oct","k":%q}`, b64([]byte("a symmetric key of thirty-two by"))),
		`{"kty":"PQC","kid":"new","x":"AAAA"}`, `17`, jwkRSA("", &id.rsa.PublicKey),
	)
	i := newIssuer(t, set)
	g := newGate(t, i.config(&clock{at: now()}))

	der, err := x509.MarshalPKIXPublicKey(&id.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	payload, err := json.Marshal(claims())
	if err != nil {
		t.Fatal(err)
	}
	good := sign(t, jwt.SigningMethodRS256, id.rsa, claims(), kid("rsa"))
	parts := strings.Split(good, ".")
	admin, err := json.Marshal(claims(map[string]any{"sub": "admin"}))
	if err != nil {
		t.Fatal(err)
	}
	rs := func(change map[string]any) string {
		return sign(t, jwt.SigningMethodRS256, id.rsa, claims(change), kid("rsa"))
	}
	at := func(d time.Duration) int64 { return now().Add(d).Unix() }

	const ok = ""
	for name, test := range map[string]struct {
		token string
		says  string // of the refusal; "" is let in
	}{
		"RS256":                              {good, ok},
		"PS384":                              {sign(t, jwt.SigningMethodPS384, id.rsa, claims(), kid("rsa")), ok},
		"ES256":                              {sign(t, jwt.SigningMethodES256, id.ec, claims(), kid("ec")), ok},
		"EdDSA":                              {sign(t, jwt.SigningMethodEdDSA, id.ed, claims(), kid("ed")), ok},
		"a key bound to its algorithm":       {sign(t, jwt.SigningMethodRS256, id.rsa, claims(), kid("rs256")), ok},
		"one of several audiences":           {rs(map[string]any{"aud": []string{"other", audience}}), ok},
		"expired within the leeway":          {rs(map[string]any{"exp": at(-29 * time.Second)}), ok},
		"valid soon, within the leeway":      {rs(map[string]any{"nbf": at(29 * time.Second)}), ok},
		"a subject of another alphabet":      {rs(map[string]any{"sub": "Zoë 42"}), ok},
		"expired":                            {rs(map[string]any{"exp": at(-31 * time.Second)}), "has expired"},
		"no expiry":                          {rs(map[string]any{"exp": nil}), "lacks one of"},
		"an expiry that is text":             {rs(map[string]any{"exp": "tomorrow"}), "malformed"},
		"not valid yet":                      {rs(map[string]any{"nbf": at(31 * time.Second)}), "not valid yet"},
		"another audience":                   {rs(map[string]any{"aud": "https://other.example"}), "another audience"},
		"no audience":                        {rs(map[string]any{"aud": nil}), "lacks one of"},
		"an audience that begins alike":      {rs(map[string]any{"aud": audience + ".evil.example"}), "another audience"},
		"another issuer":                     {rs(map[string]any{"iss": "https://evil.example/"}), "another issuer"},
		"the issuer without its slash":       {rs(map[string]any{"iss": strings.TrimSuffix(issuerName, "/")}), "another issuer"},
		"no issuer":                          {rs(map[string]any{"iss": nil}), "lacks one of"},
		"no subject":                         {rs(map[string]any{"sub": nil}), "subject (sub)"},
		"a subject with a line break":        {rs(map[string]any{"sub": "a\nb"}), "subject (sub)"},
		"a long subject":                     {rs(map[string]any{"sub": strings.Repeat("a", 256)}), "subject (sub)"},
		"no kid":                             {sign(t, jwt.SigningMethodRS256, id.rsa, claims(), nil), "does not name the key"},
		"a kid that is a number":             {sign(t, jwt.SigningMethodRS256, id.rsa, claims(), map[string]any{"kid": 1}), "does not name the key"},
		"an unknown kid":                     {sign(t, jwt.SigningMethodRS256, id.unknown, claims(), kid("nobody")), "not among those of the issuer"},
		"another's signature":                {sign(t, jwt.SigningMethodRS256, id.unknown, claims(), kid("rsa")), "signature is not good"},
		"another payload":                    {parts[0] + "." + b64(admin) + "." + parts[2], "signature is not good"},
		"no signature":                       {parts[0] + "." + parts[1] + ".", "signature is not good"},
		"a signature cut short":              {good[:len(good)-6], "signature is not good"},
		"alg none":                           {b64([]byte(`{"alg":"none","kid":"rsa"}`)) + "." + b64(payload) + ".", "algorithm is not taken"},
		"alg None in another case":           {b64([]byte(`{"alg":"nOnE","kid":"rsa"}`)) + "." + b64(payload) + ".", "algorithm is not taken"},
		"HS256 with the public key, PEM":     {forge(`{"alg":"HS256","kid":"rsa","typ":"JWT"}`, string(payload), publicPEM), "algorithm is not taken"},
		"HS256 with the public key, DER":     {forge(`{"alg":"HS256","kid":"rsa"}`, string(payload), der), "algorithm is not taken"},
		"HS256 with the published secret":    {forge(`{"alg":"HS256","kid":"oct"}`, string(payload), []byte("a symmetric key of thirty-two by")), "algorithm is not taken"},
		"HS256 with an empty key":            {forge(`{"alg":"HS256","kid":"rsa"}`, string(payload), nil), "algorithm is not taken"},
		"HS256 said to be RS256":             {forge(`{"alg":"RS256","kid":"rsa"}`, string(payload), publicPEM), "signature is not good"},
		"alg given twice":                    {forge(`{"alg":"RS256","alg":"HS256","kid":"rsa"}`, string(payload), publicPEM), "algorithm is not taken"},
		"PS256 with a key for RS256":         {sign(t, jwt.SigningMethodPS256, id.rsa, claims(), kid("rs256")), "not among those of the issuer"},
		"ES256 with an RSA key's id":         {sign(t, jwt.SigningMethodES256, id.ec, claims(), kid("rsa")), "signature is not good"},
		"RS256 with an EC key's id":          {sign(t, jwt.SigningMethodRS256, id.rsa, claims(), kid("ec")), "signature is not good"},
		"a key for encryption":               {sign(t, jwt.SigningMethodRS256, id.rsa, claims(), kid("enc")), "not among those of the issuer"},
		"a key of 1024 bits":                 {sign(t, jwt.SigningMethodRS256, id.weak, claims(), kid("weak")), "not among those of the issuer"},
		"a key that the token brings itself": {sign(t, jwt.SigningMethodRS256, id.unknown, claims(), map[string]any{"kid": "rsa", "jwk": json.RawMessage(jwkRSA("rsa", &id.unknown.PublicKey)), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u"}), "signature is not good"},
		"a demand that is not understood":    {sign(t, jwt.SigningMethodRS256, id.rsa, claims(), map[string]any{"kid": "rsa", "crit": []string{"exp"}}), "crit"},
		"a payload that is not JSON":         {forge(`{"alg":"RS256","kid":"rsa"}`, `not json`, nil), "malformed"},
		"a payload that is not base64":       {parts[0] + ".###." + parts[2], "malformed"},
		"an algorithm nobody knows":          {forge(`{"alg":"RS1024","kid":"rsa"}`, string(payload), nil), "algorithm is not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := g.IdentifyToken(t.Context(), "Bearer "+test.token)
			if test.says == ok {
				if err != nil || c.Kind != access.ByToken || !strings.HasPrefix(c.ID, "jwt:") {
					t.Fatalf("IdentifyToken() = %+v, %v, want to be let in", c, err)
				}
				if refused := c.MayCheckIn(); refused != nil {
					t.Errorf("MayCheckIn() = %v", refused)
				}
				return
			}
			if codeOf(t, err) != access.Unauthenticated || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("IdentifyToken() = %+v, %v, want UNAUTHENTICATED that says %q", c, err, test.says)
			}
			for part := range strings.SplitSeq(test.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Errorf("the error quotes the token: %v", err)
				}
			}
		})
	}
}

func TestIdentify_CallersOfTwoIssuersAreNotTheSame(t *testing.T) {
	t.Parallel()
	id := newIdentity()
	i := newIssuer(t, keySetOf(jwkRSA("rsa", &id.rsa.PublicKey)))
	ids := make(map[string]bool)
	for _, name := range []string{issuerName, "https://other.example/"} {
		cfg := i.config(&clock{at: now()})
		cfg.JWT.Issuer = name
		c, err := newGate(t, cfg).IdentifyToken(t.Context(), "Bearer "+sign(t, jwt.SigningMethodRS256, id.rsa, claims(map[string]any{"iss": name}), kid("rsa")))
		if err != nil || !strings.HasSuffix(c.ID, ":auth0|42") {
			t.Fatalf("IdentifyToken() = %+v, %v", c, err)
		}
		ids[c.ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("ids = %v, want two", ids)
	}
}

func TestKeys_FollowTheIssuer(t *testing.T) {
	t.Parallel()
	id := newIdentity()
	token := func(key *rsa.PrivateKey, name string) string {
		return "Bearer " + sign(t, jwt.SigningMethodRS256, key, claims(map[string]any{"exp": now().Add(1000 * time.Hour).Unix()}), kid(name))
	}
	one, two := jwkRSA("one", &id.rsa.PublicKey), jwkRSA("two", &id.unknown.PublicKey)

	t.Run("a new key is fetched once, by the first token that names it", func(t *testing.T) {
		t.Parallel()
		i, c := newIssuer(t, keySetOf(one)), &clock{at: now()}
		g := newGate(t, i.config(c))
		for range 3 {
			if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
				t.Fatal(err)
			}
		}
		i.publish(keySetOf(one, two))
		c.pass(11 * time.Second)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := g.IdentifyToken(t.Context(), token(id.unknown, "two")); err != nil {
					t.Errorf("after rotation: %v", err)
				}
			})
		}
		wg.Wait()
		if n := i.times(); n != 2 {
			t.Errorf("the issuer was asked %d times, want 2", n)
		}
	})

	t.Run("keys that do not exist are asked for once in ten seconds", func(t *testing.T) {
		t.Parallel()
		i, c := newIssuer(t, keySetOf(one)), &clock{at: now()}
		g := newGate(t, i.config(c))
		for n := range 50 {
			_, err := g.IdentifyToken(t.Context(), token(id.unknown, fmt.Sprint("made-up-", n)))
			if codeOf(t, err) != access.Unauthenticated {
				t.Fatalf("an unknown key: %v", err)
			}
		}
		if n := i.times(); n != 1 {
			t.Errorf("the issuer was asked %d times, want 1", n)
		}
		c.pass(11 * time.Second)
		_, _ = g.IdentifyToken(t.Context(), token(id.unknown, "made-up"))
		if n := i.times(); n != 2 {
			t.Errorf("the issuer was asked %d times, want 2", n)
		}
	})

	t.Run("a withdrawn key ends within the hour", func(t *testing.T) {
		t.Parallel()
		i, c := newIssuer(t, keySetOf(one)), &clock{at: now()}
		g := newGate(t, i.config(c))
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
			t.Fatal(err)
		}
		i.publish(keySetOf(two))
		c.pass(61 * time.Minute)
		// The first one starts the fetch and does not wait for it.
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
			t.Fatal(err)
		}
		// Who names the new key waits for it; the old one is gone with that.
		if _, err := g.IdentifyToken(t.Context(), token(id.unknown, "two")); err != nil {
			t.Fatal(err)
		}
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); codeOf(t, err) != access.Unauthenticated {
			t.Errorf("the withdrawn key: %v", err)
		}
	})

	for name, away := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "sk_live_abc", http.StatusInternalServerError)
		},
		"not JSON":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no usable keys": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"too many keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(keySetOf(slices.Repeat([]string{"{}"}, 101)...)))
		},
		"a huge answer": func(w http.ResponseWriter, _ *http.Request) {
			block := bytes.Repeat([]byte(" "), 1<<20)
			for range 100 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
			_, _ = w.Write([]byte(keySetOf(two)))
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"a broken answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("{"))
		},
	} {
		t.Run("while the issuer answers "+name+", known keys go on and others are unavailable", func(t *testing.T) {
			t.Parallel()
			i, c := newIssuer(t, keySetOf(one)), &clock{at: now()}
			cfg := i.config(c)
			var log bytes.Buffer
			cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
			g, err := access.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
				t.Fatal(err)
			}
			i.handle(away)
			c.pass(2 * time.Hour)
			_, err = g.IdentifyToken(t.Context(), token(id.unknown, "two"))
			var refused *access.Error
			if !errors.As(err, &refused) || refused.Code != access.Unavailable || refused.RetryAfter <= 0 || refused.RetryAfter > 10*time.Second {
				t.Errorf("a key not known yet: %+v, want UNAVAILABLE with a time", err)
			}
			if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
				t.Errorf("a known key: %v", err)
			}
			c.pass(23 * time.Hour)
			if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); codeOf(t, err) != access.Unavailable {
				t.Errorf("a known key after more than a day: %v, want UNAVAILABLE", err)
			}
			i.publish(keySetOf(one))
			c.pass(11 * time.Second)
			if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
				t.Errorf("when the issuer is back: %v", err)
			}
			g.Close()
			if !strings.Contains(log.String(), "signing keys not read") || strings.Contains(log.String(), "sk_live") || strings.Contains(log.String(), i.URL) {
				t.Errorf("log: %s", log.String())
			}
		})
	}

	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		i := newIssuer(t, keySetOf(one))
		g := newGate(t, i.config(&clock{at: now()}))
		i.Close()
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); codeOf(t, err) != access.Unavailable {
			t.Errorf("IdentifyToken() error = %v, want UNAVAILABLE", err)
		}
	})

	t.Run("a slow issuer costs a request no more than its own time", func(t *testing.T) {
		t.Parallel()
		i, c := newIssuer(t, keySetOf(one)), &clock{at: now()}
		arrived, withdrawn := make(chan struct{}), make(chan struct{})
		i.handle(func(_ http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
			close(withdrawn)
		})
		g := newGate(t, i.config(c))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-arrived
			cancel()
		}()
		if _, err := g.IdentifyToken(ctx, token(id.rsa, "one")); codeOf(t, err) != access.Unavailable {
			t.Errorf("IdentifyToken() error = %v, want UNAVAILABLE", err)
		}
		g.Close() // ends the fetch that nobody waits for any more
		<-withdrawn
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); codeOf(t, err) != access.Unavailable {
			t.Errorf("after Close: %v, want UNAVAILABLE", err)
		}
	})

	t.Run("reloading fetches anew only where the issuer changed", func(t *testing.T) {
		t.Parallel()
		i, other, c := newIssuer(t, keySetOf(one)), newIssuer(t, keySetOf(two)), &clock{at: now()}
		g := newGate(t, i.config(c))
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil {
			t.Fatal(err)
		}
		if err := g.Reload(i.config(c)); err != nil {
			t.Fatal(err)
		}
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); err != nil || i.times() != 1 {
			t.Errorf("the same issuer: %v, asked %d times, want once", err, i.times())
		}
		if err := g.Reload(other.config(c)); err != nil {
			t.Fatal(err)
		}
		if _, err := g.IdentifyToken(t.Context(), token(id.rsa, "one")); codeOf(t, err) != access.Unauthenticated {
			t.Errorf("a key of the former issuer: %v", err)
		}
		if _, err := g.IdentifyToken(t.Context(), token(id.unknown, "two")); err != nil {
			t.Errorf("a key of the new issuer: %v", err)
		}
	})
}

package server_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"chargegraph/server"
	"chargegraph/server/access"
)

// issuer gives out tokens, and publishes its key without a network.
type issuer struct {
	tb     testing.TB
	public ed25519.PublicKey
	key    ed25519.PrivateKey
}

func newIssuer(tb testing.TB) *issuer {
	tb.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		tb.Fatal("the public key is of another kind")
	}
	return &issuer{tb: tb, public: public, key: key}
}

// RoundTrip answers a request for the key set.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	set := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"` + base64.RawURLEncoding.EncodeToString(i.public) + `"}]}`
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(set)), Request: r,
	}, nil
}

// trusted lets in those who have a token of i.
func (i *issuer) trusted(c *server.Config) {
	gate, err := access.New(access.Config{
		JWT:    &access.JWTConfig{Issuer: "https://issuer.example", Audience: "chargegraph", JWKS: "https://issuer.example/keys"},
		HTTP:   &http.Client{Transport: i},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		i.tb.Fatal(err)
	}
	i.tb.Cleanup(gate.Close)
	c.Access = gate
}

// token returns a value of Authorization that is good for that long.
func (i *issuer) token(life time.Duration) string {
	i.tb.Helper()
	claims, err := json.Marshal(map[string]any{"iss": "https://issuer.example", "aud": "chargegraph", "sub": "somebody", "exp": time.Now().Add(life).Unix()})
	if err != nil {
		i.tb.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"a"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	return "Bearer " + text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.key, []byte(text)))
}

// leeway is how much longer a token is taken.
const leeway = 30 * time.Second

func TestStreams_LastNoLongerThanTheirCallersToken(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"payload", "headers"} {
		bubbled(t, "a socket is closed, by a token in the "+how, func(t bubble) {
			i := newIssuer(t)
			s := newStreaming(t, i.trusted)
			began := time.Now()
			var c *client
			if how == "payload" {
				c = s.open(t, `{"authorization":"`+i.token(time.Minute)+`"}`)
			} else {
				c = s.open(t, "", "Authorization", i.token(time.Minute))
			}
			c.subscribe("a", watchDocument)
			w := <-s.subscribed
			c.wantClosed(4403, "the token has expired") // a code after which clients connect again
			<-w.ctx.Done()
			if took := time.Since(began); took != time.Minute+leeway {
				t.Errorf("after %v, want as long as the token is taken", took)
			}
			refused := s.dial(t)
			refused.send(`{"type":"connection_init","payload":{"authorization":"` + i.token(-leeway) + `"}}`)
			refused.wantClosed(4403, "Forbidden")
		})
	}
	bubbled(t, "events end with an error and complete", func(t bubble) {
		i := newIssuer(t)
		s := newStreaming(t, i.trusted, sandbox)
		began := time.Now()
		e := s.events(t, http.MethodPost, watchDocument, "Authorization", i.token(10*time.Minute))
		w := <-s.subscribed
		v, ok := e.next()
		for ; ok && v.name == ":"; v, ok = e.next() {
		}
		if want := `{"errors":[{"message":"the token has expired; open the stream again with a new one","extensions":{"code":"UNAUTHENTICATED"}}],"extensions":{"sandbox":true}}`; v.name != "next" || v.data != want {
			t.Errorf("it says %v, want next with %s", v, want)
		}
		if took := time.Since(began); took != 10*time.Minute+leeway {
			t.Errorf("after %v, want as long as the token is taken", took)
		}
		e.want(t, "complete", "")
		e.wantEnd(t)
		<-w.ctx.Done()
		close(w.changes)
	})
	bubbled(t, "a stream that ends before says nothing of it", func(t bubble) {
		i := newIssuer(t)
		s := newStreaming(t, i.trusted)
		e := s.events(t, http.MethodPost, watchDocument, "Authorization", i.token(10*time.Minute))
		w := <-s.subscribed
		close(w.changes)
		e.want(t, ":", "")
		e.want(t, "complete", "")
		e.wantEnd(t)
	})
	bubbled(t, "an API key has no end", func(t bubble) {
		s := newStreaming(t, gated(false))
		c := s.open(t, `{"authorization":"Bearer app.secret"}`)
		c.subscribe("a", watchDocument)
		w := <-s.subscribed
		go func() {
			<-time.After(2 * time.Hour)
			close(w.changes)
		}()
		c.want(`{"id":"a","type":"complete"`)
	})
}

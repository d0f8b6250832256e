package access_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"chargegraph/server/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newGate returns a gate that ends with the test.
func newGate(t *testing.T, cfg access.Config) *access.Gate {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = discard()
	}
	g, err := access.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// codeOf returns the code of an error that must be an *access.Error, "" for nil.
func codeOf(t *testing.T, err error) access.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var known *access.Error
	if !errors.As(err, &known) {
		t.Fatalf("error %v is a %T, want an *access.Error", err, err)
	}
	return known.Code
}

func TestNew_RefusesContradictionsInOneSentence(t *testing.T) {
	t.Parallel()
	good := access.APIKey{ID: "app", Hash: hashOf("a")}
	issuer := access.JWTConfig{Issuer: "https://id.example", Audience: "chargegraph", JWKS: "https://id.example/jwks"}
	withJWT := func(change func(*access.JWTConfig)) func(*access.Config) {
		return func(c *access.Config) {
			j := issuer
			change(&j)
			c.JWT = &j
		}
	}
	for name, test := range map[string]struct {
		change func(*access.Config)
		says   string
	}{
		"no logger":             {func(c *access.Config) { c.Logger = nil }, "Logger is nil"},
		"nobody let in":         {func(c *access.Config) { c.AnonymousReads, c.APIKeys = false, nil }, "nobody could be let in"},
		"writes without reads":  {func(c *access.Config) { c.AnonymousReads, c.AnonymousCheckIns = false, true }, "may check in but not read"},
		"an id twice":           {func(c *access.Config) { c.APIKeys = append(c.APIKeys, access.APIKey{ID: "app", Hash: hashOf("b")}) }, `"app" is there twice`},
		"a secret twice":        {func(c *access.Config) { c.APIKeys = append(c.APIKeys, access.APIKey{ID: "web", Hash: hashOf("a")}) }, `"app" and "web" have the same secret`},
		"no id":                 {func(c *access.Config) { c.APIKeys[0].ID = "" }, "1 to 64 characters"},
		"a long id":             {func(c *access.Config) { c.APIKeys[0].ID = strings.Repeat("a", 65) }, "1 to 64 characters"},
		"a dot in an id":        {func(c *access.Config) { c.APIKeys[0].ID = "a.b" }, "letters, digits"},
		"an id like a token":    {func(c *access.Config) { c.APIKeys[0].ID = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"x"}`)) }, "beginning of a token"},
		"a hash without prefix": {func(c *access.Config) { c.APIKeys[0].Hash = hashOf("a")[7:] }, "64 hexadecimal digits"},
		"a short hash":          {func(c *access.Config) { c.APIKeys[0].Hash = "sha256:abcd" }, "64 hexadecimal digits"},
		"a hash with letters":   {func(c *access.Config) { c.APIKeys[0].Hash = "sha256:" + strings.Repeat("zz", 32) }, "64 hexadecimal digits"},
		"the secret itself":     {func(c *access.Config) { c.APIKeys[0].Hash = "correct horse" }, "64 hexadecimal digits"},
		"an empty secret":       {func(c *access.Config) { c.APIKeys[0].Hash = hashOf("") }, "empty secret"},
		"a hash of zeros":       {func(c *access.Config) { c.APIKeys[0].Hash = "sha256:" + strings.Repeat("0", 64) }, "all zeros"},
		"a negative rate":       {func(c *access.Config) { c.Limits.PerSecond = -1 }, "auth.limits: costPerSecond is -1"},
		"a rate of no number":   {func(c *access.Config) { c.AnonymousLimits.Burst = math.NaN() }, "burst is NaN"},
		"an endless burst":      {func(c *access.Config) { c.APIKeys[0].Limits.Burst = math.Inf(1) }, "burst is +Inf"},
		"a cost above the burst": {func(c *access.Config) {
			c.APIKeys[0].Limits = access.Limits{Limit: access.Limit{Burst: 10}, MaxCost: 11}
		}, "never be let through"},
		"no issuer":              {withJWT(func(j *access.JWTConfig) { j.Issuer = "" }), "issuer is not set"},
		"no audience":            {withJWT(func(j *access.JWTConfig) { j.Audience = "" }), "audience is not set"},
		"no key set":             {withJWT(func(j *access.JWTConfig) { j.JWKS = "" }), "jwks is not set"},
		"a key set over http":    {withJWT(func(j *access.JWTConfig) { j.JWKS = "http://id.example/jwks" }), "https URL"},
		"a key set in a file":    {withJWT(func(j *access.JWTConfig) { j.JWKS = "file:///etc/keys" }), "https URL"},
		"a key set with a user":  {withJWT(func(j *access.JWTConfig) { j.JWKS = "https://me:pw@id.example/" }), "without user"},
		"http to a lookalike":    {withJWT(func(j *access.JWTConfig) { j.JWKS = "http://localhost.example/" }), "https URL"},
		"no client for the keys": {func(c *access.Config) { c.JWT, c.HTTP = &issuer, nil }, "HTTP is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := access.Config{APIKeys: []access.APIKey{good}, AnonymousReads: true, HTTP: &http.Client{}, Logger: discard()}
			test.change(&cfg)
			_, err := access.New(cfg)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("New() error = %v, want one that says %q", err, test.says)
			}
			if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "correct horse") {
				t.Errorf("New() error = %q: want one sentence, without what may be a secret", err)
			}
		})
	}
}

func TestIdentify_ByKey(t *testing.T) {
	t.Parallel()
	own := access.Limits{Limit: access.Limit{PerSecond: 1, Burst: 2}, Concurrent: 3, MaxCost: 2}
	g := newGate(t, access.Config{
		APIKeys: []access.APIKey{
			{ID: "app", Hash: hashOf("s3cret")},
			{ID: "web", Hash: hashOf("other"), ReadOnly: true, Limits: own},
			{ID: "dots", Hash: hashOf("a.b")},
		},
		AnonymousReads: true,
	})
	for name, test := range map[string]struct {
		header []string
		want   string // id; "" is refused
	}{
		"no header":                     {nil, "anonymous"},
		"a good key":                    {[]string{"Bearer app.s3cret"}, "key:app"},
		"the scheme in another case":    {[]string{"bEARER app.s3cret"}, "key:app"},
		"spaces around":                 {[]string{"  Bearer   app.s3cret "}, "key:app"},
		"a secret with a dot":           {[]string{"Bearer dots.a.b"}, "key:dots"},
		"a wrong secret":                {[]string{"Bearer app.s3creT"}, ""},
		"another's secret":              {[]string{"Bearer app.other"}, ""},
		"a beginning of the secret":     {[]string{"Bearer app.s3cre"}, ""},
		"more than the secret":          {[]string{"Bearer app.s3cret0"}, ""},
		"no secret":                     {[]string{"Bearer app."}, ""},
		"no dot":                        {[]string{"Bearer app"}, ""},
		"no id":                         {[]string{"Bearer .s3cret"}, ""},
		"an unknown id":                 {[]string{"Bearer nobody.s3cret"}, ""},
		"an id in another case":         {[]string{"Bearer App.s3cret"}, ""},
		"the hash instead of a secret":  {[]string{"Bearer app." + hashOf("s3cret")}, ""},
		"the digest instead":            {[]string{"Bearer app." + hashOf("s3cret")[7:]}, ""},
		"an empty header":               {[]string{""}, ""},
		"only the scheme":               {[]string{"Bearer"}, ""},
		"only the scheme and a space":   {[]string{"Bearer "}, ""},
		"only the key":                  {[]string{"app.s3cret"}, ""},
		"Basic":                         {[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("app:s3cret"))}, ""},
		"two headers":                   {[]string{"Bearer app.s3cret", "Bearer app.s3cret"}, ""},
		"two tokens":                    {[]string{"Bearer app.s3cret app.s3cret"}, ""},
		"a list":                        {[]string{"Bearer app.s3cret,Bearer app.s3cret"}, ""},
		"something long":                {[]string{"Bearer app." + strings.Repeat("a", 9000)}, ""},
		"a token where none are taken":  {[]string{"Bearer eyJhbGciOiJub25lIn0.e30."}, ""},
		"bytes that are not characters": {[]string{"Bearer app.\xff\xfe"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := g.Identify(t.Context(), http.Header{"Authorization": test.header})
			if c.ID != test.want {
				t.Errorf("Identify() = %q, %v, want %q", c.ID, err, test.want)
			}
			if test.want == "" && codeOf(t, err) != access.Unauthenticated {
				t.Errorf("Identify() error = %v, want UNAUTHENTICATED", err)
			}
		})
	}

	t.Run("a key has its own limits, others the common ones", func(t *testing.T) {
		t.Parallel()
		web, err := g.IdentifyToken(t.Context(), "Bearer web.other")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(own, web.Limits); diff != "" {
			t.Errorf("limits mismatch (-want +got):\n%s", diff)
		}
		app, err := g.IdentifyToken(t.Context(), "Bearer app.s3cret")
		if err != nil {
			t.Fatal(err)
		}
		if app.Limits.Burst <= web.Limits.Burst || app.Limits.PerSecond <= 0 || app.Limits.Concurrent <= 0 {
			t.Errorf("limits of a key without its own = %+v, want the defaults", app.Limits)
		}
	})
	t.Run("who may check in", func(t *testing.T) {
		t.Parallel()
		for authorization, want := range map[string]access.Code{
			"Bearer app.s3cret": "",
			"Bearer web.other":  access.Forbidden,
			"":                  access.Unauthenticated,
		} {
			c, err := g.IdentifyToken(t.Context(), authorization)
			if err != nil {
				t.Fatal(err)
			}
			if got := codeOf(t, c.MayCheckIn()); got != want {
				t.Errorf("MayCheckIn() of %s = %q, want %q", c.ID, got, want)
			}
		}
		if got := codeOf(t, access.Caller{}.MayCheckIn()); got != access.Unauthenticated {
			t.Errorf("MayCheckIn() of nobody = %q", got)
		}
	})
}

func TestIdentify_Anonymous(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg              access.Config
		read, mayCheckIn access.Code
	}{
		"reads open":          {access.Config{AnonymousReads: true}, "", access.Unauthenticated},
		"reads and check-ins": {access.Config{AnonymousReads: true, AnonymousCheckIns: true}, "", ""},
		"neither":             {access.Config{APIKeys: []access.APIKey{{ID: "app", Hash: hashOf("a")}}}, access.Unauthenticated, access.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := newGate(t, test.cfg).Identify(t.Context(), http.Header{})
			if got := codeOf(t, err); got != test.read {
				t.Errorf("Identify() code = %q, want %q", got, test.read)
			}
			if got := codeOf(t, c.MayCheckIn()); got != test.mayCheckIn {
				t.Errorf("MayCheckIn() = %q, want %q", got, test.mayCheckIn)
			}
		})
	}
}

// A long secret takes long to hash; were an unknown id refused without hashing,
// the two would be far apart.
func TestIdentify_TakesTheSameTimeForAnUnknownID(t *testing.T) {
	g := newGate(t, access.Config{APIKeys: []access.APIKey{{ID: "app", Hash: hashOf("a")}}})
	secret := strings.Repeat("a", 8000)
	fastest := func(authorization string) time.Duration {
		least := time.Hour
		for range 300 {
			start := time.Now()
			if _, err := g.IdentifyToken(t.Context(), authorization); err == nil {
				t.Fatal("a wrong key was taken")
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	known, unknown := fastest("Bearer app."+secret), fastest("Bearer nob."+secret)
	if unknown*2 < known || known*2 < unknown {
		t.Errorf("a known id took %v and an unknown one %v", known, unknown)
	}
}

func TestNewKey(t *testing.T) {
	t.Parallel()
	t.Run("makes a key that is let in by its hash", func(t *testing.T) {
		t.Parallel()
		token, hash, err := access.NewKey(rand.Reader, "app-1_X")
		if err != nil {
			t.Fatal(err)
		}
		id, secret, _ := strings.Cut(token, ".")
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if id != "app-1_X" || err != nil || len(raw) != 32 {
			t.Errorf("NewKey() token = %q, want the id and 256 bits in base64url", token)
		}
		if hash != hashOf(secret) {
			t.Errorf("NewKey() hash = %q, want %q", hash, hashOf(secret))
		}
		c, err := newGate(t, access.Config{APIKeys: []access.APIKey{{ID: id, Hash: hash}}}).IdentifyToken(t.Context(), "Bearer "+token)
		if err != nil || c.ID != "key:app-1_X" || c.Kind != access.ByKey {
			t.Errorf("IdentifyToken() = %+v, %v", c, err)
		}
	})
	t.Run("never makes the same twice", func(t *testing.T) {
		t.Parallel()
		one, _, err1 := access.NewKey(rand.Reader, "app")
		other, _, err2 := access.NewKey(rand.Reader, "app")
		if one == other || err1 != nil || err2 != nil {
			t.Errorf("NewKey() = %q, %q (%v, %v)", one, other, err1, err2)
		}
	})
	t.Run("refuses ids that cannot be told apart", func(t *testing.T) {
		t.Parallel()
		for _, id := range []string{"", "a.b", "a b", "ä", "a\n", strings.Repeat("a", 65)} {
			if token, _, err := access.NewKey(rand.Reader, id); err == nil {
				t.Errorf("NewKey(%q) = %q, want an error", id, token)
			}
		}
	})
	t.Run("says so when there is not enough randomness", func(t *testing.T) {
		t.Parallel()
		if token, _, err := access.NewKey(bytes.NewReader(make([]byte, 31)), "app"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("NewKey() = %q, %v", token, err)
		}
	})
}

func TestCaller_AccountIsTheAddressOfTheAnonymous(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		caller access.Caller
		remote string
		want   string
	}{
		{access.Caller{ID: "key:app", Kind: access.ByKey}, "192.0.2.1", "key:app"},
		{access.Caller{ID: "anonymous", Kind: access.Anonymous}, "192.0.2.1", "anonymous:192.0.2.1"},
		{access.Caller{ID: "anonymous", Kind: access.Anonymous}, "::ffff:192.0.2.1", "anonymous:192.0.2.1"},
		{access.Caller{ID: "anonymous", Kind: access.Anonymous}, "2001:db8:1:2:3:4:5:6", "anonymous:2001:db8:1:2::/64"},
		{access.Caller{ID: "anonymous", Kind: access.Anonymous}, "fe80::1%eth0", "anonymous:fe80::/64"},
	} {
		if got := test.caller.Account(netip.MustParseAddr(test.remote)); got != test.want {
			t.Errorf("Account(%s) = %q, want %q", test.remote, got, test.want)
		}
	}
	if got := (access.Caller{ID: "anonymous", Kind: access.Anonymous}).Account(netip.Addr{}); !strings.HasPrefix(got, "anonymous:") {
		t.Errorf("Account() without an address = %q", got)
	}
}

func TestCaller_TravelsInAContext(t *testing.T) {
	t.Parallel()
	if c, ok := access.FromContext(t.Context()); ok || c.ID != "" {
		t.Errorf("FromContext() of an empty context = %+v, %v", c, ok)
	}
	c, ok := access.FromContext(access.WithCaller(t.Context(), access.Caller{ID: "key:app"}))
	if !ok || c.ID != "key:app" {
		t.Errorf("FromContext() = %+v, %v", c, ok)
	}
}

func TestError_HasTheStatusThatSuitsItsCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[access.Code]int{access.Unauthenticated: 401, access.Forbidden: 403, access.Unavailable: 503} {
		if got := (&access.Error{Code: code}).Status(); got != want {
			t.Errorf("Status() of %s = %d, want %d", code, got, want)
		}
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	config := func(generation string) access.Config {
		return access.Config{
			APIKeys: []access.APIKey{{ID: "a", Hash: hashOf("a" + generation)}, {ID: "b", Hash: hashOf("b" + generation)}},
			Logger:  discard(),
		}
	}
	t.Run("is refused as a whole and leaves what there was", func(t *testing.T) {
		t.Parallel()
		g := newGate(t, config("1"))
		bad := config("2")
		bad.APIKeys[1].Hash = "nonsense"
		if err := g.Reload(bad); err == nil {
			t.Fatal("Reload() took a malformed hash")
		}
		if _, err := g.IdentifyToken(t.Context(), "Bearer a.a1"); err != nil {
			t.Errorf("the old key is gone: %v", err)
		}
		if _, err := g.IdentifyToken(t.Context(), "Bearer a.a2"); err == nil {
			t.Error("a key of the refused configuration is let in")
		}
	})
	t.Run("swaps keys in one step", func(t *testing.T) {
		t.Parallel()
		g := newGate(t, config("1"))
		var wg sync.WaitGroup
		done := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					_, old := g.IdentifyToken(t.Context(), "Bearer a.a1")
					_, fresh := g.IdentifyToken(t.Context(), "Bearer a.a2")
					if old != nil && fresh != nil { // old looked first: it cannot have come back since
						t.Error("neither the old nor the new key is let in")
						return
					}
				}
			})
		}
		if err := g.Reload(config("2")); err != nil {
			t.Error(err)
		}
		close(done)
		wg.Wait()
		if _, err := g.IdentifyToken(t.Context(), "Bearer b.b1"); codeOf(t, err) != access.Unauthenticated {
			t.Errorf("a withdrawn key: %v", err)
		}
		if _, err := g.IdentifyToken(t.Context(), "Bearer b.b2"); err != nil {
			t.Errorf("a new key: %v", err)
		}
	})
	t.Run("is refused by a closed gate", func(t *testing.T) {
		t.Parallel()
		g := newGate(t, config("1"))
		g.Close()
		if err := g.Reload(config("2")); err == nil {
			t.Error("Reload() of a closed gate: want an error")
		}
	})
}

func FuzzIdentifyToken(f *testing.F) {
	const secret = "Zm9ydHktdHdvLWlzLXRoZS1zZWNyZXQtb2YtdGhlLXRlc3Q"
	g, err := access.New(access.Config{
		APIKeys: []access.APIKey{{ID: "app", Hash: hashOf(secret)}}, AnonymousReads: true, Logger: discard(), HTTP: &http.Client{},
		// Nothing listens there: any token that names a key is UNAVAILABLE at best.
		JWT: &access.JWTConfig{Issuer: "i", Audience: "a", JWKS: "http://127.0.0.1:1/"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(g.Close)
	for _, seed := range []string{
		"", " ", "Bearer", "Bearer app." + secret, "bearer  app." + secret + " ", "Bearer app", "Bearer a.b.c", "Bearer ..", "Basic YTpi",
		"Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.AA", "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.e30.AA",
		"Bearer eyJhbGciOm51bGx9.e30.AA", "Bearer bnVsbA.e30.AA", "Bearer \x00.\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, err := g.IdentifyToken(ctx, authorization)
		fields := strings.Fields(authorization)
		switch {
		case err != nil:
			if codeOf(t, err) == "" || c.ID != "" {
				t.Errorf("IdentifyToken(%q) = %+v, %v", authorization, c, err)
			}
		case authorization == "":
			if c.Kind != access.Anonymous {
				t.Errorf("nothing sent: %+v", c)
			}
		case c.ID != "key:app" || len(fields) != 2 || fields[1] != "app."+secret || !strings.EqualFold(fields[0], "bearer"):
			t.Errorf("IdentifyToken(%q) let in %+v", authorization, c)
		}
	})
}

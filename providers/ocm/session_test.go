package ocm

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

// jwt makes a token of claims, signed by nobody.
func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("signature"))
}

func TestATokenSaysWhoseItIsAndUntilWhen(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]session{
		jwt(`{"UserID":"4007","nonce":"x","exp":1795176000}`): {author: author{id: 4007}, expiresAt: time.Unix(1795176000, 0)},
		jwt(`{"UserID":4007,"exp":"1795176000"}`):             {author: author{id: 4007}, expiresAt: time.Unix(1795176000, 0)},
		jwt(`{"UserID":"1"}`):                                 {author: author{id: 1}},
		jwt(`{"UserID":"1","exp":-1}`):                        {author: author{id: 1}},
		jwt(`{"UserID":"1","exp":"soon"}`):                    {author: author{id: 1}},
		jwt(`{"UserID":"1","UserID":"2"}`):                    {author: author{id: 2}},
	} {
		want.token = token
		if got, ok := readSession(token); !ok || got != want {
			t.Errorf("%s is %+v, %v", token, got, ok)
		}
	}
	good := jwt(`{"UserID":"1"}`)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"nothing": "", "a word": "kittens", "two parts": parts[0] + "." + parts[1], "four parts": good + ".x",
		"no header": "." + parts[1] + "." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "no claims": parts[0] + ".." + parts[2],
		"header no JSON": parts[2] + "." + parts[1] + "." + parts[2], "claims no JSON": parts[0] + "." + parts[2] + "." + parts[2],
		"claims a list": jwt(`["UserID"]`), "no user": jwt(`{"exp":1795176000}`), "user 0": jwt(`{"UserID":"0"}`), "user a name": jwt(`{"UserID":"Ada"}`),
		"a line": parts[0] + "\r\n." + parts[1] + "." + parts[2], "padded": good + "=", "a blank": good + " ",
		"too long": jwt(`{"UserID":"1","x":"` + strings.Repeat("x", 8000) + `"}`),
	} {
		if s, ok := readSession(token); ok || s != (session{}) {
			t.Errorf("%s is taken for %+v", name, s)
		}
	}
}

func TestOneSignInServesEverybody(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	p.sim.Faults().Set(sandbox.Latency, sandbox.For(50*time.Millisecond), sandbox.OnPath("/authenticate"))
	var all sync.WaitGroup
	for n := range 12 {
		all.Go(func() {
			c := p.report()
			c.Marker = fmt.Sprint(marker, n)
			if err := p.Send(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p.posts("/authenticate") != 1 || len(p.sim.Comments()) != 12 {
		t.Errorf("%d sign-ins, %d comments; want 1, 12", p.posts("/authenticate"), len(p.sim.Comments()))
	}
}

func TestADeadSessionIsRenewedOnceAndTheCheckInSentAgain(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	for _, kill := range []func(){
		func() {},
		p.sim.EndSessions,
		func() { p.sim.Faults().Set(sandbox.CommentExpired, sandbox.Count(1)) },
	} {
		kill()
		if err := p.Send(t.Context(), p.report()); err != nil {
			t.Error(err)
		}
	}
	if p.posts("/authenticate") != 3 || p.posts("/comment") != 5 || len(p.sim.Comments()) != 3 {
		t.Errorf("%d sign-ins, %d posts, %d comments; want 3, 5, 3", p.posts("/authenticate"), p.posts("/comment"), len(p.sim.Comments()))
	}
	p.sim.EndSessions()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := p.Send(t.Context(), p.report()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := p.posts("/authenticate") - 3; n != 1 {
		t.Errorf("eight that met the dead session signed in %d times", n)
	}
}

func TestASessionThatDiesAtOnceIsNotBegunOverAndOver(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	p.sim.Faults().Set(sandbox.Unauthorized, sandbox.OnPath("/comment"))
	for range 5 {
		undelivered(t, p.Send(t.Context(), p.report()), providers.CodeUnauthorized, false, false)
	}
	if p.posts("/authenticate") != 2 || p.posts("/comment") != 2 {
		t.Errorf("%d sign-ins, %d posts; want 2, 2", p.posts("/authenticate"), p.posts("/comment"))
	}
	p.sim.Faults().Clear()
	p.pass(2 * time.Minute)
	if err := p.Send(t.Context(), p.report()); err != nil {
		t.Error(err)
	}
}

func TestASessionIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{SessionLife: time.Hour}, nil)
	for _, step := range []struct {
		passes  time.Duration
		signIns int
	}{{0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {54 * time.Minute, 2}, {time.Hour, 3}} {
		p.pass(step.passes)
		if err := p.Send(t.Context(), p.report()); err != nil {
			t.Error(err)
		}
		if n := p.posts("/authenticate"); n != step.signIns {
			t.Errorf("%v later: %d sign-ins, want %d", step.passes, n, step.signIns)
		}
	}
	if n := p.posts("/comment"); n != 5 {
		t.Errorf("%d posts of 5 check-ins: one met a dead session", n)
	}
}

func TestWrongCredentialsAreNotTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, func(cfg *Config) { cfg.Password = "kittens" })
	tried := 0
	try := func(after, retry time.Duration, asks bool) {
		t.Helper()
		p.pass(after)
		if asks {
			tried++
		}
		de := delivery(t, p.Send(t.Context(), p.report()), providers.CodeUnauthorized, false, false)
		if !strings.Contains(de.Message, "username and password") {
			t.Errorf("it says %q", de.Message)
		}
		if p.posts("/authenticate") != tried || de.RetryAfter != retry {
			t.Errorf("%d sign-ins, retry after %v; want %d, %v", p.posts("/authenticate"), de.RetryAfter, tried, retry)
		}
	}
	try(0, 0, true)
	try(0, time.Minute, false)
	try(59*time.Second, time.Second, false)
	try(time.Second, 0, true)
	try(time.Second, 119*time.Second, false)
	for range 9 {
		p.pass(time.Hour)
		_ = p.Send(t.Context(), p.report())
		tried++
	}
	try(0, time.Hour, false) // and not longer
	if p.posts("/comment") != 0 {
		t.Error("something was sent without a session")
	}
	p.account.password = p.sim.Password()
	p.pass(time.Hour)
	if err := p.Send(t.Context(), p.report()); err != nil {
		t.Error(err)
	}
	if p.account.failures != 0 {
		t.Error("a success forgets no failures")
	}
}

func TestAFailedSignInSaysWhatFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		code   providers.SourceErrorCode
		says   string
	}{
		"refused":           {401, "", providers.CodeUnauthorized, "username and password"},
		"refused in v4":     {400, `{"status":400}`, providers.CodeUnauthorized, "username and password"},
		"unknown key":       {403, "Invalid API key.", providers.CodeUnauthorized, "the configured key"},
		"slow down":         {429, "", providers.CodeRateLimited, "less often"},
		"origin lost":       {502, "", providers.CodeUpstreamError, "status 502"},
		"redirect":          {301, "", providers.CodeBadResponse, "status 301"},
		"nothing":           {200, "", providers.CodeBadResponse, "no password of its own"},
		"a page":            {200, "<html>kittens</html>", providers.CodeBadResponse, "something else than a session"},
		"no token":          {200, `{"Data":{"UserProfile":{"ID":1}}}`, providers.CodeBadResponse, "something else than a session"},
		"no token of OCM's": {200, `{"Data":{"access_token":"kittens"}}`, providers.CodeBadResponse, "something else than a session"},
		"of nobody":         {200, `{"Data":{"access_token":"` + jwt(`{"nonce":"kittens"}`) + `"}}`, providers.CodeBadResponse, "something else than a session"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
			s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				w.Header().Set("Location", "/elsewhere")
				answering(c.status, c.body)(w, r)
			}), func(cfg *Config) {
				cfg.Username, cfg.Password, cfg.Clock = "ada@ocm.example", "kittens", func() time.Time { return now }
			})
			consignment := providers.Consignment{Site: "ocm:7", Report: providers.Report{Outcome: providers.CheckInCharged, Kind: providers.CommentGeneral}}
			for range 3 {
				de := delivery(t, s.Send(t.Context(), consignment), c.code, false, false)
				if !strings.Contains(de.Message, c.says) || strings.Contains(de.Error(), "kittens") {
					t.Errorf("it says %q, want %q", de.Error(), c.says)
				}
			}
			if asked != 1 {
				t.Errorf("OCM was asked %d times within no time", asked)
			}
		})
	}
}

func TestBothFormsOfSigningInAreRead(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	v3, _, se := p.account.signIn(t.Context())
	if se != nil {
		t.Fatal(se)
	}
	p.poster.base = p.poster.base.JoinPath("../v4")
	v4, _, se := p.account.signIn(t.Context())
	if se != nil || v4 != v3 || v4.author != (author{3999, "Sandbox Service"}) || !v4.expiresAt.Equal(p.now().AddDate(0, 0, 30)) {
		t.Errorf("%+v and %+v (%v)", v3, v4, se)
	}
}

func TestASignInWhoseCallerLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	p.sim.Faults().Set(sandbox.Hang, sandbox.OnPath("/authenticate"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var waiting sync.WaitGroup
	for range 2 { // one signs in, the other waits for it
		waiting.Go(func() { undelivered(t, p.Send(ctx, p.report()), providers.CodeTimeout, false, false) })
	}
	waiting.Wait()
	p.sim.Faults().Clear()
	if err := p.Send(t.Context(), p.report()); err != nil {
		t.Errorf("right after it: %v", err)
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"", "a.b.c", jwt(`{"UserID":"4007","exp":1795176000}`), jwt(`{}`), jwt(`[]`), jwt(`{"UserID":{"$numberInt":"5"}}`)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		s, ok := readSession(token)
		if !ok {
			if s != (session{}) {
				t.Errorf("%q is refused, and %+v", token, s)
			}
			return
		}
		if s.token != token || s.author.id < 1 || len(token) > maxToken {
			t.Errorf("%q is %+v", token, s)
		}
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("%q would go into a header", token)
		}
	})
}

func FuzzAnswersToSigningIn(f *testing.F) {
	f.Add(`{"Data":{"UserProfile":{"ID":1,"Username":"Ada"},"access_token":"` + jwt(`{"UserID":"1"}`) + `"},"Metadata":{"StatusCode":200}}`)
	f.Add(`{"data":{"userProfile":null,"ACCESS_TOKEN":7}}`)
	f.Add("[]")
	f.Fuzz(func(t *testing.T, body string) {
		s, ok := readSignedIn([]byte(body))
		if ok && (s.author.id < 1 || s.token == "") {
			t.Errorf("%q is %+v", body, s)
		}
	})
}

package ocm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/internal/wire"
	"chargegraph/providers/sandbox"
)

const marker = "https://app.example/c/7f3a9c"

// post is a simulated OCM and a source that sends check-ins there, with one clock.
type post struct {
	*Source
	sim  *sandbox.OCM
	site providers.Key
	logs *syncBuffer

	mu sync.Mutex
	at time.Time
}

func (p *post) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *post) pass(t time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = p.at.Add(t)
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// aHamlet is a world that is quickly made.
var aHamlet = sync.OnceValue(func() *sandbox.World {
	params := sandbox.DefaultParams()
	params.Sites = 20
	return sandbox.NewWorld(params)
})

func newPost(tb testing.TB, options sandbox.OCMOptions, change func(*Config)) *post {
	tb.Helper()
	p := &post{at: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), logs: &syncBuffer{}}
	options.Now = p.now
	var err error
	if p.sim, err = sandbox.NewOCM(aHamlet(), options); err != nil {
		tb.Fatal(err)
	}
	p.Source = newSource(tb, p.sim, func(cfg *Config) {
		cfg.Clock, cfg.Logger = p.now, logTo(p.logs)
		cfg.Username, cfg.Password = p.sim.Username(), p.sim.Password()
		if change != nil {
			change(cfg)
		}
	})
	tb.Cleanup(func() { _ = p.sim.Close() }) // before the server, which waits for what hangs
	p.site = aSite(tb, p.Source)
	p.sim.ResetCalls()
	return p
}

// aSite returns the newest of them, which everybody sees.
func aSite(tb testing.TB, s *Source) providers.Key {
	tb.Helper()
	page, err := s.poi(tb.Context(), url.Values{}, 1)
	if err != nil || len(page.records) != 1 {
		tb.Fatalf("there is no site: %v", err)
	}
	return page.records[0].Key
}

// report returns one to be sent.
func (p *post) report() providers.Consignment {
	return providers.Consignment{
		Report:      providers.Report{Outcome: providers.CheckInCharged, Kind: providers.CommentGeneral, Text: "Läuft.\nGut & schnell", Rating: new(5)},
		Site:        p.site,
		SubmittedAt: p.now(),
		Marker:      marker,
	}
}

func (p *post) token(tb testing.TB, name string) string {
	tb.Helper()
	token, ok := p.sim.SignIn(name + "@ocm.example")
	if !ok {
		tb.Fatalf("%s cannot sign in", name)
	}
	return token
}

// posts returns how many requests had a path that ends so.
func (p *post) posts(path string) (n int) {
	for _, c := range p.sim.Calls() {
		if c.Method == http.MethodPost && strings.HasSuffix(c.Path, path) {
			n++
		}
	}
	return n
}

// undelivered checks what an error says of a delivery, and that it gives nothing away.
func undelivered(t *testing.T, err error, code providers.SourceErrorCode, ambiguous, final bool) {
	t.Helper()
	_ = delivery(t, err, code, ambiguous, final)
}

// delivery does so too, and returns the error.
func delivery(t *testing.T, err error, code providers.SourceErrorCode, ambiguous, final bool) *providers.DeliveryError {
	t.Helper()
	var de *providers.DeliveryError
	if !errors.As(err, &de) {
		t.Fatalf("error %v is no *DeliveryError", err)
	}
	_ = failure(t, err, code)
	if de.Ambiguous != ambiguous || de.Final != final {
		t.Errorf("%v: ambiguous %v, final %v; want %v, %v", err, de.Ambiguous, de.Final, ambiguous, final)
	}
	return de
}

func TestACheckInBecomesACommentWithItsAuthorAndMarker(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	if err := p.Send(t.Context(), p.report()); err != nil {
		t.Fatal(err)
	}
	site, _ := strconv.Atoi(p.site.ExternalID())
	want := []sandbox.OCMComment{{
		ID: 1_000_000_001, ChargePointID: site, UserID: 3999, UserName: "Sandbox Service", CommentTypeID: 10, CheckinStatusTypeID: new(10),
		Comment: "Läuft.\nGut & schnell", Rating: new(5), RelatedURL: marker, DateCreated: p.now(),
	}}
	if diff := cmp.Diff(want, p.sim.Comments()); diff != "" {
		t.Errorf("stored comments mismatch (-want +got):\n%s", diff)
	}
	id, ok, err := p.Find(t.Context(), p.report(), nil)
	if id != "1000000001" || !ok || err != nil {
		t.Errorf("Find() = %q, %v, %v", id, ok, err)
	}
	a, err := p.Detail(t.Context(), []providers.Key{p.site})
	if err != nil || a.Records[0].Comments[0].ExternalID != id {
		t.Errorf("the newest comment of the record is not %s: %v", id, err)
	}
}

func TestEveryOutcomeKindAndRatingGoesToOCMAndComesBack(t *testing.T) {
	t.Parallel()
	outcomes := map[providers.CheckInOutcome]int{
		providers.CheckInNotVisited: 0, providers.CheckInCharged: 10, providers.CheckInChargedAutomated: 15,
		providers.CheckInFailedNotOperational: 20, providers.CheckInFailedNotInstalled: 22, providers.CheckInFailedEquipment: 25,
		providers.CheckInFailedIncompatible: 30, providers.CheckInFailedAccessCard: 40, providers.CheckInFailedNoEquipment: 50,
		providers.CheckInInUseEV: 100, providers.CheckInInUseNonEV: 110, providers.CheckInNotAccessible: 120, providers.CheckInNotFound: 130,
		providers.CheckInConfirmedCorrect: 140, providers.CheckInDuplicate: 150, providers.CheckInDecommissioned: 160,
		providers.CheckInOtherNegative: 200, providers.CheckInOtherPositive: 210,
	}
	kinds := map[providers.CommentKind]int{
		providers.CommentGeneral: 10, providers.CommentNotice: 50, providers.CommentSuggestedChange: 100,
		providers.CommentSuggestedChangeActioned: 110, providers.CommentFaultReport: 1000,
	}
	p := newPost(t, sandbox.OCMOptions{}, nil)
	sent := make(map[string]providers.Consignment)
	for outcome, status := range outcomes {
		for kind, comment := range kinds {
			for rating := range 6 {
				c := p.report()
				c.Outcome, c.Kind, c.Rating = outcome, kind, nil
				if rating > 0 {
					c.Rating = &rating
				}
				c.Text = fmt.Sprintf("%s %s %d", outcome, kind, rating)
				w, se := p.submission(&c)
				if se != nil || w.CheckinStatusTypeID != status || w.CommentTypeID != comment || (w.Rating == nil) != (rating == 0) {
					t.Errorf("%s is sent as %+v (%v), want status %d and type %d", c.Text, w, se, status, comment)
				}
				if lost := p.Lost(c.Report); len(lost) > 0 {
					t.Errorf("%s loses %v", c.Text, lost)
				}
				if err := p.Send(t.Context(), c); err != nil {
					t.Fatalf("%s: %v", c.Text, err)
				}
				sent[c.Text] = c
			}
		}
	}
	a, err := p.Detail(t.Context(), []providers.Key{p.site})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range a.Records[0].Comments {
		c, ours := sent[got.Text]
		if !ours {
			continue
		}
		delete(sent, got.Text)
		if got.Outcome == nil || *got.Outcome != c.Outcome || got.Kind != c.Kind || !cmp.Equal(got.Rating, c.Rating) || got.RelatedURL != marker {
			t.Errorf("%s comes back as %+v", c.Text, got)
		}
	}
	if len(sent) > 0 {
		t.Errorf("%d of 540 did not come back", len(sent))
	}
}

func TestWhatOCMCannotCarryIsNamed(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	long := "https://a.example/" + strings.Repeat("x", 500)
	for _, c := range []struct {
		change func(*providers.Report)
		want   []string
	}{
		{func(*providers.Report) {}, nil},
		{func(r *providers.Report) { r.RelatedURL = long[:500] }, nil},
		{func(r *providers.Report) { r.RelatedURL = long[:501] }, []string{"relatedUrl"}},
		{func(r *providers.Report) { r.UserName = "Ada" }, []string{"userName"}},
		{func(r *providers.Report) { r.Rating = new(6) }, []string{"rating"}},
		{func(r *providers.Report) { r.Rating = new(0) }, []string{"rating"}},
		{func(r *providers.Report) { r.Outcome, r.Kind = "FLOATED", "RUMOUR" }, []string{"outcome", "kind"}},
	} {
		r := p.report()
		c.change(&r.Report)
		if got := p.Lost(r.Report); !slices.Equal(got, c.want) {
			t.Errorf("Lost(%+v) = %v, want %v", r.Report, got, c.want)
		}
	}
	r := p.report()
	r.RelatedURL, r.UserName, r.Rating = long, "Ada", new(6)
	if err := p.Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := p.sim.Comments()[0]; got.RelatedURL != marker || got.UserName != "Sandbox Service" || got.Rating != nil {
		t.Errorf("stored: %+v", got)
	}
	r.RelatedURL = long[:500]
	if err := p.Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := p.sim.Comments()[1].RelatedURL; got != long[:500] {
		t.Errorf("the caller's own related URL became %s", got)
	}
}

func TestEveryEndOfASubmissionIsToldApart(t *testing.T) {
	t.Parallel()
	const (
		okBody = `{"status":"OK","description":"OK"}`
		failed = `{"status":"error","description":"Failed"}`
	)
	for name, c := range map[string]struct {
		status           int
		body             string
		code             providers.SourceErrorCode // "": delivered
		ambiguous, final bool
		wait             time.Duration
	}{
		"stored":             {200, okBody, "", false, false, 0},
		"stored, in capital": {200, ` {"Status":"ok"} `, "", false, false, 0},
		"failed":             {400, failed, providers.CodeRejected, true, false, 0},
		"validation":         {200, "Error: Validation Failed", providers.CodeRejected, false, true, 0},
		"read only":          {400, `{"status":"error","description":"API is read only. Submissions not currently being accepted."}`, providers.CodeUpstreamError, false, false, 7 * time.Second},
		"no version":         {400, `{"status":"error","description":"mandatory API Version not specified in request"}`, providers.CodeRejected, false, false, 0},
		"nothing":            {200, "", providers.CodeBadResponse, true, false, 0},
		"blanks":             {200, " \r\n", providers.CodeBadResponse, true, false, 0},
		"a page":             {200, "<html>kittens</html>", providers.CodeBadResponse, true, false, 0},
		"another object":     {200, `{"status":"error","description":"kittens"}`, providers.CodeBadResponse, true, false, 0},
		"broken off":         {200, okBody[:20], providers.CodeBadResponse, true, false, 0},
		"goes on":            {200, okBody + okBody, providers.CodeBadResponse, true, false, 0},
		"endless":            {200, `{"status":"OK","description":"` + strings.Repeat("kittens", 20_000) + `"}`, providers.CodeBadResponse, true, false, 0},
		"key as text":        {200, "REJECTED_APIKEY_INVALID", providers.CodeUnauthorized, false, false, 0},
		"another 400":        {400, "kittens", providers.CodeRejected, true, false, 0},
		"accepted":           {202, "", providers.CodeBadResponse, true, false, 0},
		"no content":         {204, "", providers.CodeBadResponse, true, false, 0},
		"redirect":           {307, "", providers.CodeBadResponse, false, false, 0},
		"unknown key":        {403, "Invalid API key.", providers.CodeUnauthorized, false, false, 0},
		"banned":             {403, "Blocked for API abuse. Repeated duplicate calls may be automatically banned.", providers.CodeForbidden, false, false, 0},
		"no such path":       {404, "", providers.CodeNotFound, false, false, 0},
		"too large":          {413, "", providers.CodeRejected, false, false, 0},
		"request timeout":    {408, "", providers.CodeRejected, true, false, 0},
		"slow down":          {429, "", providers.CodeRateLimited, false, false, 7 * time.Second},
		"failure":            {500, "", providers.CodeUpstreamError, true, false, 7 * time.Second},
		"origin lost":        {502, "Upstream API unavailable", providers.CodeUpstreamError, true, false, 7 * time.Second},
		"unavailable":        {503, "", providers.CodeUpstreamError, true, false, 7 * time.Second},
		"cloudflare":         {524, "<html>A timeout occurred</html>", providers.CodeUpstreamError, true, false, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sends := 0
			p := newPost(t, sandbox.OCMOptions{}, nil)
			s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/comment") {
					p.sim.ServeHTTP(w, r)
					return
				}
				sends++
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "/v3/elsewhere")
				answering(c.status, c.body)(w, r)
			}), func(cfg *Config) { cfg.Clock, cfg.Username, cfg.Password = p.now, p.sim.Username(), p.sim.Password() })
			err := s.Send(t.Context(), p.report())
			if sends != 1 {
				t.Errorf("it was sent %d times", sends)
			}
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			de := delivery(t, err, c.code, c.ambiguous, c.final)
			if de.RetryAfter != c.wait {
				t.Errorf("retry after %v, want %v", de.RetryAfter, c.wait)
			}
			if strings.Contains(err.Error(), "kittens") {
				t.Errorf("the error holds what OCM said: %v", err)
			}
		})
	}
}

func TestAgainstTheSimulatorAnEndIsAmbiguousExactlyWhereItMayBeStored(t *testing.T) {
	t.Parallel()
	for fault, c := range map[sandbox.Fault]struct {
		code      providers.SourceErrorCode
		ambiguous bool
		stored    int
	}{
		sandbox.CommentTimeout:     {providers.CodeTimeout, true, 1},
		sandbox.CommentTimeoutLost: {providers.CodeTimeout, true, 0},
		sandbox.CommentError:       {providers.CodeUpstreamError, true, 1},
		sandbox.CommentErrorLost:   {providers.CodeUpstreamError, true, 0},
		sandbox.CommentEmpty:       {providers.CodeBadResponse, true, 1},
		sandbox.CommentEmptyLost:   {providers.CodeBadResponse, true, 0},
		sandbox.CommentFailed:      {providers.CodeRejected, true, 1},
		sandbox.CommentFailedLost:  {providers.CodeRejected, true, 0},
		sandbox.CommentReadOnly:    {providers.CodeUpstreamError, false, 0},
		sandbox.Disconnect:         {providers.CodeNetwork, true, 1},
		sandbox.Truncated:          {providers.CodeBadResponse, true, 1},
		sandbox.HTML:               {providers.CodeBadResponse, true, 0},
		sandbox.BadGateway:         {providers.CodeUpstreamError, true, 0},
		sandbox.TooMany:            {providers.CodeRateLimited, false, 0},
		sandbox.Forbidden:          {providers.CodeUnauthorized, false, 0},
		sandbox.Redirect:           {providers.CodeBadResponse, false, 0},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			p := newPost(t, sandbox.OCMOptions{}, func(cfg *Config) { cfg.SendTimeout = 3 * time.Second })
			if _, se := p.account.session(t.Context(), ""); se != nil { // so that the time is for the comment alone
				t.Fatal(se)
			}
			if fault == sandbox.CommentTimeout || fault == sandbox.CommentTimeoutLost {
				p.sendTimeout = 100 * time.Millisecond
			}
			p.sim.Faults().Set(fault, sandbox.OnPath("/comment"))
			c2 := p.report()
			err := p.Send(t.Context(), c2)
			undelivered(t, err, c.code, c.ambiguous, false)
			if n := len(p.sim.Comments()); n != c.stored || p.posts("/comment") != 1 {
				t.Errorf("%d are stored after %d posts, want %d after 1", n, p.posts("/comment"), c.stored)
			}
			for _, how := range []string{"by its marker", "by its content"} {
				if how == "by its content" {
					c2.Marker = ""
					if c.stored > 0 {
						c2.RelatedURL = marker // as it stands there
					}
				}
				if id, ok, err := p.Find(t.Context(), c2, []time.Time{p.now()}); ok != (c.stored == 1) || (id != "") != ok || err != nil {
					t.Errorf("%s: Find() = %q, %v, %v", how, id, ok, err)
				}
			}
		})
	}
}

// TestNothingIsLostAndNothingIsDoubled does what a delivery does: after an
// ambiguous end it looks before it sends again.
func TestNothingIsLostAndNothingIsDoubled(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	spec, err := sandbox.ParseFault("ocm=comment-ambiguous:0.3,1ms")
	if err != nil {
		t.Fatal(err)
	}
	p.sim.Faults().Replace(spec)
	const all = 150
	var group sync.WaitGroup
	for worker := range 3 {
		group.Go(func() {
			for n := worker; n < all; n += 3 {
				c := p.report()
				c.Marker = fmt.Sprintf("%s/%d", marker, n)
				for {
					err := p.Send(t.Context(), c)
					if err == nil {
						break
					}
					undelivered(t, err, providers.AsSourceError(err).Code, true, false)
					_, found, err := p.Find(t.Context(), c, nil)
					if err != nil {
						t.Error(err)
					}
					if found {
						break
					}
				}
			}
		})
	}
	group.Wait()
	times := make(map[string]int)
	for _, c := range p.sim.Comments() {
		times[c.RelatedURL]++
	}
	for m, n := range times {
		if n != 1 {
			t.Errorf("%s is stored %d times", m, n)
		}
	}
	if len(times) != all || p.posts("/comment") <= all {
		t.Errorf("%d of %d are stored after %d posts", len(times), all, p.posts("/comment"))
	}
}

func TestTheKeyGoesIntoTheQueryAndNeverOverridesTheAuthor(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{WriteKey: testKey}, nil)
	c := p.report()
	if err := p.Send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Token = p.token(t, "driver7")
	if err := p.Send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := p.sim.Comments(); got[0].UserID != 3999 || got[1].UserID != 4007 {
		t.Errorf("the authors are %d and %d", got[0].UserID, got[1].UserID)
	}
	for _, call := range p.sim.Calls() {
		if comment := strings.HasSuffix(call.Path, "/comment"); comment != call.Query.Has("key") || comment == (call.Header.Get("X-Api-Key") != "") {
			t.Errorf("%s %s: key in the query %v, header %q", call.Method, call.Path, call.Query.Has("key"), call.Header.Get("X-Api-Key"))
		}
		if call.UserAgent == "" || strings.Contains(call.UserAgent, "Go-http-client") {
			t.Errorf("user agent %q", call.UserAgent)
		}
	}
}

func TestACallersTokenIsUsedAloneAndNeverReplaced(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	if err := p.Send(t.Context(), p.report()); err != nil { // a session of the account is at hand
		t.Fatal(err)
	}
	good := p.token(t, "driver7")
	c := p.report()
	c.Token = good
	if err := p.Send(t.Context(), c); err != nil || p.sim.Comments()[1].UserID != 4007 {
		t.Errorf("%v, %+v", err, p.sim.Comments()[1:])
	}
	signIns, posts := p.posts("/authenticate"), p.posts("/comment")
	p.sim.EndSessions()
	undelivered(t, p.Send(t.Context(), c), providers.CodeUnauthorized, false, true)
	if p.posts("/comment") != posts+1 || p.posts("/authenticate") != signIns || len(p.sim.Comments()) != 2 {
		t.Errorf("a dead token: %d more posts, %d sign-ins, %d comments", p.posts("/comment")-posts, p.posts("/authenticate")-signIns, len(p.sim.Comments()))
	}
	posts = p.posts("/comment")
	for _, token := range []string{"kittens", "a.b.c", good + "x.y", good + "\r\nX-Evil: 1", strings.Repeat("A", 9000), good[:len(good)/2], "Bearer " + good} {
		c.Token = token
		undelivered(t, p.Send(t.Context(), c), providers.CodeUnauthorized, false, true)
	}
	c.Token = p.token(t, "driver7")
	p.pass(31 * 24 * time.Hour)
	undelivered(t, p.Send(t.Context(), c), providers.CodeUnauthorized, false, true)
	if n := p.posts("/comment") - posts; n != 0 {
		t.Errorf("%d tokens were sent that OCM would answer with nothing", n)
	}
}

func TestWithoutAnAccountOnlyCallersTokensWrite(t *testing.T) {
	t.Parallel()
	none := func(cfg *Config) { cfg.Username, cfg.Password = "", "" }
	p := newPost(t, sandbox.OCMOptions{}, none)
	if p.Source.Source().Capabilities.CheckIns {
		t.Error("a source without an account says that it takes check-ins")
	}
	undelivered(t, p.Send(t.Context(), p.report()), providers.CodeUnsupported, false, true)

	p = newPost(t, sandbox.OCMOptions{}, func(cfg *Config) {
		none(cfg)
		cfg.CheckIns = true
	})
	c := p.report()
	undelivered(t, p.Send(t.Context(), c), providers.CodeUnauthorized, false, true)
	_, _, err := p.Find(t.Context(), c, nil)
	mustFail(t, err, providers.CodeUnauthorized)
	c.Token = p.token(t, "driver7")
	if err := p.Send(t.Context(), c); err != nil || !p.Source.Source().Capabilities.CheckIns {
		t.Errorf("with a token: %v", err)
	}
	if _, ok, err := p.Find(t.Context(), c, nil); !ok || err != nil || p.posts("/authenticate") != 0 {
		t.Errorf("Find() = %v, %v after %d sign-ins", ok, err, p.posts("/authenticate"))
	}
}

func TestWhatCannotBeSentIsRefusedForGood(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	for name, c := range map[string]struct {
		change func(*providers.Consignment)
		code   providers.SourceErrorCode
	}{
		"another source":  {func(c *providers.Consignment) { c.Site = "ocm:other:12" }, providers.CodeUnsupported},
		"no number":       {func(c *providers.Consignment) { c.Site = "ocm:x" }, providers.CodeUnsupported},
		"no such number":  {func(c *providers.Consignment) { c.Site = "ocm:4294967296" }, providers.CodeUnsupported},
		"unknown outcome": {func(c *providers.Consignment) { c.Outcome = "FLOATED" }, providers.CodeRejected},
		"unknown kind":    {func(c *providers.Consignment) { c.Kind = "RUMOUR" }, providers.CodeRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := p.report()
			c.change(&r)
			undelivered(t, p.Send(t.Context(), r), c.code, false, true)
			_, _, err := p.Find(t.Context(), r, nil)
			mustFail(t, err, c.code)
		})
	}
	t.Cleanup(func() {
		if n := len(p.sim.Calls()); n != 0 {
			t.Errorf("OCM was asked %d times", n)
		}
	})
}

// through makes one round trip, or several, or none.
type through func(*http.Request, http.RoundTripper) (*http.Response, error)

type bent struct {
	next http.RoundTripper
	how  through
}

func (b bent) RoundTrip(r *http.Request) (*http.Response, error) { return b.how(r, b.next) }

func bend(how through) func(*Config) {
	return func(cfg *Config) {
		client := *cfg.Client
		client.Transport = bent{client.Transport, how}
		cfg.Client = &client
	}
}

func TestNothingIsSentTwiceWhateverTheTransportDoes(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, bend(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		res, err := next.RoundTrip(r)
		if !strings.HasSuffix(r.URL.Path, "/comment") {
			return res, err
		}
		for range 2 { // a policy that repeats everything
			if res != nil {
				_ = res.Body.Close()
			}
			if r.GetBody != nil {
				r.Body, _ = r.GetBody()
			}
			res, err = next.RoundTrip(r)
		}
		return res, err
	}))
	p.sim.Faults().Set(sandbox.CommentError)
	err := p.Send(t.Context(), p.report())
	if n := len(p.sim.Comments()); n != 1 {
		t.Errorf("%d are stored", n)
	}
	undelivered(t, err, providers.AsSourceError(err).Code, true, false)
}

func TestWhatWasRefusedBeforeItWasSentIsNotAmbiguous(t *testing.T) {
	t.Parallel()
	for _, refusal := range []*providers.SourceError{
		{Code: providers.CodeBudgetExhausted, Message: "spent", RetryAfter: time.Minute},
		{Code: providers.CodeCircuitOpen, Message: "resting", RetryAfter: time.Second},
	} {
		for _, path := range []string{"/comment", "/authenticate"} {
			open := false
			p := newPost(t, sandbox.OCMOptions{}, bend(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, path) && !open {
					_ = r.Body.Close()
					return nil, refusal
				}
				return next.RoundTrip(r)
			}))
			de := delivery(t, p.Send(t.Context(), p.report()), refusal.Code, false, false)
			if de.RetryAfter != refusal.RetryAfter {
				t.Errorf("%s: retry after %v", path, de.RetryAfter)
			}
			open = true
			if err := p.Send(t.Context(), p.report()); err != nil {
				t.Errorf("%s: right after the refusal: %v", path, err)
			}
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	c := p.report()
	c.Token = p.token(t, "driver7")
	s := newSource(t, p.sim, func(cfg *Config) { cfg.URL, cfg.CheckIns, cfg.Clock = closed.URL, true, p.now })
	undelivered(t, s.Send(t.Context(), c), providers.CodeNetwork, false, false)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	undelivered(t, p.Send(gone, c), providers.CodeTimeout, false, false)
	c.Token = ""
	undelivered(t, p.Send(gone, c), providers.CodeTimeout, false, false)
}

// purse is a budget of so many calls.
type purse struct {
	mu    sync.Mutex
	left  int
	until time.Time
}

func (b *purse) Take(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return &providers.SourceError{Code: providers.CodeBudgetExhausted, Message: "spent", RetryAfter: time.Minute}
	}
	b.left--
	return nil
}

func (b *purse) Pause(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = t
}

func (b *purse) State() providers.UpstreamBudget {
	b.mu.Lock()
	defer b.mu.Unlock()
	return providers.UpstreamBudget{Limit: 3, Used: 3 - b.left, WindowSeconds: 60}
}

func TestACheckInIsPaidForLikeAnyOtherCall(t *testing.T) {
	t.Parallel()
	b := &purse{left: 3} // one finds the site
	p := newPost(t, sandbox.OCMOptions{}, func(cfg *Config) { cfg.Budget = b })
	b.left = 2
	if err := p.Send(t.Context(), p.report()); err != nil { // one to sign in, one for the check-in
		t.Fatal(err)
	}
	de := delivery(t, p.Send(t.Context(), p.report()), providers.CodeBudgetExhausted, false, false)
	if de.RetryAfter != time.Minute || p.posts("/comment") != 1 {
		t.Errorf("retry after %v, %d posts", de.RetryAfter, p.posts("/comment"))
	}
	_, _, err := p.Find(t.Context(), p.report(), nil)
	mustFail(t, err, providers.CodeBudgetExhausted)
	b.left = 3
	p.sim.Faults().Set(sandbox.TooMany, sandbox.OnPath("/comment"))
	undelivered(t, p.Send(t.Context(), p.report()), providers.CodeRateLimited, false, false)
	if !b.until.Equal(p.now().Add(30 * time.Second)) {
		t.Errorf("everybody who shares the budget pauses until %v", b.until)
	}
	undelivered(t, p.Send(t.Context(), p.report()), providers.CodeRateLimited, false, false)
	if p.posts("/comment") != 2 {
		t.Error("OCM was not left alone")
	}
}

func TestACheckInHasATimeOfItsOwn(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, func(cfg *Config) {
		client := *cfg.Client
		client.Timeout = time.Second // for questions
		cfg.Client = &client
	})
	if p.sendTimeout != 40*time.Second {
		t.Errorf("the usual time is %v", p.sendTimeout)
	}
	if _, se := p.account.session(t.Context(), ""); se != nil {
		t.Fatal(se)
	}
	p.sim.Faults().Set(sandbox.Latency, sandbox.For(1200*time.Millisecond), sandbox.OnPath("/comment"))
	if err := p.Send(t.Context(), p.report()); err != nil {
		t.Error(err)
	}
	p.sim.Faults().Set(sandbox.CommentTimeout)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	undelivered(t, p.Send(ctx, p.report()), providers.CodeTimeout, true, false)
}

func TestAForgedMarkerIsNoDelivery(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	c := p.report()
	forged := c
	forged.Token = p.token(t, "driver666")
	if err := p.Send(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	if id, ok, err := p.Find(t.Context(), c, []time.Time{p.now()}); ok || err != nil {
		t.Errorf("somebody else's comment %s counts as delivered (%v)", id, err)
	}
	if err := p.Send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if id, ok, err := p.Find(t.Context(), c, nil); id != "1000000002" || !ok || err != nil {
		t.Errorf("Find() = %q, %v, %v", id, ok, err)
	}
	if id, ok, err := p.Find(t.Context(), forged, nil); id != "1000000001" || !ok || err != nil {
		t.Errorf("Find() of the other = %q, %v, %v", id, ok, err)
	}
}

func TestACheckInWithALinkOfItsOwnIsFoundByItsContent(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	c := p.report()
	c.RelatedURL = "https://driver.example/log"
	if err := p.Send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	sentAt := p.now()
	p.pass(time.Hour)
	for name, x := range map[string]struct {
		change func(*providers.Consignment)
		sentAt []time.Time
		found  bool
	}{
		"as it was":             {nil, []time.Time{sentAt.Add(-time.Hour), sentAt.Add(3 * time.Minute)}, true},
		"before":                {nil, []time.Time{sentAt.Add(4 * time.Minute)}, true},
		"too late":              {nil, []time.Time{sentAt.Add(-6 * time.Minute)}, false},
		"too early":             {nil, []time.Time{sentAt.Add(6 * time.Minute)}, false},
		"never sent":            {nil, nil, false},
		"another text":          {func(c *providers.Consignment) { c.Text = "Läuft." }, []time.Time{sentAt}, false},
		"another outcome":       {func(c *providers.Consignment) { c.Outcome = providers.CheckInNotVisited }, []time.Time{sentAt}, false},
		"another kind":          {func(c *providers.Consignment) { c.Kind = providers.CommentNotice }, []time.Time{sentAt}, false},
		"another rating":        {func(c *providers.Consignment) { c.Rating = nil }, []time.Time{sentAt}, false},
		"another link":          {func(c *providers.Consignment) { c.RelatedURL = "https://driver.example/other" }, []time.Time{sentAt}, false},
		"another author":        {func(c *providers.Consignment) { c.Token = p.token(t, "driver7") }, []time.Time{sentAt}, false},
		"only another marker":   {func(c *providers.Consignment) { c.Marker += "x" }, []time.Time{sentAt}, true},
		"lines end differently": {func(c *providers.Consignment) { c.Text = "Läuft. \r\nGut & schnell " }, []time.Time{sentAt}, true},
	} {
		q := c
		if x.change != nil {
			x.change(&q)
		}
		if id, ok, err := p.Find(t.Context(), q, x.sentAt); ok != x.found || err != nil || ok && id != "1000000001" {
			t.Errorf("%s: Find() = %q, %v, %v", name, id, ok, err)
		}
	}
}

func TestFindLooksForEveryAuthorAndPassesOverOthers(t *testing.T) {
	t.Parallel()
	p := newPost(t, sandbox.OCMOptions{}, nil)
	c := p.report()
	c.Marker = ""
	ann, bob := p.token(t, "driver7"), p.token(t, "driver8")
	c.Token = ann
	first, err := p.Author(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if own, failed := p.Author(t.Context(), providers.Consignment{}); failed != nil || own == first || own == "" {
		t.Errorf("the author of the account is %q, %v; Ann is %q", own, failed, first)
	}
	for range 2 { // Ann says the same twice
		if err = p.Send(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	sentAt := []time.Time{p.now()}
	c.Token = bob
	if id, ok, failed := p.Find(t.Context(), c, sentAt); ok || failed != nil {
		t.Errorf("Bob's is found as %q, %v", id, failed)
	}
	c.Authors = []string{first, "nobody", first}
	for want := range 3 {
		id, ok, failed := p.Find(t.Context(), c, sentAt)
		if failed != nil || ok != (want < 2) || slices.Contains(c.Others, id) {
			t.Fatalf("Find() = %q, %v, %v with %v for others", id, ok, failed, c.Others)
		}
		c.Others = append(c.Others, id)
	}
	c.Others, c.Token = nil, "no token"
	if _, ok, failed := p.Find(t.Context(), c, sentAt); !ok || failed != nil { // it is known whose to look for
		t.Errorf("without a session: %v, %v", ok, failed)
	}
	c.Authors = nil
	if _, _, err = p.Find(t.Context(), c, sentAt); err == nil {
		t.Error("without a session and an author somebody is looked for")
	}
}

func TestFindSaysThatNobodyKnowsRatherThanThatThereIsNone(t *testing.T) {
	t.Parallel()
	for fault, want := range map[sandbox.Fault]providers.SourceErrorCode{
		sandbox.ServerError: providers.CodeUpstreamError, sandbox.Empty200: providers.CodeBadResponse, sandbox.NotArray: providers.CodeBadResponse,
		sandbox.Truncated: providers.CodeBadResponse, sandbox.TooMany: providers.CodeRateLimited, sandbox.WrongTypes: providers.CodeSuspectAnswer,
	} {
		p := newPost(t, sandbox.OCMOptions{}, nil)
		p.sim.Faults().Set(fault, sandbox.OnPath("/poi"))
		id, ok, err := p.Find(t.Context(), p.report(), nil)
		if ok || id != "" {
			t.Errorf("%s: found %s", fault, id)
		}
		mustFail(t, err, want)
	}
	p := newPost(t, sandbox.OCMOptions{}, nil)
	c := p.report()
	c.Site = "ocm:3"
	_, _, err := p.Find(t.Context(), c, nil)
	mustFail(t, err, providers.CodeNotFound)

	p.sim.Faults().Set(sandbox.Unauthorized, sandbox.OnPath("/authenticate"))
	again := newPost(t, sandbox.OCMOptions{}, nil) // nobody knows yet who the account is
	again.sim.Faults().Set(sandbox.Unauthorized, sandbox.OnPath("/authenticate"))
	_, _, err = again.Find(t.Context(), again.report(), nil)
	mustFail(t, err, providers.CodeUnauthorized)
	c = p.report()
	c.Token = "kittens"
	_, _, err = p.Find(t.Context(), c, nil)
	mustFail(t, err, providers.CodeUnauthorized)
}

func TestAuthorsAreToldApartByNumber(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	const rest = `"CommentTypeID":10,"CheckinStatusTypeID":10,"DateCreated":"2026-11-20T12:01:00"`
	for name, c := range map[string]struct {
		list   string
		marked bool
		found  string
		doubt  bool
	}{
		"ours":                          {`[{"ID":7,"RelatedURL":" M ","User":{"ID":5,"Username":"x"},` + rest + `}]`, true, "7", false},
		"no number of its own":          {`[{"RelatedURL":"M","User":{"ID":5},` + rest + `}]`, true, "n1", false},
		"the second without a number":   {`[{"ID":3},{"RelatedURL":"M","User":{"ID":"5"},` + rest + `}]`, true, "n2", false},
		"the same comment twice":        {`[{"ID":7,"RelatedURL":"M","User":{"ID":5}},{"ID":7,"RelatedURL":"M","User":{"ID":5}}]`, true, "7", false},
		"another's":                     {`[{"ID":7,"RelatedURL":"M","User":{"ID":6,"Username":"Ada"},` + rest + `}]`, true, "", false},
		"the name alone":                {`[{"ID":7,"RelatedURL":"M","User":{"Username":"ada"},` + rest + `}]`, true, "", true},
		"another name alone":            {`[{"ID":7,"RelatedURL":"M","User":{"Username":"Eve"},` + rest + `}]`, true, "", false},
		"no user":                       {`[{"ID":7,"RelatedURL":"M","UserName":"Ada",` + rest + `}]`, true, "", true},
		"no user, and ours beside":      {`[{"ID":7,"RelatedURL":"M"},{"ID":8,"RelatedURL":"M","User":{"ID":5}}]`, true, "8", false},
		"another marker":                {`[{"ID":7,"RelatedURL":"m","User":{"ID":5},` + rest + `}]`, true, "", false},
		"by content":                    {`[{"ID":7,"Comment":null,"Rating":0,"User":{"ID":5},` + rest + `}]`, false, "7", false},
		"by content, nearest":           {`[{"ID":7,"User":{"ID":5},` + rest + `},{"ID":8,"User":{"ID":5},"CommentTypeID":10,"CheckinStatusTypeID":10,"DateCreated":"2026-11-20T12:00:10Z"},{"ID":9,"User":{"ID":5},` + rest + `}]`, false, "8", false},
		"by content, no user":           {`[{"ID":7,` + rest + `}]`, false, "", true},
		"by content, no date":           {`[{"ID":7,"User":{"ID":5},"CommentTypeID":10,"CheckinStatusTypeID":10}]`, false, "", false},
		"by content, no status":         {`[{"ID":7,"User":{"ID":5},"CommentTypeID":10,"DateCreated":"2026-11-20T12:01:00Z"}]`, false, "", false},
		"by content, with another link": {`[{"ID":7,"RelatedURL":"M","User":{"ID":5},` + rest + `}]`, false, "", false},
		"nothing":                       {`[]`, true, "", false},
	} {
		var list wire.List[wireComment]
		if err := json.Unmarshal([]byte(c.list), &list, wire.Lenient()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		q := sought{wireSubmission: wireSubmission{CommentTypeID: 10, CheckinStatusTypeID: 10}, by: authors{{5, "Ada"}}, marked: c.marked, sentAt: []time.Time{at}}
		if c.marked {
			q.RelatedURL = "M"
		}
		found, ok, se := q.in(list)
		if found != c.found || ok != (c.found != "") || (se != nil) != c.doubt || se != nil && se.Code != providers.CodeSuspectAnswer {
			t.Errorf("%s: %q, %v, %v", name, found, ok, se)
		}
	}
}

func TestRealCommentsAreFoundByAuthorAndContent(t *testing.T) {
	t.Parallel()
	looked := 0
	for _, listing := range naiveListings(t, sharedFile(t, "ocm", "pois-compact.jsonl.gz")) {
		for _, c := range listing.list("UserComments") {
			user, _ := c["User"].(map[string]any)
			if user == nil || c["CheckinStatusTypeID"] == nil {
				continue
			}
			looked++
			w := wireSubmission{CommentTypeID: int(c.num("CommentTypeID")), CheckinStatusTypeID: int(c.num("CheckinStatusTypeID"))}
			w.Comment, _ = c["Comment"].(string)
			w.RelatedURL, _ = c["RelatedURL"].(string)
			if rating := int(c.num("Rating")); rating != 0 {
				w.Rating = &rating
			}
			text, _ := json.Marshal([]naive{c})
			var list wire.List[wireComment]
			if err := json.Unmarshal(text, &list, wire.Lenient()); err != nil {
				t.Fatal(err)
			}
			written, _ := c["DateCreated"].(string)
			id := strconv.Itoa(int(c.num("ID")))
			q := sought{wireSubmission: w, by: authors{{id: int(naive(user).num("ID"))}}, sentAt: []time.Time{wire.ParseTime(written).Add(time.Minute)}}
			if got, ok, se := q.in(list); got != id || !ok || se != nil {
				t.Errorf("comment %s: %q, %v, %v", id, got, ok, se)
			}
			q.by[0].id++
			if got, ok, se := q.in(list); ok || se != nil {
				t.Errorf("comment %s is found as %q of somebody else (%v)", id, got, se)
			}
		}
	}
	if looked < 500 {
		t.Errorf("only %d comments were looked at", looked)
	}
}

func TestNoSecretGetsIntoAnErrorOrALog(t *testing.T) {
	t.Parallel()
	const password = "s3cr3t-of-the-account"
	var said []error
	p := newPost(t, sandbox.OCMOptions{Password: password}, func(cfg *Config) { cfg.SendTimeout = 50 * time.Millisecond })
	secrets := []string{testKey, password, p.sim.Username(), "127.0.0.1", "eyJ", "Bearer", "nonce", "service@"}
	try := func(c providers.Consignment) {
		said = append(said, p.Send(t.Context(), c))
		_, _, err := p.Find(t.Context(), c, []time.Time{p.now()})
		said = append(said, err)
	}
	own := p.report()
	callers := own
	callers.Token = p.token(t, "driver7")
	secrets = append(secrets, strings.Split(callers.Token, ".")[1:]...)
	for fault := sandbox.Latency; fault <= sandbox.CommentHidden; fault++ {
		if fault == sandbox.Huge { // 200 MB, and nothing new
			continue
		}
		p.account = newAccount(&Config{Username: p.sim.Username(), Password: password, Clock: p.now}, p.poster, p.log)
		p.sim.Faults().Set(fault, sandbox.For(time.Millisecond))
		if fault == sandbox.Hang || fault == sandbox.CommentTimeout {
			p.sim.Faults().Set(fault, sandbox.OnPath("/comment"))
		}
		try(own)
		try(callers)
	}
	p.sim.Faults().Clear()
	for _, token := range []string{"kittens", callers.Token + "x", strings.Repeat(callers.Token, 99)} {
		callers.Token = token
		try(callers)
	}
	p.account = newAccount(&Config{Username: p.sim.Username(), Password: password + "x", Clock: p.now}, p.poster, p.log)
	try(own)
	for _, cfg := range []Config{{Password: password}, {Username: p.sim.Username()}, {Username: "x", Password: strings.Repeat(password, 99)}} {
		cfg.ID, cfg.Key = "ocm", testKey
		_, err := New(cfg)
		if err == nil {
			t.Errorf("New() took %+v", cfg)
		}
		said = append(said, err)
	}
	failures := 0
	for _, err := range said {
		if err == nil {
			continue
		}
		failures++
		logTo(p.logs).ErrorContext(t.Context(), "an error as it would be logged", slog.Any("error", err), slog.String("text", fmt.Sprintf("%+v %#v", err, err)))
	}
	if failures < 60 || !strings.Contains(p.logs.String(), "signed in") {
		t.Errorf("only %d failures were looked at, or nothing was logged", failures)
	}
	for line := range strings.SplitSeq(p.logs.String(), "\n") {
		for _, secret := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("%q stands in %s", secret, line)
			}
		}
	}
}

func FuzzAnswersToComments(f *testing.F) {
	for _, s := range []string{`{"status":"OK","description":"OK"}`, `{"status":"error","description":"Failed"}`, "Error: Validation Failed", "", "null", `{"status":{}}`} {
		for _, status := range []int{200, 400, 401, 500} {
			f.Add(status, s, true)
		}
	}
	p := &poster{clock: time.Now}
	f.Fuzz(func(t *testing.T, status int, body string, callers bool) {
		e := p.judge(reply{status: status, header: http.Header{}, body: []byte(body)}, callers)
		if e == nil {
			var w map[string]any
			if status != http.StatusOK || json.Unmarshal([]byte(body), &w, wire.Lenient()) != nil {
				t.Errorf("%d %q counts as stored", status, body)
			}
			return
		}
		if e.SourceError == nil || e.Message == "" || e.Ambiguous && e.Final {
			t.Errorf("%d %q is %+v", status, body, e)
		}
		if status >= 500 && !e.Ambiguous {
			t.Errorf("%d %q is not ambiguous", status, body)
		}
	})
}

func FuzzCommentsOfASite(f *testing.F) {
	f.Add(`[{"ID":1,"UserComments":[{"ID":7,"RelatedURL":"M","User":{"ID":5}}]}]`)
	f.Add(`[{"ID":1,"UserComments":{"User":[]}}]`)
	f.Add(`[{"ID":2}]`)
	f.Fuzz(func(t *testing.T, body string) {
		s := newSource(t, answering(http.StatusOK, body), nil)
		list, err := s.comments(t.Context(), 1)
		if err != nil {
			if se := (*providers.SourceError)(nil); !errors.As(err, &se) {
				t.Errorf("%q: %v is no *SourceError", body, err)
			}
			return
		}
		q := sought{wireSubmission: wireSubmission{RelatedURL: "M"}, by: authors{{id: 5}}, marked: true}
		if id, ok, _ := q.in(list); ok && (id == "" || !strings.Contains(body, "M") || !strings.Contains(body, "5")) {
			t.Errorf("%q: found %q", body, id)
		}
	})
}

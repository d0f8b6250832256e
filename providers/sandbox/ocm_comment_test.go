package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	stored  = `{"status":"OK","description":"OK"}`
	failed  = `{"status":"error","description":"Failed"}`
	locked  = `{"status":"error","description":"API is read only. Submissions not currently being accepted."}`
	invalid = "Error: Validation Failed"
)

// desk is a simulator with a clock of the test's.
type desk struct {
	sim  *OCM
	site int // a record that everybody sees

	mu sync.Mutex
	at time.Time
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) pass(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(t)
}

func newDesk(tb testing.TB, change func(*OCMOptions)) *desk {
	tb.Helper()
	d := &desk{at: time.Date(2026, 11, 20, 12, 0, 0, 123e6, time.UTC)}
	opts := OCMOptions{Now: d.now}
	if change != nil {
		change(&opts)
	}
	d.sim = newOCM(defaultView(), opts)
	tb.Cleanup(func() { _ = d.sim.Close() })
	for _, p := range defaultView().pois {
		if (&ocmQuery{}).visible(p) && len(p.UserComments) > 0 {
			d.site = p.ID
			break
		}
	}
	return d
}

// ask sends one request; a body makes it a POST.
func (d *desk) ask(tb testing.TB, path, body string, header ...string) *httptest.ResponseRecorder {
	tb.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(tb.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.sim.ServeHTTP(w, r)
	return w
}

// submit posts a comment as the ready account.
func (d *desk) submit(tb testing.TB, body string) *httptest.ResponseRecorder {
	tb.Helper()
	return d.ask(tb, "/v3/comment?key="+someKey, body, "Authorization", "Bearer "+d.token(tb, "service"))
}

func (d *desk) token(tb testing.TB, name string) string {
	tb.Helper()
	token, ok := d.sim.SignIn(name + "@ocm.example")
	if !ok {
		tb.Fatalf("%s cannot sign in", name)
	}
	return token
}

// shown returns the comments of the record as clients see them.
func (d *desk) shown(tb testing.TB) []ocmComment {
	tb.Helper()
	w := d.ask(tb, fmt.Sprintf("/v3/poi?chargepointid=%d&compact=true&verbose=false&includecomments=true&key=%s", d.site, someKey), "")
	var pois []ocmPOI
	if err := json.Unmarshal(w.Body.Bytes(), &pois); err != nil || len(pois) != 1 {
		tb.Fatalf("%d records, %v", len(pois), err)
	}
	return pois[0].UserComments
}

func (d *desk) comment(outcome string) string {
	return fmt.Sprintf(`{"ChargePointID":%d,"Comment":"%s"}`, d.site, outcome)
}

func TestSigningInTakesTheRightPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	in := func(mail, password string) string {
		text, _ := json.Marshal(map[string]string{"emailaddress": mail, "password": password})
		return string(text)
	}
	const v3, v4 = "/v3/profile/authenticate?key=" + someKey, "/v4/profile/authenticate?key=" + someKey
	good := d.sim.Password()
	for _, c := range []struct {
		name, path, body string
		status           int
		holds            string // "" for an empty body
	}{
		{"the ready account", v3, in(d.sim.Username(), good), 200, `"Data":{"UserProfile":{"ID":3999,`},
		{"in any case", v3, in("SERVICE@OCM.example", good), 200, `"access_token":"`},
		{"names in any case", v3, `{"EmailAddress":"driver7@ocm.example","PASSWORD":"` + good + `"}`, 200, `"ID":4007`},
		{"v4", v4, in(d.sim.Username(), good), 200, `{"data":{"userProfile":{"id":3999,`},
		{"wrong password", v3, in(d.sim.Username(), "kittens"), 401, ""},
		{"wrong user", v3, in("driver07@ocm.example", good), 401, ""},
		{"nobody", v3, in("", ""), 401, ""},
		{"nothing", v3, "kittens", 401, ""},
		{"wrong password, v4", v4, in(d.sim.Username(), "kittens"), 401, `"status":401`},
		{"short password, v4", v4, in(d.sim.Username(), "kitt"), 400, `"status":400`},
		{"no password, v4", v4, `{"emailaddress":"service@ocm.example"}`, 400, `"status":400`},
		{"no password of its own", v3, in("social@ocm.example", good), 200, ""},
	} {
		w := d.ask(t, c.path, c.body)
		if w.Code != c.status || c.holds == "" && w.Body.Len() > 0 || !strings.Contains(w.Body.String(), c.holds) {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	if w := d.ask(t, "/v3/profile/authenticate", in(d.sim.Username(), good)); w.Code != http.StatusForbidden {
		t.Errorf("without a key: %d", w.Code)
	}
}

func TestASessionIsAJWTWithTheClaimsOfTheRealService(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	w := d.ask(t, "/v3/profile/authenticate?key="+someKey, `{"emailaddress":"driver7@ocm.example","password":"`+d.sim.Password()+`"}`)
	var in struct {
		Data struct {
			UserProfile ocmUser
			AccessToken string `json:"access_token"`
		}
		Metadata struct{ StatusCode int }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &in); err != nil || in.Metadata.StatusCode != 200 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	parts := strings.Split(in.Data.AccessToken, ".")
	var claims map[string]any
	for i, want := range []string{`{"alg":"HS256","typ":"JWT"}`, ""} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || want != "" && string(text) != want {
			t.Fatalf("part %d: %s, %v", i, text, err)
		}
		if err := json.Unmarshal(text, &claims); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]any{
		"alg": "HS256", "typ": "JWT", "UserID": "4007", "nonce": *in.Data.UserProfile.CurrentSessionToken,
		"exp": float64(d.at.AddDate(0, 0, 30).Unix()), "iss": "Open Charge Map", "aud": "api.openchargemap.io",
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims mismatch (-want +got):\n%s", diff)
	}
	if name := defaultWorld().People()[6].Name; *in.Data.UserProfile.Username != name {
		t.Errorf("driver 7 is called %s, not %s", *in.Data.UserProfile.Username, name)
	}
}

func TestWhoWritesIsDecidedAsThere(t *testing.T) {
	t.Parallel()
	const mighty = "99999999-89ab-cdef-0123-456789abcdef"
	for _, c := range []struct {
		name   string
		path   string
		header func(d *desk) []string
		status int
		body   string
		user   int
	}{
		{"nobody", "?key=" + someKey, func(*desk) []string { return nil }, 401, "", 0},
		{"another scheme", "?key=" + someKey, func(*desk) []string { return []string{"Authorization", "Basic x"} }, 401, "", 0},
		{"a bearer", "?key=" + someKey, func(d *desk) []string { return []string{"Authorization", "Bearer " + d.token(t, "driver7")} }, 200, stored, 4007},
		{"a bearer and a plain key in the header", "", func(d *desk) []string {
			return []string{"Authorization", "Bearer " + d.token(t, "driver7"), "X-API-Key", someKey}
		}, 200, stored, 4007},
		{"a key with the right to write wins in the header", "", func(d *desk) []string {
			return []string{"Authorization", "Bearer " + d.token(t, "driver7"), "X-API-Key", mighty}
		}, 200, stored, 3998},
		{"and as apikey", "?key=" + someKey + "&apikey=" + mighty, func(d *desk) []string {
			return []string{"Authorization", "Bearer " + d.token(t, "driver7")}
		}, 200, stored, 3998},
		{"but not as key", "?key=" + mighty, func(d *desk) []string { return []string{"Authorization", "Bearer " + d.token(t, "driver7")} }, 200, stored, 4007},
		{"alone it is enough", "", func(*desk) []string { return []string{"X-API-Key", mighty} }, 200, stored, 3998},
		{"malformed", "?key=" + someKey, func(*desk) []string { return []string{"Authorization", "Bearer kittens"} }, 200, "", 0},
		{"three parts of nothing", "?key=" + someKey, func(*desk) []string { return []string{"Authorization", "Bearer a.b.c"} }, 200, "", 0},
		{"foreign", "?key=" + someKey, func(d *desk) []string {
			other := newDesk(t, func(o *OCMOptions) { o.Now = d.now })
			other.sim.EndSessions()
			return []string{"Authorization", "Bearer " + other.token(t, "driver7")}
		}, 401, "", 0},
		{"expired", "?key=" + someKey, func(d *desk) []string {
			token := d.token(t, "driver7")
			d.pass(30 * 24 * time.Hour)
			return []string{"Authorization", "Bearer " + token}
		}, 401, "", 0},
		{"signed out", "?key=" + someKey, func(d *desk) []string {
			token := d.token(t, "driver7")
			d.sim.EndSessions()
			return []string{"Authorization", "Bearer " + token}
		}, 401, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, func(o *OCMOptions) { o.WriteKey = mighty })
			w := d.ask(t, "/v3/comment"+c.path, d.comment("hello"), c.header(d)...)
			if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Content-Type") != "" {
				t.Errorf("%d %q %q, want %d %q", w.Code, w.Header().Get("Content-Type"), w.Body, c.status, c.body)
			}
			list := d.sim.Comments()
			if c.user == 0 && len(list) == 0 {
				return
			}
			if len(list) != 1 || list[0].UserID != c.user {
				t.Errorf("stored: %+v, want one of user %d", list, c.user)
			}
		})
	}
}

func TestWhatIsStoredAndWhatIsNotIsAnsweredAsThere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 501-len("https://a.example/"))
	for name, c := range map[string]struct {
		body   string
		status int
		said   string
	}{
		"only the site":        {`{"ChargePointID":SITE}`, 200, stored},
		"everything":           {`{"ChargePointID":SITE,"CommentTypeID":1000,"CheckinStatusTypeID":0,"UserName":"x","Comment":"dead","Rating":1,"RelatedURL":"https://a.example/"}`, 200, stored},
		"names in any case":    {`{"chargepointid":SITE,"rating":5}`, 200, stored},
		"rating without sense": {`{"ChargePointID":SITE,"Rating":255}`, 200, stored},
		"nulls":                {`{"ChargePointID":SITE,"CommentTypeID":null,"Comment":null,"Rating":null}`, 200, stored},
		"the longest URL":      {`{"ChargePointID":SITE,"RelatedURL":"https://a.example/` + long[1:] + `"}`, 200, stored},
		"no site":              {`{"Comment":"x"}`, 400, failed},
		"unknown site":         {`{"ChargePointID":3}`, 400, failed},
		"unknown type":         {`{"ChargePointID":SITE,"CommentTypeID":11}`, 400, failed},
		"unknown status":       {`{"ChargePointID":SITE,"CheckinStatusTypeID":11}`, 400, failed},
		"URL too long":         {`{"ChargePointID":SITE,"RelatedURL":"https://a.example/` + long + `"}`, 400, failed},
		"no JSON":              {`kittens`, 200, invalid},
		"a list":               {`[]`, 200, invalid},
		"rating too large":     {`{"ChargePointID":SITE,"Rating":256}`, 200, invalid},
		"rating below zero":    {`{"ChargePointID":SITE,"Rating":-1}`, 200, invalid},
		"rating as text":       {`{"ChargePointID":SITE,"Rating":"5"}`, 200, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, nil)
			w := d.submit(t, strings.ReplaceAll(c.body, "SITE", strconv.Itoa(d.site)))
			if w.Code != c.status || w.Body.String() != c.said || w.Header().Get("Content-Type") != "" {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, c.status, c.said)
			}
			if n := len(d.sim.Comments()); (n == 1) != (c.said == stored) {
				t.Errorf("%d comments are stored", n)
			}
		})
	}
}

func TestAStoredCommentIsShownWithItsAuthorAndTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	before := d.shown(t)
	body := fmt.Sprintf(`{"ChargePointID":%d,"UserCommentTypeID":50,"CheckinStatusTypeID":10,"UserName":"somebody else","Comment":"line one\nüñ","Rating":4,"RelatedURL":"https://a.example/?m=1","DateCreated":"2001-01-01T00:00:00Z"}`, d.site)
	if w := d.submit(t, body); w.Body.String() != stored {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	after := d.shown(t)
	if len(after) != len(before)+1 {
		t.Fatalf("%d comments, then %d", len(before), len(after))
	}
	user, _ := d.sim.accounts.user(ocmServiceUser)
	want := ocmComment{
		ID: 1_000_000_001, ChargePointID: d.site, CommentTypeID: new(50), CheckinStatusTypeID: new(10), UserName: new("Sandbox Service"),
		Comment: new("line one\nüñ"), Rating: new(4), RelatedURL: new("https://a.example/?m=1"), DateCreated: ocmTime(d.at), User: user,
	}
	want.User.ReputationPoints = new(0) // one comes with the comment, and is shown with the next
	if diff := cmp.Diff(want, after[0], cmp.AllowUnexported(ocmDate{})); diff != "" {
		t.Errorf("the newest comment mismatch (-want +got):\n%s", diff)
	}
	if _ = d.submit(t, body); len(d.shown(t)) != len(before)+2 || *d.shown(t)[0].User.ReputationPoints != 1 {
		t.Error("sent twice, it is not there twice, or brought no reputation")
	}
	verbose := d.ask(t, fmt.Sprintf("/v3/poi?chargepointid=%d&key=%s", d.site, someKey), "").Body.String()
	if !strings.Contains(verbose, `"Title": "Important Notice (For Other Users)"`) || !strings.Contains(verbose, `"DateLastStatusUpdate": "2026-11-20T12:00:00Z"`) {
		t.Error("the comment has no title of its type, or its record was not touched")
	}
	changed := d.ask(t, "/v3/poi?modifiedsince=2026-11-20&verbose=false&compact=true&key="+someKey, "").Body.String()
	if !strings.Contains(changed, fmt.Sprintf(`"ID":%d,`, d.site)) {
		t.Error("the record is not among the modified ones")
	}
	if other := newSim(t, OCMOptions{}); len(other.Comments()) != 0 || strings.Contains(string(getOK(t, other, fmt.Sprintf("/v3/poi?chargepointid=%d", d.site))), "line one") {
		t.Error("another simulator of the same world shows it, too")
	}
}

func TestTheOldFormTakesCommentsAndNothingElseIsTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	bearer := []string{"Authorization", "Bearer " + d.token(t, "driver1")}
	for path, want := range map[string]string{
		"/v3/?action=comment_submission&format=json&key=": "200 " + stored,
		"/v3/mediaitem?key=":                              "400 " + locked,
		"/v3/poi?key=":                                    "400 " + locked,
		"/v3/?action=cp_submission&key=":                  "400 " + locked,
		"/v3/comments_and_more?key=":                      "200 " + stored, // paths match by substring
		"/v4/comment?key=":                                "404 ",
	} {
		w := d.ask(t, path+someKey, d.comment("x"), bearer...)
		if got := fmt.Sprintf("%d %s", w.Code, w.Body); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	w := d.ask(t, "/v3/comment?key="+someKey+"&jwt-bearer="+d.token(t, "driver2"), d.comment("x"))
	if w.Body.String() != stored || d.sim.Comments()[len(d.sim.Comments())-1].UserID != 4002 {
		t.Errorf("a token in the query: %d %s", w.Code, w.Body)
	}
}

func TestFaultsOfCommentsStoreOrDoNot(t *testing.T) {
	t.Parallel()
	for fault, c := range map[Fault]struct {
		status, stored int
		said           string
	}{
		CommentError:      {500, 1, ""},
		CommentErrorLost:  {500, 0, ""},
		CommentEmpty:      {200, 1, ""},
		CommentEmptyLost:  {200, 0, ""},
		CommentFailed:     {400, 1, failed},
		CommentFailedLost: {400, 0, failed},
		CommentExpired:    {401, 0, ""},
		CommentReadOnly:   {400, 0, locked},
		ServerError:       {500, 0, ""}, // an edge that turns a request away stores nothing
		Empty200:          {200, 0, ""},
		TooMany:           {429, 0, "Too many requests"},
		Unauthorized:      {401, 0, ""},
		Truncated:         {200, 1, stored[:len(stored)*3/5]},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, nil)
			token := d.token(t, "service")
			d.sim.Faults().Set(fault, OnPath("/comment"))
			w := d.submit(t, d.comment("x"))
			if w.Code != c.status || w.Body.String() != c.said || len(d.sim.Comments()) != c.stored {
				t.Errorf("%d %s with %d stored, want %+v", w.Code, w.Body, len(d.sim.Comments()), c)
			}
			if fault.ofComments() {
				d.sim.Faults().Set(fault)
				if n := len(d.shown(t)); n == 0 {
					t.Error("reading met the fault")
				}
			}
			d.sim.Faults().Clear()
			if _, err := d.sim.accounts.check(token); (err != nil) != (fault == CommentExpired) {
				t.Errorf("the session afterwards: %v", err)
			}
			if w := d.submit(t, d.comment("x")); w.Body.String() != stored {
				t.Errorf("after the fault: %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestAnUnheardCommentIsCutAfterItsTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	server := httptest.NewServer(d.sim)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	post := func() error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v3/comment?key="+someKey, strings.NewReader(d.comment("x")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+d.token(t, "service"))
		resp, err := (&http.Client{Transport: transport}).Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	for fault, want := range map[Fault]int{CommentTimeout: 1, CommentTimeoutLost: 0} {
		before := len(d.sim.Comments())
		d.sim.Faults().Set(fault, For(20*time.Millisecond))
		if err := post(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, want a connection that is cut", fault, err)
		}
		if n := len(d.sim.Comments()) - before; n != want {
			t.Errorf("%s stores %d", fault, n)
		}
	}
	d.sim.Faults().Set(CommentTimeout)
	done := make(chan error)
	go func() { done <- post() }()
	for len(d.sim.Comments()) < 2 { // until it is stored
		select {
		case err := <-done:
			t.Fatalf("it ended by itself: %v", err)
		default:
		}
	}
	d.sim.Faults().Clear()
	if err := <-done; err == nil {
		t.Error("an answer came when the faults changed")
	}
}

func TestAmbiguousEndsFallByTheDiceOfTheSeed(t *testing.T) {
	t.Parallel()
	run := func() (ends string, kept int) {
		d := newDesk(t, nil)
		spec, err := ParseFault("ocm=comment-ambiguous:0.5,1ms")
		if err != nil {
			t.Fatal(err)
		}
		d.sim.Faults().Replace(spec)
		for range 200 {
			func() {
				defer func() {
					if p := recover(); p != nil {
						ends += "cut "
					}
				}()
				w := d.submit(t, d.comment("x"))
				ends += fmt.Sprintf("%d/%d ", w.Code, w.Body.Len())
			}()
		}
		return ends, len(d.sim.Comments())
	}
	ends, kept := run()
	count := func(what string) int { return strings.Count(ends, what+" ") }
	good := count(fmt.Sprintf("200/%d", len(stored)))
	if good < 80 || good > 120 {
		t.Errorf("%d of 200 were confirmed, want about half", good)
	}
	for _, end := range []string{"cut", "500/0", "200/0", fmt.Sprintf("400/%d", len(failed))} {
		if n := count(end); n < 10 || n > 45 {
			t.Errorf("%d of 200 ended with %s, want about 25", n, end)
		}
	}
	if kept <= good+25 || kept >= good+75 {
		t.Errorf("%d are stored and %d confirmed, want about 50 more", kept, good)
	}
	if again, keptAgain := run(); again != ends || keptAgain != kept {
		t.Error("the same seed fell otherwise")
	}
}

func TestAHiddenCommentIsShownLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	before := len(d.shown(t))
	d.sim.Faults().Replace(FaultSpec{Fault: CommentHidden, Duration: time.Minute}, FaultSpec{Fault: CommentError, Count: 1})
	if w := d.submit(t, d.comment("x")); w.Code != 500 {
		t.Errorf("the next fault was not met: %d", w.Code)
	}
	if w := d.submit(t, d.comment("y")); w.Body.String() != stored {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	d.pass(59 * time.Second)
	if n := len(d.shown(t)); n != before || len(d.sim.Comments()) != 2 {
		t.Errorf("%d more are shown, %d stored", n-before, len(d.sim.Comments()))
	}
	d.pass(time.Second)
	if list := d.shown(t); len(list) != before+2 || *list[0].Comment != "y" {
		t.Errorf("%d more are shown after their time", len(list)-before)
	}
}

func TestSubmittedCommentsAreListedForTests(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	list := func(query string) (count int, ids []int) {
		w := d.ask(t, "/_sandbox/comments"+query, "")
		var got struct {
			Count    int          `json:"count"`
			Comments []OCMComment `json:"comments"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Comments == nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		for _, c := range got.Comments {
			ids = append(ids, c.ID)
		}
		return got.Count, ids
	}
	if n, _ := list(""); n != 0 {
		t.Errorf("%d before any", n)
	}
	const marker = "https://m.example/?a=1&b=2"
	_ = d.submit(t, d.comment("one"))
	_ = d.submit(t, fmt.Sprintf(`{"ChargePointID":%d,"RelatedURL":%q}`, d.site, marker))
	_ = d.submit(t, fmt.Sprintf(`{"ChargePointID":%d,"RelatedURL":%q}`, d.site, marker))
	for query, want := range map[string][]int{
		"": {1, 2, 3}, "?comment=one": {1}, "?relatedurl=" + url.QueryEscape(marker): {2, 3},
		"?userid=3999&comment=one": {1}, "?userid=4001": nil, "?chargepointid=" + strconv.Itoa(d.site): {1, 2, 3}, "?chargepointid=3": nil,
	} {
		n, ids := list(query)
		for i := range ids {
			ids[i] -= ocmFirstComment - 1
		}
		if n != len(want) || !slices.Equal(ids, want) {
			t.Errorf("%q: %d %v, want %v", query, n, ids, want)
		}
	}
	if w := d.ask(t, "/_sandbox/comments?colour=red", ""); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown choice: %d", w.Code)
	}
	if w := d.ask(t, "/_sandbox/comments", "x"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	token := d.token(t, "service")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/_sandbox/sessions", nil)
	r.RemoteAddr = "127.0.0.1:5"
	d.sim.ServeHTTP(httptest.NewRecorder(), r)
	if _, err := d.sim.accounts.check(token); err == nil {
		t.Error("DELETE /_sandbox/sessions ended none")
	}
}

func TestCommentsAreTakenFromManyAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	before := len(d.shown(t))
	token := d.token(t, "service")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				_ = d.ask(t, "/v3/comment?key="+someKey, d.comment("x"), "Authorization", "Bearer "+token)
				_ = d.ask(t, "/v3/poi?maxresults=3&hascomment=true&key="+someKey, "")
			}
		})
	}
	all.Wait()
	ids := make(map[int]bool)
	for _, c := range d.sim.Comments() {
		ids[c.ID] = true
	}
	if len(ids) != 160 || len(d.shown(t)) != before+160 {
		t.Errorf("%d ids, %d shown, want 160", len(ids), len(d.shown(t))-before)
	}
}

func TestARunningServerHasAnAccountReady(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{OCMSessionLife: time.Hour})
	body, _ := json.Marshal(map[string]string{"emailaddress": s.OCMUsername(), "password": s.OCMPassword()})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.OCMURL()+"/profile/authenticate?key="+s.OCMKey(), strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); resp.StatusCode != 200 || err != nil || !strings.Contains(string(text), "access_token") {
		t.Errorf("%d %s %v", resp.StatusCode, text, err)
	}
	if list := s.OCM().Comments(); len(list) != 0 {
		t.Errorf("there are comments already: %v", list)
	}
}

func FuzzSubmittedComments(f *testing.F) {
	d := newDesk(f, nil)
	for _, s := range []string{d.comment("x"), `{"ChargePointID":1e3}`, "[]", `{"RATING":3}`, "{"} {
		f.Add(s, "")
	}
	f.Add("{}", "a.b.c")
	f.Add("{}", "eyJhbGciOiJIUzI1NiJ9.eyJVc2VySUQiOiI0MDA3In0.c2ln")
	f.Fuzz(func(t *testing.T, body, token string) {
		before := len(d.sim.Comments())
		w := d.ask(t, "/v3/comment?key="+someKey, body+" ", "Authorization", "Bearer "+token)
		if len(d.sim.Comments()) != before {
			t.Errorf("a token that nobody gave out wrote a comment: %d %s", w.Code, w.Body)
		}
		w = d.submit(t, body+" ")
		if confirmed := w.Body.String() == stored; confirmed != (len(d.sim.Comments()) == before+1) {
			t.Errorf("%q is answered %d %s", body, w.Code, w.Body)
		}
	})
}

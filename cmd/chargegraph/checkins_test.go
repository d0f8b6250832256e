package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
	"chargegraph/loaders/cache/redistest"
	"chargegraph/providers"
	"chargegraph/providers/checkins"
	"chargegraph/providers/sandbox"
	"chargegraph/server/access"
)

// office is the whole service, over a simulated Open Charge Map as a real source.
type office struct {
	t        *testing.T
	ocm      *sandbox.OCM
	replicas []*logged
	store    string // of SQLite: the file
	site     *providers.POI
}

// keysOf are the API keys that an office knows.
var keysOf = map[string]string{"app": "Bearer app.secret-of-the-app", "fleet": "Bearer fleet.secret-of-the-fleet"}

// openOffice starts the service: replicas that share a Redis, or one over SQLite
// where redis is "". more are further lines of their configuration, of check-ins
// where they are indented.
func openOffice(t *testing.T, redis string, replicas int, more ...string) *office {
	t.Helper()
	params := sandbox.DefaultParams()
	params.Sites = 60
	simulators, err := sandbox.Start(t.Context(), sandbox.Config{Params: params})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = simulators.Close() })
	o := &office{t: t, ocm: simulators.OCM(), store: filepath.Join(t.TempDir(), "check-ins.db")}
	where := "sqlite:" + o.store
	if redis != "" {
		where = "redis"
		more = append(more, "redis: "+quote(redis))
	}
	ofCheckIns := ""
	for _, line := range more {
		if strings.HasPrefix(line, "  ") {
			ofCheckIns += line + "\n"
		}
	}
	more = slices.DeleteFunc(more, func(line string) bool { return strings.HasPrefix(line, "  ") })
	var keys []string
	for id, header := range keysOf {
		_, secret, _ := strings.Cut(header, ".")
		sum := sha256.Sum256([]byte(secret))
		keys = append(keys, fmt.Sprintf("{id: %s, hash: %q}", id, "sha256:"+hex.EncodeToString(sum[:])))
	}
	file := filepath.Join(t.TempDir(), "service.yaml")
	write(t, file, fmt.Sprintf(`addr: 127.0.0.1:0
sources:
  - {provider: ocm, url: %q, key: %q, username: %q, password: %q, budget: {calls: 10000, per: 1m}}
checkins:
  store: %q
  secret: "a-secret-of-thirty-two-bytes-or-more"
  markerURL: "https://go.example/ci"
  sendTimeout: 2s
  lease: 3s
  lag: 50ms
  firstRetry: 100ms
  maxRetry: 200ms
%sauth: {apiKeys: [%s]}
%s
`, simulators.OCMURL(), simulators.OCMKey(), simulators.OCMUsername(), simulators.OCMPassword(), where, ofCheckIns, strings.Join(keys, ", "), strings.Join(more, "\n")))
	for range replicas {
		replica := launch(t, nil, "-config", file)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("a replica said:\n%s", replica.log())
			}
		})
		o.replicas = append(o.replicas, replica)
	}
	o.site = o.sites(1)[0]
	return o
}

func quote(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// sites returns some sites of the simulated world, as far as the tests need them.
func (o *office) sites(n int) []*providers.POI {
	o.t.Helper()
	var answer struct {
		Pois struct {
			Nodes []struct {
				ID       string
				Location struct{ Latitude, Longitude float64 }
			}
		}
	}
	o.ask(0, "", fmt.Sprintf(`{ pois(area: {bounds: {south: -60, west: -180, north: 75, east: 180}}, first: %d) { nodes { id location { latitude longitude } } } }`, n), nil, &answer)
	var sites []*providers.POI
	for _, node := range answer.Pois.Nodes {
		id, err := providers.ParseID(node.ID)
		if err != nil {
			o.t.Fatal(err)
		}
		sites = append(sites, &providers.POI{Site: &providers.Site{Location: providers.Point{Lat: node.Location.Latitude, Lon: node.Location.Longitude}}, Members: []*providers.Record{{Key: id.Key}}})
	}
	if len(sites) < n {
		o.t.Fatalf("the world has %d sites, want %d", len(sites), n)
	}
	return sites
}

// post sends an operation of a caller ("" for nobody) to a replica. The answer is
// closed when the test ends.
func (o *office) post(replica int, caller, document string, variables any, accept string) *http.Response {
	o.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		o.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.replicas[replica].url+"/graphql", bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	if caller != "" {
		req.Header.Set("Authorization", keysOf[caller])
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// try sends an operation and returns the errors of its answer; into gets the data.
func (o *office) try(replica int, caller, document string, variables, into any) (errs []graphError) {
	o.t.Helper()
	res := o.post(replica, caller, document, variables, "application/json") //nolint:bodyclose // post closes it
	text, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	var answer struct {
		Data   json.RawMessage
		Errors []graphError
	}
	if err = json.Unmarshal(text, &answer); err != nil {
		o.t.Fatalf("%v: %s", err, text)
	}
	if into != nil && len(answer.Data) > 0 {
		if err = json.Unmarshal(answer.Data, into); err != nil {
			o.t.Fatalf("%v: %s", err, text)
		}
	}
	return answer.Errors
}

type graphError struct {
	Message    string
	Path       []any
	Extensions struct{ Code string }
}

// ask sends an operation that has no errors.
func (o *office) ask(replica int, caller, document string, variables, into any) {
	o.t.Helper()
	if errs := o.try(replica, caller, document, variables, into); len(errs) > 0 {
		o.t.Fatalf("%s: %+v", document, errs)
	}
}

type shownComment struct {
	ID      string
	Text    string
	Pending bool
	Rating  *int
	URL     *string `json:"relatedUrl"`
}

type shownCheckIn struct {
	ID         string
	State      string
	Comment    shownComment
	Deliveries []struct {
		State      string
		ExternalID string `json:"externalId"`
		Error      *struct{ Message string }
	}
}

const (
	commentFields = `id text pending rating relatedUrl`
	checkInFields = `id state comment { ` + commentFields + ` } deliveries { state externalId error { message } }`
)

type submitted struct {
	SubmitCheckIn struct {
		CheckIn    *shownCheckIn
		Replayed   bool
		UserErrors []struct {
			Code  string
			Field []string
		}
	}
}

const submitMutation = `mutation($in: SubmitCheckInInput!) { submitCheckIn(input: $in) { checkIn { ` + checkInFields + ` } replayed userErrors { code field } } }`

// input is that of a check-in at the first site, with changes.
func (o *office) input(key string, changes map[string]any) map[string]any {
	in := map[string]any{"idempotencyKey": key, "poiId": o.site.ID(), "outcome": "CHARGED", "text": "text of " + key, "rating": 5}
	maps.Copy(in, changes)
	return map[string]any{"in": in}
}

// submit submits a check-in, which has to be accepted.
func (o *office) submit(replica int, caller, key string, changes map[string]any) *shownCheckIn {
	o.t.Helper()
	var answer submitted
	o.ask(replica, caller, submitMutation, o.input(key, changes), &answer)
	if answer.SubmitCheckIn.CheckIn == nil {
		o.t.Fatalf("%s was not accepted: %+v", key, answer)
	}
	return answer.SubmitCheckIn.CheckIn
}

// stream follows a subscription over server-sent events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (o *office) subscribe(replica int, caller, document string) *stream {
	o.t.Helper()
	res := o.post(replica, caller, document, nil, "text/event-stream") //nolint:bodyclose // post closes it
	s := &stream{o.t, bufio.NewScanner(res.Body)}
	if !s.lines.Scan() || res.StatusCode != http.StatusOK { // the stream is open
		o.t.Fatalf("%s: status %d", document, res.StatusCode)
	}
	return s
}

// next reads one event; false: the stream is complete.
func (s *stream) next(into any) bool {
	s.t.Helper()
	for s.lines.Scan() {
		switch name, value, _ := strings.Cut(s.lines.Text(), ": "); {
		case name == "event" && value == "complete":
			return false
		case name == "data":
			var answer struct {
				Data   json.RawMessage
				Errors []graphError
			}
			if err := json.Unmarshal([]byte(value), &answer); err != nil || len(answer.Errors) > 0 {
				s.t.Fatalf("%v in %s", err, value)
			}
			if err := json.Unmarshal(answer.Data, into); err != nil {
				s.t.Fatal(err)
			}
			return true
		}
	}
	s.t.Fatalf("the stream broke: %v", s.lines.Err())
	return false
}

// settled follows a check-in until nothing more happens to it by itself.
func (o *office) settled(replica int, caller, id string) shownCheckIn {
	o.t.Helper()
	s := o.subscribe(replica, caller, `subscription { checkInUpdated(id: `+quote(id)+`) { `+checkInFields+` } }`)
	var event struct{ CheckInUpdated shownCheckIn }
	for s.next(&event) {
	}
	return event.CheckInUpdated
}

// atSite is what anyone sees of a site.
type atSite struct {
	Rating   *struct{ Count, Successes int }
	Comments struct{ Nodes []shownComment }
}

func (o *office) look(replica int) atSite {
	o.t.Helper()
	var answer struct{ Poi atSite }
	o.ask(replica, "", `{ poi(by: {id: `+quote(o.site.ID())+`}) { rating { count successes } comments(first: 50) { nodes { `+commentFields+` } } } }`, nil, &answer)
	if answer.Poi.Rating == nil {
		answer.Poi.Rating = new(struct{ Count, Successes int })
	}
	return answer.Poi
}

// with returns the comments of a text.
func (a *atSite) with(text string) []shownComment {
	return slices.DeleteFunc(slices.Clone(a.Comments.Nodes), func(c shownComment) bool { return c.Text != text })
}

// fault makes the simulator fail; "" makes it well.
func (o *office) fault(text string) {
	o.t.Helper()
	if text == "" {
		o.ocm.Faults().Clear()
		return
	}
	spec, err := sandbox.ParseFault(text)
	if err != nil {
		o.t.Fatal(err)
	}
	o.ocm.Faults().Replace(spec)
}

func TestACheckInIsShownAtOnceAndReplacedByTheProvidersCopy(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", 1)
	before := o.look(0)
	if again := o.look(0); cmp.Diff(before, again) != "" { // which is a kept answer
		t.Fatalf("the site is %+v, then %+v", before, again)
	}
	o.fault("ocm=comment-readonly")
	c := o.submit(0, "app", "k", nil)
	if c.State != "ACCEPTED" && c.State != "DELIVERING" || !c.Comment.Pending || c.Comment.Text != "text of k" {
		t.Errorf("it was accepted as %+v", c)
	}
	now := o.look(0)
	if first := now.Comments.Nodes[0]; first.ID != c.Comment.ID || !first.Pending {
		t.Errorf("the first comment of the site is %+v", first)
	}
	if now.Rating.Count != before.Rating.Count+1 || now.Rating.Successes != before.Rating.Successes+1 || len(now.Comments.Nodes) != len(before.Comments.Nodes)+1 {
		t.Errorf("the site was %+v and is %+v", before, now)
	}
	node := func() (comment struct {
		Typename string `json:"__typename"`
		shownComment
		Poi *struct{ ID string }
	},
	) {
		var answer struct{ Node json.RawMessage }
		o.ask(0, "", `{ node(id: `+quote(c.Comment.ID)+`) { __typename ... on Comment { `+commentFields+` poi { id } } } }`, nil, &answer)
		if err := json.Unmarshal(answer.Node, &comment); err != nil {
			t.Fatal(err)
		}
		return comment
	}
	if got := node(); got.Typename != "Comment" || got.ID != c.Comment.ID || got.Poi == nil || got.Poi.ID != o.site.ID() {
		t.Errorf("the node of the comment is %+v", got)
	}

	o.fault("")
	done := o.settled(0, "app", c.ID)
	if done.State != "DELIVERED" || done.Comment.Pending || done.Deliveries[0].ExternalID == "" {
		t.Fatalf("in the end it is %+v", done)
	}
	after := o.look(0)
	copies := after.with("text of k")
	if len(copies) != 1 || copies[0].Pending || copies[0].ID == c.Comment.ID || copies[0].URL != nil || copies[0].Rating == nil || *copies[0].Rating != 5 {
		t.Errorf("the provider's copy is %+v", copies)
	}
	if cmp.Diff(now.Rating, after.Rating) != "" || len(after.Comments.Nodes) != len(now.Comments.Nodes) {
		t.Errorf("with the copy the site is %+v, before it was %+v", after, now)
	}
	if got := node(); got.Typename != "Comment" || got.ID != copies[0].ID || got.Text != "text of k" {
		t.Errorf("the node of our comment is now %+v", got)
	}
	var own struct{ Node, CheckIn shownCheckIn }
	o.ask(0, "app", `{ node(id: `+quote(c.ID)+`) { ... on CheckIn { `+checkInFields+` } } checkIn(id: `+quote(c.ID)+`) { `+checkInFields+` } }`, nil, &own)
	if cmp.Diff(own.Node, own.CheckIn) != "" || own.Node.State != "DELIVERED" {
		t.Errorf("the node of the check-in is %+v, itself %+v", own.Node, own.CheckIn)
	}
	if there := o.ocm.Comments(); len(there) != 1 || !strings.HasPrefix(there[0].RelatedURL, "https://go.example/ci/") {
		t.Errorf("the provider has %+v", there)
	}
}

func TestACheckInIsReplayedOrInConflict(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", 1)
	first := o.submit(0, "app", "k", nil)
	var again, other submitted
	o.ask(0, "app", submitMutation, o.input("k", nil), &again)
	if again.SubmitCheckIn.CheckIn == nil || again.SubmitCheckIn.CheckIn.ID != first.ID || !again.SubmitCheckIn.Replayed {
		t.Errorf("a repeat is %+v", again)
	}
	o.ask(0, "app", submitMutation, o.input("k", map[string]any{"text": "something else"}), &other)
	if got := other.SubmitCheckIn; got.CheckIn != nil || len(got.UserErrors) != 1 || got.UserErrors[0].Code != "CONFLICT" || !slices.Equal(got.UserErrors[0].Field, []string{"input", "idempotencyKey"}) {
		t.Errorf("another content is %+v", got)
	}
	if done := o.settled(0, "app", first.ID); done.State != "DELIVERED" || len(o.ocm.Comments()) != 1 {
		t.Errorf("it is %s, and there are %d comments", done.State, len(o.ocm.Comments()))
	}
}

func TestWrongInputIsToldWithItsField(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", 1)
	for name, c := range map[string]struct {
		caller  string
		changes map[string]any
		code    string
		field   []string
	}{
		"nobody":                   {"", nil, "UNAUTHENTICATED", nil},
		"a rating of six":          {"app", map[string]any{"rating": 6}, "INVALID", []string{"input", "rating"}},
		"a text that is too long":  {"app", map[string]any{"text": strings.Repeat("ä", 4001)}, "TOO_LONG", []string{"input", "text"}},
		"no visit and no text":     {"app", map[string]any{"outcome": "NOT_VISITED", "text": " "}, "INVALID", []string{"input", "text"}},
		"a site that is not there": {"app", map[string]any{"poiId": "poi:ocm:999999999"}, "NOT_FOUND", []string{"input", "poiId"}},
		"an id of something else":  {"app", map[string]any{"poiId": "operator:1"}, "NOT_FOUND", []string{"input", "poiId"}},
		"an empty key":             {"app", map[string]any{"idempotencyKey": ""}, "INVALID", []string{"input", "idempotencyKey"}},
		"a session that is none":   {"app", map[string]any{"userName": "a\nb"}, "INVALID", []string{"input", "userName"}},
	} {
		var answer submitted
		o.ask(0, c.caller, submitMutation, o.input(name, c.changes), &answer)
		got := answer.SubmitCheckIn
		if got.CheckIn != nil || len(got.UserErrors) != 1 || got.UserErrors[0].Code != c.code || !slices.Equal(got.UserErrors[0].Field, c.field) {
			t.Errorf("%s: %+v, want %s at %v", name, got, c.code, c.field)
		}
	}
	if list, _, err := onDuty(t, "", "list", "-store", "sqlite:"+o.store, "-format", "json"); err != nil || list != "" {
		t.Errorf("something was kept: %s, %v", list, err)
	}
}

func TestTwoCallersWithOneKeyNeverSeeEachOthersCheckIn(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", 1)
	o.fault("ocm=comment-readonly")
	app, fleet := o.submit(0, "app", "k", nil), o.submit(0, "fleet", "k", map[string]any{"text": "of the fleet"})
	if app.ID == fleet.ID || fleet.Comment.Text != "of the fleet" {
		t.Fatalf("the app's is %+v, the fleet's %+v", app, fleet)
	}
	for _, caller := range []string{"fleet", ""} {
		var answer struct {
			CheckIn, Node *shownCheckIn
			RetryCheckIn  struct{ UserErrors []struct{ Code string } }
		}
		errs := o.try(0, caller, `{ checkIn(id: `+quote(app.ID)+`) { id } node(id: `+quote(app.ID)+`) { id } }`, nil, &answer)
		if answer.CheckIn != nil || answer.Node != nil || caller != "" && len(errs) > 0 {
			t.Errorf("%q sees %+v, %+v", caller, answer, errs)
		}
		o.ask(0, caller, `mutation { retryCheckIn(id: `+quote(app.ID)+`) { userErrors { code } } }`, nil, &answer)
		if codes := answer.RetryCheckIn.UserErrors; len(codes) != 1 || codes[0].Code != "NOT_FOUND" && codes[0].Code != "UNAUTHENTICATED" {
			t.Errorf("%q retries it: %+v", caller, codes)
		}
		res := o.post(0, caller, `subscription { checkInUpdated(id: `+quote(app.ID)+`) { id } }`, nil, "text/event-stream") //nolint:bodyclose // post closes it
		if text, _ := io.ReadAll(res.Body); strings.Contains(string(text), `"data":{`) || !strings.Contains(string(text), `"errors"`) {
			t.Errorf("%q follows it: %s", caller, text)
		}
	}
}

func TestRealSourcesAndCheckInsNeedCallers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "open.yaml")
	write(t, file, `addr: 127.0.0.1:0
sources: [{provider: ocm, url: "http://127.0.0.1:1/v3", key: "5a4db0c5-0000-4000-8000-000000000001"}]
checkins: {store: `+quote("sqlite:"+filepath.Join(t.TempDir(), "x.db"))+`}
`)
	err := run(t.Context(), []string{"-config", file}, func(string) string { return "" }, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "nobody could authenticate") {
		t.Errorf("it starts with %v", err)
	}
}

func TestReplicasShowEachOthersCheckInsAtOnce(t *testing.T) {
	t.Parallel()
	_, redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	o := openOffice(t, redis.URL(), 2)
	here, there := 0, 1
	sites := o.sites(2)
	elsewhere := sites[1]
	at := o.site.Location
	area := fmt.Sprintf(`{bounds: {south: %g, west: %g, north: %g, east: %g}}`, at.Lat-0.001, at.Lon-0.001, at.Lat+0.001, at.Lon+0.001)
	inArea := o.subscribe(there, "", `subscription { commentAdded(area: `+area+`) { `+commentFields+` poi { id } } }`)
	byID := o.subscribe(here, "", `subscription { commentAdded(poiIds: [`+quote(o.site.ID())+`]) { `+commentFields+` poi { id } } }`)
	before := o.look(there)
	o.look(there) // kept by now

	o.fault("ocm=comment-readonly")
	o.submit(here, "app", "elsewhere", map[string]any{"poiId": elsewhere.ID()})
	c := o.submit(here, "app", "k", nil)
	for _, s := range []*stream{inArea, byID} {
		var event struct {
			CommentAdded struct {
				shownComment
				Poi struct{ ID string }
			}
		}
		s.next(&event) // the first that it tells of is not the one elsewhere
		if got := event.CommentAdded; got.ID != c.Comment.ID || got.Poi.ID != o.site.ID() || !got.Pending {
			t.Errorf("it tells of %+v", got)
		}
	}
	now := o.look(there) // which it kept another answer to
	if len(now.Comments.Nodes) != len(before.Comments.Nodes)+1 || now.Comments.Nodes[0].ID != c.Comment.ID || now.Rating.Count != before.Rating.Count+1 {
		t.Errorf("the other replica shows %+v, before it was %+v", now, before)
	}
	follower := o.subscribe(there, "app", `subscription { checkInUpdated(id: `+quote(c.ID)+`) { `+checkInFields+` } }`)
	var event struct{ CheckInUpdated shownCheckIn }
	if follower.next(&event); event.CheckInUpdated.ID != c.ID || !event.CheckInUpdated.Comment.Pending {
		t.Errorf("it begins with %+v", event)
	}
	o.fault("")
	for follower.next(&event) {
	}
	if event.CheckInUpdated.State != "DELIVERED" {
		t.Errorf("it ends with %+v", event)
	}
	o.settled(here, "app", c.ID) // both have heard
	for _, replica := range []int{here, there} {
		after := o.look(replica)
		if copies := after.with("text of k"); len(copies) != 1 || copies[0].Pending || cmp.Diff(after.Rating, now.Rating) != "" {
			t.Errorf("replica %d shows %+v of %+v", replica, copies, after.Rating)
		}
	}
}

// wantUnavailable submits a check-in, which must not be acknowledged.
func (o *office) wantUnavailable(key string) {
	o.t.Helper()
	var answer submitted
	errs := o.try(0, "app", submitMutation, o.input(key, nil), &answer)
	if len(errs) != 1 || errs[0].Extensions.Code != "UNAVAILABLE" || !strings.Contains(errs[0].Message, "neither kept nor read") || answer.SubmitCheckIn.CheckIn != nil {
		o.t.Errorf("it says %+v, %+v", errs, answer)
	}
}

func TestCheckInsAreLimitedByAllReplicasTogether(t *testing.T) {
	t.Parallel()
	_, redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	o := openOffice(t, redis.URL(), 2, "  atOnce: 3", "  perHour: 1")
	for i := range 3 {
		o.submit(i%2, "app", fmt.Sprint(i), nil)
	}
	for replica := range 2 {
		var answer submitted
		if errs := o.try(replica, "app", submitMutation, o.input("more", nil), &answer); len(errs) > 0 || len(answer.SubmitCheckIn.UserErrors) != 1 || answer.SubmitCheckIn.UserErrors[0].Code != "RATE_LIMITED" {
			t.Errorf("at replica %d a fourth is answered by %+v, %+v", replica, errs, answer)
		}
	}
	o.submit(0, "fleet", "another caller's", nil)
	o.submit(1, "app", "0", nil) // a repeat is none
}

func TestCheckInsMayHaveARedisOfTheirOwn(t *testing.T) {
	t.Parallel()
	_, own := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	shared, _ := redistest.Start(t) // which would be refused for check-ins
	own.Do("CONFIG", "SET", "requirepass", "5ec4e7-of-their-own")
	at := strings.Replace(own.URL(), "redis://", "redis://:5ec4e7-of-their-own@", 1)
	s := simulators(t, sandbox.Config{})
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, sourcesOf(s)+fmt.Sprintf(`
redis: "redis://%s"
checkins: {store: %q, secret: "a-secret-of-thirty-two-bytes-or-more"}
auth: {apiKeys: [{id: app, hash: "sha256:%064d"}]}
`, shared, at, 1))
	p := launch(t, nil, "-config", file, "-addr", "127.0.0.1:0", "-log", "DEBUG")
	awaitReady(t, p.url)
	if status, text := fetch(t, http.MethodGet, p.url+"/readyz?for=checkins", ""); status != http.StatusOK {
		t.Errorf("GET /readyz?for=checkins = %d %s", status, text)
	}
	for url, want := range map[string]int64{at: 1, "redis://" + shared: 0} {
		client, err := connect(secret(url))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := client.Exists(t.Context(), "chargegraph:{checkins}:probe").Result(); n != want || err != nil {
			t.Errorf("a Redis has what was written %d times, %v, want %d", n, err, want)
		}
		_ = client.Close()
	}
	own.Kill()
	<-time.After(1100 * time.Millisecond) // what a probe found holds for a second
	if status, text := fetch(t, http.MethodGet, p.url+"/readyz?for=checkins", ""); status != http.StatusServiceUnavailable {
		t.Errorf("without it GET /readyz?for=checkins = %d %s", status, text)
	}
	if strings.Contains(p.log(), "5ec4e7") {
		t.Errorf("the log tells its password:\n%s", p.log())
	}
}

// wantProbe asks a replica whether it is ready.
func (o *office) wantProbe(query string, status int, says string) {
	o.t.Helper()
	if got, text := fetch(o.t, http.MethodGet, o.replicas[0].url+"/readyz"+query, ""); got != status || !strings.Contains(text, says) {
		o.t.Errorf("GET /readyz%s = %d %s, want %d and %s", query, got, text, status, says)
	}
}

func TestWithoutRedisNothingIsAcknowledgedAndReadsGoOn(t *testing.T) {
	t.Parallel()
	_, redis := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	o := openOffice(t, redis.URL(), 1)
	kept := o.submit(0, "app", "before", nil)
	o.wantProbe("?for=checkins", http.StatusOK, `{"name":"checkins","ok":true}`)
	redis.Kill()
	o.wantUnavailable("k")
	<-time.After(1100 * time.Millisecond) // what a probe found holds for a second
	// No other replica has a Redis either: taking this one away would end reads, too.
	o.wantProbe("", http.StatusOK, `{"name":"checkins","ok":false,"detail":true`)
	o.wantProbe("?for=checkins", http.StatusServiceUnavailable, `"notReady":["checkins"]`)
	if _, page := fetch(t, http.MethodGet, o.replicas[0].url+"/metrics", ""); !strings.Contains(page, "chargegraph_checkins_writable 0\n") {
		t.Error("no metric says that check-ins cannot be kept")
	}
	<-time.After(1100 * time.Millisecond)
	o.wantProbe("", http.StatusOK, `"ok":false`)
	if n := strings.Count(o.replicas[0].log(), "check-ins cannot be kept"); n != 1 {
		t.Errorf("that they cannot be kept is %d lines", n)
	}
	if seen := o.look(0); len(seen.with("text of before")) != 1 || len(seen.with("text of k")) != 0 {
		t.Errorf("the site shows %+v", seen.Comments.Nodes)
	}
	var answer struct{ CheckIn *shownCheckIn }
	if errs := o.try(0, "app", `{ checkIn(id: `+quote(kept.ID)+`) { id } }`, nil, &answer); len(errs) != 1 || errs[0].Extensions.Code != "UNAVAILABLE" {
		t.Errorf("a check-in that cannot be read is %+v, %+v", answer.CheckIn, errs)
	}
}

// lockFile holds a file of check-ins as another program does, until the test ends
// or the connection rolls back.
func lockFile(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	holder, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Close() })
	if _, err = holder.ExecContext(t.Context(), "PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	return holder
}

func TestWithALockedFileNothingIsAcknowledgedAndReadsGoOn(t *testing.T) {
	t.Parallel()
	o := openOffice(t, "", 1)
	holder := lockFile(t, o.store)
	before := o.look(0) // the file is of no concern to it
	o.wantUnavailable("k")
	o.wantProbe("", http.StatusServiceUnavailable, `"notReady":["checkins"]`)
	if seen := o.look(0); len(seen.Comments.Nodes) != len(before.Comments.Nodes) {
		t.Errorf("the site shows %+v", seen.Comments.Nodes)
	}
	if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, o.replicas[0].url)
	if !strings.Contains(o.replicas[0].log(), "check-ins can be kept again") {
		t.Error("that they can be kept again is no line in the log")
	}
	if c := o.submit(0, "app", "k", nil); o.settled(0, "app", c.ID).State != "DELIVERED" || len(o.ocm.Comments()) != 1 {
		t.Errorf("afterwards there are %d comments", len(o.ocm.Comments()))
	}
}

// TestDesk_NothingStaysBehindASubscription ends subscriptions in every way, in a
// bubble that would not close over a goroutine.
func TestDesk_NothingStaysBehindASubscription(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "check-ins.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := checkins.OpenSQLite(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		held, err := loaders.New(loaders.Config{}, noSites{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDesk(store, checkInConfig{}, access.NewBuckets(nil), func() *loaders.Catalog { return held }, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait := d.run(ctx)
		kept := keep(t, store)
		moving, final := kept[providers.DeliveryUnconfirmed], kept[providers.DeliveryDelivered]

		follow := func(ctx context.Context, e *checkins.Entry) <-chan *providers.CheckIn {
			states, failed := d.Watch(ctx, e.Caller, e.ID)
			if failed != nil {
				t.Fatal(failed)
			}
			return states
		}
		states := follow(ctx, final)
		if c := <-states; c.ID != final.ID {
			t.Errorf("it gives %+v", c)
		}
		if _, more := <-states; more {
			t.Error("it goes on behind the end")
		}
		if _, err = d.Watch(ctx, "key:somebody", moving.ID); err == nil {
			t.Error("somebody watches what is not theirs")
		}
		if _, err = checkins.Reopen(ctx, store, moving.ID, time.Now()); err != nil { // no source takes it: it waits
			t.Fatal(err)
		}
		reader, leave := context.WithCancel(ctx)
		read := follow(reader, moving)
		<-read
		follow(reader, moving) // nobody reads this one
		d.Added(reader)
		leave()
		for range read {
		}
		follow(ctx, moving) // this one ends with all
		d.Added(ctx)
		cancel()
		wait()
		held.Close()
		if err = store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// noSites is a source that knows nothing.
type noSites struct{}

func (noSites) Source() *providers.Source {
	return &providers.Source{ID: "none", Provider: providers.OCM}
}

func (noSites) Search(context.Context, providers.Query) (providers.Answer, error) {
	return providers.Answer{}, nil
}

package plugshare

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

// desk is a PlugShare of single locations; it notes what it is asked.
type desk struct {
	locations map[string]string // by path behind /locations/
	status    map[string]int

	mu    sync.Mutex
	calls []string
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v3/locations/")
	d.mu.Lock()
	d.calls = append(d.calls, strings.TrimSuffix(path+"?"+r.URL.RawQuery, "?"))
	d.mu.Unlock()
	if status := d.status[path]; status != 0 {
		w.WriteHeader(status)
		return
	}
	body, ok := d.locations[path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, body)
}

func keysOf(answer *providers.Answer) []providers.Key {
	keys := []providers.Key{}
	for _, r := range answer.Records {
		keys = append(keys, r.Key)
	}
	return keys
}

func TestDetailAnswersTheRecordsOfOneLocationByOneCall(t *testing.T) {
	t.Parallel()
	d := &desk{
		locations: map[string]string{"501": string(readFile(t, "detail.json")), "7": site(7, ""), "8": site(9, ""), "9": `{}`, "10": `{"code":1}`, "11": `[]`, "12": `{"id":12,"access":1}`, "13": `{"id":13,"access":3,"latitude":1,"longitude":1}`, "14": `{"id":14`},
		status:    map[string]int{"403": http.StatusForbidden, "410": http.StatusGone, "500": http.StatusInternalServerError},
	}
	s := newSource(t, d, nil)
	if s.DetailBatch() != 1 {
		t.Errorf("batch %d", s.DetailBatch())
	}
	const one, none, alias = providers.Key("plugshare:501~1"), providers.Key("plugshare:501~0"), providers.Key("plugshare:501")
	for name, c := range map[string]struct {
		keys    []providers.Key
		calls   []string
		want    []providers.Key
		aliases map[providers.Key]providers.Key
		code    providers.SourceErrorCode
	}{
		"one":                 {[]providers.Key{one}, []string{"501"}, []providers.Key{one}, nil, ""},
		"both":                {[]providers.Key{one, none, one}, []string{"501"}, []providers.Key{none, one}, nil, ""},
		"the alias":           {[]providers.Key{alias}, []string{"501"}, []providers.Key{one}, map[providers.Key]providers.Key{alias: one}, ""},
		"all":                 {[]providers.Key{alias, one, none}, []string{"501"}, []providers.Key{none, one}, map[providers.Key]providers.Key{alias: one}, ""},
		"a network that left": {[]providers.Key{"plugshare:501~8"}, []string{"501"}, nil, nil, ""},
		"nobody":              {nil, nil, nil, nil, ""},
		"of others":           {[]providers.Key{"ocm:501", "plugshare:x:501~1", "plugshare:0501~1", "plugshare:abc"}, nil, nil, nil, ""},
		"one of others":       {[]providers.Key{"ocm:7", one}, []string{"501"}, []providers.Key{one}, nil, ""},
		"two locations":       {[]providers.Key{one, "plugshare:7~0"}, nil, nil, nil, providers.CodeInternal},
		"unknown":             {[]providers.Key{"plugshare:404~1"}, []string{"404"}, nil, nil, ""},
		"gone":                {[]providers.Key{"plugshare:410~1"}, []string{"410"}, nil, nil, ""},
		"a home":              {[]providers.Key{"plugshare:13"}, []string{"13"}, nil, nil, ""},
		"not allowed":         {[]providers.Key{"plugshare:403~1"}, []string{"403"}, nil, nil, providers.CodeForbidden},
		"failing":             {[]providers.Key{"plugshare:500~1"}, []string{"500", "500", "500"}, nil, nil, providers.CodeUpstreamError},
		"another one":         {[]providers.Key{"plugshare:8~0"}, []string{"8"}, nil, nil, providers.CodeSuspectAnswer},
		"an empty object":     {[]providers.Key{"plugshare:9~0"}, []string{"9"}, nil, nil, providers.CodeBadResponse},
		"a code":              {[]providers.Key{"plugshare:10~0"}, []string{"10"}, nil, nil, providers.CodeRejected},
		"a list":              {[]providers.Key{"plugshare:11~0"}, []string{"11"}, nil, nil, providers.CodeBadResponse},
		"nowhere":             {[]providers.Key{"plugshare:12~0"}, []string{"12"}, nil, nil, providers.CodeBadResponse},
		"broken off":          {[]providers.Key{"plugshare:14~0"}, []string{"14"}, nil, nil, providers.CodeBadResponse},
	} {
		d.calls = nil
		answer, err := s.Detail(t.Context(), c.keys)
		if !slices.Equal(d.calls, c.calls) {
			t.Errorf("%s: asked %v, want %v", name, d.calls, c.calls)
		}
		if c.code != "" {
			mustFail(t, err, c.code)
			continue
		}
		if err != nil || answer.Partial || answer.Err != nil || !answer.FetchedAt.Equal(testNow) {
			t.Errorf("%s: %v, partial %t, %v", name, err, answer.Partial, answer.Err)
		}
		if got := keysOf(&answer); !slices.Equal(got, c.want) {
			t.Errorf("%s: records %v, want %v", name, got, c.want)
		}
		if diff := cmp.Diff(c.aliases, answer.Aliases); diff != "" {
			t.Errorf("%s: aliases mismatch (-want +got)\n%s", name, diff)
		}
		for _, r := range answer.Records {
			checkRecord(t, r)
			if r.Summary {
				t.Errorf("%s: %s is a summary", name, r.Key)
			}
		}
	}
}

// reviews returns a list of n reviews with ids from first on.
func reviews(first, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(`{"id":%d,"rating":1,"comment":"review %d"}`, first+i, first+i)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// The reviews of a busy place come page by page, each of them once, and what
// came before a page that fails is kept.
func TestReviewsOfABusyPlaceArePaged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there   int // reviews
		total   int // said to be there
		fail    int // which page does
		calls   int // for reviews
		want    int
		partial bool
	}{
		"one full page is all":         {there: 500, total: 500, calls: 1, want: 500},
		"the last page is short":       {there: 1200, total: 1200, calls: 3, want: 1200},
		"some of the last are hidden":  {there: 990, total: 1000, calls: 2, want: 990},
		"the most that was ever seen":  {there: 3012, total: 3012, calls: 7, want: 3012},
		"more than a place is worth":   {there: 5000, total: 5000, calls: 8, want: 4000, partial: true},
		"a page fails":                 {there: 1200, total: 1200, fail: 2, calls: 2, want: 500, partial: true},
		"the first page alone, always": {there: -500, total: 1200, calls: 2, want: 500, partial: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v3/locations/1" {
					_, _ = io.WriteString(w, site(1, `"total_reviews":`+strconv.Itoa(c.total)+`,"reviews":`+reviews(1, 50)))
					return
				}
				page := 1
				if text := r.URL.Query().Get("page"); text != "" {
					page, _ = strconv.Atoi(text)
				}
				if asked++; page != asked || r.URL.Path != "/v3/locations/1/reviews" || r.URL.Query().Get("count") != "500" {
					t.Errorf("call %d for reviews asks %s", asked, r.URL)
				}
				switch from := (page - 1) * maxReviews; {
				case page == c.fail:
					w.WriteHeader(http.StatusForbidden)
				case c.there < 0:
					_, _ = io.WriteString(w, reviews(1, -c.there))
				default:
					_, _ = io.WriteString(w, reviews(1+from, max(0, min(maxReviews, c.there-from))))
				}
			}), nil)
			answer, err := s.Detail(t.Context(), []providers.Key{"plugshare:1~0"})
			if err != nil {
				t.Fatal(err)
			}
			r := answer.Records[0]
			checkRecord(t, r)
			if asked != c.calls || len(r.Comments) != c.want || answer.Partial != c.partial || r.MoreComments != c.partial {
				t.Errorf("%d calls, %d comments, partial %t; want %d, %d, %t", asked, len(r.Comments), answer.Partial, c.calls, c.want, c.partial)
			}
		})
	}
}

// A place with very many reviews ends before its caller's deadline does, with
// those that came until then.
func TestReviewsEndBeforeTheCallersDeadline(t *testing.T) {
	t.Parallel()
	page, asked := make(chan struct{}), 0
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v3/locations/1" {
			_, _ = io.WriteString(w, site(1, `"total_reviews":3000,"reviews":`+reviews(1, 50)))
			return
		}
		if asked++; asked == 1 {
			<-page
		}
		_, _ = io.WriteString(w, reviews(1+(asked-1)*maxReviews, maxReviews))
	}), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	timer := time.AfterFunc(1600*time.Millisecond, func() { close(page) }) // more than half of the time
	defer timer.Stop()
	answer, err := s.Detail(ctx, []providers.Key{"plugshare:1~0"})
	if err != nil {
		t.Fatal(err)
	}
	r := answer.Records[0]
	if n := len(r.Comments); asked != 1 || n != maxReviews || !answer.Partial || !r.MoreComments {
		t.Errorf("%d calls, %d comments, partial %t, more %t; want what came of the first page", asked, n, answer.Partial, r.MoreComments)
	}
}

func TestReviewsBeyondThoseThatComeAlongTakeOneMoreCall(t *testing.T) {
	t.Parallel()
	const more = "1/reviews?count=500"
	for name, c := range map[string]struct {
		here    string
		total   string
		there   string
		status  int
		calls   []string
		want    int
		partial bool
		code    providers.SourceErrorCode
	}{
		"all came along":         {reviews(1, 50), "50", "", 0, []string{"1"}, 50, false, ""},
		"no total":               {reviews(1, 50), "null", "", 0, []string{"1"}, 50, false, ""},
		"some are hidden":        {reviews(1, 14), "15", "", 0, []string{"1"}, 14, false, ""},
		"a page came along":      {reviews(100, 50), "199", reviews(1, 149), 0, []string{"1", more}, 149, false, ""},
		"none came along":        {"[]", "3", reviews(1, 3), 0, []string{"1", more}, 3, false, ""},
		"few of many came along": {reviews(100, 47), "199", reviews(1, 149), 0, []string{"1", more}, 149, false, ""},
		"the second call fails":  {reviews(1, 50), "60", "", http.StatusTooManyRequests, []string{"1", more}, 50, true, providers.CodeRateLimited},
		"it answers nonsense":    {reviews(1, 50), "60", `{"message":"x"}`, 0, []string{"1", more}, 50, true, providers.CodeBadResponse},
		"some have no id":        {reviews(1, 50), "60", `[{"rating":1},7,` + reviews(51, 1)[1:], 0, []string{"1", more}, 51, false, ""},
	} {
		d := &desk{
			locations: map[string]string{"1": site(1, `"total_reviews":`+c.total+`,"reviews":`+c.here), "1/reviews": c.there},
			status:    map[string]int{"1/reviews": c.status},
		}
		answer, err := newSource(t, d, nil).Detail(t.Context(), []providers.Key{"plugshare:1~0"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(d.calls, c.calls) {
			t.Errorf("%s: asked %v, want %v", name, d.calls, c.calls)
		}
		r := answer.Records[0]
		checkRecord(t, r)
		if len(r.Comments) != c.want || r.Rating.Successes != c.want || answer.Partial != c.partial {
			t.Errorf("%s: %d comments, partial %t; want %d, %t", name, len(r.Comments), answer.Partial, c.want, c.partial)
		}
		if c.code == "" && answer.Err != nil || c.code != "" && (answer.Err == nil || answer.Err.Code != c.code) {
			t.Errorf("%s: %v, want %s", name, answer.Err, c.code)
		}
	}
}

// Every location of the simulator, as a summary and whole.
func TestEveryLocationOfTheSimulatorCanBeLookedAtMoreClosely(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, func(cfg *Config) { cfg.MaxCalls = maxMaxCalls })
	answer := search(t, s, inLondon)
	if len(answer.Records) < 10 {
		t.Fatalf("only %d records", len(answer.Records))
	}
	comments, several, asked := 0, 0, make(map[string]bool)
	for _, summary := range answer.Records {
		if asked[summary.ParentExternalID] || len(asked) > 60 {
			continue
		}
		asked[summary.ParentExternalID] = true
		alias := providers.NewKey("plugshare", summary.ParentExternalID)
		sim.ResetCalls()
		whole, err := s.Detail(t.Context(), []providers.Key{alias, summary.Key})
		if err != nil {
			t.Fatalf("%s: %v", summary.Key, err)
		}
		if n := len(sim.Calls()); n > 2 {
			t.Errorf("%s took %d calls", summary.Key, n)
		}
		main := whole.Aliases[alias]
		if !slices.Contains(keysOf(&whole), main) || !slices.Contains(keysOf(&whole), summary.Key) || !alias.Covers(main) {
			t.Errorf("%s stands for %s; records %v", alias, main, keysOf(&whole))
		}
		if len(whole.Records) > 1 {
			several++
		}
		for _, r := range whole.Records {
			checkRecord(t, r)
			comments += len(r.Comments)
			if r.Key == summary.Key && (r.Location != summary.Location || r.Title != summary.Title || (r.Operator == nil) != (summary.Operator == nil) ||
				r.Operator != nil && r.Operator.ID != summary.Operator.ID || len(r.Stations) != len(summary.Stations)) {
				t.Errorf("%s is another one when looked at", r.Key)
			}
		}
	}
	t.Logf("%d locations, %d asked by a side record, %d comments", len(asked), several, comments)
	if comments == 0 {
		t.Error("nobody ever said anything")
	}
}

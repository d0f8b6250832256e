package ocpi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

func TestLocationsThatMustNotBeShownAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	evses := func(states ...string) []any {
		var list []any
		for i, s := range states {
			list = append(list, map[string]any{"uid": i, "status": s})
		}
		return list
	}
	at := func(lat, lon any) map[string]any { return map[string]any{"latitude": lat, "longitude": lon} }
	f := fileFeed(t, writeFile(t, asJSON(t, map[string]any{"data": []any{
		location("ok", nil),
		location("quoted", map[string]any{"publish": "true"}),
		location("hidden", map[string]any{"publish": false}),
		location("gone", map[string]any{"evses": evses("REMOVED", "removed")}),
		location("bare", map[string]any{"evses": nil}),
		location("half", map[string]any{"evses": evses("REMOVED", "AVAILABLE", "REMOVED")}),
		location("nowhere", map[string]any{"coordinates": nil}),
		location("halfway", map[string]any{"coordinates": at("52.0", nil)}),
		location("null-island", map[string]any{"coordinates": at("0.000000", "0.0")}),
		location("beyond", map[string]any{"coordinates": at(95.0, 4.0)}),
		location("words", map[string]any{"coordinates": at("north", "east")}),
		location("", nil),
		location("\u0000", nil),
		"a text", nil, 7,
		[]any{},
		map[string]any{},
		map[string]any{"id": "a tariff", "elements": []any{}},
	}})))
	g := mustPull(t, f)
	var keys []string
	for k := range g.records {
		keys = append(keys, k.ExternalID())
	}
	slices.Sort(keys)
	if diff := cmp.Diff([]string{"NL*ABC*HALF", "NL*ABC*OK", "NL*ABC*QUOTED"}, keys); diff != "" {
		t.Errorf("records mismatch (-want +got)\n%s", diff)
	}
	want := Report{Pages: 1, Read: 19, Kept: 3, Broken: 8, Unpublished: 1, WithoutEVSEs: 2, Unplaced: 5, RemovedEVSEs: 2}
	if diff := cmp.Diff(want, f.Report()); diff != "" {
		t.Errorf("Report() mismatch (-want +got)\n%s", diff)
	}
	if len(g.removed) != 8 || !g.removed["ocpi:test:NL*ABC*HIDDEN"] {
		t.Errorf("removed %v, want the eight that have a key", g.removed)
	}
}

func TestOfSeveralCopiesTheNewestCounts(t *testing.T) {
	t.Parallel()
	copyOf := func(name, updated string, with map[string]any) map[string]any {
		l := location("1", map[string]any{"name": name, "last_updated": updated})
		maps.Copy(l, with)
		return l
	}
	hidden := map[string]any{"publish": false}
	for name, test := range map[string]struct {
		copies []any
		want   string // "": no record
		older  int
	}{
		"NewestLast":           {[]any{copyOf("a", "2026-01-01", nil), copyOf("b", "2026-01-02", nil)}, "b", 1},
		"NewestFirst":          {[]any{copyOf("b", "2026-01-02", nil), copyOf("a", "2026-01-01", nil)}, "b", 1},
		"EqualTheLaterOne":     {[]any{copyOf("a", "2026-01-01", nil), copyOf("b", "2026-01-01", nil)}, "b", 1},
		"NewestIsHidden":       {[]any{copyOf("a", "2026-01-01", nil), copyOf("b", "2026-01-02", hidden)}, "", 1},
		"NewestIsHiddenFirst":  {[]any{copyOf("b", "2026-01-02", hidden), copyOf("a", "2026-01-01", nil)}, "", 1},
		"OldestIsHidden":       {[]any{copyOf("a", "2026-01-01", hidden), copyOf("b", "2026-01-02", nil)}, "b", 1},
		"EqualOneIsHidden":     {[]any{copyOf("a", "2026-01-01", nil), copyOf("b", "2026-01-01", hidden)}, "a", 1},
		"OtherCaseSameKey":     {[]any{copyOf("a", "2026-01-01", map[string]any{"party_id": "abc"}), copyOf("b", "2026-01-02", nil)}, "b", 1},
		"OtherPartyOtherPlace": {[]any{copyOf("a", "2026-01-01", nil), copyOf("x", "2026-01-02", map[string]any{"party_id": "XYZ", "publish": false})}, "a", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fileFeed(t, writeFile(t, asJSON(t, test.copies)))
			g := mustPull(t, f)
			r := g.records["ocpi:test:NL*ABC*1"]
			switch {
			case test.want == "" && r != nil:
				t.Errorf("record %q, want none", r.Title)
			case test.want != "" && (r == nil || r.Title != test.want):
				t.Errorf("record %v, want %q", r, test.want)
			}
			if f.Report().Older != test.older {
				t.Errorf("%d older copies, want %d", f.Report().Older, test.older)
			}
			if test.want != "" && g.removed["ocpi:test:NL*ABC*1"] {
				t.Error("the key is removed and held")
			}
		})
	}
}

// frames are the shapes that a list may come in.
func TestALocationsEndpointMayAnswerInAnyFrame(t *testing.T) {
	t.Parallel()
	one := asJSON(t, location("1", nil))
	for name, body := range map[string]string{
		"BareArray":            `[` + one + `]`,
		"Envelope":             `{"data":[` + one + `],"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}`,
		"EnvelopeStatusFirst":  `{"status_code":1001,"data":[` + one + `]}`,
		"EnvelopeStatusAsText": `{"status_code":"1000","data":[` + one + `]}`,
		"DataAlone":            `{"data":[` + one + `]}`,
		"Items":                `{"next":null,"items":[` + one + `]}`,
		"Page":                 `{"content":[` + one + `],"totalPages":1,"number":0,"last":true}`,
		"OneObject":            `{"data":` + one + `}`,
		"ByteOrderMark":        "\ufeff[" + one + "]",
		"BlanksAround":         "\n [" + one + "]\n\n",
		"OtherMembers":         `{"languages":{"a":[1,{"data":[]}]},"data":[` + one + `],"x":null}`,
	} {
		for _, zipped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/Zipped=%v", name, zipped), func(t *testing.T) {
				t.Parallel()
				raw := []byte(body)
				if zipped {
					raw = gzipped(t, raw)
				}
				f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) }), "/x", nil)
				g := mustPull(t, f)
				if only(t, g).Key != "ocpi:test:NL*ABC*1" || !g.Whole || !g.AsOf.Equal(noon) {
					t.Errorf("pulled %+v", g.Pulled)
				}
			})
		}
	}
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEmptyAnswersAreEmptyFeeds(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[]`, `{"data":[],"status_code":1000}`, `{"data":null,"status_code":1000}`, `{"status_code":1000}`, `{"items":[],"next":"abc"}`} {
		f := newFeed(t, answering(200, body), "/x", nil)
		if g := mustPull(t, f); len(g.records) != 0 || !g.Whole {
			t.Errorf("%s: %+v", body, g.Pulled)
		}
	}
}

func TestWhatAFeedDoesWrongHasACode(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-t0ken"
	retry := func(status int, after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(status)
		}
	}
	one := asJSON(t, location("1", nil))
	for name, test := range map[string]struct {
		handler http.Handler
		code    providers.SourceErrorCode
		retry   time.Duration
	}{
		"Unauthorized":         {answering(401, `{"status_code":2000,"status_message":"`+secret+`"}`), providers.CodeUnauthorized, 0},
		"Forbidden":            {answering(403, ``), providers.CodeForbidden, 0},
		"NotFound":             {answering(404, `<html>`), providers.CodeNotFound, 0},
		"NotAllowed":           {answering(405, ``), providers.CodeRejected, 0},
		"TooMany":              {retry(429, "30"), providers.CodeRateLimited, 30 * time.Second},
		"TooManyUntil":         {retry(429, "Fri, 20 Nov 2026 12:01:00 GMT"), providers.CodeRateLimited, time.Minute},
		"Unavailable":          {retry(503, "5"), providers.CodeUpstreamError, 5 * time.Second},
		"Failed":               {answering(500, secret), providers.CodeUpstreamError, 0},
		"NoContent":            {answering(204, ""), providers.CodeBadResponse, 0},
		"NotModifiedUnasked":   {answering(304, ""), providers.CodeBadResponse, 0},
		"Nothing":              {answering(200, ""), providers.CodeBadResponse, 0},
		"Blanks":               {answering(200, " \n "), providers.CodeBadResponse, 0},
		"APage":                {answering(200, "<html>"+secret), providers.CodeBadResponse, 0},
		"AText":                {answering(200, `"`+secret+`"`), providers.CodeBadResponse, 0},
		"ANumber":              {answering(200, `12`), providers.CodeBadResponse, 0},
		"NoList":               {answering(200, `{"hello":"world"}`), providers.CodeBadResponse, 0},
		"DataIsText":           {answering(200, `{"data":"`+secret+`","status_code":1000}`), providers.CodeBadResponse, 0},
		"BrokenOff":            {answering(200, `{"data":[`+one+`,{"id":"`+secret), providers.CodeBadResponse, 0},
		"BrokenOffBetween":     {answering(200, `[`+one), providers.CodeBadResponse, 0},
		"GoesOn":               {answering(200, `[`+one+`] [`+one+`]`), providers.CodeBadResponse, 0},
		"NotJSON":              {answering(200, `[`+one+`,{`+secret+`}]`), providers.CodeBadResponse, 0},
		"BrokenGzip":           {answering(200, "\x1f\x8b\x08nonsense"), providers.CodeBadResponse, 0},
		"InvalidParameters":    {answering(200, `{"status_code":2001,"status_message":"`+secret+`"}`), providers.CodeRejected, 0},
		"StatusAfterTheData":   {answering(200, `{"data":[`+one+`],"status_code":3000}`), providers.CodeUpstreamError, 0},
		"HubError":             {answering(200, `{"status_code":4002}`), providers.CodeUpstreamError, 0},
		"StrangeStatus":        {answering(200, `{"data":[],"status_code":200}`), providers.CodeBadResponse, 0},
		"Tariffs":              {answering(200, `[{"id":"t","currency":"EUR","elements":[]}]`), providers.CodeBadResponse, 0},
		"VersionsOfNoUse":      {answering(200, `[{"version":"3.0","url":"https://x.example"},{"version":"2.0","url":"https://x.example"}]`), providers.CodeUnsupported, 0},
		"DetailsWithoutTheOne": {answering(200, `{"data":{"version":"2.2.1","endpoints":[{"identifier":"locations","role":"RECEIVER","url":"/x"}]},"status_code":1000}`), providers.CodeUnsupported, 0},
		"AnElementTooLarge":    {http.HandlerFunc(huge), providers.CodeBadResponse, 0},
		"HangsUp":              {http.HandlerFunc(hangUp), providers.CodeNetwork, 0},
		"ShorterThanAnnounced": {http.HandlerFunc(short), providers.CodeBadResponse, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, test.handler, "/ocpi/"+"locations?key="+secret, func(cfg *Config) { cfg.Token = secret })
			g := pullFrom(t, f, time.Time{})
			var se *providers.SourceError
			if !errors.As(g.err, &se) || se.Code != test.code || se.RetryAfter != test.retry {
				t.Fatalf("Pull() = %v, want %s after %v", g.err, test.code, test.retry)
			}
			for _, text := range []string{g.err.Error(), se.Message, fmt.Sprintf("%+v", se.Err)} {
				if strings.Contains(text, secret) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(secret))) {
					t.Errorf("the error tells the token or what the feed said: %s", text)
				}
			}
		})
	}
}

// huge answers with one location that never ends.
func huge(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `[{"id":"1","name":"`)
	chunk := bytes.Repeat([]byte("a"), 1<<20)
	for range 2 * maxElement >> 20 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func short(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `[{"id":`)
}

func TestAPageThatDoesNotComeTimesOut(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}), "/x", func(cfg *Config) { cfg.PageTimeout = 50 * time.Millisecond })
	if g := pullFrom(t, f, time.Time{}); g.code() != providers.CodeTimeout {
		t.Errorf("Pull() = %v, want a time-out", g.err)
	}
	<-gone
}

// visits keeps what a server was asked.
type visits struct {
	mu  sync.Mutex
	all []*http.Request
}

func (v *visits) note(r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, r)
}

func (v *visits) uris() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []string
	for _, r := range v.all {
		list = append(list, r.URL.RequestURI())
	}
	return list
}

func TestTokensAreTriedInBase64AndThenAsTheyAre(t *testing.T) {
	t.Parallel()
	const plain = "my-token"
	encoded := base64.StdEncoding.EncodeToString([]byte(plain))
	for name, test := range map[string]struct {
		encoding string
		accepts  string
		want     []string // the tokens of two pulls
		code     providers.SourceErrorCode
	}{
		"AutoMeetsBase64": {"auto", encoded, []string{encoded, encoded}, ""},
		"AutoMeetsRaw":    {"", plain, []string{encoded, plain, plain}, ""},
		"AutoMeetsNobody": {"auto", "other", []string{encoded, plain, encoded, plain}, providers.CodeUnauthorized},
		"Raw":             {"raw", plain, []string{plain, plain}, ""},
		"RawMeetsBase64":  {"raw", encoded, []string{plain, plain}, providers.CodeUnauthorized},
		"Base64":          {"base64", encoded, []string{encoded, encoded}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v visits
			f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				v.note(r)
				if r.Header.Get("Authorization") != "Token "+test.accepts {
					w.WriteHeader(401)
					return
				}
				_, _ = io.WriteString(w, `[]`)
			}), "/x", func(cfg *Config) { cfg.Token, cfg.TokenEncoding, cfg.TokenHeader = plain, test.encoding, "X-Api-Key" })
			for range 2 {
				if g := pullFrom(t, f, time.Time{}); g.code() != test.code {
					t.Errorf("Pull() = %v, want %q", g.err, test.code)
				}
			}
			var sent []string
			ids := map[string]bool{}
			for _, r := range v.all {
				sent = append(sent, strings.TrimPrefix(r.Header.Get("Authorization"), "Token "))
				if r.Header.Get("X-Api-Key") != plain || r.Header.Get("Accept") != "application/json" || len(r.Header.Get("X-Correlation-ID")) != 36 {
					t.Errorf("header %v", r.Header)
				}
				ids[r.Header.Get("X-Request-ID")] = true
			}
			if diff := cmp.Diff(test.want, sent); diff != "" {
				t.Errorf("tokens mismatch (-want +got)\n%s", diff)
			}
			if len(ids) != len(v.all) {
				t.Errorf("%d request ids for %d requests", len(ids), len(v.all))
			}
		})
	}
}

func TestAFeedWithoutATokenSendsNone(t *testing.T) {
	t.Parallel()
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values("Authorization")) > 0 {
			t.Errorf("Authorization %q", r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, `[]`)
	}), "/x", nil)
	mustPull(t, f)
}

func TestVersionsLeadToTheLocations(t *testing.T) {
	t.Parallel()
	endpoint := func(role, url string) map[string]any {
		e := map[string]any{"identifier": "locations", "url": url}
		if role != "" {
			e["role"] = role
		}
		return e
	}
	for name, test := range map[string]struct {
		versions []any
		details  map[string][]any // by path
		want     string           // the path of the locations
		code     providers.SourceErrorCode
	}{
		"TheNewest": {
			[]any{map[string]any{"version": "2.1.1", "url": "/v/211"}, map[string]any{"version": "2.3.0", "url": "/v/230"}, map[string]any{"version": "9", "url": "/v/9"}, map[string]any{"version": "2.2.1", "url": "/v/221"}},
			map[string][]any{"/v/230": {endpoint("SENDER", "/l/230")}},
			"/l/230", "",
		},
		"TheSender": {
			[]any{map[string]any{"version": "2.2.1", "url": "/v"}},
			map[string][]any{"/v": {endpoint("RECEIVER", "/bad"), map[string]any{"identifier": "tariffs", "role": "SENDER", "url": "/bad"}, endpoint("sender", "/good")}},
			"/good", "",
		},
		"WithoutRoleTheOperators": {
			[]any{map[string]any{"version": "2.1.1", "url": "/v"}},
			map[string][]any{"/v": {endpoint("", "/emsp/locations"), endpoint("", "/cpo/locations")}},
			"/cpo/locations", "",
		},
		"TheNextBest": {
			[]any{map[string]any{"version": "2.2.1", "url": "/v/221"}, map[string]any{"version": "2.1.1", "url": "/v/211"}},
			map[string][]any{"/v/221": {}, "/v/211": {endpoint("", "/good")}},
			"/good", "",
		},
		"None": {
			[]any{map[string]any{"version": "2.2.1", "url": "/v"}},
			map[string][]any{"/v": {endpoint("RECEIVER", "/bad")}},
			"", providers.CodeUnsupported,
		},
		"Elsewhere": {
			[]any{map[string]any{"version": "2.2.1", "url": "https://elsewhere.example/v"}}, nil, "", providers.CodeBadResponse,
		},
		"LocationsElsewhere": {
			[]any{map[string]any{"version": "2.2.1", "url": "/v"}},
			map[string][]any{"/v": {endpoint("SENDER", "https://elsewhere.example/l")}},
			"", providers.CodeBadResponse,
		},
		"InACircle": {
			[]any{map[string]any{"version": "2.2.1", "url": "/v"}},
			map[string][]any{"/v": {endpoint("SENDER", "/versions")}},
			"", providers.CodeBadResponse,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v visits
			f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				v.note(r)
				switch details, ok := test.details[r.URL.Path]; {
				case r.URL.Path == "/versions":
					_, _ = io.WriteString(w, asJSON(t, map[string]any{"data": test.versions, "status_code": 1000}))
				case ok:
					_, _ = io.WriteString(w, asJSON(t, map[string]any{"data": map[string]any{"version": "x", "endpoints": details}, "status_code": 1000}))
				case r.URL.Path == test.want:
					_, _ = io.WriteString(w, asJSON(t, []any{location("1", nil)}))
				default:
					w.WriteHeader(404)
				}
			}), "/versions", nil)
			g := pullFrom(t, f, time.Time{})
			if g.code() != test.code {
				t.Fatalf("Pull() = %v, want %q", g.err, test.code)
			}
			if test.code != "" {
				return
			}
			only(t, g)
			if g = pullFrom(t, f, noon); g.err != nil || g.Whole {
				t.Errorf("second Pull() = %+v, %v, want changes", g.Pulled, g.err)
			}
			uris := v.uris()
			if want := test.want + "?date_from=2026-11-20T11%3A50%3A00Z"; uris[len(uris)-1] != want || uris[len(uris)-2] != test.want {
				t.Errorf("asked %v, want %s at last, without looking for it again", uris, want)
			}
		})
	}
}

func TestVersionDetailsAreAsGoodAsVersions(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(any) any{
		"InTheEnvelope": func(v any) any { return map[string]any{"data": v, "status_code": 1000} },
		"Bare":          func(v any) any { return v },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/l" {
					_, _ = io.WriteString(w, asJSON(t, []any{location("1", nil)}))
					return
				}
				_, _ = io.WriteString(w, asJSON(t, wrap(map[string]any{"version": "2.2.1", "endpoints": []any{map[string]any{"identifier": "locations", "role": "SENDER", "url": "/l"}}})))
			}), "/2.2.1", nil)
			only(t, mustPull(t, f))
		})
	}
}

// numbered is a server of n locations in pages of size, which says where the
// next one is as tell does.
func numbered(tb testing.TB, n, size int, tell func(w http.ResponseWriter, r *http.Request, offset int)) (http.Handler, *visits) {
	tb.Helper()
	v := &visits{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.note(r)
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		list := []any{}
		for i := offset; i < min(offset+size, n); i++ {
			list = append(list, location(strconv.Itoa(i), nil))
		}
		tell(w, r, offset)
		_, _ = io.WriteString(w, asJSON(tb, map[string]any{"data": list, "status_code": 1000}))
	}), v
}

func TestPagesAreFollowedToTheEnd(t *testing.T) {
	t.Parallel()
	const n, size = 23, 5
	link := func(r *http.Request, offset int) string {
		return fmt.Sprintf(`<http://%s%s?offset=%d>; rel="next"`, r.Host, r.URL.Path, offset)
	}
	for name, tell := range map[string]func(w http.ResponseWriter, r *http.Request, offset int){
		"Link": func(w http.ResponseWriter, r *http.Request, offset int) {
			if offset+size < n {
				w.Header().Set("Link", link(r, offset+size))
			}
		},
		"LinkAmongOthers": func(w http.ResponseWriter, r *http.Request, offset int) {
			if offset+size < n {
				w.Header().Set("Link", `<http://`+r.Host+`/?a=1,2>; rel="prev first", `+strings.Replace(link(r, offset+size), `rel="next"`, `title="x"; REL=Next`, 1))
			}
		},
		"RelativeLink": func(w http.ResponseWriter, _ *http.Request, offset int) {
			if offset+size < n {
				w.Header().Set("Link", fmt.Sprintf(`<?offset=%d>; rel="next"`, offset+size))
			}
		},
		"TotalAlone": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("X-Total-Count", strconv.Itoa(n))
		},
		"TotalAndLimit": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("X-Total-Count", strconv.Itoa(n))
			w.Header().Set("X-Limit", strconv.Itoa(size))
		},
		"LimitAlone": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("X-Limit", strconv.Itoa(size))
		},
		"LinkAndTotal": func(w http.ResponseWriter, r *http.Request, offset int) {
			w.Header().Set("X-Total-Count", strconv.Itoa(n))
			if offset+size < n {
				w.Header().Set("Link", link(r, offset+size))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, v := numbered(t, n, size, tell)
			f := newFeed(t, handler, "/l", nil)
			g := mustPull(t, f)
			if len(g.records) != n || !g.Whole || g.Unread != 0 || f.Report().Pages != 5 || len(v.all) != 5 {
				t.Errorf("%d records, %+v, %+v, %v", len(g.records), g.Pulled, f.Report(), v.uris())
			}
		})
	}
}

func TestAFullLastPageEndsWithAProbe(t *testing.T) {
	t.Parallel()
	for name, ignoresOffset := range map[string]bool{"Empty": false, "TheSameAgain": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Limit", "2")
				list := []any{location("1", nil), location("2", nil)}
				if r.URL.Query().Has("offset") && !ignoresOffset {
					list = []any{}
				}
				_, _ = io.WriteString(w, asJSON(t, list))
			}), "/l", nil)
			if g := mustPull(t, f); len(g.records) != 2 || !g.Whole {
				t.Errorf("%d records, %+v", len(g.records), g.Pulled)
			}
		})
	}
}

func TestAQueryOfTheConfiguredURLStays(t *testing.T) {
	t.Parallel()
	handler, v := numbered(t, 3, 2, func(w http.ResponseWriter, _ *http.Request, _ int) { w.Header().Set("X-Total-Count", "3") })
	f := newFeed(t, handler, "/l?a=b%20c&key=k;1", func(cfg *Config) { cfg.PageSize = 2 })
	mustPull(t, f)
	if g := pullFrom(t, f, noon); g.err != nil || g.Whole {
		t.Fatalf("Pull() = %+v, %v", g.Pulled, g.err)
	}
	want := []string{
		"/l?a=b%20c&key=k;1", "/l?a=b%20c&key=k;1&offset=2",
		"/l?a=b%20c&key=k;1&date_from=2026-11-20T11%3A50%3A00Z&limit=2", "/l?a=b%20c&key=k;1&date_from=2026-11-20T11%3A50%3A00Z&limit=2&offset=2",
	}
	if diff := cmp.Diff(want, v.uris()); diff != "" {
		t.Errorf("requests mismatch (-want +got)\n%s", diff)
	}
}

func TestCursorsAndPageNumbersAreFollowed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		param string
		frame func(list []any, page int, last bool) map[string]any
	}{
		"Cursor": {"cursor", func(list []any, page int, last bool) map[string]any {
			m := map[string]any{"items": list, "next": fmt.Sprint(page + 1)}
			if last {
				m["next"] = nil
			}
			return m
		}},
		"CursorIsAURL": {"cursor", func(list []any, page int, last bool) map[string]any {
			m := map[string]any{"items": list, "next": fmt.Sprintf("?cursor=%d", page+1)}
			if last {
				m["next"] = ""
			}
			return m
		}},
		"PageNumber": {"page", func(list []any, page int, _ bool) map[string]any {
			return map[string]any{"content": list, "number": page, "totalPages": 3, "totalElements": 6}
		}},
		"PageWithoutTotal": {"page", func(list []any, page int, last bool) map[string]any {
			return map[string]any{"content": list, "number": page, "last": last}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				page, _ := strconv.Atoi(r.URL.Query().Get(test.param))
				list := []any{location(fmt.Sprint(2*page), nil), location(fmt.Sprint(2*page+1), nil)}
				_, _ = io.WriteString(w, asJSON(t, test.frame(list, page, page == 2)))
			}), "/l", nil)
			if g := mustPull(t, f); len(g.records) != 6 || !g.Whole || f.Report().Pages != 3 {
				t.Errorf("%d records, %+v, %+v", len(g.records), g.Pulled, f.Report())
			}
		})
	}
}

func TestPagesThatDoNotEndAreAnError(t *testing.T) {
	t.Parallel()
	same := func(t *testing.T, w io.Writer) {
		t.Helper()
		_, _ = io.WriteString(w, asJSON(t, []any{location("1", nil)}))
	}
	for name, handler := range map[string]func(*testing.T) http.HandlerFunc{
		"ALinkToItself": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", `<`+r.URL.RequestURI()+`>; rel="next"`)
				same(t, w)
			}
		},
		"ARing": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			return func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(r.URL.Query().Get("n"))
				w.Header().Set("Link", fmt.Sprintf(`</l?n=%d>; rel="next"`, n%3+1))
				_, _ = io.WriteString(w, asJSON(t, []any{location(fmt.Sprint(n), nil)}))
			}
		},
		"AlwaysNewAddresses": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			var n atomic.Int64
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", fmt.Sprintf(`</l?n=%d>; rel="next"`, n.Add(1)))
				same(t, w)
			}
		},
		"AlwaysNewAndEmpty": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			var n atomic.Int64
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", fmt.Sprintf(`</l?n=%d>; rel="next"`, n.Add(1)))
				_, _ = io.WriteString(w, `[]`)
			}
		},
		"TheOffsetIsIgnored": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Total-Count", "100")
				same(t, w)
			}
		},
		"TheCursorStands": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			return func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, asJSON(t, map[string]any{"items": []any{location("1", nil)}, "next": "c"}))
			}
		},
		"ThePageStands": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			return func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, asJSON(t, map[string]any{"content": []any{location("1", nil)}, "number": 0, "totalPages": 9}))
			}
		},
		"VersionsWithoutEnd": func(t *testing.T) http.HandlerFunc {
			t.Helper()
			var n atomic.Int64
			return func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, asJSON(t, map[string]any{"endpoints": []any{map[string]any{"identifier": "locations", "url": fmt.Sprintf("/l?n=%d", n.Add(1))}}}))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v visits
			h := handler(t)
			f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.note(r); h(w, r) }), "/l", nil)
			if g := pullFrom(t, f, time.Time{}); g.code() != providers.CodeBadResponse || len(v.all) > 6 {
				t.Errorf("Pull() = %v after %d requests, want a bad response soon", g.err, len(v.all))
			}
		})
	}
}

func TestAFeedThatGivesLessThanItHasIsNotWhole(t *testing.T) {
	t.Parallel()
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Total-Count", "10")
		list := []any{}
		if !r.URL.Query().Has("offset") {
			list = []any{location("1", nil), location("2", nil)}
		}
		_, _ = io.WriteString(w, asJSON(t, list))
	}), "/l", nil)
	if g := mustPull(t, f); g.Whole || g.Unread != 8 || len(g.records) != 2 {
		t.Errorf("%d records, %+v, want two, not whole, eight unread", len(g.records), g.Pulled)
	}
}

func TestAFeedThatShrinksWhileItIsReadIsReadAgain(t *testing.T) {
	t.Parallel()
	// Between the first and the second page location 0 leaves, and all others
	// move forward: number 2, which would open the second page, moves to the first.
	ids := []string{"0", "1", "2", "3"}
	var requests int
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 2 {
			ids = ids[1:]
		}
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		list := []any{}
		for _, id := range ids[min(offset, len(ids)):min(offset+2, len(ids))] {
			list = append(list, location(id, nil))
		}
		w.Header().Set("X-Total-Count", strconv.Itoa(len(ids)))
		if offset+2 < len(ids) {
			w.Header().Set("Link", fmt.Sprintf(`</l?offset=%d>; rel="next"`, offset+2))
		}
		_, _ = io.WriteString(w, asJSON(t, list))
	}), "/l", nil)
	g := mustPull(t, f)
	if len(g.records) != 3 || g.records["ocpi:test:NL*ABC*2"] == nil || !g.removed["ocpi:test:NL*ABC*0"] || !g.Whole {
		t.Errorf("%v, removed %v, %+v, want 1 to 3", g.records, g.removed, g.Pulled)
	}
}

func TestAnUnchangedAnswerIsNotReadAgain(t *testing.T) {
	t.Parallel()
	body := asJSON(t, []any{location("1", nil)})
	etag := `"a"`
	served := 0
	now := noon
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(304)
			return
		}
		served++
		w.Header().Set("ETag", etag)
		_, _ = io.WriteString(w, body)
	}), "/l", func(cfg *Config) { cfg.Clock = func() time.Time { return now } })
	first := mustPull(t, f)
	now = now.Add(5 * time.Minute)
	second := pullFrom(t, f, first.AsOf)
	if second.err != nil || served != 1 || len(second.records) != 0 || second.Whole || !f.Report().Unchanged || !second.AsOf.Equal(now) {
		t.Errorf("second pull: %+v, %v, served %d times", second.Pulled, second.err, served)
	}
	now = now.Add(5 * time.Minute)
	third := pullFrom(t, f, second.AsOf)
	if third.err != nil || served != 1 {
		t.Errorf("third pull: %v, served %d times", third.err, served)
	}
	// Whoever did not apply the last pull gets the answer, and so does who wants everything.
	if g := pullFrom(t, f, first.AsOf); g.err != nil || len(g.records) != 1 || served != 2 {
		t.Errorf("pull since the first: %d records, %v, served %d times", len(g.records), g.err, served)
	}
	if mustPull(t, f); served != 3 {
		t.Errorf("served %d times, want everything to be read", served)
	}
}

func TestAFileIsReadAgainWhenItHasChanged(t *testing.T) {
	t.Parallel()
	path := writeFile(t, asJSON(t, []any{location("1", nil)}))
	written := noon.Add(-time.Hour)
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	f := fileFeed(t, path)
	g := mustPull(t, f)
	if r := only(t, g); !g.Whole || !g.AsOf.Equal(written) || !r.FetchedAt.Equal(written) || !r.EVSEs[0].StatusUpdatedAt.Equal(written) {
		t.Errorf("%+v, fetched %v, want it all as of when the file was written", g.Pulled, r.FetchedAt)
	}
	if g := pullFrom(t, f, written); g.err != nil || g.Whole || len(g.records) != 0 || !g.AsOf.Equal(written) {
		t.Errorf("unchanged file: %+v, %v", g.Pulled, g.err)
	}
	if err := os.WriteFile(path, gzipped(t, []byte(asJSON(t, []any{location("2", nil)}))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, written, written.Add(-time.Minute)); err != nil { // an older file is another file, too
		t.Fatal(err)
	}
	if g := pullFrom(t, f, written); g.err != nil || !g.Whole || only(t, g).Key != "ocpi:test:NL*ABC*2" {
		t.Errorf("changed file: %+v, %v", g.Pulled, g.err)
	}
	if err := os.WriteFile(path, []byte(`[{"id":"2"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if g := pullFrom(t, f, written); g.code() != providers.CodeBadResponse {
		t.Errorf("half a file: %v", g.err)
	}
	if err := os.WriteFile(path, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if g := pullFrom(t, f, written); g.code() != providers.CodeBadResponse {
		t.Errorf("a file without a list: %v", g.err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if g := pullFrom(t, f, written); g.code() != providers.CodeNotFound || strings.Contains(g.err.Error(), path) {
		t.Errorf("no file: %v", g.err)
	}
}

// What is handed on in the middle of a page, or at its end, or as removed: the
// receiver's error comes back as it was, and nothing is handed on after it.
func TestAnErrorOfTheReceiverEndsThePull(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	var many []any
	for i := range 3 * batchSize {
		many = append(many, location(strconv.Itoa(i), nil))
	}
	few := []any{location("1", nil)}
	hidden := []any{location("1", map[string]any{"publish": false})}
	for name, f := range map[string]*Feed{
		"in the middle of a file": fileFeed(t, writeFile(t, asJSON(t, many))),
		"at the end of a file":    fileFeed(t, writeFile(t, asJSON(t, few))),
		"in the middle of a page": newFeed(t, answering(200, asJSON(t, many)), "/locations", nil),
		"at the end of a page":    newFeed(t, answering(200, asJSON(t, few)), "/locations", nil),
		"of what is removed":      newFeed(t, answering(200, asJSON(t, hidden)), "/locations", nil),
	} {
		calls := 0
		_, err := f.Pull(t.Context(), time.Time{}, func([]*providers.Record, []providers.Key) error {
			calls++
			return enough
		})
		if err != enough || calls != 1 { //nolint:errorlint // it is that very error
			t.Errorf("%s: Pull() = %v after %d calls, want the receiver's error after the first", name, err, calls)
		}
	}
}

func TestEveryStyleOfTheSimulatorTellsTheSameLocations(t *testing.T) {
	t.Parallel()
	var want []providers.Key
	for i, opts := range []sandbox.OCPIOptions{
		{},
		{Style: sandbox.OCPIArray},
		{Style: sandbox.OCPICursor, PageLimit: 37},
		{Style: sandbox.OCPIPage, PageLimit: 53},
		{Quirks: sandbox.OCPIQuirks{NoLink: true}},
		{Quirks: sandbox.OCPIQuirks{NoTotal: true}},
		{Quirks: sandbox.OCPIQuirks{NoLink: true, NoTotal: true}},
		{Quirks: sandbox.OCPIQuirks{Broken: true}},
		{Quirks: sandbox.OCPIQuirks{Broken: true, NoLink: true}},
		{Quirks: sandbox.OCPIQuirks{Broken: true, NoLink: true, NoTotal: true}},
		{Version: "2.2.1", Token: "t", Encoding: sandbox.OCPIRaw},
		{Version: "2.3.0", Token: "t"},
	} {
		sim, err := sandbox.NewOCPI(theWorld(), opts)
		if err != nil {
			t.Fatal(err)
		}
		f := newFeed(t, sim, "/ocpi/versions", func(cfg *Config) { cfg.Token = opts.Token })
		g := mustPull(t, f)
		var keys []providers.Key
		for k := range g.records {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if i == 0 {
			want = keys
			t.Logf("%d locations, %+v", len(keys), f.Report())
		}
		if diff := cmp.Diff(want, keys); diff != "" || !g.Whole || len(keys) == 0 {
			t.Errorf("%+v: keys mismatch (-want +got)\n%s", opts, diff)
		}
		if opts.Quirks.Broken && f.Report().Broken == 0 {
			t.Errorf("%+v: nothing is broken", opts)
		}
		_ = sim.Close()
	}
	// 2.1.1 has no party but in the id, so that its keys are the same.
	sim, err := sandbox.NewOCPI(theWorld(), sandbox.OCPIOptions{Version: "2.1.1", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	f := newFeed(t, sim, "/ocpi/versions", func(cfg *Config) { cfg.Token = "t" })
	for k := range mustPull(t, f).records {
		if !slices.Contains(want, k) {
			t.Errorf("2.1.1 has %s, which the others do not have", k)
		}
	}
}

func TestFaultsOfTheSimulatorAreErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"401", "403", "429:30s", "500", "502", "html", "empty", "truncated", "disconnect", "redirect", "types", "object", "huge"} {
		spec, err := sandbox.ParseFault("ocpi=" + text)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			sim, err := sandbox.NewOCPI(theWorld(), sandbox.OCPIOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sim.Close() })
			sim.Faults().Replace(spec)
			f := newFeed(t, sim, "/ocpi/2.2.1/locations", nil)
			if g := pullFrom(t, f, time.Time{}); g.err == nil || g.code() == "" || g.code() == providers.CodeInternal {
				t.Errorf("Pull() = %v, want a typed error", g.err)
			}
		})
	}
}

func TestNewNamesWhatCannotBe(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `[]`)
	for name, test := range map[string]struct {
		change func(*Config)
		field  string
	}{
		"NoName":           {func(c *Config) { c.Name = "" }, "Name"},
		"ANameWithCapital": {func(c *Config) { c.Name = "NDW" }, "Name"},
		"Nothing":          {func(c *Config) { c.URL = "" }, "URL"},
		"Both":             {func(c *Config) { c.File = file }, "File"},
		"NoSuchFile":       {func(c *Config) { c.URL, c.File = "", file+"x" }, "File"},
		"AFolder":          {func(c *Config) { c.URL, c.File = "", t.TempDir() }, "File"},
		"NotAURL":          {func(c *Config) { c.URL = "ht tp://s3cret" }, "URL"},
		"OtherScheme":      {func(c *Config) { c.URL = "ftp://example.org" }, "URL"},
		"NoHost":           {func(c *Config) { c.URL = "https:///x" }, "URL"},
		"AUser":            {func(c *Config) { c.URL = "https://u:s3cret@example.org" }, "URL"},
		"AFragment":        {func(c *Config) { c.URL = "https://example.org/#x" }, "URL"},
		"Encoding":         {func(c *Config) { c.TokenEncoding = "hex" }, "TokenEncoding"},
		"TokenLineEnd":     {func(c *Config) { c.Token = "s3cret\n" }, "Token"},
		"TokenNotASCII":    {func(c *Config) { c.Token = "s3crét" }, "Token"},
		"HeaderName":       {func(c *Config) { c.Token, c.TokenHeader = "s3cret", "X Key" }, "TokenHeader"},
		"HeaderAlone":      {func(c *Config) { c.TokenHeader = "X-Key" }, "TokenHeader"},
		"AllowHost":        {func(c *Config) { c.AllowHosts = []string{"https://x.example"} }, "AllowHosts"},
		"AllowEverything":  {func(c *Config) { c.AllowHosts = []string{"*"} }, "AllowHosts"},
		"Interval":         {func(c *Config) { c.Interval = -1 }, "Interval"},
		"LiveFor":          {func(c *Config) { c.LiveFor = -1 }, "LiveFor"},
		"PageTimeout":      {func(c *Config) { c.PageTimeout = -1 }, "PageTimeout"},
		"PageSize":         {func(c *Config) { c.PageSize = -1 }, "PageSize"},
		"UserAgent":        {func(c *Config) { c.UserAgent = "a\r\nb" }, "UserAgent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Name: "x", URL: "https://example.org/ocpi"}
			test.change(&cfg)
			_, err := New(cfg)
			if err == nil || !strings.Contains(err.Error(), test.field+": ") || strings.Contains(err.Error(), "s3cr") {
				t.Errorf("New() = %v, want it to name %s and no secret", err, test.field)
			}
		})
	}
	if _, err := New(Config{Name: "x", URL: "https://example.org", Token: "tökén", TokenEncoding: "base64"}); err != nil {
		t.Errorf("New() = %v, want any token in base64", err)
	}
}

func TestTheSourceSaysWhatItIs(t *testing.T) {
	t.Parallel()
	f, err := New(Config{Name: "ndw", URL: "https://example.org", Attribution: "NDW", AttributionURL: "https://ndw.example", License: "CC0", Interval: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Source()
	if s.ID != "ocpi:ndw" || s.Name != "ndw" || s.Mode != providers.ModeSync || s.LiveFor != 30*time.Minute || !s.Capabilities.LiveStatus ||
		s.Attribution != (providers.Attribution{Text: "NDW", URL: "https://ndw.example", License: "CC0"}) {
		t.Errorf("source %+v", s)
	}
	sim := newFeed(t, answering(200, asJSON(t, []any{location("1", nil)})), "/x", func(c *Config) { c.Sandbox = true })
	r := only(t, mustPull(t, sim))
	if sim.Source().Mode != providers.ModeSandbox || r.Attribution == nil || r.Attribution.Text != "made-up data" || sim.Source().Attribution.Text != "made-up data" {
		t.Errorf("sandbox: %+v, attribution %+v", sim.Source(), r.Attribution)
	}
	configured := newFeed(t, answering(200, asJSON(t, []any{location("1", nil)})), "/x", func(c *Config) { c.Attribution = "us" })
	if r := only(t, mustPull(t, configured)); r.Attribution == nil || r.Attribution.Text != "us" {
		t.Errorf("attribution %+v, want the configured one", r.Attribution)
	}
}

// Everything below is about where a feed must not lead.

// trap is a server that nobody must ask.
func trap(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the trap was asked: %s, Authorization %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server
}

func TestNothingLeadsToAnotherHost(t *testing.T) {
	t.Parallel()
	for name, lead := range map[string]func(w http.ResponseWriter, r *http.Request, to string){
		"Link": func(w http.ResponseWriter, _ *http.Request, to string) {
			w.Header().Set("Link", `<`+to+`>; rel="next"`)
			_, _ = io.WriteString(w, `[]`)
		},
		"LinkWithoutScheme": func(w http.ResponseWriter, _ *http.Request, to string) {
			w.Header().Set("Link", `<`+strings.TrimPrefix(to, "http:")+`>; rel="next"`)
			_, _ = io.WriteString(w, `[]`)
		},
		"Cursor": func(w http.ResponseWriter, _ *http.Request, to string) {
			_, _ = io.WriteString(w, `{"items":[{}],"next":"`+to+`"}`)
		},
		"Redirect": func(w http.ResponseWriter, r *http.Request, to string) { http.Redirect(w, r, to, http.StatusFound) },
		"RedirectForGood": func(w http.ResponseWriter, r *http.Request, to string) {
			http.Redirect(w, r, to, http.StatusPermanentRedirect)
		},
		"Version": func(w http.ResponseWriter, _ *http.Request, to string) {
			_, _ = io.WriteString(w, `{"data":[{"version":"2.2.1","url":"`+to+`"}],"status_code":1000}`)
		},
		"Endpoint": func(w http.ResponseWriter, _ *http.Request, to string) {
			_, _ = io.WriteString(w, `{"endpoints":[{"identifier":"locations","role":"SENDER","url":"`+to+`"}]}`)
		},
	} {
		for _, to := range []string{"", "http://169.254.169.254/latest", "http://user@%s/", "ftp://%s/", "file:///etc/passwd", "gopher://%s"} {
			t.Run(name+" "+to, func(t *testing.T) {
				t.Parallel()
				elsewhere := trap(t).URL
				target := elsewhere + "/locations"
				if to != "" {
					target = strings.ReplaceAll(to, "%s", strings.TrimPrefix(elsewhere, "http://"))
				}
				f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { lead(w, r, target) }), "/start", func(c *Config) { c.Token = "s3cret" })
				if g := pullFrom(t, f, time.Time{}); g.code() != providers.CodeBadResponse || strings.Contains(g.err.Error(), "s3cret") {
					t.Errorf("Pull() = %v, want it refused", g.err)
				}
			})
		}
	}
}

func TestAllowedHostsAreFollowedWithTheToken(t *testing.T) {
	t.Parallel()
	var asked visits
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.note(r)
		_, _ = io.WriteString(w, asJSON(t, []any{location("2", nil)}))
	}))
	t.Cleanup(other.Close)
	host := strings.TrimPrefix(other.URL, "http://")
	for _, allowed := range []string{host, "127.0.0.1"} {
		f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<`+other.URL+`/l>; rel="next"`)
			_, _ = io.WriteString(w, asJSON(t, []any{location("1", nil)}))
		}), "/l", func(c *Config) { c.Token, c.TokenEncoding, c.AllowHosts = "t", "raw", []string{allowed} })
		if g := mustPull(t, f); len(g.records) != 2 {
			t.Errorf("allowHosts %s: %d records", allowed, len(g.records))
		}
	}
	for _, r := range asked.all {
		if r.Header.Get("Authorization") != "Token t" {
			t.Errorf("Authorization %q", r.Header.Get("Authorization"))
		}
	}
}

func TestARedirectToAnAllowedHostGoesWithoutTheToken(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != "" {
			t.Errorf("the token went along: %v", r.Header)
		}
		_, _ = io.WriteString(w, asJSON(t, []any{location("2", nil)}))
	}))
	t.Cleanup(other.Close)
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }), "/l",
		func(c *Config) {
			c.Token, c.TokenHeader, c.AllowHosts = "t", "X-Api-Key", []string{strings.TrimPrefix(other.URL, "http://")}
		})
	only(t, mustPull(t, f))
}

func TestARedirectOnTheSameHostIsFollowedWithTheToken(t *testing.T) {
	t.Parallel()
	f := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/l" {
			http.Redirect(w, r, "/l/", http.StatusMovedPermanently)
			return
		}
		if r.Header.Get("Authorization") == "" {
			t.Error("the token did not go along")
		}
		_, _ = io.WriteString(w, asJSON(t, []any{location("2", nil)}))
	}), "/l", func(c *Config) { c.Token = "t" })
	only(t, mustPull(t, f))
	round := newFeed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/l?"+r.URL.RawQuery+"x", http.StatusFound)
	}), "/l", nil)
	if g := pullFrom(t, round, time.Time{}); g.code() != providers.CodeBadResponse {
		t.Errorf("Pull() = %v, want an end to redirects", g.err)
	}
}

func TestHTTPSNeverBecomesHTTP(t *testing.T) {
	t.Parallel()
	plain := trap(t)
	for name, lead := range map[string]func(w http.ResponseWriter, r *http.Request, to string){
		"Link": func(w http.ResponseWriter, _ *http.Request, to string) {
			w.Header().Set("Link", `<`+to+`>; rel="next"`)
			_, _ = io.WriteString(w, `[]`)
		},
		"Redirect": func(w http.ResponseWriter, r *http.Request, to string) { http.Redirect(w, r, to, http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { lead(w, r, plain.URL) }))
			t.Cleanup(server.Close)
			f := feedAt(t, server.URL, func(c *Config) { c.AllowHosts, c.Token = []string{"127.0.0.1"}, "t" })
			trust(t, f, server)
			g := pullFrom(t, f, time.Time{})
			if g.code() != providers.CodeBadResponse || !strings.Contains(g.err.Error(), "from https to http") {
				t.Errorf("Pull() = %v, want it refused", g.err)
			}
		})
	}
}

// trust makes f accept the certificate of a test server.
func trust(t *testing.T, f *Feed, server *httptest.Server) {
	t.Helper()
	theirs, ok := server.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("no transport")
	}
	ours := newTransport(&f.client.hosts, nil)
	ours.TLSClientConfig = theirs.TLSClientConfig
	f.client.http.Transport = ours
	t.Cleanup(ours.CloseIdleConnections)
}

func TestHTTPMayBecomeHTTPSOnItsHost(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("http://example.org/ocpi")
	if err != nil {
		t.Fatal(err)
	}
	h := newHosts(base, []string{"Other.example", "ported.example:8443", "[2001:db8::1]"}, false)
	for address, want := range map[string]bool{
		"http://example.org/x": true, "http://EXAMPLE.org.:80/x": true, "https://example.org/x": true, "https://example.org:444/x": false, "http://example.org:8080/": false,
		"http://other.example/": true, "https://other.example:8443/": true, "https://ported.example:8443/": true, "https://ported.example/": false,
		"http://sub.other.example/": false, "http://[2001:db8::1]/": true, "http://evil.org/example.org": false, "http://example.org.evil.org/": false,
		"http://example.org@evil.org/": false, "https://evil.org#@example.org": false, "file:///etc/passwd": false, "//evil.org": false,
	} {
		u, err := base.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.check(u) == nil; got != want {
			t.Errorf("%s: allowed %v, want %v", address, got, want)
		}
	}
}

func TestNamesThatCanOnlyBePrivateMayBe(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"localhost": true, "ocpi-peer": true, "a.localhost": true, "peer.svc.cluster.local": true, "x.internal": true, "nas.lan": true, "x.home.arpa": true,
		"127.0.0.1": true, "::1": true, "10.0.0.1": true, "feed.example": false, "localhost.evil.org": false, "evil.org.": false, "internal.example.com": false,
	} {
		if got := (&hosts{}).mayBePrivate(name); got != want {
			t.Errorf("mayBePrivate(%s) = %v, want %v", name, got, want)
		}
		if !(&hosts{private: true}).mayBePrivate(name) {
			t.Errorf("%s is refused in spite of AllowPrivate", name)
		}
	}
}

func TestAPublicNameThatLeadsHomeIsRefusedWhenItIsDialed(t *testing.T) {
	t.Parallel()
	answers := answering(200, asJSON(t, []any{location("1", nil)}))
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = true; answers(w, r) }))
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	for name, c := range map[string]struct {
		change  func(*Config)
		allowed bool
	}{
		"nothing was said":              {func(*Config) {}, false},
		"private addresses are allowed": {func(c *Config) { c.AllowPrivate = true }, true},
		"the address is listed":         {func(c *Config) { c.AllowHosts = []string{"127.0.0.1"} }, true},
		"the address is listed mapped":  {func(c *Config) { c.AllowHosts = []string{"[::ffff:127.0.0.1]"} }, true},
		"another address is listed":     {func(c *Config) { c.AllowHosts = []string{"127.0.0.2", "10.0.0.1", "other.example"} }, false},
	} {
		asked = false
		f := feedAt(t, "http://rebound.example:"+port, c.change)
		f.client.http.Transport = newTransport(&f.client.hosts, resolverTo(t, [4]byte{127, 0, 0, 1}))
		g := pullFrom(t, f, time.Time{})
		if c.allowed {
			if g.err != nil || len(g.records) != 1 {
				t.Errorf("%s: Pull() = %v, want it allowed", name, g.err)
			}
			continue
		}
		if g.code() != providers.CodeBadResponse || !strings.Contains(g.err.Error(), "not public") || asked {
			t.Errorf("%s: Pull() = %v, asked %v, want it refused", name, g.err, asked)
		}
	}
}

// resolverTo returns a resolver by which every name has this one address.
func resolverTo(t *testing.T, address [4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			question := slices.Clone(b[12:n])
			if end := bytes.IndexByte(question, 0); end >= 0 && len(question) >= end+5 {
				question = question[:end+5] // without what follows it, such as EDNS
			}
			reply := append([]byte{b[0], b[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
			if question[len(question)-3] == 1 { // type A
				reply[7] = 1
				reply = append(append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4), address[:]...)
			}
			_, _ = server.WriteTo(reply, from)
		}
	}()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "193.0.6.139": true, "172.15.0.1": true, "172.32.0.1": true, "100.63.255.255": true, "2001:4860:4860::8888": true, "2a00:1450::1": true,
		"127.0.0.1": false, "127.255.255.255": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "192.0.2.1": false, "240.0.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fdff::1": false, "ff02::1": false, "2001:db8::1": false, "fec0::1": false,
		"::ffff:127.0.0.1": false, "::ffff:8.8.8.8": true, "64:ff9b::a00:1": false, "64:ff9b::808:808": true, "2002:7f00:1::": false, "2002:808:808::": true, "::127.0.0.1": false, "64:ff9b:1::1": false,
	} {
		if got := public(mustAddr(t, text)); got != want {
			t.Errorf("public(%s) = %v, want %v", text, got, want)
		}
	}
}

func TestChangesBringWhatAWholePullWouldBring(t *testing.T) {
	t.Parallel()
	now := noon
	sim, err := sandbox.NewOCPI(theWorld(), sandbox.OCPIOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	f := newFeed(t, sim, "/ocpi/versions", func(c *Config) { c.Clock = func() time.Time { return now } })
	held := mustPull(t, f)
	before := held.AsOf
	now = now.Add(2 * time.Hour)
	changes := pullFrom(t, f, before)
	if changes.err != nil || changes.Whole || len(changes.records) == 0 || len(changes.records) >= len(held.records) {
		t.Fatalf("%d changes of %d, %+v, %v", len(changes.records), len(held.records), changes.Pulled, changes.err)
	}
	whole := mustPull(t, f)
	changed := 0
	for key, want := range whole.records {
		got := changes.records[key]
		if !want.UpdatedAt.After(before) { // a feed may hide its changes: the whole pull is what mends that
			continue
		}
		changed++
		if diff := cmp.Diff(want, got, siteOnly()); diff != "" {
			t.Errorf("%s mismatch (-whole +changes)\n%s", key, diff)
		}
		if got != nil && (!got.EVSEs[0].StatusUpdatedAt.Equal(now) || !got.FetchedAt.Equal(now)) {
			t.Errorf("%s carries %v, fetched %v", key, got.EVSEs[0].StatusUpdatedAt, now)
		}
	}
	if changed == 0 {
		t.Error("nothing changed in two hours")
	}
}

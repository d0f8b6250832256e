package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/goleak"

	"chargegraph/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "s3cr3t"

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// newClient returns a client that asks handler.
func newClient(tb testing.TB, handler http.Handler, change func(*Config)) *Client {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	base, err := url.Parse(server.URL + "/v3/")
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{
		Name: "Charge Atlas", Base: base, Header: http.Header{"X-Api-Key": {secret}}, HTTP: server.Client(), Secret: "the key",
		Clock: func() time.Time { return noon },
	}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

// answering returns a handler that says the same to every question.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// elements asks for a list and returns what it holds.
func elements(ctx context.Context, c *Client, maxBody int64) (list []string, err error) {
	err = c.Ask(ctx, Question{Path: "sites", Params: url.Values{"near": {"here"}}, MaxBody: maxBody}, func(body io.Reader) error {
		return c.Elements(body, nil, func(raw jsontext.Value) { list = append(list, raw.String()) }, func(*jsontext.Decoder) error {
			return BadResponse("no list", nil)
		})
	})
	return list, err
}

// mustFail checks the code of an error and what its sentence holds, and that it
// gives nothing away.
func mustFail(t *testing.T, err error, code providers.SourceErrorCode, says string) {
	t.Helper()
	_ = failure(t, err, code, says)
}

// failure does so too, and returns the error.
func failure(t *testing.T, err error, code providers.SourceErrorCode, says string) *providers.SourceError {
	t.Helper()
	var se *providers.SourceError
	if !errors.As(err, &se) {
		t.Fatalf("error %v is no *SourceError", err)
	}
	if se.Code != code || !strings.Contains(se.Message, says) {
		t.Errorf("%v, want %s with %q", se, code, says)
	}
	for _, told := range []string{secret, "127.0.0.1", "http://", "kittens"} {
		if strings.Contains(err.Error(), told) {
			t.Errorf("the error says too much: %v", err)
		}
	}
	return se
}

func TestAQuestionIsSentWithWhatBelongsToIt(t *testing.T) {
	t.Parallel()
	var asked []string
	c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s %s %s %s", r.Method, r.URL, r.Header.Get("X-API-Key"), r.Header.Get("Accept"), r.Header.Get("Content-Type"), body))
		_, _ = io.WriteString(w, "\ufeff \n[1,{\"a\":2}]\n")
	}), nil)
	list, err := elements(t.Context(), c, 1<<20)
	if err != nil || len(list) != 2 || list[1] != `{"a":2}` {
		t.Errorf("%v, %v", list, err)
	}
	if err := c.Ask(t.Context(), Question{Path: "/sites/7/along", Body: []byte("{}"), MaxBody: 1 << 20}, func(io.Reader) error { return nil }); err != nil {
		t.Error(err)
	}
	c.CloseIdleConnections()
	want := []string{"GET /v3/sites?near=here s3cr3t application/json  ", "POST /v3/sites/7/along s3cr3t application/json application/json {}"}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if len(c.cfg.Header) != 1 {
		t.Errorf("the headers of all questions are %v now", c.cfg.Header)
	}
}

func TestWhatIsNoDataIsATypedError(t *testing.T) {
	t.Parallel()
	const bad = providers.CodeBadResponse
	for name, c := range map[string]struct {
		status int
		body   string
		code   providers.SourceErrorCode
		says   string
	}{
		"unauthorized":        {401, "kittens", providers.CodeUnauthorized, "Charge Atlas does not accept the configured credentials"},
		"forbidden":           {403, "kittens", providers.CodeForbidden, "Charge Atlas refuses this client"},
		"no such path":        {404, "", providers.CodeNotFound, "there is no Charge Atlas API at the configured url"},
		"gone":                {410, "", providers.CodeNotFound, "there is no Charge Atlas API at the configured url"},
		"malformed":           {400, "kittens", providers.CodeRejected, "rejected the question with status 400"},
		"teapot":              {418, "", providers.CodeRejected, "rejected the question with status 418"},
		"slow down":           {429, "", providers.CodeRateLimited, "asks to be asked less often"},
		"failure":             {500, "[]", providers.CodeUpstreamError, "failed with status 500; ask again later"},
		"cloudflare":          {524, strings.Repeat("kittens", 10_000), providers.CodeUpstreamError, "failed with status 524"},
		"no content":          {204, "", bad, "answered with status 204, which says nothing"},
		"not modified":        {304, "", bad, "answered with status 304"},
		"created":             {201, "[]", bad, "answered with status 201"},
		"nothing":             {200, "", bad, "answered with nothing"},
		"blanks":              {200, " \r\n\t", bad, "answered with nothing"},
		"a mark":              {200, "\ufeff", bad, "answered with nothing"},
		"a page":              {200, "\n<html>kittens</html>", bad, "answered with a web page instead of data"},
		"a text":              {200, "kittens", bad, "answered with a text instead of data"},
		"a number":            {200, "17", bad, "answered with a text instead of data"},
		"null":                {200, "null", bad, "answered with a text instead of data"},
		"an object":           {200, "{}", bad, "no list"},
		"goes on":             {200, "[] []", bad, "goes on after its end"},
		"goes on with a text": {200, "[]kittens", bad, "goes on after its end"},
		"open":                {200, `[{"kittens":1`, bad, "is broken off or is not proper JSON"},
		"just open":           {200, "[", bad, "is broken off or is not proper JSON"},
		"two commas":          {200, "[1,,2]", bad, "is broken off or is not proper JSON"},
		"deep":                {200, strings.Repeat("[", 20_000), bad, "is broken off or is not proper JSON"},
		"too large":           {200, "[" + strings.Repeat("1,", 1<<20) + "1]", bad, "is larger than 1 MB and was not read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := elements(t.Context(), newClient(t, answering(c.status, c.body), nil), 1<<20)
			if se := failure(t, err, c.code, c.says); name == "two commas" && (se.Err == nil || se.Err.Error() != "at byte 3") {
				t.Errorf("for logs it says %v", se.Err)
			}
		})
	}
}

func TestASourceExplainsWhatItKnowsBetter(t *testing.T) {
	t.Parallel()
	var seen []Answer
	own := &providers.SourceError{Code: providers.CodeUnauthorized, Message: "our own sentence"}
	explain := func(a Answer) *providers.SourceError {
		seen = append(seen, a)
		if strings.Contains(a.Start, "no key") {
			return own
		}
		return nil
	}
	for body, want := range map[string]string{" no key, no kittens": "no key, no kittens", " [1]": "[", "\ufeff{}": "{", " <html>": "<", "": ""} {
		for _, status := range []int{200, 403} {
			seen = nil
			_, err := elements(t.Context(), newClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Said", "yes")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}), func(c *Config) { c.Explain = explain }), 1<<20)
			if len(seen) != 1 || seen[0].Status != status || seen[0].Header.Get("X-Said") != "yes" {
				t.Fatalf("%d %q: seen %+v", status, body, seen)
			}
			if status == 403 {
				want = body // as it came
			}
			if seen[0].Start != want {
				t.Errorf("%d %q: begins with %q, want %q", status, body, seen[0].Start, want)
			}
			if explained := errors.Is(err, own); explained != strings.Contains(body, "no key") {
				t.Errorf("%d %q: %v", status, body, err)
			}
		}
	}
}

func TestAnErrorOfTheReaderIsPassedOnIfItIsTyped(t *testing.T) {
	t.Parallel()
	c := newClient(t, answering(200, "[]"), nil)
	sentinel := errors.New("not what it should be")
	ask := func(err error) error {
		return c.Ask(t.Context(), Question{MaxBody: 1 << 20}, func(io.Reader) error { return err })
	}
	err := ask(fmt.Errorf("%w: %w", sentinel, BadResponse("it holds nothing", nil)))
	mustFail(t, err, providers.CodeBadResponse, "it holds nothing")
	if !errors.Is(err, sentinel) {
		t.Errorf("%v lost what was around it", err)
	}
	mustFail(t, ask(errors.New("kittens")), providers.CodeBadResponse, "is broken off or is not proper JSON")
	if err := ask(nil); err != nil {
		t.Error(err)
	}
}

func TestNoMoreIsReadThanMayBe(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "[")
		for chunk := []byte(strings.Repeat("1,", 32<<10)); r.Context().Err() == nil; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}), func(c *Config) { c.HTTP = &http.Client{Transport: counting{c.HTTP.Transport, &read}} })
	_, err := elements(t.Context(), c, 2<<20)
	mustFail(t, err, providers.CodeBadResponse, "larger than 2 MB")
	if n := read.Load(); n > 3<<20 {
		t.Errorf("%d MB of an endless answer were read", n>>20)
	}
	read.Store(0)
	sized := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "99999999")
		_, _ = io.WriteString(w, "[")
	}), func(c *Config) { c.HTTP = &http.Client{Transport: counting{c.HTTP.Transport, &read}} })
	_, err = elements(t.Context(), sized, 2<<20)
	mustFail(t, err, providers.CodeBadResponse, "larger than 2 MB")
	if n := read.Load(); n > 0 {
		t.Errorf("%d bytes were read of what says that it is too large", n)
	}
}

// counting counts the bytes of bodies that are read.
type counting struct {
	http.RoundTripper
	read *atomic.Int64
}

func (c counting) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(req)
	if err == nil {
		res.Body = countingBody{res.Body, c.read}
	}
	return res, err
}

type countingBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (c countingBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func TestPackedAnswersAreReadAndCapped(t *testing.T) {
	t.Parallel()
	pack := func(s string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return b.Bytes()
	}
	whole := pack(`[{"a":1}]`)
	for name, c := range map[string]struct {
		body []byte
		says string
	}{
		"whole":      {whole, ""},
		"broken off": {whole[:len(whole)-12], "is broken off or damaged"},
		"no gzip":    {[]byte("[]"), "is broken off or damaged"},
		"a bomb":     {pack("[" + strings.Repeat(" ", 4<<20) + "]"), "is larger than 1 MB"},
	} {
		_, err := elements(t.Context(), newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("%s: compression was not asked for", name)
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(c.body)
		}), nil), 1<<20)
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		mustFail(t, err, providers.CodeBadResponse, c.says)
	}
}

func TestABodyThatEndsEarlyIsDamaged(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"", "[1,", "kitt"} {
		c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, start)
		}), nil)
		_, err := elements(t.Context(), c, 1<<20)
		mustFail(t, err, providers.CodeBadResponse, "is broken off or damaged")
	}
}

func TestRedirectsStayOnTheirHost(t *testing.T) {
	t.Parallel()
	leaked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked = true }))
	defer other.Close()
	for _, to := range []string{other.URL, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), "ftp://127.0.0.1/"} {
		_, err := elements(t.Context(), newClient(t, http.RedirectHandler(to, http.StatusFound), func(c *Config) { c.Redirects = 9 }), 1<<20)
		mustFail(t, err, providers.CodeBadResponse, "Charge Atlas redirected the request to another address, which is not followed because the key would go with it")
	}
	if leaked {
		t.Error("a redirect to another host was followed")
	}
	for redirects, want := range []int{1, 2, 3, 4} {
		asked := 0
		_, err := elements(t.Context(), newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, r.URL.String(), http.StatusFound)
		}), func(c *Config) { c.Redirects = redirects }), 1<<20)
		mustFail(t, err, providers.CodeBadResponse, "redirected")
		if asked != want {
			t.Errorf("%d redirects are allowed and %d questions were asked, want %d", redirects, asked, want)
		}
	}
	kept := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v3/sites" {
			http.Redirect(w, r, "/v3/sites/", http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, `["`+r.Header.Get("X-API-Key")+`"]`)
	}), func(c *Config) { c.Redirects = 1 })
	if list, err := elements(t.Context(), kept, 1<<20); err != nil || len(list) != 1 || !strings.Contains(list[0], secret) {
		t.Errorf("a redirect on the host: %v, %v", list, err)
	}
}

func TestHTTPMayBecomeHTTPSOnItsHost(t *testing.T) {
	t.Parallel()
	c := newClient(t, http.NotFoundHandler(), func(c *Config) { c.Redirects = 1 })
	for to, want := range map[string]bool{
		"https://a.example/x": true, "https://A.example/x": true, "https://a.example:8443/x": false, "https://b.example/x": false,
		"http://a.example/y": true, "http://a.example:80/y": false, "http://a.example:8080/y": false,
	} {
		from := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.example/x", nil)
		if err := c.checkRedirect(httptest.NewRequestWithContext(t.Context(), http.MethodGet, to, nil), []*http.Request{from}); (err == nil) != want {
			t.Errorf("to %s: %v", to, err)
		}
	}
	secured := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/x", nil)
	if c.checkRedirect(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.example/x", nil), []*http.Request{secured}) == nil {
		t.Error("https became http")
	}
}

func TestTheTimeOfTheCallerAndOfTheClientAreTimeouts(t *testing.T) {
	t.Parallel()
	slow := func(start string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, start)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
	}
	for _, handler := range []http.Handler{slow(" "), slow("[1,"), slow("kitt"), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })} {
		c := newClient(t, handler, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		_, err := elements(ctx, c, 1<<20)
		mustFail(t, err, providers.CodeTimeout, "in time")
		cancel()
		_, err = elements(ctx, c, 1<<20)
		mustFail(t, err, providers.CodeTimeout, "in time")
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err = elements(ctx, c, 1<<20); !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that the caller left", err)
		}
		impatient := newClient(t, handler, func(c *Config) {
			client := *c.HTTP
			client.Timeout = 30 * time.Millisecond
			c.HTTP = &client
		})
		_, err = elements(t.Context(), impatient, 1<<20)
		mustFail(t, err, providers.CodeTimeout, "Charge Atlas did not answer in time")
	}
}

// failing is a transport that returns what policies in one return.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestOfAFailedRequestOnlyTheInmostPartIsKept(t *testing.T) {
	t.Parallel()
	policy := &providers.SourceError{Code: providers.CodeCircuitOpen, Message: "resting", RetryAfter: time.Minute}
	for _, c := range []struct {
		err  error
		code providers.SourceErrorCode
		logs string
	}{
		{fmt.Errorf("wrapped: %w", policy), providers.CodeCircuitOpen, ""},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused"), Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}, providers.CodeNetwork, "connection refused"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "kittens"}}, providers.CodeNetwork, "name look-up failed"},
		{errors.New("http://kittens/?key=" + secret), providers.CodeNetwork, ""},
		{&net.DNSError{Err: "i/o timeout", Name: "kittens", IsTimeout: true}, providers.CodeTimeout, ""},
	} {
		_, err := elements(t.Context(), newClient(t, http.NotFoundHandler(), func(cfg *Config) { cfg.HTTP = &http.Client{Transport: failing{c.err}} }), 1<<20)
		se := failure(t, err, c.code, "")
		logs := ""
		if se.Err != nil {
			logs = se.Err.Error()
		}
		if logs != c.logs {
			t.Errorf("%v: for logs it says %q, want %q", c.err, logs, c.logs)
		}
		if c.code == providers.CodeCircuitOpen && se != policy {
			t.Errorf("got %v", se)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	_, err := elements(t.Context(), newClient(t, http.NotFoundHandler(), func(c *Config) {
		c.HTTP = nil
		c.Base, _ = url.Parse(closed.URL)
	}), 1<<20)
	mustFail(t, err, providers.CodeNetwork, "Charge Atlas cannot be reached")
}

func TestAQuestionThatCannotBeBuiltQuotesNothing(t *testing.T) {
	t.Parallel()
	_, err := elements(t.Context(), newClient(t, http.NotFoundHandler(), func(c *Config) {
		c.Base = &url.URL{Scheme: "http", Host: "kittens\x00" + secret}
	}), 1<<20)
	mustFail(t, err, providers.CodeInternal, "the request to Charge Atlas could not be built")
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, "0": 0, "-5": 0, "0.5": 500 * time.Millisecond, "1.5": 1500 * time.Millisecond, "soon": 0,
		"1e12": MaxRetryAfter, "1e300": MaxRetryAfter, "NaN": 0,
		noon.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		noon.Add(-time.Hour).Format(http.TimeFormat):       0,
		noon.Add(1000 * time.Hour).Format(http.TimeFormat): MaxRetryAfter,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {said}}, noon); got != want {
			t.Errorf("Retry-After %q is %v, want %v", said, got, want)
		}
	}
	for status, want := range map[int]time.Duration{429: 70 * time.Second, 503: 70 * time.Second, 403: 0, 404: 0, 400: 0} {
		c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "70")
			w.WriteHeader(status)
		}), nil)
		_, err := elements(t.Context(), c, 1<<20)
		if se := providers.AsSourceError(err); se == nil || se.RetryAfter != want {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

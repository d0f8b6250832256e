package ocm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

var inLondon = providers.Query{Area: providers.Bounds{South: 51, West: -0.5, North: 52, East: 0.3}}

// mustFail checks the code of an error, and that it gives nothing away.
func mustFail(t *testing.T, err error, want providers.SourceErrorCode) {
	t.Helper()
	_ = failure(t, err, want)
}

// failure does so too, and returns the error.
func failure(t *testing.T, err error, want providers.SourceErrorCode) *providers.SourceError {
	t.Helper()
	var se *providers.SourceError
	if !errors.As(err, &se) {
		t.Fatalf("error %v is no *SourceError", err)
	}
	if se.Code != want {
		t.Errorf("code %s (%v), want %s", se.Code, se, want)
	}
	if se.Message == "" || strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "http") && strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error says too little or too much: %v", err)
	}
	return se
}

func TestEveryFaultOfTheSimulatorIsATypedError(t *testing.T) {
	t.Parallel()
	for fault, want := range map[sandbox.Fault]providers.SourceErrorCode{
		sandbox.Forbidden:   providers.CodeUnauthorized,
		sandbox.TooMany:     providers.CodeRateLimited,
		sandbox.ServerError: providers.CodeUpstreamError,
		sandbox.BadGateway:  providers.CodeUpstreamError,
		sandbox.Empty200:    providers.CodeBadResponse,
		sandbox.HTML:        providers.CodeBadResponse,
		sandbox.Truncated:   providers.CodeBadResponse,
		sandbox.Disconnect:  providers.CodeBadResponse,
		sandbox.WrongTypes:  providers.CodeBadResponse,
		sandbox.NotArray:    providers.CodeBadResponse,
		sandbox.Redirect:    providers.CodeBadResponse,
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			var at clock
			sim, s := newSandbox(t, func(cfg *Config) { cfg.Clock = at.now })
			sim.Faults().Set(fault)
			_, err := s.Search(t.Context(), inLondon)
			se := failure(t, err, want)
			if fault == sandbox.TooMany && se.RetryAfter != 30*time.Second {
				t.Errorf("retry after %v, want 30s", se.RetryAfter)
			}
			_, err = s.Detail(t.Context(), []providers.Key{"ocm:1"})
			mustFail(t, err, want)
			table, err := s.Reference(t.Context(), "")
			mustFail(t, err, want)
			if len(table.Countries) != 250 {
				t.Error("no built-in table came with the error")
			}
			sim.Faults().Clear()
			at.advance(30 * time.Second) // for which a 429 asked for silence
			if _, err := s.Search(t.Context(), inLondon); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

func TestAnswersThatAreNoListOfSites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   providers.SourceErrorCode
	}{
		"no key":              {403, "You must specify an API key using the key query parameter or x-api-key header.", providers.CodeUnauthorized},
		"unknown key":         {403, "Invalid API key.", providers.CodeUnauthorized},
		"key as text":         {200, "REJECTED_APIKEY_INVALID", providers.CodeUnauthorized},
		"unauthorized":        {401, "", providers.CodeUnauthorized},
		"banned":              {403, "Blocked for API abuse. Repeated duplicate calls may be automatically banned.", providers.CodeForbidden},
		"forbidden":           {403, "<html>nginx</html>", providers.CodeForbidden},
		"robots":              {503, `{"status":"error","description":"API requests by robots are temporarily disabled."}`, providers.CodeForbidden},
		"unavailable":         {503, "", providers.CodeUpstreamError},
		"cloudflare":          {524, "<html>A timeout occurred</html>", providers.CodeUpstreamError},
		"no such path":        {404, "", providers.CodeNotFound},
		"no version":          {400, `{"status":"error","description":"mandatory API Version not specified in request"}`, providers.CodeRejected},
		"teapot":              {418, "", providers.CodeRejected},
		"no content":          {204, "", providers.CodeBadResponse},
		"not modified":        {304, "", providers.CodeBadResponse},
		"blanks":              {200, " \r\n\t", providers.CodeBadResponse},
		"text":                {200, "Error: Validation Failed", providers.CodeBadResponse},
		"a number":            {200, "17", providers.CodeBadResponse},
		"null":                {200, "null", providers.CodeBadResponse},
		"goes on":             {200, "[] []", providers.CodeBadResponse},
		"goes on with a text": {200, "[]x", providers.CodeBadResponse},
		"only numbers":        {200, "[1,2]", providers.CodeBadResponse},
		"nulls":               {200, "[null,null]", providers.CodeBadResponse},
		"a list of lists":     {200, "[[]]", providers.CodeBadResponse},
		"no ids":              {200, `[{"AddressInfo":{"Latitude":1,"Longitude":1}}]`, providers.CodeBadResponse},
		"two commas":          {200, `[{"ID":1},,{"ID":2}]`, providers.CodeBadResponse},
		"open":                {200, `[{"ID":1`, providers.CodeBadResponse},
		"just open":           {200, `[`, providers.CodeBadResponse},
		"deep":                {200, strings.Repeat("[", 20_000), providers.CodeBadResponse},
		"an object":           {200, `{"Status":"Error"}`, providers.CodeBadResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, answering(c.status, c.body), nil)
			answer, err := s.Search(t.Context(), inLondon)
			mustFail(t, err, c.want)
			if len(answer.Records) != 0 {
				t.Error("records came with an error")
			}
		})
	}
}

func TestAnEmptyListIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"[]", " [ ]\n", "\ufeff[]"} {
		s := newSource(t, answering(200, body), nil)
		answer, err := s.Search(t.Context(), inLondon)
		if err != nil || len(answer.Records) != 0 || answer.Truncated || answer.Partial || answer.FetchedAt.IsZero() {
			t.Errorf("%q: %+v, %v", body, answer, err)
		}
	}
}

// poiJSON is a minimal listing in London.
func poiJSON(id int) string {
	return fmt.Sprintf(`{"ID":%d,"AddressInfo":{"Title":"Site %d","Latitude":51.5,"Longitude":-0.1}}`, id, id)
}

func TestABrokenListingDoesNotSinkTheOthers(t *testing.T) {
	t.Parallel()
	body := "[" + poiJSON(1) + `,7,"x",null,{"ID":"twelve"},` + poiJSON(2) + "," + poiJSON(1) + `,
		{"ID":3,"AddressInfo":null},
		{"ID":4,"AddressInfo":{"Latitude":0,"Longitude":0}},
		{"ID":5,"AddressInfo":{"Latitude":91,"Longitude":0}},
		{"ID":6,"AddressInfo":{"Latitude":51.5}},
		{"ID":7,"StatusTypeID":200,"AddressInfo":{"Latitude":51.5,"Longitude":-0.1}},
		{"ID":8,"StatusTypeID":210,"AddressInfo":{"Latitude":51.5,"Longitude":-0.1}},
		{"ID":9,"SubmissionStatusTypeID":1000,"AddressInfo":{"Latitude":51.5,"Longitude":-0.1}},
		{"ID":10,"StatusType":{"ID":200},"AddressInfo":{"Latitude":51.5,"Longitude":-0.1}}]`
	var logged bytes.Buffer
	s := newSource(t, answering(200, body), func(cfg *Config) { cfg.Logger = logTo(&logged) })
	answer, err := s.Search(t.Context(), inLondon)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range answer.Records {
		ids = append(ids, r.ExternalID)
	}
	if !slices.Equal(ids, []string{"1", "2"}) {
		t.Errorf("records %v, want 1 and 2", ids)
	}
	if !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeBadResponse {
		t.Errorf("partial %t, err %v: four listings were not read", answer.Partial, answer.Err)
	}
	if !strings.Contains(logged.String(), "broken=4 without_position=4") || strings.Contains(logged.String(), "twelve") {
		t.Errorf("logged %s", logged.String())
	}
}

func TestAnAnswerFromSomewhereElseIsSuspect(t *testing.T) {
	t.Parallel()
	s := newSource(t, answering(200, "["+poiJSON(1)+"]"), nil)
	for _, area := range []providers.Area{
		providers.Bounds{South: 40, West: 1, North: 41, East: 2},
		providers.Around{Center: providers.Point{Lat: 40, Lon: 1}, RadiusM: 1000},
		providers.NewRoute([]providers.Point{{Lat: 40, Lon: 1}, {Lat: 41, Lon: 1}}, 1000),
		providers.NewPolygon([]providers.Point{{Lat: 40, Lon: 1}, {Lat: 41, Lon: 1}, {Lat: 41, Lon: 2}}),
	} {
		_, err := s.Search(t.Context(), providers.Query{Area: area})
		mustFail(t, err, providers.CodeSuspectAnswer)
	}
	_, err := s.Detail(t.Context(), []providers.Key{"ocm:99"})
	mustFail(t, err, providers.CodeSuspectAnswer)
}

func TestOfTwoBoxesTheOneThatCameIsAnswered(t *testing.T) {
	t.Parallel()
	asked := 0
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if asked >= 2 { // and its repeats
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, `[{"ID":5,"AddressInfo":{"Title":"x","Latitude":-17,"Longitude":179}}]`)
	}), nil)
	answer, err := s.Search(t.Context(), providers.Query{Area: providers.Bounds{South: -18, West: 178, North: -16, East: -178}})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Records) != 1 || !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeUpstreamError {
		t.Errorf("%d records, partial %t, err %v", len(answer.Records), answer.Partial, answer.Err)
	}
	if !answer.Truncated {
		t.Error("what lies in the other box is taken for nothing")
	}
}

func TestTheKeyNeverLeavesForAnotherHost(t *testing.T) {
	t.Parallel()
	leaked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked = true }))
	defer other.Close()
	for _, to := range []string{other.URL + "/v3/poi", strings.Replace(other.URL, "127.0.0.1", "localhost", 1)} {
		s := newSource(t, http.RedirectHandler(to, http.StatusFound), nil)
		_, err := s.Search(t.Context(), inLondon)
		if se := failure(t, err, providers.CodeBadResponse); !strings.Contains(se.Message, "redirect") {
			t.Errorf("message %q", se.Message)
		}
	}
	if leaked {
		t.Error("the redirect was followed")
	}
	onSameHost := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v3/poi" {
			http.Redirect(w, r, "/v3/poi/?"+r.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, "["+poiJSON(1)+"]")
	}), nil)
	if answer, err := onSameHost.Search(t.Context(), inLondon); err != nil || len(answer.Records) != 1 {
		t.Errorf("a redirect on the same host: %v, %v", answer.Records, err)
	}
	loop := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.String(), http.StatusFound)
	}), nil)
	_, err := loop.Search(t.Context(), inLondon)
	mustFail(t, err, providers.CodeBadResponse)
}

func TestNoErrorAndNoLogHoldsTheKey(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	s := newSource(t, http.NotFoundHandler(), func(cfg *Config) {
		cfg.URL = closed.URL
		cfg.Logger = logTo(&logged)
	})
	_, err := s.Search(t.Context(), inLondon)
	mustFail(t, err, providers.CodeNetwork)
	_, err = s.Reference(t.Context(), "")
	mustFail(t, err, providers.CodeNetwork)
	if strings.Contains(logged.String(), testKey) {
		t.Error("the key was logged")
	}
	for _, field := range []func(*Config){
		func(c *Config) { c.URL = "http://a b/" + testKey },
		func(c *Config) { c.URL = "http://x.example/?key=" + testKey },
		func(c *Config) { c.Key = testKey + "\n" },
	} {
		cfg := Config{ID: "ocm", Key: testKey}
		field(&cfg)
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), testKey) {
			t.Errorf("error %v", err)
		}
	}
}

func TestAConfigThatCannotBeIsRefusedByTheNameOfItsField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Config){
		"ID: ":                  func(c *Config) { c.ID = "plugshare" },
		"ID:":                   func(c *Config) { c.ID = "" },
		"ID":                    func(c *Config) { c.ID = "ocm:Bad Name" },
		"URL":                   func(c *Config) { c.URL = "ftp://x.example" },
		"URL: must":             func(c *Config) { c.URL = "api.openchargemap.io/v3" },
		"URL: must hold":        func(c *Config) { c.URL = "https://u:p@x.example/v3" },
		"URL: must hold no":     func(c *Config) { c.URL = "https://x.example/v3?a=b" },
		"Key":                   func(c *Config) { c.Key = "" },
		"Key: missing":          func(c *Config) { c.Key = "test" },
		"Key: must":             func(c *Config) { c.Key = "a b" },
		"MaxResults":            func(c *Config) { c.MaxResults = -1 },
		"MaxResults: ":          func(c *Config) { c.MaxResults = 10_001 },
		"ReferenceTTL":          func(c *Config) { c.ReferenceTTL = -1 },
		"Timeout":               func(c *Config) { c.Timeout = -1 },
		"UserAgent: must":       func(c *Config) { c.UserAgent = "a\nb" },
		"ClientName":            func(c *Config) { c.ClientName = "ä" },
		"UserAgent: Open":       func(c *Config) { c.UserAgent = "my Crawler/1.0" },
		"UserAgent: Open Charg": func(c *Config) { c.UserAgent = "PHP/8" },
	} {
		cfg := Config{ID: "ocm", Key: testKey}
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "ocm: "+strings.TrimSpace(field)) {
			t.Errorf("%s: error %v", field, err)
		}
	}
	cfg := Config{ID: "ocm:second", Key: testKey, URL: "https://x.example/"}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if base, err := cfg.complete(); err != nil || base.String() != "https://x.example/v3" {
		t.Errorf("base %s, %v", base, err)
	}
	if src := s.Source(); src.Mode != providers.ModeLive || src.ID != "ocm:second" || src.Provider != providers.OCM || src != s.Source() {
		t.Errorf("source %+v", src)
	}
}

func TestASandboxSaysThatItsDataAreMadeUp(t *testing.T) {
	t.Parallel()
	_, s := newSandbox(t, func(cfg *Config) { cfg.Sandbox = true })
	if src := s.Source(); src.Mode != providers.ModeSandbox || src.Attribution.Text != "made-up data" {
		t.Errorf("source %+v", src)
	}
	records := everything(t, s)
	table, err := s.Reference(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Join(table, records)
	for _, r := range records {
		if r.Attribution.Text != "made-up data" || r.URL != "" || len(r.Links.Providers) != 0 {
			t.Fatalf("%s: attribution %+v, url %q, links %v", r.Key, r.Attribution, r.URL, r.Links)
		}
	}
}

func TestAvatarsCanBeLeftOut(t *testing.T) {
	t.Parallel()
	count := func(s *Source) (n int) {
		p, err := s.poi(t.Context(), url.Values{}, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.records {
			for _, c := range r.Comments {
				if c.Author != nil && c.Author.Avatar != "" {
					n++
				}
			}
		}
		return n
	}
	_, with := newSandbox(t, nil)
	_, without := newSandbox(t, func(cfg *Config) { cfg.NoAvatars = true })
	if a, b := count(with), count(without); a == 0 || b != 0 {
		t.Errorf("%d avatars with, %d without", a, b)
	}
}

// takes is a budget that counts what is taken of it.
type takes struct{ n atomic.Int64 }

func (b *takes) Take(context.Context) error { b.n.Add(1); return nil }
func (b *takes) Pause(time.Time)            {}
func (b *takes) State() providers.UpstreamBudget {
	return providers.UpstreamBudget{Limit: 100, WindowSeconds: 60, Used: int(b.n.Load())}
}

func TestEveryCallIsTakenOfTheBudget(t *testing.T) {
	t.Parallel()
	var budget takes
	sim, s := newSandbox(t, func(cfg *Config) { cfg.Budget = &budget })
	if _, err := s.Search(t.Context(), inLondon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reference(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	b := s.Source().Budget()
	if b == nil || *b != (providers.UpstreamBudget{Limit: 100, WindowSeconds: 60, Used: len(sim.Calls())}) {
		t.Errorf("the source tells of %+v after %d calls", b, len(sim.Calls()))
	}
	if _, none := newSandbox(t, nil); none.Source().Budget() != nil {
		t.Error("a budget is told of where none is kept")
	}
	if s.Source().Retention != (providers.Retention{}) {
		t.Errorf("what was answered may be kept for %+v", s.Source().Retention)
	}
}

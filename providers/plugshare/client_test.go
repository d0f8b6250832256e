package plugshare

import (
	"bytes"
	"context"
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

func TestEveryFaultOfTheSimulatorIsATypedError(t *testing.T) {
	t.Parallel()
	for fault, want := range map[sandbox.Fault]providers.SourceErrorCode{
		sandbox.Unauthorized: providers.CodeUnauthorized,
		sandbox.Forbidden:    providers.CodeForbidden,
		sandbox.TooMany:      providers.CodeRateLimited,
		sandbox.ServerError:  providers.CodeUpstreamError,
		sandbox.BadGateway:   providers.CodeUpstreamError,
		sandbox.Empty200:     providers.CodeBadResponse,
		sandbox.HTML:         providers.CodeBadResponse,
		sandbox.Truncated:    providers.CodeBadResponse,
		sandbox.Disconnect:   providers.CodeBadResponse,
		sandbox.WrongTypes:   providers.CodeBadResponse,
		sandbox.NotArray:     providers.CodeRejected,
		sandbox.Redirect:     providers.CodeBadResponse,
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			var silence atomic.Int64 // that a fault asked for, and that has passed
			sim, s := newSandbox(t, func(cfg *Config) {
				cfg.Clock = func() time.Time { return testNow.Add(time.Duration(silence.Load())) }
			})
			whole := search(t, s, inLondon)
			if len(whole.Records) == 0 {
				t.Fatal("nothing is there")
			}
			sim.Faults().Set(fault)
			at := whole.Records[0].Location
			for _, area := range []providers.Area{
				inLondon.Area,
				providers.Around{Center: at, RadiusM: 20_000},
				providers.NewRoute([]providers.Point{{Lat: at.Lat - 1, Lon: at.Lon}, at}, 5000),
			} {
				answer, err := s.Search(t.Context(), providers.Query{Area: area})
				se := failure(t, err, want)
				if fault == sandbox.TooMany && se.RetryAfter != 30*time.Second {
					t.Errorf("retry after %v, want 30s", se.RetryAfter)
				}
				if len(answer.Records) != 0 {
					t.Error("records came with an error")
				}
			}
			_, err := s.Detail(t.Context(), []providers.Key{whole.Records[0].Key})
			mustFail(t, err, want)
			sim.Faults().Clear()
			silence.Store(int64(30 * time.Second))
			if _, err := s.Search(t.Context(), inLondon); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

func TestAnswersThatAreNoListOfLocations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   providers.SourceErrorCode
	}{
		"bad request":          {400, `{"message":"latitude is required"}`, providers.CodeRejected},
		"wrong key":            {401, "", providers.CodeUnauthorized},
		"forbidden":            {403, "", providers.CodeForbidden},
		"a challenge":          {403, "<html>Just a moment...</html>", providers.CodeForbidden},
		"no such path":         {404, "", providers.CodeNotFound},
		"method":               {405, "", providers.CodeRejected},
		"not acceptable":       {406, "", providers.CodeRejected},
		"gone":                 {410, "", providers.CodeNotFound},
		"teapot":               {418, "", providers.CodeRejected},
		"slow down":            {429, "", providers.CodeRateLimited},
		"failure":              {500, "kittens", providers.CodeUpstreamError},
		"maintenance":          {503, "", providers.CodeUpstreamError},
		"no content":           {204, "", providers.CodeBadResponse},
		"not modified":         {304, "", providers.CodeBadResponse},
		"nothing":              {200, "", providers.CodeBadResponse},
		"blanks":               {200, " \r\n\t", providers.CodeBadResponse},
		"a challenge with 200": {200, "<!DOCTYPE html><html></html>", providers.CodeBadResponse},
		"text":                 {200, "Slow down", providers.CodeBadResponse},
		"a number":             {200, "17", providers.CodeBadResponse},
		"null":                 {200, "null", providers.CodeBadResponse},
		"goes on":              {200, "[] []", providers.CodeBadResponse},
		"goes on with a text":  {200, "[]x", providers.CodeBadResponse},
		"only numbers":         {200, "[1,2]", providers.CodeBadResponse},
		"nulls":                {200, "[null,null]", providers.CodeBadResponse},
		"a list of lists":      {200, "[[]]", providers.CodeBadResponse},
		"no ids":               {200, `[{"latitude":51.5,"longitude":-0.1,"access":1}]`, providers.CodeBadResponse},
		"two commas":           {200, "[" + site(1, "") + ",," + site(2, "") + "]", providers.CodeBadResponse},
		"open":                 {200, `[{"id":1`, providers.CodeBadResponse},
		"just open":            {200, `[`, providers.CodeBadResponse},
		"deep":                 {200, strings.Repeat("[", 20_000), providers.CodeBadResponse},
		"an object":            {200, `{"message":"something"}`, providers.CodeBadResponse},
		"not to be located":    {200, `{"code":1}`, providers.CodeRejected},
		"ambiguous":            {200, `{"code":2}`, providers.CodeRejected},
		"a broken object":      {200, `{"code":`, providers.CodeBadResponse},
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

func TestAPageForPeopleIsNoDataWhateverItsBodyLooksLike(t *testing.T) {
	t.Parallel()
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "[]")
	}), nil)
	_, err := s.Search(t.Context(), inLondon)
	mustFail(t, err, providers.CodeBadResponse)
}

func TestAnEmptyListIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"[]", " [ ]\n", "\ufeff[]"} {
		s := newSource(t, answering(200, body), nil)
		answer, err := s.Search(t.Context(), inLondon)
		if err != nil || len(answer.Records) != 0 || answer.Truncated || answer.Partial || !answer.FetchedAt.Equal(testNow) {
			t.Errorf("%q: %+v, %v", body, answer, err)
		}
	}
}

func TestABrokenLocationDoesNotSinkTheOthers(t *testing.T) {
	t.Parallel()
	body := "[" + site(1, "") + `,7,"x",null,{"id":"twelve"},` + site(2, "") + "," + site(1, "") + `,
		{"id":3,"access":1},
		{"id":4,"access":1,"latitude":0,"longitude":0},
		{"id":5,"access":1,"latitude":91,"longitude":0},
		{"id":6,"access":1,"latitude":51.5},
		{"id":7,"access":3,"latitude":51.5,"longitude":-0.1},
		{"id":8,"access":"3","latitude":51.5,"longitude":-0.1},
		{"id":9,"icon_type":"H","latitude":51.5,"longitude":-0.1}]`
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
	if !slices.Equal(ids, []string{"1~0", "2~0"}) {
		t.Errorf("records %v, want 1~0 and 2~0", ids)
	}
	if !answer.Partial || answer.Err == nil || answer.Err.Code != providers.CodeBadResponse {
		t.Errorf("partial %t, err %v: four locations were not read", answer.Partial, answer.Err)
	}
	if !strings.Contains(logged.String(), "broken=4 without_position=4") || strings.Contains(logged.String(), "twelve") {
		t.Errorf("logged %s", logged.String())
	}
}

func TestAnAnswerFromSomewhereElseIsSuspect(t *testing.T) {
	t.Parallel()
	s := newSource(t, answering(200, "["+site(1, "")+"]"), nil)
	for _, area := range []providers.Area{
		providers.Bounds{South: 40, West: 1, North: 41, East: 2},
		providers.Around{Center: providers.Point{Lat: 40, Lon: 1}, RadiusM: 1000},
		providers.NewRoute([]providers.Point{{Lat: 40, Lon: 1}, {Lat: 41, Lon: 1}}, 1000),
		providers.NewPolygon([]providers.Point{{Lat: 40, Lon: 1}, {Lat: 41, Lon: 1}, {Lat: 41, Lon: 2}}),
	} {
		_, err := s.Search(t.Context(), providers.Query{Area: area})
		mustFail(t, err, providers.CodeSuspectAnswer)
	}
}

func TestKeyAndSecretGoNowhereElse(t *testing.T) {
	t.Parallel()
	leaked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked = true }))
	defer other.Close()
	asked := 0
	for _, to := range []string{other.URL + "/v3/locations/region", strings.Replace(other.URL, "127.0.0.1", "localhost", 1), "/v3/elsewhere"} {
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, to, http.StatusFound)
		}), nil)
		_, err := s.Search(t.Context(), inLondon)
		if se := failure(t, err, providers.CodeBadResponse); !strings.Contains(se.Message, "redirect") {
			t.Errorf("message %q", se.Message)
		}
	}
	if leaked || asked != 3 {
		t.Errorf("a redirect was followed: %d calls for 3 questions, leaked %t", asked, leaked)
	}
}

func TestNoErrorAndNoLogHoldsKeyOrSecret(t *testing.T) {
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
	_, err = s.Detail(t.Context(), []providers.Key{"plugshare:1~0"})
	mustFail(t, err, providers.CodeNetwork)
	if strings.Contains(logged.String(), testKey) || strings.Contains(logged.String(), testSecret) {
		t.Error("key or secret was logged")
	}
}

func TestTheWaitThatPlugShareAsksForIsRead(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "17": 17 * time.Second, "0.5": 500 * time.Millisecond, "-3": 0, "soon": 0, "1e12": 24 * time.Hour,
		"Fri, 20 Nov 2026 12:00:20 GMT": 20 * time.Second, "Fri, 20 Nov 2026 11:00:20 GMT": 0,
	} {
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		}), nil)
		_, err := s.Search(t.Context(), inLondon)
		if se := failure(t, err, providers.CodeRateLimited); se.RetryAfter != want {
			t.Errorf("Retry-After %q is %v, want %v", header, se.RetryAfter, want)
		}
	}
}

func TestASourceIsRefusedWhatCannotBe(t *testing.T) {
	t.Parallel()
	good := Config{ID: "plugshare", Key: testKey, Secret: testSecret}
	for field, changes := range map[string][]func(*Config){
		"ID":        {func(c *Config) { c.ID = "" }, func(c *Config) { c.ID = "ocm" }, func(c *Config) { c.ID = "plugshare:7" }, func(c *Config) { c.ID = "plugshare:" }},
		"Key":       {func(c *Config) { c.Key = "" }, func(c *Config) { c.Key = "a:b" }, func(c *Config) { c.Key = "a b" }, func(c *Config) { c.Key = strings.Repeat("k", 501) }},
		"Secret":    {func(c *Config) { c.Secret = "" }, func(c *Config) { c.Secret = "ä" }},
		"MaxCalls":  {func(c *Config) { c.MaxCalls = -1 }, func(c *Config) { c.MaxCalls = 65 }},
		"FloorDeg":  {func(c *Config) { c.FloorDeg = -1 }, func(c *Config) { c.FloorDeg = 0.0001 }, func(c *Config) { c.FloorDeg = 91 }},
		"Timeout":   {func(c *Config) { c.Timeout = -time.Second }},
		"UserAgent": {func(c *Config) { c.UserAgent = "a\nb" }},
		"URL": {
			func(c *Config) { c.URL = "ftp://api.plugshare.com" }, func(c *Config) { c.URL = "https://" }, func(c *Config) { c.URL = "://" },
			func(c *Config) { c.URL = "https://k:s@api.plugshare.com" }, func(c *Config) { c.URL = "https://api.plugshare.com?a=b" },
			func(c *Config) { c.URL = "http://api.plugshare.com/v3" }, func(c *Config) { c.URL = "https://api.plugshare.com/#x" },
		},
	} {
		for i, change := range changes {
			cfg := good
			change(&cfg)
			_, err := New(cfg)
			if err == nil || !strings.HasPrefix(err.Error(), "plugshare: "+field+": ") || strings.Contains(err.Error(), testSecret) {
				t.Errorf("%s, case %d: %v", field, i, err)
			}
		}
	}
	for _, cfg := range []Config{
		good,
		{ID: "plugshare:second", Key: testKey, Secret: testSecret, URL: "https://api.plugshare.com"},
		{ID: "plugshare", Key: testKey, Secret: testSecret, URL: "http://127.0.0.1:4101/v3/"},
		{ID: "plugshare", Key: testKey, Secret: testSecret, URL: "http://localhost"},
		{ID: "plugshare", Key: testKey, Secret: testSecret, URL: "http://sandbox:4101", Sandbox: true},
	} {
		if _, err := New(cfg); err != nil {
			t.Errorf("%+v: %v", cfg.URL, err)
		}
	}
}

func TestBothFormsOfTheAddressAreAsked(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]struct {
		path, networks string
		access         []string
	}{
		"":                {"/locations/region", "/v3/networks", []string{"1,2"}},
		"/":               {"/locations/region", "/v3/networks", []string{"1,2"}},
		"/v3":             {"/v3/locations/region", "/v3/networks", []string{"1", "2"}},
		"/v3/":            {"/v3/locations/region", "/v3/networks", []string{"1", "2"}},
		"/proxy/of/us/v3": {"/proxy/of/us/v3/locations/region", "/proxy/of/us/v3/networks", []string{"1", "2"}},
	} {
		var paths []string
		var query url.Values
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, ok := r.BasicAuth()
			if !ok || user != testKey || password != testSecret || r.Header.Get("Accept") != "application/json" || !strings.HasPrefix(r.UserAgent(), "chargegraph") {
				t.Errorf("headers %v", r.Header)
			}
			paths = append(paths, r.URL.Path)
			if strings.HasSuffix(r.URL.Path, "region") {
				query = r.URL.Query()
			}
			_, _ = io.WriteString(w, "[]")
		}), func(cfg *Config) { cfg.URL = strings.TrimSuffix(cfg.URL, "/v3") + base })
		if _, err := s.Search(t.Context(), inLondon); err != nil {
			t.Fatal(err)
		}
		_, _ = s.Reference(t.Context(), "")
		if !slices.Equal(paths, []string{want.path, want.networks}) {
			t.Errorf("%q: asked %v", base, paths)
		}
		if !slices.Equal(query["access"], want.access) || query.Get("count") != "500" {
			t.Errorf("%q: asked with %v", base, query)
		}
	}
}

// takes is a budget that counts what is taken of it, up to limit.
type takes struct{ limit, n atomic.Int64 }

func (b *takes) Take(context.Context) error {
	if b.n.Load() >= b.limit.Load() {
		return &providers.SourceError{Code: providers.CodeBudgetExhausted, Message: "the budget is used up", RetryAfter: time.Minute}
	}
	b.n.Add(1)
	return nil
}
func (b *takes) Pause(time.Time) {}
func (b *takes) State() providers.UpstreamBudget {
	return providers.UpstreamBudget{Limit: int(b.limit.Load()), WindowSeconds: 60, Used: int(b.n.Load())}
}

func TestEveryCallIsTakenOfTheBudget(t *testing.T) {
	t.Parallel()
	var budget takes
	budget.limit.Store(3)
	sim, s := newSandbox(t, func(cfg *Config) { cfg.Budget = &budget })
	whole := search(t, s, inLondon)
	if n := len(sim.Calls()); n == 0 || s.Source().Budget().Used != n {
		t.Errorf("%d calls, and the source tells of %+v", n, s.Source().Budget())
	}
	budget.limit.Store(budget.n.Load())
	_, err := s.Detail(t.Context(), []providers.Key{whole.Records[0].Key})
	mustFail(t, err, providers.CodeBudgetExhausted)
	if _, none := newSandbox(t, nil); none.Source().Budget() != nil {
		t.Error("a budget is told of where none is kept")
	}
}

func TestWhatIsPostedIsAQuestionAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	var bodies []string
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Method+" "+string(body))
		if len(r.Header["X-Idempotency-Key"]) > 0 {
			t.Error("a mark of ours was sent")
		}
		if len(bodies) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, "[]")
	}), nil)
	route := providers.NewRoute([]providers.Point{{Lat: 51, Lon: 0}, {Lat: 52, Lon: 0}}, 5000)
	if _, err := s.Search(t.Context(), providers.Query{Area: route}); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || bodies[0] != bodies[1] || !strings.HasPrefix(bodies[0], "POST {") {
		t.Errorf("asked %q", bodies)
	}
}

func TestWhatPlugShareSaysIsKeptForMinutesInMemory(t *testing.T) {
	t.Parallel()
	_, s := newSandbox(t, nil)
	if want := (providers.Retention{For: 10 * time.Minute, ProcessOnly: true}); s.Source().Retention != want {
		t.Errorf("%+v, want %+v", s.Source().Retention, want)
	}
}

package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chargegraph/loaders/cache/redistest"
	"chargegraph/providers/sandbox"
)

// check runs the command and returns what it prints.
func check(t *testing.T, env map[string]string, text string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, text)
	var out bytes.Buffer
	err := runCheck(t.Context(), []string{"-config", file, "-timeout", "5s"}, func(name string) string { return env[name] }, &out, io.Discard)
	return out.String(), err
}

// line matches a line of the table.
func line(what, result, note string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(what) + ` +` + result + ` .*` + regexp.QuoteMeta(note))
}

func simulators(t *testing.T, cfg sandbox.Config) *sandbox.Server {
	t.Helper()
	cfg.Params = sandbox.DefaultParams()
	cfg.Params.Sites = 2000
	s, err := sandbox.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sourcesOf is the part of a configuration that names the simulators.
func sourcesOf(s *sandbox.Server) string {
	return `
sources:
  - {provider: ocm, url: "` + s.OCMURL() + `", key: "` + s.OCMKey() + `", username: "` + s.OCMUsername() + `", password: "` + s.OCMPassword() + `"}
  - {provider: plugshare, url: "` + s.PlugShareURL() + `", key: "` + s.PlugShareKey() + `", secret: "` + s.PlugShareSecret() + `"}
  - {provider: ocpi, name: hub, url: "` + s.OCPIURL() + `", token: "` + s.OCPIToken() + `"}
  - {provider: ocpplab, url: "` + s.OCPPLABURL() + `", token: "` + s.OCPPLABToken() + `", cpos: ["` + strings.Join(s.OCPPLABCPOs(), `", "`) + `"]}
`
}

func TestCheck_AsksEveryPartOnce(t *testing.T) {
	t.Parallel()
	addr, _ := redistest.Start(t)
	said, err := check(t, nil, sourcesOf(simulators(t, sandbox.Config{}))+`
redis: "redis://`+addr+`"
checkins: {store: "sqlite:`+filepath.Join(t.TempDir(), "checkins.db")+`", secret: "`+strings.Repeat("s", 40)+`"}
auth: {jwt: {issuer: "https://issuer.example", audience: a, jwks: "`+keys(t)+`"}}
`)
	if err != nil {
		t.Errorf("it says %v", err)
	}
	for _, want := range []*regexp.Regexp{
		line("redis", "ok", "it answers"),
		line("source ocm", "ok", "it answers"),
		line("source plugshare", "ok", "it answers"),
		line("source ocpi:hub", "ok", "it answers"),
		line("source ocpplab", "ok", "it answers"),
		line("checkins", "ok", "they can be kept"),
		line("auth.jwt", "ok", "1 keys"),
		line("service", "ok", ""),
	} {
		if !want.MatchString(said) {
			t.Errorf("nothing like %s in\n%s", want, said)
		}
	}
}

// keys publishes the keys of an issuer.
func keys(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCheck_SaysWhatIsWrongAndFails(t *testing.T) {
	t.Parallel()
	s := simulators(t, sandbox.Config{OCMKey: "5ec4e700-0000-4000-8000-00000000000a"})
	said, err := check(t, map[string]string{"REDIS_URL": "redis://127.0.0.1:1"}, `
sources:
  - {provider: ocm, url: "`+s.OCMURL()+`", key: "5ec4e700-0000-4000-8000-00000000000b"}
  - {provider: ocpi, name: away, url: "http://127.0.0.1:1/ocpi"}
  - {provider: ocm, name: copy, mirror: /no/such/file}
checkins: {store: "sqlite:/no/such/folder/checkins.db"}
auth: {jwt: {issuer: "https://issuer.example", audience: a, jwks: "http://127.0.0.1:1/keys"}}
server: {tls: {cert: /no/such/cert, key: /no/such/key}}
`)
	if err == nil || err.Error() != "7 of 7 checks failed" {
		t.Errorf("it says %v", err)
	}
	for _, want := range []*regexp.Regexp{
		line("redis", "FAILED", "connection refused"),
		line("source ocm", "FAILED", "UNAUTHORIZED: Open Charge Map does not accept the configured key"),
		line("source ocpi:away", "FAILED", "NETWORK: the feed cannot be reached"),
		line("source 3, ocm", "FAILED", "no such file"),
		line("checkins", "FAILED", "no such file"),
		line("auth.jwt", "FAILED", "cannot be fetched"),
		line("service", "FAILED", "server.tls: open /no/such/cert"),
	} {
		if !want.MatchString(said) {
			t.Errorf("nothing like %s in\n%s", want, said)
		}
	}
}

func TestCheck_FindsContradictionsAsServeDoes(t *testing.T) {
	t.Parallel()
	mirror := filepath.Join(t.TempDir(), "pois.json")
	write(t, mirror, `[{"ID": 7, "AddressInfo": {"Title": "a", "CountryID": 1, "Latitude": 51.5, "Longitude": -0.1}, "SubmissionStatusTypeID": 200}]`)
	of := "sources:\n  - {provider: ocm, mirror: " + mirror + "}\n"
	for name, test := range map[string]struct{ text, says string }{
		"check-ins that nobody could hand in": {of + `checkins: {store: "sqlite:` + filepath.Join(t.TempDir(), "c.db") + `"}`, "nobody could authenticate"},
		"every origin, with credentials":      {of + `server: {cors: {origins: ["*"], credentials: true}}`, "credentialed access"},
		"overrides that are not there":        {of + `conflation: {overrides: /no/such/file}`, "no such file"},
		"documents that are not there":        {of + `server: {documents: {trusted: /no/such/file}}`, "no such file"},
		"made-up data for everybody":          {`addr: "0.0.0.0:80"`, "loopback addresses only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, err := check(t, nil, test.text)
			if err == nil || !line("service", "FAILED", "").MatchString(said) || !strings.Contains(said, test.says) {
				t.Errorf("it says %v\n%s", err, said)
			}
		})
	}
	t.Run("check-ins that nothing would keep", func(t *testing.T) {
		t.Parallel()
		said, err := check(t, nil, of+"checkins: {lag: 1s}")
		if err == nil || !line("checkins", "FAILED", "checkins are configured, but would be off").MatchString(said) {
			t.Errorf("it says %v\n%s", err, said)
		}
	})
	t.Run("and is content with a mirror", func(t *testing.T) {
		t.Parallel()
		if said, err := check(t, nil, of); err != nil || !line("source ocm", "ok", "1 records are held").MatchString(said) {
			t.Errorf("it says %v\n%s", err, said)
		}
	})
	t.Run("a file that cannot be read at all is an error of its own", func(t *testing.T) {
		t.Parallel()
		if said, err := check(t, nil, "sourcez: []"); err == nil || said != "" {
			t.Errorf("it says %v\n%s", err, said)
		}
	})
}

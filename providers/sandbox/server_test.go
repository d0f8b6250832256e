package sandbox

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	if cfg.OCMFile == "" && cfg.Params.Epoch.IsZero() {
		cfg.Params = smallParams(300)
	}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return s
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAStartedServerAnswersOnLoopbackWithItsKey(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{})
	if !strings.HasPrefix(s.OCMURL(), "http://127.0.0.1:") || !strings.HasSuffix(s.OCMURL(), "/v3") {
		t.Errorf("OCMURL() = %s", s.OCMURL())
	}
	status, body := fetch(t, s.OCMURL()+"/poi?maxresults=5&key="+s.OCMKey())
	var pois []ocmPOI
	if err := json.Unmarshal([]byte(body), &pois); status != 200 || err != nil || len(pois) != 5 {
		t.Errorf("%d, %v, %d records", status, err, len(pois))
	}
	if n := len(s.OCM().Calls()); n != 1 || len(s.World().Sites()) != 300 {
		t.Errorf("%d calls, %d sites", n, len(s.World().Sites()))
	}
}

func TestTheWorldsRecordsAreNotRecentForever(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{Now: func() time.Time { return time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC) }})
	if _, body := fetch(t, s.OCMURL()+"/poi?maxresults=300&compact=true&key="+s.OCMKey()); strings.Contains(body, `"IsRecentlyVerified":true`) {
		t.Error("a record counts as verified recently in 2099")
	}
}

func TestAKeyThatIsSetIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{OCMKey: "11111111-2222-3333-4444-555555555555"})
	if status, _ := fetch(t, s.OCMURL()+"/poi?key="+someKey); status != 403 {
		t.Errorf("another key: %d", status)
	}
	if status, _ := fetch(t, s.OCMURL()+"/poi?key="+s.OCMKey()); status != 200 {
		t.Errorf("its key: %d", status)
	}
}

func TestStartRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	bad := smallParams(10)
	bad.Sites = -1
	wide := smallParams(10)
	wide.PlugShare.GroupM = 500
	for want, cfg := range map[string]Config{
		"not loopback":         {OCMAddr: "0.0.0.0:0"},
		"is not loopback:":     {OCMAddr: ":0"},
		`"192.0.2.1:80" is no`: {OCMAddr: "192.0.2.1:80"},
		"missing port":         {OCMAddr: "127.0.0.1"},
		"Params.Sites":         {Params: bad},
		"GroupM is 500":        {Params: wide},
		"want one of ocm":      {Params: smallParams(1), Faults: []FaultSpec{{Upstream: "teapot", Fault: Hang}}},
		"no such file":         {OCMFile: "testdata/absent.json"},
	} {
		s, err := Start(t.Context(), cfg)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start() = %v, want an error with %q", err, want)
		}
	}
}

func TestFaultsHoldFromTheStartAndCloseLetsHangingRequestsGo(t *testing.T) {
	t.Parallel()
	spec, err := ParseFault("ocm=hang")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Config{Faults: []FaultSpec{spec}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.OCMURL()+"/poi", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := (&http.Client{Transport: transport}).Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	for len(s.OCM().Calls()) == 0 {
		select {
		case <-done:
			t.Fatal("the request did not hang")
		default:
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := startServer(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("Run() = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
}

func TestAFileIsServedWhateverItsForm(t *testing.T) {
	t.Parallel()
	const (
		a = `{"ID":7,"UUID":"A","DataProviderID":1,"StatusTypeID":50,"SubmissionStatusTypeID":200,"AddressInfo":{"ID":1,"Title":"One","CountryID":1,"Latitude":51.5,"Longitude":-0.1,"DistanceUnit":0},"Connections":[{"ID":1,"ConnectionTypeID":33,"Amps":125,"Voltage":400,"CurrentTypeID":30}],"DateCreated":"2020-01-01T00:00:00Z"}`
		b = `{"id":8,"uuid":"B","dataProvider":{"id":4711,"title":"Somebody","isOpenDataLicensed":true},"dataProviderID":4711,"submissionStatusTypeID":100,"addressInfo":{"title":"Two","latitude":48,"longitude":2,"relatedURL":"www.two.example"}}`
	)
	zip := func(s string) string {
		var out strings.Builder
		z := gzip.NewWriter(&out)
		_, _ = z.Write([]byte(s))
		_ = z.Close()
		return out.String()
	}
	for name, text := range map[string]string{
		"array.json": "\ufeff [" + a + ",\n" + b + "]", "lines.jsonl": a + "\n" + b + "\n",
		"array.json.gz": zip("[" + a + "," + b + "]"), "lines.jsonl.gz": zip(a + "\n" + b),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := startServer(t, Config{OCMFile: file})
			if s.World() != nil {
				t.Error("there is a world although a file is served")
			}
			_, body := fetch(t, s.OCMURL()+"/poi?key="+s.OCMKey())
			var pois []ocmPOI
			if err := json.Unmarshal([]byte(body), &pois); err != nil || len(pois) != 2 {
				t.Fatalf("%d records, %v", len(pois), err)
			}
			two, one := pois[0], pois[1]
			if *one.StatusType.Title != "Operational" || *one.Connections[0].PowerKW != 50 || *one.Connections[0].LevelID != 3 || *one.AddressInfo.Country.ISOCode != "GB" {
				t.Errorf("the first record lacks what the service computes: %s", body)
			}
			if *two.DataProvider.Title != "Somebody" || *two.AddressInfo.RelatedURL != "http://www.two.example" {
				t.Errorf("the second record lost something: %s", body)
			}
			if _, body := fetch(t, s.OCMURL()+"/referencedata?key="+s.OCMKey()); !strings.Contains(body, `"Somebody"`) {
				t.Error("reference data lacks the provider that a record carries")
			}
		})
	}
}

func TestAFileThatHoldsSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"text": "hello", "objects": `{"a":1}`, "null": "[null]", "type": `[{"ID":"seven"}]`, "date": `[{"ID":7,"DateCreated":"soon"}]`, "cut": `[{"ID":7`, "gzip": "\x1f\x8bnot really",
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewOCM(nil, OCMOptions{File: file}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: NewOCM() = %v, want an error that names the file", name, err)
		}
	}
	if _, err := NewOCM(nil, OCMOptions{}); err == nil {
		t.Error("NewOCM(nil) has no error")
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := Start(b.Context(), Config{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

package sandbox

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fetchWith is fetch with an Authorization header.
func fetchWith(t *testing.T, url, authorization string) (int, string) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
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

func TestAStartedServerSpeaksOCPIAndOCPPLAB(t *testing.T) {
	t.Parallel()
	var faults []FaultSpec
	for _, text := range []string{"ocpi=429:path=/tariffs", "ocpplab=500:count=1"} {
		spec, err := ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, spec)
	}
	s := startServer(t, Config{Faults: faults, OCPI: OCPIOptions{Encoding: OCPIRaw}})
	if status, body := fetchWith(t, s.OCPIURL(), "Token "+s.OCPIToken()); status != 200 || !strings.Contains(body, strings.TrimSuffix(s.OCPIURL(), "versions")+"2.2.1") {
		t.Errorf("%s: %d %s", s.OCPIURL(), status, body)
	}
	if status, _ := fetchWith(t, s.OCPIURL(), "Token wrong"); status != 401 {
		t.Errorf("a wrong token: %d", status)
	}
	if status, _ := fetchWith(t, strings.TrimSuffix(s.OCPIURL(), "versions")+"2.2.1/tariffs", "Token "+s.OCPIToken()); status != 429 {
		t.Errorf("a fault from the start: %d", status)
	}
	for _, want := range []int{500, 200} {
		status, body := fetchWith(t, s.OCPPLABURL()+"/ocpi/cpos", "Bearer "+s.OCPPLABToken())
		if status != want || want == 200 && !strings.Contains(body, `"ocpi_peer_url":"`+s.OCPIURL()+`"`) {
			t.Errorf("CPOs: %d %s, want %d", status, body, want)
		}
	}
	if status, _ := fetchWith(t, s.OCPPLABURL()+"/ocpi/cpos", "Bearer wrong"); status != 401 {
		t.Errorf("a wrong token: %d", status)
	}
	if ids := s.OCPPLABCPOs(); !slices.Equal(ids, []string{"101", "102", "103"}) {
		t.Errorf("OCPPLABCPOs() = %v", ids)
	}
	if len(s.OCPI().Calls()) != 3 || len(s.OCPPLAB().Calls()) != 3 || len(s.OCM().Calls()) != 0 {
		t.Errorf("%d, %d and %d calls", len(s.OCPI().Calls()), len(s.OCPPLAB().Calls()), len(s.OCM().Calls()))
	}
	open := startServer(t, Config{OCPI: OCPIOptions{Style: OCPIArray}})
	if status, body := fetch(t, strings.TrimSuffix(open.OCPIURL(), "versions")+"2.2.1/locations"); open.OCPIToken() != "" || status != 200 || !strings.HasPrefix(body, "[{") {
		t.Errorf("open data with token %q: %d %.80s", open.OCPIToken(), status, body)
	}
}

func TestBesideARecordingNothingIsMadeUp(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "feed.json")
	if err := os.WriteFile(file, []byte(`[{"id":"only"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Config{OCPI: OCPIOptions{File: file}})
	if status, body := fetchWith(t, strings.TrimSuffix(s.OCPIURL(), "versions")+"2.2.1/locations/only", "Token bWFkZS11cC1vY3BpLXRva2Vu"); status != 200 || !strings.Contains(body, `{"id":"only"}`) {
		t.Errorf("the recording: %d %s", status, body)
	}
	if _, body := fetch(t, s.OCMURL()+"/poi?key="+s.OCMKey()); body != "[]" {
		t.Errorf("Open Charge Map: %s", body)
	}
	if _, body := fetchWith(t, s.OCPPLABURL()+"/ocpi/cpos/101/locations", "Bearer "+s.OCPPLABToken()); !strings.Contains(body, `"total":0`) {
		t.Errorf("OCPPLAB: %s", body)
	}
	if s.World() != nil {
		t.Error("there is a world beside a recording")
	}
}

func TestStartRefusesWhatTheOtherUpstreamsCannotDo(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"not loopback":        {OCPIAddr: "0.0.0.0:0"},
		"is not loopback:":    {OCPPLABAddr: ":0"},
		"OCPIOptions.Version": {OCPI: OCPIOptions{Version: "3.0"}},
		"OCPPLABOptions.TTL":  {OCPPLAB: OCPPLABOptions{TTL: -1}},
		"no such file":        {OCPPLAB: OCPPLABOptions{File: "testdata/absent.json"}},
		"want one of":         {Faults: []FaultSpec{{Upstream: "nobody", Fault: Hang}}},
	} {
		cfg.Params = smallParams(1)
		s, err := Start(t.Context(), cfg)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start() = %v, want an error with %q", err, want)
		}
	}
}

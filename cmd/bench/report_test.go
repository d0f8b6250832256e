package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sampleOf(answers int, cpu time.Duration) sample {
	s := sample{cpu: cpu}
	s.answers, s.took, s.bytes = answers, 2*time.Second, int64(answers*1000)
	for i := range answers {
		s.latency = append(s.latency, time.Duration(i+1)*time.Millisecond)
	}
	s.up = passed{int64(answers / 2), int64(answers * 100)}
	return s
}

func TestAReportSaysWhatIsMetMissedAndUnknown(t *testing.T) {
	t.Parallel()
	r := &rig{options: options{total: time.Minute, sites: 10, seed: 1, cacheMB: 256}, notes: []string{"a remark"}}
	rep := r.newReport()
	m := sampleOf(100, 50*time.Millisecond)
	rep.row("W1-20", m)
	rep.leftOut("W1-100 B", "redis-server not installed")
	rep.atMost("met at the limit", "ms", m.cpuMS(), 0.5, "0.18")
	rep.atMost("missed", "ms", m.cpuMS(), 0.49, "")
	rep.unknown("unknown", "ms", 1, "", "redis-server not installed")
	rep.exactlyOne("exact", 1, 1, "53")
	rep.exactlyOne("too many", 1, 3, "53")
	rep.exactlyOne("too few", 0, 1, "53")
	rep.memory(peak{megabytes: 353}, 256)
	rep.fail("W5", errors.Join(errors.New("one"), errors.New("two")))

	var out bytes.Buffer
	if err := rep.write(&out); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"met at the limit": "met", "missed": "missed", "unknown": "not measured: redis-server not installed",
		"exact": "met", "too many": "missed", "too few": "missed", "memory": "missed", "FAILED W5: one; two": "", "note: a remark": "",
		"2 of 7 goals met": "",
	}
	for start, end := range want {
		found := false
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSpace(line)
			found = found || strings.HasPrefix(line, start) && strings.HasSuffix(line, end)
		}
		if !found {
			t.Errorf("no line %q … %q in\n%s", start, end, &out)
		}
	}

	file := filepath.Join(t.TempDir(), "bench.json")
	if err := rep.save(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err = json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	row := got.Rows[0]
	if row.Requests != 100 || row.PerSecond != 50 || *row.CPUMs != 0.5 || row.P50Ms != 50 || row.P99Ms != 99 || row.CallsPerQuery != 0.5 || row.BytesPerQuery != 100 || row.AnswerBytes != 1000 {
		t.Errorf("%+v", row)
	}
	if got.Goals[2].Value != nil || got.Goals[2].Met || *got.Goals[5].Value != 0 || *got.Goals[4].Value != 3 || *got.CacheMB != 256 {
		t.Errorf("%s", text)
	}
}

func TestAFigureThatIsUnknownIsNeverMet(t *testing.T) {
	t.Parallel()
	r := &rig{}
	rep := r.newReport()
	lost := sampleOf(10, 0)
	lost.cpuErr = errors.New("no /proc")
	rep.row("lost", lost)
	rep.atMost("CPU", "ms", lost.cpuMS(), 1, "")
	rep.atMost("ratio", "", lost.cpuMS().over(known(1)), 2, "")
	rep.atMost("ratio", "", known(1).over(known(0)), 2, "")
	rep.memory(peak{err: errors.New("no /proc")}, 256)
	for _, g := range rep.Goals {
		if g.Met || g.Value != nil || g.Why == "" {
			t.Errorf("%+v", g)
		}
	}
	if rep.Rows[0].CPUMs != nil {
		t.Error("CPU that was not read stands in the report")
	}
	if err := rep.verdict(true); err != nil {
		t.Errorf("what cannot be measured here fails: %v", err)
	}
}

func TestTheVerdict(t *testing.T) {
	t.Parallel()
	rep := (&rig{}).newReport()
	rep.atMost("goal", "", known(2), 1, "")
	if err := rep.verdict(false); err != nil {
		t.Errorf("a missed goal fails: %v", err)
	}
	if err := rep.verdict(true); err == nil {
		t.Error("a missed goal does not fail a strict run")
	}
	rep.fail("W2", errors.New("no Redis"))
	if err := rep.verdict(false); err == nil {
		t.Error("a workload that could not be measured does not fail")
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{
		0: "0", 0.0449: "0.0449", 0.00012: "1.2e-04", 1: "1", 12.345: "12.3", 99.96: "100", 123.4: "123", 18212.7: "18213", -2.5: "-2.5",
	} {
		if got := number(f); got != want {
			t.Errorf("%v is written %s, want %s", f, got, want)
		}
	}
}

func TestTheConfigurationOfAServer(t *testing.T) {
	t.Parallel()
	r := &rig{options: options{cacheMB: 64, source: "client: bench"}, unknown: make(map[string]bool), proxy: &proxy{url: "http://127.0.0.1:1/v3"}, extra: "conflation: {overrides: x}\n"}
	want := `addr: 127.0.0.1:2
cache: {maxBytes: 64MB}
auth: {public: {costPerSecond: 1000000000, burst: 1000000000, concurrent: 1000}}
sources:
  - {provider: ocm, url: "http://127.0.0.1:1/v3", key: "` + ocmKey + `", budget: {calls: 100000, per: 1m}, client: bench}
conflation: {overrides: x}
`
	if got := r.config("127.0.0.1:2"); got != want {
		t.Errorf("%s", got)
	}
	r.unknown["cache"], r.unknown["auth"], r.unknown["budget"], r.source, r.extra = true, true, true, "", ""
	want = "addr: 127.0.0.1:2\nsources:\n  - {provider: ocm, url: \"http://127.0.0.1:1/v3\", key: \"" + ocmKey + "\"}\n"
	if got := r.config("127.0.0.1:2"); got != want {
		t.Errorf("%s", got)
	}
}

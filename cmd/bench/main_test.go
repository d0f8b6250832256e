package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == plainCommand { // bench starts itself as the plain handler
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestFlagsThatMakeNoSenseAreRefusedBeforeAnythingIsStarted(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-only W9":             `there is no workload "W9"`,
		"-time 0s":             "write a time above 0",
		"-sites 0":             "a world without sites",
		"-cache 0":             "at least 1 MB",
		"more":                 "takes no arguments",
		"-binary /nowhere/cg":  "make build",
		"-binary . -with /no/": "-with",
	} {
		var out, log bytes.Buffer
		if err := run(t.Context(), strings.Fields(args), &out, &log); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// watcher calls seen once, when text has been written to it.
type watcher struct {
	mu   sync.Mutex
	all  bytes.Buffer
	text string
	seen func()
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.all.Write(b)
	if w.seen != nil && strings.Contains(w.all.String(), w.text) {
		w.seen()
		w.seen = nil
	}
	return n, err
}

// build returns a chargegraph to measure.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "chargegraph")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "chargegraph/cmd/chargegraph").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return binary
}

func TestItMeasuresAndLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a world, Redis and servers")
	}
	binary, left := build(t), t.TempDir()
	t.Setenv("TMPDIR", left)
	file := filepath.Join(t.TempDir(), "bench.json")

	t.Run("a whole run", func(t *testing.T) {
		var out bytes.Buffer
		log := new(watcher)
		if err := run(t.Context(), []string{"-binary", binary, "-time", "2s", "-sites", "6000", "-only", "w4", "-json", file}, &out, log); err != nil {
			t.Fatalf("%v\n%s%s", err, &log.all, &out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got report
		if err = json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Rows) != 2 || got.Rows[0].Name != "W4 seen" || got.Rows[1].Name != "W4 unseen" {
			t.Fatalf("the workloads are %+v", got.Rows)
		}
		for _, row := range got.Rows {
			if row.Requests == 0 || row.P50Ms <= 0 || row.P99Ms < row.P50Ms || row.AnswerBytes < 100 {
				t.Errorf("%+v", row)
			}
			if row.CPUMs != nil && *row.CPUMs <= 0 {
				t.Errorf("%s cost no CPU", row.Name)
			}
		}
		// A POI that nobody has seen cannot be had without a call.
		if got.Rows[1].UpstreamCalls < int64(got.Rows[1].Requests) {
			t.Errorf("%d calls for %d unseen POIs", got.Rows[1].UpstreamCalls, got.Rows[1].Requests)
		}
		for _, want := range []string{"W4 seen, upstream calls", "W4 unseen, CPU per request", "memory: peak RSS", "goals met"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the report does not say %q:\n%s", want, &out)
			}
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		log := &watcher{text: "W4:", seen: cancel}
		if err := run(ctx, []string{"-binary", binary, "-sites", "1000", "-only", "w4"}, new(bytes.Buffer), log); err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("it says %v", err)
		}
	})
	if files, err := os.ReadDir(left); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v %v", files, err)
	}
}

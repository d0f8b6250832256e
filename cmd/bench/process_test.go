package main

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCoresAreReadAsTheKernelWritesThem(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]int{
		"0-1": {0, 1}, "3": {3}, "0-2,5,7-8": {0, 1, 2, 5, 7, 8}, "": nil, "x,4,2-y": {4},
	} {
		if got := parseCores(list); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", list, got, want)
		}
	}
}

func shell(t *testing.T, script string) *process {
	t.Helper()
	p, err := start(context.WithoutCancel(t.Context()), command{name: "the script", path: "sh", args: []string{"-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func TestAProgramThatEndsTellsWhatItSaid(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo out of coffee >&2; exit 3")
	err := p.wait(t.Context(), func(context.Context) error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "out of coffee") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("it says %v", err)
	}
	p.stop() // a second end is none
}

func TestAProgramThatRunsIsMeasuredAndStopped(t *testing.T) {
	t.Parallel()
	p := shell(t, "while :; do :; done")
	if runtime.GOOS == "linux" {
		waitFor := func(ctx context.Context) error {
			d, err := p.cpu()
			if err == nil && d < 10*time.Millisecond {
				err = errors.New("it has not worked yet")
			}
			return err
		}
		if err := p.wait(t.Context(), waitFor); err != nil {
			t.Error(err)
		}
		if mb, err := p.peakMB(); err != nil || mb < 0.1 || mb > 100 {
			t.Errorf("a shell has %v MB: %v", mb, err)
		}
	}
	if err := p.ended(); err != nil {
		t.Errorf("it runs: %v", err)
	}
	p.stop()
	if err := p.ended(); err == nil {
		t.Error("it was stopped and runs")
	}
	if _, err := p.peakMB(); err == nil {
		t.Error("a program that has ended has memory")
	}
}

func TestAProgramThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := start(t.Context(), command{name: "nobody", path: "/nowhere/nobody"}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("it says %v", err)
	}
}

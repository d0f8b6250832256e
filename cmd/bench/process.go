package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chargegraph/cmd/internal/child"
)

// process is a program that bench started.
type process struct {
	name string
	cmd  *exec.Cmd
	said child.Tail
	done chan struct{} // closed when it has ended
	err  error         // of its end; read after done
}

// command is how a program is started.
type command struct {
	name   string // what it is called in messages
	cores  string // taskset's list of cores to keep to; "" is all
	env    []string
	stdout io.Writer
	path   string
	args   []string
}

// start starts a program that ends with ctx, with stop, or with the thread that
// called start, whichever is first.
func start(ctx context.Context, c command) (*process, error) {
	path, args := c.path, c.args
	if c.cores != "" {
		path, args = "taskset", append([]string{"-c", c.cores, path}, args...)
	}
	p := &process{name: c.name, done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, path, args...) //nolint:gosec // the person at the keyboard names the binary
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Stdout, p.cmd.Stderr = c.stdout, &p.said
	p.cmd.SysProcAttr = childAttributes()
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTime
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stopTime is how long a program may take to end by itself.
const stopTime = 5 * time.Second

// stop ends the program and returns when it has ended. It may be called twice.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// ended returns how the program ended and the last it said; nil while it runs.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %w; the last it said:\n%s", p.name, errOr(p.err, "exit status 0"), p.said.String())
	default:
		return nil
	}
}

func errOr(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return err
}

// startTime is how long a program may take until it answers; the largest world
// takes half of it to make.
const startTime = 60 * time.Second

// wait returns once ready gives nil.
func (p *process) wait(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.ended()
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer after %v: %w; the last it said:\n%s", p.name, startTime, err, p.said.String())
		case <-tick.C:
		}
	}
}

// cpu returns the user and system time that the program has used. All its
// threads are counted that live: those of a Go program do not end.
func (p *process) cpu() (time.Duration, error) {
	// The nanoseconds of schedstat, because stat knows hundredths of a second only.
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return 0, fmt.Errorf("no /proc/%d/task/*/schedstat: CPU is read on Linux only", p.cmd.Process.Pid)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // below /proc
		if err != nil {
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
				continue // a thread that has just ended
			}
			return 0, err
		}
		onCPU, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(onCPU, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// peakMB returns the most memory that the program ever had resident, in MB of
// 2^20 bytes, as the configuration counts them.
func (p *process) peakMB() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("resident memory is read on Linux only: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc: the program has ended")
}

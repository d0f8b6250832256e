package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"chargegraph/cmd/internal/child"
)

// startTime is how long a program may take until it answers, on a busy machine.
const startTime = 30 * time.Second

// process is a program that crash started.
type process struct {
	name  string
	cmd   *exec.Cmd
	said  child.Tail
	ended chan struct{} // closed when it has
}

// start starts a program. Whoever starts it kills it.
func start(name, path string, args ...string) (*process, error) {
	p := &process{name: name, ended: make(chan struct{})}
	p.cmd = exec.Command(path, args...) //nolint:gosec,noctx // the person at the keyboard names it; it is killed, never asked to end
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // it was killed, or said why it ended
		close(p.ended)
	}()
	return p, nil
}

// kill ends the program without warning, and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.ended
}

// wait returns once ready gives nil, the program has ended, or ctx has.
func (p *process) wait(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended by itself; the last it said:\n%s", p.name, p.said.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w; the last it said:\n%s", p.name, err, p.said.String())
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

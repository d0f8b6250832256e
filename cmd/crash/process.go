package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"time"
)

// startTime is how long a program may take until it answers, on a busy machine.
const startTime = 30 * time.Second

// process is a program that crash started.
type process struct {
	name  string
	cmd   *exec.Cmd
	said  tail
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

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailBytes is enough for the last lines of a log and the start of a stack.
const tailBytes = 8 << 10

// Write implements io.Writer; it never fails.
func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(text), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}

// freeAddr returns a loopback address on which nobody listens. Somebody else may
// take it before it is used; the start fails and says so then.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
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

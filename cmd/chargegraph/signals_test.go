package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestASecondSignalEndsItAtOnce: the first one lets a request finish that may
// take ten seconds, the second one does not.
func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), self, "-addr", "127.0.0.1:0", "-sites", "100")
	cmd.Env = append(os.Environ(), asProgram+"=1", "TMPDIR="+t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	lines, api := bufio.NewScanner(stderr), regexp.MustCompile(`API +http://(\S+)/graphql`)
	for addr == "" && lines.Scan() {
		if m := api.FindStringSubmatch(lines.Text()); m != nil {
			addr = m[1]
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, _ = io.Copy(io.Discard, stderr)
		ended <- cmd.Wait()
	}()
	under := unfinished(t, addr)
	defer func() { _ = under.Close() }()

	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err = <-ended:
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				t.Fatalf("it ended by itself, after %v: %v", time.Since(began), err)
			}
			if how, ok := exit.Sys().(syscall.WaitStatus); !ok || !how.Signaled() || how.Signal() != syscall.SIGTERM {
				t.Errorf("it ended after %v with %v, want by the signal", time.Since(began), err)
			}
			return
		case <-tick.C:
		}
	}
}

// unfinished begins a request whose body never ends, and returns once the
// service waits for it.
func unfinished(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	const head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
	if _, err = io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("it does not want the body: %q, %v", line, err)
	}
	return conn
}

func TestAReloadRefusesWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	p := &process{fixed: config{Addr: "127.0.0.1:1"}}
	for name, change := range map[string]func(*config){
		"addr":       func(c *config) { c.Addr = "127.0.0.1:2" },
		"redis":      func(c *config) { c.Redis = "redis://127.0.0.1:1" },
		"checkins":   func(c *config) { c.CheckIns.Store = "off" },
		"cache":      func(c *config) { c.Cache.MaxBytes = 1 << 30 },
		"metrics":    func(c *config) { c.Metrics.Addr = "off" },
		"server.tls": func(c *config) { c.Server.TLS.Cert, c.Server.TLS.Key = "cert.pem", "key.pem" },
	} {
		cfg := config{Addr: "127.0.0.1:1", Sources: []sourceConfig{{Provider: "ocm", Mirror: "x"}}}
		change(&cfg)
		if err := p.reload(t.Context(), &front{}, cfg); err == nil || !strings.HasPrefix(err.Error(), name+" cannot be") || !strings.HasSuffix(err.Error(), "restart it") {
			t.Errorf("a change of %s says %v", name, err)
		}
	}
}

// The end of the program takes apart what a reload works with.
func TestTheEndWaitsForAReload(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	reloaded := false
	stop := onHangUp(func() {
		close(began)
		<-release
		reloaded = true
	})
	sendHangUp(t)
	<-began
	go close(release)
	stop()
	if !reloaded {
		t.Error("it did not wait")
	}
}

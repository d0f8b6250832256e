// Package redistest starts real Redis servers for tests and does to them what
// befalls one in production: it is killed, restarted, frozen, flushed and filled.
package redistest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience bounds every wait: a server on a busy machine starts within it.
const patience = 20 * time.Second

// Server is one redis-server process that keeps nothing on disk. Its methods end
// the test when they fail, and belong to the goroutine of the test.
type Server struct {
	t    testing.TB
	addr string
	conf string // lines of a configuration file; empty: none
	args []string
	cmd  *exec.Cmd
}

// Start starts a server on a free port of 127.0.0.1, with args added to its
// command line, until the test ends. It skips the test when redis-server is not
// installed, except in CI.
func Start(tb testing.TB, args ...string) (addr string, ctl *Server) {
	tb.Helper()
	s := &Server{t: tb, args: append([]string{"--save", "", "--appendonly", "no"}, args...)}
	s.run()
	return s.addr, s
}

// StartSentinel is Start for a Sentinel that watches master under a name.
func StartSentinel(tb testing.TB, name string, master *Server) (addr string, ctl *Server) {
	tb.Helper()
	host, port, err := net.SplitHostPort(master.addr)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{t: tb, conf: fmt.Sprintf("sentinel monitor %s %s %s 1\n", name, host, port), args: []string{"--sentinel"}}
	s.run()
	return s.addr, s
}

// run starts the process for as long as the test runs.
func (s *Server) run() {
	t := s.t
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed")
		}
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	t.Cleanup(s.stop)
	var err error
	for range 5 { // the port may be taken between its choice and its use
		if s.addr, err = freePort(t); err != nil {
			continue
		}
		if err = s.start(); err == nil {
			return
		}
	}
	t.Fatalf("redis-server: %v", err)
}

func freePort(tb testing.TB) (string, error) {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *Server) start() error {
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return err
	}
	dir := s.t.TempDir()
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", dir}, s.args...)
	if s.conf != "" {
		file := filepath.Join(dir, "redis.conf")
		if err := os.WriteFile(file, []byte(s.conf), 0o600); err != nil {
			return err
		}
		args = append([]string{file}, args...)
	}
	cmd := exec.Command("redis-server", args...) //nolint:gosec,noctx // a test's own arguments; stopped by stop
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	deadline := time.After(patience)
	for {
		if reply, err := s.try("PING"); err == nil && reply == "PONG" {
			return nil
		}
		select {
		case err := <-ended:
			s.cmd = nil
			return fmt.Errorf("%w: %s", errors.Join(err, errors.New("ended at once")), out.String())
		case <-deadline:
			s.stop()
			return errors.New("does not answer")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *Server) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // also when it is frozen
		s.cmd = nil
	}
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.addr }

// URL returns what REDIS_URL would be.
func (s *Server) URL() string { return "redis://" + s.addr }

// Kill ends the process without warning.
func (s *Server) Kill() {
	s.t.Helper()
	s.stop()
	deadline := time.Now().Add(patience)
	for {
		if _, err := s.try("PING"); err != nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("redis-server survives being killed")
		}
	}
}

// Restart starts a killed server again at the same address, empty.
func (s *Server) Restart() {
	s.t.Helper()
	s.stop()
	var err error
	for range 5 { // the port may not be free at once
		if err = s.start(); err == nil {
			return
		}
	}
	s.t.Fatalf("redis-server: %v", err)
}

// Freeze stops the process where it stands: connections stay open, and nothing
// is answered until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
}

// Do sends one command and returns its reply as text, lists line by line.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	reply, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("redis %s: %v", args[0], err)
	}
	return reply
}

func (s *Server) try(args ...string) (string, error) {
	// go-redis would tell standard error that nobody is there.
	conn, err := net.DialTimeout("tcp", s.addr, patience) //nolint:noctx // bounded
	if err != nil {
		return "", err
	}
	_ = conn.Close()
	client := redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	list := make([]any, len(args))
	for i, a := range args {
		list[i] = a
	}
	reply, err := client.Do(ctx, list...).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if lines, ok := reply.([]any); ok {
		text := make([]string, len(lines))
		for i, l := range lines {
			text[i] = fmt.Sprint(l)
		}
		return strings.Join(text, "\n"), err
	}
	return fmt.Sprint(reply), err
}

// Flush removes everything.
func (s *Server) Flush() { s.t.Helper(); s.Do("FLUSHALL") }

// MaxMemory makes the server refuse writes beyond so many bytes; 0: no bound.
func (s *Server) MaxMemory(bytes int) {
	s.t.Helper()
	s.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	s.Do("CONFIG", "SET", "maxmemory", strconv.Itoa(bytes))
}

// Monitor records every command that reaches the server from now on, as MONITOR
// shows it, those of scripts included. The returned function gives what was
// recorded until its call.
func (s *Server) Monitor() (seen func() string) {
	s.t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(s.t.Context(), "tcp", s.addr)
	if err != nil {
		s.t.Fatalf("redis monitor: %v", err)
	}
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		s.t.Fatalf("redis monitor: %v", err)
	}
	lines := bufio.NewReader(conn)
	if ok, err := lines.ReadString('\n'); err != nil || ok != "+OK\r\n" {
		s.t.Fatalf("redis monitor: %q, %v", ok, err)
	}
	var mu sync.Mutex
	var text strings.Builder
	arrived := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				close(arrived)
				return
			}
			mu.Lock()
			text.WriteString(line)
			mu.Unlock()
			if strings.Contains(line, `"ECHO" "end of `) {
				arrived <- line
			}
		}
	})
	s.t.Cleanup(func() {
		_ = conn.Close()
		reading.Wait()
	})
	calls := 0
	return func() string {
		s.t.Helper()
		calls++
		mark := "end of " + strconv.Itoa(calls)
		s.Do("ECHO", mark)
		for {
			select {
			case line, open := <-arrived:
				if !open {
					s.t.Fatal("redis monitor: connection lost")
				}
				if strings.Contains(line, mark) {
					mu.Lock()
					defer mu.Unlock()
					return text.String()
				}
			case <-time.After(patience):
				s.t.Fatal("redis monitor: nothing arrives")
			}
		}
	}
}

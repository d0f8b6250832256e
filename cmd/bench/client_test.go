package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/cmd/internal/child"
)

const wholeAnswer = `{"data":{"pois":{"sources":[{"outcome":"OK"}],"nodes":[]}}}`

// serve starts an HTTP server and returns its host:port.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// serveRaw answers the first request of each connection with text and closes it.
func serveRaw(t *testing.T, text string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
			}
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestClientReadsWhatNetHTTPWrites(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/graphql" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %v %v", r.Method, r.URL, r.Header, err)
		}
		switch string(body) {
		case "chunked":
			for range 3 {
				_, _ = io.WriteString(w, strings.Repeat("x", 70_000))
				_ = http.NewResponseController(w).Flush()
			}
		case "bad":
			http.Error(w, "no", http.StatusBadRequest)
		default:
			_, _ = w.Write(body)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c, err := dial(t.Context(), strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, step := range []struct {
		body, want string
		status     int
	}{
		{"hello", "hello", 200},
		{"chunked", strings.Repeat("x", 210_000), 200},
		{"bad", "no\n", 400},
		{"", "", 200},
		{"again", "again", 200},
	} {
		status, body, err := c.post(request(step.body))
		if err != nil || status != step.status || string(body) != step.want {
			t.Errorf("%s: %d, %d bytes, %v", step.body, status, len(body), err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for five requests", n)
	}
}

func TestClientTellsWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":             "",
		"no HTTP":             "garbage\r\n\r\n",
		"no status":           "HTTP/1.1 abc OK\r\n\r\n",
		"cut in the head":     "HTTP/1.1 200 OK\r\nContent-",
		"cut in the body":     "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123",
		"no length":           "HTTP/1.1 200 OK\r\n\r\n123",
		"a length below zero": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"a huge length":       "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"a broken chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"a huge chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := dial(t.Context(), serveRaw(t, text))
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			if status, body, err := c.post(request("{}")); err == nil {
				t.Errorf("%d %q", status, body)
			}
		})
	}
}

func TestDriveAsksEachQuestionOnceAndCounts(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, wholeAnswer)
	})
	questions := make([][]byte, 25)
	for i := range questions {
		questions[i] = request(fmt.Sprint(i))
	}
	got, err := drive(t.Context(), load{addrs: []string{addr}, clients: 4, next: inTurn(deal(questions, 4))})
	if err != nil || got.err() != nil {
		t.Fatal(err, got.err())
	}
	if got.answers != 25 || asked.Load() != 25 || len(got.latency) != 25 || got.bytes != int64(25*len(wholeAnswer)) || got.timedOut || got.took <= 0 {
		t.Errorf("asked %d, %+v", asked.Load(), got)
	}
}

func TestDriveSpreadsClientsOverServersThatAllBeginAtOnce(t *testing.T) {
	t.Parallel()
	const clients = 8
	here := make(chan struct{}, clients)
	all := make(chan struct{})
	handler := func(w http.ResponseWriter, r *http.Request) {
		here <- struct{}{}
		if len(here) == clients { // the last one lets all of them go
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, wholeAnswer)
	}
	var counts [2]atomic.Int32
	addrs := make([]string, 2)
	for i := range addrs {
		addrs[i] = serve(t, func(w http.ResponseWriter, r *http.Request) {
			counts[i].Add(1)
			handler(w, r)
		})
	}
	got, err := drive(t.Context(), load{addrs: addrs, clients: clients, next: inTurn(deal(repeat(request("{}"), clients), clients))})
	if err != nil || got.err() != nil || got.answers != clients {
		t.Fatal(err, got)
	}
	if a, b := counts[0].Load(), counts[1].Load(); a != clients/2 || b != clients/2 {
		t.Errorf("%d and %d", a, b)
	}
}

func repeat(question []byte, n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = question
	}
	return all
}

func TestDriveEndsInTime(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, wholeAnswer) })
	got, err := drive(t.Context(), load{
		addrs: []string{addr}, clients: 2, limit: 50 * time.Millisecond, next: func(int, int) []byte { return request("{}") },
	})
	if err != nil || got.err() != nil || !got.timedOut || got.took < 50*time.Millisecond {
		t.Errorf("%v %v %v after %v", err, got.err(), got.timedOut, got.took)
	}
}

func TestDriveReportsWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"status 500":      "",
		"TIMED_OUT":       `{"data":{"pois":{"sources":[{"outcome":"TIMED_OUT"}],"nodes":[]}}}`,
		"no whole":        `{"errors":[{"message":"no"}],"data":{"pois":{"sources":[{"outcome":"OK"}]}}}`,
		"no whole answer": `{"data":null}`,
	} {
		addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if answer == "" {
				w.WriteHeader(http.StatusInternalServerError)
			}
			_, _ = io.WriteString(w, answer)
		})
		got, err := drive(t.Context(), load{addrs: []string{addr}, clients: 1, next: inTurn([][][]byte{repeat(request("{}"), 3)})})
		want := strings.TrimSuffix(name, " answer")
		if err != nil || got.refused != 3 || got.answers != 0 || got.err() == nil || !strings.Contains(got.err().Error(), want) {
			t.Errorf("%s: %v %v", name, err, got.err())
		}
	}
}

func TestDriveEndsWhenItsContextDoes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("enough")
	addr := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices that the client goes once all is read
		cancel(ended)
		<-r.Context().Done()
	})
	if _, err := drive(ctx, load{addrs: []string{addr}, clients: 3, next: func(int, int) []byte { return request("{}") }}); !errors.Is(err, ended) {
		t.Errorf("it says %v", err)
	}
}

func TestDriveNeedsAServer(t *testing.T) {
	t.Parallel()
	addr, err := child.FreeAddr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = drive(t.Context(), load{addrs: []string{addr}, clients: 1}); err == nil {
		t.Error("nobody listens, and it drives")
	}
}

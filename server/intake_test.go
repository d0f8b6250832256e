package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"chargegraph/server"
	"chargegraph/server/access"
)

// ledger is a limiter that lets everything through and adds it up.
type ledger struct {
	mu    sync.Mutex
	taken float64
}

func (l *ledger) Take(_ context.Context, _ string, cost float64, _ access.Limit) (access.Decision, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken += cost
	return access.Decision{OK: true}, nil
}

func (l *ledger) since(before float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken - before
}

func TestIntake_ChargesForReading(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	h, _ := newHandler(t, titled, gated(true), func(c *server.Config) { c.Limiter = l })
	for _, test := range []struct {
		name, body string
		least      float64
		most       float64
	}{
		{"a document that is not valid", `{"query":"{ ` + strings.Repeat("nothing ", 1000) + `}"}`, 1500, 1600},
		{"the same once more", `{"query":"{ ` + strings.Repeat("nothing ", 1000) + `}"}`, 1500, 1600},
		{"a valid document", `{"query":"{ __typename } #` + strings.Repeat("x", 8000) + `"}`, 1500, 1600},
		{"the same once more, which is known", `{"query":"{ __typename } #` + strings.Repeat("x", 8000) + `"}`, 500, 550},
		{"variables that nobody asked for", `{"query":"{ __typename }","variables":{"x":"` + strings.Repeat("x", 16_000) + `"}}`, 1000, 1020},
	} {
		before := l.since(0)
		post(h, test.body)
		if took := l.since(before); took < test.least || took > test.most {
			t.Errorf("%s: it is charged %v, want %v to %v", test.name, took, test.least, test.most)
		}
	}
}

func TestIntake_RefusesShapesThatTakeLongToDecode(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	in := func(variable string) string { return `{"query":"{ __typename }","variables":{"x":` + variable + `}}` }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, test := range []struct {
		name, body, limit string
	}{
		{"100 deep", in(nested(98)), ""},
		{"101 deep", in(nested(99)), "nesting"},
		{"brackets in a string", in(`"` + strings.Repeat(`[{,`, 50_000) + `"`), ""},
		{"brackets after a quote in a string", in(`"\"` + strings.Repeat(`[{,`, 50_000) + `"`), ""},
		{"40,000 values", in(`[` + strings.Repeat("0,", 39_995) + `0]`), ""},
		{"40,001 values", in(`[` + strings.Repeat("0,", 39_996) + `0]`), "values"},
		{"70,000 members", `{` + strings.Repeat(`"a":0,`, 70_000) + `"query":"{ __typename }"}`, "values"},
	} {
		r := decode(t, post(h, test.body))
		if test.limit == "" {
			if r.Status != http.StatusOK || len(r.Errors) > 0 {
				t.Errorf("%s: it is refused: %+v", test.name, r)
			}
			continue
		}
		if e := onlyError(t, r); r.Status != http.StatusBadRequest || e.code() != "LIMIT_EXCEEDED" || e.Extensions["limit"] != test.limit {
			t.Errorf("%s: answer is %d %+v, want 400 by %q", test.name, r.Status, e, test.limit)
		}
	}
	if r := decode(t, send(h, http.MethodGet, `/graphql?query={__typename}&variables=`+strings.Repeat("[", 200), "")); onlyError(t, r).Extensions["limit"] != "nesting" {
		t.Errorf("by GET: %+v, want it refused by nesting", r)
	}
}

func TestIntake_TakesNoPackedBodies(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	for coding, status := range map[string]int{"gzip": 415, "br": 415, "gzip, identity": 415, "identity": 200, "Identity": 200} {
		w := post(h, `{"query":"{ __typename }"}`, "Content-Encoding", coding)
		if w.Code != status || status == 415 && w.Header().Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: answer is %d, Accept-Encoding %q", coding, w.Code, w.Header().Get("Accept-Encoding"))
		}
	}
}

// begin sends the beginning of a body. Its end comes when the test ends.
func (s *streaming) begin(t bubble, body string) {
	t.Helper()
	reader, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, streamBase+"/graphql", reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	go func() {
		if res, err := s.client.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	go func() { _, _ = io.WriteString(writer, body) }()
	synctest.Wait()
}

// answer posts a body and returns the answer's status and text.
func (s *streaming) answer(t bubble, body io.Reader) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, streamBase+"/graphql", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(all)
}

func TestIntake_SlowSenders(t *testing.T) {
	t.Parallel()
	bubbled(t, "a head that does not come is waited for 10 seconds", func(t bubble) {
		s := newStreaming(t)
		transport, ok := s.client.Transport.(*http.Transport)
		if !ok {
			t.Fatal("the client speaks by something else")
		}
		for _, head := range []string{"", "POST /graphql HTTP/1.1\r\nHost: a\r\nX: "} {
			conn, err := transport.DialContext(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err = io.WriteString(conn, head); err != nil {
				t.Fatal(err)
			}
			if _, err = io.ReadAll(conn); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != 10*time.Second {
				t.Errorf("after %q it is closed after %v", head, took)
			}
			_ = conn.Close()
		}
	})
	bubbled(t, "a body that does not come is waited for 20 seconds", func(t bubble) {
		s := newStreaming(t)
		reader, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		began := time.Now()
		status, text := s.answer(t, reader)
		if took := time.Since(began); status != http.StatusRequestTimeout || !strings.Contains(text, "did not arrive within 20s") || took != 20*time.Second {
			t.Errorf("answer is %d %s after %v", status, text, took)
		}
	})
	bubbled(t, "a body that nobody wants is not waited for", func(t bubble) {
		s := newStreaming(t, gated(true))
		transport, ok := s.client.Transport.(*http.Transport)
		if !ok {
			t.Fatal("the client speaks by something else")
		}
		for _, test := range []struct {
			name, head string
			status     string
			within     time.Duration
		}{
			{"of another type", "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n\r\n", "415", 2 * time.Second},
			{"without end", "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", "415", 2 * time.Second},
			{"of somebody unknown", "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer no.one\r\nContent-Length: 200000\r\n\r\n", "401", 2 * time.Second},
			{"too long", "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n", "413", 2 * time.Second},
			{"by another method", "PUT /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n", "405", 2 * time.Second},
			{"to a page", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n", "200", 20 * time.Second},
		} {
			conn, err := transport.DialContext(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			var sender sync.WaitGroup
			sender.Go(func() {
				_, _ = io.WriteString(conn, test.head)
				for range time.Tick(time.Second) { // a byte now and then, until it is closed
					if _, err := io.WriteString(conn, "x"); err != nil {
						return
					}
				}
			})
			text, failed := io.ReadAll(conn)
			if took := time.Since(began); failed != nil || !strings.HasPrefix(string(text), "HTTP/1.1 "+test.status) || took > test.within+time.Second {
				t.Errorf("%s: after %v it is answered %.60q (%v), want %s within %v", test.name, took, text, failed, test.status, test.within)
			}
			_ = conn.Close()
			sender.Wait()
		}
	})
	bubbled(t, "one caller may have a hundred of them", func(t bubble) {
		s := newStreaming(t, gated(true))
		for range 100 {
			s.begin(t, `{"query":`)
		}
		if status, text := s.answer(t, strings.NewReader(`{"query":"{ __typename }"}`)); status != http.StatusTooManyRequests || !strings.Contains(text, `"limit":"bodies"`) {
			t.Errorf("one more is %d %s", status, text)
		}
	})
	bubbled(t, "and eight long ones, beside short ones", func(t bubble) {
		s := newStreaming(t, gated(true))
		for range 8 {
			s.begin(t, strings.Repeat(" ", 20_000))
		}
		if status, text := s.answer(t, strings.NewReader(`{"query":"{ __typename }"}`+strings.Repeat(" ", 20_000))); status != http.StatusTooManyRequests || !strings.Contains(text, `"limit":"longBodies"`) {
			t.Errorf("one more is %d %s", status, text)
		}
		if status, text := s.answer(t, strings.NewReader(`{"query":"{ __typename }"}`)); status != http.StatusOK {
			t.Errorf("a short one is %d %s", status, text)
		}
	})
	bubbled(t, "a message of a socket that does not come is waited for 20 seconds", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		w, err := c.conn.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.WriteString(w, `{"type":"ping"`+strings.Repeat(" ", 5000)); err != nil { // more than is held back
			t.Fatal(err)
		}
		began := time.Now()
		c.wantClosed(4400, "did not arrive in time")
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("it is closed after %v", took)
		}
	})
	bubbled(t, "a message of a socket has 64 kB at the most", func(t bubble) {
		s := newStreaming(t)
		c := s.open(t, "")
		c.send(`{"type":"ping"}` + strings.Repeat(" ", 64<<10-15))
		c.want(`{"type":"pong"}`)
		go func() { _ = c.conn.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat(" ", 64<<10+1))) }()
		c.wantClosed(websocket.StatusMessageTooBig, "")
	})
}

func TestIntake_SubscriptionsAreBoundedByTheirMemory(t *testing.T) {
	t.Parallel()
	bubbled(t, "over all connections of a caller", func(t bubble) {
		s := newStreaming(t, gated(true), func(c *server.Config) { c.MaxStreams = 512 }) // 20 MB, of which a caller has a fifth
		long := func(c *client, id int) {
			c.subscribe(fmt.Sprint(id), watchDocument+" #"+strings.Repeat("x", 60_000))
		}
		first, second := s.open(t, ""), s.open(t, "")
		for id := range 2 {
			long(first, id)
			long(second, id)
		}
		synctest.Wait()
		long(first, 2)
		_, text, err := first.conn.Read(t.Context())
		var refused struct {
			ID, Type string
			Payload  []replyError
		}
		if err != nil || json.Unmarshal(text, &refused) != nil || refused.Type != "error" || refused.Payload[0].Extensions["limit"] != "subscriptionBytes" {
			t.Fatalf("the fifth is answered %s (%v)", text, err)
		}
		second.send(`{"type":"complete","id":"0"}`)
		synctest.Wait()
		long(first, 3)
		synctest.Wait()
		if n := len(s.subscribed); n != 5 {
			t.Errorf("%d subscriptions were begun, want another one once one was completed", n)
		}
	})
	bubbled(t, "a stream of events too long to keep is refused", func(t bubble) {
		s := newStreaming(t)
		body, err := json.Marshal(map[string]string{"query": watchDocument + " #" + strings.Repeat("x", 65_000)})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, streamBase+"/graphql", strings.NewReader(string(body)+strings.Repeat(" ", 1000)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "text/event-stream")
		res, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(text), `"limit":"streamBytes"`) {
			t.Errorf("answer is %d %s (%v)", res.StatusCode, text, err)
		}
	})
}

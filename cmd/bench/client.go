package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answerTimeout is how long one answer may take: longer than any deadline of the
// server.
const answerTimeout = 30 * time.Second

// maxAnswer bounds what is read of one answer; 500 POIs are a fiftieth of it.
const maxAnswer = 16 << 20

// client is one keep-alive connection that speaks just enough HTTP/1.1: the
// client shares its core with the simulator, and net/http's would take more CPU
// than the server that is measured. It is not safe for concurrent use.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte
	unhook func() bool
}

// dial connects to host:port. The connection closes when ctx ends.
func dial(ctx context.Context, addr string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{
		conn: conn, reader: bufio.NewReaderSize(conn, 64<<10),
		unhook: context.AfterFunc(ctx, func() { _ = conn.Close() }),
	}, nil
}

func (c *client) close() {
	c.unhook()
	_ = c.conn.Close() // nothing is under way on it
}

// post sends a finished request and returns the status and the body, which is
// good until the next call.
func (c *client) post(request []byte) (status int, body []byte, err error) {
	if err = c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err = c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	return c.read()
}

func (c *client) read() (status int, body []byte, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, fmt.Errorf("no HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("no HTTP: %q", line)
	}
	length := -1
	chunked := false
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 || length > maxAnswer {
				return 0, nil, fmt.Errorf("an answer of %s bytes", value)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.Contains(value, []byte("chunked"))
		}
	}
	c.body = c.body[:0]
	switch {
	case chunked:
		err = c.readChunks()
	case length >= 0:
		err = c.readBytes(length)
	default:
		err = errors.New("an answer without a length")
	}
	return status, c.body, err
}

func (c *client) readChunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil || len(c.body)+int(size) > maxAnswer {
			return fmt.Errorf("a chunk of %q bytes", line)
		}
		if err = c.readBytes(int(size)); err != nil {
			return err
		}
		if _, err = c.reader.Discard(len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

func (c *client) readBytes(n int) error {
	from := len(c.body)
	c.body = slices.Grow(c.body, n)[:from+n]
	_, err := io.ReadFull(c.reader, c.body[from:])
	return err
}

// request returns the bytes of a POST of a JSON body, but for the host: all
// servers are asked by the same one.
func request(body string) []byte {
	var b strings.Builder
	b.WriteString("POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: ")
	b.WriteString(strconv.Itoa(len(body)))
	b.WriteString("\r\n\r\n")
	b.WriteString(body)
	return []byte(b.String())
}

// load is what drive sends.
type load struct {
	addrs   []string // of the servers; client i asks addrs[i % len(addrs)]
	clients int
	limit   time.Duration // ends after so long; 0: when there is nothing more to ask
	// next returns the n-th request of a client, nil when it is done. It is called
	// by several goroutines.
	next func(client, n int) []byte
	// check looks at the answer to a client's n-th request; the body is good during
	// the call only. Nil is checkWhole. It is called by several goroutines.
	check func(client, n int, body []byte) error
}

// outcome is what came of a load.
type outcome struct {
	answers  int
	bytes    int64
	refused  int   // answers that check did not like, and connections that broke
	why      error // the first of them
	took     time.Duration
	latency  []time.Duration
	timedOut bool // the limit came before the end of what there was to ask
}

// add joins what came of two loads that ran one after the other.
func (o *outcome) add(p outcome) {
	o.answers += p.answers
	o.bytes += p.bytes
	o.refused += p.refused
	if o.why == nil {
		o.why = p.why
	}
	o.took += p.took
	o.latency = append(o.latency, p.latency...)
	o.timedOut = o.timedOut || p.timedOut
}

// err is nil when every question got a whole answer.
func (o *outcome) err() error {
	switch {
	case o.refused > 0:
		return fmt.Errorf("%d of %d answers are not what was asked for; the first: %w", o.refused, o.answers+o.refused, o.why)
	case o.answers == 0:
		return errors.New("nothing was answered in the time there was")
	}
	return nil
}

// drive lets clients ask, each its next question as soon as it has an answer.
// All of them are connected before the first one asks.
func drive(ctx context.Context, l load) (outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	check := l.check
	if check == nil {
		check = checkWhole
	}
	clients := make([]*client, l.clients)
	defer func() {
		for _, c := range clients {
			if c != nil {
				c.close()
			}
		}
	}()
	for i := range clients {
		var err error
		if clients[i], err = dial(ctx, l.addrs[i%len(l.addrs)]); err != nil {
			return outcome{}, err
		}
	}
	parts := make([]outcome, len(clients))
	gate := make(chan struct{})
	var began, end time.Time
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			part := &parts[i]
			<-gate
			for n := 0; ; n++ {
				question := l.next(i, n)
				if question == nil {
					return
				}
				sent := time.Now()
				if l.limit > 0 && sent.After(end) {
					part.timedOut = true
					return
				}
				status, body, err := c.post(question)
				took := time.Since(sent)
				broken := err != nil
				if !broken && status != 200 {
					err = fmt.Errorf("status %d: %.200s", status, body)
				}
				if err == nil {
					err = check(i, n, body)
				}
				if err != nil {
					part.refused++
					if part.why == nil {
						part.why = err
					}
					if broken { // what follows on this connection cannot be told apart any more
						return
					}
					continue
				}
				part.answers++
				part.bytes += int64(len(body))
				part.latency = append(part.latency, took)
			}
		})
	}
	began = time.Now()
	end = began.Add(l.limit)
	close(gate)
	wg.Wait()
	total := outcome{}
	for _, part := range parts {
		total.add(part)
	}
	total.took = time.Since(began)
	return total, context.Cause(ctx)
}

// once asks one question and returns a copy of the answer.
func once(ctx context.Context, addr string, question []byte) ([]byte, error) {
	var answer []byte
	got, err := drive(ctx, load{
		addrs: []string{addr}, clients: 1,
		next: func(_, n int) []byte {
			if n == 0 {
				return question
			}
			return nil
		},
		check: func(_, _ int, body []byte) error {
			answer = slices.Clone(body)
			return nil
		},
	})
	if err == nil {
		err = got.err()
	}
	return answer, err
}

// checkWhole refuses an answer to which the source did not give all it has, or
// that has errors: a cheap answer is no merit when it is none.
func checkWhole(_, _ int, body []byte) error {
	if bytes.Contains(body, []byte(`"outcome":"OK"`)) && !bytes.Contains(body, []byte(`"errors":[`)) {
		return nil
	}
	told, _, _ := bytes.Cut(body, []byte(`,"nodes":[{`)) // what the sources did stands before the POIs
	return fmt.Errorf("no whole answer: %.300s", told)
}

// checkSame is checkWhole, quick for answers that equal one that was looked at.
func checkSame(whole []byte) func(int, int, []byte) error {
	return func(client, n int, body []byte) error {
		if bytes.Equal(body, whole) {
			return nil
		}
		return checkWhole(client, n, body)
	}
}

// inTurn returns the next of a load in which each client asks its own list once.
func inTurn(lists [][][]byte) func(client, n int) []byte {
	return func(client, n int) []byte {
		if n < len(lists[client]) {
			return lists[client][n]
		}
		return nil
	}
}

// deal gives questions to clients in turn.
func deal(questions [][]byte, clients int) [][][]byte {
	lists := make([][][]byte, clients)
	for i, q := range questions {
		lists[i%clients] = append(lists[i%clients], q)
	}
	return lists
}

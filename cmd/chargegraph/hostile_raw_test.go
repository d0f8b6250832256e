package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dial opens a connection from an address of its own, which ends with the test.
func (b *besieged) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := dialer(b.attacker()).DialContext(t.Context(), "tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err = conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// whole is a POST as it goes over the wire.
func whole(body string, headers ...string) string {
	return "POST /graphql HTTP/1.1\r\nHost: chargegraph\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		strings.Join(append(headers, "\r\n"), "\r\n") + body
}

// hostileBytes go over the wire as they stand.
func hostileBytes() map[string]struct {
	send string
	want string // of the status line
} {
	type bytes = struct{ send, want string }
	ask := `{"query":"{__typename}"}`
	all := map[string]bytes{
		"no host":                        {"GET /livez HTTP/1.1\r\n\r\n", "400"},
		"two hosts":                      {"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
		"two lengths":                    {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
		"a length below nothing":         {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
		"a length beyond all measure":    {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
		"a length with a sign":           {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", "400"},
		"a length of eight exabytes":     {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9223372036854775807\r\n\r\n", "413"},
		"an encoding nobody knows":       {"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
		"a chunk beyond all measure":     {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", "400"},
		"a chunk of no number":           {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", "400"},
		"chunks that are all extension":  {"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 3000)+"\r\n \r\n", 100), "400"},
		"a header of 200 kB":             {"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 200<<10) + "\r\n\r\n", "431"},
		"20,000 headers":                 {"GET /livez HTTP/1.1\r\nHost: a\r\n" + numbered(20_000, "X#: y\r\n") + "\r\n", "431"},
		"a header with NUL":              {"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", "400"},
		"a header name with a space":     {"GET /livez HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "400"},
		"a header without a colon":       {"GET /livez HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n", "400"},
		"a path of 200 kB":               {"GET /" + strings.Repeat("a", 200<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", "431"},
		"a path to a file":               {"GET /playground/../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", "30[17]"},
		"a path to a file, hidden":       {"GET /playground/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: a\r\n\r\n", "404"},
		"a path with NUL":                {"GET /playground/%00 HTTP/1.1\r\nHost: a\r\n\r\n", "404"},
		"a path that is not encoded":     {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		"another's address":              {"GET http://other.example/livez HTTP/1.1\r\nHost: a\r\n\r\n", "200"},
		"HTTP/0.9":                       {"GET /livez\r\n\r\n", "400"},
		"HTTP/3.7":                       {"GET /livez HTTP/3.7\r\nHost: a\r\n\r\n", "505"},
		"HTTP of no number":              {"GET /livez HTTP/x.y\r\nHost: a\r\n\r\n", "400"},
		"HTTP/2 by prior knowledge":      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400|505"},
		"TLS":                            {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500) + "\r\n\r\n", "400"},
		"nothing but line breaks":        {strings.Repeat("\r\n", 100_000), "400"},
		"nothing but zeros":              {strings.Repeat("\x00", 1<<20), "4(00|31)"},
		"an expectation nobody can meet": {"POST /graphql HTTP/1.1\r\nHost: a\r\nExpect: the-unexpected\r\nContent-Length: 5\r\n\r\n", "417"},
		"an upgrade to HTTP/2":           {"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", "200"},
		"a socket without a key":         {"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", "400"},
		"a socket of another version":    {"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "400"},
		"a socket from another page":     {"GET /graphql HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "403"},
		"a request id with a log line":   {whole(ask, "X-Request-Id: a level=ERROR panic"), "200"},
		"a trace of nonsense":            {whole(ask, "traceparent: 00-"+strings.Repeat("f", 5000)+"-01", "tracestate: "+strings.Repeat("a=b,", 5000)), "200"},
		"a range of ranges":              {"GET /schema.graphqls HTTP/1.1\r\nHost: a\r\nRange: bytes=" + strings.Repeat("0-,", 10_000) + "0-\r\n\r\n", "4(16|31)|20[06]"},
		"60 kB of tags":                  {"GET /schema.graphqls HTTP/1.1\r\nHost: a\r\nIf-None-Match: " + strings.Repeat(`"a",`, 15_000) + "\r\n\r\n", "200"},
		"60 kB of encodings":             {"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + strings.Repeat("br;q=0,", 8_500) + "gzip\r\n\r\n", "200"},
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "HEAD", "PROPFIND", "get", "GRAPHQL", "M-SEARCH", strings.Repeat("A", 10_000)} {
		all["method "+method[:min(len(method), 10)]] = bytes{method + " /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "40[05]"}
	}
	all["method CONNECT"] = bytes{"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", "40[045]"}
	return all
}

func testBytes(t *testing.T, b *besieged) {
	t.Helper()
	for name, test := range hostileBytes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := b.dial(t)
			go func() { _, _ = io.WriteString(conn, test.send) }() // it may be cut off before it has sent all
			text, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			if status := strings.Fields(text + " - -")[1]; !regexp.MustCompile("^(" + test.want + ")$").MatchString(status) {
				t.Errorf("answer is %q, want %s", text, test.want)
			}
		})
	}
}

// testSilent opens more connections than may wait, half of them from one address and
// the others each from its own, and wants those of the one address to go.
func testSilent(t *testing.T, b *besieged) {
	t.Helper()
	const half = 600
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 4*half {
		t.Skipf("it takes %d files to be open, and %d may be (%v)", 4*half, limit.Cur, err)
	}
	open := func(from net.IP) net.Conn {
		t.Helper()
		conn, err := dialer(from).DialContext(t.Context(), "tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	greedy := b.attacker()
	var theirs, others []net.Conn
	for range half {
		theirs = append(theirs, open(greedy))
		others = append(others, open(b.attacker()))
	}
	ended := func(conn net.Conn, within time.Duration) bool {
		_ = conn.SetReadDeadline(time.Now().Add(within))
		_, err := conn.Read(make([]byte, 1))
		return !errors.Is(err, os.ErrDeadlineExceeded)
	}
	if !ended(theirs[0], answerWithin) { // sooner than the head of a request is waited for
		t.Errorf("of %d connections of one address the first stays open", half)
	}
	for i, conn := range others {
		if ended(conn, time.Millisecond) {
			t.Fatalf("connection %d of %d was closed, and it is the only one of its address", i, half)
		}
	}
	if r, err := b.do(http.MethodGet, "/livez", http.NoBody); err != nil || r.status != http.StatusOK {
		t.Errorf("beside them, /livez is %d (%v)", r.status, err)
	}
}

// testPipeline sends hundreds of requests without reading an answer.
func testPipeline(t *testing.T, b *besieged) {
	t.Helper()
	conn := b.dial(t)
	const requests = 300
	go func() {
		for i := range requests {
			if _, err := io.WriteString(conn, whole(fmt.Sprintf(`{"query":"{a%d: __typename}"}`, i))); err != nil {
				return
			}
		}
	}()
	reader := bufio.NewReader(conn)
	for i := range requests {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if want := fmt.Sprintf(`{"data":{"a%d":"Query"}`, i); err != nil || !strings.HasPrefix(string(text), want) {
			t.Fatalf("answer %d is %s (%v), want %s", i, text, err, want)
		}
	}
}

// testForgedAddress spends what one address may, under as many names.
func testForgedAddress(t *testing.T, b *besieged) {
	t.Helper()
	client := clientFrom(b.attacker())
	defer client.CloseIdleConnections()
	for i := range 100 {
		// Dear by what it may bring, and soon done: nothing comes back to the caller's account meanwhile, however slow the machine.
		r, err := b.doAs(client, http.MethodPost, "/graphql", strings.NewReader(question(fmt.Sprintf(`{pois(area:{bounds:{south:-41,west:-31,north:-40.9,east:-30.9}},first:%d){totalCount nodes{id title}}}`, 400+i))),
			"X-Forwarded-For", fmt.Sprintf("10.0.%d.1, 192.168.0.%d", i, i), "Forwarded", fmt.Sprintf("for=10.1.1.%d", i), "X-Real-Ip", fmt.Sprintf("10.2.2.%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if r.status == http.StatusTooManyRequests {
			if f := r.failure(); f.Extensions.Code != "RATE_LIMITED" || r.header.Get("Retry-After") == "" {
				t.Errorf("it is refused with %+v, Retry-After %q", f, r.header.Get("Retry-After"))
			}
			return
		}
	}
	t.Error("100 searches under other names were let through; one address may make a handful")
}

// testPoison tries to put another document in the place of a hash.
func testPoison(t *testing.T, b *besieged) {
	t.Helper()
	const honest, evil = `{ a: __typename }`, `{ b: __typename }`
	sum := sha256.Sum256([]byte(honest))
	hash := hex.EncodeToString(sum[:])
	send := func(document, hash, want string) {
		t.Helper()
		query := ""
		if document != "" {
			query = `"query":` + strconv.Quote(document) + `,`
		}
		r, err := b.do(http.MethodPost, "/graphql", strings.NewReader(`{`+query+`"extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}}`))
		if err != nil || !strings.Contains(string(r.body), want) {
			t.Errorf("%q by %s is %s (%v), want %s", document, hash, r.body, err, want)
		}
	}
	send(evil, hash, "PERSISTED_QUERY_HASH_MISMATCH")
	send(evil, strings.ToUpper(hash), "PERSISTED_QUERY_HASH_MISMATCH")
	send(honest+" ", hash, "PERSISTED_QUERY_HASH_MISMATCH")
	send("", hash, "PERSISTED_QUERY_NOT_FOUND")
	send(honest, hash, `"a":"Query"`)
	send(evil, hash, "PERSISTED_QUERY_HASH_MISMATCH")
	send("", hash, `"a":"Query"`)
	send("", strings.ToUpper(hash), `NOT_FOUND`)
}

// socket opens a WebSocket by hand, so that its frames can be wrong.
func (b *besieged) socket(t *testing.T, introduced bool) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn := b.dial(t)
	if _, err := io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: chargegraph\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("no socket: %v %v", res, err)
	}
	_ = res.Body.Close()
	if introduced {
		if _, err = conn.Write(frame(0x81, `{"type":"connection_init"}`)); err != nil {
			t.Fatal(err)
		}
		if _, text, err := readFrame(reader); err != nil || string(text) != `{"type":"connection_ack"}` {
			t.Fatalf("no greeting: %s %v", text, err)
		}
	}
	return conn, reader
}

// frame is one of a client, masked by zeros.
func frame(head byte, payload string) []byte {
	return append(frameHead(head, uint64(len(payload)), true), payload...)
}

func frameHead(head byte, length uint64, masked bool) []byte {
	out := []byte{head}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch {
	case length < 126:
		out = append(out, mask|byte(length))
	case length < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(length))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), length)
	}
	if masked {
		out = append(out, 0, 0, 0, 0)
	}
	return out
}

// readFrame reads one of a server.
func readFrame(r *bufio.Reader) (opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	length := int(head[1])
	switch length {
	case 126:
		var n [2]byte
		_, err = io.ReadFull(r, n[:])
		length = int(binary.BigEndian.Uint16(n[:]))
	case 127:
		return 0, nil, io.ErrShortBuffer // none is as long
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(r, payload)
	return head[0] & 0xf, payload, err
}

// closedWith reads until the connection is closed, and returns the code; 0: it
// ended without one.
func closedWith(t *testing.T, r *bufio.Reader) websocket.StatusCode {
	t.Helper()
	for {
		opcode, payload, err := readFrame(r)
		switch {
		case err != nil:
			if e, ok := err.(net.Error); ok && e.Timeout() { //nolint:errorlint // as it comes from the connection
				t.Fatal("the connection stays open")
			}
			return 0
		case opcode == 8 && len(payload) >= 2:
			checkClean(t, payload[2:])
			return websocket.StatusCode(binary.BigEndian.Uint16(payload))
		}
	}
}

func testSockets(t *testing.T, b *besieged) {
	t.Helper()
	type test struct {
		send       []byte
		introduced bool
		want       []websocket.StatusCode
	}
	text := func(s string) []byte { return frame(0x81, s) }
	subscribe := func(id, payload string) []byte {
		return text(`{"id":"` + id + `","type":"subscribe","payload":` + payload + `}`)
	}
	waiting := `{"query":"subscription{commentAdded(poiIds:[\"poi:ocm:1\"]){id}}"}`
	for name, test := range map[string]test{
		"a frame of eight exabytes":     {append(frameHead(0x81, 1<<62, true), bytes.Repeat([]byte(" "), 2<<20)...), true, []websocket.StatusCode{1009, 0}},
		"a frame beyond all measure":    {frameHead(0x81, 1<<63, true), true, []websocket.StatusCode{1002, 0}},
		"a message of 2 MB":             {append(frameHead(0x81, 2<<20, true), bytes.Repeat([]byte(" "), 2<<20)...), true, []websocket.StatusCode{1009}},
		"a message of endless pieces":   {append(frame(0x01, `{"type":"ping"`), bytes.Repeat(frame(0x00, strings.Repeat(" ", 1000)), 2000)...), true, []websocket.StatusCode{1009}},
		"a frame that is not masked":    {append(frameHead(0x81, 2, false), "{}"...), true, []websocket.StatusCode{1002, 0}},
		"reserved bits":                 {frame(0xf1, `{"type":"ping"}`), true, []websocket.StatusCode{1002, 0}},
		"an opcode nobody knows":        {frame(0x83, `{"type":"ping"}`), true, []websocket.StatusCode{1002, 0}},
		"a ping of 200 bytes":           {frame(0x89, strings.Repeat("x", 200)), true, []websocket.StatusCode{1002, 0}},
		"a ping in two pieces":          {frame(0x09, "x"), true, []websocket.StatusCode{1002, 0}},
		"a piece without a beginning":   {frame(0x80, "{}"), true, []websocket.StatusCode{1002, 0}},
		"bytes instead of text":         {frame(0x82, `{"type":"ping"}`), true, []websocket.StatusCode{4400}},
		"invalid UTF-8":                 {frame(0x81, "{\"type\":\"\xff\xfe\"}"), true, []websocket.StatusCode{4400, 1007}},
		"no JSON":                       {text(`{`), true, []websocket.StatusCode{4400}},
		"9,000 brackets":                {text(nested(9000, `[`, ``, `]`)), true, []websocket.StatusCode{4400}},
		"a type nobody knows":           {text(`{"type":"` + strings.Repeat("x", 10_000) + `"}`), true, []websocket.StatusCode{4400}},
		"a subscription without id":     {subscribe("", waiting), true, []websocket.StatusCode{4400}},
		"a subscription without query":  {subscribe("a", `{}`), true, []websocket.StatusCode{4400}},
		"one id twice":                  {append(subscribe("a", waiting), subscribe("a", waiting)...), true, []websocket.StatusCode{4409}},
		"one id of 10 kB twice":         {append(subscribe(strings.Repeat("ä", 5000), waiting), subscribe(strings.Repeat("ä", 5000), waiting)...), true, []websocket.StatusCode{4409}},
		"an introduction twice":         {text(`{"type":"connection_init"}`), true, []websocket.StatusCode{4429}},
		"no introduction":               {subscribe("a", waiting), false, []websocket.StatusCode{4401}},
		"an introduction of a list":     {text(`{"type":"connection_init","payload":[1]}`), false, []websocket.StatusCode{4403}},
		"an introduction with a lie":    {text(`{"type":"connection_init","payload":{"authorization":"Bearer app.wrong"}}`), false, []websocket.StatusCode{4403}},
		"an introduction without end":   {text(`{"type":"connection_init","payload":{"authorization":"Bearer ` + strings.Repeat("x", 60_000) + `"}}`), false, []websocket.StatusCode{4403}},
		"an end with half a code":       {frame(0x88, "x"), true, []websocket.StatusCode{1002, 0}},
		"an end with a code of nothing": {frame(0x88, "\x03\xee"), true, []websocket.StatusCode{1002, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, reader := b.socket(t, test.introduced)
			go func() { _, _ = conn.Write(test.send) }() // it may be cut off before it has sent all
			got := closedWith(t, reader)
			if !slices.Contains(test.want, got) {
				t.Errorf("it is closed with %d, want one of %d", got, test.want)
			}
		})
	}

	t.Run("a hundred subscriptions and no more", func(t *testing.T) {
		t.Parallel()
		conn, reader := b.socket(t, true)
		const asked = 220 // more of them would be taken one after the other
		go func() {
			for i := range asked {
				if _, err := conn.Write(subscribe(strconv.Itoa(i), waiting)); err != nil {
					return
				}
			}
		}()
		for refused := 0; refused < asked-100; {
			_, message, err := readFrame(reader)
			if err != nil {
				t.Fatalf("%v after %d were refused, want %d", err, refused, asked-100)
			}
			if strings.Contains(string(message), `"type":"error"`) {
				refused++
			}
		}
	})
	t.Run("pings without end are answered at a pace", func(t *testing.T) {
		t.Parallel()
		conn, reader := b.socket(t, true)
		const pings, soon = 20_000, 220
		began := time.Now()
		go func() {
			flood := bytes.Repeat(text(`{"type":"ping"}`), pings)
			_, _ = conn.Write(flood)
		}()
		for i := range soon {
			if _, message, err := readFrame(reader); err != nil || string(message) != `{"type":"pong"}` {
				t.Fatalf("message %d is %s: %v", i, message, err)
			}
		}
		if took := time.Since(began); took < 500*time.Millisecond {
			t.Errorf("%d were answered in %v", soon, took)
		}
	})
}

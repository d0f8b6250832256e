// Package child has what programs need that start others and look after them.
package child

import (
	"bytes"
	"context"
	"net"
	"sync"
)

// Tail is an io.Writer that keeps the end of what is written to it: the last lines
// of a log and the start of a stack. Its zero value is empty. It is safe for
// concurrent use.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 8 << 10

// Write implements io.Writer; it never fails.
func (t *Tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(text), nil
}

// String returns what is kept, without blanks around it.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}

// FreeAddr returns a loopback address on which nobody listens. Somebody else may
// take it before it is used; the start fails and says so then.
func FreeAddr(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

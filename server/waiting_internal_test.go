package server

import (
	"net"
	"net/http"
	"testing"
)

// caller is a connection from somewhere.
type caller struct {
	net.Conn

	from   string
	closed bool
}

func (c *caller) RemoteAddr() net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(c.from, "1000"))
	if err != nil {
		panic(err)
	}
	return addr
}

func (c *caller) Close() error {
	c.closed = true
	return nil
}

func TestLobby_WhoHasMostLosesTheOneThatWaitedLongest(t *testing.T) {
	t.Parallel()
	l := newLobby(10)
	come := func(from string) *caller {
		c := &caller{from: from}
		l.follow(c, http.StateNew)
		return c
	}
	friend := come("192.0.2.1")
	var many []*caller
	for range 9 {
		many = append(many, come("192.0.2.2"))
	}
	ended := func() (n int) {
		for _, c := range many {
			if c.closed {
				n++
			}
		}
		return n
	}
	if ended() != 0 {
		t.Fatalf("%d were closed while there was room", ended())
	}
	many = append(many, come("192.0.2.2"))
	if ended() != 1 || !many[0].closed {
		t.Errorf("%d were closed, want the first", ended())
	}
	second := come("192.0.2.3")
	if ended() != 2 || !many[1].closed || friend.closed || second.closed {
		t.Errorf("somebody else came, and %d of those who have many were closed (and friends: %v, %v), want two in all", ended(), friend.closed, second.closed)
	}

	// What is asked for is no waiting, and what was asked for begins it anew.
	l.follow(many[2], http.StateActive)
	l.follow(many[3], http.StateActive)
	l.follow(many[3], http.StateIdle)
	come("192.0.2.4")
	if ended() != 2 {
		t.Errorf("%d were closed while there was room", ended())
	}
	come("192.0.2.4")
	if ended() != 3 || !many[4].closed || many[2].closed || many[3].closed {
		t.Errorf("%d were closed, want the one that has waited longest", ended())
	}

	for _, c := range append(many, friend, second) {
		l.follow(c, http.StateClosed)
		l.follow(c, http.StateClosed)
	}
	if len(l.waiting) != 2 || len(l.by) != 1 {
		t.Errorf("%d wait from %d addresses when all but two have gone", len(l.waiting), len(l.by))
	}
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if got := networkOf(&caller{from: test.a}) == networkOf(&caller{from: test.b}); got != test.same {
			t.Errorf("%s and %s count as one: %v, want %v", test.a, test.b, got, test.same)
		}
	}
	here, there := net.Pipe()
	defer here.Close()  //nolint:errcheck // a pipe
	defer there.Close() //nolint:errcheck // a pipe
	if networkOf(here).IsValid() {
		t.Error("a pipe has an address")
	}
}

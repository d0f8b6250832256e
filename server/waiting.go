package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

const (
	// maxWaiting is how many connections may be open without a request under way: each
	// takes some 16 kB, mostly for buffers. Whoever is let go while it is idle connects
	// again when it has something to ask.
	maxWaiting = 1000
	// lookedAt is how many connections are looked at to find who has many.
	lookedAt = 16
)

// lobby counts the connections that wait: for a first request, for the rest of its
// head, or for the next one. When there are too many, who has most loses the one
// that has waited longest, so that an ordinary client always finds room, however
// many connections others open, and from however many addresses.
type lobby struct {
	max int

	mu      sync.Mutex
	waiting map[net.Conn]*guest
	by      map[netip.Addr]*list.List // of *guest, who has waited longest in front
}

// guest is a connection that waits.
type guest struct {
	conn net.Conn
	from netip.Addr
	at   *list.Element
}

func newLobby(limit int) *lobby {
	return &lobby{max: limit, waiting: make(map[net.Conn]*guest), by: make(map[netip.Addr]*list.List)}
}

// follow is an http.Server's ConnState.
func (l *lobby) follow(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew, http.StateIdle:
		if tooMuch := l.enter(conn); tooMuch != nil {
			end(tooMuch)
		}
	case http.StateActive, http.StateHijacked, http.StateClosed:
		l.mu.Lock()
		l.leave(conn)
		l.mu.Unlock()
	}
}

// enter counts a connection in, and returns the one that is to go for it, if any.
func (l *lobby) enter(conn net.Conn) (tooMuch net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[conn] != nil {
		return nil
	}
	g := &guest{conn: conn, from: networkOf(conn)}
	others := l.by[g.from]
	if others == nil {
		others = list.New()
		l.by[g.from] = others
	}
	g.at = others.PushBack(g)
	l.waiting[conn] = g
	if len(l.waiting) <= l.max {
		return nil
	}
	// Whoever has most of them is met soon among a few taken at random.
	most, looked := others, 0
	for _, other := range l.waiting {
		if theirs := l.by[other.from]; theirs.Len() > most.Len() {
			most = theirs
		}
		if looked++; looked == lookedAt {
			break
		}
	}
	longest, _ := most.Front().Value.(*guest) // nothing else is in the list
	l.leave(longest.conn)
	return longest.conn
}

// leave counts a connection out, if it is in. The caller holds mu.
func (l *lobby) leave(conn net.Conn) {
	g := l.waiting[conn]
	if g == nil {
		return
	}
	delete(l.waiting, conn)
	theirs := l.by[g.from]
	if theirs.Remove(g.at); theirs.Len() == 0 {
		delete(l.by, g.from)
	}
}

// networkOf returns where a connection comes from: of an IPv6 address the first 64
// bits, which one customer of a network has to itself. It is the zero Addr where
// there are no addresses, as on a Unix socket.
func networkOf(conn net.Conn) netip.Addr {
	port, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	addr := port.Addr().Unmap().WithZone("")
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return addr
}

// end closes a connection without a word: saying good-bye by TLS could take time.
func end(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.Close() // the server finds out
}

package ocpi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"chargegraph/providers/internal/upstream"
)

// hosts says whom a feed may be read from.
type hosts struct {
	scheme  string   // of the configured URL
	home    string   // host and port of the configured URL
	allowed []string // further ones: a host, for any port of it, or host and port
	private bool     // their names may stand for private addresses
}

// newHosts returns the rule for a URL and the configured further hosts.
func newHosts(base *url.URL, allow []string, private bool) hosts {
	h := hosts{scheme: base.Scheme, home: hostPort(base), private: private}
	for _, a := range allow {
		h.allowed = append(h.allowed, strings.TrimSuffix(strings.ToLower(a), "."))
	}
	return h
}

// hostPort returns host and port of a URL in lower case, the port always there.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(hostName(u.Hostname()), port)
}

func hostName(s string) string { return strings.TrimSuffix(strings.ToLower(s), ".") }

// check returns an error for a URL that the feed must not be read from.
func (h *hosts) check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.Opaque != "":
		return upstream.BadResponse("the feed points to something that is no web address", nil)
	case u.Scheme == "http" && h.scheme == "https":
		return upstream.BadResponse("the feed points from https to http, which is not followed", nil)
	case !h.knows(u):
		return upstream.BadResponse("the feed points to another host, which is not followed; add it to allowHosts if the feed is spread over several", nil)
	}
	return nil
}

func (h *hosts) knows(u *url.URL) bool {
	at := hostPort(u)
	if at == h.home {
		return true
	}
	name := hostName(u.Hostname())
	if home, _, _ := net.SplitHostPort(h.home); u.Scheme == "https" && h.scheme == "http" && name == home && u.Port() == "" {
		return true // http that becomes https
	}
	for _, a := range h.allowed {
		if a == at || a == name || strings.Trim(a, "[]") == name {
			return true
		}
	}
	return false
}

// mayDial reports whether a host that was allowed may be reached at the address
// that its name turned out to have: a public one, one that the operator has
// listed, or one that such a name may stand for.
func (h *hosts) mayDial(host string, at netip.Addr) bool {
	if public(at) || h.mayBePrivate(host) {
		return true
	}
	at = at.Unmap().WithZone("")
	return slices.ContainsFunc(h.allowed, func(a string) bool {
		listed, err := netip.ParseAddr(strings.Trim(a, "[]"))
		return err == nil && listed.Unmap() == at
	})
}

// mayBePrivate reports whether a host that was allowed may have any address that
// is not public: it is one itself, or a name that nobody can have in public, or
// the operator said so. Any other name is somebody else's to point anywhere.
func (h *hosts) mayBePrivate(host string) bool {
	if h.private {
		return true
	}
	name := hostName(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true // written as an address, and allowed as such
	}
	if !strings.Contains(name, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".lan", ".home.arpa"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

var errPrivate = errors.New("not a public address")

const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 60 * time.Second
)

// newTransport returns a transport whose every connection is looked at when the
// address behind the name is known, so that neither a redirect nor a name that
// changes its address leads to where it must not. It uses no proxy: a proxy would
// look names up itself. A nil resolver is the system's.
func newTransport(h *hosts, resolver *net.Resolver) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			d := net.Dialer{Timeout: dialTimeout, Resolver: resolver, Control: func(_, resolved string, _ syscall.RawConn) error {
				at, err := netip.ParseAddrPort(resolved)
				if err != nil || !h.mayDial(host, at.Addr()) {
					return errPrivate
				}
				return nil
			}}
			return d.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxIdleConnsPerHost:    2,
		MaxResponseHeaderBytes: 256 << 10,
		IdleConnTimeout:        30 * time.Second,
	}
}

// notPublic lists the networks of RFC 6890 and its successors that lead nowhere
// in public.
func notPublic() []string {
	return []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
		"::/127", "100::/64", "2001::/23", "2001:db8::/32", "5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8",
	}
}

// public reports whether an address is one of the public Internet. IPv4 inside
// IPv6, mapped or translated, is judged by what it leads to.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		b := a.As16()
		switch {
		case netip.MustParsePrefix("64:ff9b::/96").Contains(a): // NAT64
			return public(netip.AddrFrom4([4]byte(b[12:16])))
		case netip.MustParsePrefix("64:ff9b:1::/48").Contains(a): // local NAT64
			return false
		case netip.MustParsePrefix("::/96").Contains(a): // IPv4-compatible, long gone
			return false
		case netip.MustParsePrefix("2002::/16").Contains(a): // 6to4
			return public(netip.AddrFrom4([4]byte(b[2:6])))
		}
	}
	for _, network := range notPublic() {
		if netip.MustParsePrefix(network).Contains(a) {
			return false
		}
	}
	return true
}

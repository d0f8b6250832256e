package server

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Check says how something is that the service depends on.
type Check struct {
	// Name names it: "checkins", or the id of a source.
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail says that the service does its work without it, too, or that another
	// replica would do no better.
	Detail bool `json:"detail,omitempty"`
	// Message says how it is, for everybody to read.
	Message string `json:"message,omitempty"`
}

const (
	// readyTimeout is how long checks may take: probes commonly wait a second
	// more or less, and a disk that takes longer to write is not ready.
	readyTimeout = 2 * time.Second
	// readyFor is how long what the checks said holds: anybody may ask, and a
	// check may write to a disk.
	readyFor = time.Second
)

// readiness tells whether the service can do its work.
type readiness struct {
	checks func(context.Context) []Check // nil: it always can

	mu   sync.Mutex
	at   time.Time
	last report
}

// report is what /readyz answers.
type report struct {
	Status   string   `json:"status"` // "ready" or "not ready"
	NotReady []string `json:"notReady,omitempty"`
	Checks   []Check  `json:"checks,omitempty"`
}

// now returns what the checks say, or said a moment ago.
func (rd *readiness) now(ctx context.Context) report {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if rd.checks == nil {
		return report{Status: "ready"}
	}
	if !rd.at.IsZero() && time.Since(rd.at) < readyFor {
		return rd.last
	}
	// Whoever comes next gets this answer too: it must not end with its asker.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	r := report{Status: "ready", Checks: rd.checks(ctx)}
	for _, c := range r.Checks {
		if !c.OK && !c.Detail {
			r.Status = "not ready"
			r.NotReady = append(r.NotReady, c.Name)
		}
	}
	rd.at, rd.last = time.Now(), r
	return r
}

// strictly returns r for somebody who needs the checks of these names, details
// too; false: there is none of a name.
func (r report) strictly(names []string) (report, bool) {
	for _, name := range names {
		at := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == name })
		if at < 0 {
			return report{}, false
		}
		if !r.Checks[at].OK && !slices.Contains(r.NotReady, name) {
			r.Status, r.NotReady = "not ready", append(slices.Clone(r.NotReady), name)
		}
	}
	return r, true
}

// ServeHTTP answers 200, or 503 while something is not ready, and says what. What
// is asked for by name (?for=checkins) has to be well even if it is a detail.
func (rd *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now, known := rd.now(r.Context()).strictly(r.URL.Query()["for"])
	if !known { // a probe that is written wrong must not pass
		http.Error(w, "for: nothing of that name is checked; /readyz lists what is", http.StatusNotFound)
		return
	}
	body, err := json.Marshal(now)
	if err != nil { // it is made of texts alone
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(now.NotReady) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(body, '\n'))
}

// live answers as long as the process does: a probe that fails is followed by a
// restart, which mends nothing that is elsewhere.
func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}

// fromHere lets requests of this machine through that came by no proxy, and tells
// all others that there is nothing: behind a proxy, a service on a loopback
// address is open to the world.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		remote, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !remote.Addr().Unmap().IsLoopback() || !namesThisMachine(r.Host) || proxied(r.Header) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// namesThisMachine reports whether a Host header is that of a loopback address: a
// page in a browser of this machine can make another name lead here.
func namesThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback()
}

func proxied(h http.Header) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if len(h.Values(name)) > 0 {
			return true
		}
	}
	return false
}

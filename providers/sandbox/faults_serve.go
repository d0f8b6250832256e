package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is a whole response, made before any of it is sent, so that faults
// can spoil it.
type answer struct {
	status      int
	contentType string // empty: none is sent
	header      map[string]string
	body        []byte
	unheard     bool // nobody gets it: the connection is held, then cut
}

// The content types of the edge, of the origin's own words, and of nobody.
const (
	typeText = "text/plain;charset=UTF-8"
	typeJSON = "application/json"
)

func textAnswer(status int, body string) answer {
	return answer{status: status, contentType: typeText, body: []byte(body)}
}

// manners is how one upstream looks when it fails.
type manners struct {
	unauthorized, forbidden, tooMany, badGateway answer
	// wrongTypes and notArray are JSON: the upstream's usual answer with all
	// types mixed up, and its object that tells an error, with status 200.
	wrongTypes, notArray string
	// huge is what stands before and after the 200 MB within a JSON string.
	huge [2]string
	// redirect is where a redirect leads that names no target.
	redirect string
}

// hugeBytes is the size of a Huge answer.
const hugeBytes = 200 << 20

// serve answers a request with what good makes of it, or with the faults that
// it meets.
func (f *Faults) serve(w http.ResponseWriter, r *http.Request, good func(*http.Request) answer) {
	met, changed := f.next(r)
	for _, spec := range met {
		switch spec.Fault {
		case Latency:
			if !pause(r, changed, spec.duration(time.Second)) {
				return
			}
			continue
		case CommentHidden:
			r = r.WithContext(context.WithValue(r.Context(), hiddenKey{}, spec.duration(5*time.Second)))
			continue
		case Hang:
			hold(r, changed, 0)
		case SlowBody:
			trickle(w, r, changed, good(r), spec.duration(30*time.Second))
		case Disconnect:
			disconnect(w, r, good(r))
		case Huge:
			flood(w, r, f.manners.huge)
		default:
			if spec.Fault.ofComments() {
				a := good(r.WithContext(context.WithValue(r.Context(), faultKey{}, spec.Fault)))
				if a.unheard {
					hold(r, changed, spec.Duration)
					panic(http.ErrAbortHandler) // net/http's way to cut a connection
				}
				a.send(w, r)
				return
			}
			spec.spoil(func() answer { return good(r) }, &f.manners).send(w, r)
		}
		return
	}
	good(r).send(w, r)
}

type (
	faultKey  struct{}
	hiddenKey struct{}
)

// faultOf returns which of the faults of comments the request has met, else None.
func faultOf(ctx context.Context) Fault {
	fault, _ := ctx.Value(faultKey{}).(Fault)
	return fault
}

// hiddenFor returns for how long what the request submits is not shown.
func hiddenFor(ctx context.Context) time.Duration {
	d, _ := ctx.Value(hiddenKey{}).(time.Duration)
	return d
}

func (s FaultSpec) duration(otherwise time.Duration) time.Duration {
	if s.Duration > 0 {
		return s.Duration
	}
	return otherwise
}

// spoil returns the answer of a fault that needs no time. Only one that spoils
// the right answer asks for it: a request that is turned away changes nothing.
func (s FaultSpec) spoil(good func() answer, m *manners) answer {
	switch s.Fault {
	case Unauthorized:
		return m.unauthorized
	case Forbidden:
		return m.forbidden
	case TooMany:
		seconds := int((s.duration(30*time.Second) + time.Second - 1) / time.Second)
		limited := m.tooMany
		limited.header = map[string]string{"Retry-After": strconv.Itoa(seconds)}
		return limited
	case ServerError:
		return answer{status: http.StatusInternalServerError}
	case BadGateway:
		return m.badGateway
	case Empty200:
		return answer{status: http.StatusOK}
	case HTML:
		return answer{status: http.StatusOK, contentType: "text/html; charset=UTF-8", body: []byte("<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body><h1>Checking your browser</h1></body></html>\n")}
	case Truncated:
		a := good()
		a.body = a.body[:len(a.body)*3/5]
		return a
	case WrongTypes:
		return answer{status: http.StatusOK, contentType: typeJSON, body: []byte(m.wrongTypes)}
	case NotArray:
		return answer{status: http.StatusOK, contentType: typeJSON, body: []byte(m.notArray)}
	case Redirect:
		to := s.To
		if to == "" {
			to = m.redirect
		}
		return answer{status: http.StatusFound, header: map[string]string{"Location": to}}
	default:
		return good()
	}
}

// hold waits for the client to give up, for the faults to change and, unless d
// is 0, for d.
func hold(r *http.Request, changed <-chan struct{}, d time.Duration) {
	if d > 0 {
		pause(r, changed, d)
		return
	}
	select {
	case <-r.Context().Done():
	case <-changed:
	}
}

// pause waits; it returns false when the request ended before the time did. A
// change of the faults ends the wait early.
func pause(r *http.Request, changed <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-changed:
		return true
	case <-r.Context().Done():
		return false
	}
}

// trickle sends an answer in twenty pieces.
func trickle(w http.ResponseWriter, r *http.Request, changed <-chan struct{}, a answer, d time.Duration) {
	const pieces = 20
	a = a.prepare(w, r)
	w.WriteHeader(a.status)
	rest, size := a.body, len(a.body)/pieces+1
	for len(rest) > 0 {
		n := min(size, len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // a recorder in a test may not flush
		rest = rest[n:]
		if len(rest) > 0 && !pause(r, changed, d/pieces) {
			return
		}
	}
}

// disconnect promises a body and closes the connection in its middle.
func disconnect(w http.ResponseWriter, r *http.Request, a answer) {
	a = a.prepare(w, r)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // net/http's way to cut a connection
}

// flood sends more than anybody should read.
func flood(w http.ResponseWriter, r *http.Request, around [2]string) {
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(http.StatusOK)
	block := bytes.Repeat([]byte("x"), 64<<10)
	_, err := w.Write([]byte(around[0])) //nolint:gosec // the upstream's manners are constants
	for sent := 0; err == nil && sent < hugeBytes && r.Context().Err() == nil; sent += len(block) {
		_, err = w.Write(block)
	}
	if err == nil {
		_, _ = w.Write([]byte(around[1])) //nolint:gosec // as above
	}
}

// send writes an answer, compressed when the client takes gzip.
func (a answer) send(w http.ResponseWriter, r *http.Request) {
	a = a.prepare(w, r)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have gone
}

// prepare sets the headers and returns the answer with the body as it goes
// over the wire.
func (a answer) prepare(w http.ResponseWriter, r *http.Request) answer {
	h := w.Header()
	h["Content-Type"] = nil // keeps net/http from guessing
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	}
	for name, value := range a.header {
		h.Set(name, value)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Add("Vary", "Origin")
	}
	if len(a.body) > 1024 && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
		a.body = compress(a.body)
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	return a
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is a valid one
	_, _ = z.Write(body)                            // a buffer does not fail
	_ = z.Close()
	return b.Bytes()
}

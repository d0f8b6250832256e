package sandbox

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

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
		case Hang:
			select {
			case <-r.Context().Done():
			case <-changed:
			}
		case SlowBody:
			trickle(w, r, changed, good(r), spec.duration(30*time.Second))
		case Disconnect:
			disconnect(w, r, good(r))
		case Huge:
			flood(w, r)
		default:
			spec.spoil(good(r)).send(w, r)
		}
		return
	}
	good(r).send(w, r)
}

func (s FaultSpec) duration(otherwise time.Duration) time.Duration {
	if s.Duration > 0 {
		return s.Duration
	}
	return otherwise
}

// spoil turns a good answer into the one of a fault that needs no time.
func (s FaultSpec) spoil(a answer) answer {
	switch s.Fault {
	case Forbidden:
		return textAnswer(http.StatusForbidden, "REJECTED_APIKEY_INVALID")
	case TooMany:
		seconds := int((s.duration(30*time.Second) + time.Second - 1) / time.Second)
		limited := textAnswer(http.StatusTooManyRequests, "Too many requests")
		limited.header = map[string]string{"Retry-After": strconv.Itoa(seconds)}
		return limited
	case ServerError:
		return answer{status: http.StatusInternalServerError}
	case BadGateway:
		return textAnswer(http.StatusBadGateway, "Upstream API unavailable")
	case Empty200:
		return answer{status: http.StatusOK}
	case HTML:
		return answer{status: http.StatusOK, contentType: "text/html; charset=UTF-8", body: []byte("<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body><h1>Checking your browser</h1></body></html>\n")}
	case Truncated:
		a.body = a.body[:len(a.body)*3/5]
		return a
	case WrongTypes:
		return answer{status: http.StatusOK, contentType: typeJSON, body: []byte(`[{"ID":"twelve","UUID":7,"AddressInfo":[],"Connections":{"ID":1},"UserComments":"none","MediaItems":0,"DateCreated":false,"StatusTypeID":{}}]`)}
	case NotArray:
		return answer{status: http.StatusOK, contentType: typeJSON, body: []byte(`{"Status":"Error","Message":"Cache not ready, canoot return results"}`)}
	case Redirect:
		to := s.To
		if to == "" {
			to = "https://elsewhere.invalid/v3/poi"
		}
		return answer{status: http.StatusFound, header: map[string]string{"Location": to}}
	default:
		return a
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
func flood(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(http.StatusOK)
	block := bytes.Repeat([]byte("x"), 64<<10)
	_, err := w.Write([]byte(`[{"ID":1,"GeneralComments":"`))
	for sent := 0; err == nil && sent < hugeBytes && r.Context().Err() == nil; sent += len(block) {
		_, err = w.Write(block)
	}
	if err == nil {
		_, _ = w.Write([]byte(`"}]`))
	}
}

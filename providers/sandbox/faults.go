package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is a way for an upstream to go wrong.
type Fault uint8

// Faults. What a duration means stands with each; the default applies when
// none is given.
const (
	// None does nothing.
	None Fault = iota
	// Latency waits (1s), then answers as usual or with the next fault.
	Latency
	// Hang never answers: until the client gives up, the faults change, or the
	// simulator is closed.
	Hang
	// Forbidden is a 403 with the body that the upstream's edge sends: a
	// sentence, or a page that challenges browsers.
	Forbidden
	// TooMany is a 429 with Retry-After (30s).
	TooMany
	// ServerError is a 500 without a body.
	ServerError
	// BadGateway is the 502 of an edge that lost its origin.
	BadGateway
	// Empty200 is a 200 without a body.
	Empty200
	// HTML is a 200 with a page for people.
	HTML
	// Truncated cuts the JSON in the middle, with a Content-Length that fits:
	// the transport sees nothing wrong.
	Truncated
	// Disconnect closes the connection in the middle of the body.
	Disconnect
	// SlowBody sends the right body in twenty pieces over a time (30s).
	SlowBody
	// WrongTypes is valid JSON whose members have the wrong types.
	WrongTypes
	// NotArray is a JSON object that tells an error, with status 200.
	NotArray
	// Huge is valid JSON of 200 MB.
	Huge
	// Redirect is a 302 to another host.
	Redirect
	// Unauthorized is a 401 whatever the credentials.
	Unauthorized

	// The following are met by submissions of comments to Open Charge Map and by
	// no other request. Those called lost store nothing; the others store the
	// comment, where it is one that can be stored, and answer wrongly then.

	// CommentTimeout gives no answer, until the client gives up or the faults
	// change; with a duration, the connection is cut after that.
	CommentTimeout
	CommentTimeoutLost
	// CommentError is a 500 without a body.
	CommentError
	CommentErrorLost
	// CommentEmpty is a 200 without a body, as after an exception.
	CommentEmpty
	CommentEmptyLost
	// CommentFailed is the 400 that tells no cause.
	CommentFailed
	CommentFailedLost
	// CommentAmbiguous is any of the eight above, as the dice fall. What gives no
	// answer is cut after a duration (1s).
	CommentAmbiguous
	// CommentExpired ends all sessions of the author, as signing out from the
	// website does, and answers 401.
	CommentExpired
	// CommentReadOnly is the 400 of a service that takes no submissions.
	CommentReadOnly
	// CommentHidden stores the comment and shows it after a duration (5s) only, as
	// where the mirror was not brought up to date; it answers as usual or with the
	// next fault.
	CommentHidden
)

// ofComments reports whether only submissions of comments meet the fault.
func (f Fault) ofComments() bool { return f >= CommentTimeout && f <= CommentHidden }

// FaultNames returns the names of the faults in flags, by their numbers.
func FaultNames() []string {
	return []string{
		None: "none", Latency: "latency", Hang: "hang", Forbidden: "403", TooMany: "429", ServerError: "500",
		BadGateway: "502", Empty200: "empty", HTML: "html", Truncated: "truncated", Disconnect: "disconnect",
		SlowBody: "slow", WrongTypes: "types", NotArray: "object", Huge: "huge", Redirect: "redirect", Unauthorized: "401",
		CommentTimeout: "comment-timeout", CommentTimeoutLost: "comment-timeout-lost",
		CommentError: "comment-500", CommentErrorLost: "comment-500-lost",
		CommentEmpty: "comment-empty", CommentEmptyLost: "comment-empty-lost",
		CommentFailed: "comment-failed", CommentFailedLost: "comment-failed-lost",
		CommentAmbiguous: "comment-ambiguous", CommentExpired: "comment-expired", CommentReadOnly: "comment-readonly", CommentHidden: "comment-hidden",
	}
}

// String returns the name in flags: latency, hang, 403, 429, 500, 502, empty,
// html, truncated, disconnect, slow, types, object, huge, redirect, 401,
// comment-timeout, comment-500, comment-empty, comment-failed and each of these
// four with -lost, comment-ambiguous, comment-expired, comment-readonly,
// comment-hidden, none.
func (f Fault) String() string {
	if names := FaultNames(); int(f) < len(names) {
		return names[f]
	}
	return "Fault(" + strconv.Itoa(int(f)) + ")"
}

// FaultSpec is a fault with its circumstances.
type FaultSpec struct {
	// Upstream is the simulator it is meant for, such as "ocm".
	Upstream string
	Fault    Fault
	// Duration is explained with each fault; 0 is the fault's default.
	Duration time.Duration
	// Share is the part of the requests that meet the fault, evenly spread,
	// not random: at 0.25 every fourth one, the first one included. 0 means all.
	Share float64
	// Chance is the probability with which a request meets the fault, by the dice
	// of the world's seed; 0 means always. With Share, both must be met.
	Chance float64
	// Count is how many requests meet the fault before it goes away; 0 means
	// any number.
	Count int
	// Path limits the fault to requests whose path contains it, such as "/poi".
	Path string
	// To is where Redirect leads; empty is a host that does not exist.
	To string
}

// ParseFault reads the text of a flag or of /_sandbox/faults:
//
//	UPSTREAM=FAULT[:OPTION[,OPTION]…]
//
// An option is a duration (200ms), a probability (0.3), share=0.5, count=3,
// path=/poi or to=URL:
//
//	ocm=latency:200ms
//	ocm=429:5s,share=0.3,path=/poi
//	ocm=comment-ambiguous:0.3,200ms
func ParseFault(s string) (FaultSpec, error) {
	upstream, rest, ok := strings.Cut(strings.TrimSpace(s), "=")
	if !ok || upstream == "" {
		return FaultSpec{}, fmt.Errorf("sandbox: fault %q: want UPSTREAM=FAULT, such as ocm=429", s)
	}
	name, options, _ := strings.Cut(rest, ":")
	i := slices.Index(FaultNames(), name)
	if i < 0 {
		return FaultSpec{}, fmt.Errorf("sandbox: fault %q: no fault is called %q, want one of %s", s, name, strings.Join(FaultNames(), ", "))
	}
	spec := FaultSpec{Upstream: upstream, Fault: Fault(i)} //nolint:gosec // an index of a short list
	if spec.Fault.ofComments() && upstream != "ocm" {
		return FaultSpec{}, fmt.Errorf("sandbox: fault %q: comments are submitted to ocm only", s)
	}
	if options == "" {
		return spec, nil
	}
	for option := range strings.SplitSeq(options, ",") {
		if err := spec.set(option); err != nil {
			return FaultSpec{}, fmt.Errorf("sandbox: fault %q: %w", s, err)
		}
	}
	return spec, nil
}

func (s *FaultSpec) set(option string) (err error) {
	name, value, named := strings.Cut(option, "=")
	switch {
	case !named:
		if chance, noNumber := strconv.ParseFloat(name, 64); noNumber == nil {
			if !(chance > 0 && chance <= 1) {
				return fmt.Errorf("probability %q is not above 0 and at most 1", name)
			}
			s.Chance = chance
			return nil
		}
		if s.Duration, err = time.ParseDuration(name); err != nil || s.Duration < 0 {
			return fmt.Errorf("option %q is neither a duration nor a probability nor share=, count=, path=, to=", option)
		}
	case name == "share":
		if s.Share, err = strconv.ParseFloat(value, 64); err != nil || !(s.Share > 0 && s.Share <= 1) {
			return fmt.Errorf("share %q is not above 0 and at most 1", value)
		}
	case name == "count":
		if s.Count, err = strconv.Atoi(value); err != nil || s.Count < 1 {
			return fmt.Errorf("count %q is not a positive number", value)
		}
	case name == "path":
		s.Path = value
	case name == "to":
		s.To = value
	default:
		return fmt.Errorf("option %q is not one of share, count, path, to", name)
	}
	return nil
}

// String returns the text that ParseFault reads.
func (s FaultSpec) String() string {
	var options []string
	if s.Duration != 0 {
		options = append(options, s.Duration.String())
	}
	if s.Chance != 0 {
		options = append(options, strconv.FormatFloat(s.Chance, 'g', -1, 64))
	}
	if s.Share != 0 {
		options = append(options, "share="+strconv.FormatFloat(s.Share, 'g', -1, 64))
	}
	if s.Count != 0 {
		options = append(options, "count="+strconv.Itoa(s.Count))
	}
	if s.Path != "" {
		options = append(options, "path="+s.Path)
	}
	if s.To != "" {
		options = append(options, "to="+s.To)
	}
	text := s.Upstream + "=" + s.Fault.String()
	if len(options) > 0 {
		text += ":" + strings.Join(options, ",")
	}
	return text
}

// FaultOption changes a FaultSpec.
type FaultOption func(*FaultSpec)

// For sets the duration of a fault.
func For(d time.Duration) FaultOption { return func(s *FaultSpec) { s.Duration = d } }

// Share limits a fault to a part of the requests.
func Share(p float64) FaultOption { return func(s *FaultSpec) { s.Share = p } }

// Count limits a fault to a number of requests.
func Count(n int) FaultOption { return func(s *FaultSpec) { s.Count = n } }

// OnPath limits a fault to paths that contain a text, such as "/poi".
func OnPath(path string) FaultOption { return func(s *FaultSpec) { s.Path = path } }

// To sets the target of a Redirect.
func To(url string) FaultOption { return func(s *FaultSpec) { s.To = url } }

// Faults decides what goes wrong at one simulator. It is safe for concurrent
// use, and changes apply to requests that arrive later; requests that hang are
// let go with an empty answer.
type Faults struct {
	upstream string
	manners  manners

	mu      sync.Mutex
	dice    dice
	active  []*activeFault
	changed chan struct{} // closed by the next change
	closed  bool
}

type activeFault struct {
	FaultSpec
	seen, hit int
}

func newFaults(upstream string, m manners) *Faults {
	f := &Faults{upstream: upstream, manners: m, changed: make(chan struct{})}
	f.throw(0)
	return f
}

// throw begins the dice of the faults anew.
func (f *Faults) throw(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dice = diceFor(seed, "faults:"+f.upstream, 0)
}

// Set makes f the only fault. Set(None) is Clear.
func (f *Faults) Set(fault Fault, options ...FaultOption) {
	spec := FaultSpec{Fault: fault}
	for _, option := range options {
		option(&spec)
	}
	f.Replace(spec)
}

// Replace makes specs the only faults, whatever upstream they name. A request
// meets the first one that applies to it; only Latency and CommentHidden let it
// go on to the next.
func (f *Faults) Replace(specs ...FaultSpec) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = nil
	for _, s := range specs {
		if s.Fault != None && !f.closed {
			s.Upstream = f.upstream
			f.active = append(f.active, &activeFault{FaultSpec: s})
		}
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// Clear removes all faults.
func (f *Faults) Clear() { f.Replace() }

// Specs returns the faults that may still be met.
func (f *Faults) Specs() []FaultSpec {
	f.mu.Lock()
	defer f.mu.Unlock()
	var specs []FaultSpec
	for _, a := range f.active {
		if a.Count == 0 || a.hit < a.Count {
			specs = append(specs, a.FaultSpec)
		}
	}
	return specs
}

func (f *Faults) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Clear()
}

// next returns what the request meets, and a channel that closes when the
// faults change.
func (f *Faults) next(r *http.Request) (met []FaultSpec, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.active {
		if !strings.Contains(r.URL.Path, a.Path) || a.Count > 0 && a.hit >= a.Count || a.Fault.ofComments() && !submitsOCMComment(r) {
			continue
		}
		a.seen++
		if share := a.Share; share > 0 && share < 1 {
			// Request n meets the fault when n times share passes a whole number.
			if n := float64(a.seen - 1); math.Ceil(n*share) >= (n+1)*share {
				continue
			}
		}
		if a.Chance > 0 && !f.dice.chance(a.Chance) {
			continue
		}
		a.hit++
		spec := a.FaultSpec
		if spec.Fault == CommentAmbiguous {
			spec.Fault = one(f.dice, CommentTimeout, CommentTimeoutLost, CommentError, CommentErrorLost, CommentEmpty, CommentEmptyLost, CommentFailed, CommentFailedLost)
			spec.Duration = spec.duration(time.Second)
		}
		met = append(met, spec)
		if a.Fault != Latency && a.Fault != CommentHidden {
			break
		}
	}
	return met, f.changed
}

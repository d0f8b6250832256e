package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// simulator is what every simulated upstream has besides its own answers:
// faults, a record of its calls, and paths to steer it. Upstreams embed it and
// hand their answers to serve. Safe for concurrent use.
type simulator struct {
	upstream string
	log      *slog.Logger
	faults   *Faults
	// controls are further paths below controlPrefix, by what follows it.
	controls map[string]http.HandlerFunc

	mu    sync.Mutex
	calls []Call
	total int
}

// newSimulator returns the simulator of the upstream of that name, which fails
// with these manners. A nil log is silence.
func newSimulator(upstream string, log *slog.Logger, m manners) simulator {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return simulator{upstream: upstream, log: log, faults: newFaults(upstream, m)}
}

// Call is one request that reached a simulator.
type Call struct {
	Method    string
	Path      string
	Query     url.Values
	UserAgent string
	Header    http.Header
}

// maxCalls bounds the memory of a simulator that runs for days.
const maxCalls = 10_000

// Faults steers what goes wrong.
func (s *simulator) Faults() *Faults { return s.faults }

// Close removes all faults for good and lets held requests go. It always
// returns nil.
func (s *simulator) Close() error {
	s.faults.close()
	return nil
}

// Calls returns the calls since the start or the last ResetCalls, oldest
// first, at most the last 10,000. Requests to /_sandbox/ are not among them,
// refused ones and those that met a fault are.
func (s *simulator) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ResetCalls forgets the calls.
func (s *simulator) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.total = nil, 0
}

func (s *simulator) record(r *http.Request) {
	c := Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), UserAgent: r.UserAgent(), Header: r.Header.Clone()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) >= maxCalls {
		s.calls = append(s.calls[:0], s.calls[maxCalls/10:]...)
	}
	s.calls = append(s.calls, c)
	s.total++
}

// serve answers one request: what steers the simulator, else what good makes
// of it, spoilt by the faults that it meets.
func (s *simulator) serve(w http.ResponseWriter, r *http.Request, good func(*http.Request) answer) {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control(w, r)
		return
	}
	s.record(r)
	began := time.Now()
	s.faults.serve(w, r, good)
	s.log.LogAttrs(r.Context(), slog.LevelDebug, "sandbox request",
		slog.String("upstream", s.upstream), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Duration("duration", time.Since(began)))
}

// controlPrefix is where a simulator is steered. No upstream has such a path.
const controlPrefix = "/_sandbox/"

// control serves the paths below controlPrefix.
func (s *simulator) control(w http.ResponseWriter, r *http.Request) {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !isLoopback(host) {
		http.Error(w, "the sandbox is steered from a loopback address only", http.StatusForbidden)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, controlPrefix)
	switch name {
	case "faults":
		s.faults.control(w, r)
	case "calls":
		s.mu.Lock()
		total := s.total
		s.mu.Unlock()
		if r.Method == http.MethodDelete {
			s.ResetCalls()
			total = 0
		}
		writeControl(w, map[string]any{"calls": total})
	default:
		if serve, ok := s.controls[name]; ok {
			serve(w, r)
			return
		}
		http.NotFound(w, r)
	}
}

// control reads, replaces or removes faults. PUT takes the text of flags, one
// per line (the upstream's name may be missing), or a JSON array of them.
func (f *Faults) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		f.Clear()
	case http.MethodPut:
		const limit = 64 << 10 // far more than all faults together
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		specs, err := f.parse(string(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f.Replace(specs...)
	default:
		w.Header().Set("Allow", "GET, PUT, DELETE")
		http.Error(w, "want GET, PUT or DELETE", http.StatusMethodNotAllowed)
		return
	}
	names := []string{}
	for _, s := range f.Specs() {
		names = append(names, s.String())
	}
	writeControl(w, map[string]any{"faults": names})
}

func (f *Faults) parse(body string) ([]FaultSpec, error) {
	lines := strings.Split(body, "\n")
	if strings.HasPrefix(strings.TrimSpace(body), "[") {
		lines = nil
		if err := json.Unmarshal([]byte(body), &lines); err != nil {
			return nil, fmt.Errorf("read JSON list of faults: %w", err)
		}
	}
	var specs []FaultSpec
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		if !strings.Contains(name, "=") {
			line = f.upstream + "=" + line
		}
		spec, err := ParseFault(line)
		if err != nil {
			return nil, err
		}
		if spec.Upstream != f.upstream {
			return nil, fmt.Errorf("fault %q is for %q, this is %q", line, spec.Upstream, f.upstream)
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

func writeControl(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", typeJSON)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

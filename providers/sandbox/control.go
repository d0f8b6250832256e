package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// controlPrefix is where a simulator is steered. No upstream has such a path.
const controlPrefix = "/_sandbox/"

// control serves the paths below controlPrefix.
func (o *OCM) control(w http.ResponseWriter, r *http.Request) {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !isLoopback(host) {
		http.Error(w, "the sandbox is steered from a loopback address only", http.StatusForbidden)
		return
	}
	switch strings.TrimPrefix(r.URL.Path, controlPrefix) {
	case "faults":
		o.faults.control(w, r)
	case "calls":
		o.mu.Lock()
		total := o.total
		o.mu.Unlock()
		if r.Method == http.MethodDelete {
			o.ResetCalls()
			total = 0
		}
		writeControl(w, map[string]any{"calls": total})
	default:
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

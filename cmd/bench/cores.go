package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// cores says who runs where; both empty is nowhere in particular.
type cores struct {
	server string // the core of the servers and the plain handler, which take turns
	rest   string // those of the client, the proxy, the simulator and Redis
}

// divideCores gives the servers the first of the cores that bench may use, moves
// bench itself to the others, and returns why it did not where it cannot.
func divideCores(ctx context.Context) (c cores, why string) {
	if _, err := exec.LookPath("taskset"); err != nil {
		return cores{}, "not pinned: taskset is not installed"
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return cores{}, "not pinned: no /proc"
	}
	var allowed []int
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			allowed = parseCores(strings.TrimSpace(text))
		}
	}
	if len(allowed) < 2 {
		return cores{}, "not pinned: one core is all there is, client and server share it"
	}
	c.server = strconv.Itoa(allowed[0])
	rest := make([]string, len(allowed)-1)
	for i, n := range allowed[1:] {
		rest[i] = strconv.Itoa(n)
	}
	c.rest = strings.Join(rest, ",")
	//nolint:gosec // numbers
	if said, err := exec.CommandContext(ctx, "taskset", "-acp", c.rest, strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
		return cores{}, fmt.Sprintf("not pinned: taskset: %v: %s", err, said)
	}
	return c, ""
}

// parseCores reads a list such as 0-2,5; what is no number is left out.
func parseCores(list string) []int {
	var all []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			continue
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil {
				continue
			}
		}
		for n := first; n <= last; n++ {
			all = append(all, n)
		}
	}
	return all
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is a number that may be unknown.
type figure struct {
	value float64
	why   string // it is unknown; "" when it is known
}

func known(value float64) figure { return figure{value: value} }

// over divides two figures.
func (f figure) over(by figure) figure {
	switch {
	case f.why != "":
		return f
	case by.why != "" || by.value <= 0:
		return figure{why: "nothing to compare with"}
	}
	return known(f.value / by.value)
}

// pointer is how a figure stands in JSON: null when it is unknown.
func (f figure) pointer() *float64 {
	if f.why != "" {
		return nil
	}
	return &f.value
}

// cpuMS is the CPU per answer in milliseconds.
func (m *sample) cpuMS() figure {
	if m.cpuErr != nil {
		return figure{why: m.cpuErr.Error()}
	}
	return known(per(milliseconds(m.cpu), m.answers))
}

// report is what was measured. Its JSON is meant to be compared between runs:
// units stand in the names, and what is not known is null.
type report struct {
	At           time.Time   `json:"at"`
	Revision     string      `json:"revision,omitempty"` // of bench
	Go           string      `json:"go"`
	System       string      `json:"system"`
	Cores        int         `json:"cores"`
	ServerCore   string      `json:"serverCore,omitempty"` // empty: not pinned
	Redis        bool        `json:"redis"`
	TotalSeconds float64     `json:"totalSeconds"` // the time asked for
	Sites        int         `json:"sites"`
	Seed         uint64      `json:"seed"`
	CacheMB      *int        `json:"cacheMB"` // null: this build has no such setting
	Rows         []reportRow `json:"workloads"`
	Goals        []goal      `json:"goals"`
	Failures     []string    `json:"failures"`
	Notes        []string    `json:"notes"`

	rig *rig
}

// reportRow is what one workload cost. Per query means per answer that a client
// got.
type reportRow struct {
	Name          string   `json:"name"`
	LeftOut       string   `json:"leftOut,omitempty"` // why
	Requests      int      `json:"requests"`
	Seconds       float64  `json:"seconds"`
	PerSecond     float64  `json:"requestsPerSecond"`
	CPUMs         *float64 `json:"cpuMsPerRequest"`
	P50Ms         float64  `json:"p50Ms"`
	P99Ms         float64  `json:"p99Ms"`
	AnswerBytes   float64  `json:"answerBytes"`
	UpstreamCalls int64    `json:"upstreamCalls"`
	CallsPerQuery float64  `json:"upstreamCallsPerQuery"`
	BytesPerQuery float64  `json:"upstreamBytesPerQuery"`
}

// goal is a figure beside what it should be.
type goal struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit,omitempty"`
	Value *float64 `json:"value"` // null: not measured
	Why   string   `json:"why,omitempty"`
	Want  string   `json:"want"`
	Peers string   `json:"bestOfPeers,omitempty"` // of Apollo Server, GraphQL Yoga and Hive Gateway, on another machine
	Met   bool     `json:"met"`
}

func (r *rig) newReport() *report {
	rep := &report{
		At: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(), ServerCore: r.cores.server, Redis: r.redis != "",
		TotalSeconds: r.total.Seconds(), Sites: r.sites, Seed: r.seed, Failures: []string{}, rig: r,
	}
	if !r.unknown["cache"] {
		rep.CacheMB = &r.cacheMB
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				rep.Revision = s.Value
			}
		}
	}
	return rep
}

func (rep *report) row(name string, m sample) {
	rep.Rows = append(rep.Rows, reportRow{
		Name: name, Requests: m.answers, Seconds: m.took.Seconds(), PerSecond: float64(m.answers) / m.took.Seconds(),
		CPUMs: m.cpuMS().pointer(), P50Ms: milliseconds(percentile(m.latency, 0.5)), P99Ms: milliseconds(percentile(m.latency, 0.99)),
		AnswerBytes: per(float64(m.bytes), m.answers), UpstreamCalls: m.up.calls,
		CallsPerQuery: per(float64(m.up.calls), m.answers), BytesPerQuery: per(float64(m.up.bytes), m.answers),
	})
}

// leftOut is a row of something that this machine cannot measure.
func (rep *report) leftOut(name, why string) {
	rep.Rows = append(rep.Rows, reportRow{Name: name, LeftOut: why})
}

func (rep *report) atMost(name, unit string, f figure, limit float64, peers string) {
	rep.Goals = append(rep.Goals, goal{
		Name: name, Unit: unit, Value: f.pointer(), Why: f.why, Want: "≤ " + number(limit), Peers: peers, Met: f.why == "" && f.value <= limit,
	})
}

// unknown is a goal whose figure this machine cannot measure.
func (rep *report) unknown(name, unit string, limit float64, peers, why string) {
	rep.atMost(name, unit, figure{why: why}, limit, peers)
}

// exactlyOne is a goal that is met when both the fewest and the most are 1; the
// figure is the most, unless that is 1.
func (rep *report) exactlyOne(name string, fewest, most int64, peers string) {
	value := float64(most)
	if most == 1 {
		value = float64(fewest)
	}
	rep.Goals = append(rep.Goals, goal{Name: name, Value: &value, Want: "= 1", Peers: peers, Met: fewest == 1 && most == 1})
}

// memory is the goal for the largest of the servers.
func (rep *report) memory(p peak, cacheMB int) {
	const beside = 96
	f := known(p.megabytes)
	if p.err != nil {
		f = figure{why: p.err.Error()}
	}
	name := fmt.Sprintf("memory: peak RSS, with a cache of %d MB", cacheMB)
	if rep.CacheMB == nil {
		name, cacheMB = "memory: peak RSS, without a cache", 0
	}
	rep.atMost(name, "MB", f, float64(cacheMB+beside), "122–648")
}

func (rep *report) fail(name string, err error) {
	text := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), "; ")
	rep.Failures = append(rep.Failures, name+": "+text)
}

// write prints the report for people.
func (rep *report) write(w io.Writer) error {
	rep.Notes = rep.rig.notes
	where := "not pinned"
	if rep.ServerCore != "" {
		where = "server on core " + rep.ServerCore + ", all else on the others"
	}
	redis := "with Redis"
	if !rep.Redis {
		redis = "without Redis"
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "\n%s %s, %d cores, %s, %s, %d sites, seed %d\n\n", rep.System, rep.Go, rep.Cores, where, redis, rep.Sites, rep.Seed)
	_, _ = fmt.Fprintln(t, "workload\trequests\treq/s\tCPU ms\tp50 ms\tp99 ms\tanswer kB\tcalls/query\tupstream kB/query\t")
	for _, r := range rep.Rows {
		if r.LeftOut != "" {
			_, _ = fmt.Fprintf(t, "%s\t%s\t\t\t\t\t\t\t\t\n", r.Name, r.LeftOut)
			continue
		}
		cpu := "?"
		if r.CPUMs != nil {
			cpu = number(*r.CPUMs)
		}
		calls, kB := number(r.CallsPerQuery), number(r.BytesPerQuery/1e3)
		if strings.HasSuffix(r.Name, "plain") {
			calls, kB = "", ""
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Name, r.Requests, number(r.PerSecond), cpu,
			number(r.P50Ms), number(r.P99Ms), number(r.AnswerBytes/1e3), calls, kB)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	met := 0
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\ngoal\tmeasured\twanted\tbest peer\t")
	for _, g := range rep.Goals {
		value, verdict := "?", "missed"
		switch {
		case g.Value == nil:
			verdict = "not measured: " + g.Why
		case g.Met:
			verdict = "met"
			met++
		}
		if g.Value != nil {
			value = strings.TrimSpace(number(*g.Value) + " " + g.Unit)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", g.Name, value, strings.TrimSpace(g.Want+" "+g.Unit), g.Peers, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d of %d goals met. Best peer is the best of Apollo Server, GraphQL Yoga and Hive Gateway, measured elsewhere.\n", met, len(rep.Goals))
	for _, n := range rep.Notes {
		_, _ = fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, f := range rep.Failures {
		_, _ = fmt.Fprintf(w, "FAILED %s\n", f)
	}
	return err
}

// number writes three significant digits.
func number(f float64) string {
	switch abs := max(f, -f); {
	case abs == 0:
		return "0"
	case abs < 0.001:
		return strconv.FormatFloat(f, 'e', 1, 64)
	case abs >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	default:
		return strconv.FormatFloat(f, 'g', 3, 64)
	}
}

// save writes the report as JSON.
func (rep *report) save(path string) error {
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // figures are for everybody
}

// verdict is an error when something could not be measured and, when strict, when
// a goal is missed.
func (rep *report) verdict(strict bool) error {
	if n := len(rep.Failures); n > 0 {
		return fmt.Errorf("%d of the workloads could not be measured; FAILED above says why", n)
	}
	if !strict {
		return nil
	}
	for _, g := range rep.Goals {
		if g.Value != nil && !g.Met {
			return errors.New("a goal is missed")
		}
	}
	return nil
}

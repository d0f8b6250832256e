package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
)

// logged is chargegraph running inside the test, with all that it writes.
type logged struct {
	url  string
	done chan error
	stop context.CancelFunc

	mu   sync.Mutex
	text bytes.Buffer
	here chan struct{} // closed when it has said where it listens
}

var listens = regexp.MustCompile(`API +(http://\S+)/graphql`)

// Write takes a line of the program.
func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(line)
	if m := listens.FindSubmatch(l.text.Bytes()); m != nil && l.url == "" {
		l.url = string(m[1])
		close(l.here)
	}
	return len(line), nil
}

func (l *logged) log() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// launch runs chargegraph until the test ends.
func launch(t *testing.T, env map[string]string, args ...string) *logged {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &logged{done: make(chan error, 1), stop: cancel, here: make(chan struct{})}
	go func() { l.done <- run(ctx, args, func(name string) string { return env[name] }, l) }()
	select {
	case <-l.here:
	case err := <-l.done:
		cancel()
		t.Fatalf("it did not start: %v\n%s", err, l.log())
	}
	t.Cleanup(func() {
		cancel()
		if err := <-l.done; err != nil {
			t.Errorf("it did not end cleanly: %v", err)
		}
	})
	return l
}

// fetch asks for a page, and returns its status and text.
func fetch(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// awaitReady waits until everything that is held has been read, and returns what
// /readyz says then.
func awaitReady(t *testing.T, url string) string {
	t.Helper()
	for {
		status, text := fetch(t, http.MethodGet, url+"/readyz", "")
		if status == http.StatusOK {
			return text
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("it is never ready: %s", text)
		}
	}
}

// query posts a document and returns the answer.
func query(t *testing.T, url, document string, headers ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	_, text := fetch(t, http.MethodPost, url+"/graphql", string(body), append(headers, "Content-Type", "application/json")...)
	return text
}

const inLondon = `query InLondon { pois(area: {bounds: {south: 51.49, west: -0.16, north: 51.53, east: -0.06}}) { totalCount nodes { id } sources { source { id } outcome } } }`

func TestMetricsTellWhatTheProgramDoes(t *testing.T) {
	t.Parallel()
	store := "checkins: {store: \"sqlite:" + filepath.Join(t.TempDir(), "checkins.db") + "\"}\n"
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, store)
	p := launch(t, nil, "-config", file, "-sandbox", "-addr", "127.0.0.1:0", "-sites", "2000")
	awaitReady(t, p.url)
	if got := query(t, p.url, inLondon); !strings.Contains(got, `"outcome":"OK"`) {
		t.Fatalf("the answer is %.300s", got)
	}
	query(t, p.url, inLondon)    // is kept
	query(t, p.url, `{ nothing`) // is refused
	status, page := fetch(t, http.MethodGet, p.url+"/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("GET /metrics = %d", status)
	}
	for _, want := range []string{
		`chargegraph_operations_total{name="InLondon",outcome="ok",type="query"} 1`,
		`chargegraph_kept_answers_total 1`,
		`chargegraph_refusals_total{code="GRAPHQL_PARSE_FAILED",limit=""} 1`,
		`chargegraph_source_health{health="HEALTHY",provider="OCM",source="ocm"} 1`,
		`chargegraph_source_info{mode="SANDBOX",provider="OCPI",source="ocpi:hub"} 1`,
		`chargegraph_source_ready{source="ocpi:hub"} 1`,
		`chargegraph_source_questions_total{outcome="OK",source="ocm"} 1`,
		`chargegraph_upstream_budget_limit{source="ocm"} 6000`,
		`chargegraph_upstream_requests_under_way{source="ocm"} 0`,
		`chargegraph_cache_answer_lookups_total{result="memory"} 1`,
		`chargegraph_streams_open 0`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, name := range []string{
		`chargegraph_upstream_requests_total{outcome="2xx",source="ocpi:hub"}`, `chargegraph_source_records{source="ocpi:hub"}`,
		`chargegraph_upstream_request_duration_seconds_count{source="ocm"}`, `chargegraph_pois_merged_total{records="2"}`,
		`chargegraph_cache_loads_total`, `chargegraph_build_info`, `go_goroutines`, `process_cpu_seconds_total`,
	} {
		if regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name)).FindString(page) == "" || strings.Contains(page, name+" 0\n") {
			t.Errorf("the page lacks %s, or it is 0", name)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestMetricsAreWhereTheOperatorWantsThem(t *testing.T) {
	t.Parallel()
	t.Run("on an address of their own, with the probes, and then nowhere else", func(t *testing.T) {
		t.Parallel()
		p := launch(t, map[string]string{envMetricsAddr: "127.0.0.1:0"}, "-addr", "127.0.0.1:0", "-sites", "200")
		m := regexp.MustCompile(`metrics are served" addr=(\S+)`).FindStringSubmatch(p.log())
		if m == nil {
			t.Fatalf("it does not say where they are:\n%s", p.log())
		}
		if status, page := fetch(t, http.MethodGet, "http://"+m[1]+"/metrics", ""); status != http.StatusOK || !strings.Contains(page, "chargegraph_source_health") {
			t.Errorf("GET /metrics there = %d %.200s", status, page)
		}
		awaitReady(t, "http://"+m[1])
		for _, probe := range []string{"/livez", "/healthz"} {
			if status, text := fetch(t, http.MethodGet, "http://"+m[1]+probe, ""); status != http.StatusOK {
				t.Errorf("GET %s there = %d %s", probe, status, text)
			}
		}
		if status, _ := fetch(t, http.MethodGet, "http://"+m[1]+"/schema.graphqls", ""); status != http.StatusNotFound {
			t.Errorf("GET /schema.graphqls there = %d, want 404", status)
		}
		if status, _ := fetch(t, http.MethodGet, p.url+"/metrics", ""); status != http.StatusNotFound {
			t.Errorf("GET /metrics on the main address = %d, want 404", status)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		t.Parallel()
		p := launch(t, map[string]string{envMetricsAddr: "off"}, "-addr", "127.0.0.1:0", "-sites", "200")
		if status, _ := fetch(t, http.MethodGet, p.url+"/metrics", ""); status != http.StatusNotFound {
			t.Errorf("GET /metrics = %d, want 404", status)
		}
	})
	t.Run("not to the world by accident", func(t *testing.T) {
		t.Parallel()
		p := launch(t, nil, "-addr", "0.0.0.0:0", "-sandbox", "-sites", "200")
		url := "http://127.0.0.1:" + p.url[strings.LastIndexByte(p.url, ':')+1:]
		if status, _ := fetch(t, http.MethodGet, url+"/metrics", ""); status != http.StatusNotFound {
			t.Errorf("GET /metrics on an address for everybody = %d, want 404", status)
		}
		if !strings.Contains(p.log(), "metrics are served nowhere") {
			t.Errorf("it does not say so:\n%s", p.log())
		}
	})
	t.Run("an address that is none is refused", func(t *testing.T) {
		t.Parallel()
		err := run(t.Context(), nil, func(name string) string { return map[string]string{envMetricsAddr: "here"}[name] }, io.Discard)
		if err == nil || !strings.Contains(err.Error(), `metrics: addr "here" is not an address`) {
			t.Errorf("it says %v", err)
		}
	})
}

func TestReadyzNamesTheSourceThatWasNotRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "chargegraph.yaml")
	write(t, file, "sources:\n  - {provider: ocpi, name: away, url: \"http://127.0.0.1:1/ocpi\"}\n")
	p := launch(t, nil, "-config", file, "-addr", "127.0.0.1:0")
	status, text := fetch(t, http.MethodGet, p.url+"/readyz", "")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, `"notReady":["ocpi:away"]`) {
		t.Errorf("GET /readyz = %d %s", status, text)
	}
	if status, _ := fetch(t, http.MethodGet, p.url+"/livez", ""); status != http.StatusOK {
		t.Errorf("GET /livez = %d, want 200", status)
	}
}

func TestReadyzTellsOfAnUpstreamThatIsAway_AndIsReadyAllTheSame(t *testing.T) {
	t.Parallel()
	p := launch(t, nil, "-addr", "127.0.0.1:0", "-sites", "200", "-fault", "ocm=500")
	query(t, p.url, inLondon)
	if text := awaitReady(t, p.url); !strings.Contains(text, `{"name":"ocm","ok":false,"detail":true,"message":"D`) {
		t.Errorf("GET /readyz = %s", text)
	}
}

func TestLogLinesAreJSONWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	p := launch(t, nil, "-addr", "127.0.0.1:0", "-sites", "200", "-log-format", "json", "-log", "DEBUG")
	query(t, p.url, inLondon, "X-Request-Id", "abc", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	found := false
	for line := range strings.Lines(p.log()) {
		var entry map[string]any
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &entry) != nil {
			continue // the greeting is for people
		}
		found = found || entry["msg"] == "request" && entry["request_id"] == "abc" && entry["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
	}
	if !found {
		t.Errorf("no line of JSON tells of the request by its id and its trace:\n%s", p.log())
	}
	err := run(t.Context(), []string{"-log-format", "xml"}, func(string) string { return "" }, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "text or json") {
		t.Errorf("another format says %v", err)
	}
}

// exported returns the names of all metrics that there may be.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	m, err := newMetrics()
	if err != nil {
		t.Fatal(err)
	}
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		for _, c := range m.all {
			c.Describe(descs)
		}
	}()
	names := map[string]bool{"up": true}
	fqName := regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descs {
		name := fqName.FindStringSubmatch(d.String())[1]
		names[name] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			names[name+suffix] = true
		}
	}
	return names
}

var metricName = regexp.MustCompile(`\b(?:chargegraph|go|process|promhttp)_[a-z_]+\b`)

// unknown returns what expr names that no metric is called.
func unknown(known map[string]bool, expr string) []string {
	return slices.DeleteFunc(metricName.FindAllString(expr, -1), func(name string) bool { return known[name] })
}

const deploy = "../../deploy"

func TestAlertsAreAboutMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploy, "prometheus", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr string
				Labels      struct{ Severity string }
				Annotations struct{ Summary string }
			}
		}
	}
	if err = yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	known, seen := exported(t), map[string]bool{}
	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			if names := unknown(known, r.Expr); len(names) > 0 {
				t.Errorf("%s is about %v, which are not exported", r.Alert, names)
			}
			if metricName.FindString(r.Expr) == "" || r.Annotations.Summary == "" || seen[r.Alert] {
				t.Errorf("%s names no metric, says nothing, or is there twice", r.Alert)
			}
			if r.Labels.Severity != "page" && r.Labels.Severity != "ticket" {
				t.Errorf("%s has the severity %q", r.Alert, r.Labels.Severity)
			}
			seen[r.Alert] = true
		}
	}
	if len(seen) < 15 {
		t.Errorf("%d alerts were read", len(seen))
	}
}

func TestAlertsPassTheirOwnTests(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("promtool is not installed")
		}
		t.Skip("promtool is not installed: apt-get install prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = filepath.Join(deploy, "prometheus")
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, said)
		}
	}
}

// panel is one of a dashboard, as far as it is looked at.
type panel struct {
	ID         int
	Type       string
	Title      string
	GridPos    struct{ H, W, X, Y int }
	Datasource struct{ Type, UID string }
	Targets    []struct{ RefID, Expr string }
}

func (p *panel) overlaps(q *panel) bool {
	a, b := p.GridPos, q.GridPos
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

func (p *panel) check(known map[string]bool) error {
	if g := p.GridPos; p.ID == 0 || p.Title == "" || g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
		return fmt.Errorf("id %d, title %q, at %+v", p.ID, p.Title, g)
	}
	if p.Type == "row" {
		return nil
	}
	if !slices.Contains([]string{"timeseries", "stat", "state-timeline", "bargauge"}, p.Type) || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
		return fmt.Errorf("type %q, data source %+v, %d targets", p.Type, p.Datasource, len(p.Targets))
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if refs[target.RefID] || metricName.FindString(target.Expr) == "" {
			return fmt.Errorf("target %q: %s", target.RefID, target.Expr)
		}
		refs[target.RefID] = true
		if names := unknown(known, target.Expr); len(names) > 0 {
			return fmt.Errorf("%v are not exported", names)
		}
		if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
			return errors.New("brackets are open: " + target.Expr)
		}
	}
	return nil
}

func TestTheDashboardShowsMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploy, "grafana", "chargegraph.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID, Title    string
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []panel
	}
	if err = json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID == "" || dashboard.Title == "" || dashboard.SchemaVersion < 30 {
		t.Errorf("uid %q, title %q, schema %d", dashboard.UID, dashboard.Title, dashboard.SchemaVersion)
	}
	known := exported(t)
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range dashboard.Templating.List {
		variables[v.Name] = true
		if names := unknown(known, v.Definition); len(names) > 0 {
			t.Errorf("variable %s is about %v, which are not exported", v.Name, names)
		}
	}
	for _, m := range regexp.MustCompile(`\$\{?([a-z_]+)`).FindAllStringSubmatch(string(text), -1) {
		if m[1] != "__all" && !variables[m[1]] {
			t.Errorf("it uses the variable %s, which it does not have", m[1])
		}
	}
	shown := map[string]bool{}
	for i := range dashboard.Panels {
		p := &dashboard.Panels[i]
		if err := p.check(known); err != nil {
			t.Errorf("panel %q: %v", p.Title, err)
		}
		for j := range i {
			if q := &dashboard.Panels[j]; p.ID == q.ID || p.overlaps(q) {
				t.Errorf("panels %q and %q have one id or place", p.Title, q.Title)
			}
		}
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown[name] = true
			}
		}
	}
	for name := range known {
		if base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, ""); base != name || !strings.HasPrefix(name, "chargegraph_") {
			continue
		}
		if !shown[name] && !shown[name+"_bucket"] && !shown[name+"_sum"] && !slices.Contains([]string{"chargegraph_source_info", "chargegraph_source_ready"}, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

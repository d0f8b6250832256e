package resolvers_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/ocm"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
	"chargegraph/resolvers"
	"chargegraph/server"
)

// service is the whole service over some sources, asked as a client asks it.
type service struct {
	handler http.Handler
}

func newService(tb testing.TB, cfg loaders.Config, sources ...providers.Provider) *service {
	tb.Helper()
	catalog, err := loaders.New(cfg, sources...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(catalog.Close)
	handler, err := server.New(server.Config{
		Schema:    resolvers.NewSchema(nil),
		Operation: resolvers.Operations(catalog),
		// Tests ask for everything at once.
		Limits: server.Limits{Cost: 1 << 30, Depth: 100, Aliases: 10_000, Selections: 100_000, Comparisons: 1 << 30},
		Logger: slog.New(slog.NewTextHandler(testWriter{tb}, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &service{handler: handler}
}

// testWriter sends logs to the test.
type testWriter struct{ tb testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.tb.Logf("%s", bytes.TrimRight(p, "\n"))
	return len(p), nil
}

// vars are the variables of a question.
type vars map[string]any

// post asks and returns the raw answer.
func (s *service) post(tb testing.TB, query string, variables vars) []byte {
	tb.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		tb.Fatal(err)
	}
	req := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	return rec.Body.Bytes()
}

// answerError is an error of an answer.
type answerError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

// ask asks, decodes the data into data, and returns the errors.
func (s *service) ask(tb testing.TB, query string, variables vars, data any) []answerError {
	tb.Helper()
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []answerError   `json:"errors"`
	}
	raw := s.post(tb, query, variables)
	if err := json.Unmarshal(raw, &answer); err != nil {
		tb.Fatalf("the answer is not JSON: %v\n%s", err, raw)
	}
	if data != nil && len(answer.Data) > 0 {
		if err := json.Unmarshal(answer.Data, data); err != nil {
			tb.Fatalf("the data has another shape: %v\n%s", err, answer.Data)
		}
	}
	return answer.Errors
}

// mustAsk is ask for questions that must not fail.
func (s *service) mustAsk(tb testing.TB, query string, variables vars, data any) {
	tb.Helper()
	if errs := s.ask(tb, query, variables, data); len(errs) > 0 {
		tb.Fatalf("the question failed: %+v\n%s", errs, query)
	}
}

// world is a made-up world behind a simulated Open Charge Map.
type world struct {
	truth     *sandbox.World
	simulator *sandbox.OCM
	url       string
	key       string
}

func newWorld(tb testing.TB, sites int) *world {
	tb.Helper()
	params := sandbox.DefaultParams()
	params.Sites = sites
	truth := sandbox.NewWorld(params)
	simulator, err := sandbox.NewOCM(truth, sandbox.OCMOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(simulator)
	tb.Cleanup(func() {
		_ = simulator.Close()
		server.Close()
	})
	return &world{truth: truth, simulator: simulator, url: server.URL + "/v3", key: "5a4db0c5-0000-4000-8000-000000000001"}
}

// live returns a source that asks the simulator.
func (w *world) live(tb testing.TB, change ...func(*ocm.Config)) *ocm.Source {
	tb.Helper()
	cfg := ocm.Config{ID: "ocm", URL: w.url, Key: w.key}
	for _, c := range change {
		c(&cfg)
	}
	source, err := ocm.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return source
}

// export writes all that the simulator publishes to a file, as its compact form.
func (w *world) export(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	w.save(tb, "/poi?maxresults=1000000&compact=true&verbose=false&includecomments=true", filepath.Join(dir, "pois.json"))
	w.save(tb, "/referencedata", filepath.Join(dir, "referencedata.json"))
	return filepath.Join(dir, "pois.json")
}

func (w *world) save(tb testing.TB, path, file string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("X-API-Key", w.key)
	res, err := new(http.Client).Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// mirror holds an export in memory, as chargegraph does.
func mirror(tb testing.TB, cfg ocm.MirrorConfig) providers.Provider {
	tb.Helper()
	if cfg.ID == "" {
		cfg.ID = "ocm"
	}
	export, err := ocm.OpenExport(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	held := new(store.Store)
	loader := held.NewLoader()
	report, err := export.Read(tb.Context(), loader.Add)
	if err != nil {
		tb.Fatal(err)
	}
	loader.Commit(report.WrittenAt)
	return store.NewReferencedSource(export.Source(), held, export.Reference())
}

// fixedNow is the clock of golden answers.
func fixedNow() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

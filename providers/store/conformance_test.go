package store_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/ocm"
	"chargegraph/providers/providertest"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
)

// TestAMirrorConforms shows that an export of Open Charge Map, held in a Store,
// is a source. It has no far end.
func TestAMirrorConforms(t *testing.T) { //nolint:paralleltest // it counts goroutines
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	params := sandbox.DefaultParams()
	params.Sites = 600
	path, reference := exportOf(t, sandbox.NewWorld(params))
	kept := 0
	subject := providertest.Subject{
		New: func(tb testing.TB) providertest.Bench {
			tb.Helper()
			var source *store.ReferencedSource
			source, kept = mirror(tb, path, reference, now)
			return providertest.Bench{Provider: source}
		},
		Areas: []providers.Bounds{
			{South: 51.4, West: -0.3, North: 51.65, East: 0.1},
			{South: 35.5, West: 139.4, North: 35.9, East: 139.9},
			{South: 30, West: -119, North: 35, East: -97},
		},
		Dateline: providers.Bounds{South: -17.5, West: 179, North: -16, East: -179},
		Country:  "GB",
		Now:      func() time.Time { return now },
	}
	subject.New(t)
	subject.Records = kept
	providertest.Run(t, subject)
}

// mirror returns a source that holds an export, and how many records it kept.
func mirror(tb testing.TB, path, reference string, now time.Time) (*store.ReferencedSource, int) {
	tb.Helper()
	export, err := ocm.OpenExport(ocm.MirrorConfig{ID: "ocm", Path: path, Reference: reference, Clock: func() time.Time { return now }})
	if err != nil {
		tb.Fatal(err)
	}
	var records []*providers.Record
	report, err := export.Read(tb.Context(), func(r *providers.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	held := new(store.Store)
	if _, err := held.Replace(records, now); err != nil {
		tb.Fatal(err)
	}
	return store.NewReferencedSource(export.Source(), held, export.Reference()), report.Kept
}

// exportOf writes what Open Charge Map knows of a world to files.
func exportOf(tb testing.TB, world *sandbox.World) (pois, reference string) {
	tb.Helper()
	const key = "0c8f7d5a-4a7b-4c37-9d3e-2f6a1b9c8d7e"
	sim, err := sandbox.NewOCM(world, sandbox.OCMOptions{Key: key})
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = sim.Close() }()
	server := httptest.NewServer(sim)
	defer server.Close()
	dir := tb.TempDir()
	save := func(name, question string) string {
		req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, server.URL+"/v3/"+question, http.NoBody)
		if err != nil {
			tb.Fatal(err)
		}
		req.Header.Set("X-Api-Key", key)
		req.Header.Set("User-Agent", "chargegraph")
		res, err := server.Client().Do(req)
		if err != nil {
			tb.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			tb.Fatalf("the export cannot be had: %d, %v", res.StatusCode, err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	return save("pois.json", "poi?output=json&maxresults=1000000&compact=true&includecomments=true"), save("reference.json", "referencedata?output=json")
}

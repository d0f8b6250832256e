package ocm

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

// write writes a file, gzipped if its name says so, and returns its path.
func write(tb testing.TB, dir, name, content string) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	raw := []byte(content)
	if strings.HasSuffix(name, ".gz") {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(raw)
		_ = z.Close()
		raw = packed.Bytes()
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// readAll opens and reads an export.
func readAll(tb testing.TB, cfg MirrorConfig) ([]*providers.Record, Report, error) {
	tb.Helper()
	if cfg.ID == "" {
		cfg.ID = "ocm"
	}
	if cfg.Clock == nil {
		cfg.Clock = func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }
	}
	e, err := OpenExport(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	var records []*providers.Record
	report, err := e.Read(tb.Context(), func(r *providers.Record) error {
		records = append(records, r)
		return nil
	})
	return records, report, err
}

func idsOfRecords(records []*providers.Record) string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ExternalID
	}
	return strings.Join(ids, " ")
}

func indentedPOI(id int) string {
	return strings.ReplaceAll(strings.ReplaceAll(poiJSON(id), "{", "{\n  "), ",", ",\n  ")
}

func TestAnExportIsReadInAllItsForms(t *testing.T) {
	t.Parallel()
	a, b, c := poiJSON(3), poiJSON(1), poiJSON(2)
	for name, content := range map[string]string{
		"array.json":         "[" + a + "," + b + "," + c + "]",
		"indented.json":      "[\r\n  " + indentedPOI(3) + ",\n" + indentedPOI(1) + ",\n" + indentedPOI(2) + "\n]\n",
		"bom.json":           "\ufeff[" + a + "," + b + "," + c + "]",
		"comma.json":         "[" + a + "," + b + "," + c + ",]",
		"lines.jsonl":        a + "\n" + b + "\n\n" + c + "\n",
		"crlf.jsonl":         a + "\r\n" + b + "\r\n" + c,
		"objects.json":       indentedPOI(3) + "\n" + indentedPOI(1) + indentedPOI(2) + "\n",
		"array.json.gz":      "[" + a + "," + b + "," + c + "]",
		"lines.jsonl.gz":     a + "\n" + b + "\n" + c + "\n",
		"gzipped without gz": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, t.TempDir(), name, content)
			if content == "" {
				path = write(t, t.TempDir(), "x.gz", a+"\n"+b+"\n"+c)
				renamed := filepath.Join(filepath.Dir(path), "plain.json")
				if err := os.Rename(path, renamed); err != nil {
					t.Fatal(err)
				}
				path = renamed
			}
			at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
			records, report, err := readAll(t, MirrorConfig{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if got := idsOfRecords(records); got != "3 1 2" {
				t.Errorf("records %s, want 3 1 2, in the order of the file", got)
			}
			if want := (Report{Read: 3, Kept: 3, WrittenAt: at}); !cmp.Equal(report, want) {
				t.Errorf("report %+v, want %+v", report, want)
			}
			for _, r := range records {
				checkRecord(t, r)
				if !r.FetchedAt.Equal(at) {
					t.Errorf("fetched at %v, want the time of the file", r.FetchedAt)
				}
			}
		})
	}
}

func TestAFolderOfOneFilePerPOIIsReadWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for i := range 600 {
		path := write(t, dir, fmt.Sprintf("data/%s/OCM-%d.json", []string{"GB", "DE", "US"}[i%3], i+1), indentedPOI(i+1))
		if i == 5 {
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, dir, "data/GB/two.json", "["+poiJSON(1001)+","+poiJSON(1002)+"]")
	write(t, dir, "data/GB/broken.json", `{"ID":1003,"AddressInfo":{`)
	write(t, dir, "data/GB/empty.json", "")
	write(t, dir, "data/GB/other.txt", "x")
	write(t, dir, ".git/x.json", poiJSON(9999))
	write(t, dir, "referencedata-2026.json", `{"ConnectionTypes":[{"ID":33,"Title":"C"}],"Countries":[{"ID":1,"ISOCode":"GB","Title":"U"}],"Operators":[{"ID":5,"Title":"Five"}]}`)
	for _, path := range []string{dir, filepath.Join(dir, "data")} {
		records, report, err := readAll(t, MirrorConfig{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if report.Read != 604 || report.Kept != 602 || report.Broken != 2 || len(records) != 602 {
			t.Errorf("%s: report %+v", path, report)
		}
		if len(report.FirstBroken) != 2 || !strings.Contains(report.FirstBroken[0], "broken.json") || !strings.Contains(report.FirstBroken[1], "empty.json") {
			t.Errorf("broken: %q", report.FirstBroken)
		}
		i := slices.IndexFunc(records, func(r *providers.Record) bool { return r.ExternalID == "6" })
		if !records[i].FetchedAt.Equal(at) || records[0].FetchedAt.Equal(at) {
			t.Error("a record does not have the time of its own file")
		}
	}
}

func TestABrokenRecordIsCountedAndNamedAndTheRestLoads(t *testing.T) {
	t.Parallel()
	hidden := `{"ID":20,"StatusTypeID":200,"AddressInfo":{"Latitude":1,"Longitude":1}}`
	nowhere := `{"ID":30,"AddressInfo":{"Latitude":0,"Longitude":0}}`
	for name, c := range map[string]struct {
		content string
		named   []string
	}{
		"lines": {
			poiJSON(1) + "\n{\"ID\":2,\n" + hidden + "\n" + poiJSON(1) + "\n7\n" + nowhere + "\n" + poiJSON(3) + "\n",
			[]string{"line 2: not proper JSON", "line 5: not a POI object", "line 6: POI 30: no usable position"},
		},
		"array": {
			"[" + poiJSON(1) + `,{"ID":2,"x":tru},` + hidden + "," + poiJSON(1) + ",7," + nowhere + "," + poiJSON(3) + "]",
			[]string{"element 2: not proper JSON", "element 5: not a POI object", "element 6: POI 30: no usable position"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			records, report, err := readAll(t, MirrorConfig{Path: write(t, t.TempDir(), "x.json", c.content), Logger: logTo(&logged)})
			if err != nil {
				t.Fatal(err)
			}
			if got := idsOfRecords(records); got != "1 3" {
				t.Errorf("records %s", got)
			}
			if report.Read != 7 || report.Kept != 2 || report.Hidden != 1 || report.Duplicates != 1 || report.Broken != 3 {
				t.Errorf("report %+v", report)
			}
			for i, want := range c.named {
				if i >= len(report.FirstBroken) || !strings.HasPrefix(report.FirstBroken[i], want) {
					t.Errorf("broken: %q, want %q", report.FirstBroken, c.named)
					break
				}
			}
			if !strings.Contains(logged.String(), "import done") || !strings.Contains(logged.String(), "broken=3") {
				t.Errorf("logged %s", logged.String())
			}
		})
	}
}

func TestAFileThatBreaksOffIsAnErrorAfterWhatCouldBeRead(t *testing.T) {
	t.Parallel()
	whole := write(t, t.TempDir(), "x.jsonl.gz", strings.Repeat(poiJSON(1)+"\n", 5000))
	raw, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, path := range map[string]string{
		"in an element":  write(t, dir, "a.json", "["+poiJSON(1)+`,{"ID":2`),
		"in a text":      write(t, dir, "b.json", "["+poiJSON(1)+`,{"ID":2,"UUID":"x`),
		"behind a comma": write(t, dir, "c.json", "["+poiJSON(1)+`,`),
		"in gzip":        write(t, dir, "d.jsonl", string(raw[:len(raw)-20])),
		"empty":          write(t, dir, "e.json", " "),
		"a page":         write(t, dir, "f.json", "<html>"),
		"a text":         write(t, dir, "g.json", "\"x\""),
		"an object":      write(t, dir, "h.json", indentedPOI(1)+"\n]"),
	} {
		records, report, err := readAll(t, MirrorConfig{Path: path})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", name, err)
		}
		if len(records) != report.Kept {
			t.Errorf("%s: %d records, report %+v", name, len(records), report)
		}
		if name == "in an element" && len(records) != 1 {
			t.Errorf("%s: %d records before it", name, len(records))
		}
	}
}

func TestTheReferenceFileIsFoundOrBuiltIn(t *testing.T) {
	t.Parallel()
	const small = `{"ConnectionTypes":[{"ID":33,"Title":"C"}],"Countries":[{"ID":1,"ISOCode":"GB","Title":"U"}],"Operators":[{"ID":5,"Title":"Small"}]}`
	const full = `{"ConnectionTypes":[{"ID":33,"Title":"C"}],"Countries":[{"ID":1,"ISOCode":"GB","Title":"U"}],"Operators":[{"ID":5,"Title":"Full"},{"ID":6,"Title":"Six"}]}`
	listing := `{"ID":1,"OperatorID":5,"UsageTypeID":4,"AddressInfo":{"Latitude":1,"Longitude":1,"CountryID":2}}`
	operator := func(cfg MirrorConfig) string {
		t.Helper()
		records, _, err := readAll(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		r := records[0]
		checkRecord(t, r)
		if r.Address.CountryCode != "US" || r.UsageType.Title != "Public - Membership Required" {
			t.Errorf("country %q, usage %+v: not from the built-in table", r.Address.CountryCode, r.UsageType)
		}
		return r.Operator.Title
	}
	dir := t.TempDir()
	path := write(t, dir, "poi.json", "["+listing+"]")
	if got := operator(MirrorConfig{Path: path}); got != "Operator 5" {
		t.Errorf("without a file: %q", got)
	}
	write(t, dir, "referencedata-broken.json", "{")
	write(t, dir, "referencedata-other.json", `{"a":1}`)
	write(t, dir, "referencedata-9.json", small)
	write(t, dir, "ReferenceData-1.json.gz", full)
	if got := operator(MirrorConfig{Path: path}); got != "Full" {
		t.Errorf("with files beside it: %q, want that of the fullest", got)
	}
	other := write(t, t.TempDir(), "mine.json", small)
	if got := operator(MirrorConfig{Path: path, Reference: other}); got != "Small" {
		t.Errorf("with a configured file: %q", got)
	}
	e, err := OpenExport(MirrorConfig{ID: "ocm", Path: path, Reference: other})
	if err != nil || len(e.Reference().Operators) != 1 || e.Source().Mode != providers.ModeMirror {
		t.Errorf("%v, %v", e, err)
	}
	for field, cfg := range map[string]MirrorConfig{
		"ID":        {ID: "ocpi:x", Path: path},
		"Path":      {ID: "ocm", Path: filepath.Join(dir, "none.json")},
		"Reference": {ID: "ocm", Path: path, Reference: filepath.Join(dir, "referencedata-broken.json")},
	} {
		if _, err := OpenExport(cfg); err == nil || !strings.Contains(err.Error(), "ocm: "+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := OpenExport(MirrorConfig{ID: "ocm", Path: path, Reference: path}); !errors.Is(err, errNoReference) && err == nil {
		t.Errorf("an export as reference: %v", err)
	}
}

func TestReadingEndsWhenTheReceiverOrTheCallerWantsItTo(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "x.jsonl", func() string {
		var b strings.Builder
		for i := range 20_000 {
			b.WriteString(poiJSON(i+1) + "\n")
		}
		return b.String()
	}())
	e, err := OpenExport(MirrorConfig{ID: "ocm", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the store is full")
	n := 0
	report, err := e.Read(t.Context(), func(*providers.Record) error {
		if n++; n == 700 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || report.Kept != 699 {
		t.Errorf("error %v, report %+v", err, report)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	_, err = e.Read(ctx, func(*providers.Record) error {
		if n++; n == 700 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n > 700+batchItems {
		t.Errorf("error %v after %d records", err, n)
	}
	if report, err := e.Read(t.Context(), func(*providers.Record) error { return nil }); err != nil || report.Kept != 20_000 {
		t.Errorf("read again: %+v, %v", report, err)
	}
}

func TestALongImportSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 2000 {
		b.WriteString(poiJSON(i+1) + "\n")
	}
	path := write(t, t.TempDir(), "x.jsonl", b.String())
	var at clock
	var logged bytes.Buffer
	_, _, err := readAll(t, MirrorConfig{Path: path, Logger: logTo(&logged), Clock: func() time.Time {
		at.advance(time.Second)
		return at.now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(logged.String(), "import goes on"); n < 1 || n > 4 {
		t.Errorf("%d lines of progress:\n%s", n, logged.String())
	}
}

func TestALineBeyondAllBoundsIsBrokenAndTheRestLoads(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "x.jsonl", poiJSON(1)+"\n{\"ID\":2,\"UUID\":\""+strings.Repeat("x", maxElement)+"\"}\n"+poiJSON(3)+"\n")
	records, report, err := readAll(t, MirrorConfig{Path: path})
	if err != nil || idsOfRecords(records) != "1 3" || report.Broken != 1 || !strings.Contains(report.FirstBroken[0], "line 2: larger than") {
		t.Errorf("records %s, report %+v, %v", idsOfRecords(records), report, err)
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"[]", "[{}]", "{}\n{}", "{\n}\n{\n}", `[{"a":"]\"}"},2,,"x",[1]]`, "[", "", "x", "{\r\n", `{"a":"` + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "x.json")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		records, report, _ := readAll(t, MirrorConfig{Path: path})
		if len(records) != report.Kept || report.Read != report.Kept+report.Hidden+report.Duplicates+report.Broken {
			t.Errorf("%d records, report %+v", len(records), report)
		}
	})
}

func BenchmarkImport(b *testing.B) {
	for name, file := range map[string]string{"compact": "pois-compact.jsonl.gz", "verbose": "pois-verbose.jsonl.gz"} {
		path := sharedFile(b, "ocm", file)
		b.Run(name, func(b *testing.B) {
			e, err := OpenExport(MirrorConfig{ID: "ocm", Path: path})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				report, err := e.Read(b.Context(), func(*providers.Record) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
				n += report.Kept
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

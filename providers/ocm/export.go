package ocm

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chargegraph/providers"
)

// MirrorConfig configures a mirror: an OCM export that is read into a local
// store. ID and Path are required.
type MirrorConfig struct {
	ID   providers.SourceID // "ocm", or "ocm:name" where there are several
	Name string             // for people; default "Open Charge Map"
	// Path is a file that holds a JSON array or JSON lines, either plain or
	// gzipped, or a folder of one JSON file per POI, such as data/ of the export
	// repository. POIs may be compact or verbose.
	Path string
	// Reference is a file with an answer of /referencedata, plain or gzipped.
	// Default: the fullest of the referencedata*.json beside Path, and inside it
	// if it is a folder; without one, a built-in table.
	Reference string
	// Sandbox says that the export is made up: mode SANDBOX, every record
	// attributed to made-up data, no links to the real map.
	Sandbox   bool
	NoAvatars bool             // as in Config
	Clock     func() time.Time // default time.Now
	Logger    *slog.Logger     // default: none
}

// Export is an export of Open Charge Map's data on disk. It may be read again
// and again, and sees what the files hold then.
type Export struct {
	cfg       MirrorConfig
	source    *providers.Source
	folder    bool
	reference *providers.Reference
	builtin   *index
	held      *index // nil: no reference file
}

// Report says what became of reading an export.
type Report struct {
	Read       int // POIs found, broken ones included
	Kept       int // records handed out
	Hidden     int // not published, removed, or duplicates of others by OCM's word
	Duplicates int // an ID that was here before: the first one counts
	Broken     int // not readable, or without id or position
	// FirstBroken names the first few broken ones and why: "line 12 (POI 345): …".
	FirstBroken []string
	// WrittenAt is the newest modification time of the files, and of each
	// record's file it is the FetchedAt.
	WrittenAt time.Time
}

// maxNamed is how many broken records a report names.
const maxNamed = 10

// OpenExport checks that there is something at cfg.Path, and reads the reference
// file. An error names the field of cfg that cannot be. A reference file that
// was found rather than configured may be broken: it is logged and passed over.
func OpenExport(cfg MirrorConfig) (*Export, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With(slog.String("source", string(cfg.ID)))
	if err := checkID(cfg.ID); err != nil {
		return nil, fmt.Errorf("ocm: %w", err)
	}
	info, err := os.Stat(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("ocm: Path: %w", err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("ocm: Path: %s is neither a file nor a folder", cfg.Path)
	}
	mode := providers.ModeMirror
	if cfg.Sandbox {
		mode = providers.ModeSandbox
	}
	e := &Export{
		cfg: cfg, source: describe(cfg.ID, cfg.Name, mode), folder: info.IsDir(),
		builtin: newIndex(builtinReference()),
	}
	e.reference = e.builtin.table
	if cfg.Reference != "" {
		table, err := readReferenceFile(cfg.Reference)
		if err != nil {
			return nil, fmt.Errorf("ocm: Reference: %w", err)
		}
		e.hold(table)
		return e, nil
	}
	for _, path := range referenceFiles(cfg.Path, e.folder) {
		table, err := readReferenceFile(path)
		if err != nil {
			cfg.Logger.Warn("reference file passed over", slog.String("file", path), slog.Any("error", err))
			continue
		}
		// OCM's lists only grow: the fullest is the newest.
		if e.held == nil || len(table.Operators) > len(e.held.table.Operators) {
			e.hold(table)
		}
	}
	return e, nil
}

func (e *Export) hold(t *providers.Reference) {
	e.reference = t
	e.held = newIndex(t)
}

// Source describes the mirror: mode MIRROR. It is the same value always.
func (e *Export) Source() *providers.Source { return e.source }

// Reference returns the table whose rows the records carry: that of the
// reference file, else the built-in one.
func (e *Export) Reference() *providers.Reference { return e.reference }

func referenceFiles(path string, folder bool) []string {
	dirs := []string{filepath.Dir(path)}
	if folder {
		dirs = []string{path, filepath.Dir(filepath.Clean(path))}
	}
	var files []string
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a folder that cannot be listed has no file for us
		}
		for _, entry := range entries {
			if isReferenceFile(entry.Name()) && entry.Type().IsRegular() {
				files = append(files, filepath.Join(dir, entry.Name()))
			}
		}
	}
	return files
}

func isReferenceFile(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "referencedata") && (strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".json.gz"))
}

// maxReferenceFile is far more than OCM's 350 kB.
const maxReferenceFile = 64 << 20

func readReferenceFile(path string) (*providers.Reference, error) {
	f, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	t, err := decodeReference(io.LimitReader(f, maxReferenceFile))
	if errors.Is(err, errNoReference) {
		err = errNoReference // the rest is about answers of the API
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// plainFile is a file read through gzip where it is gzipped.
type plainFile struct {
	*bufio.Reader
	file *os.File
}

func (p *plainFile) Close() error { return p.file.Close() }

func openPlain(path string) (*plainFile, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(f, 256<<10)
	if magic, err := r.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r = bufio.NewReaderSize(z, 256<<10)
	}
	if mark, err := r.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = r.Discard(3) // cannot fail: they were peeked
	}
	return &plainFile{Reader: r, file: f}, nil
}

// Progress is logged after so many POIs, or so much time, whichever comes first.
const (
	progressCount = 50_000
	progressTime  = 5 * time.Second
)

// Read hands every record of the export to yield, in the order of the export and
// from the caller's goroutine, each sealed. A record that is broken is counted
// and named, and the rest goes on. Read ends early with the error of yield or of
// ctx, and with an error for a file that cannot be read to its end: what was
// handed out until then is not the whole export. The report is right in any case.
func (e *Export) Read(ctx context.Context, yield func(*providers.Record) error) (Report, error) {
	began := e.cfg.Clock()
	logged, next := began, progressCount
	var report Report
	seen := make(map[providers.Key]struct{})
	err := e.pipeline(ctx, func(b *batch) error {
		report.Read += len(b.items)
		if b.writtenAt.After(report.WrittenAt) {
			report.WrittenAt = b.writtenAt
		}
		for i := range b.items {
			item := &b.items[i]
			switch {
			case item.record != nil:
				if _, double := seen[item.record.Key]; double {
					report.Duplicates++
					continue
				}
				seen[item.record.Key] = struct{}{}
				if err := yield(item.record); err != nil {
					return err
				}
				report.Kept++
			case errors.Is(item.err, errHidden):
				report.Hidden++
			default:
				report.Broken++
				if len(report.FirstBroken) < maxNamed {
					report.FirstBroken = append(report.FirstBroken, item.name+": "+item.err.Error())
				}
			}
		}
		if now := e.cfg.Clock(); report.Read >= next || now.Sub(logged) >= progressTime {
			logged, next = now, report.Read+progressCount
			e.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "import goes on", report.attrs(now.Sub(began))...)
		}
		return nil
	})
	attrs := report.attrs(e.cfg.Clock().Sub(began))
	switch {
	case err != nil:
		err = fmt.Errorf("ocm: import %s: %w", e.cfg.Path, err)
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "import broken off", append(attrs, slog.Any("error", err))...)
	case report.Broken > 0:
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "import done", append(attrs, slog.Any("first_broken", report.FirstBroken))...)
	default:
		e.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "import done", attrs...)
	}
	return report, err
}

// attrs returns the figures for a log.
func (r *Report) attrs(took time.Duration) []slog.Attr {
	return []slog.Attr{
		slog.Int("read", r.Read), slog.Int("kept", r.Kept), slog.Int("hidden", r.Hidden),
		slog.Int("duplicates", r.Duplicates), slog.Int("broken", r.Broken), slog.Duration("duration", took),
	}
}

// poiFiles walks the folder in lexical order, passing over reference data and
// hidden folders.
func (e *Export) poiFiles(found func(path string) error) error {
	return filepath.WalkDir(e.cfg.Path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != e.cfg.Path && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.Type().IsRegular(), isReferenceFile(entry.Name()), strings.HasPrefix(entry.Name(), "."):
			return nil
		}
		name := strings.ToLower(strings.TrimSuffix(entry.Name(), ".gz"))
		if !slices.Contains([]string{".json", ".jsonl", ".ndjson"}, filepath.Ext(name)) {
			return nil
		}
		return found(path)
	})
}

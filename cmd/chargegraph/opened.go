package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"chargegraph/providers"
)

// openedSource is a source that is read, for as long as its configuration stays
// the same: a reload opens those alone that have changed.
type openedSource struct {
	*sources

	cfg  sourceConfig
	seen string             // how the files were that it was read from
	stop context.CancelFunc // ends what keeps it in step; nil: nothing does yet
}

// openSources returns the sources of a configuration: those that are open already
// and have not changed, and new ones, for beginSources.
func (p *process) openSources(ctx context.Context, cfg config) (all, fresh []*openedSource, err error) {
	add := func(c sourceConfig, seen string, open func(*sources) error) error {
		known := slices.IndexFunc(p.opened, func(o *openedSource) bool { return o.seen == seen && reflect.DeepEqual(o.cfg, c) })
		if known >= 0 && !slices.Contains(all, p.opened[known]) {
			all = append(all, p.opened[known])
			return nil
		}
		o := &openedSource{cfg: c, seen: seen, sources: &sources{logger: p.logger, budgets: p.budget, around: p.metrics.calls.around, changed: p.sourceChanged}}
		if failed := open(o.sources); failed != nil {
			return failed
		}
		all, fresh = append(all, o), append(fresh, o)
		return nil
	}
	if p.simulators != nil {
		err = add(sourceConfig{}, "", func(s *sources) error { return s.openSandbox(p.simulators) })
		return all, fresh, err
	}
	for i, c := range cfg.Sources {
		if err = add(c, c.files(), func(s *sources) error { return s.open(ctx, c) }); err != nil {
			return nil, nil, fmt.Errorf("source %d: %w", i+1, err)
		}
	}
	return all, fresh, nil
}

// sourceChanged drops the answers that hold what is held here of a source.
func (p *process) sourceChanged(id providers.SourceID) {
	p.catalog.Load().Changed(p.running, id)
}

// beginSources keeps new sources in step from now on, and waits until they are
// read, patience at most.
func (p *process) beginSources(ctx context.Context, patience time.Duration, fresh []*openedSource) { //nolint:contextcheck // they are kept in step for longer than the call
	for _, o := range fresh {
		running, stop := context.WithCancel(p.running)
		o.stop = stop
		p.work.Go(func() { o.run(running)() })
	}
	moment, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, o := range fresh {
		o.waitFirst(moment)
	}
}

// endSources lets go of sources that nobody reads any more.
func endSources(list []*openedSource) {
	for _, o := range list {
		if o.stop != nil {
			o.stop()
		}
	}
}

// readFrom returns what is read of all sources.
func readFrom(all []*openedSource) (list []providers.Provider) {
	for _, o := range all {
		list = append(list, o.providers...)
	}
	return list
}

// files says how the files are that a source reads once: when they change, it is
// another source. A feed that is a file looks at that by itself.
func (s *sourceConfig) files() string {
	if s.Mirror == "" {
		return ""
	}
	roots := []string{s.Mirror, s.Reference}
	if s.Reference == "" { // then it may lie beside the mirror
		beside, _ := filepath.Glob(filepath.Join(filepath.Dir(s.Mirror), "referencedata*")) // the pattern is good
		roots = append(roots[:1], beside...)
	}
	sum := sha256.New()
	for _, root := range roots {
		see(sum, root)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// see writes how a file is, or a folder and all that is in it. What cannot be seen
// is told by whoever opens it.
func see(w io.Writer, root string) {
	if to, err := filepath.EvalSymlinks(root); err == nil {
		root = to
	}
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		_, _ = fmt.Fprintln(w, path)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		if info, failed := entry.Info(); failed == nil {
			_, _ = fmt.Fprintln(w, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
}

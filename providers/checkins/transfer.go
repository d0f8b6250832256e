package checkins

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

// An export is a line of JSON that says what it is, then one for each entry and
// each alias:
//
//	{"format":"chargegraph check-ins","schema":1}
//	{"checkIn":{"id":"checkin:…", …}}
//	{"alias":{"key":"ocm:1","companions":["ocpi:ndw:NL*ABC*1"]}}
type (
	exportHead struct {
		Format string `json:"format"`
		Schema int    `json:"schema"`
	}
	exportLine struct {
		CheckIn jsontext.Value `json:"checkIn,omitempty"`
		Alias   *Alias         `json:"alias,omitzero"`
	}
)

const exportFormat = "chargegraph check-ins"

// maxLine bounds a line of an import, in bytes: an entry with the longest text,
// escaped, and a thousand members stays below.
const maxLine = 1 << 20

// Export writes all that a store keeps, so that Import restores it, in either
// store. Sessions stay sealed, and open under the same secret only. What changes
// meanwhile may be in the export as it was or as it became.
func Export(ctx context.Context, s Store, w io.Writer) error {
	out := bufio.NewWriter(w)
	line := func(v any) error {
		b, err := json.Marshal(v)
		if err == nil {
			_, err = out.Write(append(b, '\n'))
		}
		if err != nil {
			return fmt.Errorf("checkins: export: %w", err)
		}
		return nil
	}
	if err := line(exportHead{exportFormat, schemaVersion}); err != nil {
		return err
	}
	err := each(ctx, s, func(e *Entry) error {
		b, err := encode(e)
		if err != nil {
			return err
		}
		return line(exportLine{CheckIn: b})
	})
	if err != nil {
		return err
	}
	for after := providers.Key(""); ; {
		page, err := s.AliasPage(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for i := range page {
			if err := line(exportLine{Alias: &page[i]}); err != nil {
				return err
			}
			after = page[i].Key
		}
		if len(page) == 0 {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("checkins: export: %w", err)
	}
	return nil
}

// Imported counts what an import did.
type Imported struct {
	New     int // entries that were not there
	Newer   int // entries that were there in an older version
	Same    int // entries that were there already, or are newer here
	Aliases int
}

// importAtOnce is how many lines an import keeps at a time: SQLite flushes its
// disk once for all of them.
const importAtOnce = 64

// Import reads what Export wrote into a store. An entry that the store has in a
// newer version stays as it is, so that an import may be repeated, and taken up
// again where it broke off. It stops at the first line that it cannot read or
// keep, and names it; what came before is kept, and of the next few lines some
// may be.
func Import(ctx context.Context, s Store, r io.Reader) (Imported, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var done Imported
	var batch []func() (Imported, error)
	flush := func(before int) error {
		results, errs := make([]Imported, len(batch)), make([]error, len(batch))
		var all sync.WaitGroup
		for i, keep := range batch {
			all.Go(func() { results[i], errs[i] = keep() })
		}
		all.Wait()
		for i, result := range results {
			done.New += result.New
			done.Newer += result.Newer
			done.Same += result.Same
			done.Aliases += result.Aliases
			if errs[i] != nil {
				return fmt.Errorf("checkins: import: line %d: %w", before+i+1, errs[i])
			}
		}
		batch = batch[:0]
		return nil
	}
	n := 0
	for ; lines.Scan(); n++ {
		line := bytes.Clone(lines.Bytes())
		if n == 0 {
			if err := readHead(line); err != nil {
				return done, fmt.Errorf("checkins: import: line 1: %w", err)
			}
			continue
		}
		batch = append(batch, func() (Imported, error) { return importLine(ctx, s, line) })
		if len(batch) == importAtOnce {
			if err := flush(n + 1 - len(batch)); err != nil {
				return done, err
			}
		}
	}
	if err := flush(n - len(batch)); err != nil {
		return done, err
	}
	switch {
	case lines.Err() != nil:
		return done, fmt.Errorf("checkins: import: line %d: %w", n+1, lines.Err())
	case n == 0:
		return done, errors.New("checkins: import: line 1: the file is empty")
	}
	return done, nil
}

func readHead(line []byte) error {
	var head exportHead
	if err := json.Unmarshal(line, &head); err != nil || head.Format != exportFormat {
		return errors.New("this is no export of check-ins")
	}
	if head.Schema < 1 || head.Schema > schemaVersion { // each later form has more than those before
		return fmt.Errorf("the export has schema %d, this chargegraph reads up to %d", head.Schema, schemaVersion)
	}
	return nil
}

// importLine keeps what stands in a line behind the first; an empty one holds
// nothing.
func importLine(ctx context.Context, s Store, b []byte) (Imported, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return Imported{}, nil
	}
	var line exportLine
	if err := json.Unmarshal(b, &line, json.RejectUnknownMembers(true)); err != nil {
		return Imported{}, err
	}
	switch {
	case (line.CheckIn == nil) == (line.Alias == nil):
		return Imported{}, errors.New("must hold either a checkIn or an alias")
	case line.Alias != nil:
		for _, k := range append([]providers.Key{line.Alias.Key}, line.Alias.Companions...) {
			if _, err := providers.ParseKey(string(k)); err != nil {
				return Imported{}, err
			}
		}
		return Imported{Aliases: 1}, s.RememberAliases(ctx, *line.Alias)
	}
	e, err := decode(line.CheckIn)
	if err != nil {
		return Imported{}, err
	}
	return importEntry(ctx, s, e)
}

func importEntry(ctx context.Context, s Store, e *Entry) (Imported, error) {
	for range maxStale {
		here, err := s.Get(ctx, e.ID)
		if errors.Is(err, ErrNotFound) {
			kept, created, failed := s.Put(ctx, e)
			switch {
			case failed != nil:
				return Imported{}, failed
			case created:
				return Imported{New: 1}, nil
			case kept.ID != e.ID:
				return Imported{}, fmt.Errorf("%s: its caller's key is that of %s here: %w", e.ID, kept.ID, ErrTaken)
			}
			continue // it came from elsewhere in between
		}
		if err != nil {
			return Imported{}, err
		}
		if here.Caller != e.Caller || here.Key != e.Key {
			return Imported{}, fmt.Errorf("%s: %w", e.ID, ErrTaken)
		}
		if here.Version >= e.Version {
			return Imported{Same: 1}, nil
		}
		err = s.Update(ctx, e, here.Version)
		if err == nil {
			return Imported{Newer: 1}, nil
		}
		if !errors.Is(err, ErrStale) {
			return Imported{}, err
		}
	}
	return Imported{}, ErrStale
}

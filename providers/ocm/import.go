package ocm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

const (
	// maxElement bounds one POI; the largest known has 200 kB.
	maxElement = 16 << 20
	// batchItems and batchBytes bound what goes to a worker at once: enough that
	// handing over costs nothing, little enough that a few batches are no load.
	batchItems = 256
	batchBytes = 1 << 20
	// maxWorkers: reading and unzipping keep no more than this many busy.
	maxWorkers = 4
)

// batch is a piece of an export on its way: raw texts from the reader, items
// from a worker.
type batch struct {
	raw       []rawItem
	size      int
	items     []item
	writtenAt time.Time
	done      chan struct{} // closed when items are there
}

// rawItem is the text of one POI, or the file that holds it.
type rawItem struct {
	text  jsontext.Value
	where string // "line", "element"
	n     int
	path  string // text is read from this file where it is nil
	err   error
}

// item is what became of one POI.
type item struct {
	record *providers.Record
	err    error
	name   string
}

// pipeline reads the export in one goroutine, maps it in several, and calls
// consume with the batches in their order. All goroutines have ended when it
// returns.
func (e *Export) pipeline(ctx context.Context, consume func(*batch) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	workers := min(runtime.GOMAXPROCS(0), maxWorkers)
	work, ordered := make(chan *batch, workers), make(chan *batch, 2*workers)
	var readErr error
	wg.Go(func() {
		defer close(ordered)
		defer close(work)
		out := &batcher{ctx: ctx, work: work, ordered: ordered}
		if readErr = e.feed(out); readErr == nil {
			readErr = out.flush()
		} else {
			_ = out.flush() // what was read before the failure still counts
		}
	})
	for range workers {
		wg.Go(func() {
			m := newMapper(e.source, e.held, e.builtin, e.cfg.Clock(), time.Time{})
			m.avatars = !e.cfg.NoAvatars
			if e.cfg.Sandbox {
				m.sandbox = &e.source.Attribution
			}
			for b := range work {
				mapBatch(m, b)
			}
		})
	}
	for b := range ordered {
		select {
		case <-b.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := consume(b); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return readErr // written before ordered was closed
}

// batcher gathers texts and sends them off.
type batcher struct {
	ctx           context.Context //nolint:containedctx // lives for one call of pipeline
	work, ordered chan<- *batch
	current       *batch
	writtenAt     time.Time
}

func (o *batcher) add(i rawItem) error {
	if o.current == nil {
		o.current = &batch{done: make(chan struct{}), writtenAt: o.writtenAt}
	}
	o.current.raw = append(o.current.raw, i)
	o.current.size += len(i.text)
	if len(o.current.raw) < batchItems && o.current.size < batchBytes {
		return nil
	}
	return o.flush()
}

func (o *batcher) flush() error {
	b := o.current
	o.current = nil
	if b == nil {
		return o.ctx.Err()
	}
	for _, c := range []chan<- *batch{o.work, o.ordered} {
		select {
		case c <- b:
		case <-o.ctx.Done():
			return context.Cause(o.ctx)
		}
	}
	return nil
}

// mapBatch makes records of a batch.
func mapBatch(m *mapper, b *batch) {
	defer close(b.done)
	for i := range b.raw {
		raw := &b.raw[i]
		if raw.text != nil || raw.err != nil {
			m.fetchedAt = b.writtenAt
			b.items = append(b.items, mapItem(m, raw))
			continue
		}
		b.items = append(b.items, mapFile(m, b, raw.path)...)
	}
	b.raw = nil
}

func mapItem(m *mapper, raw *rawItem) item {
	if raw.err != nil {
		return item{err: raw.err, name: raw.name()}
	}
	r, err := m.record(raw.text)
	if err == nil {
		return item{record: r}
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = fmt.Errorf("not proper JSON at byte %d of it", syntax.ByteOffset)
	}
	return item{err: err, name: raw.name()}
}

func (r *rawItem) name() string {
	switch {
	case r.path != "" && r.n > 1:
		return fmt.Sprintf("%s, %s %d", r.path, r.where, r.n)
	case r.path != "":
		return r.path
	}
	return fmt.Sprintf("%s %d", r.where, r.n)
}

// mapFile reads a file of a folder, which as a rule holds one POI.
func mapFile(m *mapper, b *batch, path string) []item {
	broken := func(err error) []item { return []item{{err: err, name: path}} }
	info, err := os.Stat(path)
	if err != nil {
		return broken(err)
	}
	f, err := openPlain(path)
	if err != nil {
		return broken(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if info.ModTime().After(b.writtenAt) {
		b.writtenAt = info.ModTime().UTC()
	}
	m.fetchedAt = info.ModTime().UTC()
	var items []item
	err = split(f.Reader, func(raw rawItem) error {
		raw.path = path
		items = append(items, mapItem(m, &raw))
		return nil
	})
	if err != nil {
		items = append(items, broken(err)...)
	}
	return items
}

// feed reads the export and hands out the texts of its POIs.
func (e *Export) feed(out *batcher) error {
	if e.folder {
		return e.poiFiles(func(path string) error { return out.add(rawItem{path: path}) })
	}
	info, err := os.Stat(e.cfg.Path)
	if err != nil {
		return err
	}
	out.writtenAt = info.ModTime().UTC()
	f, err := openPlain(e.cfg.Path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return split(f.Reader, out.add)
}

// split cuts JSON lines, a JSON array or objects one after the other into the
// texts of single POIs, without looking into them: a POI that is not proper JSON
// spoils itself only. It returns an error where the cuts themselves cannot be
// found: the rest of the file is lost then.
func split(r *bufio.Reader, found func(rawItem) error) error {
	first, err := firstByte(r)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty")
	case err != nil:
		return err
	case first == '[':
		return splitArray(r, found)
	case first != '{':
		return fmt.Errorf("the file begins with %q: neither a list nor an object", first)
	case indented(r):
		return splitObjects(r, found)
	}
	return splitLines(r, found)
}

// firstByte passes over blanks and returns the byte behind them, unread.
func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b, r.UnreadByte()
		}
	}
}

// indented reports whether the object that begins here goes on in the next line:
// what writes JSON lines never breaks one, and what indents breaks after "{".
func indented(r *bufio.Reader) bool {
	start, _ := r.Peek(3) // fails for a short file, which is not indented
	return bytes.HasPrefix(start, []byte("{\n")) || bytes.HasPrefix(start, []byte("{\r\n"))
}

func splitLines(r *bufio.Reader, found func(rawItem) error) error {
	for n := 1; ; n++ {
		line, err := readLine(r)
		text := bytes.TrimSpace(line)
		switch {
		case errors.Is(err, errElementTooLarge):
			if stop := found(rawItem{where: "line", n: n, err: err}); stop != nil {
				return stop
			}
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return brokenOff(err)
		case len(text) > 0:
			if stop := found(rawItem{text: text, where: "line", n: n}); stop != nil {
				return stop
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end of the file
		}
	}
}

var errElementTooLarge = fmt.Errorf("larger than %d MB", maxElement>>20)

// readLine returns a line in memory of its own. Of a line beyond maxElement it
// reads on to the end and returns errElementTooLarge.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	large := false
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxElement {
			large, line = true, nil
		}
		if !large {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case large && (err == nil || errors.Is(err, io.EOF)):
			return nil, errElementTooLarge
		}
		return line, err
	}
}

func splitArray(r *bufio.Reader, found func(rawItem) error) error {
	if _, err := r.ReadByte(); err != nil { // the bracket
		return err
	}
	for n := 1; ; n++ {
		b, err := firstByte(r)
		if err != nil {
			return brokenOff(err)
		}
		if b == ']' && n == 1 {
			return nil
		}
		text, end, err := readElement(r)
		if err != nil {
			return fmt.Errorf("element %d: %w", n, err)
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			if end == ']' {
				return nil // a comma before the bracket
			}
			text = []byte("null") // two commas in a row
		}
		if err := found(rawItem{text: text, where: "element", n: n}); err != nil {
			return err
		}
		if end == ']' {
			return nil
		}
	}
}

// splitObjects cuts objects that stand one after the other, each over several lines.
func splitObjects(r *bufio.Reader, found func(rawItem) error) error {
	for n := 1; ; n++ {
		b, err := firstByte(r)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case b != '{':
			return fmt.Errorf("element %d: begins with %q", n, b)
		}
		text, err := readBalanced(r, nil)
		if err != nil {
			return fmt.Errorf("element %d: %w", n, err)
		}
		if err := found(rawItem{text: text, where: "element", n: n}); err != nil {
			return err
		}
	}
}

func brokenOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file is broken off")
	}
	return err
}

// readElement reads one element of an array and the comma or bracket behind it.
func readElement(r *bufio.Reader) (text []byte, end byte, err error) {
	for {
		var b byte
		if b, err = r.ReadByte(); err != nil {
			return nil, 0, brokenOff(err)
		}
		switch b {
		case ',', ']':
			return text, b, nil
		case '{', '[', '"':
			if err = r.UnreadByte(); err != nil {
				return nil, 0, err
			}
			if text, err = readBalanced(r, text); err != nil {
				return nil, 0, err
			}
		default:
			if len(text) >= maxElement {
				return nil, 0, errElementTooLarge
			}
			text = append(text, b)
		}
	}
}

// readBalanced appends an object, an array or a string to text, up to the byte
// that closes it.
func readBalanced(r *bufio.Reader, text []byte) ([]byte, error) {
	depth, inString, escaped := 0, false, false
	for {
		if _, err := r.Peek(1); err != nil {
			return nil, brokenOff(err)
		}
		window, _ := r.Peek(r.Buffered()) // cannot fail: that much is there
		for i, b := range window {
			switch {
			case escaped:
				escaped = false
			case inString && b == '\\':
				escaped = true
			case b == '"':
				inString = !inString
			case inString:
			case b == '{' || b == '[':
				depth++
			case b == '}' || b == ']':
				depth--
			}
			if depth == 0 && !inString {
				text = append(text, window[:i+1]...)
				_, err := r.Discard(i + 1)
				return text, err
			}
		}
		if len(text)+len(window) > maxElement {
			return nil, errElementTooLarge
		}
		text = append(text, window...)
		if _, err := r.Discard(len(window)); err != nil {
			return nil, err
		}
	}
}

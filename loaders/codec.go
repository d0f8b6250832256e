package loaders

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unsafe"

	"chargegraph/providers"
)

// codecVersion is that of the bytes below. Raise it when providers.Record, or
// anything it is made of, changes its shape or its meaning, and when what the
// walks in codec_walk.go write does: bytes of another version are not read but
// asked for anew.
const codecVersion = 3

var (
	errBroken  = errors.New("these are not the bytes of a batch, or not all of them")
	errRow     = errors.New("a row is named that is not there")
	errForeign = errors.New("a record of another source")
	errValue   = errors.New("a time or a figure that no record has")
)

// encoder writes batches. It keeps the room that one took for the next: a question
// about a new place writes some twenty. The zero value is ready; it is safe for
// concurrent use.
type encoder struct{ unused sync.Pool } // of *coder

// encode writes b. What b shares with others is only read.
func (e *encoder) encode(b *batch) ([]byte, error) {
	c, ok := e.unused.Get().(*coder)
	if !ok {
		c = &coder{wordNumbers: make(map[string]uint64)}
	}
	records := b.records
	if b.split { // whoever reads that a tile is split asks for its parts
		records = nil
	}
	c.batch(b)
	c.put(uint64(len(records)))
	for _, r := range records {
		c.record(r)
	}
	data, err := slices.Clone(c.data), c.err
	if c.reset() {
		e.unused.Put(c)
	}
	if err != nil {
		return nil, fmt.Errorf("loaders: encode records of %s: %w", b.source, err)
	}
	return data, nil
}

// decodeBatch reads what an encoder wrote; source names the sources that there
// are. It returns an error for anything else, and for a source that is not there.
func decodeBatch(data []byte, source func(providers.SourceID) *providers.Source) (*batch, error) {
	c, b := &coder{reading: true, data: data}, new(batch)
	c.batch(b)
	of := source(b.source)
	if of == nil && c.err == nil {
		return nil, fmt.Errorf("loaders: decode records: no source is called %q", b.source)
	}
	n := c.room(c.take(), unsafe.Sizeof(providers.Record{}))
	if n > 0 {
		b.records = make([]*providers.Record, 0, n)
	}
	// One allocation each, so that a tile's records do not keep each other alive.
	for range n {
		r := &providers.Record{Source: of}
		c.record(r)
		if r.Key.SourceID() != b.source {
			c.fail(errForeign)
		}
		if c.err != nil {
			break
		}
		r.Seal()
		b.records = append(b.records, r)
	}
	if len(c.data) > 0 {
		c.fail(errBroken)
	}
	if c.err != nil {
		return nil, fmt.Errorf("loaders: decode records of %s: %w", b.source, c.err)
	}
	return b, nil
}

// coder walks over the fields of values and writes or reads each in its turn: one
// list of fields serves both ways, so that they cannot differ. What is written is
// not changed. A coder is for one batch.
//
//	number        seven bits in a byte, the lowest first; those with a sign in turns: 0, -1, 1, -2
//	truth value   0 or 1
//	figure        8 bytes of IEEE 754, the lowest first
//	time          seconds since the year 1, twice, and one more where nanoseconds follow
//	text          its length and its bytes
//	word          0 for "", or its number; behind a new number the text
//	link          0 for "", 1 for the link before it, or 2 and a text
//	row           0 for none, or its number; behind a new number its fields
//	optional      0, or 1 and the value
//	list          0 for nil, or its length plus one and its elements
//
// Words are texts that recur, and rows are what records share by pointer: both are
// numbered from one as they are met, and are one again once they are read.
type coder struct {
	reading bool
	data    []byte // what was written, or is still to be read
	err     error  // the first failure

	words       []string
	wordNumbers map[string]uint64
	lastLink    string

	operators          rowTable[providers.Operator]
	connectionTypes    rowTable[providers.ConnectionType]
	currentTypes       rowTable[providers.CurrentType]
	chargerTypes       rowTable[providers.ChargerType]
	statusTypes        rowTable[providers.StatusType]
	submissionStatuses rowTable[providers.SubmissionStatus]
	usageTypes         rowTable[providers.UsageType]
	commentTypes       rowTable[providers.CommentType]
	checkInStatusTypes rowTable[providers.CheckInStatusType]
	dataProviders      rowTable[providers.DataProvider]
	countries          rowTable[providers.Country]
	attributions       rowTable[providers.Attribution]
}

// rowTable holds the rows of one kind that were met so far.
type rowTable[T any] struct {
	rows    []*T
	numbers map[*T]uint64 // of those of a table that is not short
}

// number returns the number of v, and whether it is a new one.
func (t *rowTable[T]) number(v *T) (n uint64, isNew bool) {
	const short = 12 // up to here it is faster to look at each
	if len(t.rows) > short {
		n = t.numbers[v]
	} else if i := slices.Index(t.rows, v); i >= 0 {
		n = uint64(i) + 1
	}
	if n > 0 {
		return n, false
	}
	t.rows = append(t.rows, v)
	n = uint64(len(t.rows))
	switch {
	case n == short+1:
		if t.numbers == nil {
			t.numbers = make(map[*T]uint64)
		}
		for i, row := range t.rows {
			t.numbers[row] = uint64(i) + 1
		}
	case n > short:
		t.numbers[v] = n
	}
	return n, true
}

func (t *rowTable[T]) reset() {
	clear(t.rows)
	t.rows = t.rows[:0]
	clear(t.numbers)
}

// reset empties a coder that has written, and reports whether it is worth keeping:
// the room of a large batch would seldom be needed again.
func (c *coder) reset() bool {
	const large = 256 << 10
	if cap(c.data) > large {
		return false
	}
	c.data, c.err, c.lastLink = c.data[:0], nil, ""
	clear(c.wordNumbers)
	c.operators.reset()
	c.connectionTypes.reset()
	c.currentTypes.reset()
	c.chargerTypes.reset()
	c.statusTypes.reset()
	c.submissionStatuses.reset()
	c.usageTypes.reset()
	c.commentTypes.reset()
	c.checkInStatusTypes.reset()
	c.dataProviders.reset()
	c.countries.reset()
	c.attributions.reset()
	return true
}

// fail ends a reading: all that is still asked for is zero.
func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	if c.reading {
		c.data = nil
	}
}

// put writes v.
func (c *coder) put(v uint64) { c.data = binary.AppendUvarint(c.data, v) }

// take reads what put has written.
func (c *coder) take() uint64 {
	if len(c.data) > 0 && c.data[0] < 0x80 { // as nearly all are
		v := uint64(c.data[0])
		c.data = c.data[1:]
		return v
	}
	v, n := binary.Uvarint(c.data)
	if n <= 0 {
		c.fail(errBroken)
		return 0
	}
	c.data = c.data[n:]
	return v
}

// room returns how many elements there is room to be made for, where n of so many
// bytes in memory are said to follow: all or none. Each takes a byte for each of
// its fields, none of which is larger than a time; more than that allows are lies.
func (c *coder) room(n uint64, size uintptr) int {
	least := max(1, uint64(size)/uint64(unsafe.Sizeof(time.Time{})))
	if n > uint64(len(c.data))/least {
		c.fail(errBroken)
		return 0
	}
	return int(n) //nolint:gosec // is no more than there are bytes
}

func (c *coder) number(v *int) {
	if !c.reading {
		c.data = binary.AppendVarint(c.data, int64(*v))
		return
	}
	n := c.take()
	*v = int(n>>1) ^ -int(n&1)
}

func (c *coder) flag(v *bool) {
	if !c.reading {
		bit := byte(0)
		if *v {
			bit = 1
		}
		c.data = append(c.data, bit)
		return
	}
	n := c.take()
	if n > 1 {
		c.fail(errBroken)
	}
	*v = n == 1
}

func (c *coder) figure(v *float64) {
	const size = 8
	if !c.reading {
		c.data = binary.LittleEndian.AppendUint64(c.data, math.Float64bits(*v))
	} else if len(c.data) < size {
		c.fail(errBroken)
	} else {
		*v = math.Float64frombits(binary.LittleEndian.Uint64(c.data))
		c.data = c.data[size:]
	}
	if math.IsNaN(*v) || math.IsInf(*v, 0) { // no answer could hold it
		c.fail(errValue)
	}
}

const (
	yearOne = -62_135_596_800 // in Unix time
	// latest is the last second of the year 9999, after which no date of JSON lies.
	latest = 253_402_300_799 - yearOne
)

func (c *coder) moment(v *time.Time) {
	if !c.reading {
		seconds, ns := v.Unix()-yearOne, uint64(v.Nanosecond()) //nolint:gosec // is not negative
		if seconds < 0 || seconds > latest {
			c.fail(errValue)
			return
		}
		c.put(uint64(seconds)<<1 | min(ns, 1))
		if ns > 0 {
			c.put(ns)
		}
		return
	}
	n, ns := c.take(), uint64(0)
	if n&1 == 1 {
		ns = c.take()
	}
	if n>>1 > latest || ns >= uint64(time.Second) {
		c.fail(errValue)
		return
	}
	if n|ns != 0 {
		*v = time.Unix(int64(n>>1)+yearOne, int64(ns)).UTC()
	}
}

func text[S ~string](c *coder, v *S) {
	if !c.reading {
		c.put(uint64(len(*v)))
		c.data = append(c.data, *v...)
		return
	}
	n := c.take()
	if n > uint64(len(c.data)) {
		c.fail(errBroken)
		return
	}
	*v = S(c.data[:n])
	c.data = c.data[n:]
}

func word[S ~string](c *coder, v *S) {
	if !c.reading {
		if *v == "" {
			c.put(0)
			return
		}
		n, ok := c.wordNumbers[string(*v)]
		if ok {
			c.put(n)
			return
		}
		n = uint64(len(c.wordNumbers)) + 1
		c.wordNumbers[string(*v)] = n
		c.put(n)
		text(c, v)
		return
	}
	n, known := c.take(), uint64(len(c.words))
	switch {
	case n == 0:
	case n <= known:
		*v = S(c.words[n-1])
	case n == known+1:
		text(c, v)
		c.words = append(c.words, string(*v))
	default:
		c.fail(errBroken)
	}
}

// link is for a text that a record has several times in a row.
func (c *coder) link(v *string) {
	const none, again, other = 0, 1, 2
	if !c.reading {
		switch *v {
		case "":
			c.put(none)
		case c.lastLink:
			c.put(again)
		default:
			c.put(other)
			text(c, v)
			c.lastLink = *v
		}
		return
	}
	switch c.take() {
	case none:
	case again:
		*v = c.lastLink
	case other:
		text(c, v)
		c.lastLink = *v
	default:
		c.fail(errBroken)
	}
}

func shared[T any](c *coder, v **T, table *rowTable[T], fields func(*coder, *T)) {
	if !c.reading {
		if *v == nil {
			c.put(0)
			return
		}
		n, isNew := table.number(*v)
		c.put(n)
		if isNew {
			fields(c, *v)
		}
		return
	}
	n, known := c.take(), uint64(len(table.rows))
	switch {
	case n == 0:
	case n <= known:
		*v = table.rows[n-1]
	case n == known+1:
		*v = new(T)
		table.rows = append(table.rows, *v)
		fields(c, *v)
	default:
		c.fail(errRow)
	}
}

func optional[T any](c *coder, v **T, value func(*coder, *T)) {
	there := *v != nil
	c.flag(&there)
	if !there {
		return
	}
	if c.reading {
		*v = new(T)
	}
	value(c, *v)
}

func list[T any](c *coder, v *[]T, element func(*coder, *T)) {
	if !c.reading {
		if *v == nil {
			c.put(0)
			return
		}
		c.put(uint64(len(*v)) + 1)
	} else {
		n := c.take()
		if n == 0 {
			return
		}
		var empty T
		*v = make([]T, c.room(n-1, unsafe.Sizeof(empty)))
	}
	for i := range *v {
		element(c, &(*v)[i])
	}
}

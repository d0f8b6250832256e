package loaders

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

// codecVersion is that of the bytes below. Raise it when providers.Record, or
// anything it is made of, changes its shape or its meaning: bytes of another
// version are not read but asked for anew.
const codecVersion = 2

// wireBatch is how a batch is written: JSON of the domain types by their Go
// names, zero values left out. Rows that records share come first, each once;
// in the records their numbers stand for them, counted from one.
type wireBatch struct {
	Source    providers.SourceID
	At        string // of a tile
	Split     bool
	Truncated bool
	Partial   bool
	Err       *wireError
	SuspectAt time.Time
	wireRows
	Records []wireRecord
}

// wireError is a *providers.SourceError without what is for logs alone.
type wireError struct {
	Code       providers.SourceErrorCode
	Message    string
	RetryAfter int64 // ns
}

// wireRows are the rows that records share. Their types are the domain's under
// names of their own: it is *providers.Operator that becomes a number.
type wireRows struct {
	Countries          []*countryRow // before operators, whose addresses name them
	Operators          []*operatorRow
	ConnectionTypes    []*connectionTypeRow
	CurrentTypes       []*currentTypeRow
	ChargerTypes       []*chargerTypeRow
	StatusTypes        []*statusTypeRow
	SubmissionStatuses []*submissionStatusRow
	UsageTypes         []*usageTypeRow
	CommentTypes       []*commentTypeRow
	CheckInStatusTypes []*checkInStatusTypeRow
	DataProviders      []*dataProviderRow
	Attributions       []*attributionRow
}

type (
	wireRecord           providers.Record
	operatorRow          providers.Operator
	connectionTypeRow    providers.ConnectionType
	currentTypeRow       providers.CurrentType
	chargerTypeRow       providers.ChargerType
	statusTypeRow        providers.StatusType
	submissionStatusRow  providers.SubmissionStatus
	usageTypeRow         providers.UsageType
	commentTypeRow       providers.CommentType
	checkInStatusTypeRow providers.CheckInStatusType
	dataProviderRow      providers.DataProvider
	countryRow           providers.Country
	attributionRow       providers.Attribution
)

// encodeBatch writes b. What b shares with others is only read.
func encodeBatch(b *batch) ([]byte, error) {
	w := wireBatch{
		Source: b.source, Split: b.split, Truncated: b.truncated, Partial: b.partial, SuspectAt: b.suspectAt,
		Records: make([]wireRecord, 0, len(b.records)),
	}
	if b.at != (tile{}) {
		w.At = b.at.String()
	}
	if b.err != nil {
		w.Err = &wireError{Code: b.err.Code, Message: b.err.Message, RetryAfter: int64(b.err.RetryAfter)}
	}
	if !b.split { // whoever reads that a tile is split asks for its parts
		for _, r := range b.records {
			w.Records = append(w.Records, bare(r))
		}
	}
	// The rows are known once the records are written, and stand before them.
	countries := newNumbering(&w.Countries, func(r *providers.Country) *countryRow { return (*countryRow)(r) })
	options := json.JoinOptions(json.OmitZeroStructFields(true), json.WithMarshalers(w.marshalers(countries)))
	records, err := json.Marshal(w.Records, options)
	if err != nil {
		return nil, fmt.Errorf("loaders: encode records of %s: %w", b.source, err)
	}
	for _, o := range w.Operators { // the only rows that name another
		if o.Address != nil && o.Address.Country != nil {
			countries.of(o.Address.Country)
		}
	}
	w.Records = nil
	head, err := json.Marshal(&w, options)
	if err != nil {
		return nil, fmt.Errorf("loaders: encode rows of %s: %w", b.source, err)
	}
	head = slices.Grow(head, len(records)+len(`,"Records":}`))
	head = append(head[:len(head)-1], `,"Records":`...)
	return append(append(head, records...), '}'), nil
}

// bare returns a copy of r without what points back at r or at its source.
func bare(r *providers.Record) wireRecord {
	c := *r
	c.Source = nil
	c.Connections = bareConnections(r.Connections)
	c.EVSEs = slices.Clone(r.EVSEs)
	for i := range c.EVSEs {
		c.EVSEs[i].Record = nil
		c.EVSEs[i].Connections = bareConnections(c.EVSEs[i].Connections)
	}
	c.Stations = slices.Clone(r.Stations)
	for i := range c.Stations {
		c.Stations[i].Record = nil
		c.Stations[i].Connections = bareConnections(c.Stations[i].Connections)
	}
	c.Comments = slices.Clone(r.Comments)
	for i := range c.Comments {
		c.Comments[i].Record = nil
	}
	c.Photos = slices.Clone(r.Photos)
	for i := range c.Photos {
		c.Photos[i].Record = nil
	}
	return wireRecord(c)
}

func bareConnections(list []providers.ConnectionInfo) []providers.ConnectionInfo {
	list = slices.Clone(list)
	for i := range list {
		list[i].Record = nil
	}
	return list
}

// marshalers write rows as their numbers, and gather them.
func (w *wireRows) marshalers(countries *numbering[providers.Country, countryRow]) *json.Marshalers {
	return json.JoinMarshalers(
		countries.marshaler(),
		newNumbering(&w.Operators, func(r *providers.Operator) *operatorRow { return (*operatorRow)(r) }).marshaler(),
		newNumbering(&w.ConnectionTypes, func(r *providers.ConnectionType) *connectionTypeRow { return (*connectionTypeRow)(r) }).marshaler(),
		newNumbering(&w.CurrentTypes, func(r *providers.CurrentType) *currentTypeRow { return (*currentTypeRow)(r) }).marshaler(),
		newNumbering(&w.ChargerTypes, func(r *providers.ChargerType) *chargerTypeRow { return (*chargerTypeRow)(r) }).marshaler(),
		newNumbering(&w.StatusTypes, func(r *providers.StatusType) *statusTypeRow { return (*statusTypeRow)(r) }).marshaler(),
		newNumbering(&w.SubmissionStatuses, func(r *providers.SubmissionStatus) *submissionStatusRow { return (*submissionStatusRow)(r) }).marshaler(),
		newNumbering(&w.UsageTypes, func(r *providers.UsageType) *usageTypeRow { return (*usageTypeRow)(r) }).marshaler(),
		newNumbering(&w.CommentTypes, func(r *providers.CommentType) *commentTypeRow { return (*commentTypeRow)(r) }).marshaler(),
		newNumbering(&w.CheckInStatusTypes, func(r *providers.CheckInStatusType) *checkInStatusTypeRow { return (*checkInStatusTypeRow)(r) }).marshaler(),
		newNumbering(&w.DataProviders, func(r *providers.DataProvider) *dataProviderRow { return (*dataProviderRow)(r) }).marshaler(),
		newNumbering(&w.Attributions, func(r *providers.Attribution) *attributionRow { return (*attributionRow)(r) }).marshaler(),
	)
}

// numbering numbers rows in the order in which they are met, from one. Rows are
// the same when their pointers are: that is how records share them.
type numbering[T, R any] struct {
	list   *[]*R
	row    func(*T) *R
	number map[*T]int64
}

func newNumbering[T, R any](list *[]*R, row func(*T) *R) *numbering[T, R] {
	return &numbering[T, R]{list: list, row: row, number: make(map[*T]int64)}
}

func (n *numbering[T, R]) of(v *T) int64 {
	i, ok := n.number[v]
	if !ok {
		*n.list = append(*n.list, n.row(v))
		i = int64(len(*n.list))
		n.number[v] = i
	}
	return i
}

func (n *numbering[T, R]) marshaler() *json.Marshalers {
	return json.MarshalToFunc(func(e *jsontext.Encoder, v *T) error {
		if v == nil {
			return e.WriteToken(jsontext.Null)
		}
		return e.WriteToken(jsontext.Int(n.of(v)))
	})
}

var (
	errRow     = errors.New("a row is named that is not there")
	errForeign = errors.New("a record of another source")
)

// decodeBatch reads what encodeBatch wrote; source names the sources that there
// are. It returns an error for anything else, and for a source that is not there.
func decodeBatch(data []byte, source func(providers.SourceID) *providers.Source) (*batch, error) {
	var w wireBatch
	if err := json.Unmarshal(data, &w, json.RejectUnknownMembers(true), json.WithUnmarshalers(w.unmarshalers())); err != nil {
		return nil, fmt.Errorf("loaders: decode records: %w", err)
	}
	of := source(w.Source)
	if of == nil {
		return nil, fmt.Errorf("loaders: decode records: no source is called %q", w.Source)
	}
	b := &batch{source: w.Source, split: w.Split, truncated: w.Truncated, partial: w.Partial, suspectAt: w.SuspectAt}
	if w.At != "" {
		at, ok := parseTile(w.At)
		if !ok {
			return nil, fmt.Errorf("loaders: decode records: %q is no tile", w.At)
		}
		b.at = at
	}
	if w.Err != nil {
		b.err = &providers.SourceError{Code: w.Err.Code, Message: w.Err.Message, RetryAfter: time.Duration(w.Err.RetryAfter)}
	}
	// One allocation each, so that a tile's records do not keep each other alive.
	for i := range w.Records {
		r := new(providers.Record(w.Records[i]))
		if r.Key.SourceID() != w.Source || r.Source != nil {
			return nil, fmt.Errorf("loaders: decode records of %s: %w", w.Source, errForeign)
		}
		r.Source = of
		r.Seal()
		b.records = append(b.records, r)
	}
	return b, nil
}

// unmarshalers read numbers as the rows that were read before them.
func (w *wireRows) unmarshalers() *json.Unmarshalers {
	return json.JoinUnmarshalers(
		rowOf(&w.Operators, func(r *operatorRow) *providers.Operator { return (*providers.Operator)(r) }),
		rowOf(&w.ConnectionTypes, func(r *connectionTypeRow) *providers.ConnectionType { return (*providers.ConnectionType)(r) }),
		rowOf(&w.CurrentTypes, func(r *currentTypeRow) *providers.CurrentType { return (*providers.CurrentType)(r) }),
		rowOf(&w.ChargerTypes, func(r *chargerTypeRow) *providers.ChargerType { return (*providers.ChargerType)(r) }),
		rowOf(&w.StatusTypes, func(r *statusTypeRow) *providers.StatusType { return (*providers.StatusType)(r) }),
		rowOf(&w.SubmissionStatuses, func(r *submissionStatusRow) *providers.SubmissionStatus { return (*providers.SubmissionStatus)(r) }),
		rowOf(&w.UsageTypes, func(r *usageTypeRow) *providers.UsageType { return (*providers.UsageType)(r) }),
		rowOf(&w.CommentTypes, func(r *commentTypeRow) *providers.CommentType { return (*providers.CommentType)(r) }),
		rowOf(&w.CheckInStatusTypes, func(r *checkInStatusTypeRow) *providers.CheckInStatusType { return (*providers.CheckInStatusType)(r) }),
		rowOf(&w.DataProviders, func(r *dataProviderRow) *providers.DataProvider { return (*providers.DataProvider)(r) }),
		rowOf(&w.Countries, func(r *countryRow) *providers.Country { return (*providers.Country)(r) }),
		rowOf(&w.Attributions, func(r *attributionRow) *providers.Attribution { return (*providers.Attribution)(r) }),
		// What points back is linked by Seal, and no bytes of ours hold it.
		json.UnmarshalFromFunc(func(*jsontext.Decoder, **providers.Record) error { return errForeign }),
		json.UnmarshalFromFunc(func(*jsontext.Decoder, **providers.Source) error { return errForeign }),
		json.UnmarshalFromFunc(func(*jsontext.Decoder, **providers.POI) error { return errForeign }),
	)
}

// rowOf reads a number as the row of list that it stands for.
func rowOf[T, R any](list *[]*R, row func(*R) *T) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, v **T) error {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		if token.Kind() != '0' {
			return errRow
		}
		n, err := token.Int()
		if err != nil || n < 1 || n > int64(len(*list)) || (*list)[n-1] == nil {
			return errRow
		}
		*v = row((*list)[n-1])
		return nil
	})
}

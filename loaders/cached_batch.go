package loaders

import (
	"bytes"
	"cmp"
	"slices"
	"time"
	"unsafe"

	"chargegraph/providers"
)

// batch is what a source said about one tile, one area or one key: the values of
// the place cache. It is immutable and shared.
type batch struct {
	source  providers.SourceID
	at      tile                // of a tile; else the zero tile
	records []*providers.Record // by key

	// split says that the source could not tell all of the tile at once: its
	// children hold it. records are those that did come.
	split     bool
	truncated bool                   // the source holds more than records
	partial   bool                   // something is missing, or was narrowed to a filter
	err       *providers.SourceError // why
	// closeUp is what was asked for in the place of a tile; such a batch is not kept.
	closeUp *closeUp
	// suspectAt is when the source last told so much less than records that it
	// was not believed; zero: it is believed.
	suspectAt time.Time
}

// closeUp are the parts of a tile that a question needed.
type closeUp struct {
	parts []entry
	asked bool // the source was asked for them
}

// find returns the record with key k.
func (b *batch) find(k providers.Key) (*providers.Record, bool) {
	i, ok := slices.BinarySearchFunc(b.records, k, func(r *providers.Record, k providers.Key) int { return cmp.Compare(r.Key, k) })
	if !ok {
		return nil, false
	}
	return b.records[i], true
}

// byKey orders records by key, each key once; the list is changed.
func byKey(records []*providers.Record) []*providers.Record {
	slices.SortStableFunc(records, func(a, b *providers.Record) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(records, func(a, b *providers.Record) bool { return a.Key == b.Key })
}

// weigh returns about how many bytes b takes in memory. Rows that records share
// are not counted: they are a table's.
func (b *batch) weigh() int {
	n := int(unsafe.Sizeof(*b)) + cap(b.records)*int(unsafe.Sizeof(b.records[0]))
	for _, r := range b.records {
		n += weighRecord(r)
	}
	return n
}

// weighRecord returns about how many bytes r takes in memory, with its place in
// the index of records.
func weighRecord(r *providers.Record) int {
	// A pointer's target of a few bytes takes 8 or 16; some ten of them are usual.
	const pointers, indexed = 160, 96
	n := int(unsafe.Sizeof(*r)) + pointers + indexed +
		len(r.Key) + len(r.UUID) + len(r.Title) + len(r.UsageCost) + len(r.OtherConnectors) + len(r.TimeZone) + len(r.Owner) +
		len(r.AccessComments) + len(r.GeneralComments) + len(r.ExternalID) + len(r.ParentExternalID) + len(r.DataProviderReference) +
		len(r.OperatorReference) + len(r.Slug) + len(r.Icon) + len(r.URL) + len(r.Directory) + weighAddress(&r.Address) +
		weighConnections(r.Connections)
	for i := range r.EVSEs {
		e := &r.EVSEs[i]
		n += int(unsafe.Sizeof(*e)) + len(e.ExternalID) + len(e.EVSEID) + len(e.PhysicalReference) + len(e.Floor) + weighConnections(e.Connections)
	}
	for i := range r.Stations {
		s := &r.Stations[i]
		n += int(unsafe.Sizeof(*s)) + len(s.ExternalID) + len(s.Name) + len(s.NetworkReference) + len(s.Manufacturer) + len(s.Model) +
			len(s.CostDescription) + weighConnections(s.Connections)
	}
	for i := range r.Comments {
		c := &r.Comments[i]
		n += int(unsafe.Sizeof(*c)) + len(c.ExternalID) + len(c.Text) + len(c.RelatedURL) + len(c.Vehicle)
		if c.Author != nil {
			n += int(unsafe.Sizeof(*c.Author)) + len(c.Author.DisplayName) + len(c.Author.Avatar)
		}
	}
	for i := range r.Photos {
		p := &r.Photos[i]
		n += int(unsafe.Sizeof(*p)) + len(p.ExternalID) + len(p.URL) + len(p.Thumbnail) + len(p.Caption)
		if p.Author != nil {
			n += int(unsafe.Sizeof(*p.Author)) + len(p.Author.DisplayName) + len(p.Author.Avatar)
		}
	}
	if h := r.OpeningHours; h != nil {
		n += int(unsafe.Sizeof(*h)) + len(h.Text) + cap(h.Weekly)*int(unsafe.Sizeof(providers.OpeningPeriod{})) +
			cap(h.Exceptions)*int(unsafe.Sizeof(providers.OpeningException{}))
	}
	for i := range r.Metadata {
		n += int(unsafe.Sizeof(r.Metadata[i])) + len(r.Metadata[i].FieldID) + len(r.Metadata[i].Value)
	}
	for i := range r.Links.Providers {
		l := &r.Links.Providers[i]
		n += int(unsafe.Sizeof(*l)) + len(l.View) + len(l.AddComment) + len(l.AddPhoto)
	}
	return n + 16*(cap(r.Amenities)+cap(r.Parking))
}

func weighAddress(a *providers.Address) int {
	return len(a.Line1) + len(a.Line2) + len(a.Town) + len(a.StateOrProvince) + len(a.Postcode) + len(a.Formatted)
}

func weighConnections(list []providers.ConnectionInfo) int {
	const pointers = 48 // power, quantity, level and the like
	n := cap(list) * (int(unsafe.Sizeof(providers.ConnectionInfo{})) + pointers)
	for i := range list {
		n += len(list[i].ExternalID) + len(list[i].Reference) + len(list[i].Comments)
	}
	return n
}

// sameRecord reports whether two versions of a record say the same, whenever
// they were read.
func sameRecord(a, b *providers.Record) bool {
	if a == b {
		return true
	}
	x, errX := said(a)
	y, errY := said(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// said returns what a record says, and not when it was read.
func said(r *providers.Record) ([]byte, error) {
	v := *r
	v.FetchedAt = time.Time{}
	if v.Availability != nil {
		counts := *v.Availability
		counts.ObservedAt = time.Time{} // the time of reading, where the source tells none
		v.Availability = &counts
	}
	c := &coder{wordNumbers: make(map[string]uint64)}
	c.record(&v)
	return c.data, c.err
}

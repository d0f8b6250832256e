package ocm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

// referenceCache holds the reference table and, by country, the connection
// types in use there.
type referenceCache struct {
	ttl   time.Duration
	clock func() time.Time
	fetch func(ctx context.Context, countryID int) (*index, error)

	mu     sync.Mutex
	tables map[int]*upstream.Table[*index] // by OCM's country id; 0: the whole table
	joined atomic.Pointer[index]           // of the table last joined that is not held
}

func newReferenceCache(ttl time.Duration, clock func() time.Time, fetch func(context.Context, int) (*index, error)) *referenceCache {
	return &referenceCache{ttl: ttl, clock: clock, fetch: fetch, tables: make(map[int]*upstream.Table[*index])}
}

// of returns the table of a country; 0 is the whole table.
func (c *referenceCache) of(countryID int) *upstream.Table[*index] {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[countryID]
	if t == nil {
		t = upstream.NewTable(c.ttl, c.clock, func(ctx context.Context) (*index, error) { return c.fetch(ctx, countryID) })
		c.tables[countryID] = t
	}
	return t
}

// best returns the newest table there is, however old; nil: none was fetched yet.
func (c *referenceCache) best() *index { return c.of(0).Best() }

// indexOf returns the index of a table, building it once for the table last used.
func (c *referenceCache) indexOf(t *providers.Reference) *index {
	if best := c.best(); best != nil && best.table == t {
		return best
	}
	if last := c.joined.Load(); last != nil && last.table == t {
		return last
	}
	x := newIndex(t)
	c.joined.Store(x)
	return x
}

// HeldReference implements [providers.Referenced].
func (s *Source) HeldReference() (*providers.Reference, bool) {
	x, ok := s.reference.of(0).Fresh()
	if !ok {
		return nil, false
	}
	return x.table, true
}

// Reference implements [providers.Referenced]. A failure is remembered for a
// minute; meanwhile the older or the built-in table comes at once, with it.
func (s *Source) Reference(ctx context.Context, country string) (*providers.Reference, error) {
	x, err := s.reference.of(0).Get(ctx)
	if x == nil {
		x = s.builtin
	}
	if country == "" || err != nil {
		return x.table, asError(err)
	}
	id, ok := s.countryID(country)
	if !ok {
		return x.table, unknownCountry()
	}
	local, err := s.reference.of(id).Get(ctx)
	if local == nil {
		return x.table, asError(err)
	}
	table := *x.table
	table.ConnectionTypes = local.table.ConnectionTypes
	return &table, asError(err)
}

// asError avoids a nil *SourceError in an error.
func asError(err error) error {
	if err == nil {
		return nil
	}
	return providers.AsSourceError(err)
}

// countryID returns OCM's number of a country.
func (s *Source) countryID(code string) (int, bool) {
	if x := s.reference.best(); x != nil {
		if id, ok := x.countryIDs[code]; ok {
			return id, true
		}
	}
	id, ok := s.builtin.countryIDs[code]
	return id, ok
}

func unknownCountry() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeUnsupported, Message: "Open Charge Map knows no country by this code"}
}

// fetchReference asks for the reference table; countryID 0 means all of it.
func (s *Source) fetchReference(ctx context.Context, countryID int) (*index, error) {
	params := url.Values{"verbose": {"false"}}
	if countryID > 0 {
		params.Set("countryid", strconv.Itoa(countryID))
	}
	var table *providers.Reference
	err := s.client.get(ctx, "referencedata", params, func(body io.Reader) error {
		var err error
		table, err = decodeReference(body)
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "reference data not fetched", slog.Any("error", err))
		return nil, err
	}
	return newIndex(table), nil
}

var errNoReference = errors.New("not OCM's reference data")

// decodeReference reads the answer of /referencedata. It returns errNoReference
// for JSON that is something else, such as OCM's "cache not ready".
func decodeReference(r io.Reader) (*providers.Reference, error) {
	var o wire.Object[wireReference]
	if err := json.UnmarshalRead(r, &o, wire.Lenient()); err != nil {
		return nil, err
	}
	w := &o.Value
	if len(w.ConnectionTypes) == 0 || len(w.Countries) == 0 {
		return nil, fmt.Errorf("%w: %w", errNoReference,
			upstream.BadResponse("Open Charge Map answered without its reference data, as it does while its cache is being filled", nil))
	}
	t := &providers.Reference{
		ConnectionTypes:    readRows(w.ConnectionTypes, readConnectionType),
		CurrentTypes:       readRows(w.CurrentTypes, readCurrentType),
		ChargerTypes:       readRows(w.ChargerTypes, readChargerType),
		StatusTypes:        readRows(w.StatusTypes, readStatusType),
		SubmissionStatuses: readRows(w.SubmissionStatusTypes, readSubmissionStatus),
		UsageTypes:         readRows(w.UsageTypes, readUsageType),
		CommentTypes:       readRows(w.UserCommentTypes, readCommentType),
		CheckInStatusTypes: readRows(w.CheckinStatusTypes, readCheckInStatusType),
		DataProviders:      readRows(w.DataProviders, readDataProvider),
		Countries:          readRows(w.Countries, readCountry),
	}
	countries := byID(t.Countries, func(c *providers.Country) string { return c.ID })
	for i := range w.Operators {
		id, ok := integer(w.Operators[i].ID)
		if !ok || id <= operatorUnknown { // no operator, but a way to say so
			continue
		}
		o := readOperator(id, &w.Operators[i])
		if o == nil {
			continue
		}
		if a := &w.Operators[i].AddressInfo; a.Set {
			o.Address = operatorAddress(&a.Value, countries)
		}
		t.Operators = append(t.Operators, o)
	}
	return t, nil
}

// readRows maps a list of rows; of two with one id the first counts.
func readRows[T any](list wire.List[wireRow], read func(int, *wireRow) *T) []*T {
	rows := make([]*T, 0, len(list))
	seen := make(map[int]bool, len(list))
	for i := range list {
		id, ok := integer(list[i].ID)
		if !ok || id < 0 || seen[id] {
			continue
		}
		if row := read(id, &list[i]); row != nil {
			seen[id] = true
			rows = append(rows, row)
		}
	}
	return rows
}

func operatorAddress(w *wireAddress, countries map[int]*providers.Country) *providers.Address {
	m := mapper{countries: rows[providers.Country]{held: countries, read: readCountry}, room: new(room)}
	a := m.address(w)
	if a == (providers.Address{}) {
		return nil
	}
	return &a
}

// Join implements [providers.Referenced]. Records are changed in place; rows
// that t does not have stay as they are.
func (s *Source) Join(t *providers.Reference, records []*providers.Record) {
	if t == nil || t == s.builtin.table {
		return // these rows are in the records already
	}
	x := s.reference.indexOf(t)
	for _, r := range records {
		x.join(r, &s.costs)
	}
}

func (x *index) join(r *providers.Record, known *costs) {
	if o := r.Operator; o != nil {
		r.Operator = replace(x.operators, o, operatorExternalID(o))
	}
	if v := r.UsageType; v != nil {
		if r.UsageType = replace(x.usageTypes, v, v.ID); r.UsageType != v {
			r.Cost = known.of(r.UsageType, r.UsageCost)
		}
	}
	if v := r.StatusType; v != nil {
		r.StatusType = replace(x.statusTypes, v, v.ID)
	}
	if v := r.SubmissionStatus; v != nil {
		r.SubmissionStatus = replace(x.submissions, v, v.ID)
	}
	if v := r.Address.Country; v != nil {
		r.Address.Country = replace(x.countries, v, v.ID)
		r.Address.CountryCode = r.Address.Country.ISOCode
	}
	for i := range r.Connections {
		x.joinConnection(&r.Connections[i])
	}
	for i := range r.Comments {
		c := &r.Comments[i]
		if v := c.CommentType; v != nil {
			c.CommentType = replace(x.commentTypes, v, v.ID)
		}
		if v := c.CheckInStatusType; v != nil {
			c.CheckInStatusType = replace(x.checkIns, v, v.ID)
			c.Sentiment = sentiment(c.Outcome, c.CheckInStatusType)
		}
	}
	if v := r.DataProvider; v != nil {
		r.DataProvider = replace(x.dataProviders, v, v.ID)
		if r.DataProvider != v && r.Source.Mode != providers.ModeSandbox {
			r.Attribution = x.attributions[r.DataProvider]
			if extra := attributionText(r); extra != "" {
				r.Attribution = attribution(r.DataProvider, extra)
			}
		}
	}
}

func (x *index) joinConnection(c *providers.ConnectionInfo) {
	if v := c.ConnectionType; v != nil {
		c.ConnectionType = replace(x.connectionTypes, v, v.ID)
	}
	if v := c.CurrentType; v != nil {
		c.CurrentType = replace(x.currentTypes, v, v.ID)
		if id, err := strconv.Atoi(v.ID); err == nil {
			c.Current = currentOf(id, c.CurrentType)
		}
	}
	if v := c.LevelType; v != nil {
		c.LevelType = replace(x.chargerTypes, v, v.ID)
	}
	if v := c.StatusType; v != nil {
		c.StatusType = replace(x.statusTypes, v, v.ID)
	}
}

// replace returns the table's row with this id, or else the row there is.
func replace[T any](table map[int]*T, row *T, id string) *T {
	n, err := strconv.Atoi(id)
	if err != nil {
		return row
	}
	if better := table[n]; better != nil {
		return better
	}
	return row
}

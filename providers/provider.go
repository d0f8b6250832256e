package providers

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Provider is one configured access to a directory of charging sites. All
// methods may be called concurrently.
type Provider interface {
	// Source describes the source; it is the same value for its whole life.
	Source() *Source
	// Search returns the records in q.Area, in no particular order, each
	// sealed. The answer may hold records outside the area; it lacks none
	// inside unless it says so (Truncated, Partial). An area without sites is
	// an empty answer and a nil error. It returns a *SourceError when the
	// source could not be asked or did not answer properly, and obeys ctx.
	Search(ctx context.Context, q Query) (Answer, error)
}

// Detailer is a Provider that is asked for single records over the network.
type Detailer interface {
	// Detail returns the records with these keys, complete with comments and
	// photos; a key that the source does not know is missing from the answer.
	// It makes one upstream call for at most DetailBatch keys, and one more for
	// each further page of comments.
	Detail(ctx context.Context, keys []Key) (Answer, error)
	// DetailBatch returns how many keys one call may carry, at least 1.
	DetailBatch() int
}

// Holder is a Provider whose records are all held in this process: questions
// to it cost no call, and a record it does not hold does not exist.
type Holder interface {
	// Record returns the record with key k.
	Record(k Key) (*Record, bool)
	// Ready returns a *SourceError as long as nothing has been read that could
	// be held: until then nobody knows which records exist.
	Ready() error
	// Len returns how many records are held.
	Len() int
}

// OperatorLister is a Holder that knows the operators of its records.
type OperatorLister interface {
	// Operators returns them by id, each once. The caller must not change them.
	Operators() []*Operator
}

// EVSEFinder is a Holder that finds records by the ids of their EVSEs.
type EVSEFinder interface {
	Holder
	// FindEVSE returns the keys of the records with an EVSE of this id, compared
	// as NormalEVSEID writes it.
	FindEVSE(evseID string) []Key
}

// AlikeFinder is a Holder that finds records by what they call their equipment,
// wherever they are.
type AlikeFinder interface {
	Holder
	// Alike returns the held records that share an EVSE's id, an operator's
	// reference or a data provider's reference with r, which may be another
	// source's. It may return more, and leaves out what very many records share.
	Alike(r *Record) []*Record
}

// Referenced is a Provider whose records name rows of a reference table by
// number. They are readable as they come (a row that is not built in has its
// number for a title), and complete once joined.
type Referenced interface {
	// HeldReference returns the table if it is in memory and fresh enough; it
	// never waits.
	HeldReference() (*Reference, bool)
	// Reference returns the table, asking upstream where it must. With a
	// country (ISO 3166-1 alpha-2) ConnectionTypes holds only those in use
	// there. An error comes with the best table there is, an older or a
	// built-in one, and is a *SourceError.
	Reference(ctx context.Context, country string) (*Reference, error)
	// Join puts the table's rows into records that this source has just
	// answered and nobody else has seen.
	Join(t *Reference, records []*Record)
}

// Query is a question to one source.
type Query struct {
	Area Area
	// Filter is what the answer will be filtered by, as a hint: a source may
	// use it to choose what a truncated answer holds where the whole area
	// cannot be had, and says Partial then. nil: no filter.
	Filter *Filter
}

// Answer is what a source answered.
type Answer struct {
	Records   []*Record
	FetchedAt time.Time // when the source was asked, or its data written
	Truncated bool      // the source holds more in this area than it gave
	// Aliases maps keys that were asked for, and that stand for another record,
	// to that record's key.
	Aliases map[Key]Key
	Partial bool // more than truncation: a part was not asked, or was narrowed to the filter
	Err     *SourceError
}

// Source describes a source. The exported fields never change; the state, which
// does, is safe for concurrent use.
type Source struct {
	ID           SourceID
	Provider     ProviderCode
	Name         string
	Mode         SourceMode
	Capabilities SourceCapabilities
	Attribution  Attribution
	AddPOIURL    string
	// Undecided names the filters that this source's records can never be
	// judged by, as Filter.Fields names them; UndecidedSummary those that need
	// more than a summary (Record.Summary).
	Undecided        []string
	UndecidedSummary []string
	// LiveFor is how long after it was last read the live states of a source
	// that is held here count as live; 0: it has none, or they are fetched with
	// each question.
	LiveFor time.Duration
	// Timeout is how long an answer may wait for this source; 0 means the
	// catalog's default.
	Timeout time.Duration
	// Retention is what may be kept of the source's answers.
	Retention Retention
	// Held says that all records are held here whole, so that records far apart
	// may be known to be one site; false: it is asked for areas.
	Held bool

	mu            sync.Mutex
	lastSuccessAt time.Time
	lastError     *SourceError
	failures      int                        // since the last success
	outcomes      map[SourceErrorCode]uint64 // since the start; "" counts successes
	count         func() int
	budget        Budget
}

// SourceCapabilities says what a source can give.
type SourceCapabilities struct {
	LiveStatus bool
	Comments   bool
	Photos     bool
	CheckIns   bool
}

// NodeID returns the source's id in the graph.
func (s *Source) NodeID() string { return sourcePrefix + string(s.ID) }

// Succeeded notes that the source answered properly at t, and reports whether its
// health has changed by that.
func (s *Source) Succeeded(t time.Time) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.After(s.lastSuccessAt) {
		s.lastSuccessAt = t
	}
	was := s.health()
	s.failures = 0
	s.lastError = nil
	s.tally("")
	return s.health() != was
}

// Failed notes that the source could not be asked, and reports whether its health
// has changed by that.
func (s *Source) Failed(err *SourceError) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.health()
	s.failures++
	s.lastError = err
	s.tally(err.Code)
	return s.health() != was
}

// tally counts one more outcome; mu is held.
func (s *Source) tally(code SourceErrorCode) {
	if s.outcomes == nil {
		s.outcomes = make(map[SourceErrorCode]uint64)
	}
	s.outcomes[code]++
}

// Outcomes returns how often the source has answered properly, under "", and how
// often it could not be asked, by code, since the start.
func (s *Source) Outcomes() map[SourceErrorCode]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.outcomes)
}

// downAfter is how many failures in a row make a source DOWN rather than DEGRADED.
const downAfter = 3

// Health returns how the source did lately: HEALTHY after a success, DEGRADED
// after a failure, DOWN after three in a row.
func (s *Source) Health() SourceHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.health()
}

// health is Health; mu is held.
func (s *Source) health() SourceHealth {
	switch {
	case s.failures == 0:
		return HealthHealthy
	case s.failures < downAfter:
		return HealthDegraded
	}
	return HealthDown
}

// LastSuccessAt returns when the source last answered properly; zero: never.
func (s *Source) LastSuccessAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastSuccessAt
}

// LastError returns the last failure since the last success, or nil.
func (s *Source) LastError() *SourceError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastError
}

// Counts makes count the source of RecordCount. A Holder calls it once, before
// the source is used.
func (s *Source) Counts(count func() int) { s.count = count }

// RecordCount returns how many records are held here; nil for a source that is
// asked over the network.
func (s *Source) RecordCount() *int {
	if s.count == nil {
		return nil
	}
	return new(s.count())
}

// Spends makes b the budget that Budget tells of; nil: none. A source calls it
// once, before it is used.
func (s *Source) Spends(b Budget) { s.budget = b }

// Budget returns how many calls the source may be sent; nil: no budget is kept.
func (s *Source) Budget() *UpstreamBudget {
	if s.budget == nil {
		return nil
	}
	return new(s.budget.State())
}

// Less orders sources by rank: OCPI, OCPPLAB, OCM, PLUGSHARE, then by id.
func (s *Source) Less(t *Source) bool {
	if a, b := s.Provider.rank(), t.Provider.rank(); a != b {
		return a < b
	}
	return s.ID < t.ID
}

// SourceResult says how a source contributed to one answer.
type SourceResult struct {
	Source           *Source
	Outcome          SourceOutcome
	Cache            CacheState
	FetchedAt        time.Time
	AgeSeconds       *float64
	Returned         int
	Truncated        bool
	UndecidedFilters []string
	Error            *SourceError
}

// Whole reports whether nothing that the source holds is missing from the answer.
func (r *SourceResult) Whole() bool {
	return r.Outcome == OutcomeOK && !r.Truncated
}

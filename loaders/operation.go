package loaders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"chargegraph/providers"
)

const (
	// batchWait is how long a loader collects keys: the fields of one level of a
	// query ask within microseconds of each other.
	batchWait = time.Millisecond
	// batchCap bounds one batch: as many keys as one `nodes` may carry.
	batchCap = 100
	// maxNeighbourhoods is how many places one operation may have a live source
	// asked for around single POIs: each is a call upstream.
	maxNeighbourhoods = 10
	// maxDetailCalls is how many calls for single records one operation may send
	// to one source. Where a call carries many records, they are many.
	maxDetailCalls = 10
)

// errAbsent says that a source does not know a key.
var errAbsent = errors.New("absent")

// Operation reads for one GraphQL operation. Its loaders batch and remember for
// that long. It is safe for concurrent use.
type Operation struct {
	catalog        *Catalog
	details        *dataloader.Loader[detailKey, *reading]
	references     *dataloader.Loader[providers.SourceID, *providers.Reference]
	neighbourhoods atomic.Int32 // asked so far
	personal       atomic.Bool  // see Personal

	mu          sync.Mutex
	detailCalls map[providers.SourceID]int // sent so far
	fresh       Freshness                  // without tags
	tags        map[string]struct{}
}

// Begin returns what one operation reads with.
func (c *Catalog) Begin() *Operation {
	o := &Operation{catalog: c, detailCalls: make(map[providers.SourceID]int), tags: make(map[string]struct{})}
	o.details = dataloader.NewBatchedLoader(o.loadDetails,
		dataloader.WithWait[detailKey, *reading](batchWait),
		dataloader.WithInputCapacity[detailKey, *reading](batchCap), // 1,000 otherwise, for a batch of one too
		dataloader.WithBatchCapacity[detailKey, *reading](batchCap))
	o.references = dataloader.NewBatchedLoader(o.loadReferences,
		dataloader.WithWait[providers.SourceID, *providers.Reference](batchWait),
		dataloader.WithInputCapacity[providers.SourceID, *providers.Reference](batchCap),
		dataloader.WithBatchCapacity[providers.SourceID, *providers.Reference](batchCap))
	return o
}

// Personal says that the answer holds what only its caller may see.
func (o *Operation) Personal() { o.personal.Store(true) }

// Catalog returns the catalog that the operation reads from.
func (o *Operation) Catalog() *Catalog { return o.catalog }

type operationKey struct{}

// WithOperation returns a context that carries o.
func WithOperation(ctx context.Context, o *Operation) context.Context {
	return context.WithValue(ctx, operationKey{}, o)
}

// OperationFrom returns the operation that ctx carries; there is one in every
// resolver's context.
func OperationFrom(ctx context.Context) *Operation {
	o, ok := ctx.Value(operationKey{}).(*Operation)
	if !ok {
		panic("loaders: no Operation in this context: the server's middleware must call WithOperation")
	}
	return o
}

// detailKey names a record and what is asked of what is cached of it.
type detailKey struct {
	key        providers.Key
	maxAge     time.Duration // negative: the source's own policy
	allowStale bool
}

func newDetailKey(k providers.Key, policy *providers.SourcePolicy) detailKey {
	d := detailKey{key: k, maxAge: -1, allowStale: true}
	if policy != nil && policy.MaxAge != nil {
		d.maxAge = max(0, *policy.MaxAge)
	}
	if policy != nil && policy.AllowStale != nil {
		d.allowStale = *policy.AllowStale
	}
	return d
}

// policy returns what newDetailKey was made from.
func (d detailKey) policy() *providers.SourcePolicy {
	policy := &providers.SourcePolicy{AllowStale: &d.allowStale}
	if d.maxAge >= 0 {
		policy.MaxAge = &d.maxAge
	}
	return policy
}

// loadDetails reads records from the place cache, and asks each source once for
// all that are missing there, or as often as its batch size makes necessary, all
// sources at once.
func (o *Operation) loadDetails(ctx context.Context, keys []detailKey) []*dataloader.Result[*reading] {
	type group struct {
		source providers.SourceID
		detailKey
	}
	groups := make(map[group][]int)
	for i, k := range keys {
		g := group{source: k.key.SourceID(), detailKey: k}
		g.key = ""
		groups[g] = append(groups[g], i)
	}
	results := make([]*dataloader.Result[*reading], len(keys))
	var wg sync.WaitGroup
	for g, at := range groups {
		s := o.catalog.places.shelves[g.source]
		if s == nil { // a source that is not configured knows nothing
			for _, i := range at {
				results[i] = &dataloader.Result[*reading]{Error: errAbsent}
			}
			continue
		}
		wg.Go(func() {
			wanted := make([]providers.Key, len(at))
			for n, i := range at {
				wanted[n] = keys[i].key
			}
			t := s.termsOf(g.policy(), s.policy.record.soft)
			limited, cancel := context.WithTimeout(ctx, t.timeout)
			defer cancel()
			readings := s.readRecords(limited, wanted, t, func() *providers.SourceError { return o.admitDetailCall(g.source) })
			for n, r := range readings {
				o.note(s.source, r)
				results[at[n]] = &dataloader.Result[*reading]{Data: r}
			}
			o.catalog.waited(limited, s.provider, readings...)
		})
	}
	wg.Wait()
	return results
}

// admitDetailCall counts a call for single records, and returns an error if it
// may not be sent.
func (o *Operation) admitDetailCall(id providers.SourceID) *providers.SourceError {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.detailCalls[id]++; o.detailCalls[id] > maxDetailCalls {
		return tooManyDetails()
	}
	return nil
}

func tooManyDetails() *providers.SourceError {
	return &providers.SourceError{
		Code:    providers.CodeBudgetExhausted,
		Message: "too many single sites in one operation: this one was not asked for; ask for it by its id",
	}
}

// loadReferences asks each source once.
func (o *Operation) loadReferences(ctx context.Context, ids []providers.SourceID) []*dataloader.Result[*providers.Reference] {
	results := make([]*dataloader.Result[*providers.Reference], len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			results[i] = &dataloader.Result[*providers.Reference]{Error: fmt.Errorf("loaders: source %s has no reference table", id)}
			p, _ := o.catalog.source(id)
			if referenced, ok := p.(providers.Referenced); ok {
				table, err := referenced.Reference(ctx, "")
				results[i] = &dataloader.Result[*providers.Reference]{Data: table, Error: err}
			}
		})
	}
	wg.Wait()
	return results
}

// read answers a question to one source: a source that is held here from its
// memory, all others through the place cache. small says that query.Area is the
// surroundings of single sites.
func (o *Operation) read(ctx context.Context, p providers.Provider, query providers.Query, policy *providers.SourcePolicy, small bool) *reading {
	r := o.catalog.read(ctx, p, query, policy, small)
	o.note(p.Source(), r)
	return r
}

// Freshness says what may be done with a finished answer: the strictest of what
// everything that it was made of allows.
type Freshness struct {
	Storable    bool      // false: it was made of nothing that is cached, or holds what only its caller may see
	ProcessOnly bool      // in the memory of this process and nowhere else
	FreshUntil  time.Time // and no longer
	Tags        []string  // it is dropped when one of these is invalidated; in no order
}

// Freshness returns what may be done with an answer that was made of what the
// operation has read so far.
func (o *Operation) Freshness() Freshness {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.fresh
	f.Storable = !f.FreshUntil.IsZero() && !o.personal.Load()
	f.Tags = slices.Sorted(maps.Keys(o.tags))
	return f
}

// heldFor is how long an answer of held records may be kept above when nothing
// tells that they changed: live states begin to differ.
const heldFor = time.Minute

// note remembers what an answer was made of.
func (o *Operation) note(s *providers.Source, r *reading) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fresh.FreshUntil.IsZero() || r.freshUntil.Before(o.fresh.FreshUntil) {
		o.fresh.FreshUntil = r.freshUntil
	}
	o.fresh.ProcessOnly = o.fresh.ProcessOnly || policyOf(s).processOnly
	for _, tag := range r.tags {
		o.tags[tag] = struct{}{}
	}
}

// noteHeld notes that an answer is made of what is held here of a source, or
// lacks it because of err.
func (o *Operation) noteHeld(p providers.Provider, err error) {
	until := o.catalog.now().Add(heldFor)
	if err != nil {
		until = o.catalog.now().Add(hurriedFor)
	}
	o.note(p.Source(), &reading{freshUntil: until, tags: []string{sourceTag(p.Source().ID)}})
}

// shown remembers which records an answer shows, so that it is dropped when one
// of them changes.
func (o *Operation) shown(pois ...*providers.POI) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range pois {
		for _, r := range p.Members {
			o.tags[o.catalog.recordTag(r.Key)] = struct{}{}
		}
	}
}

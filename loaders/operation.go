package loaders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	details        *dataloader.Loader[providers.Key, *providers.Record]
	references     *dataloader.Loader[providers.SourceID, *providers.Reference]
	neighbourhoods atomic.Int32 // asked so far

	mu          sync.Mutex
	detailCalls map[providers.SourceID]int // sent so far
}

// Begin returns what one operation reads with.
func (c *Catalog) Begin() *Operation {
	o := &Operation{catalog: c, detailCalls: make(map[providers.SourceID]int)}
	o.details = dataloader.NewBatchedLoader(o.loadDetails,
		dataloader.WithWait[providers.Key, *providers.Record](batchWait),
		dataloader.WithBatchCapacity[providers.Key, *providers.Record](batchCap))
	o.references = dataloader.NewBatchedLoader(o.loadReferences,
		dataloader.WithWait[providers.SourceID, *providers.Reference](batchWait),
		dataloader.WithBatchCapacity[providers.SourceID, *providers.Reference](batchCap))
	return o
}

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

// loadDetails asks each source once for all of its keys, or as often as its
// batch size makes necessary, all sources at once.
func (o *Operation) loadDetails(ctx context.Context, keys []providers.Key) []*dataloader.Result[*providers.Record] {
	bySource := make(map[providers.SourceID][]providers.Key)
	for _, k := range keys {
		bySource[k.SourceID()] = append(bySource[k.SourceID()], k)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	found := make(map[providers.Key]*providers.Record, len(keys))
	failed := make(map[providers.Key]error)
	for id, keys := range bySource {
		p, ok := o.catalog.source(id)
		detailer, can := p.(providers.Detailer)
		if !ok || !can {
			continue // a source that is not configured knows nothing
		}
		for len(keys) > 0 {
			n := min(len(keys), detailer.DetailBatch())
			batch := keys[:n]
			keys = keys[n:]
			wg.Go(func() {
				answer, err := o.detail(ctx, p, detailer, batch)
				mu.Lock()
				defer mu.Unlock()
				for _, r := range answer.Records {
					found[r.Key] = r
				}
				for alias, k := range answer.Aliases {
					found[alias] = found[k]
				}
				if err != nil {
					for _, k := range batch {
						failed[k] = err
					}
				}
			})
		}
	}
	wg.Wait()
	results := make([]*dataloader.Result[*providers.Record], len(keys))
	for i, k := range keys {
		result := &dataloader.Result[*providers.Record]{Data: found[k], Error: failed[k]}
		if result.Data == nil && result.Error == nil {
			result.Error = errAbsent
		}
		results[i] = result
	}
	return results
}

func (o *Operation) detail(ctx context.Context, p providers.Provider, d providers.Detailer, keys []providers.Key) (providers.Answer, error) {
	if !o.admitDetailCall(p.Source().ID) {
		return providers.Answer{}, &UnavailableError{Source: p.Source(), Err: tooManyDetails()}
	}
	ctx, cancel := context.WithTimeout(ctx, o.catalog.timeoutFor(p.Source(), nil))
	defer cancel()
	answer, err := o.ask(ctx, p, func(ctx context.Context) (providers.Answer, error) { return d.Detail(ctx, keys) })
	if err != nil {
		return providers.Answer{}, &UnavailableError{Source: p.Source(), Err: err}
	}
	return answer, nil
}

// admitDetailCall counts a call for single records, and reports whether it may be sent.
func (o *Operation) admitDetailCall(id providers.SourceID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.detailCalls[id]++
	return o.detailCalls[id] <= maxDetailCalls
}

func tooManyDetails() *providers.SourceError {
	return &providers.SourceError{
		Code:    providers.CodeBudgetExhausted,
		Message: "too many single sites in one operation: this one was not asked for; ask for it by its id",
	}
}

// loadReferences asks each source once.
func (o *Operation) loadReferences(ctx context.Context, ids []providers.SourceID) []*dataloader.Result[*providers.Reference] {
	// The table must not cost the records that wait for it their deadline.
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/5))
		defer cancel()
	}
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

// ask sends one question to a source and completes the records it answers. It
// keeps the source's state, and survives a source that panics or that does not
// come back in time.
func (o *Operation) ask(ctx context.Context, p providers.Provider, question func(context.Context) (providers.Answer, error)) (providers.Answer, *providers.SourceError) {
	type reply struct {
		answer providers.Answer
		err    error
	}
	replies := make(chan reply, 1)
	go func() {
		var r reply
		defer func() {
			if v := recover(); v != nil {
				o.catalog.logger.ErrorContext(ctx, "source panicked", slog.String("source", string(p.Source().ID)), slog.Any("panic", v))
				r = reply{err: &providers.SourceError{Code: providers.CodeInternal, Message: "the source's answer could not be processed"}}
			}
			replies <- r
		}()
		r.answer, r.err = o.complete(ctx, p, question)
	}()
	var r reply
	select {
	case r = <-replies:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	// The state of what is held here is its puller's to tell. An asker who went
	// away is not the source's fault.
	_, held := p.(providers.Holder)
	if r.err == nil {
		if !held {
			p.Source().Succeeded(o.catalog.now())
		}
		return r.answer, nil
	}
	err := providers.AsSourceError(r.err)
	if !held && !errors.Is(r.err, context.Canceled) {
		p.Source().Failed(err)
		o.catalog.logger.WarnContext(ctx, "source failed", slog.String("source", string(p.Source().ID)), slog.String("code", string(err.Code)), slog.Any("error", err))
	}
	return providers.Answer{}, err
}

// complete asks the question and, meanwhile, for the reference table where that
// is not in memory; then it joins the two.
func (o *Operation) complete(ctx context.Context, p providers.Provider, question func(context.Context) (providers.Answer, error)) (providers.Answer, error) {
	_, held := p.(providers.Holder)
	referenced, ok := p.(providers.Referenced)
	if held || !ok {
		return question(ctx)
	}
	if table, warm := referenced.HeldReference(); warm {
		answer, err := question(ctx)
		referenced.Join(table, answer.Records)
		return answer, err
	}
	thunk := o.references.Load(ctx, p.Source().ID)
	answer, err := question(ctx)
	if err != nil {
		return answer, err
	}
	table, err := thunk()
	if table != nil {
		referenced.Join(table, answer.Records)
	}
	if err != nil {
		answer.Partial = true
		answer.Err = providers.AsSourceError(err)
	}
	return answer, nil
}

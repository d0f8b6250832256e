package loaders

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/providers"
)

// read answers a question to one source.
func (c *Catalog) read(ctx context.Context, p providers.Provider, query providers.Query, policy *providers.SourcePolicy, small bool) *reading {
	s := c.places.shelves[p.Source().ID]
	if s == nil {
		return c.readHeld(ctx, p, query)
	}
	var r *reading
	if box, ok := query.Area.(providers.Bounds); ok && !small {
		r, _ = s.readTiles(ctx, box, s.termsOf(policy, s.policy.tile.soft))
	}
	if r == nil {
		r = s.readArea(ctx, query, s.termsOf(policy, s.policy.shape.soft), small)
	}
	c.waited(ctx, p, r)
	return r
}

// readHeld answers a question to a source that is held here.
func (c *Catalog) readHeld(ctx context.Context, p providers.Provider, query providers.Query) *reading {
	answer, err := c.ask(ctx, p, 0, func(ctx context.Context) (providers.Answer, error) { return p.Search(ctx, query) })
	if err != nil {
		return failedReading(err, c.now())
	}
	r := newReading()
	r.records, r.fetchedAt, r.truncated, r.partial, r.err = answer.Records, answer.FetchedAt, answer.Truncated, answer.Partial, answer.Err
	if r.partial {
		r.outcome = providers.OutcomePartial
	}
	r.tags = []string{sourceTag(p.Source().ID)}
	r.until(c.now().Add(heldFor))
	return r
}

func sourceTag(id providers.SourceID) string { return "source:" + string(id) }

// Changed tells the layers above that what is held here of a source has changed:
// a sync brought something. It is cheap.
func (c *Catalog) Changed(ctx context.Context, id providers.SourceID) {
	c.places.cache.Invalidate(ctx, sourceTag(id))
}

// Forget drops what is cached of the record with key k, here and in other
// processes, and the finished answers that show it: its source is asked for it
// anew, and for the tiles and areas that this process knows to hold it. It is for
// when something was written to the record, or it is known to have changed.
func (c *Catalog) Forget(ctx context.Context, k providers.Key) {
	tags := []string{c.recordTag(k)}
	if s := c.places.shelves[k.SourceID()]; s != nil {
		drop := func(space *cache.Space[*batch], key cache.Key) {
			if s.policy.processOnly {
				space.Forget(key)
			} else {
				space.Drop(ctx, key)
			}
		}
		drop(s.records, cache.Key{Name: string(k)})
		if at, ok := s.index.holder(k); ok {
			key := s.tileKey(at)
			tags = append(tags, s.tag("tile", key))
			drop(s.tiles, key)
		}
		for _, key := range s.shapes.holders(k) {
			tags = append(tags, s.tag("area", key))
			drop(s.areas, key)
		}
	}
	c.places.cache.Invalidate(ctx, tags...)
}

// recordTag is what an answer carries that shows the record with key k.
func (c *Catalog) recordTag(k providers.Key) string {
	if s := c.places.shelves[k.SourceID()]; s != nil {
		return s.recordTag(k)
	}
	return "record:" + string(k)
}

// waited notes that a source kept an answer waiting for longer than it may. The
// load that it did not answer goes on, and notes how that ends.
func (c *Catalog) waited(ctx context.Context, p providers.Provider, readings ...*reading) {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return // an asker who went away is not the source's fault
	}
	for _, r := range readings {
		if r.err != nil && r.err.Code == providers.CodeTimeout {
			c.failed(ctx, p, r.err)
			return
		}
	}
}

// failed notes that a source could not be asked. That it is worse than before, or
// fails in another way, is news; else each question would be a line in the log
// for as long as the source is away.
func (c *Catalog) failed(ctx context.Context, p providers.Provider, err *providers.SourceError) {
	level, before := slog.LevelDebug, p.Source().LastError()
	if worse := p.Source().Failed(err); worse || before == nil || before.Code != err.Code {
		level = slog.LevelWarn
	}
	c.logger.LogAttrs(ctx, level, "source failed", slog.String("source", string(p.Source().ID)), slog.String("code", string(err.Code)), slog.Any("error", err))
}

// ask sends one question to a source and completes the records it answers, for
// which a reference table that is not in memory may take most of patience. It
// keeps the source's state, and survives a source that panics or that does not
// come back in time.
func (c *Catalog) ask(ctx context.Context, p providers.Provider, patience time.Duration, question func(context.Context) (providers.Answer, error)) (providers.Answer, *providers.SourceError) {
	type reply struct {
		answer providers.Answer
		err    error
	}
	traced, trace := providers.BeginTrace(ctx, "source", slog.String("source", string(p.Source().ID)))
	replies := make(chan reply, 1)
	go func() {
		var r reply
		defer func() {
			if v := recover(); v != nil {
				c.logger.ErrorContext(ctx, "source panicked", slog.String("source", string(p.Source().ID)), slog.Any("panic", v))
				r = reply{err: &providers.SourceError{Code: providers.CodeInternal, Message: "the source's answer could not be processed"}}
			}
			replies <- r
		}()
		r.answer, r.err = complete(traced, p, patience, question)
	}()
	var r reply
	select {
	case r = <-replies:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if trace.ID() != "" { // what is noted is allocated, also where nobody follows
		trace.Note(slog.Int("records", len(r.answer.Records)))
	}
	trace.End(r.err)
	// The state of what is held here is its puller's to tell.
	_, held := p.(providers.Holder)
	if r.err == nil {
		if !held && p.Source().Succeeded(c.now()) {
			c.logger.LogAttrs(ctx, slog.LevelInfo, "source answers again", slog.String("source", string(p.Source().ID)))
		}
		return r.answer, nil
	}
	err := providers.AsSourceError(r.err)
	// That the calls that a refresh may take are spent says nothing of the source.
	spared := providers.IsRefresh(ctx) && err.Code == providers.CodeBudgetExhausted
	if !held && !spared && !errors.Is(r.err, context.Canceled) {
		c.failed(ctx, p, err)
	}
	return providers.Answer{}, err
}

// complete asks the question and, meanwhile, for the reference table where that
// is not in memory; then it joins the two.
func complete(ctx context.Context, p providers.Provider, patience time.Duration, question func(context.Context) (providers.Answer, error)) (providers.Answer, error) {
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
	type reply struct {
		table *providers.Reference
		err   error
	}
	replies := make(chan reply, 1)
	// The table must not cost the records that wait for it their deadline.
	hurried, cancel := context.WithTimeout(ctx, patience*4/5)
	go func() {
		defer cancel()
		var r reply
		defer func() {
			if v := recover(); v != nil {
				r.err = &providers.SourceError{Code: providers.CodeInternal, Message: "the source's reference table could not be processed"}
			}
			replies <- r
		}()
		r.table, r.err = referenced.Reference(hurried, "")
	}()
	answer, err := question(ctx)
	if err != nil {
		return answer, err
	}
	r := <-replies
	if r.table != nil {
		referenced.Join(r.table, answer.Records)
	}
	if r.err != nil {
		answer.Partial = true
		answer.Err = providers.AsSourceError(r.err)
	}
	return answer, nil
}

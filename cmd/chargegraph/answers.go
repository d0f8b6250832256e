package main

import (
	"context"
	"encoding/binary"
	"time"

	"chargegraph/loaders/cache"
	"chargegraph/server"
	"chargegraph/server/access"
)

// keptAnswers are the server's answers in the cache.
type keptAnswers struct {
	answers *cache.Answers
	edition string // of the configuration that they are made by
}

func (k keptAnswers) Get(ctx context.Context, key string) (server.Kept, bool) {
	a, ok := k.answers.Get(ctx, k.edition+key)
	if !ok || len(a.Meta) < metaTime {
		return server.Kept{}, false
	}
	return server.Kept{
		Body: a.Body, Packed: a.Forms.Get, MadeAt: a.MadeAt, FreshUntil: a.FreshUntil, ProcessOnly: a.ProcessOnly,
		DataUntil: time.UnixMilli(int64(binary.BigEndian.Uint64(a.Meta))), //nolint:gosec // as Put wrote it
		ETag:      string(a.Meta[metaTime:]),
	}, true
}

// metaTime is how long the time is that stands before the entity tag.
const metaTime = 8

func (k keptAnswers) Put(ctx context.Context, key string, a server.Kept) {
	meta := binary.BigEndian.AppendUint64(nil, uint64(a.DataUntil.UnixMilli()))
	k.answers.Put(ctx, k.edition+key, cache.Answer{
		Body: a.Body, Meta: append(meta, a.ETag...), Tags: a.Tags, MadeAt: a.MadeAt, FreshUntil: a.FreshUntil, ProcessOnly: a.ProcessOnly,
	})
}

// sharedLimiter is a limiter of callers that all replicas share.
type sharedLimiter struct{ limiter *cache.Limiter }

func (l sharedLimiter) Take(ctx context.Context, caller string, cost float64, limit access.Limit) (access.Decision, error) {
	d, err := l.limiter.Take(ctx, caller, cost, cache.Limit(limit))
	return access.Decision(d), err
}

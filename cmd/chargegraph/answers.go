package main

import (
	"context"

	"chargegraph/loaders/cache"
	"chargegraph/server"
	"chargegraph/server/access"
)

// keptAnswers are the server's answers in the cache.
type keptAnswers struct{ answers *cache.Answers }

func (k keptAnswers) Get(ctx context.Context, key string) (server.Kept, bool) {
	a, ok := k.answers.Get(ctx, key)
	return server.Kept{Body: a.Body, Tags: a.Tags, MadeAt: a.MadeAt, FreshUntil: a.FreshUntil, ProcessOnly: a.ProcessOnly}, ok
}

func (k keptAnswers) Put(ctx context.Context, key string, a server.Kept) {
	k.answers.Put(ctx, key, cache.Answer{Body: a.Body, Tags: a.Tags, MadeAt: a.MadeAt, FreshUntil: a.FreshUntil, ProcessOnly: a.ProcessOnly})
}

// sharedLimiter is a limiter of callers that all replicas share.
type sharedLimiter struct{ limiter *cache.Limiter }

func (l sharedLimiter) Take(ctx context.Context, caller string, cost float64, limit access.Limit) (access.Decision, error) {
	d, err := l.limiter.Take(ctx, caller, cost, cache.Limit(limit))
	return access.Decision(d), err
}

package cache

import "sync/atomic"

// counters are what Stats are read from.
type counters struct {
	hits, misses, stale, failed, loads, refreshes, refreshesFailed, polls atomic.Uint64
	evictions, invalidations, messages                                    atomic.Uint64
	redisHits, redisMisses, redisErrors, writes, writesSkipped            atomic.Uint64
	answerHits, answerRedisHits, answerMisses                             atomic.Uint64
}

// Stats are counts since the start, and sizes at the moment.
type Stats struct {
	Hits            uint64 // values from memory or Redis, fresh
	Stale           uint64 // values served past their soft age
	Misses          uint64 // values that a load brought, or found absent
	Failed          uint64 // values for which there was an error or no time
	Loads           uint64 // calls of load functions
	Refreshes       uint64 // values refreshed behind
	RefreshesFailed uint64 // without bringing a value
	Polls           uint64 // looks into Redis for what another process was loading
	Evictions       uint64 // values that had to make room

	AnswerHits      uint64 // finished answers from memory
	AnswerRedisHits uint64 // and from Redis
	AnswerMisses    uint64

	RedisHits     uint64 // values that Redis had, good enough
	RedisMisses   uint64
	RedisErrors   uint64 // calls that failed
	Writes        uint64 // values written to Redis
	WritesSkipped uint64 // values not written: Redis away, full, or too slow for what comes

	Invalidations uint64 // of tags, by this process and others
	Messages      uint64 // from other processes

	Bytes    uint64 // of keys and values in memory
	MaxBytes uint64
	Entries  int // in memory
	Queued   int // waiting to be written to Redis, or being written

	Redis     bool // there is one
	Broken    bool // it does not answer and is not asked
	Refusing  bool // it takes no values
	Listening bool // messages from other processes arrive
}

// Stats returns what the cache has done so far.
func (c *Cache) Stats() Stats {
	n := &c.counts
	s := Stats{
		Hits: n.hits.Load(), Stale: n.stale.Load(), Misses: n.misses.Load(), Failed: n.failed.Load(), Loads: n.loads.Load(),
		Refreshes: n.refreshes.Load(), RefreshesFailed: n.refreshesFailed.Load(), Polls: n.polls.Load(), Evictions: n.evictions.Load(),
		AnswerHits: n.answerHits.Load(), AnswerRedisHits: n.answerRedisHits.Load(), AnswerMisses: n.answerMisses.Load(),
		RedisHits: n.redisHits.Load(), RedisMisses: n.redisMisses.Load(), RedisErrors: n.redisErrors.Load(),
		Writes: n.writes.Load(), WritesSkipped: n.writesSkipped.Load(),
		Invalidations: n.invalidations.Load(), Messages: n.messages.Load(),
		Bytes: c.mem.WeightedSize(), MaxBytes: c.mem.GetMaximum(), Entries: c.mem.EstimatedSize(),
	}
	if f := c.fleet; f != nil {
		f.mu.Lock()
		s.Queued = len(f.queue) + f.inWork
		f.mu.Unlock()
		s.Redis, s.Broken, s.Refusing, s.Listening = true, f.breaker.broken.Load(), f.refusing.Load(), f.listening.Load() != 0
	}
	return s
}

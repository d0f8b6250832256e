package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	// maxAnswerLife bounds how long a finished answer lives, and thus how long invalidations are remembered.
	maxAnswerLife = 5 * time.Minute
	// maxJournal bounds how many invalidated tags are remembered. Beyond it all answers that are older are dropped.
	maxJournal = 1 << 16
	// answersVersion is that of the layout of answers in Redis.
	answersVersion = 1
)

// Answer is a finished answer. It is shared: nobody changes it.
type Answer struct {
	Body        []byte
	Meta        []byte    // what else belongs to it, such as headers; opaque here
	Tags        []string  // it is dropped when one of them is invalidated
	MadeAt      time.Time // when the reading of what it is made of began
	FreshUntil  time.Time // at most 5 minutes after MadeAt
	ProcessOnly bool      // never leaves this process's memory
}

// Answers holds finished answers for seconds, in memory and in Redis. It is safe
// for concurrent use.
type Answers struct {
	c      *Cache
	name   string
	number uint32
}

// NewAnswers returns a store for finished answers in c. It panics when c has a
// space of that name already.
func NewAnswers(c *Cache, name string) *Answers {
	return &Answers{c: c, name: name, number: c.number(name, nil)}
}

// answer is an Answer in memory.
type answer struct {
	Answer
	bytes   uint32
	foreign bool          // made by another process, by its clock
	checked atomic.Uint64 // the state of the journal that it was last compared with
}

func (a *answer) weight() uint32    { return a.bytes }
func (a *answer) goneAt() time.Time { return a.FreshUntil }
func (a *answer) left(memKey)       {}

// Get returns the answer under key: what memory holds, and otherwise what Redis
// does. One from Redis counts only while Run listens, and has listened since it
// was made. key may be long and secret: Redis sees only its SHA-256.
func (a *Answers) Get(ctx context.Context, key string) (Answer, bool) {
	now := a.c.now()
	k := memKey{a.number, key}
	if r, ok := a.c.mem.GetIfPresent(k); ok {
		if held, ok := r.(*answer); ok && held.FreshUntil.After(now) {
			if a.c.journal.allows(held) {
				a.c.counts.answerHits.Add(1)
				return held.Answer, true
			}
			a.c.mem.Compute(k, func(now resident, found bool) (resident, otter.ComputeOp) {
				if found && now == r {
					return nil, otter.InvalidateOp
				}
				return nil, otter.CancelOp
			})
		}
	}
	if found, ok := a.fromRedis(ctx, key, now); ok {
		a.c.counts.answerRedisHits.Add(1)
		return found, true
	}
	a.c.counts.answerMisses.Add(1)
	return Answer{}, false
}

func (a *Answers) fromRedis(ctx context.Context, key string, now time.Time) (Answer, bool) {
	f := a.c.fleet
	if f == nil || f.listening.Load() == 0 {
		return Answer{}, false
	}
	data := f.get(ctx, a.redisKey(key))
	if data == nil {
		return Answer{}, false
	}
	t, raw, err := unseal(answersVersion, data)
	if err != nil || !t.hardUntil.After(now) {
		return Answer{}, false
	}
	found, ok := decodeAnswer(raw)
	if !ok {
		return Answer{}, false
	}
	found.MadeAt, found.FreshUntil = t.fetchedAt, t.hardUntil
	held := a.item(key, found)
	held.foreign = true
	// The journal knows since when this process has listened; whether it still does is asked after the look.
	if !a.c.journal.allows(held) || f.listening.Load() == 0 {
		return Answer{}, false
	}
	a.c.mem.Set(memKey{a.number, key}, held)
	return found, true
}

// Put keeps ans under key until ans.FreshUntil, unless one of its tags was
// invalidated since ans.MadeAt. Redis gets it behind, if this process has
// listened to invalidations all the while.
func (a *Answers) Put(_ context.Context, key string, ans Answer) {
	if limit := ans.MadeAt.Add(maxAnswerLife); ans.FreshUntil.After(limit) {
		ans.FreshUntil = limit
	}
	held := a.item(key, ans)
	if !ans.FreshUntil.After(a.c.now()) || !a.c.journal.allows(held) {
		return
	}
	a.c.mem.Set(memKey{a.number, key}, held)
	f := a.c.fleet
	if f == nil || ans.ProcessOnly {
		return
	}
	if since := f.listening.Load(); since == 0 || ans.MadeAt.UnixNano() < since {
		return
	}
	f.set(op{
		key:    a.redisKey(key),
		goneAt: ans.FreshUntil,
		bytes:  int(held.bytes),
		encode: func() ([]byte, error) {
			t := times{fetchedAt: ans.MadeAt, softUntil: ans.FreshUntil, hardUntil: ans.FreshUntil}
			return seal(answersVersion, newStamp(ans.MadeAt), t, encodeAnswer(ans))
		},
	})
}

// item returns ans as it lies in memory.
func (a *Answers) item(key string, ans Answer) *answer {
	size := entryOverhead + len(key) + len(ans.Body) + len(ans.Meta)
	for _, t := range ans.Tags {
		size += 16 + len(t)
	}
	return &answer{Answer: ans, bytes: uint32(min(size, math.MaxUint32))}
}

func (a *Answers) redisKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return a.c.fleet.key(a.name, answersVersion, Key{Name: base64.RawURLEncoding.EncodeToString(sum[:])})
}

// encodeAnswer returns ans without its times: lists of lengths and bytes.
func encodeAnswer(ans Answer) []byte {
	out := make([]byte, 0, len(ans.Body)+len(ans.Meta)+len(ans.Tags)*24+16)
	out = binary.AppendUvarint(out, uint64(len(ans.Tags)))
	for _, t := range ans.Tags {
		out = binary.AppendUvarint(out, uint64(len(t)))
		out = append(out, t...)
	}
	out = binary.AppendUvarint(out, uint64(len(ans.Meta)))
	out = append(out, ans.Meta...)
	return append(out, ans.Body...)
}

// decodeAnswer is the reverse of encodeAnswer; false when data is cut off.
func decodeAnswer(data []byte) (Answer, bool) {
	var ans Answer
	next := func() (uint64, bool) {
		v, n := binary.Uvarint(data)
		if n <= 0 || v > uint64(len(data[n:])) {
			return 0, false // no length and no count is larger than what follows it
		}
		data = data[n:]
		return v, true
	}
	count, ok := next()
	if !ok {
		return Answer{}, false
	}
	// There are a hundred and more of them: their texts are parts of one string.
	begin := data
	ends := make([]int, 0, min(2*count, 1024))
	for range count {
		size, whole := next()
		if !whole {
			return Answer{}, false
		}
		data = data[size:]
		ends = append(ends, len(begin)-len(data), int(size)) //nolint:gosec // no longer than data
	}
	texts := string(begin[:len(begin)-len(data)])
	ans.Tags = make([]string, 0, len(ends)/2)
	for at := 0; at < len(ends); at += 2 {
		ans.Tags = append(ans.Tags, texts[ends[at]-ends[at+1]:ends[at]])
	}
	size, ok := next()
	if !ok {
		return Answer{}, false
	}
	ans.Meta, ans.Body = data[:size:size], data[size:]
	return ans, true
}

// journal remembers which tags were invalidated when. Answers are compared with
// it when they are asked for, and only if something was invalidated since: an
// index from tags to answers would have to be kept for each of a hundred POIs in
// each answer that nobody asks for again.
type journal struct {
	state atomic.Uint64 // how many times it has changed

	mu    sync.RWMutex
	at    map[string]int64 // UnixNano
	floor int64            // what was made earlier, or then, is not allowed
	swept int64            // when old tags were last removed
}

// add notes that tags were invalidated at t.
func (j *journal) add(t time.Time, tags []string) {
	now := t.UnixNano()
	oldest := now - int64(maxAnswerLife+2*clockSkew)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.at == nil {
		j.at = make(map[string]int64)
	}
	if j.swept < oldest {
		j.swept = now
		for tag, at := range j.at {
			if at < oldest {
				delete(j.at, tag)
			}
		}
	}
	if len(j.at)+len(tags) > maxJournal {
		j.at, j.floor = make(map[string]int64), now
	}
	for _, tag := range tags {
		j.at[tag] = now
	}
	j.state.Add(1)
}

// forget notes that anything may have been invalidated until t.
func (j *journal) forget(t time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.floor = t.UnixNano()
	j.state.Add(1)
}

// allows reports whether nothing in a was invalidated since it was made.
func (j *journal) allows(a *answer) bool {
	state := j.state.Load() + 1 // 0 is that of an answer never compared
	if a.checked.Load() == state {
		return true
	}
	made := a.MadeAt.UnixNano()
	if a.foreign {
		made -= int64(clockSkew)
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	if made <= j.floor && j.floor != 0 {
		return false
	}
	for _, tag := range a.Tags {
		if at, ok := j.at[tag]; ok && made <= at {
			return false
		}
	}
	a.checked.Store(state)
	return true
}

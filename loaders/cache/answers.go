package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"iter"
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
	answersVersion = 2
	// maxPlain is how long an answer may be to lie in Redis as it is: a page of a map is. Unpacking that takes as long
	// as all else that is done with it here, and what it takes packed is saved for seconds only.
	maxPlain = 32 << 10
)

// Answer is a finished answer. It is shared: nobody changes it.
type Answer struct {
	Body        []byte
	Meta        []byte    // what else belongs to it, such as headers; opaque here
	Tags        []string  // it is dropped when one of them is invalidated; Get leaves them out
	MadeAt      time.Time // when the reading of what it is made of began
	FreshUntil  time.Time // at most 5 minutes after MadeAt
	ProcessOnly bool      // never leaves this process's memory
	Forms       *Forms    // of Body, for as long as it is held here; set by Get alone
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

// formsShare is the part of a body that its forms may take together: packed, an
// answer is a fifth or less of its length, once by each of two codings.
const formsShare = 2

// Forms are other forms of one Answer's Body, such as packed ones: made once, in
// this process, and gone with it. They are safe for concurrent use.
type Forms struct {
	mu    sync.Mutex
	forms map[string][]byte
	room  int
}

// Get returns the form of that name, which is what produce returned the first time.
// One for which there is no room is not kept.
func (f *Forms) Get(name string, produce func() []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	form, ok := f.forms[name]
	if ok {
		return form
	}
	form = produce()
	if len(form) <= f.room {
		if f.forms == nil {
			f.forms = make(map[string][]byte)
		}
		f.forms[name] = form
		f.room -= len(form)
	}
	return form
}

// answer is an Answer in memory.
type answer struct {
	Answer          // without Tags
	forms   Forms   // that Answer.Forms is
	tags    tagList // instead of Answer.Tags
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
	found, tags, ok := decodeAnswer(raw)
	if !ok {
		return Answer{}, false
	}
	found.MadeAt, found.FreshUntil = t.fetchedAt, t.hardUntil
	held := a.item(key, found, tags)
	held.foreign = true
	// The journal knows since when this process has listened; whether it still does is asked after the look.
	if !a.c.journal.allows(held) || f.listening.Load() == 0 {
		return Answer{}, false
	}
	a.c.mem.Set(memKey{a.number, key}, held)
	return held.Answer, true
}

// Put keeps ans under key until ans.FreshUntil, unless one of its tags was
// invalidated since ans.MadeAt. Redis gets it behind, if this process has
// listened to invalidations all the while.
func (a *Answers) Put(_ context.Context, key string, ans Answer) {
	if limit := ans.MadeAt.Add(maxAnswerLife); ans.FreshUntil.After(limit) {
		ans.FreshUntil = limit
	}
	tags := newTagList(ans.Tags)
	ans.Tags = nil
	held := a.item(key, ans, tags)
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
		encode: func(dst []byte) ([]byte, error) {
			t := times{fetchedAt: ans.MadeAt, softUntil: ans.FreshUntil, hardUntil: ans.FreshUntil}
			raw, how := encodeAnswer(ans, tags), packed
			if len(raw) <= maxPlain {
				how = plain
			}
			return seal(dst, answersVersion, newStamp(ans.MadeAt), t, how, raw)
		},
	})
}

// item returns ans as it lies in memory.
func (a *Answers) item(key string, ans Answer, tags tagList) *answer {
	room := len(ans.Body) / formsShare
	size := entryOverhead + len(key) + len(ans.Body) + room + len(ans.Meta) + len(tags)
	held := &answer{Answer: ans, forms: Forms{room: room}, tags: tags, bytes: uint32(min(size, math.MaxUint32))}
	held.Forms = &held.forms
	return held
}

func (a *Answers) redisKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return a.c.fleet.key(a.name, answersVersion, Key{Name: base64.RawURLEncoding.EncodeToString(sum[:])})
}

// encodeAnswer returns ans without its times: tags and Meta, each after its
// length, and Body.
func encodeAnswer(ans Answer, tags tagList) []byte {
	out := make([]byte, 0, 2*binary.MaxVarintLen32+len(tags)+len(ans.Meta)+len(ans.Body))
	out = binary.AppendUvarint(out, uint64(len(tags)))
	out = append(out, tags...)
	out = binary.AppendUvarint(out, uint64(len(ans.Meta)))
	out = append(out, ans.Meta...)
	return append(out, ans.Body...)
}

// decodeAnswer is the reverse of encodeAnswer: what it returns are parts of
// data. It returns false when data is cut off.
func decodeAnswer(data []byte) (Answer, tagList, bool) {
	tags, data, ok := cut(data)
	if !ok || !tagList(tags).whole() {
		return Answer{}, nil, false
	}
	meta, body, ok := cut(data)
	return Answer{Body: body, Meta: meta}, tags, ok
}

// cut returns the bytes that data begins with, after their length, and the rest.
func cut(data []byte) (part, rest []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data[n:])) {
		return nil, nil, false
	}
	data = data[n:]
	return data[:size:size], data[size:], true
}

// tagList are tags as they lie in Redis, each after its length: an answer has a
// hundred and more of them, which are seldom looked at.
type tagList []byte

func newTagList(tags []string) tagList {
	size := 0
	for _, t := range tags {
		size += binary.MaxVarintLen16 + len(t)
	}
	out := make(tagList, 0, size)
	for _, t := range tags {
		out = binary.AppendUvarint(out, uint64(len(t)))
		out = append(out, t...)
	}
	return out
}

// whole reports whether nothing is cut off.
func (l tagList) whole() bool {
	for rest := []byte(l); len(rest) > 0; {
		_, after, ok := cut(rest)
		if !ok {
			return false
		}
		rest = after
	}
	return true
}

// all goes through the tags. They are parts of l.
func (l tagList) all() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := []byte(l); len(rest) > 0; {
			tag, after, ok := cut(rest)
			if !ok || !yield(tag) {
				return
			}
			rest = after
		}
	}
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
	if len(j.at) > 0 {
		for tag := range a.tags.all() {
			if at, ok := j.at[string(tag)]; ok && made <= at {
				return false
			}
		}
	}
	a.checked.Store(state)
	return true
}

package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxQueued and maxQueuedBytes bound what waits to be written: values beyond it are left out (Redis is a copy),
	// so that a slow Redis costs this much memory and no more. Bytes are those in memory, which the cache mostly
	// holds as well.
	maxQueued      = 4096
	maxQueuedBytes = 64 << 20
	// maxSaid bounds the drops and invalidations that wait for Redis to come back. Beyond it one message takes
	// their place: trust nothing that is older.
	maxSaid = 4096
	// batchSize bounds one round trip of writes, so that it keeps within WriteTimeout.
	batchSize = 64
	// maxRoom bounds the memory that is kept from one batch to the next for what is written: a tile of a dense city
	// still fits.
	maxRoom = 4 << 20
	// refusedPause is how long no values are written after Redis refused one: full, or a replica.
	refusedPause = 5 * time.Second
)

// lookScript reads values and locks what is missing or was seen already, at one
// stroke, so that nobody can store a value between the look and the lock.
//
// KEYS: value, lock, value, lock …. ARGV: token, ms, then the stamp seen of each
// value (empty: none). Returns for each the value; or 1: locked for the caller,
// 0: locked by someone else, -1: this Redis takes no locks (full, or a replica).
const lookScript = `
local out = {}
for i = 1, #KEYS, 2 do
  local n = (i + 1) / 2
  local value = redis.pcall('GET', KEYS[i])
  if type(value) == 'string' and ARGV[2 + n] ~= 's' .. string.sub(value, 9, 24) then
    out[n] = value
  else
    local set = redis.pcall('SET', KEYS[i + 1], ARGV[1], 'NX', 'PX', ARGV[2])
    if not set then out[n] = 0 elseif set.ok then out[n] = 1 else out[n] = -1 end
  end
end
return out`

// releaseScript removes a lock if it is still the caller's: after its expiry it
// may be another's.
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

// fleet is the cache's side of Redis. Scripts are sent whole each time (they are
// shorter than a value): a Redis that was restarted or flushed knows none.
type fleet struct {
	c            *Cache
	client       redis.UniversalClient
	prefix       string
	channel      string
	id           string // of this process, in locks and messages
	readTimeout  time.Duration
	writeTimeout time.Duration
	lockTTL      time.Duration
	breaker      breaker
	gets         trips
	tokens       atomic.Uint64
	refusing     atomic.Bool
	refusedUntil time.Time    // of the worker alone
	room         []byte       // of the worker alone: where values are encoded
	listening    atomic.Int64 // since when messages arrive, UnixNano; 0: they do not
	trustFrom    atomic.Int64 // values fetched earlier are not read from Redis, UnixNano

	wake   chan struct{} // gets one when something is queued
	mu     sync.Mutex
	queue  []op
	sets   int
	bytes  int
	said   int
	inWork int // ops of the batch that is being written
	// Keys of queued ops and those of the batch that is being written, by how many.
	doomed  map[string]int // to be deleted: what Redis has under them does not count
	writing map[string]int // to be written
}

// op is something to be done in Redis, in the order of the queue.
type op struct {
	key    string                           // of a value to be written; empty: none
	encode func(dst []byte) ([]byte, error) // appends what is written to dst
	goneAt time.Time
	bytes  int
	lock   redisLock // to be released

	del     []string // keys to be deleted before what follows is said
	message *message // nil: nothing
}

// kept reports whether o must not be lost.
func (o *op) kept() bool { return o.message != nil || len(o.del) > 0 }

// redisLock is a lock that this process holds, or held; empty: none.
type redisLock struct{ key, token string }

// message is what processes tell one another.
type message struct {
	From    string   `json:"from"`
	Space   string   `json:"space,omitempty"`   // whose
	Keys    []Key    `json:"keys,omitempty"`    // are dropped,
	Version int      `json:"version,omitempty"` // in Redis those of this version already
	Tags    []string `json:"tags,omitempty"`    // are invalidated
	All     bool     `json:"all,omitempty"`     // messages were lost: trust nothing older
}

func newFleet(c *Cache, cfg Config) *fleet {
	f := &fleet{
		c:            c,
		client:       cfg.Redis,
		prefix:       cfg.Prefix + ":",
		channel:      cfg.Prefix + ":events",
		id:           rand.Text(),
		readTimeout:  cfg.ReadTimeout,
		writeTimeout: cfg.WriteTimeout,
		lockTTL:      cfg.LockTTL,
		wake:         make(chan struct{}, 1),
		doomed:       make(map[string]int),
		writing:      make(map[string]int),
	}
	f.gets.timeout, f.gets.send = cfg.ReadTimeout, sendBy(cfg.Redis)
	f.breaker.logger, f.breaker.opened = cfg.Logger, make(chan struct{}, 1)
	return f
}

// key returns the Redis key of a value. What one slot holds lies in one hash
// slot.
func (f *fleet) key(kind string, version int, k Key) string {
	slot := k.Slot
	if slot == "" {
		slot = k.Name
	}
	if strings.ContainsAny(slot, "{}") {
		slot = strings.NewReplacer("{", "(", "}", ")").Replace(slot)
	}
	return f.prefix + "{" + slot + "}:" + kind + ".v" + strconv.Itoa(version) + ":" + k.Name
}

// lockOf returns the key of the lock of a value: in the same hash slot.
func lockOf(key string) string { return key + ":lock" }

// look is one key to be looked up.
type look struct {
	key  string
	slot string
	seen stamp // a value with it counts as none
}

// looked is what Redis had.
type looked struct {
	value []byte // nil: none
	lock  redisLock
	busy  bool // somebody else is loading it
}

// look looks keys up and locks those that are missing, in one round trip per
// slot (and node). On an error nothing was found, and nobody else is loading.
func (f *fleet) look(ctx context.Context, keys []look) []looked {
	out := make([]looked, len(keys))
	if f.breaker.broken.Load() {
		return out
	}
	began := time.Now()
	token := f.id + ":" + strconv.FormatUint(f.tokens.Add(1), 36)
	ms := strconv.FormatInt(f.lockTTL.Milliseconds(), 10)
	bySlot := make(map[string][]int, 1)
	var slots []string
	for i, k := range keys {
		if bySlot[k.slot] == nil {
			slots = append(slots, k.slot)
		}
		bySlot[k.slot] = append(bySlot[k.slot], i)
	}
	ctx, cancel := context.WithTimeout(ctx, f.readTimeout)
	defer cancel()
	pipe := f.client.Pipeline()
	cmds := make([]*redis.Cmd, len(slots))
	for n, slot := range slots {
		names := make([]string, 0, 2*len(bySlot[slot]))
		args := append(make([]any, 0, 2+len(bySlot[slot])), token, ms)
		for _, i := range bySlot[slot] {
			names = append(names, keys[i].key, lockOf(keys[i].key))
			args = append(args, string(keys[i].seen))
		}
		cmds[n] = pipe.Eval(ctx, lookScript, names, args...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var failed error
	for n, slot := range slots {
		replies, err := cmds[n].Slice()
		if err == nil && len(replies) != len(bySlot[slot]) {
			err = errors.New("cache: not the reply of the script")
		}
		if err != nil {
			failed = err
			continue
		}
		for r, i := range bySlot[slot] {
			switch reply := replies[r].(type) {
			case string:
				out[i].value = []byte(reply)
			case int64:
				if reply == 1 {
					out[i].lock = redisLock{key: lockOf(keys[i].key), token: token}
				}
				out[i].busy = reply == 0
			}
		}
	}
	f.count(ctx, began, failed)
	return out
}

// count notes how a call that began at a time of the process's clock went.
func (f *fleet) count(ctx context.Context, began time.Time, err error) {
	if err != nil {
		f.c.counts.redisErrors.Add(1)
		f.breaker.failed(ctx, began, err)
		return
	}
	f.breaker.ok()
}

// get reads one value; nil when there is none, or Redis does not say.
func (f *fleet) get(ctx context.Context, key string) []byte {
	if f.breaker.broken.Load() {
		return nil
	}
	began := time.Now()
	data, err := f.gets.get(ctx, key)
	switch {
	case errors.Is(err, redis.Nil):
		f.count(ctx, began, nil)
		return nil
	case err != nil && ctx.Err() != nil:
		return nil // the caller has gone: that says nothing of Redis
	}
	f.count(ctx, began, err)
	return data
}

// set queues the writing of a value, or the release of a lock. It never waits.
func (f *fleet) set(o op) {
	if f.breaker.broken.Load() {
		f.c.counts.writesSkipped.Add(1)
		return
	}
	f.mu.Lock()
	full := f.sets >= maxQueued || f.bytes+o.bytes > maxQueuedBytes
	if !full {
		f.push(o)
	}
	f.mu.Unlock()
	if full {
		f.c.counts.writesSkipped.Add(1)
	}
}

// drop queues the deletion of keys and, after it, a message to the other
// processes; nil: none. It never waits, and both are kept until Redis has taken
// them.
func (f *fleet) drop(keys []string, m *message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.said >= maxSaid {
		// Too much to keep: one message takes the place of all.
		f.trustFrom.Store(f.c.now().UnixNano())
		f.queue, f.sets, f.bytes, f.said = nil, 0, 0, 0
		clear(f.doomed)
		clear(f.writing)
		keys, m = nil, &message{All: true}
	}
	if m != nil {
		m.From = f.id
	}
	f.push(op{del: keys, message: m})
}

// push appends to the queue. f.mu is held.
func (f *fleet) push(o op) {
	f.queue = append(f.queue, o)
	f.account(&o, 1)
	f.note(&o, 1)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fleet) account(o *op, sign int) {
	if o.kept() {
		f.said += sign
		return
	}
	f.sets += sign
	f.bytes += sign * o.bytes
}

// note counts the keys of o. f.mu is held.
func (f *fleet) note(o *op, by int) {
	add := func(to map[string]int, key string) {
		if to[key] += by; to[key] <= 0 {
			delete(to, key)
		}
	}
	if o.key != "" {
		add(f.writing, o.key)
	}
	for _, k := range o.del {
		add(f.doomed, k)
	}
}

// take removes the first ops from the queue.
func (f *fleet) take() []op {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(batchSize, len(f.queue))
	batch := make([]op, n)
	copy(batch, f.queue)
	clear(f.queue[:n])
	f.queue = f.queue[n:]
	if len(f.queue) == 0 {
		f.queue = nil
	}
	for i := range batch {
		f.account(&batch[i], -1)
	}
	f.inWork = n
	return batch
}

// putBack puts what must not be lost of batch in front again, and throws away
// values: by the time that Redis is back they are old.
func (f *fleet) putBack(batch []op) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []op
	for _, o := range batch {
		if o.kept() {
			list = append(list, o)
			f.account(&o, 1)
		} else {
			f.note(&o, -1)
			f.c.counts.writesSkipped.Add(1)
		}
	}
	f.queue, f.inWork = append(list, f.queue...), 0
}

// isDoomed reports whether the value under a key is to be deleted.
func (f *fleet) isDoomed(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.doomed[key] > 0
}

// isWriting reports whether a value is on its way to a key.
func (f *fleet) isWriting(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writing[key] > 0
}

// work writes what is queued and finds out when a broken Redis is back, until
// the cache is closed.
func (f *fleet) work() {
	probe := time.NewTimer(time.Hour)
	probe.Stop()
	for {
		select {
		case <-f.c.done:
			for end := time.Now().Add(f.writeTimeout); !f.breaker.broken.Load() && time.Now().Before(end); {
				batch := f.take()
				if len(batch) == 0 {
					return
				}
				f.write(batch)
			}
			return
		case <-f.wake:
		case <-f.breaker.opened:
			f.putBack(f.takeAll())
			probe.Reset(f.breaker.pause())
		case <-probe.C:
			if f.ping() {
				f.breaker.mend()
			} else {
				probe.Reset(f.breaker.pause())
			}
		}
		for !f.breaker.broken.Load() {
			batch := f.take()
			if len(batch) == 0 {
				break
			}
			f.write(batch)
		}
	}
}

func (f *fleet) takeAll() []op {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.queue
	f.queue, f.sets, f.bytes, f.said = nil, 0, 0, 0
	return all
}

func (f *fleet) ping() bool {
	ctx, cancel := context.WithTimeout(context.Background(), f.readTimeout)
	defer cancel()
	return f.client.Ping(ctx).Err() == nil
}

// write carries out batch: first values, locks and deletions, then messages, so
// that who hears of a deletion does not read the value again.
func (f *fleet) write(batch []op) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), f.writeTimeout)
	defer cancel()
	now := f.c.now()
	skip := f.refusing.Load() && now.Before(f.refusedUntil)
	pipe := f.client.Pipeline()
	var sets, others []redis.Cmder
	room := f.room
	for i := range batch {
		o := &batch[i]
		if ttl := o.goneAt.Sub(now); o.key != "" && ttl >= time.Millisecond {
			if len(room) > maxRoom {
				room = nil // growing on would copy all of it
			}
			begin := len(room)
			if !skip {
				if sealed, err := o.encode(room); err == nil { // what cannot be written stays in this process
					room = sealed
				}
			}
			if data := room[begin:]; len(data) > 0 {
				sets = append(sets, pipe.Set(ctx, o.key, data, ttl))
			} else {
				f.c.counts.writesSkipped.Add(1)
			}
		}
		if o.lock.key != "" {
			others = append(others, pipe.Eval(ctx, releaseScript, []string{o.lock.key}, o.lock.token))
		}
		for _, k := range o.del {
			others = append(others, pipe.Unlink(ctx, k))
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	if cap(room) <= maxRoom {
		f.room = room[:0]
	}
	err := firstError(others)
	for _, s := range sets {
		switch failure := s.Err(); {
		case failure == nil:
			f.c.counts.writes.Add(1)
			f.taken(ctx)
		case refusal(failure):
			f.refused(ctx, failure)
		default:
			err = errors.Join(failure, err)
		}
	}
	if err == nil {
		err = f.publish(ctx, batch)
	}
	if err != nil {
		// A success, on the other hand, says nothing of looks, which have less time.
		f.count(ctx, began, err)
		f.putBack(batch)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inWork = 0
	for i := range batch {
		f.note(&batch[i], -1)
	}
}

// publish sends the messages of batch.
func (f *fleet) publish(ctx context.Context, batch []op) error {
	var cmds []redis.Cmder
	pipe := f.client.Pipeline()
	for _, o := range batch {
		if o.message != nil {
			cmds = append(cmds, pipe.Publish(ctx, f.channel, o.message.encode()))
		}
	}
	if len(cmds) == 0 {
		return nil
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	return firstError(cmds)
}

func firstError(cmds []redis.Cmder) error {
	for _, c := range cmds {
		if err := c.Err(); err != nil {
			return err
		}
	}
	return nil
}

// refusal reports whether Redis is there but takes no values: it is full, cannot
// save, is a replica, or does not let us.
func refusal(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, code := range []string{"OOM ", "MISCONF ", "READONLY ", "NOPERM ", "NOREPLICAS "} {
		if strings.HasPrefix(reply.Error(), code) {
			return true
		}
	}
	return false
}

func (f *fleet) refused(ctx context.Context, err error) {
	f.c.counts.writesSkipped.Add(1)
	f.refusedUntil = f.c.now().Add(refusedPause)
	if f.refusing.CompareAndSwap(false, true) {
		f.c.logger.LogAttrs(ctx, slog.LevelWarn, "Redis takes no values: it is only read", slog.Any("error", err))
	}
}

func (f *fleet) taken(ctx context.Context) {
	if f.refusing.CompareAndSwap(true, false) {
		f.c.logger.LogAttrs(ctx, slog.LevelInfo, "Redis takes values again")
	}
}

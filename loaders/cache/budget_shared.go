package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// budgetDeadline bounds each question to Redis, which a call waits for. A call is
	// handed out up to this much after Redis wrote it down, so that windows there are
	// longer by it.
	budgetDeadline = 100 * time.Millisecond
	// budgetRest is for how long Redis is not asked after it did not answer.
	budgetRest = time.Second
	// budgetBeat is how often a process lets itself be heard; one that was not
	// heard for ten beats is not alive.
	budgetBeat  = 500 * time.Millisecond
	budgetAlive = 10 * budgetBeat
	// budgetGrace is how long a log that has forgotten waits for processes nobody
	// knew of: three beats, and an answer.
	budgetGrace = 3*budgetBeat + budgetDeadline
	// budgetLease is how long a process may take of its share while Redis is gone,
	// and how long that of one that vanished is nobody's.
	budgetLease = 10 * time.Minute
	// budgetStrangers is how many processes may be there that Redis does not know.
	budgetStrangers = 10
)

// sharedBudget is the part of a Budget that is counted in Redis.
type sharedBudget struct {
	budget *Budget
	client redis.UniversalClient
	take   *redis.Script
	meet   *redis.Script
	keys   []string
	id     string // of this process
	window time.Duration
	logger *slog.Logger

	counted   int // handed out through Redis, in a window
	divided   int // divided by Redis among those who are alive
	strangers int // for those it does not know
	stranger  int // for each of them

	// Whoever takes holds it for reading: what this process took is known when it is
	// written down again.
	taking sync.RWMutex

	mu        sync.Mutex
	mark      string // of the log that knows what this process took; "": none
	sequence  int64
	taken     []takenCall // within the last window, oldest first
	takers    []string    // processes known to have calls in the log
	mine      int         // of divided
	alive     int         // processes, this one included
	leaseEnds time.Time
	used      int
	usedAt    time.Time
	downUntil time.Time
	down      bool
}

// takenCall is a call that Redis handed out to this process.
type takenCall struct {
	sequence int64
	at       int64 // ms, by the clock of Redis
}

func newSharedBudget(cfg *BudgetConfig, b *Budget) *sharedBudget {
	reserve := cfg.Limit / 5
	s := &sharedBudget{
		budget: b, client: cfg.Redis, id: rand.Text(), logger: cfg.Logger.With(slog.String("budget", cfg.Name)),
		take: redis.NewScript(budgetHead + budgetTake), meet: redis.NewScript(budgetHead + budgetMeet),
		counted: cfg.Limit - reserve, divided: reserve - reserve/2, strangers: reserve / 2,
		// One millisecond more: Redis tells the time to the millisecond before.
		window: cfg.Window + budgetDeadline + time.Millisecond,
	}
	s.stranger = s.strangers / budgetStrangers
	key := cfg.Prefix + ":budget:{" + cfg.Name + "}" // one slot of a cluster
	s.keys = []string{key + ":calls", key + ":book"}
	return s
}

// budgetHead begins both scripts. KEYS[1] holds the calls in the window, by the
// time in ms at which they were handed out, and the mark at -1. KEYS[2] is the book:
//
//	mark, run, born   the log's mark, the run of the server, when the log began
//	silent            until when the upstream asked for silence
//	c:ID              when the process ID last took a call
//	m:ID, w:ID        ID has written down what it took; ID is waited for
//	p:ID              what ID has of the divided share: now, until; before that, until
//
// A log whose mark is not that of the book, or of this run of the server, has
// forgotten calls and gets a new one. ARGV[1] is this process, ARGV[2] the mark it
// knows, ARGV[3] the window, ARGV[4] the grace.
const budgetHead = `
local calls, book = KEYS[1], KEYS[2]
local id, known, window, grace = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local last = redis.call('ZRANGE', calls, -1, -1, 'WITHSCORES')
if last[2] and tonumber(last[2]) > now + window then
  redis.call('DEL', calls) -- the clock was set back further than a window
elseif last[2] and tonumber(last[2]) > now then
  now = tonumber(last[2])
end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
local mark = redis.call('HGET', book, 'mark')
if not mark or redis.call('HGET', book, 'run') ~= run or not redis.call('ZSCORE', calls, mark) then
  mark = run .. '-' .. t[1] .. '-' .. t[2]
  for _, f in ipairs(redis.call('HKEYS', book)) do
    if string.find(f, '^[mw]:') then redis.call('HDEL', book, f) end
  end
  redis.call('HSET', book, 'mark', mark, 'run', run, 'born', now)
  redis.call('ZREMRANGEBYSCORE', calls, -1, -1)
  redis.call('ZADD', calls, -1, mark)
end
local function keep()
  redis.call('PEXPIRE', calls, window + 86400000)
  redis.call('PEXPIRE', book, window + 86400000)
end
local function complete()
  local age = now - tonumber(redis.call('HGET', book, 'born'))
  if age >= window then return true end
  if age < grace then return false end
  for _, f in ipairs(redis.call('HKEYS', book)) do
    if string.find(f, '^w:') then return false end
  end
  return true
end
local function used()
  redis.call('ZREMRANGEBYSCORE', calls, 0, '(' .. (now - window))
  return redis.call('ZCARD', calls) - 1
end
`

// budgetTake takes a call. ARGV[5] is its name, ARGV[6] how many may be in the log
// before it. It returns what came of it, a number, and how many are in the log.
const budgetTake = `
if mark ~= known then return {'meet', 0, 0} end
local silent = tonumber(redis.call('HGET', book, 'silent') or 0)
if silent > now then return {'silent', silent - now, used()} end
if not complete() then return {'incomplete', 0, used()} end
local open, n = tonumber(ARGV[6]), used()
if open <= 0 then return {'full', window, n} end
if n >= open then
  local leaves = redis.call('ZRANGE', calls, n - open + 1, n - open + 1, 'WITHSCORES')
  return {'full', tonumber(leaves[2]) + window - now + 1, n}
end
redis.call('ZADD', calls, now, ARGV[5])
redis.call('HSET', book, 'c:' .. id, now)
keep()
return {'taken', now, n + 1}
`

// budgetMeet says that this process is alive, and divides. ARGV[5] is how much is
// divided, [6] the lease and [7] when one who is alive was heard last, [8] what
// this process has of it now, [9] how long it knows that silence was asked for,
// [10] 1 when it is leaving, [11] 1 when what it took and knows follows: the number
// of takers, takers, and names and times of calls. It returns 'meet' when that is
// needed, or else 'met', the mark, now, the calls in the log, what this process
// has of the divided share, how many are alive, and the takers.
const budgetMeet = `
if mark ~= known then
  if ARGV[11] ~= '1' then return {'meet'} end
  local first = 13 + tonumber(ARGV[12])
  for i = 13, first - 1 do
    if redis.call('HEXISTS', book, 'm:' .. ARGV[i]) == 0 then redis.call('HSET', book, 'w:' .. ARGV[i], 1) end
  end
  for i = first, #ARGV, 2 do
    redis.call('ZADD', calls, ARGV[i + 1], ARGV[i])
    redis.call('HSET', book, 'c:' .. id, ARGV[i + 1])
  end
  redis.call('HSET', book, 'm:' .. id, 1)
  redis.call('HDEL', book, 'w:' .. id)
end
if tonumber(ARGV[9]) > 0 then
  local silent = tonumber(redis.call('HGET', book, 'silent') or 0)
  redis.call('HSET', book, 'silent', math.max(silent, now + tonumber(ARGV[9])))
end
local pool, lease, alive, held = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local others, n, takers, mine = 0, 1, {}, nil
local all = redis.call('HGETALL', book)
for i = 1, #all, 2 do
  local who = string.sub(all[i], 3)
  if string.find(all[i], '^c:') then
    if tonumber(all[i + 1]) < now - window then redis.call('HDEL', book, all[i]) else takers[#takers + 1] = who end
  elseif string.find(all[i], '^p:') then
    local p = {}
    for v in string.gmatch(all[i + 1], '%d+') do p[#p + 1] = tonumber(v) end
    if who == id then
      mine = p
    else
      local has = 0
      if p[2] + window > now then has = p[1] end
      if p[4] > now then has = math.max(has, p[3]) end
      others = others + has
      if p[2] - lease + alive > now then n = n + 1 end
      if p[2] + window <= now and p[4] <= now then redis.call('HDEL', book, all[i]) end
    end
  end
end
mine = mine or {held, 0, 0, 0}
local share = math.max(0, math.min(math.floor(pool / n), pool - others))
if not complete() then share = math.min(share, held) end
-- Nothing of what it has is given to others before it is known to know.
local has = math.max(share, held)
if has < mine[1] then
  mine[3] = math.max(mine[1], mine[4] > now and mine[3] or 0)
  mine[4] = now + window
end
local ends = now + lease
if ARGV[10] == '1' then ends = now end
redis.call('HSET', book, 'p:' .. id, string.format('%d %d %d %d', has, ends, mine[3], mine[4]))
keep()
local told = {'met', mark, now, used(), share, n}
for _, who in ipairs(takers) do told[#told + 1] = who end
return told
`

// share returns what this process may take in a window without asking Redis.
func (s *sharedBudget) share() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mine > 0 && s.budget.clock().Before(s.leaseEnds) {
		return s.mine
	}
	return min(s.stranger, s.strangers/max(s.alive, 1))
}

// lastUsed returns how many calls were in the log when Redis last told; told is
// false while it is away.
func (s *sharedBudget) lastUsed() (used int, told bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || s.mark == "" {
		return 0, false
	}
	return s.used, true
}

// takeOne takes a call of what is counted in Redis. told is false when Redis does
// not tell, or cannot yet.
func (s *sharedBudget) takeOne(ctx context.Context, refresh bool) (told bool, err error) {
	ctx = context.WithoutCancel(ctx) // what is sent is counted: its caller may as well have it
	for range 2 {
		if s.isDown() {
			return false, nil
		}
		what, number, failed := s.ask(ctx, s.budget.open(s.counted, refresh))
		switch {
		case failed != nil:
			s.gone(ctx, failed)
			return false, nil
		case what == "taken":
			return true, nil
		case what == "full":
			return true, s.budget.exhausted(number)
		case what == "silent":
			return true, silenced(number)
		case what != "meet":
			return false, nil
		}
		if failed := s.introduce(ctx, false); failed != nil {
			s.gone(ctx, failed)
			return false, nil
		}
	}
	return false, nil
}

// ask runs the script that takes, if there are fewer than open in the log.
func (s *sharedBudget) ask(ctx context.Context, open int) (what string, wait time.Duration, err error) {
	s.taking.RLock()
	defer s.taking.RUnlock()
	s.mu.Lock()
	s.sequence++
	sequence, mark := s.sequence, s.mark
	s.mu.Unlock()
	sent := s.budget.clock()
	ctx, cancel := context.WithTimeout(ctx, budgetDeadline)
	defer cancel()
	reply, err := s.take.Run(ctx, s.client, s.keys,
		s.id, mark, s.window.Milliseconds(), budgetGrace.Milliseconds(), s.name(sequence), open).Slice()
	now := s.budget.clock()
	switch {
	case err != nil:
		return "", 0, err
	case len(reply) != 3:
		return "", 0, errBudgetReply
	}
	what, _ = reply[0].(string)
	number, _ := reply[1].(int64)
	used, _ := reply[2].(int64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if what != "meet" {
		s.used, s.usedAt = int(used), now
	}
	if what == "taken" {
		s.remember(takenCall{sequence: sequence, at: number})
		if now.Sub(sent) > budgetDeadline {
			return "late", 0, nil // it may have left its window since
		}
	}
	return what, time.Duration(number) * time.Millisecond, nil
}

// remember notes a call and forgets those that no window holds any more.
func (s *sharedBudget) remember(c takenCall) {
	s.taken = append(s.taken, c)
	s.forget(c.at)
}

func (s *sharedBudget) forget(now int64) {
	old := 0
	for old < len(s.taken) && s.taken[old].at < now-s.window.Milliseconds() {
		old++
	}
	if 2*old >= len(s.taken) { // else the rest would be moved for every call
		s.taken = slices.Delete(s.taken, 0, old)
	}
}

func (s *sharedBudget) name(sequence int64) string {
	return s.id + "-" + strconv.FormatInt(sequence, 36)
}

// introduce lets Redis know of this process, and of what it took if the log has
// forgotten.
func (s *sharedBudget) introduce(ctx context.Context, leaving bool) error {
	met, err := s.beat(ctx, leaving, false)
	if err != nil || met {
		return err
	}
	// Nobody of this process may be taking meanwhile: its call would be missing.
	s.taking.Lock()
	defer s.taking.Unlock()
	_, err = s.beat(ctx, leaving, true)
	return err
}

// beat runs the script that meets; with what this process knows if it is to tell
// it. met is false when that is needed.
func (s *sharedBudget) beat(ctx context.Context, leaving, tell bool) (met bool, err error) {
	silent := s.budget.silence()
	sent := s.budget.clock()
	s.mu.Lock()
	held := 0
	if sent.Before(s.leaseEnds) {
		held = s.mine
	}
	args := []any{
		s.id, s.mark, s.window.Milliseconds(), budgetGrace.Milliseconds(),
		s.divided, budgetLease.Milliseconds(), budgetAlive.Milliseconds(), held, max(silent.Milliseconds(), 0), number(leaving), number(tell),
	}
	if tell {
		args = append(args, len(s.takers))
		for _, id := range s.takers {
			args = append(args, id)
		}
		for _, c := range s.taken {
			args = append(args, s.name(c.sequence), c.at)
		}
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, budgetDeadline)
	defer cancel()
	reply, err := s.meet.Run(ctx, s.client, s.keys, args...).Slice()
	if err != nil {
		return false, err
	}
	if len(reply) == 1 {
		return false, nil
	}
	if len(reply) < 6 {
		return false, errBudgetReply
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mark, _ = reply[1].(string)
	now, _ := reply[2].(int64)
	used, _ := reply[3].(int64)
	mine, _ := reply[4].(int64)
	alive, _ := reply[5].(int64)
	s.forget(now)
	s.used, s.usedAt = int(used), s.budget.clock()
	s.mine, s.alive, s.leaseEnds = int(mine), int(alive), sent.Add(budgetLease)
	s.takers = s.takers[:0]
	for _, id := range reply[6:] {
		if id, ok := id.(string); ok {
			s.takers = append(s.takers, id)
		}
	}
	if s.down {
		s.logger.LogAttrs(ctx, slog.LevelInfo, "Redis counts the calls of the budget again")
	}
	s.down, s.downUntil = false, time.Time{}
	return true, nil
}

// run beats until ctx ends, and takes leave.
func (s *sharedBudget) run(ctx context.Context) {
	ticker := time.NewTicker(budgetBeat)
	defer ticker.Stop()
	for {
		if err := s.introduce(ctx, false); err != nil && ctx.Err() == nil {
			s.gone(ctx, err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			_ = s.introduce(context.WithoutCancel(ctx), true) // or else the share is free when its lease ends
			s.mu.Lock()
			s.leaseEnds = time.Time{}
			s.mu.Unlock()
			return
		}
	}
}

// tell lets Redis know of a silence at once.
func (s *sharedBudget) tell() {
	if s.isDown() {
		return
	}
	ctx := context.Background() // a Pause has none
	if err := s.introduce(ctx, false); err != nil {
		s.gone(ctx, err)
	}
}

func (s *sharedBudget) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.budget.clock().Before(s.downUntil)
}

// gone notes that Redis did not answer, and says so once.
func (s *sharedBudget) gone(ctx context.Context, err error) {
	s.mu.Lock()
	first := !s.down
	s.down, s.downUntil = true, s.budget.clock().Add(budgetRest)
	s.mu.Unlock()
	if first {
		s.logger.LogAttrs(ctx, slog.LevelWarn, "Redis does not count the calls of the budget: going on with a share of them", slog.Any("error", err))
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

var errBudgetReply = errors.New("cache: budget: Redis answered something else")

package checkins

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/redis/go-redis/v9"

	"chargegraph/providers"
)

// Redis keeps check-ins for any number of replicas, on a server that writes what
// it is told to a log. Every change is one script, so that it is in the log whole
// or not at all; all keys share a hash tag, so that a cluster keeps them together.
// A server with replicas loses in a fail-over what they have not got: set
// min-replicas-to-write there, so that it stops taking check-ins before it is alone.
//
//	<prefix>schema          the version of all this
//	<prefix>entry:<id>      hash: version, body (JSON), call (the last update)
//	<prefix>key:<sha256>    the id for which a caller used an idempotency key
//	<prefix>ids             sorted set of all ids
//	<prefix>due             sorted set of ids by when a worker is to look
//	<prefix>done            sorted set of ids by when they were finished
//	<prefix>claims          hash: record key and comment's id, the id of the entry that it is
//	<prefix>aliases         hash: record key, companions (JSON)
//	<prefix>alias-keys      sorted set of the record keys
//	<prefix>changes         channel on which each change is published
type Redis struct {
	client redis.UniversalClient
	cfg    RedisConfig
	prefix string

	checking chan struct{} // holds one while the server is checked
	checked  atomic.Bool
	wait     bool // each write waits until the server's log is on its disk; known when it is checked
}

// RedisConfig configures OpenRedis. The zero value works.
type RedisConfig struct {
	// Prefix stands before all keys. It holds one hash tag. "": DefaultPrefix.
	Prefix string
	// AllowVolatile lets a server pass that may lose what it was told: one
	// without a log, or one that evicts. For trying things out.
	AllowVolatile bool
	// Later lets OpenRedis return though the server cannot be reached: it is checked
	// before the first write, which fails until then.
	Later bool
	// Sync says when a check-in counts as kept. "": SyncAuto.
	Sync   SyncMode
	Logger *slog.Logger // nil: silent
}

// DefaultPrefix is the default of RedisConfig.Prefix.
const DefaultPrefix = "chargegraph:{checkins}:"

// SyncMode says when a write to Redis counts as kept.
type SyncMode string

// The modes. A server with "appendfsync always" has each write on its disk before
// it answers, whatever the mode.
const (
	// SyncAuto waits for the disk (WAITAOF) where the server can say so, Redis 7.2
	// and later, and has another appendfsync than "always". An older server with
	// "everysec" may lose the last second with its power; Open logs that.
	SyncAuto SyncMode = "auto"
	// SyncServer leaves it to the server's appendfsync.
	SyncServer SyncMode = "server"
)

// waitAOF bounds how long a write waits for the server's disk: "everysec" means
// up to two seconds on a busy one.
const waitAOF = 5 * time.Second

// OpenRedis checks that the server behind client keeps what it is told, and
// brings what it finds there up to date. It refuses what a newer chargegraph
// wrote. The client stays the caller's: Close does not close it.
func OpenRedis(ctx context.Context, client redis.UniversalClient, cfg RedisConfig) (*Redis, error) {
	setDefault(&cfg.Prefix, DefaultPrefix)
	setDefault(&cfg.Sync, SyncAuto)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	open, end := strings.IndexByte(cfg.Prefix, '{'), strings.IndexByte(cfg.Prefix, '}')
	if open < 0 || end < open+2 {
		return nil, fmt.Errorf("checkins: redis: Prefix: %q, must hold a hash tag, as in %q", cfg.Prefix, DefaultPrefix)
	}
	if cfg.Sync != SyncAuto && cfg.Sync != SyncServer {
		return nil, fmt.Errorf("checkins: redis: Sync: %q, must be %q or %q", cfg.Sync, SyncAuto, SyncServer)
	}
	s := &Redis{client: client, cfg: cfg, prefix: cfg.Prefix, checking: make(chan struct{}, 1)}
	err := s.check(ctx)
	switch {
	case err == nil:
	case cfg.Later && isAway(err):
		cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "check-ins cannot be kept until their Redis answers", slog.Any("error", err))
	default:
		return nil, fmt.Errorf("checkins: redis: %w", err)
	}
	return s, nil
}

// check finds out, once, whether the server may be written to.
func (s *Redis) check(ctx context.Context) error {
	if s.checked.Load() {
		return nil
	}
	select {
	case s.checking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.checking }()
	if s.checked.Load() {
		return nil
	}
	if err := s.checkDurable(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	s.checked.Store(true)
	return nil
}

// isAway reports whether err is that of a server that could not be reached, or is
// not ready yet. What it says itself, and what is said of it here, is another.
func isAway(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) ||
		redis.HasErrorPrefix(err, "LOADING") || redis.HasErrorPrefix(err, "CLUSTERDOWN")
}

// checkDurable refuses servers that keep nothing: every one of a cluster that
// may come to hold the entries.
func (s *Redis) checkDurable(ctx context.Context) error {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
			return s.checkServer(ctx, c, true)
		})
	}
	return s.checkServer(ctx, s.client, false)
}

func (s *Redis) checkServer(ctx context.Context, c redis.Cmdable, cluster bool) error {
	info := map[string]string{}
	for _, section := range []string{"server", "persistence", "memory"} {
		text, err := c.Info(ctx, section).Result()
		if err != nil {
			return fmt.Errorf("info %s: %w", section, err)
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				info[name] = value
			}
		}
	}
	if !s.cfg.AllowVolatile {
		if info["aof_enabled"] != "1" {
			return errors.New(`the server keeps nothing that a restart would not lose: set "appendonly yes" (and best "appendfsync always") in its configuration`)
		}
		if policy := info["maxmemory_policy"]; strings.HasPrefix(policy, "allkeys-") {
			return fmt.Errorf(`the server throws entries away when its memory is full (maxmemory-policy %s): set "maxmemory-policy noeviction", or give check-ins a server of their own`, policy)
		}
	}
	always := false
	if setting, err := c.ConfigGet(ctx, "appendfsync").Result(); err == nil { // managed servers often refuse; then nobody knows
		always = setting["appendfsync"] == "always"
	}
	switch {
	case always || s.cfg.AllowVolatile || s.cfg.Sync == SyncServer:
	case atLeast(info["redis_version"], 7, 2) && !cluster: // WAITAOF names no key, so that a cluster client cannot send it after its write
		s.wait = true
	default:
		s.cfg.Logger.WarnContext(ctx, `redis may lose the check-ins of its last second: set "appendfsync always"`, slog.String("redis_version", info["redis_version"]))
	}
	return nil
}

// atLeast reports whether a version is major.minor or later.
func atLeast(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return err1 == nil && err2 == nil && (a > major || a == major && b >= minor)
}

// migrate brings what is kept up to date, and notes its version. Replicas may do
// so at once; older ones cannot read what newer ones write, and say so.
func (s *Redis) migrate(ctx context.Context) error {
	key := s.prefix + "schema"
	if err := s.client.SetNX(ctx, key, schemaVersion, 0).Err(); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	version, err := s.client.Get(ctx, key).Int()
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if version > schemaVersion {
		return fmt.Errorf("the check-ins were written by a newer chargegraph (schema %d, this one knows %d); start that one, or restore an export under another prefix", version, schemaVersion)
	}
	if version < 2 { // claims were not written down
		err = each(ctx, s, func(e *Entry) error {
			for _, field := range fields(e) {
				if failed := s.client.HSetNX(ctx, s.prefix+"claims", fmt.Sprint(field), e.ID).Err(); failed != nil {
					return failed
				}
			}
			return nil
		})
		if err == nil {
			err = s.client.Set(ctx, key, schemaVersion, 0).Err()
		}
		if err != nil {
			return fmt.Errorf("schema 2: %w", err)
		}
	}
	return nil
}

// The scripts. Common arguments, in this order:
//
//	KEYS  entry, ids, due, done, claims
//	ARGV  id, version, due or "", done or "", body, channel
const (
	// KEYS[6] is the idempotency key, ARGV[7] and those behind it are claims. It
	// returns the id that is kept for the key, or "taken" when another caller's
	// entry has the id, or "claimed".
	putScript = `
local kept = redis.call('GET', KEYS[6])
if kept then return kept end
if redis.call('EXISTS', KEYS[1]) == 1 then return 'taken' end
local first = 7` + claimLines + `
redis.call('SET', KEYS[6], ARGV[1])
redis.call('ZADD', KEYS[2], 0, ARGV[1])` + writeLines + `
return ARGV[1]`
	// ARGV[7] is the version that is to be replaced, ARGV[8] names the call, those
	// behind are claims. It returns "ok", "stale", "none" or "claimed". A call that the client sent twice, for want
	// of an answer, is ok.
	updateScript = `
local kept = redis.call('HGET', KEYS[1], 'version')
if not kept then return 'none' end
if kept ~= ARGV[7] then
  if redis.call('HGET', KEYS[1], 'call') == ARGV[8] then return 'ok' end
  return 'stale'
end
local first = 9` + claimLines + `
redis.call('HSET', KEYS[1], 'call', ARGV[8])` + writeLines + `
return 'ok'`
	claimLines = `
for i = first, #ARGV do
  local holder = redis.call('HGET', KEYS[5], ARGV[i])
  if holder and holder ~= ARGV[1] then return 'claimed' end
end
for i = first, #ARGV do redis.call('HSET', KEYS[5], ARGV[i], ARGV[1]) end`
	writeLines = `
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'body', ARGV[5])
if ARGV[3] == '' then redis.call('ZREM', KEYS[3], ARGV[1]) else redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1]) end
if ARGV[4] == '' then redis.call('ZREM', KEYS[4], ARGV[1]) else redis.call('ZADD', KEYS[4], ARGV[4], ARGV[1]) end
redis.call('PUBLISH', ARGV[6], ARGV[5])`
	// KEYS: entry, ids, due, done, claims, idempotency key; ARGV: id, version, claims.
	pruneScript = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1], KEYS[6])
for i = 3, #ARGV do redis.call('HDEL', KEYS[5], ARGV[i]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1`
	// KEYS: aliases, alias-keys; ARGV: record key and companions by turns.
	aliasScript = `
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i+1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i+1])
    redis.call('ZADD', KEYS[2], 0, ARGV[i])
  end
end
return 0`
)

// run runs a script that writes, and waits for the server's disk where that is
// asked for: on the same connection, since the server waits for what that wrote.
func (s *Redis) run(ctx context.Context, text string, keys []string, args ...any) (any, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	script := redis.NewScript(text)
	if !s.wait {
		return script.Run(ctx, s.client, keys, args...).Result()
	}
	for loaded := false; ; loaded = true {
		pipe := s.client.Pipeline()
		answer := script.EvalSha(ctx, pipe, keys, args...)
		flushed := pipe.Do(ctx, "WAITAOF", 1, 0, waitAOF.Milliseconds())
		_, _ = pipe.Exec(ctx) // each command has its own error
		err := answer.Err()
		if redis.HasErrorPrefix(err, "NOSCRIPT") && !loaded {
			if err = script.Load(ctx, s.client).Err(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		disks, err := flushed.Int64Slice()
		if err != nil {
			return nil, fmt.Errorf("wait for the disk: %w", err)
		}
		if len(disks) == 0 || disks[0] < 1 {
			return nil, fmt.Errorf("the server's disk did not follow within %v", waitAOF)
		}
		return answer.Result()
	}
}

func (s *Redis) entryKey(id string) string { return s.prefix + "entry:" + id }

// keyKey is where the id is under which caller used key: a hash, so that no
// length and no character of theirs matters.
func (s *Redis) keyKey(caller, key string) string {
	sum := sha256.Sum256([]byte(caller + "\x00" + key))
	return s.prefix + "key:" + hex.EncodeToString(sum[:])
}

func (s *Redis) keys(id string, more ...string) []string {
	return append([]string{s.entryKey(id), s.prefix + "ids", s.prefix + "due", s.prefix + "done", s.prefix + "claims"}, more...)
}

// args are the arguments that the scripts have in common.
func (s *Redis) args(e *Entry) ([]any, error) {
	body, err := encode(e)
	if err != nil {
		return nil, err
	}
	return []any{e.ID, e.Version, score(e.dueAt()), score(e.doneAt()), body, s.prefix + "changes"}, nil
}

// fields names what e claims in the hash of claims.
func fields(e *Entry) []any {
	var all []any
	for _, c := range e.claims() {
		all = append(all, string(c.record)+"\x00"+c.externalID) // a key holds no NUL
	}
	return all
}

func score(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

// Put is that of Store.
func (s *Redis) Put(ctx context.Context, e *Entry) (kept *Entry, created bool, err error) {
	args, err := s.args(e)
	if err != nil {
		return nil, false, err
	}
	args = append(args, fields(e)...)
	for range maxStale {
		answer, err := s.run(ctx, putScript, s.keys(e.ID, s.keyKey(e.Caller, e.Key)), args...)
		if err != nil {
			return nil, false, fmt.Errorf("checkins: redis: put: %w", err)
		}
		switch answer {
		case e.ID: // also when the client had to send it twice
			return e, true, nil
		case "taken":
			return nil, false, ErrTaken
		case "claimed":
			return nil, false, ErrClaimed
		}
		id, ok := answer.(string)
		if !ok {
			return nil, false, errors.New("checkins: redis: put: an answer that is no id")
		}
		kept, err = s.Get(ctx, id)
		if !errors.Is(err, ErrNotFound) { // else it was pruned at this very moment
			return kept, false, err
		}
	}
	return nil, false, fmt.Errorf("checkins: redis: put: %w", ErrStale)
}

// Update is that of Store.
func (s *Redis) Update(ctx context.Context, e *Entry, was int64) error {
	args, err := s.args(e)
	if err != nil {
		return err
	}
	answer, err := s.run(ctx, updateScript, s.keys(e.ID), slices.Concat(args, []any{was, rand.Text()}, fields(e))...)
	switch {
	case err != nil:
		return fmt.Errorf("checkins: redis: update: %w", err)
	case answer == "none":
		return ErrNotFound
	case answer == "stale":
		return ErrStale
	case answer == "claimed":
		return ErrClaimed
	}
	return nil
}

// Get is that of Store.
func (s *Redis) Get(ctx context.Context, id string) (*Entry, error) {
	body, err := s.client.HGet(ctx, s.entryKey(id), "body").Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("checkins: redis: get: %w", err)
	}
	return decode(body)
}

// ByKey is that of Store.
func (s *Redis) ByKey(ctx context.Context, caller, key string) (*Entry, error) {
	id, err := s.client.Get(ctx, s.keyKey(caller, key)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("checkins: redis: get by key: %w", err)
	}
	return s.Get(ctx, id)
}

// Page is that of Store.
func (s *Redis) Page(ctx context.Context, after string, limit int) ([]*Entry, error) {
	for {
		ids, err := s.client.ZRangeByLex(ctx, s.prefix+"ids", behind(after, limit)).Result()
		if err != nil || len(ids) == 0 {
			return nil, wrapped(err, "page")
		}
		bodies, err := s.bodies(ctx, ids)
		if err != nil {
			return nil, err
		}
		var page []*Entry
		for _, body := range bodies {
			e, err := decode(body)
			if err != nil {
				return nil, err
			}
			page = append(page, e)
		}
		if len(page) > 0 {
			return page, nil
		}
		after = ids[len(ids)-1] // all of them were pruned at this very moment
	}
}

// behind is the range of members after one.
func behind(after string, limit int) *redis.ZRangeBy {
	r := &redis.ZRangeBy{Min: "-", Max: "+", Count: int64(limit)}
	if after != "" {
		r.Min = "(" + after
	}
	return r
}

// bodies returns the entries with these ids that are there.
func (s *Redis) bodies(ctx context.Context, ids []string) ([][]byte, error) {
	answers := make([]*redis.StringCmd, len(ids))
	_, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, id := range ids {
			answers[i] = pipe.HGet(ctx, s.entryKey(id), "body")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, wrapped(err, "read")
	}
	var bodies [][]byte
	for _, answer := range answers {
		body, err := answer.Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return nil, wrapped(err, "read")
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

func wrapped(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("checkins: redis: %s: %w", doing, err)
}

// Due is that of Store.
func (s *Redis) Due(ctx context.Context, now time.Time, limit int) (due []string, next time.Time, err error) {
	found, err := s.client.ZRangeWithScores(ctx, s.prefix+"due", 0, int64(limit)).Result()
	if err != nil {
		return nil, time.Time{}, wrapped(err, "due")
	}
	for _, z := range found {
		at := time.UnixMilli(int64(z.Score)).UTC()
		if at.After(now) || len(due) == limit {
			next = at
			break
		}
		id, ok := z.Member.(string)
		if !ok {
			return nil, time.Time{}, errors.New("checkins: redis: due: a member that is no id")
		}
		due = append(due, id)
	}
	return due, next, nil
}

// Prune is that of Store.
func (s *Redis) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	ids, err := s.client.ZRangeByScore(ctx, s.prefix+"done", &redis.ZRangeBy{
		Min: "-inf", Max: "(" + strconv.FormatInt(before.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	if err != nil {
		return 0, wrapped(err, "prune")
	}
	n := 0
	for _, id := range ids {
		e, err := s.Get(ctx, id)
		if errors.Is(err, ErrNotFound) { // another replica prunes as well
			continue
		}
		if err != nil {
			return n, err
		}
		if done := e.doneAt(); done.IsZero() || !done.Before(before) { // its submitter has just retried it
			continue
		}
		gone, err := s.run(ctx, pruneScript, s.keys(id, s.keyKey(e.Caller, e.Key)), append([]any{id, e.Version}, fields(e)...)...)
		if err != nil {
			return n, wrapped(err, "prune")
		}
		if gone == int64(1) {
			n++
		}
	}
	return n, nil
}

// quiet is how long a feed may say nothing before it is asked whether it is still
// there.
const quiet = 15 * time.Second

// Watch is that of Store.
func (s *Redis) Watch(ctx context.Context, joined func(), changed func(*Entry)) error {
	pubsub := s.client.Subscribe(ctx, s.prefix+"changes")
	// Receiving does not look at ctx while it waits; closing ends it.
	stop := context.AfterFunc(ctx, func() { _ = pubsub.Close() })
	defer func() {
		if stop() {
			_ = pubsub.Close()
		}
	}()
	asked := false
	for {
		message, err := pubsub.ReceiveTimeout(ctx, quiet)
		if ctx.Err() != nil {
			return nil // ended by the caller, as it wished
		}
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() && !asked {
			asked = true
			err = pubsub.Ping(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return wrapped(err, "watch")
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription:
			joined() // again after the client had to connect anew
		case *redis.Message:
			e, err := decode([]byte(m.Payload))
			if err != nil {
				return fmt.Errorf("checkins: redis: watch: %w", err)
			}
			changed(e)
		}
	}
}

// RememberAliases is that of Aliases.
func (s *Redis) RememberAliases(ctx context.Context, aliases ...Alias) error {
	var args []any
	for chunk := range slices.Chunk(aliases, pageSize) {
		args = args[:0]
		for _, a := range chunk {
			companions, err := json.Marshal(a.Companions)
			if err != nil {
				return fmt.Errorf("checkins: companions of %s: %w", a.Key, err)
			}
			args = append(args, string(a.Key), companions)
		}
		if _, err := s.run(ctx, aliasScript, []string{s.prefix + "aliases", s.prefix + "alias-keys"}, args...); err != nil {
			return wrapped(err, "remember aliases")
		}
	}
	return nil
}

// Resolve is that of Aliases.
func (s *Redis) Resolve(ctx context.Context, key providers.Key) (companions []providers.Key, ok bool, err error) {
	text, err := s.client.HGet(ctx, s.prefix+"aliases", string(key)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, false, nil
	case err != nil:
		return nil, false, wrapped(err, "resolve")
	}
	if companions, err = readCompanions(text); err != nil {
		return nil, false, err
	}
	return companions, true, nil
}

// AliasPage is that of Aliases.
func (s *Redis) AliasPage(ctx context.Context, after providers.Key, limit int) ([]Alias, error) {
	keys, err := s.client.ZRangeByLex(ctx, s.prefix+"alias-keys", behind(string(after), limit)).Result()
	if err != nil || len(keys) == 0 {
		return nil, wrapped(err, "aliases")
	}
	texts, err := s.client.HMGet(ctx, s.prefix+"aliases", keys...).Result()
	if err != nil {
		return nil, wrapped(err, "aliases")
	}
	page := make([]Alias, len(keys))
	for i, text := range texts {
		text, ok := text.(string)
		if !ok {
			return nil, fmt.Errorf("checkins: redis: aliases: %s has no companions", keys[i])
		}
		page[i].Key = providers.Key(keys[i])
		if page[i].Companions, err = readCompanions([]byte(text)); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// Close is that of Store: nothing is left to do, and the client is the caller's.
func (s *Redis) Close() error { return nil }

package checkins

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"modernc.org/sqlite" // the driver, too
	sqlite3 "modernc.org/sqlite/lib"

	"chargegraph/providers"
)

// SQLite keeps check-ins in one file, for one server process; a person on duty
// may open it beside the server. Its writes are durable when they return.
//
// One connection writes. Whoever comes while it commits waits in a queue, and
// the whole queue goes into the next transaction: sixteen callers at once pay
// for one flush to the disk, and a single one does not wait for company.
type SQLite struct {
	read    *sql.DB
	write   *sql.DB
	conn    *sql.Conn // the one that writes
	queue   chan *write
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when run has ended
	close   sync.Once

	mu       sync.RWMutex
	watchers map[*watcher]struct{}
}

type watcher struct{ changed func(*Entry) }

// write is one change on its way to the disk.
type write struct {
	ctx     context.Context //nolint:containedctx // the caller's, while it waits: who has gone is not written for
	do      func(*statements) error
	changed *Entry      // what watchers are told; nil: nothing
	left    atomic.Bool // the caller has gone, or has been answered: whoever sets it decides
	done    chan error
}

const (
	// maxBatch bounds a transaction: what a burst of callers queues up is some
	// hundreds, and a commit should not take long.
	maxBatch = 256
	// busyTimeout is how long a write waits for another process that holds the
	// file, before it is an error.
	busyTimeout = 5 * time.Second
	// readers is how many reads run at once.
	readers = 4
)

// migrations take a file from the version of their index to the next. They are
// only ever added to.
func migrations() []string {
	return []string{
		`
		CREATE TABLE entries (
			id       TEXT PRIMARY KEY,
			caller   TEXT NOT NULL,
			key      TEXT NOT NULL,
			version  INTEGER NOT NULL,
			due      INTEGER, -- milliseconds since 1970; NULL: nothing to do
			done     INTEGER, -- milliseconds since 1970; NULL: not finished
			body     BLOB NOT NULL,
			UNIQUE (caller, key)
		) STRICT, WITHOUT ROWID;
		CREATE INDEX entries_due ON entries (due) WHERE due IS NOT NULL;
		CREATE INDEX entries_done ON entries (done) WHERE done IS NOT NULL;
		CREATE TABLE aliases (
			key        TEXT PRIMARY KEY,
			companions TEXT NOT NULL -- JSON, best first
		) STRICT, WITHOUT ROWID;`,
		`
		CREATE TABLE claims ( -- comments of providers that are known to be entries
			record   TEXT NOT NULL,
			external TEXT NOT NULL,
			entry    TEXT NOT NULL,
			PRIMARY KEY (record, external)
		) STRICT, WITHOUT ROWID;
		CREATE INDEX claims_entry ON claims (entry);
		CREATE TRIGGER entries_gone AFTER DELETE ON entries BEGIN
			DELETE FROM claims WHERE entry = old.id;
		END;
		INSERT OR IGNORE INTO claims
			SELECT json_extract(t.value, '$.record'), json_extract(t.value, '$.externalId'), entries.id
			FROM entries, json_each(CAST(entries.body AS TEXT), '$.targets') AS t
			WHERE json_extract(t.value, '$.externalId') IS NOT NULL ORDER BY entries.id;`,
	}
}

// OpenSQLite opens the file at path, and makes it, readable by its owner alone,
// where there is none. It brings an older file up to date and refuses a newer
// one. Close ends what it starts.
func OpenSQLite(ctx context.Context, path string) (*SQLite, error) {
	if path == "" || strings.Contains(path, ":memory:") {
		return nil, errors.New("checkins: sqlite: path: must name a file; memory keeps nothing")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("checkins: sqlite: path: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("checkins: sqlite: %w", err)
	}
	if err = file.Close(); err != nil {
		return nil, fmt.Errorf("checkins: sqlite: %w", err)
	}
	s := &SQLite{
		queue: make(chan *write, maxBatch), closing: make(chan struct{}), stopped: make(chan struct{}),
		watchers: map[*watcher]struct{}{},
	}
	if err = s.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("checkins: sqlite: open %s: %w", path, explained(err)), s.closeDB())
	}
	stmts, err := prepare(ctx, s.conn)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("checkins: sqlite: open %s: %w", path, explained(err)), s.closeDB())
	}
	stmts.ctx = context.WithoutCancel(ctx)
	go s.run(stmts)
	return s, nil
}

// explained says what a person can do about an error of the database.
func explained(err error) error {
	if failed, ok := errors.AsType[*sqlite.Error](err); ok && failed.Code()&0xff == sqlite3.SQLITE_BUSY { // the rest of the code says more
		return fmt.Errorf("another program has held the file for %v; let it finish, and try again: %w", busyTimeout, err)
	}
	return err
}

func (s *SQLite) open(ctx context.Context, path string) error {
	dsn := (&url.URL{Scheme: "file", Path: path}).String()
	busy := fmt.Sprintf("_pragma=busy_timeout(%d)", busyTimeout.Milliseconds())
	var err error
	// synchronous=FULL flushes the log with each commit: NORMAL loses the last
	// ones with the power.
	if s.write, err = sql.Open("sqlite", dsn+"?"+busy+"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.conn, err = s.write.Conn(ctx); err != nil {
		return err
	}
	var mode string
	if err = s.conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system allows no write-ahead log (journal mode %q); keep the file on a local disk", mode)
	}
	if err = s.migrate(ctx); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dsn+"?"+busy+"&_pragma=query_only(1)"); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	return s.read.PingContext(ctx)
}

// migrate applies what the file has not seen yet, all of it or nothing.
func (s *SQLite) migrate(ctx context.Context) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := s.migrateLocked(ctx)
	if err != nil {
		_, rollback := s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, rollback)
	}
	_, err = s.conn.ExecContext(ctx, "COMMIT")
	return err
}

func (s *SQLite) migrateLocked(ctx context.Context) error {
	var version int
	if err := s.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	steps := migrations()
	if version > len(steps) {
		return fmt.Errorf("the file was written by a newer chargegraph (schema %d, this one knows %d); start that one, or restore an export into a new file", version, len(steps))
	}
	for i, step := range steps[version:] {
		if _, err := s.conn.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("migration to schema %d: %w", version+i+1, err)
		}
	}
	_, err := s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(steps)))
	return err
}

// statements are the prepared statements of the writing connection.
type statements struct {
	ctx                                                        context.Context //nolint:containedctx // that of the connection, for as long as it writes
	begin, commit, rollback, insert, byKey, update, get, alias *sql.Stmt
	prune, claimed, claim                                      *sql.Stmt
}

func prepare(ctx context.Context, conn *sql.Conn) (*statements, error) {
	s := new(statements)
	for text, stmt := range map[string]**sql.Stmt{
		"BEGIN IMMEDIATE": &s.begin,
		"COMMIT":          &s.commit,
		"ROLLBACK":        &s.rollback,
		"INSERT INTO entries (id, caller, key, version, due, done, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING":                                    &s.insert,
		"SELECT body FROM entries WHERE caller = ? AND key = ?":                                                                                                  &s.byKey,
		"UPDATE entries SET version = ?, due = ?, done = ?, body = ? WHERE id = ? AND version = ?":                                                               &s.update,
		"SELECT entry FROM claims WHERE record = ? AND external = ? AND entry <> ?":                                                                              &s.claimed,
		"INSERT OR IGNORE INTO claims (record, external, entry) VALUES (?, ?, ?)":                                                                                &s.claim,
		"SELECT version FROM entries WHERE id = ?":                                                                                                               &s.get,
		"DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE done < ? ORDER BY done LIMIT ?)":                                                          &s.prune,
		"INSERT INTO aliases (key, companions) VALUES (?, ?) ON CONFLICT DO UPDATE SET companions = excluded.companions WHERE companions <> excluded.companions": &s.alias,
	} {
		var err error
		if *stmt, err = conn.PrepareContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	return s, nil
}

func execute(ctx context.Context, stmt *sql.Stmt, args ...any) (int64, error) {
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// run writes until Close, and then what is in the queue.
func (s *SQLite) run(stmts *statements) {
	defer close(s.stopped)
	for {
		select {
		case w := <-s.queue:
			s.commit(stmts, s.gather(w))
		case <-s.closing:
			select {
			case w := <-s.queue:
				s.commit(stmts, s.gather(w))
			default:
				return
			}
		}
	}
}

// gather returns first and what else waits.
func (s *SQLite) gather(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch as one transaction and tells everyone how it ended.
func (s *SQLite) commit(stmts *statements, batch []*write) {
	results := make([]error, len(batch))
	err := transact(stmts, batch, results)
	for i, w := range batch {
		if err != nil {
			results[i] = fmt.Errorf("checkins: sqlite: write: %w", explained(err))
		}
		if w.left.CompareAndSwap(false, true) {
			w.done <- results[i]
			continue
		}
		_ = s.written(w, results[i]) // nobody waits for the error
	}
}

// transact fills in what each write came to. Its own error is that of the
// database: then nothing at all was written.
func transact(stmts *statements, batch []*write, results []error) error {
	if _, err := execute(stmts.ctx, stmts.begin); err != nil {
		return err
	}
	for i, w := range batch {
		if err := w.ctx.Err(); err != nil {
			results[i] = fmt.Errorf("checkins: sqlite: %w", err)
			continue
		}
		err := w.do(stmts)
		if errors.Is(err, ErrStale) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrTaken) || errors.Is(err, ErrClaimed) {
			results[i] = err // this one's own affair: it has written nothing
			continue
		}
		if err != nil {
			_, rollback := execute(stmts.ctx, stmts.rollback)
			_ = rollback // the database has mostly done it itself; the next BEGIN says what is wrong
			return err
		}
	}
	if _, err := execute(stmts.ctx, stmts.commit); err != nil {
		_, rollback := execute(stmts.ctx, stmts.rollback)
		_ = rollback
		return err
	}
	return nil
}

// errClosed says that the store was closed.
var errClosed = errors.New("checkins: the store is closed")

// do hands a change to the writing connection and waits until it is durable.
// When ctx ends first it may become so all the same.
func (s *SQLite) do(ctx context.Context, w *write) error {
	w.ctx, w.done = ctx, make(chan error, 1)
	select {
	case s.queue <- w:
	case <-s.closing:
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("checkins: sqlite: %w", ctx.Err())
	}
	select {
	case err := <-w.done:
		return s.written(w, err)
	case <-ctx.Done():
		if w.left.CompareAndSwap(false, true) {
			return fmt.Errorf("checkins: sqlite: %w", ctx.Err())
		}
		return s.written(w, <-w.done) // it has just been written
	case <-s.stopped:
	}
	select {
	case err := <-w.done: // written just before the end
		return s.written(w, err)
	default:
		return errClosed
	}
}

// written tells the watchers of what was written. Whoever wrote does so, and not
// the one connection, on which everyone waits, unless its caller has gone.
func (s *SQLite) written(w *write, err error) error {
	if err == nil && w.changed != nil {
		s.mu.RLock()
		watchers := slices.Collect(maps.Keys(s.watchers))
		s.mu.RUnlock()
		for _, watcher := range watchers {
			watcher.changed(w.changed)
		}
	}
	return err
}

// Put is that of Store.
func (s *SQLite) Put(ctx context.Context, e *Entry) (kept *Entry, created bool, err error) {
	body, err := encode(e)
	if err != nil {
		return nil, false, err
	}
	var earlier []byte
	w := &write{changed: e}
	w.do = func(stmts *statements) error {
		failed := stmts.free(e)
		if failed != nil {
			return failed
		}
		n, failed := execute(stmts.ctx, stmts.insert, e.ID, e.Caller, e.Key, e.Version, millis(e.dueAt()), millis(e.doneAt()), body)
		if failed == nil && n == 1 {
			return stmts.hold(e)
		}
		if failed != nil {
			return failed
		}
		w.changed = nil
		failed = stmts.byKey.QueryRowContext(stmts.ctx, e.Caller, e.Key).Scan(&earlier)
		if errors.Is(failed, sql.ErrNoRows) {
			return ErrTaken
		}
		return failed
	}
	if err = s.do(ctx, w); err != nil {
		return nil, false, err
	}
	if earlier == nil {
		return e, true, nil
	}
	kept, err = decode(earlier)
	return kept, false, err
}

// Update is that of Store.
func (s *SQLite) Update(ctx context.Context, e *Entry, was int64) error {
	body, err := encode(e)
	if err != nil {
		return err
	}
	return s.do(ctx, &write{changed: e, do: func(stmts *statements) error {
		if err := stmts.free(e); err != nil {
			return err
		}
		n, err := execute(stmts.ctx, stmts.update, e.Version, millis(e.dueAt()), millis(e.doneAt()), body, e.ID, was)
		if err == nil && n == 1 {
			return stmts.hold(e)
		}
		if err != nil {
			return err
		}
		var version int64
		err = stmts.get.QueryRowContext(stmts.ctx, e.ID).Scan(&version)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNotFound
		case err != nil:
			return err
		}
		return ErrStale
	}})
}

// free returns ErrClaimed when one of the comments that e claims is another's.
func (s *statements) free(e *Entry) error {
	for _, c := range e.claims() {
		var other string
		err := s.claimed.QueryRowContext(s.ctx, string(c.record), c.externalID, e.ID).Scan(&other)
		switch {
		case err == nil:
			return ErrClaimed
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
	}
	return nil
}

// hold notes what e claims.
func (s *statements) hold(e *Entry) error {
	for _, c := range e.claims() {
		if _, err := execute(s.ctx, s.claim, string(c.record), c.externalID, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// millis is t as a column holds it: NULL for the zero time.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Get is that of Store.
func (s *SQLite) Get(ctx context.Context, id string) (*Entry, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT body FROM entries WHERE id = ?", id))
}

// ByKey is that of Store.
func (s *SQLite) ByKey(ctx context.Context, caller, key string) (*Entry, error) {
	return one(s.read.QueryRowContext(ctx, "SELECT body FROM entries WHERE caller = ? AND key = ?", caller, key))
}

func one(row *sql.Row) (*Entry, error) {
	var body []byte
	err := row.Scan(&body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("checkins: sqlite: read: %w", err)
	}
	return decode(body)
}

// Page is that of Store.
func (s *SQLite) Page(ctx context.Context, after string, limit int) ([]*Entry, error) {
	return rows(ctx, s.read, func(scan func(...any) error) (*Entry, error) {
		var body []byte
		if err := scan(&body); err != nil {
			return nil, err
		}
		return decode(body)
	}, "SELECT body FROM entries WHERE id > ? ORDER BY id LIMIT ?", after, limit)
}

// rows collects what read makes of each row.
func rows[T any](ctx context.Context, db *sql.DB, read func(scan func(...any) error) (T, error), query string, args ...any) (all []T, err error) {
	found, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("checkins: sqlite: read: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		v, err := read(found.Scan)
		if err != nil {
			return nil, fmt.Errorf("checkins: sqlite: read: %w", err)
		}
		all = append(all, v)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("checkins: sqlite: read: %w", err)
	}
	return all, nil
}

// Due is that of Store.
func (s *SQLite) Due(ctx context.Context, now time.Time, limit int) (due []string, next time.Time, err error) {
	type row struct {
		id string
		at int64
	}
	found, err := rows(ctx, s.read, func(scan func(...any) error) (r row, err error) {
		return r, scan(&r.id, &r.at)
	}, "SELECT id, due FROM entries WHERE due IS NOT NULL ORDER BY due LIMIT ?", limit+1)
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, r := range found {
		if r.at > now.UnixMilli() || len(due) == limit {
			next = time.UnixMilli(r.at).UTC()
			break
		}
		due = append(due, r.id)
	}
	return due, next, nil
}

// Prune is that of Store.
func (s *SQLite) Prune(ctx context.Context, before time.Time, limit int) (int, error) {
	var n int64
	err := s.do(ctx, &write{do: func(stmts *statements) (err error) {
		n, err = execute(stmts.ctx, stmts.prune, before.UnixMilli(), limit)
		return err
	}})
	if err != nil {
		return 0, err // n may still be written to
	}
	return int(n), nil
}

// Watch is that of Store. What another process does to the file is not seen.
func (s *SQLite) Watch(ctx context.Context, joined func(), changed func(*Entry)) error {
	w := &watcher{changed: changed}
	s.mu.Lock()
	s.watchers[w] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, w)
		s.mu.Unlock()
	}()
	joined()
	select {
	case <-ctx.Done():
		return nil
	case <-s.stopped:
		return errClosed
	}
}

// RememberAliases is that of Aliases. What is there already costs a read.
func (s *SQLite) RememberAliases(ctx context.Context, aliases ...Alias) error {
	type row struct {
		key        providers.Key
		companions []byte
	}
	var fresh []row
	for _, a := range aliases {
		kept, ok, err := s.Resolve(ctx, a.Key)
		if err != nil {
			return err
		}
		if ok && slices.Equal(kept, a.Companions) {
			continue
		}
		companions, err := json.Marshal(a.Companions)
		if err != nil {
			return fmt.Errorf("checkins: companions of %s: %w", a.Key, err)
		}
		fresh = append(fresh, row{a.Key, companions})
	}
	if len(fresh) == 0 {
		return nil
	}
	return s.do(ctx, &write{do: func(stmts *statements) error {
		for _, r := range fresh {
			if _, err := execute(stmts.ctx, stmts.alias, string(r.key), string(r.companions)); err != nil {
				return err
			}
		}
		return nil
	}})
}

// Resolve is that of Aliases.
func (s *SQLite) Resolve(ctx context.Context, key providers.Key) (companions []providers.Key, ok bool, err error) {
	var text []byte
	err = s.read.QueryRowContext(ctx, "SELECT companions FROM aliases WHERE key = ?", string(key)).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("checkins: sqlite: read: %w", err)
	}
	if companions, err = readCompanions(text); err != nil {
		return nil, false, err
	}
	return companions, true, nil
}

// AliasPage is that of Aliases.
func (s *SQLite) AliasPage(ctx context.Context, after providers.Key, limit int) ([]Alias, error) {
	return rows(ctx, s.read, func(scan func(...any) error) (a Alias, err error) {
		var text []byte
		if err = scan(&a.Key, &text); err != nil {
			return Alias{}, err
		}
		a.Companions, err = readCompanions(text)
		return a, err
	}, "SELECT key, companions FROM aliases WHERE key > ? ORDER BY key LIMIT ?", string(after), limit)
}

// Close is that of Store.
func (s *SQLite) Close() error {
	var err error
	s.close.Do(func() {
		close(s.closing)
		<-s.stopped
		err = s.closeDB()
	})
	return err
}

// closeDB closes what was opened.
func (s *SQLite) closeDB() error {
	var errs []error
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	return errors.Join(errs...)
}

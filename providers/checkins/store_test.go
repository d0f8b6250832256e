package checkins

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

var (
	_ Store = (*SQLite)(nil)
	_ Store = (*Redis)(nil)
)

func TestStore_GivesBackWhatWasPutAlsoAfterAReopening(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			e := newEntry("app", "k")
			put(t, s, e)
			for _, s := range []Store{s, b.open(t)} {
				got, err := s.Get(t.Context(), e.ID)
				if diff := cmp.Diff(e, got); diff != "" || err != nil {
					t.Errorf("Get() = %v, mismatch (-want +got)\n%s", err, diff)
				}
				got, err = s.ByKey(t.Context(), "app", "k")
				if diff := cmp.Diff(e, got); diff != "" || err != nil {
					t.Errorf("ByKey() = %v, mismatch (-want +got)\n%s", err, diff)
				}
			}
			if _, err := s.Get(t.Context(), newID(noon)); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get() of another id = %v, want ErrNotFound", err)
			}
			if _, err := s.ByKey(t.Context(), "app", "other"); !errors.Is(err, ErrNotFound) {
				t.Errorf("ByKey() of another key = %v, want ErrNotFound", err)
			}
		})
	}
}

func TestStore_KeepsOneEntryPerCallerAndKey(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			first := newEntry("app", "k")
			put(t, s, first)
			kept, created, err := s.Put(t.Context(), newEntry("app", "k"))
			if err != nil || created || kept.ID != first.ID {
				t.Errorf("second Put() = %v, created %v, %v; want the first", kept, created, err)
			}
			put(t, s, newEntry("another", "k"))
			put(t, s, newEntry("app\x20k", "")) // no key of one caller is another's
			put(t, s, newEntry("app", "k2"))
			again := newEntry("third", "k")
			again.ID = first.ID
			if _, _, err := s.Put(t.Context(), again); !errors.Is(err, ErrTaken) {
				t.Errorf("Put() with an id that is taken = %v, want ErrTaken", err)
			}
		})
	}
}

func TestStore_CallersWithOneKeyAtOnceGetOneEntry(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			stores := []Store{b.open(t), b.open(t)}
			ids := make([]string, 32)
			created := make([]bool, 32)
			var all sync.WaitGroup
			for i := range ids {
				all.Go(func() {
					kept, new, err := stores[i%2].Put(t.Context(), newEntry("app", "k"))
					if err != nil {
						t.Error(err)
						return
					}
					ids[i], created[i] = kept.ID, new
				})
			}
			all.Wait()
			slices.Sort(ids)
			if n := len(slices.Compact(ids)); n != 1 {
				t.Errorf("%d entries under one key", n)
			}
			if n := len(slices.DeleteFunc(created, func(c bool) bool { return !c })); n != 1 {
				t.Errorf("%d callers were told that theirs was created", n)
			}
		})
	}
}

func TestStore_AnUpdateOfAnOlderVersionIsStale(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			e := newEntry("app", "k")
			put(t, s, e)
			next := finished(e, noon.Add(time.Hour))
			if err := s.Update(t.Context(), next, 1); err != nil {
				t.Fatal(err)
			}
			other := e.clone()
			other.Version = 2
			if err := s.Update(t.Context(), other, 1); !errors.Is(err, ErrStale) {
				t.Errorf("second Update() = %v, want ErrStale", err)
			}
			got, err := s.Get(t.Context(), e.ID)
			if diff := cmp.Diff(next, got); diff != "" || err != nil {
				t.Errorf("Get() = %v, mismatch (-want +got)\n%s", err, diff)
			}
			if err := s.Update(t.Context(), newEntry("app", "none"), 1); !errors.Is(err, ErrNotFound) {
				t.Errorf("Update() of nothing = %v, want ErrNotFound", err)
			}
		})
	}
}

func TestStore_OfManyUpdatesAtOnceNoneIsLost(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			stores := []Store{b.open(t), b.open(t)}
			e := newEntry("app", "k")
			put(t, stores[0], e)
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					for {
						_, err := mutate(t.Context(), stores[i%2], e.ID, noon, func(e *Entry) error {
							e.Targets[0].Blind++
							return nil
						})
						if !errors.Is(err, ErrStale) {
							if err != nil {
								t.Error(err)
							}
							return
						}
					}
				})
			}
			all.Wait()
			got, err := stores[0].Get(t.Context(), e.ID)
			if err != nil || got.Targets[0].Blind != 3+8 || got.Version != 9 {
				t.Errorf("Get() = blind %d, version %d, %v; want 11, 9", got.Targets[0].Blind, got.Version, err)
			}
		})
	}
}

func TestStore_SaysWhatIsDueAndWhenTheNextOneWillBe(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			if due, next, err := s.Due(t.Context(), noon, 5); len(due) != 0 || !next.IsZero() || err != nil {
				t.Errorf("Due() of nothing = %v, %v, %v", due, next, err)
			}
			var want []string
			for i := range 4 {
				e := newEntry("app", fmt.Sprint(i))
				e.Targets[0].Lease = ""
				e.Targets[0].NextAt = noon.Add(time.Duration(3-i) * time.Minute)
				put(t, s, e)
				want = append([]string{e.ID}, want...)
			}
			leased := newEntry("app", "leased")
			leased.Targets[0].LeasedUntil = noon.Add(time.Hour)
			put(t, s, leased)
			put(t, s, finished(newEntry("app", "done"), noon))

			due, next, err := s.Due(t.Context(), noon.Add(time.Minute), 5)
			if diff := cmp.Diff(want[:2], due); diff != "" || !next.Equal(noon.Add(2*time.Minute)) || err != nil {
				t.Errorf("Due() = next %v, %v, mismatch (-want +got)\n%s", next, err, diff)
			}
			due, next, err = s.Due(t.Context(), noon.Add(2*time.Hour), 2)
			if diff := cmp.Diff(want[:2], due); diff != "" || !next.Equal(noon.Add(2*time.Minute)) || err != nil {
				t.Errorf("Due() of two = next %v, %v, mismatch (-want +got)\n%s", next, err, diff)
			}
			if due, next, err = s.Due(t.Context(), noon.Add(2*time.Hour), 9); len(due) != 5 || !next.IsZero() || err != nil {
				t.Errorf("Due() of all = %d, next %v, %v; want 5", len(due), next, err)
			}
		})
	}
}

func TestStore_PagesAllEntriesInTheOrderOfTheirIDs(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			var want []string
			for i := range 7 {
				e := newEntry("app", fmt.Sprint(i))
				e.ID = newID(noon.Add(time.Duration(i) * time.Millisecond))
				put(t, s, e)
				want = append(want, e.ID)
			}
			var got []string
			for after := ""; ; {
				page, err := s.Page(t.Context(), after, 3)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, e := range page {
					got = append(got, e.ID)
				}
				after = got[len(got)-1]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Page() mismatch (-want +got)\n%s", diff)
			}
		})
	}
}

func TestStore_PrunesWhatWasDoneLongAgoAndItsKeyAndNothingElse(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			states := map[string]providers.DeliveryState{
				"pending": providers.DeliveryPending, "failed": providers.DeliveryFailed,
				"unconfirmed": providers.DeliveryUnconfirmed, "delivered": providers.DeliveryDelivered, "rejected": providers.DeliveryRejected,
			}
			ids := map[string]string{}
			for key, state := range states {
				e := newEntry("app", key)
				e.Targets[0].State = state
				put(t, s, e)
				ids[key] = e.ID
			}
			here := newEntry("app", "here alone")
			here.Targets[0] = Target{Provider: providers.Local, Source: local, State: providers.DeliveryDelivered, UpdatedAt: noon}
			put(t, s, here)
			young := newEntry("app", "young")
			put(t, s, finished(young, noon.Add(time.Hour)))

			n, err := s.Prune(t.Context(), noon.Add(time.Hour), 100)
			if n != 2 || err != nil {
				t.Errorf("Prune() = %d, %v; want 2", n, err)
			}
			for _, id := range []string{ids["pending"], ids["failed"], ids["unconfirmed"], here.ID, young.ID} {
				if _, err := s.Get(t.Context(), id); err != nil {
					t.Errorf("Get() of what is to stay = %v", err)
				}
			}
			for _, key := range []string{"delivered", "rejected"} {
				if _, err := s.Get(t.Context(), ids[key]); !errors.Is(err, ErrNotFound) {
					t.Errorf("Get(%s) = %v, want ErrNotFound", key, err)
				}
				put(t, s, newEntry("app", key)) // the key is free again
			}
			if n, err := s.Prune(t.Context(), noon.Add(time.Hour), 100); n != 0 || err != nil {
				t.Errorf("second Prune() = %d, %v", n, err)
			}
		})
	}
}

func TestStore_WatchersHearOfEveryChange(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			ctx, cancel := context.WithCancel(t.Context())
			joined := make(chan struct{}, 4)
			changed := make(chan *Entry, 16)
			ended := make(chan error, 1)
			go func() {
				ended <- s.Watch(ctx, func() { joined <- struct{}{} }, func(e *Entry) { changed <- e })
			}()
			<-joined
			e := newEntry("app", "k")
			put(t, s, e)
			if _, created, err := s.Put(t.Context(), newEntry("app", "k")); created || err != nil {
				t.Fatal("not a repeat")
			}
			next := finished(e, noon)
			if err := s.Update(t.Context(), next, 1); err != nil {
				t.Fatal(err)
			}
			if err := s.Update(t.Context(), next, 1); err == nil && b.name == "SQLite" {
				t.Fatal("not stale")
			}
			for _, want := range []*Entry{e, next} {
				if diff := cmp.Diff(want, <-changed); diff != "" {
					t.Errorf("change mismatch (-want +got)\n%s", diff)
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Watch() = %v", err)
			}
		})
	}
}

func TestStore_RemembersCompanionsForEver(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			if _, ok, err := s.Resolve(t.Context(), "ocm:1"); ok || err != nil {
				t.Errorf("Resolve() of nothing = %v, %v", ok, err)
			}
			first := []Alias{{"ocm:1", []providers.Key{"ocpi:ndw:NL*ABC*1", "plugshare:9~8"}}, {"plugshare:9~8", []providers.Key{"ocm:1"}}}
			for range 2 {
				if err := s.RememberAliases(t.Context(), first...); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.RememberAliases(t.Context(), Alias{"plugshare:9~8", []providers.Key{"ocm:1", "ocpi:ndw:NL*ABC*1"}}); err != nil {
				t.Fatal(err)
			}
			s = b.open(t)
			got, ok, err := s.Resolve(t.Context(), "ocm:1")
			if diff := cmp.Diff(first[0].Companions, got); diff != "" || !ok || err != nil {
				t.Errorf("Resolve() = %v, %v, mismatch (-want +got)\n%s", ok, err, diff)
			}
			want := []Alias{first[0], {"plugshare:9~8", []providers.Key{"ocm:1", "ocpi:ndw:NL*ABC*1"}}}
			page, err := s.AliasPage(t.Context(), "", 10)
			if diff := cmp.Diff(want, page); diff != "" || err != nil {
				t.Errorf("AliasPage() = %v, mismatch (-want +got)\n%s", err, diff)
			}
			if page, err := s.AliasPage(t.Context(), "ocm:1", 1); len(page) != 1 || page[0].Key != "plugshare:9~8" || err != nil {
				t.Errorf("AliasPage() behind the first = %v, %v", page, err)
			}
		})
	}
}

func TestLiving_FollowsCompanionsPastTheDeadAndOutOfCircles(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			if err := s.RememberAliases(t.Context(),
				Alias{"ocm:1", []providers.Key{"ocm:2", "plugshare:1~1"}},
				Alias{"ocm:2", []providers.Key{"ocm:1", "ocm:3"}},
				Alias{"ocm:3", []providers.Key{"ocm:2", "ocm:4"}},
			); err != nil {
				t.Fatal(err)
			}
			alive := func(living ...providers.Key) func(context.Context, providers.Key) (bool, error) {
				return func(_ context.Context, k providers.Key) (bool, error) { return slices.Contains(living, k), nil }
			}
			for _, c := range []struct {
				living []providers.Key
				want   providers.Key
				ok     bool
			}{
				{[]providers.Key{"ocm:4", "plugshare:1~1"}, "plugshare:1~1", true}, // the nearer one
				{[]providers.Key{"ocm:4"}, "ocm:4", true},
				{nil, "", false},
			} {
				if got, ok, err := Living(t.Context(), s, "ocm:1", alive(c.living...)); got != c.want || ok != c.ok || err != nil {
					t.Errorf("Living(%v) = %q, %v, %v; want %q", c.living, got, ok, err, c.want)
				}
			}
			away := errors.New("away")
			if _, _, err := Living(t.Context(), s, "ocm:1", func(context.Context, providers.Key) (bool, error) { return false, away }); !errors.Is(err, away) {
				t.Errorf("Living() while nobody knows = %v", err)
			}
		})
	}
}

func TestList_FindsWhatWaitsForAPerson(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			stuck := newEntry("app", "stuck")
			stuck.Targets[0].State = providers.DeliveryUnconfirmed
			put(t, s, stuck)
			put(t, s, finished(newEntry("app", "done"), noon))
			put(t, s, newEntry("another", "fresh"))
			for _, c := range []struct {
				name   string
				filter Filter
				want   int
			}{
				{"all", Filter{}, 3},
				{"unconfirmed", Filter{Targets: []providers.DeliveryState{providers.DeliveryUnconfirmed}}, 1},
				{"delivered", Filter{States: []providers.CheckInState{providers.CheckInDelivered}}, 1},
				{"of a caller", Filter{Caller: "another"}, 1},
				{"of a site", Filter{Site: "plugshare:9~8"}, 3},
				{"of another site", Filter{Site: "ocm:2"}, 0},
				{"later", Filter{Since: noon.Add(time.Millisecond)}, 0},
				{"at that time", Filter{Since: noon, Before: noon.Add(time.Millisecond)}, 3},
				{"old", Filter{Before: noon}, 0},
				{"two", Filter{Limit: 2}, 2},
			} {
				if got, err := list(t.Context(), s, c.filter); len(got) != c.want || err != nil {
					t.Errorf("All(%s) = %d, %v; want %d", c.name, len(got), err, c.want)
				}
			}
			reopened, err := Reopen(t.Context(), s, stuck.ID, noon.Add(time.Hour))
			if err != nil || reopened.Targets[0].State != providers.DeliveryPending || reopened.Targets[0].Doubt != absencesAfterUnclear {
				t.Errorf("Reopen() = %+v, %v; want it pending, in doubt", reopened, err)
			}
			if _, err := Reopen(t.Context(), s, stuck.ID, noon); !errors.Is(err, ErrNothingToRetry) {
				t.Errorf("second Reopen() = %v", err)
			}
		})
	}
}

func TestTransfer_MovesEverythingBetweenTheStoresAndBack(t *testing.T) {
	needRedis(t)
	both := backends(t)
	from, to := both[0].open(t), both[1].open(t)
	for i := range 210 { // more than a page
		e := newEntry("app", fmt.Sprint(i))
		e.ID = newID(noon.Add(time.Duration(rand.IntN(10)) * time.Millisecond))
		e.Version = int64(1 + i%5)
		if i%3 == 0 {
			e = finished(e, noon)
		}
		put(t, from, e)
	}
	if err := from.RememberAliases(t.Context(), Alias{"ocm:1", []providers.Key{"ocm:2"}}, Alias{"ocm:2", []providers.Key{"ocm:1"}}); err != nil {
		t.Fatal(err)
	}
	export := func(s Store) string {
		var out bytes.Buffer
		if err := Export(t.Context(), s, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	all := export(from)
	for round, want := range []Imported{{New: 210, Aliases: 2}, {Same: 210, Aliases: 2}} {
		if done, err := Import(t.Context(), to, strings.NewReader(all)); done != want || err != nil {
			t.Errorf("Import() %d = %+v, %v; want %+v", round, done, err, want)
		}
	}
	if diff := cmp.Diff(all, export(to)); diff != "" {
		t.Errorf("Export() of the copy mismatch (-want +got)\n%s", diff)
	}
	back := openSQLite(t, filepath.Join(t.TempDir(), "back.db"))
	if _, err := Import(t.Context(), back, strings.NewReader(export(to))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, export(back)); diff != "" {
		t.Errorf("Export() of the copy's copy mismatch (-want +got)\n%s", diff)
	}
	due, _, err := to.Due(t.Context(), noon.Add(time.Hour), 1000)
	if len(due) != 140 || err != nil {
		t.Errorf("Due() of the copy = %d, %v; want 140", len(due), err)
	}
}

func TestImport_TakesTheNewerOfTwoVersions(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			e := newEntry("app", "k")
			put(t, s, e)
			var old bytes.Buffer
			if err := Export(t.Context(), s, &old); err != nil {
				t.Fatal(err)
			}
			next := finished(e, noon)
			if err := s.Update(t.Context(), next, 1); err != nil {
				t.Fatal(err)
			}
			var newer bytes.Buffer
			if err := Export(t.Context(), s, &newer); err != nil {
				t.Fatal(err)
			}
			if done, err := Import(t.Context(), s, &old); done != (Imported{Same: 1}) || err != nil {
				t.Errorf("Import() of an old export = %+v, %v", done, err)
			}
			other := openSQLite(t, filepath.Join(t.TempDir(), "other.db"))
			put(t, other, e)
			if done, err := Import(t.Context(), other, &newer); done != (Imported{Newer: 1}) || err != nil {
				t.Errorf("Import() of a new export = %+v, %v", done, err)
			}
			got, err := other.Get(t.Context(), e.ID)
			if diff := cmp.Diff(next, got); diff != "" || err != nil {
				t.Errorf("Get() = %v, mismatch (-want +got)\n%s", err, diff)
			}
		})
	}
}

func TestImport_NamesTheLineThatItCannotKeep(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	put(t, s, newEntry("app", "k"))
	body, err := encode(newEntry("app", "k")) // the same key, another entry
	if err != nil {
		t.Fatal(err)
	}
	head := `{"format":"chargegraph check-ins","schema":1}` + "\n"
	for text, want := range map[string]string{
		"":                       "line 1: the file is empty",
		`{"format":"something"}`: "line 1: this is no export",
		`{"format":"chargegraph check-ins","schema":3}`: "line 1: the export has schema 3",
		head + "\n{": "line 3: ",
		head + `{}`:  "line 2: must hold either",
		head + `{"alias":{"key":"x","companions":[]}}`:                          "line 2: not a valid record key",
		head + `{"checkIn":{"id":"checkin:1"}}`:                                 "line 2: checkins: read an entry",
		head + `{"checkIn":` + string(body) + `}`:                               "its caller's key is that of",
		head + `{"checkIn":` + strings.Replace(string(body), "{", `{"x":1,`, 1): "line 2: ",
	} {
		if _, err := Import(t.Context(), s, strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Import(%q) = %v, want %q", text, err, want)
		}
	}
}

func TestSQLite_RefusesWhatItCannotKeepThingsIn(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("This is no database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	s, err := OpenSQLite(t.Context(), newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.conn.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"": "must name a file", ":memory:": "memory keeps nothing", dir: "is a directory",
		filepath.Join(dir, "none", "x.db"): "no such file", text: "not a database", newer: "newer chargegraph (schema 99",
	} {
		if s, err := OpenSQLite(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenSQLite(%q) = %v, want %q", path, err, want)
			if err == nil {
				_ = s.Close()
			}
		}
	}
	fine := filepath.Join(dir, "a file? #1 100%.db")
	openSQLite(t, fine)
	if info, err := os.Stat(fine); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v, %v; want its owner's alone", info.Mode(), err)
	}
}

// TestSQLite_AcknowledgesNothingThatItCannotWrite holds that a full disk, a file
// that cannot be written, and one that somebody else has locked are errors, that
// nothing is there afterwards, that reading goes on, and that so does writing
// when the trouble is over.
func TestSQLite_AcknowledgesNothingThatItCannotWrite(t *testing.T) {
	for name, trouble := range map[string]struct{ begin, end, want string }{
		"full disk": {"PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", "full"},
		"read-only": {"PRAGMA query_only = 1", "PRAGMA query_only = 0", "readonly"},
		"locked":    {"PRAGMA busy_timeout = 10", "PRAGMA busy_timeout = 5000", "locked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "checkins.db")
			s := openSQLite(t, path)
			there := newEntry("app", "there")
			put(t, s, there)
			if _, err := s.conn.ExecContext(t.Context(), trouble.begin); err != nil {
				t.Fatal(err)
			}
			unlock := func() {}
			if name == "locked" {
				other := openSQLite(t, path)
				if _, err := other.conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
					t.Fatal(err)
				}
				unlock = func() {
					if _, err := other.conn.ExecContext(t.Context(), "COMMIT"); err != nil {
						t.Fatal(err)
					}
				}
			}
			var refused []*Entry
			for i := range 20 { // some fit into the pages that are there
				e := newEntry("app", fmt.Sprint(i))
				e.Report.Text = strings.Repeat("x", providers.MaxCheckInText)
				if _, created, err := s.Put(t.Context(), e); err != nil {
					refused = append(refused, e)
					if created || !strings.Contains(err.Error(), trouble.want) {
						t.Errorf("Put() = created %v, %v; want %q", created, err, trouble.want)
					}
				}
			}
			if len(refused) == 0 {
				t.Fatal("nothing was refused")
			}
			if _, err := s.Get(t.Context(), there.ID); err != nil {
				t.Errorf("Get() meanwhile = %v", err)
			}
			for _, e := range refused {
				if _, err := s.Get(t.Context(), e.ID); !errors.Is(err, ErrNotFound) {
					t.Errorf("Get() of what was refused = %v", err)
				}
			}
			unlock()
			if _, err := s.conn.ExecContext(t.Context(), trouble.end); err != nil {
				t.Fatal(err)
			}
			put(t, s, refused[0])
		})
	}
}

func TestSQLite_AClosedStoreSaysSo(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "checkins.db"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			e := newEntry("app", fmt.Sprint(i))
			if _, created, err := s.Put(t.Context(), e); created == (err != nil) {
				t.Errorf("Put() = created %v, %v", created, err)
			}
		})
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("Close() = %v", err)
	}
	all.Wait()
	if _, _, err := s.Put(t.Context(), newEntry("app", "late")); !errors.Is(err, errClosed) {
		t.Errorf("Put() = %v", err)
	}
}

func TestSQLite_WhoHasGoneIsNotWrittenFor(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Put(ctx, newEntry("app", "k")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put() = %v", err)
	}
}

func TestSQLite_WatchersHearOfAWriteWhoseCallerHasGone(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
	ctx, cancel := context.WithCancel(t.Context())
	joined, changed, ended := make(chan struct{}), make(chan *Entry, 100), make(chan error, 1)
	go func() { ended <- s.Watch(ctx, func() { close(joined) }, func(e *Entry) { changed <- e }) }()
	<-joined
	for range 50 {
		e := newEntry("app", "k")
		leaving, leave := context.WithCancel(t.Context())
		err := s.do(leaving, &write{changed: e, do: func(*statements) error {
			leave()
			return nil
		}})
		if got := <-changed; got != e || err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("told of %v, %v", got, err)
		}
	}
	cancel()
	if err := <-ended; err != nil || len(changed) != 0 {
		t.Errorf("Watch() = %v, told %d times more", err, len(changed))
	}
}

func TestUpdate_NoTwoEntriesAreOneComment(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			first, second, elsewhere := newEntry("app", "first"), newEntry("app", "second"), newEntry("app", "elsewhere")
			elsewhere.Targets[0].Record = "ocm:2"
			named := func(e *Entry, at time.Time) *Entry {
				c := finished(e, at)
				c.Targets[0].ExternalID = "1000"
				return c
			}
			for _, e := range []*Entry{first, second, elsewhere} {
				put(t, s, e)
			}
			for _, e := range []*Entry{first, elsewhere} { // ids are of one provider's record
				if err := s.Update(t.Context(), named(e, noon), 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Update(t.Context(), named(second, noon), 1); !errors.Is(err, ErrClaimed) {
				t.Errorf("Update() of another to the same comment = %v, want ErrClaimed", err)
			}
			if kept, err := s.Get(t.Context(), second.ID); err != nil || kept.Version != 1 {
				t.Errorf("it changed all the same: %v, %v", kept, err)
			}
			again := named(first, noon)
			again.Version = 3
			if err := s.Update(t.Context(), again, 2); err != nil {
				t.Errorf("Update() of the one that it is = %v", err)
			}
			late := named(newEntry("app", "late"), noon)
			if _, _, err := s.Put(t.Context(), late); !errors.Is(err, ErrClaimed) {
				t.Errorf("Put() of another = %v, want ErrClaimed", err)
			}
			if n, err := s.Prune(t.Context(), noon.Add(time.Hour), 10); n != 2 || err != nil {
				t.Fatalf("Prune() = %d, %v", n, err)
			}
			if err := s.Update(t.Context(), named(second, noon), 1); err != nil {
				t.Errorf("Update() when the first is forgotten = %v", err)
			}
		})
	}
}

// TestOpen_BringsWhatTheFirstVersionWroteUpToDate opens what a store of schema 1
// held, which knew no claims.
func TestOpen_BringsWhatTheFirstVersionWroteUpToDate(t *testing.T) {
	old, wants := finished(newEntry("app", "old"), noon), newEntry("app", "wants it")
	body, err := encode(old)
	if err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, s Store) {
		t.Helper()
		put(t, s, wants)
		stolen := finished(wants, noon)
		stolen.Targets[0].ExternalID = old.Targets[0].ExternalID
		if err := s.Update(t.Context(), stolen, 1); !errors.Is(err, ErrClaimed) {
			t.Errorf("Update() to a comment of an old entry = %v, want ErrClaimed", err)
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "old.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []string{migrations()[0], "PRAGMA user_version = 1"} {
			if _, err = db.ExecContext(t.Context(), step); err != nil {
				t.Fatal(err)
			}
		}
		if _, err = db.ExecContext(t.Context(), "INSERT INTO entries VALUES (?, ?, ?, ?, NULL, ?, ?)", old.ID, old.Caller, old.Key, old.Version, noon.UnixMilli(), body); err != nil {
			t.Fatal(err)
		}
		if err = db.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, openSQLite(t, path))
		if _, err := openSQLite(t, path).Get(t.Context(), old.ID); err != nil { // the second time there is nothing to do
			t.Error(err)
		}
	})
	t.Run("Redis", func(t *testing.T) {
		client := redisClient(t, ownRedis(t))
		s := &Redis{client: client, prefix: DefaultPrefix}
		s.checked.Store(true) // as the first version was
		if _, created, err := s.Put(t.Context(), old); err != nil || !created {
			t.Fatal(err)
		}
		if err := client.Del(t.Context(), DefaultPrefix+"claims").Err(); err != nil {
			t.Fatal(err)
		}
		if err := client.Set(t.Context(), DefaultPrefix+"schema", 1, 0).Err(); err != nil {
			t.Fatal(err)
		}
		opened, err := OpenRedis(t.Context(), client, RedisConfig{})
		if err != nil {
			t.Fatal(err)
		}
		check(t, opened)
		if version, err := client.Get(t.Context(), DefaultPrefix+"schema").Int(); version != schemaVersion || err != nil {
			t.Errorf("schema %d, %v", version, err)
		}
	})
}

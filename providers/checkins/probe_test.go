package checkins

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

func TestWritable_SaysWhetherACheckInWouldBeKept(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s, ok := b.open(t).(Prober)
			if !ok {
				t.Fatal("the store cannot tell")
			}
			for range 2 {
				if err := s.Writable(t.Context()); err != nil {
					t.Errorf("Writable() = %v", err)
				}
			}
		})
	}
	t.Run("a file that may only be read", func(t *testing.T) {
		s := openSQLite(t, filepath.Join(t.TempDir(), "checkins.db"))
		if _, err := s.conn.ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil {
			t.Fatal(err)
		}
		if err := s.Writable(t.Context()); err == nil {
			t.Error("Writable() = nil")
		}
	})
	t.Run("a file that somebody else writes to, and no time", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "checkins.db")
		s, other := openSQLite(t, path), openSQLite(t, path)
		if _, err := other.conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := s.Writable(ctx); err == nil {
			t.Error("Writable() = nil")
		}
		if _, err := other.conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a Redis that is a replica", func(t *testing.T) {
		server := ownRedis(t)
		client := redisClient(t, server)
		s, err := OpenRedis(t.Context(), client, RedisConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if err = client.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1").Err(); err != nil {
			t.Fatal(err)
		}
		if err = s.Writable(t.Context()); err == nil {
			t.Error("Writable() = nil")
		}
	})
	t.Run("a Redis that is full", func(t *testing.T) {
		server := ownRedis(t)
		client := redisClient(t, server)
		s, err := OpenRedis(t.Context(), client, RedisConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if err = client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
			t.Fatal(err)
		}
		if err = s.Writable(t.Context()); err == nil {
			t.Error("Writable() = nil")
		}
	})
	t.Run("the probe leaves what is kept as it is", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "checkins.db")
		s := openSQLite(t, path)
		e := newEntry("app", "k")
		put(t, s, e)
		if err := s.Writable(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := openSQLite(t, path).Get(t.Context(), e.ID) // the file is still of this version
		if diff := cmp.Diff(e, got); diff != "" || err != nil {
			t.Errorf("Get() = %v, mismatch (-want +got)\n%s", err, diff)
		}
	})
}

func TestCount_TellsStatesAndTheOldestThatWaits(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			s := b.open(t)
			got, err := Count(t.Context(), s)
			if err != nil || len(got.States)+len(got.Deliveries) > 0 || !got.Oldest.IsZero() {
				t.Fatalf("Count() of nothing = %+v, %v", got, err)
			}
			put(t, s, finished(newEntry("app", "arrived"), noon.Add(-3*time.Hour)))
			younger := newEntry("app", "younger")
			younger.CreatedAt = noon.Add(-time.Hour)
			put(t, s, younger)
			doubtful := newEntry("app", "doubtful")
			doubtful.CreatedAt = noon.Add(-2 * time.Hour)
			doubtful.Targets[0].State = providers.DeliveryUnconfirmed
			put(t, s, doubtful)
			for range pageSize { // more than one page
				put(t, s, finished(newEntry("app", newID(noon)), noon))
			}
			got, err = Count(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			want := Counts{
				States:     map[providers.CheckInState]int{providers.CheckInDelivered: 1 + pageSize, providers.CheckInDelivering: 2},
				Deliveries: map[providers.DeliveryState]int{providers.DeliveryDelivered: 1 + pageSize, providers.DeliveryPending: 1, providers.DeliveryUnconfirmed: 1},
				Oldest:     noon.Add(-2 * time.Hour),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Count() mismatch (-want +got)\n%s", diff)
			}
		})
	}
}

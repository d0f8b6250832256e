package cache

import (
	"context"
)

// redisKey returns where the value of k lies in Redis.
func (s *Space[V]) redisKey(k Key) string { return s.c.fleet.key(s.kind.Name, s.kind.Version, k) }

// lookUp ends those flights for which Redis has a value that is good enough. Of
// the others, busy are being loaded by another process, and free are ours to
// load.
func (s *Space[V]) lookUp(ctx context.Context, flights []*flight[V]) (free, busy []*flight[V]) {
	// What is found wanting is looked up once more, to be locked, and again if it was replaced meanwhile.
	for round := 0; len(flights) > 0; round++ {
		if round == 4 {
			return append(free, flights...), busy
		}
		asked := s.c.now()
		looks := make([]look, len(flights))
		for i, fl := range flights {
			looks[i] = look{key: s.redisKey(fl.key), slot: fl.key.Slot, seen: fl.seen}
			if fl.key.Slot == "" {
				looks[i].slot = fl.key.Name
			}
		}
		var wanting []*flight[V]
		for i, found := range s.c.fleet.look(ctx, looks) {
			fl := flights[i]
			switch {
			case found.busy:
				busy = append(busy, fl)
			case found.value == nil:
				s.c.counts.redisMisses.Add(1)
				fl.lock = found.lock
				free = append(free, fl)
			case s.accept(fl, found.value, looks[i].key, keeping{asked: asked, stamp: stampOf(found.value), dropped: &fl.dropped}):
				s.c.counts.redisHits.Add(1)
				s.land(fl)
			default:
				fl.seen = stampOf(found.value)
				wanting = append(wanting, fl)
			}
		}
		flights = wanting
	}
	return free, busy
}

// accept gives fl the value that Redis has, if it is good enough. If not, but
// something, memory keeps it for those who would rather have it than nothing.
func (s *Space[V]) accept(fl *flight[V], data []byte, key string, how keeping) bool {
	t, raw, err := unseal(s.kind.Version, data)
	if err != nil || !t.hardUntil.After(how.asked) || t.fetchedAt.UnixNano() < s.c.fleet.trustFrom.Load() || s.c.fleet.isDoomed(key) {
		return false
	}
	value, err := s.kind.Decode(raw)
	if err != nil {
		return false
	}
	e := Entry[V]{Value: value, FetchedAt: t.fetchedAt, SoftUntil: t.softUntil, HardUntil: t.hardUntil}
	s.keep(fl.key, e, how)
	fresh := t.softUntil.After(how.asked)
	if t.fetchedAt.Before(fl.notBefore) || fl.refresh && !fresh {
		return false
	}
	fl.Found = Found[V]{Entry: e, OK: true, State: Hit}
	if !fresh {
		fl.State = Stale
	}
	return true
}

// write returns what writes it to Redis and then releases lock. The encoding is
// done behind, by the worker.
func (s *Space[V]) write(k Key, it *item[V], lock redisLock) op {
	return op{
		key:    s.redisKey(k),
		goneAt: it.HardUntil,
		bytes:  int(it.bytes),
		lock:   lock,
		encode: func(dst []byte) ([]byte, error) {
			raw, err := s.kind.Encode(it.Value)
			if err != nil {
				return dst, err
			}
			return seal(dst, s.kind.Version, it.stamp, times{fetchedAt: it.FetchedAt, softUntil: it.SoftUntil, hardUntil: it.HardUntil}, packed, raw)
		},
	}
}

// release gives the lock of fl back without a value, so that others need not
// wait for its expiry.
func (s *Space[V]) release(fl *flight[V]) {
	if fl.lock.key != "" {
		s.c.fleet.set(op{lock: fl.lock})
	}
}

// absent removes what is held of a key that the upstream does not have (any
// more).
func (s *Space[V]) absent(ctx context.Context, fl *flight[V], processOnly bool) {
	switch {
	case processOnly:
		s.Forget(fl.key)
	case s.held(fl.key.Name) != nil || fl.seen != "":
		s.Drop(ctx, fl.key)
	}
	s.release(fl)
}

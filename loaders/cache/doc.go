// Package cache keeps what sources said, so that a map which pans does not ask
// them again: in the memory of the process, decoded and bounded by bytes, and
// encoded in a Redis that the processes of a fleet share.
//
//	Space.Load ── memory ── has it ───────────────────────────────▶ Hit, or Stale and refreshed behind
//	                │
//	                └ no ── somebody in this process loads it ─────▶ wait for that
//	                         │
//	                         └ no ── Redis ── has it ──────────────▶ Hit, or Stale and refreshed behind
//	                                  │
//	                                  ├ somebody else's lock ──────▶ look again every few ms, until it is there,
//	                                  │                              the lock is free, or LockTTL has passed
//	                                  └ our lock ── load ──────────▶ Miss; into memory at once, into Redis behind
//
// A [Cache] is the room and the way to other processes. A [Space] holds values of
// one [Kind] in it, loaded by key; [Answers] holds finished answers as bytes for
// seconds. A value has two ages: past the soft one it is served and refreshed,
// past the hard one it is gone. What a load brings says how long it lives
// ([Fetched]); which kind of data may live how long is not decided here.
//
// # Redis is a copy
//
// Nothing is lost with Redis, and nobody waits for it for long. Each look has a
// deadline; after three failures in a row it is not asked at all until a PING
// from behind succeeds. Values are written behind, from a bounded queue; a Redis
// that is full is read and not written. What lies there carries the version of
// its encoding and a checksum: anything else is a miss. Each of these changes is
// one line in the log.
//
// What the licence keeps in this process (ProcessOnly) reaches Redis in no form:
// not as a value, a key or a lock, and with [Space.Forget] and
// [Cache.InvalidateHere] not in a message.
//
// # Other processes
//
// [Space.Drop] and [Cache.Invalidate] work here at once and reach the others as
// messages, which [Cache.Run] hears. They are kept while Redis is away. A process
// that has not heard for a while doubts what it holds: values from before the gap
// are stale (and refreshed, from Redis if that still has them), finished answers
// are dropped, and those of others count only if they were made since. The clocks
// of a fleet must agree within two seconds.
//
// A load that fails, or finds nothing, lets the next process try; that is the
// price for never taking one process's trouble for the upstream's.
package cache

// Package store holds records in this process: imported mirrors, synchronised
// feeds, whatever is small enough to be had whole. What is held answers every
// question at once, in any area, and is never cut.
//
// A [Store] is an atomic pointer to a snapshot that nobody ever changes.
// Readers load the pointer once per question and then walk what they found: they
// take no lock, wait for nobody, and see each change whole or not at all.
// Writers take turns. Each makes the next snapshot beside the current one and
// puts it in its place:
//
//	         ┌──────────── snapshot ────────────┐
//	readers  │ positions  R-tree of all records │
//	──load──►│ countries  code → R-tree         │◄──┐
//	         │ shards     4,096 × key → record  │   │ one atomic store
//	         │ asOf       when it was true      │   │
//	         │ names      names → records       │   │
//	         └──────────────────────────────────┘   │
//	writers ──mutex──► edit: shares all of it, ─────┘
//	                   copies what it touches
//
// An edit copies little: the R-trees copy the nodes on the way to a changed
// leaf, and keys are spread over shards so that a changed key costs a copy of
// its shard, some 70 entries among 300,000, and not of one map of them all. So
// a delta's price grows with the delta. The old snapshot lives until its last
// reader has gone, and shares the rest with the new one.
//
// [Source] and [ReferencedSource] make a Store a [providers.Provider]. A [Syncer]
// keeps one in step with a source that is pulled, and never lets a failure take
// away what is held.
package store

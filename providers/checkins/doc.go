// Package checkins keeps what drivers report, brings it to the providers that
// take it, and never loses or doubles one on the way.
//
// A check-in is ours first: [Service.Submit] writes it to a [Store] before it
// answers. Delivery is a process beside it whose every step is written down
// before it is taken, so that a process may die between any two of them. No
// provider has an idempotency key, and the best known one stores a second
// comment on every repeat; so a [Deliverer] that does not know how a send ended
// reads the site's comments before it sends again:
//
//	            ┌──────────── refused, not now: wait, look once ──────────┐
//	            ▼                                                         │
//	PENDING ─► claim: attempt+1, sent at, in doubt ─► Send ─┬─ confirmed ─┼─► DELIVERED
//	            ▲      (durable, under a lease)             ├─ for good ──┼─► REJECTED
//	            │                                           └─ nobody     │
//	            │                                              knows,     │
//	            │ absent twice,                                crash      │
//	            │ a lag apart                                     ▼       │
//	            └───────────────────────────────────── Find ◄─────┴───────┘
//	                                                     ├─ there ──────────► DELIVERED
//	                                                     └─ cannot be read,
//	                                                        or too often ───► UNCONFIRMED, for a person
//
// What is known not to be there after the last attempt is FAILED. A comment is one
// entry at most: who finds one that is another's by now looks further. An entry
// changes only by [Store.Update], which compares versions: of two workers that
// claim, or of one whose lease has run out and one that took over, one fails.
// All rules are functions of an [Entry] and a time; the two stores, [SQLite] and
// [Redis], know none of them.
//
// A Service also holds in memory what is to be shown at sites, in step with the
// other replicas, and tells its subscribers of every change. [Merge] puts that
// beside the comments of the providers, each check-in once.
package checkins

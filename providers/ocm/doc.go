// Package ocm is Open Charge Map (OCM) as a source of charging sites, either
// asked live over its API v3, or mirrored from one of its exports on disk. Both
// read the same wire and make the same records of it; a mirror shows exactly
// the listings that the live API would show.
//
//	Query ──► plan ──────► client ──────► wire types ──► mapper ──► Records
//	  │        area.go      client.go      wire.go        record.go    ▲
//	  │        filter.go    one request    wire_read.go   rows.go      │
//	  │        validates:   path, typed    accept what    crosswalk.go │
//	  │        OCM answers  errors, capped really         cost.go      │
//	  │        nonsense     body           arrives                     │
//	  │        with the                                     ▲          │
//	  │        whole world                                  │         Join
//	  │                                                     │          │
//	  └─ reference.go: the table of rows, a day old at most ┴──────────┘
//	                   builtin.go, countries.go: what is known without it
//
//	Export ─► split ─► batches ─► mapper × workers ─► yield, in order
//	export.go import.go
//
// What a question becomes. A box is asked for as a box, and as two across the
// antimeridian; a disc as a disc; a polygon by its convex hull, which is what
// OCM makes of it anyway; a route by its line with a buffer in degrees. Whatever
// is asked for holds the area and may be wider, and callers check again. Only
// countries, and areas too large to be had whole, are narrowed to the filter,
// and the answer says so.
//
// What comes back. OCM's success is a JSON array, not a status: an empty body,
// a sentence, a page or an object with status 200 are failures, and so is an
// array that breaks off. One broken listing is not: the rest is answered, and
// the answer says that something is missing. Rows that a listing names by
// number are looked up in the reference table, else in the listing itself, else
// in the built-in table, else they have their number for a title.
//
// What is sent. A check-in becomes a comment, under the name of its sender where a
// token of OCM's came with it, else of the configured account:
//
//	Send ──► session ────────► post ──────────────► judge
//	  │       session.go        post.go              checkin.go
//	  │       one sign-in       once, whatever       stored, not stored,
//	  │       for everybody     policies there are   or nobody knows: Find
//	  │                                                │
//	  └─ 401: nothing is stored, sign in once more     └─ reads the comments of the
//	                                                      site: marker and author
//
// OCM tells no id, knows no repeats, and says the same when it fails before and
// after storing. Only 200 with the word OK is a success; whatever else may have been
// stored is ambiguous, and is looked for before anything is sent again.
//
// # Duties
//
// Every data provider behind OCM has its own licence, and some forbid commercial
// use: each record carries the title and licence of its provider and whatever
// its attribution field says, and all of it must be shown. A provider that is
// not known counts as not open. Photos are CC BY-SA 4.0; they are linked, never
// copied, and their author goes with them.
//
// A comment that was sent is published under the account's name, and cannot be
// changed or withdrawn by the API: ask whoever wrote it first.
//
// OCM is run by volunteers and bans clients that sweep it. A source asks once
// per question, for one modest page; callers cache answers for minutes and limit
// the rate through Config.Client, and the reference table is asked for once a
// day. Whoever needs everything takes the export: that is what the mirror is for.
package ocm

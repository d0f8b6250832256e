// Package providertest is what every source of charging sites has to pass: the
// promises of [providers.Provider] and of the small interfaces beside it, as
// tests that know no source and no upstream.
//
//	Subject ── New ──► Bench: a fresh source before a fresh far end
//	   │                 │
//	   │ Areas           ├─ Source       who it says it is
//	   │ Dateline        ├─ Records      what is in an answer
//	   │ Faults          ├─ Areas        an area lacks nothing, or says so
//	   │ Secrets         ├─ Detail, Holder, EVSEs, Reference   as far as it has them
//	   ▼                 ├─ Context      deadlines, withdrawals
//	  Run                ├─ Faults       each typed, none telling too much
//	                     └─ Use          many at once, nothing kept, nothing left
//
// Abilities are looked up once: a source without one skips its rules. The suite
// asks a source for the same place in many ways and holds the answers against
// each other, so that it needs no list of what is there. What it cannot find out
// that way is whether a source shows everything that its upstream has; only
// Subject.Records, the number of records of a source that holds them, says so.
//
// Each rule is a function that lists violations, so that the suite's own tests
// can show it sources that break a rule; [Run] makes a subtest of each. Its
// subtests do not run in parallel, and call Run from a test that does not
// either: it looks for goroutines that are left.
package providertest

// Package providers is the domain of chargegraph: what a charging site is, what
// a directory of charging sites can be asked, and what it may answer. It is
// pure: standard library, no I/O, no GraphQL.
//
// A provider is a service (Open Charge Map); a source is one configured access
// to it. What one source says about one site is a [Record], kept apart for
// ever under its [Key]. A [POI] is one or more records held to be the same site.
// Records are data; POIs are computed, and never stored.
//
// The path of one question:
//
//	Area, Filter, Order      what a client asks (resolvers read it)
//	     │
//	     ▼  area grown by the reach of matching
//	Provider.Search  ×  every source, in parallel, each with a deadline
//	     │  Records, and an outcome for each source
//	     ▼  Filter.MatchRecord: licences, before anything is merged
//	conflate.Merge           records become POIs; identity is decided here
//	     │
//	     ▼  Area.Holds(POI), Filter.Match(POI): filters never change identity
//	Order, page              and the answer says what every source contributed
//
// A source implements [Provider], and whichever of the small interfaces beside
// it apply: [Detailer] where single records are asked for over the network,
// [Holder] where all records are held in this process, [Referenced] where
// records name rows of a reference table.
//
// Text that is absent is "", a time that is absent is the zero time, and a
// number or a truth value that is absent is a nil pointer: zero is a figure,
// unknown is none. Absent and unavailable are different things everywhere: what
// a source does not know is absent; a source that cannot be asked is a
// [SourceError].
package providers

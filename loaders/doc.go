// Package loaders is the read side: it asks the sources, lets the records that
// come back become POIs, and says what every source contributed.
//
// A [Catalog] lives as long as the process and knows the sources. An [Operation]
// lives as long as one GraphQL operation; it carries the dataloaders, which
// batch what leaves the process: single records by their keys, and reference
// tables while they are cold. What is in memory is read directly and waits for
// nothing.
//
//	Operation.Search ─┐                        ┌─ source ── records ─┐
//	Operation.Clusters┼─ gather(area grown) ───┼─ source ── records ─┼─ conflate.Merge ─ area, filter, order, page
//	Operation.POIs ───┘  deadline per source   └─ source ── error ───┘      outcome per source
//
// Between gather and a source that is asked over the network stands the place
// cache (cached.go): what the source said about tiles of the map, about other
// shapes and about single sites. It holds records, never POIs: what belongs
// together is decided for each question.
//
//	gather ─┬─ held here ─────────────────────────────────────── memory
//	        └─ asked over the network ─┬─ bounds ── tiles.go ──┐
//	                                   ├─ shapes ── shapes.go ─┼─ loaders/cache ── memory, Redis ── one call
//	                                   └─ keys ── cached_records.go ─┘
//
// How long what is used stands in policy.go, one row for each provider. Data past
// its time is shown and asked for anew behind, and stands in for a source that
// cannot be asked; the outcome of the source says so.
//
// Nothing here fails because one source does: a question fails only for sources
// that its policy requires.
package loaders

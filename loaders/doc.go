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
// Nothing here fails because one source does: a question fails only for sources
// that its policy requires.
package loaders

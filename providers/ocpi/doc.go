// Package ocpi is a feed of charging locations in OCPI 2.1.1, 2.2.1 or 2.3.0 as
// a source: pulled whole, then by what changed, into a store that holds it.
//
//	          ┌ versions ─► details ─► locations endpoint (role SENDER) ┐
//	Pull ─► url                                                          ├─► pages ─► elements ─► mapper ─► Records
//	          └ a list of locations already ────────────────────────────┘   page.go   wire.go    record.go
//	        file ────────────────────────────────────────────────────────►  crawl.go             equipment.go
//	                                                                                             crosswalk.go
//
// One set of wire types reads all versions, because feeds mix them: numbers as
// texts, texts as numbers, null anywhere, enums in any case. What stands around
// the locations is told apart while it is read: OCPI's envelope, a bare list,
// {items, next} with a cursor, a page object {content, number, totalPages}. Each
// location is decoded, mapped and forgotten before the next one is read, so that
// a page may have any size.
//
// # What is left out
//
// Locations with publish false must not be shown; locations whose EVSEs are all
// REMOVED, or that have none, have expired; locations without a position, or at
// 0,0, cannot be found on a map. All are counted in a [Report], and handed on as
// removed. REMOVED EVSEs are left out of the locations that have others. Of
// several copies of a location the one with the newest last_updated counts.
//
// # Whom it talks to
//
// The configured host and those of Config.AllowHosts, and nobody else: neither a
// Link, nor a version list, nor a redirect leads further. A feed configured with
// https is never read by http. Addresses that are not public are refused when
// the connection is made, after the name was looked up, unless the operator
// configured a host that can only be a private one, or that very address. The token goes to those
// hosts alone, and never into a log or an error.
package ocpi

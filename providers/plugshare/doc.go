// Package plugshare is PlugShare, a directory that drivers keep, as a source of
// charging sites, asked live over its partner API. It is asked only where an
// operator of this service has a licence: without key and secret there is no source.
//
//	Query ──► area ────► client ────► wire types ──► mapper ────► Records
//	  │       area.go     client.go    wire.go        record.go       ▲
//	  │       region,     Basic auth,  accept what    live.go         │
//	  │       nearby or   typed        really         comments.go     │
//	  │       polyline    errors,      arrives        crosswalk.go    │
//	  │                   capped body                 text.go         │
//	  └─ networks.go: titles of networks, a day old at most ──────── Join
//
// A PlugShare location is a place, not a site of one company: it holds whatever
// stands within sight. So there is one record for each location and network,
// "99~8", and "99~0" for its stations outside any network. "99" alone stands
// for the location's main record, the one with the most outlets.
//
// What a question becomes. A box is asked for as a region; PlugShare cuts an
// answer at 250 or 500 locations and cannot turn the page, so a full region is
// asked for again in quarters, down to a floor, and with a bound on the calls. A
// disc of up to 50 km is one call, and so is a route; where those come back full
// the answer is truncated. A polygon is the region around it. Of an area too large
// to be had, one region is asked for, or what has the text that is looked for.
// There is no question by country.
//
// What comes back. Searches give summaries: what stands there, and its live
// state. Comments, photos, prices, hours, amenities and the country come with a
// single location. A record is matched with those of other sources by the
// same facts in both, so that a site does not become another one by being looked
// at more closely; that is why ids of EVSEs, which only single locations tell,
// stay with their plugs as a reference.
//
// Live states. The state of an outlet counts before that of its station. A
// station's state is handed on to its outlets only where it says something of
// each of them. Availability counts stations, as PlugShare itself does.
//
// Comments. A check-in belongs to the record of the station that it names. One
// that names none, and every photo, belongs to the main record of the location;
// where the location has other records too, the comment says so
// (SharedWithLocation).
//
// # Duties
//
// What people have entered is PlugShare's, under terms that are between it and
// the licensee; unless those say otherwise, records are kept for minutes and in
// memory only, "PlugShare" is shown with them, and each links back to its page.
// Shared homes (access 3) are asked for nowhere and dropped wherever they come.
// Of people only the public first name is read: neither numbers nor pictures,
// and no owners.
//
// A location that PlugShare itself has copied from another directory
// (Open Charge Map among them) says so in Record.Directory, and has no operator.
package plugshare

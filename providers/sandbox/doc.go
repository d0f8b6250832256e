// Package sandbox is a made-up world of charging sites, and HTTP simulators
// that tell about it the way real directories do: partially, late, misspelt,
// and in each upstream's own wire format with its own bad manners.
//
//	Params ──► World (the truth: Site, Station, EVSE, Plug, Review, Photo)
//	             │
//	             ├──► OCM view: what Open Charge Map's contributors know of it
//	             │      │      (OCMNoise: unlisted, twins, blanks, 0,0 …)
//	             │      └──► OCM wire: /v3/poi, /v3/referencedata, keys, errors,
//	             │                     │  signing in, /v3/comment
//	             │                     ▲
//	             │                     └── Faults: hang, 429, HTML, cut JSON …
//	             ├──► PlugShare view: what drivers entered and networks feed; sites
//	             │      │      within sight of each other are one location
//	             │      └──► PlugShare wire: /v3/locations/…, /v3/networks, Basic
//	             ├──► OCPI view: what operators publish, with status by the clock
//	             │      └──► OCPI wire: versions, locations in four styles of paging
//	             ├──► OCPPLAB view: some operators' sites as simulated chargers
//	             │      └──► OCPPLAB wire: /ocpi/cpos, FastAPI's errors
//	             └──► (further upstreams: one view and one wire each)
//
// The truth is generated before any noise and knows nothing of any upstream:
// its enums are its own, neither an upstream's ids nor the product's. Noise
// belongs to a view. A test can therefore ask the truth what the product
// should have concluded from several views that disagree.
//
// The package shares no code and no table with the product's mapping or
// matching, on purpose: a mistake made there must not be repeated here, where
// it would hide. It is checked against recorded answers instead.
//
// Everything is deterministic. Equal Params make equal worlds, on any day;
// each site draws from its own random stream, so a larger world starts with
// the sites of the smaller one. Live status is a function of the world and the
// time, so upstreams that tell it agree but for the lag of their feeds. All operators, people,
// streets and businesses are invented, and web addresses end in .example.
//
// # Adding an upstream
//
// Write the reference of its behaviour first. Then: a noise struct in
// params.go with one documented probability per quirk; a view (truth to
// records, one random stream per site, seeded with the upstream's name); a
// wire (records to bytes, queries to records); an http.Handler that embeds
// simulator (faults, calls, /_sandbox/) and tells it the upstream's manners of
// failing; an address and a URL in Config and Server, and its name among the
// hosts in Start. Nothing of another upstream changes, and World changes only
// if the truth lacks a fact that the new upstream tells.
package sandbox

// Package ocpplab is the OCPPLAB gateway as a source of charging sites: a REST
// service over a fleet of simulated chargers, of which each operator (CPO) is a
// list of locations.
//
//	Pull ─► GET /ocpi/cpos                      parties, by cpo_id
//	   └──► GET /ocpi/cpos/{cpo_id}/locations   pages of 100, one CPO after the other ─► Records
//
// The path says OCPI; envelope, paging, authorisation and locations are the
// gateway's own, and any member but id may be null. What it lists are chargers,
// not EVSEs, and so they are Stations here, of one connector each, whose live
// state, power and tariff it does not tell.
//
// CPOs expire after an hour or a few days and are gone then: a CPO that answers
// 404 takes its locations with it, and that is no error.
//
// Each CPO also has an OCPI endpoint of its own, which tells more: [Feed.CPOs]
// names it (PeerURL), and package ocpi reads it.
package ocpplab

// Package conflate decides which records are one site, and merges them. It is
// pure: the same records give the same POIs, in whatever order they come and
// whatever else is on the map.
//
// A POI is a star. At most one twin group per source hangs on a root:
//
//	records ──twins──▶ groups of one source, within R0, led by the smallest key
//	groups  ──edges──▶ pairs of two sources, within R, each the other's best
//	edges   ──stars──▶ a group without an edge to a better rank is a root;
//	                   every other joins its best-ranked neighbour if that is a
//	                   root, and stands alone otherwise
//
// Nothing chains: a group never joins through another, so a POI's members are
// all within R of its root, and who joins whom depends on records within Reach
// of a position alone. That is why a viewport grown by Reach decides the same as
// the whole map does.
package conflate

// Package conflate decides which records are one site, and merges them. It is
// pure: the same records give the same POIs, in whatever order they come and
// whatever else is on the map.
//
// A POI is a star. At most one twin group per source hangs on a root:
//
//	records ──facts──▶ each brought once into the form in which it is compared
//	        ──twins──▶ groups of one source, within R0, led by the smallest key
//	groups  ──score──▶ pairs of two sources, within R: what is known of both is
//	                   evidence for or against, what is not weighs nothing; an id
//	                   that both carry, or a pin, outweighs all
//	pairs   ──edges──▶ those above the threshold, each the other's best there
//	edges   ──stars──▶ a group without an edge to a better rank is a root;
//	                   every other joins its best-ranked neighbour if that is a
//	                   root, and stands alone otherwise
//	stars   ──merge──▶ POIs: fields by choiceOf, with where each came from and
//	                   why the members are held to be one site
//
// Nothing chains: a group never joins through another, so a POI's members are
// all within R of its root, and who joins whom depends on records within Reach
// of a position alone. That is why a viewport grown by Reach decides the same as
// the whole map does. Rules.FarLinks lets ids and pins reach further, among
// records that are held whole; Far says what a viewport needs for that.
//
// Two constraints hold whatever the evidence: operators that the crosswalk knows
// to be two, and pairs that people have forbidden, are never in one POI. And
// more than maxHeap records of one source in one position do not stand there.
// A record that its source has copied from another directory joins a POI as any
// other does, and bears nothing out there: what it says counts only where no
// original says it.
//
// The weights stand in score.go with their reasons. `chargegraph conflate-eval`
// measures them on labelled pairs, and on a made-up world; confidence is fitted
// by its -calibrate. Whoever changes a weight, a word list or a threshold raises
// Version.
package conflate

package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/loaders"
)

// box is a small area over one city of the made-up world.
const box = `{bounds: {south: 51.45, west: -0.2, north: 51.55, east: 0.05}}`

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300)
	s := newService(t, loaders.Config{}, w.live(t))

	var first struct {
		Pois struct {
			PageInfo struct{ EndCursor string }
		}
	}
	s.mustAsk(t, `{ pois(area: `+box+`, first: 1) { pageInfo { endCursor } } }`, nil, &first)
	foreign := first.Pois.PageInfo.EndCursor
	w.simulator.ResetCalls()

	points := func(n int, at func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "{%s}", at(i))
		}
		return "[" + b.String() + "]"
	}
	nested := "{minPoints: 1}"
	for range 6 {
		nested = "{not: " + nested + "}"
	}
	tests := []struct {
		name  string
		query string
		vars  vars
		path  []any
		says  string
	}{
		{"a latitude beyond the pole", `{ pois(area: {around: {center: {latitude: 90.1, longitude: 0}, radiusMeters: 1}}) { totalCount } }`, nil, []any{"pois", "area", "around", "center"}, "between -90 and 90"},
		{"a longitude beyond the antimeridian", `{ pois(area: {around: {center: {latitude: 0, longitude: -180.5}, radiusMeters: 1}}) { totalCount } }`, nil, []any{"pois", "area", "around", "center"}, "between -180 and 180"},
		{"a number too large for a float", `query($f: Float!) { pois(area: {around: {center: {latitude: $f, longitude: 0}, radiusMeters: 1}}) { totalCount } }`, vars{"f": json.Number("1e999")}, []any{"variable", "f"}, "Float"},
		{"a radius of nothing", `{ pois(area: {around: {center: {latitude: 0, longitude: 0}, radiusMeters: 0}}) { totalCount } }`, nil, []any{"pois", "area", "around", "radiusMeters"}, "at most 500000"},
		{"a radius of a continent", `{ pois(area: {around: {center: {latitude: 0, longitude: 0}, radiusMeters: 500001}}) { totalCount } }`, nil, []any{"pois", "area", "around", "radiusMeters"}, "at most 500000"},
		{"a box upside down", `{ pois(area: {bounds: {south: 2, west: 0, north: 1, east: 1}}) { totalCount } }`, nil, []any{"pois", "area", "bounds"}, "south not above north"},
		{"a box beyond the Earth", `{ clusters(bounds: {south: 0, west: 0, north: 1, east: 181}, zoom: 3) { totalCount } }`, nil, []any{"clusters", "bounds"}, "between -180 and 180"},
		{"a polygon of two points", `{ pois(area: {polygon: {points: [{latitude: 0, longitude: 0}, {latitude: 1, longitude: 1}]}}) { totalCount } }`, nil, []any{"pois", "area", "polygon"}, "3 to 1000 corners"},
		{"a polygon closed on its second point", `{ pois(area: {polygon: {points: [{latitude: 0, longitude: 0}, {latitude: 1, longitude: 1}, {latitude: 0, longitude: 0}]}}) { totalCount } }`, nil, []any{"pois", "area", "polygon"}, "3 to 1000 corners"},
		{"a polygon of too many corners", `{ pois(area: {polygon: {points: ` + points(1001, func(i int) string { return fmt.Sprintf("latitude: %v, longitude: %v", i%2, float64(i)/10) }) + `}}) { totalCount } }`, nil, []any{"pois", "area", "polygon"}, "3 to 1000 corners"},
		{"a polygon that crosses itself, with the place", `{ pois(area: {polygon: {points: [{latitude: 0, longitude: 0}, {latitude: 2, longitude: 2}, {latitude: 2, longitude: 0}, {latitude: 0, longitude: 2}]}}) { totalCount } }`, nil, []any{"pois", "area", "polygon"}, "crosses itself near latitude 1.000000, longitude 1.000000"},
		{"both forms of a line", `{ pois(area: {polygon: {encoded: "_p~iF~ps|U", points: []}}) { totalCount } }`, nil, []any{"pois", "area", "polygon"}, "exactly one of encoded and points"},
		{"neither form of a line", `{ pois(area: {route: {distanceMeters: 5}}) { totalCount } }`, nil, []any{"pois", "area", "route"}, "exactly one of encoded and points"},
		{"a broken polyline", `{ pois(area: {route: {encoded: "_p~iF~ps|", distanceMeters: 5}}) { totalCount } }`, nil, []any{"pois", "area", "route", "encoded"}, "not an encoded polyline"},
		{"a polyline of another precision", `query($e: String) { pois(area: {route: {encoded: $e, distanceMeters: 5}}) { totalCount } }`, vars{"e": `_izlhA~rlgdF_{geC~ywl@_kwzCn` + "`" + `{nI`}, []any{"pois", "area", "route", "encoded"}, "check precision"},
		{"a precision that nobody uses", `{ pois(area: {route: {encoded: "??", precision: 12, distanceMeters: 5}}) { totalCount } }`, nil, []any{"pois", "area", "route", "precision"}, "between 1 and 7"},
		{"an encoded line of a megabyte", `query($e: String) { pois(area: {route: {encoded: $e, distanceMeters: 5}}) { totalCount } }`, vars{"e": strings.Repeat("?", 70_000)}, []any{"pois", "area", "route", "encoded"}, "at most 65536 bytes"},
		{"a route of one point", `{ pois(area: {route: {points: [{latitude: 0, longitude: 0}], distanceMeters: 5}}) { totalCount } }`, nil, []any{"pois", "area", "route"}, "2 to 10000 points"},
		{"a route round the world", `{ pois(area: {route: {points: [{latitude: 0, longitude: 0}, {latitude: 0, longitude: 100}], distanceMeters: 5}}) { totalCount } }`, nil, []any{"pois", "area", "route"}, "at most 3000 km"},
		{"a corridor too wide", `{ pois(area: {route: {points: [{latitude: 0, longitude: 0}, {latitude: 0, longitude: 1}], distanceMeters: 50001}}) { totalCount } }`, nil, []any{"pois", "area", "route", "distanceMeters"}, "at most 50000"},
		{"two areas in one variable", `query($a: AreaInput!) { pois(area: $a) { totalCount } }`, vars{"a": vars{"country": "GB", "around": vars{"center": vars{"latitude": 0, "longitude": 0}, "radiusMeters": 1}}}, []any{"pois", "area"}, "exactly one of"},
		{"an area beside a null in one variable", `query($a: AreaInput!) { pois(area: $a) { totalCount } }`, vars{"a": vars{"country": "GB", "around": nil}}, []any{"pois", "area"}, "exactly one of"},
		{"an area that is null in a variable", `query($a: AreaInput!) { pois(area: $a) { totalCount } }`, vars{"a": vars{"country": nil}}, []any{"pois", "area"}, "exactly one of"},
		{"no area in a variable", `query($a: AreaInput!) { pois(area: $a) { totalCount } }`, vars{"a": vars{}}, []any{"pois", "area"}, "exactly one of"},
		{"two references to a POI in one variable", `query($r: POIRef!) { poi(by: $r) { id } }`, vars{"r": vars{"id": "poi:ocm:1", "evseId": "x"}}, []any{"poi", "by"}, "exactly one of"},
		{"a country by its name", `{ pois(area: {country: "Germany"}) { totalCount } }`, nil, []any{"pois", "area", "country"}, "two-letter"},
		{"a page of nothing", `{ pois(area: ` + box + `, first: 0) { totalCount } }`, nil, []any{"pois", "first"}, "between 1 and 500"},
		{"a page of too many", `{ pois(area: ` + box + `, first: 501) { totalCount } }`, nil, []any{"pois", "first"}, "between 1 and 500"},
		{"a number of 64 bits", `{ pois(area: ` + box + `, first: 4294967297) { totalCount } }`, nil, []any{"pois", "first"}, "between -2147483648 and 2147483647"},
		{"a number of 64 bits in a variable", `query($n: Int) { pois(area: ` + box + `, first: $n) { totalCount } }`, vars{"n": 4294967297}, []any{"pois", "first"}, "between -2147483648 and 2147483647"},
		{"a fraction for a whole number", `query($n: Int) { pois(area: ` + box + `, first: $n) { totalCount } }`, vars{"n": 1.5}, []any{"variable", "n"}, ""},
		{"a cursor that is none", `{ pois(area: ` + box + `, after: "abc") { totalCount } }`, nil, []any{"pois", "after"}, "not a cursor"},
		{"a cursor of another question", `query($c: String) { pois(area: {bounds: {south: 51.4, west: -0.2, north: 51.5, east: 0}}, after: $c) { totalCount } }`, vars{"c": foreign}, []any{"pois", "after"}, "another question"},
		{"a cursor of another order", `query($c: String) { pois(area: ` + box + `, after: $c, orderBy: {by: TITLE}) { totalCount } }`, vars{"c": foreign}, []any{"pois", "after"}, "another question"},
		{"distance without a centre", `{ pois(area: ` + box + `, orderBy: {by: DISTANCE}) { totalCount } }`, nil, []any{"pois", "orderBy", "by"}, "needs a centre"},
		{"a position on no route", `{ pois(area: ` + box + `, orderBy: {by: ROUTE_POSITION}) { totalCount } }`, nil, []any{"pois", "orderBy", "by"}, "needs a route"},
		{"a zoom too deep", `{ clusters(bounds: {south: 0, west: 0, north: 1, east: 1}, zoom: 23) { totalCount } }`, nil, []any{"clusters", "zoom"}, "between 0 and 22"},
		{"an id that is none", `{ node(id: "1234") { id } }`, nil, []any{"node", "id"}, "poi:ocm:1234"},
		{"an id of another kind", `{ operator(id: "poi:ocm:1") { id } }`, nil, []any{"operator", "id"}, "operator:ocm:5"},
		{"a POI by the id of a record", `{ poi(by: {id: "record:ocm:1"}) { id } }`, nil, []any{"poi", "by", "id"}, "poi:ocm:1234"},
		{"too many nodes", `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, vars{"ids": make([]string, 101)}, []any{"nodes", "ids"}, "at most 100"},
		{"one bad node", `{ nodes(ids: ["source:ocm", "x"]) { id } }`, nil, []any{"nodes", "ids", 1.0}, "poi:ocm:1234"},
		{"an operator that is none", `{ pois(area: ` + box + `, filter: {operatorIds: ["operator:ocm:5", "5"]}) { totalCount } }`, nil, []any{"pois", "filter", "operatorIds", 1.0}, "operator:ocm:5"},
		{"too long a list", `query($l: [ID!]) { pois(area: ` + box + `, filter: {usageTypeIds: $l}) { totalCount } }`, vars{"l": make([]string, 501)}, []any{"pois", "filter", "usageTypeIds"}, "at most 500"},
		{"too long a text", `query($t: String) { pois(area: ` + box + `, filter: {text: $t}) { totalCount } }`, vars{"t": strings.Repeat("ä", 201)}, []any{"pois", "filter", "text"}, "at most 200"},
		{"a filter too deep", `{ pois(area: ` + box + `, filter: ` + nested + `) { totalCount } }`, nil, []any{"pois", "filter", "not", "not", "not", "not", "not", "not"}, "at most 5 deep"},
		{"a licence under not", `{ pois(area: ` + box + `, filter: {not: {openData: true}}) { totalCount } }`, nil, []any{"pois", "filter", "not"}, "before they are merged"},
		{"powers the wrong way round", `{ pois(area: ` + box + `, filter: {connections: [{minPowerKw: 50, maxPowerKw: 20}]}) { totalCount } }`, nil, []any{"pois", "filter", "connections", 0.0, "minPowerKw"}, "not be above"},
		{"a rating above five", `{ pois(area: ` + box + `, filter: {minRating: 5.5}) { totalCount } }`, nil, []any{"pois", "filter", "minRating"}, "between 0 and 5"},
		{"a date of another form", `{ pois(area: ` + box + `, filter: {modifiedSince: "yesterday"}) { totalCount } }`, nil, []any{"pois", "filter", "modifiedSince"}, "RFC 3339"},
		{"a source that is not there", `{ pois(area: ` + box + `, sources: {includeIds: ["source:plugshare"]}) { totalCount } }`, nil, []any{"pois", "sources", "includeIds", 0.0}, "no source has this id"},
		{"a provider that is not there but required", `{ pois(area: ` + box + `, sources: {require: [PLUGSHARE]}) { totalCount } }`, nil, []any{"pois", "sources", "require", 0.0}, "no source of this provider"},
		{"a required source that is excluded", `{ pois(area: ` + box + `, sources: {require: [OCM], exclude: [OCM]}) { totalCount } }`, nil, []any{"pois", "sources"}, "required but not asked"},
		{"a time-out of a day", `{ pois(area: ` + box + `, sources: {timeout: "P1D"}) { totalCount } }`, nil, []any{"pois", "sources", "timeout"}, "at most PT30S"},
		{"a duration that is none", `{ pois(area: ` + box + `, sources: {maxAge: "30s"}) { totalCount } }`, nil, []any{"pois", "sources", "maxAge"}, "ISO 8601"},
		{"an enum value in another case, in a variable", `query($f: POIFilter) { pois(area: ` + box + `, filter: $f) { totalCount } }`, vars{"f": vars{"connections": []vars{{"types": []string{"TYPE_2", "type_2"}}}}}, []any{"variable", "f", "connections", 0.0, "types", 1.0}, "in upper case"},
		{"a text for a number", `{ pois(area: ` + box + `, first: "ten") { totalCount } }`, nil, nil, "cannot represent"},
		{"an enum value that is none, in a variable", `query($u: [UsageKind!]) { pois(area: ` + box + `, filter: {usage: $u}) { totalCount } }`, vars{"u": []string{"SECRET"}}, []any{"variable", "u", 0.0}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			errs := s.ask(t, test.query, test.vars, nil)
			if len(errs) != 1 {
				t.Fatalf("want one error, got %+v", errs)
			}
			if diff := cmp.Diff(test.path, errs[0].Path); diff != "" {
				t.Errorf("path mismatch (-want +got):\n%s", diff)
			}
			if !strings.Contains(errs[0].Message, test.says) {
				t.Errorf("the message %q does not say %q", errs[0].Message, test.says)
			}
			if code := errs[0].Extensions["code"]; code != "BAD_USER_INPUT" {
				t.Errorf("code is %v", code)
			}
			if calls := w.simulator.Calls(); len(calls) > 0 {
				t.Errorf("upstream was asked: %v", calls)
			}
		})
	}
}

// What is refused of a site's comments and photos names its place.
func TestRefusalsBelowASite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 300)
	s := newService(t, loaders.Config{}, w.live(t))
	id := anyID(t, s)
	tests := []struct {
		name, args string
		path       []any
		says       string
	}{
		{"a page of no comments", `comments(first: 0) { totalCount }`, []any{"poi", "comments", "first"}, "between 1 and 500"},
		{"a page of too many photos", `photos(first: 501) { totalCount }`, []any{"poi", "photos", "first"}, "between 1 and 500"},
		{"too long a list of kinds", `comments(kinds: [` + strings.Repeat("NOTICE ", 501) + `]) { totalCount }`, []any{"poi", "comments", "kinds"}, "at most 500"},
		{"a cursor that is none", `comments(after: "abc") { totalCount }`, []any{"poi", "comments", "after"}, "not a cursor"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			errs := s.ask(t, `query($id: ID!) { poi(by: {id: $id}) { title `+test.args+` } }`, vars{"id": id}, nil)
			if len(errs) != 1 {
				t.Fatalf("want one error, got %+v", errs)
			}
			if diff := cmp.Diff(test.path, errs[0].Path); diff != "" {
				t.Errorf("path mismatch (-want +got):\n%s", diff)
			}
			if code := errs[0].Extensions["code"]; code != "BAD_USER_INPUT" || !strings.Contains(errs[0].Message, test.says) {
				t.Errorf("%v: %q does not say %q", code, errs[0].Message, test.says)
			}
		})
	}
}

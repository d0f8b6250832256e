package resolvers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/providers/ocpi"
	"chargegraph/providers/plugshare"
	"chargegraph/providers/sandbox"
	"chargegraph/providers/store"
)

// feedsData holds recorded answers of PlugShare and of OCPI feeds. They are not
// part of the repository: they belong to others.
const feedsData = "../../shared/data"

const (
	feedPlugFields = `id type current powerKw voltage amps quantity level status availability availabilityUpdatedAt
		format reference comments record { externalId }`

	// feedFields is what these sources tell of a site in a list.
	feedFields = `
	id title location { latitude longitude }
	address { line1 line2 town stateOrProvince postcode countryCode formatted }
	operator { id title website logo phone records { provider externalId title } }
	usage status cost usageCost numberOfPoints maxPowerKw timeZone owner otherConnectors accessComments generalComments
	contact { phone phoneSecondary email website } parking
	availability { unit total available occupied outOfService unknown observedAt }
	connections { ` + feedPlugFields + ` }
	evses {
		id evseId physicalReference status statusUpdatedAt capabilities floor location { latitude longitude }
		record { externalId } connections { ` + feedPlugFields + ` }
	}
	stations {
		id name operator { id } networkReference manufacturer model cost costDescription status statusUpdatedAt createdAt ocppVersion
		record { externalId } connections { ` + feedPlugFields + ` }
	}
	rating { average count successes failures lastSuccessAt lastFailureAt providerScores { provider value scaleMax } }
	links { canonical providers { provider view } }
	createdAt updatedAt plannedFor lastVerifiedAt lastConfirmedAt isRecentlyVerified
	records {
		id provider externalId parentExternalId url icon title location { latitude longitude } operator { id }
		metadata { fieldId value } updatedAt fetchedAt attribution { text }
	}`

	// reviewFields is a page of what drivers said.
	reviewFields = `pageInfo { hasNextPage endCursor } nodes {
		id kind outcome sentiment rating text relatedUrl author { displayName reputationPoints avatar }
		vehicle volts amps powerKw finishedAt sharedWithLocation createdAt provider pending record { externalId } poi { id }
	}`

	// wholeFields is what they tell of a site that is asked for alone.
	wholeFields = feedFields + `
	amenities openingHours { open24h weekly { weekday opens closes } exceptions { from to open } text }
	comments(first: 500) { ` + reviewFields + ` }
	photos(first: 500) { totalCount pageInfo { hasNextPage } nodes {
		id url thumbnail caption isVideo isExternal isFeatured author { displayName } createdAt provider record { externalId } poi { id }
	} }`
)

// TestEveryRecordedPlugShareSiteShowsAsItsFileSays serves recorded answers as
// PlugShare would, reads them through the real source and the whole graph, and
// compares with a naive reading of the same files: the list with what a search
// answers, and each site of a file of details with all of it.
func TestEveryRecordedPlugShareSiteShowsAsItsFileSays(t *testing.T) {
	t.Parallel()
	folder := feedsFolder(t, "plugshare")
	read := newPlugReading(t)
	for file, details := range map[string]bool{
		"details_louisville_2019.jsonl.gz": true, "detail_v3_supercharger_2024.json": true,
		"region_louisville_2019.json": false, "region_v3_2025.json": false, "region_v3_item_2024.json": false,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(folder, file)
			s := newService(t, loaders.Config{Clock: fixedNow}, recordedPlugShare(t, path, details))
			comparePlugShare(t, s, read, readJSONFile(t, path), details)
		})
	}
}

// TestWhatPlugShareKeepsToItselfIsNotShown: shared homes stay hidden, even where
// PlugShare hands them out, and so does what has no position; the rest is what
// recorded answers hold little of.
func TestWhatPlugShareKeepsToItselfIsNotShown(t *testing.T) {
	t.Parallel()
	feedsFolder(t, "crosswalk")
	read := newPlugReading(t)
	var locations []object
	if err := json.Unmarshal([]byte(hiddenPlugShare), &locations); err != nil {
		t.Fatal(err)
	}
	url := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		list := []any{}
		for _, l := range locations {
			if strings.HasSuffix(r.URL.Path, "/locations/"+naming(l, "id")) {
				_ = json.NewEncoder(w).Encode(l)
				return
			}
			list = append(list, plugBrief(l))
		}
		if strings.HasSuffix(r.URL.Path, "/region") {
			_ = json.NewEncoder(w).Encode(list)
			return
		}
		http.NotFound(w, r)
	}))
	s := newService(t, loaders.Config{Clock: fixedNow}, plugShareAt(t, url, plugshare.Config{Key: "key", Secret: "secret"}))
	comparePlugShare(t, s, read, locations, true)
	hidden := 0
	for _, l := range locations {
		if read.sites(l, true) != nil {
			continue
		}
		hidden++
		for _, id := range []string{"poi:plugshare:" + naming(l, "id"), "poi:plugshare:" + naming(l, "id") + "~0", "record:plugshare:" + naming(l, "id") + "~0", "comment:plugshare:" + naming(l, "id") + "~0:1"} {
			var answer struct{ Node *struct{ ID string } }
			if s.ask(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}, &answer); answer.Node != nil {
				t.Errorf("%s must not be shown, and is", id)
			}
		}
	}
	if hidden != 4 {
		t.Errorf("%d locations are hidden, want 4", hidden)
	}
}

// hiddenPlugShare are locations as details; a search gives a part of them.
const hiddenPlugShare = `[
	{"id": 1, "name": "Home of somebody", "access": 3, "icon_type": "H", "latitude": 38.1, "longitude": -85.1, "stations": [{"id": 1, "outlets": [{"id": 1, "connector": 2, "power": 0}]}],
	 "reviews": [{"id": 1, "rating": 1, "comment": "Nice people"}]},
	{"id": 2, "name": "Another home", "access": "3", "latitude": 38.2, "longitude": -85.2, "stations": []},
	{"id": 3, "name": "A home by its symbol", "access": 1, "icon_type": "H", "latitude": 38.3, "longitude": -85.3, "stations": []},
	{"id": 4, "name": "Null island", "access": 1, "icon_type": "G", "latitude": 0, "longitude": 0, "stations": []},
	{"id": 5, "name": "Coming soon", "access": 1, "icon_type": "GR", "coming_soon": true, "under_repair": false, "opening_date": "2027-02-03", "locale": "US", "url": "https://www.plugshare.com/location/5",
	 "latitude": 38.5, "longitude": -85.5, "stations": [{"id": 5, "network_id": 1, "outlets": [{"id": 5, "connector": 7, "power": 0, "kilowatts": 22, "status": "PLANNED"}]}]},
	{"id": 6, "name": "Partly broken", "access": 1, "icon_type": "Y", "coming_soon": false, "under_repair": false, "locale": "US", "score": 3.5, "url": "https://www.plugshare.com/location/6",
	 "latitude": 38.6, "longitude": -85.6, "cost": true, "cost_description": "$1", "poi_name": "Gas Station", "hours": "<p>9 to 5</p>", "phone": "123", "formatted_phone_number": "+1 123",
	 "parking_attributes": ["TRAILER_PARKING", "TRAILER_FRIENDLY", "ILLUMINATED"], "parking_level": "2", "parking_type_name": "Pay", "amenities": [{"type": 1}, {"type": 9}, {"type": 1}],
	 "created_at": "2020-01-01T00:00:00Z", "updated_at": "2021-02-03 04:05:06",
	 "stations": [
		{"id": 61, "network_id": 47, "cost": 2, "available": 2, "available_changed_at": "2026-11-20T11:00:00", "outlets": [
			{"id": 611, "connector": 13, "power": 0, "kilowatts": 150, "volts": 400, "status": "OUTOFORDER", "status_changed_at": "2026-11-19T00:00:00Z"},
			{"id": 612, "connector": 13, "power": 0, "kilowatts": 150, "volts": 800, "status": "OUTOFORDER", "status_changed_at": "2026-11-18T00:00:00Z"}]},
		{"id": 62, "network_id": 47, "cost": 2, "available": 1, "available_changed_at": "2026-11-20T11:00:00", "outlets": [{"id": 621, "connector": 3, "power": 0, "kilowatts": 50}]},
		{"id": 63, "cost": 1, "available": 4, "outlets": [{"id": 631, "connector": 2, "power": 0, "kilowatts": 6.6}]}],
	 "reviews": [
		{"id": 1, "rating": -1, "problem": 1, "station_id": 61, "comment": "Broken <b>again</b>", "created_at": "2026-01-05T00:00:00Z", "user": {"first_name": "Ann", "display_name": "Annie", "last_name": "Secret", "phone": "555"}},
		{"id": 2, "rating": -1, "problem": 2, "created_at": "2026-01-04T00:00:00Z", "user": {"first_name": "Bob", "is_deleted": true}},
		{"id": 3, "rating": -1, "problem": 3, "created_at": "2026-01-03T00:00:00Z"}, {"id": 4, "rating": -1, "problem": 4, "station_id": 63, "created_at": "2026-01-02T00:00:00Z"},
		{"id": 5, "rating": -1, "problem": 5, "created_at": "2026-01-01T00:00:00Z"}, {"id": 6, "rating": 0, "created_at": "2025-01-01T00:00:00Z"},
		{"id": 7, "rating": 1, "volts": 208, "amps": 29.6, "kilowatts": 6.1, "finished": "2024-01-01T02:00:00Z", "vehicle_name": "Nissan LEAF", "created_at": "2024-01-01T00:00:00Z"}],
	 "photos": [{"id": 8, "url": "https://photos.example/8.jpg", "thumbnail": "https://photos.example/8s.jpg", "caption": "Front", "created_at": "2023-01-01T00:00:00Z"}]},
	{"id": 7, "name": "", "address": "1 Main St", "access": 1, "icon_type": "GR", "coming_soon": false, "under_repair": true, "latitude": 38.7, "longitude": -85.7, "locale": "AU", "url": "https://www.plugshare.com/location/7",
	 "stations": [{"id": 71, "network_id": 11, "outlets": [{"id": 711, "connector": 14, "power": 0}, {"id": 712, "connector": 6, "power": 1, "status": "CONNECTED"}]}]}
]`

func comparePlugShare(t *testing.T, s *service, read *plugReading, locations []object, details bool) {
	t.Helper()
	n := compared{}
	want := make(map[string]feedSaid)
	for _, w := range locations {
		for _, site := range read.sites(plugBrief(w), false) {
			want[site.Records[0].ExternalID] = site
		}
	}
	shown := compareFeed(t, allOf(t, s, "source:plugshare", feedFields), want, n)
	n.log(t)
	if !details {
		return
	}
	clear(n)
	clear(want)
	for _, w := range locations {
		for _, site := range read.sites(w, true) {
			want[site.Records[0].ExternalID] = site
		}
	}
	var got []feedSaid
	for _, id := range shown {
		var answer struct{ POI *feedSaid }
		s.mustAsk(t, `query($id: ID!) { poi(by: {id: $id}) { `+wholeFields+` } }`, vars{"id": id}, &answer)
		if answer.POI == nil {
			t.Errorf("%s is in the list and nowhere else", id)
			continue
		}
		answer.POI.Comments = allReviews(t, s, id, answer.POI.Comments)
		got = append(got, *answer.POI)
	}
	compareFeed(t, got, want, n)
	n.log(t)
}

// allReviews adds the further pages of reviews to the first.
func allReviews(t *testing.T, s *service, id string, first reviewsSaid) reviewsSaid {
	t.Helper()
	for all := first; ; {
		if !all.PageInfo.HasNextPage {
			all.PageInfo.EndCursor = nil // there is nothing to compare it with
			return all
		}
		var answer struct {
			POI struct{ Comments reviewsSaid }
		}
		s.mustAsk(t, `query($id: ID!, $after: String) { poi(by: {id: $id}) { comments(first: 500, after: $after) { `+reviewFields+` } } }`,
			vars{"id": id, "after": all.PageInfo.EndCursor}, &answer)
		all.PageInfo = answer.POI.Comments.PageInfo
		all.Nodes = append(all.Nodes, answer.POI.Comments.Nodes...)
	}
}

// TestEveryRecordedOCPISiteShowsAsItsFileSays reads each recorded feed twice: from
// a server in the manner of its publisher or a worse one, and from files, in
// which no site is there twice, so that each record is seen by itself. All go
// through the real source and the whole graph, in one service, and are compared
// with a naive reading of the same locations.
func TestEveryRecordedOCPISiteShowsAsItsFileSays(t *testing.T) {
	t.Parallel()
	folder := feedsFolder(t, "ocpi")
	styles := map[string]sandbox.OCPIOptions{
		"chargecloud_ludwigsburg_2026.json.gz": {Style: sandbox.OCPICursor, PageLimit: 20},
		"chargecloud_stuttgart_2024.json.gz":   {Style: sandbox.OCPIEnvelope, PageLimit: 50},
		"ndw_delft_2026.locations.json.gz":     {Style: sandbox.OCPIArray},
		"ndw_enschede_2026.locations.json.gz":  {Style: sandbox.OCPIEnvelope, PageLimit: 100, Quirks: sandbox.OCPIQuirks{NoLink: true}},
		"ndw_kapelle_2026.locations.json.gz":   {Style: sandbox.OCPIEnvelope, PageLimit: 5, Token: "a b c"},
		"ndw_leiden_2026.locations.json.gz":    {Style: sandbox.OCPIPage, PageLimit: 250, Quirks: sandbox.OCPIQuirks{Broken: true}},
		"ndw_receiver_locations_211.json":      {Style: sandbox.OCPIArray, Version: "2.1.1", Token: "raw", Encoding: sandbox.OCPIRaw},
		"ndw_receiver_page0_211.json":          {Style: sandbox.OCPIPage, Version: "2.1.1", PageLimit: 1},
		"ndw_vaals_2026.locations.json.gz":     {Style: sandbox.OCPIEnvelope, Quirks: sandbox.OCPIQuirks{NoTotal: true, Broken: true}, PageLimit: 4},
		"ndw_vlieland_2026.locations.json.gz":  {Style: sandbox.OCPIEnvelope, Version: "2.3.0", PageLimit: 1},
		"spec_2.2.1":                           {}, "spec_2.3.0": {}, "spec_2.1.1": {}, "broken": {}, "hidden": {},
	}
	type feed struct {
		test, name string
		locations  []object
	}
	var feeds []feed
	var read []providers.Provider
	add := func(test string, locations []object, cfg ocpi.Config) {
		cfg.Name = fmt.Sprintf("feed%d", len(feeds)+1)
		read = append(read, pulled(t, cfg))
		feeds = append(feeds, feed{test: test, name: cfg.Name, locations: locations})
	}
	for _, file := range slices.Sorted(maps.Keys(styles)) {
		path := filepath.Join(folder, "feeds", file)
		switch {
		case strings.HasPrefix(file, "spec_"):
			path = gathered(t, filepath.Join(folder, "spec", strings.TrimPrefix(file, "spec_"), "*loc*.json"))
		case file == "broken":
			path = gathered(t, filepath.Join(folder, "payloads_211", "*.json"))
		case file == "hidden":
			path = written(t, hiddenLocations)
		}
		locations := locationsIn(t, path)
		if options := styles[file]; options.Style != "" {
			options.File = path
			add(file+", from a server", locations, ocpi.Config{URL: recordedOCPI(t, options), Token: options.Token})
		}
		layers := [][]object{locations}
		if strings.HasPrefix(file, "ndw_") {
			layers = apart(locations)
		}
		for k, layer := range layers {
			add(fmt.Sprintf("%s, from file %d", file, k+1), layer, ocpi.Config{File: writtenNow(t, layer), LiveFor: time.Hour})
		}
	}
	s := newService(t, loaders.Config{Clock: fixedNow}, read...)
	reading := newOCPIReading(t)
	var mu sync.Mutex
	total := compared{}
	t.Cleanup(func() { total.log(t) })
	for _, f := range feeds {
		t.Run(f.test, func(t *testing.T) {
			t.Parallel()
			n := compared{}
			want := make(map[string]feedSaid)
			var hidden []string
			for _, l := range newestOfEach(f.locations) {
				site, why := reading.site(f.name, l)
				if why != "" {
					n[why]++
					hidden = append(hidden, site.ID)
					continue
				}
				want[site.Records[0].ExternalID] = site
			}
			compareFeed(t, allOf(t, s, "source:ocpi:"+f.name, wholeFields), want, n)
			for _, id := range hidden {
				var answer struct{ Node, POI *struct{ ID string } }
				s.mustAsk(t, `query($id: ID!) { node(id: $id) { id } poi(by: {id: $id}) { id } }`, vars{"id": id}, &answer)
				if answer.Node != nil || answer.POI != nil {
					t.Errorf("%s must not be shown, and is", id)
				}
			}
			n.log(t)
			mu.Lock()
			defer mu.Unlock()
			for what, count := range n {
				total[what] += count
			}
		})
	}
}

// TestWhatWasNotFetchedIsNotCounted: a list asks for a few sites alone, and says
// of the comments and photos of the others that it does not know their number.
func TestWhatWasNotFetchedIsNotCounted(t *testing.T) {
	t.Parallel()
	const sites, fetched = 15, 10
	location := func(i int, more string) string {
		return fmt.Sprintf(`{"id": %d, "name": "Site %d", "access": 1, "latitude": %d, "longitude": 5, "stations": []%s}`, i, i, i, more)
	}
	var list []string
	for i := range sites {
		list = append(list, location(i+1, ""))
	}
	url := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		id, err := strconv.Atoi(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
		switch {
		case strings.HasSuffix(r.URL.Path, "/networks"):
			http.NotFound(w, r)
		case err == nil:
			_, _ = io.WriteString(w, location(id, `, "reviews": [{"id": 1, "rating": 1}, {"id": 2, "rating": 0}], "photos": [{"id": 3, "url": "https://photos.example/3.jpg"}]`))
		default:
			_, _ = io.WriteString(w, "["+strings.Join(list, ",")+"]")
		}
	}))
	s := newService(t, loaders.Config{Clock: fixedNow}, plugShareAt(t, url, plugshare.Config{Key: "key", Secret: "secret"}))
	type children struct {
		TotalCount *int
		Sources    []struct{ Outcome string }
	}
	var answer struct {
		Pois struct {
			Nodes []struct {
				ID               string
				Comments, Photos children
			}
		}
	}
	s.mustAsk(t, `{ pois(area: `+wholeWorld+`) { nodes {
		id comments(first: 1) { totalCount sources { outcome } } photos { totalCount sources { outcome } }
	} } }`, nil, &answer)
	known := 0
	for _, site := range answer.Pois.Nodes {
		for what, c := range map[string]children{"comments": site.Comments, "photos": site.Photos} {
			want := map[string]int{"comments": 2, "photos": 1}[what]
			switch whole := c.Sources[0].Outcome == "OK"; {
			case whole && (c.TotalCount == nil || *c.TotalCount != want):
				t.Errorf("%s has %d %s, the total is %v", site.ID, want, what, c.TotalCount)
			case whole:
				known++
			case c.TotalCount != nil:
				t.Errorf("the %s of %s were not fetched, and yet there are %d", what, site.ID, *c.TotalCount)
			}
		}
	}
	if len(answer.Pois.Nodes) != sites || known != 2*fetched {
		t.Errorf("%d sites, of which %d lists are known, want %d and %d", len(answer.Pois.Nodes), known, sites, 2*fetched)
	}
}

// A source that would not page on has more comments than it gave: the list says
// so, and not how many there are, while the photos are all there.
func TestCommentsThatCouldNotBeReadAreNotCounted(t *testing.T) {
	t.Parallel()
	url := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		const reviews = `[{"id": 1, "rating": 1}, {"id": 2, "rating": 0}]`
		switch {
		case strings.HasSuffix(r.URL.Path, "/networks"):
			http.NotFound(w, r)
		case strings.HasSuffix(r.URL.Path, "/reviews"):
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = io.WriteString(w, `{"id": 1, "name": "Site", "access": 1, "latitude": 52, "longitude": 5, "stations": [], "total_reviews": 60, "reviews": `+reviews+`}`)
		}
	}))
	s := newService(t, loaders.Config{Clock: fixedNow}, plugShareAt(t, url, plugshare.Config{Key: "key", Secret: "secret"}))
	type children struct {
		TotalCount *int
		Nodes      []struct{ ID string }
		Sources    []struct {
			Outcome string
			Error   *struct{ Message string }
		}
	}
	var answer struct {
		POI struct{ Comments, Photos children }
	}
	s.mustAsk(t, `{ poi(by: {id: "poi:plugshare:1~0"}) {
		comments { totalCount nodes { id } sources { outcome error { message } } } photos { totalCount sources { outcome } }
	} }`, nil, &answer)
	c, p := answer.POI.Comments, answer.POI.Photos
	if c.TotalCount != nil || len(c.Nodes) != 2 || c.Sources[0].Outcome != "PARTIAL" || c.Sources[0].Error == nil || !strings.Contains(c.Sources[0].Error.Message, "more comments") {
		t.Errorf("comments: %+v", c)
	}
	if p.TotalCount == nil {
		t.Errorf("photos: %+v", p)
	}
}

// hiddenLocations are what recorded feeds hold little of: what must not be shown,
// and one location in several versions.
const hiddenLocations = `[
	{"country_code": "NL", "party_id": "ABC", "id": "unpublished", "publish": false, "name": "Depot", "address": "A 1", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.001000", "longitude": "4.351000"}, "last_updated": "2026-06-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "AVAILABLE", "connectors": [{"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE"}]}]},
	{"country_code": "NL", "party_id": "ABC", "id": "gone", "publish": true, "address": "A 2", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.002000", "longitude": "4.352000"}, "last_updated": "2026-06-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "REMOVED", "connectors": []}]},
	{"country_code": "NL", "party_id": "ABC", "id": "empty", "publish": true, "address": "A 3", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.003000", "longitude": "4.353000"}, "last_updated": "2026-06-01T00:00:00Z", "evses": []},
	{"country_code": "NL", "party_id": "ABC", "id": "nowhere", "publish": true, "address": "A 4", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": null, "longitude": null}, "last_updated": "2026-06-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "AVAILABLE", "connectors": []}]},
	{"country_code": "NL", "party_id": "ABC", "id": "null-island", "publish": true, "address": "A 5", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "0.000000", "longitude": "0.000000"}, "last_updated": "2026-06-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "AVAILABLE", "connectors": []}]},
	{"country_code": "NL", "party_id": "ABC", "id": "twice", "publish": true, "name": "Old name", "address": "A 6", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.016000", "longitude": "4.356000"}, "last_updated": "2026-06-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "CHARGING", "connectors": [{"id": "1", "standard": "CHADEMO", "format": "CABLE", "power_type": "DC"}]}]},
	{"country_code": "nl", "party_id": "abc", "id": "TWICE", "publish": true, "name": "New name", "address": "A 6", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.016100", "longitude": "4.356100"}, "last_updated": "2026-06-02T00:00:00Z",
	 "evses": [
		{"uid": "u", "status": "RESERVED", "last_updated": "2026-06-02T00:00:00Z", "connectors": [{"id": "1", "standard": "CHADEMO", "format": "CABLE", "power_type": "DC", "max_voltage": 400, "max_amperage": 125}]},
		{"uid": "v", "status": "REMOVED", "connectors": [{"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE"}]},
		{"uid": "w", "status": "PLANNED", "connectors": [{"id": "1", "standard": "IEC_62196_T1", "format": "CABLE", "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 16}]}]},
	{"country_code": "NL", "party_id": "ABC", "id": "Twice", "publish": true, "name": "Older name", "address": "A 6", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.016000", "longitude": "4.356000"}, "last_updated": "2026-05-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "AVAILABLE", "connectors": []}]},
	{"country_code": "NL", "party_id": "ABC", "id": "withdrawn", "publish": true, "name": "Shown once", "address": "A 7", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.017000", "longitude": "4.357000"}, "last_updated": "2026-06-01T00:00:00Z",
	 "evses": [{"uid": "u", "status": "AVAILABLE", "connectors": []}]},
	{"country_code": "NL", "party_id": "ABC", "id": "withdrawn", "publish": false, "name": "Hidden since", "address": "A 7", "city": "Delft", "country": "NLD",
	 "coordinates": {"latitude": "52.017000", "longitude": "4.357000"}, "last_updated": "2026-06-03T00:00:00Z",
	 "evses": [{"uid": "u", "status": "AVAILABLE", "connectors": []}]},
	{"country_code": "NL", "party_id": "ABC", "id": "kept", "publish": true, "name": "Garage", "address": "A 8", "city": "Delft", "country": "NLD", "state": "ZH",
	 "coordinates": {"latitude": "52.018000", "longitude": "4.358000"}, "last_updated": "2026-06-01T12:00:00+02:00", "parking_type": "UNDERGROUND_GARAGE",
	 "facilities": ["CAFE", "SUPERMARKET", "TRAIN_STATION", "WIFI"], "help_phone": "+31201234567", "owner": {"name": "Garage B.V."},
	 "directions": [{"language": "nl", "text": "Links"}, {"language": "en", "text": "Left, then <b>down</b>"}],
	 "images": [{"url": "https://img.example/1.jpg", "thumbnail": "https://img.example/1s.jpg", "category": "ENTRANCE", "type": "jpeg"},
		{"url": "https://img.example/logo.png", "category": "OPERATOR", "type": "png"}],
	 "opening_times": {"twentyfourseven": false, "regular_hours": [{"weekday": 2, "period_begin": "07:00", "period_end": "24:00"}, {"weekday": 1, "period_begin": "07:00", "period_end": "22:30"}],
		"exceptional_closings": [{"period_begin": "2026-12-25T00:00:00Z", "period_end": "2026-12-26T00:00:00Z"}],
		"exceptional_openings": [{"period_begin": "2026-12-24T06:00:00Z", "period_end": "2026-12-24T23:00:00Z"}]},
	 "evses": [
		{"uid": "a", "evse_id": "NL*ABC*E1", "status": "INOPERATIVE", "floor_level": "-2", "physical_reference": "7", "capabilities": ["CREDIT_CARD_PAYABLE", "RFID_READER"],
		 "coordinates": {"latitude": "52.018010", "longitude": "4.358010"},
		 "connectors": [{"id": "1", "standard": "IEC_62196_T2", "format": "CABLE", "power_type": "AC_3_PHASE", "max_voltage": 400, "max_amperage": 32},
			{"id": "2", "standard": "SAE_J3400", "format": "CABLE", "power_type": "DC", "max_voltage": 920, "max_amperage": 400, "max_electric_power": 150000}]},
		{"uid": "b", "evse_id": "NL*ABC*E2", "status": "OUTOFORDER", "connectors": [{"id": "1", "standard": "iec_62196_t2", "format": "CABLE", "power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 32},
			{"id": "2", "standard": "DOMESTIC_F", "format": "SOCKET", "power_type": "AC_1_PHASE", "max_voltage": 230, "max_amperage": 8}]},
		{"uid": "c", "evse_id": "NL*ABC*E3", "status": "AVAILABLE", "parking_restrictions": ["DISABLED"], "connectors": [{"id": "0", "standard": "SAE_J3400", "format": "CABLE", "power_type": "DC", "max_voltage": 500, "max_amperage": 400, "max_electric_power": 150000},
			{"id": "1", "standard": "MCS", "format": "CABLE", "power_type": "DC", "max_voltage": 1000, "max_amperage": 1000},
			{"id": "2", "standard": "NEW_PLUG", "format": "CABLE", "power_type": "AC_2_PHASE_SPLIT", "max_voltage": 120, "max_amperage": 40}]}]}
]`

// ---- how they are read -----------------------------------------------------------------------------------

// feedsFolder returns a folder of recorded answers, or skips the test.
func feedsFolder(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(feedsData, name)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no recorded answers: %v (they are kept outside of the repository, CI has them)", err)
	}
	return folder
}

// recordedPlugShare returns a source that asks a server of recorded answers.
func recordedPlugShare(t *testing.T, path string, networks bool) *plugshare.Source {
	t.Helper()
	simulator, err := sandbox.NewPlugShare(nil, sandbox.PlugShareOptions{File: path, Key: "key", Secret: "secret", Now: fixedNow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = simulator.Close() })
	url := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/networks") && !networks {
			http.NotFound(w, r) // a search names none: what there is, is not recorded
			return
		}
		simulator.ServeHTTP(w, r)
	}))
	// One of the recorded locations has 3,012 reviews, which is seven calls more.
	return plugShareAt(t, url, plugshare.Config{Key: "key", Secret: "secret", Timeout: loaders.MaxTimeout})
}

func plugShareAt(t *testing.T, url string, cfg plugshare.Config) *plugshare.Source {
	t.Helper()
	cfg.ID, cfg.URL, cfg.Clock = "plugshare", url+"/v3", fixedNow
	source, err := plugshare.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// recordedOCPI returns the versions endpoint of a server of recorded answers.
func recordedOCPI(t *testing.T, options sandbox.OCPIOptions) string {
	t.Helper()
	options.Now = fixedNow
	simulator, err := sandbox.NewOCPI(nil, options)
	if err != nil {
		t.Fatal(err)
	}
	return served(t, simulator) + "/ocpi/versions"
}

// served serves a handler as long as the test lasts.
func served(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		if simulator, ok := handler.(interface{ Close() error }); ok {
			_ = simulator.Close()
		}
		server.Close()
	})
	return server.URL
}

// pulled returns a feed that has been read once, without an error.
func pulled(t *testing.T, cfg ocpi.Config) providers.Provider {
	t.Helper()
	syncer := keepPulling(t, newFeed(t, cfg))
	if err := syncer.WaitFirst(t.Context()); err != nil {
		t.Fatalf("%s: %v", cfg.Name, err)
	}
	return syncer.Source()
}

// keepPulling keeps a source in step as long as the test lasts.
func keepPulling(t *testing.T, puller store.Puller) *store.Syncer {
	t.Helper()
	syncer, err := store.NewSyncer(puller, store.SyncConfig{Clock: fixedNow})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = syncer.Run(ctx) }) // it ends without an error, when ctx does
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return syncer
}

// written writes a file of the test's own.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feed.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writtenNow writes locations to a file that is as old as the test's clock says.
func writtenNow(t *testing.T, locations []object) string {
	t.Helper()
	text, err := json.Marshal(locations)
	if err != nil {
		t.Fatal(err)
	}
	path := written(t, string(text))
	if err := os.Chtimes(path, fixedNow(), fixedNow()); err != nil {
		t.Fatal(err)
	}
	return path
}

// apart deals locations out to several feeds, so that no feed has a site twice:
// the national feed names many EVSEs at two locations, which the graph shows as one.
func apart(locations []object) [][]object {
	var layers [][]object
	var taken []map[string]bool
	for _, l := range locations {
		names := []string{l.text("name")}
		for _, e := range l.list("evses") {
			names = append(names, providers.NormalEVSEID(e.text("evse_id")))
		}
		at := slices.IndexFunc(taken, func(has map[string]bool) bool {
			return !slices.ContainsFunc(names, func(name string) bool { return has[name] })
		})
		if at < 0 {
			at = len(layers)
			layers, taken = append(layers, nil), append(taken, make(map[string]bool))
		}
		layers[at] = append(layers[at], l)
		for _, name := range names {
			taken[at][name] = true
		}
	}
	return layers
}

// gathered writes the examples of several files into one list: whole locations,
// lists of them, and whatever else there is. Examples that have one id are
// versions of one location, so that each gets an id of its own.
func gathered(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file %s: %v", pattern, err)
	}
	var list []any
	for i, file := range files {
		for _, o := range readJSONFile(t, file) {
			examples := o.list("data")
			switch {
			case examples != nil:
			case o.object("data") != nil:
				examples = []object{o.object("data")}
			default:
				examples = []object{o}
			}
			for _, example := range examples {
				if id := example.text("id"); id != "" && example["coordinates"] != nil {
					example["id"] = fmt.Sprintf("%d-%s", i, id)
					// Sites that are one site would be shown as one.
					spot := example.object("coordinates")
					lat, _ := strconv.ParseFloat(fmt.Sprint(spot["latitude"]), 64)
					spot["latitude"] = strconv.FormatFloat(lat+float64(i)/10, 'f', 6, 64)
					for _, e := range example.list("evses") {
						if id := e.text("evse_id"); id != "" {
							e["evse_id"] = id + strconv.Itoa(i)
						}
					}
				}
				list = append(list, example)
			}
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, string(text))
}

// locationsIn reads the locations of a file, whatever stands around them.
func locationsIn(t *testing.T, path string) []object {
	t.Helper()
	all := readJSONFile(t, path)
	if len(all) != 1 {
		return all
	}
	for _, name := range []string{"data", "items", "content"} {
		if _, is := all[0][name].([]any); is {
			return all[0].list(name)
		}
	}
	return all
}

// allOf reads every POI of one source, planned ones too, page by page.
func allOf(t *testing.T, s *service, source, fields string) []feedSaid {
	t.Helper()
	query := `query($after: String) { pois(area: ` + wholeWorld + `, filter: {includePlanned: true}, first: 300, after: $after, sources: {includeIds: ["` + source + `"]}) {
		totalCount truncated pageInfo { hasNextPage endCursor } sources { source { id } outcome }
		nodes { ` + fields + ` }
	} }`
	var pois []feedSaid
	var after *string
	for {
		var answer struct {
			Pois struct {
				TotalCount *int
				Truncated  bool
				PageInfo   struct {
					HasNextPage bool
					EndCursor   *string
				}
				Sources []struct {
					Source  struct{ ID string }
					Outcome string
				}
				Nodes []feedSaid
			}
		}
		s.mustAsk(t, query, vars{"after": after}, &answer)
		pois = append(pois, answer.Pois.Nodes...)
		for _, r := range answer.Pois.Sources {
			if asked := r.Source.ID == source; answer.Pois.Truncated || asked && r.Outcome != "OK" || !asked && r.Outcome != "SKIPPED" {
				t.Fatalf("the answer is not whole: %+v", answer.Pois.Sources)
			}
		}
		if after = answer.Pois.PageInfo.EndCursor; answer.Pois.PageInfo.HasNextPage {
			continue
		}
		if answer.Pois.TotalCount == nil || *answer.Pois.TotalCount != len(pois) {
			t.Fatalf("the pages hold %d POIs, the total says %v", len(pois), answer.Pois.TotalCount)
		}
		return pois
	}
}

// ---- how they are compared -------------------------------------------------------------------------------

// compared counts what was compared.
type compared map[string]int

func (n compared) log(t *testing.T) {
	t.Helper()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[what], what))
	}
	t.Logf("compared: %s", strings.Join(parts, ", "))
}

// compareFeed compares POIs with what their records are to say, by the records'
// external ids. It returns the ids of the POIs.
func compareFeed(t *testing.T, got []feedSaid, want map[string]feedSaid, n compared) []string {
	t.Helper()
	var ids []string
	shown := make(map[string]bool)
	for _, site := range got {
		var members []feedSaid
		for _, r := range site.Records {
			if shown[r.ExternalID] {
				t.Errorf("record %s is shown twice", r.ExternalID)
			}
			shown[r.ExternalID] = true
			member, known := want[r.ExternalID]
			if !known {
				t.Errorf("%s shows record %s, which is hidden or not there at all", site.ID, r.ExternalID)
				continue
			}
			members = append(members, member)
		}
		if len(members) != len(site.Records) {
			continue
		}
		ids = append(ids, site.ID)
		n["records"] += len(members)
		n["EVSEs"] += len(site.EVSEs)
		n["stations"] += len(site.Stations)
		n["connections"] += len(site.Connections)
		n["comments"] += len(site.Comments.Nodes)
		n["photos"] += len(site.Photos.Nodes)
		if len(members) > 1 {
			n["merged sites"]++
			compareMergedFeed(t, members, site)
			continue
		}
		n["records compared in full"]++
		compareFeedSite(t, members[0], site, n)
	}
	for external := range want {
		if !shown[external] {
			t.Errorf("record %s is not shown", external)
		}
	}
	return ids
}

// compareMergedFeed compares a site of several records with what holds however
// they are merged: whatever it says, one of them says, and of what people would
// look for nothing is lost or doubled.
func compareMergedFeed(t *testing.T, members []feedSaid, got feedSaid) {
	t.Helper()
	var records []feedRecordSaid
	var comments []reviewSaid
	var photos []pictureSaid
	types, plugged := make(map[string]bool), make(map[string]bool)
	evses, stations := make(map[string]evseSaid), make(map[string]stationSaid)
	var updated instantSaid
	tidy(reflect.ValueOf(&got).Elem())
	for i := range members {
		tidy(reflect.ValueOf(&members[i]).Elem())
		m := members[i]
		if arcM(members[0].Location, m.Location) > 100 {
			t.Errorf("%s and %s are one, and far apart", members[0].ID, m.ID)
		}
		records = append(records, m.Records...)
		comments, photos = append(comments, m.Comments.Nodes...), append(photos, m.Photos.Nodes...)
		for _, e := range m.EVSEs {
			evses[e.ID] = e
			plugged[providers.NormalEVSEID(e.EvseID)] = true
		}
		for _, s := range m.Stations {
			stations[s.ID] = s
		}
		for _, c := range m.Connections {
			types[c.Type] = true
		}
		updated = latestOf(updated, m.UpdatedAt)
	}
	differs := func(what string, want, got any) {
		t.Helper()
		tidy(reflect.ValueOf(want).Elem())
		tidy(reflect.ValueOf(got).Elem())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s mismatch (-file +graph):\n%s", members[0].ID, what, diff)
		}
	}
	for i := range comments {
		comments[i].POI.ID = got.ID
	}
	for i := range photos {
		photos[i].POI.ID = got.ID
	}
	slices.SortFunc(comments, func(a, b reviewSaid) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(got.Comments.Nodes, func(a, b reviewSaid) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(photos, func(a, b pictureSaid) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(got.Photos.Nodes, func(a, b pictureSaid) int { return strings.Compare(a.ID, b.ID) })
	for i := range min(len(records), len(got.Records)) {
		if id := got.Records[i].Operator; id != nil && records[i].Operator != nil && strings.HasPrefix(id.ID, "operator:ocm:") {
			records[i].Operator.ID, records[i].Attribution = id.ID, got.Records[i].Attribution // a company that several providers know
		}
	}
	differs("records", &records, &got.Records)
	differs("comments", &comments, &got.Comments.Nodes)
	differs("photos", &photos, &got.Photos.Nodes)
	differs("updatedAt", &updated, &got.UpdatedAt)
	for _, e := range got.EVSEs {
		want := evses[e.ID]
		settlePlugs(want.Connections, e.Connections)
		differs("EVSE", &want, &e)
		if id := providers.NormalEVSEID(e.EvseID); !plugged[id] && id != "" {
			t.Errorf("%s has EVSE %s twice", got.ID, e.EvseID)
		} else {
			delete(plugged, id)
		}
	}
	for id := range plugged {
		t.Errorf("%s has lost its EVSE %s", got.ID, id)
	}
	for _, s := range got.Stations {
		want := stations[s.ID]
		settlePlugs(want.Connections, s.Connections)
		differs("station", &want, &s)
		delete(stations, s.ID)
	}
	for id := range stations {
		t.Errorf("%s has lost its station %s", got.ID, id)
	}
	for _, c := range got.Connections {
		delete(types, c.Type)
		c.ID = ""
		if !slices.ContainsFunc(members, func(m feedSaid) bool {
			return slices.ContainsFunc(m.Connections, func(p plugSaid) bool {
				open := []plugSaid{p}
				settlePlugs(open, []plugSaid{c})
				return reflect.DeepEqual(open[0], c)
			})
		}) {
			t.Errorf("%s has plugs that none of its records has: %+v", got.ID, c)
		}
	}
	for kind := range types {
		t.Errorf("%s has lost its plugs of type %s", got.ID, kind)
	}
	for _, name := range []string{
		"Title", "Location", "Address", "Usage", "Status", "Cost", "UsageCost", "NumberOfPoints", "TimeZone", "Owner", "OtherConnectors",
		"AccessComments", "GeneralComments", "Contact", "OpeningHours", "Availability", "CreatedAt", "PlannedFor",
	} {
		said := reflect.ValueOf(got).FieldByName(name).Interface()
		if !slices.ContainsFunc(members, func(m feedSaid) bool {
			return reflect.DeepEqual(reflect.ValueOf(m).FieldByName(name).Interface(), said)
		}) {
			t.Errorf("%s: no record says its %s: %v", got.ID, name, said)
		}
	}
}

func compareFeedSite(t *testing.T, want, got feedSaid, n compared) {
	t.Helper()
	n["values"] += valuesIn(reflect.ValueOf(want))
	for i, c := range got.Comments.Nodes {
		if i > 0 && got.Comments.Nodes[i-1].CreatedAt.before(c.CreatedAt) {
			t.Errorf("%s: comment %s is newer than the one before it", got.ID, c.ID)
		}
	}
	if got.Comments.PageInfo.HasNextPage || got.Photos.PageInfo.HasNextPage {
		t.Errorf("%s has more comments or photos than a source gives", got.ID)
	}
	// Ids of groups of plugs and of photos without a number say nothing; but they
	// are ids.
	seen := make(map[string]bool)
	for i := range got.Connections {
		id := &got.Connections[i].ID
		if *id == "" || seen[*id] {
			t.Errorf("%s has connections of one id, %q", got.ID, *id)
		}
		seen[*id] = true
		*id = ""
	}
	slices.SortFunc(want.Photos.Nodes, func(a, b pictureSaid) int { return strings.Compare(a.URL, b.URL) })
	slices.SortFunc(got.Photos.Nodes, func(a, b pictureSaid) int { return strings.Compare(a.URL, b.URL) })
	for i := range got.Photos.Nodes {
		id := &got.Photos.Nodes[i].ID
		if *id == "" || seen[*id] {
			t.Errorf("%s has photos of one id, %q", got.ID, *id)
		}
		seen[*id] = true
		if i < len(want.Photos.Nodes) && want.Photos.Nodes[i].ID == "" {
			*id = ""
		}
	}
	slices.SortFunc(want.Comments.Nodes, func(a, b reviewSaid) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(got.Comments.Nodes, func(a, b reviewSaid) int { return strings.Compare(a.ID, b.ID) })
	settleFeed(&want, &got)
	tidy(reflect.ValueOf(&want).Elem())
	tidy(reflect.ValueOf(&got).Elem())
	if reflect.DeepEqual(want, got) {
		return // what follows says why not, and takes its time
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s mismatch (-file +graph):\n%s", got.ID, diff)
	}
}

// settleFeed takes over from got what want leaves open.
func settleFeed(want, got *feedSaid) {
	if want.Operator != nil && got.Operator != nil && want.Operator.Records != nil {
		// Of a company that several providers know, the graph shows one id and the
		// best name; the file's is that of the provider's own record.
		own := want.Operator.Records[0]
		for _, r := range got.Operator.Records {
			if r.Provider != own.Provider || r.ExternalID != own.ExternalID {
				continue
			}
			if own.Title == anyTitle {
				want.Operator.Records[0].Title = r.Title
			}
			if own.Provider == "OCPI" && strings.HasPrefix(got.Operator.ID, "operator:ocm:") {
				want.Operator.ID, want.Operator.Title = got.Operator.ID, got.Operator.Title
				want.Records[0].Operator.ID, want.Records[0].Attribution.Text = got.Operator.ID, got.Operator.Title
			}
			got.Operator.Records = []companyRecordSaid{r}
			break
		}
		if want.Operator.Title == anyTitle {
			want.Operator.Title = got.Operator.Title
		}
		if own.Provider == "PLUGSHARE" { // its list of networks knows more
			want.Operator.Website, want.Operator.Logo, want.Operator.Phone = got.Operator.Website, got.Operator.Logo, got.Operator.Phone
		}
	}
	settlePlugs(want.Connections, got.Connections)
	for i := range min(len(want.EVSEs), len(got.EVSEs)) {
		settlePlugs(want.EVSEs[i].Connections, got.EVSEs[i].Connections)
	}
	for i := range min(len(want.Stations), len(got.Stations)) {
		settlePlugs(want.Stations[i].Connections, got.Stations[i].Connections)
	}
	for i := range min(len(want.Records), len(got.Records)) {
		if want.Records[i].Attribution.Text == anyTitle && got.Records[i].Attribution.Text != "" {
			want.Records[i].Attribution.Text = got.Records[i].Attribution.Text
		}
	}
}

func settlePlugs(want, got []plugSaid) {
	for i := range min(len(want), len(got)) {
		if want[i].Availability == someState && got[i].Availability != "" {
			want[i].Availability = got[i].Availability
		}
		if want[i].Comments == unsaid {
			want[i].Comments = got[i].Comments
		}
	}
}

// tidy makes empty lists nil.
func tidy(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Len() == 0 && v.CanSet() {
			v.SetZero()
		}
		for i := range v.Len() {
			tidy(v.Index(i))
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				tidy(f)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			tidy(v.Elem())
		}
	default:
	}
}

// valuesIn counts the single values that are said.
func valuesIn(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			n += valuesIn(v.Index(i))
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			n += valuesIn(f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			n = max(1, valuesIn(v.Elem()))
		}
	default:
		if !v.IsZero() {
			n = 1
		}
	}
	return n
}

func larger(a, b *float64) *float64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

type (
	feedSaid struct {
		ID       string
		Title    prose
		Location positionSaid
		Address  struct {
			Line1, Line2, Town, StateOrProvince, Postcode, Formatted prose
			CountryCode                                              string
		}
		Operator                                                          *companySaid
		Usage, Status, Cost                                               string
		UsageCost                                                         prose
		NumberOfPoints                                                    *int
		MaxPowerKw                                                        *float64
		TimeZone, Owner, OtherConnectors, AccessComments, GeneralComments prose
		Contact                                                           *contactSaid
		Parking, Amenities                                                []string
		OpeningHours                                                      *hoursSaid
		Availability                                                      *countsSaid
		Connections                                                       []plugSaid
		EVSEs                                                             []evseSaid
		Stations                                                          []stationSaid
		Comments                                                          reviewsSaid
		Photos                                                            struct {
			TotalCount int
			PageInfo   struct{ HasNextPage bool }
			Nodes      []pictureSaid
		}
		Rating *scoreSaid
		Links  struct {
			Canonical string
			Providers []struct{ Provider, View string }
		}
		CreatedAt, UpdatedAt, PlannedFor, LastVerifiedAt, LastConfirmedAt instantSaid
		IsRecentlyVerified                                                *bool
		Records                                                           []feedRecordSaid
	}
	companySaid struct {
		ID            string
		Title         prose
		Website, Logo string
		Phone         prose
		Records       []companyRecordSaid
	}
	companyRecordSaid struct {
		Provider, ExternalID string
		Title                prose
	}
	countsSaid struct {
		Unit                                              string
		Total, Available, Occupied, OutOfService, Unknown int
		ObservedAt                                        instantSaid
	}
	plugSaid struct {
		ID, Type, Current, Status, Format string
		PowerKw, Voltage, Amps            *float64
		Quantity, Level                   *int
		Availability                      string
		AvailabilityUpdatedAt             instantSaid
		Reference, Comments               prose
		Record                            struct{ ExternalID string }
	}
	evseSaid struct {
		ID, EvseID        string
		PhysicalReference prose
		Status            string
		StatusUpdatedAt   instantSaid
		Capabilities      []string
		Floor             prose
		Location          *positionSaid
		Record            struct{ ExternalID string }
		Connections       []plugSaid
	}
	stationSaid struct {
		ID                                    string
		Name                                  prose
		Operator                              *struct{ ID string }
		NetworkReference, Manufacturer, Model prose
		Cost                                  string
		CostDescription                       prose
		Status                                string
		StatusUpdatedAt, CreatedAt            instantSaid
		OcppVersion                           prose
		Record                                struct{ ExternalID string }
		Connections                           []plugSaid
	}
	hoursSaid struct {
		Open24h *bool
		Weekly  []struct {
			Weekday       int
			Opens, Closes string
		}
		Exceptions []struct {
			From, To instantSaid
			Open     bool
		}
		Text prose
	}
	reviewsSaid struct {
		PageInfo struct {
			HasNextPage bool
			EndCursor   *string
		}
		Nodes []reviewSaid
	}
	reviewSaid struct {
		ID, Kind, Outcome, Sentiment string
		Rating                       *int
		Text                         prose
		RelatedURL                   string
		Author                       *authorSaid
		Vehicle                      prose
		Volts, Amps                  *int
		PowerKw                      *float64
		FinishedAt                   instantSaid
		SharedWithLocation           bool
		CreatedAt                    instantSaid
		Provider                     string
		Pending                      bool
		Record                       struct{ ExternalID string }
		POI                          struct{ ID string }
	}
	pictureSaid struct {
		ID, URL, Thumbnail              string
		Caption                         prose
		IsVideo, IsExternal, IsFeatured bool
		Author                          *struct{ DisplayName prose }
		CreatedAt                       instantSaid
		Provider                        string
		Record                          struct{ ExternalID string }
		POI                             struct{ ID string }
	}
	scoreSaid struct {
		Average                      *float64
		Count, Successes, Failures   int
		LastSuccessAt, LastFailureAt instantSaid
		ProviderScores               []struct {
			Provider        string
			Value, ScaleMax float64
		}
	}
	feedRecordSaid struct {
		ID, Provider, ExternalID, ParentExternalID, URL, Icon string
		Title                                                 prose
		Location                                              positionSaid
		Operator                                              *struct{ ID string }
		Metadata                                              []metadataSaid
		UpdatedAt, FetchedAt                                  instantSaid
		Attribution                                           struct{ Text prose }
	}
)

// someState says that there is a live state; which of several it is, is open.
const someState = "*"

// now is the moment at which everything was read.
func now() instantSaid { return instantSaid(fixedNow().Format(time.RFC3339Nano)) }

// ---- what wire values mean -------------------------------------------------------------------------------

// figure is a number, written as one or as a text.
func figure(o object, name string) (float64, bool) {
	switch v := o[name].(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return 0, false
}

// amount is a number above 0, or nil.
func amount(o object, names ...string) *float64 {
	for _, name := range names {
		if v, ok := figure(o, name); ok && v > 0 {
			return &v
		}
	}
	return nil
}

// whole is a number above 0 in whole units, or nil.
func whole(o object, name string) *int {
	if v := amount(o, name); v != nil && math.Round(*v) >= 1 {
		return new(int(math.Round(*v)))
	}
	return nil
}

// naming is a text or a number as text.
func naming(o object, name string) string {
	if v, ok := o[name].(float64); ok {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.TrimSpace(o.text(name))
}

// moment is a date, or "" for what is none.
func moment(text string) instantSaid {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return instantSaid(at.UTC().Format(time.RFC3339Nano))
		}
	}
	return ""
}

func placeOf(o object) (positionSaid, bool) {
	lat, okLat := figure(o, "latitude")
	lon, okLon := figure(o, "longitude")
	at := positionSaid{Latitude: lat, Longitude: lon}
	return at, okLat && okLon && math.Abs(lat) <= 90 && math.Abs(lon) <= 180 && at != positionSaid{}
}

func only(o object, names []string) object {
	some := object{}
	for _, name := range names {
		if v, ok := o[name]; ok {
			some[name] = v
		}
	}
	return some
}

// crosswalkColumn reads a table of the crosswalk: for each word in a column, the
// values that its rows offer, in their order.
func crosswalkColumn(t *testing.T, table, column string) map[string][]string {
	t.Helper()
	values := make(map[string][]string)
	for _, row := range readJSONFile(t, filepath.Join(feedsData, "crosswalk", table+".json"))[0].list("rows") {
		var cells []any
		switch v := row[column].(type) {
		case []any:
			cells = v
		case string:
			for part := range strings.SplitSeq(v, "|") {
				cells = append(cells, part)
			}
		case float64:
			cells = append(cells, v)
		}
		for _, cell := range cells {
			if word := strings.ToUpper(strings.TrimSpace(fmt.Sprint(cell))); word != "" {
				values[word] = append(values[word], row.text("unified"))
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("crosswalk %s has no column %s", table, column)
	}
	return values
}

func firstValue(values []string) string {
	if len(values) == 0 {
		return "UNKNOWN"
	}
	return values[0]
}

// sumOfStates is the life cycle of a site by the live states of its equipment.
func sumOfStates(states []string) string {
	count := make(map[string]int)
	for _, s := range states {
		switch s {
		case "AVAILABLE", "CHARGING", "OCCUPIED", "BLOCKED", "RESERVED":
			count["works"]++
		case "OUT_OF_ORDER", "UNDER_REPAIR":
			count["broken"]++
		case "PLANNED":
			count["planned"]++
		default:
			count[s]++
		}
	}
	out := count["broken"] + count["INOPERATIVE"]
	switch {
	case count["planned"] == len(states) && len(states) > 0:
		return "PLANNED"
	case count["works"] > 0 && out > 0:
		return "PARTLY_OPERATIONAL"
	case count["works"] > 0:
		return "OPERATIONAL"
	case out == 0 || count["UNKNOWN"] > 0:
		return "UNKNOWN"
	case count["INOPERATIVE"] > 0:
		return "TEMPORARILY_UNAVAILABLE"
	}
	return "NOT_OPERATIONAL"
}

// countOf counts live states; nil where none is known.
func countOf(unit string, states []string) *countsSaid {
	c := countsSaid{Unit: unit, ObservedAt: now()}
	for _, s := range states {
		switch s {
		case "AVAILABLE":
			c.Available++
		case "CHARGING", "OCCUPIED", "BLOCKED", "RESERVED":
			c.Occupied++
		case "INOPERATIVE", "OUT_OF_ORDER", "UNDER_REPAIR":
			c.OutOfService++
		case "PLANNED", "REMOVED":
			continue
		default:
			c.Unknown++
		}
		c.Total++
	}
	if c.Total == c.Unknown && !slices.Contains(states, "OFFLINE") {
		return nil
	}
	return &c
}

func levelOf(kw *float64) *int {
	switch {
	case kw == nil:
		return nil
	case *kw < 2:
		return new(1)
	case *kw <= 40:
		return new(2)
	}
	return new(3)
}

// agreedOn is what both say, or nil.
func agreedOn(a, b *float64) *float64 {
	if a == nil || b == nil || *a != *b {
		return nil
	}
	return a
}

// ---- the naive reading of OCPI ---------------------------------------------------------------------------

type ocpiReading struct {
	connectors, currents, amenities, parkings map[string][]string
}

func newOCPIReading(t *testing.T) *ocpiReading {
	t.Helper()
	return &ocpiReading{
		connectors: crosswalkColumn(t, "connectors", "ocpi"), currents: crosswalkColumn(t, "current_type", "ocpi_power_type"),
		amenities: crosswalkColumn(t, "amenities", "ocpi_facility"), parkings: crosswalkColumn(t, "parking", "ocpi_parking_type"),
	}
}

// ocpiName is the name of a location in its source.
func ocpiName(l object) string {
	id := strings.ToUpper(naming(l, "id"))
	if l.text("country_code") != "" && l.text("party_id") != "" {
		id = strings.ToUpper(l.text("country_code")+"*"+l.text("party_id")) + "*" + id
	}
	return id
}

// newestOfEach returns of the versions of one location the newest, and drops
// what is no location.
func newestOfEach(list []object) []object {
	newest := make(map[string]object)
	for _, l := range list {
		if naming(l, "id") == "" || l["coordinates"] == nil && l["evses"] == nil && l["address"] == nil {
			continue
		}
		before, known := newest[ocpiName(l)]
		if !known || !moment(l.text("last_updated")).before(moment(before.text("last_updated"))) {
			newest[ocpiName(l)] = l
		}
	}
	return slices.Collect(maps.Values(newest))
}

var reEVSEParty = regexp.MustCompile(`^([A-Z]{2})([A-Z0-9]{3})E.`)

// site reads a location as a site of its own, or says why it must not be shown.
func (r *ocpiReading) site(source string, l object) (s feedSaid, why string) {
	external := ocpiName(l)
	key := "ocpi:" + source + ":" + external
	s.ID = "poi:" + key
	var evses []object
	for _, e := range l.list("evses") {
		if e.text("status") != "REMOVED" {
			evses = append(evses, e)
		}
	}
	at, placed := placeOf(l.object("coordinates"))
	switch {
	case l["publish"] == false:
		return s, "not to be published"
	case len(evses) == 0:
		return s, "without EVSEs"
	case !placed:
		return s, "without a position"
	}
	s.Location = at
	s.Address.Line1, s.Address.Town, s.Address.Postcode = l.prose("address"), l.prose("city"), l.prose("postal_code")
	s.Address.StateOrProvince = l.prose("state")
	s.Address.CountryCode = map[string]string{"NLD": "NL", "DEU": "DE", "BEL": "BE", "FRA": "FR", "GBR": "GB", "SWE": "SE"}[l.text("country")]
	s.Title = firstOf(l.prose("name"), s.Address.Line1, s.Address.Town)
	s.Operator = r.operator(l, evses)
	s.Usage, s.Cost = r.usage(l, evses), "UNKNOWN"
	s.TimeZone, s.Owner = l.prose("time_zone"), l.object("owner").prose("name")
	if phone := l.prose("help_phone"); phone != "" {
		s.Contact = &contactSaid{Phone: phone}
	}
	s.AccessComments = l.prose("directions")
	for _, d := range l.list("directions") {
		if s.AccessComments == "" || strings.EqualFold(d.text("language"), "en") {
			s.AccessComments = d.prose("text")
		}
		if strings.EqualFold(d.text("language"), "en") {
			break
		}
	}
	for _, word := range listOfTexts(l["facilities"]) {
		if values := r.amenities[word]; values != nil { // a word of its own stands last
			s.Amenities = append(s.Amenities, values[len(values)-1])
		}
	}
	s.Parking = r.parking(l, evses)
	s.OpeningHours = ocpiHours(l["opening_times"])
	s.UpdatedAt = moment(l.text("last_updated"))
	r.equipment(&s, external, key, evses)
	pictures := l.list("images")
	for _, e := range evses {
		pictures = append(pictures, e.list("images")...)
	}
	for _, p := range pictures {
		known := slices.ContainsFunc(s.Photos.Nodes, func(q pictureSaid) bool { return q.URL == p.text("url") })
		if !known && !slices.Contains([]string{"NETWORK", "OPERATOR", "OWNER"}, p.text("category")) {
			picture := pictureSaid{URL: p.text("url"), Thumbnail: p.text("thumbnail"), Provider: "OCPI"}
			picture.Record.ExternalID, picture.POI.ID = external, s.ID
			s.Photos.Nodes = append(s.Photos.Nodes, picture)
		}
	}
	s.Photos.TotalCount = len(s.Photos.Nodes)
	record := feedRecordSaid{
		ID: "record:" + key, Provider: "OCPI", ExternalID: external, Title: s.Title, Location: s.Location, UpdatedAt: s.UpdatedAt, FetchedAt: now(),
	}
	record.Attribution.Text = anyTitle
	if s.Operator != nil {
		record.Operator = &struct{ ID string }{s.Operator.ID}
		record.Attribution.Text = s.Operator.Title
	}
	s.Records = []feedRecordSaid{record}
	return s, ""
}

func listOfTexts(v any) []string {
	var list []string
	elements, _ := v.([]any)
	for _, e := range elements {
		if s, ok := e.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

func (r *ocpiReading) operator(l object, evses []object) *companySaid {
	said := l.object("operator")
	party := ""
	if l.text("country_code") != "" && l.text("party_id") != "" {
		party = strings.ToUpper(l.text("country_code") + "*" + l.text("party_id"))
	} else {
		// The party of the EVSE ids, where they are of one.
		parties := make(map[string]bool)
		for _, e := range evses {
			id := strings.NewReplacer("*", "", "-", "").Replace(strings.ToUpper(e.text("evse_id")))
			if id == "" { // chargecloud's id is its evse_id
				id = strings.NewReplacer("*", "", "-", "").Replace(strings.ToUpper(e.text("id")))
			}
			if id == "" {
				continue
			}
			found := ""
			if m := reEVSEParty.FindStringSubmatch(id); m != nil {
				found = m[1] + "*" + m[2]
			}
			parties[found] = true
		}
		if len(parties) == 1 {
			for p := range parties {
				party = p
			}
		}
	}
	name := said.prose("name")
	o := &companySaid{
		ID: "operator:ocpi:" + party, Title: firstOf(name, prose(party)), Website: link(said.text("website")), Logo: link(said.object("logo").text("url")), Phone: said.prose("hotline"),
		Records: []companyRecordSaid{{Provider: "OCPI", ExternalID: party, Title: firstOf(name, prose(party))}},
	}
	switch {
	case party == "" && name == "":
		return nil
	case party == "":
		o.ID, o.Records = "operator:ocpi:"+strings.ToLower(string(name)), nil
	}
	return o
}

func (r *ocpiReading) usage(l object, evses []object) string {
	kinds := make(map[string]bool)
	restricted, pays := 0, false
	for _, e := range evses {
		own := ""
		for _, word := range listOfTexts(e["parking_restrictions"]) {
			kind := map[string]string{"CUSTOMERS": "RESTRICTED_CUSTOMERS", "EMPLOYEES": "RESTRICTED_EMPLOYEES", "TENANTS": "RESTRICTED_RESIDENTS", "TAXIS": "RESTRICTED"}[word]
			if kind != "" && own != "" && own != kind {
				kind = "RESTRICTED"
			}
			if kind != "" {
				own = kind
			}
		}
		if own != "" {
			restricted++
			kinds[own] = true
		}
		for _, word := range listOfTexts(e["capabilities"]) {
			switch word {
			case "CREDIT_CARD_PAYABLE", "DEBIT_CARD_PAYABLE", "CONTACTLESS_CARD_SUPPORT", "PED_TERMINAL":
				pays = true
			}
		}
	}
	switch {
	case restricted == len(evses) && len(kinds) == 1:
		for kind := range kinds {
			return kind
		}
	case restricted == len(evses):
		return "RESTRICTED"
	case restricted > 0 || l["publish"] != true:
		return "UNKNOWN"
	case pays:
		return "PUBLIC_PAY_AT_LOCATION"
	}
	return "PUBLIC"
}

func (r *ocpiReading) parking(l object, evses []object) []string {
	var kinds []string
	add := func(kind string, is bool) {
		if is && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, word := range []string{l.text("parking_type"), l.text("type")} {
		if values := r.parkings[word]; values != nil {
			add(values[0], true)
		}
	}
	for _, e := range evses {
		add("DISABLED", slices.Contains(listOfTexts(e["parking_restrictions"]), "DISABLED"))
	}
	for _, p := range l.list("parking_places") {
		add("PULL_THROUGH", p["drive_through"] == true)
		add("PULL_IN", p.text("direction") == "PERPENDICULAR")
		add("TRAILER", slices.Contains(listOfTexts(p["vehicle_types"]), "PERSONAL_VEHICLE_WITH_TRAILER"))
		add("DISABLED", slices.Contains(listOfTexts(p["vehicle_types"]), "DISABLED"))
		add("LIT", p["lighting"] == true)
	}
	return kinds
}

func ocpiHours(v any) *hoursSaid {
	o := object{"it": v}
	times := o.object("it")
	if times == nil {
		if text := o.prose("it"); text != "" {
			return &hoursSaid{Text: text}
		}
		return nil
	}
	var h hoursSaid
	if always, said := times["twentyfourseven"].(bool); said {
		h.Open24h = &always
	}
	for _, p := range times.list("regular_hours") {
		day, _ := figure(p, "weekday")
		h.Weekly = append(h.Weekly, struct {
			Weekday       int
			Opens, Closes string
		}{int(day), p.text("period_begin"), p.text("period_end")})
	}
	slices.SortStableFunc(h.Weekly, func(a, b struct {
		Weekday       int
		Opens, Closes string
	},
	) int {
		return strings.Compare(fmt.Sprint(a.Weekday, a.Opens), fmt.Sprint(b.Weekday, b.Opens))
	})
	for _, name := range []string{"exceptional_openings", "exceptional_closings"} {
		for _, p := range times.list(name) {
			if from, to := moment(p.text("period_begin")), moment(p.text("period_end")); from.before(to) {
				h.Exceptions = append(h.Exceptions, struct {
					From, To instantSaid
					Open     bool
				}{from, to, name == "exceptional_openings"})
			}
		}
	}
	slices.SortStableFunc(h.Exceptions, func(a, b struct {
		From, To instantSaid
		Open     bool
	},
	) int {
		return a.From.time().Compare(b.From.time())
	})
	return &h
}

// ocpiState is a word of OCPI's for a live state.
func ocpiState(word string) string {
	switch word {
	case "OUTOFORDER":
		return "OUT_OF_ORDER"
	case "AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "PLANNED", "RESERVED":
		return word
	}
	return "UNKNOWN"
}

func (r *ocpiReading) equipment(s *feedSaid, external, key string, evses []object) {
	type row struct {
		plugSaid

		states []string
	}
	var rows []*row
	var states []string
	for _, e := range evses {
		state := ocpiState(e.text("status"))
		states = append(states, state)
		live, since := state, now()
		if state == "PLANNED" { // no live state
			live, since = "", ""
		}
		evse := evseSaid{
			ID: "evse:" + key + ":" + naming(e, "uid"), EvseID: naming(e, "evse_id") + naming(e, "id"), PhysicalReference: prose(words(naming(e, "physical_reference"))),
			Status: state, StatusUpdatedAt: since, Capabilities: listOfTexts(e["capabilities"]), Floor: prose(words(naming(e, "floor_level"))),
		}
		evse.Record.ExternalID = external
		if at, ok := placeOf(e.object("coordinates")); ok {
			evse.Location = &at
		}
		var mine []*row
		for _, c := range e.list("connectors") {
			plug := r.plug(c)
			plug.Availability, plug.AvailabilityUpdatedAt, plug.Status = live, since, sumOfStates([]string{state})
			plug.Record.ExternalID = external
			s.MaxPowerKw = larger(s.MaxPowerKw, plug.PowerKw)
			at := slices.IndexFunc(rows, func(g *row) bool {
				return g.Type == plug.Type && g.Comments == plug.Comments && g.Format == plug.Format && g.Current == plug.Current && cmp.Equal(g.PowerKw, plug.PowerKw)
			})
			if at < 0 {
				at = len(rows)
				rows = append(rows, &row{plugSaid: plug})
				rows[at].Quantity = new(0)
			}
			g := rows[at]
			g.Quantity = new(*g.Quantity + 1)
			g.Voltage, g.Amps = agreedOn(g.Voltage, plug.Voltage), agreedOn(g.Amps, plug.Amps)
			if !slices.Contains(mine, g) {
				mine = append(mine, g)
				g.states = append(g.states, state)
			}
			plug.ID = "connection:" + key + ":" + naming(e, "uid") + "/" + naming(c, "id")
			evse.Connections = append(evse.Connections, plug)
		}
		s.EVSEs = append(s.EVSEs, evse)
	}
	for _, g := range rows {
		g.Status = sumOfStates(g.states)
		there := slices.DeleteFunc(slices.Clone(g.states), func(s string) bool { return s == "PLANNED" })
		g.Availability, g.AvailabilityUpdatedAt = "", ""
		if len(there) > 0 {
			g.AvailabilityUpdatedAt = now()
			slices.Sort(there)
			switch all := slices.Compact(slices.Clone(there)); {
			case slices.Contains(all, "AVAILABLE"):
				g.Availability = "AVAILABLE"
			case slices.Contains(all, "UNKNOWN"):
				g.Availability = "UNKNOWN"
			case len(all) == 1:
				g.Availability = all[0]
			default:
				g.Availability = someState
			}
		}
		s.Connections = append(s.Connections, g.plugSaid)
	}
	present := len(states)
	for _, state := range states {
		if state == "PLANNED" {
			present--
		}
	}
	if present == 0 {
		present = len(states)
	}
	s.NumberOfPoints = &present
	s.Status, s.Availability = sumOfStates(states), countOf("EVSE", states)
}

func (r *ocpiReading) plug(c object) plugSaid {
	p := plugSaid{
		Type: firstValue(r.connectors[strings.ToUpper(c.text("standard"))]), Current: firstValue(r.currents[c.text("power_type")]), Format: c.text("format"),
		Voltage: amount(c, "max_voltage", "voltage"), Amps: amount(c, "max_amperage", "amperage", "ampere"),
	}
	if p.Type == "TYPE_1" && p.Current == "AC_THREE_PHASE" {
		p.Current = "AC_SINGLE_PHASE" // nonsense; clamp to one phase
	}
	if p.Type == "UNKNOWN" {
		p.Comments = c.prose("standard")
	}
	switch watts, kw := amount(c, "max_electric_power"), amount(c, "max_power"); {
	case watts != nil:
		p.PowerKw = new(*watts / 1000)
	case kw != nil:
		p.PowerKw = kw
	case p.Voltage != nil && p.Amps != nil:
		phases := map[string]float64{"DC": 1, "AC_SINGLE_PHASE": 1, "AC_TWO_PHASE": 2, "AC_SPLIT_PHASE": 2, "AC_THREE_PHASE": 3}[p.Current]
		if phases == 3 && *p.Voltage >= 300 {
			phases = math.Sqrt(3)
		}
		if phases > 0 {
			p.PowerKw = new(math.Round(phases**p.Voltage**p.Amps) / 1000)
		}
	}
	p.Level = levelOf(p.PowerKw)
	return p
}

// ---- the naive reading of PlugShare ----------------------------------------------------------------------

// plugBrief is what a search says of a location.
func plugBrief(w object) object {
	brief := only(w, []string{
		"access", "address", "available_station_count", "coming_soon", "connector_types", "icon", "icon_type", "id", "in_use_station_count",
		"is_fast_charger", "latitude", "longitude", "name", "score", "station_count", "under_repair", "url",
	})
	stations := []any{}
	for _, s := range w.list("stations") {
		s = only(s, []string{"id", "network_id", "outlets"})
		outlets := []any{}
		for _, o := range s.list("outlets") {
			outlets = append(outlets, map[string]any(only(o, []string{"connector", "id", "kilowatts", "power", "status"})))
		}
		s["outlets"] = outlets
		stations = append(stations, map[string]any(s))
	}
	brief["stations"] = stations
	return brief
}

type plugReading struct {
	connectors, amenities, parkings map[string][]string
	companies                       map[string]object // by network
}

func newPlugReading(t *testing.T) *plugReading {
	t.Helper()
	r := &plugReading{
		connectors: crosswalkColumn(t, "connectors", "plugshare"), amenities: crosswalkColumn(t, "amenities", "plugshare_amenity"),
		parkings: crosswalkColumn(t, "parking", "plugshare_parking_attribute"), companies: make(map[string]object),
	}
	for _, row := range readJSONFile(t, filepath.Join(feedsData, "crosswalk", "networks.json"))[0].list("rows") {
		r.companies[naming(row, "plugshare_id")] = row
	}
	return r
}

// sites reads a location as the sites of its networks.
func (r *plugReading) sites(w object, whole bool) []feedSaid {
	if _, placed := placeOf(w); !placed || naming(w, "access") == "3" || strings.HasPrefix(w.text("icon_type"), "H") {
		return nil
	}
	groups := make(map[string][]object)
	outlets := make(map[string]int)
	for _, s := range w.list("stations") {
		network := naming(s, "network_id")
		if network == "" {
			network = "0"
		}
		groups[network] = append(groups[network], s)
		outlets[network] += len(s.list("outlets"))
	}
	if len(groups) == 0 {
		groups["0"] = nil
	}
	networks := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	main := networks[0]
	for _, network := range networks {
		if outlets[network] > outlets[main] {
			main = network
		}
	}
	var sites []feedSaid
	for _, network := range networks {
		s := r.group(w, network, groups[network])
		if whole {
			r.people(&s, w, groups, network, main)
		}
		s.Records[0].Title, s.Records[0].Location = s.Title, s.Location
		sites = append(sites, s)
	}
	return sites
}

// plugState is a live state of PlugShare's.
type plugState struct {
	status string // "": none is stated
	since  instantSaid
}

func (p plugState) known() bool { return p.status != "" && p.status != "UNKNOWN" }

func (r *plugReading) group(w object, network string, stations []object) (s feedSaid) {
	id := naming(w, "id")
	external := id + "~" + network
	key := "plugshare:" + external
	s.ID = "poi:" + key
	s.Location, _ = placeOf(w)
	parts := w.object("reverse_geocoded_address_components")
	s.Address.Line1, s.Address.Formatted = w.prose("address"), w.prose("reverse_geocoded_address")
	s.Address.Town, s.Address.StateOrProvince, s.Address.Postcode = parts.prose("locality"), parts.prose("administrative_area_1"), parts.prose("postal_code")
	s.Address.CountryCode = parts.text("country_code")
	s.Title = firstOf(w.prose("name"), s.Address.Line1, s.Address.Formatted, prose("Charging site "+id))
	s.Usage = map[string]string{"1": "PUBLIC", "2": "RESTRICTED"}[naming(w, "access")]
	s.OtherConnectors, s.GeneralComments = w.prose("custom_ports"), w.prose("description")
	if phone := firstOf(w.prose("formatted_phone_number"), w.prose("phone")); phone != "" {
		s.Contact = &contactSaid{Phone: phone}
	}
	s.CreatedAt, s.UpdatedAt = moment(w.text("created_at")), moment(w.text("updated_at"))
	s.Operator = r.operator(network, stations)
	for _, word := range listOfTexts(w["parking_attributes"]) {
		if kind := firstValue(r.parkings[word]); !slices.Contains(s.Parking, kind) {
			s.Parking = append(s.Parking, kind)
		}
	}
	if w.text("poi_name") == "Street Parking" {
		s.Parking = append(s.Parking, "ON_STREET")
	}
	if score, scored := figure(w, "score"); scored {
		s.Rating = &scoreSaid{ProviderScores: []struct {
			Provider        string
			Value, ScaleMax float64
		}{{"PLUGSHARE", score, 10}}}
	}
	s.Links.Providers = []struct{ Provider, View string }{{"PLUGSHARE", link(w.text("url"))}}
	record := feedRecordSaid{
		ID: "record:" + key, Provider: "PLUGSHARE", ExternalID: external, ParentExternalID: id, URL: link(w.text("url")), Icon: link(w.text("icon")),
		UpdatedAt: s.UpdatedAt, FetchedAt: now(),
	}
	record.Attribution.Text = "PlugShare"
	for _, name := range []string{"poi_name", "parking_type_name", "parking_level"} {
		if text := w.prose(name); text != "" {
			record.Metadata = append(record.Metadata, metadataSaid{FieldID: name, Value: text})
		}
	}
	if company := r.companies[network]; company.text("match") == "provenance" {
		record.Metadata = append(record.Metadata, metadataSaid{FieldID: "copied_from", Value: company.prose("plugshare_name")})
	}
	if s.Operator != nil {
		record.Operator = &struct{ ID string }{s.Operator.ID}
	}
	s.Records = []feedRecordSaid{record}
	r.equipment(&s, w, external, stations)
	s.Cost, s.UsageCost = r.cost(w, network, stations)
	return s
}

func (r *plugReading) operator(network string, stations []object) *companySaid {
	company := r.companies[network]
	if network == "0" || company.text("match") == "provenance" {
		return nil
	}
	o := &companySaid{ID: "operator:plugshare:" + network, Title: anyTitle}
	if number := naming(company, "ocm_operator_id"); number != "" {
		o.ID = "operator:ocm:" + number
	}
	title := anyTitle
	for _, s := range stations {
		if said := s.object("network").prose("name"); said != "" {
			title = said
		}
	}
	o.Records = []companyRecordSaid{{Provider: "PLUGSHARE", ExternalID: network, Title: title}}
	return o
}

// cost reads what charging costs at a group.
func (r *plugReading) cost(w object, network string, stations []object) (kind string, note prose) {
	own := make(map[string]int)
	others := 0
	for _, s := range stations {
		own[naming(s, "cost")]++
	}
	for _, s := range w.list("stations") {
		if n := naming(s, "network_id"); n != network && (n != "" || network != "0") && naming(s, "cost") == "2" {
			others++
		}
	}
	note = w.prose("cost_description")
	if note == "" {
		notes := make(map[prose]bool)
		for _, s := range stations {
			notes[costNote(s)] = true
		}
		if len(notes) == 1 {
			for n := range notes {
				note = n
			}
		}
	}
	stated := w["cost"] == true
	switch {
	case own["2"] > 0:
		return "PAID", note
	case own["1"] > 0 && own["1"] == len(stations) && (!stated || others > 0):
		return "FREE", note
	case own["1"] == 0 && stated && others == 0:
		return "PAID", note
	}
	return "UNKNOWN", note
}

func costNote(s object) prose {
	if note := s.prose("cost_description"); note != "Unknown" {
		return note
	}
	return ""
}

// lifeOf is what a location says of itself as a whole.
func lifeOf(w object) string {
	marked := len(w.text("icon_type")) > 1 && strings.HasSuffix(w.text("icon_type"), "R")
	soon, repair := w["coming_soon"], w["under_repair"]
	switch {
	case w["enabled"] == false:
		return "REMOVED"
	case soon == true:
		return "PLANNED"
	case repair == true:
		return "TEMPORARILY_UNAVAILABLE"
	case marked && soon == false && repair == nil:
		return "TEMPORARILY_UNAVAILABLE"
	case marked && repair == false && soon == nil:
		return "PLANNED"
	case soon != nil || repair != nil || w.text("icon_type") != "" && !marked:
		return "OPERATIONAL"
	}
	return "UNKNOWN"
}

// lifeWith is the state of some outlets at a location in a state.
func lifeWith(location, otherwise string, outlets []plugState) string {
	if location != "OPERATIONAL" && location != "UNKNOWN" {
		return location
	}
	count := make(map[string]int)
	for _, o := range outlets {
		count[o.status]++
	}
	out := count["OUT_OF_ORDER"] + count["UNDER_REPAIR"]
	switch {
	case out > 0 && count["OUT_OF_ORDER"] == len(outlets):
		return "NOT_OPERATIONAL"
	case out > 0 && out == len(outlets):
		return "TEMPORARILY_UNAVAILABLE"
	case out > 0:
		return "PARTLY_OPERATIONAL"
	}
	return otherwise
}

func (r *plugReading) equipment(s *feedSaid, w object, external string, stations []object) {
	life := lifeOf(w)
	type row struct {
		plugSaid

		like   string
		states []plugState
	}
	var rows []*row
	var all []plugState
	var live []string
	for _, st := range stations {
		own := plugState{status: []string{"UNKNOWN", "AVAILABLE", "OCCUPIED", "OFFLINE", "UNDER_REPAIR"}[int(orNone(figure(st, "available")))], since: moment(st.text("available_changed_at"))}
		outlets := st.list("outlets")
		station := stationSaid{
			ID: "station:plugshare:" + external + ":" + naming(st, "id"), Name: st.prose("name"), NetworkReference: prose(words(naming(st, "network_ext_id"))),
			Manufacturer: st.prose("manufacturer"), Model: st.prose("model"), CostDescription: costNote(st), CreatedAt: moment(st.text("created_at")), OcppVersion: st.prose("ocpp_version"),
			Cost: []string{"UNKNOWN", "FREE", "PAID"}[int(orNone(figure(st, "cost")))],
		}
		if s.Operator != nil {
			station.Operator = &struct{ ID string }{s.Operator.ID}
		}
		station.Record.ExternalID = external
		best, known := plugState{status: "UNKNOWN"}, 0
		for _, o := range outlets {
			state := plugState{status: plugWord(o.text("status")), since: moment(o.text("status_changed_at"))}
			if !state.known() && own.known() && len(outlets) == 1 {
				state = own // the station's is its only outlet's
			}
			all = append(all, state)
			if state.known() {
				known++
				if best.known() && best.status != state.status {
					panic("a station with outlets in several states: teach the oracle")
				}
				best = plugState{status: state.status, since: latestOf(best.since, state.since)}
			}
			plug := r.plug(w, st, o)
			plug.Status = lifeWith(life, "UNKNOWN", []plugState{state})
			plug.Availability, plug.AvailabilityUpdatedAt = state.status, state.since
			if state.status == "" {
				plug.AvailabilityUpdatedAt = ""
			}
			plug.Record.ExternalID = external
			s.MaxPowerKw = larger(s.MaxPowerKw, plug.PowerKw)
			like := fmt.Sprint(naming(o, "connector"), " ", naming(o, "power"), " ", plug.Type, " ", orNone(figure(object{"kw": value(plug.PowerKw)}, "kw")))
			at := slices.IndexFunc(rows, func(g *row) bool { return g.like == like })
			if at < 0 {
				at = len(rows)
				rows = append(rows, &row{plugSaid: plug, like: like})
			}
			g := rows[at]
			g.states = append(g.states, state)
			g.Voltage, g.Amps = agreedOn(g.Voltage, plug.Voltage), agreedOn(g.Amps, plug.Amps)
			if g.Reference != plug.Reference {
				g.Reference = ""
			}
			plug.ID = "connection:plugshare:" + external + ":" + naming(o, "id")
			station.Connections = append(station.Connections, plug)
		}
		if best.status != "AVAILABLE" && (known == 0 || known < len(outlets)) {
			best = own
			if !own.known() {
				best = plugState{status: "UNKNOWN"}
			}
		}
		station.Status, station.StatusUpdatedAt = best.status, best.since
		live = append(live, best.status)
		s.Stations = append(s.Stations, station)
	}
	for _, g := range rows {
		g.Quantity = new(len(g.states))
		g.Status = lifeWith(life, "UNKNOWN", g.states)
		g.Availability, g.AvailabilityUpdatedAt = g.states[0].status, ""
		for _, state := range g.states {
			if state.status != g.Availability {
				g.Availability = ""
			}
		}
		for _, state := range g.states {
			if g.Availability != "" {
				g.AvailabilityUpdatedAt = latestOf(g.AvailabilityUpdatedAt, state.since)
			}
		}
		s.Connections = append(s.Connections, g.plugSaid)
	}
	s.Status = lifeWith(life, life, all)
	if s.Status == "PLANNED" {
		s.PlannedFor = moment(w.text("opening_date"))
	}
	s.Availability = countOf("STATION", live)
}

func orNone(v float64, _ bool) float64 { return v }

func value(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

func plugWord(word string) string {
	switch word {
	case "CONNECTED":
		return "OCCUPIED"
	case "OUTOFORDER":
		return "OUT_OF_ORDER"
	}
	return word // the others have the graph's names
}

func (r *plugReading) plug(w, station, o object) plugSaid {
	number := naming(o, "connector")
	fast := number == "6" && naming(o, "power") == "1"
	word := number
	if number == "6" {
		word += ":" + naming(o, "power")
	}
	p := plugSaid{
		Type: firstValue(r.connectors[word]), Format: "UNKNOWN", Quantity: new(1), PowerKw: amount(o, "kilowatts"),
		Voltage: amount(o, "volts"), Amps: amount(o, "amps"), Reference: firstOf(o.prose("evse_ext_id"), o.prose("network_ext_id")), Comments: o.prose("description"),
	}
	if p.PowerKw == nil && len(station.list("outlets")) == 1 {
		p.PowerKw = amount(station, "kilowatts")
	}
	switch {
	case number == "14": // another plug from market to market
		p.Type = map[string]string{"AU": "AS_NZS_3123", "EU": "IEC_60309_THREE_32", "UK": "IEC_60309_THREE_32", "": "UNKNOWN", "US": "UNKNOWN", "WW": "UNKNOWN", "JP": "UNKNOWN"}[w.text("locale")]
	case number == "13" && slices.Contains(listOfTexts(w["connector_types"]), "CCS2") && !slices.Contains(listOfTexts(w["connector_types"]), "CCS1"):
		p.Type = "CCS_2"
	}
	if p.Type == "UNKNOWN" {
		p.Comments = unsaid // the number, in words
	}
	p.Current = "AC_SINGLE_PHASE"
	switch {
	case number == "3" || number == "13" || number == "17" || number == "20" || fast:
		p.Current = "DC"
	case number == "14", number == "7" && p.PowerKw != nil && *p.PowerKw > 7.4:
		p.Current = "AC_THREE_PHASE"
	case number == "7" || number == "8":
		p.Current = "AC"
	}
	p.Level = levelOf(p.PowerKw)
	switch {
	case p.Level != nil:
	case p.Current == "DC":
		p.Level = new(3)
	case number == "1":
		p.Level = new(1)
	case slices.Contains([]string{"2", "4", "5", "6", "7"}, number):
		p.Level = new(2)
	}
	return p
}

// people adds what only a detail call tells: hours, amenities, reviews, photos.
func (r *plugReading) people(s *feedSaid, w object, groups map[string][]object, network, main string) {
	external := s.Records[0].ExternalID
	for _, a := range w.list("amenities") {
		if name := firstValue(r.amenities[naming(a, "type")]); !slices.Contains(s.Amenities, name) {
			s.Amenities = append(s.Amenities, name)
		}
	}
	if w.text("poi_name") == "Gas Station" {
		s.Amenities = append(s.Amenities, "FUEL_STATION")
	}
	times := w.object("opening_times")
	if len(times.list("regular_hours"))+len(times.list("exceptional_openings"))+len(times.list("exceptional_closings")) > 0 {
		panic("regular hours: teach the oracle")
	}
	h := hoursSaid{Text: w.prose("hours")}
	if w["open247"] == true || times["twentyfourseven"] == true {
		h.Open24h = new(true)
	}
	if h.Open24h != nil || h.Text != "" {
		s.OpeningHours = &h
	}
	home := make(map[string]string) // of stations
	for network, stations := range groups {
		for _, st := range stations {
			home[naming(st, "id")] = network
		}
	}
	for _, v := range w.list("reviews") {
		at, known := home[naming(v, "station_id")]
		if !known {
			at = main
		}
		if at == network {
			said := r.review(external, v)
			said.POI.ID, said.SharedWithLocation = s.ID, !known && len(groups) > 1
			s.Comments.Nodes = append(s.Comments.Nodes, said)
		}
	}
	if network == main {
		for _, p := range w.list("photos") {
			photo := pictureSaid{
				ID: "photo:plugshare:" + external + ":" + naming(p, "id"), URL: link(p.text("url")), Thumbnail: link(p.text("thumbnail")),
				Caption: p.prose("caption"), CreatedAt: moment(p.text("created_at")), Provider: "PLUGSHARE",
			}
			photo.Record.ExternalID, photo.POI.ID = external, s.ID
			s.Photos.Nodes = append(s.Photos.Nodes, photo)
		}
	}
	s.Photos.TotalCount = len(s.Photos.Nodes)
	for _, c := range s.Comments.Nodes {
		if s.Rating == nil {
			s.Rating = new(scoreSaid)
		}
		switch {
		case c.Outcome == "CHARGED":
			s.Rating.Successes++
			s.Rating.LastSuccessAt = latestOf(s.Rating.LastSuccessAt, c.CreatedAt)
		case strings.HasPrefix(c.Outcome, "FAILED_"):
			s.Rating.Failures++
			s.Rating.LastFailureAt = latestOf(s.Rating.LastFailureAt, c.CreatedAt)
		}
	}
	if s.Rating != nil && s.Rating.Successes+s.Rating.Failures+len(s.Rating.ProviderScores) == 0 {
		s.Rating = nil
	}
}

func (r *plugReading) review(external string, v object) reviewSaid {
	said := reviewSaid{
		ID: "comment:plugshare:" + external + ":" + naming(v, "id"), Kind: "GENERAL", Text: v.prose("comment"), Vehicle: v.prose("vehicle_name"),
		Volts: whole(v, "volts"), Amps: whole(v, "amps"), PowerKw: amount(v, "kilowatts"), CreatedAt: moment(v.text("created_at")), FinishedAt: moment(v.text("finished")), Provider: "PLUGSHARE",
	}
	said.Record.ExternalID = external
	user := v.object("user")
	if name := firstOf(user.prose("display_name"), user.prose("first_name")); name != "" && user["is_deleted"] != true {
		said.Author = &authorSaid{DisplayName: name}
	}
	problem := naming(v, "problem")
	switch naming(v, "rating") {
	case "1":
		said.Outcome, said.Sentiment = "CHARGED", "POSITIVE"
	case "0":
		said.Outcome, said.Sentiment = "NOT_VISITED", "NEUTRAL"
	case "-1":
		said.Sentiment = "NEGATIVE"
		said.Outcome = map[string]string{
			"": "OTHER_NEGATIVE", "0": "OTHER_NEGATIVE", "1": "FAILED_EQUIPMENT", "2": "IN_USE_EV", "3": "IN_USE_NON_EV", "4": "FAILED_ACCESS_CARD", "5": "DECOMMISSIONED",
		}[problem]
		if problem == "2" || problem == "3" {
			said.Sentiment = "NEUTRAL"
		}
		if problem == "1" || problem == "4" {
			said.Kind = "FAULT_REPORT"
		}
	}
	return said
}

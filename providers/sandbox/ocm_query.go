package sandbox

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ocmQuery is a question to /v3/poi as the service understands it. The service
// never rejects a parameter: what it cannot read it drops, and the question
// gets wider. Nil pointers and nil sets filter nothing.
type ocmQuery struct {
	output     string
	shape      ocmShape
	maxResults int

	// The shapes; which one counts is decided by area.
	polyline, box, polygon []ocmPoint
	center                 *ocmPoint
	distanceKM             float64 // of center or polyline
	miles                  bool

	ids, countries, operators, connections, levels ocmSet
	usages, statuses, providers, submissions       ocmSet
	postcodes                                      map[string]bool
	greaterThanID                                  *int
	minKW, maxKW                                   *float64
	hasMedia, hasComment, hasCheckins, openData    *bool
	modifiedSince, createdSince                    *time.Time
	connectionTitle, operatorTitle, providerTitle  string
	detail                                         int
	sortBy                                         string
}

type ocmPoint struct{ lat, lon float64 }

// ocmSet is a list of ids, any of which will do.
type ocmSet map[int]bool

// has tells whether an id passes; an absent one passes only without a filter.
func (s ocmSet) has(id *int) bool { return s == nil || id != nil && s[*id] }

// ocmParams are query parameters under their lower-case names.
type ocmParams map[string]string

// readOCMParams lowers the names. ok is false when one name stands there twice
// in different spellings, which the service does not survive; a name repeated
// in one spelling has its values joined with commas.
func readOCMParams(values url.Values) (p ocmParams, ok bool) {
	p = make(ocmParams, len(values))
	for name, v := range values {
		lower := strings.ToLower(name)
		if _, twice := p[lower]; twice {
			return nil, false
		}
		p[lower] = strings.Join(v, ",")
	}
	return p, true
}

// parseOCMQuery reads a question. countryIDs has OCM's ids by ISO code.
func parseOCMQuery(p ocmParams, countryIDs map[string]int) ocmQuery {
	q := ocmQuery{
		output:     strings.ToLower(p["output"]),
		shape:      p.shape(),
		maxResults: 100,

		connections: p.set("connectiontypeid"), levels: p.set("levelid"),
		countries: p.set("countryid"), operators: p.set("operatorid"),
		usages: p.set("usagetypeid"), statuses: p.set("statustypeid"),
		providers: p.set("dataproviderid"), submissions: p.set("submissionstatustypeid"),

		hasMedia: p.flag("hasmedia"), hasComment: p.flag("hascomment"),
		hasCheckins: p.flag("hascheckins"), openData: p.flag("opendata"),
		modifiedSince: p.date("modifiedsince"), createdSince: p.date("createdsince"),
		minKW: p.power("minpowerkw"), maxKW: p.power("maxpowerkw"),
		connectionTitle: p.title("connectiontype"), operatorTitle: p.title("operatorname"),
		providerTitle: p.title("dataprovidername"),
		sortBy:        strings.ToLower(p["sortby"]),
	}
	if q.output == "" {
		q.output = "json"
	}
	if n, ok := parseInt32(p["maxresults"]); ok {
		q.maxResults = n
	}
	q.ids = p.set("chargepointid")
	if p["chargepointid"] == "" {
		q.ids = p.set("id")
	}
	if n, ok := parseInt32(p["greaterthanid"]); ok {
		q.greaterThanID = &n
	}
	if n, ok := parseInt32(p["levelofdetail"]); ok {
		q.detail = n
	}
	if id, ok := countryIDs[strings.ToUpper(p["countrycode"])]; ok {
		q.countries = ocmSet{id: true}
	}
	if list := p["postcodes"]; list != "" {
		q.postcodes = make(map[string]bool)
		for code := range strings.SplitSeq(strings.ToLower(list), ",") {
			q.postcodes[code] = true
		}
	}
	p.geography(&q)
	return q
}

func (p ocmParams) shape() ocmShape {
	s := ocmShape{verbose: true}
	for name, to := range map[string]*bool{
		"verbose": &s.verbose, "compact": &s.compact, "camelcase": &s.camelCase, "includecomments": &s.comments,
	} {
		if v := p[name]; v != "" {
			*to = strings.EqualFold(v, "true")
		}
	}
	return s
}

func (p ocmParams) geography(q *ocmQuery) {
	const kmPerMile = 1.60934
	q.polyline, q.box, q.polygon = parseOCMPoints(p["polyline"]), parseOCMPoints(p["boundingbox"]), parseOCMPoints(p["polygon"])
	unit := strings.ToLower(p["distanceunit"])
	q.miles = unit != "km" && unit != "kilometers"
	distance, given := parseDouble(p["distance"])
	if q.miles {
		distance *= kmPerMile
	}
	switch {
	case given:
		q.distanceKM = distance
	case p["polyline"] != "":
		q.distanceKM = 5
	default:
		q.distanceKM = 50 // whatever the unit
	}
	lat, latOK := parseDouble(p["latitude"])
	lon, lonOK := parseDouble(p["longitude"])
	inRange := latOK && lonOK && math.Abs(lat) <= 90 && math.Abs(lon) <= 180
	if inRange && p["polyline"]+p["boundingbox"]+p["polygon"] == "" {
		q.center = &ocmPoint{lat, lon}
	}
}

// set reads a list of ids. What is not a 32-bit integer is skipped; when
// nothing is left, there is no filter.
func (p ocmParams) set(name string) ocmSet {
	var set ocmSet
	for part := range strings.SplitSeq(p[name], ",") {
		if n, ok := parseInt32(part); ok {
			if set == nil {
				set = make(ocmSet)
			}
			set[n] = true
		}
	}
	return set
}

func (p ocmParams) flag(name string) *bool {
	switch strings.ToLower(p[name]) {
	case "true":
		return new(true)
	case "false":
		return new(false)
	default:
		return nil
	}
}

func (p ocmParams) date(name string) *time.Time {
	if at, ok := parseDotNetDate(strings.TrimSpace(p[name])); ok {
		return &at
	}
	return nil
}

func (p ocmParams) power(name string) *float64 {
	if kW, ok := parseDouble(p[name]); ok && kW >= 1 {
		return &kW
	}
	return nil
}

// title is a deprecated filter by title, cut to 100 characters.
func (p ocmParams) title(name string) string {
	if r := []rune(p[name]); len(r) > 100 {
		return string(r[:100])
	}
	return p[name]
}

func parseInt32(s string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	return int(n), err == nil
}

func parseDouble(s string) (float64, bool) {
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return x, err == nil && !math.IsNaN(x)
}

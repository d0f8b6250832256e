package sandbox

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// PlugShareOptions are the settings of a simulated PlugShare. The zero value
// serves the world to anybody who names a key and a secret.
type PlugShareOptions struct {
	// Key and Secret are the user name and password of HTTP Basic that are
	// accepted. When both are empty, every pair is that has a name.
	Key, Secret string
	// File is a recorded answer that is served instead of the world: a JSON
	// array of items of a search, or one JSON object per line (details), plain
	// or gzip.
	File string
	// Now is the clock of live status; nil is time.Now. It does not change what
	// else is told.
	Now func() time.Time
	// Logger gets one line per request at level debug; nil is silence.
	Logger *slog.Logger
}

// PlugShare is a simulated PlugShare: an http.Handler that answers what its
// reference and recorded answers show, at paths with and without /v3:
//
//	GET  /locations/{id}          a location with its newest 50 reviews
//	GET  /locations/{id}/reviews  ?count, page
//	GET  /locations/nearby        ?latitude&longitude or address, radius, count
//	GET  /locations/region        ?latitude&longitude&spanLat&spanLng&count
//	GET  /locations/search        ?query, count, page
//	POST /locations/polyline      {"polyline","distance","count","page",…}
//	GET  /networks
//
// What the reference leaves open is settled like this: pages count from 1,
// nearby looks 5 km around and gives 100 unless told otherwise, a longer radius
// counts as 50 km, a box does not go on across the antimeridian, and an address
// is found when it is the name of one city of the world.
//
// Below /_sandbox/ it is steered as [OCM] is. It is safe for concurrent use.
type PlugShare struct {
	simulator

	key, secret string
	now         func() time.Time
	index       *psIndex
	networks    []any
	cities      []City
}

// NewPlugShare returns a simulator of what PlugShare knows about w, or of
// opts.File; w may be nil when there is a file. It returns an error when the
// file cannot be read or holds something else than locations. Close releases
// requests that a fault holds; until then the simulator owns no goroutine.
func NewPlugShare(w *World, opts PlugShareOptions) (*PlugShare, error) {
	switch {
	case opts.File != "":
		records, networks, err := readPSFile(opts.File)
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		return newPlugShare(records, networks, nil, opts), nil
	case w != nil:
		return servePSView(newPSView(w), w, opts), nil
	default:
		return nil, errors.New("sandbox: NewPlugShare: neither a world nor PlugShareOptions.File")
	}
}

// servePSView serves a view, which several simulators may share.
func servePSView(view *psView, w *World, opts PlugShareOptions) *PlugShare {
	records := make([]psRecord, len(view.locations))
	for i, l := range view.locations {
		records[i] = l
	}
	networks := make([]any, len(view.networks.list))
	for i, n := range view.networks.list {
		networks[i] = n
	}
	p := newPlugShare(records, networks, w.params.Cities, opts)
	p.faults.throw(w.params.Seed)
	return p
}

func newPlugShare(records []psRecord, networks []any, cities []City, opts PlugShareOptions) *PlugShare {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &PlugShare{
		simulator: newSimulator("plugshare", opts.Logger, psManners()),
		key:       opts.Key, secret: opts.Secret, now: opts.Now,
		index: newPSIndex(records), networks: networks, cities: cities,
	}
}

// psManners is how the service and the edge before it look when they fail.
func psManners() manners {
	page := func(status int, title string) answer {
		return answer{status: status, contentType: "text/html; charset=UTF-8", body: []byte("<!DOCTYPE html>\n<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n")}
	}
	return manners{
		unauthorized: psUnauthorized(),
		forbidden:    page(http.StatusForbidden, "Just a moment..."),
		tooMany:      page(http.StatusTooManyRequests, "Too Many Requests"),
		badGateway:   page(http.StatusBadGateway, "502 Bad Gateway"),
		wrongTypes:   `[{"id":"twelve","latitude":"north","longitude":[],"name":7,"access":"public","score":"good","stations":{"id":1},"reviews":"none"}]`,
		notArray:     `{"code":0,"message":"something went wrong"}`,
		huge:         [2]string{`[{"id":1,"description":"`, `"}]`},
		redirect:     "https://elsewhere.invalid/v3/locations/region",
	}
}

func psUnauthorized() answer {
	a := psError(http.StatusUnauthorized, "Unauthorized")
	a.header = map[string]string{"WWW-Authenticate": `Basic realm="PlugShare API"`}
	return a
}

// psError is an error. How the service words one is not known.
func psError(status int, message string) answer {
	body, _ := json.Marshal(map[string]string{"message": message}) // strings do not fail
	return answer{status: status, contentType: typeJSON, body: body}
}

// psJSON is a good answer: a bare array or object.
func psJSON(v any) answer {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return psError(http.StatusInternalServerError, err.Error())
	}
	return answer{status: http.StatusOK, contentType: typeJSON, body: b.Bytes()}
}

// ServeHTTP answers one request.
func (p *PlugShare) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve(w, r, p.answer) }

func (p *PlugShare) answer(r *http.Request) answer {
	if !p.authorized(r) {
		return psUnauthorized()
	}
	if !acceptsJSON(r.Header.Get("Accept")) {
		return psError(http.StatusNotAcceptable, "Not Acceptable")
	}
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, "/v3"), "/")
	if path == "locations/polyline" {
		if r.Method != http.MethodPost {
			return psError(http.StatusMethodNotAllowed, "Method Not Allowed")
		}
		return p.polyline(r)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return psError(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
	query := r.URL.Query()
	switch path {
	case "networks":
		return psJSON(p.networks)
	case "locations/nearby":
		return p.nearby(query)
	case "locations/region":
		return p.region(query)
	case "locations/search":
		return p.search(query)
	}
	rest, ok := strings.CutPrefix(path, "locations/")
	if !ok {
		if path == "stations/availability" || strings.HasPrefix(path, "network/") {
			return psError(http.StatusForbidden, "Forbidden") // by arrangement only
		}
		return psError(http.StatusNotFound, "Not Found")
	}
	number, what, _ := strings.Cut(rest, "/")
	id, err := strconv.Atoi(number)
	record, found := p.index.byID[id]
	switch {
	case err != nil || !found:
		return psError(http.StatusNotFound, "Not Found")
	case what == "":
		return psJSON(record.detail(p.now()))
	case what == "reviews" && !record.facts().secret:
		return p.reviews(record, query)
	default:
		return psError(http.StatusNotFound, "Not Found")
	}
}

func (p *PlugShare) authorized(r *http.Request) bool {
	key, secret, ok := r.BasicAuth()
	if p.key == "" && p.secret == "" {
		return ok && key != ""
	}
	same := subtle.ConstantTimeCompare([]byte(key), []byte(p.key)) & subtle.ConstantTimeCompare([]byte(secret), []byte(p.secret))
	return ok && same == 1
}

// acceptsJSON tells whether an Accept header lets JSON through.
func acceptsJSON(accept string) bool {
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, _ := mime.ParseMediaType(part)
		if kind == "*/*" || kind == "application/*" || kind == "application/json" {
			return true
		}
	}
	return false
}

// The caps of the service, and what it does unasked.
const (
	psMaxLocations   = 250
	psMaxReviews     = 500
	psUsualLocations = 100
	psUsualReviews   = 100
	psMaxRadiusM     = 50_000
	psUsualRadiusM   = 5_000
)

// psNumbers reads numbers that must be there.
func psNumbers(query url.Values, names ...string) (map[string]float64, error) {
	values := make(map[string]float64, len(names))
	for _, name := range names {
		if query.Get(name) == "" {
			return nil, psBad(name + " is required")
		}
		x, ok := parseDouble(query.Get(name))
		if !ok {
			return nil, psBad(name + " is not a number")
		}
		values[name] = x
	}
	return values, nil
}

func (p *PlugShare) region(query url.Values) answer {
	n, err := psNumbers(query, "latitude", "longitude", "spanLat", "spanLng", "count")
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	q, err := parsePSQuery(query, psFilterSet{availability: true, amenities: true})
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	now := p.now()
	found := p.index.region(n["latitude"], n["longitude"], n["spanLat"], n["spanLng"], func(r psRecord) bool { return q.match(r, now) })
	return briefs(found[:min(len(found), q.count, psMaxLocations)], &q, now)
}

// briefs answers a search.
func briefs(found []psRecord, q *psQuery, now time.Time) answer {
	items := make([]any, len(found))
	for i, r := range found {
		items[i] = r.brief(now, q.minimal, nil)
	}
	return psJSON(items)
}

// size is how many locations a page has.
func (q *psQuery) size() int {
	if q.count < 0 {
		return psUsualLocations
	}
	return min(q.count, psMaxLocations)
}

func (p *PlugShare) nearby(query url.Values) answer {
	q, err := parsePSQuery(query, psFilterSet{availability: true, amenities: true, comingSoon: true})
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	var lat, lon float64
	if query.Get("latitude") == "" && query.Get("longitude") == "" && query.Get("address") != "" {
		var code int
		if lat, lon, code = p.geocode(query.Get("address")); code != 0 {
			return psJSON(map[string]int{"code": code})
		}
	} else {
		n, err := psNumbers(query, "latitude", "longitude")
		if err != nil {
			return psError(http.StatusBadRequest, err.Error())
		}
		lat, lon = n["latitude"], n["longitude"]
	}
	radius := float64(psUsualRadiusM)
	if query.Get("radius") != "" {
		n, err := psNumbers(query, "radius")
		if err != nil {
			return psError(http.StatusBadRequest, err.Error())
		}
		radius = min(n["radius"], psMaxRadiusM)
	}
	now := p.now()
	found := p.index.nearby(lat, lon, radius, func(r psRecord) bool { return q.match(r, now) })
	found = found[:min(len(found), q.size())]
	items := make([]any, len(found))
	for i := range found {
		items[i] = found[i].brief(now, q.minimal, &found[i].bearing)
	}
	return psJSON(items)
}

// geocode finds an address: code 1 when nothing has that name, 2 when several
// things do.
func (p *PlugShare) geocode(address string) (lat, lon float64, code int) {
	code = 1
	for _, c := range p.cities {
		town := strings.ToLower(c.Town)
		if !strings.Contains(strings.ToLower(address), town) && !strings.Contains(town, strings.ToLower(strings.TrimSpace(address))) {
			continue
		}
		if code == 0 {
			return 0, 0, 2
		}
		lat, lon, code = c.Lat, c.Lon, 0
	}
	return lat, lon, code
}

func (p *PlugShare) search(query url.Values) answer {
	q, err := parsePSQuery(query, psFilterSet{})
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	text := strings.TrimSpace(query.Get("query"))
	if text == "" {
		return psError(http.StatusBadRequest, "query is required")
	}
	now := p.now()
	found := p.index.text(text, func(r psRecord) bool { return q.match(r, now) })
	return briefs(paged(found, q.page, q.size()), &q, now)
}

func (p *PlugShare) reviews(record psRecord, query url.Values) answer {
	q, err := parsePSQuery(url.Values{"count": query["count"], "page": query["page"]}, psFilterSet{})
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	size := psUsualReviews
	if q.count >= 0 {
		size = min(q.count, psMaxReviews)
	}
	return psJSON(record.reviewsFrom(q.page*size, size))
}

// polyline searches along a route. The fields of the body are the parameters
// of other searches; those of the URL count as well.
func (p *PlugShare) polyline(r *http.Request) answer {
	const limit = 4 << 20 // a route across a continent, point by point
	body, err := io.ReadAll(io.LimitReader(r.Body, limit))
	var fields map[string]any
	if err != nil || json.Unmarshal(body, &fields) != nil {
		return psError(http.StatusBadRequest, "the body is not a JSON object")
	}
	query := r.URL.Query()
	for name, value := range fields {
		switch value := value.(type) {
		case string:
			query.Set(name, value)
		case float64:
			query.Set(name, strconv.FormatFloat(value, 'f', -1, 64))
		case bool:
			query.Set(name, strconv.FormatBool(value))
		case nil:
		default:
			return psError(http.StatusBadRequest, name+" is neither a text nor a number")
		}
	}
	n, err := psNumbers(query, "distance")
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	line, err := parsePSLine(query.Get("polyline"))
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	q, err := parsePSQuery(query, psFilterSet{})
	if err != nil {
		return psError(http.StatusBadRequest, err.Error())
	}
	now := p.now()
	found := p.index.along(line, n["distance"], func(r psRecord) bool { return q.match(r, now) })
	return briefs(paged(found, q.page, q.size()), &q, now)
}

// parsePSLine reads "lat1,lng1,lat2,lng2,…". A last latitude without a
// longitude does no harm.
func parsePSLine(text string) ([]ocmPoint, error) {
	if text == "" {
		return nil, psBad("polyline is required")
	}
	var line []ocmPoint
	numbers := strings.Split(text, ",")
	for i := 0; i+1 < len(numbers); i += 2 {
		lat, latOK := parseDouble(numbers[i])
		lon, lonOK := parseDouble(numbers[i+1])
		if !latOK || !lonOK {
			return nil, psBad("polyline is not a list of numbers")
		}
		line = append(line, clampPoint(lat, lon))
	}
	if line == nil {
		return nil, psBad("polyline has no point")
	}
	return line, nil
}

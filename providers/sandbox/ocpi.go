package sandbox

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// OCPIStyle is how a feed hands out its locations. Versions, single locations
// and errors are in OCPI's envelope always.
type OCPIStyle string

// Styles of real feeds.
const (
	// OCPIEnvelope is the specification's: {data, status_code, …}, offset and
	// limit, Link and X-Total-Count. It is the zero value as well.
	OCPIEnvelope OCPIStyle = "envelope"
	// OCPIArray is everything at once, whatever the query, as a bare array.
	OCPIArray OCPIStyle = "array"
	// OCPICursor is {next, items} with query parameters limit and cursor; next
	// is null on the last page. Tariffs are inside EVSEs, and the token may
	// come as X-Api-Key.
	OCPICursor OCPIStyle = "cursor"
	// OCPIPage is Spring's page object, {content, totalPages, …}, with query
	// parameters page (from 0) and size.
	OCPIPage OCPIStyle = "page"
)

// OCPIEncoding is how the token stands in the Authorization header.
type OCPIEncoding string

// Encodings of tokens.
const (
	// OCPIBySpec expects the raw token below 2.1.1, Base64 below the later
	// versions, and either at the versions endpoint, which has no version.
	OCPIBySpec OCPIEncoding = ""
	// OCPIRaw expects the raw token everywhere, as many 2.2 peers do.
	OCPIRaw OCPIEncoding = "raw"
	// OCPIBase64 expects Base64 everywhere.
	OCPIBase64 OCPIEncoding = "base64"
)

// OCPIQuirks is bad manners of a feed.
type OCPIQuirks struct {
	// NoLink leaves out the Link header, NoTotal X-Total-Count.
	NoLink, NoTotal bool
	// LinkRepeats makes the Link (or cursor) of every page lead to the page
	// itself.
	LinkRepeats bool
	// LinkHost is the host that Link names instead of its own.
	LinkHost string
	// LinkDowngrades makes Link name http although TLS is spoken.
	LinkDowngrades bool
	// Broken puts objects among the good ones that no decoder can make sense
	// of. They count neither for limits nor for X-Total-Count.
	Broken bool
}

// OCPIOptions are the settings of a simulated OCPI endpoint. The zero value
// speaks all versions to anybody, in pages of 100.
type OCPIOptions struct {
	// Token is the only token accepted; empty asks for none, as open data
	// does.
	Token    string
	Encoding OCPIEncoding
	// Version is the only version spoken, 2.1.1, 2.2.1 or 2.3.0. Empty is all
	// three for a world and 2.2.1 for a recording, whose records stay as they
	// are.
	Version string
	Style   OCPIStyle
	Quirks  OCPIQuirks
	// PageLimit is the largest page, and the usual one; 0 is 100.
	PageLimit int
	// Parties are the keys of the only operators that this endpoint carries, of
	// those that publish by OCPI at all; empty is all of them.
	Parties []string
	// File is a recorded answer that is served instead of the world: locations
	// as a bare array, within data, items or content, or one per line; plain or
	// gzip.
	File string
	// Now is the clock by which statuses and last_updated move; nil is time.Now.
	// A test gives it a moment, such as the world's epoch.
	Now func() time.Time
	// Logger gets one line per request at level debug; nil is silence.
	Logger *slog.Logger
}

// OCPI is a simulated OCPI endpoint of a roaming hub, seen from a party that
// pulls locations: GET /ocpi/versions, /ocpi/{version},
// /ocpi/{version}/locations, one location, EVSE or connector below that, and
// tariffs. Nothing can be written.
//
// What moves with time is a function of the clock, so nothing runs in the
// background. Below /_sandbox/ it is steered as OCM is. It is safe for
// concurrent use.
type OCPI struct {
	simulator

	opts     OCPIOptions
	versions []ocpiVersion
	world    *World // nil for a recording
	records  []ocpiRecord
	joined   bool // ids of 2.1.1 need their party

	withdrawn struct {
		sync.RWMutex

		ids map[string]bool
	}
}

// ocpiRecord is a location, made up or recorded.
type ocpiRecord interface {
	// names are the ids by which it can be withdrawn.
	names(shape ocpiShape) (key, withParty string)
	party() (country, id string)
	present(now time.Time, version ocpiVersion) bool
	updated(w *World, now time.Time) time.Time
	append(b []byte, w *World, now time.Time, shape ocpiShape) []byte
}

// NewOCPI returns a simulator of what operators of w publish by OCPI, or of
// opts.File; w may be nil when there is a file. It returns an error that names
// the setting that makes no sense, or the file that cannot be read. Close
// releases requests that a fault holds; until then the simulator owns no
// goroutine.
func NewOCPI(w *World, opts OCPIOptions) (*OCPI, error) {
	if opts.PageLimit == 0 {
		opts.PageLimit = 100
	}
	if opts.Style == "" {
		opts.Style = OCPIEnvelope
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	switch {
	case opts.PageLimit < 0:
		return nil, fmt.Errorf("sandbox: OCPIOptions.PageLimit is %d, want 0 or more", opts.PageLimit)
	case !slices.Contains([]OCPIStyle{OCPIEnvelope, OCPIArray, OCPICursor, OCPIPage}, opts.Style):
		return nil, fmt.Errorf("sandbox: OCPIOptions.Style is %q, want envelope, array, cursor or page", opts.Style)
	case !slices.Contains([]OCPIEncoding{OCPIBySpec, OCPIRaw, OCPIBase64}, opts.Encoding):
		return nil, fmt.Errorf("sandbox: OCPIOptions.Encoding is %q, want raw, base64 or nothing", opts.Encoding)
	}
	o := &OCPI{simulator: newSimulator("ocpi", opts.Logger, ocpiManners()), versions: []ocpiVersion{ocpi211, ocpi221, ocpi230}}
	o.withdrawn.ids = make(map[string]bool)
	if opts.Version != "" {
		v, ok := parseOCPIVersion(opts.Version)
		if !ok {
			return nil, fmt.Errorf("sandbox: OCPIOptions.Version is %q, want 2.1.1, 2.2.1 or 2.3.0", opts.Version)
		}
		o.versions = []ocpiVersion{v}
	}
	switch {
	case opts.File != "":
		records, err := readOCPIFile(opts.File)
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		o.records = records
		if opts.Version == "" {
			o.versions = []ocpiVersion{ocpi221}
		}
	case w != nil:
		if err := o.view(w, opts.Parties); err != nil {
			return nil, err
		}
		o.faults.throw(w.params.Seed)
	default:
		return nil, errors.New("sandbox: NewOCPI: neither a world nor OCPIOptions.File")
	}
	o.opts = opts
	return o, nil
}

// view makes the locations of a world.
func (o *OCPI) view(w *World, only []string) error {
	v := newOCPIViewer(w)
	for _, key := range only {
		if v.parties[key] == nil {
			return fmt.Errorf("sandbox: OCPIOptions.Parties: no operator %q publishes by OCPI", key)
		}
	}
	o.world = w
	parties := make(map[string]bool)
	for i := range w.sites {
		for _, l := range v.site(&w.sites[i]) {
			if len(only) > 0 && !slices.Contains(only, l.operator.Key) {
				continue
			}
			parties[l.operator.Key] = true
			o.records = append(o.records, l)
		}
	}
	o.joined = len(parties) > 1
	return nil
}

// ocpiManners is how a feed fails.
func ocpiManners() manners {
	failed := func(status, code int, message string) answer {
		return answer{status: status, contentType: typeJSON, body: []byte(`{"status_code":` + strconv.Itoa(code) + `,"status_message":"` + message + `","timestamp":"2026-10-01T00:00:00Z"}`)}
	}
	return manners{
		unauthorized: failed(http.StatusUnauthorized, 2000, "Invalid or missing token"),
		forbidden:    failed(http.StatusForbidden, 2000, "Party is not allowed to call this module"),
		tooMany:      failed(http.StatusTooManyRequests, 2000, "Too many requests"),
		badGateway:   textAnswer(http.StatusBadGateway, "upstream connect error or disconnect/reset before headers"),
		wrongTypes:   `{"data":[{"id":{},"coordinates":[1,2],"evses":"none","last_updated":7,"publish":"perhaps"}],"status_code":"fine","timestamp":0}`,
		notArray:     `{"status_code":3000,"status_message":"Generic server error","timestamp":"2026-10-01T00:00:00Z"}`,
		huge:         [2]string{`{"status_code":1000,"timestamp":"2026-10-01T00:00:00Z","data":[{"id":"1","name":"`, `"}]}`},
		redirect:     "https://elsewhere.invalid/ocpi/versions",
	}
}

// Withdraw makes locations vanish: they are neither listed nor found until
// they are restored. An id is the one in the feed; with its party before it, as
// in GB*VLT*LOC7, it means one location even if several parties use the id.
func (o *OCPI) Withdraw(ids ...string) {
	o.withdrawn.Lock()
	defer o.withdrawn.Unlock()
	for _, id := range ids {
		o.withdrawn.ids[id] = true
	}
}

// Restore undoes Withdraw for the same ids, or for all when there are none.
func (o *OCPI) Restore(ids ...string) {
	o.withdrawn.Lock()
	defer o.withdrawn.Unlock()
	if len(ids) == 0 {
		clear(o.withdrawn.ids)
	}
	for _, id := range ids {
		delete(o.withdrawn.ids, id)
	}
}

// SiteOf returns the truth behind a location, by its party and id as they are
// from 2.2.1 on. ok is false when there is no such location, as always for a
// recording.
func (o *OCPI) SiteOf(country, party, id string) (s Site, ok bool) {
	for _, record := range o.records {
		if l, made := record.(*ocpiLocation); made && l.id == id && l.operator.Country == country && l.operator.Party == party {
			return *l.site, true
		}
	}
	return Site{}, false
}

// ServeHTTP answers one request.
func (o *OCPI) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.serve(w, r, o.answer) }

func (o *OCPI) answer(r *http.Request) answer {
	now := o.opts.Now().UTC()
	a := o.route(r, now)
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id"} {
		if id := r.Header.Get(name); id != "" {
			a = a.with(name, id)
		}
	}
	return a
}

// with returns the answer with one more header.
func (a answer) with(name, value string) answer {
	header := map[string]string{name: value}
	maps.Copy(header, a.header)
	a.header = header
	return a
}

func (o *OCPI) route(r *http.Request, now time.Time) answer {
	path, ok := strings.CutPrefix(strings.TrimSuffix(r.URL.EscapedPath(), "/"), "/ocpi/")
	if !ok {
		return ocpiError(http.StatusNotFound, 2000, "No such endpoint", now)
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	version := ocpiVersion(0)
	if parts[0] != "versions" {
		if version, ok = parseOCPIVersion(parts[0]); !ok || !slices.Contains(o.versions, version) {
			return ocpiError(http.StatusNotFound, 3002, "Unsupported version", now)
		}
	}
	if !o.authorized(r, version) {
		return ocpiError(http.StatusUnauthorized, 2000, "Invalid or missing token", now).with("WWW-Authenticate", "Token")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ocpiError(http.StatusMethodNotAllowed, 2000, "Only GET is supported", now).with("Allow", "GET, HEAD")
	}
	shape := ocpiShape{version: version, tariffs: o.opts.Style == OCPICursor, joined: o.joined && version == ocpi211}
	switch {
	case version == 0 && len(parts) == 1:
		return o.versionList(r, now)
	case version != 0 && len(parts) == 1:
		return o.details(r, version, now)
	case version == 0:
	case parts[1] == "locations" && len(parts) == 2:
		return o.locations(r, shape, now)
	case parts[1] == "locations" && len(parts) <= 5:
		return o.object(r, shape, parts[2:], now)
	case parts[1] == "tariffs" && len(parts) == 2:
		return o.tariffs(r, shape, now)
	}
	return ocpiError(http.StatusNotFound, 3003, "No such endpoint", now)
}

func (o *OCPI) authorized(r *http.Request, version ocpiVersion) bool {
	token := o.opts.Token
	if token == "" || o.opts.Style == OCPICursor && r.Header.Get("X-Api-Key") == token {
		return true
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Token") {
		return false
	}
	raw, encoded := value == token, value == base64.StdEncoding.EncodeToString([]byte(token))
	switch {
	case o.opts.Encoding == OCPIRaw:
		return raw
	case o.opts.Encoding == OCPIBase64:
		return encoded
	case version == 0:
		return raw || encoded
	default:
		return version == ocpi211 && raw || version > ocpi211 && encoded
	}
}

// ocpiData wraps data, which is JSON, in the envelope.
func ocpiData(data []byte, now time.Time) answer {
	b := append([]byte(`{"data":`), data...)
	b = append(b, `,"status_code":1000,"status_message":"Success","timestamp":"`+ocpiTimesPlain.format(now)+`"}`...)
	return answer{status: http.StatusOK, contentType: typeJSON, body: b}
}

// ocpiError is an error in the envelope, which carries no data.
func ocpiError(status, code int, message string, now time.Time) answer {
	o := &ocpiWriter{}
	o.open('{')
	o.key("status_code").number(float64(code))
	o.key("status_message").text(message)
	o.key("timestamp").text(ocpiTimesPlain.format(now))
	o.close('}')
	return answer{status: status, contentType: typeJSON, body: o.b}
}

// base is where the client found this endpoint.
func (o *OCPI) base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/ocpi/"
}

func (o *OCPI) versionList(r *http.Request, now time.Time) answer {
	w := &ocpiWriter{}
	w.open('[')
	for _, v := range o.versions {
		w.open('{')
		w.key("version").text(v.String())
		w.key("url").text(o.base(r) + v.String())
		w.close('}')
	}
	w.close(']')
	return ocpiData(w.b, now)
}

func (o *OCPI) details(r *http.Request, version ocpiVersion, now time.Time) answer {
	w := &ocpiWriter{}
	w.open('{')
	w.key("version").text(version.String())
	w.key("endpoints").open('[')
	for _, module := range []string{"locations", "tariffs"} {
		w.open('{')
		w.key("identifier").text(module)
		if version > ocpi211 {
			w.key("role").text("SENDER")
		}
		w.key("url").text(o.base(r) + version.String() + "/" + module)
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return ocpiData(w.b, now)
}

// all returns what the feed holds at a time, for the party that the routing
// headers name, or for all of them.
func (o *OCPI) all(r *http.Request, shape ocpiShape, now time.Time) []ocpiRecord {
	country, party := r.Header.Get("Ocpi-To-Country-Code"), r.Header.Get("Ocpi-To-Party-Id")
	o.withdrawn.RLock()
	defer o.withdrawn.RUnlock()
	var found []ocpiRecord
	for _, record := range o.records {
		key, withParty := record.names(shape)
		c, p := record.party()
		if !record.present(now, shape.version) || o.withdrawn.ids[key] || o.withdrawn.ids[withParty] ||
			country != "" && !strings.EqualFold(c, country) || party != "" && !strings.EqualFold(p, party) {
			continue
		}
		found = append(found, record)
	}
	return found
}

// object answers for one location, or for what is inside.
func (o *OCPI) object(r *http.Request, shape ocpiShape, path []string, now time.Time) answer {
	var record ocpiRecord
	var newest time.Time
	for _, candidate := range o.all(r, shape, now) {
		key, withParty := candidate.names(shape)
		if !strings.EqualFold(path[0], key) && !strings.EqualFold(path[0], withParty) {
			continue
		}
		if at := candidate.updated(o.world, now); record == nil || at.After(newest) {
			record, newest = candidate, at
		}
	}
	if record == nil {
		return ocpiError(http.StatusNotFound, 2003, "Unknown location", now)
	}
	if len(path) == 1 {
		return ocpiData(record.append(nil, o.world, now, shape), now)
	}
	l, ok := record.(*ocpiLocation)
	if !ok {
		return ocpiError(http.StatusNotFound, 2003, "Recorded locations are served whole", now)
	}
	w := &ocpiWriter{nulls: l.nulls}
	for i := range l.evses {
		e := &l.evses[i]
		if !strings.EqualFold(e.uid, path[1]) {
			continue
		}
		if len(path) == 2 {
			l.writeEVSE(w, o.world, e, l.moment(now), shape)
			return ocpiData(w.b, now)
		}
		for k := range e.connectors {
			if strings.EqualFold(e.connectors[k].id, path[2]) {
				l.writeConnector(w, e, &e.connectors[k], shape)
				return ocpiData(w.b, now)
			}
		}
	}
	return ocpiError(http.StatusNotFound, 2003, "Unknown EVSE or connector", now)
}

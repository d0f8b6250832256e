package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// OCMOptions are the settings of a simulated Open Charge Map. The zero value
// serves the world to anybody with a key that looks like one.
type OCMOptions struct {
	// Key is the API key that is accepted, compared without case. When empty,
	// every key of the form of a GUID is, as at the real edge while its key
	// store is down.
	Key string
	// File is a recorded answer that is served instead of the world: a JSON
	// array or one JSON object per line, plain or gzip, verbose or compact.
	File string
	// Reference is a recorded /v3/referencedata that goes with File. Without
	// it, reference data is what the records themselves carry.
	Reference string
	// WriteKey is a second key that is accepted: a user's own, with the right to
	// write. Whoever sends it in the header X-API-Key writes as its owner, user
	// 3998, and not as the user who is signed in. When empty there is none.
	WriteKey string
	// Password is that of all accounts; empty is made-up-password. The accounts
	// are service@ocm.example, user 3999, and driver1@ocm.example up to
	// driver9999@ocm.example, users 4001 to 13999, who bear the names of the
	// world's people. social@ocm.example, user 3997, has no password at all.
	Password string
	// SessionLife is how long after signing in a token is good; 0 is 30 days.
	SessionLife time.Duration
	// Now is the clock. When nil, records count as recently verified by the
	// world's epoch, or by time.Now for a file; sessions and comments go by
	// time.Now.
	Now func() time.Time
	// Logger gets one line per request at level debug; nil is silence.
	Logger *slog.Logger
}

// OCM is a simulated Open Charge Map: an http.Handler that answers GET
// /v3/poi and /v3/referencedata, POST /v3/profile/authenticate and /v3/comment
// the way the real service does, and everything else with the errors of the real
// service: photos and records are not taken from anybody.
//
// Signing in takes an e-mail address and a password (OCMOptions.Password) and
// gives a JWT that is good until it expires or EndSessions is called. A comment
// that is stored stands in the answers about its record from then on; sent
// twice, it stands there twice.
//
// Below /_sandbox/ it is steered: GET, PUT and DELETE /_sandbox/faults read,
// replace and remove faults (one flag text such as "ocm=429" per line), GET
// /_sandbox/calls counts calls, DELETE /_sandbox/sessions ends all sessions, and
// GET /_sandbox/comments lists the comments that were submitted, in their order:
//
//	{"count":1,"comments":[{"ID":1000000001,"ChargePointID":20012,"UserID":3999,…}]}
//
// of which chargepointid=, userid=, relatedurl= and comment= choose those that
// have exactly this value. These paths answer to loopback addresses only.
//
// It is safe for concurrent use.
type OCM struct {
	simulator

	key        string
	writeKey   string
	now        func() time.Time
	accounts   *ocmAccounts
	comments   ocmComments
	data       *ocmData
	index      *ocmIndex
	encoder    *ocmEncoder
	countryIDs map[string]int
	guid       *regexp.Regexp
}

// NewOCM returns a simulator of what Open Charge Map knows about w, or of
// opts.File; w may be nil when there is a file. It returns an error when a
// file cannot be read or holds something else than records. Close releases
// requests that a fault holds; until then the simulator owns no goroutine.
func NewOCM(w *World, opts OCMOptions) (*OCM, error) {
	switch {
	case opts.File != "":
		data, err := readOCMFile(opts.File, opts.Reference)
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		return newOCM(data, opts), nil
	case w != nil:
		return newOCM(newOCMView(w), opts), nil
	default:
		return nil, errors.New("sandbox: NewOCM: neither a world nor OCMOptions.File")
	}
}

// newOCM serves data, which several simulators may share.
func newOCM(data *ocmData, opts OCMOptions) *OCM {
	clock, today := opts.Now, opts.Now
	if clock == nil {
		clock, today = time.Now, time.Now
		if !data.epoch.IsZero() {
			today = func() time.Time { return data.epoch }
		}
	}
	o := &OCM{
		simulator: newSimulator("ocm", opts.Logger, ocmManners()),
		key:       opts.Key, writeKey: opts.WriteKey, now: today,
		accounts: newOCMAccounts(data, opts, clock),
		data:     data, index: newOCMIndex(data.pois), encoder: newOCMEncoder(),
		countryIDs: make(map[string]int),
		guid:       regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
	}
	for _, c := range data.reference.Countries {
		if c.ISOCode != nil {
			o.countryIDs[*c.ISOCode] = c.ID
		}
	}
	o.faults.throw(data.seed)
	o.controls = map[string]http.HandlerFunc{"comments": o.controlComments, "sessions": o.controlSessions}
	return o
}

// ServeHTTP answers one request.
func (o *OCM) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.serve(w, r, o.answer) }

// ocmManners is how the edge and the origin look when they fail.
func ocmManners() manners {
	return manners{
		unauthorized: answer{status: http.StatusUnauthorized},
		forbidden:    textAnswer(http.StatusForbidden, "REJECTED_APIKEY_INVALID"),
		tooMany:      textAnswer(http.StatusTooManyRequests, "Too many requests"),
		badGateway:   textAnswer(http.StatusBadGateway, "Upstream API unavailable"),
		wrongTypes:   `[{"ID":"twelve","UUID":7,"AddressInfo":[],"Connections":{"ID":1},"UserComments":"none","MediaItems":0,"DateCreated":false,"StatusTypeID":{}}]`,
		notArray:     `{"Status":"Error","Message":"Cache not ready, canoot return results"}`,
		huge:         [2]string{`[{"ID":1,"GeneralComments":"`, `"}]`},
		redirect:     "https://elsewhere.invalid/v3/poi",
	}
}

// errorAnswer is how the origin words an error.
func errorAnswer(status int, description string) answer {
	return answer{status: status, contentType: typeJSON, body: []byte(`{"status":"error","description":"` + description + `"}`)}
}

// answer goes the way of a request: first the edge, which looks at the key,
// then the origin.
func (o *OCM) answer(r *http.Request) answer {
	if refused, ok := o.edge(r); !ok {
		return refused
	}
	path := r.URL.Path
	if !strings.Contains(path, "/v3/") && !strings.Contains(path, "/v4/") && !strings.HasSuffix(path, "/v3") && !strings.HasSuffix(path, "/v4") {
		return errorAnswer(http.StatusBadRequest, "mandatory API Version not specified in request")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return o.write(r)
	}
	if robot(r.UserAgent()) {
		return errorAnswer(http.StatusServiceUnavailable, "API requests by robots are temporarily disabled.")
	}
	params, ok := readOCMParams(r.URL.Query())
	if !ok {
		return answer{status: http.StatusOK} // any exception at the origin: 200 and nothing
	}
	switch {
	case strings.Contains(path, "/v3/poi"):
		return o.poi(params)
	case strings.Contains(path, "/v3/referencedata"):
		return o.referenceData(params)
	default:
		return answer{status: http.StatusNotFound}
	}
}

// edge is the worker in front of the origin. ok tells that the request passes.
func (o *OCM) edge(r *http.Request) (refused answer, ok bool) {
	missing := func(key string) bool { return key == "" || key == "test" || key == "null" }
	key := r.URL.Query().Get("key")
	if missing(key) {
		key = r.Header.Get("X-API-Key")
	}
	switch {
	case strings.Contains(r.UserAgent(), "FME/2020"):
		return textAnswer(http.StatusForbidden, "Blocked for API abuse. Repeated duplicate calls may be automatically banned."), false
	case missing(key):
		return textAnswer(http.StatusForbidden, "You must specify an API key using the key query parameter or x-api-key header."), false
	case o.ownsWriteKey(key):
	case !o.guid.MatchString(key), o.key != "" && !strings.EqualFold(key, o.key):
		return textAnswer(http.StatusForbidden, "Invalid API key."), false
	}
	return answer{}, true
}

// robot tells whether the origin takes a User-Agent for a robot.
func robot(agent string) bool {
	agent = strings.ToLower(agent)
	for _, part := range []string{"robot", "crawler", "spider", "slurp", "googlebot", "kml-google", "apache-httpclient", "okhttp/3.9.1", "dart:io"} {
		if strings.Contains(agent, part) {
			return true
		}
	}
	return strings.HasPrefix(agent, "php") || strings.HasPrefix(agent, "nameofagent") || agent == "apache"
}

// write answers the endpoints that change something, of which only comments
// are taken.
func (o *OCM) write(r *http.Request) answer {
	path, action := r.URL.Path, r.URL.Query().Get("action")
	post := r.Method == http.MethodPost
	switch {
	case post && strings.Contains(path, "/v3/profile/authenticate"):
		return o.authenticate(r, false)
	case post && strings.Contains(path, "/v4/profile/authenticate"):
		return o.authenticate(r, true)
	case submitsOCMComment(r):
		return o.comment(r)
	case strings.Contains(path, "/v3/mediaitem"), strings.Contains(path, "/v3/poi"),
		strings.Contains(path, "/profile/mediaitem/"), strings.HasSuffix(action, "_submission"):
		if _, refused, ok := o.author(r); !ok {
			return refused
		}
		return ocmReadOnly()
	}
	return answer{status: http.StatusNotFound}
}

func (o *OCM) poi(params ocmParams) answer {
	q := parseOCMQuery(params, o.countryIDs)
	if q.output == "rss" || q.output == "carwings" {
		return errorAnswer(http.StatusBadRequest, "specified output type not supported in this API version")
	}
	o.catchUp()
	now := o.now()
	found := o.index.find(&q)
	pois := make([]*ocmPOI, len(found))
	for i, p := range found {
		pois[i] = q.present(p, now)
	}
	switch q.output {
	case "json":
		return answer{status: http.StatusOK, contentType: typeJSON, body: o.encoder.append(make([]byte, 0, 2048*len(pois)+16), pois, q.shape)}
	case "geojson":
		return answer{status: http.StatusOK, contentType: "application/geo+json", body: o.geoJSON(pois, q.shape)}
	case "csv":
		return answer{status: http.StatusOK, contentType: "text/csv", body: ocmCSV(pois)}
	case "kml":
		return answer{status: http.StatusOK, contentType: "application/vnd.google-earth.kml+xml", body: ocmKML(pois)}
	default:
		return answer{status: http.StatusOK, contentType: "text/xml", body: ocmXML(pois)}
	}
}

// referenceData answers the lookup lists; countryid trims the connection types
// to those that occur there, and nothing else.
func (o *OCM) referenceData(params ocmParams) answer {
	reference := *o.data.reference
	if countries := params.set("countryid"); countries != nil {
		used := make(map[int]bool)
		for _, p := range o.index.all() {
			if !countries.has(p.AddressInfo.CountryID) {
				continue
			}
			for _, c := range p.Connections {
				if c.ConnectionTypeID != nil {
					used[*c.ConnectionTypeID] = true
				}
			}
		}
		reference.ConnectionTypes = slices.DeleteFunc(slices.Clone(reference.ConnectionTypes), func(t ocmConnectionType) bool { return !used[t.ID] })
	}
	return answer{status: http.StatusOK, contentType: typeJSON, body: o.encoder.append(nil, &reference, params.shape())}
}

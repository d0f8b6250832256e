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
	// Now is the clock by which records count as recently verified; nil is the
	// world's epoch for a world, and time.Now for a file.
	Now func() time.Time
	// Logger gets one line per request at level debug; nil is silence.
	Logger *slog.Logger
}

// OCM is a simulated Open Charge Map: an http.Handler that answers GET
// /v3/poi and /v3/referencedata the way the real service does, and everything
// else with the errors of the real service. Nobody is ever signed in, so
// writing is refused.
//
// Below /_sandbox/ it is steered: GET, PUT and DELETE /_sandbox/faults read,
// replace and remove faults (one flag text such as "ocm=429" per line), GET
// /_sandbox/calls counts calls. These answer to loopback addresses only.
//
// It is safe for concurrent use.
type OCM struct {
	simulator

	key        string
	now        func() time.Time
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
		if opts.Now == nil {
			opts.Now = time.Now
		}
		return newOCM(data, opts), nil
	case w != nil:
		if opts.Now == nil {
			epoch := w.params.Epoch
			opts.Now = func() time.Time { return epoch }
		}
		return newOCM(newOCMView(w), opts), nil
	default:
		return nil, errors.New("sandbox: NewOCM: neither a world nor OCMOptions.File")
	}
}

// newOCM serves data, which several simulators may share.
func newOCM(data *ocmData, opts OCMOptions) *OCM {
	o := &OCM{
		simulator: newSimulator("ocm", opts.Logger, ocmManners()),
		key:       opts.Key, now: opts.Now,
		data: data, index: newOCMIndex(data.pois), encoder: newOCMEncoder(),
		countryIDs: make(map[string]int),
		guid:       regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
	}
	for _, c := range data.reference.Countries {
		if c.ISOCode != nil {
			o.countryIDs[*c.ISOCode] = c.ID
		}
	}
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
		return write(r)
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

// write answers the endpoints that change something: nobody is signed in here.
func write(r *http.Request) answer {
	path := r.URL.Path
	for _, known := range []string{"/v3/comment", "/v3/mediaitem", "/v3/poi", "/profile/authenticate", "/profile/mediaitem/"} {
		if strings.Contains(path, known) {
			return answer{status: http.StatusUnauthorized}
		}
	}
	if strings.HasSuffix(r.URL.Query().Get("action"), "_submission") {
		return answer{status: http.StatusUnauthorized}
	}
	return answer{status: http.StatusNotFound}
}

func (o *OCM) poi(params ocmParams) answer {
	q := parseOCMQuery(params, o.countryIDs)
	if q.output == "rss" || q.output == "carwings" {
		return errorAnswer(http.StatusBadRequest, "specified output type not supported in this API version")
	}
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
		for _, p := range o.index.byLat {
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

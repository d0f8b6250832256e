package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// OCPPLABOptions are the settings of a simulated OCPPLAB gateway. The zero
// value has three CPOs that somebody keeps alive, and accepts every bearer
// token.
type OCPPLABOptions struct {
	// Token is the only bearer token of a user that is accepted; when empty,
	// every one is.
	Token string
	// AdminToken is a bearer token that belongs to no organisation: with it,
	// requests must name one in X-Organization-Id. Empty: there is none.
	AdminToken string
	// CPOs are the keys of the operators that have a CPO here, at most 99;
	// empty is voltaro, grachtlader and wattlecharge. Their cpo_ids count from
	// 101.
	CPOs []string
	// PeerURL is the versions endpoint in ocpi_peer_url; empty is null.
	PeerURL string
	// TTL is how long a CPO lives, counted from the clock's first answer; then
	// it is destroyed by itself. 0 means that somebody prolongs it every day.
	TTL time.Duration
	// File is a recording that is served instead of the world, plain or gzip:
	// an answer of /ocpi/cpos/{cpo_id}/locations or an array of locations,
	// which become those of CPO 101, or {"cpos": [...], "locations":
	// {"101": [...]}}, with whole answers or arrays inside.
	File string
	// Now is the clock of expires_at and TTL; nil is time.Now.
	Now func() time.Time
	// Logger gets one line per request at level debug; nil is silence.
	Logger *slog.Logger
}

// OCPPLAB is a simulated OCPPLAB gateway: GET /ocpi/cpos, one CPO below that,
// its locations, and one location, with the errors of FastAPI. Whatever writes
// is refused with 403, as to a user whose role is to look.
//
// Below /_sandbox/ it is steered as OCM is. It is safe for concurrent use.
type OCPPLAB struct {
	simulator

	opts OCPPLABOptions

	cpos []*ocpplabCPO

	life struct {
		sync.RWMutex

		born    time.Time
		ended   map[string]bool
		peerURL string
	}
}

// ocpplabCPO is a CPO with its locations.
type ocpplabCPO struct {
	ID              string           `json:"cpo_id"`
	Party           *ocpplabParty    `json:"party"`
	NamePrefix      *string          `json:"name_prefix"`
	Template        *string          `json:"template"`
	TemplateVersion *int             `json:"template_version"`
	OCPIPeerURL     *string          `json:"ocpi_peer_url"`
	Topology        *ocpplabTopology `json:"topology"`
	ReportURL       *string          `json:"report_url"`
	DestroyURL      *string          `json:"destroy_url"`
	ExpiresAt       *string          `json:"expires_at"`

	raw       json.RawMessage // of a recording, else nil
	locations []*ocpplabEntry
}

type ocpplabParty struct {
	CountryCode string `json:"country_code"`
	PartyID     string `json:"party_id"`
	Role        string `json:"role"`
}

type ocpplabTopology struct {
	Locations  int `json:"locations"`
	Chargers   int `json:"chargers"`
	EVSEs      int `json:"evses"`
	Connectors int `json:"connectors"`
}

// ocpplabEntry is a location as it is sent.
type ocpplabEntry struct {
	id   string
	site *Site // nil for a recording
	json json.RawMessage
}

// NewOCPPLAB returns a simulator of a gateway that holds some sites of w, or
// the recording opts.File; w may be nil when there is a file. It returns an
// error that names the setting that makes no sense, or the file that cannot be
// read. Close releases requests that a fault holds; until then the simulator
// owns no goroutine.
func NewOCPPLAB(w *World, opts OCPPLABOptions) (*OCPPLAB, error) {
	o := &OCPPLAB{simulator: newSimulator("ocpplab", opts.Logger, ocpplabManners())}
	o.life.ended, o.life.peerURL = make(map[string]bool), opts.PeerURL
	if opts.TTL < 0 {
		return nil, fmt.Errorf("sandbox: OCPPLABOptions.TTL is %v, want 0 or more", opts.TTL)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	var err error
	switch {
	case opts.File != "":
		if o.cpos, err = readOCPPLABFile(opts.File); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	case w != nil:
		if len(opts.CPOs) == 0 {
			opts.CPOs = []string{"voltaro", "grachtlader", "wattlecharge"}
		}
		if o.cpos, err = newOCPPLABView(w, opts.CPOs); err != nil {
			return nil, err
		}
		o.faults.throw(w.params.Seed)
	default:
		return nil, errors.New("sandbox: NewOCPPLAB: neither a world nor OCPPLABOptions.File")
	}
	o.opts = opts
	return o, nil
}

// CPOs returns the ids of the CPOs that are alive.
func (o *OCPPLAB) CPOs() []string {
	var ids []string
	for _, c := range o.alive(o.opts.Now()) {
		ids = append(ids, c.ID)
	}
	return ids
}

// Expire destroys CPOs: they are no longer listed, and their locations are
// 404.
func (o *OCPPLAB) Expire(ids ...string) {
	o.life.Lock()
	defer o.life.Unlock()
	for _, id := range ids {
		o.life.ended[id] = true
	}
}

// SiteOf returns the truth behind a location. ok is false when there is no
// such location, as always for a recording.
func (o *OCPPLAB) SiteOf(cpo, location string) (s Site, ok bool) {
	for _, c := range o.cpos {
		for _, l := range c.locations {
			if c.ID == cpo && l.id == location && l.site != nil {
				return *l.site, true
			}
		}
	}
	return Site{}, false
}

// peer sets ocpi_peer_url unless the options did.
func (o *OCPPLAB) peer(versionsURL string) {
	o.life.Lock()
	defer o.life.Unlock()
	if o.life.peerURL == "" {
		o.life.peerURL = versionsURL
	}
}

// alive returns the CPOs that have not expired.
func (o *OCPPLAB) alive(now time.Time) []*ocpplabCPO {
	o.life.Lock()
	defer o.life.Unlock()
	if o.life.born.IsZero() {
		o.life.born = now
	}
	if o.opts.TTL > 0 && !now.Before(o.life.born.Add(o.opts.TTL)) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(o.cpos), func(c *ocpplabCPO) bool { return o.life.ended[c.ID] })
}

// expiry is when the CPOs end, as far as anybody has decided.
func (o *OCPPLAB) expiry(now time.Time) time.Time {
	if o.opts.TTL == 0 {
		return now.UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)
	}
	o.life.RLock()
	defer o.life.RUnlock()
	return o.life.born.Add(o.opts.TTL).UTC()
}

// ocpplabManners is how the gateway fails.
func ocpplabManners() manners {
	return manners{
		unauthorized: ocpplabDetail(http.StatusUnauthorized, "Invalid or expired token"),
		forbidden:    ocpplabDetail(http.StatusForbidden, "Insufficient role"),
		tooMany:      ocpplabDetail(http.StatusTooManyRequests, "Too Many Requests"),
		badGateway:   answer{status: http.StatusBadGateway, contentType: "text/html", body: []byte("<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n")},
		wrongTypes:   `{"data":[{"id":{},"coordinates":"here","chargers":{"id":1},"public":"perhaps","name":7}],"total":"many","page":[],"limit":null}`,
		notArray:     `{"detail":"Workflow engine is not reachable"}`,
		huge:         [2]string{`{"data":[{"id":"loc-1","name":"`, `"}],"total":1,"page":1,"limit":50}`},
		redirect:     "https://elsewhere.invalid/ocpi/cpos",
	}
}

// ocpplabDetail is an error in one sentence.
func ocpplabDetail(status int, detail string) answer {
	b, _ := json.Marshal(map[string]string{"detail": detail})
	return answer{status: status, contentType: typeJSON, body: b}
}

// ocpplabInvalid is what FastAPI says of one parameter.
type ocpplabInvalid struct {
	Type  string         `json:"type"`
	Loc   [2]string      `json:"loc"`
	Msg   string         `json:"msg"`
	Input string         `json:"input"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

func ocpplabUnprocessable(problems []ocpplabInvalid) answer {
	b, _ := json.Marshal(map[string]any{"detail": problems})
	return answer{status: http.StatusUnprocessableEntity, contentType: typeJSON, body: b}
}

// ServeHTTP answers one request.
func (o *OCPPLAB) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.serve(w, r, o.answer) }

func (o *OCPPLAB) answer(r *http.Request) answer {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			parts[i] = plain
		}
	}
	known := len(parts) >= 2 && parts[0] == "ocpi" && parts[1] == "cpos" &&
		(len(parts) <= 3 || parts[3] == "locations" && len(parts) <= 5)
	if !known {
		return ocpplabDetail(http.StatusNotFound, "Not Found")
	}
	if refused, ok := o.authorize(r); !ok {
		return refused
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if slices.Contains([]string{http.MethodPost, http.MethodPatch, http.MethodDelete}, r.Method) {
			return ocpplabDetail(http.StatusForbidden, "Insufficient role")
		}
		return ocpplabDetail(http.StatusMethodNotAllowed, "Method Not Allowed").with("Allow", "GET")
	}
	var problems []ocpplabInvalid
	if len(parts) > 2 && strings.Trim(parts[2], "0123456789") != "" {
		problems = append(problems, ocpplabInvalid{
			Type: "string_pattern_mismatch", Loc: [2]string{"path", "cpo_id"}, Msg: `String should match pattern '^\d+$'`,
			Input: parts[2], Ctx: map[string]any{"pattern": `^\d+$`},
		})
	}
	page, limit := 1, 50
	if len(parts) == 2 || len(parts) == 4 {
		problems = readOCPPLABInt(problems, r.URL.Query(), "page", &page, 1, 0)
		problems = readOCPPLABInt(problems, r.URL.Query(), "limit", &limit, 1, 100)
	}
	if len(problems) > 0 {
		return ocpplabUnprocessable(problems)
	}
	now := o.opts.Now()
	cpos := o.alive(now)
	if len(parts) == 2 {
		return ocpplabPage(len(cpos), page, limit, func(i int) json.RawMessage { return o.describe(cpos[i], now) })
	}
	i := slices.IndexFunc(cpos, func(c *ocpplabCPO) bool { return c.ID == parts[2] })
	if i < 0 {
		return ocpplabDetail(http.StatusNotFound, "CPO not found")
	}
	locations := cpos[i].locations
	switch len(parts) {
	case 3:
		return answer{status: http.StatusOK, contentType: typeJSON, body: o.describe(cpos[i], now)}
	case 4:
		return ocpplabPage(len(locations), page, limit, func(i int) json.RawMessage { return locations[i].json })
	}
	for _, l := range locations {
		if l.id == parts[4] {
			return answer{status: http.StatusOK, contentType: typeJSON, body: l.json}
		}
	}
	return ocpplabDetail(http.StatusNotFound, "Location not found")
}

// authorize looks at the token. ok tells that the request passes.
func (o *OCPPLAB) authorize(r *http.Request) (refused answer, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	organization := r.Header.Get("X-Organization-Id")
	switch {
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return ocpplabDetail(http.StatusUnauthorized, "Not authenticated").with("WWW-Authenticate", "Bearer"), false
	case o.opts.AdminToken != "" && token == o.opts.AdminToken:
		if organization != ocpplabOrganization {
			return ocpplabDetail(http.StatusForbidden, "Tenant scope required: send X-Organization-Id"), false
		}
	case o.opts.Token != "" && token != o.opts.Token:
		return ocpplabDetail(http.StatusUnauthorized, "Invalid or expired token").with("WWW-Authenticate", "Bearer"), false
	case organization != "" && organization != ocpplabOrganization:
		return ocpplabDetail(http.StatusForbidden, "Token is scoped to another organization"), false
	}
	return answer{}, true
}

// readOCPPLABInt reads a whole number from the query; most 0 means any.
func readOCPPLABInt(problems []ocpplabInvalid, values url.Values, name string, to *int, least, most int) []ocpplabInvalid {
	if !values.Has(name) {
		return problems
	}
	text := values.Get(name)
	problem := ocpplabInvalid{Loc: [2]string{"query", name}, Input: text}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		problem.Type, problem.Msg = "int_parsing", "Input should be a valid integer, unable to parse string as an integer"
	case n < least:
		problem.Type, problem.Msg = "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", least)
		problem.Ctx = map[string]any{"ge": least}
	case most > 0 && n > most:
		problem.Type, problem.Msg = "less_than_equal", fmt.Sprintf("Input should be less than or equal to %d", most)
		problem.Ctx = map[string]any{"le": most}
	default:
		*to = n
		return problems
	}
	return append(problems, problem)
}

// describe is the CPO as it is listed.
func (o *OCPPLAB) describe(c *ocpplabCPO, now time.Time) json.RawMessage {
	if c.raw != nil {
		return c.raw
	}
	alive := *c
	o.life.RLock()
	if url := o.life.peerURL; url != "" {
		alive.OCPIPeerURL = &url
	}
	o.life.RUnlock()
	alive.ExpiresAt = new(o.expiry(now).Format(time.RFC3339))
	b, _ := json.Marshal(alive)
	return b
}

// ocpplabPage answers one page of a list; a page behind the last is empty.
func ocpplabPage(total, page, limit int, item func(i int) json.RawMessage) answer {
	w := &ocpiWriter{}
	w.open('{')
	w.key("data").open('[')
	from := total
	if page-1 <= total/limit {
		from = min((page-1)*limit, total)
	}
	for i := from; i < min(from+limit, total); i++ {
		w.comma()
		w.b = append(w.b, item(i)...)
	}
	w.close(']')
	w.key("total").number(float64(total))
	w.key("page").number(float64(page))
	w.key("limit").number(float64(limit))
	w.close('}')
	return answer{status: http.StatusOK, contentType: typeJSON, body: w.b}
}

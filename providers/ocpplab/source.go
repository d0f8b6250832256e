package ocpplab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/upstream"
)

const (
	// DefaultPath is where the locations of a CPO are, {cpo_id} standing for it.
	DefaultPath = "/ocpi/cpos/{cpo_id}/locations"

	cposPath = "/ocpi/cpos"
	cpoID    = "{cpo_id}"
	pageSize = 100 // the most that the gateway gives
	// maxPages is a hundred thousand locations of one CPO: far beyond any template.
	maxPages = 1000
)

// Config configures a source. URL and Token are required.
type Config struct {
	ID   providers.SourceID // "ocpplab", or "ocpplab:name" where there are several; default the first
	Name string             // for people; default "OCPPLAB"
	// URL is the gateway, without the path of an endpoint.
	URL string
	// Token is a JWT. It is sent in a header, to URL's host alone.
	Token string
	// Organization is the tenant, which an administrator's token must name and no
	// other may.
	Organization string
	// CPOs are the ids of the CPOs to read, digits; none: all that the token sees.
	CPOs []string
	// Path is where the locations of a CPO are; default DefaultPath.
	Path string
	// Interval is how often the gateway is read. It is for whoever pulls: nothing
	// here depends on it.
	Interval time.Duration
	// Sandbox says that behind URL is our own simulator: mode SANDBOX, every
	// record attributed to made-up data.
	Sandbox bool

	// Around goes around the transport that makes the calls, inside all policies:
	// it sees every single call, for measuring and tracing. nil: nothing does.
	Around func(http.RoundTripper) http.RoundTripper

	Budget    providers.Budget // how many calls Token may be sent; nil: none is kept
	UserAgent string           // default "chargegraph (GraphQL API for charging sites)"
	Clock     func() time.Time // default time.Now
	Logger    *slog.Logger     // default: none
}

// Feed is the locations of some CPOs of a gateway. Pull is for one goroutine at
// a time.
type Feed struct {
	cfg    Config
	source *providers.Source
	client *client

	known map[string][]providers.Key // what the last pull gave, by cpo_id

	mu     sync.Mutex
	report Report
}

// Report says what became of the last pull.
type Report struct {
	CPOs     int // read
	Gone     int // CPOs that answered 404
	Read     int // locations found, broken ones included
	Kept     int // records handed out
	Broken   int // no object, or without an id
	Hidden   int // public is false
	Unplaced int // no position, or 0,0
	Twice    int // an id that was here before: the first one counts
}

// CPO is a simulated operator.
type CPO struct {
	ID    string // "12"
	Party string // "FR*ABC"; "" where the gateway does not say
	Name  string // the prefix of its locations' names
	// PeerURL is its own OCPI versions endpoint, which package ocpi can read; ""
	// where there is none.
	PeerURL   string
	ExpiresAt time.Time // zero: not known
}

var (
	reCPO  = regexp.MustCompile(`^\d{1,18}$`)
	rePart = regexp.MustCompile(`^[A-Z0-9]{2,3}$`)
)

// New returns a source. It asks nothing yet. An error names the field of cfg
// that cannot be, and never holds the token.
func New(cfg Config) (*Feed, error) {
	base, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("ocpplab: %w", err)
	}
	cfg.Logger = cfg.Logger.With(slog.String("source", string(cfg.ID)))
	f := &Feed{cfg: cfg, source: describe(&cfg), client: newClient(base, &cfg), known: map[string][]providers.Key{}}
	f.source.Spends(cfg.Budget)
	return f, nil
}

// complete fills in defaults and returns the URL, or says which field is wrong.
func (cfg *Config) complete() (*url.URL, error) {
	if cfg.ID == "" {
		cfg.ID = providers.NewSourceID(providers.OCPPLAB, "")
	}
	if cfg.Name == "" {
		cfg.Name = "OCPPLAB"
	}
	if cfg.Path == "" {
		cfg.Path = DefaultPath
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = upstream.UserAgent
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	k, err := providers.ParseKey(string(providers.NewKey(cfg.ID, "1/a")))
	if err != nil || k.SourceID() != cfg.ID || cfg.ID.Provider() != providers.OCPPLAB {
		return nil, refuse("ID", "%q is not ocpplab or ocpplab:name", cfg.ID)
	}
	base, err := url.Parse(cfg.URL)
	switch {
	case cfg.URL == "":
		return nil, refuse("URL", "missing; there is no public gateway")
	case err != nil:
		return nil, refuse("URL", "not a URL") // the error would quote it
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, refuse("URL", "must begin with http:// or https:// and name a host")
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, refuse("URL", "must hold no user, no query and no fragment; the token has its own field")
	case cfg.Token == "":
		return nil, refuse("Token", "missing; the gateway answers nobody without one")
	case strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, refuse("Token", "must be printable ASCII without blanks")
	case !strings.HasPrefix(cfg.Path, "/"), strings.Count(cfg.Path, cpoID) != 1, strings.ContainsAny(cfg.Path, "?#"), strings.Contains(cfg.Path, ".."):
		return nil, refuse("Path", "%q must begin with / and hold %s once", cfg.Path, cpoID)
	}
	for name, value := range map[string]string{"UserAgent": cfg.UserAgent, "Organization": cfg.Organization} {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, refuse(name, "must be printable ASCII")
		}
	}
	for i, id := range cfg.CPOs {
		if !reCPO.MatchString(id) || slices.Contains(cfg.CPOs[:i], id) {
			return nil, refuse("CPOs", "%q is no number, or stands there twice", id)
		}
	}
	return base, nil
}

// refuse returns the error of a field that cannot be.
func refuse(field, why string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(why, args...))
}

// describe returns what is known of a source before it is asked.
func describe(cfg *Config) *providers.Source {
	s := &providers.Source{
		ID: cfg.ID, Provider: providers.OCPPLAB, Name: cfg.Name, Mode: providers.ModeSync,
		Attribution: providers.Attribution{Text: "OCPPLAB: simulated chargers"},
		Undecided: []string{
			"amenities", "availability", "connections.availability", "connections.connectionTypeIds", "connections.formats", "connections.level",
			"connections.maxPowerKw", "connections.minPowerKw", "cost", "dataProviderIds", "minProviderScore", "minRating",
			"status", "statusTypeIds", "usageTypeIds", "verifiedSince",
		},
	}
	if cfg.Sandbox {
		s.Mode, s.Attribution = providers.ModeSandbox, providers.Attribution{Text: "made-up data"}
	}
	return s
}

// Source describes the source: mode SYNC. It is the same value always.
func (f *Feed) Source() *providers.Source { return f.source }

// Report returns what became of the last pull that has ended. It is safe for
// concurrent use.
func (f *Feed) Report() Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.report
}

// CPOs asks the gateway which CPOs the token sees. The error is a
// *providers.SourceError. It is safe for concurrent use.
func (f *Feed) CPOs(ctx context.Context) ([]CPO, error) {
	var cpos []CPO
	_, err := each(ctx, f.client, cposPath, func(w *wireCPO) {
		id := clean.Line(string(w.CPOID))
		if !reCPO.MatchString(id) {
			return
		}
		c := CPO{ID: id, Name: clean.Line(string(w.NamePrefix)), PeerURL: peerURL(string(w.PeerURL)), ExpiresAt: w.ExpiresAt.Time}
		country, party := upperLine(string(w.Party.Value.CountryCode)), upperLine(string(w.Party.Value.PartyID))
		if rePart.MatchString(country) && rePart.MatchString(party) {
			c.Party = country + "*" + party
		}
		cpos = append(cpos, c)
	})
	if err != nil {
		return nil, fmt.Errorf("ocpplab: list CPOs of %s: %w", f.source.ID, err)
	}
	return cpos, nil
}

// each calls take with every element of a list, page after page, and returns how
// many elements could not be read.
func each[T any](ctx context.Context, c *client, path string, take func(*T)) (broken int, err error) {
	read := 0
	for n := 1; n <= maxPages; n++ {
		var page wirePage[T]
		params := url.Values{"page": {strconv.Itoa(n)}, "limit": {strconv.Itoa(pageSize)}}
		if err = c.get(ctx, path, params, &page); err != nil {
			return broken, err
		}
		if !page.Data.set {
			return broken, upstream.BadResponse("the OCPPLAB gateway's answer holds no list", nil)
		}
		if n > 1 && page.Page.Set && page.Page.Value != float64(n) {
			return broken, upstream.BadResponse("the OCPPLAB gateway answered with another page than it was asked for", nil)
		}
		for i := range page.Data.values {
			take(&page.Data.values[i])
		}
		broken += page.Data.broken
		got := len(page.Data.values) + page.Data.broken
		read += got
		switch {
		case got == 0 && page.Total.Set && float64(read) < page.Total.Value:
			return broken, &providers.SourceError{
				Code:    providers.CodeSuspectAnswer,
				Message: fmt.Sprintf("the OCPPLAB gateway gave %d of the %.0f entries that it says it has", read, page.Total.Value),
			}
		case got == 0, page.Total.Set && float64(read) >= page.Total.Value:
			return broken, nil
		}
	}
	return broken, upstream.BadResponse(fmt.Sprintf("a list of the OCPPLAB gateway has more than %d pages and was not read to its end", maxPages), nil)
}

// Pull reads all locations of the CPOs: the gateway cannot be asked for changes,
// so that since is passed over. It implements the Puller of package store.
// Locations that are not public or have no position, and those of a CPO that is
// gone, come as removed. It returns the error of yield as it was, and a
// *providers.SourceError, wrapped, when a CPO could not be read to its end.
func (f *Feed) Pull(ctx context.Context, _ time.Time, yield func(put []*providers.Record, removed []providers.Key) error) (providers.Pulled, error) {
	began := f.cfg.Clock().UTC()
	p := &pull{feed: f, mapper: mapper{source: f.source, fetchedAt: began, operators: map[string]*providers.Operator{}}}
	p.yield = func(put []*providers.Record, removed []providers.Key) error {
		p.refused = yield(put, removed)
		return p.refused
	}
	known, err := p.run(ctx)
	f.client.CloseIdleConnections() // the next pull is far away
	f.mu.Lock()
	f.report = p.report
	f.mu.Unlock()
	switch {
	case p.refused != nil: // which is no word of the gateway's, whatever it looks like
		return providers.Pulled{}, p.refused
	case err != nil:
		return providers.Pulled{}, fmt.Errorf("ocpplab: pull %s: %w", f.source.ID, err)
	}
	f.known = known
	r := &p.report
	f.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "gateway read",
		slog.Int("cpos", r.CPOs), slog.Int("gone", r.Gone), slog.Int("read", r.Read), slog.Int("kept", r.Kept), slog.Int("broken", r.Broken),
		slog.Int("hidden", r.Hidden), slog.Int("unplaced", r.Unplaced), slog.Int("twice", r.Twice), slog.Duration("duration", f.cfg.Clock().Sub(began)))
	return providers.Pulled{AsOf: began, Whole: true}, nil
}

// pull is one reading of the gateway.
type pull struct {
	feed    *Feed
	mapper  mapper
	yield   func([]*providers.Record, []providers.Key) error
	refused error // of yield
	report  Report
}

// run reads one CPO after the other and returns what each has.
func (p *pull) run(ctx context.Context) (map[string][]providers.Key, error) {
	f := p.feed
	listed, err := f.CPOs(ctx)
	if se := (*providers.SourceError)(nil); errors.As(err, &se) && se.Code == providers.CodeNotFound && len(f.cfg.CPOs) > 0 {
		// A gateway with its locations on another path may have no such list. The
		// operators have no names then.
		f.cfg.Logger.InfoContext(ctx, "the gateway lists no CPOs", slog.Any("error", err))
	} else if err != nil {
		return nil, err
	}
	wanted := f.cfg.CPOs
	parties := map[string]CPO{}
	for _, c := range listed {
		parties[c.ID] = c
		if len(f.cfg.CPOs) == 0 && !slices.Contains(wanted, c.ID) {
			wanted = append(wanted, c.ID)
		}
	}
	known := map[string][]providers.Key{}
	strange := false // a CPO is listed and gone
	for _, id := range wanted {
		cpo, ok := parties[id]
		if !ok {
			cpo = CPO{ID: id}
		}
		var keys []providers.Key
		keys, err = p.cpo(ctx, cpo)
		if p.refused != nil {
			return nil, p.refused
		}
		if se := (*providers.SourceError)(nil); errors.As(err, &se) && se.Code == providers.CodeNotFound {
			f.cfg.Logger.InfoContext(ctx, "a CPO is gone", slog.String("cpo_id", id))
			p.report.Gone++
			strange = strange || ok
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("CPO %s: %w", id, err)
		}
		p.report.CPOs++
		known[id] = keys
	}
	if strange && len(known) == 0 && len(f.known) == 0 {
		return nil, &providers.SourceError{Code: providers.CodeNotFound, Message: "the OCPPLAB gateway lists CPOs, but has no locations where they should be; check path"}
	}
	var gone []providers.Key
	for id, keys := range f.known {
		if _, still := known[id]; !still {
			gone = append(gone, keys...)
		}
	}
	if len(gone) == 0 {
		return known, nil
	}
	return known, p.yield(nil, gone)
}

// cpo reads the locations of one CPO, hands them on, and returns their keys.
func (p *pull) cpo(ctx context.Context, cpo CPO) ([]providers.Key, error) {
	var put []*providers.Record
	var keys, removed []providers.Key
	seen := map[providers.Key]bool{}
	path := strings.Replace(p.feed.cfg.Path, cpoID, cpo.ID, 1)
	broken, err := each(ctx, p.feed.client, path, func(w *wireLocation) {
		p.report.Read++
		r, key, what := p.mapper.record(cpo, w)
		switch {
		case what == nothing:
			p.report.Broken++
			return
		case seen[key]:
			p.report.Twice++
			return
		}
		seen[key] = true
		switch what {
		case kept:
			p.report.Kept++
			put, keys = append(put, r), append(keys, key)
			return
		case hidden:
			p.report.Hidden++
		case unplaced:
			p.report.Unplaced++
		case nothing: // seen to above
		}
		removed = append(removed, key)
	})
	p.report.Read += broken
	p.report.Broken += broken
	if err != nil {
		return nil, err
	}
	return keys, p.yield(put, removed)
}

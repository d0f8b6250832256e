package ocpi

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/upstream"
)

const (
	// DefaultInterval is how often a feed is read for changes: live states are
	// worth little when they are older, and open feeds allow no more than some
	// twelve to thirty requests an hour.
	DefaultInterval = 5 * time.Minute
	// DefaultPageTimeout is how long one page may take: the Netherlands in one
	// page, 15 MB gzipped, at 2 Mbit/s.
	DefaultPageTimeout = 2 * time.Minute

	// overlap is how far a pull reaches back before the last one, for clocks that
	// differ and changes that are published late.
	overlap = 10 * time.Minute
	// liveIntervals is how many intervals a live state counts as live: one, and
	// two pulls that fail.
	liveIntervals = 3
	minLiveFor    = 5 * time.Minute
)

// Config configures a feed. Name and one of URL and File are required.
type Config struct {
	// Name is the source's name in its id, "ndw", and part of its records' keys.
	Name string
	// Title is what people call it; default Name.
	Title string
	// URL is a versions endpoint, version details, or a locations endpoint. It may
	// have a query, which stays with it.
	URL string
	// File is a file that holds what a locations endpoint answers, plain or
	// gzipped. It is read again when it has changed; its records are as of when it
	// was written.
	File string
	// Token is sent in a header, to URL's host and to AllowHosts.
	Token string
	// TokenEncoding is "base64", as OCPI wants it since 2.2, "raw", or "auto",
	// the default: base64 first, raw when that is not accepted.
	TokenEncoding string
	// TokenHeader is a further header that carries the token as it is, for peers
	// that want X-Api-Key.
	TokenHeader string
	// Interval is how often the feed is read; default DefaultInterval. It is for
	// whoever pulls; here it only decides how long a state counts as live.
	Interval time.Duration
	// LiveFor is how long live states count as live after a pull; default three
	// intervals, and five minutes at least.
	LiveFor time.Duration
	// AllowHosts are further hosts, with or without a port, that versions, pages
	// and redirects may lead to. A private address among them, without a port, may
	// also be what the name of an allowed host stands for.
	AllowHosts []string
	// AllowPrivate lets the names of the configured hosts stand for any private
	// address. A host that is written as an address, has no dot, or ends in
	// .local, .internal, .lan, .localhost or .home.arpa needs no such permission.
	AllowPrivate bool
	// PageSize is how many locations a page is asked to hold; 0 leaves it to the feed.
	PageSize int
	// PageTimeout is how long one page may take; default DefaultPageTimeout.
	PageTimeout time.Duration
	// Sandbox says that the feed is made up: mode SANDBOX, every record
	// attributed to made-up data.
	Sandbox bool
	// Attribution is what must be shown with the feed's data; default is the
	// operator of each location. AttributionURL and License go with it.
	Attribution    string
	AttributionURL string
	License        string

	// Around goes around the transport that makes the calls, inside all policies:
	// it sees every single call, for measuring and tracing. nil: nothing does.
	Around func(http.RoundTripper) http.RoundTripper

	Budget    providers.Budget // how many calls the feed may be sent; nil: none is kept
	UserAgent string           // default "chargegraph (GraphQL API for charging sites)"
	Clock     func() time.Time // default time.Now
	Logger    *slog.Logger     // default: none
}

// Feed is an OCPI feed. Pull is for one goroutine at a time.
type Feed struct {
	cfg    Config
	source *providers.Source
	base   *url.URL // nil for a file
	client *client

	kind      kind
	locations *url.URL // the endpoint that was found; nil: base is it, or nothing was found yet
	applied   time.Time
	cached    validators // of the answer that applied stands for

	mu     sync.Mutex
	report Report
}

// kind is what there is at the configured URL.
type kind int

const (
	unknownKind kind = iota
	versionsKind
	locationsKind
)

// Report says what became of the last pull.
type Report struct {
	Pages int
	Read  int // locations found, broken ones included
	Kept  int // records handed out

	Broken       int // no object, or without an id
	Older        int // copies of a location that had a newer one
	Unpublished  int // publish is false
	WithoutEVSEs int // all EVSEs are REMOVED, or there are none
	Unplaced     int // no position, or 0,0
	RemovedEVSEs int // REMOVED, at locations with others
	Unread       int // what the feed said it has beyond what it gave
	Unchanged    bool
}

// New returns a feed. It asks nothing yet. An error names the field of cfg that
// cannot be, and never holds the token.
func New(cfg Config) (*Feed, error) {
	base, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("ocpi: %w", err)
	}
	f := &Feed{cfg: cfg, base: base, source: describe(&cfg)}
	f.source.Spends(cfg.Budget)
	f.cfg.Logger = cfg.Logger.With(slog.String("source", string(f.source.ID)))
	if base != nil {
		f.client = newClient(newHosts(base, cfg.AllowHosts, cfg.AllowPrivate), &f.cfg)
	}
	return f, nil
}

// Source describes the feed: mode SYNC. It is the same value always.
func (f *Feed) Source() *providers.Source { return f.source }

// Report returns what became of the last pull that has ended. It is safe for
// concurrent use.
func (f *Feed) Report() Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.report
}

// complete fills in defaults and returns the URL, or says which field is wrong.
func (cfg *Config) complete() (*url.URL, error) {
	if cfg.TokenEncoding == "" {
		cfg.TokenEncoding = string(encodeAuto)
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.LiveFor == 0 {
		cfg.LiveFor = max(liveIntervals*cfg.Interval, minLiveFor)
	}
	if cfg.PageTimeout == 0 {
		cfg.PageTimeout = DefaultPageTimeout
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
	if cfg.Title == "" {
		cfg.Title = cfg.Name
	}
	switch {
	case !providers.ValidSourceName(cfg.Name):
		return nil, refuse("Name", "%q: a name begins with a lower-case letter and has at most 32 lower-case letters, digits, - and _", cfg.Name)
	case cfg.URL == "" && cfg.File == "":
		return nil, refuse("URL", "missing; a feed has a url or a file")
	case cfg.URL != "" && cfg.File != "":
		return nil, refuse("File", "stands beside a URL; a feed has one of them")
	case cfg.Interval < 0:
		return nil, refuse("Interval", "%v, must not be negative", cfg.Interval)
	case cfg.LiveFor < 0:
		return nil, refuse("LiveFor", "%v, must not be negative", cfg.LiveFor)
	case cfg.PageTimeout < 0:
		return nil, refuse("PageTimeout", "%v, must not be negative", cfg.PageTimeout)
	case cfg.PageSize < 0 || cfg.PageSize > maxPageSize:
		return nil, refuse("PageSize", "%d, must be 0..%d", cfg.PageSize, maxPageSize)
	case !slices.Contains([]encoding{encodeAuto, encodeBase64, encodeRaw}, encoding(cfg.TokenEncoding)):
		return nil, refuse("TokenEncoding", "%q is not auto, base64 or raw", cfg.TokenEncoding)
	case strings.ContainsFunc(cfg.UserAgent, notPrintable):
		return nil, refuse("UserAgent", "must be printable ASCII")
	case cfg.Token != "" && (strings.TrimSpace(cfg.Token) != cfg.Token || strings.ContainsFunc(cfg.Token, isControl)):
		return nil, refuse("Token", "must hold no control characters and no blanks around it")
	case cfg.Token != "" && cfg.TokenEncoding != string(encodeBase64) && strings.ContainsFunc(cfg.Token, notPrintable):
		return nil, refuse("Token", "must be printable ASCII unless TokenEncoding is base64")
	case cfg.TokenHeader != "" && (cfg.Token == "" || strings.ContainsFunc(cfg.TokenHeader, notInHeaderName)):
		return nil, refuse("TokenHeader", "is no name of a header, or there is no token for it")
	}
	for _, a := range cfg.AllowHosts {
		if a == "" || strings.ContainsAny(a, "/@*? ") {
			return nil, refuse("AllowHosts", "%q is no host and no host:port", a)
		}
	}
	if cfg.File != "" {
		if info, err := os.Stat(cfg.File); err != nil {
			return nil, fmt.Errorf("%s: %w", "File", err)
		} else if !info.Mode().IsRegular() {
			return nil, refuse("File", "%s is no file", cfg.File)
		}
		return nil, nil //nolint:nilnil // a file has no URL
	}
	base, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		return nil, refuse("URL", "not a URL") // the error would quote it
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, refuse("URL", "must begin with http:// or https:// and name a host")
	case base.User != nil, base.Fragment != "":
		return nil, refuse("URL", "must hold no user and no fragment; the token has its own field")
	}
	return base, nil
}

// maxPageSize is more than any feed gives.
const maxPageSize = 100_000

func isControl(r rune) bool    { return r < ' ' || r == 0x7f }
func notPrintable(r rune) bool { return r < ' ' || r > '~' }
func notInHeaderName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// refuse returns the error of a field that cannot be.
func refuse(field, why string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(why, args...))
}

// describe returns what is known of a feed before it is read.
func describe(cfg *Config) *providers.Source {
	s := &providers.Source{
		ID: providers.NewSourceID(providers.OCPI, cfg.Name), Provider: providers.OCPI, Name: cfg.Title, Mode: providers.ModeSync,
		Capabilities: providers.SourceCapabilities{LiveStatus: true, Photos: true},
		Attribution:  providers.Attribution{Text: cfg.Attribution, URL: clean.URL(cfg.AttributionURL), License: cfg.License},
		LiveFor:      cfg.LiveFor,
		Undecided: []string{
			"connections.connectionTypeIds", "cost", "dataProviderIds", "minProviderScore", "minRating",
			"statusTypeIds", "usageTypeIds", "verifiedSince",
		},
	}
	if s.Attribution.Text == "" {
		s.Attribution.Text = cfg.Title
	}
	if cfg.Sandbox {
		s.Mode = providers.ModeSandbox
		s.Attribution = providers.Attribution{Text: "made-up data"}
	}
	return s
}

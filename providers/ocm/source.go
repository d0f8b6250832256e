package ocm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

const (
	// DefaultURL is OCM's API.
	DefaultURL = "https://api.openchargemap.io/v3"
	// DefaultMaxResults lies between what OCM's own app asks for every day (500)
	// and what EVMap does (3,000): some 2 MB with comments and photos.
	DefaultMaxResults = 2000
	// DefaultReferenceTTL is how often OCM asks clients to fetch reference data.
	DefaultReferenceTTL = 24 * time.Hour

	maxMaxResults = 10_000
	// detailBatch keeps the list of ids in a URL under 1,000 characters.
	detailBatch = 100
)

// Config configures a live source. ID and Key are required.
type Config struct {
	ID   providers.SourceID // "ocm", or "ocm:name" where there are several
	Name string             // for people; default "Open Charge Map"
	// URL is the API with its version; default DefaultURL. A URL without a path
	// gets /v3.
	URL string
	// Key is the application's key. It is sent in a header, never in a URL.
	Key string
	// Client makes the calls, under policies of the source's own. Its
	// CheckRedirect is replaced. Default: a client of its own with a timeout of 30 s.
	Client *http.Client
	// Around goes around the transport that makes the calls, inside all policies:
	// it sees every single call, for measuring and tracing. nil: nothing does.
	Around func(http.RoundTripper) http.RoundTripper
	// Budget is how many calls Key may be sent; nil: none is kept.
	Budget providers.Budget
	// ClientName and UserAgent tell OCM's operators who asks; defaults
	// "chargegraph" and "chargegraph (GraphQL API for charging sites)".
	ClientName string
	UserAgent  string
	// Sandbox says that behind URL is a simulator: mode SANDBOX, every record
	// attributed to made-up data, no links to the real map.
	Sandbox bool
	// NoAvatars leaves out pictures of authors: their URLs hold hashes of e-mail
	// addresses.
	NoAvatars bool
	// MaxResults is how many POIs one call may bring, 1..10,000; default
	// DefaultMaxResults. One more is asked for, to know whether there are more.
	MaxResults int
	// Timeout is how long an answer may wait for this source; 0 leaves it to
	// the catalog.
	Timeout time.Duration
	// Username and Password are an account at OCM (its e-mail address), under whose
	// name check-ins are sent that bring no token of their sender's. They are
	// secrets, and optional.
	Username string
	Password string
	// CheckIns says that check-ins are taken without an account, too: each must
	// bring its sender's own token then. With an account they always are.
	CheckIns bool
	// SendTimeout is how long OCM may take for one check-in; default
	// DefaultSendTimeout. The timeout of Client does not hold for check-ins.
	SendTimeout time.Duration
	// ReferenceTTL is how long a reference table counts as fresh; default
	// DefaultReferenceTTL.
	ReferenceTTL time.Duration
	Clock        func() time.Time // default time.Now
	Logger       *slog.Logger     // default: none
}

// Source is Open Charge Map asked over the network. It implements
// [providers.Provider], [providers.Detailer], [providers.Referenced] and
// [providers.CheckInTaker], and is safe for concurrent use.
type Source struct {
	source      *providers.Source
	client      *client
	poster      *poster
	account     *account // nil: none is configured
	sendTimeout time.Duration
	maxResults  int
	avatars     bool
	clock       func() time.Time
	log         *slog.Logger
	builtin     *index
	reference   *referenceCache
	costs       costs
	rooms       sync.Pool // of *room
}

var (
	_ providers.Provider   = (*Source)(nil)
	_ providers.Detailer   = (*Source)(nil)
	_ providers.Referenced = (*Source)(nil)
)

// New returns a live source. It asks nothing yet. An error names the field of
// cfg that cannot be, and never holds the key.
func New(cfg Config) (*Source, error) {
	base, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("ocm: %w", err)
	}
	mode := providers.ModeLive
	if cfg.Sandbox {
		mode = providers.ModeSandbox
	}
	s := &Source{
		source:      describe(cfg.ID, cfg.Name, mode),
		client:      newClient(base, &cfg),
		poster:      newPoster(base, &cfg),
		sendTimeout: cfg.SendTimeout,
		maxResults:  cfg.MaxResults,
		avatars:     !cfg.NoAvatars,
		clock:       cfg.Clock,
		log:         cfg.Logger.With(slog.String("source", string(cfg.ID))),
		builtin:     newIndex(builtinReference()),
	}
	if cfg.Username != "" {
		s.account = newAccount(&cfg, s.poster, s.log)
	}
	s.source.Capabilities.CheckIns = cfg.CheckIns || s.account != nil
	s.source.Timeout = cfg.Timeout
	s.source.Spends(cfg.Budget)
	s.reference = newReferenceCache(cfg.ReferenceTTL, cfg.Clock, s.fetchReference)
	return s, nil
}

// complete fills in defaults and returns the URL, or says which field is wrong.
func (cfg *Config) complete() (*url.URL, error) {
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	if cfg.ClientName == "" {
		cfg.ClientName = "chargegraph"
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = upstream.UserAgent
	}
	if cfg.MaxResults == 0 {
		cfg.MaxResults = DefaultMaxResults
	}
	if cfg.ReferenceTTL == 0 {
		cfg.ReferenceTTL = DefaultReferenceTTL
	}
	if cfg.SendTimeout == 0 {
		cfg.SendTimeout = DefaultSendTimeout
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkID(cfg.ID); err != nil {
		return nil, err
	}
	base, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		return nil, refuse("URL", "not a URL") // the error would quote it
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, refuse("URL", "must begin with http:// or https:// and name a host")
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, refuse("URL", "must hold no user, no query and no fragment; the key has its own field")
	}
	if strings.Trim(base.Path, "/") == "" {
		base.Path = "/v3"
	}
	switch {
	case cfg.Key == "", cfg.Key == "test", cfg.Key == "null":
		return nil, refuse("Key", "missing; Open Charge Map gives one to every application")
	case strings.ContainsFunc(cfg.Key, func(r rune) bool { return r <= ' ' || r > '~' }), len(cfg.Key) > 200:
		return nil, refuse("Key", "must be printable ASCII without blanks, at most 200 characters")
	case cfg.MaxResults < 1 || cfg.MaxResults > maxMaxResults:
		return nil, refuse("MaxResults", "%d, must be 1..%d", cfg.MaxResults, maxMaxResults)
	case cfg.ReferenceTTL < 0:
		return nil, refuse("ReferenceTTL", "%v, must not be negative", cfg.ReferenceTTL)
	case cfg.SendTimeout < 0:
		return nil, refuse("SendTimeout", "%v, must not be negative", cfg.SendTimeout)
	case cfg.Username == "" && cfg.Password != "":
		return nil, refuse("Username", "missing, though there is a Password")
	case cfg.Username != "" && cfg.Password == "":
		return nil, refuse("Password", "missing; Open Charge Map gives sessions to accounts with a password only")
	case len(cfg.Username) > 200, len(cfg.Password) > 200:
		return nil, refuse("Username", "and Password must have at most 200 characters each")
	case cfg.Timeout < 0:
		return nil, refuse("Timeout", "%v, must not be negative", cfg.Timeout)
	}
	for name, value := range map[string]string{"UserAgent": cfg.UserAgent, "ClientName": cfg.ClientName} {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, refuse(name, "must be printable ASCII")
		}
	}
	if word := robotWord(cfg.UserAgent); word != "" {
		return nil, refuse("UserAgent", "Open Charge Map takes agents called %q for robots and refuses them", word)
	}
	return base, nil
}

// refuse returns the error of a field that cannot be.
func refuse(field, why string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(why, args...))
}

// robotWord returns what makes OCM take a user agent for a robot; "" if nothing does.
func robotWord(agent string) string {
	agent = strings.ToLower(agent)
	for _, word := range []string{"robot", "crawler", "spider", "slurp", "googlebot", "kml-google", "apache-httpclient", "okhttp/3.9.1", "dart:io", "fme/2020"} {
		if strings.Contains(agent, word) {
			return word
		}
	}
	for _, word := range []string{"php", "nameofagent"} {
		if strings.HasPrefix(agent, word) {
			return word
		}
	}
	if agent == "apache" {
		return agent
	}
	return ""
}

func checkID(id providers.SourceID) error {
	k, err := providers.ParseKey(string(providers.NewKey(id, "1")))
	if err != nil || k.SourceID() != id || id.Provider() != providers.OCM {
		return fmt.Errorf("ID: %q is not ocm or ocm:name", id)
	}
	return nil
}

// describe returns what is known of a source before it is asked.
func describe(id providers.SourceID, name string, mode providers.SourceMode) *providers.Source {
	if name == "" {
		name = "Open Charge Map"
	}
	s := &providers.Source{
		ID: id, Provider: providers.OCM, Name: name, Mode: mode,
		Capabilities: providers.SourceCapabilities{Comments: true, Photos: true},
		Attribution: providers.Attribution{
			Text:    "Open Charge Map and its contributors; photos CC BY-SA 4.0",
			URL:     homepage,
			License: "one per data provider, stated with each record",
		},
		// The licences of the data providers ask for their names, and none for an
		// end: what was answered once may be kept as long as it is of use.
		Retention: providers.Retention{},
		Undecided: []string{"availability", "connections.availability", "minProviderScore"},
	}
	if mode == providers.ModeSandbox {
		s.Attribution = madeUp()
	}
	return s
}

func madeUp() providers.Attribution { return providers.Attribution{Text: "made-up data"} }

// Source implements [providers.Provider].
func (s *Source) Source() *providers.Source { return s.source }

// Search implements [providers.Provider]. An area is asked for by its own shape,
// which takes one call, or two across the antimeridian. Countries, and areas
// beyond what can be had whole, take one call that is narrowed to q.Filter, and
// the answer is Partial. Of two calls, the one that succeeded is answered, with
// Truncated, Partial and Err set.
func (s *Source) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	p, err := s.plan(q)
	if err != nil {
		return providers.Answer{}, err
	}
	answer := providers.Answer{FetchedAt: s.clock(), Partial: p.partial}
	seen := make(map[providers.Key]bool)
	failed := 0
	for _, shape := range p.shapes {
		params := url.Values{}
		for name, value := range p.filter {
			params.Set(name, value)
		}
		for name, value := range shape.params {
			params.Set(name, value)
		}
		page, err := s.poi(ctx, params, s.maxResults+1)
		if err == nil {
			err = page.suspect(shape.within)
		}
		if err != nil {
			answer.Err, answer.Partial = providers.AsSourceError(err), true
			answer.Truncated = true // whatever lies in this part is missing
			failed++
			continue
		}
		if page.elements > s.maxResults {
			answer.Truncated = true
		}
		if page.broken > 0 {
			answer.Err, answer.Partial = page.brokenError(), true
		}
		for _, r := range page.records {
			if !seen[r.Key] {
				seen[r.Key] = true
				answer.Records = append(answer.Records, r)
			}
		}
	}
	if failed == len(p.shapes) {
		return providers.Answer{}, answer.Err
	}
	if p.partial && answer.Err == nil {
		answer.Err = &providers.SourceError{
			Code:    providers.CodeAreaTooLarge,
			Message: "the area is larger than Open Charge Map can be asked for whole: a part of it was asked for; ask for a smaller area, or serve an export of it",
		}
	}
	return answer, nil
}

// DetailBatch implements [providers.Detailer].
func (s *Source) DetailBatch() int { return detailBatch }

// Detail implements [providers.Detailer]. Keys of other sources, and keys that
// are no number, name nothing here and are not asked for.
func (s *Source) Detail(ctx context.Context, keys []providers.Key) (providers.Answer, error) {
	answer := providers.Answer{FetchedAt: s.clock()}
	wanted := make(map[providers.Key]bool, len(keys))
	var ids []string
	for _, k := range keys {
		id, err := strconv.Atoi(k.ExternalID())
		external := strconv.Itoa(id)
		// Anything but a 32-bit id makes the filter vanish at OCM.
		if err != nil || id < 1 || id > maxPOIID || k != providers.NewKey(s.source.ID, external) || wanted[k] {
			continue
		}
		wanted[k] = true
		ids = append(ids, external)
	}
	if len(ids) == 0 {
		return answer, nil
	}
	if len(ids) > detailBatch {
		return providers.Answer{}, &providers.SourceError{Code: providers.CodeInternal, Message: fmt.Sprintf("at most %d records can be asked for at once", detailBatch)}
	}
	page, err := s.poi(ctx, url.Values{"chargepointid": {strings.Join(ids, ",")}}, len(ids)+1)
	if err != nil {
		return providers.Answer{}, err
	}
	for _, r := range page.records {
		if wanted[r.Key] {
			answer.Records = append(answer.Records, r)
			wanted[r.Key] = false // once is enough
		}
	}
	if len(answer.Records) == 0 && len(page.records) > 0 {
		return providers.Answer{}, otherQuestion()
	}
	if page.broken > 0 {
		answer.Err, answer.Partial = page.brokenError(), true
	}
	return answer, nil
}

const maxPOIID = 1<<31 - 1

// page is one answer of /poi.
type page struct {
	records  []*providers.Record
	elements int // what the array held, records or not
	broken   int // elements that are no POI at all
}

// poi asks for POIs. Everything in params was checked: OCM drops what it does
// not understand and answers a wider question.
func (s *Source) poi(ctx context.Context, params url.Values, maxResults int) (*page, error) {
	params.Set("maxresults", strconv.Itoa(maxResults))
	params.Set("compact", "true")
	params.Set("verbose", "false")
	params.Set("includecomments", "true") // photos too; has effect with compact only
	now := s.clock()
	m := newMapper(s.source, s.reference.best(), s.builtin, now, now)
	m.avatars, m.costs = s.avatars, &s.costs
	if unused, ok := s.rooms.Get().(*room); ok {
		m.room = unused
	}
	defer func() {
		m.reuse()
		s.rooms.Put(m.room)
	}()
	if s.source.Mode == providers.ModeSandbox {
		m.sandbox = &s.source.Attribution
	}
	p := &page{}
	seen := make(map[providers.Key]bool)
	unplaced := 0
	err := s.client.get(ctx, "poi", params, func(body io.Reader) error {
		return s.client.Elements(body, wire.Lenient(), func(raw jsontext.Value) {
			p.elements++
			r, err := m.listing(raw)
			switch {
			case errors.Is(err, errHidden):
			case errors.Is(err, errNoPosition):
				unplaced++
			case err != nil:
				p.broken++
			case !seen[r.Key]: // the same ID twice is a known fault of OCM's cache
				seen[r.Key] = true
				p.records = append(p.records, r)
			}
		}, func(*jsontext.Decoder) error {
			return upstream.BadResponse("Open Charge Map answered with an object where a list of sites should be", nil)
		})
	})
	if err != nil {
		return nil, err
	}
	if p.broken+unplaced > 0 {
		s.log.DebugContext(ctx, "listings left out",
			slog.Int("broken", p.broken), slog.Int("without_position", unplaced), slog.Int("elements", p.elements))
	}
	if p.broken > 0 && p.broken == p.elements {
		return nil, p.brokenError()
	}
	return p, nil
}

func (p *page) brokenError() *providers.SourceError {
	return upstream.BadResponse(fmt.Sprintf("%d of %d listings in Open Charge Map's answer could not be read", p.broken, p.elements), nil)
}

func otherQuestion() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeSuspectAnswer, Message: "Open Charge Map answered another question than it was asked; ask again later"}
}

// suspect returns an error if most of the answer lies outside of what was asked
// for: OCM has dropped the shape then, and answered with the whole world.
func (p *page) suspect(within []providers.Bounds) error {
	outside := 0
	for _, r := range p.records {
		if !slices.ContainsFunc(within, func(b providers.Bounds) bool { return b.Contains(r.Location) }) {
			outside++
		}
	}
	if 2*outside > len(p.records) {
		return otherQuestion()
	}
	return nil
}

package plugshare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/geo"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

const (
	// DefaultURL is PlugShare's API as its own clients ask it.
	DefaultURL = "https://api.plugshare.com/v3"
	// DefaultMaxCalls brings some 3,000 locations: more than a city has, and no
	// more calls than a person on a map makes in a minute.
	DefaultMaxCalls = 16
	// DefaultFloorDeg is where everybody who asks PlugShare by region stops to
	// cut it up: 2.8 km.
	DefaultFloorDeg = 0.025

	maxMaxCalls = 64
	// parallel is how many parts of a region are asked for at once.
	parallel = 4
	// liveFor is how long PlugShare's live states count as live: charging takes
	// longer, and PlugShare itself hears of them with some delay.
	liveFor = 5 * time.Minute
	// keptFor is how long PlugShare's data are kept where its licence says nothing
	// else: long enough for a person who looks around, too short for a copy.
	keptFor = 10 * time.Minute
	// maxReviews is what one call for reviews brings, and maxReviewPages how many
	// such calls a location is worth: the most reviews that were ever seen at one
	// are 3,012.
	maxReviews     = 500
	maxReviewPages = 8
	// reviewPage is with how many reviews a location comes at most.
	reviewPage = 50
)

// Config configures a source. ID, Key and Secret are required.
type Config struct {
	ID   providers.SourceID // "plugshare", or "plugshare:name" where there are several
	Name string             // for people; default "PlugShare"
	// URL is the API, with or without its version; default DefaultURL. It must
	// be https but on this machine, or in a sandbox: the secret is sent along.
	URL string
	// Key and Secret come with a licence and are sent as user and password of
	// HTTP Basic.
	Key    string
	Secret string
	// Client makes the calls, under policies of the source's own. Its
	// CheckRedirect is replaced. Default: a client of its own with a timeout of 30 s.
	Client *http.Client
	// Around goes around the transport that makes the calls, inside all policies:
	// it sees every single call, for measuring and tracing. nil: nothing does.
	Around func(http.RoundTripper) http.RoundTripper
	// Budget is how many calls Key may be sent; nil: none is kept.
	Budget providers.Budget
	// UserAgent tells PlugShare who asks; default "chargegraph (GraphQL API for
	// charging sites)".
	UserAgent string
	// Sandbox says that behind URL is a simulator: mode SANDBOX, every record
	// attributed to made-up data, no links to the real map.
	Sandbox bool
	// MaxCalls is how many calls one question about an area may take, 1..64;
	// default DefaultMaxCalls.
	MaxCalls int
	// FloorDeg is how short the sides of a box get when a full region is cut up,
	// in degrees; default DefaultFloorDeg.
	FloorDeg float64
	// Timeout is how long an answer may wait for this source; 0 leaves it to
	// the catalog.
	Timeout time.Duration
	Clock   func() time.Time // default time.Now
	Logger  *slog.Logger     // default: none
}

// Source is PlugShare asked over the network. It implements
// [providers.Provider], [providers.Detailer] and [providers.Referenced], and is
// safe for concurrent use.
type Source struct {
	source   *providers.Source
	client   *client
	maxCalls int
	floorDeg float64
	clock    func() time.Time
	log      *slog.Logger
	networks *networkCache
}

var (
	_ providers.Provider   = (*Source)(nil)
	_ providers.Detailer   = (*Source)(nil)
	_ providers.Referenced = (*Source)(nil)
)

// New returns a source. It asks nothing yet. An error names the field of cfg
// that cannot be, and never holds key or secret.
func New(cfg Config) (*Source, error) {
	base, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("plugshare: %w", err)
	}
	s := &Source{
		source:   describe(&cfg),
		client:   newClient(base, &cfg),
		maxCalls: cfg.MaxCalls,
		floorDeg: cfg.FloorDeg,
		clock:    cfg.Clock,
		log:      cfg.Logger.With(slog.String("source", string(cfg.ID))),
	}
	s.networks = newNetworkCache(cfg.Clock, s.fetchNetworks)
	s.source.Spends(cfg.Budget)
	return s, nil
}

// complete fills in defaults and returns the URL, or says which field is wrong.
func (cfg *Config) complete() (*url.URL, error) {
	if cfg.Name == "" {
		cfg.Name = "PlugShare"
	}
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = upstream.UserAgent
	}
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = DefaultMaxCalls
	}
	if cfg.FloorDeg == 0 {
		cfg.FloorDeg = DefaultFloorDeg
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if k, err := providers.ParseKey(string(providers.NewKey(cfg.ID, "1"))); err != nil || k.SourceID() != cfg.ID || cfg.ID.Provider() != providers.PlugShare {
		return nil, fmt.Errorf("ID: %q is not plugshare or plugshare:name", cfg.ID)
	}
	base, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		return nil, refuse("URL", "not a URL") // the error would quote it
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, refuse("URL", "must begin with https:// and name a host")
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, refuse("URL", "must hold no user, no query and no fragment; key and secret have their own fields")
	case base.Scheme == "http" && !cfg.Sandbox && !isLoopback(base.Hostname()):
		return nil, refuse("URL", "must begin with https://: the secret would be sent in the clear")
	}
	for name, value := range map[string]string{"Key": cfg.Key, "Secret": cfg.Secret} {
		if value == "" {
			return nil, refuse(name, "missing; PlugShare gives key and secret to licensees")
		}
		if len(value) > 500 || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, refuse(name, "must be printable ASCII without blanks, at most 500 characters")
		}
	}
	switch {
	case strings.Contains(cfg.Key, ":"):
		return nil, refuse("Key", "must have no colon, at which HTTP Basic ends it")
	case cfg.MaxCalls < 1 || cfg.MaxCalls > maxMaxCalls:
		return nil, refuse("MaxCalls", "%d, must be 1..%d", cfg.MaxCalls, maxMaxCalls)
	case math.IsNaN(cfg.FloorDeg) || cfg.FloorDeg < 0.001 || cfg.FloorDeg > 90:
		return nil, refuse("FloorDeg", "%v, must be 0.001..90 degrees", cfg.FloorDeg)
	case cfg.Timeout < 0:
		return nil, refuse("Timeout", "%v, must not be negative", cfg.Timeout)
	case strings.ContainsFunc(cfg.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }):
		return nil, refuse("UserAgent", "must be printable ASCII")
	}
	return base, nil
}

// refuse returns the error of a field that cannot be.
func refuse(field, why string, args ...any) error {
	return fmt.Errorf("%s: %s", field, fmt.Sprintf(why, args...))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// describe returns what is known of a source before it is asked.
func describe(cfg *Config) *providers.Source {
	s := &providers.Source{
		ID: cfg.ID, Provider: providers.PlugShare, Name: cfg.Name, Mode: providers.ModeLive,
		Capabilities: providers.SourceCapabilities{LiveStatus: true, Comments: true, Photos: true},
		Attribution:  providers.Attribution{Text: "PlugShare", URL: homepage},
		// PlugShare has no rows of Open Charge Map, does not tell sockets from
		// cables nor how many cars a station charges, and its drivers give no stars.
		Undecided: []string{
			"connections.connectionTypeIds", "connections.formats", "minPoints", "minRating", "statusTypeIds", "usageTypeIds", "verifiedSince",
		},
		UndecidedSummary: []string{"amenities", "cost", "countries", "hasComments", "hasPhotos", "modifiedSince"},
		LiveFor:          liveFor,
		Timeout:          cfg.Timeout,
		Retention:        providers.Retention{For: keptFor, ProcessOnly: true},
	}
	if cfg.Sandbox {
		s.Mode = providers.ModeSandbox
		s.Attribution = providers.Attribution{Text: "made-up data"}
	}
	return s
}

// Source implements [providers.Provider].
func (s *Source) Source() *providers.Source { return s.source }

// Search implements [providers.Provider]; the records are summaries. A disc of up
// to 50 km and a route take one call. All other areas are asked for as the box
// around them: a full answer is asked for again in parts, and where that ends
// before all is had, be it at the floor, the bound on calls, a failure or the
// caller's deadline, the answer is Truncated and holds what did come. Areas too
// large for that take one call; where q.Filter asks for a text, that call asks for
// the text. A country is UNSUPPORTED.
func (s *Source) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	if !geo.ValidArea(q.Area) {
		return providers.Answer{}, &providers.SourceError{Code: providers.CodeRejected, Message: "the area is not one on Earth"}
	}
	switch a := q.Area.(type) {
	case providers.InCountry:
		return providers.Answer{}, &providers.SourceError{Code: providers.CodeUnsupported, Message: "PlugShare cannot be asked by country; ask for a smaller area of another kind"}
	case providers.Around:
		if params, within, ok := nearby(a); ok {
			return s.once(s.ask(ctx, "nearby", params, within))
		}
	case *providers.Route:
		if body, ok := routeLine(a); ok {
			return s.once(s.askAlong(ctx, body, a.Widen(float64(body.Distance)).Cover()))
		}
	}
	boxes := boxesOf(q.Area.Cover())
	if word := textOf(q.Filter); word != "" && isLarge(boxes) {
		return s.byText(ctx, word, q.Area)
	}
	return s.inBoxes(ctx, boxes)
}

// isLarge reports whether boxes are more than can be had by asking for their parts.
func isLarge(boxes []providers.Bounds) bool {
	area := 0.0
	for _, b := range boxes {
		area += b.AreaKM2()
	}
	return area > maxSplitKM2
}

// textOf returns what PlugShare can be asked for of a filter's text: it looks for
// texts as a whole, the filter for each word, so that the longest word is a
// question that is no narrower. "" where there is none.
func textOf(f *providers.Filter) string {
	if f == nil {
		return ""
	}
	longest := ""
	for word := range strings.FieldsSeq(f.Text) {
		if utf8.RuneCountInString(word) > utf8.RuneCountInString(longest) {
			longest = word
		}
	}
	return longest
}

// byText asks for the locations anywhere whose names or addresses have a word,
// and keeps those in area. That is not all there is: operators have names too.
func (s *Source) byText(ctx context.Context, word string, area providers.Area) (providers.Answer, error) {
	p, err := s.ask(ctx, "search", url.Values{"query": {word}}, []providers.Bounds{providers.World()})
	answer, err := s.once(p, err)
	if err != nil {
		return providers.Answer{}, err
	}
	answer.Records = slices.DeleteFunc(answer.Records, func(r *providers.Record) bool { return !area.Holds(&r.Site) })
	answer.Truncated, answer.Partial = true, true
	if answer.Err == nil {
		answer.Err = tooLargeArea()
	}
	return answer, nil
}

// once makes an answer of one page.
func (s *Source) once(p *page, err error) (providers.Answer, error) {
	if err != nil {
		return providers.Answer{}, err
	}
	g := gathering{answer: providers.Answer{FetchedAt: p.fetchedAt, Truncated: full(p.elements)}}
	g.add(p)
	return g.answer, nil
}

// gathering is an answer that several pages add up to.
type gathering struct {
	answer providers.Answer
	seen   map[providers.Key]bool
}

func (g *gathering) add(p *page) {
	if g.seen == nil {
		g.seen = make(map[providers.Key]bool)
	}
	for _, r := range p.records {
		if !g.seen[r.Key] {
			g.seen[r.Key] = true
			g.answer.Records = append(g.answer.Records, r)
		}
	}
	if p.broken > 0 {
		g.lacks(p.brokenError())
	}
}

// lacks notes that a part is missing, and the first reason for it.
func (g *gathering) lacks(err *providers.SourceError) {
	g.answer.Partial = true
	if g.answer.Err == nil {
		g.answer.Err = err
	}
}

// inBoxes asks for boxes, none of which crosses the antimeridian, and for their
// parts where they are full, a few at a time.
func (s *Source) inBoxes(ctx context.Context, queue []providers.Bounds) (providers.Answer, error) {
	g := gathering{answer: providers.Answer{FetchedAt: s.clock()}}
	large := isLarge(queue)
	if large && len(queue) > 1 { // one call is all that it gets
		queue = []providers.Bounds{slices.MaxFunc(queue, func(a, b providers.Bounds) int { return int(a.AreaKM2() - b.AreaKM2()) })}
		g.lacks(tooLargeArea())
		g.answer.Truncated = true
	}
	calls, answered := 0, 0
	var slowest time.Duration
	for len(queue) > 0 {
		n := min(len(queue), parallel, s.maxCalls-calls)
		if n == 0 {
			g.answer.Truncated = true
			g.lacks(tooLargeArea())
			break
		}
		if deadline, ok := ctx.Deadline(); ok && answered > 0 && time.Until(deadline) < 2*slowest {
			g.answer.Truncated = true
			g.lacks(&providers.SourceError{Code: providers.CodeTimeout, Message: "there was no time left to ask PlugShare for all of a crowded area; zoom in, or allow more time"})
			break
		}
		batch := queue[:n]
		queue = slices.Clone(queue[n:])
		calls += n
		begun := time.Now()
		var failure *providers.SourceError
		for i, r := range s.askAll(ctx, batch) {
			switch {
			case r.err != nil:
				failure = providers.AsSourceError(r.err)
				continue
			case !full(r.page.elements): // all of it
			case large:
				g.answer.Truncated = true
				g.lacks(tooLargeArea())
			default:
				parts := quarter(batch[i], s.floorDeg)
				g.answer.Truncated = g.answer.Truncated || parts == nil
				queue = append(queue, parts...)
			}
			answered++
			g.add(r.page)
		}
		slowest = max(slowest, time.Since(begun))
		if failure != nil {
			if answered == 0 {
				return providers.Answer{}, failure
			}
			g.lacks(failure)
			g.answer.Truncated = true
			break // whoever fails is not asked for more
		}
	}
	return g.answer, nil
}

func tooLargeArea() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeAreaTooLarge, Message: "PlugShare has more sites in this area than can be asked for; zoom in"}
}

// result is a page, or why there is none.
type result struct {
	page *page
	err  error
}

// askAll asks for boxes at the same time and returns their pages in order.
func (s *Source) askAll(ctx context.Context, boxes []providers.Bounds) []result {
	results := make([]result, len(boxes))
	var wg sync.WaitGroup
	for i, b := range boxes {
		wg.Go(func() {
			params, within := region(b)
			results[i].page, results[i].err = s.ask(ctx, "region", params, within)
		})
	}
	wg.Wait()
	return results
}

// page is one answer with locations.
type page struct {
	fetchedAt time.Time
	records   []*providers.Record
	elements  int // what the array held, records or not
	broken    int // elements that are no location at all
}

func (p *page) brokenError() *providers.SourceError {
	return upstream.BadResponse(fmt.Sprintf("%d of %d locations in PlugShare's answer could not be read", p.broken, p.elements), nil)
}

// ask asks for a list of locations that are to be within boxes.
func (s *Source) ask(ctx context.Context, kind string, params url.Values, within []providers.Bounds) (*page, error) {
	params.Set("count", strconv.Itoa(pageSize))
	// Shared homes are not even to be sent here.
	if s.client.versioned {
		params["access"] = []string{"1", "2"}
	} else {
		params.Set("access", "1,2")
	}
	p, read := s.newPage(ctx)
	if err := s.client.get(ctx, "locations/"+kind, params, read); err != nil {
		return nil, err
	}
	return p, p.check(within)
}

// askAlong asks for the locations along a line.
func (s *Source) askAlong(ctx context.Context, line polyline, within []providers.Bounds) (*page, error) {
	body, err := json.Marshal(line)
	if err != nil {
		return nil, service.NotBuilt()
	}
	p, read := s.newPage(ctx)
	if err := s.client.post(ctx, "locations/polyline", body, read); err != nil {
		return nil, err
	}
	return p, p.check(within)
}

// newPage returns a page and what reads it.
func (s *Source) newPage(ctx context.Context) (*page, func(io.Reader) error) {
	p := &page{fetchedAt: s.clock()}
	m := newMapper(s.source, s.networks.best(), p.fetchedAt, false)
	return p, func(body io.Reader) error {
		unplaced := 0
		err := s.client.eachElement(body, func(raw jsontext.Value) {
			p.elements++
			w, err := decode(raw)
			var records []*providers.Record
			if err == nil {
				records, _, err = m.location(w)
			}
			switch {
			case errors.Is(err, errHidden):
			case errors.Is(err, errNoPosition):
				unplaced++
			case err != nil:
				p.broken++
			default:
				p.records = append(p.records, records...)
			}
		})
		if p.broken+unplaced > 0 {
			s.log.DebugContext(ctx, "locations left out",
				slog.Int("broken", p.broken), slog.Int("without_position", unplaced), slog.Int("elements", p.elements))
		}
		return err
	}
}

// check returns an error if nothing could be read, or if most of the answer lies
// outside of what was asked for.
func (p *page) check(within []providers.Bounds) error {
	if p.broken > 0 && p.broken == p.elements {
		return p.brokenError()
	}
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

func otherQuestion() *providers.SourceError {
	return &providers.SourceError{Code: providers.CodeSuspectAnswer, Message: "PlugShare answered another question than it was asked; ask again later"}
}

// DetailBatch implements [providers.Detailer]: PlugShare tells of one location
// in a call.
func (s *Source) DetailBatch() int { return 1 }

// Detail implements [providers.Detailer]. All keys must be of one location, which
// takes one call, and another for every 500 of its reviews where it has more than
// come along; the answer is Partial if there are even more, up to 4,000 being had.
// The key of a location without network stands for its main record, as Aliases
// says. Keys of other sources, and keys that this package cannot have written,
// name nothing here and are not asked for.
func (s *Source) Detail(ctx context.Context, keys []providers.Key) (providers.Answer, error) {
	answer := providers.Answer{FetchedAt: s.clock()}
	wanted := make(map[providers.Key]bool, len(keys))
	id := 0
	alias := providers.Key("")
	for _, k := range keys {
		location, _, main, ok := parseExternalID(k.ExternalID())
		if !ok || k.SourceID() != s.source.ID {
			continue
		}
		if id != 0 && location != id {
			return providers.Answer{}, &providers.SourceError{Code: providers.CodeInternal, Message: "only one location can be asked for at once"}
		}
		id = location
		if main {
			alias = k
		}
		wanted[k] = true
	}
	if id == 0 {
		return answer, nil
	}
	w, err := s.locationByID(ctx, id)
	switch se := providers.AsSourceError(err); {
	case se != nil && se.Code == providers.CodeNotFound:
		return answer, nil
	case se != nil:
		return providers.Answer{}, se
	}
	if hidden(w) {
		return answer, nil
	}
	g := gathering{answer: answer}
	more, err := s.olderReviews(ctx, w)
	if err != nil {
		g.lacks(providers.AsSourceError(err))
		more = true
	}
	g.answer.Partial = g.answer.Partial || more
	records, main, err := newMapper(s.source, s.networks.best(), answer.FetchedAt, true).location(w)
	if err != nil {
		return providers.Answer{}, upstream.BadResponse("PlugShare answered without the location's position, as it does where a key may not see it", nil)
	}
	if alias != "" {
		g.answer.Aliases = map[providers.Key]providers.Key{alias: main.Key}
		wanted[main.Key] = true
	}
	for _, r := range records {
		if wanted[r.Key] {
			r.MoreComments = more
			g.answer.Records = append(g.answer.Records, r)
		}
	}
	return g.answer, nil
}

// locationByID asks for one location.
func (s *Source) locationByID(ctx context.Context, id int) (*wireLocation, error) {
	var w *wireLocation
	err := s.client.get(ctx, "locations/"+strconv.Itoa(id), nil, func(body io.Reader) error {
		raw, err := s.client.oneObject(body)
		if err != nil {
			return err
		}
		w, err = decode(raw)
		return err
	})
	if err != nil {
		return nil, err
	}
	got, ok := idOf(w.ID)
	switch code, isError := integer(w.Code); {
	case !ok && isError:
		return nil, rejected(code)
	case !ok:
		return nil, upstream.BadResponse("PlugShare answered without the location's id, as it does where a key may not see it", nil)
	case got != id:
		return nil, otherQuestion()
	}
	return w, nil
}

// olderReviews completes the reviews of a location, if they seem not to be all,
// and reports whether there are more: than maxReviewPages hold, or than there was
// time for. With an error the location has those that came before it.
func (s *Source) olderReviews(ctx context.Context, w *wireLocation) (more bool, err error) {
	total, _ := integer(w.TotalReviews)
	here := len(w.Reviews)
	// The total counts reviews that nobody is shown, so that a few less than that
	// are no sign where all of them would have come along.
	if total <= here || here > 0 && total <= reviewPage {
		return false, nil
	}
	id, _ := idOf(w.ID)
	seen := make(map[int]bool)
	var slowest time.Duration
	for n := 1; n <= maxReviewPages; n++ {
		if deadline, ok := ctx.Deadline(); ok && n > 1 && time.Until(deadline) < 2*slowest {
			return true, nil // what came is worth more than nothing at all
		}
		begun := time.Now()
		params := url.Values{"count": {strconv.Itoa(maxReviews)}}
		if n > 1 {
			params.Set("page", strconv.Itoa(n))
		}
		elements, fresh := 0, 0
		err = s.client.get(ctx, "locations/"+strconv.Itoa(id)+"/reviews", params, func(body io.Reader) error {
			return s.client.eachElement(body, func(raw jsontext.Value) {
				elements++
				var o wire.Object[wireReview]
				if json.Unmarshal(raw, &o, lenient()) != nil {
					return
				}
				if id, ok := idOf(o.Value.ID); ok && !seen[id] {
					seen[id] = true
					fresh++
					w.Reviews = append(w.Reviews, o.Value) // of two with one id the first counts
				}
			})
		})
		switch {
		case err != nil:
			return false, err
		case elements < maxReviews, len(seen) >= total:
			return false, nil
		case fresh == 0: // the pages do not turn
			return true, nil
		}
		slowest = max(slowest, time.Since(begun))
	}
	return true, nil
}

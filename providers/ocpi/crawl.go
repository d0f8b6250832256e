package ocpi

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
)

const (
	// maxPages is some million locations at the smallest usual page.
	maxPages = 20_000
	// maxIdle is how many pages in a row may bring nothing new: an end that is
	// never reached looks like that.
	maxIdle = 3
	// maxWalks is how often a feed is walked through when it loses locations
	// meanwhile: what follows them moves forward then, past the reader.
	maxWalks = 3
	// batchSize is how many records are handed on at once.
	batchSize = 256
)

// Pull reads the feed: everything for the zero time, else what changed since.
// It implements the Puller of package store. Locations that the feed names but
// that must not be shown come as removed. The records carry the time at which
// their page was fetched, or at which the file was written.
//
// It returns the error of yield as it was, and a *providers.SourceError, wrapped,
// when the feed could not be read to its end; what yield has got by then is not
// all. A feed that says it has more than it gave is read without an error, but is
// not Whole.
func (f *Feed) Pull(ctx context.Context, since time.Time, yield func(put []*providers.Record, removed []providers.Key) error) (providers.Pulled, error) {
	began := f.cfg.Clock()
	p := &pull{
		feed: f, mapper: newMapper(f.source, f.cfg.Attribution == "" && !f.cfg.Sandbox, f.cfg.License),
		yield: yield, seen: map[providers.Key]sight{},
	}
	var pulled providers.Pulled
	var err error
	if f.base == nil {
		pulled, err = p.file(ctx, since)
	} else {
		pulled, err = p.network(ctx, since)
		f.client.http.CloseIdleConnections() // the next pull is minutes away
	}
	if err == nil {
		err = p.flush()
	}
	if err == nil && p.report.Read > 0 && p.report.Broken == p.report.Read {
		err = upstream.BadResponse("what the feed holds are no locations", nil)
	}
	p.report.RemovedEVSEs = p.mapper.removed
	p.report.Unread = pulled.Unread
	f.mu.Lock()
	f.report = p.report
	f.mu.Unlock()
	switch {
	case p.refused != nil: // what the decoder made of it says nothing of the feed
		return providers.Pulled{}, p.refused
	case err != nil:
		return providers.Pulled{}, fmt.Errorf("ocpi: pull %s: %w", f.source.ID, err)
	}
	r := &p.report
	f.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "feed read",
		slog.Bool("unchanged", r.Unchanged), slog.Int("pages", r.Pages), slog.Int("read", r.Read), slog.Int("kept", r.Kept),
		slog.Int("broken", r.Broken), slog.Int("older", r.Older), slog.Int("unpublished", r.Unpublished),
		slog.Int("without_evses", r.WithoutEVSEs), slog.Int("unplaced", r.Unplaced), slog.Int("removed_evses", r.RemovedEVSEs),
		slog.Int("unread", r.Unread), slog.Duration("duration", f.cfg.Clock().Sub(began)))
	return pulled, nil
}

// pull is one reading of the feed.
type pull struct {
	feed   *Feed
	mapper *mapper
	yield  func([]*providers.Record, []providers.Key) error
	report Report
	seen   map[providers.Key]sight
	walk   int8 // which time the feed is walked through
	fresh  int  // keys of the current page that this walk had not seen

	put     []*providers.Record
	removed []providers.Key
	refused error // of yield
}

// sight is what is known of a location that was seen.
type sight struct {
	updated int64
	walk    int8
	put     bool
}

// take takes one location; nil is one that is none.
func (p *pull) take(w *wireLocation) error {
	p.report.Read++
	if w == nil {
		p.report.Broken++
		return nil
	}
	updated := w.LastUpdated.UnixMilli()
	r, key, what := p.mapper.record(w)
	if what == broken {
		p.report.Broken++
		return nil
	}
	before, known := p.seen[key]
	if !known || before.walk != p.walk {
		p.fresh++
	}
	if known && (updated < before.updated || updated == before.updated && before.put && what != kept) {
		p.report.Older++
		before.walk = p.walk
		p.seen[key] = before
		return nil
	}
	if known && before.walk == p.walk {
		p.report.Older++ // the copy before this one
	}
	p.seen[key] = sight{updated: updated, walk: p.walk, put: what == kept}
	switch what {
	case kept:
		p.report.Kept++
		p.put = append(p.put, r)
		if known && !before.put {
			p.removed = slices.DeleteFunc(p.removed, func(k providers.Key) bool { return k == key })
		}
	case unpublished:
		p.report.Unpublished++
	case expired:
		p.report.WithoutEVSEs++
	case unplaced:
		p.report.Unplaced++
	case broken: // seen to above
	}
	if what != kept {
		p.remove(key, before.put)
	}
	if len(p.put)+len(p.removed) < batchSize {
		return nil
	}
	return p.flush()
}

// remove hands a key on as removed. A record of it may still wait to be handed on.
func (p *pull) remove(key providers.Key, wasPut bool) {
	p.removed = append(p.removed, key)
	if wasPut {
		p.put = slices.DeleteFunc(p.put, func(r *providers.Record) bool { return r.Key == key })
	}
}

// flush hands on what was gathered; no key is in both lists.
func (p *pull) flush() error {
	if len(p.put)+len(p.removed) == 0 {
		return nil
	}
	put, removed := p.put, p.removed
	p.put, p.removed = make([]*providers.Record, 0, batchSize), nil
	p.refused = p.yield(put, removed)
	return p.refused
}

// network reads the feed from its URL.
func (p *pull) network(ctx context.Context, since time.Time) (providers.Pulled, error) {
	f := p.feed
	began := f.cfg.Clock().UTC()
	correlation := newID()
	whole := since.IsZero()
	start := f.base
	switch {
	case f.kind == unknownKind:
		whole = true // what there is has to be found out first
	case f.kind == versionsKind && !whole:
		start = f.locations
	}
	w := &walker{pull: p, correlation: correlation, discover: whole}
	if !whole {
		w.from = since.Add(-overlap).UTC()
		if since.Equal(f.applied) && f.cached != (validators{}) {
			w.cached = &f.cached
		}
	}
	for {
		p.walk++
		p.fresh, p.report, p.mapper.removed = 0, Report{}, 0
		if err := w.run(ctx, start); err != nil {
			return providers.Pulled{}, err
		}
		if w.found != nil {
			start, w.discover = w.found, false
		}
		if !w.shrank || !whole || p.walk >= maxWalks {
			break
		}
		f.cfg.Logger.InfoContext(ctx, "the feed lost locations while it was read; reading it again")
	}
	for key, s := range p.seen { // what was there at first, and is not any more
		if s.walk != p.walk && s.put {
			p.remove(key, true)
		}
	}
	switch {
	case w.found != nil:
		f.kind, f.locations = versionsKind, w.found
	case whole && p.report.Read > 0:
		f.kind, f.locations = locationsKind, nil
	}
	f.applied, f.cached = began, w.validators
	p.report.Unchanged = w.unchanged
	return providers.Pulled{AsOf: began, Whole: whole && w.unread == 0, Unread: w.unread}, nil
}

// walker walks through the pages of a feed, once or again.
type walker struct {
	pull        *pull
	correlation string
	discover    bool        // the first answer may be versions
	from        time.Time   // zero: everything
	cached      *validators // of the answer that is held; nil: none

	found      *url.URL   // the locations endpoint behind the versions
	validators validators // of the only page
	unchanged  bool
	shrank     bool // locations left meanwhile
	unread     int
}

// run reads all pages from start on.
func (w *walker) run(ctx context.Context, start *url.URL) error {
	f := w.pull.feed
	w.shrank, w.unread, w.validators = false, 0, validators{}
	target := start
	if !w.discover {
		target = w.question(start)
	}
	visited := map[string]bool{}
	idle, total, elements, probing := 0, -1, 0, false
	for n := 1; ; n++ {
		if n > maxPages {
			return upstream.BadResponse(fmt.Sprintf("the feed has more than %d pages and was not read to its end", maxPages), nil)
		}
		if visited[target.String()] {
			return upstream.BadResponse("the feed's pages lead in a circle", nil)
		}
		visited[target.String()] = true
		v := &visit{walker: w, page: &page{}}
		if err := v.read(ctx, target, n == 1); err != nil {
			return err
		}
		if v.unchanged {
			w.unchanged, w.validators = true, *w.cached
			return nil
		}
		if len(v.page.endpoints) > 0 && !w.discover {
			return upstream.BadResponse("the feed answered with version details where a list of locations should be", nil)
		}
		if v.versions != nil || len(v.page.endpoints) > 0 {
			found, err := w.resolve(ctx, v)
			if err != nil {
				return err
			}
			w.found, w.discover = found, false
			target = w.question(found)
			n = 0
			continue
		}
		w.pull.report.Pages++
		elements += v.page.elements
		if v.total >= 0 {
			w.shrank = w.shrank || total > v.total
			total = v.total
		}
		if idle++; w.pull.fresh > 0 {
			idle = 0
		}
		next, err := v.next(target, total)
		if err != nil {
			return err
		}
		if probing && idle > 0 {
			next = nil
		}
		probing = v.probes
		if next == nil {
			if n == 1 && !probing {
				w.validators = v.validators
			}
			w.unread = max(0, total-elements)
			return nil
		}
		if idle >= maxIdle {
			return upstream.BadResponse("the feed's pages do not end: they bring the same locations again and again", nil)
		}
		if err := f.client.hosts.check(next); err != nil {
			return err
		}
		target = next
	}
}

// question returns the URL of the first page.
func (w *walker) question(endpoint *url.URL) *url.URL {
	params := url.Values{}
	if !w.from.IsZero() {
		params.Set("date_from", w.from.Format("2006-01-02T15:04:05Z"))
	}
	if size := w.pull.feed.cfg.PageSize; size > 0 {
		params.Set("limit", strconv.Itoa(size))
	}
	return withParams(endpoint, params)
}

// withParams returns u with further parameters; those it has stay as they are.
func withParams(u *url.URL, params url.Values) *url.URL {
	next := *u
	if len(params) == 0 {
		return &next
	}
	var kept []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plainName, err := url.QueryUnescape(name); err == nil {
			name = plainName
		}
		if pair != "" && !params.Has(name) {
			kept = append(kept, pair)
		}
	}
	next.RawQuery = strings.Join(append(kept, params.Encode()), "&")
	return &next
}

// visit is one page.
type visit struct {
	walker     *walker
	page       *page
	versions   []wireVersion
	unchanged  bool
	validators validators
	total      int // X-Total-Count; -1: not given
	limit      int // X-Limit; 0: not given
	link       string
	probes     bool // the next page may well not exist
}

type wireVersion struct{ version, url string }

// read reads a page; what it holds of locations goes to the pull.
func (v *visit) read(ctx context.Context, target *url.URL, first bool) error {
	w := v.walker
	f := w.pull.feed
	var cached *validators
	if first && !w.discover {
		cached = w.cached
	}
	a, err := f.client.get(ctx, target, w.correlation, cached)
	if err != nil {
		return err
	}
	defer a.close()
	if a.unchanged {
		v.unchanged = true
		return nil
	}
	v.validators = validators{etag: a.header.Get("ETag"), lastModified: a.header.Get("Last-Modified")}
	v.total, v.limit = headerInt(a.header.Get("X-Total-Count"), -1), headerInt(a.header.Get("X-Limit"), 0)
	v.link = nextLink(a.header.Values("Link"))
	w.pull.fresh = 0
	w.pull.mapper.fetchedAt = a.fetchedAt
	v.page, err = readPage(a.body, new(wireLocation), func(l *wireLocation) error {
		if first && w.discover && l != nil && isVersion(l) {
			v.versions = append(v.versions, wireVersion{version: string(l.Version), url: string(l.URL)})
			return nil
		}
		return w.pull.take(l)
	})
	if err != nil {
		return a.readError(ctx, err)
	}
	if n, ok := integer(v.page.totalElements); ok && v.total < 0 {
		v.total = n
	}
	if code, ok := integer(v.page.status); ok && (code < 1000 || code >= 2000) {
		return statusError(code)
	}
	if v.page.unlisted && len(v.page.endpoints) == 0 && !v.page.status.Set {
		return upstream.BadResponse("the feed's answer holds no list of locations", nil)
	}
	return nil
}

func isVersion(l *wireLocation) bool {
	return l.Version != "" && l.URL != "" && l.ID == "" && !l.Coordinates.Set
}

func headerInt(s string, absent int) int {
	if v, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31); err == nil {
		return int(v)
	}
	return absent
}

// nextLink returns the target of the first link with rel="next"; "" for none.
func nextLink(headers []string) string {
	for _, h := range headers {
		for h != "" {
			open := strings.IndexByte(h, '<')
			if open < 0 {
				break
			}
			target, rest, ok := strings.Cut(h[open+1:], ">")
			if !ok {
				break
			}
			params, _, _ := strings.Cut(rest, "<")
			h = rest[len(params):]
			for param := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.Trim(param, " \t,"), "=")
				value = strings.Trim(strings.TrimSpace(value), `"`)
				if strings.EqualFold(strings.TrimSpace(name), "rel") && slices.ContainsFunc(strings.Fields(value), func(rel string) bool { return strings.EqualFold(rel, "next") }) {
					return strings.TrimSpace(target)
				}
			}
		}
	}
	return ""
}

// next returns the URL of the page after this one; nil: this was the last.
// total is how many locations there are, or -1.
func (v *visit) next(current *url.URL, total int) (*url.URL, error) {
	p := v.page
	if v.link != "" {
		return resolveURL(current, v.link)
	}
	switch cursor := strings.TrimSpace(string(p.next)); {
	case cursor != "" && p.elements == 0:
		return nil, nil //nolint:nilnil // the end
	case strings.HasPrefix(cursor, "http://"), strings.HasPrefix(cursor, "https://"), strings.HasPrefix(cursor, "/"), strings.HasPrefix(cursor, "?"):
		return resolveURL(current, cursor)
	case cursor != "":
		return withParams(current, url.Values{"cursor": {cursor}}), nil
	}
	if number, ok := integer(p.number); ok {
		pages, known := integer(p.totalPages)
		if p.elements == 0 || p.last.Value || known && number+1 >= pages || !known && !p.last.Set {
			return nil, nil //nolint:nilnil // the end
		}
		return withParams(current, url.Values{"page": {strconv.Itoa(number + 1)}}), nil
	}
	// No Link, which should mean that this is the end; but many forget it.
	step := p.elements
	if v.limit > 0 {
		step = min(step, v.limit) // a page may hold things beside, that no offset counts
	}
	offset, _ := strconv.Atoi(current.Query().Get("offset"))
	offset = max(offset, 0) + step
	switch {
	case step == 0, total >= 0 && offset >= total, total < 0 && (v.limit == 0 || p.elements < v.limit):
		return nil, nil //nolint:nilnil // the end
	}
	v.probes = total < 0
	params := url.Values{"offset": {strconv.Itoa(offset)}}
	if v.limit > 0 && !current.Query().Has("limit") {
		params.Set("limit", strconv.Itoa(v.limit))
	}
	return withParams(current, params), nil
}

// resolveURL reads an address that the feed gave, as seen from the page that
// gave it.
func resolveURL(from *url.URL, address string) (*url.URL, error) {
	to, err := from.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, upstream.BadResponse("the feed points to something that is no web address", nil)
	}
	to.Fragment, to.RawFragment = "", ""
	return to, nil
}

// resolve finds the locations endpoint behind a version list or version details.
// Of several versions the newest that has one counts.
func (w *walker) resolve(ctx context.Context, v *visit) (*url.URL, error) {
	f := w.pull.feed
	base := f.base
	if len(v.page.endpoints) > 0 {
		return f.endpoint(base, v.page.endpoints)
	}
	ranked := slices.DeleteFunc(v.versions, func(v wireVersion) bool { return rank(v.version) < 0 })
	if len(ranked) == 0 {
		return nil, &providers.SourceError{Code: providers.CodeUnsupported, Message: "the feed speaks no version of OCPI that is read here: 2.1.1, 2.2, 2.2.1 and 2.3.0 are"}
	}
	slices.SortStableFunc(ranked, func(a, b wireVersion) int { return cmp.Compare(rank(b.version), rank(a.version)) })
	var failed error
	for _, version := range ranked {
		at, err := resolveURL(base, version.url)
		if err != nil {
			return nil, err
		}
		details := &visit{walker: &walker{pull: w.pull, correlation: w.correlation, discover: true}}
		if err = details.read(ctx, at, true); err != nil {
			return nil, err
		}
		found, err := f.endpoint(at, details.page.endpoints)
		if err == nil {
			return found, nil
		}
		failed = cmp.Or(failed, err)
	}
	return nil, failed
}

// rank orders the versions that are read here; -1 is another one.
func rank(version string) int {
	return slices.Index([]string{"2.1.1", "2.2", "2.2.1", "2.3.0"}, strings.TrimPrefix(strings.TrimSpace(version), "v"))
}

// endpoint returns the locations endpoint that gives: of role SENDER, or without
// a role, as in 2.1.1, and then the one for operators.
func (f *Feed) endpoint(base *url.URL, endpoints []wireEndpoint) (*url.URL, error) {
	best, address := 0, ""
	for _, e := range endpoints {
		score := 0
		switch {
		case e.Identifier != "LOCATIONS", e.Role != "" && e.Role != "SENDER", e.URL == "":
		case e.Role == "SENDER":
			score = 4
		case strings.Contains(string(e.URL), "/cpo/"):
			score = 3
		case strings.Contains(string(e.URL), "/emsp/"):
			score = 1
		default:
			score = 2
		}
		if score > best {
			best, address = score, string(e.URL)
		}
	}
	if best == 0 {
		return nil, &providers.SourceError{Code: providers.CodeUnsupported, Message: "the feed has no endpoint that gives locations"}
	}
	to, err := resolveURL(base, address)
	if err != nil {
		return nil, err
	}
	return to, f.client.hosts.check(to)
}

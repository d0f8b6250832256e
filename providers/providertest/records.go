package providertest

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chargegraph/providers"
)

func sourceRules() group {
	return group{name: "Source", rules: []rule{
		{"is one value for life and says who it is", checkSource},
		{"has each ability whole or not at all", checkAbilities},
		{"has the capabilities that it claims", checkCapabilities},
		{"never judges what it calls undecided", checkUndecided},
	}}
}

func recordRules() group {
	return group{name: "Records", rules: []rule{
		{"are finished and of this source", each(checkFinished)},
		{"have keys that are unique and stay", checkKeysStay},
		{"are on Earth and not at 0,0", each(checkPositions)},
		{"hold no enum value that the schema lacks", checkEnums},
		{"hold texts that are clean", each(checkTexts)},
		{"hold URLs that are absolute", each(checkURLs)},
		{"hold times that are UTC and not to come", checkTimes},
		{"hold figures that are plausible", each(checkFigures)},
		{"hold countries and zones by their codes", each(checkCodes)},
		{"hold ids that are unique", each(checkIDs)},
		{"are derived as the domain says", each(checkDerived)},
		{"are attributed", each(checkAttributed)},
	}}
}

// each makes a rule of what holds for each record by itself.
func each(check func(p *probe, r *providers.Record, bad func(format string, args ...any))) func(context.Context, *probe) {
	return func(ctx context.Context, p *probe) {
		for _, r := range p.closely(ctx) {
			check(p, r, func(format string, args ...any) { p.badf("%s: %s", r.Key, fmt.Sprintf(format, args...)) })
		}
	}
}

func checkSource(ctx context.Context, p *probe) {
	s := p.source()
	if s == nil {
		p.badf("Source() is nil")
		return
	}
	id, err := providers.ParseID(s.NodeID())
	switch {
	case err != nil || id.Source != s.ID:
		p.badf("%q is not the id of a source: %v", s.ID, err)
	case s.ID.Provider() != s.Provider:
		p.badf("the source %s says that it is of %s", s.ID, s.Provider)
	}
	for _, v := range []any{s.Provider, s.Mode} {
		if why := p.subject.schema.wrong(reflect.ValueOf(v)); why != "" {
			p.badf("%s", why)
		}
	}
	for what, text := range map[string]string{"Name": s.Name, "Attribution.Text": s.Attribution.Text} {
		if why := unclean(text, false); text == "" || why != "" {
			p.badf("%s %q is missing or unclean: %s", what, text, why)
		}
	}
	for what, link := range map[string]string{"Attribution.URL": s.Attribution.URL, "AddPOIURL": s.AddPOIURL} {
		if why := notURL(link); link != "" && why != "" {
			p.badf("%s: %s", what, why)
		}
	}
	if s.Timeout < 0 || s.LiveFor < 0 {
		p.badf("Timeout %v, LiveFor %v, want none below 0", s.Timeout, s.LiveFor)
	}
	if n := s.RecordCount(); (n == nil) != (p.holder == nil) {
		p.badf("RecordCount() is %v of a source that is Holder: %t", n, p.holder != nil)
	}
	p.look(ctx)
	if p.source() != s {
		p.badf("Source() is another value after a question")
	}
}

// checkCapabilities: what no record shows may only not be there today, but what
// is shown and not claimed is never asked for.
func checkCapabilities(ctx context.Context, p *probe) {
	var shows providers.SourceCapabilities
	for _, r := range p.closely(ctx) {
		shows.Comments = shows.Comments || len(r.Comments) > 0
		shows.Photos = shows.Photos || len(r.Photos) > 0
		shows.LiveStatus = shows.LiveStatus || r.Availability != nil
	}
	claims := p.source().Capabilities
	for _, c := range []struct {
		what          string
		shows, claims bool
	}{{"comments", shows.Comments, claims.Comments}, {"photos", shows.Photos, claims.Photos}, {"live states", shows.LiveStatus, claims.LiveStatus}} {
		switch {
		case c.shows && !c.claims:
			p.badf("records show %s, which Capabilities deny", c.what)
		case c.claims && !c.shows:
			p.badf("Capabilities claim %s, and no record shows any: is there none in Areas?", c.what)
		}
	}
}

// judgements returns for each filter one that judges it: every value that is
// known satisfies it, or its negation.
func judgements() map[string]providers.Filter {
	yes, one, zero, none := true, 1, 0.0, []string{"none"}
	long := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	plugs := func(m providers.ConnectionMatch) providers.Filter {
		return providers.Filter{Connections: []providers.ConnectionMatch{m}}
	}
	return map[string]providers.Filter{
		"connections.types":             plugs(providers.ConnectionMatch{Types: []providers.ConnectorType{providers.ConnectorType2}}),
		"connections.connectionTypeIds": plugs(providers.ConnectionMatch{ConnectionTypeIDs: none}),
		"connections.formats":           plugs(providers.ConnectionMatch{Formats: []providers.ConnectorFormat{providers.FormatCable}}),
		"connections.minPowerKw":        plugs(providers.ConnectionMatch{MinPowerKW: &zero}),
		"connections.maxPowerKw":        plugs(providers.ConnectionMatch{MaxPowerKW: &zero}),
		"connections.current":           plugs(providers.ConnectionMatch{Current: []providers.CurrentKind{providers.CurrentDC}}),
		"connections.level":             plugs(providers.ConnectionMatch{Level: []int{2}}),
		"connections.availability":      plugs(providers.ConnectionMatch{Availability: []providers.EVSEStatus{providers.EVSEAvailable}}),
		"operatorIds":                   {OperatorIDs: none},
		"excludeOperatorIds":            {ExcludeOperatorIDs: none},
		"usage":                         {Usage: []providers.UsageKind{providers.UsagePublic}},
		"usageTypeIds":                  {UsageTypeIDs: none},
		"status":                        {Status: []providers.OperationalStatus{providers.StatusOperational}},
		"statusTypeIds":                 {StatusTypeIDs: none},
		"availability":                  {Availability: []providers.EVSEStatus{providers.EVSEAvailable}},
		"minPoints":                     {MinPoints: &one},
		"cost":                          {Cost: []providers.CostKind{providers.CostFree}},
		"amenities":                     {Amenities: []providers.Amenity{providers.AmenityDining}},
		"countries":                     {Countries: none},
		"minRating":                     {MinRating: &zero},
		"minProviderScore":              {MinProviderScore: &providers.ProviderScoreMatch{}},
		"hasPhotos":                     {HasPhotos: &yes},
		"hasComments":                   {HasComments: &yes},
		"modifiedSince":                 {ModifiedSince: long},
		"verifiedSince":                 {VerifiedSince: long},
		"openData":                      {OpenData: &yes},
		"dataProviderIds":               {DataProviderIDs: none},
		"providers":                     {Providers: []providers.ProviderCode{providers.Local}},
		"text":                          {Text: "none"},
	}
}

func checkUndecided(ctx context.Context, p *probe) {
	s, known := p.source(), judgements()
	var always, summary []string
	for _, name := range s.Undecided {
		if _, ok := known[name]; !ok {
			p.badf("Undecided names %q, which is no filter", name)
			continue
		}
		always = append(always, name)
	}
	for _, name := range s.UndecidedSummary {
		if _, ok := known[name]; !ok || p.detailer == nil {
			p.badf("UndecidedSummary names %q: no filter, or there is no more than a summary", name)
			continue
		}
		summary = append(summary, name)
	}
	for _, r := range p.closely(ctx) {
		names := always
		if r.Summary {
			names = slices.Concat(always, summary)
		}
		for _, name := range names {
			if p.judges(name, known[name], r) {
				p.badf("%s is judged by %s, which the source calls undecided", r.Key, name)
			}
		}
	}
}

// judges reports whether a record satisfies a filter or its negation: whether
// it says anything about what the filter looks at.
func (p *probe) judges(name string, f providers.Filter, r *providers.Record) bool {
	switch name {
	case "openData":
		return r.DataProvider != nil && r.DataProvider.IsOpenDataLicensed != nil
	case "dataProviderIds":
		return r.DataProvider != nil
	}
	if name == "minProviderScore" {
		f.MinProviderScore.Provider = r.Provider()
	}
	planned := true
	poi := &providers.POI{Site: &r.Site, Members: []*providers.Record{r}}
	positive := f
	positive.IncludePlanned = &planned
	negative := providers.Filter{IncludePlanned: &planned, Not: &f}
	return positive.Match(poi) || negative.Match(poi)
}

func checkFinished(p *probe, r *providers.Record, bad func(string, ...any)) {
	if r.Source != p.source() {
		bad("Source is not the value of Source()")
	}
	k, err := providers.ParseKey(string(r.Key))
	switch {
	case err != nil:
		bad("the key is none: %v", err)
	case k.SourceID() != p.source().ID || k.ExternalID() != r.ExternalID || r.Key != providers.NewKey(p.source().ID, r.ExternalID):
		bad("the key is not that of %s and ExternalID %q", p.source().ID, r.ExternalID)
	}
	if r.Title == "" {
		bad("has no title")
	}
	if r.FetchedAt.IsZero() {
		bad("FetchedAt is zero")
	}
	eachChild(r, func(what string, of *providers.Record, _ string) {
		if of != r {
			bad("%s does not point back: is the record sealed?", what)
		}
	})
	for i, c := range r.Comments {
		if c.POI != nil {
			bad("Comments[%d] is part of a POI", i)
		}
	}
	if p.detailer == nil && r.Summary {
		bad("is a summary of a source that has no more")
	}
}

// eachChild calls f with everything of a record that has an id of its own.
func eachChild(r *providers.Record, f func(what string, of *providers.Record, external string)) {
	plugs := func(where string, connections []providers.ConnectionInfo) {
		for i := range connections {
			f(fmt.Sprintf("%sConnections[%d]", where, i), connections[i].Record, connections[i].ExternalID)
		}
	}
	plugs("", r.Connections)
	for i := range r.EVSEs {
		where := fmt.Sprintf("EVSEs[%d]", i)
		f(where, r.EVSEs[i].Record, r.EVSEs[i].ExternalID)
		plugs(where+".", r.EVSEs[i].Connections)
	}
	for i := range r.Stations {
		where := fmt.Sprintf("Stations[%d]", i)
		f(where, r.Stations[i].Record, r.Stations[i].ExternalID)
		plugs(where+".", r.Stations[i].Connections)
	}
	for i := range r.Comments {
		f(fmt.Sprintf("Comments[%d]", i), r.Comments[i].Record, r.Comments[i].ExternalID)
	}
	for i := range r.Photos {
		f(fmt.Sprintf("Photos[%d]", i), r.Photos[i].Record, r.Photos[i].ExternalID)
	}
}

// checkKeysStay asks twice. What hangs on a record keeps its ids too.
func checkKeysStay(ctx context.Context, p *probe) {
	p.look(ctx)
	for i, first := range p.answers {
		area := p.subject.Areas[i]
		if slices.Contains(first.Records, nil) {
			p.badf("the answer to %v holds nil", area)
			continue
		}
		ids := make(map[providers.Key][]string)
		for _, r := range first.Records {
			if ids[r.Key] != nil {
				p.badf("%s comes twice in the answer to %v", r.Key, area)
			}
			ids[r.Key] = childIDs(r)
		}
		if first.FetchedAt.IsZero() || first.FetchedAt.After(p.subject.Now().Add(day)) {
			p.badf("the answer to %v is of %v", area, first.FetchedAt)
		}
		second, ok := p.search(ctx, area)
		if !ok {
			continue
		}
		for _, r := range second.Records {
			switch before, known := ids[r.Key]; {
			case !known:
				p.badf("%s comes in the second answer only to %v", r.Key, area)
			case !slices.Equal(before, childIDs(r)):
				p.badf("%s has other ids inside when it is asked for again: %v, then %v", r.Key, before, childIDs(r))
			}
			delete(ids, r.Key)
		}
		for k := range ids {
			p.badf("%s comes in the first answer only to %v", k, area)
		}
	}
}

// childIDs returns the ids inside a record in order, never nil.
func childIDs(r *providers.Record) []string {
	ids := []string{}
	eachChild(r, func(what string, _ *providers.Record, external string) { ids = append(ids, fieldOf(what)+":"+external) })
	slices.Sort(ids)
	return ids
}

func checkPositions(_ *probe, r *providers.Record, bad func(string, ...any)) {
	if !r.Location.Valid() || r.Location.IsNull() {
		bad("is at %v", r.Location)
	}
	for i, e := range r.EVSEs {
		if e.Location != nil && (!e.Location.Valid() || e.Location.IsNull()) {
			bad("EVSEs[%d] is at %v", i, *e.Location)
		}
	}
}

func checkEnums(ctx context.Context, p *probe) {
	for _, r := range p.closely(ctx) {
		walkRecord(r, func(path string, v reflect.Value) {
			if why := p.subject.schema.wrong(v); why != "" {
				p.badf("%s: %s: %s", r.Key, path, why)
			}
		})
	}
}

func checkTexts(_ *probe, r *providers.Record, bad func(string, ...any)) {
	walkRecord(r, func(path string, v reflect.Value) {
		if v.Kind() != reflect.String || isURL(path) {
			return
		}
		if why := unclean(v.String(), hasLines(path)); why != "" {
			bad("%s %q: %s", path, v.String(), why)
		}
	})
}

// hasLines reports whether a field may have several lines.
func hasLines(path string) bool {
	switch fieldOf(path) {
	case "GeneralComments", "AccessComments", "UsageCost", "CostDescription", "OtherConnectors", "Comments", "Text", "Description", "Caption", "Value", "Formatted":
		return true
	}
	return false
}

// unclean says what is wrong about a text; "" if nothing is.
func unclean(s string, lines bool) string {
	switch {
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.TrimSpace(s) != s:
		return "is not trimmed"
	case strings.ContainsFunc(s, func(r rune) bool { return (!lines || r != '\n') && (unicode.IsControl(r) || invisible(r)) }):
		return "holds invisible characters"
	case strings.ContainsRune(s, '<') && regexp.MustCompile(`</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>|<!--`).MatchString(s):
		return "holds markup"
	case strings.ContainsRune(s, '&') && regexp.MustCompile(`&(?:amp|lt|gt|quot|apos|nbsp|#\d+|#[xX][0-9A-Fa-f]+);`).MatchString(s):
		return "holds entities"
	}
	return ""
}

// invisible reports whether a character only changes how others are read: the
// byte order mark, blanks without width, turns of direction.
func invisible(r rune) bool {
	return r == '\ufeff' || r == '\u200b' || r == '\u2028' || r == '\u2029' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// isURL reports whether a field holds a URL.
func isURL(path string) bool {
	switch name := fieldOf(path); name {
	case "Website", "Logo", "Avatar", "Thumbnail", "Icon", "Canonical", "View", "AddComment", "AddPhoto":
		return true
	default:
		return strings.HasSuffix(name, "URL")
	}
}

func checkURLs(_ *probe, r *providers.Record, bad func(string, ...any)) {
	walkRecord(r, func(path string, v reflect.Value) {
		if v.Kind() != reflect.String || v.Len() == 0 || !isURL(path) {
			return
		}
		if why := notURL(v.String()); why != "" {
			bad("%s: %s", path, why)
		}
	})
}

// notURL says why s is no absolute http or https URL; "" if it is one.
func notURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return fmt.Sprintf("%q is no URL", s)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return fmt.Sprintf("%q does not begin with http:// or https:// and a host", s)
	case u.User != nil:
		return fmt.Sprintf("%q names a user", s)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("<>\"`\\", r) }):
		return fmt.Sprintf("%q holds what no URL does", s)
	}
	return ""
}

const day = 24 * time.Hour

func checkTimes(ctx context.Context, p *probe) {
	latest := p.subject.Now().Add(day)
	for _, r := range p.closely(ctx) {
		walkRecord(r, func(path string, v reflect.Value) {
			t, ok := timeOf(v)
			if !ok || t.IsZero() {
				return
			}
			name := fieldOf(path)
			planned := name == "PlannedFor" || name == "From" || name == "To"
			switch {
			case t.Location() != time.UTC:
				p.badf("%s: %s is in %v, not in UTC", r.Key, path, t.Location())
			case t.After(latest) && !planned:
				p.badf("%s: %s is to come: %v", r.Key, path, t)
			case t.Year() < 1980:
				p.badf("%s: %s is %v: an absent time that was read as one?", r.Key, path, t)
			}
		})
	}
}

// The largest figures that equipment has: a megawatt charger at 1.25 kV and
// 3 kA, with room for sums that directories enter.
const (
	maxPowerKW  = 5_000
	maxVoltageV = 3_000
	maxCurrentA = 5_000
)

func checkFigures(_ *probe, r *providers.Record, bad func(string, ...any)) {
	walkRecord(r, func(path string, v reflect.Value) {
		if v.CanFloat() && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
			bad("%s is %v", path, v)
		}
		var figure float64
		switch {
		case v.CanFloat():
			figure = v.Float()
		case v.CanInt():
			figure = float64(v.Int())
		default:
			return
		}
		between := func(above, most float64) {
			if figure <= above || figure > most {
				bad("%s is %v, want more than %v and at most %v", path, figure, above, most)
			}
		}
		switch fieldOf(path) {
		case "PowerKW", "MaxPowerKW":
			between(0, maxPowerKW)
		case "VoltageV", "Volts":
			between(0, maxVoltageV)
		case "CurrentA", "Amps":
			between(0, maxCurrentA)
		case "Quantity", "NumberOfPoints":
			between(0, 10_000)
		case "Level":
			between(0, 3)
		case "Rating", "Average", "DataQualityLevel":
			between(0.999, 5)
		case "Weekday":
			between(0, 7)
		}
	})
	if a := r.Availability; a != nil {
		if a.Total < 1 || min(a.Available, a.Occupied, a.OutOfService, a.Unknown) < 0 || a.Total != a.Available+a.Occupied+a.OutOfService+a.Unknown {
			bad("Availability does not add up: %+v", *a)
		}
	}
	if r.Rating != nil {
		for _, s := range r.Rating.ProviderScores {
			if s.ScaleMax <= 0 || s.Value < 0 || s.Value > s.ScaleMax {
				bad("Rating.ProviderScores: %v of %v", s.Value, s.ScaleMax)
			}
		}
	}
	if h := r.OpeningHours; h != nil {
		clock := regexp.MustCompile(`^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$`)
		for _, period := range h.Weekly {
			if !clock.MatchString(period.Opens) || !clock.MatchString(period.Closes) {
				bad("OpeningHours.Weekly: %q to %q", period.Opens, period.Closes)
			}
		}
		for _, e := range h.Exceptions {
			if !e.From.Before(e.To) {
				bad("OpeningHours.Exceptions: %v to %v", e.From, e.To)
			}
		}
	}
}

func checkCodes(_ *probe, r *providers.Record, bad func(string, ...any)) {
	country := regexp.MustCompile(`^[A-Z]{2}$`)
	code, row := r.Address.CountryCode, r.Address.Country
	if code != "" && !country.MatchString(code) {
		bad("country %q", code)
	}
	if row != nil && row.ISOCode != "" && row.ISOCode != code {
		bad("country %q, and the row of %q", code, row.ISOCode)
	}
	if z := r.TimeZone; z != "" && z != "UTC" && !regexp.MustCompile(`^[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+$`).MatchString(z) {
		bad("time zone %q is no IANA name", z)
	}
	if o := r.Operator; o != nil {
		if id, err := providers.ParseID(o.ID); err != nil || id.Kind != providers.KindOperator || o.Title == "" {
			bad("operator %q with id %q", o.Title, o.ID)
		}
		for _, c := range o.Countries {
			if !country.MatchString(c) {
				bad("operator %q is known in %q", o.Title, c)
			}
		}
	}
}

func checkIDs(_ *probe, r *providers.Record, bad func(string, ...any)) {
	seen := make(map[string]bool)
	eachChild(r, func(what string, _ *providers.Record, external string) {
		kind := fieldOf(what)
		if external == "" {
			bad("%s has no id", what)
		} else if seen[kind+external] {
			bad("%s has the id %q of another one", what, external)
		}
		seen[kind+external] = true
		// Comments and photos are found by their ids alone.
		node, graph := providers.KindComment, "comment:"
		switch kind {
		case "Comments":
		case "Photos":
			node, graph = providers.KindPhoto, "photo:"
		default:
			return
		}
		id, err := providers.ParseID(graph + string(r.Key) + ":" + external)
		if err != nil || id.Kind != node || id.Key != r.Key || id.External != external {
			bad("%s: its id %q does not lead back: %v", what, external, err)
		}
	})
}

func checkDerived(_ *probe, r *providers.Record, bad func(string, ...any)) {
	again := *r
	again.Comments, again.Photos = slices.Clone(r.Comments), slices.Clone(r.Photos)
	for i := range again.Comments {
		again.Comments[i].Record = &again // so that ids can be asked for
	}
	for i := range again.Photos {
		again.Photos[i].Record = &again
	}
	again.Derive()
	if !reflect.DeepEqual(again.MaxPowerKW, r.MaxPowerKW) {
		bad("MaxPowerKW is not that of the strongest connection")
	}
	if !reflect.DeepEqual(again.Rating, r.Rating) {
		bad("Rating is %+v, its comments say %+v", r.Rating, again.Rating)
	}
	if !slices.Equal(order(again.Comments, r.Comments)) || !slices.EqualFunc(again.Photos, r.Photos, func(a, b providers.Photo) bool { return a.ExternalID == b.ExternalID }) {
		bad("comments or photos are not in order")
	}
}

// order returns the ids of two lists of comments.
func order(a, b []providers.Comment) (idsA, idsB []string) {
	for _, c := range a {
		idsA = append(idsA, c.ExternalID)
	}
	for _, c := range b {
		idsB = append(idsB, c.ExternalID)
	}
	return idsA, idsB
}

func checkAttributed(p *probe, r *providers.Record, bad func(string, ...any)) {
	a := r.Attribution
	switch {
	case a == nil || a.Text == "":
		bad("says nothing of whose it is")
	case p.source().Mode == providers.ModeSandbox && *a != p.source().Attribution:
		bad("is made up, and attributed to %q", a.Text)
	}
}

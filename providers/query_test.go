package providers_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// The rules of filters once more, in another manner: a POI becomes a table of
// known values, a filter a list of questions, and an answer a word. Where the
// two disagree, one of them is wrong.

type answer string

const (
	holds   answer = "yes"
	fails   answer = "no"
	nobody  answer = "unknown"
	theKind        = "UNKNOWN" // how enums say it
)

func said(b bool) answer {
	return map[bool]answer{true: holds, false: fails}[b]
}

// all is AND: one no is a no, then one unknown is unknown.
func all(list []answer) answer {
	for _, decisive := range []answer{fails, nobody} {
		if slices.Contains(list, decisive) {
			return decisive
		}
	}
	return holds
}

// some is OR of a non-empty list.
func some(list []answer) answer {
	for _, decisive := range []answer{holds, nobody} {
		if slices.Contains(list, decisive) {
			return decisive
		}
	}
	return fails
}

func inverse(a answer) answer {
	return map[answer]answer{holds: fails, fails: holds, nobody: nobody}[a]
}

// listed asks whether known values meet a list; nil values are not known.
func listed(wanted []string, known []string) answer {
	if len(known) == 0 {
		return nobody
	}
	var answers []answer
	for _, v := range known {
		switch {
		case slices.Contains(wanted, v):
			answers = append(answers, holds)
		case v == theKind:
			answers = append(answers, nobody)
		default:
			answers = append(answers, fails)
		}
	}
	return some(answers)
}

func words[T ~string](list []T) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

func judgePlug(m providers.ConnectionMatch, c providers.ConnectionInfo, top bool) answer {
	var answers []answer
	ask := func(a answer) { answers = append(answers, a) }
	if m.Types != nil {
		ask(listed(words(m.Types), []string{string(c.Type)}))
	}
	if m.Formats != nil {
		ask(listed(words(m.Formats), []string{string(c.Format)}))
	}
	if m.ConnectionTypeIDs != nil {
		ask(judgeRow(m.ConnectionTypeIDs, c.ConnectionType != nil, func() string { return c.ConnectionType.ID }))
	}
	for _, bound := range []struct {
		kw   *float64
		sign float64
	}{{m.MinPowerKW, 1}, {m.MaxPowerKW, -1}} {
		switch {
		case bound.kw == nil:
		case c.PowerKW != nil:
			ask(said((*c.PowerKW-*bound.kw)*bound.sign >= 0))
		case m.IncludeUnknownPower && top:
			ask(holds)
		default:
			ask(nobody)
		}
	}
	if m.Current != nil {
		// What the stated current may be in truth.
		families := map[string][]string{
			"AC":      {"AC_SINGLE_PHASE", "AC_TWO_PHASE", "AC_SPLIT_PHASE", "AC_THREE_PHASE"},
			"UNKNOWN": {"AC_SINGLE_PHASE", "AC_TWO_PHASE", "AC_SPLIT_PHASE", "AC_THREE_PHASE", "DC"},
		}
		wanted := words(m.Current)
		if slices.Contains(wanted, "AC") {
			wanted = append(wanted, families["AC"]...)
		}
		stated := string(c.Current)
		switch {
		case slices.Contains(wanted, stated):
			ask(holds)
		case stated == theKind || slices.ContainsFunc(families[stated], func(s string) bool { return slices.Contains(wanted, s) }):
			ask(nobody)
		default:
			ask(fails)
		}
	}
	if m.Level != nil {
		if c.Level == nil {
			ask(nobody)
		} else {
			ask(said(slices.Contains(m.Level, *c.Level)))
		}
	}
	if m.Availability != nil {
		var known []string
		if c.Availability != nil {
			known = []string{string(*c.Availability)}
		}
		ask(listed(words(m.Availability), known))
	}
	return all(answers)
}

func judgeRow(wanted []string, known bool, id func() string) answer {
	if !known {
		return nobody
	}
	if slices.Contains(wanted, id()) {
		return holds
	}
	if id() == "0" {
		return nobody
	}
	return fails
}

func judgeOperator(wanted []string, o *providers.Operator) answer {
	if o == nil {
		return nobody
	}
	names := []string{o.ID}
	for _, r := range o.Records {
		names = append(names, fmt.Sprintf("operator:%s:%s", strings.ToLower(string(r.Provider)), r.ExternalID))
	}
	return said(slices.ContainsFunc(names, func(n string) bool { return slices.Contains(wanted, n) }))
}

func judge(f *providers.Filter, p *providers.POI, top bool) answer {
	var answers []answer
	ask := func(asked bool, a func() answer) {
		if asked {
			answers = append(answers, a())
		}
	}
	ask(f.Connections != nil, func() answer {
		var each []answer
		for _, m := range f.Connections {
			for _, c := range p.Connections {
				each = append(each, judgePlug(m, c, top))
			}
		}
		if each == nil {
			return nobody
		}
		return some(each)
	})
	ask(f.OperatorIDs != nil, func() answer { return judgeOperator(f.OperatorIDs, p.Operator) })
	ask(f.ExcludeOperatorIDs != nil, func() answer { return inverse(judgeOperator(f.ExcludeOperatorIDs, p.Operator)) })
	ask(f.Usage != nil, func() answer { return listed(words(f.Usage), []string{string(p.Usage)}) })
	ask(f.Status != nil, func() answer { return listed(words(f.Status), []string{string(p.Status)}) })
	ask(f.Cost != nil, func() answer { return listed(words(f.Cost), []string{string(p.Cost)}) })
	ask(f.UsageTypeIDs != nil, func() answer {
		return judgeRow(f.UsageTypeIDs, p.UsageType != nil, func() string { return p.UsageType.ID })
	})
	ask(f.StatusTypeIDs != nil, func() answer {
		return judgeRow(f.StatusTypeIDs, p.StatusType != nil, func() string { return p.StatusType.ID })
	})
	ask(f.Availability != nil, func() answer {
		var live []string
		for _, e := range p.EVSEs {
			live = append(live, string(e.Status))
		}
		for _, s := range p.Stations {
			live = append(live, string(s.Status))
		}
		for _, c := range p.Connections {
			if c.Availability != nil {
				live = append(live, string(*c.Availability))
			}
		}
		return listed(words(f.Availability), live)
	})
	ask(f.MinPoints != nil, func() answer {
		if p.NumberOfPoints == nil {
			return nobody
		}
		return said(*p.NumberOfPoints >= *f.MinPoints)
	})
	ask(f.Amenities != nil, func() answer { return listed(words(f.Amenities), words(p.Amenities)) })
	ask(f.Countries != nil, func() answer {
		if p.Address.CountryCode == "" {
			return nobody
		}
		return listed(f.Countries, []string{p.Address.CountryCode})
	})
	ask(f.MinRating != nil, func() answer {
		if p.Rating == nil || p.Rating.Average == nil {
			return nobody
		}
		return said(*p.Rating.Average >= *f.MinRating)
	})
	ask(f.MinProviderScore != nil, func() answer {
		if p.Rating != nil {
			for _, s := range p.Rating.ProviderScores {
				if s.Provider == f.MinProviderScore.Provider {
					return said(s.Value >= f.MinProviderScore.Min)
				}
			}
		}
		return nobody
	})
	for _, list := range []struct {
		wanted *bool
		n      int
	}{{f.HasPhotos, len(p.Photos)}, {f.HasComments, len(p.Comments)}} {
		ask(list.wanted != nil, func() answer {
			if list.n == 0 && slices.ContainsFunc(p.Members, func(r *providers.Record) bool { return r.Summary }) {
				return nobody
			}
			return said(*list.wanted != (list.n == 0))
		})
	}
	for _, date := range []struct{ bound, value time.Time }{{f.ModifiedSince, p.UpdatedAt}, {f.VerifiedSince, p.LastVerifiedAt}} {
		ask(!date.bound.IsZero(), func() answer {
			if date.value.IsZero() {
				return nobody
			}
			return said(date.value.UnixNano() >= date.bound.UnixNano())
		})
	}
	ask(f.Providers != nil, func() answer {
		return said(slices.ContainsFunc(p.Members, func(r *providers.Record) bool { return slices.Contains(f.Providers, r.Source.Provider) }))
	})
	ask(f.Text != "", func() answer {
		a := p.Address
		haystack := []string{p.Title, a.Line1, a.Line2, a.Town, a.StateOrProvince, a.Postcode, a.Formatted}
		if p.Operator != nil {
			haystack = append(append(haystack, p.Operator.Title), p.Operator.Aliases...)
		}
		for word := range strings.FieldsSeq(f.Text) {
			if !slices.ContainsFunc(haystack, func(s string) bool { return strings.Contains(plain(s), plain(word)) }) {
				return fails
			}
		}
		return holds
	})
	ask(f.Not != nil, func() answer { return inverse(judge(f.Not, p, false)) })
	return all(answers)
}

// plain does to the letters of these tests what Fold does to all of them.
func plain(s string) string {
	return strings.NewReplacer("é", "e", "e\u0301", "e", "ß", "ss", "ø", "o", "ó", "o", "ł", "l", "ź", "z", "ĳ", "ij").Replace(strings.ToLower(s))
}

func judgeTop(f *providers.Filter, p *providers.POI) bool {
	if p.Status == "REMOVED" {
		return false
	}
	if p.Status == "PLANNED" {
		asked := f != nil && (slices.Contains(f.Status, "PLANNED") || p.StatusType != nil && slices.Contains(f.StatusTypeIDs, p.StatusType.ID))
		if f != nil && f.IncludePlanned != nil {
			asked = *f.IncludePlanned
		}
		if !asked {
			return false
		}
	}
	return f == nil || judge(f, p, true) == holds
}

func maybe[T any](t *rapid.T, name string, g *rapid.Generator[T]) *T {
	return rapid.Ptr(g, true).Draw(t, name)
}

// few draws nil or one to three of a few values, so that filters and sites meet.
func few[T any](t *rapid.T, name string, values ...T) []T {
	if rapid.IntRange(0, 2).Draw(t, "without "+name) > 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.SampledFrom(values), 1, 3).Draw(t, name)
}

var (
	someDates = []time.Time{{}, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 6, 1, 0, 0, 0, 1, time.UTC)}
	someLive  = []providers.EVSEStatus{providers.EVSEAvailable, providers.EVSECharging, providers.EVSEUnknown}
	someTexts = []string{"", "Café Noir", "cafe", "STRASSE 5", "Hauptstraße", "Ørsted", "rsted noir", "5"}
)

func somePlugs() *rapid.Generator[providers.ConnectionInfo] {
	return rapid.Custom(func(t *rapid.T) providers.ConnectionInfo {
		c := providers.ConnectionInfo{
			Type:         rapid.SampledFrom([]providers.ConnectorType{providers.ConnectorCCS2, providers.ConnectorType2, providers.ConnectorUnknown}).Draw(t, "type"),
			Format:       rapid.SampledFrom([]providers.ConnectorFormat{providers.FormatCable, providers.FormatSocket, providers.FormatUnknown}).Draw(t, "format"),
			Current:      rapid.SampledFrom([]providers.CurrentKind{providers.CurrentAC, providers.CurrentACThreePhase, providers.CurrentDC, providers.CurrentUnknown}).Draw(t, "current"),
			PowerKW:      maybe(t, "power", rapid.SampledFrom([]float64{0, 22, 50, 150})),
			Level:        maybe(t, "level", rapid.IntRange(2, 3)),
			Availability: maybe(t, "availability", rapid.SampledFrom(someLive)),
		}
		if id := maybe(t, "row", rapid.SampledFrom([]string{"0", "33", "25"})); id != nil {
			c.ConnectionType = &providers.ConnectionType{ID: *id}
		}
		return c
	})
}

func somePOIs() *rapid.Generator[*providers.POI] {
	return rapid.Custom(func(t *rapid.T) *providers.POI {
		text := rapid.SampledFrom(someTexts)
		p := poiOf(record("ocm", "1"))
		p.Usage = rapid.SampledFrom([]providers.UsageKind{providers.UsagePublic, providers.UsagePrivate, providers.UsageUnknown}).Draw(t, "usage")
		p.Status = rapid.SampledFrom([]providers.OperationalStatus{
			providers.StatusOperational, providers.StatusPlanned, providers.StatusRemoved, providers.StatusUnknown,
		}).Draw(t, "status")
		p.Cost = rapid.SampledFrom([]providers.CostKind{providers.CostFree, providers.CostPaid, providers.CostUnknown}).Draw(t, "cost")
		p.Title, p.Address.Line1, p.Address.Town = text.Draw(t, "title"), text.Draw(t, "street"), text.Draw(t, "town")
		p.Address.CountryCode = rapid.SampledFrom([]string{"", "NL", "DE"}).Draw(t, "country")
		if id := maybe(t, "usage row", rapid.SampledFrom([]string{"0", "1", "4"})); id != nil {
			p.UsageType = &providers.UsageType{ID: *id}
		}
		if id := maybe(t, "status row", rapid.SampledFrom([]string{"0", "50", "150"})); id != nil {
			p.StatusType = &providers.StatusType{ID: *id}
		}
		if id := maybe(t, "operator", rapid.SampledFrom([]string{"operator:ocm:1", "operator:ocm:2"})); id != nil {
			p.Operator = &providers.Operator{
				ID: *id, Title: text.Draw(t, "operator's title"), Aliases: []string{text.Draw(t, "alias")},
				Records: []providers.OperatorRecord{{Provider: providers.OCPI, ExternalID: "NL*" + (*id)[13:]}},
			}
		}
		p.Connections = rapid.SliceOfN(somePlugs(), 0, 3).Draw(t, "plugs")
		live := rapid.SampledFrom(someLive)
		if s := maybe(t, "EVSE", live); s != nil {
			p.EVSEs = []providers.EVSE{{Status: *s}}
		}
		if s := maybe(t, "station", live); s != nil {
			p.Stations = []providers.Station{{Status: *s}}
		}
		p.NumberOfPoints = maybe(t, "points", rapid.IntRange(0, 3))
		p.Amenities = few(t, "amenities", providers.AmenityCafe, providers.AmenityWifi, providers.AmenityPark)
		if average := maybe(t, "average", rapid.SampledFrom([]float64{0, 3, 4.5})); average != nil || rapid.Bool().Draw(t, "rated") {
			p.Rating = &providers.Rating{Average: average}
			for _, code := range few(t, "scores", providers.PlugShare, providers.OCM) {
				p.Rating.ProviderScores = append(p.Rating.ProviderScores, providers.ProviderScore{Provider: code, Value: rapid.SampledFrom([]float64{0, 5, 9}).Draw(t, "score")})
			}
		}
		p.Photos = make([]providers.Photo, rapid.IntRange(0, 1).Draw(t, "photos"))
		p.Comments = make([]providers.Comment, rapid.IntRange(0, 1).Draw(t, "comments"))
		p.UpdatedAt = rapid.SampledFrom(someDates).Draw(t, "updated")
		p.LastVerifiedAt = rapid.SampledFrom(someDates).Draw(t, "verified")
		if rapid.Bool().Draw(t, "two sources") {
			p.Members = append(p.Members, record("plugshare", "9~8", func(r *providers.Record) { r.Summary = rapid.Bool().Draw(t, "summary") }))
		}
		return p
	})
}

func someFilters(deep int) *rapid.Generator[*providers.Filter] {
	return rapid.Custom(func(t *rapid.T) *providers.Filter {
		power := rapid.SampledFrom([]float64{0, 22, 50, 100})
		f := &providers.Filter{
			OperatorIDs:        few(t, "operators", "operator:ocm:1", "operator:ocpi:NL*2", "operator:ocm:3"),
			ExcludeOperatorIDs: few(t, "no operators", "operator:ocm:1", "operator:ocpi:NL*2"),
			Usage:              few(t, "usage", providers.UsagePublic, providers.UsagePrivate, providers.UsageUnknown),
			UsageTypeIDs:       few(t, "usage rows", "0", "1", "4"),
			Status:             few(t, "status", providers.StatusOperational, providers.StatusPlanned, providers.StatusRemoved, providers.StatusUnknown),
			StatusTypeIDs:      few(t, "status rows", "0", "50", "150"),
			Availability:       few(t, "availability", someLive...),
			Cost:               few(t, "cost", providers.CostFree, providers.CostPaid, providers.CostUnknown),
			Amenities:          few(t, "amenities", providers.AmenityCafe, providers.AmenityWifi),
			Countries:          few(t, "countries", "NL", "DE"),
			Providers:          few(t, "providers", providers.OCM, providers.PlugShare, providers.OCPI),
		}
		// One question in a few, so that sites are not all refused by the first.
		optional := func(name string, set func()) {
			if rapid.IntRange(0, 4).Draw(t, name) == 0 {
				set()
			}
		}
		optional("min points", func() { f.MinPoints = new(rapid.IntRange(0, 3).Draw(t, "points")) })
		optional("min rating", func() { f.MinRating = new(rapid.SampledFrom([]float64{0, 3, 4}).Draw(t, "rating")) })
		optional("min score", func() {
			f.MinProviderScore = &providers.ProviderScoreMatch{Provider: providers.PlugShare, Min: rapid.SampledFrom([]float64{0, 5, 8}).Draw(t, "score")}
		})
		optional("has photos", func() { f.HasPhotos = new(rapid.Bool().Draw(t, "photos")) })
		optional("has comments", func() { f.HasComments = new(rapid.Bool().Draw(t, "comments")) })
		optional("include planned", func() { f.IncludePlanned = new(rapid.Bool().Draw(t, "planned")) })
		optional("modified", func() { f.ModifiedSince = rapid.SampledFrom(someDates).Draw(t, "modified since") })
		optional("verified", func() { f.VerifiedSince = rapid.SampledFrom(someDates).Draw(t, "verified since") })
		optional("words", func() { f.Text = rapid.SampledFrom(someTexts).Draw(t, "text") })
		optional("plugs", func() {
			f.Connections = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) providers.ConnectionMatch {
				return providers.ConnectionMatch{
					Types:               few(t, "types", providers.ConnectorCCS2, providers.ConnectorUnknown),
					ConnectionTypeIDs:   few(t, "rows", "0", "33"),
					Formats:             few(t, "formats", providers.FormatCable, providers.FormatUnknown),
					MinPowerKW:          maybe(t, "min power", power),
					MaxPowerKW:          maybe(t, "max power", power),
					Current:             few(t, "current", providers.CurrentAC, providers.CurrentACThreePhase, providers.CurrentDC, providers.CurrentUnknown),
					Level:               few(t, "level", 2, 3),
					Availability:        few(t, "availability", someLive...),
					IncludeUnknownPower: rapid.Bool().Draw(t, "unknown power"),
				}
			}), 1, 2).Draw(t, "connections")
		})
		if deep > 0 && rapid.Bool().Draw(t, "not") {
			f.Not = someFilters(deep-1).Draw(t, "not this")
		}
		return f
	})
}

func TestFilter_MatchesAsTheRulesSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := someFilters(3).Draw(t, "filter")
		for range 10 {
			p := somePOIs().Draw(t, "site")
			if got, want := f.Match(p), judgeTop(f, p); got != want {
				t.Errorf("Match() = %v, want %v", got, want)
			}
			if got, want := (*providers.Filter)(nil).Match(p), judgeTop(nil, p); got != want {
				t.Errorf("without a filter Match() = %v, want %v", got, want)
			}
		}
	})
}

// One question at a time: in a filter of many the first refusal hides the rest.
func TestFilter_EveryQuestionAloneMatchesAsTheRulesSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		full := someFilters(0).Draw(t, "filter")
		p := somePOIs().Draw(t, "site")
		from := reflect.ValueOf(full).Elem()
		for i := range from.NumField() {
			alone := &providers.Filter{}
			reflect.ValueOf(alone).Elem().Field(i).Set(from.Field(i))
			for _, f := range []*providers.Filter{alone, {Not: alone}, {Not: &providers.Filter{Not: alone}}} {
				if got, want := f.Match(p), judgeTop(f, p); got != want {
					t.Errorf("%s: Match() = %v, want %v", from.Type().Field(i).Name, got, want)
				}
			}
		}
	})
}

func TestFilter_NotNeverMatchesWhatMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, p := someFilters(2).Draw(t, "filter"), somePOIs().Draw(t, "site")
		yes, no := f.Match(p), (&providers.Filter{Not: f, IncludePlanned: new(true)}).Match(p)
		if yes && no {
			t.Error("a site matches a filter and its contrary")
		}
		// IncludeUnknownPower makes known what is unknown, and only at the top.
		if slices.ContainsFunc(f.Connections, func(m providers.ConnectionMatch) bool { return m.IncludeUnknownPower }) {
			return
		}
		if twice := (&providers.Filter{Not: &providers.Filter{Not: f}, IncludePlanned: new(true)}).Match(p); yes && !twice {
			t.Error("a site that matches does not match under not not")
		}
	})
}

func TestFilter_TheRulesInSentences(t *testing.T) {
	t.Parallel()
	type F = providers.Filter
	type P = providers.POI
	ccs := providers.ConnectionInfo{Type: providers.ConnectorCCS2, Format: providers.FormatCable, Current: providers.CurrentDC, PowerKW: new(50.0)}
	type2 := providers.ConnectionInfo{Type: providers.ConnectorType2, Format: providers.FormatSocket, Current: providers.CurrentACThreePhase, PowerKW: new(22.0)}
	mute := providers.ConnectionInfo{Type: providers.ConnectorUnknown, Format: providers.FormatUnknown, Current: providers.CurrentUnknown}
	plugs := func(list ...providers.ConnectionInfo) func(*P) { return func(p *P) { p.Connections = list } }
	status := func(s providers.OperationalStatus) func(*P) { return func(p *P) { p.Status = s } }
	asks := func(m providers.ConnectionMatch) F { return F{Connections: []providers.ConnectionMatch{m}} }
	not := func(f F) F { return F{Not: &f} }
	title := func(s string) func(*P) { return func(p *P) { p.Title = s } }
	public := F{Usage: []providers.UsageKind{providers.UsagePublic}}
	strong := asks(providers.ConnectionMatch{MinPowerKW: new(100.0)})
	strongOrMute := asks(providers.ConnectionMatch{MinPowerKW: new(100.0), MaxPowerKW: new(400.0), IncludeUnknownPower: true})
	current := func(k ...providers.CurrentKind) F { return asks(providers.ConnectionMatch{Current: k}) }
	amenity := F{Amenities: []providers.Amenity{providers.AmenityCafe}}
	operator := func(p *P) {
		p.Operator = &providers.Operator{ID: "operator:ocm:5", Records: []providers.OperatorRecord{{Provider: providers.OCPI, ExternalID: "NL*ABC"}}}
	}
	for sentence, c := range map[string]struct {
		filter F
		site   func(*P)
		want   bool
	}{
		"what is unknown does not match":                         {public, nil, false},
		"what is unknown does not match under not":               {not(public), nil, false},
		"what is unknown does not match under not not":           {not(not(public)), nil, false},
		"what is known to differ matches under not":              {not(public), func(p *P) { p.Usage = providers.UsagePrivate }, true},
		"listing unknown asks for it":                            {F{Usage: []providers.UsageKind{providers.UsageUnknown}}, nil, true},
		"not unknown is what is known":                           {not(F{Usage: []providers.UsageKind{providers.UsageUnknown}}), func(p *P) { p.Usage = providers.UsagePublic }, true},
		"unknown is not known to be not unknown":                 {not(F{Usage: []providers.UsageKind{providers.UsageUnknown}}), nil, false},
		"an empty filter asks for nothing":                       {F{}, nil, true},
		"nothing is not nothing":                                 {not(F{}), nil, false},
		"planned sites are hidden":                               {F{}, status(providers.StatusPlanned), false},
		"planned sites are hidden by default at the top only":    {not(F{Usage: []providers.UsageKind{providers.UsageUnknown}}), status(providers.StatusPlanned), false},
		"under not the default does not hide":                    {F{IncludePlanned: new(true), Not: &F{Not: &F{Usage: []providers.UsageKind{providers.UsageUnknown}}}}, status(providers.StatusPlanned), true},
		"include planned shows planned sites":                    {F{IncludePlanned: new(true)}, status(providers.StatusPlanned), true},
		"include planned shows the others too":                   {F{IncludePlanned: new(true)}, status(providers.StatusOperational), true},
		"include planned under not does nothing":                 {F{Not: &F{IncludePlanned: new(true), Cost: []providers.CostKind{providers.CostFree}}}, func(p *P) { p.Cost, p.Status = providers.CostPaid, providers.StatusPlanned }, false},
		"status planned shows planned sites":                     {F{Status: []providers.OperationalStatus{providers.StatusPlanned}}, status(providers.StatusPlanned), true},
		"status planned under not does not show them":            {not(not(F{Status: []providers.OperationalStatus{providers.StatusPlanned}})), status(providers.StatusPlanned), false},
		"a status row shows the planned sites of that row":       {F{StatusTypeIDs: []string{"150"}}, func(p *P) { p.Status, p.StatusType = providers.StatusPlanned, &providers.StatusType{ID: "150"} }, true},
		"include planned false wins over status planned":         {F{IncludePlanned: new(false), Status: []providers.OperationalStatus{providers.StatusPlanned}}, status(providers.StatusPlanned), false},
		"removed sites never appear":                             {F{IncludePlanned: new(true)}, status(providers.StatusRemoved), false},
		"removed sites never appear even when asked for":         {F{Status: []providers.OperationalStatus{providers.StatusRemoved}}, status(providers.StatusRemoved), false},
		"removed sites never appear under not":                   {not(F{Status: []providers.OperationalStatus{providers.StatusOperational}}), status(providers.StatusRemoved), false},
		"one connection satisfies all":                           {asks(providers.ConnectionMatch{Types: []providers.ConnectorType{providers.ConnectorCCS2}, MinPowerKW: new(50.0)}), plugs(ccs, type2), true},
		"two connections do not satisfy all between them":        {asks(providers.ConnectionMatch{Types: []providers.ConnectorType{providers.ConnectorType2}, MinPowerKW: new(50.0)}), plugs(ccs, type2), false},
		"one of several descriptions is enough":                  {F{Connections: []providers.ConnectionMatch{{MinPowerKW: new(300.0)}, {Formats: []providers.ConnectorFormat{providers.FormatSocket}}}}, plugs(ccs, type2), true},
		"plugs that nobody listed are unknown":                   {asks(providers.ConnectionMatch{Types: []providers.ConnectorType{providers.ConnectorCCS2}}), nil, false},
		"plugs that nobody listed are unknown under not":         {not(asks(providers.ConnectionMatch{Types: []providers.ConnectorType{providers.ConnectorCCS2}})), nil, false},
		"one plug of unknown power keeps a site from being weak": {not(strong), plugs(ccs, mute), false},
		"a site of weak plugs is known to be weak":               {not(strong), plugs(ccs, type2), true},
		"unknown power is not enough":                            {strong, plugs(mute), false},
		"unknown power is enough where it is included":           {strongOrMute, plugs(mute), true},
		"including unknown power does not include weak plugs":    {strongOrMute, plugs(ccs), false},
		"under not unknown power is not included":                {not(not(strongOrMute)), plugs(mute), false},
		"AC is every alternating current":                        {current(providers.CurrentAC), plugs(type2), true},
		"AC is not direct current":                               {current(providers.CurrentAC), plugs(ccs), false},
		"AC is not known of an unknown current":                  {not(current(providers.CurrentAC)), plugs(mute), false},
		"a phase is not mere AC":                                 {current(providers.CurrentACThreePhase), plugs(providers.ConnectionInfo{Current: providers.CurrentAC}), false},
		"mere AC may be that phase":                              {not(current(providers.CurrentACThreePhase)), plugs(providers.ConnectionInfo{Current: providers.CurrentAC}), false},
		"mere AC is not direct current":                          {not(current(providers.CurrentDC)), plugs(providers.ConnectionInfo{Current: providers.CurrentAC}), true},
		"another phase is not this one":                          {not(current(providers.CurrentACSinglePhase)), plugs(type2), true},
		"amenities that nobody listed are unknown":               {not(amenity), nil, false},
		"listed amenities are all there are":                     {not(amenity), func(p *P) { p.Amenities = []providers.Amenity{providers.AmenityWifi} }, true},
		"an operator goes by the ids of all its records":         {F{OperatorIDs: []string{"operator:ocpi:NL*ABC"}}, operator, true},
		"an excluded operator too":                               {F{ExcludeOperatorIDs: []string{"operator:ocpi:NL*ABC"}}, operator, false},
		"an unknown operator is not known to be another":         {F{ExcludeOperatorIDs: []string{"operator:ocm:9"}}, nil, false},
		"row 0 is unknown":                                       {not(F{UsageTypeIDs: []string{"4"}}), func(p *P) { p.UsageType = &providers.UsageType{ID: "0"} }, false},
		"row 0 can be asked for":                                 {F{UsageTypeIDs: []string{"0"}}, func(p *P) { p.UsageType = &providers.UsageType{ID: "0"} }, true},
		"a live state of unknown is none":                        {not(F{Availability: []providers.EVSEStatus{providers.EVSEAvailable}}), func(p *P) { p.EVSEs = []providers.EVSE{{Status: providers.EVSEUnknown}} }, false},
		"a station's live state counts":                          {F{Availability: []providers.EVSEStatus{providers.EVSEAvailable}}, func(p *P) { p.Stations = []providers.Station{{Status: providers.EVSEAvailable}} }, true},
		"a plug's live state counts":                             {F{Availability: []providers.EVSEStatus{providers.EVSEAvailable}}, plugs(providers.ConnectionInfo{Availability: new(providers.EVSEAvailable)}), true},
		"zero points are known to be too few":                    {not(F{MinPoints: new(1)}), func(p *P) { p.NumberOfPoints = new(0) }, true},
		"since includes the instant itself":                      {F{ModifiedSince: someDates[1]}, func(p *P) { p.UpdatedAt = someDates[1] }, true},
		"text ignores case and accents":                          {F{Text: "CAFE STRASSE"}, title("Café an der Straße"), true},
		"text without accents finds decomposed ones":             {F{Text: "cafe"}, title("Cafe\u0301"), true},
		"text with accents finds plain words":                    {F{Text: "Ĳmuiden Łódź"}, title("ijmuiden lodz"), true},
		"every word must occur":                                  {F{Text: "cafe noir"}, title("Café au lait"), false},
		"words may occur in different fields":                    {F{Text: "cafe utrecht"}, func(p *P) { p.Title, p.Address.Town = "Café", "Utrecht" }, true},
		"words do not run over from field to field":              {F{Text: "feut"}, func(p *P) { p.Title, p.Address.Line1 = "Café", "Utrecht" }, false},
		"blanks alone ask for nothing":                           {F{Text: " \t "}, nil, true},
		"an alias of the operator is text":                       {F{Text: "fastned"}, func(p *P) { p.Operator = &providers.Operator{Aliases: []string{"Fastned B.V."}} }, true},
		"open data is not judged once records are merged":        {F{OpenData: new(true), DataProviderIDs: []string{"7"}}, nil, true},
		"a provider is one of the members'":                      {F{Providers: []providers.ProviderCode{providers.PlugShare, providers.OCM}}, nil, true},
		"a provider's score is not another's": {not(F{MinProviderScore: &providers.ProviderScoreMatch{Provider: providers.PlugShare, Min: 8}}), func(p *P) {
			p.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.OCM, Value: 1}}}
		}, false},
		"photos that were not fetched are unknown":       {not(F{HasPhotos: new(true)}), func(p *P) { p.Members[0].Summary = true }, false},
		"photos of a summary are photos all the same":    {F{HasPhotos: new(true)}, func(p *P) { p.Members[0].Summary = true; p.Photos = make([]providers.Photo, 1) }, true},
		"a site whose photos were fetched may have none": {F{HasPhotos: new(false)}, nil, true},
		"comments without ratings leave it unrated":      {not(F{MinRating: new(3.0)}), func(p *P) { p.Rating = &providers.Rating{Failures: 3} }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			p := poiOf(record("ocm", "1"))
			if c.site != nil {
				c.site(p)
			}
			if got := c.filter.Match(p); got != c.want {
				t.Errorf("Match() = %v", got)
			}
			if judgeTop(&c.filter, p) != c.want {
				t.Error("the oracle of these tests disagrees")
			}
		})
	}
	if p := poiOf(record("ocm", "1")); !(*F)(nil).Match(p) {
		t.Error("without a filter a site is hidden")
	}
}

func TestFilter_RecordsAreChosenBeforeMerging(t *testing.T) {
	t.Parallel()
	with := func(open *bool) *providers.Record {
		return record("ocm", "1", func(r *providers.Record) { r.DataProvider = &providers.DataProvider{ID: "7", IsOpenDataLicensed: open} })
	}
	records := map[string]*providers.Record{
		"open": with(new(true)), "closed": with(new(false)), "undeclared": with(nil), "without provider": record("ocm", "1"),
	}
	for name, c := range map[string]struct {
		filter *providers.Filter
		want   []string
	}{
		"no filter":               {nil, []string{"closed", "open", "undeclared", "without provider"}},
		"open data":               {&providers.Filter{OpenData: new(true)}, []string{"open"}},
		"the others":              {&providers.Filter{OpenData: new(false)}, []string{"closed", "undeclared", "without provider"}},
		"a data provider":         {&providers.Filter{DataProviderIDs: []string{"3", "7"}}, []string{"closed", "open", "undeclared"}},
		"another data provider":   {&providers.Filter{DataProviderIDs: []string{"3"}}, nil},
		"both":                    {&providers.Filter{OpenData: new(false), DataProviderIDs: []string{"7"}}, []string{"closed", "undeclared"}},
		"questions about the POI": {&providers.Filter{Text: "nothing", MinPoints: new(9), Not: &providers.Filter{}}, []string{"closed", "open", "undeclared", "without provider"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for kind, r := range records {
				if c.filter.MatchRecord(r) {
					got = append(got, kind)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("MatchRecord() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// schemaType returns the fields of a type of the schema.
func schemaType(t *testing.T, head string) []string {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "\n"+head+" {\n")
	if !ok {
		t.Fatalf("no %s in the schema", head)
	}
	body, _, _ = strings.Cut(body, "\n}")
	body = regexp.MustCompile(`(?s)""".*?"""|"[^"\n]*"`).ReplaceAllString(body, "")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]\w*)[(:]`).FindAllStringSubmatch(body, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestFilter_FieldsAreCalledAsInTheGraph(t *testing.T) {
	t.Parallel()
	all := &providers.Filter{
		Connections: []providers.ConnectionMatch{{
			Types: []providers.ConnectorType{providers.ConnectorCCS2}, ConnectionTypeIDs: []string{"1"}, Formats: []providers.ConnectorFormat{providers.FormatCable},
			MinPowerKW: new(1.0), MaxPowerKW: new(1.0), Current: []providers.CurrentKind{providers.CurrentAC}, Level: []int{1},
			Availability: []providers.EVSEStatus{providers.EVSEAvailable}, IncludeUnknownPower: true,
		}},
		OperatorIDs: []string{"1"}, ExcludeOperatorIDs: []string{"1"}, Usage: []providers.UsageKind{providers.UsagePublic}, UsageTypeIDs: []string{"1"},
		Status: []providers.OperationalStatus{providers.StatusPlanned}, StatusTypeIDs: []string{"1"}, Availability: []providers.EVSEStatus{providers.EVSEAvailable},
		MinPoints: new(1), Cost: []providers.CostKind{providers.CostFree}, Amenities: []providers.Amenity{providers.AmenityCafe}, Countries: []string{"NL"},
		MinRating: new(1.0), MinProviderScore: &providers.ProviderScoreMatch{}, HasPhotos: new(false), HasComments: new(false), IncludePlanned: new(true),
		ModifiedSince: someDates[1], VerifiedSince: someDates[1], OpenData: new(false), DataProviderIDs: []string{"1"}, Providers: []providers.ProviderCode{providers.OCM},
		Text: "x", Not: &providers.Filter{Text: "y", HasPhotos: new(true)},
	}
	if v := reflect.ValueOf(*all); true {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Fatalf("this test does not know %s", v.Type().Field(i).Name)
			}
		}
	}
	// What says how to ask, rather than what, cannot be undecided.
	manner := []string{"connections", "includePlanned", "includeUnknownPower", "not"}
	var want []string
	for _, name := range schemaType(t, "input POIFilter") {
		if name == "connections" {
			for _, inner := range schemaType(t, "input ConnectionMatch") {
				if !slices.Contains(manner, inner) {
					want = append(want, "connections."+inner)
				}
			}
		}
		if !slices.Contains(manner, name) {
			want = append(want, name)
		}
	}
	got := all.Fields()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Fields() mismatch (-want +got):\n%s", diff)
	}
	for _, f := range []*providers.Filter{nil, {}, {IncludePlanned: new(true)}, {Not: &providers.Filter{}}} {
		if names := f.Fields(); len(names) != 0 {
			t.Errorf("Fields() of %+v = %v", f, names)
		}
	}
	inner := &providers.Filter{Not: &providers.Filter{Not: &providers.Filter{Connections: []providers.ConnectionMatch{{}, {Level: []int{2}}}}}}
	if diff := cmp.Diff([]string{"connections.level"}, inner.Fields()); diff != "" {
		t.Errorf("Fields() mismatch (-want +got):\n%s", diff)
	}
}

func ExampleFilter_Match() {
	cost := func(c providers.CostKind) *providers.POI {
		r := &providers.Record{Site: providers.Site{Cost: c}}
		return &providers.POI{Site: &r.Site, Members: []*providers.Record{r}}
	}
	free := &providers.Filter{Cost: []providers.CostKind{providers.CostFree}}
	notFree := &providers.Filter{Not: free}
	for _, c := range []providers.CostKind{providers.CostFree, providers.CostPaid, providers.CostUnknown} {
		fmt.Println(c, free.Match(cost(c)), notFree.Match(cost(c)))
	}
	// Output:
	// FREE true false
	// PAID false true
	// UNKNOWN false false
}

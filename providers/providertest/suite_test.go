package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/providers"
)

// The suite is tested with a source that is made up here: it keeps every rule,
// and one change at a time makes it break one.

var (
	testNow   = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	home      = providers.Bounds{South: 51, West: -1, North: 52, East: 1}
	fiji      = providers.Bounds{South: -18, West: 178, North: -16, East: -178}
	testFault = map[string][]providers.SourceErrorCode{"500": {providers.CodeUpstreamError}, "429": {providers.CodeRateLimited}}
)

// fake is a live source. Its fields change what it does, each in one place.
type fake struct {
	info  *providers.Source
	calls atomic.Int64

	mu    sync.Mutex
	fault string
	table *providers.Reference // once it was asked for

	searches atomic.Int64

	// change is applied to every record before it is sealed, spoil after that.
	change, spoil func(r *providers.Record)
	// answer is applied to every answer of Search, detailed to those of Detail.
	answer   func(area providers.Area, a *providers.Answer)
	detailed func(keys []providers.Key, a *providers.Answer)
	// failed is applied to every error.
	failed func(err error) error
	search func(ctx context.Context, q providers.Query) (providers.Answer, error)
	batch  int
	row    func(t *providers.Reference)
	join   func(records []*providers.Record)
	wait   func() // in HeldReference
}

func newFake() *fake {
	return &fake{batch: 5, info: &providers.Source{
		ID: "ocm:fake", Provider: providers.OCM, Name: "Fake", Mode: providers.ModeLive,
		Attribution:      providers.Attribution{Text: "made up", URL: "https://fake.example/"},
		Capabilities:     providers.SourceCapabilities{Comments: true, Photos: true, LiveStatus: true},
		Undecided:        []string{"minProviderScore"},
		UndecidedSummary: []string{"amenities"},
	}}
}

// places is where the fake has sites: a grid at home, and some in Fiji.
func places() []providers.Point {
	var points []providers.Point
	for i := range 40 {
		points = append(points, providers.Point{Lat: 51.05 + float64(i/8)*0.2, Lon: -0.9 + float64(i%8)*0.24})
	}
	return append(points, providers.Point{Lat: -17, Lon: 179.9}, providers.Point{Lat: -17.1, Lon: -179.9})
}

// record makes site n anew.
func (f *fake) record(n int, p providers.Point, summary bool) *providers.Record {
	external := strconv.Itoa(n + 1)
	power, volts, quantity, stars, level := 50.0, 400.0, 2, 4, 3
	state, charged := providers.EVSEAvailable, providers.CheckInCharged
	at := time.Date(2026, 5, 1, 8, 0, n, 0, time.UTC)
	plug := func(id string) providers.ConnectionInfo {
		return providers.ConnectionInfo{
			ExternalID: id, Type: providers.ConnectorCCS2, Current: providers.CurrentDC, Format: providers.FormatCable, Status: providers.StatusOperational,
			ConnectionType: &providers.ConnectionType{ID: "33", Title: "33", Type: providers.ConnectorUnknown},
			PowerKW:        &power, VoltageV: &volts, Quantity: &quantity, Level: &level, Availability: &state, AvailabilityUpdatedAt: at,
		}
	}
	r := &providers.Record{
		Key: providers.NewKey(f.info.ID, external), ExternalID: external, Source: f.info, FetchedAt: testNow, Attribution: &f.info.Attribution, Summary: summary,
		URL: "https://fake.example/" + external,
		Site: providers.Site{
			Title: "Site " + external, Location: p, Usage: providers.UsagePublic, Status: providers.StatusOperational, Cost: providers.CostUnknown,
			Address:      providers.Address{Line1: "1 High Street", Town: "Town", CountryCode: "GB", Country: &providers.Country{ID: "1", Title: "United Kingdom", ISOCode: "GB"}},
			Operator:     providers.NewOperator(providers.OCM, "5", "ChargePoint"),
			Connections:  []providers.ConnectionInfo{plug("1"), plug("2")},
			EVSEs:        []providers.EVSE{{ExternalID: "e1", EVSEID: "GB*FAK*E" + external, Status: state, Connections: []providers.ConnectionInfo{plug("e1-1")}, Location: &p}},
			Stations:     []providers.Station{{ExternalID: "s1", Status: state, Cost: providers.CostPaid, Connections: []providers.ConnectionInfo{plug("s1-1")}}},
			Availability: &providers.AvailabilityCounts{Unit: providers.UnitEVSE, Total: 1, Available: 1, ObservedAt: at},
			OpeningHours: &providers.OpeningHours{Weekly: []providers.OpeningPeriod{{Weekday: 7, Opens: "08:00", Closes: "24:00"}}},
			TimeZone:     "Europe/London", GeneralComments: "Behind the\ncafé & the < shop", UpdatedAt: at,
		},
	}
	if !summary {
		r.Amenities = []providers.Amenity{providers.AmenityCafe}
		r.Comments = []providers.Comment{
			{ExternalID: "c1", Kind: providers.CommentGeneral, Rating: &stars, Text: "Fine", CreatedAt: at},
			{ExternalID: "c2", Kind: providers.CommentGeneral, Outcome: &charged, CreatedAt: at.Add(time.Hour)},
		}
		r.Photos = []providers.Photo{{ExternalID: "p1", URL: "https://fake.example/p1.jpg", CreatedAt: at}, {ExternalID: "p2", URL: "https://fake.example/p2.jpg"}}
	}
	if f.change != nil {
		f.change(r)
	}
	r.Seal()
	if f.spoil != nil {
		f.spoil(r)
	}
	return r
}

// call is one call to the far end.
func (f *fake) call(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return providers.AsSourceError(err)
	}
	f.calls.Add(1)
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	var err error
	switch fault {
	case "":
		return nil
	case "hang":
		<-ctx.Done()
		err = providers.AsSourceError(ctx.Err())
	case "429":
		err = &providers.SourceError{Code: providers.CodeRateLimited, Message: "the source asks to be asked less often", RetryAfter: time.Minute}
	default:
		err = &providers.SourceError{Code: providers.CodeUpstreamError, Message: "the source failed on its side"}
	}
	if f.failed != nil {
		err = f.failed(err)
	}
	return err
}

func (f *fake) Source() *providers.Source { return f.info }

func (f *fake) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	if f.search != nil {
		return f.search(ctx, q)
	}
	if err := f.call(ctx); err != nil {
		return providers.Answer{}, err
	}
	f.searches.Add(1)
	a := providers.Answer{FetchedAt: testNow}
	for n, p := range places() {
		if r := f.record(n, p, true); q.Area.Holds(&r.Site) {
			a.Records = append(a.Records, r)
		}
	}
	if f.answer != nil {
		f.answer(q.Area, &a)
	}
	return a, nil
}

func (f *fake) DetailBatch() int { return f.batch }

func (f *fake) Detail(ctx context.Context, keys []providers.Key) (providers.Answer, error) {
	a := providers.Answer{FetchedAt: testNow}
	if len(keys) == 0 {
		return a, nil
	}
	if err := f.call(ctx); err != nil {
		return providers.Answer{}, err
	}
	for n, p := range places() {
		r := f.record(n, p, false)
		alias := providers.Key(string(r.Key) + "~")
		if slices.Contains(keys, alias) {
			a.Aliases = map[providers.Key]providers.Key{alias: r.Key}
		}
		if slices.Contains(keys, r.Key) || slices.Contains(keys, alias) {
			a.Records = append(a.Records, r)
		}
	}
	if f.detailed != nil {
		f.detailed(keys, &a)
	}
	return a, nil
}

func newTable() *providers.Reference {
	return &providers.Reference{
		ConnectionTypes: []*providers.ConnectionType{
			{ID: "33", Title: "CCS (Type 2)", Type: providers.ConnectorCCS2}, {ID: "1", Title: "J1772", Type: providers.ConnectorType1},
		},
		Operators: []*providers.Operator{providers.NewOperator(providers.OCM, "5", "ChargePoint")},
	}
}

func (f *fake) HeldReference() (*providers.Reference, bool) {
	if f.wait != nil {
		f.wait()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.table, f.table != nil
}

func (f *fake) Reference(ctx context.Context, country string) (*providers.Reference, error) {
	t, ok := f.HeldReference()
	if !ok {
		if err := f.call(ctx); err != nil {
			return newTable(), err
		}
		f.mu.Lock()
		if f.table == nil {
			f.table = newTable()
			if f.row != nil {
				f.row(f.table)
			}
		}
		t = f.table
		f.mu.Unlock()
	}
	if country != "" {
		local := *t
		local.ConnectionTypes = t.ConnectionTypes[:1]
		return &local, nil
	}
	return t, nil
}

func (f *fake) Join(t *providers.Reference, records []*providers.Record) {
	if f.join != nil {
		f.join(records)
		return
	}
	f.mu.Lock() // some of the broken ones hand out one record twice
	defer f.mu.Unlock()
	for _, r := range records {
		for i := range r.Connections {
			r.Connections[i].ConnectionType = t.ConnectionTypes[0]
		}
		for i := range r.EVSEs {
			r.EVSEs[i].Connections[0].ConnectionType = t.ConnectionTypes[0]
		}
		for i := range r.Stations {
			r.Stations[i].Connections[0].ConnectionType = t.ConnectionTypes[0]
		}
	}
}

// live returns the subject of the fake as change leaves it.
func live(change func(*fake)) Subject {
	return Subject{
		New: func(testing.TB) Bench {
			f := newFake()
			if change != nil {
				change(f)
			}
			set := func(fault string) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.fault = fault
			}
			return Bench{Provider: f, Calls: func() int { return int(f.calls.Load()) }, Break: set, Mend: func() { set("") }}
		},
		Areas: []providers.Bounds{home}, Dateline: fiji, Country: "GB", Faults: testFault, Hangs: []string{"hang"},
		Alias:   func(r *providers.Record) providers.Key { return providers.Key(string(r.Key) + "~") },
		Secrets: []string{"s3cr3t"},
		Now:     func() time.Time { return testNow },
	}
}

var (
	_ providers.Detailer       = (*fake)(nil)
	_ providers.Referenced     = (*fake)(nil)
	_ providers.EVSEFinder     = (*heldFake)(nil)
	_ providers.OperatorLister = (*heldFake)(nil)
)

// heldFake holds what the fake would answer. Its faults show in refreshing.
type heldFake struct {
	far     *fake
	records []*providers.Record
	evses   map[string][]providers.Key

	// What to do otherwise.
	lost    providers.Key
	len     int
	asks    bool
	strict  bool // about how ids of EVSEs are written
	shared  bool // hands out its own list
	forgets bool // what it holds, when a refresh fails
	unread  error
	none    bool // lists no operators
}

func newHeld(change func(*heldFake)) *heldFake {
	h := &heldFake{far: newFake(), evses: make(map[string][]providers.Key)}
	for n, p := range places() {
		r := h.far.record(n, p, false)
		h.records = append(h.records, r)
		id := providers.NormalEVSEID(r.EVSEs[0].EVSEID)
		h.evses[id] = append(h.evses[id], r.Key)
	}
	h.len = len(h.records)
	h.far.info.UndecidedSummary = nil
	h.far.info.Counts(func() int { return len(h.records) })
	if change != nil {
		change(h)
	}
	return h
}

func (h *heldFake) Source() *providers.Source { return h.far.info }

func (h *heldFake) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	if err := ctx.Err(); err != nil {
		return providers.Answer{}, fmt.Errorf("held: %w", err)
	}
	if h.unread != nil {
		return providers.Answer{}, h.unread
	}
	if h.shared {
		return providers.Answer{Records: h.records, FetchedAt: testNow}, nil
	}
	a := providers.Answer{FetchedAt: testNow}
	for _, r := range h.records {
		if q.Area.Holds(&r.Site) {
			a.Records = append(a.Records, r)
		}
	}
	return a, nil
}

func (h *heldFake) Record(k providers.Key) (*providers.Record, bool) {
	if h.asks {
		h.far.calls.Add(1)
	}
	for _, r := range h.records {
		if r != nil && r.Key == k && k != h.lost {
			return r, true
		}
	}
	return nil, false
}

func (h *heldFake) Len() int { return h.len }

func (h *heldFake) Ready() error { return h.unread }

func (h *heldFake) Operators() []*providers.Operator {
	if h.none {
		return nil
	}
	return []*providers.Operator{h.records[0].Operator}
}

func (h *heldFake) FindEVSE(id string) []providers.Key {
	if !h.strict {
		id = providers.NormalEVSEID(id)
	}
	return slices.Clone(h.evses[id])
}

func (h *heldFake) refresh(ctx context.Context) error {
	err := h.far.call(ctx)
	if err != nil && h.forgets {
		h.records = h.records[:1]
	}
	return err
}

func held(change func(*heldFake)) Subject {
	s := live(nil)
	s.Alias, s.Records = nil, len(places())
	s.Unread = func(testing.TB) providers.Provider {
		return newHeld(func(h *heldFake) {
			h.unread = &providers.SourceError{Code: providers.CodeNetwork, Message: "this source has not been read yet"}
		})
	}
	s.New = func(testing.TB) Bench {
		h := newHeld(change)
		set := func(fault string) {
			h.far.mu.Lock()
			defer h.far.mu.Unlock()
			h.far.fault = fault
		}
		return Bench{Provider: h, Calls: func() int { return int(h.far.calls.Load()) }, Break: set, Mend: func() { set("") }, Refresh: h.refresh}
	}
	return s
}

func TestGoodSourcesPass(t *testing.T) { //nolint:paralleltest // the suite counts goroutines
	t.Run("asked live", func(t *testing.T) { Run(t, live(nil)) })
	t.Run("held", func(t *testing.T) { Run(t, held(nil)) })
	t.Run("a mirror without a far end", func(t *testing.T) {
		s := held(nil)
		s.New = func(testing.TB) Bench { return Bench{Provider: newHeld(nil)} }
		s.Unread = nil
		Run(t, s)
	})
}

// broken returns the rules of a group that a subject breaks, each with how.
func broken(t *testing.T, s Subject, group string) map[string][]string {
	t.Helper()
	s.complete(t)
	found := make(map[string][]string)
	for _, g := range groups() {
		if g.name != group {
			continue
		}
		p := newProbe(t, &s)
		for _, r := range g.rules {
			if bad, _ := p.judge(t, r); len(bad) > 0 {
				found[g.name+" "+r.name] = bad
			}
		}
	}
	return found
}

// Each bad source names the rule that must catch it, and what is said.
func TestEveryRuleCatchesASourceThatBreaksIt(t *testing.T) {
	t.Parallel()
	record := func(change func(r *providers.Record)) Subject { return live(func(f *fake) { f.change = change }) }
	spoilt := func(spoil func(r *providers.Record)) Subject { return live(func(f *fake) { f.spoil = spoil }) }
	answer := func(change func(area providers.Area, a *providers.Answer)) Subject {
		return live(func(f *fake) { f.answer = change })
	}
	failing := func(err *providers.SourceError) Subject {
		return live(func(f *fake) { f.failed = func(error) error { return err } })
	}
	detailed := func(change func(keys []providers.Key, a *providers.Answer)) Subject {
		return live(func(f *fake) { f.detailed = change })
	}
	seen := make(map[string]bool)
	for name, c := range map[string]struct {
		subject Subject
		rule    string
		says    string
	}{
		"an id of nobody":           {live(func(f *fake) { f.info.ID = "oc m" }), "Source is one value", "is not the id of a source"},
		"a source of another":       {live(func(f *fake) { f.info.Provider = providers.OCPI }), "Source is one value", "says that it is of OCPI"},
		"a mode of its own":         {live(func(f *fake) { f.info.Mode = "ODD" }), "Source is one value", "no SourceMode"},
		"no attribution":            {live(func(f *fake) { f.info.Attribution.Text = "" }), "Source is one value", "missing"},
		"a count of a live source":  {live(func(f *fake) { f.info.Counts(func() int { return 1 }) }), "Source is one value", "RecordCount"},
		"comments denied":           {live(func(f *fake) { f.info.Capabilities.Comments = false }), "Source has the capabilities", "which Capabilities deny"},
		"photos that never come":    {record(func(r *providers.Record) { r.Photos = nil }), "Source has the capabilities", "claim photos"},
		"an undecided that decides": {live(func(f *fake) { f.info.Undecided = []string{"connections.formats"} }), "Source never judges", "is judged by connections.formats"},
		"an undecided of no filter": {live(func(f *fake) { f.info.Undecided = []string{"colour"} }), "Source never judges", "no filter"},
		"a summary that decides":    {live(func(f *fake) { f.info.UndecidedSummary = []string{"countries"} }), "Source never judges", "is judged by countries"},
		"a score called undecided": {record(func(r *providers.Record) {
			r.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: providers.OCM, Value: 1, ScaleMax: 10}}}
		}), "Source never judges", "minProviderScore"},
		"a nil record":            {answer(func(_ providers.Area, a *providers.Answer) { a.Records = append(a.Records, nil) }), "Records have keys", "holds nil"},
		"another source":          {record(func(r *providers.Record) { r.Source = &providers.Source{ID: "ocm:fake"} }), "Records are finished", "not the value of Source()"},
		"a key of another id":     {record(func(r *providers.Record) { r.ExternalID = "x" + r.ExternalID }), "Records are finished", "the key is not that of"},
		"a key of another source": {record(func(r *providers.Record) { r.Key = "ocm:" + providers.Key(r.ExternalID) }), "Records are finished", "the key is not that of"},
		"no title":                {record(func(r *providers.Record) { r.Title = "" }), "Records are finished", "no title"},
		"no time":                 {record(func(r *providers.Record) { r.FetchedAt = time.Time{} }), "Records are finished", "FetchedAt"},
		"not sealed":              {spoilt(func(r *providers.Record) { r.EVSEs[0].Connections[0].Record = nil }), "Records are finished", "EVSEs[0].Connections[0] does not point back"},
		"a copy after the seal": {live(func(f *fake) {
			f.answer = func(_ providers.Area, a *providers.Answer) {
				for i, r := range a.Records {
					c := *r
					a.Records[i] = &c
				}
			}
		}), "Records are finished", "does not point back"},
		"a key twice":                {answer(func(_ providers.Area, a *providers.Answer) { a.Records = append(a.Records, a.Records...) }), "Records have keys", "comes twice"},
		"an answer without its time": {answer(func(_ providers.Area, a *providers.Answer) { a.FetchedAt = time.Time{} }), "Records have keys", "is of 0001"},
		"keys that change": {live(func(f *fake) {
			f.change = func(r *providers.Record) {
				r.ExternalID += strings.Repeat("0", int(f.searches.Load()%3))
				r.Key = providers.NewKey(f.info.ID, r.ExternalID)
			}
		}), "Records have keys", "answer only"},
		"ids inside that change": {live(func(f *fake) {
			f.change = func(r *providers.Record) {
				r.Connections[0].ExternalID = "n" + strconv.FormatInt(f.searches.Load(), 10)
			}
		}), "Records have keys", "other ids inside"},
		"at 0,0": {record(func(r *providers.Record) { r.EVSEs[0].Location = &providers.Point{} }), "Records are on Earth", "EVSEs[0] is at"},
		"beyond the pole": {detailed(func(_ []providers.Key, a *providers.Answer) {
			for _, r := range a.Records {
				r.Location.Lat += 45
			}
		}), "Records are on Earth", "is at"},
		"an enum left out":      {record(func(r *providers.Record) { r.Stations[0].Cost = "" }), "Records hold no enum", "Stations[0].Cost"},
		"an enum of another":    {record(func(r *providers.Record) { r.Connections[1].ConnectionType.Type = "SCHUKO" }), "Records hold no enum", "SCHUKO"},
		"a blank behind":        {record(func(r *providers.Record) { r.Address.Town = "Town " }), "Records hold texts", "not trimmed"},
		"a line end in a title": {record(func(r *providers.Record) { r.Title = "A\nB" }), "Records hold texts", "invisible"},
		"markup":                {record(func(r *providers.Record) { r.GeneralComments = "a <b>bold</b> word" }), "Records hold texts", "markup"},
		"entities":              {record(func(r *providers.Record) { r.GeneralComments = "Marks &amp; Sparks" }), "Records hold texts", "entities"},
		"bytes":                 {record(func(r *providers.Record) { r.AccessComments = "caf\xe9" }), "Records hold texts", "UTF-8"},
		"a turn of direction":   {record(func(r *providers.Record) { r.AccessComments = "abc\u202edef" }), "Records hold texts", "invisible"},
		"a script":              {record(func(r *providers.Record) { r.Contact = &providers.Contact{Website: "javascript:alert(1)"} }), "Records hold URLs", "does not begin with"},
		"a path":                {record(func(r *providers.Record) { r.Icon = "/icon.png" }), "Records hold URLs", "Icon"},
		"a time of a zone":      {record(func(r *providers.Record) { r.UpdatedAt = r.UpdatedAt.In(time.FixedZone("CET", 3600)) }), "Records hold times", "not in UTC"},
		"a time to come":        {record(func(r *providers.Record) { r.CreatedAt = testNow.Add(72 * time.Hour) }), "Records hold times", "to come"},
		"an epoch":              {record(func(r *providers.Record) { r.CreatedAt = time.Unix(0, 0).UTC() }), "Records hold times", "absent time"},
		"no power at all":       {record(func(r *providers.Record) { r.Connections[0].PowerKW = new(0.0) }), "Records hold figures", "PowerKW is 0"},
		"watts for kilowatts":   {record(func(r *providers.Record) { r.Connections[0].PowerKW = new(22000.0) }), "Records hold figures", "22000"},
		"no plugs of a kind":    {record(func(r *providers.Record) { r.Connections[0].Quantity = new(0) }), "Records hold figures", "Quantity"},
		"six stars": {record(func(r *providers.Record) {
			r.Comments = []providers.Comment{{ExternalID: "c", Kind: providers.CommentGeneral, Rating: new(6)}}
		}), "Records hold figures", "Rating"},
		"counts that do not add up": {record(func(r *providers.Record) { r.Availability.Occupied = 3 }), "Records hold figures", "add up"},
		"an hour that is none":      {record(func(r *providers.Record) { r.OpeningHours.Weekly[0].Opens = "8:00" }), "Records hold figures", "8:00"},
		"a country in words":        {record(func(r *providers.Record) { r.Address.CountryCode, r.Address.Country = "Britain", nil }), "Records hold countries", "Britain"},
		"a zone in hours":           {record(func(r *providers.Record) { r.TimeZone = "+01:00" }), "Records hold countries", "IANA"},
		"two of one id":             {record(func(r *providers.Record) { r.Connections[1].ExternalID = "1" }), "Records hold ids", "of another one"},
		"an id left out":            {record(func(r *providers.Record) { r.Stations[0].ExternalID = "" }), "Records hold ids", "has no id"},
		"an id that leads nowhere": {live(func(f *fake) {
			f.change = func(r *providers.Record) {
				for i := range r.Comments {
					r.Comments[i].ExternalID += ":x"
				}
			}
		}), "Records hold ids", "does not lead back"},
		"a power of its own":   {spoilt(func(r *providers.Record) { r.MaxPowerKW = new(99.0) }), "Records are derived", "MaxPowerKW"},
		"a rating of its own":  {spoilt(func(r *providers.Record) { r.Rating = &providers.Rating{Count: 9} }), "Records are derived", "Rating"},
		"comments in disorder": {spoilt(func(r *providers.Record) { slices.Reverse(r.Comments) }), "Records are derived", "order"},
		"photos in disorder":   {spoilt(func(r *providers.Record) { slices.Reverse(r.Photos) }), "Records are derived", "order"},
		"not attributed":       {record(func(r *providers.Record) { r.Attribution = nil }), "Records are attributed", "whose it is"},
		"made up, and not saying": {live(func(f *fake) {
			f.info.Mode = providers.ModeSandbox
			f.change = func(r *providers.Record) { r.Attribution = &providers.Attribution{Text: "Real"} }
		}), "Records are attributed", "made up"},

		"always cut":        {answer(func(_ providers.Area, a *providers.Answer) { a.Truncated = true }), "Areas that are known", "is cut"},
		"nothing there":     {answer(func(_ providers.Area, a *providers.Answer) { a.Records = nil }), "Areas that are known", "too little"},
		"a page in silence": {answer(func(_ providers.Area, a *providers.Answer) { a.Records = a.Records[:min(len(a.Records), 8)] }), "Areas hold what", "lacks"},
		"edges outside": {answer(func(area providers.Area, a *providers.Answer) {
			b, ok := area.(providers.Bounds)
			a.Records = slices.DeleteFunc(a.Records, func(r *providers.Record) bool { return ok && (r.Location.Lat == b.North || r.Location.Lon == b.East) })
		}), "Areas hold what", "lacks"},
		"discs too small": {answer(func(area providers.Area, a *providers.Answer) {
			c, ok := area.(providers.Around)
			a.Records = slices.DeleteFunc(a.Records, func(r *providers.Record) bool {
				return ok && c.Center.DistanceM(r.Location) > 0.99*c.RadiusM
			})
		}), "Areas of every kind", "lacks"},
		"routes without a middle": {answer(func(area providers.Area, a *providers.Answer) {
			if _, ok := area.(*providers.Route); ok {
				a.Records = nil
			}
		}), "Areas of every kind", "along"},
		"polygons always cut": {answer(func(area providers.Area, a *providers.Answer) { _, a.Partial = area.(*providers.Polygon) }), "Areas of every kind", "no answer to a polygon"},
		"a country elsewhere": {answer(func(area providers.Area, a *providers.Answer) {
			if _, ok := area.(providers.InCountry); ok {
				a.Records = a.Records[:1]
			}
		}), "Areas of every kind", "the country GB lacks"},
		"one side of the antimeridian": {answer(func(area providers.Area, a *providers.Answer) {
			b, ok := area.(providers.Bounds)
			a.Records = slices.DeleteFunc(a.Records, func(r *providers.Record) bool { return ok && b.West > b.East && r.Location.Lon < 0 })
		}), "Areas across the antimeridian", "lacks"},
		"an error for nothing": {live(func(f *fake) {
			f.failed = func(err error) error { return err }
			f.answer = func(_ providers.Area, a *providers.Answer) { a.Partial = len(a.Records) == 0 }
		}), "Areas without sites", "no complaint"},
		"a world in silence": {answer(func(area providers.Area, a *providers.Answer) {
			if area == providers.Area(providers.World()) {
				a.Records = a.Records[:20]
			}
		}), "Areas as large as the world", "lacks"},
		"a filter in silence": {live(func(f *fake) {
			f.search = func(ctx context.Context, q providers.Query) (providers.Answer, error) {
				inner := newFake()
				inner.info = f.info
				if q.Filter != nil {
					return providers.Answer{FetchedAt: testNow}, nil
				}
				return inner.Search(ctx, q)
			}
		}), "Areas are not narrowed", "lacks"},

		"a batch of none": {live(func(f *fake) { f.batch = 0 }), "Detail answers what", "DetailBatch"},
		"details of another": {detailed(func(_ []providers.Key, a *providers.Answer) {
			a.Records = append(a.Records, newFake().record(39, home0(), false))
		}), "Detail answers what", "not asked for"},
		"a summary for details": {live(func(f *fake) {
			f.detailed = func(_ []providers.Key, a *providers.Answer) {
				for i := range a.Records {
					a.Records[i].Summary = true
				}
			}
		}), "Detail answers what", "with a summary"},
		"details that are lost": {detailed(func(_ []providers.Key, a *providers.Answer) { a.Records = nil }), "Detail answers what", "just shown"},
		"an alias of nothing": {detailed(func(_ []providers.Key, a *providers.Answer) {
			for k := range a.Aliases {
				a.Aliases[k] = "ocm:fake:77777"
			}
		}), "Detail answers what", "not in the answer"},
		"an alias not told": {detailed(func(_ []providers.Key, a *providers.Answer) { a.Aliases = nil }), "Detail answers what", "not asked for"},
		"a call for each": {live(func(f *fake) {
			f.detailed = func(keys []providers.Key, _ *providers.Answer) { f.calls.Add(int64(len(keys) - 1)) }
		}), "Detail takes one call", "took 5 calls"},
		"what nobody asked for": {live(func(f *fake) {
			f.detailed = func(keys []providers.Key, a *providers.Answer) {
				if len(a.Records) == 0 {
					a.Records = append(a.Records, f.record(1, home0(), false))
				}
			}
		}), "Detail knows nothing", "want none"},
		"details elsewhere": {detailed(func(_ []providers.Key, a *providers.Answer) {
			for _, r := range a.Records {
				r.Location.Lat += 0.001
			}
		}), "Detail adds", "is at"},
		"details of other people": {detailed(func(_ []providers.Key, a *providers.Answer) {
			for _, r := range a.Records {
				r.Operator = nil
			}
		}), "Detail adds", "is run by"},
		"details with other EVSEs": {detailed(func(_ []providers.Key, a *providers.Answer) {
			for _, r := range a.Records {
				r.EVSEs = nil
			}
		}), "Detail adds", "has the EVSEs"},
		"details with fewer plugs": {detailed(func(_ []providers.Key, a *providers.Answer) {
			for _, r := range a.Records {
				r.Connections = nil
			}
		}), "Detail adds", "fewer"},
		"a table with a nil":       {live(func(f *fake) { f.row = func(t *providers.Reference) { t.Countries = []*providers.Country{nil} } }), "Reference is a table", "holds nil"},
		"a table with a row twice": {live(func(f *fake) { f.row = func(t *providers.Reference) { t.ConnectionTypes[1].ID = "33" } }), "Reference is a table", "of another"},
		"a table with other enums": {live(func(f *fake) { f.row = func(t *providers.Reference) { t.ConnectionTypes[1].Type = "PLUG" } }), "Reference is a table", "PLUG"},
		"a table with dirty texts": {live(func(f *fake) { f.row = func(t *providers.Reference) { t.Operators[0].Comments = " x" } }), "Reference is a table", "trimmed"},
		"a table that is not held": {live(func(f *fake) { f.wait = func() { f.mu.Lock(); f.table = nil; f.mu.Unlock() } }), "Reference is held", "is not what"},
		"a country of all plugs":   {live(func(f *fake) { f.row = func(t *providers.Reference) { t.ConnectionTypes = t.ConnectionTypes[:1] } }), "Reference of a country", "all 1 plugs"},
		"a country of other plugs": {live(func(f *fake) { f.row = func(t *providers.Reference) { slices.Reverse(t.ConnectionTypes) } }), "Reference of a country", "is not among those"},
		"rows that stay as read":   {live(func(f *fake) { f.join = func([]*providers.Record) {} }), "Reference completes", "and the table"},
		"rows shared by answers":   {sharedRows(), "Reference completes", "joining another answer changed"},
		"empty until it was read":  {unread(held(nil), nil), "Holder is unavailable", "returned no error"},
		"unread in other words":    {unread(held(nil), errors.New("later")), "Holder is unavailable", "want a *providers.SourceError"},
		"never ready":              {held(func(h *heldFake) { h.unread = errors.New("later") }), "Holder is unavailable", "that has been read"},
		"operators left out":       {held(func(h *heldFake) { h.none = true }), "Holder lists", "lacks operator:ocm:5"},
		"half an ability":          {half(), "Source has each ability", "has Record and is no providers.Holder"},
		"a key that is not found":  {held(func(h *heldFake) { h.lost = "ocm:fake:3" }), "Holder finds", "Record(ocm:fake:3) finds nothing"},
		"a wrong number":           {held(func(h *heldFake) { h.len = 7 }), "Holder finds", "Len() is 7"},
		"a holder that asks":       {held(func(h *heldFake) { h.asks = true }), "Holder asks nobody", "calls"},
		"ids as they are written":  {held(func(h *heldFake) { h.strict = true }), "EVSEs are found", "FindEVSE"},
		"a list handed out":        {held(func(h *heldFake) { h.shared = true }), "Use never changes", "list of an answer"},
		"a failed refresh":         {held(func(h *heldFake) { h.forgets = true }), "Faults are typed", "took away"},
		"a call after the end": {live(func(f *fake) {
			inner := newFake()
			inner.info = f.info
			f.search = func(ctx context.Context, q providers.Query) (providers.Answer, error) {
				f.calls.Add(1)
				return inner.Search(ctx, q)
			}
		}), "Context that has ended", "took 2 calls"},
		"an answer after the end": {live(func(f *fake) {
			f.search = func(context.Context, providers.Query) (providers.Answer, error) { return providers.Answer{}, nil }
		}), "Context that has ended", "no error"},
		"an end that is not told": {failing(&providers.SourceError{Code: providers.CodeTimeout, Message: "took too long"}), "Context ends a question that hangs by its deadline", "does not wrap"},
		"an end by another name": {live(func(f *fake) {
			f.failed = func(err error) error {
				return &providers.SourceError{Code: providers.CodeNetwork, Message: "cannot be reached", Err: errors.Unwrap(err)}
			}
		}), "Context ends a question that hangs when", "want TIMEOUT"},
		"a withdrawal not told":     {failing(&providers.SourceError{Code: providers.CodeTimeout, Message: "took too long", Err: context.DeadlineExceeded}), "Context ends a question that hangs when", "does not wrap"},
		"an error of no type":       {live(func(f *fake) { f.failed = func(error) error { return errors.New("boom") } }), "Faults are typed", "want a *providers.SourceError"},
		"an error of another code":  {failing(&providers.SourceError{Code: providers.CodeNetwork, Message: "cannot be reached"}), "Faults are typed", "want one of"},
		"a code of its own":         {failing(&providers.SourceError{Code: "OOPS", Message: "cannot be reached"}), "Faults are typed", "no SourceErrorCode"},
		"an error without words":    {failing(&providers.SourceError{Code: providers.CodeUpstreamError}), "Faults are typed", "no sentence"},
		"an error with the key":     {failing(&providers.SourceError{Code: providers.CodeUpstreamError, Message: "the source failed", Err: errors.New("header S3cr3t")}), "Faults are typed", "the error tells"},
		"an error with the address": {failing(&providers.SourceError{Code: providers.CodeUpstreamError, Message: "the source failed", Err: errors.New("GET http://x")}), "Faults are typed", "the error tells"},
		"no time to wait": {live(func(f *fake) {
			f.failed = func(err error) error {
				if se := providers.AsSourceError(err); se.Code == providers.CodeRateLimited {
					return &providers.SourceError{Code: se.Code, Message: se.Message}
				}
				return err
			}
		}), "Faults are typed", "asked again after 0s"},
		"faults that are swallowed": {live(swallow), "Faults are typed", "returned no error"},
		"a fault that stays":        {live(stuck), "Faults are typed", "want an answer"},
		"a cache":                   {live(cached), "Use keeps no answer", "took 0 calls"},
		"records that change":       {live(reused), "Use never changes", "changed after it was handed out"},
		"a mix-up":                  {live(mixUp), "Use by many at once", "who ask at once"},
	} {
		for _, g := range groups() {
			for _, r := range g.rules {
				if strings.HasPrefix(g.name+" "+r.name, c.rule) {
					seen[g.name+" "+r.name] = true
				}
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := broken(t, c.subject, strings.Fields(c.rule)[0])
			for rule, bad := range found {
				if strings.HasPrefix(rule, c.rule) && strings.Contains(strings.Join(bad, "\n"), c.says) {
					return
				}
			}
			t.Errorf("no rule %q says %q; found: %q", c.rule, c.says, found)
		})
	}
	for _, g := range groups() {
		for _, r := range g.rules {
			if !seen[g.name+" "+r.name] {
				t.Errorf("no bad source breaks the rule %q", g.name+" "+r.name)
			}
		}
	}
}

func home0() providers.Point { return places()[0] }

// unread makes a source that was not read fail with err.
func unread(s Subject, err error) Subject {
	s.Unread = func(testing.TB) providers.Provider { return newHeld(func(h *heldFake) { h.unread = err }) }
	return s
}

// halfHolder has a method of a Holder and not the others.
type halfHolder struct{ providers.Provider }

func (halfHolder) Record(providers.Key) (*providers.Record, bool) { return nil, false }

func half() Subject {
	s := live(nil)
	s.New = func(testing.TB) Bench { return Bench{Provider: halfHolder{newFake()}} }
	return s
}

// sharedRows is a source whose answers share a part that Join changes.
func sharedRows() Subject {
	return live(func(f *fake) {
		shared := &providers.ConnectionType{ID: "33", Title: "33", Type: providers.ConnectorUnknown}
		f.change = func(r *providers.Record) { r.Connections[0].ConnectionType = shared }
		f.join = func(records []*providers.Record) {
			for _, r := range records {
				r.Connections[0].ConnectionType.Title = "CCS (Type 2)"
			}
		}
	})
}

// swallow makes an empty answer of every fault.
func swallow(f *fake) {
	f.search = func(ctx context.Context, q providers.Query) (providers.Answer, error) {
		if err := f.call(ctx); err != nil && ctx.Err() == nil {
			return providers.Answer{FetchedAt: testNow}, nil
		}
		inner := newFake()
		inner.info = f.info
		return inner.Search(ctx, q)
	}
}

// stuck fails for ever once it has failed.
func stuck(f *fake) {
	var failed atomic.Bool
	f.search = func(ctx context.Context, q providers.Query) (providers.Answer, error) {
		if err := f.call(ctx); err != nil || failed.Load() {
			failed.Store(true)
			return providers.Answer{}, &providers.SourceError{Code: providers.CodeUpstreamError, Message: "the source failed on its side", Err: ctx.Err()}
		}
		inner := newFake()
		inner.info = f.info
		return inner.Search(ctx, q)
	}
}

// cached keeps answers.
func cached(f *fake) {
	var kept sync.Map
	f.search = func(ctx context.Context, q providers.Query) (providers.Answer, error) {
		name := describe(q.Area)
		if a, ok := kept.Load(name); ok {
			return a.(providers.Answer), nil //nolint:forcetypeassert,errcheck // nothing else is in there
		}
		if err := f.call(ctx); err != nil {
			return providers.Answer{}, err
		}
		inner := newFake()
		inner.info = f.info
		a, err := inner.Search(ctx, q)
		kept.Store(name, a)
		return a, err
	}
}

// reused writes the next answer over the last one.
func reused(f *fake) {
	var first *providers.Record
	f.answer = func(_ providers.Area, a *providers.Answer) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if first != nil {
			first.UsageCost = fmt.Sprintf("asked %d times", f.searches.Load())
		}
		if first == nil && len(a.Records) > 0 {
			first = a.Records[0]
		}
	}
}

// mixUp gives those who ask at once too little.
func mixUp(f *fake) {
	var asking atomic.Int64
	f.answer = func(_ providers.Area, a *providers.Answer) {
		if asking.Add(1) > 1 {
			a.Records = a.Records[:1]
		}
		timer := time.NewTimer(10 * time.Millisecond)
		<-timer.C
		asking.Add(-1)
	}
}

func TestGoroutinesThatAreLeftAreFound(t *testing.T) { //nolint:paralleltest // it counts goroutines
	stop := make(chan struct{})
	defer close(stop)
	started := make(chan struct{})
	err := left(func() {
		go func() { close(started); <-stop }()
		<-started
	})
	if err == nil {
		t.Error("nothing was found")
	}
	if err := left(func() {}); err != nil {
		t.Errorf("found what was there before: %v", err)
	}
}

func TestEnumsAreReadAsTheSchemaWritesThem(t *testing.T) {
	t.Parallel()
	got := parseEnums(`
"""
enum Text { IN, A, DESCRIPTION }
"""
enum Colour @tag(name: "x { y }") {
  """Not { this }."""
  RED
  "nor \" this" GREEN @deprecated(reason: "enum Old { X }") # enum None { Y }
}
enum Empty{ONE,}
`)
	if fmt.Sprint(got) != "map[Colour:map[GREEN:true RED:true] Empty:map[ONE:true]]" {
		t.Errorf("parseEnums() = %v", got)
	}
	schema, err := readEnums()
	if err != nil {
		t.Fatal(err)
	}
	if len(schema["ConnectorType"]) < 50 || !schema["UsageKind"]["PUBLIC"] {
		t.Errorf("readEnums() = %v", schema)
	}
}

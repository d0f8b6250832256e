package ocm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

func readTestdata(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func utc(y int, m time.Month, d, h, min, s, ms int) time.Time {
	return time.Date(y, m, d, h, min, s, ms*1_000_000, time.UTC)
}

func TestEveryFieldOfACompactListingIsMapped(t *testing.T) {
	t.Parallel()
	m := testMapper(nil)
	r, err := m.record(readTestdata(t, "poi-compact.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkRecord(t, r)
	rows := newIndex(builtinReference())
	guest := &providers.Author{DisplayName: "guest"}
	want := providers.Record{
		Key: "ocm:1234", ExternalID: "1234", ParentExternalID: "1200", DataProviderReference: "abc-1", OperatorReference: "X1",
		URL: "https://map.openchargemap.io/?id=1234", DataProvider: rows.dataProviders[18], DataQualityLevel: new(3), FetchedAt: m.fetchedAt,
		Metadata: []providers.MetadataValue{
			{FieldID: "1", Value: "Restaurant"},
			{FieldID: "1", Value: "Hotel"},
			{FieldID: "2", Value: "Mo-Fr 8-18"},
			{FieldID: "4", Value: "Data © OpenStreetMap contributors, ODbL 1.0"},
		},
		Attribution: &providers.Attribution{
			Text:    "UK National Charge Point Registry; Data © OpenStreetMap contributors, ODbL 1.0",
			URL:     "http://chargepoints.dft.gov.uk",
			License: "Contains public sector information licensed under the Open Government Licence v2.0.",
		},
		Site: providers.Site{
			UUID: "8913A2E4-02D2-4A87-ABE9-AFA560B7D221", Title: "Town Hall", Location: providers.Point{Lat: 51.4543, Lon: -0.9781},
			Address: providers.Address{
				Line1: "1 High St", Town: "Reading", StateOrProvince: "Berkshire", Postcode: "RG1 1AA", CountryCode: "GB", Country: rows.countries[1],
			},
			Operator: rows.operators[45], Usage: providers.UsagePublicPayAtLocation, UsageType: rows.usageTypes[5],
			Status: providers.StatusPartlyOperational, StatusType: rows.statusTypes[75], SubmissionStatus: rows.submissions[200],
			Cost: providers.CostPaid, UsageCost: "£0.30/kWh", NumberOfPoints: new(4), MaxPowerKW: new(150.5),
			OpeningHours: &providers.OpeningHours{Text: "Mo-Fr 8-18"}, Amenities: []providers.Amenity{providers.AmenityDining, providers.AmenityLodging},
			AccessComments: "Behind the hall.\nRing twice.", GeneralComments: "Two\nlines",
			Contact:            &providers.Contact{Phone: "0118 1", Email: "a@b.example"},
			Links:              providers.POILinks{Canonical: "https://map.openchargemap.io/?id=1234", Providers: []providers.ProviderLink{{Provider: providers.OCM, View: "https://map.openchargemap.io/?id=1234"}}},
			IsRecentlyVerified: new(true), LastVerifiedAt: utc(2026, 8, 1, 8, 0, 0, 0), LastConfirmedAt: utc(2021, 8, 31, 0, 0, 0, 0),
			PlannedFor: utc(2020, 1, 1, 0, 0, 0, 0), CreatedAt: utc(2010, 8, 31, 0, 0, 0, 0), UpdatedAt: utc(2026, 8, 1, 8, 0, 0, 0),
			Connections: []providers.ConnectionInfo{
				{
					ExternalID: "1", Type: providers.ConnectorType2, ConnectionType: rows.connectionTypes[1036], Current: providers.CurrentACThreePhase,
					CurrentType: rows.currentTypes[20], PowerKW: new(22.0), VoltageV: new(400.0), CurrentA: new(32.0), Quantity: new(2), Level: new(2),
					LevelType: rows.chargerTypes[2], Status: providers.StatusOperational, StatusType: rows.statusTypes[50],
					Format: providers.FormatCable, Reference: "GB*1", Comments: "left",
				},
				{
					ExternalID: "2", Type: providers.ConnectorUnknown, ConnectionType: rows.connectionTypes[0], Current: providers.CurrentUnknown,
					Status: providers.StatusUnknown, StatusType: rows.statusTypes[0], Format: providers.FormatUnknown,
				},
				{
					ExternalID: "3", Type: providers.ConnectorUnknown, ConnectionType: &providers.ConnectionType{ID: "4321", Title: "Connection type 4321", Type: providers.ConnectorUnknown},
					Current: providers.CurrentUnknown, PowerKW: new(150.5), Status: providers.StatusNotOperational, StatusType: rows.statusTypes[100], Format: providers.FormatUnknown,
				},
				{ExternalID: "4", Type: providers.ConnectorUnknown, Current: providers.CurrentUnknown, Status: providers.StatusUnknown, Format: providers.FormatUnknown},
			},
			Comments: []providers.Comment{
				{
					ExternalID: "12", Kind: providers.CommentFaultReport, CommentType: rows.commentTypes[1000], Outcome: new(providers.CheckInFailedNotOperational),
					CheckInStatusType: rows.checkIns[20], Sentiment: new(providers.SentimentNegative), Text: "dead", RelatedURL: "http://www.blog.example/a",
					Author: guest, CreatedAt: utc(2026, 8, 1, 8, 0, 0, 0),
				},
				{
					ExternalID: "11", Kind: providers.CommentGeneral, CommentType: rows.commentTypes[10], Outcome: new(providers.CheckInCharged),
					CheckInStatusType: rows.checkIns[10], Sentiment: new(providers.SentimentPositive), Rating: new(5), Text: "Worked\n\nfine. Thanks",
					Author:    &providers.Author{DisplayName: "Ada & Co", ReputationPoints: new(12), Avatar: "https://www.gravatar.com/avatar/00?s=80"},
					CreatedAt: utc(2026, 7, 14, 15, 13, 36, 600),
				},
				{
					ExternalID: "13", Kind: providers.CommentGeneral, Outcome: new(providers.CheckInInUseNonEV), CheckInStatusType: rows.checkIns[110],
					Sentiment: new(providers.SentimentNeutral), CreatedAt: utc(2026, 1, 1, 8, 0, 0, 0),
				},
				{ExternalID: "14", Kind: providers.CommentNotice, CommentType: rows.commentTypes[50], Text: "No parking on Sundays", CreatedAt: utc(2025, 1, 1, 8, 0, 0, 0)},
				{ExternalID: "15", Kind: providers.CommentGeneral, CommentType: &providers.CommentType{ID: "777", Title: "Comment type 777"}, CreatedAt: utc(2024, 1, 1, 8, 0, 0, 0)},
			},
			Photos: []providers.Photo{{
				ExternalID: "21", URL: "https://media.openchargemap.io/images/GB/OCM1234/OCM-1234.orig.jpg", Thumbnail: "https://media.openchargemap.io/images/GB/OCM1234/OCM-1234.thmb.jpg",
				Caption: "The socket", Author: &providers.Author{DisplayName: "Bob", ReputationPoints: new(0)}, IsFeatured: true, CreatedAt: utc(2025, 12, 26, 15, 49, 0, 0),
			}},
			Rating: &providers.Rating{
				Average: new(5.0), Count: 1, Successes: 1, Failures: 1,
				LastSuccessAt: utc(2026, 7, 14, 15, 13, 36, 600), LastFailureAt: utc(2026, 8, 1, 8, 0, 0, 0),
			},
		},
	}
	if diff := cmp.Diff(map[providers.Key]providers.Record{"ocm:1234": want}, plainRecords([]*providers.Record{r})); diff != "" {
		t.Errorf("record mismatch (-want +got):\n%s", diff)
	}
	if r.Operator.IsNetwork {
		t.Error("a business at its location is no network")
	}
}

func TestAVerboseListingSpeaksForItself(t *testing.T) {
	t.Parallel()
	r, err := testMapper(nil).record(readTestdata(t, "poi-verbose.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkRecord(t, r)
	if r.ExternalID != "2407" || r.Title != "Nowhere" || r.DataProviderReference != "1575" || r.Address.Postcode != "90012" {
		t.Errorf("id %s, title %q, reference %q, postcode %q", r.ExternalID, r.Title, r.DataProviderReference, r.Address.Postcode)
	}
	if r.Location != (providers.Point{Lat: 34.05, Lon: -118.2}) || r.Address.CountryCode != "US" {
		t.Errorf("at %+v in %s", r.Location, r.Address.CountryCode)
	}
	if o := r.Operator; o == nil || o.ID != "operator:ocm:3999" || o.Title != "New Operator" || o.Website != "http://www.operator.example" || o.BookingURL != "" || !o.IsNetwork || o.FaultReportEmail != "f@b.example" {
		t.Errorf("operator %+v", o)
	}
	if p := r.DataProvider; p == nil || p.ID != "77" || p.License != "CC BY 4.0" || !*p.IsOpenDataLicensed || !*p.IsEnabled || p.StatusTitle != "Automated Import" {
		t.Errorf("data provider %+v", p)
	}
	if a := r.Attribution; *a != (providers.Attribution{Text: "New Provider", URL: "http://provider.example", License: "CC BY 4.0"}) {
		t.Errorf("attribution %+v", a)
	}
	if r.Usage != providers.UsageRestricted || r.Status != providers.StatusOperational || r.SubmissionStatus.ID != "100" || r.NumberOfPoints != nil {
		t.Errorf("usage %s, status %s, submission %v, points %v", r.Usage, r.Status, r.SubmissionStatus, r.NumberOfPoints)
	}
	c := r.Connections[0]
	if c.Type != providers.ConnectorUnknown || c.ConnectionType.Title != "New plug" || c.Current != providers.CurrentAC || *c.PowerKW != 3.7 || *c.VoltageV != 230 || *c.CurrentA != 16 || *c.Quantity != 13 || *c.Level != 2 {
		t.Errorf("connection %+v", c)
	}
	if !r.UpdatedAt.Equal(utc(2026, 11, 1, 0, 0, 0, 0)) || !r.CreatedAt.Equal(utc(2010, 8, 31, 0, 0, 0, 0)) || !r.LastConfirmedAt.IsZero() {
		t.Errorf("updated %v, created %v, confirmed %v", r.UpdatedAt, r.CreatedAt, r.LastConfirmedAt)
	}
	if !r.LastVerifiedAt.Equal(r.UpdatedAt) || !*r.IsRecentlyVerified {
		t.Errorf("verified %v, recently %v", r.LastVerifiedAt, *r.IsRecentlyVerified)
	}
}

func TestTheTableWinsOverTheListingAndTheListingOverWhatIsBuiltIn(t *testing.T) {
	t.Parallel()
	const listing = `{"ID":1,"AddressInfo":{"Latitude":1,"Longitude":1},"DataProviderID":1,"DataProvider":{"ID":1,"Title":"As it was then","License":"CC BY-SA 4.0"},"OperatorID":3,"UsageTypeID":0}`
	r, err := testMapper(nil).record([]byte(listing))
	if err != nil {
		t.Fatal(err)
	}
	if r.DataProvider.Title != "As it was then" || r.Operator.Title != "Operator 3" || r.UsageType.Title != "(Unknown)" {
		t.Errorf("without a table: %+v, %+v, %+v", r.DataProvider, r.Operator, r.UsageType)
	}
	held := newIndex(&providers.Reference{
		DataProviders: []*providers.DataProvider{{ID: "1", Title: "As it is"}},
		Operators:     []*providers.Operator{newOperator(3, "Three", nil)},
	})
	if r, err = testMapper(held).record([]byte(listing)); err != nil {
		t.Fatal(err)
	}
	if r.DataProvider.Title != "As it is" || r.Operator.Title != "Three" || r.UsageType.Title != "(Unknown)" {
		t.Errorf("with a table: %+v, %+v, %+v", r.DataProvider, r.Operator, r.UsageType)
	}
}

func TestAnUnknownDataProviderIsNamedByItsNumberAndNotOpen(t *testing.T) {
	t.Parallel()
	m := testMapper(nil)
	for listing, want := range map[string]string{
		`"DataProviderID":99,`: "Open Charge Map (data provider 99), licence not stated",
		``:                     "Open Charge Map (data provider not stated), licence not stated",
	} {
		r, err := m.record([]byte(`{"ID":1,` + listing + `"AddressInfo":{"Latitude":1,"Longitude":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		if r.Attribution.Text != want {
			t.Errorf("attribution %q, want %q", r.Attribution.Text, want)
		}
		if !(&providers.Filter{OpenData: new(false)}).MatchRecord(r) || (&providers.Filter{OpenData: new(true)}).MatchRecord(r) {
			t.Errorf("%q counts as open", listing)
		}
	}
}

func TestWhatIsUnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	r, err := testMapper(nil).record([]byte(`{"ID":7,"AddressInfo":{"Latitude":1,"Longitude":1},"OperatorID":1,"Connections":[{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	checkRecord(t, r)
	if r.Title != "Charging site 7" || r.Operator != nil || r.Usage != providers.UsageUnknown || r.Status != providers.StatusUnknown ||
		r.Cost != providers.CostUnknown || r.IsRecentlyVerified != nil || r.Rating != nil || r.MaxPowerKW != nil || r.Contact != nil ||
		r.UsageType != nil || r.StatusType != nil || r.OpeningHours != nil || len(r.Connections) != 1 || r.Connections[0].Quantity != nil {
		t.Errorf("%+v", r)
	}
}

func TestVerifiedFollowsOCMsOwnRule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dates    string
		at       time.Time
		recently bool
	}{
		"stated":                     {`"DateLastVerified":"2026-06-01T00:00:00Z"`, utc(2026, 6, 1, 0, 0, 0, 0), true},
		"six months and a day":       {`"DateLastVerified":"2026-05-19T12:00:00Z"`, utc(2026, 5, 19, 12, 0, 0, 0), false},
		"six months less a second":   {`"DateLastVerified":"2026-05-20T12:00:01Z"`, utc(2026, 5, 20, 12, 0, 1, 0), true},
		"changed":                    {`"DateLastStatusUpdate":"2026-10-01T00:00:00Z","DateLastConfirmed":"2026-09-01T00:00:00Z"`, utc(2026, 10, 1, 0, 0, 0, 0), true},
		"confirmed":                  {`"DateLastStatusUpdate":"2020-10-01T00:00:00Z","DateLastConfirmed":"2026-09-01T00:00:00Z"`, utc(2026, 9, 1, 0, 0, 0, 0), true},
		"created lately":             {`"DateCreated":"2026-11-01T00:00:00Z"`, utc(2026, 11, 1, 0, 0, 0, 0), true},
		"created long ago":           {`"DateCreated":"2010-11-01T00:00:00Z"`, time.Time{}, false},
		"created lately, stated old": {`"DateCreated":"2026-11-01T00:00:00Z","DateLastVerified":"2020-01-01T00:00:00Z"`, utc(2020, 1, 1, 0, 0, 0, 0), false},
	} {
		r, err := testMapper(nil).record([]byte(`{"ID":7,"AddressInfo":{"Latitude":1,"Longitude":1},` + c.dates + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if !r.LastVerifiedAt.Equal(c.at) {
			t.Errorf("%s: at %v, want %v", name, r.LastVerifiedAt, c.at)
		}
		if c.at.IsZero() != (r.IsRecentlyVerified == nil) || r.IsRecentlyVerified != nil && *r.IsRecentlyVerified != c.recently {
			t.Errorf("%s: recently %v, want %v", name, r.IsRecentlyVerified, c.recently)
		}
	}
}

func TestMembersWithoutAnIDAreKeptAndTwinsOfOneIDAreNot(t *testing.T) {
	t.Parallel()
	r, err := testMapper(nil).record([]byte(`{"ID":7,"AddressInfo":{"Latitude":1,"Longitude":1},
		"Connections":[{"Quantity":1},{"ID":null,"Quantity":2},{"ID":5},{"ID":5},{"ID":6,"StatusTypeID":210},{"ID":8,"StatusTypeID":200}],
		"UserComments":[{"Comment":"a"},{"ID":3,"Comment":"b"},{"ID":3,"Comment":"c"},null,"x"]}`))
	if err != nil {
		t.Fatal(err)
	}
	checkRecord(t, r)
	var ids []string
	for _, c := range r.Connections {
		ids = append(ids, c.ExternalID)
	}
	if got := strings.Join(ids, " "); got != "n1 n2 5 8" {
		t.Errorf("connections %s", got)
	}
	if r.Connections[3].Status != providers.StatusRemoved || len(r.Comments) != 2 {
		t.Errorf("status %s, %d comments", r.Connections[3].Status, len(r.Comments))
	}
}

func TestEqualRowsAreOneInMemory(t *testing.T) {
	t.Parallel()
	m := testMapper(nil)
	const listing = `"DataProviderID":1,"OperatorID":4000,"DataProvider":{"ID":1,"Title":"P"},"AddressInfo":{"Latitude":1,"Longitude":1,"Town":"Reading"}}`
	a, errA := m.record([]byte(`{"ID":1,` + listing))
	b, errB := m.record([]byte(`{"ID":2,` + listing))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if a.Operator != b.Operator || a.DataProvider != b.DataProvider || a.Attribution != b.Attribution {
		t.Error("rows are not shared")
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(readTestdata(f, "poi-compact.json"))
	f.Add(readTestdata(f, "poi-verbose.json"))
	f.Add([]byte(poiJSON(1)))
	f.Add([]byte(`{"ID":1,"AddressInfo":{"Latitude":1e309,"Longitude":"NaN"},"Connections":[{"ID":1e20,"PowerKW":-1,"Quantity":"-3"}]}`))
	f.Add([]byte(`{"ID":true,"AddressInfo":[],"Connections":{"ID":1},"UserComments":"none","DateCreated":false,"StatusTypeID":{}}`))
	f.Add([]byte(`{"ID":{"$numberLong":"5"},"AddressInfo":{"Latitude":{"$numberDouble":"1.5"},"Longitude":2,"Title":"\u0000<b>\ud800"},"DateCreated":{"$date":{"$numberLong":"x"}}}`))
	builtin := newIndex(builtinReference())
	table := builtinReference() // as if it had been fetched
	fetched := newIndex(table)
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkBothWays(t, raw)
		m := newMapper(describe("ocm", "", providers.ModeMirror), nil, builtin, time.Unix(1_790_000_000, 0), time.Unix(1_790_000_000, 0))
		r, err := m.record(raw)
		if err != nil {
			if !errors.Is(err, errNoRecord) && !errors.Is(err, errNoID) && !errors.Is(err, errNoPosition) && !errors.Is(err, errHidden) {
				t.Errorf("error %v is none of those announced", err)
			}
			return
		}
		checkRecord(t, r)
		s := &Source{source: r.Source, builtin: builtin}
		s.reference = newReferenceCache(time.Hour, time.Now, nil)
		s.reference.joined.Store(fetched)
		s.Join(table, []*providers.Record{r})
		checkRecord(t, r)
	})
}

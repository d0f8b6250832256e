package loaders

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"chargegraph/providers"
)

// rowSet is the reference table behind the records of a batch.
type rowSet struct {
	operators   []*providers.Operator
	connections []*providers.ConnectionType
	countries   []*providers.Country
	providers   []*providers.DataProvider
	usages      []*providers.UsageType
	credits     []*providers.Attribution
}

func anyText(t *rapid.T, name string) string { return rapid.StringN(0, 12, 30).Draw(t, name) }

func moment(t *rapid.T, name string) time.Time {
	if rapid.Bool().Draw(t, name+"Absent") {
		return time.Time{}
	}
	return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+"Ns")).UTC()
}

func maybe[T any](t *rapid.T, name string, v func(*rapid.T, string) T) *T {
	if rapid.Bool().Draw(t, name+"Absent") {
		return nil
	}
	return new(v(t, name))
}

func flag(t *rapid.T, name string) bool      { return rapid.Bool().Draw(t, name) }
func amount(t *rapid.T, name string) int     { return rapid.IntRange(-5, 1000).Draw(t, name) }
func figure(t *rapid.T, name string) float64 { return rapid.Float64Range(-1e6, 1e6).Draw(t, name) }

func oneRow[T any](t *rapid.T, name string, rows []*T) *T {
	if len(rows) == 0 || rapid.Bool().Draw(t, name+"Absent") {
		return nil
	}
	return rows[rapid.IntRange(0, len(rows)-1).Draw(t, name)]
}

func drawRows(t *rapid.T) rowSet {
	var s rowSet
	for i := range rapid.IntRange(0, 2).Draw(t, "rows") {
		s.countries = append(s.countries, &providers.Country{ID: fmt.Sprint(i), Title: anyText(t, "country"), ISOCode: "NL"})
		s.connections = append(s.connections, &providers.ConnectionType{ID: fmt.Sprint(i), Title: anyText(t, "plug"), IsObsolete: maybe(t, "obsolete", flag)})
		s.providers = append(s.providers, &providers.DataProvider{ID: fmt.Sprint(i), License: anyText(t, "licence"), LastImportedAt: moment(t, "imported")})
		s.usages = append(s.usages, &providers.UsageType{ID: fmt.Sprint(i), IsPayAtLocation: maybe(t, "pay", flag)})
		s.credits = append(s.credits, &providers.Attribution{Text: anyText(t, "credit")})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "operators") {
		o := &providers.Operator{ID: fmt.Sprintf("operator:ocm:%d", i), Title: anyText(t, "operator"), IsNetwork: flag(t, "network")}
		if rapid.Bool().Draw(t, "seated") {
			o.Address = &providers.Address{Town: anyText(t, "seat"), Country: oneRow(t, "seatCountry", s.countries)}
		}
		o.Records = []providers.OperatorRecord{{Provider: providers.OCM, ExternalID: fmt.Sprint(i)}}
		s.operators = append(s.operators, o)
	}
	return s
}

func drawConnections(t *rapid.T, rows rowSet) []providers.ConnectionInfo {
	var list []providers.ConnectionInfo
	for i := range rapid.IntRange(0, 2).Draw(t, "connections") {
		list = append(list, providers.ConnectionInfo{
			ExternalID: fmt.Sprint(i), Type: providers.ConnectorUnknown, ConnectionType: oneRow(t, "plug", rows.connections),
			PowerKW: maybe(t, "power", figure), Quantity: maybe(t, "quantity", amount), Comments: anyText(t, "remark"),
			AvailabilityUpdatedAt: moment(t, "live"),
		})
	}
	return list
}

// drawRecord draws a sealed record.
func drawRecord(t *rapid.T, source *providers.Source, rows rowSet, i int) *providers.Record {
	r := &providers.Record{
		Key: providers.NewKey(source.ID, fmt.Sprint(i)), Source: source, ExternalID: fmt.Sprint(i),
		DataProvider: oneRow(t, "provider", rows.providers), Attribution: oneRow(t, "credit", rows.credits),
		DataQualityLevel: maybe(t, "quality", amount), FetchedAt: moment(t, "fetched"), Summary: flag(t, "summary"),
	}
	r.Site = providers.Site{
		Title: anyText(t, "title"), Location: drawPoint(t, "at"), Operator: oneRow(t, "operator", rows.operators),
		Address:   providers.Address{Line1: anyText(t, "line"), Country: oneRow(t, "country", rows.countries)},
		UsageType: oneRow(t, "usage", rows.usages), Status: providers.StatusOperational,
		Connections: drawConnections(t, rows), NumberOfPoints: maybe(t, "points", amount),
		IsRecentlyVerified: maybe(t, "verified", flag), CreatedAt: moment(t, "created"),
	}
	if rapid.Bool().Draw(t, "evse") {
		r.EVSEs = []providers.EVSE{{ExternalID: "e", Location: maybe(t, "place", drawPoint), Connections: drawConnections(t, rows)}}
	}
	if rapid.Bool().Draw(t, "station") {
		r.Stations = []providers.Station{{ExternalID: "s", Operator: oneRow(t, "by", rows.operators), Connections: drawConnections(t, rows)}}
	}
	if rapid.Bool().Draw(t, "comment") {
		r.Comments = []providers.Comment{{ExternalID: "c", Text: anyText(t, "said"), Rating: maybe(t, "stars", amount), Author: &providers.Author{DisplayName: anyText(t, "who")}}}
		r.Photos = []providers.Photo{{ExternalID: "p", URL: anyText(t, "url"), CreatedAt: moment(t, "taken")}}
	}
	if rapid.Bool().Draw(t, "hours") {
		r.OpeningHours = &providers.OpeningHours{Open24h: maybe(t, "always", flag), Weekly: []providers.OpeningPeriod{{Weekday: 1, Opens: "08:00"}}}
		r.Amenities, r.Metadata = []providers.Amenity{}, []providers.MetadataValue{{FieldID: "4", Value: anyText(t, "meta")}}
	}
	r.Seal()
	return r
}

func drawBatch(t *rapid.T, source *providers.Source) *batch {
	b := &batch{source: source.ID, truncated: flag(t, "truncated"), partial: flag(t, "partial"), suspectAt: moment(t, "suspect")}
	if flag(t, "tile") {
		b.at = tileAt(drawPoint(t, "tile"), uint8(rapid.IntRange(1, maxZoom).Draw(t, "z")))
	}
	if flag(t, "failed") {
		b.err = &providers.SourceError{Code: providers.CodeTimeout, Message: anyText(t, "why"), RetryAfter: 3 * time.Second}
	}
	rows := drawRows(t)
	for i := range rapid.IntRange(0, 4).Draw(t, "records") {
		b.records = append(b.records, drawRecord(t, source, rows, i))
	}
	return b
}

// equalBatches are options under which batches are compared whole: records with
// all that hangs on them, and what points back by identity.
func equalBatches() cmp.Options {
	return cmp.Options{
		cmp.AllowUnexported(batch{}, tile{}),
		cmpopts.IgnoreFields(providers.ConnectionInfo{}, "Record"), cmpopts.IgnoreFields(providers.EVSE{}, "Record"),
		cmpopts.IgnoreFields(providers.Station{}, "Record"), cmpopts.IgnoreFields(providers.Comment{}, "Record"),
		cmpopts.IgnoreFields(providers.Photo{}, "Record"),
		cmp.Comparer(func(a, b *providers.Source) bool { return a == b }),
	}
}

// linked reports whether everything that hangs on r points back at it.
func linked(r *providers.Record) bool {
	ok := true
	connections := func(list []providers.ConnectionInfo) {
		for i := range list {
			ok = ok && list[i].Record == r
		}
	}
	connections(r.Connections)
	for i := range r.EVSEs {
		ok = ok && r.EVSEs[i].Record == r
		connections(r.EVSEs[i].Connections)
	}
	for i := range r.Stations {
		ok = ok && r.Stations[i].Record == r
		connections(r.Stations[i].Connections)
	}
	for i := range r.Comments {
		ok = ok && r.Comments[i].Record == r
	}
	for i := range r.Photos {
		ok = ok && r.Photos[i].Record == r
	}
	return ok
}

func ocmSource() *providers.Source {
	return &providers.Source{ID: "ocm", Provider: providers.OCM}
}

func named(list ...*providers.Source) func(providers.SourceID) *providers.Source {
	return func(id providers.SourceID) *providers.Source {
		for _, s := range list {
			if s.ID == id {
				return s
			}
		}
		return nil
	}
}

func TestWhatIsEncodedComesBackEqual(t *testing.T) {
	t.Parallel()
	source := ocmSource()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t, source)
		data, err := new(encoder).encode(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBatch(data, named(source))
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(b, got, equalBatches()); diff != "" {
			t.Fatalf("encode, decode (-want +got)\n%s\n%s", diff, data)
		}
		for _, r := range got.records {
			if !linked(r) || r.Source != source {
				t.Fatalf("%s is not linked to itself and its source", r.Key)
			}
		}
		for _, r := range b.records {
			if !linked(r) {
				t.Fatal("encoding changed a record that others see")
			}
		}
	})
}

package ocm

import (
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests set.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.offset.Load()))
}

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func countCalls(sim *sandbox.OCM, part string) (n int) {
	for _, call := range sim.Calls() {
		if strings.Contains(call.Path, part) {
			n++
		}
	}
	return n
}

func TestTheReferenceTableIsKeptForADay(t *testing.T) {
	t.Parallel()
	var at clock
	sim, s := newSandbox(t, func(cfg *Config) { cfg.Clock = at.now })
	if _, ok := s.HeldReference(); ok {
		t.Error("a table is held before it was asked for")
	}
	first, err := s.Reference(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	at.advance(23 * time.Hour)
	if held, ok := s.HeldReference(); !ok || held != first {
		t.Error("the table is not held")
	}
	again, err := s.Reference(t.Context(), "")
	if err != nil || again != first {
		t.Errorf("a fresh table was asked for again: %v", err)
	}
	if n := countCalls(sim, "referencedata"); n != 1 {
		t.Fatalf("%d calls, want 1", n)
	}
	at.advance(time.Hour)
	if _, ok := s.HeldReference(); ok {
		t.Error("a table of a day is held as fresh")
	}
	sim.Faults().Set(sandbox.ServerError)
	stale, err := s.Reference(t.Context(), "")
	mustFail(t, err, providers.CodeUpstreamError)
	if stale != first {
		t.Error("the older table did not come with the error")
	}
	sim.Faults().Clear()
	if _, err = s.Reference(t.Context(), ""); err == nil {
		t.Error("the failure was not remembered")
	}
	if n := countCalls(sim, "referencedata"); n != 1+3 {
		t.Errorf("%d calls, want one, another, and its two repeats", n)
	}
	at.advance(upstream.RetryTable)
	fresh, err := s.Reference(t.Context(), "")
	if err != nil || fresh == first {
		t.Errorf("not fetched again: %v", err)
	}
}

func TestTheBuiltInTableServesWhereNoneCanBeHad(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "[]", "null", `{"Status":"Error","Message":"Cache not ready, canoot return results"}`, `{"Countries":[{"ID":1}],"ConnectionTypes":7}`, `{"Countries":`} {
		s := newSource(t, answering(200, body), nil)
		table, err := s.Reference(t.Context(), "GB")
		mustFail(t, err, providers.CodeBadResponse)
		if len(table.Countries) != 250 || len(table.UsageTypes) != 8 || len(table.CheckInStatusTypes) != 18 {
			t.Errorf("%q: not the built-in table", body)
		}
		if _, ok := s.HeldReference(); ok {
			t.Errorf("%q: the built-in table is held as if it had been fetched", body)
		}
	}
}

func TestManyCallersWaitForOneFetch(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	entered, release := make(chan struct{}), make(chan struct{})
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			close(entered)
		}
		<-release
		_, _ = io.WriteString(w, `{"ConnectionTypes":[{"ID":33,"Title":"CCS (Type 2)"}],"Countries":[{"ID":1,"ISOCode":"GB","Title":"United Kingdom"}]}`)
	}), nil)
	var wg sync.WaitGroup
	tables := make([]*providers.Reference, 20)
	for i := range tables {
		wg.Go(func() {
			table, err := s.Reference(t.Context(), "")
			if err != nil {
				t.Error(err)
			}
			tables[i] = table
		})
	}
	<-entered
	close(release)
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d calls, want 1", calls.Load())
	}
	for _, table := range tables {
		if table != tables[0] {
			t.Fatal("callers got different tables")
		}
	}
}

func TestACallerWhoLeavesDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, nil)
	sim.Faults().Set(sandbox.Hang, sandbox.Count(1))
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := s.Reference(ctx, "")
		left <- err
	}()
	waitFor(t, func() bool { return countCalls(sim, "referencedata") == 1 })
	gone, cancelOther := context.WithCancel(t.Context())
	cancelOther()
	if table, err := s.Reference(gone, ""); err == nil || table == nil {
		t.Errorf("a caller who left while waiting: %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Reference(t.Context(), ""); err != nil {
			t.Errorf("the one who stayed: %v", err)
		}
	})
	cancel()
	mustFail(t, <-left, providers.CodeTimeout)
	wg.Wait()
}

// waitFor waits for a condition that another goroutine brings about.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("it never happened")
		}
	}
}

func TestACountryHasItsOwnConnectionTypes(t *testing.T) {
	t.Parallel()
	sim, s := newSandbox(t, nil)
	whole, err := s.Reference(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		local, localErr := s.Reference(t.Context(), "US")
		if localErr != nil {
			t.Fatal(localErr)
		}
		if n := len(local.ConnectionTypes); n == 0 || n >= len(whole.ConnectionTypes) || len(local.Countries) != len(whole.Countries) {
			t.Errorf("%d connection types in the US, %d in the world", n, len(whole.ConnectionTypes))
		}
	}
	if n := countCalls(sim, "referencedata"); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	table, err := s.Reference(t.Context(), "XX")
	mustFail(t, err, providers.CodeUnsupported)
	if table != whole {
		t.Error("an unknown country did not come with the whole table")
	}
}

func TestJoinPutsTheRowsIntoTheRecords(t *testing.T) {
	t.Parallel()
	_, s := newSandbox(t, nil)
	cold := everything(t, s)
	named := func(records []*providers.Record) (operators, providersNamed int) {
		for _, r := range records {
			if r.Operator != nil && !strings.HasPrefix(r.Operator.Title, "Operator ") {
				operators++
			}
			if r.DataProvider != nil && !strings.HasPrefix(r.DataProvider.Title, inventedProvider) {
				providersNamed++
			}
		}
		return operators, providersNamed
	}
	before, _ := named(cold)
	table, err := s.Reference(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Join(table, cold)
	after, known := named(cold)
	if after <= before || known != len(cold) {
		t.Errorf("operators named: %d before, %d after; data providers known: %d of %d", before, after, known, len(cold))
	}
	warm := everything(t, s)
	if diff := cmp.Diff(plainRecords(warm), plainRecords(cold)); diff != "" {
		t.Errorf("joined afterwards and looked up at once differ (-at once +afterwards):\n%s", diff[:min(len(diff), 3000)])
	}
	for _, r := range cold {
		checkRecord(t, r)
		if r.DataProvider != nil && !strings.HasPrefix(r.Attribution.Text, r.DataProvider.Title) {
			t.Fatalf("%s: attribution %q for %q", r.Key, r.Attribution.Text, r.DataProvider.Title)
		}
	}
	s.Join(nil, cold)
	s.Join(s.builtin.table, cold)
	if again, _ := named(cold); again != after {
		t.Error("joining with the built-in table took names away")
	}
}

// plainRecords returns records in a form that cmp can walk: without the links
// back from parts to their record.
func plainRecords(records []*providers.Record) map[providers.Key]providers.Record {
	plain := make(map[providers.Key]providers.Record, len(records))
	for _, r := range records {
		c := *r
		c.Source = nil
		c.Connections = slices.Clone(c.Connections)
		for i := range c.Connections {
			c.Connections[i].Record = nil
		}
		c.Comments = slices.Clone(c.Comments)
		for i := range c.Comments {
			c.Comments[i].Record = nil
		}
		c.Photos = slices.Clone(c.Photos)
		for i := range c.Photos {
			c.Photos[i].Record = nil
		}
		plain[r.Key] = c
	}
	return plain
}

func TestRecordedReferenceDataAreReadWhole(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][4]int{
		"referencedata.json":         {456, 41, 20, 250},
		"referencedata-2023-08.json": {684, 42, 23, 250},
	} {
		table, err := readReferenceFile(sharedFile(t, "ocm", file))
		if err != nil {
			t.Fatal(err)
		}
		got := [4]int{len(table.Operators) + 1, len(table.ConnectionTypes), len(table.DataProviders), len(table.Countries)} // 1 is no operator
		if got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
		for _, o := range table.Operators {
			checkClean(t, o.Title)
			checkURL(t, o.Website)
			checkURL(t, o.BookingURL)
			if o.Title == "" || o.IsNetwork != (o.ID != "operator:ocm:44" && o.ID != "operator:ocm:45") {
				t.Errorf("operator %+v", o)
			}
		}
	}
}

func FuzzDecodeReference(f *testing.F) {
	f.Add([]byte(`{"ConnectionTypes":[{"ID":33,"Title":"CCS (Type 2)","FormalName":"IEC","IsDiscontinued":false}],"Countries":[{"ID":1,"ISOCode":"gb","Title":"UK","ContinentCode":"EU"}],"Operators":[{"ID":5,"Title":" A ","WebsiteURL":"javascript:x","AddressInfo":{"Town":"B","CountryID":1}},{"ID":1},{"ID":"7","Title":7}],"DataProviders":[{"ID":1,"Title":"O","License":"L","DataProviderStatusType":{"IsProviderEnabled":"true"},"DateLastImported":"2020-01-01T00:00:00"}],"CheckinStatusTypes":[{"ID":999,"Title":"New","IsPositive":true}],"UserProfile":null}`))
	f.Add([]byte(`{"ConnectionTypes":[null,1,[],{}],"Countries":{}}`))
	f.Add([]byte(`[]`))
	if raw, err := os.ReadFile("../../../shared/data/ocm/referencedata-2023-08.json"); err == nil {
		f.Add(raw[:min(len(raw), 20_000)])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := decodeReference(strings.NewReader(string(raw)))
		if err != nil {
			return
		}
		for _, c := range table.Countries {
			if len(c.ISOCode) != 2 || c.ISOCode != strings.ToUpper(c.ISOCode) || c.Title == "" {
				t.Errorf("country %+v", c)
			}
		}
		for _, c := range table.CheckInStatusTypes {
			if c.Outcome == "" || c.Title == "" {
				t.Errorf("check-in status %+v", c)
			}
		}
		for _, o := range table.Operators {
			checkClean(t, o.Title)
			checkURL(t, o.Website)
			if o.Title == "" || o.ID == "operator:ocm:1" {
				t.Errorf("operator %+v", o)
			}
		}
		for _, p := range table.DataProviders {
			checkURL(t, p.Website)
			if p.Title == "" || attribution(p, "").Text == "" {
				t.Errorf("data provider %+v", p)
			}
		}
		newIndex(table)
	})
}

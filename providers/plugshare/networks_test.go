package plugshare

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/upstream"
)

const networkList = `[
	{"id":1,"name":"ChargePoint","url":"https://www.chargepoint.example","description":"","image":"https://assets.example/cp.png"},
	{"id":8,"name":"Tesla Supercharger"},
	{"id":1567,"name":" New <b>Net</b> "},
	{"id":1567,"name":"Twice"},
	{"id":11,"name":"OpenChargeMap"},{"id":14,"name":"Oplaadpalen"},{"id":-1,"name":"Other"},{"id":0,"name":"None"},{"id":2000},{"name":"No id"},7,null
]`

func TestTheNetworksAreOperators(t *testing.T) {
	t.Parallel()
	s := newSource(t, answering(200, networkList), nil)
	if _, held := s.HeldReference(); held {
		t.Error("a table is held that was never fetched")
	}
	table, err := s.Reference(t.Context(), "NL")
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, o := range table.Operators {
		titles = append(titles, o.Records[0].Title)
	}
	if !slices.Equal(titles, []string{"ChargePoint", "Tesla Supercharger", "New Net"}) {
		t.Errorf("operators %v", titles)
	}
	if o := table.Operators[0]; o.ID != "operator:ocm:5" || o.Website != "https://www.chargepoint.example" || o.Logo != "https://assets.example/cp.png" || !o.IsNetwork {
		t.Errorf("ChargePoint is %+v", o)
	}
	if o := table.Operators[2]; o.ID != "operator:plugshare:1567" {
		t.Errorf("a network that nobody else knows is %s", o.ID)
	}
	if held, ok := s.HeldReference(); !ok || held != table {
		t.Error("the table is not held")
	}
}

func TestTheListOfNetworksIsFetchedOnceADay(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := testNow
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	var calls atomic.Int32
	var status atomic.Int32
	status.Store(http.StatusOK)
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, networkList)
	}), func(cfg *Config) { cfg.Clock = clock })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Reference(t.Context(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d calls for twenty questions", calls.Load())
	}
	first, _ := s.HeldReference()
	pass(networksTTL)
	if _, held := s.HeldReference(); held {
		t.Error("a table of yesterday counts as fresh")
	}
	status.Store(http.StatusBadGateway)
	for range 3 {
		table, err := s.Reference(t.Context(), "")
		mustFail(t, err, providers.CodeUpstreamError)
		if table != first {
			t.Error("the older table did not come with the error")
		}
	}
	if calls.Load() != 1+3 { // one, another, and its two repeats
		t.Errorf("%d calls: a failure is to be remembered", calls.Load())
	}
	status.Store(http.StatusOK)
	pass(upstream.RetryTable)
	if table, err := s.Reference(t.Context(), ""); err != nil || table == first {
		t.Errorf("after the failure: %v", err)
	}
	pass(networksTTL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Reference(ctx, "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := s.Reference(t.Context(), ""); err != nil {
		t.Errorf("who went away left a failure behind: %v", err)
	}
}

func TestAKeyWithoutAListOfNetworksHasTheBuiltInOne(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusGone} {
		calls := 0
		s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/region") {
				_, _ = io.WriteString(w, "[]")
				return
			}
			calls++
			w.WriteHeader(status)
		}), nil)
		search(t, s, inLondon)
		for range 3 {
			table, err := s.Reference(t.Context(), "")
			if err != nil || len(table.Operators) < 40 {
				t.Errorf("status %d: %d operators, %v", status, len(table.Operators), err)
			}
		}
		if _, held := s.HeldReference(); !held || calls != 1 {
			t.Errorf("status %d: asked %d times", status, calls)
		}
	}
	for status, want := range map[int]providers.SourceErrorCode{401: providers.CodeUnauthorized, 403: providers.CodeForbidden, 429: providers.CodeRateLimited, 503: providers.CodeUpstreamError, 200: providers.CodeBadResponse} {
		var logged bytes.Buffer
		s := newSource(t, answering(status, "[]"), func(cfg *Config) { cfg.Logger = logTo(&logged) })
		table, err := s.Reference(t.Context(), "")
		mustFail(t, err, want)
		if len(table.Operators) < 40 || !strings.Contains(logged.String(), "networks not fetched") {
			t.Errorf("status %d: %d operators came with the error; logged %q", status, len(table.Operators), logged.String())
		}
	}
}

func TestWhoeverWaitsForTheListMayLeave(t *testing.T) {
	t.Parallel()
	asked, free := make(chan struct{}), make(chan struct{})
	s := newSource(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-free
		_, _ = io.WriteString(w, networkList)
	}), nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Reference(t.Context(), ""); err != nil {
			t.Error(err)
		}
	})
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if table, err := s.Reference(ctx, ""); !errors.Is(err, context.Canceled) || len(table.Operators) == 0 {
		t.Errorf("who left has %d operators, %v", len(table.Operators), err)
	}
	close(free)
	wg.Wait()
}

func TestJoiningPutsNamesToNumbers(t *testing.T) {
	t.Parallel()
	s := newSource(t, answering(200, networkList), nil)
	fresh := func() []*providers.Record {
		records := recordsOf(t, site(1, `"stations":[{"id":1,"network_id":1567,"outlets":[{"connector":2}]},{"id":2,"network_id":8},{"id":3,"network_id":4711},{"id":4},{"id":5,"network_id":11},
			{"id":6,"network_id":1,"network":{"id":1,"name":"ChargePoint","description":"Everywhere","url":"http://old.example"}}]`))
		slices.SortFunc(records, func(a, b *providers.Record) int { return strings.Compare(a.ExternalID, b.ExternalID) })
		return records
	}
	titles := func(records []*providers.Record) map[string]string {
		m := make(map[string]string)
		for _, r := range records {
			if r.Operator != nil {
				m[r.ExternalID] = r.Operator.Records[0].Title
				if r.Stations[0].Operator != r.Operator {
					t.Errorf("%s has two operators", r.Key)
				}
			}
		}
		return m
	}
	records := fresh()
	before := titles(records)
	if before["1~1567"] != "PlugShare network 1567" || before["1~8"] != "Supercharger" || len(before) != 4 {
		t.Errorf("before: %v", before)
	}
	s.Join(nil, records)
	table, err := s.Reference(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Join(table, records)
	after := titles(records)
	if after["1~1567"] != "New Net" || after["1~8"] != "Tesla Supercharger" || after["1~4711"] != "PlugShare network 4711" || len(after) != 4 {
		t.Errorf("after: %v", after)
	}
	for _, r := range records {
		if r.ExternalID != "1~1" {
			continue
		}
		if r.Operator.Description != "Everywhere" || r.Operator.Website != "https://www.chargepoint.example" || r.Operator.Logo == "" {
			t.Errorf("ChargePoint is %+v", r.Operator)
		}
	}
	if table.Operators[0].Description != "" {
		t.Error("the table was changed")
	}
	older := &providers.Reference{Operators: []*providers.Operator{newOperator(1567, "Old Net"), {ID: "operator:ocm:1"}}}
	for range 2 {
		records = fresh()
		s.Join(older, records)
		if got := titles(records)["1~1567"]; got != "Old Net" {
			t.Errorf("joined with an older table it is %q", got)
		}
	}
}

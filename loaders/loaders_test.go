package loaders_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chargegraph/loaders"
	"chargegraph/providers"
)

// fake is a source whose answers the test decides.
type fake struct {
	source     *providers.Source
	search     func(context.Context, providers.Query) (providers.Answer, error)
	reference  func(context.Context) (*providers.Reference, error)
	warm       bool
	references atomic.Int32
	joined     atomic.Int32
}

var (
	_ providers.Provider   = (*fake)(nil)
	_ providers.Referenced = (*fake)(nil)
)

func newFake(code providers.ProviderCode) *fake {
	return &fake{
		source: &providers.Source{ID: providers.NewSourceID(code, ""), Provider: code},
		search: func(context.Context, providers.Query) (providers.Answer, error) { return providers.Answer{}, nil },
		warm:   true,
	}
}

func (f *fake) Source() *providers.Source { return f.source }

func (f *fake) Search(ctx context.Context, q providers.Query) (providers.Answer, error) {
	return f.search(ctx, q)
}

func (f *fake) HeldReference() (*providers.Reference, bool) { return &providers.Reference{}, f.warm }

func (f *fake) Reference(ctx context.Context, _ string) (*providers.Reference, error) {
	f.references.Add(1)
	if f.reference == nil {
		return &providers.Reference{}, nil
	}
	return f.reference(ctx)
}

func (f *fake) Join(*providers.Reference, []*providers.Record) { f.joined.Add(1) }

// answers makes f answer a record at every place given.
func (f *fake) answers(places ...providers.Point) *fake {
	f.search = func(context.Context, providers.Query) (providers.Answer, error) {
		var records []*providers.Record
		for i, p := range places {
			r := &providers.Record{Key: providers.NewKey(f.source.ID, string(rune('1'+i))), Source: f.source}
			r.Title, r.Location, r.Status = "Site", p, providers.StatusOperational
			r.Seal()
			records = append(records, r)
		}
		return providers.Answer{Records: records}, nil
	}
	return f
}

func search(ctx context.Context, t *testing.T, policy *providers.SourcePolicy, sources ...providers.Provider) (loaders.Page, error) {
	t.Helper()
	catalog, err := loaders.New(loaders.Config{}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	defer catalog.Close()
	return catalog.Begin().Search(ctx, loaders.Question{Area: providers.World(), First: 10, Policy: policy})
}

func TestWhatIsInMemoryWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(providers.OCM).answers(providers.Point{Lat: 1, Lon: 2})
		began := time.Now()
		page, err := search(t.Context(), t, nil, f)
		if err != nil || len(page.Edges) != 1 {
			t.Fatalf("got %+v, %v", page, err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a warm source was waited for %v by a loader", waited)
		}
		if f.references.Load() != 0 || f.joined.Load() != 1 {
			t.Errorf("%d reference calls and %d joins, want 0 and 1", f.references.Load(), f.joined.Load())
		}
	})
}

func TestAColdReferenceTableIsFetchedBesideTheRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(providers.OCM).answers(providers.Point{Lat: 1, Lon: 2})
		f.warm = false
		quick := f.search
		f.search = func(ctx context.Context, q providers.Query) (providers.Answer, error) {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
			return quick(ctx, q)
		}
		f.reference = func(context.Context) (*providers.Reference, error) {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
			return &providers.Reference{}, nil
		}
		began := time.Now()
		if _, err := search(t.Context(), t, nil, f); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 110*time.Millisecond {
			t.Errorf("records and table took %v one after the other", waited)
		}
	})
}

func TestASourceThatHangsCostsItsDeadlineAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		deaf := newFake(providers.PlugShare)
		deaf.search = func(context.Context, providers.Query) (providers.Answer, error) {
			<-release // whatever becomes of the context
			return providers.Answer{}, nil
		}
		healthy := newFake(providers.OCM).answers(providers.Point{Lat: 1, Lon: 2})
		began := time.Now()
		page, err := search(t.Context(), t, nil, deaf, healthy)
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != loaders.DefaultTimeout {
			t.Errorf("the answer took %v, want %v", waited, loaders.DefaultTimeout)
		}
		if len(page.Edges) != 1 || page.Total != nil {
			t.Errorf("the other source's POI is not all there is: %+v", page)
		}
		outcomes := map[providers.ProviderCode]providers.SourceOutcome{}
		for _, r := range page.Sources {
			outcomes[r.Source.Provider] = r.Outcome
		}
		if outcomes[providers.OCM] != providers.OutcomeOK || outcomes[providers.PlugShare] != providers.OutcomeTimedOut {
			t.Errorf("the outcomes are %v", outcomes)
		}
		if deaf.source.Health() != providers.HealthDegraded || healthy.source.Health() != providers.HealthHealthy {
			t.Errorf("health is %s and %s", deaf.source.Health(), healthy.source.Health())
		}
	})
}

func TestASourceThatPanicsIsAnOutcome(t *testing.T) {
	t.Parallel()
	f := newFake(providers.OCM)
	f.search = func(context.Context, providers.Query) (providers.Answer, error) { panic("a bug") }
	page, err := search(t.Context(), t, nil, f)
	if err != nil {
		t.Fatal(err)
	}
	if r := page.Sources[0]; r.Outcome != providers.OutcomeFailed || r.Error.Code != providers.CodeInternal {
		t.Errorf("the outcome is %+v", r)
	}
}

func TestAReferenceTableThatCannotBeReadMakesTheAnswerPartial(t *testing.T) {
	t.Parallel()
	f := newFake(providers.OCM).answers(providers.Point{Lat: 1, Lon: 2})
	f.warm = false
	f.reference = func(context.Context) (*providers.Reference, error) {
		return &providers.Reference{}, &providers.SourceError{Code: providers.CodeUpstreamError, Message: "no table"}
	}
	page, err := search(t.Context(), t, nil, f)
	if err != nil {
		t.Fatal(err)
	}
	r := page.Sources[0]
	if len(page.Edges) != 1 || r.Outcome != providers.OutcomePartial || r.Error == nil || f.joined.Load() != 1 {
		t.Errorf("%d POIs, outcome %s, error %v, %d joins", len(page.Edges), r.Outcome, r.Error, f.joined.Load())
	}
	if page.Total == nil {
		t.Error("all records are there, but there is no total")
	}
}

func TestARequiredSourceThatFailsFailsTheQuestion(t *testing.T) {
	t.Parallel()
	f := newFake(providers.OCM)
	f.search = func(context.Context, providers.Query) (providers.Answer, error) {
		return providers.Answer{}, &providers.SourceError{Code: providers.CodeNetwork, Message: "not reached"}
	}
	_, err := search(t.Context(), t, &providers.SourcePolicy{Require: []providers.ProviderCode{providers.OCM}}, f)
	var unavailable *loaders.UnavailableError
	if !errors.As(err, &unavailable) || unavailable.Err.Code != providers.CodeNetwork {
		t.Errorf("it says %v", err)
	}
}

func TestSourcesThatAreNotWantedAreSkippedAndSaidToBe(t *testing.T) {
	t.Parallel()
	a, b := newFake(providers.OCM).answers(providers.Point{Lat: 1, Lon: 2}), newFake(providers.PlugShare)
	b.search = func(context.Context, providers.Query) (providers.Answer, error) {
		t.Error("a source was asked that is excluded")
		return providers.Answer{}, nil
	}
	page, err := search(t.Context(), t, &providers.SourcePolicy{Exclude: []providers.ProviderCode{providers.PlugShare}}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	if page.Sources[1].Outcome != providers.OutcomeSkipped || page.Total == nil || *page.Total != 1 {
		t.Errorf("got %+v", page)
	}
}

func TestACatalogRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	if _, err := loaders.New(loaders.Config{}); err == nil {
		t.Error("no source was accepted")
	}
	if _, err := loaders.New(loaders.Config{}, newFake(providers.OCM), newFake(providers.OCM)); err == nil {
		t.Error("two sources of one name were accepted")
	}
	if _, err := loaders.New(loaders.Config{Timeout: time.Hour}, newFake(providers.OCM)); err == nil {
		t.Error("a time-out of an hour was accepted")
	}
}

func TestASourceThatIsAwayIsNewsOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := newFake(providers.OCM)
	catalog, err := loaders.New(loaders.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, f)
	if err != nil {
		t.Fatal(err)
	}
	defer catalog.Close()
	west := 0.0
	// told returns what the log says of twenty questions about places of their own.
	told := func(err error) (said []string) {
		log.Reset()
		west += 10
		f.search = func(context.Context, providers.Query) (providers.Answer, error) { return providers.Answer{}, err }
		for i := range 20 {
			area := providers.Bounds{South: 40 + float64(i), West: west, North: 40.01 + float64(i), East: west + 0.01}
			if _, err := catalog.Begin().Search(t.Context(), loaders.Question{Area: area, First: 10}); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(log.String()) {
			_, line, _ = strings.Cut(line, "level=")
			level, rest, _ := strings.Cut(line, " ")
			_, code, _ := strings.Cut(rest, "code=")
			code, _, _ = strings.Cut(code, " ")
			said = append(said, level+" "+code)
		}
		return said
	}
	for _, test := range []struct {
		what string
		err  error
		want []string
	}{
		{"all is well", nil, nil},
		{"it fails", &providers.SourceError{Code: providers.CodeTimeout}, []string{"WARN TIMEOUT", "WARN TIMEOUT"}}, // DEGRADED, and DOWN
		{"it is left alone", &providers.SourceError{Code: providers.CodeCircuitOpen}, []string{"WARN CIRCUIT_OPEN"}},
		{"it is back", nil, []string{"INFO "}},
	} {
		if got := told(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%s: the log says %q, want %q", test.what, got, test.want)
		}
	}
}

package ocpi

import (
	"context"
	"testing"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/sandbox"
)

// takes is a budget that counts what is taken of it, up to limit.
type takes struct{ limit, n int }

func (b *takes) Take(context.Context) error {
	if b.n >= b.limit {
		return &providers.SourceError{Code: providers.CodeBudgetExhausted, Message: "the budget is used up", RetryAfter: time.Minute}
	}
	b.n++
	return nil
}
func (b *takes) Pause(time.Time) {}
func (b *takes) State() providers.UpstreamBudget {
	return providers.UpstreamBudget{Limit: b.limit, WindowSeconds: 60, Used: b.n}
}

func TestEveryPageIsTakenOfTheBudget(t *testing.T) {
	t.Parallel()
	sim, err := sandbox.NewOCPI(theWorld(), sandbox.OCPIOptions{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	budget := takes{limit: 1000}
	f := newFeed(t, sim, "/ocpi/versions", func(c *Config) { c.Budget = &budget })
	if g := pullFrom(t, f, time.Time{}); g.err != nil || len(g.records) == 0 {
		t.Fatalf("%d records, %v", len(g.records), g.err)
	}
	if n := len(sim.Calls()); n < 4 || *f.Source().Budget() != (providers.UpstreamBudget{Limit: 1000, WindowSeconds: 60, Used: n}) {
		t.Errorf("%d calls, and the source tells of %+v", n, f.Source().Budget())
	}
	budget.limit = budget.n + 3 // in the midst of a pull
	if g := pullFrom(t, f, time.Time{}); g.code() != providers.CodeBudgetExhausted {
		t.Errorf("a pull without a budget: %v", g.err)
	}
	budget.limit = 2000
	if g := pullFrom(t, f, time.Time{}); g.err != nil {
		t.Errorf("the next one: %v", g.err)
	}
	if (f.Source().Retention != providers.Retention{}) {
		t.Errorf("what is held by agreement is kept for %+v", f.Source().Retention)
	}
}

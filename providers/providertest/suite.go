package providertest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"chargegraph/providers"
)

// Subject is a source under test. New and Areas are required.
type Subject struct {
	// New returns the source with its far end as it is when all is well. It is
	// called many times and registers with tb whatever ends them. A source that
	// holds records holds them when New returns.
	New func(tb testing.TB) Bench
	// Unread returns a source that holds records and has not read any yet. nil:
	// there is no such moment, as for a mirror.
	Unread func(tb testing.TB) providers.Provider
	// Areas are boxes that hold at least two sites each, do not cross the
	// antimeridian, and are small enough to be had whole.
	Areas []providers.Bounds
	// Dateline is a box across the antimeridian with sites on both sides; zero:
	// the source has none there.
	Dateline providers.Bounds
	// Country is the country (ISO 3166-1 alpha-2) of most sites in Areas[0]; "":
	// the source is not asked by country here.
	Country string
	// Records is how many records the far end has; for a Holder. 0: not known.
	Records int
	// Alias returns the key of a group that stands for one of its records, given
	// a record of it; "" where there is none. nil: the source has no such keys.
	Alias func(r *providers.Record) providers.Key
	// TableOptional says that the far end may refuse its reference table without
	// a failure: there is a built-in one.
	TableOptional bool
	// DetailCalls is how many calls one question for details may take; 0 is 1.
	DetailCalls int
	// Faults are the names that Bench.Break takes, each with the codes that may
	// come of it. Hangs are those that never answer in time.
	Faults map[string][]providers.SourceErrorCode
	Hangs  []string
	// Secrets are texts that no error may hold: keys, tokens, and what the far
	// end says in its faults. Addresses are looked for anyway.
	Secrets []string
	// Now is the source's clock; nil is time.Now.
	Now func() time.Time

	schema enums
}

// Bench is a source with its far end.
type Bench struct {
	Provider providers.Provider
	// Calls returns how many calls reached the far end; nil: there is none, as
	// for a mirror.
	Calls func() int
	// Break makes the far end go wrong as Subject.Faults names it; Mend ends
	// that. nil without a far end.
	Break func(fault string)
	Mend  func()
	// Refresh pulls from the far end, everything, once. It is there for sources
	// that are not asked by each question, whose faults show here.
	Refresh func(ctx context.Context) error
}

// rule is one promise. Its name completes the group's to a sentence.
type rule struct {
	name  string
	check func(ctx context.Context, p *probe)
}

// group is rules that share a Bench.
type group struct {
	name  string
	rules []rule
}

func groups() []group {
	return []group{sourceRules(), recordRules(), areaRules(), detailRules(), holderRules(), evseRules(), referenceRules(), contextRules(), faultRules(), useRules()}
}

// Run tests the subject: a subtest for each rule.
func Run(t *testing.T, s Subject) {
	t.Helper()
	s.complete(t)
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			p := newProbe(t, &s)
			for _, r := range g.rules {
				t.Run(r.name, func(t *testing.T) {
					bad, skipped := p.judge(t, r)
					report(t, bad)
					if skipped != "" {
						t.Skip(skipped)
					}
				})
			}
		})
	}
	t.Run("Goroutines/end with the source", func(t *testing.T) {
		err := left(func() { t.Run("asked", func(t *testing.T) { newProbe(t, &s).askEverything(t.Context()) }) })
		if err != nil {
			t.Error(err)
		}
	})
}

// maxReported keeps one mistake in each of a thousand records readable.
const maxReported = 12

func report(t *testing.T, bad []string) {
	t.Helper()
	for i, text := range bad {
		if i == maxReported {
			t.Errorf("… and %d more", len(bad)-i)
			break
		}
		t.Error(text)
	}
}

// complete refuses a subject that the suite could say nothing about.
func (s *Subject) complete(tb testing.TB) {
	tb.Helper()
	if s.New == nil || len(s.Areas) == 0 {
		tb.Fatal("providertest: a Subject needs New and Areas")
	}
	if slices.ContainsFunc(s.Areas, func(b providers.Bounds) bool { return !b.Valid() || b.West > b.East }) {
		tb.Fatal("providertest: Areas do not cross the antimeridian")
	}
	if d := s.Dateline; d != (providers.Bounds{}) && (!d.Valid() || d.West <= d.East) {
		tb.Fatal("providertest: Dateline crosses the antimeridian")
	}
	var err error
	if s.schema, err = readEnums(); err != nil {
		tb.Fatalf("providertest: %v", err)
	}
	s.DetailCalls = cmp.Or(s.DetailCalls, 1)
	if s.Now == nil {
		s.Now = time.Now
	}
}

// probe is one Bench and what was found out with it. Its abilities are nil where
// the source lacks them.
type probe struct {
	tb      testing.TB
	subject *Subject
	bench   Bench

	provider   providers.Provider
	detailer   providers.Detailer
	holder     providers.Holder
	lister     providers.OperatorLister
	finder     providers.EVSEFinder
	referenced providers.Referenced

	answers []providers.Answer  // of the subject's areas, in order
	shown   []*providers.Record // each record of the answers once
	asked   bool

	detailed    []providers.Answer // of batches of them
	detailAsked bool

	bad     []string
	skipped string
}

func newProbe(tb testing.TB, s *Subject) *probe {
	tb.Helper()
	p := &probe{tb: tb, subject: s}
	p.renew()
	return p
}

// renew takes a fresh Bench.
func (p *probe) renew() {
	p.bench = p.subject.New(p.tb)
	p.provider = p.bench.Provider
	p.detailer, _ = p.provider.(providers.Detailer)
	p.holder, _ = p.provider.(providers.Holder)
	p.lister, _ = p.provider.(providers.OperatorLister)
	p.finder, _ = p.provider.(providers.EVSEFinder)
	p.referenced, _ = p.provider.(providers.Referenced)
}

// patience is how long a rule may take whose question has no deadline of its own.
const patience = 2 * time.Minute

// judge returns how a rule is violated, and why it was not looked at.
func (p *probe) judge(tb testing.TB, r rule) (bad []string, skipped string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	p.bad, p.skipped = nil, ""
	r.check(ctx, p)
	return p.bad, p.skipped
}

// badf notes a violation.
func (p *probe) badf(format string, args ...any) { p.bad = append(p.bad, fmt.Sprintf(format, args...)) }

// skipf says why a rule says nothing about this source.
func (p *probe) skipf(format string, args ...any) { p.skipped = fmt.Sprintf(format, args...) }

func (p *probe) source() *providers.Source { return p.provider.Source() }

func (p *probe) calls() int {
	if p.bench.Calls == nil {
		return 0
	}
	return p.bench.Calls()
}

// search asks for an area, and notes a failure.
func (p *probe) search(ctx context.Context, area providers.Area) (providers.Answer, bool) {
	answer, err := p.provider.Search(ctx, providers.Query{Area: area})
	if err != nil {
		p.badf("Search(%v) returned %v, want an answer", area, err)
		return providers.Answer{}, false
	}
	return answer, true
}

// look asks for the subject's areas, once for all rules that share the Bench,
// and returns each record once, nil ones left out.
func (p *probe) look(ctx context.Context) []*providers.Record {
	if p.asked {
		return p.shown
	}
	p.asked = true
	seen := make(map[providers.Key]bool)
	for _, area := range p.subject.Areas {
		answer, _ := p.search(ctx, area)
		p.answers = append(p.answers, answer)
		for _, r := range answer.Records {
			if r != nil && !seen[r.Key] {
				seen[r.Key] = true
				p.shown = append(p.shown, r)
			}
		}
	}
	return p.shown
}

// closely returns the records of the areas and, of a Detailer, some of them
// once more as details.
func (p *probe) closely(ctx context.Context) []*providers.Record {
	records := slices.Clone(p.look(ctx))
	for _, answer := range p.details(ctx) {
		for _, r := range answer.Records {
			if r != nil {
				records = append(records, r)
			}
		}
	}
	return records
}

// maxDetails bounds the calls of a source that is asked for one site at a time.
const maxDetails = 24

// forget makes the next look a new one.
func (p *probe) forget() {
	p.asked, p.answers, p.shown = false, nil, nil
	p.detailed, p.detailAsked = nil, false
}

// details asks for the details of some records of the areas, once for all rules
// that share the Bench.
func (p *probe) details(ctx context.Context) []providers.Answer {
	if !p.detailAsked {
		p.detailed, p.detailAsked = p.askDetails(ctx), true
	}
	return p.detailed
}

func (p *probe) askDetails(ctx context.Context) []providers.Answer {
	if p.detailer == nil {
		return nil
	}
	var answers []providers.Answer
	for _, keys := range p.batches(p.look(ctx)) {
		answer, err := p.detailer.Detail(ctx, keys)
		if err != nil {
			p.badf("Detail(%v) returned %v, want an answer", keys, err)
			return answers
		}
		answers = append(answers, answer)
	}
	return answers
}

// batches returns the keys of at most maxDetails records in batches that the
// source takes.
func (p *probe) batches(records []*providers.Record) [][]providers.Key {
	size := p.detailer.DetailBatch()
	if size < 1 {
		return nil // a rule of its own says so
	}
	step := max(1, len(records)/maxDetails)
	var keys []providers.Key
	for i := 0; i < len(records); i += step {
		keys = append(keys, records[i].Key)
	}
	return slices.Collect(slices.Chunk(keys, size))
}

// cut reports whether an answer says that it is not all.
func cut(a providers.Answer) bool { return a.Truncated || a.Partial }

// keysOf returns the keys of records in order.
func keysOf(records []*providers.Record) []providers.Key {
	keys := make([]providers.Key, 0, len(records))
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return keys
}

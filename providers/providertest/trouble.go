package providertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/goleak"

	"chargegraph/providers"
)

func contextRules() group {
	return group{name: "Context", rules: []rule{
		{"that has ended ends a question before it is asked", checkEnded},
		{"ends a question that hangs by its deadline", checkDeadline},
		{"ends a question that hangs when it is withdrawn", checkWithdrawn},
	}}
}

func faultRules() group {
	return group{name: "Faults", rules: []rule{
		{"are typed, told in our own words, and over when mended", checkFaults},
	}}
}

func useRules() group {
	return group{name: "Use", rules: []rule{
		{"by many at once gives everybody the same", checkConcurrent},
		{"never changes what was handed out", checkImmutable},
		{"keeps no answer beyond its question", checkNothingKept},
	}}
}

// question is one way to ask a source.
type question struct {
	name string
	ask  func(ctx context.Context) error
	far  bool // it cannot be answered without the far end
}

// questions returns the ways in which this source can be asked.
func (p *probe) questions() []question {
	live := p.holder == nil && p.bench.Calls != nil
	all := []question{{name: "Search", far: live, ask: func(ctx context.Context) error {
		_, err := p.provider.Search(ctx, providers.Query{Area: p.subject.Areas[0]})
		return err
	}}}
	if p.detailer != nil && len(p.shown) > 0 {
		all = append(all, question{name: "Detail", far: live, ask: func(ctx context.Context) error {
			_, err := p.detailer.Detail(ctx, []providers.Key{p.shown[0].Key})
			return err
		}})
	}
	if p.bench.Refresh != nil {
		all = append(all, question{name: "Refresh", far: true, ask: p.bench.Refresh})
	}
	return all
}

func checkEnded(ctx context.Context, p *probe) {
	p.look(ctx)
	withdrawn, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	before := p.calls()
	for _, q := range p.questions() {
		for _, ended := range []context.Context{withdrawn, late} {
			begun := time.Now()
			err := q.ask(ended)              //nolint:contextcheck // both are made of ctx above
			p.tellsOfEnd(q.name, ended, err) //nolint:contextcheck // as above
			if took := time.Since(begun); took > soon {
				p.badf("%s with a context that has ended took %v", q.name, took)
			}
		}
	}
	if n := p.calls() - before; n != 0 {
		p.badf("questions whose time was over took %d calls", n)
	}
}

// tellsOfEnd looks at the error of a question whose context ended.
func (p *probe) tellsOfEnd(what string, ended context.Context, err error) {
	se, typed := errors.AsType[*providers.SourceError](err)
	switch {
	case err == nil:
		p.badf("%s returned no error though its context has ended", what)
	case !errors.Is(err, ended.Err()):
		p.badf("%s returned %v, which does not wrap %v", what, err, ended.Err())
	case typed && se.Code != providers.CodeTimeout:
		p.badf("%s returned %v, want %s", what, err, providers.CodeTimeout)
	}
	p.secret(what, err)
}

// shortly is a deadline that a hanging far end misses.
const shortly = 80 * time.Millisecond

func checkDeadline(ctx context.Context, p *probe) {
	p.whileHanging(ctx, func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, shortly)
	})
}

func checkWithdrawn(ctx context.Context, p *probe) {
	p.whileHanging(ctx, func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(shortly, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	})
}

// whileHanging asks a far end that does not answer, each time with a context
// that ends soon.
func (p *probe) whileHanging(ctx context.Context, ending func(context.Context) (context.Context, context.CancelFunc)) {
	if p.bench.Break == nil || len(p.subject.Hangs) == 0 {
		p.skipf("nothing hangs here")
		return
	}
	for _, fault := range p.subject.Hangs {
		if p.referenced != nil {
			p.renew() // without a table
			p.forget()
		}
		whole, _ := p.search(ctx, p.subject.Areas[0])
		p.shown = whole.Records
		questions := p.questions()
		if p.referenced != nil && p.holder == nil {
			questions = append(questions, question{name: "Reference", far: true, ask: func(ctx context.Context) error {
				t, err := p.referenced.Reference(ctx, "")
				if t == nil {
					p.badf("Reference() returned no table with its error")
				}
				return err
			}})
		}
		p.bench.Break(fault)
		for _, q := range questions {
			if !q.far {
				continue
			}
			limited, cancel := ending(ctx)
			begun := time.Now()
			err := q.ask(limited)
			if took := time.Since(begun); took > soon {
				p.badf("%s under %s took %v, and its context ended after %v", q.name, fault, took, shortly)
			}
			if limited.Err() == nil {
				p.badf("%s under %s returned %v before its time was over: does it hang?", q.name, fault, err)
			} else {
				p.tellsOfEnd(q.name+" under "+fault, limited, err)
			}
			cancel()
		}
		p.bench.Mend()
		for _, q := range questions {
			if err := q.ask(ctx); err != nil {
				p.badf("%s after %s was mended returned %v", q.name, fault, err)
			}
		}
	}
}

func checkFaults(ctx context.Context, p *probe) {
	if len(p.subject.Faults) == 0 || p.bench.Break == nil {
		p.skipf("there is no far end that could fail")
		return
	}
	for _, fault := range slices.Sorted(maps.Keys(p.subject.Faults)) {
		codes := p.subject.Faults[fault]
		if p.referenced != nil {
			p.renew() // failures of reference tables are remembered
			p.forget()
		}
		area := p.subject.Areas[0]
		whole, _ := p.search(ctx, area)
		before := keysOf(whole.Records)
		p.shown = whole.Records
		p.bench.Break(fault)
		answer, err := p.provider.Search(ctx, providers.Query{Area: area})
		switch {
		case p.bench.Refresh != nil:
			if err != nil {
				p.badf("under %s what is held cannot be had: %v", fault, err)
			}
			p.typed("Refresh under "+fault, p.bench.Refresh(ctx), codes)
			if again, ok := p.search(ctx, area); ok && !slices.Equal(keysOf(again.Records), before) {
				p.badf("%s took away what is held", fault)
			}
		case err == nil && answer.Partial && answer.Err != nil:
			p.typed("Search under "+fault+", partly", answer.Err, codes)
		default:
			p.typed("Search under "+fault, err, codes)
			if len(answer.Records) > 0 {
				p.badf("%d records came with the error of %s", len(answer.Records), fault)
			}
		}
		if p.detailer != nil && len(p.shown) > 0 {
			answer, err := p.detailer.Detail(ctx, []providers.Key{p.shown[0].Key})
			p.typed("Detail under "+fault, err, codes)
			if len(answer.Records) > 0 {
				p.badf("details came with the error of %s", fault)
			}
		}
		if p.referenced != nil && p.holder == nil {
			t, err := p.referenced.Reference(ctx, "")
			if err != nil || !p.subject.TableOptional {
				p.typed("Reference under "+fault, err, codes)
			}
			if t == nil {
				p.badf("no table came with the error of %s", fault)
			}
			if t, ok := p.referenced.HeldReference(); ok && t == nil {
				p.badf("HeldReference() holds nil after %s", fault)
			}
		}
		p.bench.Mend()
		for _, q := range p.questions()[1:] {
			if err := q.ask(ctx); err != nil {
				p.badf("%s after %s was mended returned %v", q.name, fault, err)
			}
		}
		if again, ok := p.search(ctx, area); ok && !slices.Equal(keysOf(again.Records), before) {
			p.badf("after %s was mended there are %d records where there were %d", fault, len(again.Records), len(before))
		}
	}
}

// maxRetryAfter is the longest that anybody is made to wait.
const maxRetryAfter = 24 * time.Hour

// typed looks at an error that a source returned: its code is one of codes, and
// its texts are ours.
func (p *probe) typed(what string, err error, codes []providers.SourceErrorCode) {
	if err == nil {
		p.badf("%s returned no error, want one of %v", what, codes)
		return
	}
	se, ok := errors.AsType[*providers.SourceError](err)
	if !ok || se == nil {
		p.badf("%s returned %v, want a *providers.SourceError", what, err)
		return
	}
	switch why := p.subject.schema.wrong(reflect.ValueOf(se.Code)); {
	case why != "":
		p.badf("%s: %s", what, why)
	case !slices.Contains(codes, se.Code):
		p.badf("%s returned %v, want one of %v", what, se, codes)
	}
	if se.Message == "" || unclean(se.Message, false) != "" || !strings.Contains(se.Message, " ") {
		p.badf("%s: the message %q is no sentence", what, se.Message)
	}
	if se.RetryAfter < 0 || se.RetryAfter > maxRetryAfter || se.Code == providers.CodeRateLimited && se.RetryAfter == 0 {
		p.badf("%s: %s, and to be asked again after %v", what, se.Code, se.RetryAfter)
	}
	p.secret(what, err)
}

// secret looks for what an error must not tell: secrets, texts of the far end,
// and its address.
func (p *probe) secret(what string, err error) {
	if err == nil {
		return
	}
	text := strings.ToLower(err.Error())
	for _, secret := range append([]string{"://", "127.0.0.1", "[::1]", "localhost", "<html", "<!doctype"}, p.subject.Secrets...) {
		if secret != "" && strings.Contains(text, strings.ToLower(secret)) {
			p.badf("%s: the error tells %q: %v", what, secret, err)
		}
	}
}

const askers = 8

func checkConcurrent(ctx context.Context, p *probe) {
	p.look(ctx)
	want := make([][]providers.Key, len(p.subject.Areas))
	for i, a := range p.answers {
		want[i] = keysOf(a.Records)
	}
	bad := make(chan string, askers*(len(p.subject.Areas)+2))
	var wg sync.WaitGroup
	for n := range askers {
		wg.Go(func() {
			for i := range p.subject.Areas {
				i = (i + n) % len(p.subject.Areas)
				answer, err := p.provider.Search(ctx, providers.Query{Area: p.subject.Areas[i]})
				if got := keysOf(answer.Records); err != nil || !slices.Equal(got, want[i]) {
					bad <- fmt.Sprintf("one of %d who ask at once for %v gets %d records and %v, want %d", askers, p.subject.Areas[i], len(got), err, len(want[i]))
				}
				if p.referenced != nil {
					if t, _ := p.referenced.Reference(ctx, ""); t != nil {
						p.referenced.Join(t, answer.Records)
					}
				}
			}
			if why := p.askRest(ctx, n); why != "" {
				bad <- why
			}
		})
	}
	wg.Wait()
	close(bad)
	for why := range bad {
		p.badf("%s", why)
	}
}

// askRest asks for a record in the other ways that the source has.
func (p *probe) askRest(ctx context.Context, n int) string {
	p.source().Health()
	p.source().RecordCount()
	if len(p.shown) == 0 {
		return ""
	}
	k := p.shown[n%len(p.shown)].Key
	if p.holder != nil {
		p.holder.Len()
		if _, ok := p.holder.Record(k); !ok {
			return fmt.Sprintf("one of %d who ask at once does not find %s", askers, k)
		}
	}
	if p.finder != nil {
		p.finder.FindEVSE(string(k))
	}
	if p.lister != nil {
		p.lister.Operators()
	}
	if p.detailer != nil {
		if _, err := p.detailer.Detail(ctx, []providers.Key{k}); err != nil {
			return fmt.Sprintf("one of %d who ask at once for details of %s gets %v", askers, k, err)
		}
	}
	return ""
}

// checkImmutable takes a picture of every record, asks on, and looks again.
func checkImmutable(ctx context.Context, p *probe) {
	records := p.closely(ctx)
	pictures := make([]string, len(records))
	for i, r := range records {
		pictures[i] = picture(r)
	}
	for _, area := range p.subject.Areas {
		answer, _ := p.search(ctx, area)
		if p.referenced != nil {
			if t := p.table(ctx); t != nil {
				p.referenced.Join(t, answer.Records)
			}
		}
		// The list of an answer is the caller's.
		clear(answer.Records)
	}
	p.askDetails(ctx)
	if p.bench.Refresh != nil {
		if err := p.bench.Refresh(ctx); err != nil {
			p.badf("Refresh returned %v", err)
		}
	}
	for i, r := range records {
		if after := picture(r); after != pictures[i] {
			p.badf("%s changed after it was handed out: %s", r.Key, firstDifference(pictures[i], after))
		}
	}
	for i, area := range p.subject.Areas {
		answer, _ := p.search(ctx, area)
		if slices.Contains(answer.Records, nil) {
			p.badf("a caller who changes the list of an answer changes the next answer to %v", area)
		} else if !slices.Equal(keysOf(answer.Records), keysOf(p.answers[i].Records)) {
			p.badf("the answer to %v is another one at the end", area)
		}
	}
}

// checkNothingKept: what may be kept, and for how long, is for caches to decide
// that know the policies. A source that is asked twice asks twice.
func checkNothingKept(ctx context.Context, p *probe) {
	if p.holder != nil || p.bench.Calls == nil {
		p.skipf("the source holds its records on purpose")
		return
	}
	p.look(ctx)
	for _, q := range p.questions() {
		var took [2]int
		for i := range took {
			before := p.calls()
			if err := q.ask(ctx); err != nil {
				p.badf("%s returned %v", q.name, err)
			}
			took[i] = p.calls() - before
		}
		if took[0] == 0 || took[1] != took[0] {
			p.badf("%s took %d calls, and %d when asked again", q.name, took[0], took[1])
		}
	}
}

// askEverything uses a source in every way, and leaves questions behind that
// were never answered.
func (p *probe) askEverything(ctx context.Context) {
	p.closely(ctx)
	if p.referenced != nil {
		p.table(ctx)
	}
	for _, fault := range p.subject.Hangs {
		if p.bench.Break == nil {
			break
		}
		p.bench.Break(fault)
		for _, q := range p.questions() {
			limited, cancel := context.WithTimeout(ctx, shortly)
			_ = q.ask(limited) // what it says is looked at elsewhere
			cancel()
		}
	}
	if p.bench.Mend != nil {
		p.bench.Mend()
	}
	if p.bench.Refresh != nil {
		if err := p.bench.Refresh(ctx); err != nil {
			p.badf("Refresh returned %v", err)
		}
	}
}

// left returns an error that shows the goroutines that use began and that are
// still there some time after.
func left(use func()) error {
	before := goleak.IgnoreCurrent()
	use()
	return goleak.Find(before)
}

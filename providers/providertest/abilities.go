package providertest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"chargegraph/providers"
)

func detailRules() group {
	return group{name: "Detail", rules: []rule{
		{"answers what was asked for and nothing else", whereAble(isDetailer, checkDetail)},
		{"takes one call a batch", whereAble(isDetailer, checkDetailCalls)},
		{"knows nothing of keys that name nothing", whereAble(isDetailer, checkDetailUnknown)},
		{"adds to a summary and does not move it", whereAble(isDetailer, checkDetailAdds)},
	}}
}

func holderRules() group {
	return group{name: "Holder", rules: []rule{
		{"finds what it shows", whereAble(isHolder, checkHolder)},
		{"asks nobody", whereAble(isHolder, checkHolderAsksNobody)},
		{"is unavailable, not empty, until it was read", whereAble(isHolder, checkUnread)},
		{"lists the operators of its records", whereAble(isLister, checkOperators)},
	}}
}

func evseRules() group {
	return group{name: "EVSEs", rules: []rule{{"are found however their ids are written", whereAble(isFinder, checkEVSEs)}}}
}

func referenceRules() group {
	return group{name: "Reference", rules: []rule{
		{"is a table of clean rows", whereAble(isReferenced, checkTable)},
		{"is held once it was had", whereAble(isReferenced, checkHeldTable)},
		{"of a country has the plugs in use there", whereAble(isReferenced, checkTableOfCountry)},
		{"completes records and no others", whereAble(isReferenced, checkJoin)},
	}}
}

func isDetailer(p *probe) (string, bool)   { return "Detailer", p.detailer != nil }
func isHolder(p *probe) (string, bool)     { return "Holder", p.holder != nil }
func isFinder(p *probe) (string, bool)     { return "EVSEFinder", p.finder != nil }
func isLister(p *probe) (string, bool)     { return "OperatorLister", p.lister != nil }
func isReferenced(p *probe) (string, bool) { return "Referenced", p.referenced != nil }

// whereAble makes a rule for sources with an ability.
func whereAble(able func(*probe) (string, bool), check func(context.Context, *probe)) func(context.Context, *probe) {
	return func(ctx context.Context, p *probe) {
		if what, ok := able(p); !ok {
			p.skipf("the source is no providers.%s", what)
			return
		}
		check(ctx, p)
	}
}

func checkDetail(ctx context.Context, p *probe) {
	if n := p.detailer.DetailBatch(); n < 1 {
		p.badf("DetailBatch() is %d, want at least 1", n)
		return
	}
	records := p.look(ctx)
	batches := p.batches(records)
	answers := p.details(ctx)
	for i, answer := range answers {
		p.answersFor(batches[i], answer)
		found := make(map[providers.Key]bool)
		for _, r := range answer.Records {
			if r != nil {
				found[r.Key] = true
			}
		}
		for _, k := range batches[i] {
			if !found[k] {
				p.badf("Detail(%v) lacks %s, which a search has just shown", batches[i], k)
			}
		}
		if answer.FetchedAt.IsZero() {
			p.badf("Detail(%v) says not when it was asked", batches[i])
		}
	}
	if p.subject.Alias == nil {
		return
	}
	for _, r := range records[:min(len(records), maxDetails/2)] {
		alias := p.subject.Alias(r)
		if alias == "" {
			continue
		}
		answer, err := p.detailer.Detail(ctx, []providers.Key{alias})
		if err != nil {
			p.badf("Detail(%s) returned %v", alias, err)
			continue
		}
		p.answersFor([]providers.Key{alias}, answer)
		if _, named := answer.Aliases[alias]; !named {
			p.badf("Detail(%s) does not say for which record the key stands", alias)
		}
	}
}

// answersFor looks at whether an answer is one to these keys.
func (p *probe) answersFor(asked []providers.Key, answer providers.Answer) {
	allowed := make(map[providers.Key]bool)
	for _, k := range asked {
		allowed[k] = true
	}
	for alias, target := range answer.Aliases {
		if !slices.Contains(asked, alias) {
			p.badf("Detail(%v) names the alias %s, which was not asked for", asked, alias)
		}
		if !slices.ContainsFunc(answer.Records, func(r *providers.Record) bool { return r != nil && r.Key == target }) {
			p.badf("Detail(%v): the alias %s stands for %s, which is not in the answer", asked, alias, target)
		}
		allowed[target] = true
	}
	seen := make(map[providers.Key]bool)
	for _, r := range answer.Records {
		switch {
		case r == nil:
			p.badf("Detail(%v) holds nil", asked)
			continue
		case !allowed[r.Key]:
			p.badf("Detail(%v) holds %s, which was not asked for", asked, r.Key)
		case seen[r.Key]:
			p.badf("Detail(%v) holds %s twice", asked, r.Key)
		}
		seen[r.Key] = true
		if r.Summary {
			p.badf("Detail(%v) answers with a summary", asked)
		}
	}
	if answer.Truncated {
		p.badf("Detail(%v) is truncated, which only areas are", asked)
	}
}

func checkDetailCalls(ctx context.Context, p *probe) {
	if p.bench.Calls == nil {
		p.skipf("the far end counts no calls")
		return
	}
	for _, keys := range p.batches(p.look(ctx)) {
		before := p.calls()
		if _, err := p.detailer.Detail(ctx, keys); err != nil {
			p.badf("Detail(%v) returned %v", keys, err)
		}
		if n := p.calls() - before; n < 1 || n > p.subject.DetailCalls {
			p.badf("Detail of %d keys took %d calls, want 1 to %d", len(keys), n, p.subject.DetailCalls)
		}
	}
	before := p.calls()
	if answer, err := p.detailer.Detail(ctx, nil); err != nil || len(answer.Records) > 0 || p.calls() != before {
		p.badf("Detail of no keys: %d records, %v, %d calls", len(answer.Records), err, p.calls()-before)
	}
}

func checkDetailUnknown(ctx context.Context, p *probe) {
	for _, k := range []providers.Key{
		providers.NewKey(p.source().ID, "2147483640"), providers.NewKey(p.source().ID, "no such thing"),
		providers.NewKey(p.source().ID, "0"), providers.NewKey(p.source().ID, "1,2"), "ocpi:elsewhere:NL*ABC*1", "",
	} {
		answer, err := p.detailer.Detail(ctx, []providers.Key{k})
		if err != nil || len(answer.Records)+len(answer.Aliases) > 0 {
			p.badf("Detail(%q): %d records, %d aliases, %v; want none and no error", k, len(answer.Records), len(answer.Aliases), err)
		}
	}
}

// checkDetailAdds: a site must not become another one, for matching, by being
// looked at more closely.
func checkDetailAdds(ctx context.Context, p *probe) {
	detailed := make(map[providers.Key]*providers.Record)
	for _, answer := range p.details(ctx) {
		for _, r := range answer.Records {
			if r != nil {
				detailed[r.Key] = r
			}
		}
	}
	for _, r := range p.look(ctx) {
		d := detailed[r.Key]
		if d == nil {
			continue
		}
		if r.Location != d.Location {
			p.badf("%s is at %v, and at %v when looked at closely", r.Key, r.Location, d.Location)
		}
		if a, b := operatorOf(r), operatorOf(d); a != b {
			p.badf("%s is run by %q, and by %q when looked at closely", r.Key, a, b)
		}
		if a, b := evseIDs(r), evseIDs(d); !slices.Equal(a, b) {
			p.badf("%s has the EVSEs %v, and %v when looked at closely", r.Key, a, b)
		}
		if len(d.Comments) < len(r.Comments) || len(d.Photos) < len(r.Photos) || len(d.Connections) < len(r.Connections) {
			p.badf("%s has fewer comments, photos or connections when looked at closely", r.Key)
		}
	}
}

func operatorOf(r *providers.Record) string {
	if r.Operator == nil {
		return ""
	}
	return r.Operator.ID
}

func evseIDs(r *providers.Record) []string {
	var ids []string
	for _, e := range r.EVSEs {
		ids = append(ids, e.EVSEID)
	}
	return ids
}

func checkHolder(ctx context.Context, p *probe) {
	for _, r := range p.look(ctx) {
		held, ok := p.holder.Record(r.Key)
		switch {
		case !ok || held == nil:
			p.badf("Record(%s) finds nothing", r.Key)
		case held != r && picture(held) != picture(r):
			p.badf("Record(%s) is another one than Search shows: %s", r.Key, firstDifference(picture(r), picture(held)))
		}
	}
	for _, k := range []providers.Key{providers.NewKey(p.source().ID, "no such thing"), "ocm:elsewhere:1", ""} {
		if r, ok := p.holder.Record(k); ok || r != nil {
			p.badf("Record(%q) is %v, %t", k, r, ok)
		}
	}
	n := p.holder.Len()
	if want := p.subject.Records; want > 0 && n != want {
		p.badf("Len() is %d, want %d", n, want)
	}
	if n < len(p.shown) {
		p.badf("Len() is %d, and answers show %d", n, len(p.shown))
	}
	if count := p.source().RecordCount(); count == nil || *count != n {
		p.badf("RecordCount() is not Len(), %d", n)
	}
}

func checkUnread(ctx context.Context, p *probe) {
	if err := p.holder.Ready(); err != nil {
		p.badf("Ready() returned %v of a source that has been read", err)
	}
	if p.subject.Unread == nil {
		p.skipf("there is no moment at which nothing was read")
		return
	}
	unread := p.subject.Unread(p.tb)
	holder, ok := unread.(providers.Holder)
	if !ok {
		p.badf("the unread source is no providers.Holder")
		return
	}
	var codes []providers.SourceErrorCode
	for code := range p.subject.schema["SourceErrorCode"] {
		codes = append(codes, providers.SourceErrorCode(code))
	}
	p.typed("Ready() before anything was read", holder.Ready(), codes)
	_, err := unread.Search(ctx, providers.Query{Area: p.subject.Areas[0]})
	p.typed("Search before anything was read", err, codes)
}

// checkOperators looks at the list of all operators.
func checkOperators(ctx context.Context, p *probe) {
	listed := make(map[string]bool)
	before := ""
	for _, o := range p.lister.Operators() {
		switch {
		case o == nil:
			p.badf("Operators() holds nil")
			continue
		case o.ID <= before:
			p.badf("Operators() has %s after %s: they come by id, each once", o.ID, before)
		case o.Title == "":
			p.badf("Operators() has %s without a title", o.ID)
		}
		before = o.ID
		listed[o.ID] = true
	}
	for _, r := range p.look(ctx) {
		if r.Operator != nil && !listed[r.Operator.ID] {
			p.badf("Operators() lacks %s of %s", r.Operator.ID, r.Key)
		}
	}
}

// checkAbilities: whoever looks an ability up gets none from a source that lacks
// one of its methods, and nobody is told.
func checkAbilities(_ context.Context, p *probe) {
	source := reflect.TypeOf(p.provider)
	holder := reflect.TypeFor[providers.Holder]()
	for _, ability := range []reflect.Type{
		reflect.TypeFor[providers.Detailer](), holder, reflect.TypeFor[providers.OperatorLister](),
		reflect.TypeFor[providers.EVSEFinder](), reflect.TypeFor[providers.Referenced](),
	} {
		if source.Implements(ability) {
			continue
		}
		for m := range ability.Methods() {
			if _, inherited := holder.MethodByName(m.Name); inherited && ability != holder {
				continue // an EVSEFinder is a Holder first
			}
			if _, has := source.MethodByName(m.Name); has {
				p.badf("the source has %s and is no providers.%s: another method is missing, or has another form", m.Name, ability.Name())
			}
		}
	}
}

func checkHolderAsksNobody(ctx context.Context, p *probe) {
	if p.bench.Calls == nil {
		p.skipf("there is no far end")
		return
	}
	before := p.calls()
	for _, r := range p.look(ctx) {
		p.holder.Record(r.Key)
		if p.finder != nil {
			p.finder.FindEVSE(string(r.Key))
		}
	}
	if p.lister != nil {
		p.lister.Operators()
	}
	if n := p.calls() - before; n != 0 {
		p.badf("questions to what is held took %d calls", n)
	}
}

func checkEVSEs(ctx context.Context, p *probe) {
	any := false
	for _, r := range p.look(ctx) {
		for _, e := range r.EVSEs {
			if e.EVSEID == "" {
				continue
			}
			any = true
			for _, id := range []string{e.EVSEID, strings.ToLower(e.EVSEID), providers.NormalEVSEID(e.EVSEID), " " + strings.ReplaceAll(e.EVSEID, "*", "-")} {
				keys := p.finder.FindEVSE(id)
				if !slices.Contains(keys, r.Key) {
					p.badf("FindEVSE(%q) is %v, want %s among them", id, keys, r.Key)
				}
				slices.Sort(keys)
				if len(slices.Compact(keys)) != len(keys) {
					p.badf("FindEVSE(%q) names a record twice: %v", id, keys)
				}
			}
		}
	}
	if !any {
		p.skipf("no record of the areas has an EVSE with an id")
	}
	for _, id := range []string{"", "ZZ*NIL*E0", "***"} {
		if keys := p.finder.FindEVSE(id); len(keys) > 0 {
			p.badf("FindEVSE(%q) is %v, want none", id, keys)
		}
	}
}

// rowID returns the id of a row of a reference table. An operator's ids are
// those at its providers, the first being the source's own.
func rowID(row reflect.Value) string {
	if o, ok := reflect.TypeAssert[*providers.Operator](row); ok {
		return o.ID
	}
	id := row.Elem().FieldByName("ID")
	if !id.IsValid() || id.Kind() != reflect.String {
		return ""
	}
	return id.String()
}

// eachRow calls f with every row of a table: the name of its list and the row.
func eachRow(t *providers.Reference, f func(list string, row reflect.Value)) {
	for list, rows := range reflect.ValueOf(t).Elem().Fields() {
		for i := range rows.Len() {
			f(list.Name, rows.Index(i))
		}
	}
}

// table asks for the whole table.
func (p *probe) table(ctx context.Context) *providers.Reference {
	t, err := p.referenced.Reference(ctx, "")
	if err != nil || t == nil {
		p.badf("Reference() returned %v and the table %v, want one", err, t)
		return nil
	}
	return t
}

func checkTable(ctx context.Context, p *probe) {
	t := p.table(ctx)
	if t == nil {
		return
	}
	seen := make(map[string]bool)
	eachRow(t, func(list string, row reflect.Value) {
		if row.IsNil() {
			p.badf("%s holds nil", list)
			return
		}
		id := list + " " + rowID(row)
		// Several networks may belong to one company.
		if rowID(row) == "" || seen[id] && list != "Operators" {
			p.badf("the row %q has no id, or that of another", id)
		}
		seen[id] = true
		titled := row.Elem().FieldByName("Title")
		if !titled.IsValid() || titled.String() == "" {
			p.badf("the row %q has no title", id)
		}
		walk(row, id, func(path string, v reflect.Value) {
			if why := p.subject.schema.wrong(v); why != "" {
				p.badf("%s: %s", path, why)
			}
			switch {
			case v.Kind() != reflect.String:
			case isURL(path):
				if why := notURL(v.String()); v.Len() > 0 && why != "" {
					p.badf("%s: %s", path, why)
				}
			case unclean(v.String(), hasLines(path)) != "":
				p.badf("%s %q: %s", path, v.String(), unclean(v.String(), hasLines(path)))
			}
		})
	})
	if len(seen) == 0 {
		p.badf("the table is empty")
	}
}

// soon is how long something may take that waits for nobody, on a machine with
// much else to do.
const soon = 5 * time.Second

func checkHeldTable(ctx context.Context, p *probe) {
	p.renew()
	if len(p.subject.Hangs) > 0 && p.bench.Break != nil {
		p.bench.Break(p.subject.Hangs[0])
	}
	done := make(chan bool, 1)
	go func() {
		t, ok := p.referenced.HeldReference()
		done <- !ok || t != nil
	}()
	select {
	case proper := <-done:
		if !proper {
			p.badf("HeldReference() says that it holds the table nil")
		}
	case <-time.After(soon):
		p.badf("HeldReference() waits for the far end")
		return
	}
	if p.bench.Mend != nil {
		p.bench.Mend()
	}
	t := p.table(ctx)
	before := p.calls()
	held, ok := p.referenced.HeldReference()
	if !ok || held != t {
		p.badf("HeldReference() is not what Reference() has just returned")
	}
	if again := p.table(ctx); again != t {
		p.badf("Reference() is another table at once after")
	}
	if n := p.calls() - before; n != 0 {
		p.badf("a table that is fresh was asked for %d times more", n)
	}
}

func checkTableOfCountry(ctx context.Context, p *probe) {
	if p.subject.Country == "" {
		p.skipf("the subject names no country")
		return
	}
	t := p.table(ctx)
	if t == nil {
		return
	}
	local, err := p.referenced.Reference(ctx, p.subject.Country)
	if err != nil || local == nil {
		p.badf("Reference(%s) returned %v and the table %v", p.subject.Country, err, local)
		return
	}
	known := make(map[string]bool)
	for _, row := range t.ConnectionTypes {
		known[row.ID] = true
	}
	used := make(map[string]bool)
	for _, row := range local.ConnectionTypes {
		used[row.ID] = true
		if !known[row.ID] {
			p.badf("%s has the plug %s, which the whole table lacks", p.subject.Country, row.ID)
		}
	}
	if len(t.ConnectionTypes) > 0 && len(local.ConnectionTypes) >= len(t.ConnectionTypes) {
		p.badf("all %d plugs are in use in %s", len(t.ConnectionTypes), p.subject.Country)
	}
	for _, r := range p.look(ctx) {
		if r.Address.CountryCode != p.subject.Country {
			continue
		}
		for _, c := range r.Connections {
			if c.ConnectionType != nil && known[c.ConnectionType.ID] && !used[c.ConnectionType.ID] {
				p.badf("%s has the plug %s, which is not among those of %s", r.Key, c.ConnectionType.ID, p.subject.Country)
			}
		}
	}
}

// checkJoin looks at records that were read before the table was, and at whether
// those of an earlier answer are left alone.
func checkJoin(ctx context.Context, p *probe) {
	p.renew()
	area := p.subject.Areas[0]
	first, ok := p.search(ctx, area)
	if !ok {
		return
	}
	second, ok := p.search(ctx, area)
	if !ok {
		return
	}
	before := make([]string, len(first.Records))
	for i, r := range first.Records {
		before[i] = picture(r)
	}
	t := p.table(ctx)
	if t == nil {
		return
	}
	p.referenced.Join(t, second.Records)
	for i, r := range first.Records {
		if after := picture(r); after != before[i] {
			p.badf("joining another answer changed %s: %s", r.Key, firstDifference(before[i], after))
		}
	}
	rows := make(map[string]string)
	eachRow(t, func(_ string, row reflect.Value) {
		if !row.IsNil() { // said elsewhere
			rows[row.Type().String()+" "+rowID(row)] = row.Elem().FieldByName("Title").String()
		}
	})
	joined := 0
	for _, r := range second.Records {
		eachRowOf(reflect.ValueOf(r).Elem(), func(row reflect.Value) {
			name := row.Type().String() + " " + rowID(row)
			title, known := rows[name]
			if !known {
				return
			}
			joined++
			if row.Type() == reflect.TypeFor[*providers.Operator]() {
				return // has one title in all tables, by the crosswalk
			}
			if got := row.Elem().FieldByName("Title").String(); got != title {
				p.badf("%s names %s %q, and the table %q", r.Key, name, got, title)
			}
		})
		checkFinished(p, r, func(format string, args ...any) { p.badf("%s, joined: %s", r.Key, fmt.Sprintf(format, args...)) })
		checkDerived(p, r, func(format string, args ...any) { p.badf("%s, joined: %s", r.Key, fmt.Sprintf(format, args...)) })
	}
	if joined == 0 {
		p.badf("no record names a row of the table")
	}
	p.referenced.Join(t, nil)
}

// eachRowOf calls f with every row that a value inside a record points to.
func eachRowOf(v reflect.Value, f func(row reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		isRow := false
		for list := range reflect.TypeFor[providers.Reference]().Fields() {
			isRow = isRow || list.Type.Elem() == v.Type()
		}
		if isRow && !v.IsNil() {
			f(v)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachRowOf(v.Index(i), f)
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if field.IsExported() {
				eachRowOf(value, f)
			}
		}
	default:
	}
}

package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"chargegraph/server/access"
)

// codeLimitExceeded is the code of a document that asks for too much. Its error
// names the limit, the most that is taken and what was asked for.
const codeLimitExceeded = "LIMIT_EXCEEDED"

// The defaults of Limits.
const (
	// pois { nodes { comments { edges { node { record { operator { address {
	// country { title } } } } } } } } } is 10 deep, and half as much again is spare.
	DefaultMaxDepth = 15
	// A page that shows two dozen sites side by side; for more there is nodes(ids).
	DefaultMaxAliases = 30
	// Root fields run at the same time, and each may ask every source.
	DefaultMaxRootFields = 20
	// @include and @skip on each part that a screen can fold away.
	DefaultMaxDirectives = 50
	// A tab of the playground in which somebody keeps queries.
	DefaultMaxOperations = 20
	// One for every component of a large screen. Validation compares them pairwise.
	DefaultMaxFragments = 100
	// Every field of the schema, five times over.
	DefaultMaxSelections = 2000
	// A filter with five `not` in each other is 10 deep.
	DefaultMaxInputDepth = 20
	// 240 times the same field in one document, or 400 different ones a dozen
	// times each. Validation compares all of one name pairwise.
	DefaultMaxComparisons = 60_000
	// A page of 500 sites with thirty fields each and their plugs, three times
	// over; not a page of 500 with all comments. 0.2 s of one core at the most.
	DefaultMaxCost = 100_000
)

// Limits bound what one document may ask for. A limit of 0 stands for its
// default. All but Cost are counted on the document as it is written, before it
// is validated: validation itself takes time that grows with their squares.
type Limits struct {
	Depth       int // of fields within fields; introspection does not count
	Aliases     int // as written, in all operations and fragments
	RootFields  int // of one operation, fragments expanded
	Directives  int // as written
	Operations  int
	Fragments   int
	Selections  int // fields and spreads of all operations, fragments expanded
	InputDepth  int // of lists and objects within each other in arguments; variables do not count
	Comparisons int // of what may overlap: squares of how often each name is written
	// Cost bounds what executing the operation takes, by the sizes of its pages
	// and lists; see weights. Callers may have a lower or higher one of their own.
	Cost int
}

func (l *Limits) complete() error {
	for _, one := range []struct {
		name      string
		value     *int
		otherwise int
	}{
		{"Depth", &l.Depth, DefaultMaxDepth},
		{"Aliases", &l.Aliases, DefaultMaxAliases},
		{"RootFields", &l.RootFields, DefaultMaxRootFields},
		{"Directives", &l.Directives, DefaultMaxDirectives},
		{"Operations", &l.Operations, DefaultMaxOperations},
		{"Fragments", &l.Fragments, DefaultMaxFragments},
		{"Selections", &l.Selections, DefaultMaxSelections},
		{"InputDepth", &l.InputDepth, DefaultMaxInputDepth},
		{"Comparisons", &l.Comparisons, DefaultMaxComparisons},
		{"Cost", &l.Cost, DefaultMaxCost},
	} {
		if *one.value < 0 {
			return fmt.Errorf("server: Config.Limits.%s is %d, want at least 1, or 0 for the default", one.name, *one.value)
		}
		if *one.value == 0 {
			*one.value = one.otherwise
		}
	}
	return nil
}

// documentLimits refuses documents that ask for too much: by their outline
// before they are validated, by their cost before they are executed.
type documentLimits struct {
	limits    Limits
	maxTokens int
	meter     *meter
	known     graphql.Cache[*ast.QueryDocument] // documents in it have passed
}

var (
	_ graphql.OperationParameterMutator = (*documentLimits)(nil)
	_ graphql.OperationContextMutator   = (*documentLimits)(nil)
)

func newDocumentLimits(l Limits, maxTokens int, schema *ast.Schema, known graphql.Cache[*ast.QueryDocument]) *documentLimits {
	return &documentLimits{limits: l, maxTokens: maxTokens, meter: newMeter(schema), known: known}
}

func (*documentLimits) ExtensionName() string                   { return "DocumentLimits" }
func (*documentLimits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses by outline. It parses what the executor will
// parse again, which is little beside the validation that it may spare.
func (d *documentLimits) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if _, ok := d.known.Get(ctx, params.Query); ok {
		return nil
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, d.maxTokens)
	switch said, _ := errors.AsType[*gqlerror.Error](err); {
	case err == nil:
		return d.limits.check(outlineOf(doc))
	case said != nil && strings.HasPrefix(said.Message, "exceeded token limit"):
		// The parser stops there: nobody knows how many there are.
		return exceeded("tokens", d.maxTokens+1, d.maxTokens, "the document has %d tokens or more; at most %d are taken: send values as variables")
	}
	return nil // the executor finds the same and words it
}

// MutateOperationContext measures the cost, keeps it for extensions.cost and for
// what is charged, and refuses by it.
func (d *documentLimits) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := Cost{Requested: atMost(d.meter.measure(op.Operation, op.Variables)), Max: d.limits.Cost}
	if caller, ok := access.FromContext(ctx); ok {
		if own := caller.Limits.MaxCost; own > 0 {
			c.Max = own
		}
		// What the caller's bucket never holds could never be let through.
		if burst := caller.Limits.Burst; burst > 0 {
			c.Max = atMost(min(float64(c.Max), burst))
		}
	}
	op.Stats.SetExtension(costName, c)
	return exceeded("cost", c.Requested, c.Max, "the operation costs %d; at most %d is taken: ask for smaller pages or fewer fields")
}

// Cost is what an operation costs to execute, and the most it may cost; it is
// extensions.cost of every answer to a valid operation.
type Cost struct {
	Requested int `json:"requested"`
	Max       int `json:"max"`
}

const costName = "chargegraph.cost"

// CostOf returns the cost of the operation under way; false before it is known,
// as for a document that is not valid.
func CostOf(ctx context.Context) (Cost, bool) {
	if !graphql.HasOperationContext(ctx) {
		return Cost{}, false
	}
	c, ok := graphql.GetOperationContext(ctx).Stats.GetExtension(costName).(Cost)
	return c, ok
}

// exceeded returns the refusal of a value above its limit, else nil.
func exceeded(name string, value, limit int, format string) *gqlerror.Error {
	if value <= limit {
		return nil
	}
	err := coded(codeLimitExceeded, format, value, limit)
	maps.Copy(err.Extensions, map[string]any{"limit": name, "value": value, "max": limit})
	return err
}

// check refuses a document by the first limit that it exceeds.
func (l Limits) check(o outline) *gqlerror.Error {
	for _, one := range []struct {
		name   string
		value  float64
		limit  int
		format string
	}{
		{"operations", float64(o.operations), l.Operations, "the document has %d operations; at most %d are taken: send them one by one"},
		{"fragments", float64(o.fragments), l.Fragments, "the document has %d fragments; at most %d are taken"},
		{"depth", float64(o.depth), l.Depth, "fields stand %d deep within each other; at most %d are taken"},
		{"rootFields", o.rootFields, l.RootFields, "the operation has %d root fields; at most %d are taken: send several operations"},
		{"aliases", float64(o.aliases), l.Aliases, "the document has %d aliases; at most %d are taken: nodes(ids) asks for many objects at once"},
		{"directives", float64(o.directives), l.Directives, "the document has %d directives; at most %d are taken"},
		{"selections", o.selections, l.Selections, "the document selects %d fields, fragments expanded; at most %d are taken"},
		{"inputDepth", float64(o.inputDepth), l.InputDepth, "lists and objects stand %d deep within each other in an argument; at most %d are taken"},
		{"comparisons", o.comparisons, l.Comparisons, "the document repeats the same names so often that validating it takes %d comparisons; at most %d are taken"},
	} {
		if err := exceeded(one.name, atMost(one.value), one.limit, one.format); err != nil {
			return err
		}
	}
	return nil
}

// atMost returns a number that may be beyond all measure as one that JSON and
// every client can hold.
func atMost(v float64) int { return int(min(math.Ceil(v), math.MaxInt32)) }

// outline is what a document is before anything is known of the schema.
type outline struct {
	operations, fragments   int
	depth, inputDepth       int
	aliases, directives     int
	rootFields              float64 // of the operation with most
	selections, comparisons float64
}

// outlineOf measures a document that need not be valid, in time linear in its
// length: each fragment is looked at once, however often it is spread. A
// fragment that spreads itself, which validation refuses, ends there.
func outlineOf(doc *ast.QueryDocument) outline {
	s := surveyor{
		fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		known:     make(map[string]extent, len(doc.Fragments)),
		written:   make(map[string]float64),
	}
	for _, f := range doc.Fragments {
		if _, twice := s.fragments[f.Name]; !twice {
			s.fragments[f.Name] = f
		}
	}
	o := outline{operations: len(doc.Operations), fragments: len(doc.Fragments)}
	for _, op := range doc.Operations {
		s.direct(op.Directives)
		for _, v := range op.VariableDefinitions {
			s.direct(v.Directives)
			s.inputDepth = max(s.inputDepth, depthOf(v.DefaultValue))
		}
		e := s.survey(op.SelectionSet)
		o.depth = max(o.depth, e.depth)
		o.rootFields = max(o.rootFields, e.fields)
		o.selections += e.selections
	}
	for _, f := range doc.Fragments {
		s.direct(f.Directives)
		if _, spread := s.known[f.Name]; !spread { // refused later, but looked at until then
			e := s.survey(f.SelectionSet)
			o.depth = max(o.depth, e.depth)
			o.selections += e.selections
		}
	}
	o.aliases, o.directives, o.inputDepth = s.aliases, s.directives, s.inputDepth
	o.comparisons = s.spreads
	for _, n := range s.written {
		o.comparisons += n * n
	}
	return o
}

// surveyor walks the document of one outline.
type surveyor struct {
	fragments           map[string]*ast.FragmentDefinition
	known               map[string]extent  // of fragments, once they were entered
	written             map[string]float64 // how often each response name is
	spreads             float64            // squares of how many stand in one set
	aliases, directives int
	inputDepth          int
}

// extent is how far a selection set reaches, fragments expanded.
type extent struct {
	depth      int
	fields     float64 // in the set itself
	selections float64 // in all
}

func (s *surveyor) survey(set ast.SelectionSet) (e extent) {
	spreads := 0.0
	for _, selection := range set {
		var below extent
		switch selection := selection.(type) {
		case *ast.Field:
			s.direct(selection.Directives)
			s.arguments(selection.Arguments)
			s.written[selection.Alias]++
			if selection.Alias != selection.Name {
				s.aliases++
			}
			inner := s.survey(selection.SelectionSet)
			below = extent{depth: inner.depth + 1, fields: 1, selections: inner.selections + 1}
			if isIntrospection(selection.Name) {
				// Its types nest by themselves, and how far is the validator's to say.
				below.depth = 1
			}
		case *ast.InlineFragment:
			s.direct(selection.Directives)
			below = s.survey(selection.SelectionSet)
		case *ast.FragmentSpread:
			s.direct(selection.Directives)
			spreads++
			below = s.fragment(selection.Name)
			below.selections++
		}
		e.depth = max(e.depth, below.depth)
		e.fields += below.fields
		e.selections += below.selections
	}
	s.spreads += spreads * spreads
	return e
}

func (s *surveyor) direct(directives ast.DirectiveList) {
	s.directives += len(directives)
	for _, d := range directives {
		s.arguments(d.Arguments)
	}
}

func (s *surveyor) arguments(arguments ast.ArgumentList) {
	for _, a := range arguments {
		s.inputDepth = max(s.inputDepth, depthOf(a.Value))
	}
}

// depthOf returns how deep lists and objects stand within each other in a
// literal. The parser takes at most 1,000.
func depthOf(v *ast.Value) int {
	if v == nil || v.Kind != ast.ListValue && v.Kind != ast.ObjectValue {
		return 0
	}
	deepest := 0
	for _, child := range v.Children {
		deepest = max(deepest, depthOf(child.Value))
	}
	return deepest + 1
}

func (s *surveyor) fragment(name string) extent {
	if e, ok := s.known[name]; ok {
		return e
	}
	f, ok := s.fragments[name]
	if !ok {
		return extent{}
	}
	s.known[name] = extent{} // for as long as it is being entered
	e := s.survey(f.SelectionSet)
	s.known[name] = e
	return e
}

func isIntrospection(field string) bool { return field == "__schema" || field == "__type" }

// The units of cost: 1 is what writing a scalar takes, some 1.5 µs of one core.
const (
	leafCost   = 1
	objectCost = 2
	// searchCost, for each source asked: matching all of what an area holds, and
	// in one of three views of a map a call upstream, of which a source grants
	// some hundred a minute to all callers together.
	searchCost = 1000
	// siteCost, for each source asked: the surroundings of one site, mostly in memory.
	siteCost = 250
	// detailCost is a call upstream for a single site.
	detailCost = 500
	// maxDetails is how many of them one operation makes at the most, whatever
	// it asks for: what package loaders admits for one source.
	maxDetails = 10
	// pointCost, for each point of an outline or a line: how far sites lie from it.
	pointCost = 2
	// providersAsked is how many are asked where the caller does not narrow it.
	providersAsked = 4
	// introspectionCost is what a field of the schema's own description costs,
	// against leafCost and objectCost: it lies in memory and nothing resolves it.
	introspectionCost = 0.05
	// otherList is the length of a list that the table does not know.
	otherList = 5
	// maxPage is the greatest page: resolvers refuse greater ones, which cost nothing then.
	maxPage = 500
)

// weight is what a field costs beyond what is selected of it.
type weight struct {
	// own is charged once for each time the field is resolved.
	own float64
	// perSource is charged for each source that the argument `sources` lets in.
	perSource float64
	// perID is charged for each of the argument `ids`, which is also the list's length.
	perID float64
	// size is how long the list is as a rule.
	size float64
	// whole says that it makes a call upstream for each site that is known only
	// in outline: see resolvers.isWhole.
	whole bool
}

// weights is the table of what costs more than writing it, and of how long lists
// are. Sizes are those that are common in large sources, rounded up; a page is
// as long as its argument `first` says.
func weights() map[string]weight {
	return map[string]weight{
		// What asks sources.
		"Query.pois":       {perSource: searchCost},
		"Query.clusters":   {perSource: searchCost},
		"Query.poi":        {perSource: siteCost},
		"Query.node":       {own: providersAsked * siteCost},
		"Query.nodes":      {perID: siteCost},
		"POI.comments":     {whole: true},
		"POI.photos":       {whole: true},
		"POI.amenities":    {whole: true, size: 4},
		"POI.openingHours": {whole: true},

		// What reads a table of each source, or the store of check-ins.
		"Query.operators":     {own: 500},
		"Query.operator":      {own: 100},
		"Query.referenceData": {own: 100},
		"Query.sources":       {size: 6},
		"Query.checkIn":       {own: 100},

		// What is written durably, with a delivery to come: three calls upstream.
		"Mutation.submitCheckIn": {own: 2000},
		"Mutation.retryCheckIn":  {own: 2000},
		// What stays open.
		"Subscription.checkInUpdated": {own: 500},
		"Subscription.commentAdded":   {own: 1000},

		// A map of 250 markers is full.
		"MapView.clusters": {size: 250},
		"MapView.pois":     {size: 250},

		"POI.connections":                  {size: 4},
		"POI.stations":                     {size: 2},
		"POI.evses":                        {size: 4},
		"POI.parking":                      {size: 2},
		"POI.records":                      {size: 2},
		"POI.provenance":                   {size: 25},
		"EVSE.connections":                 {size: 2},
		"EVSE.capabilities":                {size: 4},
		"Station.connections":              {size: 2},
		"OpeningHours.weekly":              {size: 7},
		"OpeningHours.exceptions":          {size: 4},
		"POILinks.providers":               {size: 2},
		"Rating.providerScores":            {size: 1},
		"Operator.aliases":                 {size: 2},
		"Operator.records":                 {size: 2},
		"SourceRecord.metadata":            {size: 2},
		"MatchExplanation.features":        {size: 8},
		"POIConnection.sources":            {size: 6},
		"POIConnection.attributions":       {size: 6},
		"MapView.sources":                  {size: 6},
		"MapView.attributions":             {size: 6},
		"POI.sources":                      {size: 6},
		"CommentConnection.sources":        {size: 6},
		"PhotoConnection.sources":          {size: 6},
		"SourceResult.undecidedFilters":    {size: 1},
		"SubmitCheckInPayload.userErrors":  {size: 1},
		"UserError.field":                  {size: 2},
		"CheckIn.deliveries":               {size: 2},
		"Delivery.lostFields":              {size: 2},
		"ReferenceData.connectionTypes":    {size: 50},
		"ReferenceData.currentTypes":       {size: 4},
		"ReferenceData.chargerTypes":       {size: 3},
		"ReferenceData.statusTypes":        {size: 12},
		"ReferenceData.submissionStatuses": {size: 12},
		"ReferenceData.usageTypes":         {size: 8},
		"ReferenceData.commentTypes":       {size: 8},
		"ReferenceData.checkInStatusTypes": {size: 20},
		"ReferenceData.dataProviders":      {size: 50},
		"ReferenceData.countries":          {size: 250},
	}
}

// meter measures what operations cost. It is safe for concurrent use.
type meter struct {
	schema  *ast.Schema
	weights map[string]weight
}

// newMeter completes the table for the types that describe the schema itself, by
// its own sizes.
func newMeter(schema *ast.Schema) *meter {
	m := &meter{schema: schema, weights: weights()}
	types, fields, arguments, values, inputs := 0.0, 0.0, 0.0, 0.0, 0.0
	for _, t := range schema.Types {
		types++
		if t.Kind == ast.InputObject {
			inputs += float64(len(t.Fields))
		} else {
			fields += float64(len(t.Fields))
		}
		values += float64(len(t.EnumValues))
		for _, f := range t.Fields {
			arguments += float64(len(f.Arguments))
		}
	}
	for name, size := range map[string]float64{
		"__Schema.types": types, "__Schema.directives": float64(len(schema.Directives)),
		"__Type.fields": fields / types, "__Type.inputFields": inputs / types, "__Type.enumValues": values / types,
		"__Type.interfaces": 1, "__Type.possibleTypes": 1,
		"__Field.args": arguments / max(fields, 1), "__Directive.args": 1, "__Directive.locations": 3,
	} {
		m.weights[name] = weight{size: max(size, 1)}
	}
	return m
}

// measure returns what executing a valid operation costs with these variables,
// in time linear in the length of its document. What @skip and @include leave
// out costs nothing. A field that is selected twice costs twice.
func (m *meter) measure(op *ast.OperationDefinition, variables map[string]any) float64 {
	a := appraisal{meter: m, variables: variables, fragments: make(map[string]amount)}
	total := a.set(op.SelectionSet)
	sites := total.sites
	if total.whole {
		sites++
	}
	return total.cost + min(sites, maxDetails)*detailCost
}

// appraisal is one run of measure.
type appraisal struct {
	*meter

	variables map[string]any
	fragments map[string]amount
}

// amount is what a selection set costs for one object. What it costs for each
// entry of a page, where the object is a page, is kept apart: how long the page
// is, only the field above the object knows.
type amount struct {
	cost, perEntry float64
	// sites counts sites below of which all is asked; whole says that the object
	// itself is one, if it is a site.
	sites, sitesPerEntry float64
	whole                bool
}

func (a *amount) add(b amount) {
	a.cost += b.cost
	a.perEntry += b.perEntry
	a.sites += b.sites
	a.sitesPerEntry += b.sitesPerEntry
	a.whole = a.whole || b.whole
}

func (a *appraisal) set(set ast.SelectionSet) (total amount) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			if a.included(selection.Directives) {
				total.add(a.field(selection))
			}
		case *ast.InlineFragment:
			if a.included(selection.Directives) {
				total.add(a.set(selection.SelectionSet))
			}
		case *ast.FragmentSpread:
			if a.included(selection.Directives) {
				total.add(a.fragment(selection))
			}
		}
	}
	return total
}

func (a *appraisal) fragment(spread *ast.FragmentSpread) amount {
	if known, ok := a.fragments[spread.Name]; ok {
		return known
	}
	total := a.set(spread.Definition.SelectionSet)
	a.fragments[spread.Name] = total
	return total
}

func (a *appraisal) field(f *ast.Field) amount {
	if f.Definition == nil || f.ObjectDefinition == nil { // __typename of a root, in some versions of the parser
		return amount{cost: leafCost}
	}
	w := a.weights[f.ObjectDefinition.Name+"."+f.Name]
	own := w.own
	if w.perSource > 0 {
		own += w.perSource * a.sourcesAsked(f)
	}
	if area, ok := a.argument(f, "area").(map[string]any); ok {
		own += pointCost * (points(area["polygon"]) + points(area["route"]))
	}
	entry, below := float64(leafCost), amount{}
	if len(f.SelectionSet) > 0 {
		entry, below = objectCost, a.set(f.SelectionSet)
	}
	if isMeta(f) {
		entry *= introspectionCost
	}
	if below.perEntry > 0 { // f is a page
		page := a.page(f)
		below.cost += page * below.perEntry
		below.sites += page * below.sitesPerEntry
		below.perEntry, below.sitesPerEntry = 0, 0
	}
	// A site of which all is asked is counted where it stands.
	if below.whole {
		below.sites++
		below.whole = false
	}
	below.cost += entry

	switch {
	case f.Definition.Type.Elem == nil:
	case isPageEntries(f):
		return amount{cost: own, perEntry: below.cost, sitesPerEntry: below.sites, whole: w.whole}
	default:
		size := w.size
		if w.perID > 0 {
			size = a.count(f, "ids")
			own += size * w.perID
		}
		if size == 0 {
			size = otherList
		}
		below.cost *= size
		below.sites *= size
	}
	below.cost += own
	below.whole = w.whole
	return below
}

// isPageEntries reports whether f is the list of a page.
func isPageEntries(f *ast.Field) bool {
	return (f.Name == "edges" || f.Name == "nodes") && f.ObjectDefinition.Fields.ForName("pageInfo") != nil
}

// isMeta reports whether f is a field of the types that describe the schema.
func isMeta(f *ast.Field) bool {
	name := f.ObjectDefinition.Name
	return len(name) > 2 && name[:2] == "__"
}

// page returns how many entries of a page f asks for at the most.
func (a *appraisal) page(f *ast.Field) float64 {
	first := a.argument(f, "first")
	if definition := f.Definition.Arguments.ForName("first"); first == nil && definition != nil && definition.DefaultValue != nil {
		first = value(definition.DefaultValue, nil)
	}
	n, ok := number(first)
	if !ok {
		return maxPage
	}
	return min(max(n, 1), maxPage)
}

// sourcesAsked returns how many providers f lets in, or sources where it names them.
func (a *appraisal) sourcesAsked(f *ast.Field) float64 {
	policy, _ := a.argument(f, "sources").(map[string]any)
	for _, name := range []string{"include", "includeIds"} {
		if n := length(policy[name]); n > 0 {
			return n
		}
	}
	return max(providersAsked-length(policy["exclude"]), 1)
}

// count returns the length of a list argument, at least 1.
func (a *appraisal) count(f *ast.Field, name string) float64 {
	return max(length(a.argument(f, name)), 1)
}

// argument returns the value of an argument, nil where it is null or missing.
func (a *appraisal) argument(f *ast.Field, name string) any {
	arg := f.Arguments.ForName(name)
	if arg == nil {
		return nil
	}
	return value(arg.Value, a.variables)
}

// included reports whether neither @skip nor @include leaves a selection out.
func (a *appraisal) included(directives ast.DirectiveList) bool {
	return len(directives) == 0 || !a.holds(directives, "skip", false) && a.holds(directives, "include", true)
}

// holds returns the condition of a directive.
func (a *appraisal) holds(directives ast.DirectiveList, name string, otherwise bool) bool {
	d := directives.ForName(name)
	if d == nil {
		return otherwise
	}
	arg := d.Arguments.ForName("if")
	if arg == nil {
		return otherwise
	}
	holds, ok := value(arg.Value, a.variables).(bool)
	return holds || !ok && otherwise
}

// value returns a value with its variables filled in, nil for null. A number
// beyond all bounds is the greatest that there is.
func value(v *ast.Value, variables map[string]any) any {
	read, _ := v.Value(variables) // valid, but for numbers out of range
	return read
}

// length returns that of a list; one value stands for a list of one.
func length(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case []any:
		return float64(len(v))
	}
	return 1
}

// points returns how many points a polygon or a route has.
func points(line any) float64 {
	members, ok := line.(map[string]any)
	if !ok {
		return 0
	}
	n := length(members["points"])
	if encoded, ok := members["encoded"].(string); ok {
		numbers := 0
		for i := range len(encoded) {
			if encoded[i] < '_' { // the last character of a number
				numbers++
			}
		}
		n += float64(numbers / 2) // latitude and longitude
	}
	return n
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	}
	return 0, false
}

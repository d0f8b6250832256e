package loaders

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"chargegraph/providers"
)

// Reference returns the reference table of the best-ranked source that has one,
// with country (ISO 3166-1 alpha-2) only the connection types in use there. An
// *UnavailableError comes with an older or built-in table, which is still good.
// Without a source that has one, the table is empty.
func (o *Operation) Reference(ctx context.Context, country string) (*providers.Reference, error) {
	for _, p := range o.catalog.sources {
		if referenced, ok := p.(providers.Referenced); ok {
			if country != "" {
				table, err := referenced.Reference(ctx, country)
				o.noteTable(p, err)
				return table, unavailable(p, err)
			}
			return o.table(ctx, p, referenced)
		}
	}
	return &providers.Reference{}, nil
}

// table returns a source's reference table: from memory without waiting, else
// through the loader.
func (o *Operation) table(ctx context.Context, p providers.Provider, referenced providers.Referenced) (*providers.Reference, error) {
	if table, held := referenced.HeldReference(); held {
		o.noteTable(p, nil)
		return table, nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.catalog.timeoutFor(p.Source(), nil))
	defer cancel()
	table, err := o.references.Load(ctx, p.Source().ID)()
	if table == nil {
		table = &providers.Reference{}
	}
	o.noteTable(p, err)
	return table, unavailable(p, err)
}

// noteTable notes that an answer is made of a source's reference table, which
// lives for a day, or of the best there was when it could not be read.
func (o *Operation) noteTable(p providers.Provider, err error) {
	until := o.catalog.now().Add(heldFor)
	if err != nil {
		until = o.catalog.now().Add(hurriedFor)
	}
	o.note(p.Source(), &reading{freshUntil: until})
}

// unavailable wraps what a source said; nil stays nil.
func unavailable(p providers.Provider, err error) error {
	if err == nil {
		return nil
	}
	return &UnavailableError{Source: p.Source(), Err: providers.AsSourceError(err)}
}

// OperatorQuery says which operators are wanted; zero fields ask for nothing.
type OperatorQuery struct {
	Search   string // every word occurs in the title or an alias; case and accents folded
	Country  string // ISO 3166-1 alpha-2: known to operate there
	Provider providers.ProviderCode
}

// Operators returns the operators that the sources know, one for each company,
// by title, then id. An error comes with those of the sources that could be asked.
func (o *Operation) Operators(ctx context.Context, q OperatorQuery) ([]*providers.Operator, error) {
	companies := make(map[string]*providers.Operator)
	var failed error
	for _, p := range o.operatorsFirst() {
		var known []*providers.Operator
		if lister, ok := p.(providers.OperatorLister); ok {
			known = lister.Operators()
			o.noteHeld(p, nil)
		}
		if referenced, ok := p.(providers.Referenced); ok {
			table, err := o.table(ctx, p, referenced)
			if err != nil {
				failed = err
			}
			known = slices.Concat(table.Operators, known)
		}
		for _, operator := range known {
			if company := companies[operator.ID]; company != nil {
				company.Fill(operator)
			} else {
				companies[operator.ID] = operator.Clone()
			}
		}
	}
	var list []*providers.Operator
	for _, company := range companies {
		if q.matches(company) {
			list = append(list, company)
		}
	}
	slices.SortFunc(list, func(a, b *providers.Operator) int {
		return cmp.Or(cmp.Compare(providers.Fold(a.Title), providers.Fold(b.Title)), cmp.Compare(a.ID, b.ID))
	})
	return list, failed
}

// operatorsFirst returns the sources in the order in which they name operators:
// Open Charge Map first, because companies that several providers know go by its ids.
func (o *Operation) operatorsFirst() []providers.Provider {
	list := slices.Clone(o.catalog.sources)
	slices.SortStableFunc(list, func(a, b providers.Provider) int {
		rank := func(p providers.Provider) int {
			if p.Source().Provider == providers.OCM {
				return 0
			}
			return 1
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return list
}

func (q *OperatorQuery) matches(o *providers.Operator) bool {
	if q.Country != "" && !slices.Contains(o.Countries, q.Country) {
		return false
	}
	if q.Provider != "" && !slices.ContainsFunc(o.Records, func(r providers.OperatorRecord) bool { return r.Provider == q.Provider }) {
		return false
	}
	if q.Search == "" {
		return true
	}
	text := providers.Fold(o.Title + "\n" + strings.Join(o.Aliases, "\n"))
	for word := range strings.FieldsSeq(providers.Fold(q.Search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Operator returns the operator that id names by any of its records; nil when
// no source knows it.
func (o *Operation) Operator(ctx context.Context, id string) (*providers.Operator, error) {
	all, err := o.Operators(ctx, OperatorQuery{})
	for _, operator := range all {
		if operator.Is(id) {
			return operator, nil
		}
	}
	return nil, err
}

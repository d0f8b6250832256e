package plugshare

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/upstream"
	"chargegraph/providers/internal/wire"
)

// networksTTL is how long a list of networks counts as fresh: a few come or are
// renamed in a month.
const networksTTL = 24 * time.Hour

// networkIndex finds operators by network id. It is immutable.
type networkIndex struct {
	table     *providers.Reference
	operators map[int]*providers.Operator
}

func newNetworkIndex(t *providers.Reference) *networkIndex {
	x := &networkIndex{table: t, operators: make(map[int]*providers.Operator, len(t.Operators))}
	for _, o := range t.Operators {
		if id, ok := networkIDOf(o); ok {
			x.operators[id] = o
		}
	}
	return x
}

// operator returns the operator behind a network; one that the table does not
// have is called by its number.
func (x *networkIndex) operator(id int) *providers.Operator {
	if o := x.operators[id]; o != nil {
		return o
	}
	return newOperator(id, inventNetwork(id))
}

// networkIDOf returns the id under which this package made an operator.
func networkIDOf(o *providers.Operator) (int, bool) {
	if len(o.Records) == 0 || o.Records[0].Provider != providers.PlugShare {
		return 0, false
	}
	id, err := strconv.Atoi(o.Records[0].ExternalID)
	return id, err == nil
}

func newOperator(id int, title string) *providers.Operator {
	return providers.NewOperator(providers.PlugShare, strconv.Itoa(id), title)
}

// readNetwork maps a network; nil for one without a name.
func readNetwork(id int, w *wireNetwork) *providers.Operator {
	title := clean.Line(string(w.Name))
	if title == "" {
		return nil
	}
	o := newOperator(id, title)
	o.Description = clean.Text(string(w.Description))
	o.Website = clean.URL(string(w.URL))
	o.SignUpURL = clean.URL(string(w.ActionURL))
	o.SignUpLabel = clean.Line(string(w.ActionName))
	o.Logo = clean.URL(string(w.Image))
	o.Phone = cmp.Or(clean.Line(string(w.FormattedPhone)), clean.Line(string(w.Phone)))
	return o
}

// builtinReference returns the table that is known without asking.
func builtinReference() *providers.Reference {
	t := &providers.Reference{}
	for _, n := range builtinNetworks() {
		t.Operators = append(t.Operators, newOperator(n.id, n.title))
	}
	return t
}

// networkCache holds the list of networks.
type networkCache struct {
	*upstream.Table[*networkIndex]
	builtin *networkIndex
	joined  atomic.Pointer[networkIndex] // of the table last joined that is not held
}

// newNetworkCache returns a cache that asks fetch, which returns nil for an
// upstream that has no list.
func newNetworkCache(clock func() time.Time, fetch func(context.Context) (*providers.Reference, error)) *networkCache {
	c := &networkCache{builtin: newNetworkIndex(builtinReference())}
	c.Table = upstream.NewTable(networksTTL, clock, func(ctx context.Context) (*networkIndex, error) {
		table, err := fetch(ctx)
		switch {
		case err != nil:
			return nil, err
		case table == nil:
			return c.best(), nil
		}
		return newNetworkIndex(table), nil
	})
	return c
}

// best returns the newest table there is, however old.
func (c *networkCache) best() *networkIndex { return cmp.Or(c.Best(), c.builtin) }

// indexOf returns the index of a table, building it once for the table last used.
func (c *networkCache) indexOf(t *providers.Reference) *networkIndex {
	if best := c.best(); best.table == t {
		return best
	}
	if last := c.joined.Load(); last != nil && last.table == t {
		return last
	}
	x := newNetworkIndex(t)
	c.joined.Store(x)
	return x
}

// HeldReference implements [providers.Referenced].
func (s *Source) HeldReference() (*providers.Reference, bool) {
	x, ok := s.networks.Fresh()
	if !ok {
		return nil, false
	}
	return x.table, true
}

// Reference implements [providers.Referenced]: PlugShare's networks as
// operators, without the directories among them, and nothing else; the country
// changes nothing. A failure is remembered for a minute; meanwhile the older or
// the built-in table comes at once, with it. Where PlugShare has no such list for
// this key, the built-in one is all there is, and no failure.
func (s *Source) Reference(ctx context.Context, _ string) (*providers.Reference, error) {
	x, err := s.networks.Get(ctx)
	return cmp.Or(x, s.networks.builtin).table, err
}

// fetchNetworks asks for the list of networks, which stands under version 3
// only; nil where there is none.
func (s *Source) fetchNetworks(ctx context.Context) (*providers.Reference, error) {
	path := "networks"
	if !s.client.versioned {
		path = "v3/networks"
	}
	t := &providers.Reference{}
	seen := make(map[int]bool)
	answersOthers := s.client.answers.Load()
	err := s.client.get(ctx, path, nil, func(body io.Reader) error {
		return s.client.eachElement(body, func(raw jsontext.Value) {
			var o wire.Object[wireNetwork]
			if json.Unmarshal(raw, &o, lenient()) != nil {
				return
			}
			id, ok := idOf(o.Value.ID)
			if _, copied := directory(id); !ok || id > maxNetworkID || copied || seen[id] {
				return
			}
			if operator := readNetwork(id, &o.Value); operator != nil {
				seen[id] = true
				t.Operators = append(t.Operators, operator)
			}
		})
	})
	if err == nil && len(t.Operators) == 0 {
		err = upstream.BadResponse("PlugShare answered with a list of networks that has none", nil)
	}
	if err == nil {
		return t, nil
	}
	se := providers.AsSourceError(err)
	// The list is not documented: it may not be there, and a key that opens all
	// else may not open it.
	refused := answersOthers && (se.Code == providers.CodeForbidden || se.Code == providers.CodeRejected)
	if se.Code == providers.CodeNotFound || refused {
		s.log.DebugContext(ctx, "networks not listed", slog.Any("error", se))
		return nil, nil //nolint:nilnil // no list is an answer
	}
	s.log.WarnContext(ctx, "networks not fetched", slog.Any("error", se))
	return nil, se
}

// Join implements [providers.Referenced]. Records are changed in place; what
// came with a record itself stays where the table does not have it.
func (s *Source) Join(t *providers.Reference, records []*providers.Record) {
	if t == nil || t == s.networks.builtin.table {
		return // these rows are in the records already
	}
	x := s.networks.indexOf(t)
	joined := make(map[*providers.Operator]*providers.Operator)
	for _, r := range records {
		if r.Operator == nil {
			continue
		}
		better, ok := joined[r.Operator]
		if !ok {
			better = x.better(r.Operator)
			joined[r.Operator] = better
		}
		r.Operator = better
		for i := range r.Stations {
			r.Stations[i].Operator = better
		}
	}
}

// better returns the table's row of an operator, completed by what the operator
// itself came with; or the operator, if the table has no such row.
func (x *networkIndex) better(o *providers.Operator) *providers.Operator {
	id, _ := networkIDOf(o)
	row := x.operators[id]
	if row == nil || row == o {
		return o
	}
	if o.Description == "" && o.Website == "" && o.SignUpURL == "" && o.Logo == "" && o.Phone == "" {
		return row // a summary knows less
	}
	filled := *row
	filled.Aliases, filled.Records, filled.Countries = slices.Clone(row.Aliases), slices.Clone(row.Records), slices.Clone(row.Countries)
	filled.Fill(o)
	return &filled
}

package plugshare

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers"
)

const (
	// networksTTL is how long a list of networks counts as fresh: a few come or
	// are renamed in a month.
	networksTTL = 24 * time.Hour
	// retryNetworks is how long a failure to fetch it is remembered, so that a
	// broken upstream is not asked by every question.
	retryNetworks = time.Minute
)

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
	title := cleanLine(string(w.Name))
	if title == "" {
		return nil
	}
	o := newOperator(id, title)
	o.Description = cleanText(string(w.Description))
	o.Website = cleanURL(string(w.URL))
	o.SignUpURL = cleanURL(string(w.ActionURL))
	o.SignUpLabel = cleanLine(string(w.ActionName))
	o.Logo = cleanURL(string(w.Image))
	o.Phone = cmp.Or(cleanLine(string(w.FormattedPhone)), cleanLine(string(w.Phone)))
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

// networkCache holds the list of networks. It is fetched by one caller at a
// time; the others wait for it.
type networkCache struct {
	builtin *networkIndex
	clock   func() time.Time
	fetch   func(ctx context.Context) (*providers.Reference, error)
	joined  atomic.Pointer[networkIndex] // of the table last joined that is not held

	mu        sync.Mutex
	index     *networkIndex // the best there is
	fetchedAt time.Time     // zero: never
	failedAt  time.Time
	err       error
	fetching  chan struct{} // closed when the fetch under way ends; nil: none is
}

func newNetworkCache(clock func() time.Time, fetch func(context.Context) (*providers.Reference, error)) *networkCache {
	builtin := newNetworkIndex(builtinReference())
	return &networkCache{builtin: builtin, index: builtin, clock: clock, fetch: fetch}
}

// best returns the newest table there is, however old.
func (c *networkCache) best() *networkIndex {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.index
}

// fresh returns the table if it was fetched, and that not too long ago.
func (c *networkCache) fresh() (*networkIndex, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.index, c.isFresh()
}

func (c *networkCache) isFresh() bool {
	return !c.fetchedAt.IsZero() && c.clock().Sub(c.fetchedAt) < networksTTL
}

// get returns a fresh table, or the best there is and an error.
func (c *networkCache) get(ctx context.Context) (*networkIndex, error) {
	for {
		c.mu.Lock()
		switch {
		case c.isFresh():
			defer c.mu.Unlock()
			return c.index, nil
		case c.err != nil && c.clock().Sub(c.failedAt) < retryNetworks:
			defer c.mu.Unlock()
			return c.index, c.err
		}
		if wait := c.fetching; wait != nil {
			held := c.index
			c.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return held, providers.AsSourceError(ctx.Err())
			}
		}
		c.fetching = make(chan struct{})
		c.mu.Unlock()
		return c.load(ctx)
	}
}

// load fetches the table for everybody who waits for it.
func (c *networkCache) load(ctx context.Context) (*networkIndex, error) {
	ended := false
	defer func() {
		if ended {
			return
		}
		c.mu.Lock() // the fetch panicked: let the next caller try
		defer c.mu.Unlock()
		close(c.fetching)
		c.fetching = nil
	}()
	table, err := c.fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	ended = true
	close(c.fetching)
	c.fetching = nil
	switch {
	case err == nil:
		c.fetchedAt, c.err = c.clock(), nil
		if table != nil {
			c.index = newNetworkIndex(table)
		}
	case ctx.Err() == nil: // a caller who went away says nothing about the upstream
		c.failedAt, c.err = c.clock(), err
	}
	return c.index, err
}

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
	x, ok := s.networks.fresh()
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
	x, err := s.networks.get(ctx)
	if err != nil {
		return x.table, providers.AsSourceError(err)
	}
	return x.table, nil
}

// fetchNetworks asks for the list of networks, which stands under version 3
// only; nil where there is none.
func (s *Source) fetchNetworks(ctx context.Context) (*providers.Reference, error) {
	path := []string{"networks"}
	if !s.client.versioned() {
		path = []string{"v3", "networks"}
	}
	t := &providers.Reference{}
	seen := make(map[int]bool)
	answersOthers := s.client.answers.Load()
	err := s.client.get(ctx, path, nil, func(body io.Reader) error {
		return eachElement(body, func(raw jsontext.Value) {
			var o object[wireNetwork]
			if json.Unmarshal(raw, &o, lenient()) != nil {
				return
			}
			id, ok := o.value.ID.id()
			if _, copied := directory(id); !ok || id > maxNetworkID || copied || seen[id] {
				return
			}
			if operator := readNetwork(id, &o.value); operator != nil {
				seen[id] = true
				t.Operators = append(t.Operators, operator)
			}
		})
	})
	if err == nil && len(t.Operators) == 0 {
		err = badResponse("PlugShare answered with a list of networks that has none", nil)
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

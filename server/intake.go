package server

import (
	"container/list"
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/server/access"
)

// What requests may take up before anything of them is executed. A body is read
// at the speed of its sender, and decoded it takes ten to forty times its length.
const (
	// longBody is from when on a body is one of few: operations that people write
	// have some kilobytes.
	longBody = 16 << 10
	// longShare is how many long ones a caller may send at once.
	longShare = 8
	// maxBodies bounds all bodies of one caller that are on their way: whoever sends
	// them slowly holds 4 MB.
	maxBodies = 100
	// bodyRoom is the memory for all bodies of all callers that are on their way:
	// those of a thousand small requests, or thirty of the longest.
	bodyRoom = 32 << 20
	// requestBytes is what a request takes beside its body, until it has come.
	requestBytes = 24 << 10
	// bodyGrace is how long a body may take in any case. After that it is cut off
	// when there is no room for others.
	bodyGrace = 2 * time.Second
	// largeText is from when on a request is decoded and executed in turn with others
	// of its kind: only lists of thousands of points have as much.
	largeText = 64 << 10
	// largeCost is from when on an operation is executed so: a page of some 200 sites.
	// Its list alone would stand before everybody else's, for as long as it takes.
	largeCost = 20_000
	// leastTurns is how many of them are worked on at once, or one for each core where
	// there are more: 40 MB at worst. The others wait, as they would for a core.
	leastTurns = 2
	// patience is how long a request waits for its place.
	patience = 5 * time.Second
	// maxValues bounds the values in one body: 10,000 points have 30,000.
	maxValues = 40_000
	// maxNesting bounds how deep they stand within each other: a filter with five
	// `not` in each other is some 10 deep.
	maxNesting = 100

	// textPerCost is how many bytes of a request take as long to read as a scalar
	// takes to write, see leafCost.
	textPerCost = 16
	// documentPerCost is the same for a document that is parsed and validated, be it
	// for nothing.
	documentPerCost = 8
)

// intake counts the bodies that are on their way.
type intake struct {
	bodies, long access.Concurrency // by caller
	room         room
	large        turns
}

func newIntake() *intake {
	return &intake{room: room{left: bodyRoom}, large: turns{most: max(leastTurns, runtime.GOMAXPROCS(0))}}
}

// account returns whom the body of a request is counted for.
func account(ctx context.Context) string {
	if p := payerOf(ctx); p != nil {
		return p.account
	}
	return ""
}

// begin counts a body in that a caller begins to send, of length bytes as far as
// that is known. cut ends its reading; it must not wait.
func (i *intake) begin(ctx context.Context, length int, cut func()) (end func(), refused *refusal) {
	if length > longBody {
		return i.beginLong(ctx, length, cut)
	}
	leave, ok := i.bodies.Enter(account(ctx), maxBodies)
	if !ok {
		return nil, tooManyAtOnce("bodies", "%d requests of this caller are on their way; send them one after another", maxBodies)
	}
	return i.enter(ctx, leave, length, cut)
}

// beginLong does so for a body that is long.
func (i *intake) beginLong(ctx context.Context, length int, cut func()) (end func(), refused *refusal) {
	leave, ok := i.long.Enter(account(ctx), longShare)
	if !ok {
		return nil, tooManyAtOnce("longBodies", "%d long requests of this caller are on their way; send them one after another", longShare)
	}
	return i.enter(ctx, leave, length, cut)
}

// enter waits until there is room for a body.
func (i *intake) enter(ctx context.Context, leave func(), length int, cut func()) (end func(), refused *refusal) {
	free, ok := i.room.take(ctx, length+requestBytes, cut)
	if !ok {
		leave()
		return nil, tooMuchWork()
	}
	return func() { free(); leave() }, nil
}

// room is the memory of bodies that are on their way. Whoever takes longest makes
// room for the others when there is none: senders that are slow on purpose are
// always the slowest.
type room struct {
	mu      sync.Mutex
	left    int
	taken   list.List     // of *taken, in the order of their beginning
	changed chan struct{} // closed when there is more room; nil: nobody waits
}

type taken struct {
	size  int
	began time.Time
	cut   func() // nil once it was called
}

// take waits for room, for as long as patience lasts. free gives it back.
func (r *room) take(ctx context.Context, size int, cut func()) (free func(), ok bool) {
	free, changed := r.try(size, cut)
	if free != nil {
		return free, true
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	again := time.NewTicker(bodyGrace / 10) // somebody's grace may end
	defer again.Stop()
	for {
		select {
		case <-changed:
		case <-again.C:
		case <-late.C:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
		if free, changed = r.try(size, cut); free != nil {
			return free, true
		}
	}
}

// try takes room if there is enough; else it cuts off whoever takes longest, and
// returns what is closed when there is more room.
func (r *room) try(size int, cut func()) (free func(), changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if size > r.left {
		missing := size - r.left
		for e := r.taken.Front(); e != nil && missing > 0; e = e.Next() {
			t, _ := e.Value.(*taken) // nothing else is in the list
			if now.Sub(t.began) < bodyGrace {
				break
			}
			missing -= t.size
			if t.cut != nil {
				t.cut()
				t.cut = nil
			}
		}
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		return nil, r.changed
	}
	r.left -= size
	e := r.taken.PushBack(&taken{size, now, cut})
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.taken.Remove(e)
		r.left += size
		if r.changed != nil {
			close(r.changed)
			r.changed = nil
		}
	}, nil
}

// turn waits until a request may be worked on that is large by its length or by
// what it costs. end lets the next one begin.
func (i *intake) turn(ctx context.Context) (end func(), refused *refusal) {
	end, ok := i.large.take(ctx, account(ctx))
	if !ok {
		return nil, tooMuchWork()
	}
	return end, nil
}

type inTurnKey struct{}

// largeText waits for the turn of a request of that length, if it takes one. done
// may be called again.
func (s *service) largeText(ctx context.Context, length int) (_ context.Context, done func(), refused *refusal) {
	if length <= largeText {
		return ctx, func() {}, nil
	}
	done, refused = s.intake.turn(ctx)
	if refused != nil {
		return ctx, nil, refused
	}
	return context.WithValue(ctx, inTurnKey{}, true), sync.OnceFunc(done), nil
}

// largeCost does so for the operation under way, by its cost. A request that has
// its turn keeps it.
func (s *service) largeCost(ctx context.Context) (done func(), refused *refusal) {
	if chargeOf(ctx) <= largeCost || ctx.Value(inTurnKey{}) != nil {
		return func() {}, nil
	}
	done, refused = s.intake.turn(ctx)
	if refused != nil {
		return nil, refused
	}
	return sync.OnceFunc(done), nil
}

// turns lets so many work at once, of one caller half of them; the others wait, in
// the order in which they came.
type turns struct {
	most int

	mu      sync.Mutex
	working int
	by      map[string]int
	queue   list.List // of *waiter
}

type waiter struct {
	account string
	begin   chan struct{} // closed when it may
}

// take waits for a turn, for as long as patience lasts.
func (t *turns) take(ctx context.Context, account string) (end func(), ok bool) {
	t.mu.Lock()
	w := &waiter{account, make(chan struct{})}
	at := t.queue.PushBack(w)
	t.next()
	t.mu.Unlock()
	end = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.working--
		if t.by[account]--; t.by[account] == 0 {
			delete(t.by, account)
		}
		t.next()
	}
	select {
	case <-w.begin:
		return end, true
	default:
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-w.begin:
		return end, true
	case <-late.C:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-w.begin: // at this very moment
		return end, true
	default:
	}
	t.queue.Remove(at)
	return nil, false
}

// next lets those begin who may. The caller holds mu.
func (t *turns) next() {
	share := max(t.most/2, 1)
	for e := t.queue.Front(); e != nil && t.working < t.most; {
		w, _ := e.Value.(*waiter) // nothing else is in the list
		next := e.Next()
		if t.by[w.account] < share {
			if t.by == nil {
				t.by = make(map[string]int)
			}
			t.working++
			t.by[w.account]++
			t.queue.Remove(e)
			close(w.begin)
		}
		e = next
	}
}

func tooManyAtOnce(limit, format string, most int) *refusal {
	err := coded(codeRateLimited, format, most)
	err.Extensions["limit"], err.Extensions["max"], err.Extensions["value"] = limit, most, most+1
	return &refusal{http.StatusTooManyRequests, err}
}

func tooMuchWork() *refusal {
	return &refusal{http.StatusServiceUnavailable, coded(codeUnavailable, "as many long requests are under way here as there may be; ask again later, or send less")}
}

// checkShape refuses JSON of so many values, or so deep in each other, that
// decoding it would take too much memory, or time that grows with the square.
func checkShape[T string | []byte](text T) *refusal {
	values, depth := shapeOf(text)
	err := exceeded("values", values, maxValues, "the request has %d values; at most %d are taken: send long lines as encoded polylines")
	if err == nil {
		err = exceeded("nesting", depth, maxNesting, "lists and objects stand %d deep within each other in the request; at most %d are taken")
	}
	if err != nil {
		return &refusal{http.StatusBadRequest, err}
	}
	return nil
}

// shapeOf returns how many values a JSON text has at the most, and how deep they
// stand within each other. The text need not be valid.
func shapeOf[T string | []byte](text T) (values, deepest int) {
	values = 1
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ',':
			values++
		case '[', '{':
			values++
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return values, deepest
}

// chargeDocument charges for a document that is to be parsed and validated. One
// that is not valid is never executed, and would cost its sender nothing else.
func (s *service) chargeDocument(ctx context.Context, text string) (*gqlerror.Error, time.Duration) {
	if text == "" {
		return nil, 0
	}
	if _, ok := s.known.Get(ctx, text); ok {
		return nil, 0
	}
	return s.charge(ctx, float64(len(text)/documentPerCost))
}

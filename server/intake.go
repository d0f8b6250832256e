package server

import (
	"context"
	"net/http"
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
	// maxLongBodies bounds those that are on their way: 64 MB.
	maxLongBodies = 64
	// longShare is how many of them one caller may send.
	longShare = 8
	// maxBodies bounds all bodies of one caller that are on their way: whoever sends
	// them slowly holds 2 MB.
	maxBodies = 100
	// largeText is from when on a request is decoded and executed beside few of its
	// kind: only lists of thousands of points have as much.
	largeText = 64 << 10
	// maxLarge is beside how many: 80 MB at worst. The others wait, as they would
	// for a core.
	maxLarge = 4
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
	reading      chan struct{}
	decoded      chan struct{}
}

func newIntake() *intake {
	return &intake{reading: make(chan struct{}, maxLongBodies), decoded: make(chan struct{}, maxLarge)}
}

// account returns whom the body of a request is counted for.
func account(ctx context.Context) string {
	if p := payerOf(ctx); p != nil {
		return p.account
	}
	return ""
}

// begin counts a body in that a caller begins to send.
func (i *intake) begin(ctx context.Context) (end func(), refused *refusal) {
	end, ok := i.bodies.Enter(account(ctx), maxBodies)
	if !ok {
		return nil, tooManyAtOnce("bodies", "%d requests of this caller are on their way; send them one after another", maxBodies)
	}
	return end, nil
}

// beginLong counts a body in that turns out to be long.
func (i *intake) beginLong(ctx context.Context) (end func(), refused *refusal) {
	leave, ok := i.long.Enter(account(ctx), longShare)
	if !ok {
		return nil, tooManyAtOnce("longBodies", "%d long requests of this caller are on their way; send them one after another", longShare)
	}
	free, ok := wait(ctx, i.reading)
	if !ok {
		leave()
		return nil, tooMuchWork()
	}
	return func() { free(); leave() }, nil
}

// decode waits until a request of that length may be decoded.
func (i *intake) decode(ctx context.Context, length int) (end func(), refused *refusal) {
	if length <= largeText {
		return func() {}, nil
	}
	end, ok := wait(ctx, i.decoded)
	if !ok {
		return nil, tooMuchWork()
	}
	return end, nil
}

// wait takes one of the places, when there is one in time.
func wait(ctx context.Context, places chan struct{}) (leave func(), ok bool) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	case <-late.C:
	case <-ctx.Done():
	}
	return nil, false
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
func checkShape(text string) *refusal {
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
func shapeOf(text string) (values, deepest int) {
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

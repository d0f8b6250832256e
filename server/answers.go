package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chargegraph/loaders"
)

// Kept is a finished answer as it is kept for whoever asks the same again.
type Kept struct {
	Body        []byte
	Tags        []string // it is dropped when what one of them names changes
	MadeAt      time.Time
	FreshUntil  time.Time
	ProcessOnly bool // never leaves the memory of this process
}

// Answers keeps finished answers for seconds. It is safe for concurrent use.
type Answers interface {
	// Get returns the answer under key unless it is too old, or something in it
	// has changed.
	Get(ctx context.Context, key string) (Kept, bool)
	Put(ctx context.Context, key string, k Kept)
}

const (
	// keptFor is how long an answer is kept at most: a person who looks again
	// sooner sees the same, and a thousand people who look at one place cost one
	// execution in this time.
	keptFor = 10 * time.Second
	// maxKept bounds an answer that is kept: 500 sites with everything are 5 MB.
	maxKept = 8 << 20
	// keptCost is what an answer that is kept is charged with: sending it takes
	// some 20 µs of one core, where a scalar that is executed takes 1.5.
	keptCost = 15
)

// answerKey names what a request would be answered with: its own bytes, the form
// of the answer, and what of its caller shows in it. Only queries are ever kept
// under it.
func (s *service) answerKey(ctx context.Context, method, media, text string) string {
	var key strings.Builder
	key.Grow(len(text) + 64)
	key.WriteString(method)
	key.WriteByte(' ')
	key.WriteString(media)
	if payer := payerOf(ctx); payer != nil {
		// extensions.cost names the most that this caller may ask for.
		key.WriteByte(' ')
		key.WriteString(strconv.Itoa(payer.limits.MaxCost))
		key.WriteByte('/')
		key.WriteString(strconv.FormatFloat(payer.limits.Burst, 'g', -1, 64))
	}
	key.WriteByte('\n')
	key.WriteString(text)
	return key.String()
}

// keep keeps an answer that was asked for at the time began, as far as everything
// it is made of allows.
func (s *service) keep(ctx context.Context, key string, began time.Time, fresh loaders.Freshness, pieces [3][]byte) {
	until := began.Add(keptFor)
	if fresh.FreshUntil.Before(until) {
		until = fresh.FreshUntil
	}
	size := len(pieces[0]) + len(pieces[1]) + len(pieces[2])
	if !fresh.Storable || !until.After(time.Now()) || size > maxKept {
		return
	}
	body := make([]byte, 0, size)
	for _, p := range pieces {
		body = append(body, p...)
	}
	s.cfg.Answers.Put(ctx, key, Kept{Body: body, Tags: fresh.Tags, MadeAt: began, FreshUntil: until, ProcessOnly: fresh.ProcessOnly})
}

// writeKept sends an answer that was kept.
func (s *service) writeKept(w http.ResponseWriter, media string, k *Kept) {
	s.head(w, http.StatusOK, media, len(k.Body))
	_, _ = w.Write(k.Body)
}

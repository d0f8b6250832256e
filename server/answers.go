package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"chargegraph/loaders"
)

// Kept is a finished answer as it is kept for whoever asks the same again.
type Kept struct {
	Body        []byte
	Tags        []string // it is dropped when what one of them names changes; Get leaves them out
	MadeAt      time.Time
	FreshUntil  time.Time
	ProcessOnly bool // never leaves the memory of this process
	// DataUntil is how long what it was made of counts as fresh, which may be
	// longer than the answer is kept.
	DataUntil time.Time
	ETag      string // of the body; "" where the request was no GET
	// Packed returns the body in a content coding: as pack returned it when it was
	// first asked for. It is set by Get; nil: it is packed each time.
	Packed func(coding string, pack func() []byte) []byte
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
func (s *service) answerKey(ctx context.Context, method, media string, text []byte) string {
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
	key.Write(text)
	return key.String()
}

// tellsOfTheMoment reports whether the answer says how the cache was used for it,
// or how a source does: that is true of this one only, not of the next one to the
// same question.
func tellsOfTheMoment(op *graphql.OperationContext) bool {
	return anyIn(op.Operation.SelectionSet, make(map[string]bool), func(s ast.Selection) bool {
		f, ok := s.(*ast.Field)
		if !ok {
			return false
		}
		switch f.ObjectDefinition.Name {
		case "SourceResult":
			return f.Name == "cache"
		case "Source":
			return slices.Contains([]string{"health", "budget", "lastSuccessAt", "lastError"}, f.Name)
		}
		return false
	})
}

// keep keeps an answer that was asked for at the time began, as far as everything
// it is made of allows.
func (s *service) keep(ctx context.Context, key string, began time.Time, fresh loaders.Freshness, etag string, pieces [3][]byte) {
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
	s.cfg.Answers.Put(ctx, key, Kept{
		Body: body, Tags: fresh.Tags, MadeAt: began, FreshUntil: until, ProcessOnly: fresh.ProcessOnly, DataUntil: fresh.FreshUntil, ETag: etag,
	})
}

// writeKept sends an answer that was kept.
func (s *service) writeKept(w http.ResponseWriter, r *http.Request, media string, k *Kept) {
	control := uncached
	if r.Method == http.MethodGet {
		control = s.cacheControl(loaders.Freshness{Storable: true, ProcessOnly: k.ProcessOnly, FreshUntil: k.DataUntil})
	}
	if s.notModified(w, r, control, k.ETag) {
		s.cfg.Metrics.gaveKept(0)
		return
	}
	s.cfg.Metrics.gaveKept(len(k.Body))
	body := k.Body
	if coding := codingFor(r.Header.Values("Accept-Encoding")); coding != "" && k.Packed != nil && len(body) >= minCompressed {
		body = k.Packed(coding, func() []byte { return s.packer.pack(coding, k.Body) })
		w.Header().Set("Content-Encoding", coding) // which tells compressed to leave it as it is
	}
	s.head(w, http.StatusOK, media, len(body), control)
	_, _ = w.Write(body)
}

const (
	// uncached is what HTTP caches are told of answers that are nobody else's, or
	// that may not lie about.
	uncached = "no-store"
	// maxHTTPAge bounds how long HTTP caches keep an answer: nobody can tell them
	// that something in it has changed.
	maxHTTPAge = time.Minute
)

// cacheControl says for how long HTTP caches may keep an answer to a GET: as long
// as everything that it was made of is fresh, and not at all where a licence
// keeps some of it in this process. Shared caches may where everybody may read.
func (s *service) cacheControl(fresh loaders.Freshness) string {
	age := min(time.Until(fresh.FreshUntil), maxHTTPAge).Truncate(time.Second)
	if !fresh.Storable || fresh.ProcessOnly || age <= 0 {
		return uncached
	}
	who := "public"
	if s.cfg.Access != nil && !s.cfg.Access.AnonymousReads() {
		who = "private"
	}
	return who + ", max-age=" + strconv.Itoa(int(age.Seconds()))
}

// etagOf returns the entity tag of a body. It is weak, because the body may be
// packed on its way.
func etagOf(pieces [3][]byte) string {
	h := sha256.New()
	for _, p := range pieces {
		_, _ = h.Write(p) // it never fails
	}
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]) + `"`
}

// notModified answers a GET whose client has the body already, and reports
// whether it did.
func (s *service) notModified(w http.ResponseWriter, r *http.Request, control, etag string) bool {
	if etag == "" || control == uncached {
		return false
	}
	w.Header().Set("ETag", etag)
	for known := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if known = strings.TrimSpace(known); known == "*" || strings.TrimPrefix(known, "W/") == strings.TrimPrefix(etag, "W/") {
			w.Header().Set("Cache-Control", control)
			w.Header().Add("Vary", vary)
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// vary names what else an answer depends on, beside what packing and CORS add.
const vary = "Accept"

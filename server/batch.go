package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// isBatch reports whether a body is an array.
func isBatch(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("["))
}

// spent is what the operations of one batch have cost so far: together they may
// cost no more than one operation.
type spent struct{ cost float64 }

type batchKey struct{}

func batchOf(ctx context.Context) *spent {
	s, _ := ctx.Value(batchKey{}).(*spent)
	return s
}

func (s *spent) add(cost float64, limit int) *gqlerror.Error {
	s.cost += cost
	return exceeded("cost", atMost(s.cost), limit, "the operations of this batch cost %d up to here; at most %d is taken: send them one by one")
}

// serveBatch executes the operations of an array one after another, and answers
// with the array of their answers. One deadline holds for all of them.
func (s *service) serveBatch(ctx context.Context, w http.ResponseWriter, r *http.Request, body []byte, media string) {
	if refused := checkShape(body); refused != nil {
		s.refuseRequest(w, r, refused)
		return
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(body, &entries); err != nil {
		s.refuseRequest(w, r, refuse(http.StatusBadRequest, "the body is not valid JSON"))
		return
	}
	switch n := len(entries); {
	case n == 0:
		s.refuseRequest(w, r, refuse(http.StatusBadRequest, "the array is empty; send at least one operation"))
		return
	case n > s.cfg.MaxBatch:
		err := exceeded("batch", n, s.cfg.MaxBatch, "the array has %d operations; at most %d are taken")
		s.refuseRequest(w, r, &refusal{http.StatusBadRequest, err})
		return
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, batchKey{}, &spent{}), s.cfg.OperationTimeout)
	defer cancel()
	var out bytes.Buffer
	mark := byte('[')
	for _, entry := range entries {
		out.WriteByte(mark)
		mark = ','
		one := withOperation(graphql.StartOperationTrace(ctx), s.cfg.MaxErrors)
		params, refused := parseBody(entry)
		var a answer
		if refused != nil {
			a = answer{status: refused.status, response: s.exec.DispatchError(one, gqlerror.List{refused.err})}
		} else {
			params.Headers = r.Header
			params.ReadTime = graphql.TraceTiming{Start: time.Now(), End: time.Now()}
			a = s.execute(one, r.Method, params, media, nil)
		}
		pieces, err := encode(a)
		if err != nil {
			a = answer{response: s.exec.DispatchError(one, gqlerror.List{gqlerror.Wrap(err)})}
			pieces, _ = encode(a)
		}
		for _, p := range pieces {
			out.Write(bytes.TrimRight(p, "\n"))
		}
	}
	out.WriteString("]\n")
	s.head(w, http.StatusOK, media, out.Len(), uncached)
	_, _ = w.Write(out.Bytes())
}

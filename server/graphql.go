package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/resolvers"
	"chargegraph/server/access"
)

const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"

	allowedMethods = "GET, OPTIONS, POST"

	// bodyTimeout bounds how long a client may take to send a body.
	bodyTimeout = 20 * time.Second

	// slowOperation is the time from which on an operation is worth a line.
	slowOperation = time.Second
)

// answer is a response on its way to the client.
type answer struct {
	status int
	// executed: data belongs into the answer, be it null. Without it the
	// request failed before anything was executed.
	executed bool
	response *graphql.Response

	name       string             // of the operation; "" if it has none
	fresh      *loaders.Freshness // nil: it is not to be kept
	retryAfter time.Duration      // 0: no time is known
	sent       bool               // the client has it already
}

// refusal is a request that is not even tried.
type refusal struct {
	status int
	err    *gqlerror.Error
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status, coded(codeBadUserInput, format, args...)}
}

func options(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", allowedMethods)
	w.WriteHeader(http.StatusNoContent)
}

// otherMethod refuses all methods but those of GraphQL over HTTP.
func (s *service) otherMethod(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", allowedMethods)
	s.refuseUnread(w, r, refuse(http.StatusMethodNotAllowed, "send operations with POST, or queries with GET"))
}

// asked is a request that has come in whole.
type asked struct {
	text  []byte // its body, or its query string
	parse func() (*graphql.RawParams, *refusal)
}

// params returns what is asked, with the head of r, whose reading began at start.
func (a asked) params(r *http.Request, start time.Time) (*graphql.RawParams, *refusal) {
	params, refused := a.parse()
	if refused != nil {
		return nil, refused
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: time.Now()}
	return params, nil
}

func (s *service) post(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(ctx context.Context) (asked, *refusal) { //nolint:contextcheck // it takes the request's own
		if refused := checkContentType(r.Header.Get("Content-Type")); refused != nil {
			return asked{}, refused
		}
		if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
			w.Header().Set("Accept-Encoding", "identity")
			return asked{}, refuse(http.StatusUnsupportedMediaType, "send the body as it is, without Content-Encoding")
		}
		body, refused := s.readBody(ctx, w, r)
		if refused != nil {
			return asked{}, refused
		}
		return asked{body, func() (*graphql.RawParams, *refusal) { return parseBody(body) }}, nil
	})
}

func (s *service) get(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD, which the pattern lets in
		w.Header().Set("Allow", allowedMethods)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Upgrade") != "" {
		s.serveSocket(w, r)
		return
	}
	s.serve(w, r, func(context.Context) (asked, *refusal) { //nolint:contextcheck // it takes the request's own
		text := r.URL.RawQuery
		if int64(len(text)) > s.cfg.MaxBodyBytes {
			return asked{}, s.tooLong(http.StatusRequestURITooLong, "query string", int64(len(text)))
		}
		return asked{[]byte(text), func() (*graphql.RawParams, *refusal) { return parseURL(text) }}, nil
	})
}

// serve reads, executes and answers one request, or answers what was kept of an
// equal one.
func (s *service) serve(w http.ResponseWriter, r *http.Request, read func(context.Context) (asked, *refusal)) {
	start := time.Now()
	ctx, refused := s.admit(w, r)
	if refused != nil {
		s.refuseUnread(w, r, refused)
		return
	}
	question, refused := read(ctx)
	if refused != nil {
		s.refuseUnread(w, r, refused)
		return
	}
	media := negotiate(r.Header.Values("Accept"))
	events := wantsEvents(r)
	key := ""
	if s.cfg.Answers != nil && !events {
		key = s.answerKey(ctx, r.Method, media, question.text)
		if kept, ok := s.cfg.Answers.Get(ctx, key); ok {
			if err, wait := s.charge(ctx, keptCost); err != nil {
				retryAfter(w, wait)
				s.refuseRequest(w, r, &refusal{http.StatusTooManyRequests, err})
				return
			}
			s.writeKept(w, r, media, &kept)
			return
		}
	}
	if err, wait := s.charge(ctx, float64(len(question.text)/textPerCost)); err != nil {
		retryAfter(w, wait)
		s.refuseRequest(w, r, &refusal{http.StatusTooManyRequests, err})
		return
	}
	if events {
		if err := exceeded("streamBytes", len(question.text), largeText, "a request for a stream has %d bytes; at most %d are taken"); err != nil {
			s.refuseRequest(w, r, &refusal{http.StatusRequestEntityTooLarge, err})
			return
		}
		params, wrong := question.params(r, start)
		if wrong != nil {
			s.refuseRequest(w, r, wrong)
			return
		}
		s.serveEvents(w, r.WithContext(ctx), params, len(question.text))
		return
	}
	leave, refused := s.enter(ctx)
	if refused != nil {
		s.refuseRequest(w, r, refused)
		return
	}
	defer leave()
	ctx, done, refused := s.largeText(ctx, len(question.text))
	if refused != nil {
		s.refuseRequest(w, r, refused)
		return
	}
	defer done()
	if r.Method == http.MethodPost && s.cfg.MaxBatch > 1 && isBatch(question.text) {
		s.serveBatch(ctx, w, r, question.text, media)
		return
	}
	params, refused := question.params(r, start)
	if refused != nil {
		s.refuseRequest(w, r, refused)
		return
	}
	ctx = withOperation(graphql.StartOperationTrace(ctx), s.cfg.MaxErrors)
	a := s.execute(ctx, r.Method, params, media, partsFor(w, r))
	done() // sending it takes as long as the client likes
	if a.sent {
		return
	}
	if a.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	retryAfter(w, a.retryAfter)
	if len(a.response.Errors) > 0 {
		a.fresh = nil // an error is nothing to keep
	}
	pieces, etag := s.write(w, r, a)
	if key != "" && a.fresh != nil {
		s.keep(ctx, key, start, *a.fresh, etag, pieces)
	}
}

// refuseUnread answers a request whose body may not have come yet. Where it is
// long, nothing more is read from that connection.
func (s *service) refuseUnread(w http.ResponseWriter, r *http.Request, refused *refusal) {
	if r.ProtoMajor == 1 && (r.ContentLength < 0 || r.ContentLength > longBody) {
		w.Header().Set("Connection", "close")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTimeout))
	s.refuseRequest(w, r, refused)
}

// refuseRequest answers a request that is not even tried.
func (s *service) refuseRequest(w http.ResponseWriter, r *http.Request, refused *refusal) {
	ctx := withOperation(graphql.StartOperationTrace(r.Context()), s.cfg.MaxErrors)
	s.write(w, r, answer{status: refused.status, response: s.exec.DispatchError(ctx, gqlerror.List{refused.err})})
}

// admit returns the context of a request: by whom it is, and who pays for it.
func (s *service) admit(w http.ResponseWriter, r *http.Request) (context.Context, *refusal) {
	if s.cfg.Access == nil {
		return r.Context(), nil
	}
	caller, err := s.cfg.Access.Identify(r.Context(), r.Header)
	if err != nil {
		return nil, s.notIdentified(w, err)
	}
	return s.asCaller(r.Context(), caller, r), nil
}

// asCaller returns the context of what caller asks by r.
func (s *service) asCaller(ctx context.Context, caller access.Caller, r *http.Request) context.Context {
	ctx = access.WithCaller(ctx, caller)
	ctx = context.WithValue(ctx, payerKey{}, &payer{caller.Account(s.remoteOf(r)), caller.Limits})
	denied := caller.MayCheckIn()
	if denied == nil {
		return resolvers.WithCaller(ctx, caller.ID)
	}
	if known, ok := errors.AsType[*access.Error](denied); ok && known.Code == access.Forbidden {
		return resolvers.WithoutCaller(ctx, &providers.UserError{Code: providers.UserErrorForbidden, Message: known.Message})
	}
	return ctx
}

// notIdentified says why a request's caller is not let in.
func (s *service) notIdentified(w http.ResponseWriter, err error) *refusal {
	denied, ok := errors.AsType[*access.Error](err)
	if !ok {
		return &refusal{http.StatusInternalServerError, gqlerror.Wrap(err)}
	}
	if denied.Code == access.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	retryAfter(w, denied.RetryAfter)
	return &refusal{denied.Status(), coded(string(denied.Code), "%s", denied.Message)}
}

// execute runs one operation, within the time it has. Where the operation defers
// something, the answer is sent to pieces; nil refuses such an operation.
func (s *service) execute(ctx context.Context, method string, params *graphql.RawParams, media string, pieces *parts) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.OperationTimeout)
	defer cancel()
	// Panics of resolvers end in their field. One that arrives here is that of
	// the executor or of a middleware.
	defer func() {
		if v := recover(); v != nil {
			ctx = withOperation(ctx, s.cfg.MaxErrors) // the other errors go with the data
			a = answer{status: http.StatusInternalServerError, response: s.exec.DispatchError(ctx, gqlerror.List{s.panicked(ctx, v)})}
		}
	}()

	name := ""
	refused := func(status int, errs ...*gqlerror.Error) answer {
		return answer{status: status, name: name, response: s.exec.DispatchError(ctx, errs)}
	}
	if err, wait := s.chargeDocument(ctx, params.Query); err != nil {
		a = refused(http.StatusTooManyRequests, err)
		a.retryAfter = wait
		return a
	}
	op, errs := s.exec.CreateOperationContext(ctx, params)
	ctx = graphql.WithOperationContext(ctx, op)
	name = operationName(ctx)
	if len(errs) > 0 {
		return refused(status(media), nameMissing(op, sayNumbers(errs, params.Variables))...)
	}
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription:
		return refused(http.StatusNotAcceptable, coded(codeBadUserInput, "a subscription is a stream: open it over WebSocket (%s) or with Accept: %s", subprotocol, mediaEvents))
	case method == http.MethodGet && kind != ast.Query:
		return refused(http.StatusMethodNotAllowed, noMutationByGET())
	}
	deferred := defers(op)
	if deferred && pieces == nil {
		return refused(status(media), noPieces())
	}
	if err, wait := s.charge(ctx, chargeOf(ctx)); err != nil {
		a = refused(http.StatusTooManyRequests, err)
		a.retryAfter = wait
		return a
	}
	if spent := batchOf(ctx); spent != nil {
		if err := spent.add(chargeOf(ctx), s.cfg.Limits.Cost); err != nil {
			return refused(http.StatusOK, err)
		}
	}
	done, busy := s.largeCost(ctx)
	if busy != nil {
		return refused(busy.status, busy.err)
	}
	defer done()
	next, ctx := s.exec.DispatchOperation(ctx, op)
	if response := next(ctx); response != nil {
		if deferred {
			done() // what comes later waits for sources, and for the client
			pieces.sendAll(ctx, op.Operation.SelectionSet, response, next)
			return answer{sent: true}
		}
		a = answer{status: http.StatusOK, name: name, executed: true, response: response}
		if op.Operation.Operation == ast.Query && s.cfg.Freshness != nil && !tellsOfTheMoment(op) {
			a.fresh = new(s.cfg.Freshness(ctx))
		}
		return a
	}
	// Its time was up before it began.
	err := coded(codeTimeout, timeoutMessage)
	if errors.Is(ctx.Err(), context.Canceled) {
		err = coded(codeTimeout, canceledMessage)
	}
	return refused(http.StatusGatewayTimeout, err)
}

// status returns that of an operation that is not valid: what went over HTTP was
// in order, as clients of application/json see it.
func status(media string) int {
	if media == mediaGraphQL {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

func noPieces() *gqlerror.Error {
	return coded(codeBadUserInput, "@defer needs an answer in pieces: send Accept: %s, or leave it out", mediaMultipart)
}

// chargeOf returns what the operation under way is charged with.
func chargeOf(ctx context.Context) float64 {
	cost, _ := CostOf(ctx)
	return float64(cost.Requested)
}

// mark goes around every response, also those of refused requests.
func (s *service) mark(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil {
		return nil
	}
	if response.Extensions == nil {
		response.Extensions = make(map[string]any)
	}
	if s.cfg.Sandbox {
		response.Extensions["sandbox"] = true
	}
	if cost, known := CostOf(ctx); known {
		response.Extensions["cost"] = cost
	}
	if n := operationOf(ctx).omittedErrors(); n > 0 {
		response.Extensions["errorsOmitted"] = n
	}
	return response
}

// write sends a, and returns what it sent, with its entity tag where HTTP caches
// may keep it.
func (s *service) write(w http.ResponseWriter, r *http.Request, a answer) (pieces [3][]byte, etag string) {
	pieces, err := encode(a)
	if err != nil { // a resolver put something into an error that is not JSON
		ctx := withOperation(r.Context(), s.cfg.MaxErrors)
		a = answer{status: http.StatusInternalServerError, response: s.exec.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)})}
		pieces, _ = encode(a)
	}
	control := uncached
	if r.Method == http.MethodGet && a.fresh != nil {
		if control = s.cacheControl(*a.fresh); control != uncached {
			etag = etagOf(pieces)
		}
		if s.notModified(w, r, control, etag) {
			return pieces, etag
		}
	}
	length := 0
	for _, p := range pieces {
		length += len(p)
	}
	s.head(w, a.status, negotiate(r.Header.Values("Accept")), length, control)
	for _, p := range pieces {
		if _, err := w.Write(p); err != nil {
			break // the client has gone
		}
	}
	return pieces, etag
}

// head sends the head of an answer.
func (s *service) head(w http.ResponseWriter, status int, media string, length int, control string) {
	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(length))
	h.Add("Vary", vary)
	h.Set("Cache-Control", control)
	w.WriteHeader(status)
}

// encode writes a as JSON: what comes before data, data as the executor left
// it, for it may be large, and what comes after.
func encode(a answer) (pieces [3][]byte, err error) {
	mark := "{"
	add := func(i int, member string, value []byte) {
		pieces[i] = append(pieces[i], mark+`"`+member+`":`...)
		pieces[i] = append(pieces[i], value...)
		mark = ","
	}
	if len(a.response.Errors) > 0 {
		errs, err := json.Marshal(a.response.Errors)
		if err != nil {
			return pieces, fmt.Errorf("encode errors: %w", err)
		}
		add(0, "errors", errs)
	}
	if a.executed {
		add(0, "data", nil)
		if pieces[1] = a.response.Data; len(pieces[1]) == 0 {
			pieces[1] = []byte("null")
		}
	}
	if len(a.response.Extensions) > 0 {
		extensions, err := json.Marshal(a.response.Extensions)
		if err != nil {
			return pieces, fmt.Errorf("encode extensions: %w", err)
		}
		add(2, "extensions", extensions)
	}
	pieces[2] = append(pieces[2], "}\n"...)
	return pieces, nil
}

// negotiate returns the media type of the answer: the one of our two that the
// client likes best, application/json if it does not care.
func negotiate(accept []string) string {
	best, bestQ := mediaJSON, 0.0
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		switch media {
		case "*/*", "application/*":
			media = mediaJSON
		case mediaJSON, mediaGraphQL:
		default:
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		if q > bestQ {
			best, bestQ = media, q
		}
	}
	return best
}

// checkContentType lets JSON in and nothing else. That a browser asks before it
// sends this type to another site is what keeps other sites from posting here.
func checkContentType(header string) *refusal {
	media, params, err := mime.ParseMediaType(header)
	if err != nil || media != mediaJSON {
		return refuse(http.StatusUnsupportedMediaType, "send the operation as JSON with Content-Type: application/json")
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return refuse(http.StatusUnsupportedMediaType, "send the operation as JSON in UTF-8")
	}
	return nil
}

// firstBytes is the memory for the beginning of a body: that of most of them.
const firstBytes = 4 << 10

// readBody reads the whole body, if it is not too long and comes in time.
func (s *service) readBody(ctx context.Context, w http.ResponseWriter, r *http.Request) (body []byte, refused *refusal) {
	if r.ContentLength > s.cfg.MaxBodyBytes {
		return nil, s.tooLong(http.StatusRequestEntityTooLarge, "body", r.ContentLength)
	}
	// A deadline of the reading alone: one that lasted longer, as the server's
	// ReadTimeout does, would cancel the operation.
	control := http.NewResponseController(w)
	var cut atomic.Bool
	cutOff := func() {
		cut.Store(true)
		_ = control.SetReadDeadline(time.Now()) // where it is supported
	}
	length, said := int(r.ContentLength), r.ContentLength >= 0
	if !said {
		length = longBody
	}
	end, refused := s.intake.begin(ctx, length, cutOff)
	if refused != nil {
		return nil, refused
	}
	defer func() { end() }()
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	if cut.Load() {
		cutOff() // before the deadline was set
	}
	// What was announced may never come: memory for all of it is taken when the
	// beginning is there.
	whole := http.MaxBytesReader(w, r.Body, s.cfg.MaxBodyBytes)
	body = make([]byte, 0, min(length+1, firstBytes))
	for {
		if len(body) == cap(body) {
			if !said && len(body) >= length {
				length, said = int(s.cfg.MaxBodyBytes), true
				endLong, refused := s.intake.beginLong(ctx, length, cutOff)
				if refused != nil {
					return nil, refused
				}
				first := end
				end = func() { endLong(); first() }
			}
			body = slices.Grow(body, min(3*len(body), length+1-len(body)))
		}
		n, err := whole.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch _, isTooLong := errors.AsType[*http.MaxBytesError](err); {
		case err == nil:
		case errors.Is(err, io.EOF):
			end() // nobody cuts it off any more
			end = func() {}
			_ = control.SetReadDeadline(time.Time{})
			return body, nil
		case isTooLong:
			return nil, s.tooLong(http.StatusRequestEntityTooLarge, "body", r.ContentLength)
		case cut.Load():
			return nil, tooMuchWork()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, refuse(http.StatusRequestTimeout, "the body did not arrive within %v", bodyTimeout)
		default:
			return nil, refuse(http.StatusBadRequest, "the body could not be read to its end")
		}
	}
}

// tooLong refuses so many bytes, or more than there may be where nobody said how
// many.
func (s *service) tooLong(status int, what string, length int64) *refusal {
	most := s.cfg.MaxBodyBytes
	err := coded(codeLimitExceeded, "the %s is longer than %d bytes", what, most)
	err.Extensions["limit"], err.Extensions["max"], err.Extensions["value"] = "bytes", most, max(length, most+1)
	return &refusal{status, err}
}

// parseBody reads the parameters of a POST.
func parseBody(body []byte) (*graphql.RawParams, *refusal) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, refuse(http.StatusBadRequest, `the body is empty; send a JSON object such as {"query":"{ __typename }"}`)
	}
	if refused := checkShape(body); refused != nil {
		return nil, refused
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, refuse(http.StatusBadRequest, "the body is not valid JSON; the mistake is at byte %d", syntax.Offset)
		}
		return nil, refuse(http.StatusBadRequest, "the body must be one JSON object, not %s", kindOf(body))
	}
	p := &graphql.RawParams{}
	var err error
	if p.Query, err = textMember(members, "query"); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if p.OperationName, err = textMember(members, "operationName"); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	id, refused := idMember(func(name string) (string, error) { return textMember(members, name) })
	if refused != nil {
		return nil, refused
	}
	return withObjects(p, id, members["variables"], members["extensions"])
}

// parseURL reads the parameters of a GET.
func parseURL(rawQuery string) (*graphql.RawParams, *refusal) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the query string is not encoded properly")
	}
	if refused := checkShape(values.Get("variables") + values.Get("extensions")); refused != nil {
		return nil, refused
	}
	p := &graphql.RawParams{Query: values.Get("query"), OperationName: values.Get("operationName")}
	id, _ := idMember(func(name string) (string, error) { return values.Get(name), nil })
	return withObjects(p, id, json.RawMessage(values.Get("variables")), json.RawMessage(values.Get("extensions")))
}

// withObjects completes p, and refuses it when it names no document, neither by
// its text nor by an id.
func withObjects(p *graphql.RawParams, id string, variables, extensions json.RawMessage) (*graphql.RawParams, *refusal) {
	var err error
	if p.Variables, err = object("variables", variables); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if p.Extensions, err = object("extensions", extensions); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if id != "" {
		nameDocument(p, id)
	}
	if _, named := documentID(p); !named && strings.TrimSpace(p.Query) == "" {
		return nil, refuse(http.StatusBadRequest, `query is missing; send the text of an operation, such as { __typename }`)
	}
	return p, nil
}

// textMember returns a member that is a string, "" where it is null or missing.
func textMember(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("%s must be a string, not %s", name, kindOf(raw))
	}
	return text, nil
}

// object reads a JSON object, nil where it is null or missing. Numbers stay as
// they were written.
func object(name string, raw json.RawMessage) (map[string]any, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // a nil map is an empty one
	}
	if !json.Valid(raw) {
		return nil, fmt.Errorf("%s must be a JSON object; this is not valid JSON", name)
	}
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("%s must be a JSON object, not %s", name, kindOf(raw))
	}
	return members, nil
}

// kindOf names the kind of a valid JSON value.
func kindOf(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

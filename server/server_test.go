package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"chargegraph/graph"
	"chargegraph/providers"
	"chargegraph/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// operatorFunc resolves Query.operator, the one field that these tests ask the
// generated schema for.
type operatorFunc func(ctx context.Context, id string) (*providers.Operator, error)

type root struct {
	graph.ResolverRoot

	operator operatorFunc
}

func (r root) Query() graph.QueryResolver { return query{operator: r.operator} }

type query struct {
	graph.QueryResolver

	operator operatorFunc
}

func (q query) Operator(ctx context.Context, id string) (*providers.Operator, error) {
	return q.operator(ctx, id)
}

// titled resolves each operator to its id.
func titled(_ context.Context, id string) (*providers.Operator, error) {
	return &providers.Operator{Title: id}, nil
}

// logBook is what was logged, a line of JSON each.
type logBook struct {
	mu    sync.Mutex
	lines []map[string]any
	raw   bytes.Buffer
}

func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		return 0, err
	}
	b.lines = append(b.lines, m)
	return b.raw.Write(line)
}

// of returns the lines with that message.
func (b *logBook) of(message string) []map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []map[string]any
	for _, l := range b.lines {
		if l["msg"] == message {
			found = append(found, l)
		}
	}
	return found
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.raw.String()
}

// newHandler makes a handler over the generated schema, in which operator is
// the only field with a resolver.
func newHandler(t *testing.T, operator operatorFunc, changes ...func(*server.Config)) (http.Handler, *logBook) {
	t.Helper()
	book := &logBook{}
	cfg := server.Config{
		Schema: graph.NewExecutableSchema(graph.Config{Resolvers: root{operator: operator}}),
		Logger: slog.New(slog.NewJSONHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range changes {
		change(&cfg)
	}
	h, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h, book
}

func sandbox(c *server.Config) { c.Sandbox = true }

// send lets h answer one request; headers are names and values in turn.
func send(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func post(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	return send(h, http.MethodPost, "/graphql", body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// ask posts a document with variables.
func ask(t *testing.T, h http.Handler, document string, variables any, headers ...string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, post(h, string(body), headers...))
}

// reply is a GraphQL answer as a client sees it.
type reply struct {
	Status     int             `json:"-"`
	Errors     []replyError    `json:"errors"`
	Data       json.RawMessage `json:"data"`
	Extensions map[string]any  `json:"extensions"`
}

type replyError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

func (e replyError) code() any { return e.Extensions["code"] }

func decode(t *testing.T, w *httptest.ResponseRecorder) reply {
	t.Helper()
	r := reply{Status: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatalf("answer is not JSON: %v\n%s", err, w.Body)
	}
	if got := w.Header().Get("Content-Length"); got != fmt.Sprint(w.Body.Len()) {
		t.Errorf("Content-Length is %s, body has %d bytes", got, w.Body.Len())
	}
	return r
}

// onlyError returns the one error of r, and fails when there is not just one.
func onlyError(t *testing.T, r reply) replyError {
	t.Helper()
	if len(r.Errors) != 1 {
		t.Fatalf("%d errors, want 1: %+v", len(r.Errors), r.Errors)
	}
	return r.Errors[0]
}

func TestNewNamesTheFieldThatMakesNoSense(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*server.Config){
		"Schema":           func(c *server.Config) { c.Schema = nil },
		"Logger":           func(c *server.Config) { c.Logger = nil },
		"MaxBodyBytes":     func(c *server.Config) { c.MaxBodyBytes = -1 },
		"MaxTokens":        func(c *server.Config) { c.MaxTokens = -1 },
		"MaxErrors":        func(c *server.Config) { c.MaxErrors = -1 },
		"OperationTimeout": func(c *server.Config) { c.OperationTimeout = -1 },
	} {
		cfg := server.Config{Schema: &graphql.ExecutableSchemaMock{}, Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		if _, err := server.New(cfg); err == nil || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("New() with a bad %s = %v", field, err)
		}
	}
}

func TestPostAnswersAQuery(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	w := post(h, `{"query":"query Q($id: ID!) { operator(id: $id) { title } }","operationName":"Q","variables":{"id":"operator:ocm:5"},"extensions":null}`)
	if got, want := w.Body.String(), `{"data":{"operator":{"title":"operator:ocm:5"}},"extensions":{"cost":{"requested":103,"max":100000}}}`+"\n"; got != want || w.Code != http.StatusOK {
		t.Errorf("POST = %d %s, want 200 %s", w.Code, got, want)
	}
	for header, want := range map[string]string{
		"Content-Type":           "application/json; charset=utf-8",
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
}

func TestGetAnswersAQuery(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	q := url.Values{"query": {"query($id: ID!) { operator(id: $id) { title } }"}, "variables": {`{"id":"x"}`}}
	w := send(h, http.MethodGet, "/graphql?"+q.Encode(), "")
	if got, want := w.Body.String(), `{"data":{"operator":{"title":"x"}},"extensions":{"cost":{"requested":103,"max":100000}}}`+"\n"; got != want || w.Code != http.StatusOK {
		t.Errorf("GET = %d %s, want 200 %s", w.Code, got, want)
	}
}

func TestTheAnswerHasTheMediaTypeThatTheClientLikesBest(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	const plain, graphQL = "application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"
	for accept, want := range map[string]string{
		"":                                  plain,
		"*/*":                               plain,
		"text/html,*/*;q=0.8":               plain,
		"application/graphql-response+json": graphQL,
		"application/json;q=0.5, application/graphql-response+json": graphQL,
		"application/graphql-response+json;q=0.1, application/json": plain,
		"image/png":    plain,
		";;, nonsense": plain,
	} {
		w := post(h, `{"query":"{ __typename }"}`, "Accept", accept)
		if got := w.Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q is answered with %q, want %q", accept, got, want)
		}
	}
}

func TestRefusedRequestsAreToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, target, contentType, body string
		status                            int
		message                           string
		bytes                             float64 // that are too many
	}{
		"MalformedJSON":            {body: `{"query": secret}`, status: 400, message: "the body is not valid JSON; the mistake is at byte 11"},
		"TruncatedJSON":            {body: `{"query": "{`, status: 400, message: "the body is not valid JSON; the mistake is at byte 12"},
		"TextBehindTheObject":      {body: `{"query":"{ __typename }"} x`, status: 400, message: "the body is not valid JSON; the mistake is at byte 28"},
		"NoBody":                   {body: ``, status: 400, message: `the body is empty; send a JSON object such as {"query":"{ __typename }"}`},
		"ABatch":                   {body: `[{"query":"{ __typename }"}]`, status: 400, message: "the body must be one JSON object, not a list"},
		"NoQuery":                  {body: `{"query":null}`, status: 400, message: "query is missing; send the text of an operation, such as { __typename }"},
		"QueryOfWrongCase":         {body: `{"QUERY":"{ __typename }"}`, status: 400, message: "query is missing; send the text of an operation, such as { __typename }"},
		"QueryIsANumber":           {body: `{"query":1}`, status: 400, message: "query must be a string, not a number"},
		"OperationNameIsAnObject":  {body: `{"query":"{ __typename }","operationName":{}}`, status: 400, message: "operationName must be a string, not an object"},
		"VariablesAreAList":        {body: `{"query":"{ __typename }","variables":[1]}`, status: 400, message: "variables must be a JSON object, not a list"},
		"VariablesAreAString":      {body: `{"query":"{ __typename }","variables":"{}"}`, status: 400, message: "variables must be a JSON object, not a string"},
		"ExtensionsAreTrue":        {body: `{"query":"{ __typename }","extensions":true}`, status: 400, message: "extensions must be a JSON object, not true or false"},
		"NotJSON":                  {contentType: "text/plain", body: `{"query":"{ __typename }"}`, status: 415, message: "send the operation as JSON with Content-Type: application/json"},
		"NoContentType":            {contentType: "-", body: `{"query":"{ __typename }"}`, status: 415, message: "send the operation as JSON with Content-Type: application/json"},
		"NotUTF8":                  {contentType: "application/json; charset=latin1", body: `{}`, status: 415, message: "send the operation as JSON in UTF-8"},
		"BodyIsTooLong":            {body: `{"query":"{ __typename }` + strings.Repeat(" ", 2000) + `"}`, status: 413, message: "the body is longer than 1000 bytes", bytes: 2026},
		"GetWithoutQuery":          {method: "GET", target: "/graphql", status: 400, message: "query is missing; send the text of an operation, such as { __typename }"},
		"GetWithBadEncoding":       {method: "GET", target: "/graphql?query=%zz", status: 400, message: "the query string is not encoded properly"},
		"GetWithMalformedVariable": {method: "GET", target: "/graphql?query={__typename}&variables={", status: 400, message: "variables must be a JSON object; this is not valid JSON"},
		"GetWithVariablesList":     {method: "GET", target: "/graphql?query={__typename}&variables=[]", status: 400, message: "variables must be a JSON object, not a list"},
		"GetIsTooLong":             {method: "GET", target: "/graphql?query=" + strings.Repeat("x", 1000), status: 414, message: "the query string is longer than 1000 bytes", bytes: 1006},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, book := newHandler(t, titled, sandbox, func(c *server.Config) { c.MaxBodyBytes = 1000 })
			var w *httptest.ResponseRecorder
			switch {
			case test.method == "GET":
				w = send(h, http.MethodGet, test.target, "")
			case test.contentType == "-":
				w = send(h, http.MethodPost, "/graphql", test.body)
			case test.contentType != "":
				w = send(h, http.MethodPost, "/graphql", test.body, "Content-Type", test.contentType)
			default:
				w = post(h, test.body)
			}
			r := decode(t, w)
			extensions := map[string]any{"code": "BAD_USER_INPUT"}
			if test.bytes > 0 {
				extensions = map[string]any{"code": "LIMIT_EXCEEDED", "limit": "bytes", "max": 1000.0, "value": test.bytes}
			}
			want := reply{
				Status:     test.status,
				Errors:     []replyError{{Message: test.message, Extensions: extensions}},
				Extensions: map[string]any{"sandbox": true},
			}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("answer mismatch (-want +got):\n%s", diff)
			}
			if strings.Contains(book.String(), "secret") {
				t.Errorf("the log quotes the body: %s", book)
			}
		})
	}
}

func TestABodyOfUnknownLengthIsBoundedToo(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, func(c *server.Config) { c.MaxBodyBytes = 1000 })
	// Endless, and without a Content-Length.
	r := httptest.NewRequest(http.MethodPost, "/graphql", io.MultiReader(strings.NewReader(`{"query":"`), endless{}))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if e := onlyError(t, decode(t, w)); w.Code != http.StatusRequestEntityTooLarge || e.code() != "LIMIT_EXCEEDED" {
		t.Errorf("POST = %d %+v, want 413 LIMIT_EXCEEDED", w.Code, e)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestOptionsNamesTheMethods(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	w := send(h, http.MethodOptions, "/graphql", "")
	if w.Code != http.StatusNoContent || w.Header().Get("Allow") != "GET, OPTIONS, POST" {
		t.Errorf("OPTIONS = %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestStatusCodes(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	for request, want := range map[string]int{
		"GET /healthz":               http.StatusOK,
		"HEAD /healthz":              http.StatusOK,
		"POST /healthz":              http.StatusMethodNotAllowed,
		"GET /":                      http.StatusOK,
		"POST /":                     http.StatusMethodNotAllowed,
		"PUT /graphql":               http.StatusMethodNotAllowed,
		"DELETE /graphql":            http.StatusMethodNotAllowed,
		"HEAD /graphql":              http.StatusMethodNotAllowed,
		"GET /nothing":               http.StatusNotFound,
		"POST /nothing":              http.StatusNotFound,
		"GET /graphql/":              http.StatusNotFound,
		"GET /playground/":           http.StatusNotFound,
		"GET /playground/index.html": http.StatusNotFound,
		"GET /playground/../errors":  http.StatusTemporaryRedirect, // to /errors, which is 404
		"GET /schema.graphqls":       http.StatusNotFound,          // without Config.SDL
	} {
		method, path, _ := strings.Cut(request, " ")
		w := send(h, method, path, "")
		if w.Code != want {
			t.Errorf("%s = %d, want %d", request, w.Code, want)
		}
		if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
			t.Errorf("%s lacks Allow", request)
		}
	}
}

func TestOtherMethodsAreRefusedAsOperationsAre(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, sandbox)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodTrace, "PROPFIND"} {
		for _, body := range []string{"", `{"query":"{ __typename }"}`} {
			w := send(h, method, "/graphql", body, "Content-Type", "application/json", "Accept", "application/graphql-response+json")
			want := reply{
				Status:     http.StatusMethodNotAllowed,
				Errors:     []replyError{{Message: "send operations with POST, or queries with GET", Extensions: map[string]any{"code": "BAD_USER_INPUT"}}},
				Extensions: map[string]any{"sandbox": true},
			}
			if diff := cmp.Diff(want, decode(t, w)); diff != "" {
				t.Errorf("%s: answer mismatch (-want +got):\n%s", method, diff)
			}
			if got := w.Header().Get("Allow"); got != "GET, OPTIONS, POST" {
				t.Errorf("%s: Allow is %q", method, got)
			}
			if got := w.Header().Get("Content-Type"); got != "application/graphql-response+json; charset=utf-8" {
				t.Errorf("%s: Content-Type is %q", method, got)
			}
		}
	}
}

func TestHealthSaysItsStatusAndNothingElse(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	w := send(h, http.MethodGet, "/healthz", "")
	if got, want := w.Body.String(), `{"status":"ok"}`+"\n"; got != want || w.Code != http.StatusOK {
		t.Errorf("GET /healthz = %d %q, want 200 %q", w.Code, got, want)
	}
}

func TestMutationsAreNotTakenByGet(t *testing.T) {
	t.Parallel()
	executed := false
	h, _ := newHandler(t, nil, func(c *server.Config) {
		c.Schema = &graphql.ExecutableSchemaMock{
			SchemaFunc: func() *ast.Schema {
				return gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: Int } type Mutation { b: Int }`})
			},
			ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
				executed = true
				return graphql.OneShot(&graphql.Response{Data: []byte(`{"b":1}`)})
			},
		}
	})
	w := send(h, http.MethodGet, "/graphql?query=mutation{b}", "")
	e := onlyError(t, decode(t, w))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" || e.code() != "BAD_USER_INPUT" || executed {
		t.Errorf("GET = %d, Allow %q, %+v, executed %v", w.Code, w.Header().Get("Allow"), e, executed)
	}
	if w := post(h, `{"query":"mutation{b}"}`); w.Code != http.StatusOK || !executed {
		t.Errorf("POST = %d %s", w.Code, w.Body)
	}
}

func TestErrorsBeforeExecutionHaveACodeAndNoData(t *testing.T) {
	t.Parallel()
	const viewport = `query V($a: AreaInput!, $f: POIFilter) { pois(area: $a, filter: $f) { totalCount } }`
	area := map[string]any{"country": "GB"}
	for name, test := range map[string]struct {
		document  string
		variables any
		code      string
		path      []any
		message   string // a part of it
	}{
		"Syntax":             {document: `{ operator(`, code: "GRAPHQL_PARSE_FAILED", message: "Expected"},
		"TooManyTokens":      {document: "{" + strings.Repeat(" __typename", 15_000) + "}", code: "LIMIT_EXCEEDED", message: "15001 tokens or more; at most 15000"},
		"UnknownField":       {document: `{ operator(id: 1) { name } }`, code: "GRAPHQL_VALIDATION_FAILED", message: `Cannot query field "name"`},
		"UnknownOperation":   {document: `query A { __typename } query B { __typename }`, code: "GRAPHQL_VALIDATION_FAILED", message: "set operationName"},
		"Defer":              {document: `{ ... @defer { operator(id: 1) { title } } }`, code: "BAD_USER_INPUT", message: "@defer needs an answer in pieces"},
		"VariableMissing":    {document: viewport, code: "BAD_USER_INPUT", path: []any{"variable", "a"}, message: "$a: must be defined"},
		"VariableNull":       {document: viewport, variables: map[string]any{"a": nil}, code: "BAD_USER_INPUT", path: []any{"variable", "a"}, message: "$a: cannot be null"},
		"VariableOfBadType":  {document: viewport, variables: map[string]any{"a": "GB"}, code: "BAD_USER_INPUT", path: []any{"variable", "a"}, message: "$a: must be a AreaInput, not a string"},
		"VariableWithMember": {document: viewport, variables: map[string]any{"a": map[string]any{"city": "x"}}, code: "BAD_USER_INPUT", path: []any{"variable", "a", "city"}, message: "$a.city: unknown field"},
		"VariableOfBadEnum": {
			document: viewport, variables: map[string]any{"a": area, "f": map[string]any{"status": []string{"OPEN"}}},
			code: "BAD_USER_INPUT", path: []any{"variable", "f", "status", 0.0}, message: "$f.status[0]: OPEN is not a valid OperationalStatus",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := newHandler(t, titled, sandbox)
			r := ask(t, h, test.document, test.variables)
			e := onlyError(t, r)
			if e.code() != test.code || !strings.Contains(e.Message, test.message) {
				t.Errorf("error is %+v, want code %s and %q", e, test.code, test.message)
			}
			if diff := cmp.Diff(test.path, e.Path); diff != "" {
				t.Errorf("path mismatch (-want +got):\n%s", diff)
			}
			if r.Data != nil || r.Status != http.StatusOK || r.Extensions["sandbox"] != true {
				t.Errorf("status %d, data %s, extensions %v", r.Status, r.Data, r.Extensions)
			}
			if r := ask(t, h, test.document, test.variables, "Accept", "application/graphql-response+json"); r.Status != http.StatusBadRequest {
				t.Errorf("status of graphql-response+json is %d, want 400", r.Status)
			}
		})
	}
}

func TestTheSchemaCanBeReadByIntrospection(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	r := ask(t, h, `{ __type(name: "Query") { name description } }`, nil)
	if len(r.Errors) > 0 || !strings.Contains(string(r.Data), "merged from all configured sources") {
		t.Errorf("introspection = %s %+v", r.Data, r.Errors)
	}
}

const twoOperators = `query Two($bad: ID!) { bad: operator(id: $bad) { title } good: operator(id: "good") { title } }`

func TestAPanicIsOneErrorOnOneFieldAndOneLineInTheLog(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
		if id != "good" {
			panic("token 1234 of " + id)
		}
		return titled(ctx, id)
	})
	r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
	e := onlyError(t, r)
	if string(r.Data) != `{"bad":null,"good":{"title":"good"}}` || r.Status != http.StatusOK {
		t.Errorf("answer = %d %s", r.Status, r.Data)
	}
	lines := book.of("internal error")
	if len(lines) != 1 {
		t.Fatalf("log has %d lines, want 1:\n%s", len(lines), book)
	}
	id, _ := lines[0]["error_id"].(string)
	want := replyError{Message: "internal error; the log has it under id " + id, Path: []any{"bad"}, Extensions: map[string]any{"code": "INTERNAL"}}
	if diff := cmp.Diff(want, e); diff != "" || id == "" {
		t.Errorf("error mismatch (-want +got):\n%s", diff)
	}
	if stack, _ := lines[0]["stack"].(string); !strings.Contains(stack, "server_test.go") {
		t.Errorf("the log lacks the place of the panic: %s", stack)
	}
	delete(lines[0], "stack")
	delete(lines[0], "time")
	wantLine := map[string]any{"level": "ERROR", "msg": "internal error", "error_id": id, "operation": "Two", "path": "bad", "error": "panic: token 1234 of x"}
	if diff := cmp.Diff(wantLine, lines[0]); diff != "" {
		t.Errorf("log line mismatch (-want +got):\n%s", diff)
	}
}

func TestAPanicOutsideOfFieldsIsAnErrorToo(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, titled, sandbox, func(c *server.Config) {
		c.Operation = func(context.Context, graphql.OperationHandler) graphql.ResponseHandler { panic("secret") }
	})
	r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
	if e := onlyError(t, r); e.code() != "INTERNAL" || strings.Contains(e.Message, "secret") {
		t.Errorf("error is %+v", e)
	}
	if r.Status != http.StatusInternalServerError || r.Data != nil || r.Extensions["sandbox"] != true || len(book.of("internal error")) != 1 {
		t.Errorf("answer is %+v, log:\n%s", r, book)
	}
}

func TestAnUnforeseenErrorIsHiddenAndLogged(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
		if id == "good" {
			return titled(ctx, id)
		}
		return nil, fmt.Errorf("redis: dial 10.0.0.7: %w", errors.New("password is hunter2"))
	})
	r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
	e := onlyError(t, r)
	lines := book.of("internal error")
	if len(lines) != 1 {
		t.Fatalf("log has %d lines, want 1:\n%s", len(lines), book)
	}
	delete(lines[0], "time")
	wantLine := map[string]any{
		"level": "ERROR", "msg": "internal error", "error_id": lines[0]["error_id"],
		"operation": "Two", "path": "bad", "error": "redis: dial 10.0.0.7: password is hunter2",
	}
	if diff := cmp.Diff(wantLine, lines[0]); diff != "" {
		t.Errorf("log line mismatch (-want +got):\n%s", diff)
	}
	want := replyError{
		Message:    fmt.Sprintf("internal error; the log has it under id %v", lines[0]["error_id"]),
		Path:       []any{"bad"},
		Extensions: map[string]any{"code": "INTERNAL"},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("error mismatch (-want +got):\n%s", diff)
	}
}

func TestOneCauseOfManyErrorsIsOneLineInTheLog(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, func(context.Context, string) (*providers.Operator, error) { return nil, errors.New("down") })
	r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
	if len(r.Errors) != 2 || r.Errors[0].Message != r.Errors[1].Message || len(book.of("internal error")) != 1 {
		t.Errorf("errors %+v, log:\n%s", r.Errors, book)
	}
}

func TestAnErrorWithACodePassesAsItIs(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, func(context.Context, string) (*providers.Operator, error) {
		return nil, fmt.Errorf("operators: %w", &gqlerror.Error{
			Message: "no source could be asked", Extensions: map[string]any{"code": "PROVIDER_UNAVAILABLE", "retryAfterSeconds": 30},
		})
	})
	e := onlyError(t, ask(t, h, `{ operator(id: 1) { title } }`, nil))
	want := replyError{
		Message: "no source could be asked", Path: []any{"operator"},
		Extensions: map[string]any{"code": "PROVIDER_UNAVAILABLE", "retryAfterSeconds": 30.0},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("error mismatch (-want +got):\n%s", diff)
	}
	if len(book.of("internal error")) > 0 {
		t.Errorf("an error that was foreseen is logged:\n%s", book)
	}
}

func TestAnErrorThatIsNoJSONIsAnInternalError(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, func(context.Context, string) (*providers.Operator, error) {
		return nil, &gqlerror.Error{Message: "m", Extensions: map[string]any{"code": "NOT_FOUND", "f": func() {}}}
	}, sandbox)
	r := ask(t, h, `{ operator(id: 1) { title } }`, nil)
	if e := onlyError(t, r); e.code() != "INTERNAL" || r.Status != http.StatusInternalServerError || r.Extensions["sandbox"] != true {
		t.Errorf("answer is %+v", r)
	}
	if len(book.of("internal error")) != 1 {
		t.Errorf("log:\n%s", book)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, func(context.Context, string) (*providers.Operator, error) { return nil, errors.New("down") },
		func(c *server.Config) { c.MaxErrors = 3 })
	r := ask(t, h, `{ a: operator(id: 1) { id } b: operator(id: 1) { id } c: operator(id: 1) { id } d: operator(id: 1) { id } e: operator(id: 1) { id } }`, nil)
	if len(r.Errors) != 3 || r.Extensions["errorsOmitted"] != 2.0 {
		t.Errorf("%d errors, extensions %v, want 3 and 2 omitted", len(r.Errors), r.Extensions)
	}
	r = ask(t, h, `{ a b c d e f }`, nil) // none of them a field
	if len(r.Errors) != 3 || r.Extensions["errorsOmitted"] != 3.0 {
		t.Errorf("%d errors, extensions %v, want 3 and 3 omitted", len(r.Errors), r.Extensions)
	}
}

func TestMessagesThatQuoteTheClientAreCut(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	e := onlyError(t, ask(t, h, `query($c: ProviderCode) { operators(provider: $c) { totalCount } }`, map[string]any{"c": strings.Repeat("é", 100_000)}))
	if len(e.Message) > 1500 || !strings.HasSuffix(e.Message, "…") || strings.ContainsRune(e.Message, '\uFFFD') {
		t.Errorf("message of %d bytes: %.50s…", len(e.Message), e.Message)
	}
}

func TestAnOperationThatTakesTooLongIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, book := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
			if id == "good" {
				return titled(ctx, id)
			}
			<-ctx.Done()
			return nil, fmt.Errorf("ocm: operators: %w", ctx.Err())
		})
		start := time.Now()
		r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
		if took := time.Since(start); took != server.DefaultOperationTimeout {
			t.Errorf("it took %v", took)
		}
		want := reply{
			Status: http.StatusOK,
			Errors: []replyError{{Message: "the answer was not ready in time; ask for less, or ask again later", Path: []any{"bad"}, Extensions: map[string]any{"code": "TIMEOUT"}}},
			Data:   json.RawMessage(`{"bad":null,"good":{"title":"good"}}`),

			Extensions: map[string]any{"cost": map[string]any{"requested": 206.0, "max": 100000.0}},
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("answer mismatch (-want +got):\n%s", diff)
		}
		if len(book.of("internal error")) > 0 {
			t.Errorf("a time-out is logged as unforeseen:\n%s", book)
		}
	})
}

func TestAnOperationWhoseTimeIsUpBeforeItBeginsIsATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHandler(t, titled, sandbox, func(c *server.Config) {
			c.Operation = func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
				<-ctx.Done()
				return next(ctx)
			}
		})
		r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
		want := reply{
			Status:     http.StatusGatewayTimeout,
			Errors:     []replyError{{Message: "the answer was not ready in time; ask for less, or ask again later", Extensions: map[string]any{"code": "TIMEOUT"}}},
			Extensions: map[string]any{"sandbox": true, "cost": map[string]any{"requested": 206.0, "max": 100000.0}},
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("answer mismatch (-want +got):\n%s", diff)
		}
	})
}

func TestARequestThatIsWithdrawnIsNoInternalError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h, book := newHandler(t, func(ctx context.Context, _ string) (*providers.Operator, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ operator(id: 1) { title } }"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if e := onlyError(t, decode(t, w)); e.code() != "TIMEOUT" || e.Message != "the request was withdrawn before its answer was ready" {
		t.Errorf("error is %+v", e)
	}
	if len(book.of("internal error")) > 0 {
		t.Errorf("it is logged as unforeseen:\n%s", book)
	}
}

func TestOnlyASandboxSaysSo(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{false, true} {
		h, _ := newHandler(t, titled, func(c *server.Config) { c.Sandbox = made })
		r := ask(t, h, twoOperators, map[string]any{"bad": "x"})
		if got := r.Extensions["sandbox"] == true; got != made {
			t.Errorf("Sandbox %v: extensions are %v", made, r.Extensions)
		}
		page := send(h, http.MethodGet, "/", "").Body.String()
		if got := strings.Contains(page, "Made-up data"); got != made {
			t.Errorf("Sandbox %v: the page warns: %v", made, got)
		}
	}
}

func TestTheOperationMiddlewareGoesAroundEveryOperation(t *testing.T) {
	t.Parallel()
	type key struct{}
	h, _ := newHandler(t, func(ctx context.Context, _ string) (*providers.Operator, error) {
		s, _ := ctx.Value(key{}).(string)
		return &providers.Operator{Title: s}, nil
	}, func(c *server.Config) {
		c.Operation = func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
			return next(context.WithValue(ctx, key{}, "from the middleware"))
		}
	})
	if r := ask(t, h, `{ operator(id: 1) { title } }`, nil); string(r.Data) != `{"operator":{"title":"from the middleware"}}` {
		t.Errorf("data is %s", r.Data)
	}
}

func TestTheLogTellsOfRequestsButNotOfTheirContent(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, titled)
	send(h, http.MethodGet, `/graphql?query=query($id:ID!){operator(id:$id){title}}&variables={"id":"secret"}`, "", "Authorization", "secret")
	ask(t, h, twoOperators, map[string]any{"bad": "secret"})
	lines := book.of("request")
	if len(lines) != 2 {
		t.Fatalf("log has %d lines, want 2:\n%s", len(lines), book)
	}
	for _, l := range lines {
		if l["level"] != "DEBUG" || l["path"] != "/graphql" || l["status"] != 200.0 {
			t.Errorf("line is %v", l)
		}
	}
	if strings.Contains(book.String(), "secret") || len(book.of("slow operation")) > 0 {
		t.Errorf("log:\n%s", book)
	}
}

func TestASlowOperationIsInTheLogByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, book := newHandler(t, func(ctx context.Context, id string) (*providers.Operator, error) {
			<-time.After(2 * time.Second)
			return titled(ctx, id)
		})
		ask(t, h, twoOperators, map[string]any{"bad": "secret"})
		lines := book.of("slow operation")
		if len(lines) != 1 {
			t.Fatalf("log has %d lines, want 1:\n%s", len(lines), book)
		}
		delete(lines[0], "time")
		want := map[string]any{
			"level": "INFO", "msg": "slow operation", "operation": "Two", "type": "query", "duration": 2e9, "errors": 0.0,
			"hash": fmt.Sprintf("%x", sha256.Sum256([]byte(twoOperators))), "cost": 206.0, "bytes": 50.0,
		}
		if diff := cmp.Diff(want, lines[0]); diff != "" {
			t.Errorf("log line mismatch (-want +got):\n%s", diff)
		}
	})
}

func TestAServiceThatDoesNotTellItsSchemaSaysSo(t *testing.T) {
	t.Parallel()
	h, book := newHandler(t, titled, func(c *server.Config) { c.NoIntrospection, c.SDL = true, "type Query { a: Int }" })
	for _, document := range []string{`{ __schema { types { name } } }`, `{ operator(id: 1) { title } ...f } fragment f on Query { __type(name: "Query") { name } }`} {
		r := ask(t, h, document, nil)
		if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != "FORBIDDEN" || r.Data != nil || !strings.Contains(r.Errors[0].Message, "does not tell its schema") {
			t.Errorf("%s: %+v", document, r)
		}
	}
	if r := ask(t, h, `{ __typename operatr(id: 1) { title } }`, nil); len(r.Errors) != 1 || strings.Contains(r.Errors[0].Message, "Did you mean") {
		t.Errorf("%+v", r)
	}
	if r := ask(t, h, `{ __typename }`, nil); len(r.Errors) > 0 {
		t.Errorf("%+v", r)
	}
	if w := send(h, http.MethodGet, "/schema.graphqls", ""); w.Code != http.StatusNotFound {
		t.Errorf("/schema.graphqls is %d", w.Code)
	}
	if log := book.String(); strings.Contains(log, "ERROR") {
		t.Errorf("the log says %s", log)
	}
}

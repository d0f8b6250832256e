// Package server is the HTTP side: it turns requests into GraphQL operations,
// bounds them, and decides what of an error a client may see.
//
//	POST /graphql ─┐ read: bounded,     ┌► executor ─► resolvers
//	GET  /graphql ─┴► our own sentences ┴► write: errors, data, extensions
//	     Accept: text/event-stream    events, for subscriptions too
//	     Upgrade: websocket           graphql-transport-ws
//	GET  /                  playground; needs no host but this one
//	GET  /playground/…      its assets
//	GET  /schema.graphqls   the schema as text
//	GET  /livez             200 while the process runs; /healthz is the same
//	GET  /readyz            200 when the work can be done, else 503 and why not;
//	                        ?for=checkins needs what is a detail otherwise
//	GET  /metrics           for Prometheus, where the operator wants it here
//
// GraphQL is read and written here rather than by gqlgen's transports: those
// read bodies without bound, quote them in errors, and send "null" when the
// time of an operation is up before it begins.
//
// Every error of an answer has extensions.code. One that nobody foresaw is told
// to the log, and to the client as an id by which to find it there.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"chargegraph/loaders"
	"chargegraph/providers"
	"chargegraph/server/access"
)

// The defaults of a Config.
const (
	DefaultMaxBodyBytes     = 1 << 20
	DefaultMaxTokens        = 15_000
	DefaultMaxErrors        = 100
	DefaultOperationTimeout = 30 * time.Second
	DefaultMaxStreams       = 5_000
)

// Config is what a handler is made of. Schema and Logger are required; a limit
// of 0 stands for its default.
type Config struct {
	// Schema executes operations.
	Schema graphql.ExecutableSchema
	// Operation goes around every operation, to begin what lives as long as
	// one, such as dataloaders. It calls next. Nil: nothing goes around.
	Operation graphql.OperationMiddleware
	// Sandbox says that the data is made up: every GraphQL answer, errors
	// included, then has extensions.sandbox true, and the playground says so.
	Sandbox bool
	// Logger gets errors that nobody foresaw, operations slower than a second,
	// and at level debug one line per request. Variables and headers, where
	// secrets and positions of people are, are never logged.
	Logger *slog.Logger
	// Access says who callers are. Nil: everybody may read, nobody may check in.
	Access *access.Gate
	// Limiter charges the cost of operations to callers. Nil: nothing is charged.
	Limiter access.Limiter
	// TrustedProxies are the networks whose word counts about where a request
	// comes from (X-Forwarded-For).
	TrustedProxies []netip.Prefix
	// Answers keeps finished answers of queries. Nil: every one is executed.
	Answers Answers
	// Freshness says what may be done with the answer of the operation in ctx. Nil:
	// none is kept.
	Freshness func(ctx context.Context) loaders.Freshness
	// Limits bound what one document may ask for.
	Limits Limits
	// NoIntrospection refuses questions about the schema, and hints at its names; SDL
	// is not served.
	NoIntrospection bool
	// CORS says which pages of other origins may ask. Zero: none.
	CORS CORS
	// Trusted are documents that may be asked for by their ids alone.
	Trusted Trusted
	// TrustedOnly refuses all other documents.
	TrustedOnly bool
	// Documents keeps the documents that clients send by their hash after having
	// sent them once (automatic persisted queries). Nil: none are kept, and
	// clients are told to send the text.
	Documents DocumentCache
	// CheckIns says that the service takes check-ins; without, the playground does
	// not offer them.
	CheckIns bool
	// MaxBatch is how many operations one request may hold, as a JSON array. 0 and
	// 1: one, and no array.
	MaxBatch int
	// SDL is the schema as text, served as /schema.graphqls. Empty: not served.
	SDL string
	// Ready says how that is what the service depends on, within the time that ctx
	// has: GET /readyz answers 503 as long as a check that is no detail fails. It is
	// asked once a second at most. Nil: the service is ready when it runs.
	Ready func(ctx context.Context) []Check
	// Metrics counts what goes through the handler. Nil: nothing is counted.
	Metrics *Metrics
	// MetricsPage answers GET /metrics to requests of this machine that came by no
	// proxy. Nil: there is no such page here.
	MetricsPage http.Handler
	// Trace returns the trace that a request belongs to by its headers, nil for
	// none. Nil: the trace that a request came with is named in the log and handed
	// on to sources, and nothing of it is kept.
	Trace func(h http.Header) providers.Trace

	// MaxBodyBytes bounds the body of a POST and the query string of a GET.
	// Default 1 MB (1<<20): a route of 64 kB encoded, or 10,000 points in
	// variables, with room to spare.
	MaxBodyBytes int64
	// MaxTokens bounds the words and signs of a document. Default 15,000: long
	// lists of points belong into variables.
	MaxTokens int
	// MaxErrors bounds the errors of one answer; extensions.errorsOmitted
	// counts the rest. Default 100.
	MaxErrors int
	// OperationTimeout bounds the execution of an operation. What is not done
	// by then is an error of code TIMEOUT. Default 30 s.
	OperationTimeout time.Duration
	// MaxStreams bounds the subscriptions' connections. Default 5,000, which take
	// some 250 MB; one caller may have a fifth of them.
	MaxStreams int
}

func (c *Config) complete() error {
	switch {
	case c.Schema == nil:
		return errors.New("server: Config.Schema is nil")
	case c.Logger == nil:
		return errors.New("server: Config.Logger is nil")
	case c.TrustedOnly && len(c.Trusted) == 0:
		return errors.New("server: Config.TrustedOnly is set and Trusted is empty: nothing could be asked")
	case c.MaxBodyBytes < 0:
		return fmt.Errorf("server: Config.MaxBodyBytes is %d, want at least 1, or 0 for the default", c.MaxBodyBytes)
	case c.MaxTokens < 0:
		return fmt.Errorf("server: Config.MaxTokens is %d, want at least 1, or 0 for the default", c.MaxTokens)
	case c.MaxErrors < 0:
		return fmt.Errorf("server: Config.MaxErrors is %d, want at least 1, or 0 for the default", c.MaxErrors)
	case c.MaxStreams < 0:
		return fmt.Errorf("server: Config.MaxStreams is %d, want at least 1, or 0 for the default", c.MaxStreams)
	case c.OperationTimeout < 0:
		return fmt.Errorf("server: Config.OperationTimeout is %v, want more than 0, or 0 for the default", c.OperationTimeout)
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = DefaultMaxTokens
	}
	if c.MaxErrors == 0 {
		c.MaxErrors = DefaultMaxErrors
	}
	if c.OperationTimeout == 0 {
		c.OperationTimeout = DefaultOperationTimeout
	}
	if err := c.Limits.complete(); err != nil {
		return err
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = DefaultMaxStreams
	}
	return nil
}

// Handler is the whole service. Any number of goroutines may use it.
type Handler struct {
	http.Handler
	streams *streams
}

// EndStreams tells the clients of all subscriptions good-bye, and takes no new
// ones. It waits until their connections have ended, or ctx has.
func (h *Handler) EndStreams(ctx context.Context) { h.streams.end(ctx) }

// New returns the handler of the whole service. It listens to nothing and
// starts nothing: that is Serve's part. It refuses a Config without Schema or
// Logger, and limits below 0.
func New(cfg Config) (*Handler, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if cfg.NoIntrospection {
		cfg.SDL = ""
	}
	pages, err := newPages(cfg.Sandbox, cfg.CheckIns, cfg.SDL)
	if err != nil {
		return nil, err
	}
	packer, err := newPacker()
	if err != nil {
		return nil, err
	}
	s := &service{cfg: cfg, log: cfg.Logger, exec: executor.New(cfg.Schema), streams: newStreams(cfg.MaxStreams), intake: newIntake(), packer: packer, trustedNames: namesOf(cfg.Trusted)}
	s.exec.SetErrorPresenter(s.present)
	s.exec.SetRecoverFunc(func(ctx context.Context, v any) error { return s.panicked(ctx, v) })
	s.exec.SetParserTokenLimit(cfg.MaxTokens)
	s.known = newDocuments(maxDocuments)
	s.exec.SetQueryCache(s.known)
	s.exec.Use(persisted{trusted: cfg.Trusted, only: cfg.TrustedOnly, cache: cfg.Documents})
	s.exec.Use(newDocumentLimits(cfg.Limits, cfg.MaxTokens, cfg.Schema.Schema(), s.known))
	s.exec.SetDisableSuggestion(cfg.NoIntrospection)
	s.exec.Use(introspection{refused: cfg.NoIntrospection})
	s.exec.Use(strictEnums{schema: cfg.Schema.Schema()})
	s.exec.AroundResponses(s.mark)
	s.exec.AroundResponses(s.counted)
	s.exec.AroundOperations(s.follow)
	if cfg.Operation != nil {
		s.exec.AroundOperations(cfg.Operation)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /graphql", s.post)
	mux.HandleFunc("GET /graphql", s.get)
	mux.HandleFunc("OPTIONS /graphql", options)
	mux.HandleFunc("/graphql", s.otherMethod)
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /healthz", live)
	mux.Handle("GET /readyz", &readiness{checks: cfg.Ready})
	if cfg.MetricsPage != nil {
		mux.Handle("GET /metrics", fromHere(cfg.MetricsPage))
	}
	pages.register(mux)
	packed, err := compressed(mux)
	if err != nil {
		return nil, err
	}
	shared, err := cfg.CORS.shared(packed)
	if err != nil {
		return nil, err
	}
	return &Handler{s.identified(s.logged(s.hardened(shared))), s.streams}, nil
}

// service is the GraphQL part of a handler.
type service struct {
	cfg  Config
	log  *slog.Logger
	exec *executor.Executor

	known    *documents // that are valid
	streams  *streams
	intake   *intake
	packer   *packer
	underWay access.Concurrency
	// trustedNames are those of the operations in Config.Trusted; nil without.
	trustedNames map[string]bool
}

const (
	// writeTimeout is how long a client may take to receive its answer.
	writeTimeout = 60 * time.Second
	// restTimeout is how long what is left of a body is waited for once it is
	// answered, so that its connection can be used again.
	restTimeout = 2 * time.Second
)

// hardened does what suits every answer: headers, and an end to waiting for
// clients that do not read. The server's own WriteTimeout would not know how
// long an operation may take.
func (s *service) hardened(next http.Handler) http.Handler {
	longest := bodyTimeout + s.cfg.OperationTimeout + writeTimeout
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(longest)) // where it is supported
		if r.ContentLength != 0 {
			// The server reads a body that nobody wants to its end, or to 256 kB.
			_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000") // a year, as usual
		}
		next.ServeHTTP(w, r)
	})
}

// introspection lets clients read the schema, or refuses them; gqlgen would refuse
// them by an error that is internal.
type introspection struct{ refused bool }

var _ graphql.OperationContextMutator = introspection{}

func (introspection) ExtensionName() string                   { return "Introspection" }
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }
func (i introspection) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = i.refused
	if !i.refused || !anyIn(op.Operation.SelectionSet, make(map[string]bool), func(s ast.Selection) bool {
		f, ok := s.(*ast.Field)
		return ok && isIntrospection(f.Name)
	}) {
		return nil
	}
	return coded(codeForbidden, "this service does not tell its schema; ask its operator for it")
}

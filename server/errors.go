package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes that are given here. Resolvers give others (NOT_FOUND,
// PROVIDER_UNAVAILABLE), the executor GRAPHQL_PARSE_FAILED and
// GRAPHQL_VALIDATION_FAILED.
const (
	codeBadUserInput = "BAD_USER_INPUT"
	codeTimeout      = "TIMEOUT"
	codeUnavailable  = "UNAVAILABLE"
	codeForbidden    = "FORBIDDEN"
	codeInternal     = "INTERNAL"
)

const (
	timeoutMessage  = "the answer was not ready in time; ask for less, or ask again later"
	canceledMessage = "the request was withdrawn before its answer was ready"
)

// maxMessage bounds the sentence of one error, in bytes: the parser's and
// validator's sentences quote what the client sent.
const maxMessage = 1000

// coded returns an error that a client may see as it is.
func coded(code, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{
		Message:    fmt.Sprintf(format, args...),
		Extensions: map[string]any{"code": code},
	}
}

// operation is what is known about the errors of one request. Its methods work
// on nil too, as for an operation that never counts.
type operation struct {
	mu      sync.Mutex
	room    int               // errors that the answer may still hold
	omitted int               // errors that it could not
	ids     map[string]string // by the text that was logged
}

type operationKey struct{}

func withOperation(ctx context.Context, maxErrors int) context.Context {
	return context.WithValue(ctx, operationKey{}, &operation{room: maxErrors})
}

func operationOf(ctx context.Context) *operation {
	o, _ := ctx.Value(operationKey{}).(*operation)
	return o
}

// admit reports whether the answer has room for one more error.
func (o *operation) admit() bool {
	if o == nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.room == 0 {
		o.omitted++
		return false
	}
	o.room--
	return true
}

func (o *operation) omittedErrors() int {
	if o == nil {
		return 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.omitted
}

// id returns the id under which the log has text, and whether it is new. A
// cause that fails a hundred fields of one operation is one line in the log.
func (o *operation) id(text string) (id string, isNew bool) {
	fresh := rand.Text()[:12]
	if o == nil {
		return fresh, true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if id, ok := o.ids[text]; ok {
		return id, false
	}
	if o.ids == nil {
		o.ids = make(map[string]string)
	}
	o.ids[text] = fresh
	return fresh, true
}

// present makes of err what the client sees: with a code always, and with
// nothing of an error that nobody meant for clients. It returns nil, which the
// executor leaves out, once the answer has as many errors as it may have.
func (s *service) present(ctx context.Context, err error) *gqlerror.Error {
	if !operationOf(ctx).admit() {
		return nil
	}
	// A copy: loaders hand one error to several fields.
	seen := gqlerror.Error{Path: graphql.GetPath(ctx)}
	cause, rule := err, ""
	if known, ok := errors.AsType[*gqlerror.Error](err); ok {
		seen = gqlerror.Error{Message: clip(known.Message), Path: known.Path, Locations: known.Locations, Extensions: known.Extensions}
		rule = known.Rule
		if known.Err != nil {
			cause = known.Err
		}
	}
	code, _ := seen.Extensions["code"].(string)
	switch {
	case code == errcode.ValidationFailed && ofVariable(seen.Path):
		// The validator says "must be defined" and leaves the rest to the path.
		seen.Message = "$" + clip(seen.Path[1:].String()) + ": " + seen.Message
		code = codeBadUserInput
	case code == errcode.ValidationFailed && rule == "ValuesOfCorrectType":
		code = codeBadUserInput // a literal of a wrong type, as the same value in a variable
	case code != "":
		return &seen
	case errors.Is(err, context.DeadlineExceeded):
		seen.Message, code = timeoutMessage, codeTimeout
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		seen.Message, code = canceledMessage, codeTimeout
	default:
		seen.Message, code = s.report(ctx, seen.Path, cause.Error()), codeInternal
	}
	seen.Extensions = map[string]any{"code": code}
	return &seen
}

// panicked makes the error of a panic.
func (s *service) panicked(ctx context.Context, v any) *gqlerror.Error {
	s.cfg.Metrics.panicked()
	return coded(codeInternal, "%s", s.report(ctx, graphql.GetPath(ctx), fmt.Sprintf("panic: %v", v),
		slog.String("stack", string(debug.Stack()))))
}

// report logs what a client must not see, and returns what it sees instead.
func (s *service) report(ctx context.Context, path ast.Path, text string, more ...slog.Attr) string {
	id, isNew := operationOf(ctx).id(text)
	if isNew {
		s.log.LogAttrs(ctx, slog.LevelError, "internal error", append([]slog.Attr{
			slog.String("error_id", id),
			slog.String("operation", operationName(ctx)),
			slog.String("path", path.String()),
			slog.String("error", text),
		}, more...)...)
	}
	return "internal error; the log has it under id " + id
}

// operationName returns the name of the operation under way, "" if it has none
// or none has begun.
func operationName(ctx context.Context) string {
	if !graphql.HasOperationContext(ctx) {
		return ""
	}
	op := graphql.GetOperationContext(ctx).Operation
	if op == nil {
		return ""
	}
	return clip(op.Name)
}

// ofVariable reports whether the validator's path leads into a variable.
func ofVariable(path ast.Path) bool {
	return len(path) > 1 && path[0] == ast.PathName("variable")
}

// clip cuts a text of more than maxMessage bytes, between characters.
func clip(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	end := maxMessage
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], "") + "…"
}

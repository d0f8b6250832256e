package providers

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// notebook is a Trace that writes down what happens.
type notebook struct {
	lines *[]string
	name  string
}

func (n notebook) Begin(name string, attrs ...slog.Attr) Trace {
	line := "begin " + n.name + "/" + name
	for _, a := range attrs {
		line += " " + a.String()
	}
	*n.lines = append(*n.lines, line)
	return notebook{n.lines, n.name + "/" + name}
}

func (n notebook) Note(attrs ...slog.Attr) {
	for _, a := range attrs {
		*n.lines = append(*n.lines, "note "+n.name+" "+a.String())
	}
}

func (n notebook) End(err error) {
	line := "end " + n.name
	if err != nil {
		line += " " + err.Error()
	}
	*n.lines = append(*n.lines, line)
}

func (n notebook) Pass(set func(name, value string)) { set("traceparent", n.name) }
func (notebook) ID() string                          { return "id" }

func TestTrace(t *testing.T) {
	t.Parallel()
	t.Run("parts begin within the part that the context belongs to", func(t *testing.T) {
		t.Parallel()
		var lines []string
		ctx := WithTrace(t.Context(), notebook{&lines, "request"})
		ctx, operation := BeginTrace(ctx, "operation")
		_, source := BeginTrace(ctx, "source", slog.String("source", "ocm"))
		source.Note(slog.Int("records", 3))
		source.End(errors.New("away"))
		operation.End(nil)
		want := []string{
			"begin request/operation", "begin request/operation/source source=ocm", "note request/operation/source records=3",
			"end request/operation/source away", "end request/operation",
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("what was traced mismatch (-want +got)\n%s", diff)
		}
	})
	t.Run("without a trace nothing is told and nothing is carried", func(t *testing.T) {
		t.Parallel()
		ctx, part := BeginTrace(t.Context(), "operation")
		if ctx != t.Context() {
			t.Error("the context of work that nobody follows is another one")
		}
		part.Begin("source").Note(slog.Int("records", 3))
		part.End(nil)
		part.Pass(func(name, value string) { t.Errorf("it passes on %s: %s", name, value) })
		if id := TraceOf(context.WithoutCancel(ctx)).ID(); id != "" {
			t.Errorf("its id is %q", id)
		}
	})
}

// It is not parallel: what others allocate would be counted, too.
func TestTrace_CostsNoMemoryWhereNobodyFollows(t *testing.T) {
	ctx, id := t.Context(), SourceID("ocm")
	if n := testing.AllocsPerRun(100, func() {
		_, part := BeginTrace(ctx, "source", slog.String("source", string(id)), slog.Int("keys", 3))
		part.End(nil)
	}); n != 0 {
		t.Errorf("a part allocates %v times", n)
	}
}

package server_test

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chargegraph/graph"
	"chargegraph/providers"
	"chargegraph/server"
)

// siteRoot resolves Query.poi to a site with comments, the one part of it that has
// a resolver and that @defer hence works for.
type siteRoot struct{ root }

func (siteRoot) Query() graph.QueryResolver { return siteQuery{} }
func (siteRoot) POI() graph.POIResolver     { return sitePOI{} }

type siteQuery struct{ graph.QueryResolver }

func (siteQuery) Poi(context.Context, graph.POIRef, *providers.SourcePolicy) (*providers.POI, error) {
	r := &providers.Record{Key: "ocm:1"}
	r.Title = "a"
	return &providers.POI{Site: &r.Site, Members: []*providers.Record{r}}, nil
}

type sitePOI struct{ graph.POIResolver }

func (sitePOI) Comments(context.Context, *providers.POI, *int, *string, []providers.CommentKind) (*graph.CommentConnection, error) {
	return &graph.CommentConnection{TotalCount: new(3), PageInfo: &graph.PageInfo{}}, nil
}

func ofSite(c *server.Config) {
	c.Schema = graph.NewExecutableSchema(graph.Config{Resolvers: siteRoot{}})
}

const deferring = `{"query":"{ poi(by: {id: \"poi:ocm:1\"}) { title ... @defer(label: \"late\") { comments { totalCount } } } }"}`

func TestWhatIsDeferredComesInAPieceOfItsOwn(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, ofSite)
	w := post(h, deferring, "Accept", "multipart/mixed;deferSpec=20220824, application/json")
	media, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil || media != "multipart/mixed" || w.Code != http.StatusOK {
		t.Fatalf("%d %q: %v", w.Code, w.Header().Get("Content-Type"), err)
	}
	var pieces []map[string]any
	for reader := multipart.NewReader(w.Body, params["boundary"]); ; {
		part, err := reader.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := part.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("a piece is of type %q", got)
		}
		var piece map[string]any
		if err := json.NewDecoder(part).Decode(&piece); err != nil {
			t.Fatal(err)
		}
		delete(piece, "extensions")
		if list, ok := piece["incremental"].([]any); ok {
			for _, one := range list {
				if fields, ok := one.(map[string]any); ok {
					delete(fields, "extensions")
				}
			}
		}
		pieces = append(pieces, piece)
	}
	want := []map[string]any{
		{"data": map[string]any{"poi": map[string]any{"title": "a"}}, "hasNext": true},
		{"incremental": []any{map[string]any{"data": map[string]any{"comments": map[string]any{"totalCount": 3.0}}, "label": "late", "path": []any{"poi"}}}, "hasNext": false},
	}
	if diff := cmp.Diff(want, pieces); diff != "" {
		t.Errorf("pieces mismatch (-want +got):\n%s", diff)
	}
}

func TestAnAnswerThatDefersNothingComesInOnePiece(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled)
	w := post(h, `{"query":"{operator(id:\"a\"){title}}"}`, "Accept", "multipart/mixed, application/json")
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("it is of type %q", got)
	}
}

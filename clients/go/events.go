package chargegraph

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"

	"github.com/Khan/genqlient/graphql"
)

// maxEvent bounds one event: an answer of the service, of a few kilobytes as a rule.
const maxEvent = 4 << 20

// subscribe asks for server-sent events and yields them, until the service says
// that there are no more, or with an error at the end. genqlient subscribes over
// WebSockets only, with a client that does not say when a connection breaks.
func subscribe[T any](ctx context.Context, c *Client, document string, variables map[string]any) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		body, err := c.open(ctx, document, variables)
		if err != nil {
			yield(nil, err)
			return
		}
		defer body.Close()
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, maxEvent)
		for lines.Scan() {
			if bytes.HasPrefix(lines.Bytes(), []byte("event: complete")) {
				return
			}
			text, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
			if !ok { // the names of events, and comments that keep the connection open
				continue
			}
			var answer graphql.BaseResponse[*T]
			if err = json.Unmarshal(text, &answer); err == nil && len(answer.Errors) > 0 {
				err = answer.Errors
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(answer.Data, nil) {
				return
			}
		}
		if err = lines.Err(); err == nil {
			err = io.ErrUnexpectedEOF // without "complete"
		}
		yield(nil, err)
	}
}

// open begins a subscription and returns its events.
func (c *Client) open(ctx context.Context, document string, variables map[string]any) (io.ReadCloser, error) {
	body, err := json.Marshal(graphql.Request{Query: document, Variables: variables})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media == "text/event-stream" {
		return response.Body, nil
	}
	defer response.Body.Close()
	refused := &graphql.HTTPError{StatusCode: response.StatusCode}
	if err = json.NewDecoder(io.LimitReader(response.Body, maxEvent)).Decode(&refused.Response); err != nil {
		return nil, fmt.Errorf("status %d, and no GraphQL answer", response.StatusCode)
	}
	return nil, refused
}

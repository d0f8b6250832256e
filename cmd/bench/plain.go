package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

// plainCommand makes bench the plain handler.
const plainCommand = "plain"

// servePlain serves POST /graphql with the bytes that were PUT to /answer last,
// from a net/http handler that does nothing else: what the same answer costs when
// there is no work left but HTTP. It says its address on the first line of stdout
// and ends when ctx does.
func servePlain(ctx context.Context, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newPlain(), ReadHeaderTimeout: answerTimeout}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if _, err = fmt.Fprintln(stdout, listener.Addr()); err != nil {
		return err
	}
	if err = server.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func newPlain() http.Handler {
	var answer atomic.Pointer[[]byte]
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /answer", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer.Store(&body)
	})
	mux.HandleFunc("POST /graphql", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // an answer depends on all of the question
		body := answer.Load()
		if body == nil {
			http.Error(w, "there is no answer yet: PUT it to /answer", http.StatusServiceUnavailable)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(*body)))
		_, _ = w.Write(*body)
	})
	return mux
}

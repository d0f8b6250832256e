package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"chargegraph/server"
)

func batched(n int) func(*server.Config) { return func(c *server.Config) { c.MaxBatch = n } }

func TestABatchIsAnsweredInItsOrder(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, titled, batched(3))
	w := post(h, ` [{"query":"{operator(id:\"a\"){title}}"},{"query":"{nobody}"},{"query":"{operator(id:\"b\"){title}}"}]`)
	var answers []reply
	if err := json.Unmarshal(w.Body.Bytes(), &answers); err != nil || w.Code != http.StatusOK || len(answers) != 3 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	for i, want := range []string{`{"operator":{"title":"a"}}`, "", `{"operator":{"title":"b"}}`} {
		if got := string(answers[i].Data); got != want {
			t.Errorf("answer %d is %s, want %s", i, got, want)
		}
	}
	if len(answers[1].Errors) != 1 {
		t.Errorf("the wrong one has %d errors", len(answers[1].Errors))
	}
}

func TestABatchIsBounded(t *testing.T) {
	t.Parallel()
	one := `{"query":"{operator(id:\"a\"){title}}"}`
	array := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]" }
	h, _ := newHandler(t, titled, batched(3))
	if e := onlyError(t, decode(t, post(h, array(4)))); e.code() != "LIMIT_EXCEEDED" || e.Extensions["limit"] != "batch" {
		t.Errorf("four of three are answered %v", e)
	}
	if w := post(h, "[]"); w.Code != http.StatusBadRequest {
		t.Errorf("an empty array is answered %d", w.Code)
	}
	off, _ := newHandler(t, titled)
	if w := post(off, array(2)); w.Code != http.StatusBadRequest {
		t.Errorf("where batches are off one is answered %d %s", w.Code, w.Body)
	}
	dear, _ := newHandler(t, titled, batched(10), func(c *server.Config) { c.Limits.Cost = 250 })
	w := post(dear, array(3))
	var answers []reply
	if err := json.Unmarshal(w.Body.Bytes(), &answers); err != nil || len(answers) != 3 {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if got := fmt.Sprint(len(answers[0].Errors), len(answers[1].Errors), len(answers[2].Errors)); got != "0 0 1" {
		t.Errorf("three operations of 103 under a limit of 250 have %s errors", got)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the answers into the README")

const readme = "../../README.md"

// TestTheReadmeTellsTrueAnswers runs every query of the README over the sandbox
// and compares the answer with the one that stands below it.
func TestTheReadmeTellsTrueAnswers(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "-addr", "127.0.0.1:0")
	waitUntilPulled(t, p)
	parts := strings.Split(string(text), "```graphql\n")
	for i, part := range parts[1:] {
		query, rest, ok := strings.Cut(part, "```\n\n```json\n")
		if !ok {
			t.Fatalf("query %d has no answer below it", i+1)
		}
		want, rest, ok := strings.Cut(rest, "```\n")
		if !ok {
			t.Fatalf("the answer to query %d does not end", i+1)
		}
		got := pretty(t, p.ask(t, query))
		// A busy machine lets a source miss its deadline; what it was asked for
		// arrives all the same, and the next answer has it.
		for range 20 {
			if got == want {
				break
			}
			got = pretty(t, p.ask(t, query))
		}
		if *update {
			parts[i+1] = query + "```\n\n```json\n" + got + "```\n" + rest
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("query %d answers otherwise (-README +now); -update writes it:\n%s", i+1, diff)
		}
	}
	if n := len(parts) - 1; n != 5 {
		t.Errorf("the README has %d queries, want 5", n)
	}
	if *update {
		if err := os.WriteFile(readme, []byte(strings.Join(parts, "```graphql\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheReadmeHandsInACheckIn sends what the README has curl send.
func TestTheReadmeHandsInACheckIn(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "-H 'Content-Type: application/json' -d '")
	if !ok {
		t.Fatal("the README sends nothing by curl")
	}
	body, _, _ = strings.Cut(body, "'\n")
	p := start(t, nil, "-addr", "127.0.0.1:0")
	answer := p.post(t, []byte(body))
	var got struct {
		Data struct {
			SubmitCheckIn struct {
				CheckIn struct {
					State      string
					Deliveries []struct{ Provider string }
				}
				UserErrors []struct{ Message string }
			}
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if c := got.Data.SubmitCheckIn.CheckIn; c.State != "ACCEPTED" || len(c.Deliveries) != 1 || c.Deliveries[0].Provider != "OCM" {
		t.Errorf("it answers %s", answer)
	}
}

// waitUntilPulled asks until every source that is held has been read: the service
// does not wait for that longer than two seconds.
func waitUntilPulled(t *testing.T, p *program) {
	t.Helper()
	for {
		var answer struct {
			Data struct {
				Sources []struct {
					RecordCount   *int
					LastSuccessAt *time.Time
				}
			}
		}
		if err := json.Unmarshal(p.ask(t, `{ sources { recordCount lastSuccessAt } }`), &answer); err != nil {
			t.Fatal(err)
		}
		waiting := false
		for _, s := range answer.Data.Sources {
			waiting = waiting || s.RecordCount != nil && s.LastSuccessAt == nil
		}
		if !waiting {
			return
		}
	}
}

// pretty indents the data of an answer and breaks it only where lines grow long.
func pretty(t *testing.T, answer []byte) string {
	t.Helper()
	var decoded struct {
		Data   json.RawMessage `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(answer, &decoded); err != nil {
		t.Fatal(err)
	}
	if len(decoded.Errors) > 0 {
		t.Fatalf("the query fails: %s", decoded.Errors)
	}
	return layOut(t, decoded.Data, "") + "\n"
}

const lineWidth = 150

// layOut writes a value on one line if it fits, else its members each on theirs.
func layOut(t *testing.T, value json.RawMessage, indent string) string {
	t.Helper()
	value = bytes.TrimSpace(value)
	if len(indent)+len(value) <= lineWidth || value[0] != '{' && value[0] != '[' {
		return string(value)
	}
	inner := indent + "  "
	var lines []string
	dec := json.NewDecoder(bytes.NewReader(value))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	for dec.More() {
		name := ""
		if value[0] == '{' {
			token, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			name = fmt.Sprintf("%q: ", token)
		}
		var member json.RawMessage
		if err := dec.Decode(&member); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, inner+name+layOut(t, member, inner))
	}
	return string(value[0]) + "\n" + strings.Join(lines, ",\n") + "\n" + indent + string(value[len(value)-1])
}

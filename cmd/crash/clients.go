package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// clients is how many submit at once: each of them waits most of the time.
	clients = 16
	// answerTime is how long a client waits for an answer before it tries again.
	answerTime = 5 * time.Second
	// asked is how many check-ins one request asks for.
	asked = 10
)

// shortestSubmitting is how long submissions are spread over at least, so that a
// good many of them meet a death; pace is the least time between two.
const (
	shortestSubmitting = 2 * time.Second
	pace               = 8 * time.Millisecond
)

// run does one part.
func (r *rig) run(ctx context.Context, p part) (f figures, err error) {
	began := time.Now()
	f = figures{Part: p.name, CheckIns: p.n, Servers: p.servers}
	s, err := r.newStage(ctx, p)
	if err != nil {
		return f, err
	}
	defer s.close()
	prefix := fmt.Sprintf("crash %s %s ", p.name, r.run1)
	entries := make([]entry, p.n)
	for i := range entries {
		words := i
		if p.twins {
			words = i / 2
		}
		entries[i] = entry{key: fmt.Sprintf("%s-%s-%d", p.name, r.run1, i), text: fmt.Sprintf("%s%d.", prefix, words), site: r.sites[words%len(r.sites)]}
	}

	// The storm rages over the submissions, and some of the deliveries.
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	storming, calm := context.WithCancel(ctx)
	defer calm()
	over := make(chan error, 1)
	go func() {
		ended := s.storm(storming, ctx)
		if ended != nil {
			abort(ended) // a server that does not start any more ends the part
		}
		over <- ended
	}()
	if err = s.submitAll(ctx, entries, &f); err == nil {
		s.settle(ctx, entries, &f, time.Now().Add(1500*time.Millisecond+time.Duration(p.n)*20*time.Millisecond))
	}
	calm()
	if ended := <-over; ended != nil {
		err = ended
	}
	if err != nil {
		return f, err
	}
	s.settle(ctx, entries, &f, time.Time{})
	if ctx.Err() == nil {
		if err = s.askPerson(ctx, prefix, entries, &f); err != nil {
			return f, err
		}
		if err = s.replay(ctx, entries, &f); err != nil {
			return f, err
		}
	}
	// What came of it is counted, be the time up or not.
	counting, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	there, err := r.comments(counting, prefix)
	if err != nil {
		return f, err
	}
	f.Comments = len(there)
	f.Tally, f.Problems = count(entries, there, p.marked)
	for i := range entries {
		if entries[i].id != "" {
			f.Acknowledged++
		}
		if entries[i].delivery.State == "DELIVERED" {
			f.Delivered++
		}
		f.Attempts += entries[i].delivery.Attempts
	}
	f.Kills, f.Failures = s.kills, s.failures
	if len(s.served) > 0 {
		slices.Sort(s.served)
		f.ServedMS = int(s.served[len(s.served)/2].Milliseconds())
	}
	f.Seconds = time.Since(began).Seconds()
	return f, nil
}

// submitAll submits each entry twice, from different clients.
func (s *stage) submitAll(ctx context.Context, entries []entry, f *figures) error {
	tasks := make([]int, 0, 2*len(entries))
	for i := range entries {
		tasks = append(tasks, i, i)
	}
	mathrand.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] }) //nolint:gosec // chance, no secret
	wait := max(pace, shortestSubmitting/time.Duration(len(tasks)))
	todo := make(chan int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	for range clients {
		wg.Go(func() {
			for i := range todo {
				sent, id, _, err := s.submit(ctx, &entries[i])
				mu.Lock()
				f.Requests += sent
				switch {
				case err != nil:
					f.Failed += sent
					failed = err
				case entries[i].id != "" && entries[i].id != id:
					failed = fmt.Errorf("the check-in %s is %s and %s", entries[i].key, entries[i].id, id)
				default:
					f.Failed += sent - 1
					entries[i].id = id
				}
				mu.Unlock()
			}
		})
	}
	for _, i := range tasks {
		todo <- i
		pause(ctx, wait)
	}
	close(todo)
	wg.Wait()
	return failed
}

const submitDocument = `mutation($in: SubmitCheckInInput!) { submitCheckIn(input: $in) { checkIn { id } replayed userErrors { code message } } }`

// submit sends a check-in until it is acknowledged, to one server or another. An
// error is one that trying again cannot help, or the end of ctx.
func (s *stage) submit(ctx context.Context, e *entry) (sent int, id string, replayed bool, err error) {
	variables := map[string]any{"in": map[string]any{
		"idempotencyKey": e.key, "poiId": e.site, "outcome": "CHARGED", "text": e.text, "rating": 4,
	}}
	var last error
	for {
		if ctx.Err() != nil {
			return sent, "", false, fmt.Errorf("%s was not acknowledged in time: %w", e.key, last)
		}
		var answer struct {
			SubmitCheckIn *struct {
				CheckIn    *struct{ ID string }
				Replayed   bool
				UserErrors []struct{ Code, Message string }
			}
		}
		sent++
		last = s.ask(ctx, submitDocument, variables, &answer)
		if payload := answer.SubmitCheckIn; last == nil && payload != nil {
			if len(payload.UserErrors) > 0 {
				return sent, "", false, fmt.Errorf("%s was refused: %s: %s", e.key, payload.UserErrors[0].Code, payload.UserErrors[0].Message)
			}
			if payload.CheckIn != nil {
				return sent, payload.CheckIn.ID, payload.Replayed, nil
			}
			last = errors.New("neither a check-in nor an error came")
		}
		s.failed(last)
		pause(ctx, between(20*time.Millisecond, 100*time.Millisecond))
	}
}

// ask sends an operation to one of the servers. Errors of fields are errors, too.
func (s *stage) ask(ctx context.Context, document string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	v := s.servers[mathrand.IntN(len(s.servers))] //nolint:gosec // chance, no secret
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+callerID+"."+s.secret)
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err = s.do(req, &answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, into)
}

// settle asks for entries until all of them have come to rest, or a time has come
// (zero: none). A time that is over is no error.
func (s *stage) settle(ctx context.Context, entries []entry, f *figures, until time.Time) {
	for {
		var open []*entry
		for i := range entries {
			if e := &entries[i]; !e.known || !e.delivery.final() {
				open = append(open, e)
			}
		}
		if len(open) == 0 || !until.IsZero() && time.Now().After(until) {
			return
		}
		gone := 0
		for some := range slices.Chunk(open, asked) {
			missing, err := s.look(ctx, some)
			if err != nil && ctx.Err() == nil {
				f.LastError = err.Error() // a server that is dead, mostly
			}
			gone += missing
		}
		if gone == len(open) && until.IsZero() {
			return // they will not come back
		}
		pause(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return // what is unfinished then is counted
		}
	}
}

// look asks how far entries got; missing counts those that the service does not
// know although it answered.
func (s *stage) look(ctx context.Context, entries []*entry) (missing int, err error) {
	var document strings.Builder
	document.WriteString("{")
	for i, e := range entries {
		fmt.Fprintf(&document, " c%d: checkIn(id: %s) { state deliveries { state attempts externalId error { message } } }", i, quoted(e.id))
	}
	document.WriteString(" }")
	answer := make(map[string]*struct {
		State      string
		Deliveries []delivery
	})
	if err = s.ask(ctx, document.String(), nil, &answer); err != nil {
		return 0, err
	}
	for i, e := range entries {
		got := answer[fmt.Sprintf("c%d", i)]
		e.looked = true
		if e.known = got != nil && len(got.Deliveries) == 1; !e.known {
			missing++
			continue
		}
		e.state, e.delivery = got.State, got.Deliveries[0]
	}
	return missing, nil
}

// askPerson tries again what only a person can decide, once the provider answers
// clearly.
func (s *stage) askPerson(ctx context.Context, prefix string, entries []entry, f *figures) error {
	there, err := s.comments(ctx, prefix)
	if err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		if e.delivery.State != "UNCONFIRMED" {
			continue
		}
		f.Unconfirmed++
		x := explained{ID: e.id, Reason: e.delivery.reason()}
		for _, c := range there {
			if c.Comment == e.text {
				x.Comments++
			}
		}
		f.Explained = append(f.Explained, x)
		if err = s.ambiguity(ctx, false); err != nil {
			return err
		}
		if err = s.retry(ctx, e.id); err != nil {
			return err
		}
		e.known, e.looked = false, false // to be looked at again
	}
	if f.Unconfirmed > 0 {
		s.settle(ctx, entries, f, time.Time{})
	}
	return nil
}

// replay submits everything once more: nothing new may come of it.
func (s *stage) replay(ctx context.Context, entries []entry, f *figures) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	todo := make(chan *entry)
	for range clients {
		wg.Go(func() {
			for e := range todo {
				_, id, replayed, err := s.submit(ctx, e)
				mu.Lock()
				switch {
				case err != nil:
					failed = err
				case !replayed || id != e.id:
					failed = fmt.Errorf("%s was accepted as %s and, when it was repeated, as %s", e.key, e.id, id)
				default:
					f.Replayed++
				}
				mu.Unlock()
			}
		})
	}
	for i := range entries {
		todo <- &entries[i]
	}
	close(todo)
	wg.Wait()
	return failed
}

package chargegraph_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chargegraph/clients/go"
)

// london is around the middle of the made-up world's London.
func london() *chargegraph.AreaInput {
	return &chargegraph.AreaInput{Around: &chargegraph.AroundInput{
		Center: &chargegraph.PointInput{Latitude: 51.51, Longitude: -0.12}, RadiusMeters: 5000,
	}}
}

// connect returns a client of the running service.
func connect(t *testing.T) *chargegraph.Client {
	t.Helper()
	address := os.Getenv("CHARGEGRAPH_URL")
	if address == "" {
		t.Skip("CHARGEGRAPH_URL names no running service: .ci/clients starts one")
	}
	return chargegraph.New(address+"/graphql", chargegraph.Options{})
}

func TestAllSites_GoesThroughThePagesInOrder(t *testing.T) {
	t.Parallel()
	c := connect(t)
	all := 60
	whole, err := chargegraph.Sites(t.Context(), c, london(), nil, nil, &all, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Pois.Edges) != all || len(whole.Pois.Attributions) == 0 {
		t.Fatalf("one page of %d has %d sites and %d credits", all, len(whole.Pois.Edges), len(whole.Pois.Attributions))
	}
	i := 0
	for hit, err := range chargegraph.AllSites(t.Context(), c, london(), nil, 25) {
		if err != nil {
			t.Fatal(err)
		}
		if i == all {
			break
		}
		if want := whole.Pois.Edges[i]; hit.Node.Id != want.Node.Id || *hit.DistanceMeters != *want.DistanceMeters {
			t.Fatalf("site %d is %s, want %s", i, hit.Node.Id, want.Node.Id)
		}
		i++
	}
	if i != all {
		t.Errorf("pages of 25 have %d sites, want at least %d", i, all)
	}
}

func TestSites_TakesFiltersAsTypes(t *testing.T) {
	t.Parallel()
	c := connect(t)
	power, first := 50.0, 10
	filter := &chargegraph.POIFilter{Connections: []*chargegraph.ConnectionMatch{{
		Types: []chargegraph.ConnectorType{chargegraph.ConnectorTypeCcs2}, MinPowerKw: &power,
	}}}
	answer, err := chargegraph.Sites(t.Context(), c, london(), filter, nil, &first, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Pois.Edges) == 0 {
		t.Fatal("no rapid chargers in London")
	}
	for _, hit := range answer.Pois.Edges {
		if hit.Node.MaxPowerKw == nil || *hit.Node.MaxPowerKw < power {
			t.Errorf("%s has %v kW, want at least %v", hit.Node.Id, hit.Node.MaxPowerKw, power)
		}
	}
}

func TestCheckInAtSite_IsKeptOnceAndFollowedToItsDelivery(t *testing.T) {
	t.Parallel()
	c := connect(t)
	first, text := 2, "All went well." // the second: comments on the first come in meanwhile
	sites, err := chargegraph.Sites(t.Context(), c, london(), nil, nil, &first, nil)
	if err != nil {
		t.Fatal(err)
	}
	input := chargegraph.SubmitCheckInInput{
		IdempotencyKey: uuid.NewString(), PoiId: sites.Pois.Edges[1].Node.Id, Outcome: chargegraph.CheckInOutcomeCharged, Text: &text,
	}
	accepted, err := chargegraph.CheckInAtSite(t.Context(), c, input)
	if err != nil {
		t.Fatal(err)
	}
	again, err := chargegraph.CheckInAtSite(t.Context(), c, input)
	if err != nil || again.Id != accepted.Id {
		t.Errorf("the same key again makes %v, %v, want %s", again, err, accepted.Id)
	}
	var last *chargegraph.Progress
	for progress, err := range chargegraph.FollowCheckIn(t.Context(), c, accepted.Id) {
		if err != nil {
			t.Fatal(err)
		}
		last = progress
		if last.State != chargegraph.CheckInStateAccepted && last.State != chargegraph.CheckInStateDelivering {
			break
		}
	}
	if last == nil || len(last.Deliveries) == 0 {
		t.Fatalf("it got to %+v, want deliveries", last)
	}
	if found := accepted.Comment.Poi.Comments.Edges[0].Node; found.Text == nil || *found.Text != text {
		t.Errorf("the newest comment at the site is %+v, want the one just made", found)
	}
}

func TestNewComments_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := connect(t)
	first, text := 1, "A tip for those who listen."
	sites, err := chargegraph.Sites(t.Context(), c, london(), nil, nil, &first, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	written := make(chan error, 1)
	go func() { // a subscription does not say when it has begun: somebody writes until something is heard
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			_, err := chargegraph.CheckInAtSite(ctx, c, chargegraph.SubmitCheckInInput{
				IdempotencyKey: uuid.NewString(), PoiId: sites.Pois.Edges[0].Node.Id, Outcome: chargegraph.CheckInOutcomeNotVisited, Text: &text,
			})
			if err != nil {
				written <- err
				cancel()
				return
			}
			select {
			case <-ctx.Done():
				written <- ctx.Err()
				return
			case <-tick.C:
			}
		}
	}()
	var heard *chargegraph.AddedComment
	var end error
	for comment, err := range chargegraph.NewComments(ctx, c, london()) {
		if err != nil {
			end = err
			break
		}
		if heard == nil {
			heard = comment
			cancel()
		}
	}
	if err := <-written; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if heard == nil || heard.Id == "" || !errors.Is(end, context.Canceled) {
		t.Errorf("heard %+v and ended with %v, want a comment and %v", heard, end, context.Canceled)
	}
}

func TestFollowCheckIn_TellsAConnectionThatBreaksFromAnEnd(t *testing.T) {
	t.Parallel()
	const event = "event: next\ndata: {\"data\":{\"checkInUpdated\":{\"id\":\"1\",\"state\":\"DELIVERED\"}}}\n\n"
	for body, want := range map[string]error{
		":\n\n" + event + "event: complete\ndata:\n\n": nil,
		":\n\n" + event: io.ErrUnexpectedEOF,
	} {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != "Bearer key" {
				t.Errorf("Authorization is %q, want the token", got)
			}
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(service.Close)
		c := chargegraph.New(service.URL, chargegraph.Options{Token: "key"})
		var states []chargegraph.CheckInState
		var end error
		for progress, err := range chargegraph.FollowCheckIn(t.Context(), c, "1") {
			if end = err; err == nil {
				states = append(states, progress.State)
			}
		}
		if len(states) != 1 || states[0] != chargegraph.CheckInStateDelivered || !errors.Is(end, want) {
			t.Errorf("%q has states %v and ends with %v, want one state and %v", body, states, end, want)
		}
	}
}

func TestCode_TellsTheKindOfAnError(t *testing.T) {
	t.Parallel()
	c := connect(t)
	area := london()
	area.Around.RadiusMeters = -1
	if _, err := chargegraph.Sites(t.Context(), c, area, nil, nil, nil, nil); chargegraph.Code(err) != "BAD_USER_INPUT" {
		t.Errorf("a radius below 0 is %v of code %q, want BAD_USER_INPUT", err, chargegraph.Code(err))
	}
	for _, err := range chargegraph.NewComments(t.Context(), c, area) {
		if chargegraph.Code(err) != "BAD_USER_INPUT" {
			t.Errorf("a subscription to it is %v of code %q, want BAD_USER_INPUT", err, chargegraph.Code(err))
		}
	}
	stars := 9
	_, err := chargegraph.CheckInAtSite(t.Context(), c, chargegraph.SubmitCheckInInput{
		IdempotencyKey: uuid.NewString(), PoiId: "poi:ocm:1", Outcome: chargegraph.CheckInOutcomeCharged, Rating: &stars,
	})
	if _, ok := errors.AsType[chargegraph.MistakesError](err); !ok || !strings.Contains(err.Error(), "rating") {
		t.Errorf("nine stars are answered %v, want a mistake in rating", err)
	}
	nowhere := chargegraph.New("http://127.0.0.1:1/graphql", chargegraph.Options{})
	if _, err := chargegraph.SiteAtAGlance(t.Context(), nowhere, "poi:ocm:1"); err == nil || chargegraph.Code(err) != "" {
		t.Errorf("no service is %v of code %q, want an error without", err, chargegraph.Code(err))
	}
}

func Example() {
	c := chargegraph.New("https://charge.example/graphql", chargegraph.Options{Token: os.Getenv("CHARGEGRAPH_TOKEN")})
	netherlands := "NL"
	for hit, err := range chargegraph.AllSites(context.Background(), c, &chargegraph.AreaInput{Country: &netherlands}, nil, 100) {
		if err != nil {
			fmt.Println(chargegraph.Code(err), err)
			return
		}
		fmt.Println(hit.Node.Title)
	}
}

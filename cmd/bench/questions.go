package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"chargegraph/providers"
)

// mapQuery is what a map asks for. Spaces are those of a client's own text. The
// source has more time than it would get by default: it is simulated on the core
// that the clients keep busy, and how long it takes is not what is measured.
const mapQuery = `query Map($bounds: BoundsInput!, $first: Int!) {
  pois(area: {bounds: $bounds}, first: $first, sources: {timeout: "PT10S"}) {
    sources { outcome error { code } }
    nodes {
      id
      title
      location { latitude longitude }
      status
      operator { title }
      connections { type powerKw quantity }
    }
  }
}`

// freshQuery is mapQuery with nothing taken from a cache.
const freshQuery = `query Fresh($bounds: BoundsInput!, $first: Int!) {
  pois(area: {bounds: $bounds}, first: $first, sources: {maxAge: "PT0S", timeout: "PT10S"}) {
    sources { outcome error { code } }
    nodes { id title location { latitude longitude } status operator { title } connections { type powerKw quantity } }
  }
}`

// detailQuery is what the page of one POI asks for.
const detailQuery = `query Detail($id: ID!) {
  poi(by: {id: $id}, sources: {timeout: "PT10S"}) {
    sources { outcome }
    id
    title
    location { latitude longitude }
    address { line1 town postcode countryCode }
    operator { title website }
    status
    usage
    usageCost
    numberOfPoints
    connections { type format current powerKw quantity status }
    comments(first: 5) { nodes { rating text createdAt } }
    records { attribution { text license } }
  }
}`

// listQuery finds out where the POIs are, and has time for it.
const listQuery = `query List($bounds: BoundsInput!) {
  pois(area: {bounds: $bounds}, first: 500, sources: {timeout: "PT20S"}) {
    totalCount
    nodes { id location { latitude longitude } }
    sources { outcome }
  }
}`

// post returns a request for an operation.
func post(query string, variables map[string]any) []byte {
	body, err := json.Marshal(struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}{query, variables})
	if err != nil {
		panic(err) // strings, numbers and boxes always marshal
	}
	return request(string(body))
}

func boundsInput(b providers.Bounds) map[string]float64 {
	return map[string]float64{"south": b.South, "west": b.West, "north": b.North, "east": b.East}
}

func askMap(b providers.Bounds, first int) []byte {
	return post(mapQuery, map[string]any{"bounds": boundsInput(b), "first": first})
}

func askFresh(b providers.Bounds, first int) []byte {
	return post(freshQuery, map[string]any{"bounds": boundsInput(b), "first": first})
}

func askDetail(id string) []byte { return post(detailQuery, map[string]any{"id": id}) }

// askMaps asks for the first so many POIs of each viewport.
func askMaps(viewports []providers.Bounds, first int) [][]byte {
	questions := make([][]byte, len(viewports))
	for i, v := range viewports {
		questions[i] = askMap(v, first)
	}
	return questions
}

// list returns all POIs inside b. Where one page does not hold them all, or the
// source gives only a part, it asks for the quarters of b.
func list(ctx context.Context, addr string, b providers.Bounds) ([]spot, error) {
	raw, err := once(ctx, addr, post(listQuery, map[string]any{"bounds": boundsInput(b)}))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Errors []struct{ Message string }
		Data   struct {
			Pois *struct {
				TotalCount *int
				Nodes      []struct {
					ID       string
					Location struct{ Latitude, Longitude float64 }
				}
				Sources []struct{ Outcome string }
			}
		}
	}
	if err = json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	if len(answer.Errors) > 0 {
		return nil, errors.New(answer.Errors[0].Message)
	}
	got := answer.Data.Pois
	if got == nil || len(got.Sources) != 1 {
		return nil, fmt.Errorf("no POIs in the answer: %.200s", raw)
	}
	if outcome := got.Sources[0].Outcome; outcome != "OK" && outcome != "PARTIAL" {
		return nil, fmt.Errorf("the source is %s", outcome)
	}
	if got.TotalCount == nil || *got.TotalCount > len(got.Nodes) {
		return listParts(ctx, addr, b, 2)
	}
	spots := make([]spot, len(got.Nodes))
	for i, n := range got.Nodes {
		spots[i] = spot{n.ID, providers.Point{Lat: n.Location.Latitude, Lon: n.Location.Longitude}}
	}
	return spots, nil
}

// listParts is list for b cut into n times n boxes.
func listParts(ctx context.Context, addr string, b providers.Bounds, n int) ([]spot, error) {
	height, width := (b.North-b.South)/float64(n), (b.East-b.West)/float64(n)
	if height < 1e-3 { // about 100 m
		return nil, fmt.Errorf("the source never gives all that lies around %.4f,%.4f", b.South, b.West)
	}
	var spots []spot
	seen := make(map[string]bool) // a POI on an edge is in two parts
	for i := range n * n {
		south, west := b.South+height*float64(i/n), b.West+width*float64(i%n)
		part, err := list(ctx, addr, providers.Bounds{South: south, West: west, North: south + height, East: west + width})
		if err != nil {
			return nil, err
		}
		for _, s := range part {
			if !seen[s.id] {
				seen[s.id] = true
				spots = append(spots, s)
			}
		}
	}
	return spots, nil
}

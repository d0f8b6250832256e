package server

import (
	"encoding/json"
	"testing"
)

func TestPointsOfAnAreaCost(t *testing.T) {
	t.Parallel()
	m := newMeter(contract(t))
	const document = `query($a: AreaInput!) { pois(area: $a) { totalCount } }`
	point := map[string]any{"latitude": 51.0, "longitude": 0.0}
	bare := costOf(t, m, document, map[string]any{"a": map[string]any{"country": "GB"}})
	for name, test := range map[string]struct {
		area   map[string]any
		points float64
	}{
		"a route of points":      {map[string]any{"route": map[string]any{"points": []any{point, point, point}}}, 3},
		"a polygon of points":    {map[string]any{"polygon": map[string]any{"points": []any{point, point, point, point}}}, 4},
		"an encoded route":       {map[string]any{"route": map[string]any{"encoded": "_p~iF~ps|U_ulLnnqC_mqNvxq`@"}}, 3}, // Google's own example
		"an encoded polygon":     {map[string]any{"polygon": map[string]any{"encoded": "????"}}, 2},
		"a circle":               {map[string]any{"around": map[string]any{"center": point}}, 0},
		"a route without points": {map[string]any{"route": map[string]any{}}, 0},
	} {
		if got := costOf(t, m, document, map[string]any{"a": test.area}) - bare; got != test.points*pointCost {
			t.Errorf("%s costs %v more, want %v", name, got, test.points*pointCost)
		}
	}
}

// FuzzShapeOf compares with what is decoded: never more than was counted.
func FuzzShapeOf(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":null}],"c":"[{,\"]"}`, `[[[[]]]]`, `"\\"`, `"\\\"["`, `0`, `{}`, `[1,2`, `]]][[[`, `"`, `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, depth := shapeOf(text)
		var decoded any
		if json.Unmarshal([]byte(text), &decoded) != nil {
			return
		}
		if n, d := measured(decoded); n > values || d != depth {
			t.Errorf("%s has %d values %d deep, counted as %d and %d", text, n, d, values, depth)
		}
	})
}

// measured counts decoded values.
func measured(v any) (values, depth int) {
	values = 1
	add := func(child any) {
		n, d := measured(child)
		values += n
		depth = max(depth, d)
	}
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			add(child)
		}
		depth++
	case map[string]any:
		for _, child := range v {
			add(child)
		}
		depth++
	}
	return values, depth
}

package server

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRoom_IsMadeByWhoTakesLongest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &room{left: 100}
		take := func(size int, cut func()) func() {
			t.Helper()
			free, ok := r.take(t.Context(), size, cut)
			if !ok {
				t.Fatalf("there is no room for %d", size)
			}
			return free
		}
		never := func() { t.Error("it is cut off and need not be") }
		cuts := 0
		var free [2]func()
		free[0] = take(50, func() { cuts++; go free[0]() })
		<-time.After(time.Second)
		free[1] = take(50, never)

		// The first is in its grace for another second.
		began := time.Now()
		third := take(30, never)
		if took := time.Since(began); took != bodyGrace-time.Second || cuts != 1 {
			t.Errorf("it had room after %v and %d were cut off, want the oldest after %v", took, cuts, bodyGrace-time.Second)
		}

		// Who ends by himself makes room, too.
		go func() {
			<-time.After(300 * time.Millisecond)
			free[1]()
		}()
		began = time.Now()
		fourth := take(60, never)
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("it had room after %v, want 300 ms", took)
		}

		// There is no room where nobody goes who was told to.
		third()
		fourth()
		deaf := 0
		last := take(100, func() { deaf++ })
		began = time.Now()
		if _, ok := r.take(t.Context(), 1, never); ok || time.Since(began) != patience || deaf != 1 {
			t.Errorf("there is room (%v) after %v, and the other was told %d times to go; want none after %v, told once", ok, time.Since(began), deaf, patience)
		}
		last()
		if r.left != 100 || r.taken.Len() != 0 {
			t.Errorf("%d are left and %d taken when all have gone", r.left, r.taken.Len())
		}
	})
}

func TestTurns_AreTakenInOrder_AndHalfOfThemByOneCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &turns{most: 2}
		began := make(chan string, 10)
		ends := make(map[string]func())
		for _, who := range []string{"a1", "a2", "a3", "b1", "c1"} { // three of caller a
			go func() {
				end, ok := q.take(t.Context(), who[:1])
				if !ok {
					t.Errorf("%s has no turn", who)
					return
				}
				ends[who] = end
				began <- who
			}()
			synctest.Wait()
		}
		for _, step := range []struct{ begins, then string }{
			{"a1", ""}, {"b1", "a1"}, {"a2", "b1"}, {"c1", "a2"}, {"a3", "c1"},
		} {
			synctest.Wait()
			select {
			case who := <-began:
				if who != step.begins {
					t.Fatalf("%s begins, want %s", who, step.begins)
				}
			default:
				t.Fatalf("nobody begins, want %s", step.begins)
			}
			if step.then != "" {
				if len(began) != 0 {
					t.Fatalf("%s begins, too, and there are two at work", <-began)
				}
				ends[step.then]()
			}
		}
		ends["a3"]()
		if q.working != 0 || len(q.by) != 0 || q.queue.Len() != 0 {
			t.Errorf("%d work for %d callers and %d wait when all is done", q.working, len(q.by), q.queue.Len())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		q := &turns{most: 1}
		end, _ := q.take(t.Context(), "a")
		asked := time.Now()
		if _, ok := q.take(t.Context(), "b"); ok || time.Since(asked) != patience {
			t.Errorf("a turn is waited for %v (had: %v), want %v in vain", time.Since(asked), ok, patience)
		}
		end()
		if end, ok := q.take(t.Context(), "b"); !ok {
			t.Error("there is no turn when the first has ended")
		} else {
			end()
		}
	})
}

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
		if n, d := valuesOf(decoded), nestingOf(text); n > values || d != depth {
			t.Errorf("%s has %d values %d deep, counted as %d and %d", text, n, d, values, depth)
		}
	})
}

// valuesOf counts decoded values; of members that stand twice one is left.
func valuesOf(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			n += valuesOf(child)
		}
	case map[string]any:
		for _, child := range v {
			n += valuesOf(child)
		}
	}
	return n
}

// nestingOf returns how deep lists and objects stand within each other in valid JSON.
func nestingOf(text string) (deepest int) {
	depth := 0
	for dec := json.NewDecoder(strings.NewReader(text)); ; {
		switch token, err := dec.Token(); {
		case err != nil:
			return deepest
		case token == json.Delim('[') || token == json.Delim('{'):
			depth++
			deepest = max(deepest, depth)
		case token == json.Delim(']') || token == json.Delim('}'):
			depth--
		}
	}
}

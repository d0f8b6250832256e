package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// everything reads one value as each kind.
type everything struct {
	Number Number        `json:"number"`
	Flag   Flag          `json:"flag"`
	Text   Text          `json:"text"`
	Time   Time          `json:"time"`
	List   List[part]    `json:"list"`
	Object Object[part]  `json:"object"`
	View   View          `json:"view"`
	After  Object[After] `json:"after"`
}

type part struct {
	ID   Number     `json:"id"`
	More List[part] `json:"more"`
}

// After is what stands behind a value, to see that no more than it was read.
type After struct {
	Text Text `json:"text"`
}

// read reads value as each kind.
func read(value string) (*everything, error) {
	var b strings.Builder
	b.WriteByte('{')
	for _, name := range []string{"number", "flag", "text", "time", "list", "object", "view"} {
		b.WriteString(`"` + name + `":` + value + `,`)
	}
	b.WriteString(`"after":{"text":"here"}}`)
	e := new(everything)
	err := json.Unmarshal([]byte(b.String()), e, Lenient())
	if err == nil && string(e.View) != string(e.Text) {
		err = fmt.Errorf("the view %q is not the text %q", e.View, e.Text)
	}
	return e, err
}

func TestAValueIsReadAsWhatItCanBe(t *testing.T) {
	t.Parallel()
	number := func(v float64) Number { return Number{Value: v, Set: true} }
	yes, no := Flag{Value: true, Set: true}, Flag{Set: true}
	one := Object[part]{Value: part{ID: number(7)}, Set: true}
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]everything{
		`null`:                             {},
		`7`:                                {Number: number(7), Text: "7"},
		`-7.50`:                            {Number: number(-7.5), Text: "-7.50"},
		`1e3`:                              {Number: number(1000), Text: "1e3"},
		`1e400`:                            {Text: "1e400"},
		`1`:                                {Number: number(1), Flag: yes, Text: "1"},
		`0`:                                {Number: number(0), Flag: no, Text: "0"},
		`true`:                             {Flag: yes},
		`false`:                            {Flag: no},
		`""`:                               {},
		`" 7 "`:                            {Number: number(7), Text: " 7 "},
		`"12,5"`:                           {Text: "12,5"},
		`"NaN"`:                            {Text: "NaN"},
		`"-Inf"`:                           {Text: "-Inf"},
		`"1"`:                              {Number: number(1), Flag: yes, Text: "1"},
		`"True"`:                           {Flag: yes, Text: "True"},
		`"FALSE"`:                          {Flag: no, Text: "FALSE"},
		`"\ud800"`:                         {Text: "\ufffd"},
		`"2026-11-20"`:                     {Text: "2026-11-20", Time: Time{day}},
		`"20261120"`:                       {Number: number(20261120), Text: "20261120"},
		`1795132800000`:                    {Number: number(1795132800000), Text: "1795132800000"},
		`[]`:                               {},
		`[{"id":7}]`:                       {List: List[part]{one.Value}},
		`[1,{"id":7}]`:                     {List: List[part]{one.Value}},
		`[null,[],"a"]`:                    {},
		`{"id":"7"}`:                       {List: List[part]{one.Value}, Object: one},
		`{}`:                               {List: List[part]{{}}, Object: Object[part]{Set: true}},
		`{"id":1,"id":7}`:                  {List: List[part]{one.Value}, Object: one},
		`{"$date":"2026-11-20T00:00:00Z"}`: {Time: Time{day}, List: List[part]{{}}, Object: Object[part]{Set: true}},
		`{"$date":1795132800000}`: {
			Number: number(1795132800000), Time: Time{day}, List: List[part]{{}}, Object: Object[part]{Set: true},
		},
		`{"$date":{"$numberLong":"1795132800000"}}`: {
			Number: number(1795132800000), Time: Time{day}, List: List[part]{{}}, Object: Object[part]{Set: true},
		},
		`{"$date":-1}`:           {Number: number(-1), List: List[part]{{}}, Object: Object[part]{Set: true}},
		`{"$oid":"7"}`:           {List: List[part]{{}}, Object: Object[part]{Set: true}},
		`{"$date":1,"$oid":"7"}`: {List: List[part]{{}}, Object: Object[part]{Set: true}},
		`{"$numberLong":7,"a":"` + strings.Repeat("x", maxWrapped) + `"}`: {List: List[part]{{}}, Object: Object[part]{Set: true}},
		`{"more":[{"id":7}]}`: {
			List: List[part]{{More: List[part]{one.Value}}}, Object: Object[part]{Value: part{More: List[part]{one.Value}}, Set: true},
		},
	} {
		got, err := read(value)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		want.After = Object[After]{Value: After{Text: "here"}, Set: true}
		if len(got.List) == 0 {
			got.List = nil // a list that is empty, or not there, is all the same
		}
		want.View = got.View // is the text, sees read
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", value, diff)
		}
	}
}

func TestOnlyWhatIsNoJSONIsAnError(t *testing.T) {
	t.Parallel()
	for _, value := range []string{``, `{`, `[`, `[{]`, `"`, `nul`, `01`, `{"id":}`, `{"id":1,}`, `[{},,{}]`, `{"$date":`, `{"a":[1 2]}`} {
		for _, into := range []any{new(Number), new(Flag), new(Text), new(Time), new(List[part]), new(Object[part])} {
			if err := json.Unmarshal([]byte(value), into, Lenient()); err == nil {
				t.Errorf("%q was read as %+v", value, into)
			}
		}
	}
}

func TestNumbersAreTakenWithinBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number Number
		lo, hi int
		want   int
		ok     bool
	}{
		{Number{}, -1, 1, 0, false},
		{Number{Set: true}, -1, 1, 0, true},
		{Number{Set: true}, 1, 9, 0, false},
		{Number{Value: 9, Set: true}, 1, 9, 9, true},
		{Number{Value: 9.5, Set: true}, 1, 10, 0, false},
		{Number{Value: 10, Set: true}, 1, 9, 0, false},
		{Number{Value: -2, Set: true}, -2, 9, -2, true},
		{Number{Value: MaxExact, Set: true}, 1, MaxExact, MaxExact, true},
		{Number{Value: 2 * MaxExact, Set: true}, 1, MaxExact, 0, false},
		{Number{Value: 1e300, Set: true}, -MaxExact, MaxExact, 0, false},
	} {
		if got, ok := c.number.Whole(c.lo, c.hi); got != c.want || ok != c.ok {
			t.Errorf("%v.Whole(%d, %d) = %d, %t", c.number, c.lo, c.hi, got, ok)
		}
	}
	if v := (Number{Value: 22, Set: true}).Positive(); v == nil || *v != 22 {
		t.Errorf("Positive() = %v", v)
	}
	for _, n := range []Number{{}, {Set: true}, {Value: -1, Set: true}} {
		if v := n.Positive(); v != nil {
			t.Errorf("%v.Positive() = %v", n, *v)
		}
	}
}

func TestAFlagThatWasNotSaidIsNeitherTrueNorDenied(t *testing.T) {
	t.Parallel()
	if f := (Flag{}); f.Pointer() != nil || f.Denied() {
		t.Error("it is")
	}
	if f := (Flag{Set: true}); f.Pointer() == nil || *f.Pointer() || !f.Denied() {
		t.Error("false is not false")
	}
	if f := (Flag{Value: true, Set: true}); f.Pointer() == nil || !*f.Pointer() || f.Denied() {
		t.Error("true is not true")
	}
}

// roomy keeps the room of its list.
type roomy struct {
	Name Text       `json:"name"`
	List List[part] `json:"list"`
}

func (r *roomy) Reset() { *r = roomy{List: r.List[:0]} }

func TestAListThatIsReadAgainHoldsNothingOfBefore(t *testing.T) {
	t.Parallel()
	var parts List[part]
	var rooms List[roomy]
	for _, c := range []struct {
		parts, rooms string
		wantParts    List[part]
		wantRooms    List[roomy]
	}{
		{`[{"id":1},{"id":2}]`, `[{"name":"a","list":[{"id":1},{"id":2}]},{"name":"b"}]`, List[part]{{ID: Number{1, true}}, {ID: Number{2, true}}}, List[roomy]{
			{Name: "a", List: List[part]{{ID: Number{1, true}}, {ID: Number{2, true}}}}, {Name: "b"},
		}},
		{`[{}]`, `[{"list":[{}]},{}]`, List[part]{{}}, List[roomy]{{List: List[part]{{}}}, {}}},
		{`7`, `null`, List[part]{}, List[roomy]{}},
		{`{"id":3}`, `{"name":"c"}`, List[part]{{ID: Number{3, true}}}, List[roomy]{{Name: "c", List: List[part]{}}}},
	} {
		for value, into := range map[string]any{c.parts: &parts, c.rooms: &rooms} {
			if err := json.Unmarshal([]byte(value), into, Lenient()); err != nil {
				t.Fatal(err)
			}
		}
		empty := cmp.Transformer("empty", func(l List[part]) []part { return append([]part(nil), l...) })
		if diff := cmp.Diff(c.wantParts, parts, empty); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", c.parts, diff)
		}
		if diff := cmp.Diff(c.wantRooms, rooms, empty); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", c.rooms, diff)
		}
	}
	again := []byte(`[{"name":"a","list":[{},{},{}]},{"name":"b"}]`)
	if err := json.Unmarshal(again, &rooms, Lenient()); err != nil {
		t.Fatal(err)
	}
	room := &rooms[0].List[0]
	if err := json.Unmarshal(again, &rooms, Lenient()); err != nil || &rooms[0].List[0] != room {
		t.Errorf("the room of a list was not used again: %v", err)
	}
}

func TestAnArrayEndsWithTheFirstErrorOfAnElement(t *testing.T) {
	t.Parallel()
	n := 0
	dec := jsontext.NewDecoder(strings.NewReader(`[1,"a",[2],x,3]`))
	err := Array(dec, func() error { n++; return dec.SkipValue() })
	if err == nil || n != 4 {
		t.Errorf("%d elements, %v", n, err)
	}
}

func TestDatesAreReadInAllTheirForms(t *testing.T) {
	t.Parallel()
	at := time.Date(2015, 7, 14, 15, 13, 36, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2015-07-14T15:13:36Z":       at,
		"2015-07-14T15:13:36":        at,
		"2015-07-14T15:13:36.6Z":     at.Add(600 * time.Millisecond),
		"2015-07-14T15:13:36.607":    at.Add(607 * time.Millisecond),
		"2015-07-14T15:13:36.197691": at.Add(197691 * time.Microsecond),
		"2015-07-14T17:13:36+02:00":  at,
		" 2015-07-14T15:13 ":         at.Add(-36 * time.Second),
		"2015-07-14T15:13Z":          at.Add(-36 * time.Second),
		"2015-07-14T17:13+02:00":     at.Add(-36 * time.Second),
		" 2015-07-14 15:13:36 ":      at,
		"2015-07-14 17:13:36+02:00":  at,
		"2015-07-14":                 at.Truncate(24 * time.Hour),
		"None":                       {},
		"":                           {},
		"yesterday":                  {},
		"14.07.2015 15:13":           {},
		"0001-01-01T00:00:00":        {},
		"9999-12-31T23:59:59Z":       {},
		"9998-12-31T23:59:59-02:00":  {},
		"2015-02-30T00:00:00Z":       {},
	} {
		if got := ParseTime(in); !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v, want %v", in, got, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2015-07-14T15:13:36.6Z", "2015-07-14T15:13:36", "2015-07-14 15:13:36+02:00", "2015-07-14", "0001-01-01T00:00:00", "9998-12-31T23:59:59-02:00", "", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ParseTime(s)
		if !got.Equal(parseAny(strings.TrimSpace(s))) {
			t.Errorf("%q is read as %v, and without a short cut as %v", s, got, parseAny(strings.TrimSpace(s)))
		}
		if got.IsZero() {
			return
		}
		if got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) is not UTC", s)
		}
		if again := ParseTime(got.Format(time.RFC3339Nano)); !again.Equal(got) {
			t.Errorf("%q is read as %v, and that as %v", s, got, again)
		}
	})
}

// FuzzValue holds that a value is read by all types or by none, that it is read
// whenever it is JSON, and that no more than it is read.
func FuzzValue(f *testing.F) {
	for _, s := range []string{`null`, `7`, `"7"`, `true`, `[{},7,{"id":1}]`, `{"$date":{"$numberLong":"7"}}`, `{"id":[[{}]]}`, `1e999`, `"\ud800"`, "\"\xff\"", `[`, `{"more":{"more":[{"id":"x"}]}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		valid := jsontext.Value(value).IsValid(Lenient())
		e, err := read(value)
		if !valid || strings.TrimLeft(value, " \t\r\n") == "" {
			return // a text may end the value, and go on with members of its own
		}
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if e.After.Value.Text != "here" {
			t.Fatalf("%q: more than that was read", value)
		}
		if !e.Number.Set && e.Number.Value != 0 || !e.Flag.Set && e.Flag.Value {
			t.Fatalf("%q: %+v was not said", value, e)
		}
		if e.Object.Set != (jsontext.Value(value).Kind() == jsontext.KindBeginObject) {
			t.Fatalf("%q: %+v", value, e.Object)
		}
		again := List[part]{{ID: Number{7, true}, More: List[part]{{}}}, {}, {}}[:0]
		if err := json.Unmarshal([]byte(value), &again, Lenient()); err != nil || len(again) != len(e.List) {
			t.Fatalf("%q: %d elements, read into room %d, %v", value, len(e.List), len(again), err)
		}
		for i := range again {
			if again[i].ID != e.List[i].ID || len(again[i].More) != len(e.List[i].More) {
				t.Fatalf("%q: read into room it has something of before", value)
			}
		}
	})
}

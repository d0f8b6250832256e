package wire

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func (e *everything) member(r *Reader, name []byte) {
	switch string(name) {
	case "number":
		e.Number = r.Number()
	case "flag":
		e.Flag = r.Flag()
	case "text":
		e.Text = Text(r.View())
	case "time":
		e.Time = r.Time()
	case "list":
		ReadList(r, &e.List, (*part).member)
	case "object":
		ReadObject(r, &e.Object, (*part).member)
	case "view":
		e.View = r.View()
	case "after":
		ReadObject(r, &e.After, (*After).member)
	default:
		r.Skip()
	}
}

func (p *part) member(r *Reader, name []byte) {
	switch string(name) {
	case "id":
		p.ID = r.Number()
	case "more":
		ReadList(r, &p.More, (*part).member)
	default:
		r.Skip()
	}
}

func (a *After) member(r *Reader, name []byte) {
	if string(name) == "text" {
		a.Text = Text(r.View())
		return
	}
	r.Skip()
}

// FuzzReader holds that of a proper text a Reader makes what package json does.
func FuzzReader(f *testing.F) {
	for _, value := range []string{
		`null`, `true`, `false`, `7`, `-7.50`, `-0`, `1e3`, `1e400`, `0.1`, `51.454321000000005`, `123456789012345678901234567890`, `9007199254740993`,
		`0.000001234567890123`, `"7"`, `" 7 "`, `"a\u0041\n"`, `"\\"`, `"\\\""`, `"\ud800"`, "\"\xff\"", `"ü"`, `"True"`, `"2015-07-14T15:13:36.6Z"`,
		`"2015-07-14T15:13:36,6Z"`, `"2015-02-30T00:00:00Z"`, `"2015-07-14T24:00:00"`, `{"$date":{"$numberLong":"1795132800000"}}`, `{"$date":"2026-11-20"}`,
		`[{},7,{"id":1,"more":{"id":2}}, [ {"]":"}"} ] ]`, `{"more":[{"id":"x"}],"more":[],"\u0069d":7}`, ` [ 1 , { } ] `, `[{"id":1]`, `{"id" 1}`, `{,}`, `[,`, `"`, `-`,
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var b strings.Builder
		b.WriteByte('{')
		for _, name := range []string{"number", "flag", "text", "time", "list", "object", "view", "other"} {
			b.WriteString(` "` + name + `" : ` + value + `,`)
		}
		b.WriteString(`"after":{"text":"here"}}`)
		text := []byte(b.String())
		var r Reader
		var want, got everything
		for range 2 { // the second time in the room of the first
			r.Reset(text)
			got = everything{List: got.List}
			Members(&r, &got, (*everything).member)
		}
		if !jsontext.Value(text).IsValid(Lenient()) {
			return // it has come to an end
		}
		if err := json.Unmarshal(text, &want, Lenient()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q: json and Reader mismatch (-json +Reader):\n%s", value, diff)
		}
		if r.kind() != 0 {
			t.Errorf("%q: %q is left", value, r.text[r.at:])
		}
	})
}

func TestAReaderTakesOnlyAnObjectForOne(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`[]`, `7`, `"{}"`, `null`, ``} {
		var r Reader
		r.Reset([]byte(value))
		if Members(&r, new(part), (*part).member) || r.kind() != 0 {
			t.Errorf("%q is taken for an object, or not passed over", value)
		}
	}
}

func TestViewsStayValidWhileOthersAreRead(t *testing.T) {
	t.Parallel()
	text := []byte("[")
	for i := range 200 { // escapes, so that the room must grow
		text = append(text, `"\t`+strconv.Itoa(i)+`",`...)
	}
	text = append(text, `"plain"]`...)
	var r Reader
	r.Reset(text)
	r.at++
	var views []View
	for r.kind() != ']' {
		views = append(views, r.View())
		r.pass(',')
	}
	for i, v := range views[:200] {
		if string(v) != "\t"+strconv.Itoa(i) {
			t.Fatalf("text %d became %q", i, v)
		}
	}
	if string(views[200]) != "plain" {
		t.Errorf("the last is %q", views[200])
	}
}

func TestRaw_IsAnObjectAsItIsWritten(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{` {"a": [1, "}"]} `: `{"a": [1, "}"]}`, `{}`: `{}`, `[{}]`: "", `"{}"`: "", `null`: ""} {
		var r Reader
		r.Reset([]byte(value))
		if got := r.Raw(); string(got) != want || r.kind() != 0 {
			t.Errorf("Raw() of %s is %q, want %q; %q is left", value, got, want, r.text[r.at:])
		}
	}
}

func TestDecimalsAreThoseOfPackageStrconv(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][-+]?[0-9]{1,3})?`).Draw(t, "number")
		want, err := strconv.ParseFloat(text, 64)
		got, ok := decimal([]byte(text))
		if ok && (err != nil || math.Float64bits(got.Value) != math.Float64bits(want) || !got.Set) {
			t.Errorf("decimal(%q) is %v, want %v", text, got, want)
		}
		if !ok && len(text) <= 15 && !strings.ContainsAny(text, "eE") {
			t.Errorf("decimal(%q) is left to others", text)
		}
	})
}

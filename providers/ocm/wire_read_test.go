package ocm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chargegraph/providers"
	"chargegraph/providers/internal/wire"
)

// checkBothWays checks that wire.Reader reads a listing as package json does.
func checkBothWays(t *testing.T, raw jsontext.Value) {
	t.Helper()
	var want, got wirePOI
	if raw.Kind() != jsontext.KindBeginObject || json.Unmarshal(raw, &want, wire.Lenient()) != nil {
		return
	}
	var r wire.Reader
	r.Reset(raw)
	wire.Members(&r, &got, (*wirePOI).member)
	if fmt.Sprintf("%+v", want) == fmt.Sprintf("%+v", got) {
		return // much faster than cmp, which says what differs
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(nested{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%.2000s\njson and Reader mismatch (-json +Reader):\n%s", raw, diff)
	}
}

func TestAListingIsReadTheSameInBothWays(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"poi-compact.json", "poi-verbose.json"} {
		checkBothWays(t, readTestdata(t, name))
	}
	// Every member by its name, at each level, as something and as something else.
	for _, value := range []string{`7`, `"x"`, `true`, `{"ID":7,"Title":"a"}`, `[{"ID":7}]`, `null`, `"2026-11-20T10:00:00Z"`} {
		var members []string
		for _, v := range []any{wirePOI{}, wireAddress{}, wireConnection{}, wireComment{}, wireMedia{}, wireUser{}, wireMetadata{}, wireOption{}} {
			for field := range reflect.TypeOf(v).Fields() {
				members = append(members, fmt.Sprintf("%q:%s", field.Name, value))
			}
		}
		flat := strings.Join(members, ",")
		user := `"User":{` + flat + `}`
		checkBothWays(t, jsontext.Value(`{`+flat+`,"AddressInfo":{`+flat+`},"Connections":[{`+flat+`}],"UserComments":[{`+flat+`,`+user+`}],
			"MediaItems":[{`+flat+`,`+user+`}],"MetadataValues":[{`+flat+`,"MetadataFieldOption":{`+flat+`}}]}`))
	}
}

func TestRecordedListingsAreReadTheSameInBothWays(t *testing.T) {
	t.Parallel()
	n := 0
	for _, name := range []string{"pois-compact.jsonl.gz", "pois-verbose.jsonl.gz"} {
		f, err := openPlain(sharedFile(t, "ocm", name))
		if err != nil {
			t.Fatal(err)
		}
		err = split(f.Reader, func(raw rawItem) error {
			if n++; n%8 == 0 { // all of them take long
				checkBothWays(t, raw.text)
			}
			return nil
		})
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if n < 1000 {
		t.Errorf("only %d listings", n)
	}
}

func TestARecordKeepsNothingOfTheTextThatItWasReadFrom(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"poi-compact.json", "poi-verbose.json"} {
		text := readTestdata(t, name)
		m := testMapper(nil)
		first, err := m.record(text)
		if err != nil {
			t.Fatal(err)
		}
		want := plainRecords([]*providers.Record{first})
		again, err := testMapper(nil).record(slices.Clone(text))
		if err != nil {
			t.Fatal(err)
		}
		for i := range text {
			text[i] = 'x'
		}
		other, err := m.record([]byte(`{"ID":5,"AddressInfo":{"Title":"\u0041nother","Latitude":1,"Longitude":1},"Connections":[{"ID":1}],"UserComments":[{},{}],"MediaItems":[{},{}]}`))
		if err != nil || other.Title != "Another" {
			t.Fatal(other, err)
		}
		if diff := cmp.Diff(plainRecords([]*providers.Record{again}), want); diff != "" {
			t.Errorf("%s: changed with the text, or by the next (-fresh +kept):\n%s", name, diff)
		}
	}
}

func TestAListingHoldsNothingOfTheOneBefore(t *testing.T) {
	t.Parallel()
	m := testMapper(nil)
	if _, err := m.record(readTestdata(t, "poi-compact.json")); err != nil {
		t.Fatal(err)
	}
	const next = `{"ID":7,"AddressInfo":{"Latitude":1,"Longitude":1},"Connections":[{}],"UserComments":[{"ID":1}],"MediaItems":[{"ItemURL":"http://a.example/b.jpg"}],"MetadataValues":[{}]}`
	got, err := m.record([]byte(next))
	if err != nil {
		t.Fatal(err)
	}
	want, err := testMapper(nil).record([]byte(next))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plainRecords([]*providers.Record{want}), plainRecords([]*providers.Record{got})); diff != "" {
		t.Errorf("mismatch (-alone +after another):\n%s", diff)
	}
}

func TestWhatRecursIsOneTextAndIsForgottenWhenThereIsTooMuchOfIt(t *testing.T) {
	t.Parallel()
	var m room
	if a, b := m.line(wire.View("  Reading ")), m.line(wire.View("  Reading ")); a != "Reading" || b != a {
		t.Errorf("%q, %q", a, b)
	}
	if got := m.text(wire.View("<b>a</b>\nb")); got != "a\nb" {
		t.Errorf("the text is %q", got)
	}
	if got := m.line(wire.View("<b>a</b>\nb")); got != "a b" {
		t.Errorf("the line is %q", got)
	}
	if got := m.url(wire.View("www.a.example")); got != "http://www.a.example" {
		t.Errorf("the URL is %q", got)
	}
	long := wire.View(strings.Repeat("a", maxSharedLen+1))
	if got := m.text(long); got != string(long) || len(m.texts) != 1 {
		t.Errorf("a long text is remembered: %d", len(m.texts))
	}
	m.reuse()
	if len(m.lines) == 0 {
		t.Error("what recurs was forgotten")
	}
	for i := range 10_000 {
		m.line(wire.View(fmt.Sprint(i)))
	}
	m.reuse()
	if len(m.lines) > 0 || len(m.texts) == 0 {
		t.Errorf("%d lines and %d texts are remembered", len(m.lines), len(m.texts))
	}
}

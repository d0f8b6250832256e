package providers_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chargegraph/providers"
)

// schemaEnum returns the values of an enum of the schema.
func schemaEnum(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "\nenum "+name+" {\n")
	if !ok {
		t.Fatalf("no enum %s in the schema", name)
	}
	body, _, _ = strings.Cut(body, "\n}")
	body = regexp.MustCompile(`(?s)""".*?"""|"[^"\n]*"`).ReplaceAllString(body, "")
	return strings.Fields(body)
}

// unknownSite is a site of which nothing is known.
func unknownSite() *providers.Site {
	return &providers.Site{Usage: providers.UsageUnknown, Status: providers.StatusUnknown, Cost: providers.CostUnknown}
}

// fill sets a field to some value that is present.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("PUBLIC")
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(day(1)))
			return
		}
		for _, part := range v.Fields() {
			fill(t, part)
		}
	default:
		t.Fatalf("this test cannot fill a %s", v.Type())
	}
}

func TestSiteFields_CoverEveryFieldOfASiteOnce(t *testing.T) {
	t.Parallel()
	covered := make(map[string]string)
	structure := reflect.TypeFor[providers.Site]()
	for i := range structure.NumField() {
		name := structure.Field(i).Name
		t.Run(name, func(t *testing.T) {
			src := unknownSite()
			fill(t, reflect.ValueOf(src).Elem().Field(i))
			for _, f := range providers.SiteFields() {
				dst := unknownSite()
				f.Take(dst, src)
				took := !cmp.Equal(dst, unknownSite())
				if took && !cmp.Equal(dst, src) {
					t.Errorf("%s takes more or less than is there", f.Name)
				}
				if took {
					if covered[f.Name] != "" {
						t.Errorf("%s takes %s as well", f.Name, covered[f.Name])
					}
					covered[f.Name] = name
					if !strings.EqualFold(f.Name, name) {
						t.Errorf("%s takes it", f.Name)
					}
				}
				if f.Name != "location" && f.Present(src) != took {
					t.Errorf("%s: present %v, taken %v", f.Name, f.Present(src), took)
				}
				if f.Present(unknownSite()) != (f.Name == "location") {
					t.Errorf("%s is present where nothing is known", f.Name)
				}
			}
			if !slices.ContainsFunc(providers.SiteFields(), func(f providers.SiteField) bool { return covered[f.Name] == name }) {
				t.Error("no field takes it")
			}
		})
	}
	if len(covered) != len(providers.SiteFields()) {
		t.Errorf("%d fields of %d take something", len(covered), len(providers.SiteFields()))
	}
}

// Each part of a compound field makes it present.
func TestSiteFields_NoticeEveryPartOfACompound(t *testing.T) {
	t.Parallel()
	for _, f := range providers.SiteFields() {
		v := reflect.ValueOf(unknownSite()).Elem().FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, f.Name) })
		if v.Kind() != reflect.Struct || f.Name == "location" || v.Type() == reflect.TypeFor[time.Time]() {
			continue
		}
		for i := range v.NumField() {
			s := unknownSite()
			fill(t, reflect.ValueOf(s).Elem().FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, f.Name) }).Field(i))
			if !f.Present(s) {
				t.Errorf("%s is absent though it has %s", f.Name, v.Type().Field(i).Name)
			}
		}
	}
}

func TestSiteFields_AreCalledAsInTheGraph(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range providers.SiteFields() {
		got = append(got, f.Name)
	}
	// What a POI has beyond its site says how it was made.
	var want []string
	for _, name := range schemaType(t, "type POI implements Node") {
		if !slices.Contains([]string{"id", "records", "provenance", "match", "sources"}, name) {
			want = append(want, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields mismatch (-schema +SiteFields):\n%s", diff)
	}
}

func TestPOI_ProvenanceOfASingleRecordNamesItEverywhere(t *testing.T) {
	t.Parallel()
	r := record("ocm", "1", func(r *providers.Record) { r.Cost, r.Owner = providers.CostFree, "me" })
	var got []string
	for _, f := range poiOf(r).Provenance() {
		if f.Record != r || f.Rule != providers.MergeOnlyValue {
			t.Errorf("%s is of %v by %s", f.Field, f.Record.Key, f.Rule)
		}
		got = append(got, f.Field)
	}
	if diff := cmp.Diff([]string{"title", "location", "cost", "owner"}, got); diff != "" {
		t.Errorf("Provenance() mismatch (-want +got):\n%s", diff)
	}
	given := []providers.FieldProvenance{{Field: "title", Record: r, Rule: providers.MergePriority}}
	p := &providers.POI{Site: &r.Site, Members: []*providers.Record{r, r}, Fields: given}
	if len(p.Provenance()) != 1 {
		t.Errorf("Provenance() = %v", p.Provenance())
	}
}

func TestEnums_AreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("enums.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := make(map[string][]string)
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ +(\w+) += "([A-Z0-9_]+)"$`).FindAllStringSubmatch(string(text), -1) {
		declared[m[1]] = append(declared[m[1]], m[2])
	}
	if len(declared) < 20 {
		t.Fatalf("only %d enums found", len(declared))
	}
	for name, values := range declared {
		want := schemaEnum(t, name)
		slices.Sort(want)
		slices.Sort(values)
		if diff := cmp.Diff(want, values); diff != "" {
			t.Errorf("%s mismatch (-schema +enums.go):\n%s", name, diff)
		}
	}
}

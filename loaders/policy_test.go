package loaders

import (
	"testing"
	"time"

	"chargegraph/providers"
)

func TestAPolicyIsNeverLaxerThanTheLicence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source      *providers.Source
		most        time.Duration // of anything
		processOnly bool
	}{
		"Open Charge Map":             {&providers.Source{Provider: providers.OCM}, 24 * time.Hour, false},
		"PlugShare":                   {&providers.Source{Provider: providers.PlugShare}, 10 * time.Minute, true},
		"PlugShare's live states":     {&providers.Source{Provider: providers.PlugShare, LiveFor: 5 * time.Minute}, 5 * time.Minute, true},
		"a licence for a minute":      {&providers.Source{Provider: providers.OCM, Retention: providers.Retention{For: time.Minute}}, time.Minute, false},
		"a licence for this process":  {&providers.Source{Provider: providers.OCM, Retention: providers.Retention{ProcessOnly: true}}, 24 * time.Hour, true},
		"a licence laxer than a live": {&providers.Source{Provider: providers.PlugShare, LiveFor: 3 * time.Minute, Retention: providers.Retention{For: time.Hour}}, 3 * time.Minute, true},
	} {
		p := policyOf(c.source)
		if p.processOnly != c.processOnly {
			t.Errorf("%s: process only is %v", name, p.processOnly)
		}
		for i, a := range []age{p.tile, p.shape, p.country, p.record, p.absent} {
			if a.soft <= 0 || a.soft > a.hard || a.hard > c.most {
				t.Errorf("%s: row %d is %+v, which is not within %v", name, i, a, c.most)
			}
		}
	}
}

func TestKeysAreTheSameExactlyWhenTheQuestionsAre(t *testing.T) {
	t.Parallel()
	s := &shelf{source: ocmSource()}
	line := []providers.Point{{Lat: 52, Lon: 4}, {Lat: 53, Lon: 5}, {Lat: 52.5, Lon: 6}}
	at := providers.Point{Lat: 52, Lon: 4}
	different := []providers.Query{
		{Area: providers.Around{Center: at, RadiusM: 1000}},
		{Area: providers.Around{Center: at, RadiusM: 1001}},
		{Area: providers.Around{Center: providers.Point{Lat: 52.00001, Lon: 4}, RadiusM: 1000}},
		{Area: providers.NewRoute(line, 1000)},
		{Area: providers.NewRoute(line, 1000).Widen(1)},
		{Area: providers.NewRoute(line[:2], 1000)},
		{Area: providers.NewPolygon(line)},
		{Area: providers.NewPolygon(line).Widen(300)},
		{Area: providers.InCountry{Code: "NL"}},
		{Area: providers.InCountry{Code: "NL", MarginM: 300}},
		{Area: providers.InCountry{Code: "BE"}},
		{Area: providers.InCountry{Code: "NL"}, Filter: &providers.Filter{}},
		{Area: providers.InCountry{Code: "NL"}, Filter: &providers.Filter{Text: "a"}},
		{Area: providers.InCountry{Code: "NL"}, Filter: &providers.Filter{Not: &providers.Filter{Text: "a"}}},
		{Area: providers.Bounds{South: 52, West: 4, North: 53, East: 5}},
		{Area: providers.Bounds{South: 52, West: 5, North: 53, East: 4}},
	}
	seen := make(map[string]int)
	for i, q := range different {
		name := s.areaKey(q).Name
		if j, ok := seen[name]; ok {
			t.Errorf("%#v and %#v have one key", different[j].Area, q.Area)
		}
		seen[name] = i
		if again := s.areaKey(q).Name; again != name {
			t.Errorf("%#v has two keys", q.Area)
		}
	}
	same := providers.Around{Center: providers.Point{Lat: 52.00000001, Lon: 3.99999999}, RadiusM: 1000}
	if a, b := normalised(same, false), normalised(providers.Around{Center: at, RadiusM: 1000}, false); a != b {
		t.Errorf("a thumb's breadth makes %v of %v", a, b)
	}
}

func TestWhatIsNormalisedHoldsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, small := range []bool{false, true} {
		for _, b := range []providers.Bounds{
			{South: 52.1234567, West: 4.1234567, North: 52.2234567, East: 4.2234567},
			{South: -90, West: -180, North: 90, East: 180},
			{South: 10, West: 179.9999999, North: 11, East: -179.9999999},
			{South: 10, West: -179.99999999, North: 11, East: 179.99999999},
			{South: -1, West: 10.00000001, North: 1, East: 10},
		} {
			n, ok := normalised(b, small).(providers.Bounds)
			if !ok || !n.Valid() || n.WidthDeg() < b.WidthDeg() {
				t.Fatalf("%v became %v", b, n)
			}
			for _, p := range []providers.Point{{Lat: b.South, Lon: b.West}, {Lat: b.North, Lon: b.East}} {
				if !n.Contains(p) {
					t.Errorf("%v became %v, which lacks %v", b, n, p)
				}
			}
		}
	}
}

package sandbox

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// defaultWorld is made once; worlds do not change.
var defaultWorld = sync.OnceValue(func() *World { return NewWorld(DefaultParams()) })

func smallParams(sites int) Params {
	p := DefaultParams()
	p.Sites = sites
	return p
}

func TestEqualParamsMakeEqualWorlds(t *testing.T) {
	t.Parallel()
	a, b := NewWorld(smallParams(200)), NewWorld(smallParams(200))
	if diff := cmp.Diff(a.Sites(), b.Sites()); diff != "" {
		t.Errorf("Sites() mismatch (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(a.People(), b.People()); diff != "" {
		t.Errorf("People() mismatch (-first +second):\n%s", diff)
	}
	view := cmp.AllowUnexported(ocmPOI{}, ocmDate{})
	if diff := cmp.Diff(newOCMView(a).pois, newOCMView(b).pois, view); diff != "" {
		t.Errorf("OCM view mismatch (-first +second):\n%s", diff)
	}
}

func TestALargerWorldBeginsWithTheSmallerOne(t *testing.T) {
	t.Parallel()
	small, large := NewWorld(smallParams(100)), NewWorld(smallParams(300))
	if diff := cmp.Diff(small.Sites(), large.Sites()[:100]); diff != "" {
		t.Errorf("mismatch (-small +large):\n%s", diff)
	}
}

func TestNoiseDoesNotReachTheTruth(t *testing.T) {
	t.Parallel()
	quiet := smallParams(100)
	quiet.OCM = OCMNoise{}
	if diff := cmp.Diff(NewWorld(quiet).Sites(), NewWorld(smallParams(100)).Sites()); diff != "" {
		t.Errorf("mismatch (-quiet +noisy):\n%s", diff)
	}
}

func TestAnotherSeedMakesAnotherWorld(t *testing.T) {
	t.Parallel()
	p := smallParams(50)
	p.Seed++
	if cmp.Equal(NewWorld(p).Sites(), NewWorld(smallParams(50)).Sites()) {
		t.Error("worlds of two seeds are equal")
	}
}

func TestSitesStandInTwelveCitiesAndAlongTwoMotorwaysByWeight(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	p := w.Params()
	if got := len(w.Sites()); got != 5_000 {
		t.Fatalf("%d sites, want 5000", got)
	}
	count := make(map[string]float64)
	for _, s := range w.Sites() {
		count[s.Area]++
	}
	total := 0.0
	weight := make(map[string]float64)
	british := 0
	for _, c := range p.Cities {
		weight[c.Key] = c.Weight
		total += c.Weight
		if c.Country == "GB" {
			british++
		}
	}
	for _, m := range p.Motorways {
		weight[m.Key] = m.Weight
		total += m.Weight
	}
	if len(p.Cities) != 12 || british != 2 || len(p.Motorways) != 2 || len(count) != 14 {
		t.Errorf("%d cities (%d in GB), %d motorways, %d areas with sites; want 12 (2), 2, 14", len(p.Cities), british, len(p.Motorways), len(count))
	}
	for area, n := range count {
		want := weight[area] / total * 5_000
		if math.Abs(n-want) > 5*math.Sqrt(want) {
			t.Errorf("%s has %.0f sites, want about %.0f", area, n, want)
		}
	}
	continents := make(map[string]bool)
	for _, c := range ocmCountries() {
		for _, city := range p.Cities {
			if *c.ISOCode == city.Country {
				continents[*c.ContinentCode] = true
			}
		}
	}
	if len(continents) < 5 {
		t.Errorf("cities on %d continents, want at least 5", len(continents))
	}
}

func TestSitesStandWhereTheirAreaIs(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	cities := make(map[string]City)
	for _, c := range w.Params().Cities {
		cities[c.Key] = c
	}
	for _, s := range w.Sites() {
		if s.Lat < -90 || s.Lat > 90 || s.Lon < -180 || s.Lon >= 180 {
			t.Fatalf("site %d at %v,%v", s.ID, s.Lat, s.Lon)
		}
		c, ok := cities[s.Area]
		if !ok {
			continue
		}
		if km := haversine(ocmPoint{c.Lat, c.Lon}, ocmPoint{s.Lat, s.Lon}, earthKM); km > c.RadiusKM*1.01 {
			t.Errorf("site %d is %.1f km from %s, radius %.0f km", s.ID, km, c.Town, c.RadiusKM)
		}
		if s.Address.Country != c.Country {
			t.Errorf("site %d in %s has country %s", s.ID, s.Area, s.Address.Country)
		}
	}
}

func TestTheDateLineHighwayHasSitesOnBothSidesOfTheAntimeridian(t *testing.T) {
	t.Parallel()
	east, west := 0, 0
	for _, s := range defaultWorld().Sites() {
		if s.Area != "date-line" {
			continue
		}
		switch {
		case s.Lon > 179 && s.Lon < 180:
			west++
		case s.Lon >= -180 && s.Lon < -179:
			east++
		default:
			t.Errorf("site %d is at longitude %v", s.ID, s.Lon)
		}
	}
	if east < 10 || west < 10 {
		t.Errorf("%d sites east and %d west of 180 degrees, want at least 10 each", east, west)
	}
}

func TestTheTruthIsClean(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	seen := make(map[string]bool)
	unique := func(what string, id any) {
		key := fmt.Sprint(what, id)
		if seen[key] {
			t.Errorf("%s %v occurs twice", what, id)
		}
		seen[key] = true
	}
	for _, s := range w.Sites() {
		unique("site", s.ID)
		if s.Name == "" || strings.TrimSpace(s.Name) != s.Name || strings.ContainsAny(s.Name, "\r\n<") {
			t.Errorf("site %d is called %q", s.ID, s.Name)
		}
		if _, ok := w.Operator(s.Operator); !ok || len(s.Stations) == 0 || s.Stations[0].Operator != s.Operator {
			t.Errorf("site %d: operator %q, %d stations", s.ID, s.Operator, len(s.Stations))
		}
		if (s.Lifecycle == Planned) != s.OpenedAt.After(w.Params().Epoch) || (s.Lifecycle == Closed) == s.ClosedAt.IsZero() {
			t.Errorf("site %d: lifecycle %d, opened %v, closed %v", s.ID, s.Lifecycle, s.OpenedAt, s.ClosedAt)
		}
		for _, st := range s.Stations {
			unique("station", st.ID)
			for _, e := range st.EVSEs {
				unique("uid", e.UID)
				unique("evse id", e.EVSEID)
				for _, p := range e.Plugs {
					if p.Kind == 0 || p.Current == 0 || p.PowerKW <= 0 || p.VoltageV <= 0 || p.CurrentA <= 0 {
						t.Errorf("site %d has plug %+v", s.ID, p)
					}
				}
			}
		}
		for _, r := range s.Reviews {
			unique("review", r.ID)
			if r.At.After(w.Params().Epoch) || r.At.Before(s.OpenedAt) {
				t.Errorf("review %d was written at %v", r.ID, r.At)
			}
			good, known := r.Outcome.Good()
			if known && r.Rating > 0 && (good && r.Rating < 3 || !good && r.Rating > 3) {
				t.Errorf("review %d: outcome %d rated %d", r.ID, r.Outcome, r.Rating)
			}
		}
		for _, ph := range s.Photos {
			unique("photo", ph.ID)
		}
	}
}

func TestLiveStatusIsAFunctionOfTimeThatChanges(t *testing.T) {
	t.Parallel()
	w := defaultWorld()
	states := make(map[LiveStatus]int)
	at := w.Params().Epoch.Add(17*time.Hour + 11*time.Minute)
	changed := 0
	for i := range w.Sites()[:500] {
		s := &w.Sites()[i]
		e := &s.Stations[0].EVSEs[0]
		status, since, until := w.StatusAt(s, e, at)
		if since.After(at) || !until.After(at) {
			t.Fatalf("EVSE %s at %v: since %v until %v", e.UID, at, since, until)
		}
		again, sinceAgain, _ := w.StatusAt(s, e, until.Add(-time.Second))
		if again != status || !sinceAgain.Equal(since) {
			t.Errorf("EVSE %s changed within its turn: %v then %v", e.UID, status, again)
		}
		if later, _, _ := w.StatusAt(s, e, at.Add(9*time.Hour)); later != status {
			changed++
		}
		states[status]++
	}
	for _, want := range []LiveStatus{Available, Occupied, OutOfOrder, NotYetOpen, Gone} {
		if states[want] == 0 {
			t.Errorf("no EVSE in state %d; have %v", want, states)
		}
	}
	if changed < 50 {
		t.Errorf("%d of 500 changed in nine hours", changed)
	}
}

func TestParamsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*Params){
		"Sites":   func(p *Params) { p.Sites = MaxSites + 1 },
		"Epoch":   func(p *Params) { p.Epoch = time.Time{} },
		"People":  func(p *Params) { p.Truth.People = 0 },
		"country": func(p *Params) { p.Cities[0].Country = "XX" },
		"Line":    func(p *Params) { p.Motorways[0].Line = nil },
		"Weight":  func(p *Params) { p.Motorways[0].Weight = -1 },
		"no weig": func(p *Params) { p.Cities, p.Motorways = nil, nil },
	} {
		p := smallParams(1)
		spoil(&p)
		if _, err := newWorld(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("newWorld() = %v, want an error about %q", err, want)
		}
	}
}

func BenchmarkNewWorld(b *testing.B) {
	for b.Loop() {
		NewWorld(DefaultParams())
	}
}

package sandbox

import (
	"fmt"
	"time"
)

// World is the truth. It never changes once made, so any number of goroutines
// may read it; nobody may write to what its methods return.
type World struct {
	params    Params
	sites     []Site
	people    []Person
	operators []Operator
	byKey     map[string]int
}

// NewWorld makes the world that p describes. The result depends on p alone,
// and a world of fewer sites is the beginning of a larger one with otherwise
// equal params. It panics when p makes no sense (no epoch, a city in a country
// without profile, more than MaxSites), which Start reports as an error.
func NewWorld(p Params) *World {
	w, err := newWorld(p)
	if err != nil {
		panic(err)
	}
	return w
}

func newWorld(p Params) (*World, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	w := &World{params: p, operators: worldOperators(), byKey: make(map[string]int)}
	for i, o := range w.operators {
		w.byKey[o.Key] = i
	}
	w.people = makePeople(p)
	g := newGenerator(p, w.operators)
	w.sites = make([]Site, p.Sites)
	for i := range w.sites {
		w.sites[i] = g.site(SiteID(i + 1))
	}
	return w, nil
}

// Params returns what the world was made of.
func (w *World) Params() Params { return w.params }

// Sites returns all sites, in the order of their ids.
func (w *World) Sites() []Site { return w.sites }

// Site returns the site with that id; ok is false when there is none.
func (w *World) Site(id SiteID) (s Site, ok bool) {
	if id < 1 || int(id) > len(w.sites) {
		return Site{}, false
	}
	return w.sites[id-1], true
}

// Operators returns everybody who runs equipment.
func (w *World) Operators() []Operator { return w.operators }

// Operator returns the operator with that key; ok is false when there is none.
func (w *World) Operator(key string) (o Operator, ok bool) {
	i, ok := w.byKey[key]
	if !ok {
		return Operator{}, false
	}
	return w.operators[i], true
}

// People returns everybody who writes or photographs, in the order of their
// ids.
func (w *World) People() []Person { return w.people }

// Person returns the person with that id; ok is false for 0 and strangers.
func (w *World) Person(id PersonID) (p Person, ok bool) {
	if id < 1 || int(id) > len(w.people) {
		return Person{}, false
	}
	return w.people[id-1], true
}

// LiveStatus is what an EVSE does at a moment.
type LiveStatus uint8

// States of an EVSE.
const (
	Available LiveStatus = iota + 1
	Occupied
	Finishing // plugged in, no longer charging
	Reserved
	OutOfOrder
	NotYetOpen
	Gone
)

// StatusAt tells what one EVSE of a site does at a time: the status, since
// when, and until when it will not change. It is a pure function of the world
// and the time, so live upstreams agree with each other and with the past
// without anybody keeping a state. Occupancy follows the local day: busiest in
// the late afternoon.
func (w *World) StatusAt(s *Site, e *EVSE, at time.Time) (status LiveStatus, since, until time.Time) {
	const never = 100 * 365 * 24 * time.Hour
	switch {
	case s.Lifecycle == Planned && at.Before(s.OpenedAt):
		return NotYetOpen, w.params.Epoch.AddDate(-1, 0, 0), s.OpenedAt
	case s.Lifecycle == Closed && !at.Before(s.ClosedAt):
		return Gone, s.ClosedAt, at.Add(never)
	case !e.BrokenSince.IsZero() && !at.Before(e.BrokenSince):
		return OutOfOrder, e.BrokenSince, at.Add(never)
	}
	// Time is cut into turns whose length is the EVSE's own; what happens in a
	// turn is drawn from the turn's number.
	own := diceFor(w.params.Seed, "live:"+e.UID, 0)
	turn := time.Duration(own.among(18, 75)) * time.Minute
	popularity := own.between(0.1, 0.8)
	since = at.UTC().Truncate(turn)
	until = since.Add(turn)
	d := diceFor(w.params.Seed, "live:"+e.UID, int(since.Unix()/60))
	// Local solar time is near enough, and needs no time zone database.
	hour := int(float64(since.Hour())+s.Lon/15+24) % 24
	if x := d.Float64(); x < popularity*busyAt(hour) {
		if x < 0.05 {
			return Finishing, since, until
		}
		return Occupied, since, until
	}
	if d.chance(0.01) {
		return Reserved, since, until
	}
	return Available, since, until
}

// busyAt is how busy an hour of the day is, 0..1.
func busyAt(hour int) float64 {
	switch {
	case hour < 6:
		return 0.25
	case hour < 9:
		return 0.5
	case hour < 16:
		return 0.7
	case hour < 20:
		return 1
	default:
		return 0.6
	}
}

func makePeople(p Params) []Person {
	first := []string{"Asha", "Bram", "Carla", "Dieter", "Ebba", "Farid", "Greta", "Hiro", "Inês", "Jonas", "Kemi", "Lotte", "Mwangi", "Noor", "Olu", "Priya", "Quentin", "Rosa", "Søren", "Tomás", "Ursula", "Vera", "Wim", "Xanthe", "Yuki", "Zoë"}
	last := []string{"volt", "_ev", "drives", ".leafy", "42", " K.", " O'Neill", "zap", "-on-tour", " van Dam", " Müller", "kwh"}
	people := make([]Person, p.Truth.People)
	for i := range people {
		d := diceFor(p.Seed, "person", i)
		people[i] = Person{
			ID:         PersonID(i + 1),
			Name:       one(d, first...) + one(d, last...) + one(d, "", "", fmt.Sprint(i)),
			Reputation: d.tail(400, 50_000),
			AvatarHash: d.hex(32),
		}
	}
	return people
}

package providertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"chargegraph/providers"
)

func areaRules() group {
	return group{name: "Areas", rules: []rule{
		{"that are known to hold sites are had whole", checkWhole},
		{"hold what their parts hold", checkParts},
		{"of every kind hold what boxes hold", checkKinds},
		{"across the antimeridian are their two halves", checkDateline},
		{"without sites are no error", checkNowhere},
		{"as large as the world are whole or said to be cut", checkWorld},
		{"are not narrowed by a filter in silence", checkFilter},
	}}
}

func checkWhole(ctx context.Context, p *probe) {
	p.look(ctx)
	for i, area := range p.subject.Areas {
		answer := p.answers[i]
		if cut(answer) {
			p.badf("the answer to %v is cut (truncated %t, partial %t, %v): it should be small enough", area, answer.Truncated, answer.Partial, answer.Err)
		}
		if n := len(inside(area, answer.Records)); n < 2 {
			p.badf("%v holds %d sites, and that is too little to try anything with", area, n)
		}
		if len(answer.Aliases) > 0 {
			p.badf("the answer to %v names aliases, though nobody asked for keys", area)
		}
	}
}

// inside returns the records in an area, by key.
func inside(area providers.Area, records []*providers.Record) map[providers.Key]*providers.Record {
	in := make(map[providers.Key]*providers.Record)
	for _, r := range records {
		if r != nil && area.Holds(&r.Site) {
			in[r.Key] = r
		}
	}
	return in
}

// lacks notes the records of want that an answer to area lacks.
func (p *probe) lacks(area providers.Area, answer providers.Answer, want map[providers.Key]*providers.Record) {
	for _, r := range answer.Records {
		if r != nil {
			delete(want, r.Key)
		}
	}
	for k, r := range want {
		p.badf("the answer to %s lacks %s, which is in it at %v, and does not say that it is cut", describe(area), k, r.Location)
	}
}

// describe returns an area as a text that a person can look up.
func describe(area providers.Area) string {
	switch a := area.(type) {
	case providers.Bounds:
		return fmt.Sprintf("the box %v", a)
	case providers.Around:
		return fmt.Sprintf("%.1f m around %v", a.RadiusM, a.Center)
	case *providers.Polygon:
		return fmt.Sprintf("the polygon %v grown by %.0f m", a.Ring(), a.MarginM())
	case *providers.Route:
		return fmt.Sprintf("%.1f m along %v", a.DistanceM(), a.Points())
	case providers.InCountry:
		return "the country " + a.Code
	}
	return "an unknown area"
}

// reproducible returns a source of numbers that are the same in every run.
func reproducible() *rand.Rand {
	return rand.New(rand.NewPCG(26, 11)) //nolint:gosec // the same areas in every run, nothing secret
}

// two returns two of the records at different places that are not far apart, as
// records go.
func two(random *rand.Rand, records []*providers.Record) (a, b *providers.Record, ok bool) {
	a = records[random.IntN(len(records))]
	for range 20 {
		c := records[random.IntN(len(records))]
		if c.Location != a.Location && (b == nil || a.Location.DistanceM(c.Location) < a.Location.DistanceM(b.Location)) {
			b = c
		}
	}
	return a, b, b != nil
}

// sortedInside returns the records of an answer that are in the area, in order of
// their keys, so that every run picks the same ones.
func sortedInside(area providers.Area, answer providers.Answer) []*providers.Record {
	in := inside(area, answer.Records)
	records := make([]*providers.Record, 0, len(in))
	for _, k := range keysOf(answer.Records) {
		if r := in[k]; r != nil {
			records = append(records, r)
			delete(in, k)
		}
	}
	return records
}

const partsPerArea = 6

// quarters returns the parts of a box: what is cut in silence shows there.
func quarters(b providers.Bounds) []providers.Bounds {
	lat, lon := (b.South+b.North)/2, (b.West+b.East)/2
	return []providers.Bounds{
		{South: b.South, West: b.West, North: lat, East: lon},
		{South: b.South, West: lon, North: lat, East: b.East},
		{South: lat, West: b.West, North: b.North, East: lon},
		{South: lat, West: lon, North: b.North, East: b.East},
	}
}

// checkParts asks for quarters, and for boxes between two sites, whose edges count
// as inside.
func checkParts(ctx context.Context, p *probe) {
	p.look(ctx)
	random := reproducible()
	for i, area := range p.subject.Areas {
		whole := p.answers[i]
		records := sortedInside(area, whole)
		if len(records) < 2 || cut(whole) {
			continue // said elsewhere
		}
		for _, part := range quarters(area) {
			p.compare(ctx, area, whole, part)
		}
		for range partsPerArea {
			a, b, ok := two(random, records)
			if !ok {
				break
			}
			part := providers.Bounds{
				South: min(a.Location.Lat, b.Location.Lat), West: min(a.Location.Lon, b.Location.Lon),
				North: max(a.Location.Lat, b.Location.Lat), East: max(a.Location.Lon, b.Location.Lon),
			}
			p.compare(ctx, area, whole, part)
		}
	}
}

// compare asks for a part of a box, of which there is the whole answer, and holds
// them against each other. It reports whether it could.
func (p *probe) compare(ctx context.Context, area providers.Bounds, whole providers.Answer, part providers.Area) bool {
	answer, ok := p.search(ctx, part)
	if !ok {
		return false
	}
	if !cut(answer) {
		p.lacks(part, answer, inside(part, whole.Records))
	}
	var both []*providers.Record
	for _, r := range answer.Records {
		if r != nil && part.Holds(&r.Site) {
			both = append(both, r)
		}
	}
	p.lacks(area, whole, inside(area, both))
	return !cut(answer)
}

// kinds returns areas of every kind but boxes that lie about a box. One record is
// on the edge of each disc, as exactly as figures allow.
func kinds(random *rand.Rand, area providers.Bounds, records []*providers.Record) map[string][]providers.Area {
	all := make(map[string][]providers.Area)
	middle := providers.Point{Lat: (area.South + area.North) / 2, Lon: (area.West + area.East) / 2}
	const far = 40_000 // what every upstream still takes for a disc
	for range partsPerArea / 2 {
		a, b, ok := two(random, records)
		if !ok {
			break
		}
		if d := a.Location.DistanceM(b.Location); d < far {
			all["a disc"] = append(all["a disc"], providers.Around{Center: a.Location, RadiusM: d})
		}
		all["a route"] = append(all["a route"], providers.NewRoute([]providers.Point{a.Location, middle, b.Location}, 1500))
	}
	// A dent makes the polygon concave; the corners are those of the box.
	ring := []providers.Point{
		{Lat: area.South, Lon: area.West},
		{Lat: (area.South + middle.Lat) / 2, Lon: middle.Lon},
		{Lat: area.South, Lon: area.East},
		{Lat: area.North, Lon: area.East},
		{Lat: area.North, Lon: area.West},
	}
	triangle := []providers.Point{{Lat: area.South, Lon: area.West}, {Lat: middle.Lat, Lon: area.East}, {Lat: area.North, Lon: middle.Lon}}
	all["a polygon"] = []providers.Area{providers.NewPolygon(ring), providers.NewPolygon(triangle), providers.NewPolygon(triangle).Widen(700)}
	return all
}

func checkKinds(ctx context.Context, p *probe) {
	p.look(ctx)
	random := reproducible()
	compared := map[string]int{"a disc": 0, "a route": 0, "a polygon": 0}
	for i, area := range p.subject.Areas {
		whole := p.answers[i]
		records := sortedInside(area, whole)
		if len(records) < 2 || cut(whole) {
			continue
		}
		for kind, areas := range kinds(random, area, records) {
			for _, part := range areas {
				if p.compare(ctx, area, whole, part) {
					compared[kind]++
				}
			}
		}
	}
	for kind, n := range compared {
		if n == 0 {
			p.badf("no answer to %s came whole: nothing could be compared", kind)
		}
	}
	p.checkCountry(ctx)
}

// checkCountry asks for a country: that may not be possible, or cut.
func (p *probe) checkCountry(ctx context.Context) {
	if p.subject.Country == "" {
		return
	}
	area := providers.InCountry{Code: p.subject.Country}
	answer, err := p.provider.Search(ctx, providers.Query{Area: area})
	if err != nil {
		if se, typed := errors.AsType[*providers.SourceError](err); !typed || se.Code != providers.CodeUnsupported {
			p.badf("the answer to %s is %v, want sites or %s", describe(area), err, providers.CodeUnsupported)
		}
		return
	}
	if !cut(answer) {
		p.lacks(area, answer, inside(area, p.shown))
	}
	if len(answer.Records) > 0 && len(inside(area, answer.Records)) == 0 {
		p.badf("the answer to %s holds %d records, and all of them elsewhere", describe(area), len(answer.Records))
	}
}

func checkDateline(ctx context.Context, p *probe) {
	box := p.subject.Dateline
	if box == (providers.Bounds{}) {
		p.skipf("the subject names no sites at the antimeridian")
		return
	}
	whole, ok := p.search(ctx, box)
	if !ok {
		return
	}
	if cut(whole) {
		p.badf("the answer to %s is cut: it should be small enough", describe(box))
		return
	}
	for _, half := range box.Split() {
		if len(inside(half, whole.Records)) == 0 {
			p.badf("the answer to %s holds no site in its half %v", describe(box), half)
		}
		p.compare(ctx, box, whole, half)
	}
	// Other shapes that reach across.
	middle := providers.Point{Lat: (box.South + box.North) / 2, Lon: 180}
	for _, part := range []providers.Area{
		providers.Around{Center: middle, RadiusM: 30_000},
		providers.NewRoute([]providers.Point{{Lat: box.North, Lon: box.West}, {Lat: box.South, Lon: box.East}}, 20_000),
		providers.NewPolygon([]providers.Point{{Lat: box.South, Lon: box.West}, {Lat: box.South, Lon: box.East}, {Lat: box.North, Lon: box.East}, {Lat: box.North, Lon: box.West}}),
	} {
		p.compare(ctx, box, whole, part)
	}
}

func checkNowhere(ctx context.Context, p *probe) {
	// The South Pacific Gyre: a thousand kilometres from the next island.
	for _, area := range []providers.Area{
		providers.Bounds{South: -49.5, West: -124, North: -48.5, East: -123},
		providers.Around{Center: providers.Point{Lat: -48.9, Lon: -123.4}, RadiusM: 5_000},
	} {
		if answer, ok := p.search(ctx, area); ok && (len(inside(area, answer.Records)) > 0 || cut(answer) || answer.Err != nil) {
			p.badf("the answer to %s is %+v, want none and no complaint", describe(area), answer)
		}
	}
}

func checkWorld(ctx context.Context, p *probe) {
	shown := p.look(ctx)
	answer, err := p.provider.Search(ctx, providers.Query{Area: providers.World()})
	if err != nil {
		p.typed("Search(world)", err, []providers.SourceErrorCode{providers.CodeAreaTooLarge, providers.CodeUnsupported})
		return
	}
	if slices.Contains(answer.Records, nil) {
		p.badf("the answer to the world holds nil")
		return
	}
	switch {
	case !cut(answer):
		p.lacks(providers.World(), answer, inside(providers.World(), shown))
	case p.holder != nil:
		p.badf("a source that holds its records cuts an answer")
	}
	if n := len(answer.Records); p.holder != nil && p.subject.Records > 0 && n != p.subject.Records {
		p.badf("the answer to the world holds %d records, want %d", n, p.subject.Records)
	}
}

// checkFilter: a filter is a hint, and may narrow only what says so.
func checkFilter(ctx context.Context, p *probe) {
	p.look(ctx)
	power := 100.0
	filters := []*providers.Filter{
		{Connections: []providers.ConnectionMatch{{MinPowerKW: &power, Types: []providers.ConnectorType{providers.ConnectorCCS2}}}},
		{OperatorIDs: []string{"operator:ocm:5"}, Usage: []providers.UsageKind{providers.UsagePrivate}},
		{Countries: []string{"NZ"}, Text: "nowhere", Status: []providers.OperationalStatus{providers.StatusPlanned}},
	}
	for i, area := range p.subject.Areas {
		for _, f := range filters {
			answer, err := p.provider.Search(ctx, providers.Query{Area: area, Filter: f})
			if err != nil {
				p.badf("Search(%v) with a filter returned %v", area, err)
				continue
			}
			if !answer.Partial && !cut(p.answers[i]) {
				p.lacks(area, answer, inside(area, p.answers[i].Records))
			}
		}
	}
}

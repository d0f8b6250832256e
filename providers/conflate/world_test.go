package conflate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"chargegraph/providers"
	"chargegraph/providers/conflate"
)

// The sources of these worlds, best first.
func sourcesOf(n int) []*providers.Source {
	all := []*providers.Source{
		{ID: "ocpi:ndw", Provider: providers.OCPI},
		{ID: "ocm", Provider: providers.OCM},
		{ID: "plugshare", Provider: providers.PlugShare},
	}
	// One source alone may be any; so may two.
	return all[:n]
}

// moved returns the point so many metres east and north of p.
func moved(p providers.Point, eastM, northM float64) providers.Point {
	const degree = providers.EarthRadiusM * math.Pi / 180
	lon := p.Lon + eastM/degree/math.Cos(p.Lat*math.Pi/180)
	if lon > 180 {
		lon -= 360
	}
	if lon < -180 {
		lon += 360
	}
	return providers.Point{Lat: p.Lat + northM/degree, Lon: lon}
}

// newRecord makes a sealed record of which only what with says is known.
func newRecord(source *providers.Source, external string, at providers.Point, with ...func(*providers.Record)) *providers.Record {
	r := &providers.Record{
		Site: providers.Site{
			Title: "Site", Location: at, Usage: providers.UsageUnknown, Status: providers.StatusUnknown, Cost: providers.CostUnknown,
		},
		Key:        providers.NewKey(source.ID, external),
		ExternalID: external,
		Source:     source,
	}
	for _, w := range with {
		w(r)
	}
	r.Seal()
	return r
}

func operatorNamed(id string) *providers.Operator {
	return providers.NewOperator(providers.OCM, id, "Operator "+id)
}

// crowdedWorld is a town of n records whose neighbours lie 0 to 600 m apart in
// rows and heaps, and of whom many share a reference, an EVSE or an operator:
// the worst that a rule about neighbours can meet.
func crowdedWorld(random *rand.Rand, middle providers.Point, sources []*providers.Source, n int) []*providers.Record {
	steps := []float64{0, 8, 20, 24, 60, 90, 99, 100, 101, 250, 400, 490, 600}
	operators := []*providers.Operator{
		nil, operatorNamed("5"), operatorNamed("9"), operatorNamed("15"), providers.NewOperator(providers.OCPI, "NL*X", "X"),
		{ID: "operator:ocm:44", Title: "(Business Owner at Location)"},
	}
	// Neither the order of keys nor that of sources follows the map.
	keys := random.Perm(n)
	records := make([]*providers.Record, 0, n)
	at := middle
	// References repeat along the row, so that the same one is near more than once.
	reference := func(kinds int) string { return fmt.Sprint(random.IntN(kinds)) }
	bearing := 0.0
	for i := range n {
		switch {
		case len(records) > 0 && random.IntN(12) == 0: // off to another place in town
			at = records[random.IntN(len(records))].Location
		case random.IntN(3) == 0:
			bearing = random.Float64() * 2 * math.Pi
		}
		step := steps[random.IntN(len(steps))]
		at = moved(at, step*math.Cos(bearing), step*math.Sin(bearing))
		records = append(records, newRecord(sources[random.IntN(len(sources))], fmt.Sprintf("%04d", keys[i]), at, func(r *providers.Record) {
			r.Operator = operators[random.IntN(len(operators))]
			r.Title = []string{"Station", "Mall", "Märkt", "markt", "Station 1", "Station 2", "Hotel Meridian"}[random.IntN(7)]
			if random.IntN(3) > 0 {
				r.DataProviderReference = reference(4)
				r.DataProvider = &providers.DataProvider{ID: reference(2)}
			}
			if random.IntN(3) == 0 {
				r.EVSEs = []providers.EVSE{{ExternalID: "1", EVSEID: []string{"NL*ABC*E1", "nlabce1", "NL-ABC-E2", "NLABCE2", ""}[random.IntN(5)], Status: providers.EVSEAvailable}}
			}
			if random.IntN(4) == 0 {
				r.OperatorReference = reference(2)
			}
			dress(random, r)
		}))
	}
	return records
}

// dress gives a record some of everything that can be merged.
func dress(random *rand.Rand, r *providers.Record) {
	some := func() bool { return random.IntN(2) == 0 }
	text := func() string {
		if some() {
			return ""
		}
		return fmt.Sprintf("%s says %d", r.Key, random.IntN(9))
	}
	date := func() time.Time {
		if some() {
			return time.Time{}
		}
		return time.Date(2025, 1, 1+random.IntN(9), 0, 0, 0, 0, time.UTC)
	}
	r.UUID, r.UsageCost, r.Owner, r.GeneralComments, r.TimeZone = text(), text(), text(), text(), text()
	r.Address = providers.Address{CountryCode: []string{"", "NL"}[random.IntN(2)]}
	if some() { // few enough that neighbours share some
		r.Address.Line1 = fmt.Sprintf("%s %d", []string{"Kerkstraat", "Hoofdweg"}[random.IntN(2)], random.IntN(4))
	}
	r.CreatedAt, r.UpdatedAt, r.LastVerifiedAt, r.LastConfirmedAt, r.PlannedFor = date(), date(), date(), date(), date()
	r.Usage = []providers.UsageKind{providers.UsageUnknown, providers.UsagePublic, providers.UsagePrivate}[random.IntN(3)]
	r.Status = []providers.OperationalStatus{providers.StatusUnknown, providers.StatusOperational}[random.IntN(2)]
	r.Links.Canonical = text()
	if some() {
		r.Links.Providers = []providers.ProviderLink{{Provider: r.Source.Provider, View: text()}}
	}
	if some() {
		r.NumberOfPoints = new(random.IntN(5))
	}
	if some() {
		r.Amenities = []providers.Amenity{providers.AmenityCafe, []providers.Amenity{providers.AmenityWifi, providers.AmenityPark}[random.IntN(2)]}
	}
	if some() {
		r.Parking = []providers.ParkingKind{providers.ParkingLit}
	}
	if some() {
		r.Rating = &providers.Rating{ProviderScores: []providers.ProviderScore{{Provider: r.Source.Provider, Value: float64(random.IntN(10)), ScaleMax: 10}}}
	}
	for i := range random.IntN(3) {
		c := providers.ConnectionInfo{
			ExternalID: fmt.Sprint(i), Type: []providers.ConnectorType{providers.ConnectorCCS2, providers.ConnectorType2}[random.IntN(2)],
			Format: providers.FormatUnknown, Current: providers.CurrentUnknown, Status: providers.StatusUnknown,
		}
		if some() {
			c.PowerKW = new([]float64{50, 49.6, 50.4, 150}[random.IntN(4)])
		}
		if some() {
			c.Quantity = new(random.IntN(4))
		}
		r.Connections = append(r.Connections, c)
	}
	for i := range random.IntN(3) {
		r.Comments = append(r.Comments, providers.Comment{ExternalID: fmt.Sprint(i), CreatedAt: date(), Rating: new(1 + random.IntN(5))})
		r.Photos = append(r.Photos, providers.Photo{ExternalID: fmt.Sprint(i), CreatedAt: date()})
		r.Stations = append(r.Stations, providers.Station{ExternalID: fmt.Sprint(i), Status: providers.EVSEUnknown})
	}
}

// towns are where distances are easy to get wrong, and elsewhere.
func towns() []providers.Point {
	return []providers.Point{{Lat: 52.37, Lon: 4.9}, {Lat: 0, Lon: 0}, {Lat: -17, Lon: 179.999}, {Lat: 71, Lon: -180}, {Lat: 84, Lon: 30}}
}

func worlds(sources, most int) *rapid.Generator[[]*providers.Record] {
	return rapid.Custom(func(t *rapid.T) []*providers.Record {
		random := rand.New(rand.NewPCG(uint64(sources), rapid.Uint64().Draw(t, "seed")))
		middle := rapid.SampledFrom(towns()).Draw(t, "town")
		return crowdedWorld(random, middle, sourcesOf(sources), rapid.IntRange(0, most).Draw(t, "records"))
	})
}

// told writes POIs down by the keys of their members, root first.
func told(pois []*providers.POI) []string {
	lines := make([]string, 0, len(pois))
	for _, p := range pois {
		var keys []string
		for _, r := range p.Members {
			keys = append(keys, string(r.Key))
		}
		lines = append(lines, strings.Join(keys, " + "))
	}
	return lines
}

func merged(records ...*providers.Record) []string { return told(conflate.Merge(records)) }

// cut is what a viewport is answered from when it is grown by so many metres.
func cut(records []*providers.Record, view providers.Bounds, marginM float64) []string {
	grown := view.Grow(marginM)
	known := slices.DeleteFunc(slices.Clone(records), func(r *providers.Record) bool { return !grown.Contains(r.Location) })
	return told(slices.DeleteFunc(conflate.Merge(known), func(p *providers.POI) bool { return !view.Contains(p.Location) }))
}

// whole is what of the whole map lies in a viewport.
func whole(pois []*providers.POI, view providers.Bounds) []string {
	return told(slices.DeleteFunc(slices.Clone(pois), func(p *providers.POI) bool { return !view.Contains(p.Location) }))
}

package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// generator makes sites, each from its own random stream.
type generator struct {
	p         Params
	operators []Operator
	countries map[string]countryProfile
	weights   []float64 // cities, then motorways
	markets   map[string]market
}

// market is who works in a country, with what weight.
type market struct {
	operators []Operator
	weights   []float64
}

func newGenerator(p Params, operators []Operator) *generator {
	g := &generator{p: p, operators: operators, countries: countryProfiles(), markets: make(map[string]market)}
	for _, c := range p.Cities {
		g.weights = append(g.weights, c.Weight)
	}
	for _, m := range p.Motorways {
		g.weights = append(g.weights, m.Weight)
	}
	for country := range g.countries {
		var m market
		for _, o := range operators {
			if slices.Contains(o.Markets, country) {
				m.operators = append(m.operators, o)
				m.weights = append(m.weights, o.Weight)
			}
		}
		g.markets[country] = m
	}
	return g
}

// site makes site number id.
func (g *generator) site(id SiteID) Site {
	d := diceFor(g.p.Seed, "truth", int(id))
	s := Site{ID: id}
	g.place(d, &s)
	country := g.countries[s.Address.Country]
	g.timeline(d, &s)
	g.rules(d, &s, country)
	g.equip(d, &s, country)
	g.surroundings(d, &s)
	g.photos(d, &s)
	g.reviews(d, &s, country)
	return s
}

// place decides where the site is and what it is called.
func (g *generator) place(d dice, s *Site) {
	var at Waypoint
	if i := d.weighted(g.weights); i < len(g.p.Cities) {
		c := g.p.Cities[i]
		s.Area = c.Key
		at = Waypoint{Town: c.Town, Region: c.Region, RegionCode: c.RegionCode, Country: c.Country, TimeZone: c.TimeZone, Postcode: c.Postcode}
		// A radius drawn evenly puts most sites near the centre.
		at.Lat, at.Lon = move(c.Lat, c.Lon, d.Float64()*c.RadiusKM*1000, d.between(0, 2*math.Pi))
		s.Kind = cityKinds(d)
	} else {
		m := g.p.Motorways[i-len(g.p.Cities)]
		s.Area = m.Key
		at = m.at(d.Float64())
		at.Lat, at.Lon = move(at.Lat, at.Lon, d.between(20, 400), d.between(0, 2*math.Pi))
		s.Kind = MotorwayServices
		if d.chance(0.25) {
			s.Kind = FuelStation
		}
		s.Address.Street = m.Road
	}
	if d.chance(g.p.Truth.Home) && s.Kind != MotorwayServices {
		s.Kind = Residence
	}
	s.Lat, s.Lon, s.TimeZone = at.Lat, at.Lon, at.TimeZone
	country := g.countries[at.Country]
	if s.Address.Street == "" || d.chance(0.3) {
		s.Address.Street = one(d, country.streets...)
	}
	s.Address.Number = fmt.Sprint(d.among(1, 180))
	s.Address.Town, s.Address.Region, s.Address.RegionCode = at.Town, at.Region, at.RegionCode
	s.Address.Postcode, s.Address.Country = d.pattern(at.Postcode), at.Country
	if hosts := hostNames(s.Kind); hosts != nil {
		s.Host = one(d, hosts...)
		s.Name = s.Host + " " + s.Address.Street
	} else {
		s.Name = s.Address.Street + " " + s.Address.Number
	}
	s.Phone = d.pattern(country.phone)
	if s.Host != "" && d.chance(0.6) {
		s.Website = "https://www." + slug(s.Host) + ".example/" + s.Area
	}
}

// cityKinds draws what sort of place a site in a city is.
func cityKinds(d dice) SiteKind {
	kinds := []SiteKind{Kerbside, CarPark, Supermarket, Mall, Hotel, Restaurant, Museum, Hospital, School, Dealership, Workplace, FuelStation, TrainStation}
	return kinds[d.weighted([]float64{34, 14, 9, 5, 8, 4, 2, 3, 3, 5, 6, 4, 3})]
}

// at returns the point at a share of the motorway's length, with what the
// waypoint before it says.
func (m Motorway) at(share float64) Waypoint {
	total := 0.0
	for i := 1; i < len(m.Line); i++ {
		total += planar(m.Line[i-1], m.Line[i])
	}
	rest := share * total
	for i := 1; ; i++ {
		a, b := m.Line[i-1], m.Line[i]
		length := planar(a, b)
		if rest > length && i < len(m.Line)-1 {
			rest -= length
			continue
		}
		t := rest / length
		w := a
		w.Lat = a.Lat + t*(b.Lat-a.Lat)
		w.Lon = wrapLon(a.Lon + t*wrapLon(b.Lon-a.Lon))
		return w
	}
}

// planar is the length between two waypoints in degrees of latitude.
func planar(a, b Waypoint) float64 {
	return math.Hypot(b.Lat-a.Lat, wrapLon(b.Lon-a.Lon)*math.Cos((a.Lat+b.Lat)/2*math.Pi/180))
}

// wrapLon brings a longitude, or a difference of two, into [-180, 180).
func wrapLon(lon float64) float64 {
	return lon - 360*math.Floor((lon+180)/360)
}

// move goes some metres from a place into a direction (radians from east).
// Good for short ways away from the poles.
func move(lat, lon, metres, angle float64) (float64, float64) {
	const metresPerDegree = 111_195
	dLat := metres * math.Sin(angle) / metresPerDegree
	dLon := metres * math.Cos(angle) / (metresPerDegree * math.Cos(lat*math.Pi/180))
	return round6(lat + dLat), round6(wrapLon(lon + dLon))
}

// round6 keeps six decimals of a degree, about 11 cm, as surveyors do.
func round6(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// timeline decides when the site opened and whether it still exists.
func (g *generator) timeline(d dice, s *Site) {
	s.Lifecycle = Open
	s.OpenedAt = g.p.Epoch.AddDate(0, 0, -d.among(5, 12*365)).Truncate(time.Hour)
	switch x := d.Float64(); {
	case x < g.p.Truth.Planned:
		s.Lifecycle = Planned
		s.OpenedAt = g.p.Epoch.AddDate(0, 0, d.among(10, 500))
	case x < g.p.Truth.Planned+g.p.Truth.Closed:
		s.Lifecycle = Closed
		life := g.p.Epoch.Sub(s.OpenedAt)
		s.ClosedAt = s.OpenedAt.Add(time.Duration(d.between(0.3, 1) * float64(life))).Truncate(time.Hour)
	}
}

// rules decides who may charge, when, and for how much.
func (g *generator) rules(d dice, s *Site, country countryProfile) {
	s.Access = Public
	switch {
	case s.Kind == Residence:
		s.Access = PrivateHome
	case d.chance(g.p.Truth.Restricted):
		s.Access = one(d, CustomersOnly, StaffOnly)
	case d.chance(0.05):
		s.Access = NoticeRequired
	}
	s.Opening.Always = s.Kind == Kerbside || s.Kind == MotorwayServices || d.chance(0.6)
	if !s.Opening.Always {
		hours := one(d, Hours{8 * 60, 18 * 60}, Hours{7 * 60, 22 * 60}, Hours{9 * 60, 20*60 + 30})
		for day := range s.Opening.Days {
			s.Opening.Days[day] = hours
		}
		if d.chance(0.3) {
			s.Opening.Days[time.Sunday] = Hours{}
		}
	}
	s.Tariff.Currency = country.currency
	if d.chance(g.p.Truth.Free) {
		s.Tariff.Free = true
		return
	}
	s.Membership, s.PayOnSite = d.chance(0.5), d.chance(0.6)
	if !s.Membership && !s.PayOnSite {
		s.PayOnSite = true
	}
	cents := func(x float64) float64 { return math.Round(x*100) / 100 }
	switch d.weighted([]float64{8, 1, 1}) {
	case 0:
		s.Tariff.PerKWh = cents(country.kWh * d.between(0.7, 1.6))
	case 1:
		s.Tariff.PerMinute = cents(country.kWh * d.between(0.1, 0.4))
	default:
		s.Tariff.PerKWh = cents(country.kWh * d.between(0.6, 1.1))
		s.Tariff.PerSession = cents(country.kWh)
	}
	if d.chance(0.15) {
		s.Tariff.ParkingPerHour = cents(country.kWh * d.between(2, 6))
	}
	if d.chance(0.1) {
		s.Tariff.IdlePerMinute = cents(country.kWh)
	}
}

// equip puts up the stations.
func (g *generator) equip(d dice, s *Site, country countryProfile) {
	main := g.pickOperator(d, s)
	s.Operator = main.Key
	evse := 0
	g.stations(d, s, country, main, &evse)
	if main.Kind == Network && d.chance(g.p.Truth.SecondOperator) {
		if other := g.pickOperator(d, s); other.Key != main.Key && other.Kind == Network {
			g.stations(d, s, country, other, &evse)
		}
	}
}

func (g *generator) pickOperator(d dice, s *Site) Operator {
	if s.Kind == Residence {
		return g.operators[len(g.operators)-1]
	}
	m := g.markets[s.Address.Country]
	return m.operators[d.weighted(m.weights)]
}

// stations adds the stations of one operator: a few of one model, sometimes a
// few of another.
func (g *generator) stations(d dice, s *Site, country countryProfile, by Operator, evse *int) {
	weights := make([]float64, len(country.stations))
	for i, m := range country.stations {
		weights[i] = m.weight
		fast := m.plugs[0].Current == DC
		switch {
		case m.maker == "Cobalt" && by.Key != "cobalt":
			weights[i] = 0 // Cobalt keeps its stalls to itself
		case m.maker == "Cobalt":
			weights[i] *= 40
		case s.Kind == MotorwayServices && fast:
			weights[i] *= 6
		case (s.Kind == Kerbside || s.Kind == Residence) && fast:
			weights[i] *= 0.1
		case s.Kind == Residence && m.evses > 1:
			weights[i] = 0
		}
	}
	batches := 1
	if s.Kind != Residence && d.chance(0.2) {
		batches = 2
	}
	for range batches {
		m := country.stations[d.weighted(weights)]
		count := d.among(m.hubMin, m.hubMax)
		if s.Kind == Residence {
			count = 1
		}
		for range count {
			g.station(d, s, m, by, evse)
		}
	}
}

func (g *generator) station(d dice, s *Site, m stationModel, by Operator, evse *int) {
	n := len(s.Stations)
	st := Station{
		ID: int(s.ID)*100 + n, Label: label(n), Operator: by.Key,
		Manufacturer: m.maker, Model: m.model,
	}
	// Bays stand three metres apart, in a row.
	st.Lat, st.Lon = move(s.Lat, s.Lon, float64(n)*3, 0)
	for k := range m.evses {
		*evse++
		e := EVSE{
			UID:    fmt.Sprintf("%s%d-%d", strings.ToLower(by.Party), st.ID, k+1),
			EVSEID: fmt.Sprintf("%s*%s*E%06d%s*%d", by.Country, by.Party, s.ID, st.Label, k+1),
			Number: *evse,
			Plugs:  slices.Clone(m.plugs),
		}
		for _, c := range []struct {
			what Capability
			p    float64
		}{{RFID, 0.7}, {RemoteStart, 0.6}, {CreditCard, 0.2}, {Contactless, 0.3}, {Reservable, 0.05}, {PlugAndCharge, 0.1}} {
			if d.chance(c.p) {
				e.Capabilities = append(e.Capabilities, c.what)
			}
		}
		if d.chance(g.p.Truth.Broken) {
			e.BrokenSince = g.p.Epoch.Add(-time.Duration(d.among(1, 60*24)) * time.Hour)
		}
		st.EVSEs = append(st.EVSEs, e)
	}
	s.Stations = append(s.Stations, st)
}

// label counts from A to Z, then AA, AB and so on.
func label(n int) string {
	if n < 26 {
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n : n+1]
	}
	return label(n/26-1) + label(n%26)
}

// slug makes a host name of a business name.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		default:
			return -1
		}
	}, name)
}

package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// stations adds the stations of all sites of a location.
func (v *psViewer) stations(d dice, l *psLocation, imported bool) {
	x := &l.psDetail
	x.Stations = []psStation{}
	count := make(map[int]int)
	broken, all := 0, 0
	none, marked := d.chance(v.noise.NoStations), d.chance(v.noise.MarkedBroken)
	if !none {
		for i, s := range l.sites {
			// Each site draws from a stream of its own, so that one that joins
			// later changes nothing at the others.
			sd := diceFor(v.w.params.Seed, "plugshare:stations", int(s.ID)*2+l.visitor.slot)
			for _, st := range v.siteStations(sd, x, s, l.visitor.slot, imported && i == 0) {
				x.Stations = append(x.Stations, st)
				if st.NetworkID != nil {
					count[*st.NetworkID]++
				}
			}
			for _, st := range s.Stations {
				for _, e := range st.EVSEs {
					all++
					if !e.BrokenSince.IsZero() {
						broken++
					}
				}
			}
		}
	}
	most := 0
	for id, n := range count {
		if n > most || n == most && id < *x.MajorityNetworkID {
			most, x.MajorityNetworkID = n, new(id)
		}
	}
	x.UnderRepair = all > 0 && broken == all && marked
}

func (v *psViewer) siteStations(d dice, x *psDetail, s *Site, slot int, imported bool) []psStation {
	unknown := d.chance(v.noise.NetworkUnknown)
	comboOld := d.chance(v.noise.ComboOld)
	powerNull, powerWrong := d.chance(v.noise.PowerNull), d.chance(v.noise.PowerWrong)
	var stations []psStation
	for n := range s.Stations {
		truth := &s.Stations[n]
		if n > 0 && d.chance(v.noise.StationMissing) {
			continue
		}
		created, _ := time.Parse(time.RFC3339, x.CreatedAt)
		st := psStation{
			ID: psStationBase + truth.ID, LocationID: x.ID, CostDescription: "Unknown", Promos: []int{},
			CreatedAt:          psTime(created.Add(time.Duration(n*45+1) * time.Second)),
			RequiresAccessCard: s.Membership && !s.PayOnSite && d.chance(0.4),
		}
		if slot > 0 {
			st.ID += psTwinStation
		}
		if x.Cost {
			st.Cost = one(d, 0, 2, 2)
		} else if s.Tariff.Free && d.chance(0.3) {
			st.Cost = 1
		}
		if d.chance(0.5) {
			st.Manufacturer, st.Model = truth.Manufacturer, one(d, "", truth.Model)
		}
		if d.chance(0.2) {
			st.Name = new(one(d, truth.Label, "Charger "+truth.Label, s.Name+" "+truth.Label, "Unit #"+fmt.Sprint(n+1)))
		}
		if d.chance(0.06) {
			lat, lon := truth.Lat, truth.Lon
			st.Latitude, st.Longitude = &lat, &lon
		}
		if d.chance(0.02) {
			st.PreChargeInstructions = new("Plug in first, then hold the card to the reader.")
		}
		if d.chance(0.02) {
			st.LocationID += 167 // it once belonged to another one
		}
		v.network(d, &st, s, truth, unknown, imported)
		v.outlets(d, &st, x, s, truth, slot, comboOld, powerNull, powerWrong)
		stations = append(stations, st)
	}
	return stations
}

// network decides under which network a station is listed, and whether that
// feeds its status.
func (v *psViewer) network(d dice, st *psStation, s *Site, truth *Station, unknown, imported bool) {
	unfed, stale, empty := d.chance(v.noise.Unfed), d.chance(v.noise.NetworkStale), d.chance(v.noise.NetworkEmpty)
	id, networked := v.networks.ids[truth.Operator]
	switch {
	case imported:
		st.NetworkID, st.NetworkExtID = new(psNetworkOCM), new(fmt.Sprint(ocmIDOf(s.ID, 0)))
	case !networked || unknown:
	case stale && v.networks.former[truth.Operator] != 0:
		st.NetworkID = new(v.networks.former[truth.Operator])
	default:
		st.NetworkID = &id
		if !slices.Contains(v.noise.Live, truth.Operator) {
			break
		}
		if truth.Operator == "cobalt" { // site and stall
			st.NetworkExtID = new(fmt.Sprintf("%d_%d", 30_000+int(s.ID), truth.ID%100))
		} else {
			uid, _, _ := strings.Cut(truth.EVSEs[0].UID, "-")
			st.NetworkExtID = &uid
		}
		if !unfed && s.Lifecycle != Planned {
			st.site = s
			st.lag = time.Duration(d.among(0, v.noise.FeedDelayM*60)) * time.Second
		}
	}
	switch {
	case st.NetworkID != nil:
		st.Network = v.networks.byID[*st.NetworkID]
	case empty:
		st.Network = ""
	}
}

func (v *psViewer) outlets(d dice, st *psStation, x *psDetail, s *Site, truth *Station, slot int, comboOld, powerNull, powerWrong bool) {
	unknown := d.chance(v.noise.StatusUnknown)
	missing := -1 // the kind of plug nobody entered
	if kinds := len(truth.EVSEs[0].Plugs); kinds > 1 && d.chance(v.noise.PlugMissing) {
		missing = d.IntN(kinds)
	}
	st.Outlets = []psOutlet{}
	index, broken := 0, 0
	for n := range truth.EVSEs {
		e := &truth.EVSEs[n]
		if !e.BrokenSince.IsZero() {
			broken++
		}
		for k, p := range e.Plugs {
			index++
			wrong, unlisted, stallAC := d.chance(v.noise.PlugWrong), d.chance(v.noise.PlugUnlisted), d.chance(v.noise.StallAC)
			if k == missing {
				continue
			}
			c := psConnector(p.Kind, p.Current, truth.Operator == "cobalt")
			switch {
			case unlisted:
				c = psDescriptor{Connector: d.among(30, 49)}
			case wrong:
				c = psDescriptor{Connector: one(d, 2, 7, 8, 14)}
			case c.Connector == 20 && comboOld:
				c.Connector = 13
			case c.Connector == 6 && stallAC:
				c.Power = 0
			}
			o := psOutlet{
				ID:        psOutletBase + truth.ID*psOutletsOf + slot*psOutletsOf/2 + index - 1,
				Connector: c.Connector, ConnectorType: c.Connector, Power: c.Power, ConnectorName: psConnectorName(c.Connector),
				Prices: []psPrice{}, evse: e,
			}
			if !powerNull {
				kW := p.PowerKW
				if powerWrong {
					kW = one(d, 50, 22, kW/2, kW*2)
				}
				o.Kilowatts = new(psNumber(kW))
				if st.Kilowatts == nil || *st.Kilowatts < *o.Kilowatts {
					st.Kilowatts = o.Kilowatts
				}
				if d.chance(0.1) {
					o.Volts, o.Amps = new(p.VoltageV), new(p.CurrentA)
				}
			}
			if st.NetworkExtID != nil && st.NetworkID != nil && *st.NetworkID != psNetworkOCM && truth.Operator != "cobalt" {
				if d.chance(0.6) {
					o.EVSEExtID = new(one(d, e.EVSEID, e.EVSEID, strings.ReplaceAll(e.EVSEID, "*", "")))
				}
				if d.chance(0.2) && s.Tariff.PerKWh > 0 {
					o.Prices = append(o.Prices, psTariff(s.Tariff))
				}
			}
			if st.NetworkID != nil && st.site == nil && unknown {
				o.Status = new("UNKNOWN")
			}
			st.Outlets = append(st.Outlets, o)
		}
	}
	if st.NetworkID != nil && st.site == nil && broken == len(truth.EVSEs) && d.chance(v.noise.MarkedBroken) {
		for i := range st.Outlets {
			st.Outlets[i].Status = new(one(d, "OUTOFORDER", "OUTOFORDER", "UNDER_REPAIR"))
		}
		st.Available = one(d, 3, 4)
	}
	if st.NetworkID != nil && x.ComingSoon != nil && *x.ComingSoon && d.chance(0.3) {
		for i := range st.Outlets {
			st.Outlets[i].Status = new("PLANNED")
		}
	}
}

func psTariff(t Tariff) psPrice {
	e := psPriceElement{PriceComponents: []psPriceComponent{{psNumber(t.PerKWh), "ENERGY"}}}
	if t.PerSession > 0 {
		e.PriceComponents = append(e.PriceComponents, psPriceComponent{psNumber(t.PerSession), "FLAT"})
	}
	return psPrice{Currency: t.Currency, Elements: []psPriceElement{e}, TariffGeneratedText: fmt.Sprintf("%.2f %s per kWh", t.PerKWh, t.Currency)}
}

// live returns the stations of a location as they are at a time.
func (l *psLocation) live(now time.Time) []psStation {
	stations := slices.Clone(l.Stations)
	for i := range stations {
		stations[i].update(l.w, now)
	}
	return stations
}

// update fills in what the network's feed says.
func (st *psStation) update(w *World, now time.Time) {
	if st.site == nil {
		return
	}
	st.Outlets = slices.Clone(st.Outlets)
	var latest time.Time
	var seen [Gone + 1]int
	for i := range st.Outlets {
		o := &st.Outlets[i]
		status, since, _ := w.StatusAt(st.site, o.evse, now.Add(-st.lag))
		o.Status, o.StatusChangedAt = new(psStatus(status)), new(psTime(since))
		seen[status]++
		if since.After(latest) {
			latest = since
		}
	}
	st.Available = psAvailable(seen)
	st.AvailableChangedAt = new(psTime(latest))
}

// available is the station's available at a time.
func (st *psStation) available(w *World, now time.Time) int {
	if st.site == nil {
		return st.Available
	}
	var seen [Gone + 1]int
	for i := range st.Outlets {
		status, _, _ := w.StatusAt(st.site, st.Outlets[i].evse, now.Add(-st.lag))
		seen[status]++
	}
	return psAvailable(seen)
}

// psAvailable sums up the outlets of a station: 0 unknown, 1 available, 2 in
// use, 3 offline.
func psAvailable(seen [Gone + 1]int) int {
	switch {
	case seen[Available] > 0:
		return 1
	case seen[Occupied]+seen[Finishing]+seen[Reserved] > 0:
		return 2
	case seen[OutOfOrder]+seen[Gone] > 0:
		return 3
	default:
		return 0
	}
}

func psStatus(s LiveStatus) string {
	switch s {
	case Available:
		return "AVAILABLE"
	case Occupied:
		return "CHARGING"
	case Finishing:
		return "CONNECTED"
	case Reserved:
		return "RESERVED"
	case OutOfOrder:
		return "OUTOFORDER"
	case NotYetOpen:
		return "PLANNED"
	case Gone:
		return "REMOVED"
	}
	return "UNKNOWN"
}

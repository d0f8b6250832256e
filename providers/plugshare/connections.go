package plugshare

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
)

// plug is what outlets of one group have in common.
type plug struct {
	connector, power int
	kw               float64 // 0: not stated
	kind             providers.ConnectorType
}

// connectionGroups gathers like outlets of one record.
type connectionGroups struct {
	market market
	state  providers.OperationalStatus // of the location
	order  []plug
	of     map[plug]*connectionGroup
}

type connectionGroup struct {
	first   providers.ConnectionInfo
	members []live
}

func newConnectionGroups(w *wireLocation, state providers.OperationalStatus) *connectionGroups {
	return &connectionGroups{
		market: market{locale: string(w.Locale), shown: w.ConnectorTypes}, state: state,
		of: make(map[plug]*connectionGroup),
	}
}

// numbersOf returns the connector of an outlet, -1 where it has none, and the
// number that tells Tesla's plugs apart.
func numbersOf(o *wireOutlet) (connector, power int) {
	connector, ok := integer(o.Connector)
	if !ok || connector < 0 {
		return -1, 0
	}
	power, _ = integer(o.Power)
	return connector, power
}

// connection returns what an outlet is by itself.
func (g *connectionGroups) connection(s *wireStation, o *wireOutlet, state live) providers.ConnectionInfo {
	connector, power := numbersOf(o)
	c := providers.ConnectionInfo{
		Type:      connectorType(connector, string(o.ConnectorName), g.market),
		PowerKW:   powerKW(s, o),
		VoltageV:  o.Volts.Positive(),
		CurrentA:  o.Amps.Positive(),
		Quantity:  new(1),
		Status:    equipmentStatus(g.state, providers.StatusUnknown, []live{state}),
		Format:    providers.FormatUnknown,
		Reference: clean.Line(string(o.EVSEExtID)),
		Comments:  clean.Text(string(o.Description)),
	}
	if c.Reference == "" {
		c.Reference = clean.Line(string(o.NetworkExtID))
	}
	c.Current = currentKind(connector, power, c.PowerKW)
	if kind, known := powerType(string(o.PowerType)); known && c.Current != providers.CurrentDC && (kind != providers.CurrentDC || c.Current == providers.CurrentUnknown) {
		c.Current = kind
	} else if c.Current == providers.CurrentUnknown && o.IsDC.Value {
		c.Current = providers.CurrentDC
	}
	c.Level = chargingLevel(connector, c.Current, c.PowerKW)
	if c.Type == providers.ConnectorUnknown && connector >= 0 {
		c.Comments = strings.TrimSpace("PlugShare connector " + strconv.Itoa(connector) + "\n" + c.Comments)
	}
	if state.stated {
		c.Availability, c.AvailabilityUpdatedAt = &state.status, state.since
	}
	return c
}

// powerKW returns the power of an outlet as stated: its own, or that of a station
// that has no other.
func powerKW(s *wireStation, o *wireOutlet) *float64 {
	if kw := o.Kilowatts.Positive(); kw != nil {
		return kw
	}
	if w := o.Watts.Positive(); w != nil {
		return new(*w / 1000)
	}
	if len(s.Outlets) == 1 {
		return s.Kilowatts.Positive()
	}
	return nil
}

// add counts an outlet, which is c, among its like. One that was taken away is
// not counted.
func (g *connectionGroups) add(o *wireOutlet, state live, c *providers.ConnectionInfo) {
	if state.status == providers.EVSERemoved {
		return
	}
	p := plug{kind: c.Type}
	p.connector, p.power = numbersOf(o)
	if c.PowerKW != nil {
		p.kw = *c.PowerKW
	}
	group := g.of[p]
	if group == nil {
		group = &connectionGroup{first: *c}
		g.of[p] = group
		g.order = append(g.order, p)
	}
	group.members = append(group.members, state)
	// What not all of them have, the group has not.
	first := &group.first
	first.VoltageV, first.CurrentA = agreed(first.VoltageV, c.VoltageV), agreed(first.CurrentA, c.CurrentA)
	if first.Current != c.Current {
		first.Current = family(first.Current, c.Current)
		first.Level = chargingLevel(p.connector, first.Current, first.PowerKW)
	}
	if first.Comments != c.Comments {
		first.Comments = ""
	}
	if first.Reference != c.Reference {
		first.Reference = ""
	}
}

func agreed(a, b *float64) *float64 {
	if a == nil || b == nil || *a != *b {
		return nil
	}
	return a
}

// family returns what two different kinds of current have in common.
func family(a, b providers.CurrentKind) providers.CurrentKind {
	for _, kind := range []providers.CurrentKind{providers.CurrentDC, providers.CurrentUnknown} {
		if a == kind || b == kind {
			return providers.CurrentUnknown
		}
	}
	return providers.CurrentAC
}

// connections returns the groups in the order of their first outlets.
func (g *connectionGroups) connections() []providers.ConnectionInfo {
	if len(g.order) == 0 {
		return nil
	}
	list := make([]providers.ConnectionInfo, 0, len(g.order))
	for _, p := range g.order {
		group := g.of[p]
		c := group.first
		c.ExternalID = groupName(p, list)
		c.Quantity = new(len(group.members))
		c.Status = equipmentStatus(g.state, providers.StatusUnknown, group.members)
		c.Availability, c.AvailabilityUpdatedAt = sameState(group.members)
		list = append(list, c)
	}
	return list
}

// groupName returns the external id of a group: what its outlets have in common,
// so that it stays when outlets come and go.
func groupName(p plug, taken []providers.ConnectionInfo) string {
	base := "g"
	if p.connector >= 0 {
		base += strconv.Itoa(p.connector) + "-" + strconv.Itoa(p.power)
	}
	if p.kw > 0 {
		base += "-" + strconv.FormatFloat(p.kw, 'f', -1, 64)
	}
	name := base
	for n := 2; slices.ContainsFunc(taken, func(c providers.ConnectionInfo) bool { return c.ExternalID == name }); n++ {
		name = base + "x" + strconv.Itoa(n)
	}
	return name
}

// sameState returns the live state in which all outlets are; nil where they
// differ or one has none.
func sameState(states []live) (status *providers.EVSEStatus, since time.Time) {
	for _, s := range states {
		if !s.stated || s.status != states[0].status {
			return nil, time.Time{}
		}
		if s.since.After(since) {
			since = s.since
		}
	}
	return &states[0].status, since
}

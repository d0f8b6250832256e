package ocpi

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/wire"
)

// equipment sets EVSEs, connections, status and availability.
func (m *mapper) equipment(r *providers.Record) {
	r.EVSEs = make([]providers.EVSE, 0, len(m.live))
	m.status = m.status[:0]
	total := 0
	for _, e := range m.live {
		total += len(e.Connectors)
	}
	// One array for the connections of all EVSEs; each EVSE has its part.
	all := make([]providers.ConnectionInfo, 0, total)
	clear(m.evseNames)
	clear(m.plugNames)
	for _, e := range m.live {
		status := evseStatus(e.Status)
		m.status = append(m.status, status)
		uid := m.evseNames.of(cmp.Or(clean.Line(string(e.UID)), clean.Line(string(e.EVSEID))))
		from := len(all)
		for i := range e.Connectors {
			c := m.connection(&e.Connectors[i], status)
			c.ExternalID = m.plugNames.of(uid + "/" + clean.Line(string(e.Connectors[i].ID)))
			if i == 0 && strings.HasPrefix(c.ExternalID, uid) {
				uid = c.ExternalID[:len(uid)] // one text less to hold
			}
			all = append(all, c)
		}
		evse := providers.EVSE{
			ExternalID:        uid,
			EVSEID:            clean.Line(string(cmp.Or(e.EVSEID, e.ID))),
			PhysicalReference: clean.Line(string(e.PhysicalReference)),
			Status:            status,
			StatusUpdatedAt:   m.observed(status),
			Connections:       all[from:len(all):len(all)],
			Capabilities:      m.words(e.Capabilities),
			Floor:             m.line(string(e.FloorLevel)),
		}
		if at, ok := pointOf(&e.Coordinates); ok {
			evse.Location = &at
		}
		r.EVSEs = append(r.EVSEs, evse)
	}
	r.Status = operationalStatus(m.status)
	r.Availability = providers.CountAvailability(providers.UnitEVSE, m.status, m.fetchedAt)
	m.group(r)
}

// observed returns when a live state was fetched: the feed's own dates do not
// follow its states. PLANNED is no live state.
func (m *mapper) observed(s providers.EVSEStatus) time.Time {
	if s == providers.EVSEPlanned {
		return time.Time{}
	}
	return m.fetchedAt
}

// connection returns one plug of an EVSE. Only one plug of an EVSE can be in use,
// so that it is free when the EVSE is.
func (m *mapper) connection(w *wireConnector, status providers.EVSEStatus) providers.ConnectionInfo {
	standard := strings.ToUpper(clean.Line(string(w.Standard)))
	t, known := connectorType(standard)
	current := currentKind(w.PowerType)
	if t == providers.ConnectorType1 && current == providers.CurrentACThreePhase {
		current = providers.CurrentACSinglePhase // the plug has one phase, whatever feeds say
	}
	c := providers.ConnectionInfo{
		Type:     t,
		Current:  current,
		VoltageV: m.number(firstOf(w.VoltageV, w.Voltage)),
		CurrentA: m.number(firstOf(w.CurrentA, w.Amperage, w.Ampere)),
		Status:   operationalStatus([]providers.EVSEStatus{status}),
		Format:   connectorFormat(w.Format),
	}
	if !known {
		c.Comments = m.shared(clean.Line(string(w.Standard)))
	}
	if c.PowerKW = m.number(powerKW(w, current)); c.PowerKW != nil {
		c.Level = m.count(level(*c.PowerKW))
	}
	if status != providers.EVSEPlanned {
		c.Availability, c.AvailabilityUpdatedAt = m.state(status), m.fetchedAt
	}
	return c
}

// powerKW returns what a connector delivers: as stated in W, or in kW as by
// chargecloud, or else computed, in whole watts; 0 where that is unknown.
func powerKW(w *wireConnector, current providers.CurrentKind) float64 {
	switch {
	case w.PowerW.Value > 0:
		return w.PowerW.Value / 1000
	case w.MaxPower.Value > 0:
		return w.MaxPower.Value
	}
	return math.Round(watts(current, firstOf(w.VoltageV, w.Voltage), firstOf(w.CurrentA, w.Amperage, w.Ampere))) / 1000
}

// firstOf returns the first number above zero, else 0.
func firstOf(list ...wire.Number) float64 {
	for _, n := range list {
		if n.Value > 0 {
			return n.Value
		}
	}
	return 0
}

// group sets the site's connections: for each kind of plug — standard, format,
// current, power — one row, with the number of connectors that are such. Voltage
// and amperage are those of all of them, or absent. An EVSE with two plugs counts
// in two rows.
func (m *mapper) group(r *providers.Record) {
	rows, counts := m.rows[:0], m.rowCounts[:0]
	for i := range r.EVSEs {
		for j := range r.EVSEs[i].Connections {
			c := &r.EVSEs[i].Connections[j]
			at := slices.IndexFunc(rows, func(g providers.ConnectionInfo) bool {
				return g.Type == c.Type && g.Comments == c.Comments && g.Format == c.Format && g.Current == c.Current && equal(g.PowerKW, c.PowerKW)
			})
			if at < 0 {
				rows, counts = append(rows, *c), append(counts, 1)
				continue
			}
			g := &rows[at]
			counts[at]++
			if !equal(g.VoltageV, c.VoltageV) {
				g.VoltageV = nil
			}
			if !equal(g.CurrentA, c.CurrentA) {
				g.CurrentA = nil
			}
			switch {
			case c.Availability == nil:
			case g.Availability == nil:
				g.Availability, g.AvailabilityUpdatedAt = c.Availability, c.AvailabilityUpdatedAt
			default:
				g.Availability = m.state(groupStatus(*g.Availability, *c.Availability))
			}
		}
	}
	m.rows, m.rowCounts = rows, counts
	if len(rows) == 0 {
		return
	}
	r.Connections = make([]providers.ConnectionInfo, len(rows)) // no more room than they need
	copy(r.Connections, rows)
	for i := range r.Connections {
		g := &r.Connections[i]
		g.ExternalID = m.groupName(g)
		g.Quantity = m.count(counts[i])
		m.status = m.status[:0]
		for j := range r.EVSEs {
			has := func(c providers.ConnectionInfo) bool {
				return g.Type == c.Type && g.Comments == c.Comments && g.Format == c.Format && g.Current == c.Current && equal(g.PowerKW, c.PowerKW)
			}
			if slices.ContainsFunc(r.EVSEs[j].Connections, has) {
				m.status = append(m.status, r.EVSEs[j].Status)
			}
		}
		g.Status = operationalStatus(m.status)
	}
}

// groupName names a group of connectors by what they are, so that it keeps its
// name when others come and go. EVSEs' own connections have a "/" in theirs, too,
// but no "=" before it.
func (m *mapper) groupName(g *providers.ConnectionInfo) string {
	b := append(m.buf[:0], "="...)
	b = append(append(b, g.Type...), '/')
	if g.Comments != "" {
		b = append(append(b, g.Comments...), '/')
	}
	b = append(append(b, g.Format...), '/')
	b = append(append(b, g.Current...), '/')
	if g.PowerKW != nil {
		b = strconv.AppendFloat(b, *g.PowerKW, 'f', -1, 64)
	}
	m.buf = b
	return m.shared(string(b))
}

func equal(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }

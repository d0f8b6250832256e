package conflate

import (
	"chargegraph/providers"
)

// family is plugs that sources take for one another: CCS 1 and 2 never stand in
// one country, and Tesla's plug has had several names.
type family uint8

const (
	familyType1 family = iota
	familyType2
	familyCCS
	familyCHAdeMO
	familyTesla
	familyGBT
	familyDomestic
	families
	familyUnknown = families
)

// plugs is the equipment of a record as matching compares it.
type plugs struct {
	count   [families]int // at least 1 where there are some
	kinds   int           // how many families there are
	counted bool          // every quantity is stated
	ac, dc  bool          // what current there is; neither where nothing tells
	maxKW   float64       // 0: not stated
	points  int           // cars at once; 0: not stated
}

func familyOf(t providers.ConnectorType) family {
	switch t {
	case providers.ConnectorType1:
		return familyType1
	case providers.ConnectorType2, providers.ConnectorType3A, providers.ConnectorType3C:
		return familyType2
	case providers.ConnectorCCS1, providers.ConnectorCCS2:
		return familyCCS
	case providers.ConnectorCHAdeMO, providers.ConnectorChaoJi:
		return familyCHAdeMO
	case providers.ConnectorNACS, providers.ConnectorTeslaRoadster:
		return familyTesla
	case providers.ConnectorGBTAC, providers.ConnectorGBTDC:
		return familyGBT
	case providers.ConnectorDomesticA, providers.ConnectorDomesticC, providers.ConnectorDomesticE, providers.ConnectorDomesticF,
		providers.ConnectorDomesticG, providers.ConnectorDomesticI, providers.ConnectorNEMA515, providers.ConnectorNEMA520, providers.ConnectorNEMA1450:
		return familyDomestic
	default:
		return familyUnknown
	}
}

// plugsOf sums a record's equipment up, by its connections, or by its EVSEs
// where it has only those.
func plugsOf(r *providers.Record) plugs {
	p := plugs{counted: true}
	for i := range r.Connections {
		p.add(&r.Connections[i])
	}
	if len(r.Connections) == 0 {
		for i := range r.EVSEs {
			for j := range r.EVSEs[i].Connections {
				p.add(&r.EVSEs[i].Connections[j])
			}
		}
	}
	for f := range families {
		if p.count[f] > 0 {
			p.kinds++
		}
	}
	switch {
	case r.NumberOfPoints != nil:
		p.points = *r.NumberOfPoints
	case len(r.EVSEs) > 0:
		p.points = len(r.EVSEs)
	case p.kinds == 1 && p.counted:
		for f := range families {
			p.points += p.count[f]
		}
	}
	return p
}

func (p *plugs) add(c *providers.ConnectionInfo) {
	n := 1
	if c.Quantity != nil && *c.Quantity > 0 {
		n = *c.Quantity
	} else {
		p.counted = false
	}
	f := familyOf(c.Type)
	if f != familyUnknown {
		p.count[f] += n
	}
	if c.PowerKW != nil {
		p.maxKW = max(p.maxKW, *c.PowerKW)
	}
	switch {
	case c.Current == providers.CurrentDC, f == familyCCS, f == familyCHAdeMO, c.PowerKW != nil && *c.PowerKW > 44:
		p.dc = true
	case c.Current != providers.CurrentUnknown && c.Current != "", f == familyType1, f == familyType2, f == familyDomestic:
		p.ac = true
	}
}

// overlap is what share of the smaller side's plugs the other side has too;
// where quantities are missing, what share of its kinds. ok is false where one
// side states no kind.
func (p *plugs) overlap(q *plugs) (share float64, ok bool) {
	if p.kinds == 0 || q.kinds == 0 {
		return 0, false
	}
	common, mine, theirs := 0, 0, 0
	counted := p.counted && q.counted
	for f := range families {
		a, b := p.count[f], q.count[f]
		if !counted {
			a, b = min(a, 1), min(b, 1)
		}
		common, mine, theirs = common+min(a, b), mine+a, theirs+b
	}
	return float64(common) / float64(min(mine, theirs)), true
}

// powerBand is the band of a power: 149 and 150 kW, 43 and 50 kW are one
// charger, stated twice. 0: not stated.
func powerBand(kW float64) int {
	if kW <= 0 {
		return 0
	}
	for i, limit := range [...]float64{4, 8, 12, 24, 60, 160} {
		if kW <= limit {
			return i + 1
		}
	}
	return 7
}

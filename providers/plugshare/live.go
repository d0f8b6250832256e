package plugshare

import (
	"slices"
	"time"

	"chargegraph/providers"
)

// live is a live state and when it began; stated is false where PlugShare says nothing.
type live struct {
	status providers.EVSEStatus
	since  time.Time
	stated bool
}

// said reports whether the state is more than that somebody reported none.
func (l live) said() bool { return l.stated && l.status != providers.EVSEUnknown }

// outletStates returns the live state of each outlet of a station: its own, or
// else the station's where that holds for every outlet.
func outletStates(w *wireStation) []live {
	states := make([]live, len(w.Outlets))
	whole := live{status: stationStatus(w.Available), since: w.AvailableChangedAt.Time, stated: true}
	// A station of several outlets that is free, or in use, has one that is.
	ofEach := whole.status == providers.EVSEOffline || whole.status == providers.EVSEUnderRepair || len(w.Outlets) == 1
	for i := range w.Outlets {
		o := &w.Outlets[i]
		states[i] = live{since: o.StatusChangedAt.Time}
		states[i].status, states[i].stated = outletStatus(string(o.Status))
		if !states[i].said() && ofEach && whole.said() {
			states[i] = whole
		}
	}
	return states
}

// stationState returns the live state of a station as a whole. Its outlets count
// before what it says itself, which for lack of them, or where one of them is
// not known and might be free, is all there is.
func stationState(w *wireStation, outlets []live) live {
	known := 0
	best := live{status: providers.EVSEUnknown}
	for _, o := range outlets {
		if !o.said() || o.status == providers.EVSERemoved && len(outlets) > 1 {
			continue
		}
		known++
		switch a, b := usefulness(o.status), usefulness(best.status); {
		case a > b:
			best = o
		case a == b && o.since.After(best.since):
			best.since = o.since
		}
	}
	there := 0
	for _, o := range outlets {
		if o.status != providers.EVSERemoved || len(outlets) == 1 {
			there++
		}
	}
	if best.status == providers.EVSEAvailable || known > 0 && known == there {
		return best
	}
	whole := live{status: stationStatus(w.Available), since: w.AvailableChangedAt.Time, stated: true}
	if !whole.said() {
		return live{status: providers.EVSEUnknown}
	}
	return whole
}

// usefulness orders states by how near a driver is to charging: of the outlets
// of a station the one that is nearest speaks for it.
func usefulness(s providers.EVSEStatus) int {
	order := [...]providers.EVSEStatus{
		providers.EVSEUnknown, providers.EVSERemoved, providers.EVSEPlanned, providers.EVSEInoperative, providers.EVSEOutOfOrder, providers.EVSEUnderRepair,
		providers.EVSEOffline, providers.EVSEBlocked, providers.EVSEReserved, providers.EVSEOccupied, providers.EVSECharging, providers.EVSEAvailable,
	}
	return slices.Index(order[:], s)
}

// locationStatus returns the life-cycle state that a location states as a whole.
// The last letter of its symbol says that it is coming soon or under repair, and
// not which, unless one of the two is denied.
func locationStatus(w *wireLocation) providers.OperationalStatus {
	symbol := string(w.IconType)
	marked := len(symbol) > 1 && (symbol[len(symbol)-1] == 'R' || symbol[len(symbol)-1] == 'r')
	switch {
	case w.Enabled.Denied():
		return providers.StatusRemoved
	case w.ComingSoon.Value:
		return providers.StatusPlanned
	case w.UnderRepair.Value:
		return providers.StatusTemporarilyUnavailable
	case marked && w.ComingSoon.Denied() && !w.UnderRepair.Set:
		return providers.StatusTemporarilyUnavailable
	case marked && w.UnderRepair.Denied() && !w.ComingSoon.Set:
		return providers.StatusPlanned
	case w.ComingSoon.Set || w.UnderRepair.Set, symbol != "" && !marked:
		return providers.StatusOperational
	}
	return providers.StatusUnknown
}

// equipmentStatus returns the life-cycle state of some outlets of a location in
// state location, which counts first where it is a reason not to go there. Only
// what is broken, under repair, planned or gone is a state of that kind; base is
// what remains to be said where nothing is.
func equipmentStatus(location, base providers.OperationalStatus, outlets []live) providers.OperationalStatus {
	switch location {
	case providers.StatusRemoved, providers.StatusPlanned, providers.StatusTemporarilyUnavailable:
		return location
	case providers.StatusOperational, providers.StatusPartlyOperational, providers.StatusNotOperational, providers.StatusUnknown:
	}
	count := make(map[providers.EVSEStatus]int)
	for _, o := range outlets {
		count[o.status]++
	}
	removed, planned := count[providers.EVSERemoved], count[providers.EVSEPlanned]
	broken, repair := count[providers.EVSEOutOfOrder], count[providers.EVSEUnderRepair]
	there := len(outlets) - removed
	switch {
	case len(outlets) == 0:
	case there == 0:
		return providers.StatusRemoved
	case planned == there:
		return providers.StatusPlanned
	case broken == there:
		return providers.StatusNotOperational
	case broken+repair == there:
		return providers.StatusTemporarilyUnavailable
	case broken+repair > 0:
		return providers.StatusPartlyOperational
	}
	return base
}

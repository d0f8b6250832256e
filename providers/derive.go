package providers

import (
	"cmp"
	"slices"
	"time"
)

// Derive sets what follows from the rest of the site: MaxPowerKW, Rating's
// figures, and the newest-first order of comments and photos. A provider's own
// scores in Rating stay.
func (s *Site) Derive() {
	s.MaxPowerKW = nil
	for i := range s.Connections {
		if p := s.Connections[i].PowerKW; p != nil && (s.MaxPowerKW == nil || *p > *s.MaxPowerKW) {
			s.MaxPowerKW = p
		}
	}
	slices.SortStableFunc(s.Comments, func(a, b Comment) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID(), b.ID()))
	})
	slices.SortStableFunc(s.Photos, func(a, b Photo) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID(), b.ID()))
	})
	var scores []ProviderScore
	if s.Rating != nil {
		scores = s.Rating.ProviderScores
	}
	s.Rating = rate(s.Comments, scores)
}

// CountAvailability sums up live states; nil when there are none. Unknown and
// offline states are counted as unknown: nobody knows whether a car could charge.
func CountAvailability(unit AvailabilityUnit, states []EVSEStatus, observedAt time.Time) *AvailabilityCounts {
	c := AvailabilityCounts{Unit: unit, ObservedAt: observedAt}
	known := false
	for _, s := range states {
		switch s {
		case EVSEAvailable:
			c.Available++
		case EVSECharging, EVSEOccupied, EVSEBlocked, EVSEReserved:
			c.Occupied++
		case EVSEInoperative, EVSEOutOfOrder, EVSEUnderRepair:
			c.OutOfService++
		case EVSEUnknown, EVSEOffline:
			c.Unknown++
		case EVSEPlanned, EVSERemoved:
			continue // not there
		}
		known = known || s != EVSEUnknown
		c.Total++
	}
	if !known {
		return nil
	}
	return &c
}

// WithoutLive returns a copy of the record whose live states are UNKNOWN: what
// remains of it when they are too old to be called live. PLANNED and REMOVED are
// no live states and stay.
func (r *Record) WithoutLive() *Record {
	aged := *r
	aged.Availability = nil
	aged.Connections = slices.Clone(r.Connections)
	aged.EVSEs = slices.Clone(r.EVSEs)
	aged.Stations = slices.Clone(r.Stations)
	forget := func(connections []ConnectionInfo) {
		for i := range connections {
			connections[i].Availability = nil
			connections[i].AvailabilityUpdatedAt = time.Time{}
		}
	}
	forget(aged.Connections)
	for i := range aged.EVSEs {
		e := &aged.EVSEs[i]
		if e.Status != EVSEPlanned && e.Status != EVSERemoved {
			e.Status, e.StatusUpdatedAt = EVSEUnknown, time.Time{}
		}
		e.Connections = slices.Clone(e.Connections)
		forget(e.Connections)
	}
	for i := range aged.Stations {
		s := &aged.Stations[i]
		if s.Status != EVSEPlanned && s.Status != EVSERemoved {
			s.Status, s.StatusUpdatedAt = EVSEUnknown, time.Time{}
		}
		s.Connections = slices.Clone(s.Connections)
		forget(s.Connections)
	}
	aged.Comments, aged.Photos = slices.Clone(r.Comments), slices.Clone(r.Photos)
	aged.Seal()
	return &aged
}

// rate returns nil when there is nothing to sum up.
func rate(comments []Comment, scores []ProviderScore) *Rating {
	r := Rating{ProviderScores: scores}
	sum := 0
	for i := range comments {
		c := &comments[i]
		if c.Rating != nil {
			r.Count++
			sum += *c.Rating
		}
		if c.Outcome == nil {
			continue
		}
		switch {
		case c.Outcome.Charged():
			r.Successes++
			if c.CreatedAt.After(r.LastSuccessAt) {
				r.LastSuccessAt = c.CreatedAt
			}
		case c.Outcome.FailedToCharge():
			r.Failures++
			if c.CreatedAt.After(r.LastFailureAt) {
				r.LastFailureAt = c.CreatedAt
			}
		}
	}
	if r.Count > 0 {
		r.Average = new(float64(sum) / float64(r.Count))
	}
	if r.Count+r.Successes+r.Failures+len(scores) == 0 {
		return nil
	}
	return &r
}

// Charged reports whether the outcome is that a car charged.
func (o CheckInOutcome) Charged() bool {
	return o == CheckInCharged || o == CheckInChargedAutomated
}

// FailedToCharge reports whether the outcome is that somebody tried to charge
// and could not for a reason that lies with the equipment.
func (o CheckInOutcome) FailedToCharge() bool {
	switch o {
	case CheckInFailedNotOperational, CheckInFailedNotInstalled, CheckInFailedEquipment,
		CheckInFailedIncompatible, CheckInFailedAccessCard, CheckInFailedNoEquipment:
		return true
	default:
		return false
	}
}

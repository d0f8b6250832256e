package providers

import (
	"cmp"
	"slices"
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

package providers

// Provenance names, for every field that has a value, the record it came from
// and why. A POI of several records carries the list that merging made.
func (p *POI) Provenance() []FieldProvenance {
	if p.Fields != nil {
		return p.Fields
	}
	return OnlyValues(p.Members[0])
}

// OnlyValues lists the fields of r that have a value, each as the only value
// there is, by their names in the graph and in the order of Site.
func OnlyValues(r *Record) []FieldProvenance {
	var list []FieldProvenance
	for _, f := range r.Present() {
		list = append(list, FieldProvenance{Field: f, Record: r, Rule: MergeOnlyValue})
	}
	return list
}

// Present names the fields of the site that have a value, as the graph calls
// them. UNKNOWN is no value.
func (s *Site) Present() []string {
	var names []string
	for _, f := range []struct {
		name    string
		present bool
	}{
		{"uuid", s.UUID != ""},
		{"title", s.Title != ""},
		{"location", true},
		{"address", s.Address != Address{}},
		{"operator", s.Operator != nil},
		{"usage", s.Usage != UsageUnknown},
		{"usageType", s.UsageType != nil},
		{"status", s.Status != StatusUnknown},
		{"statusType", s.StatusType != nil},
		{"submissionStatus", s.SubmissionStatus != nil},
		{"cost", s.Cost != CostUnknown},
		{"usageCost", s.UsageCost != ""},
		{"connections", len(s.Connections) > 0},
		{"otherConnectors", s.OtherConnectors != ""},
		{"stations", len(s.Stations) > 0},
		{"evses", len(s.EVSEs) > 0},
		{"numberOfPoints", s.NumberOfPoints != nil},
		{"availability", s.Availability != nil},
		{"maxPowerKw", s.MaxPowerKW != nil},
		{"openingHours", s.OpeningHours != nil},
		{"timeZone", s.TimeZone != ""},
		{"owner", s.Owner != ""},
		{"amenities", len(s.Amenities) > 0},
		{"parking", len(s.Parking) > 0},
		{"accessComments", s.AccessComments != ""},
		{"generalComments", s.GeneralComments != ""},
		{"contact", s.Contact != nil},
		{"comments", len(s.Comments) > 0},
		{"photos", len(s.Photos) > 0},
		{"rating", s.Rating != nil},
		{"links", s.Links.Canonical != "" || len(s.Links.Providers) > 0},
		{"isRecentlyVerified", s.IsRecentlyVerified != nil},
		{"lastVerifiedAt", !s.LastVerifiedAt.IsZero()},
		{"lastConfirmedAt", !s.LastConfirmedAt.IsZero()},
		{"plannedFor", !s.PlannedFor.IsZero()},
		{"createdAt", !s.CreatedAt.IsZero()},
		{"updatedAt", !s.UpdatedAt.IsZero()},
	} {
		if f.present {
			names = append(names, f.name)
		}
	}
	return names
}

package providers

// SiteField is one field of a Site: what merging and provenance need to know of it.
type SiteField struct {
	Name    string               // in the graph
	Present func(s *Site) bool   // has a value; UNKNOWN is none
	Take    func(dst, src *Site) // copies the value
}

// SiteFields returns the fields of a Site in its own order. The caller must not
// change the slice.
func SiteFields() []SiteField { return siteFields[:] }

//nolint:gochecknoglobals // a constant table; Go has no constant of this type
var siteFields = [...]SiteField{
	{"uuid", func(s *Site) bool { return s.UUID != "" }, func(d, s *Site) { d.UUID = s.UUID }},
	{"title", func(s *Site) bool { return s.Title != "" }, func(d, s *Site) { d.Title = s.Title }},
	{"location", func(*Site) bool { return true }, func(d, s *Site) { d.Location = s.Location }},
	{"address", func(s *Site) bool { return s.Address != Address{} }, func(d, s *Site) { d.Address = s.Address }},
	{"operator", func(s *Site) bool { return s.Operator != nil }, func(d, s *Site) { d.Operator = s.Operator }},
	{"usage", func(s *Site) bool { return s.Usage != UsageUnknown }, func(d, s *Site) { d.Usage = s.Usage }},
	{"usageType", func(s *Site) bool { return s.UsageType != nil }, func(d, s *Site) { d.UsageType = s.UsageType }},
	{"status", func(s *Site) bool { return s.Status != StatusUnknown }, func(d, s *Site) { d.Status = s.Status }},
	{"statusType", func(s *Site) bool { return s.StatusType != nil }, func(d, s *Site) { d.StatusType = s.StatusType }},
	{"submissionStatus", func(s *Site) bool { return s.SubmissionStatus != nil }, func(d, s *Site) { d.SubmissionStatus = s.SubmissionStatus }},
	{"cost", func(s *Site) bool { return s.Cost != CostUnknown }, func(d, s *Site) { d.Cost = s.Cost }},
	{"usageCost", func(s *Site) bool { return s.UsageCost != "" }, func(d, s *Site) { d.UsageCost = s.UsageCost }},
	{"connections", func(s *Site) bool { return len(s.Connections) > 0 }, func(d, s *Site) { d.Connections = s.Connections }},
	{"otherConnectors", func(s *Site) bool { return s.OtherConnectors != "" }, func(d, s *Site) { d.OtherConnectors = s.OtherConnectors }},
	{"stations", func(s *Site) bool { return len(s.Stations) > 0 }, func(d, s *Site) { d.Stations = s.Stations }},
	{"evses", func(s *Site) bool { return len(s.EVSEs) > 0 }, func(d, s *Site) { d.EVSEs = s.EVSEs }},
	{"numberOfPoints", func(s *Site) bool { return s.NumberOfPoints != nil }, func(d, s *Site) { d.NumberOfPoints = s.NumberOfPoints }},
	{"availability", func(s *Site) bool { return s.Availability != nil }, func(d, s *Site) { d.Availability = s.Availability }},
	{"maxPowerKw", func(s *Site) bool { return s.MaxPowerKW != nil }, func(d, s *Site) { d.MaxPowerKW = s.MaxPowerKW }},
	{"openingHours", func(s *Site) bool { return s.OpeningHours != nil }, func(d, s *Site) { d.OpeningHours = s.OpeningHours }},
	{"timeZone", func(s *Site) bool { return s.TimeZone != "" }, func(d, s *Site) { d.TimeZone = s.TimeZone }},
	{"owner", func(s *Site) bool { return s.Owner != "" }, func(d, s *Site) { d.Owner = s.Owner }},
	{"amenities", func(s *Site) bool { return len(s.Amenities) > 0 }, func(d, s *Site) { d.Amenities = s.Amenities }},
	{"parking", func(s *Site) bool { return len(s.Parking) > 0 }, func(d, s *Site) { d.Parking = s.Parking }},
	{"accessComments", func(s *Site) bool { return s.AccessComments != "" }, func(d, s *Site) { d.AccessComments = s.AccessComments }},
	{"generalComments", func(s *Site) bool { return s.GeneralComments != "" }, func(d, s *Site) { d.GeneralComments = s.GeneralComments }},
	{"contact", func(s *Site) bool { return s.Contact != nil }, func(d, s *Site) { d.Contact = s.Contact }},
	{"comments", func(s *Site) bool { return len(s.Comments) > 0 }, func(d, s *Site) { d.Comments = s.Comments }},
	{"photos", func(s *Site) bool { return len(s.Photos) > 0 }, func(d, s *Site) { d.Photos = s.Photos }},
	{"rating", func(s *Site) bool { return s.Rating != nil }, func(d, s *Site) { d.Rating = s.Rating }},
	{"links", func(s *Site) bool { return s.Links.Canonical != "" || len(s.Links.Providers) > 0 }, func(d, s *Site) { d.Links = s.Links }},
	{"isRecentlyVerified", func(s *Site) bool { return s.IsRecentlyVerified != nil }, func(d, s *Site) { d.IsRecentlyVerified = s.IsRecentlyVerified }},
	{"lastVerifiedAt", func(s *Site) bool { return !s.LastVerifiedAt.IsZero() }, func(d, s *Site) { d.LastVerifiedAt = s.LastVerifiedAt }},
	{"lastConfirmedAt", func(s *Site) bool { return !s.LastConfirmedAt.IsZero() }, func(d, s *Site) { d.LastConfirmedAt = s.LastConfirmedAt }},
	{"plannedFor", func(s *Site) bool { return !s.PlannedFor.IsZero() }, func(d, s *Site) { d.PlannedFor = s.PlannedFor }},
	{"createdAt", func(s *Site) bool { return !s.CreatedAt.IsZero() }, func(d, s *Site) { d.CreatedAt = s.CreatedAt }},
	{"updatedAt", func(s *Site) bool { return !s.UpdatedAt.IsZero() }, func(d, s *Site) { d.UpdatedAt = s.UpdatedAt }},
}

// Provenance names, for every field of the POI that has a value, the record it
// came from and why.
func (p *POI) Provenance() []FieldProvenance {
	if p.Fields != nil {
		return p.Fields
	}
	var list []FieldProvenance
	for _, f := range SiteFields() {
		if f.Present(p.Site) {
			list = append(list, FieldProvenance{Field: f.Name, Record: p.Members[0], Rule: MergeOnlyValue})
		}
	}
	return list
}

package loaders

import (
	"time"

	"chargegraph/providers"
)

// The walks of the codec: each names the fields of one type, in the order in
// which they are written and read. Fields that point back at a record or a source
// are not among them, nor is what Record.Seal derives from others.

func (c *coder) batch(b *batch) {
	at := ""
	if b.at != (tile{}) {
		at = b.at.String()
	}
	text(c, &b.source)
	text(c, &at)
	if c.reading && at != "" {
		var ok bool
		if b.at, ok = parseTile(at); !ok {
			c.fail(errBroken)
		}
	}
	c.flag(&b.split)
	c.flag(&b.truncated)
	c.flag(&b.partial)
	optional(c, &b.err, (*coder).sourceError)
	c.moment(&b.suspectAt)
}

// sourceError leaves out what is for logs alone.
func (c *coder) sourceError(e *providers.SourceError) {
	text(c, &e.Code)
	text(c, &e.Message)
	after := int(e.RetryAfter)
	c.number(&after)
	if c.reading {
		e.RetryAfter = time.Duration(after)
	}
}

func (c *coder) record(r *providers.Record) {
	text(c, &r.Key)
	text(c, &r.ExternalID)
	text(c, &r.ParentExternalID)
	text(c, &r.DataProviderReference)
	text(c, &r.OperatorReference)
	text(c, &r.Slug)
	word(c, &r.Icon)
	shared(c, &r.DataProvider, &c.dataProviders, (*coder).dataProvider)
	optional(c, &r.DataQualityLevel, (*coder).number)
	list(c, &r.Metadata, (*coder).metadataValue)
	c.moment(&r.FetchedAt)
	shared(c, &r.Attribution, &c.attributions, (*coder).attribution)
	c.flag(&r.Summary)
	c.flag(&r.MoreComments)
	word(c, &r.Directory)
	c.link(&r.URL)
	c.site(&r.Site)
}

func (c *coder) site(s *providers.Site) {
	c.link(&s.Links.Canonical)
	list(c, &s.Links.Providers, (*coder).providerLink)
	text(c, &s.UUID)
	text(c, &s.Title)
	c.point(&s.Location)
	c.address(&s.Address)
	shared(c, &s.Operator, &c.operators, (*coder).operator)
	word(c, &s.Usage)
	shared(c, &s.UsageType, &c.usageTypes, (*coder).usageType)
	word(c, &s.Status)
	shared(c, &s.StatusType, &c.statusTypes, (*coder).statusType)
	shared(c, &s.SubmissionStatus, &c.submissionStatuses, (*coder).submissionStatus)
	word(c, &s.Cost)
	word(c, &s.UsageCost)
	list(c, &s.Connections, (*coder).connection)
	text(c, &s.OtherConnectors)
	list(c, &s.Stations, (*coder).station)
	list(c, &s.EVSEs, (*coder).evse)
	optional(c, &s.NumberOfPoints, (*coder).number)
	optional(c, &s.Availability, (*coder).availability)
	optional(c, &s.OpeningHours, (*coder).openingHours)
	word(c, &s.TimeZone)
	word(c, &s.Owner)
	list(c, &s.Amenities, word[providers.Amenity])
	list(c, &s.Parking, word[providers.ParkingKind])
	text(c, &s.AccessComments)
	text(c, &s.GeneralComments)
	optional(c, &s.Contact, (*coder).contact)
	list(c, &s.Comments, (*coder).comment)
	list(c, &s.Photos, (*coder).photo)
	c.scores(s)
	optional(c, &s.IsRecentlyVerified, (*coder).flag)
	c.moment(&s.LastVerifiedAt)
	c.moment(&s.LastConfirmedAt)
	c.moment(&s.PlannedFor)
	c.moment(&s.CreatedAt)
	c.moment(&s.UpdatedAt)
}

// scores are what comments do not tell of a rating.
func (c *coder) scores(s *providers.Site) {
	var scores []providers.ProviderScore
	if s.Rating != nil {
		scores = s.Rating.ProviderScores
	}
	list(c, &scores, (*coder).providerScore)
	if c.reading && len(scores) > 0 {
		s.Rating = &providers.Rating{ProviderScores: scores}
	}
}

func (c *coder) providerScore(s *providers.ProviderScore) {
	word(c, &s.Provider)
	c.figure(&s.Value)
	c.figure(&s.ScaleMax)
}

func (c *coder) point(p *providers.Point) {
	c.figure(&p.Lat)
	c.figure(&p.Lon)
}

func (c *coder) address(a *providers.Address) {
	text(c, &a.Line1)
	word(c, &a.Line2)
	word(c, &a.Town)
	word(c, &a.StateOrProvince)
	word(c, &a.Postcode)
	word(c, &a.CountryCode)
	shared(c, &a.Country, &c.countries, (*coder).country)
	text(c, &a.Formatted)
}

func (c *coder) connection(v *providers.ConnectionInfo) {
	text(c, &v.ExternalID)
	word(c, &v.Type)
	shared(c, &v.ConnectionType, &c.connectionTypes, (*coder).connectionType)
	word(c, &v.Current)
	shared(c, &v.CurrentType, &c.currentTypes, (*coder).currentType)
	optional(c, &v.PowerKW, (*coder).figure)
	optional(c, &v.VoltageV, (*coder).figure)
	optional(c, &v.CurrentA, (*coder).figure)
	optional(c, &v.Quantity, (*coder).number)
	optional(c, &v.Level, (*coder).number)
	shared(c, &v.LevelType, &c.chargerTypes, (*coder).chargerType)
	word(c, &v.Status)
	shared(c, &v.StatusType, &c.statusTypes, (*coder).statusType)
	optional(c, &v.Availability, word[providers.EVSEStatus])
	c.moment(&v.AvailabilityUpdatedAt)
	word(c, &v.Format)
	text(c, &v.Reference)
	text(c, &v.Comments)
}

func (c *coder) evse(e *providers.EVSE) {
	text(c, &e.ExternalID)
	text(c, &e.EVSEID)
	text(c, &e.PhysicalReference)
	word(c, &e.Status)
	c.moment(&e.StatusUpdatedAt)
	list(c, &e.Connections, (*coder).connection)
	list(c, &e.Capabilities, word[string])
	word(c, &e.Floor)
	optional(c, &e.Location, (*coder).point)
}

func (c *coder) station(s *providers.Station) {
	text(c, &s.ExternalID)
	text(c, &s.Name)
	shared(c, &s.Operator, &c.operators, (*coder).operator)
	text(c, &s.NetworkReference)
	word(c, &s.Manufacturer)
	word(c, &s.Model)
	word(c, &s.Cost)
	word(c, &s.CostDescription)
	word(c, &s.Status)
	c.moment(&s.StatusUpdatedAt)
	c.moment(&s.CreatedAt)
	word(c, &s.OCPPVersion)
	list(c, &s.Connections, (*coder).connection)
}

func (c *coder) availability(a *providers.AvailabilityCounts) {
	word(c, &a.Unit)
	c.number(&a.Total)
	c.number(&a.Available)
	c.number(&a.Occupied)
	c.number(&a.OutOfService)
	c.number(&a.Unknown)
	c.moment(&a.ObservedAt)
}

func (c *coder) openingHours(h *providers.OpeningHours) {
	optional(c, &h.Open24h, (*coder).flag)
	list(c, &h.Weekly, (*coder).openingPeriod)
	list(c, &h.Exceptions, (*coder).openingException)
	text(c, &h.Text)
}

func (c *coder) openingPeriod(p *providers.OpeningPeriod) {
	c.number(&p.Weekday)
	word(c, &p.Opens)
	word(c, &p.Closes)
}

func (c *coder) openingException(e *providers.OpeningException) {
	c.moment(&e.From)
	c.moment(&e.To)
	c.flag(&e.Open)
}

func (c *coder) contact(v *providers.Contact) {
	text(c, &v.Phone)
	text(c, &v.PhoneSecondary)
	text(c, &v.Email)
	text(c, &v.Website)
}

func (c *coder) comment(v *providers.Comment) {
	text(c, &v.ExternalID)
	word(c, &v.Kind)
	shared(c, &v.CommentType, &c.commentTypes, (*coder).commentType)
	optional(c, &v.Outcome, word[providers.CheckInOutcome])
	shared(c, &v.CheckInStatusType, &c.checkInStatusTypes, (*coder).checkInStatusType)
	optional(c, &v.Sentiment, word[providers.Sentiment])
	optional(c, &v.Rating, (*coder).number)
	text(c, &v.Text)
	text(c, &v.RelatedURL)
	optional(c, &v.Author, (*coder).author)
	word(c, &v.Vehicle)
	optional(c, &v.Volts, (*coder).number)
	optional(c, &v.Amps, (*coder).number)
	optional(c, &v.PowerKW, (*coder).figure)
	c.moment(&v.FinishedAt)
	c.flag(&v.SharedWithLocation)
	c.moment(&v.CreatedAt)
	c.flag(&v.Pending)
}

func (c *coder) author(a *providers.Author) {
	word(c, &a.DisplayName)
	optional(c, &a.ReputationPoints, (*coder).number)
	word(c, &a.Avatar)
}

func (c *coder) photo(p *providers.Photo) {
	text(c, &p.ExternalID)
	c.flag(&p.IsVideo)
	c.flag(&p.IsExternal)
	text(c, &p.URL)
	text(c, &p.Thumbnail)
	text(c, &p.Caption)
	optional(c, &p.Author, (*coder).author)
	c.flag(&p.IsFeatured)
	c.moment(&p.CreatedAt)
}

func (c *coder) providerLink(l *providers.ProviderLink) {
	word(c, &l.Provider)
	c.link(&l.View)
	c.link(&l.AddComment)
	c.link(&l.AddPhoto)
}

func (c *coder) metadataValue(m *providers.MetadataValue) {
	word(c, &m.FieldID)
	word(c, &m.Value)
}

func (c *coder) attribution(a *providers.Attribution) {
	text(c, &a.Text)
	text(c, &a.URL)
	text(c, &a.License)
}

func (c *coder) operator(o *providers.Operator) {
	text(c, &o.ID)
	text(c, &o.Title)
	text(c, &o.Website)
	text(c, &o.Phone)
	text(c, &o.PhoneSecondary)
	text(c, &o.Email)
	text(c, &o.FaultReportEmail)
	text(c, &o.BookingURL)
	text(c, &o.Comments)
	text(c, &o.Description)
	text(c, &o.Logo)
	text(c, &o.SignUpURL)
	text(c, &o.SignUpLabel)
	optional(c, &o.Address, (*coder).address)
	optional(c, &o.IsPrivateIndividual, (*coder).flag)
	optional(c, &o.IsRestrictedEdit, (*coder).flag)
	list(c, &o.Aliases, text[string])
	list(c, &o.Countries, word[string])
	list(c, &o.Records, (*coder).operatorRecord)
	c.flag(&o.IsNetwork)
}

func (c *coder) operatorRecord(r *providers.OperatorRecord) {
	word(c, &r.Provider)
	text(c, &r.ExternalID)
	text(c, &r.Title)
}

func (c *coder) connectionType(t *providers.ConnectionType) {
	text(c, &t.ID)
	text(c, &t.Title)
	text(c, &t.FormalName)
	optional(c, &t.IsDiscontinued, (*coder).flag)
	optional(c, &t.IsObsolete, (*coder).flag)
	word(c, &t.Type)
}

func (c *coder) currentType(t *providers.CurrentType) {
	text(c, &t.ID)
	text(c, &t.Title)
}

func (c *coder) chargerType(t *providers.ChargerType) {
	text(c, &t.ID)
	text(c, &t.Title)
	text(c, &t.Comments)
	c.flag(&t.IsFastChargeCapable)
}

func (c *coder) statusType(t *providers.StatusType) {
	text(c, &t.ID)
	text(c, &t.Title)
	optional(c, &t.IsOperational, (*coder).flag)
	c.flag(&t.IsUserSelectable)
}

func (c *coder) submissionStatus(s *providers.SubmissionStatus) {
	text(c, &s.ID)
	text(c, &s.Title)
	c.flag(&s.IsLive)
}

func (c *coder) usageType(t *providers.UsageType) {
	text(c, &t.ID)
	text(c, &t.Title)
	optional(c, &t.IsPayAtLocation, (*coder).flag)
	optional(c, &t.IsMembershipRequired, (*coder).flag)
	optional(c, &t.IsAccessKeyRequired, (*coder).flag)
}

func (c *coder) commentType(t *providers.CommentType) {
	text(c, &t.ID)
	text(c, &t.Title)
}

func (c *coder) checkInStatusType(t *providers.CheckInStatusType) {
	text(c, &t.ID)
	text(c, &t.Title)
	optional(c, &t.IsPositive, (*coder).flag)
	c.flag(&t.IsAutomated)
	word(c, &t.Outcome)
}

func (c *coder) dataProvider(p *providers.DataProvider) {
	text(c, &p.ID)
	text(c, &p.Title)
	text(c, &p.Website)
	text(c, &p.License)
	optional(c, &p.IsOpenDataLicensed, (*coder).flag)
	optional(c, &p.IsRestrictedEdit, (*coder).flag)
	optional(c, &p.IsApprovedImport, (*coder).flag)
	optional(c, &p.IsEnabled, (*coder).flag)
	text(c, &p.StatusTitle)
	c.moment(&p.LastImportedAt)
	text(c, &p.Comments)
}

func (c *coder) country(v *providers.Country) {
	text(c, &v.ID)
	text(c, &v.Title)
	text(c, &v.ISOCode)
	text(c, &v.ContinentCode)
}

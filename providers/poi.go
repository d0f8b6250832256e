package providers

import "time"

// Site is what is said about one charging site: by one source inside a Record,
// or by all of its members together inside a POI.
//
// Text is UTF-8, trimmed, without markup; "" is absent. A zero time is absent.
// A nil pointer is absent. URLs are absolute http or https. Enums are never "".
// Nothing is guessed: what a source does not say stays absent or UNKNOWN.
type Site struct {
	UUID             string
	Title            string // never "" in a finished record
	Location         Point
	Address          Address
	Operator         *Operator // nil: no source names one
	Usage            UsageKind
	UsageType        *UsageType
	Status           OperationalStatus
	StatusType       *StatusType
	SubmissionStatus *SubmissionStatus
	Cost             CostKind
	UsageCost        string
	Connections      []ConnectionInfo
	OtherConnectors  string
	Stations         []Station
	EVSEs            []EVSE
	NumberOfPoints   *int // cars at once
	Availability     *AvailabilityCounts
	MaxPowerKW       *float64 // of the strongest connection that states one
	OpeningHours     *OpeningHours
	TimeZone         string // IANA name
	Owner            string
	Amenities        []Amenity
	Parking          []ParkingKind
	AccessComments   string
	GeneralComments  string
	Contact          *Contact
	Comments         []Comment // newest first
	Photos           []Photo   // newest first
	Rating           *Rating
	Links            POILinks

	IsRecentlyVerified *bool
	LastVerifiedAt     time.Time
	LastConfirmedAt    time.Time
	PlannedFor         time.Time
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// Record is what one source says about one site. It is immutable once its
// source has handed it out, and safe for concurrent reading.
type Record struct {
	Site
	Key                   Key
	Source                *Source
	ExternalID            string // the site's id at its source
	ParentExternalID      string
	DataProviderReference string
	OperatorReference     string
	Slug                  string
	Icon                  string
	URL                   string
	DataProvider          *DataProvider
	DataQualityLevel      *int
	Metadata              []MetadataValue
	FetchedAt             time.Time // when it was read from its source; for an export, when it was written
	Attribution           *Attribution

	// Summary says that this is what a search gave: a Detailer has more of it
	// (comments, photos and what else UndecidedSummary of its source implies).
	Summary bool
	// MoreComments says that the source has more comments than are here, which it
	// would take too many calls, or too long, to read.
	MoreComments bool
	// Directory says that the record was copied from another directory, which
	// it names: provenance, and never evidence that the site is there.
	Directory string
}

// ID returns the record's id in the graph.
func (r *Record) ID() string { return recordPrefix + string(r.Key) }

// Provider returns the provider of the record's source.
func (r *Record) Provider() ProviderCode { return r.Source.Provider }

// Seal finishes a record: it links connections, EVSEs, stations, comments and
// photos to r, and derives MaxPowerKW and Rating. A source calls it once, after
// its last change to r and before anyone else sees r.
func (r *Record) Seal() {
	for i := range r.Connections {
		r.Connections[i].Record = r
	}
	for i := range r.EVSEs {
		r.EVSEs[i].Record = r
		for j := range r.EVSEs[i].Connections {
			r.EVSEs[i].Connections[j].Record = r
		}
	}
	for i := range r.Stations {
		r.Stations[i].Record = r
		for j := range r.Stations[i].Connections {
			r.Stations[i].Connections[j].Record = r
		}
	}
	for i := range r.Comments {
		r.Comments[i].Record = r
	}
	for i := range r.Photos {
		r.Photos[i].Record = r
	}
	r.Derive()
}

// POI is one or more records held to be the same site. Its identity is that of
// its root record, whatever else it was merged from. It is immutable.
type POI struct {
	*Site                            // merged; of a single record, the record's own
	Members []*Record                // best first; Members[0] is the root
	Explain func() *MatchExplanation // says why the members are one site; nil for a single record
	Fields  []FieldProvenance        // where merged fields came from; nil for a single record
	Results []SourceResult           // what each source did for the answer that holds this POI
}

// ID returns the POI's id: a pure function of its members.
func (p *POI) ID() string { return POIID(p.Members[0].Key) }

// Match says why the members are held to be one site; nil for a single record.
func (p *POI) Match() *MatchExplanation {
	if p.Explain == nil {
		return nil
	}
	return p.Explain()
}

// Sources returns what each source that was asked contributed to this POI:
// Returned counts the POI's own members.
func (p *POI) Sources() []SourceResult {
	results := make([]SourceResult, len(p.Results))
	for i, result := range p.Results {
		result.Returned = 0
		for _, r := range p.Members {
			if r.Source.ID == result.Source.ID {
				result.Returned++
			}
		}
		results[i] = result
	}
	return results
}

// Summary reports whether a member is a summary, so that what the POI lacks may
// only not have been fetched.
func (p *POI) Summary() bool {
	for _, r := range p.Members {
		if r.Summary {
			return true
		}
	}
	return false
}

// MoreComments reports whether a source has more comments than the POI.
func (p *POI) MoreComments() bool {
	for _, r := range p.Members {
		if r.Summary || r.MoreComments {
			return true
		}
	}
	return false
}

// Has reports whether the POI has a record of provider code.
func (p *POI) Has(code ProviderCode) bool {
	for _, r := range p.Members {
		if r.Source.Provider == code {
			return true
		}
	}
	return false
}

// Comment returns the comment that id names, as part of the POI; nil when the
// POI has none of that id.
func (p *POI) Comment(id ID) *Comment {
	for _, c := range p.Comments {
		if id.Key.Covers(c.Record.Key) && c.ExternalID == id.External {
			c.POI = p
			return &c
		}
	}
	return nil
}

// Photo returns the photo that id names, as part of the POI; nil when the POI
// has none of that id.
func (p *POI) Photo(id ID) *Photo {
	for _, photo := range p.Photos {
		if id.Key.Covers(photo.Record.Key) && photo.ExternalID == id.External {
			photo.POI = p
			return &photo
		}
	}
	return nil
}

// Address is a postal address. CountryCode is ISO 3166-1 alpha-2 in upper case.
type Address struct {
	Line1           string
	Line2           string
	Town            string
	StateOrProvince string
	Postcode        string
	CountryCode     string
	Country         *Country
	Formatted       string
}

// ConnectionInfo is a group of like connectors at a site.
type ConnectionInfo struct {
	ExternalID            string // unique inside its record
	Type                  ConnectorType
	ConnectionType        *ConnectionType
	Current               CurrentKind
	CurrentType           *CurrentType
	PowerKW               *float64
	VoltageV              *float64
	CurrentA              *float64
	Quantity              *int // nil: unknown, which is not 1
	Level                 *int
	LevelType             *ChargerType
	Status                OperationalStatus
	StatusType            *StatusType
	Availability          *EVSEStatus // live, where the source has it
	AvailabilityUpdatedAt time.Time
	Format                ConnectorFormat
	Reference             string
	Comments              string
	Record                *Record
}

// ID returns the connection's id in the graph.
func (c *ConnectionInfo) ID() string {
	return "connection:" + string(c.Record.Key) + ":" + c.ExternalID
}

// EVSE is equipment that charges one vehicle at a time. None is ever invented
// from a quantity or from a station.
type EVSE struct {
	ExternalID        string // unique inside its record
	EVSEID            string
	PhysicalReference string
	Status            EVSEStatus
	StatusUpdatedAt   time.Time
	Connections       []ConnectionInfo
	Capabilities      []string
	Floor             string
	Location          *Point
	Record            *Record
}

// ID returns the EVSE's id in the graph.
func (e *EVSE) ID() string { return "evse:" + string(e.Record.Key) + ":" + e.ExternalID }

// Station is a cabinet with one or more plugs: a PlugShare station, an OCPPLAB charger.
type Station struct {
	ExternalID       string // unique inside its record
	Name             string
	Operator         *Operator
	NetworkReference string
	Manufacturer     string
	Model            string
	Cost             CostKind
	CostDescription  string
	Status           EVSEStatus
	StatusUpdatedAt  time.Time
	CreatedAt        time.Time
	OCPPVersion      string
	Connections      []ConnectionInfo
	Record           *Record
}

// ID returns the station's id in the graph.
func (s *Station) ID() string { return "station:" + string(s.Record.Key) + ":" + s.ExternalID }

// AvailabilityCounts counts live states. Unknown is never counted as
// unavailable, and no counter is computed by subtraction.
type AvailabilityCounts struct {
	Unit         AvailabilityUnit
	Total        int
	Available    int
	Occupied     int
	OutOfService int
	Unknown      int
	ObservedAt   time.Time
}

// OpeningHours are in the local time of Site.TimeZone.
type OpeningHours struct {
	Open24h    *bool
	Weekly     []OpeningPeriod
	Exceptions []OpeningException
	Text       string
}

// OpeningPeriod is one stretch of a weekday; 1 is Monday. Times are "HH:MM".
type OpeningPeriod struct {
	Weekday int
	Opens   string
	Closes  string
}

// OpeningException overrides the weekly periods between two instants.
type OpeningException struct {
	From time.Time
	To   time.Time
	Open bool
}

// Contact is how to reach the people of a site.
type Contact struct {
	Phone          string
	PhoneSecondary string
	Email          string
	Website        string
}

// POILinks are pages about a site.
type POILinks struct {
	Canonical string
	Providers []ProviderLink
}

// ProviderLink holds pages about a site at one provider.
type ProviderLink struct {
	Provider   ProviderCode
	View       string
	AddComment string
	AddPhoto   string
}

// Rating sums up the comments and check-ins of a site.
type Rating struct {
	Average        *float64 // 1..5, over comments that carry a rating; nil without any
	Count          int      // comments that carry a rating
	Successes      int      // check-ins with a positive outcome that was a charge
	Failures       int      // check-ins that failed to charge
	LastSuccessAt  time.Time
	LastFailureAt  time.Time
	ProviderScores []ProviderScore
}

// ProviderScore is a provider's own score of a site.
type ProviderScore struct {
	Provider ProviderCode
	Value    float64
	ScaleMax float64
}

// Operator runs equipment. One Operator stands for the same company in every source.
type Operator struct {
	ID                  string // "operator:" and the key of its first record
	Title               string
	Website             string
	Phone               string
	PhoneSecondary      string
	Email               string
	FaultReportEmail    string
	BookingURL          string
	Comments            string
	Description         string
	Logo                string
	SignUpURL           string
	SignUpLabel         string
	Address             *Address
	IsPrivateIndividual *bool
	IsRestrictedEdit    *bool
	Aliases             []string
	Countries           []string // where it is known to operate; empty: not known
	Records             []OperatorRecord

	// IsNetwork is false for stand-ins such as "unknown operator" or "business
	// owner at location": two sites of one stand-in have no operator in common.
	IsNetwork bool
}

// OperatorRecord is the operator as one provider knows it.
type OperatorRecord struct {
	Provider   ProviderCode
	ExternalID string
	Title      string
}

// Comment is what a person, or a car, said about a site; a check-in is one with an Outcome.
type Comment struct {
	ExternalID         string // unique inside its record
	Kind               CommentKind
	CommentType        *CommentType
	Outcome            *CheckInOutcome
	CheckInStatusType  *CheckInStatusType
	Sentiment          *Sentiment
	Rating             *int // 1..5
	Text               string
	RelatedURL         string
	Author             *Author
	Vehicle            string
	Volts              *int
	Amps               *int
	PowerKW            *float64
	FinishedAt         time.Time
	SharedWithLocation bool
	CreatedAt          time.Time
	Pending            bool
	Record             *Record
	POI                *POI // set on comments handed out as part of a POI
}

// ID returns the comment's id in the graph; it embeds its record's key.
func (c *Comment) ID() string { return childID(commentPrefix, c.Record.Key, c.ExternalID) }

// Provider returns where the comment was written.
func (c *Comment) Provider() ProviderCode { return c.Record.Source.Provider }

// Author is who wrote a comment or took a photo.
type Author struct {
	DisplayName      string
	ReputationPoints *int
	Avatar           string
}

// Photo is a picture or a video of a site, by reference; none is stored.
type Photo struct {
	ExternalID string // unique inside its record
	IsVideo    bool
	IsExternal bool
	URL        string
	Thumbnail  string
	Caption    string
	Author     *Author
	IsFeatured bool
	CreatedAt  time.Time
	Record     *Record
	POI        *POI // set on photos handed out as part of a POI
}

// ID returns the photo's id in the graph; it embeds its record's key.
func (p *Photo) ID() string { return childID(photoPrefix, p.Record.Key, p.ExternalID) }

// Provider returns where the photo was published.
func (p *Photo) Provider() ProviderCode { return p.Record.Source.Provider }

// MetadataValue is a free field that a source attaches to a record.
type MetadataValue struct {
	FieldID string
	Value   string
}

// FieldProvenance says which record a merged field came from, and by which rule.
type FieldProvenance struct {
	Field  string
	Record *Record
	Rule   MergeRule
}

// MatchExplanation says why records are held to be one site.
type MatchExplanation struct {
	Confidence  float64 // 0..1
	DistanceM   float64
	Features    []MatchFeature
	RuleVersion string
}

// MatchFeature is one piece of evidence and what it weighed.
type MatchFeature struct {
	Name         string
	Value        string
	Contribution float64
}

// Attribution is what must be shown with data. URL and License may be "".
type Attribution struct {
	Text    string
	URL     string
	License string
}

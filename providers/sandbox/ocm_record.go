package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// The types of this file are Open Charge Map's wire format: the order of the
// fields is the order of the members on the wire, and the names are the names.
// Tags say what compact=true does:
//
//	ocm:"ref"      nested reference object, null when compact
//	ocm:"comments" null when compact unless includecomments=true
//
// Fields that are not pointers are never null. Unexported fields never reach
// the wire.

type ocmPOI struct {
	DataProvider           *ocmDataProvider     `ocm:"ref"`
	OperatorInfo           *ocmOperator         `ocm:"ref"`
	UsageType              *ocmUsageType        `ocm:"ref"`
	StatusType             *ocmStatusType       `ocm:"ref"`
	SubmissionStatus       *ocmSubmissionStatus `ocm:"ref"`
	UserComments           []ocmComment         `ocm:"comments"`
	PercentageSimilarity   *float64
	MediaItems             []ocmMedia `ocm:"comments"`
	IsRecentlyVerified     bool
	DateLastVerified       *ocmDate
	ID                     int
	UUID                   string
	ParentChargePointID    *int
	DataProviderID         *int
	DataProvidersReference *string
	OperatorID             *int
	OperatorsReference     *string
	UsageTypeID            *int
	UsageCost              *string
	AddressInfo            *ocmAddress
	Connections            []ocmConnection
	NumberOfPoints         *int
	GeneralComments        *string
	DatePlanned            *ocmDate
	DateLastConfirmed      *ocmDate
	StatusTypeID           *int
	DateLastStatusUpdate   *ocmDate
	MetadataValues         []ocmMetadataValue
	DataQualityLevel       *int
	DateCreated            *ocmDate
	SubmissionStatusTypeID *int

	// site is the truth behind the record; 0 for records of a file.
	site SiteID
}

type ocmAddress struct {
	ID                int
	Title             *string
	AddressLine1      *string
	AddressLine2      *string
	Town              *string
	StateOrProvince   *string
	Postcode          *string
	CountryID         *int
	Country           *ocmCountry `ocm:"ref"`
	Latitude          float64
	Longitude         float64
	ContactTelephone1 *string
	ContactTelephone2 *string
	ContactEmail      *string
	AccessComments    *string
	RelatedURL        *string
	Distance          *float64
	DistanceUnit      int
}

type ocmConnection struct {
	ID               int
	ConnectionTypeID *int
	ConnectionType   *ocmConnectionType `ocm:"ref"`
	Reference        *string
	StatusTypeID     *int
	StatusType       *ocmStatusType `ocm:"ref"`
	LevelID          *int
	Level            *ocmLevel `ocm:"ref"`
	Amps             *int
	Voltage          *int
	PowerKW          *float64
	CurrentTypeID    *int
	CurrentType      *ocmCurrentType `ocm:"ref"`
	Quantity         *int
	Comments         *string
}

type ocmComment struct {
	ID                  int
	ChargePointID       int
	CommentTypeID       *int
	CommentType         *ocmTitled `ocm:"ref"`
	UserName            *string
	Comment             *string
	Rating              *int
	RelatedURL          *string
	DateCreated         *ocmDate
	User                *ocmUser
	CheckinStatusTypeID *int
	CheckinStatusType   *ocmCheckinStatus `ocm:"ref"`
	IsActionedByEditor  *bool
}

type ocmMedia struct {
	ID                 int
	ChargePointID      int
	ItemURL            *string
	ItemThumbnailURL   *string
	Comment            *string
	IsEnabled          bool
	IsVideo            bool
	IsFeaturedItem     bool
	IsExternalResource bool
	MetadataValue      *string
	User               *ocmUser
	DateCreated        *ocmDate
}

// ocmUser has twenty members that the service never fills in here; they are on
// the wire as nulls, and a client has to keep them to itself.
type ocmUser struct {
	ID                          int
	IdentityProvider            *string
	Identifier                  *string
	CurrentSessionToken         *string
	Username                    *string
	Profile                     *string
	Location                    *string
	WebsiteURL                  *string
	ReputationPoints            *int
	Permissions                 *string
	PermissionsRequested        *string
	DateCreated                 *ocmDate
	DateLastLogin               *ocmDate
	IsProfilePublic             *bool
	IsEmergencyChargingProvider *bool
	IsPublicChargingProvider    *bool
	Latitude                    *float64
	Longitude                   *float64
	EmailAddress                *string
	EmailHash                   *string
	ProfileImageURL             *string
	IsCurrentSessionTokenValid  *bool
	APIKey                      *string
	SyncedSettings              *string
}

type ocmMetadataValue struct {
	ID                    int
	MetadataFieldID       int
	ItemValue             *string
	MetadataFieldOption   *ocmMetadataOption
	MetadataFieldOptionID *int
}

type ocmMetadataOption struct {
	MetadataFieldID int
	ID              int
	Title           *string
}

type ocmTitled struct {
	ID    int
	Title *string
}

type ocmDataProvider struct {
	WebsiteURL             *string
	Comments               *string
	DataProviderStatusType *ocmProviderStatus
	IsRestrictedEdit       *bool
	IsOpenDataLicensed     *bool
	IsApprovedImport       *bool
	License                *string
	DateLastImported       *ocmDate
	ID                     int
	Title                  *string
}

type ocmProviderStatus struct {
	IsProviderEnabled bool
	ID                int
	Title             *string
}

type ocmOperator struct {
	WebsiteURL            *string
	Comments              *string
	PhonePrimaryContact   *string
	PhoneSecondaryContact *string
	IsPrivateIndividual   *bool
	AddressInfo           *ocmAddress
	BookingURL            *string
	ContactEmail          *string
	FaultReportEmail      *string
	IsRestrictedEdit      *bool
	ID                    int
	Title                 *string
}

type ocmUsageType struct {
	IsPayAtLocation      *bool
	IsMembershipRequired *bool
	IsAccessKeyRequired  *bool
	ID                   int
	Title                *string
}

type ocmStatusType struct {
	IsOperational    *bool
	IsUserSelectable bool
	ID               int
	Title            *string
}

type ocmSubmissionStatus struct {
	IsLive bool
	ID     int
	Title  *string
}

type ocmConnectionType struct {
	FormalName     *string
	IsDiscontinued *bool
	IsObsolete     *bool
	ID             int
	Title          *string
}

type ocmCurrentType struct {
	Description *string
	ID          int
	Title       *string
}

type ocmLevel struct {
	Comments            *string
	IsFastChargeCapable bool
	ID                  int
	Title               *string
}

type ocmCheckinStatus struct {
	IsPositive         *bool
	IsAutomatedCheckin bool
	ID                 int
	Title              *string
}

type ocmCountry struct {
	ISOCode       *string
	ContinentCode *string
	ID            int
	Title         *string
}

type ocmReferenceData struct {
	ChargerTypes          []ocmLevel
	ConnectionTypes       []ocmConnectionType
	CurrentTypes          []ocmCurrentType
	Countries             []ocmCountry
	DataProviders         []ocmDataProvider
	Operators             []ocmOperator
	StatusTypes           []ocmStatusType
	SubmissionStatusTypes []ocmSubmissionStatus
	UsageTypes            []ocmUsageType
	UserCommentTypes      []ocmTitled
	CheckinStatusTypes    []ocmCheckinStatus
	DataTypes             []ocmTitled
	MetadataGroups        []ocmMetadataGroup
	UserProfile           *ocmUser
	ChargePoint           *ocmPOI
	UserComment           *ocmComment
}

type ocmMetadataGroup struct {
	DataProviderID   *int
	IsRestrictedEdit bool
	IsPublicInterest bool
	MetadataFields   []ocmMetadataField
	ID               int
	Title            *string
}

type ocmMetadataField struct {
	MetadataGroupID      int
	DataTypeID           int
	DataType             *ocmTitled
	MetadataFieldOptions []ocmMetadataOption
	ID                   int
	Title                *string
}

// ocmDate keeps the text of a date, which is what goes to the wire, besides
// the moment it means.
type ocmDate struct {
	text string
	at   time.Time
}

// ocmTime writes a moment as the service does: UTC, up to three digits of
// fraction without trailing zeros, and a Z.
func ocmTime(at time.Time) *ocmDate {
	at = at.UTC().Truncate(time.Millisecond)
	return &ocmDate{text: at.Format("2006-01-02T15:04:05.999Z"), at: at}
}

func (d *ocmDate) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(b, &d.text); err != nil {
		return err
	}
	at, ok := parseDotNetDate(d.text)
	if !ok {
		return fmt.Errorf("date %q is in no known format", d.text)
	}
	d.at = at
	return nil
}

// parseDotNetDate reads the date forms that the service's own parser knows and
// that people send. A date without zone is UTC.
func parseDotNetDate(s string) (at time.Time, ok bool) {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02",
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04",
		"2006/01/02", "01/02/2006", "01/02/2006 15:04:05", time.RFC1123,
	} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

package ocm

import (
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers/internal/wire"
)

// The wire types accept what really arrives, as package wire does; only a value
// that is not JSON, or no object where a record should be, spoils a record.
// Members have the names of the wire. What comes by the thousand is read by
// wire.Reader, see wire_read.go; the rest by package json, with the same result.

// integer returns a number as a whole one; a fraction, or one out of the range of
// a 32-bit id, is none.
func integer(n wire.Number) (v int, ok bool) { return n.Whole(-math.MaxInt32, math.MaxInt32) }

// idOf returns a number as a database id, which begins at 1.
func idOf(n wire.Number) (v int, ok bool) { return n.Whole(1, math.MaxInt32) }

// count returns a number as a count of things; OCM writes 0 for unknown.
func count(n wire.Number) *int {
	if v, ok := idOf(n); ok {
		return &v
	}
	return nil
}

// nested is a JSON object as it came, or nothing; valid as long as a wire.View is.
type nested struct{ raw jsontext.Value }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *nested) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	n.raw = nil
	if dec.PeekKind() != jsontext.KindBeginObject {
		return dec.SkipValue()
	}
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	n.raw = raw.Clone()
	return nil
}

// into reads the object into v and reports whether there was one.
func (n nested) into(v any) bool {
	return n.raw != nil && json.Unmarshal(n.raw, v, wire.Lenient()) == nil
}

// wirePOI is a charging site as the API and its exports write it, compact or verbose.
type wirePOI struct {
	ID                     wire.Number
	UUID                   wire.View
	ParentChargePointID    wire.Number
	DataProviderID         wire.Number
	DataProvider           nested
	DataProvidersReference wire.View
	OperatorID             wire.Number
	OperatorInfo           nested
	OperatorsReference     wire.View
	UsageTypeID            wire.Number
	UsageType              nested
	UsageCost              wire.View
	AddressInfo            wire.Object[wireAddress]
	Connections            wire.List[wireConnection]
	NumberOfPoints         wire.Number
	GeneralComments        wire.View
	DatePlanned            wire.Time
	DateLastConfirmed      wire.Time
	StatusTypeID           wire.Number
	StatusType             nested
	DateLastStatusUpdate   wire.Time
	DateLastVerified       wire.Time
	MetadataValues         wire.List[wireMetadata]
	DataQualityLevel       wire.Number
	DateCreated            wire.Time
	SubmissionStatusTypeID wire.Number
	SubmissionStatus       nested
	UserComments           wire.List[wireComment]
	MediaItems             wire.List[wireMedia]
}

// Reset implements wire.Resetter.
func (w *wirePOI) Reset() {
	*w = wirePOI{Connections: w.Connections[:0], MetadataValues: w.MetadataValues[:0], UserComments: w.UserComments[:0], MediaItems: w.MediaItems[:0]}
}

type wireAddress struct {
	Title             wire.View
	AddressLine1      wire.View
	AddressLine2      wire.View
	Town              wire.View
	StateOrProvince   wire.View
	Postcode          wire.View
	CountryID         wire.Number
	Country           nested
	Latitude          wire.Number
	Longitude         wire.Number
	ContactTelephone1 wire.View
	ContactTelephone2 wire.View
	ContactEmail      wire.View
	AccessComments    wire.View
	RelatedURL        wire.View
}

type wireConnection struct {
	ID               wire.Number
	ConnectionTypeID wire.Number
	ConnectionType   nested
	Reference        wire.View
	StatusTypeID     wire.Number
	StatusType       nested
	LevelID          wire.Number
	Level            nested
	Amps             wire.Number
	Voltage          wire.Number
	PowerKW          wire.Number
	CurrentTypeID    wire.Number
	CurrentType      nested
	Quantity         wire.Number
	Comments         wire.View
}

type wireComment struct {
	ID                  wire.Number
	CommentTypeID       wire.Number
	CommentType         nested
	UserName            wire.View
	Comment             wire.View
	Rating              wire.Number
	RelatedURL          wire.View
	DateCreated         wire.Time
	User                wire.Object[wireUser]
	CheckinStatusTypeID wire.Number
	CheckinStatusType   nested
}

type wireMedia struct {
	ID                 wire.Number
	ItemURL            wire.View
	ItemThumbnailURL   wire.View
	Comment            wire.View
	IsEnabled          wire.Flag
	IsVideo            wire.Flag
	IsFeaturedItem     wire.Flag
	IsExternalResource wire.Flag
	User               wire.Object[wireUser]
	DateCreated        wire.Time
}

// wireUser names what may be shown of a user, and his number, which tells authors
// apart and is never shown; the rest of the object, which has members for e-mail
// address and session, is never read.
type wireUser struct {
	ID               wire.Number
	Username         wire.View
	ReputationPoints wire.Number
	ProfileImageURL  wire.View
}

type wireMetadata struct {
	MetadataFieldID       wire.Number
	ItemValue             wire.View
	MetadataFieldOptionID wire.Number
	MetadataFieldOption   wire.Object[wireOption]
}

// wireOption is what a metadata field offers for a choice.
type wireOption struct {
	ID    wire.Number
	Title wire.View
}

// wireRow holds the members of every kind of reference row.
type wireRow struct {
	ID                   wire.Number
	Title                wire.Text
	Description          wire.Text
	Comments             wire.Text
	FormalName           wire.Text
	IsDiscontinued       wire.Flag
	IsObsolete           wire.Flag
	IsFastChargeCapable  wire.Flag
	IsOperational        wire.Flag
	IsUserSelectable     wire.Flag
	IsLive               wire.Flag
	IsPayAtLocation      wire.Flag
	IsMembershipRequired wire.Flag
	IsAccessKeyRequired  wire.Flag
	IsPositive           wire.Flag
	IsAutomatedCheckin   wire.Flag
	ISOCode              wire.Text
	ContinentCode        wire.Text

	// Data providers and operators.
	WebsiteURL             wire.Text
	License                wire.Text
	IsOpenDataLicensed     wire.Flag
	IsRestrictedEdit       wire.Flag
	IsApprovedImport       wire.Flag
	DateLastImported       wire.Time
	DataProviderStatusType wire.Object[wireProviderStatus]
	PhonePrimaryContact    wire.Text
	PhoneSecondaryContact  wire.Text
	IsPrivateIndividual    wire.Flag
	AddressInfo            wire.Object[wireAddress]
	BookingURL             wire.Text
	ContactEmail           wire.Text
	FaultReportEmail       wire.Text
}

type wireProviderStatus struct {
	IsProviderEnabled wire.Flag
	Title             wire.Text
}

// wireReference is the answer of /referencedata.
type wireReference struct {
	ChargerTypes          wire.List[wireRow]
	ConnectionTypes       wire.List[wireRow]
	CurrentTypes          wire.List[wireRow]
	Countries             wire.List[wireRow]
	DataProviders         wire.List[wireRow]
	Operators             wire.List[wireRow]
	StatusTypes           wire.List[wireRow]
	SubmissionStatusTypes wire.List[wireRow]
	UsageTypes            wire.List[wireRow]
	UserCommentTypes      wire.List[wireRow]
	CheckinStatusTypes    wire.List[wireRow]
}

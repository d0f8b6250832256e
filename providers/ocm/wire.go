package ocm

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The wire types accept what really arrives: null or nothing anywhere, numbers
// as texts, integers as floats, the date and number wrappers of a MongoDB dump.
// A value of a wrong type is as good as none; only a value that is not JSON, or
// no object where a record should be, spoils a record. Members have the names
// of the wire.

// lenient returns the options under which OCM's JSON is read.
func lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// number is a JSON number, or a text that holds one.
type number struct {
	value float64
	set   bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*n = number{}
	var text string
	switch dec.PeekKind() {
	case jsontext.KindNumber:
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		text = string(raw)
	case jsontext.KindString:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		text = strings.TrimSpace(token.String())
	case jsontext.KindBeginObject:
		wrapped, err := mongoWrapped(dec)
		if err != nil {
			return err
		}
		text = wrapped
	default:
		return dec.SkipValue()
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*n = number{value: v, set: true}
	}
	return nil
}

// integer returns the number as a whole one; a fraction, or one out of the
// range of a 32-bit id, is none.
func (n number) integer() (v int, ok bool) {
	if !n.set || n.value != math.Trunc(n.value) || math.Abs(n.value) > math.MaxInt32 {
		return 0, false
	}
	return int(n.value), true
}

// id returns the number as a database id, which begins at 1.
func (n number) id() (v int, ok bool) {
	v, ok = n.integer()
	return v, ok && v > 0
}

// count returns the number as a count of things; OCM writes 0 for unknown.
func (n number) count() *int {
	if v, ok := n.id(); ok {
		return &v
	}
	return nil
}

// quantity returns the number as a physical quantity; OCM writes 0 for unknown.
func (n number) quantity() *float64 {
	if !n.set || n.value <= 0 {
		return nil
	}
	return new(n.value)
}

// flag is a JSON truth value, or a text or number that holds one.
type flag struct{ value, set bool }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*f = flag{}
	switch dec.PeekKind() {
	case jsontext.KindTrue, jsontext.KindFalse, jsontext.KindString, jsontext.KindNumber:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		switch strings.ToLower(token.String()) {
		case "true", "1":
			*f = flag{value: true, set: true}
		case "false", "0":
			*f = flag{set: true}
		}
		return nil
	default:
		return dec.SkipValue()
	}
}

func (f flag) pointer() *bool {
	if !f.set {
		return nil
	}
	return new(f.value)
}

// text is a JSON text, or a number as it is written.
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = ""
	switch dec.PeekKind() {
	case jsontext.KindString, jsontext.KindNumber:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*t = text(token.String())
		return nil
	default:
		return dec.SkipValue()
	}
}

// instant is a date in any of the forms that OCM writes, or none.
type instant time.Time

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*i = instant{}
	switch dec.PeekKind() {
	case jsontext.KindString:
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*i = instant(parseTime(token.String()))
		return nil
	case jsontext.KindBeginObject:
		wrapped, err := mongoWrapped(dec)
		if err != nil {
			return err
		}
		if ms, err := strconv.ParseInt(wrapped, 10, 64); err == nil && ms > 0 && ms < 1<<43 {
			*i = instant(time.UnixMilli(ms).UTC())
		} else {
			*i = instant(parseTime(wrapped))
		}
		return nil
	default:
		return dec.SkipValue()
	}
}

func (i instant) time() time.Time { return time.Time(i) }

// mongoWrapped reads an object and returns what it wraps as MongoDB's export
// does: {"$date": …}, {"$numberLong": "…"}; "" for any other object.
func mongoWrapped(dec *jsontext.Decoder) (string, error) {
	raw, err := dec.ReadValue()
	if err != nil || len(raw) > 128 {
		return "", err
	}
	var members map[string]jsontext.Value
	if json.Unmarshal(raw, &members, lenient()) != nil || len(members) != 1 {
		return "", nil //nolint:nilerr // an object without meaning is no value, not a failure
	}
	for name, value := range members {
		switch name {
		case "$date", "$numberLong", "$numberInt", "$numberDouble":
			if value.Kind() == jsontext.KindBeginObject {
				return mongoWrapped(jsontext.NewDecoder(strings.NewReader(string(value))))
			}
			return strings.Trim(string(value), `"`), nil
		}
	}
	return "", nil
}

// nested is a JSON object kept as it came, or nothing.
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
	return n.raw != nil && json.Unmarshal(n.raw, v, lenient()) == nil
}

// list is a JSON array of objects; what is no object is left out, and what is
// no array is empty.
type list[T any] []T

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	if dec.PeekKind() != jsontext.KindBeginArray {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		if dec.PeekKind() != jsontext.KindBeginObject {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		var v T
		if err := json.UnmarshalDecode(dec, &v); err != nil {
			return err
		}
		*l = append(*l, v)
	}
	_, err := dec.ReadToken()
	return err
}

// object is a JSON object, or nothing.
type object[T any] struct {
	value T
	set   bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*o = object[T]{}
	if dec.PeekKind() != jsontext.KindBeginObject {
		return dec.SkipValue()
	}
	o.set = true
	return json.UnmarshalDecode(dec, &o.value)
}

// wirePOI is a charging site as the API and its exports write it, compact or verbose.
type wirePOI struct {
	ID                     number
	UUID                   text
	ParentChargePointID    number
	DataProviderID         number
	DataProvider           nested
	DataProvidersReference text
	OperatorID             number
	OperatorInfo           nested
	OperatorsReference     text
	UsageTypeID            number
	UsageType              nested
	UsageCost              text
	AddressInfo            object[wireAddress]
	Connections            list[wireConnection]
	NumberOfPoints         number
	GeneralComments        text
	DatePlanned            instant
	DateLastConfirmed      instant
	StatusTypeID           number
	StatusType             nested
	DateLastStatusUpdate   instant
	DateLastVerified       instant
	MetadataValues         list[wireMetadata]
	DataQualityLevel       number
	DateCreated            instant
	SubmissionStatusTypeID number
	SubmissionStatus       nested
	UserComments           list[wireComment]
	MediaItems             list[wireMedia]
}

type wireAddress struct {
	Title             text
	AddressLine1      text
	AddressLine2      text
	Town              text
	StateOrProvince   text
	Postcode          text
	CountryID         number
	Country           nested
	Latitude          number
	Longitude         number
	ContactTelephone1 text
	ContactTelephone2 text
	ContactEmail      text
	AccessComments    text
	RelatedURL        text
}

type wireConnection struct {
	ID               number
	ConnectionTypeID number
	ConnectionType   nested
	Reference        text
	StatusTypeID     number
	StatusType       nested
	LevelID          number
	Level            nested
	Amps             number
	Voltage          number
	PowerKW          number
	CurrentTypeID    number
	CurrentType      nested
	Quantity         number
	Comments         text
}

type wireComment struct {
	ID                  number
	CommentTypeID       number
	CommentType         nested
	UserName            text
	Comment             text
	Rating              number
	RelatedURL          text
	DateCreated         instant
	User                object[wireUser]
	CheckinStatusTypeID number
	CheckinStatusType   nested
}

type wireMedia struct {
	ID                 number
	ItemURL            text
	ItemThumbnailURL   text
	Comment            text
	IsEnabled          flag
	IsVideo            flag
	IsFeaturedItem     flag
	IsExternalResource flag
	User               object[wireUser]
	DateCreated        instant
}

// wireUser names what may be shown of a user; the rest of the object, which has
// members for e-mail address and session, is never read.
type wireUser struct {
	Username         text
	ReputationPoints number
	ProfileImageURL  text
}

type wireMetadata struct {
	MetadataFieldID       number
	ItemValue             text
	MetadataFieldOptionID number
	MetadataFieldOption   object[wireRow]
}

// wireRow holds the members of every kind of reference row.
type wireRow struct {
	ID                   number
	Title                text
	Description          text
	Comments             text
	FormalName           text
	IsDiscontinued       flag
	IsObsolete           flag
	IsFastChargeCapable  flag
	IsOperational        flag
	IsUserSelectable     flag
	IsLive               flag
	IsPayAtLocation      flag
	IsMembershipRequired flag
	IsAccessKeyRequired  flag
	IsPositive           flag
	IsAutomatedCheckin   flag
	ISOCode              text
	ContinentCode        text

	// Data providers and operators.
	WebsiteURL             text
	License                text
	IsOpenDataLicensed     flag
	IsRestrictedEdit       flag
	IsApprovedImport       flag
	DateLastImported       instant
	DataProviderStatusType object[wireProviderStatus]
	PhonePrimaryContact    text
	PhoneSecondaryContact  text
	IsPrivateIndividual    flag
	AddressInfo            object[wireAddress]
	BookingURL             text
	ContactEmail           text
	FaultReportEmail       text
}

type wireProviderStatus struct {
	IsProviderEnabled flag
	Title             text
}

// wireReference is the answer of /referencedata.
type wireReference struct {
	ChargerTypes          list[wireRow]
	ConnectionTypes       list[wireRow]
	CurrentTypes          list[wireRow]
	Countries             list[wireRow]
	DataProviders         list[wireRow]
	Operators             list[wireRow]
	StatusTypes           list[wireRow]
	SubmissionStatusTypes list[wireRow]
	UsageTypes            list[wireRow]
	UserCommentTypes      list[wireRow]
	CheckinStatusTypes    list[wireRow]
}

// parseTime reads a date as OCM writes it: RFC 3339 with or without its zone,
// which is UTC then, or the day alone. Anything else, and the year 1 with which
// .NET says nothing, is the zero time.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t.Year() < 1900 || t.Year() > 9998 {
			return time.Time{}
		}
		return t.UTC()
	}
	return time.Time{}
}

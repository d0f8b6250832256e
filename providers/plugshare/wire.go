package plugshare

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The wire types accept what really arrives: null, nothing or an empty text
// anywhere, numbers as texts, members with another case. A value of a wrong type
// is as good as none; only a value that is not JSON, or no object where a
// location should be, spoils a record.

// lenient returns the options under which PlugShare's JSON is read.
func lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), json.MatchCaseInsensitiveNames(true))
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
	default:
		return dec.SkipValue()
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*n = number{value: v, set: true}
	}
	return nil
}

// maxID bounds ids: all whole numbers up to here are exact in a float.
const maxID = 1 << 52

// integer returns the number as a whole one; a fraction, or one too large to be
// exact, is none.
func (n number) integer() (v int, ok bool) {
	if !n.set || n.value != math.Trunc(n.value) || math.Abs(n.value) > maxID {
		return 0, false
	}
	return int(n.value), true
}

// id returns the number as an id, which begins at 1.
func (n number) id() (v int, ok bool) {
	v, ok = n.integer()
	return v, ok && v > 0
}

// quantity returns the number as a physical quantity; 0 is not one.
func (n number) quantity() *float64 {
	if !n.set || n.value <= 0 {
		return nil
	}
	return new(n.value)
}

// whole returns a physical quantity in whole units.
func (n number) whole() *int {
	if !n.set || math.Round(n.value) < 1 || n.value > math.MaxInt32 {
		return nil
	}
	return new(int(math.Round(n.value)))
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

// denied reports whether the flag was sent, and false.
func (f flag) denied() bool { return f.set && !f.value }

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

// instant is a date in any of the forms that PlugShare writes, or none.
type instant time.Time

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*i = instant{}
	if dec.PeekKind() != jsontext.KindString {
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*i = instant(parseTime(token.String()))
	return nil
}

func (i instant) time() time.Time { return time.Time(i) }

// parseTime reads a date as PlugShare writes it: RFC 3339, the same without its
// zone, which is UTC then, with a blank for the T, or the day alone. Anything
// else, such as the text "None", is the zero time.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
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

// texts is a JSON array of texts; what is no text in it is left out.
type texts []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *texts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	if dec.PeekKind() != jsontext.KindBeginArray {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		if dec.PeekKind() != jsontext.KindString {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*l = append(*l, token.String())
	}
	_, err := dec.ReadToken()
	return err
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

// wireLocation is a location, whole or as a summary. What it does not name is
// not read: owners, promotions, payment, and the deprecated list of outlets
// that are valid in a country.
type wireLocation struct {
	ID                           number                 `json:"id"`
	Code                         number                 `json:"code"` // of an error that stands in place of a location
	Name                         text                   `json:"name"`
	Latitude                     number                 `json:"latitude"`
	Longitude                    number                 `json:"longitude"`
	Address                      text                   `json:"address"`
	ReverseGeocodedAddress       text                   `json:"reverse_geocoded_address"`
	Components                   object[wireComponents] `json:"reverse_geocoded_address_components"`
	Access                       number                 `json:"access"`
	AccessRestrictions           texts                  `json:"access_restrictions"`
	AccessRestrictionDescription text                   `json:"access_restriction_description"`
	Cost                         flag                   `json:"cost"`
	CostDescription              text                   `json:"cost_description"`
	Score                        number                 `json:"score"`
	Description                  text                   `json:"description"`
	Stations                     list[wireStation]      `json:"stations"`
	Reviews                      list[wireReview]       `json:"reviews"`
	TotalReviews                 number                 `json:"total_reviews"`
	Photos                       list[wirePhoto]        `json:"photos"`
	Amenities                    list[wireAmenity]      `json:"amenities"`
	Phone                        text                   `json:"phone"`
	FormattedPhone               text                   `json:"formatted_phone_number"`
	URL                          text                   `json:"url"`
	Icon                         text                   `json:"icon"`
	IconType                     text                   `json:"icon_type"`
	Hours                        text                   `json:"hours"`
	Open247                      flag                   `json:"open247"`
	OpeningTimes                 object[wireHours]      `json:"opening_times"`
	ComingSoon                   flag                   `json:"coming_soon"`
	OpeningDate                  instant                `json:"opening_date"`
	UnderRepair                  flag                   `json:"under_repair"`
	Enabled                      flag                   `json:"enabled"`
	POIName                      text                   `json:"poi_name"`
	ParkingTypeName              text                   `json:"parking_type_name"`
	ParkingAttributes            texts                  `json:"parking_attributes"`
	ParkingLevel                 text                   `json:"parking_level"`
	OverheadClearanceMeters      number                 `json:"overhead_clearance_meters"`
	Locale                       text                   `json:"locale"`
	ConnectorTypes               texts                  `json:"connector_types"`
	CustomPorts                  text                   `json:"custom_ports"`
	CreatedAt                    instant                `json:"created_at"`
	UpdatedAt                    instant                `json:"updated_at"`
}

type wireComponents struct {
	Locality    text `json:"locality"`
	Area1       text `json:"administrative_area_1"`
	PostalCode  text `json:"postal_code"`
	CountryCode text `json:"country_code"`
}

type wireStation struct {
	ID                    number              `json:"id"`
	Name                  text                `json:"name"`
	Network               object[wireNetwork] `json:"network"`
	NetworkID             number              `json:"network_id"`
	NetworkExtID          text                `json:"network_ext_id"`
	Cost                  number              `json:"cost"`
	CostDescription       text                `json:"cost_description"`
	Manufacturer          text                `json:"manufacturer"`
	Model                 text                `json:"model"`
	Outlets               list[wireOutlet]    `json:"outlets"`
	Available             number              `json:"available"`
	AvailableChangedAt    instant             `json:"available_changed_at"`
	Kilowatts             number              `json:"kilowatts"`
	PreChargeInstructions text                `json:"pre_charge_instructions"`
	OCPPVersion           text                `json:"ocpp_version"`
	CreatedAt             instant             `json:"created_at"`
}

type wireOutlet struct {
	ID              number  `json:"id"`
	Connector       number  `json:"connector"`
	ConnectorName   text    `json:"connector_name"`
	Power           number  `json:"power"`
	Kilowatts       number  `json:"kilowatts"`
	Watts           number  `json:"watts"`
	Volts           number  `json:"volts"`
	Amps            number  `json:"amps"`
	PowerType       text    `json:"power_type"`
	IsDC            flag    `json:"is_dc"`
	Status          text    `json:"status"`
	StatusChangedAt instant `json:"status_changed_at"`
	Description     text    `json:"description"`
	NetworkExtID    text    `json:"network_ext_id"`
	EVSEExtID       text    `json:"evse_ext_id"`
}

type wireNetwork struct {
	ID             number `json:"id"`
	Name           text   `json:"name"`
	Description    text   `json:"description"`
	URL            text   `json:"url"`
	ActionName     text   `json:"action_name"`
	ActionURL      text   `json:"action_url"`
	Image          text   `json:"image"`
	Phone          text   `json:"phone"`
	FormattedPhone text   `json:"formatted_phone_number"`
}

// wireReview is a check-in; what PlugShare suspects of its author is not read.
type wireReview struct {
	ID          number           `json:"id"`
	StationID   number           `json:"station_id"`
	Rating      number           `json:"rating"`
	Problem     number           `json:"problem"`
	Comment     text             `json:"comment"`
	User        object[wireUser] `json:"user"`
	VehicleName text             `json:"vehicle_name"`
	Volts       number           `json:"volts"`
	Amps        number           `json:"amps"`
	Kilowatts   number           `json:"kilowatts"`
	CreatedAt   instant          `json:"created_at"`
	Finished    instant          `json:"finished"`
	IsVisible   flag             `json:"is_visible"`
}

// wireUser names what may be shown of a person; the rest of the object, which
// has members for telephone, home and last visit, is never read.
type wireUser struct {
	DisplayName text `json:"display_name"`
	FirstName   text `json:"first_name"`
	IsDeleted   flag `json:"is_deleted"`
}

type wirePhoto struct {
	ID          number  `json:"id"`
	URL         text    `json:"url"`
	Thumbnail   text    `json:"thumbnail"`
	Thumbnail2x text    `json:"thumbnail2x"`
	Caption     text    `json:"caption"`
	CreatedAt   instant `json:"created_at"`
	IsVisible   flag    `json:"is_visible"`
}

type wireAmenity struct {
	Type number `json:"type"`
}

// wireHours are opening hours in the shape of OCPI.
type wireHours struct {
	TwentyFourSeven      flag             `json:"twentyfourseven"`
	TwentyFourSevenSnake flag             `json:"twenty_four_seven"`
	RegularHours         list[wirePeriod] `json:"regular_hours"`
	ExceptionalOpenings  list[wireSpan]   `json:"exceptional_openings"`
	ExceptionalClosings  list[wireSpan]   `json:"exceptional_closings"`
}

type wirePeriod struct {
	Weekday     number `json:"weekday"`
	PeriodBegin text   `json:"period_begin"`
	PeriodEnd   text   `json:"period_end"`
}

type wireSpan struct {
	PeriodBegin instant `json:"period_begin"`
	PeriodEnd   instant `json:"period_end"`
}

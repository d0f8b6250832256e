package ocpi

import (
	"math"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers/internal/wire"
)

// The wire types accept what really arrives, as package wire does, and one word
// where a list of them should be; only what is not JSON spoils a page.

// integer returns a number as a whole one of 32 bits; a fraction is none.
func integer(n wire.Number) (v int, ok bool) { return n.Whole(-math.MaxInt32, math.MaxInt32) }

// enum is a text without regard to case: upper case, without blanks around it.
type enum string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (e *enum) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t wire.Text
	err := t.UnmarshalJSONFrom(dec)
	*e = enum(strings.ToUpper(strings.TrimSpace(string(t))))
	return err
}

// words is a JSON array of enums, or one alone.
type words []enum

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (w *words) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*w = (*w)[:0]
	one := func() error {
		var e enum
		err := e.UnmarshalJSONFrom(dec)
		if e != "" {
			*w = append(*w, e)
		}
		return err
	}
	if dec.PeekKind() == jsontext.KindBeginArray {
		return wire.Array(dec, one)
	}
	return one()
}

// displayTexts are texts for people in several languages: objects, or one plain
// text without a language.
type displayTexts []wireDisplayText

type wireDisplayText struct {
	Language wire.Text `json:"language"`
	Text     wire.Text `json:"text"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (d *displayTexts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*d = (*d)[:0]
	if dec.PeekKind() != jsontext.KindString {
		return (*wire.List[wireDisplayText])(d).UnmarshalJSONFrom(dec)
	}
	var t wire.Text
	err := t.UnmarshalJSONFrom(dec)
	*d = append(*d, wireDisplayText{Text: t})
	return err
}

// wireLocation is a Location of any version; the members of a version list are
// here too, so that one pass tells the two apart.
type wireLocation struct {
	CountryCode  enum                        `json:"country_code"`
	PartyID      enum                        `json:"party_id"`
	ID           wire.Text                   `json:"id"`
	Publish      wire.Flag                   `json:"publish"`
	Type         enum                        `json:"type"` // 2.1.1
	ParkingType  enum                        `json:"parking_type"`
	Name         wire.Text                   `json:"name"`
	Address      wire.Text                   `json:"address"`
	City         wire.Text                   `json:"city"`
	PostalCode   wire.Text                   `json:"postal_code"`
	State        wire.Text                   `json:"state"`
	Country      enum                        `json:"country"`
	Coordinates  wire.Object[wirePoint]      `json:"coordinates"`
	EVSEs        wire.List[wireEVSE]         `json:"evses"`
	Directions   displayTexts                `json:"directions"`
	Operator     wire.Object[wireBusiness]   `json:"operator"`
	Owner        wire.Object[wireBusiness]   `json:"owner"`
	HelpPhone    wire.Text                   `json:"help_phone"` // 2.3.0, and before
	Facilities   words                       `json:"facilities"`
	TimeZone     wire.Text                   `json:"time_zone"`
	OpeningTimes wireHours                   `json:"opening_times"`
	Images       wire.List[wireImage]        `json:"images"`
	Parking      wire.List[wireParkingPlace] `json:"parking_places"` // 2.3.0
	LastUpdated  wire.Time                   `json:"last_updated"`

	Version wire.Text `json:"version"`
	URL     wire.Text `json:"url"`
}

// Reset empties w and keeps the room of its lists.
func (w *wireLocation) Reset() {
	*w = wireLocation{
		EVSEs: w.EVSEs[:0], Directions: w.Directions[:0], Facilities: w.Facilities[:0], Images: w.Images[:0], Parking: w.Parking[:0],
	}
}

type wirePoint struct {
	Latitude  wire.Number `json:"latitude"`
	Longitude wire.Number `json:"longitude"`
}

type wireBusiness struct {
	Name    wire.Text              `json:"name"`
	Website wire.Text              `json:"website"`
	Logo    wire.Object[wireImage] `json:"logo"`
	Hotline wire.Text              `json:"hotline"` // chargecloud
}

type wireImage struct {
	URL       wire.Text `json:"url"`
	Thumbnail wire.Text `json:"thumbnail"`
	Category  enum      `json:"category"`
}

type wireEVSE struct {
	UID                 wire.Text                `json:"uid"`
	EVSEID              wire.Text                `json:"evse_id"`
	ID                  wire.Text                `json:"id"` // chargecloud's evse_id
	Status              enum                     `json:"status"`
	Capabilities        words                    `json:"capabilities"`
	Connectors          wire.List[wireConnector] `json:"connectors"`
	FloorLevel          wire.Text                `json:"floor_level"`
	Coordinates         wire.Object[wirePoint]   `json:"coordinates"`
	PhysicalReference   wire.Text                `json:"physical_reference"`
	ParkingRestrictions words                    `json:"parking_restrictions"`
	Images              wire.List[wireImage]     `json:"images"`
	LastUpdated         wire.Time                `json:"last_updated"`
}

// Reset empties e and keeps the room of its lists.
func (e *wireEVSE) Reset() {
	*e = wireEVSE{
		Capabilities: e.Capabilities[:0], Connectors: e.Connectors[:0], ParkingRestrictions: e.ParkingRestrictions[:0], Images: e.Images[:0],
	}
}

type wireConnector struct {
	ID        wire.Text   `json:"id"`
	Standard  wire.Text   `json:"standard"`
	Format    enum        `json:"format"`
	PowerType enum        `json:"power_type"`
	VoltageV  wire.Number `json:"max_voltage"`
	CurrentA  wire.Number `json:"max_amperage"`
	PowerW    wire.Number `json:"max_electric_power"`
	Voltage   wire.Number `json:"voltage"`   // 2.1.1
	Amperage  wire.Number `json:"amperage"`  // 2.1.1
	Ampere    wire.Number `json:"ampere"`    // chargecloud
	MaxPower  wire.Number `json:"max_power"` // chargecloud, in kW
}

type wireParkingPlace struct {
	VehicleTypes words     `json:"vehicle_types"`
	Direction    enum      `json:"direction"`
	DriveThrough wire.Flag `json:"drive_through"`
	Lighting     wire.Flag `json:"lighting"`
}

// wireHours are opening times, or a text about them.
type wireHours struct {
	set  bool
	said wire.Text
	wireHoursObject
}

type wireHoursObject struct {
	TwentyFourSeven wire.Flag              `json:"twentyfourseven"`
	Regular         wire.List[wireRegular] `json:"regular_hours"`
	Openings        wire.List[wirePeriod]  `json:"exceptional_openings"`
	Closings        wire.List[wirePeriod]  `json:"exceptional_closings"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (h *wireHours) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*h = wireHours{}
	switch dec.PeekKind() {
	case jsontext.KindString:
		h.set = true
		return h.said.UnmarshalJSONFrom(dec)
	case jsontext.KindBeginObject:
		h.set = true
		return json.UnmarshalDecode(dec, &h.wireHoursObject)
	default:
		return dec.SkipValue()
	}
}

type wireRegular struct {
	Weekday wire.Number `json:"weekday"`
	Begin   wire.Text   `json:"period_begin"`
	End     wire.Text   `json:"period_end"`
}

type wirePeriod struct {
	Begin wire.Time `json:"period_begin"`
	End   wire.Time `json:"period_end"`
}

type wireEndpoint struct {
	Identifier enum      `json:"identifier"`
	Role       enum      `json:"role"` // 2.2 and later
	URL        wire.Text `json:"url"`
}

package ocpi

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The wire types accept what really arrives: null or nothing anywhere, numbers
// as texts and the reverse, one object where a list should be. A value of a
// wrong type is as good as none; only what is not JSON spoils a page.

// lenient returns the options under which a feed's JSON is read.
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
	switch dec.PeekKind() {
	case jsontext.KindNumber, jsontext.KindString:
	default:
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if v, err := strconv.ParseFloat(strings.TrimSpace(token.String()), 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*n = number{value: v, set: true}
	}
	return nil
}

// integer returns the number as a whole one; a fraction is none.
func (n number) integer() (v int, ok bool) {
	if !n.set || n.value != math.Trunc(n.value) || math.Abs(n.value) > math.MaxInt32 {
		return 0, false
	}
	return int(n.value), true
}

// flag is a JSON truth value, or a text or number that holds one.
type flag struct{ value, set bool }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*f = flag{}
	switch dec.PeekKind() {
	case jsontext.KindTrue, jsontext.KindFalse, jsontext.KindString, jsontext.KindNumber:
	default:
		return dec.SkipValue()
	}
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
}

// text is a JSON text, or a number as it is written.
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = ""
	switch dec.PeekKind() {
	case jsontext.KindString, jsontext.KindNumber:
	default:
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*t = text(token.String())
	return nil
}

// enum is a text without regard to case: upper case, without blanks around it.
type enum string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (e *enum) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t text
	err := t.UnmarshalJSONFrom(dec)
	*e = enum(strings.ToUpper(strings.TrimSpace(string(t))))
	return err
}

// instant is a date in any of the forms that feeds write, or none.
type instant struct{ time.Time }

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
	i.Time = parseTime(token.String())
	return nil
}

// parseTime reads a date and time; no zone is UTC. Anything else is the zero time.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", time.DateTime, time.DateOnly} {
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

// list is a JSON array; one object alone is a list of one. Elements that are no
// objects are left out, and what is neither is empty.
type list[T any] []T

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = (*l)[:0]
	switch dec.PeekKind() {
	case jsontext.KindBeginObject:
		return l.one(dec)
	case jsontext.KindBeginArray:
	default:
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
		if err := l.one(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// one reads one object into room that an earlier list left, where there is some:
// a feed is millions of small lists.
func (l *list[T]) one(dec *jsontext.Decoder) error {
	n := len(*l)
	if n < cap(*l) {
		*l = (*l)[:n+1]
	} else {
		var empty T
		*l = append(*l, empty)
	}
	v := &(*l)[n]
	if c, ok := any(v).(interface{ clear() }); ok {
		c.clear()
	} else {
		var empty T
		*v = empty
	}
	return json.UnmarshalDecode(dec, v)
}

// words is a JSON array of enums, or one alone.
type words []enum

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (w *words) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*w = (*w)[:0]
	inside := dec.PeekKind() == jsontext.KindBeginArray
	if inside {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	for {
		if inside && dec.PeekKind() == jsontext.KindEndArray {
			_, err := dec.ReadToken()
			return err
		}
		var e enum
		if err := e.UnmarshalJSONFrom(dec); err != nil {
			return err
		}
		if e != "" {
			*w = append(*w, e)
		}
		if !inside {
			return nil
		}
	}
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

// displayTexts are texts for people in several languages: objects, or one plain
// text without a language.
type displayTexts []wireDisplayText

type wireDisplayText struct {
	Language text `json:"language"`
	Text     text `json:"text"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (d *displayTexts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*d = (*d)[:0]
	if dec.PeekKind() != jsontext.KindString {
		return (*list[wireDisplayText])(d).UnmarshalJSONFrom(dec)
	}
	var t text
	err := t.UnmarshalJSONFrom(dec)
	*d = append(*d, wireDisplayText{Text: t})
	return err
}

// wireLocation is a Location of any version; the members of a version list are
// here too, so that one pass tells the two apart.
type wireLocation struct {
	CountryCode  enum                   `json:"country_code"`
	PartyID      enum                   `json:"party_id"`
	ID           text                   `json:"id"`
	Publish      flag                   `json:"publish"`
	Type         enum                   `json:"type"` // 2.1.1
	ParkingType  enum                   `json:"parking_type"`
	Name         text                   `json:"name"`
	Address      text                   `json:"address"`
	City         text                   `json:"city"`
	PostalCode   text                   `json:"postal_code"`
	State        text                   `json:"state"`
	Country      enum                   `json:"country"`
	Coordinates  object[wirePoint]      `json:"coordinates"`
	EVSEs        list[wireEVSE]         `json:"evses"`
	Directions   displayTexts           `json:"directions"`
	Operator     object[wireBusiness]   `json:"operator"`
	Owner        object[wireBusiness]   `json:"owner"`
	HelpPhone    text                   `json:"help_phone"` // 2.3.0, and before
	Facilities   words                  `json:"facilities"`
	TimeZone     text                   `json:"time_zone"`
	OpeningTimes wireHours              `json:"opening_times"`
	Images       list[wireImage]        `json:"images"`
	Parking      list[wireParkingPlace] `json:"parking_places"` // 2.3.0
	LastUpdated  instant                `json:"last_updated"`

	Version text `json:"version"`
	URL     text `json:"url"`
}

// clear empties w and keeps the room of its lists.
func (w *wireLocation) clear() {
	*w = wireLocation{
		EVSEs: w.EVSEs[:0], Directions: w.Directions[:0], Facilities: w.Facilities[:0], Images: w.Images[:0], Parking: w.Parking[:0],
	}
}

type wirePoint struct {
	Latitude  number `json:"latitude"`
	Longitude number `json:"longitude"`
}

type wireBusiness struct {
	Name    text              `json:"name"`
	Website text              `json:"website"`
	Logo    object[wireImage] `json:"logo"`
	Hotline text              `json:"hotline"` // chargecloud
}

type wireImage struct {
	URL       text `json:"url"`
	Thumbnail text `json:"thumbnail"`
	Category  enum `json:"category"`
}

type wireEVSE struct {
	UID                 text                `json:"uid"`
	EVSEID              text                `json:"evse_id"`
	ID                  text                `json:"id"` // chargecloud's evse_id
	Status              enum                `json:"status"`
	Capabilities        words               `json:"capabilities"`
	Connectors          list[wireConnector] `json:"connectors"`
	FloorLevel          text                `json:"floor_level"`
	Coordinates         object[wirePoint]   `json:"coordinates"`
	PhysicalReference   text                `json:"physical_reference"`
	ParkingRestrictions words               `json:"parking_restrictions"`
	Images              list[wireImage]     `json:"images"`
	LastUpdated         instant             `json:"last_updated"`
}

// clear empties e and keeps the room of its lists.
func (e *wireEVSE) clear() {
	*e = wireEVSE{
		Capabilities: e.Capabilities[:0], Connectors: e.Connectors[:0], ParkingRestrictions: e.ParkingRestrictions[:0], Images: e.Images[:0],
	}
}

type wireConnector struct {
	ID        text   `json:"id"`
	Standard  text   `json:"standard"`
	Format    enum   `json:"format"`
	PowerType enum   `json:"power_type"`
	VoltageV  number `json:"max_voltage"`
	CurrentA  number `json:"max_amperage"`
	PowerW    number `json:"max_electric_power"`
	Voltage   number `json:"voltage"`   // 2.1.1
	Amperage  number `json:"amperage"`  // 2.1.1
	Ampere    number `json:"ampere"`    // chargecloud
	MaxPower  number `json:"max_power"` // chargecloud, in kW
}

type wireParkingPlace struct {
	VehicleTypes words `json:"vehicle_types"`
	Direction    enum  `json:"direction"`
	DriveThrough flag  `json:"drive_through"`
	Lighting     flag  `json:"lighting"`
}

// wireHours are opening times, or a text about them.
type wireHours struct {
	set  bool
	said text
	wireHoursObject
}

type wireHoursObject struct {
	TwentyFourSeven flag              `json:"twentyfourseven"`
	Regular         list[wireRegular] `json:"regular_hours"`
	Openings        list[wirePeriod]  `json:"exceptional_openings"`
	Closings        list[wirePeriod]  `json:"exceptional_closings"`
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
	Weekday number `json:"weekday"`
	Begin   text   `json:"period_begin"`
	End     text   `json:"period_end"`
}

type wirePeriod struct {
	Begin instant `json:"period_begin"`
	End   instant `json:"period_end"`
}

type wireEndpoint struct {
	Identifier enum `json:"identifier"`
	Role       enum `json:"role"` // 2.2 and later
	URL        text `json:"url"`
}

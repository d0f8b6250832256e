package plugshare

import (
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers/internal/wire"
)

// The wire types accept what really arrives, as package wire does, and members
// with another case; only a value that is not JSON, or no object where a location
// should be, spoils a record.

// lenient returns the options under which PlugShare's JSON is read.
func lenient() json.Options {
	return json.JoinOptions(wire.Lenient(), json.MatchCaseInsensitiveNames(true))
}

// integer returns a number as a whole one; a fraction, or one too large to be
// exact, is none.
func integer(n wire.Number) (v int, ok bool) { return n.Whole(-wire.MaxExact, wire.MaxExact) }

// idOf returns a number as an id, which begins at 1.
func idOf(n wire.Number) (v int, ok bool) { return n.Whole(1, wire.MaxExact) }

// rounded returns a physical quantity in whole units.
func rounded(n wire.Number) *int {
	if math.Round(n.Value) < 1 || n.Value > math.MaxInt32 {
		return nil
	}
	return new(int(math.Round(n.Value)))
}

// texts is a JSON array of texts; what is no text in it is left out.
type texts []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *texts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	if dec.PeekKind() != jsontext.KindBeginArray {
		return dec.SkipValue()
	}
	return wire.Array(dec, func() error {
		if dec.PeekKind() != jsontext.KindString {
			return dec.SkipValue()
		}
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*l = append(*l, token.String())
		return nil
	})
}

// wireLocation is a location, whole or as a summary. What it does not name is
// not read: owners, promotions, payment, and the deprecated list of outlets
// that are valid in a country.
type wireLocation struct {
	ID                           wire.Number                 `json:"id"`
	Code                         wire.Number                 `json:"code"` // of an error that stands in place of a location
	Name                         wire.Text                   `json:"name"`
	Latitude                     wire.Number                 `json:"latitude"`
	Longitude                    wire.Number                 `json:"longitude"`
	Address                      wire.Text                   `json:"address"`
	ReverseGeocodedAddress       wire.Text                   `json:"reverse_geocoded_address"`
	Components                   wire.Object[wireComponents] `json:"reverse_geocoded_address_components"`
	Access                       wire.Number                 `json:"access"`
	AccessRestrictions           texts                       `json:"access_restrictions"`
	AccessRestrictionDescription wire.Text                   `json:"access_restriction_description"`
	Cost                         wire.Flag                   `json:"cost"`
	CostDescription              wire.Text                   `json:"cost_description"`
	Score                        wire.Number                 `json:"score"`
	Description                  wire.Text                   `json:"description"`
	Stations                     wire.List[wireStation]      `json:"stations"`
	Reviews                      wire.List[wireReview]       `json:"reviews"`
	TotalReviews                 wire.Number                 `json:"total_reviews"`
	Photos                       wire.List[wirePhoto]        `json:"photos"`
	Amenities                    wire.List[wireAmenity]      `json:"amenities"`
	Phone                        wire.Text                   `json:"phone"`
	FormattedPhone               wire.Text                   `json:"formatted_phone_number"`
	URL                          wire.Text                   `json:"url"`
	Icon                         wire.Text                   `json:"icon"`
	IconType                     wire.Text                   `json:"icon_type"`
	Hours                        wire.Text                   `json:"hours"`
	Open247                      wire.Flag                   `json:"open247"`
	OpeningTimes                 wire.Object[wireHours]      `json:"opening_times"`
	ComingSoon                   wire.Flag                   `json:"coming_soon"`
	OpeningDate                  wire.Time                   `json:"opening_date"`
	UnderRepair                  wire.Flag                   `json:"under_repair"`
	Enabled                      wire.Flag                   `json:"enabled"`
	POIName                      wire.Text                   `json:"poi_name"`
	ParkingTypeName              wire.Text                   `json:"parking_type_name"`
	ParkingAttributes            texts                       `json:"parking_attributes"`
	ParkingLevel                 wire.Text                   `json:"parking_level"`
	OverheadClearanceMeters      wire.Number                 `json:"overhead_clearance_meters"`
	Locale                       wire.Text                   `json:"locale"`
	ConnectorTypes               texts                       `json:"connector_types"`
	CustomPorts                  wire.Text                   `json:"custom_ports"`
	CreatedAt                    wire.Time                   `json:"created_at"`
	UpdatedAt                    wire.Time                   `json:"updated_at"`
}

type wireComponents struct {
	Locality    wire.Text `json:"locality"`
	Area1       wire.Text `json:"administrative_area_1"`
	PostalCode  wire.Text `json:"postal_code"`
	CountryCode wire.Text `json:"country_code"`
}

type wireStation struct {
	ID                    wire.Number              `json:"id"`
	Name                  wire.Text                `json:"name"`
	Network               wire.Object[wireNetwork] `json:"network"`
	NetworkID             wire.Number              `json:"network_id"`
	NetworkExtID          wire.Text                `json:"network_ext_id"`
	Cost                  wire.Number              `json:"cost"`
	CostDescription       wire.Text                `json:"cost_description"`
	Manufacturer          wire.Text                `json:"manufacturer"`
	Model                 wire.Text                `json:"model"`
	Outlets               wire.List[wireOutlet]    `json:"outlets"`
	Available             wire.Number              `json:"available"`
	AvailableChangedAt    wire.Time                `json:"available_changed_at"`
	Kilowatts             wire.Number              `json:"kilowatts"`
	PreChargeInstructions wire.Text                `json:"pre_charge_instructions"`
	OCPPVersion           wire.Text                `json:"ocpp_version"`
	CreatedAt             wire.Time                `json:"created_at"`
}

type wireOutlet struct {
	ID              wire.Number `json:"id"`
	Connector       wire.Number `json:"connector"`
	ConnectorName   wire.Text   `json:"connector_name"`
	Power           wire.Number `json:"power"`
	Kilowatts       wire.Number `json:"kilowatts"`
	Watts           wire.Number `json:"watts"`
	Volts           wire.Number `json:"volts"`
	Amps            wire.Number `json:"amps"`
	PowerType       wire.Text   `json:"power_type"`
	IsDC            wire.Flag   `json:"is_dc"`
	Status          wire.Text   `json:"status"`
	StatusChangedAt wire.Time   `json:"status_changed_at"`
	Description     wire.Text   `json:"description"`
	NetworkExtID    wire.Text   `json:"network_ext_id"`
	EVSEExtID       wire.Text   `json:"evse_ext_id"`
}

type wireNetwork struct {
	ID             wire.Number `json:"id"`
	Name           wire.Text   `json:"name"`
	Description    wire.Text   `json:"description"`
	URL            wire.Text   `json:"url"`
	ActionName     wire.Text   `json:"action_name"`
	ActionURL      wire.Text   `json:"action_url"`
	Image          wire.Text   `json:"image"`
	Phone          wire.Text   `json:"phone"`
	FormattedPhone wire.Text   `json:"formatted_phone_number"`
}

// wireReview is a check-in; what PlugShare suspects of its author is not read.
type wireReview struct {
	ID          wire.Number           `json:"id"`
	StationID   wire.Number           `json:"station_id"`
	Rating      wire.Number           `json:"rating"`
	Problem     wire.Number           `json:"problem"`
	Comment     wire.Text             `json:"comment"`
	User        wire.Object[wireUser] `json:"user"`
	VehicleName wire.Text             `json:"vehicle_name"`
	Volts       wire.Number           `json:"volts"`
	Amps        wire.Number           `json:"amps"`
	Kilowatts   wire.Number           `json:"kilowatts"`
	CreatedAt   wire.Time             `json:"created_at"`
	Finished    wire.Time             `json:"finished"`
	IsVisible   wire.Flag             `json:"is_visible"`
}

// wireUser names what may be shown of a person; the rest of the object, which
// has members for telephone, home and last visit, is never read.
type wireUser struct {
	DisplayName wire.Text `json:"display_name"`
	FirstName   wire.Text `json:"first_name"`
	IsDeleted   wire.Flag `json:"is_deleted"`
}

type wirePhoto struct {
	ID          wire.Number `json:"id"`
	URL         wire.Text   `json:"url"`
	Thumbnail   wire.Text   `json:"thumbnail"`
	Thumbnail2x wire.Text   `json:"thumbnail2x"`
	Caption     wire.Text   `json:"caption"`
	CreatedAt   wire.Time   `json:"created_at"`
	IsVisible   wire.Flag   `json:"is_visible"`
}

type wireAmenity struct {
	Type wire.Number `json:"type"`
}

// wireHours are opening hours in the shape of OCPI.
type wireHours struct {
	TwentyFourSeven      wire.Flag             `json:"twentyfourseven"`
	TwentyFourSevenSnake wire.Flag             `json:"twenty_four_seven"`
	RegularHours         wire.List[wirePeriod] `json:"regular_hours"`
	ExceptionalOpenings  wire.List[wireSpan]   `json:"exceptional_openings"`
	ExceptionalClosings  wire.List[wireSpan]   `json:"exceptional_closings"`
}

type wirePeriod struct {
	Weekday     wire.Number `json:"weekday"`
	PeriodBegin wire.Text   `json:"period_begin"`
	PeriodEnd   wire.Text   `json:"period_end"`
}

type wireSpan struct {
	PeriodBegin wire.Time `json:"period_begin"`
	PeriodEnd   wire.Time `json:"period_end"`
}

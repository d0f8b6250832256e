package sandbox

import (
	"math"
	"strconv"
	"time"
)

// Wire objects have their members in alphabetical order, as the service sends
// them. A pointer without omitempty is a member that may be null; one with
// omitempty may be absent.

// psNumber is a number that the service keeps as a float: 50 is written 50.0.
type psNumber float64

// MarshalJSON writes at least one decimal.
func (n psNumber) MarshalJSON() ([]byte, error) {
	x := float64(n)
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.AppendFloat(nil, x, 'f', 1, 64), nil
	}
	return strconv.AppendFloat(nil, x, 'f', -1, 64), nil
}

// psTime is the usual form of a time.
func psTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// psDetail is GET /locations/{id}.
type psDetail struct {
	Access                        int            `json:"access"`
	AccessRestriction             *string        `json:"access_restriction"`
	AccessRestrictionDescription  *string        `json:"access_restriction_description"`
	AccessRestrictionDescriptions []string       `json:"access_restriction_descriptions"`
	AccessRestrictions            []string       `json:"access_restrictions"`
	Address                       string         `json:"address"`
	AllPromos                     []int          `json:"all_promos"`
	Amenities                     []psAmenity    `json:"amenities"`
	ComingSoon                    *bool          `json:"coming_soon"`
	Confidence                    int            `json:"confidence"`
	Cost                          bool           `json:"cost"`
	CostDescription               string         `json:"cost_description"`
	CreatedAt                     string         `json:"created_at"`
	CustomPorts                   string         `json:"custom_ports"`
	Datasources                   []psDatasource `json:"datasources"`
	Description                   string         `json:"description"`
	E164PhoneNumber               string         `json:"e164_phone_number"`
	Enabled                       bool           `json:"enabled"`
	EntranceLatitude              *float64       `json:"entrance_latitude"`
	EntranceLongitude             *float64       `json:"entrance_longitude"`
	FormattedPhoneNumber          string         `json:"formatted_phone_number"`
	HasDynamicPricing             bool           `json:"has_dynamic_pricing"`
	Hours                         *string        `json:"hours"`
	Icon                          string         `json:"icon"`
	IconType                      string         `json:"icon_type"`
	ID                            int            `json:"id"`
	Latitude                      float64        `json:"latitude"`
	Locale                        string         `json:"locale"`
	LocaleV2                      string         `json:"locale_v2"`
	Locked                        bool           `json:"locked"`
	Longitude                     float64        `json:"longitude"`
	MajorityNetworkID             *int           `json:"majority_network_id"`
	MetaDescription               string         `json:"meta_description"`
	Name                          string         `json:"name"`
	NissanNCTC                    bool           `json:"nissan_nctc"`
	OCPIIDs                       []string       `json:"ocpi_ids"`
	Open247                       bool           `json:"open247"`
	OpenedAt                      *string        `json:"opened_at"`
	OpeningDate                   *string        `json:"opening_date"`
	OpeningTimes                  *psOpening     `json:"opening_times"`
	OverheadClearanceMeters       any            `json:"overhead_clearance_meters"` // null, a number, or one in quotes
	Owner                         *psUser        `json:"owner,omitempty"`
	ParkingAttributes             []string       `json:"parking_attributes"`
	ParkingLevel                  *string        `json:"parking_level"`
	ParkingTypeName               *string        `json:"parking_type_name"`
	PaymentEnabled                *bool          `json:"payment_enabled"`
	Phone                         string         `json:"phone"`
	Photos                        []psPhoto      `json:"photos"`
	POIName                       *string        `json:"poi_name"`
	Promos                        []int          `json:"promos"`
	PWPSAction                    string         `json:"pwps_action"`
	PWPSVersion                   *int           `json:"pwps_version"`
	ReverseGeocodedAddress        *string        `json:"reverse_geocoded_address"`
	ReverseGeocodedAddressParts   *psAddress     `json:"reverse_geocoded_address_components"`
	Reviews                       []psReview     `json:"reviews"`
	Score                         *psNumber      `json:"score,omitempty"`
	Stations                      []psStation    `json:"stations"`
	TitleDescription              string         `json:"title_description"`
	TotalPhotos                   int            `json:"total_photos"`
	TotalReviews                  int            `json:"total_reviews"`
	UnderRepair                   bool           `json:"under_repair"`
	UpdatedAt                     string         `json:"updated_at"`
	URL                           string         `json:"url"`
	ValidOutlets                  []psDescriptor `json:"valid_outlets"`
}

// psSummary is one item of a search.
type psSummary struct {
	Access                int              `json:"access"`
	Address               string           `json:"address"`
	AvailableStationCount *int             `json:"available_station_count"`
	ComingSoon            bool             `json:"coming_soon"`
	CompassBearing        *float64         `json:"compass_bearing,omitempty"`
	ConnectorTypes        []string         `json:"connector_types"`
	DistanceMeters        *float64         `json:"distance_meters,omitempty"`
	Icon                  string           `json:"icon"`
	IconType              string           `json:"icon_type"`
	ID                    int              `json:"id"`
	InUseStationCount     *int             `json:"in_use_station_count"`
	IsFastCharger         bool             `json:"is_fast_charger"`
	Latitude              float64          `json:"latitude"`
	Longitude             float64          `json:"longitude"`
	Name                  string           `json:"name"`
	Owner                 *psOwner         `json:"owner,omitempty"`
	Score                 *psNumber        `json:"score,omitempty"`
	StationCount          int              `json:"station_count"`
	Stations              []psStationBrief `json:"stations"`
	UnderRepair           bool             `json:"under_repair"`
	URL                   string           `json:"url"`
}

// psMinimal is one item of a search that asked for the core only.
type psMinimal struct {
	Access         int             `json:"access"`
	CompassBearing *float64        `json:"compass_bearing,omitempty"`
	DistanceMeters *float64        `json:"distance_meters,omitempty"`
	Icon           string          `json:"icon"`
	IconType       string          `json:"icon_type"`
	ID             int             `json:"id"`
	Latitude       float64         `json:"latitude"`
	Longitude      float64         `json:"longitude"`
	Name           string          `json:"name"`
	Owner          *psOwner        `json:"owner,omitempty"`
	Score          *psNumber       `json:"score,omitempty"`
	Stations       []psStationTiny `json:"stations"`
	URL            string          `json:"url"`
}

type psStationBrief struct {
	ID        int             `json:"id"`
	NetworkID *int            `json:"network_id,omitempty"`
	Outlets   []psOutletBrief `json:"outlets"`
}

type psOutletBrief struct {
	Connector int       `json:"connector"`
	ID        int       `json:"id"`
	Kilowatts *psNumber `json:"kilowatts"`
	Power     int       `json:"power"`
	Status    *string   `json:"status"`
}

type psStationTiny struct {
	ID        int            `json:"id"`
	NetworkID *int           `json:"network_id,omitempty"`
	Outlets   []psOutletTiny `json:"outlets"`
}

type psOutletTiny struct {
	Connector int `json:"connector"`
	ID        int `json:"id"`
	Power     int `json:"power"`
}

type psStation struct {
	Amps                  *int       `json:"amps"`
	Available             int        `json:"available"`
	AvailableChangedAt    *string    `json:"available_changed_at"`
	Cost                  int        `json:"cost"`
	CostDescription       string     `json:"cost_description"`
	CreatedAt             string     `json:"created_at"`
	Hours                 string     `json:"hours"`
	ID                    int        `json:"id"`
	Kilowatts             *psNumber  `json:"kilowatts"`
	Latitude              *float64   `json:"latitude,omitempty"`
	LocationID            int        `json:"location_id"`
	Longitude             *float64   `json:"longitude,omitempty"`
	Manufacturer          string     `json:"manufacturer"`
	Model                 string     `json:"model"`
	Name                  *string    `json:"name"`
	Network               any        `json:"network,omitempty"` // a *psNetwork, "" or absent
	NetworkExtID          *string    `json:"network_ext_id"`
	NetworkID             *int       `json:"network_id"`
	NissanNCTC            bool       `json:"nissan_nctc"`
	OCPIIDs               []string   `json:"ocpi_ids"`
	OCPPVersion           *string    `json:"ocpp_version"`
	Outlets               []psOutlet `json:"outlets"`
	PaymentEnabled        *bool      `json:"payment_enabled"`
	PreChargeInstructions *string    `json:"pre_charge_instructions"`
	PreferredFeedID       *int       `json:"preferred_feed_id"`
	Promos                []int      `json:"promos"`
	PWPSVersion           *int       `json:"pwps_version"`
	QREnabled             *bool      `json:"qr_enabled"`
	RequiresAccessCard    bool       `json:"requiresAccessCard"`
	Volts                 *int       `json:"volts"`

	site *Site         // whose status it feeds; nil without feed
	lag  time.Duration // of the feed
}

type psOutlet struct {
	Amps               *int      `json:"amps"`
	Available          *int      `json:"available"`
	AvailableChangedAt *string   `json:"available_changed_at"`
	Connector          int       `json:"connector"`
	ConnectorName      *string   `json:"connector_name"`
	ConnectorType      int       `json:"connector_type"`
	Description        *string   `json:"description"`
	EVSEExtID          *string   `json:"evse_ext_id"`
	ID                 int       `json:"id"`
	Kilowatts          *psNumber `json:"kilowatts"`
	NetworkExtID       *string   `json:"network_ext_id"`
	OutletIndex        *int      `json:"outlet_index"`
	Power              int       `json:"power"`
	Prices             []psPrice `json:"prices"`
	Status             *string   `json:"status"`
	StatusChangedAt    *string   `json:"status_changed_at"`
	Volts              *int      `json:"volts"`

	evse *EVSE
}

// psPrice is made like an OCPI tariff.
type psPrice struct {
	Currency            string           `json:"currency"`
	Elements            []psPriceElement `json:"elements"`
	TariffGeneratedText string           `json:"tariff_generated_text"`
}

type psPriceElement struct {
	PriceComponents []psPriceComponent `json:"price_components"`
}

type psPriceComponent struct {
	Price psNumber `json:"price"`
	Type  string   `json:"type"`
}

type psNetwork struct {
	ActionName           string  `json:"action_name,omitempty"`
	ActionURL            string  `json:"action_url,omitempty"`
	Description          *string `json:"description"`
	E164PhoneNumber      string  `json:"e164_phone_number"`
	FormattedPhoneNumber string  `json:"formatted_phone_number"`
	ID                   int     `json:"id"`
	Image                string  `json:"image,omitempty"`
	Name                 string  `json:"name"`
	Phone                *string `json:"phone"`
	URL                  *string `json:"url"`
}

type psDatasource struct {
	ID           int        `json:"id"`
	MapType      int        `json:"map_type"`
	Network      *psNetwork `json:"network"`
	NetworkExtID string     `json:"network_ext_id"`
}

type psAmenity struct {
	LocationID int `json:"location_id"`
	Type       int `json:"type"`
}

type psDescriptor struct {
	Connector int `json:"connector"`
	Power     int `json:"power"`
}

type psOpening struct {
	ExceptionalClosings []psHours `json:"exceptional_closings"`
	ExceptionalOpenings []psHours `json:"exceptional_openings"`
	RegularHours        []psHours `json:"regular_hours"`
	TwentyFourSeven     bool      `json:"twenty_four_seven"`
	Twentyfourseven     bool      `json:"twentyfourseven"`
}

// psHours is OCPI's RegularHours: weekday 1 is Monday.
type psHours struct {
	PeriodBegin string `json:"period_begin"`
	PeriodEnd   string `json:"period_end"`
	Weekday     int    `json:"weekday"`
}

type psAddress struct {
	AdministrativeArea1 *string `json:"administrative_area_1"`
	AdministrativeArea2 *string `json:"administrative_area_2"`
	AdministrativeArea3 *string `json:"administrative_area_3"`
	CountryCode         string  `json:"country_code"`
	Locality            *string `json:"locality"`
	PostalCode          *string `json:"postal_code"`
	Route               *string `json:"route"`
	StreetNumber        *string `json:"street_number"`
	Sublocality1        *string `json:"sublocality_1"`
	Sublocality2        *string `json:"sublocality_2"`
	Sublocality3        *string `json:"sublocality_3"`
}

type psPhoto struct {
	Caption     string  `json:"caption"`
	CreatedAt   string  `json:"created_at"`
	ID          int     `json:"id"`
	IsVisible   bool    `json:"is_visible"`
	Language    *string `json:"language"`
	Order       *int    `json:"order"`
	Thumbnail   string  `json:"thumbnail"`
	Thumbnail2x string  `json:"thumbnail2x"`
	URL         string  `json:"url"`
	UserID      *int    `json:"user_id"`
}

type psReview struct {
	Amps                       *int    `json:"amps"`
	Comment                    string  `json:"comment"`
	ConnectorType              *int    `json:"connector_type,omitempty"`
	CreatedAt                  string  `json:"created_at"`
	Finished                   *string `json:"finished,omitempty"`
	ID                         int     `json:"id"`
	IsVisible                  bool    `json:"is_visible"`
	Kilowatts                  *int    `json:"kilowatts"`
	Language                   *string `json:"language"`
	OutletID                   *int    `json:"outlet_id,omitempty"`
	Problem                    int     `json:"problem"`
	ProblemDescription         string  `json:"problem_description"`
	Rating                     int     `json:"rating"`
	Response                   *string `json:"response"`
	SpamCategory               *int    `json:"spam_category,omitempty"`
	SpamCategoryDescription    *string `json:"spam_category_description,omitempty"`
	StationID                  *int    `json:"station_id,omitempty"`
	User                       any     `json:"user,omitempty"` // a *psUser, "" or absent
	VehicleDefaultImg          *string `json:"vehicle_default_img,omitempty"`
	VehicleMake                *string `json:"vehicle_make,omitempty"`
	VehicleMakeImageURL        *string `json:"vehicle_make_image_url,omitempty"`
	VehicleMakeProfileImageURL *string `json:"vehicle_make_profile_image_url,omitempty"`
	VehicleName                *string `json:"vehicle_name,omitempty"`
	VehicleType                *int    `json:"vehicle_type,omitempty"`
	Volts                      *int    `json:"volts"`
	Waiting                    bool    `json:"waiting"`
}

// psOwner is how searches tell whose home it is.
type psOwner struct {
	FirstName string `json:"first_name"`
	ID        int    `json:"id"`
}

// psUser is far more than anybody needs to know of a person.
type psUser struct {
	About                string   `json:"about"`
	AllowNotifications   *bool    `json:"allow_notifications"`
	AllowPromoEmail      bool     `json:"allow_promo_email"`
	Bookmarks            []int    `json:"bookmarks"`
	ChargerType          int      `json:"charger_type"`
	CountryCode          *string  `json:"country_code"`
	CreatedAt            string   `json:"created_at"`
	DisplayName          string   `json:"display_name"`
	E164PhoneNumber      string   `json:"e164_phone_number"`
	FirstName            string   `json:"first_name"`
	FormattedPhoneNumber string   `json:"formatted_phone_number"`
	ID                   int      `json:"id"`
	IsDeleted            bool     `json:"is_deleted"`
	LanguageCode         *string  `json:"language_code"`
	LastLogin            string   `json:"last_login"`
	LastName             string   `json:"last_name"`
	Locations            []int    `json:"locations"`
	NotifyNearby         int      `json:"notify_nearby"`
	NotifyNearbyRadius   int      `json:"notify_nearby_radius"`
	Phone                string   `json:"phone"`
	Photos               []string `json:"photos"`
	SetupComplete        bool     `json:"setup_complete"`
	VehicleDescription   string   `json:"vehicle_description"`
	VehicleType          int      `json:"vehicle_type"`
}

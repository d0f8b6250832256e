package sandbox

import "time"

// SiteID numbers sites from 1, in the order they were made.
type SiteID int

// PersonID numbers people from 1; 0 is nobody known.
type PersonID int

// Site is a place where vehicles charge, as it really is.
type Site struct {
	ID SiteID
	// Area is the key of the City or Motorway it stands in.
	Area string
	Kind SiteKind
	// Name is what the place calls itself; Host is the business there, empty
	// for kerbside sites.
	Name, Host string
	Address    Address
	// Lat and Lon are WGS84 degrees, Lon in [-180, 180).
	Lat, Lon float64
	TimeZone string
	// Operator is the key of the operator of the first station. Other stations
	// may have another one.
	Operator  string
	Lifecycle Lifecycle
	// OpenedAt is in the future of the epoch for a planned site. ClosedAt is
	// zero unless the site is closed.
	OpenedAt, ClosedAt time.Time
	Access             Access
	// Membership tells that a contract or card is needed, PayOnSite that a
	// stranger can pay there. Both may be true, or neither for free sites.
	Membership, PayOnSite bool
	Opening               Opening
	Tariff                Tariff
	Parking               Parking
	Amenities             []Amenity
	Phone, Website        string
	// Directions says how to find the chargers, in the local language; often
	// empty.
	Directions string
	Stations   []Station
	// Reviews and Photos are newest first.
	Reviews []Review
	Photos  []Photo
}

// Address is a postal address in the local spelling.
type Address struct {
	Street, Number, Town string
	Region, RegionCode   string
	Postcode             string
	// Country is ISO 3166-1 alpha-2.
	Country string
}

// Station is one cabinet: an enclosure with one or more EVSEs.
type Station struct {
	// ID is unique in the world.
	ID int
	// Label is painted on the cabinet: A, B, …
	Label               string
	Lat, Lon            float64
	Operator            string
	Manufacturer, Model string
	EVSEs               []EVSE
}

// EVSE charges one vehicle at a time, through any one of its plugs.
type EVSE struct {
	// UID is unique in the world and never shown to drivers.
	UID string
	// EVSEID is the eMI3 id, such as GB*VLT*E000123A*1.
	EVSEID string
	// Number counts from 1 within the site.
	Number       int
	Capabilities []Capability
	// BrokenSince is zero for an EVSE in order.
	BrokenSince time.Time
	Plugs       []Plug
}

// Plug is one connector of an EVSE.
type Plug struct {
	Kind PlugKind
	// Cable tells that the cable is fixed to the station.
	Cable   bool
	Current Current
	// PowerKW is what the plug gives at most. VoltageV is line to line for
	// three phases.
	PowerKW            float64
	VoltageV, CurrentA int
}

// Review is one person's visit, or remark, in their own words.
type Review struct {
	// ID is unique in the world.
	ID     int
	Author PersonID
	At     time.Time
	Topic  Topic
	// Outcome is what happened; OutcomeNone for a remark without a visit.
	Outcome Outcome
	// Rating is 1..5 and agrees with Outcome; 0 when none was given.
	Rating int
	// Text may be empty; Language is its BCP 47 tag.
	Text, Language string
	Vehicle        string
	// EVSE is the UID of the EVSE used, empty when nobody noted it.
	EVSE string
}

// Photo is one picture of the site.
type Photo struct {
	// ID is unique in the world.
	ID      int
	Author  PersonID
	At      time.Time
	Caption string
}

// Person writes reviews and takes photos.
type Person struct {
	ID   PersonID
	Name string
	// Reputation is what the person has earned at a directory.
	Reputation int
	// AvatarHash is 32 hexadecimal digits that stand for an e-mail address.
	AvatarHash string
}

// Operator runs equipment.
type Operator struct {
	// Key is unique in the world.
	Key  string
	Name string
	// Aliases are other spellings that people and directories use.
	Aliases []string
	// Former is a brand that the operator went by until a few years ago, empty
	// for most.
	Former string
	// Network is the brand a driver signs up to; several operators may share
	// one.
	Network string
	// Country is where it is registered (ISO 3166-1 alpha-2) and Party its
	// three characters in EVSE ids.
	Country, Party string
	// Markets are the countries it works in, and Weight its part of the sites
	// there.
	Markets        []string
	Weight         float64
	Website, Phone string
	Email          string
	// Kind tells real networks from people who just own a charger.
	Kind OperatorKind
}

// Tariff is the price at a site, taxes included. All zero means free.
type Tariff struct {
	// Currency is ISO 4217, set even when charging is free.
	Currency                      string
	PerKWh, PerMinute, PerSession float64
	Free                          bool
	ParkingPerHour, IdlePerMinute float64
}

// Opening is when the site can be used, in local time.
type Opening struct {
	Always bool
	// Days is indexed by time.Weekday.
	Days [7]Hours
}

// Hours are minutes after midnight; a closed day has From == To.
type Hours struct{ From, To int }

// Parking is where the vehicle stands.
type Parking struct {
	Kind ParkingKind
	// Level is such as "-1" or "P2", empty at street level.
	Level string
	// HeightM is the clearance in metres, 0 for none.
	HeightM                            float64
	Lit, Covered, Accessible           bool
	TrailerFriendly, PullThrough, Fees bool
}

// SiteKind is what sort of place a site is.
type SiteKind uint8

// Kinds of site.
const (
	Kerbside SiteKind = iota + 1
	CarPark
	Supermarket
	Mall
	Hotel
	Restaurant
	Museum
	Hospital
	School
	Dealership
	Workplace
	FuelStation
	MotorwayServices
	TrainStation
	Residence
)

// Lifecycle is where a site is between plan and memory.
type Lifecycle uint8

// Stages of a site.
const (
	Open Lifecycle = iota + 1
	Planned
	Closed
)

// Access is who may charge.
type Access uint8

// Kinds of access.
const (
	Public Access = iota + 1
	NoticeRequired
	CustomersOnly
	StaffOnly
	PrivateHome
)

// OperatorKind tells networks from owners.
type OperatorKind uint8

// Kinds of operator.
const (
	Network OperatorKind = iota + 1
	BusinessOwner
	PrivateIndividual
)

// PlugKind is the physical form of a plug.
type PlugKind uint8

// Plugs of the world.
const (
	Type1 PlugKind = iota + 1
	Type2
	CCS1
	CCS2
	CHAdeMO
	NACS
	GBTAC
	GBTDC
	Schuko
	BS1363
	AS3112
	NEMA515
	NEMA1450
	IndustrialBlue // IEC 60309, single phase, three pins
	IndustrialRed  // IEC 60309, three phases, five pins
)

// Current is the kind of current of a plug.
type Current uint8

// Kinds of current.
const (
	ACSingle Current = iota + 1
	ACThree
	DC
)

// Capability is what an EVSE can do besides charging.
type Capability uint8

// Capabilities of an EVSE.
const (
	RFID Capability = iota + 1
	RemoteStart
	CreditCard
	Contactless
	Reservable
	PlugAndCharge
)

// ParkingKind is the sort of parking at a site.
type ParkingKind uint8

// Kinds of parking.
const (
	OnStreet ParkingKind = iota + 1
	ParkingLot
	Garage
	UndergroundGarage
	Driveway
	AlongMotorway
)

// Amenity is something useful within a short walk.
type Amenity uint8

// Amenities of a site.
const (
	Toilets Amenity = iota + 1
	Food
	Coffee
	Shopping
	Groceries
	WiFi
	Lodging
	Playground
	Park
	PublicTransport
	EVParkingOnly
	ValetParking
)

// Topic is what a review is about.
type Topic uint8

// Topics of reviews.
const (
	TopicVisit Topic = iota + 1
	TopicNotice
	TopicFault
	TopicCorrection
)

// Outcome is what came of a visit.
type Outcome uint8

// Outcomes of visits.
const (
	OutcomeNone Outcome = iota
	Charged
	ChargedByRobot // an automatic report of a vehicle
	NotWorking
	NotInstalled
	EquipmentProblem
	Incompatible
	CardRefused
	NothingThere
	BusyEV
	Blocked
	NoAccess
	NotFound
	ConfirmedCorrect
	IsDuplicate
	IsGone
	OtherBad
	OtherGood
	DidNotVisit
)

// Good tells whether the outcome speaks for the site; ok is false when it
// says nothing.
func (o Outcome) Good() (good, ok bool) {
	switch o {
	case Charged, ChargedByRobot, ConfirmedCorrect, OtherGood, BusyEV:
		return true, true
	case OutcomeNone, DidNotVisit:
		return false, false
	default:
		return false, true
	}
}

package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// MaxSites is the largest world that can be made. It keeps every id that a
// view derives from a site's number below 2^31, as upstreams promise.
const MaxSites = 200_000

// Params decides everything about a world. Two worlds made of equal Params are
// equal. This file is the one place where the numbers stand; DefaultParams
// gives the usual world.
//
// Fields called a chance or a share are probabilities in 0..1.
type Params struct {
	// Seed picks the world. Every value is a good one.
	Seed uint64
	// Sites is the number of sites in the truth, 0..MaxSites.
	Sites int
	// Epoch is the world's today, in UTC: no site opened, no review was
	// written and no record was edited after it (openings of planned sites
	// excepted). It is a constant rather than the clock so that the same seed
	// means the same world tomorrow.
	Epoch time.Time
	// Cities and Motorways are where sites stand. A site is put into one of
	// them with a probability proportional to its Weight.
	Cities    []City
	Motorways []Motorway
	// Truth shapes the sites themselves.
	Truth TruthParams
	// OCM is what Open Charge Map gets wrong about them.
	OCM OCMNoise
	// PlugShare is what PlugShare's drivers get wrong.
	PlugShare PlugShareNoise
	// OCPI is how operators publish them by OCPI, OCPPLAB what is left of them at
	// a gateway of simulated chargers.
	OCPI    OCPINoise
	OCPPLAB OCPPLABNoise
}

// City is a real city area that holds made-up sites. Density falls off with
// the distance from the centre.
type City struct {
	// Key names the city in Site.Area: lower case, unique in the world.
	Key string
	// Town, Region and RegionCode are spelt as a local directory would.
	Town, Region, RegionCode string
	// Country is an ISO 3166-1 alpha-2 code that the package has a profile of.
	Country string
	// TimeZone is an IANA name.
	TimeZone string
	// Lat and Lon are the centre, WGS84 degrees.
	Lat, Lon float64
	// RadiusKM is how far from the centre the last site may stand.
	RadiusKM float64
	// Postcode is a pattern: # stands for a digit, @ for a capital letter, the
	// rest for itself. Empty: the country has no postcodes.
	Postcode string
	// Weight is the city's part of the sites, relative to all other weights.
	Weight float64
}

// Motorway is a line along which sites stand, within a few hundred metres.
type Motorway struct {
	// Key names the motorway in Site.Area.
	Key string
	// Road is what signs say.
	Road string
	// Line has at least two vertices. Neighbours are joined the short way
	// round, so a line may cross the antimeridian.
	Line []Waypoint
	// Weight is the motorway's part of the sites.
	Weight float64
}

// Waypoint is a vertex of a motorway; what it says about place holds from
// there to the next one.
type Waypoint struct {
	Lat, Lon                 float64
	Town, Region, RegionCode string
	Country                  string
	TimeZone                 string
	Postcode                 string
}

// TruthParams shapes the sites before anybody describes them.
type TruthParams struct {
	// Planned is the chance that a site has not opened yet, Closed that it is
	// gone for good.
	Planned, Closed float64
	// SecondOperator is the chance that a site also holds stations of another
	// operator.
	SecondOperator float64
	// Restricted and Home are the chances that a site is not for everybody
	// (staff, customers) or is somebody's home.
	Restricted, Home float64
	// Free is the chance that charging costs nothing.
	Free float64
	// Broken is the chance that one EVSE is out of order at the epoch.
	Broken float64
	// ReviewsMean is the average number of reviews of a site (most have none,
	// a few have many); ReviewsMax bounds it.
	ReviewsMean float64
	ReviewsMax  int
	// PhotosMean is the average number of photos of a site; at most 12.
	PhotosMean float64
	// People is how many reviewers and photographers there are.
	People int
}

// OCMNoise is how Open Charge Map knows the world. The defaults follow what
// was counted in real data (6,352 points of interest), rare ones raised a
// little so that a world of 5,000 sites has several of each.
//
// Everything here happens in the view. The truth has none of it.
type OCMNoise struct {
	// Unlisted is the chance that nobody told Open Charge Map of a site.
	Unlisted float64
	// Twin is the chance that a site is listed a second time within 100 m, by
	// another data provider, with its own comments.
	Twin float64
	// TwinMarked is the chance that an editor noticed the twin: status 210
	// (half of them) or submission status 1001.
	TwinMarked float64
	// Archived is the chance that an import was edited by hand: the record
	// goes to provider 1 and its former self stays behind as its parent, with
	// submission status 1005.
	Archived float64
	// Repeated is the chance that the answer holds the same record twice.
	Repeated float64

	// UnderReview, Delisted and NotPublic are the chances of submission status
	// 1, of 1000, 1002 or 1020, and of 1010.
	UnderReview, Delisted, NotPublic float64
	// ClosedListed is the chance that a closed site is still listed as if it
	// were there; otherwise it has status 200.
	ClosedListed float64
	// StatusNull and StatusZero are the two ways not to know the status.
	StatusNull, StatusZero float64
	// UsageNull and UsageZero are the two ways not to know the usage.
	UsageNull, UsageZero float64
	// OperatorNull and OperatorUnknown (id 1) are the two ways not to know the
	// operator. OperatorStale is the chance that an operator which once had
	// another brand is still listed under that.
	OperatorNull, OperatorUnknown, OperatorStale float64
	// NotOpen is the chance of a data provider without an open licence.
	NotOpen float64

	// PositionSigmaM is the standard deviation of the stated position from
	// the true one, in metres, each way. PositionFar is the chance of being
	// off by 100 to 600 m, PositionZero of being at 0,0, PositionRounded of
	// three decimals only.
	PositionSigmaM, PositionFar, PositionZero, PositionRounded float64
	// WrongCountry is the chance of a country that the position is not in.
	WrongCountry float64
	// TitleBlank is the chance of a blank before or after the title, LineBreak
	// of CR LF within address or notes, Markup of HTML in a text, Capitals of
	// a title in capitals.
	TitleBlank, LineBreak, Markup, Capitals float64
	// RegionVariant is the chance of another spelling of the state or
	// province, RegionNull and PostcodeNull of none.
	RegionVariant, RegionNull, PostcodeNull float64
	// LinkMissing is the chance of no RelatedURL, LinkBare of a host without a
	// scheme, LinkScript of a javascript: address.
	LinkMissing, LinkBare, LinkScript float64
	// CostNull and CostEmpty are the chances of no price and of an empty one.
	CostNull, CostEmpty float64
	// PointsNull is the chance of no NumberOfPoints, PointsWrong of a wrong
	// one.
	PointsNull, PointsWrong float64
	// Metadata is the chance of MetadataValues on a record whose provider does
	// not ask for an attribution text.
	Metadata float64

	// NoConnections is the chance of an empty list of connections; of a
	// connection: TypeZero of type 0, QuantityNull and QuantityZero, PowerNull,
	// PowerWrong (a default that an import made up), ElectricNull of neither
	// amps nor volts, CurrentNull of no current type, ConnStatusNull of no
	// status. DuplicateRows is the chance of a record that lists each plug in
	// a row of its own instead of a quantity.
	NoConnections                        float64
	TypeZero, QuantityNull, QuantityZero float64
	PowerNull, PowerWrong, ElectricNull  float64
	CurrentNull, ConnStatusNull          float64
	DuplicateRows                        float64

	// ReviewKnown and PhotoKnown are the shares of the world's reviews and
	// photos that were posted to Open Charge Map.
	ReviewKnown, PhotoKnown float64
	// Of a comment: chances of no text, no rating, no check-in status, no
	// user, and (without a user) no name; of a rating that contradicts the
	// outcome, of one outside 1..5, and of a link that no browser should open.
	CommentNoText, CommentNoRating, CommentNoCheckin float64
	CommentNoUser, CommentNoName                     float64
	RatingContradicts, RatingOutside, CommentLink    float64
	// Of a photo: chances of being disabled, a video, hosted elsewhere, of
	// unknown author, and on the older host.
	PhotoDisabled, PhotoVideo, PhotoExternal float64
	PhotoNoUser, PhotoOldHost                float64
	// DateWithoutZone is the chance of a comment's or photo's date without Z.
	DateWithoutZone float64
}

// DefaultParams returns the usual world: seed 1, 5,000 sites, twelve cities on
// five continents (two of them in Great Britain) and two motorways, one across
// the antimeridian.
func DefaultParams() Params {
	return Params{
		Seed:      1,
		Sites:     5_000,
		Epoch:     time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC),
		Cities:    defaultCities(),
		Motorways: defaultMotorways(),
		Truth: TruthParams{
			Planned: 0.02, Closed: 0.03,
			SecondOperator: 0.06,
			Restricted:     0.10, Home: 0.02,
			Free: 0.12, Broken: 0.04,
			ReviewsMean: 4, ReviewsMax: 80,
			PhotosMean: 0.8,
			People:     600,
		},
		OCM: OCMNoise{
			Unlisted: 0.10,
			Twin:     0.02, TwinMarked: 0.25,
			Archived: 0.02, Repeated: 0.002,
			UnderReview: 0.01, Delisted: 0.015, NotPublic: 0.003, ClosedListed: 0.35,
			StatusNull: 0.14, StatusZero: 0.30,
			UsageNull: 0.20, UsageZero: 0.04,
			OperatorNull: 0.15, OperatorUnknown: 0.10, OperatorStale: 0.2,
			NotOpen:        0.12,
			PositionSigmaM: 12, PositionFar: 0.02, PositionZero: 0.002, PositionRounded: 0.01,
			WrongCountry: 0.002,
			TitleBlank:   0.012, LineBreak: 0.05, Markup: 0.01, Capitals: 0.02,
			RegionVariant: 0.30, RegionNull: 0.15, PostcodeNull: 0.10,
			LinkMissing: 0.40, LinkBare: 0.05, LinkScript: 0.002,
			CostNull: 0.60, CostEmpty: 0.01,
			PointsNull: 0.50, PointsWrong: 0.08,
			Metadata:      0.01,
			NoConnections: 0.07,
			TypeZero:      0.06, QuantityNull: 0.29, QuantityZero: 0.005,
			PowerNull: 0.25, PowerWrong: 0.04, ElectricNull: 0.45,
			CurrentNull: 0.35, ConnStatusNull: 0.69,
			DuplicateRows: 0.03,
			ReviewKnown:   0.25, PhotoKnown: 0.40,
			CommentNoText: 0.11, CommentNoRating: 0.30, CommentNoCheckin: 0.16,
			CommentNoUser: 0.19, CommentNoName: 0.45,
			RatingContradicts: 0.04, RatingOutside: 0.005, CommentLink: 0.01,
			PhotoDisabled: 0.04, PhotoVideo: 0.01, PhotoExternal: 0.01,
			PhotoNoUser: 0.03, PhotoOldHost: 0.30,
			DateWithoutZone: 0.02,
		},
		PlugShare: defaultPlugShareNoise(),
		OCPI:      defaultOCPINoise(),
		OCPPLAB:   defaultOCPPLABNoise(),
	}
}

func defaultCities() []City {
	return []City{
		{Key: "london", Town: "London", Region: "Greater London", RegionCode: "LND", Country: "GB", TimeZone: "Europe/London", Lat: 51.5074, Lon: -0.1278, RadiusKM: 22, Postcode: "SE# #@@", Weight: 12},
		{Key: "manchester", Town: "Manchester", Region: "Greater Manchester", RegionCode: "GTM", Country: "GB", TimeZone: "Europe/London", Lat: 53.4808, Lon: -2.2426, RadiusKM: 16, Postcode: "M## #@@", Weight: 6},
		{Key: "amsterdam", Town: "Amsterdam", Region: "Noord-Holland", RegionCode: "NH", Country: "NL", TimeZone: "Europe/Amsterdam", Lat: 52.3731, Lon: 4.8926, RadiusKM: 12, Postcode: "10## @@", Weight: 10},
		{Key: "berlin", Town: "Berlin", Region: "Berlin", RegionCode: "BE", Country: "DE", TimeZone: "Europe/Berlin", Lat: 52.52, Lon: 13.405, RadiusKM: 20, Postcode: "10###", Weight: 9},
		{Key: "oslo", Town: "Oslo", Region: "Oslo", RegionCode: "03", Country: "NO", TimeZone: "Europe/Oslo", Lat: 59.9139, Lon: 10.7522, RadiusKM: 14, Postcode: "0###", Weight: 8},
		{Key: "los-angeles", Town: "Los Angeles", Region: "California", RegionCode: "CA", Country: "US", TimeZone: "America/Los_Angeles", Lat: 34.0522, Lon: -118.2437, RadiusKM: 35, Postcode: "900##", Weight: 11},
		{Key: "austin", Town: "Austin", Region: "Texas", RegionCode: "TX", Country: "US", TimeZone: "America/Chicago", Lat: 30.2672, Lon: -97.7431, RadiusKM: 20, Postcode: "787##", Weight: 7},
		{Key: "sao-paulo", Town: "São Paulo", Region: "São Paulo", RegionCode: "SP", Country: "BR", TimeZone: "America/Sao_Paulo", Lat: -23.5505, Lon: -46.6333, RadiusKM: 20, Postcode: "01###-###", Weight: 5},
		{Key: "nairobi", Town: "Nairobi", Region: "Nairobi County", RegionCode: "30", Country: "KE", TimeZone: "Africa/Nairobi", Lat: -1.2864, Lon: 36.8172, RadiusKM: 12, Postcode: "00###", Weight: 3},
		{Key: "delhi", Town: "New Delhi", Region: "Delhi", RegionCode: "DL", Country: "IN", TimeZone: "Asia/Kolkata", Lat: 28.6139, Lon: 77.209, RadiusKM: 22, Postcode: "1100##", Weight: 7},
		{Key: "tokyo", Town: "東京", Region: "東京都", RegionCode: "13", Country: "JP", TimeZone: "Asia/Tokyo", Lat: 35.6762, Lon: 139.6503, RadiusKM: 25, Postcode: "1##-00##", Weight: 8},
		{Key: "sydney", Town: "Sydney", Region: "New South Wales", RegionCode: "NSW", Country: "AU", TimeZone: "Australia/Sydney", Lat: -33.8688, Lon: 151.2093, RadiusKM: 25, Postcode: "20##", Weight: 7},
	}
}

func defaultMotorways() []Motorway {
	return []Motorway{
		{Key: "rhine-seine", Road: "M7 Rhine–Seine", Weight: 5, Line: []Waypoint{
			{Lat: 52.0907, Lon: 5.1214, Town: "Utrecht", Region: "Utrecht", RegionCode: "UT", Country: "NL", TimeZone: "Europe/Amsterdam", Postcode: "35## @@"},
			{Lat: 51.5719, Lon: 4.7683, Town: "Breda", Region: "Noord-Brabant", RegionCode: "NB", Country: "NL", TimeZone: "Europe/Amsterdam", Postcode: "48## @@"},
			{Lat: 51.47, Lon: 4.73, Town: "Antwerpen", Region: "Antwerpen", RegionCode: "VAN", Country: "BE", TimeZone: "Europe/Brussels", Postcode: "2###"},
			{Lat: 50.8503, Lon: 4.3517, Town: "Bruxelles", Region: "Brussels", RegionCode: "BRU", Country: "BE", TimeZone: "Europe/Brussels", Postcode: "1###"},
			{Lat: 50.42, Lon: 3.9, Town: "Valenciennes", Region: "Hauts-de-France", RegionCode: "HDF", Country: "FR", TimeZone: "Europe/Paris", Postcode: "59###"},
			{Lat: 49.02, Lon: 2.55, Town: "Roissy", Region: "Île-de-France", RegionCode: "IDF", Country: "FR", TimeZone: "Europe/Paris", Postcode: "95###"},
		}},
		// The islands are real, the road is not: it goes over the sea where it
		// must, so that sites stand on both sides of 180 degrees.
		{Key: "date-line", Road: "Date Line Highway", Weight: 2, Line: []Waypoint{
			{Lat: -16.48, Lon: 179.30, Town: "Labasa", Region: "Northern", RegionCode: "N", Country: "FJ", TimeZone: "Pacific/Fiji"},
			{Lat: -16.70, Lon: 179.80, Town: "Taveuni", Region: "Northern", RegionCode: "N", Country: "FJ", TimeZone: "Pacific/Fiji"},
			{Lat: -16.88, Lon: -179.95, Town: "Taveuni", Region: "Northern", RegionCode: "N", Country: "FJ", TimeZone: "Pacific/Fiji"},
			{Lat: -17.05, Lon: -179.40, Town: "Lau", Region: "Eastern", RegionCode: "E", Country: "FJ", TimeZone: "Pacific/Fiji"},
		}},
	}
}

// validate names the first field that makes no sense, and its bound.
func (p Params) validate() error {
	switch {
	case p.Sites < 0 || p.Sites > MaxSites:
		return fmt.Errorf("sandbox: Params.Sites is %d, want 0..%d", p.Sites, MaxSites)
	case !(p.PlugShare.GroupM >= 0 && p.PlugShare.GroupM <= maxGroupM):
		return fmt.Errorf("sandbox: Params.PlugShare.GroupM is %v, want 0..%d metres", p.PlugShare.GroupM, maxGroupM)
	case p.Epoch.IsZero():
		return errors.New("sandbox: Params.Epoch is not set")
	case p.Truth.People < 1:
		return errors.New("sandbox: Params.Truth.People is less than 1")
	}
	total := 0.0
	for _, c := range p.Cities {
		if _, ok := countryProfiles()[c.Country]; !ok {
			return fmt.Errorf("sandbox: city %q: no profile of country %q", c.Key, c.Country)
		}
		if c.Weight < 0 {
			return fmt.Errorf("sandbox: city %q: Weight is negative", c.Key)
		}
		total += c.Weight
	}
	for _, m := range p.Motorways {
		if len(m.Line) < 2 {
			return fmt.Errorf("sandbox: motorway %q: Line has %d vertices, want at least 2", m.Key, len(m.Line))
		}
		for _, w := range m.Line {
			if _, ok := countryProfiles()[w.Country]; !ok {
				return fmt.Errorf("sandbox: motorway %q: no profile of country %q", m.Key, w.Country)
			}
		}
		if m.Weight < 0 {
			return fmt.Errorf("sandbox: motorway %q: Weight is negative", m.Key)
		}
		total += m.Weight
	}
	if p.Sites > 0 && total <= 0 {
		return errors.New("sandbox: Params has sites but no weighted city or motorway")
	}
	return nil
}

// OCPINoise is how operators publish the world by OCPI. The defaults follow
// what was counted in real feeds, rare ones raised a little so that a world of
// 5,000 sites has several of each.
//
// The zero value is a feed without a fault: every network publishes every
// site, and every record is as the specification wants it.
type OCPINoise struct {
	// Silent are the keys of operators that do not publish by OCPI. People and
	// businesses who own a charger never do.
	Silent []string
	// Unlisted is the chance that an operator forgot a site.
	Unlisted float64
	// ClosedListed is the chance that a closed site is still sent, all its
	// EVSEs REMOVED. PlannedListed is the chance that a planned one is sent
	// before it opens.
	ClosedListed, PlannedListed float64
	// StaffHidden is the chance of publish=false at a site for staff, Hidden
	// that at any other.
	StaffHidden, Hidden float64
	// Older is the chance that the feed also holds an older copy of a location,
	// under the same id.
	Older float64
	// NoEVSEs is the chance of a location without EVSEs, NoConnectors that of
	// an EVSE without connectors.
	NoEVSEs, NoConnectors float64
	// Removed is the chance that a location still lists a predecessor of its
	// first EVSE as REMOVED, under the same evse_id. Borrowed is the chance
	// that it lists an EVSE of another location of its operator, REMOVED.
	Removed, Borrowed float64

	// EVSEIDNull is the chance of an EVSE without evse_id; EVSEIDBare and
	// EVSEIDDashed are the chances of a location whose evse_ids have no
	// separators, or dashes.
	EVSEIDNull, EVSEIDBare, EVSEIDDashed float64
	// StatusUnknown is the chance of an EVSE that is always UNKNOWN (offline),
	// StatusBlocked that of one that says BLOCKED of a vehicle that is done.
	StatusUnknown, StatusBlocked float64
	// EVSEStale is the chance of a location whose EVSEs keep an old
	// last_updated while their status moves. LocationStale is the chance that
	// this is so and the location's own last_updated does not move either: then
	// asking for changes by date_from misses it.
	EVSEStale, LocationStale float64

	// PositionSigmaM is the standard deviation of the position in metres.
	PositionSigmaM float64
	// CoordinatesNull, CoordinatesAbsent and CoordinatesZero are three ways not
	// to know the position; CoordinatesNumber is the chance of numbers instead
	// of strings, CoordinatesRounded of three or four decimals.
	CoordinatesNull, CoordinatesAbsent, CoordinatesZero float64
	CoordinatesNumber, CoordinatesRounded               float64
	// EVSECoordinates is the chance that EVSEs tell where they stand.
	EVSECoordinates float64

	// NumberAsString is the chance of voltages, amperages and powers in
	// quotes, IDAsNumber that of an id without them, if it has digits only.
	NumberAsString, IDAsNumber float64
	// LowerCase is the chance of a location whose enums are in lower case,
	// Capitals of a connector's IEC_60309_2 standard in capitals.
	LowerCase, Capitals float64
	// UnknownStandard and UnknownCapability are the chances of a value that no
	// version of OCPI has.
	UnknownStandard, UnknownCapability float64
	// PowerNull is the chance of a location whose connectors tell no power.
	// LineToLine is the chance that three phases have the voltage between the
	// lines instead of the one to neutral.
	PowerNull, LineToLine float64
	// ThreePhaseType1 is the chance of AC_3_PHASE at a Type 1 plug, FastSocket
	// that of SOCKET at a fast charger's cable.
	ThreePhaseType1, FastSocket float64
	// TariffMissing is the chance of a location without tariffs.
	TariffMissing float64

	// NameNull, NameCode and NameBlank are the chances of no name, of the
	// operator's own number for one, and of a blank at its end.
	NameNull, NameCode, NameBlank float64
	// HouseZero is the chance of house number 0, DoubleBlank of two blanks in
	// the address, PostcodeNull of none, Alpha2 of a country in two letters.
	HouseZero, DoubleBlank, PostcodeNull, Alpha2 float64
	// ParkingTypeNull and TimeZoneNull are the chances of not telling them.
	ParkingTypeNull, TimeZoneNull float64
	// OperatorNull is the chance of no operator, OperatorVariant of another
	// spelling, Suboperator of a technical company beside it, Owner of the host
	// as owner.
	OperatorNull, OperatorVariant, Suboperator, Owner float64
	// OpeningNull is the chance of no opening_times; OpeningAllDay of "00:00"
	// to "24:00" on seven days instead of twentyfourseven, OpeningEmpty of
	// twentyfourseven=false and no hours, OpeningSeconds of "19:59:59",
	// OpeningClosings of exceptional closings.
	OpeningNull, OpeningAllDay, OpeningEmpty float64
	OpeningSeconds, OpeningClosings          float64
	// Images, EnergyMix, HelpPhone and Restrictions are the chances of telling
	// them; FacilitiesNull is the chance of not telling what is there.
	Images, EnergyMix, HelpPhone, Restrictions float64
	FacilitiesNull                             float64
	// TimeMillis, TimeOffset and TimeWithoutZone are the chances of a location
	// whose times have a fraction, an offset of +02:00 instead of Z, or
	// neither.
	TimeMillis, TimeOffset, TimeWithoutZone float64
}

func defaultOCPINoise() OCPINoise {
	return OCPINoise{
		Silent:   []string{"cobalt", "kerbwise", "ambervolt", "mesacharge", "pacificplug", "tomadasul", "bijlipath", "shirokaze", "ekimae", "lagoon"},
		Unlisted: 0.03, ClosedListed: 0.4, PlannedListed: 0.6,
		StaffHidden: 0.7, Hidden: 0.01,
		Older: 0.01, NoEVSEs: 0.005, NoConnectors: 0.004,
		Removed: 0.01, Borrowed: 0.005,
		EVSEIDNull: 0.004, EVSEIDBare: 0.27, EVSEIDDashed: 0.05,
		StatusUnknown: 0.02, StatusBlocked: 0.3,
		EVSEStale: 0.04, LocationStale: 0.02,
		PositionSigmaM:  6,
		CoordinatesNull: 0.004, CoordinatesAbsent: 0.002, CoordinatesZero: 0.003,
		CoordinatesNumber: 0.02, CoordinatesRounded: 0.05, EVSECoordinates: 0.08,
		NumberAsString: 0.02, IDAsNumber: 0.02, LowerCase: 0.01, Capitals: 0.5,
		UnknownStandard: 0.004, UnknownCapability: 0.01,
		PowerNull: 0.6, LineToLine: 0.3, ThreePhaseType1: 0.01, FastSocket: 0.02,
		TariffMissing: 0.12,
		NameNull:      0.05, NameCode: 0.1, NameBlank: 0.01,
		HouseZero: 0.01, DoubleBlank: 0.01, PostcodeNull: 0.04, Alpha2: 0.004,
		ParkingTypeNull: 0.47, TimeZoneNull: 0.03,
		OperatorNull: 0.04, OperatorVariant: 0.15, Suboperator: 0.05, Owner: 0.3,
		OpeningNull: 0.1, OpeningAllDay: 0.08, OpeningEmpty: 0.03,
		OpeningSeconds: 0.03, OpeningClosings: 0.03,
		Images: 0.1, EnergyMix: 0.2, HelpPhone: 0.3, Restrictions: 0.25, FacilitiesNull: 0.4,
		TimeMillis: 0.3, TimeOffset: 0.03, TimeWithoutZone: 0.02,
	}
}

// OCPPLABNoise is what an OCPPLAB gateway holds of the operators that keep
// simulated CPOs there.
type OCPPLABNoise struct {
	// Listed is the share of an operator's sites that its CPO has.
	Listed float64
	// FieldNull is the chance of null in a field of a location or charger, for
	// each one; CoordinatesNull that of a location without coordinates.
	FieldNull, CoordinatesNull float64
	// Hidden is the chance of public=false.
	Hidden float64
	// PositionSigmaM is the standard deviation of the position in metres.
	PositionSigmaM float64
	// NameVariant is the chance that a location is called after its address.
	NameVariant float64
}

func defaultOCPPLABNoise() OCPPLABNoise {
	return OCPPLABNoise{Listed: 0.3, FieldNull: 0.03, CoordinatesNull: 0.02, Hidden: 0.04, PositionSigmaM: 10, NameVariant: 0.2}
}

// PlugShareNoise is how PlugShare knows the world: by what drivers enter and
// by the feeds of some networks. The defaults follow what was counted in
// recorded answers, rare ones raised a little so that a world of 5,000 sites
// has several of each.
//
// The zero value knows every site, has one location for each, and the live
// status of none.
type PlugShareNoise struct {
	// Unlisted is the chance that nobody entered a site, PlannedUnlisted that
	// nobody entered one that has not opened.
	Unlisted, PlannedUnlisted float64
	// GroupM is the range within which open sites of the same access become one
	// location, in metres (0..200) from the one that was entered first. Apart is the
	// chance that such a site is a location of its own all the same.
	GroupM, Apart float64
	// Twin is the chance that a location is there a second time, 15 to 90 m
	// away, with check-ins of its own.
	Twin float64
	// FromOCM is the chance that a location was taken from Open Charge Map, if
	// that lists the site: with its title and position, and network 11.
	FromOCM float64
	// ClosedListed and ClosedDisabled are the chances that a closed site is
	// still listed, or that it can be had by its id only; otherwise it is gone.
	ClosedListed, ClosedDisabled float64
	// Hidden is the chance of a location that a key may not see: 200 and an
	// object without id.
	Hidden float64

	// PositionSigmaM is the standard deviation of the stated position from
	// the true one, in metres, each way; PositionFar the chance of being off by
	// 100 to 500 m.
	PositionSigmaM, PositionFar float64
	// NameMistyped, NameEmpty and NameCapitals are the chances of a name with a
	// slip of the keyboard, of none, and of one in capitals.
	NameMistyped, NameEmpty, NameCapitals float64
	// AddressPlusCode is the chance of a plus code for a street, AddressBreak of
	// a line break, AddressTwice of the country twice. GeocodeNull is the chance
	// of no reverse geocoded address.
	AddressPlusCode, AddressBreak, AddressTwice, GeocodeNull float64
	// Markup is the chance of HTML in a description.
	Markup float64
	// AccessWrong is the chance that a place for staff or customers is listed
	// as public.
	AccessWrong float64
	// CostUnknown is the chance that nobody said that charging costs something:
	// cost is false then, as it is for free charging.
	CostUnknown float64
	// HoursUnknown and PhoneMissing are the chances of not telling these.
	HoursUnknown, PhoneMissing float64
	// UpdatedPlain is the chance of updated_at without T and Z, OpeningNone of
	// the text "None" for opening_date, ClearanceText of a number in quotes.
	UpdatedPlain, OpeningNone, ClearanceText float64

	// StationMissing is the chance that a station besides the first one was
	// not entered, NoStations that no station was.
	StationMissing, NoStations float64
	// NetworkUnknown is the chance of a location whose stations have no
	// network, NetworkStale of a station under a brand that is no more,
	// NetworkEmpty of "" instead of no network in details.
	NetworkUnknown, NetworkStale, NetworkEmpty float64
	// PlugMissing is the chance that one of several kinds of plug of a station
	// is missing, PlugWrong that a plug has another connector id, PlugUnlisted
	// an id that is in no list.
	PlugMissing, PlugWrong, PlugUnlisted float64
	// ComboOld is the chance of a location outside North America whose CCS2
	// plugs are still 13, which means CCS1 today. StallAC is the chance of
	// power 0 at a Cobalt stall, which makes a fast charger a slow one.
	ComboOld, StallAC float64
	// PowerNull is the chance of a station without kilowatts, PowerWrong of
	// wrong ones.
	PowerNull, PowerWrong float64

	// Live are the keys of operators whose networks feed their status. Unfed is
	// the chance that the feed lacks a station, FeedDelayM how many minutes the
	// feed is behind at most. All other stations have no status.
	Live       []string
	Unfed      float64
	FeedDelayM int
	// StatusUnknown is the chance of a networked station without feed whose
	// outlets are UNKNOWN instead of null; MarkedBroken that drivers marked such
	// a station when all its EVSEs are broken.
	StatusUnknown, MarkedBroken float64

	// ReviewKnown and PhotoKnown are the shares of the world's reviews and
	// photos that were posted to PlugShare.
	ReviewKnown, PhotoKnown float64
	// CheckInsMean is the average number of check-ins of a location without a
	// word besides these, which the truth does not hold; Popular is the chance
	// of a location with 60 to 400 of them.
	CheckInsMean, Popular float64
	// Of a review: chances of no user, of "" for a user, of no connector, of a
	// mark of spam, of problem 1 in a neutral review, and of markup.
	ReviewNoUser, ReviewUserEmpty, ReviewNoConnector float64
	ReviewSpam, ReviewNeutralProblem, ReviewMarkup   float64
}

func defaultPlugShareNoise() PlugShareNoise {
	return PlugShareNoise{
		Unlisted: 0.22, PlannedUnlisted: 0.3,
		GroupM: 80, Apart: 0.15,
		Twin: 0.012, FromOCM: 0.06,
		ClosedListed: 0.3, ClosedDisabled: 0.4, Hidden: 0.002,
		PositionSigmaM: 15, PositionFar: 0.015,
		NameMistyped: 0.06, NameEmpty: 0.004, NameCapitals: 0.06,
		AddressPlusCode: 0.04, AddressBreak: 0.02, AddressTwice: 0.02, GeocodeNull: 0.03,
		Markup: 0.02, AccessWrong: 0.2,
		CostUnknown: 0.4, HoursUnknown: 0.5, PhoneMissing: 0.7,
		UpdatedPlain: 0.04, OpeningNone: 0.3, ClearanceText: 0.3,
		StationMissing: 0.08, NoStations: 0.002,
		NetworkUnknown: 0.3, NetworkStale: 0.3, NetworkEmpty: 0.05,
		PlugMissing: 0.08, PlugWrong: 0.015, PlugUnlisted: 0.003,
		ComboOld: 0.12, StallAC: 0.05,
		PowerNull: 0.55, PowerWrong: 0.05,
		Live:  []string{"voltaro", "stroomhalte", "ladefuchs", "fjordlading", "cobalt", "tumbleweed", "raioverde", "simbavolt", "bijlipath", "shirokaze", "wattlecharge", "lagoon"},
		Unfed: 0.1, FeedDelayM: 4,
		StatusUnknown: 0.05, MarkedBroken: 0.4,
		ReviewKnown: 0.6, PhotoKnown: 0.5,
		CheckInsMean: 4, Popular: 0.008,
		ReviewNoUser: 0.01, ReviewUserEmpty: 0.005, ReviewNoConnector: 0.03,
		ReviewSpam: 0.05, ReviewNeutralProblem: 0.05, ReviewMarkup: 0.01,
	}
}

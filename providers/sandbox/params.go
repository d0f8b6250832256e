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

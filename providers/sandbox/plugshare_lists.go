package sandbox

import (
	"slices"
	"strings"
)

// The networks of PlugShare that are no network of drivers: where it took
// records from.
const (
	psNetworkOCM = 11
	// Made-up networks get ids that no real one is known to have, and those of
	// former brands others.
	psFirstNetworkID = 7_001
	psFirstStaleID   = 7_501
)

// psNetworks are the networks by id, in the order of the ids, and the id of
// each operator's network, present and former. Operators that share a brand
// share an id; owners of a charger have none.
type psNetworks struct {
	list   []*psNetwork
	byID   map[int]*psNetwork
	ids    map[string]int // by operator
	former map[string]int // by operator
}

func newPSNetworks(w *World) *psNetworks {
	n := &psNetworks{byID: make(map[int]*psNetwork), ids: make(map[string]int), former: make(map[string]int)}
	add := func(x *psNetwork) {
		n.list = append(n.list, x)
		n.byID[x.ID] = x
	}
	add(&psNetwork{
		ID: psNetworkOCM, Name: "OpenChargeMap", Description: new("Open database of charging locations."),
		URL: new("https://openchargemap.example"),
	})
	byBrand := make(map[string]int)
	for i, o := range w.operators {
		if o.Kind != Network {
			continue
		}
		id, known := byBrand[o.Network]
		if !known {
			id = psFirstNetworkID + i
			byBrand[o.Network] = id
			x := &psNetwork{ID: id, Name: o.Network, E164PhoneNumber: strings.ReplaceAll(o.Phone, " ", ""), FormattedPhoneNumber: o.Phone}
			if phone := psLocalPhone(o.Phone); phone != "" {
				x.Phone = &phone
			}
			if i%3 != 2 { // some never sent more than a name
				x.Description = new(o.Network + " is a network of charging stations. Please call " + o.Phone + " for help.")
				x.URL = new(o.Website)
				x.Image = "https://assets.plugshare.example/network-images/" + slug(o.Network) + ".png"
			}
			if i%3 == 0 {
				x.ActionName, x.ActionURL = "Sign Up", o.Website+"/signup.html\t"
			}
			add(x)
		}
		n.ids[o.Key] = id
		if o.Former != "" {
			n.former[o.Key] = psFirstStaleID + i
			add(&psNetwork{ID: psFirstStaleID + i, Name: o.Former})
		}
	}
	slices.SortFunc(n.list, func(a, b *psNetwork) int { return a.ID - b.ID })
	return n
}

// psLocale is the market that a country belongs to.
func psLocale(country string) string {
	switch country {
	case "US":
		return "US"
	case "GB":
		return "UK"
	case "NL", "BE", "FR", "DE", "NO":
		return "EU"
	case "AU", "JP":
		return country
	default:
		return "WW"
	}
}

// psCountryName is the country as people write it at the end of an address.
func psCountryName(code string) string {
	return map[string]string{
		"GB": "UK", "NL": "Netherlands", "BE": "Belgium", "FR": "France", "DE": "Germany", "NO": "Norway", "US": "USA",
		"BR": "Brazil", "KE": "Kenya", "IN": "India", "JP": "Japan", "AU": "Australia", "FJ": "Fiji",
	}[code]
}

// psConnector is the id of a plug: its connector, and the power that only
// tells fast from slow at 6.
func psConnector(k PlugKind, current Current, cobalt bool) psDescriptor {
	switch k {
	case Type1:
		return psDescriptor{Connector: 2}
	case Type2:
		if cobalt && current == DC {
			return psDescriptor{6, 1}
		}
		return psDescriptor{Connector: 7}
	case CCS1:
		return psDescriptor{Connector: 13}
	case CCS2:
		return psDescriptor{Connector: 20}
	case CHAdeMO:
		return psDescriptor{Connector: 3}
	case NACS:
		if current == DC {
			return psDescriptor{6, 1}
		}
		return psDescriptor{Connector: 6}
	case GBTAC:
		return psDescriptor{Connector: 16}
	case GBTDC:
		return psDescriptor{Connector: 17}
	case Schuko:
		return psDescriptor{Connector: 10}
	case BS1363:
		return psDescriptor{Connector: 9}
	case AS3112:
		return psDescriptor{Connector: 12}
	case NEMA515:
		return psDescriptor{Connector: 1}
	case NEMA1450:
		return psDescriptor{Connector: 5}
	case IndustrialBlue:
		return psDescriptor{Connector: 15}
	case IndustrialRed:
		return psDescriptor{Connector: 14}
	}
	return psDescriptor{}
}

// psConnectorTitle is the display name in connector_types.
func psConnectorTitle(c psDescriptor) string {
	if c == (psDescriptor{6, 1}) {
		return "Tesla Supercharger"
	}
	titles := []string{
		1: "Wall", 2: "J-1772", 3: "CHAdeMO", 4: "Tesla (Roadster)", 5: "NEMA 14-50", 6: "Tesla", 7: "Type 2", 8: "Type 3",
		9: "Wall (BS1363)", 10: "Wall (Euro)", 11: "Commando", 12: "Wall (AU/NZ)", 13: "CCS1", 14: "Three Phase",
		15: "Caravan Mains Socket", 16: "GB/T", 17: "GB/T (Fast)", 20: "CCS2", 25: "NEMA TT-30",
	}
	if c.Connector >= len(titles) || titles[c.Connector] == "" {
		return "Other"
	}
	return titles[c.Connector]
}

// psConnectorName is the name that details give, after OCPI's.
func psConnectorName(connector int) *string {
	names := []string{
		2: "IEC_62196_T1", 3: "CHADEMO", 4: "TESLA_R", 6: "TESLA_S", 7: "IEC_62196_T2", 8: "IEC_62196_T3C", 9: "DOMESTIC_G",
		10: "DOMESTIC_F", 12: "DOMESTIC_I", 13: "IEC_62196_T1_COMBO", 14: "IEC_60309_2_three_16", 15: "IEC_60309_2_single_16",
		16: "GBT_AC", 17: "GBT_DC", 20: "IEC_62196_T2_COMBO",
	}
	if connector >= len(names) || names[connector] == "" {
		return nil
	}
	return new(names[connector])
}

// psFast tells whether an outlet charges with direct current.
func psFast(c psDescriptor) bool {
	return slices.Contains([]int{3, 13, 17, 20}, c.Connector) || c == psDescriptor{6, 1}
}

// psPOIName is the kind of place in PlugShare's words.
func psPOIName(d dice, k SiteKind, a Access) string {
	switch k {
	case Kerbside:
		return "Street Parking"
	case CarPark, TrainStation:
		return "Parking Garage/Lot"
	case Supermarket:
		return one(d, "Store", "Shopping Center")
	case Mall:
		return "Shopping Center"
	case Hotel:
		return "Hotel/Lodging"
	case Restaurant:
		return "Restaurant"
	case Museum:
		return "Museum"
	case Hospital:
		return one(d, "Hospital", "Hospital/Healthcare")
	case School:
		return "School/University"
	case Dealership:
		return "Car Dealership"
	case Workplace:
		if a == StaffOnly {
			return "Workplace Private"
		}
		return "Workplace Public"
	case FuelStation, MotorwayServices:
		return "Gas Station"
	case Residence:
		return "Residential"
	}
	return ""
}

// psAmenityType is the id of an amenity; ok is false for those that PlugShare
// has no word for.
func psAmenityType(a Amenity) (id int, ok bool) {
	id, ok = map[Amenity]int{
		Lodging: 1, Food: 2, Coffee: 2, Toilets: 3, EVParkingOnly: 4, ValetParking: 5, Park: 6, WiFi: 7, Shopping: 8, Groceries: 9,
	}[a]
	return id, ok
}

// psValidOutlets are the connectors that a locale knows, a left-over.
func psValidOutlets(locale string) []psDescriptor {
	ids := map[string][]int{
		"US": {13, 3, 2, 4, 5, 1}, "UK": {3, 2, 4, 7, 8, 9, 11, 14, 15}, "EU": {13, 3, 2, 4, 7, 8, 10, 14, 15},
		"AU": {13, 3, 2, 4, 7, 12, 14, 15}, "JP": {3, 2, 4, 1},
	}[locale]
	if ids == nil {
		ids = []int{13, 3, 2, 4, 7, 8, 14, 15, 5, 1, 9, 10, 12, 16, 17, 25}
	}
	valid := []psDescriptor{{6, 1}, {6, 0}}
	if locale == "AU" || locale == "JP" {
		valid = nil
	}
	for _, id := range ids {
		valid = append(valid, psDescriptor{Connector: id})
	}
	return valid
}

// psProblem is the text of a review's problem.
func psProblem(problem int) string {
	return []string{"Not specified", "Broken hardware", "In use", "Blocked by vehicle", "Could not activate", "Permanently closed"}[problem]
}

// psOutcome is what PlugShare makes of an outcome: a rating of 1, 0 or -1, and
// a problem. A station that others use is a bad one here.
func psOutcome(o Outcome) (rating, problem int) {
	switch o {
	case Charged, ChargedByRobot, ConfirmedCorrect, OtherGood:
		return 1, 0
	case NotWorking, EquipmentProblem:
		return -1, 1
	case BusyEV:
		return -1, 2
	case Blocked:
		return -1, 3
	case CardRefused:
		return -1, 4
	case NotInstalled, NothingThere, IsGone:
		return -1, 5
	case Incompatible, NoAccess, NotFound, OtherBad:
		return -1, 0
	default:
		return 0, 0
	}
}

// psLanguage is the three letters of a language.
func psLanguage(tag string) *string {
	base, _, _ := strings.Cut(tag, "-")
	code, ok := map[string]string{"en": "eng", "de": "deu", "nl": "nld", "fr": "fra", "no": "nor", "pt": "por", "ja": "jpn"}[base]
	if !ok {
		return nil
	}
	return &code
}

// psLocalPhone is a number without the code of its country.
func psLocalPhone(phone string) string {
	if rest, ok := strings.CutPrefix(phone, "+"); ok {
		_, phone, _ = strings.Cut(rest, " ")
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

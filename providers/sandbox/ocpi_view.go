package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ocpiLocation is a location as its operator publishes it: everything that
// does not move with time. What does is computed when it is written.
type ocpiLocation struct {
	site     *Site
	operator Operator
	id       string
	publish  bool

	name, address, city, postcode, state, country string
	position                                      ocpiPosition
	parkingType, timeZone                         string
	evses                                         []ocpiEVSE
	directions, language                          string
	business, suboperator, owner                  *ocpiBusiness
	phone                                         string
	facilities                                    []string
	opening                                       ocpiOpening
	whenClosed                                    *bool
	images                                        []ocpiImage
	energy                                        *ocpiEnergy
	bay                                           *ocpiBay
	tariff                                        string // id, empty for none

	edited time.Time
	// older is how long ago a copy was made that the feed forgot; 0 for the
	// location itself.
	older time.Duration
	// stale tells that last_updated does not follow the EVSEs' status.
	stale                         bool
	closedListed, plannedListed   bool
	nulls, lowerCase              bool
	quotedNumbers, bareIDs, power bool
	times                         ocpiTimes
}

type ocpiEVSE struct {
	truth *EVSE // nil for one that is REMOVED for good
	uid   string
	id    string // evse_id, empty for none
	// edited is when somebody last changed it, stale that last_updated stays
	// there whatever the status does.
	edited                        time.Time
	stale                         bool
	offline, blocked, inoperative bool
	capabilities                  []string
	restrictions                  []string
	connectors                    []ocpiConnector
	floor, reference              string
	position                      ocpiPosition
}

type ocpiConnector struct {
	id, standard, format, phases string
	standard211, standard221     string // in versions that lack the standard
	volts, amps, watts           int
	plugAndCharge                bool
}

// ocpiPosition is a pair of coordinates as they are written.
type ocpiPosition struct {
	lat, lon string
	form     ocpiForm
}

type ocpiForm uint8

const (
	ocpiAbsent ocpiForm = iota
	ocpiNull
	ocpiStrings
	ocpiNumbers
)

// ocpiTimes is how a party writes a moment.
type ocpiTimes uint8

const (
	ocpiTimesPlain ocpiTimes = iota
	ocpiTimesMillis
	ocpiTimesOffset
	ocpiTimesBare // no zone, which means UTC
)

func (t ocpiTimes) format(at time.Time) string {
	switch t {
	case ocpiTimesMillis:
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	case ocpiTimesOffset:
		return at.In(time.FixedZone("", 2*60*60)).Format("2006-01-02T15:04:05-07:00")
	case ocpiTimesBare:
		return at.UTC().Format("2006-01-02T15:04:05")
	default:
		return at.UTC().Format("2006-01-02T15:04:05Z")
	}
}

type ocpiBusiness struct{ name, website, logo string }

type ocpiImage struct {
	url, category string
	width, height int
}

type ocpiEnergy struct {
	green    bool
	supplier string
	solar    int // percent, the rest is wind
}

// ocpiBay is the parking place of 2.3.0.
type ocpiBay struct {
	heightCM          int
	lit, roofed, thru bool
	accessible        bool
}

// ocpiOpening is opening times as they are written.
type ocpiOpening struct {
	told, always bool
	days         []ocpiDay
	closings     [][2]string
}

type ocpiDay struct {
	weekday    int // Monday is 1
	begin, end string
}

// ocpiViewer turns sites into locations, with noise. Its answers depend on the
// sites that it has seen before, so it sees them in their order.
type ocpiViewer struct {
	w         *World
	noise     OCPINoise
	parties   map[string]*ocpiParty
	countries map[string]countryProfile
}

// ocpiParty is the habits of an operator, and its latest location.
type ocpiParty struct {
	operator Operator
	ids      ocpiIDs
	nulls    bool
	latest   *ocpiLocation
}

// ocpiIDs is how a party makes ids. They are unique within the party only: two
// that count can arrive at the same one.
type ocpiIDs uint8

const (
	ocpiIDsCount ocpiIDs = iota
	ocpiIDsLabel
	ocpiIDsUUID
	ocpiIDsHex
)

func newOCPIViewer(w *World) *ocpiViewer {
	v := &ocpiViewer{w: w, noise: w.params.OCPI, parties: make(map[string]*ocpiParty), countries: countryProfiles()}
	for _, o := range w.operators {
		if o.Kind != Network || slices.Contains(v.noise.Silent, o.Key) {
			continue
		}
		d := diceFor(w.params.Seed, "ocpi:party:"+o.Key, 0)
		v.parties[o.Key] = &ocpiParty{operator: o, ids: ocpiIDs(d.IntN(4)), nulls: d.chance(0.5)} //nolint:gosec // 0..3
	}
	return v
}

// site returns the locations of a site: one per operator that publishes, and
// now and then an older copy.
func (v *ocpiViewer) site(s *Site) []*ocpiLocation {
	var operators []string
	byOperator := make(map[string][]*Station)
	for i := range s.Stations {
		st := &s.Stations[i]
		if v.parties[st.Operator] == nil {
			continue
		}
		if byOperator[st.Operator] == nil {
			operators = append(operators, st.Operator)
		}
		byOperator[st.Operator] = append(byOperator[st.Operator], st)
	}
	var locations []*ocpiLocation
	for _, key := range operators {
		d := diceFor(v.w.params.Seed, "ocpi:"+key, int(s.ID))
		if d.chance(v.noise.Unlisted) {
			continue
		}
		l := v.location(d, s, v.parties[key], byOperator[key])
		if d.chance(v.noise.Older) {
			older := *l
			older.older = time.Duration(d.among(3, 200)) * 24 * time.Hour
			older.name = strings.TrimSpace(l.name + one(d, "", " (old)", " 1"))
			if d.chance(0.5) {
				locations = append(locations, &older, l)
			} else {
				locations = append(locations, l, &older)
			}
			continue
		}
		locations = append(locations, l)
	}
	return locations
}

func (v *ocpiViewer) location(d dice, s *Site, party *ocpiParty, stations []*Station) *ocpiLocation {
	n := v.noise
	l := &ocpiLocation{
		site: s, operator: party.operator, nulls: party.nulls,
		closedListed: d.chance(n.ClosedListed), plannedListed: d.chance(n.PlannedListed),
		lowerCase: d.chance(n.LowerCase), quotedNumbers: d.chance(n.NumberAsString), bareIDs: d.chance(n.IDAsNumber),
		power: !d.chance(n.PowerNull),
	}
	l.id = party.id(d, s)
	hidden := n.Hidden
	if s.Access == StaffOnly {
		hidden = n.StaffHidden
	}
	l.publish = !d.chance(hidden)
	switch x := d.Float64(); {
	case x < n.TimeMillis:
		l.times = ocpiTimesMillis
	case x < n.TimeMillis+n.TimeOffset:
		l.times = ocpiTimesOffset
	case x < n.TimeMillis+n.TimeOffset+n.TimeWithoutZone:
		l.times = ocpiTimesBare
	}
	l.edited = v.edited(d, s)
	evseStale := d.chance(n.EVSEStale)
	l.stale = d.chance(n.LocationStale)
	v.place(d, l)
	v.people(d, l)
	v.rules(d, l)
	v.extras(d, l)
	if !d.chance(n.TariffMissing) {
		l.tariff = "t-" + strings.ToLower(party.operator.Party) + "-" + strconv.Itoa(int(s.ID))
	}
	v.evses(d, l, party, stations, evseStale || l.stale)
	party.latest = l
	return l
}

// id draws from d whatever the habit is, so that habits move nothing else.
func (p *ocpiParty) id(d dice, s *Site) string {
	h := d.hex(32)
	switch p.ids {
	case ocpiIDsLabel:
		return "LOC" + strconv.Itoa(int(s.ID))
	case ocpiIDsUUID:
		return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
	case ocpiIDsHex:
		return h[:24]
	default:
		return strconv.Itoa(int(s.ID))
	}
}

// edited draws when somebody last changed the record by hand.
func (v *ocpiViewer) edited(d dice, s *Site) time.Time {
	epoch := v.w.params.Epoch
	begin := s.OpenedAt
	if begin.After(epoch.AddDate(0, 0, -30)) {
		begin = epoch.AddDate(0, 0, -30)
	}
	return begin.Add(time.Duration(d.Float64() * float64(epoch.Sub(begin)))).Truncate(time.Second)
}

// place tells where the location is.
func (v *ocpiViewer) place(d dice, l *ocpiLocation) {
	n, s := v.noise, l.site
	a := s.Address
	l.name = s.Name
	switch x := d.Float64(); {
	case x < n.NameNull:
		l.name = ""
	case x < n.NameNull+n.NameCode:
		l.name = fmt.Sprintf("T%s%s%06d", a.Country, l.operator.Party[:1], s.ID)
	case x < n.NameNull+n.NameCode+n.NameBlank:
		l.name += " "
	}
	number := a.Number
	if d.chance(n.HouseZero) {
		number = "0"
	}
	blank := " "
	if d.chance(n.DoubleBlank) {
		blank = "  "
	}
	l.address = a.Street + blank + number
	if v.countries[a.Country].numberFirst {
		l.address = number + blank + a.Street
	}
	l.city, l.postcode, l.state = a.Town, a.Postcode, a.Region
	if d.chance(n.PostcodeNull) {
		l.postcode = ""
	}
	l.country = ocpiCountry(a.Country)
	if d.chance(n.Alpha2) {
		l.country = a.Country
	}
	lat, lon := v.near(d, s.Lat, s.Lon)
	decimals := 6
	if d.chance(n.CoordinatesRounded) {
		decimals = d.among(3, 4)
	}
	l.position = ocpiPosition{strconv.FormatFloat(lat, 'f', decimals, 64), strconv.FormatFloat(lon, 'f', decimals, 64), ocpiStrings}
	switch x := d.Float64(); {
	case x < n.CoordinatesNull:
		l.position.form = ocpiNull
	case x < n.CoordinatesNull+n.CoordinatesAbsent:
		l.position.form = ocpiAbsent
	case x < n.CoordinatesNull+n.CoordinatesAbsent+n.CoordinatesZero:
		zero := one(d, "0.000000", "0.0", "0")
		l.position.lat, l.position.lon = zero, zero
	case x < n.CoordinatesNull+n.CoordinatesAbsent+n.CoordinatesZero+n.CoordinatesNumber:
		l.position.form = ocpiNumbers
	}
	if !d.chance(n.TimeZoneNull) {
		l.timeZone = s.TimeZone
	}
	if !d.chance(n.ParkingTypeNull) {
		l.parkingType = ocpiParking(s.Parking.Kind)
	}
	if s.Directions != "" {
		l.directions = s.Directions
		l.language, _, _ = strings.Cut(v.countries[a.Country].language, "-")
		if d.chance(0.2) {
			l.language = strings.ToUpper(l.language)
		}
	}
}

// near is a position as somebody measured it.
func (v *ocpiViewer) near(d dice, lat, lon float64) (float64, float64) {
	return scatter(d, lat, lon, v.noise.PositionSigmaM)
}

func scatter(d dice, lat, lon, sigmaM float64) (float64, float64) {
	north, east := d.NormFloat64()*sigmaM, d.NormFloat64()*sigmaM
	return move(lat, lon, math.Hypot(north, east), math.Atan2(north, east))
}

// people tells who runs and who owns it.
func (v *ocpiViewer) people(d dice, l *ocpiLocation) {
	n, o := v.noise, l.operator
	if !d.chance(n.OperatorNull) {
		b := ocpiBusiness{name: o.Name, website: o.Website}
		if d.chance(n.OperatorVariant) && len(o.Aliases) > 0 {
			b.name = one(d, o.Aliases...)
		}
		if d.chance(0.3) {
			b.logo = o.Website + "/logo.png"
		}
		l.business = &b
	}
	if d.chance(n.Suboperator) {
		l.suboperator = &ocpiBusiness{name: one(d, "Kabelwerk Services", "Tern Field Engineering", "Ampère & Zoon Beheer")}
	}
	if d.chance(n.Owner) {
		owner := ocpiBusiness{name: l.site.Host, website: l.site.Website}
		if owner.name == "" {
			owner.name = one(d, l.site.Address.Town, o.Name)
		}
		l.owner = &owner
	}
	if d.chance(n.HelpPhone) {
		l.phone = o.Phone
	}
}

// rules tells when it is open.
func (v *ocpiViewer) rules(d dice, l *ocpiLocation) {
	n := v.noise
	if d.chance(n.OpeningNull) {
		return
	}
	l.opening.told = true
	allDay, empty, seconds := d.chance(n.OpeningAllDay), d.chance(n.OpeningEmpty), d.chance(n.OpeningSeconds)
	switch {
	case l.site.Opening.Always && allDay:
		for day := 1; day <= 7; day++ {
			l.opening.days = append(l.opening.days, ocpiDay{day, "00:00", "24:00"})
		}
	case empty: // false, and nothing more
	case l.site.Opening.Always:
		l.opening.always = true
	default:
		for day := 1; day <= 7; day++ {
			h := l.site.Opening.Days[day%7] // Sunday is 0 there, 7 here
			if h.From == h.To {
				continue
			}
			end := fmt.Sprintf("%02d:%02d", h.To/60, h.To%60)
			if seconds {
				end = fmt.Sprintf("%02d:%02d:59", (h.To-1)/60, (h.To-1)%60)
			}
			l.opening.days = append(l.opening.days, ocpiDay{day, fmt.Sprintf("%02d:%02d", h.From/60, h.From%60), end})
		}
	}
	if d.chance(n.OpeningClosings) {
		year := v.w.params.Epoch.Year()
		l.opening.closings = [][2]string{{fmt.Sprintf("%d-12-25T00:00:00Z", year), fmt.Sprintf("%d-12-27T00:00:00Z", year)}}
	}
	if !l.opening.always && d.chance(0.5) {
		l.whenClosed = new(d.chance(0.6))
	}
}

// extras tells what else there is.
func (v *ocpiViewer) extras(d dice, l *ocpiLocation) {
	n, s := v.noise, l.site
	if !d.chance(n.FacilitiesNull) {
		l.facilities = ocpiFacilities(s)
	}
	if d.chance(n.Images) {
		for i := range d.among(1, 3) {
			l.images = append(l.images, ocpiImage{
				url:      fmt.Sprintf("https://img.%s.example/%d/%d.jpeg", l.operator.Key, s.ID, i+1),
				category: one(d, "CHARGER", "ENTRANCE", "LOCATION", "LOCATION", "OTHER"),
				width:    800, height: 600,
			})
		}
	}
	if d.chance(n.EnergyMix) {
		l.energy = &ocpiEnergy{green: d.chance(0.8), supplier: one(d, "", "Windkraft Nordhang", "Zonneveld Energie"), solar: d.among(10, 60)}
	}
	l.bay = &ocpiBay{heightCM: int(s.Parking.HeightM * 100), lit: s.Parking.Lit, roofed: s.Parking.Covered, thru: s.Parking.PullThrough, accessible: s.Parking.Accessible}
}

func (v *ocpiViewer) evses(d dice, l *ocpiLocation, party *ocpiParty, stations []*Station, stale bool) {
	n, s := v.noise, l.site
	if d.chance(n.NoEVSEs) {
		return
	}
	separators := strings.NewReplacer()
	switch x := d.Float64(); {
	case x < n.EVSEIDBare:
		separators = strings.NewReplacer("*", "")
	case x < n.EVSEIDBare+n.EVSEIDDashed:
		separators = strings.NewReplacer("*", "-")
	}
	var restrictions []string
	if d.chance(n.Restrictions) {
		restrictions = append(restrictions, one(d, "EV_ONLY", "EV_ONLY", "PLUGGED"))
		if s.Access == CustomersOnly {
			restrictions = append(restrictions, "CUSTOMERS")
		}
		if s.Parking.Accessible && d.chance(0.3) {
			restrictions = append(restrictions, "DISABLED")
		}
	}
	tell := d.chance(n.EVSECoordinates)
	for _, st := range stations {
		for k := range st.EVSEs {
			truth := &st.EVSEs[k]
			e := ocpiEVSE{
				truth: truth, uid: truth.UID, id: separators.Replace(truth.EVSEID),
				edited: l.edited.Add(-time.Duration(d.among(0, 90*24)) * time.Hour), stale: stale,
				offline: d.chance(n.StatusUnknown), blocked: d.chance(n.StatusBlocked), inoperative: d.chance(0.25),
				capabilities: ocpiCapabilities(truth.Capabilities), restrictions: restrictions,
				floor: s.Parking.Level, reference: st.Label,
			}
			if stale {
				e.edited = e.edited.AddDate(0, -18, 0)
			}
			switch party.ids {
			case ocpiIDsCount:
				e.uid = strconv.Itoa(st.ID*10 + k)
			case ocpiIDsUUID:
				e.uid = strings.ReplaceAll(truth.EVSEID, "*", "-")
			case ocpiIDsLabel, ocpiIDsHex: // the operator's own, as it is
			}
			if d.chance(n.EVSEIDNull) {
				e.id = ""
			}
			if d.chance(n.UnknownCapability) {
				e.capabilities = append(e.capabilities, "TAP_TO_PAY")
			}
			if tell {
				e.position = ocpiPosition{strconv.FormatFloat(st.Lat, 'f', 6, 64), strconv.FormatFloat(st.Lon, 'f', 6, 64), ocpiStrings}
			}
			if !d.chance(n.NoConnectors) {
				for i, p := range truth.Plugs {
					e.connectors = append(e.connectors, v.connector(d, i, p, slices.Contains(truth.Capabilities, PlugAndCharge)))
				}
			}
			l.evses = append(l.evses, e)
		}
	}
	if d.chance(n.Removed) {
		gone := l.evses[0]
		gone.truth, gone.uid, gone.edited = nil, gone.uid+"-0", gone.edited.AddDate(-1, 0, 0)
		l.evses = append(l.evses, gone)
	}
	if d.chance(n.Borrowed) && party.latest != nil && len(party.latest.evses) > 0 {
		lent := party.latest.evses[0]
		lent.truth, lent.edited = nil, l.edited
		l.evses = append(l.evses, lent)
	}
}

func (v *ocpiViewer) connector(d dice, i int, p Plug, plugAndCharge bool) ocpiConnector {
	n := v.noise
	c := ocpiConnector{
		id: strconv.Itoa(i + 1), format: "SOCKET", phases: "AC_1_PHASE",
		volts: p.VoltageV, amps: p.CurrentA, watts: int(math.Round(p.PowerKW * 1000)), plugAndCharge: plugAndCharge,
	}
	c.standard, c.standard221, c.standard211 = ocpiStandard(p)
	if p.Cable {
		c.format = "CABLE"
	}
	switch p.Current {
	case DC:
		c.phases = "DC"
		if d.chance(n.FastSocket) {
			c.format = "SOCKET"
		}
	case ACThree:
		c.phases = "AC_3_PHASE"
		if !d.chance(n.LineToLine) && p.VoltageV >= 300 {
			c.volts = int(math.Round(float64(p.VoltageV)/math.Sqrt(3)/10)) * 10 // 400 is 230 to neutral
		}
	case ACSingle:
		if p.Kind == Type1 && d.chance(n.ThreePhaseType1) {
			c.phases = "AC_3_PHASE"
		}
	}
	if strings.HasPrefix(c.standard, "IEC_60309") && d.chance(n.Capitals) {
		c.standard = strings.ToUpper(c.standard)
		c.standard221, c.standard211 = c.standard, c.standard
	}
	if d.chance(n.UnknownStandard) {
		c.standard = one(d, "IEC_63379_ULTRA", "SAE_J3068", "WIRELESS_COIL", "OTHER")
		c.standard221, c.standard211 = c.standard, c.standard
	}
	return c
}

// ocpiStandard is the standard of a plug in 2.3.0, and in 2.2.1 and 2.1.1,
// which know fewer.
func ocpiStandard(p Plug) (v230, v221, v211 string) {
	same := func(s string) (string, string, string) { return s, s, s }
	switch p.Kind {
	case Type1:
		return same("IEC_62196_T1")
	case Type2:
		return same("IEC_62196_T2")
	case CCS1:
		return same("IEC_62196_T1_COMBO")
	case CCS2:
		return same("IEC_62196_T2_COMBO")
	case CHAdeMO:
		return same("CHADEMO")
	case NACS:
		return "SAE_J3400", "TESLA_S", "TESLA_S"
	case GBTAC:
		return "GBT_AC", "GBT_AC", "GB_T" // the last is nobody's standard
	case GBTDC:
		return "GBT_DC", "GBT_DC", "GB_T"
	case Schuko:
		return same("DOMESTIC_F")
	case BS1363:
		return same("DOMESTIC_G")
	case AS3112:
		return same("DOMESTIC_I")
	case NEMA515:
		return same("DOMESTIC_B")
	case NEMA1450:
		return "NEMA_14_50", "NEMA_14_50", "NEMA_14-50"
	case IndustrialBlue:
		return same("IEC_60309_2_single_16")
	case IndustrialRed:
		if p.CurrentA > 16 {
			return same("IEC_60309_2_three_32")
		}
		return same("IEC_60309_2_three_16")
	default:
		return same("OTHER")
	}
}

func ocpiCapabilities(capabilities []Capability) []string {
	var names []string
	for _, c := range capabilities {
		switch c {
		case RFID:
			names = append(names, "RFID_READER")
		case RemoteStart:
			names = append(names, "REMOTE_START_STOP_CAPABLE")
		case CreditCard:
			names = append(names, "CREDIT_CARD_PAYABLE")
		case Contactless:
			names = append(names, "CONTACTLESS_CARD_SUPPORT")
		case Reservable:
			names = append(names, "RESERVABLE")
		case PlugAndCharge: // a connector's, from 2.3.0 on
		}
	}
	return names
}

func ocpiParking(k ParkingKind) string {
	switch k {
	case OnStreet:
		return "ON_STREET"
	case ParkingLot:
		return "PARKING_LOT"
	case Garage:
		return "PARKING_GARAGE"
	case UndergroundGarage:
		return "UNDERGROUND_GARAGE"
	case Driveway:
		return "ON_DRIVEWAY"
	case AlongMotorway:
		return "ALONG_MOTORWAY"
	default:
		return ""
	}
}

func ocpiFacilities(s *Site) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch s.Kind {
	case Hotel:
		add("HOTEL")
	case Restaurant:
		add("RESTAURANT")
	case Mall:
		add("MALL")
	case Supermarket:
		add("SUPERMARKET")
	case Museum:
		add("MUSEUM")
	case FuelStation:
		add("FUEL_STATION")
	case TrainStation:
		add("TRAIN_STATION")
	case CarPark:
		add("PARKING_LOT")
	default: // no facility of OCPI's
	}
	for _, a := range s.Amenities {
		switch a {
		case Food:
			add("RESTAURANT")
		case Coffee:
			add("CAFE")
		case Shopping:
			add("MALL")
		case Groceries:
			add("SUPERMARKET")
		case WiFi:
			add("WIFI")
		case Lodging:
			add("HOTEL")
		case Playground:
			add("RECREATION_AREA")
		case Park:
			add("NATURE")
		case PublicTransport:
			add("BUS_STOP")
		default: // OCPI has no word for it
		}
	}
	return names
}

// ocpiCountry is the ISO 3166-1 alpha-3 code of a country of the world.
func ocpiCountry(alpha2 string) string {
	switch alpha2 {
	case "GB":
		return "GBR"
	case "NL":
		return "NLD"
	case "BE":
		return "BEL"
	case "FR":
		return "FRA"
	case "DE":
		return "DEU"
	case "NO":
		return "NOR"
	case "US":
		return "USA"
	case "BR":
		return "BRA"
	case "KE":
		return "KEN"
	case "IN":
		return "IND"
	case "JP":
		return "JPN"
	case "AU":
		return "AUS"
	case "FJ":
		return "FJI"
	default:
		return alpha2
	}
}

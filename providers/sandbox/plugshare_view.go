package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Ids that PlugShare derives from those of the truth. Each site owns a few ids
// of locations, so that a larger world keeps those of the smaller one.
const (
	psIDBase        = 40_000
	psIDsPerSite    = 3
	psTwinSlot      = 1
	psStationBase   = 700_000
	psOutletBase    = 2_000_000
	psOutletsOf     = 16 // of one station; the second half belongs to its twin
	psReviewBase    = 3_000_000
	psUserBase      = 50_000
	psPhotoBase     = 400_000
	psTwinStation   = 900_000_000
	psBareReview    = 500_000_000
	psTwinReview    = 1_000_000_000
	psDatasourceGap = 15_000
)

func psIDOf(site SiteID, slot int) int { return psIDBase + int(site)*psIDsPerSite + slot }

// psLocation is one location of a world as PlugShare knows it: everything of
// its detail but what is made for each answer (live status, reviews).
type psLocation struct {
	psDetail
	psFacts

	w       *World
	sites   []*Site // whose stations it has; the first one gave it its name
	reviews []psVisit
	visitor psVisitor
}

// psView is everything a simulated PlugShare knows of a world. It is never
// changed once made.
type psView struct {
	locations []*psLocation
	networks  *psNetworks
}

// psViewer turns sites into locations, with noise.
type psViewer struct {
	w        *World
	noise    PlugShareNoise
	profiles map[string]countryProfile
	networks *psNetworks
	ocm      *ocmViewer
}

func newPSView(w *World) *psView {
	v := &psViewer{
		w: w, noise: w.params.PlugShare, profiles: countryProfiles(), networks: newPSNetworks(w),
		ocm: &ocmViewer{w: w, noise: w.params.OCM, countries: countryProfiles(), countryRows: ocmReference(w).Countries},
	}
	view := &psView{networks: v.networks}
	for _, group := range v.group() {
		view.locations = append(view.locations, v.locations(group)...)
	}
	return view
}

// maxGroupM keeps a group within the neighbouring cells of its grid.
const maxGroupM = 200

// group decides which sites are known, and which of them stand so near each
// other that drivers see one location. The first site of a group never
// changes when a world grows.
func (v *psViewer) group() [][]*Site {
	const cell = 0.002 // degrees: 222 m from south to north, half of that from west to east at 60 degrees
	type square struct{ lat, lon int }
	at := func(s *Site) square { return square{int(math.Floor(s.Lat / cell)), int(math.Floor(s.Lon / cell))} }
	var groups [][]*Site
	first := make(map[square][]int) // of the groups whose first site stands there
	for i := range v.w.sites {
		s := &v.w.sites[i]
		d := diceFor(v.w.params.Seed, "plugshare", int(s.ID))
		unlisted := v.noise.Unlisted
		if s.Lifecycle == Planned {
			unlisted = v.noise.PlannedUnlisted
		}
		known, apart := !d.chance(unlisted), d.chance(v.noise.Apart)
		if !known {
			continue
		}
		here := at(s)
		joined := -1
		if s.Lifecycle == Open && s.Access != PrivateHome && !apart {
			nearest := v.noise.GroupM
			for lat := here.lat - 1; lat <= here.lat+1; lat++ {
				for lon := here.lon - 2; lon <= here.lon+2; lon++ {
					for _, g := range first[square{lat, lon}] {
						f := groups[g][0]
						if m := metresBetween(s.Lat, s.Lon, f.Lat, f.Lon); m <= nearest && psAccess(f.Access) == psAccess(s.Access) {
							joined, nearest = g, m
						}
					}
				}
			}
		}
		if joined >= 0 {
			groups[joined] = append(groups[joined], s)
			continue
		}
		groups = append(groups, []*Site{s})
		if s.Lifecycle == Open && s.Access != PrivateHome {
			first[here] = append(first[here], len(groups)-1)
		}
	}
	return groups
}

func metresBetween(lat1, lon1, lat2, lon2 float64) float64 {
	return 1000 * haversine(ocmPoint{lat1, lon1}, ocmPoint{lat2, lon2}, earthKM)
}

// psAccess is 1 public, 2 restricted, 3 home.
func psAccess(a Access) int {
	switch a {
	case CustomersOnly, StaffOnly:
		return 2
	case PrivateHome:
		return 3
	default:
		return 1
	}
}

// locations returns the locations of one group: none for a closed site that
// was removed, one, or a twin besides.
func (v *psViewer) locations(group []*Site) []*psLocation {
	s := group[0]
	d := diceFor(v.w.params.Seed, "plugshare:location", int(s.ID))
	l := v.location(d, group, psIDOf(s.ID, 0), 0)
	all := []*psLocation{l}
	if s.Lifecycle == Closed {
		switch x := d.Float64(); {
		case x < v.noise.ClosedListed:
		case x < v.noise.ClosedListed+v.noise.ClosedDisabled:
			l.Enabled, l.searchable = false, false
		default:
			return nil
		}
	} else if d.chance(v.noise.Hidden) {
		l.searchable, l.secret = false, true
	}
	if s.Access != PrivateHome && d.chance(v.noise.Twin) {
		twin := v.location(d, group[:1], psIDOf(s.ID, psTwinSlot), 1)
		twin.Latitude, twin.Longitude = move(l.Latitude, l.Longitude, d.between(15, 90), d.between(0, 2*math.Pi))
		twin.lat, twin.lon = twin.Latitude, twin.Longitude
		l.visitor.twins, twin.visitor.twins = true, true
		all = append(all, twin)
	}
	for _, x := range all {
		v.visits(x)
		x.score = psScore(x.reviews)
		if x.score != nil {
			x.Score = new(psNumber(*x.score))
		}
	}
	return all
}

func (v *psViewer) location(d dice, group []*Site, id, slot int) *psLocation {
	s := group[0]
	l := &psLocation{w: v.w, sites: group, visitor: psVisitor{slot: slot}}
	x := &l.psDetail
	x.ID, x.Confidence, x.Enabled, x.PWPSAction = id, 1, true, "REQUEST_PWPS"
	x.AccessRestrictionDescriptions, x.AccessRestrictions = []string{}, []string{}
	x.AllPromos, x.Promos, x.Datasources, x.OCPIIDs = []int{}, []int{}, []psDatasource{}, []string{}
	x.Locale = psLocale(s.Address.Country)
	x.LocaleV2, x.ValidOutlets = x.Locale, psValidOutlets(x.Locale)
	x.URL = fmt.Sprintf("https://www.plugshare.example/location/%d", id)

	v.position(d, x, s)
	x.Name = v.name(d, s)
	v.address(d, x, s)
	imported := v.imported(d, x, s)
	v.access(d, x, s)
	v.cost(d, x, s)
	v.timeline(d, x, s)
	v.opening(d, x, s)
	v.surroundings(d, x, s)
	if slot == 0 {
		v.photos(x, group)
	}
	v.texts(d, x, s)
	v.stations(d, l, imported)
	v.icon(x)
	l.psFacts = newPSFacts(l)
	return l
}

func (v *psViewer) position(d dice, x *psDetail, s *Site) {
	north, east := d.NormFloat64()*v.noise.PositionSigmaM, d.NormFloat64()*v.noise.PositionSigmaM
	x.Latitude, x.Longitude = move(s.Lat, s.Lon, math.Hypot(north, east), math.Atan2(north, east))
	if d.chance(v.noise.PositionFar) {
		x.Latitude, x.Longitude = move(x.Latitude, x.Longitude, d.between(100, 500), d.between(0, 2*math.Pi))
	}
	if d.chance(0.3) { // pins that were dragged
		x.Latitude, x.Longitude = x.Latitude+d.Float64()*1e-7, x.Longitude+d.Float64()*1e-7
	}
	if d.chance(0.03) {
		lat, lon := move(s.Lat, s.Lon, d.between(10, 60), d.between(0, 2*math.Pi))
		x.EntranceLatitude, x.EntranceLongitude = &lat, &lon
	}
}

// name is what the driver who entered the place typed.
func (v *psViewer) name(d dice, s *Site) string {
	if d.chance(v.noise.NameEmpty) {
		return ""
	}
	o, _ := v.w.Operator(s.Operator)
	name := s.Name
	switch brand := o.Network; {
	case s.Access == PrivateHome:
		person, _ := v.w.Person(v.ownerOf(s))
		name = one(d, person.Name+"'s house", person.Name, "Home "+s.Address.Town)
	case s.Host != "":
		name = one(d, s.Host, s.Host, s.Host+" "+s.Address.Town, s.Name, s.Host+" - "+brand)
	case brand != "":
		name = one(d, s.Name, brand+" "+s.Address.Street, s.Address.Street, brand)
	}
	name = strings.TrimSuffix(name, " - ")
	if d.chance(v.noise.NameMistyped) {
		name = mistype(d, name)
	}
	if d.chance(v.noise.NameCapitals) {
		name = strings.ToUpper(name)
	}
	return name
}

// mistype swaps two neighbouring letters, drops one, or drops all signs.
func mistype(d dice, name string) string {
	r := []rune(name)
	if len(r) < 4 {
		return name
	}
	i := d.among(1, len(r)-3)
	switch d.among(0, 2) {
	case 0:
		r[i], r[i+1] = r[i+1], r[i]
		return string(r)
	case 1:
		return string(slices.Delete(r, i, i+1))
	default:
		return strings.NewReplacer("'", "", "&", "and", "-", " ", "é", "e", "ö", "o", "ü", "u", "ß", "ss").Replace(name)
	}
}

// address writes the place in one line, and as a geocoder takes it apart.
func (v *psViewer) address(d dice, x *psDetail, s *Site) {
	a, profile := s.Address, v.profiles[s.Address.Country]
	street := a.Street + " " + a.Number
	if profile.numberFirst {
		street = a.Number + " " + a.Street
	}
	town := strings.TrimSpace(a.Postcode + " " + a.Town)
	switch a.Country {
	case "US":
		town = a.Town + ", " + a.RegionCode + " " + a.Postcode
	case "GB", "AU", "IN", "KE":
		town = strings.TrimSpace(a.Town + " " + a.Postcode)
	}
	country := psCountryName(a.Country)
	full := street + ", " + town + ", " + country
	line := one(d, street+", "+town, full, full, street+", "+a.Town, street)
	if d.chance(v.noise.AddressPlusCode) {
		line = strings.ToUpper(d.pattern("@@##")) + "+" + d.pattern("@#@") + " " + a.Town + ", " + a.Region + ", " + country
	}
	if d.chance(v.noise.AddressBreak) {
		line = strings.Replace(line, ", ", one(d, "\n", ",\r\n"), 1)
	}
	if d.chance(v.noise.AddressTwice) {
		line = full + ", " + country
	}
	x.Address = line
	if d.chance(v.noise.GeocodeNull) {
		return
	}
	x.ReverseGeocodedAddress = &full
	parts := &psAddress{CountryCode: a.Country, Locality: &a.Town, Route: &a.Street, StreetNumber: &a.Number, AdministrativeArea1: new(a.Region)}
	if a.Country == "US" || a.Country == "AU" {
		parts.AdministrativeArea1 = new(a.RegionCode)
	}
	if a.Country == "GB" {
		parts.AdministrativeArea1, parts.AdministrativeArea2 = new("England"), new(a.Region)
	}
	if a.Postcode != "" {
		parts.PostalCode = &a.Postcode
	}
	if d.chance(0.05) {
		parts.StreetNumber = nil
	}
	x.ReverseGeocodedAddressParts = parts
}

// imported takes title and position of a record of Open Charge Map.
func (v *psViewer) imported(d dice, x *psDetail, s *Site) bool {
	if !d.chance(v.noise.FromOCM) {
		return false
	}
	for _, p := range v.ocm.site(s) {
		id := p.SubmissionStatusTypeID
		if id == nil || *id != ocmPublished && *id != ocmImported || p.AddressInfo.Latitude == 0 {
			continue
		}
		x.Name = strings.TrimSpace(*p.AddressInfo.Title)
		x.Latitude, x.Longitude = p.AddressInfo.Latitude, p.AddressInfo.Longitude
		x.Datasources = append(x.Datasources, psDatasource{ID: p.ID + psDatasourceGap, Network: v.networks.byID[psNetworkOCM], NetworkExtID: fmt.Sprint(p.ID)})
		return true
	}
	return false
}

func (v *psViewer) access(d dice, x *psDetail, s *Site) {
	x.Access = psAccess(s.Access)
	restrict := func(value, text string) {
		x.AccessRestrictions = append(x.AccessRestrictions, value)
		x.AccessRestriction, x.AccessRestrictionDescription = &value, &text
		x.AccessRestrictionDescriptions = append(x.AccessRestrictionDescriptions, text)
	}
	switch {
	case s.Access == PrivateHome:
		person, _ := v.w.Person(v.ownerOf(s))
		x.Owner = v.user(person, s.Address.Country)
	case x.Access == 2 && d.chance(v.noise.AccessWrong):
		x.Access = 1
	case s.Access == StaffOnly && d.chance(0.7):
		switch s.Kind {
		case School:
			restrict("STUDENTS_ONLY", "Students only")
		case Kerbside, CarPark:
			restrict("RESIDENTS_ONLY", "Residents only")
		default:
			restrict("EMPLOYEES_ONLY", "Employees only")
		}
	case s.Access == CustomersOnly && d.chance(0.7):
		if s.Kind == Hotel {
			restrict("GUESTS_ONLY", "Guests only")
		} else {
			restrict("CUSTOMERS_ONLY", "Customers only")
		}
	}
}

// ownerOf is whose home a site is.
func (v *psViewer) ownerOf(s *Site) PersonID { return PersonID(1 + int(s.ID)%len(v.w.people)) }

func (v *psViewer) cost(d dice, x *psDetail, s *Site) {
	switch unknown := d.chance(v.noise.CostUnknown); {
	case s.Tariff.Free:
		if !unknown {
			x.CostDescription = one(d, "", "", "Free", "Free for customers", "free!!")
		}
	case !unknown:
		x.Cost = true
		x.CostDescription = one(d, "", costText(d, s), costText(d, s))
	}
	known := []string{"Free", "Pay", "Customers Only", "Restricted", "Unknown", ""}
	switch {
	case d.chance(0.3):
	case s.Parking.Fees:
		x.ParkingTypeName = &known[1]
	case s.Access == CustomersOnly:
		x.ParkingTypeName = &known[2]
	case s.Access == StaffOnly:
		x.ParkingTypeName = &known[3]
	case d.chance(0.1):
		x.ParkingTypeName = &known[d.among(4, 5)]
	default:
		x.ParkingTypeName = &known[0]
	}
}

func (v *psViewer) timeline(d dice, x *psDetail, s *Site) {
	epoch := v.w.params.Epoch
	created := s.OpenedAt.Add(time.Duration(d.among(-20*24, 500*24)) * time.Hour).Add(time.Duration(d.among(0, 3599)) * time.Second)
	if created.After(epoch) || s.Lifecycle == Planned {
		created = epoch.Add(-time.Duration(d.among(1, 60*24*60)) * time.Minute)
	}
	updated := created.Add(time.Duration(d.Float64() * float64(epoch.Sub(created)))).Truncate(time.Second)
	x.CreatedAt, x.UpdatedAt = psTime(created), psTime(updated)
	if d.chance(v.noise.UpdatedPlain) {
		x.UpdatedAt = updated.Format(time.DateTime)
	}
	switch {
	case s.Lifecycle == Planned:
		x.ComingSoon = new(true)
		if d.chance(0.6) {
			x.OpeningDate = new(s.OpenedAt.Format(time.DateOnly))
		}
	case d.chance(0.5):
		x.ComingSoon = new(false)
	}
	if x.OpeningDate == nil && d.chance(v.noise.OpeningNone) {
		x.OpeningDate = new("None")
	}
}

func (v *psViewer) opening(d dice, x *psDetail, s *Site) {
	if d.chance(v.noise.HoursUnknown) {
		x.Hours = one(d, nil, new(""))
		x.Open247 = s.Opening.Always && d.chance(0.3)
		return
	}
	x.Open247 = s.Opening.Always
	if s.Opening.Always {
		x.Hours = one(d, nil, new(""), new("24/7"), new("24 hours"))
		x.OpeningTimes = &psOpening{TwentyFourSeven: true, Twentyfourseven: true}
		return
	}
	clock := func(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
	usual := s.Opening.Days[time.Monday]
	x.Hours = one(d, new(""), new(clock(usual.From)+" - "+clock(usual.To)), new("During business hours"), new("Mon-Sat "+clock(usual.From)+" to "+clock(usual.To)+"\nSunday: call first"))
	if d.chance(0.5) {
		return
	}
	x.OpeningTimes = new(psOpening)
	for i := range 7 {
		if h := s.Opening.Days[(i+1)%7]; h.From != h.To {
			x.OpeningTimes.RegularHours = append(x.OpeningTimes.RegularHours, psHours{clock(h.From), clock(h.To), i + 1})
		}
	}
}

func (v *psViewer) surroundings(d dice, x *psDetail, s *Site) {
	x.Amenities = []psAmenity{}
	for _, a := range s.Amenities {
		id, ok := psAmenityType(a)
		if ok && d.chance(0.7) && !slices.Contains(x.Amenities, psAmenity{x.ID, id}) {
			x.Amenities = append(x.Amenities, psAmenity{x.ID, id})
		}
	}
	if d.chance(0.85) {
		x.POIName = new(psPOIName(d, s.Kind, s.Access))
	}
	x.ParkingAttributes = []string{}
	for _, a := range []struct {
		is   bool
		name string
	}{
		{s.Parking.PullThrough, "PULL_THROUGH"},
		{!s.Parking.PullThrough && s.Kind != Kerbside, "PULL_IN"},
		{s.Parking.TrailerFriendly, one(d, "TRAILER_PARKING", "TRAILER_FRIENDLY")},
		{s.Parking.Kind == Garage || s.Parking.Kind == UndergroundGarage, "GARAGE"},
		{s.Parking.Accessible, one(d, "HANDICAPPED", "WHEELCHAIR_ACCESS")},
		{s.Parking.Lit, "ILLUMINATED"},
	} {
		if a.is && d.chance(0.5) {
			x.ParkingAttributes = append(x.ParkingAttributes, a.name)
		}
	}
	if s.Parking.Level != "" && d.chance(0.6) {
		x.ParkingLevel = new(s.Parking.Level)
	}
	if s.Parking.HeightM > 0 && d.chance(0.6) {
		feet := math.Floor(s.Parking.HeightM / 0.3048)
		x.OverheadClearanceMeters = feet * 0.3047999954223633 // feet, as a float32, and back
		if d.chance(v.noise.ClearanceText) {
			x.OverheadClearanceMeters = fmt.Sprint(s.Parking.HeightM)
		}
	}
}

func (v *psViewer) photos(x *psDetail, group []*Site) {
	for _, s := range group {
		for _, p := range s.Photos {
			pd := diceFor(v.w.params.Seed, "plugshare:photo", p.ID)
			if !pd.chance(v.noise.PhotoKnown) {
				continue
			}
			id := psPhotoBase + p.ID
			photo := psPhoto{
				Caption: p.Caption, CreatedAt: psTime(p.At), ID: id, IsVisible: true, UserID: new(psUserBase + int(p.Author)),
				Thumbnail:   fmt.Sprintf("https://photos.plugshare.example/thumb/%d.png", id),
				Thumbnail2x: fmt.Sprintf("https://photos.plugshare.example/thumb2x/%d.png", id),
				URL:         fmt.Sprintf("https://photos.plugshare.example/photos/%d.jpg", id),
			}
			if p.Caption != "" {
				photo.Language = one(pd, nil, new("eng"))
			}
			if pd.chance(0.05) {
				photo.UserID = nil
			}
			x.Photos = append(x.Photos, photo)
		}
	}
	slices.SortStableFunc(x.Photos, func(a, b psPhoto) int { return strings.Compare(b.CreatedAt, a.CreatedAt) })
	x.TotalPhotos = len(x.Photos)
}

func (v *psViewer) texts(d dice, x *psDetail, s *Site) {
	if !d.chance(v.noise.PhoneMissing) {
		phone := s.Phone
		if o, _ := v.w.Operator(s.Operator); o.Phone != "" && d.chance(0.5) {
			phone = o.Phone
		}
		x.Phone, x.FormattedPhoneNumber = psLocalPhone(phone), phone
		if !strings.HasPrefix(phone, "+") {
			x.FormattedPhoneNumber = "+1 " + phone
		}
		x.E164PhoneNumber = "+" + strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, x.FormattedPhoneNumber)
	}
	switch {
	case d.chance(v.noise.Markup):
		x.Description = `<p>Near <a href="http://` + slug(s.Name) + `.example">the entrance</a>.<br/>Ask for "EV" &amp; a key <script>alert(1)</script></p>`
	case s.Directions != "" && d.chance(0.8):
		x.Description = s.Directions
	case d.chance(0.4):
		plugs := 0
		for _, st := range s.Stations {
			plugs += len(st.EVSEs)
		}
		x.Description = one(d, fmt.Sprintf("%d charging points.", plugs), "In front of the main entrance.\nPlease move after charging.", "Call first!", "2 bays, one is often ICEd")
	}
	if d.chance(0.04) {
		x.CustomPorts = one(d, "213v 40/80amps at the left one", "Type 2 Kabel mitbringen", "16A CEE")
	}
	x.TitleDescription = x.Name + " | " + s.Address.Town + " | EV Station"
	x.MetaDescription = fmt.Sprintf("%d Electric Vehicle (EV) Charging Stations at %s. Stations located at %s", len(s.Stations), x.Name, x.Address)
}

// icon tells the kind at a glance: fast, slow, restricted, home; R for what
// cannot be used yet, or now.
func (v *psViewer) icon(x *psDetail) {
	fast := false
	for _, st := range x.Stations {
		fast = fast || slices.ContainsFunc(st.Outlets, func(o psOutlet) bool { return psFast(psDescriptor{o.Connector, o.Power}) })
	}
	soon := x.ComingSoon != nil && *x.ComingSoon
	switch {
	case x.Access == 3:
		x.IconType = "H"
	case x.Access == 2:
		x.IconType = "B"
	case fast:
		x.IconType = "Y"
	default:
		x.IconType = "G"
	}
	if (soon || x.UnderRepair) && x.Access != 3 {
		x.IconType += "R"
	}
	x.Icon = "https://assets.plugshare.example/icons/" + x.IconType + ".png"
}

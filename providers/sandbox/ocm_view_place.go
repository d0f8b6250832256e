package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// address writes the place as the directory has it.
func (v *ocmViewer) address(d dice, s *Site, id int, operator string, lat, lon float64) *ocmAddress {
	a := &ocmAddress{ID: id + 357, Latitude: lat, Longitude: lon}
	country := v.countries[s.Address.Country]
	a.Title = new(v.title(d, s, operator))
	line := s.Address.Street + " " + s.Address.Number
	if country.numberFirst {
		line = s.Address.Number + " " + s.Address.Street
	}
	if d.chance(0.25) {
		line = s.Address.Street
	}
	a.AddressLine1 = new(v.breakLine(d, line))
	if s.Host != "" && d.chance(0.2) {
		a.AddressLine2 = new(s.Host)
	} else if d.chance(0.02) {
		a.AddressLine2 = new("")
	}
	a.Town = new(s.Address.Town)
	if !d.chance(v.noise.RegionNull) {
		a.StateOrProvince = new(s.Address.Region)
		if d.chance(v.noise.RegionVariant) {
			a.StateOrProvince = new(one(d, s.Address.RegionCode, strings.ToUpper(s.Address.Region), strings.ToLower(s.Address.Region), s.Address.Country))
		}
	}
	if !d.chance(v.noise.PostcodeNull) && s.Address.Postcode != "" {
		a.Postcode = new(s.Address.Postcode)
		if d.chance(0.05) {
			a.Postcode = new(strings.ReplaceAll(s.Address.Postcode, " ", ""))
		}
	}
	a.CountryID = v.country(d, s.Address.Country)
	if d.chance(0.3) {
		a.ContactTelephone1 = new(one(d, "", " ") + s.Phone)
	}
	if o, _ := v.w.Operator(operator); o.Phone != "" && d.chance(0.1) {
		a.ContactTelephone2 = new(o.Phone)
	}
	if d.chance(0.03) {
		a.ContactEmail = new(one(d, "", "info@"+slug(s.Name)+".example"))
	}
	if access := v.accessText(d, s); access != "" {
		a.AccessComments = new(v.breakLine(d, access))
	}
	switch x := d.Float64(); {
	case x < v.noise.LinkMissing:
	case x < v.noise.LinkMissing+v.noise.LinkScript:
		a.RelatedURL = new("javascript:alert('sandbox')")
	case x < v.noise.LinkMissing+v.noise.LinkScript+v.noise.LinkBare:
		a.RelatedURL = new("www." + slug(operator) + ".example/stations?id=" + fmt.Sprint(id))
	case s.Website != "":
		a.RelatedURL = new(s.Website)
	default:
		if o, _ := v.w.Operator(operator); o.Website != "" {
			a.RelatedURL = new(o.Website)
		}
	}
	return a
}

// title is what contributors called the site.
func (v *ocmViewer) title(d dice, s *Site, operator string) string {
	o, _ := v.w.Operator(operator)
	brand := o.Name
	if len(o.Aliases) > 0 && d.chance(0.4) {
		brand = one(d, o.Aliases...)
	}
	title := s.Name
	switch d.weighted([]float64{6, 2, 2, 1, 1}) {
	case 1:
		title = brand + " " + s.Address.Street
	case 2:
		title = brand + " - " + s.Name
	case 3:
		title = s.Address.Street
	case 4:
		if s.Host != "" {
			title = s.Host
		}
	}
	if d.chance(v.noise.Capitals) {
		title = strings.ToUpper(title)
	}
	if d.chance(v.noise.Markup) {
		title = "<b>" + title + "</b>"
	}
	if d.chance(v.noise.TitleBlank) {
		title = one(d, " "+title, title+" ", "  "+title+" ", title+"\t")
	}
	return title
}

// breakLine puts CR LF into a text now and then.
func (v *ocmViewer) breakLine(d dice, s string) string {
	if !d.chance(v.noise.LineBreak) {
		return s
	}
	if before, after, ok := strings.Cut(s, " "); ok {
		return before + "\r\n" + after
	}
	return s + "\r\n"
}

// country is the id of the country the site is in, or now and then of another.
func (v *ocmViewer) country(d dice, iso string) *int {
	right := slices.IndexFunc(v.countryRows, func(c ocmCountry) bool { return *c.ISOCode == iso })
	if d.chance(v.noise.WrongCountry) {
		right = (right + d.among(1, len(v.countryRows)-1)) % len(v.countryRows)
	}
	return new(v.countryRows[right].ID)
}

// accessText tells opening hours and rules in words.
func (v *ocmViewer) accessText(d dice, s *Site) string {
	var parts []string
	switch {
	case d.chance(0.5):
	case s.Opening.Always:
		parts = append(parts, one(d, "24 hours daily", "24/7", "Open 24 hours", "24h"))
	default:
		h := s.Opening.Days[time.Monday]
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60))
		if s.Opening.Days[time.Sunday] == (Hours{}) {
			parts = append(parts, "closed on Sundays")
		}
	}
	switch s.Access {
	case CustomersOnly:
		parts = append(parts, "Customers only")
	case StaffOnly:
		parts = append(parts, "Staff parking; ask at reception")
	case NoticeRequired:
		parts = append(parts, "Call ahead")
	case Public, PrivateHome:
	}
	if s.Parking.HeightM > 0 && d.chance(0.3) {
		parts = append(parts, fmt.Sprintf("max. height %.1f m", s.Parking.HeightM))
	}
	return strings.Join(parts, "; ")
}

// notes are the general comments of a record.
func (v *ocmViewer) notes(d dice, s *Site) *string {
	if d.chance(v.noise.Markup) {
		return new(`See <a href="http://` + slug(s.Name) + `.example">website</a><br/>& ask for "EV" <script>alert(1)</script>`)
	}
	if s.Directions != "" && d.chance(0.5) {
		return new(v.breakLine(d, s.Directions))
	}
	if d.chance(0.02) {
		return new("")
	}
	return nil
}

func (v *ocmViewer) metadata(d dice, s *Site, id, provider int) []ocmMetadataValue {
	var values []ocmMetadataValue
	add := func(m ocmMetadataValue) {
		m.ID = id*10 + len(values)
		values = append(values, m)
	}
	if provider == ocmFirstProviderID+4 {
		add(ocmMetadataValue{MetadataFieldID: ocmMetaAttribution, ItemValue: new("Data shared by Roam Hub <roamhub.example> & partners")})
	}
	if d.chance(v.noise.Metadata) {
		add(ocmMetadataValue{
			MetadataFieldID: ocmMetaAttribution, ItemValue: new("Position surveyed by " + s.Address.Town + " Mapping Circle"),
			MetadataFieldOption: &ocmMetadataOption{ocmMetaAttribution, ocmPositioningValue, new("Positioning")},
		})
	}
	if d.chance(v.noise.Metadata) {
		add(ocmMetadataValue{MetadataFieldID: ocmMetaHours, ItemValue: new("Mo-Su 06:00-23:00")})
	}
	if s.Kind == Hotel && d.chance(0.1) {
		add(ocmMetadataValue{MetadataFieldID: ocmMetaPOIType, MetadataFieldOption: &ocmMetadataOption{ocmMetaPOIType, 2, new("Hotel")}})
	}
	return values
}

func (v *ocmViewer) points(d dice, p *ocmPOI, stations []Station) {
	if d.chance(v.noise.PointsNull) {
		return
	}
	n := 0
	for _, st := range stations {
		n += len(st.EVSEs)
	}
	if d.chance(v.noise.PointsWrong) {
		n = max(0, n+one(d, -1, 1, 2, -2))
	}
	p.NumberOfPoints = new(n)
}

// twin lists a site again: another provider, another id, a position 20 to 90 m
// away from the first, and notes of its own.
func (v *ocmViewer) twin(d dice, s *Site, first *ocmPOI, stations []Station) *ocmPOI {
	lat, lon := move(first.AddressInfo.Latitude, first.AddressInfo.Longitude, d.between(20, 90), d.between(0, 2*math.Pi))
	p := v.record(d, s, ocmIDOf(s.ID, ocmTwinSlot), stations[0].Operator, stations, lat, lon)
	if *p.DataProviderID == *first.DataProviderID {
		p.DataProviderID = new(ocmFirstProviderID + 5)
		if *first.DataProviderID == ocmFirstProviderID+5 {
			p.DataProviderID = new(ocmContributors)
		}
	}
	if d.chance(v.noise.TwinMarked) {
		if d.chance(0.5) {
			p.StatusTypeID = new(ocmStatusDuplicate)
		} else {
			p.SubmissionStatusTypeID = new(ocmDelistedTwin)
		}
	}
	return p
}

// archive keeps what an edited import was before; the edited record goes to
// the contributors and names it as its parent.
func (v *ocmViewer) archive(d dice, s *Site, edited *ocmPOI) *ocmPOI {
	old := *edited
	old.ID, old.UUID = ocmIDOf(s.ID, ocmArchiveSlot), guid(d)
	old.SubmissionStatusTypeID = new(ocmSuperseded)
	old.UserComments, old.MediaItems = nil, nil
	a := *edited.AddressInfo
	a.ID = old.ID + 357
	old.AddressInfo = &a
	old.Connections = append([]ocmConnection{}, edited.Connections...)
	for i := range old.Connections {
		old.Connections[i].ID = old.ID*100 + i
	}
	if *edited.DataProviderID == ocmContributors {
		old.DataProviderID = new(ocmFirstProviderID)
	}
	edited.DataProviderID = new(ocmContributors)
	edited.ParentChargePointID = new(old.ID)
	return &old
}

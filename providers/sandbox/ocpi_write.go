package sandbox

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// ocpiVersion is a version of OCPI; later ones compare greater.
type ocpiVersion uint8

const (
	ocpi211 ocpiVersion = iota + 1
	ocpi221
	ocpi230
)

func (v ocpiVersion) String() string {
	switch v {
	case ocpi211:
		return "2.1.1"
	case ocpi221:
		return "2.2.1"
	case ocpi230:
		return "2.3.0"
	default:
		return ""
	}
}

func parseOCPIVersion(s string) (ocpiVersion, bool) {
	for v := ocpi211; v <= ocpi230; v++ {
		if v.String() == s {
			return v, true
		}
	}
	return 0, false
}

// ocpiShape is how a feed is written.
type ocpiShape struct {
	version ocpiVersion
	// tariffs puts the tariffs into the EVSEs, as feeds with a cursor do.
	tariffs bool
	// joined puts the party before the id, which has no place of its own in
	// 2.1.1.
	joined bool
}

// present tells whether the feed holds the location at a time.
func (l *ocpiLocation) present(now time.Time, version ocpiVersion) bool {
	switch s := l.site; {
	case version == ocpi211 && !l.publish:
		return false // that version cannot say so, so it is not sent
	case s.Lifecycle == Planned && now.Before(s.OpenedAt):
		return l.plannedListed
	case s.Lifecycle == Closed && !now.Before(s.ClosedAt):
		return l.closedListed
	default:
		return true
	}
}

// key is the id as it stands in the feed.
func (l *ocpiLocation) key(shape ocpiShape) string {
	if shape.joined {
		return l.operator.Country + "*" + l.operator.Party + "*" + l.id
	}
	return l.id
}

func (l *ocpiLocation) names(shape ocpiShape) (key, withParty string) {
	return l.key(shape), l.operator.Country + "*" + l.operator.Party + "*" + l.id
}

func (l *ocpiLocation) party() (country, id string) { return l.operator.Country, l.operator.Party }

// earlier returns the earlier one of two moments, later the later one.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// live is the status of an EVSE, and when it last changed.
func (l *ocpiLocation) live(w *World, e *ocpiEVSE, now time.Time) (status string, updated time.Time) {
	if e.truth == nil {
		return "REMOVED", earlier(e.edited, now)
	}
	state, since, _ := w.StatusAt(l.site, e.truth, now)
	updated = earlier(later(e.edited, since), now)
	switch state {
	case Gone:
		return "REMOVED", updated
	case NotYetOpen:
		return "PLANNED", updated
	default: // somebody is connected, or should be
	}
	switch {
	case e.offline:
		return "UNKNOWN", updated
	case state == Occupied, state == Finishing && !e.blocked:
		return "CHARGING", updated
	case state == Finishing:
		return "BLOCKED", updated
	case state == Reserved:
		return "RESERVED", updated
	case state == OutOfOrder && e.inoperative:
		return "INOPERATIVE", updated
	case state == OutOfOrder:
		return "OUTOFORDER", updated
	default:
		return "AVAILABLE", updated
	}
}

// moment is the time that the location is told of.
func (l *ocpiLocation) moment(now time.Time) time.Time { return now.Add(-l.older) }

// updated is the location's last_updated.
func (l *ocpiLocation) updated(w *World, now time.Time) time.Time {
	at := l.moment(now)
	latest := l.edited
	if !l.stale {
		for i := range l.evses {
			_, updated := l.live(w, &l.evses[i], at)
			latest = later(latest, updated)
		}
	}
	return earlier(latest, at).Truncate(time.Second)
}

// enum writes a member of a closed list in the letters of the feed.
func (l *ocpiLocation) enum(s string) string {
	if l.lowerCase {
		return strings.ToLower(s)
	}
	return s
}

func (l *ocpiLocation) enums(names []string) []string {
	if !l.lowerCase {
		return names
	}
	lower := make([]string, len(names))
	for i, s := range names {
		lower[i] = strings.ToLower(s)
	}
	return lower
}

// append writes the location as it is at a time.
func (l *ocpiLocation) append(b []byte, w *World, now time.Time, shape ocpiShape) []byte {
	at := l.moment(now)
	o := &ocpiWriter{b: b, nulls: l.nulls}
	o.open('{')
	if shape.version > ocpi211 {
		o.key("country_code").text(l.operator.Country)
		o.key("party_id").text(l.operator.Party)
	}
	l.writeID(o, l.key(shape))
	if shape.version > ocpi211 {
		o.key("publish").boolean(l.publish)
	} else {
		o.key("type").text(l.enum(ocpiLocationType(l.parkingType)))
	}
	o.opt("name", l.name)
	o.key("address").text(l.address)
	o.key("city").text(l.city)
	o.opt("postal_code", l.postcode)
	if shape.version > ocpi211 {
		o.opt("state", l.state)
	}
	o.key("country").text(l.country)
	l.position.write(o)
	if shape.version > ocpi211 {
		o.opt("parking_type", l.enum(l.parkingType))
	}
	o.null("related_locations")
	if shape.version >= ocpi230 {
		l.writeBay(o)
	}
	o.key("evses").open('[')
	for i := range l.evses {
		l.writeEVSE(o, w, &l.evses[i], at, shape)
	}
	o.close(']')
	writeDirections(o, l.directions, l.language)
	l.business.write(o, "operator")
	l.suboperator.write(o, "suboperator")
	l.owner.write(o, "owner")
	if shape.version >= ocpi230 || shape.tariffs {
		o.opt("help_phone", l.phone)
	}
	o.list("facilities", l.enums(l.facilities))
	o.opt("time_zone", l.timeZone)
	l.opening.write(o)
	if l.whenClosed != nil {
		o.key("charging_when_closed").boolean(*l.whenClosed)
	} else {
		o.null("charging_when_closed")
	}
	l.writeImages(o)
	l.writeEnergy(o)
	o.key("last_updated").text(l.times.format(l.updated(w, now)))
	o.close('}')
	return o.b
}

// writeID writes the id, without quotes when the feed is one of those.
func (l *ocpiLocation) writeID(o *ocpiWriter, id string) {
	if _, err := strconv.ParseUint(id, 10, 53); err == nil && l.bareIDs && id[0] != '0' {
		o.key("id").raw(id)
		return
	}
	o.key("id").text(id)
}

func (p ocpiPosition) write(o *ocpiWriter) {
	switch p.form {
	case ocpiNull:
		o.key("coordinates").raw("null")
	case ocpiStrings:
		o.key("coordinates").open('{')
		o.key("latitude").text(p.lat)
		o.key("longitude").text(p.lon)
		o.close('}')
	case ocpiNumbers:
		o.key("coordinates").open('{')
		o.key("latitude").raw(p.lat)
		o.key("longitude").raw(p.lon)
		o.close('}')
	default:
	}
}

// ocpiLocationType is the type of a location in 2.1.1.
func ocpiLocationType(parking string) string {
	switch parking {
	case "":
		return "UNKNOWN"
	case "ALONG_MOTORWAY", "ON_DRIVEWAY":
		return "OTHER"
	default:
		return parking
	}
}

func writeDirections(o *ocpiWriter, text, language string) {
	if text == "" {
		o.null("directions")
		return
	}
	o.key("directions").open('[')
	o.open('{')
	o.key("language").text(language)
	o.key("text").text(text)
	o.close('}')
	o.close(']')
}

func (b *ocpiBusiness) write(o *ocpiWriter, name string) {
	if b == nil {
		o.null(name)
		return
	}
	o.key(name).open('{')
	o.key("name").text(b.name)
	o.opt("website", b.website)
	if b.logo != "" {
		o.key("logo").open('{')
		o.key("url").text(b.logo)
		o.key("category").text("OPERATOR")
		o.key("type").text("png")
		o.close('}')
	} else {
		o.null("logo")
	}
	o.close('}')
}

func (h *ocpiOpening) write(o *ocpiWriter) {
	if !h.told {
		o.null("opening_times")
		return
	}
	o.key("opening_times").open('{')
	o.key("twentyfourseven").boolean(h.always)
	if len(h.days) > 0 {
		o.key("regular_hours").open('[')
		for _, day := range h.days {
			o.open('{')
			o.key("weekday").number(float64(day.weekday))
			o.key("period_begin").text(day.begin)
			o.key("period_end").text(day.end)
			o.close('}')
		}
		o.close(']')
	}
	if len(h.closings) > 0 {
		o.key("exceptional_closings").open('[')
		for _, c := range h.closings {
			o.open('{')
			o.key("period_begin").text(c[0])
			o.key("period_end").text(c[1])
			o.close('}')
		}
		o.close(']')
	}
	o.close('}')
}

func (l *ocpiLocation) writeImages(o *ocpiWriter) {
	if len(l.images) == 0 {
		o.null("images")
		return
	}
	o.key("images").open('[')
	for _, image := range l.images {
		o.open('{')
		o.key("url").text(image.url)
		o.key("thumbnail").text(strings.TrimSuffix(image.url, ".jpeg") + ".thumb.jpeg")
		o.key("category").text(l.enum(image.category))
		o.key("type").text("jpeg")
		o.key("width").number(float64(image.width))
		o.key("height").number(float64(image.height))
		o.close('}')
	}
	o.close(']')
}

func (l *ocpiLocation) writeEnergy(o *ocpiWriter) {
	e := l.energy
	if e == nil {
		o.null("energy_mix")
		return
	}
	o.key("energy_mix").open('{')
	o.key("is_green_energy").boolean(e.green)
	if e.green && e.supplier != "" {
		o.key("energy_sources").open('[')
		for _, source := range []struct {
			name    string
			percent int
		}{{"SOLAR", e.solar}, {"WIND", 100 - e.solar}} {
			o.open('{')
			o.key("source").text(source.name)
			o.key("percentage").number(float64(source.percent))
			o.close('}')
		}
		o.close(']')
	}
	o.opt("supplier_name", e.supplier)
	o.close('}')
}

// writeBay writes the parking places of 2.3.0.
func (l *ocpiLocation) writeBay(o *ocpiWriter) {
	o.key("parking_places").open('[')
	o.open('{')
	o.key("id").text("1")
	o.key("vehicle_types").open('[')
	o.text("PERSONAL_VEHICLE")
	if l.bay.accessible {
		o.text("DISABLED")
	}
	o.close(']')
	if l.bay.heightCM > 0 {
		o.key("max_vehicle_height").number(float64(l.bay.heightCM))
	}
	o.key("restricted_to_type").boolean(false)
	o.key("reservation_required").boolean(false)
	o.key("drive_through").boolean(l.bay.thru)
	o.key("roofed").boolean(l.bay.roofed)
	o.key("lighting").boolean(l.bay.lit)
	o.close('}')
	o.close(']')
}

func (l *ocpiLocation) writeEVSE(o *ocpiWriter, w *World, e *ocpiEVSE, at time.Time, shape ocpiShape) {
	status, updated := l.live(w, e, at)
	if e.stale {
		updated = earlier(e.edited, at)
	}
	o.open('{')
	o.key("uid").text(e.uid)
	o.opt("evse_id", e.id)
	o.key("status").text(l.enum(status))
	o.null("status_schedule")
	capabilities := e.capabilities
	if shape.version == ocpi211 {
		capabilities = nil
		for _, c := range e.capabilities {
			if c != "CONTACTLESS_CARD_SUPPORT" {
				capabilities = append(capabilities, c)
			}
		}
	}
	o.list("capabilities", l.enums(capabilities))
	o.key("connectors").open('[')
	for i := range e.connectors {
		l.writeConnector(o, e, &e.connectors[i], shape)
	}
	o.close(']')
	o.opt("floor_level", e.floor)
	e.position.write(o)
	o.opt("physical_reference", e.reference)
	o.null("directions")
	if shape.version >= ocpi230 {
		o.key("parking").open('[')
		o.open('{')
		o.key("parking_id").text("1")
		o.close('}')
		o.close(']')
	}
	o.list("parking_restrictions", l.enums(e.restrictions))
	o.null("images")
	if shape.tariffs && l.tariff != "" {
		o.key("tariffs").open('[')
		o.b = l.appendTariff(o.b, ocpiShape{version: shape.version}, true)
		o.close(']')
	}
	o.key("last_updated").text(l.times.format(updated))
	o.close('}')
}

func (l *ocpiLocation) writeConnector(o *ocpiWriter, e *ocpiEVSE, c *ocpiConnector, shape ocpiShape) {
	number := func(name string, x int) {
		if l.quotedNumbers {
			o.key(name).text(strconv.Itoa(x))
		} else {
			o.key(name).number(float64(x))
		}
	}
	o.open('{')
	l.writeID(o, c.id)
	switch shape.version {
	case ocpi211:
		o.key("standard").text(l.enum(c.standard211))
	case ocpi221:
		o.key("standard").text(l.enum(c.standard221))
	case ocpi230:
		o.key("standard").text(l.enum(c.standard))
	}
	o.key("format").text(l.enum(c.format))
	o.key("power_type").text(l.enum(c.phases))
	if shape.version == ocpi211 {
		number("voltage", c.volts)
		number("amperage", c.amps)
		o.opt("tariff_id", l.tariff)
	} else {
		number("max_voltage", c.volts)
		number("max_amperage", c.amps)
		if l.power {
			number("max_electric_power", c.watts)
		} else {
			o.null("max_electric_power")
		}
		if !shape.tariffs {
			var tariffs []string
			if l.tariff != "" {
				tariffs = []string{l.tariff}
			}
			o.list("tariff_ids", tariffs)
		}
	}
	o.null("terms_and_conditions")
	if shape.version >= ocpi230 && c.plugAndCharge {
		o.key("capabilities").open('[')
		o.text("ISO_15118_2_PLUG_AND_CHARGE")
		o.close(']')
	}
	o.key("last_updated").text(l.times.format(e.edited))
	o.close('}')
}

// appendTariff writes the location's tariff. Prices are without tax before
// 2.3.0, which says so; inline ones have no party and no date.
func (l *ocpiLocation) appendTariff(b []byte, shape ocpiShape, inline bool) []byte {
	t := l.site.Tariff
	o := &ocpiWriter{b: b}
	o.open('{')
	if shape.version > ocpi211 && !inline {
		o.key("country_code").text(l.operator.Country)
		o.key("party_id").text(l.operator.Party)
	}
	o.key("id").text(l.tariff)
	o.key("currency").text(t.Currency)
	if shape.version > ocpi211 && !inline {
		o.key("type").text("REGULAR")
	}
	vat := ocpiVAT(l.site.Address.Country)
	o.key("elements").open('[')
	o.open('{')
	o.key("price_components").open('[')
	component := func(kind string, price float64, step int) {
		o.open('{')
		o.key("type").text(kind)
		if shape.version == ocpi221 {
			price = math.Round(price/(1+vat/100)*10_000) / 10_000
		}
		o.key("price").number(price)
		if shape.version == ocpi221 && !inline {
			o.key("vat").number(vat)
		}
		o.key("step_size").number(float64(step))
		o.close('}')
	}
	if t.PerSession > 0 || t.Free {
		component("FLAT", t.PerSession, 1)
	}
	if t.PerKWh > 0 {
		component("ENERGY", t.PerKWh, 1)
	}
	if t.PerMinute > 0 {
		component("TIME", math.Round(t.PerMinute*60*100)/100, 60)
	}
	if hour := max(t.ParkingPerHour, math.Round(t.IdlePerMinute*60*100)/100); hour > 0 {
		component("PARKING_TIME", hour, 60)
	}
	o.close(']')
	o.close('}')
	o.close(']')
	if shape.version >= ocpi230 && !inline {
		o.key("tax_included").text("YES")
	}
	if !inline {
		o.key("last_updated").text(l.times.format(l.edited))
	}
	o.close('}')
	return o.b
}

// ocpiVAT is the tax in per cent.
func ocpiVAT(country string) float64 {
	switch country {
	case "NL", "BE":
		return 21
	case "GB", "FR":
		return 20
	case "DE":
		return 19
	case "NO":
		return 25
	case "IN":
		return 18
	case "KE":
		return 16
	case "FJ":
		return 15
	case "AU", "JP":
		return 10
	default:
		return 0
	}
}

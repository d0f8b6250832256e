package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// psVisitor tells which reviews a location has: a twin shares them with the
// other one.
type psVisitor struct {
	slot  int
	twins bool
}

// psVisit is a check-in as it is kept; the rest of the wire's review is drawn
// when somebody asks.
type psVisit struct {
	id              int
	at              time.Time
	author          PersonID
	rating, problem int
	text, language  string
	vehicle         string
	evse            string
	country         string
}

// visits collects the check-ins of a location, newest first: those of the
// truth that were posted here, and those without a word.
func (v *psViewer) visits(l *psLocation) {
	for _, s := range l.sites {
		for i := range s.Reviews {
			r := &s.Reviews[i]
			d := diceFor(v.w.params.Seed, "plugshare:visit", r.ID)
			known, neutral, markup := d.chance(v.noise.ReviewKnown), d.chance(v.noise.ReviewNeutralProblem), d.chance(v.noise.ReviewMarkup)
			if !known || l.visitor.twins && r.ID%2 != l.visitor.slot {
				continue
			}
			visit := psVisit{
				id: psReviewBase + r.ID, at: r.At.Truncate(time.Second), author: r.Author, text: r.Text, language: r.Language,
				vehicle: r.Vehicle, evse: r.EVSE, country: s.Address.Country,
			}
			visit.rating, visit.problem = psOutcome(r.Outcome)
			if visit.problem == 1 && neutral {
				visit.rating = 0
			}
			if r.Text != "" && markup {
				visit.text = "<b>" + r.Text + "</b> <img src=x onerror=alert(1)>"
			}
			l.reviews = append(l.reviews, visit)
		}
	}
	v.checkIns(l)
	slices.SortStableFunc(l.reviews, func(a, b psVisit) int { return b.at.Compare(a.at) })
	l.TotalReviews = len(l.reviews)
}

// checkIns adds what drivers leave who press a button and say nothing.
func (v *psViewer) checkIns(l *psLocation) {
	s := l.sites[0]
	end := v.w.params.Epoch
	if s.Lifecycle == Closed {
		end = s.ClosedAt
	}
	span := end.Sub(s.OpenedAt)
	if span <= time.Hour {
		return
	}
	d := diceFor(v.w.params.Seed, "plugshare:checkins", int(s.ID)*2+l.visitor.slot)
	n := d.tail(v.noise.CheckInsMean, 50)
	if d.chance(v.noise.Popular) {
		n = d.among(60, 400)
	}
	for i := range n {
		x := d.Float64()
		visit := psVisit{
			id: psBareReview + int(s.ID)*1000 + i, at: end.Add(-time.Duration(x * x * float64(span))).Truncate(time.Second),
			author: PersonID(1 + int(math.Pow(d.Float64(), 2)*float64(len(v.w.people)))), rating: 1, country: s.Address.Country,
			vehicle: one(d, "", "Lumo One", "Tarn GT", "Kestrel 300e", "Nimbus S"),
		}
		if l.visitor.slot > 0 {
			visit.id += psTwinReview
		}
		switch x := d.Float64(); {
		case x < 0.02:
			visit.rating = 0
		case x < 0.04:
			visit.rating, visit.problem = -1, one(d, 0, 1, 2, 2, 3, 4, 4)
		}
		if st := one(d, s.Stations...); d.chance(0.5) {
			visit.evse = one(d, st.EVSEs...).UID
		}
		l.reviews = append(l.reviews, visit)
	}
}

// psScore is the PlugScore, nil for a place that nobody judged.
func psScore(visits []psVisit) *float64 {
	good, all := 0, 0
	for _, v := range visits {
		if v.rating != 0 {
			all++
		}
		if v.rating > 0 {
			good++
		}
	}
	if all == 0 {
		return nil
	}
	return new(math.Round(100*float64(good)/float64(all)) / 10)
}

// review is the wire's form of a check-in.
func (l *psLocation) review(v *psVisit) psReview {
	noise := &l.w.params.PlugShare
	d := diceFor(l.w.params.Seed, "plugshare:review", v.id)
	r := psReview{
		Comment: v.text, CreatedAt: psTime(v.at), ID: v.id, IsVisible: true,
		Problem: v.problem, ProblemDescription: psProblem(v.problem), Rating: v.rating,
	}
	if v.text != "" {
		r.Language = psLanguage(v.language)
	}
	if d.chance(0.6) {
		r.Finished = new(psTime(v.at.Add(time.Duration(d.among(15, 240)) * time.Minute)))
	}
	var station *psStation
	var outlet *psOutlet
	for i := range l.Stations {
		for k := range l.Stations[i].Outlets {
			o := &l.Stations[i].Outlets[k]
			if outlet == nil || v.evse != "" && o.evse.UID == v.evse && outlet.evse.UID != v.evse {
				station, outlet = &l.Stations[i], o
			}
		}
	}
	noConnector := d.chance(noise.ReviewNoConnector)
	if outlet != nil && !noConnector {
		r.ConnectorType = new(outlet.Connector)
		if v.evse == outlet.evse.UID && d.chance(0.6) {
			r.StationID = new(station.ID)
			if d.chance(0.5) {
				r.OutletID = new(outlet.ID)
			}
		}
		if v.rating > 0 && d.chance(0.3) {
			most := 50
			if outlet.Kilowatts != nil {
				most = int(*outlet.Kilowatts)
			}
			r.Kilowatts = new(int(float64(most) * d.between(0.4, 1)))
		}
	}
	if station != nil && station.site != nil && v.rating < 0 && d.chance(0.1) {
		r.Response = new("We are sorry to hear that. Please call our hotline.")
	}
	if d.chance(noise.ReviewSpam) {
		r.SpamCategory, r.SpamCategoryDescription = new(100), new("GeoDiscrepancy")
	}
	switch x := d.Float64(); {
	case x < noise.ReviewNoUser:
	case x < noise.ReviewNoUser+noise.ReviewUserEmpty:
		r.User = ""
	default:
		if p, ok := l.w.Person(v.author); ok {
			r.User = psPerson(l.w, p, v.country)
		}
	}
	if v.vehicle != "" {
		brand, _, _ := strings.Cut(v.vehicle, " ")
		at := "https://assets.plugshare.example/vehicles/makes/"
		r.VehicleName, r.VehicleMake, r.VehicleType = &v.vehicle, &brand, new(psVehicleType(v.vehicle))
		r.VehicleDefaultImg = new(at + "mobile/" + slug(brand) + ".png")
		r.VehicleMakeImageURL, r.VehicleMakeProfileImageURL = new(at+"image/"+slug(brand)+".png"), new(at+"profile/"+slug(brand)+".png")
	}
	return r
}

// psVehicleType numbers the made-up vehicles.
func psVehicleType(name string) int {
	return 9_000 + slices.Index([]string{"Lumo One", "Tarn GT", "Kestrel 300e", "Brio Van", "Nimbus S", "Pico EV"}, name)
}

func (v *psViewer) user(p Person, country string) *psUser { return psPerson(v.w, p, country) }

// psPerson is a user with everything that the service tells of one.
func psPerson(w *World, p Person, country string) *psUser {
	d := diceFor(w.params.Seed, "plugshare:user", int(p.ID))
	since := w.params.Epoch.AddDate(0, 0, -d.among(1, 3_000))
	u := &psUser{
		Bookmarks: []int{}, Locations: []int{}, Photos: []string{},
		CreatedAt: psTime(since), DisplayName: p.Name, FirstName: p.Name, ID: psUserBase + int(p.ID), SetupComplete: true,
		LastLogin: psTime(w.params.Epoch.AddDate(0, 0, -d.among(0, 30))),
	}
	if d.chance(0.9) {
		u.CountryCode = &country
	}
	if d.chance(0.7) {
		u.LanguageCode = new(one(d, "en-US", "en-GB", "de-DE", "nl-NL", "fr-FR", "ja-JP"))
	}
	if d.chance(0.2) {
		u.LastName = one(d, "Ashgrove", "Zandstra", "Lindqvist", "O'Hara")
		u.DisplayName = p.Name + " " + u.LastName[:1] + "."
	}
	if d.chance(0.1) {
		u.Phone = d.pattern("555010####")
		u.E164PhoneNumber, u.FormattedPhoneNumber = "+1"+u.Phone, "+1 "+u.Phone
	}
	if d.chance(0.05) {
		u.About = "Ask for me at " + slug(p.Name) + fmt.Sprint(p.ID) + "@mail.example"
	}
	if d.chance(0.7) {
		u.VehicleType = 9_000 + d.IntN(6)
	}
	return u
}

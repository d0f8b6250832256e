package sandbox

import (
	"slices"
	"time"
)

// surroundings decides what is around the chargers.
func (g *generator) surroundings(d dice, s *Site) {
	s.Parking = Parking{
		Kind: ParkingLot, Lit: d.chance(0.7), Accessible: d.chance(0.3),
		TrailerFriendly: d.chance(0.05), PullThrough: d.chance(0.05), Fees: s.Tariff.ParkingPerHour > 0,
	}
	likely := map[Amenity]float64{Toilets: 0.2, Food: 0.2, Coffee: 0.25, Shopping: 0.2, WiFi: 0.15, PublicTransport: 0.2, EVParkingOnly: 0.4, Park: 0.05, Playground: 0.03}
	switch s.Kind {
	case Kerbside:
		s.Parking.Kind = OnStreet
		likely[Toilets] = 0
	case CarPark:
		s.Parking.Kind = one(d, Garage, UndergroundGarage)
		s.Parking.Level = one(d, "", "-1", "-2", "P1", "P3")
		s.Parking.HeightM = one(d, 1.9, 2.0, 2.1)
		s.Parking.Covered = true
	case MotorwayServices:
		s.Parking.Kind = AlongMotorway
		likely[Toilets], likely[Food], likely[Coffee] = 0.95, 0.8, 0.9
	case Residence:
		s.Parking.Kind = Driveway
		likely = nil
	case Hotel:
		likely[Lodging], likely[WiFi], likely[ValetParking] = 1, 0.9, 0.1
	case Supermarket:
		likely[Groceries] = 1
	case Mall:
		likely[Shopping], likely[Food], likely[Toilets] = 1, 0.9, 0.9
	case Restaurant:
		likely[Food] = 1
	case TrainStation:
		likely[PublicTransport] = 1
	default: // what is usual anywhere
	}
	for a := Toilets; a <= ValetParking; a++ {
		if d.chance(likely[a]) {
			s.Amenities = append(s.Amenities, a)
		}
	}
	if d.chance(0.3) {
		s.Directions = one(d,
			"Behind the building, next to the recycling point",
			"At the far end of the car park",
			"Bays 12–15, left of the entrance",
			"Einfahrt über den Hof, 2. Reihe rechts",
			"Level -1, near the lifts; don't use the ramp marked \"deliveries\"",
			"À côté de l'entrée principale",
			"Achter de slagboom, bel aan bij 't loket")
	}
}

// visitTime draws a moment between the opening and the end of the world (or of
// the site). ok is false when there was none.
func (g *generator) visitTime(d dice, s *Site) (at time.Time, ok bool) {
	end := g.p.Epoch
	if s.Lifecycle == Closed {
		end = s.ClosedAt
	}
	span := end.Sub(s.OpenedAt)
	if span <= time.Hour {
		return time.Time{}, false
	}
	// The share squared: more visits in recent years than at the beginning.
	x := d.Float64()
	at = end.Add(-time.Duration(x * x * float64(span)))
	return at.Truncate(time.Millisecond), true
}

func (g *generator) photos(d dice, s *Site) {
	for i := range d.tail(g.p.Truth.PhotosMean, 12) {
		at, ok := g.visitTime(d, s)
		if !ok {
			return
		}
		s.Photos = append(s.Photos, Photo{
			ID: int(s.ID)*100 + i, Author: g.somebody(d), At: at,
			Caption: one(d, "", "", "", "The chargers", "Bays blocked on a Saturday", "Plakette & Stecker", "Entrance from <B> street", "充電器"),
		})
	}
	slices.SortStableFunc(s.Photos, func(a, b Photo) int { return b.At.Compare(a.At) })
}

// somebody prefers a few busy people.
func (g *generator) somebody(d dice) PersonID {
	x := d.Float64()
	return PersonID(1 + int(x*x*float64(g.p.Truth.People)))
}

func (g *generator) reviews(d dice, s *Site, country countryProfile) {
	mean := g.p.Truth.ReviewsMean
	if s.Access == PrivateHome {
		mean /= 4
	}
	for i := range d.tail(mean, g.p.Truth.ReviewsMax) {
		at, ok := g.visitTime(d, s)
		if !ok {
			return
		}
		r := Review{ID: int(s.ID)*1000 + i, Author: g.somebody(d), At: at, Topic: TopicVisit, Language: country.language}
		if d.chance(0.5) {
			r.Language = "en"
		}
		st := one(d, s.Stations...)
		e := one(d, st.EVSEs...)
		if d.chance(0.4) {
			r.EVSE = e.UID
		}
		if d.chance(0.5) {
			r.Vehicle = one(d, "Lumo One", "Tarn GT", "Kestrel 300e", "Brio Van", "Nimbus S", "Pico EV")
		}
		r.Outcome = drawOutcome(d, !e.BrokenSince.IsZero() && !at.Before(e.BrokenSince))
		r.Topic = drawTopic(d, r.Outcome)
		r.Rating = drawRating(d, r.Outcome)
		r.Text = reviewText(d, r.Topic, r.Outcome, r.Language)
		s.Reviews = append(s.Reviews, r)
	}
	slices.SortStableFunc(s.Reviews, func(a, b Review) int { return b.At.Compare(a.At) })
}

// drawOutcome draws what came of a visit; broken equipment does not charge.
func drawOutcome(d dice, broken bool) Outcome {
	if broken && d.chance(0.8) {
		return one(d, NotWorking, NotWorking, EquipmentProblem)
	}
	all := []Outcome{Charged, ChargedByRobot, OutcomeNone, ConfirmedCorrect, OtherGood, BusyEV, DidNotVisit, EquipmentProblem, NotWorking, Blocked, CardRefused, NoAccess, NotFound, Incompatible, NothingThere, NotInstalled, OtherBad, IsDuplicate, IsGone}
	return all[d.weighted([]float64{62, 3, 6, 5, 3, 3, 2, 3, 2, 3, 2, 2, 1, 1, 0.5, 0.3, 1, 0.3, 0.3})]
}

func drawTopic(d dice, o Outcome) Topic {
	switch o {
	case NotWorking, EquipmentProblem:
		return one(d, TopicVisit, TopicFault)
	case OutcomeNone:
		return one(d, TopicVisit, TopicNotice, TopicCorrection)
	case NotFound, IsDuplicate, IsGone:
		return TopicCorrection
	default:
		return TopicVisit
	}
}

func drawRating(d dice, o Outcome) int {
	good, known := o.Good()
	switch {
	case !known || d.chance(0.2):
		return 0
	case good:
		return one(d, 3, 4, 4, 5, 5, 5)
	default:
		return one(d, 1, 1, 2, 2, 3)
	}
}

// reviewText returns what people say; often nothing.
func reviewText(d dice, topic Topic, o Outcome, language string) string {
	if d.chance(0.25) {
		return ""
	}
	switch topic {
	case TopicNotice:
		return one(d, "Car park closes at 20:00, you can't get out later!", "Roadworks until spring, enter from the back.", "Please don't leave your car here overnight & move on after charging.")
	case TopicCorrection:
		return one(d, "There are two posts, not one.", "The pin should be across the street, by the bakery.", "Operator has changed, new stickers on the units.")
	case TopicFault:
		return one(d, "Screen is dead.", "Left unit shows \"Error 23\", reported to hotline.", "Kabel beschädigt, Anzeige: Störung.", "Stops after 2 minutes, every time.")
	case TopicVisit:
	}
	good, known := o.Good()
	if !known {
		return one(d, "Just passing by.", "Looks new.", "Will try next week 🙂")
	}
	local := map[string][2][]string{
		"de":    {{"Funktioniert einwandfrei.", "Schnell & sauber, gerne wieder."}, {"Säule defekt.", "Zugeparkt, keine Chance."}},
		"nl":    {{"Prima laadpaal, werkt goed.", "Snel geladen, 't was rustig."}, {"Paal buiten gebruik.", "Pas wordt niet geaccepteerd."}},
		"fr":    {{"Très bien, rien à dire.", "Charge rapide, café à côté."}, {"Borne hors service.", "Badge refusé…"}},
		"no":    {{"Fungerer bra, ingen kø.", "Rask lading på en kald dag."}, {"Ute av drift.", "Kø på tre biler."}},
		"pt-BR": {{"Funcionou perfeitamente.", "Rápido e grátis para clientes."}, {"Equipamento com defeito.", "Vaga ocupada por carro a combustão."}},
		"ja":    {{"問題なく充電できました。", "空いていて快適です。"}, {"故障中でした。", "満車で使えませんでした。"}},
		"en-IN": {{"Working fine, helpful guard.", "बहुत बढ़िया, काम कर रहा है"}, {"Not working since Monday.", "Gate was locked."}},
	}
	said, found := local[language]
	if !found {
		said = [2][]string{
			{"Worked first time.", "Great, 48 kW all the way from 20 % to 80 %.", "Fine. Coffee next door is good.", "Charged OK, a bit slow (< 20 kW) in the cold.", "Easy to find + free parking."},
			{"Wouldn't start, tried app & card.", "ICEd again…", "Out of order.", "Card reader refused every card I've got.", "Couldn't find it."},
		}
	}
	if good {
		return one(d, said[0]...)
	}
	return one(d, said[1]...)
}

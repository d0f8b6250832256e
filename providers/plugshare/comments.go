package plugshare

import (
	"cmp"

	"chargegraph/providers"
)

// comments returns the reviews that belong to g: those of its stations, and in
// the main group those of no known station as well, which are shared where the
// location has several groups.
func comments(w *wireLocation, g, main *group, several bool) []providers.Comment {
	groupOf := make(map[int]int) // the network of each station
	for i := range w.Stations {
		if id, ok := w.Stations[i].ID.id(); ok {
			groupOf[id] = networkOf(&w.Stations[i])
		}
	}
	var list []providers.Comment
	names := newNames()
	for i := range w.Reviews {
		r := &w.Reviews[i]
		// A review without id is named by its place among all of the location.
		name, isNew := names.of(r.ID)
		if !isNew || r.IsVisible.denied() {
			continue
		}
		station, _ := r.StationID.id()
		network, known := groupOf[station]
		if !known {
			network = main.network
		}
		if network != g.network {
			continue
		}
		c := review(r)
		c.ExternalID = name
		c.SharedWithLocation = several && !known
		list = append(list, c)
	}
	return list
}

func review(w *wireReview) providers.Comment {
	c := providers.Comment{
		Kind:       providers.CommentGeneral,
		Text:       cleanText(string(w.Comment)),
		Author:     author(&w.User.value),
		Vehicle:    cleanLine(string(w.VehicleName)),
		Volts:      w.Volts.whole(),
		Amps:       w.Amps.whole(),
		PowerKW:    w.Kilowatts.quantity(),
		FinishedAt: w.Finished.time(),
		CreatedAt:  w.CreatedAt.time(),
	}
	rating, rated := w.Rating.integer()
	problem, _ := w.Problem.integer()
	if !rated {
		return c
	}
	if o, ok := outcome(rating, problem); ok {
		c.Outcome = &o
		c.Sentiment = new(sentiment(rating, o))
		c.Kind = commentKind(rating, problem)
	}
	return c
}

// author returns the public name of a person; nil for one who has none or has left.
func author(w *wireUser) *providers.Author {
	name := cmp.Or(cleanLine(string(w.DisplayName)), cleanLine(string(w.FirstName)))
	if name == "" || w.IsDeleted.value {
		return nil
	}
	return &providers.Author{DisplayName: name}
}

func photos(wire list[wirePhoto]) []providers.Photo {
	var list []providers.Photo
	names := newNames()
	for i := range wire {
		w := &wire[i]
		name, isNew := names.of(w.ID)
		address := cleanURL(string(w.URL))
		if !isNew || address == "" || w.IsVisible.denied() {
			continue
		}
		list = append(list, providers.Photo{
			ExternalID: name,
			URL:        address,
			Thumbnail:  cmp.Or(cleanURL(string(w.Thumbnail)), cleanURL(string(w.Thumbnail2x))),
			Caption:    cleanText(string(w.Caption)),
			CreatedAt:  w.CreatedAt.time(),
		})
	}
	return list
}

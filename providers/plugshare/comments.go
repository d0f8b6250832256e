package plugshare

import (
	"cmp"

	"chargegraph/providers"
	"chargegraph/providers/internal/clean"
	"chargegraph/providers/internal/wire"
)

// comments returns the reviews that belong to g: those of its stations, and in
// the main group those of no known station as well, which are shared where the
// location has several groups.
func comments(w *wireLocation, g, main *group, several bool) []providers.Comment {
	groupOf := make(map[int]int) // the network of each station
	for i := range w.Stations {
		if id, ok := idOf(w.Stations[i].ID); ok {
			groupOf[id] = networkOf(&w.Stations[i])
		}
	}
	var list []providers.Comment
	names := make(wire.Names)
	for i := range w.Reviews {
		r := &w.Reviews[i]
		// A review without id is named by its place among all of the location.
		name, isNew := names.Of(idOf(r.ID))
		if !isNew || r.IsVisible.Denied() {
			continue
		}
		station, _ := idOf(r.StationID)
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
		Text:       clean.Text(string(w.Comment)),
		Author:     author(&w.User.Value),
		Vehicle:    clean.Line(string(w.VehicleName)),
		Volts:      rounded(w.Volts),
		Amps:       rounded(w.Amps),
		PowerKW:    w.Kilowatts.Positive(),
		FinishedAt: w.Finished.Time,
		CreatedAt:  w.CreatedAt.Time,
	}
	rating, rated := integer(w.Rating)
	problem, _ := integer(w.Problem)
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
	name := cmp.Or(clean.Line(string(w.DisplayName)), clean.Line(string(w.FirstName)))
	if name == "" || w.IsDeleted.Value {
		return nil
	}
	return &providers.Author{DisplayName: name}
}

func photos(list wire.List[wirePhoto]) []providers.Photo {
	var photos []providers.Photo
	names := make(wire.Names)
	for i := range list {
		w := &list[i]
		name, isNew := names.Of(idOf(w.ID))
		address := clean.URL(string(w.URL))
		if !isNew || address == "" || w.IsVisible.Denied() {
			continue
		}
		photos = append(photos, providers.Photo{
			ExternalID: name,
			URL:        address,
			Thumbnail:  cmp.Or(clean.URL(string(w.Thumbnail)), clean.URL(string(w.Thumbnail2x))),
			Caption:    clean.Text(string(w.Caption)),
			CreatedAt:  w.CreatedAt.Time,
		})
	}
	return photos
}

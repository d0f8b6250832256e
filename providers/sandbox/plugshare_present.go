package sandbox

import (
	"slices"
	"strconv"
	"time"
)

// newestReviews is how many reviews a detail carries.
const newestReviews = 50

func (l *psLocation) facts() *psFacts { return &l.psFacts }

func (l *psLocation) available(i int, now time.Time) int { return l.Stations[i].available(l.w, now) }

func (l *psLocation) detail(now time.Time) any {
	if l.secret {
		return map[string]any{"access": l.Access, "locked": true, "stations": []int{}}
	}
	d := l.psDetail
	d.Stations = l.live(now)
	d.Reviews = []psReview{}
	for i := range l.reviews[:min(len(l.reviews), newestReviews)] {
		d.Reviews = append(d.Reviews, l.review(&l.reviews[i]))
	}
	if d.Photos == nil {
		d.Photos = []psPhoto{}
	}
	return &d
}

func (l *psLocation) reviewsFrom(skip, limit int) []any {
	reviews := []any{}
	for i := min(skip, len(l.reviews)); i < min(skip+limit, len(l.reviews)); i++ {
		reviews = append(reviews, l.review(&l.reviews[i]))
	}
	return reviews
}

func (l *psLocation) brief(now time.Time, minimal bool, from *psBearing) any {
	var bearing, distance *float64
	if from != nil {
		bearing, distance = &from.degrees, &from.metres
	}
	var owner *psOwner
	if l.Owner != nil {
		owner = &psOwner{l.Owner.FirstName, l.Owner.ID}
	}
	url := "http://api.plugshare.example/view/location/" + strconv.Itoa(l.ID)
	if minimal {
		m := &psMinimal{
			Access: l.Access, CompassBearing: bearing, DistanceMeters: distance, Icon: l.Icon, IconType: l.IconType, ID: l.ID,
			Latitude: l.Latitude, Longitude: l.Longitude, Name: l.Name, Owner: owner, Score: l.Score, URL: url, Stations: []psStationTiny{},
		}
		for _, st := range l.Stations {
			tiny := psStationTiny{ID: st.ID, NetworkID: st.NetworkID, Outlets: []psOutletTiny{}}
			for _, o := range st.Outlets {
				tiny.Outlets = append(tiny.Outlets, psOutletTiny{o.Connector, o.ID, o.Power})
			}
			m.Stations = append(m.Stations, tiny)
		}
		return m
	}
	s := &psSummary{
		Access: l.Access, Address: l.Address, ComingSoon: l.comingSoon, CompassBearing: bearing, DistanceMeters: distance,
		ConnectorTypes: []string{}, Icon: l.Icon, IconType: l.IconType, ID: l.ID, Latitude: l.Latitude, Longitude: l.Longitude,
		Name: l.Name, Owner: owner, Score: l.Score, StationCount: len(l.Stations), Stations: []psStationBrief{},
		UnderRepair: l.UnderRepair, URL: url,
	}
	available, inUse, fed := 0, 0, false
	for _, st := range l.live(now) {
		b := psStationBrief{ID: st.ID, NetworkID: st.NetworkID, Outlets: []psOutletBrief{}}
		for _, o := range st.Outlets {
			c := psDescriptor{o.Connector, o.Power}
			b.Outlets = append(b.Outlets, psOutletBrief{o.Connector, o.ID, o.Kilowatts, o.Power, o.Status})
			s.IsFastCharger = s.IsFastCharger || psFast(c)
			if title := psConnectorTitle(c); !slices.Contains(s.ConnectorTypes, title) {
				s.ConnectorTypes = append(s.ConnectorTypes, title)
			}
		}
		s.Stations = append(s.Stations, b)
		if st.site == nil {
			continue
		}
		fed = true
		switch st.Available {
		case 1:
			available++
		case 2:
			inUse++
		}
	}
	slices.Sort(s.ConnectorTypes)
	if fed {
		s.AvailableStationCount, s.InUseStationCount = &available, &inUse
	}
	return s
}

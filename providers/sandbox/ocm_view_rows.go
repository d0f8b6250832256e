package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ocmPlugID is the directory's connection type of a plug. Contributors pick
// neighbouring entries of the list for industrial and household sockets.
func ocmPlugID(d dice, p Plug) int {
	switch p.Kind {
	case Type1:
		return 1
	case Type2:
		switch {
		case p.Current == DC:
			return 30
		case p.Cable:
			return 1036
		default:
			return 25
		}
	case CCS1:
		return 32
	case CCS2:
		return 33
	case CHAdeMO:
		return 2
	case NACS:
		return 27
	case GBTAC:
		if p.Cable {
			return 1039
		}
		return 1038
	case GBTDC:
		return 1040
	case Schuko:
		return one(d, 28, 28, 23)
	case BS1363:
		return 3
	case AS3112:
		return 29
	case NEMA515:
		return one(d, 22, 9)
	case NEMA1450:
		return 11
	case IndustrialBlue:
		return one(d, 34, 4, 16)
	case IndustrialRed:
		return one(d, 35, 17)
	default:
		return 0
	}
}

// connections writes the plugs of some stations as rows of like plugs.
func (v *ocmViewer) connections(d dice, id int, operator string, stations []Station) []ocmConnection {
	rows := []ocmConnection{} // an empty list is [] on the wire, not null
	if d.chance(v.noise.NoConnections) {
		return rows
	}
	type group struct {
		plug  Plug
		count int
		evse  EVSE
	}
	each := d.chance(v.noise.DuplicateRows)
	withIDs := d.chance(0.15)
	var groups []group
	for _, st := range stations {
		for _, e := range st.EVSEs {
			for _, p := range e.Plugs {
				i := slices.IndexFunc(groups, func(g group) bool { return g.plug == p })
				if i < 0 || each || withIDs {
					groups = append(groups, group{p, 1, e})
				} else {
					groups[i].count++
				}
			}
		}
	}
	// What is not known is not known of the whole record, mostly: rows that a
	// contributor repeats are equal but for their id.
	unknown := d.Uint64()
	for n, g := range groups {
		own := diceFor(unknown, "rows", int(g.plug.Kind)*1000+int(g.plug.PowerKW))
		c := v.connection(own, g.plug)
		c.ID = id*100 + n
		if c.Quantity != nil && *c.Quantity != 0 {
			c.Quantity = new(g.count)
		}
		if withIDs {
			c.Reference = new(g.evse.EVSEID)
			if d.chance(0.5) {
				c.Comments = new(fmt.Sprintf("%s-%d", strings.ToUpper(operator[:min(3, len(operator))]), g.evse.Number))
			}
		}
		rows = append(rows, c)
		if len(rows) == 84 {
			break // the most that was ever seen on one record
		}
	}
	return rows
}

func (v *ocmViewer) connection(d dice, p Plug) ocmConnection {
	c := ocmConnection{ConnectionTypeID: new(ocmPlugID(d, p)), Quantity: new(1)}
	if d.chance(v.noise.TypeZero) {
		c.ConnectionTypeID = new(0)
	}
	if d.chance(v.noise.QuantityNull) {
		c.Quantity = nil
	} else if d.chance(v.noise.QuantityZero) {
		c.Quantity = new(0)
	}
	if !d.chance(v.noise.PowerNull) {
		c.PowerKW = new(p.PowerKW)
		if d.chance(v.noise.PowerWrong) {
			if p.Current == DC {
				c.PowerKW = new(50.0) // what an import assumes of everything fast
			} else {
				c.PowerKW = new(one(d, 3.5, 7, 43))
			}
		}
	}
	if !d.chance(v.noise.ElectricNull) {
		c.Amps, c.Voltage = new(p.CurrentA), new(p.VoltageV)
	}
	if !d.chance(v.noise.CurrentNull) {
		c.CurrentTypeID = new(map[Current]int{ACSingle: 10, ACThree: 20, DC: 30}[p.Current])
	}
	if !d.chance(v.noise.ConnStatusNull) {
		c.StatusTypeID = new(one(d, 50, 50, 50, 0))
	}
	if !d.chance(0.1) {
		level := 2
		switch {
		case p.PowerKW < 2.4:
			level = 1
		case p.PowerKW >= 40 || p.Current == DC:
			level = 3
		}
		c.LevelID = new(level)
	}
	if d.chance(0.05) {
		c.Comments = new(one(d, "", "kW power is an estimate based on the connection type", "tethered", "Socket 1 & 2"))
	}
	return c
}

// people adds comments and photos to a record: those of the world's that were
// posted to the directory and whose number leaves the remainder part when
// divided by of, so that twins share a site's notes between them.
func (v *ocmViewer) people(d dice, p *ocmPOI, s *Site, part, of int) {
	for _, r := range s.Reviews {
		if !d.chance(v.noise.ReviewKnown) || r.ID%of != part {
			continue
		}
		p.UserComments = append(p.UserComments, v.comment(d, p.ID, len(p.UserComments), r))
	}
	for _, ph := range s.Photos {
		if !d.chance(v.noise.PhotoKnown) || ph.ID%of != part {
			continue
		}
		p.MediaItems = append(p.MediaItems, v.photo(d, p.ID, len(p.MediaItems), s, ph))
	}
	// A comment counts as an edit.
	if len(p.UserComments) > 0 && p.UserComments[0].DateCreated.at.After(p.DateLastStatusUpdate.at) {
		p.DateLastStatusUpdate = ocmTime(p.UserComments[0].DateCreated.at.Truncate(time.Second))
	}
}

func (v *ocmViewer) comment(d dice, poi, n int, r Review) ocmComment {
	c := ocmComment{
		ID: poi*100 + n, ChargePointID: poi, CommentTypeID: new(10),
		DateCreated: v.date(d, r.At),
	}
	switch r.Topic {
	case TopicNotice:
		c.CommentTypeID = new(50)
	case TopicCorrection:
		c.CommentTypeID = new(one(d, 100, 100, 110))
		c.IsActionedByEditor = new(d.chance(0.5))
	case TopicFault:
		c.CommentTypeID = new(1000)
	case TopicVisit:
		if d.chance(0.05) {
			c.IsActionedByEditor = new(false)
		}
	}
	if person, ok := v.w.Person(r.Author); ok && !d.chance(v.noise.CommentNoUser) {
		c.User = ocmPerson(person)
		c.UserName = new(person.Name)
	} else if !d.chance(v.noise.CommentNoName) {
		c.UserName = new(one(d, "a driver", "guest 7", "Anon & Co", ""))
	}
	if r.Text != "" && !d.chance(v.noise.CommentNoText) {
		c.Comment = new(r.Text)
		if d.chance(v.noise.Markup) {
			c.Comment = new("<p>" + r.Text + "</p>\r\n<img src=x onerror=alert(1)>")
		}
	} else if d.chance(0.3) {
		c.Comment = new("")
	}
	if r.Rating > 0 && !d.chance(v.noise.CommentNoRating) {
		c.Rating = new(r.Rating)
		if d.chance(v.noise.RatingContradicts) {
			c.Rating = new(6 - r.Rating)
		}
	}
	if d.chance(v.noise.RatingOutside) {
		c.Rating = new(one(d, 0, 6, 10, 255))
	}
	if id, ok := ocmCheckin(d, r.Outcome); ok && !d.chance(v.noise.CommentNoCheckin) {
		c.CheckinStatusTypeID = new(id)
	}
	if d.chance(v.noise.CommentLink) {
		c.RelatedURL = new(one(d, "javascript:alert(1)", "http://blog.example/?p=1&q=2", "data:text/html,hi", "www.blog.example"))
	}
	return c
}

// ocmCheckin is the directory's check-in status of an outcome.
func ocmCheckin(d dice, o Outcome) (id int, ok bool) {
	switch o {
	case Charged:
		return 10, true
	case ChargedByRobot:
		return 15, true
	case NotWorking:
		return 20, true
	case NotInstalled:
		return 22, true
	case EquipmentProblem:
		return 25, true
	case Incompatible:
		return 30, true
	case CardRefused:
		return 40, true
	case NothingThere:
		return 50, true
	case BusyEV:
		return 100, true
	case Blocked:
		return 110, true
	case NoAccess:
		return 120, true
	case NotFound:
		return 130, true
	case ConfirmedCorrect:
		return 140, true
	case IsDuplicate:
		return 150, true
	case IsGone:
		return 160, true
	case OtherBad:
		return 200, true
	case OtherGood:
		return 210, true
	case DidNotVisit:
		return 0, true
	case OutcomeNone:
		return 0, d.chance(0.3)
	}
	return 0, false
}

func ocmPerson(p Person) *ocmUser {
	return &ocmUser{
		ID: int(p.ID) + 4000, Username: new(p.Name), ReputationPoints: new(p.Reputation),
		ProfileImageURL: new("https://www.gravatar.com/avatar/" + p.AvatarHash + "?s=80&d=robohash"),
	}
}

func (v *ocmViewer) photo(d dice, poi, n int, s *Site, ph Photo) ocmMedia {
	host := "https://media.openchargemap.io"
	if d.chance(v.noise.PhotoOldHost) {
		host = "https://s3-ap-southeast-2.amazonaws.com/openchargemap"
	}
	url := func(size string) *string {
		return new(fmt.Sprintf("%s/images/%s/OCM%d/OCM-%d.%s.%s%02d.jpg", host, s.Address.Country, poi, poi, size, ph.At.Format("20060102150405"), n))
	}
	m := ocmMedia{
		ID: poi*100 + n, ChargePointID: poi, ItemURL: url("orig"), ItemThumbnailURL: url("thmb"),
		Comment: new(ph.Caption), IsEnabled: !d.chance(v.noise.PhotoDisabled), IsVideo: d.chance(v.noise.PhotoVideo),
		IsFeaturedItem: d.chance(0.02), DateCreated: v.date(d, ph.At.Truncate(time.Second)),
	}
	if d.chance(0.3) && ph.Caption == "" {
		m.Comment = nil
	}
	if d.chance(v.noise.PhotoExternal) {
		m.IsExternalResource = true
		m.ItemURL, m.ItemThumbnailURL = new("http://pictures.example/"+fmt.Sprint(m.ID)+".jpg"), nil
	}
	if person, ok := v.w.Person(ph.Author); ok && !d.chance(v.noise.PhotoNoUser) {
		m.User = ocmPerson(person)
	}
	return m
}

// date writes a date, now and then without its zone.
func (v *ocmViewer) date(d dice, at time.Time) *ocmDate {
	date := ocmTime(at)
	if d.chance(v.noise.DateWithoutZone) {
		date.text = strings.TrimSuffix(date.text, "Z")
	}
	return date
}

package conflate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"chargegraph/providers"
)

// Renew returns p with other versions of the same members, in the same order:
// its fields are merged anew, its identity stays.
func Renew(p *providers.POI, members []*providers.Record) *providers.POI {
	renewed := merge(members)
	renewed.Match, renewed.Results = p.Match, p.Results
	return renewed
}

// merge makes the POI of members, the root first and the rest by rank. A single
// record is its own POI, without a copy. Of several, the rules are:
//
//	lists (plugs, comments, photos, …)      the union, see unite
//	updatedAt, lastVerifiedAt, lastConfirmedAt   the latest
//	rating, maxPowerKw                      follow from the united comments and plugs
//	everything else                         the first member that has a value
func merge(members []*providers.Record) *providers.POI {
	root := members[0]
	if len(members) == 1 {
		return &providers.POI{Site: &root.Site, Members: members}
	}
	site := root.Site
	poi := &providers.POI{Site: &site, Members: members}
	having := make([]*providers.Record, 0, len(members))
	for _, f := range providers.SiteFields() {
		having = having[:0]
		for _, r := range members {
			if f.Present(&r.Site) {
				having = append(having, r)
			}
		}
		if len(having) == 0 {
			continue
		}
		from, rule := having[:1], providers.MergePriority
		switch latest := dateOf(f.Name); {
		case len(having) == 1:
			rule = providers.MergeOnlyValue
		case isUnion(f.Name):
			from, rule = unite(f.Name, &site, having), providers.MergeUnion
		case latest != nil:
			last := slices.MaxFunc(having, func(a, b *providers.Record) int { return latest(a).Compare(latest(b)) })
			from, rule = []*providers.Record{last}, providers.MergeMostRecent
		}
		if rule != providers.MergeUnion {
			f.Take(&site, &from[0].Site)
		}
		for _, r := range from {
			poi.Fields = append(poi.Fields, providers.FieldProvenance{Field: f.Name, Record: r, Rule: rule})
		}
	}
	site.Derive()
	return poi
}

// dateOf returns how to read a field of which the latest value counts; nil for others.
func dateOf(field string) func(*providers.Record) time.Time {
	switch field {
	case "updatedAt":
		return func(r *providers.Record) time.Time { return r.UpdatedAt }
	case "lastVerifiedAt":
		return func(r *providers.Record) time.Time { return r.LastVerifiedAt }
	case "lastConfirmedAt":
		return func(r *providers.Record) time.Time { return r.LastConfirmedAt }
	}
	return nil
}

// isUnion reports whether a field is made of what all members say.
func isUnion(field string) bool {
	switch field {
	case "connections", "maxPowerKw", "stations", "evses", "comments", "photos", "amenities", "parking", "links", "rating":
		return true
	}
	return false
}

// unite sets a field for which isUnion holds to the union over records, and
// returns those of them that are in it.
func unite(field string, site *providers.Site, records []*providers.Record) []*providers.Record {
	switch field {
	case "connections":
		site.Connections, records = uniteConnections(records)
	case "maxPowerKw":
		strongest := math.Inf(-1) // of the united connections, which come before it
		for i := range site.Connections {
			if p := site.Connections[i].PowerKW; p != nil {
				strongest = math.Max(strongest, *p)
			}
		}
		records = slices.DeleteFunc(records, func(r *providers.Record) bool {
			return !slices.ContainsFunc(r.Connections, func(c providers.ConnectionInfo) bool {
				return c.PowerKW != nil && *c.PowerKW == strongest
			})
		})
	case "stations":
		site.Stations = concat(records, func(r *providers.Record) []providers.Station { return r.Stations })
	case "evses":
		site.EVSEs = concat(records, func(r *providers.Record) []providers.EVSE { return r.EVSEs })
	case "comments":
		site.Comments = concat(records, func(r *providers.Record) []providers.Comment { return r.Comments })
	case "photos":
		site.Photos = concat(records, func(r *providers.Record) []providers.Photo { return r.Photos })
	case "amenities":
		site.Amenities = distinct(concat(records, func(r *providers.Record) []providers.Amenity { return r.Amenities }))
	case "parking":
		site.Parking = distinct(concat(records, func(r *providers.Record) []providers.ParkingKind { return r.Parking }))
	case "links":
		site.Links.Canonical = ""
		for _, r := range records {
			site.Links.Canonical = cmp.Or(site.Links.Canonical, r.Links.Canonical)
		}
		site.Links.Providers = distinct(concat(records, func(r *providers.Record) []providers.ProviderLink { return r.Links.Providers }))
	case "rating":
		var scores []providers.ProviderScore
		for _, r := range records {
			scores = append(scores, r.Rating.ProviderScores...)
		}
		site.Rating = &providers.Rating{ProviderScores: scores}
	}
	return records
}

func concat[T any](records []*providers.Record, list func(*providers.Record) []T) []T {
	var all []T
	for _, r := range records {
		all = append(all, list(r)...)
	}
	return all
}

func distinct[T comparable](list []T) []T {
	seen := make(map[T]bool, len(list))
	return slices.DeleteFunc(list, func(v T) bool {
		was := seen[v]
		seen[v] = true
		return was
	})
}

// plug is what makes connections of two records the same equipment.
type plug struct {
	connector providers.ConnectorType
	powerKW   int // rounded; -1: unknown
}

func plugOf(c *providers.ConnectionInfo) plug {
	p := plug{connector: c.Type, powerKW: -1}
	if c.PowerKW != nil {
		p.powerKW = int(math.Round(*c.PowerKW))
	}
	return p
}

// uniteConnections takes, for each kind of plug, the rows of the record that
// counts most of it: the larger quantity, never the sum, since both records
// count the same posts. It returns them and the records that they are of.
func uniteConnections(records []*providers.Record) ([]providers.ConnectionInfo, []*providers.Record) {
	type rows struct {
		of    *providers.Record
		list  []providers.ConnectionInfo
		count int
	}
	best := make(map[plug]rows)
	var order []plug
	for _, r := range records {
		own := make(map[plug]rows)
		for i := range r.Connections {
			c := &r.Connections[i]
			p := plugOf(c)
			mine := own[p]
			mine.of = r
			mine.list = append(mine.list, *c)
			mine.count++
			if c.Quantity != nil {
				mine.count += *c.Quantity - 1
			}
			own[p] = mine
			if !slices.Contains(order, p) {
				order = append(order, p)
			}
		}
		for p, mine := range own {
			if held, ok := best[p]; !ok || mine.count > held.count {
				best[p] = mine
			}
		}
	}
	var all []providers.ConnectionInfo
	used := make(map[*providers.Record]bool, len(records))
	for _, p := range order {
		all = append(all, best[p].list...)
		used[best[p].of] = true
	}
	return all, slices.DeleteFunc(records, func(r *providers.Record) bool { return !used[r] })
}

package conflate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"chargegraph/providers"
)

// Renew returns p with other versions of the same members, in the same order:
// its fields are merged anew, its identity and its place stay.
func Renew(p *providers.POI, members []*providers.Record) *providers.POI {
	at := 0
	for i, f := range p.Members {
		if f.Location == p.Location {
			at = i
			break
		}
	}
	renewed := merge(members, members[at:at+1])
	renewed.Explain, renewed.Results = p.Explain, p.Results
	return renewed
}

// How a field is merged, and what the provenance calls it.
type choice int

const (
	first    choice = iota // the best member that has a value: PRIORITY
	together               // as first, from the record that gave the field before it, of which it is a part
	latest                 // the latest date: MOST_RECENT
	union                  // all members', see unite: UNION
	title                  // the name that people gave it, see byName: PRIORITY
	fullest                // the most complete one, whole and of one record: PRIORITY
	place                  // where a group acts, see placeOf: PRIORITY
)

// choiceOf is the table of how fields are merged; what is not in it is first.
// Live states are part of the equipment and of the availability of those members
// that have some: sources hand out none that are too old to be called live.
func choiceOf(field string) choice {
	switch field {
	case "title":
		return title
	case "location":
		return place
	case "address":
		return fullest
	case "usageType", "statusType":
		return together
	case "updatedAt", "lastVerifiedAt", "lastConfirmedAt":
		return latest
	case "connections", "maxPowerKw", // equipment: of OCPI where that has some
		"evses", "stations", // each once
		"comments", "photos", "amenities", "parking", "links",
		"rating": // follows from the united comments
		return union
	}
	return first
}

// merge makes the POI of members, the root first and the rest by rank; leaders
// are those of them at whose positions the POI may be. A single record is its
// own POI, without a copy.
func merge(members, leaders []*providers.Record) *providers.POI {
	root := members[0]
	if len(members) == 1 {
		return &providers.POI{Site: &root.Site, Members: members}
	}
	site := root.Site
	// A site of two members has some twenty fields.
	poi := &providers.POI{Site: &site, Members: members, Fields: make([]providers.FieldProvenance, 0, 24)}
	having := make([]*providers.Record, 0, len(members))
	var before *providers.Record // that gave the field before
	for _, f := range providers.SiteFields() {
		having = having[:0]
		for _, r := range members {
			if f.Present(&r.Site) {
				having = append(having, r)
			}
		}
		if !isOfPeople(f.Name) {
			having = originals(having)
		}
		how, only := choiceOf(f.Name), len(having) == 1
		if how == together {
			having = partOf(before, having, f)
		}
		if len(having) == 0 {
			if how == together {
				f.Take(&site, &providers.Site{}) // of the root, which did not give the field before
			}
			before = nil
			continue
		}
		from, rule := having[:1], providers.MergePriority
		switch how {
		case first, together:
		case latest:
			date := dateOf(f.Name)
			from = []*providers.Record{slices.MaxFunc(having, func(a, b *providers.Record) int { return date(a).Compare(date(b)) })}
			rule = providers.MergeMostRecent
		case union:
			from, rule = unite(f.Name, &site, having), providers.MergeUnion
		case title:
			from = []*providers.Record{slices.MinFunc(having, byName)}
		case fullest:
			from = []*providers.Record{slices.MaxFunc(having, func(a, b *providers.Record) int {
				return cmp.Compare(completeness(&a.Address), completeness(&b.Address))
			})}
		case place:
			from = []*providers.Record{placeOf(originals(leaders))}
		}
		if how != union {
			f.Take(&site, &from[0].Site)
		}
		if only {
			rule = providers.MergeOnlyValue
		}
		before = nil
		if len(from) > 0 { // there is no strongest plug where the operator's state no power
			before = from[0]
		}
		for _, r := range from {
			poi.Fields = append(poi.Fields, providers.FieldProvenance{Field: f.Name, Record: r, Rule: rule})
		}
	}
	site.Derive()
	return poi
}

// originals returns the records that are no copies from another directory, or
// all of them where there are only such. A copy says what the directory said when
// it was made: it bears out nothing, and is newer than nothing. So it gives what
// no original has, and has no vote where there is one.
func originals(records []*providers.Record) []*providers.Record {
	isCopy := func(r *providers.Record) bool { return r.Directory != "" }
	if !slices.ContainsFunc(records, isCopy) {
		return records
	}
	own := slices.DeleteFunc(slices.Clone(records), isCopy)
	if len(own) == 0 {
		return records
	}
	return own
}

// isOfPeople names the fields that a copy has of its own: what drivers have left
// there, and where it is shown.
func isOfPeople(field string) bool {
	switch field {
	case "comments", "photos", "rating", "links":
		return true
	}
	return false
}

// partOf returns who may give a field that is a part of the one before it: the
// record that gave that, or anybody where nobody did. So a site is never
// OPERATIONAL by one record and, by the words of another, closed.
func partOf(before *providers.Record, having []*providers.Record, f providers.SiteField) []*providers.Record {
	switch {
	case before == nil:
		return having
	case f.Present(&before.Site):
		return []*providers.Record{before}
	}
	return nil
}

func dateOf(field string) func(*providers.Record) time.Time {
	switch field {
	case "lastVerifiedAt":
		return func(r *providers.Record) time.Time { return r.LastVerifiedAt }
	case "lastConfirmedAt":
		return func(r *providers.Record) time.Time { return r.LastConfirmedAt }
	}
	return func(r *providers.Record) time.Time { return r.UpdatedAt }
}

// byName orders records by how likely their title is what people call the site:
// drivers and mappers write names, operators numbers, and a title that is only
// the address stands in for a missing one. slices.MinFunc keeps the better-ranked
// of equals.
func byName(a, b *providers.Record) int {
	rank := func(r *providers.Record) int {
		n := 2
		switch r.Source.Provider { //nolint:exhaustive // the others publish what operators write
		case providers.PlugShare:
			n = 0
		case providers.OCM:
			n = 1
		}
		if r.Title == r.Address.Line1 || r.Title == r.Address.Formatted || r.Title == "Charging site "+r.ParentExternalID {
			n += 3
		}
		return n
	}
	return cmp.Compare(rank(a), rank(b))
}

// completeness counts the parts of an address that it takes to write a letter.
func completeness(a *providers.Address) int {
	n := 0
	for _, part := range [...]string{a.Line1, a.Town, a.Postcode, a.CountryCode, a.StateOrProvince} {
		if part != "" {
			n++
		}
	}
	return n
}

// outlierM is how far from all others a position must be for them to outvote it.
const outlierM = 100.0

// placeOf returns the leader whose position the POI has: the best-ranked, unless
// it lies apart from two others that lie together.
func placeOf(leaders []*providers.Record) *providers.Record {
	for i, r := range leaders {
		var others []*providers.Record
		for j, o := range leaders {
			if j != i && r.Location.DistanceM(o.Location) > outlierM {
				others = append(others, o)
			}
		}
		apart := len(others) == len(leaders)-1 && len(others) >= 2
		for _, o := range others {
			apart = apart && o.Location.DistanceM(others[0].Location) <= outlierM
		}
		if !apart {
			return r
		}
	}
	return leaders[0]
}

// unite sets a field to the union over records, and returns those of them that
// are in it.
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
		records = slices.DeleteFunc(slices.Clone(records), func(r *providers.Record) bool {
			return !slices.ContainsFunc(r.Connections, func(c providers.ConnectionInfo) bool {
				return c.PowerKW != nil && *c.PowerKW == strongest
			})
		})
	case "stations":
		site.Stations = concat(records, func(r *providers.Record) []providers.Station { return r.Stations })
	case "evses":
		site.EVSEs, records = uniteEVSEs(records)
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
		site.Rating = &providers.Rating{ProviderScores: uniteScores(records)}
	}
	return records
}

// uniteScores returns each provider's scores once: of its best member, whose
// twin's score is another count of the same drivers.
func uniteScores(records []*providers.Record) []providers.ProviderScore {
	var scores []providers.ProviderScore
	for _, r := range records {
		for _, s := range r.Rating.ProviderScores {
			if !slices.ContainsFunc(scores, func(o providers.ProviderScore) bool { return o.Provider == s.Provider }) {
				scores = append(scores, s)
			}
		}
	}
	return scores
}

func concat[T any](records []*providers.Record, list func(*providers.Record) []T) []T {
	n := 0
	for _, r := range records {
		n += len(list(r))
	}
	if n == 0 {
		return nil
	}
	all := make([]T, 0, n)
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

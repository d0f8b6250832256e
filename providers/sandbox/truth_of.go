package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// Behind is the truth behind a record: what one operator has at one site.
type Behind struct {
	Site     SiteID
	Operator string // its key
}

// BehindOCM returns the truth behind a record of the simulated Open Charge Map,
// by its id there. ok is false for an id that the view of this world never gives.
func (w *World) BehindOCM(id string) (b Behind, ok bool) {
	n, err := strconv.Atoi(id)
	if err != nil || n < ocmIDBase+ocmIDsPerSite {
		return Behind{}, false
	}
	s, ok := w.Site(SiteID((n - ocmIDBase) / ocmIDsPerSite))
	if !ok {
		return Behind{}, false
	}
	slot := (n - ocmIDBase) % ocmIDsPerSite
	if slot == ocmTwinSlot || slot == ocmArchiveSlot {
		slot = 0
	}
	var operators []string
	seen := make(map[string]bool)
	for i := range s.Stations {
		if key := s.Stations[i].Operator; !seen[key] {
			seen[key] = true
			operators = append(operators, key)
		}
	}
	if slot >= len(operators) {
		return Behind{}, false
	}
	return Behind{s.ID, operators[slot]}, true
}

// BehindPlugShare returns the truth behind every station of the simulated
// PlugShare, by its id there. A location may have stations of several sites.
func (w *World) BehindPlugShare() map[string]Behind {
	stations := make(map[string]Behind)
	for i := range w.sites {
		s := &w.sites[i]
		for j := range s.Stations {
			st := &s.Stations[j]
			stations[strconv.Itoa(psStationBase+st.ID)] = Behind{s.ID, st.Operator}
			stations[strconv.Itoa(psStationBase+st.ID+psTwinStation)] = Behind{s.ID, st.Operator}
		}
	}
	return stations
}

// PlugShareSite returns the site that gave a location of the simulated PlugShare
// its name, place and address, by the location's id there.
func (w *World) PlugShareSite(id string) (s SiteID, ok bool) {
	n, err := strconv.Atoi(id)
	if err != nil || n < psIDBase+psIDsPerSite {
		return 0, false
	}
	site, ok := w.Site(SiteID((n - psIDBase) / psIDsPerSite))
	return site.ID, ok
}

// Behind returns the truth behind every location, by country, party and id as
// they are from 2.2.1 on: "GB*VLT*LOC7". A recording has none.
func (o *OCPI) Behind() map[string]Behind {
	locations := make(map[string]Behind)
	for _, record := range o.records {
		if l, made := record.(*ocpiLocation); made {
			locations[strings.ToUpper(fmt.Sprintf("%s*%s*%s", l.operator.Country, l.operator.Party, l.id))] = Behind{l.site.ID, l.operator.Key}
		}
	}
	return locations
}

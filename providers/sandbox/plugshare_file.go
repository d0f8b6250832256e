package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// psRecorded is a location of a recording. It is served as it was recorded,
// whatever the clock says.
type psRecorded struct {
	psFacts

	members  map[string]json.RawMessage
	reviews  []json.RawMessage
	status   []int // available, by station
	networks []json.RawMessage
}

// psRecordedFacts reads what searches need; everything else passes unread.
type psRecordedFacts struct {
	ID         int      `json:"id"`
	Latitude   *float64 `json:"latitude"`
	Longitude  *float64 `json:"longitude"`
	Name       *string  `json:"name"`
	Address    *string  `json:"address"`
	Access     int      `json:"access"`
	Cost       bool     `json:"cost"`
	Score      *float64 `json:"score"`
	ComingSoon *bool    `json:"coming_soon"`
	Enabled    *bool    `json:"enabled"`
	POIName    *string  `json:"poi_name"`
	Amenities  []struct {
		Type int `json:"type"`
	} `json:"amenities"`
	Stations []struct {
		Available int             `json:"available"`
		NetworkID *int            `json:"network_id"`
		Network   json.RawMessage `json:"network"`
		Outlets   []struct {
			Connector int      `json:"connector"`
			Power     int      `json:"power"`
			Kilowatts *float64 `json:"kilowatts"`
		} `json:"outlets"`
	} `json:"stations"`
	Reviews []json.RawMessage `json:"reviews"`
}

// readPSFile reads a recording: its locations, and the networks that their
// stations name.
func readPSFile(file string) ([]psRecord, []any, error) {
	b, err := readMaybeGzip(file)
	if err != nil {
		return nil, nil, err
	}
	texts, err := splitPSRecords(b)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", file, err)
	}
	byID := make(map[int]*psRecorded)
	var order []int
	for i, text := range texts {
		r, err := newPSRecorded(text)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: location %d: %w", file, i+1, err)
		}
		switch before := byID[r.id]; {
		case before == nil:
			order = append(order, r.id)
			byID[r.id] = r
		case len(r.members) > len(before.members): // a detail tells more than an item
			byID[r.id] = r
		}
	}
	records := make([]psRecord, len(order))
	networks := make(map[int]json.RawMessage)
	for i, id := range order {
		records[i] = byID[id]
		for _, n := range byID[id].networks {
			var named struct {
				ID int `json:"id"`
			}
			if json.Unmarshal(n, &named) == nil && named.ID != 0 { // "" is no network
				networks[named.ID] = n
			}
		}
	}
	list := make([]any, 0, len(networks))
	for _, id := range slices.SortedFunc(maps.Keys(networks), cmp.Compare) {
		list = append(list, networks[id])
	}
	return records, list, nil
}

// splitPSRecords reads an array of objects, or objects one after another.
func splitPSRecords(b []byte) ([]json.RawMessage, error) {
	var texts []json.RawMessage
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	if len(b) > 0 && b[0] == '[' {
		err := json.Unmarshal(b, &texts)
		return texts, err
	}
	for dec := json.NewDecoder(bytes.NewReader(b)); ; {
		var text json.RawMessage
		if err := dec.Decode(&text); errors.Is(err, io.EOF) {
			return texts, nil
		} else if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
}

func newPSRecorded(text json.RawMessage) (*psRecorded, error) {
	r := new(psRecorded)
	var f psRecordedFacts
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &r.members); err != nil {
		return nil, err
	}
	if f.ID == 0 || f.Latitude == nil || f.Longitude == nil {
		return nil, errors.New("it has no id, latitude or longitude: not PlugShare's format")
	}
	word := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	r.psFacts = psFacts{
		id: f.ID, lat: *f.Latitude, lon: *f.Longitude, name: word(f.Name), address: word(f.Address), access: f.Access, cost: f.Cost,
		score: f.Score, comingSoon: f.ComingSoon != nil && *f.ComingSoon, searchable: f.Enabled == nil || *f.Enabled, poi: word(f.POIName),
	}
	for _, a := range f.Amenities {
		r.amenities = append(r.amenities, a.Type)
	}
	for _, st := range f.Stations {
		s := psStationFacts{network: st.NetworkID}
		for _, o := range st.Outlets {
			s.outlets = append(s.outlets, psOutletFacts{o.Connector, o.Power, o.Kilowatts})
		}
		r.stations = append(r.stations, s)
		r.status = append(r.status, st.Available)
		r.networks = append(r.networks, st.Network)
	}
	r.reviews = f.Reviews
	return r, nil
}

func (r *psRecorded) facts() *psFacts { return &r.psFacts }

func (r *psRecorded) available(i int, _ time.Time) int { return r.status[i] }

func (r *psRecorded) detail(time.Time) any {
	if len(r.reviews) <= newestReviews {
		return r.members
	}
	members := maps.Clone(r.members)
	members["reviews"], _ = json.Marshal(r.reviews[:newestReviews]) // they were JSON before
	return members
}

func (r *psRecorded) reviewsFrom(skip, limit int) []any {
	reviews := []any{}
	for _, x := range r.reviews[min(skip, len(r.reviews)):min(skip+limit, len(r.reviews))] {
		reviews = append(reviews, x)
	}
	return reviews
}

// brief keeps the members that items of searches have.
func (r *psRecorded) brief(_ time.Time, minimal bool, from *psBearing) any {
	keep := psMemberNames[psSummary]()
	station, outlet := append(psMemberNames[psStationBrief](), "promos"), psMemberNames[psOutletBrief]()
	if minimal {
		keep, outlet = psMemberNames[psMinimal](), psMemberNames[psOutletTiny]()
	}
	item := only(r.members, keep)
	if _, isDetail := r.members["description"]; isDetail || minimal {
		item["stations"] = briefStations(r.members["stations"], station, outlet)
	}
	var owner map[string]json.RawMessage
	if json.Unmarshal(item["owner"], &owner) == nil {
		item["owner"], _ = json.Marshal(only(owner, psMemberNames[psOwner]()))
	}
	if from != nil {
		item["compass_bearing"], _ = json.Marshal(from.degrees) // numbers do not fail
		item["distance_meters"], _ = json.Marshal(from.metres)
	}
	return item
}

func briefStations(text json.RawMessage, station, outlet []string) json.RawMessage {
	var stations []map[string]json.RawMessage
	if json.Unmarshal(text, &stations) != nil {
		return text
	}
	for i, st := range stations {
		var outlets []map[string]json.RawMessage
		if json.Unmarshal(st["outlets"], &outlets) != nil {
			continue
		}
		for k := range outlets {
			outlets[k] = only(outlets[k], outlet)
		}
		st = only(st, station)
		if string(st["network_id"]) == "null" {
			delete(st, "network_id")
		}
		st["outlets"], _ = json.Marshal(outlets) // they were JSON before
		stations[i] = st
	}
	brief, _ := json.Marshal(stations)
	return brief
}

// psMemberNames are the members of a wire type.
func psMemberNames[T any]() []string {
	var names []string
	for f := range reflect.TypeFor[T]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func only(members map[string]json.RawMessage, names []string) map[string]json.RawMessage {
	kept := make(map[string]json.RawMessage, len(names))
	for _, name := range names {
		if value, ok := members[name]; ok {
			kept[name] = value
		}
	}
	return kept
}

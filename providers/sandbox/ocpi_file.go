package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ocpiRecorded is a location of a recording, served as it is.
type ocpiRecorded struct {
	raw            json.RawMessage
	id             string
	country, owner string
	at             time.Time
}

func (l *ocpiRecorded) names(ocpiShape) (key, withParty string) {
	return l.id, l.country + "*" + l.owner + "*" + l.id
}
func (l *ocpiRecorded) party() (country, id string)         { return l.country, l.owner }
func (l *ocpiRecorded) present(time.Time, ocpiVersion) bool { return true }
func (l *ocpiRecorded) updated(*World, time.Time) time.Time { return l.at }
func (l *ocpiRecorded) append(b []byte, _ *World, _ time.Time, _ ocpiShape) []byte {
	return append(b, l.raw...)
}

// readOCPIFile reads recorded locations.
func readOCPIFile(name string) ([]ocpiRecord, error) {
	b, err := readMaybeGzip(name)
	if err != nil {
		return nil, err
	}
	list, err := readList(b, "data", "items", "content")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	records := make([]ocpiRecord, 0, len(list))
	for i, raw := range list {
		var l struct {
			ID          any    `json:"id"`
			CountryCode string `json:"country_code"`
			PartyID     string `json:"party_id"`
			LastUpdated string `json:"last_updated"`
		}
		if err := json.Unmarshal(raw, &l); err != nil || l.ID == nil {
			return nil, fmt.Errorf("read %s: record %d is no OCPI location", name, i+1)
		}
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			return nil, fmt.Errorf("read %s: record %d: %w", name, i+1, err)
		}
		at, _ := parseOCPITime(l.LastUpdated) // the zero time when it is missing: older than everything
		records = append(records, &ocpiRecorded{raw: line.Bytes(), id: fmt.Sprint(l.ID), country: l.CountryCode, owner: l.PartyID, at: at})
	}
	return records, nil
}

// readList finds the records in a recording: an array, an object that has them
// as one of the members, or records one after another.
func readList(b []byte, members ...string) ([]json.RawMessage, error) {
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	if len(b) > 0 && b[0] == '[' {
		var list []json.RawMessage
		err := json.Unmarshal(b, &list)
		return list, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	var list []json.RawMessage
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(list)+1, err)
		}
		list = append(list, raw)
	}
	if len(list) != 1 {
		return list, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(list[0], &object); err != nil {
		return nil, err
	}
	for _, name := range members {
		var inside []json.RawMessage
		if raw, ok := object[name]; ok && json.Unmarshal(raw, &inside) == nil {
			return inside, nil
		}
	}
	return list, nil
}

package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// readOCPPLABFile reads a recording of the gateway.
func readOCPPLABFile(name string) ([]*ocpplabCPO, error) {
	b, err := readMaybeGzip(name)
	if err != nil {
		return nil, err
	}
	cpos, err := decodeOCPPLAB(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return cpos, nil
}

func decodeOCPPLAB(b []byte) ([]*ocpplabCPO, error) {
	var both struct {
		CPOs      json.RawMessage            `json:"cpos"`
		Locations map[string]json.RawMessage `json:"locations"`
	}
	if json.Unmarshal(b, &both) != nil || both.CPOs == nil && both.Locations == nil {
		// Locations alone: nobody knows whose they are.
		both.Locations = map[string]json.RawMessage{"101": b}
	}
	var cpos []*ocpplabCPO
	if both.CPOs != nil {
		list, err := readList(both.CPOs, "data")
		if err != nil {
			return nil, err
		}
		for i, raw := range list {
			id, err := ocpplabID(raw, "cpo_id")
			if err != nil {
				return nil, fmt.Errorf("CPO %d: %w", i+1, err)
			}
			cpos = append(cpos, &ocpplabCPO{ID: id, raw: raw})
		}
	}
	for id, text := range both.Locations {
		i := slices.IndexFunc(cpos, func(c *ocpplabCPO) bool { return c.ID == id })
		if i < 0 {
			i = len(cpos)
			cpos = append(cpos, &ocpplabCPO{ID: id})
		}
		list, err := readList(text, "data")
		if err != nil {
			return nil, fmt.Errorf("locations of CPO %s: %w", id, err)
		}
		for k, raw := range list {
			location, err := ocpplabID(raw, "id")
			if err != nil {
				return nil, fmt.Errorf("location %d of CPO %s: %w", k+1, id, err)
			}
			cpos[i].locations = append(cpos[i].locations, &ocpplabEntry{id: location, json: raw})
		}
	}
	slices.SortFunc(cpos, func(a, b *ocpplabCPO) int { return strings.Compare(a.ID, b.ID) })
	return cpos, nil
}

// ocpplabID reads the one member that must be there, and leaves raw in one
// line.
func ocpplabID(raw json.RawMessage, member string) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return "", err
	}
	id := string(bytes.Trim(object[member], `"`))
	if id == "" || id == "null" {
		return "", fmt.Errorf("it has no %s: not OCPPLAB's format", member)
	}
	return id, nil
}

package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// maxFileBytes bounds an unpacked recording: the whole real directory is about
// 1 GB verbose, and more than that is not a recording.
const maxFileBytes = 2 << 30

// readOCMFile reads recorded records and, when named, recorded reference data.
func readOCMFile(file, reference string) (*ocmData, error) {
	b, err := readMaybeGzip(file)
	if err != nil {
		return nil, err
	}
	pois, err := decodeOCMRecords(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	data := &ocmData{pois: pois}
	if reference != "" {
		b, err := readMaybeGzip(reference)
		if err != nil {
			return nil, err
		}
		data.reference = new(ocmReferenceData)
		if err := json.Unmarshal(b, data.reference); err != nil {
			return nil, fmt.Errorf("read %s: %w", reference, err)
		}
	} else {
		data.reference = referenceFrom(pois)
	}
	data.lookup = newOCMLookup(data.reference)
	for _, p := range pois {
		data.lookup.complete(p)
	}
	return data, nil
}

// decodeOCMRecords reads an array of records, or records one after another.
func decodeOCMRecords(b []byte) ([]*ocmPOI, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var pois []*ocmPOI
	if trimmed := bytes.TrimLeft(b, " \t\r\n\ufeff"); len(trimmed) > 0 && trimmed[0] == '[' {
		if err := json.Unmarshal(trimmed, &pois); err != nil {
			return nil, err
		}
	} else {
		for {
			p := new(ocmPOI)
			if err := dec.Decode(p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("record %d: %w", len(pois)+1, err)
			}
			pois = append(pois, p)
		}
	}
	for i, p := range pois {
		if p == nil || p.ID == 0 {
			return nil, fmt.Errorf("record %d has no ID: not Open Charge Map's format", i+1)
		}
	}
	return pois, nil
}

func readMaybeGzip(name string) ([]byte, error) {
	b, err := os.ReadFile(name) //nolint:gosec // the name is the user's own flag
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	b, err = io.ReadAll(io.LimitReader(z, maxFileBytes))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return b, nil
}

// referenceFrom collects the reference objects that records carry, and adds
// the directory's own lists, which are the same everywhere.
func referenceFrom(pois []*ocmPOI) *ocmReferenceData {
	r := ocmLists(time.Unix(0, 0).UTC())
	r.DataProviders, r.Operators, r.Countries = []ocmDataProvider{}, []ocmOperator{}, []ocmCountry{}
	seen := struct{ providers, operators, countries map[int]bool }{make(map[int]bool), make(map[int]bool), make(map[int]bool)}
	for _, p := range pois {
		if x := p.DataProvider; x != nil && !seen.providers[x.ID] {
			seen.providers[x.ID] = true
			r.DataProviders = append(r.DataProviders, *x)
		}
		if x := p.OperatorInfo; x != nil && !seen.operators[x.ID] {
			seen.operators[x.ID] = true
			r.Operators = append(r.Operators, *x)
		}
		if p.AddressInfo != nil && p.AddressInfo.Country != nil && !seen.countries[p.AddressInfo.Country.ID] {
			seen.countries[p.AddressInfo.Country.ID] = true
			r.Countries = append(r.Countries, *p.AddressInfo.Country)
		}
	}
	for _, c := range ocmCountries() {
		if !seen.countries[c.ID] {
			r.Countries = append(r.Countries, c)
		}
	}
	return r
}

package sandbox

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
)

// The forms other than JSON are answered so that a client which asks for them
// by mistake meets a plausible text. They carry little of the record.

// ocmXML is also the answer to any output the service does not know.
func ocmXML(pois []*ocmPOI) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n<OCM Version=\"3.0\"><ChargePoints>")
	for _, p := range pois {
		fmt.Fprintf(&b, `<ChargePoint ID="%d" UUID="%s"><Location Latitude="%v" Longitude="%v"><LocationTitle>`, p.ID, p.UUID, p.AddressInfo.Latitude, p.AddressInfo.Longitude)
		_ = xml.EscapeText(&b, []byte(p.title()))
		b.WriteString("</LocationTitle></Location></ChargePoint>")
	}
	b.WriteString("</ChargePoints></OCM>")
	return b.Bytes()
}

func ocmKML(pois []*ocmPOI) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<kml xmlns="http://www.opengis.net/kml/2.2"><Document>`)
	for _, p := range pois {
		b.WriteString("<Placemark><name>")
		_ = xml.EscapeText(&b, []byte(p.title()))
		fmt.Fprintf(&b, "</name><Point><coordinates>%v,%v</coordinates></Point></Placemark>", p.AddressInfo.Longitude, p.AddressInfo.Latitude)
	}
	b.WriteString("</Document></kml>")
	return b.Bytes()
}

func ocmCSV(pois []*ocmPOI) []byte {
	var b bytes.Buffer
	b.WriteString("ID, LocationTitle,Latitude,Longitude\n") // the blank is theirs
	w := csv.NewWriter(&b)
	for _, p := range pois {
		_ = w.Write([]string{strconv.Itoa(p.ID), p.title(), fmt.Sprint(p.AddressInfo.Latitude), fmt.Sprint(p.AddressInfo.Longitude)}) // a buffer does not fail
	}
	w.Flush()
	return b.Bytes()
}

// geoJSON is always indented and in camelCase; verbose adds the whole record.
func (o *OCM) geoJSON(pois []*ocmPOI, shape ocmShape) []byte {
	whole := shape
	whole.camelCase, whole.compact = true, false
	b := []byte(`{ "type": "FeatureCollection", "features": [`)
	for i, p := range pois {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "\n  { \"type\": \"Feature\", \"id\": \"%d\", \"geometry\": { \"type\": \"Point\", \"coordinates\": [%v, %v] }, \"properties\": { \"name\": ", p.ID, p.AddressInfo.Longitude, p.AddressInfo.Latitude)
		b = appendOCMString(b, p.title())
		b = fmt.Appendf(b, `, "url": "https://openchargemap.org/site/poi/details/%d"`, p.ID)
		if best := bestConnection(p); best != nil {
			b = fmt.Appendf(b, `, "level": %d`, *best.LevelID)
			if best.ConnectionType != nil && best.ConnectionType.Title != nil {
				b = appendOCMString(append(b, `, "connectionType": `...), *best.ConnectionType.Title)
			}
		}
		if shape.verbose {
			b = append(b, `, "poi": `...)
			b = o.encoder.append(b, p, whole)
		}
		b = append(b, " } }"...)
	}
	return append(b, "\n] }"...)
}

// bestConnection is the connection of the highest level, nil without any.
func bestConnection(p *ocmPOI) *ocmConnection {
	leveled := slices.DeleteFunc(slices.Clone(p.Connections), func(c ocmConnection) bool { return c.LevelID == nil })
	if len(leveled) == 0 {
		return nil
	}
	best := slices.MaxFunc(leveled, func(a, b ocmConnection) int { return *a.LevelID - *b.LevelID })
	return &best
}

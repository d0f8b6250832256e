package ocpplab

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The wire types accept null, or a value of another kind, anywhere.

// lenient returns the options under which the gateway's JSON is read.
func lenient() json.Options {
	return json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// text is a JSON text, or a number as it is written.
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = ""
	switch dec.PeekKind() {
	case jsontext.KindString, jsontext.KindNumber:
	default:
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*t = text(token.String())
	return nil
}

// number is a JSON number, or a text that holds one.
type number struct {
	value float64
	set   bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t text
	if err := t.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	*n = number{}
	if v, err := strconv.ParseFloat(strings.TrimSpace(string(t)), 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*n = number{value: v, set: true}
	}
	return nil
}

// flag is a JSON truth value.
type flag struct{ value, set bool }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*f = flag{}
	switch dec.PeekKind() {
	case jsontext.KindTrue, jsontext.KindFalse, jsontext.KindString:
	default:
		return dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch strings.ToLower(token.String()) {
	case "true":
		*f = flag{value: true, set: true}
	case "false":
		*f = flag{set: true}
	}
	return nil
}

// instant is a date and time, or none.
type instant struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t text
	if err := t.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	*i = instant{}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, strings.TrimSpace(string(t))); err == nil && at.Year() > 1900 && at.Year() < 9999 {
			i.Time = at.UTC()
			break
		}
	}
	return nil
}

// list is a JSON array of objects; what is none is left out and counted.
type list[T any] struct {
	values []T
	broken int
	set    bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = list[T]{}
	if dec.PeekKind() != jsontext.KindBeginArray {
		return dec.SkipValue()
	}
	l.set = true
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != jsontext.KindEndArray {
		if dec.PeekKind() != jsontext.KindBeginObject {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			l.broken++
			continue
		}
		var v T
		if err := json.UnmarshalDecode(dec, &v); err != nil {
			return err
		}
		l.values = append(l.values, v)
	}
	_, err := dec.ReadToken()
	return err
}

// object is a JSON object, or nothing.
type object[T any] struct{ value T }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*o = object[T]{}
	if dec.PeekKind() != jsontext.KindBeginObject {
		return dec.SkipValue()
	}
	return json.UnmarshalDecode(dec, &o.value)
}

// wirePage is what stands around a list.
type wirePage[T any] struct {
	Data  list[T] `json:"data"`
	Total number  `json:"total"`
	Page  number  `json:"page"`
	Limit number  `json:"limit"`
}

// wireLocation is a location without its organization_id, which names a tenant
// and is never read.
type wireLocation struct {
	ID             text              `json:"id"`
	OCPPLocationID text              `json:"ocpp_location_id"`
	Slug           text              `json:"slug"`
	Name           text              `json:"name"`
	Address        text              `json:"address"`
	City           text              `json:"city"`
	Country        text              `json:"country"`
	Coordinates    object[wirePoint] `json:"coordinates"`
	TimeZone       text              `json:"timezone"`
	OwnerName      text              `json:"owner_name"`
	Public         flag              `json:"public"`
	Chargers       list[wireCharger] `json:"chargers"`
	CreatedAt      instant           `json:"created_at"`
	UpdatedAt      instant           `json:"updated_at"`
}

type wirePoint struct {
	Latitude  number `json:"latitude"`
	Longitude number `json:"longitude"`
}

type wireCharger struct {
	ID            text `json:"id"`
	Identity      text `json:"identity"`
	ConnectorType text `json:"connector_type"`
	OCPPVersion   text `json:"ocpp_version"`
}

type wireCPO struct {
	CPOID      text              `json:"cpo_id"`
	Party      object[wireParty] `json:"party"`
	NamePrefix text              `json:"name_prefix"`
	PeerURL    text              `json:"ocpi_peer_url"`
	ExpiresAt  instant           `json:"expires_at"`
}

type wireParty struct {
	CountryCode text `json:"country_code"`
	PartyID     text `json:"party_id"`
}

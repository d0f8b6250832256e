package ocpplab

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chargegraph/providers/internal/wire"
)

// counted is a JSON array of objects; what is none is left out and counted.
type counted[T any] struct {
	values []T
	broken int
	set    bool // false: there was no array
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *counted[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*c = counted[T]{}
	if dec.PeekKind() != jsontext.KindBeginArray {
		return dec.SkipValue()
	}
	c.set = true
	return wire.Array(dec, func() error {
		if dec.PeekKind() != jsontext.KindBeginObject {
			c.broken++
			return dec.SkipValue()
		}
		var v T
		err := json.UnmarshalDecode(dec, &v)
		c.values = append(c.values, v)
		return err
	})
}

// wirePage is what stands around a list.
type wirePage[T any] struct {
	Data  counted[T]  `json:"data"`
	Total wire.Number `json:"total"`
	Page  wire.Number `json:"page"`
	Limit wire.Number `json:"limit"`
}

// wireLocation is a location without its organization_id, which names a tenant
// and is never read.
type wireLocation struct {
	ID             wire.Text              `json:"id"`
	OCPPLocationID wire.Text              `json:"ocpp_location_id"`
	Slug           wire.Text              `json:"slug"`
	Name           wire.Text              `json:"name"`
	Address        wire.Text              `json:"address"`
	City           wire.Text              `json:"city"`
	Country        wire.Text              `json:"country"`
	Coordinates    wire.Object[wirePoint] `json:"coordinates"`
	TimeZone       wire.Text              `json:"timezone"`
	OwnerName      wire.Text              `json:"owner_name"`
	Public         wire.Flag              `json:"public"`
	Chargers       wire.List[wireCharger] `json:"chargers"`
	CreatedAt      wire.Time              `json:"created_at"`
	UpdatedAt      wire.Time              `json:"updated_at"`
}

type wirePoint struct {
	Latitude  wire.Number `json:"latitude"`
	Longitude wire.Number `json:"longitude"`
}

type wireCharger struct {
	ID            wire.Text `json:"id"`
	Identity      wire.Text `json:"identity"`
	ConnectorType wire.Text `json:"connector_type"`
	OCPPVersion   wire.Text `json:"ocpp_version"`
}

type wireCPO struct {
	CPOID      wire.Text              `json:"cpo_id"`
	Party      wire.Object[wireParty] `json:"party"`
	NamePrefix wire.Text              `json:"name_prefix"`
	PeerURL    wire.Text              `json:"ocpi_peer_url"`
	ExpiresAt  wire.Time              `json:"expires_at"`
}

type wireParty struct {
	CountryCode wire.Text `json:"country_code"`
	PartyID     wire.Text `json:"party_id"`
}

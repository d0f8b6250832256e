package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ocpplabOrganization is the tenant that everything belongs to.
const ocpplabOrganization = "7d0c1e52-0000-4000-8000-000000000001"

type ocpplabLocation struct {
	ID             string              `json:"id"`
	OCPPLocationID *string             `json:"ocpp_location_id"`
	OrganizationID *string             `json:"organization_id"`
	Slug           *string             `json:"slug"`
	Name           *string             `json:"name"`
	Address        *string             `json:"address"`
	City           *string             `json:"city"`
	Country        *string             `json:"country"`
	Coordinates    *ocpplabCoordinates `json:"coordinates"`
	Timezone       *string             `json:"timezone"`
	OwnerName      *string             `json:"owner_name"`
	Public         *bool               `json:"public"`
	Chargers       []ocpplabCharger    `json:"chargers"`
	CreatedAt      *string             `json:"created_at"`
	UpdatedAt      *string             `json:"updated_at"`
}

type ocpplabCoordinates struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

type ocpplabCharger struct {
	ID            string  `json:"id"`
	Identity      *string `json:"identity"`
	ConnectorType *string `json:"connector_type"`
	OCPPVersion   *string `json:"ocpp_version"`
}

// newOCPPLABView makes one CPO per operator, with some of its sites.
func newOCPPLABView(w *World, operators []string) ([]*ocpplabCPO, error) {
	if len(operators) > 99 {
		return nil, fmt.Errorf("sandbox: OCPPLABOptions.CPOs has %d operators, want at most 99", len(operators))
	}
	cpos := make([]*ocpplabCPO, len(operators))
	for i, key := range operators {
		operator, ok := w.Operator(key)
		if !ok {
			return nil, fmt.Errorf("sandbox: OCPPLABOptions.CPOs: no operator %q", key)
		}
		id := strconv.Itoa(101 + i)
		c := &ocpplabCPO{
			ID: id, Party: &ocpplabParty{operator.Country, operator.Party, "CPO"},
			NamePrefix: new(key), Template: new("small-urban-ac"), TemplateVersion: new(1),
			Topology: new(ocpplabTopology), ReportURL: new("/ocpi/cpos/" + id + "/report"), DestroyURL: new("/ocpi/cpos/" + id),
		}
		// The gateway has a short vocabulary of plugs; its SDK has OCPI's.
		v := ocpplabViewer{w: w, noise: w.params.OCPPLAB, operator: operator, words: i%2 == 0, countries: countryProfiles()}
		for s := range w.sites {
			l := v.location(&w.sites[s], c.Topology)
			if l == nil {
				continue
			}
			b, err := json.Marshal(l)
			if err != nil {
				return nil, fmt.Errorf("sandbox: write location %s: %w", l.ID, err)
			}
			c.locations = append(c.locations, &ocpplabEntry{id: l.ID, site: &w.sites[s], json: b})
		}
		cpos[i] = c
	}
	return cpos, nil
}

type ocpplabViewer struct {
	w         *World
	noise     OCPPLABNoise
	operator  Operator
	words     bool
	countries map[string]countryProfile
}

// location returns what the gateway holds of a site, nil for nothing.
func (v *ocpplabViewer) location(s *Site, topology *ocpplabTopology) *ocpplabLocation {
	d := diceFor(v.w.params.Seed, "ocpplab:"+v.operator.Key, int(s.ID))
	var stations []*Station
	for i := range s.Stations {
		if s.Stations[i].Operator == v.operator.Key {
			stations = append(stations, &s.Stations[i])
		}
	}
	if len(stations) == 0 || s.Lifecycle != Open || !d.chance(v.noise.Listed) {
		return nil
	}
	n := v.noise
	text := func(t string) *string {
		if d.chance(n.FieldNull) || t == "" {
			return nil
		}
		return &t
	}
	name := s.Name
	if d.chance(n.NameVariant) {
		name = s.Address.Street + " " + s.Address.Number + ", " + s.Address.Town
	}
	street := s.Address.Street + " " + s.Address.Number
	if v.countries[s.Address.Country].numberFirst {
		street = s.Address.Number + " " + s.Address.Street
	}
	created := v.w.params.Epoch.Add(-time.Duration(d.among(24, 400*24)) * time.Hour)
	updated := created.Add(time.Duration(d.Float64() * float64(v.w.params.Epoch.Sub(created)))).Truncate(time.Second)
	id := strconv.Itoa(int(s.ID))
	l := &ocpplabLocation{
		ID: "loc-" + id, OCPPLocationID: text("ocpp-loc-" + id), OrganizationID: text(ocpplabOrganization),
		Slug: text(strings.Trim(slug(name)+"-"+d.hex(8), "-")), Name: text(name),
		Address: text(street), City: text(s.Address.Town), Country: text(s.Address.Country),
		Timezone: text(s.TimeZone), OwnerName: text(one(d, s.Host, s.Host, v.operator.Name)),
		CreatedAt: text(created.Format(time.RFC3339)), UpdatedAt: text(updated.Format(time.RFC3339)),
	}
	lat, lon := scatter(d, s.Lat, s.Lon, n.PositionSigmaM)
	if !d.chance(n.CoordinatesNull) {
		l.Coordinates = &ocpplabCoordinates{lat, lon}
	}
	if public := s.Access != StaffOnly && !d.chance(n.Hidden); !d.chance(n.FieldNull) {
		l.Public = &public
	}
	chargers := make([]ocpplabCharger, 0, len(stations))
	for k, st := range stations {
		chargers = append(chargers, ocpplabCharger{
			ID: "dep-" + strconv.Itoa(st.ID), Identity: text(fmt.Sprintf("SITE_%d_%s_%03d", s.ID, st.Label, k+1)),
			ConnectorType: text(v.plug(st.EVSEs[0].Plugs[0])), OCPPVersion: text(v.ocpp(d)),
		})
		topology.EVSEs += len(st.EVSEs)
		for _, e := range st.EVSEs {
			topology.Connectors += len(e.Plugs)
		}
	}
	topology.Locations++
	topology.Chargers += len(chargers)
	if !d.chance(n.FieldNull) {
		l.Chargers = chargers
	}
	return l
}

// ocpp is a version of OCPP, as the gateway or as its SDK writes it.
func (v *ocpplabViewer) ocpp(d dice) string {
	version := one(d, "1.6", "1.6", "2.0.1")
	if v.words {
		return "OCPP" + version
	}
	return "ocpp" + version
}

// plug is the connector type of a charger, in one vocabulary or the other.
func (v *ocpplabViewer) plug(p Plug) string {
	if !v.words {
		_, standard, _ := ocpiStandard(p)
		return standard
	}
	switch p.Kind {
	case Type1:
		return "Type1"
	case Type2:
		return "Type2"
	case CCS1:
		return "CCS1"
	case CCS2:
		return "CCS2"
	case CHAdeMO:
		return "CHAdeMO"
	case NACS:
		return "NACS"
	case GBTAC, GBTDC:
		return "GBT"
	case Schuko:
		return "Schuko"
	default:
		return "Other"
	}
}

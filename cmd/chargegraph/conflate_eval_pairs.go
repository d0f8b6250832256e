package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"chargegraph/providers"
)

// pair is two records that somebody has judged to be one site, or not.
type pair struct {
	Set      string   `json:"set"`
	Label    string   `json:"label"`
	Basis    string   `json:"basis"`
	A        evalSide `json:"a"`
	B        evalSide `json:"b"`
	where    string   // file and line
	distance float64  // metres
	a, b     *providers.Record
}

// The labels that count. Pairs of any other are read, and judged by nobody.
const (
	labelMatch   = "match"
	labelNoMatch = "no_match"
	labelUnit    = "same_address_other_unit"
)

// evalSide is one record of a pair. Fields that hold the identity by which the
// pairs were labelled (data_providers_reference, tesla_location_id) are not here
// on purpose: they are not read at all.
type evalSide struct {
	Source     string          `json:"source"`
	ID         text            `json:"id"`
	Name       text            `json:"name"`
	Address    text            `json:"address"`
	City       text            `json:"city"`
	State      text            `json:"state"`
	Postcode   text            `json:"postcode"`
	Country    text            `json:"country"`
	Lat        float64         `json:"lat"`
	Lon        float64         `json:"lon"`
	Operator   text            `json:"operator"`
	Phone      text            `json:"phone"`
	Website    text            `json:"website"`
	Connectors json.RawMessage `json:"connectors"`
	Level1     *int            `json:"l1"`
	Level2     *int            `json:"l2"`
	DC         *int            `json:"dc"`
	EVSEs      *int            `json:"evses"`
	Stalls     *int            `json:"stalls"`
	Points     *int            `json:"number_of_points"`
	MaxKW      *float64        `json:"max_kw"`
}

// text is a string, or a number written down; null is "".
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	*t = text(b)
	return nil
}

// readPairs reads every .jsonl file of a folder.
func readPairs(dir string) ([]*pair, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no .jsonl files in %s", dir)
	}
	slices.Sort(files)
	var pairs []*pair
	for _, path := range files {
		list, err := readPairFile(path)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, list...)
	}
	return pairs, nil
}

func readPairFile(path string) (pairs []*pair, err error) {
	f, err := os.Open(path) //nolint:gosec // a path that the user of the command gave
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		p := &pair{where: fmt.Sprintf("%s:%d", filepath.Base(path), n)}
		if err = json.Unmarshal(lines.Bytes(), p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.where, err)
		}
		if p.Set == "" {
			p.Set = strings.TrimSuffix(filepath.Base(path), ".jsonl")
		}
		if p.a, err = p.A.record(); err != nil {
			return nil, fmt.Errorf("%s: a: %w", p.where, err)
		}
		if p.b, err = p.B.record(); err != nil {
			return nil, fmt.Errorf("%s: b: %w", p.where, err)
		}
		if p.a.Source.ID == p.b.Source.ID {
			return nil, fmt.Errorf("%s: both records are of %s; pairs are of two sources", p.where, p.a.Source.Name)
		}
		p.distance = p.a.Location.DistanceM(p.b.Location)
		pairs = append(pairs, p)
	}
	return pairs, lines.Err()
}

// cellDeg is the size of the cells that the pairs are split by, in degrees:
// 5 km, so that a town falls into many, and neighbours mostly into one.
const cellDeg = 0.05

// tuned reports whether the pair lies in a cell by which weights were set. The
// others report: their pairs were looked at as figures only.
func (p *pair) tuned() bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.cell()))
	return h.Sum32()>>7&1 == 0
}

// cell names the cell that the pair lies in, by its first record.
func (p *pair) cell() string {
	return fmt.Sprintf("%d/%d", int(p.a.Location.Lat/cellDeg), int(p.a.Location.Lon/cellDeg))
}

// record makes a record of a side, as a source would.
func (s *evalSide) record() (*providers.Record, error) {
	if s.Source == "" || s.ID == "" {
		return nil, errors.New("source or id is missing")
	}
	at := providers.Point{Lat: s.Lat, Lon: s.Lon}
	if !at.Valid() || at.IsNull() {
		return nil, fmt.Errorf("no position: lat %v, lon %v", s.Lat, s.Lon)
	}
	source := evalSource(s.Source)
	r := &providers.Record{
		Source: source, Key: providers.NewKey(source.ID, string(s.ID)), ExternalID: string(s.ID),
		Site: providers.Site{
			Title: string(s.Name), Location: at,
			Address: providers.Address{
				Line1: string(s.Address), Town: string(s.City), StateOrProvince: string(s.State), Postcode: string(s.Postcode),
				CountryCode: countryCode(string(s.Country)),
			},
			Operator: s.operator(source.Provider), NumberOfPoints: s.points(),
			Usage: providers.UsageUnknown, Status: providers.StatusUnknown, Cost: providers.CostUnknown,
		},
	}
	if s.Phone != "" || s.Website != "" {
		r.Contact = &providers.Contact{Phone: string(s.Phone), Website: string(s.Website)}
	}
	var err error
	if r.Connections, err = s.connections(); err != nil {
		return nil, err
	}
	r.Seal()
	return r, nil
}

// evalSource returns a source for a name, which is free: the providers of the
// graph by theirs, others as sources of the lowest rank.
func evalSource(name string) *providers.Source {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return &providers.Source{ID: providers.SourceID(plain), Provider: providers.ProviderCode(strings.ToUpper(plain)), Name: name}
}

// countryCode returns the alpha-2 code of the countries that pairs write otherwise.
func countryCode(s string) string {
	switch s = strings.ToUpper(s); s {
	case "USA", "UNITED STATES":
		return "US"
	case "GBR", "UK", "UNITED KINGDOM":
		return "GB"
	case "DEU", "GERMANY", "DEUTSCHLAND":
		return "DE"
	case "NLD", "NETHERLANDS":
		return "NL"
	case "FRA", "FRANCE":
		return "FR"
	case "CAN", "CANADA":
		return "CA"
	case "NOR", "NORWAY":
		return "NO"
	}
	if len(s) != 2 {
		return ""
	}
	return s
}

// operator returns nil for a stand-in: the pairs know operators by name only.
func (s *evalSide) operator(code providers.ProviderCode) *providers.Operator {
	switch providers.Fold(string(s.Operator)) {
	case "", "unknown", "none", "non-networked", "non networked", "(unknown operator)", "unknown operator", "other", "n/a", "null", "onbekend", "unbekannt", "inconnu",
		"(business owner at location)", "business owner at location", "(private residence/individual)":
		return nil
	}
	return providers.NewOperatorNamed(code, string(s.Operator))
}

func (s *evalSide) points() *int {
	for _, n := range []*int{s.Points, s.Stalls, s.EVSEs} {
		if n != nil {
			return n
		}
	}
	return nil
}

// connections reads what the sources write under this name: a list of objects,
// of texts, or one text with counts beside it.
func (s *evalSide) connections() ([]providers.ConnectionInfo, error) {
	var list []providers.ConnectionInfo
	add := func(t providers.ConnectorType, current providers.CurrentKind, kw *float64, quantity *int) {
		if t == "" {
			t = providers.ConnectorUnknown
		}
		if kw != nil && *kw <= 0 {
			kw = nil
		}
		list = append(list, providers.ConnectionInfo{
			ExternalID: strconv.Itoa(len(list)), Type: t, Current: current, PowerKW: kw, Quantity: quantity,
			Format: providers.FormatUnknown, Status: providers.StatusUnknown,
		})
	}
	raw := s.Connectors
	switch {
	case len(raw) == 0 || string(raw) == "null":
		if s.MaxKW != nil {
			add(providers.ConnectorUnknown, currentOf(*s.MaxKW), s.MaxKW, nil)
		}
	case raw[0] == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, fmt.Errorf("connectors: %w", err)
		}
		for _, item := range items {
			if len(item) > 0 && item[0] == '{' {
				var c struct {
					TypeID    *int     `json:"type_id"`
					Connector *int     `json:"connector"`
					Power     *int     `json:"power"`
					Level     *int     `json:"level"`
					KW        *float64 `json:"kw"`
					Quantity  *int     `json:"qty"`
				}
				if err := json.Unmarshal(item, &c); err != nil {
					return nil, fmt.Errorf("connectors: %w", err)
				}
				current := providers.CurrentUnknown
				switch {
				case c.Level != nil && *c.Level == 3, c.Connector != nil && *c.Connector == 6 && c.Power != nil && *c.Power == 1:
					current = providers.CurrentDC
				case c.Level != nil, c.Connector != nil && *c.Connector == 6 && c.Power != nil:
					current = providers.CurrentAC
				}
				t := ocmPlug(c.TypeID)
				if c.Connector != nil {
					t = plugSharePlug(*c.Connector)
				}
				add(t, current, c.KW, c.Quantity)
				continue
			}
			var name string
			if err := json.Unmarshal(item, &name); err != nil {
				return nil, fmt.Errorf("connectors: %w", err)
			}
			t, kw := namedPlug(name)
			add(t, providers.CurrentUnknown, kw, nil)
		}
	default:
		var names string
		if err := json.Unmarshal(raw, &names); err != nil {
			return nil, fmt.Errorf("connectors: %w", err)
		}
		for name := range strings.FieldsSeq(names) {
			t, kw := namedPlug(name)
			current := providers.CurrentUnknown
			if t == providers.ConnectorNACS {
				switch {
				case s.DC != nil && s.Level2 == nil:
					current = providers.CurrentDC
				case s.Level2 != nil && s.DC == nil:
					current = providers.CurrentAC
				}
			}
			var quantity *int
			if len(strings.Fields(names)) == 1 {
				quantity = s.Level2
				if s.DC != nil {
					quantity = s.DC
				}
			}
			add(t, current, kw, quantity)
		}
	}
	return list, nil
}

func currentOf(kw float64) providers.CurrentKind {
	if kw > 44 {
		return providers.CurrentDC
	}
	return providers.CurrentUnknown
}

func ocmPlug(id *int) providers.ConnectorType {
	if id == nil {
		return providers.ConnectorUnknown
	}
	switch *id {
	case 1:
		return providers.ConnectorType1
	case 2:
		return providers.ConnectorCHAdeMO
	case 25, 1036:
		return providers.ConnectorType2
	case 32:
		return providers.ConnectorCCS1
	case 33:
		return providers.ConnectorCCS2
	case 27, 30:
		return providers.ConnectorNACS
	case 28:
		return providers.ConnectorDomesticF
	}
	return providers.ConnectorUnknown
}

func plugSharePlug(id int) providers.ConnectorType {
	switch id {
	case 2:
		return providers.ConnectorType1
	case 3:
		return providers.ConnectorCHAdeMO
	case 6:
		return providers.ConnectorNACS
	case 7:
		return providers.ConnectorType2
	case 13:
		return providers.ConnectorCCS1
	case 20:
		return providers.ConnectorCCS2
	}
	return providers.ConnectorUnknown
}

// namedPlug reads the names of plugs that registers and feeds write, and the
// power behind them.
func namedPlug(name string) (providers.ConnectorType, *float64) {
	var kw *float64
	if i := strings.LastIndexByte(name, ' '); i >= 0 {
		if v, err := strconv.ParseFloat(strings.ReplaceAll(name[i+1:], ",", "."), 64); err == nil {
			kw = &v
		}
	}
	upper := strings.ToUpper(name)
	for _, p := range [...]struct {
		part string
		plug providers.ConnectorType
	}{
		{"COMBO", providers.ConnectorCCS2},
		{"CCS", providers.ConnectorCCS2},
		{"CHADEMO", providers.ConnectorCHAdeMO},
		{"J1772", providers.ConnectorType1},
		{"IEC_62196_T2", providers.ConnectorType2},
		{"TYP 2", providers.ConnectorType2},
		{"TYPE 2", providers.ConnectorType2},
		{"T2", providers.ConnectorType2},
		{"IEC_62196_T1", providers.ConnectorType1},
		{"TYPE 1", providers.ConnectorType1},
		{"T3", providers.ConnectorType3C},
		{"TESLA", providers.ConnectorNACS},
		{"NACS", providers.ConnectorNACS},
		{"J3400", providers.ConnectorNACS},
		{"SCHUKO", providers.ConnectorDomesticF},
		{"EF", providers.ConnectorDomesticE},
		{"NEMA515", providers.ConnectorNEMA515},
		{"NEMA520", providers.ConnectorNEMA520},
		{"NEMA1450", providers.ConnectorNEMA1450},
	} {
		if strings.Contains(upper, p.part) {
			return p.plug, kw
		}
	}
	return providers.ConnectorUnknown, kw
}

package resolvers_test

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// openFile opens a file to be read once, through gzip where its name says so.
func openFile(tb testing.TB, path string) io.Reader {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return bufio.NewReader(file)
	}
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	return unzipped
}

// vector is a point on the unit sphere.
type vector struct{ x, y, z float64 }

func vectorOf(p positionSaid) vector {
	lat, lon := p.Latitude*math.Pi/180, p.Longitude*math.Pi/180
	return vector{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func (a vector) dot(b vector) float64 { return a.x*b.x + a.y*b.y + a.z*b.z }

func (a vector) cross(b vector) vector {
	return vector{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

func (a vector) length() float64 { return math.Sqrt(a.dot(a)) }

// arcM is the great-circle distance in metres on Open Charge Map's sphere.
func arcM(p, q positionSaid) float64 {
	a, b := vectorOf(p), vectorOf(q)
	return 6_371_000 * math.Atan2(a.cross(b).length(), a.dot(b))
}

// bearingOf is the direction from p to q, in degrees clockwise from north.
func bearingOf(p, q positionSaid) float64 {
	from, to := vectorOf(p), vectorOf(q)
	east := vector{0, 0, 1}.cross(from)
	north := from.cross(east)
	degrees := math.Atan2(to.dot(east)/east.length(), to.dot(north)/north.length()) * 180 / math.Pi
	return math.Mod(degrees+360, 360)
}

// turn brings a longitude, or a difference of two, to -180..180.
func turn(degrees float64) float64 {
	for degrees > 180 {
		degrees -= 360
	}
	for degrees < -180 {
		degrees += 360
	}
	return degrees
}

// boxSaid is a box as the graph takes and gives it.
type boxSaid struct {
	South float64 `json:"south"`
	West  float64 `json:"west"`
	North float64 `json:"north"`
	East  float64 `json:"east"`
}

func (b boxSaid) holds(p positionSaid) bool {
	if p.Latitude < b.South || p.Latitude > b.North {
		return false
	}
	if b.West > b.East {
		return p.Longitude >= b.West || p.Longitude <= b.East
	}
	return p.Longitude >= b.West && p.Longitude <= b.East
}

// windingOf says whether p is in a ring, by the sum of the angles under which it
// sees the edges, and how many degrees the nearest edge is away.
func windingOf(ring []positionSaid, p positionSaid) (inside bool, edge float64) {
	sum := 0.0
	edge = math.Inf(1)
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		ax, ay := turn(a.Longitude-p.Longitude), a.Latitude-p.Latitude
		bx, by := ax+turn(b.Longitude-a.Longitude), b.Latitude-p.Latitude
		sum += math.Atan2(ax*by-ay*bx, ax*bx+ay*by)
		t := 0.0
		if n := (bx-ax)*(bx-ax) + (by-ay)*(by-ay); n > 0 {
			t = math.Max(0, math.Min(1, -(ax*(bx-ax)+ay*(by-ay))/n))
		}
		edge = math.Min(edge, math.Hypot(ax+t*(bx-ax), ay+t*(by-ay)))
	}
	return math.Abs(sum) > math.Pi, edge
}

// trodden is a line as a row of places a few metres apart.
type trodden struct {
	steps []positionSaid
	along []float64 // metres from the start
}

const stepM = 20.0

func tread(line []positionSaid) trodden {
	way := trodden{steps: line[:1:1], along: []float64{0}}
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		dLat, dLon := b.Latitude-a.Latitude, turn(b.Longitude-a.Longitude)
		n := int(arcM(a, b)/stepM) + 1
		for k := 1; k <= n; k++ {
			f := float64(k) / float64(n)
			next := positionSaid{Latitude: a.Latitude + f*dLat, Longitude: turn(a.Longitude + f*dLon)}
			last := len(way.steps) - 1
			way.along = append(way.along, way.along[last]+arcM(way.steps[last], next))
			way.steps = append(way.steps, next)
		}
	}
	return way
}

// nearM is how far the line is at most away from p: the true distance is less
// than 20 cm smaller for what is 250 m away, and at most half a step for what is on the line.
func (w trodden) nearM(p positionSaid) float64 {
	best := math.Inf(1)
	for i := 0; i < len(w.steps); {
		d := arcM(w.steps[i], p)
		best = math.Min(best, d)
		i += max(1, int((d-best)/(1.01*stepM))) // no nearer step can be nearer than that
	}
	return best
}

// at is the place that lies so many metres along the line.
func (w trodden) at(along float64) positionSaid {
	i, _ := slices.BinarySearch(w.along, along)
	i = min(max(i, 1), len(w.steps)-1)
	f := 0.0
	if length := w.along[i] - w.along[i-1]; length > 0 {
		f = (along - w.along[i-1]) / length
	}
	a, b := w.steps[i-1], w.steps[i]
	return positionSaid{Latitude: a.Latitude + f*(b.Latitude-a.Latitude), Longitude: turn(a.Longitude + f*turn(b.Longitude-a.Longitude))}
}

// encoded writes a line as Google's polyline with so many decimals, and what is
// left of it.
func encoded(line []positionSaid, decimals int) (string, []positionSaid) {
	scale := math.Pow10(decimals)
	var text strings.Builder
	write := func(v int) {
		bits := uint(v) << 1
		if v < 0 {
			bits = ^bits
		}
		for ; bits >= 0x20; bits >>= 5 {
			text.WriteByte(byte(bits&0x1f|0x20) + 63)
		}
		text.WriteByte(byte(bits) + 63)
	}
	left := make([]positionSaid, len(line))
	lat, lon := 0, 0
	for i, p := range line {
		y, x := int(math.Round(p.Latitude*scale)), int(math.Round(p.Longitude*scale))
		write(y - lat)
		write(x - lon)
		lat, lon = y, x
		left[i] = positionSaid{Latitude: float64(y) / scale, Longitude: float64(x) / scale}
	}
	return text.String(), left
}

// ---- filters ---------------------------------------------------------------------------------------------

// siteFacts is what the graph says of a site, as far as questions turn on it.
type siteFacts struct {
	ID, Title string
	Location  positionSaid
	Address   struct {
		Line1, Line2, Town, StateOrProvince, Postcode, CountryCode string
	}
	Operator *struct {
		ID, Title string
		Aliases   []string
	}
	Usage, Status, Cost   string
	UsageType, StatusType *struct{ ID string }
	NumberOfPoints        *int
	MaxPowerKw            *float64
	Amenities             []string
	Connections           []plugFacts
	Comments              struct {
		TotalCount int
		Nodes      []struct{ ID, Kind string }
	}
	Photos struct {
		TotalCount int
		Nodes      []struct{ ID string }
	}
	Rating                    *struct{ Average *float64 }
	LastVerifiedAt, UpdatedAt string
	Records                   []struct {
		ID, ExternalID string
		Location       positionSaid
		DataProvider   *struct {
			ID                 string
			IsOpenDataLicensed *bool
		}
	}

	raw   string   // the whole answer
	texts []string // what a filter looks for text in, in plain letters
}

func readFacts(tb testing.TB, raw json.RawMessage) *siteFacts {
	tb.Helper()
	var s siteFacts
	if err := json.Unmarshal(raw, &s); err != nil {
		tb.Fatalf("%v\n%s", err, raw)
	}
	s.raw = string(raw)
	s.texts = []string{s.Title, s.Address.Line1, s.Address.Line2, s.Address.Town, s.Address.StateOrProvince, s.Address.Postcode}
	if s.Operator != nil {
		s.texts = append(append(s.texts, s.Operator.Title), s.Operator.Aliases...)
	}
	for i, text := range s.texts {
		s.texts[i] = plainLetters(text)
	}
	return &s
}

type plugFacts struct {
	Type, Format, Current string
	ConnectionType        *struct{ ID string }
	PowerKw               *float64
	Level                 *int
}

// filterSaid is a filter as the graph takes it.
type filterSaid struct {
	Connections        []plugFilter `json:"connections,omitempty"`
	OperatorIDs        []string     `json:"operatorIds,omitempty"`
	ExcludeOperatorIDs []string     `json:"excludeOperatorIds,omitempty"`
	Usage              []string     `json:"usage,omitempty"`
	UsageTypeIDs       []string     `json:"usageTypeIds,omitempty"`
	Status             []string     `json:"status,omitempty"`
	StatusTypeIDs      []string     `json:"statusTypeIds,omitempty"`
	Availability       []string     `json:"availability,omitempty"`
	MinPoints          *int         `json:"minPoints,omitempty"`
	Cost               []string     `json:"cost,omitempty"`
	Amenities          []string     `json:"amenities,omitempty"`
	Countries          []string     `json:"countries,omitempty"`
	MinRating          *float64     `json:"minRating,omitempty"`
	MinProviderScore   *scoreFilter `json:"minProviderScore,omitempty"`
	HasPhotos          *bool        `json:"hasPhotos,omitempty"`
	HasComments        *bool        `json:"hasComments,omitempty"`
	IncludePlanned     *bool        `json:"includePlanned,omitempty"`
	ModifiedSince      string       `json:"modifiedSince,omitempty"`
	VerifiedSince      string       `json:"verifiedSince,omitempty"`
	OpenData           *bool        `json:"openData,omitempty"`
	DataProviderIDs    []string     `json:"dataProviderIds,omitempty"`
	Providers          []string     `json:"providers,omitempty"`
	Text               string       `json:"text,omitempty"`
	Not                *filterSaid  `json:"not,omitempty"`
}

type plugFilter struct {
	Types               []string `json:"types,omitempty"`
	ConnectionTypeIDs   []string `json:"connectionTypeIds,omitempty"`
	Formats             []string `json:"formats,omitempty"`
	MinPowerKw          *float64 `json:"minPowerKw,omitempty"`
	MaxPowerKw          *float64 `json:"maxPowerKw,omitempty"`
	Current             []string `json:"current,omitempty"`
	Level               []int    `json:"level,omitempty"`
	Availability        []string `json:"availability,omitempty"`
	IncludeUnknownPower *bool    `json:"includeUnknownPower,omitempty"`
}

type scoreFilter struct {
	Provider string  `json:"provider"`
	Min      float64 `json:"min"`
}

// verdict is what is known of a condition.
type verdict int

const (
	fails verdict = iota - 1
	undecided
	holds
)

func decided(b bool) verdict {
	if b {
		return holds
	}
	return fails
}

// wants says whether a site is in a list, by the words of the schema.
func (f *filterSaid) wants(s *siteFacts) bool {
	if f == nil {
		return s.Status != "PLANNED"
	}
	if s.Status == "PLANNED" {
		asked := slices.Contains(f.Status, "PLANNED") || slices.Contains(f.StatusTypeIDs, "150")
		if f.IncludePlanned != nil {
			asked = *f.IncludePlanned
		}
		if !asked {
			return false
		}
	}
	return f.judge(s, true) == holds
}

func (f *filterSaid) judge(s *siteFacts, top bool) verdict {
	verdicts := []verdict{holds}
	add := func(asked bool, v func() verdict) {
		if asked {
			verdicts = append(verdicts, v())
		}
	}
	text := func(list []string, value string) {
		add(len(list) > 0, func() verdict { return among(list, value, "UNKNOWN") })
	}
	add(len(f.Connections) > 0, func() verdict {
		if len(s.Connections) == 0 {
			return undecided
		}
		best := fails
		for _, plug := range s.Connections {
			for _, match := range f.Connections {
				best = max(best, match.judge(plug, top))
			}
		}
		return best
	})
	operator := func(list []string) verdict {
		if s.Operator == nil {
			return undecided
		}
		return decided(slices.Contains(list, s.Operator.ID))
	}
	add(len(f.OperatorIDs) > 0, func() verdict { return operator(f.OperatorIDs) })
	add(len(f.ExcludeOperatorIDs) > 0, func() verdict { return -operator(f.ExcludeOperatorIDs) })
	text(f.Usage, s.Usage)
	text(f.Status, s.Status)
	text(f.Cost, s.Cost)
	text(f.Countries, cmp.Or(s.Address.CountryCode, "UNKNOWN"))
	add(len(f.UsageTypeIDs) > 0, func() verdict { return row(f.UsageTypeIDs, s.UsageType) })
	add(len(f.StatusTypeIDs) > 0, func() verdict { return row(f.StatusTypeIDs, s.StatusType) })
	add(len(f.Availability) > 0, func() verdict { return undecided }) // Open Charge Map has no live status
	add(f.MinProviderScore != nil, func() verdict { return undecided })
	add(f.MinPoints != nil, func() verdict {
		if s.NumberOfPoints == nil {
			return undecided
		}
		return decided(*s.NumberOfPoints >= *f.MinPoints)
	})
	add(len(f.Amenities) > 0, func() verdict {
		if len(s.Amenities) == 0 {
			return undecided
		}
		return decided(slices.ContainsFunc(s.Amenities, func(a string) bool { return slices.Contains(f.Amenities, a) }))
	})
	add(f.MinRating != nil, func() verdict {
		if s.Rating == nil || s.Rating.Average == nil {
			return undecided
		}
		return decided(*s.Rating.Average >= *f.MinRating)
	})
	add(f.HasPhotos != nil, func() verdict { return decided((s.Photos.TotalCount > 0) == *f.HasPhotos) })
	add(f.HasComments != nil, func() verdict { return decided((s.Comments.TotalCount > 0) == *f.HasComments) })
	since := func(at, bound string) {
		add(bound != "", func() verdict {
			if at == "" {
				return undecided
			}
			return decided(!instantSaid(at).before(instantSaid(bound)))
		})
	}
	since(s.UpdatedAt, f.ModifiedSince)
	since(s.LastVerifiedAt, f.VerifiedSince)
	add(len(f.Providers) > 0, func() verdict { return decided(slices.Contains(f.Providers, "OCM")) })
	add(f.Text != "", func() verdict {
		for word := range strings.FieldsSeq(plainLetters(f.Text)) {
			if !slices.ContainsFunc(s.texts, func(text string) bool { return strings.Contains(text, word) }) {
				return fails
			}
		}
		return holds
	})
	add(f.Not != nil, func() verdict { return -f.Not.judge(s, false) })
	return slices.Min(verdicts)
}

// undecided names the filters in use that Open Charge Map has no data for.
func (f *filterSaid) undecided() []string {
	names := []string{}
	for g := f; g != nil; g = g.Not {
		if len(g.Availability) > 0 && !slices.Contains(names, "availability") {
			names = append(names, "availability")
		}
		if g.MinProviderScore != nil && !slices.Contains(names, "minProviderScore") {
			names = append(names, "minProviderScore")
		}
	}
	slices.Sort(names)
	return names
}

func (m plugFilter) judge(plug plugFacts, top bool) verdict {
	worst := holds
	if len(m.Types) > 0 {
		worst = min(worst, among(m.Types, plug.Type, "UNKNOWN"))
	}
	if len(m.ConnectionTypeIDs) > 0 {
		worst = min(worst, row(m.ConnectionTypeIDs, plug.ConnectionType))
	}
	if len(m.Formats) > 0 {
		worst = min(worst, among(m.Formats, plug.Format, "UNKNOWN"))
	}
	if len(m.Current) > 0 {
		current := plug.Current
		if slices.Contains(m.Current, "AC") && strings.HasPrefix(current, "AC_") {
			current = "AC" // the family of them all
		}
		worst = min(worst, among(m.Current, current, "UNKNOWN"))
	}
	if len(m.Level) > 0 {
		if plug.Level == nil {
			worst = min(worst, undecided)
		} else {
			worst = min(worst, decided(slices.Contains(m.Level, *plug.Level)))
		}
	}
	if len(m.Availability) > 0 {
		worst = min(worst, undecided)
	}
	if m.MinPowerKw != nil || m.MaxPowerKw != nil {
		switch {
		case plug.PowerKw != nil:
			worst = min(worst, decided((m.MinPowerKw == nil || *plug.PowerKw >= *m.MinPowerKw) && (m.MaxPowerKw == nil || *plug.PowerKw <= *m.MaxPowerKw)))
		case m.IncludeUnknownPower != nil && *m.IncludeUnknownPower && top:
		default:
			worst = min(worst, undecided)
		}
	}
	return worst
}

// among judges a value; unknown is how it says that it is not known.
func among(list []string, value, unknown string) verdict {
	switch {
	case slices.Contains(list, value):
		return holds
	case value == unknown:
		return undecided
	}
	return fails
}

// row judges a reference row, of which number 0 means unknown.
func row(list []string, r *struct{ ID string }) verdict {
	if r == nil {
		return undecided
	}
	return among(list, r.ID, "0")
}

// plainLetters is a text in lower case, its Latin letters without accents. It
// knows those of the made-up world.
func plainLetters(s string) string {
	s = strings.NewReplacer(
		"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "æ", "ae", "ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e",
		"í", "i", "î", "i", "ï", "i", "ñ", "n", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ß", "ss", "ú", "u", "ü", "u", "û", "u",
	).Replace(strings.ToLower(s))
	return strings.Join(strings.Fields(s), " ")
}

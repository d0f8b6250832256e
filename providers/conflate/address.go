package conflate

import (
	"slices"
	"strings"

	"chargegraph/providers"
)

// address is the street and the house number that a record states.
type address struct {
	street   string   // its words joined, without type and direction: "geisinger", "6th"
	words    []string // the same words
	kind     string   // what sort of street, as streetType writes it; "" not stated
	number   int      // 0: none
	last     int      // of "12-16"; else number
	suffix   string   // of "27a", "27/1"
	postcode string   // one that stood in the line
}

func (a *address) known() bool { return a.street != "" }

// readAddress finds street and house number in the first line, or in the whole
// address where that is all there is. Countries put them in either order, and
// people put the name of the place before both.
func readAddress(a *providers.Address, postcode string, place []string) address {
	line := a.Line1
	if line == "" {
		line = a.Formatted
	}
	if line == "" {
		return address{}
	}
	if len(line) > maxText {
		line = line[:maxText]
	}
	var best address
	segments := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '|' })
	bestScore := 0
	pending := address{} // a segment of only a number: "12, rue de Lyon"
	found := ""
	for i, segment := range segments {
		if isPlusCode(segment) {
			return address{} // what comes behind it is the town
		}
		words := addressWords(segment)
		if i > 0 {
			if code := postcodeIn(words); code != "" {
				found = code
			}
		}
		parsed := parseStreet(words, postcode, place, i == 0)
		if parsed.street == "" {
			if parsed.number > 0 {
				if best.street != "" && best.number == 0 && i > 0 && len(words) <= 2 { // "Via Roma, 5"
					best.number, best.last, best.suffix = parsed.number, parsed.last, parsed.suffix
					bestScore += 2
				}
				pending = parsed
			}
			continue
		}
		if parsed.number == 0 && pending.number > 0 && best.street == "" {
			parsed.number, parsed.last, parsed.suffix = pending.number, pending.last, pending.suffix
		}
		score := 1
		if parsed.number > 0 {
			score += 2
		}
		if parsed.kind != "" {
			score++
		}
		if i >= 2 && best.street != "" {
			score = 0 // town and country stand there
		}
		if score > bestScore {
			best, bestScore = parsed, score
		}
	}
	best.postcode = found
	return best
}

// learn takes the house number from a folded title that names the street, where
// the address has none, or the whole address where there is no other.
func (a *address) learn(title string) {
	if a.number > 0 || title == "" || !strings.ContainsAny(title, "0123456789") {
		return
	}
	words := addressWords(title)
	if len(words) > maxWords {
		return
	}
	if !a.known() {
		// Without a street to compare with, only what looks like one counts.
		if t := parseStreet(words, "", nil, true); t.number > 0 && t.kind != "" && t.street != "" {
			*a = t
		}
		return
	}
	for i, w := range words {
		n, last, suffix, ok := houseNumber(w)
		if !ok || n == 0 {
			continue
		}
		// The street stands right before the number, or right behind it.
		var core []string
		for _, near := range words[max(0, i-4):min(len(words), i+5)] {
			core = append(core, parseStreet([]string{near}, "", nil, true).words...)
		}
		if contains(core, a.words) {
			a.number, a.last, a.suffix = n, last, suffix
			return
		}
	}
}

// isUnitWord reports whether a word announces a part of a building.
func isUnitWord(w string) bool {
	switch w {
	case "suite", "ste", "unit", "apt", "bldg", "building", "floor", "lot", "level", "etage", "og", "ug":
		return true
	}
	return false
}

// isPlusCode reports whether a segment begins with an open location code, which
// is a position and no street: "WH86+P0L New Delhi".
func isPlusCode(s string) bool {
	code, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	before, after, ok := strings.Cut(code, "+")
	return ok && (len(before) == 4 || len(before) == 8) && len(after) >= 2 && len(after) <= 3
}

// addressWords cuts a segment of an address into words. A full stop ends an
// abbreviation; a slash or hyphen between figures stays.
func addressWords(s string) []string {
	folded := providers.Fold(s)
	var words []string
	unit := false
	for w := range strings.FieldsFuncSeq(folded, func(r rune) bool {
		return r == ' ' || r == '.' || r == '(' || r == ')' || r == '"' || r == ':' || r == '\'' || r == '’'
	}) {
		if w = strings.Trim(w, "-/&"); w == "" {
			continue
		}
		if unit || w[0] == '#' { // what it names is inside the building
			unit = w == "#"
			continue
		}
		if unit = isUnitWord(w); unit {
			continue
		}
		if strings.ContainsAny(w, "-/") && (w[0] < '0' || w[0] > '9') {
			for part := range strings.FieldsFuncSeq(w, func(r rune) bool { return r == '-' || r == '/' }) {
				words = append(words, part)
			}
			continue
		}
		words = append(words, w)
	}
	return words
}

// postcodeIn returns a word that can only be a postcode: five digits, behind
// the street.
func postcodeIn(words []string) string {
	for i, w := range words {
		if len(w) == 5 && strings.Trim(w, "0123456789") == "" && (i > 0 || len(words) > 1) {
			return w
		}
	}
	return ""
}

// parseStreet takes the words of one segment apart. At the first segment the
// name of a town is the street's own name all the same.
func parseStreet(words []string, postcode string, place []string, first bool) address {
	var a address
	var core []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		if n, last, suffix, ok := houseNumber(w); ok {
			isCode := normalPostcode(w) == postcode && postcode != "" || len(w) == 5 && len(core) > 0 && i == len(words)-1 && !first
			switch {
			case isCode:
			case a.number == 0 && (len(core) == 0 || i == len(words)-1 || !numberedRoad(core[len(core)-1])):
				if len(core) > 0 && numberedRoad(core[len(core)-1]) {
					core = append(core, w) // "Highway 62"
					continue
				}
				a.number, a.last, a.suffix = n, last, suffix
				if i+1 < len(words) && (words[i+1] == "1/2" || words[i+1] == "bis" || words[i+1] == "ter") {
					i++
				} else if i+1 < len(words) && len(words[i+1]) == 1 && i > 0 && a.suffix == "" && i+2 == len(words) {
					a.suffix = words[i+1] // "12 A" behind the street
					i++
				}
				if len(core) > 0 && a.kind != "" && i+1 < len(words) {
					// Behind "Burnet Rd 12" comes the name of a building.
					return a.joined(core)
				}
			default:
				core = append(core, w)
			}
			continue
		}
		if _, ok := direction(w); ok && len(words) > 2 {
			continue
		}
		if kind, ok := streetType(w); ok {
			if a.kind == "" {
				a.kind = kind
			}
			if kind == "hwy" {
				core = append(core, kind)
			}
			continue
		}
		if stem, kind := cutStreetType(w); kind != "" {
			core, a.kind = append(core, stem), kind
			continue
		}
		if !first && slices.Contains(place, w) || isArticle(w) {
			continue
		}
		core = append(core, w)
	}
	return a.joined(core)
}

func (a address) joined(core []string) address {
	if len(core) > 6 {
		core = core[:6]
	}
	a.words, a.street = core, strings.Join(core, "")
	return a
}

// numberedRoad reports whether a figure behind this word names a road.
func numberedRoad(w string) bool {
	switch w {
	case "hwy", "us", "in", "route", "rt", "sr", "fm", "ih", "i", "cr", "km", "road", "a", "b", "n", "m", "d", "l":
		return true
	}
	return false
}

// houseNumber reads "12", "12a", "12-16", "12/1". Zero is none: registers write
// it where they know no number.
func houseNumber(w string) (number, last int, suffix string, ok bool) {
	i := 0
	for i < len(w) && w[i] >= '0' && w[i] <= '9' {
		number = number*10 + int(w[i]-'0')
		i++
	}
	if i == 0 || i > 6 {
		return 0, 0, "", false
	}
	rest := w[i:]
	switch {
	case rest == "":
		return number, number, "", true
	case len(rest) == 1 && rest[0] >= 'a' && rest[0] <= 'z':
		return number, number, rest, true
	case rest[0] == '-' || rest[0] == '/':
		tail := strings.Trim(rest[1:], "0123456789")
		if tail == "" {
			for _, c := range rest[1:] {
				last = last*10 + int(c-'0')
			}
			if rest[0] == '-' && last > number && last-number < 200 {
				return number, last, "", true
			}
			return number, number, rest[1:], true
		}
		return number, number, rest[1:], true
	}
	return 0, 0, "", false // "6th", "21c"
}

func direction(w string) (string, bool) {
	switch w {
	case "n", "north", "s", "south", "e", "east", "w", "west", "ne", "nw", "se", "sw", "northeast", "northwest", "southeast", "southwest", "o", "ost":
		return w[:1], true
	}
	return "", false
}

func isArticle(w string) bool {
	switch w {
	case "the", "de", "du", "des", "la", "le", "les", "l", "d", "of", "del", "della", "di", "da", "do", "dos", "das", "van", "von", "der", "den", "het", "an", "am", "zum", "zur", "im", "in":
		return true
	}
	return false
}

// streetType reports whether a word only says what sort of street it is, and
// returns its short form. Languages stand side by side: the tables of
// neighbouring countries do not contradict each other.
func streetType(w string) (string, bool) {
	switch w {
	case "street", "st", "str", "strasse", "straat", "straße":
		return "str", true
	case "road", "rd":
		return "rd", true
	case "avenue", "ave", "av", "avenida", "avda", "avinguda", "allee", "laan":
		return "ave", true
	case "boulevard", "blvd", "bd", "boul", "bulevar", "boulvard":
		return "blvd", true
	case "drive", "dr":
		return "dr", true
	case "lane", "ln":
		return "ln", true
	case "court", "ct":
		return "ct", true
	case "circle", "cir":
		return "cir", true
	case "place", "pl", "platz", "plein", "plaza", "plz", "piazza", "piazzale", "praca", "plass", "torg", "square", "sq":
		return "pl", true
	case "parkway", "pkwy", "pky", "pwy":
		return "pkwy", true
	case "highway", "hwy", "expressway", "expy", "freeway", "fwy", "turnpike", "tpke":
		return "hwy", true
	case "way", "weg", "wy", "wg":
		return "way", true
	case "trail", "trl", "terrace", "ter", "crossing", "xing", "loop", "pass", "row", "mews", "close", "crescent", "cres", "gardens", "gdns":
		return w[:1], true
	case "frontage":
		return "frontage", true
	case "rue", "calle", "via", "viale", "rua", "gate", "gata", "gatan", "vei", "veg", "vej", "vag", "vagen", "ulica", "ul", "utca", "ulice", "carrer", "chemin", "quai", "route", "cours", "impasse", "corso", "paseo", "carretera", "ctra", "estrada", "rodovia":
		return "rue", true
	}
	return "", false
}

// cutStreetType cuts the type off a word that ends in it, as Germanic languages
// write: "hauptstrasse", "dorpsstraat", "storgata".
func cutStreetType(w string) (stem, kind string) {
	for _, t := range [...]struct{ end, kind string }{
		{"strasse", "str"},
		{"straat", "str"},
		{"str", "str"},
		{"gasse", "gasse"},
		{"weg", "way"},
		{"laan", "ave"},
		{"allee", "ave"},
		{"platz", "pl"},
		{"plein", "pl"},
		{"gata", "rue"},
		{"gate", "rue"},
		{"gatan", "rue"},
		{"veien", "rue"},
		{"vagen", "rue"},
		{"vej", "rue"},
	} {
		if len(w) > len(t.end)+2 && strings.HasSuffix(w, t.end) {
			return w[:len(w)-len(t.end)], t.kind
		}
	}
	return w, ""
}

// streetsAlike compares two streets, 0..1: spellings, words left out, and the
// type of the street written apart or not at all.
func streetsAlike(a, b *address) float64 {
	if a.street == b.street {
		if a.kind != "" && b.kind != "" && a.kind != b.kind {
			return 0.9 // "Main St" and "Main Rd" are two streets, or one that somebody mistook
		}
		return 1
	}
	sim := dice(a.street, b.street)
	if da, db := digitWords(a.words), digitWords(b.words); da != "" && db != "" {
		if da != db {
			return 0.2 // 5th and 6th Street
		}
		sim = max(sim, 0.8) // "Highway 62", "IN-62"
	}
	small, large := a.words, b.words
	if len(small) > len(large) {
		small, large = large, small
	}
	if len(small) > 0 && len(small) < len(large) && contains(large, small) && len(strings.Join(small, "")) >= 4 {
		sim = max(sim, 0.9)
	}
	return sim
}

func contains(all, some []string) bool {
	for _, w := range some {
		found := false
		for _, o := range all {
			found = found || o == w
		}
		if !found {
			return false
		}
	}
	return true
}

func digitWords(words []string) string {
	var text strings.Builder
	for _, w := range words {
		if i := strings.IndexAny(w, "0123456789"); i >= 0 {
			text.WriteString(w[i:] + " ") // "i35", "35"
		}
	}
	return text.String()
}

package conflate

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"chargegraph/providers"
)

// facts is what matching looks at of one record, brought into the form in which
// it is compared. It is made once per record and run, and kept beside it.
type facts struct {
	record   *providers.Record
	title    string // folded, whole
	name     []word // of the title, without what says nothing about the place
	numbers  string // the figures in the title: the "2" of "Station 2"
	address  address
	postcode string
	phone    string // its last digits
	host     string // of its web page
	plugs    plugs
	operator *operatorFacts
}

// operatorFacts is the same of an operator, kept once per operator and run.
type operatorFacts struct {
	id    int32 // in this run; 0: nobody
	names [][]word
	words map[string]bool // of all names: what a title says of the operator
}

// word is a folded word of a name, with how much it tells.
type word struct {
	text   string
	weight float64
}

// normalise returns the facts of a record but for record and operator, without
// keeping hold of it; place is the words of the town and so on that it states.
func normalise(r *providers.Record, place []string) *facts {
	f := new(facts)
	f.postcode = normalPostcode(r.Address.Postcode)
	f.address = readAddress(&r.Address, f.postcode, place)
	if f.postcode == "" {
		f.postcode = f.address.postcode
	}
	f.title = providers.Fold(r.Title)
	f.address.learn(f.title)
	f.name, f.numbers = nameWords(f.title, place)
	if r.Contact != nil {
		f.phone = phoneEnd(r.Contact.Phone)
		f.host = webHost(r.Contact.Website)
	}
	f.plugs = plugsOf(r)
	return f
}

// operatorWords returns the facts of an operator: its title and aliases in
// words, without legal forms and without what every operator is called.
func operatorWords(o *providers.Operator, id int32) *operatorFacts {
	f := &operatorFacts{id: id, words: make(map[string]bool)}
	if o == nil || !o.IsNetwork {
		f.id = 0
		return f
	}
	add := func(name string) {
		if strings.ContainsRune(name, '*') {
			return // the party of an OCPI feed that gives no name
		}
		var words []word
		for _, w := range fields(providers.Fold(name)) {
			f.words[w] = true
			if !isLegalForm(w) && !isTradeWord(w) && strings.Trim(w, "0123456789") != "" {
				words = append(words, word{w, wordWeight(w)})
			}
		}
		if len(words) > 0 {
			f.names = append(f.names, words)
		}
	}
	add(o.Title)
	for _, a := range o.Aliases {
		add(a)
	}
	return f
}

// fields cuts folded text into words: runs of letters and digits. An apostrophe
// does not part a word. Letters and digits are not parted: "6th".
func fields(folded string) []string {
	var words []string
	start := -1
	quoted := false
	cut := func(end int) {
		if start >= 0 {
			w := folded[start:end]
			if quoted {
				w = strings.NewReplacer("'", "", "’", "").Replace(w)
			}
			if w != "" {
				words = append(words, w)
			}
		}
		start, quoted = -1, false
	}
	for i, r := range folded {
		switch {
		case r == '\'' || r == '’':
			quoted = quoted || start >= 0
		case r < utf8.RuneSelf:
			if r < '0' || r > '9' && r < 'a' || r > 'z' {
				cut(i)
				continue
			}
			if start < 0 {
				start = i
			}
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		default:
			cut(i)
		}
	}
	cut(len(folded))
	return words
}

// nameWords returns the words of a folded title that may tell the place from
// others: not the town, state or country it is in, not what every site is
// called. Figures are apart: they number the units of one place, and its floors.
func nameWords(folded string, place []string) (words []word, numbers string) {
	if folded == "" {
		return nil, ""
	}
	if len(folded) > maxText {
		folded = folded[:maxText]
	}
	var figures []string
	for _, w := range fields(folded) {
		text := strings.TrimRight(w, "0123456789")
		if text != w {
			figures = append(figures, strings.TrimLeft(w[len(text):], "0"))
		}
		if rest := strings.TrimLeft(w, "0123456789"); rest != w && rest != "" {
			text = w // "6th", "21c": a word of its own
			figures = figures[:len(figures)-boolInt(strings.TrimRight(w, "0123456789") != w)]
		}
		if text == "" || slices.Contains(place, text) || isSiteWord(text) || isTradeWord(text) || isLegalForm(text) {
			continue
		}
		if _, street := streetType(text); street {
			continue
		}
		words = append(words, word{text, wordWeight(text)})
		if len(words) == maxWords {
			break
		}
	}
	return words, strings.Join(figures, " ")
}

// maxText bounds what is read of a text, in bytes: names and addresses are shorter.
const maxText = 200

// placeNames are where an address says that it is; neighbours mostly agree.
type placeNames struct{ town, state, country string }

func placeOfAddress(a *providers.Address) placeNames {
	return placeNames{a.Town, a.StateOrProvince, a.CountryCode}
}

// words returns the words of town, state and country.
func (p placeNames) words() []string {
	var words []string
	for _, part := range [...]string{p.town, p.state, p.country} {
		if part != "" {
			words = append(words, fields(providers.Fold(part))...)
		}
	}
	return words
}

// maxWords bounds the words of a name that are compared; titles that are longer
// are descriptions.
const maxWords = 12

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wordWeight is how much a word tells: a long one more than a short one. A
// letter of a script without alphabet is a word or half of one.
func wordWeight(w string) float64 {
	n := 0
	for _, r := range w {
		if r >= 0x2E80 {
			n += 2
		}
		n++
	}
	switch {
	case n <= 1:
		return 0.2
	case n == 2:
		return 0.5
	case n == 3:
		return 0.8
	}
	return 1
}

// isSiteWord reports whether a word says only that it is a charging site.
func isSiteWord(w string) bool {
	switch w {
	case "station", "stations", "site", "charger", "chargers", "charge", "charging", "supercharger", "superchargers", "destination",
		"point", "points", "chargepoint", "chargepoints", "ev", "evse", "evcs", "dc", "ac", "fast", "rapid", "ultra", "public", "parking", "car", "park", "garage",
		"ladestation", "ladesaule", "lade", "laden", "ladepunkt", "ladepark", "schnellladestation", "schnelllader", "parkhaus", "parkplatz", "tiefgarage", "tg",
		"laadpaal", "laadpunt", "laadstation", "laadplein", "snellader", "parkeerplaats", "parkeergarage",
		"borne", "bornes", "recharge", "irve", "aire", "parc", "stationnement",
		"colonnina", "ricarica", "punto", "parcheggio", "punto de recarga", "estacion", "recarga", "carga", "aparcamiento", "estacao", "carregamento", "eletroposto",
		"ladestasjon", "lader", "hurtiglader", "parkering", "laddstation", "snabbladdare", "ladestander",
		"the", "of", "at", "and", "in", "on", "de", "du", "des", "la", "le", "les", "der", "die", "das", "am", "an", "im", "van", "het", "el", "los", "do", "da", "di", "del",
		"unit", "level", "lvl", "floor", "fl", "main", "north", "south", "east", "west", "left", "right", "ps", "ost", "nord", "sud":
		return true
	}
	return false
}

// isTradeWord reports whether a word is in the names of many operators.
func isTradeWord(w string) bool {
	switch w {
	case "network", "networks", "charging", "charge", "charger", "chargers", "energy", "energie", "energia", "power", "electric", "electricity", "mobility", "mobilitat", "mobilite", "mobilidade", "emobility", "e", "ev", "evs",
		"solutions", "services", "service", "group", "holding", "international", "europe", "deutschland", "germany", "nederland", "netherlands", "france", "uk", "us", "usa", "norge", "belgium", "gb", "only", "tesla-only",
		"laden", "lading", "operator", "the", "and", "de", "no", "longer", "active", "worldwide", "including", "non":
		return true
	}
	return false
}

// isLegalForm reports whether a word is the legal form of a company.
func isLegalForm(w string) bool {
	switch w {
	case "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "ug", "se", "co", "ev", "eg", "gbr", "bv", "b", "v", "nv", "n", "vof", "cv", "sa", "s", "a", "sas", "sarl", "sasu", "scic", "sem", "spa", "srl", "sl", "slu",
		"ltd", "limited", "llc", "llp", "inc", "incorporated", "corp", "corporation", "plc", "pty", "pvt", "as", "asa", "ab", "oy", "oyj", "aps", "ba", "bhd", "sdn", "kk", "ltda", "eireli", "zrt", "kft", "doo", "sro", "oo", "z", "o", "sp", "zoo":
		return true
	}
	return false
}

func normalPostcode(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteRune(r - 'a' + 'A')
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		case r == '-' && b.Len() == 5: // ZIP+4: the five digits name the place
			return b.String()
		}
	}
	return b.String()
}

// phoneEnd returns the last eight digits of a telephone number: what is left
// the same by country codes, zeros for trunk lines and blanks.
func phoneEnd(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	if len(digits) < 8 {
		return ""
	}
	return digits[len(digits)-8:]
}

// webHost returns the host of a URL without "www.".
func webHost(s string) string {
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#:"); i >= 0 {
		rest = rest[:i]
	}
	return strings.TrimPrefix(strings.ToLower(rest), "www.")
}

// evseIDs returns the ids of a record's EVSEs as they are compared, and the
// operator's own id of the site where that is one, without repetitions.
func evseIDs(r *providers.Record) []string {
	if len(r.EVSEs) == 0 && r.OperatorReference == "" {
		return nil
	}
	ids := make([]string, 0, len(r.EVSEs)+1)
	for i := range r.EVSEs {
		if id := providers.NormalEVSEID(r.EVSEs[i].EVSEID); id != "" {
			ids = append(ids, id)
		}
	}
	if id := providers.NormalEVSEID(r.OperatorReference); looksLikeEVSEID(id) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// looksLikeEVSEID reports whether a normal id has the shape of eMI3: a country,
// a party of three, an E.
func looksLikeEVSEID(id string) bool {
	if len(id) < 7 || id[5] != 'E' {
		return false
	}
	return id[0] >= 'A' && id[0] <= 'Z' && id[1] >= 'A' && id[1] <= 'Z'
}

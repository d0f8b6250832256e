package ocm

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"chargegraph/providers"
)

// cost says whether charging costs money, where that is certain: the usage type
// says that one pays at the location, or the text leaves no doubt. A site that
// says both "free" and "pay" has said nothing.
func cost(usage *providers.UsageType, text string) providers.CostKind {
	said := costOf(text)
	if usage == nil || usage.IsPayAtLocation == nil || !*usage.IsPayAtLocation {
		return said
	}
	if said == providers.CostFree {
		return providers.CostUnknown
	}
	return providers.CostPaid
}

// costs remembers what texts were found to mean: few of them serve many sites, and
// each takes as long to read as a site. The zero value remembers nothing yet. It
// is safe for concurrent use.
type costs struct {
	mu    sync.Mutex
	kinds map[costKey]providers.CostKind
}

// costKey is all that cost looks at.
type costKey struct {
	text string
	paid bool // at the location, says the usage type
}

// maxCosts bounds what is remembered to a few MB, which people's words for prices
// in a country do not reach.
const maxCosts = 1 << 14

// of is cost, remembered.
func (c *costs) of(usage *providers.UsageType, text string) providers.CostKind {
	if text == "" || len(text) > maxSharedLen {
		return cost(usage, text)
	}
	key := costKey{text, usage != nil && usage.IsPayAtLocation != nil && *usage.IsPayAtLocation}
	c.mu.Lock()
	kind, ok := c.kinds[key]
	c.mu.Unlock()
	if ok {
		return kind
	}
	kind = cost(usage, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil || len(c.kinds) >= maxCosts {
		c.kinds = make(map[costKey]providers.CostKind)
	}
	c.kinds[key] = kind
	return kind
}

const money = `(?:[£€$₹¥]|\b(?:eur|euro|gbp|usd|cad|aud|nzd|chf|sek|nok|dkk|pln|czk|inr|rs|kr)\b\.?)`

var (
	reFree = regexp.MustCompile(`^(?:it'?s |is )?(?:(?:completely |totally )?free(?: of charge| charging| to (?:use|charge)| for all| for everyone| of cost)?|no (?:charge|cost|fee)|gratis|gratuit|gratuite|gratuito|gratuita|kostenlos|kostenfrei|ilmainen|ilmaiseksi|bezp[lł]atn[eya]|zdarma|ingyenes)$`)
	// Nothing to pay: "0", "0.00", "£0", "0,00 €/kWh".
	reZero = regexp.MustCompile(`^` + money + `?\s*0(?:[.,]0+)?\s*` + money + `?\s*(?:(?:/|per|pro|par)\s*(?:kwh|min|minute|hour|h|session))?$`)
	// A price for energy: "24.64/kWh", "0,29 € per kWh", "4€ per unit".
	reEnergyPrice = regexp.MustCompile(`(\d+(?:[.,]\d+)?)\s*` + money + `?\s*(?:/|per|pro|par|je|a|p)\s*/?\s*(?:kwh|kw/h|unit)\b`)
	// A sum of money: "£1.00", "4 €".
	rePrice = regexp.MustCompile(money + `\s*(\d+(?:[.,]\d+)?)|(\d+(?:[.,]\d+)?)\s*` + money)
	// Words that make a text mean more than its figures.
	reHedge = regexp.MustCompile(`free|gratis|gratuit|kostenl|kostenfrei|inclusive|included|park|donat|spende|deposit|guest|purchase|unless|\bif\b`)
	reGiven = regexp.MustCompile(`free|gratis|gratuit|kostenl|kostenfrei`)
)

// costOf reads the free text of UsageCost, in which people write anything. It looks
// before it matches, because that takes as long as all the rest of a site: words
// without figures are no price, and nothing but zeros is none to pay.
func costOf(s string) providers.CostKind {
	s = strings.TrimRight(strings.ToLower(s), " .!")
	switch {
	case !strings.ContainsAny(s, "0123456789"):
		if reFree.MatchString(s) && s != "" {
			return providers.CostFree
		}
	case !strings.ContainsAny(s, "123456789"):
		if reZero.MatchString(s) {
			return providers.CostFree
		}
	case mentions(s, "kwh", "kw/h", "unit") && positive(reEnergyPrice.FindAllStringSubmatch(s, -1)) && !reGiven.MatchString(s):
		return providers.CostPaid
	case positive(rePrice.FindAllStringSubmatch(s, -1)) && !reHedge.MatchString(s):
		return providers.CostPaid
	}
	return providers.CostUnknown
}

func mentions(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}

// positive reports whether any of the figures found is above zero.
func positive(found [][]string) bool {
	for _, groups := range found {
		for _, figure := range groups[1:] {
			if v, err := strconv.ParseFloat(strings.Replace(figure, ",", ".", 1), 64); err == nil && v > 0 {
				return true
			}
		}
	}
	return false
}

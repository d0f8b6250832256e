package ocm

import (
	"regexp"
	"strconv"
	"strings"

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

// costOf reads the free text of UsageCost, in which people write anything.
func costOf(s string) providers.CostKind {
	s = strings.TrimRight(strings.ToLower(s), " .!")
	switch {
	case s == "":
		return providers.CostUnknown
	case reFree.MatchString(s), reZero.MatchString(s):
		return providers.CostFree
	case positive(reEnergyPrice.FindAllStringSubmatch(s, -1)) && !reGiven.MatchString(s):
		return providers.CostPaid
	case positive(rePrice.FindAllStringSubmatch(s, -1)) && !reHedge.MatchString(s):
		return providers.CostPaid
	}
	return providers.CostUnknown
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

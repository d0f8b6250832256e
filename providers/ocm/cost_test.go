package ocm

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"chargegraph/providers"
)

func TestCostIsStatedOnlyWhereItIsCertain(t *testing.T) {
	t.Parallel()
	const free, paid, unknown = providers.CostFree, providers.CostPaid, providers.CostUnknown
	for in, want := range map[string]providers.CostKind{
		"": unknown, "Free": free, "free": free, "FREE ": free, "Free.": free, "Free of charge": free, "kostenlos": free, "Gratis": free,
		"0": free, "0.00": free, "£0.00": free, "0,00 €": free, "€0/kWh": free, "no charge": free,
		"0,39€/kWh": paid, "24.64/kWh": paid, "£0.30/kWh; £0.15/kWh for Ecotricity energy customers": paid, "4€": paid, "£1.00/session": paid,
		"0,29 € per kWh + VAT": paid, "INR24.64/kWh": paid, "₹ 24 per kwh": paid, "4€ per unit": paid, "$0.20/min >=60kW; $0.10/min <60kW; other tariffs for older cars": paid,
		"Rs 14": paid, "£0.108/kWh; for Polar Plus subscription members only. Parking fees apply.": paid,
		"Free for customers": unknown, "Not Free": unknown, "Free for guests £5 if not": unknown, "Free. Parking fees apply.": unknown,
		"Usual parking charges apply.": unknown, "£5 no parking fee": unknown, "Inclusive; for Polar Plus subscription members only": unknown,
		"14.0": unknown, "21++": unknown, "Unknown": unknown, "Pay by SMS": unknown, ".": unknown, "Donation to cover electricity costs": unknown,
		"Free,£0.30/kWh": unknown, "0.5": unknown,
	} {
		if got := costOf(in); got != want {
			t.Errorf("costOf(%q) = %s, want %s", in, got, want)
		}
	}
	pay := &providers.UsageType{ID: "5", IsPayAtLocation: new(true)}
	for in, want := range map[string]providers.CostKind{"": paid, "£1": paid, "whatever": paid, "Free": unknown} {
		if got := cost(pay, in); got != want {
			t.Errorf("paid at the location, %q: %s, want %s", in, got, want)
		}
	}
	if got := cost(&providers.UsageType{IsPayAtLocation: new(false)}, ""); got != unknown {
		t.Errorf("not paid at the location is %s, want UNKNOWN: it may be paid elsewhere", got)
	}
}

// matched is costOf by all patterns in their turn.
func matched(s string) providers.CostKind {
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

// FuzzCost holds that looking before matching changes nothing.
func FuzzCost(f *testing.F) {
	for _, s := range []string{"", "Free", "it's free!", "0", "£0.00/kWh", "0,00 €", "0.5", "0,39€/kWh", "4€ per UNIT", "24 p kw/h", "Free,£0.30/kWh", "$1 if member", "£0 £1", "٣ €", "1 \u212aWh €"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := costOf(s), matched(s); got != want {
			t.Errorf("costOf(%q) = %s, by all patterns %s", s, got, want)
		}
	})
}

func TestCostsAreRememberedByAllTheyDependOn(t *testing.T) {
	t.Parallel()
	pay := &providers.UsageType{ID: "5", IsPayAtLocation: new(true)}
	var c costs
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2 {
				for _, text := range []string{"", "Free", "whatever", "£1", strings.Repeat("£1 ", 200)} {
					for _, usage := range []*providers.UsageType{nil, pay} {
						if got, want := c.of(usage, text), cost(usage, text); got != want {
							t.Errorf("%.20q, %v: %s, want %s", text, usage, got, want)
						}
					}
				}
			}
		})
	}
	wg.Wait()
	for i := range maxCosts + 10 {
		c.of(nil, fmt.Sprintf("£%d", i))
	}
	if n := len(c.kinds); n > maxCosts {
		t.Errorf("%d costs are remembered, want at most %d", n, maxCosts)
	}
}

package ocm

import (
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

package providers

import "slices"

// company is an operator that several providers know, by their own ids. Ids
// are stable where names are not: brands are sold, renamed and spelt in many
// ways, so operators are never matched by name.
type company struct {
	title     string
	ocm       []string // operator ids, the current one first
	plugshare []string // network ids
	aliases   []string
}

// CrosswalkVersion names the edition of the table of companies.
const CrosswalkVersion = "2026-11"

//nolint:gochecknoglobals // a constant table
var companies = [...]company{
	{title: "ChargePoint", ocm: []string{"5"}, plugshare: []string{"1"}, aliases: []string{"Coulomb Technologies"}},
	{title: "Blink Network/ECOtality", ocm: []string{"9"}, plugshare: []string{"2"}, aliases: []string{"Blink", "Blink Network", "ECOtality"}},
	{title: "SemaConnect", ocm: []string{"39"}, plugshare: []string{"3"}, aliases: []string{"SemaCharge"}},
	{title: "GE WattStation (No longer active)", ocm: []string{"1242"}, plugshare: []string{"4"}, aliases: []string{"GE WattStation"}},
	{title: "Sun Country Highway", ocm: []string{"51"}, plugshare: []string{"5"}, aliases: []string{"Sun Country"}},
	{title: "Circuit Electrique", ocm: []string{"90"}, plugshare: []string{"6"}},
	{title: "flo", ocm: []string{"89"}, plugshare: []string{"7"}, aliases: []string{"AddEnergie"}},
	{title: "Tesla (Tesla-only charging)", ocm: []string{"23", "3534"}, plugshare: []string{"8", "35"}, aliases: []string{"Tesla", "Tesla Supercharger", "Tesla Destination", "Tesla Motors"}},
	{title: "Innogy SE (RWE eMobility)", ocm: []string{"105", "48", "104"}, plugshare: []string{"13"}, aliases: []string{"Innogy", "RWE", "RWE eMobility"}},
	{title: "Endesa", ocm: []string{"207"}, plugshare: []string{"15"}},
	{title: "ESB Ecars", ocm: []string{"22", "3357"}, plugshare: []string{"16"}, aliases: []string{"ESB", "ESB EV-Solutions"}},
	{title: "CLEVER", ocm: []string{"185"}, plugshare: []string{"18"}},
	{title: "eVgo Network", ocm: []string{"15", "3252"}, plugshare: []string{"19"}, aliases: []string{"EVgo", "NRG EVgo"}},
	{title: "Enel X", ocm: []string{"80"}, plugshare: []string{"23"}, aliases: []string{"Enel Drive"}},
	{title: "Volta Charging", ocm: []string{"50"}, plugshare: []string{"25"}, aliases: []string{"Volta"}},
	{title: "Shell Recharge Solutions (US)", ocm: []string{"59"}, plugshare: []string{"26"}, aliases: []string{"Greenlots"}},
	{title: "ChargeNet NZ", ocm: []string{"229"}, plugshare: []string{"36"}, aliases: []string{"charge.net.nz"}},
	{title: "myEVroute", ocm: []string{"3417"}, plugshare: []string{"41"}, aliases: []string{"KSI"}},
	{title: "BP Pulse (UK)", ocm: []string{"32", "8"}, plugshare: []string{"45"}, aliases: []string{"bp pulse", "POLAR", "Chargemaster"}},
	{title: "EV Connect", ocm: []string{"3372"}, plugshare: []string{"46"}},
	{title: "Electrify America", ocm: []string{"3318"}, plugshare: []string{"47"}},
	{title: "Chargefox", ocm: []string{"3339"}, plugshare: []string{"48"}},
	{title: "BC Hydro", ocm: []string{"3385"}, plugshare: []string{"49"}, aliases: []string{"BC Hydro EV"}},
	{title: "Ionity", ocm: []string{"3299"}, plugshare: []string{"51"}},
	{title: "FastNed", ocm: []string{"74"}, plugshare: []string{"52"}},
	{title: "Petro Canada", ocm: []string{"3375"}, plugshare: []string{"53"}, aliases: []string{"Petro-Canada"}},
	{title: "Electrify Canada", ocm: []string{"3400"}, plugshare: []string{"54"}},
	{title: "IVY", ocm: []string{"3416"}, plugshare: []string{"55"}},
	{title: "OpConnect", ocm: []string{"107"}, plugshare: []string{"58", "29"}},
	{title: "Allego BV", ocm: []string{"103"}, plugshare: []string{"59"}, aliases: []string{"Allego"}},
	{title: "Evie", ocm: []string{"3398"}, plugshare: []string{"60"}, aliases: []string{"Evie Networks"}},
	{title: "Webasto", ocm: []string{"3373"}, plugshare: []string{"71"}},
	{title: "Greenway", ocm: []string{"88", "3451"}, plugshare: []string{"72"}, aliases: []string{"Greenway Polska"}},
}

// NewOperator returns the operator that a provider knows as external, by title.
// Records and Aliases hold what the crosswalk knows of it. An operator of Open
// Charge Map keeps its own id and title. One of another provider takes both from
// Open Charge Map's where the crosswalk knows it, so that one id has one title;
// its own title is then an alias. The caller adds what else it knows.
func NewOperator(code ProviderCode, external, title string) *Operator {
	o := &Operator{
		ID:        OperatorID(code, external),
		Title:     title,
		Records:   []OperatorRecord{{Provider: code, ExternalID: external, Title: title}},
		IsNetwork: true,
	}
	c := companyOf(code, external)
	if c == nil {
		return o
	}
	if code != OCM {
		o.ID, o.Title = OperatorID(OCM, c.ocm[0]), c.title
		for _, id := range c.ocm {
			o.know(OCM, id, c.title)
		}
	}
	for _, id := range c.plugshare {
		o.know(PlugShare, id, c.title)
	}
	o.alias(title)
	for _, alias := range c.aliases {
		o.alias(alias)
	}
	return o
}

// alias adds another name, unless it is known.
func (o *Operator) alias(name string) {
	if Fold(name) == Fold(o.Title) || slices.ContainsFunc(o.Aliases, func(a string) bool { return Fold(a) == Fold(name) }) {
		return
	}
	o.Aliases = append(o.Aliases, name)
}

// know adds what a provider calls the company, unless that is known.
func (o *Operator) know(code ProviderCode, external, title string) {
	if !slices.ContainsFunc(o.Records, func(r OperatorRecord) bool { return r.Provider == code && r.ExternalID == external }) {
		o.Records = append(o.Records, OperatorRecord{Provider: code, ExternalID: external, Title: title})
	}
}

func companyOf(code ProviderCode, external string) *company {
	for i := range companies {
		ids := companies[i].ocm
		if code == PlugShare {
			ids = companies[i].plugshare
		}
		if (code == OCM || code == PlugShare) && slices.Contains(ids, external) {
			return &companies[i]
		}
	}
	return nil
}

// SameAs reports whether two operators are known to be one company: some
// provider knows both under one id.
func (o *Operator) SameAs(p *Operator) bool {
	if o == nil || p == nil || !o.IsNetwork || !p.IsNetwork {
		return false
	}
	return o.ID == p.ID || slices.ContainsFunc(o.Records, func(a OperatorRecord) bool {
		return slices.ContainsFunc(p.Records, func(b OperatorRecord) bool {
			return a.Provider == b.Provider && a.ExternalID == b.ExternalID
		})
	})
}

// DiffersFrom reports whether two operators are known to be two companies: one
// provider lists both, and under no common id. Operators that no provider lists
// together may still be one.
func (o *Operator) DiffersFrom(p *Operator) bool {
	if o == nil || p == nil || !o.IsNetwork || !p.IsNetwork || o.SameAs(p) {
		return false
	}
	return slices.ContainsFunc(o.Records, func(a OperatorRecord) bool {
		return slices.ContainsFunc(p.Records, func(b OperatorRecord) bool { return a.Provider == b.Provider })
	})
}

// Clone returns a copy that may be changed.
func (o *Operator) Clone() *Operator {
	c := *o
	c.Aliases, c.Countries, c.Records = slices.Clone(o.Aliases), slices.Clone(o.Countries), slices.Clone(o.Records)
	return &c
}

// Fill takes over from p, who is the same company, whatever o does not know.
func (o *Operator) Fill(p *Operator) {
	fill := func(dst *string, src string) {
		if *dst == "" {
			*dst = src
		}
	}
	fill(&o.Website, p.Website)
	fill(&o.Phone, p.Phone)
	fill(&o.PhoneSecondary, p.PhoneSecondary)
	fill(&o.Email, p.Email)
	fill(&o.FaultReportEmail, p.FaultReportEmail)
	fill(&o.BookingURL, p.BookingURL)
	fill(&o.Comments, p.Comments)
	fill(&o.Description, p.Description)
	fill(&o.Logo, p.Logo)
	fill(&o.SignUpURL, p.SignUpURL)
	fill(&o.SignUpLabel, p.SignUpLabel)
	if o.Address == nil {
		o.Address = p.Address
	}
	if o.IsPrivateIndividual == nil {
		o.IsPrivateIndividual = p.IsPrivateIndividual
	}
	if o.IsRestrictedEdit == nil {
		o.IsRestrictedEdit = p.IsRestrictedEdit
	}
	for _, name := range append([]string{p.Title}, p.Aliases...) {
		o.alias(name)
	}
	for _, country := range p.Countries {
		if !slices.Contains(o.Countries, country) {
			o.Countries = append(o.Countries, country)
		}
	}
	for _, r := range p.Records {
		o.know(r.Provider, r.ExternalID, r.Title)
	}
}

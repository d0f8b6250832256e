package providers

import "slices"

// company is an operator that several providers know, by their own ids. Ids
// are stable where names are not: brands are sold, renamed and spelt in many
// ways, so operators are never matched by name.
type company struct {
	title     string
	ocm       []string // operator ids, the current one first
	plugshare []string // network ids
	ocpi      []string // parties with their countries, of those that publish under no other's
	aliases   []string
	countries []string // where it works, of those that work in one or two; empty: in many, or not known
}

// id returns the company's id in the graph: of the directory that knows it best.
func (c *company) id() string {
	switch {
	case len(c.ocm) > 0:
		return OperatorID(OCM, c.ocm[0])
	case len(c.ocpi) > 0:
		return OperatorID(OCPI, c.ocpi[0])
	}
	return OperatorID(PlugShare, c.plugshare[0])
}

// called reports whether a folded name is one of the company's.
func (c *company) called(folded string) bool {
	return Fold(c.title) == folded || slices.ContainsFunc(c.aliases, func(a string) bool { return Fold(a) == folded })
}

// ids returns what a provider calls the company.
func (c *company) ids(code ProviderCode) []string {
	switch code { //nolint:exhaustive // the others know no companies
	case OCM:
		return c.ocm
	case PlugShare:
		return c.plugshare
	case OCPI:
		return c.ocpi
	}
	return nil
}

// CrosswalkVersion names the edition of the table of companies.
const CrosswalkVersion = "2026-11.2"

//nolint:gochecknoglobals // a constant table
var companies = [...]company{
	{title: "ChargePoint", ocm: []string{"5"}, plugshare: []string{"1"}, aliases: []string{"ChargePoint Network", "Coulomb Technologies"}, ocpi: []string{"NL*CPI"}},
	{title: "Blink Network/ECOtality", ocm: []string{"9"}, plugshare: []string{"2"}, aliases: []string{"Blink Charging", "Blink", "Blink Network", "ECOtality"}},
	{title: "SemaConnect", ocm: []string{"39"}, plugshare: []string{"3"}, aliases: []string{"SemaConnect Network", "SemaCharge"}},
	{title: "GE WattStation (No longer active)", ocm: []string{"1242"}, plugshare: []string{"4"}, aliases: []string{"GE WattStation"}},
	{title: "Sun Country Highway", ocm: []string{"51"}, plugshare: []string{"5"}, aliases: []string{"Sun Country"}},
	{title: "Circuit Electrique", ocm: []string{"90"}, plugshare: []string{"6"}, aliases: []string{"Circuit électrique"}, countries: []string{"CA"}},
	{title: "flo", ocm: []string{"89"}, plugshare: []string{"7"}, aliases: []string{"AddEnergie"}},
	{title: "Tesla (Tesla-only charging)", ocm: []string{"23", "3534"}, plugshare: []string{"8", "35"}, aliases: []string{"Supercharger", "Tesla", "Tesla Supercharger", "Tesla Destination", "Tesla Motors"}, ocpi: []string{"NL*TSL"}},
	{title: "Innogy SE (RWE eMobility)", ocm: []string{"105", "48", "104"}, plugshare: []string{"13"}, aliases: []string{"Innogy", "RWE", "RWE eMobility"}},
	{title: "Endesa", ocm: []string{"207"}, plugshare: []string{"15"}},
	{title: "ESB Ecars", ocm: []string{"22", "3357"}, plugshare: []string{"16"}, aliases: []string{"ESB", "ESB EV-Solutions"}, countries: []string{"IE", "GB"}},
	{title: "CLEVER", ocm: []string{"185"}, plugshare: []string{"18"}},
	{title: "eVgo Network", ocm: []string{"15", "3252"}, plugshare: []string{"19"}, aliases: []string{"EVgo", "NRG EVgo"}},
	{title: "Enel X", ocm: []string{"80"}, plugshare: []string{"23"}, aliases: []string{"Enel Drive"}},
	// Greenlots, renamed, and Volta, which the same owner took over.
	{title: "Shell Recharge Solutions (US)", ocm: []string{"59", "50"}, plugshare: []string{"26", "25"}, aliases: []string{"Greenlots", "Volta", "Volta Charging"}, countries: []string{"US", "CA"}},
	{title: "ChargeNet NZ", ocm: []string{"229"}, plugshare: []string{"36"}, aliases: []string{"charge.net.nz"}, countries: []string{"NZ"}},
	{title: "myEVroute", ocm: []string{"3417"}, plugshare: []string{"41"}, aliases: []string{"KSI"}},
	{title: "BP Pulse (UK)", ocm: []string{"32", "8"}, plugshare: []string{"45"}, aliases: []string{"bp pulse", "POLAR", "Chargemaster"}, countries: []string{"GB"}},
	{title: "EV Connect", ocm: []string{"3372"}, plugshare: []string{"46"}, countries: []string{"US", "CA"}},
	{title: "Electrify America", ocm: []string{"3318"}, plugshare: []string{"47"}, countries: []string{"US"}},
	{title: "Chargefox", ocm: []string{"3339"}, plugshare: []string{"48"}, countries: []string{"AU"}},
	{title: "BC Hydro", ocm: []string{"3385"}, plugshare: []string{"49"}, aliases: []string{"BC Hydro EV"}, countries: []string{"CA"}},
	{title: "Ionity", ocm: []string{"3299"}, plugshare: []string{"51"}, ocpi: []string{"NL*IOY"}},
	{title: "FastNed", ocm: []string{"74"}, plugshare: []string{"52"}, ocpi: []string{"NL*FAS"}},
	{title: "Petro Canada", ocm: []string{"3375"}, plugshare: []string{"53"}, aliases: []string{"Petro-Canada"}, countries: []string{"CA"}},
	{title: "Electrify Canada", ocm: []string{"3400"}, plugshare: []string{"54"}, countries: []string{"CA"}},
	{title: "IVY", ocm: []string{"3416"}, plugshare: []string{"55"}, aliases: []string{"Ivy Charging Network"}, countries: []string{"CA"}},
	{title: "OpConnect", ocm: []string{"107"}, plugshare: []string{"58", "29"}},
	{title: "Allego BV", ocm: []string{"103"}, plugshare: []string{"59"}, aliases: []string{"Allego"}, ocpi: []string{"NL*ALL"}},
	{title: "Evie", ocm: []string{"3398"}, plugshare: []string{"60"}, aliases: []string{"Evie Networks"}, countries: []string{"AU"}},
	{title: "Webasto", ocm: []string{"3373"}, plugshare: []string{"71"}},
	{title: "Vattenfall InCharge", ocm: []string{"108", "177", "3343"}, ocpi: []string{"NL*NUO"}, aliases: []string{"Vattenfall", "InCharge", "Nuon"}},
	{title: "Eneco", ocm: []string{"3394"}, ocpi: []string{"NL*ENE"}, aliases: []string{"Eneco eMobility"}, countries: []string{"NL", "BE"}},
	{title: "ubitricity", ocm: []string{"2244"}, ocpi: []string{"NL*UB2"}},
	{title: "Shell Recharge (New Motion)", ocm: []string{"47", "156", "157"}, ocpi: []string{"NL*TNM"}, aliases: []string{"Shell Recharge", "NewMotion", "The New Motion"}},
	{title: "EVCS", plugshare: []string{"9"}, countries: []string{"US"}},
	{title: "JOLT", plugshare: []string{"69"}},
	{title: "SWLB Mobilität GmbH", ocpi: []string{"DE*SLB"}, aliases: []string{"Stadtwerke Ludwigsburg-Kornwestheim GmbH", "SWLB"}, countries: []string{"DE"}},
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
	// A party of OCPI may publish for others: it is the company where it has no
	// other name. Elsewhere ids are enough.
	if c := companyOf(code, external); c != nil && (code != OCPI || title == "" || title == external || c.called(Fold(title))) {
		o.join(c, code)
	}
	return o
}

// NewOperatorNamed returns the operator that a provider without ids for
// operators knows by name. Only there is a company of the crosswalk found by its
// names, where one alone has this one: whoever has an id goes by that.
func NewOperatorNamed(code ProviderCode, name string) *Operator {
	o := &Operator{
		ID: OperatorID(code, Fold(name)), Title: name, IsNetwork: true,
		Records: []OperatorRecord{{Provider: code, ExternalID: Fold(name), Title: name}},
	}
	var found *company
	for i := range companies {
		c := &companies[i]
		if !c.called(o.Records[0].ExternalID) {
			continue
		}
		if found != nil {
			return o
		}
		found = c
	}
	if found != nil {
		o.join(found, code)
	}
	return o
}

// join adds what the crosswalk knows of the company that o is at a provider.
func (o *Operator) join(c *company, code ProviderCode) {
	title := o.Title
	if code != OCM {
		o.ID, o.Title = c.id(), c.title
	}
	for _, directory := range [...]ProviderCode{OCM, PlugShare, OCPI} {
		if code == OCM && directory == OCM {
			continue // its own id alone: it has several for one company
		}
		for _, id := range c.ids(directory) {
			o.know(directory, id, c.title)
		}
	}
	o.alias(title)
	for _, alias := range c.aliases {
		o.alias(alias)
	}
	for _, country := range c.countries {
		if !slices.Contains(o.Countries, country) {
			o.Countries = append(o.Countries, country)
		}
	}
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
		if slices.Contains(companies[i].ids(code), external) {
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

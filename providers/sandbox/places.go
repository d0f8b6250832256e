package sandbox

// countryProfile is what differs from country to country in the truth.
type countryProfile struct {
	currency string
	// kWh is the usual price of a kilowatt hour in that currency.
	kWh      float64
	language string
	phone    string // pattern of a telephone number
	streets  []string
	// numberFirst: "12 High Street" instead of "Hauptstraße 12".
	numberFirst bool
	stations    []stationModel
}

// stationModel is a kind of station that stands in a country.
type stationModel struct {
	maker, model string
	weight       float64
	// evses is how many vehicles it serves at once; each EVSE has all plugs.
	evses int
	plugs []Plug
	// hub is how many stand together at least and at most.
	hubMin, hubMax int
}

func plug(kind PlugKind, cable bool, current Current, kW float64, volts, amps int) Plug {
	return Plug{Kind: kind, Cable: cable, Current: current, PowerKW: kW, VoltageV: volts, CurrentA: amps}
}

// countryProfiles returns the profiles by ISO 3166-1 alpha-2 code.
func countryProfiles() map[string]countryProfile {
	var (
		ac22   = stationModel{"Krafton", "Duo 22", 30, 2, []Plug{plug(Type2, false, ACThree, 22, 400, 32)}, 1, 3}
		ac11   = stationModel{"Krafton", "Mono 11", 15, 1, []Plug{plug(Type2, false, ACThree, 11, 400, 16)}, 1, 4}
		ac7    = stationModel{"Pendle", "Post 7", 18, 2, []Plug{plug(Type2, false, ACSingle, 7.4, 230, 32)}, 1, 4}
		ac7c   = stationModel{"Pendle", "Arc 7T", 8, 1, []Plug{plug(Type2, true, ACSingle, 7.4, 230, 32)}, 1, 3}
		lamp   = stationModel{"Pendle", "Column 5", 10, 1, []Plug{plug(Type2, false, ACSingle, 5.5, 230, 24)}, 1, 2}
		triple = stationModel{"Ohmega", "Trio 50", 10, 1, []Plug{plug(CCS2, true, DC, 50, 500, 125), plug(CHAdeMO, true, DC, 50, 500, 125), plug(Type2, true, ACThree, 43, 400, 63)}, 1, 2}
		dc150  = stationModel{"Ohmega", "Hyper 150", 9, 2, []Plug{plug(CCS2, true, DC, 150, 920, 200)}, 1, 4}
		dc300  = stationModel{"Zephyr", "Z-300", 6, 2, []Plug{plug(CCS2, true, DC, 300, 920, 400)}, 2, 8}
		nacsEU = stationModel{"Cobalt", "Stall V2", 2, 1, []Plug{plug(CCS2, true, DC, 250, 500, 631), plug(Type2, true, DC, 120, 480, 250)}, 4, 12}
		schuko = stationModel{"Huisvolt", "Wand", 2, 1, []Plug{plug(Schuko, false, ACSingle, 3.7, 230, 16)}, 1, 2}
		bs     = stationModel{"Pendle", "Post 3", 4, 1, []Plug{plug(BS1363, false, ACSingle, 3, 230, 13)}, 1, 2}
		mixGB  = stationModel{"Pendle", "Post 7+3", 4, 1, []Plug{plug(Type2, false, ACSingle, 7.4, 230, 32), plug(BS1363, false, ACSingle, 3, 230, 13)}, 1, 2}

		l2US    = stationModel{"Ridgeline", "CT4", 45, 2, []Plug{plug(Type1, true, ACSingle, 7.2, 240, 30)}, 1, 4}
		l2fast  = stationModel{"Ridgeline", "CT8", 10, 1, []Plug{plug(Type1, true, ACSingle, 9.6, 240, 40)}, 1, 2}
		l1US    = stationModel{"Mesaworks", "Outlet", 5, 1, []Plug{plug(NEMA515, false, ACSingle, 1.4, 120, 12)}, 1, 4}
		rvUS    = stationModel{"Mesaworks", "Pedestal", 2, 1, []Plug{plug(NEMA1450, false, ACSingle, 9.6, 240, 40)}, 1, 6}
		dc50US  = stationModel{"Ohmega", "Duo 50", 10, 1, []Plug{plug(CCS1, true, DC, 50, 500, 125), plug(CHAdeMO, true, DC, 50, 500, 125)}, 1, 2}
		dc150US = stationModel{"Ohmega", "Hyper 150", 9, 2, []Plug{plug(CCS1, true, DC, 150, 920, 200)}, 1, 4}
		dc350US = stationModel{"Zephyr", "Z-350", 5, 1, []Plug{plug(CCS1, true, DC, 350, 920, 500)}, 2, 8}
		nacsUS  = stationModel{"Cobalt", "Stall V3", 7, 1, []Plug{plug(NACS, true, DC, 250, 500, 631)}, 4, 16}

		jpSlow = stationModel{"Shirokaze", "Pole 3", 30, 1, []Plug{plug(Type1, true, ACSingle, 3.2, 200, 16)}, 1, 2}
		jpSix  = stationModel{"Shirokaze", "Pole 6", 12, 1, []Plug{plug(Type1, true, ACSingle, 6, 200, 30)}, 1, 2}
		jp50   = stationModel{"Shirokaze", "Q50", 30, 1, []Plug{plug(CHAdeMO, true, DC, 50, 500, 125)}, 1, 1}
		jp90   = stationModel{"Shirokaze", "Q90", 8, 2, []Plug{plug(CHAdeMO, true, DC, 90, 450, 200)}, 1, 2}

		inAC  = stationModel{"Tarang", "AC-001", 20, 3, []Plug{plug(IndustrialBlue, false, ACSingle, 3.3, 230, 15)}, 1, 2}
		inDC  = stationModel{"Tarang", "DC-001", 12, 1, []Plug{plug(GBTDC, true, DC, 15, 72, 200)}, 1, 2}
		in7   = stationModel{"Tarang", "T2-7", 20, 1, []Plug{plug(Type2, false, ACSingle, 7.4, 230, 32)}, 1, 3}
		in60  = stationModel{"Tarang", "D60", 16, 2, []Plug{plug(CCS2, true, DC, 60, 750, 100)}, 1, 3}
		ke60  = stationModel{"Tarang", "D60G", 10, 2, []Plug{plug(CCS2, true, DC, 60, 750, 100), plug(GBTDC, true, DC, 60, 750, 100)}, 1, 2}
		keGB  = stationModel{"Krafton", "GB 7", 8, 1, []Plug{plug(GBTAC, false, ACSingle, 7, 220, 32)}, 1, 2}
		br7   = stationModel{"Farol", "F7", 15, 1, []Plug{plug(Type1, true, ACSingle, 7.4, 220, 32)}, 1, 2}
		au3   = stationModel{"Pendle", "Post 2", 3, 1, []Plug{plug(AS3112, false, ACSingle, 2.4, 240, 10)}, 1, 3}
		au75  = stationModel{"Zephyr", "Z-75", 10, 1, []Plug{plug(CCS2, true, DC, 75, 500, 150), plug(CHAdeMO, true, DC, 60, 500, 120)}, 1, 2}
		campr = stationModel{"Huisvolt", "Camping", 2, 2, []Plug{plug(IndustrialRed, false, ACThree, 11, 400, 16), plug(IndustrialBlue, false, ACSingle, 3.7, 230, 16)}, 1, 3}
	)
	english := []string{"High Street", "Station Road", "Mill Lane", "Church Street", "Victoria Road", "Queen's Road", "King Street", "Park Avenue", "Albion Terrace", "Harbour Way", "Tanner's Row", "Foundry Lane", "Meadow Rise", "Orchard Close", "Bishop & Sons Yard", "Canal Walk"}
	dutch := []string{"Stationsweg", "Kerkstraat", "Molenpad", "Prinsengaarde", "Havenkade", "Tulpenlaan", "Ridderhof", "Zuiderdijk", "Oude Veerweg", "Wilgenstraat", "Koningsplein", "'t Hoogt"}
	french := []string{"Rue de l'Église", "Avenue des Tilleuls", "Place du Marché", "Chemin Vert", "Rue Haute", "Quai des Fleurs", "Boulevard du Nord", "Impasse des Lilas"}
	eu := func(more ...stationModel) []stationModel {
		return append([]stationModel{ac22, ac11, triple, dc150, dc300, nacsEU, schuko, campr}, more...)
	}
	return map[string]countryProfile{
		"GB": {"GBP", 0.55, "en-GB", "+44 1632 96####", english, true, []stationModel{ac7, ac7c, lamp, ac22, triple, dc150, dc300, nacsEU, bs, mixGB}},
		"NL": {"EUR", 0.45, "nl", "+31 85 0## ####", dutch, false, eu()},
		"BE": {"EUR", 0.49, "nl", "+32 2 588 ####", append(dutch[:6:6], french[:4]...), false, eu()},
		"FR": {"EUR", 0.42, "fr", "+33 1 99 00 ## ##", french, true, eu(ac7c)},
		"DE": {"EUR", 0.52, "de", "+49 30 23125 ###", []string{"Hauptstraße", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Schlossplatz", "Mühlengasse", "Am Güterhof", "Königsdamm", "Rosenstraße", "Grüner Ring"}, false, eu()},
		"NO": {"NOK", 4.9, "no", "+47 21 5# ## ##", []string{"Storgata", "Kirkeveien", "Fjordgata", "Bjørkeveien", "Sjøgata", "Åsveien", "Tømmerkaia", "Skogbrynet"}, false, eu()},
		"US": {"USD", 0.43, "en-US", "555-01##", []string{"Main St", "Oak Ave", "Sunset Ridge Dr", "2nd St", "Mesa Blvd", "Pecan Creek Pkwy", "Washington Ave", "Canyon Rd", "S Congreso St", "Harbor Fwy Frontage Rd", "Willow Ln"}, true, []stationModel{l2US, l2fast, l1US, rvUS, dc50US, dc150US, dc350US, nacsUS}},
		"BR": {"BRL", 1.9, "pt-BR", "+55 11 4000-####", []string{"Avenida das Acácias", "Rua São Bento Novo", "Alameda dos Ipês", "Rua da Consolata", "Praça do Relógio", "Rua José Antão"}, false, []stationModel{ac22, ac7, br7, in60, dc150}},
		"KE": {"KES", 45, "en", "+254 20 555 ####", []string{"Acacia Drive", "Uhuru Lane", "Jacaranda Avenue", "Market Road", "Riverfront Close"}, true, []stationModel{ac22, ac7, ke60, keGB, bs}},
		"IN": {"INR", 18, "en-IN", "+91 11 5555 ####", []string{"Rajpath Marg", "Nehru Vihar Road", "Lotus Enclave", "Ring Road", "Sector 12 Market", "Gulmohar Marg", "मंडी मार्ग"}, true, []stationModel{inAC, inDC, in7, in60}},
		"JP": {"JPY", 55, "ja", "03-5555-####", []string{"桜通り", "銀杏並木", "中央通り", "港南", "緑ヶ丘", "神社前", "東口駅前"}, false, []stationModel{jpSlow, jpSix, jp50, jp90}},
		"AU": {"AUD", 0.6, "en-AU", "+61 2 5550 ####", []string{"George Lane", "Wattle Street", "Harbour Parade", "Banksia Road", "Kookaburra Crescent", "Pacific Terrace"}, true, []stationModel{ac22, ac7, au75, dc300, au3, nacsEU}},
		"FJ": {"FJD", 0.5, "en-FJ", "+679 555 ####", []string{"Queens Wharf Road", "Coral Coast Road", "Bula Street", "Nasese Lane"}, true, []stationModel{ac22, ac7, au75, au3}},
	}
}

// hostNames returns what businesses of a kind are called.
func hostNames(kind SiteKind) []string {
	switch kind {
	case CarPark:
		return []string{"Multi-Storey", "Central Car Park", "Riverside Parking", "Q-Deck"}
	case Supermarket:
		return []string{"Freshmarket", "Bontempi Foods", "Grøntorget", "Daily & Sons"}
	case Mall:
		return []string{"Galleria Nova", "The Arcades", "Westquay Centre", "Sun Plaza"}
	case Hotel:
		return []string{"Hotel Meridian Star", "The Old Bell Inn", "Pension Waldblick", "Sunrise Suites"}
	case Restaurant:
		return []string{"Café Zénith", "Burger Barn", "Trattoria Lucía", "The Copper Kettle"}
	case Museum:
		return []string{"Clockmakers' Museum", "Maritime House", "Museum of Small Things"}
	case Hospital:
		return []string{"St Aldwyn Hospital", "Northside Clinic"}
	case School:
		return []string{"Polytechnic Annex", "Hillcrest Campus"}
	case Dealership:
		return []string{"Autohaus Brandt", "Lindqvist Motors", "Coastline Cars"}
	case Workplace:
		return []string{"Tern Laboratories", "Oblique Software", "Harrow & Finch LLP"}
	case FuelStation:
		return []string{"Pump & Go", "Meridian Fuels"}
	case MotorwayServices:
		return []string{"Services North", "Services South", "Rest Area Kiosk"}
	case TrainStation:
		return []string{"Station P+R", "Park & Ride East"}
	default:
		return nil
	}
}

// worldOperators returns who runs equipment. The last two stand for people who
// own a charger without being a network.
func worldOperators() []Operator {
	op := func(key, name, network, country, party string, weight float64, markets []string, aliases ...string) Operator {
		return Operator{
			Key: key, Name: name, Network: network, Country: country, Party: party,
			Weight: weight, Markets: markets, Aliases: aliases, Kind: Network,
			Website: "https://" + key + ".example", Email: "help@" + key + ".example",
			Phone: "+44 1632 960" + string([]byte{'0' + party[0]%10, '0' + party[1]%10, '0' + party[2]%10}),
		}
	}
	europe := []string{"GB", "NL", "BE", "FR", "DE", "NO"}
	everywhere := []string{"GB", "NL", "BE", "FR", "DE", "NO", "US", "BR", "KE", "IN", "JP", "AU", "FJ"}
	ops := []Operator{
		op("voltaro", "Voltaro", "Voltaro", "GB", "VLT", 14, europe, "VOLTARO UK Ltd", "Voltaro Charging", "voltaro"),
		op("plinth", "Plinth Energy", "Plinth", "GB", "PLN", 12, []string{"GB"}, "Plinth", "Plinth Energy Network"),
		op("kerbwise", "Kerbwise", "Kerbwise", "GB", "KRB", 10, []string{"GB"}, "Kerb Wise", "KERBWISE (UK)"),
		op("ambervolt", "Ambervolt", "Ambervolt", "GB", "AMB", 6, []string{"GB", "FJ"}, "Amber Volt"),
		op("stroomhalte", "Stroomhalte", "Stroomhalte", "NL", "STH", 16, []string{"NL", "BE"}, "Stroomhalte B.V.", "De Stroomhalte"),
		op("zonnepaal", "Zonnepaal", "Rondje", "NL", "ZNP", 10, []string{"NL", "BE"}, "Zonne Paal", "ZonnePaal NV"),
		op("grachtlader", "Grachtlader", "Rondje", "NL", "GRL", 8, []string{"NL"}, "Gracht Lader"),
		op("ladefuchs", "Lichtbogen", "Lichtbogen", "DE", "LBG", 16, []string{"DE"}, "Lichtbogen GmbH", "LichtBogen Laden"),
		op("spreestrom", "Spreestrom", "Spreestrom", "DE", "SPS", 12, []string{"DE"}, "Spree-Strom AG", "SPREESTROM"),
		op("fjordlading", "Fjordlading", "Fjordlading", "NO", "FJL", 16, []string{"NO"}, "Fjord Lading AS", "Fjordlading Norge"),
		op("nordvolt", "Nordvolt", "Nordvolt", "NO", "NDV", 10, []string{"NO", "DE"}, "NordVolt", "Nord-Volt ASA"),
		op("bornelune", "Borne Lune", "Borne Lune", "FR", "BLN", 12, []string{"FR", "BE"}, "BorneLune", "Borne-Lune SAS"),
		op("cobalt", "Cobalt Stalls", "Cobalt", "US", "CBT", 7, everywhere, "Cobalt", "Cobalt Superstalls"),
		op("tumbleweed", "Tumbleweed Volts", "Tumbleweed", "US", "TBW", 16, []string{"US"}, "Tumbleweed", "Tumble Weed Volts, Inc."),
		op("mesacharge", "Mesa Charge", "Mesa", "US", "MSA", 14, []string{"US"}, "MesaCharge", "Mesa Charge LLC"),
		op("pacificplug", "Pacific Plug", "Pacific Plug", "US", "PCP", 8, []string{"US", "FJ", "AU"}, "PacificPlug"),
		op("raioverde", "Raio Verde", "Raio Verde", "BR", "RVD", 18, []string{"BR"}, "RaioVerde", "Raio Verde Mobilidade"),
		op("tomadasul", "Tomada Sul", "Tomada Sul", "BR", "TMS", 8, []string{"BR"}, "TomadaSul"),
		op("simbavolt", "Simba Volt", "Simba Volt", "KE", "SMB", 18, []string{"KE"}, "SimbaVolt Ltd"),
		op("bijlipath", "Bijlipath", "Bijlipath", "IN", "BJP", 18, []string{"IN"}, "Bijli Path", "BIJLIPATH Pvt. Ltd."),
		op("tarangev", "Tarang EV", "Tarang", "IN", "TRG", 12, []string{"IN", "KE"}, "TarangEV", "तरंग ईवी"),
		op("shirokaze", "Shirokaze Charge", "Shirokaze", "JP", "SRK", 18, []string{"JP"}, "白風チャージ", "Shirokaze"),
		op("ekimae", "Ekimae Denki", "Ekimae", "JP", "EKM", 12, []string{"JP"}, "駅前電気"),
		op("wattlecharge", "Wattle Charge", "Wattle", "AU", "WTC", 16, []string{"AU"}, "WattleCharge", "Wattle Charge Pty Ltd"),
		op("lagoon", "Lagoon Power", "Lagoon", "FJ", "LGN", 16, []string{"FJ"}, "Lagoon"),
		{Key: "owner", Name: "Business owner at the location", Country: "GB", Party: "OWN", Weight: 9, Markets: everywhere, Kind: BusinessOwner},
		{Key: "private", Name: "Private individual", Country: "GB", Party: "PRV", Weight: 0, Markets: everywhere, Kind: PrivateIndividual},
	}
	ops[0].Former = "Sparkway"
	ops[13].Former = "GulfCharge"
	ops[4].Former = "Laadlijn"
	return ops
}

package sandbox

import "time"

// Ids of Open Charge Map that the view needs by name.
const (
	ocmUnknownOperator = 1
	ocmPrivateOperator = 44
	ocmOwnerOperator   = 45

	ocmStatusPlanned   = 150
	ocmStatusRemoved   = 200
	ocmStatusDuplicate = 210

	ocmImported         = 100
	ocmPublished        = 200
	ocmDelistedTwin     = 1001
	ocmSuperseded       = 1005
	ocmNotPublic        = 1010
	ocmContributors     = 1
	ocmMetaPOIType      = 1
	ocmMetaHours        = 2
	ocmMetaAttribution  = 4
	ocmFirstOperatorID  = 90_001 // far above the real ones, so that no table of real brands applies
	ocmFirstStaleID     = 95_001
	ocmFirstProviderID  = 9_001
	ocmPositioningValue = 4
)

// ocmOperatorID returns the id of the world's operator number i.
func ocmOperatorID(w *World, key string) int {
	i := w.byKey[key]
	switch w.operators[i].Kind {
	case BusinessOwner:
		return ocmOwnerOperator
	case PrivateIndividual:
		return ocmPrivateOperator
	default:
		return ocmFirstOperatorID + i
	}
}

// ocmReference returns what /v3/referencedata tells about a world: the
// directory's own ids and titles, and the world's operators and providers.
func ocmReference(w *World) *ocmReferenceData {
	r := ocmLists(w.params.Epoch)
	r.DataProviders, r.Operators = ocmDataProviders(w.params.Epoch), ocmOperators(w)
	return r
}

// ocmLists returns the lists that are the same whatever the records are, with
// the ids and titles of the real service.
func ocmLists(now time.Time) *ocmReferenceData {
	return &ocmReferenceData{
		ChargerTypes: []ocmLevel{
			{Comments: new("Under 2 kW, usually domestic socket types"), ID: 1, Title: new("Level 1 : Low (Under 2kW)")},
			{Comments: new("Over 2 kW, usually non-domestic socket type"), ID: 2, Title: new("Level 2 : Medium (Over 2kW)")},
			{Comments: new("40KW and Higher"), IsFastChargeCapable: true, ID: 3, Title: new("Level 3:  High (Over 40kW)")},
		},
		ConnectionTypes: ocmConnectionTypes(),
		CurrentTypes: []ocmCurrentType{
			{Description: new("Alternating Current - Single Phase"), ID: 10, Title: new("AC (Single-Phase)")},
			{Description: new("Alternating Current - Three Phase"), ID: 20, Title: new("AC (Three-Phase)")},
			{Description: new("Direct Current"), ID: 30, Title: new("DC")},
		},
		Countries: ocmCountries(),
		StatusTypes: []ocmStatusType{
			{nil, true, 0, new("Unknown")},
			{new(true), false, 10, new("Currently Available (Automated Status)")},
			{new(true), false, 20, new("Currently In Use (Automated Status)")},
			{new(true), true, 30, new("Temporarily Unavailable")},
			{new(true), true, 50, new("Operational")},
			{new(true), true, 75, new("Partly Operational (Mixed)")},
			{new(false), true, 100, new("Not Operational")},
			{new(false), true, ocmStatusPlanned, new("Planned For Future Date")},
			{new(false), true, ocmStatusRemoved, new("Removed (Decommissioned)")},
			{new(false), true, ocmStatusDuplicate, new("Removed (Duplicate Listing)")},
		},
		SubmissionStatusTypes: []ocmSubmissionStatus{
			{false, 1, new("Submission Under Review")},
			{false, 50, new("Imported and Under Review")},
			{true, ocmImported, new("Imported and Published")},
			{true, ocmPublished, new("Submission Published")},
			{false, 250, new("Submission Rejected - Incomplete")},
			{false, 1000, new("Delisted")},
			{false, ocmDelistedTwin, new("Delisted - Duplicate")},
			{false, 1002, new("Delisted - No Longer Active/Decommissioned")},
			{false, ocmSuperseded, new("Delisted - Superseded by Update")},
			{false, ocmNotPublic, new("Delisted - Not Public Information/Is Private Residence")},
			{false, 1020, new("Delisted - Removed by Import Data Provider")},
		},
		UsageTypes: []ocmUsageType{
			{nil, nil, nil, 0, new("(Unknown)")},
			{new(false), new(false), new(false), 6, new("Private - For Staff, Visitors or Customers")},
			{nil, new(true), nil, 2, new("Private - Restricted Access")},
			{nil, nil, nil, 3, new("Privately Owned - Notice Required")},
			{nil, nil, nil, 1, new("Public")},
			{new(false), new(true), new(true), 4, new("Public - Membership Required")},
			{new(false), new(false), new(false), 7, new("Public - Notice Required")},
			{new(true), new(false), new(false), 5, new("Public - Pay At Location")},
		},
		UserCommentTypes: []ocmTitled{
			{10, new("General Comment")},
			{50, new("Important Notice (For Other Users)")},
			{100, new("Suggested Change (Note To Editors)")},
			{110, new("Suggested Changed (Actioned By Editor)")},
			{1000, new("Fault Report (Notice To Users And Operator)")},
		},
		CheckinStatusTypes: []ocmCheckinStatus{
			{nil, false, 0, new("Did Not Visit Location")},
			{new(true), false, 10, new("Charged Successfully")},
			{new(true), true, 15, new("Charged Successfully (Automated Checkin)")},
			{new(false), false, 20, new("Failed to Charge (Equipment Not Operational)")},
			{new(false), false, 22, new("Failed to Charge (Equipment Not Fully Installed)")},
			{new(false), false, 25, new("Failed to Charge (Equipment Problem)")},
			{new(false), false, 30, new("Failed to Charge (Equipment Not Compatible)")},
			{new(false), false, 40, new("Failed to Charge (Required Other Access Card/Fob etc.)")},
			{new(false), false, 50, new("Failed to Charge (No Charging Equipment Present)")},
			{new(true), false, 100, new("Charging Spot In Use (Other EV Parked)")},
			{new(false), false, 110, new("Charging Spot In Use (Non-EV Parked)")},
			{new(false), false, 120, new("Charging Spot Not Accessible (Access locked or site closed)")},
			{new(false), false, 130, new("Charging Spot Not Found (Inadequate or Incorrect Details)")},
			{new(true), false, 140, new("Equipment & Location Confirmed Correct")},
			{new(false), false, 150, new("Location Is A Duplicate")},
			{new(false), false, 160, new("Equipment/Location Has Been Decommissioned")},
			{new(false), false, 200, new("Other (Negative/Bad)")},
			{new(true), false, 210, new("Other (Positive/Good)")},
		},
		DataTypes: []ocmTitled{
			{1, new("Single Line Text")},
			{2, new("Multi Line Text")},
			{3, new("Number")},
			{4, new("Date")},
			{5, new("Boolean")},
			{10, new("Option List")},
		},
		MetadataGroups: ocmMetadataGroups(),
		ChargePoint:    ocmBlankPOI(now),
		UserComment: &ocmComment{
			CommentType: &ocmTitled{10, new("General Comment")}, Comment: new(""), DateCreated: ocmTime(now),
			CheckinStatusType: &ocmCheckinStatus{nil, false, 0, new("Did Not Visit Location")},
		},
	}
}

func ocmConnectionTypes() []ocmConnectionType {
	type row struct {
		id            int
		title, formal string
		// old tells discontinued ('d'), obsolete besides ('o'), neither ('n'),
		// or that nobody said (' ').
		old byte
	}
	rows := []row{
		{7, "Avcon Connector", "Avcon SAE J1772-2001", 'd'},
		{4, "Blue Commando (2P+E)", "", ' '},
		{3, "BS1363 3 Pin 13 Amp", "BS1363 / Type G", ' '},
		{32, "CCS (Type 1)", "IEC 62196-3 Configuration EE", 'n'},
		{33, "CCS (Type 2)", "IEC 62196-3 Configuration FF", 'n'},
		{16, "CEE 3 Pin", "", 'n'},
		{17, "CEE 5 Pin", "", 'n'},
		{28, "CEE 7/4 - Schuko - Type F", "CEE 7/4", 'n'},
		{23, "CEE 7/5", "", 'n'},
		{18, "CEE+ 7 Pin", "", 'n'},
		{2, "CHAdeMO", "IEC 62196-3 Configuration AA", ' '},
		{1044, "ChaoJi / CHAdeMO 3.x", "", 'n'},
		{13, "Europlug 2-Pin (CEE 7/16)", "Europlug 2-Pin (CEE 7/16)", 'n'},
		{1038, "GB-T AC - GB/T 20234.2 (Socket)", "GB-T AC - GB/T 20234.2 (Socket)", 'n'},
		{1039, "GB-T AC - GB/T 20234.2 (Tethered Cable)", "GB-T AC - GB/T 20234.2 (Tethered Cable)", 'n'},
		{1040, "GB-T DC - GB/T 20234.3", "GB-T DC - GB/T 20234.3", 'n'},
		{34, "IEC 60309 3-pin", "IEC 60309 3-pin", 'n'},
		{35, "IEC 60309 5-pin", "IEC 60309 5-pin", 'n'},
		{5, "LP Inductive", "Large Paddle Inductive", 'o'},
		{27, "NACS / Tesla Supercharger", "SAE J3400", 'n'},
		{10, "NEMA 14-30", "", 'n'},
		{11, "NEMA 14-50", "", 'n'},
		{22, "NEMA 5-15R", "NEMA 5-15R", 'n'},
		{9, "NEMA 5-20R", "", 'n'},
		{15, "NEMA 6-15", "", 'n'},
		{14, "NEMA 6-20", "", 'n'},
		{1042, "NEMA TT-30R", "", 'n'},
		{36, "SCAME Type 3A (Low Power)", "", 'n'},
		{26, "SCAME Type 3C (Schneider-Legrand)", "IEC 62196-2 Type 3", 'n'},
		{6, "SP Inductive", "Small Paddle Inductive", 'o'},
		{1037, "T13 - SEC1011 ( Swiss domestic 3-pin ) - Type J", "T13/ IEC Type J", 'n'},
		{30, "Tesla (Model S/X)", "", 'n'},
		{8, "Tesla (Roadster)", "Tesla Connector", 'd'},
		{31, "Tesla Battery Swap", "Tesla Battery Swap Station", 'n'},
		{1041, "Three Phase 5-Pin (AS/NZ 3123)", "AS/NZS 3123 Three Phase", 'n'},
		{1, "Type 1 (J1772)", "SAE J1772-2009", ' '},
		{25, "Type 2 (Socket Only)", "IEC 62196-2 Type 2", 'n'},
		{1036, "Type 2 (Tethered Connector) ", "IEC 62196-2", 'n'}, // the blank is theirs
		{29, "Type I (AS 3112)", "Type I/AS 3112/CPCS-CCC", 'n'},
		{1043, "Type M", "IEC Type M (SANS 164-1, IS 1293:2005)", 'n'},
		{0, "Unknown", "Not Specified", ' '},
		{24, "Wireless Charging", "", 'n'},
		{21, "XLR Plug (4 pin)", "", 'n'},
	}
	types := make([]ocmConnectionType, len(rows))
	for i, r := range rows {
		t := ocmConnectionType{FormalName: text(r.formal), ID: r.id, Title: new(r.title)}
		if r.old != ' ' {
			t.IsDiscontinued, t.IsObsolete = new(r.old != 'n'), new(r.old == 'o')
		}
		types[i] = t
	}
	return types
}

// ocmCountries has the countries of the world and enough others to be wrong
// with. The service has all 250.
func ocmCountries() []ocmCountry {
	c := func(id int, iso, continent, title string) ocmCountry {
		return ocmCountry{new(iso), new(continent), id, new(title)}
	}
	return []ocmCountry{
		c(1, "GB", "EU", "United Kingdom"), c(2, "US", "NA", "United States"),
		c(18, "AU", "OC", "Australia"), c(26, "BE", "EU", "Belgium"), c(36, "BR", "SA", "Brazil"),
		c(78, "FJ", "OC", "Fiji"), c(80, "FR", "EU", "France"), c(87, "DE", "EU", "Germany"),
		c(106, "IN", "AS", "India"), c(114, "JP", "AS", "Japan"), c(118, "KE", "AF", "Kenya"),
		c(146, "MX", "NA", "Mexico"), c(159, "NL", "EU", "Netherlands"), c(168, "NO", "EU", "Norway"),
		c(208, "ZA", "AF", "South Africa"), c(210, "ES", "EU", "Spain"),
	}
}

// ocmDataProviders returns made-up sources of records with the mixture of
// licences that the real ones have. Id 1 is people who type, as it really is.
func ocmDataProviders(epoch time.Time) []ocmDataProvider {
	imported := ocmTime(epoch.Add(-31*time.Hour - 123*time.Millisecond))
	manual := &ocmProviderStatus{true, 1, new("Manual Data Entry")}
	auto := &ocmProviderStatus{true, 20, new("Automated Import")}
	partly := &ocmProviderStatus{true, 30, new("Partially Automated (Ad-Hoc Import)")}
	denied := &ocmProviderStatus{false, 1000, new("Delisted - Data Use Permission Denied")}
	no := new(false)
	return []ocmDataProvider{
		{new("http://contributors.example"), nil, manual, no, new(true), new(true), new("Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0)"), nil, ocmContributors, new("Sandbox Map Contributors")},
		{new("http://www.fuelatlas.example/"), nil, auto, no, new(true), new(true), new("This data is provided by the Fuel Atlas (\"FA\") and may be used for any purpose whatsoever."), imported, ocmFirstProviderID, new("fuelatlas.example")},
		{new("http://chargepoints.registry.example"), nil, auto, no, new(true), new(true), new("Contains public sector information licensed under the Open Government Licence v2.0."), imported, ocmFirstProviderID + 1, new("Isles Registry of Chargepoints")},
		{new("https://nordladere.example/"), new("Publicly owned database of the made-up north."), partly, no, new(true), new(true), new("Nordladere is licensed under a Creative Commons Attribution 4.0 International license (CC BY 4.0)"), imported, ocmFirstProviderID + 2, new("Nordladere")},
		// Flagged open although nobody may earn money with it, as one real
		// provider is.
		{new("http://www.palenkaart.example/"), nil, auto, no, new(true), new(true), new("Licensed under Attribution-NonCommercial-ShareAlike 3.0 : http://creativecommons.org/licenses/by-nc-sa/3.0/"), imported, ocmFirstProviderID + 3, new("Palenkaart")},
		{new("https://roamhub.example"), new("OCPI with Data Sharing Agreement"), partly, new(true), new(true), new(true), new("Licensed under CC0  by data sharing agreement"), nil, ocmFirstProviderID + 4, new("Roam Hub")},
		{new("http://www.plugspotter.example"), nil, auto, no, new(false), nil, nil, imported, ocmFirstProviderID + 5, new("PlugSpotter.example")},
		{new("http://www.citysocket.example"), nil, auto, no, nil, nil, nil, nil, ocmFirstProviderID + 6, new("City Socket")},
		{new("http://www.refusenik.example"), new("This data provider has asked that its data is not imported."), denied, no, nil, nil, nil, nil, ocmFirstProviderID + 7, new("refusenik.example")},
	}
}

// ocmOperators returns the world's operators as the directory lists them:
// with brands that are no more, and one title that stands twice.
func ocmOperators(w *World) []ocmOperator {
	ops := []ocmOperator{
		{Comments: new("For use when the operator of the equipment is a single business owner connected to the location and equipment is not part of a larger network"), IsPrivateIndividual: new(false), ID: ocmOwnerOperator, Title: new("(Business Owner at Location)")},
		{Comments: new("For use when the operator is a home owner or private individual making their own facilities available to the public"), IsPrivateIndividual: new(true), ID: ocmPrivateOperator, Title: new("(Private Residence/Individual)")},
		{ID: ocmUnknownOperator, Title: new("(Unknown Operator)")},
	}
	for i, o := range w.operators {
		if o.Kind != Network {
			continue
		}
		title := o.Name
		if len(o.Aliases) > 0 && i%3 == 0 {
			title = o.Aliases[0]
		}
		ops = append(ops, ocmOperator{
			WebsiteURL: new(o.Website), Comments: new(o.Country + "*" + o.Party),
			PhonePrimaryContact: new(o.Phone), IsPrivateIndividual: new(false),
			ContactEmail: text(o.Email), IsRestrictedEdit: new(false),
			ID: ocmOperatorID(w, o.Key), Title: new(title),
		})
		if o.Former != "" {
			ops = append(ops, ocmOperator{WebsiteURL: new(slug(o.Former) + ".example"), ID: ocmFirstStaleID + i, Title: new(o.Former)})
		}
	}
	return append(ops, ocmOperator{ID: ocmFirstStaleID + len(w.operators), Title: new(w.operators[1].Name)})
}

func ocmMetadataGroups() []ocmMetadataGroup {
	option := func(field, id int, title string) ocmMetadataOption {
		return ocmMetadataOption{field, id, new(title)}
	}
	return []ocmMetadataGroup{
		{new(1), false, true, []ocmMetadataField{
			{1, 10, nil, []ocmMetadataOption{
				option(1, 1, "Shopping"), option(1, 2, "Hotel"), option(1, 3, "Restaurant"), option(1, 8, "Parking"), option(1, 9, "Secure"),
			}, ocmMetaPOIType, new("POI Type")},
			{1, 1, nil, nil, ocmMetaHours, new("Access Hours")},
			{1, 10, nil, []ocmMetadataOption{option(4, ocmPositioningValue, "Positioning")}, ocmMetaAttribution, new("Attribution")},
			{1, 10, nil, []ocmMetadataOption{
				option(5, 5, "Car"), option(5, 6, "Motorcycle"), option(5, 7, "Bus"), option(5, 10, "Goods/Delivery Vehicles"), option(5, 11, "Taxi"), option(5, 12, "Bike"),
			}, 5, new("Vehicle Type")},
		}, 1, new("Extended Information")},
		{new(1), false, false, []ocmMetadataField{{2, 10, nil, nil, 3, new("Group of Companies")}}, 2, new("Supporting Data")},
	}
}

// ocmBlankPOI is the template that the service adds to its reference data for
// apps to fill in. It is not a site.
func ocmBlankPOI(epoch time.Time) *ocmPOI {
	now := ocmTime(epoch)
	return &ocmPOI{
		DataProvider: &ocmDataProvider{IsRestrictedEdit: new(false)},
		OperatorInfo: &ocmOperator{}, UsageType: &ocmUsageType{}, StatusType: &ocmStatusType{},
		IsRecentlyVerified: true, DateLastVerified: now,
		ID: -1, UUID: "00000000-0000-4000-8000-000000000000",
		AddressInfo: &ocmAddress{}, Connections: []ocmConnection{{}},
		NumberOfPoints: new(1), GeneralComments: new(""),
		DateLastConfirmed: now, DateLastStatusUpdate: now, DateCreated: now, DataQualityLevel: new(1),
	}
}

// text is a pointer to s, or nil for the empty string.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

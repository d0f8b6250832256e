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
	return &ocmReferenceData{
		ChargerTypes: []ocmLevel{
			{Comments: ptr("Under 2 kW, usually domestic socket types"), ID: 1, Title: ptr("Level 1 : Low (Under 2kW)")},
			{Comments: ptr("Over 2 kW, usually non-domestic socket type"), ID: 2, Title: ptr("Level 2 : Medium (Over 2kW)")},
			{Comments: ptr("40KW and Higher"), IsFastChargeCapable: true, ID: 3, Title: ptr("Level 3:  High (Over 40kW)")},
		},
		ConnectionTypes: ocmConnectionTypes(),
		CurrentTypes: []ocmCurrentType{
			{Description: ptr("Alternating Current - Single Phase"), ID: 10, Title: ptr("AC (Single-Phase)")},
			{Description: ptr("Alternating Current - Three Phase"), ID: 20, Title: ptr("AC (Three-Phase)")},
			{Description: ptr("Direct Current"), ID: 30, Title: ptr("DC")},
		},
		Countries:     ocmCountries(),
		DataProviders: ocmDataProviders(w.params.Epoch),
		Operators:     ocmOperators(w),
		StatusTypes: []ocmStatusType{
			{nil, true, 0, ptr("Unknown")},
			{ptr(true), false, 10, ptr("Currently Available (Automated Status)")},
			{ptr(true), false, 20, ptr("Currently In Use (Automated Status)")},
			{ptr(true), true, 30, ptr("Temporarily Unavailable")},
			{ptr(true), true, 50, ptr("Operational")},
			{ptr(true), true, 75, ptr("Partly Operational (Mixed)")},
			{ptr(false), true, 100, ptr("Not Operational")},
			{ptr(false), true, ocmStatusPlanned, ptr("Planned For Future Date")},
			{ptr(false), true, ocmStatusRemoved, ptr("Removed (Decommissioned)")},
			{ptr(false), true, ocmStatusDuplicate, ptr("Removed (Duplicate Listing)")},
		},
		SubmissionStatusTypes: []ocmSubmissionStatus{
			{false, 1, ptr("Submission Under Review")},
			{false, 50, ptr("Imported and Under Review")},
			{true, ocmImported, ptr("Imported and Published")},
			{true, ocmPublished, ptr("Submission Published")},
			{false, 250, ptr("Submission Rejected - Incomplete")},
			{false, 1000, ptr("Delisted")},
			{false, ocmDelistedTwin, ptr("Delisted - Duplicate")},
			{false, 1002, ptr("Delisted - No Longer Active/Decommissioned")},
			{false, ocmSuperseded, ptr("Delisted - Superseded by Update")},
			{false, ocmNotPublic, ptr("Delisted - Not Public Information/Is Private Residence")},
			{false, 1020, ptr("Delisted - Removed by Import Data Provider")},
		},
		UsageTypes: []ocmUsageType{
			{nil, nil, nil, 0, ptr("(Unknown)")},
			{ptr(false), ptr(false), ptr(false), 6, ptr("Private - For Staff, Visitors or Customers")},
			{nil, ptr(true), nil, 2, ptr("Private - Restricted Access")},
			{nil, nil, nil, 3, ptr("Privately Owned - Notice Required")},
			{nil, nil, nil, 1, ptr("Public")},
			{ptr(false), ptr(true), ptr(true), 4, ptr("Public - Membership Required")},
			{ptr(false), ptr(false), ptr(false), 7, ptr("Public - Notice Required")},
			{ptr(true), ptr(false), ptr(false), 5, ptr("Public - Pay At Location")},
		},
		UserCommentTypes: []ocmTitled{
			{10, ptr("General Comment")},
			{50, ptr("Important Notice (For Other Users)")},
			{100, ptr("Suggested Change (Note To Editors)")},
			{110, ptr("Suggested Changed (Actioned By Editor)")},
			{1000, ptr("Fault Report (Notice To Users And Operator)")},
		},
		CheckinStatusTypes: []ocmCheckinStatus{
			{nil, false, 0, ptr("Did Not Visit Location")},
			{ptr(true), false, 10, ptr("Charged Successfully")},
			{ptr(true), true, 15, ptr("Charged Successfully (Automated Checkin)")},
			{ptr(false), false, 20, ptr("Failed to Charge (Equipment Not Operational)")},
			{ptr(false), false, 22, ptr("Failed to Charge (Equipment Not Fully Installed)")},
			{ptr(false), false, 25, ptr("Failed to Charge (Equipment Problem)")},
			{ptr(false), false, 30, ptr("Failed to Charge (Equipment Not Compatible)")},
			{ptr(false), false, 40, ptr("Failed to Charge (Required Other Access Card/Fob etc.)")},
			{ptr(false), false, 50, ptr("Failed to Charge (No Charging Equipment Present)")},
			{ptr(true), false, 100, ptr("Charging Spot In Use (Other EV Parked)")},
			{ptr(false), false, 110, ptr("Charging Spot In Use (Non-EV Parked)")},
			{ptr(false), false, 120, ptr("Charging Spot Not Accessible (Access locked or site closed)")},
			{ptr(false), false, 130, ptr("Charging Spot Not Found (Inadequate or Incorrect Details)")},
			{ptr(true), false, 140, ptr("Equipment & Location Confirmed Correct")},
			{ptr(false), false, 150, ptr("Location Is A Duplicate")},
			{ptr(false), false, 160, ptr("Equipment/Location Has Been Decommissioned")},
			{ptr(false), false, 200, ptr("Other (Negative/Bad)")},
			{ptr(true), false, 210, ptr("Other (Positive/Good)")},
		},
		DataTypes: []ocmTitled{
			{1, ptr("Single Line Text")},
			{2, ptr("Multi Line Text")},
			{3, ptr("Number")},
			{4, ptr("Date")},
			{5, ptr("Boolean")},
			{10, ptr("Option List")},
		},
		MetadataGroups: ocmMetadataGroups(),
		ChargePoint:    ocmBlankPOI(w.params.Epoch),
		UserComment: &ocmComment{
			CommentType: &ocmTitled{10, ptr("General Comment")}, Comment: ptr(""), DateCreated: ocmTime(w.params.Epoch),
			CheckinStatusType: &ocmCheckinStatus{nil, false, 0, ptr("Did Not Visit Location")},
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
		t := ocmConnectionType{FormalName: text(r.formal), ID: r.id, Title: ptr(r.title)}
		if r.old != ' ' {
			t.IsDiscontinued, t.IsObsolete = ptr(r.old != 'n'), ptr(r.old == 'o')
		}
		types[i] = t
	}
	return types
}

// ocmCountries has the countries of the world and enough others to be wrong
// with. The service has all 250.
func ocmCountries() []ocmCountry {
	c := func(id int, iso, continent, title string) ocmCountry {
		return ocmCountry{ptr(iso), ptr(continent), id, ptr(title)}
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
	manual := &ocmProviderStatus{true, 1, ptr("Manual Data Entry")}
	auto := &ocmProviderStatus{true, 20, ptr("Automated Import")}
	partly := &ocmProviderStatus{true, 30, ptr("Partially Automated (Ad-Hoc Import)")}
	denied := &ocmProviderStatus{false, 1000, ptr("Delisted - Data Use Permission Denied")}
	no := ptr(false)
	return []ocmDataProvider{
		{ptr("http://contributors.example"), nil, manual, no, ptr(true), ptr(true), ptr("Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0)"), nil, ocmContributors, ptr("Sandbox Map Contributors")},
		{ptr("http://www.fuelatlas.example/"), nil, auto, no, ptr(true), ptr(true), ptr("This data is provided by the Fuel Atlas (\"FA\") and may be used for any purpose whatsoever."), imported, ocmFirstProviderID, ptr("fuelatlas.example")},
		{ptr("http://chargepoints.registry.example"), nil, auto, no, ptr(true), ptr(true), ptr("Contains public sector information licensed under the Open Government Licence v2.0."), imported, ocmFirstProviderID + 1, ptr("Isles Registry of Chargepoints")},
		{ptr("https://nordladere.example/"), ptr("Publicly owned database of the made-up north."), partly, no, ptr(true), ptr(true), ptr("Nordladere is licensed under a Creative Commons Attribution 4.0 International license (CC BY 4.0)"), imported, ocmFirstProviderID + 2, ptr("Nordladere")},
		// Flagged open although nobody may earn money with it, as one real
		// provider is.
		{ptr("http://www.palenkaart.example/"), nil, auto, no, ptr(true), ptr(true), ptr("Licensed under Attribution-NonCommercial-ShareAlike 3.0 : http://creativecommons.org/licenses/by-nc-sa/3.0/"), imported, ocmFirstProviderID + 3, ptr("Palenkaart")},
		{ptr("https://roamhub.example"), ptr("OCPI with Data Sharing Agreement"), partly, ptr(true), ptr(true), ptr(true), ptr("Licensed under CC0  by data sharing agreement"), nil, ocmFirstProviderID + 4, ptr("Roam Hub")},
		{ptr("http://www.plugspotter.example"), nil, auto, no, ptr(false), nil, nil, imported, ocmFirstProviderID + 5, ptr("PlugSpotter.example")},
		{ptr("http://www.citysocket.example"), nil, auto, no, nil, nil, nil, nil, ocmFirstProviderID + 6, ptr("City Socket")},
		{ptr("http://www.refusenik.example"), ptr("This data provider has asked that its data is not imported."), denied, no, nil, nil, nil, nil, ocmFirstProviderID + 7, ptr("refusenik.example")},
	}
}

// ocmOperators returns the world's operators as the directory lists them:
// with brands that are no more, and one title that stands twice.
func ocmOperators(w *World) []ocmOperator {
	ops := []ocmOperator{
		{Comments: ptr("For use when the operator of the equipment is a single business owner connected to the location and equipment is not part of a larger network"), IsPrivateIndividual: ptr(false), ID: ocmOwnerOperator, Title: ptr("(Business Owner at Location)")},
		{Comments: ptr("For use when the operator is a home owner or private individual making their own facilities available to the public"), IsPrivateIndividual: ptr(true), ID: ocmPrivateOperator, Title: ptr("(Private Residence/Individual)")},
		{ID: ocmUnknownOperator, Title: ptr("(Unknown Operator)")},
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
			WebsiteURL: ptr(o.Website), Comments: ptr(o.Country + "*" + o.Party),
			PhonePrimaryContact: ptr(o.Phone), IsPrivateIndividual: ptr(false),
			ContactEmail: text(o.Email), IsRestrictedEdit: ptr(false),
			ID: ocmOperatorID(w, o.Key), Title: ptr(title),
		})
		if o.Former != "" {
			ops = append(ops, ocmOperator{WebsiteURL: ptr(slug(o.Former) + ".example"), ID: ocmFirstStaleID + i, Title: ptr(o.Former)})
		}
	}
	return append(ops, ocmOperator{ID: ocmFirstStaleID + len(w.operators), Title: ptr(w.operators[1].Name)})
}

func ocmMetadataGroups() []ocmMetadataGroup {
	option := func(field, id int, title string) ocmMetadataOption {
		return ocmMetadataOption{field, id, ptr(title)}
	}
	return []ocmMetadataGroup{
		{ptr(1), false, true, []ocmMetadataField{
			{1, 10, nil, []ocmMetadataOption{
				option(1, 1, "Shopping"), option(1, 2, "Hotel"), option(1, 3, "Restaurant"), option(1, 8, "Parking"), option(1, 9, "Secure"),
			}, ocmMetaPOIType, ptr("POI Type")},
			{1, 1, nil, nil, ocmMetaHours, ptr("Access Hours")},
			{1, 10, nil, []ocmMetadataOption{option(4, ocmPositioningValue, "Positioning")}, ocmMetaAttribution, ptr("Attribution")},
			{1, 10, nil, []ocmMetadataOption{
				option(5, 5, "Car"), option(5, 6, "Motorcycle"), option(5, 7, "Bus"), option(5, 10, "Goods/Delivery Vehicles"), option(5, 11, "Taxi"), option(5, 12, "Bike"),
			}, 5, ptr("Vehicle Type")},
		}, 1, ptr("Extended Information")},
		{ptr(1), false, false, []ocmMetadataField{{2, 10, nil, nil, 3, ptr("Group of Companies")}}, 2, ptr("Supporting Data")},
	}
}

// ocmBlankPOI is the template that the service adds to its reference data for
// apps to fill in. It is not a site.
func ocmBlankPOI(epoch time.Time) *ocmPOI {
	now := ocmTime(epoch)
	return &ocmPOI{
		DataProvider: &ocmDataProvider{IsRestrictedEdit: ptr(false)},
		OperatorInfo: &ocmOperator{}, UsageType: &ocmUsageType{}, StatusType: &ocmStatusType{},
		IsRecentlyVerified: true, DateLastVerified: now,
		ID: -1, UUID: "00000000-0000-4000-8000-000000000000",
		AddressInfo: &ocmAddress{}, Connections: []ocmConnection{{}},
		NumberOfPoints: ptr(1), GeneralComments: ptr(""),
		DateLastConfirmed: now, DateLastStatusUpdate: now, DateCreated: now, DataQualityLevel: ptr(1),
	}
}

func ptr[T any](v T) *T { return &v }

// text is a pointer to s, or nil for the empty string.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

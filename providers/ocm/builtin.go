package ocm

import (
	"strconv"

	"chargegraph/providers"
)

// builtinReference returns the rows of OCM's reference data that a source knows
// without having asked for them, as of 2023-08 and with what later answers
// added. Operators are not among them, but for the two stand-ins.
func builtinReference() *providers.Reference {
	return &providers.Reference{
		ConnectionTypes:    builtinConnectionTypes(),
		CurrentTypes:       builtinCurrentTypes(),
		ChargerTypes:       builtinChargerTypes(),
		StatusTypes:        builtinStatusTypes(),
		SubmissionStatuses: builtinSubmissionStatuses(),
		UsageTypes:         builtinUsageTypes(),
		CommentTypes:       builtinCommentTypes(),
		CheckInStatusTypes: builtinCheckInStatusTypes(),
		DataProviders:      builtinDataProviders(),
		Countries:          builtinCountries(),
		Operators:          builtinOperators(),
	}
}

// truths returns pointers for the tables below; rows are never changed, so that
// they may share them.
func truths() (yes, no *bool) { return new(true), new(false) }

func builtinConnectionTypes() []*providers.ConnectionType {
	yes, no := truths()
	list := []struct {
		id             int
		title, formal  string
		gone, obsolete *bool
	}{
		{0, "Unknown", "Not Specified", nil, nil},
		{1, "Type 1 (J1772)", "SAE J1772-2009", nil, nil},
		{2, "CHAdeMO", "IEC 62196-3 Configuration AA", nil, nil},
		{3, "BS1363 3 Pin 13 Amp", "BS1363 / Type G", nil, nil},
		{4, "Blue Commando (2P+E)", "", nil, nil},
		{5, "LP Inductive", "Large Paddle Inductive", yes, yes},
		{6, "SP Inductive", "Small Paddle Inductive", yes, yes},
		{7, "Avcon Connector", "Avcon SAE J1772-2001", yes, no},
		{8, "Tesla (Roadster)", "Tesla Connector", yes, no},
		{9, "NEMA 5-20R", "", no, no},
		{10, "NEMA 14-30", "", no, no},
		{11, "NEMA 14-50", "", no, no},
		{13, "Europlug 2-Pin (CEE 7/16)", "Europlug 2-Pin (CEE 7/16)", no, no},
		{14, "NEMA 6-20", "", no, no},
		{15, "NEMA 6-15", "", no, no},
		{16, "CEE 3 Pin", "", no, no},
		{17, "CEE 5 Pin", "", no, no},
		{18, "CEE+ 7 Pin", "", no, no},
		{21, "XLR Plug (4 pin)", "", no, no},
		{22, "NEMA 5-15R", "NEMA 5-15R", no, no},
		{23, "CEE 7/5", "", no, no},
		{24, "Wireless Charging", "", no, no},
		{25, "Type 2 (Socket Only)", "IEC 62196-2 Type 2", no, no},
		{26, "SCAME Type 3C (Schneider-Legrand)", "IEC 62196-2 Type 3", no, no},
		{27, "NACS / Tesla Supercharger", "NACS", no, no},
		{28, "CEE 7/4 - Schuko - Type F", "CEE 7/4", no, no},
		{29, "Type I (AS 3112)", "Type I/AS 3112/CPCS-CCC", no, no},
		{30, "Tesla (Model S/X)", "", no, no},
		{31, "Tesla Battery Swap", "Tesla Battery Swap Station", no, no},
		{32, "CCS (Type 1)", "IEC 62196-3 Configuration EE", no, no},
		{33, "CCS (Type 2)", "IEC 62196-3 Configuration FF", no, no},
		{34, "IEC 60309 3-pin", "IEC 60309 3-pin", no, no},
		{35, "IEC 60309 5-pin", "IEC 60309 5-pin", no, no},
		{36, "SCAME Type 3A (Low Power)", "", no, no},
		{1036, "Type 2 (Tethered Connector)", "IEC 62196-2", no, no},
		{1037, "T13 - SEC1011 ( Swiss domestic 3-pin ) - Type J", "T13/ IEC Type J", no, no},
		{1038, "GB-T AC - GB/T 20234.2 (Socket)", "GB-T AC - GB/T 20234.2 (Socket)", no, no},
		{1039, "GB-T AC - GB/T 20234.2 (Tethered Cable)", "GB-T AC - GB/T 20234.2 (Tethered Cable)", no, no},
		{1040, "GB-T DC - GB/T 20234.3", "GB-T DC - GB/T 20234.3", no, no},
		{1041, "Three Phase 5-Pin (AS/NZ 3123)", "AS/NZS 3123 Three Phase", no, no},
		{1042, "NEMA TT-30R", "", no, no},
		{1043, "Type M", "IEC Type M (SANS 164-1, IS 1293:2005)", no, no},
		{1044, "ChaoJi / CHAdeMO 3.x", "", nil, nil},
	}
	rows := make([]*providers.ConnectionType, len(list))
	for i, c := range list {
		rows[i] = &providers.ConnectionType{
			ID: strconv.Itoa(c.id), Title: c.title, FormalName: c.formal,
			IsDiscontinued: c.gone, IsObsolete: c.obsolete, Type: connectorType(c.id),
		}
	}
	return rows
}

func builtinCurrentTypes() []*providers.CurrentType {
	return []*providers.CurrentType{
		{ID: "10", Title: "AC (Single-Phase)"},
		{ID: "20", Title: "AC (Three-Phase)"},
		{ID: "30", Title: "DC"},
	}
}

func builtinChargerTypes() []*providers.ChargerType {
	return []*providers.ChargerType{
		{ID: "1", Title: "Level 1 : Low (Under 2kW)", Comments: "Under 2 kW, usually domestic socket types", IsFastChargeCapable: false},
		{ID: "2", Title: "Level 2 : Medium (Over 2kW)", Comments: "Over 2 kW, usually non-domestic socket type", IsFastChargeCapable: false},
		{ID: "3", Title: "Level 3: High (Over 40kW)", Comments: "40KW and Higher", IsFastChargeCapable: true},
	}
}

func builtinStatusTypes() []*providers.StatusType {
	yes, no := truths()
	return []*providers.StatusType{
		{ID: "0", Title: "Unknown", IsOperational: nil, IsUserSelectable: true},
		{ID: "10", Title: "Currently Available (Automated Status)", IsOperational: yes, IsUserSelectable: false},
		{ID: "20", Title: "Currently In Use (Automated Status)", IsOperational: yes, IsUserSelectable: false},
		{ID: "30", Title: "Temporarily Unavailable", IsOperational: yes, IsUserSelectable: true},
		{ID: "50", Title: "Operational", IsOperational: yes, IsUserSelectable: true},
		{ID: "75", Title: "Partly Operational (Mixed)", IsOperational: yes, IsUserSelectable: true},
		{ID: "100", Title: "Not Operational", IsOperational: no, IsUserSelectable: true},
		{ID: "150", Title: "Planned For Future Date", IsOperational: no, IsUserSelectable: true},
		{ID: "200", Title: "Removed (Decommissioned)", IsOperational: no, IsUserSelectable: true},
		{ID: "210", Title: "Removed (Duplicate Listing)", IsOperational: no, IsUserSelectable: true},
	}
}

func builtinSubmissionStatuses() []*providers.SubmissionStatus {
	return []*providers.SubmissionStatus{
		{ID: "1", Title: "Submission Under Review", IsLive: false},
		{ID: "50", Title: "Imported and Under Review", IsLive: false},
		{ID: "100", Title: "Imported and Published", IsLive: true},
		{ID: "200", Title: "Submission Published", IsLive: true},
		{ID: "250", Title: "Submission Rejected - Incomplete", IsLive: false},
		{ID: "1000", Title: "Delisted", IsLive: false},
		{ID: "1001", Title: "Delisted - Duplicate", IsLive: false},
		{ID: "1002", Title: "Delisted - No Longer Active/Decommissioned", IsLive: false},
		{ID: "1005", Title: "Delisted - Superseded by Update", IsLive: false},
		{ID: "1010", Title: "Delisted - Not Public Information/Is Private Residence", IsLive: false},
		{ID: "1020", Title: "Delisted - Removed by Import Data Provider", IsLive: false},
	}
}

func builtinUsageTypes() []*providers.UsageType {
	yes, no := truths()
	return []*providers.UsageType{
		{ID: "0", Title: "(Unknown)", IsPayAtLocation: nil, IsMembershipRequired: nil, IsAccessKeyRequired: nil},
		{ID: "1", Title: "Public", IsPayAtLocation: nil, IsMembershipRequired: nil, IsAccessKeyRequired: nil},
		{ID: "2", Title: "Private - Restricted Access", IsPayAtLocation: nil, IsMembershipRequired: yes, IsAccessKeyRequired: nil},
		{ID: "3", Title: "Privately Owned - Notice Required", IsPayAtLocation: nil, IsMembershipRequired: nil, IsAccessKeyRequired: nil},
		{ID: "4", Title: "Public - Membership Required", IsPayAtLocation: no, IsMembershipRequired: yes, IsAccessKeyRequired: yes},
		{ID: "5", Title: "Public - Pay At Location", IsPayAtLocation: yes, IsMembershipRequired: no, IsAccessKeyRequired: no},
		{ID: "6", Title: "Private - For Staff, Visitors or Customers", IsPayAtLocation: no, IsMembershipRequired: no, IsAccessKeyRequired: no},
		{ID: "7", Title: "Public - Notice Required", IsPayAtLocation: no, IsMembershipRequired: no, IsAccessKeyRequired: no},
	}
}

func builtinCommentTypes() []*providers.CommentType {
	return []*providers.CommentType{
		{ID: "10", Title: "General Comment"},
		{ID: "50", Title: "Important Notice (For Other Users)"},
		{ID: "100", Title: "Suggested Change (Note To Editors)"},
		{ID: "110", Title: "Suggested Changed (Actioned By Editor)"},
		{ID: "1000", Title: "Fault Report (Notice To Users And Operator)"},
	}
}

func builtinCheckInStatusTypes() []*providers.CheckInStatusType {
	yes, no := truths()
	list := []struct {
		id        int
		title     string
		positive  *bool
		automated bool
	}{
		{0, "Did Not Visit Location", nil, false},
		{10, "Charged Successfully", yes, false},
		{15, "Charged Successfully (Automated Checkin)", yes, true},
		{20, "Failed to Charge (Equipment Not Operational)", no, false},
		{22, "Failed to Charge (Equipment Not Fully Installed)", no, false},
		{25, "Failed to Charge (Equipment Problem)", no, false},
		{30, "Failed to Charge (Equipment Not Compatible)", no, false},
		{40, "Failed to Charge (Required Other Access Card/Fob etc.)", no, false},
		{50, "Failed to Charge (No Charging Equipment Present)", no, false},
		{100, "Charging Spot In Use (Other EV Parked)", yes, false},
		{110, "Charging Spot In Use (Non-EV Parked)", no, false},
		{120, "Charging Spot Not Accessible (Access locked or site closed)", no, false},
		{130, "Charging Spot Not Found (Inadequate or Incorrect Details)", no, false},
		{140, "Equipment & Location Confirmed Correct", yes, false},
		{150, "Location Is A Duplicate", no, false},
		{160, "Equipment/Location Has Been Decommissioned", no, false},
		{200, "Other (Negative/Bad)", no, false},
		{210, "Other (Positive/Good)", yes, false},
	}
	rows := make([]*providers.CheckInStatusType, len(list))
	for i, c := range list {
		outcome, _ := checkInOutcome(c.id)
		rows[i] = &providers.CheckInStatusType{
			ID: strconv.Itoa(c.id), Title: c.title, IsPositive: c.positive, IsAutomated: c.automated, Outcome: outcome,
		}
	}
	return rows
}

func builtinDataProviders() []*providers.DataProvider {
	yes, no := truths()
	list := []struct {
		id                       int
		title, website, license  string
		open, restricted, vetted *bool
		enabled                  *bool
		status                   string
	}{
		{1, "Open Charge Map Contributors", "http://openchargemap.org", "Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0)", yes, no, yes, yes, "Manual Data Entry"},
		{2, "afdc.energy.gov", "http://www.afdc.energy.gov/", "This data is provided by the National Renewable Energy Laboratory (\"NREL\"), which is operated by the Alliance for Sustainable Energy, LLC (\"Alliance\"), for the U.S. Department of Energy (\"DOE\"), and may be used for any purpose whatsoever.", yes, no, yes, yes, "Automated Import"},
		{7, "Mobie.pt", "http://www.mobie.pt", "Public Data redistributed by agreement", yes, no, yes, yes, "Automated Import"},
		{8, "ev-charging.com", "http://e-tankstellen-finder.com/", "", nil, no, nil, yes, "Manual (Bulk Import)"},
		{13, "www.uppladdning.nu", "http://www.uppladdning.nu", "", nil, no, nil, no, "Delisted - Data Use Permission Denied"},
		{14, "e-Laad", "http://www.e-laad.nl", "", nil, no, nil, yes, "Manual (Bulk Import)"},
		{15, "CarStations.com", "http://www.carstations.com", "", no, no, nil, yes, "Automated Import"},
		{17, "BlinkNetwork.com", "http://www.blinknetwork.com", "", nil, no, nil, yes, "Automated Import"},
		{18, "UK National Charge Point Registry", "http://chargepoints.dft.gov.uk", "Contains public sector information licensed under the Open Government Licence v2.0.", yes, no, yes, yes, "Automated Import"},
		{19, "NOBIL", "https://nobil.no/", "NOBIL by Enova is licensed under a Creative Commons Attribution 4.0 International (CC BY 4.0) License.", yes, no, yes, yes, "Partially Automated (Ad-Hoc Import)"},
		{20, "Chargepoint.net", "http://www.chargepoint.net/", "", nil, no, nil, no, "Delisted - Not Used"},
		{21, "RWE Mobility", "https://www.rwe-mobility.com/", "", nil, no, nil, yes, "Automated Import"},
		{22, "CHAdeMO.com", "http://www.chademo.com", "", no, no, no, yes, "Not Currently Used/Imported"},
		{23, "ESB eCars", "http://www.esb.ie/electric-cars/", "", no, no, no, yes, "Automated Import"},
		{24, "AddÉnergie Technologies Inc.", "http://www.addenergietechnologies.com/", "http://creativecommons.org/licenses/by/3.0", yes, no, yes, yes, "Partially Automated (Ad-Hoc Import)"},
		{25, "Catalan Energy Institute (ICAEN)", "http://icaen.gencat.cat/", "General public data", yes, no, yes, yes, "Partially Automated (Ad-Hoc Import)"},
		{26, "Oplaadpalen.nl", "http://www.oplaadpalen.nl/", "Licensed under Attribution-NonCommercial-ShareAlike 3.0 : http://creativecommons.org/licenses/by-nc-sa/3.0/", yes, no, yes, yes, "Automated Import"},
		{27, "Place To Plug", "https://www.placetoplug.com", "", no, no, no, yes, "Partially Automated (Ad-Hoc Import)"},
		{28, "data.gouv.fr", "https://www.data.gouv.fr/fr/datasets/fichier-consolide-des-bornes-de-recharge-pour-vehicules-electriques/", "Open License: https://www.etalab.gouv.fr/wp-content/uploads/2014/05/Licence_Ouverte.pdf", yes, no, yes, yes, "Automated Import"},
		{29, "Bundesnetzagentur.de", "https://bundesnetzagentur.de", "Provided by Bundesnetzagentur.de under the CC-BY 4.0 license", yes, no, yes, yes, "Automated Import"},
		{30, "EVIO", "https://go-evio.com/", "Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0)", yes, yes, yes, yes, "Partially Automated (Ad-Hoc Import)"},
		{31, "Sitronics", "https://www.sitronics-electro.com", "Licensed under CC0 by data sharing agreement", yes, yes, yes, yes, "Partially Automated (Ad-Hoc Import)"},
		{32, "Lithuanian Road Administration", "https://ev.lakd.lt/en/open_source", "Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0)", yes, yes, yes, yes, "Partially Automated (Ad-Hoc Import)"},
	}
	rows := make([]*providers.DataProvider, len(list))
	for i, p := range list {
		rows[i] = &providers.DataProvider{
			ID: strconv.Itoa(p.id), Title: p.title, Website: p.website, License: p.license,
			IsOpenDataLicensed: p.open, IsRestrictedEdit: p.restricted, IsApprovedImport: p.vetted,
			IsEnabled: p.enabled, StatusTitle: p.status,
		}
	}
	return rows
}

// builtinOperators returns the two stand-ins, which are not networks. The third,
// 1 "(Unknown Operator)", is no operator at all.
func builtinOperators() []*providers.Operator {
	yes, no := truths()
	return []*providers.Operator{
		newOperator(operatorAtLocation, "(Business Owner at Location)", no),
		newOperator(operatorIndividual, "(Private Residence/Individual)", yes),
	}
}

func newOperator(id int, title string, private *bool) *providers.Operator {
	operator := providers.NewOperator(providers.OCM, strconv.Itoa(id), title)
	operator.IsPrivateIndividual = private
	operator.IsNetwork = isNetwork(id)
	return operator
}

// metadataOption returns the title of a value that a metadata field is chosen from.
func metadataOption(id int) string {
	switch id {
	case 1:
		return "Shopping"
	case 2:
		return "Hotel"
	case 3:
		return "Restaurant"
	case 8:
		return "Parking"
	case 9:
		return "Secure"
	case 4:
		return "Positioning"
	case 5:
		return "Car"
	case 6:
		return "Motorcycle"
	case 7:
		return "Bus"
	case 10:
		return "Goods/Delivery Vehicles"
	case 11:
		return "Taxi"
	case 12:
		return "Bike"
	}
	return ""
}

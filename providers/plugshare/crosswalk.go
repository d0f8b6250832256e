package plugshare

import (
	"strconv"
	"strings"

	"chargegraph/providers"
	"chargegraph/providers/internal/wire"
)

// This file is the PlugShare side of shared/data/crosswalk as code. Where a
// table offers several values for one id, the one that claims least is taken;
// where the contract's names differ, they win.

// The connectors that mean something else from one market to the next, or that
// need their power to be told apart.
const (
	connectorTesla      = 6
	connectorCCS        = 13
	connectorThreePhase = 14
)

// powerSupercharger is the power of connector 6 that is direct current.
const powerSupercharger = 1

// market is what a location says about which plugs its numbers mean.
type market struct {
	locale string
	shown  texts // display names of its connectors
}

// connectorType returns the standard behind a connector id. An id that no table
// lists is UNKNOWN, and so is one that means different plugs in markets that the
// location does not tell apart.
func connectorType(id int, name string, m market) providers.ConnectorType {
	switch id {
	case 0:
		return providers.ConnectorOther
	case 1:
		return providers.ConnectorNEMA515
	case 2:
		return providers.ConnectorType1
	case 3:
		return providers.ConnectorCHAdeMO
	case 4:
		return providers.ConnectorTeslaRoadster
	case 5:
		return providers.ConnectorNEMA1450
	case connectorTesla:
		return providers.ConnectorNACS
	case 7:
		return providers.ConnectorType2
	case 8:
		return providers.ConnectorType3C
	case 9:
		return providers.ConnectorDomesticG
	case 10:
		return providers.ConnectorDomesticC
	case 11:
		return providers.ConnectorIEC60309Single16
	case 12:
		return providers.ConnectorDomesticI
	case connectorCCS:
		return combo(name, m)
	case connectorThreePhase:
		switch strings.ToUpper(m.locale) {
		case "AU":
			return providers.ConnectorASNZS3123
		case "EU", "UK":
			return providers.ConnectorIEC60309Three32
		}
	case 15:
		return providers.ConnectorCaravanMains
	case 16:
		return providers.ConnectorGBTAC
	case 17:
		return providers.ConnectorGBTDC
	case 20:
		return providers.ConnectorCCS2
	case 25:
		return providers.ConnectorNEMATT30
	}
	return providers.ConnectorUnknown
}

// combo tells the two kinds of CCS apart: by the outlet's own name, by what the
// location shows, by its market. PlugShare has had a number of its own for CCS 2
// for years, so that 13 without anything else is CCS 1.
func combo(name string, m market) providers.ConnectorType {
	switch strings.ToUpper(name) {
	case "IEC_62196_T1_COMBO":
		return providers.ConnectorCCS1
	case "IEC_62196_T2_COMBO":
		return providers.ConnectorCCS2
	}
	one, two := false, false
	for _, shown := range m.shown {
		one = one || strings.EqualFold(shown, "CCS1")
		two = two || strings.EqualFold(shown, "CCS2")
	}
	if one != two {
		if two {
			return providers.ConnectorCCS2
		}
		return providers.ConnectorCCS1
	}
	switch strings.ToUpper(m.locale) {
	case "EU", "UK", "AU":
		return providers.ConnectorCCS2
	}
	return providers.ConnectorCCS1
}

// threePhaseAboveKW is the power that a Type 2 plug cannot deliver on one phase.
const threePhaseAboveKW = 7.4

// currentKind returns the current that a connector delivers; power is the
// number that tells a Supercharger from Tesla's AC plug.
func currentKind(id, power int, kw *float64) providers.CurrentKind {
	switch id {
	case 1, 2, 4, 5, 9, 10, 11, 12, 15, 16, 25:
		return providers.CurrentACSinglePhase
	case connectorTesla:
		if power == powerSupercharger {
			return providers.CurrentDC
		}
		return providers.CurrentACSinglePhase
	case 7:
		if kw != nil && *kw > threePhaseAboveKW {
			return providers.CurrentACThreePhase
		}
		return providers.CurrentAC
	case 8:
		return providers.CurrentAC
	case connectorThreePhase:
		return providers.CurrentACThreePhase
	case 3, connectorCCS, 17, 20:
		return providers.CurrentDC
	}
	return providers.CurrentUnknown
}

// powerType returns the current behind OCPI's word for it, which some outlets carry.
func powerType(word string) (kind providers.CurrentKind, known bool) {
	switch strings.ToUpper(word) {
	case "AC_1_PHASE":
		return providers.CurrentACSinglePhase, true
	case "AC_2_PHASE":
		return providers.CurrentACTwoPhase, true
	case "AC_2_PHASE_SPLIT":
		return providers.CurrentACSplitPhase, true
	case "AC_3_PHASE":
		return providers.CurrentACThreePhase, true
	case "DC":
		return providers.CurrentDC, true
	}
	return providers.CurrentUnknown, false
}

// chargingLevel returns the level: by the power, else by a plug that is made for
// one level only; nil where neither says it.
func chargingLevel(id int, current providers.CurrentKind, kw *float64) *int {
	switch {
	case kw != nil && *kw < 2:
		return new(1)
	case kw != nil && *kw > 40:
		return new(3)
	case kw != nil:
		return new(2)
	case current == providers.CurrentDC:
		return new(3)
	}
	switch id {
	case 1:
		return new(1)
	case 2, 4, 5, connectorTesla, 7:
		return new(2)
	}
	return nil
}

// outletStatus returns the live state behind an outlet's status; stated is false
// where there is none. A word that is not listed is UNKNOWN.
func outletStatus(word string) (status providers.EVSEStatus, stated bool) {
	switch strings.ToUpper(word) {
	case "":
		return providers.EVSEUnknown, false
	case "AVAILABLE":
		return providers.EVSEAvailable, true
	case "BLOCKED":
		return providers.EVSEBlocked, true
	case "CHARGING":
		return providers.EVSECharging, true
	case "CONNECTED":
		return providers.EVSEOccupied, true
	case "OUTOFORDER", "UNAVAILABLE":
		return providers.EVSEOutOfOrder, true
	case "UNDER_REPAIR":
		return providers.EVSEUnderRepair, true
	case "OFFLINE":
		return providers.EVSEOffline, true
	case "PLANNED":
		return providers.EVSEPlanned, true
	case "REMOVED":
		return providers.EVSERemoved, true
	case "RESERVED":
		return providers.EVSEReserved, true
	}
	return providers.EVSEUnknown, true
}

// stationStatus returns the live state behind a station's availability. "In use"
// does not say how.
func stationStatus(available wire.Number) providers.EVSEStatus {
	v, _ := integer(available)
	switch v {
	case 1:
		return providers.EVSEAvailable
	case 2:
		return providers.EVSEOccupied
	case 3:
		return providers.EVSEOffline
	case 4:
		return providers.EVSEUnderRepair
	}
	return providers.EVSEUnknown
}

// accessHome is a private person's charger, which is never shown.
const accessHome = 3

// usageKind returns who may charge. Restrictions that mean different things are
// just a restriction.
func usageKind(access int, restrictions texts) providers.UsageKind {
	switch access {
	case 1:
		return providers.UsagePublic
	case 2:
	case accessHome:
		return providers.UsagePrivate
	default:
		return providers.UsageUnknown
	}
	kind := providers.UsageRestricted
	for i, word := range restrictions {
		k := restriction(word)
		if i > 0 && k != kind {
			return providers.UsageRestricted
		}
		kind = k
	}
	return kind
}

func restriction(word string) providers.UsageKind {
	switch strings.ToUpper(word) {
	case "CUSTOMERS_ONLY", "GUESTS_ONLY":
		return providers.UsageRestrictedCustomers
	case "EMPLOYEES_ONLY":
		return providers.UsageRestrictedEmployees
	case "RESIDENTS_ONLY":
		return providers.UsageRestrictedResidents
	case "STUDENTS_ONLY":
		return providers.UsageRestrictedStudents
	}
	return providers.UsageRestricted
}

// stationCost returns what a station says about its cost.
func stationCost(cost wire.Number) providers.CostKind {
	v, _ := integer(cost)
	switch v {
	case 1:
		return providers.CostFree
	case 2:
		return providers.CostPaid
	}
	return providers.CostUnknown
}

// outcome returns what came of a visit; ok is false for a rating that is none.
func outcome(rating, problem int) (o providers.CheckInOutcome, ok bool) {
	switch rating {
	case 1:
		return providers.CheckInCharged, true
	case 0:
		return providers.CheckInNotVisited, true
	case -1:
	default:
		return "", false
	}
	switch problem {
	case 1:
		return providers.CheckInFailedEquipment, true
	case 2:
		return providers.CheckInInUseEV, true
	case 3:
		return providers.CheckInInUseNonEV, true
	case 4:
		return providers.CheckInFailedAccessCard, true
	case 5:
		return providers.CheckInDecommissioned, true
	}
	return providers.CheckInOtherNegative, true
}

// sentiment returns the mood of a rating. A spot in use is neither good nor bad.
func sentiment(rating int, o providers.CheckInOutcome) providers.Sentiment {
	switch {
	case o == providers.CheckInInUseEV, o == providers.CheckInInUseNonEV:
		return providers.SentimentNeutral
	case rating > 0:
		return providers.SentimentPositive
	case rating < 0:
		return providers.SentimentNegative
	}
	return providers.SentimentNeutral
}

// commentKind returns what a review is for: one that reports broken equipment, or
// equipment that would not start, is a fault report.
func commentKind(rating, problem int) providers.CommentKind {
	if rating == -1 && (problem == 1 || problem == 4) {
		return providers.CommentFaultReport
	}
	return providers.CommentGeneral
}

// amenity returns what an amenity id says is there.
func amenity(id int) (a providers.Amenity, known bool) {
	switch id {
	case 1:
		return providers.AmenityLodging, true
	case 2:
		return providers.AmenityDining, true
	case 3:
		return providers.AmenityRestrooms, true
	case 4:
		return providers.AmenityEVParking, true
	case 5:
		return providers.AmenityValetParking, true
	case 6:
		return providers.AmenityPark, true
	case 7:
		return providers.AmenityWifi, true
	case 8:
		return providers.AmenityShopping, true
	case 9:
		return providers.AmenityGrocery, true
	}
	return "", false
}

// parking returns what a parking attribute says.
func parking(word string) (p providers.ParkingKind, known bool) {
	switch strings.ToUpper(word) {
	case "PULL_THROUGH":
		return providers.ParkingPullThrough, true
	case "PULL_IN":
		return providers.ParkingPullIn, true
	case "TRAILER_PARKING", "TRAILER_FRIENDLY":
		return providers.ParkingTrailer, true
	case "GARAGE":
		return providers.ParkingGarage, true
	case "HANDICAPPED", "WHEELCHAIR_ACCESS":
		return providers.ParkingDisabled, true
	case "ILLUMINATED":
		return providers.ParkingLit, true
	}
	return "", false
}

// directory returns the name of the directory that a network id stands for: its
// records were copied from there, and nobody of that name runs them.
func directory(networkID int) (name string, ok bool) {
	switch networkID {
	case 11:
		return "OpenChargeMap", true
	case 14:
		return "Oplaadpalen", true
	case 17:
		return "Uppladdning", true
	case 22:
		return "Lastestasjoner", true
	}
	return "", false
}

// builtinNetwork is the title of a network as PlugShare's documents give it.
type builtinNetwork struct {
	id    int
	title string
}

// builtinNetworks returns the titles that are known without asking. Ids were
// used again after years (9 was AeroVironment, then Webasto), so a title that
// comes with an answer counts before these.
func builtinNetworks() []builtinNetwork {
	return []builtinNetwork{
		{1, "ChargePoint"},
		{2, "Blink"},
		{3, "SemaConnect"},
		{4, "GE WattStation"},
		{5, "Sun Country"},
		{6, "Circuit Electrique"},
		{7, "FLO"},
		{8, "Supercharger"},
		{9, "EVCS"},
		{13, "RWE / Innogy"},
		{15, "Endesa"},
		{16, "ESB"},
		{18, "Clever"},
		{19, "EVgo"},
		{23, "Enel Drive"},
		{25, "Volta"},
		{26, "Greenlots"},
		{34, "JNSH"},
		{35, "Tesla Destination"},
		{36, "ChargeNet"},
		{41, "myEVroute"},
		{45, "bp pulse"},
		{46, "EV Connect"},
		{47, "Electrify America"},
		{48, "Chargefox"},
		{49, "BC Hydro EV"},
		{51, "IONITY"},
		{52, "Fastned"},
		{53, "Petro-Canada"},
		{54, "Electrify Canada"},
		{55, "IVY"},
		{57, "EVUp"},
		{58, "OpConnect"},
		{59, "Allego"},
		{60, "Evie Networks"},
		{63, "NRMA"},
		{67, "EVsmart"},
		{69, "JOLT"},
		{70, "Exploren"},
		{71, "Webasto"},
		{72, "GreenWay"},
		{81, "bp pulse (AU)"},
		{1041, "EV Range"},
		{1292, "AmpCharge"},
	}
}

// inventNetwork returns the title of a network of which only the number is known.
func inventNetwork(id int) string { return "PlugShare network " + strconv.Itoa(id) }

package ocpi

import (
	"math"

	"chargegraph/providers"
)

// This file is the OCPI side of shared/data/crosswalk as code. Its arguments are
// in upper case.

// connectorType returns the plug that a ConnectorType stands for; known is false
// for one that was not in the enum when this was written: it is an open one.
func connectorType(standard string) (t providers.ConnectorType, known bool) {
	switch standard {
	case "CHADEMO":
		return providers.ConnectorCHAdeMO, true
	case "CHAOJI":
		return providers.ConnectorChaoJi, true
	case "DOMESTIC_A":
		return providers.ConnectorDomesticA, true
	case "DOMESTIC_B":
		return providers.ConnectorNEMA515, true
	case "DOMESTIC_C":
		return providers.ConnectorDomesticC, true
	case "DOMESTIC_D":
		return providers.ConnectorDomesticD, true
	case "DOMESTIC_E":
		return providers.ConnectorDomesticE, true
	case "DOMESTIC_F":
		return providers.ConnectorDomesticF, true
	case "DOMESTIC_G":
		return providers.ConnectorDomesticG, true
	case "DOMESTIC_H":
		return providers.ConnectorDomesticH, true
	case "DOMESTIC_I":
		return providers.ConnectorDomesticI, true
	case "DOMESTIC_J":
		return providers.ConnectorDomesticJ, true
	case "DOMESTIC_K":
		return providers.ConnectorDomesticK, true
	case "DOMESTIC_L":
		return providers.ConnectorDomesticL, true
	case "DOMESTIC_M":
		return providers.ConnectorDomesticM, true
	case "DOMESTIC_N":
		return providers.ConnectorDomesticN, true
	case "DOMESTIC_O":
		return providers.ConnectorDomesticO, true
	case "GBT_AC":
		return providers.ConnectorGBTAC, true
	case "GBT_DC":
		return providers.ConnectorGBTDC, true
	case "IEC_60309_2_SINGLE_16":
		return providers.ConnectorIEC60309Single16, true
	case "IEC_60309_2_THREE_16":
		return providers.ConnectorIEC60309Three16, true
	case "IEC_60309_2_THREE_32":
		return providers.ConnectorIEC60309Three32, true
	case "IEC_60309_2_THREE_64":
		return providers.ConnectorIEC60309Three64, true
	case "IEC_62196_T1":
		return providers.ConnectorType1, true
	case "IEC_62196_T1_COMBO":
		return providers.ConnectorCCS1, true
	case "IEC_62196_T2":
		return providers.ConnectorType2, true
	case "IEC_62196_T2_COMBO":
		return providers.ConnectorCCS2, true
	case "IEC_62196_T3A":
		return providers.ConnectorType3A, true
	case "IEC_62196_T3C":
		return providers.ConnectorType3C, true
	case "MCS":
		return providers.ConnectorMCS, true
	case "NEMA_5_20":
		return providers.ConnectorNEMA520, true
	case "NEMA_6_30":
		return providers.ConnectorNEMA630, true
	case "NEMA_6_50":
		return providers.ConnectorNEMA650, true
	case "NEMA_10_30":
		return providers.ConnectorNEMA1030, true
	case "NEMA_10_50":
		return providers.ConnectorNEMA1050, true
	case "NEMA_14_30":
		return providers.ConnectorNEMA1430, true
	case "NEMA_14_50":
		return providers.ConnectorNEMA1450, true
	case "PANTOGRAPH_BOTTOM_UP":
		return providers.ConnectorPantographBottomUp, true
	case "PANTOGRAPH_TOP_DOWN":
		return providers.ConnectorPantographTopDown, true
	case "SAE_J3400", "TESLA_S":
		return providers.ConnectorNACS, true
	case "TESLA_R":
		return providers.ConnectorTeslaRoadster, true
	}
	return providers.ConnectorUnknown, false
}

// currentKind returns the current of a PowerType.
func currentKind(powerType enum) providers.CurrentKind {
	switch powerType {
	case "AC_1_PHASE":
		return providers.CurrentACSinglePhase
	case "AC_2_PHASE":
		return providers.CurrentACTwoPhase
	case "AC_2_PHASE_SPLIT":
		return providers.CurrentACSplitPhase
	case "AC_3_PHASE":
		return providers.CurrentACThreePhase
	case "DC":
		return providers.CurrentDC
	}
	return providers.CurrentUnknown
}

// lineToLineV is where a voltage of three phases is no longer that between a
// line and neutral, as the specification has it, but between two lines.
const lineToLineV = 300

// watts returns what a connector of this current delivers at a voltage and an
// amperage, by the specification's formulae and the habits of feeds; 0 where
// something is unknown.
func watts(current providers.CurrentKind, voltageV, currentA float64) float64 {
	switch current {
	case providers.CurrentDC, providers.CurrentACSinglePhase:
		return voltageV * currentA
	case providers.CurrentACTwoPhase, providers.CurrentACSplitPhase:
		return 2 * voltageV * currentA
	case providers.CurrentACThreePhase:
		if voltageV >= lineToLineV {
			return math.Sqrt(3) * voltageV * currentA
		}
		return 3 * voltageV * currentA
	case providers.CurrentAC, providers.CurrentUnknown:
		return 0
	}
	return 0
}

// level returns OCM's power level of a power: below 2 kW, up to 40, above.
func level(powerKW float64) int {
	switch {
	case powerKW < 2:
		return 1
	case powerKW <= 40:
		return 2
	}
	return 3
}

// connectorFormat returns whether a cable is attached.
func connectorFormat(format enum) providers.ConnectorFormat {
	switch format {
	case "SOCKET":
		return providers.FormatSocket
	case "CABLE":
		return providers.FormatCable
	}
	return providers.FormatUnknown
}

// evseStatus returns the live state that a Status stands for.
func evseStatus(status enum) providers.EVSEStatus {
	switch status {
	case "AVAILABLE":
		return providers.EVSEAvailable
	case "BLOCKED":
		return providers.EVSEBlocked
	case "CHARGING":
		return providers.EVSECharging
	case "INOPERATIVE":
		return providers.EVSEInoperative
	case "OUTOFORDER", "OUT_OF_ORDER":
		return providers.EVSEOutOfOrder
	case "PLANNED":
		return providers.EVSEPlanned
	case "REMOVED":
		return providers.EVSERemoved
	case "RESERVED":
		return providers.EVSEReserved
	}
	return providers.EVSEUnknown
}

// operationalStatus sums up a site's EVSEs, none of them REMOVED. It works when
// one of them does and partly when another does not. It does not work when all
// of them say so. PLANNED ones are not there yet, unless there are no others, and
// one of unknown state may work.
func operationalStatus(states []providers.EVSEStatus) providers.OperationalStatus {
	var works, broken, paused, unknown int
	for _, s := range states {
		switch s {
		case providers.EVSEAvailable, providers.EVSECharging, providers.EVSEOccupied, providers.EVSEBlocked, providers.EVSEReserved:
			works++
		case providers.EVSEOutOfOrder, providers.EVSEUnderRepair:
			broken++
		case providers.EVSEInoperative:
			paused++
		case providers.EVSEUnknown, providers.EVSEOffline:
			unknown++
		case providers.EVSEPlanned, providers.EVSERemoved:
		}
	}
	switch {
	case works+broken+paused+unknown == 0 && len(states) > 0:
		return providers.StatusPlanned
	case works > 0 && broken+paused > 0:
		return providers.StatusPartlyOperational
	case works > 0:
		return providers.StatusOperational
	case unknown > 0 || len(states) == 0:
		return providers.StatusUnknown
	case paused > 0:
		return providers.StatusTemporarilyUnavailable
	}
	return providers.StatusNotOperational
}

// groupStatus sums up the live states of like connectors: available if one is;
// else unknown if one is, since that one may be free; else what holds for them
// all, or the mildest of what holds for some.
func groupStatus(a, b providers.EVSEStatus) providers.EVSEStatus {
	if mildness(a) <= mildness(b) {
		return a
	}
	return b
}

func mildness(s providers.EVSEStatus) int {
	switch s {
	case providers.EVSEAvailable:
		return 0
	case providers.EVSEUnknown, providers.EVSEOffline:
		return 1
	case providers.EVSECharging:
		return 2
	case providers.EVSEOccupied:
		return 3
	case providers.EVSEReserved:
		return 4
	case providers.EVSEBlocked:
		return 5
	case providers.EVSEInoperative:
		return 6
	case providers.EVSEUnderRepair:
		return 7
	case providers.EVSEOutOfOrder:
		return 8
	case providers.EVSEPlanned:
		return 9
	case providers.EVSERemoved:
		return 10
	}
	return 11
}

// amenity returns what a Facility stands for.
func amenity(facility enum) (a providers.Amenity, known bool) {
	switch facility {
	case "HOTEL":
		return providers.AmenityLodging, true
	case "RESTAURANT":
		return providers.AmenityDining, true
	case "CAFE":
		return providers.AmenityCafe, true
	case "MALL":
		return providers.AmenityShopping, true
	case "SUPERMARKET":
		return providers.AmenityGrocery, true
	case "SPORT":
		return providers.AmenitySport, true
	case "RECREATION_AREA":
		return providers.AmenityRecreationArea, true
	case "NATURE":
		return providers.AmenityPark, true
	case "MUSEUM":
		return providers.AmenityMuseum, true
	case "BIKE_SHARING":
		return providers.AmenityBikeSharing, true
	case "BUS_STOP":
		return providers.AmenityBusStop, true
	case "TAXI_STAND":
		return providers.AmenityTaxiStand, true
	case "TRAM_STOP":
		return providers.AmenityTramStop, true
	case "METRO_STATION":
		return providers.AmenityMetroStation, true
	case "TRAIN_STATION":
		return providers.AmenityTrainStation, true
	case "AIRPORT":
		return providers.AmenityAirport, true
	case "PARKING_LOT":
		return providers.AmenityEVParking, true
	case "CARPOOL_PARKING":
		return providers.AmenityCarpoolParking, true
	case "FUEL_STATION":
		return providers.AmenityFuelStation, true
	case "WIFI":
		return providers.AmenityWifi, true
	}
	return "", false
}

// parkingKind returns the parking of a ParkingType, or of 2.1.1's LocationType.
func parkingKind(parkingType enum) (k providers.ParkingKind, known bool) {
	switch parkingType {
	case "ALONG_MOTORWAY":
		return providers.ParkingAlongMotorway, true
	case "PARKING_GARAGE", "UNDERGROUND_GARAGE":
		return providers.ParkingGarage, true
	case "PARKING_LOT":
		return providers.ParkingLot, true
	case "ON_DRIVEWAY":
		return providers.ParkingOnDriveway, true
	case "ON_STREET":
		return providers.ParkingOnStreet, true
	}
	return "", false
}

// restricted returns whom a ParkingRestriction keeps out; "" for one that keeps
// out no driver of an electric car.
func restricted(restriction enum) providers.UsageKind {
	switch restriction {
	case "CUSTOMERS":
		return providers.UsageRestrictedCustomers
	case "EMPLOYEES":
		return providers.UsageRestrictedEmployees
	case "TENANTS":
		return providers.UsageRestrictedResidents
	case "TAXIS":
		return providers.UsageRestricted
	}
	return ""
}

// paysOnSite reports whether a Capability is a way to pay without a contract.
func paysOnSite(capability enum) bool {
	switch capability {
	case "CREDIT_CARD_PAYABLE", "DEBIT_CARD_PAYABLE", "CONTACTLESS_CARD_SUPPORT", "PED_TERMINAL":
		return true
	}
	return false
}

// isPicture reports whether an image of this ImageCategory shows the site; the
// others are emblems of companies.
func isPicture(category enum) bool {
	switch category {
	case "NETWORK", "OPERATOR", "OWNER":
		return false
	}
	return true
}

package ocm

import "chargegraph/providers"

// This file is the OCM side of shared/data/crosswalk as code. Where a table
// offers several values for one id (usage 2 and 6, options 1 and 3), the one
// that claims least is taken; where the contract's names differ, they win.

// The operators that are none.
const (
	operatorUnknown    = 1
	operatorIndividual = 44
	operatorAtLocation = 45
)

// isNetwork reports whether two sites of this operator have something in common.
func isNetwork(operatorID int) bool {
	return operatorID > operatorUnknown && operatorID != operatorIndividual && operatorID != operatorAtLocation
}

// connectorType returns the standard behind a ConnectionTypeID. An id that OCM
// invented after this was written is UNKNOWN; its row keeps its number and title.
func connectorType(id int) providers.ConnectorType {
	switch id {
	case 1:
		return providers.ConnectorType1
	case 2:
		return providers.ConnectorCHAdeMO
	case 3:
		return providers.ConnectorDomesticG
	case 4, 16, 34:
		return providers.ConnectorIEC60309Single16
	case 5, 6:
		return providers.ConnectorInductive
	case 7:
		return providers.ConnectorAvcon
	case 8:
		return providers.ConnectorTeslaRoadster
	case 9:
		return providers.ConnectorNEMA520
	case 10:
		return providers.ConnectorNEMA1430
	case 11:
		return providers.ConnectorNEMA1450
	case 13:
		return providers.ConnectorDomesticC
	case 14:
		return providers.ConnectorNEMA620
	case 15:
		return providers.ConnectorNEMA615
	case 17, 35:
		return providers.ConnectorIEC60309Three32
	case 18:
		return providers.ConnectorIEC60309Three64
	case 21:
		return providers.ConnectorXLR4
	case 22:
		return providers.ConnectorNEMA515
	case 23:
		return providers.ConnectorDomesticE
	case 24:
		return providers.ConnectorWireless
	case 25, 1036:
		return providers.ConnectorType2
	case 26:
		return providers.ConnectorType3C
	case 27, 30:
		return providers.ConnectorNACS
	case 28:
		return providers.ConnectorDomesticF
	case 29:
		return providers.ConnectorDomesticI
	case 31:
		return providers.ConnectorTeslaBatterySwap
	case 32:
		return providers.ConnectorCCS1
	case 33:
		return providers.ConnectorCCS2
	case 36:
		return providers.ConnectorType3A
	case 1037:
		return providers.ConnectorDomesticJ
	case 1038, 1039:
		return providers.ConnectorGBTAC
	case 1040:
		return providers.ConnectorGBTDC
	case 1041:
		return providers.ConnectorASNZS3123
	case 1042:
		return providers.ConnectorNEMATT30
	case 1043:
		return providers.ConnectorDomesticM
	case 1044:
		return providers.ConnectorChaoJi
	}
	return providers.ConnectorUnknown
}

// connectorFormat returns what a ConnectionTypeID says about the cable: only
// four of them say anything.
func connectorFormat(id int) providers.ConnectorFormat {
	switch id {
	case 25, 1038:
		return providers.FormatSocket
	case 1036, 1039:
		return providers.FormatCable
	}
	return providers.FormatUnknown
}

// currentKind returns the current behind a CurrentTypeID.
func currentKind(id int) (kind providers.CurrentKind, known bool) {
	switch id {
	case 10:
		return providers.CurrentACSinglePhase, true
	case 20:
		return providers.CurrentACThreePhase, true
	case 30:
		return providers.CurrentDC, true
	}
	return providers.CurrentUnknown, false
}

// statusDuplicate is a listing that stands for another one.
const statusDuplicate = 210

// operationalStatus returns the state behind a StatusTypeID. OCM's "available"
// and "in use" are no live states: nothing updates them.
func operationalStatus(id int) providers.OperationalStatus {
	switch id {
	case 10, 20, 50:
		return providers.StatusOperational
	case 30:
		return providers.StatusTemporarilyUnavailable
	case 75:
		return providers.StatusPartlyOperational
	case 100:
		return providers.StatusNotOperational
	case 150:
		return providers.StatusPlanned
	case 200, statusDuplicate:
		return providers.StatusRemoved
	}
	return providers.StatusUnknown
}

// published reports whether the API shows listings with this SubmissionStatusTypeID.
func published(id int) bool { return id == 100 || id == 200 }

// usageKind returns the access behind a UsageTypeID.
func usageKind(id int) providers.UsageKind {
	switch id {
	case 1:
		return providers.UsagePublic
	case 2:
		return providers.UsageRestricted
	case 3:
		return providers.UsagePrivate
	case 4:
		return providers.UsagePublicMembershipRequired
	case 5:
		return providers.UsagePublicPayAtLocation
	case 6:
		return providers.UsageRestrictedCustomers
	case 7:
		return providers.UsagePublicNoticeRequired
	}
	return providers.UsageUnknown
}

// commentKind returns what a CommentTypeID is for; OCM itself takes a missing
// one for a general comment.
func commentKind(id int) providers.CommentKind {
	switch id {
	case 50:
		return providers.CommentNotice
	case 100:
		return providers.CommentSuggestedChange
	case 110:
		return providers.CommentSuggestedChangeActioned
	case 1000:
		return providers.CommentFaultReport
	}
	return providers.CommentGeneral
}

// checkInOutcome returns what a CheckinStatusTypeID says came of the visit.
func checkInOutcome(id int) (outcome providers.CheckInOutcome, known bool) {
	switch id {
	case 0:
		return providers.CheckInNotVisited, true
	case 10:
		return providers.CheckInCharged, true
	case 15:
		return providers.CheckInChargedAutomated, true
	case 20:
		return providers.CheckInFailedNotOperational, true
	case 22:
		return providers.CheckInFailedNotInstalled, true
	case 25:
		return providers.CheckInFailedEquipment, true
	case 30:
		return providers.CheckInFailedIncompatible, true
	case 40:
		return providers.CheckInFailedAccessCard, true
	case 50:
		return providers.CheckInFailedNoEquipment, true
	case 100:
		return providers.CheckInInUseEV, true
	case 110:
		return providers.CheckInInUseNonEV, true
	case 120:
		return providers.CheckInNotAccessible, true
	case 130:
		return providers.CheckInNotFound, true
	case 140:
		return providers.CheckInConfirmedCorrect, true
	case 150:
		return providers.CheckInDuplicate, true
	case 160:
		return providers.CheckInDecommissioned, true
	case 200:
		return providers.CheckInOtherNegative, true
	case 210:
		return providers.CheckInOtherPositive, true
	}
	return "", false
}

// commentTypeID is the way back of commentKind.
func commentTypeID(k providers.CommentKind) (id int, ok bool) {
	switch k {
	case providers.CommentGeneral:
		return 10, true
	case providers.CommentNotice:
		return 50, true
	case providers.CommentSuggestedChange:
		return 100, true
	case providers.CommentSuggestedChangeActioned:
		return 110, true
	case providers.CommentFaultReport:
		return 1000, true
	}
	return 0, false
}

// checkInStatusID is the way back of checkInOutcome.
func checkInStatusID(o providers.CheckInOutcome) (id int, ok bool) {
	switch o {
	case providers.CheckInNotVisited:
		return 0, true
	case providers.CheckInCharged:
		return 10, true
	case providers.CheckInChargedAutomated:
		return 15, true
	case providers.CheckInFailedNotOperational:
		return 20, true
	case providers.CheckInFailedNotInstalled:
		return 22, true
	case providers.CheckInFailedEquipment:
		return 25, true
	case providers.CheckInFailedIncompatible:
		return 30, true
	case providers.CheckInFailedAccessCard:
		return 40, true
	case providers.CheckInFailedNoEquipment:
		return 50, true
	case providers.CheckInInUseEV:
		return 100, true
	case providers.CheckInInUseNonEV:
		return 110, true
	case providers.CheckInNotAccessible:
		return 120, true
	case providers.CheckInNotFound:
		return 130, true
	case providers.CheckInConfirmedCorrect:
		return 140, true
	case providers.CheckInDuplicate:
		return 150, true
	case providers.CheckInDecommissioned:
		return 160, true
	case providers.CheckInOtherNegative:
		return 200, true
	case providers.CheckInOtherPositive:
		return 210, true
	}
	return 0, false
}

// The metadata fields that mean something here.
const (
	metadataPOIType     = 1
	metadataAccessHours = 2
	metadataAttribution = 4
)

// amenity returns what an option of the metadata field "POI Type" says is there.
func amenity(option int) (a providers.Amenity, known bool) {
	switch option {
	case 1:
		return providers.AmenityShopping, true
	case 2:
		return providers.AmenityLodging, true
	case 3:
		return providers.AmenityDining, true
	case 8:
		return providers.AmenityEVParking, true
	case 9:
		return providers.AmenitySecureParking, true
	}
	return "", false
}

// sentiment returns the mood of a check-in. A spot in use is neither good nor
// bad, whatever OCM's row says.
func sentiment(outcome *providers.CheckInOutcome, row *providers.CheckInStatusType) *providers.Sentiment {
	if outcome != nil && (*outcome == providers.CheckInInUseEV || *outcome == providers.CheckInInUseNonEV) {
		return new(providers.SentimentNeutral)
	}
	if row == nil || row.IsPositive == nil {
		return nil
	}
	if *row.IsPositive {
		return new(providers.SentimentPositive)
	}
	return new(providers.SentimentNegative)
}

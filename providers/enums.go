package providers

// The enums of the graph. Their values are the GraphQL names, so that no table
// stands between a record and an answer. The zero value of a non-null enum is
// not legal in a finished record: mappings write the enum's UNKNOWN.

// ProviderCode names a service that lists charging sites.
type ProviderCode string

// The providers. Local is this service itself, for what only it knows.
const (
	OCM       ProviderCode = "OCM"
	PlugShare ProviderCode = "PLUGSHARE"
	OCPI      ProviderCode = "OCPI"
	OCPPLAB   ProviderCode = "OCPPLAB"
	Local     ProviderCode = "LOCAL"
)

// rank orders providers by how much the operator of the equipment stands behind
// the data; lower is better.
func (c ProviderCode) rank() int {
	switch c {
	case OCPI:
		return 0
	case OCPPLAB:
		return 1
	case OCM:
		return 2
	case PlugShare:
		return 3
	case Local:
		return 4
	}
	return 5
}

// Known reports whether c is one of the providers.
func (c ProviderCode) Known() bool { return c.rank() < 5 }

// SourceMode says how a source is read.
type SourceMode string

// The modes of a source.
const (
	ModeLive    SourceMode = "LIVE"
	ModeMirror  SourceMode = "MIRROR"
	ModeSync    SourceMode = "SYNC"
	ModeSandbox SourceMode = "SANDBOX"
)

// SourceHealth says how a source did lately.
type SourceHealth string

// The states of health.
const (
	HealthHealthy  SourceHealth = "HEALTHY"
	HealthDegraded SourceHealth = "DEGRADED"
	HealthDown     SourceHealth = "DOWN"
	HealthDisabled SourceHealth = "DISABLED"
)

// SourceOutcome says how a source contributed to one answer.
type SourceOutcome string

// The outcomes of asking a source.
const (
	OutcomeOK              SourceOutcome = "OK"
	OutcomeStale           SourceOutcome = "STALE"
	OutcomePartial         SourceOutcome = "PARTIAL"
	OutcomeSuspect         SourceOutcome = "SUSPECT"
	OutcomeTimedOut        SourceOutcome = "TIMED_OUT"
	OutcomeRateLimited     SourceOutcome = "RATE_LIMITED"
	OutcomeBudgetExhausted SourceOutcome = "BUDGET_EXHAUSTED"
	OutcomeUnauthorized    SourceOutcome = "UNAUTHORIZED"
	OutcomeCircuitOpen     SourceOutcome = "CIRCUIT_OPEN"
	OutcomeUnsupported     SourceOutcome = "UNSUPPORTED"
	OutcomeFailed          SourceOutcome = "FAILED"
	OutcomeSkipped         SourceOutcome = "SKIPPED"
)

// CacheState says where an answer of a source came from.
type CacheState string

// The states of the cache.
const (
	CacheHit    CacheState = "HIT"
	CacheMiss   CacheState = "MISS"
	CacheStale  CacheState = "STALE"
	CacheBypass CacheState = "BYPASS"
)

// UsageKind says who may charge at a site.
type UsageKind string

// The kinds of usage.
const (
	UsagePublic                   UsageKind = "PUBLIC"
	UsagePublicMembershipRequired UsageKind = "PUBLIC_MEMBERSHIP_REQUIRED"
	UsagePublicPayAtLocation      UsageKind = "PUBLIC_PAY_AT_LOCATION"
	UsagePublicNoticeRequired     UsageKind = "PUBLIC_NOTICE_REQUIRED"
	UsageRestricted               UsageKind = "RESTRICTED"
	UsageRestrictedCustomers      UsageKind = "RESTRICTED_CUSTOMERS"
	UsageRestrictedEmployees      UsageKind = "RESTRICTED_EMPLOYEES"
	UsageRestrictedResidents      UsageKind = "RESTRICTED_RESIDENTS"
	UsageRestrictedStudents       UsageKind = "RESTRICTED_STUDENTS"
	UsagePrivate                  UsageKind = "PRIVATE"
	UsageUnknown                  UsageKind = "UNKNOWN"
)

// OperationalStatus is the life cycle of a site or its equipment, not its live state.
type OperationalStatus string

// The states of the life cycle.
const (
	StatusOperational            OperationalStatus = "OPERATIONAL"
	StatusPartlyOperational      OperationalStatus = "PARTLY_OPERATIONAL"
	StatusTemporarilyUnavailable OperationalStatus = "TEMPORARILY_UNAVAILABLE"
	StatusNotOperational         OperationalStatus = "NOT_OPERATIONAL"
	StatusPlanned                OperationalStatus = "PLANNED"
	StatusRemoved                OperationalStatus = "REMOVED"
	StatusUnknown                OperationalStatus = "UNKNOWN"
)

// EVSEStatus is the live state of an EVSE, a station or a plug.
type EVSEStatus string

// The live states.
const (
	EVSEAvailable   EVSEStatus = "AVAILABLE"
	EVSECharging    EVSEStatus = "CHARGING"
	EVSEOccupied    EVSEStatus = "OCCUPIED"
	EVSEBlocked     EVSEStatus = "BLOCKED"
	EVSEReserved    EVSEStatus = "RESERVED"
	EVSEInoperative EVSEStatus = "INOPERATIVE"
	EVSEOutOfOrder  EVSEStatus = "OUT_OF_ORDER"
	EVSEUnderRepair EVSEStatus = "UNDER_REPAIR"
	EVSEOffline     EVSEStatus = "OFFLINE"
	EVSEPlanned     EVSEStatus = "PLANNED"
	EVSERemoved     EVSEStatus = "REMOVED"
	EVSEUnknown     EVSEStatus = "UNKNOWN"
)

// AvailabilityUnit says what AvailabilityCounts counts.
type AvailabilityUnit string

// The units of availability.
const (
	UnitEVSE    AvailabilityUnit = "EVSE"
	UnitStation AvailabilityUnit = "STATION"
	UnitOutlet  AvailabilityUnit = "OUTLET"
)

// CostKind says whether charging costs money.
type CostKind string

// The kinds of cost.
const (
	CostFree    CostKind = "FREE"
	CostPaid    CostKind = "PAID"
	CostUnknown CostKind = "UNKNOWN"
)

// CurrentKind is the kind of current that a connection delivers.
type CurrentKind string

// The kinds of current. CurrentAC is alternating current whose phases no source states.
const (
	CurrentACSinglePhase CurrentKind = "AC_SINGLE_PHASE"
	CurrentACTwoPhase    CurrentKind = "AC_TWO_PHASE"
	CurrentACSplitPhase  CurrentKind = "AC_SPLIT_PHASE"
	CurrentACThreePhase  CurrentKind = "AC_THREE_PHASE"
	CurrentAC            CurrentKind = "AC"
	CurrentDC            CurrentKind = "DC"
	CurrentUnknown       CurrentKind = "UNKNOWN"
)

// ConnectorFormat says whether a cable is attached.
type ConnectorFormat string

// The formats of a connector.
const (
	FormatSocket  ConnectorFormat = "SOCKET"
	FormatCable   ConnectorFormat = "CABLE"
	FormatUnknown ConnectorFormat = "UNKNOWN"
)

// ConnectorType is the standard of a plug.
type ConnectorType string

// The connector standards, in the order of the schema.
const (
	ConnectorType1              ConnectorType = "TYPE_1"
	ConnectorType2              ConnectorType = "TYPE_2"
	ConnectorType3A             ConnectorType = "TYPE_3A"
	ConnectorType3C             ConnectorType = "TYPE_3C"
	ConnectorCCS1               ConnectorType = "CCS_1"
	ConnectorCCS2               ConnectorType = "CCS_2"
	ConnectorCHAdeMO            ConnectorType = "CHADEMO"
	ConnectorChaoJi             ConnectorType = "CHAOJI"
	ConnectorNACS               ConnectorType = "NACS"
	ConnectorTeslaRoadster      ConnectorType = "TESLA_ROADSTER"
	ConnectorTeslaBatterySwap   ConnectorType = "TESLA_BATTERY_SWAP"
	ConnectorGBTAC              ConnectorType = "GBT_AC"
	ConnectorGBTDC              ConnectorType = "GBT_DC"
	ConnectorMCS                ConnectorType = "MCS"
	ConnectorPantographBottomUp ConnectorType = "PANTOGRAPH_BOTTOM_UP"
	ConnectorPantographTopDown  ConnectorType = "PANTOGRAPH_TOP_DOWN"
	ConnectorNEMA515            ConnectorType = "NEMA_5_15"
	ConnectorNEMA520            ConnectorType = "NEMA_5_20"
	ConnectorNEMA615            ConnectorType = "NEMA_6_15"
	ConnectorNEMA620            ConnectorType = "NEMA_6_20"
	ConnectorNEMA630            ConnectorType = "NEMA_6_30"
	ConnectorNEMA650            ConnectorType = "NEMA_6_50"
	ConnectorNEMA1030           ConnectorType = "NEMA_10_30"
	ConnectorNEMA1050           ConnectorType = "NEMA_10_50"
	ConnectorNEMA1430           ConnectorType = "NEMA_14_30"
	ConnectorNEMA1450           ConnectorType = "NEMA_14_50"
	ConnectorNEMATT30           ConnectorType = "NEMA_TT_30"
	ConnectorDomesticA          ConnectorType = "DOMESTIC_A"
	ConnectorDomesticC          ConnectorType = "DOMESTIC_C"
	ConnectorDomesticD          ConnectorType = "DOMESTIC_D"
	ConnectorDomesticE          ConnectorType = "DOMESTIC_E"
	ConnectorDomesticF          ConnectorType = "DOMESTIC_F"
	ConnectorDomesticG          ConnectorType = "DOMESTIC_G"
	ConnectorDomesticH          ConnectorType = "DOMESTIC_H"
	ConnectorDomesticI          ConnectorType = "DOMESTIC_I"
	ConnectorDomesticJ          ConnectorType = "DOMESTIC_J"
	ConnectorDomesticK          ConnectorType = "DOMESTIC_K"
	ConnectorDomesticL          ConnectorType = "DOMESTIC_L"
	ConnectorDomesticM          ConnectorType = "DOMESTIC_M"
	ConnectorDomesticN          ConnectorType = "DOMESTIC_N"
	ConnectorDomesticO          ConnectorType = "DOMESTIC_O"
	ConnectorIEC60309Single16   ConnectorType = "IEC_60309_SINGLE_16"
	ConnectorIEC60309Three16    ConnectorType = "IEC_60309_THREE_16"
	ConnectorIEC60309Three32    ConnectorType = "IEC_60309_THREE_32"
	ConnectorIEC60309Three64    ConnectorType = "IEC_60309_THREE_64"
	ConnectorASNZS3123          ConnectorType = "AS_NZS_3123"
	ConnectorCaravanMains       ConnectorType = "CARAVAN_MAINS"
	ConnectorInductive          ConnectorType = "INDUCTIVE"
	ConnectorAvcon              ConnectorType = "AVCON"
	ConnectorWireless           ConnectorType = "WIRELESS"
	ConnectorXLR4               ConnectorType = "XLR_4"
	ConnectorOther              ConnectorType = "OTHER"
	ConnectorUnknown            ConnectorType = "UNKNOWN"
)

// Amenity is something to be found at or beside a site.
type Amenity string

// The amenities.
const (
	AmenityLodging        Amenity = "LODGING"
	AmenityDining         Amenity = "DINING"
	AmenityCafe           Amenity = "CAFE"
	AmenityRestrooms      Amenity = "RESTROOMS"
	AmenityEVParking      Amenity = "EV_PARKING"
	AmenityValetParking   Amenity = "VALET_PARKING"
	AmenityPark           Amenity = "PARK"
	AmenityWifi           Amenity = "WIFI"
	AmenityShopping       Amenity = "SHOPPING"
	AmenityGrocery        Amenity = "GROCERY"
	AmenitySport          Amenity = "SPORT"
	AmenityRecreationArea Amenity = "RECREATION_AREA"
	AmenityMuseum         Amenity = "MUSEUM"
	AmenityBikeSharing    Amenity = "BIKE_SHARING"
	AmenityBusStop        Amenity = "BUS_STOP"
	AmenityTaxiStand      Amenity = "TAXI_STAND"
	AmenityTramStop       Amenity = "TRAM_STOP"
	AmenityMetroStation   Amenity = "METRO_STATION"
	AmenityTrainStation   Amenity = "TRAIN_STATION"
	AmenityAirport        Amenity = "AIRPORT"
	AmenityCarpoolParking Amenity = "CARPOOL_PARKING"
	AmenityFuelStation    Amenity = "FUEL_STATION"
	AmenitySecureParking  Amenity = "SECURE_PARKING"
	AmenityOther          Amenity = "OTHER"
)

// ParkingKind describes the parking at a site.
type ParkingKind string

// The kinds of parking.
const (
	ParkingGarage        ParkingKind = "GARAGE"
	ParkingLot           ParkingKind = "PARKING_LOT"
	ParkingOnStreet      ParkingKind = "ON_STREET"
	ParkingOnDriveway    ParkingKind = "ON_DRIVEWAY"
	ParkingAlongMotorway ParkingKind = "ALONG_MOTORWAY"
	ParkingPullThrough   ParkingKind = "PULL_THROUGH"
	ParkingPullIn        ParkingKind = "PULL_IN"
	ParkingTrailer       ParkingKind = "TRAILER"
	ParkingDisabled      ParkingKind = "DISABLED"
	ParkingLit           ParkingKind = "LIT"
)

// CommentKind says what a comment is for.
type CommentKind string

// The kinds of comment.
const (
	CommentGeneral                 CommentKind = "GENERAL"
	CommentNotice                  CommentKind = "NOTICE"
	CommentSuggestedChange         CommentKind = "SUGGESTED_CHANGE"
	CommentSuggestedChangeActioned CommentKind = "SUGGESTED_CHANGE_ACTIONED"
	CommentFaultReport             CommentKind = "FAULT_REPORT"
)

// Sentiment is the mood of a comment as its source states it.
type Sentiment string

// The sentiments.
const (
	SentimentPositive Sentiment = "POSITIVE"
	SentimentNeutral  Sentiment = "NEUTRAL"
	SentimentNegative Sentiment = "NEGATIVE"
)

// CheckInOutcome is what came of an attempt to charge.
type CheckInOutcome string

// The outcomes of a check-in.
const (
	CheckInNotVisited           CheckInOutcome = "NOT_VISITED"
	CheckInCharged              CheckInOutcome = "CHARGED"
	CheckInChargedAutomated     CheckInOutcome = "CHARGED_AUTOMATED"
	CheckInFailedNotOperational CheckInOutcome = "FAILED_NOT_OPERATIONAL"
	CheckInFailedNotInstalled   CheckInOutcome = "FAILED_NOT_INSTALLED"
	CheckInFailedEquipment      CheckInOutcome = "FAILED_EQUIPMENT"
	CheckInFailedIncompatible   CheckInOutcome = "FAILED_INCOMPATIBLE"
	CheckInFailedAccessCard     CheckInOutcome = "FAILED_ACCESS_CARD"
	CheckInFailedNoEquipment    CheckInOutcome = "FAILED_NO_EQUIPMENT"
	CheckInInUseEV              CheckInOutcome = "IN_USE_EV"
	CheckInInUseNonEV           CheckInOutcome = "IN_USE_NON_EV"
	CheckInNotAccessible        CheckInOutcome = "NOT_ACCESSIBLE"
	CheckInNotFound             CheckInOutcome = "NOT_FOUND"
	CheckInConfirmedCorrect     CheckInOutcome = "CONFIRMED_CORRECT"
	CheckInDuplicate            CheckInOutcome = "DUPLICATE"
	CheckInDecommissioned       CheckInOutcome = "DECOMMISSIONED"
	CheckInOtherNegative        CheckInOutcome = "OTHER_NEGATIVE"
	CheckInOtherPositive        CheckInOutcome = "OTHER_POSITIVE"
)

// MergeRule says how a merged field was chosen.
type MergeRule string

// The merge rules.
const (
	MergeOnlyValue  MergeRule = "ONLY_VALUE"
	MergePriority   MergeRule = "PRIORITY"
	MergeMostRecent MergeRule = "MOST_RECENT"
	MergeUnion      MergeRule = "UNION"
)

// POIOrderField is what POIs may be ordered by.
type POIOrderField string

// The orders.
const (
	OrderDistance      POIOrderField = "DISTANCE"
	OrderRoutePosition POIOrderField = "ROUTE_POSITION"
	OrderMaxPower      POIOrderField = "MAX_POWER"
	OrderRating        POIOrderField = "RATING"
	OrderUpdated       POIOrderField = "UPDATED"
	OrderTitle         POIOrderField = "TITLE"
)

// OrderDirection is ascending or descending.
type OrderDirection string

// The directions.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

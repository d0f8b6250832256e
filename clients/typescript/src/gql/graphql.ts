/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/**
 * The area of a search. Give exactly one member; none, two or a null is an error. A site is inside when its merged
 * position is.
 */
export type AreaInput =
  {   /** A circle; the answer knows distance and bearing from its centre. */
  around: AroundInput; bounds?: never; polygon?: never; route?: never; country?: never; }
  |  { around?: never;   /** A box between two parallels and two meridians, such as a map viewport. */
  bounds: BoundsInput; polygon?: never; route?: never; country?: never; }
  |  { around?: never; bounds?: never;   /** An outline on the map, concave ones too. */
  polygon: PolygonInput; route?: never; country?: never; }
  |  { around?: never; bounds?: never; polygon?: never;   /** A corridor along a line, such as a planned trip. */
  route: RouteInput; country?: never; }
  |  { around?: never; bounds?: never; polygon?: never; route?: never;   /**
   * A whole country. Live sources answer at most a part of it (outcome PARTIAL) or nothing (UNSUPPORTED): prefer a
   * smaller shape.
   */
  country: string; };

/** A position in WGS 84 degrees. */
export type PointInput = {
  /** Degrees north of the equator, -90..90. */
  latitude: number;
  /** Degrees east of Greenwich, -180..180. */
  longitude: number;
};

/** A circle on the earth's surface. */
export type AroundInput = {
  /** Middle of the circle; distances and bearings are measured from here. */
  center: PointInput;
  /** Radius in metres, at most 500,000 (500 km). */
  radiusMeters: number;
};

/** A box in WGS 84 degrees. Sites on its edges count as inside. A west greater than east crosses the antimeridian. */
export type BoundsInput = {
  /** Lower edge, -90..90; not above north. */
  south: number;
  /** Left edge, -180..180; greater than east when the box crosses the antimeridian. */
  west: number;
  /** Upper edge, -90..90. */
  north: number;
  /** Right edge, -180..180. */
  east: number;
};

/**
 * An outline of 3..1,000 vertices, closed automatically and matched exactly, not by its hull. Give either encoded or
 * points.
 */
export type PolygonInput = {
  /** The vertices as Google encoded polyline text, latitude first, at most 64 kB. */
  encoded?: string | null | undefined;
  /** The vertices in order, without repeating the first at the end. */
  points?: Array<PointInput> | null | undefined;
  /** Decimal places in encoded; 5 is Google's own, some routing engines use 6. Ignored with points. */
  precision?: number | null | undefined;
};

/** A line of at most 10,000 points and 3,000 km, and how far from it to look. Give either encoded or points. */
export type RouteInput = {
  /** The line as Google encoded polyline text, latitude first, at most 64 kB. */
  encoded?: string | null | undefined;
  /** The line from start to end. */
  points?: Array<PointInput> | null | undefined;
  /** Decimal places in encoded; 5 is Google's own, some routing engines use 6. Ignored with points. */
  precision?: number | null | undefined;
  /** Greatest distance of a site from the line, in true metres at any latitude; at most 50,000 (50 km). */
  distanceMeters: number;
};

/**
 * Fields combine with AND, entries of one list with OR; lists hold at most 500. Three-valued: an unknown value does not
 * match, under `not` either. openData and dataProviderIds act on records before merging, all else on the merged site.
 */
export type PoiFilter = {
  /** Plugs that the site must have: at least one match is met, in all its conditions by one and the same connection. */
  connections?: Array<ConnectionMatch> | null | undefined;
  /** Run by one of these operators, by Operator.id. */
  operatorIds?: Array<string | number> | null | undefined;
  /** Run by a known operator that is none of these, by Operator.id. Sites whose operator is unknown do not match. */
  excludeOperatorIds?: Array<string | number> | null | undefined;
  /** Open to one of these kinds of user. A site whose usage is unknown matches none of the known kinds. */
  usage?: Array<UsageKind> | null | undefined;
  /** One of these rows of ReferenceData.usageTypes, by id; finer than usage, but only where a source uses that table. */
  usageTypeIds?: Array<string | number> | null | undefined;
  /**
   * In one of these life-cycle states. Listing PLANNED includes planned sites; REMOVED finds nothing, as lists never
   * show removed sites.
   */
  status?: Array<OperationalStatus> | null | undefined;
  /** One of these rows of ReferenceData.statusTypes, by id; finer than status, but only where a source uses that table. */
  statusTypeIds?: Array<string | number> | null | undefined;
  /** At least one EVSE, station or outlet reports one of these states now. Sites without live status do not match. */
  availability?: Array<EvseStatus> | null | undefined;
  /** Room for at least so many cars charging at once. Sites whose number is unknown do not match. */
  minPoints?: number | null | undefined;
  /** Whether charging costs money. A site whose cost is unknown matches neither FREE nor PAID. */
  cost?: Array<CostKind> | null | undefined;
  /**
   * Has at least one of these. Sources that tell amenities only on a detail call may leave this undecided: see
   * SourceResult.undecidedFilters.
   */
  amenities?: Array<Amenity> | null | undefined;
  /** Merged address is in one of these countries; sites whose country no source states do not match. */
  countries?: Array<string> | null | undefined;
  /** Average star rating over the comments of all sources is at least this, 0..5. Unrated sites do not match. */
  minRating?: number | null | undefined;
  /** A provider's own score of the site is high enough. */
  minProviderScore?: ProviderScoreMatch | null | undefined;
  /** True: with photos; false: known to have none; null: either. */
  hasPhotos?: boolean | null | undefined;
  /** True: with comments; false: known to have none; null: either. */
  hasComments?: boolean | null | undefined;
  /**
   * True: sites not built yet appear as well. Null means false, unless status lists PLANNED, or statusTypeIds the very type
   * of the site. Acts at the top level only, not under `not`.
   */
  includePlanned?: boolean | null | undefined;
  /** Changed at a source at or after this instant (POI.updatedAt). */
  modifiedSince?: string | null | undefined;
  /** Verified at or after this instant (POI.lastVerifiedAt). */
  verifiedSince?: string | null | undefined;
  /**
   * True: only records under an open licence; false: only the others, unknown licences among them; null: all. Acts on
   * records before merging, so it changes what a site is made of.
   */
  openData?: boolean | null | undefined;
  /**
   * Only records of these data providers (DataProvider.id). Acts on records before merging, so it changes what a site is
   * made of.
   */
  dataProviderIds?: Array<string | number> | null | undefined;
  /**
   * The site has a record of one of these providers. Records of other providers stay merged in; to leave them out use
   * SourcePolicy.
   */
  providers?: Array<ProviderCode> | null | undefined;
  /** Text to find in title, address or operator; case and accents do not matter. At most 200 characters. */
  text?: string | null | undefined;
  /** Conditions that must be known not to hold: a site where they cannot be judged is left out too. Nests at most 5 deep. */
  not?: PoiFilter | null | undefined;
};

/**
 * Conditions on one connection: all that are given must hold for the same one. Lists combine with OR and hold at most
 * 500 entries; unknown values do not match.
 */
export type ConnectionMatch = {
  /** Plug is of one of these standards. */
  types?: Array<ConnectorType> | null | undefined;
  /**
   * One of these rows of ReferenceData.connectionTypes, by id; finer than types, but only where a source uses that
   * table.
   */
  connectionTypeIds?: Array<string | number> | null | undefined;
  /** With a cable attached or a socket for the driver's own. */
  formats?: Array<ConnectorFormat> | null | undefined;
  /** Least power in kW, inclusive. */
  minPowerKw?: number | null | undefined;
  /** Greatest power in kW, inclusive. */
  maxPowerKw?: number | null | undefined;
  /** Delivers one of these kinds of current. */
  current?: Array<CurrentKind> | null | undefined;
  /** One of these charging levels: 1 (under 2 kW), 2 (over 2 kW), 3 (over 40 kW). */
  level?: Array<number> | null | undefined;
  /** Reports one of these states now; connections without live status do not match. */
  availability?: Array<EvseStatus> | null | undefined;
  /**
   * True: a connection whose power no source states passes minPowerKw and maxPowerKw. Null means false. Acts at the top
   * level only, not under `not`.
   */
  includeUnknownPower?: boolean | null | undefined;
};

/** A threshold on one provider's own score. Sites without that score do not match. */
export type ProviderScoreMatch = {
  /** Whose score, for example PLUGSHARE for the PlugScore. */
  provider: ProviderCode;
  /** Least score on the provider's own scale, as in ProviderScore.value: PlugScore runs 0..10. */
  min: number;
};

/** How to sort sites. */
export type PoiOrder = {
  /** The value to compare. */
  by: PoiOrderField;
  /** ASC puts the smallest, nearest, oldest or alphabetically first on top. Unknown values stay last either way. */
  direction?: OrderDirection | null | undefined;
};

/** A check-in: one reported visit to a site. */
export type SubmitCheckInInput = {
  /**
   * Names this submission among all of the caller's, 1..200 printable characters: make a new UUID for each check-in and
   * send the same one with every repeat. The same key with other content is the error CONFLICT.
   */
  idempotencyKey: string;
  /** The site, by any id of it. */
  poiId: string | number;
  /** What came of the visit. */
  outcome: CheckInOutcome;
  /** What the words are for. */
  kind?: CommentKind;
  /** What there is to say, at most 4,000 characters; needed with NOT_VISITED. */
  text?: string | null | undefined;
  /** Stars, 1..5; null gives none. */
  rating?: number | null | undefined;
  /** Page to point to, at most 500 characters. */
  relatedUrl?: string | null | undefined;
  /** Name to show with it; a provider shows the name of the account it was sent under instead. */
  userName?: string | null | undefined;
  /** Providers to tell; null tells every source that holds the site and takes check-ins. */
  deliverTo?: Array<ProviderCode> | null | undefined;
};

/** A service that lists charging sites. */
export type ProviderCode =
  /** Open Charge Map: worldwide, kept by volunteers and imports; comments and photos, no live status. */
  | 'OCM'
  /** PlugShare: drivers' check-ins and photos; live status for many networks. */
  | 'PLUGSHARE'
  /** Open Charge Point Interface: feeds of operators and authorities with EVSEs and live status. */
  | 'OCPI'
  /** OCPPLAB: simulated operators and chargers, for testing. */
  | 'OCPPLAB'
  /** This service itself, for what only it knows. */
  | 'LOCAL';

/** How a source contributed to one answer. */
export type SourceOutcome =
  /** Complete and fresh enough: nothing to do. */
  | 'OK'
  /** Could not be asked in time, so older cached data stands in: show ageSeconds and refresh later. */
  | 'STALE'
  /** Gave only part of what it holds for the question: narrow the area or zoom in to get the rest. */
  | 'PARTIAL'
  /**
   * The answer looks wrong, such as nothing where many sites are known: do not tell the user that there is nothing;
   * refresh later.
   */
  | 'SUSPECT'
  /** Did not answer within the timeout: ask again, or allow it more time with SourcePolicy.timeout. */
  | 'TIMED_OUT'
  /** Refused because of too many calls: ask again after error.retryAfterSeconds. */
  | 'RATE_LIMITED'
  /** This service has used up its allowance of calls to the source: ask again after error.retryAfterSeconds. */
  | 'BUDGET_EXHAUSTED'
  /** Does not accept this service's credentials. No request can help; whoever runs the service must act. */
  | 'UNAUTHORIZED'
  /** Failed repeatedly and is being left alone for a while: ask again after error.retryAfterSeconds. */
  | 'CIRCUIT_OPEN'
  /** Cannot answer this kind of question, such as PlugShare a whole country: use another kind of area. */
  | 'UNSUPPORTED'
  /** Gave nothing for another reason: see error.code. */
  | 'FAILED'
  /** Was not asked, because of SourcePolicy, configuration or no need: nothing to do. */
  | 'SKIPPED';

/** What kept a source from contributing in full, for deciding what to do next. */
export type SourceErrorCode =
  /** No answer in the time allowed: ask again, or raise SourcePolicy.timeout. */
  | 'TIMEOUT'
  /** The source refuses further calls for now: wait retryAfterSeconds. */
  | 'RATE_LIMITED'
  /** This service's allowance of calls to the source is used up: wait retryAfterSeconds. */
  | 'BUDGET_EXHAUSTED'
  /** The source failed repeatedly and is not asked for a while: wait retryAfterSeconds. */
  | 'CIRCUIT_OPEN'
  /** More ground than the source may be asked about at once: use a smaller area. */
  | 'AREA_TOO_LARGE'
  /** The answer contradicts what is known, such as nothing in a dense area: ask again later. */
  | 'SUSPECT_ANSWER'
  /** The source rejects this service's credentials: asking again is useless until they are mended. */
  | 'UNAUTHORIZED'
  /** The credentials hold, but do not allow this question: do not repeat it. */
  | 'FORBIDDEN'
  /** The source does not know the object, or no longer: drop it from lists. */
  | 'NOT_FOUND'
  /** The answer could not be read: ask again later. */
  | 'BAD_RESPONSE'
  /** The source reports a failure of its own: ask again later. */
  | 'UPSTREAM_ERROR'
  /** The source could not be reached: ask again soon. */
  | 'NETWORK'
  /** The source has no way to answer this kind of question: ask differently. */
  | 'UNSUPPORTED'
  /** The source refused the content of the request: do not repeat it unchanged. */
  | 'REJECTED'
  /** A fault of this service: report it if it lasts. */
  | 'INTERNAL';

/** What sites can be sorted by. */
export type PoiOrderField =
  /** Metres from the centre; needs an `around` area, else an error. */
  | 'DISTANCE'
  /** Metres from the start of the line; needs a `route` area, else an error. */
  | 'ROUTE_POSITION'
  /** POI.maxPowerKw. */
  | 'MAX_POWER'
  /** Average star rating (Rating.average). */
  | 'RATING'
  /** POI.updatedAt. */
  | 'UPDATED'
  /** POI.title in alphabetical order. */
  | 'TITLE';

/** Direction of a sort. Unknown values come last in both. */
export type OrderDirection =
  /** Smallest, nearest, oldest or alphabetically first on top. */
  | 'ASC'
  /** Greatest, farthest, newest or alphabetically last on top. */
  | 'DESC';

/** Who may charge at a site. */
export type UsageKind =
  /** Open to everybody; terms of payment not stated. */
  | 'PUBLIC'
  /** Open to everybody who has signed up with the operator or a partner. */
  | 'PUBLIC_MEMBERSHIP_REQUIRED'
  /** Open to everybody; paid for on the spot, without signing up. */
  | 'PUBLIC_PAY_AT_LOCATION'
  /** Open to everybody who gives notice beforehand. */
  | 'PUBLIC_NOTICE_REQUIRED'
  /** Open to some only; the source does not tell to whom. */
  | 'RESTRICTED'
  /** For customers or guests of the host. */
  | 'RESTRICTED_CUSTOMERS'
  /** For the host's employees; some sources count visitors in. */
  | 'RESTRICTED_EMPLOYEES'
  /** For residents or tenants. */
  | 'RESTRICTED_RESIDENTS'
  /** For students. */
  | 'RESTRICTED_STUDENTS'
  /** Privately owned, such as a shared home charger: ask the owner first. */
  | 'PRIVATE'
  /** No source tells. */
  | 'UNKNOWN';

/** Life-cycle state of a site or its plugs. For what is free at this moment see EVSEStatus. */
export type OperationalStatus =
  /** In service. */
  | 'OPERATIONAL'
  /** Some of the equipment works, some does not. */
  | 'PARTLY_OPERATIONAL'
  /** Out of service for a limited time, such as for repair. */
  | 'TEMPORARILY_UNAVAILABLE'
  /** Out of service until further notice. */
  | 'NOT_OPERATIONAL'
  /** Announced, not in service yet; left out of lists unless asked for. */
  | 'PLANNED'
  /** Dismantled or closed for good; reachable by id only, never in lists. */
  | 'REMOVED'
  /** No source tells. */
  | 'UNKNOWN';

/** State of an EVSE, station or plug as last reported. */
export type EvseStatus =
  /** Free and ready to charge. */
  | 'AVAILABLE'
  /** A vehicle is charging; some sources use it for anything in use. */
  | 'CHARGING'
  /** A vehicle is plugged in but not charging, or in use without more detail. */
  | 'OCCUPIED'
  /** Cannot be reached, as when a parked vehicle stands in the way. */
  | 'BLOCKED'
  /** Kept for a certain driver. */
  | 'RESERVED'
  /** Not active yet, or not available for a time, but not broken. */
  | 'INOPERATIVE'
  /** Broken. */
  | 'OUT_OF_ORDER'
  /** Being repaired. */
  | 'UNDER_REPAIR'
  /** Has no connection to its network; it may still charge. */
  | 'OFFLINE'
  /** Not built or not in service yet. */
  | 'PLANNED'
  /** Taken away. */
  | 'REMOVED'
  /** Not reported. Neither free nor taken. */
  | 'UNKNOWN';

/** What AvailabilityCounts counts. */
export type AvailabilityUnit =
  /** EVSEs: each is a place for one charging vehicle. */
  | 'EVSE'
  /** Cabinets; one may serve several vehicles. */
  | 'STATION'
  /** Single plugs; several may share one place. */
  | 'OUTLET';

/** Whether charging costs money. */
export type CostKind =
  /** Known to cost nothing; parking may still cost. */
  | 'FREE'
  /** Known to cost something; for how much see the price notes. */
  | 'PAID'
  /** No source is certain; do not show it as free. */
  | 'UNKNOWN';

/** Kind of current that a connection delivers. */
export type CurrentKind =
  /** Alternating current on one phase (OCPI AC_1_PHASE). */
  | 'AC_SINGLE_PHASE'
  /** Alternating current on two of three phases (OCPI AC_2_PHASE). */
  | 'AC_TWO_PHASE'
  /** Alternating current on two halves of one split phase, as in North America (OCPI AC_2_PHASE_SPLIT). */
  | 'AC_SPLIT_PHASE'
  /** Alternating current on three phases (OCPI AC_3_PHASE). */
  | 'AC_THREE_PHASE'
  /** Alternating current; the number of phases is not stated. */
  | 'AC'
  /** Direct current, as used for rapid charging. */
  | 'DC'
  /** No source tells. */
  | 'UNKNOWN';

/** Whether a cable is attached to the equipment. */
export type ConnectorFormat =
  /** A socket: the driver brings a cable. */
  | 'SOCKET'
  /** A cable with a plug is attached. */
  | 'CABLE'
  /** The source does not tell. */
  | 'UNKNOWN';

/** Plug standards. New values may be added: treat one that you do not know like OTHER. */
export type ConnectorType =
  /** IEC 62196-2 Type 1 (SAE J1772): AC, single phase; North America and Japan. */
  | 'TYPE_1'
  /** IEC 62196-2 Type 2 "Mennekes": AC, one or three phases; Europe. Socket or cable is told by format. */
  | 'TYPE_2'
  /** IEC 62196-2 Type 3A (SCAME): AC, low power; light vehicles. */
  | 'TYPE_3A'
  /**
   * IEC 62196-2 Type 3C (SCAME, Schneider, Legrand): AC; older sites in France and Italy. Where a source says Type 3
   * only, this is assumed.
   */
  | 'TYPE_3C'
  /** IEC 62196-3 configuration EE, CCS Combo 1: Type 1 with DC pins; North America. */
  | 'CCS_1'
  /** IEC 62196-3 configuration FF, CCS Combo 2: Type 2 with DC pins; Europe, Australia and elsewhere. */
  | 'CCS_2'
  /** IEC 62196-3 configuration AA, CHAdeMO: DC; of Japanese origin, worldwide. */
  | 'CHADEMO'
  /** ChaoJi, also CHAdeMO 3.x: DC; successor to CHAdeMO and GB/T DC. */
  | 'CHAOJI'
  /**
   * SAE J3400, formerly Tesla's North American plug: AC and DC through the same pins. For older Tesla entries in Europe,
   * a Tesla plug of Type 2 shape.
   */
  | 'NACS'
  /** Tesla's plug for the first Roadster: AC; discontinued. */
  | 'TESLA_ROADSTER'
  /** Tesla station that exchanges the whole battery: no plug. */
  | 'TESLA_BATTERY_SWAP'
  /** GB/T 20234.2: AC; China. */
  | 'GBT_AC'
  /** GB/T 20234.3 (IEC 62196-3 configuration BB): DC; China. */
  | 'GBT_DC'
  /** Megawatt Charging System (SAE J3271): DC for lorries and other heavy vehicles. */
  | 'MCS'
  /** Pantograph on the vehicle's roof that rises to the charger: DC for buses. */
  | 'PANTOGRAPH_BOTTOM_UP'
  /** Pantograph on the charger that comes down to the vehicle's roof: DC for buses. */
  | 'PANTOGRAPH_TOP_DOWN'
  /** NEMA 5-15 (IEC type B): North American household socket, 120 V, 15 A. */
  | 'NEMA_5_15'
  /** NEMA 5-20: North American socket, 120 V, 20 A. */
  | 'NEMA_5_20'
  /** NEMA 6-15: North American socket, 208 to 240 V, 15 A. */
  | 'NEMA_6_15'
  /** NEMA 6-20: North American socket, 208 to 240 V, 20 A. */
  | 'NEMA_6_20'
  /** NEMA 6-30: North American socket, 208 to 240 V, 30 A. */
  | 'NEMA_6_30'
  /** NEMA 6-50: North American socket, 208 to 240 V, 50 A, as for welders. */
  | 'NEMA_6_50'
  /** NEMA 10-30: older North American dryer socket without earth, 120/240 V, 30 A. */
  | 'NEMA_10_30'
  /** NEMA 10-50: older North American range socket without earth, 120/240 V, 50 A. */
  | 'NEMA_10_50'
  /** NEMA 14-30: North American dryer socket, 120/240 V, 30 A. */
  | 'NEMA_14_30'
  /** NEMA 14-50: North American range and camp-site socket, 120/240 V, 50 A. */
  | 'NEMA_14_50'
  /** NEMA TT-30: North American travel-trailer socket, 120 V, 30 A. */
  | 'NEMA_TT_30'
  /** IEC type A (NEMA 1-15): household socket with two flat pins, without earth; North America, Japan. */
  | 'DOMESTIC_A'
  /**
   * IEC type C (CEE 7/16 Europlug): household socket of continental Europe. Some sources use it for any socket there,
   * Schuko too.
   */
  | 'DOMESTIC_C'
  /** IEC type D (BS 546, 5 A): household socket; India. */
  | 'DOMESTIC_D'
  /** IEC type E (CEE 7/5): household socket with an earth pin; France, Belgium, Poland. */
  | 'DOMESTIC_E'
  /** IEC type F (CEE 7/4 "Schuko"): household socket; Germany and much of Europe. */
  | 'DOMESTIC_F'
  /** IEC type G (BS 1363): household socket, 13 A; United Kingdom, Ireland. */
  | 'DOMESTIC_G'
  /** IEC type H (SI 32): household socket; Israel. */
  | 'DOMESTIC_H'
  /** IEC type I (AS/NZS 3112): household socket; Australia, New Zealand, China. */
  | 'DOMESTIC_I'
  /** IEC type J (SEV 1011, T13): household socket; Switzerland. */
  | 'DOMESTIC_J'
  /** IEC type K (DS 60884-2-D1): household socket; Denmark. */
  | 'DOMESTIC_K'
  /** IEC type L (CEI 23-50): household socket; Italy. */
  | 'DOMESTIC_L'
  /** IEC type M (BS 546, 15 A; SANS 164-1): household socket; South Africa. */
  | 'DOMESTIC_M'
  /** IEC type N (NBR 14136): household socket; Brazil. */
  | 'DOMESTIC_N'
  /** IEC type O (TIS 166-2549): household socket; Thailand. */
  | 'DOMESTIC_O'
  /** IEC 60309 single-phase "blue CEE" or commando, as a rule 16 A; some sources count 32 A ones in: see amps. */
  | 'IEC_60309_SINGLE_16'
  /** IEC 60309 three-phase "red CEE", 16 A. */
  | 'IEC_60309_THREE_16'
  /** IEC 60309 three-phase "red CEE", 32 A, or a size that the source does not tell: see amps. */
  | 'IEC_60309_THREE_32'
  /** IEC 60309 three-phase "red CEE", 63 A (OCPI says 64). */
  | 'IEC_60309_THREE_64'
  /** AS/NZS 3123: industrial three-phase 5-pin socket; Australia, New Zealand. */
  | 'AS_NZS_3123'
  /** Caravan mains socket: blue IEC 60309, 16 A, in Europe; AS/NZS 3112, 15 A, in Australia. */
  | 'CARAVAN_MAINS'
  /** Inductive paddle of the 1990s, large or small (SAE J1773 Magne Charge); obsolete. */
  | 'INDUCTIVE'
  /** Avcon (SAE J1772-2001): AC; North America, discontinued. */
  | 'AVCON'
  /** Charging without a plug, from a pad under the vehicle. */
  | 'WIRELESS'
  /** 4-pin XLR plug: light electric vehicles. */
  | 'XLR_4'
  /** The source says that it is something else. */
  | 'OTHER'
  /** The source does not tell, or names a plug not in this list. */
  | 'UNKNOWN';

/** Something to be found at or beside a site. */
export type Amenity =
  /** Hotel or other place to stay the night. */
  | 'LODGING'
  /** Restaurant or other place to eat. */
  | 'DINING'
  /** Coffee bar or snack place. */
  | 'CAFE'
  /** Toilets. */
  | 'RESTROOMS'
  /** Parking spaces; where PlugShare names it, ones kept for electric vehicles. */
  | 'EV_PARKING'
  /** Staff park the car. */
  | 'VALET_PARKING'
  /** Green space for a walk. */
  | 'PARK'
  /** Wireless internet access for visitors. */
  | 'WIFI'
  /** Shops or a mall. */
  | 'SHOPPING'
  /** Supermarket or other food shop. */
  | 'GROCERY'
  /** Sports facility. */
  | 'SPORT'
  /** Place for leisure outdoors, such as a playground or lake. */
  | 'RECREATION_AREA'
  /** Museum or exhibition. */
  | 'MUSEUM'
  /** Bicycles for hire or sharing. */
  | 'BIKE_SHARING'
  /** Stop of a bus line. */
  | 'BUS_STOP'
  /** Place where taxis wait. */
  | 'TAXI_STAND'
  /** Stop of a tram line. */
  | 'TRAM_STOP'
  /** Underground or rapid-transit station. */
  | 'METRO_STATION'
  /** Railway station. */
  | 'TRAIN_STATION'
  /** Airport terminal or its car parks. */
  | 'AIRPORT'
  /** Place to leave the car and ride with others. */
  | 'CARPOOL_PARKING'
  /** Station that sells petrol or diesel. */
  | 'FUEL_STATION'
  /** Guarded or locked parking. */
  | 'SECURE_PARKING'
  /** Something that this list has no word for. */
  | 'OTHER';

/** What a comment is for. */
export type CommentKind =
  /** Anything said to other drivers; check-ins as a rule. */
  | 'GENERAL'
  /** Important to all who come here: show it prominently. */
  | 'NOTICE'
  /** A correction for the provider's editors, still to be done. */
  | 'SUGGESTED_CHANGE'
  /** A correction that an editor has dealt with. */
  | 'SUGGESTED_CHANGE_ACTIONED'
  /** A defect, told to drivers and the operator. */
  | 'FAULT_REPORT';

/** What came of one attempt to charge. */
export type CheckInOutcome =
  /** The author was not there: a tip, question or remark. */
  | 'NOT_VISITED'
  /** Charged successfully. */
  | 'CHARGED'
  /** Charged successfully, reported by a car or charger without a person. */
  | 'CHARGED_AUTOMATED'
  /** Failed: the equipment was out of operation. */
  | 'FAILED_NOT_OPERATIONAL'
  /** Failed: the equipment was not fully installed yet. */
  | 'FAILED_NOT_INSTALLED'
  /** Failed: the equipment had a problem other than being out of operation. */
  | 'FAILED_EQUIPMENT'
  /** Failed: plug or car did not suit the equipment. */
  | 'FAILED_INCOMPATIBLE'
  /** Failed: it needed a card, fob or app that the driver did not have or could not activate. */
  | 'FAILED_ACCESS_CARD'
  /** Failed: there was no charging equipment. */
  | 'FAILED_NO_EQUIPMENT'
  /** No place free: another electric vehicle stood there. Not a fault of the site. */
  | 'IN_USE_EV'
  /** No place free: a vehicle that cannot charge stood there. Not a fault of the equipment. */
  | 'IN_USE_NON_EV'
  /** Could not get in: gate locked or site closed. */
  | 'NOT_ACCESSIBLE'
  /** Could not find it: details missing or wrong. */
  | 'NOT_FOUND'
  /** Looked at, not used: equipment and position are as described. */
  | 'CONFIRMED_CORRECT'
  /** The site is listed twice. */
  | 'DUPLICATE'
  /** The equipment is gone for good. */
  | 'DECOMMISSIONED'
  /** Bad experience of another kind. */
  | 'OTHER_NEGATIVE'
  /** Good experience of another kind. */
  | 'OTHER_POSITIVE';

/** How far a check-in got as a whole. */
export type CheckInState =
  /** Kept durably; nothing was sent yet. */
  | 'ACCEPTED'
  /** On its way: some delivery is being tried. */
  | 'DELIVERING'
  /** Everyone who was to have it has it. */
  | 'DELIVERED'
  /** Some have it; the others will not get it by themselves. */
  | 'PARTLY_DELIVERED'
  /** Nobody is known to have it; see the deliveries for why. */
  | 'REJECTED';

/** How far one delivery got. PENDING and RETRYING move on by themselves. */
export type DeliveryState =
  /** Waits for its first attempt. */
  | 'PENDING'
  /** Was tried and will be again, after looking whether it arrived. */
  | 'RETRYING'
  /** May be at the provider or not, and is not repeated blindly: a person has to look. */
  | 'UNCONFIRMED'
  /** The provider has it. */
  | 'DELIVERED'
  /** The provider refused it. */
  | 'REJECTED'
  /** The provider takes no check-ins, or does not know the site. */
  | 'UNSUPPORTED'
  /** Given up after the last attempt; it is not at the provider. */
  | 'FAILED';

/** Kind of a caller's mistake. */
export type UserErrorCode =
  /** A value that is not allowed. */
  | 'INVALID'
  /** What an id names does not exist, or is not the caller's. */
  | 'NOT_FOUND'
  /** The idempotency key was used for another content. */
  | 'CONFLICT'
  /** The caller may not do this. */
  | 'FORBIDDEN'
  /** It takes a caller: send an API key or a token. */
  | 'UNAUTHENTICATED'
  /** Too many in a short time; try later. */
  | 'RATE_LIMITED'
  /** It cannot be done at this service, or with this check-in. */
  | 'UNSUPPORTED'
  /** A text that is too long. */
  | 'TOO_LONG';

export type SiteFragment = { __typename: 'POI', id: string, title: string, usage: UsageKind, status: OperationalStatus, cost: CostKind, maxPowerKw: number | null, location: { __typename: 'GeoPoint', latitude: number, longitude: number }, address: { __typename: 'Address', line1: string | null, town: string | null, countryCode: string | null }, operator: { __typename: 'Operator', id: string, title: string } | null, availability: { __typename: 'AvailabilityCounts', unit: AvailabilityUnit, total: number, available: number } | null };

export type CreditsFragment = { __typename: 'POI', id: string, records: Array<{ __typename: 'SourceRecord', id: string, attribution: { __typename: 'Attribution', text: string, url: string | null, license: string | null } }> };

export type RemarkFragment = { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, author: { __typename: 'Author', displayName: string | null } | null };

export type RemarksFragment = { __typename: 'POI', id: string, rating: { __typename: 'Rating', average: number | null, count: number, successes: number, failures: number } | null, comments: { __typename: 'CommentConnection', totalCount: number | null, edges: Array<{ __typename: 'CommentEdge', cursor: string, node: { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, author: { __typename: 'Author', displayName: string | null } | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } };

export type ProgressFragment = { __typename: 'CheckIn', id: string, state: CheckInState, createdAt: string, deliveries: Array<{ __typename: 'Delivery', provider: ProviderCode, state: DeliveryState, attempts: number, error: { __typename: 'SourceError', code: SourceErrorCode, message: string } | null }> };

export type SitesQueryVariables = Exact<{
  area: AreaInput;
  filter?: PoiFilter | null | undefined;
  orderBy?: PoiOrder | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type SitesQuery = { __typename: 'Query', pois: { __typename: 'POIConnection', totalCount: number | null, truncated: boolean, edges: Array<{ __typename: 'POIEdge', cursor: string, distanceMeters: number | null, node: { __typename: 'POI', id: string, title: string, usage: UsageKind, status: OperationalStatus, cost: CostKind, maxPowerKw: number | null, location: { __typename: 'GeoPoint', latitude: number, longitude: number }, address: { __typename: 'Address', line1: string | null, town: string | null, countryCode: string | null }, operator: { __typename: 'Operator', id: string, title: string } | null, availability: { __typename: 'AvailabilityCounts', unit: AvailabilityUnit, total: number, available: number } | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null }, sources: Array<{ __typename: 'SourceResult', outcome: SourceOutcome, source: { __typename: 'Source', id: string, name: string }, error: { __typename: 'SourceError', code: SourceErrorCode, message: string } | null }>, attributions: Array<{ __typename: 'Attribution', text: string, url: string | null, license: string | null }> } };

export type SiteAtAGlanceQueryVariables = Exact<{
  id: string | number;
}>;


export type SiteAtAGlanceQuery = { __typename: 'Query', poi: { __typename: 'POI', id: string, title: string, usage: UsageKind, status: OperationalStatus, cost: CostKind, maxPowerKw: number | null, location: { __typename: 'GeoPoint', latitude: number, longitude: number }, address: { __typename: 'Address', line1: string | null, town: string | null, countryCode: string | null }, operator: { __typename: 'Operator', id: string, title: string } | null, availability: { __typename: 'AvailabilityCounts', unit: AvailabilityUnit, total: number, available: number } | null } | null };

export type SiteInFullQueryVariables = Exact<{
  id: string | number;
}>;


export type SiteInFullQuery = { __typename: 'Query', poi: { __typename: 'POI', id: string, title: string, usage: UsageKind, status: OperationalStatus, cost: CostKind, maxPowerKw: number | null, connections: Array<{ __typename: 'ConnectionInfo', id: string, type: ConnectorType, powerKw: number | null, quantity: number | null }>, location: { __typename: 'GeoPoint', latitude: number, longitude: number }, address: { __typename: 'Address', line1: string | null, town: string | null, countryCode: string | null }, operator: { __typename: 'Operator', id: string, title: string } | null, availability: { __typename: 'AvailabilityCounts', unit: AvailabilityUnit, total: number, available: number } | null, records: Array<{ __typename: 'SourceRecord', id: string, attribution: { __typename: 'Attribution', text: string, url: string | null, license: string | null } }>, rating: { __typename: 'Rating', average: number | null, count: number, successes: number, failures: number } | null, comments: { __typename: 'CommentConnection', totalCount: number | null, edges: Array<{ __typename: 'CommentEdge', cursor: string, node: { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, author: { __typename: 'Author', displayName: string | null } | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } } | null };

export type OperatorsQueryVariables = Exact<{
  search?: string | null | undefined;
  country?: string | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type OperatorsQuery = { __typename: 'Query', operators: { __typename: 'OperatorConnection', totalCount: number | null, edges: Array<{ __typename: 'OperatorEdge', cursor: string, node: { __typename: 'Operator', id: string, title: string } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } };

export type SubmitCheckInMutationVariables = Exact<{
  input: SubmitCheckInInput;
}>;


export type SubmitCheckInMutation = { __typename: 'Mutation', submitCheckIn: { __typename: 'SubmitCheckInPayload', replayed: boolean, checkIn: { __typename: 'CheckIn', id: string, state: CheckInState, createdAt: string, comment: { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, poi: { __typename: 'POI', id: string, rating: { __typename: 'Rating', average: number | null, count: number, successes: number, failures: number } | null, comments: { __typename: 'CommentConnection', totalCount: number | null, edges: Array<{ __typename: 'CommentEdge', cursor: string, node: { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, author: { __typename: 'Author', displayName: string | null } | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } } | null, author: { __typename: 'Author', displayName: string | null } | null }, deliveries: Array<{ __typename: 'Delivery', provider: ProviderCode, state: DeliveryState, attempts: number, error: { __typename: 'SourceError', code: SourceErrorCode, message: string } | null }> } | null, userErrors: Array<{ __typename: 'UserError', code: UserErrorCode, message: string, field: Array<string> | null }> } };

export type CheckInProgressQueryVariables = Exact<{
  id: string | number;
}>;


export type CheckInProgressQuery = { __typename: 'Query', checkIn: { __typename: 'CheckIn', id: string, state: CheckInState, createdAt: string, deliveries: Array<{ __typename: 'Delivery', provider: ProviderCode, state: DeliveryState, attempts: number, error: { __typename: 'SourceError', code: SourceErrorCode, message: string } | null }> } | null };

export type CheckInUpdatedSubscriptionVariables = Exact<{
  id: string | number;
}>;


export type CheckInUpdatedSubscription = { checkInUpdated: { __typename: 'CheckIn', id: string, state: CheckInState, createdAt: string, deliveries: Array<{ __typename: 'Delivery', provider: ProviderCode, state: DeliveryState, attempts: number, error: { __typename: 'SourceError', code: SourceErrorCode, message: string } | null }> } };

export type CommentAddedSubscriptionVariables = Exact<{
  area?: AreaInput | null | undefined;
  poiIds?: Array<string | number> | string | number | null | undefined;
}>;


export type CommentAddedSubscription = { commentAdded: { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, poi: { __typename: 'POI', id: string, rating: { __typename: 'Rating', average: number | null, count: number, successes: number, failures: number } | null, comments: { __typename: 'CommentConnection', totalCount: number | null, edges: Array<{ __typename: 'CommentEdge', cursor: string, node: { __typename: 'Comment', id: string, outcome: CheckInOutcome | null, rating: number | null, text: string | null, createdAt: string | null, pending: boolean, author: { __typename: 'Author', displayName: string | null } | null } }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } } | null, author: { __typename: 'Author', displayName: string | null } | null } };

export const SiteFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Site"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"location"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}},{"kind":"Field","name":{"kind":"Name","value":"address"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"line1"}},{"kind":"Field","name":{"kind":"Name","value":"town"}},{"kind":"Field","name":{"kind":"Name","value":"countryCode"}}]}},{"kind":"Field","name":{"kind":"Name","value":"operator"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}}]}},{"kind":"Field","name":{"kind":"Name","value":"usage"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"cost"}},{"kind":"Field","name":{"kind":"Name","value":"maxPowerKw"}},{"kind":"Field","name":{"kind":"Name","value":"availability"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"unit"}},{"kind":"Field","name":{"kind":"Name","value":"total"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}}]} as unknown as DocumentNode<SiteFragment, unknown>;
export const CreditsFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Credits"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"records"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"attribution"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"Field","name":{"kind":"Name","value":"license"}}]}}]}}]}}]} as unknown as DocumentNode<CreditsFragment, unknown>;
export const RemarkFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remark"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Comment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"author"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"displayName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}}]}}]} as unknown as DocumentNode<RemarkFragment, unknown>;
export const RemarksFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remarks"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"rating"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"average"}},{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"successes"}},{"kind":"Field","name":{"kind":"Name","value":"failures"}}]}},{"kind":"Field","name":{"kind":"Name","value":"comments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remark"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remark"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Comment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"author"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"displayName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}}]}}]} as unknown as DocumentNode<RemarksFragment, unknown>;
export const ProgressFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Progress"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckIn"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"deliveries"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"provider"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"attempts"}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<ProgressFragment, unknown>;
export const SitesDocument = {"__meta__":{"hash":"sha256:c40558666edb029f8acfcec5d33988be6640a13a715bb49ac51aebdf99f441d5"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Sites"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"area"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"AreaInput"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"POIFilter"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"orderBy"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"POIOrder"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"pois"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"area"},"value":{"kind":"Variable","name":{"kind":"Name","value":"area"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"Variable","name":{"kind":"Name","value":"orderBy"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"truncated"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"distanceMeters"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Site"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"Field","name":{"kind":"Name","value":"sources"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"source"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"attributions"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"Field","name":{"kind":"Name","value":"license"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Site"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"location"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}},{"kind":"Field","name":{"kind":"Name","value":"address"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"line1"}},{"kind":"Field","name":{"kind":"Name","value":"town"}},{"kind":"Field","name":{"kind":"Name","value":"countryCode"}}]}},{"kind":"Field","name":{"kind":"Name","value":"operator"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}}]}},{"kind":"Field","name":{"kind":"Name","value":"usage"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"cost"}},{"kind":"Field","name":{"kind":"Name","value":"maxPowerKw"}},{"kind":"Field","name":{"kind":"Name","value":"availability"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"unit"}},{"kind":"Field","name":{"kind":"Name","value":"total"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}}]} as unknown as DocumentNode<SitesQuery, SitesQueryVariables>;
export const SiteAtAGlanceDocument = {"__meta__":{"hash":"sha256:ab0acb99633f4cbb6d3ab2ce201731202f4dc80d8922c7b636b4e1e4643c74cf"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"SiteAtAGlance"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"poi"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"by"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Site"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Site"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"location"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}},{"kind":"Field","name":{"kind":"Name","value":"address"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"line1"}},{"kind":"Field","name":{"kind":"Name","value":"town"}},{"kind":"Field","name":{"kind":"Name","value":"countryCode"}}]}},{"kind":"Field","name":{"kind":"Name","value":"operator"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}}]}},{"kind":"Field","name":{"kind":"Name","value":"usage"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"cost"}},{"kind":"Field","name":{"kind":"Name","value":"maxPowerKw"}},{"kind":"Field","name":{"kind":"Name","value":"availability"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"unit"}},{"kind":"Field","name":{"kind":"Name","value":"total"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}}]} as unknown as DocumentNode<SiteAtAGlanceQuery, SiteAtAGlanceQueryVariables>;
export const SiteInFullDocument = {"__meta__":{"hash":"sha256:b564c95aa07489038763b929478a14ed911416df65221402e9e66fd7729cf72b"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"SiteInFull"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"poi"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"by"},"value":{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Site"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Credits"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remarks"}},{"kind":"Field","name":{"kind":"Name","value":"connections"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"powerKw"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remark"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Comment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"author"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"displayName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Site"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"location"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"latitude"}},{"kind":"Field","name":{"kind":"Name","value":"longitude"}}]}},{"kind":"Field","name":{"kind":"Name","value":"address"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"line1"}},{"kind":"Field","name":{"kind":"Name","value":"town"}},{"kind":"Field","name":{"kind":"Name","value":"countryCode"}}]}},{"kind":"Field","name":{"kind":"Name","value":"operator"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}}]}},{"kind":"Field","name":{"kind":"Name","value":"usage"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"cost"}},{"kind":"Field","name":{"kind":"Name","value":"maxPowerKw"}},{"kind":"Field","name":{"kind":"Name","value":"availability"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"unit"}},{"kind":"Field","name":{"kind":"Name","value":"total"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Credits"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"records"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"attribution"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"url"}},{"kind":"Field","name":{"kind":"Name","value":"license"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remarks"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"rating"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"average"}},{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"successes"}},{"kind":"Field","name":{"kind":"Name","value":"failures"}}]}},{"kind":"Field","name":{"kind":"Name","value":"comments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remark"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]} as unknown as DocumentNode<SiteInFullQuery, SiteInFullQueryVariables>;
export const OperatorsDocument = {"__meta__":{"hash":"sha256:fc10866cbc176fd93e5dcf5d8c88914c709c0445120e7a56df147e53ec9f4e30"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Operators"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"search"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"country"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"CountryCode"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"first"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Int"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"operators"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"search"},"value":{"kind":"Variable","name":{"kind":"Name","value":"search"}}},{"kind":"Argument","name":{"kind":"Name","value":"country"},"value":{"kind":"Variable","name":{"kind":"Name","value":"country"}}},{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"Variable","name":{"kind":"Name","value":"first"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"title"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]} as unknown as DocumentNode<OperatorsQuery, OperatorsQueryVariables>;
export const SubmitCheckInDocument = {"__meta__":{"hash":"sha256:df449c88029f99a34d803b24d9c0dd8dfad4e2aca48010b74705cbf16bc46e21"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"SubmitCheckIn"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"SubmitCheckInInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"submitCheckIn"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"replayed"}},{"kind":"Field","name":{"kind":"Name","value":"checkIn"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Progress"}},{"kind":"Field","name":{"kind":"Name","value":"comment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remark"}},{"kind":"Field","name":{"kind":"Name","value":"poi"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remarks"}}]}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"field"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remark"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Comment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"author"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"displayName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Progress"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckIn"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"deliveries"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"provider"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"attempts"}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remarks"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"rating"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"average"}},{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"successes"}},{"kind":"Field","name":{"kind":"Name","value":"failures"}}]}},{"kind":"Field","name":{"kind":"Name","value":"comments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remark"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]} as unknown as DocumentNode<SubmitCheckInMutation, SubmitCheckInMutationVariables>;
export const CheckInProgressDocument = {"__meta__":{"hash":"sha256:316bb2995944f631c96e1be8ca54736428b30e98258b75112245624ca7e78d93"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"CheckInProgress"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"checkIn"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Progress"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Progress"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckIn"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"deliveries"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"provider"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"attempts"}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<CheckInProgressQuery, CheckInProgressQueryVariables>;
export const CheckInUpdatedDocument = {"__meta__":{"hash":"sha256:99dacbe6ca8b2cb2ad759c838d9f58a44ea96aec90b4a6c1d186a958a2381e68"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"CheckInUpdated"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"id"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"checkInUpdated"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"id"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Progress"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Progress"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"CheckIn"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"deliveries"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"provider"}},{"kind":"Field","name":{"kind":"Name","value":"state"}},{"kind":"Field","name":{"kind":"Name","value":"attempts"}},{"kind":"Field","name":{"kind":"Name","value":"error"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<CheckInUpdatedSubscription, CheckInUpdatedSubscriptionVariables>;
export const CommentAddedDocument = {"__meta__":{"hash":"sha256:8d986c20e17016dcaa92772fd12d9f4f404c4000776068f13ff00609662156b3"},"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"CommentAdded"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"area"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"AreaInput"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"poiIds"}},"type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"commentAdded"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"area"},"value":{"kind":"Variable","name":{"kind":"Name","value":"area"}}},{"kind":"Argument","name":{"kind":"Name","value":"poiIds"},"value":{"kind":"Variable","name":{"kind":"Name","value":"poiIds"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remark"}},{"kind":"Field","name":{"kind":"Name","value":"poi"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remarks"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remark"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Comment"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"outcome"}},{"kind":"Field","name":{"kind":"Name","value":"rating"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"author"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"displayName"}}]}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"pending"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Remarks"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"POI"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"rating"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"average"}},{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"successes"}},{"kind":"Field","name":{"kind":"Name","value":"failures"}}]}},{"kind":"Field","name":{"kind":"Name","value":"comments"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"edges"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Remark"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}}]} as unknown as DocumentNode<CommentAddedSubscription, CommentAddedSubscriptionVariables>;
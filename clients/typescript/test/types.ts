// What the compiler refuses: `npm run check` fails when one of these becomes right.

import type { VariablesOf, ResultOf } from "@graphql-typed-document-node/core";
import type { SiteAtAGlanceDocument, SitesDocument, SubmitCheckInDocument } from "../src/gql/graphql.ts";

type Sites = VariablesOf<typeof SitesDocument>;
type CheckIn = VariablesOf<typeof SubmitCheckInDocument>;

const center = { latitude: 51.5, longitude: -0.1 };
export const nearby: Sites = { area: { around: { center, radiusMeters: 500 } } };
// @ts-expect-error: an area is needed
export const nowhere: Sites = { first: 10 };
// @ts-expect-error: exactly one shape
export const twoShapes: Sites = { area: { around: { center, radiusMeters: 500 }, country: "NL" } };
// @ts-expect-error: there is no such plug
export const noPlug: Sites = { area: { country: "NL" }, filter: { connections: [{ types: ["CCS_3"] }] } };
// @ts-expect-error: a check-in needs its key
export const noKey: CheckIn = { input: { poiId: "poi:ocm:1", outcome: "CHARGED" } };

export function titleOf(site: ResultOf<typeof SiteAtAGlanceDocument>): string {
  // @ts-expect-error: a site may be unknown
  return site.poi.title;
}

// The audits of graphql-http against the service at CHARGEGRAPH_URL.

import { serverAudits } from "graphql-http";

const known = 61; // a release with others wants a look before it counts
const audits = serverAudits({ url: `${process.env.CHARGEGRAPH_URL}/graphql`, fetchFn: fetch });
const failed = [];
for (const audit of audits) {
  const { status, reason } = await audit.fn();
  if (status !== "ok") failed.push(`${audit.id} ${audit.name}: ${status}: ${reason}`);
}
if (audits.length !== known) failed.push(`there are ${audits.length} audits, not ${known}`);
if (failed.length > 0) {
  console.error(failed.join("\n"));
  process.exit(1);
}
console.log(`${audits.length} of ${audits.length} audits of GraphQL over HTTP are ok`);

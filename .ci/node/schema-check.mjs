// schema-check.mjs PRESENT RELEASED BREAKING [CONTRACT]: says what schema.mjs finds, and ends with 1 on a problem.

import { existsSync, readFileSync } from "node:fs";
import { check, missing } from "./schema.mjs";

const [present, released, breaking, contract] = process.argv.slice(2);
const read = (path) => readFileSync(path, "utf8");
const { problems, notes } = await check({ released: read(released), present: read(present), acknowledged: read(breaking) });
for (const note of notes) console.log(note);
if (contract && existsSync(contract)) {
  problems.push(...(await missing({ contract: read(contract), present: read(present) })).map((m) => `contract: ${m}`));
} else if (contract) {
  console.log(`skipped: there is no ${contract} to compare with`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`\nA change that breaks clients is deprecated first, or stands with its reason in ${breaking}: see clients/README.md.`);
  process.exit(1);
}
console.log("no client of the last release is broken");

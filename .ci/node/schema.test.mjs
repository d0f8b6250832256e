import assert from "node:assert/strict";
import { test } from "node:test";
import { check, missing } from "./schema.mjs";

const released = `
  type Query { site(id: ID!, old: Int @deprecated(reason: "Use id. Goes after 2026-06-30.")): Site }
  type Site { id: ID! title: String! code: String @deprecated(reason: "Use id. Goes after 2026-06-30.") state: State at: Stamp }
  scalar Stamp
  enum State { OPEN CLOSED SHUT @deprecated(reason: "Use CLOSED. Goes after 2027-06-30.") }
`;
const now = new Date("2026-11-20");
const changed = (from, to, acknowledged) => {
  assert.ok(released.includes(from), `"${from}" is in the schema`);
  return check({ released, present: released.replace(from, to), acknowledged, now });
};

test("an unchanged schema has no problems", async () => {
  assert.deepEqual(await changed("site", "site"), { problems: [], notes: [] });
});

test("what adds something is no problem; what may surprise clients is a note", async () => {
  assert.deepEqual(await changed("title: String!", "title: String! town: String"), { problems: [], notes: [] });
  const { problems, notes } = await changed("OPEN", "OPEN PLANNED");
  assert.deepEqual(problems, []);
  assert.match(notes.join(), /^ENUM_VALUE_ADDED State\.PLANNED/);
});

for (const [what, from, to, name] of [
  ["a field that goes", "title: String!", "", "FIELD_REMOVED Site.title"],
  ["a field that may be null from now on", "title: String!", "title: String", "FIELD_TYPE_CHANGED Site.title"],
  ["an argument that must be given from now on", "id: ID!,", "id: ID!, kind: Int!,", "FIELD_ARGUMENT_ADDED Query.site.kind"],
  ["an enum value that goes", "CLOSED SHUT", "SHUT", "ENUM_VALUE_REMOVED State.CLOSED"],
  ["a type of another name", /Stamp/g, "Instant", "TYPE_REMOVED Stamp"],
]) {
  test(`${what} stops the change, unless it is acknowledged`, async () => {
    const present = released.replaceAll(from, to);
    assert.notEqual(present, released);
    const { problems } = await check({ released, present, now });
    assert.ok(problems.some((p) => p.startsWith(name)), `${problems}`);
    const acknowledged = problems.map((p) => `${p.split(":")[0]}: it has to be`).join("\n");
    assert.deepEqual((await check({ released, present, now, acknowledged })).problems, []);
  });
}

test("what is deprecated goes after its day, not before", async () => {
  const field = 'code: String @deprecated(reason: "Use id. Goes after 2026-06-30.")';
  const gone = await changed(field, "");
  assert.deepEqual(gone.problems, []);
  assert.deepEqual(gone.notes, ["FIELD_REMOVED Site.code: was deprecated until 2026-06-30"]);
  assert.deepEqual((await changed(', old: Int @deprecated(reason: "Use id. Goes after 2026-06-30.")', "")).problems, []);
  const early = await changed('SHUT @deprecated(reason: "Use CLOSED. Goes after 2027-06-30.")', "");
  assert.match(early.problems.join(), /^ENUM_VALUE_REMOVED State\.SHUT.*after 2027-06-30 only$/);
});

test("a deprecation says what instead and until when, and leaves clients their time", async () => {
  const deprecate = async (reason) => (await changed("title: String!", `title: String! @deprecated(reason: "${reason}")`)).problems.join();
  assert.match(await deprecate("It is old."), /^Site\.title is deprecated because/);
  assert.match(await deprecate("Goes after 2027-11-30."), /^Site\.title is deprecated because/);
  assert.match(await deprecate("Use id. Goes after 2027-13-30."), /^Site\.title is deprecated because/);
  assert.match(await deprecate("Use id. Goes after 2027-01-30."), /^Site\.title goes after 2027-01-30/);
  assert.equal(await deprecate("Use id. Goes after 2027-11-30."), "");
});

test("an acknowledgement needs a change and a reason", async () => {
  assert.match((await changed("site", "site", "# none\n\nFIELD_REMOVED Site.title: it has to be")).problems.join(), /no such change/);
  assert.match((await changed("title: String!", "", "FIELD_REMOVED Site.title")).problems.join(), /is no acknowledgement/);
});

test("a contract is kept by a schema that offers more, and not by one that offers less", async () => {
  const contract = "type Query { site(id: ID!): Site } type Site { id: ID! title: String! }";
  assert.deepEqual(await missing({ contract, present: released }), []);
  const lost = await missing({ contract, present: released.replace("title: String!", "title: String") });
  assert.match(lost.join(), /^FIELD_TYPE_CHANGED Site\.title/);
});

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { codeOf } from "../src/client.ts";
import {
  CheckInProgressDocument,
  CheckInUpdatedDocument,
  CommentAddedDocument,
  OperatorsDocument,
  SiteAtAGlanceDocument,
  SiteInFullDocument,
  SitesDocument,
  SubmitCheckInDocument,
} from "../src/gql/graphql.ts";
import { collect, connect, london } from "./support.ts";

test("two pages become one list, without gaps or repetitions", async (t) => {
  const { ask } = connect(t);
  const whole = await ask(SitesDocument, { area: london, first: 40 });
  const paged = connect(t);
  const first = await paged.ask(SitesDocument, { area: london, first: 20 });
  assert.equal(first.pois.edges.length, 20);
  assert.equal(first.pois.pageInfo.hasNextPage, true);
  const both = await paged.ask(SitesDocument, { area: london, first: 20, after: first.pois.pageInfo.endCursor });
  assert.deepEqual(both.pois.edges.map((e) => e.node.id), whole.pois.edges.map((e) => e.node.id));
  assert.equal(both.pois.totalCount, whole.pois.totalCount);

  // What stands on the map already asks nothing, and shows both pages.
  const asked = paged.sent.length;
  const again = await paged.ask(SitesDocument, { area: london, first: 20 });
  assert.equal(again.pois.edges.length, 40);
  assert.equal(paged.sent.length, asked);
});

test("a list of operators pages like any other, from GraphQL's own defaults", async (t) => {
  const { ask } = connect(t);
  const first = await ask(OperatorsDocument, { first: 5 });
  const both = await ask(OperatorsDocument, { first: 5, after: first.operators.pageInfo.endCursor });
  assert.equal(new Set(both.operators.edges.map((e) => e.node.id)).size, 10);
  const usual = await ask(OperatorsDocument, {}); // 50, as the schema says
  assert.ok(usual.operators.edges.length > 10);
});

test("a page that adds credits adds them to the list", async (t) => {
  const { client, ask } = connect(t, {
    fetch: async (input, init) => {
      // The made-up world has one credit for all of its sites: each page gets another.
      const answer = await (await fetch(input, init)).json();
      const after = new URL(String(input)).searchParams.get("variables")?.includes("after") || String(init?.body).includes('"after"');
      answer.data.pois.attributions[0].text = after ? "second" : "first";
      return Response.json(answer);
    },
    documents: "text",
  });
  const first = await ask(SitesDocument, { area: london, first: 3 });
  const second = await ask(SitesDocument, { area: london, first: 3, after: first.pois.pageInfo.endCursor });
  assert.deepEqual(second.pois.attributions.map((a) => a.text), ["first", "second"]);
  const shown = client.readQuery(SitesDocument, { area: london, first: 3 });
  assert.deepEqual(shown?.data?.pois.attributions.map((a) => a.text), ["first", "second"]);
});

test("a site of a list is there by its id, without asking", async (t) => {
  const { ask, sent } = connect(t);
  const list = await ask(SitesDocument, { area: london, first: 5 });
  const asked = sent.length;
  const site = list.pois.edges[2]!.node;
  const { poi } = await ask(SiteAtAGlanceDocument, { id: site.id });
  assert.deepEqual(poi, site);
  assert.equal(sent.length, asked);

  // More than the list had takes a question; what it brings is in the list from then on.
  await ask(SiteInFullDocument, { id: site.id });
  assert.ok(sent.length > asked);
});

test("a site that nobody knows is null, and is not asked for again", async (t) => {
  const { ask, sent } = connect(t);
  assert.equal((await ask(SiteAtAGlanceDocument, { id: "poi:ocm:999999999" })).poi, null);
  const asked = sent.length;
  assert.equal((await ask(SiteAtAGlanceDocument, { id: "poi:ocm:999999999" })).poi, null);
  assert.equal(sent.length, asked);
});

test("a check-in stands at its site at once, in every view of it, without another question", async (t) => {
  const { client, ask, sent } = connect(t);
  const id = (await ask(SitesDocument, { area: london, first: 1 })).pois.edges[0]!.node.id;
  const before = (await ask(SiteInFullDocument, { id })).poi!;
  const asked = sent.length;
  const input = { idempotencyKey: randomUUID(), poiId: id, outcome: "CHARGED" as const, rating: 5, text: "All went well." };
  const { data, error } = await client.mutation(SubmitCheckInDocument, { input }).toPromise();
  assert.equal(error, undefined);
  assert.deepEqual(data?.submitCheckIn.userErrors, []);
  assert.equal(sent.length, asked + 1);
  const after = (await ask(SiteInFullDocument, { id })).poi!;
  assert.equal(sent.length, asked + 1, "the site was asked for again");
  assert.equal(after.comments.edges[0]?.node.text, "All went well.");
  assert.equal(after.rating?.successes, (before.rating?.successes ?? 0) + 1);

  // The same key again is the same check-in, not another one.
  const again = await client.mutation(SubmitCheckInDocument, { input }).toPromise();
  assert.equal(again.data?.submitCheckIn.replayed, true);
  assert.equal(again.data?.submitCheckIn.checkIn?.id, data?.submitCheckIn.checkIn?.id);
});

for (const live of ["socket", "events"] as const) {
  test(`a check-in is followed to its delivery, by ${live}`, async (t) => {
    const { client, ask } = connect(t, { live });
    const poiId = (await ask(SitesDocument, { area: london, first: 1 })).pois.edges[0]!.node.id;
    const input = { idempotencyKey: randomUUID(), poiId, outcome: "NOT_VISITED" as const, text: `A tip by ${live}.` };
    const { data } = await client.mutation(SubmitCheckInDocument, { input }).toPromise();
    const { id } = data!.submitCheckIn.checkIn!;
    const progress = collect(t, client, CheckInUpdatedDocument, { id });
    const { checkInUpdated } = await progress.until(({ checkInUpdated: c }) => !["ACCEPTED", "DELIVERING"].includes(c.state));
    assert.ok(checkInUpdated.deliveries.length > 0);
    // The cache has taken in what was heard.
    const kept = client.readQuery(CheckInProgressDocument, { id });
    assert.deepEqual(kept?.data?.checkIn, progress.answers.at(-1)?.data?.checkInUpdated);
  });

  test(`remarks of other people come in at the sites that are shown, by ${live}`, async (t) => {
    const { client, ask } = connect(t, { live });
    const other = connect(t);
    const id = (await ask(SitesDocument, { area: london, first: 1 })).pois.edges[0]!.node.id;
    await ask(SiteInFullDocument, { id });
    const heard = collect(t, client, CommentAddedDocument, { poiIds: [id] });
    // A subscription does not say when it has begun: somebody writes until something is heard.
    const writing = setInterval(() => {
      const input = { idempotencyKey: randomUUID(), poiId: id, outcome: "NOT_VISITED" as const, text: `Another tip by ${live}.` };
      void other.client.mutation(SubmitCheckInDocument, { input }).toPromise();
    }, 200);
    t.after(() => clearInterval(writing));
    const { commentAdded } = await heard.until(() => true);
    clearInterval(writing);
    const shown = client.readQuery(SiteInFullDocument, { id });
    assert.ok(shown?.data?.poi?.comments.edges.some(({ node }) => node.id === commentAdded.id));
  });
}

test("errors have codes that programs can tell apart", async (t) => {
  const { client } = connect(t);
  const far = await client.query(SitesDocument, { area: { around: { ...london.around, radiusMeters: -1 } } }).toPromise();
  assert.equal(codeOf(far.error!), "BAD_USER_INPUT");
  assert.deepEqual(far.error!.graphQLErrors[0]!.path, ["pois", "area", "around", "radiusMeters"]);
  const wrong = await client
    .mutation(SubmitCheckInDocument, { input: { idempotencyKey: randomUUID(), poiId: "poi:ocm:1", outcome: "CHARGED", rating: 9 } })
    .toPromise();
  assert.ok(wrong.data?.submitCheckIn.userErrors.some((e) => e.field?.join(".") === "input.rating"), JSON.stringify(wrong.data));
  const { client: lost } = connect(t, { url: "http://127.0.0.1:1/graphql" });
  assert.equal(codeOf((await lost.query(SiteAtAGlanceDocument, { id: "poi:ocm:1" }).toPromise()).error!), "NETWORK");
});

test("queries are answered in JSON, though urql accepts streams as well", async (t) => {
  const types: (string | null)[] = [];
  const { ask } = connect(t, {
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      types.push(answer.headers.get("content-type"));
      return answer;
    },
  });
  await ask(SiteAtAGlanceDocument, { id: "poi:ocm:1" }, "network-only");
  for (const type of types) assert.match(type!, /^application\/graphql-response\+json/);
});

test("documents are sent once, and by hash from then on", async (t) => {
  const first = connect(t);
  await first.ask(SiteAtAGlanceDocument, { id: "poi:ocm:1" }, "network-only");
  const { ask, sent } = connect(t);
  await ask(SiteAtAGlanceDocument, { id: "poi:ocm:1" }, "network-only");
  assert.equal(sent.length, 1);
  assert.equal(sent[0]!.method, "GET"); // which caches on the way can keep
  assert.equal(sent[0]!.url.searchParams.has("query"), false);
  assert.match(sent[0]!.url.searchParams.get("extensions")!, /"sha256Hash":"[0-9a-f]{64}"/);
});

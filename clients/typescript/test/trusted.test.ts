// Against a service that answers the documents of our manifest and nothing else.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gql } from "@urql/core";
import { codeOf } from "../src/client.ts";
import { CheckInUpdatedDocument, SitesDocument, SubmitCheckInDocument } from "../src/gql/graphql.ts";
import { collect, connect, london, url } from "./support.ts";

const manifest = JSON.parse(await readFile(new URL("../src/gql/persisted-documents.json", import.meta.url), "utf8"));

for (const live of ["socket", "events"] as const) {
  test(`queries, mutations and subscriptions go by their ids alone, with ${live}`, async (t) => {
    const { client, ask, sent } = connect(t, { documents: "trusted", live });
    const poiId = (await ask(SitesDocument, { area: london, first: 1 })).pois.edges[0]!.node.id;
    const input = { idempotencyKey: randomUUID(), poiId, outcome: "CHARGED" as const };
    const { data, error } = await client.mutation(SubmitCheckInDocument, { input }).toPromise();
    assert.equal(error, undefined);
    const { id } = data!.submitCheckIn.checkIn!;
    const progress = collect(t, client, CheckInUpdatedDocument, { id });
    assert.ok(await progress.until((u) => u.checkInUpdated.id === id));
    for (const { url: asked, body } of sent) {
      assert.equal(asked.searchParams.has("query") || "query" in body, false);
    }
  });
}

test("a document that is not in the manifest is refused", async (t) => {
  const { client } = connect(t, { documents: "text" });
  const { error } = await client.query(gql`{ sources { id } }`, {}).toPromise();
  assert.equal(codeOf(error!), "DOCUMENT_NOT_TRUSTED");
});

test("every document of the manifest is known", async () => {
  assert.ok(Object.keys(manifest).length > 5);
  for (const documentId of Object.keys(manifest)) {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ documentId, variables: {} }),
    });
    const { errors = [] } = await answer.json();
    for (const { extensions } of errors) assert.equal(extensions.code, "BAD_USER_INPUT", manifest[documentId]); // variables are missing
  }
});

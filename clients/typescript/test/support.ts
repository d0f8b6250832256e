// What the tests share: the running service at CHARGEGRAPH_URL, and a client whose requests are written down.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { AnyVariables, Client, OperationResult, RequestPolicy, TypedDocumentNode } from "@urql/core";
import { WebSocket } from "ws";
import { newClient, type Options } from "../src/client.ts";

export const url = `${process.env.CHARGEGRAPH_URL}/graphql`;

/** Around the middle of the made-up world's London. */
export const london = { around: { center: { latitude: 51.51, longitude: -0.12 }, radiusMeters: 5000 } };

export interface Recorded {
  client: Client;
  /** What was sent by HTTP, in order. */
  sent: { method: string; url: URL; body: Record<string, unknown> }[];
  /** ask asks and wants an answer without errors. */
  ask<Data, Variables extends AnyVariables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    requestPolicy?: RequestPolicy,
  ): Promise<Data>;
}

/** connect returns a client that lasts as long as the test. */
export function connect(t: TestContext, options: Partial<Options> = {}): Recorded {
  const sent: Recorded["sent"] = [];
  const { client, close } = newClient({
    url,
    webSocket: WebSocket,
    fetch: (input, init) => {
      const body = init?.body ? JSON.parse(String(init.body)) : {};
      sent.push({ method: init?.method ?? "GET", url: new URL(String(input)), body });
      return fetch(input, init);
    },
    ...options,
  });
  t.after(close);
  return {
    client,
    sent,
    async ask(document, variables, requestPolicy = "cache-first") {
      const { data, error } = await client.query(document, variables, { requestPolicy });
      assert.equal(error, undefined);
      assert.ok(data);
      return data;
    },
  };
}

/** collect gathers the answers of a subscription; until waits for one of them. */
export function collect<Data, Variables extends AnyVariables>(
  t: TestContext,
  client: Client,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
) {
  const answers: OperationResult<Data, Variables>[] = [];
  let look = () => {};
  const { unsubscribe } = client.subscription(document, variables).subscribe((answer) => {
    answers.push(answer);
    look();
  });
  t.after(unsubscribe);
  const until = (wanted: (data: Data) => boolean) =>
    new Promise<Data>((resolve, reject) => {
      look = () => {
        for (const { data, error } of answers) {
          if (error) reject(error);
          else if (data && wanted(data)) resolve(data);
        }
      };
      look();
    });
  return { answers, until };
}

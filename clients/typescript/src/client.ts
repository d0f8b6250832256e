// A client of chargegraph: urql with a normalised cache, persisted documents, and subscriptions.

import { Client, fetchExchange, subscriptionExchange, type CombinedError, type Exchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import type { DocumentNode } from "graphql";
import { createClient as createSocket } from "graphql-ws";
import { normalised } from "./cache.ts";

export interface Options {
  /** Where the graph is, such as https://charge.example/graphql. */
  url: string;
  /** An API key or a JWT. Reading needs none where the service is open; checking in does. */
  token?: string;
  /**
   * How the service gets to know what is asked. "text" sends the document each time. "automatic" sends its hash by GET,
   * which caches on the way can keep, and the text once when the service does not have it. "trusted" sends ids alone:
   * the service has the documents from gql/persisted-documents.json.
   */
  documents?: "text" | "automatic" | "trusted";
  /** What subscriptions come over: one WebSocket for all, or a stream of server-sent events for each. */
  live?: "socket" | "events";
  /** A WebSocket class, where the platform has none: Node before 22. */
  webSocket?: unknown;
  /** What requests are made with; the platform's fetch when left out. */
  fetch?: typeof fetch;
}

/** newClient returns a client with a cache of its own. Call close when it is done with. */
export function newClient(options: Options): { client: Client; close: () => void } {
  const { url, token, documents = "automatic", live = "socket" } = options;
  const exchanges: Exchange[] = [normalised()];
  if (documents !== "text") exchanges.push(persisted(documents));
  let close = () => {};
  if (live === "socket") {
    const socket = createSocket({
      url: url.replace(/^http/, "ws"),
      webSocketImpl: options.webSocket,
      ...(token && { connectionParams: { authorization: `Bearer ${token}` } }),
    });
    close = () => void socket.dispose();
    exchanges.push(
      subscriptionExchange({
        forwardSubscription: ({ query = "", ...request }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, ...request }, sink) }),
        }),
      }),
    );
  }
  exchanges.push(fetchExchange);
  const client = new Client({
    url,
    exchanges,
    preferGetMethod: false,
    fetchSubscriptions: live === "events",
    fetchOptions: () => (token ? { headers: { authorization: `Bearer ${token}` } } : {}),
    ...(options.fetch && { fetch: options.fetch }),
  });
  return { client, close };
}

function persisted(documents: "automatic" | "trusted"): Exchange {
  if (documents === "automatic") return persistedExchange({ generateHash: sha256 });
  return persistedExchange({
    enforcePersistedQueries: true,
    enableForMutation: true,
    enableForSubscriptions: true,
    generateHash: async (_, document) => (document as Generated).__meta__.hash,
  });
}

/** Generated is what GraphQL Codegen adds to a document: its id in the manifest. */
type Generated = DocumentNode & { __meta__: { hash: string } };

async function sha256(text: string): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** codeOf tells what kind of error it is: NETWORK, or the extensions.code of the service's first. */
export function codeOf(error: CombinedError): string {
  const code = error.graphQLErrors[0]?.extensions.code;
  return typeof code === "string" ? code : "NETWORK";
}

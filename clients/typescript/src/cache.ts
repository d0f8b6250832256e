// The normalised cache: each POI, operator, comment and check-in is held once, by its id, whatever question it came with.

import { stringifyVariables, type Exchange } from "@urql/core";
import { cacheExchange, type Cache, type ResolveInfo, type Resolver, type Variables } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import type { IntrospectionQuery } from "graphql";
import introspection from "./gql/schema.json" with { type: "json" };

const schema = introspection as unknown as IntrospectionQuery;

// Objects without an id, such as positions, belong to the object that they were read with.
function embedded(): Record<string, () => null> {
  const keys: Record<string, () => null> = {};
  for (const type of schema.__schema.types) {
    if (type.kind === "OBJECT" && !type.fields.some((field) => field.name === "id")) keys[type.name] = () => null;
  }
  return keys;
}

const relay = relayPagination();

/**
 * pages puts the pages of a list together: ask with `first` and `after: endCursor`, and the answer has the edges of all pages
 * so far. A list that is asked for without `first` stands alone.
 */
const pages: Resolver = (parent, args, cache, info) =>
  args.first == null ? stored(args, cache, info) : relay(parent, args, cache, info);

/** stored is what the service has answered to the very question. */
function stored(args: Variables, cache: Cache, { parentKey, fieldName }: ResolveInfo) {
  return cache.resolve(parentKey, fieldName, Object.keys(args).length > 0 ? args : undefined);
}

/** sitePages are pages with the credits of all of them: what is shown together is credited together. */
const sitePages: Resolver = (parent, args, cache, info) => {
  const list = pages(parent, args, cache, info);
  if (!list || typeof list !== "object") return list;
  const credits = new Map<string, string>();
  for (const { fieldName, fieldKey, arguments: asked } of cache.inspectFields(info.parentKey)) {
    if (fieldName !== info.fieldName || question(asked) !== question(args)) continue;
    const links = cache.resolve(cache.resolve(info.parentKey, fieldKey) as string, "attributions");
    for (const link of (links ?? []) as string[]) {
      credits.set(["text", "url", "license"].map((field) => cache.resolve(link, field)).join("\n"), link);
    }
  }
  return { ...list, attributions: [...credits.values()] };
};

/** question is what all pages of one list have in common. */
function question(args: object | null): string {
  return stringifyVariables({ ...args, first: undefined, after: undefined });
}

/**
 * known finds an object that came with another answer, such as a site of a list, by the id that a question names. What the
 * service has answered to the very question comes first: an older id of a site leads to its present one, or to nothing.
 */
function known(__typename: string, idOf: (args: Variables) => string | undefined): Resolver {
  return (_, args, cache, info) => {
    const answered = stored(args, cache, info);
    const id = idOf(args);
    if (answered !== undefined || id === undefined) return answered;
    return cache.resolve({ __typename, id }, "id") === undefined ? undefined : { __typename, id };
  };
}

/** normalised returns the cache of one client. */
export function normalised(): Exchange {
  return cacheExchange({
    schema,
    keys: embedded(),
    resolvers: {
      Query: {
        pois: sitePages,
        operators: pages,
        poi: known("POI", (args) => (args.by as { id?: string }).id),
        operator: known("Operator", (args) => args.id as string),
        checkIn: known("CheckIn", (args) => args.id as string),
      },
      POI: { comments: pages, photos: pages },
    },
  });
}

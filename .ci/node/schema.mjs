// What a change of the schema does to clients. The rules are told in clients/README.md.

import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType } from "graphql";

// noticeDays is how long clients have to move away from what is deprecated: an app store's users update within it.
const noticeDays = 180;
const day = 24 * 60 * 60 * 1000;

const removals = new Set(["FIELD_REMOVED", "FIELD_ARGUMENT_REMOVED", "INPUT_FIELD_REMOVED", "ENUM_VALUE_REMOVED"]);

// check compares two schemas, given as SDL, and returns sentences: problems, which stop a change, and notes, which do not.
// acknowledged is the text of clients/schema/breaking.txt; now says which deprecations have run out.
export async function check({ released, present, acknowledged = "", now = new Date() }) {
  const before = buildSchema(released);
  const after = buildSchema(present);
  const problems = [];
  const notes = [];
  const wasDeprecated = deprecations(before);
  for (const [path, reason] of deprecations(after)) {
    const end = goesAfter(reason);
    if (end === null) {
      problems.push(`${path} is deprecated because "${reason}": say what to use instead, and end with "Goes after YYYY-MM-DD."`);
    } else if (!wasDeprecated.has(path) && end < now.getTime() + noticeDays * day) {
      problems.push(`${path} goes after ${isoDate(end)}: clients that learn of it with the next release need ${noticeDays} days`);
    }
  }

  const { accepted, problems: misread } = readAcknowledged(acknowledged);
  problems.push(...misread);
  for (const { type, path, message, criticality } of await diff(before, after)) {
    const name = `${type} ${path}`;
    if (criticality.level !== CriticalityLevel.Breaking) {
      if (criticality.level === CriticalityLevel.Dangerous) notes.push(`${name}: ${message}`);
      continue;
    }
    if (accepted.delete(name)) {
      notes.push(`${name}: acknowledged`);
      continue;
    }
    const end = removals.has(type) ? goesAfter(wasDeprecated.get(path) ?? "") : null;
    if (end !== null && end < now.getTime()) {
      notes.push(`${name}: was deprecated until ${isoDate(end)}`);
      continue;
    }
    problems.push(`${name}: ${message}${end === null ? "" : `, and may go after ${isoDate(end)} only`}`);
  }
  for (const name of accepted) problems.push(`${name} is acknowledged, and no such change was made`);
  return { problems, notes };
}

// missing returns what contract promises and present does not offer.
export async function missing({ contract, present }) {
  const changes = await diff(buildSchema(contract), buildSchema(present));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ type, path, message }) => `${type} ${path}: ${message}`);
}

// deprecations returns the reasons of all deprecated members of a schema, by their paths as diff writes them.
function deprecations(schema) {
  const found = new Map();
  const look = (path, { deprecationReason }) => {
    if (deprecationReason != null) found.set(path, deprecationReason);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__")) continue;
    if (type instanceof GraphQLEnumType) {
      for (const value of type.getValues()) look(`${type.name}.${value.name}`, value);
    } else if (type instanceof GraphQLInputObjectType) {
      for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field);
    } else if (type instanceof GraphQLObjectType || type instanceof GraphQLInterfaceType) {
      for (const field of Object.values(type.getFields())) {
        look(`${type.name}.${field.name}`, field);
        for (const argument of field.args) look(`${type.name}.${field.name}.${argument.name}`, argument);
      }
    }
  }
  return found;
}

// goesAfter returns the last day of what is deprecated for reason, null when it names none.
function goesAfter(reason) {
  const named = reason.match(/\S.*\. Goes after (\d{4}-\d{2}-\d{2})\.$/s);
  const end = named ? Date.parse(named[1]) : NaN;
  return Number.isNaN(end) ? null : end;
}

function readAcknowledged(text) {
  const accepted = new Set();
  const problems = [];
  for (const line of text.split("\n").map((l) => l.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const parts = line.match(/^([A-Z_]+ \S+): +(\S.*)$/);
    if (parts) accepted.add(parts[1]);
    else problems.push(`"${line}" is no acknowledgement: write CHANGE PATH: reason`);
  }
  return { accepted, problems };
}

const isoDate = (ms) => new Date(ms).toISOString().slice(0, 10);

// What both playgrounds know of the examples.

// A new key. crypto.randomUUID is not there on http pages of other hosts.
function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = Array.from(b, (n) => n.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const written = (variables) => (variables
  ? JSON.stringify(variables, (_, value) => (value === "$uuid" ? uuid() : value), 2)
  : "");

// load reads the examples that this server offers. Each has title, about, query
// and variables, all of them text; and follows, if ids of other answers lead to it.
export async function load() {
  const response = await fetch("playground/examples.json");
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()).map((e) => ({ ...e, variables: written(e.variables) }));
}

// asking returns the example's variables with the id in its place.
export function asking(example, id) {
  const variables = JSON.parse(example.variables);
  const path = [...example.follows.variable];
  const last = path.pop();
  path.reduce((at, name) => at[name], variables)[last] = id;
  return JSON.stringify(variables, null, 2);
}

// following returns the examples to which ids in the answer lead, each with the
// first such id. answer is text; what is in quotes and begins like an id is one.
export function following(examples, answer) {
  const found = [];
  for (const example of examples) {
    const prefix = example.follows?.prefix;
    const id = prefix && answer.match(new RegExp(`"(${prefix}[^"\\\\]+)"`))?.[1];
    if (id) found.push({ example, id });
  }
  return found;
}

// waits reports whether the example has no id to ask for until an answer brings one.
export const waits = (example) => example.variables.includes("checkin:000");

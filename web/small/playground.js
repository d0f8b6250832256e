// The playground: asks /graphql, explores the schema. Needs no other host.

import { asking, following, load, waits } from "./examples.js";

const $ = (id) => document.getElementById(id);
const query = $("query"), variables = $("variables"), headers = $("headers");

// el makes an element; text from the network goes through here and stays text.
function el(tag, props = {}, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
}

// ---- what is kept over a reload: tab and texts, never headers ------------------------------------

// What was written over made-up data is not offered over real data: a check-in
// would be published.
const KEEP = document.body.dataset.sandbox ? "chargegraph-sandbox.playground" : "chargegraph.playground";
const kept = { tab: 0, texts: {} };
try {
  Object.assign(kept, JSON.parse(sessionStorage.getItem(KEEP) ?? "{}"));
} catch { /* no storage, or not ours: start afresh */ }

function keep() {
  const example = examples[kept.tab];
  kept.texts[example.title] = { query: query.value, variables: variables.value };
  try {
    sessionStorage.setItem(KEEP, JSON.stringify(kept));
  } catch { /* no storage: nothing is kept */ }
}

// ---- tabs -------------------------------------------------------------------------------------------

let examples = [];

function select(i, { focus = false, fresh = false } = {}) {
  if (i !== kept.tab) running?.abort();
  kept.tab = i;
  const example = examples[i];
  const text = (!fresh && kept.texts[example.title]) || example;
  query.value = text.query;
  variables.value = text.variables;
  $("about").textContent = example.about;
  [...$("tabs").children].forEach((tab, n) => {
    tab.ariaSelected = String(n === i);
    tab.tabIndex = n === i ? 0 : -1;
    if (n === i) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (n === i && focus) tab.focus();
  });
  keep();
}

async function loadExamples() {
  examples = await load();
  examples.push({ title: "Your own", about: "A blank page. Fields clicked in the schema are inserted at the cursor.", query: "{\n  \n}", variables: "" });
  $("tabs").append(...examples.map((e, i) => {
    const tab = el("button", { type: "button", role: "tab", textContent: e.title, onclick: () => select(i) });
    tab.setAttribute("aria-controls", "ask");
    return tab;
  }));
  $("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) select((kept.tab + step + examples.length) % examples.length, { focus: true });
  });
  select(examples[kept.tab] ? kept.tab : 0);
}

// ---- editors ----------------------------------------------------------------------------------------

// insert replaces the selection, in a way that Ctrl+Z takes back.
function insert(area, text) {
  area.focus();
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  }
}

const indentAt = (area) => area.value.slice(0, area.selectionStart).split("\n").pop().match(/^ */)[0];

let editor = query; // the one written in last: where a click in the schema goes

for (const area of [query, variables, headers]) {
  area.addEventListener("focus", () => { editor = area; });
  let leaving = false; // Esc was pressed: the next Tab goes on, as elsewhere
  if (area !== headers) area.addEventListener("input", keep);
  area.addEventListener("blur", () => { leaving = false; });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leaving = true;
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    } else if (event.key === "Tab" && !event.shiftKey && !leaving) {
      event.preventDefault();
      insert(area, "  ");
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const opened = /[{[(]\s*$/.test(area.value.slice(0, area.selectionStart));
      insert(area, "\n" + indentAt(area) + (opened ? "  " : ""));
    }
  });
}

// ---- asking -----------------------------------------------------------------------------------------

function readObject(area, name) {
  if (!area.value.trim()) return undefined;
  let value;
  try {
    value = JSON.parse(area.value);
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${name} must be a JSON object`);
  return value;
}

const ask = (body, more, accept = "application/graphql-response+json, application/json", signal) => fetch("graphql", {
  method: "POST",
  headers: { Accept: accept, "Content-Type": "application/json", ...more },
  body: JSON.stringify(body),
  signal,
});

let running;

// run asks, and stops what runs.
async function run() {
  running?.abort();
  const mine = running = new AbortController();
  try {
    const body = { query: query.value, variables: readObject(variables, "Variables") };
    const more = readObject(headers, "Headers");
    const live = /^\s*subscription\b/m.test(body.query);
    say("Asking…");
    $("run").firstChild.data = "Stop ";
    const start = performance.now();
    const response = await ask(body, more, live ? "text/event-stream, application/json" : undefined, mine.signal);
    if (/^text\/event-stream/.test(response.headers.get("Content-Type") ?? "")) {
      await listen(response);
    } else {
      const text = await response.text();
      const errors = present(text);
      const ms = Math.round(performance.now() - start);
      const size = (new Blob([text]).size / 1024).toFixed(1);
      say(`${response.status} ${response.statusText} · ${ms} ms · ${size} kB${errors ? ` · ${errors} error${errors > 1 ? "s" : ""}` : ""}`, !response.ok || errors > 0);
    }
  } catch (error) {
    if (running !== mine) return;
    if (error.name === "AbortError") say("Stopped");
    else say(error.message, true);
  } finally {
    if (running === mine) {
      running = undefined;
      $("run").firstChild.data = "Run ";
    }
  }
}

// listen shows the answers of a subscription, the newest alone, as they come:
// server-sent events of the GraphQL over SSE protocol, one request each.
async function listen(response) {
  say("Listening…");
  let text = "", seen = 0;
  for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    const events = (text + value.replaceAll("\r", "")).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const field = (name) => event.split("\n").filter((l) => l.startsWith(`${name}:`)).map((l) => l.slice(name.length + 1).replace(/^ /, "")).join("\n");
      if (field("event") === "complete") {
        say(`${seen} received, and no more will come`);
        return;
      }
      if (field("event") !== "next") continue;
      const errors = present(field("data"));
      say(`${++seen} received`, errors > 0);
    }
  }
  say(`${seen} received, then the server went away`, true);
}

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").className = bad ? "bad" : "";
}

// present shows an answer and returns how many errors it has. Ids that an example
// takes are buttons that ask for it; those that wait for such an id get it.
function present(text) {
  let answer;
  try {
    answer = JSON.parse(text);
    text = JSON.stringify(answer, null, 2);
  } catch { /* shown as it came */ }
  const prefixes = examples.filter((e) => e.follows).map((e) => e.follows.prefix);
  const ids = prefixes.length ? new RegExp(`("(?:${prefixes.join("|")})[^"\\\\]+")`) : /$^/;
  $("response").replaceChildren(...text.split(ids).map((part, i) => {
    if (i % 2 === 0) return part;
    const [way] = following(examples, part);
    return el("button", {
      type: "button", className: "link", textContent: part, title: way.example.title,
      onclick: () => {
        select(examples.indexOf(way.example), { fresh: true });
        variables.value = asking(way.example, way.id);
        keep();
        run();
      },
    });
  }));
  $("response").scrollTop = 0;
  for (const { example, id } of following(examples, text)) {
    if (waits(example) && example !== examples[kept.tab]) {
      kept.texts[example.title] = { query: example.query, ...kept.texts[example.title], variables: asking(example, id) };
    }
  }
  return answer?.errors?.length ?? 0;
}

// ---- schema -----------------------------------------------------------------------------------------

const INTROSPECTION = `query Introspection {
  __schema { queryType { name } mutationType { name } subscriptionType { name } types {
    kind name description
    fields(includeDeprecated: true) { name description isDeprecated args { ...Input } type { ...Ref } }
    inputFields { ...Input }
    enumValues(includeDeprecated: true) { name description isDeprecated }
    possibleTypes { name }
  } }
}
fragment Input on __InputValue { name description defaultValue type { ...Ref } }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

const types = new Map();
let roots = [], trail = [];

async function loadSchema() {
  const { data, errors } = await (await ask({ query: INTROSPECTION })).json();
  if (!data) throw new Error(errors?.[0]?.message ?? "no answer");
  const s = data.__schema;
  for (const t of s.types) {
    // Kinds without such members may have them as null or as an empty list.
    for (const list of ["fields", "inputFields", "enumValues", "possibleTypes"]) if (!t[list]?.length) t[list] = null;
    if (!t.name.startsWith("__")) types.set(t.name, t);
  }
  roots = [s.queryType, s.mutationType, s.subscriptionType].filter(Boolean).map((t) => t.name);
  visit(roots[0]);
}

const named = (ref) => (ref.ofType ? named(ref.ofType) : ref.name);
const written = (ref) => ({ NON_NULL: () => `${written(ref.ofType)}!`, LIST: () => `[${written(ref.ofType)}]` }[ref.kind]?.() ?? ref.name);
const members = (type) => type.fields ?? type.inputFields ?? type.enumValues ?? type.possibleTypes ?? [];

const link = (text, title, onclick) => el("button", { type: "button", className: "link", textContent: text, title, onclick });
const typeLink = (ref) => link(written(ref), `Go to ${named(ref)}`, () => visit(named(ref)));

// snippet is what a click on a field writes: required arguments, and a place
// for the fields of an object.
function snippet(field) {
  const required = (field.args ?? []).filter((a) => a.type.kind === "NON_NULL" && a.defaultValue === null);
  const args = required.length ? `(${required.map((a) => `${a.name}: `).join(", ")})` : "";
  return field.name + args + (types.get(named(field.type))?.fields ? " { }" : "");
}

function memberItem(type, m) {
  if (type.possibleTypes && !type.fields) return el("li", {}, link(m.name, `Go to ${m.name}`, () => visit(m.name)));
  const text = type.fields ? snippet(m) : type.inputFields ? `${m.name}: ` : m.name;
  const name = link(m.name, "Insert at the cursor", () => insert(type.fields ? query : editor, text));
  const item = el("li", {}, el("strong", {}, name));
  if (m.args?.length) {
    item.append("(", ...m.args.flatMap((a, i) => [i ? ", " : "", `${a.name}: `, typeLink(a.type)]), ")");
  }
  if (m.type) item.append(": ", typeLink(m.type));
  if (m.defaultValue) item.append(` = ${m.defaultValue}`);
  if (m.isDeprecated) item.append(" (deprecated)");
  if (m.description) item.append(el("p", { textContent: m.description }));
  return item;
}

function visit(name) {
  const type = types.get(name);
  if (!type) return;
  trail = [...trail.filter((n) => n !== name), name].slice(-6);
  $("search").value = "";
  $("trail").replaceChildren(...[roots[0], ...trail.filter((n) => n !== roots[0])].map((n) => link(n, `Go to ${n}`, () => visit(n))));
  $("explorer").replaceChildren(
    el("h3", { textContent: `${type.kind.toLowerCase().replace("_", " ")} ${type.name}` }),
    el("p", { className: "about", textContent: type.description ?? "" }),
    el("ul", {}, ...members(type).map((m) => memberItem(type, m))),
  );
  $("explorer").scrollTop = 0;
}

const MOST = 60; // more hits than anybody reads

function find(words) {
  const hits = [];
  for (const type of types.values()) {
    if (type.name.toLowerCase().includes(words)) hits.push([type, null]);
    for (const m of members(type)) if (m.name.toLowerCase().includes(words)) hits.push([type, m]);
  }
  // Whole names first, then types, then the rest.
  const rank = ([type, m]) => ((m ?? type).name.toLowerCase() === words ? 0 : m ? 2 : 1);
  hits.sort((a, b) => rank(a) - rank(b));
  $("explorer").replaceChildren(
    el("p", { className: "about", textContent: hits.length > MOST ? `${hits.length} found, the first ${MOST}:` : `${hits.length} found` }),
    el("ul", {}, ...hits.slice(0, MOST).map(([type, m]) => el("li", {},
      link(m ? `${type.name}.${m.name}` : type.name, `Go to ${type.name}`, () => visit(type.name)),
      el("p", { textContent: (m ?? type).description ?? "" })))),
  );
}

$("search").addEventListener("input", () => {
  const words = $("search").value.trim().toLowerCase();
  if (words) find(words);
  else visit(trail.at(-1) ?? roots[0]);
});

// ---- begin ------------------------------------------------------------------------------------------

$("run").addEventListener("click", () => (running ? running.abort() : run()));
$("reset").addEventListener("click", () => select(kept.tab, { fresh: true }));
loadExamples().catch((error) => say(`The examples could not be read: ${error.message}`, true));
loadSchema().catch((error) => { $("explorer").textContent = `The schema could not be read: ${error.message}`; });
